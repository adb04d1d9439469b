/* Every resource beside what queueing theory says of it, within 2 %.
 *
 * Each formula stands in its test.  Arrivals are Poisson or a closed network of
 * customers that think and come back; random times are exponential. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/engine/events.h"
#include "sim/engine/resource.h"
#include "sim/engine/rw_lock.h"
#include "sim/swap/device.h"

enum { SAMPLES = 400000 };

static const struct topology alone = {.cpus = 1, .sockets = 1, .nodes = 1};
static const struct costs free_of_charge;

static struct costs some_costs(void)
{
    return (struct costs){.ns[COST_atomic_local] = 7,
                          .ns[COST_line_same_socket] = 50,
                          .ns[COST_line_cross_socket] = 120,
                          .ns[COST_lock_uncontended] = 15,
                          .ns[COST_context_switch] = 1500};
}

static double exponential(uint64_t *random, double mean)
{
    return -log(1 - random_unit(random)) * mean;
}

static void assert_within_2_percent(double found, double expected)
{
    if (fabs(found - expected) > 0.02 * expected)
        fail_msg("%.4f, expected %.4f within 2 %%", found, expected);
}

/* ---- one server, Poisson arrivals ------------------------------------------------- */

/* M/D/1, service s, utilisation u = rate * s: waiting time u s / (2 (1 - u)). */
static double md1_wait_ns(double service_ns, double utilisation)
{
    return utilisation * service_ns / (2 * (1 - utilisation));
}

static void test_spinlock_is_md1(void **state)
{
    (void)state;
    static const double utilisations[] = {0.2, 0.5, 0.8};
    for (unsigned u = 0; u < 3; u++) {
        struct spinlock lock = {.line.owner = 0};
        uint64_t random = 11 + u;
        double now = 0;
        for (unsigned i = 0; i < SAMPLES; i++) {
            now += exponential(&random, 1000 / utilisations[u]);
            spinlock_hold(&lock, &alone, &free_of_charge, 0, (uint64_t)now, 1000);
        }
        assert_within_2_percent((double)lock.wait_ns / SAMPLES, md1_wait_ns(1000, utilisations[u]));
        /* Arrivals see what an observer sees at any time: busy for the share u. */
        assert_within_2_percent((double)lock.contended / SAMPLES, utilisations[u]);
        cache_line_release(&lock.line);
    }
}

/* M/M/1: exponential holds; waiting time u s / (1 - u). */
static void test_spinlock_is_mm1(void **state)
{
    (void)state;
    struct spinlock lock = {.line.owner = 0};
    uint64_t random = 5;
    double now = 0;
    for (unsigned i = 0; i < 4 * SAMPLES; i++) {
        now += exponential(&random, 10000 / 0.6);
        spinlock_hold(&lock, &alone, &free_of_charge, 0, (uint64_t)now,
                      (uint64_t)exponential(&random, 10000));
    }
    assert_within_2_percent((double)lock.wait_ns / (4 * SAMPLES), 0.6 * 10000 / (1 - 0.6));
    cache_line_release(&lock.line);
}

/* A semaphore that is only written, or a mutex, is M/G/1 whose service is s for who finds
 * it free and s + w for who has waited (Welch 1964, "exceptional first service"): with b =
 * s + w and rate r, the wait is r b^2 / (2 (1 - r b)) + r (s^2 - b^2) / (2 (1 - r b + r s)).
 * Whose waiters spin is M/D/1. */
static void check_writers(bool sleeps)
{
    const struct costs costs = {.ns[COST_context_switch] = 500};
    struct rw_lock lock;
    const double s = 1000, b = sleeps ? 1500 : 1000, rate = 0.4 / 1000;
    uint64_t random = 3;
    double now = 0;
    rw_lock_init(&lock, sleeps, NULL);
    for (unsigned i = 0; i < SAMPLES; i++) {
        now += exponential(&random, 1 / rate);
        rw_lock_write(&lock, &alone, &costs, 0, (uint64_t)now, 1000);
    }
    assert_within_2_percent((double)lock.wait_ns / SAMPLES,
                            rate * b * b / (2 * (1 - rate * b)) +
                                rate * (s * s - b * b) / (2 * (1 - rate * b + rate * s)));
    rw_lock_release(&lock);
}

static void test_writers_of_a_lock(void **state)
{
    (void)state;
    check_writers(false);
    check_writers(true);
}

/* Readers and writers that always wait, a writer with probability p: between two writers
 * there is a group of readers with probability 1 - p, who have it together, so that of 1 / p
 * requests each writer takes w and each group r: p (w + (1 - p) r) a request, and where
 * waiters sleep a switch more for each writer and each group. */
static double saturated_request_ns(double writers, bool sleeps)
{
    const struct costs costs = {.ns[COST_context_switch] = 1500};
    struct rw_lock lock;
    uint64_t random = 13, end_ns = 0;
    rw_lock_init(&lock, sleeps, NULL);
    for (unsigned i = 0; i < SAMPLES; i++) {
        bool writes = random_unit(&random) < writers;
        uint64_t left_ns = (writes ? rw_lock_write : rw_lock_read)(&lock, &alone, &costs, 0, 0,
                                                                   writes ? 300 : 1000);
        end_ns = left_ns > end_ns ? left_ns : end_ns;
    }
    rw_lock_release(&lock);
    return (double)end_ns / SAMPLES;
}

static void test_readers_and_writers_saturate(void **state)
{
    (void)state;
    static const double shares[] = {0.05, 0.3, 0.8};
    for (unsigned i = 0; i < 3; i++) {
        double p = shares[i];
        assert_within_2_percent(saturated_request_ns(p, false), p * (300 + (1 - p) * 1000));
        assert_within_2_percent(saturated_request_ns(p, true),
                                p * (300 + 1500 + (1 - p) * (1000 + 1500)));
    }
}

/* Few writers, Poisson: a reader waits if it comes in a writer's w, for w / 2 on average;
 * rates so low that writers seldom meet.  Readers alone never wait. */
static void test_readers_wait_for_writers_alone(void **state)
{
    (void)state;
    struct rw_lock lock;
    uint64_t random = 29, readers = 0, waited_ns = 0;
    double now = 0;
    rw_lock_init(&lock, false, NULL);
    for (unsigned i = 0; i < SAMPLES; i++) {
        now += exponential(&random, 1000);
        rw_lock_read(&lock, &alone, &free_of_charge, 0, (uint64_t)now, 5000);
    }
    assert_int_equal(lock.wait_ns, 0);
    /* Readers of 0 ns: writers do not wait for them. */
    for (unsigned i = 0; i < 20 * SAMPLES; i++) {
        now += exponential(&random, 10000);
        uint64_t before_ns = lock.wait_ns;
        if (random_below(&random, 500)) {
            rw_lock_read(&lock, &alone, &free_of_charge, 0, (uint64_t)now, 0);
            readers++;
            waited_ns += lock.wait_ns - before_ns;
        } else {
            rw_lock_write(&lock, &alone, &free_of_charge, 0, (uint64_t)now, 20000);
        }
    }
    /* The share of time that a writer has it, u = 20000 / (500 * 10000): M/D/1 work. */
    double u = 20000.0 / (500 * 10000);
    assert_within_2_percent((double)waited_ns / (double)readers, md1_wait_ns(20000, u));
    rw_lock_release(&lock);
}

static struct swap_device_config disk(uint64_t depth, uint64_t latency_ns, uint64_t bytes_per_s)
{
    return (struct swap_device_config){.name = "disk",
                                       .size = 1 << 20,
                                       .read_latency_ns = latency_ns,
                                       .write_latency_ns = latency_ns,
                                       .bandwidth_bytes_per_s = bytes_per_s,
                                       .queue_depth = depth};
}

/* A device that serves one transfer at a time is M/D/1 with its latency for service;
 * a deep one is M/D/1 with the time that 4 KiB take in the pipe. */
static void check_device(uint64_t depth, uint64_t latency_ns, uint64_t bytes_per_s,
                         double service_ns)
{
    struct swap_device_config config = disk(depth, latency_ns, bytes_per_s);
    struct device device = {0};
    device_init(&device, NULL, &config, 1);
    uint64_t random = 17, submitted;
    double now = 0, spent = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        now += exponential(&random, service_ns / 0.7);
        spent +=
            (double)(device_submit(&device, false, 1, (uint64_t)now, &submitted) - (uint64_t)now);
    }
    assert_within_2_percent(spent / SAMPLES - service_ns, md1_wait_ns(service_ns, 0.7));
    device_release(&device);
}

/* A read behind ten writes waits for them, unless the device is duplex. */
static void test_duplex_device(void **state)
{
    (void)state;
    for (unsigned duplex = 0; duplex < 2; duplex++) {
        struct swap_device_config config = disk(1, 20000, UINT64_MAX);
        config.duplex = duplex;
        struct device device = {0};
        uint64_t submitted;
        device_init(&device, NULL, &config, 1);
        for (unsigned i = 0; i < 10; i++)
            device_submit(&device, true, 1, 0, &submitted);
        assert_int_equal(device_submit(&device, false, 1, 0, &submitted), duplex ? 20000 : 220000);
        assert_int_equal(device_submit(&device, true, 1, 0, &submitted), duplex ? 220000 : 240000);
        device_release(&device);
    }
}

static void test_device_is_md1(void **state)
{
    (void)state;
    check_device(1, 50000, UINT64_MAX, 50000);
    check_device(256, 0, 409600000, 10000);
}

/* ---- a closed network: customers that think, then hold the lock ---------------------- */

struct customer {
    struct event_queue *events;
    struct spinlock *lock;
    const struct topology *topology;
    const struct costs *costs;
    uint64_t *random;
    double think_ns, hold_ns; /* means */
    uint64_t done;
    uint32_t cpu;
};

static void come(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct customer *customer = owner;
    uint64_t end_ns =
        spinlock_hold(customer->lock, customer->topology, customer->costs, customer->cpu, now_ns,
                      (uint64_t)exponential(customer->random, customer->hold_ns));
    customer->done++;
    events_schedule(customer->events,
                    end_ns + (uint64_t)exponential(customer->random, customer->think_ns),
                    RANK_PROCESSOR, come, customer, 0);
}

/* Holds per ns of `count` customers over a long time. */
static double closed_throughput(unsigned count, double think_ns, double hold_ns)
{
    struct event_queue events = {0};
    struct topology topology = {.cpus = count, .sockets = 1, .nodes = 1};
    struct spinlock lock = {.line.owner = NO_CPU};
    struct customer *customers = memory_zeroed(count, sizeof(*customers), "customers");
    uint64_t random = 23, done = 0;
    for (uint32_t i = 0; i < count; i++) {
        customers[i] = (struct customer){
            .events = &events,
            .lock = &lock,
            .topology = &topology,
            .costs = &free_of_charge,
            .random = &random,
            .think_ns = think_ns,
            .hold_ns = hold_ns,
            .cpu = i,
        };
        events_schedule(&events, 0, RANK_PROCESSOR, come, &customers[i], 0);
    }
    for (unsigned i = 0; i < SAMPLES; i++)
        events_run_next(&events);
    for (uint32_t i = 0; i < count; i++)
        done += customers[i].done;
    double throughput = (double)done / (double)events.now_ns;
    free(customers);
    cache_line_release(&lock.line);
    events_release(&events);
    return throughput;
}

/* Mean-value analysis (Reiser, Lavenberg 1980) of one queue and a delay: with n
 * customers the residence is R(n) = s (1 + Q(n - 1)), the throughput X(n) = n /
 * (Z + R(n)), the queue Q(n) = X(n) R(n). */
static double mean_value_throughput(unsigned count, double think_ns, double hold_ns)
{
    double queue = 0, throughput = 0;
    for (unsigned n = 1; n <= count; n++) {
        double residence = hold_ns * (1 + queue);
        throughput = n / (think_ns + residence);
        queue = throughput * residence;
    }
    return throughput;
}

static void test_spinlock_in_a_closed_network(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 2, 8, 16, 64};
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        assert_within_2_percent(closed_throughput(counts[i], 100000, 10000),
                                mean_value_throughput(counts[i], 100000, 10000));
}

/* ---- saturation -------------------------------------------------------------------- */

/* All processors want it all the time, in turn: one use every transfer + use.  `step`
 * leads from one processor to the next. */
static double saturated_ns(struct topology topology, uint32_t step, uint64_t hold_ns,
                           uint64_t (*hold)(struct spinlock *, const struct topology *,
                                            const struct costs *, uint32_t, uint64_t, uint64_t))
{
    struct costs costs = some_costs();
    struct spinlock lock = {.line.owner = NO_CPU};
    uint64_t end_ns = 0;
    enum { USES = 100000 };
    for (uint32_t i = 0; i < USES; i++)
        end_ns = hold(&lock, &topology, &costs, i * step % topology.cpus, 0, hold_ns);
    cache_line_release(&lock.line);
    return (double)end_ns / USES;
}

static void test_locks_saturate_by_distance(void **state)
{
    (void)state;
    struct topology one = {.cpus = 8, .sockets = 1, .nodes = 1};
    struct topology two = {.cpus = 8, .sockets = 2, .nodes = 2};
    assert_within_2_percent(saturated_ns(one, 1, 100, spinlock_hold), 50 + 15 + 100);
    /* In order round two sockets of four: 2 of 8 hand-overs cross. */
    assert_within_2_percent(saturated_ns(two, 1, 100, spinlock_hold),
                            0.75 * 50 + 0.25 * 120 + 15 + 100);
    /* 0, 5, 2, 7, 4, 1, 6, 3: 6 of 8 cross. */
    assert_within_2_percent(saturated_ns(two, 5, 100, spinlock_hold),
                            0.25 * 50 + 0.75 * 120 + 15 + 100);
}

/* The same when each processor works a fault through in one go, and so asks for a time
 * up to 20 us ahead, in no order: nobody holds the lock while another one does, however
 * many ask, and what is asked for in the end is what a lock can give. */
struct ahead {
    struct event_queue *events;
    struct spinlock *lock;
    struct topology topology;
    uint64_t *random, *last_ns;
    uint32_t cpu;
};

static void work_ahead(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    static const struct costs costs = {.ns[COST_lock_uncontended] = 15};
    struct ahead *ahead = owner;
    uint64_t end_ns = spinlock_hold(ahead->lock, &ahead->topology, &costs, ahead->cpu,
                                    now_ns + random_below(ahead->random, 20000), 85);
    *ahead->last_ns = end_ns > *ahead->last_ns ? end_ns : *ahead->last_ns;
    events_schedule(ahead->events, end_ns, RANK_PROCESSOR, work_ahead, ahead, 0);
}

static void check_ahead(uint32_t cpus)
{
    struct event_queue events = {0};
    struct spinlock lock = {0};
    struct ahead *all = memory_zeroed(cpus, sizeof(*all), "processors");
    uint64_t random = 41, last_ns = 0;
    enum { HOLDS = 200000 };
    cache_line_init(&lock.line, &events.now_ns);
    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
        all[cpu] = (struct ahead){
            .events = &events,
            .lock = &lock,
            .topology = {.cpus = cpus, .sockets = 1, .nodes = 1},
            .random = &random,
            .last_ns = &last_ns,
            .cpu = cpu,
        };
        events_schedule(&events, 0, RANK_PROCESSOR, work_ahead, &all[cpu], 0);
    }
    for (unsigned i = 0; i < HOLDS; i++)
        events_run_next(&events);
    /* At most one hold every 100 ns. */
    assert_in_range(last_ns, HOLDS * 100ull, UINT64_MAX);
    /* Saturated from about 100 processors on: what lies fallow between two holds is
     * shorter than one. */
    if (cpus >= 256)
        assert_in_range(last_ns, HOLDS * 100ull, HOLDS * 150ull);
    cache_line_release(&lock.line);
    free(all);
    events_release(&events);
}

static void test_a_lock_asked_for_ahead_of_time_stays_one(void **state)
{
    (void)state;
    check_ahead(2);
    check_ahead(64);
    check_ahead(256);
    check_ahead(1024);
}

/* Readers of a reader-writer lock: two updates of its line each, entering and leaving;
 * they do not exclude each other, but the line is with one of them at a time: at most
 * 1 / (2 (t + a)) of them pass. */
static void test_readers_of_a_lock(void **state)
{
    (void)state;
    struct costs costs = some_costs();
    struct topology topology = {.cpus = 8, .sockets = 1, .nodes = 1};
    struct rw_lock lock;
    struct {
        uint64_t at_ns;
        bool inside;
    } readers[8] = {{0}};
    uint64_t passed = 0, now_ns = 0;
    rw_lock_init(&lock, true, NULL);
    while (passed < 50000) {
        unsigned next = 0;
        for (unsigned i = 1; i < 8; i++)
            if (readers[i].at_ns < readers[next].at_ns)
                next = i;
        now_ns = readers[next].at_ns;
        if (readers[next].inside)
            now_ns = rw_lock_leave_read(&lock, &topology, &costs, next, now_ns);
        else
            assert_true(rw_lock_try_read(&lock, &topology, &costs, next, &now_ns));
        readers[next].at_ns = now_ns + (readers[next].inside ? 0 : 100);
        passed += readers[next].inside;
        readers[next].inside = !readers[next].inside;
    }
    rw_lock_release(&lock);
    assert_within_2_percent((double)now_ns / (double)passed, 2 * (50 + 7));
}

/* kref: one line for all, one update every transfer + update; percpu_ref takes no line
 * at all while it is in its per-processor mode (policies/pool_ref/percpu_ref.c). */
static void test_shared_counter_saturates(void **state)
{
    (void)state;
    struct costs costs = some_costs();
    static const uint32_t cpus[] = {2, 16, 128};
    for (unsigned c = 0; c < 3; c++) {
        struct topology topology = {.cpus = cpus[c], .sockets = 2, .nodes = 2};
        struct cache_line line = {.owner = NO_CPU};
        uint64_t random = 31, end_ns = 0;
        for (unsigned i = 0; i < SAMPLES; i++)
            end_ns = cache_line_update(&line, &topology, &costs,
                                       (uint32_t)random_below(&random, cpus[c]), 0);
        /* The next one is the owner with 1/n, on its socket with 1/2 - 1/n. */
        double self = 1.0 / cpus[c];
        assert_within_2_percent((double)end_ns / SAMPLES, 7 + (0.5 - self) * 50 + 0.5 * 120);
        cache_line_release(&line);
    }
}

/* k servers of latency d: at most k / d transfers a ns, and at most bandwidth / 4 KiB. */
static double device_ns(uint64_t depth, uint64_t latency_ns, uint64_t bytes_per_s)
{
    struct swap_device_config config = disk(depth, latency_ns, bytes_per_s);
    struct device device = {0};
    uint64_t submitted_ns = 0, end_ns = 0;
    enum { TRANSFERS = 20000 };
    device_init(&device, NULL, &config, 1);
    for (unsigned i = 0; i < TRANSFERS; i++)
        end_ns = device_submit(&device, true, 1, submitted_ns, &submitted_ns);
    device_release(&device);
    return (double)end_ns / TRANSFERS;
}

static void test_device_saturates(void **state)
{
    (void)state;
    assert_within_2_percent(device_ns(1, 65000, 2000000000), 65000);
    assert_within_2_percent(device_ns(8, 65000, 2000000000), 65000.0 / 8);
    assert_within_2_percent(device_ns(128, 65000, 2000000000), 4096 / 2.0);
}

/* ---- devices whose latency varies ---------------------------------------------------- */

/* M/G/1 (Pollaczek, Khinchine): with mean s and squared coefficient of variation c the
 * waiting time is u s (1 + c) / (2 (1 - u)). */
static double mg1_wait_ns(double mean_ns, double variation, double utilisation)
{
    return utilisation * mean_ns * (1 + variation) / (2 * (1 - utilisation));
}

/* Erlang's C: the probability that all c servers are busy, `load` = rate * s. */
static double erlang_c(unsigned servers, double load)
{
    double term = 1, sum = 1;
    for (unsigned k = 1; k < servers; k++)
        sum += term *= load / k;
    term *= load / servers;
    double busy = term / (1 - load / servers);
    return busy / (sum + busy);
}

/* Mean time from submission to the end, less the mean latency. */
static double device_wait_ns(struct swap_device_config config, double rate, unsigned transfers)
{
    struct device device = {0};
    uint64_t random = 71, submitted;
    double now = 0, spent = 0, busy;
    device_init(&device, NULL, &config, 5);
    for (unsigned i = 0; i < transfers; i++) {
        now += exponential(&random, 1 / rate);
        spent +=
            (double)(device_submit(&device, false, 1, (uint64_t)now, &submitted) - (uint64_t)now);
    }
    /* Little's law, and the device's own books: what is in it is rate times time in it. */
    assert_within_2_percent((double)device.stats.in_flight_ns, spent);
    assert_within_2_percent((double)device.stats.read_latency.sum, spent);
    busy = (double)device.stats.busy_ns / now;
    if (config.queue_depth == 1)
        assert_within_2_percent(busy, rate * (double)config.read_latency_ns);
    device_release(&device);
    return spent / transfers - (double)config.read_latency_ns;
}

static void test_exponential_device_is_mmc(void **state)
{
    (void)state;
    static const unsigned depths[] = {1, 4, 32};
    for (unsigned i = 0; i < 3; i++) {
        unsigned c = depths[i];
        struct swap_device_config config = disk(c, 50000, UINT64_MAX);
        config.latency_distribution = LATENCY_EXPONENTIAL;
        double load = 0.8 * c;
        assert_within_2_percent(device_wait_ns(config, load / 50000, (c > 4 ? 12 : 4) * SAMPLES),
                                erlang_c(c, load) * 50000 / (c - load));
    }
}

/* The variation of a lognormal time is e^(sigma^2) - 1; its 99th percentile is the median
 * times e^(2.326 sigma). */
static void test_lognormal_device_is_mg1(void **state)
{
    (void)state;
    struct swap_device_config config = disk(1, 50000, UINT64_MAX);
    config.latency_distribution = LATENCY_LOGNORMAL;
    config.latency_p99_ratio = 4;
    double sigma = log(4) / 2.3263478740408408, variation = exp(sigma * sigma) - 1;
    assert_within_2_percent(device_wait_ns(config, 0.6 / 50000, 4 * SAMPLES),
                            mg1_wait_ns(50000, variation, 0.6));
}

/* Quantiles 0: 0.5, 90 %: 0.9, 100 %: 3.7: two uniform pieces of mean 0.7 and 2.3. */
static void test_device_with_a_table_is_mg1(void **state)
{
    (void)state;
    struct swap_device_config config = disk(1, 50000, UINT64_MAX);
    config.latency_distribution = LATENCY_TABLE;
    config.latency_points[0] = (struct latency_point){0, 0.5};
    config.latency_points[1] = (struct latency_point){0.9, 0.9};
    config.latency_points[2] = (struct latency_point){1, 3.7};
    config.latency_point_count = 3;
    double mean = 0.9 * 0.7 + 0.1 * 2.3;
    double square = 0.9 * (0.49 + 0.16 / 12) + 0.1 * (2.3 * 2.3 + 2.8 * 2.8 / 12);
    config.read_latency_ns = 50000;
    struct device device = {0};
    uint64_t random = 73, submitted;
    double now = 0, spent = 0, rate = 0.6 / (50000 * mean);
    device_init(&device, NULL, &config, 6);
    for (unsigned i = 0; i < 4 * SAMPLES; i++) {
        now += exponential(&random, 1 / rate);
        spent +=
            (double)(device_submit(&device, false, 1, (uint64_t)now, &submitted) - (uint64_t)now);
    }
    device_release(&device);
    assert_within_2_percent(spent / (4 * SAMPLES) - 50000 * mean,
                            mg1_wait_ns(50000 * mean, square / (mean * mean) - 1, 0.6));
}

/* The sampled times themselves: mean and percentiles of an idle device. */
static void test_latencies_have_their_distribution(void **state)
{
    (void)state;
    struct swap_device_config config = disk(1, 100000, UINT64_MAX);
    static const struct {
        unsigned distribution;
        double mean, median, p99;
    } expected[] = {{LATENCY_CONSTANT, 1, 1, 1},
                    {LATENCY_EXPONENTIAL, 1, 0.693147, 4.60517},
                    {LATENCY_LOGNORMAL, 1, 0.837320, 3.349281}};
    config.latency_p99_ratio = 4;
    for (unsigned d = 0; d < 3; d++) {
        struct device device = {0};
        uint64_t submitted;
        config.latency_distribution = expected[d].distribution;
        device_init(&device, NULL, &config, 9);
        for (unsigned i = 0; i < SAMPLES; i++)
            device_submit(&device, false, 1, i * 100000000ull, &submitted);
        const struct histogram *latency = &device.stats.read_latency;
        assert_within_2_percent((double)latency->sum / SAMPLES, 100000 * expected[d].mean);
        /* A histogram's buckets are up to 3 % wide. */
        double median = (double)histogram_percentile(latency, 5000);
        double p99 = (double)histogram_percentile(latency, 9900);
        assert_true(fabs(median / (100000 * expected[d].median) - 1) < 0.05);
        assert_true(fabs(p99 / (100000 * expected[d].p99) - 1) < 0.05);
        device_release(&device);
    }
}

/* A request of n pages takes a server once: at most depth / (latency + (n - 1) 4 KiB /
 * bandwidth) of them a ns, and at most the bandwidth. */
static void test_merged_requests_saturate(void **state)
{
    (void)state;
    static const unsigned pages[] = {1, 8, 32};
    for (unsigned i = 0; i < 3; i++) {
        struct swap_device_config config = disk(2, 65000, 2048000000); /* 2 us a page */
        struct device device = {0};
        uint64_t submitted_ns = 0, end_ns = 0;
        enum { REQUESTS = 20000 };
        device_init(&device, NULL, &config, 1);
        for (unsigned n = 0; n < REQUESTS; n++)
            end_ns = device_submit(&device, true, pages[i], submitted_ns, &submitted_ns);
        double by_servers = (65000 + 2000.0 * (pages[i] - 1)) / 2, by_pipe = 2000.0 * pages[i];
        assert_within_2_percent((double)end_ns / REQUESTS,
                                by_servers > by_pipe ? by_servers : by_pipe);
        assert_int_equal(device.stats.merged, REQUESTS * (pages[i] - 1));
        device_release(&device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spinlock_is_md1),
        cmocka_unit_test(test_spinlock_is_mm1),
        cmocka_unit_test(test_duplex_device),
        cmocka_unit_test(test_writers_of_a_lock),
        cmocka_unit_test(test_readers_and_writers_saturate),
        cmocka_unit_test(test_readers_wait_for_writers_alone),
        cmocka_unit_test(test_device_is_md1),
        cmocka_unit_test(test_spinlock_in_a_closed_network),
        cmocka_unit_test(test_locks_saturate_by_distance),
        cmocka_unit_test(test_a_lock_asked_for_ahead_of_time_stays_one),
        cmocka_unit_test(test_readers_of_a_lock),
        cmocka_unit_test(test_shared_counter_saturates),
        cmocka_unit_test(test_device_saturates),
        cmocka_unit_test(test_exponential_device_is_mmc),
        cmocka_unit_test(test_lognormal_device_is_mg1),
        cmocka_unit_test(test_device_with_a_table_is_mg1),
        cmocka_unit_test(test_latencies_have_their_distribution),
        cmocka_unit_test(test_merged_requests_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

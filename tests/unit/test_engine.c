/* The event queue's order, processors, locks and cache lines, devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/engine/events.h"
#include "sim/engine/processor.h"
#include "sim/engine/resource.h"
#include "sim/swap/device.h"

/* ---- events ------------------------------------------------------------------ */

struct record {
    uint64_t order[64];
    unsigned count;
};

static void note(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)now_ns;
    struct record *record = owner;
    record->order[record->count++] = argument;
}

static void test_events_by_time_rank_then_sequence(void **state)
{
    (void)state;
    struct event_queue queue = {0};
    struct record record = {0};
    events_schedule(&queue, 20, RANK_DEVICE, note, &record, 5);
    events_schedule(&queue, 10, RANK_PROCESSOR, note, &record, 3);
    events_schedule(&queue, 10, RANK_DEVICE, note, &record, 1);
    events_schedule(&queue, 10, RANK_PROCESSOR, note, &record, 4);
    events_schedule(&queue, 10, RANK_CONTROL, note, &record, 2);
    while (events_run_next(&queue))
        ;
    assert_int_equal(record.count, 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(record.order[i], i + 1);
    assert_int_equal(queue.now_ns, 20);
    events_release(&queue);
}

static void check_order(void *owner, uint64_t now_ns, uint64_t argument)
{
    uint64_t *last = owner;
    assert_true(now_ns >= *last);
    assert_int_equal(now_ns, argument);
    *last = now_ns;
}

static void test_events_random_times_come_out_sorted(void **state)
{
    (void)state;
    struct event_queue queue = {0};
    uint64_t random = 7, last = 0, count = 0;
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t at = random_below(&random, 1000000);
        events_schedule(&queue, at, RANK_CONTROL, check_order, &last, at);
    }
    while (events_run_next(&queue))
        count++;
    assert_int_equal(count, 10000);
    events_release(&queue);
}

static void test_catch_up_stops_at_its_time_and_does_not_nest(void **state)
{
    (void)state;
    struct event_queue queue = {0};
    struct record record = {0};
    events_schedule(&queue, 5, RANK_CONTROL, note, &record, 1);
    events_schedule(&queue, 6, RANK_CONTROL, note, &record, 2);
    events_schedule(&queue, 7, RANK_CONTROL, note, &record, 3);
    queue.catching_up = true;
    events_catch_up(&queue, 100);
    assert_int_equal(record.count, 0);
    queue.catching_up = false;
    events_catch_up(&queue, 6);
    assert_int_equal(record.count, 2);
    assert_int_equal(events_next_time(&queue), 7);
    events_release(&queue);
}

/* ---- resources ------------------------------------------------------------------ */

static struct costs test_costs(void)
{
    struct costs costs = {0};
    costs.ns[COST_atomic_local] = 7;
    costs.ns[COST_line_same_socket] = 50;
    costs.ns[COST_line_cross_socket] = 120;
    costs.ns[COST_lock_uncontended] = 15;
    return costs;
}

/* Who only looks on comes before events of the same time, is none itself, and is not skipped. */
static void test_looks_are_no_events(void **state)
{
    (void)state;
    struct event_queue queue = {0};
    struct record record = {0};
    events_schedule(&queue, 10, RANK_DEVICE, note, &record, 1);
    events_schedule_look(&queue, 10, note, &record);
    events_schedule_look(&queue, 30, note, &record);
    assert_int_equal(events_next_time(&queue), 10);
    assert_true(events_run_next(&queue));
    assert_int_equal(record.count, 2);
    assert_int_equal(record.order[1], 1);
    assert_false(events_run_next(&queue));
    assert_true(events_skip_to(&queue, 29));
    assert_false(events_skip_to(&queue, 30));
    assert_false(events_look_is_due(&queue, 30));
    assert_true(events_look_is_due(&queue, 31));
    events_look(&queue, 30);
    assert_int_equal(record.count, 3);
    assert_int_equal(queue.now_ns, 30);
    events_release(&queue);
}

static void test_cache_line_costs_by_distance(void **state)
{
    (void)state;
    struct costs costs = test_costs();
    struct topology topology = {.cpus = 4, .sockets = 2, .nodes = 2};
    struct cache_line line = {.owner = NO_CPU};
    assert_int_equal(cache_line_update(&line, &topology, &costs, 0, 1000), 1007);
    assert_int_equal(cache_line_update(&line, &topology, &costs, 0, 2000), 2007);
    assert_int_equal(cache_line_update(&line, &topology, &costs, 1, 3000), 3057);
    assert_int_equal(cache_line_update(&line, &topology, &costs, 2, 4000), 4127);
    cache_line_release(&line);
}

static void test_cache_line_serialises(void **state)
{
    (void)state;
    struct costs costs = test_costs();
    struct topology topology = {.cpus = 2, .sockets = 1, .nodes = 1};
    struct cache_line line = {.owner = 0};
    uint64_t first = cache_line_update(&line, &topology, &costs, 1, 100);
    uint64_t second = cache_line_update(&line, &topology, &costs, 0, 100);
    assert_int_equal(first, 157);
    assert_int_equal(second, 157 + 57);
    cache_line_release(&line);
}

/* Saturated by n processors in turn, a line takes one update per transfer. */
static void test_cache_line_saturation_throughput(void **state)
{
    (void)state;
    struct costs costs = test_costs();
    struct topology topology = {.cpus = 8, .sockets = 1, .nodes = 1};
    struct cache_line line = {.owner = NO_CPU};
    uint64_t end = 0;
    for (unsigned i = 0; i < 80000; i++)
        end = cache_line_update(&line, &topology, &costs, i % 8, 0);
    uint64_t expected = 80000ull * (50 + 7);
    assert_true(end > expected * 98 / 100 && end < expected * 102 / 100);
    cache_line_release(&line);
}

/* M/D/1: Poisson arrivals at rate r to a lock held for s wait r s^2 / (2 (1 - r s)). */
static void test_spinlock_waits_as_a_single_server(void **state)
{
    (void)state;
    struct costs costs = {0};
    struct topology topology = {.cpus = 1, .sockets = 1, .nodes = 1};
    struct spinlock lock = {.line.owner = 0};
    enum { ARRIVALS = 400000, HOLD_NS = 1000 };
    uint64_t random = 99;
    double now = 0, mean_gap = 1000 / 0.7;
    for (unsigned i = 0; i < ARRIVALS; i++) {
        now += -__builtin_log(1 - random_unit(&random)) * mean_gap;
        spinlock_hold(&lock, &topology, &costs, 0, (uint64_t)now, HOLD_NS);
    }
    double utilisation = 0.7, expected = utilisation * HOLD_NS / (2 * (1 - utilisation));
    double measured = (double)lock.wait_ns / ARRIVALS;
    assert_true(measured > expected * 0.98 && measured < expected * 1.02);
    cache_line_release(&lock.line);
}

/* ---- processors ---------------------------------------------------------------------- */

struct counting_runner {
    struct runner runner;
    unsigned turns, turns_wanted;
    uint64_t work_ns;
    uint64_t last_end_ns;
};

static enum turn_end count_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                                uint64_t *end_ns, uint64_t *wake_at_ns)
{
    (void)cpu, (void)wake_at_ns;
    struct counting_runner *counting = (struct counting_runner *)runner;
    *end_ns = now_ns + counting->work_ns;
    counting->last_end_ns = *end_ns;
    return ++counting->turns == counting->turns_wanted ? TURN_FINISHED : TURN_RUNNABLE;
}

static void test_two_runners_share_one_processor(void **state)
{
    (void)state;
    struct event_queue events = {0};
    struct costs costs = {0};
    uint64_t times[TIME_KINDS] = {0};
    struct processors processors = {0};
    processors_init(&processors, &events, &costs,
                    (struct topology){.cpus = 1, .sockets = 1, .nodes = 1}, times);
    enum { WORK_NS = PROCESSOR_SLICE_NS / 3 };
    struct counting_runner runners[2] = {
        {.runner.turn = count_turn, .turns_wanted = 10, .work_ns = WORK_NS},
        {.runner.turn = count_turn, .turns_wanted = 10, .work_ns = WORK_NS},
    };
    for (unsigned i = 0; i < 2; i++)
        processors_wake_at(&processors, &runners[i].runner, 0);
    while (events_run_next(&events))
        ;
    assert_int_equal(runners[0].turns, 10);
    assert_int_equal(runners[1].turns, 10);
    /* Slices of three turns in turn: the first one's last turn is the last but one
     * of all, as each has a tenth. */
    assert_int_equal(runners[0].last_end_ns, 19 * WORK_NS);
    assert_int_equal(runners[1].last_end_ns, 20 * WORK_NS);
    assert_int_equal(processors.list[0].busy_ns, 20 * WORK_NS);
    processors_release(&processors);
    events_release(&events);
}

static void test_runners_on_two_processors_do_not_wait(void **state)
{
    (void)state;
    struct event_queue events = {0};
    struct costs costs = {0};
    uint64_t times[TIME_KINDS] = {0};
    struct processors processors = {0};
    processors_init(&processors, &events, &costs,
                    (struct topology){.cpus = 2, .sockets = 1, .nodes = 1}, times);
    struct counting_runner runners[2] = {
        {.runner.turn = count_turn, .turns_wanted = 10, .work_ns = 100},
        {.runner = {.turn = count_turn, .cpu = 1}, .turns_wanted = 10, .work_ns = 100},
    };
    for (unsigned i = 0; i < 2; i++)
        processors_wake_at(&processors, &runners[i].runner, 0);
    while (events_run_next(&events))
        ;
    assert_int_equal(runners[0].last_end_ns, 1000);
    assert_int_equal(runners[1].last_end_ns, 1000);
    assert_int_equal(times[TIME_cpu_wait], 0);
    processors_release(&processors);
    events_release(&events);
}

static void test_idle_processor_is_found_from_the_last(void **state)
{
    (void)state;
    struct event_queue events = {0};
    struct costs costs = {0};
    uint64_t times[TIME_KINDS] = {0};
    struct processors processors = {0};
    processors_init(&processors, &events, &costs,
                    (struct topology){.cpus = 3, .sockets = 1, .nodes = 1}, times);
    assert_int_equal(processors_find_idle(&processors, 0), 2);
    processors.list[2].in_turn = true;
    assert_int_equal(processors_find_idle(&processors, 0), 1);
    processors.list[1].in_turn = processors.list[0].in_turn = true;
    assert_int_equal(processors_find_idle(&processors, 0), 0);
    processors_release(&processors);
    events_release(&events);
}

/* ---- devices ------------------------------------------------------------------------------ */

static struct swap_device_config test_device(uint64_t queue_depth)
{
    return (struct swap_device_config){.name = "disk",
                                       .size = 1 << 20,
                                       .read_latency_ns = 50000,
                                       .write_latency_ns = 20000,
                                       .bandwidth_bytes_per_s = 4096000000ull,
                                       .queue_depth = queue_depth};
}

static void test_idle_device_takes_its_latency(void **state)
{
    (void)state;
    struct swap_device_config config = test_device(4);
    struct device device = {0};
    uint64_t submitted;
    device_init(&device, NULL, &config, 1);
    assert_int_equal(device_submit(&device, false, 1, 1000, &submitted), 51000);
    assert_int_equal(submitted, 1000);
    assert_int_equal(device_submit(&device, true, 1, 1000, &submitted), 21000);
    assert_int_equal(device.slots, 256);
    device_release(&device);
}

static void test_queue_depth_limits_transfers_at_a_time(void **state)
{
    (void)state;
    struct swap_device_config config = test_device(2);
    struct device device = {0};
    uint64_t submitted, ends[4];
    device_init(&device, NULL, &config, 1);
    for (unsigned i = 0; i < 4; i++)
        ends[i] = device_submit(&device, false, 1, 0, &submitted);
    assert_int_equal(ends[0], 50000);
    assert_int_equal(ends[1], 50000);
    assert_int_equal(ends[2], 100000);
    assert_int_equal(ends[3], 100000);
    device_release(&device);
}

/* 4096 bytes at 4.096 GB/s are 1 us: a deep queue passes one transfer per us. */
static void test_bandwidth_limits_a_deep_queue(void **state)
{
    (void)state;
    struct swap_device_config config = test_device(1024);
    struct device device = {0};
    uint64_t submitted, end = 0;
    device_init(&device, NULL, &config, 1);
    for (unsigned i = 0; i < 200; i++)
        end = device_submit(&device, true, 1, 0, &submitted);
    assert_int_equal(end, 200 * 1000);
    device_release(&device);
}

static void test_submitter_sleeps_when_the_queue_is_full(void **state)
{
    (void)state;
    struct swap_device_config config = test_device(1);
    struct device device = {0};
    uint64_t submitted;
    device_init(&device, NULL, &config, 1);
    for (unsigned i = 0; i < 256; i++) {
        device_submit(&device, true, 1, 0, &submitted);
        assert_int_equal(submitted, 0);
    }
    device_submit(&device, true, 1, 0, &submitted);
    assert_int_equal(submitted, 20000); /* the first write has ended */
    device_release(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_by_time_rank_then_sequence),
        cmocka_unit_test(test_events_random_times_come_out_sorted),
        cmocka_unit_test(test_catch_up_stops_at_its_time_and_does_not_nest),
        cmocka_unit_test(test_looks_are_no_events),
        cmocka_unit_test(test_cache_line_costs_by_distance),
        cmocka_unit_test(test_cache_line_serialises),
        cmocka_unit_test(test_cache_line_saturation_throughput),
        cmocka_unit_test(test_spinlock_waits_as_a_single_server),
        cmocka_unit_test(test_two_runners_share_one_processor),
        cmocka_unit_test(test_runners_on_two_processors_do_not_wait),
        cmocka_unit_test(test_idle_processor_is_found_from_the_last),
        cmocka_unit_test(test_idle_device_takes_its_latency),
        cmocka_unit_test(test_queue_depth_limits_transfers_at_a_time),
        cmocka_unit_test(test_bandwidth_limits_a_deep_queue),
        cmocka_unit_test(test_submitter_sleeps_when_the_queue_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

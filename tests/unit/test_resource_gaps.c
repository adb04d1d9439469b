/* A lock or cache line that is asked for out of order: a fault that is worked
 * through in one go must not keep others from the time between its own uses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/engine/resource.h"

static const struct topology topology = {.cpus = 4, .sockets = 2, .nodes = 1};

static struct costs make_costs(void)
{
    struct costs costs = {0};
    costs.ns[COST_atomic_local] = 7;
    costs.ns[COST_line_same_socket] = 50;
    costs.ns[COST_line_cross_socket] = 120;
    costs.ns[COST_lock_uncontended] = 15;
    return costs;
}

static void test_an_earlier_request_gets_the_gap(void **state)
{
    (void)state;
    struct costs costs = make_costs();
    struct spinlock lock = {.line.owner = 0};
    for (uint64_t now = 1000; now <= 100000; now += 9000)
        assert_int_equal(spinlock_hold(&lock, &topology, &costs, 0, now, 100), now + 115);
    /* The line comes from processor 0 (50 ns); nobody holds the lock at 5000. */
    assert_int_equal(spinlock_hold(&lock, &topology, &costs, 1, 5000, 100), 5165);
    assert_int_equal(lock.contended, 0);
    assert_int_equal(lock.wait_ns, 0);
    cache_line_release(&lock.line);
}

static void test_a_gap_that_is_too_short_is_passed_over(void **state)
{
    (void)state;
    struct costs costs = make_costs();
    struct spinlock lock = {.line.owner = 0};
    spinlock_hold(&lock, &topology, &costs, 0, 1000, 100); /* 1000 to 1115 */
    spinlock_hold(&lock, &topology, &costs, 0, 1200, 100); /* 1200 to 1315 */
    /* 165 ns are needed, 85 are free before 1200. */
    assert_int_equal(spinlock_hold(&lock, &topology, &costs, 1, 1100, 100), 1315 + 165);
    assert_int_equal(lock.wait_ns, 215);
    cache_line_release(&lock.line);
}

static void test_the_line_comes_from_its_owner_at_that_time(void **state)
{
    (void)state;
    struct costs costs = make_costs();
    struct cache_line line = {.owner = 0};
    assert_int_equal(cache_line_update(&line, &topology, &costs, 3, 9000), 9127);
    /* At 2000 processor 0 still had it. */
    assert_int_equal(cache_line_update(&line, &topology, &costs, 0, 2000), 2007);
    assert_int_equal(cache_line_update(&line, &topology, &costs, 1, 3000), 3057);
    cache_line_release(&line);
}

static void test_settled_intervals_are_forgotten(void **state)
{
    (void)state;
    struct costs costs = make_costs();
    uint64_t settled_ns = 0;
    struct cache_line line;
    cache_line_init(&line, &settled_ns);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(cache_line_update(&line, &topology, &costs, 0, i * 1000), i * 1000 + 7);
    assert_int_equal(line.count, 1000);
    settled_ns = 900 * 1000;
    assert_int_equal(cache_line_update(&line, &topology, &costs, 0, 950 * 1000 + 500), 950507);
    assert_in_range(line.count, 101, 200); /* nearly all that are over */
    settled_ns = 2000 * 1000;
    assert_int_equal(cache_line_update(&line, &topology, &costs, 1, settled_ns), settled_ns + 57);
    assert_int_equal(line.count, 1);
    cache_line_release(&line);
}

/* One that has come far ahead of all others does not keep what they leave behind. */
static void test_settled_intervals_are_forgotten_behind_a_distant_one(void **state)
{
    (void)state;
    struct costs costs = make_costs();
    uint64_t settled_ns = 0;
    struct cache_line line;
    cache_line_init(&line, &settled_ns);
    for (uint64_t i = 0; i < 5; i++)
        cache_line_update(&line, &topology, &costs, 1, 1000000000 + i * 1000);
    for (uint64_t i = 0; i < 5000; i++) {
        settled_ns = i * 1000;
        cache_line_update(&line, &topology, &costs, 0, i * 1000 + 500);
        assert_in_range(line.count, 5, 200);
    }
    cache_line_release(&line);
}

/* Each gap is found again when thousands are open, in whatever order they come. */
static void test_thousands_of_intervals(void **state)
{
    (void)state;
    enum { COUNT = 5000, PRIME = 7919 };
    struct costs costs = make_costs();
    uint64_t settled_ns = 0;
    struct cache_line line;
    cache_line_init(&line, &settled_ns);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t now_ns = i * PRIME % COUNT * 1000;
        assert_int_equal(cache_line_update(&line, &topology, &costs, 2, now_ns), now_ns + 7);
    }
    assert_int_equal(line.count, COUNT);
    /* In the middle of an interval: behind it.  Just before the next: behind that one. */
    for (uint64_t i = 1; i < COUNT; i += 97) {
        assert_int_equal(cache_line_update(&line, &topology, &costs, 2, i * 1000 + 3),
                         i * 1000 + 14);
        assert_int_equal(cache_line_update(&line, &topology, &costs, 2, i * 1000 - 1),
                         i * 1000 + 21);
    }
    assert_int_equal(line.count, COUNT);
    cache_line_release(&line);
}

/* To forget what is settled changes no answer: two locks with the same requests, of
 * which one knows the time before which none comes. */
static void test_settled_intervals_do_not_matter(void **state)
{
    (void)state;
    struct costs costs = make_costs();
    uint64_t settled_ns = 0, random = 7;
    struct spinlock knowing, other = {.line.owner = NO_CPU};
    memset(&knowing, 0, sizeof(knowing));
    cache_line_init(&knowing.line, &settled_ns);
    for (uint32_t i = 0; i < 20000; i++) {
        /* Quiet times and crowded ones. */
        settled_ns += random_below(&random, i / 1000 % 2 ? 40 : 400);
        uint64_t now_ns = settled_ns + random_below(&random, 3000);
        uint32_t cpu = (uint32_t)random_below(&random, topology.cpus);
        uint64_t hold_ns = random_below(&random, 100);
        assert_int_equal(spinlock_hold(&knowing, &topology, &costs, cpu, now_ns, hold_ns),
                         spinlock_hold(&other, &topology, &costs, cpu, now_ns, hold_ns));
    }
    assert_int_equal(knowing.wait_ns, other.wait_ns);
    assert_true(knowing.contended > 0);
    cache_line_release(&knowing.line);
    cache_line_release(&other.line);
}

/* What a lock must do, said as plainly as can be: all intervals in one array. */
struct plain_lock {
    uint32_t count;
    struct {
        uint64_t start_ns, end_ns;
        uint32_t owner;
    } taken[20000];
};

static uint64_t plain_hold(struct plain_lock *plain, const struct topology *machine,
                           const struct costs *costs, uint32_t cpu, uint64_t now_ns,
                           uint64_t use_ns)
{
    uint32_t at = 0, owner = NO_CPU;
    while (at < plain->count && plain->taken[at].end_ns <= now_ns)
        owner = plain->taken[at++].owner;
    uint64_t length_ns;
    for (;; at++) {
        length_ns = use_ns + cache_line_transfer_ns(owner, machine, costs, cpu);
        if (at == plain->count || plain->taken[at].start_ns >= now_ns + length_ns)
            break;
        now_ns = plain->taken[at].end_ns;
        owner = plain->taken[at].owner;
    }
    assert_true(plain->count < 20000);
    for (uint32_t i = plain->count++; i > at; i--)
        plain->taken[i] = plain->taken[i - 1];
    plain->taken[at].start_ns = now_ns;
    plain->taken[at].end_ns = now_ns + length_ns;
    plain->taken[at].owner = cpu;
    return now_ns + length_ns;
}

/* Processors that each come a little later every time, the one that is most behind first,
 * as in a simulation; now with time to spare, now more than the lock can serve. */
static void compare_with_plain(struct topology machine)
{
    static struct plain_lock plain;
    struct costs costs = make_costs();
    uint64_t random = 11, settled_ns = 0, at_ns[64] = {0}, contended = 0;
    struct spinlock lock;
    memset(&lock, 0, sizeof(lock));
    cache_line_init(&lock.line, &settled_ns);
    plain.count = 0;
    for (uint32_t i = 0; i < 20000;) {
        uint32_t cpu = 0;
        for (uint32_t other = 1; other < 64; other++)
            cpu = at_ns[other] < at_ns[cpu] ? other : cpu;
        settled_ns = at_ns[cpu];
        uint32_t uses = 1 + (uint32_t)random_below(&random, 40);
        for (; uses > 0 && i < 20000; uses--, i++) {
            uint64_t hold_ns = random_below(&random, 4) ? 0 : random_below(&random, 200);
            uint64_t end_ns = spinlock_hold(&lock, &machine, &costs, cpu, at_ns[cpu], hold_ns);
            assert_int_equal(end_ns, plain_hold(&plain, &machine, &costs, cpu, at_ns[cpu],
                                                hold_ns + costs.ns[COST_lock_uncontended]));
            contended += end_ns > at_ns[cpu] + 200;
            uint64_t most_ns = i / 4000 % 2 ? 4000 : 12000;
            /* One use in four soon after the other: what lies between is of no use to others. */
            if (random_below(&random, 4) == 0)
                most_ns = 100;
            at_ns[cpu] = end_ns + random_below(&random, most_ns);
        }
    }
    assert_in_range(contended, 1000, 19000);
    assert_int_equal(lock.contended > 1000, 1);
    cache_line_release(&lock.line);
}

static void test_same_as_a_plain_list(void **state)
{
    (void)state;
    compare_with_plain((struct topology){.cpus = 64, .sockets = 1, .nodes = 1});
    compare_with_plain((struct topology){.cpus = 64, .sockets = 2, .nodes = 1});
    compare_with_plain(
        (struct topology){.cpus = 64, .sockets = 2, .nodes = 1, .threads_per_core = 2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_earlier_request_gets_the_gap),
        cmocka_unit_test(test_a_gap_that_is_too_short_is_passed_over),
        cmocka_unit_test(test_the_line_comes_from_its_owner_at_that_time),
        cmocka_unit_test(test_settled_intervals_are_forgotten),
        cmocka_unit_test(test_settled_intervals_are_forgotten_behind_a_distant_one),
        cmocka_unit_test(test_thousands_of_intervals),
        cmocka_unit_test(test_settled_intervals_do_not_matter),
        cmocka_unit_test(test_same_as_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

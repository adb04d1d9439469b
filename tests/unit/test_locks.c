/* What is counted of locks, and what one lock covers in each era. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/engine/locks.h"
#include "sim/mm/memcg.h"
#include "tests/unit/simulate.h"

#define TWO_CGROUPS TASK("/a", 1000) "," TASK("/b", 1000)

/* Two processors want a lock that is held for 100 ns, one 40 ns after the other. */
static void test_counts(void **state)
{
    (void)state;
    struct costs costs = {.ns[COST_lock_uncontended] = 15, .ns[COST_line_same_socket] = 50};
    struct topology topology = {.cpus = 2, .sockets = 1, .nodes = 1};
    struct lock_counts counts = {0};
    struct spinlock lock = {.line.owner = NO_CPU};
    assert_int_equal(lock_hold(&counts, &lock, &topology, &costs, 0, 1000, 100), 1115);
    assert_int_equal(lock_hold(&counts, &lock, &topology, &costs, 1, 1040, 100), 1115 + 165);
    assert_int_equal(counts.acquisitions, 2);
    assert_int_equal(counts.contended, 1);
    assert_int_equal(counts.wait_ns, 75);
    assert_int_equal(counts.hold_ns, 115 + 165);
}

/* Work under the lock that is paid elsewhere: free on one processor, even at once again. */
static void test_wait_alone(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "", TWO_CGROUPS));
    struct mm *mm = bench->mm;
    struct spinlock lock = {.line.owner = NO_CPU};
    for (int i = 0; i < 3; i++)
        spend_lock_wait(mm, &bench->exec, TIME_lruvec_lock_wait, LOCK_lruvec, &lock, 100);
    assert_int_equal(bench->exec.now_ns, 0);
    assert_int_equal(mm->locks[LOCK_lruvec].acquisitions, 3);
    assert_int_equal(mm->locks[LOCK_lruvec].wait_ns, 0);
    assert_int_equal(mm->locks[LOCK_lruvec].hold_ns,
                     3 * (100 + mm->costs->ns[COST_lock_uncontended]));
    bench_close(bench);
}

/* A second processor, of which nothing but locks is asked. */
static struct bench *open_with_two_processors(void)
{
    struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "", TWO_CGROUPS));
    bench->mm->topology.cpus = 2;
    bench->mm->one_at_a_time = false;
    return bench;
}

static void close_with_two_processors(struct bench *bench)
{
    bench->mm->topology.cpus = 1;
    bench_close(bench);
}

/* Alone until the next event, a lock that was taken last by the same processor is a sum of
 * times; all is as if its intervals had been kept, also for who comes at that event, and
 * with what another processor took for later. */
static void test_alone_is_the_same(void **state)
{
    (void)state;
    struct bench *bench = open_with_two_processors();
    struct mm *mm = bench->mm;
    uint64_t end_ns[2];
    for (int alone = 0; alone < 2; alone++) {
        struct spinlock lock;
        struct exec exec = bench->exec, other = bench->exec;
        cache_line_init(&lock.line, &mm->events->settled_ns);
        lock.contended = lock.wait_ns = 0;
        memset(mm->locks, 0, sizeof(mm->locks));
        other.cpu = 1;
        other.now_ns = 1300;
        spend_in_lock(mm, &other, TIME_lru_lock_wait, LOCK_zswap_lru, &lock, 100);
        bool outer = alone ? events_begin_turn(mm->events) : false;
        mm->events->alone_until_ns = alone ? 2000 : 0;
        exec.now_ns = 1000;
        for (int i = 0; i < 6; i++)
            spend_in_lock(mm, &exec, TIME_lru_lock_wait, LOCK_zswap_lru, &lock, 100);
        if (alone)
            events_end_turn(mm->events, outer);
        other.now_ns = 2000;
        spend_in_lock(mm, &other, TIME_lru_lock_wait, LOCK_zswap_lru, &lock, 100);
        end_ns[alone] = exec.now_ns + 1000000 * other.now_ns;
        assert_int_equal(mm->locks[LOCK_zswap_lru].acquisitions, 8);
        assert_int_equal(mm->locks[LOCK_zswap_lru].contended, 1);
        cache_line_release(&lock.line);
    }
    assert_int_equal(end_ns[0], end_ns[1]);
    close_with_two_processors(bench);
}

/* A processor that has come to 1000 ns holds its own lock from 5000 ns on, as it waits for what it
 * holds until then: whoever is woken meanwhile sees that it is taken. */
static void test_alone_leaves_what_is_to_come(void **state)
{
    (void)state;
    struct bench *bench = open_with_two_processors();
    struct mm *mm = bench->mm;
    uint64_t end_ns[2];
    for (int alone = 0; alone < 2; alone++) {
        struct spinlock lock = {0};
        struct exec exec = bench->exec, other = bench->exec;
        cache_line_init(&lock.line, &mm->events->settled_ns);
        mm->lock_released_ns[0] = 0;
        spend_lock_wait(mm, &exec, TIME_lruvec_lock_wait, LOCK_lruvec, &lock, 100);
        bool outer = events_begin_turn(mm->events);
        mm->events->alone_until_ns = alone ? 9000 : 0;
        exec.now_ns = 1000;
        mm->lock_released_ns[0] = 5000;
        spend_lock_wait(mm, &exec, TIME_lruvec_lock_wait, LOCK_lruvec, &lock, 100);
        events_end_turn(mm->events, outer);
        other.cpu = 1;
        other.now_ns = 5010;
        spend_in_lock(mm, &other, TIME_lruvec_lock_wait, LOCK_lruvec, &lock, 100);
        end_ns[alone] = other.now_ns;
        cache_line_release(&lock.line);
    }
    assert_true(end_ns[0] > 5215);
    assert_int_equal(end_ns[0], end_ns[1]);
    close_with_two_processors(bench);
}

static uint64_t taken(const struct bench *bench, enum lock_kind kind)
{
    return bench->mm->locks[kind].acquisitions;
}

/* A store: allocator, index, list.  Writeback of it: the walk of the list, then the
 * same three again. */
static void test_of_a_store_and_a_writeback(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open(BENCH_CONFIG("v6.18", "\"second_chance\": false", TASK("/a", 1000)));
    bench_store(bench, 0, 1);
    assert_int_equal(taken(bench, LOCK_allocator), 1);
    assert_int_equal(taken(bench, LOCK_zswap_tree), 1);
    assert_int_equal(taken(bench, LOCK_zswap_lru), 1);
    struct shrink_budget budget = {.entries = 1};
    uint32_t memcg = page_memcg(bench->mm, 0);
    assert_int_equal(zswap_shrink_memcg(bench->zswap, &bench->exec, memcg, &budget, DRIVER_WORKER),
                     SHRINK_WROTE);
    assert_int_equal(taken(bench, LOCK_allocator), 2);
    assert_int_equal(taken(bench, LOCK_zswap_tree), 2);
    assert_int_equal(taken(bench, LOCK_zswap_lru), 3);
    bench_close(bench);
}

/* A node's list lock up to 6.12, then one a cgroup and node; a pool's in 6.5. */
static void check_list_locks(const char *config, bool shared)
{
    struct bench *bench = bench_open(config);
    bench->mm->one_at_a_time = false; /* one processor alone looks for no lock */
    bench_store(bench, 0, 1);
    bench_store(bench, SPACE_PAGES, 1);
    uint32_t locks = 0, count = bench->mm->memcg_count * bench->mm->node_count;
    for (uint32_t i = 0; i < count; i++)
        locks += bench->zswap->groups[0].locks[i] != NULL;
    assert_int_equal(locks, shared ? 1 : 2);
    bench_close(bench);
}

static void test_list_locks(void **state)
{
    (void)state;
    check_list_locks(BENCH_CONFIG("v6.5", "", TWO_CGROUPS), true);
    check_list_locks(BENCH_CONFIG("v6.8", "", TWO_CGROUPS), true);
    check_list_locks(BENCH_CONFIG("v6.12", "", TWO_CGROUPS), true);
    check_list_locks(BENCH_CONFIG("v6.16", "", TWO_CGROUPS), false);
    check_list_locks(BENCH_CONFIG("v7.3", "", TWO_CGROUPS), false);
}

static void check_slot_locks(const char *config, uint64_t expected)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 128);
    assert_int_equal(taken(bench, LOCK_swap_slot), expected);
    bench_close(bench);
}

/* 64 slots at a time up to 6.14. */
static void test_slot_locks(void **state)
{
    (void)state;
    check_slot_locks(BENCH_CONFIG("v6.12", "", TASK("/a", 1000)), 2);
    check_slot_locks(BENCH_CONFIG("v6.16", "", TASK("/a", 1000)), 128);
}

/* One lock over what slots are charged to up to 6.13, for a slot that is taken and one
 * that is given back. */
static void check_slot_charges(const char *config, uint64_t expected)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 10);
    for (uint32_t page = 0; page < 10; page++)
        swap_free_page(bench->swap, &bench->exec, page);
    assert_int_equal(taken(bench, LOCK_swap_cgroup), expected);
    assert_int_equal(bench->mm->time_ns[TIME_counters], 0); /* one processor */
    bench_close(bench);
}

static void test_slot_charges(void **state)
{
    (void)state;
    check_slot_charges(BENCH_CONFIG("v6.12", "", TASK("/a", 1000)), 20);
    check_slot_charges(BENCH_CONFIG("v6.16", "", TASK("/a", 1000)), 0);
}

/* A charge writes the counters of a cgroup and of all above it; each line comes from who
 * wrote it last, in the same socket or not. */
static void test_charge_counters(void **state)
{
    (void)state;
    struct bench *bench = bench_open("{\"kernel\": \"v6.12\","
                                     "\"machine\": {\"cpus\": 4, \"sockets\": 2},"
                                     "\"cgroups\": {\"/a\": {}, \"/b\": {}, \"/b/c\": {}},"
                                     "\"tasks\": [" TASK("/b/c", 1000) "]}");
    struct mm *mm = bench->mm;
    uint32_t memcg = memcg_find(mm, "/b/c");
    const uint64_t *ns = mm->costs->ns;
    static const uint32_t cpus[] = {0, 0, 1, 3};
    uint64_t expected[] = {0, 0, 3 * ns[COST_line_same_socket], 3 * ns[COST_line_cross_socket]};
    for (int i = 0; i < 4; i++) {
        bench->exec.cpu = cpus[i];
        uint64_t start_ns = bench->exec.now_ns += 100000;
        memcg_write_counters(mm, &bench->exec, memcg, LINE_MEMORY);
        assert_int_equal(bench->exec.now_ns - start_ns, expected[i]);
    }
    bench_close(bench);
}

/* A counter with a part on each processor: 64 charges write the shared lines once.  Processors
 * that do nothing but charge have each line in turn, so that a charge takes 1/64 of what
 * one hand-over and update take, whatever their number.  Alone, a processor waits for nobody. */
static void test_charges_come_in_batches(void **state)
{
    (void)state;
    enum { CPUS = 16, BATCH = 64, CHARGES = CPUS * BATCH * 100 };
    struct bench *bench = bench_open("{\"kernel\": \"v6.12\","
                                     "\"machine\": {\"cpus\": 16},"
                                     "\"cgroups\": {\"/a\": {}, \"/b\": {}, \"/b/c\": {}},"
                                     "\"tasks\": [" TASK("/a", 1000) "]}");
    struct mm *mm = bench->mm;
    const uint64_t *ns = mm->costs->ns;
    uint32_t memcg = memcg_find(mm, "/a");
    uint64_t at_ns[CPUS] = {0}, alone_ns = bench->exec.now_ns;
    for (unsigned i = 0; i < 1000; i++)
        memcg_charge(mm, &bench->exec, memcg, 1);
    assert_int_equal(bench->exec.now_ns, alone_ns);
    for (unsigned i = 0; i < CHARGES; i++) {
        uint32_t cpu = 0;
        for (uint32_t other = 1; other < CPUS; other++)
            if (at_ns[other] < at_ns[cpu])
                cpu = other;
        bench->exec = (struct exec){.now_ns = at_ns[cpu], .cpu = cpu, .space = NO_SPACE};
        memcg_charge(mm, &bench->exec, memcg, 1);
        at_ns[cpu] = bench->exec.now_ns + 1; /* each charge itself */
    }
    double expected = (double)(ns[COST_line_same_socket] + ns[COST_atomic_local]) / BATCH;
    double found = (double)at_ns[0] / CHARGES;
    assert_true(found > 0.98 * expected && found < 1.02 * expected);
    memcg_uncharge(mm, memcg, 1000 + CHARGES);
    bench_close(bench);
}

static void check_index_locks(const char *config, uint32_t expected)
{
    struct bench *bench = bench_open(config);
    assert_int_equal(bench->zswap->tree_count, expected);
    bench_close(bench);
}

#define LARGE                                                                                      \
    "{\"name\": \"t\", \"cgroup\": \"/a\", \"start\": \"1000s\", \"workload\": "                   \
    "{\"type\": \"emulator_phases\", \"phases\": \"fill 0 16384\"}}"

static void test_index_locks(void **state)
{
    (void)state;
    check_index_locks(BENCH_CONFIG("v6.8", "", LARGE), 1);
    check_index_locks(BENCH_CONFIG("v6.9", "", LARGE), 2);
}

/* shrinker_rwsem up to 6.6: reclaim reads it, and passes shrinkers over while a writer has
 * it; who makes a zsmalloc pool writes it. */
static void test_shrinker_lock(void **state)
{
    (void)state;
    struct bench *bench = bench_open(
        BENCH_CONFIG("v6.5", "\"allocator\": \"zsmalloc\", \"compressor\": \"lzo\"", TWO_CGROUPS));
    struct mm *mm = bench->mm;
    uint64_t pools = bench->config.zswap.zpools, made = taken(bench, LOCK_shrinkers);
    assert_int_equal(made, pools);
    for (uint32_t page = SPACE_PAGES; page < SPACE_PAGES + 100; page++)
        bench_touch(bench, page, true);
    reclaim_limit(mm, &bench->exec, memcg_find(mm, "/b"), 32);
    uint64_t visits = taken(bench, LOCK_shrinkers) - made;
    assert_in_range(visits, 1, 13);
    assert_int_equal(mm->locks[LOCK_shrinkers].contended, 0);
    /* A writer that has it for longer than the reclaim takes. */
    reclaim_change_shrinkers(mm, bench->exec.now_ns + 50000000);
    reclaim_limit(mm, &bench->exec, memcg_find(mm, "/b"), 32);
    assert_int_equal(taken(bench, LOCK_shrinkers), made + visits + 1); /* the writer */
    assert_in_range(mm->locks[LOCK_shrinkers].contended, 1, 13);
    bench_close(bench);

    bench = bench_open(BENCH_CONFIG("v6.8", "", TWO_CGROUPS));
    reclaim_limit(bench->mm, &bench->exec, memcg_find(bench->mm, "/b"), 1);
    assert_int_equal(taken(bench, LOCK_shrinkers), 0);
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrinker_lock),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_wait_alone),
        cmocka_unit_test(test_alone_is_the_same),
        cmocka_unit_test(test_alone_leaves_what_is_to_come),
        cmocka_unit_test(test_list_locks),
        cmocka_unit_test(test_of_a_store_and_a_writeback),
        cmocka_unit_test(test_slot_locks),
        cmocka_unit_test(test_index_locks),
        cmocka_unit_test(test_slot_charges),
        cmocka_unit_test(test_charge_counters),
        cmocka_unit_test(test_charges_come_in_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* TLB flushes in reclaim: who is interrupted, how often, what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/simulate.h"

enum { PROCESSORS = 4 };

/* Task i has its pages in space i and belongs to processor i. */
static struct bench *open_four(void)
{
#define ON(cpu)                                                                                    \
    "{\"name\": \"t" #cpu "\", \"cgroup\": \"/a\", \"cpu\": " #cpu ", \"start\": \"1000s\","       \
    "\"workload\": {\"type\": \"emulator_phases\", \"phases\": \"fill 0 512\"},"                   \
    "\"content\": {\"type\": \"uniform\", \"length\": 1000}}"
    return bench_open("{\"machine\": {\"cpus\": 4, \"nodes\": [{\"memory\": \"64M\"}]},"
                      "\"cgroups\": {\"/a\": {}}, \"vm\": {\"page_cluster\": 0},"
                      "\"tasks\": [" ON(0) "," ON(1) "," ON(2) "," ON(3) "]}");
#undef ON
}

/* Its task has the processor. */
static void run_on(struct bench *bench, uint32_t cpu)
{
    bench->mm->processors->list[cpu].previous = &bench->simulation.tasks[cpu].runner;
    bench->mm->processors->list[cpu].in_turn = true;
}

static uint32_t first_page(uint32_t space)
{
    return space * SPACE_PAGES;
}

/* Reclaim by processor 0 takes `count` pages of a space, dirty in the page table or not. */
static void evict(struct bench *bench, struct scan_control *scan, uint32_t space, uint32_t count,
                  bool dirty)
{
    struct mm *mm = bench->mm;
    for (uint32_t page = first_page(space); page < first_page(space) + count; page++) {
        bench_touch(bench, page, true);
        lru_add_drain(mm, &bench->exec);
        uint32_t taken;
        assert_int_equal(
            lru_isolate(mm, &page_lruvec(mm, page)->lists[LRU_INACTIVE_ANON], 1, &taken), 1);
        assert_int_equal(taken, page);
        if (!dirty) {
            mm->hot[page] &= (uint8_t)~HOT_DIRTY;
            mm->cold[page].bits |= PAGE_DIRTY; /* the page itself is, as behind a swap-in */
        }
        assert_int_equal(reclaim_evict(mm, &bench->exec, scan, page), FATE_FREED);
    }
}

static void check(struct bench *bench, uint64_t flushes, uint64_t received)
{
    const struct mm *mm = bench->mm;
    const uint64_t *ns = mm->costs->ns;
    assert_int_equal(mm->counters[COUNTER_nr_tlb_remote_flush], flushes);
    assert_int_equal(mm->counters[COUNTER_nr_tlb_remote_flush_received], received);
    /* n rounds to k processors in all: n first ones, k - n further ones */
    assert_int_equal(mm->time_ns[TIME_tlb_flush],
                     flushes * ns[COST_ipi_round] + (received - flushes) * ns[COST_ipi_each]);
    uint64_t owed = 0;
    for (uint32_t cpu = 0; cpu < PROCESSORS; cpu++)
        owed += mm->processors->list[cpu].owed_ns;
    assert_int_equal(owed, received * ns[COST_ipi_received]);
}

/* Clean in the page table: one round for all, to each processor once. */
static void test_one_round_a_batch(void **state)
{
    (void)state;
    struct bench *bench = open_four();
    struct scan_control scan = {0};
    for (uint32_t cpu = 0; cpu < PROCESSORS; cpu++)
        run_on(bench, cpu);
    for (uint32_t space = 0; space < PROCESSORS; space++)
        evict(bench, &scan, space, 4, false);
    check(bench, 0, 0);
    reclaim_flush_freed(bench->mm, &bench->exec, &scan);
    check(bench, 1, 3); /* not itself */
    reclaim_flush_freed(bench->mm, &bench->exec, &scan);
    check(bench, 1, 3);
    bench_close(bench);
}

/* What may still be written through a TLB is flushed before it is written out. */
static void test_dirty_pages_are_flushed_at_once(void **state)
{
    (void)state;
    struct bench *bench = open_four();
    struct scan_control scan = {0};
    run_on(bench, 1);
    run_on(bench, 2);
    evict(bench, &scan, 1, 3, false);
    check(bench, 0, 0);
    evict(bench, &scan, 2, 3, true); /* the first one with what was waiting */
    check(bench, 3, 4);
    reclaim_flush_freed(bench->mm, &bench->exec, &scan);
    check(bench, 3, 4);
    bench_close(bench);
}

/* An idle processor, or one that runs another task, has the address space no more. */
static void test_nobody_is_interrupted_for_nothing(void **state)
{
    (void)state;
    struct bench *bench = open_four();
    struct scan_control scan = {0};
    run_on(bench, 0);
    evict(bench, &scan, 0, 2, true);
    evict(bench, &scan, 1, 2, true);
    bench->mm->processors->list[2].previous = &bench->simulation.tasks[1].runner;
    bench->mm->processors->list[2].in_turn = true;
    evict(bench, &scan, 2, 2, true);
    reclaim_flush_freed(bench->mm, &bench->exec, &scan);
    check(bench, 0, 0);
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_round_a_batch),
        cmocka_unit_test(test_dirty_pages_are_flushed_at_once),
        cmocka_unit_test(test_nobody_is_interrupted_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

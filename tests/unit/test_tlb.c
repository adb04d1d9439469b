/* TLB flushes in reclaim: who is interrupted, how often, what it costs; and what a TLB hides from
 * reclaim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/mm/tlb.h"
#include "tests/unit/run_config.h"
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

/* ---- what is in the TLB ------------------------------------------------------------ */

static struct bench *open_with_tlb(void)
{
    return bench_open("{\"machine\": {\"tlb\": \"qemu\", \"nodes\": [{\"memory\": \"64M\"}]},"
                      "\"cgroups\": {\"/a\": {}}, \"vm\": {\"page_cluster\": 0},"
                      "\"tasks\": [" TASK("/a", 1000) "]}");
}

/* Two pages whose numbers end alike are in each other's way; the one put out comes back as long as
 * no eight others were. */
static void test_the_last_eight_that_were_put_out_come_back(void **state)
{
    (void)state;
    struct bench *bench = open_with_tlb();
    struct tlb *tlb = bench->mm->tlb;
    assert_int_equal(tlb->entries, 256);
    tlb_fill(tlb, 5);
    assert_true(tlb_has(tlb, 5));
    tlb_fill(tlb, 5 + 256);
    assert_true(tlb_has(tlb, 5)); /* and 261 is put out for it */
    assert_true(tlb_has(tlb, 5 + 256));
    for (uint32_t i = 1; i <= TLB_VICTIMS; i++) {
        tlb_fill(tlb, 5 + i);
        tlb_fill(tlb, 5 + i + 256);
    }
    assert_false(tlb_has(tlb, 5));
    assert_int_equal(tlb->used, 1 + TLB_VICTIMS);
    tlb_forget(tlb, 5 + 256);
    assert_false(tlb_has(tlb, 5 + 256));
    assert_int_equal(tlb->used, TLB_VICTIMS);
    bench_close(bench);
}

/* tlb_mmu_resize_locked(): twice as large above 70 %; below 30 % as large as needed, but only when
 * a time of 100 ms is over; at least 64. */
static void test_the_tlb_changes_its_size_when_it_is_flushed(void **state)
{
    (void)state;
    static const struct {
        uint64_t at_ms;
        uint32_t filled, entries;
    } table[] = {{1, 180, 256},   {2, 182, 512},   {3, 358, 512}, {4, 364, 1024}, {50, 300, 1024},
                 {105, 100, 512}, {150, 100, 512}, {206, 5, 256}, {307, 5, 64},   {408, 30, 64}};
    struct bench *bench = open_with_tlb();
    struct tlb *tlb = bench->mm->tlb;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (uint32_t page = 0; page < table[i].filled; page++)
            tlb_fill(tlb, page);
        tlb_flush(tlb, table[i].at_ms * 1000000);
        assert_int_equal(tlb->used, 0);
        assert_false(tlb_has(tlb, 0));
        if (tlb->entries != table[i].entries)
            fail_msg("after %u ms: %u entries in place of %u", (unsigned)table[i].at_ms,
                     tlb->entries, table[i].entries);
    }
    bench_close(bench);
}

/* The task's own reclaim unmaps one page; a kernel thread's leaves the address space. */
static void test_a_page_that_is_unmapped_leaves_the_tlb(void **state)
{
    (void)state;
    struct bench *bench = open_with_tlb();
    struct mm *mm = bench->mm;
    for (uint32_t page = 0; page < 3; page++) {
        bench_touch(bench, page, true);
        tlb_fill(mm->tlb, page);
    }
    bench->exec.space = 0;
    bench_evict(bench, 0);
    assert_false(tlb_has(mm->tlb, 0));
    assert_true(tlb_has(mm->tlb, 2));
    bench->exec.space = NO_SPACE;
    bench_evict(bench, 1);
    assert_false(tlb_has(mm->tlb, 2));
    bench_close(bench);
}

/* Of pages that are used all the time those are activated whose uses are seen: fewer where a TLB
 * hides them, unless readers of statistics make the processor switch address spaces. */
static uint64_t activated(const char *tlb, unsigned readers)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "{\"kernel\": \"v6.1\", \"machine\": {\"tlb\": \"%s\", \"nodes\": [{\"memory\": "
             "\"64M\"}]}, \"vm\": {\"page_cluster\": 0, \"memcg_stat_flushes_per_run\": %u},"
             "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\"}]},"
             "\"cgroups\": {\"/a\": {\"memory.max\": \"2M\"}},"
             "\"tasks\": [{\"name\": \"a\", \"cgroup\": \"/a\", \"workload\": {\"type\": "
             "\"emulator_phases\", \"phases\": \"fill 0 1024;zipf 0 1024 1.2 20000 100 1\"},"
             "\"content\": {\"type\": \"uniform\", \"length\": 1000}}]}",
             tlb, readers);
    struct run_result result = {0};
    assert_true(run_config(text, CHECKS_SAMPLED, 1, &result));
    uint64_t pages = result.totals.counters[COUNTER_pgactivate];
    run_result_release(&result);
    return pages;
}

static void test_what_is_in_the_tlb_looks_unused(void **state)
{
    (void)state;
    uint64_t seen = activated("none", 0), hidden = activated("qemu", 0);
    assert_true(seen > 2 * hidden);
    assert_true(activated("qemu", 2000) > 2 * hidden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_round_a_batch),
        cmocka_unit_test(test_dirty_pages_are_flushed_at_once),
        cmocka_unit_test(test_nobody_is_interrupted_for_nothing),
        cmocka_unit_test(test_the_last_eight_that_were_put_out_come_back),
        cmocka_unit_test(test_the_tlb_changes_its_size_when_it_is_flushed),
        cmocka_unit_test(test_a_page_that_is_unmapped_leaves_the_tlb),
        cmocka_unit_test(test_what_is_in_the_tlb_looks_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

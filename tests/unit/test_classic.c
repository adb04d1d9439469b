/* Policy classic on a whole machine: when a page that is written can be freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/reclaim/classic.h"
#include "tests/unit/simulate.h"

enum { BATCH = RECLAIM_CLUSTER };

/* Cold, dirty pages that have never been swapped. */
static struct bench *open_with_cold_pages(const char *config)
{
    struct bench *bench = bench_open(config);
    for (uint32_t page = 0; page < BATCH; page++) {
        bench_touch(bench, page, true);
        bench->mm->hot[page] &= (uint8_t)~HOT_ACCESSED;
    }
    lru_add_drain_all(bench->mm);
    return bench;
}

/* One visit of reclaim to the cgroup, its writes handed to the device at the end. */
static void scan_once(struct bench *bench)
{
    struct scan_control scan = {.target = ROOT_MEMCG, .goal = BATCH, .priority = 0};
    struct write_plug plug;
    write_plug_init(&plug);
    bench->exec.plug = &plug;
    bench->exec.memalloc = true;
    bench->mm->reclaim->shrink_lruvec(bench->mm, &bench->exec, &scan, page_memcg(bench->mm, 0), 0);
    bench->mm->swap_hooks.flush_plug(bench->mm->swap, &bench->exec);
    bench->exec.memalloc = false;
    bench->exec.plug = NULL;
}

#define COLD_PAGES(zswap) BENCH_CONFIG("v6.18", zswap, TASK("/a", 1000))

static void compressed_pages_are_freed_in_the_same_pass(void **state)
{
    (void)state;
    struct bench *bench = open_with_cold_pages(COLD_PAGES("\"max_pool_percent\": 50"));
    scan_once(bench);
    assert_int_equal(bench_count(bench, COUNTER_pgscan_anon), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pgsteal_anon), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_zswpout), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_nr_vmscan_write), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), 0);
    assert_int_equal(bench_count(bench, COUNTER_pgrotated), 0);
    bench_close(bench);
}

static void pages_on_a_device_are_freed_by_the_next_scan(void **state)
{
    (void)state;
    struct bench *bench = open_with_cold_pages(COLD_PAGES("\"enabled\": false"));
    scan_once(bench);
    assert_int_equal(bench_count(bench, COUNTER_pgscan_anon), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pgsteal_anon), 0);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_nr_vmscan_write), BATCH);
    bench_settle(bench);
    assert_int_equal(bench_count(bench, COUNTER_pgrotated), BATCH);
    scan_once(bench);
    assert_int_equal(bench_count(bench, COUNTER_pgscan_anon), 2 * BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pgsteal_anon), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), BATCH);
    bench_close(bench);
}

/* PG_reclaim is PG_readahead. */
static void a_page_that_comes_back_while_it_is_written_is_a_hit_and_stays(void **state)
{
    (void)state;
    struct bench *bench = open_with_cold_pages(COLD_PAGES("\"enabled\": false"));
    scan_once(bench);
    bench_touch(bench, 0, false);
    assert_int_equal(bench_count(bench, COUNTER_pswpin), 0);
    assert_int_equal(bench_count(bench, COUNTER_swap_ra_hit), 1);
    bench_settle(bench);
    assert_int_equal(bench_count(bench, COUNTER_pgrotated), BATCH - 1);
    bench_touch(bench, 1, false);
    assert_int_equal(bench_count(bench, COUNTER_swap_ra_hit), 1);
    bench_close(bench);
}

/* Two processors; the second one takes the disk's interrupts. */
#define OTHERS_INTERRUPT                                                                           \
    "{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"64M\"}]},"      \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\", \"interrupt_cpu\": 1}]},"       \
    "\"vm\": {\"page_cluster\": 0}, \"cgroups\": {\"/a\": {}}, \"zswap\": {\"enabled\": false},"   \
    "\"tasks\": [" TASK("/a", 1000) "]}"
enum { ROTATED = 31, LEFT = BATCH - ROTATED }; /* vm.lru_add_batch of 6.18 */

static void pages_wait_for_the_processor_that_takes_the_interrupt(void **state)
{
    (void)state;
    struct bench *bench = open_with_cold_pages(OTHERS_INTERRUPT);
    scan_once(bench);
    bench_settle(bench);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pgrotated), ROTATED);
    assert_int_equal(bench->mm->rotating, LEFT);
    /* One more reference than reclaim can give up. */
    scan_once(bench);
    assert_int_equal(bench_count(bench, COUNTER_pgscan_anon), 2 * BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pgsteal_anon), ROTATED);
    bench->exec.cpu = 1; /* its own reclaim */
    lru_add_drain(bench->mm, &bench->exec);
    assert_int_equal(bench_count(bench, COUNTER_pgrotated), BATCH);
    assert_int_equal(bench->mm->rotating, 0);
    scan_once(bench);
    assert_int_equal(bench_count(bench, COUNTER_pgsteal_anon), BATCH);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), BATCH);
    bench_close(bench);
}

static void a_page_that_waits_may_be_freed_by_its_owner(void **state)
{
    (void)state;
    struct bench *bench = open_with_cold_pages(OTHERS_INTERRUPT);
    scan_once(bench);
    bench_settle(bench);
    for (uint32_t page = 0; page < BATCH; page++)
        swap_free_page(bench->swap, &bench->exec, page);
    assert_int_equal(bench->mm->rotating, 0);
    for (uint32_t page = 0; page < BATCH; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(bench->mm);
    assert_int_equal(bench_count(bench, COUNTER_pgrotated), ROTATED);
    bench_close(bench);
}

/* lru_note_cost(): a page written is 32 from 6.2 on, one that was only rotated 1; up to 6.1 a page
 * written is 1, and one that was rotated nothing.  What outgrows a quarter of the lists is halved.
 */
static void pages_that_were_rotated_cost_something_from_6_2(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        uint32_t written, rotated;
    } table[] = {
        {BENCH_CONFIG("v6.1", "\"max_pool_percent\": 50", TASK("/a", 1000)), BATCH, 0},
        {BENCH_CONFIG("v6.2", "\"max_pool_percent\": 50", TASK("/a", 1000)), 16 * BATCH, BATCH},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench *bench = open_with_cold_pages(table[i].config);
        struct lruvec *lruvec = &bench->mm->memcgs[page_memcg(bench->mm, 0)].lruvecs[0];
        lruvec->seen_pages[LRU_INACTIVE_ANON] = 64 * BATCH; /* a quarter is 16 batches */
        for (uint32_t page = 0; page < BATCH; page++)
            bench->mm->hot[page] |= HOT_ACCESSED;
        scan_once(bench);
        assert_int_equal(bench_count(bench, COUNTER_pgsteal_anon), 0);
        assert_int_equal(lruvec->anon_cost, table[i].rotated);
        lruvec->anon_cost = 0;
        scan_once(bench);
        assert_int_equal(bench_count(bench, COUNTER_pgsteal_anon), BATCH);
        assert_int_equal(lruvec->anon_cost, table[i].written);
        bench_close(bench);
    }
}

/* prepare_scan_control() samples it: what the pass itself costs counts from the next one on. */
static void a_pass_goes_by_what_others_have_cost_before_it(void **state)
{
    (void)state;
    enum { PAGES = 512, SWAPPINESS = 60, PRIORITY = 2, COST = 1000 };
    struct bench *bench = bench_open(COLD_PAGES("\"max_pool_percent\": 50"));
    struct mm *mm = bench->mm;
    struct lruvec *target = &mm->memcgs[ROOT_MEMCG].lruvecs[0];
    struct scan_control scan = {.target = ROOT_MEMCG, .goal = PAGES, .priority = PRIORITY};
    for (uint32_t page = 0; page < PAGES; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(mm);
    bench->exec.memalloc = true;
    mm->reclaim->begin_pass(mm, &scan, 0);
    uint32_t least = mm->reclaim->least_to_scan(mm, &scan, 0);
    target->anon_cost = COST;
    mm->reclaim->shrink_lruvec(mm, &bench->exec, &scan, page_memcg(mm, 0), 0);
    uint64_t scanned = bench_count(bench, COUNTER_pgscan_anon);
    assert_int_equal(scanned, classic_anonymous_share(PAGES >> PRIORITY, SWAPPINESS, 0));
    assert_int_equal(mm->reclaim->least_to_scan(mm, &scan, 0), least);

    target->anon_cost = COST;
    mm->reclaim->begin_pass(mm, &scan, 0);
    assert_true(mm->reclaim->least_to_scan(mm, &scan, 0) > least);
    uint64_t left = mm->memcgs[page_memcg(mm, 0)].lruvecs[0].lists[LRU_INACTIVE_ANON].count;
    mm->reclaim->shrink_lruvec(mm, &bench->exec, &scan, page_memcg(mm, 0), 0);
    assert_int_equal(bench_count(bench, COUNTER_pgscan_anon) - scanned,
                     classic_anonymous_share(left >> PRIORITY, SWAPPINESS, COST));
    bench->exec.memalloc = false;
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_wait_for_the_processor_that_takes_the_interrupt),
        cmocka_unit_test(a_page_that_comes_back_while_it_is_written_is_a_hit_and_stays),
        cmocka_unit_test(a_page_that_waits_may_be_freed_by_its_owner),
        cmocka_unit_test(compressed_pages_are_freed_in_the_same_pass),
        cmocka_unit_test(pages_on_a_device_are_freed_by_the_next_scan),
        cmocka_unit_test(pages_that_were_rotated_cost_something_from_6_2),
        cmocka_unit_test(a_pass_goes_by_what_others_have_cost_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The shrink worker, run by run, on each era: who is written back, what counts as
 * a failure, when a run ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/engine/costs_table.h"
#include "sim/mm/memcg.h"
#include "tests/unit/simulate.h"

#define A TASK("/a", 1000)
#define A_AND_B TASK("/a", 1000) "," TASK("/b", 1000)
#define HALF_PAGES TASK("/a", 1900)
enum { B = SPACE_PAGES }; /* first page of the second task */

static void assert_counts(const struct bench *bench, uint64_t written_back, uint64_t reclaim_fail)
{
    assert_int_equal(bench_count(bench, COUNTER_written_back_pages), written_back);
    assert_int_equal(bench_count(bench, COUNTER_reject_reclaim_fail), reclaim_fail);
}

static struct bench *with_entries(const char *config, uint32_t count)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, count);
    bench_demand_everything(bench);
    return bench;
}

/* ---- 6.12 to 7.2: one entry a node and call, second chance ----------------------- */

static void check_three_entries(const char *config)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 3);
    /* An entry that must stay keeps the pool above the threshold. */
    bench_store(bench, B, 1);
    bench_demand_everything(bench);
    bench->mm->memcgs[page_memcg(bench->mm, B)].zswap_writeback = false;
    bench_run_worker(bench);
    assert_counts(bench, 3, 0);
    assert_int_equal(bench_count(bench, COUNTER_zswap_rotations), 3);
    assert_int_equal(bench_count(bench, COUNTER_zswap_entries_scanned), 6);
    assert_int_equal(bench_count(bench, COUNTER_worker_wakeups), 1);
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 1);
    bench_close(bench);
}

static void test_second_chance(void **state)
{
    (void)state;
    check_three_entries(BENCH_CONFIG("v6.12", "", A_AND_B));
    check_three_entries(BENCH_CONFIG("v6.16", "", A_AND_B));
    check_three_entries(BENCH_CONFIG("v6.18", "", A_AND_B));
}

static void check_seventeen_entries(const char *config)
{
    struct bench *bench = with_entries(config, 17);
    bench_run_worker(bench);
    assert_counts(bench, 0, 0);
    assert_int_equal(bench_count(bench, COUNTER_zswap_rotations), 16);
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 1);
    assert_false(bench->mm->cold[15].bits & PAGE_ENTRY_REFERENCED);
    assert_true(bench->mm->cold[16].bits & PAGE_ENTRY_REFERENCED);
    bench_run_worker(bench);
    assert_counts(bench, 17, 0);
    assert_int_equal(bench_count(bench, COUNTER_zswap_rotations), 17);
    bench_close(bench);
}

static void test_sixteen_failures_end_a_run(void **state)
{
    (void)state;
    check_seventeen_entries(BENCH_CONFIG("v6.12", "", A));
    check_seventeen_entries(BENCH_CONFIG("v6.18", "", A));
}

/* Empty cgroups cost nothing; the order is that of the tree, one entry each. */
static void test_cgroups_take_turns(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.12", "\"second_chance\": false", A_AND_B));
    bench_store(bench, 0, 4);
    bench_store(bench, B, 4);
    struct zswap *zswap = bench->zswap;
    /* All but one page of the pool may stay: the run ends when that one is free. */
    zswap->total_ram_pages = 100 * (zswap_total_pages(zswap) - 1);
    zswap->max_pool_percent = 1;
    zswap->accept_threshold_percent = 100;
    bench_run_worker(bench);
    uint64_t a = *memcg_counter(&bench->mm->memcgs[page_memcg(bench->mm, 0)], COUNTER_zswpwb);
    uint64_t b = *memcg_counter(&bench->mm->memcgs[page_memcg(bench->mm, B)], COUNTER_zswpwb);
    assert_true(a + b > 0);
    assert_true(a == b || a == b + 1);
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 0);
    bench_close(bench);
}

static void test_writeback_off_is_skipped(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.12", "\"second_chance\": false", A_AND_B));
    bench_store(bench, 0, 4);
    bench_store(bench, B, 4);
    bench_demand_everything(bench);
    bench->mm->memcgs[page_memcg(bench->mm, 0)].zswap_writeback = false;
    bench_run_worker(bench);
    assert_counts(bench, 4, 0);
    assert_true(bench_in_zswap(bench, 0));
    assert_false(bench_in_zswap(bench, B));
    bench_close(bench);
}

/* ---- 7.3: 32 entries a node and call --------------------------------------------- */

static const struct shrink_budget batch_of_7_3 = {.entries = 32};

static enum shrink_result shrink_a(struct bench *bench)
{
    return zswap_shrink_memcg(bench->zswap, &bench->exec, page_memcg(bench->mm, 0), &batch_of_7_3,
                              DRIVER_WORKER);
}

static void test_batch_visits_a_short_list_twice(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("v7.3", "", A), 3);
    assert_int_equal(shrink_a(bench), SHRINK_WROTE);
    assert_counts(bench, 3, 0);
    assert_int_equal(bench_count(bench, COUNTER_zswap_entries_scanned), 6);
    assert_int_equal(shrink_a(bench), SHRINK_EMPTY);
    bench_close(bench);
}

static void test_batch_single_entry_needs_two_calls(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("v7.3", "", A), 1);
    assert_int_equal(shrink_a(bench), SHRINK_NOTHING);
    assert_counts(bench, 0, 0);
    assert_int_equal(shrink_a(bench), SHRINK_WROTE);
    assert_counts(bench, 1, 0);
    bench_close(bench);
}

static void test_batch_worker(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("v7.3", "", A), 100);
    bench_run_worker(bench);
    assert_counts(bench, 100, 0);
    bench_close(bench);
}

/* The series of 2026 meets no entry twice in a call. */
static void test_batch_series_caps_at_list_length(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("batch-v5", "", A), 3);
    struct shrink_budget budget = {.entries = 64, .shared = true, .cap_at_list_length = true};
    uint32_t memcg = page_memcg(bench->mm, 0);
    assert_int_equal(zswap_shrink_memcg(bench->zswap, &bench->exec, memcg, &budget, DRIVER_WORKER),
                     SHRINK_NOTHING);
    assert_int_equal(bench_count(bench, COUNTER_zswap_entries_scanned), 3);
    assert_int_equal(zswap_shrink_memcg(bench->zswap, &bench->exec, memcg, &budget, DRIVER_WORKER),
                     SHRINK_WROTE);
    assert_counts(bench, 3, 0);
    bench_close(bench);
}

/* A run of the worker; the time it took. */
static uint64_t time_run(struct bench *bench)
{
    uint64_t before_ns = bench->mm->time_ns[TIME_zswap];
    bench_run_worker(bench);
    return bench->mm->time_ns[TIME_zswap] - before_ns;
}

/* What a run over 16 entries takes beside `idle` cgroups, of which the first `removed` are gone. */
static uint64_t run_ns_beside(unsigned idle, unsigned removed)
{
    char config[1024];
    snprintf(config, sizeof(config),
             "{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": "
             "\"64M\"}]}, \"cgroups\": {\"/a\": {}, \"/idle[1..%u]\": {}}, \"tasks\": [%s]}",
             idle, A);
    struct bench *bench = with_entries(config, 17);
    for (uint32_t memcg = 0, left = removed; left; memcg++)
        if (strncmp(bench->config.cgroups[memcg].path, "/idle", 5) == 0 && left--)
            memcg_offline(bench->mm, memcg);
    uint64_t took_ns = time_run(bench);
    assert_int_equal(bench_count(bench, COUNTER_zswap_rotations), 16);
    bench_close(bench);
    return took_ns;
}

/* Each of the 16 rotations of a first run, and of the 15 of later ones, is a walk over all cgroups,
 * and one that is removed but still there is passed over.  (6.18.44: runs of 54 us beside 3 idle
 * cgroups, 1,362 us beside 303.) */
static void test_idle_cgroups_make_runs_long(void **state)
{
    (void)state;
    struct costs costs;
    costs_set_builtin(&costs);
    uint64_t few_ns = run_ns_beside(3, 0), many_ns = run_ns_beside(303, 0);
    uint64_t visit_ns = costs.ns[COST_shrink_memcg], skip_ns = costs.ns[COST_skip_memcg];
    /* The sixteenth rotation, of /a, is the last step: what follows it in the tree is not met. */
    uint64_t walks = (many_ns - few_ns) / visit_ns / 300;
    assert_in_range(walks, 15, 16);
    assert_int_equal(many_ns - few_ns, walks * 300 * visit_ns);
    assert_int_equal(run_ns_beside(303, 100), many_ns - walks * 100 * (visit_ns - skip_ns));
}

/* ---- 6.8 to 6.11: every cgroup and every end of the tree may fail ---------------- */

/* The tree is the root, /a, /b and /b/c: the root and two of the others are empty. */
static void check_every_cgroup(const char *config)
{
    struct bench *bench = with_entries(config, 20);
    bench_run_worker(bench);
    /* A pass: root, /b, /b/c and the end fail, /a writes one: 4 passes. */
    assert_counts(bench, 4, 0);
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 1);
    bench_close(bench);
}

static void test_every_cgroup_counts(void **state)
{
    (void)state;
    check_every_cgroup(BENCH_CONFIG("v6.8", "", A));
    check_every_cgroup(BENCH_CONFIG("v6.9", "", A));
    check_every_cgroup(BENCH_CONFIG("v6.11", "", A));
}

/* What runs take beside a removed cgroup, when passing over one takes skip_ns. */
static uint64_t run_ns_with_removed(uint64_t skip_ns)
{
    struct bench *bench = with_entries(BENCH_CONFIG("v6.8", "", A), 20);
    bench->config.costs.ns[COST_skip_memcg] = skip_ns;
    memcg_offline(bench->mm, memcg_find(bench->mm, "/b/c"));
    uint64_t took_ns = time_run(bench);
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 1);
    bench_close(bench);
    return took_ns;
}

/* Up to 6.11 it is a failure, and the walk begins anew: root, /b and it, five times in 16. */
static void test_removed_cgroups_take_time(void **state)
{
    (void)state;
    assert_int_equal(run_ns_with_removed(1000) - run_ns_with_removed(0), 5 * 1000);
}

#define ONE_CGROUP(kernel)                                                                         \
    "{\"kernel\": \"" kernel "\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]}," \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\", \"synchronous\": true}]},"      \
    "\"cgroups\": {\"/a\": {}}, \"tasks\": [" A "]}"

static void check_eight_passes(const char *config)
{
    struct bench *bench = with_entries(config, 20);
    bench_run_worker(bench);
    assert_counts(bench, 8, 0);
    assert_false(bench_in_zswap(bench, 7));
    assert_true(bench_in_zswap(bench, 8));
    bench_close(bench);
}

static void test_eight_passes(void **state)
{
    (void)state;
    check_eight_passes(ONE_CGROUP("v6.8"));
    check_eight_passes(ONE_CGROUP("v6.9"));
    check_eight_passes(ONE_CGROUP("v6.10"));
    check_eight_passes(ONE_CGROUP("v6.11"));
}

static void test_writeback_off_ends_the_run(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.8", "", A_AND_B));
    bench_store(bench, 0, 4);
    bench_store(bench, B, 4);
    bench_demand_everything(bench);
    bench->mm->memcgs[page_memcg(bench->mm, 0)].zswap_writeback = false;
    bench_run_worker(bench);
    assert_counts(bench, 0, 0); /* /a comes before /b */
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 0);
    bench_close(bench);
}

/* 20 empty cgroups between populated ones: 6.8 never gets past them in one run,
 * 6.12 does not mind. */
static uint64_t written_past_empty_cgroups(const char *kernel)
{
    char config[4096], cgroups[1024] = "";
    for (int i = 0; i < 20; i++)
        sprintf(cgroups + strlen(cgroups), "\"/empty%d\": {}, ", i);
    snprintf(
        config, sizeof(config),
        "{\"kernel\": \"%s\", \"machine\": {\"nodes\": [{\"memory\": \"64M\"}]},"
        "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\", \"synchronous\": true}]},"
        "\"zswap\": {\"second_chance\": false},"
        "\"cgroups\": {%s\"/a\": {}}, \"tasks\": [%s]}",
        kernel, cgroups, A);
    struct bench *bench = with_entries(config, 4);
    bench_run_worker(bench);
    uint64_t written = bench_count(bench, COUNTER_written_back_pages);
    bench_close(bench);
    return written;
}

static void test_empty_cgroups_stall(void **state)
{
    (void)state;
    assert_int_equal(written_past_empty_cgroups("v6.8"), 0);
    assert_int_equal(written_past_empty_cgroups("v6.12"), 4);
}

/* 6.8: the worker is woken for the oldest pool but walks the lists of the current
 * one; 6.9 has one LRU over both. */
static uint64_t written_from_old_pool(const char *config)
{
    struct bench *bench = with_entries(config, 4);
    zswap_set_compressor(bench->zswap, 1, (unsigned)compressor_find("lz4"));
    assert_int_equal(bench->zswap->pool_count, 2);
    bench_run_worker(bench);
    uint64_t written = bench_count(bench, COUNTER_written_back_pages);
    bench_close(bench);
    return written;
}

static void test_old_pool(void **state)
{
    (void)state;
    assert_int_equal(written_from_old_pool(BENCH_CONFIG("v6.5", "", A)), 4);
    assert_int_equal(written_from_old_pool(ONE_CGROUP("v6.8")), 0);
    assert_int_equal(written_from_old_pool(ONE_CGROUP("v6.9")), 4);
}

/* ---- 6.5 to 6.7: the tail of the oldest pool ------------------------------------- */

static void test_pool_tail_until_accepted(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.5", "", HALF_PAGES));
    bench_store(bench, 0, 40);
    struct zswap *zswap = bench->zswap;
    assert_int_equal(zswap_total_pages(zswap), 20); /* two to a zbud page */
    /* Limit 20, threshold 18: accepted when less than 18 are left. */
    zswap->total_ram_pages = 200;
    zswap->max_pool_percent = 10;
    bench_run_worker(bench);
    assert_counts(bench, 6, 0);
    assert_int_equal(zswap_total_pages(zswap), 17);
    assert_false(bench_in_zswap(bench, 5));
    assert_true(bench_in_zswap(bench, 6));
    bench_close(bench);
}

static void test_pool_tail_empty(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("v6.5", "", A), 2);
    bench_run_worker(bench);
    assert_counts(bench, 2, 1); /* the empty list counts, and ends the run */
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 0);
    bench_close(bench);
}

/* Entries whose pages are in the swap cache: each attempt fails and makes it the
 * youngest; 16 end the run, whatever succeeded in between. */
static void test_pool_tail_failures(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.5", "", A));
    bench_store(bench, 0, 30);
    for (uint32_t page = 0; page < 20; page++)
        bench_touch(bench, page, false);
    bench_demand_everything(bench);
    bench_run_worker(bench);
    /* The loads made pages 0..19 the youngest: 20..29 are written first. */
    assert_counts(bench, 10, 16);
    assert_int_equal(bench_count(bench, COUNTER_worker_gave_up), 1);
    for (uint32_t page = 0; page < 30; page++)
        assert_int_equal(bench_in_zswap(bench, page), page < 20);
    bench_close(bench);
}

/* ---- up to 6.4: one allocator page a run ----------------------------------------- */

static void test_allocator_page(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.1", "", HALF_PAGES));
    bench_store(bench, 0, 40);
    bench_demand_everything(bench);
    assert_int_equal(zswap_total_pages(bench->zswap), 20);
    bench_run_worker(bench);
    assert_counts(bench, 2, 0);
    assert_int_equal(zswap_total_pages(bench->zswap), 19);
    /* The page went after its last object did: the cached sum still has it. */
    assert_int_equal(zswap_shown_pages(bench->zswap), 20);
    assert_false(bench_in_zswap(bench, 0));
    assert_false(bench_in_zswap(bench, 1));
    bench_run_worker(bench);
    assert_counts(bench, 4, 0);
    assert_int_equal(zswap_shown_pages(bench->zswap), 19);
    bench_close(bench);
}

static void test_allocator_page_empty_pool(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.1", "", A));
    bench_run_worker(bench);
    bench_run_worker(bench);
    assert_counts(bench, 0, 2);
    bench_close(bench);
}

/* Every victim's page is in the swap cache: 8 victims, one failure a run. */
static void test_allocator_page_failures(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.1", "", HALF_PAGES));
    bench_store(bench, 0, 40);
    for (uint32_t page = 0; page < 16; page++)
        bench_touch(bench, page, false);
    bench_run_worker(bench);
    assert_counts(bench, 0, 1);
    /* The 8 went to the young end: the next run frees the ninth. */
    bench_run_worker(bench);
    assert_counts(bench, 2, 1);
    assert_false(bench_in_zswap(bench, 16));
    assert_false(bench_in_zswap(bench, 17));
    bench_close(bench);
}

/* 6.1: zsmalloc gives nothing back; 6.2: a whole zspage. */
static void test_zsmalloc_zspage(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("v6.1", "\"allocator\": \"zsmalloc\"", A), 12);
    bench_run_worker(bench);
    assert_counts(bench, 0, 1);
    bench_close(bench);
    /* 1000 bytes and a header of 8: the class of 1024 bytes, 4 to a page. */
    bench = with_entries(BENCH_CONFIG("v6.2", "\"allocator\": \"zsmalloc\"", A), 12);
    assert_int_equal(zswap_total_pages(bench->zswap), 3);
    bench_run_worker(bench);
    assert_counts(bench, 4, 0);
    assert_int_equal(zswap_total_pages(bench->zswap), 2);
    assert_false(bench_in_zswap(bench, 3));
    assert_true(bench_in_zswap(bench, 4));
    bench_close(bench);
}

static void test_no_lru(void **state)
{
    (void)state;
    struct bench *bench =
        with_entries(BENCH_CONFIG("v6.1", "\"allocator\": \"zbud\", \"lru\": \"none\"", A), 4);
    bench_run_worker(bench);
    assert_counts(bench, 0, 1);
    bench_close(bench);
}

/* The last entry of a retired pool goes while its allocator is at work. */
static void test_retired_pool_is_destroyed_after_shrinking(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("v6.1", "", HALF_PAGES), 4);
    zswap_set_compressor(bench->zswap, 1, (unsigned)compressor_find("lz4"));
    assert_int_equal(bench->zswap->pool_count, 2);
    bench_run_worker(bench);
    assert_int_equal(bench->zswap->pool_count, 2);
    bench_run_worker(bench);
    assert_int_equal(bench->zswap->pool_count, 1);
    assert_counts(bench, 4, 0);
    bench_close(bench);
}

/* ---- how often, and whose time ---------------------------------------------------- */

/* A run is due once for so many refusals; what is over counts for the next. */
static void test_given_rate_of_runs(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.12", "\"refusals_per_worker_run\": 2.5", A));
    bench_store(bench, 0, 4);
    bench_demand_everything(bench);
    static const unsigned after[] = {0, 0, 1, 1, 2, 2, 2, 3, 3, 4};
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
        zswap_kick_worker(bench->zswap, &bench->exec);
        bench_settle(bench);
        assert_int_equal(bench_count(bench, COUNTER_worker_wakeups), after[i]);
    }
    bench_close(bench);
}

static uint64_t own_ns_of_run(const char *config, bool writes)
{
    struct bench *bench = with_entries(config, 17);
    if (writes)
        bench->mm->cold[0].bits &= ~(uint32_t)PAGE_ENTRY_REFERENCED;
    bench_run_worker(bench);
    assert_int_equal(bench_count(bench, COUNTER_written_back_pages), writes);
    assert_int_equal(bench_count(bench, COUNTER_zswap_rotations), 16);
    uint64_t own_ns = bench->zswap->worker.runner.sys_ns;
    bench_close(bench);
    return own_ns;
}

/* One that only rotates takes none; another, from the first page that it writes back on, all that
 * it would without a rate. */
static void test_runs_of_a_given_rate_take_time_once_they_write(void **state)
{
    (void)state;
    const char *given = BENCH_CONFIG("v6.12", "\"refusals_per_worker_run\": 1", A);
    const char *free_running = BENCH_CONFIG("v6.12", "", A);
    struct costs costs;
    costs_set_builtin(&costs);
    assert_int_equal(own_ns_of_run(given, false), 0);
    /* Before it is the root, which has nothing. */
    assert_int_equal(own_ns_of_run(free_running, true) - own_ns_of_run(given, true),
                     costs.ns[COST_shrink_memcg]);
}

/* A worker of 6.8 runs in the time of the store that woke it: what it did not wait is its
 * own, and switching to it and back is neither's. */
static void test_bound_worker_takes_the_storers_time(void **state)
{
    (void)state;
    struct bench *bench = with_entries(BENCH_CONFIG("v6.8", "", A), 4);
    struct mm *mm = bench->mm;
    uint64_t before_ns = mm->time_ns[TIME_worker], waited_ns = bench->exec.waited_ns;
    zswap_kick_worker(bench->zswap, &bench->exec);
    zswap_yield_to_worker(bench->zswap, &bench->exec);
    waited_ns = bench->exec.waited_ns - waited_ns;
    const struct runner *runner = &bench->zswap->worker.runner;
    assert_true(runner->sys_ns > 0);
    assert_int_equal(runner->sys_ns + waited_ns + 2 * mm->costs->ns[COST_context_switch],
                     mm->time_ns[TIME_worker] - before_ns);
    bench_settle(bench);
    bench_close(bench);
}

/* With an I/O scheduler the worker's writes wait for kblockd, unless a processor is idle;
 * those of a plug do not. */
static void test_scheduler_holds_the_workers_writes(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG_ON(", \"io_scheduler\": true", "v6.12", "", A));
    bench_store(bench, 0, 3);
    struct processor *processor = &bench->mm->processors->list[0];
    processor->in_turn = true;
    assert_int_equal(zswap_writeback_entry(bench->zswap, &bench->exec, 0), WRITEBACK_DONE);
    assert_int_equal(zswap_writeback_entry(bench->zswap, &bench->exec, 1), WRITEBACK_DONE);
    assert_int_equal(bench->swap->held_write_count, 2);
    assert_int_equal(bench->mm->writes_under_way, 2);
    assert_false(pending_writes_any(&bench->swap->writes));
    assert_int_equal(bench_count(bench, COUNTER_pswpout), 2);
    swap_dispatch_writes(bench->swap, &bench->exec);
    assert_int_equal(bench->swap->held_write_count, 0);
    assert_true(pending_writes_any(&bench->swap->writes));
    processor->in_turn = false;
    assert_int_equal(zswap_writeback_entry(bench->zswap, &bench->exec, 2), WRITEBACK_DONE);
    assert_int_equal(bench->swap->held_write_count, 0);
    bench_settle(bench);
    assert_int_equal(bench->mm->writes_under_way, 0);
    bench_close(bench);
}

/* ---- writeback by the clock ------------------------------------------------------ */

#define PROACTIVE(more)                                                                            \
    BENCH_CONFIG(                                                                                  \
        "proactive-v5",                                                                            \
        "\"second_chance\": false, \"writeback\": {\"interval\": \"1s\", \"budget\": 1," more "}", \
        A)

static uint64_t written_in_a_round(struct bench *bench)
{
    uint64_t before = bench_count(bench, COUNTER_written_back_pages);
    assert_int_equal(zswap_writeback_interval_ns(bench->zswap), 1000000000);
    zswap_writeback_tick(bench->zswap, &bench->exec);
    return bench_count(bench, COUNTER_written_back_pages) - before;
}

static void test_proactive_pace(void **state)
{
    (void)state;
    struct bench *bench = bench_open(PROACTIVE("\"pace\": 3000"));
    bench_store(bench, 0, 8);
    assert_int_equal(written_in_a_round(bench), 3);
    assert_int_equal(written_in_a_round(bench), 3);
    assert_int_equal(written_in_a_round(bench), 2);
    assert_int_equal(written_in_a_round(bench), 0);
    bench_close(bench);
}

static void test_proactive_floor(void **state)
{
    (void)state;
    struct bench *bench = bench_open(PROACTIVE("\"pace\": 100000, \"floor\": 6000"));
    bench_store(bench, 0, 8);
    assert_int_equal(written_in_a_round(bench), 2);
    assert_int_equal(written_in_a_round(bench), 0);
    bench_close(bench);
}

static void test_proactive_age(void **state)
{
    (void)state;
    struct bench *bench = bench_open(PROACTIVE("\"pace\": 100000, \"min_age\": \"2s\""));
    bench_store(bench, 0, 5);
    assert_int_equal(written_in_a_round(bench), 0); /* at 0 s: the 5 are new */
    bench_store(bench, 5, 3);
    assert_int_equal(written_in_a_round(bench), 0); /* 1 s old */
    assert_int_equal(written_in_a_round(bench), 5); /* 2 s old; the 3 are not */
    assert_true(bench_in_zswap(bench, 5));
    assert_int_equal(written_in_a_round(bench), 3);
    bench_close(bench);
}

static void test_proactive_pressure(void **state)
{
    (void)state;
    struct bench *bench = bench_open(PROACTIVE("\"pace\": 8000, \"pressure\": 0.001"));
    bench_store(bench, 0, 40);
    assert_int_equal(written_in_a_round(bench), 8);
    bench->mm->memcgs[ROOT_MEMCG].psi->total_ns[PSI_SOME] += 1000000; /* 0.1 % is not above it */
    assert_int_equal(written_in_a_round(bench), 8);
    bench->mm->memcgs[ROOT_MEMCG].psi->total_ns[PSI_SOME] += 1001000;
    assert_int_equal(written_in_a_round(bench), 0);
    assert_int_equal(written_in_a_round(bench), 6); /* 4000 + 1001 bytes */
    bench_close(bench);
}

/* Only the target and what is below it. */
static void test_proactive_cgroup(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open(BENCH_CONFIG("proactive-v5",
                                "\"second_chance\": false, \"writeback\": {\"policy\": "
                                "\"proactive\", \"pace\": \"1M\", \"cgroup\": \"/b\"}",
                                TASK("/a", 1000) "," TASK("/b", 1000) "," TASK("/b/c", 1000)));
    bench_store(bench, 0, 4);
    bench_store(bench, SPACE_PAGES, 3);
    bench_store(bench, 2 * SPACE_PAGES, 2);
    assert_int_equal(written_in_a_round(bench), 5);
    assert_true(bench_in_zswap(bench, 0));
    assert_false(bench_in_zswap(bench, 2 * SPACE_PAGES));
    bench_close(bench);
}

/* ---- combinations that no kernel has --------------------------------------------- */

static void test_mixed_policies_stay_sound(void **state)
{
    (void)state;
    static const char *const lrus[] = {"global",    "per_pool", "pool_list",
                                       "allocator", "none",     "unified"};
    static const char *const writebacks[] = {"single", "batch", "pool_tail", "allocator_page",
                                             "proactive"};
    for (size_t l = 0; l < sizeof(lrus) / sizeof(lrus[0]); l++)
        for (size_t w = 0; w < sizeof(writebacks) / sizeof(writebacks[0]); w++) {
            char config[4096];
            const struct writeback_hooks *hooks = policy_find("writeback", writebacks[w])->hooks;
            if (strcmp(lrus[l], "none") != 0 &&
                !hooks->takes_from(policy_find("zswap_lru", lrus[l])->hooks))
                continue; /* refused */
            snprintf(config, sizeof(config),
                     BENCH_CONFIG("v6.12",
                                  "\"allocator\": \"zbud\", \"lru\": \"%s\", \"writeback\": \"%s\"",
                                  A_AND_B),
                     lrus[l], writebacks[w]);
            struct bench *bench = bench_open(config);
            bench_store(bench, 0, 20);
            bench_store(bench, B, 20);
            bench_demand_everything(bench);
            for (int run = 0; run < 4; run++)
                bench_run_worker(bench);
            bench_close(bench);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_chance),
        cmocka_unit_test(test_sixteen_failures_end_a_run),
        cmocka_unit_test(test_cgroups_take_turns),
        cmocka_unit_test(test_idle_cgroups_make_runs_long),
        cmocka_unit_test(test_writeback_off_is_skipped),
        cmocka_unit_test(test_batch_visits_a_short_list_twice),
        cmocka_unit_test(test_batch_single_entry_needs_two_calls),
        cmocka_unit_test(test_batch_worker),
        cmocka_unit_test(test_batch_series_caps_at_list_length),
        cmocka_unit_test(test_every_cgroup_counts),
        cmocka_unit_test(test_removed_cgroups_take_time),
        cmocka_unit_test(test_eight_passes),
        cmocka_unit_test(test_writeback_off_ends_the_run),
        cmocka_unit_test(test_empty_cgroups_stall),
        cmocka_unit_test(test_old_pool),
        cmocka_unit_test(test_pool_tail_until_accepted),
        cmocka_unit_test(test_pool_tail_empty),
        cmocka_unit_test(test_pool_tail_failures),
        cmocka_unit_test(test_allocator_page),
        cmocka_unit_test(test_allocator_page_empty_pool),
        cmocka_unit_test(test_allocator_page_failures),
        cmocka_unit_test(test_zsmalloc_zspage),
        cmocka_unit_test(test_no_lru),
        cmocka_unit_test(test_retired_pool_is_destroyed_after_shrinking),
        cmocka_unit_test(test_given_rate_of_runs),
        cmocka_unit_test(test_runs_of_a_given_rate_take_time_once_they_write),
        cmocka_unit_test(test_bound_worker_takes_the_storers_time),
        cmocka_unit_test(test_scheduler_holds_the_workers_writes),
        cmocka_unit_test(test_proactive_pace),
        cmocka_unit_test(test_proactive_floor),
        cmocka_unit_test(test_proactive_age),
        cmocka_unit_test(test_proactive_pressure),
        cmocka_unit_test(test_proactive_cgroup),
        cmocka_unit_test(test_mixed_policies_stay_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The pool limit: arithmetic, strictness and hysteresis of each era, and which
 * refusals wake the worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

/* ---- arithmetic ------------------------------------------------------------------ */

static void test_thresholds(void **state)
{
    (void)state;
    static const struct {
        uint64_t total, percent, accept, max, cached, exact;
    } rows[] = {
        {1000003, 20, 90, 200000, 180000, 180000}, {262147, 20, 90, 52429, 47186, 47186},
        {12345, 33, 75, 4073, 3055, 3054},         {99, 33, 75, 32, 24, 24},
        {6171021, 1, 90, 61710, 55539, 55539},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(zswap_limit_max(rows[i].total, rows[i].percent), rows[i].max);
        assert_int_equal(
            zswap_limit_threshold(LIMIT_CACHED, rows[i].total, rows[i].percent, rows[i].accept),
            rows[i].cached);
        assert_int_equal(
            zswap_limit_threshold(LIMIT_EXACT, rows[i].total, rows[i].percent, rows[i].accept),
            rows[i].exact);
    }
}

/* A pool of so many pages; limit 100, threshold 90. */
struct limits {
    struct mm mm;
    struct config config;
    struct zswap zswap;
};

static void set_pages(struct limits *limits, uint64_t pages)
{
    limits->zswap.total_pages = limits->zswap.cached_pages = pages;
}

static struct limits *limits_of(unsigned rule)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    limits->config.zswap.limit_rule = rule;
    limits->zswap.config = &limits->config;
    limits->zswap.mm = &limits->mm;
    limits->zswap.total_ram_pages = 1000;
    limits->zswap.max_pool_percent = 10;
    limits->zswap.accept_threshold_percent = 90;
    limits->zswap.pool_count = 1;
    return limits;
}

static bool accepts(struct limits *limits, uint64_t pages)
{
    bool full;
    set_pages(limits, pages);
    return zswap_check_limits(&limits->zswap, &full);
}

static uint64_t limit_hits(const struct limits *limits)
{
    return limits->mm.counters[COUNTER_pool_limit_hit];
}

static void test_hysteresis_cached(void **state)
{
    (void)state;
    struct limits *limits = limits_of(LIMIT_CACHED);
    assert_true(accepts(limits, 99));
    assert_true(accepts(limits, 100)); /* equal to the limit is not full */
    assert_false(accepts(limits, 101));
    assert_int_equal(limit_hits(limits), 1);
    assert_false(accepts(limits, 100));
    assert_false(accepts(limits, 90)); /* equal to the threshold is not below it */
    assert_int_equal(limit_hits(limits), 1);
    assert_true(accepts(limits, 89));
    assert_true(accepts(limits, 100)); /* the flag is gone */
    free(limits);
}

static void test_hysteresis_exact(void **state)
{
    (void)state;
    struct limits *limits = limits_of(LIMIT_EXACT);
    assert_true(accepts(limits, 99));
    assert_false(accepts(limits, 100));
    assert_int_equal(limit_hits(limits), 1);
    assert_false(accepts(limits, 99));
    assert_false(accepts(limits, 91));
    assert_int_equal(limit_hits(limits), 1);
    assert_true(accepts(limits, 90));
    assert_true(accepts(limits, 99));
    free(limits);
}

/* Up to 6.9 the sum is what it was at the last store or free. */
static void test_cached_sum_is_stale(void **state)
{
    (void)state;
    bool full;
    struct limits *limits = limits_of(LIMIT_CACHED);
    limits->zswap.total_pages = 50;
    limits->zswap.cached_pages = 101;
    assert_false(zswap_check_limits(&limits->zswap, &full));
    assert_true(full);
    assert_int_equal(zswap_shown_pages(&limits->zswap), 101);
    limits->config.zswap.limit_rule = LIMIT_EXACT;
    assert_int_equal(zswap_shown_pages(&limits->zswap), 50);
    free(limits);
}

/* ---- who wakes the worker -------------------------------------------------------- */

/* Objects of a page each (zsmalloc class of 4096), so that pages are entries: 500
 * in a pool, then what a store meets depends on the percentage. */
#define ONE_PAGE_EACH TASK("/a", 4000)
enum { STORED = 100, RAM_PAGES = 16384 };

/* One more page, refused; was the worker queued? */
static bool refusal_wakes(struct bench *bench, uint32_t page)
{
    uint64_t refused = bench_count(bench, COUNTER_refused_by_limit);
    uint64_t wakeups = bench_count(bench, COUNTER_worker_wakeups);
    bench_touch(bench, page, true);
    bench_evict(bench, page);
    bench_settle(bench);
    assert_int_equal(bench_count(bench, COUNTER_refused_by_limit), refused + 1);
    return bench_count(bench, COUNTER_worker_wakeups) > wakeups;
}

static void check_kicks(const char *config, bool when_full, bool on_hysteresis)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, STORED);
    struct zswap *zswap = bench->zswap;
    /* The limit is a percentage of a number of our own choice. */
    zswap->max_pool_percent = 10;
    zswap->total_ram_pages = 10 * STORED - 10;
    assert_int_equal(refusal_wakes(bench, 300), when_full);
    uint64_t hits = bench_count(bench, COUNTER_pool_limit_hit);
    assert_int_equal(hits, 1);
    /* Between threshold and limit, the flag still set. */
    zswap->reached_full = true;
    zswap->total_ram_pages = 10 * (zswap_total_pages(zswap) + 1);
    zswap->accept_threshold_percent = 1;
    assert_int_equal(refusal_wakes(bench, 301), on_hysteresis);
    assert_int_equal(bench_count(bench, COUNTER_pool_limit_hit), hits);
    bench_close(bench);
}

static void test_kick_rules(void **state)
{
    (void)state;
    check_kicks(BENCH_CONFIG("v6.1", "\"allocator\": \"zsmalloc\"", ONE_PAGE_EACH), true, false);
    check_kicks(BENCH_CONFIG("v6.2", "\"allocator\": \"zsmalloc\"", ONE_PAGE_EACH), true, false);
    check_kicks(BENCH_CONFIG("v6.5", "\"allocator\": \"zsmalloc\"", ONE_PAGE_EACH), true, true);
    check_kicks(BENCH_CONFIG("v6.8", "", ONE_PAGE_EACH), true, true);
    check_kicks(BENCH_CONFIG("v6.9", "", ONE_PAGE_EACH), true, true);
    check_kicks(BENCH_CONFIG("v6.12", "", ONE_PAGE_EACH), true, true);
}

/* Only from 6.10 on does a refusal for another reason wake the worker. */
static bool other_refusal_wakes(const char *config)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 4);
    bench_touch(bench, SPACE_PAGES, true);
    bench->zswap->reached_full = true;
    bench->zswap->accept_threshold_percent = 0;
    struct memcg *owner = &bench->mm->memcgs[page_memcg(bench->mm, SPACE_PAGES)];
    owner->zswap_max = 0;
    bench_evict(bench, SPACE_PAGES);
    bench_settle(bench);
    assert_int_equal(bench_count(bench, COUNTER_refused_by_memcg), 1);
    bool woken = bench_count(bench, COUNTER_worker_wakeups) > 0;
    bench_close(bench);
    return woken;
}

static void test_kick_on_any_refusal(void **state)
{
    (void)state;
#define TWO TASK("/a", 1000) "," TASK("/b", 1000)
    assert_false(other_refusal_wakes(BENCH_CONFIG("v6.1", "", TWO)));
    assert_false(other_refusal_wakes(BENCH_CONFIG("v6.5", "", TWO)));
    assert_false(other_refusal_wakes(BENCH_CONFIG("v6.9", "", TWO)));
    assert_true(other_refusal_wakes(BENCH_CONFIG("v6.10", "", TWO)));
    assert_true(other_refusal_wakes(BENCH_CONFIG("v6.12", "", TWO)));
    assert_true(other_refusal_wakes(BENCH_CONFIG("v7.3", "", TWO)));
}

/* ---- circles --------------------------------------------------------------------- */

#define AT_A_LIMIT(version, pool_percent, limit, event)                                            \
    "{\"kernel\": \"v6.8\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"24M\"}]}, "      \
    "\"vm\": {\"page_cluster\": 0, \"cgroup_version\": \"" version "\"}, \"swap\": {\"devices\": " \
    "[{\"name\": \"z\", \"type\": \"zram\", \"size\": \"3M\", \"mem_limit\": \"64K\"}]}, "         \
    "\"zswap\": {\"store_reclaim\": \"one_per_node\", \"max_pool_percent\": " pool_percent "}, "   \
    "\"cgroups\": {\"/c\": {\"memory.zswap.max\": \"128K\"" limit                                  \
    "}}, \"tasks\": [{\"name\": \"t\", "                                                           \
    "\"cgroup\": \"/c\", \"workload\": {\"type\": \"steps\", \"seed\": 840, \"steps\": "           \
    "\"0:seq:0:369:773:100\"}, \"content\": {\"type\": \"uniform\", \"length\": 3000}}], "         \
    "\"events\": [" event "]}"
#define SETS(limit) "{\"at_access\": 400, \"set\": \"cgroups./c." limit "\", \"value\": \"512K\"}"

/* Zswap is full, and its device takes nothing: what is written back stays in RAM and is stored
 * again, in the place of what is written back then.  Reclaim frees pages for ever. */
static void test_circles_end_a_run(void **state)
{
    (void)state;
    static const char *const configs[] = {
        AT_A_LIMIT("v2", "20", ", \"memory.max\": \"512K\"", ""),
        AT_A_LIMIT("v2", "20", ", \"memory.high\": \"512K\"", ""),
        AT_A_LIMIT("v2", "20", "", SETS("memory.max")),
        AT_A_LIMIT("v2", "20", "", SETS("memory.high")),
        AT_A_LIMIT("v1", "1", "", SETS("memory.max")),
    };
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        struct run_result result;
        assert_false(run_config(configs[i], CHECKS_SAMPLED, 1, &result));
        assert_non_null(strstr(result.failure, "cgroup \"/c\" goes in circles"));
        run_result_release(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thresholds),        cmocka_unit_test(test_hysteresis_cached),
        cmocka_unit_test(test_hysteresis_exact),  cmocka_unit_test(test_cached_sum_is_stale),
        cmocka_unit_test(test_kick_rules),        cmocka_unit_test(test_kick_on_any_refusal),
        cmocka_unit_test(test_circles_end_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

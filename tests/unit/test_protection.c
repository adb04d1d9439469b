/* What keeps pages in RAM or in zswap, and no longer does: memory.low in part and of removed
 * cgroups, memory.zswap.writeback while zswap is off, the statistics of the root's own entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/shrinker/shrinker.h"
#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

#define MACHINE_WITH(vm)                                                                           \
    "\"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"128M\"}]}, "                            \
    "\"vm\": {\"page_cluster\": 0, \"memcg_stat_flush\": \"10ms\"" vm "}, "
#define MACHINE MACHINE_WITH("")
#define CONTENT "\"content\": {\"type\": \"uniform\", \"length\": 1365}"

static struct run_result run(const char *config)
{
    struct run_result result;
    assert_true(run_config(config, CHECKS_SAMPLED, 1, &result));
    return result;
}

/* low as large as nearly all that is used: of so little reclaim frees nothing, and begins anew
 * without it (get_scan_count() sets memcg_low_skipped). */
static void low_in_part_kills_nobody(const char *reclaim)
{
    char config[1024];
    snprintf(config, sizeof(config),
             "{\"kernel\": \"v7.3\", " MACHINE_WITH(
                 ", \"reclaim\": \"%s\"") "\"zswap\": {\"max_pool_percent\": 50}, "
                                          "\"cgroups\": {\"/p\": {\"memory.max\": \"16M\"}, "
                                          "\"/p/a\": {\"memory.low\": \"16304K\"}}, "
                                          "\"tasks\": [{\"name\": \"a\", \"cgroup\": \"/p/a\", "
                                          "\"think\": \"1us\", \"workload\": "
                                          "{\"type\": \"hot_cold\", \"footprint\": \"20M\", "
                                          "\"accesses\": 40000, "
                                          "\"hot\": \"14M\", \"hot_percent\": 95, \"fill\": "
                                          "true}, " CONTENT "}]}",
             reclaim);
    struct run_result result = run(config);
    assert_int_equal(result.totals.counters[COUNTER_oom_kill], 0);
    run_result_release(&result);
}

static void test_low_in_part(void **state)
{
    (void)state;
    low_in_part_kills_nobody("classic");
    low_in_part_kills_nobody("mglru");
}

/* Faults of /top/p/b with a removed sibling, whose low was 0 or not when it was removed. */
static uint64_t faults_beside_removed(const char *low)
{
    char config[2048];
    snprintf(
        config, sizeof(config),
        "{\"kernel\": \"v6.12\", " MACHINE "\"zswap\": {\"max_pool_percent\": 50}, "
        "\"cgroups\": {\"/top\": {\"memory.max\": \"16M\"}, \"/top/p\": {\"memory.low\": \"10M\"}, "
        "\"/top/p/a\": {\"memory.low\": \"%s\"}, \"/top/p/b\": {\"memory.low\": \"10M\"}, "
        "\"/top/c\": {}}, "
        "\"tasks\": [{\"name\": \"a\", \"cgroup\": \"/top/p/a\", \"stop\": \"200ms\", "
        "\"workload\": {\"type\": \"sequential\", \"footprint\": \"10M\", \"accesses\": "
        "0}, " CONTENT
        "}, {\"name\": \"b\", \"cgroup\": \"/top/p/b\", \"start\": \"300ms\", \"think\": \"1us\", "
        "\"workload\": {\"type\": \"zipf\", \"exponent\": 0.3, \"footprint\": \"9M\", "
        "\"accesses\": 60000, \"fill\": true}, " CONTENT
        "}, {\"name\": \"c\", \"cgroup\": \"/top/c\", \"start\": \"300ms\", \"think\": \"1us\", "
        "\"workload\": {\"type\": \"zipf\", \"exponent\": 0.3, \"footprint\": \"15M\", "
        "\"accesses\": 60000, \"fill\": true}, " CONTENT "}], "
        "\"events\": [{\"at\": \"250ms\", \"offline\": \"/top/p/a\"}]}",
        low);
    struct run_result result = run(config);
    enum { ROOT, TOP, P, REMOVED, BESIDE }; /* as the config has them */
    assert_int_equal(result.cgroups[REMOVED].at_end.gauges[GAUGE_memory_current], 0);
    uint64_t faults = result.cgroups[BESIDE].at_end.counters[COUNTER_pgmajfault];
    run_result_release(&result);
    return faults;
}

static void test_removed_cgroup_gives_its_low_up(void **state)
{
    (void)state;
    uint64_t without = faults_beside_removed("0"), with = faults_beside_removed("10M");
    assert_true(without > 0);
    assert_in_range(with, without * 9 / 10, without * 11 / 10);
}

/* mem_cgroup_zswap_writeback_enabled() looks at zswap's own switch first. */
static void test_writeback_forbidden_but_zswap_off(void **state)
{
    (void)state;
    struct run_result result =
        run("{\"kernel\": \"v6.18\", " MACHINE "\"zswap\": {\"max_pool_percent\": 50}, "
            "\"cgroups\": {\"/job\": {\"memory.max\": \"8M\", \"memory.zswap.writeback\": false}}, "
            "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/job\", \"think\": \"1us\", \"workload\": "
            "{\"type\": \"zipf\", \"footprint\": \"12M\", \"accesses\": 50000, \"exponent\": 0.7, "
            "\"fill\": true}, " CONTENT "}], "
            "\"events\": [{\"at_access\": 25000, \"set\": \"zswap.enabled\", \"value\": false}]}");
    assert_int_equal(result.totals.counters[COUNTER_oom_kill], 0);
    assert_true(result.totals.counters[COUNTER_pswpout] > 0);
    run_result_release(&result);
}

/* The root's own pages have no obj_cgroup, so nothing says that it has any entries. */
static void test_shrinker_passes_the_root_over(void **state)
{
    (void)state;
    static const char *const groups[] = {"/", "/job"};
    for (int of_job = 0; of_job < 2; of_job++) {
        char config[1024];
        snprintf(config, sizeof(config),
                 "{\"kernel\": \"v6.18\", " MACHINE
                 "\"zswap\": {\"max_pool_percent\": 50, \"shrinker_enabled\": true}, "
                 "\"cgroups\": {\"/job\": {}}, "
                 "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"%s\", \"think\": \"1us\", "
                 "\"workload\": {\"type\": \"zipf\", \"footprint\": \"200M\", "
                 "\"accesses\": 60000, \"exponent\": 0.7, \"fill\": true}, " CONTENT "}]}",
                 groups[of_job]);
        struct run_result result = run(config);
        assert_true(result.totals.counters[COUNTER_zswpout] > 0);
        assert_int_equal(result.totals.counters[COUNTER_zswpwb] > 0, of_job);
        run_result_release(&result);
    }
}

/* protected (6.8): a scan of more entries than there are is not refused, since the kernel's
 * difference has no sign. */
static void test_scan_of_more_than_there_are(void **state)
{
    (void)state;
    const struct shrinker_hooks *hooks = policy_find("shrinker", "protected")->hooks;
    const struct shrinker_state some = {.protected_entries = 10};
    assert_false(hooks->may_scan(&some, 40, 30));
    assert_true(hooks->may_scan(&some, 41, 30));
    assert_true(hooks->may_scan(&some, 20, 21));
}

/* Charged pages of how many cgroups a processor keeps at hand: of one, up to 6.15. */
static void test_charged_pages_at_hand(void **state)
{
    (void)state;
    static const struct {
        const char *kernel;
        uint32_t slots;
    } kernels[] = {{"v6.12", 1}, {"v6.16", 7}};
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        char config[2048];
        snprintf(config, sizeof(config),
                 BENCH_CONFIG("%s", "\"enabled\": true", TASK("/a", 1000) ", " TASK("/b", 1000)),
                 kernels[i].kernel);
        struct bench *bench = bench_open(config);
        bench_touch(bench, 0, true);
        bench_touch(bench, SPACE_PAGES, true);
        bench_touch(bench, 1, true);
        assert_int_equal(bench->mm->stocks[0].taken, kernels[i].slots == 1 ? 1 : 2);
        bench_close(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_low_in_part),
        cmocka_unit_test(test_removed_cgroup_gives_its_low_up),
        cmocka_unit_test(test_writeback_forbidden_but_zswap_off),
        cmocka_unit_test(test_shrinker_passes_the_root_over),
        cmocka_unit_test(test_scan_of_more_than_there_are),
        cmocka_unit_test(test_charged_pages_at_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

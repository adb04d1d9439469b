/* The controller of memory.reclaim and memory.high that PSI drives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/proactive_reclaim/proactive_reclaim.h"
#include "sim/mm/memcg.h"
#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

#define SENPAI(params)                                                                             \
    "{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]},"      \
    "\"vm\": {\"page_cluster\": 0, \"proactive_reclaim\": {\"policy\": \"senpai\", "               \
    "\"interval\": \"10s\", \"target\": 0.01, " params "}},"                                       \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\", \"synchronous\": true}]},"      \
    "\"cgroups\": {\"/a\": {}, \"/b\": {}, \"/b/c\": {}},"                                         \
    "\"tasks\": [" TASK("/a", 1000) "," TASK("/b", 1000) "," TASK("/b/c", 1000) "]}"

static void fill(struct bench *bench, uint32_t space)
{
    for (uint32_t page = 0; page < SPACE_PAGES; page++)
        bench_touch(bench, space * SPACE_PAGES + page, true);
    lru_add_drain_all(bench->mm);
}

static void tick(struct bench *bench)
{
    struct mm *mm = bench->mm;
    mm->proactive_reclaim->tick(mm, &bench->exec, mm->proactive_reclaim_state,
                                bench->config.vm.proactive_reclaim.params);
}

static void stall(struct bench *bench, const char *path, uint64_t ms)
{
    bench->mm->memcgs[memcg_find(bench->mm, path)].psi->total_ns[PSI_SOME] += ms * 1000000;
}

/* Pages that a look at the cgroup after so much pressure asks for, or more: reclaim
 * works in clusters. */
static uint64_t reclaimed_after(struct bench *bench, const char *path, uint64_t stall_ms)
{
    uint64_t before = bench_count(bench, COUNTER_pgsteal_proactive);
    stall(bench, path, stall_ms);
    tick(bench);
    return bench_count(bench, COUNTER_pgsteal_proactive) - before;
}

static void test_reclaim(void **state)
{
    (void)state;
    struct bench *bench = bench_open(
        SENPAI("\"cgroup\": \"/a\", \"ratio\": 0.25, \"max_probe\": 0.2, \"floor\": \"1M\""));
    fill(bench, 0);
    fill(bench, 1);
    uint64_t usage = bench->mm->memcgs[memcg_find(bench->mm, "/a")].usage;
    /* no pressure: a quarter, at most a fifth */
    uint64_t taken = reclaimed_after(bench, "/a", 0);
    assert_in_range(taken, usage / 5, usage / 5 + RECLAIM_CLUSTER);
    /* at the target, 1 % of 10 s, and above it: nothing */
    assert_int_equal(reclaimed_after(bench, "/a", 100), 0);
    assert_int_equal(reclaimed_after(bench, "/a", 1000), 0);
    /* at 60 % of it: 0.25 * 0.4 */
    usage = bench->mm->memcgs[memcg_find(bench->mm, "/a")].usage;
    taken = reclaimed_after(bench, "/a", 60);
    assert_in_range(taken, usage / 10 - 1, usage / 10 + RECLAIM_CLUSTER);
    /* never below the floor; and nobody else */
    for (int i = 0; i < 40; i++)
        tick(bench);
    usage = bench->mm->memcgs[memcg_find(bench->mm, "/a")].usage;
    assert_in_range(usage, 256 - 2 * RECLAIM_CLUSTER, 256);
    assert_true(bench->mm->hot[SPACE_PAGES] & HOT_IN_RAM);
    bench_close(bench);
}

/* memory.high of /a in pages after so much pressure. */
static uint64_t high_after(struct bench *bench, uint64_t stall_ms)
{
    stall(bench, "/a", stall_ms);
    tick(bench);
    return bench->mm->memcgs[memcg_find(bench->mm, "/a")].memory_high;
}

static void test_high(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open(SENPAI("\"cgroup\": \"/a\", \"method\": \"high\", \"max_probe\": 0.1"));
    uint32_t a = memcg_find(bench->mm, "/a");
    fill(bench, 0);
    double usage = (double)bench->mm->memcgs[a].usage;
    assert_int_equal(high_after(bench, 0), (uint64_t)(usage * 0.9));
    assert_true(bench->mm->memcgs[a].usage <= bench->mm->memcgs[a].memory_high);
    bench->mm->memcgs[a].memory_high = 400;
    assert_int_equal(high_after(bench, 10), 360);   /* a tenth of the target: all of max_probe */
    assert_int_equal(high_after(bench, 50), 358);   /* half: (2 / 10)^2 of it, 1.44 pages */
    assert_int_equal(high_after(bench, 1000), 447); /* ten times: (10 / 20)^2 of the limit more */
    assert_int_equal(high_after(bench, 2000), 894); /* 20 times: all of it */
    assert_int_equal(high_after(bench, 9000), 1788);
    bench_close(bench);
}

/* Without a cgroup: those without children. */
static void test_every_leaf(void **state)
{
    (void)state;
    struct bench *bench = bench_open(SENPAI("\"method\": \"high\""));
    fill(bench, 0);
    fill(bench, 2);
    tick(bench);
    assert_true(bench->mm->memcgs[memcg_find(bench->mm, "/a")].memory_high != UINT64_MAX);
    assert_true(bench->mm->memcgs[memcg_find(bench->mm, "/b")].memory_high == UINT64_MAX);
    assert_true(bench->mm->memcgs[memcg_find(bench->mm, "/b/c")].memory_high != UINT64_MAX);
    bench_close(bench);
}

/* A program with a cold half: it goes, and the pressure stays near the target. */
static void test_run(void **state)
{
    (void)state;
#define COLD_HALF(reclaim)                                                                         \
    "{\"kernel\": \"v7.3\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"128M\"}]},"      \
    "\"vm\": {\"page_cluster\": 0, \"proactive_reclaim\": " reclaim "},"                           \
    "\"cgroups\": {\"/a\": {}}, \"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"think\": "     \
    "\"20us\", \"workload\": {\"type\": \"hot_cold\", \"footprint\": \"32M\", \"hot\": \"16M\", "  \
    "\"hot_percent\": 100, \"fill\": true, \"accesses\": 300000}}]}"
    struct run_result without, with;
    assert_true(run_config(COLD_HALF("\"off\""), CHECKS_SAMPLED, 1, &without));
    assert_true(run_config(COLD_HALF("{\"policy\": \"senpai\", \"interval\": \"50ms\", \"ratio\": "
                                     "0.01}"),
                           CHECKS_SAMPLED, 1, &with));
    assert_int_equal(gauge(&without, GAUGE_resident_pages), 8192);
    assert_in_range(gauge(&with, GAUGE_resident_pages), 3500, 5000);
    assert_true(with.psi.some_us * 1000 < with.end_ns / 100);
    run_result_release(&without);
    run_result_release(&with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reclaim),
        cmocka_unit_test(test_high),
        cmocka_unit_test(test_every_leaf),
        cmocka_unit_test(test_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

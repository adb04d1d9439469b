/* Pressure stall information: states of a processor, weights, averages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

#define MS 1000000ull
#define TWO_CPUS                                                                                   \
    "{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"64M\"}]},"      \
    "\"cgroups\": {\"/a\": {}, \"/b\": {}, \"/b/c\": {}}, \"tasks\": [" TASK("/a", 1000) "]}"

static uint32_t memcg_of(const struct bench *bench, const char *path)
{
    for (uint32_t i = 0; i < bench->mm->memcg_count; i++)
        if (strcmp(bench->mm->memcgs[i].path, path) == 0)
            return i;
    return NO_MEMCG;
}

static void start(struct bench *bench, struct psi_task *task, const char *path, uint32_t cpu)
{
    psi_task_init(bench->mm, task, memcg_of(bench, path), cpu);
    psi_set(bench->mm, task, 0, PSI_PRODUCTIVE);
}

static void check_totals(struct bench *bench, const char *path, uint64_t some_ms, uint64_t full_ms)
{
    uint32_t memcg = memcg_of(bench, path);
    uint64_t now_ns = bench->mm->events->now_ns;
    assert_int_equal(psi_total_us(bench->mm, memcg, PSI_SOME, now_ns), some_ms * 1000);
    assert_int_equal(psi_total_us(bench->mm, memcg, PSI_FULL, now_ns), full_ms * 1000);
}

/* Two tasks on one processor. */
static void test_states_of_a_processor(void **state)
{
    (void)state;
    struct bench *bench = bench_open(TWO_CPUS);
    struct mm *mm = bench->mm;
    struct psi_task first, second;
    start(bench, &first, "/a", 0);
    start(bench, &second, "/a", 0);
    psi_set(mm, &first, 10 * MS, PSI_STALLED);        /* the second runs: some */
    psi_set(mm, &second, 30 * MS, PSI_BLOCKED);       /* waits for a disk: full */
    psi_set(mm, &second, 35 * MS, PSI_PRODUCTIVE);    /* some */
    psi_set(mm, &first, 40 * MS, PSI_STALLED_ON_CPU); /* the second cannot run: full */
    psi_set(mm, &first, 47 * MS, PSI_PRODUCTIVE);     /* neither */
    psi_set(mm, &second, 60 * MS, PSI_STALLED);       /* some */
    psi_set(mm, &first, 70 * MS, PSI_ABSENT);         /* full */
    mm->events->now_ns = 100 * MS;
    check_totals(bench, "/a", 37 + 40, 5 + 7 + 30);
    psi_task_release(&first);
    psi_task_release(&second);
    bench_close(bench);
}

/* Told out of order, as by a task that knows when it will wake. */
static void test_order_of_telling(void **state)
{
    (void)state;
    struct bench *bench = bench_open(TWO_CPUS);
    struct mm *mm = bench->mm;
    struct psi_task first, second;
    start(bench, &first, "/a", 0);
    start(bench, &second, "/a", 0);
    psi_set(mm, &first, 10 * MS, PSI_STALLED);
    psi_set(mm, &first, 50 * MS, PSI_PRODUCTIVE);
    psi_set(mm, &second, 20 * MS, PSI_STALLED);
    psi_set(mm, &second, 30 * MS, PSI_PRODUCTIVE);
    mm->events->now_ns = 15 * MS;
    check_totals(bench, "/a", 5, 0);
    mm->events->now_ns = 100 * MS;
    check_totals(bench, "/a", 40, 10);
    psi_task_release(&first);
    psi_task_release(&second);
    bench_close(bench);
}

/* A cgroup's stall is its ancestors', not its neighbours'. */
static void test_hierarchy(void **state)
{
    (void)state;
    struct bench *bench = bench_open(TWO_CPUS);
    struct mm *mm = bench->mm;
    struct psi_task inner, outer, other;
    start(bench, &inner, "/b/c", 0);
    start(bench, &outer, "/b", 0);
    start(bench, &other, "/a", 0);
    psi_set(mm, &inner, 10 * MS, PSI_STALLED);
    psi_set(mm, &outer, 20 * MS, PSI_BLOCKED);
    mm->events->now_ns = 100 * MS;
    check_totals(bench, "/b/c", 90, 90);
    check_totals(bench, "/b", 90, 80);
    check_totals(bench, "/", 90, 0);
    check_totals(bench, "/a", 0, 0);
    psi_task_release(&inner);
    psi_task_release(&outer);
    psi_task_release(&other);
    bench_close(bench);
}

/* Processors count by the time that they were not idle. */
static void test_weights(void **state)
{
    (void)state;
    struct bench *bench = bench_open(TWO_CPUS);
    struct mm *mm = bench->mm;
    struct psi_task first, second;
    uint32_t a = memcg_of(bench, "/a");
    start(bench, &first, "/a", 0);
    start(bench, &second, "/a", 1);
    psi_set(mm, &first, 0, PSI_STALLED);
    mm->events->now_ns = 100 * MS;
    check_totals(bench, "/a", 50, 50); /* (100 * 100 + 0 * 100) / 200 */
    psi_collect(mm, a, 100 * MS);
    psi_set(mm, &second, 125 * MS, PSI_ABSENT);
    mm->events->now_ns = 200 * MS;
    check_totals(bench, "/a", 50 + 80, 50 + 80); /* (100 * 100 + 0 * 25) / 125 */
    psi_collect(mm, a, 200 * MS);
    mm->events->now_ns = 300 * MS;
    check_totals(bench, "/a", 130 + 100, 130 + 100);
    psi_task_release(&first);
    psi_task_release(&second);
    bench_close(bench);
}

/* calc_load with the constants of 10, 60 and 300 s, and what a file would show. */
static void test_averages(void **state)
{
    (void)state;
    assert_int_equal(psi_next_average(0, 0, 100 * PSI_FIXED_1), 37100);
    assert_int_equal(psi_next_average(37100, 0, 100 * PSI_FIXED_1), 67480);
    assert_int_equal(psi_next_average(67480, 0, 0), 55255);
    assert_int_equal(psi_next_average(0, 1, 100 * PSI_FIXED_1), 6700);
    assert_int_equal(psi_next_average(0, 2, 100 * PSI_FIXED_1), 1400);
    assert_int_equal(psi_next_average(204800, 2, 100 * PSI_FIXED_1), 204800);

    struct bench *bench = bench_open(TWO_CPUS);
    struct mm *mm = bench->mm;
    struct psi_task task;
    uint32_t a = memcg_of(bench, "/a");
    start(bench, &task, "/a", 0);
    psi_set(mm, &task, 500 * MS, PSI_STALLED);
    psi_set(mm, &task, 1005 * MS, PSI_PRODUCTIVE);
    mm->events->now_ns = PSI_PERIOD_NS;
    psi_update_averages(mm, PSI_PERIOD_NS);
    /* 505 ms of 2 s is 25 whole per cent; 25 * 2048 * 371 / 2048, rounded up */
    assert_int_equal(mm->memcgs[a].psi->average[PSI_SOME][0], 9275);
    assert_int_equal(psi_average_ppm(mm, a, PSI_SOME, 0), 45288); /* "4.52" */
    mm->events->now_ns = 2 * PSI_PERIOD_NS;
    psi_update_averages(mm, 2 * PSI_PERIOD_NS);
    assert_int_equal(mm->memcgs[a].psi->average[PSI_SOME][0], 9275 * 1677 / 2048);
    assert_int_equal(psi_total_us(mm, a, PSI_SOME, 2 * PSI_PERIOD_NS), 505000);
    psi_task_release(&task);
    bench_close(bench);
}

/* Nested stalls are one. */
static void test_nested_stalls(void **state)
{
    (void)state;
    struct bench *bench = bench_open(TWO_CPUS);
    struct mm *mm = bench->mm;
    struct psi_task task;
    struct exec exec = {.now_ns = 10 * MS, .psi = &task};
    start(bench, &task, "/a", 0);
    psi_memstall_enter(mm, &exec);
    exec.now_ns = 20 * MS;
    psi_memstall_enter(mm, &exec);
    exec.now_ns = 30 * MS;
    psi_memstall_leave(mm, &exec);
    exec.now_ns = 40 * MS;
    psi_memstall_leave(mm, &exec);
    mm->events->now_ns = 100 * MS;
    check_totals(bench, "/a", 30, 30);
    psi_task_release(&task);
    bench_close(bench);
}

/* One task: full is some; the wait for pages in use is pressure, first reads are none. */
static void test_runs(void **state)
{
    (void)state;
#define RUN(limit, footprint)                                                                      \
    "{\"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]}, \"cgroups\": {\"/a\": "      \
    "{\"memory.max\": \"" limit "\"}}, \"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", "         \
    "\"workload\": {\"type\": \"zipf\", \"footprint\": \"" footprint "\", \"accesses\": 60000}}]}"
    struct run_result result;
    assert_true(run_config(RUN("4M", "8M"), CHECKS_OFF, 1, &result));
    assert_true(result.psi.some_us > 0);
    assert_int_equal(result.psi.some_us, result.psi.full_us);
    assert_true(result.psi.some_us < result.end_ns / 1000);
    assert_int_equal(result.psi.some_us, gauge(&result, GAUGE_pressure_some_us));
    run_result_release(&result);
    assert_true(run_config(RUN("32M", "8M"), CHECKS_OFF, 1, &result));
    assert_int_equal(result.psi.some_us, 0);
    run_result_release(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_of_a_processor),
        cmocka_unit_test(test_order_of_telling),
        cmocka_unit_test(test_hierarchy),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_nested_stalls),
        cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

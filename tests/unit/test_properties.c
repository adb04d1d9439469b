/* Random configs: whatever is asked, the books balance.
 *
 * Each case is drawn from a seed: machine, kernel, cgroup tree, limits, tasks,
 * contents, devices and events.  The run must finish with every invariant
 * intact, and what the kernel's counters promise of each other must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cases.h"
#include "tests/unit/random_config.h"
#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

static void draw_config(uint64_t seed, char *text)
{
    struct draw draw = {.random = random_splitmix(seed) | 1, .shrunk = 1, .text = text};
    draw_valid_config(&draw);
}

static void check_case(uint64_t seed, char *text)
{
    struct run_result result;
    draw_config(seed, text);
    if (!run_config(text, CHECKS_FULL, 1, &result))
        fail_msg("case %llu: %s", (unsigned long long)seed, result.failure);
    const char *broken = broken_relation(text, &result);
    if (broken)
        fail_msg("case %llu: not so: %s", (unsigned long long)seed, broken);
    run_result_release(&result);
}

/* Met by one config in thousands. */
static const uint64_t rare[] = {
    890,  /* v6.12, mglru: a cgroup goes offline while its pages are isolated, one of them young */
    2673, /* v7.3, mglru: the shrink worker reads a page that is restored */
    6310, /* v6.2: a writer has shrinker_rwsem more often than a reader gets it */
};

static void test_random_configs_keep_every_invariant(void **state)
{
    (void)state;
    char *text = malloc(RANDOM_CONFIG_BYTES);
    for (uint64_t seed = 1; seed <= CASES(200, 10); seed++)
        check_case(seed, text);
    for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
        check_case(rare[i], text);
    free(text);
}

static void test_the_same_config_gives_the_same_counts(void **state)
{
    (void)state;
    char *text = malloc(RANDOM_CONFIG_BYTES);
    for (uint64_t seed = 1000; seed < 1000 + CASES(20, 5); seed++) {
        struct run_result first, second;
        draw_config(seed, text);
        assert_true(run_config(text, CHECKS_OFF, 1, &first));
        assert_true(run_config(text, CHECKS_SAMPLED, 1, &second));
        assert_memory_equal(&first.totals, &second.totals, sizeof(first.totals));
        assert_memory_equal(first.time_ns, second.time_ns, sizeof(first.time_ns));
        assert_int_equal(first.end_ns, second.end_ns);
        run_result_release(&first);
        run_result_release(&second);
    }
    free(text);
}

/* A random config whose engine takes rows of the series as told. */
static void draw_with_rows(uint64_t seed, const char *rows, char *text)
{
    static const char end[] = "\"series_rows\": 5}}\n";
    draw_config(seed, text);
    char *at = text + strlen(text) - strlen(end);
    assert_string_equal(at, end);
    sprintf(at, "%s}}\n", rows);
}

static void check_looked_on(uint64_t seed, char *text)
{
    struct run_result unseen, seen;
    draw_with_rows(seed, "\"series_rows\": 0", text);
    assert_true(run_config(text, CHECKS_OFF, 1, &unseen));
    draw_with_rows(seed, "\"series_rows\": 90, \"series_interval\": \"737us\"", text);
    assert_true(run_config(text, CHECKS_OFF, 1, &seen));
    if (memcmp(&unseen.totals, &seen.totals, sizeof(unseen.totals)) != 0 ||
        memcmp(unseen.time_ns, seen.time_ns, sizeof(unseen.time_ns)) != 0 ||
        unseen.end_ns != seen.end_ns)
        fail_msg("case %llu: %s", (unsigned long long)seed, text);
    for (size_t row = 1; row < seen.series_count; row++)
        assert_true(seen.series[row - 1].at_ns <= seen.series[row].at_ns);
    run_result_release(&unseen);
    run_result_release(&seen);
}

static void test_looking_on_changes_nothing(void **state)
{
    (void)state;
    char *text = malloc(RANDOM_CONFIG_BYTES);
    for (uint64_t seed = 2000; seed < 2000 + CASES(30, 3); seed++)
        check_looked_on(seed, text);
    check_looked_on(2071, text); /* ends with a reclaim that an event asked for */
    free(text);
}

/* As many pages as a batch may hold, on each of two processors. */
static void test_batches_hold_what_a_config_may_ask_for(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(
        run_config("{\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"8M\"}]}, "
                   "\"vm\": {\"lru_add_batch\": 255}, \"swap\": {\"devices\": [{\"name\": \"d\", "
                   "\"size\": \"8M\"}]}, \"tasks\": [{\"name\": \"t\", \"count\": 2, \"workload\": "
                   "{\"type\": \"uniform\", \"footprint\": \"2M\", \"accesses\": 2000}}]}",
                   CHECKS_FULL, 1, &result));
    assert_int_equal(counted(&result, COUNTER_first_touch), 1024);
    run_result_release(&result);
}

static void interrupt(void *interrupted, uint64_t done, uint64_t total, uint64_t now_ns)
{
    (void)done, (void)total, (void)now_ns;
    *(bool *)interrupted = true;
}

/* Where accesses take seconds, it does not take a hundred of them to notice an interruption. */
static void test_an_interrupted_run_ends_soon(void **state)
{
    (void)state;
    struct bench bench = {0};
    struct run_result result;
    bool interrupted = false;
    struct sim_options options = {
        .interrupted = &interrupted, .progress = interrupt, .progress_context = &interrupted};
    bench_read(&bench, "{\"tasks\": [{\"name\": \"t\", \"think\": \"5s\", \"workload\": "
                       "{\"type\": \"uniform\", \"footprint\": \"64K\", "
                       "\"accesses\": 1000}}]}");
    assert_true(sim_run(&bench.config, &options, 1, &result));
    assert_true(interrupted && !result.complete);
    assert_true(counted(&result, COUNTER_accesses) < 10);
    run_result_release(&result);
    experiment_free(bench.experiment);
}

/* A run ends when a time series takes too much memory. */
static void test_a_long_series_ends_the_run(void **state)
{
    (void)state;
    struct run_result result;
    assert_false(run_config("{\"engine\": {\"series_interval\": \"1ns\"}, \"swap\": {\"devices\": "
                            "[{\"name\": \"d\", \"size\": \"8M\"}]}, \"tasks\": [{\"name\": \"t\","
                            "\"think\": \"1ms\", \"workload\": {\"type\": \"uniform\","
                            "\"footprint\": \"64K\", \"accesses\": 20000}}]}",
                            CHECKS_OFF, 1, &result));
    assert_non_null(strstr(result.failure, "the time series has 1000000 rows"));
    run_result_release(&result);
}

/* And before its time comes near 2^64 ns: three years of timers are not waited for here. */
static void test_three_years_end_the_run(void **state)
{
    (void)state;
    uint64_t end_ns, wake_at_ns = 0;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "", TASK("/a", 1000)));
    struct runner *runner = &bench->simulation.tasks[0].runner;
    assert_int_not_equal(runner->turn(runner, 0, SIMULATED_NS_AT_MOST, &end_ns, &wake_at_ns),
                         TURN_FINISHED);
    assert_string_equal(bench->simulation.failure, "");
    assert_int_equal(runner->turn(runner, 0, SIMULATED_NS_AT_MOST + 1, &end_ns, &wake_at_ns),
                     TURN_FINISHED);
    assert_string_equal(bench->simulation.failure,
                        "task /a: simulated time passes 100000000 s, three years");
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_configs_keep_every_invariant),
        cmocka_unit_test(test_the_same_config_gives_the_same_counts),
        cmocka_unit_test(test_looking_on_changes_nothing),
        cmocka_unit_test(test_batches_hold_what_a_config_may_ask_for),
        cmocka_unit_test(test_an_interrupted_run_ends_soon),
        cmocka_unit_test(test_a_long_series_ends_the_run),
        cmocka_unit_test(test_three_years_end_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

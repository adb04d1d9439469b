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

#include "tests/unit/random_config.h"
#include "tests/unit/run_config.h"

/* Under sanitizers a case takes twenty times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { CASES = 10 };
#else
enum { CASES = 200 };
#endif

static void draw_config(uint64_t seed, char *text)
{
    struct draw draw = {.random = random_splitmix(seed) | 1, .shrunk = 1, .text = text};
    draw_valid_config(&draw);
}

static void test_random_configs_keep_every_invariant(void **state)
{
    (void)state;
    char *text = malloc(RANDOM_CONFIG_BYTES);
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct run_result result;
        draw_config(seed, text);
        if (!run_config(text, CHECKS_FULL, 1, &result))
            fail_msg("case %llu: %s", (unsigned long long)seed, result.failure);
        const char *broken = broken_relation(text, &result);
        if (broken)
            fail_msg("case %llu: not so: %s", (unsigned long long)seed, broken);
        run_result_release(&result);
    }
    free(text);
}

static void test_the_same_config_gives_the_same_counts(void **state)
{
    (void)state;
    char *text = malloc(RANDOM_CONFIG_BYTES);
    for (uint64_t seed = 1000; seed < 1020; seed++) {
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

/* A run ends when a time series takes too much memory, or time would come near 2^64 ns. */
static void test_a_run_ends_before_it_overflows(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"engine\": {\"series_interval\": \"1ns\"}, ", "\"think\": \"1ms\""},
        {"\"vm\": {\"memcg_stat_flush\": \"0\"}, ", "\"start\": \"100000000s\""},
    };
    static const char *const failures[] = {"the time series has 1000000 rows",
                                           "simulated time passes 100000000 s"};
    for (unsigned i = 0; i < 2; i++) {
        struct run_result result;
        char text[512];
        snprintf(text, sizeof(text),
                 "{%s\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"8M\"}]}, \"tasks\": "
                 "[{\"name\": \"t\", %s, \"workload\": {\"type\": \"uniform\", \"footprint\": "
                 "\"64K\", \"accesses\": 20000}}]}",
                 cases[i][0], cases[i][1]);
        assert_false(run_config(text, CHECKS_OFF, 1, &result));
        assert_non_null(strstr(result.failure, failures[i]));
        run_result_release(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_configs_keep_every_invariant),
        cmocka_unit_test(test_the_same_config_gives_the_same_counts),
        cmocka_unit_test(test_batches_hold_what_a_config_may_ask_for),
        cmocka_unit_test(test_a_run_ends_before_it_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

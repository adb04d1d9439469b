/* The same counts as recorded, whatever built this and wherever it runs.
 *
 * tests/golden/NAME.json is run, every variant with every seed, and compared line by
 * line with tests/golden/NAME.txt.  A change of the model that is meant is recorded
 * with GOLDEN_RECORD=1; what it changes is then seen in the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/run_config.h"

/* ---- a result as text ------------------------------------------------------------- */

/* FNV-1a, for what is too long to be read. */
static uint64_t digest(uint64_t sum, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned byte = 0; byte < 8; byte++)
            sum = (sum ^ (numbers[i] >> 8 * byte & 0xff)) * 0x100000001b3;
    return sum;
}

static uint64_t digest_counters(const struct counters_at *at)
{
    uint64_t sum = digest(0xcbf29ce484222325, at->counters, COUNTERS);
    return digest(sum, at->gauges, GAUGES);
}

static void put_number(FILE *out, const char *name, uint64_t value)
{
    if (value)
        fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void put_locks(FILE *out, const struct run_result *result)
{
    for (unsigned i = 0; i < LOCK_KINDS; i++) {
        const struct lock_counts *lock = &result->locks[i];
        if (lock->acquisitions)
            fprintf(out, "lock %s %llu %llu %llu %llu\n", lock_descriptions[i].name,
                    (unsigned long long)lock->acquisitions, (unsigned long long)lock->contended,
                    (unsigned long long)lock->wait_ns, (unsigned long long)lock->hold_ns);
    }
}

static void put_parts(FILE *out, const struct run_result *result)
{
    for (uint32_t i = 0; i < result->cgroup_count; i++)
        fprintf(out, "cgroup %s %llu %016llx\n", result->cgroups[i].path,
                (unsigned long long)result->cgroups[i].usage_peak,
                (unsigned long long)digest_counters(&result->cgroups[i].at_end));
    for (uint32_t i = 0; i < result->node_count; i++)
        fprintf(out, "node %u %016llx\n", i,
                (unsigned long long)digest_counters(&result->nodes[i]));
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        const struct histogram *latency = &result->fault_latency[i];
        if (latency->count)
            fprintf(out, "latency %u %llu %llu %llu\n", i, (unsigned long long)latency->count,
                    (unsigned long long)latency->sum,
                    (unsigned long long)histogram_percentile(latency, 9900));
    }
}

static void put_result(FILE *out, const struct run_result *result)
{
    put_number(out, "end_ns", result->end_ns);
    for (unsigned i = 0; i < COUNTERS; i++)
        put_number(out, counter_descriptions[i].name, result->totals.counters[i]);
    for (unsigned i = 0; i < GAUGES; i++)
        put_number(out, gauge_descriptions[i].name, result->totals.gauges[i]);
    for (unsigned i = 0; i < TIME_KINDS; i++)
        put_number(out, time_descriptions[i].name, result->time_ns[i]);
    put_number(out, "psi.some_us", result->psi.some_us);
    put_number(out, "psi.full_us", result->psi.full_us);
    put_number(out, "memory_peak", result->memory_peak);
    put_number(out, "store_wait.count", result->store_wait.count);
    put_number(out, "store_wait.sum", result->store_wait.sum);
    put_locks(out, result);
    put_parts(out, result);
}

/* ---- running and comparing --------------------------------------------------------- */

static void run_all(const char *path, FILE *out)
{
    struct diagnostics errors = {0};
    struct experiment *experiment = experiment_read(path, NULL, 0, NULL, &errors);
    if (!experiment)
        diagnostics_print(&errors);
    assert_non_null(experiment);
    for (uint32_t v = 0; v < experiment->variant_count; v++) {
        for (uint32_t s = 0; s < experiment->seed_count; s++) {
            struct config config;
            struct run_result result;
            struct sim_options options = {.checks = CHECKS_SAMPLED};
            assert_true(experiment_config(experiment, v, experiment->seeds[s], &config, &errors));
            fprintf(out, "-- %s, seed %llu\n", experiment->variants[v].name,
                    (unsigned long long)experiment->seeds[s]);
            if (!sim_run(&config, &options, experiment->seeds[s], &result))
                fail_msg("%s: %s: %s", path, experiment->variants[v].name, result.failure);
            put_result(out, &result);
            run_result_release(&result);
        }
    }
    experiment_free(experiment);
    diagnostics_release(&errors);
}

/* The two texts differ: says where first. */
static void compare(const char *path, const char *text)
{
    char line[512], variant[512] = "";
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be read", path);
    while (fgets(line, sizeof(line), file)) {
        size_t length = strlen(line);
        if (line[0] == '-')
            strcpy(variant, line);
        if (strncmp(text, line, length))
            fail_msg("%s: %srecorded %snow      %.*s\n"
                     "If that is meant: GOLDEN_RECORD=1 build/tests/test_golden",
                     path, variant, line, (int)strcspn(text, "\n"), text);
        text += length;
    }
    fclose(file);
    assert_string_equal(text, "");
}

static void check(const char *name)
{
    char config[64], recorded[64], *text = NULL;
    size_t length;
    snprintf(config, sizeof(config), "tests/golden/%s.json", name);
    snprintf(recorded, sizeof(recorded), "tests/golden/%s.txt", name);
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    run_all(config, out);
    fclose(out);
    if (getenv("GOLDEN_RECORD")) {
        FILE *file = fopen(recorded, "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
    } else {
        compare(recorded, text);
    }
    free(text);
}

static void test_small(void **state)
{
    (void)state;
    check("small");
}

static void test_corners(void **state)
{
    (void)state;
    check("corners");
}

static void test_eras(void **state)
{
    (void)state;
    check("eras");
}

static void test_policies(void **state)
{
    (void)state;
    check("policies");
}

static void test_limits(void **state)
{
    (void)state;
    check("limits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_corners), cmocka_unit_test(test_policies),
        cmocka_unit_test(test_eras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

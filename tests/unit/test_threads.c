/* Several simulations in one process, at the same time: none knows of the others. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/run_config.h"

enum { RUNS = 6, THREADS = 4 };

/* Different eras and seeds of one experiment: its workloads and contents are shared. */
static const char shared_config[] =
    "{\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"8M\"}, {\"memory\": \"8M\"}]},"
    "\"zswap\": {\"max_pool_percent\": 9, \"compressor\": \"zstd\"},"
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\"}]},"
    "\"cgroups\": {\"/a\": {\"memory.max\": \"2M\"}},"
    "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"count\": 2, \"workload\": {\"type\":"
    "\"scattered_zipf\", \"footprint\": \"4M\", \"accesses\": 4000, \"write_percent\": 30},"
    "\"content\": {\"type\": \"rule\", \"classes\": \"10:zero,70:mixed:200:3900,20:random\"}}],"
    "\"variants\": [{\"name\": \"a\", \"set\": {\"kernel\": \"v6.1\"}},"
    "{\"name\": \"b\", \"set\": {\"kernel\": \"v6.18\"}},"
    "{\"name\": \"c\", \"set\": {\"kernel\": \"v7.3\", \"vm.reclaim\": \"mglru\"}}],"
    "\"seeds\": [1, 2], \"engine\": {\"series_rows\": 10}}";

struct shared {
    struct experiment *experiment;
    struct run_result *results;
    uint32_t next; /* the next run to begin */
};

static void run_one(struct experiment *experiment, uint32_t number, struct run_result *result)
{
    struct diagnostics errors = {0};
    struct config config;
    struct sim_options options = {.checks = CHECKS_SAMPLED};
    uint64_t seed = experiment->seeds[number % 2];
    memset(result, 0, sizeof(*result));
    if (experiment_config(experiment, number / 2, seed, &config, &errors))
        sim_run(&config, &options, seed, result);
    diagnostics_release(&errors);
}

static void *run_some(void *context)
{
    struct shared *shared = context;
    uint32_t number;
    while ((number = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < RUNS)
        run_one(shared->experiment, number, &shared->results[number]);
    return NULL;
}

static void assert_same(const struct run_result *a, const struct run_result *b)
{
    assert_true(a->complete && b->complete);
    assert_int_equal(a->end_ns, b->end_ns);
    assert_memory_equal(&a->totals, &b->totals, sizeof(a->totals));
    assert_memory_equal(a->time_ns, b->time_ns, sizeof(a->time_ns));
    assert_memory_equal(a->locks, b->locks, sizeof(a->locks));
    assert_int_equal(a->series_count, b->series_count);
    for (uint32_t i = 0; i < a->series_count; i++)
        assert_memory_equal(&a->series[i].at, &b->series[i].at, sizeof(a->series[i].at));
}

static void test_at_the_same_time_as_one_after_the_other(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    struct run_result alone[RUNS], together[RUNS];
    pthread_t threads[THREADS];
    struct shared shared = {.results = together};
    shared.experiment =
        experiment_parse("threads.json", "", shared_config, strlen(shared_config), &errors);
    diagnostics_print(&errors);
    assert_non_null(shared.experiment);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_some, &shared), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < RUNS; i++) {
        run_one(shared.experiment, i, &alone[i]);
        assert_same(&alone[i], &together[i]);
        for (uint32_t j = 0; j < i; j++) /* the runs do differ */
            assert_memory_not_equal(&alone[i].totals, &alone[j].totals, sizeof(alone[i].totals));
    }
    for (uint32_t i = 0; i < RUNS; i++) {
        run_result_release(&alone[i]);
        run_result_release(&together[i]);
    }
    experiment_free(shared.experiment);
    diagnostics_release(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_the_same_time_as_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

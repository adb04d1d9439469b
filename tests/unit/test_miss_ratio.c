/* Miss-ratio curves: closed forms, an LRU of every size, the sample's error, and
 * what the simulated kernel does with as little of its own as can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "sim/base/random.h"
#include "tests/unit/made_workload.h"
#include "tests/unit/run_config.h"
#include "workloads/analysis/miss_ratio.h"

static struct miss_ratio *measure(const struct workload *workload, bool exact, uint64_t samples)
{
    struct diagnostics errors = {0};
    struct miss_ratio_options options = {
        .exact = exact, .samples = samples, .only_space = PAGE_STREAM_ALL_SPACES};
    struct miss_ratio *curve = miss_ratio_measure(workload, &options, &errors);
    assert_non_null(curve);
    assert_int_equal(errors.count, 0);
    return curve;
}

/* A loop over n pages misses always in fewer than n pages, and never in n. */
static void test_loop(void **state)
{
    (void)state;
    enum { PAGES = 100, ROUNDS = 7 };
    struct made_workload made = {0};
    made_init(&made, PAGES);
    for (unsigned i = 0; i < PAGES * ROUNDS; i++)
        made_access(&made, i % PAGES, ACCESS_READ);
    struct miss_ratio *curve = measure(&made.workload, true, 0);
    assert_int_equal(curve->accesses, PAGES * ROUNDS);
    assert_int_equal(curve->first_touches, PAGES);
    assert_int_equal(curve->peak_pages, PAGES);
    for (uint64_t memory = 1; memory < PAGES; memory++)
        assert_int_equal(miss_ratio_refaults(curve, memory), PAGES * (ROUNDS - 1));
    assert_int_equal(miss_ratio_refaults(curve, PAGES), 0);
    assert_int_equal(miss_ratio_enough_pages(curve), PAGES);
    miss_ratio_free(curve);
    made_release(&made);
}

enum { SMALL = 24 };

/* An LRU memory of so many pages, as a list that is searched. */
struct small_lru {
    uint32_t page[SMALL];
    unsigned count;
};

static bool small_take(struct small_lru *lru, uint32_t page)
{
    for (unsigned i = 0; i < lru->count; i++)
        if (lru->page[i] == page) {
            memmove(&lru->page[i], &lru->page[i + 1], (--lru->count - i) * sizeof(lru->page[0]));
            return true;
        }
    return false;
}

static uint64_t small_refaults(const struct made_workload *made, unsigned memory)
{
    struct small_lru lru = {0};
    bool populated[SMALL] = {false};
    uint64_t refaults = 0;
    for (uint64_t i = 0; i < made->workload.accesses; i++) {
        uint32_t page = made->accesses[i].page;
        bool held = small_take(&lru, page);
        if (made->accesses[i].op == ACCESS_FREE) {
            populated[page] = false;
            continue;
        }
        refaults += populated[page] && !held;
        populated[page] = true;
        if (lru.count == memory) /* the oldest goes */
            memmove(&lru.page[0], &lru.page[1], --lru.count * sizeof(lru.page[0]));
        lru.page[lru.count++] = page;
    }
    return refaults;
}

/* Frees leave room in a memory, but bring nothing back. */
static void test_every_size_against_a_list_with_frees(void **state)
{
    (void)state;
    uint64_t random = 77;
    for (unsigned round = 0; round < 60; round++) {
        struct made_workload made = {0};
        uint32_t pages = 2 + (uint32_t)random_below(&random, SMALL - 2);
        made_init(&made, pages);
        for (unsigned i = 0; i < 400; i++)
            made_access(&made, (uint32_t)random_below(&random, pages),
                        round % 3 && !random_below(&random, 5) ? ACCESS_FREE : ACCESS_WRITE);
        struct miss_ratio *curve = measure(&made.workload, true, MISS_RATIO_SAMPLES_AT_LEAST);
        for (unsigned memory = 1; memory <= pages; memory++) {
            uint64_t expected = small_refaults(&made, memory);
            assert_int_equal(miss_ratio_refaults(curve, memory), expected);
            /* Everything is followed: the sample is exact. */
            assert_true(miss_ratio_sampled_refaults(curve, memory).refaults == (double)expected);
            assert_true(miss_ratio_sampled_refaults(curve, memory).standard_error == 0);
        }
        miss_ratio_free(curve);
        made_release(&made);
    }
}

/* A skewed stream: page = floor(PAGES * u^3). */
static void test_the_sample_is_near_and_says_how_near(void **state)
{
    (void)state;
    enum { PAGES = 40000, ACCESSES = 400000, SAMPLES = 2000, STEPS = 40 };
    struct made_workload made = {0};
    uint64_t random = 5;
    made_init(&made, PAGES);
    for (unsigned i = 0; i < ACCESSES; i++) {
        double u = random_unit(&random);
        made_access(&made, (uint32_t)(PAGES * u * u * u), ACCESS_READ);
    }
    struct miss_ratio *curve = measure(&made.workload, true, SAMPLES);
    assert_in_range(miss_ratio_sampled_pages(curve), SAMPLES * 9 / 10, SAMPLES);
    double off = 0, estimated = 0;
    for (unsigned i = 1; i <= STEPS; i++) {
        uint64_t memory = PAGES * i / STEPS;
        struct sampled_estimate estimate = miss_ratio_sampled_refaults(curve, memory);
        off += fabs(estimate.refaults - (double)miss_ratio_refaults(curve, memory)) / ACCESSES;
        estimated += estimate.standard_error / ACCESSES;
    }
    assert_true(off / STEPS < 0.02);
    assert_true(off / STEPS > 0); /* it is a sample */
    assert_true(off < 3 * estimated && estimated < 0.05 * STEPS);
    miss_ratio_free(curve);
    made_release(&made);
}

/* ---- the simulated kernel ---------------------------------------------------------- */

/* One cgroup of 16 MiB, a disk, no zswap, no readahead, page tables not charged. */
#define PLAIN(workload)                                                                            \
    "{\"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"256M\"}]},"                            \
    "\"vm\": {\"page_cluster\": 0, \"memcg_stat_flush\": \"10ms\","                                \
    " \"charge_page_tables\": \"none\"},"                                                          \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"1G\"}]},"                              \
    "\"zswap\": {\"enabled\": false}, \"cgroups\": {\"/a\": {\"memory.max\": \"16M\"}},"           \
    "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": " workload "}]}"
enum { LIMIT_PAGES = 4096 };

/* Relative difference of the simulated disk reads from the predicted refaults. */
static double simulated_difference(const char *text, uint64_t *predicted)
{
    struct diagnostics errors = {0};
    struct run_result result;
    struct config config;
    struct experiment *experiment = experiment_parse("plain", "", text, strlen(text), &errors);
    assert_non_null(experiment);
    assert_true(experiment_config(experiment, 0, 1, &config, &errors));
    struct miss_ratio *curve = measure(config.tasks[0].workload, true, 0);
    struct sim_options options = {0};
    assert_true(sim_run(&config, &options, 1, &result));
    *predicted = miss_ratio_refaults(curve, LIMIT_PAGES);
    assert_int_equal(counted(&result, COUNTER_first_touch), curve->first_touches);
    double difference = (double)counted(&result, COUNTER_pswpin) / (double)*predicted - 1;
    miss_ratio_free(curve);
    run_result_release(&result);
    experiment_free(experiment);
    diagnostics_release(&errors);
    return difference;
}

static void test_simulated_loop_is_exact(void **state)
{
    (void)state;
    uint64_t predicted;
    double difference = simulated_difference(
        PLAIN("{\"type\": \"sequential\", \"footprint\": \"32M\", \"accesses\": 40000}"),
        &predicted);
    assert_int_equal(predicted, 40000);
    assert_true(difference == 0);
}

/* Two lists and batches of 32 pages are near an LRU: where no page is hotter than
 * others within 2 %, under zipf, where the active list has a say, within 5 %. */
static void test_simulated_random_and_zipf_are_near(void **state)
{
    (void)state;
    uint64_t predicted;
    double difference = simulated_difference(
        PLAIN("{\"type\": \"uniform\", \"footprint\": \"32M\", \"accesses\": 60000}"), &predicted);
    assert_true(fabs(difference) < 0.02);
    difference = simulated_difference(
        PLAIN("{\"type\": \"scattered_zipf\", \"footprint\": \"32M\", \"accesses\": 200000}"),
        &predicted);
    assert_true(predicted > 10000);
    assert_true(fabs(difference) < 0.05);
}

/* RAM for two thirds of a loop and a pool for the rest: every refault is a load. */
static void test_simulated_loop_over_two_tiers(void **state)
{
    (void)state;
    static const char text[] = "{\"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"256M\"}]},"
                               "\"vm\": {\"page_cluster\": 0, \"memcg_stat_flush\": \"10ms\","
                               " \"charge_page_tables\": \"none\", \"cgroup_version\": \"v1\"},"
                               "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"1G\"}]},"
                               "\"zswap\": {\"enabled\": true, \"max_pool_percent\": 2},"
                               "\"cgroups\": {\"/a\": {\"memory.max\": \"16M\"}},"
                               "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\","
                               "\"content\": {\"type\": \"uniform\", \"length\": 1000},"
                               "\"workload\": {\"type\": \"sequential\", \"footprint\": \"24M\","
                               " \"accesses\": 40000}}]}";
    struct run_result result;
    assert_true(run_config(text, CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_zswpin), 40000);
    assert_int_equal(counted(&result, COUNTER_pswpin), 0);
    run_result_release(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_every_size_against_a_list_with_frees),
        cmocka_unit_test(test_the_sample_is_near_and_says_how_near),
        cmocka_unit_test(test_simulated_loop_is_exact),
        cmocka_unit_test(test_simulated_random_and_zipf_are_near),
        cmocka_unit_test(test_simulated_loop_over_two_tiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

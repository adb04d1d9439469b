/* What must hold between runs, and of the order of entries in a run, with random
 * configs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/zswap_lru/zswap_lru.h"
#include "sim/base/random.h"
#include "tests/unit/cases.h"
#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

enum { TEXT_BYTES = 4096, ORDERS = CASES(40, 4), POOLS = CASES(24, 2) };

/* ---- FIFO order is store age --------------------------------------------------------- */

/* When the entries of a list were stored: the age of each one's eviction, which the
 * page's shadow has; a list is of one cgroup and node, as the clock of that age is. */
static bool list_is_in_order(struct mm *mm, const struct page_list *list)
{
    uint32_t last = 0;
    for (uint32_t page = list->head; page != NO_PAGE; page = mm->cold[page].entry_next) {
        if (!(mm->cold[page].bits & PAGE_HAS_SHADOW))
            continue; /* a kept copy of a page that is in RAM */
        if (mm->cold[page].shadow.age < last)
            return false;
        last = mm->cold[page].shadow.age;
    }
    return true;
}

static bool lists_are_in_order(struct bench *bench, uint64_t *entries)
{
    struct zswap *zswap = bench->zswap;
    size_t lists = (size_t)bench->mm->memcg_count * bench->mm->node_count;
    for (size_t i = 0; zswap->groups[0].lists && i < lists; i++) {
        *entries += zswap->groups[0].lists[i].count;
        if (!list_is_in_order(bench->mm, &zswap->groups[0].lists[i]))
            return false;
    }
    return true;
}

/* Run to the end and look at all lists every 100 events.  False: one was not in order
 * while every attempt to write back had succeeded (a failed one rotates its entry). */
static bool order_holds(const char *text, uint64_t *entries)
{
    struct bench *bench = bench_open(text);
    struct simulation *simulation = &bench->simulation;
    bool in_order = true;
    for (uint64_t n = 0; simulation->tasks_running && in_order; n++) {
        events_run_next(&simulation->events);
        if (n % 100 == 0 && !bench_count(bench, COUNTER_reject_reclaim_fail))
            in_order = lists_are_in_order(bench, entries);
    }
    assert_string_equal(simulation->failure, "");
    bench_close(bench);
    return in_order;
}

static void draw_order_config(uint64_t seed, bool second_chance, char *text)
{
    static const char *const kernels[] = {"v6.9", "v6.10", "v6.11", "v6.12", "v6.18", "v7.3"};
    uint64_t random = random_splitmix(seed) | 1;
    unsigned nodes = 1 + (unsigned)random_below(&random, 3);
    int used = snprintf(
        text, TEXT_BYTES,
        "{\"kernel\": \"%s\", \"machine\": {\"cpus\": %u, \"nodes\": [{\"memory\": \"32M\"}%s%s]},"
        "\"vm\": {\"page_cluster\": 0}, \"swap\": {\"devices\": [{\"name\": \"d\", \"size\": "
        "\"64M\", \"synchronous\": true}]},"
        "\"zswap\": {\"second_chance\": %s, \"max_pool_percent\": %u, "
        "\"accept_threshold_percent\": %u},"
        "\"cgroups\": {\"/a\": {\"memory.max\": \"1M\"}, \"/b\": {\"memory.max\": \"1M\"}, "
        "\"/b/c\": {}},"
        "\"events\": [{\"at\": \"20ms\", \"set\": \"zswap.compressor\", \"value\": \"lz4\"}],"
        "\"tasks\": [",
        kernels[random_below(&random, 6)], nodes, nodes > 1 ? ", {\"memory\": \"32M\"}" : "",
        nodes > 2 ? ", {\"memory\": \"32M\"}" : "", second_chance ? "true" : "false",
        1 + (unsigned)random_below(&random, 3), 60 + (unsigned)random_below(&random, 40));
    for (unsigned i = 0; i < 3; i++)
        used += snprintf(text + used, TEXT_BYTES - (size_t)used,
                         "%s{\"name\": \"t%u\", \"cgroup\": \"%s\", \"workload\": {\"type\": "
                         "\"zipf\", \"footprint\": \"2M\", \"accesses\": 20000, \"exponent\": 0.6,"
                         "\"write_percent\": %u}, \"content\": {\"type\": \"uniform\", "
                         "\"length\": %u}}",
                         i ? ", " : "", i,
                         i == 0   ? "/a"
                         : i == 1 ? "/b"
                                  : "/b/c",
                         (unsigned)random_below(&random, 101),
                         500 + (unsigned)random_below(&random, 2500));
    snprintf(text + used, TEXT_BYTES - (size_t)used, "]}");
}

static void test_fifo_order_is_store_age(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    uint64_t entries = 0, disordered = 0;
    for (uint64_t seed = 1; seed <= ORDERS; seed++) {
        draw_order_config(seed, false, text);
        if (!order_holds(text, &entries))
            fail_msg("not in order: %s", text);
    }
    assert_true(entries > 2500 * ORDERS);
    /* A second chance rotates entries: the check sees that. */
    for (uint64_t seed = 1; seed <= ORDERS; seed++) {
        draw_order_config(seed, true, text);
        disordered += !order_holds(text, &entries);
    }
    assert_true(disordered > 0);
}

/* ---- a bigger pool never costs disk reads ---------------------------------------------- */

/* One list over zswap and device, and contents that all compress to the same length.
 * The pool's memory is nobody's (cgroup v1, a machine with room), so that only where a
 * page goes depends on its size, not what leaves RAM. */
static uint64_t disk_reads(const char *tasks, const char *lru, unsigned percent, uint64_t seed)
{
    char text[TEXT_BYTES];
    struct run_result result;
    snprintf(text, sizeof(text),
             "{\"kernel\": \"v7.3\", \"machine\": {\"cpus\": 1, \"total_ram_pages\": 8192, "
             "\"nodes\": [{\"memory\": \"64M\"}]},"
             "\"vm\": {\"page_cluster\": 0, \"memcg_stat_flush\": \"0\", "
             "\"memcg_stat_flushes_per_run\": 20, \"cgroup_version\": \"v1\"},"
             "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\", \"synchronous\": "
             "true}]},"
             "\"zswap\": {\"lru\": \"%s\", \"second_chance\": false, \"max_pool_percent\": %u},"
             "\"cgroups\": {\"/a\": {\"memory.max\": \"2M\"}}, \"tasks\": [%s],"
             "\"engine\": {\"series_rows\": 0}}",
             lru, percent, tasks);
    assert_true(run_config(text, CHECKS_OFF, seed, &result));
    assert_int_equal(counted(&result, COUNTER_pswpout),
                     counted(&result, COUNTER_refused_stores) + counted(&result, COUNTER_zswpwb));
    uint64_t reads = counted(&result, COUNTER_pswpin);
    run_result_release(&result);
    return reads;
}

static void draw_tasks(uint64_t seed, char *tasks, size_t size)
{
    static const char *const patterns[] = {
        "\"zipf\", \"exponent\": 0.7", "\"uniform\"",
        "\"hot_cold\", \"hot\": \"3M\", \"hot_percent\": 80, \"phases\": 3", "\"sequential\""};
    uint64_t random = random_splitmix(seed) | 1;
    snprintf(tasks, size,
             "{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": %s, \"footprint\": "
             "\"%uM\", \"accesses\": 25000, \"write_percent\": %u}, \"content\": {\"type\": "
             "\"uniform\", \"length\": %u}}",
             patterns[random_below(&random, 4)], 4 + (unsigned)random_below(&random, 6),
             (unsigned)random_below(&random, 101), 700 + (unsigned)random_below(&random, 2500));
}

static void test_a_bigger_pool_never_reads_more(void **state)
{
    (void)state;
    uint64_t fewer = 0;
    for (uint64_t seed = 1; seed <= POOLS; seed++) {
        char tasks[1024];
        draw_tasks(seed, tasks, sizeof(tasks));
        uint64_t last = UINT64_MAX;
        for (unsigned percent = 0; percent <= 32; percent += 4) {
            uint64_t reads = disk_reads(tasks, "unified", percent, seed);
            if (reads > last)
                fail_msg("%u %%: %llu reads after %llu: %s", percent, (unsigned long long)reads,
                         (unsigned long long)last, tasks);
            fewer += percent && reads < last;
            last = reads;
        }
        assert_int_equal(disk_reads(tasks, "unified", 100, seed), 0);
    }
    assert_true(fewer > POOLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifo_order_is_store_age),
        cmocka_unit_test(test_a_bigger_pool_never_reads_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

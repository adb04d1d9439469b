/* Shortcuts do what plain work does, after every single event: faults and evictions in runs, which
 * do, and count, together what they have in common; locks and lines that are not looked at by
 * whoever is alone; walks that pass over cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/admission/admission.h"
#include "sim/base/random.h"
#include "tests/unit/cases.h"
#include "tests/unit/random_config.h"
#include "tests/unit/simulate.h"

enum { RANDOM_CASES = CASES(200, 25) };

/* Nobody works beside the processors: no event is due at a time of its own.  Every third case has
 * several processors, where evictions alone go in runs. */
static void draw_config(uint64_t seed, char *text)
{
    struct draw draw = {.random = random_splitmix(seed) | 1, .shrunk = 1, .text = text};
    draw.cgroups = 1 + (unsigned)below(&draw, RANDOM_CGROUPS);
    put(&draw,
        "{'kernel': '<v6.18|v7.3|v6.12|v6.18|v7.3|v6.8|vswap>',\n"
        "'machine': {'cpus': %s, 'nodes': [{'memory': '<1..3*8>M'}",
        seed % 3 ? "1" : "<2..8>");
    put(&draw, below(&draw, 3) ? "]},\n" : ", {'memory': '<1..3*8>M'}]},\n");
    put(&draw, "'vm': {'reclaim': '<classic|classic|mglru>', 'page_cluster': <0|0|0|2>, "
               "'cgroup_version': '<v1|v2>', 'memcg_stat_flush': '<5..9>ms', "
               "'lru_add_batch': <15|31>},\n");
    if (below(&draw, 4))
        put(&draw, "'swap': {'devices': [{'name': 'd', 'size': '<1..12*4>M', 'synchronous': "
                   "<false|false|false|true>}]},\n");
    else
        put_devices(&draw);
    put(&draw, "'zswap': {'max_pool_percent': <1..100>, 'accept_threshold_percent': <50..100>, "
               "'shrinker_enabled': <true|false|false>, 'compressor': '<lzo|lz4|zstd>', "
               "'shrinker': '<second_chance|second_chance|second_chance|second_chance_by_fault>', "
               "'allocator': '<zsmalloc|zsmalloc|zbud|z3fold>', 'admission': '<always|"
               "compressibility>', 'pool_ref': '<percpu_ref|kref>'},\n");
    put_cgroups(&draw);
    put_tasks(&draw);
    put(&draw, "'events': [{'at_access': <1..19*100>, 'set': 'zswap.max_pool_percent', 'value': "
               "<1..100>}");
    if (!below(&draw, 3))
        put(&draw,
            ", {'at_access': <1..19*100>, 'set': 'zswap.compressor', 'value': '<lz4|zstd>'}");
    if (!below(&draw, 3))
        put(&draw,
            ", {'at_access': <1..19*100>, 'set': 'cgroups.%s.memory.max', 'value': "
            "'<4..23*128>K'}",
            draw.paths[below(&draw, draw.cgroups)]);
    if (!below(&draw, 4))
        put(&draw, ", {'at_access': <1..19*100>, 'offline': '%s'}", draw.paths[draw.cgroups - 1]);
    put(&draw, "],\n'engine': {'quantum': '<20..500>us', 'series_interval': "
               "'<1..9>ms'}}\n");
}

#define SAME(array) (memcmp(a->array, b->array, sizeof(a->array)) == 0)

/* What two cgroups have in common; NULL: all. */
static const char *differs(const struct memcg *a, const struct memcg *b)
{
    if (a->usage != b->usage || a->usage_peak != b->usage_peak || a->swap_usage != b->swap_usage)
        return "charges";
    if (a->zswap_bytes_subtree != b->zswap_bytes_subtree ||
        a->zswapped_subtree != b->zswapped_subtree ||
        a->object_stock_bytes != b->object_stock_bytes)
        return "charges of entries";
    if (a->resident_pages != b->resident_pages || a->swap_cache_pages != b->swap_cache_pages ||
        a->disk_pages != b->disk_pages || a->zero_pages != b->zero_pages)
        return "places of pages";
    if (!SAME(often) || memcmp(a->seldom, b->seldom, COUNTERS * sizeof(*a->seldom)) != 0)
        return "counters of a cgroup";
    return NULL;
}

/* What differs between two simulations, pages apart; NULL: nothing. */
static const char *books_differ(const struct mm *a, const struct mm *b)
{
    if (!SAME(counters))
        return "counters";
    if (!SAME(time_ns))
        return "time";
    if (!SAME(locks))
        return "locks";
    if (a->resident_pages != b->resident_pages || a->resident_peak != b->resident_peak ||
        a->pool_pages != b->pool_pages || a->pool_peak != b->pool_peak ||
        a->memory_peak != b->memory_peak)
        return "pages in RAM";
    for (uint32_t node = 0; node < a->node_count; node++)
        if (memcmp(a->nodes[node].counters, b->nodes[node].counters,
                   sizeof(a->nodes[node].counters)) != 0 ||
            a->nodes[node].free_pages != b->nodes[node].free_pages)
            return "a node";
    for (uint32_t i = 0; i < a->memcg_count; i++)
        if (differs(&a->memcgs[i], &b->memcgs[i]))
            return differs(&a->memcgs[i], &b->memcgs[i]);
    return NULL;
}

static const char *pools_differ(const struct zswap *a, const struct zswap *b)
{
    if (a->stored_pages != b->stored_pages || a->total_pages != b->total_pages ||
        a->incompressible_pages != b->incompressible_pages ||
        a->same_filled_pages != b->same_filled_pages)
        return "entries";
    for (uint32_t i = 0; i < POOLS_AT_MOST; i++)
        if (a->pools[i].entries != b->pools[i].entries)
            return "entries of a pool";
    size_t states = (size_t)a->mm->memcg_count * a->mm->node_count;
    if (memcmp(a->shrinker_states, b->shrinker_states, states * sizeof(*a->shrinker_states)) != 0)
        return "what the shrinker protects";
    return NULL;
}

/* What timers saw, some of them while somebody waited in the midst of an event. */
static bool series_differ(const struct run_result *a, const struct run_result *b)
{
    if (a->series_count != b->series_count)
        return true;
    return a->series_count && memcmp(a->series, b->series, a->series_count * sizeof(*a->series));
}

/* A policy of admission that looks at counts, which must not lag behind. */
static bool admit_by_counts(const struct zswap *zswap, uint32_t memcg, uint32_t length,
                            const void *params)
{
    const struct memcg *owner = &zswap->mm->memcgs[memcg];
    (void)params;
    return (owner->zswap_bytes_subtree + owner->zswapped_subtree + owner->swap_cache_pages +
            owner->resident_pages + zswap->stored_pages + length) %
               8 !=
           0;
}

static const struct admission_hooks by_counts = {.admit = admit_by_counts};

/* Both to the end, event by event, or until both fail, as where a series would be too long: from
 * then on events follow each other for ever.  Returns how many faults and evictions were in runs.
 */
static uint64_t run_both(uint64_t seed, const char *text, struct bench *runs, struct bench *steps)
{
    struct event_queue *events = &runs->simulation.events;
    uint64_t in_runs = 0;
    while (!runs->simulation.failure[0] &&
           (runs->simulation.tasks_running || events->count > runs->simulation.timers)) {
        events_run_next(events);
        events_run_next(&steps->simulation.events);
        const char *what = events->now_ns != steps->mm->events->now_ns ? "the clock" : NULL;
        if (!what)
            what = books_differ(runs->mm, steps->mm);
        if (!what)
            what = pools_differ(runs->zswap, steps->zswap);
        if (what)
            fail_msg("case %" PRIu64 ", after %" PRIu64 " ns, %s:\n%s", seed, events->now_ns, what,
                     text);
    }
    in_runs = runs->swap->faults.all + runs->swap->evictions.all;
    assert_memory_equal(runs->mm->hot, steps->mm->hot, runs->mm->page_count);
    assert_memory_equal(runs->mm->cold, steps->mm->cold,
                        runs->mm->page_count * sizeof(*runs->mm->cold));
    if (series_differ(&runs->result, &steps->result))
        fail_msg("case %" PRIu64 ", the series:\n%s", seed, text);
    assert_string_equal(runs->simulation.failure, steps->simulation.failure);
    bench_close(runs);
    bench_close(steps);
    return in_runs;
}

static void test_runs_do_what_steps_do(void **state)
{
    (void)state;
    char *text = malloc(RANDOM_CONFIG_BYTES);
    uint64_t in_runs = 0;
    for (uint64_t seed = 1; seed <= RANDOM_CASES; seed++) {
        draw_config(seed, text);
        struct bench *runs = bench_build(text), *steps = bench_build(text);
        assert_int_equal(runs->mm->one_at_a_time, runs->mm->topology.cpus == 1);
        steps->mm->one_at_a_time = steps->mm->evicts_in_runs = false;
        if (seed % 8 == 0)
            runs->zswap->admission = steps->zswap->admission = &by_counts;
        in_runs += run_both(seed, text, runs, steps);
    }
    free(text);
    assert_true(in_runs > 100 * RANDOM_CASES);
}

/* Any number of processors, whatever works beside them by the clock: nobody is ever alone, and
 * walks visit each cgroup, but where that takes a lock (docs/model.md). */
static void test_shortcuts_do_what_plain_work_does(void **state)
{
    (void)state;
    char *text = malloc(RANDOM_CONFIG_BYTES);
    for (uint64_t seed = 1; seed <= RANDOM_CASES; seed++) {
        struct draw draw = {.random = random_splitmix(seed) | 1, .shrunk = 2, .text = text};
        draw_valid_config(&draw);
        struct bench *shortcuts = bench_build(text), *plain = bench_build(text);
        plain->mm->one_at_a_time = plain->mm->evicts_in_runs = false;
        plain->simulation.events.turns_go_back = true;
        if (plain->mm->config->vm.shrinker_lock == SHRINKER_LOCK_NONE)
            reclaim_walk_release(plain->mm);
        run_both(seed, text, shortcuts, plain);
    }
    free(text);
}

/* Three reclaim of the same tree at a time: one walks while another, in the midst of a visit, waits
 * behind pages that it has put back. */
static void test_walks_see_what_visits_put_back(void **state)
{
    (void)state;
    const char *const reclaims[] = {"classic", "mglru"};
    for (size_t i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 "{\"machine\": {\"cpus\": 3, \"nodes\": [{\"memory\": \"8M\"}]}, "
                 "\"vm\": {\"reclaim\": \"%s\"}, \"cgroups\": {\"/c\": {}}, \"tasks\": "
                 "[{\"name\": \"t\", \"count\": 3, \"burst\": 108, \"burst_reclaim\": "
                 "\"896K\", \"workload\": {\"type\": \"steps\", \"seed\": 1, \"steps\": "
                 "\"0:seq:0:864:2733:100|1:rand:0:202:278:50\"}}]}",
                 reclaims[i]);
        struct bench *walks = bench_build(text), *visits = bench_build(text);
        reclaim_walk_release(visits->mm);
        run_both(0, text, walks, visits);
    }
}

/* A page that a device has is dropped in a run, and whoever waits before the end of that, in which
 * others have their turns, has its books in order. */
static void test_waiting_ends_a_run(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "\"enabled\": false", TASK("/a", 1000)));
    struct mm *mm = bench->mm;
    struct scan_control scan = {.target = ROOT_MEMCG, .goal = 1};
    bench_touch(bench, 0, true);
    assert_int_equal(bench_evict(bench, 0), FATE_KEEP); /* being written */
    bench_settle(bench);
    assert_int_equal(bench_evict(bench, 0), FATE_FREED);
    bench_touch(bench, 0, false);
    lru_add_drain_all(mm);
    lru_remove(mm, 0);
    const struct memcg *owner = &mm->memcgs[page_memcg(mm, 0)];
    uint64_t in_runs = bench->swap->evictions.all;
    assert_int_equal(owner->resident_pages, 1);
    bench->exec.memalloc = true;
    assert_int_equal(reclaim_evict(mm, &bench->exec, &scan, 0), FATE_FREED);
    swap_wait_for_write(bench->swap, &bench->exec, NO_PAGE);
    assert_int_equal(bench->swap->evictions.all, in_runs + 1);
    assert_int_equal(owner->resident_pages, 0);
    assert_int_equal(owner->disk_pages, 1);
    reclaim_flush_freed(mm, &bench->exec, &scan);
    bench_close(bench);
}

/* A cgroup goes offline while others have its pages in hand: the next one is its parent's.  What
 * was freed of the cgroup stays charged until that one has been stored. */
static void test_freed_pages_wait_for_the_next_one(void **state)
{
    (void)state;
    for (int in_runs = 0; in_runs < 2; in_runs++) {
        struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "\"max_pool_percent\": 50",
                                                      TASK("/b", 4000) "," TASK("/b/c", 4000)));
        struct mm *mm = bench->mm;
        struct scan_control scan = {.target = ROOT_MEMCG, .goal = 2};
        const uint32_t pages[] = {SPACE_PAGES, 0};
        struct memcg *parent = &mm->memcgs[page_memcg(mm, 0)];
        parent->memory_max = CHARGE_BATCH - 1; /* page by page */
        bench_touch(bench, pages[0], true);
        bench_touch(bench, pages[1], true);
        lru_add_drain_all(mm);
        uint64_t usage = parent->usage;
        parent->usage_peak = 0;
        mm->evicts_in_runs = in_runs;
        bench->exec.memalloc = true;
        for (size_t i = 0; i < 2; i++) {
            lru_remove(mm, pages[i]);
            assert_int_equal(reclaim_evict(mm, &bench->exec, &scan, pages[i]), FATE_FREED);
        }
        assert_int_equal(parent->usage_peak, usage + 2);
        assert_int_equal(scan.freed_pages, 1);
        reclaim_flush_freed(mm, &bench->exec, &scan);
        bench_close(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_do_what_steps_do),
        cmocka_unit_test(test_shortcuts_do_what_plain_work_does),
        cmocka_unit_test(test_walks_see_what_visits_put_back),
        cmocka_unit_test(test_waiting_ends_a_run),
        cmocka_unit_test(test_freed_pages_wait_for_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A simulation whose tasks never begin: a test moves single pages about.
 *
 * Spaces follow one another, one for each of the config's tasks, all of SPACE_PAGES but the
 * last. */
#ifndef ZSIM_TESTS_SIMULATE_H
#define ZSIM_TESTS_SIMULATE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policies/reclaim/reclaim.h"
#include "sim/base/memory.h"
#include "sim/experiment/experiment.h"
#include "sim/mm/lru.h"
#include "sim/mm/reclaim.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/run/simulation.h"

/* A config of one CPU and one node; `kernel`, members of "zswap", and tasks from
 * TASK() are filled in. */
#define BENCH_CONFIG(kernel, zswap, tasks) BENCH_CONFIG_ON("", kernel, zswap, tasks)
/* With more members of the device.  A synchronous one has ended a write when it
 * returns, but a page that is read from it, or from zswap before it, loses its slot. */
#define BENCH_CONFIG_ON(device, kernel, zswap, tasks)                                              \
    "{\"kernel\": \"" kernel "\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]}," \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\"" device "}]},"                   \
    "\"vm\": {\"page_cluster\": 0},"                                                               \
    " \"cgroups\": {\"/a\": {}, \"/b\": {}, \"/b/c\": {}},"                                        \
    "\"zswap\": {" zswap "}, \"tasks\": [" tasks "]}"
enum { SPACE_PAGES = 512 };
#define TASK(cgroup, length)                                                                       \
    "{\"name\": \"" cgroup "\", \"cgroup\": \"" cgroup "\","                                       \
    "\"start\": \"1000s\","                                                                        \
    "\"workload\": {\"type\": \"emulator_phases\", \"phases\": \"fill 0 512\"},"                   \
    "\"content\": {\"type\": \"uniform\", \"length\": " #length "}}"

/* Within this time of a test no periodic event is due, and no task begins. */
enum { BENCH_END_NS = 1000000000 };

struct bench {
    struct experiment *experiment;
    struct simulation simulation;
    struct config config;
    struct sim_options options;
    struct run_result result;
    struct exec exec;
    struct mm *mm;
    struct swap *swap;
    struct zswap *zswap;
};

static inline void bench_read(struct bench *bench, const char *text)
{
    char path[] = "/tmp/zsim-test-XXXXXX.json";
    struct diagnostics errors = {0};
    int file = mkstemps(path, 5);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    bench->experiment = experiment_read(path, NULL, 0, NULL, &errors);
    unlink(path);
    if (!bench->experiment)
        diagnostics_print(&errors);
    assert_non_null(bench->experiment);
    assert_true(experiment_config(bench->experiment, 0, 1, &bench->config, &errors));
    diagnostics_release(&errors);
}

/* Of any config. */
static inline struct bench *bench_build(const char *text)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct simulation *simulation = &bench->simulation;
    bench_read(bench, text);
    simulation->config = &bench->config;
    simulation->options = &bench->options;
    simulation->result = &bench->result;
    assert_true(simulation_build(simulation));
    bench->mm = &simulation->mm;
    bench->swap = &simulation->swap;
    bench->zswap = &simulation->zswap;
    bench->exec.space = NO_SPACE;
    return bench;
}

/* Of a config with tasks from TASK(). */
static inline struct bench *bench_open(const char *text)
{
    struct bench *bench = bench_build(text);
    for (uint32_t i = 0; i < bench->mm->space_count; i++)
        assert_int_equal(bench->mm->spaces[i].first_page, i * SPACE_PAGES);
    return bench;
}

static inline void bench_close(struct bench *bench)
{
    const char *wrong = invariants_check(&bench->simulation);
    if (wrong)
        fail_msg("%s", wrong);
    simulation_tear_down(&bench->simulation);
    run_result_release(&bench->result);
    experiment_free(bench->experiment);
    free(bench);
}

/* Let happen what is under way: workers, transfers. */
static inline void bench_settle(struct bench *bench)
{
    struct event_queue *events = bench->mm->events;
    while (events_next_time(events) < BENCH_END_NS)
        events_run_next(events);
    if (events->now_ns > bench->exec.now_ns)
        bench->exec.now_ns = events->now_ns;
}

/* Access a page. */
static inline void bench_touch(struct bench *bench, uint32_t page, bool write)
{
    uint64_t ready_ns = 0;
    struct mm *mm = bench->mm;
    if (mm->hot[page] & HOT_MAPPED)
        mm->hot[page] |= (uint8_t)(HOT_ACCESSED | (write ? HOT_DIRTY : 0));
    else
        swap_fault(bench->swap, &bench->exec, page, write, &ready_ns);
    fault_run_end(bench->swap, &bench->swap->faults);
    if (ready_ns > bench->exec.now_ns)
        bench->exec.now_ns = ready_ns;
}

/* Let reclaim evict this very page. */
static inline enum page_fate bench_evict(struct bench *bench, uint32_t page)
{
    struct mm *mm = bench->mm;
    struct scan_control scan = {.target = ROOT_MEMCG, .goal = 1};
    bench->exec.memalloc = true;
    lru_add_drain_all(mm);
    lru_remove(mm, page);
    enum page_fate fate = reclaim_evict(mm, &bench->exec, &scan, page);
    reclaim_flush_freed(mm, &bench->exec, &scan);
    if (fate != FATE_FREED) {
        mm->cold[page].bits |= PAGE_ON_LRU | (fate == FATE_ACTIVATE ? PAGE_ACTIVE : 0);
        mm->reclaim->add(mm, page_lruvec(mm, page), page);
        reclaim_walk_note(mm, page_memcg(mm, page), page_node(mm, page));
    }
    bench->exec.memalloc = false;
    return fate;
}

/* Write pages first..first+count-1 in order and evict each. */
static inline void bench_store(struct bench *bench, uint32_t first, uint32_t count)
{
    for (uint32_t page = first; page < first + count; page++) {
        bench_touch(bench, page, true);
        assert_int_equal(bench_evict(bench, page), FATE_FREED);
    }
}

/* Nothing is small enough any more: a worker has no reason to stop but failures. */
static inline void bench_demand_everything(struct bench *bench)
{
    bench->zswap->max_pool_percent = 0;
}

/* Queue the worker once and let it run to its end. */
static inline void bench_run_worker(struct bench *bench)
{
    zswap_kick_worker(bench->zswap, &bench->exec);
    zswap_yield_to_worker(bench->zswap, &bench->exec);
    bench_settle(bench);
}

static inline uint64_t bench_count(const struct bench *bench, enum counter counter)
{
    return bench->mm->counters[counter];
}

static inline bool bench_in_zswap(const struct bench *bench, uint32_t page)
{
    return bench->mm->cold[page].bits & PAGE_IN_ZSWAP;
}

#endif

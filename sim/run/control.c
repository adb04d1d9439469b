/* What happens at set times or accesses: a config's events, flushes of statistics, samples of the
 * series. */
#include <stdlib.h>
#include <string.h>

#include "policies/proactive_reclaim/proactive_reclaim.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/mm/tlb.h"
#include "sim/run/simulation.h"

/* ---- run-time parameters --------------------------------------------------------- */

static uint64_t pages_of(uint64_t bytes)
{
    return bytes == UINT64_MAX ? UINT64_MAX : bytes / PAGE_BYTES;
}

/* A cgroup's file: "memory.max". */
static void set_cgroup_limit(struct simulation *simulation, struct exec *exec,
                             const struct event_config *event)
{
    struct mm *mm = &simulation->mm;
    struct memcg *memcg = &mm->memcgs[event->cgroup];
    const char *key = event->target;
    uint64_t pages = pages_of(event->number);
    if (strcmp(key, "memory.max") == 0)
        memcg_set_max(mm, exec, event->cgroup, pages);
    else if (strcmp(key, "memory.high") == 0)
        memcg_set_high(mm, exec, event->cgroup, pages);
    else if (strcmp(key, "memory.min") == 0)
        memcg->memory_min = pages;
    else if (strcmp(key, "memory.low") == 0)
        memcg->memory_low = pages;
    else if (strcmp(key, "memory.swap.max") == 0)
        memcg_set_swap_max(mm, event->cgroup, pages);
    else if (strcmp(key, "memory.zswap.max") == 0)
        memcg->zswap_max = pages;
    else if (strcmp(key, "memory.zswap.writeback") == 0)
        memcg->zswap_writeback = event->number != 0;
    else
        simulation_fail(simulation, "event: %s cannot be set at run time", event->target);
    reclaim_walk_note_protection(mm, event->cgroup);
}

static void set_parameter(struct simulation *simulation, struct exec *exec,
                          const struct event_config *event)
{
    struct zswap *zswap = &simulation->zswap;
    struct mm *mm = &simulation->mm;
    const char *target = event->target;
    if (strncmp(target, "memory.", 7) == 0)
        set_cgroup_limit(simulation, exec, event);
    else if (strcmp(target, "zswap.enabled") == 0)
        zswap->enabled = event->number != 0;
    else if (strcmp(target, "zswap.compressor") == 0)
        zswap_set_compressor(zswap, exec->now_ns, (unsigned)event->number);
    else if (strcmp(target, "zswap.max_pool_percent") == 0)
        zswap->max_pool_percent = event->number;
    else if (strcmp(target, "zswap.accept_threshold_percent") == 0)
        zswap->accept_threshold_percent = event->number;
    else if (strcmp(target, "zswap.shrinker_enabled") == 0)
        zswap_enable_shrinker(zswap, event->number != 0);
    else if (strcmp(target, "vm.swappiness") == 0)
        mm->swappiness = event->number;
    else if (strcmp(target, "vm.page_cluster") == 0)
        mm->page_cluster = event->number;
    else
        simulation_fail(simulation, "event: %s cannot be set at run time", target);
}

/* A process that reads counters runs on the processor of the task. */
static void run_reader(struct mm *mm, const struct exec *exec)
{
    if (!mm->tlb)
        return;
    const void *task = mm->tlb->loaded_for;
    tlb_load(mm->tlb, NULL, exec->now_ns);
    tlb_load(mm->tlb, task, exec->now_ns);
}

/* rmdir: refused as long as a cgroup is below it. */
static void offline(struct simulation *simulation, const struct event_config *event)
{
    struct mm *mm = &simulation->mm;
    for (uint32_t below = mm->memcgs[event->cgroup].first_child; below != NO_MEMCG;
         below = mm->memcgs[below].next_sibling)
        if (!mm->memcgs[below].offline) {
            simulation_fail(simulation, "event: %s cannot go offline before %s, which is below it",
                            event->target, simulation->config->cgroups[below].path);
            return;
        }
    memcg_offline(mm, event->cgroup);
}

static void do_event(struct simulation *simulation, struct exec *exec, uint32_t number)
{
    const struct event_config *event = &simulation->config->events[number];
    switch (event->action) {
    case EVENT_SET:
        set_parameter(simulation, exec, event);
        break;
    case EVENT_OFFLINE:
        offline(simulation, event);
        break;
    case EVENT_RECLAIM:
        reclaim_proactive(&simulation->mm, exec, event->cgroup, pages_of(event->number));
        break;
    case EVENT_SNAPSHOT:
        measure_snapshot(simulation, event->target, exec->now_ns);
        break;
    case EVENT_FLUSH:
        run_reader(&simulation->mm, exec);
        memcg_read_stats(&simulation->mm);
        break;
    }
}

/* ---- by time ------------------------------------------------------------------------ */

/* What is done at a time may go on beyond it, and the run with it. */
static void note_end(struct simulation *simulation, const struct exec *exec)
{
    if (exec->now_ns > simulation->timed_work_end_ns)
        simulation->timed_work_end_ns = exec->now_ns;
}

static void event_due(void *owner, uint64_t now_ns, uint64_t number)
{
    struct simulation *simulation = owner;
    struct exec exec = {.now_ns = now_ns, .space = NO_SPACE};
    do_event(simulation, &exec, (uint32_t)number);
    note_end(simulation, &exec);
}

static void schedule_timer(struct simulation *simulation, uint64_t at_ns, event_handler handler)
{
    simulation->timers++;
    events_schedule(&simulation->events, at_ns, RANK_CONTROL, handler, simulation, 0);
}

static void stat_flush_due(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct simulation *simulation = owner;
    simulation->timers--;
    memcg_flush_stats(&simulation->mm);
    schedule_timer(simulation, now_ns + simulation->config->vm.memcg_stat_flush_ns, stat_flush_due);
}

static void psi_due(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct simulation *simulation = owner;
    simulation->timers--;
    psi_update_averages(&simulation->mm, now_ns);
    /* Where each access takes seconds, look_around() comes once in a long time. */
    simulation_notice_interruption(simulation);
    schedule_timer(simulation, now_ns + PSI_PERIOD_NS, psi_due);
}

static void series_due(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct simulation *simulation = owner;
    fault_run_end(&simulation->swap, &simulation->swap.faults);
    measure_row(simulation, now_ns);
    events_schedule_look(&simulation->events,
                         now_ns + simulation->config->engine.series_interval_ns, series_due,
                         simulation);
}

static void writeback_due(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct simulation *simulation = owner;
    struct mm *mm = &simulation->mm;
    uint32_t cpu = processors_find_idle(&simulation->processors, 0);
    struct exec exec = {
        .now_ns = now_ns, .cpu = cpu, .node = topology_node(&mm->topology, cpu), .space = NO_SPACE};
    simulation->timers--;
    zswap_writeback_tick(&simulation->zswap, &exec);
    note_end(simulation, &exec);
    uint64_t next_ns = now_ns + zswap_writeback_interval_ns(&simulation->zswap);
    schedule_timer(simulation, next_ns > exec.now_ns ? next_ns : exec.now_ns, writeback_due);
}

static void proactive_reclaim_due(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct simulation *simulation = owner;
    struct mm *mm = &simulation->mm;
    const void *params = simulation->config->vm.proactive_reclaim.params;
    uint32_t cpu = processors_find_idle(&simulation->processors, 0);
    struct exec exec = {
        .now_ns = now_ns, .cpu = cpu, .node = topology_node(&mm->topology, cpu), .space = NO_SPACE};
    simulation->timers--;
    mm->proactive_reclaim->tick(mm, &exec, mm->proactive_reclaim_state, params);
    note_end(simulation, &exec);
    uint64_t next_ns = now_ns + mm->proactive_reclaim->interval_ns(params);
    schedule_timer(simulation, next_ns > exec.now_ns ? next_ns : exec.now_ns,
                   proactive_reclaim_due);
}

static void start_proactive_reclaim(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    const void *params = simulation->config->vm.proactive_reclaim.params;
    if (!mm->proactive_reclaim->tick)
        return;
    mm->proactive_reclaim_state = mm->proactive_reclaim->create(mm, params);
    schedule_timer(simulation, mm->proactive_reclaim->interval_ns(params), proactive_reclaim_due);
}

/* ---- by access of task 0 ------------------------------------------------------------- */

static void flush_stop(struct simulation *simulation, struct exec *exec, uint32_t argument)
{
    (void)argument;
    run_reader(&simulation->mm, exec);
    memcg_read_stats(&simulation->mm);
}

static void series_stop(struct simulation *simulation, struct exec *exec, uint32_t argument)
{
    (void)argument;
    measure_row(simulation, exec->now_ns);
}

static void add_stop(struct simulation *simulation, uint64_t at,
                     void (*act)(struct simulation *, struct exec *, uint32_t), uint32_t argument)
{
    uint32_t order = simulation->stop_count++;
    /* Room grows by doubling: at every power of two. */
    if ((order & (order - 1)) == 0)
        simulation->stops = memory_resized(simulation->stops, order ? (size_t)order * 2 : 1,
                                           sizeof(*simulation->stops), "the events by access");
    simulation->stops[order] = (struct access_stop){at, order, act, argument};
}

static int compare_stops(const void *a, const void *b)
{
    const struct access_stop *left = a, *right = b;
    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

uint64_t control_reach(struct simulation *simulation, struct exec *exec, uint64_t position)
{
    fault_run_end(&simulation->swap, &simulation->swap.faults);
    if (events_look_is_due(&simulation->events, exec->now_ns))
        events_look(&simulation->events, exec->now_ns - 1); /* rows are in order of time */
    while (simulation->stop_at < simulation->stop_count) {
        const struct access_stop *stop = &simulation->stops[simulation->stop_at];
        if (stop->at > position)
            return stop->at;
        simulation->stop_at++;
        stop->act(simulation, exec, stop->argument);
    }
    return UINT64_MAX;
}

/* Whatever is done by time begins in the middle of what a processor does. */
static bool works_beside_processors(const struct simulation *simulation)
{
    const struct config *config = simulation->config;
    for (uint32_t i = 0; i < config->event_count; i++)
        if (!config->events[i].at_access)
            return true;
    return zswap_writeback_interval_ns(&simulation->zswap) ||
           simulation->mm.proactive_reclaim->tick;
}

void control_init(struct simulation *simulation)
{
    const struct config *config = simulation->config;
    simulation->mm.one_at_a_time = config->machine.cpus == 1 && !simulation->events.turns_go_back &&
                                   !works_beside_processors(simulation);
    uint64_t accesses = config->task_count ? config->tasks[0].workload->accesses : 0;
    for (uint64_t i = 0; i < config->vm.memcg_stat_flushes_per_run; i++)
        add_stop(
            simulation,
            (uint64_t)((unsigned __int128)accesses * i / config->vm.memcg_stat_flushes_per_run),
            flush_stop, 0);
    for (uint32_t i = 0; i < config->event_count; i++) {
        if (config->events[i].at_access)
            add_stop(simulation, config->events[i].when, do_event, i);
        else
            events_schedule(&simulation->events, config->events[i].when, RANK_CONTROL, event_due,
                            simulation, i);
    }
    for (uint64_t i = 1; i <= config->engine.series_rows; i++)
        add_stop(simulation,
                 (uint64_t)((unsigned __int128)accesses * i / config->engine.series_rows),
                 series_stop, 0);
    if (simulation->stop_count)
        qsort(simulation->stops, simulation->stop_count, sizeof(*simulation->stops), compare_stops);
    schedule_timer(simulation, PSI_PERIOD_NS, psi_due);
    if (config->vm.memcg_stat_flush_ns)
        schedule_timer(simulation, config->vm.memcg_stat_flush_ns, stat_flush_due);
    if (config->engine.series_interval_ns)
        events_schedule_look(&simulation->events, config->engine.series_interval_ns, series_due,
                             simulation);
    if (zswap_writeback_interval_ns(&simulation->zswap))
        schedule_timer(simulation, zswap_writeback_interval_ns(&simulation->zswap), writeback_due);
    start_proactive_reclaim(simulation);
    if (simulation->stop_count && simulation->task_count)
        simulation->tasks[0].next_stop = simulation->stops[0].at;
}

void control_release(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    if (mm->proactive_reclaim_state)
        mm->proactive_reclaim->destroy(mm->proactive_reclaim_state);
    free(simulation->stops);
}

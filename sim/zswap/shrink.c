/* Who takes entries out of zswap: walks of a list, shrink_memcg(), the shrink worker and the slab
 * shrinker. */
#include <stdlib.h>

#include "policies/shrinker/shrinker.h"
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/mm/memcg.h"
#include "sim/zswap/entry.h"

enum { SHRINKER_BATCH = 128, SHRINKER_SEEKS = 2 };

/* A worker bound to a processor comes in front of what runs there for as long as
 * CFS credits a sleeper: half of sched_latency_ns (6 ms on one processor). */
enum { WORKER_HEAD_START_NS = 3000000 };

/* With a given rate of runs: how many may be due, so that those that could not begin
 * while one run wrote back for long are forgotten. */
enum { RUNS_DUE_AT_MOST = 64 };

/* ---- lists --------------------------------------------------------------------- */

void zswap_make_lists(const struct mm *mm, struct entry_group *group)
{
    size_t count = (size_t)mm->memcg_count * mm->node_count;
    group->lists = memory_zeroed(count, sizeof(*group->lists), "zswap LRU lists");
    group->locks = memory_zeroed(count, sizeof(*group->locks), "zswap LRU locks");
    for (size_t i = 0; i < count; i++)
        group->lists[i] = PAGE_LIST_EMPTY;
}

/* ---- one walk of one list ----------------------------------------------------------- */

/* To the other end: whoever walks the list meanwhile finds another entry first. */
static void rotate(struct zswap *zswap, struct page_list *list, uint32_t page)
{
    entry_list_remove(zswap->mm->cold, list, page);
    entry_list_add_tail(zswap->mm->cold, list, page);
}

enum writeback_result zswap_write_back_oldest(struct zswap *zswap, struct exec *exec,
                                              uint32_t group)
{
    struct page_list *list = zswap_lock_list(zswap, exec, group, ROOT_MEMCG, 0);
    uint32_t page = list->head;
    if (page == NO_PAGE)
        return WRITEBACK_EMPTY;
    rotate(zswap, list, page);
    return zswap_writeback_entry(zswap, exec, page);
}

/* shrink_memcg_cb for an entry without a second chance left.  False: the walk stops. */
static bool write_back_entry(struct zswap *zswap, struct exec *exec, uint32_t page,
                             struct page_list *list, struct entry_walk *walk, uint32_t memcg,
                             uint32_t node)
{
    struct mm *mm = zswap->mm;
    uint32_t length = zswap_entry_length(zswap, page);
    rotate(zswap, list, page);
    enum writeback_result result = zswap_writeback_entry(zswap, exec, page);
    if (result == WRITEBACK_DONE) {
        walk->isolated++;
        walk->bytes += length;
        return true;
    }
    mm->counters[COUNTER_reject_reclaim_fail]++;
    if (zswap->shrinker->put_back)
        zswap->shrinker->put_back(zswap_shrinker_state(zswap, memcg, node));
    if (result == WRITEBACK_EXISTS) {
        walk->met_swap_cache = true;
        return !((walk->driver == DRIVER_SHRINKER && zswap->config->zswap.stop_at_swap_cache) ||
                 walk->stop_on_swap_cache);
    }
    return true;
}

/* Ask the host's caches for what writing back the entry that comes next will read: its page's
 * state, its object, its neighbours on the list, of which one is the entry after it. */
PREFETCHING void prefetch_next_entry(const struct zswap *zswap, uint32_t page)
{
    if (page == NO_PAGE)
        return;
    __builtin_prefetch(&zswap->mm->hot[page], 1);
    entry_prefetch(zswap, page);
}

void zswap_walk_list(struct zswap *zswap, struct exec *exec, uint32_t group, uint32_t memcg,
                     uint32_t node, struct entry_walk *walk)
{
    struct mm *mm = zswap->mm;
    struct page_list *list = zswap_lock_list(zswap, exec, group, memcg, node);
    for (uint32_t page = list->head; page != NO_PAGE && walk->budget;) {
        walk->budget--;
        walk->scanned++;
        mm->counters[COUNTER_zswap_entries_scanned]++;
        uint32_t successor = mm->cold[page].entry_next;
        prefetch_next_entry(zswap, successor);
        if (mm->cold[page].bits & PAGE_ENTRY_REFERENCED) {
            mm->cold[page].bits &= ~(uint32_t)PAGE_ENTRY_REFERENCED;
            mm->counters[COUNTER_zswap_rotations]++;
            rotate(zswap, list, page);
            spend_cost(mm, exec, TIME_zswap, COST_rotate_entry);
            /* The successor was noted before: in a list of one it is the end; in a
             * longer list the walk comes back to rotated entries while its budget
             * lasts. */
            page = successor;
            continue;
        }
        if (!write_back_entry(zswap, exec, page, list, walk, memcg, node))
            return;
        page = list->head;
    }
}

/* ---- shrink_memcg ------------------------------------------------------------------------ */

/* Ask the host's caches for the cgroups that will most likely be walked next, where there are
 * too many for them: first for their records, then for the entries that these lead to. */
static void prefetch_next_memcgs(const struct zswap *zswap, uint32_t group, uint32_t memcg)
{
    enum { RECORDS_AHEAD = 8, ENTRIES_AHEAD = 5, OBJECTS_AHEAD = 2 };
    const struct mm *mm = zswap->mm;
    const struct page_list *lists = zswap->groups[group].lists;
    if (!lists || memcg + RECORDS_AHEAD >= mm->memcg_count)
        return;
    memcg_prefetch(mm, memcg + RECORDS_AHEAD);
    __builtin_prefetch(&lists[(size_t)(memcg + RECORDS_AHEAD) * mm->node_count], 1);
    uint32_t oldest = lists[(size_t)(memcg + ENTRIES_AHEAD) * mm->node_count].head;
    if (oldest != NO_PAGE)
        page_prefetch(mm->cold, oldest);
    oldest = lists[(size_t)(memcg + OBJECTS_AHEAD) * mm->node_count].head;
    if (oldest != NO_PAGE)
        entry_prefetch(zswap, oldest);
}

/* Flattened, as zswap_store() is: a walk is short, mostly of one entry, and what it calls is small
 * (0.8 % of the instructions with writeback). */
__attribute__((flatten)) enum shrink_result zswap_shrink_memcg(struct zswap *zswap,
                                                               struct exec *exec, uint32_t memcg,
                                                               const struct shrink_budget *budget,
                                                               enum shrink_driver driver)
{
    struct mm *mm = zswap->mm;
    mm->counters[COUNTER_shrink_memcg_calls]++;
    spend_cost(mm, exec, TIME_zswap, COST_shrink_memcg);
    if (mm->memcgs[memcg].offline || !zswap_writeback_allowed(zswap, memcg) ||
        !zswap->lru->group_walked || !swap_has_backing_room(zswap->swap, memcg))
        return SHRINK_EMPTY;
    uint32_t group = zswap->lru->group_walked(zswap);
    if (memcgs_are_many(mm))
        prefetch_next_memcgs(zswap, group, memcg);
    uint64_t left = budget->entries, scanned = 0, written = 0;
    for (uint32_t node = 0; node < mm->node_count && left; node++) {
        uint64_t length = zswap_list(zswap, group, memcg, node)->count;
        if (!length)
            continue;
        struct entry_walk walk = {
            .driver = driver, .budget = left, .stop_on_swap_cache = budget->stop_on_swap_cache};
        if (budget->cap_at_list_length && length < walk.budget)
            walk.budget = length;
        zswap_walk_list(zswap, exec, group, memcg, node, &walk);
        scanned += walk.scanned;
        written += walk.isolated;
        if (budget->written_bytes)
            *budget->written_bytes += walk.bytes;
        if (budget->shared)
            left -= walk.scanned;
    }
    if (!scanned)
        return SHRINK_EMPTY;
    return written ? SHRINK_WROTE : SHRINK_NOTHING;
}

/* A policy need not ask whether what it walks is there. */
static bool has_where_to_look(const struct zswap *zswap)
{
    const struct writeback_hooks *writeback = zswap->writeback;
    return !writeback->takes_from || writeback->looks_in_vain || writeback->takes_from(zswap->lru);
}

/* ---- writeback by the clock ------------------------------------------------------------------ */

uint64_t zswap_writeback_interval_ns(const struct zswap *zswap)
{
    const struct writeback_hooks *writeback = zswap->writeback;
    return writeback->tick && has_where_to_look(zswap)
               ? writeback->interval_ns(zswap->config->zswap.writeback.params)
               : 0;
}

void zswap_writeback_tick(struct zswap *zswap, struct exec *exec)
{
    zswap->writeback->tick(zswap, exec, zswap->writeback_state,
                           zswap->config->zswap.writeback.params);
}

/* ---- the worker ------------------------------------------------------------------------------ */

/* The run's end condition, looked at after each step. */
static bool worker_is_done(const struct zswap *zswap, const struct shrink_worker *worker)
{
    if (!swap_has_backing_room(zswap->swap, ROOT_MEMCG))
        return true;
    if (zswap->config->zswap.limit_rule == LIMIT_CACHED)
        return zswap_can_accept(zswap);
    return zswap_total_pages(zswap) <= worker->threshold_pages;
}

/* At the end of the tree, where no removed cgroups are, a step takes no time, and the next one
 * follows: in the same turn, where nobody else has anything to do at that time.  (A turn that takes
 * none never ends a slice.) */
static bool goes_on_at_once(const struct mm *mm, uint64_t began_ns, uint64_t now_ns)
{
    return now_ns == began_ns && events_next_time(mm->events) > now_ns;
}

static enum turn_end worker_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                                 uint64_t *end_ns, uint64_t *wake_at_ns)
{
    (void)wake_at_ns;
    struct shrink_worker *worker = (struct shrink_worker *)runner;
    struct zswap *zswap = worker->zswap;
    struct mm *mm = zswap->mm;
    struct exec exec = {
        .now_ns = now_ns, .cpu = cpu, .node = topology_node(&mm->topology, cpu), .space = NO_SPACE};
    *end_ns = now_ns;
    if (!worker->running) {
        if (!worker->pending)
            return TURN_BLOCKED;
        worker->running = true;
        worker->pending = false;
        worker->failures = worker->attempts = 0;
        worker->threshold_pages = zswap_accept_threshold_pages(zswap);
        worker->pool = zswap->order[zswap->pool_count - 1];
        worker->written_before = mm->counters[COUNTER_written_back_pages];
        mm->counters[COUNTER_worker_wakeups]++;
        worker->running = has_where_to_look(zswap);
        worker->runner.turn_waited_ns = 0;
        if (!worker->running)
            return TURN_BLOCKED;
    }
    bool more;
    do
        more =
            zswap->writeback->step(zswap, worker, &exec, zswap->config->zswap.writeback.params) &&
            !worker_is_done(zswap, worker);
    while (more && goes_on_at_once(mm, now_ns, exec.now_ns));
    *end_ns = exec.now_ns;
    /* A given rate says how often runs happen that only rotate: none is held up, but for
     * what happened meanwhile. */
    if (zswap->config->zswap.refusals_per_worker_run > 0 &&
        mm->counters[COUNTER_written_back_pages] == worker->written_before)
        *end_ns = now_ns > mm->events->now_ns ? now_ns : mm->events->now_ns;
    worker->runner.turn_waited_ns = *end_ns == exec.now_ns ? exec.waited_ns : 0;
    if (more)
        return TURN_RUNNABLE;
    worker->running = false;
    swap_dispatch_writes(zswap->swap, &exec);
    return worker->pending ? TURN_RUNNABLE : TURN_BLOCKED;
}

void zswap_kick_worker(struct zswap *zswap, struct exec *exec)
{
    struct shrink_worker *worker = &zswap->worker;
    struct mm *mm = zswap->mm;
    double rate = zswap->config->zswap.refusals_per_worker_run;
    if (rate > 0) {
        /* A run that is due while another one waits stays due. */
        if (worker->credit < RUNS_DUE_AT_MOST * rate)
            worker->credit += 1;
        if (worker->credit < rate || worker->pending)
            return;
        worker->credit -= rate;
    }
    if (worker->pending)
        return;
    worker->pending = true;
    if (worker->running)
        return;
    worker->zswap = zswap;
    worker->runner.turn = worker_turn;
    worker->runner.kernel_thread = true;
    worker->runner.own_time = TIME_worker;
    if (zswap->config->zswap.worker_queue == WORKER_BOUND) {
        worker->runner.cpu = exec->cpu;
        return; /* zswap_yield_to_worker() */
    }
    /* The work queue is unbound (6.12): a processor that has nothing to do takes it. */
    if (!worker->runner.queued)
        worker->runner.cpu = processors_find_idle(mm->processors, exec->cpu);
    uint64_t latency_ns = 0;
    if (worker->runner.cpu == exec->cpu)
        latency_ns = mm->costs->ns[COST_context_switch]; /* awake: at the next page */
    else if (rate <= 0)
        latency_ns = mm->costs->ns[COST_worker_wakeup];
    processors_wake_at(mm->processors, &worker->runner, exec->now_ns + latency_ns);
}

/* No processor was idle: the worker comes in front of the task that woke it, for a
 * slice at most, and then not before the task has had as much: equal shares. */
static void preempt_for_worker(struct zswap *zswap, struct exec *exec)
{
    struct shrink_worker *worker = &zswap->worker;
    if (!worker->runner.queued || exec->now_ns < worker->may_preempt_at_ns)
        return;
    uint64_t start_ns = exec->now_ns;
    exec->now_ns = processors_preempt(zswap->mm->processors, &worker->runner, exec->cpu,
                                      exec->now_ns, zswap->mm->processors->slice_ns);
    worker->may_preempt_at_ns = exec->now_ns + (exec->now_ns - start_ns);
    swap_dispatch_writes(zswap->swap, exec);
}

void zswap_yield_to_worker(struct zswap *zswap, struct exec *exec)
{
    struct mm *mm = zswap->mm;
    struct shrink_worker *worker = &zswap->worker;
    if (zswap->config->zswap.worker_queue == WORKER_UNBOUND) {
        if (worker->pending || worker->running)
            events_catch_up(mm->events, exec->now_ns);
        preempt_for_worker(zswap, exec);
        return;
    }
    if (!worker->pending || worker->running)
        return;
    uint64_t start_ns = exec->now_ns, end_ns, wake_at_ns = 0;
    enum turn_end end;
    spend_cost(mm, exec, TIME_worker, COST_context_switch);
    do {
        end = worker_turn(&worker->runner, exec->cpu, exec->now_ns, &end_ns, &wake_at_ns);
        uint64_t waited_ns = worker->runner.turn_waited_ns;
        processors_note_nested(mm->processors, &worker->runner, exec->cpu,
                               end_ns - exec->now_ns - waited_ns);
        exec->waited_ns += waited_ns;
        spend(mm, exec, TIME_worker, end_ns - exec->now_ns);
    } while (end == TURN_RUNNABLE && exec->now_ns - start_ns < WORKER_HEAD_START_NS);
    swap_dispatch_writes(zswap->swap, exec);
    spend_cost(mm, exec, TIME_worker, COST_context_switch);
    if (end == TURN_RUNNABLE)
        processors_wake_at(mm->processors, &worker->runner, exec->now_ns);
}

/* ---- the slab shrinker ------------------------------------------------------------ */

/* zswap_shrinker_count for one list */
static uint64_t shrinker_count(struct zswap *zswap, uint32_t memcg, uint32_t node, uint64_t entries)
{
    struct mm *mm = zswap->mm;
    if (!zswap_writeback_allowed(zswap, memcg) || !swap_has_backing_room(zswap->swap, memcg))
        return 0;
    if (zswap->config->zswap.shrinker_flush)
        memcg_read_stats_of(mm, memcg);
    /* cgroup v1 keeps no such statistics: they read 0, and nothing is freeable. */
    if (mm->config->vm.cgroup_version == CGROUP_V1)
        return 0;
    uint64_t bytes = mm->memcgs[memcg].zswap_bytes_subtree;
    uint64_t stored = mm->memcgs[memcg].zswapped_subtree;
    if (memcg == ROOT_MEMCG) {
        bytes -= mm->root_entry_bytes;
        stored -= mm->root_entries;
    }
    if (!stored)
        return 0;
    uint64_t backing = bytes / PAGE_BYTES;
    uint64_t freeable =
        zswap->shrinker->freeable(zswap, zswap_shrinker_state(zswap, memcg, node), entries);
    /* Freeing a well compressed page frees little memory. */
    return freeable * backing / stored;
}

/* xchg_nr_deferred: all that is left over, but for what a walk under way has taken. */
static uint64_t take_deferred(struct shrinker_state *state, uint64_t now_ns)
{
    if (now_ns >= state->walk_ends_ns) {
        state->deferred += state->given_back;
        state->given_back = 0;
    }
    uint64_t deferred = state->deferred;
    state->deferred = 0;
    return deferred;
}

/* add_nr_deferred: a walk gives back at its end what it has not used; meanwhile others,
 * who reclaim at the same time, do without and mostly find too little for a batch. */
static void give_back(struct shrinker_state *state, uint64_t left, bool walked, uint64_t now_ns)
{
    if (!walked) {
        state->deferred += left;
        return;
    }
    state->given_back += left;
    if (state->walk_ends_ns < now_ns)
        state->walk_ends_ns = now_ns;
}

/* do_shrink_slab for one list */
static void shrink_list_under_pressure(struct zswap *zswap, struct exec *exec, uint32_t group,
                                       uint32_t memcg, uint32_t node, int priority)
{
    struct mm *mm = zswap->mm;
    struct page_list *list = zswap_list(zswap, group, memcg, node);
    struct shrinker_state *state = zswap_shrinker_state(zswap, memcg, node);
    uint64_t freeable = shrinker_count(zswap, memcg, node, list->count);
    if (!freeable)
        return;
    uint64_t delta = (freeable >> priority) * 4 / SHRINKER_SEEKS;
    uint64_t deferred = take_deferred(state, exec->now_ns), total = (deferred >> priority) + delta;
    uint64_t scanned = 0;
    bool walked = false;
    if (total > 2 * freeable)
        total = 2 * freeable;
    while (total >= SHRINKER_BATCH || total >= freeable) {
        uint64_t n = total < SHRINKER_BATCH ? total : SHRINKER_BATCH;
        if (zswap->shrinker->may_scan && !zswap->shrinker->may_scan(state, list->count, n))
            break;
        struct entry_walk walk = {.driver = DRIVER_SHRINKER, .budget = n};
        walked = true;
        zswap_walk_list(zswap, exec, group, memcg, node, &walk);
        if (!walk.isolated || walk.met_swap_cache)
            break; /* SHRINK_STOP: do_shrink_slab() (6.1 to 6.18) leaves this batch uncounted */
        mm->counters[COUNTER_slabs_scanned] += n;
        total -= n;
        scanned += n;
        if (!total)
            break;
    }
    uint64_t left = deferred + delta > scanned ? deferred + delta - scanned : 0;
    give_back(state, left < 2 * freeable ? left : 2 * freeable, walked, exec->now_ns);
}

void zswap_enable_shrinker(struct zswap *zswap, bool enabled)
{
    zswap->shrinker_enabled = enabled;
    zswap->mm->swap_hooks.shrinks_slab = enabled && zswap->lru->group_shrunk;
}

void zswap_shrink_slab(void *state, struct exec *exec, uint32_t memcg, uint32_t node, int priority)
{
    struct zswap *zswap = ((struct swap *)state)->zswap;
    uint32_t group;
    if (!zswap->mm->swap_hooks.shrinks_slab)
        return;
    for (uint32_t n = 0; zswap->lru->group_shrunk(zswap, n, &group); n++)
        shrink_list_under_pressure(zswap, exec, group, memcg, node, priority);
}

/* ---- offline ---------------------------------------------------------------------- */

void zswap_memcg_offline(void *state, uint32_t memcg)
{
    struct zswap *zswap = ((struct swap *)state)->zswap;
    struct mm *mm = zswap->mm;
    uint32_t parent = mm->memcgs[memcg].parent;
    for (uint32_t group = 0; group < LRU_GROUPS_AT_MOST; group++)
        for (uint32_t node = 0; zswap->groups[group].lists && node < mm->node_count; node++) {
            struct page_list *from = zswap_list(zswap, group, memcg, node);
            struct page_list *to = zswap_list(zswap, group, parent, node);
            if (from->head == NO_PAGE)
                continue;
            /* In front: the child's entries become the parent's oldest. */
            mm->cold[from->tail].entry_next = to->head;
            if (to->head != NO_PAGE)
                mm->cold[to->head].entry_previous = from->tail;
            else
                to->tail = from->tail;
            to->head = from->head;
            to->count += from->count;
            *from = PAGE_LIST_EMPTY;
        }
}

#include "sim/mm/reclaim.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/reclaim/reclaim.h"
#include "sim/base/memory.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/node.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/mm/tlb.h"

enum { PROACTIVE_RETRIES = 16 };

/* ---- one page ---------------------------------------------------------------- */

void reclaim_flush_tlbs(struct mm *mm, struct exec *exec, struct tlb_batch *batch)
{
    if (!batch->count)
        return;
    const uint64_t *ns = mm->costs->ns;
    spend(mm, exec, TIME_tlb_flush, ns[COST_ipi_round] + (batch->count - 1) * ns[COST_ipi_each]);
    for (uint32_t i = 0; i < batch->count; i++)
        processors_interrupt(mm->processors, batch->cpus[i], ns[COST_ipi_received]);
    mm->counters[COUNTER_nr_tlb_remote_flush]++;
    mm->counters[COUNTER_nr_tlb_remote_flush_received] += batch->count;
    batch->count = 0;
    batch->writable = false;
}

/* A kernel thread has borrowed the address space: it leaves it for its own (flush_tlb_func(), lazy
 * mode). */
static void forget_translation(struct mm *mm, const struct exec *exec, uint32_t page)
{
    if (exec->space != NO_SPACE)
        tlb_forget(mm->tlb, page);
    else if (mm->tlb->used)
        tlb_flush(mm->tlb, exec->now_ns);
}

void reclaim_note_unmapped(struct mm *mm, struct exec *exec, struct tlb_batch *batch, uint32_t page)
{
    const struct runner *runner = page_space(mm, page)->runner;
    if (mm->tlb)
        forget_translation(mm, exec, page);
    if (!runner || runner->cpu == exec->cpu ||
        !processors_is_running(mm->processors, runner, exec->now_ns))
        return;
    batch->writable |= (mm->hot[page] & HOT_DIRTY) != 0;
    for (uint32_t i = 0; i < batch->count; i++)
        if (batch->cpus[i] == runner->cpu)
            return;
    if (batch->count == TLB_BATCH_PROCESSORS)
        reclaim_flush_tlbs(mm, exec, batch);
    batch->cpus[batch->count++] = runner->cpu;
}

/* try_to_unmap: the page table's dirty bit moves to the page. */
static void unmap(struct mm *mm, struct exec *exec, struct tlb_batch *batch, uint32_t page)
{
    reclaim_note_unmapped(mm, exec, batch, page);
    if (mm->hot[page] & HOT_DIRTY)
        mm->cold[page].bits |= PAGE_DIRTY;
    mm->hot[page] &= (uint8_t) ~(HOT_MAPPED | HOT_ACCESSED | HOT_YOUNG | HOT_DIRTY);
}

void reclaim_give_back_freed(struct mm *mm, struct exec *exec, struct scan_control *scan)
{
    if (mm->evicts_in_runs)
        mm->swap_hooks.end_evictions(mm->swap);
    reclaim_flush_tlbs(mm, exec, &scan->tlb);
    if (!scan->freed_pages)
        return;
    memcg_write_counters(mm, exec, scan->freed_memcg, LINE_MEMORY);
    memcg_uncharge(mm, scan->freed_memcg, scan->freed_pages);
    for (; scan->freed_pages; scan->freed_pages--)
        node_free_page(mm, scan->freed_node);
}

/* __remove_mapping and free: the page leaves the swap cache with a shadow. */
static void drop(struct mm *mm, struct exec *exec, struct scan_control *scan, uint32_t page)
{
    struct page_cold *cold = &mm->cold[page];
    uint32_t memcg = page_memcg(mm, page);
    struct memcg *owner = &mm->memcgs[memcg];
    mm->hot[page] &= (uint8_t)~HOT_IN_RAM;
    mm->reclaim->evict(mm, scan->target, page);
    uint32_t bits = cold->bits, node = bits_field(bits, PAGE_NODE_SHIFT);
    bits &= ~(uint32_t)(PAGE_ACTIVE | PAGE_REFERENCED | PAGE_WORKINGSET | PAGE_RECLAIM |
                        PAGE_READAHEAD);
    cold->bits = bits | PAGE_HAS_SHADOW;
    owner->swap_cache_pages--;
    owner->disk_pages += (bits & PAGE_ON_DISK) != 0;
    owner->zero_pages += (bits & PAGE_ZERO_MARK) != 0;
    mm->resident_pages--;
    owner->resident_pages--;
    reclaim_prepare_freed(mm, exec, scan, memcg, node);
    reclaim_note_freed(mm, exec, scan);
}

enum page_fate reclaim_evict_by_steps(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                      uint32_t page)
{
    struct page_cold *cold = &mm->cold[page];
    lru_prefetch(mm);
    if (!(cold->bits & PAGE_HAS_SLOT)) {
        if (!mm->swap_hooks.take_slot(mm->swap, exec, page))
            return FATE_ACTIVATE;
        cold->bits |= PAGE_DIRTY;
    }
    if (mm->hot[page] & HOT_MAPPED)
        unmap(mm, exec, &scan->tlb, page);
    /* pageout() and __remove_mapping(): somebody else has a reference. */
    if (lru_is_activating(mm, exec, page) || lru_is_rotating(mm, page))
        return FATE_KEEP;
    /* pageout(): not anonymous before it is mapped. */
    if ((cold->bits & PAGE_DIRTY) && (cold->bits & PAGE_READAHEAD) &&
        mm->config->vm.unmapped_swap_cache == UNMAPPED_ACTIVATE)
        return FATE_ACTIVATE;
    if (cold->bits & PAGE_DIRTY) {
        cold->bits &= ~(uint32_t)PAGE_DIRTY;
        cold->bits |= PAGE_RECLAIM;
        mm->hot[page] |= HOT_LOCKED;
        if (scan->tlb.writable)
            reclaim_flush_tlbs(mm, exec, &scan->tlb); /* try_to_unmap_flush_dirty */
        enum swap_write_result result = mm->swap_hooks.write(mm->swap, exec, page);
        mm->hot[page] &= (uint8_t)~HOT_LOCKED;
        if (result == SWAP_PAGE_GONE)
            return FATE_KEEP;
        if (result == SWAP_KEEP_ACTIVE) {
            cold->bits |= PAGE_DIRTY;
            cold->bits &= ~(uint32_t)PAGE_RECLAIM;
            return FATE_ACTIVATE;
        }
        count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_nr_vmscan_write, 1);
        scan->pageouts++;
        if (result == SWAP_UNDER_WAY)
            return FATE_KEEP;
        cold->bits &= ~(uint32_t)PAGE_RECLAIM;
        if (result == SWAP_FAILED)
            return FATE_KEEP;
    }
    spend_cost(mm, exec, TIME_evict, COST_evict_page);
    drop(mm, exec, scan, page);
    return FATE_FREED;
}

enum page_fate reclaim_evict(struct mm *mm, struct exec *exec, struct scan_control *scan,
                             uint32_t page)
{
    return mm->evicts_in_runs ? mm->swap_hooks.evict(mm->swap, exec, scan, page)
                              : reclaim_evict_by_steps(mm, exec, scan, page);
}

void reclaim_note_activated(struct mm *mm, struct exec *exec, uint32_t page)
{
    /* An unmapped page's slot is what its page table points to. */
    if (!(mm->hot[page] & HOT_MAPPED))
        return;
    if ((mm->cold[page].bits & PAGE_HAS_SLOT) && !(mm->cold[page].bits & PAGE_WRITEBACK) &&
        mm->swap_hooks.half_full(mm->swap, page_memcg(mm, page)))
        mm->swap_hooks.free_slot(mm->swap, exec, page);
}

/* ---- one node ------------------------------------------------------------------- */

/* With thousands of cgroups none is in the host's caches: a walk asks for each some visits
 * before its turn, first for its own records, then for what they lead to.  A visit waits
 * for memory half as long then. */
enum { MEMCGS_AHEAD = 16, LISTS_AHEAD = 10, PAGES_AHEAD = 4 };

struct walk_ahead {
    uint32_t last;                 /* the last one asked for */
    uint32_t memcgs[MEMCGS_AHEAD]; /* those asked for, in a ring */
    unsigned asked;
};

/* The one to be visited so many visits later. */
static uint32_t memcg_ahead(const struct walk_ahead *ahead, unsigned visits)
{
    unsigned before = MEMCGS_AHEAD - visits; /* it was asked for */
    return ahead->asked > before ? ahead->memcgs[(ahead->asked - 1 - before) % MEMCGS_AHEAD]
                                 : NO_MEMCG;
}

/* One cgroup further ahead of the visits. */
static void prefetch_walk(const struct mm *mm, uint32_t root, uint32_t node, uint32_t least,
                          struct walk_ahead *ahead)
{
    if (ahead->last != NO_MEMCG)
        ahead->last = reclaim_walk_next(mm, root, node, least, ahead->last);
    ahead->memcgs[ahead->asked++ % MEMCGS_AHEAD] = ahead->last;
    if (ahead->last != NO_MEMCG) {
        memcg_prefetch(mm, ahead->last);
        lru_prefetch_lists(mm, ahead->last, node);
    }
    uint32_t next = memcg_ahead(ahead, LISTS_AHEAD);
    if (next != NO_MEMCG)
        lru_prefetch_ends(mm, next, node);
    next = memcg_ahead(ahead, PAGES_AHEAD);
    if (next != NO_MEMCG)
        lru_prefetch_victims(mm, next, node);
}

static void prefetch_first(const struct mm *mm, uint32_t root, uint32_t node, uint32_t least,
                           struct walk_ahead *ahead)
{
    for (unsigned i = 0; i < MEMCGS_AHEAD; i++)
        prefetch_walk(mm, root, node, least, ahead);
}

/* shrink_slab: without the lock where the kernel has none, else only if no writer has it.
 * The work on the word itself is part of other costs; what is spent is its way. */
static void shrink_slab(struct mm *mm, struct exec *exec, const struct scan_control *scan,
                        uint32_t memcg, uint32_t node)
{
    struct lock_counts *counts = &mm->locks[LOCK_shrinkers];
    bool locks = mm->config->vm.shrinker_lock == SHRINKER_LOCK_RWSEM;
    uint64_t own_ns = mm->costs->ns[COST_atomic_local], at_ns = exec->now_ns;
    if (!locks && !mm->swap_hooks.shrinks_slab)
        return;
    if (locks) {
        events_settle(mm->events, exec->now_ns);
        bool entered =
            rw_lock_try_read(&mm->shrinkers, &mm->topology, mm->costs, exec->cpu, &at_ns);
        spend(mm, exec, TIME_shrinker_lock_wait, at_ns - exec->now_ns - own_ns);
        counts->acquisitions += entered;
        counts->contended += !entered;
        if (!entered)
            return;
    }
    mm->swap_hooks.shrink_slab(mm->swap, exec, memcg, node, scan->priority);
    if (!locks)
        return;
    events_settle(mm->events, exec->now_ns);
    uint64_t left_ns =
        rw_lock_leave_read(&mm->shrinkers, &mm->topology, mm->costs, exec->cpu, exec->now_ns);
    counts->hold_ns += left_ns - at_ns;
    spend(mm, exec, TIME_shrinker_lock_wait, left_ns - exec->now_ns - own_ns);
}

void reclaim_change_shrinkers(struct mm *mm, uint64_t now_ns)
{
    enum { ASKED_BY = 0 };
    if (mm->config->vm.shrinker_lock != SHRINKER_LOCK_RWSEM)
        return;
    struct lock_counts *counts = &mm->locks[LOCK_shrinkers];
    uint64_t hold_ns = mm->costs->ns[COST_shrinker_register];
    uint64_t left_ns =
        rw_lock_write(&mm->shrinkers, &mm->topology, mm->costs, ASKED_BY, now_ns, hold_ns);
    counts->acquisitions++;
    counts->hold_ns += hold_ns;
    counts->wait_ns += left_ns - now_ns > hold_ns ? left_ns - now_ns - hold_ns : 0;
}

/* Is its memory kept from this reclaim (mem_cgroup_below_min, mem_cgroup_below_low)? */
static bool is_kept(struct mm *mm, struct scan_control *scan, uint32_t memcg)
{
    struct memcg *at = &mm->memcgs[memcg];
    if (!at->is_protected)
        return false;
    memcg_calculate_protection(mm, scan->target, memcg);
    if (memcg == scan->target)
        return false;
    if (at->usage <= at->effective_min && at->effective_min)
        return true;
    if (at->usage > at->effective_low || !at->effective_low)
        return false;
    if (!scan->low_reclaim) {
        scan->low_skipped = true;
        return true;
    }
    mm->counters[COUNTER_memory_low]++;
    ++*memcg_counter(at, COUNTER_memory_low);
    return false;
}

/* shrink_one of one cgroup.  Of 10,000 each is visited for a page: that nothing is called which
 * has nothing to do is a twentieth of the time. */
static void shrink_one_memcg(struct mm *mm, struct exec *exec, struct scan_control *scan,
                             uint32_t memcg, uint32_t node)
{
    if (is_kept(mm, scan, memcg))
        return;
    struct write_plug plug, *outer = exec->plug;
    write_plug_init(&plug);
    exec->plug = &plug;
    mm->reclaim->shrink_lruvec(mm, exec, scan, memcg, node);
    if (plug.count)
        mm->swap_hooks.flush_plug(mm->swap, exec);
    exec->plug = outer;
    shrink_slab(mm, exec, scan, memcg, node);
    reclaim_walk_note_lists(mm, memcg, node); /* for the next visit */
}

/* May those that have nothing to age be passed over?  Nobody else wants their locks, all or none
 * have room in swap, and no page waits to be drained when the first is looked at. */
static bool may_pass_over_idle(const struct mm *mm, const struct exec *exec)
{
    return mm->one_at_a_time && mm->reclaim->age_idle && !mm->limits_swap &&
           mm->config->vm.shrinker_lock != SHRINKER_LOCK_RWSEM && !lru_is_to_drain(mm, exec);
}

/* The walk goes on from `current` to `next`, by all that lie between. */
static void spend_walk(struct mm *mm, struct exec *exec, const struct scan_control *scan,
                       uint32_t current, uint32_t next)
{
    uint64_t visits = reclaim_walk_length(mm, scan->target, current, next);
    spend(mm, exec, TIME_reclaim_scan, visits * mm->costs->ns[COST_reclaim_visit]);
}

/* Between the visit of `current` and that of `next`: what visits would do to those that only
 * want aging.  Returns which is visited next after all: pages that were drained meanwhile may
 * make another one large enough. */
static uint32_t age_between(struct mm *mm, struct exec *exec, struct scan_control *scan,
                            uint32_t node, uint32_t least, uint32_t current, uint32_t next)
{
    uint32_t at = current, idle = 0, *passed_over = may_pass_over_idle(mm, exec) ? &idle : NULL;
    while ((at = reclaim_walk_next_aging(mm, scan->target, node, at, next, passed_over)) !=
           NO_MEMCG) {
        uint64_t changes = reclaim_walk_changes(mm);
        spend_walk(mm, exec, scan, current, at);
        current = at;
        bool aged = mm->reclaim->age(mm, exec, scan, at, node);
        if (mm->config->vm.shrinker_lock == SHRINKER_LOCK_RWSEM)
            shrink_slab(mm, exec, scan, at, node); /* for its lock */
        if (reclaim_walk_changes(mm) != changes)
            next = reclaim_walk_next(mm, scan->target, node, least, at);
        if (aged)
            reclaim_walk_note(mm, at, node);
    }
    if (idle)
        mm->reclaim->age_idle(mm, exec, scan, idle);
    spend_walk(mm, exec, scan, current, next);
    return next;
}

/* The next one to be visited.  The cursor's generation ends with the tree; the next call begins
 * anew.  With the goal met before, one cgroup is visited, whichever comes next. */
static uint32_t next_memcg(struct mm *mm, struct exec *exec, struct scan_control *scan,
                           uint32_t node, uint32_t least, uint32_t current, bool any)
{
    if (!any && least) {
        uint32_t large = reclaim_walk_next(mm, scan->target, node, least, current);
        return age_between(mm, exec, scan, node, least, current, large);
    }
    uint32_t next = memcg_next(mm, scan->target, current);
    spend_walk(mm, exec, scan, current, next);
    return next;
}

/* shrink_node_memcgs: the whole subtree, or (limit and direct reclaim from 6.11)
 * from a shared cursor until the goal is met. */
static void shrink_node_memcgs(struct mm *mm, struct exec *exec, struct scan_control *scan,
                               uint32_t node)
{
    bool partial =
        mm->config->vm.memcg_walk == MEMCG_WALK_PARTIAL && !scan->kswapd && !scan->full_walk;
    if (mm->memcgs[scan->target].first_child == NO_MEMCG) {
        if (partial || !mm->memcgs[scan->target].offline)
            shrink_one_memcg(mm, exec, scan, scan->target, node);
        return;
    }
    uint32_t walked = NO_MEMCG, *at = partial ? &mm->memcgs[scan->target].iterator[node] : &walked;
    /* Behind the last one a walk begins anew, since each meets at least one (mem_cgroup_iter()). */
    if (*at != NO_MEMCG && memcg_next(mm, scan->target, *at) == NO_MEMCG)
        *at = NO_MEMCG;
    struct walk_ahead ahead = {.last = NO_MEMCG};
    if (memcgs_are_many(mm)) {
        uint32_t least = reclaim_walk_least(mm, scan, node);
        ahead.last = reclaim_walk_next(mm, scan->target, node, least, *at);
        prefetch_first(mm, scan->target, node, least, &ahead);
    }
    for (;;) {
        /* Each time: a visit may wait, and others change vm.swappiness or enable the shrinker. */
        uint32_t least = reclaim_walk_least(mm, scan, node);
        *at =
            next_memcg(mm, exec, scan, node, least, *at, partial && scan->reclaimed >= scan->goal);
        if (*at == NO_MEMCG)
            return;
        if (mm->memcgs[*at].offline)
            continue;
        if (ahead.last != NO_MEMCG)
            prefetch_walk(mm, scan->target, node, least, &ahead);
        shrink_one_memcg(mm, exec, scan, *at, node);
        if (partial && scan->reclaimed >= scan->goal)
            return;
    }
}

static void shrink_node(struct mm *mm, struct exec *exec, struct scan_control *scan, uint32_t node)
{
    memcg_flush_stats_in_reclaim(mm, scan->target);
    if (mm->reclaim->begin_pass)
        mm->reclaim->begin_pass(mm, scan, node);
    shrink_node_memcgs(mm, exec, scan, node);
    /* Elsewhere it is part of what a page costs; a request of few pages is mostly passes. */
    if (scan->proactive)
        spend_cost(mm, exec, TIME_reclaim_scan, COST_reclaim_pass);
    if (scan->reclaimed)
        mm->nodes[node].kswapd_failures = 0;
}

/* ---- direct and limit reclaim -------------------------------------------------------- */

/* Would a pass over a cgroup without children change nothing, nor take time? */
static bool is_idle_pass(struct mm *mm, struct scan_control *scan)
{
    if (scan->proactive || mm->writes_under_way ||
        mm->config->vm.shrinker_lock == SHRINKER_LOCK_RWSEM)
        return false;
    for (uint32_t node = 0; node < mm->node_count; node++)
        if (!reclaim_walk_passes_over(mm, scan, node))
            return false;
    return true;
}

/* Of 25 pages none is scanned at the first ten priorities of a limit's thirteen.  Where a pass is
 * idle, so are all before it: four are looked at. */
static void skip_idle_passes(struct mm *mm, struct scan_control *scan)
{
    if (mm->memcgs[scan->target].first_child != NO_MEMCG)
        return;
    for (int passes = 8; passes; passes /= 2) {
        int first = scan->priority, last = first - passes + 1;
        scan->priority = last;
        scan->priority = last > 0 && is_idle_pass(mm, scan) ? last - 1 : first;
    }
}

static void run_priorities(struct mm *mm, struct exec *exec, struct scan_control *scan)
{
    const uint32_t *zonelist = mm->nodes[exec->node].zonelist;
    scan->priority = PRIORITY_START;
    memcg_flush_stats_in_reclaim(mm, scan->target); /* as the first of these passes would */
    skip_idle_passes(mm, scan);
    for (; scan->priority >= 0; scan->priority--) {
        scan->scanned = 0;
        for (uint32_t i = 0; i < mm->node_count; i++)
            shrink_node(mm, exec, scan, zonelist[i]);
        if (scan->reclaimed >= scan->goal)
            break;
        /* Writes of this step may have ended: their pages are at the tail now. */
        if (mm->writes_under_way) {
            events_catch_up(mm->events, exec->now_ns);
            mm->swap_hooks.settle_writes(mm->swap, exec->now_ns);
        }
    }
    if (mm->reclaim->end_run)
        for (uint32_t node = 0; node < mm->node_count; node++)
            mm->reclaim->end_run(mm, scan, node);
}

/* do_try_to_free_pages */
static uint64_t try_to_free_pages(struct mm *mm, struct exec *exec, struct scan_control *scan)
{
    bool memalloc = exec->memalloc;
    exec->memalloc = true;
    spend_cost(mm, exec, TIME_reclaim_scan, COST_reclaim_call);
    for (;;) {
        run_priorities(mm, exec, scan);
        if (scan->reclaimed)
            break;
        if (mm->config->vm.memcg_walk == MEMCG_WALK_PARTIAL && !scan->full_walk) {
            scan->full_walk = true; /* also of a cgroup that has none below it */
        } else if (scan->skipped_deactivate && !scan->force_deactivate) {
            scan->force_deactivate = true;
            scan->skipped_deactivate = false;
        } else if (scan->low_skipped && !scan->low_reclaim) {
            scan->force_deactivate = false;
            scan->low_reclaim = true;
        } else {
            break;
        }
    }
    exec->memalloc = memalloc;
    if (!scan->reclaimed) {
        mm->counters[COUNTER_reclaim_in_vain]++;
        ++*memcg_counter(&mm->memcgs[scan->target], COUNTER_reclaim_in_vain);
    }
    return scan->reclaimed;
}

uint64_t reclaim_limit(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages)
{
    struct scan_control scan = {
        .target = memcg,
        .goal = pages > RECLAIM_CLUSTER ? pages : RECLAIM_CLUSTER,
        .limit_reclaim = true,
    };
    return try_to_free_pages(mm, exec, &scan);
}

void reclaim_request_begin(struct reclaim_request *request, uint32_t memcg, uint64_t pages)
{
    *request =
        (struct reclaim_request){.memcg = memcg, .pages = pages, .retries = PROACTIVE_RETRIES};
}

/* How many of the pages that are left one attempt is asked for. */
static uint64_t pages_of_attempt(const struct mm *mm, uint64_t left)
{
    switch (mm->config->vm.memory_reclaim_batch) {
    case RECLAIM_BATCH_CLUSTER:
        left = RECLAIM_CLUSTER;
        break;
    case RECLAIM_BATCH_QUARTER:
        left /= 4;
        break;
    default:
        break;
    }
    return left > RECLAIM_CLUSTER ? left : RECLAIM_CLUSTER;
}

enum reclaim_progress reclaim_request_attempt(struct mm *mm, struct exec *exec,
                                              struct reclaim_request *request)
{
    if (request->reclaimed >= request->pages)
        return RECLAIM_ENDED;
    if (!request->retries && !request->drained) {
        request->drained = true;
        return RECLAIM_WANTS_DRAIN;
    }
    request->drained = false;
    struct scan_control scan = {
        .target = request->memcg,
        .goal = pages_of_attempt(mm, request->pages - request->reclaimed),
        .limit_reclaim = true,
        .proactive = true,
    };
    uint64_t freed = try_to_free_pages(mm, exec, &scan);
    if (!freed && !request->retries--)
        return RECLAIM_ENDED;
    request->reclaimed += freed;
    return request->reclaimed < request->pages ? RECLAIM_GOES_ON : RECLAIM_ENDED;
}

uint64_t reclaim_proactive(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages)
{
    struct reclaim_request request;
    enum reclaim_progress progress;
    reclaim_request_begin(&request, memcg, pages);
    while ((progress = reclaim_request_attempt(mm, exec, &request)) != RECLAIM_ENDED)
        if (progress == RECLAIM_WANTS_DRAIN)
            lru_add_drain_all(mm);
    return request.reclaimed;
}

uint64_t reclaim_direct(struct mm *mm, struct exec *exec)
{
    struct scan_control scan = {.target = ROOT_MEMCG, .goal = RECLAIM_CLUSTER};
    uint64_t freed = try_to_free_pages(mm, exec, &scan);
    if (freed)
        for (uint32_t node = 0; node < mm->node_count; node++)
            mm->nodes[node].kswapd_failures = 0;
    return freed;
}

bool reclaim_wait_for_write(struct mm *mm, struct exec *exec)
{
    if (!mm->writes_under_way)
        return false;
    uint64_t under_way = mm->writes_under_way;
    mm->swap_hooks.wait_for_write(mm->swap, exec, NO_PAGE);
    return mm->writes_under_way < under_way;
}

bool reclaim_is_in_vain(struct mm *mm, const struct exec *exec, struct reclaim_circle *circle,
                        uint32_t memcg, uint64_t freed)
{
    enum { TIMES_EVERY_PAGE = 32 };
    uint64_t usage = mm->memcgs[ROOT_MEMCG].usage;
    if (!circle->freed || usage < circle->least_usage)
        *circle = (struct reclaim_circle){.least_usage = usage};
    circle->freed += freed;
    if (mm->gave_up || circle->freed < (uint64_t)TIMES_EVERY_PAGE * mm->page_count)
        return mm->gave_up;
    char why[256];
    snprintf(why, sizeof(why),
             "after %" PRIu64 " ns reclaim for cgroup \"%.80s\" goes in circles: as many pages as "
             "it frees come back from zswap; expected a swap device that takes what zswap writes",
             exec->now_ns, mm->memcgs[memcg].path);
    mm->gave_up = true;
    mm->give_up(mm->run_owner, why);
    return true;
}

/* ---- out of memory --------------------------------------------------------------------- */

bool reclaim_out_of_memory(struct mm *mm, struct exec *exec, uint32_t memcg)
{
    uint32_t largest = NO_SPACE;
    uint64_t most = 0;
    for (uint32_t i = 0; i < mm->space_count; i++) {
        const struct address_space *space = &mm->spaces[i];
        if (space->dead || space->file || !memcg_is_descendant(mm, space->memcg, memcg))
            continue;
        uint64_t size = 0;
        for (uint32_t page = space->first_page; page < space->first_page + space->pages; page++)
            size += (mm->hot[page] & HOT_POPULATED) != 0;
        if (size > most || largest == NO_SPACE) {
            most = size;
            largest = i;
        }
    }
    if (largest == NO_SPACE || most == 0)
        return false;
    count_event(mm, mm->spaces[largest].memcg, exec->node, COUNTER_oom_kill, 1);
    mm->kill_space(mm->run_owner, exec, largest);
    if (exec->space == largest)
        exec->killed = true;
    return true;
}

/* ---- kswapd -------------------------------------------------------------------------------- */

/* balance_pgdat, one priority step a turn so that others run in between. */
struct kswapd {
    struct runner runner;
    struct mm *mm;
    uint32_t node;
    bool running;
    uint64_t reclaimed_in_run;
    struct scan_control scan;
};

static enum turn_end kswapd_sleeps(struct kswapd *kswapd)
{
    struct mm *mm = kswapd->mm;
    if (kswapd->running && mm->reclaim->end_run)
        mm->reclaim->end_run(mm, &kswapd->scan, kswapd->node);
    kswapd->running = false;
    mm->nodes[kswapd->node].kswapd_wanted = false;
    return TURN_BLOCKED;
}

static void kswapd_begin_run(struct kswapd *kswapd)
{
    struct mm *mm = kswapd->mm;
    uint64_t high = mm->nodes[kswapd->node].watermark_high;
    kswapd->running = true;
    kswapd->reclaimed_in_run = 0;
    kswapd->scan = (struct scan_control){
        .target = ROOT_MEMCG,
        .goal = high > RECLAIM_CLUSTER ? high : RECLAIM_CLUSTER,
        .kswapd = true,
        .priority = PRIORITY_START,
    };
    mm->counters[COUNTER_pageoutrun]++;
}

static enum turn_end kswapd_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                                 uint64_t *end_ns, uint64_t *wake_at_ns)
{
    (void)wake_at_ns;
    struct kswapd *kswapd = (struct kswapd *)runner;
    struct mm *mm = kswapd->mm;
    struct exec exec = {.now_ns = now_ns,
                        .cpu = cpu,
                        .node = kswapd->node,
                        .space = NO_SPACE,
                        .memalloc = true,
                        .kswapd = true};
    struct psi_task *psi = &mm->nodes[kswapd->node].kswapd_psi;
    *end_ns = now_ns;
    if (node_balanced(mm, kswapd->node) ||
        mm->nodes[kswapd->node].kswapd_failures >= KSWAPD_FAILURES_AT_MOST)
        return kswapd_sleeps(kswapd);
    if (!kswapd->running)
        kswapd_begin_run(kswapd);
    psi_set(mm, psi, now_ns, PSI_STALLED_ON_CPU);
    struct scan_control *scan = &kswapd->scan;
    scan->scanned = scan->reclaimed = 0;
    if (mm->reclaim->age_node)
        mm->reclaim->age_node(mm, &exec, scan, kswapd->node);
    shrink_node(mm, &exec, scan, kswapd->node);
    kswapd->reclaimed_in_run += scan->reclaimed;
    uint64_t worked = scan->scanned > scan->reclaimed ? scan->scanned : scan->reclaimed;
    if (worked < scan->goal || !scan->reclaimed)
        scan->priority--;
    *end_ns = exec.now_ns;
    runner->turn_waited_ns = exec.waited_ns;
    psi_set(mm, psi, exec.now_ns, PSI_ABSENT);
    if (scan->priority < 1) {
        bool failed = !kswapd->reclaimed_in_run;
        if (failed)
            mm->nodes[kswapd->node].kswapd_failures++;
        kswapd->running = false;
        if (mm->reclaim->end_run)
            mm->reclaim->end_run(mm, scan, kswapd->node);
    }
    return TURN_RUNNABLE;
}

void reclaim_start_kswapd(struct mm *mm)
{
    for (uint32_t node = 0; node < mm->node_count; node++) {
        struct kswapd *kswapd = memory_zeroed(1, sizeof(*kswapd), "kswapd");
        kswapd->runner.turn = kswapd_turn;
        kswapd->runner.processors = mm->processors;
        kswapd->runner.kernel_thread = true;
        kswapd->runner.own_time = TIME_kswapd;
        /* On the last processor of its node, away from the first tasks. */
        uint32_t cpu = mm->topology.cpus - 1;
        while (cpu > 0 && topology_node(&mm->topology, cpu) != node)
            cpu--;
        kswapd->runner.cpu = cpu;
        kswapd->mm = mm;
        kswapd->node = node;
        mm->nodes[node].kswapd = &kswapd->runner;
        psi_task_init(mm, &mm->nodes[node].kswapd_psi, ROOT_MEMCG, cpu);
    }
}

void reclaim_release_kswapd(struct mm *mm)
{
    for (uint32_t node = 0; node < mm->node_count; node++) {
        free(mm->nodes[node].kswapd);
        mm->nodes[node].kswapd = NULL;
        psi_task_release(&mm->nodes[node].kswapd_psi);
    }
}

/* reclaim: classic - active and inactive lists with a referenced bit.
 *
 * Mirrors mm/vmscan.c and mm/workingset.c with CONFIG_LRU_GEN off, 6.1 to 7.2,
 * for anonymous pages: shrink_lruvec, get_scan_count, shrink_inactive_list,
 * folio_check_references, shrink_active_list, inactive_is_low, workingset_refault.
 * Leaves out: file lists, mlock, mappings shared between processes. */
#include "policies/reclaim/classic.h"
#include "policies/policy.h"
#include "policies/reclaim/reclaim.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/mm/workingset.h"

enum { COST_PER_PAGEOUT = 32, FILE_COST = 0 };

enum cost_rule { COST_PAGEOUTS, COST_PAGEOUTS_AND_ROTATIONS };

struct classic_params {
    unsigned cost; /* enum cost_rule */
};

static const char *const cost_names[] = {"pageouts", "pageouts_and_rotations", NULL};

static const struct param classic_rows[] = {
    {.name = "cost",
     .type = PARAM_ENUM,
     .offset = offsetof(struct classic_params, cost),
     .initial = "pageouts_and_rotations",
     .choices = cost_names,
     .help = "What it costs to reclaim anonymous pages, by which the share of their lists that is "
             "scanned follows: pages written out and refaults, 1 each; or those, 32 each, and "
             "pages that were scanned but not freed",
     .source = "mm/swap.c, lru_note_cost(); mm/vmscan.c, shrink_inactive_list(): rotations count "
               "from 6.2"},
};

/* ---- lists ------------------------------------------------------------------ */

static enum lru list_of(const struct mm *mm, uint32_t page)
{
    return mm->cold[page].bits & PAGE_ACTIVE ? LRU_ACTIVE_ANON : LRU_INACTIVE_ANON;
}

static void classic_add(struct mm *mm, struct lruvec *lruvec, uint32_t page)
{
    lru_list_add_head(mm->cold, &lruvec->lists[list_of(mm, page)], page);
}

static void classic_remove(struct mm *mm, struct lruvec *lruvec, uint32_t page)
{
    lru_list_remove(mm->cold, &lruvec->lists[list_of(mm, page)], page);
}

static void classic_rotate(struct mm *mm, struct lruvec *lruvec, uint32_t page)
{
    /* lru_move_tail: an active page becomes inactive on the way. */
    lru_list_remove(mm->cold, &lruvec->lists[list_of(mm, page)], page);
    mm->cold[page].bits &= ~(uint32_t)PAGE_ACTIVE;
    lru_list_add_tail(mm->cold, &lruvec->lists[LRU_INACTIVE_ANON], page);
}

static void classic_reparent(struct mm *mm, struct lruvec *from, struct lruvec *to)
{
    for (unsigned list = 0; list < LRU_LISTS; list++)
        while (from->lists[list].tail != NO_PAGE) {
            uint32_t page = from->lists[list].tail;
            lru_list_remove(mm->cold, &from->lists[list], page);
            lru_list_add_head(mm->cold, &to->lists[list], page);
        }
}

/* ---- cost of reclaiming ----------------------------------------------------------- */

/* lru_note_cost: up the tree; both halved when they outgrow the lists. */
static void note_cost(struct mm *mm, uint32_t memcg, uint32_t node, uint64_t pageouts,
                      uint64_t rotated)
{
    const struct classic_params *params = mm->reclaim_params;
    bool rotations_count = params->cost == COST_PAGEOUTS_AND_ROTATIONS;
    uint64_t cost = rotations_count ? pageouts * COST_PER_PAGEOUT + rotated : pageouts;
    if (rotations_count && !cost)
        return;
    for (struct memcg *at = &mm->memcgs[memcg]; at; at = at->above) {
        struct lruvec *lruvec = &at->lruvecs[node];
        lruvec->anon_cost += cost;
        uint64_t size = lruvec->seen_pages[LRU_INACTIVE_ANON] + lruvec->seen_pages[LRU_ACTIVE_ANON];
        if (lruvec->anon_cost > size / 4)
            lruvec->anon_cost /= 2;
    }
}

/* ---- inactive list -------------------------------------------------------------------- */

/* folio_check_references for an anonymous page mapped once. */
static enum page_fate check_references(struct mm *mm, uint32_t page)
{
    uint8_t hot = mm->hot[page];
    uint32_t bits = mm->cold[page].bits;
    bool accessed = (hot & HOT_MAPPED) && (hot & HOT_ACCESSED);
    mm->hot[page] = (uint8_t)(hot & ~HOT_ACCESSED);
    mm->cold[page].bits = accessed ? bits | PAGE_REFERENCED : bits & ~(uint32_t)PAGE_REFERENCED;
    if (!accessed)
        return FATE_FREED;
    return bits & PAGE_REFERENCED ? FATE_ACTIVATE : FATE_KEEP;
}

/* A page under writeback.  On cgroup v2 and in global reclaim, dirty throttling
 * keeps writers in check and the page goes out of the way; reclaim for a limit of
 * cgroup v1 has nothing but to wait, if it marked the page itself before.
 * True: the write has ended. */
static bool wait_for_writeback(struct mm *mm, struct exec *exec, const struct scan_control *scan,
                               uint32_t page)
{
    uint32_t *bits = &mm->cold[page].bits;
    bool throttled = !scan->limit_reclaim ||
                     mm->config->vm.cgroup_version == CGROUP_V2; /* writeback_throttling_sane */
    if (!throttled && (*bits & PAGE_RECLAIM))
        mm->swap_hooks.wait_for_write(mm->swap, exec, page);
    if (!(*bits & PAGE_WRITEBACK))
        return true;
    *bits |= PAGE_RECLAIM;
    return false;
}

static enum page_fate shrink_page(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                  uint32_t page)
{
    if (mm->cold[page].bits & PAGE_WRITEBACK) {
        bool ended = wait_for_writeback(mm, exec, scan, page);
        if (!reclaim_has_isolated(mm, page))
            return FATE_KEEP; /* gone while this waited: nothing is put back */
        if (!ended)
            return FATE_ACTIVATE;
    }
    enum page_fate fate = check_references(mm, page);
    return fate == FATE_FREED ? reclaim_evict(mm, exec, scan, page) : fate;
}

static uint64_t shrink_inactive_list(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                     uint32_t memcg, uint32_t node, uint32_t n)
{
    struct lruvec *lruvec = &mm->memcgs[memcg].lruvecs[node];
    uint32_t pages[RECLAIM_CLUSTER], kept = 0, activated = 0, freed = 0;
    lru_add_drain(mm, exec);
    if (mm->writes_under_way)
        mm->swap_hooks.settle_writes(mm->swap, exec->now_ns);
    uint32_t taken = lru_isolate(mm, &lruvec->lists[LRU_INACTIVE_ANON], n, pages);
    if (!taken)
        return 0;
    lru_prefetch_writes(mm, pages, taken);
    lru_lock(mm, exec, lruvec, taken);
    count_event(mm, memcg, node, COUNTER_pgscan_anon, taken);
    count_event(mm, memcg, node, reclaim_scan_counter(scan), taken);
    spend(mm, exec, TIME_reclaim_scan, taken * mm->costs->ns[COST_scan_page]);
    scan->scanned += taken;
    scan->pageouts = 0;
    for (uint32_t i = 0; i < taken; i++) {
        uint32_t page = pages[i];
        if (!reclaim_has_isolated(mm, page))
            continue;
        enum page_fate fate = shrink_page(mm, exec, scan, page);
        if (fate == FATE_FREED) {
            freed++;
            continue;
        }
        if (fate == FATE_ACTIVATE) {
            mm->cold[page].bits |= PAGE_ACTIVE;
            reclaim_note_activated(mm, exec, page);
            activated++;
        }
        pages[kept++] = page;
    }
    reclaim_flush_freed(mm, exec, scan);
    /* move_folios_to_lru: the oldest goes first and so ends deepest. */
    lru_lock(mm, exec, lruvec, kept);
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t page = pages[i];
        if (!reclaim_has_isolated(mm, page))
            continue;
        struct page_cold *cold = &mm->cold[page];
        cold->bits |= PAGE_ON_LRU;
        /* Its cgroup may have gone offline meanwhile. */
        classic_add(mm, page_lruvec(mm, page), page);
        if (cold->bits & PAGE_ACTIVE)
            workingset_age(mm, memcg, node, 1);
    }
    if (kept)
        reclaim_walk_note_lists(mm, memcg, node);
    if (activated)
        count_event(mm, memcg, node, COUNTER_pgactivate, activated);
    if (freed) {
        count_event(mm, memcg, node, COUNTER_pgsteal_anon, freed);
        count_event(mm, memcg, node, reclaim_steal_counter(scan), freed);
    }
    note_cost(mm, memcg, node, scan->pageouts, kept);
    return freed;
}

/* ---- files ------------------------------------------------------------------------ */

/* folio_mark_accessed: the second mark makes an inactive page active. */
static bool classic_mark_accessed(struct mm *mm, uint32_t page)
{
    struct page_cold *cold = &mm->cold[page];
    uint32_t memcg = page_memcg(mm, page), node = page_node(mm, page);
    if (!(cold->bits & PAGE_REFERENCED)) {
        cold->bits |= PAGE_REFERENCED;
    } else if (!(cold->bits & PAGE_ACTIVE)) {
        struct lruvec *lruvec = page_lruvec(mm, page);
        bool listed = cold->bits & PAGE_ON_LRU;
        if (listed)
            classic_remove(mm, lruvec, page);
        cold->bits = (cold->bits & ~(uint32_t)PAGE_REFERENCED) | PAGE_ACTIVE;
        if (listed)
            classic_add(mm, lruvec, page);
        count_event(mm, memcg, node, COUNTER_pgactivate, 1);
        workingset_age(mm, memcg, node, 1);
    }
    return (cold->bits & PAGE_ACTIVE) && (cold->bits & PAGE_REFERENCED);
}

/* On the inactive list reads of a file are to be seen one by one again. */
static void look_at_each_access(struct mm *mm, uint32_t page)
{
    if (!(mm->hot[page] & HOT_MAPPED) || !page_space(mm, page)->file)
        return;
    if (mm->hot[page] & HOT_DIRTY)
        mm->cold[page].bits |= PAGE_DIRTY;
    mm->hot[page] &= (uint8_t) ~(HOT_MAPPED | HOT_DIRTY);
}

/* ---- active list -------------------------------------------------------------------------- */

/* shrink_active_list: anonymous pages are deactivated whatever their accessed bit.  Returns how
 * many. */
static uint32_t shrink_active_list(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t node,
                                   uint32_t n)
{
    struct lruvec *lruvec = &mm->memcgs[memcg].lruvecs[node];
    uint32_t pages[RECLAIM_CLUSTER];
    lru_add_drain(mm, exec);
    uint32_t taken = lru_isolate(mm, &lruvec->lists[LRU_ACTIVE_ANON], n, pages);
    lru_lock(mm, exec, lruvec, taken);
    lru_lock(mm, exec, lruvec, taken); /* to put them back */
    if (!taken)
        return 0;
    for (uint32_t i = 0; i < taken; i++) {
        mm->hot[pages[i]] &= (uint8_t)~HOT_ACCESSED;
        mm->cold[pages[i]].bits &= ~(uint32_t)PAGE_ACTIVE;
        mm->cold[pages[i]].bits |= PAGE_WORKINGSET | PAGE_ON_LRU;
        look_at_each_access(mm, pages[i]);
    }
    lru_list_add_pages(mm->cold, &lruvec->lists[LRU_INACTIVE_ANON], pages, taken);
    reclaim_walk_note(mm, memcg, node);
    count_event(mm, memcg, node, COUNTER_pgrefill, taken);
    count_event(mm, memcg, node, COUNTER_pgdeactivate, taken);
    spend(mm, exec, TIME_reclaim_scan, taken * mm->costs->ns[COST_scan_page]);
    return taken;
}

bool classic_inactive_is_low(uint64_t inactive, uint64_t active)
{
    uint64_t gib = (inactive + active) >> 18, ratio = 1;
    if (gib)
        for (ratio = 0; (ratio + 1) * (ratio + 1) <= 10 * gib;)
            ratio++;
    return inactive * ratio < active;
}

/* On the sizes that the statistics show, not on those that are. */
static bool inactive_is_low(const struct lruvec *lruvec)
{
    return classic_inactive_is_low(lruvec->seen_pages[LRU_INACTIVE_ANON],
                                   lruvec->seen_pages[LRU_ACTIVE_ANON]);
}

/* ---- one cgroup on one node ------------------------------------------------------------------ */

uint64_t classic_scan_size(uint64_t size, uint64_t protection, uint64_t usage, int priority)
{
    if (protection) {
        if (usage < protection)
            usage = protection;
        uint64_t left = size - (uint64_t)((unsigned __int128)size * protection / (usage + 1));
        size = left > RECLAIM_CLUSTER ? left : RECLAIM_CLUSTER;
    }
    return size >> priority;
}

static uint64_t scan_size(const struct mm *mm, struct scan_control *scan, uint32_t memcg,
                          uint64_t size)
{
    const struct memcg *at = &mm->memcgs[memcg];
    uint64_t protection = 0;
    if (at->is_protected && memcg != scan->target)
        protection = reclaim_protection(mm, scan, memcg);
    return classic_scan_size(size, protection, at->usage, scan->priority);
}

struct fraction {
    uint64_t part, whole;
};

static uint64_t fraction_of(struct fraction fraction, uint64_t size)
{
    return fraction.whole ? size * fraction.part / fraction.whole : 0;
}

/* get_scan_count's fraction. */
static struct fraction anonymous_fraction(uint64_t swappiness, uint64_t anon_cost)
{
    uint64_t total = anon_cost + FILE_COST;
    uint64_t anon = total + anon_cost, file = total + FILE_COST;
    total = anon + file;
    uint64_t anon_part = swappiness * (total + 1) / (anon + 1);
    uint64_t file_part = (200 - swappiness) * (total + 1) / (file + 1);
    return (struct fraction){anon_part, anon_part + file_part};
}

uint64_t classic_anonymous_share(uint64_t size, uint64_t swappiness, uint64_t anon_cost)
{
    return fraction_of(anonymous_fraction(swappiness, anon_cost), size);
}

/* How much of a list is scanned: the anonymous part (SCAN_FRACT), or all (SCAN_EQUAL). */
static struct fraction fraction_to_scan(const struct mm *mm, const struct scan_control *scan,
                                        uint32_t memcg)
{
    if (scan->priority == 0)
        return (struct fraction){1, 1};
    return anonymous_fraction(memcg_swappiness(mm, memcg), scan->anon_cost);
}

/* Swappiness 0 is for limits a promise.  For free memory it is not: the kernel swaps where file
 * pages are nearly gone (file_is_tiny), which here are none: then at the last priority. */
static bool may_scan_anonymous(const struct mm *mm, const struct scan_control *scan, uint32_t memcg)
{
    if (!memcg_swappiness(mm, memcg) && (scan->limit_reclaim || scan->priority != 0))
        return false;
    return mm->swap_hooks.room(mm->swap, memcg);
}

static void classic_shrink_lruvec(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                  uint32_t memcg, uint32_t node)
{
    struct lruvec *lruvec = &mm->memcgs[memcg].lruvecs[node];
    if (!may_scan_anonymous(mm, scan, memcg))
        return;
    struct fraction fraction = fraction_to_scan(mm, scan, memcg);
    uint64_t left[LRU_LISTS];
    for (unsigned list = 0; list < LRU_LISTS; list++)
        left[list] = fraction_of(fraction, scan_size(mm, scan, memcg, lruvec->lists[list].count));
    /* Only global direct reclaim at the first priority scans on beyond its goal. */
    bool proportional = !scan->limit_reclaim && !scan->kswapd && scan->priority == PRIORITY_START;
    uint64_t freed = 0;
    while (left[LRU_INACTIVE_ANON]) {
        for (unsigned list = 0; list < LRU_LISTS; list++) {
            uint32_t n = left[list] < RECLAIM_CLUSTER ? (uint32_t)left[list] : RECLAIM_CLUSTER;
            if (!n)
                continue;
            left[list] -= n;
            if (list == LRU_INACTIVE_ANON)
                freed += shrink_inactive_list(mm, exec, scan, memcg, node, n);
            else if (scan->may_deactivate)
                shrink_active_list(mm, exec, memcg, node, n);
            else
                scan->skipped_deactivate = true;
        }
        /* With no file pages to balance against, the goal alone ends the scan. */
        if (freed >= scan->goal && !proportional)
            break;
    }
    scan->reclaimed += freed;
    if (inactive_is_low(lruvec))
        shrink_active_list(mm, exec, memcg, node, RECLAIM_CLUSTER);
}

static struct walk_sizes classic_walk_sizes(const struct lruvec *lruvec)
{
    return (struct walk_sizes){.to_scan = lruvec->lists[LRU_INACTIVE_ANON].count,
                               .to_age = lruvec->lists[LRU_ACTIVE_ANON].count};
}

/* The end of classic_shrink_lruvec(), which is all that it does where nothing is scanned. */
static bool classic_age(struct mm *mm, struct exec *exec, const struct scan_control *scan,
                        uint32_t memcg, uint32_t node)
{
    return may_scan_anonymous(mm, scan, memcg) &&
           shrink_active_list(mm, exec, memcg, node, RECLAIM_CLUSTER);
}

/* The two locks of each of these.  (Lists are aged by what the statistics showed last: with 10,000
 * cgroups 99 of 100 were in vain.) */
static void classic_age_idle(struct mm *mm, struct exec *exec, const struct scan_control *scan,
                             uint32_t cgroups)
{
    if (may_scan_anonymous(mm, scan, NO_MEMCG))
        lru_lock_idle(mm, exec, (uint64_t)2 * cgroups);
}

/* The shortest inactive list of which at least one page is scanned. */
static uint32_t classic_least_to_scan(const struct mm *mm, const struct scan_control *scan,
                                      uint32_t node)
{
    (void)node;
    if (scan->priority == 0)
        return 1;
    uint64_t swappiness = memcg_swappiness(mm, NO_MEMCG);
    if (swappiness < mm->swappiness)
        swappiness = mm->swappiness; /* of the root and of the others, whichever scans more */
    struct fraction of = anonymous_fraction(swappiness, scan->anon_cost);
    uint64_t least = of.part ? ((of.whole + of.part - 1) / of.part) << scan->priority : UINT32_MAX;
    return least < UINT32_MAX ? (uint32_t)least : UINT32_MAX;
}

/* prepare_scan_control: shall active pages come down in this pass, and what has it cost so far to
 * reclaim others? */
static void classic_begin_pass(struct mm *mm, struct scan_control *scan, uint32_t node)
{
    const struct lruvec *target = &mm->memcgs[scan->target].lruvecs[node];
    scan->may_deactivate = scan->force_deactivate ||
                           target->seen_activations != target->snapshot_activations ||
                           inactive_is_low(target);
    scan->anon_cost = target->anon_cost;
}

/* snapshot_refaults */
static void classic_end_run(struct mm *mm, struct scan_control *scan, uint32_t node)
{
    struct lruvec *target = &mm->memcgs[scan->target].lruvecs[node];
    target->snapshot_activations = target->seen_activations;
}

/* kswapd_age_node */
static void classic_age_node(struct mm *mm, struct exec *exec, struct scan_control *scan,
                             uint32_t node)
{
    (void)scan;
    if (!inactive_is_low(&mm->memcgs[ROOT_MEMCG].lruvecs[node]))
        return;
    for (uint32_t memcg = ROOT_MEMCG; memcg != NO_MEMCG;
         memcg = memcg_next(mm, ROOT_MEMCG, memcg)) {
        if (mm->memcgs[memcg].offline)
            continue;
        shrink_active_list(mm, exec, memcg, node, RECLAIM_CLUSTER);
        reclaim_walk_note(mm, memcg, node);
    }
}

/* ---- refaults --------------------------------------------------------------------- */

/* workingset_refault and workingset_test_recent */
static void classic_refault(struct mm *mm, const struct exec *exec, uint32_t page, uint32_t age,
                            uint32_t place)
{
    (void)exec;
    uint32_t owner = page_memcg(mm, page), node = page_node(mm, page);
    count_event(mm, owner, node, COUNTER_workingset_refault_anon, 1);
    uint32_t evictor = shadow_memcg(place);
    if (mm->memcgs[evictor].offline)
        return;
    const struct lruvec *evicted_from = &mm->memcgs[evictor].lruvecs[shadow_node(place)];
    uint32_t distance = (uint32_t)evicted_from->nonresident_age - age;
    /* Against the lists that the page would have had to compete with: no file
     * pages here, so the active anonymous list, while swap has room. */
    uint64_t size = evicted_from->seen_pages[LRU_ACTIVE_ANON];
    if (distance > size || (distance && !mm->swap_hooks.room(mm->swap, evictor)))
        return;
    mm->cold[page].bits |= PAGE_ACTIVE;
    workingset_age(mm, owner, node, 1);
    count_event(mm, owner, node, COUNTER_workingset_activate_anon, 1);
    mm->memcgs[owner].lruvecs[node].activations++;
    if (shadow_workingset(place)) {
        mm->cold[page].bits |= PAGE_WORKINGSET;
        note_cost(mm, owner, node, 1, 0);
        count_event(mm, owner, node, COUNTER_workingset_restore_anon, 1);
    }
}

static const char *classic_check(const struct mm *mm, const struct lruvec *lruvec)
{
    for (unsigned list = 0; list < LRU_LISTS; list++) {
        uint32_t count = 0, next = NO_PAGE;
        for (uint32_t page = lruvec->lists[list].tail; page != NO_PAGE;
             page = mm->cold[page].lru.previous) {
            page_prefetch(mm->cold, mm->cold[page].later);
            if (mm->cold[page].lru.next != next)
                return "an LRU link does not point back";
            if (!(mm->cold[page].bits & PAGE_ON_LRU) || list_of(mm, page) != list)
                return "a page is on the wrong LRU list";
            next = page;
            if (++count > lruvec->lists[list].count)
                return "an LRU list is longer than its count";
        }
        if (count != lruvec->lists[list].count)
            return "an LRU list is shorter than its count";
    }
    return NULL;
}

static const struct reclaim_hooks classic_hooks = {
    .add = classic_add,
    .remove = classic_remove,
    .rotate = classic_rotate,
    .mark_accessed = classic_mark_accessed,
    .reparent = classic_reparent,
    .shrink_lruvec = classic_shrink_lruvec,
    .walk_sizes = classic_walk_sizes,
    .least_to_scan = classic_least_to_scan,
    .wants_aging = inactive_is_low,
    .age = classic_age,
    .age_idle = classic_age_idle,
    .begin_pass = classic_begin_pass,
    .age_node = classic_age_node,
    .end_run = classic_end_run,
    .evict = workingset_evict,
    .refault = classic_refault,
    .check = classic_check,
};

const struct policy classic_policy = {
    .name = "classic",
    .summary = "active and inactive lists, second chance by the accessed bit, refault distance",
    .source = "Linux 6.1-7.2 mm/vmscan.c, mm/workingset.c without CONFIG_LRU_GEN",
    .params = PARAM_TABLE(classic_rows, struct classic_params),
    .hooks = &classic_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

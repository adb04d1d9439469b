#include "sim/mm/memcg.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policies/reclaim/reclaim.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/mm/lru.h"
#include "sim/mm/reclaim.h"
#include "sim/mm/reclaim_walk.h"

enum { RECLAIM_RETRIES = 16, HIGH_PENALTY_LIMIT_MS = 2000, HIGH_PENALTY_IGNORED_MS = 10 };

static uint64_t limit_pages(uint64_t bytes)
{
    return bytes == UINT64_MAX ? UINT64_MAX : bytes / PAGE_BYTES;
}

/* ---- the tree -------------------------------------------------------------- */

static size_t counters_bytes(const struct mm *mm)
{
    return (size_t)mm->memcg_count * COUNTERS * sizeof(uint64_t);
}

void memcg_init(struct mm *mm)
{
    const struct config *config = mm->config;
    mm->memcg_count = config->cgroup_count;
    size_t count = (size_t)mm->memcg_count * mm->node_count;
    /* On huge pages where there are thousands: reclaim walks them all. */
    mm->memcgs = memory_mapped(mm->memcg_count * sizeof(*mm->memcgs), "the cgroups");
    mm->stocks = memory_zeroed(mm->topology.cpus, sizeof(*mm->stocks), "the charge stocks");
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++)
        memset(mm->stocks[cpu].memcg, 0xff, sizeof(mm->stocks[cpu].memcg)); /* NO_MEMCG */
    struct lruvec *lruvecs =
        mm->node_count > 1 ? memory_mapped(count * sizeof(*lruvecs), "the lruvecs") : NULL;
    mm->lruvec_stride = lruvecs ? mm->node_count * sizeof(*lruvecs) : sizeof(*mm->memcgs);
    uint64_t *counters = memory_mapped(counters_bytes(mm), "the counters of cgroups");
    struct psi_group *psi = memory_zeroed(mm->memcg_count, sizeof(*psi), "PSI");
    struct cache_line *lines =
        memory_zeroed((size_t)mm->memcg_count * CHARGE_LINES, sizeof(*lines), "the charges' lines");
    uint32_t *iterators = memory_zeroed(count, sizeof(*iterators), "the reclaim cursors");
    for (uint32_t i = 0; i < mm->memcg_count; i++) {
        const struct cgroup_config *from = &config->cgroups[i];
        struct memcg *memcg = &mm->memcgs[i];
        memcg->path = from->path;
        memcg->parent = i == ROOT_MEMCG ? NO_MEMCG : from->parent;
        memcg->above = i == ROOT_MEMCG ? NULL : &mm->memcgs[from->parent];
        memcg->first_child = memcg->next_sibling = NO_MEMCG;
        memcg->memory_min = limit_pages(from->memory_min);
        memcg->memory_low = limit_pages(from->memory_low);
        memcg->memory_high = limit_pages(from->memory_high);
        memcg->memory_max = limit_pages(from->memory_max);
        memcg_set_swap_max(mm, i, limit_pages(from->memory_swap_max));
        memcg->zswap_max = limit_pages(from->memory_zswap_max);
        memcg->zswap_writeback = from->memory_zswap_writeback;
        memcg->lruvecs = lruvecs ? &lruvecs[(size_t)i * mm->node_count] : &memcg->only_lruvec;
        memcg->iterator = &iterators[(size_t)i * mm->node_count];
        memcg->seldom = &counters[(size_t)i * COUNTERS];
        memcg->psi = &psi[i];
        memcg->lines = &lines[(size_t)i * CHARGE_LINES];
        for (unsigned line = 0; mm->topology.cpus > 1 && line < CHARGE_LINES; line++)
            cache_line_init(&memcg->lines[line], &mm->events->settled_ns);
        for (uint32_t node = 0; node < mm->node_count; node++) {
            memcg->iterator[node] = NO_MEMCG;
            for (unsigned list = 0; list < LRU_LISTS; list++)
                memcg->lruvecs[node].lists[list] = LRU_LIST_EMPTY;
        }
    }
    /* Siblings in creation order: link from the last to the first. */
    for (uint32_t i = mm->memcg_count - 1; i > 0; i--) {
        struct memcg *parent = &mm->memcgs[mm->memcgs[i].parent];
        mm->memcgs[i].next_sibling = parent->first_child;
        parent->first_child = i;
    }
}

static void lruvec_release(const struct mm *mm, struct lruvec *lruvec)
{
    if (mm->reclaim->release)
        mm->reclaim->release(lruvec);
    lock_release(lruvec->lock);
    for (unsigned list = 0; list < LRU_LISTS; list++)
        lru_list_release(&lruvec->lists[list]);
}

void memcg_release(struct mm *mm)
{
    size_t count = (size_t)mm->memcg_count * mm->node_count;
    if (mm->memcgs) {
        for (uint32_t i = 0; i < mm->memcg_count; i++)
            for (uint32_t node = 0; node < mm->node_count; node++)
                lruvec_release(mm, &mm->memcgs[i].lruvecs[node]);
        for (size_t i = 0; i < mm->memcg_count * (size_t)CHARGE_LINES; i++)
            cache_line_release(&mm->memcgs[0].lines[i]);
        free(mm->memcgs[0].lines);
        free(mm->memcgs[0].psi);
        memory_unmap(mm->memcgs[0].seldom, counters_bytes(mm));
        if (mm->node_count > 1)
            memory_unmap(mm->memcgs[0].lruvecs, count * sizeof(struct lruvec));
        free(mm->memcgs[0].iterator);
    }
    memory_unmap(mm->memcgs, mm->memcg_count * sizeof(*mm->memcgs));
    free(mm->stocks);
}

/* Two lines of charges. */
PREFETCHING void prefetch_charges(const struct memcg *at)
{
    __builtin_prefetch(at, 1);
    __builtin_prefetch(&at->zswapped_subtree, 1);
}

void memcg_prefetch(const struct mm *mm, uint32_t memcg)
{
    prefetch_charges(&mm->memcgs[memcg]);
    __builtin_prefetch(&mm->memcgs[memcg].often[OFTEN_pgscan_anon], 1);
    __builtin_prefetch(&mm->memcgs[memcg].often[OFTEN_zswpout], 1);
}

void memcg_prefetch_fault(const struct mm *mm, uint32_t memcg)
{
    prefetch_charges(&mm->memcgs[memcg]);
    __builtin_prefetch(&mm->memcgs[memcg].often[OFTEN_pgfault], 1);
}

uint32_t memcg_next(const struct mm *mm, uint32_t root, uint32_t current)
{
    if (current == NO_MEMCG)
        return root;
    if (mm->memcgs[current].first_child != NO_MEMCG)
        return mm->memcgs[current].first_child;
    while (current != root) {
        if (mm->memcgs[current].next_sibling != NO_MEMCG)
            return mm->memcgs[current].next_sibling;
        current = mm->memcgs[current].parent;
    }
    return NO_MEMCG;
}

bool memcg_is_descendant(const struct mm *mm, uint32_t memcg, uint32_t root)
{
    while (memcg != NO_MEMCG && memcg != root)
        memcg = mm->memcgs[memcg].parent;
    return memcg == root;
}

/* ---- page counters ----------------------------------------------------------- */

static void add_usage(struct memcg *counter, uint64_t pages)
{
    counter->usage += pages;
    if (counter->usage > counter->usage_peak)
        counter->usage_peak = counter->usage;
}

/* The lowest ancestor that has no room for so many pages; there is one. */
static uint32_t counter_over(const struct mm *mm, uint32_t memcg, uint64_t pages)
{
    while (mm->memcgs[memcg].memory_max == UINT64_MAX ||
           mm->memcgs[memcg].usage + pages <= mm->memcgs[memcg].memory_max)
        memcg = mm->memcgs[memcg].parent;
    return memcg;
}

/* Returns whether one of the chain is above its memory.high then. */
static bool counter_charge(struct mm *mm, uint32_t memcg, uint64_t pages)
{
    bool above = false;
    for (struct memcg *counter = &mm->memcgs[memcg]; counter; counter = counter->above) {
        add_usage(counter, pages);
        above |= counter->usage > counter->memory_high;
    }
    return above;
}

void memcg_uncharge(struct mm *mm, uint32_t memcg, uint64_t pages)
{
    struct memcg *at = &mm->memcgs[memcg];
    while (at->offline) /* since they were charged: its parent has them now */
        at = at->above;
    for (; at; at = at->above)
        at->usage -= pages;
}

void memcg_write_shared_counters(struct mm *mm, struct exec *exec, uint32_t memcg,
                                 enum charge_line line)
{
    for (struct memcg *at = &mm->memcgs[memcg]; at; at = at->above)
        spend_on_counter(mm, exec, &at->lines[line]);
}

/* page_counter_try_charge beyond a limit: added, seen to be too much, taken back. */
static inline void write_in_vain(struct mm *mm, struct exec *exec, uint32_t memcg)
{
    if (mm->topology.cpus == 1)
        return; /* as memcg_write_counters(): where the lines are is not even looked up */
    spend_on_counter(mm, exec, &mm->memcgs[memcg].lines[LINE_MEMORY]);
    spend_on_counter(mm, exec, &mm->memcgs[memcg].lines[LINE_MEMORY]);
}

uint64_t memcg_margin(const struct mm *mm, uint32_t memcg)
{
    uint64_t margin = UINT64_MAX;
    for (const struct memcg *counter = &mm->memcgs[memcg]; counter; counter = counter->above) {
        uint64_t left =
            counter->usage < counter->memory_max ? counter->memory_max - counter->usage : 0;
        if (left < margin)
            margin = left;
    }
    return margin;
}

/* ---- per-processor stock of charged pages -------------------------------------- */

/* The slot of a cgroup, or (NO_MEMCG) an empty one; STOCK_SLOTS: there is none.  Without a branch
 * for each: which slot it is, with thousands of cgroups, nobody can foretell. */
static unsigned stock_find(const struct charge_stock *stock, uint32_t memcg)
{
    unsigned found = STOCK_SLOTS;
    for (unsigned i = STOCK_SLOTS; i-- > 0;)
        found = stock->memcg[i] == memcg ? i : found;
    return found;
}

static void stock_take(struct charge_stock *stock, unsigned slot, uint32_t pages)
{
    stock->pages[slot] -= pages;
    stock->all_pages -= pages;
    if (stock->pages[slot])
        return;
    stock->memcg[slot] = NO_MEMCG;
    stock->taken--;
}

static void stock_give_back(struct mm *mm, struct charge_stock *stock, unsigned slot)
{
    memcg_uncharge(mm, stock->memcg[slot], stock->pages[slot]);
    stock_take(stock, slot, stock->pages[slot]);
}

/* An empty slot; one is emptied where there is none. */
static unsigned stock_take_slot(struct mm *mm, struct charge_stock *stock)
{
    const uint64_t slots = mm->config->vm.memcg_stock_slots;
    if (stock->taken < slots)
        return stock_find(stock, NO_MEMCG);
    unsigned slot = stock->next_victim, next = slot + 1 < slots ? slot + 1 : 0;
    stock->next_victim = next;
    stock_give_back(mm, stock, slot);
    /* Of the next one, with thousands of cgroups, nothing is in the host's caches any more. */
    __builtin_prefetch(&mm->memcgs[stock->memcg[next]], 1);
    return slot;
}

/* refill_stock of the cgroup that stock_find() has found this slot for: beyond a batch the whole
 * slot is given back, as the kernel does. */
static void stock_refill(struct mm *mm, struct charge_stock *stock, uint32_t memcg, unsigned slot,
                         uint32_t pages)
{
    if (slot == STOCK_SLOTS) {
        slot = stock_take_slot(mm, stock);
        stock->memcg[slot] = memcg;
        stock->taken++;
    }
    stock->pages[slot] += pages;
    stock->all_pages += pages;
    if (stock->pages[slot] > CHARGE_BATCH)
        stock_give_back(mm, stock, slot);
}

/* drain_all_stock: stocks of the subtree of root, on every processor. */
static void stock_drain_all(struct mm *mm, uint32_t root)
{
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++) {
        struct charge_stock *stock = &mm->stocks[cpu];
        for (unsigned i = 0; i < STOCK_SLOTS; i++)
            if (stock->pages[i] && memcg_is_descendant(mm, stock->memcg[i], root))
                stock_give_back(mm, stock, i);
    }
}

/* ---- charging ------------------------------------------------------------------ */

static bool above_high(const struct mm *mm, uint32_t memcg)
{
    for (uint32_t at = memcg; at != NO_MEMCG; at = mm->memcgs[at].parent)
        if (mm->memcgs[at].usage > mm->memcgs[at].memory_high)
            return true;
    return false;
}

/* MEMCG_MAX; also for a charge that is forced beyond the limit (6.0+). */
static void count_limit_met(struct mm *mm, uint32_t over)
{
    mm->counters[COUNTER_memory_max]++;
    ++*memcg_counter(&mm->memcgs[over], COUNTER_memory_max);
}

/* MEMCG_OOM; also when memory.max is written below what cannot be freed. */
static void count_out_of_memory(struct mm *mm, uint32_t over)
{
    mm->counters[COUNTER_memory_oom]++;
    ++*memcg_counter(&mm->memcgs[over], COUNTER_memory_oom);
}

/* One round at a limit: reclaim, then say whether to try again. */
static bool reclaim_for_charge(struct mm *mm, struct exec *exec, uint32_t over, uint32_t pages,
                               bool *drained, uint32_t *retries, struct reclaim_circle *circle)
{
    count_limit_met(mm, over);
    psi_memstall_enter(mm, exec);
    uint64_t reclaimed = reclaim_limit(mm, exec, over, pages);
    psi_memstall_leave(mm, exec);
    if (memcg_margin(mm, over) >= pages)
        return true;
    if (!*drained) {
        stock_drain_all(mm, over);
        *drained = true;
        return true;
    }
    if (reclaimed)
        return !reclaim_is_in_vain(mm, exec, circle, over, reclaimed);
    if (reclaim_wait_for_write(mm, exec))
        return true;
    if (mm->writes_under_way)
        return false; /* cannot sleep here: over the limit until the writes have ended */
    if ((*retries)-- > 0)
        return true;
    count_out_of_memory(mm, over);
    *retries = RECLAIM_RETRIES;
    return reclaim_out_of_memory(mm, exec, over);
}

/* Some ancestor is above its memory.high. */
static void note_above_high(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t charged)
{
    exec->high_debt_pages += charged;
    if (exec->high_debt_pages > CHARGE_BATCH && !exec->memalloc)
        memcg_handle_over_high(mm, exec, memcg);
}

/* The end of a charge of so many pages, of which `pages` are used now; `slot` is the cgroup's in
 * the stock. */
static inline void note_charged(struct mm *mm, struct exec *exec, uint32_t memcg, unsigned slot,
                                uint32_t charged, uint32_t pages, bool above)
{
    if (charged > pages) {
        stock_refill(mm, &mm->stocks[exec->cpu], memcg, slot, charged - pages);
        above = above && above_high(mm, memcg); /* something may have been given back */
    }
    if (above)
        note_above_high(mm, exec, memcg, charged);
}

/* Out of the stock, or so many at once, or else one by one.  False: there is no room. */
static bool try_charge(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t pages,
                       uint32_t batch)
{
    struct charge_stock *stock = &mm->stocks[exec->cpu];
    unsigned slot = stock->all_pages ? stock_find(stock, memcg) : STOCK_SLOTS;
    if (slot != STOCK_SLOTS && stock->pages[slot] >= pages) {
        stock_take(stock, slot, pages);
        return true;
    }
    uint64_t margin = memcg_margin(mm, memcg);
    if (margin < batch && batch > pages) {
        write_in_vain(mm, exec, memcg);
        batch = pages;
    }
    if (margin < batch) {
        write_in_vain(mm, exec, memcg);
        return false;
    }
    memcg_write_counters(mm, exec, memcg, LINE_MEMORY);
    note_charged(mm, exec, memcg, slot, batch, pages, counter_charge(mm, memcg, batch));
    return true;
}

static __attribute__((noinline)) void charge(struct mm *mm, struct exec *exec, uint32_t memcg,
                                             uint32_t pages)
{
    uint32_t batch = pages > CHARGE_BATCH ? pages : CHARGE_BATCH;
    uint32_t retries = RECLAIM_RETRIES;
    struct reclaim_circle circle = {0};
    bool drained = false, limit_counted = false;
    while (!try_charge(mm, exec, memcg, pages, batch)) {
        uint32_t over = counter_over(mm, memcg, pages);
        bool forced = exec->memalloc || exec->killed;
        batch = pages;
        if (forced && !limit_counted)
            count_limit_met(mm, over);
        limit_counted = true;
        if (forced || !reclaim_for_charge(mm, exec, over, pages, &drained, &retries, &circle)) {
            counter_charge(mm, memcg, pages);
            return;
        }
    }
}

/* Most charges are of a page, at a limit that leaves room for a few: these are made here, where
 * nothing is called (20 instructions less each). */
void memcg_charge(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t pages)
{
    bool plain = mm->topology.cpus == 1 && !mm->stocks[exec->cpu].all_pages;
    uint64_t margin = plain ? memcg_margin(mm, memcg) : 0;
    if (margin < pages || margin >= CHARGE_BATCH)
        charge(mm, exec, memcg, pages);
    else if (counter_charge(mm, memcg, pages))
        note_above_high(mm, exec, memcg, pages);
}

/* How many pages can be charged with no ancestor at its memory.max or above its memory.high. */
static uint64_t pages_below_limits(const struct mm *mm, uint32_t memcg)
{
    uint64_t pages = UINT64_MAX;
    for (const struct memcg *at = &mm->memcgs[memcg]; at; at = at->above) {
        uint64_t limit = at->memory_high < at->memory_max ? at->memory_high : at->memory_max;
        uint64_t left = at->usage < limit ? limit - at->usage : 0;
        pages = left < pages ? left : pages;
    }
    return pages;
}

uint32_t memcg_prepare_charges(struct mm *mm, uint32_t cpu, uint32_t memcg, bool *stocked)
{
    struct charge_stock *stock = &mm->stocks[cpu];
    unsigned slot = stock->all_pages ? stock_find(stock, memcg) : STOCK_SLOTS;
    *stocked = true;
    if (slot != STOCK_SLOTS)
        return stock->pages[slot];
    uint64_t pages = pages_below_limits(mm, memcg);
    if (pages >= CHARGE_BATCH) {
        counter_charge(mm, memcg, CHARGE_BATCH);
        stock_refill(mm, stock, memcg, slot, CHARGE_BATCH);
        return CHARGE_BATCH;
    }
    *stocked = false;
    return memcg_margin(mm, memcg) < CHARGE_BATCH ? (uint32_t)pages : 0;
}

void memcg_charge_at_once(struct mm *mm, uint32_t cpu, uint32_t memcg, uint32_t pages, bool stocked)
{
    struct charge_stock *stock = &mm->stocks[cpu];
    if (stocked && pages)
        stock_take(stock, stock_find(stock, memcg), pages);
    else if (!stocked)
        counter_charge(mm, memcg, pages);
}

void memcg_charge_object_pages(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t bytes)
{
    uint32_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    memcg_charge(mm, exec, memcg, pages);
    mm->memcgs[memcg].object_stock_bytes += pages * PAGE_BYTES - bytes;
}

void memcg_uncharge_object_pages(struct mm *mm, struct exec *exec, uint32_t memcg)
{
    struct memcg *owner = &mm->memcgs[memcg];
    struct charge_stock *stock = &mm->stocks[exec->cpu];
    stock_refill(mm, stock, memcg, stock_find(stock, memcg),
                 owner->object_stock_bytes / PAGE_BYTES);
    owner->object_stock_bytes %= PAGE_BYTES;
}

/* What small kernel objects of a cgroup take from the start, in pages. */
static uint64_t charge_kernel_objects(struct mm *mm, uint32_t memcg)
{
    const struct cgroup_config *config = &mm->config->cgroups[memcg];
    uint64_t bytes = config->kernel_objects, pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    if (mm->config->vm.cgroup_version == CGROUP_V1)
        return 0;
    if (config->object_stock && pages * PAGE_BYTES == bytes)
        pages++; /* the page that a freed one leaves */
    mm->memcgs[memcg].object_stock_bytes = (uint32_t)(pages * PAGE_BYTES - bytes);
    mm->kernel_object_bytes += bytes;
    return pages;
}

void memcg_charge_what_stays(struct mm *mm)
{
    struct exec exec = {.space = NO_SPACE, .memalloc = true};
    for (uint32_t i = 0; i < mm->memcg_count; i++) {
        uint64_t locked = mm->config->cgroups[i].locked_memory / PAGE_BYTES;
        uint64_t pages = locked + charge_kernel_objects(mm, i);
        mm->locked_pages += locked;
        if (pages)
            memcg_charge(mm, &exec, i, (uint32_t)pages);
    }
}

/* ---- memory.high ----------------------------------------------------------------- */

uint64_t memcg_high_penalty_ms(uint64_t usage, uint64_t high, uint32_t debt_pages)
{
    if (usage <= high)
        return 0;
    uint64_t overage = ((usage - high) << 20) / (high ? high : 1);
    /* Far above the cap already; keeps the square within 64 bits. */
    if (overage > 1u << 24)
        return HIGH_PENALTY_LIMIT_MS;
    uint64_t penalty = ((overage * overage * 1000) >> 20 >> 14) * debt_pages / CHARGE_BATCH;
    return penalty < HIGH_PENALTY_LIMIT_MS ? penalty : HIGH_PENALTY_LIMIT_MS;
}

/* The largest penalty over a cgroup and its ancestors. */
static uint64_t chain_penalty_ms(const struct mm *mm, uint32_t memcg, uint32_t debt_pages)
{
    uint64_t largest = 0;
    for (uint32_t at = memcg; at != NO_MEMCG; at = mm->memcgs[at].parent) {
        uint64_t penalty =
            memcg_high_penalty_ms(mm->memcgs[at].usage, mm->memcgs[at].memory_high, debt_pages);
        if (penalty > largest)
            largest = penalty;
    }
    return largest;
}

/* reclaim_high: every ancestor above its limit is asked. */
static uint64_t reclaim_above_high(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t pages)
{
    uint64_t reclaimed = 0;
    for (uint32_t at = memcg; at != NO_MEMCG; at = mm->memcgs[at].parent) {
        if (mm->memcgs[at].usage <= mm->memcgs[at].memory_high)
            continue;
        mm->counters[COUNTER_memory_high]++;
        ++*memcg_counter(&mm->memcgs[at], COUNTER_memory_high);
        reclaimed += reclaim_limit(mm, exec, at, pages);
    }
    return reclaimed;
}

void memcg_handle_over_high(struct mm *mm, struct exec *exec, uint32_t memcg)
{
    uint32_t debt = exec->high_debt_pages, ask = debt;
    exec->high_debt_pages = 0;
    struct reclaim_circle circle = {0};
    psi_memstall_enter(mm, exec);
    for (uint32_t retries = RECLAIM_RETRIES;; ask = RECLAIM_CLUSTER) {
        uint64_t reclaimed = reclaim_above_high(mm, exec, memcg, ask);
        uint64_t penalty_ms = chain_penalty_ms(mm, memcg, debt);
        if (penalty_ms <= HIGH_PENALTY_IGNORED_MS ||
            reclaim_is_in_vain(mm, exec, &circle, memcg, reclaimed))
            break;
        if (!reclaimed && retries-- == 0) {
            exec->sleep_ns += penalty_ms * 1000000;
            mm->time_ns[TIME_throttle] += penalty_ms * 1000000;
            break;
        }
    }
    psi_memstall_leave(mm, exec);
}

void memcg_set_swap_max(struct mm *mm, uint32_t memcg, uint64_t pages)
{
    mm->memcgs[memcg].swap_max = pages;
    mm->limits_swap |= pages != UINT64_MAX;
}

uint32_t memcg_find(const struct mm *mm, const char *path)
{
    for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++)
        if (strcmp(mm->memcgs[memcg].path, path) == 0)
            return memcg;
    return NO_MEMCG;
}

void memcg_set_high(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages)
{
    struct memcg *target = &mm->memcgs[memcg];
    target->memory_high = pages;
    struct reclaim_circle circle = {0};
    bool drained = false;
    for (uint32_t retries = RECLAIM_RETRIES; target->usage > target->memory_high;) {
        if (!drained) {
            stock_drain_all(mm, memcg);
            drained = true;
            continue;
        }
        uint64_t want = target->usage - target->memory_high;
        uint64_t reclaimed = reclaim_limit(mm, exec, memcg, want);
        if ((!reclaimed && retries-- == 0) ||
            reclaim_is_in_vain(mm, exec, &circle, memcg, reclaimed))
            break;
    }
}

/* mem_cgroup_resize_max (memory.limit_in_bytes): a cluster at a time, and the limit
 * moves only when the usage fits; else EBUSY, and the writer tries again.  By then
 * the statistics have been folded in, by which reclaim sees that the inactive list
 * is empty. */
static void resize_max(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages)
{
    struct memcg *target = &mm->memcgs[memcg];
    struct reclaim_circle circle = {0};
    uint64_t reclaimed;
    bool drained = false;
    for (uint32_t retries = RECLAIM_RETRIES; target->usage > pages;) {
        if (!drained) {
            stock_drain_all(mm, memcg);
            drained = true;
        } else if ((reclaimed = reclaim_limit(mm, exec, memcg, 1))) {
            if (reclaim_is_in_vain(mm, exec, &circle, memcg, reclaimed))
                return;
            retries = RECLAIM_RETRIES;
        } else if (!reclaim_wait_for_write(mm, exec)) {
            if (retries-- == 0)
                return;
            memcg_flush_stats(mm);
        }
    }
    target->memory_max = pages;
}

void memcg_set_max(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages)
{
    if (mm->config->vm.cgroup_version == CGROUP_V1) {
        resize_max(mm, exec, memcg, pages);
        return;
    }
    struct memcg *target = &mm->memcgs[memcg];
    target->memory_max = pages;
    struct reclaim_circle circle = {0};
    bool drained = false;
    for (uint32_t retries = RECLAIM_RETRIES; target->usage > target->memory_max;) {
        if (!drained) {
            stock_drain_all(mm, memcg);
            drained = true;
            continue;
        }
        uint64_t want = target->usage - target->memory_max;
        if (retries) {
            uint64_t reclaimed = reclaim_limit(mm, exec, memcg, want);
            if (!reclaimed)
                retries--;
            if (reclaim_is_in_vain(mm, exec, &circle, memcg, reclaimed))
                break;
            continue;
        }
        count_out_of_memory(mm, memcg);
        if (!reclaim_out_of_memory(mm, exec, memcg))
            break;
    }
}

/* ---- protection -------------------------------------------------------------------- */

static uint64_t protection_of(const struct memcg *memcg, bool low)
{
    uint64_t setting = low ? memcg->memory_low : memcg->memory_min;
    return memcg->usage < setting ? memcg->usage : setting;
}

static uint64_t effective_protection(const struct mm *mm, uint32_t memcg, bool low)
{
    const struct memcg *child = &mm->memcgs[memcg], *parent = &mm->memcgs[child->parent];
    uint64_t parent_effective = low ? parent->effective_low : parent->effective_min;
    if (!parent_effective)
        return 0; /* nothing to hand down, however many siblings there are */
    uint64_t protection = protection_of(child, low), siblings = 0;
    for (uint32_t at = parent->first_child; at != NO_MEMCG; at = mm->memcgs[at].next_sibling)
        siblings += protection_of(&mm->memcgs[at], low);
    if (siblings > parent_effective)
        return siblings ? (uint64_t)((unsigned __int128)protection * parent_effective / siblings)
                        : 0;
    uint64_t effective = protection;
    if (parent_effective > siblings && parent->usage > siblings && child->usage > protection)
        effective += (uint64_t)((unsigned __int128)(parent_effective - siblings) *
                                (child->usage - protection) / (parent->usage - siblings));
    return effective;
}

void memcg_calculate_protection(struct mm *mm, uint32_t root, uint32_t memcg)
{
    struct memcg *at = &mm->memcgs[memcg];
    if (memcg == root) {
        at->effective_min = at->effective_low = 0;
    } else if (at->parent == root) {
        at->effective_min = at->memory_min;
        at->effective_low = at->memory_low;
    } else {
        at->effective_min = effective_protection(mm, memcg, false);
        at->effective_low = effective_protection(mm, memcg, true);
    }
}

/* ---- offline --------------------------------------------------------------------------- */

void memcg_offline(struct mm *mm, uint32_t memcg)
{
    struct memcg *child = &mm->memcgs[memcg];
    if (memcg == ROOT_MEMCG || child->offline)
        return;
    struct memcg *parent = &mm->memcgs[child->parent];
    stock_drain_all(mm, memcg);
    child->offline = true;
    for (uint32_t chunk = 0; chunk <= mm->page_count >> mm->chunk_shift; chunk++)
        if (mm->chunks[chunk].memcg == memcg)
            mm->chunks[chunk].memcg = (uint16_t)child->parent;
    /* The charge of the subtree already counts in the parent; only who owns it changes.
     * memcg_charge() of a later page goes to the parent (page_memcg()). */
    for (uint32_t node = 0; node < mm->node_count; node++)
        lru_reparent(mm, memcg, child->parent, node);
    parent->resident_pages += child->resident_pages;
    parent->swap_cache_pages += child->swap_cache_pages;
    parent->disk_pages += child->disk_pages;
    parent->zero_pages += child->zero_pages;
    parent->object_stock_bytes += child->object_stock_bytes;
    child->resident_pages = child->swap_cache_pages = child->disk_pages = child->zero_pages = 0;
    child->object_stock_bytes = 0;
    /* mem_cgroup_css_offline(): what it no longer needs is its siblings'. */
    child->memory_min = child->memory_low = 0;
    child->usage = child->zswap_bytes_subtree = child->zswapped_subtree = 0;
    mm->swap_hooks.memcg_offline(mm->swap, memcg);
}

#include "sim/swap/eviction_run.h"

#include "policies/admission/admission.h"
#include "policies/reclaim/reclaim.h"
#include "policies/swap_backing/swap_backing.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim.h"
#include "sim/mm/workingset.h"
#include "sim/swap/swap.h"
#include "sim/zswap/entry.h"

/* ---- beginning ------------------------------------------------------------------ */

/* Does memory.zswap.max, of the cgroup or an ancestor, limit its entries? */
static bool entries_are_limited(const struct mm *mm, uint32_t memcg)
{
    if (mm->config->vm.cgroup_version == CGROUP_V1)
        return false;
    for (const struct memcg *at = &mm->memcgs[memcg]; at; at = at->above)
        if (at->zswap_max != UINT64_MAX)
            return true;
    return false;
}

/* Are rules and policies those of 6.12 and later?  And what follows from the config. */
static void look(struct swap *swap, struct eviction_run *run)
{
    const struct mm *mm = swap->mm;
    const struct zswap *zswap = swap->zswap;
    const struct zswap_config *config = &zswap->config->zswap;
    const struct zswap_pool *pool = &zswap->pools[zswap->order[0]];
    const uint64_t *ns = mm->costs->ns, *alone_ns = pool->zpools->alone_ns;
    run->looked = true;
    run->possible = swap_may_run(swap) && swap_only_counts_slots(swap) && !zswap->shrinker->added &&
                    !pool->evicts;
    run->asks_admission = !zswap->admission->admits_all;
    run->counts_references = !zswap->pool_ref->is_local;
    run->charges_objects = mm->config->vm.cgroup_version != CGROUP_V1;
    run->has_clock = mm->reclaim->evict == workingset_evict;
    run->entry_bits = PAGE_HAS_SLOT | PAGE_HAS_SHADOW | PAGE_IN_ZSWAP | PAGE_ENTRY_ON_LRU |
                      (config->second_chance ? PAGE_ENTRY_REFERENCED : 0);
    run->zswap_ns = ns[COST_allocator_alloc] + ns[COST_store_entry] +
                    (config->same_filled_entries ? ns[COST_zero_page_check] : 0);
    run->page_ns = (mm->config->vm.zero_map ? ns[COST_zero_page_check] : 0) +
                   alone_ns[ALLOCATOR_ALLOCATES] + alone_ns[ALLOCATOR_MAPS] +
                   2 * ns[COST_lock_uncontended] + ns[COST_tree_lock_hold] +
                   ns[COST_lru_lock_hold] + run->zswap_ns + ns[COST_evict_page];
}

/* Evictions of this cgroup and node follow; false: one at a time. */
static bool begin(struct swap *swap, struct exec *exec, struct scan_control *scan, uint32_t memcg,
                  uint32_t node)
{
    struct eviction_run *run = &swap->evictions;
    struct mm *mm = swap->mm;
    struct zswap *zswap = swap->zswap;
    eviction_run_end(swap);
    if (!run->looked)
        look(swap, run);
    if (!run->possible || !exec->memalloc || pending_writes_any(&swap->writes) ||
        mm->activations[exec->cpu].count || !zswap->enabled || entries_are_limited(mm, memcg))
        return false;
    reclaim_prepare_freed(mm, exec, scan, memcg, node);
    run->owner = &mm->memcgs[memcg];
    run->memcg = memcg;
    run->node = node;
    run->target = scan->target;
    run->gained_bits = run->entry_bits | (uint32_t)zswap->order[0] << ENTRY_POOL_SHIFT |
                       node << ENTRY_NODE_SHIFT | node << PAGE_NODE_SHIFT;
    run->pool = zswap_current_pool(zswap);
    run->zpool = run->pool->zpools;
    run->list = zswap_list(zswap, run->pool->group, memcg, node);
    run->most_pool_pages = zswap_max_pages(zswap);
    run->clock = mm->memcgs[scan->target].lruvecs[node].nonresident_age;
    return true;
}

/* ---- ending ---------------------------------------------------------------------- */

static __attribute__((noinline)) void add_up(struct swap *swap, struct eviction_run *run)
{
    struct mm *mm = swap->mm;
    struct memcg *owner = run->owner;
    uint64_t pages = run->pages, slots = run->slots_taken;
    const uint64_t *ns = mm->costs->ns;
    if (mm->config->vm.zero_map)
        mm->time_ns[TIME_swap_io_cpu] += pages * ns[COST_zero_page_check];
    mm->time_ns[TIME_zswap] += pages * run->zswap_ns;
    mm->time_ns[TIME_evict] += pages * ns[COST_evict_page];
    mm->time_ns[TIME_compress] += run->compress_ns;
    swap_count_slot_locks(mm, slots);
    count_own_locks(mm, TIME_tree_lock_wait, LOCK_zswap_tree, COST_tree_lock_hold, pages);
    count_own_locks(mm, TIME_lru_lock_wait, LOCK_zswap_lru, COST_lru_lock_hold, pages);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_ALLOCATES, pages);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_MAPS, pages);
    count_event(mm, run->memcg, run->node, COUNTER_zswpout, pages);
    count_event(mm, run->memcg, run->node, COUNTER_nr_vmscan_write, pages);
    swap->zswap->stored_pages += pages;
    run->pool->entries += pages;
    owner->swap_cache_pages += (uint32_t)(slots - pages);
    owner->resident_pages -= (uint32_t)pages;
    memcg_add_entries(owner, (int64_t)run->bytes, (int64_t)pages);
    if (run->has_clock)
        workingset_age(mm, run->target, run->node, pages);
    run->all += pages;
    run->pages = run->slots_taken = 0;
    run->bytes = run->compress_ns = 0;
}

void eviction_run_end(void *state)
{
    struct swap *swap = state;
    if (swap->evictions.pages)
        add_up(swap, &swap->evictions);
    swap->evictions.owner = NULL;
}

/* ---- one page ------------------------------------------------------------------------ */

static inline bool has_room(const struct swap *swap, const struct eviction_run *run)
{
    return !swap->backing->takes_slot_on_entry || swap_device_has_room(swap, run->memcg);
}

/* swap_take_slot() where there is room and slots have no numbers. */
static inline void take_slot(struct swap *swap, struct eviction_run *run, uint32_t page)
{
    run->slots_taken++;
    swap->slots_taken++;
    swap->newest_slot_page = page;
    if (swap->backing->takes_slot_on_entry)
        swap_charge_slot(swap, run->memcg);
}

/* An object in the pool; false: it is not to have one. */
static inline bool take_object(struct zswap *zswap, struct exec *exec, struct eviction_run *run,
                               uint32_t page, uint32_t length, uint32_t *handle)
{
    struct object_pool *zpool = run->zpool;
    uint64_t pages = zpool->pages;
    if (zswap->total_pages >= run->most_pool_pages ||
        (run->asks_admission && !zswap->admission->admit(zswap, run->memcg, length,
                                                         zswap->config->zswap.admission.params)) ||
        zpool->allocator->alloc(zpool->state, length, page, handle) != ALLOCATOR_OK)
        return false;
    object_pool_settle(zswap->mm, exec, zpool, run->node);
    zswap_note_pool_pages(zswap, run->pool, zpool, pages);
    if (run->counts_references)
        zswap->pool_ref->update(zswap, exec, run->pool);
    return true;
}

/* The length of contents that are compressed for the first time; 0: they are not ordinary, or
 * not compressed. */
static uint32_t first_length(const struct swap *swap, const struct eviction_run *run, uint32_t page)
{
    struct mm *mm = swap->mm;
    const struct address_space *space = page_space(mm, page);
    bool looks = mm->config->vm.zero_map || mm->config->zswap.same_filled_entries;
    if (looks && content_kind(space->content, page - space->first_page) != CONTENT_ORDINARY)
        return 0;
    return zswap_look_up_length(swap->zswap, run->pool, page);
}

/* Is there nothing about the page that would need a second look? */
static inline bool is_ordinary(uint32_t bits, uint8_t hot)
{
    enum {
        SPECIAL = PAGE_WRITEBACK | PAGE_READAHEAD | PAGE_ON_DISK | PAGE_ZERO_MARK | PAGE_IN_ZSWAP
    };
    bool dirty = (bits & PAGE_DIRTY) || (hot & HOT_DIRTY) || !(bits & PAGE_HAS_SLOT);
    return !(bits & SPECIAL) && (hot & HOT_MAPPED) && dirty;
}

/* What workingset_evict() does, but for the clock, which is set when the run ends. */
static inline void leave_shadow(struct mm *mm, const struct eviction_run *run, uint32_t page)
{
    struct page_cold *cold = &mm->cold[page];
    if (!run->has_clock) {
        mm->reclaim->evict(mm, run->target, page);
        return;
    }
    cold->shadow.age = (uint32_t)(run->clock + run->pages);
    cold->shadow.place = shadow_place(run->target, run->node, cold->bits & PAGE_WORKINGSET);
}

static inline bool take(struct swap *swap, struct exec *exec, struct scan_control *scan,
                        uint32_t page)
{
    struct mm *mm = swap->mm;
    struct eviction_run *run = &swap->evictions;
    struct page_cold *cold = &mm->cold[page];
    uint32_t bits = cold->bits, length = cold->length, handle;
    uint32_t memcg = page_memcg(mm, page), node = bits_field(bits, PAGE_NODE_SHIFT);
    if ((!run->owner || run->memcg != memcg || run->node != node || run->target != scan->target) &&
        !begin(swap, exec, scan, memcg, node))
        return false;
    if (!is_ordinary(bits, mm->hot[page]))
        return false;
    if (!length)
        length = first_length(swap, run, page);
    bool needs_slot = !(bits & PAGE_HAS_SLOT);
    if (length - 1 >= PAGE_BYTES - 1 || (needs_slot && !has_room(swap, run)) ||
        !take_object(swap->zswap, exec, run, page, length, &handle))
        return false;
    if (needs_slot)
        take_slot(swap, run, page);
    mm->hot[page] &= (uint8_t) ~(HOT_MAPPED | HOT_ACCESSED | HOT_YOUNG | HOT_DIRTY | HOT_IN_RAM);
    leave_shadow(mm, run, page);
    enum {
        LOST = PAGE_ACTIVE | PAGE_REFERENCED | PAGE_WORKINGSET | PAGE_DIRTY | PAGE_RECLAIM |
               15 << ENTRY_NODE_SHIFT | 15 << ENTRY_POOL_SHIFT
    };
    cold->bits = (bits & ~(uint32_t)LOST) | run->gained_bits;
    cold->handle = handle;
    cold->length = length;
    entry_list_add_tail(mm->cold, run->list, page);
    uint64_t compress_ns = costs_compress_ns(mm->costs, run->pool->compressor, length);
    spend_distance(mm, exec, node, PAGE_BYTES);
    exec->now_ns += run->page_ns + compress_ns;
    run->compress_ns += compress_ns;
    run->bytes += length;
    run->pages++;
    mm->resident_pages--;
    if (run->charges_objects)
        memcg_charge_from_object_stock(mm, exec, memcg, length);
    return true;
}

enum page_fate eviction_run_evict(void *state, struct exec *exec, struct scan_control *scan,
                                  uint32_t page)
{
    struct swap *swap = state;
    struct mm *mm = swap->mm;
    /* With a pool that is full each page is tried in vain: as little as can be. */
    if (mm->writes_under_way || swap->zswap->reached_full || !take(swap, exec, scan, page)) {
        eviction_run_end(swap);
        return reclaim_evict_by_steps(mm, exec, scan, page);
    }
    lru_prefetch(mm);
    scan->pageouts++;
    reclaim_note_freed(mm, exec, scan);
    return FATE_FREED;
}

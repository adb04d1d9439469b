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

/* A cgroup and a node, as NO_RUN never is.  (That a run has one target is sure: whoever reclaims
 * ends it by reclaim_flush_freed() before another begins.) */
static inline uint32_t run_key(uint32_t memcg, uint32_t bits)
{
    enum { NODE = 15u << PAGE_NODE_SHIFT };
    _Static_assert((unsigned)CGROUPS_AT_MOST <= 1u << PAGE_NODE_SHIFT, "cgroups lie below");
    return memcg | (bits & NODE);
}

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
    run->may_store = swap_may_run(swap) && swap_only_counts_slots(swap) &&
                     !zswap->shrinker->added && !pool->evicts &&
                     zswap->admission->basis != ADMISSION_BY_ANYTHING;
    run->asks_admission = zswap->admission->basis != ADMISSION_ALWAYS;
    run->counts_references = !zswap->pool_ref->is_local;
    run->charges_objects = mm->config->vm.cgroup_version != CGROUP_V1;
    run->has_clock = mm->reclaim->evict == workingset_evict;
    run->entry_bits = PAGE_HAS_SLOT | PAGE_HAS_SHADOW | PAGE_IN_ZSWAP | PAGE_ENTRY_ON_LRU |
                      (config->second_chance ? PAGE_ENTRY_REFERENCED : 0);
    run->zswap_ns = ns[COST_allocator_alloc] + ns[COST_store_entry] +
                    (config->same_filled_entries ? ns[COST_zero_page_check] : 0);
    run->drop_ns = ns[COST_evict_page];
    run->checks_ns = (mm->config->vm.zero_map ? ns[COST_zero_page_check] : 0) +
                     (config->same_filled_entries ? ns[COST_zero_page_check] : 0);
    run->store_ns = run->checks_ns + alone_ns[ALLOCATOR_ALLOCATES] + ns[COST_allocator_alloc] +
                    alone_ns[ALLOCATOR_MAPS] + 2 * ns[COST_lock_uncontended] +
                    ns[COST_tree_lock_hold] + ns[COST_lru_lock_hold] + ns[COST_store_entry] +
                    run->drop_ns;
}

/* Pages may be stored, one after the other; false: each store is made step by step.  With a pool
 * that is full all are tried in vain. */
static bool begin_stores(struct swap *swap, const struct exec *exec, struct eviction_run *run)
{
    struct mm *mm = swap->mm;
    struct zswap *zswap = swap->zswap;
    uint32_t memcg = run->memcg, node = run->node;
    if (!run->may_store || !exec->memalloc || !zswap->enabled || zswap->reached_full ||
        entries_are_limited(mm, memcg))
        return false;
    run->gained_bits = run->entry_bits | (uint32_t)zswap->order[0] << ENTRY_POOL_SHIFT |
                       node << ENTRY_NODE_SHIFT | node << PAGE_NODE_SHIFT;
    run->pool = zswap_current_pool(zswap);
    run->zpool = run->pool->zpools;
    run->list = zswap_list(zswap, run->pool->group, memcg, node);
    run->most_pool_pages = zswap_max_pages(zswap);
    return true;
}

/* Evictions of the page's cgroup and node follow; false: one at a time. */
static bool begin(struct swap *swap, struct exec *exec, struct scan_control *scan, uint32_t page)
{
    struct eviction_run *run = &swap->evictions;
    struct mm *mm = swap->mm;
    uint32_t memcg = page_memcg(mm, page), node = page_node(mm, page);
    eviction_run_end(swap);
    if (!run->looked)
        look(swap, run);
    if (mm->activations[exec->cpu].count || reclaim_has_freed_others(scan, memcg, node))
        return false;
    reclaim_prepare_freed(mm, exec, scan, memcg, node);
    run->key = run_key(memcg, mm->cold[page].bits);
    run->owner = &mm->memcgs[memcg];
    run->memcg = memcg;
    run->node = node;
    run->target = scan->target;
    run->clock = mm->memcgs[scan->target].lruvecs[node].nonresident_age;
    run->place = shadow_place(scan->target, node, false);
    run->stores = begin_stores(swap, exec, run);
    return true;
}

/* ---- ending ---------------------------------------------------------------------- */

/* Where nobody else wants them, those of all stores at once. */
static void count_locks(struct mm *mm, const struct eviction_run *run)
{
    uint64_t pages = run->stored;
    swap_count_slot_locks(mm, run->slots_taken);
    count_own_locks(mm, TIME_tree_lock_wait, LOCK_zswap_tree, COST_tree_lock_hold, pages);
    count_own_locks(mm, TIME_lru_lock_wait, LOCK_zswap_lru, COST_lru_lock_hold, pages);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_ALLOCATES, pages);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_MAPS, pages);
}

/* What stores have in common. */
static void add_up_stores(struct swap *swap, struct eviction_run *run)
{
    struct mm *mm = swap->mm;
    struct memcg *owner = run->owner;
    uint64_t pages = run->stored, slots = run->slots_taken;
    if (mm->config->vm.zero_map)
        mm->time_ns[TIME_swap_io_cpu] += pages * mm->costs->ns[COST_zero_page_check];
    mm->time_ns[TIME_zswap] += pages * run->zswap_ns;
    mm->time_ns[TIME_compress] += run->compress_ns;
    if (mm->one_at_a_time)
        count_locks(mm, run);
    count_event(mm, run->memcg, run->node, COUNTER_zswpout, pages);
    count_event(mm, run->memcg, run->node, COUNTER_nr_vmscan_write, pages);
    swap->zswap->stored_pages += pages;
    run->pool->entries += pages;
    owner->swap_cache_pages += (uint32_t)slots;
    memcg_add_entries(mm, owner, (int64_t)run->bytes, (int64_t)pages);
    run->stored = run->slots_taken = 0;
    run->bytes = run->compress_ns = 0;
}

static __attribute__((noinline)) void add_up(struct swap *swap, struct eviction_run *run)
{
    struct mm *mm = swap->mm;
    uint32_t pages = run->pages;
    if (run->stored)
        add_up_stores(swap, run);
    mm->time_ns[TIME_evict] += pages * mm->costs->ns[COST_evict_page];
    run->owner->swap_cache_pages -= pages;
    run->owner->resident_pages -= pages;
    if (run->has_clock)
        workingset_age(mm, run->target, run->node, pages);
    run->all += pages;
    run->pages = 0;
}

void eviction_run_end(void *state)
{
    struct swap *swap = state;
    if (swap->evictions.pages)
        add_up(swap, &swap->evictions);
    swap->evictions.key = NO_RUN;
}

/* ---- one page ------------------------------------------------------------------------ */

/* What a page out of RAM does not have, mapped before or not. */
enum { OUT_OF_RAM = HOT_MAPPED | HOT_ACCESSED | HOT_YOUNG | HOT_DIRTY | HOT_IN_RAM };

static inline bool has_room(const struct swap *swap, const struct eviction_run *run)
{
    return !swap->takes_slot_on_entry || swap_device_has_room(swap, run->memcg);
}

/* swap_take_slot() where there is room and slots have no numbers. */
static inline void take_slot(struct swap *swap, struct eviction_run *run, uint32_t page)
{
    run->slots_taken++;
    swap->slots_taken++;
    swap->newest_slot_page = page;
    if (swap->takes_slot_on_entry)
        swap_charge_slot(swap, run->memcg);
}

/* An object in the pool; false: it is not to have one. */
static inline bool take_object(struct zswap *zswap, struct eviction_run *run, uint32_t page,
                               uint32_t length, uint32_t *handle)
{
    struct object_pool *zpool = run->zpool;
    uint64_t pages = zpool->pages;
    if (zswap->total_pages >= run->most_pool_pages ||
        (run->asks_admission && !zswap->admission->admit(zswap, run->memcg, length,
                                                         zswap->config->zswap.admission.params)) ||
        zpool->allocator->alloc(zpool->state, length, page, handle) != ALLOCATOR_OK)
        return false;
    object_pool_settle(zswap->mm, zpool, run->node);
    zswap_note_pool_pages(zswap, run->pool, zpool, pages);
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

/* Of one that is not clean: is there nothing about it that would need a second look? */
static inline bool is_ordinary(uint32_t bits, uint8_t hot)
{
    enum {
        SPECIAL = PAGE_WRITEBACK | PAGE_READAHEAD | PAGE_ON_DISK | PAGE_ZERO_MARK | PAGE_IN_ZSWAP
    };
    return !(bits & SPECIAL) && (hot & HOT_MAPPED);
}

/* What workingset_evict() does, but for the clock, which is set when the run ends. */
static inline void leave_shadow(struct mm *mm, const struct eviction_run *run,
                                struct page_cold *cold, uint32_t page)
{
    if (!run->has_clock) {
        mm->reclaim->evict(mm, run->target, page);
        return;
    }
    cold->shadow.age = (uint32_t)(run->clock + run->pages);
    cold->shadow.place = run->place | shadow_place(0, 0, cold->bits & PAGE_WORKINGSET);
}

/* What a store takes where nobody else does anything: one sum. */
static inline void spend_alone(struct swap *swap, struct exec *exec, struct eviction_run *run,
                               uint32_t length, uint64_t compress_ns)
{
    struct mm *mm = swap->mm;
    if (run->counts_references)
        swap->zswap->pool_ref->update(swap->zswap, exec, run->pool);
    spend_distance(mm, exec, run->node, PAGE_BYTES);
    exec->now_ns += run->store_ns + compress_ns;
    if (run->charges_objects)
        memcg_charge_from_object_stock(mm, exec, run->memcg, length);
}

/* Where others may want the same locks: swap_take_slot(), unmapping, swap_write() and
 * zswap_store() ask for them one after the other, and so does this. */
static __attribute__((noinline)) void spend_among_others(struct swap *swap, struct exec *exec,
                                                         struct scan_control *scan, uint32_t page,
                                                         uint32_t handle, uint64_t compress_ns)
{
    struct eviction_run *run = &swap->evictions;
    struct mm *mm = swap->mm;
    struct zswap *zswap = swap->zswap;
    const uint64_t *ns = mm->costs->ns;
    const struct page_cold *cold = &mm->cold[page];
    if (!(cold->bits & PAGE_HAS_SLOT))
        swap_spend_on_slot(swap, exec, page, run->memcg);
    reclaim_note_unmapped(mm, exec, &scan->tlb, page);
    if (scan->tlb.writable)
        reclaim_flush_tlbs(mm, exec, &scan->tlb); /* try_to_unmap_flush_dirty */
    swap_settle_due_writes(swap, exec);
    spend_distance(mm, exec, run->node, PAGE_BYTES);
    exec->now_ns += run->checks_ns + compress_ns;
    object_pool_lock(mm, exec, run->zpool, handle, ALLOCATOR_ALLOCATES);
    exec->now_ns += ns[COST_allocator_alloc];
    if (run->counts_references)
        zswap->pool_ref->update(zswap, exec, run->pool);
    object_pool_lock(mm, exec, run->zpool, handle, ALLOCATOR_MAPS);
    zswap_lock_tree(zswap, exec, page);
    spend_on_counter(mm, exec, &zswap->stored_line);
    if (run->charges_objects)
        memcg_charge_from_object_stock(mm, exec, run->memcg, cold->length);
    zswap_lock_list(zswap, exec, run->pool->group, run->memcg, run->node);
    exec->now_ns += ns[COST_store_entry] + run->drop_ns;
}

/* It gets an entry in zswap, with a slot if it has none; false: nothing has been done. */
static inline bool store(struct swap *swap, struct mm *mm, struct exec *exec,
                         struct scan_control *scan, uint32_t page)
{
    struct eviction_run *run = &swap->evictions;
    struct page_cold *cold = &mm->cold[page];
    uint32_t bits = cold->bits, length = cold->length, handle;
    if (!run->stores || !is_ordinary(bits, mm->hot[page]))
        return false;
    if (!length)
        length = first_length(swap, run, page);
    bool needs_slot = !(bits & PAGE_HAS_SLOT);
    if (length - 1 >= PAGE_BYTES - 1 || (needs_slot && !has_room(swap, run)))
        return false;
    if (mm->one_at_a_time)
        swap_settle_due_writes(swap, exec); /* as swap_write() does */
    if (!take_object(swap->zswap, run, page, length, &handle))
        return false;
    uint64_t compress_ns = costs_compress_ns(mm->costs, run->pool->compressor, length);
    cold->length = length;
    if (mm->one_at_a_time)
        spend_alone(swap, exec, run, length, compress_ns);
    else
        spend_among_others(swap, exec, scan, page, handle, compress_ns);
    if (needs_slot)
        take_slot(swap, run, page);
    mm->hot[page] &= (uint8_t)~OUT_OF_RAM;
    leave_shadow(mm, run, cold, page);
    enum {
        LOST = PAGE_ACTIVE | PAGE_REFERENCED | PAGE_WORKINGSET | PAGE_DIRTY | PAGE_RECLAIM |
               15 << ENTRY_NODE_SHIFT | 15 << ENTRY_POOL_SHIFT
    };
    cold->bits = (bits & ~(uint32_t)LOST) | run->gained_bits;
    cold->handle = handle;
    entry_list_add_tail(mm->cold, run->list, page);
    run->compress_ns += compress_ns;
    run->bytes += length;
    run->stored++;
    scan->pageouts++;
    return true;
}

/* Swap has all that there is to a page: it leaves RAM, and that is all. */
static inline void drop(struct mm *mm, struct exec *exec, struct scan_control *scan,
                        struct eviction_run *run, uint32_t page)
{
    struct page_cold *cold = &mm->cold[page];
    uint32_t bits = cold->bits;
    if (!mm->one_at_a_time && (mm->hot[page] & HOT_MAPPED))
        reclaim_note_unmapped(mm, exec, &scan->tlb, page);
    enum { LOST = PAGE_ACTIVE | PAGE_REFERENCED | PAGE_WORKINGSET | PAGE_RECLAIM | PAGE_READAHEAD };
    mm->hot[page] &= (uint8_t)~OUT_OF_RAM;
    leave_shadow(mm, run, cold, page);
    cold->bits = (bits & ~(uint32_t)LOST) | PAGE_HAS_SHADOW;
    run->owner->disk_pages += (bits & PAGE_ON_DISK) != 0;
    run->owner->zero_pages += (bits & PAGE_ZERO_MARK) != 0;
    exec->now_ns += run->drop_ns;
}

static inline bool take(struct swap *swap, struct mm *mm, struct exec *exec,
                        struct scan_control *scan, uint32_t page)
{
    struct eviction_run *run = &swap->evictions;
    if (lru_is_rotating(mm, page))
        return false; /* it cannot be freed */
    if (run->key != run_key(page_memcg(mm, page), mm->cold[page].bits) &&
        !begin(swap, exec, scan, page))
        return false;
    if (page_is_clean(mm->cold[page].bits, mm->hot[page]))
        drop(mm, exec, scan, run, page);
    else if (!store(swap, mm, exec, scan, page))
        return false;
    mm->resident_pages--;
    run->pages++;
    return true;
}

enum page_fate eviction_run_evict(void *state, struct exec *exec, struct scan_control *scan,
                                  uint32_t page)
{
    struct swap *swap = state;
    struct mm *mm = swap->mm;
    if (!take(swap, mm, exec, scan, page)) {
        eviction_run_end(swap);
        return reclaim_evict_by_steps(mm, exec, scan, page);
    }
    lru_prefetch(mm);
    reclaim_note_freed(mm, exec, scan);
    return FATE_FREED;
}

#include "sim/swap/fault_run.h"

#include "policies/reclaim/reclaim.h"
#include "policies/swap_backing/swap_backing.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/node.h"
#include "sim/swap/swap.h"
#include "sim/zswap/entry.h"

/* ---- beginning ------------------------------------------------------------------ */

/* Is all as it mostly is: nobody beside this processor, entries that go when they are loaded and
 * are on a list of their cgroup, limits as from 6.10?  And what follows from the config. */
static void look(struct swap *swap, struct fault_run *run)
{
    const struct mm *mm = swap->mm;
    const struct zswap *zswap = swap->zswap;
    const struct object_pool *zpool = zswap->pools[zswap->order[0]].zpools;
    const uint64_t *ns = mm->costs->ns;
    run->looked = true;
    run->possible = mm->one_at_a_time && swap_may_run(swap) && !has_files(mm) &&
                    !swap->has_synchronous && zswap->config->zswap.load_rule != LOAD_KEEPS &&
                    !zswap->shrinker->swapped_in;
    run->counts_slots = swap->takes_slot_on_entry && swap_only_counts_slots(swap);
    run->counts_references = !zswap->pool_ref->is_local;
    run->charges_objects = mm->config->vm.cgroup_version != CGROUP_V1;
    run->fault_ns = ns[COST_fault];
    /* the index's lock twice, the list's, the allocator's */
    run->load_ns = 3 * ns[COST_lock_uncontended] + 2 * ns[COST_tree_lock_hold] +
                   ns[COST_lru_lock_hold] + zpool->alone_ns[ALLOCATOR_MAPS] +
                   zpool->alone_ns[ALLOCATOR_FREES] + ns[COST_load_entry] + ns[COST_allocator_free];
}

/* How many more pages there are to take and to charge without further ado. */
static uint32_t faults_at_most(struct mm *mm, struct fault_run *run)
{
    const struct node *node = &mm->nodes[run->node];
    if (node->free_pages <= node->watermark_low)
        return 0;
    uint64_t pages = node->free_pages - node->watermark_low;
    uint32_t charges = memcg_prepare_charges(mm, run->cpu, run->memcg, &run->stocked);
    return charges < pages ? charges : (uint32_t)pages;
}

/* Charge what has not been charged so far, and take the pages. */
static void charge(struct mm *mm, struct fault_run *run)
{
    uint32_t pages = run->owner_faults - run->charged;
    memcg_charge_at_once(mm, run->cpu, run->memcg, pages, run->stocked);
    mm->nodes[run->node].free_pages -= pages;
    run->charged = run->owner_faults;
}

/* Those of this cgroup go on, if it can be charged for more of them. */
static bool extend(struct mm *mm, struct fault_run *run)
{
    charge(mm, run);
    run->owner_most = run->owner_faults + faults_at_most(mm, run);
    return run->owner_most > run->owner_faults;
}

static void end_owner(struct mm *mm, struct fault_run *run);

/* Faults of this cgroup follow; false: one at a time. */
static bool begin(struct swap *swap, const struct exec *exec, uint32_t memcg)
{
    struct fault_run *run = &swap->faults;
    struct mm *mm = swap->mm;
    struct zswap *zswap = swap->zswap;
    if (run->owner_most && run->memcg == memcg)
        return extend(mm, run);
    if (!run->looked)
        look(swap, run);
    if (!run->possible || mm->page_cluster || exec->high_debt_pages)
        return false;
    end_owner(mm, run);
    run->pool_number = zswap->order[0];
    run->pool = zswap_current_pool(zswap);
    run->zpool = run->pool->zpools;
    run->cpu = exec->cpu;
    run->node = exec->node;
    run->owner = &mm->memcgs[memcg];
    run->memcg = memcg;
    run->owner_most = faults_at_most(mm, run);
    run->may_be_half_full = swap_device_is_half_full(swap, memcg);
    run->lists = zswap_list(zswap, run->pool->group, memcg, 0);
    return run->owner_most > 0;
}

/* ---- ending ---------------------------------------------------------------------- */

/* What is of the cgroup. */
static void end_owner(struct mm *mm, struct fault_run *run)
{
    struct memcg *owner = run->owner;
    uint32_t faults = run->owner_faults;
    if (!faults)
        return;
    charge(mm, run);
    owner->swap_cache_pages += faults - run->owner_slots;
    owner->resident_pages += faults;
    memcg_add_entries(mm, owner, -(int64_t)run->bytes, -(int64_t)faults);
    *memcg_counter(owner, COUNTER_zswpin) += faults;
    *memcg_counter(owner, COUNTER_pgmajfault) += faults;
    *memcg_counter(owner, COUNTER_fault_zswap) += faults;
    *memcg_counter(owner, COUNTER_pgfault) += faults;
    run->faults += faults;
    run->slots += run->owner_slots;
    run->owner_faults = run->owner_slots = run->charged = 0;
    run->bytes = 0;
}

static void count(struct mm *mm, uint32_t node, enum counter counter, uint64_t by)
{
    mm->counters[counter] += by;
    mm->nodes[node].counters[counter] += by;
}

void fault_run_end_now(struct swap *swap, struct fault_run *run)
{
    struct mm *mm = swap->mm;
    const uint64_t *ns = mm->costs->ns;
    end_owner(mm, run);
    uint64_t faults = run->faults;
    run->owner_most = run->faults = 0;
    run->all += faults;
    swap->zswap->stored_pages -= faults;
    run->pool->entries -= faults;
    mm->time_ns[TIME_fault] += faults * ns[COST_fault];
    mm->time_ns[TIME_decompress] += run->decompress_ns;
    mm->time_ns[TIME_zswap] += faults * (ns[COST_load_entry] + ns[COST_allocator_free]);
    count_own_locks(mm, TIME_tree_lock_wait, LOCK_zswap_tree, COST_tree_lock_hold, 2 * faults);
    count_own_locks(mm, TIME_lru_lock_wait, LOCK_zswap_lru, COST_lru_lock_hold, faults);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_MAPS, faults);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_FREES, faults);
    swap_count_slot_locks(mm, run->slots);
    count(mm, run->node, COUNTER_zswpin, faults);
    count(mm, run->node, COUNTER_pgmajfault, faults);
    count(mm, run->node, COUNTER_fault_zswap, faults);
    count(mm, run->node, COUNTER_pgfault, faults);
    run->slots = run->decompress_ns = 0;
}

/* ---- one fault ---------------------------------------------------------------------- */

/* Is the page in zswap, alone, and as most are? */
static inline bool is_ordinary(uint8_t hot, uint32_t bits, uint32_t length)
{
    enum {
        NEEDED = PAGE_HAS_SLOT | PAGE_HAS_SHADOW | PAGE_IN_ZSWAP | PAGE_ENTRY_ON_LRU,
        LOOKED_AT = NEEDED | PAGE_ON_DISK | PAGE_ZERO_MARK | PAGE_WRITEBACK
    };
    return (bits & LOOKED_AT) == NEEDED && (hot & (HOT_POPULATED | HOT_IN_RAM)) == HOT_POPULATED &&
           length - 1 < PAGE_BYTES - 1;
}

/* Is its fault of the run under way, or can one begin with it? */
static inline bool has_run(struct swap *swap, const struct exec *exec, uint32_t page, uint32_t pool)
{
    const struct fault_run *run = &swap->faults;
    uint32_t memcg = page_memcg(swap->mm, page);
    if (pool != swap->zswap->order[0])
        return false;
    return (run->owner_faults < run->owner_most && run->memcg == memcg) || begin(swap, exec, memcg);
}

/* swap_cache_add(): the page gets into RAM. */
static inline void add(struct mm *mm, struct exec *exec, uint32_t node, uint32_t page)
{
    struct page_cold *cold = &mm->cold[page];
    uint32_t age = cold->shadow.age, place = cold->shadow.place;
    mm->resident_pages++;
    note_peaks(mm);
    mm->hot[page] |= HOT_IN_RAM;
    cold->bits = bits_with_field(cold->bits & ~(uint32_t)PAGE_HAS_SHADOW, PAGE_NODE_SHIFT, node);
    mm->reclaim->refault(mm, exec, page, age, place);
    lru_add(mm, exec, page);
}

/* zswap_load(): its entry is read, and goes. */
static inline void load(struct swap *swap, struct exec *exec, struct fault_run *run, uint32_t page,
                        uint32_t length)
{
    struct mm *mm = swap->mm;
    struct zswap *zswap = swap->zswap;
    struct page_cold *cold = &mm->cold[page];
    struct object_pool *zpool = run->zpool;
    uint32_t node = bits_field(cold->bits, ENTRY_NODE_SHIFT);
    uint64_t decompress_ns = costs_decompress_ns(mm->costs, run->pool->compressor, length);
    uint64_t pool_pages = zpool->pages;
    spend_distance(mm, exec, node, length);
    exec->now_ns += run->load_ns + decompress_ns;
    run->decompress_ns += decompress_ns;
    run->bytes += length;
    entry_list_remove(mm->cold, &run->lists[node], page);
    zpool->allocator->free(zpool->state, cold->handle);
    object_pool_settle(mm, zpool, node);
    zswap_note_pool_pages(zswap, run->pool, zpool, pool_pages);
    if (run->counts_references)
        zswap->pool_ref->update(zswap, exec, run->pool);
    cold->handle = 0;
    enum { LOST = PAGE_IN_ZSWAP | PAGE_ENTRY_REFERENCED | PAGE_ENTRY_ON_LRU };
    cold->bits = (cold->bits & ~(uint32_t)LOST) | PAGE_DIRTY;
}

/* swap_free_slot() of a page that is in RAM and has no entry. */
static inline void free_slot(struct swap *swap, struct exec *exec, struct fault_run *run,
                             uint32_t page)
{
    struct mm *mm = swap->mm;
    if (!run->counts_slots) {
        swap_free_slot(swap, exec, page);
        return;
    }
    mm->cold[page].bits &= ~(uint32_t)PAGE_HAS_SLOT;
    run->owner_slots++;
    swap_uncharge_slot(swap, run->memcg);
}

/* map_from_swap_cache() */
static inline void map(struct swap *swap, struct exec *exec, struct fault_run *run, uint32_t page,
                       bool write)
{
    struct mm *mm = swap->mm;
    if (write & ((mm->cold[page].bits & PAGE_IN_BATCH) != 0)) /* no branch: half are written */
        lru_add_drain(mm, exec);
    bool sole_user = !(mm->cold[page].bits & PAGE_IN_BATCH);
    if ((write && sole_user) ||
        (run->may_be_half_full && swap_device_is_half_full(swap, run->memcg)))
        free_slot(swap, exec, run, page);
    mm->hot[page] &= (uint8_t)~HOT_WRITTEN_BACK;
    mm->hot[page] |= (uint8_t)(HOT_MAPPED | HOT_ACCESSED | (write ? HOT_DIRTY : 0));
}

/* memcg_uncharge_object(), but for what is summed up. */
static void uncharge(struct mm *mm, struct exec *exec, struct fault_run *run, uint32_t length)
{
    run->owner->object_stock_bytes += length;
    if (run->owner->object_stock_bytes <= PAGE_BYTES)
        return;
    charge(mm, run); /* first, as that changes what can be charged */
    memcg_uncharge_object_pages(mm, exec, run->memcg);
    run->owner_most = run->owner_faults; /* so see when the next one comes */
}

bool fault_run_take(struct swap *swap, struct exec *exec, uint32_t page, bool write,
                    uint64_t *ready_ns)
{
    struct mm *mm = swap->mm;
    struct fault_run *run = &swap->faults;
    const struct page_cold *cold = &mm->cold[page];
    uint32_t bits = cold->bits, length = cold->length;
    if (!is_ordinary(mm->hot[page], bits, length) ||
        !has_run(swap, exec, page, bits_field(bits, ENTRY_POOL_SHIFT)))
        return false;
    run->owner_faults++;
    exec->now_ns += run->fault_ns;
    add(mm, exec, run->node, page);
    bool stalls = cold->bits & PAGE_WORKINGSET;
    if (stalls)
        psi_memstall_enter(mm, exec);
    load(swap, exec, run, page, length);
    if (stalls)
        psi_memstall_leave(mm, exec);
    *ready_ns = exec->now_ns;
    if (run->charges_objects)
        uncharge(mm, exec, run, length);
    map(swap, exec, run, page, write);
    return true;
}

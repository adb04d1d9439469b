#include "sim/swap/fault_run.h"

#include "policies/reclaim/reclaim.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/node.h"
#include "sim/swap/swap.h"
#include "sim/zswap/entry.h"

/* ---- beginning ------------------------------------------------------------------ */

/* Is all as it mostly is: nobody beside this processor, no readahead, entries that go when they
 * are loaded and are on a list of their cgroup, limits as from 6.10? */
static bool is_possible(const struct swap *swap, const struct exec *exec,
                        const struct address_space *space)
{
    const struct mm *mm = swap->mm;
    const struct zswap *zswap = swap->zswap;
    return mm->one_at_a_time && mm->keeps_lengths && !space->file && !mm->page_cluster &&
           !swap->has_synchronous && !exec->high_debt_pages &&
           zswap->config->zswap.load_rule != LOAD_KEEPS &&
           zswap->config->zswap.limit_rule == LIMIT_EXACT && zswap->zpools == 1 &&
           zswap->lru->group_of_pool && !zswap->lru->one_list && !zswap->shrinker->swapped_in;
}

/* How many pages there are to take and to charge without further ado. */
static uint32_t faults_at_most(const struct mm *mm, const struct exec *exec, uint32_t memcg,
                               bool *stocked)
{
    const struct node *node = &mm->nodes[exec->node];
    if (node->free_pages <= node->watermark_low)
        return 0;
    uint64_t pages = node->free_pages - node->watermark_low;
    uint32_t charges = memcg_pages_at_once(mm, exec->cpu, memcg, stocked);
    return charges < pages ? charges : (uint32_t)pages;
}

static bool begin(struct swap *swap, const struct exec *exec, struct page_chunk chunk)
{
    struct fault_run *run = &swap->faults;
    struct mm *mm = swap->mm;
    struct zswap *zswap = swap->zswap;
    const uint64_t *ns = mm->costs->ns;
    fault_run_end(swap, run);
    if (!is_possible(swap, exec, &mm->spaces[chunk.space]))
        return false;
    run->most = faults_at_most(mm, exec, chunk.memcg, &run->stocked);
    run->chunk = chunk;
    run->cpu = exec->cpu;
    run->node = exec->node;
    run->owner = &mm->memcgs[chunk.memcg];
    run->pool_number = zswap->order[0];
    run->pool = zswap_current_pool(zswap);
    run->zpool = run->pool->zpools;
    run->lists = zswap_list(zswap, run->pool->group, chunk.memcg, 0);
    run->may_be_half_full = swap_half_full(swap, chunk.memcg);
    run->counts_references = !zswap->pool_ref->is_local;
    run->charges_objects = mm->config->vm.cgroup_version != CGROUP_V1;
    run->fault_ns = ns[COST_fault];
    /* the index's lock twice, the list's, the allocator's */
    run->load_ns = 3 * ns[COST_lock_uncontended] + 2 * ns[COST_tree_lock_hold] +
                   ns[COST_lru_lock_hold] + run->zpool->alone_ns[ALLOCATOR_MAPS] +
                   run->zpool->alone_ns[ALLOCATOR_FREES] + ns[COST_load_entry] +
                   ns[COST_allocator_free];
    return run->most > 0;
}

/* ---- ending ---------------------------------------------------------------------- */

void fault_run_end_now(struct swap *swap, struct fault_run *run)
{
    struct mm *mm = swap->mm;
    const uint64_t *ns = mm->costs->ns;
    uint32_t memcg = run->chunk.memcg, node = run->node, faults = run->faults;
    run->most = run->faults = 0;
    run->all += faults;
    if (!faults)
        return;
    memcg_charge_at_once(mm, run->cpu, memcg, faults, run->stocked);
    mm->nodes[node].free_pages -= faults;
    run->owner->swap_cache_pages += faults;
    run->owner->resident_pages += faults;
    for (struct memcg *at = run->owner; at; at = at->above) {
        at->zswap_bytes_subtree -= run->bytes;
        at->zswapped_subtree -= faults;
    }
    swap->zswap->stored_pages -= faults;
    run->pool->entries -= faults;
    mm->time_ns[TIME_fault] += faults * ns[COST_fault];
    mm->time_ns[TIME_decompress] += run->decompress_ns;
    mm->time_ns[TIME_zswap] += faults * (ns[COST_load_entry] + ns[COST_allocator_free]);
    count_own_locks(mm, TIME_tree_lock_wait, LOCK_zswap_tree, COST_tree_lock_hold, 2 * faults);
    count_own_locks(mm, TIME_lru_lock_wait, LOCK_zswap_lru, COST_lru_lock_hold, faults);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_MAPS, faults);
    object_pool_count_locks(mm, run->zpool, ALLOCATOR_FREES, faults);
    count_event(mm, memcg, node, COUNTER_zswpin, faults);
    count_event(mm, memcg, node, COUNTER_pgmajfault, faults);
    count_event(mm, memcg, node, COUNTER_fault_zswap, faults);
    count_event(mm, memcg, node, COUNTER_pgfault, faults);
    run->bytes = run->decompress_ns = 0;
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

/* Is it of the run under way, or can one begin with it? */
static inline bool has_run(struct swap *swap, const struct exec *exec, uint32_t page, uint32_t pool)
{
    const struct fault_run *run = &swap->faults;
    struct page_chunk chunk = swap->mm->chunks[page >> CHUNK_SHIFT];
    bool goes_on = run->faults < run->most && run->chunk.space == chunk.space &&
                   run->chunk.memcg == chunk.memcg;
    return (goes_on || begin(swap, exec, chunk)) && run->pool_number == pool;
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
    object_pool_settle(mm, exec, zpool, node);
    zswap_note_pool_pages(zswap, run->pool, zpool, pool_pages);
    if (run->counts_references)
        zswap->pool_ref->update(zswap, exec, run->pool);
    cold->handle = 0;
    enum { LOST = PAGE_IN_ZSWAP | PAGE_ENTRY_REFERENCED | PAGE_ENTRY_ON_LRU };
    cold->bits = (cold->bits & ~(uint32_t)LOST) | PAGE_DIRTY;
}

/* map_from_swap_cache() */
static inline void map(struct swap *swap, struct exec *exec, const struct fault_run *run,
                       uint32_t page, bool write)
{
    struct mm *mm = swap->mm;
    if (write & ((mm->cold[page].bits & PAGE_IN_BATCH) != 0)) /* no branch: half are written */
        lru_add_drain(mm, exec);
    bool sole_user = !(mm->cold[page].bits & PAGE_IN_BATCH);
    if ((write && sole_user) || (run->may_be_half_full && swap_half_full(swap, run->chunk.memcg)))
        swap_free_slot(swap, exec, page);
    mm->hot[page] &= (uint8_t)~HOT_WRITTEN_BACK;
    mm->hot[page] |= (uint8_t)(HOT_MAPPED | HOT_ACCESSED | (write ? HOT_DIRTY : 0));
}

/* memcg_uncharge_object(), but for what is summed up. */
static void uncharge(struct swap *swap, struct exec *exec, struct fault_run *run, uint32_t length)
{
    run->owner->object_stock_bytes += length;
    if (run->owner->object_stock_bytes <= PAGE_BYTES)
        return;
    fault_run_end(swap, run); /* what comes changes charges */
    memcg_uncharge_object_pages(swap->mm, exec, run->chunk.memcg);
}

bool fault_run_take(struct swap *swap, struct exec *exec, uint32_t page, bool write,
                    uint64_t *ready_ns)
{
    struct mm *mm = swap->mm;
    struct fault_run *run = &swap->faults;
    const struct page_cold *cold = &mm->cold[page];
    uint32_t bits = cold->bits, length = cold->length;
    if (!is_ordinary(mm->hot[page], bits, length) ||
        !has_run(swap, exec, page, bits_field(bits, ENTRY_POOL_SHIFT))) {
        fault_run_end(swap, run);
        return false;
    }
    run->faults++;
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
        uncharge(swap, exec, run, length);
    map(swap, exec, run, page, write);
    return true;
}

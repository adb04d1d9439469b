/* What zswap.c, shrink.c and writeback.c do with one entry: its object in a pool, its place
 * on a list.  A fault comes here half a dozen times, so all of it is inline. */
#ifndef ZSIM_ZSWAP_ENTRY_H
#define ZSIM_ZSWAP_ENTRY_H

#include "policies/pool_ref/pool_ref.h"
#include "policies/shrinker/shrinker.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/base/random.h"
#include "sim/zswap/zswap.h"

static inline uint32_t entry_node(const struct mm *mm, uint32_t page)
{
    return bits_field(mm->cold[page].bits, ENTRY_NODE_SHIFT);
}

static inline uint32_t entry_pool(const struct mm *mm, uint32_t page)
{
    return bits_field(mm->cold[page].bits, ENTRY_POOL_SHIFT);
}

static inline bool entry_has_object(const struct mm *mm, uint32_t page)
{
    return entry_pool(mm, page) != NO_POOL;
}

/* ---- objects ---------------------------------------------------------------------- */

/* Allocator instances of a pool are chosen by a hash of the entry (6.6-6.10). */
static inline struct object_pool *entry_zpool(const struct zswap *zswap,
                                              const struct zswap_pool *pool, uint32_t page)
{
    uint32_t zpools = zswap->zpools;
    return zpools == 1 ? pool->zpools
                       : &pool->zpools[random_splitmix(page_address(zswap->mm, page)) % zpools];
}

/* Allocate an object; not ALLOCATOR_OK: the allocator refuses the size (counted by
 * the caller). */
static inline enum allocator_result entry_alloc(struct zswap *zswap, struct exec *exec,
                                                struct zswap_pool *pool, uint32_t page,
                                                uint32_t length, uint32_t *handle)
{
    struct object_pool *zpool = entry_zpool(zswap, pool, page);
    uint64_t pages = zpool->pages;
    /* The header says whose object it is, for allocators that evict. */
    uint32_t header = pool->evicts ? (uint32_t)zswap->config->zswap.object_header_bytes : 0;
    enum allocator_result result = object_pool_alloc(zswap->mm, exec, zpool, length + header, page,
                                                     page_node(zswap->mm, page), handle);
    if (result != ALLOCATOR_OK)
        return result;
    zswap_note_pool_pages(zswap, pool, zpool, pages);
    zswap->pool_ref->update(zswap, exec, pool);
    pool->entries++;
    return ALLOCATOR_OK;
}

static inline void entry_free_object(struct zswap *zswap, struct exec *exec,
                                     struct zswap_pool *pool, uint32_t page)
{
    const struct page_cold *cold = &zswap->mm->cold[page];
    struct object_pool *zpool = entry_zpool(zswap, pool, page);
    uint64_t pages = zpool->pages;
    object_pool_free(zswap->mm, exec, zpool, cold->handle,
                     bits_field(cold->bits, ENTRY_NODE_SHIFT));
    zswap_note_pool_pages(zswap, pool, zpool, pages);
    zswap->pool_ref->update(zswap, exec, pool);
    pool->entries--;
}

/* zs_map_object and its like: the locks of getting at the page's object. */
static inline void entry_map(struct zswap *zswap, struct exec *exec, const struct zswap_pool *pool,
                             uint32_t page, uint32_t handle)
{
    object_pool_map(zswap->mm, exec, entry_zpool(zswap, pool, page), handle);
}

/* zswap_decompress: read an entry's object, which may lie on another node; one that is stored as it
 * is (length PAGE_BYTES) is copied. */
static inline void entry_decompress(struct zswap *zswap, struct exec *exec,
                                    const struct zswap_pool *pool, uint32_t page, uint32_t length)
{
    struct mm *mm = zswap->mm;
    entry_map(zswap, exec, pool, page, mm->cold[page].handle);
    spend_distance(mm, exec, entry_node(mm, page), length);
    if (length == PAGE_BYTES)
        spend_cost(mm, exec, TIME_copy, COST_page_copy);
    else
        spend(mm, exec, TIME_decompress, costs_decompress_ns(mm->costs, pool->compressor, length));
}

/* Ask the host's caches for what loading a page's entry will read; the page's record must be
 * there. */
PREFETCHING void entry_prefetch(const struct zswap *zswap, uint32_t page)
{
    const struct page_cold *cold = &zswap->mm->cold[page];
    uint32_t bits = cold->bits, pool = bits_field(bits, ENTRY_POOL_SHIFT);
    if (!(bits & PAGE_IN_ZSWAP) || pool == NO_POOL)
        return;
    if (bits & PAGE_ENTRY_ON_LRU) {
        /* only their links: not both lines where a record straddles two */
        if (cold->entry_previous != NO_PAGE)
            __builtin_prefetch(&zswap->mm->cold[cold->entry_previous].entry_next, 1);
        if (cold->entry_next != NO_PAGE)
            __builtin_prefetch(&zswap->mm->cold[cold->entry_next].entry_previous, 1);
    }
    if (zswap->allocator->prefetch)
        zswap->allocator->prefetch(entry_zpool(zswap, &zswap->pools[pool], page)->state,
                                   cold->handle);
}

/* A page is swapped in without readahead, wherever it lies. */
static inline void zswap_note_swapin(struct zswap *zswap, uint32_t page)
{
    struct mm *mm = zswap->mm;
    if (zswap->shrinker->swapped_in)
        zswap->shrinker->swapped_in(
            zswap_shrinker_state(zswap, page_memcg(mm, page), page_node(mm, page)));
}

/* A page of this cgroup, now on that node, has to come from a device (zswap_folio_swapin). */
static inline void zswap_note_disk_read(struct zswap *zswap, uint32_t memcg, uint32_t node)
{
    if (zswap->shrinker->disk_read)
        zswap->shrinker->disk_read(zswap_shrinker_state(zswap, memcg, node));
}

/* Take the lock of the page's place in the index of entries and let it go. */
static inline void zswap_lock_tree(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    struct mm *mm = zswap->mm;
    uint64_t hold_ns = mm->costs->ns[COST_tree_lock_hold];
    if (mm->one_at_a_time) /* the lock is not even looked for */
        spend_in_own_lock(mm, exec, TIME_tree_lock_wait, LOCK_zswap_tree, hold_ns);
    else
        spend_in_lock(mm, exec, TIME_tree_lock_wait, LOCK_zswap_tree,
                      &zswap->tree_locks[zswap->tree_count > 1 ? page_address(mm, page) >> 14 : 0],
                      hold_ns);
}

/* ---- lists -------------------------------------------------------------------------- */

/* Take the lock of a list and let it go: a node's, which all cgroups share, or the
 * list's own; each group has its own locks.  Returns the list. */
static inline struct page_list *zswap_lock_list(struct zswap *zswap, struct exec *exec,
                                                uint32_t group, uint32_t memcg, uint32_t node)
{
    struct mm *mm = zswap->mm;
    struct entry_group *at = &zswap->groups[group];
    size_t list = (size_t)memcg * mm->node_count + node, number = node;
    if (!at->lists)
        zswap_make_lists(mm, at);
    if (zswap->lru->one_list)
        number = 0;
    else if (zswap->config->zswap.list_locks == LIST_LOCK_PER_CGROUP)
        number = list;
    uint64_t hold_ns = mm->costs->ns[COST_lru_lock_hold];
    if (mm->one_at_a_time) /* the lock is not even looked for */
        spend_in_own_lock(mm, exec, TIME_lru_lock_wait, LOCK_zswap_lru, hold_ns);
    else
        spend_in_lock(mm, exec, TIME_lru_lock_wait, LOCK_zswap_lru,
                      lock_of(at->locks, number, &mm->events->settled_ns), hold_ns);
    return &at->lists[list];
}

/* The list that an entry is on or goes to, its lock taken and let go. */
static inline struct page_list *entry_lock_list(struct zswap *zswap, struct exec *exec,
                                                const struct zswap_pool *pool, uint32_t memcg,
                                                uint32_t page)
{
    if (zswap->lru->one_list)
        return zswap_lock_list(zswap, exec, pool->group, ROOT_MEMCG, 0);
    return zswap_lock_list(zswap, exec, pool->group, memcg, entry_node(zswap->mm, page));
}

static inline void entry_add_to_list(struct zswap *zswap, struct exec *exec,
                                     const struct zswap_pool *pool, uint32_t memcg, uint32_t page)
{
    struct mm *mm = zswap->mm;
    if (!zswap->lru->group_of_pool)
        return;
    struct page_list *list = entry_lock_list(zswap, exec, pool, memcg, page);
    entry_list_add_tail(mm->cold, list, page);
    mm->cold[page].bits |= PAGE_ENTRY_ON_LRU;
    if (zswap->shrinker->added)
        zswap->shrinker->added(zswap_shrinker_state(zswap, memcg, entry_node(mm, page)),
                               list->count);
}

static inline void entry_remove_from_list(struct zswap *zswap, struct exec *exec,
                                          const struct zswap_pool *pool, uint32_t memcg,
                                          uint32_t page)
{
    struct mm *mm = zswap->mm;
    entry_list_remove(mm->cold, entry_lock_list(zswap, exec, pool, memcg, page), page);
    mm->cold[page].bits &= ~(uint32_t)PAGE_ENTRY_ON_LRU;
}

#endif

/* zswap: compressed pages in RAM, and who takes them out again.
 *
 * zswap.c      store, load, invalidate: one page at a time
 * pool.c       pools: a compressor and its allocator, their life
 * shrink.c     shrink_memcg, the list walk, the shrink worker, the slab shrinker
 * writeback.c  one entry to the device
 *
 * An entry has no struct of its own: a page has at most one, and its state is in
 * the page's record (sim/mm/page.h).  Its length is content_length() under its
 * pool's compressor. */
#ifndef ZSIM_ZSWAP_H
#define ZSIM_ZSWAP_H

#include "policies/allocator/allocator.h"
#include "sim/base/histogram.h"
#include "sim/mm/mm.h"
#include "sim/mm/object_pool.h"
#include "sim/swap/swap.h"

struct zswap_lru_hooks;
struct writeback_hooks;
struct store_reclaim_hooks;
struct pool_ref_hooks;
struct shrinker_hooks;
struct admission_hooks;

enum { NO_POOL = 15, LRU_GROUPS_AT_MOST = POOLS_AT_MOST };

/* A pool: one compressor, its allocator instance(s), its entries. */
struct zswap_pool {
    bool alive;
    unsigned compressor;
    struct object_pool *zpools; /* [zswap.zpools]: its allocator instances */
    uint64_t total_pages;
    uint64_t entries;  /* with an object in this pool */
    uint32_t group;    /* groups[] that its entries are in */
    bool evicts;       /* its allocator keeps the LRU and can give up whole pages */
    bool being_shrunk; /* it does so now: the pool must stay */
    bool switching;    /* its reference does not say yet that the last one is gone */
    uint64_t created_ns;
    uint64_t killed_at_ns; /* when it ceased to be current; 0: it is current */
    struct cache_line reference_line;
};

/* Lists of entries, one for each cgroup and node, oldest at the head. */
struct entry_group {
    struct page_list *lists; /* [memcgs * nodes]; NULL until used */
    struct spinlock **locks; /* [memcgs * nodes], by node only where cgroups share them */
};

/* What shrinkers keep for each cgroup on each node. */
struct shrinker_state {
    uint64_t protected_entries; /* nr_zswap_protected (6.8-6.11) */
    uint64_t disk_swapins;      /* nr_disk_swapins (6.12+) */
    uint64_t deferred;          /* work left over by do_shrink_slab */
    uint64_t given_back;        /* by walks that began, from when they end */
    uint64_t walk_ends_ns;
};

struct shrink_worker {
    struct runner runner;
    struct zswap *zswap;
    bool pending; /* queued, or to run again */
    bool running;
    uint64_t may_preempt_at_ns; /* the task on its processor */
    double credit;              /* refused stores that no run has answered yet */
    uint32_t failures, attempts;
    uint64_t threshold_pages; /* sampled when the run begins */
    uint64_t written_before;  /* written_back_pages then */
    uint32_t cursor;          /* cgroup of the last step; NO_MEMCG: begin at the root */
    uint32_t pool;            /* the oldest one when the run began (up to 6.7 the run is for it) */
};

struct zswap {
    struct mm *mm;
    struct swap *swap;
    const struct config *config;

    /* run-time parameters; events change them */
    bool enabled, shrinker_enabled;
    uint64_t max_pool_percent, accept_threshold_percent;
    uint64_t total_ram_pages;

    /* policies */
    const struct allocator_hooks *allocator;
    const struct zswap_lru_hooks *lru;
    const struct writeback_hooks *writeback;
    const struct store_reclaim_hooks *store_reclaim;
    const struct pool_ref_hooks *pool_ref;
    const struct shrinker_hooks *shrinker;
    const struct admission_hooks *admission;

    struct zswap_pool pools[POOLS_AT_MOST];
    uint8_t order[POOLS_AT_MOST]; /* pool list: [0] is the current one, the last the oldest */
    uint32_t pool_count;
    uint32_t zpools;      /* of each pool */
    uint64_t total_pages; /* of all pools */
    bool reached_full;
    uint64_t cached_pages; /* the total that eras with LIMIT_CACHED look at */

    struct entry_group groups[LRU_GROUPS_AT_MOST];
    struct spinlock *tree_locks; /* one, or one for each 64 MiB of pages */
    uint32_t tree_count;
    struct shrinker_state *shrinker_states; /* [memcgs * nodes] */

    struct cache_line stored_line; /* zswap_stored_pages, an atomic */
    uint64_t stored_pages, same_filled_pages, incompressible_pages;
    uint64_t written_back_by_node[NODES_AT_MOST];
    struct histogram store_wait; /* ns that stores at memory.zswap.max spent to make room */
    struct shrink_worker worker;
    void *writeback_state; /* of a writeback policy that has a tick() */
};

void zswap_init(struct zswap *zswap, struct mm *mm, struct swap *swap);
void zswap_release(struct zswap *zswap);

/* ---- one page ------------------------------------------------------------------ */

/* Compress and keep a page that is being written out.  False: refused; a stale
 * entry of the page is gone then. */
bool zswap_store(struct zswap *zswap, struct exec *exec, uint32_t page);

/* Fill a page that has an entry and has just entered the swap cache. */
void zswap_load(struct zswap *zswap, struct exec *exec, uint32_t page);

/* The page's slot is freed or rewritten: drop its entry, if it has one. */
void zswap_invalidate_entry(struct zswap *zswap, struct exec *exec, uint32_t page);
static inline void zswap_invalidate(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    if (zswap->mm->cold[page].bits & PAGE_IN_ZSWAP)
        zswap_invalidate_entry(zswap, exec, page);
}

/* The bytes that an entry is charged for: 0 for a same-filled one, 4096 for one
 * stored as it is. */
uint32_t zswap_entry_length(const struct zswap *zswap, uint32_t page);

/* The length of a page under a pool's compressor; above PAGE_BYTES where it fails, too. */
uint32_t zswap_look_up_length(const struct zswap *zswap, const struct zswap_pool *pool,
                              uint32_t page);

/* Free an entry: list, object, charge, counts. */
void zswap_entry_free(struct zswap *zswap, struct exec *exec, uint32_t page);

/* mem_cgroup_zswap_writeback_enabled: the knob of the cgroup and all its ancestors.  Of no effect
 * while zswap is off, whatever it still holds. */
static inline bool zswap_writeback_allowed(const struct zswap *zswap, uint32_t memcg)
{
    if (!zswap->enabled)
        return true;
    for (const struct memcg *at = &zswap->mm->memcgs[memcg]; at; at = at->above)
        if (!at->zswap_writeback)
            return false;
    return true;
}

/* What the slab shrinker keeps for a cgroup on a node. */
static inline struct shrinker_state *zswap_shrinker_state(struct zswap *zswap, uint32_t memcg,
                                                          uint32_t node)
{
    return &zswap->shrinker_states[(size_t)memcg * zswap->mm->node_count + node];
}

/* Ask the host's caches for what loads and stores read of a cgroup: its list, and what the
 * shrinker knows of it. */
PREFETCHING void zswap_prefetch_memcg(const struct zswap *zswap, uint32_t memcg, uint32_t node)
{
    size_t list = (size_t)memcg * zswap->mm->node_count + node;
    const struct entry_group *group = &zswap->groups[zswap->pools[zswap->order[0]].group];
    __builtin_prefetch(&zswap->shrinker_states[list], 1);
    if (group->lists)
        __builtin_prefetch(&group->lists[list], 1);
}

/* ---- limits ----------------------------------------------------------------------- */

static inline uint64_t zswap_total_pages(const struct zswap *zswap)
{
    return zswap->total_pages;
}
/* What debugfs shows as pool_total_size, in pages: up to 6.9 the cached sum. */
uint64_t zswap_shown_pages(const struct zswap *zswap);
uint64_t zswap_max_pages(const struct zswap *zswap);
uint64_t zswap_accept_threshold_pages(const struct zswap *zswap);
/* floor(total * percent / 100) and the era's threshold; see kernel presets */
uint64_t zswap_limit_max(uint64_t total_ram_pages, uint64_t max_pool_percent);
uint64_t zswap_limit_threshold(unsigned limit_rule, uint64_t total_ram_pages,
                               uint64_t max_pool_percent, uint64_t accept_threshold_percent);
/* The check that a store makes; counts pool_limit_hit, moves the hysteresis flag.
 * *full: the pool is at its limit now, not only refusing by hysteresis. */
bool zswap_check_limits(struct zswap *zswap, bool *full);
/* zswap_can_accept of the eras with LIMIT_CACHED; at or below the threshold otherwise */
bool zswap_can_accept(const struct zswap *zswap);

/* ---- pools (pool.c) ------------------------------------------------------------------ */

/* Make the pool of a compressor current, creating it if need be. */
void zswap_set_compressor(struct zswap *zswap, uint64_t now_ns, unsigned compressor);
static inline struct zswap_pool *zswap_current_pool(struct zswap *zswap)
{
    return &zswap->pools[zswap->order[0]];
}
/* After something was done to an instance of a pool that had so many pages before. */
static inline void zswap_note_pool_pages(struct zswap *zswap, struct zswap_pool *pool,
                                         const struct object_pool *zpool, uint64_t before)
{
    if (zpool->pages == before)
        return;
    pool->total_pages += zpool->pages - before;
    zswap->total_pages += zpool->pages - before;
}
/* zpool_shrink: let the pool's allocator evict one of its pages, oldest first. */
enum allocator_shrink_result zswap_pool_shrink(struct zswap *zswap, struct exec *exec,
                                               uint32_t pool);
/* After entries left: destroy a pool that is neither current nor used. */
void zswap_pool_reap(struct zswap *zswap, uint32_t pool);

enum writeback_result {
    WRITEBACK_DONE,
    WRITEBACK_EXISTS, /* the page is in the swap cache already */
    WRITEBACK_GONE,   /* the entry went away, or there was no memory or no room on a device */
    WRITEBACK_EMPTY,  /* there was no entry to take */
};

/* ---- lists and shrinking (shrink.c) ------------------------------------------------------ */

/* A group's lists and locks, when one is first needed. */
void zswap_make_lists(const struct mm *mm, struct entry_group *group);
static inline struct page_list *zswap_list(struct zswap *zswap, uint32_t group, uint32_t memcg,
                                           uint32_t node)
{
    struct entry_group *at = &zswap->groups[group];
    if (!at->lists)
        zswap_make_lists(zswap->mm, at);
    return &at->lists[(size_t)memcg * zswap->mm->node_count + node];
}

/* Write back the oldest entry of a group with one list, second chances or not; when
 * that fails it becomes the youngest.  WRITEBACK_EMPTY: there is none. */
enum writeback_result zswap_write_back_oldest(struct zswap *zswap, struct exec *exec,
                                              uint32_t group);

/* Who walks a list. */
enum shrink_driver { DRIVER_WORKER, DRIVER_STORE, DRIVER_SHRINKER, DRIVER_PROACTIVE };

/* One walk of the list of (memcg, node), as list_lru_walk_one. */
struct entry_walk {
    enum shrink_driver driver;
    uint64_t budget;            /* entries that may still be looked at */
    uint64_t scanned, isolated; /* looked at; written back */
    uint64_t bytes;             /* compressed bytes written back */
    bool met_swap_cache;        /* an entry's page was in the swap cache already */
    bool stop_on_swap_cache;
};
void zswap_walk_list(struct zswap *zswap, struct exec *exec, uint32_t group, uint32_t memcg,
                     uint32_t node, struct entry_walk *walk);

/* How shrink_memcg spends its budget over the nodes. */
struct shrink_budget {
    uint64_t entries;        /* for each node, or for all together */
    bool shared;             /* one budget for all nodes, in node order */
    bool cap_at_list_length; /* no entry is looked at twice in a call */
    bool stop_on_swap_cache;
    uint64_t *written_bytes; /* optional: compressed bytes written back are added here */
};

enum shrink_result {
    SHRINK_WROTE,   /* kernel: 0 (or bytes > 0) */
    SHRINK_NOTHING, /* -EAGAIN: candidates seen, or (before 6.12) the cgroup was empty */
    SHRINK_EMPTY,   /* -ENOENT: nothing to scan, offline, or writeback is off (6.12+) */
};

/* shrink_memcg: one cgroup, every node.  Results as from 6.12; policies of older
 * eras translate. */
enum shrink_result zswap_shrink_memcg(struct zswap *zswap, struct exec *exec, uint32_t memcg,
                                      const struct shrink_budget *budget,
                                      enum shrink_driver driver);

/* Writeback by the clock: how often zswap_writeback_tick() is due, 0: never. */
uint64_t zswap_writeback_interval_ns(const struct zswap *zswap);
void zswap_writeback_tick(struct zswap *zswap, struct exec *exec);

/* queue_work: wake the shrink worker, or make it run once more. */
void zswap_kick_worker(struct zswap *zswap, struct exec *exec);
/* cond_resched in reclaim: let a woken worker have its part before the next page. */
void zswap_yield_to_worker(struct zswap *zswap, struct exec *exec);

/* mm's hook: the dynamic shrinker of one cgroup on one node. */
void zswap_shrink_slab(void *swap, struct exec *exec, uint32_t memcg, uint32_t node, int priority);
/* zswap.shrinker_enabled is set; the hook does something where it is on and has lists to shrink. */
void zswap_enable_shrinker(struct zswap *zswap, bool enabled);

/* A cgroup goes offline: its lists are put in front of its parent's. */
void zswap_memcg_offline(void *swap, uint32_t memcg);

/* ---- writeback.c ---------------------------------------------------------------------------- */

enum writeback_result zswap_writeback_entry(struct zswap *zswap, struct exec *exec, uint32_t page);

#endif

/* An allocator instance in the machine: its pages come from the nodes, its locks
 * take time.  zswap's pools and zram devices keep their objects in these. */
#ifndef ZSIM_MM_OBJECT_POOL_H
#define ZSIM_MM_OBJECT_POOL_H

#include "policies/allocator/allocator.h"
#include "sim/mm/mm.h"

struct object_pool {
    const struct allocator_hooks *allocator;
    void *state;
    uint64_t pages;                    /* whole pages taken from the nodes */
    bool may_fail;                     /* an allocation fails when the nodes have no page for it, */
    uint64_t most_pages;               /* or when the instance would have more than this then */
    unsigned takes[ALLOCATOR_STEPS];   /* allocator->locking() of each step */
    uint64_t hold_ns[ALLOCATOR_STEPS]; /* the lock is held for so long, if it is taken; */
    uint64_t held_ns[ALLOCATOR_STEPS]; /* by one who need not wait, the taking included, or 0; */
    uint64_t alone_ns[ALLOCATOR_STEPS]; /* all that a step takes while nobody else is about */
    struct spinlock *locks;             /* [allocator->locks()], or one */
    /* the word that readers of a pool-wide reader-writer lock count themselves in */
    struct cache_line read_side;
};

void object_pool_init(struct object_pool *pool, const struct mm *mm,
                      const struct allocator_hooks *allocator, const struct allocator_setup *setup);
/* Gives no pages back to the nodes: the machine goes with it, or it is empty. */
void object_pool_release(struct object_pool *pool);

/* What the functions below leave to object_pool.c: locks that others may have or want,
 * pages that came or went, whether there is memory for what has just been added. */
void object_pool_lock_in_turn(struct mm *mm, struct exec *exec, struct object_pool *pool,
                              uint32_t handle, enum allocator_step step);
void object_pool_change_pages(struct mm *mm, struct object_pool *pool, uint64_t pages,
                              uint32_t node);
bool object_pool_has_memory(const struct mm *mm, const struct object_pool *pool);

static inline struct spinlock *object_pool_lock_of(const struct object_pool *pool, uint32_t handle)
{
    const struct allocator_hooks *allocator = pool->allocator;
    return pool->locks + (allocator->lock_of ? allocator->lock_of(pool->state, handle) : 0);
}

/* Is all that a step takes this processor's already? */
static inline bool object_pool_is_own(const struct exec *exec, const struct object_pool *pool,
                                      uint32_t handle, unsigned takes)
{
    if ((takes & ALLOCATOR_TAKES_LOCK) &&
        !cache_line_is_own(&object_pool_lock_of(pool, handle)->line, exec->cpu))
        return false;
    return !(takes & ALLOCATOR_TAKES_READ_SIDE) || cache_line_is_own(&pool->read_side, exec->cpu);
}

/* The locks of a step.  Four times a fault; where nobody else takes them, all that it
 * takes is one sum: 12 to 30 instructions in place of 150. */
static inline void object_pool_lock(struct mm *mm, struct exec *exec, struct object_pool *pool,
                                    uint32_t handle, enum allocator_step step)
{
    unsigned takes = pool->takes[step];
    if (!mm->one_at_a_time && (!is_alone_until(mm, exec->now_ns + pool->alone_ns[step]) ||
                               !object_pool_is_own(exec, pool, handle, takes))) {
        object_pool_lock_in_turn(mm, exec, pool, handle, step);
        return;
    }
    mm->locks[LOCK_allocator].acquisitions += (takes & ALLOCATOR_TAKES_LOCK) != 0;
    mm->locks[LOCK_allocator].hold_ns += pool->held_ns[step];
    spend(mm, exec, TIME_pool_lock_wait, pool->alone_ns[step]);
}

/* So many of these steps at once, on one processor, for which the clock has been set. */
static inline void object_pool_count_locks(struct mm *mm, const struct object_pool *pool,
                                           enum allocator_step step, uint64_t times)
{
    bool takes_lock = pool->takes[step] & ALLOCATOR_TAKES_LOCK;
    lock_count(&mm->locks[LOCK_allocator], takes_lock ? times : 0, times * pool->held_ns[step]);
    mm->time_ns[TIME_pool_lock_wait] += times * pool->alone_ns[step];
}

/* Move the pages that the instance has taken or given back since the last look. */
static inline void object_pool_settle(struct mm *mm, struct object_pool *pool, uint32_t node)
{
    uint64_t pages = pool->allocator->total_pages(pool->state);
    if (pages != pool->pages)
        object_pool_change_pages(mm, pool, pages, node);
}

/* Allocate an object; pages that it needs come from `node` first.
 * ALLOCATOR_NO_MEMORY only where it may_fail. */
static inline enum allocator_result object_pool_alloc(struct mm *mm, struct exec *exec,
                                                      struct object_pool *pool, uint32_t size,
                                                      uint32_t owner, uint32_t node,
                                                      uint32_t *handle)
{
    enum allocator_result result = pool->allocator->alloc(pool->state, size, owner, handle);
    if (result != ALLOCATOR_OK)
        return result;
    if (pool->may_fail && !object_pool_has_memory(mm, pool)) {
        pool->allocator->free(pool->state, *handle);
        return ALLOCATOR_NO_MEMORY;
    }
    object_pool_lock(mm, exec, pool, *handle, ALLOCATOR_ALLOCATES);
    spend_cost(mm, exec, TIME_zswap, COST_allocator_alloc);
    object_pool_settle(mm, pool, node);
    return ALLOCATOR_OK;
}

/* Free an object; a whole page that comes free with it goes to `node` if that holds any. */
static inline void object_pool_free(struct mm *mm, struct exec *exec, struct object_pool *pool,
                                    uint32_t handle, uint32_t node)
{
    object_pool_lock(mm, exec, pool, handle, ALLOCATOR_FREES);
    pool->allocator->free(pool->state, handle);
    spend_cost(mm, exec, TIME_zswap, COST_allocator_free);
    object_pool_settle(mm, pool, node);
}

/* The locks of finding an object's place, to copy into it or out of it. */
static inline void object_pool_map(struct mm *mm, struct exec *exec, struct object_pool *pool,
                                   uint32_t handle)
{
    object_pool_lock(mm, exec, pool, handle, ALLOCATOR_MAPS);
}

#endif

#include "sim/mm/object_pool.h"

#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/mm/node.h"

void object_pool_init(struct object_pool *pool, const struct mm *mm,
                      const struct allocator_hooks *allocator, const struct allocator_setup *setup)
{
    *pool = (struct object_pool){.allocator = allocator, .state = allocator->create(setup)};
    for (unsigned step = 0; step < ALLOCATOR_STEPS; step++) {
        pool->takes[step] = step == ALLOCATOR_MAPS ? 0 : ALLOCATOR_TAKES_LOCK;
        if (allocator->locking)
            pool->takes[step] = allocator->locking(pool->state, (enum allocator_step)step);
    }
    uint32_t locks = allocator->locks ? allocator->locks(pool->state) : 1;
    pool->locks = memory_zeroed(locks, sizeof(*pool->locks), "allocator locks");
    for (uint32_t i = 0; i < locks; i++)
        cache_line_init(&pool->locks[i].line, &mm->events->settled_ns);
    cache_line_init(&pool->read_side, &mm->events->settled_ns);
}

void object_pool_release(struct object_pool *pool)
{
    if (!pool->allocator)
        return;
    uint32_t locks = pool->allocator->locks ? pool->allocator->locks(pool->state) : 1;
    for (uint32_t i = 0; i < locks; i++)
        cache_line_release(&pool->locks[i].line);
    cache_line_release(&pool->read_side);
    pool->allocator->destroy(pool->state);
    free(pool->locks);
}

/* read_lock() or read_unlock() of a reader-writer lock that nobody writes: the word
 * comes to this processor. */
static void update_read_side(struct mm *mm, struct exec *exec, struct object_pool *pool)
{
    events_settle(mm->events, exec->now_ns);
    uint64_t end =
        cache_line_update(&pool->read_side, &mm->topology, mm->costs, exec->cpu, exec->now_ns);
    spend(mm, exec, TIME_pool_lock_wait, end - exec->now_ns);
}

static void lock_for(struct mm *mm, struct exec *exec, struct object_pool *pool, uint32_t handle,
                     enum allocator_step step)
{
    const struct allocator_hooks *allocator = pool->allocator;
    unsigned takes = pool->takes[step];
    if (takes & ALLOCATOR_TAKES_READ_SIDE)
        update_read_side(mm, exec, pool);
    if (takes & ALLOCATOR_TAKES_LOCK) {
        enum cost hold = step == ALLOCATOR_MAPS ? COST_pool_map_hold : COST_pool_lock_hold;
        uint32_t lock = allocator->lock_of ? allocator->lock_of(pool->state, handle) : 0;
        spend_in_lock(mm, exec, TIME_pool_lock_wait, LOCK_allocator, &pool->locks[lock],
                      mm->costs->ns[hold]);
    }
    if (takes & ALLOCATOR_TAKES_READ_SIDE)
        update_read_side(mm, exec, pool);
}

void object_pool_settle(struct mm *mm, struct exec *exec, struct object_pool *pool, uint32_t node)
{
    uint64_t pages = pool->allocator->total_pages(pool->state);
    if (pages == pool->pages)
        return;
    node_change_pool_pages(mm, exec, node, (int64_t)(pages - pool->pages));
    pool->pages = pages;
}

/* Are there pages for what an allocation has just added? */
static bool has_memory(const struct mm *mm, const struct object_pool *pool)
{
    uint64_t pages = pool->allocator->total_pages(pool->state), available = 0;
    if (pages == pool->pages)
        return true;
    for (uint32_t node = 0; node < mm->node_count; node++)
        available += mm->nodes[node].free_pages;
    return pages - pool->pages <= available && pages <= pool->most_pages;
}

enum allocator_result object_pool_alloc(struct mm *mm, struct exec *exec, struct object_pool *pool,
                                        uint32_t size, uint32_t owner, uint32_t node,
                                        uint32_t *handle)
{
    enum allocator_result result = pool->allocator->alloc(pool->state, size, owner, handle);
    if (result != ALLOCATOR_OK)
        return result;
    if (pool->may_fail && !has_memory(mm, pool)) {
        pool->allocator->free(pool->state, *handle);
        return ALLOCATOR_NO_MEMORY;
    }
    lock_for(mm, exec, pool, *handle, ALLOCATOR_ALLOCATES);
    spend_cost(mm, exec, TIME_zswap, COST_allocator_alloc);
    object_pool_settle(mm, exec, pool, node);
    return ALLOCATOR_OK;
}

void object_pool_free(struct mm *mm, struct exec *exec, struct object_pool *pool, uint32_t handle,
                      uint32_t node)
{
    lock_for(mm, exec, pool, handle, ALLOCATOR_FREES);
    pool->allocator->free(pool->state, handle);
    spend_cost(mm, exec, TIME_zswap, COST_allocator_free);
    object_pool_settle(mm, exec, pool, node);
}

void object_pool_map(struct mm *mm, struct exec *exec, struct object_pool *pool, uint32_t handle)
{
    lock_for(mm, exec, pool, handle, ALLOCATOR_MAPS);
}

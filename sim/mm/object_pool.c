#include "sim/mm/object_pool.h"

#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/mm/node.h"

void object_pool_init(struct object_pool *pool, const struct mm *mm,
                      const struct allocator_hooks *allocator, const struct allocator_setup *setup)
{
    *pool = (struct object_pool){.allocator = allocator, .state = allocator->create(setup)};
    for (unsigned step = 0; step < ALLOCATOR_STEPS; step++) {
        unsigned takes = step == ALLOCATOR_MAPS ? 0 : ALLOCATOR_TAKES_LOCK;
        if (allocator->locking)
            takes = allocator->locking(pool->state, (enum allocator_step)step);
        pool->takes[step] = takes;
        pool->hold_ns[step] =
            mm->costs->ns[step == ALLOCATOR_MAPS ? COST_pool_map_hold : COST_pool_lock_hold];
        if (takes & ALLOCATOR_TAKES_LOCK)
            pool->held_ns[step] = mm->costs->ns[COST_lock_uncontended] + pool->hold_ns[step];
        pool->alone_ns[step] = pool->held_ns[step];
        if (takes == ALLOCATOR_TAKES_READ_SIDE) /* the same work, beside others */
            pool->alone_ns[step] += pool->hold_ns[step];
        if (takes & ALLOCATOR_TAKES_READ_SIDE)
            pool->alone_ns[step] += 2 * mm->costs->ns[COST_atomic_local];
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
    spend_on_line(mm, exec, TIME_pool_lock_wait, &pool->read_side);
}

void object_pool_lock_in_turn(struct mm *mm, struct exec *exec, struct object_pool *pool,
                              uint32_t handle, enum allocator_step step)
{
    unsigned takes = pool->takes[step];
    if (takes & ALLOCATOR_TAKES_READ_SIDE)
        update_read_side(mm, exec, pool);
    if (takes & ALLOCATOR_TAKES_LOCK)
        spend_in_lock(mm, exec, TIME_pool_lock_wait, LOCK_allocator,
                      object_pool_lock_of(pool, handle), pool->hold_ns[step]);
    else if (takes & ALLOCATOR_TAKES_READ_SIDE)
        spend(mm, exec, TIME_pool_lock_wait,
              pool->hold_ns[step]); /* the same work, beside others */
    if (takes & ALLOCATOR_TAKES_READ_SIDE)
        update_read_side(mm, exec, pool);
}

void object_pool_change_pages(struct mm *mm, struct object_pool *pool, uint64_t pages,
                              uint32_t node)
{
    node_change_pool_pages(mm, node, (int64_t)(pages - pool->pages));
    pool->pages = pages;
}

bool object_pool_has_memory(const struct mm *mm, const struct object_pool *pool)
{
    uint64_t pages = pool->allocator->total_pages(pool->state), available = 0;
    if (pages == pool->pages)
        return true;
    for (uint32_t node = 0; node < mm->node_count; node++)
        available += mm->nodes[node].free_pages;
    return pages - pool->pages <= available && pages <= pool->most_pages;
}

/* An allocator instance in the machine: its pages come from the nodes, its locks
 * take time.  zswap's pools and zram devices keep their objects in these. */
#ifndef ZSIM_MM_OBJECT_POOL_H
#define ZSIM_MM_OBJECT_POOL_H

#include "policies/allocator/allocator.h"
#include "sim/mm/mm.h"

struct object_pool {
    const struct allocator_hooks *allocator;
    void *state;
    uint64_t pages;                  /* whole pages taken from the nodes */
    bool may_fail;                   /* an allocation fails when the nodes have no page for it, */
    uint64_t most_pages;             /* or when the instance would have more than this then */
    unsigned takes[ALLOCATOR_STEPS]; /* allocator->locking() of each step */
    struct spinlock *locks;          /* [allocator->locks()], or one */
    /* the word that readers of a pool-wide reader-writer lock count themselves in */
    struct cache_line read_side;
};

void object_pool_init(struct object_pool *pool, const struct mm *mm,
                      const struct allocator_hooks *allocator, const struct allocator_setup *setup);
/* Gives no pages back to the nodes: the machine goes with it, or it is empty. */
void object_pool_release(struct object_pool *pool);

/* Allocate an object; pages that it needs come from `node` first.
 * ALLOCATOR_NO_MEMORY only where it may_fail. */
enum allocator_result object_pool_alloc(struct mm *mm, struct exec *exec, struct object_pool *pool,
                                        uint32_t size, uint32_t owner, uint32_t node,
                                        uint32_t *handle);
/* Free an object; a whole page that comes free with it goes to `node` if that holds any. */
void object_pool_free(struct mm *mm, struct exec *exec, struct object_pool *pool, uint32_t handle,
                      uint32_t node);
/* The locks of finding an object's place, to copy into it or out of it. */
void object_pool_map(struct mm *mm, struct exec *exec, struct object_pool *pool, uint32_t handle);
/* Move the pages that the instance has taken or given back since the last look. */
void object_pool_settle(struct mm *mm, struct exec *exec, struct object_pool *pool, uint32_t node);

#endif

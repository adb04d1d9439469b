/* The axis "allocator": where compressed pages lie, and so how many whole
 * pages the pool takes.
 *
 * One instance serves one zswap pool.  Sizes are bytes of compressed data as
 * zswap asks for them (1..4096).  Only counts and positions are modelled: no
 * bytes are kept.  An object is named by a 32-bit handle, never 0; objects that nothing
 * tells apart may share one, which is freed as often then. */
#ifndef ZSIM_POLICIES_ALLOCATOR_H
#define ZSIM_POLICIES_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

enum allocator_result {
    ALLOCATOR_OK = 0,
    ALLOCATOR_TOO_LARGE = 1, /* this allocator never stores that size (kernel: -ENOSPC) */
    ALLOCATOR_INVALID = 2,   /* the same, reported as a wrong request (kernel: -EINVAL) */
    ALLOCATOR_NO_MEMORY = 3, /* not from alloc(): the machine has no page for it (-ENOMEM) */
};

/* Ask zswap to write one object back.  `owner` is the cookie given at alloc.
 * True: the object is gone (zswap has called free for its handle); false: it stays. */
typedef bool (*allocator_evict_object)(void *context, uint32_t owner, uint32_t handle);

enum allocator_shrink_result {
    ALLOCATOR_SHRUNK = 0,    /* one whole allocator page (or zspage) was freed */
    ALLOCATOR_NOTHING_FREED, /* victims were tried, none came free (kernel: -EAGAIN) */
    ALLOCATOR_CANNOT_SHRINK, /* empty, or it cannot evict (kernel: -EINVAL) */
};

/* What is done to an object, as far as locks go. */
enum allocator_step {
    ALLOCATOR_ALLOCATES,
    ALLOCATOR_MAPS, /* its place is looked up, to copy into it or out of it */
    ALLOCATOR_FREES,
};
enum { ALLOCATOR_STEPS = ALLOCATOR_FREES + 1 };

/* What a step takes; both: the read side around the lock. */
enum {
    ALLOCATOR_TAKES_LOCK = 1,      /* the one that lock_of() names */
    ALLOCATOR_TAKES_READ_SIDE = 2, /* of one reader-writer lock of the whole instance */
};

/* What one instance is told when it is made. */
struct allocator_setup {
    const void *params; /* the policy's own parameter struct, filled */
    bool evicts;        /* it will be asked to shrink(): keep an LRU and owners */
};

struct allocator_hooks {
    /* required */
    void *(*create)(const struct allocator_setup *setup);
    void (*destroy)(void *state); /* accepts NULL */
    enum allocator_result (*alloc)(void *state, uint32_t size, uint32_t owner, uint32_t *handle);
    void (*free)(void *state, uint32_t handle);
    uint64_t (*total_pages)(const void *state); /* 4 KiB pages taken from the system */

    /* optional: NULL when the allocator cannot write back.  Walks at most its
     * own kernel's number of victims (8). */
    enum allocator_shrink_result (*shrink)(void *state, allocator_evict_object evict,
                                           void *context);
    /* optional: whether this instance can shrink(); NULL: if there is a shrink() and
     * the instance was told that it will be asked */
    bool (*evicts)(const void *state);
    bool registers_shrinker; /* an instance is made and taken apart under shrinker_rwsem */
    /* optional: which of the instance's locks covers this object, 0..locks-1
     * (zsmalloc: the size class); NULL: a single lock, number 0 */
    uint32_t (*lock_of)(const void *state, uint32_t handle);
    uint32_t (*locks)(const void *state);
    /* optional: the ALLOCATOR_TAKES_ bits of a step; NULL: its lock to allocate and
     * to free, nothing to map */
    unsigned (*locking)(const void *state, enum allocator_step step);
    /* optional: an object of this many bytes takes a page of its own, as a whole
     * page would; NULL: only one of 4096 */
    uint32_t (*huge_from)(const void *state);
    /* optional: ask the host's caches for what free() of an object will read first.
     * Changes nothing; NULL: nothing is asked for */
    void (*prefetch)(const void *state, uint32_t handle);
    /* optional: the same for alloc() of an object of this size, 1..4096 */
    void (*prefetch_alloc)(const void *state, uint32_t size);
    /* optional: what is wrong with the instance's own books, or NULL (used by
     * --check-invariants) */
    const char *(*check)(const void *state);
};

#endif

/* The kinds of locks that are simulated, and what is counted of each kind. */
#ifndef ZSIM_ENGINE_LOCKS_H
#define ZSIM_ENGINE_LOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/engine/costs.h"
#include "sim/engine/resource.h"

/* clang-format off */
/* X(name, meaning) - the keys of "locks" in a result. */
#define LOCK_LIST(X) \
    X(zswap_lru, "list lock of zswap entries (a pool's lru_lock, list_lru)") \
    X(zswap_tree, "lock of zswap's index of entries (rb-tree or xarray)") \
    X(allocator, "allocator lock of compressed objects (of a pool or a size class)") \
    X(lruvec, "lruvec->lru_lock: batches added, isolation and putting back by reclaim") \
    X(shrinkers, "shrinker_rwsem, up to 6.6: its read side by each visit of a cgroup in reclaim") \
    X(swap_slot, "lock under which swap slots are taken and given back (device or cluster)") \
    X(swap_cgroup, "swap_cgroup_ctrl.lock, up to 6.13: which cgroup a swap slot is charged to")

/* clang-format on */
enum lock_kind {
#define X(name, meaning) LOCK_##name,
    LOCK_LIST(X)
#undef X
        LOCK_KINDS
};
extern const struct cost_description lock_descriptions[LOCK_KINDS];

/* Sums over all locks of a kind. */
struct lock_counts {
    uint64_t acquisitions;
    /* Of these: it was held by another processor.  Shrinkers: besides these, as who reclaims only
     * tries, and does without. */
    uint64_t contended;
    uint64_t wait_ns; /* until it was free */
    uint64_t hold_ns; /* from then on until it was released, its cache line's way included */
};

/* So many acquisitions more, held for hold_ns in all; whether they waited is counted apart. */
static inline void lock_count(struct lock_counts *counts, uint64_t times, uint64_t hold_ns)
{
    counts->acquisitions += times;
    counts->hold_ns += hold_ns;
}

/* spinlock_take(), counted.  Returns when the lock is released. */
static inline uint64_t lock_hold(struct lock_counts *counts, struct spinlock *lock,
                                 const struct topology *topology, const struct costs *costs,
                                 uint32_t cpu, uint64_t now_ns, uint64_t hold_ns)
{
    uint64_t use_ns = costs->ns[COST_lock_uncontended] + hold_ns, wait_ns = 0;
    uint64_t end_ns = now_ns + use_ns;
    if (!cache_line_take_own(&lock->line, cpu, now_ns, use_ns))
        end_ns = spinlock_take(lock, topology, costs, cpu, now_ns, hold_ns, &wait_ns);
    lock_count(counts, 1, end_ns - now_ns - wait_ns);
    counts->contended += wait_ns > 0;
    counts->wait_ns += wait_ns;
    return end_ns;
}

/* Locks of which there may be many and few are ever taken: made at the first use,
 * with cache_line_init()'s `settled_ns`. */
struct spinlock *lock_make(struct spinlock **lock, const uint64_t *settled_ns);
static inline struct spinlock *lock_of(struct spinlock **locks, size_t number,
                                       const uint64_t *settled_ns)
{
    return locks[number] ? locks[number] : lock_make(&locks[number], settled_ns);
}
/* One made by lock_of(), or NULL. */
void lock_release(struct spinlock *lock);
void locks_release(struct spinlock **locks, size_t count);

#endif

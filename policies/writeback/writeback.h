/* The axis "writeback": what the shrink worker does in one step. */
#ifndef ZSIM_POLICIES_WRITEBACK_H
#define ZSIM_POLICIES_WRITEBACK_H

#include "sim/zswap/zswap.h"

struct zswap_lru_hooks; /* policies/zswap_lru/zswap_lru.h */

enum { WRITEBACK_FAILURES_AT_MOST = 16 }; /* MAX_RECLAIM_RETRIES */

struct writeback_hooks {
    /* required: one pass of the worker's loop; false: the run ends here.  The
     * worker itself ends it when the pool is small enough again.  What lasts from pass to pass
     * is in `worker`: a policy without a tick() has no state of its own. */
    bool (*step)(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec,
                 const void *params);
    /* optional: does it find entries where this LRU keeps them?  A config that pairs it with
     * another is refused, but for an LRU that keeps nothing ("none"): nothing can be written back
     * then, and neither step() nor tick() is called.  NULL: they are called with any. */
    bool (*takes_from)(const struct zswap_lru_hooks *lru);
    /* optional, together: writeback that no full pool asks for.  tick() is called
     * each interval_ns() of simulated time, with what create() returned. */
    uint64_t (*interval_ns)(const void *params);
    void *(*create)(const struct zswap *zswap, const void *params);
    void (*destroy)(void *state);
    void (*tick)(struct zswap *zswap, struct exec *exec, void *state, const void *params);
    /* step() and tick() are called with an LRU that keeps nothing too, for the time and the
     * counters that looking in vain costs */
    bool looks_in_vain;
};

/* The online cgroup after `cursor` (NO_MEMCG: the first) in pre-order; NO_MEMCG at the end.
 * Removed ones are passed over, which takes time. */
uint32_t writeback_next_memcg(const struct zswap *zswap, struct exec *exec, uint32_t root,
                              uint32_t cursor);

/* A step of the walk over cgroups that 6.12 and later share: zswap_shrink_memcg() with this
 * budget for the next online cgroup in pre-order, failures and attempts counted; as step(). */
bool writeback_step_over_cgroups(struct zswap *zswap, struct shrink_worker *worker,
                                 struct exec *exec, const struct shrink_budget *budget);

/* As takes_from(): of lists that shrink_memcg() walks. */
bool writeback_takes_from_lists(const struct zswap_lru_hooks *lru);

/* One more failure; false when it was the last one allowed. */
bool writeback_note_failure(struct zswap *zswap, struct shrink_worker *worker);

#endif

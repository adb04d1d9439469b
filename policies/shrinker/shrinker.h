/* The axis "shrinker": when memory pressure shrinks the pool, how many entries
 * of a cgroup on a node are offered to it.
 *
 * The arithmetic around it (do_shrink_slab) is in sim/zswap/shrink.c. */
#ifndef ZSIM_POLICIES_SHRINKER_H
#define ZSIM_POLICIES_SHRINKER_H

#include "sim/zswap/zswap.h"

struct shrinker_hooks {
    /* required: entries that may go, before compressibility is taken into account */
    uint64_t (*freeable)(struct zswap *zswap, struct shrinker_state *state, uint64_t lru_entries);
    /* optional: false: this scan of n entries must not begin (protection) */
    bool (*may_scan)(const struct shrinker_state *state, uint64_t lru_entries, uint64_t n);
    /* optional: an entry was added; lru_entries includes it */
    void (*added)(struct shrinker_state *state, uint64_t lru_entries);
    /* optional: a writeback failed and the entry went back */
    void (*put_back)(struct shrinker_state *state);
    /* optional: a page had to be read from a device */
    void (*disk_read)(struct shrinker_state *state);
    /* optional: any swap-in without readahead */
    void (*swapped_in)(struct shrinker_state *state);
};

#endif

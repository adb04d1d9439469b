/* The axis "zswap_lru": which list an entry is on, and which lists are walked.
 *
 * Lists come in groups: a group has one list for each cgroup and node.  All that
 * distinguishes a global LRU from an LRU per pool is which group a pool uses and
 * which group a walk begins in; insertion, rotation and removal are the same
 * code (sim/zswap/shrink.c). */
#ifndef ZSIM_POLICIES_ZSWAP_LRU_H
#define ZSIM_POLICIES_ZSWAP_LRU_H

#include "sim/zswap/zswap.h"

struct zswap_lru_hooks {
    /* required: the group that holds the entries of this pool */
    uint32_t (*group_of_pool)(const struct zswap *zswap, uint32_t pool);
    /* required: the group that the worker and the store path walk */
    uint32_t (*group_walked)(const struct zswap *zswap);
    /* required: the n-th group that the slab shrinker walks; false: no more */
    bool (*group_shrunk)(const struct zswap *zswap, uint32_t n, uint32_t *group);
};

#endif

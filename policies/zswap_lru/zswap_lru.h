/* The axis "zswap_lru": which list an entry is on, and which lists are walked.
 *
 * Lists come in groups: a group has one list for each cgroup and node.  All that
 * distinguishes a global LRU from an LRU per pool is which group a pool uses and
 * which group a walk begins in; insertion, rotation and removal are the same
 * code (sim/zswap/shrink.c).
 *
 * Up to 6.4 zswap keeps no list: the allocator orders its pages, or nobody does. */
#ifndef ZSIM_POLICIES_ZSWAP_LRU_H
#define ZSIM_POLICIES_ZSWAP_LRU_H

#include "sim/zswap/zswap.h"

struct zswap_lru_hooks {
    /* the group that holds the entries of this pool, as long as it lives; NULL: entries are
     * on no list */
    uint32_t (*group_of_pool)(const struct zswap *zswap, uint32_t pool);
    /* required with it: the group that the worker and the store path walk */
    uint32_t (*group_walked)(const struct zswap *zswap);
    /* required with it: the n-th group that the slab shrinker walks; false: no more */
    bool (*group_shrunk)(const struct zswap *zswap, uint32_t n, uint32_t *group);
    /* the lists of a group are one, whatever the cgroup and the node of an entry */
    bool one_list;
    /* the allocator keeps an LRU of its pages and gives up whole ones */
    bool in_allocator;
    /* optional: the pool is full (or refuses until it is smaller): make room for a
     * page that is being stored; true: it may be stored now */
    bool (*make_room)(struct zswap *zswap, struct exec *exec);
};

#endif

/* The axis "store_reclaim": what a store does that meets memory.zswap.max. */
#ifndef ZSIM_POLICIES_STORE_RECLAIM_H
#define ZSIM_POLICIES_STORE_RECLAIM_H

#include "sim/zswap/zswap.h"

struct store_reclaim_hooks {
    /* required: make room in the storing cgroup; true: the store goes on (the
     * limit is not looked at again), false: it is refused */
    bool (*make_room)(struct zswap *zswap, struct exec *exec, uint32_t memcg, const void *params);
};

#endif

/* The axis "pool_ref": what it costs to hold a pool. */
#ifndef ZSIM_POLICIES_POOL_REF_H
#define ZSIM_POLICIES_POOL_REF_H

#include "sim/zswap/zswap.h"

struct pool_ref_hooks {
    /* required: one get or put by exec's processor; spends TIME_reference */
    void (*update)(struct zswap *zswap, struct exec *exec, struct zswap_pool *pool);
};

#endif

/* The axis "pool_ref": what it costs to hold a pool. */
#ifndef ZSIM_POLICIES_POOL_REF_H
#define ZSIM_POLICIES_POOL_REF_H

#include "sim/zswap/zswap.h"

struct pool_ref_hooks {
    /* required: one get or put by exec's processor; spends TIME_reference */
    void (*update)(struct zswap *zswap, struct exec *exec, struct zswap_pool *pool);
    bool is_local; /* update() does nothing while the pool is the current one */
    /* optional: a pool has been retired; may set pool->switching and, once the last
     * reference can be told, clear it and call zswap_pool_reap() */
    void (*kill)(struct zswap *zswap, uint32_t pool, uint64_t now_ns);
};

#endif

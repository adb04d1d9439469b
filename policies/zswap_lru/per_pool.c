/* zswap_lru: per_pool - one LRU for each pool, cgroup and node (6.8).
 *
 * The worker belongs to the oldest pool but walks the current one's lists, so
 * the entries of an older pool leave only by being loaded or freed, or through
 * the older pool's own slab shrinker. */
#include "policies/zswap_lru/zswap_lru.h"

static uint32_t per_pool_group(const struct zswap *zswap, uint32_t pool)
{
    (void)zswap;
    return pool;
}

static uint32_t per_pool_walked(const struct zswap *zswap)
{
    return zswap->order[0];
}

static bool per_pool_shrunk(const struct zswap *zswap, uint32_t n, uint32_t *group)
{
    if (n >= zswap->pool_count)
        return false;
    *group = zswap->order[n];
    return true;
}

static const struct zswap_lru_hooks per_pool_hooks = {
    .group_of_pool = per_pool_group,
    .group_walked = per_pool_walked,
    .group_shrunk = per_pool_shrunk,
};

const struct policy per_pool_policy = {
    .name = "per_pool",
    .summary = "one LRU for each pool, cgroup and node; the worker walks the current pool's",
    .source = "Linux 6.8 mm/zswap.c: zswap_pool.list_lru, shrink_memcg, zswap_pool_current_get",
    .params = NO_PARAMS,
    .hooks = &per_pool_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* zswap_lru: pool_list - one list for each pool, whatever the cgroup and node (6.5
 * to 6.7).  A load that keeps the entry makes it the youngest.  Walks begin in the
 * oldest pool. */
#include "policies/zswap_lru/zswap_lru.h"

static uint32_t pool_list_group(const struct zswap *zswap, uint32_t pool)
{
    (void)zswap;
    return pool;
}

static uint32_t pool_list_walked(const struct zswap *zswap)
{
    return zswap->order[zswap->pool_count - 1];
}

static bool pool_list_shrunk(const struct zswap *zswap, uint32_t n, uint32_t *group)
{
    if (n >= zswap->pool_count)
        return false;
    *group = zswap->order[n];
    return true;
}

static const struct zswap_lru_hooks pool_list_hooks = {
    .group_of_pool = pool_list_group,
    .group_walked = pool_list_walked,
    .group_shrunk = pool_list_shrunk,
    .one_list = true,
};

const struct policy pool_list_policy = {
    .name = "pool_list",
    .summary = "one LRU for each pool; cgroups and nodes are not told apart",
    .source = "Linux 6.5 mm/zswap.c: struct zswap_pool.lru, zswap_reclaim_entry",
    .params = NO_PARAMS,
    .hooks = &pool_list_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* zswap_lru: global - one LRU for each cgroup and node, shared by all pools (6.9+). */
#include "policies/zswap_lru/zswap_lru.h"

static uint32_t global_group(const struct zswap *zswap, uint32_t pool)
{
    (void)zswap, (void)pool;
    return 0;
}

static uint32_t global_walked(const struct zswap *zswap)
{
    (void)zswap;
    return 0;
}

static bool global_shrunk(const struct zswap *zswap, uint32_t n, uint32_t *group)
{
    (void)zswap;
    *group = 0;
    return n == 0;
}

static const struct zswap_lru_hooks global_hooks = {
    .group_of_pool = global_group,
    .group_walked = global_walked,
    .group_shrunk = global_shrunk,
};

const struct policy global_policy = {
    .name = "global",
    .summary = "one LRU for each cgroup and node, shared by all pools",
    .source = "Linux 6.9 mm/zswap.c: zswap_list_lru (global lru and shrinker shared by all pools)",
    .params = NO_PARAMS,
    .hooks = &global_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* store_reclaim: one_per_node - look at the oldest entry of each node (6.8 to 7.2). */
#include "policies/store_reclaim/store_reclaim.h"

static bool one_per_node_make_room(struct zswap *zswap, struct exec *exec, uint32_t memcg,
                                   const void *params)
{
    (void)params;
    static const struct shrink_budget budget = {.entries = 1};
    return zswap_shrink_memcg(zswap, exec, memcg, &budget, DRIVER_STORE) == SHRINK_WROTE;
}

static const struct store_reclaim_hooks one_per_node_hooks = {.make_room = one_per_node_make_room};

const struct policy one_per_node_policy = {
    .name = "one_per_node",
    .summary = "a store over memory.zswap.max looks at one entry a node, and goes on if one was "
               "written",
    .source = "Linux 6.8-7.2 mm/zswap.c: zswap_store, shrink_memcg",
    .params = NO_PARAMS,
    .hooks = &one_per_node_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

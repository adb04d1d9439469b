/* store_reclaim: refuse - a store over memory.zswap.max is refused at once (up to 6.7). */
#include "policies/store_reclaim/store_reclaim.h"

static bool refuse_make_room(struct zswap *zswap, struct exec *exec, uint32_t memcg,
                             const void *params)
{
    (void)zswap, (void)exec, (void)memcg, (void)params;
    return false;
}

static const struct store_reclaim_hooks refuse_hooks = {.make_room = refuse_make_room};

const struct policy refuse_policy = {
    .name = "refuse",
    .summary = "a store over memory.zswap.max is refused; nothing is scanned",
    .source = "Linux 6.1-6.7 mm/zswap.c: obj_cgroup_may_zswap",
    .params = NO_PARAMS,
    .hooks = &refuse_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

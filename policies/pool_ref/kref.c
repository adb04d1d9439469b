/* pool_ref: kref - one counter in one cache line that every processor writes. */
#include "policies/pool_ref/pool_ref.h"

static void kref_update(struct zswap *zswap, struct exec *exec, struct zswap_pool *pool)
{
    spend_on_line(zswap->mm, exec, TIME_reference, &pool->reference_line);
}

static const struct pool_ref_hooks kref_hooks = {.update = kref_update};

const struct policy kref_policy = {
    .name = "kref",
    .summary = "one shared atomic counter: the cache line moves to whoever stores or frees",
    .source = "Linux 6.1-6.8 mm/zswap.c: struct zswap_pool.kref",
    .params = NO_PARAMS,
    .hooks = &kref_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* pool_ref: percpu_ref - a counter for each processor while the pool is current;
 * one shared atomic counter once it has been retired. */
#include "policies/pool_ref/pool_ref.h"

static void percpu_ref_update(struct zswap *zswap, struct exec *exec, struct zswap_pool *pool)
{
    /* Not even an atomic operation before: an addition in a line of this processor's own. */
    if (pool->killed_at_ns)
        spend_on_line(zswap->mm, exec, TIME_reference, &pool->reference_line);
}

static const struct pool_ref_hooks percpu_ref_hooks = {.update = percpu_ref_update};

const struct policy percpu_ref_policy = {
    .name = "percpu_ref",
    .summary = "a counter for each processor; shared and atomic only after the pool is retired",
    .source = "Linux 6.9 mm/zswap.c: struct zswap_pool.ref; lib/percpu-refcount.c",
    .params = NO_PARAMS,
    .hooks = &percpu_ref_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

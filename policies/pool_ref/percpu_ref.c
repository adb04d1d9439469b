/* pool_ref: percpu_ref - a counter for each processor while the pool is current;
 * one shared atomic counter once it has been retired. */
#include "policies/pool_ref/pool_ref.h"

static void percpu_ref_update(struct zswap *zswap, struct exec *exec, struct zswap_pool *pool)
{
    struct mm *mm = zswap->mm;
    if (!pool->killed_at_ns) {
        /* Not even an atomic operation: an addition in a line of this processor's own. */
        return;
    }
    uint64_t end =
        cache_line_update(&pool->reference_line, &mm->topology, mm->costs, exec->cpu, exec->now_ns);
    spend(mm, exec, TIME_reference, end - exec->now_ns);
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

/* writeback: allocator_page - a run of the worker lets the oldest pool's allocator
 * evict one of its pages, and ends (up to 6.4).
 *
 * There is no loop towards the accept threshold: the next refused store at the
 * limit wakes the worker again.  A run that frees no page counts one
 * reject_reclaim_fail, however many entries it failed on. */
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"

static bool allocator_page_step(struct zswap *zswap, struct shrink_worker *worker,
                                struct exec *exec, const void *params)
{
    (void)params;
    if (zswap_pool_shrink(zswap, exec, worker->pool) != ALLOCATOR_SHRUNK)
        zswap->mm->counters[COUNTER_reject_reclaim_fail]++;
    return false;
}

static bool allocator_page_takes_from(const struct zswap_lru_hooks *lru)
{
    return lru->in_allocator;
}

static const struct writeback_hooks allocator_page_hooks = {
    .step = allocator_page_step, .takes_from = allocator_page_takes_from, .looks_in_vain = true};

const struct policy allocator_page_policy = {
    .name = "allocator_page",
    .summary = "the worker evicts one page of the oldest pool's allocator a run",
    .source = "Linux 6.1, 6.2 mm/zswap.c: shrink_worker; mm/zpool.c: zpool_shrink",
    .params = NO_PARAMS,
    .hooks = &allocator_page_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

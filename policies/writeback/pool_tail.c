/* writeback: pool_tail - the oldest entry of the oldest pool, again and again until
 * the pool accepts pages (6.5 to 6.7).
 *
 * An entry that cannot be written back becomes the youngest; 16 of those end the
 * run, and so does an empty pool. */
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"

static bool pool_tail_step(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec,
                           const void *params)
{
    (void)params;
    enum writeback_result result = WRITEBACK_EMPTY;
    if (zswap->lru->one_list && zswap->pools[worker->pool].alive)
        result =
            zswap_write_back_oldest(zswap, exec, zswap->lru->group_of_pool(zswap, worker->pool));
    if (result == WRITEBACK_DONE)
        return true;
    zswap->mm->counters[COUNTER_reject_reclaim_fail]++;
    return result != WRITEBACK_EMPTY && writeback_note_failure(zswap, worker);
}

static bool pool_tail_takes_from(const struct zswap_lru_hooks *lru)
{
    return lru->one_list;
}

static const struct writeback_hooks pool_tail_hooks = {
    .step = pool_tail_step, .takes_from = pool_tail_takes_from, .looks_in_vain = true};

const struct policy pool_tail_policy = {
    .name = "pool_tail",
    .summary = "the worker writes the oldest entries of the oldest pool until pages are accepted",
    .source = "Linux 6.5 mm/zswap.c: shrink_worker, zswap_reclaim_entry",
    .params = NO_PARAMS,
    .hooks = &pool_tail_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

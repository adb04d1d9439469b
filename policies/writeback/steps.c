/* The worker's loop over cgroups as the kernel has it from 6.12, shared by the
 * writeback policies that differ only in their budget. */
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/mm/memcg.h"

bool writeback_note_failure(struct zswap *zswap, struct shrink_worker *worker)
{
    if (++worker->failures < WRITEBACK_FAILURES_AT_MOST)
        return true;
    zswap->mm->counters[COUNTER_worker_gave_up]++;
    return false;
}

uint32_t writeback_next_memcg(const struct zswap *zswap, struct exec *exec, uint32_t root,
                              uint32_t cursor)
{
    struct mm *mm = zswap->mm;
    for (;;) {
        cursor = memcg_next(mm, root, cursor);
        if (cursor == NO_MEMCG || !mm->memcgs[cursor].offline)
            return cursor;
        spend_cost(mm, exec, TIME_zswap, COST_skip_memcg);
    }
}

bool writeback_step_over_cgroups(struct zswap *zswap, struct shrink_worker *worker,
                                 struct exec *exec, const struct shrink_budget *budget)
{
    worker->cursor = writeback_next_memcg(zswap, exec, ROOT_MEMCG, worker->cursor);
    if (worker->cursor == NO_MEMCG) {
        bool tree_was_empty = worker->attempts == 0;
        worker->attempts = 0;
        return tree_was_empty ? writeback_note_failure(zswap, worker) : true;
    }
    enum shrink_result result =
        zswap_shrink_memcg(zswap, exec, worker->cursor, budget, DRIVER_WORKER);
    if (result == SHRINK_EMPTY)
        return true;
    worker->attempts++;
    return result == SHRINK_WROTE ? true : writeback_note_failure(zswap, worker);
}

bool writeback_takes_from_lists(const struct zswap_lru_hooks *lru)
{
    return lru->group_walked != NULL;
}

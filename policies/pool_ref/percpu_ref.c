/* pool_ref: percpu_ref - a counter for each processor while the pool is current;
 * one shared atomic counter once it has been retired. */
#include "policies/pool_ref/pool_ref.h"

static void percpu_ref_update(struct zswap *zswap, struct exec *exec, struct zswap_pool *pool)
{
    /* Not even an atomic operation before: an addition in a line of this processor's own. */
    if (pool->killed_at_ns)
        spend_on_line(zswap->mm, exec, TIME_reference, &pool->reference_line);
}

/* percpu_ref_switch_to_atomic_rcu: the parts of all processors are added up where the
 * switch was asked for, each in a line that comes from its processor; then the pool may go. */
static void percpu_ref_has_switched(void *owner, uint64_t now_ns, uint64_t number)
{
    (void)now_ns;
    enum { ASKED_BY = 0 }; /* whoever wrote the parameter: on the first processor */
    struct zswap *zswap = owner;
    struct mm *mm = zswap->mm;
    uint64_t sum_ns = mm->costs->ns[COST_atomic_local];
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++)
        sum_ns += cache_line_transfer_ns(cpu, &mm->topology, mm->costs, ASKED_BY);
    processors_interrupt(mm->processors, ASKED_BY, sum_ns);
    mm->time_ns[TIME_reference] += sum_ns;
    zswap->pools[number].switching = false;
    zswap_pool_reap(zswap, (uint32_t)number);
}

/* percpu_ref_kill: references are atomic from now on, but what the processors have is
 * added up only when none can still be in the middle of an addition: a grace period
 * later.  A pool that is retired again meanwhile waits for the first switch. */
static void percpu_ref_kill(struct zswap *zswap, uint32_t number, uint64_t now_ns)
{
    struct mm *mm = zswap->mm;
    struct zswap_pool *pool = &zswap->pools[number];
    if (pool->switching)
        return;
    pool->switching = true;
    events_schedule(mm->events, now_ns + mm->costs->ns[COST_rcu_grace_period], RANK_WAKEUP,
                    percpu_ref_has_switched, zswap, number);
}

static const struct pool_ref_hooks percpu_ref_hooks = {
    .update = percpu_ref_update,
    .is_local = true,
    .kill = percpu_ref_kill,
};

const struct policy percpu_ref_policy = {
    .name = "percpu_ref",
    .summary = "a counter for each processor; shared and atomic only after the pool is retired",
    .source = "Linux 6.9 mm/zswap.c: struct zswap_pool.ref; lib/percpu-refcount.c",
    .params = NO_PARAMS,
    .hooks = &percpu_ref_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

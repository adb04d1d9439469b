/* Faults in a row.
 *
 * Most faults find their page in zswap and free memory to put it into: nothing has to be
 * reclaimed, nobody to be waited for, and lists, pool and costs are those of the fault before.
 * Between two of them of one turn nobody looks at any count.  So what faults have in common is
 * looked up once for a run of them, how many the limits allow as well, and what only adds up is
 * added when the run ends.  What decides something is exact at every fault: slots, pages of the
 * pool, lists, the executor's clock.
 *
 * All other faults go step by step: swap_cache_add(), zswap_load(), map_from_swap_cache(). Both
 * ways have the same results (tests/unit/test_runs.c); this one takes 600 instructions less. */
#ifndef ZSIM_SWAP_FAULT_RUN_H
#define ZSIM_SWAP_FAULT_RUN_H

#include "sim/mm/mm.h"

struct swap;
struct zswap_pool;
struct object_pool;

struct fault_run {
    /* so far, and how many there may be: none where there is no run */
    uint32_t faults, most;
    /* what they have in common: */
    struct page_chunk chunk; /* space and cgroup */
    uint32_t cpu, node;      /* where they are handled */
    uint32_t pool_number;
    struct memcg *owner;
    struct zswap_pool *pool; /* the current one */
    struct object_pool *zpool;
    struct page_list *lists;    /* [nodes] */
    bool stocked;               /* their charges come out of the processor's stock */
    bool charges_objects;       /* the cgroup is charged for entries (version 2) */
    bool counts_references;     /* of the pool: that takes time */
    bool may_be_half_full;      /* swap, or what the cgroup may have of it; no run adds to them */
    uint64_t fault_ns, load_ns; /* what each takes, decompressing left out */
    /* sums */
    uint64_t bytes, decompress_ns;
    uint64_t all; /* faults of all runs so far */
};

/* Handle an access to a page that is in zswap.  False: there is more to it, or it is elsewhere;
 * nothing has been done, and no run is under way. */
bool fault_run_take(struct swap *swap, struct exec *exec, uint32_t page, bool write,
                    uint64_t *ready_ns);

/* Before anybody looks at counts, or changes charges: add up what the run has done. */
void fault_run_end_now(struct swap *swap, struct fault_run *run);
static inline void fault_run_end(struct swap *swap, struct fault_run *run)
{
    if (run->most)
        fault_run_end_now(swap, run);
}

#endif

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
 * ways have the same results (tests/unit/test_runs.c); this one takes 490 instructions less. */
#ifndef ZSIM_SWAP_FAULT_RUN_H
#define ZSIM_SWAP_FAULT_RUN_H

#include "sim/mm/mm.h"

struct swap;
struct zswap_pool;
struct object_pool;

struct fault_run {
    /* what does not change in a simulation; found before the first run */
    bool looked, possible;
    bool counts_slots;          /* that is all that there is to giving one back */
    bool counts_references;     /* of the pool: that takes time */
    bool charges_objects;       /* the cgroup is charged for entries (version 2) */
    uint64_t fault_ns, load_ns; /* what each takes, decompressing left out */
    /* of the run: */
    struct zswap_pool *pool; /* the current one */
    struct object_pool *zpool;
    uint32_t pool_number;
    uint32_t cpu, node;            /* where faults are handled */
    uint32_t faults;               /* those of `owner` left out */
    uint64_t decompress_ns, slots; /* given back */
    /* of those in a row that are of one cgroup: */
    struct memcg *owner;
    uint32_t memcg;
    uint32_t owner_faults, owner_most; /* so far, and how many there may be; none: no run */
    uint32_t charged, owner_slots;     /* of these; slots given back */
    bool stocked;                      /* their charges come out of the processor's stock */
    bool may_be_half_full; /* swap, or what the cgroup may have of it; no fault adds to them */
    uint64_t bytes;
    struct page_list *lists; /* [nodes] */
    uint64_t all;            /* faults of all runs so far */
};

/* Handle an access to a page that is in zswap.  False: there is more to it, and nothing has been
 * done. */
bool fault_run_take(struct swap *swap, struct exec *exec, uint32_t page, bool write,
                    uint64_t *ready_ns);

/* Before anybody looks at counts, or changes charges: add up what the run has done. */
void fault_run_end_now(struct swap *swap, struct fault_run *run);
static inline void fault_run_end(struct swap *swap, struct fault_run *run)
{
    if (run->faults | run->owner_most)
        fault_run_end_now(swap, run);
}

#endif

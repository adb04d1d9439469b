/* Evictions in a row.
 *
 * Reclaim evicts a dozen pages of one cgroup and node one after the other, and nobody looks at
 * any count before it is done with them.  What is the same for all of them (their list, the
 * pool, limits, what each step costs) is looked up once for the run, and what only adds up is
 * added when the run ends.  What decides something is exact at every page: slots, charges of
 * cgroups, pages of the pool, the executor's clock.
 *
 * A run takes pages that swap has as they are, which are only dropped, and pages that go into
 * zswap and that nothing can stand in the way of: a pool that is not full, a known length, room
 * for all.  Where there are several processors it asks for every lock as its time comes.  Every
 * other page, or one that is refused after all, goes step by step: swap_take_slot(),
 * swap_write(), zswap_store().  Both ways have the same results
 * (tests/unit/test_runs.c); on one processor this one takes 430 instructions less for a store, 190
 * for a page that is dropped; 260 less for a store where there are several. */
#ifndef ZSIM_SWAP_EVICTION_RUN_H
#define ZSIM_SWAP_EVICTION_RUN_H

#include "sim/mm/mm.h"

struct swap;
struct zswap_pool;
struct object_pool;

enum { NO_RUN = UINT32_MAX };

struct eviction_run {
    /* what does not change in a simulation; found before the first run */
    bool looked, may_store;
    bool asks_admission, counts_references; /* of the pool: these policies may have a say */
    bool charges_objects;                   /* the cgroup is charged for them (version 2) */
    bool has_clock;      /* shadows have the reading of `clock`: workingset_evict() */
    uint32_t entry_bits; /* what an entry's page has in its record */
    uint64_t drop_ns;    /* what a page takes that is only dropped, */
    uint64_t store_ns;   /* or stored, compressing left out; */
    uint64_t zswap_ns;   /* of that, TIME_zswap; */
    uint64_t checks_ns;  /* and what comes before compressing */
    /* what all pages of the run have in common; they are evicted for `target` */
    uint32_t key; /* cgroup and node in one word, or NO_RUN */
    struct memcg *owner;
    uint32_t memcg, node, target;
    uint64_t clock;
    uint32_t place;       /* of their shadows */
    bool stores;          /* some may be stored, which then have in common: */
    uint32_t gained_bits; /* entry_bits with the pool and the node */
    struct zswap_pool *pool;
    struct object_pool *zpool;
    struct page_list *list;
    uint64_t most_pool_pages; /* a pool of so many takes none */
    /* sums */
    uint32_t pages, stored, slots_taken;
    uint64_t bytes, compress_ns;
    uint64_t all; /* pages of all runs so far */
};

/* reclaim_evict(): in a run, or step by step. */
enum page_fate eviction_run_evict(void *swap, struct exec *exec, struct scan_control *scan,
                                  uint32_t page);

/* The run ends: add up what it has done. */
void eviction_run_end(void *swap);

#endif

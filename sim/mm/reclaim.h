/* Reclaim drivers: who reclaims, from where, how hard, until when. */
#ifndef ZSIM_MM_RECLAIM_H
#define ZSIM_MM_RECLAIM_H

#include "sim/mm/mm.h"

enum { RECLAIM_CLUSTER = 32, PRIORITY_START = 12 };

/* Processors that may still have unmapped pages in their TLBs (struct
 * tlbflush_unmap_batch): each holds the pages of the task that it runs. */
enum { TLB_BATCH_PROCESSORS = 64 };

struct tlb_batch {
    uint32_t count;
    bool writable; /* a page was dirty in the page table: flush before it is written out */
    uint32_t cpus[TLB_BATCH_PROCESSORS];
};

/* Everything that steers one reclaim run, and what it has done so far
 * (the kernel's scan_control). */
struct scan_control {
    /* what is asked */
    uint32_t target;    /* root of the subtree; ROOT_MEMCG: global reclaim */
    uint64_t goal;      /* pages */
    bool limit_reclaim; /* for a cgroup's limit or memory.reclaim, not for free memory */
    bool proactive;     /* memory.reclaim */
    bool kswapd;
    /* how hard, now */
    int priority;   /* 12 (gentle) .. 0 */
    bool full_walk; /* visit every cgroup although the goal is met: nothing was freed so far */
    bool force_deactivate, low_reclaim;
    bool may_deactivate; /* of this pass: active lists may be shrunk */
    /* what was met */
    bool skipped_deactivate, low_skipped;
    uint64_t scanned, reclaimed; /* of this priority step, of the run */
    uint64_t pageouts;           /* of this batch */
    uint64_t anon_cost;          /* of the target, when this pass began */
    /* freed, but not given back yet to their cgroup and node */
    uint32_t freed_pages, freed_memcg, freed_node;
    struct tlb_batch tlb; /* last: only its count is cleared */
};

/* memory.min or memory.low, whichever keeps pages of this cgroup from this reclaim.  What low alone
 * keeps is noted: reclaim in vain begins anew without it. */
static inline uint64_t reclaim_protection(const struct mm *mm, struct scan_control *scan,
                                          uint32_t memcg)
{
    const struct memcg *at = &mm->memcgs[memcg];
    if (scan->low_reclaim || at->effective_low <= at->effective_min)
        return at->effective_min;
    scan->low_skipped = true;
    return at->effective_low;
}

/* try_to_free_mem_cgroup_pages: free at least max(pages, 32) from a cgroup's
 * subtree because of its limit.  Returns pages freed. */
uint64_t reclaim_limit(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages);

/* Whoever needs room under a limit reclaims again as long as that frees something.  Where all of it
 * comes back the kernel does so for ever (a signal would end it): zswap is full, and what it writes
 * back stays in RAM, since a zram device is at its mem_limit, until it is stored again.  Begin with
 * zeroes, and tell how many pages each reclaim has freed.  True: every page there is has been freed
 * many times over and less is charged than before at no time: the run fails. */
struct reclaim_circle {
    uint64_t least_usage; /* of the root */
    uint64_t freed;       /* since then */
};
bool reclaim_is_in_vain(struct mm *mm, const struct exec *exec, struct reclaim_circle *circle,
                        uint32_t memcg, uint64_t freed);

/* A write to memory.reclaim, one attempt after the other (memory_reclaim() of mm/memcontrol.c
 * from 5.19 on, later user_proactive_reclaim() of mm/vmscan.c).  16 attempts may free nothing;
 * before the 17th and each later one the batches of all processors are drained. */
struct reclaim_request {
    uint32_t memcg;            /* with all below it */
    uint64_t pages, reclaimed; /* asked for, freed so far */
    uint32_t retries;          /* attempts that may still free nothing */
    bool drained;              /* for the attempt that comes */
};
enum reclaim_progress {
    RECLAIM_GOES_ON,     /* call again */
    RECLAIM_WANTS_DRAIN, /* the same, after lru_add_drain_all() */
    RECLAIM_ENDED,       /* all pages are freed, or it gives up (EAGAIN) */
};
void reclaim_request_begin(struct reclaim_request *request, uint32_t memcg, uint64_t pages);
enum reclaim_progress reclaim_request_attempt(struct mm *mm, struct exec *exec,
                                              struct reclaim_request *request);

/* All of a request at once, for whoever does not run on a processor.  Returns pages freed. */
uint64_t reclaim_proactive(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages);

/* Direct reclaim for free memory (__alloc_pages_direct_reclaim). */
uint64_t reclaim_direct(struct mm *mm, struct exec *exec);

/* kswapd threads, one a node. */
void reclaim_start_kswapd(struct mm *mm);
void reclaim_release_kswapd(struct mm *mm);

/* Somebody registers or unregisters a slab shrinker at now_ns, and waits until no reclaim
 * is among them (down_write of shrinker_rwsem). */
void reclaim_change_shrinkers(struct mm *mm, uint64_t now_ns);

/* Reclaim has freed nothing, but pages are being written that it could free then:
 * sleep until something has happened.  False: no write is under way, or this is
 * not a place to sleep (inside events_catch_up()). */
bool reclaim_wait_for_write(struct mm *mm, struct exec *exec);

/* Kill the largest space of a subtree.  False: there was nothing to kill. */
bool reclaim_out_of_memory(struct mm *mm, struct exec *exec, uint32_t memcg);

/* ---- for policies ------------------------------------------------------------ */

/* Is a page of the batch still ours?  While it is worked on, its owner may be killed or drop it. */
static inline bool reclaim_has_isolated(const struct mm *mm, uint32_t page)
{
    return (mm->hot[page] & HOT_IN_RAM) && !(mm->cold[page].bits & (PAGE_ON_LRU | PAGE_IN_BATCH));
}

/* The part of shrink_folio_list after the reference check: give the page a
 * slot, unmap it, write it if dirty, drop it if that is possible now. */
enum page_fate reclaim_evict(struct mm *mm, struct exec *exec, struct scan_control *scan,
                             uint32_t page);

/* The end of shrink_folio_list: flush TLBs (try_to_unmap_flush), then give back what was
 * freed (free_folios).  Until then
 * freed pages are still charged, so that what is charged meanwhile, such as zswap's
 * objects, meets the limit. */
void reclaim_give_back_freed(struct mm *mm, struct exec *exec, struct scan_control *scan);
static inline void reclaim_flush_freed(struct mm *mm, struct exec *exec, struct scan_control *scan)
{
    if (scan->freed_pages || scan->tlb.count) /* else no evictions are under way, either */
        reclaim_give_back_freed(mm, exec, scan);
}

/* What a page that reclaim decided to activate does with its slot when swap is
 * more than half full. */
void reclaim_note_activated(struct mm *mm, struct exec *exec, uint32_t page);

/* The counter of this kind of reclaim, given the direct one's. */
static inline enum counter reclaim_scan_counter(const struct scan_control *scan)
{
    if (scan->kswapd)
        return COUNTER_pgscan_kswapd;
    return scan->proactive ? COUNTER_pgscan_proactive : COUNTER_pgscan_direct;
}
static inline enum counter reclaim_steal_counter(const struct scan_control *scan)
{
    if (scan->kswapd)
        return COUNTER_pgsteal_kswapd;
    return scan->proactive ? COUNTER_pgsteal_proactive : COUNTER_pgsteal_direct;
}

/* ---- for reclaim_evict(), and for the swap layer where that evicts in runs -------- */

/* One step after the other. */
enum page_fate reclaim_evict_by_steps(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                      uint32_t page);

/* set_tlb_ubc_flush_pending, where the task runs on another processor now.  One that is
 * idle has left the address space to itself (lazy TLB) and is not interrupted; this
 * processor's own flush is part of the unmapping. */
void reclaim_note_unmapped(struct mm *mm, struct exec *exec, struct tlb_batch *batch,
                           uint32_t page);
/* try_to_unmap_flush: one round of interrupts to all processors of the batch. */
void reclaim_flush_tlbs(struct mm *mm, struct exec *exec, struct tlb_batch *batch);

/* Pages of one cgroup and node that are free are given back so many at a time: a folio batch
 * from 6.10; up to 6.9 all that a list of 32 has freed. */
static inline uint32_t reclaim_free_batch(const struct mm *mm)
{
    enum { FREE_BATCH = 31 };
    return mm->config->vm.lru_add_batch < FREE_BATCH ? RECLAIM_CLUSTER : FREE_BATCH;
}

/* Are there some of another cgroup or node?  Then they are given back before the next one is
 * freed, behind all else that its eviction takes: its cgroup went offline meanwhile. */
static inline bool reclaim_has_freed_others(const struct scan_control *scan, uint32_t memcg,
                                            uint32_t node)
{
    return scan->freed_pages && (scan->freed_memcg != memcg || scan->freed_node != node);
}

/* Those to be freed next are of this cgroup and node. */
static inline void reclaim_prepare_freed(struct mm *mm, struct exec *exec,
                                         struct scan_control *scan, uint32_t memcg, uint32_t node)
{
    if (reclaim_has_freed_others(scan, memcg, node))
        reclaim_flush_freed(mm, exec, scan);
    scan->freed_memcg = memcg;
    scan->freed_node = node;
}
/* One of them has been freed. */
static inline void reclaim_note_freed(struct mm *mm, struct exec *exec, struct scan_control *scan)
{
    if (++scan->freed_pages >= reclaim_free_batch(mm))
        reclaim_flush_freed(mm, exec, scan);
}

#endif

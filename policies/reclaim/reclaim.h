/* The axis "reclaim": which page leaves RAM.
 *
 * The driver (sim/mm/reclaim.c) decides when reclaim runs, for which cgroup and
 * node, at which priority and until what goal; the policy keeps the lists of a
 * lruvec and picks the pages.  What happens to a picked page (slot, write,
 * drop) is the same for all: reclaim_evict().  Evictions in a row are booked together
 * (sim/swap/eviction_run.h): until the policy calls reclaim_flush_freed(), at the end of
 * its batch, counts of cgroups and of zswap lag behind; lists, charges, slots and pages of
 * the pool do not. */
#ifndef ZSIM_POLICIES_RECLAIM_H
#define ZSIM_POLICIES_RECLAIM_H

#include "sim/mm/mm.h"
#include "sim/mm/reclaim.h"

/* How large a lruvec is for walks of reclaim. */
struct walk_sizes {
    uint32_t to_scan; /* pages; UINT32_MAX: always to be visited */
    uint32_t to_age;  /* pages; 0: age() does nothing to any */
};

struct reclaim_hooks {
    /* required: a page gets onto, or leaves, the lists (PAGE_ON_LRU is kept by the caller) */
    void (*add)(struct mm *mm, struct lruvec *lruvec, uint32_t page);
    void (*remove)(struct mm *mm, struct lruvec *lruvec, uint32_t page);
    /* required: to the end where victims are taken */
    void (*rotate)(struct mm *mm, struct lruvec *lruvec, uint32_t page);
    /* required: put all pages of one lruvec behind another's */
    void (*reparent)(struct mm *mm, struct lruvec *from, struct lruvec *to);
    /* optional: a page is about to wait in a processor's batch (folio_add_lru); may set
     * PAGE_ACTIVE */
    void (*enter)(struct mm *mm, const struct exec *exec, uint32_t page);
    /* optional: a page of a file is read or written by a system call (folio_mark_accessed).
     * True: the next ones change nothing.  Without it files are seen by accessed bits. */
    bool (*mark_accessed)(struct mm *mm, uint32_t page);
    /* optional: how many pages of a lruvec count as inactive and active; without it, as
     * many as are on lruvec->lists */
    void (*sizes)(const struct mm *mm, const struct lruvec *lruvec, uint64_t sizes[LRU_LISTS]);
    /* optional: free lruvec->reclaim_state */
    void (*release)(struct lruvec *lruvec);

    /* required: take pages from one cgroup on one node; adds to scan->reclaimed and ->scanned */
    void (*shrink_lruvec)(struct mm *mm, struct exec *exec, struct scan_control *scan,
                          uint32_t memcg, uint32_t node);
    /* optional, all or none: how large a lruvec is, and the least size to scan with which
     * shrink_lruvec() of an unprotected cgroup does anything but age(), now and in this pass, at
     * least 1.  Walks then pass over the others (sim/mm/reclaim_walk.h), but that they age() those
     * that want it.  A policy that has them calls reclaim_walk_note() where a size grows, or
     * wants_aging() changes, by other ways than add, rotate, mark_accessed, reparent,
     * shrink_lruvec, age and the statistics that are folded in; and where shrink_lruvec() puts
     * pages back, as others may walk while it waits for the next ones. */
    struct walk_sizes (*walk_sizes)(const struct lruvec *lruvec);
    uint32_t (*least_to_scan)(const struct mm *mm, const struct scan_control *scan, uint32_t node);
    bool (*wants_aging)(const struct lruvec *lruvec);
    bool (*age)(struct mm *mm, struct exec *exec, const struct scan_control *scan, uint32_t memcg,
                uint32_t node); /* false: no page has moved */
    /* optional: age() of so many cgroups at once that have nothing to age, where there is one
     * processor */
    void (*age_idle)(struct mm *mm, struct exec *exec, const struct scan_control *scan,
                     uint32_t cgroups);
    /* optional: before the cgroups of a node are walked (prepare_scan_control); with walk_sizes()
     * also before passes of which it then turns out that they would do nothing: it only changes
     * `scan`, and by what holds at that time */
    void (*begin_pass)(struct mm *mm, struct scan_control *scan, uint32_t node);
    /* optional: kswapd, before each priority step (kswapd_age_node) */
    void (*age_node)(struct mm *mm, struct exec *exec, struct scan_control *scan, uint32_t node);
    /* optional: a run of reclaim has ended (snapshot_refaults) */
    void (*end_run)(struct mm *mm, struct scan_control *scan, uint32_t node);

    /* required: the page leaves RAM by reclaim of `target`: fill cold[page].shadow */
    void (*evict)(struct mm *mm, uint32_t target, uint32_t page);
    /* required: a page with a shadow comes back (the shadow is still in place);
     * sets PAGE_ACTIVE and PAGE_WORKINGSET and counts; `exec` brings it */
    void (*refault)(struct mm *mm, const struct exec *exec, uint32_t page, uint32_t age,
                    uint32_t place);
    /* optional: the books of one lruvec; NULL or what is wrong */
    const char *(*check)(const struct mm *mm, const struct lruvec *lruvec);
};

#endif

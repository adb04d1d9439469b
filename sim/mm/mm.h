/* Simulated memory: pages, cgroups, nodes, and who is working on them.
 *
 * This header is the map of sim/mm: the structs are here, the functions in the
 * header of the file that does the work:
 *   memcg.h      charging, limits, statistics, the tree
 *   node.h       page allocation, watermarks, kswapd's condition
 *   lru.h        lruvec lists, per-processor batches, moving pages
 *   workingset.h shadows and refault distance
 *   psi.h        pressure stall information
 *   reclaim_walk.h  which cgroups reclaim has something to do for
 *   reclaim.h    limit reclaim, direct reclaim, kswapd, memory.reclaim
 *   drain.h      lru_add_drain_all() as a caller waits for it
 *   tlb.h        accesses that do not set accessed bits
 */
#ifndef ZSIM_MM_H
#define ZSIM_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/counters.h"
#include "sim/base/units.h"
#include "sim/config.h"
#include "sim/engine/costs.h"
#include "sim/engine/events.h"
#include "sim/engine/locks.h"
#include "sim/engine/processor.h"
#include "sim/engine/rw_lock.h"
#include "sim/mm/page.h"
#include "sim/mm/psi.h"

struct mm;
struct tlb;

enum {
    PLUG_REQUESTS = 32,      /* BLK_MAX_REQUEST_COUNT */
    PLUG_REQUEST_PAGES = 32, /* BLK_PLUG_FLUSH_SIZE, 128 KiB */
    PLUG_PAGES = 256,        /* no more than fit one request of BLK_DEF_MAX_SECTORS */
};

/* Device writes that have been prepared but not handed to the device (struct
 * blk_plug): they go together when reclaim is done with a cgroup, or before a
 * request is begun while PLUG_REQUESTS are waiting or the last has
 * PLUG_REQUEST_PAGES.  Writes to neighbouring slots are one request. */
struct write_plug {
    uint32_t count, requests;
    uint32_t last_request_pages;
    uint64_t last_slot_taken; /* swap.slots_taken when the last one's slot was taken; 0: before */
    uint32_t last_slot;       /* its number, where slots have numbers */
    uint32_t pages[PLUG_PAGES];
    uint8_t devices[PLUG_PAGES]; /* where each goes: its owner may drop it, and its slot, before */
    uint8_t continues[PLUG_PAGES]; /* this page is in the request of the page before it */
};

/* An empty plug; its pages need no clearing, which would take longer than the rest of a
 * look at a cgroup that has nothing to reclaim. */
static inline void write_plug_init(struct write_plug *plug)
{
    plug->count = plug->requests = plug->last_request_pages = 0;
    plug->last_slot_taken = 0;
}

/* Who is executing: passed to everything that takes time or allocates. */
struct exec {
    uint64_t now_ns;
    uint32_t cpu;
    uint32_t node;  /* of that processor */
    uint32_t space; /* whose fault this is; NO_SPACE for kernel threads */
    bool memalloc;  /* PF_MEMALLOC: in reclaim, charges and allocations are not limited */
    bool kswapd;
    bool killed;              /* the task was chosen by the OOM killer */
    struct psi_task *psi;     /* NULL: nobody whose stalls are counted */
    uint32_t high_debt_pages; /* charges above memory.high since the last penalty */
    uint64_t sleep_ns;        /* the task must sleep this long when its fault is done */
    struct write_plug *plug;  /* writes are collected here while reclaim works on a cgroup */
    /* of the time so far: the program's own work, and sleep without leaving the processor */
    uint64_t user_ns, waited_ns;
};

enum { NO_SPACE = UINT32_MAX, ROOT_MEMCG = 0 };

/* ---- lruvec --------------------------------------------------------------- */

enum lru { LRU_INACTIVE_ANON, LRU_ACTIVE_ANON, LRU_LISTS };

enum { HOST_LINE = 64 }; /* bytes of a cache line of the host */

/* The LRU lists of one cgroup on one node.  With thousands of cgroups a visit of reclaim finds
 * none of this in the host's caches: what it reads and writes is the first line. */
struct lruvec {
    struct lru_list lists[LRU_LISTS];
    uint64_t anon_cost; /* of reclaiming anonymous pages, decaying; of the subtree */
    /* What lruvec_page_state() shows: sums over the subtree as of the last flush. */
    uint32_t seen_pages[LRU_LISTS];
    uint64_t seen_activations;
    uint64_t nonresident_age;      /* evictions and activations, of the subtree */
    uint64_t activations;          /* workingset_activate_anon of this cgroup alone, live */
    uint64_t snapshot_activations; /* seen_activations when reclaim of this root last ended */
    void *reclaim_state;           /* the reclaim policy's own */
    struct spinlock *lock;         /* lru_lock; NULL until it is first taken */
} __attribute__((aligned(HOST_LINE)));

_Static_assert(offsetof(struct lruvec, seen_activations) == HOST_LINE, "a visit's line");

/* ---- memory cgroup --------------------------------------------------------- */

enum { STOCK_SLOTS = MEMCG_STOCK_SLOTS_AT_MOST, CHARGE_BATCH = 64 };

/* Cache lines of a cgroup that whoever charges it writes. */
enum charge_line {
    LINE_MEMORY, /* memcg->memory.usage (struct page_counter) */
    LINE_SWAP,   /* memcg->swap.usage */
    LINE_ID,     /* memcg->id.ref: a reference for each swap slot */
    CHARGE_LINES
};

/* Events that a visit of reclaim (the first eight), a fault (the next) or a store counts of its
 * cgroup: side by side, a line of the host's caches for each eight.  What is counted elsewhere is a
 * miss of 200 ns. */
#define OFTEN_COUNTED(X)                                                                           \
    X(pgscan_anon)                                                                                 \
    X(pgsteal_anon)                                                                                \
    X(pgscan_kswapd)                                                                               \
    X(pgsteal_kswapd)                                                                              \
    X(pgscan_direct)                                                                               \
    X(pgsteal_direct)                                                                              \
    X(pgactivate)                                                                                  \
    X(nr_vmscan_write)                                                                             \
    X(pgfault)                                                                                     \
    X(pgmajfault)                                                                                  \
    X(pswpin)                                                                                      \
    X(zswpin)                                                                                      \
    X(fault_disk)                                                                                  \
    X(fault_zswap)                                                                                 \
    X(workingset_refault_anon)                                                                     \
    X(first_touch)                                                                                 \
    X(zswpout)                                                                                     \
    X(pswpout)                                                                                     \
    X(refused_stores)                                                                              \
    X(refused_by_limit)                                                                            \
    X(zswpwb)                                                                                      \
    X(pgrotated)                                                                                   \
    X(memory_max)                                                                                  \
    X(workingset_activate_anon)                                                                    \
    X(pgrefill)                                                                                    \
    X(pgdeactivate)                                                                                \
    X(workingset_restore_anon)                                                                     \
    X(minor_swap_cache)
enum often_counted {
#define X(name) OFTEN_##name,
    OFTEN_COUNTED(X)
#undef X
        OFTEN_COUNTERS
};

/* With thousands of cgroups none is in the host's caches: what a charge, a fault, or a visit of
 * reclaim reads and writes lies in the first two lines and those of `often`. */
struct memcg {
    struct memcg *above; /* the parent's record, NULL at the root: a fault walks up eight times */
    /* charges, in pages, of the subtree */
    uint64_t usage, usage_peak;       /* memory.peak */
    uint64_t memory_high, memory_max; /* pages */
    uint64_t swap_usage, swap_max;    /* pages */
    /* what zswap holds of the cgroup and of those below it */
    uint64_t zswap_bytes_subtree;
    uint64_t zswapped_subtree;
    uint64_t zswap_max;                                                /* pages */
    uint32_t resident_pages, swap_cache_pages, disk_pages, zero_pages; /* of this cgroup alone */
    uint32_t object_stock_bytes; /* bytes of whole charged pages that no object uses yet */
    uint32_t parent;             /* NO_MEMCG at the root */
    bool offline, zswap_writeback;
    bool is_protected;                     /* it or an ancestor has a memory.min or memory.low */
    struct lruvec *lruvecs;                /* [nodes], only_lruvec where there is one */
    uint64_t *seldom;                      /* [COUNTERS], without those that are counted often */
    uint64_t often[OFTEN_COUNTERS];        /* memcg_counter() finds either */
    struct lruvec only_lruvec;             /* here, so that one address less is translated */
    uint64_t memory_min, memory_low;       /* pages */
    uint64_t effective_min, effective_low; /* of the reclaim under way */
    const char *path;
    uint32_t first_child, next_sibling; /* NO_MEMCG at the end; siblings in creation order */
    struct psi_group *psi;
    uint64_t
        folded_updates; /* of the subtree's statistics when they were read last (memcg_stat.c) */
    uint32_t *iterator; /* [nodes]: where partial walks with this root go on */
    struct cache_line *lines; /* [CHARGE_LINES] */
} __attribute__((aligned(HOST_LINE)));

_Static_assert(offsetof(struct memcg, often) == 2 * HOST_LINE, "two lines of charges");

/* Where an event of a cgroup is counted. */
static inline uint64_t *memcg_counter(struct memcg *memcg, enum counter counter)
{
    switch (counter) {
#define X(name)                                                                                    \
    case COUNTER_##name:                                                                           \
        return &memcg->often[OFTEN_##name];
        OFTEN_COUNTED(X)
#undef X
    default:
        return &memcg->seldom[counter];
    }
}

enum { NO_MEMCG = UINT32_MAX };

/* Pages charged in advance by one processor (struct memcg_stock_pcp). */
struct charge_stock {
    uint32_t memcg[STOCK_SLOTS]; /* NO_MEMCG: empty */
    uint32_t pages[STOCK_SLOTS];
    uint32_t next_victim;
    uint32_t all_pages; /* of all slots; 0 most of the time at a limit */
    uint32_t taken;     /* slots that are not empty: with many cgroups all are */
};

/* Runs of kswapd in a row that freed nothing, after which it no longer runs. */
enum { KSWAPD_FAILURES_AT_MOST = 16 };

/* ---- NUMA node ------------------------------------------------------------- */

struct node {
    uint64_t managed_pages, free_pages;
    uint64_t
        overdrawn_pages; /* handed out beyond all memory; no page is free until they are back */
    uint64_t watermark_min, watermark_low, watermark_high; /* pages */
    uint64_t pool_pages;              /* of free_pages' complement: held by zswap pools */
    uint32_t zonelist[NODES_AT_MOST]; /* nodes in order of fallback, itself first */
    uint64_t counters[COUNTERS];
    uint32_t kswapd_failures;
    bool kswapd_wanted;
    struct runner *kswapd;
    struct psi_task kswapd_psi;
};

/* ---- address space --------------------------------------------------------- */

/* The pages of a space follow each other in the arrays, and begin at a multiple of CHUNK_PAGES: of
 * 10,000 spaces of 100 pages, multiples of 512 were five records a page, and took 10 to 20 % more
 * time. */
enum { CHUNK_PAGES = 128, CHUNK_SHIFT = 7 };

/* The reach of a page-table page. */
enum { TABLE_PAGES = 512, TABLE_SHIFT = 9 };

struct address_space {
    uint32_t first_page, pages;
    uint32_t address_offset; /* page_address() */
    uint32_t memcg;
    const struct content *content;
    bool file;                   /* of a tmpfs: no process's page tables, not the OOM killer's */
    bool dead;                   /* its task was killed; accesses are skipped */
    const struct runner *runner; /* whose page tables map it; NULL: nobody's (files) */
    uint64_t table_pages;        /* page-table pages charged so far */
    /* per-VMA swap readahead (swapin_readahead): */
    uint32_t readahead_address, readahead_window, readahead_hits;
};

/* What pages beside each other have in common. */
struct page_chunk {
    uint16_t space;
    uint16_t memcg; /* the space's cgroup, or the nearest one still online */
};

/* ---- LRU batches ------------------------------------------------------------ */

struct lru_batch {
    uint32_t count;
    uint32_t pages[LRU_ADD_BATCH_AT_MOST];
};

/* Of a processor that takes the interrupts of a device: pages whose writes have ended. */
struct lru_rotations {
    uint32_t cpu;
    struct lru_batch batch;
};

/* ---- hooks upwards ----------------------------------------------------------- */

enum swap_write_result {
    SWAP_WRITTEN,     /* nothing under way: the page may be dropped now */
    SWAP_UNDER_WAY,   /* a device write goes on; PAGE_WRITEBACK is set */
    SWAP_KEEP_ACTIVE, /* refused and no device allowed: activate */
    SWAP_FAILED,      /* the device has no memory for it: it stays as it is, dirty */
    SWAP_PAGE_GONE,   /* its owner was killed meanwhile */
};

struct scan_control; /* sim/mm/reclaim.h */
enum page_fate { FATE_FREED, FATE_KEEP, FATE_ACTIVATE };

/* What reclaim needs from the swap layer; sim/swap provides it. */
struct mm_swap_hooks {
    /* add_to_swap: give the page a slot and its charge; false: none to be had */
    bool (*take_slot)(void *swap, struct exec *exec, uint32_t page);
    /* swap_writeout */
    enum swap_write_result (*write)(void *swap, struct exec *exec, uint32_t page);
    /* reclaim_evict() where there is one processor (sim/swap/eviction_run.h), and the end of a
     * row of these, before anybody looks at counts */
    enum page_fate (*evict)(void *swap, struct exec *exec, struct scan_control *scan,
                            uint32_t page);
    void (*end_evictions)(void *swap);
    /* blk_finish_plug: hand the collected writes to the device */
    void (*flush_plug)(void *swap, struct exec *exec);
    /* complete the device writes that have ended by now_ns */
    void (*settle_writes)(void *swap, uint64_t now_ns);
    /* folio_wait_writeback: sleep until the write of a page, or (NO_PAGE) the first
     * of all, has ended */
    void (*wait_for_write)(void *swap, struct exec *exec, uint32_t page);
    /* folio_free_swap and free_swap_slot: release the slot and every copy behind it */
    void (*free_slot)(void *swap, struct exec *exec, uint32_t page);
    /* get_nr_swap_pages() bounded by the cgroup's swap.max: is there room? */
    bool (*room)(const void *swap, uint32_t memcg);
    /* mem_cgroup_swap_full(): slots should be given back early */
    bool (*half_full)(const void *swap, uint32_t memcg);
    /* shrink_slab() for one cgroup on one node */
    void (*shrink_slab)(void *swap, struct exec *exec, uint32_t memcg, uint32_t node, int priority);
    /* does that do anything at all, for whatever cgroup?  (Every visit asks; the swap layer
     * says when it changes.) */
    bool shrinks_slab;
    /* ask the host's caches for what write() will read of a page besides its record;
     * optional */
    void (*prefetch)(const void *swap, uint32_t page);
    /* a cgroup goes offline; its entries move to the parent */
    void (*memcg_offline)(void *swap, uint32_t memcg);
};

/* ---- everything ----------------------------------------------------------------- */

struct reclaim_hooks;           /* policies/reclaim/reclaim.h */
struct proactive_reclaim_hooks; /* policies/proactive_reclaim/proactive_reclaim.h */

struct mm {
    const struct config *config;
    uint64_t seed; /* of the run */
    const struct costs *costs;
    struct event_queue *events;
    struct processors *processors;
    struct topology topology;
    uint64_t time_ns[TIME_KINDS];
    struct lock_counts locks[LOCK_KINDS];
    struct rw_lock shrinkers;   /* shrinker_rwsem, where the kernel has one */
    uint64_t *lock_released_ns; /* [cpus]: the end of its last spend_lock_wait() */
    /* One processor, and nobody works beside it: whoever asks for a lock has come behind all who
     * had it, and never waits. */
    bool one_at_a_time;
    bool evicts_in_runs; /* where that is possible; tests compare with what it is by steps */
    bool keeps_lengths;  /* in pages' records: slots have no numbers */

    struct tlb *tlb; /* sim/mm/tlb.h; NULL: every access sets its page's accessed bit */
    uint32_t page_count, address_count;
    bool addresses_differ; /* page_address() of some pages, from their numbers */
    uint8_t *hot;
    struct page_cold *cold;
    /* [page >> chunk_shift]: as few as the first pages of spaces allow, at most one for each
     * CHUNK_PAGES.  Of 4 million pages in one space a fault's were in no cache of the host. */
    struct page_chunk *chunks;
    uint32_t chunk_shift;
    bool *has_table; /* [page_table()]: this page-table page exists */

    struct address_space *spaces;
    uint32_t space_count;
    struct memcg *memcgs;
    uint32_t memcg_count;
    size_t lruvec_stride; /* bytes from a cgroup's lruvecs to the next one's */
    struct node nodes[NODES_AT_MOST];
    uint32_t node_count;
    struct charge_stock *stocks;  /* [cpus] */
    bool stats_are_read;          /* somebody reads memory.stat: updates are told apart */
    uint64_t entry_bytes_changed; /* of zswap's charges: what was added and what was taken */
    /* zswap's entries of the root's own pages, which have no obj_cgroup and are in no statistics
     * (__get_obj_cgroup_from_memcg(), 6.1 to 6.18). */
    uint64_t root_entry_bytes, root_entries;
    uint64_t locked_pages;           /* of all cgroups' locked_memory */
    uint64_t kernel_object_bytes;    /* of all cgroups' kernel_objects */
    uint64_t folded_updates;         /* of all statistics when they were folded in last */
    struct lru_batch *batches;       /* [cpus] */
    struct lru_batch *activations;   /* [cpus], of lru_activate() */
    struct lru_rotations *rotations; /* [rotation_count] */
    uint32_t rotation_count;
    uint32_t rotating;            /* pages in these */
    struct lru_drain *drains;     /* [cpus], sim/mm/drain.h; NULL until somebody waits for one */
    struct psi_queue *psi_queues; /* [cpus] */
    struct lru_ring *coming[2];   /* whose pages are being asked for (lru_prefetch()): of the list
                                     that reclaim took from last, and of the one before */
    /* of a short list, the last page that was, from the tail on, or NO_PAGE; from the head on */
    uint32_t coming_page, coming_from_head;
    struct reclaim_walk *walk; /* sim/mm/reclaim_walk.h; NULL: every cgroup is visited */
    bool limits_swap; /* some cgroup has had a memory.swap.max; else none is asked for its own */
    uint64_t counters[COUNTERS];

    const struct reclaim_hooks *reclaim;
    const void *reclaim_params;
    const struct proactive_reclaim_hooks *proactive_reclaim;
    void *proactive_reclaim_state;
    struct mm_swap_hooks swap_hooks;
    void *swap;

    /* run-time parameters; start from config->vm, events change them */
    uint64_t swappiness, page_cluster;
    uint64_t resident_pages;
    uint64_t pool_pages; /* held by zswap pools */
    /* the most that there ever was of each, and of both at one time */
    uint64_t resident_peak, pool_peak, memory_peak;
    uint64_t writes_under_way; /* pages under PAGE_WRITEBACK */
    /* called when the OOM killer has chosen a space */
    void (*kill_space)(void *owner, struct exec *exec, uint32_t space);
    /* called when reclaim for a cgroup goes in circles, and would for ever: the run fails */
    void (*give_up)(void *owner, const char *why);
    void *run_owner;
    bool gave_up;
};

/* Spend time: on the executor's clock and in the breakdown. */
static inline void spend(struct mm *mm, struct exec *exec, enum time_kind kind, uint64_t ns)
{
    exec->now_ns += ns;
    mm->time_ns[kind] += ns;
}

/* The program's own work. */
static inline void spend_user(struct mm *mm, struct exec *exec, uint64_t ns)
{
    spend(mm, exec, TIME_user, ns);
    exec->user_ns += ns;
}

/* Sleep until at_ns for a device's queue; the processor waits, too. */
static inline void spend_asleep(struct mm *mm, struct exec *exec, uint64_t at_ns)
{
    uint64_t ns = at_ns - exec->now_ns;
    spend(mm, exec, TIME_device_write_wait, ns);
    exec->waited_ns += ns;
}

static inline void spend_cost(struct mm *mm, struct exec *exec, enum time_kind kind, enum cost cost)
{
    spend(mm, exec, kind, mm->costs->ns[cost]);
}

/* Bytes of a page are read or written in the memory of `node`: further away costs more. */
static inline void spend_distance(struct mm *mm, struct exec *exec, uint32_t node, uint32_t bytes)
{
    if (node == exec->node)
        return;
    uint64_t beyond = mm->config->machine.node_distances[exec->node][node] - DISTANCE_LOCAL;
    spend(mm, exec, TIME_remote_memory,
          mm->costs->ns[COST_remote_page] * beyond * bytes /
              (DISTANCE_LOCAL * (uint64_t)PAGE_BYTES));
}

/* spend_in_lock() and spend_on_line() where others may have, or want, the same (locking.c). */
void spend_in_shared_lock(struct mm *mm, struct exec *exec, enum time_kind time,
                          enum lock_kind kind, struct spinlock *lock, uint64_t hold_ns);
void spend_on_shared_line(struct mm *mm, struct exec *exec, enum time_kind time,
                          struct cache_line *line);

/* Whoever is alone need not look at a line that is its own; where there is one processor and
 * nobody works beside it all are, and what lies in thousands of locks of slots and trees is not
 * even read: 15 instructions a fault, and two misses in the host's caches with 4 million pages. */
static inline bool line_is_own(const struct mm *mm, const struct cache_line *line, uint32_t cpu)
{
    return mm->one_at_a_time || cache_line_is_own(line, cpu);
}

/* Does nobody else do anything before until_ns? */
static inline bool is_alone_until(const struct mm *mm, uint64_t until_ns)
{
    return mm->one_at_a_time || until_ns <= mm->events->alone_until_ns;
}

/* spend_in_lock() of a lock that is this processor's, while nobody else does anything. */
static inline void spend_in_own_lock(struct mm *mm, struct exec *exec, enum time_kind time,
                                     enum lock_kind kind, uint64_t hold_ns)
{
    uint64_t use_ns = mm->costs->ns[COST_lock_uncontended] + hold_ns;
    lock_count(&mm->locks[kind], 1, use_ns);
    spend(mm, exec, time, use_ns);
}

/* So many of these at once, for which the executor's clock has been set. */
static inline void count_own_locks(struct mm *mm, enum time_kind time, enum lock_kind kind,
                                   enum cost hold, uint64_t times)
{
    uint64_t use_ns = times * (mm->costs->ns[COST_lock_uncontended] + mm->costs->ns[hold]);
    lock_count(&mm->locks[kind], times, use_ns);
    mm->time_ns[time] += use_ns;
}

/* Take a lock, hold it and let it go: all of that is time of the given kind.
 * A fault takes a dozen, nearly all of them its own processor's while nobody else does
 * anything: these cost 15 instructions each in place of 60. */
static inline void spend_in_lock(struct mm *mm, struct exec *exec, enum time_kind time,
                                 enum lock_kind kind, struct spinlock *lock, uint64_t hold_ns)
{
    uint64_t use_ns = mm->costs->ns[COST_lock_uncontended] + hold_ns;
    if (line_is_own(mm, &lock->line, exec->cpu) && is_alone_until(mm, exec->now_ns + use_ns))
        spend_in_own_lock(mm, exec, time, kind, hold_ns);
    else
        spend_in_shared_lock(mm, exec, time, kind, lock, hold_ns);
}

/* One atomic update of a line, in the same way. */
static inline void spend_on_line(struct mm *mm, struct exec *exec, enum time_kind time,
                                 struct cache_line *line)
{
    uint64_t use_ns = mm->costs->ns[COST_atomic_local];
    if (line_is_own(mm, line, exec->cpu) && is_alone_until(mm, exec->now_ns + use_ns))
        spend(mm, exec, time, use_ns);
    else
        spend_on_shared_line(mm, exec, time, line);
}

/* When a processor asks for what it only waits for: not before it is done with the last
 * such thing, as no work of its own lies between. */
static inline uint64_t wait_begins(const struct mm *mm, const struct exec *exec)
{
    uint64_t released_ns = mm->lock_released_ns[exec->cpu];
    return exec->now_ns > released_ns ? exec->now_ns : released_ns;
}

/* An atomic update of a counter that all processors share: the update is part of other
 * costs, what is spent here is the line's way, and the wait for it. */
void spend_on_shared_counter(struct mm *mm, struct exec *exec, struct cache_line *line);
static inline void spend_on_counter(struct mm *mm, struct exec *exec, struct cache_line *line)
{
    if (mm->topology.cpus > 1)
        spend_on_shared_counter(mm, exec, line);
}

/* A processor's own lock is held so many times, one after another, from start_ns on for use_ns in
 * all: nobody waits. */
static inline void count_own_lock(struct mm *mm, struct exec *exec, enum lock_kind kind,
                                  uint64_t times, uint64_t start_ns, uint64_t use_ns)
{
    lock_count(&mm->locks[kind], times, use_ns);
    mm->lock_released_ns[exec->cpu] = start_ns + use_ns;
}

/* The same, once, if nobody else may have it or want it first.  Others who are woken while the
 * executor's clock has not come to its end see that it is taken. */
static inline bool hold_own_lock(struct mm *mm, struct exec *exec, enum lock_kind kind,
                                 struct spinlock *lock, uint64_t start_ns, uint64_t hold_ns)
{
    uint64_t use_ns = mm->costs->ns[COST_lock_uncontended] + hold_ns;
    if (!mm->one_at_a_time) {
        events_settle(mm->events, exec->now_ns);
        if (!cache_line_take_own(&lock->line, exec->cpu, start_ns, use_ns))
            return false;
    }
    count_own_lock(mm, exec, kind, 1, start_ns, use_ns);
    return true;
}

/* spend_in_lock() where the work under the lock is part of another cost, of which it is not
 * known when it is spent: what is spent here is the wait, and the way of the lock's
 * cache line.  A processor does not wait for itself.  Its own lock is taken without a call, three
 * times a fault: 1 to 3 % fewer instructions where one or two tasks have several processors. */
void spend_shared_lock_wait(struct mm *mm, struct exec *exec, enum time_kind time,
                            enum lock_kind kind, struct spinlock *lock, uint64_t start_ns,
                            uint64_t hold_ns);
static inline void spend_lock_wait(struct mm *mm, struct exec *exec, enum time_kind time,
                                   enum lock_kind kind, struct spinlock *lock, uint64_t hold_ns)
{
    uint64_t start_ns = wait_begins(mm, exec);
    if (!hold_own_lock(mm, exec, kind, lock, start_ns, hold_ns))
        spend_shared_lock_wait(mm, exec, time, kind, lock, start_ns, hold_ns);
}

/* After resident_pages or pool_pages has grown. */
static inline void note_peaks(struct mm *mm)
{
    if (mm->resident_pages > mm->resident_peak)
        mm->resident_peak = mm->resident_pages;
    if (mm->pool_pages > mm->pool_peak)
        mm->pool_peak = mm->pool_pages;
    if (mm->resident_pages + mm->pool_pages > mm->memory_peak)
        mm->memory_peak = mm->resident_pages + mm->pool_pages;
}

/* The length of a page's contents as its record has it; 0: it is not there. */
static inline uint32_t known_length(const struct mm *mm, uint32_t page)
{
    return mm->keeps_lengths ? mm->cold[page].length : 0;
}

/* Count an event of a cgroup on a node. */
static inline void count_event(struct mm *mm, uint32_t memcg, uint32_t node, enum counter counter,
                               uint64_t by)
{
    mm->counters[counter] += by;
    *memcg_counter(&mm->memcgs[memcg], counter) += by;
    mm->nodes[node].counters[counter] += by;
}

static inline struct address_space *page_space(struct mm *mm, uint32_t page)
{
    return &mm->spaces[mm->chunks[page >> mm->chunk_shift].space];
}

static inline bool has_files(const struct mm *mm)
{
    for (uint32_t space = 0; space < mm->space_count; space++)
        if (mm->spaces[space].file)
            return true;
    return false;
}

/* Where a page lies when each space begins at a multiple of TABLE_PAGES: page tables go by that,
 * and clusters of swap where slots have no numbers. */
static inline uint32_t page_address(const struct mm *mm, uint32_t page)
{
    if (!mm->addresses_differ) /* locks of slots and trees ask six times a fault */
        return page;
    return page + mm->spaces[mm->chunks[page >> mm->chunk_shift].space].address_offset;
}

/* The page-table page that maps it. */
static inline uint32_t page_table(const struct mm *mm, uint32_t page)
{
    return page_address(mm, page) >> TABLE_SHIFT;
}

/* The cgroup a page is charged to: its space's, or the nearest one still online. */
static inline uint32_t page_memcg(const struct mm *mm, uint32_t page)
{
    return mm->chunks[page >> mm->chunk_shift].memcg;
}

static inline uint32_t page_node(const struct mm *mm, uint32_t page)
{
    return bits_field(mm->cold[page].bits, PAGE_NODE_SHIFT);
}

static inline struct lruvec *page_lruvec(struct mm *mm, uint32_t page)
{
    return &mm->memcgs[page_memcg(mm, page)].lruvecs[page_node(mm, page)];
}

#endif

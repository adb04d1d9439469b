/* The swap layer: slots, the zero map, zswap before the devices, swap-in.
 *
 * Where a page goes when reclaim writes it out (swap_write, swap.c):
 *
 *      page ─▶ all zero? ──yes──▶ a mark in the zero map        (6.12+)
 *                │no
 *                ▼
 *            zswap_store ──yes──▶ compressed in a zswap pool
 *                │refused
 *                ▼
 *      writeback allowed? ──no──▶ stays in RAM, active
 *                │yes
 *                ▼
 *             device write (pswpout): a disk, or a zram device in the machine's memory
 *
 * Which device that is follows from the page's slot (slots.h): devices are filled by
 * priority. */
#ifndef ZSIM_SWAP_H
#define ZSIM_SWAP_H

#include "policies/policy.h"
#include "sim/base/prefetch.h"
#include "sim/mm/mm.h"
#include "sim/result.h"
#include "sim/swap/device.h"
#include "sim/swap/eviction_run.h"
#include "sim/swap/fault_run.h"
#include "sim/swap/pending_writes.h"
#include "sim/swap/slots.h"
#include "sim/swap/zram.h"

struct zswap;
struct swap_backing_hooks;

enum { HELD_WRITES_AT_MOST = 256 }; /* nr_requests of a queue with an I/O scheduler */

enum { SLOT_LOCKS_AT_MOST = 1024 }; /* clusters that have a lock of their own here */

struct swap {
    struct mm *mm;
    struct zswap *zswap;
    struct device *devices;
    uint32_t device_count;
    bool has_zram, has_synchronous; /* one of them is */
    struct pending_writes writes;
    /* Pages whose writes an I/O scheduler has, for kblockd to dispatch. */
    struct {
        uint32_t page;
        struct device *device;
    } held_writes[HELD_WRITES_AT_MOST];
    uint32_t held_write_count;
    uint64_t slots, slots_used; /* pages over all devices */
    uint64_t names;             /* numbers of slots: more than slots where a slot is a name */
    uint64_t slots_taken;       /* so many so far, the last one by newest_slot_page */
    uint32_t newest_slot_page;
    const struct swap_backing_hooks *backing;
    const void *backing_params;
    bool takes_slot_on_entry; /* of the backing */

    /* One lock, or so many that clusters of pages' slots are dealt out to. */
    struct spinlock *slot_locks;
    struct spinlock cgroup_lock;  /* swap_cgroup_ctrl.lock, where the kernel has one */
    struct cache_line free_slots; /* nr_swap_pages */
    uint32_t slot_lock_count;
    struct {
        uint8_t ready, returned; /* slots that wait in a processor's slot cache */
    } * slot_caches;             /* [cpus] */

    /* Slots have numbers only where something asks which one a page has: several
     * devices, a zram device, or readahead that looks at a slot's neighbours. */
    bool numbered;
    bool numbered_when_written; /* a page has a number while it has room on a device */
    struct slot_map numbers;

    struct eviction_run evictions; /* under way, or none */
    struct fault_run faults;

    /* cluster readahead */
    uint32_t readahead_hits, readahead_previous, readahead_window;
    bool rotational; /* some device is: readahead goes by slots, not only that of files */
};

void swap_init(struct swap *swap, struct mm *mm, struct zswap *zswap);
void swap_release(struct swap *swap);

/* The hooks that mm calls (swap.c). */
bool swap_take_slot(void *swap, struct exec *exec, uint32_t page);
/* The time of that: the lock, and what is written of the cgroup. */
void swap_spend_on_slot(struct swap *swap, struct exec *exec, uint32_t page, uint32_t memcg);
enum swap_write_result swap_write(void *swap, struct exec *exec, uint32_t page);
void swap_flush_plug(void *swap, struct exec *exec);
void swap_settle_writes(void *swap, uint64_t now_ns);
/* kblockd has its turn: what I/O schedulers have goes to the devices. */
void swap_dispatch_writes(struct swap *swap, struct exec *exec);
void swap_wait_for_write(void *swap, struct exec *exec, uint32_t page);
void swap_free_slot(void *swap, struct exec *exec, uint32_t page);
bool swap_has_room(const void *swap, uint32_t memcg);
bool swap_half_full(const void *swap, uint32_t memcg);
/* Asks for the place of the page's object, where its length is known; else for the length. */
void swap_prefetch(const void *swap, uint32_t page);

/* Room on the devices and under memory.swap.max. */
static inline bool swap_device_has_room(const struct swap *swap, uint32_t memcg)
{
    if (swap->slots_used >= swap->slots)
        return false;
    if (!swap->mm->limits_swap)
        return true;
    for (const struct memcg *at = &swap->mm->memcgs[memcg]; at; at = at->above)
        if (at->swap_usage >= at->swap_max)
            return false;
    return true;
}

/* Does less than half of either remain? */
static inline bool swap_device_is_half_full(const struct swap *swap, uint32_t memcg)
{
    if ((swap->slots - swap->slots_used) * 2 < swap->slots)
        return true;
    if (!swap->mm->limits_swap)
        return false;
    for (const struct memcg *at = &swap->mm->memcgs[memcg]; at; at = at->above)
        if (at->swap_usage * 2 >= at->swap_max)
            return true;
    return false;
}

/* One more slot in use, of this cgroup; one less. */
static inline void swap_charge_slot(struct swap *swap, uint32_t memcg)
{
    swap->slots_used++;
    for (struct memcg *at = &swap->mm->memcgs[memcg]; at; at = at->above)
        at->swap_usage++;
}
static inline void swap_uncharge_slot(struct swap *swap, uint32_t memcg)
{
    swap->slots_used--;
    for (struct memcg *at = &swap->mm->memcgs[memcg]; at; at = at->above)
        at->swap_usage--;
}

/* In runs of evictions and of faults: is all that there is to taking a slot, and to giving one
 * back, on one processor, to count it? */
static inline bool swap_only_counts_slots(const struct swap *swap)
{
    const struct swap_config *config = &swap->mm->config->swap;
    return config->slot_lock == SLOT_LOCK_CLUSTER && config->cgroup_lock != SWAP_CGROUP_LOCK_DEVICE;
}
/* So many of them. */
static inline void swap_count_slot_locks(struct mm *mm, uint64_t slots)
{
    const uint64_t *ns = mm->costs->ns;
    lock_count(&mm->locks[LOCK_swap_slot], slots,
               slots * (ns[COST_lock_uncontended] + ns[COST_slot_lock_hold]));
}

/* What both kinds of runs need: slots without numbers, one zpool, entries on lists of their
 * cgroups, limits as from 6.10. */
bool swap_may_run(const struct swap *swap);

/* Without numbers, slots are taken to lie as the pages' addresses do.  There is a lock for each of
 * their clusters, or as many as there may be at most. */
static inline uint32_t swap_lock_number(const struct swap *swap, uint32_t page)
{
    return swap->slot_lock_count == 1
               ? 0
               : page_address(swap->mm, page) / CLUSTER_SLOTS % SLOT_LOCKS_AT_MOST;
}

/* Ask the host's caches for the lock of a page's slot, if it will be looked at. */
PREFETCHING void swap_prefetch_lock(const struct swap *swap, uint32_t page)
{
    if (swap->slot_lock_count > 1 && swap->mm->topology.cpus > 1)
        __builtin_prefetch(&swap->slot_locks[swap_lock_number(swap, page)], 1);
}

/* Pages that have a place in swap, those in the swap cache included. */
uint64_t swap_pages(const struct swap *swap);

/* Is there room on a device to write a page of this cgroup to?  Always, where pages
 * have had room since they entered the swap cache. */
static inline bool swap_has_backing_room(const struct swap *swap, uint32_t memcg)
{
    return swap->takes_slot_on_entry || swap_device_has_room(swap, memcg);
}
/* Take that room for a page that is about to be written, or give it back when it is
 * not after all.  False: there is none. */
bool swap_take_backing(struct swap *swap, uint32_t page);
void swap_drop_backing(struct swap *swap, uint32_t page);

/* Submit a page's write to its device (used by reclaim and by zswap writeback):
 * counts pswpout; sets PAGE_WRITEBACK unless the device is synchronous.  The page
 * has its backing. */
enum swap_write_result swap_write_to_device(struct swap *swap, struct exec *exec, uint32_t page);

/* Interrupts come at any time: what has been written by now is. */
static inline void swap_settle_due_writes(struct swap *swap, const struct exec *exec)
{
    if (pending_writes_any(&swap->writes))
        swap_settle_writes(swap, exec->now_ns);
}

/* The device of a page that has a slot (virtual swap: that is on a device, else any). */
static inline struct device *swap_device_of(const struct swap *swap, uint32_t page)
{
    if (!swap->numbered || !swap->device_count)
        return swap->devices;
    return &swap->devices[slot_map_device(&swap->numbers, swap->numbers.cold[page].slot)];
}

/* SWP_SYNCHRONOUS_IO of the device that the page's slot is on. */
bool swap_slot_is_synchronous(const struct swap *swap, uint32_t page);
static inline bool swap_is_synchronous(const struct swap *swap, uint32_t page)
{
    return swap->has_synchronous && swap_slot_is_synchronous(swap, page);
}

/* Is the page's place on a device (PAGE_ON_DISK) in compressed memory? */
static inline bool swap_is_on_zram(const struct swap *swap, uint32_t page)
{
    return swap->has_zram && swap_device_of(swap, page)->zram;
}

/* Where a read found the data. */
enum swap_source { SOURCE_ZERO, SOURCE_ZSWAP, SOURCE_ZRAM, SOURCE_DEVICE };

/* How bringing a page into the swap cache ended.  Memory may have to be reclaimed
 * for it, and others run meanwhile. */
enum swap_cache_result {
    CACHE_ADDED,
    CACHE_EXISTS, /* somebody else has brought it in */
    CACHE_GONE,   /* its slot was freed (the owner died), or the entry to write back is gone */
};

/* Bring a page that is not in RAM into the swap cache: allocate, charge, refault,
 * LRU, read.  *ready_ns: when its data is there. */
enum swap_cache_result swap_cache_read(struct swap *swap, struct exec *exec, uint32_t page,
                                       uint32_t node, enum swap_source *source, uint64_t *ready_ns);

/* Put a new folio for a page of the swap into RAM (the part that swap-in and
 * zswap writeback share): node page, charge, shadow, LRU batch.  `for_writeback`:
 * only while zswap still has the page. */
enum swap_cache_result swap_cache_add(struct swap *swap, struct exec *exec, uint32_t page,
                                      uint32_t node, bool for_writeback);

/* ---- faults (fault.c) -------------------------------------------------------- */

/* Read or write a page of a file: where it is in RAM and not in the swap cache, that is no
 * fault but a mark.  False: it is not such a page. */
bool swap_touch_file(struct swap *swap, uint32_t page, bool write);

/* Handle an access to a page that is not mapped.  exec->now_ns advances by the
 * processor time; *ready_ns > exec->now_ns when the task must wait for a device.
 * exec->killed: the task was killed on the way.  By steps: a run of faults ends before. */
enum fault_kind swap_fault_by_steps(struct swap *swap, struct exec *exec, uint32_t page, bool write,
                                    uint64_t *ready_ns);
static inline enum fault_kind swap_fault(struct swap *swap, struct exec *exec, uint32_t page,
                                         bool write, uint64_t *ready_ns)
{
    if (swap->mm->one_at_a_time && fault_run_take(swap, exec, page, write, ready_ns))
        return FAULT_zswap;
    return swap_fault_by_steps(swap, exec, page, write, ready_ns);
}

/* The owner drops a page's contents: RAM, slot and every copy are released. */
void swap_free_page(struct swap *swap, struct exec *exec, uint32_t page);

/* A process is gone: all pages of its space, and its page tables. */
void swap_free_space(struct swap *swap, struct exec *exec, uint32_t space);

/* ---- the axis "swap_backing" is in policies/swap_backing/swap_backing.h ------- */

#endif

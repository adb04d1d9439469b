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
 *             device write (pswpout)
 */
#ifndef ZSIM_SWAP_H
#define ZSIM_SWAP_H

#include "policies/policy.h"
#include "sim/mm/mm.h"
#include "sim/result.h"
#include "sim/swap/device.h"
#include "sim/swap/pending_writes.h"

struct zswap;
struct swap_backing_hooks;

struct swap {
    struct mm *mm;
    struct zswap *zswap;
    struct device *devices;
    uint32_t device_count;
    struct pending_writes writes;
    uint64_t slots, slots_used; /* pages over all devices */
    uint64_t names;             /* numbers of slots: more than slots where a slot is a name */
    uint64_t slots_taken;       /* so many so far, the last one by newest_slot_page */
    uint32_t newest_slot_page;
    const struct swap_backing_hooks *backing;
    const void *backing_params;

    /* One lock, or so many that clusters of pages' slots are dealt out to. */
    struct spinlock **slot_locks;
    uint32_t slot_lock_count;
    struct {
        uint8_t ready, returned; /* slots that wait in a processor's slot cache */
    } * slot_caches;             /* [cpus] */

    /* Slots have numbers only where cluster readahead looks at neighbours. */
    bool numbered;
    uint32_t *slot_of_page;  /* [pages] */
    uint32_t *page_of_slot;  /* [slots] */
    uint32_t *free_clusters; /* stack of clusters without a slot in use */
    uint32_t free_cluster_count, cluster_count;
    uint16_t *cluster_used;
    struct {
        uint32_t cluster, next;
    } * cpu_cluster;    /* [cpus]: where the next slot comes from */
    uint32_t scan_from; /* when no cluster is free */

    /* cluster readahead */
    uint32_t readahead_hits, readahead_previous, readahead_window;
    bool rotational, synchronous;
};

void swap_init(struct swap *swap, struct mm *mm, struct zswap *zswap);
void swap_release(struct swap *swap);

/* The hooks that mm calls (swap.c). */
bool swap_take_slot(void *swap, struct exec *exec, uint32_t page);
enum swap_write_result swap_write(void *swap, struct exec *exec, uint32_t page);
void swap_flush_plug(void *swap, struct exec *exec);
void swap_settle_writes(void *swap, uint64_t now_ns);
void swap_wait_for_write(void *swap, struct exec *exec, uint32_t page);
void swap_free_slot(void *swap, struct exec *exec, uint32_t page);
bool swap_has_room(const void *swap, uint32_t memcg);
bool swap_half_full(const void *swap, uint32_t memcg);

/* Is there room on a device to write a page of this cgroup to?  Always, where pages
 * have had room since they entered the swap cache. */
bool swap_has_backing_room(const struct swap *swap, uint32_t memcg);
/* Take that room for a page that is about to be written, or give it back when it is
 * not after all.  False: there is none. */
bool swap_take_backing(struct swap *swap, uint32_t page);
void swap_drop_backing(struct swap *swap, uint32_t page);

/* Submit a page's write to its device (used by reclaim and by zswap writeback):
 * counts pswpout; sets PAGE_WRITEBACK unless the device is synchronous.  The page
 * has its backing. */
enum swap_write_result swap_write_to_device(struct swap *swap, struct exec *exec, uint32_t page);

/* Where a read found the data. */
enum swap_source { SOURCE_ZERO, SOURCE_ZSWAP, SOURCE_DEVICE };

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

/* Handle an access to a page that is not mapped.  exec->now_ns advances by the
 * processor time; *ready_ns > exec->now_ns when the task must wait for a device.
 * exec->killed: the task was killed on the way. */
enum fault_kind swap_fault(struct swap *swap, struct exec *exec, uint32_t page, bool write,
                           uint64_t *ready_ns);

/* The owner drops a page's contents: RAM, slot and every copy are released. */
void swap_free_page(struct swap *swap, struct exec *exec, uint32_t page);

/* A process is gone: all pages of its space, and its page tables. */
void swap_free_space(struct swap *swap, struct exec *exec, uint32_t space);

/* ---- the axis "swap_backing" is in policies/swap_backing/swap_backing.h ------- */

#endif

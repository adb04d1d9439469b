/* What each step costs, in ns: the only numbers that are not mechanism.
 *
 * One row a cost.  Values come from a cost table file (configs/costs/NAME.json),
 * which gives every number with its source and range; nothing here is fitted to
 * a result. */
#ifndef ZSIM_ENGINE_COSTS_H
#define ZSIM_ENGINE_COSTS_H

#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "workloads/content/content.h"

/* clang-format off */
/* X(name, meaning) - all in ns */
#define COST_LIST(X) \
    X(hit, "an access to a mapped page, the program's own work around it included") \
    X(first_touch, "minor fault: allocate, zero and map a page") \
    X(fault, "major fault without the data: entry, slot look-up, allocate, map, exit") \
    X(minor_swap_cache, "fault on a page found in the swap cache") \
    X(scan_page, "take one page off an LRU, test its references, put it back or go on") \
    X(evict_page, "unmap, take a slot, remove from the swap cache and free, without compression") \
    X(store_entry, "zswap bookkeeping of one store: entry, index, charge") \
    X(load_entry, "zswap bookkeeping of one load") \
    X(allocator_alloc, "allocate and fill one compressed object") \
    X(allocator_free, "free one compressed object") \
    X(zero_page_check, "test a page for being zero or same-filled") \
    X(page_copy, "copy or fill 4 KiB") \
    X(disk_submit_read, "processor time to submit and complete one read") \
    X(disk_submit_write, "processor time to submit one write") \
    X(writeback_entry, "write one entry back: swap-cache page, checks, submit; without decompression") \
    X(rotate_entry, "look at one zswap entry and rotate it") \
    X(shrink_memcg, "one call of shrink_memcg without its entries") \
    X(skip_memcg, "pass over one removed cgroup in a walk over all of them") \
    X(worker_wakeup, "from queueing the shrink worker to its first step") \
    X(kswapd_wakeup, "from waking kswapd to its first step") \
    X(reclaim_call, "set up one reclaim run") \
    X(reclaim_visit, "come to one cgroup in a pass of reclaim over several, without its pages") \
    X(reclaim_pass, "one pass of memory.reclaim over a node, without the pages that it looks at") \
    X(atomic_local, "atomic update of a cache line this processor owns") \
    X(line_same_socket, "move a cache line between processors of a socket") \
    X(line_cross_socket, "move a cache line between sockets") \
    X(lock_uncontended, "take and release a free spinlock in a local line") \
    X(lru_lock_hold, "hold of an LRU lock for one list operation") \
    X(tree_lock_hold, "hold of the entry index's lock for one operation") \
    X(pool_lock_hold, "hold of an allocator lock for one operation") \
    X(slot_lock_hold, "hold of a swap device's or cluster's lock for one slot") \
    X(pool_map_hold, "hold of an allocator's pool lock to find one object's place") \
    X(zram_request, "one read or write of a zram device without compression and allocation") \
    X(context_switch, "switch a processor to another task") \
    X(shrinker_register, "make a slab shrinker known, or forget it, under the write side of a lock") \
    X(rcu_grace_period, "until every processor has been outside of RCU's read sides") \
    X(ipi_round, "flush the TLB of another processor by an interrupt and wait for its answer") \
    X(ipi_each, "the same for each further processor in one round") \
    X(ipi_received, "lost by a processor that is interrupted for a TLB flush") \
    X(smt_sibling, "lost of each 1000 ns of work while the other thread of the core is busy") \
    X(remote_page, "read or write 4 KiB in the memory of a node at distance 20, more than at 10")

/* clang-format on */
enum cost {
#define X(name, meaning) COST_##name,
    COST_LIST(X)
#undef X
        COSTS
};

struct cost_description {
    const char *name, *meaning;
};
extern const struct cost_description cost_descriptions[COSTS];

/* Time to compress or decompress one page: fixed + per_byte * compressed length,
 * in picoseconds a byte so that it stays in integers. */
struct codec_cost {
    uint64_t compress_ns, compress_ps_per_byte;
    uint64_t decompress_ns, decompress_ps_per_byte;
};

struct costs {
    const char *name; /* of the table */
    uint64_t ns[COSTS];
    struct codec_cost codec[COMPRESSORS_AT_MOST]; /* by index into compressors[] */
};

/* Read a table.  Every cost and every compressor must be there, unless it has a "base", the
 * built-in table, and says only what differs; messages go to `errors`.  Strings live in `arena`. */
bool costs_read(const char *path, struct costs *costs, struct arena *arena,
                struct diagnostics *errors);

static inline uint64_t costs_compress_ns(const struct costs *costs, unsigned compressor,
                                         uint32_t length)
{
    const struct codec_cost *codec = &costs->codec[compressor];
    return codec->compress_ns + codec->compress_ps_per_byte * length / 1000;
}

static inline uint64_t costs_decompress_ns(const struct costs *costs, unsigned compressor,
                                           uint32_t length)
{
    const struct codec_cost *codec = &costs->codec[compressor];
    return codec->decompress_ns + codec->decompress_ps_per_byte * length / 1000;
}

/* clang-format off */
/* Where time went: X(name, meaning) - the keys of "cost_ns" in a result. */
#define TIME_LIST(X) \
    X(user, "the program's own accesses") \
    X(process, "fork, exec, opening files and exit") \
    X(fault, "fault entry, allocation, mapping") \
    X(compress, "compression") \
    X(decompress, "decompression") \
    X(copy, "copying and filling whole pages") \
    X(zswap, "zswap bookkeeping and allocator work") \
    X(reclaim_scan, "scanning LRU lists") \
    X(evict, "unmapping and freeing reclaimed pages") \
    X(remote_memory, "pages of other nodes: what they cost more than near ones") \
    X(tlb_flush, "interrupting other processors to flush their TLBs, and waiting for them") \
    X(swap_io_cpu, "submitting device reads and writes") \
    X(reference, "pool references (kref or percpu_ref)") \
    X(counters, "writing counters that processors share: charges of cgroups, zswap's entries, free slots") \
    X(lru_lock_wait, "LRU locks of zswap: waiting for them, and holding them") \
    X(tree_lock_wait, "locks of the index of entries: waiting for them, and holding them") \
    X(pool_lock_wait, "locks of allocators: waiting for them, and holding them") \
    X(lruvec_lock_wait, "waiting for lruvec locks") \
    X(shrinker_lock_wait, "waiting for the word of shrinker_rwsem (up to 6.6)") \
    X(slot_lock_wait, "waiting for locks of swap slots") \
    X(swap_cgroup_lock_wait, "waiting for the lock of the map from swap slots to cgroups (up to 6.13)") \
    X(worker, "the zswap shrink worker") \
    X(kswapd, "kswapd") \
    X(device_read_wait, "tasks waiting for device reads") \
    X(device_write_wait, "tasks waiting for room in a device's queue") \
    X(throttle, "sleeping above memory.high") \
    X(cpu_wait, "runnable tasks waiting for a processor")

/* clang-format on */
enum time_kind {
#define X(name, meaning) TIME_##name,
    TIME_LIST(X)
#undef X
        TIME_KINDS
};
extern const struct cost_description time_descriptions[TIME_KINDS];

#endif

/* Everything that is counted, under the kernel's own names.
 *
 * One row a counter: the enum, the JSON key, the reference page and plot labels
 * come from this list.  Counts of the kernel's vmstat, memory.stat and zswap
 * debugfs keep their names and units; names that the kernel does not have are
 * marked "zsim". */
#ifndef ZSIM_BASE_COUNTERS_H
#define ZSIM_BASE_COUNTERS_H

#include <stdint.h>

/* clang-format off */
/* X(name, unit, origin, meaning) */
#define COUNTER_LIST(X) \
    X(accesses, "accesses", "zsim", "page accesses executed") \
    X(pgfault, "faults", "vmstat", "page faults completed, of any kind") \
    X(pgmajfault, "faults", "vmstat", "faults whose page was not in the swap cache (zswap loads included)") \
    X(pswpin, "pages", "vmstat", "pages read from swap devices") \
    X(pswpout, "pages", "vmstat", "pages written to swap devices, zswap writeback included") \
    X(zswpin, "pages", "vmstat", "pages loaded from zswap") \
    X(zswpout, "pages", "vmstat", "pages stored in zswap") \
    X(zswpwb, "pages", "vmstat", "pages written back from zswap to a device") \
    X(swpin_zero, "pages", "vmstat", "zero pages filled without zswap or a device (6.12+)") \
    X(swpout_zero, "pages", "vmstat", "zero pages marked in the swap map (6.12+)") \
    X(swap_ra, "pages", "vmstat", "pages read ahead from swap") \
    X(swap_ra_hit, "pages", "vmstat", "read-ahead pages that were then used") \
    X(pgscan_anon, "pages", "vmstat", "anonymous pages taken off an inactive tail by reclaim") \
    X(pgsteal_anon, "pages", "vmstat", "anonymous pages freed by reclaim") \
    X(pgscan_kswapd, "pages", "vmstat", "pages scanned by kswapd") \
    X(pgscan_direct, "pages", "vmstat", "pages scanned by direct reclaim, limit reclaim included (memory.stat's scope)") \
    X(pgscan_proactive, "pages", "vmstat", "pages scanned by memory.reclaim") \
    X(pgsteal_kswapd, "pages", "vmstat", "pages freed by kswapd") \
    X(pgsteal_direct, "pages", "vmstat", "pages freed by direct reclaim, limit reclaim included") \
    X(pgsteal_proactive, "pages", "vmstat", "pages freed by memory.reclaim") \
    X(pgrefill, "pages", "vmstat", "pages scanned on active lists") \
    X(pgactivate, "pages", "vmstat", "pages moved to an active list") \
    X(pgdeactivate, "pages", "vmstat", "pages moved from an active to an inactive list") \
    X(pgrotated, "pages", "vmstat", "pages moved to an inactive tail when their write ended") \
    X(workingset_refault_anon, "pages", "vmstat", "evicted anonymous pages that came back") \
    X(workingset_activate_anon, "pages", "vmstat", "refaults that went to the active list at once") \
    X(workingset_restore_anon, "pages", "vmstat", "refaults of pages that had been active before") \
    X(nr_vmscan_write, "pages", "vmstat", "successful calls of the swap writer, zswap and zero pages included") \
    X(allocstall, "runs", "vmstat", "global direct reclaim runs") \
    X(pageoutrun, "runs", "vmstat", "kswapd runs") \
    X(nr_tlb_remote_flush, "flushes", "vmstat", "times that reclaim interrupted other processors to flush their TLBs") \
    X(nr_tlb_remote_flush_received, "interrupts", "vmstat", "processors that were interrupted by them") \
    X(oom_kill, "kills", "vmstat", "tasks killed for lack of memory") \
    X(slabs_scanned, "objects", "vmstat", "objects scanned by slab shrinkers (zswap's)") \
    X(pool_limit_hit, "stores", "zswap", "stores tried while the pool was at its limit") \
    X(written_back_pages, "pages", "zswap", "entries written back") \
    X(reject_reclaim_fail, "attempts", "zswap", "failed writeback attempts (no store is refused by it)") \
    X(reject_alloc_fail, "pages", "zswap", "stores refused because the allocator failed") \
    X(reject_compress_fail, "pages", "zswap", "stores refused because compression failed") \
    X(reject_compress_poor, "pages", "zswap", "stores refused because the page compressed too little") \
    X(reject_kmemcache_fail, "pages", "zswap", "stores refused because no entry could be allocated: always 0, since an entry takes no memory here") \
    X(duplicate_entry, "pages", "zswap", "stores that replaced an older entry of the same slot (up to 6.8)") \
    X(decompress_fail, "pages", "zswap", "loads or writebacks that failed to decompress: always 0, since no object is ever damaged here") \
    X(memory_max, "events", "memory.events", "charges that met memory.max") \
    X(memory_high, "events", "memory.events", "throttling episodes above memory.high") \
    X(memory_low, "events", "memory.events", "reclaims below memory.low") \
    X(memory_oom, "events", "memory.events", "charges that found nothing to reclaim") \
    X(swap_max, "events", "memory.swap.events", "swap-outs of this cgroup refused by a memory.swap.max") \
    X(swap_fail, "events", "memory.swap.events", "swap-outs that found no slot, or were refused one") \
    X(first_touch, "faults", "zsim", "first accesses to a page (the kernel fills it)") \
    X(minor_swap_cache, "faults", "zsim", "faults served by a page still in the swap cache") \
    X(fault_zswap, "faults", "zsim", "faults served by zswap or the zero map") \
    X(fault_disk, "faults", "zsim", "faults that waited for a device read") \
    X(refused_stores, "pages", "zsim", "stores that zswap refused, for any reason") \
    X(refused_by_limit, "pages", "zsim", "of these: refused by the pool limit or its hysteresis") \
    X(refused_by_memcg, "pages", "zsim", "of these: refused by memory.zswap.max") \
    X(refused_by_admission, "pages", "zsim", "of these: refused by the admission policy") \
    X(reclaim_in_vain, "runs", "zsim", "runs of reclaim for a limit, for memory.reclaim or by a task for itself that freed nothing; nearly all are tried again") \
    X(worker_wakeups, "runs", "zsim", "runs of the zswap shrink worker") \
    X(worker_gave_up, "runs", "zsim", "of these: ended by 16 failures") \
    X(shrink_memcg_calls, "calls", "zsim", "calls of shrink_memcg") \
    X(zswap_rotations, "entries", "zsim", "entries that spent their second chance") \
    X(zswap_entries_scanned, "entries", "zsim", "zswap LRU entries looked at by any shrinker") \
    X(fault_zram, "faults", "zsim", "faults served by a zram device") \
    X(disk_reads, "pages", "zsim", "pages read from devices that are not zram (of pswpin, or of files)") \
    X(disk_writes, "pages", "zsim", "pages written to devices that are not zram (of pswpout, or of files)") \
    X(zram_reads, "pages", "zram stat", "pages read from zram devices") \
    X(zram_writes, "pages", "zram stat", "pages written to zram devices") \
    X(zram_discards, "pages", "zram io_stat", "blocks of zram devices freed by their owner (notify_free and discards)") \
    X(failed_writes, "pages", "zram io_stat", "writes to zram devices that found no memory, or met mem_limit") \
    X(huge_pages_since, "pages", "zram mm_stat", "pages that zram devices stored uncompressed, so far") \
    X(zswap_invalidated, "entries", "zsim", "zswap entries dropped because their slot was freed or written again") \
    X(pages_freed, "pages", "zsim", "pages dropped by their owner") \
    X(unbacked_activate, "pages", "zsim", "pages reclaim had to keep because zswap refused and writeback is off")

/* clang-format on */
enum counter {
#define X(name, unit, origin, meaning) COUNTER_##name,
    COUNTER_LIST(X)
#undef X
        COUNTERS
};

struct counter_description {
    const char *name, *unit, *origin, *meaning;
};
extern const struct counter_description counter_descriptions[COUNTERS];

/* clang-format off */
/* Levels at one moment rather than counts: X(name, unit, origin, meaning) */
#define GAUGE_LIST(X) \
    X(resident_pages, "pages", "zsim", "pages in RAM, swap cache included") \
    X(inactive_anon, "pages", "memory.stat", "pages on inactive lists") \
    X(active_anon, "pages", "memory.stat", "pages on active lists") \
    X(swap_cache_pages, "pages", "memory.stat", "pages in RAM that hold a swap slot") \
    X(memory_current, "bytes", "memory", "charged memory, zswap's compressed bytes included on cgroup v2") \
    X(stored_pages, "pages", "zswap", "pages in zswap") \
    X(same_filled_pages, "pages", "zswap", "of these: same-filled, without an object (up to 6.11)") \
    X(stored_incompressible_pages, "pages", "zswap", "of these: stored uncompressed (6.18+)") \
    X(pool_total_size, "bytes", "zswap", "memory of all pools") \
    X(zswap_compressed_bytes, "bytes", "memory.zswap.current", "sum of compressed lengths") \
    X(swap_slots_used, "pages", "memory.swap.current", "swap slots in use") \
    X(swap_metadata_bytes, "bytes", "zsim", "RAM that says where swapped pages are, zswap's entries apart (not taken from the simulated RAM)") \
    X(disk_pages, "pages", "zsim", "pages whose only copy is on a device") \
    X(zero_pages, "pages", "zsim", "pages whose only copy is a mark in the zero map") \
    X(pools, "pools", "zsim", "zswap pools alive") \
    X(pressure_some_us, "us", "memory.pressure", "total of some: time in which some task stalled on memory") \
    X(pressure_full_us, "us", "memory.pressure", "total of full: time in which all tasks stalled on memory, or one had the processor for it") \
    X(pressure_some_avg10_ppm, "ppm", "memory.pressure", "some, average over 10 s, renewed every 2 s") \
    X(pressure_some_avg60_ppm, "ppm", "memory.pressure", "some, average over 60 s") \
    X(pressure_some_avg300_ppm, "ppm", "memory.pressure", "some, average over 300 s") \
    X(pressure_full_avg10_ppm, "ppm", "memory.pressure", "full, average over 10 s, renewed every 2 s") \
    X(pressure_full_avg60_ppm, "ppm", "memory.pressure", "full, average over 60 s") \
    X(pressure_full_avg300_ppm, "ppm", "memory.pressure", "full, average over 300 s") \
    X(orig_data_size, "bytes", "zram mm_stat", "uncompressed size of what zram devices hold") \
    X(compr_data_size, "bytes", "zram mm_stat", "compressed size of it") \
    X(mem_used_total, "bytes", "zram mm_stat", "memory of all zram devices") \
    X(mem_used_max, "bytes", "zram mm_stat", "the most it has been, device by device") \
    X(same_pages, "pages", "zram mm_stat", "same-filled pages on zram devices, without an object") \
    X(huge_pages, "pages", "zram mm_stat", "pages on zram devices stored uncompressed")

/* clang-format on */
enum gauge {
#define X(name, unit, origin, meaning) GAUGE_##name,
    GAUGE_LIST(X)
#undef X
        GAUGES
};
extern const struct counter_description gauge_descriptions[GAUGES];

#endif

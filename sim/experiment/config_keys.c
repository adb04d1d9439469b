#include "sim/experiment/config_keys.h"

#include <stddef.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/experiment/config_decode.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TABLE(rows, type)                                                                          \
    {                                                                                              \
        (rows), COUNT_OF(rows), sizeof(type)                                                       \
    }

/* ---- "machine" ----------------------------------------------------------- */

static const char *const tlb_names[] = {"none", "qemu", NULL};

#define FIELD(name) offsetof(struct machine_config, name)
static const struct param machine_rows[] = {
    {"cpus", PARAM_COUNT, FIELD(cpus), "1", 1, CPUS_AT_MOST, NULL, 0, "Processors.", NULL},
    {"sockets", PARAM_COUNT, FIELD(sockets), "1", 1, CPUS_AT_MOST, NULL, 0,
     "Sockets; processors are dealt out to them in equal runs. A cache line that moves between "
     "sockets costs line_cross_socket.",
     NULL},
    {"threads_per_core", PARAM_COUNT, FIELD(threads_per_core), "1", 1, 2, NULL, 0,
     "Hardware threads of a core. With 2, the second half of a socket's processors are the second "
     "threads of its cores; a thread loses smt_sibling while the other one is busy.",
     NULL},
    {"time_slice", PARAM_TIME, FIELD(time_slice_ns), "750us", 1000, 1e9, NULL, 0,
     "How long a task keeps its processor while others wait for it. 750 us are a kernel's on one "
     "processor; it takes 1.5 ms on 2 and 3, 2.25 ms on 4 to 7 and 3 ms on 8 and more.",
     "kernel/sched/fair.c, sysctl_sched_base_slice, scaled by get_update_sysctl_factor()"},
    {"tlb", PARAM_ENUM, FIELD(tlb), "none", 0, 0, tlb_names, 0,
     "none: every access sets the accessed bit of its page. qemu: only one whose translation is "
     "not in the TLB that QEMU keeps for its one processor, as reclaim does not flush it when it "
     "clears the bit.",
     "arch/x86/mm/pgtable.c, ptep_clear_flush_young(); QEMU's accel/tcg/cputlb.c"},
    {"total_ram_pages", PARAM_COUNT, FIELD(total_ram_pages), "0", 0, 0, NULL, 0,
     "Pages that zswap.max_pool_percent refers to; 0: the sum of the nodes. For replaying a case "
     "of a machine whose other memory is not simulated.",
     "mm/zswap.c, zswap_max_pages(): totalram_pages()"},
};
#undef FIELD

static const struct structured_key machine_structured[] = {
    {"nodes", "array", "machine.nodes[]", "[{\"memory\": \"4G\"}]",
     "Memory nodes, 1 to 8. Default: one of 4G."},
    {0},
};

static const struct structured_key node_structured[] = {
    {"distances", "array", NULL, "[10, 21]",
     "Distance to every node, itself included, as the firmware's SLIT has them: 10 is the node's "
     "own memory, 20 takes twice as long. Allocation falls back to the nearest node first; a page "
     "of another node costs remote_page for each 10 beyond 10. Default: 20 to all others."},
    {0},
};

static const struct param node_rows[] = {
    {"memory", PARAM_BYTES, offsetof(struct node_fields, memory), NULL, 1 << 20, 1ull << 44, NULL,
     PARAM_REQUIRED | PARAM_WHOLE_PAGES, "Memory managed by the page allocator on this node.",
     NULL},
};

/* ---- "vm" ---------------------------------------------------------------- */

static const char *const shrinker_locks[] = {"none", "rwsem", NULL};
static const char *const memcg_walks[] = {"full", "partial", NULL};
static const char *const memory_reclaim_batches[] = {"rest", "cluster", "quarter", NULL};
static const char *const page_table_levels[] = {"none", "last_level", "all", NULL};
static const char *const unmapped_swap_caches[] = {"write", "activate", NULL};
static const char *const cgroup_versions[] = {"v1", "v2", NULL};

#define FIELD(name) offsetof(struct vm_config, name)
static const struct param vm_rows[] = {
    {"swappiness", PARAM_COUNT, FIELD(swappiness), "60", 0, 200, NULL, 0,
     "Weight of anonymous against file memory in reclaim.  On cgroup v1 each cgroup keeps what "
     "it was made with: a change by an event is for the root cgroup alone.",
     "vm.swappiness, default 60; mem_cgroup_swappiness()"},
    {"page_cluster", PARAM_COUNT, FIELD(page_cluster), "3", 0, 10, NULL, 0,
     "Swap readahead covers up to 2^page_cluster pages; 0: none.", "vm.page-cluster, default 3"},
    {"swapin_readahead_hits", PARAM_COUNT, FIELD(swapin_readahead_hits), "4", 0, 1024, NULL, 0,
     "Hits of readahead by slots (rotational devices) before the run, from which its first fault "
     "opens a window; 4: a kernel that has booted just now, 0: one that has read alone for a "
     "while.  The kernel has one count for all processes.",
     "mm/swap_state.c, swapin_readahead_hits; what it decides: own measurement on 6.18"},
    {"watermark_scale_factor", PARAM_COUNT, FIELD(watermark_scale_factor), "10", 1, 3000, NULL, 0,
     "Distance between a node's watermarks, in 1/10000 of its memory.",
     "vm.watermark_scale_factor, default 10"},
    {"min_free_kbytes", PARAM_COUNT, FIELD(min_free_kbytes), "0", 0, 0, NULL, 0,
     "Free memory kept for the kernel, in KiB; 0: the kernel's own formula, of a kernel without "
     "khugepaged.  Where that runs (transparent huge pages are on) it is more, on small machines "
     "twice as much: give what /proc/sys/vm/min_free_kbytes says there.",
     "vm.min_free_kbytes; mm/page_alloc.c, calculate_min_free_kbytes(); mm/khugepaged.c, "
     "set_recommended_min_free_kbytes()"},
    {"memcg_stat_flush", PARAM_TIME, FIELD(memcg_stat_flush_ns), "2s", 0, SIMULATED_NS_AT_MOST,
     NULL, 0,
     "Memory cgroup statistics, which reclaim decides by, are folded in this often; 0: never by "
     "time.",
     "mm/memcontrol.c, FLUSH_TIME: 2 s"},
    {"memcg_stat_flushes_per_run", PARAM_COUNT, FIELD(memcg_stat_flushes_per_run), "0", 0, 1000000,
     NULL, 0,
     "And this many times in a run, evenly over the accesses of the first task, as a reader of "
     "memory.stat would cause; 0: none.",
     NULL},
    {"memcg_stat_flush_in_reclaim", PARAM_BOOL, FIELD(memcg_stat_flush_in_reclaim), NULL, 0, 0,
     NULL, PARAM_FROM_KERNEL,
     "Reclaim folds them in before each pass over a node, when more than 64 updates for each "
     "processor are pending: up to 6.7 of all cgroups, where zswap's charges count by the byte.",
     "mm/vmscan.c, prepare_scan_count(): mem_cgroup_flush_stats() up to 6.11"},
    {"memcg_stat_threshold", PARAM_BOOL, FIELD(memcg_stat_threshold), NULL, 0, 0, NULL,
     PARAM_FROM_KERNEL,
     "Who reads a cgroup's memory.stat folds its statistics in only when more than 64 updates for "
     "each processor are pending.  Up to 6.7 a number for all cgroups decides, which is left out.",
     "mm/memcontrol.c, memcg_vmstats_needs_flush(): from 6.8"},
    {"lru_add_batch", PARAM_COUNT, FIELD(lru_add_batch), NULL, 1, LRU_ADD_BATCH_AT_MOST, NULL,
     PARAM_FROM_KERNEL, "Folios that a processor collects before they reach an LRU.",
     "include/linux/pagevec.h, PAGEVEC_SIZE: 15, 31 from 6.10"},
    {"memcg_stock_slots", PARAM_COUNT, FIELD(memcg_stock_slots), NULL, 1, MEMCG_STOCK_SLOTS_AT_MOST,
     NULL, PARAM_FROM_KERNEL,
     "Cgroups of which a processor keeps charged pages at hand; one more makes it give back "
     "another's.",
     "mm/memcontrol.c, struct memcg_stock_pcp: 1, NR_MEMCG_STOCK = 7 from 6.16"},
    {"memcg_walk", PARAM_ENUM, FIELD(memcg_walk), NULL, 0, 0, memcg_walks, PARAM_FROM_KERNEL,
     "How limit and direct reclaim visit the cgroups below a limit: the full subtree every time, "
     "or part of it, going on where the last run stopped.",
     "mm/vmscan.c, shrink_node_memcgs(): partial from 6.11"},
    {"memory_reclaim_batch", PARAM_ENUM, FIELD(memory_reclaim_batch), NULL, 0, 0,
     memory_reclaim_batches, PARAM_FROM_KERNEL,
     "What one attempt for memory.reclaim is asked to free: all that is left, 32 pages of it, or a "
     "quarter of it; never less than 32 pages.",
     "mm/memcontrol.c, memory_reclaim(): rest up to 6.7, cluster in 6.8, quarter from 6.9"},
    {"cgroup_version", PARAM_ENUM, FIELD(cgroup_version), "v2", 0, 0, cgroup_versions, 0,
     "v2 charges compressed memory to the cgroup and applies memory.zswap.max; v1 does neither.",
     "mm/memcontrol.c, obj_cgroup_may_zswap()"},
    {"zero_map", PARAM_BOOL, FIELD(zero_map), NULL, 0, 0, NULL, PARAM_FROM_KERNEL,
     "Zero pages are marked in the swap map and reach neither zswap nor a device.",
     "mm/page_io.c, swap_writeout(): from 6.12"},
    {"unmapped_swap_cache", PARAM_ENUM, FIELD(unmapped_swap_cache), NULL, 0, 0,
     unmapped_swap_caches, PARAM_FROM_KERNEL,
     "What reclaim does with a dirty page that was read ahead from zswap and not used yet: write "
     "(store) it, or, as it is no anonymous page before it is mapped, activate it.  What was read "
     "ahead for nothing cannot be freed then before it is used, and a small cgroup may be "
     "OOM-killed.",
     "mm/vmscan.c, pageout(): folio_test_anon() from 6.16, swap_aops.writepage before; measured on "
     "6.18"},
    {"swap_cache_bypass", PARAM_BOOL, FIELD(swap_cache_bypass), NULL, 0, 0, NULL, PARAM_FROM_KERNEL,
     "Synchronous devices are read around the swap cache.",
     "mm/memory.c, do_swap_page(): there in 6.17, taken to be in 6.18, gone in 7.0"},
    {"shrinker_lock", PARAM_ENUM, FIELD(shrinker_lock), NULL, 0, 0, shrinker_locks,
     PARAM_FROM_KERNEL,
     "What reclaim holds while it calls slab shrinkers: a read side of one semaphore of the whole "
     "machine, which whoever makes a zsmalloc pool writes, or nothing (RCU).",
     "mm/vmscan.c, shrink_slab(): shrinker_rwsem up to 6.6"},
    {"charge_page_tables", PARAM_ENUM, FIELD(charge_page_tables), "all", 0, 0, page_table_levels, 0,
     "Page-table pages that are charged to the cgroup: none, those of the last level (one for "
     "every 512 pages touched), or all levels.",
     NULL},
};
static const struct axis_key vm_axes[] = {
    {"reclaim", "reclaim", FIELD(reclaim)},
    {"proactive_reclaim", "proactive_reclaim", FIELD(proactive_reclaim)},
    {0},
};
#undef FIELD

/* ---- "swap" -------------------------------------------------------------- */

static const char *const slot_locks[] = {"device", "cluster", NULL};
static const char *const cluster_orders[] = {"free", "free_then_nonfull", "nonfull_then_free",
                                             NULL};
static const char *const swap_cgroup_locks[] = {"none", "device", NULL};
static const struct param swap_rows[] = {
    {"slot_lock", PARAM_ENUM, offsetof(struct swap_config, slot_lock), NULL, 0, 0, slot_locks,
     PARAM_FROM_KERNEL,
     "device: slots are taken and given back under one lock, 64 at a time by each processor; "
     "cluster: one by one, under the lock of a cluster of 512.  So many slots does a processor "
     "also "
     "take from one of several devices before it looks for the first that is not full.",
     "mm/swapfile.c, mm/swap_slots.c: the slot cache is gone from 6.15"},
    {"cluster_order", PARAM_ENUM, offsetof(struct swap_config, cluster_order), NULL, 0, 0,
     cluster_orders, PARAM_FROM_KERNEL,
     "Where slots come from when a cluster of 512 has none left: a free cluster, else the next "
     "free slot of the device; a free one, else one of which slots were given back; one of which "
     "slots were given back, else a free one.  Where slots have numbers it decides which pages "
     "are neighbours.",
     "mm/swapfile.c, cluster_alloc_swap_entry(): lists of clusters that are not full from 6.12, "
     "before free ones from 6.18"},
    {"cgroup_lock", PARAM_ENUM, offsetof(struct swap_config, cgroup_lock), NULL, 0, 0,
     swap_cgroup_locks, PARAM_FROM_KERNEL,
     "How it is written down which cgroup a slot is charged to, when it is taken and when it is "
     "given back: under one lock of the device, or without a lock.",
     "mm/swap_cgroup.c, swap_cgroup_record(): swap_cgroup_ctrl.lock up to 6.13"},
};

static const struct axis_key swap_axes[] = {
    {"backing", "swap_backing", offsetof(struct swap_config, backing)},
    {"zram_allocator", "allocator", offsetof(struct swap_config, zram_allocator)},
    {0},
};

static const struct structured_key swap_structured[] = {
    {"devices", "array", "swap.devices[]", "[{\"name\": \"nvme0\", \"size\": \"8G\"}]",
     "Swap devices, at most 32. Default: one named nvme0 of 8G; []: none."},
    {0},
};

static const char *const device_types[] = {"disk", "zram", NULL};
static const char *const latency_distributions[] = {"constant", "exponential", "lognormal", "table",
                                                    NULL};
static const struct structured_key device_structured[] = {
    {"latency_table", "array", NULL, "[[0, 0.6], [50, 0.9], [99, 3], [100, 20]]",
     "Quantiles of the latency for latency_distribution \"table\": percent of requests, and what "
     "they take at most as a factor of read_latency or write_latency; from 0 to 100, straight "
     "lines between, at most 32."},
    {0},
};

#define FIELD(name) offsetof(struct swap_device_config, name)
static const struct param device_rows[] = {
    {"name", PARAM_STRING, FIELD(name), NULL, 0, 0, NULL, PARAM_REQUIRED, "Name in results.", NULL},
    {"size", PARAM_BYTES, FIELD(size), NULL, PAGE_BYTES, 1ull << 50, NULL,
     PARAM_REQUIRED | PARAM_WHOLE_PAGES,
     "Room for pages; of a zram device: before compression (disksize).", NULL},
    {"type", PARAM_ENUM, FIELD(type), "disk", 0, 0, device_types, 0,
     "zram: compressed pages in the machine's memory; their pool takes pages of the nodes, "
     "requests end in the caller. compressor and mem_limit are for zram, latencies to synchronous "
     "for disks.",
     "drivers/block/zram/zram_drv.c"},
    {"read_latency", PARAM_TIME, FIELD(read_latency_ns), "65us", 0, 1e12, NULL, 0,
     "One 4 KiB read on an idle device.",
     "NVMe 4 KiB random read at queue depth 1: 65 us (one user's report); a virtio disk 47 to 67 "
     "us, fault included"},
    {"write_latency", PARAM_TIME, FIELD(write_latency_ns), "20us", 0, 1e12, NULL, 0,
     "One 4 KiB write on an idle device.", "estimate: an SSD answers from its write cache"},
    {"latency_distribution", PARAM_ENUM, FIELD(latency_distribution), "constant", 0, 0,
     latency_distributions, 0,
     "How latencies vary around read_latency and write_latency, which are their means; \"table\": "
     "by latency_table.",
     NULL},
    {"latency_p99_ratio", PARAM_REAL, FIELD(latency_p99_ratio), "4", 1, 1000, NULL, 0,
     "Lognormal latencies: the 99th percentile over the median.", NULL},
    {"request_overhead", PARAM_TIME, FIELD(request_overhead_ns), "0", 0, 1e12, NULL, 0,
     "Time that the device takes for a request before its latency, one request after the other, "
     "such as a virtio disk whose host has one thread for it.",
     "own measurement (block_rq_issue, block_rq_complete): writes of a burst end 8.5 us apart"},
    {"merge", PARAM_BOOL, FIELD(merge), "false", 0, 0, NULL, 0,
     "Writes of one plug to neighbouring slots are one request, of one latency; else each page "
     "has its own.",
     "block/blk-merge.c, blk_attempt_plug_merge()"},
    {"io_scheduler", PARAM_BOOL, FIELD(io_scheduler), "false", 0, 0, NULL, 0,
     "An I/O scheduler such as mq-deadline is attached: a write that is submitted outside a plug, "
     "as the shrink worker does, reaches the device when its submitter leaves the processor to "
     "the thread that dispatches it (kblockd).",
     "block/blk-mq.c, blk_mq_submit_bio(); queue/scheduler"},
    {"bandwidth", PARAM_BYTES, FIELD(bandwidth_bytes_per_s), "2G", 1, 0x1p62, NULL, 0,
     "Bytes per second over all transfers.", NULL},
    {"queue_depth", PARAM_COUNT, FIELD(queue_depth), "32", 1, 65536, NULL, 0,
     "Requests served at the same time.", NULL},
    {"interrupt_cpu", PARAM_COUNT, FIELD(interrupt_cpu), NULL, 0, CPUS_AT_MOST - 1, NULL, 0,
     "Processor that takes the interrupts of a device with one queue, such as a virtio disk: pages "
     "whose writes have ended wait there until they are lru_add_batch or reclaim runs on it, and "
     "cannot be freed meanwhile. Default: the processor that submitted a write takes its "
     "interrupt, as with a queue for each; its own reclaim finds all in place.",
     "mm/swap.c, folio_rotate_reclaimable(); which processor: /proc/interrupts"},
    {"duplex", PARAM_BOOL, FIELD(duplex), "false", 0, 0, NULL, 0,
     "Reads do not wait behind writes: each have bandwidth, queue_depth and requests of their own, "
     "as on NVMe, whose link carries both ways at once and whose queues are a processor's.",
     "NVM Express base specification: a pair of queues for each processor; PCI Express is duplex"},
    {"rotational", PARAM_BOOL, FIELD(rotational), "false", 0, 0, NULL, 0,
     "Readahead takes neighbouring slots instead of neighbouring pages.",
     "mm/swap_state.c, swap_use_vma_readahead()"},
    {"synchronous", PARAM_BOOL, FIELD(synchronous), "false", 0, 0, NULL, 0,
     "Transfers end in the caller, as on a RAM disk.", "SWP_SYNCHRONOUS_IO"},
    {"priority", PARAM_COUNT, FIELD(priority), "0", 0, 32767, NULL, 0,
     "Higher is filled first; equal ones take turns.", "swapon(2)"},
    {"compressor", PARAM_STRING, FIELD(compressor_name), "lzo-rle", 0, 0, NULL, 0,
     "Compressor of a zram device.",
     "/sys/block/zram0/comp_algorithm, default lzo-rle (CONFIG_ZRAM_DEF_COMP)"},
    {"mem_limit", PARAM_BYTES, FIELD(mem_limit), "0", 0, 0x1p62, NULL, PARAM_WHOLE_PAGES,
     "Memory that a zram device may take; a write that would need more fails, and its page stays "
     "in RAM. 0: no limit.",
     "/sys/block/zram0/mem_limit"},
};
#undef FIELD

/* ---- "zswap" ------------------------------------------------------------- */

static const char *const limit_rules[] = {"cached", "exact", NULL};
static const char *const load_rules[] = {"keeps", "exclusive", "exclusive_in_cache", NULL};
static const char *const kick_rules[] = {"when_full", "on_hysteresis", "on_any_refusal", NULL};
static const char *const incompressible_rules[] = {"rejected", "stored", NULL};
static const char *const duplicate_rules[] = {"removed_first", "counted", "replaced", NULL};
static const char *const worker_queues[] = {"bound", "unbound", NULL};
static const char *const list_lock_rules[] = {"per_node", "per_cgroup", NULL};
static const char *const index_lock_rules[] = {"per_device", "per_64m", NULL};
static const char *const zstd_libraries[] = {"zstd-1.4", "zstd", NULL};
static const char *const poor_counters[] = {"nothing", "compress_fail", "compress_poor", NULL};

#define FIELD(name) offsetof(struct zswap_config, name)
static const struct param zswap_rows[] = {
    {"enabled", PARAM_BOOL, FIELD(enabled), "true", 0, 0, NULL, 0,
     "Pages are stored. When it is turned off, what is stored stays until it is loaded or written "
     "back.",
     "/sys/module/zswap/parameters/enabled"},
    {"compressor", PARAM_STRING, FIELD(compressor_name), "lzo", 0, 0, NULL, 0,
     "Compressor of new pages; a change starts a new pool.",
     "/sys/module/zswap/parameters/compressor, default lzo"},
    {"max_pool_percent", PARAM_COUNT, FIELD(max_pool_percent), "20", 0, 100, NULL, 0,
     "The pools may take this part of all memory.",
     "/sys/module/zswap/parameters/max_pool_percent, default 20"},
    {"accept_threshold_percent", PARAM_COUNT, FIELD(accept_threshold_percent), "90", 0, 100, NULL,
     0,
     "Once full, zswap accepts pages again when the pools have shrunk to this part of their "
     "limit.",
     "/sys/module/zswap/parameters/accept_threshold_percent, default 90"},
    {"shrinker_enabled", PARAM_BOOL, FIELD(shrinker_enabled), "false", 0, 0, NULL, 0,
     "Memory pressure writes entries back through the slab shrinker (6.8+).",
     "/sys/module/zswap/parameters/shrinker_enabled"},
    {"shrinker_flush", PARAM_BOOL, FIELD(shrinker_flush), NULL, 0, 0, NULL, PARAM_FROM_KERNEL,
     "Before the shrinker counts what it could free, a cgroup's statistics are read, as by a "
     "reader of memory.stat.",
     "mm/zswap.c, zswap_shrinker_count(): mem_cgroup_flush_stats(), only late ones from 7.3"},
    {"limit_rule", PARAM_ENUM, FIELD(limit_rule), NULL, 0, 0, limit_rules, PARAM_FROM_KERNEL,
     "cached: the pool size is a cached sum, full when above the limit; exact: it is added up at "
     "every store, full when at the limit.",
     "mm/zswap.c, zswap_is_full() up to 6.9, zswap_check_limits() from 6.10"},
    {"load_rule", PARAM_ENUM, FIELD(load_rule), NULL, 0, 0, load_rules, PARAM_FROM_KERNEL,
     "A load keeps the entry or removes it. exclusive_in_cache leaves it to a read around the swap "
     "cache, whose fault gives the slot back, and the entry with it: here the two come to the "
     "same, "
     "and have names because the kernel's rules differ.",
     "mm/zswap.c, zswap_load(): keeps up to 6.8, exclusive in 6.9 and from 7.0, "
     "exclusive_in_cache between"},
    {"refusals_per_worker_run", PARAM_REAL, FIELD(refusals_per_worker_run), "0", 0, 1e6, NULL, 0,
     "The shrink worker starts once for so many refused stores, and its runs that write nothing "
     "take no time, for replaying a run whose rate is known; 0: when the wake-up and the "
     "processors "
     "let it.",
     NULL},
    {"kick_rule", PARAM_ENUM, FIELD(kick_rule), NULL, 0, 0, kick_rules, PARAM_FROM_KERNEL,
     "Which refused store wakes the shrink worker: at the limit only, also between limit and "
     "accept threshold, or any while the pool counts as full.",
     "mm/zswap.c, zswap_store(): when_full up to 6.4, on_hysteresis 6.5 to 6.9, on_any_refusal "
     "from 6.10"},
    {"incompressible_rule", PARAM_ENUM, FIELD(incompressible_rule), NULL, 0, 0,
     incompressible_rules, PARAM_FROM_KERNEL,
     "A page that does not compress below 4096 bytes is rejected or stored as it is.",
     "mm/zswap.c, zswap_compress(): stored from 6.18"},
    {"poor_counter", PARAM_ENUM, FIELD(poor_counter), NULL, 0, 0, poor_counters, PARAM_FROM_KERNEL,
     "What counts a compressor that found no room for its output.",
     "mm/zswap.c: nothing up to 6.6, reject_compress_fail from 6.7 (seen on 6.12.117 with lzo and "
     "zstd)"},
    {"duplicate_rule", PARAM_ENUM, FIELD(duplicate_rule), NULL, 0, 0, duplicate_rules,
     PARAM_FROM_KERNEL,
     "The older entry that a store finds in its slot: removed_first: it is freed before the limits "
     "are looked at; counted: so too, and duplicate_entry counts it; replaced: when the new one is "
     "complete.",
     "mm/frontswap.c, __frontswap_store() up to 6.5; mm/zswap.c, zswap_store() in 6.8 and 6.12"},
    {"worker_queue", PARAM_ENUM, FIELD(worker_queue), NULL, 0, 0, worker_queues, PARAM_FROM_KERNEL,
     "bound: the shrink worker runs on the processor that woke it, in front of what runs there; "
     "unbound: on a processor that has nothing to do.",
     "mm/zswap.c, shrink_wq: create_workqueue() in 6.1 to 6.8, WQ_UNBOUND in 6.12"},
    {"list_locks", PARAM_ENUM, FIELD(list_locks), NULL, 0, 0, list_lock_rules, PARAM_FROM_KERNEL,
     "Entry lists that share a lock: those of a node, or none (a lock for each cgroup and node).",
     "mm/list_lru.c: struct list_lru_node.lock up to 6.12, list_lru_one.lock from 6.13"},
    {"index_locks", PARAM_ENUM, FIELD(index_locks), NULL, 0, 0, index_lock_rules, PARAM_FROM_KERNEL,
     "The index of entries has one lock, or one for each 64 MiB of pages.",
     "mm/zswap.c: struct zswap_tree a device up to 6.8, for each 64 MiB of swap from 6.9"},
    {"zstd_library", PARAM_ENUM, FIELD(zstd_library), NULL, 0, 0, zstd_libraries, PARAM_FROM_KERNEL,
     "Which library the compressor \"zstd\" is.", "lib/zstd: 1.4.10 in 5.16 to 6.1, 1.5 from 6.2"},
    {"second_chance", PARAM_BOOL, FIELD(second_chance), NULL, 0, 0, NULL, PARAM_FROM_KERNEL,
     "Entries enter referenced; a shrinker clears that and rotates them once before it writes "
     "them back.",
     "mm/zswap.c, shrink_memcg_cb(): from 6.12"},
    {"stop_at_swap_cache", PARAM_BOOL, FIELD(stop_at_swap_cache), NULL, 0, 0, NULL,
     PARAM_FROM_KERNEL,
     "The shrinker's walk ends at an entry whose page is in the swap cache; false: with its batch.",
     "mm/zswap.c, shrink_memcg_cb(): LRU_RETRY in 6.8, LRU_STOP from 6.9"},
    {"same_filled_entries", PARAM_BOOL, FIELD(same_filled_entries), NULL, 0, 0, NULL,
     PARAM_FROM_KERNEL, "Pages of one repeated word become entries without an object.",
     "mm/zswap.c, zswap_is_page_same_filled(): up to 6.11"},
    {"object_header_bytes", PARAM_COUNT, FIELD(object_header_bytes), NULL, 0, 64, NULL,
     PARAM_FROM_KERNEL, "Bytes before every object, in pools whose allocator can evict.",
     "mm/zswap.c, struct zswap_header: 8 up to 6.4"},
    {"zpools", PARAM_COUNT, FIELD(zpools), NULL, 1, 32, NULL, PARAM_FROM_KERNEL,
     "Allocator instances in a pool, chosen by a hash of the entry.",
     "mm/zswap.c, ZSWAP_NR_ZPOOLS: 32 in 6.6 to 6.10"},
};
static const struct axis_key zswap_axes[] = {
    {"allocator", "allocator", FIELD(allocator)},
    {"lru", "zswap_lru", FIELD(lru)},
    {"writeback", "writeback", FIELD(writeback)},
    {"store_reclaim", "store_reclaim", FIELD(store_reclaim)},
    {"pool_ref", "pool_ref", FIELD(pool_ref)},
    {"shrinker", "shrinker", FIELD(shrinker)},
    {"admission", "admission", FIELD(admission)},
    {0},
};
#undef FIELD

/* ---- "cgroups" ----------------------------------------------------------- */

#define FIELD(name) offsetof(struct cgroup_config, name)
static const struct param cgroup_rows[] = {
    {"memory.min", PARAM_BYTES, FIELD(memory_min), "0", 0, 0, NULL,
     PARAM_OR_MAX | PARAM_WHOLE_PAGES, "Never reclaimed below this.", "cgroup v2, memory.min"},
    {"memory.low", PARAM_BYTES, FIELD(memory_low), "0", 0, 0, NULL,
     PARAM_OR_MAX | PARAM_WHOLE_PAGES, "Reclaimed below this only when nothing else is left.",
     "cgroup v2, memory.low"},
    {"memory.high", PARAM_BYTES, FIELD(memory_high), "max", 0, 0, NULL,
     PARAM_OR_MAX | PARAM_WHOLE_PAGES, "Above this, tasks reclaim and are throttled.",
     "cgroup v2, memory.high"},
    {"memory.max", PARAM_BYTES, FIELD(memory_max), "max", 0, 0, NULL,
     PARAM_OR_MAX | PARAM_WHOLE_PAGES, "Hard limit.", "cgroup v2, memory.max"},
    {"memory.swap.max", PARAM_BYTES, FIELD(memory_swap_max), "max", 0, 0, NULL,
     PARAM_OR_MAX | PARAM_WHOLE_PAGES, "Limit of swap slots, pages in zswap included.",
     "cgroup v2, memory.swap.max"},
    {"memory.zswap.max", PARAM_BYTES, FIELD(memory_zswap_max), "max", 0, 0, NULL,
     PARAM_OR_MAX | PARAM_WHOLE_PAGES, "Limit of compressed bytes.", "cgroup v2, memory.zswap.max"},
    {"memory.zswap.writeback", PARAM_BOOL, FIELD(memory_zswap_writeback), "true", 0, 0, NULL, 0,
     "Entries may be written back, and refused pages may go to a device; false here or in any "
     "ancestor forbids it.",
     "cgroup v2, memory.zswap.writeback (6.8+)"},
    {"object_stock", PARAM_BOOL, FIELD(object_stock), "false", 0, 0, NULL, 0,
     "A page is charged from the start, as for small kernel objects of its tasks that have been "
     "freed: zswap's charges take its bytes first.",
     "mm/memcontrol.c, obj_cgroup_charge(): bytes that a processor has in stock"},
    {"kernel_objects", PARAM_BYTES, FIELD(kernel_objects), "0", 0, 1ull << 40, NULL, 0,
     "Small kernel objects of its tasks that are charged from the start and stay (\"slab\" of "
     "memory.stat). Of cgroup v1: nothing.",
     "mm/memcontrol.c, obj_cgroup_charge()"},
    {"locked_memory", PARAM_BYTES, FIELD(locked_memory), "0", 0, 1ull << 40, NULL,
     PARAM_WHOLE_PAGES,
     "Memory of other programs that is charged from the start and that reclaim cannot take "
     "(\"unevictable\" of memory.stat).",
     "mm/mlock.c"},
};
#undef FIELD

/* ---- "tasks" ------------------------------------------------------------- */

#define FIELD(name) offsetof(struct task_fields, name)
static const struct param task_rows[] = {
    {"name", PARAM_STRING, FIELD(name), NULL, 0, 0, NULL, PARAM_REQUIRED,
     "Name in results; unique.", NULL},
    {"cgroup", PARAM_STRING, FIELD(cgroup), "/", 0, 0, NULL, 0,
     "Cgroup that its pages are charged to; a range such as \"/web[0..9]\" deals its replicas out.",
     NULL},
    {"device", PARAM_STRING, FIELD(device), "", 0, 0, NULL, 0,
     "Its accesses read, write and discard blocks of this one of the block devices, instead of "
     "memory; each task has its own files there. Empty: memory.",
     NULL},
    {"cpu", PARAM_COUNT, FIELD(cpu), NULL, 0, CPUS_AT_MOST - 1, NULL, 0,
     "Processor it starts on. Default: processors are dealt out to the tasks in turn; replicas "
     "take the following ones.",
     NULL},
    {"cpu_step", PARAM_COUNT, FIELD(cpu_step), "1", 1, CPUS_AT_MOST, NULL, 0,
     "From the processor of one replica to that of the next. A kernel deals tasks out to its "
     "sockets when they are forked: 4, for 32 replicas on 128 processors.",
     "kernel/sched/fair.c, sched_balance_find_dst_group()"},
    {"start", PARAM_TIME, FIELD(start_ns), "0", 0, SIMULATED_NS_AT_MOST, NULL, 0, "When it starts.",
     NULL},
    {"stop", PARAM_TIME, FIELD(stop_ns), "0", 0, SIMULATED_NS_AT_MOST, NULL, 0,
     "When it ends, whatever is left of its workload; 0: with its workload. Its memory stays.",
     NULL},
    {"burst", PARAM_COUNT, FIELD(burst), "0", 0, 0, NULL, 0,
     "Accesses after which the program does what \"burst_reclaim\" and \"burst_sleep\" say, each "
     "time; 0: never.",
     NULL},
    {"burst_reclaim", PARAM_BYTES, FIELD(burst_reclaim), "0", 0, 1ull << 44, NULL,
     PARAM_WHOLE_PAGES,
     "Bytes that it writes after each burst to memory.reclaim of its cgroup (of the first one, if "
     "it has several): it reclaims by itself, on its processor, and goes on when that is done; 0: "
     "it does not.",
     "mm/memcontrol.c, memory_reclaim()"},
    {"burst_tries", PARAM_COUNT, FIELD(burst_tries), "1", 1, 10000, NULL, 0,
     "How often it writes that, at most, while the kernel answers EAGAIN: 17 attempts have not "
     "freed all of it, as they cannot while a page of it is being written.",
     "mm/memcontrol.c, memory_reclaim(): MAX_RECLAIM_RETRIES"},
    {"burst_sleep", PARAM_TIME, FIELD(burst_sleep_ns), "0", 0, 1e15, NULL, 0,
     "How long it sleeps after each burst, off its processor.", NULL},
    {"think", PARAM_TIME, FIELD(think_ns), "0", 0, 1e12, NULL, 0,
     "Added to every access, on top of the cost \"hit\".", NULL},
    {"fill", PARAM_TIME, FIELD(fill_ns), "0", 0, 1e12, NULL, 0,
     "Added to the first access to a page, for a program that fills it.", NULL},
    {"load_before_store", PARAM_BOOL, FIELD(load_before_store), "false", 0, 0, NULL, 0,
     "A write reads the page first, so that it comes in by a read fault and keeps its swap slot; "
     "false: it comes in by a write fault.",
     NULL},
    {"count", PARAM_COUNT, FIELD(count), "1", 1, 65000, NULL, 0,
     "Replicas, each with a stream of its own: NAME.0, NAME.1, ...", NULL},
};
#undef FIELD

static const struct structured_key task_structured[] = {
    {"workload", "object", NULL,
     "{\"type\": \"zipf\", \"footprint\": \"256M\", \"accesses\": 1000000}",
     "Where its accesses come from; `zsim list workloads`. Required."},
    {"content", "object", NULL, DEFAULT_CONTENT,
     "What its pages hold; `zsim list contents`. Default: " DEFAULT_CONTENT "."},
    {"cgroups", "array", NULL, "[\"/hot\", \"/scan\"]",
     "Instead of \"cgroup\": one for each address space of the workload."},
    {"contents", "array", NULL,
     "[{\"type\": \"uniform\"}, {\"type\": \"emulator\", \"class\": \"mix\"}]",
     "Instead of \"content\": one for each address space of the workload."},
    {0},
};

/* ---- "events" ------------------------------------------------------------ */

#define FIELD(name) offsetof(struct event_fields, name)
static const struct param event_rows[] = {
    {"at", PARAM_TIME, FIELD(at_ns), NULL, 0, SIMULATED_NS_AT_MOST, NULL, 0,
     "When, in simulated time.", NULL},
    {"at_access", PARAM_COUNT, FIELD(at_access), NULL, 0, 0, NULL, 0,
     "Or: before this access of the first task, counted from 0.", NULL},
    {"set", PARAM_STRING, FIELD(set), NULL, 0, 0, NULL, 0,
     "Change this key, such as \"zswap.compressor\" or \"cgroups./web.memory.max\".", NULL},
    {"offline", PARAM_STRING, FIELD(offline), NULL, 0, 0, NULL, 0,
     "Remove this cgroup: its charge and entries move to the parent.", NULL},
    {"reclaim", PARAM_STRING, FIELD(reclaim), NULL, 0, 0, NULL, 0,
     "Write \"bytes\" to memory.reclaim of this cgroup.", "cgroup v2, memory.reclaim"},
    {"bytes", PARAM_BYTES, FIELD(bytes), NULL, 1, 0x1p62, NULL, 0, "How much to reclaim.", NULL},
    {"snapshot", PARAM_STRING, FIELD(snapshot), NULL, 0, 0, NULL, 0,
     "Record all counters under this label.", NULL},
    {"flush", PARAM_BOOL, FIELD(flush), "false", 0, 0, NULL, 0,
     "Fold in memory cgroup statistics now.", NULL},
};
#undef FIELD

static const struct structured_key event_structured[] = {
    {"value", "any", NULL, "\"zstd\"", "With \"set\": the new value, as in the config."},
    {0},
};

/* ---- "engine" ------------------------------------------------------------ */

#define FIELD(name) offsetof(struct engine_config, name)
static const struct param engine_rows[] = {
    {"quantum", PARAM_TIME, FIELD(quantum_ns), "100us", 100, 1e12, NULL, 0,
     "How far a task may run ahead of the others between faults.", NULL},
    {"series_interval", PARAM_TIME, FIELD(series_interval_ns), "0", 0, SIMULATED_NS_AT_MOST, NULL,
     0, "A row of the time series this often, at most 1000000 in a run; 0: none by time.", NULL},
    {"series_rows", PARAM_COUNT, FIELD(series_rows), "100", 0, SERIES_ROWS_AT_MOST, NULL, 0,
     "And this many rows, evenly over the accesses of the first task; 0: none.", NULL},
    {"per_cpu", PARAM_BOOL, FIELD(per_cpu), "false", 0, 0, NULL, 0,
     "The result has user, sys, iowait and idle time of every processor, not only their sums.",
     NULL},
    {"bound", PARAM_BOOL, FIELD(bound), "false", 0, 0, NULL, 0,
     "Compute the least disk reads and fault time that any policy could have had with these "
     "accesses and limits, for comparison; costs about as much as the run. See docs/bound.md.",
     NULL},
};
#undef FIELD

/* ---- the document and variants ------------------------------------------- */

static const struct structured_key document_structured[] = {
    {"question", "string", NULL, "\"Does the pool limit matter?\"",
     "What the experiment asks; shown with the results."},
    {"directory", "string", NULL, "\"../..\"",
     "Where file names of this config start from, itself relative to the config. Default: where "
     "the config lies. `zsim expand` writes it."},
    {"kernel", "string", NULL, "\"v6.18\"",
     "Preset that gives the default of every key marked \"by kernel\"; `zsim list kernels`. "
     "Default: v6.18."},
    {"machine", "object", "machine", NULL, "Processors and memory."},
    {"vm", "object", "vm", NULL, "Reclaim and its sysctls."},
    {"swap", "object", "swap", NULL, "Swap devices."},
    {"block_devices", "array", "block_devices[]",
     "[{\"name\": \"zram0\", \"type\": \"zram\", \"size\": \"1G\"}]",
     "Block devices under file systems, for tasks with a \"device\". Default: none."},
    {"zswap", "object", "zswap", NULL, "Compressed swap cache."},
    {"cgroups", "object", "cgroups.PATH", "{\"/web\": {\"memory.max\": \"64M\"}}",
     "Memory cgroups by path. A parent must be listed; the root always exists. \"/web[0..9]\" is "
     "ten cgroups."},
    {"tasks", "array", "tasks[]", NULL, "Programs that touch memory. At least one."},
    {"events", "array", "events[]", NULL, "Changes while the simulation runs."},
    {"engine", "object", "engine", NULL, "Precision of the simulation, its series, its bound."},
    {"costs", "string", NULL, "\"costs/vm.json\"",
     "Cost table, relative to the config file. Default: the built-in table vm."},
    {"variants", "array", "variants[]", NULL,
     "What is compared: named changes to the document. Default: one variant, base, without "
     "changes."},
    {"sweep", "object", NULL, "{\"zswap.max_pool_percent\": [10, 20]}",
     "Dotted paths, each with a list of values; every combination is run with every variant."},
    {"seeds", "any", NULL, "\"1..5\"",
     "What generators and drawn latencies begin with, one run each: a range, a list or one number; "
     "page contents have a seed of their own, content.seed, the same in all runs. Default: 1."},
    {"figures", "array", NULL, "[{\"template\": \"bars\", \"title\": \"Writeback\"}]",
     "Figures for scripts/plot: \"template\" and \"title\", and whatever the template takes."},
    {0},
};

struct variant_fields {
    const char *name;
};
static const struct param variant_rows[] = {
    {"name", PARAM_STRING, offsetof(struct variant_fields, name), NULL, 0, 0, NULL, PARAM_REQUIRED,
     "Name in results; unique.", NULL},
};
static const struct structured_key variant_structured[] = {
    {"set", "object", NULL, "{\"zswap.lru\": \"per_pool\"}",
     "What differs from the base, by dotted path. Default: nothing."},
    {0},
};

/* ---- all sections -------------------------------------------------------- */

const struct config_section section_document = {"", "The document.", NO_PARAMS, NULL,
                                                document_structured};
const struct config_section section_machine = {"machine", "Processors and memory.",
                                               TABLE(machine_rows, struct machine_config), NULL,
                                               machine_structured};
const struct config_section section_node = {"machine.nodes[]", "One memory node.",
                                            TABLE(node_rows, struct node_fields), NULL,
                                            node_structured};
const struct config_section section_vm = {
    "vm", "Page reclaim: sysctls and the rules of the kernel's era.",
    TABLE(vm_rows, struct vm_config), vm_axes, NULL};
const struct config_section section_swap = {"swap", "Where pages go that leave memory.",
                                            TABLE(swap_rows, struct swap_config), swap_axes,
                                            swap_structured};
const struct config_section section_device = {"swap.devices[]", "One swap device.",
                                              TABLE(device_rows, struct swap_device_config), NULL,
                                              device_structured};
const struct config_section section_block_device = {
    "block_devices[]",
    "One block device under a file system; \"priority\" and \"interrupt_cpu\" have no meaning "
    "here.",
    TABLE(device_rows, struct swap_device_config), NULL, device_structured};
const struct config_section section_zswap = {
    "zswap", "The compressed swap cache: parameters and the rules of the kernel's era.",
    TABLE(zswap_rows, struct zswap_config), zswap_axes, NULL};
const struct config_section section_cgroup = {"cgroups.PATH", "One memory cgroup.",
                                              TABLE(cgroup_rows, struct cgroup_config), NULL, NULL};
const struct config_section section_task = {"tasks[]", "One program, or several equal ones.",
                                            TABLE(task_rows, struct task_fields), NULL,
                                            task_structured};
const struct config_section section_event = {
    "events[]",
    "One change: \"at\" or \"at_access\", and one of \"set\", \"offline\", "
    "\"reclaim\", \"snapshot\", \"flush\".",
    TABLE(event_rows, struct event_fields), NULL, event_structured};
const struct config_section section_engine = {"engine",
                                              "Precision of the simulation and of its time series.",
                                              TABLE(engine_rows, struct engine_config), NULL, NULL};
const struct config_section section_variant = {"variants[]", "One named set of changes.",
                                               TABLE(variant_rows, struct variant_fields), NULL,
                                               variant_structured};

const struct config_section *const config_sections[] = {
    &section_document,     &section_machine,
    &section_node,         &section_vm,
    &section_swap,         &section_device,
    &section_block_device, &section_zswap,
    &section_cgroup,       &section_task,
    &section_event,        &section_engine,
    &section_variant,      NULL,
};

const struct config_section *config_section_find(const char *path)
{
    for (size_t i = 0; config_sections[i]; i++)
        if (strcmp(config_sections[i]->path, path) == 0)
            return config_sections[i];
    return NULL;
}

const struct param *config_section_row(const struct config_section *section, const char *name)
{
    for (size_t i = 0; i < section->keys.count; i++)
        if (strcmp(section->keys.rows[i].name, name) == 0)
            return &section->keys.rows[i];
    return NULL;
}

const struct axis_key *config_section_axis(const struct config_section *section, const char *name)
{
    for (const struct axis_key *axis = section->axes; axis && axis->name; axis++)
        if (strcmp(axis->name, name) == 0)
            return axis;
    return NULL;
}

const struct runtime_key runtime_keys[] = {
    {&section_zswap, "enabled"},
    {&section_zswap, "compressor"},
    {&section_zswap, "max_pool_percent"},
    {&section_zswap, "accept_threshold_percent"},
    {&section_zswap, "shrinker_enabled"},
    {&section_vm, "swappiness"},
    {&section_vm, "page_cluster"},
    {&section_cgroup, "memory.min"},
    {&section_cgroup, "memory.low"},
    {&section_cgroup, "memory.high"},
    {&section_cgroup, "memory.max"},
    {&section_cgroup, "memory.swap.max"},
    {&section_cgroup, "memory.zswap.max"},
    {&section_cgroup, "memory.zswap.writeback"},
    {NULL, NULL},
};

bool config_key_is_runtime(const struct config_section *section, const char *name)
{
    for (const struct runtime_key *key = runtime_keys; key->section; key++)
        if (key->section == section && strcmp(key->name, name) == 0)
            return true;
    return false;
}

bool config_device_has(unsigned type, const char *name)
{
    static const char *const not_of[][14] = {
        [DEVICE_DISK] = {"compressor", "mem_limit", NULL},
        [DEVICE_ZRAM] = {"read_latency", "write_latency", "bandwidth", "queue_depth", "duplex",
                         "rotational", "synchronous", "latency_distribution", "latency_p99_ratio",
                         "merge", "io_scheduler", "interrupt_cpu", "request_overhead", NULL},
    };
    for (const char *const *key = not_of[type]; *key; key++)
        if (strcmp(*key, name) == 0)
            return false;
    return true;
}

size_t config_key_words(const struct param *row, const char *words[KEY_WORDS_AT_MOST])
{
    size_t count = 0;
    if (row->type == PARAM_ENUM)
        for (; row->choices[count] && count + 1 < KEY_WORDS_AT_MOST; count++)
            words[count] = row->choices[count];
    else if (row == config_section_row(&section_zswap, "compressor") ||
             row == config_section_row(&section_device, "compressor"))
        for (; compressors[count].name && count + 1 < KEY_WORDS_AT_MOST; count++)
            words[count] = compressors[count].name;
    words[count] = NULL;
    return count;
}

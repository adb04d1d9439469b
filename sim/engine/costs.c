#include "sim/engine/costs_table.h"

#include <string.h>

const struct cost_description cost_descriptions[COSTS] = {
#define X(name, meaning) {#name, meaning},
    COST_LIST(X)
#undef X
};

const struct cost_description time_descriptions[TIME_KINDS] = {
#define X(name, meaning) {#name, meaning},
    TIME_LIST(X)
#undef X
};

/* The table "vm", as in configs/costs/vm.json: a store or load adds up to what
 * was measured for it (tests/unit/test_costs.c). */
#define VM "a Debian 12 VM, kernel 6.18, 2 CPUs, virtio disk"
#define MEASURED "measured in " VM ": "
const struct cost_source costs_builtin[COSTS] = {
    [COST_hit] =
        {5, 1, 100,
         "estimate: a load that misses the first-level caches; a program's own work between two "
         "pages comes with \"think\""},
    [COST_first_touch] = {1312, 1070, 1600, MEASURED "minor fault, median 1292 to 1432 ns"},
    [COST_fault] =
        {3015, 2900, 3250,
         MEASURED "major fault on a zero page in the swap map, median 3115 ns, less page_copy for "
                  "filling it"},
    [COST_minor_swap_cache] = {1400, 1350, 1600,
                               MEASURED
                               "fault on a page in the swap cache, median 1352 to 1602 ns"},
    [COST_scan_page] =
        {400, 100, 800,
         "estimate: list operation and one reverse-map walk; a major fault in a thrashing "
         "cgroup takes 10 to 12.5 us, which leaves 0.9 to 3.4 us for about two scans beside "
         "one load and one store"},
    [COST_evict_page] = {2029, 1700, 2150,
                         MEASURED
                         "MADV_PAGEOUT of a zero page, median 2129 ns, less zero_page_check"},
    [COST_store_entry] =
        {336, 100, 700,
         "estimate: part of the store of 3:1 pages (median 4159 ns) that neither eviction "
         "nor compression explains, shared with allocator_alloc, less zsmalloc's read lock"},
    [COST_load_entry] =
        {1104, 900, 1300,
         MEASURED "load of a page stored uncompressed, median 4597 ns, less fault, allocator_free,"
                  " page_copy and zsmalloc's read locks"},
    [COST_allocator_alloc] = {350, 100, 700, "estimate: see store_entry"},
    [COST_allocator_free] = {350, 100, 700, "estimate: as allocator_alloc"},
    [COST_zero_page_check] = {100, 5, 200, "estimate: 4 KiB compared word by word"},
    [COST_page_copy] = {100, 50, 300, "estimate: 4 KiB at 40 GB/s in cache; slower from memory"},
    [COST_disk_submit_read] =
        {2000, 1000, 11000,
         "cited: software overhead of a swap fault with a device 4 us alone, 15 us contended"
         " (T. Chen, Y. Huang 2017), less what \"fault\" holds"},
    [COST_disk_submit_write] =
        {7400, 1900, 8500,
         MEASURED "a first touch that reclaims takes 8.6 us while zswap takes the pages and 14 us "
                  "while the disk does; the difference, and what a store costs beside compression"},
    [COST_writeback_entry] =
        {4000, 1000, 12000,
         MEASURED
         "22 to 32 us a page of the shrink worker, 31000 to 45000 pages a second; 23 us less "
         "decompression, allocator_free, disk_submit_write and, as each page is charged to a "
         "cgroup at its limit, the reclaim of another page, TLB flushes included: 0.37 ipi_round; "
         "and 0.26 us for counters whose lines come from the other processor"},
    [COST_rotate_entry] =
        {300, 150, 600,
         MEASURED "runs of the worker over 15 entries take 52 us beside 4 idle cgroups and 22 "
                  "removed ones; what these do not explain (shrink_memcg, skip_memcg), a share of "
                  "which may be the visit's"},
    [COST_shrink_memcg] =
        {250, 200, 310,
         MEASURED "each idle cgroup more makes each of the worker's 15 walks a run 0.24 us (of 10 "
                  "more), 0.25 (30), 0.29 (300) or 0.31 us (1,000) longer"},
    [COST_skip_memcg] = {90, 50, 100,
                         MEASURED "each removed cgroup that a page of tmpfs keeps makes each of "
                                  "the worker's walks 0.05 to 0.1 us longer (50 to 200 more)"},
    [COST_worker_wakeup] =
        {27000, 21000, 38000,
         MEASURED "from the event that queues the worker to the one that begins it, where it was "
                  "idle: median 26 to 27 us"},
    [COST_kswapd_wakeup] = {27000, 5000, 100000, "estimate: as worker_wakeup"},
    [COST_reclaim_call] = {2000, 500, 5000,
                           "estimate: scan control, statistics and draining of per-CPU batches"},
    [COST_reclaim_visit] =
        {110, 50, 130,
         MEASURED "1,000 idle cgroups more below a limit make a fault that reclaims there 11.6 us "
                  "longer, 300 more 3.4 us: by 10.2 visits of each in 100 faults, as the passes "
                  "of the model have"},
    [COST_reclaim_pass] = {2750, 500, 30000,
                           "estimate: of one cgroup: look-up, reference, sizes of lists, slab "
                           "shrinkers"},
    [COST_shrinker_register] = {2000, 500, 100000,
                                "estimate: a number, a list, and now and then larger maps of all "
                                "cgroups"},
    [COST_rcu_grace_period] = {16000000, 4000000, 40000000,
                               MEASURED
                               "membarrier(2) for all processes, which is a grace period, 15 to "
                               "23 ms at 250 ticks a second"},
    [COST_ipi_round] =
        {2000, 500, 12000,
         "estimate: two messages between virtual processors; membarrier(2), which does the same, "
         "takes 4.5 to 12 us in " VM ", on a busy host"},
    [COST_ipi_each] =
        {200, 100, 1500,
         "estimate: one more message and one more answer in a line that has moved; processors "
         "answer at the same time"},
    [COST_ipi_received] = {1000, 300, 9000,
                           "estimate: entry, flush and exit, half a round; 5 to 9 us in " VM
                           ", on a busy host"},
    [COST_smt_sibling] =
        {600, 250, 800,
         "estimate: two threads of a core do about a quarter more than one, so each takes 1.6 "
         "times as long"},
    [COST_remote_page] =
        {400, 200, 1000,
         "estimate: 64 lines, each 60 to 80 ns further away, about ten of them under way at a "
         "time"},
    [COST_atomic_local] =
        {7, 4, 12, "cited: uncontended atomic add 7 ns on a 2.6 GHz Skylake (T. Downs 2020)"},
    [COST_line_same_socket] =
        {50, 27, 100,
         "estimate: at least 70 cycles for a contended hand-over (T. Downs 2020), 27 ns at "
         "2.6 GHz"},
    [COST_line_cross_socket] = {120, 80, 300,
                                "estimate: two to three times a hand-over inside a socket"},
    [COST_lock_uncontended] =
        {15, 12, 21,
         "cited: uncontended compare-and-swap loop 12 ns, mutex 21 ns on a 2.6 GHz Skylake "
         "(T. Downs 2020)"},
    [COST_lru_lock_hold] = {50, 20, 200, "estimate: a list operation with its counters"},
    [COST_tree_lock_hold] = {80, 30, 300, "estimate: one index look-up and update"},
    [COST_pool_lock_hold] = {150, 50, 500,
                             "estimate: choice of a slot or return of one, with its list"},
    [COST_slot_lock_hold] = {50, 20, 200, "estimate: search of a cluster's map, its counters"},
    [COST_pool_map_hold] = {40, 20, 150, "estimate: a handle and a page's record are read"},
    [COST_zram_request] =
        {450, 200, 1360,
         "estimate: a request that lives on the stack, no queue, no interrupt; at "
         "most the 1708 ns of a 4 KiB read by lz4 (re-posted measurement) less "
         "decompression, which holds the reader's own system call"},
    [COST_context_switch] = {1500, 1000, 3000, "estimate: switch of address space and cold caches"},
};

const struct codec_source codecs_builtin[] = {
    {"lzo",
     {970, 270, 170, 205},
     MEASURED "stores of 53 to 3000 bytes 3.8 to 4.6 us, loads 4.66 to 5.35 us, less the other "
              "steps; straight lines, within 3 % of each total"},
    {"lzo-rle", {980, 265, 120, 250}, MEASURED "as lzo; stores 3.8 to 4.5 us, loads 4.6 to 5.4 us"},
    {"lz4",
     {680, 190, 120, 144},
     "estimate: lzo by the ratio of zram 4 KiB reads (re-posted measurement: lz4 1708 "
     "ns, lzo 2428 ns, zstd 5714 ns)"},
    {"lz4hc",
     {20000, 4000, 120, 144},
     "estimate: decompression as lz4; compression searches at level 9, an order of "
     "magnitude longer"},
    {"zstd",
     {4000, 1000, 2900, 600},
     "estimate: decompression longer than lzo's by the difference of zram 4 KiB reads, "
     "5714 and 2428 ns (re-posted measurement); compression such that a store takes 2.06"
     " times one with lz4, as swap-out on a phone (B. Song, C. Han 2024)"},
    {"zstd-1.4", {4000, 1000, 2900, 600}, "estimate: as zstd"},
    {"deflate",
     {61500, 10900, 2885, 3267},
     MEASURED "stores of 1304 to 4096 bytes 79 to 109 us, loads 7 to 17 us, less the other steps;"
              " a nearly empty page compresses in half the time"},
    {0},
};

void costs_set_builtin(struct costs *costs)
{
    memset(costs, 0, sizeof(*costs));
    costs->name = "vm";
    for (unsigned i = 0; i < COSTS; i++)
        costs->ns[i] = costs_builtin[i].ns;
    for (const struct codec_source *codec = codecs_builtin; codec->compressor; codec++) {
        int index = compressor_find(codec->compressor);
        if (index >= 0)
            costs->codec[index] = codec->cost;
    }
}

/* Kernel presets: what each kernel chooses on every axis and key that depends
 * on it.  Facts were read in the sources of stable releases 6.1, 6.2, 6.5, 6.8,
 * 6.12, 6.17, 7.0, 7.2 and 7.3; what a preset between them has follows from the patch series that
 * changed it, and 6.18 was measured.
 *
 * "SECTION.KEY.POLICY.PARAMETER" is the kernel's value for a parameter of a
 * policy, used whenever that policy is chosen, by the preset or by the user. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "policies/kernels.h"

/* clang-format off */

/* ---- what kernels have in common ------------------------------------------ */

#define EVERY_KERNEL_OVER(backing) \
    {"vm.reclaim", "classic"}, \
    {"vm.proactive_reclaim", "off"}, \
    {"swap.backing", backing}, \
    {"swap.zram_allocator", "zsmalloc"}, \
    {"zswap.admission", "always"}
#define EVERY_KERNEL EVERY_KERNEL_OVER("slots")

/* mm/vmscan.c, mm/workingset.c with LRU_GEN, where a config chooses it: aging changed in 6.3,
 * what counts as a refault in 6.5, tiers of refaulted pages in 6.12, all was reworked in 6.14. */
#define MGLRU(rules) {"vm.reclaim.mglru.rules", rules}

/* mm/zsmalloc.c: chains of 4 pages and four fullness groups; 8 from 6.3, groups
 * of 10 % from 6.4.  Class locks, with a reader-writer lock over the pool, in 6.1
 * (stable 6.1 later took over the one lock of 6.2) and from 6.11; one lock a pool in
 * 6.2 to 6.10; from 7.3 a free takes its class's lock alone. */
#define ZSMALLOC_AT(key, chain, selection, groups, which_locks) \
    {key ".zsmalloc.chain_size", chain}, \
    {key ".zsmalloc.class_selection", selection}, \
    {key ".zsmalloc.fullness", groups}, \
    {key ".zsmalloc.locks", which_locks}
#define ZSMALLOC(chain, selection, groups, which_locks) \
    ZSMALLOC_AT("zswap.allocator", chain, selection, groups, which_locks), \
    ZSMALLOC_AT("swap.zram_allocator", chain, selection, groups, which_locks)
#define ZSMALLOC_BEFORE_6_3(which_locks) \
    ZSMALLOC("4", "most_used", "four_groups", which_locks), \
    {"zswap.allocator.zsmalloc.oversize", "invalid"}
#define ZSMALLOC_FROM_6_4(which_locks) \
    ZSMALLOC("8", "least_waste", "ten_percent_groups", which_locks)

/* mm/memcontrol.c: charged pages of one cgroup a processor, of seven from 6.16 on. */
#define CHARGED_AT_HAND(slots) {"vm.memcg_stock_slots", slots}

/* include/linux/pagevec.h: 15 up to 6.9, then 31.  mm/vmscan.c: partial walks
 * from 6.11.  mm/page_io.c: zero map from 6.12.  mm/memory.c: the bypass of the
 * swap cache is there in 6.17 and gone in 7.0.  mm/vmscan.c: from 6.16 pageout() writes no page
 * that is not anonymous yet (measured on 6.18; 7.3 is taken to be the same); each pass of reclaim
 * flushes cgroup statistics up to 6.11; shrinker_rwsem is there up to 6.6.
 * mm/memcontrol.c: a threshold for each cgroup's readers from 6.8; memory_reclaim() asks for
 * 32 pages at a time in 6.8, for a quarter of what is left from 6.9 on. */
#define VM_RULES(batch, walk, proactive, zero, unmapped, bypass, flush, threshold, shrinkers) \
    {"vm.lru_add_batch", batch}, \
    {"vm.memcg_walk", walk}, \
    {"vm.memory_reclaim_batch", proactive}, \
    {"vm.zero_map", zero}, \
    {"vm.unmapped_swap_cache", unmapped}, \
    {"vm.memcg_stat_flush_in_reclaim", flush}, \
    {"vm.memcg_stat_threshold", threshold}, \
    {"vm.shrinker_lock", shrinkers}, \
    {"vm.swap_cache_bypass", bypass}

/* mm/zswap.c before 6.12 */
#define ZSWAP_UP_TO_6_11 \
    {"zswap.incompressible_rule", "rejected"}, \
    {"zswap.second_chance", "false"}, \
    {"zswap.same_filled_entries", "true"}, \
    {"zswap.shrinker", "protected"}, \
    {"zswap.shrinker_flush", "true"}

/* mm/zswap.c, mm/list_lru.c, mm/swapfile.c, mm/swap_cgroup.c: what one lock covers.  Up to
 * 6.8 there is an index a device; up to 6.12 a list lock a node; up to 6.13 one lock over
 * what slots are charged to; up to 6.14 a slot cache. */
#define LOCKS(index, list, slot, charge) \
    {"zswap.index_locks", index}, \
    {"zswap.list_locks", list}, \
    {"swap.slot_lock", slot}, \
    {"swap.cgroup_lock", charge}

/* mm/swapfile.c, cluster_alloc_swap_entry(): clusters of which slots were given back are
 * on a list from 6.12, behind the free ones; before them from 6.18. */
#define CLUSTERS(order) {"swap.cluster_order", order}

#define LOCKS_UP_TO_6_8 LOCKS("per_device", "per_node", "device", "device")
#define LOCKS_6_9_TO_6_12 LOCKS("per_64m", "per_node", "device", "device")
#define LOCKS_FROM_6_15 LOCKS("per_64m", "per_cgroup", "cluster", "none")

/* mm/zswap.c, mm/frontswap.c up to 6.5: frontswap drops the older entry of a slot
 * before zswap sees the page.  The shrink worker belongs to its processor up to 6.8. */
#define FRONTSWAP \
    {"zswap.duplicate_rule", "removed_first"}, \
    {"zswap.worker_queue", "bound"}

/* mm/zswap.c up to 6.2: the allocator keeps the LRU, objects carry a header.
 * There is no slab shrinker before 6.8: "shrinker" has no effect while
 * shrinker_enabled is false. */
#define ZSWAP_UP_TO_6_2 \
    {"zswap.stop_at_swap_cache", "false"}, \
    ZSWAP_UP_TO_6_11, \
    LOCKS_UP_TO_6_8, \
    FRONTSWAP, \
    {"zswap.allocator", "zbud"}, \
    {"zswap.lru", "allocator"}, \
    {"zswap.writeback", "allocator_page"}, \
    {"zswap.store_reclaim", "refuse"}, \
    {"zswap.pool_ref", "kref"}, \
    {"zswap.limit_rule", "cached"}, \
    {"zswap.load_rule", "keeps"}, \
    {"zswap.kick_rule", "when_full"}, \
    {"zswap.poor_counter", "nothing"}, \
    {"zswap.object_header_bytes", "8"}, \
    {"zswap.zpools", "1"}

/* mm/zswap.c from 6.8: a list a cgroup and node, one entry a node and turn */
#define ZSWAP_CGROUP_LISTS \
    {"zswap.allocator", "zsmalloc"}, \
    {"zswap.store_reclaim", "one_per_node"}, \
    {"zswap.zstd_library", "zstd"}, \
    {"zswap.object_header_bytes", "0"}

/* mm/zswap.c from 6.9 to 6.11: one LRU over all pools, percpu_ref */
#define ZSWAP_6_9_TO_6_11 \
    {"zswap.stop_at_swap_cache", "true"}, \
    ZSWAP_UP_TO_6_11, \
    LOCKS_6_9_TO_6_12, \
    ZSWAP_CGROUP_LISTS, \
    {"zswap.lru", "global"}, \
    {"zswap.pool_ref", "percpu_ref"}, \
    {"zswap.writeback", "single"}, \
    {"zswap.writeback.single.failure_accounting", "every_cgroup"}, \
    {"zswap.duplicate_rule", "replaced"}, \
    {"zswap.worker_queue", "unbound"}, \
    {"zswap.poor_counter", "compress_fail"}

/* mm/zswap.c from 6.12: second chance, attempts and failures counted apart */
#define ZSWAP_FROM_6_12(shrinker_flush) \
    {"zswap.shrinker_flush", shrinker_flush}, \
    {"zswap.stop_at_swap_cache", "true"}, \
    {"zswap.allocator", "zsmalloc"}, \
    {"zswap.object_header_bytes", "0"}, \
    {"zswap.lru", "global"}, \
    {"zswap.pool_ref", "percpu_ref"}, \
    {"zswap.writeback.single.failure_accounting", "attempts"}, \
    {"zswap.shrinker", "second_chance"}, \
    {"zswap.second_chance", "true"}, \
    {"zswap.same_filled_entries", "false"}, \
    {"zswap.limit_rule", "exact"}, \
    {"zswap.kick_rule", "on_any_refusal"}, \
    {"zswap.poor_counter", "compress_fail"}, \
    {"zswap.duplicate_rule", "replaced"}, \
    {"zswap.worker_queue", "unbound"}, \
    {"zswap.zstd_library", "zstd"}, \
    {"zswap.zpools", "1"}

#define ONE_ENTRY_A_NODE \
    {"zswap.writeback", "single"}, \
    {"zswap.store_reclaim", "one_per_node"}


/* ---- the kernels ---------------------------------------------------------- */

static const struct kernel_setting v6_1[] = {
    EVERY_KERNEL,
    MGLRU("v6.1"),
    {"vm.reclaim.classic.cost", "pageouts"},
    ZSMALLOC_BEFORE_6_3("per_class"),
    CHARGED_AT_HAND("1"),
    VM_RULES("15", "full", "rest", "false", "write", "true", "true", "false", "rwsem"),
    CLUSTERS("free"),
    ZSWAP_UP_TO_6_2,
    {"zswap.allocator.zsmalloc.evicts", "false"},
    {"zswap.zstd_library", "zstd-1.4"},
    {NULL, NULL},
};

static const struct kernel_setting v6_2[] = {
    EVERY_KERNEL,
    MGLRU("v6.1"),
    ZSMALLOC_BEFORE_6_3("pool"),
    CHARGED_AT_HAND("1"),
    VM_RULES("15", "full", "rest", "false", "write", "true", "true", "false", "rwsem"),
    CLUSTERS("free"),
    ZSWAP_UP_TO_6_2,
    {"zswap.zstd_library", "zstd"},
    {NULL, NULL},
};

static const struct kernel_setting v6_5[] = {
    EVERY_KERNEL,
    MGLRU("v6.5"),
    {"zswap.stop_at_swap_cache", "false"},
    ZSMALLOC_FROM_6_4("pool"),
    CHARGED_AT_HAND("1"),
    VM_RULES("15", "full", "rest", "false", "write", "true", "true", "false", "rwsem"),
    CLUSTERS("free"),
    ZSWAP_UP_TO_6_11,
    LOCKS_UP_TO_6_8,
    FRONTSWAP,
    {"zswap.zstd_library", "zstd"},
    {"zswap.allocator.zsmalloc.oversize", "invalid"},
    {"zswap.allocator", "zbud"},
    {"zswap.lru", "pool_list"},
    {"zswap.writeback", "pool_tail"},
    {"zswap.store_reclaim", "refuse"},
    {"zswap.pool_ref", "kref"},
    {"zswap.limit_rule", "cached"},
    {"zswap.load_rule", "keeps"},
    {"zswap.kick_rule", "on_hysteresis"},
    {"zswap.poor_counter", "nothing"},
    {"zswap.object_header_bytes", "0"},
    {"zswap.zpools", "1"},
    {NULL, NULL},
};

static const struct kernel_setting v6_8[] = {
    EVERY_KERNEL,
    MGLRU("v6.5"),
    {"zswap.stop_at_swap_cache", "false"},
    ZSMALLOC_FROM_6_4("pool"),
    CHARGED_AT_HAND("1"),
    VM_RULES("15", "full", "cluster", "false", "write", "true", "true", "true", "none"),
    CLUSTERS("free"),
    ZSWAP_UP_TO_6_11,
    LOCKS_UP_TO_6_8,
    ZSWAP_CGROUP_LISTS,
    {"zswap.allocator.zsmalloc.oversize", "invalid"},
    {"zswap.duplicate_rule", "counted"},
    {"zswap.worker_queue", "bound"},
    {"zswap.lru", "per_pool"},
    {"zswap.writeback", "single"},
    {"zswap.writeback.single.failure_accounting", "every_cgroup"},
    {"zswap.pool_ref", "kref"},
    {"zswap.limit_rule", "cached"},
    {"zswap.load_rule", "keeps"},
    {"zswap.kick_rule", "on_hysteresis"},
    {"zswap.poor_counter", "compress_fail"},
    {"zswap.zpools", "32"},
    {NULL, NULL},
};

static const struct kernel_setting v6_9[] = {
    EVERY_KERNEL,
    MGLRU("v6.5"),
    ZSMALLOC_FROM_6_4("pool"),
    CHARGED_AT_HAND("1"),
    VM_RULES("15", "full", "quarter", "false", "write", "true", "true", "true", "none"),
    CLUSTERS("free"),
    ZSWAP_6_9_TO_6_11,
    {"zswap.limit_rule", "cached"},
    {"zswap.load_rule", "exclusive"},
    {"zswap.kick_rule", "on_hysteresis"},
    {"zswap.zpools", "32"},
    {NULL, NULL},
};

static const struct kernel_setting v6_10[] = {
    EVERY_KERNEL,
    MGLRU("v6.5"),
    ZSMALLOC_FROM_6_4("pool"),
    CHARGED_AT_HAND("1"),
    VM_RULES("31", "full", "quarter", "false", "write", "true", "true", "true", "none"),
    CLUSTERS("free"),
    ZSWAP_6_9_TO_6_11,
    {"zswap.limit_rule", "exact"},
    {"zswap.load_rule", "exclusive_in_cache"},
    {"zswap.kick_rule", "on_any_refusal"},
    {"zswap.zpools", "32"},
    {NULL, NULL},
};

static const struct kernel_setting v6_11[] = {
    EVERY_KERNEL,
    MGLRU("v6.5"),
    ZSMALLOC_FROM_6_4("per_class"),
    CHARGED_AT_HAND("1"),
    VM_RULES("31", "partial", "quarter", "false", "write", "true", "true", "true", "none"),
    CLUSTERS("free"),
    ZSWAP_6_9_TO_6_11,
    {"zswap.limit_rule", "exact"},
    {"zswap.load_rule", "exclusive_in_cache"},
    {"zswap.kick_rule", "on_any_refusal"},
    {"zswap.zpools", "1"},
    {NULL, NULL},
};

static const struct kernel_setting v6_12[] = {
    EVERY_KERNEL,
    MGLRU("v6.12"),
    ZSMALLOC_FROM_6_4("per_class"),
    CHARGED_AT_HAND("1"),
    VM_RULES("31", "partial", "quarter", "true", "write", "true", "false", "true", "none"),
    CLUSTERS("free_then_nonfull"),
    ZSWAP_FROM_6_12("true"),
    LOCKS_6_9_TO_6_12,
    ONE_ENTRY_A_NODE,
    {"zswap.incompressible_rule", "rejected"},
    {"zswap.load_rule", "exclusive_in_cache"},
    {NULL, NULL},
};

/* 6.13 to 6.17 differ from 6.12 in locks, and in large folios and where zsmalloc
 * takes pages from, which are no keys here. */
static const struct kernel_setting v6_16[] = {
    EVERY_KERNEL,
    MGLRU("v6.14"),
    ZSMALLOC_FROM_6_4("per_class"),
    CHARGED_AT_HAND("7"),
    VM_RULES("31", "partial", "quarter", "true", "activate", "true", "false", "true", "none"),
    CLUSTERS("free_then_nonfull"),
    ZSWAP_FROM_6_12("true"),
    LOCKS_FROM_6_15,
    ONE_ENTRY_A_NODE,
    {"zswap.incompressible_rule", "rejected"},
    {"zswap.load_rule", "exclusive_in_cache"},
    {NULL, NULL},
};

static const struct kernel_setting v6_18[] = {
    EVERY_KERNEL,
    MGLRU("v6.14"),
    ZSMALLOC_FROM_6_4("per_class"),
    CHARGED_AT_HAND("7"),
    VM_RULES("31", "partial", "quarter", "true", "activate", "true", "false", "true", "none"),
    CLUSTERS("nonfull_then_free"),
    ZSWAP_FROM_6_12("true"),
    LOCKS_FROM_6_15,
    ONE_ENTRY_A_NODE,
    {"zswap.incompressible_rule", "stored"},
    {"zswap.load_rule", "exclusive_in_cache"},
    {NULL, NULL},
};

#define FROM_7_0(backing, which_locks, shrinker_flush) \
    EVERY_KERNEL_OVER(backing), \
    MGLRU("v7.3"), \
    ZSMALLOC_FROM_6_4(which_locks), \
    CHARGED_AT_HAND("7"), \
    VM_RULES("31", "partial", "quarter", "true", "activate", "false", "false", "true", "none"), \
    CLUSTERS("nonfull_then_free"), \
    ZSWAP_FROM_6_12(shrinker_flush), \
    LOCKS_FROM_6_15, \
    {"zswap.incompressible_rule", "stored"}, \
    {"zswap.load_rule", "exclusive"}

/* mm/zswap.c, shrink_memcg() in 7.3: SWAP_CLUSTER_MAX entries on each node, for
 * the worker and for a store at memory.zswap.max; a short list may be walked
 * twice. */
#define FROM_7_3(backing) \
    FROM_7_0(backing, "per_class_direct_free", "false"), \
    {"zswap.writeback", "batch"}, \
    {"zswap.writeback.batch.budget", "32"}, \
    {"zswap.writeback.batch.per_node", "true"}, \
    {"zswap.writeback.batch.cap_at_list_length", "false"}, \
    {"zswap.store_reclaim", "budget"}, \
    {"zswap.store_reclaim.budget.entries", "32"}, \
    {"zswap.store_reclaim.budget.per_node", "true"}, \
    {"zswap.store_reclaim.budget.cap_at_list_length", "false"}

static const struct kernel_setting v7_3[] = {
    FROM_7_3("slots"),
    {NULL, NULL},
};

/* "mm/zswap: Support batch writeback in shrink_memcg()" (Hao Jia, v5, June
 * 2026): 64 entries shared by the nodes, none met twice; a store at
 * memory.zswap.max scans as many entries as there are nodes, shared too. */
#define BATCH_SERIES(writeback) \
    FROM_7_0("slots", "per_class", "true"), \
    {"zswap.writeback", writeback}, \
    {"zswap.writeback.batch.budget", "64"}, \
    {"zswap.writeback.batch.per_node", "false"}, \
    {"zswap.writeback.batch.cap_at_list_length", "true"}, \
    {"zswap.writeback.batch.stop_on_swap_cache", "true"}, \
    {"zswap.store_reclaim", "budget"}, \
    {"zswap.store_reclaim.budget.per_node", "false"}, \
    {"zswap.store_reclaim.budget.cap_at_list_length", "true"}

static const struct kernel_setting batch_v5[] = {
    BATCH_SERIES("batch"),
    {"zswap.store_reclaim.budget.entries", "0"},
    {NULL, NULL},
};

static const struct kernel_setting batch_store1[] = {
    BATCH_SERIES("batch"),
    {"zswap.store_reclaim.budget.entries", "1"},
    {NULL, NULL},
};

/* "mm/zswap: Implement per-cgroup proactive writeback" (Hao Jia, v5, June 2026) on top
 * of the batches; the clock stands for whoever writes to memory.reclaim. */
static const struct kernel_setting proactive_v5[] = {
    BATCH_SERIES("proactive"),
    {"zswap.store_reclaim.budget.entries", "0"},
    {NULL, NULL},
};

/* Virtual swap, swap table edition (Nhat Pham, RFC, June 2026), on 7.3. */
static const struct kernel_setting vswap[] = {
    FROM_7_3("virtual"),
    {NULL, NULL},
};

const struct kernel_preset kernel_presets[] = {
    {"v6.1", "the allocator's own LRU of pages, zbud; loads keep the entry", v6_1},
    {"v6.2", "as 6.1, and zsmalloc can write back", v6_2},
    {"v6.5", "one LRU of entries a pool, kept by zswap", v6_5},
    {"v6.8", "an LRU a pool, cgroup and node; shrinker; zsmalloc; 32 zpools", v6_8},
    {"v6.9", "one LRU over all pools; percpu_ref; loads remove the entry", v6_9},
    {"v6.10", "exact limit; every refusal wakes the worker", v6_10},
    {"v6.11", "one zpool again, a lock a size class", v6_11},
    {"v6.12", "second chance; zero pages stay out of zswap; partial cgroup walks", v6_12},
    {"v6.16", "as 6.12, before incompressible pages were stored", v6_16},
    {"v6.18", "incompressible pages are stored as they are", v6_18},
    {"v7.3", "32 entries a node and turn; swap-in always through the swap cache", v7_3},
    {"batch-v5", "proposal of 2026: 64 entries a turn, shared by the nodes", batch_v5},
    {"batch-store1", "the same, and a store at memory.zswap.max scans exactly one entry",
     batch_store1},
    {"proactive-v5", "proposal of 2026: batch-v5, and writeback by the clock", proactive_v5},
    {"vswap", "proposal of 2026: 7.3, and room on a device only for what is written there", vswap},
    {NULL, NULL, NULL},
};

const struct kernel_preset *kernel_preset_find(const char *name)
{
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++)
        if (strcmp(preset->name, name) == 0)
            return preset;
    return NULL;
}

const struct kernel_preset *kernel_preset_before(unsigned major, unsigned minor)
{
    const struct kernel_preset *newest = NULL;
    /* They are in order, and proposals have no number. */
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++) {
        unsigned its_major, its_minor;
        if (sscanf(preset->name, "v%u.%u", &its_major, &its_minor) == 2 &&
            (its_major < major || (its_major == major && its_minor <= minor)))
            newest = preset;
    }
    return newest;
}

/* Memory cgroups: charging, limits, protection, statistics as reclaim sees them. */
#ifndef ZSIM_MM_MEMCG_H
#define ZSIM_MM_MEMCG_H

#include "sim/mm/mm.h"

/* Make the tree from config->cgroups. */
void memcg_init(struct mm *mm);
void memcg_release(struct mm *mm);

/* try_charge_memcg: charge pages to a cgroup and its ancestors, reclaiming at
 * limits.  Executors with memalloc or killed set go over limits instead. */
void memcg_charge(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t pages);

/* On a single processor: how many times in a row memcg_charge() of a page has nothing to do but
 * to add up, as pages come out of the stock or stay below all limits, at least one of which is to
 * be charged then: the stock is filled for it.  And to do so. */
uint32_t memcg_prepare_charges(struct mm *mm, uint32_t cpu, uint32_t memcg, bool *stocked);
void memcg_charge_at_once(struct mm *mm, uint32_t cpu, uint32_t memcg, uint32_t pages,
                          bool stocked);

/* page_counter_uncharge: give pages back at once. */
void memcg_uncharge(struct mm *mm, uint32_t memcg, uint64_t pages);

/* What it takes to write a counter of a cgroup and of its ancestors: page_counter_charge()
 * and page_counter_uncharge() walk up to the root. */
void memcg_write_shared_counters(struct mm *mm, struct exec *exec, uint32_t memcg,
                                 enum charge_line line);
static inline void memcg_write_counters(struct mm *mm, struct exec *exec, uint32_t memcg,
                                        enum charge_line line)
{
    if (mm->topology.cpus > 1) /* else no line ever moves: 60 instructions less a fault */
        memcg_write_shared_counters(mm, exec, memcg, line);
}

/* obj_cgroup_charge_zswap and its inverse: bytes, through the object stock. */
static inline void memcg_charge_object(struct mm *mm, struct exec *exec, uint32_t memcg,
                                       uint32_t bytes);
static inline void memcg_uncharge_object(struct mm *mm, struct exec *exec, uint32_t memcg,
                                         uint32_t bytes);
/* The part of them that moves whole pages: into the object stock, or out of it. */
void memcg_charge_object_pages(struct mm *mm, struct exec *exec, uint32_t memcg, uint32_t bytes);
void memcg_uncharge_object_pages(struct mm *mm, struct exec *exec, uint32_t memcg);

/* mem_cgroup_handle_over_high: the penalty for charges above memory.high. */
void memcg_handle_over_high(struct mm *mm, struct exec *exec, uint32_t memcg);

/* calculate_high_delay: how long a task sleeps that has charged debt_pages above
 * memory.high, in ms, at most 2000: the square of the relative overage, in
 * 20-bit fixed point, times the debt in batches of 64 (HZ = 1000). */
uint64_t memcg_high_penalty_ms(uint64_t usage, uint64_t high, uint32_t debt_pages);

/* Write a limit at run time; memory.max and memory.high reclaim down to it.
 * Limits in pages, UINT64_MAX: max. */
void memcg_set_max(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages);
void memcg_set_high(struct mm *mm, struct exec *exec, uint32_t memcg, uint64_t pages);
void memcg_set_swap_max(struct mm *mm, uint32_t memcg, uint64_t pages);

/* Charge what cgroups have from the start: locked memory, kernel objects, and the page that is left
 * of these. */
void memcg_charge_what_stays(struct mm *mm);

/* Fold the statistics in: what lruvec_page_state() shows becomes what is. */
void memcg_flush_stats(struct mm *mm);

/* The same for one subtree only (css_rstat_flush of a cgroup): what its ancestors
 * see stays as it was. */
void memcg_flush_stats_of(struct mm *mm, uint32_t root);

/* Reclaim is about to work on a node for `target`: it folds in what is worth it, up to 6.11
 * (vm.memcg_stat_flush_in_reclaim). */
void memcg_flush_stats_in_reclaim(struct mm *mm, uint32_t target);

/* Somebody reads a cgroup's memory.stat, or of each but the root: statistics are folded in where
 * enough is pending (vm.memcg_stat_threshold; mem_cgroup_flush_stats()). */
void memcg_read_stats_of(struct mm *mm, uint32_t memcg);
void memcg_read_stats(struct mm *mm);

/* With thousands of cgroups none is in the host's caches when its turn comes; with few
 * all are, and asking for them only takes time. */
static inline bool memcgs_are_many(const struct mm *mm)
{
    enum { FEW = 64 };
    return mm->memcg_count > FEW;
}

/* Ask the host's caches for what reclaim reads and writes of a cgroup; or a fault. */
void memcg_prefetch(const struct mm *mm, uint32_t memcg);
void memcg_prefetch_fault(const struct mm *mm, uint32_t memcg);

/* Will the next charge meet the cgroup's own limit? */
static inline bool memcg_is_full(const struct mm *mm, uint32_t memcg)
{
    return mm->memcgs[memcg].usage >= mm->memcgs[memcg].memory_max;
}

/* Pre-order walk of a subtree: the first is root itself; NO_MEMCG at the end. */
uint32_t memcg_next(const struct mm *mm, uint32_t root, uint32_t current);

/* memory.min and memory.low of one cgroup as they hold for a reclaim of root
 * (mem_cgroup_calculate_protection, with memory_recursiveprot). */
void memcg_calculate_protection(struct mm *mm, uint32_t root, uint32_t memcg);

/* Remove a cgroup that has none below it: pages, charges and zswap entries move to its parent. */
void memcg_offline(struct mm *mm, uint32_t memcg);

/* page_counter margin: pages that could still be charged, all ancestors included. */
uint64_t memcg_margin(const struct mm *mm, uint32_t memcg);

/* The cgroup of this path; NO_MEMCG: none. */
uint32_t memcg_find(const struct mm *mm, const char *path);

/* Is it `root`, or below? */
bool memcg_is_descendant(const struct mm *mm, uint32_t memcg, uint32_t root);

/* vm.swappiness for a cgroup's pages.  On cgroup v1 each has a value of its own, which it
 * took when it was made (mem_cgroup_swappiness): a change in mid-run is the root's alone. */
static inline uint64_t memcg_swappiness(const struct mm *mm, uint32_t memcg)
{
    bool own = mm->config->vm.cgroup_version == CGROUP_V1 && memcg != ROOT_MEMCG;
    return own ? mm->config->vm.swappiness : mm->swappiness;
}

/* More entries of a cgroup, or, below 0, fewer, of so many bytes in all.  The root's sums are the
 * machine's; of its own entries the kernel keeps no statistics. */
static inline void memcg_add_entries(struct mm *mm, struct memcg *owner, int64_t bytes,
                                     int64_t entries)
{
    if (!owner->above) {
        mm->root_entry_bytes += (uint64_t)bytes;
        mm->root_entries += (uint64_t)entries;
    }
    mm->entry_bytes_changed += (uint64_t)(bytes < 0 ? -bytes : bytes);
    for (struct memcg *at = owner; at; at = at->above) {
        at->zswap_bytes_subtree += (uint64_t)bytes;
        at->zswapped_subtree += (uint64_t)entries;
    }
}

static inline void memcg_charge_from_object_stock(struct mm *mm, struct exec *exec, uint32_t memcg,
                                                  uint32_t bytes)
{
    struct memcg *owner = &mm->memcgs[memcg];
    if (owner->object_stock_bytes >= bytes)
        owner->object_stock_bytes -= bytes;
    else
        memcg_charge_object_pages(mm, exec, memcg, bytes);
}

static inline void memcg_charge_object(struct mm *mm, struct exec *exec, uint32_t memcg,
                                       uint32_t bytes)
{
    memcg_add_entries(mm, &mm->memcgs[memcg], bytes, 1);
    if (mm->config->vm.cgroup_version != CGROUP_V1)
        memcg_charge_from_object_stock(mm, exec, memcg, bytes);
}

static inline void memcg_uncharge_object(struct mm *mm, struct exec *exec, uint32_t memcg,
                                         uint32_t bytes)
{
    struct memcg *owner = &mm->memcgs[memcg];
    memcg_add_entries(mm, owner, -(int64_t)bytes, -1);
    if (mm->config->vm.cgroup_version == CGROUP_V1)
        return;
    owner->object_stock_bytes += bytes;
    if (owner->object_stock_bytes > PAGE_BYTES)
        memcg_uncharge_object_pages(mm, exec, memcg);
}

#endif

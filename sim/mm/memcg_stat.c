/* The statistics of cgroups: what lruvec_page_state() shows, which is what was when they were
 * folded in last (css_rstat_flush). */
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim_walk.h"

/* ---- updates ------------------------------------------------------------------------- */

/* NO_MEMCG: by all cgroups. */
static uint64_t counted(const struct mm *mm, uint32_t memcg, enum counter counter)
{
    return memcg == NO_MEMCG ? mm->counters[counter] : *memcg_counter(&mm->memcgs[memcg], counter);
}

/* How often a cgroup's statistics have been updated so far (memcg_rstat_updated(), a page at a
 * time): what each event does to them, as the trace events of 6.18 show it (own measurement).
 * Without page tables, slabs, and the swap cache where a page enters it to be written; a page's
 * list is counted at its fault, not when the processor's batch is full.  Of cgroup v2 charges are
 * events (PGPGIN, PGPGOUT) only up to 6.11 (charge_memcg(), uncharge_batch()). */
static uint64_t updates_of(const struct mm *mm, uint32_t memcg)
{
#define COUNTED(name) counted(mm, memcg, COUNTER_##name)
    uint64_t v1 = mm->config->vm.cgroup_version == CGROUP_V1;
    uint64_t charge = v1 || mm->config->vm.memcg_stat_flush_in_reclaim;
    uint64_t in = COUNTED(zswpin) + COUNTED(pswpin) + COUNTED(swpin_zero);
    uint64_t out = COUNTED(zswpout) + COUNTED(pswpout) + COUNTED(swpout_zero);
    uint64_t scanned = COUNTED(pgscan_anon), freed = COUNTED(pgsteal_anon);
    uint64_t updates = 0;
    updates += 2 * COUNTED(pgfault) + COUNTED(pgmajfault); /* and NR_ANON_MAPPED */
    updates += (1 + charge) * COUNTED(first_touch);        /* a list; PGPGIN */
    updates += (3 + charge + v1) * in;                     /* its count, NR_SWAPCACHE, a list;
                                                              PGPGIN; v1: MEMCG_SWAP */
    updates += COUNTED(workingset_refault_anon) + COUNTED(workingset_activate_anon) +
               COUNTED(workingset_restore_anon);
    updates += 2 * scanned + (scanned - freed) + COUNTED(pgactivate); /* off its list, back on it */
    updates +=
        (4 + charge) * freed; /* PGSTEAL, NR_ANON_MAPPED, NR_SWAPCACHE, MEMCG_SWAP; PGPGOUT */
    updates += out + 2 * COUNTED(pswpout); /* NR_WRITEBACK, twice */
    updates += 3 * COUNTED(pgrefill) + COUNTED(pgdeactivate);
    updates += (2 + charge) * COUNTED(pages_freed); /* NR_ANON_MAPPED, a list; PGPGOUT */
    if (!v1)                                        /* MEMCG_ZSWAP_B and MEMCG_ZSWAPPED */
        updates += 2 * (COUNTED(zswpin) + COUNTED(zswpout));
    return updates;
#undef COUNTED
}

static uint64_t updates_of_subtree(const struct mm *mm, uint32_t root)
{
    uint64_t updates = 0;
    for (uint32_t i = root; i != NO_MEMCG; i = memcg_next(mm, root, i))
        updates += updates_of(mm, i);
    return updates;
}

/* ---- folding in --------------------------------------------------------------------- */

static void show_own(struct mm *mm, uint32_t memcg)
{
    for (uint32_t node = 0; node < mm->node_count; node++) {
        struct lruvec *lruvec = &mm->memcgs[memcg].lruvecs[node];
        uint64_t sizes[LRU_LISTS];
        lru_sizes(mm, lruvec, sizes);
        for (unsigned list = 0; list < LRU_LISTS; list++)
            lruvec->seen_pages[list] = (uint32_t)sizes[list];
        lruvec->seen_activations = lruvec->activations;
    }
    if (mm->stats_are_read)
        mm->memcgs[memcg].folded_updates = updates_of(mm, memcg);
}

static void add_to_parent(struct mm *mm, uint32_t memcg)
{
    const struct memcg *child = &mm->memcgs[memcg];
    struct memcg *parent = &mm->memcgs[child->parent];
    parent->folded_updates += child->folded_updates;
    for (uint32_t node = 0; node < mm->node_count; node++) {
        const struct lruvec *from = &child->lruvecs[node];
        struct lruvec *to = &parent->lruvecs[node];
        for (unsigned list = 0; list < LRU_LISTS; list++)
            to->seen_pages[list] += from->seen_pages[list];
        to->seen_activations += from->seen_activations;
    }
}

static void note_seen(struct mm *mm, uint32_t memcg)
{
    for (uint32_t node = 0; node < mm->node_count; node++)
        reclaim_walk_note_seen(mm, memcg, node);
}

/* Children have higher numbers than their parents. */
void memcg_flush_stats_of(struct mm *mm, uint32_t root)
{
    for (uint32_t i = root; i != NO_MEMCG; i = memcg_next(mm, root, i))
        show_own(mm, i);
    for (uint32_t i = mm->memcg_count - 1; i > root && mm->memcgs[root].first_child != NO_MEMCG;
         i--)
        if (memcg_is_descendant(mm, i, root))
            add_to_parent(mm, i);
    for (uint32_t i = root; i != NO_MEMCG; i = memcg_next(mm, root, i))
        note_seen(mm, i);
}

/* Up to 6.7 what is pending is one number for all cgroups, and it takes MEMCG_ZSWAP_B by the
 * byte, so that an entry stored or freed is enough (memcg_rstat_updated(); in pages from 6.7). */
static uint64_t updates_of_all(const struct mm *mm)
{
    uint64_t bytes = mm->config->vm.cgroup_version == CGROUP_V1 ? 0 : mm->entry_bytes_changed;
    return updates_of(mm, NO_MEMCG) + bytes;
}

void memcg_flush_stats(struct mm *mm)
{
    memcg_flush_stats_of(mm, ROOT_MEMCG);
    if (mm->config->vm.memcg_stat_flush_in_reclaim)
        mm->folded_updates = updates_of_all(mm);
}

/* ---- readers ------------------------------------------------------------------------ */

/* memcg_vmstats_needs_flush(): more than a batch for each processor.  A processor hands on whole
 * batches of its updates.  (Counted as if one made them all; where several do, each keeps a part
 * of a batch to itself.) */
static bool needs_flush(const struct mm *mm, uint32_t memcg)
{
    uint64_t pending = updates_of_subtree(mm, memcg) - mm->memcgs[memcg].folded_updates;
    return pending / CHARGE_BATCH > mm->topology.cpus;
}

void memcg_read_stats_of(struct mm *mm, uint32_t memcg)
{
    mm->stats_are_read = mm->config->vm.memcg_stat_threshold;
    if (!mm->stats_are_read || needs_flush(mm, memcg))
        memcg_flush_stats_of(mm, memcg);
}

/* mem_cgroup_flush_stats() up to 6.7: a processor hands on what it has when that is more than a
 * batch. */
static bool all_need_flush(const struct mm *mm)
{
    uint64_t pending = updates_of_all(mm) - mm->folded_updates;
    return pending / (CHARGE_BATCH + 1) > mm->topology.cpus;
}

void memcg_flush_stats_in_reclaim(struct mm *mm, uint32_t target)
{
    if (!mm->config->vm.memcg_stat_flush_in_reclaim)
        return;
    if (mm->config->vm.memcg_stat_threshold)
        memcg_read_stats_of(mm, target);
    else if (all_need_flush(mm))
        memcg_flush_stats(mm);
}

void memcg_read_stats(struct mm *mm)
{
    if (!mm->config->vm.memcg_stat_threshold) {
        memcg_flush_stats(mm);
        return;
    }
    for (uint32_t memcg = mm->memcg_count; memcg-- > 0;)
        if (memcg != ROOT_MEMCG || mm->memcg_count == 1)
            memcg_read_stats_of(mm, memcg);
}

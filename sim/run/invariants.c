/* What must be true whenever no fault is under way (--check-invariants). */
#include "policies/reclaim/reclaim.h"
#include "policies/swap_backing/swap_backing.h"
#include "sim/base/units.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/run/simulation.h"

/* Sums over all pages, to be compared with the running counts. */
struct page_sums {
    uint64_t resident, slots, backed, entries, listed_entries, same_filled;
    uint64_t on_lru, in_batch, on_disk, zero;
    uint64_t on_nodes[NODES_AT_MOST]; /* resident */
    uint64_t first_entries;           /* of zswap lists */
};

/* An entry is the next one of the one before it.  Asked of each page by itself, these looks
 * do not wait for each other, as the steps of a walk do: a fifth of its time. */
static const char *wrong_entry(const struct mm *mm, uint32_t page, struct page_sums *sums)
{
    uint32_t before = mm->cold[page].entry_previous;
    sums->first_entries += before == NO_PAGE;
    return before == NO_PAGE || (before < mm->page_count && mm->cold[before].entry_next == page)
               ? NULL
               : "is not behind the one before it on its zswap list";
}

/* One page is in exactly one place. */
static bool check_page(struct simulation *simulation, uint32_t page, struct page_sums *sums)
{
    struct mm *mm = &simulation->mm;
    uint8_t hot = mm->hot[page];
    uint32_t bits = mm->cold[page].bits;
    bool in_ram = hot & HOT_IN_RAM, kept_copies = mm->config->zswap.load_rule == LOAD_KEEPS;
    const char *wrong = NULL;
    if (!(hot & HOT_POPULATED)) {
        if (hot || (bits & (PAGE_HAS_SLOT | PAGE_IN_ZSWAP | PAGE_ON_LRU)))
            wrong = "has state but no contents";
    } else {
        int copies = ((bits & PAGE_IN_ZSWAP) != 0) + ((bits & PAGE_ON_DISK) != 0) +
                     ((bits & PAGE_ZERO_MARK) != 0);
        if ((hot & HOT_MAPPED) && !in_ram)
            wrong = "is mapped but not in RAM";
        else if (!in_ram && copies != 1)
            wrong = "is not in RAM and not in exactly one place of swap";
        else if (!in_ram && !(bits & PAGE_HAS_SLOT))
            wrong = "is not in RAM and has no swap slot";
        else if (in_ram && !kept_copies && (bits & PAGE_IN_ZSWAP))
            wrong = "is in RAM and in zswap";
        else if (in_ram && !(hot & HOT_MAPPED) && !(bits & PAGE_HAS_SLOT) &&
                 !page_space(mm, page)->file)
            wrong = "is in RAM, unmapped and not in the swap cache";
        else if (in_ram && !(bits & (PAGE_ON_LRU | PAGE_IN_BATCH)))
            wrong = "is in RAM but on no LRU";
        else if (!in_ram && (bits & (PAGE_ON_LRU | PAGE_IN_BATCH)))
            wrong = "is on an LRU but not in RAM";
        else if (bits & PAGE_ENTRY_ON_LRU)
            wrong = wrong_entry(mm, page, sums);
    }
    if (wrong) {
        simulation_fail(simulation, "invariant: page %u %s (hot %#x, bits %#x)", page, wrong, hot,
                        bits);
        return false;
    }
    sums->resident += in_ram;
    sums->on_nodes[page_node(mm, page)] += in_ram;
    sums->slots += (bits & PAGE_HAS_SLOT) != 0;
    sums->backed += (bits & PAGE_ON_DISK) != 0;
    sums->entries += (bits & PAGE_IN_ZSWAP) != 0;
    sums->listed_entries += (bits & PAGE_ENTRY_ON_LRU) != 0;
    sums->same_filled += (bits & PAGE_IN_ZSWAP) && bits_field(bits, ENTRY_POOL_SHIFT) == NO_POOL;
    sums->on_lru += (bits & PAGE_ON_LRU) != 0;
    sums->in_batch += (bits & PAGE_IN_BATCH) != 0;
    sums->on_disk += !in_ram && (bits & PAGE_ON_DISK);
    sums->zero += !in_ram && (bits & PAGE_ZERO_MARK);
    return true;
}

static bool check_equal(struct simulation *simulation, const char *what, uint64_t counted,
                        uint64_t kept)
{
    if (counted == kept)
        return true;
    simulation_fail(simulation, "invariant: %s: %llu counted, %llu kept", what,
                    (unsigned long long)counted, (unsigned long long)kept);
    return false;
}

/* It leads from its head to its tail. */
static bool list_is_whole(const struct page_cold *cold, const struct page_list *list)
{
    uint32_t at = list->head, last = NO_PAGE;
    for (uint32_t left = list->count; left && at != NO_PAGE; left--) {
        last = at;
        at = cold[at].entry_next;
    }
    return at == NO_PAGE && last == list->tail;
}

static bool ends_are_ends(const struct page_cold *cold, const struct page_list *list)
{
    if (!list->count)
        return list->head == NO_PAGE && list->tail == NO_PAGE;
    return cold[list->head].entry_previous == NO_PAGE && cold[list->tail].entry_next == NO_PAGE;
}

/* With each entry behind the one before it, as many first ones as lists, and the lists' ends
 * true, what could still be wrong is a ring that is on no list: found by walking. */
static bool check_zswap_lists(struct simulation *simulation, const struct page_sums *sums)
{
    const struct zswap *zswap = &simulation->zswap;
    const struct page_cold *cold = simulation->mm.cold;
    uint32_t lists = simulation->mm.memcg_count * simulation->mm.node_count;
    uint64_t entries = 0, used = 0;
    for (uint32_t group = 0; group < LRU_GROUPS_AT_MOST; group++)
        for (uint32_t i = 0; zswap->groups[group].lists && i < lists; i++) {
            const struct page_list *list = &zswap->groups[group].lists[i];
            if (!ends_are_ends(cold, list) ||
                (simulation->options->checks == CHECKS_FULL && !list_is_whole(cold, list))) {
                simulation_fail(simulation, "invariant: zswap list %u is torn", i);
                return false;
            }
            entries += list->count;
            used += list->count != 0;
        }
    return check_equal(simulation, "entries on zswap lists", sums->listed_entries, entries) &&
           check_equal(simulation, "first entries of zswap lists", sums->first_entries, used);
}

static uint64_t count_in_ram(const struct mm *mm, const struct lru_batch *batch)
{
    uint64_t pages = 0;
    for (uint32_t i = 0; i < batch->count; i++)
        pages += (mm->hot[batch->pages[i]] & HOT_IN_RAM) != 0;
    return pages;
}

static bool check_sums(struct simulation *simulation, const struct page_sums *sums)
{
    struct mm *mm = &simulation->mm;
    const struct zswap *zswap = &simulation->zswap;
    uint64_t lru = 0, batch = 0, resident = 0, disk = 0, zero = 0;
    for (uint32_t i = 0; i < mm->memcg_count; i++) {
        resident += mm->memcgs[i].resident_pages;
        disk += mm->memcgs[i].disk_pages;
        zero += mm->memcgs[i].zero_pages;
        for (uint32_t node = 0; node < mm->node_count; node++) {
            uint64_t sizes[LRU_LISTS];
            lru_sizes(mm, &mm->memcgs[i].lruvecs[node], sizes);
            lru += sizes[LRU_INACTIVE_ANON] + sizes[LRU_ACTIVE_ANON];
        }
    }
    uint64_t rotating = 0;
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++)
        batch += mm->batches[cpu].count;
    for (uint32_t i = 0; i < mm->rotation_count; i++)
        rotating += count_in_ram(mm, &mm->rotations[i].batch);
    return check_equal(simulation, "resident pages", sums->resident, mm->resident_pages) &&
           check_equal(simulation, "resident pages of cgroups", sums->resident, resident) &&
           check_equal(simulation, "pages on LRU lists", sums->on_lru, lru) &&
           check_equal(simulation, "pages in LRU batches", sums->in_batch, batch) &&
           check_equal(simulation, "pages in RAM to be rotated", rotating, mm->rotating) &&
           check_equal(simulation, "pages on devices", sums->on_disk, disk) &&
           check_equal(simulation, "pages in the zero map", sums->zero, zero) &&
           check_equal(simulation, "swap slots",
                       simulation->swap.takes_slot_on_entry ? sums->slots : sums->backed,
                       simulation->swap.slots_used) &&
           check_equal(simulation, "zswap entries", sums->entries, zswap->stored_pages) &&
           check_equal(simulation, "same-filled entries", sums->same_filled,
                       zswap->same_filled_pages) &&
           check_zswap_lists(simulation, sums);
}

/* Numbers of slots: one for each page that has a slot (virtual swap: that is on a
 * device), and on a zram device a block behind it exactly when its data is there. */
static const char *wrong_slot(const struct swap *swap, uint32_t page, uint64_t *blocks)
{
    const struct slot_map *numbers = &swap->numbers;
    uint32_t bits = swap->mm->cold[page].bits, slot = numbers->cold[page].slot;
    bool wanted = bits & (swap->numbered_when_written ? PAGE_ON_DISK : PAGE_HAS_SLOT);
    if (wanted != (slot != NO_SLOT))
        return "has a slot without a number, or a number without a slot";
    if (!wanted)
        return NULL;
    if (numbers->page_of_slot[slot] != page + 1)
        return "has a slot that belongs to another page";
    const struct zram *zram = swap_device_of(swap, page)->zram;
    if (!zram)
        return NULL;
    bool written = zram->table[slot_map_offset(numbers, slot)].flags & ZRAM_WRITTEN;
    *blocks += written;
    return (bits & PAGE_ON_DISK) && !written ? "is on a zram device that does not have it" : NULL;
}

static bool check_slots(struct simulation *simulation)
{
    const struct swap *swap = &simulation->swap;
    uint64_t blocks = 0, stored = 0;
    for (uint32_t page = 0; swap->numbered && page < simulation->mm.page_count; page++) {
        const char *wrong = wrong_slot(swap, page, &blocks);
        if (wrong) {
            simulation_fail(simulation, "invariant: page %u %s", page, wrong);
            return false;
        }
    }
    for (uint32_t i = 0; i < swap->device_count; i++)
        stored += swap->devices[i].zram ? swap->devices[i].zram->stats.pages_stored : 0;
    return check_equal(simulation, "pages on zram", blocks, stored);
}

/* The books of each zram device; its pages are added to *pages. */
static bool check_devices(struct simulation *simulation, const struct device *devices,
                          uint32_t count, uint64_t *pages)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct zram *zram = devices[i].zram;
        const char *wrong = zram ? zram_check(zram) : NULL;
        if (wrong) {
            simulation_fail(simulation, "invariant: %s", wrong);
            return false;
        }
        *pages += zram ? zram_used_pages(zram) : 0;
    }
    return true;
}

static bool check_pools(struct simulation *simulation)
{
    const struct zswap *zswap = &simulation->zswap;
    uint64_t entries = 0, bytes = 0, pages = 0;
    for (uint32_t i = 0; i < zswap->pool_count; i++) {
        const struct zswap_pool *pool = &zswap->pools[zswap->order[i]];
        entries += pool->entries;
        uint64_t total = 0;
        for (uint64_t z = 0; z < zswap->config->zswap.zpools; z++) {
            total += zswap->allocator->total_pages(pool->zpools[z].state);
            const char *wrong =
                zswap->allocator->check ? zswap->allocator->check(pool->zpools[z].state) : NULL;
            if (wrong) {
                simulation_fail(simulation, "invariant: allocator: %s", wrong);
                return false;
            }
        }
        if (!check_equal(simulation, "pages of a pool", total, pool->total_pages))
            return false;
        pages += total;
    }
    if (!check_equal(simulation, "pages of all pools", pages, zswap_total_pages(zswap)))
        return false;
    for (uint32_t page = 0; page < simulation->mm.page_count; page++) {
        uint32_t bits = simulation->mm.cold[page].bits;
        if (!(bits & PAGE_IN_ZSWAP) || bits_field(bits, ENTRY_POOL_SHIFT) == NO_POOL)
            continue;
        bytes += zswap_entry_length(zswap, page);
    }
    const struct swap *swap = &simulation->swap;
    if (!check_devices(simulation, swap->devices, swap->device_count, &pages) ||
        !check_devices(simulation, simulation->block_devices, simulation->block_device_count,
                       &pages))
        return false;
    uint64_t on_nodes = 0;
    for (uint32_t i = 0; i < simulation->mm.node_count; i++)
        on_nodes += simulation->mm.nodes[i].pool_pages;
    return check_equal(simulation, "entries of pools", entries,
                       zswap->stored_pages - zswap->same_filled_pages) &&
           check_equal(simulation, "pool pages on nodes", on_nodes, pages) &&
           check_equal(simulation, "compressed bytes", bytes,
                       simulation->mm.memcgs[ROOT_MEMCG].zswap_bytes_subtree);
}

/* A node's memory is free, or holds pages and pools; writes that are told as under way will end. */
static bool check_nodes(struct simulation *simulation, const struct page_sums *sums)
{
    const struct mm *mm = &simulation->mm;
    const struct swap *swap = &simulation->swap;
    for (uint32_t i = 0; i < mm->node_count; i++) {
        const struct node *node = &mm->nodes[i];
        if (!check_equal(simulation, "pages of a node",
                         node->free_pages + node->pool_pages + sums->on_nodes[i],
                         node->managed_pages + node->overdrawn_pages))
            return false;
    }
    return check_equal(simulation, "writes under way",
                       swap->writes.end - swap->writes.first + swap->held_write_count,
                       mm->writes_under_way);
}

/* What a cgroup is charged is what it has: pages, page tables, objects, stock. */
static bool check_charges(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    bool v2 = mm->config->vm.cgroup_version == CGROUP_V2;
    uint64_t expected = mm->resident_pages + mm->locked_pages;
    for (uint32_t i = 0; i < mm->space_count; i++)
        expected += mm->spaces[i].table_pages;
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++)
        for (unsigned slot = 0; slot < STOCK_SLOTS; slot++)
            expected += mm->stocks[cpu].pages[slot];
    uint64_t object_bytes = mm->memcgs[ROOT_MEMCG].zswap_bytes_subtree + mm->kernel_object_bytes;
    for (uint32_t i = 0; i < mm->memcg_count; i++)
        object_bytes += mm->memcgs[i].object_stock_bytes;
    if (v2)
        expected += object_bytes / PAGE_BYTES;
    return check_equal(simulation, "charged pages", expected, mm->memcgs[ROOT_MEMCG].usage);
}

static bool check_lists(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    for (uint32_t i = 0; i < mm->memcg_count; i++)
        for (uint32_t node = 0; node < mm->node_count; node++) {
            const char *wrong = reclaim_walk_check(mm, i, node);
            if (!wrong && mm->reclaim->check)
                wrong = mm->reclaim->check(mm, &mm->memcgs[i].lruvecs[node]);
            if (wrong) {
                simulation_fail(simulation, "invariant: %s", wrong);
                return false;
            }
        }
    return true;
}

const char *invariants_check(struct simulation *simulation)
{
    enum { AHEAD = 32 };
    struct page_sums sums = {0};
    const struct mm *mm = &simulation->mm;
    for (uint32_t page = 0; page < mm->page_count; page++) {
        if (page + AHEAD < mm->page_count && (mm->cold[page + AHEAD].bits & PAGE_ENTRY_ON_LRU))
            page_prefetch(mm->cold, mm->cold[page + AHEAD].entry_previous);
        if (!check_page(simulation, page, &sums))
            return simulation->failure;
    }
    if (!check_sums(simulation, &sums) || !check_nodes(simulation, &sums) ||
        !check_slots(simulation) || !check_pools(simulation) || !check_charges(simulation) ||
        !check_lists(simulation))
        return simulation->failure;
    return NULL;
}

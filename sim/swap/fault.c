/* Page faults: first touch, swap cache, swap-in with readahead; and freeing.
 *
 * Mirrors do_anonymous_page, do_swap_page, swap_cluster_readahead and
 * swap_vma_readahead of mm/memory.c and mm/swap_state.c. */
#include "policies/reclaim/reclaim.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/node.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/swap/readahead.h"
#include "sim/swap/swap.h"
#include "sim/zswap/entry.h"

/* ---- into the swap cache ---------------------------------------------------------- */

enum swap_cache_result swap_cache_add(struct swap *swap, struct exec *exec, uint32_t page,
                                      uint32_t node, bool for_writeback)
{
    struct mm *mm = swap->mm;
    struct page_cold *cold = &mm->cold[page];
    uint32_t memcg = page_memcg(mm, page);
    node = node_alloc_page(mm, exec, node);
    memcg_charge(mm, exec, memcg, 1);
    memcg = page_memcg(mm, page); /* which may have gone offline meanwhile */
    enum swap_cache_result result = CACHE_ADDED;
    if (mm->hot[page] & HOT_IN_RAM)
        result = CACHE_EXISTS;
    else if (!(cold->bits & PAGE_HAS_SLOT) || (for_writeback && !(cold->bits & PAGE_IN_ZSWAP)))
        result = CACHE_GONE;
    if (result != CACHE_ADDED) {
        memcg_uncharge(mm, memcg, 1);
        node_free_page(mm, node);
        return result;
    }
    struct memcg *owner = &mm->memcgs[memcg];
    if (cold->bits & PAGE_ON_DISK)
        owner->disk_pages--;
    if (cold->bits & PAGE_ZERO_MARK)
        owner->zero_pages--;
    owner->swap_cache_pages++;
    owner->resident_pages++;
    mm->resident_pages++;
    note_peaks(mm);
    mm->hot[page] |= HOT_IN_RAM;
    cold->bits = bits_with_field(cold->bits, PAGE_NODE_SHIFT, node);
    if (cold->bits & PAGE_HAS_SHADOW) {
        uint32_t age = cold->shadow.age, place = cold->shadow.place;
        cold->bits &= ~(uint32_t)PAGE_HAS_SHADOW;
        mm->reclaim->refault(mm, exec, page, age, place);
    }
    lru_add(mm, exec, page);
    return CACHE_ADDED;
}

static enum swap_source read_from_device(struct swap *swap, struct exec *exec, uint32_t page,
                                         uint64_t *ready_ns)
{
    struct mm *mm = swap->mm;
    struct device *device = swap_device_of(swap, page);
    if (device->zram) {
        zram_read(device->zram, exec,
                  slot_map_offset(&swap->numbers, swap->numbers.cold[page].slot));
        return SOURCE_ZRAM;
    }
    mm->counters[COUNTER_disk_reads]++;
    spend_cost(mm, exec, TIME_swap_io_cpu, COST_disk_submit_read);
    uint64_t submitted_ns;
    *ready_ns = device_submit(device, false, 1, exec->now_ns, &submitted_ns);
    /* For room in the queue, as writes do: the processor is not busy with it. */
    spend_asleep(mm, exec, submitted_ns);
    return SOURCE_DEVICE;
}

enum swap_cache_result swap_cache_read(struct swap *swap, struct exec *exec, uint32_t page,
                                       uint32_t node, enum swap_source *source, uint64_t *ready_ns)
{
    struct mm *mm = swap->mm;
    struct page_cold *cold = &mm->cold[page];
    enum swap_cache_result result = swap_cache_add(swap, exec, page, node, false);
    *ready_ns = exec->now_ns;
    if (result != CACHE_ADDED)
        return result;
    bool stall = cold->bits & PAGE_WORKINGSET;
    if (stall)
        psi_memstall_enter(mm, exec);
    if (cold->bits & PAGE_ZERO_MARK) {
        uint32_t memcg = page_memcg(mm, page);
        *source = SOURCE_ZERO;
        node = page_node(mm, page);
        count_event(mm, memcg, node, COUNTER_swpin_zero, 1);
        spend_cost(mm, exec, TIME_copy, COST_page_copy);
    } else if (cold->bits & PAGE_IN_ZSWAP) {
        zswap_load(swap->zswap, exec, page);
        *source = SOURCE_ZSWAP;
    } else {
        uint32_t memcg = page_memcg(mm, page);
        node = page_node(mm, page);
        count_event(mm, memcg, node, COUNTER_pswpin, 1);
        zswap_note_disk_read(swap->zswap, memcg, node);
        *source = read_from_device(swap, exec, page, ready_ns);
    }
    if (*ready_ns < exec->now_ns)
        *ready_ns = exec->now_ns;
    if (stall)
        psi_memstall_leave(mm, exec);
    return CACHE_ADDED;
}

/* ---- faults ------------------------------------------------------------------------- */

/* Files are not mapped: a system call marks the page.  Once a mark changes nothing any
 * more, the page counts as mapped, and accesses are hits. */
static void map(struct mm *mm, uint32_t page, bool write)
{
    if (page_space(mm, page)->file && mm->reclaim->mark_accessed) {
        if (write)
            mm->cold[page].bits |= PAGE_DIRTY;
        bool stays = mm->reclaim->mark_accessed(mm, page);
        reclaim_walk_note(mm, page_memcg(mm, page), page_node(mm, page));
        if (!stays)
            return;
    }
    uint8_t *hot = &mm->hot[page];
    /* no branch: whether it is a write nobody can foretell */
    *hot = (uint8_t)((*hot & ~HOT_WRITTEN_BACK) | HOT_MAPPED | HOT_ACCESSED | write * HOT_DIRTY);
}

/* Page-table pages as they are needed, kept until the space is gone: one of the last level for each
 * TABLE_PAGES pages, one of the level above for each 1 GiB.  A mapping rarely begins at a multiple
 * of 1 GiB, so its second upper page is due after half of that (own measurement, 6.18: 64 + 1 for
 * 128 MiB, 512 + 2 for 1 GiB). */
static void charge_page_table(struct mm *mm, struct exec *exec, struct address_space *space,
                              uint32_t page)
{
    enum { TABLES_PER_GIB = 512 };
    unsigned levels = mm->config->vm.charge_page_tables;
    if (levels == PAGE_TABLES_NONE || space->file || mm->has_table[page_table(mm, page)])
        return;
    mm->has_table[page_table(mm, page)] = true;
    uint32_t table = (page - space->first_page) / TABLE_PAGES, pages = 1;
    if (levels == PAGE_TABLES_ALL &&
        (space->table_pages == 0 || table % TABLES_PER_GIB == TABLES_PER_GIB / 2))
        pages++;
    for (uint32_t i = 0; i < pages; i++)
        memcg_charge(mm, exec, space->memcg, 1);
    space->table_pages += pages;
}

/* False: while this one's charge reclaimed, another task has populated the page of a file
 * that they share (shmem_add_to_page_cache finds it there). */
static bool first_touch(struct mm *mm, struct exec *exec, uint32_t page)
{
    struct address_space *space = page_space(mm, page);
    uint32_t memcg = page_memcg(mm, page);
    charge_page_table(mm, exec, space, page);
    uint32_t node = node_alloc_page(mm, exec, exec->node);
    memcg_charge(mm, exec, memcg, 1);
    memcg = page_memcg(mm, page); /* as in swap_cache_add() */
    if (space->dead || (mm->hot[page] & HOT_POPULATED)) {
        memcg_uncharge(mm, memcg, 1);
        node_free_page(mm, node);
        return space->dead; /* the charge had its own task killed */
    }
    mm->cold[page].bits = bits_with_field(0, PAGE_NODE_SHIFT, node);
    mm->hot[page] = HOT_POPULATED | HOT_IN_RAM;
    /* The kernel zeroes the page and the task fills it: dirty whatever the access. */
    map(mm, page, true);
    mm->resident_pages++;
    mm->memcgs[memcg].resident_pages++;
    note_peaks(mm);
    lru_add(mm, exec, page);
    spend_cost(mm, exec, TIME_fault, COST_first_touch);
    spend_distance(mm, exec, node, PAGE_BYTES);
    count_event(mm, memcg, node, COUNTER_first_touch, 1);
    return true;
}

/* should_try_to_free_swap: a write by the sole user, swap filling up, or (`ends`) a
 * device that is as near as memory, whose copy is not worth keeping.  A page of a tmpfs
 * always leaves swap (shmem_swapin_folio: delete_from_swap_cache, folio_mark_dirty), where
 * another task may have taken it in meanwhile. */
static void map_from_swap_cache(struct swap *swap, struct exec *exec, uint32_t page, bool write,
                                bool ends)
{
    struct mm *mm = swap->mm;
    uint32_t bits = mm->cold[page].bits;
    /* A page in a batch has one user too many: the batch is drained first. */
    if (write & ((bits & PAGE_IN_BATCH) != 0)) /* no branch: half of all are written */
        lru_add_drain(mm, exec);
    bool sole_user =
        !(mm->cold[page].bits & (PAGE_IN_BATCH | PAGE_WRITEBACK)) && !lru_is_rotating(mm, page);
    if ((bits & PAGE_HAS_SLOT) && !(bits & PAGE_WRITEBACK) &&
        ((write && sole_user) || ends || page_space(mm, page)->file ||
         swap_device_is_half_full(swap, page_memcg(mm, page))))
        swap_free_slot(swap, exec, page);
    map(mm, page, write);
}

static enum fault_kind fault_in_swap_cache(struct swap *swap, struct exec *exec, uint32_t page,
                                           bool write)
{
    struct mm *mm = swap->mm;
    swap_settle_due_writes(swap, exec);
    readahead_note_hit(swap, page);
    /* From 7.0; before, such a page was never in the swap cache, but for zswap's writeback. */
    bool ends = !mm->config->vm.swap_cache_bypass && swap_is_synchronous(swap, page);
    map_from_swap_cache(swap, exec, page, write, ends);
    spend_cost(mm, exec, TIME_fault, COST_minor_swap_cache);
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_minor_swap_cache, 1);
    return FAULT_swap_cache;
}

static enum fault_kind swap_in(struct swap *swap, struct exec *exec, uint32_t memcg, uint32_t page,
                               bool write, uint64_t *ready_ns)
{
    struct mm *mm = swap->mm;
    enum swap_source source = SOURCE_ZSWAP;
    spend_cost(mm, exec, TIME_fault, COST_fault);
    if (!readahead_swap_in(swap, exec, page, &source, ready_ns))
        return FAULT_zswap; /* the task was killed */
    uint32_t node = page_node(mm, page);
    spend_distance(mm, exec, node, PAGE_BYTES);
    map_from_swap_cache(swap, exec, page, write, swap_is_synchronous(swap, page));
    count_event(mm, memcg, node, COUNTER_pgmajfault, 1);
    if (source == SOURCE_ZRAM) {
        count_event(mm, memcg, node, COUNTER_fault_zram, 1);
        return FAULT_zram;
    }
    if (source == SOURCE_DEVICE) {
        count_event(mm, memcg, node, COUNTER_fault_disk, 1);
        return FAULT_disk;
    }
    count_event(mm, memcg, node, COUNTER_fault_zswap, 1);
    return source == SOURCE_ZERO ? FAULT_zero : FAULT_zswap;
}

bool swap_touch_file(struct swap *swap, uint32_t page, bool write)
{
    struct mm *mm = swap->mm;
    if (!(mm->hot[page] & HOT_IN_RAM) || (mm->cold[page].bits & PAGE_HAS_SLOT))
        return false;
    map(mm, page, write);
    return true;
}

/* Flattened for the same reason as zswap_load(); what brings a page in stands above so that it is
 * part of this: 30 instructions a fault. */
__attribute__((flatten)) enum fault_kind swap_fault_by_steps(struct swap *swap, struct exec *exec,
                                                             uint32_t page, bool write,
                                                             uint64_t *ready_ns)
{
    fault_run_end(swap, &swap->faults);
    struct mm *mm = swap->mm;
    uint32_t memcg = page_memcg(mm, page);
    enum fault_kind kind;
    if (!(mm->hot[page] & HOT_POPULATED) && first_touch(mm, exec, page)) {
        kind = FAULT_first_touch;
    } else if (!(mm->hot[page] & HOT_IN_RAM)) {
        kind = swap_in(swap, exec, memcg, page, write, ready_ns);
    } else if (swap_touch_file(swap, page, write)) {
        kind = FAULT_swap_cache;
    } else {
        kind = fault_in_swap_cache(swap, exec, page, write);
    }
    count_event(mm, memcg, exec->node, COUNTER_pgfault, 1);
    if (exec->high_debt_pages && !exec->killed)
        memcg_handle_over_high(mm, exec, memcg);
    return kind;
}

void swap_free_page(struct swap *swap, struct exec *exec, uint32_t page)
{
    struct mm *mm = swap->mm;
    if (!(mm->hot[page] & HOT_POPULATED))
        return;
    fault_run_end(swap, &swap->faults);
    uint32_t memcg = page_memcg(mm, page);
    count_event(mm, memcg, exec->node, COUNTER_pages_freed, 1);
    /* free_pages_and_swap_cache: a batch would keep the page. */
    if (mm->hot[page] & HOT_IN_RAM)
        lru_add_drain(mm, exec);
    if (mm->cold[page].bits & PAGE_HAS_SLOT)
        swap_free_slot(swap, exec, page);
    if (mm->hot[page] & HOT_IN_RAM) {
        lru_remove(mm, page);
        memcg_uncharge(mm, memcg, 1);
        node_free_page(mm, page_node(mm, page));
        mm->resident_pages--;
        mm->memcgs[memcg].resident_pages--;
    }
    mm->hot[page] = 0;
    mm->cold[page].bits = 0;
}

void swap_free_space(struct swap *swap, struct exec *exec, uint32_t number)
{
    struct mm *mm = swap->mm;
    struct address_space *space = &mm->spaces[number];
    for (uint32_t page = space->first_page; page < space->first_page + space->pages; page++)
        swap_free_page(swap, exec, page);
    uint32_t memcg = space->memcg;
    while (mm->memcgs[memcg].offline)
        memcg = mm->memcgs[memcg].parent;
    memcg_uncharge(mm, memcg, space->table_pages);
    space->table_pages = 0;
}

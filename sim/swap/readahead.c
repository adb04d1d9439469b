#include "sim/swap/readahead.h"

#include "sim/mm/lru.h"
#include "sim/zswap/entry.h"

enum {
    READAHEAD_HITS_AT_MOST = 63, /* what fits in the VMA's readahead word */
    VMA_WINDOW_ORDER_AT_MOST = 5,
};

uint32_t readahead_window(uint32_t hits, uint32_t previous_offset, uint32_t offset,
                          uint32_t largest, uint32_t last_window)
{
    uint32_t pages = hits + 2;
    if (pages == 2) {
        /* No hit since the last window: read ahead only if the faults are in sequence. */
        if (offset != previous_offset + 1 && offset + 1 != previous_offset)
            pages = 1;
    } else {
        uint32_t power = 4;
        while (power < pages)
            power <<= 1;
        pages = power;
    }
    if (pages > largest)
        pages = largest;
    if (pages < last_window / 2)
        pages = last_window / 2;
    return pages;
}

/* swap_use_vma_readahead(); shmem_swapin_cluster() goes by slots whatever the device. */
static bool goes_by_slot(const struct swap *swap, uint32_t page)
{
    return swap->rotational ||
           (page_space(swap->mm, page)->file && swap->numbered && !swap->numbered_when_written);
}

void readahead_note_hit(struct swap *swap, uint32_t page)
{
    struct mm *mm = swap->mm;
    struct address_space *space = page_space(mm, page);
    bool by_slot = goes_by_slot(swap, page);
    /* Faults of a VMA are in sequence also where they find what was read for them. */
    if (!by_slot)
        space->readahead_address = page - space->first_page;
    /* PG_readahead and PG_reclaim are one bit: a page that reclaim is writing counts as a hit, and
     * stays where it is when its write ends. */
    if (!(mm->cold[page].bits & (PAGE_READAHEAD | PAGE_RECLAIM)))
        return;
    mm->cold[page].bits &= ~(uint32_t)(PAGE_READAHEAD | PAGE_RECLAIM);
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_swap_ra_hit, 1);
    if (by_slot)
        swap->readahead_hits++;
    else if (space->readahead_hits < READAHEAD_HITS_AT_MOST)
        space->readahead_hits++;
}

/* One page of the window: read unless it is in RAM or not in swap. */
static void read_neighbour(struct swap *swap, struct exec *exec, uint32_t page)
{
    struct mm *mm = swap->mm;
    if ((mm->hot[page] & HOT_IN_RAM) || !(mm->cold[page].bits & PAGE_HAS_SLOT))
        return;
    enum swap_source source;
    uint64_t ready_ns;
    if (swap_cache_read(swap, exec, page, exec->node, &source, &ready_ns) != CACHE_ADDED)
        return;
    mm->cold[page].bits |= PAGE_READAHEAD;
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_swap_ra, 1);
}

/* The faulting page itself.  False: its owner was killed. */
static bool read_target(struct swap *swap, struct exec *exec, uint32_t page,
                        enum swap_source *source, uint64_t *ready_ns)
{
    return swap_cache_read(swap, exec, page, exec->node, source, ready_ns) != CACHE_GONE;
}

/* The same among its neighbours: like them it is not mapped before all are read. */
static bool read_target_in_window(struct swap *swap, struct exec *exec, uint32_t page,
                                  enum swap_source *source, uint64_t *ready_ns)
{
    if (!read_target(swap, exec, page, source, ready_ns))
        return false;
    if (swap->mm->hot[page] & HOT_IN_RAM)
        swap->mm->cold[page].bits |= PAGE_READAHEAD;
    return true;
}

/* A window of one page is no readahead: zswap_folio_swapin() up to 6.11 sees the fault. */
static void note_swapin_alone(struct swap *swap, uint32_t page, uint32_t window)
{
    if (window == 1)
        zswap_note_swapin(swap->zswap, page);
}

/* swap_cluster_readahead: the aligned block of slots around the faulting one. */
static bool cluster_readahead(struct swap *swap, struct exec *exec, uint32_t page,
                              enum swap_source *source, uint64_t *ready_ns)
{
    const struct slot_map *numbers = &swap->numbers;
    const struct slot_area *area =
        &numbers->areas[slot_map_device(numbers, numbers->cold[page].slot)];
    uint32_t base = area->first_cluster * CLUSTER_SLOTS, end = area->clusters * CLUSTER_SLOTS;
    uint32_t slot = numbers->cold[page].slot - base, largest = 1u << swap->mm->page_cluster;
    uint32_t hits = swap->readahead_hits;
    swap->readahead_hits = 0;
    uint32_t window =
        readahead_window(hits, swap->readahead_previous, slot, largest, swap->readahead_window);
    if (!hits)
        swap->readahead_previous = slot;
    swap->readahead_window = window;
    note_swapin_alone(swap, page, window);
    uint32_t first = slot & ~(window - 1), last = slot | (window - 1);
    for (uint32_t at = first ? first : 1; at <= last && at < end; at++) {
        if (at == slot) {
            if (!read_target_in_window(swap, exec, page, source, ready_ns))
                return false;
            continue;
        }
        uint32_t neighbour = numbers->page_of_slot[base + at];
        if (neighbour)
            read_neighbour(swap, exec, neighbour - 1);
    }
    return true;
}

/* swap_vma_readahead: neighbours by address, in the direction of the faults,
 * within the space and one page-table page. */
static bool vma_readahead(struct swap *swap, struct exec *exec, uint32_t page,
                          enum swap_source *source, uint64_t *ready_ns)
{
    struct mm *mm = swap->mm;
    struct address_space *space = page_space(mm, page);
    uint32_t address = page - space->first_page;
    uint64_t order =
        mm->page_cluster < VMA_WINDOW_ORDER_AT_MOST ? mm->page_cluster : VMA_WINDOW_ORDER_AT_MOST;
    uint32_t window = readahead_window(space->readahead_hits, space->readahead_address, address,
                                       1u << order, space->readahead_window);
    uint32_t previous = space->readahead_address;
    space->readahead_address = address;
    space->readahead_window = window;
    note_swapin_alone(swap, page, window);
    space->readahead_hits = 0;
    int64_t first;
    if (address == previous + 1)
        first = address;
    else if (address + 1 == previous)
        first = (int64_t)address - window + 1;
    else
        first = (int64_t)address - (window - 1) / 2;
    int64_t last = first + window - 1;
    int64_t table_first = address - address % TABLE_PAGES,
            table_last = table_first + TABLE_PAGES - 1;
    if (first < table_first)
        first = table_first;
    if (last > table_last)
        last = table_last;
    if (last >= space->pages)
        last = (int64_t)space->pages - 1;
    for (int64_t at = first; at <= last; at++) {
        uint32_t neighbour = space->first_page + (uint32_t)at;
        if (neighbour == page) {
            if (!read_target_in_window(swap, exec, page, source, ready_ns))
                return false;
        } else if (mm->hot[neighbour] & HOT_POPULATED) {
            read_neighbour(swap, exec, neighbour);
        }
    }
    return true;
}

bool readahead_swap_in_window(struct swap *swap, struct exec *exec, uint32_t page,
                              enum swap_source *source, uint64_t *ready_ns)
{
    struct mm *mm = swap->mm;
    bool by_slot = goes_by_slot(swap, page);
    if (!(by_slot ? cluster_readahead : vma_readahead)(swap, exec, page, source, ready_ns))
        return false;
    mm->cold[page].bits &= ~(uint32_t)PAGE_READAHEAD;
    lru_add_drain(mm, exec); /* up to 7.2, where a window was read */
    /* Reclaim for the later neighbours may have taken the page again. */
    if (!(mm->hot[page] & HOT_IN_RAM) && (mm->cold[page].bits & PAGE_HAS_SLOT))
        return read_target(swap, exec, page, source, ready_ns);
    return (mm->hot[page] & HOT_IN_RAM) != 0;
}

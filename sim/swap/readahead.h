/* Swap readahead: what else is read when one page is needed. */
#ifndef ZSIM_SWAP_READAHEAD_H
#define ZSIM_SWAP_READAHEAD_H

#include "sim/swap/swap.h"
#include "sim/zswap/entry.h"

/* Bring the page (and, with page_cluster > 0, its neighbours) into the swap cache.
 * *source and *ready_ns are the faulting page's.  False: the owner was killed. */
bool readahead_swap_in_window(struct swap *swap, struct exec *exec, uint32_t page,
                              enum swap_source *source, uint64_t *ready_ns);
static inline bool readahead_swap_in(struct swap *swap, struct exec *exec, uint32_t page,
                                     enum swap_source *source, uint64_t *ready_ns)
{
    bool synchronous = swap_is_synchronous(swap, page);
    if (swap->mm->page_cluster != 0 && !synchronous)
        return readahead_swap_in_window(swap, exec, page, source, ready_ns);
    /* Up to 6.17 do_swap_page reads such a device itself, around the swap cache. */
    if (!(synchronous && swap->mm->config->vm.swap_cache_bypass))
        zswap_note_swapin(swap->zswap, page);
    return swap_cache_read(swap, exec, page, exec->node, source, ready_ns) != CACHE_GONE;
}

/* swap_update_readahead: a fault found the page in the swap cache.  Was it read ahead?
 * Either way the next window of its VMA is placed by this address. */
void readahead_note_hit(struct swap *swap, uint32_t page);

/* __swapin_nr_pages: the next window in pages, from the hits since the last
 * one, the previous and current offset, the largest window and the last one. */
uint32_t readahead_window(uint32_t hits, uint32_t previous_offset, uint32_t offset,
                          uint32_t largest, uint32_t last_window);

#endif

/* Writeback of one entry (zswap_writeback_entry of 6.12 and later): its page
 * comes into the swap cache, is charged to its owner, and is written out; until
 * that write has ended and reclaim has met the page again, it costs memory. */
#include "sim/zswap/entry.h"

enum writeback_result zswap_writeback_entry(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    struct mm *mm = zswap->mm;
    struct page_cold *cold = &mm->cold[page];
    if (mm->hot[page] & HOT_IN_RAM)
        return WRITEBACK_EXISTS;
    spend_cost(mm, exec, TIME_zswap, COST_writeback_entry);
    if (!swap_take_backing(zswap->swap, page))
        return WRITEBACK_GONE;
    uint32_t age = cold->shadow.age;
    switch (swap_cache_add(zswap->swap, exec, page, exec->node, true)) {
    case CACHE_EXISTS:
        swap_drop_backing(zswap->swap, page);
        return WRITEBACK_EXISTS;
    case CACHE_GONE:
        swap_drop_backing(zswap->swap, page);
        return WRITEBACK_GONE;
    case CACHE_ADDED:
        break;
    }

    const struct zswap_pool *pool = &zswap->pools[entry_pool(mm, page)];
    entry_decompress(zswap, exec, pool, page, zswap_entry_length(zswap, page));
    mm->counters[COUNTER_written_back_pages]++;
    zswap->written_back_by_node[bits_field(cold->bits, ENTRY_NODE_SHIFT)]++;
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_zswpwb, 1);
    zswap_entry_free(zswap, exec, page);
    cold->entry_previous = age; /* the shadow is gone, and the inversion is by ages of disk pages */
    mm->hot[page] |= HOT_WRITTEN_BACK;
    cold->bits |= PAGE_RECLAIM;
    if (swap_write_to_device(zswap->swap, exec, page) != SWAP_UNDER_WAY)
        cold->bits &= ~(uint32_t)PAGE_RECLAIM;
    return WRITEBACK_DONE;
}

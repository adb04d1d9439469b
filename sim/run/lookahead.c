#include "sim/run/lookahead.h"

#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/zswap/entry.h"

/* How many faults before its own what a page's record leads to is asked for, and what a cgroup at
 * its limit does (with limits of 25 pages 17 % less time than three faults before). */
enum { ENTRY_DISTANCE = 3, LIMIT_DISTANCE = 8 };

static struct coming_fault *fault_at(struct lookahead *lookahead, uint32_t number)
{
    return &lookahead->faults[number % LOOKAHEAD_FAULTS];
}

/* Ask for what a fault reads of its page: its space, the record, the lock of its slot; and of
 * its cgroup, where these are many. */
PREFETCHING void prefetch_page(const struct swap *swap, uint32_t page)
{
    if (memcgs_are_many(swap->mm)) {
        uint32_t memcg = page_memcg(swap->mm, page);
        memcg_prefetch_fault(swap->mm, memcg);
        lru_prefetch_lists(swap->mm, memcg, 0);
        lru_prefetch_clock(swap->mm, memcg, 0);
        zswap_prefetch_memcg(swap->zswap, memcg, 0);
    }
    if (swap->mm->space_count > 1)
        __builtin_prefetch(page_space(swap->mm, page));
    page_prefetch(swap->mm->cold, page);
    swap_prefetch_lock(swap, page);
}

/* Find the next faults, and ask for what is read of their pages. */
static inline void find_faults(struct lookahead *lookahead, const struct swap *swap,
                               const uint32_t *first_pages, const struct access *block, uint32_t at,
                               uint32_t count)
{
    const uint8_t *hot = swap->mm->hot;
    uint32_t end = at + LOOKAHEAD_FRONTIER < count ? at + LOOKAHEAD_FRONTIER : count;
    uint32_t frontier = lookahead->frontier > at ? lookahead->frontier : at + 1;
    uint32_t found = lookahead->found;
    /* Which pages are mapped nobody can foretell, nor can the host's processor: without a
     * branch, 1.2 wrong ones less a fault. */
    for (; frontier < end; frontier++) {
        uint32_t page = first_pages[block[frontier].space] + block[frontier].page;
        *fault_at(lookahead, found) = (struct coming_fault){page, frontier};
        found += (hot[page] & HOT_MAPPED) == 0;
    }
    for (uint32_t n = lookahead->found; n != found; n++)
        prefetch_page(swap, fault_at(lookahead, n)->page);
    lookahead->found = found;
    lookahead->frontier = frontier;
}

/* The next faults whose charges will meet their cgroup's limit: these take most of its pages,
 * where it is small, so its list is asked for, and its pages one by one while the faults before
 * are worked through.  Cgroups' records were asked for when the faults were found. */
static void find_limits(struct lookahead *lookahead, const struct swap *swap)
{
    struct mm *mm = swap->mm;
    uint32_t at = lookahead->limits > lookahead->over ? lookahead->limits : lookahead->over;
    lru_prefetch_short_list(mm);
    for (; at < lookahead->found && at < lookahead->over + LIMIT_DISTANCE; at++) {
        uint32_t memcg = page_memcg(mm, fault_at(lookahead, at)->page);
        if (!memcg_is_full(mm, memcg))
            continue;
        memcg_prefetch(mm, memcg);
        lru_prefetch_ends(mm, memcg, 0);
        lru_begin_short_list(mm, memcg, 0);
    }
    lookahead->limits = at;
}

void lookahead_advance(struct lookahead *lookahead, const struct swap *swap,
                       const uint32_t *first_pages, const struct access *block, uint32_t at,
                       uint32_t count)
{
    uint32_t over = lookahead->over;
    while (over != lookahead->found && fault_at(lookahead, over)->at <= at)
        over++;
    lookahead->over = over;
    if (memcgs_are_many(swap->mm))
        find_limits(lookahead, swap);
    find_faults(lookahead, swap, first_pages, block, at, count);
    uint32_t coming = lookahead->found - over;
    if (coming < ENTRY_DISTANCE)
        return;
    entry_prefetch(swap->zswap, fault_at(lookahead, over + ENTRY_DISTANCE - 1)->page);
}

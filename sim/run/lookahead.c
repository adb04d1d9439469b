#include "sim/run/lookahead.h"

#include "sim/mm/memcg.h"
#include "sim/zswap/zswap.h"

/* How many faults before its own each step of a page is done. */
static const uint32_t step_distance[ZSWAP_PREFETCH_STEPS] = {5, 3, 2};

static struct coming_fault *fault_at(struct lookahead *lookahead, uint32_t number)
{
    return &lookahead->faults[number % LOOKAHEAD_FAULTS];
}

/* Find the next faults, and ask for the records of their pages. */
static void find_faults(struct lookahead *lookahead, const struct swap *swap,
                        const uint32_t *first_pages, const struct access *block, uint32_t at,
                        uint32_t count)
{
    const struct mm *mm = swap->mm;
    uint32_t end = at + LOOKAHEAD_FRONTIER;
    if (end > count)
        end = count;
    uint32_t frontier = lookahead->frontier > at ? lookahead->frontier : at + 1;
    for (; frontier < end && lookahead->found - lookahead->over < LOOKAHEAD_FAULTS; frontier++) {
        uint32_t page = first_pages[block[frontier].space] + block[frontier].page;
        if (mm->hot[page] & HOT_MAPPED)
            continue;
        *fault_at(lookahead, lookahead->found++) = (struct coming_fault){page, frontier};
        page_prefetch(mm->cold, page);
        if (memcgs_are_many(mm))
            memcg_prefetch(mm, page_memcg(mm, page));
        swap_prefetch(swap, page);
    }
    lookahead->frontier = frontier;
}

void lookahead_advance(struct lookahead *lookahead, const struct swap *swap,
                       const uint32_t *first_pages, const struct access *block, uint32_t at,
                       uint32_t count)
{
    while (lookahead->over != lookahead->found && fault_at(lookahead, lookahead->over)->at <= at)
        lookahead->over++;
    find_faults(lookahead, swap, first_pages, block, at, count);
    uint32_t coming = lookahead->found - lookahead->over;
    for (unsigned step = 0; step < ZSWAP_PREFETCH_STEPS; step++)
        if (coming >= step_distance[step])
            zswap_prefetch(swap->zswap,
                           fault_at(lookahead, lookahead->over + step_distance[step] - 1)->page,
                           step);
}

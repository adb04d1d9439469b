#include "sim/mm/workingset.h"

void workingset_age(struct mm *mm, uint32_t memcg, uint32_t node, uint64_t by)
{
    for (uint32_t at = memcg; at != NO_MEMCG; at = mm->memcgs[at].parent)
        mm->memcgs[at].lruvecs[node].nonresident_age += by;
}

void workingset_evict(struct mm *mm, uint32_t target, uint32_t page)
{
    uint32_t node = page_node(mm, page);
    bool workingset = mm->cold[page].bits & PAGE_WORKINGSET;
    mm->cold[page].shadow.age = (uint32_t)mm->memcgs[target].lruvecs[node].nonresident_age;
    mm->cold[page].shadow.place = shadow_place(target, node, workingset);
    workingset_age(mm, target, node, 1);
}

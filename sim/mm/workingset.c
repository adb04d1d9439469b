#include "sim/mm/workingset.h"

void workingset_age(struct mm *mm, uint32_t memcg, uint32_t node, uint64_t by)
{
    for (struct memcg *at = &mm->memcgs[memcg]; at; at = at->above)
        at->lruvecs[node].nonresident_age += by;
}

void workingset_evict(struct mm *mm, uint32_t target, uint32_t page)
{
    struct page_cold *cold = &mm->cold[page];
    uint32_t node = bits_field(cold->bits, PAGE_NODE_SHIFT);
    cold->shadow.age = (uint32_t)mm->memcgs[target].lruvecs[node].nonresident_age;
    cold->shadow.place = shadow_place(target, node, cold->bits & PAGE_WORKINGSET);
    workingset_age(mm, target, node, 1);
}

/* Refault distance: was an evicted page taken too early?
 *
 * The clock of a lruvec counts evictions and activations (nonresident_age).  An
 * evicted page leaves its reading behind (the shadow); when it comes back, the
 * difference tells how many pages it would have needed to stay. */
#ifndef ZSIM_MM_WORKINGSET_H
#define ZSIM_MM_WORKINGSET_H

#include "sim/mm/mm.h"

/* workingset_age_nonresident: the clock of a lruvec and of its ancestors'. */
void workingset_age(struct mm *mm, uint32_t memcg, uint32_t node, uint64_t by);

/* workingset_eviction: write the shadow of a page evicted for `target`, then tick. */
void workingset_evict(struct mm *mm, uint32_t target, uint32_t page);

/* What a shadow's `place` word holds. */
static inline uint32_t shadow_memcg(uint32_t place)
{
    return place & 0xffff;
}
static inline uint32_t shadow_node(uint32_t place)
{
    return (place >> 16) & 15;
}
static inline bool shadow_workingset(uint32_t place)
{
    return (place >> 20) & 1;
}
static inline uint32_t shadow_place(uint32_t memcg, uint32_t node, bool workingset)
{
    return memcg | node << 16 | (uint32_t)workingset << 20;
}

#endif

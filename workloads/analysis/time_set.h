/* A set of moments 0..n-1, of which the last is found at once: one bit for each,
 * and above 64 bits one bit that says whether any is set, and so on. */
#ifndef ZSIM_WORKLOADS_ANALYSIS_TIME_SET_H
#define ZSIM_WORKLOADS_ANALYSIS_TIME_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "sim/base/memory.h"

enum { TIME_SET_LEVELS = 6 }; /* 64^6 > 2^32 */

struct time_set {
    uint64_t *level[TIME_SET_LEVELS];
    unsigned levels;
    uint64_t count;
};

static inline void time_set_init(struct time_set *set, uint64_t n)
{
    *set = (struct time_set){0};
    do {
        n = n / 64 + 1;
        set->level[set->levels++] = memory_zeroed(n, sizeof(uint64_t), "moments of a trace");
    } while (n > 1);
}

static inline void time_set_release(struct time_set *set)
{
    for (unsigned i = 0; i < set->levels; i++)
        free(set->level[i]);
}

static inline bool time_set_has(const struct time_set *set, uint64_t time)
{
    return set->level[0][time / 64] >> (time % 64) & 1;
}

/* It is not in the set. */
static inline void time_set_add(struct time_set *set, uint64_t time)
{
    set->count++;
    for (unsigned i = 0; i < set->levels; i++, time /= 64) {
        uint64_t before = set->level[i][time / 64];
        set->level[i][time / 64] = before | (uint64_t)1 << (time % 64);
        if (before)
            return;
    }
}

/* It is in the set. */
static inline void time_set_remove(struct time_set *set, uint64_t time)
{
    set->count--;
    for (unsigned i = 0; i < set->levels; i++, time /= 64)
        if (set->level[i][time / 64] &= ~((uint64_t)1 << (time % 64)))
            return;
}

/* The set is not empty. */
static inline uint64_t time_set_last(const struct time_set *set)
{
    uint64_t at = 0;
    for (unsigned i = set->levels; i-- > 0;)
        at = at * 64 + 63 - (unsigned)__builtin_clzll(set->level[i][at]);
    return at;
}

#endif

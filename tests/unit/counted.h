/* Short names for the numbers of a run. */
#ifndef ZSIM_TESTS_COUNTED_H
#define ZSIM_TESTS_COUNTED_H

#include "sim/result.h"

static inline uint64_t counted(const struct run_result *result, enum counter counter)
{
    return result->totals.counters[counter];
}

static inline uint64_t gauge(const struct run_result *result, enum gauge which)
{
    return result->totals.gauges[which];
}

#endif

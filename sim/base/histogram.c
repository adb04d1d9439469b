#include "sim/base/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

static uint64_t upper_edge_of(unsigned bucket)
{
    if (bucket < HISTOGRAM_SUB_BUCKETS)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_SUB_BUCKETS - 1;
    uint64_t part = bucket % HISTOGRAM_SUB_BUCKETS + HISTOGRAM_SUB_BUCKETS;
    return ((part + 1) << shift) - 1;
}

/* All values lie from `least` to `most`, from now on. */
static void set_limits(struct histogram *histogram, uint64_t least, uint64_t most)
{
    histogram->least = least;
    histogram->most = most;
    histogram->span = most - least + 1;
}

static void make_buckets(struct histogram *histogram)
{
    if (!histogram->buckets)
        histogram->buckets =
            memory_zeroed(HISTOGRAM_BUCKETS, sizeof(*histogram->buckets), "a histogram");
}

void histogram_widen(struct histogram *histogram, uint64_t value)
{
    make_buckets(histogram);
    set_limits(histogram, !histogram->count || value < histogram->least ? value : histogram->least,
               value > histogram->most ? value : histogram->most);
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned of_10000)
{
    if (!histogram->count)
        return 0;
    unsigned __int128 product = (unsigned __int128)histogram->count * of_10000;
    uint64_t rank = (uint64_t)((product + 9999) / 10000);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank && seen) {
            uint64_t edge = upper_edge_of(i);
            if (edge > histogram->most)
                edge = histogram->most;
            return edge < histogram->least ? histogram->least : edge;
        }
    }
    return histogram->most;
}

bool histogram_next(const struct histogram *histogram, unsigned *bucket, uint64_t *upper_edge,
                    uint32_t *count)
{
    unsigned at = *bucket;
    while (histogram->buckets && at < HISTOGRAM_BUCKETS && !histogram->buckets[at])
        at++;
    if (!histogram->buckets || at == HISTOGRAM_BUCKETS)
        return false;
    *upper_edge = upper_edge_of(at);
    *count = histogram->buckets[at];
    *bucket = at + 1;
    return true;
}

void histogram_release(struct histogram *histogram)
{
    free(histogram->buckets);
    memset(histogram, 0, sizeof(*histogram));
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (!from->count)
        return;
    histogram_widen(into, from->least);
    into->count += from->count; /* now `least` is a value */
    histogram_widen(into, from->most);
    into->sum += from->sum;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

/* A histogram of times in ns with at most 1/32 relative error, in integers only,
 * so that percentiles are the same on every machine. */
#ifndef ZSIM_BASE_HISTOGRAM_H
#define ZSIM_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum { HISTOGRAM_SUB_BUCKETS = 32, HISTOGRAM_BUCKETS = 60 * HISTOGRAM_SUB_BUCKETS };

/* Zero-initialise before use. */
struct histogram {
    uint64_t count, sum, least, most;
    uint64_t span;     /* from `least` to `most`; 0: there was no value yet */
    uint32_t *buckets; /* [HISTOGRAM_BUCKETS], made on first use */
};

/* Values below HISTOGRAM_SUB_BUCKETS have a bucket each; above, each power of two is cut into
 * HISTOGRAM_SUB_BUCKETS equal parts. */
static inline unsigned histogram_bucket_of(uint64_t value)
{
    unsigned shift = 58u - (unsigned)__builtin_clzll(value | HISTOGRAM_SUB_BUCKETS);
    /* The largest value is in the last bucket. */
    return shift * HISTOGRAM_SUB_BUCKETS + (unsigned)(value >> shift);
}

/* The first value, or one that is less or more than all before. */
void histogram_widen(struct histogram *histogram, uint64_t value);
static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    if (__builtin_expect(value - histogram->least >= histogram->span, false))
        histogram_widen(histogram, value);
    histogram->count++;
    histogram->sum += value;
    histogram->buckets[histogram_bucket_of(value)]++;
}
/* The value below which `per_mille_10` of 10,000 samples lie (5000: median,
 * 9990: p99.9): the upper edge of its bucket, within [least, most]; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned of_10000);
/* The first bucket with samples from *bucket on, which becomes the one behind it; false when
 * there is none. */
bool histogram_next(const struct histogram *histogram, unsigned *bucket, uint64_t *upper_edge,
                    uint32_t *count);
/* Add all samples of another one. */
void histogram_merge(struct histogram *into, const struct histogram *from);
void histogram_release(struct histogram *histogram);

#endif

/* Draws from a fixed discrete distribution, in constant expected time. */
#ifndef ZSIM_WORKLOADS_GENERATORS_RANK_TABLE_H
#define ZSIM_WORKLOADS_GENERATORS_RANK_TABLE_H

#include <stdint.h>

/* Cumulated weights with an index over them: guide[x >> shift] is the first
 * rank whose cumulated weight exceeds the lowest x of that bucket, so a search
 * starts at most a few ranks before its answer. */
struct rank_table {
    uint32_t ranks;
    unsigned shift;
    uint64_t total;      /* of the weights; a draw x is in 0..total-1 */
    uint64_t *cumulated; /* [ranks]; the last one is at least total */
    uint32_t *guide;
};

/* Weights floor(10^12 / (i+1)^exponent) + 1 (docs/formats.md, "Generators").
 * NULL when their sum does not fit in 64 bits. */
struct rank_table *rank_table_zipf(uint32_t ranks, double exponent);

/* Ranks for a 53-bit draw k, standing for u = k * 2^-53: the first i with
 * cdf(i) > u, cdf(i) the sum of (j+1)^-exponent over j <= i, divided by the
 * sum over all (docs/formats.md, "Emulator phases"). */
struct rank_table *rank_table_zipf_unit(uint32_t ranks, double exponent);

void rank_table_free(struct rank_table *table); /* accepts NULL */

/* The first rank whose cumulated weight exceeds x; x < total. */
static inline uint32_t rank_table_find(const struct rank_table *table, uint64_t x)
{
    const uint64_t *cumulated = table->cumulated;
    uint32_t rank = table->guide[x >> table->shift];
    /* One step without a branch: whether it is needed is a coin toss. */
    rank += cumulated[rank] <= x;
    while (__builtin_expect(cumulated[rank] <= x, 0))
        rank++;
    return rank;
}

#endif

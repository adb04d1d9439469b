#include "workloads/generators/rank_table.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "workloads/generators/power.h"

/* Buckets a rank: more of them shorten the search, fewer stay in the cache. */
enum { GUIDE_BUCKETS_PER_RANK = 4 };

static struct rank_table *rank_table_new(uint32_t ranks)
{
    struct rank_table *table = memory_zeroed(1, sizeof(*table), "a rank table");
    table->ranks = ranks;
    table->cumulated = memory_zeroed(ranks, sizeof(*table->cumulated), "cumulated weights");
    return table;
}

static void rank_table_index(struct rank_table *table)
{
    uint64_t last = table->total - 1;
    uint64_t wanted = (uint64_t)table->ranks * GUIDE_BUCKETS_PER_RANK;
    while ((last >> table->shift) >= wanted)
        table->shift++;
    size_t buckets = (size_t)(last >> table->shift) + 1;
    table->guide = memory_zeroed(buckets, sizeof(*table->guide), "an index over weights");
    uint32_t rank = 0;
    for (size_t bucket = 0; bucket < buckets; bucket++) {
        uint64_t lowest = (uint64_t)bucket << table->shift;
        while (table->cumulated[rank] <= lowest)
            rank++;
        table->guide[bucket] = rank;
    }
}

struct rank_table *rank_table_zipf(uint32_t ranks, double exponent)
{
    struct rank_table *table = rank_table_new(ranks);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ranks; i++) {
        uint64_t weight = (uint64_t)floor(1e12 / power_of(i + 1, exponent)) + 1;
        if (__builtin_add_overflow(sum, weight, &sum)) {
            rank_table_free(table);
            return NULL;
        }
        table->cumulated[i] = sum;
    }
    table->total = sum;
    rank_table_index(table);
    return table;
}

struct rank_table *rank_table_zipf_unit(uint32_t ranks, double exponent)
{
    struct rank_table *table = rank_table_new(ranks);
    double total = 0;
    for (uint32_t i = 0; i < ranks; i++)
        total += power_of(i + 1, -exponent);
    double sum = 0;
    for (uint32_t i = 0; i < ranks; i++) {
        sum += power_of(i + 1, -exponent);
        /* cdf > k * 2^-53 is the same as ceil(cdf * 2^53) > k for a whole k,
         * and scaling by a power of two is exact. */
        table->cumulated[i] = (uint64_t)ceil(sum / total * 0x1p53);
    }
    table->total = (uint64_t)1 << 53;
    rank_table_index(table);
    return table;
}

void rank_table_free(struct rank_table *table)
{
    if (!table)
        return;
    free(table->cumulated);
    free(table->guide);
    free(table);
}

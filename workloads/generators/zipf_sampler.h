/* Draws from a zipf distribution over any number of ranks, with a small table.
 *
 * Ranks lie in blocks of about equal popularity: the first 256 each in a block of
 * its own, later ones in blocks of 1/128 of the rank that they begin with.  A draw
 * chooses a block through an alias table (Walker 1974; Vose 1991) by the
 * popularity that it would have if all its ranks were like the first, then a rank
 * of the block, each equally likely, and accepts the rank with its popularity over
 * the first one's as probability; otherwise it begins again.  So every rank's
 * probability is right to one part in 2^30, and nothing is interpolated.
 *
 * What it buys: four million pages need 1,500 blocks, 128 KiB that stay in the L2
 * cache, where a table with a row a page makes every draw a cache miss (31 M
 * accesses/s against 200 M), and a page's popularity needs no memory. */
#ifndef ZSIM_WORKLOADS_GENERATORS_ZIPF_SAMPLER_H
#define ZSIM_WORKLOADS_GENERATORS_ZIPF_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/random.h"

/* A part of a slot of the alias table; it belongs to one block. */
struct zipf_part {
    uint64_t start; /* where in the slot it begins, of 2^64 */
    uint64_t scale; /* (place in the slot - start) * scale / 2^(64 + shift) is 0..ranks-1 */
    uint32_t first; /* rank of the block */
    uint32_t sure;  /* popularity of its last rank over the first one's, of 2^32 */
    uint32_t ranks; /* of the block */
    uint32_t shift;
};

/* The slot's own block, then the one that fills it up: one cache line. */
struct zipf_slot {
    struct zipf_part parts[2];
};

struct zipf_sampler {
    struct zipf_slot *slots;
    unsigned slot_bits; /* 2^slot_bits slots */
    double exponent;
};

/* The rank of index i, from 0, is drawn in proportion to (i+1)^-exponent;
 * ranks >= 1, 0 <= exponent <= 16. */
struct zipf_sampler *zipf_sampler_create(uint32_t ranks, double exponent);
void zipf_sampler_free(struct zipf_sampler *sampler); /* accepts NULL */

/* Whether a rank of the part's block is accepted with the draw `chance`, of 2^32:
 * for a chance that the block's last rank is not accepted with. */
bool zipf_sampler_accepts(const struct zipf_part *part, double exponent, uint32_t rank,
                          uint32_t chance);

/* A rank.  *counter is the state of a sequence (random_counted()).  *coin becomes
 * true with the probability coin_share / 2^32, whatever the rank. */
static inline uint32_t zipf_sampler_draw(const struct zipf_sampler *sampler, uint64_t *counter,
                                         uint64_t coin_share, bool *coin)
{
    for (;;) {
        uint64_t number = random_counted(counter);
        const struct zipf_slot *slot = &sampler->slots[number >> (64 - sampler->slot_bits)];
        uint64_t place = number << sampler->slot_bits;
        /* By address, not by a branch, which could not be foreseen (100 M accesses/s). */
        uint64_t second = place >= slot->parts[1].start;
        const struct zipf_part *part = slot->parts + second;
        place = (uint64_t)(((unsigned __int128)(place - part->start) * part->scale) >> 64);
        uint32_t rank = part->first + (uint32_t)(place >> part->shift);
        /* What stands behind the point, as a rotation saves two instructions. */
        uint32_t chance = (uint32_t)((place >> part->shift | place << (64 - part->shift)) >> 32);
        if (__builtin_expect(chance <= part->sure, 1)) {
            /* What is below `sure` is uniform, and says what the coin shows. */
            *coin = chance < (part->sure + (uint64_t)1) * coin_share >> 32;
            return rank;
        }
        if (zipf_sampler_accepts(part, sampler->exponent, rank, chance)) {
            *coin = (uint32_t)(random_counted(counter) >> 32) < coin_share;
            return rank;
        }
    }
}

#endif

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
 * accesses/s against 200 M, and 350 M many at a time), and a page's popularity needs no memory. */
#ifndef ZSIM_WORKLOADS_GENERATORS_ZIPF_SAMPLER_H
#define ZSIM_WORKLOADS_GENERATORS_ZIPF_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/lanes.h"
#include "sim/base/random.h"
#include "workloads/workload.h"

struct zipf_block {
    uint32_t first; /* rank */
    uint32_t sure;  /* popularity of its last rank over the first one's, of 2^32 */
    uint32_t ranks;
    uint32_t shift; /* of the part's scale */
};

/* A part of a slot of the alias table; it belongs to one block. */
struct zipf_part {
    uint64_t start; /* where in the slot it begins, of 2^64 */
    uint64_t scale; /* (place in the slot - start) * scale / 2^(64 + shift) is 0..ranks-1 */
    struct zipf_block block;
};

/* The slot's own block, then the one that fills it up: one cache line. */
struct zipf_slot {
    struct zipf_part parts[2];
};

struct zipf_sampler {
    struct zipf_slot *slots;
    unsigned slot_bits; /* 2^slot_bits slots */
    enum lanes lanes;   /* of zipf_sampler_fill(); whatever they are, the draws are the same */
    double exponent;
    unsigned *users; /* apart: it changes while threads copy the rest */
};

/* The rank of index i, from 0, is drawn in proportion to (i+1)^-exponent;
 * ranks >= 1, 0 <= exponent <= 16. */
struct zipf_sampler *zipf_sampler_create(uint32_t ranks, double exponent);
/* The sampler for one more user, who frees it too.  One thread at a time. */
struct zipf_sampler *zipf_sampler_share(struct zipf_sampler *sampler);
void zipf_sampler_free(struct zipf_sampler *sampler); /* accepts NULL */

/* Whether a rank of the part's block is accepted with the draw `chance`, of 2^32:
 * for a chance that the block's last rank is not accepted with. */
bool zipf_sampler_accepts(const struct zipf_block *block, double exponent, uint32_t rank,
                          uint32_t chance);

static inline const struct zipf_part *zipf_slot_part(const struct zipf_slot *slot, uint64_t place)
{
    /* By address, not by a branch, which could not be foreseen (100 M accesses/s). */
    uint64_t second = place >= slot->parts[1].start;
    return slot->parts + second;
}

/* Where a place in the slot lies in the part's block: a rank in front of the point, which
 * stands at the bit `shift`, and behind it the chance that zipf_chance() gives. */
static inline uint64_t zipf_scaled(const struct zipf_part *part, uint64_t place)
{
    return (uint64_t)(((unsigned __int128)(place - part->start) * part->scale) >> 64);
}

/* Of 2^32.  A rotation saves two instructions. */
static inline uint64_t zipf_chance(uint64_t scaled, uint32_t shift)
{
    return (scaled >> shift | scaled << (64 - shift)) >> 32;
}

/* What the coin shows: a chance that is at most `sure` is uniform below it. */
static inline bool zipf_coin(uint64_t chance, uint32_t sure, uint64_t coin_share)
{
    return chance < (sure + (uint64_t)1) * coin_share >> 32;
}

/* A rank.  *counter is the state of a sequence (random_counted()).  *coin becomes
 * true with the probability coin_share / 2^32, which is less than 1, whatever the rank. */
static inline uint32_t zipf_sampler_draw(const struct zipf_sampler *sampler, uint64_t *counter,
                                         uint64_t coin_share, bool *coin)
{
    for (;;) {
        uint64_t number = random_counted(counter);
        const struct zipf_slot *slot = &sampler->slots[number >> (64 - sampler->slot_bits)];
        uint64_t place = number << sampler->slot_bits;
        const struct zipf_part *part = zipf_slot_part(slot, place);
        const struct zipf_block *block = &part->block;
        uint64_t scaled = zipf_scaled(part, place);
        uint32_t rank = block->first + (uint32_t)(scaled >> block->shift);
        uint32_t chance = (uint32_t)zipf_chance(scaled, block->shift);
        if (__builtin_expect(chance <= block->sure, 1)) {
            *coin = zipf_coin(chance, block->sure, coin_share);
            return rank;
        }
        if (zipf_sampler_accepts(block, sampler->exponent, rank, chance)) {
            *coin = (uint32_t)(random_counted(counter) >> 32) < coin_share;
            return rank;
        }
    }
}

enum { ZIPF_TOGETHER = 64 };

/* Records with drawn ranks. */
struct zipf_draws {
    const struct zipf_sampler *sampler;
    uint64_t coin_share;   /* of 2^32, and less */
    struct access like;    /* the rank is added to its page, the coin to its op */
    const uint32_t *order; /* what stands there for a page is asked for; NULL: nothing is */
};

/* At most `count` records, of which at least one is wanted, by as many calls of
 * zipf_sampler_draw(); how many.  Meanwhile `order` is asked for the pages of the
 * ZIPF_TOGETHER records before these, which are no fewer. */
uint32_t zipf_sampler_fill(const struct zipf_draws *draws, uint64_t *counter,
                           struct access *records, uint32_t count);

#endif

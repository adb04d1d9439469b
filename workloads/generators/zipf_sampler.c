#include "workloads/generators/zipf_sampler.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "workloads/generators/power.h"

enum {
    /* Of the first rank.  Smaller blocks need a larger table, larger ones need
     * zipf_sampler_accepts() more often: 1/64 to 1/256 draw about equally fast. */
    BLOCK_PART = 128,
    /* Probability is shared out in units; a slot holds 2^36 of them.  There are at
     * most 2^12 slots, and a block of at most 2^25 ranks is at least one unit,
     * 2^28 of the 2^64 places in its slot, wide. */
    UNIT_BITS = 36,
};

#define FULL ((uint64_t)1 << UNIT_BITS)

struct block {
    uint32_t first, ranks;
    double mass;    /* if all ranks were like the first */
    uint64_t units; /* of probability, not yet in a slot */
};

struct blocks {
    struct block *list;
    uint32_t count, slots;
};

/* The popularity of a rank over the first one's, of 2^32. */
static uint32_t share_of(double exponent, uint32_t first, uint32_t rank)
{
    double share = power_of(rank + 1, -exponent) / power_of(first + 1, -exponent) * 0x1p32;
    return share < 0x1p32 ? (uint32_t)share : UINT32_MAX;
}

/* Popularity is convex in the rank: the tangent at the first rank is below it, the
 * line from the first to the last above it.  So it is seldom computed (measured:
 * a fifth of the time of all draws before, a hundredth now). */
bool zipf_sampler_accepts(const struct zipf_block *block, double exponent, uint32_t rank,
                          uint32_t chance)
{
    double distance = rank - block->first;
    double below = 0x1p32 * (1 - exponent * distance / ((double)block->first + 1));
    if (chance < below - 2)
        return true;
    double above = 0x1p32 - (0x1p32 - block->sure) * distance / ((double)block->ranks - 1);
    if (chance > above + 2)
        return false;
    return chance <= share_of(exponent, block->first, rank);
}

/* How many ranks the block has that begins with this one. */
static uint32_t block_ranks(uint32_t first, uint32_t ranks)
{
    uint32_t size = first < 2 * BLOCK_PART ? 1 : first / BLOCK_PART;
    return size < ranks - first ? size : ranks - first;
}

/* Blocks without ranks fill the list up to a whole number of slots. */
static struct blocks make_blocks(uint32_t ranks, double exponent, unsigned slot_bits)
{
    struct blocks blocks = {.slots = (uint32_t)1 << slot_bits};
    blocks.list = memory_zeroed(blocks.slots, sizeof(*blocks.list), "a zipf distribution");
    for (uint32_t first = 0; first < ranks; first += blocks.list[blocks.count++].ranks) {
        uint32_t size = block_ranks(first, ranks);
        blocks.list[blocks.count] = (struct block){
            .first = first, .ranks = size, .mass = power_of(first + 1, -exponent) * size};
    }
    return blocks;
}

static void share_out_units(struct blocks *blocks)
{
    double total = 0;
    uint64_t left = FULL * blocks->slots;
    double all = (double)left;
    for (uint32_t i = 0; i < blocks->count; i++)
        total += blocks->list[i].mass;
    for (uint32_t i = 0; i < blocks->count; i++) {
        uint64_t units = (uint64_t)(blocks->list[i].mass / total * all);
        blocks->list[i].units = units < left ? units : left;
        left -= blocks->list[i].units;
    }
    blocks->list[0].units += left; /* what rounding down left over */
}

/* The part of a slot that is the block's: from `start`, of 2^64, `units` wide. */
static struct zipf_part make_part(const struct block *block, uint64_t start, uint64_t units,
                                  double exponent)
{
    struct zipf_part part = {.start = start,
                             .block = {.first = block->first, .ranks = block->ranks, .shift = 63}};
    unsigned __int128 width = (unsigned __int128)units << (64 - UNIT_BITS);
    if (units == 0)
        return part; /* no draw comes here */
    while ((unsigned __int128)block->ranks << part.block.shift >= width)
        part.block.shift--;
    part.scale =
        (uint64_t)(((unsigned __int128)block->ranks << part.block.shift << 32) / width << 32);
    /* In two steps, as the dividend has up to 128 bits before the second shift. */
    unsigned __int128 rest = ((unsigned __int128)block->ranks << part.block.shift << 32) % width;
    part.scale += (uint64_t)((rest << 32) / width);
    part.block.sure = share_of(exponent, block->first, block->first + block->ranks - 1);
    return part;
}

/* Vose's algorithm in whole units: a slot that its own block does not fill takes
 * the rest from a block that has more than a slot's worth. */
static void fill_slots(struct zipf_sampler *sampler, struct blocks *blocks)
{
    uint32_t *waiting = memory_zeroed(blocks->slots, sizeof(*waiting), "a zipf distribution");
    uint32_t small = 0, large = blocks->slots; /* two stacks, from either end */
    for (uint32_t i = 0; i < blocks->slots; i++)
        waiting[blocks->list[i].units < FULL ? small++ : --large] = i;
    while (small > 0) {
        uint32_t needy = waiting[--small], giver = waiting[large];
        uint64_t own = blocks->list[needy].units;
        sampler->slots[needy].parts[0] = make_part(&blocks->list[needy], 0, own, sampler->exponent);
        sampler->slots[needy].parts[1] =
            make_part(&blocks->list[giver], own << (64 - UNIT_BITS), FULL - own, sampler->exponent);
        blocks->list[giver].units -= FULL - own;
        if (blocks->list[giver].units < FULL) {
            large++;
            waiting[small++] = giver;
        }
    }
    for (; large < blocks->slots; large++) {
        /* Exactly full: both parts are the whole slot. */
        struct zipf_slot *slot = &sampler->slots[waiting[large]];
        slot->parts[0] = make_part(&blocks->list[waiting[large]], 0, FULL, sampler->exponent);
        slot->parts[1] = slot->parts[0];
    }
    free(waiting);
}

static size_t slots_bytes(const struct zipf_sampler *sampler)
{
    return sizeof(*sampler->slots) << sampler->slot_bits;
}

struct zipf_sampler *zipf_sampler_create(uint32_t ranks, double exponent)
{
    struct zipf_sampler *sampler = memory_zeroed(1, sizeof(*sampler), "a zipf distribution");
    uint32_t count = 0;
    for (uint32_t first = 0; first < ranks; first += block_ranks(first, ranks))
        count++;
    sampler->slot_bits = 1;
    while ((uint32_t)1 << sampler->slot_bits < count)
        sampler->slot_bits++;
    sampler->lanes = lanes_here();
    sampler->users = memory_zeroed(1, sizeof(*sampler->users), "a zipf distribution");
    *sampler->users = 1;
    sampler->exponent = exponent;
    /* Whole pages: so that no slot lies across two cache lines. */
    sampler->slots = memory_mapped(slots_bytes(sampler), "a zipf distribution");
    struct blocks blocks = make_blocks(ranks, exponent, sampler->slot_bits);
    share_out_units(&blocks);
    fill_slots(sampler, &blocks);
    free(blocks.list);
    return sampler;
}

struct zipf_sampler *zipf_sampler_share(struct zipf_sampler *sampler)
{
    ++*sampler->users;
    return sampler;
}

void zipf_sampler_free(struct zipf_sampler *sampler)
{
    if (!sampler || --*sampler->users)
        return;
    free(sampler->users);
    memory_unmap(sampler->slots, slots_bytes(sampler));
    free(sampler);
}

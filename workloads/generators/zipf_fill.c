#include <string.h>

#include "workloads/generators/record_bits.h"
#include "workloads/generators/zipf_sampler.h"

/* Zipf draws, many at a time.
 *
 * One draw is a chain of some 60 cycles (a random number, a table row, a product, a
 * comparison), and the host's schedulers hold but two or three of them.  Step by step for
 * ZIPF_TOGETHER numbers the chains are short, and the first and the last step go through
 * vector registers.
 *
 * This takes one number a draw.  Where a rank is not surely accepted (1 draw of 150) a
 * zipf_sampler_draw() is made in its place, and the numbers that it took are passed over. */
struct together {
    uint64_t slot[ZIPF_TOGETHER];
    uint64_t place[ZIPF_TOGETHER]; /* in the slot, then in the block: zipf_scaled() */
    struct zipf_block block[ZIPF_TOGETHER];
    uint64_t record[ZIPF_TOGETHER]; /* the bits of a struct access */
    uint8_t unsure[ZIPF_TOGETHER];
};

#define STEP static inline __attribute__((always_inline)) void

STEP draw_numbers(uint64_t counter, unsigned slot_bits, uint64_t *restrict slot,
                  uint64_t *restrict place)
{
    for (uint64_t i = 0; i < ZIPF_TOGETHER; i++) {
        uint64_t number = random_splitmix(counter + i * RANDOM_COUNTED_STEP);
        slot[i] = number >> (64 - slot_bits);
        place[i] = number << slot_bits;
    }
}

/* One by one: a vector would have to be put together from as many reads.  What is asked for
 * is asked for beside it, one at a time: 64 in a row take 0.8 ns more each. */
STEP find_blocks(const struct zipf_slot *slots, const uint64_t *restrict slot,
                 uint64_t *restrict place, struct zipf_block *restrict block,
                 const struct access *before, const uint32_t *order)
{
    for (uint32_t i = 0; i < ZIPF_TOGETHER; i++) {
        const struct zipf_part *part = zipf_slot_part(&slots[slot[i]], place[i]);
        place[i] = zipf_scaled(part, place[i]);
        block[i] = part->block;
        if (order)
            __builtin_prefetch(&order[before[i].page]);
    }
}

STEP make_records(uint64_t like, uint64_t coin_share, const uint64_t *restrict place,
                  const struct zipf_block *restrict block, uint64_t *restrict record,
                  uint8_t *restrict unsure)
{
    for (uint32_t i = 0; i < ZIPF_TOGETHER; i++) {
        uint64_t rank = block[i].first + (place[i] >> block[i].shift);
        uint64_t chance = zipf_chance(place[i], block[i].shift);
        uint64_t coin = zipf_coin(chance, block[i].sure, coin_share);
        record[i] = record_bits_moved(like, rank, coin);
        unsure[i] = chance > block[i].sure;
    }
}

STEP draw_together(struct together *all, const struct zipf_draws *draws, uint64_t counter,
                   const struct access *before)
{
    const struct zipf_sampler *sampler = draws->sampler;
    draw_numbers(counter, sampler->slot_bits, all->slot, all->place);
    find_blocks(sampler->slots, all->slot, all->place, all->block, before, draws->order);
    make_records(record_bits(draws->like), draws->coin_share, all->place, all->block, all->record,
                 all->unsure);
}

/* 3.7 ns a draw in place of 4.4. */
WITH_AVX2 static void draw_with_avx2(struct together *all, const struct zipf_draws *draws,
                                     uint64_t counter, const struct access *before)
{
    draw_together(all, draws, counter, before);
}

/* 2.8 ns. */
WITH_AVX512 static void draw_with_avx512(struct together *all, const struct zipf_draws *draws,
                                         uint64_t counter, const struct access *before)
{
    draw_together(all, draws, counter, before);
}

static inline uint64_t draw_one(const struct zipf_sampler *sampler, uint64_t *counter,
                                uint64_t coin_share, uint64_t like)
{
    bool coin;
    uint32_t rank = zipf_sampler_draw(sampler, counter, coin_share, &coin);
    return record_bits_moved(like, rank, coin);
}

static inline __attribute__((always_inline)) void
fill_one_by_one(const struct zipf_draws *draws, uint64_t *counter, struct access *records,
                uint32_t count, const uint32_t *order)
{
    /* Copies, as a record might be any of them for all the compiler knows. */
    const struct zipf_sampler sampler = *draws->sampler;
    const uint64_t like = record_bits(draws->like), coin_share = draws->coin_share;
    uint64_t here = *counter;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t record = draw_one(&sampler, &here, coin_share, like);
        memcpy(&records[i], &record, sizeof(record));
        if (order)
            __builtin_prefetch(&order[(&records[i] - ZIPF_TOGETHER)->page]);
    }
    *counter = here;
}

/* As many records as ZIPF_TOGETHER numbers are enough for. */
static uint32_t fill_together(const struct zipf_draws *draws, uint64_t *counter,
                              struct access *records)
{
    struct together all;
    const struct access *before = draws->order ? records - ZIPF_TOGETHER : NULL;
    if (draws->sampler->lanes == LANES_AVX512)
        draw_with_avx512(&all, draws, *counter, before);
    else
        draw_with_avx2(&all, draws, *counter, before);
    uint32_t used = 0, filled = 0;
    while (used < ZIPF_TOGETHER) {
        const uint8_t *unsure = memchr(all.unsure + used, 1, ZIPF_TOGETHER - used);
        uint32_t end = unsure ? (uint32_t)(unsure - all.unsure) : ZIPF_TOGETHER;
        memcpy(&records[filled], &all.record[used], (end - used) * sizeof(*records));
        filled += end - used;
        used = end;
        if (!unsure)
            break;
        uint64_t from = *counter + used * RANDOM_COUNTED_STEP, to = from;
        uint64_t record =
            draw_one(draws->sampler, &to, draws->coin_share, record_bits(draws->like));
        memcpy(&records[filled++], &record, sizeof(record));
        for (; from != to; from += RANDOM_COUNTED_STEP)
            used++;
    }
    *counter += used * RANDOM_COUNTED_STEP;
    return filled;
}

uint32_t zipf_sampler_fill(const struct zipf_draws *draws, uint64_t *counter,
                           struct access *records, uint32_t count)
{
    if (count >= ZIPF_TOGETHER && draws->sampler->lanes != LANES_NONE)
        return fill_together(draws, counter, records);
    if (count > ZIPF_TOGETHER)
        count = ZIPF_TOGETHER;
    if (draws->order)
        fill_one_by_one(draws, counter, records, count, draws->order);
    else
        fill_one_by_one(draws, counter, records, count, NULL);
    return count;
}

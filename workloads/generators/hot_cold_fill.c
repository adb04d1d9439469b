/* Draws of hot_cold, many at a time. */
#include <string.h>

#include "sim/base/lanes.h"
#include "sim/base/random.h"
#include "workloads/generators/record_bits.h"
#include "workloads/generators/stream.h"

/* Hot and cold pages, TOGETHER at a time, so that the compiler makes them in vector registers:
 * 2.0 ns an access with AVX-512 in place of 4.4.  (With AVX2, which has no product of 64-bit
 * numbers, gcc 12's take 5.1.) */
enum { TOGETHER = 64 };

/* The high half of number * n, which no vector register has, and by products that they have. */
typedef uint64_t high_half(uint64_t number, uint32_t n);

static inline uint64_t high_by_one(uint64_t number, uint32_t n)
{
    return (uint64_t)(((unsigned __int128)number * n) >> 64);
}

static inline uint64_t high_by_two(uint64_t number, uint32_t n)
{
    return ((number >> 32) * n + ((number & UINT32_MAX) * n >> 32)) >> 32;
}

/* One number says whether the page is hot and which one it is: what is left of 64 bits
 * after the choice among 100 is uniform too.  A second one is the coin. */
static inline __attribute__((always_inline)) void
draw_together(const struct stream *stream, uint64_t counter, uint64_t like, uint64_t numbers,
              uint64_t *restrict records, high_half *high)
{
    const uint32_t hot_pages = stream->hot_pages, cold_pages = stream->pages - hot_pages;
    const uint32_t hot_percent = stream->hot_percent, write_percent = stream->write_percent;
    const uint64_t pages = stream->pages, offset = stream->hot_offset;
    for (uint64_t i = 0; i < TOGETHER; i++) {
        uint64_t at = counter + i * numbers * RANDOM_COUNTED_STEP;
        uint64_t number = random_splitmix(at);
        bool hot = high(number, 100) < hot_percent;
        uint64_t page = high(number * 100, hot ? hot_pages : cold_pages);
        page += (hot ? 0 : (uint64_t)hot_pages) + offset;
        page = page < pages ? page : page - pages;
        uint64_t coin = high(random_splitmix(at + RANDOM_COUNTED_STEP), 100) < write_percent;
        records[i] = record_bits_moved(like, page, coin);
    }
}

WITH_AVX512 static void draw_with_avx512(const struct stream *stream, uint64_t counter,
                                         uint64_t like, uint64_t numbers, uint64_t *records)
{
    draw_together(stream, counter, like, numbers, records, high_by_two);
}

static void draw_plainly(const struct stream *stream, uint64_t counter, uint64_t like,
                         uint64_t numbers, uint64_t *records)
{
    draw_together(stream, counter, like, numbers, records, high_by_one);
}

void stream_fill_hot_cold(const struct stream *stream, struct stream_position *at,
                          struct access *records, uint32_t count)
{
    const bool wide = lanes_here() == LANES_AVX512;
    /* Without writes there is no coin; its number is that of the next page then. */
    const uint64_t numbers = stream->write_percent ? 2 : 1;
    const uint64_t like =
        record_bits((struct access){.page = stream->first, .space = stream->space});
    uint64_t drawn[TOGETHER];
    for (uint32_t done = 0; done < count; done += TOGETHER) {
        uint32_t take = count - done < TOGETHER ? count - done : TOGETHER;
        if (wide)
            draw_with_avx512(stream, at->random, like, numbers, drawn);
        else
            draw_plainly(stream, at->random, like, numbers, drawn);
        memcpy(records + done, drawn, take * sizeof(*records));
        at->random += take * numbers * RANDOM_COUNTED_STEP;
    }
    at->index += count;
}

/* Random numbers that are the same on every machine.
 *
 * splitmix and xorshift64* exactly as the trace format defines them
 * (docs/formats.md, "Random numbers"), so that a generated trace is
 * bit-identical to one made by any other program that follows it. */
#ifndef ZSIM_BASE_RANDOM_H
#define ZSIM_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t random_splitmix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/* xorshift64*; *state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1Dull;
}

/* splitmix as a sequence: number i comes from *counter + i * RANDOM_COUNTED_STEP, so
 * that one need not wait for the one before (measured: twice as many a second). */
#define RANDOM_COUNTED_STEP 0x9E3779B97F4A7C15ull

static inline uint64_t random_counted(uint64_t *counter)
{
    uint64_t number = random_splitmix(*counter);
    *counter += RANDOM_COUNTED_STEP;
    return number;
}

/* Uniform in 0..n-1 (n > 0): the high half of a 128-bit product. */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)random_next(state) * n) >> 64);
}

static inline uint64_t random_counted_below(uint64_t *counter, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)random_counted(counter) * n) >> 64);
}

/* Uniform in [0, 1) with 53 bits. */
static inline double random_unit(uint64_t *state)
{
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

#endif

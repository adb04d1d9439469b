/* Vector registers of the host, for loops over independent 64-bit integers.
 *
 * The compiler fills them itself where a function says which ones there may be; who calls
 * it asks the processor first.  Integers come out the same with any of them.  (Not
 * target_clones: clang 14 never chooses the clones, and they need ifuncs.) */
#ifndef ZSIM_BASE_LANES_H
#define ZSIM_BASE_LANES_H

enum lanes {
    LANES_NONE,   /* one number at a time */
    LANES_AVX2,   /* four numbers, each shifted by its own count */
    LANES_AVX512, /* and multiplied in one instruction */
};

#if defined(__x86_64__)
#define WITH_AVX2 __attribute__((target("avx2")))
#define WITH_AVX512 __attribute__((target("avx512dq,avx512vl")))

/* The best that this machine has. */
static inline enum lanes lanes_here(void)
{
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return LANES_AVX512;
    return __builtin_cpu_supports("avx2") ? LANES_AVX2 : LANES_NONE;
}
#else
#define WITH_AVX2
#define WITH_AVX512

static inline enum lanes lanes_here(void)
{
    return LANES_NONE;
}
#endif

#endif

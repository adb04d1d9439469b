#include "workloads/generators/power.h"

#include <math.h>

/* Fixed point throughout; "Q3.61" has 3 bits before and 61 behind the point. */
typedef unsigned __int128 wide;

static uint64_t high_product(uint64_t a, uint64_t b)
{
    return (uint64_t)(((wide)a * b) >> 64);
}

/* log2 of base / 2^shift, which is in (1/sqrt(2), sqrt(2)], as the size of a
 * Q3.61; the caller knows the sign.  ln m = 2 atanh((m-1)/(m+1)). */
static uint64_t log2_size(uint64_t base, unsigned shift)
{
    static const uint64_t two_over_ln2 = 0xB8AA3B295C17F0BC; /* Q2.62 */
    uint64_t one = (uint64_t)1 << shift;
    uint64_t difference = base > one ? base - one : one - base;
    uint64_t z = (uint64_t)(((wide)difference << 64) / (base + one)); /* Q0.64, below 0.1716 */
    uint64_t square = high_product(z, z);
    /* 1 / (2j+1) as Q1.63; 0.1716^26 < 2^-66 */
#define ONE ((uint64_t)1 << 63)
    static const uint64_t terms[] = {ONE,      ONE / 3,  ONE / 5,  ONE / 7,  ONE / 9,
                                     ONE / 11, ONE / 13, ONE / 15, ONE / 17, ONE / 19,
                                     ONE / 21, ONE / 23, ONE / 25};
#undef ONE
    uint64_t series = 0;
    for (unsigned j = sizeof(terms) / sizeof(terms[0]); j-- > 0;)
        series = terms[j] + high_product(series, square);
    return high_product(high_product(z, series), two_over_ln2);
}

/* log2 of base, as Q64.64. */
static wide log2_of(uint32_t base)
{
    /* Whether base / 2^floor is above sqrt(2): compare the squares. */
    unsigned shift = 31u - (unsigned)__builtin_clz(base);
    if (((wide)base * base) >> (2 * shift + 1))
        shift++;
    wide whole = (wide)shift << 64;
    wide fraction = (wide)log2_size(base, shift) << 3;
    return (uint64_t)base >> shift ? whole + fraction : whole - fraction;
}

/* 2^(fraction / 2^64), in 1..2, as Q2.62: the Taylor series of exp(). */
static uint64_t exp2_fraction(uint64_t fraction)
{
    static const uint64_t ln2 = 0xB17217F7D1CF79AC; /* Q0.64 */
    /* 1/k! as Q2.62; 0.694^20 / 20! < 2^-64 */
#define ONE ((uint64_t)1 << 62)
    static const uint64_t terms[] = {
        ONE,
        ONE,
        ONE / 2,
        ONE / 6,
        ONE / 24,
        ONE / 120,
        ONE / 720,
        ONE / 5040,
        ONE / 40320,
        ONE / 362880,
        ONE / 3628800,
        ONE / 39916800,
        ONE / 479001600,
        ONE / 6227020800,
        ONE / 87178291200,
        ONE / 1307674368000,
        ONE / 20922789888000,
        ONE / 355687428096000,
        ONE / 6402373705728000,
        ONE / 121645100408832000,
    };
    uint64_t t = high_product(fraction, ln2);
    uint64_t sum = 0;
    for (unsigned k = sizeof(terms) / sizeof(terms[0]); k-- > 0;)
        sum = terms[k] + high_product(sum, t);
    return sum;
}

double power_of(uint32_t base, double exponent)
{
    wide scaled = (wide)ldexp(fabs(exponent), 64); /* Q64.64 */
    wide log2 = log2_of(base);
    uint64_t part = (uint64_t)scaled;
    wide power = (scaled >> 64) * log2 + (wide)part * (uint64_t)(log2 >> 64) +
                 high_product(part, (uint64_t)log2);
    if (exponent < 0)
        power = -power; /* two's complement: the fraction stays positive */
    int whole = (int)(int64_t)(power >> 64);
    return ldexp((double)exp2_fraction((uint64_t)power), whole - 62);
}

/* Powers of whole numbers whose bits are the same on every machine.
 *
 * libm's pow() may differ in the last bit from one library, processor or
 * compiler to the next, and a page that is drawn by such a number with it. */
#ifndef ZSIM_WORKLOADS_GENERATORS_POWER_H
#define ZSIM_WORKLOADS_GENERATORS_POWER_H

#include <stdint.h>

/* base^exponent, base >= 1, |exponent| <= 16: computed in integers to within
 * 2^-56 of its size (2^-59 for |exponent| <= 2), then rounded to the nearest
 * double.  Exact where the power is a whole number below 2^53. */
double power_of(uint32_t base, double exponent);

#endif

/* Random numbers that are not uniform, the same on every machine.
 *
 * The C library's log() and exp() differ in the last bit from one version to the next;
 * these use nothing but the four operations and sqrt(), which IEEE 754 rounds one way. */
#ifndef ZSIM_BASE_VARIATES_H
#define ZSIM_BASE_VARIATES_H

#include <stdint.h>

/* Natural logarithm of x > 0, and e to the power of x (|x| < 700), within 1e-15. */
double variate_log(double x);
double variate_exp(double x);

/* *state as for random_next(). */

/* Exponential with mean 1: -ln of a uniform number. */
double variate_exponential(uint64_t *state);
/* Normal with mean 0 and standard deviation 1 (Marsaglia's polar method, 1962). */
double variate_normal(uint64_t *state);

#endif

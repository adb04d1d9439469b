#include "sim/base/variates.h"

#include <math.h>

#include "sim/base/random.h"

static const double ln2 = 0x1.62e42fefa39efp-1;

/* x = m 2^k with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh((m - 1) / (m + 1)). */
double variate_log(double x)
{
    int k;
    double m = frexp(x, &k);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        k--;
    }
    double z = (m - 1) / (m + 1), square = z * z, series = 0;
    for (int power = 25; power > 0; power -= 2) /* 0.1716^27 < 2^-68 */
        series = series * square + 1.0 / power;
    return 2 * z * series + k * ln2;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; the Taylor series of e^r. */
double variate_exp(double x)
{
    int k = (int)(x / ln2 + (x < 0 ? -0.5 : 0.5));
    double r = x - k * ln2, series = 1;
    for (int n = 18; n > 0; n--) /* 0.3466^19 / 19! < 2^-80 */
        series = 1 + series * r / n;
    return ldexp(series, k);
}

double variate_exponential(uint64_t *state)
{
    return -variate_log(1 - random_unit(state));
}

double variate_normal(uint64_t *state)
{
    for (;;) {
        double u = 2 * random_unit(state) - 1, v = 2 * random_unit(state) - 1;
        double s = u * u + v * v;
        if (s > 0 && s < 1)
            return u * sqrt(-2 * variate_log(s) / s);
    }
}

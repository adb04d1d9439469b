/* A straight line by GSL's weighted least squares. */
#include <gsl/gsl_fit.h>

#include "sim/calibrate/calibrate.h"

/* No dependence on x: the weighted mean. */
static struct fitted_line fit_constant(const double *y, const double *weights, size_t count)
{
    double sum = 0, weight = 0, chi_squared = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i] * y[i];
        weight += weights[i];
    }
    struct fitted_line line = {.fixed = sum / weight, .fixed_variance = 1 / weight};
    for (size_t i = 0; i < count; i++)
        chi_squared += weights[i] * (y[i] - line.fixed) * (y[i] - line.fixed);
    line.chi_squared = chi_squared / (double)(count - 1);
    return line;
}

struct fitted_line fit_line(const double *x, const double *y, const double *weights, size_t count)
{
    struct fitted_line line = {0};
    gsl_fit_wlinear(x, 1, weights, 1, y, 1, count, &line.fixed, &line.slope, &line.fixed_variance,
                    &line.covariance, &line.slope_variance, &line.chi_squared);
    line.chi_squared /= (double)(count - 2);
    if (line.slope < 0) {
        line = fit_constant(y, weights, count);
        line.bounded = true;
    } else if (line.fixed < 0) {
        line = (struct fitted_line){.bounded = true};
        gsl_fit_wmul(x, 1, weights, 1, y, 1, count, &line.slope, &line.slope_variance,
                     &line.chi_squared);
        line.chi_squared /= (double)(count - 1);
    }
    if (line.chi_squared > 1) {
        line.fixed_variance *= line.chi_squared;
        line.covariance *= line.chi_squared;
        line.slope_variance *= line.chi_squared;
    }
    return line;
}

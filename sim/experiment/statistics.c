#include "sim/experiment/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

/* Changes within this share of the base are called the same. */
static const double SAME_WITHIN_PERCENT = 1.0;

static double median_of(const double *values, uint32_t n)
{
    double *sorted = memory_zeroed(n, sizeof(*sorted), "values to sort");
    memcpy(sorted, values, n * sizeof(*sorted));
    gsl_sort(sorted, 1, n);
    double median = gsl_stats_median_from_sorted_data(sorted, 1, n);
    free(sorted);
    return median;
}

struct sample_summary statistics_summary(const double *values, uint32_t n)
{
    struct sample_summary summary = {n, NAN, NAN, NAN, NAN, NAN};
    if (n == 0)
        return summary;
    summary.mean = gsl_stats_mean(values, 1, n);
    summary.median = median_of(values, n);
    if (n == 1)
        return summary;
    summary.stddev = gsl_stats_sd_m(values, 1, n, summary.mean);
    double half = gsl_cdf_tdist_Pinv(0.975, (double)n - 1) * summary.stddev / sqrt((double)n);
    summary.ci95_low = summary.mean - half;
    summary.ci95_high = summary.mean + half;
    return summary;
}

struct paired_difference statistics_paired(const double *base, const double *new, uint32_t n)
{
    struct paired_difference paired = {n, n == 1, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (n == 0)
        return paired;
    double *differences = memory_zeroed(n, sizeof(*differences), "paired differences");
    for (uint32_t i = 0; i < n; i++)
        differences[i] = new[i] - base[i];
    struct sample_summary summary = statistics_summary(differences, n);
    free(differences);
    paired.base_mean = gsl_stats_mean(base, 1, n);
    paired.base_median = median_of(base, n);
    paired.new_mean = gsl_stats_mean(new, 1, n);
    paired.new_median = median_of(new, n);
    paired.mean_difference = summary.mean;
    paired.ci95_low = paired.exact ? summary.mean : summary.ci95_low;
    paired.ci95_high = paired.exact ? summary.mean : summary.ci95_high;
    return paired;
}

double statistics_percent(const struct paired_difference *paired, double difference)
{
    if (difference == 0)
        return 0;
    return paired->base_mean == 0 ? NAN : 100 * difference / fabs(paired->base_mean);
}

enum verdict statistics_verdict(const struct paired_difference *paired,
                                enum metric_direction direction)
{
    if (paired->n == 0)
        return VERDICT_UNCLEAR;
    bool excludes_zero = paired->ci95_low > 0 || paired->ci95_high < 0;
    if (excludes_zero) {
        if (direction == NEITHER_IS_BETTER)
            return VERDICT_UNCLEAR;
        bool lower = paired->ci95_high < 0;
        return lower == (direction == LOWER_IS_BETTER) ? VERDICT_BETTER : VERDICT_WORSE;
    }
    double margin = fabs(paired->base_mean) * SAME_WITHIN_PERCENT / 100;
    bool within = paired->ci95_low >= -margin && paired->ci95_high <= margin;
    return within ? VERDICT_SAME : VERDICT_UNCLEAR;
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"better", "worse", "same", "unclear"};
    return names[verdict];
}

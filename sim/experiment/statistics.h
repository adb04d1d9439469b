/* Means, intervals and verdicts over the runs of several seeds (GSL). */
#ifndef ZSIM_EXPERIMENT_STATISTICS_H
#define ZSIM_EXPERIMENT_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/experiment/metrics.h"

/* Of n values.  NAN where it takes more values to say: mean and median from 1,
 * the others from 2.  The interval is Student's t, 95 %. */
struct sample_summary {
    uint32_t n;
    double mean, median, stddev, ci95_low, ci95_high;
};

struct sample_summary statistics_summary(const double *values, uint32_t n);

/* n pairs of runs with the same seed.  The interval of the mean difference
 * (new - base) is the paired t interval, 95 %; with one pair it is the exact
 * difference, both ends equal, and `exact` is set. */
struct paired_difference {
    uint32_t n;
    bool exact;
    double base_mean, base_median, new_mean, new_median;
    double mean_difference, ci95_low, ci95_high; /* NAN with n 0 */
};

struct paired_difference statistics_paired(const double *base, const double *new, uint32_t n);

/* A difference as a percentage of the base's mean; NAN when that is 0 and the
 * difference is not. */
double statistics_percent(const struct paired_difference *paired, double difference);

/* better, worse: the interval excludes no change.  same: no difference in any
 * pair's mean, or the interval includes no change and lies within 1 % of the
 * base.  unclear: everything else, and changes of metrics of which neither more
 * nor less is better. */
enum verdict { VERDICT_BETTER, VERDICT_WORSE, VERDICT_SAME, VERDICT_UNCLEAR };

enum verdict statistics_verdict(const struct paired_difference *paired,
                                enum metric_direction direction);
const char *verdict_name(enum verdict verdict);

#endif

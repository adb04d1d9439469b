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

/* Without a spread (NaN) for fewer than two values. */
struct sample_summary statistics_summary(const double *values, uint32_t n);

/* Where the interval of a mean difference comes from.
 * exact: one pair, or copies of one, its difference, both ends equal.
 * paired_t: Student's t of the differences.
 * bootstrap_t: the studentized bootstrap (Efron and Tibshirani 1993, 12.5) over
 * pairs, BOOTSTRAP_RESAMPLES of them, the same ones every time.  For what is
 * skewed from seed to seed, such as percentiles.  Measured coverage of its 95 %
 * intervals with 6 pairs, 3,000 samples each: normal differences 94 % (t 95 %,
 * BCa 86 %), log-normal ones 88 % (t 82 %, BCa 76 %). */
enum interval_method { INTERVAL_EXACT, INTERVAL_PAIRED_T, INTERVAL_BOOTSTRAP_T };

/* An odd thousand, so that the ends of the interval are resamples themselves. */
enum { BOOTSTRAP_RESAMPLES = 4999, BOOTSTRAP_PAIRS_AT_LEAST = 5 };

/* n pairs of runs with the same seed; new - base.  NAN where there are too few. */
struct paired_difference {
    uint32_t n;
    enum interval_method method;
    double base_mean, base_median, new_mean, new_median;
    double mean_difference, stddev_difference;
    double ci95_low, ci95_high; /* of the mean difference */
    /* Of the change in per cent of the base; NAN where there is none. */
    double percent_low, percent_high;
    bool percent_bounded;   /* one of them was less than -100 and is -100 now */
    double stddev_residual; /* of new - ratio x base, the ratio that of the means */
    double p; /* of no mean difference, two-sided; 0.05 or less: 0 is not within the interval */
};

/* Is one of the values another than the first? */
bool statistics_vary(const double *values, uint32_t n);

/* paired_t, but for one pair. */
struct paired_difference statistics_paired(const double *base, const double *new, uint32_t n);

/* bootstrap_t, but paired_t with fewer than BOOTSTRAP_PAIRS_AT_LEAST pairs, and
 * where so many differences are equal that a resample without any spread falls
 * beyond an end of the interval. */
struct paired_difference statistics_paired_bootstrap(const double *base, const double *new,
                                                     uint32_t n);
/* The pairs are copies of one, as no seed changed anything in either run: they are as good as
 * that one and say nothing of a spread.  Nothing is done to a difference of no pairs. */
void statistics_make_exact(struct paired_difference *paired);

/* "exact", "paired t" or "bootstrap t". */
const char *interval_method_name(enum interval_method method);

/* A difference as a percentage of the base's mean; NAN when that is 0 and the
 * difference is not.
 *
 * The base's mean varies from seed to seed, too, so an interval in per cent is not that of the
 * difference divided by it: what is 0 in all new runs has changed by -100 % for sure, however
 * much the base varies.  percent_low and percent_high are Fieller's (1954): all ratios r for
 * which a t test of new - r x base does not find a difference.  They include 0 % exactly where
 * the interval of the difference includes 0.  There are none where the base is not surely other
 * than 0.  Of bootstrap_t they are those of the difference in per cent of the base's mean.
 * Metrics count what is never less than 0: an end below -100 % is set to -100, and
 * percent_bounded says so. */
double statistics_percent(const struct paired_difference *paired, double difference);

/* The noise floor: how many pairs it takes until the half-width of the interval in per cent
 * is `percent`, as these pairs vary around the ratio of their means.  0: cannot be told (a
 * single pair, a base of 0); SEEDS_AT_MOST: that many or more. */
enum { SEEDS_AT_MOST = 1000000 };
uint32_t statistics_seeds_for(const struct paired_difference *paired, double percent);

/* Holm's correction (1979) in place: with it, a family of n comparisons without
 * any difference yields one with p <= 0.05 in 5 % of cases, not n times as often.
 * NAN stays and does not count. */
void statistics_holm(double *p, uint32_t n);

/* better, worse, and changed for metrics of which neither more nor less is better:
 * p <= 0.05.  same: no difference in any pair's mean, or the interval includes no
 * change and lies within 1 % of the base.  unclear: everything else.
 * `p` is the pair's own or a corrected one.
 * killed is for those who know of tasks killed on one side alone: it did less work. */
enum verdict {
    VERDICT_BETTER,
    VERDICT_WORSE,
    VERDICT_CHANGED,
    VERDICT_SAME,
    VERDICT_UNCLEAR,
    VERDICT_KILLED
};

enum verdict statistics_verdict(const struct paired_difference *paired, double p,
                                enum metric_direction direction);
const char *verdict_name(enum verdict verdict);

#endif

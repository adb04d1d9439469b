#include "sim/experiment/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

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

static const double SIGNIFICANT = 0.05;

/* Squares and products of the residuals new - ratio x base and of the base, about their means. */
struct spread {
    double residual, base, both;
};

static struct spread spread_of(const double *base, const double *new,
                               const struct paired_difference *paired, double ratio)
{
    struct spread spread = {0, 0, 0};
    for (uint32_t i = 0; i < paired->n; i++) {
        double from = base[i] - paired->base_mean;
        double residual = new[i] - paired->new_mean - ratio *from;
        spread.residual += residual * residual / (paired->n - 1);
        spread.base += from * from / (paired->n - 1);
        spread.both += residual * from / (paired->n - 1);
    }
    return spread;
}

/* Fieller's interval of the ratio of the means: with the residuals around that ratio, all r + d
 * with (d x base)^2 <= t^2 / n x variance(residual - d x base). */
static void set_percent_interval(struct paired_difference *paired, const double *base,
                                 const double *new)
{
    if (!(paired->base_mean > 0))
        return;
    double percent = statistics_percent(paired, paired->mean_difference);
    paired->percent_low = paired->percent_high = percent;
    if (paired->n == 1)
        return;
    struct spread spread = spread_of(base, new, paired, paired->new_mean / paired->base_mean);
    double t = gsl_cdf_tdist_Pinv(0.975, (double)paired->n - 1);
    double scale = t * t / paired->n;
    double leading = paired->base_mean * paired->base_mean - scale * spread.base;
    double middle = scale * spread.both;
    double root = sqrt(middle * middle + fmax(leading, 0) * scale * spread.residual);
    paired->stddev_residual = sqrt(spread.residual);
    paired->percent_low = leading > 0 ? percent - 100 * (middle + root) / leading : NAN;
    paired->percent_high = leading > 0 ? percent - 100 * (middle - root) / leading : NAN;
}

static void bound_percent_interval(struct paired_difference *paired)
{
    paired->percent_bounded = paired->percent_low < -100;
    paired->percent_low = paired->percent_bounded ? -100 : paired->percent_low;
    if (paired->percent_high < -100)
        paired->percent_high = -100;
}

/* Of n > 0 differences; exact with one, else the paired t interval. */
static struct paired_difference paired_by_t(const double *base, const double *new,
                                            const double *differences, uint32_t n)
{
    struct sample_summary summary = statistics_summary(differences, n);
    struct paired_difference paired = {
        .n = n,
        .method = n == 1 ? INTERVAL_EXACT : INTERVAL_PAIRED_T,
        .base_mean = gsl_stats_mean(base, 1, n),
        .base_median = median_of(base, n),
        .new_mean = gsl_stats_mean(new, 1, n),
        .new_median = median_of(new, n),
        .mean_difference = summary.mean,
        .stddev_difference = summary.stddev,
        .ci95_low = n == 1 ? summary.mean : summary.ci95_low,
        .ci95_high = n == 1 ? summary.mean : summary.ci95_high,
        .percent_low = NAN,
        .percent_high = NAN,
        .stddev_residual = summary.stddev,
        .p = NAN,
    };
    set_percent_interval(&paired, base, new);
    if (n > 1 && summary.stddev == 0)
        paired.p = summary.mean == 0 ? 1 : 0;
    else if (n > 1)
        paired.p = 2 * gsl_cdf_tdist_Q(fabs(summary.mean) * sqrt((double)n) / summary.stddev,
                                       (double)n - 1);
    return paired;
}

/* Mean over standard error of one resample of n centred differences. */
static double resampled_t(const double *centred, uint32_t n, uint64_t *random)
{
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        double value = centred[random_below(random, n)];
        sum += value;
        squares += value * value;
        least = fmin(least, value);
        most = fmax(most, value);
    }
    double mean = sum / n;
    if (least == most)
        return mean == 0 ? 0 : mean < 0 ? -INFINITY : INFINITY;
    double variance = fmax(squares - sum * mean, 0) / ((double)n - 1);
    return mean / sqrt(variance / n);
}

/* Put the bootstrap's interval and p into `paired`; `centred` has mean 0. */
static void set_bootstrap(struct paired_difference *paired, const double *centred)
{
    double *ratios = memory_zeroed(BOOTSTRAP_RESAMPLES, sizeof(*ratios), "a bootstrap");
    uint64_t random = random_splitmix(BOOTSTRAP_RESAMPLES);
    double error = paired->stddev_difference / sqrt((double)paired->n);
    double ratio = paired->mean_difference / error;
    uint32_t below = 0, above = 0;
    for (uint32_t i = 0; i < BOOTSTRAP_RESAMPLES; i++) {
        ratios[i] = resampled_t(centred, paired->n, &random);
        below += ratios[i] <= ratio;
        above += ratios[i] >= ratio;
    }
    gsl_sort(ratios, 1, BOOTSTRAP_RESAMPLES);
    const uint32_t tail = (BOOTSTRAP_RESAMPLES + 1) / 40; /* 2.5 % */
    double low = ratios[tail - 1], high = ratios[BOOTSTRAP_RESAMPLES - tail];
    free(ratios);
    if (!isfinite(low) || !isfinite(high))
        return;
    paired->method = INTERVAL_BOOTSTRAP_T;
    paired->ci95_low = paired->mean_difference - high * error;
    paired->ci95_high = paired->mean_difference - low * error;
    paired->percent_low = statistics_percent(paired, paired->ci95_low);
    paired->percent_high = statistics_percent(paired, paired->ci95_high);
    uint32_t beyond = below < above ? below : above;
    paired->p = fmin(1, 2.0 * (beyond + 1) / (BOOTSTRAP_RESAMPLES + 1));
}

static struct paired_difference paired_by(const double *base, const double *new, uint32_t n,
                                          bool bootstrap)
{
    if (n == 0)
        return (struct paired_difference){
            0,  INTERVAL_PAIRED_T, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, false, NAN,
            NAN};
    double *differences = memory_zeroed(n, sizeof(*differences), "paired differences");
    for (uint32_t i = 0; i < n; i++)
        differences[i] = new[i] - base[i];
    struct paired_difference paired = paired_by_t(base, new, differences, n);
    if (bootstrap && n >= BOOTSTRAP_PAIRS_AT_LEAST && paired.stddev_difference > 0) {
        for (uint32_t i = 0; i < n; i++)
            differences[i] -= paired.mean_difference;
        set_bootstrap(&paired, differences);
    }
    bound_percent_interval(&paired);
    free(differences);
    return paired;
}

bool statistics_vary(const double *values, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (values[i] != values[0])
            return true;
    return false;
}

struct paired_difference statistics_paired(const double *base, const double *new, uint32_t n)
{
    return paired_by(base, new, n, false);
}

struct paired_difference statistics_paired_bootstrap(const double *base, const double *new,
                                                     uint32_t n)
{
    return paired_by(base, new, n, true);
}

void statistics_make_exact(struct paired_difference *paired)
{
    if (paired->n == 0)
        return;
    paired->method = INTERVAL_EXACT;
    paired->ci95_low = paired->ci95_high = paired->mean_difference;
    paired->stddev_difference = paired->stddev_residual = paired->p = NAN;
}

const char *interval_method_name(enum interval_method method)
{
    static const char *const names[] = {"exact", "paired t", "bootstrap t"};
    return names[method];
}

double statistics_percent(const struct paired_difference *paired, double difference)
{
    if (difference == 0)
        return 0;
    return paired->base_mean == 0 ? NAN : 100 * difference / fabs(paired->base_mean);
}

static bool resolves(double stddev, double half_width, uint32_t n)
{
    return gsl_cdf_tdist_Pinv(0.975, (double)n - 1) * stddev / sqrt((double)n) <= half_width;
}

uint32_t statistics_seeds_for(const struct paired_difference *paired, double percent)
{
    double half_width = fabs(paired->base_mean) * percent / 100;
    if (paired->n < 2 || paired->method == INTERVAL_EXACT || !(half_width > 0))
        return 0;
    uint32_t low = 2, high = SEEDS_AT_MOST;
    if (!resolves(paired->stddev_residual, half_width, high))
        return SEEDS_AT_MOST;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (resolves(paired->stddev_residual, half_width, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void statistics_holm(double *p, uint32_t n)
{
    size_t *order = memory_zeroed((size_t)n + 1, sizeof(*order), "order of p values");
    double *known = memory_zeroed((size_t)n + 1, sizeof(*known), "p values");
    uint32_t *place = memory_zeroed((size_t)n + 1, sizeof(*place), "places of p values");
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(p[i])) {
            place[count] = i;
            known[count++] = p[i];
        }
    gsl_sort_index(order, known, 1, count);
    double most = 0;
    for (uint32_t rank = 0; rank < count; rank++) {
        most = fmin(1, fmax(most, (count - rank) * known[order[rank]]));
        p[place[order[rank]]] = most;
    }
    free(order);
    free(known);
    free(place);
}

enum verdict statistics_verdict(const struct paired_difference *paired, double p,
                                enum metric_direction direction)
{
    if (paired->n == 0)
        return VERDICT_UNCLEAR;
    bool differs =
        paired->method == INTERVAL_EXACT ? paired->mean_difference != 0 : p <= SIGNIFICANT;
    if (differs) {
        if (direction == NEITHER_IS_BETTER)
            return VERDICT_CHANGED;
        bool lower = paired->mean_difference < 0;
        return lower == (direction == LOWER_IS_BETTER) ? VERDICT_BETTER : VERDICT_WORSE;
    }
    bool none = paired->ci95_low == 0 && paired->ci95_high == 0;
    bool within =
        paired->percent_low >= -SAME_WITHIN_PERCENT && paired->percent_high <= SAME_WITHIN_PERCENT;
    return none || within ? VERDICT_SAME : VERDICT_UNCLEAR;
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"better", "worse", "changed", "same", "unclear", "killed"};
    return names[verdict];
}

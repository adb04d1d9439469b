#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "sim/experiment/statistics.h"

static void assert_near(double value, double expected, double margin)
{
    if (!(fabs(value - expected) <= margin))
        fail_msg("%.17g is not %.17g", value, expected);
}

/* t quantiles from printed tables: t(0.975, 1) = 12.7062, t(0.975, 4) = 2.77645. */

static void summary_of_five(void **state)
{
    (void)state;
    const double values[] = {5, 1, 4, 2, 3};
    struct sample_summary summary = statistics_summary(values, 5);
    assert_int_equal(summary.n, 5);
    assert_true(summary.mean == 3);
    assert_true(summary.median == 3);
    assert_near(summary.stddev, 1.5811388300841898, 1e-12);
    assert_near(summary.ci95_low, 3 - 2.7764451 * 1.5811388 / sqrt(5), 1e-5);
    assert_near(summary.ci95_high, 3 + 2.7764451 * 1.5811388 / sqrt(5), 1e-5);
}

static void median_of_even_number(void **state)
{
    (void)state;
    const double values[] = {10, 1, 3, 2};
    assert_true(statistics_summary(values, 4).median == 2.5);
}

static void one_value_has_no_spread(void **state)
{
    (void)state;
    const double value = 7;
    struct sample_summary summary = statistics_summary(&value, 1);
    assert_true(summary.mean == 7 && summary.median == 7);
    assert_true(isnan(summary.stddev) && isnan(summary.ci95_low) && isnan(summary.ci95_high));
}

static void no_value_says_nothing(void **state)
{
    (void)state;
    struct sample_summary summary = statistics_summary(NULL, 0);
    assert_int_equal(summary.n, 0);
    assert_true(isnan(summary.mean) && isnan(summary.median));
}

static void pairs_use_the_differences(void **state)
{
    (void)state;
    /* Spread over seeds is large, the difference nearly constant. */
    const double base[] = {100, 1000}, new[] = {89, 991};
    struct paired_difference paired = statistics_paired(base, new, 2);
    assert_true(paired.mean_difference == -10);
    assert_near(paired.ci95_low, -10 - 12.706205, 1e-4);
    assert_near(paired.ci95_high, -10 + 12.706205, 1e-4);
    assert_true(paired.base_mean == 550 && paired.new_mean == 540);
    assert_near(statistics_percent(&paired, paired.mean_difference), -1.8181818, 1e-6);
}

static void one_pair_is_exact(void **state)
{
    (void)state;
    const double base = 50, new = 51;
    struct paired_difference paired = statistics_paired(&base, &new, 1);
    assert_int_equal(paired.method, INTERVAL_EXACT);
    assert_true(isnan(paired.p));
    assert_true(paired.ci95_low == 1 && paired.ci95_high == 1);
    assert_int_equal(statistics_verdict(&paired, paired.p, LOWER_IS_BETTER), VERDICT_WORSE);
    assert_int_equal(statistics_verdict(&paired, paired.p, HIGHER_IS_BETTER), VERDICT_BETTER);
}

static void percent_of_zero(void **state)
{
    (void)state;
    const double zero[] = {0, 0}, more[] = {3, 5};
    struct paired_difference same = statistics_paired(zero, zero, 2);
    struct paired_difference grown = statistics_paired(zero, more, 2);
    assert_true(statistics_percent(&same, same.mean_difference) == 0);
    assert_true(isnan(statistics_percent(&grown, grown.mean_difference)));
}

static enum verdict verdict_of(double a, double b, double c, enum metric_direction direction)
{
    const double base[] = {1000, 1000, 1000}, new[] = {1000 + a, 1000 + b, 1000 + c};
    struct paired_difference paired = statistics_paired(base, new, 3);
    return statistics_verdict(&paired, paired.p, direction);
}

/* The t ratio of new - (1 + percent / 100) x base. */
static double t_at(const double *base, const double *new, uint32_t n, double percent)
{
    double raised[8] = {0};
    for (uint32_t i = 0; i < n; i++)
        raised[i] = base[i] * (1 + percent / 100);
    struct paired_difference paired = statistics_paired(raised, new, n);
    return paired.mean_difference * sqrt(n) / paired.stddev_difference;
}

/* Fieller's: at both ends a t test just does not find a difference; t(0.975, 3) = 3.18245. */
static void percent_interval_is_that_of_the_ratio(void **state)
{
    (void)state;
    const double base[] = {80, 100, 90, 130}, new[] = {100, 115, 95, 140};
    struct paired_difference paired = statistics_paired(base, new, 4);
    assert_true(paired.percent_low < 12.5 && paired.percent_high > 12.5);
    assert_near(t_at(base, new, 4, paired.percent_low), 3.18245, 1e-4);
    assert_near(t_at(base, new, 4, paired.percent_high), -3.18245, 1e-4);
    assert_false(paired.percent_bounded);
}

/* However much the base varies, nothing is left of it. */
static void nothing_left_is_sure(void **state)
{
    (void)state;
    const double base[] = {80, 100, 90, 130}, none[] = {0, 0, 0, 0};
    struct paired_difference paired = statistics_paired(base, none, 4);
    assert_true(paired.ci95_low < -100);
    assert_near(paired.percent_low, -100, 1e-9);
    assert_near(paired.percent_high, -100, 1e-9);
    assert_int_equal(statistics_seeds_for(&paired, 1), 2);
}

static void nothing_is_less_than_zero(void **state)
{
    (void)state;
    const double base[] = {80, 100, 90, 130}, few[] = {0, 0, 0, 8};
    struct paired_difference paired = statistics_paired(base, few, 4);
    assert_true(paired.percent_bounded);
    assert_true(paired.percent_low == -100);
    assert_near(t_at(base, few, 4, paired.percent_high), -3.18245, 1e-4);
}

static void no_percent_of_what_may_be_zero(void **state)
{
    (void)state;
    const double base[] = {0, 0, 0, 8}, new[] = {80, 100, 90, 130};
    struct paired_difference paired = statistics_paired(base, new, 4);
    assert_true(isnan(paired.percent_low) && isnan(paired.percent_high));
    assert_int_equal(statistics_verdict(&paired, paired.p, LOWER_IS_BETTER), VERDICT_WORSE);
}

static void verdicts(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(-50, -51, -52, LOWER_IS_BETTER), VERDICT_BETTER);
    assert_int_equal(verdict_of(50, 51, 52, LOWER_IS_BETTER), VERDICT_WORSE);
    assert_int_equal(verdict_of(50, 51, 52, HIGHER_IS_BETTER), VERDICT_BETTER);
    assert_int_equal(verdict_of(50, 51, 52, NEITHER_IS_BETTER), VERDICT_CHANGED);
    assert_int_equal(verdict_of(0, 0, 0, NEITHER_IS_BETTER), VERDICT_SAME);
    assert_int_equal(verdict_of(-1, 0, 1, LOWER_IS_BETTER), VERDICT_SAME);
    assert_int_equal(verdict_of(-100, 0, 100, LOWER_IS_BETTER), VERDICT_UNCLEAR);
    /* 3.9 * t(0.975, 2) / sqrt(3) = 9.7 is within 1 % of 1000, 4.1 is not. */
    assert_int_equal(verdict_of(-3.9, 0, 3.9, LOWER_IS_BETTER), VERDICT_SAME);
    assert_int_equal(verdict_of(-4.1, 0, 4.1, LOWER_IS_BETTER), VERDICT_UNCLEAR);
}

/* With 2 degrees of freedom P(T <= t) = 1/2 + t / (2 sqrt(2 + t^2)), with 4
 * 1/2 + 3/8 u (1 - u^2 / 12), u = t / sqrt(1 + t^2 / 4). */
static void p_of_three_and_of_five_pairs(void **state)
{
    (void)state;
    const double base[] = {0, 0, 0, 0, 0}, three[] = {1, 2, 3};
    struct paired_difference paired = statistics_paired(base, three, 3);
    double t = 2 * sqrt(3);
    assert_near(paired.stddev_difference, 1, 1e-12);
    assert_near(paired.p, 1 - t / sqrt(2 + t * t), 1e-12);
    /* Mean -43, variance of the differences 887. */
    const double five[] = {-40, -22, -30, -95, -28};
    paired = statistics_paired(base, five, 5);
    assert_near(paired.stddev_difference, sqrt(887), 1e-12);
    assert_near(paired.p, 0.03202313386886013, 1e-12);
    assert_int_equal(paired.method, INTERVAL_PAIRED_T);
}

static void no_spread_at_all(void **state)
{
    (void)state;
    const double base[] = {5, 6, 7, 8, 9}, more[] = {6, 7, 8, 9, 10},
                 twice[] = {10, 12, 14, 16, 18};
    assert_true(statistics_paired(base, base, 5).p == 1);
    assert_true(statistics_paired(base, more, 5).p == 0);
    struct paired_difference paired = statistics_paired_bootstrap(base, more, 5);
    assert_true(paired.p == 0 && paired.ci95_low == 1 && paired.ci95_high == 1);
    /* The same more for each is not the same share of each. */
    assert_true(statistics_seeds_for(&paired, 1) > 2);
    paired = statistics_paired(base, twice, 5);
    assert_int_equal(statistics_seeds_for(&paired, 1), 2);
}

/* All 3,125 resamples of these five differences, enumerated by another program:
 * mean -43, its error 13.319; the 1.9 % and 3.1 % points of the ratio make
 * intervals -200.7..-18.6 and -182.6..-21.2; the 2.5 % points are -198.1 and -20.9,
 * and p is 0.0038.  4,999 of them drawn at random lie in between (3 sigma). */
static void bootstrap_against_all_resamples(void **state)
{
    (void)state;
    const double base[] = {0, 0, 0, 0, 0}, new[] = {-40, -22, -30, -95, -28};
    struct paired_difference paired = statistics_paired_bootstrap(base, new, 5);
    assert_int_equal(paired.method, INTERVAL_BOOTSTRAP_T);
    assert_true(paired.mean_difference == -43);
    assert_true(paired.ci95_low >= -200.7 && paired.ci95_low <= -182.5);
    assert_true(paired.ci95_high >= -21.3 && paired.ci95_high <= -18.5);
    assert_near(paired.p, 0.00384, 0.003);
    struct paired_difference again = statistics_paired_bootstrap(base, new, 5);
    assert_true(again.ci95_low == paired.ci95_low && again.p == paired.p);
}

static void bootstrap_of_shifted_pairs_is_shifted(void **state)
{
    (void)state;
    double base[8], new[8];
    for (int i = 0; i < 8; i++) {
        base[i] = 1000 * i;
        new[i] = base[i] + i *i;
    }
    struct paired_difference paired = statistics_paired_bootstrap(base, new, 8);
    for (int i = 0; i < 8; i++)
        new[i] += 1024;
    struct paired_difference shifted = statistics_paired_bootstrap(base, new, 8);
    assert_near(shifted.ci95_low, paired.ci95_low + 1024, 1e-9);
    assert_near(shifted.ci95_high, paired.ci95_high + 1024, 1e-9);
    /* Squares are skewed to the right: so is the interval. */
    assert_true(paired.ci95_high - paired.mean_difference >
                paired.mean_difference - paired.ci95_low);
}

static void bootstrap_needs_pairs_and_spread(void **state)
{
    (void)state;
    const double base[] = {0, 0, 0, 0, 0}, few[] = {1, 2, 3, 9}, equal[] = {0, 0, 0, 0, 5};
    assert_int_equal(statistics_paired_bootstrap(base, few, 4).method, INTERVAL_PAIRED_T);
    /* A third of the resamples hold zeros alone. */
    struct paired_difference paired = statistics_paired_bootstrap(base, equal, 5);
    assert_int_equal(paired.method, INTERVAL_PAIRED_T);
    assert_near(paired.ci95_high, 1 + 2.7764451, 1e-6);
    assert_int_equal(statistics_paired_bootstrap(base, equal, 1).method, INTERVAL_EXACT);
    assert_true(isnan(statistics_paired_bootstrap(base, equal, 0).p));
}

/* t(0.975, 97) = 1.98472, t(0.975, 98) = 1.98447: half-widths of residuals with
 * deviation 50 are 10.02 with 98 pairs and 9.97 with 99. */
static void seeds_until_one_percent(void **state)
{
    (void)state;
    struct paired_difference paired = {
        .n = 3, .method = INTERVAL_PAIRED_T, .base_mean = 1000, .stddev_residual = 50};
    assert_int_equal(statistics_seeds_for(&paired, 1), 99);
    paired.base_mean = -1000;
    assert_int_equal(statistics_seeds_for(&paired, 1), 99);
    /* t(0.975, 1) = 12.706: 11.1 / sqrt(2) times it is 99.7. */
    paired.stddev_residual = 11.1;
    assert_int_equal(statistics_seeds_for(&paired, 10), 2);
    paired.stddev_residual = 11.2;
    assert_int_equal(statistics_seeds_for(&paired, 10), 3);
    paired.stddev_residual = 1e9;
    assert_int_equal(statistics_seeds_for(&paired, 1), SEEDS_AT_MOST);
    paired.base_mean = 0;
    assert_int_equal(statistics_seeds_for(&paired, 1), 0);
    paired = (struct paired_difference){
        .n = 1, .method = INTERVAL_EXACT, .base_mean = 1000, .stddev_residual = NAN};
    assert_int_equal(statistics_seeds_for(&paired, 1), 0);
}

/* In order 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1, none below the one before. */
static void holm_by_hand(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, NAN, 0.03, 0.005}, large[] = {0.6, 0.7};
    statistics_holm(p, 5);
    assert_near(p[0], 0.03, 1e-15);
    assert_near(p[1], 0.06, 1e-15);
    assert_true(isnan(p[2]));
    assert_near(p[3], 0.06, 1e-15);
    assert_near(p[4], 0.02, 1e-15);
    statistics_holm(large, 2);
    assert_true(large[0] == 1 && large[1] == 1);
    statistics_holm(NULL, 0);
}

static void copies_of_a_pair_are_exact(void **state)
{
    (void)state;
    const double base[] = {1000, 1000, 1000}, new[] = {900, 900, 900};
    struct paired_difference paired = statistics_paired(base, new, 3);
    assert_true(paired.p == 0);
    assert_int_equal(statistics_seeds_for(&paired, 1), 2);
    statistics_make_exact(&paired);
    assert_int_equal(paired.method, INTERVAL_EXACT);
    assert_true(isnan(paired.p) && isnan(paired.stddev_difference));
    assert_true(paired.mean_difference == -100);
    assert_int_equal(statistics_seeds_for(&paired, 1), 0);
    assert_int_equal(statistics_verdict(&paired, paired.p, LOWER_IS_BETTER), VERDICT_BETTER);
    paired = statistics_paired(base, base, 3);
    statistics_make_exact(&paired);
    assert_int_equal(statistics_verdict(&paired, paired.p, LOWER_IS_BETTER), VERDICT_SAME);
    paired = statistics_paired(NULL, NULL, 0);
    statistics_make_exact(&paired);
    assert_int_equal(statistics_verdict(&paired, paired.p, LOWER_IS_BETTER), VERDICT_UNCLEAR);
}

static void a_corrected_p_decides(void **state)
{
    (void)state;
    const double base[] = {1000, 1000, 1000}, new[] = {940, 950, 960};
    struct paired_difference paired = statistics_paired(base, new, 3);
    assert_int_equal(statistics_verdict(&paired, 0.04, LOWER_IS_BETTER), VERDICT_BETTER);
    assert_int_equal(statistics_verdict(&paired, 0.06, LOWER_IS_BETTER), VERDICT_UNCLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_of_five),
        cmocka_unit_test(median_of_even_number),
        cmocka_unit_test(one_value_has_no_spread),
        cmocka_unit_test(no_value_says_nothing),
        cmocka_unit_test(pairs_use_the_differences),
        cmocka_unit_test(one_pair_is_exact),
        cmocka_unit_test(percent_of_zero),
        cmocka_unit_test(percent_interval_is_that_of_the_ratio),
        cmocka_unit_test(nothing_left_is_sure),
        cmocka_unit_test(nothing_is_less_than_zero),
        cmocka_unit_test(no_percent_of_what_may_be_zero),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(p_of_three_and_of_five_pairs),
        cmocka_unit_test(no_spread_at_all),
        cmocka_unit_test(bootstrap_against_all_resamples),
        cmocka_unit_test(bootstrap_of_shifted_pairs_is_shifted),
        cmocka_unit_test(bootstrap_needs_pairs_and_spread),
        cmocka_unit_test(seeds_until_one_percent),
        cmocka_unit_test(holm_by_hand),
        cmocka_unit_test(copies_of_a_pair_are_exact),
        cmocka_unit_test(a_corrected_p_decides),
    };
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}

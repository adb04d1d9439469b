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
    assert_true(paired.exact);
    assert_true(paired.ci95_low == 1 && paired.ci95_high == 1);
    assert_int_equal(statistics_verdict(&paired, LOWER_IS_BETTER), VERDICT_WORSE);
    assert_int_equal(statistics_verdict(&paired, HIGHER_IS_BETTER), VERDICT_BETTER);
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
    return statistics_verdict(&paired, direction);
}

static void verdicts(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(-50, -51, -52, LOWER_IS_BETTER), VERDICT_BETTER);
    assert_int_equal(verdict_of(50, 51, 52, LOWER_IS_BETTER), VERDICT_WORSE);
    assert_int_equal(verdict_of(50, 51, 52, HIGHER_IS_BETTER), VERDICT_BETTER);
    assert_int_equal(verdict_of(50, 51, 52, NEITHER_IS_BETTER), VERDICT_UNCLEAR);
    assert_int_equal(verdict_of(0, 0, 0, NEITHER_IS_BETTER), VERDICT_SAME);
    assert_int_equal(verdict_of(-1, 0, 1, LOWER_IS_BETTER), VERDICT_SAME);
    assert_int_equal(verdict_of(-100, 0, 100, LOWER_IS_BETTER), VERDICT_UNCLEAR);
    /* 3.9 * t(0.975, 2) / sqrt(3) = 9.7 is within 1 % of 1000, 4.1 is not. */
    assert_int_equal(verdict_of(-3.9, 0, 3.9, LOWER_IS_BETTER), VERDICT_SAME);
    assert_int_equal(verdict_of(-4.1, 0, 4.1, LOWER_IS_BETTER), VERDICT_UNCLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_of_five),           cmocka_unit_test(median_of_even_number),
        cmocka_unit_test(one_value_has_no_spread),   cmocka_unit_test(no_value_says_nothing),
        cmocka_unit_test(pairs_use_the_differences), cmocka_unit_test(one_pair_is_exact),
        cmocka_unit_test(percent_of_zero),           cmocka_unit_test(verdicts),
    };
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}

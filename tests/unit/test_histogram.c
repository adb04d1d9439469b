#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/base/histogram.h"

static void empty(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    assert_int_equal(histogram_percentile(&histogram, 5000), 0);
    uint64_t edge;
    uint32_t count;
    unsigned bucket = 0;
    assert_false(histogram_next(&histogram, &bucket, &edge, &count));
    histogram_release(&histogram);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    for (uint64_t value = 1; value <= 20; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_percentile(&histogram, 5000), 10);
    assert_int_equal(histogram_percentile(&histogram, 9000), 18);
    assert_int_equal(histogram_percentile(&histogram, 9990), 20);
    assert_int_equal(histogram_percentile(&histogram, 0), 1);
    assert_int_equal(histogram.sum, 210);
    assert_int_equal(histogram.least, 1);
    assert_int_equal(histogram.most, 20);
    histogram_release(&histogram);
}

/* An edge is never below the value, and above it by at most 1/32. */
static void relative_error(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < (uint64_t)1 << 60; value = value * 3 + 1) {
        struct histogram histogram = {0};
        uint64_t edge;
        uint32_t count;
        histogram_add(&histogram, value);
        unsigned bucket = 0;
        assert_true(histogram_next(&histogram, &bucket, &edge, &count));
        assert_int_equal(count, 1);
        assert_true(edge >= value);
        assert_true(edge - value <= value / 32);
        assert_int_equal(histogram_percentile(&histogram, 5000), value);
        histogram_release(&histogram);
    }
}

static void largest_value_fits(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    uint64_t edge;
    uint32_t count;
    histogram_add(&histogram, UINT64_MAX);
    unsigned bucket = 0;
    assert_true(histogram_next(&histogram, &bucket, &edge, &count));
    assert_true(edge == UINT64_MAX);
    assert_false(histogram_next(&histogram, &bucket, &edge, &count));
    assert_true(histogram_percentile(&histogram, 9990) == UINT64_MAX);
    histogram_release(&histogram);
}

static void buckets_in_order(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    uint64_t edge, before = 0, all = 0;
    uint32_t count;
    for (uint64_t i = 0; i < 1000; i++)
        histogram_add(&histogram, 100 + i * i);
    unsigned bucket = 0;
    while (histogram_next(&histogram, &bucket, &edge, &count)) {
        assert_true(edge > before);
        assert_true(count > 0);
        before = edge;
        all += count;
    }
    assert_int_equal(all, 1000);
    histogram_release(&histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(relative_error),
        cmocka_unit_test(largest_value_fits),
        cmocka_unit_test(buckets_in_order),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}

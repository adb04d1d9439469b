/* Logarithm and exponential that need no library: how near they are, and that they do
 * not move. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/base/variates.h"

static void test_near_the_library(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (unsigned i = 0; i < 100000; i++) {
        double x = ldexp(1 + random_unit(&random), (int)random_below(&random, 200) - 100);
        assert_true(fabs(variate_log(x) - log(x)) <= 1e-15 * fabs(log(x)));
        double y = 100 * random_unit(&random) - 50;
        assert_true(fabs(variate_exp(y) / exp(y) - 1) < 1e-14);
    }
    assert_true(variate_log(1) == 0);
    assert_true(variate_exp(0) == 1);
}

/* Mean and variance of what is drawn. */
static void test_moments(void **state)
{
    (void)state;
    enum { DRAWN = 1000000 };
    uint64_t random = 2;
    double sum = 0, squares = 0, normal = 0, normal_squares = 0;
    for (unsigned i = 0; i < DRAWN; i++) {
        double x = variate_exponential(&random), z = variate_normal(&random);
        sum += x;
        squares += x * x;
        normal += z;
        normal_squares += z * z;
    }
    assert_true(fabs(sum / DRAWN - 1) < 0.005);
    assert_true(fabs(squares / DRAWN - 2) < 0.03);
    assert_true(fabs(normal / DRAWN) < 0.005);
    assert_true(fabs(normal_squares / DRAWN - 1) < 0.005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_the_library),
        cmocka_unit_test(test_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

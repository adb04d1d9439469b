/* Typed parameters from text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/base/params.h"

struct fields {
    bool on;
    uint64_t count, bytes, time, limit, kernel;
    double real;
    const char *text;
    unsigned mode;
};

static const char *const modes[] = {"slow", "fast", NULL};

static const struct param rows[] = {
    {"on", PARAM_BOOL, offsetof(struct fields, on), "true", 0, 0, NULL, 0, "h", NULL},
    {"count", PARAM_COUNT, offsetof(struct fields, count), "7", 1, 10, NULL, 0, "h", NULL},
    {"bytes", PARAM_BYTES, offsetof(struct fields, bytes), "8K", 0, 0, NULL, PARAM_WHOLE_PAGES, "h",
     NULL},
    {"time", PARAM_TIME, offsetof(struct fields, time), "100us", 0, 0, NULL, 0, "h", NULL},
    {"limit", PARAM_BYTES, offsetof(struct fields, limit), "max", 0, 0, NULL, PARAM_OR_MAX, "h",
     NULL},
    {"kernel", PARAM_COUNT, offsetof(struct fields, kernel), NULL, 0, 0, NULL, PARAM_FROM_KERNEL,
     "h", NULL},
    {"real", PARAM_REAL, offsetof(struct fields, real), "0.99", 0, 16, NULL, 0, "h", NULL},
    {"text", PARAM_STRING, offsetof(struct fields, text), "x", 0, 0, NULL, 0, "h", NULL},
    {"mode", PARAM_ENUM, offsetof(struct fields, mode), "fast", 0, 0, modes, 0, "h", NULL},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
static const struct param_table table = PARAM_TABLE(rows, struct fields);

static void test_defaults(void **state)
{
    (void)state;
    struct fields fields = {.kernel = 42};
    params_set_defaults(&table, &fields);
    assert_true(fields.on);
    assert_int_equal(fields.count, 7);
    assert_int_equal(fields.bytes, 8192);
    assert_int_equal(fields.time, 100000);
    assert_true(fields.limit == UINT64_MAX);
    assert_int_equal(fields.kernel, 42); /* left alone */
    assert_true(fields.real == 0.99);
    assert_string_equal(fields.text, "x");
    assert_int_equal(fields.mode, 1);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        unsigned row;
        const char *text, *expected;
    } bad[] = {
        {0, "yes", "true or false"},
        {1, "11", "a value in 1..10"},
        {1, "0", "a value in 1..10"},
        {1, "1.5", "a whole number"},
        {1, "max", "a whole number"},
        {2, "4097", "a multiple of 4096 bytes"},
        {2, "4q", "a size such as \"64M\" (K, M, G, T)"},
        {3, "5", "a time such as \"100us\" (ns, us, ms, s, min)"},
        {4, "all", "a size such as \"64M\" (K, M, G, T), or \"max\""},
        {6, "nan", "a number"},
        {6, "1e999", "a number"},
        {6, "1x", "a number"},
        {6, "17", "a value in 0..16"},
        {8, "medium", "one of: slow, fast"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fields fields, before;
        char expected[256] = "";
        memset(&fields, 0x5a, sizeof(fields));
        before = fields;
        assert_false(
            params_set(&rows[bad[i].row], &fields, bad[i].text, expected, sizeof(expected)));
        assert_string_equal(expected, bad[i].expected);
        assert_memory_equal(&fields, &before, sizeof(fields)); /* untouched */
    }
}

static void test_short_buffer(void **state)
{
    (void)state;
    struct fields fields = {0};
    char expected[8];
    memset(expected, 'x', sizeof(expected));
    assert_false(params_set(&rows[8], &fields, "medium", expected, sizeof(expected)));
    assert_string_equal(expected, "one of:");
}

static void test_print_reads_back(void **state)
{
    (void)state;
    static const char *const values[ROWS] = {"false", "10",  "1M", "3ms", "max",
                                             "5",     "1.5", "y",  "slow"};
    struct fields fields = {0}, again = {0};
    for (size_t i = 0; i < ROWS; i++) {
        char text[64], expected[256];
        assert_true(params_set(&rows[i], &fields, values[i], expected, sizeof(expected)));
        params_print(&rows[i], &fields, text, sizeof(text));
        assert_string_equal(text, values[i]);
        assert_true(params_set(&rows[i], &again, rows[i].type == PARAM_STRING ? values[i] : text,
                               expected, sizeof(expected)));
    }
    assert_memory_equal(&fields, &again, sizeof(fields));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_short_buffer),
        cmocka_unit_test(test_print_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

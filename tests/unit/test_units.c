/* Sizes and times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/base/units.h"

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"4096", 4096},
        {"4096B", 4096},
        {"4K", 4096},
        {"4KiB", 4096},
        {"64M", 67108864},
        {"1.5G", 1610612736},
        {"2G", 2147483648},
        {"1T", 1ull << 40},
        {"0.5K", 512},
        {"18446744073709551615", UINT64_MAX},
        {"16777215T", 16777215ull << 40},
    };
    static const char *const bad[] = {"",
                                      "4q",
                                      "q",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.",
                                      ".5",
                                      "1k",
                                      "1kB",
                                      "1 MB",
                                      "0x10",
                                      "1e3",
                                      "1.0001K",
                                      "16777216T",
                                      "18446744073709551616",
                                      "1..2K",
                                      "1MiBB"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t bytes = 1;
        assert_true(parse_bytes(good[i].text, &bytes));
        assert_true(bytes == good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes;
        if (parse_bytes(bad[i], &bytes))
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void test_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"0", 0},           {"250ns", 250},        {"100us", 100000}, {"1.5ms", 1500000},
                {"2s", 2000000000}, {"1min", 60000000000}, {"0.001us", 1}};
    static const char *const bad[] = {"", "1", "100", "1h", "1 s", "-1s", "1.5ns", "us", "00x"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t ns = 1;
        assert_true(parse_time(good[i].text, &ns));
        assert_true(ns == good[i].ns);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t ns;
        if (parse_time(bad[i], &ns))
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void test_count(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-1", "1.0", "1.", "1K", "1B", "0x1", "1e3", "18446744073709551616"};
    uint64_t count;
    assert_true(parse_count("18446744073709551615", &count));
    assert_true(count == UINT64_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse_count(bad[i], &count))
            fail_msg("\"%s\" was accepted", bad[i]);
}

/* What is printed is read back as the same value, and is the shortest such text. */
static void test_print_and_parse(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *bytes, *time;
    } rows[] = {
        {0, "0", "0"},
        {1, "1", "1ns"},
        {1000, "1000", "1us"},
        {1024, "1K", "1024ns"},
        {1500, "1500", "1500ns"},
        {1536 << 10, "1536K", "1572864ns"},
        {2147483648, "2G", "2147483648ns"},
        {2000000000, "1953125K", "2s"},
        {UINT64_MAX, "18446744073709551615", "18446744073709551615ns"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[40];
        uint64_t again;
        print_bytes(text, sizeof(text), rows[i].value);
        assert_string_equal(text, rows[i].bytes);
        assert_true(parse_bytes(text, &again));
        assert_true(again == rows[i].value);
        print_time(text, sizeof(text), rows[i].value);
        assert_string_equal(text, rows[i].time);
        assert_true(parse_time(text, &again));
        assert_true(again == rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_print_and_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

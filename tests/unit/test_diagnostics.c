/* Collected messages and suggestions. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/diagnostics.h"

static void test_forms(void **state)
{
    (void)state;
    struct diagnostics list = {0};
    struct source_position full = {"a.json", 3, 7, "  \"x\": 1"}, file = {.file = "b.json"};
    diagnostics_add(&list, &full, "wrong %d", 1);
    diagnostics_add(&list, &file, "wrong %s", "2");
    diagnostics_add(&list, NULL, "wrong 3");
    assert_int_equal(list.count, 3);
    assert_string_equal(diagnostics_text(&list, 0), "a.json:3:7: error: wrong 1");
    assert_string_equal(diagnostics_text(&list, 1), "b.json: error: wrong 2");
    assert_string_equal(diagnostics_text(&list, 2), "zsim: error: wrong 3");
    assert_null(diagnostics_text(&list, 3));
    diagnostics_release(&list);
    assert_null(diagnostics_text(&list, 0));
}

/* What diagnostics_print() writes on stderr. */
static char *printed(const struct diagnostics *list)
{
    FILE *file = tmpfile();
    int saved = dup(2);
    fflush(stderr);
    dup2(fileno(file), 2);
    diagnostics_print(list);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    char *text = calloc(1, 65536);
    rewind(file);
    size_t length = fread(text, 1, 65535, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static void test_caret(void **state)
{
    (void)state;
    struct diagnostics list = {0};
    struct source_position full = {"a.json", 3, 8, "  \"x\": 1"};
    diagnostics_add(&list, &full, "wrong");
    char *text = printed(&list);
    assert_string_equal(text, "a.json:3:8: error: wrong\n"
                              "    3 |   \"x\": 1\n"
                              "      |        ^\n");
    free(text);
    diagnostics_release(&list);
}

static void test_at_most_twenty(void **state)
{
    (void)state;
    struct diagnostics list = {0};
    for (int i = 0; i < 25; i++)
        diagnostics_add(&list, NULL, "message %d", i);
    char *text = printed(&list);
    assert_non_null(strstr(text, "message 19\n"));
    assert_null(strstr(text, "message 20\n"));
    assert_non_null(strstr(text, "... and 5 more\n"));
    free(text);
    diagnostics_release(&list);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"global", "per_pool", "max_pool_percent", "lru", "lzo"};
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        {"globl", "global"},     {"golbal", "global"},
        {"perpool", "per_pool"}, {"max_pool_precent", "max_pool_percent"},
        {"lzo", "lzo"},          {"lz", "lzo"},
        {"xyzzy", NULL},         {"", NULL},
        {"GLOBAL", NULL},        {"max_pool_fraction", NULL},
        {"lrru", "lru"},         {"max_pool", "max_pool_percent"},
        {"per", "per_pool"},     {"ma", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found = nearest_name(rows[i].word, names, 5);
        if (rows[i].nearest)
            assert_string_equal(found, rows[i].nearest);
        else if (found)
            fail_msg("\"%s\" -> \"%s\"", rows[i].word, found);
    }
    assert_null(nearest_name("x", names, 0));
}

/* Words longer than the table of the distance are cut, not read beyond it. */
static void test_nearest_of_long_words(void **state)
{
    (void)state;
    char word[300], name[300];
    memset(word, 'a', sizeof(word));
    memset(name, 'a', sizeof(name));
    word[299] = name[299] = '\0';
    name[0] = 'b';
    const char *names[] = {name};
    assert_ptr_equal(nearest_name(word, names, 1), name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_caret),
        cmocka_unit_test(test_at_most_twenty),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_nearest_of_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

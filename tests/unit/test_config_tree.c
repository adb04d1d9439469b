/* Strict JSON with places, and dotted paths. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/experiment/config_tree.h"

static struct arena arena;
static struct diagnostics errors;

static int begin(void **state)
{
    (void)state;
    memset(&arena, 0, sizeof(arena));
    memset(&errors, 0, sizeof(errors));
    return 0;
}

static int end(void **state)
{
    (void)state;
    diagnostics_release(&errors);
    arena_release(&arena);
    return 0;
}

static struct config_node *parse(const char *text)
{
    return config_tree_parse("t.json", text, strlen(text), &arena, &errors);
}

static void test_kinds_and_places(void **state)
{
    (void)state;
    struct config_node *root = parse("{ // comment\n\t\"a\": [1, -2.5e3, true, null],\n /* x */ "
                                     "\"b\": {\"c\": \"\\u00e9\\n\"}}");
    assert_non_null(root);
    assert_int_equal(root->children, 2);
    const struct config_node *a = config_tree_member(root, "a");
    assert_int_equal(a->kind, CONFIG_ARRAY);
    assert_int_equal(a->children, 4);
    assert_int_equal(a->key_at.line, 2);
    assert_int_equal(a->key_at.column, 2);
    assert_int_equal(a->at.column, 7);
    assert_string_equal(a->first->text, "1");
    assert_string_equal(a->first->next->text, "-2.5e3");
    assert_string_equal(a->first->next->next->text, "true");
    assert_int_equal(a->first->next->next->next->kind, CONFIG_NULL);
    const struct config_node *c = config_tree_member(config_tree_member(root, "b"), "c");
    assert_string_equal(c->text, "\xc3\xa9\n");
    assert_int_equal(c->at.line, 3);
    assert_string_equal(c->at.source_line, " /* x */ \"b\": {\"c\": \"\\u00e9\\n\"}}");
    assert_null(config_tree_member(root, "A")); /* case counts */
}

static void test_columns_count_characters(void **state)
{
    (void)state;
    struct config_node *root = parse("{\"\xc3\xa9\xe2\x82\xac\": 1}");
    assert_int_equal(root->first->at.column, 8);
}

static void test_surrogate_pair(void **state)
{
    (void)state;
    struct config_node *root = parse("\"\\ud83d\\ude00\"");
    assert_string_equal(root->text, "\xf0\x9f\x98\x80");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    struct config_node *root = parse("\xef\xbb\xbf{\"a\": 1}");
    assert_non_null(root);
    assert_int_equal(root->at.column, 1);
}

static void test_exact_numbers(void **state)
{
    (void)state;
    struct config_node *root = parse("[9007199254740993, 18446744073709551615]");
    assert_string_equal(root->first->text, "9007199254740993");
    assert_string_equal(root->first->next->text, "18446744073709551615");
}

static void test_every_duplicate_is_told(void **state)
{
    (void)state;
    assert_null(parse("{\"a\": {\"x\": 1, \"x\": 2}, \"b\": 1, \"b\": 2}"));
    assert_int_equal(errors.count, 2);
    assert_string_equal(diagnostics_text(&errors, 0),
                        "t.json:1:16: error: a: duplicate key \"x\"; the first one is on line 1");
}

static void test_duplicate_in_large_object(void **state)
{
    (void)state;
    char text[4096] = "{";
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), "\"k%d\": %d, ", i, i);
    strcat(text, "\"k57\": 1}");
    assert_null(parse(text));
    assert_int_equal(errors.count, 1);
    assert_non_null(strstr(diagnostics_text(&errors, 0), "duplicate key \"k57\""));
}

static void set(struct config_node *root, const char *path, const char *value, bool works)
{
    struct config_node *node = parse(value);
    assert_non_null(node);
    assert_int_equal(config_tree_set(root, path, node, &arena, &errors), works);
}

static void test_set(void **state)
{
    (void)state;
    struct config_node *root =
        parse("{\"zswap\": {\"writeback\": \"batch\"}, \"cgroups\": {\"/a.b\": {}},"
              " \"tasks\": [{\"name\": \"web\"}, {\"name\": \"x.y\"}]}");
    set(root, "zswap.writeback.budget", "64", true);
    const struct config_node *writeback =
        config_tree_member(config_tree_member(root, "zswap"), "writeback");
    assert_string_equal(config_tree_member(writeback, "policy")->text, "batch");
    assert_string_equal(config_tree_member(writeback, "budget")->text, "64");
    assert_string_equal(config_tree_path(config_tree_member(writeback, "budget"), &arena),
                        "zswap.writeback.budget");

    set(root, "cgroups./a.b.memory.swap.max", "\"1M\"", true);
    const struct config_node *cgroup =
        config_tree_member(config_tree_member(root, "cgroups"), "/a.b");
    assert_string_equal(config_tree_member(cgroup, "memory.swap.max")->text, "1M");
    set(root, "cgroups./new.slice", "{\"memory.max\": \"2M\"}", true);
    assert_non_null(config_tree_member(
        config_tree_member(config_tree_member(root, "cgroups"), "/new.slice"), "memory.max"));

    const struct config_node *tasks = config_tree_member(root, "tasks");
    set(root, "tasks.0.cpu", "3", true);
    set(root, "tasks.x.y.cpu", "4", true);
    set(root, "tasks[1].start", "\"1s\"", true);
    assert_string_equal(config_tree_member(tasks->first, "cpu")->text, "3");
    assert_string_equal(config_tree_member(tasks->first->next, "cpu")->text, "4");
    assert_string_equal(config_tree_path(config_tree_member(tasks->first->next, "start"), &arena),
                        "tasks[1].start");

    set(root, "new.deep.key", "{\"z\": []}", true);
    assert_int_equal(errors.count, 0);
    set(root, "tasks.2.cpu", "3", false);
    set(root, "tasks.0.cpu.x", "3", false);
    set(root, "", "3", false);
    assert_int_equal(errors.count, 3);
    set(root, "cgroups./a.d.memory.max", "\"2M\"", false);
    assert_string_equal(
        diagnostics_text(&errors, 3),
        "t.json:1:1: error: cgroups./a.d.memory.max: no cgroup \"/a.d\"; did you mean \"/a.b\"?");
}

static void test_copy_is_deep(void **state)
{
    (void)state;
    struct config_node *root = parse("{\"a\": {\"b\": 1}}");
    struct config_node *copy = config_tree_copy(root, &arena);
    set(copy, "a.b", "2", true);
    assert_string_equal(root->first->first->text, "1");
    assert_string_equal(copy->first->first->text, "2");
    assert_ptr_equal(copy->first->first->parent, copy->first);
}

static void test_files(void **state)
{
    (void)state;
    char directory[] = "/tmp/zsim-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    assert_null(config_tree_read(directory, &arena, &errors));
    assert_non_null(strstr(diagnostics_text(&errors, 0), "expected a file, found a directory"));
    snprintf(path, sizeof(path), "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(config_tree_read(path, &arena, &errors));
    assert_non_null(strstr(diagnostics_text(&errors, 1), "expected a file, found a pipe"));
    unlink(path);
    snprintf(path, sizeof(path), "%s/empty", directory);
    fclose(fopen(path, "w"));
    assert_null(config_tree_read(path, &arena, &errors));
    assert_non_null(strstr(diagnostics_text(&errors, 2),
                           ":1:1: error: expected a value, found the end of the file"));
    unlink(path);
    snprintf(path, sizeof(path), "%s/none", directory);
    assert_null(config_tree_read(path, &arena, &errors));
    assert_non_null(strstr(diagnostics_text(&errors, 3), "No such file or directory"));
    rmdir(directory);
}

/* Any cut of a document is a mistake, never a crash. */
static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\": [1, -2.5e+3, true, {\"\\u00e9\": \"x\\\"\"}], /* c */ \"b\": null}";
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        char *copy = malloc(length + 1); /* exact size: a read behind it is found */
        memcpy(copy, text, length);
        assert_null(config_tree_parse("t.json", copy, length, &arena, &errors));
        free(copy);
    }
    assert_int_equal(errors.count, sizeof(text) - 1);
    assert_non_null(parse(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds_and_places, begin, end),
        cmocka_unit_test_setup_teardown(test_columns_count_characters, begin, end),
        cmocka_unit_test_setup_teardown(test_surrogate_pair, begin, end),
        cmocka_unit_test_setup_teardown(test_byte_order_mark, begin, end),
        cmocka_unit_test_setup_teardown(test_exact_numbers, begin, end),
        cmocka_unit_test_setup_teardown(test_every_duplicate_is_told, begin, end),
        cmocka_unit_test_setup_teardown(test_duplicate_in_large_object, begin, end),
        cmocka_unit_test_setup_teardown(test_set, begin, end),
        cmocka_unit_test_setup_teardown(test_copy_is_deep, begin, end),
        cmocka_unit_test_setup_teardown(test_files, begin, end),
        cmocka_unit_test_setup_teardown(test_every_prefix_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

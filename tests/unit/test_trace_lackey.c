/* Lackey text: lines, page numbers, what is collapsed, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "workloads/readers/lackey.h"
#include "workloads/readers/native.h"
#include "workloads/readers/readers.h"
#include "workloads/trace_command.h"

static char path[] = "/tmp/zsim-test-XXXXXX";

struct kept {
    struct access records[4096];
    uint32_t count;
};

static void keep(void *context, const struct access *records, uint32_t count)
{
    struct kept *kept = context;
    assert_true(kept->count + count <= 4096);
    memcpy(kept->records + kept->count, records, count * sizeof(*records));
    kept->count += count;
}

/* Reads `text` from an unnamed file. */
static bool read_text(const char *text, struct lackey_options options, struct kept *kept,
                      struct lackey_counts *counts, struct diagnostics *errors)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fputs(text, file);
    rewind(file);
    kept->count = 0;
    bool good = lackey_read(fileno(file), "text", &options, keep, kept, counts, NULL, errors);
    fclose(file);
    return good;
}

static void expect_records(const char *text, struct lackey_options options, const char *wanted)
{
    static struct kept kept;
    struct lackey_counts counts;
    struct diagnostics errors = {0};
    bool good = read_text(text, options, &kept, &counts, &errors);
    diagnostics_print(&errors);
    assert_true(good);
    char got[1024] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < kept.count; i++) {
        assert_true(kept.records[i].space == 0 && kept.records[i].reserved == 0);
        used +=
            (size_t)snprintf(got + used, sizeof(got) - used, "%s%c%u", i ? " " : "",
                             kept.records[i].op == ACCESS_WRITE ? 'w' : 'r', kept.records[i].page);
    }
    assert_string_equal(got, wanted);
}

#define WINDOW(n)                                                                                  \
    (struct lackey_options)                                                                        \
    {                                                                                              \
        .window = (n)                                                                              \
    }

static void test_pages_are_numbered_by_first_touch(void **state)
{
    (void)state;
    expect_records("==1== Lackey\n L 7f0000001000,8\n S 400000,4\n L 7f0000001ff8,8\n M 1000,1\n",
                   WINDOW(1), "r0 w1 r0 w2");
}

static void test_instructions(void **state)
{
    (void)state;
    static const char text[] = "I  401000,3\n L 1000,8\nI  401003,5\n";
    expect_records(text, WINDOW(1), "r0");
    expect_records(text, (struct lackey_options){.window = 1, .instructions = true}, "r0 r1 r0");
}

static void test_straddling_touches_both_pages(void **state)
{
    (void)state;
    expect_records(" S 1ffc,8\n", WINDOW(1), "w0 w1");
    expect_records(" S 1ff8,8\n", WINDOW(1), "w0");
    expect_records(" L fffffffffffffff8,8\n", WINDOW(1), "r0");
}

/* Repetitions go, unless they are the first write. */
static void test_collapsing_with_window_1(void **state)
{
    (void)state;
    expect_records(" L 1000,8\n L 1008,8\n S 1010,8\n S 1018,8\n L 1000,8\n L 2000,8\n L 1000,8\n",
                   WINDOW(1), "r0 w0 r1 r0");
}

/* The window is first in, first out: a page that is used all the time comes
 * back into the trace after as many other pages as the window is long. */
static void test_collapsing_with_a_window(void **state)
{
    (void)state;
    expect_records(" L 1000,8\n L 2000,8\n L 1000,8\n L 3000,8\n L 1000,8\n L 2000,8\n S 3000,8\n",
                   WINDOW(2), "r0 r1 r2 r0 r1 w2");
    expect_records(" L 1000,8\n L 2000,8\n L 1000,8\n L 3000,8\n L 1000,8\n L 2000,8\n S 3000,8\n",
                   WINDOW(3), "r0 r1 r2 w2");
    expect_records(" S 1000,8\n L 2000,8\n S 1000,8\n L 3000,8\n S 1000,8\n", WINDOW(2),
                   "w0 r1 r2 w0");
}

static void test_counts(void **state)
{
    (void)state;
    static struct kept kept;
    struct lackey_counts counts;
    struct diagnostics errors = {0};
    assert_true(read_text("I  1,1\n L 1ffc,8\n S 1000,8\n S 1000,8\n M 5000,2\n", WINDOW(8), &kept,
                          &counts, &errors));
    assert_int_equal(counts.instructions, 1);
    assert_int_equal(counts.loads, 1);
    assert_int_equal(counts.stores, 2);
    assert_int_equal(counts.modifies, 1);
    assert_int_equal(counts.accesses, 5);
    assert_int_equal(counts.records, 4);
    assert_int_equal(counts.pages, 3);
}

/* More text than is read at once, more pages than the first table holds. */
static void test_long_text(void **state)
{
    (void)state;
    enum { PAGES = 4000, ROUNDS = 25 };
    char *text = memory_zeroed(PAGES * ROUNDS * 24 + 1, 1, "text"), *at = text;
    for (unsigned i = 0; i < PAGES * ROUNDS; i++)
        at += sprintf(at, " L %012x,8\n", i / ROUNDS * 4096 + i % ROUNDS * 8);
    static struct kept kept;
    struct lackey_counts counts;
    struct diagnostics errors = {0};
    assert_true(at - text > 1 << 20);
    assert_true(read_text(text, WINDOW(1), &kept, &counts, &errors));
    assert_int_equal(counts.pages, PAGES);
    assert_int_equal(kept.count, PAGES);
    for (uint32_t i = 0; i < PAGES; i++)
        assert_int_equal(kept.records[i].page, i);
    free(text);
}

static void expect_error(const char *text, const char *wanted)
{
    static struct kept kept;
    struct lackey_counts counts;
    struct diagnostics errors = {0};
    assert_false(read_text(text, WINDOW(8), &kept, &counts, &errors));
    assert_int_equal(errors.count, 1);
    if (!strstr(diagnostics_text(&errors, 0), wanted))
        fail_msg("got \"%s\", not \"%s\"", diagnostics_text(&errors, 0), wanted);
    diagnostics_release(&errors);
}

static void test_malformed_lines(void **state)
{
    (void)state;
    expect_error("==1== only messages\n", "text: error: no access in the text");
    expect_error(" L 1000,8\nhello world\n", "text:2:1: error: \"hello world\" is not a line");
    expect_error("\n", "text:1:1: error: \"\" is not a line");
    expect_error(" X 1000,8\n", "text:1:1: error: \" X 1000,8\"");
    expect_error(" L 1000\n", "text:1:1");
    expect_error(" L 1000,\n", "text:1:1");
    expect_error(" L ,8\n", "text:1:1");
    expect_error(" L 1000,0\n", "text:1:1");
    expect_error(" L 1000,8 \n", "text:1:1");
    expect_error(" L 1000,99999999999999999999\n", "text:1:1");
    expect_error(" L 10000000000000000,8\n", "text:1:1");
    expect_error(" L ffffffffffffffff,2\n", "text:1:1");
    expect_error("==1==\n L 1000,8\n L 1000", "text:3:1: error: the text ends inside a line");
}

/* ---- through the command ---------------------------------------------------------- */

static int run(char **words)
{
    int count = 0;
    while (words[count])
        count++;
    return trace_command_main(count, words);
}

#define RUN(...) run((char *[]){(char *)(uintptr_t) "trace", __VA_ARGS__, NULL})

static void test_command(void **state)
{
    (void)state;
    char text_name[] = "/tmp/zsim-test-text-XXXXXX";
    int file = mkstemp(text_name);
    static const char text[] = "==9== x\n L 1000,8\n S 3000,8\n L 1000,8\n S 1000,8\n";
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    close(mkstemp(path));
    assert_int_equal(RUN("convert", "--note", "why", text_name, path), 0);
    struct diagnostics errors = {0};
    struct workload *workload = trace_workload_open(path, NULL, &errors);
    assert_non_null(workload);
    assert_int_equal(workload->accesses, 3);
    assert_int_equal(workload->space_pages[0], 2);
    assert_string_equal(trace_workload_native(workload)->note,
                        "why; valgrind lackey: 2 loads, 2 stores, 0 modifies; window 8");
    workload->type->close(workload);

    char other[] = "/tmp/zsim-test-other-XXXXXX";
    close(mkstemp(other));
    assert_int_equal(RUN("convert", "--to", "native1", path, other), 0);
    assert_int_equal(RUN("convert", "--from", "native", other, path), 0);
    unlink(other);
    assert_int_equal(RUN("generate", "-o", path, "1", "0:seq:0:4:8:0"), 0);

    assert_int_equal(RUN("convert", "--from", "native", text_name, path), 2);
    assert_int_equal(RUN("convert", "--from", "lackeys", text_name, path), 2);
    assert_int_equal(RUN("convert", text_name), 2);
    assert_int_equal(RUN("convert", "-", path), 2);
    assert_int_equal(RUN("convert", "/proc/nonexistent", path), 2);
    assert_int_equal(RUN("convert", "--window", "0", text_name, path), 2);
    assert_int_equal(RUN("generate", "-o", path, "1", "0:seq"), 2);
    assert_int_equal(RUN("generate", "1", "0:seq:0:4:8:0"), 2);
    assert_int_equal(RUN("generate", "-o", "/proc/nonexistent/x", "1", "0:seq:0:4:8:0"), 1);
    assert_int_equal(RUN("info", text_name), 0);
    assert_int_equal(RUN("info", "--from", "native", text_name), 2);
    assert_int_equal(RUN("info", "--jsn", path), 2);
    assert_int_equal(RUN("inf"), 2);
    assert_int_equal(RUN("convert", "--window", "3", path, path), 2);
    assert_int_equal(RUN("info", "--window", "3", path), 2);
    assert_int_equal(RUN("info", "--window", "3", text_name), 0);
    assert_int_equal(RUN("convert", "--to", "native1", "--note", "x", text_name, path), 2);
    unlink(text_name);
    unlink(path);
}

static void test_type_lackey(void **state)
{
    (void)state;
    char name[] = "/tmp/zsim-test-text-XXXXXX";
    int file = mkstemp(name);
    static const char text[] = " L 1000,8\n S 3000,8\n L 1000,8\n";
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    struct lackey_fields {
        const char *file;
        bool instructions;
        uint64_t window;
    } fields = {.file = name, .window = 1};
    struct diagnostics errors = {0};
    struct workload *workload = workload_lackey.open(&fields, 0, NULL, &errors);
    assert_non_null(workload);
    assert_int_equal(workload->accesses, 3);
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    assert_true(workload_lackey.start(&cursor));
    assert_int_equal(workload_lackey.next(&cursor, &block), 3);
    static const struct access wanted[] = {{0, 0, 0, 0}, {1, 0, 1, 0}, {0, 0, 0, 0}};
    assert_memory_equal(block, wanted, sizeof(wanted));
    assert_int_equal(workload_lackey.next(&cursor, &block), 0);
    workload_lackey.stop(&cursor);
    char fingerprint[33];
    memcpy(fingerprint, workload->fingerprint, 33);
    workload_lackey.close(workload);
    fields.window = 8;
    workload = workload_lackey.open(&fields, 0, NULL, &errors);
    assert_int_equal(workload->accesses, 2);
    assert_string_not_equal(workload->fingerprint, fingerprint);
    workload_lackey.close(workload);
    unlink(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_numbered_by_first_touch),
        cmocka_unit_test(test_instructions),
        cmocka_unit_test(test_straddling_touches_both_pages),
        cmocka_unit_test(test_collapsing_with_window_1),
        cmocka_unit_test(test_collapsing_with_a_window),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_malformed_lines),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_type_lackey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

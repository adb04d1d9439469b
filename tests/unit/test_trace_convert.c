/* `zsim trace convert` there and back, and what `zsim trace info` counts. */
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
#include "workloads/readers/foreign.h"
#include "workloads/readers/native.h"
#include "workloads/readers/readers.h"
#include "workloads/trace_command.h"
#include "workloads/trace_info.h"

#define SAMPLES "tests/data/traces/"

static char directory[] = "/tmp/zsim-test-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"a.kzt",     "b.kzt",     "c.kzt", "x.csv",
                                        "x.csv.zst", "x.bin",     "y.bin", "x.bin.zst",
                                        "x.txt",     "x.txt.zst", "y.txt"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    return rmdir(directory); /* fails when a temporary file is left behind */
}

/* A file in the directory; good until four more were asked for. */
static char *in_directory(const char *name)
{
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static int run(char **words)
{
    int count = 0;
    while (words[count])
        count++;
    return trace_command_main(count, words);
}

#define RUN(...) run((char *[]){(char *)(uintptr_t) "trace", __VA_ARGS__, NULL})
#define TEXT(text) ((char *)(uintptr_t)(text))

struct image {
    char *bytes;
    size_t size;
};

static struct image load(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    struct image image = {.size = (size_t)ftell(file)};
    rewind(file);
    image.bytes = memory_zeroed(image.size + 1, 1, "a file");
    assert_int_equal(fread(image.bytes, 1, image.size, file), image.size);
    fclose(file);
    return image;
}

static void expect_same_files(const char *left, const char *right)
{
    struct image a = load(left), b = load(right);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    free(a.bytes);
    free(b.bytes);
}

static void expect_bytes(const char *path, const char *wanted)
{
    struct image image = load(path);
    assert_string_equal(image.bytes, wanted);
    free(image.bytes);
}

/* Pages in the order of their first touch, as readers number them. */
#define TRACE "0:seq:0:50:50:100", "0:zipf:0:50:3000:30:0.9", "0:free:0:10:10:0", "0:seq:0:50:60:10"

static void test_csv_there_and_back(void **state)
{
    (void)state;
    assert_int_equal(RUN("generate", "-o", in_directory("a.kzt"), "3", TRACE), 0);
    assert_int_equal(RUN("convert", "--to", "csv", in_directory("a.kzt"), in_directory("x.csv")),
                     0);
    assert_int_equal(
        RUN("convert", "--to", "csv", in_directory("a.kzt"), in_directory("x.csv.zst")), 0);
    assert_int_equal(
        RUN("convert", "--to", "native1", in_directory("x.csv"), in_directory("b.kzt")), 0);
    expect_same_files(in_directory("a.kzt"), in_directory("b.kzt"));
    assert_int_equal(
        RUN("convert", "--to", "native1", in_directory("x.csv.zst"), in_directory("b.kzt")), 0);
    expect_same_files(in_directory("a.kzt"), in_directory("b.kzt"));
}

/* Writes become reads and frees go: what is left is the same from then on. */
static void test_oracle_general_there_and_back(void **state)
{
    (void)state;
    assert_int_equal(RUN("generate", "-o", in_directory("a.kzt"), "3", TRACE), 0);
    assert_int_equal(
        RUN("convert", "--to", "oracleGeneral", in_directory("a.kzt"), in_directory("x.bin")), 0);
    assert_int_equal(
        RUN("convert", "--to", "oracle-general", in_directory("a.kzt"), in_directory("x.bin.zst")),
        0);
    struct image image = load(in_directory("x.bin"));
    assert_int_equal(image.size, 3110 * 24);
    free(image.bytes);
    assert_int_equal(
        RUN("convert", "--to", "native1", in_directory("x.bin"), in_directory("b.kzt")), 0);
    assert_int_equal(
        RUN("convert", "--to", "native1", in_directory("x.bin.zst"), in_directory("c.kzt")), 0);
    expect_same_files(in_directory("b.kzt"), in_directory("c.kzt"));
    assert_int_equal(
        RUN("convert", "--to", "oracleGeneral", in_directory("c.kzt"), in_directory("y.bin")), 0);
    expect_same_files(in_directory("x.bin"), in_directory("y.bin"));
}

/* Objects of several pages: the next access is that of the page. */
static void test_oracle_general_next_access(void **state)
{
    (void)state;
    assert_int_equal(RUN("convert", "--to", "oracleGeneral", TEXT(SAMPLES "requests.csv"),
                         in_directory("x.bin")),
                     0);
    static const int64_t next[] = {4, -1, -1, -1, -1, -1};
    static const uint64_t ids[] = {0, 1, 2, 3, 0, 4};
    struct image image = load(in_directory("x.bin"));
    assert_int_equal(image.size, sizeof(next) / sizeof(next[0]) * 24);
    for (size_t i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
        const unsigned char *record = (const unsigned char *)image.bytes + i * 24;
        assert_int_equal(native_get64(record + 4), ids[i]);
        assert_int_equal(native_get32(record + 12), 4096);
        assert_int_equal((int64_t)native_get64(record + 16), next[i]);
    }
    free(image.bytes);
}

static void test_lackey_there_and_back(void **state)
{
    (void)state;
    assert_int_equal(RUN("generate", "-o", in_directory("a.kzt"), "3", "0:seq:0:4:6:0"), 0);
    assert_int_equal(RUN("convert", "--to", "lackey", in_directory("a.kzt"), in_directory("x.txt")),
                     0);
    expect_bytes(in_directory("x.txt"), " L 00000000,1\n L 00001000,1\n L 00002000,1\n"
                                        " L 00003000,1\n L 00000000,1\n L 00001000,1\n");
    assert_int_equal(RUN("convert", "--to", "native1", "--window", "1", in_directory("x.txt"),
                         in_directory("b.kzt")),
                     0);
    expect_same_files(in_directory("a.kzt"), in_directory("b.kzt"));
    assert_int_equal(
        RUN("convert", "--to", "lackey", in_directory("a.kzt"), in_directory("x.txt.zst")), 0);
    assert_int_equal(RUN("convert", "--to", "native1", "--window", "1", in_directory("x.txt.zst"),
                         in_directory("c.kzt")),
                     0);
    expect_same_files(in_directory("a.kzt"), in_directory("c.kzt"));
    assert_int_equal(
        RUN("convert", "--to", "lackey", TEXT(SAMPLES "blkparse.txt"), in_directory("y.txt")), 0);
    expect_bytes(in_directory("y.txt"),
                 " S 00000000,1\n S 00001000,1\n S 00002000,1\n L 00003000,1\n L 00004000,1\n"
                 " L 00000000,1\n L 00003000,1\n");
}

/* Two spaces stay apart; the reader's note stands behind the user's. */
static void test_foreign_to_native(void **state)
{
    (void)state;
    assert_int_equal(RUN("convert", "--note", "mine", "-t", "space=pid",
                         TEXT(SAMPLES "perf-mem.txt"), in_directory("a.kzt")),
                     0);
    struct diagnostics errors = {0};
    struct workload *workload = trace_workload_open(in_directory("a.kzt"), NULL, &errors);
    assert_non_null(workload);
    assert_int_equal(workload->spaces, 2);
    assert_int_equal(workload->accesses, 4);
    assert_int_equal(
        strncmp(trace_workload_native(workload)->note, "mine; perf script: 4 samples", 28), 0);
    workload->type->close(workload);
    assert_int_equal(RUN("convert", "--to", "csv", in_directory("a.kzt"), in_directory("x.csv")),
                     0);
    expect_bytes(in_directory("x.csv"), "time,obj_id,obj_size,op\n0,0,4096,read\n1,1,4096,write\n"
                                        "2,0,4096,read\n3,4294967296,4096,read\n");
}

static void test_mistakes(void **state)
{
    (void)state;
    char *csv = TEXT(SAMPLES "requests.csv"), *out = in_directory("y.bin");
    assert_int_equal(RUN("convert", "--to", "parquet", csv, out), 2);
    assert_int_equal(RUN("convert", "--from", "parquet", csv, out), 2);
    assert_int_equal(RUN("convert", "--to", "csv", "--note", "x", csv, out), 2);
    assert_int_equal(RUN("generate", "--to", "csv", "-o", out, "1", "0:seq:0:4:8:0"), 2);
    assert_int_equal(RUN("convert", "-t", "obj-id=1", csv, out), 2);
    assert_int_equal(RUN("convert", "-t", "has-header=perhaps", csv, out), 2);
    assert_int_equal(RUN("convert", "--format", "msr", csv, out), 2);
    assert_int_equal(RUN("convert", "--to", "csv", csv, TEXT("/proc/nonexistent/x.csv")), 1);
    assert_int_equal(RUN("convert", "--to", "csv", csv, TEXT("/dev/null")), 1);
    assert_int_equal(RUN("convert", TEXT(SAMPLES), out), 2);
    assert_int_equal(RUN("convert", "--from", "native", "-", out), 2);
}

/* ---- info ------------------------------------------------------------------------------- */

static struct workload *open_generated(const char *steps)
{
    struct diagnostics errors = {0};
    assert_int_equal(RUN("generate", "-o", in_directory("a.kzt"), "5", TEXT(steps)), 0);
    struct workload *workload = trace_workload_open(in_directory("a.kzt"), NULL, &errors);
    assert_non_null(workload);
    return workload;
}

/* Four passes over 100 pages: 300 accesses at distance 99, in bucket 64..127. */
static void test_reuse_distances(void **state)
{
    (void)state;
    struct workload *workload = open_generated("0:seq:0:100:400:0");
    struct diagnostics errors = {0};
    struct trace_info info;
    assert_true(trace_info_count(workload, &info, &errors));
    assert_int_equal(info.reuse.one_in, 1);
    assert_int_equal(info.reuse.first, 100);
    for (unsigned i = 0; i < TRACE_INFO_BUCKETS; i++)
        assert_int_equal(info.reuse.bucket[i], i == 7 ? 300 : 0);
    trace_info_release(&info);
    workload->type->close(workload);
    /* Freed pages begin anew and are not between others. */
    assert_int_equal(RUN("generate", "-o", in_directory("a.kzt"), "5", "0:seq:0:100:100:0",
                         "0:free:1:99:99:0", "0:seq:0:100:100:0"),
                     0);
    workload = trace_workload_open(in_directory("a.kzt"), NULL, &errors);
    assert_true(trace_info_count(workload, &info, &errors));
    assert_int_equal(info.reuse.first, 199);
    assert_int_equal(info.reuse.bucket[0], 1);
    trace_info_release(&info);
    workload->type->close(workload);
}

/* One page in 8 stands for all: counts and distances come near the exact ones. */
static void test_sampled_reuse_distances(void **state)
{
    (void)state;
    struct workload *workload = open_generated("0:seq:0:20000:100000:0");
    struct diagnostics errors = {0};
    struct trace_info info;
    assert_true(trace_info_count_within(workload, 15000, &info, &errors));
    assert_int_equal(info.reuse.one_in, 8);
    assert_in_range(info.reuse.first, 19000, 21000);
    assert_int_equal(info.reuse.first % 8, 0);
    /* Exactly 19,999; the estimate lies on either side of 16,384. */
    assert_int_equal(info.reuse.bucket[14] + info.reuse.bucket[15], info.reuse.first * 4);
    assert_int_equal(info.distinct, 20000);
    trace_info_release(&info);
    workload->type->close(workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_there_and_back),
        cmocka_unit_test(test_oracle_general_there_and_back),
        cmocka_unit_test(test_oracle_general_next_access),
        cmocka_unit_test(test_lackey_there_and_back),
        cmocka_unit_test(test_foreign_to_native),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_reuse_distances),
        cmocka_unit_test(test_sampled_reuse_distances),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

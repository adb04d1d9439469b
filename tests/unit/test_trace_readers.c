/* Readers of other programs' traces: the samples in tests/data/traces, texts
 * written here, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/readers/damon.h"
#include "workloads/readers/foreign.h"
#include "workloads/readers/readers.h"

#define SAMPLES "tests/data/traces/"

static char path[] = "/tmp/zsim-test-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void save(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* ---- what a file comes to ---------------------------------------------------------- */

/* "0w3": space 0, write, page 3. */
static void print_records(const struct workload *workload, char *out, size_t room)
{
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    size_t used = 0;
    out[0] = '\0';
    assert_true(workload->type->start(&cursor));
    for (uint32_t count; (count = workload->type->next(&cursor, &block));)
        for (uint32_t i = 0; i < count && used + 32 < room; i++) {
            assert_true(block[i].space < workload->spaces);
            assert_true(block[i].page < workload->space_pages[block[i].space]);
            used += (size_t)snprintf(out + used, room - used, "%s%u%c%u", used ? " " : "",
                                     block[i].space, "rwf"[block[i].op], block[i].page);
        }
    workload->type->stop(&cursor);
}

static struct workload *open_good(const char *name, const char *format, const char *options)
{
    struct diagnostics errors = {0};
    struct workload *workload = trace_file_open(name, format, options, &errors);
    diagnostics_print(&errors);
    assert_non_null(workload);
    assert_int_equal(errors.count, 0);
    return workload;
}

static void expect_file(const char *name, const char *type, const char *options, const char *wanted)
{
    char got[4096];
    struct workload *workload = open_good(name, NULL, options);
    assert_string_equal(workload->type->name, type);
    print_records(workload, got, sizeof(got));
    assert_string_equal(got, wanted);
    workload->type->close(workload);
}

static void expect_text(const char *type, const char *options, const char *text, const char *wanted)
{
    save(text, strlen(text));
    char got[4096];
    struct workload *workload = open_good(path, type, options);
    print_records(workload, got, sizeof(got));
    assert_string_equal(got, wanted);
    workload->type->close(workload);
}

static void expect_note(const char *name, const char *options, const char *wanted)
{
    struct workload *workload = open_good(name, NULL, options);
    assert_non_null(strstr(foreign_note(workload), wanted));
    workload->type->close(workload);
}

/* The file in `path` is refused with one message that contains `wanted` (after
 * the file's name where it begins with ':'). */
static void expect_refused(const char *type, const char *options, const char *wanted)
{
    struct diagnostics errors = {0};
    assert_null(trace_file_open(path, type, options, &errors));
    assert_int_equal(errors.count, 1);
    const char *text = diagnostics_text(&errors, 0);
    if (!strstr(text, wanted) || strchr(text, '\n') ||
        (wanted[0] == ':' && strncmp(text, path, strlen(path)) != 0))
        fail_msg("got \"%s\", not \"%s\"", text, wanted);
    diagnostics_release(&errors);
}

static void expect_error(const char *type, const char *options, const char *text,
                         const char *wanted)
{
    save(text, strlen(text));
    expect_refused(type, options, wanted);
}

/* ---- perf script -------------------------------------------------------------------- */

static void test_perf_samples(void **state)
{
    (void)state;
    expect_file(SAMPLES "perf-mem.txt", "perf_script", NULL, "0r0 0w1 0r0 1r0");
    expect_file(SAMPLES "perf-mem.txt", "perf_script", "space=tid", "0r0 1w0 1r1 2r0");
    expect_file(SAMPLES "perf-mem.txt", "perf_script", "space=one", "0r0 0w1 0r0 0r0");
    expect_file(SAMPLES "perf-mem.txt", "perf_script", "event=loads,kernel=true",
                "0r0 0r0 1r0 0r1");
    expect_file(SAMPLES "perf-faults.txt", "perf_script", NULL,
                "0r0 0r1 0r2 0r3 0r4 0r5 0r6 0r7 0r8");
    expect_note(SAMPLES "perf-mem.txt", NULL,
                "4 samples that stand for 5099 events (a sample is one access); dropped: 0 of "
                "other events, 1 without an address, 1 of the kernel");
}

static void test_perf_layouts(void **state)
{
    (void)state;
    /* Fields that perf script can leave out. */
    expect_text("perf_script", NULL, "11314 page-faults:     5576395a01e0\n", "0r0");
    expect_text("perf_script", NULL, "page-faults:  1000\n page-faults:  1fff\n", "0r0 0r0");
    expect_text("perf_script", NULL, "a b 12/13 [001] cpu/mem-stores/P: 1000\n", "0w0");
    expect_text("perf_script", NULL, "7 [000] 1.5: ev: 1000\n8 1.6: ev: 1000\n", "0r0 1r0");
    /* A call chain belongs to the sample above it. */
    expect_text("perf_script", NULL, "a 1 1.5: ev: 1000\n\t  7f01 f+0x1 (x)\n\na 1 1.6: ev: 3000\n",
                "0r0 0r1");
    /* The address's symbol, then the instruction. */
    expect_text("perf_script", NULL,
                "true 1 1.5: ev: 5576395a01e0 name (/bin/true) ffffffff817554ea load ([k])\n",
                "0r0");
    expect_text("perf_script", "address=physical",
                "a 1 1.5: 1 ev: 7f1000 12345000\na 1 1.5: 1 ev: 7f9000 12345fff 4K N/A\n",
                "0r0 0r0");
}

static void test_perf_errors(void **state)
{
    (void)state;
    expect_error("perf_script", NULL, "", ": error: no access in it");
    expect_error("perf_script", NULL, "a 1 1.5: ev: 5576395a0000\na 1 1.6: ev: 5576395a",
                 ":2:1: error: the text ends inside a line; expected a newline");
    expect_error("perf_script", NULL, "a 1 1.5: ev: 1000\n  hello world\n",
                 ":2:3: error: \"hello world\" is not a sample of perf script");
    expect_error("perf_script", NULL, "a 1 1.5: ev:\n", ":1:10: error: expected the data's");
    expect_error("perf_script", NULL, "a 1 1.5: ev: zz\n", ":1:10: error: expected the data's");
    expect_error("perf_script", NULL, "a 1 1.5: ev: 12345678901234567 \n",
                 ":1:10: error: expected");
    expect_error("perf_script", NULL, "a 1 1.5: ev: 5576395a01e0 f+0x1 (x)\n",
                 "may be the instruction's");
    expect_error("perf_script", "address=physical", "a 1 1.5: ev: 1000\n",
                 "expected a physical address");
    expect_error("perf_script", "event=nothing", "a 1 1.5: ev: 1000\n", "dropped: 1 of other");
    expect_error("perf_script", "space=cpu", "a 1 1.5: ev: 1000\n", "option space of format");
}

/* ---- DAMON ----------------------------------------------------------------------------- */

#define FOUR "sampling=5ms,aggregation=20ms"

/* Four samples an aggregation: of pages 1 and 2 with 2 of 4, in turns; page 3
 * with 4 of 4, in every round; then one page with 1 of 4. */
static void test_damon_text(void **state)
{
    (void)state;
    expect_file(SAMPLES "damon-raw.txt", "damon", FOUR, "0r0 0r1 0r2 0r1 0r0 0r1 0r2 0r1 0r3");
    expect_file(SAMPLES "damon-raw.txt", "damon", FOUR ",rounds=1", "0r0 0r1");
    expect_file(SAMPLES "damon-raw-colon.txt", "damon", FOUR, "0r0 0r1 0r0 0r1");
    expect_file(SAMPLES "damon-events.txt", "damon", FOUR,
                "0r0 0r1 0r2 0r1 0r0 0r1 0r2 0r1 0r1 0r0 0r2");
    expect_note(SAMPLES "damon-raw.txt", FOUR, "DAMON: 2 snapshots, 5 regions; assumed: ");
}

/* Snapshots of two targets are played by their times; a record's own intervals
 * go before the options. */
static void test_damon_json(void **state)
{
    (void)state;
    expect_file(SAMPLES "damon.json", "damon", "aggregation=1s",
                "1r0 0r0 0r1 0r2 0r1 0r0 0r1 0r2 0r1");
    expect_text("damon", NULL,
                "{\"target_id\": null, \"snapshots\": [{\"end_time\": 1, \"regions\": "
                "[{\"start\": 0, \"end\": 1, \"nr_accesses\": 20}], \"start_time\": 0}]}",
                "0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0 0r0");
}

static void test_damon_cold_pages(void **state)
{
    (void)state;
    expect_text("damon", FOUR ",cold=true",
                "target_id: 0\n1000-3000 (8 K) 0 1\n3000-4000 (4 K) 1 1\n"
                "target_id: 0\n1000-4000 (12 K) 0 1\n",
                "0r0 0r1 0r2");
}

/* Every page is accessed exactly nr_accesses times a snapshot, and in every
 * round as many pages as the rate says. */
static void test_damon_rates(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int trial = 0; trial < 50; trial++) {
        uint64_t n = 1 + random_below(&random, 40), a = 1 + random_below(&random, n);
        uint64_t pages = n * (1 + random_below(&random, 5)), first = random_below(&random, 1000);
        char text[128], options[64];
        snprintf(text, sizeof(text), "target_id: 0\n%lx-%lx (1) %lu 0\n",
                 (unsigned long)first * 4096, (unsigned long)(first + pages) * 4096,
                 (unsigned long)a);
        snprintf(options, sizeof(options), "sampling=1us,aggregation=%luus", (unsigned long)n);
        save(text, strlen(text));
        struct workload *workload = open_good(path, "damon", options);
        assert_int_equal(workload->accesses, pages * a);
        assert_int_equal(workload->space_pages[0], pages);
        struct workload_cursor cursor = {.workload = workload};
        const struct access *block;
        uint64_t *counts = memory_zeroed(pages, sizeof(*counts), "counts");
        assert_true(workload->type->start(&cursor));
        for (uint32_t count; (count = workload->type->next(&cursor, &block));)
            for (uint32_t i = 0; i < count; i++)
                counts[block[i].page]++;
        for (uint64_t i = 0; i < pages; i++)
            assert_int_equal(counts[i], a);
        free(counts);
        workload->type->close(workload);
    }
}

static void test_damon_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } times[] = {{"0 ns", 0},
                 {"104.599 ms", 104599000},
                 {"8 m 59.809 s", 539809000000},
                 {"5ms", 5000000},
                 {"123", 123000},
                 {"1,690,134", 1690134000},
                 {"1 d", 86400000000000}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        uint64_t ns;
        const char *at = times[i].text;
        assert_true(damon_take_time(&at, 1000, &ns));
        assert_int_equal(ns, times[i].ns);
        assert_int_equal(*at, '\0');
    }
}

static void test_damon_errors(void **state)
{
    (void)state;
    expect_error("damon", FOUR, "target_id: 0\n3000-1000 (1) 1 0\n",
                 ":2:1: error: the region ends");
    expect_error("damon", FOUR, "target_id: 0\n1000-2000 (1) 5 0\n",
                 ":2:1: error: nr_accesses is more than the samples");
    expect_error("damon", FOUR, "target_id: 0\n0-ffffffffffffffff (1) 4 0\n",
                 ":2:1: error: an accessed region of more than 1 TiB");
    expect_error("damon", FOUR, "1000-2000 (1) 1 0\n", ":1:1: error: a region before");
    expect_error("damon", FOUR, "target_id: 0\n1000-2000 (1) x\n", ":2:1: error: \"1000-2000");
    expect_error("damon", FOUR, "target_id: 0\nnr_regions: 3\n1000-2000 (1) 1 0\n",
                 ": error: regions of the last snapshot: 1; expected 3, its nr_regions");
    expect_error("damon", FOUR, "target_id: 0\nnr_regions: 2\n1000-2000 (1) 1 0\ntarget_id: 0\n",
                 ":4:1: error: regions of the last snapshot: 1; expected 2");
    expect_error("damon", FOUR, "target_id: 0\nnr_regions: x\n",
                 ":2:1: error: expected the number");
    expect_error("damon", FOUR, "target_id: 0\n1000-2000 (1) 1",
                 ":2:1: error: the text ends inside a line");
    expect_error("damon", FOUR,
                 "k 1 [000] 1.5: damon:damon_aggregated: target_id=0 nr_regions=2 4096-8192: 1 0\n",
                 ": error: the text ends inside a snapshot; expected 1 more of its regions");
    expect_error("damon", FOUR, "monitoring_start: 3 weeks\n", ":1:18: error: expected a time");
    expect_error("damon", "aggregation=1ms", "target_id: 0\n", "must be 1 to 1000000");
    expect_error("damon", FOUR, "target_id: 0\n1000-2000 (1) 0 0\n", "no access in it (DAMON: 1");
    expect_error("damon", FOUR ",cold=true", "target_id: 0\n0-ffffffffffffffff (1) 0 0\n",
                 "cold: a region");
    expect_error("damon", FOUR,
                 "k 1 [000] 1.5: damon:damon_aggregated: target_id=0 nr_regions=1 0x1-2: 1 0\n",
                 ":1:1: error: \"k 1");
}

static void test_damon_json_errors(void **state)
{
    (void)state;
    expect_error("damon", NULL, "[{\"target_id\": 1, \"snapshots\": [{\"regions\": 5}]}]",
                 ":1:45: error: \"5}]}]\"; expected a list");
    expect_error("damon", NULL, "[{\"snapshots\":\n [{\"regions\": [{\"start\": -1}]}]}]",
                 ":2:26: error: \"-1}]}]}]\"; expected a whole number");
    expect_error("damon", NULL, "[{\"snapshots\": [{\"regions\": [{}]}]}]", "with nr_accesses");
    expect_error("damon", NULL, "[{\"snapshots\": [{\"regions\": []}]}]", "with a target_id");
    expect_error("damon", NULL, "[{\"a\": 1,}]", ":1:10: error: \"}]\"; expected a value");
    expect_error("damon", NULL, "[{\"a\" 1}]", "expected ':' after a key");
    expect_error("damon", NULL, "[{\"a\": 1} 2]", "expected ',' or the end of the list");
    expect_error("damon", NULL, "[{\"a\": tru}]", "expected a JSON value");
    expect_error("damon", NULL, "[{\"a\": 1}", ": error: the JSON text ends too early");
    expect_error("damon", NULL, "[] 1", "expected the end of the text");
    expect_error("damon", NULL, "[]", "no snapshot of DAMON in it");
    expect_error("damon", NULL,
                 "[{\"intervals\": {\"sample_us\": 0, \"aggr_us\": 5}, "
                 "\"snapshots\": [{}]}]",
                 "intervals with an aggregation");
    char deep[400];
    memset(deep, '[', sizeof(deep) - 1);
    memcpy(deep, "{\"a\":", 5);
    deep[sizeof(deep) - 1] = '\0';
    expect_error("damon", NULL, deep, "expected at most 64 levels");
}

/* ---- oracleGeneral ------------------------------------------------------------------------ */

/* Object 5 of one page, 9 of three (then two), 6 of one. */
#define ORACLE_RECORDS "0r0 0r1 0r2 0r3 0r4 0r0 0r1 0r2 0r0"

static void test_oracle_general(void **state)
{
    (void)state;
    expect_file(SAMPLES "oracle-general.bin", "oracle_general", NULL, ORACLE_RECORDS);
    expect_file(SAMPLES "oracle-general.bin.zst", "oracle_general", NULL, ORACLE_RECORDS);
}

static size_t load(const char *name, unsigned char *bytes, size_t room)
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

static void test_oracle_general_errors(void **state)
{
    (void)state;
    unsigned char bytes[256], packed[512];
    size_t size = load(SAMPLES "oracle-general.bin", bytes, sizeof(bytes));
    assert_int_equal(size, 144);
    save(bytes, size - 1);
    expect_refused("oracleGeneral", NULL,
                   ": error: byte 120: the trace ends inside a record; 23 bytes of 24 are left");
    save(bytes, 0);
    expect_refused("oracleGeneral", NULL, "no access in it (oracleGeneral: 0 requests");
    size_t compressed = ZSTD_compress(packed, sizeof(packed), bytes, size, 3);
    save(packed, compressed - 3);
    expect_refused("oracleGeneral", NULL, "it ends inside a compressed stream");
    packed[6] ^= 0xff;
    save(packed, compressed);
    expect_refused("oracleGeneral", NULL, " of the compressed file: ");
    memset(bytes + 24 + 16, 0xfe, 8);
    save(bytes, size);
    expect_refused("oracleGeneral", NULL, ": error: byte 40: next request -7234017283807667");
}

/* The largest size that 32 bits can say: 2^20 pages, each touched. */
static void test_oracle_general_huge_object(void **state)
{
    (void)state;
    unsigned char record[24] = {0};
    memset(record + 12, 0xff, 12);
    save(record, sizeof(record));
    struct workload *workload = open_good(path, NULL, NULL);
    assert_string_equal(workload->type->name, "oracle_general");
    assert_int_equal(workload->accesses, 1 << 20);
    assert_int_equal(workload->space_pages[0], 1 << 20);
    workload->type->close(workload);
}

/* ---- CSV ------------------------------------------------------------------------------------ */

static void test_csv(void **state)
{
    (void)state;
    expect_file(SAMPLES "requests.csv", "csv", NULL, "0r0 0w1 0w2 0w3 0r0 0r4 0f1");
    expect_file(SAMPLES "requests-headerless.csv", "csv",
                "time-col=1,obj-id-col=2,obj-size-col=3,delimiter=;", "0r0 0r1 0r0");
    expect_text("csv", "time-col=1,obj-id-col=2,delimiter=,,has-header=true",
                "x,y\n1,5\n2,6\n3,5\n", "0r0 0r1 0r0");
    expect_text("csv", "has-header=false,obj-id-col=1", "obj_id,2\n5,3\n", "0r0 0r1");
    expect_text("csv", "delimiter=tab,obj_id_col=1", "1\t2\r\n\n# more\n2\t1", "0r0 0r1");
    expect_text("csv", "obj-id-col=1,obj-size-col=2,id=address", "4000,200\n0,4097\n",
                "0r0 0r1 0r0 0r1");
    expect_text("csv", "obj-id-col=1,op-col=2,id=page", "9,w\n3,R\n9,2\n7,free\n", "0w0 0r1 0f0");
    expect_text("csv", NULL, "\"Object ID\", type\n\"a,b\", put\na,get\n", "0w0 0r1");
    static const char sizes[] = "time,obj_id,length,tenant\n1,5,8192,0\n";
    save(sizes, strlen(sizes));
    expect_note(path, NULL,
                "; no size column: each request is one page; columns not used: \"length\", "
                "\"tenant\"");
    expect_note(SAMPLES "requests.csv", NULL, "CSV: 5 requests, 2 of objects named by text");
}

static void test_csv_errors(void **state)
{
    (void)state;
    static const char header[] = "id,size,op\n";
    char text[128];
    expect_error("csv", NULL, "1,2,3\n", ":1:1: error: no column is known to be the object");
    expect_error("csv", "obj-id-col=3", "1,2,3\n4,5\n",
                 ":2:1: error: 2 columns; expected obj_id_col 3 to be there");
    expect_error("csv", "obj-id-col=1,obj-size-col=2", "1,8192\n4,819",
                 ":2:3: error: the text ends inside a line, \"819\" may be cut short");
    expect_error("csv", "obj-id-col=2", "1,40960\n2,4096", ":2:3: error: the text ends inside");
    expect_error("csv", "obj-id-col=65", "1\n", "option obj_id_col of format csv is \"65\"");
    expect_error("csv", "delimiter=ab", "1\n", "delimiter is \"ab\"; expected one character");
    expect_error("csv", "obj-idcol", "1\n", "expected KEY=VALUE at \"obj-idcol\"");
    expect_error("csv", "obj-size=3", "1\n", "has no option \"obj-size\"");
    snprintf(text, sizeof(text), "%s7,4294967297,get\n", header);
    expect_error("csv", NULL, text,
                 ":2:1: error: 4294967297 bytes at once; expected at most 4 GiB");
    snprintf(text, sizeof(text), "%s7,99999999999999999999,get\n", header);
    expect_error("csv", NULL, text, ":2:3: error: size is \"99999999999999999999\"");
    snprintf(text, sizeof(text), "%s7,-1,get\n", header);
    expect_error("csv", NULL, text, ":2:3: error: size is \"-1\"");
    snprintf(text, sizeof(text), "%s7,1,fetch\n", header);
    expect_error("csv", NULL, text, ":2:5: error: operation is \"fetch\"");
    snprintf(text, sizeof(text), "%s,1,get\n", header);
    expect_error("csv", NULL, text, ":2:1: error: object is \"\"; expected some text");
    expect_error("csv", "id=page", "id,x\n18446744073709551615,1\n", ":2:1: error: 4096 bytes");
    expect_error("csv", "id=page", "id,x\nseven,1\n", ":2:1: error: object is \"seven\"");
}

/* ---- MSR Cambridge --------------------------------------------------------------------------- */

static void test_msr(void **state)
{
    (void)state;
    /* 24,576 bytes from a page's beginning + 1,024: seven pages; the last request
     * lies in the second of them. */
    expect_file(SAMPLES "msr.csv", "msr", NULL, "0r0 0r1 0r2 0r3 0r4 0r5 0r6 0w7 0w8 1r0 1r1 0w1");
    expect_text(NULL, NULL,
                "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n"
                "1,h,0,write,0,0,0\n",
                "0w0");
}

static void test_msr_errors(void **state)
{
    (void)state;
    expect_error("msr", NULL, "1,h,0,Read,0,512,1\n1,h,0,Read,0,512\n",
                 ":2:1: error: fewer than 7");
    expect_error("msr", NULL, "1,h,0,Read,0,512,1,2\n", ":1:1: error: more than 7");
    expect_error("msr", NULL, "1,h,0,Trim,0,512,1\n", ":1:7: error: Type is \"Trim\"");
    expect_error("msr", NULL, "1,h,0,Read,0x,512,1\n", ":1:12: error: Offset is \"0x\"");
    expect_error("msr", NULL, "1,h,0,Read,0,4294967297,1\n", ":1:14: error: Size is 4294967297");
    expect_error("msr", NULL, "1,h,0,Read,18446744073709551615,2,1\n", "within 2^64 bytes");
    expect_error("msr", NULL, "1,h,0,Read,0,18446744073709551616,1\n", ":1:14: error: Size is \"");
    expect_error("msr", NULL, "1,h,0,Read,0,512,\n", ":1:18: error: ResponseTime is \"\"");
}

/* ---- blkparse
 * ------------------------------------------------------------------------------------ */

static void test_blkparse(void **state)
{
    (void)state;
    /* Sectors 223488..223495 are one page, 223500..223507 two; a flush has no
     * data; the discard of sectors 16..39 frees the pages of it that are known. */
    expect_file(SAMPLES "blkparse.txt", "blkparse", NULL, "0w0 0w1 0w2 0r3 0r4 0r0 0f4 0r3");
    expect_file(SAMPLES "blkparse.txt", "blkparse", "action=C", "0w0 0w1 0w2 0r3 0r4 0r0 0f4 0r3");
    expect_note(SAMPLES "blkparse.txt", NULL,
                "blkparse: 6 requests with action Q, 1 without data, 24 lines with other actions");
}

static void test_blkparse_errors(void **state)
{
    (void)state;
#define BEGIN "8,0 0 1 0.000000000 7 "
    expect_error("blkparse", NULL, BEGIN "Q R 8 + 8 [x]\nhello\n",
                 ":2:1: error: \"hello\" is not a line of blkparse");
    expect_error("blkparse", NULL, BEGIN "Q R 8 + 8", ":1:1: error: the text ends inside a line");
    expect_error("blkparse", NULL, BEGIN "Q\n", ":1:23: error: the line ends after its action");
    expect_error("blkparse", NULL, BEGIN "Q R 8 8 [x]\n", ":1:27: error: \"8 8 [x]\" after");
    expect_error("blkparse", NULL, BEGIN "Q R 8 + x\n", ":1:27: error: \"8 + x\" after");
    expect_error("blkparse", NULL, BEGIN "Q R 0 + 8388609 [x]\n",
                 ":1:27: error: 0 + 8388609 sectors; expected at most 4 GiB");
    expect_error("blkparse", NULL, BEGIN "Q R 18446744073709551615 + 8 [x]\n", "within 2^64 bytes");
    expect_error("blkparse", NULL, BEGIN "Q R 8 + 18446744073709551615 [x]\n", "at most 4 GiB");
    expect_error("blkparse", "action=X", BEGIN "Q R 8 + 8 [x]\n", "no access in it (blkparse: 0");
}

/* ---- all of them
 * ----------------------------------------------------------------------------------- */

/* gzip and zlib in the place of a text; several zstd frames; damage. */
static void test_compression(void **state)
{
    (void)state;
    static const char text[] = "1,h,0,Read,0,512,1\n1,h,0,Write,4096,512,1\n";
    unsigned char packed[512];
    uLongf size = sizeof(packed);
    assert_int_equal(compress(packed, &size, (const unsigned char *)text, strlen(text)), Z_OK);
    save(packed, size);
    expect_file(path, "msr", NULL, "0r0 0w1");
    save(packed, size - 6);
    expect_refused("msr", NULL, "it ends inside a compressed stream");

    gzFile file = gzopen(path, "w");
    gzputs(file, text);
    gzclose(file);
    expect_file(path, "msr", NULL, "0r0 0w1");

    size_t first = ZSTD_compress(packed, sizeof(packed), text, 19, 1);
    size_t second =
        ZSTD_compress(packed + first, sizeof(packed) - first, text + 19, strlen(text) - 19, 1);
    save(packed, first + second);
    expect_file(path, "msr", NULL, "0r0 0w1");
    save(packed, first + second - 1);
    expect_refused("msr", NULL, "it ends inside a compressed stream");
}

static void test_lines(void **state)
{
    (void)state;
    char *text = memory_zeroed(2 << 20, 1, "text");
    memset(text, '1', (2 << 20) - 1);
    memcpy(text, "id\n", 3);
    save(text, (2 << 20) - 1);
    expect_refused("csv", NULL, ":2:1: error: a line is longer than 1 MiB");
    /* More than is held at once; the last line has no end. */
    char *at = text;
    at += sprintf(at, "id,x\n");
    for (unsigned i = 0; i < 200000; i++)
        at += sprintf(at, "%s%u,1", i ? "\n" : "", i % 70000);
    save(text, strlen(text));
    struct workload *workload = open_good(path, NULL, NULL);
    assert_int_equal(workload->accesses, 200000);
    assert_int_equal(workload->space_pages[0], 70000);
    workload->type->close(workload);
    free(text);
}

/* Every sample is recognised by one reader alone. */
static void test_recognition(void **state)
{
    (void)state;
    static const char *const samples[] = {
        "perf-mem.txt",
        "perf-faults.txt",
        "damon-raw.txt",
        "damon-events.txt",
        "damon-raw-colon.txt",
        "damon.json",
        "oracle-general.bin",
        "requests.csv",
        "requests-headerless.csv",
        "msr.csv",
        "blkparse.txt",
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        char name[128];
        unsigned char head[8192] = {0};
        snprintf(name, sizeof(name), SAMPLES "%s", samples[i]);
        size_t bytes = load(name, head, sizeof(head) - 1);
        unsigned known = 0;
        for (size_t j = 0; workload_types[j]; j++)
            known += workload_types[j]->reader &&
                     workload_types[j]->reader->recognise((const char *)head, bytes);
        if (known != 1)
            fail_msg("%s is recognised by %u readers", samples[i], known);
    }
    save("", 0);
    expect_refused(NULL, NULL, ": error: the file is empty");
    save("hello\n", 6);
    expect_refused(NULL, NULL,
                   ": error: byte 0: the format is not recognised; --from FORMAT of "
                   "zsim trace info and convert");
    expect_refused("perf", NULL, "unknown format \"perf\"; expected one of: native, lackey");
}

static void test_fingerprints(void **state)
{
    (void)state;
    struct workload *first = open_good(SAMPLES "perf-mem.txt", NULL, NULL);
    struct workload *same = open_good(SAMPLES "perf-mem.txt", NULL, "space=pid");
    struct workload *other = open_good(SAMPLES "perf-mem.txt", NULL, "space=tid");
    assert_string_equal(first->fingerprint, same->fingerprint);
    assert_string_not_equal(first->fingerprint, other->fingerprint);
    first->type->close(first);
    same->type->close(same);
    other->type->close(other);
}

/* Bytes that are changed, cut or moved: a message or a trace, never a crash. */
static void test_damaged_samples(void **state)
{
    (void)state;
    static const char *const samples[][2] = {
        {"perf-mem.txt", "perf_script"}, {"damon-raw.txt", "damon"},
        {"damon-events.txt", "damon"},   {"damon.json", "damon"},
        {"requests.csv", "csv"},         {"msr.csv", "msr"},
        {"blkparse.txt", "blkparse"},    {"oracle-general.bin.zst", "oracle_general"},
    };
    uint64_t random = 11;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        for (int trial = 0; trial < 300; trial++) {
            char name[128];
            unsigned char bytes[8192];
            snprintf(name, sizeof(name), SAMPLES "%s", samples[i][0]);
            size_t size = load(name, bytes, sizeof(bytes));
            for (uint64_t j = 1 + random_below(&random, 4); j > 0; j--)
                bytes[random_below(&random, size)] =
                    (unsigned char)"0-9,:{}[]\"\n x\0\xff"[random_below(&random, 16)];
            save(bytes, random_below(&random, 2) ? size : random_below(&random, size));
            struct diagnostics errors = {0};
            struct workload *workload = trace_file_open(path, samples[i][1], NULL, &errors);
            assert_int_equal(errors.count, workload ? 0 : 1);
            if (workload)
                workload->type->close(workload);
            diagnostics_release(&errors);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_perf_samples),
        cmocka_unit_test(test_perf_layouts),
        cmocka_unit_test(test_perf_errors),
        cmocka_unit_test(test_damon_text),
        cmocka_unit_test(test_damon_json),
        cmocka_unit_test(test_damon_cold_pages),
        cmocka_unit_test(test_damon_rates),
        cmocka_unit_test(test_damon_times),
        cmocka_unit_test(test_damon_errors),
        cmocka_unit_test(test_damon_json_errors),
        cmocka_unit_test(test_oracle_general),
        cmocka_unit_test(test_oracle_general_errors),
        cmocka_unit_test(test_oracle_general_huge_object),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_errors),
        cmocka_unit_test(test_msr),
        cmocka_unit_test(test_msr_errors),
        cmocka_unit_test(test_blkparse),
        cmocka_unit_test(test_blkparse_errors),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_recognition),
        cmocka_unit_test(test_fingerprints),
        cmocka_unit_test(test_damaged_samples),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

/* Native traces: round trips, and files that are damaged or hostile. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>
#include <zstd.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/readers/native.h"
#include "workloads/readers/native_writer.h"
#include "workloads/readers/readers.h"

static char directory[] = "/tmp/zsim-test-XXXXXX";
static char path[64];

enum { RECORDS = NATIVE2_RECORDS_A_BLOCK + 5000 };

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/trace.kzt", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory); /* fails when a temporary file is left behind */
}

/* ---- files ------------------------------------------------------------------- */

struct image {
    unsigned char *bytes;
    size_t size;
};

static void save(struct image image)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(image.bytes, 1, image.size, file), image.size);
    fclose(file);
}

static struct image load(void)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    struct image image = {.size = (size_t)ftell(file)};
    rewind(file);
    image.bytes = memory_zeroed(image.size, 1, "a file");
    assert_int_equal(fread(image.bytes, 1, image.size, file), image.size);
    fclose(file);
    return image;
}

static struct access *random_records(uint32_t count, uint32_t spaces, uint32_t pages)
{
    struct access *records = memory_zeroed(count, sizeof(*records), "records");
    uint64_t random = 99;
    for (uint32_t i = 0; i < count; i++)
        records[i] = (struct access){.page = (uint32_t)random_below(&random, pages),
                                     .space = (uint16_t)random_below(&random, spaces),
                                     .op = (uint8_t)random_below(&random, 3)};
    return records;
}

static void write_trace(unsigned version, const struct access *records, uint32_t count)
{
    struct diagnostics errors = {0};
    struct native_writer *writer = native_writer_open(path, version, 3, &errors);
    assert_non_null(writer);
    native_writer_put(writer, records, count / 2);
    native_writer_put(writer, records + count / 2, count - count / 2);
    assert_true(native_writer_finish(writer, &errors));
    diagnostics_release(&errors);
}

/* The small version 1 file that the damage is done to: 2 spaces, 3 records. */
static struct image small_plain(void)
{
    static const struct access records[] = {{9, 0, 1, 0}, {3, 1, 0, 0}, {9, 0, 2, 0}};
    write_trace(1, records, 3);
    return load();
}

static uint64_t walked_hash; /* of the records that the last outcome() met */

/* Opens and walks; the message of what went wrong, or "" when nothing did. */
static const char *outcome(uint64_t *walked)
{
    static char text[1024];
    struct diagnostics errors = {0};
    struct workload *workload = trace_workload_open(path, NULL, &errors);
    text[0] = '\0';
    *walked = walked_hash = 0;
    if (workload) {
        struct workload_cursor cursor = {.workload = workload};
        assert_true(workload->type->start(&cursor));
        const struct access *block;
        for (uint32_t count; (count = workload->type->next(&cursor, &block));) {
            *walked += count;
            walked_hash = XXH3_64bits_withSeed(block, count * sizeof(*block), walked_hash);
        }
        const char *failure = workload->type->failure(&cursor);
        snprintf(text, sizeof(text), "%s", failure ? failure : "");
        if (!failure)
            assert_int_equal(*walked, workload->accesses);
        workload->type->stop(&cursor);
        workload->type->close(workload);
    } else {
        assert_int_equal(errors.count, 1);
        snprintf(text, sizeof(text), "%s", diagnostics_text(&errors, 0));
    }
    diagnostics_release(&errors);
    assert_null(strchr(text, '\n'));
    return text;
}

static void expect(const char *part)
{
    uint64_t walked;
    const char *text = outcome(&walked);
    if (!strstr(text, part) || !strstr(text, path))
        fail_msg("got \"%s\", not \"%s\"", text, part);
}

/* ---- round trips ----------------------------------------------------------------- */

static void check_records(const struct access *records, uint64_t count, uint32_t spaces)
{
    struct diagnostics errors = {0};
    struct workload *workload = trace_workload_open(path, NULL, &errors);
    diagnostics_print(&errors);
    assert_non_null(workload);
    assert_int_equal(workload->accesses, count);
    assert_int_equal(workload->spaces, spaces);
    assert_int_equal(strlen(workload->fingerprint), 32);
    struct workload_cursor cursor = {.workload = workload};
    workload->type->start(&cursor);
    const struct access *block;
    uint64_t done = 0;
    for (uint32_t got; (got = workload->type->next(&cursor, &block)); done += got)
        assert_memory_equal(block, records + done, got * sizeof(*block));
    assert_int_equal(done, count);
    assert_null(workload->type->failure(&cursor));
    workload->type->stop(&cursor);
    workload->type->close(workload);
}

static void test_round_trip_version_1(void **state)
{
    (void)state;
    struct access *records = random_records(RECORDS, 8, UINT32_MAX);
    write_trace(1, records, RECORDS);
    check_records(records, RECORDS, 8);
    free(records);
}

static void test_round_trip_version_2(void **state)
{
    (void)state;
    static const uint32_t spaces[] = {1, 9, WORKLOAD_SPACES_AT_MOST};
    for (size_t i = 0; i < 3; i++) {
        struct access *records = random_records(RECORDS, spaces[i], UINT32_MAX);
        records[0].space = (uint16_t)(spaces[i] - 1);
        write_trace(2, records, RECORDS);
        check_records(records, RECORDS, spaces[i]);
        free(records);
    }
}

static void test_round_trip_compressed(void **state)
{
    (void)state;
    struct access *records = random_records(30000, 3, 50);
    write_trace(1, records, 30000);
    struct image plain = load(), packed = {.size = ZSTD_compressBound(plain.size)};
    packed.bytes = memory_zeroed(packed.size, 1, "a file");
    packed.size = ZSTD_compress(packed.bytes, packed.size, plain.bytes, plain.size, 1);
    save(packed);
    check_records(records, 30000, 3);
    uint64_t walked;
    for (size_t size = 4; size < packed.size; size += size < 64 ? 1 : 977) {
        save((struct image){packed.bytes, size});
        assert_non_null(strstr(outcome(&walked), "byte "));
    }
    /* One record less than the header says. */
    packed.size =
        ZSTD_compress(packed.bytes, ZSTD_compressBound(plain.size), plain.bytes, plain.size - 8, 1);
    save(packed);
    expect("byte 16: the header says 30000 records, the decompressed trace holds fewer");
    free(records), free(plain.bytes), free(packed.bytes);
}

static void test_regions_and_note(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    struct native_writer *writer = native_writer_open(path, 2, 3, &errors);
    struct access record = {.page = 4, .op = ACCESS_WRITE};
    native_writer_put(writer, &record, 1);
    native_writer_note(writer, "a note");
    native_writer_region(writer, &(struct native_region){0, 2, 3, NATIVE_REGION_HEAP, "heap"});
    native_writer_region(writer, &(struct native_region){1, 0, 7, NATIVE_REGION_FILE, ""});
    assert_true(native_writer_finish(writer, &errors));
    struct native_trace *trace = native_open(path, NULL, &errors);
    diagnostics_print(&errors);
    assert_non_null(trace);
    assert_string_equal(trace->note, "a note");
    assert_int_equal(trace->regions, 2);
    assert_string_equal(trace->region[0].name, "heap");
    assert_int_equal(trace->region[0].kind, NATIVE_REGION_HEAP);
    assert_int_equal(trace->region[1].pages, 7);
    assert_int_equal(trace->spaces, 2);
    assert_int_equal(trace->limits[0], 5);
    assert_int_equal(trace->limits[1], 7);
    native_close(trace);
}

/* A task change every record, over the border of a block; names and sample. */
static void write_tasks(uint32_t count)
{
    struct diagnostics errors = {0};
    struct native_writer *writer = native_writer_open(path, 2, 3, &errors);
    struct native_task task = {.space = 0, .process = 70, .thread = 1, .name = "sort"};
    task.parent = NATIVE_NONE;
    assert_int_equal(native_writer_task(writer, &task), 0);
    task = (struct native_task){.space = NATIVE_NONE, .process = 71, .thread = 2, .name = "cat"};
    assert_int_equal(native_writer_task(writer, &task), 1);
    for (uint32_t i = 0; i < count; i++) {
        native_writer_switch(writer, i % 3 != 0);
        native_writer_put(writer, &(struct access){.page = i, .space = (uint16_t)(i % 2)}, 1);
    }
    native_writer_task_space(writer, 1, 1);
    native_writer_space_name(writer, 1, "shared");
    native_writer_sample(writer, 8);
    assert_true(native_writer_finish(writer, &errors));
}

static void test_tasks(void **state)
{
    (void)state;
    write_tasks(RECORDS);
    struct diagnostics errors = {0};
    struct workload *workload = trace_workload_open(path, NULL, &errors);
    assert_non_null(workload);
    const struct native_trace *trace = trace_workload_native(workload);
    assert_int_equal(trace->tasks, 2);
    assert_int_equal(trace->sample, 8);
    assert_string_equal(trace->space_names[0], "");
    assert_string_equal(trace->space_names[1], "shared");
    assert_int_equal(trace->task[0].process, 70);
    assert_int_equal(trace->task[0].parent, NATIVE_NONE);
    assert_int_equal(trace->task[0].records, (RECORDS + 2) / 3);
    assert_string_equal(trace->task[1].name, "cat");
    assert_int_equal(trace->task[1].thread, 2);
    assert_int_equal(trace->task[1].parent, 0);
    assert_int_equal(trace->task[1].space, 1);
    struct workload_cursor cursor = {.workload = workload};
    assert_true(workload->type->start(&cursor));
    const struct access *block;
    uint32_t done = 0;
    for (uint32_t got; (got = workload->type->next(&cursor, &block));)
        for (uint32_t i = 0; i < got; i++, done++) {
            assert_int_equal(block[i].page, done);
            assert_int_equal(trace_cursor_tasks(&cursor)[i], done % 3 != 0);
        }
    assert_int_equal(done, RECORDS);
    workload->type->stop(&cursor);
    workload->type->close(workload);
}

/* ---- version 1, damaged --------------------------------------------------------------- */

static void test_plain_cut_at_every_byte(void **state)
{
    (void)state;
    struct image image = small_plain();
    uint64_t walked;
    assert_int_equal(image.size, 80);
    assert_string_equal(outcome(&walked), "");
    assert_int_equal(walked, 3);
    for (size_t size = 0; size < image.size; size++) {
        save((struct image){image.bytes, size});
        const char *text = outcome(&walked);
        char wanted[32];
        /* Whole records missing: the count is wrong.  Else the cut itself. */
        size_t offset = size < 56 ? size : size % 8 ? size / 8 * 8 : 16;
        snprintf(wanted, sizeof(wanted), ": byte %zu: ", offset);
        if (!strstr(text, wanted))
            fail_msg("cut at %zu: \"%s\"", size, text);
    }
    free(image.bytes);
}

static void damage(struct image image, size_t offset, unsigned char value, const char *part)
{
    unsigned char before = image.bytes[offset];
    image.bytes[offset] = value;
    save(image);
    expect(part);
    image.bytes[offset] = before;
}

static void test_plain_damaged(void **state)
{
    (void)state;
    struct image image = small_plain();
    damage(image, 0, 'X', "byte 0: not a native trace");
    damage(image, 8, 3, "byte 8: version 3; expected 1 or 2");
    damage(image, 12, 0, "byte 12: 0 cgroups; expected 1..8");
    damage(image, 12, 9, "byte 12: 9 cgroups; expected 1..8");
    damage(image, 16, 4, "byte 16: the header says 4 records, the file holds 3");
    damage(image, 23, 0x80, "byte 16: the header says");
    damage(image, 32, 1, "byte 32: 1 pages for cgroup 2");
    damage(image, 56, 10, "byte 56: record of page 10 in cgroup 0; expected a page below 10");
    damage(image, 68, 2, "byte 64: record of cgroup 2; expected 0..1");
    damage(image, 78, 3, "byte 72: record with op 3; expected 0 read, 1 write or 2 free");
    damage(image, 71, 1, "byte 64: record whose last byte is 1; expected 0");
    free(image.bytes);
    save((struct image){(unsigned char *)(uintptr_t) "", 0});
    expect("byte 0: the file ends inside the header");
}

/* Records are checked in pairs, and against the smallest space first: whatever stands
 * in whichever byte of whichever record, the outcome is what the record by itself says. */
static void test_plain_every_byte(void **state)
{
    (void)state;
    enum { COUNT = 7 };
    static const unsigned char values[] = {0, 1, 2, 3, 4, 9, 10, 0x7f, 0x80, 0xff};
    static const struct access records[COUNT] = {{9, 0, 1, 0}, {3, 1, 0, 0}, {9, 0, 2, 0},
                                                 {0, 2, 0, 0}, {3, 1, 2, 0}, {8, 0, 0, 0},
                                                 {2, 1, 1, 0}};
    static const uint32_t limits[] = {10, 4, 1};
    uint64_t walked;
    write_trace(1, records, COUNT);
    struct image image = load();
    for (size_t offset = 56; offset < image.size; offset++)
        for (size_t i = 0; i < sizeof(values); i++) {
            unsigned char before = image.bytes[offset];
            image.bytes[offset] = values[i];
            save(image);
            size_t begin = 56 + (offset - 56) / 8 * 8;
            struct access record;
            memcpy(&record, image.bytes + begin, sizeof(record));
            bool good = record.space < 3 && record.page < limits[record.space] && record.op <= 2 &&
                        record.reserved == 0;
            char wanted[48] = "";
            if (!good)
                snprintf(wanted, sizeof(wanted), ": byte %zu: record ", begin);
            const char *text = outcome(&walked);
            if (good ? text[0] != '\0' : !strstr(text, wanted))
                fail_msg("byte %zu is %u: \"%s\"", offset, values[i], text);
            image.bytes[offset] = before;
        }
    free(image.bytes);
}

/* The blocks before the bad record are handed out, the failure names it. */
static void test_bad_record_in_the_middle(void **state)
{
    (void)state;
    struct access *records = random_records(20000, 1, 100);
    write_trace(1, records, 20000);
    struct image image = load();
    size_t offset = 56 + 8 * 10001;
    image.bytes[offset] = 200;
    save(image);
    uint64_t walked;
    const char *text = outcome(&walked);
    assert_non_null(strstr(text, "byte 80064: record of page 200 in cgroup 0"));
    assert_int_equal(walked, 10001 / NATIVE_BLOCK_RECORDS * NATIVE_BLOCK_RECORDS);
    free(records), free(image.bytes);
}

static void test_missing_file_and_directory(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    struct source_position position = {.file = "a.json", .line = 3, .column = 7};
    assert_null(trace_workload_open("/proc/nonexistent/x.kzt", &position, &errors));
    assert_null(trace_workload_open("/tmp", &position, &errors));
    assert_string_equal(
        diagnostics_text(&errors, 0),
        "a.json:3:7: error: cannot open the trace \"/proc/nonexistent/x.kzt\": No such "
        "file or directory");
    assert_string_equal(
        diagnostics_text(&errors, 1),
        "a.json:3:7: error: cannot open the trace \"/tmp\": expected a file, found a directory");
    diagnostics_release(&errors);
}

/* ---- version 2, damaged ------------------------------------------------------------------ */

static void put(unsigned char *at, uint64_t value, size_t bytes)
{
    memcpy(at, &value, bytes);
}

/* Makes the checksum of header and tables right again, for a liar who can count. */
static void seal(struct image image)
{
    uint64_t offset;
    memcpy(&offset, image.bytes + 32, 8);
    XXH3_state_t *hash = XXH3_createState();
    XXH3_64bits_reset(hash);
    XXH3_64bits_update(hash, image.bytes, 64);
    if (offset <= image.size)
        XXH3_64bits_update(hash, image.bytes + offset, image.size - offset);
    put(image.bytes + 64, XXH3_64bits_digest(hash), 8);
    XXH3_freeState(hash);
    save(image);
}

static struct image small_blocks(void)
{
    struct access *records = random_records(2000, 2, 1000);
    write_trace(2, records, 2000);
    free(records);
    return load();
}

static void test_blocks_cut_and_flipped_everywhere(void **state)
{
    (void)state;
    struct image image = small_blocks();
    uint64_t walked;
    assert_string_equal(outcome(&walked), "");
    uint64_t hash = walked_hash;
    for (size_t size = 0; size < image.size; size += size < 100 ? 1 : 13) {
        save((struct image){image.bytes, size});
        assert_non_null(strstr(outcome(&walked), ": byte "));
    }
    for (size_t at = 0; at < image.size; at += at < 100 || at + 100 > image.size ? 1 : 7) {
        image.bytes[at] ^= 0x10;
        save(image);
        /* zstd leaves a few bits unused: then the records are the same. */
        if (!strstr(outcome(&walked), ": byte ") && walked_hash != hash)
            fail_msg("byte %zu changed without notice", at);
        image.bytes[at] ^= 0x10;
    }
    free(image.bytes);
}

static void lie(struct image image, size_t offset, uint64_t value, size_t bytes, const char *part)
{
    uint64_t before = 0;
    memcpy(&before, image.bytes + offset, bytes);
    put(image.bytes + offset, value, bytes);
    seal(image);
    expect(part);
    put(image.bytes + offset, before, bytes);
}

static void test_blocks_that_lie(void **state)
{
    (void)state;
    struct image image = small_blocks();
    uint64_t tables;
    memcpy(&tables, image.bytes + 32, 8);
    size_t row = tables + 2 * NATIVE2_SPACE_ROW_BYTES;
    lie(image, 12, 65536, 4, "byte 12: 65536 spaces; expected 1..65535");
    lie(image, 12, 60000, 4, "the file ends inside the tables");
    lie(image, 24, 1 << 21, 4, "byte 24: 2097152 records a block; expected 1..1048576");
    lie(image, 24, 0, 4, "byte 24: 0 records a block");
    lie(image, 28, 2, 4, "byte 28: 2 blocks do not fit 2000 records");
    lie(image, 16, UINT64_MAX, 8, "byte 28: ");
    lie(image, 32, UINT64_MAX - 3, 8, "byte 32: tables of");
    lie(image, 48, UINT32_MAX, 4, "the file ends inside the tables");
    lie(image, 52, 1, 4, "byte 52: a note of 1 bytes");
    lie(image, 56, 1, 4, "the file ends inside the tables");
    lie(image, 56, 65536, 4, "byte 56: 65536 tasks; expected 0..65535");
    lie(image, row + 4, 1u << 31, 4, "a block's encoded size must be 1..8 bytes a record");
    lie(image, row, 1u << 31, 4, "a block reaches into the tables");
    lie(image, row, 5, 4, "byte 32: the tables begin at byte");
    lie(image, tables + 4, 9, 2, "the name of a space reaches past the end");
    lie(image, tables, 3, 4, "not a record of a page and space that the trace has");
    lie(image, row + 8, 1, 8, "byte 72: the checksum of block 0 does not match");
    free(image.bytes);
}

static void test_tasks_that_lie(void **state)
{
    (void)state;
    write_tasks(1000);
    struct image image = load();
    uint64_t tables, walked;
    assert_string_equal(outcome(&walked), "");
    memcpy(&tables, image.bytes + 32, 8);
    size_t row = tables + 2 * NATIVE2_SPACE_ROW_BYTES + NATIVE2_BLOCK_ROW_BYTES;
    lie(image, row, 2, 4, "a task of a space, a parent or records that there are not");
    lie(image, row + 12, 2, 4, "a task of a space, a parent or records that there are not");
    lie(image, row + 16, 1001, 8, "a task of a space, a parent or records that there are not");
    lie(image, row + 24, 999, 2, "the name of a task reaches past the end");
    lie(image, row + 31, 1, 1, "a task's last six bytes must be 0");
    free(image.bytes);
}

/* A frame that decompresses to far more than the index says is refused without
 * making room for it. */
static void test_bomb(void **state)
{
    (void)state;
    size_t huge = 64 << 20;
    unsigned char *zeros = memory_zeroed(huge, 1, "zeros");
    unsigned char frame[1 << 16];
    size_t frame_bytes = ZSTD_compress(frame, sizeof(frame), zeros, huge, 3);
    free(zeros);
    assert_false(ZSTD_isError(frame_bytes));
    struct image image = {.size = 72 + frame_bytes + 8 + 16};
    image.bytes = memory_zeroed(image.size, 1, "a file");
    memcpy(image.bytes, "KZTRACE1", 8);
    put(image.bytes + 8, 2, 4);
    put(image.bytes + 12, 1, 4);
    put(image.bytes + 16, 1000, 8);
    put(image.bytes + 24, 1000, 4);
    put(image.bytes + 28, 1, 4);
    put(image.bytes + 32, 72 + frame_bytes, 8);
    put(image.bytes + 40, 24, 8);
    memcpy(image.bytes + 72, frame, frame_bytes);
    unsigned char *tables = image.bytes + 72 + frame_bytes;
    put(tables, 1, 4);
    put(tables + 8, frame_bytes, 4);
    put(tables + 12, 8000, 4);
    seal(image);
    expect("byte 72: block 0 cannot be decompressed");
    memset(image.bytes + 72, 0x5a, frame_bytes);
    seal(image);
    expect("byte 72: block 0 cannot be decompressed");
    free(image.bytes);
}

/* ---- the writer ------------------------------------------------------------------------------ */

static void test_writer_refuses(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    assert_null(native_writer_open("/proc/nonexistent/x.kzt", 1, 3, &errors));
    assert_null(native_writer_open("/dev/null", 1, 3, &errors));
    assert_non_null(strstr(diagnostics_text(&errors, 1), "not a regular file"));
    struct native_writer *writer = native_writer_open(path, 1, 3, &errors);
    native_writer_put(writer, &(struct access){.space = 8}, 1);
    assert_false(native_writer_finish(writer, &errors));
    assert_non_null(strstr(diagnostics_text(&errors, 2), "9 spaces, but version 1 has room for 8"));
    diagnostics_release(&errors);
}

/* Walk a trace to its end and do something to its file meanwhile; what is said then. */
static const char *said_after(void (*change)(void))
{
    static char text[NATIVE_FAILURE_BYTES];
    struct diagnostics errors = {0};
    struct image image = small_plain();
    struct native_trace *trace = native_open(path, NULL, &errors);
    struct native_walk walk;
    const struct access *block;
    assert_non_null(trace);
    assert_true(native_walk_start(&walk, trace));
    assert_int_equal(native_walk_next(&walk, &block), 3);
    change();
    assert_int_equal(native_walk_next(&walk, &block), 0);
    snprintf(text, sizeof(text), "%s", walk.failure);
    native_walk_stop(&walk);
    native_close(trace);
    free(image.bytes);
    return text;
}

static void leave(void)
{
}

/* As long as before, written a second later. */
static void write_again(void)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    struct timespec times[2] = {about.st_atim, about.st_mtim};
    times[1].tv_sec++;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void replace(void)
{
    struct image image = load();
    assert_int_equal(unlink(path), 0);
    save(image);
    free(image.bytes);
    write_again();
}

static void drop(void)
{
    assert_int_equal(unlink(path), 0);
}

static void test_a_file_that_is_written_to_meanwhile(void **state)
{
    (void)state;
    char expected[128];
    snprintf(expected, sizeof(expected), "%s: it was written to while it was read", path);
    assert_string_equal(said_after(leave), "");
    assert_string_equal(said_after(write_again), expected);
    assert_string_equal(said_after(replace), "");
    assert_string_equal(said_after(drop), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_version_1),
        cmocka_unit_test(test_round_trip_version_2),
        cmocka_unit_test(test_round_trip_compressed),
        cmocka_unit_test(test_regions_and_note),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_tasks_that_lie),
        cmocka_unit_test(test_plain_cut_at_every_byte),
        cmocka_unit_test(test_plain_damaged),
        cmocka_unit_test(test_plain_every_byte),
        cmocka_unit_test(test_bad_record_in_the_middle),
        cmocka_unit_test(test_missing_file_and_directory),
        cmocka_unit_test(test_blocks_cut_and_flipped_everywhere),
        cmocka_unit_test(test_blocks_that_lie),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_a_file_that_is_written_to_meanwhile),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

/* Traces for the cases: made once, kept in the scratch directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/generators/generators.h"
#include "workloads/generators/single.h"
#include "workloads/readers/native_writer.h"
#include "workloads/readers/readers.h"

enum { SEED = 1, PERCENT_WRITES = 30 };

void bench_fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: error: %s: %s\n", what, why);
    exit(1);
}

static struct workload *open_generator(const struct trace_file *trace)
{
    static const struct source_position here = {.file = "bench"};
    struct diagnostics errors = {0};
    struct single_params params = {.footprint = (uint64_t)trace->pages * PAGE_BYTES,
                                   .accesses = trace->accesses,
                                   .write_percent = PERCENT_WRITES,
                                   .fill = true,
                                   .exponent = trace->exponent};
    struct workload *workload = trace->steps
                                    ? steps_workload_open(SEED, trace->steps, &here, &errors)
                                    : workload_zipf.open(&params, SEED, &here, &errors);
    if (!workload) {
        diagnostics_print(&errors);
        exit(1);
    }
    return workload;
}

/* Deal pages out to the spaces in turn. */
static void spread(struct access *to, const struct access *from, uint32_t count, uint32_t spaces)
{
    for (uint32_t i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].space = (uint16_t)(from[i].page % spaces);
        to[i].page = from[i].page / spaces;
    }
}

static void write_trace(const char *path, const struct trace_file *trace)
{
    struct diagnostics errors = {0};
    struct workload *workload = open_generator(trace);
    struct native_writer *writer = native_writer_open(path, trace->spaces > 8 ? 2 : 1, 1, &errors);
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    struct access *spread_block = NULL;
    uint32_t count;
    if (!writer || !workload->type->start(&cursor))
        bench_fail(path, "cannot be written");
    while ((count = workload->type->next(&cursor, &block)) > 0) {
        if (trace->spaces) {
            spread_block = memory_resized(spread_block, count, sizeof(*spread_block), "records");
            spread(spread_block, block, count, trace->spaces);
            block = spread_block;
        }
        native_writer_put(writer, block, count);
    }
    workload->type->stop(&cursor);
    free(spread_block);
    workload->type->close(workload);
    if (!native_writer_finish(writer, &errors)) {
        diagnostics_print(&errors);
        exit(1);
    }
}

const char *trace_path(const struct bench *bench, const struct trace_file *trace)
{
    char *path = NULL;
    struct stat status;
    if (asprintf(&path, "%s/%s-%" PRIu32 "-%" PRIu64 ".kzt", bench->scratch, trace->name,
                 trace->pages, trace->accesses) < 0)
        abort();
    if (trace != &user_trace && stat(path, &status) != 0) {
        fprintf(stderr, "bench: makes %s\n", path);
        write_trace(path, trace);
    }
    return path;
}

/* Pages of all spaces in one row; the records in one space. */
static void flatten(struct native_writer *writer, const struct workload *workload)
{
    uint32_t *first = memory_zeroed(workload->spaces, sizeof(*first), "spaces"), pages = 0;
    for (uint32_t s = 0; s < workload->spaces; s++) {
        first[s] = pages;
        pages += workload->space_pages[s];
    }
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    struct access records[NATIVE_BLOCK_RECORDS];
    uint32_t count;
    if (!workload->type->start(&cursor))
        bench_fail("the trace", "cannot be read");
    while ((count = workload->type->next(&cursor, &block)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            records[i] = block[i];
            records[i].page += first[block[i].space];
            records[i].space = 0;
        }
        native_writer_put(writer, records, count);
    }
    workload->type->stop(&cursor);
    free(first);
    user_trace.pages = pages;
    user_trace.accesses = native_writer_records(writer);
}

void trace_take_over(const struct bench *bench)
{
    static const struct source_position here = {.file = "bench"};
    struct diagnostics errors = {0};
    char *making = NULL;
    if (asprintf(&making, "%s/user.kzt", bench->scratch) < 0)
        abort();
    struct workload *workload = trace_workload_open(bench->trace, &here, &errors);
    struct native_writer *writer =
        workload ? native_writer_open(making, 1, NATIVE_WRITER_LEVEL, &errors) : NULL;
    if (writer)
        flatten(writer, workload);
    if (!writer || !native_writer_finish(writer, &errors)) {
        diagnostics_print(&errors);
        exit(1);
    }
    if (rename(making, trace_path(bench, &user_trace)) != 0)
        bench_fail(making, strerror(errno));
    workload->type->close(workload);
    free(making);
}

const struct access *trace_map(const struct bench *bench, const struct trace_file *trace,
                               uint64_t *records)
{
    const char *path = trace_path(bench, trace);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0)
        bench_fail(path, strerror(errno));
    size_t size = (size_t)status.st_size;
    unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED || size < NATIVE1_HEADER_BYTES || memcmp(bytes, NATIVE_MAGIC, 8) != 0 ||
        native_get32(bytes + 8) != 1)
        bench_fail(path, "not a native trace of version 1");
    *records = (size - NATIVE1_HEADER_BYTES) / sizeof(struct access);
    return (const struct access *)(const void *)(bytes + NATIVE1_HEADER_BYTES);
}

void trace_unmap(const struct access *records, uint64_t count)
{
    munmap((char *)(uintptr_t)records - NATIVE1_HEADER_BYTES,
           NATIVE1_HEADER_BYTES + count * sizeof(*records));
}

uint64_t trace_walk(const struct workload *workload, uint64_t *sum)
{
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    uint32_t count;
    if (!workload->type->start(&cursor))
        bench_fail("a workload", "cannot be started");
    while ((count = workload->type->next(&cursor, &block)) > 0)
        *sum += block[count - 1].page;
    uint64_t records = cursor.position;
    workload->type->stop(&cursor);
    return records;
}

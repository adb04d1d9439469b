/* Trace readers and generators. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/bench.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/generators/generators.h"
#include "workloads/generators/single.h"
#include "workloads/readers/readers.h"

static const struct source_position here = {.file = "bench"};

enum { RECORDS_AT_LEAST = 20000000 };

static struct workload *open_or_fail(const struct workload_type *type, const void *params)
{
    static struct diagnostics errors; /* only looked at before the process ends */
    struct workload *workload = type->open(params, 1, &here, &errors);
    if (!workload) {
        diagnostics_print(&errors);
        exit(1);
    }
    return workload;
}

/* Millions of records a second; short traces are walked several times. */
static double walk_rate(const struct workload *workload)
{
    uint64_t records = 0, sum = 0;
    double begin = clock_thread_ns();
    do
        records += trace_walk(workload, &sum);
    while (records < RECORDS_AT_LEAST);
    double ns = clock_thread_ns() - begin;
    if (sum == UINT64_MAX)
        bench_fail("a workload", "it cannot be");
    return (double)records / ns * 1e3;
}

/* ---- readers -------------------------------------------------------------------- */

static double take_trace(const struct bench *bench, struct measure *self)
{
    const char *path = self->subject ? self->subject : trace_path(bench, self->trace);
    struct diagnostics errors = {0};
    struct workload *workload = trace_workload_open(path, &here, &errors);
    if (!workload) {
        diagnostics_print(&errors);
        exit(1);
    }
    double rate = walk_rate(workload);
    workload->type->close(workload);
    return rate;
}

static double take_trace_bytes(const struct bench *bench, struct measure *self)
{
    struct diagnostics errors = {0};
    struct stat status;
    struct workload *workload = trace_workload_open(self->subject, &here, &errors);
    (void)bench;
    if (!workload || stat(self->subject, &status) != 0)
        bench_fail(self->subject, "cannot be read");
    double bytes = (double)status.st_size / (double)workload->accesses;
    workload->type->close(workload);
    return bytes;
}

/* What valgrind's lackey prints of a small sort; NULL without valgrind. */
static char *lackey_file(const struct bench *bench)
{
    char *path = NULL, *command = NULL;
    struct stat status;
    if (asprintf(&path, "%s/sort.lackey", bench->scratch) < 0 ||
        asprintf(&command,
                 "valgrind --tool=lackey --trace-mem=yes --log-file='%s.tmp' sort -o /dev/null "
                 "sim/run/*.c >/dev/null 2>&1 && mv '%s.tmp' '%s'",
                 path, path, path) < 0)
        abort();
    /* NOLINTNEXTLINE(cert-env33-c): a pipeline of its own, on a path of its own */
    if (stat(path, &status) != 0 && system(command) != 0) {
        fprintf(stderr, "bench: no lackey text: valgrind did not run\n");
        free(path);
        path = NULL;
    }
    free(command);
    return path;
}

/* Millions of bytes a second. */
static double take_lackey(const struct bench *bench, struct measure *self)
{
    char *path = lackey_file(bench);
    (void)self;
    if (!path)
        return NAN;
    char *params = memory_zeroed(1, workload_lackey.params.struct_bytes, "parameters");
    struct stat status;
    params_set_defaults(&workload_lackey.params, params);
    for (size_t i = 0; i < workload_lackey.params.count; i++)
        if (strcmp(workload_lackey.params.rows[i].name, "file") == 0)
            memcpy(params + workload_lackey.params.rows[i].offset, &path, sizeof(path));
    if (stat(path, &status) != 0)
        bench_fail(path, "cannot be read");
    double begin = clock_thread_ns();
    struct workload *workload = open_or_fail(&workload_lackey, params);
    double ns = clock_thread_ns() - begin;
    workload->type->close(workload);
    free(params);
    free(path);
    return (double)status.st_size / ns * 1e3;
}

/* ---- generators ----------------------------------------------------------------- */

static double take_generator(const struct bench *bench, struct measure *self)
{
    struct single_params params = {.footprint = (uint64_t)4 << 32, /* 4 M pages */
                                   .accesses = RECORDS_AT_LEAST,
                                   .write_percent = 30,
                                   .exponent = 0.9,
                                   .hot = (uint64_t)1 << 32,
                                   .hot_percent = 90};
    (void)bench;
    struct workload *workload = open_or_fail(self->subject, &params);
    double rate = walk_rate(workload);
    workload->type->close(workload);
    return rate;
}

#define GENERATOR(NAME, TYPE)                                                                      \
    {                                                                                              \
        .name = (NAME), .what = "generator over 4 M pages, 30 % writes", .unit = "M accesses/s",   \
        .take = take_generator, .subject = &(TYPE)                                                 \
    }
#define SHIPPED(NAME, PATH)                                                                        \
    {.name = NAME " speed",                                                                        \
     .what = "block-compressed trace " NAME,                                                       \
     .unit = "M accesses/s",                                                                       \
     .take = take_trace,                                                                           \
     .subject = (PATH)},                                                                           \
    {                                                                                              \
        .name = NAME " size", .what = "block-compressed trace " NAME, .unit = "bytes/access",      \
        .take = take_trace_bytes, .subject = (PATH), .rounds = 1                                   \
    }

static const struct trace_file plain_trace = {
    .name = "zipf09", .exponent = 0.9, .pages = 1 << 20, .fill = 1 << 20, .accesses = 79000000};

struct measure input_measures[] = {
    {.name = "native trace",
     .what = "80 M records from the page cache, each one checked",
     .unit = "M accesses/s",
     .take = take_trace,
     .trace = &plain_trace},
    SHIPPED("sqlite-index", "workloads/traces/sqlite-index.kzt"),
    SHIPPED("sort-lines", "workloads/traces/sort-lines.kzt"),
    {.name = "lackey text",
     .what = "valgrind's text of a small sort, 50 MB",
     .unit = "MB/s",
     .take = take_lackey},
    GENERATOR("sequential", workload_sequential),
    GENERATOR("uniform", workload_uniform),
    GENERATOR("permutation", workload_permutation),
    GENERATOR("zipf", workload_zipf),
    GENERATOR("scattered_zipf", workload_scattered_zipf),
    GENERATOR("hot_cold", workload_hot_cold),
    {.name = NULL},
};

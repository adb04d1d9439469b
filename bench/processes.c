/* What is measured on whole processes: sweeps, and starting with page contents
 * that were compressed before. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

struct process_case {
    const char *config; /* the JSON document */
    const char *seeds, *jobs;
    const char *beside; /* seeds of a second process at the same time; NULL: none */
    const char *cache;  /* "cold": an empty cache of compressed lengths; "warm"; NULL: none */
};

/* Start a `zsim run`; its output is thrown away. */
static pid_t start_zsim(const struct bench *bench, const char *config, const char *seeds,
                        const char *jobs)
{
    char *results = NULL;
    if (asprintf(&results, "%s/results-%s", bench->scratch, seeds) < 0)
        abort();
    char *arguments[] = {
        (char *)(uintptr_t)bench->zsim, "run", (char *)(uintptr_t)config, "-o", results, "--seeds",
        (char *)(uintptr_t)seeds,       "-j",  (char *)(uintptr_t)jobs,   NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawn(&child, bench->zsim, &actions, NULL, arguments, environ);
    if (error)
        bench_fail(bench->zsim, strerror(error));
    posix_spawn_file_actions_destroy(&actions);
    free(results);
    return child;
}

static void wait_for_zsim(const struct bench *bench, pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        bench_fail(bench->zsim, "a run of the bench failed");
}

/* Wall time in ns of one `zsim run`, or of two at the same time. */
static double run_zsim(const struct bench *bench, const char *config, const char *seeds,
                       const char *beside, const char *jobs)
{
    double begin = clock_wall_ns();
    pid_t child = start_zsim(bench, config, seeds, jobs);
    if (beside)
        wait_for_zsim(bench, start_zsim(bench, config, beside, jobs));
    wait_for_zsim(bench, child);
    return clock_wall_ns() - begin;
}

static char *write_config(const struct bench *bench, const struct measure *self)
{
    const struct process_case *of = self->subject;
    char *path = NULL;
    if (asprintf(&path, "%s/process.json", bench->scratch) < 0)
        abort();
    FILE *file = fopen(path, "we");
    if (!file || fputs(of->config, file) < 0 || fclose(file) != 0)
        bench_fail(path, "cannot be written");
    return path;
}

/* The cache of this case: its own directory; "cold" empties it first. */
static void prepare_cache(const struct bench *bench, const struct process_case *of)
{
    char *path = NULL, *command = NULL;
    if (asprintf(&path, "%s/cache", bench->scratch) < 0)
        abort();
    setenv("ZSIM_CACHE", of->cache ? path : "", 1);
    if (of->cache && strcmp(of->cache, "cold") == 0) {
        /* NOLINTNEXTLINE(cert-env33-c): on a path of its own */
        if (asprintf(&command, "rm -rf -- '%s'", path) < 0 || system(command) != 0)
            bench_fail(path, "cannot be removed");
    }
    free(command);
    free(path);
}

/* ms of a whole process: the least of three, unless it finds the cache otherwise the second time.
 * The clock on the wall has what others did in it, which only adds, and twice as much of it where
 * both processors are needed. */
static double take_process(const struct bench *bench, struct measure *self)
{
    enum { TIMES = 3 };
    const struct process_case *of = self->subject;
    char *path = write_config(bench, self);
    double least = DBL_MAX;
    for (int i = 0; i < (of->cache ? 1 : TIMES); i++) {
        prepare_cache(bench, of);
        least = fmin(least, run_zsim(bench, path, of->seeds, of->beside, of->jobs));
    }
    free(path);
    return least / 1e6;
}

/* ms that one more tiny run adds. */
static double take_overhead(const struct bench *bench, struct measure *self)
{
    enum { MORE = 400 };
    const struct process_case *of = self->subject;
    char *path = write_config(bench, self);
    prepare_cache(bench, of);
    double one = run_zsim(bench, path, "1", NULL, of->jobs);
    double many = run_zsim(bench, path, of->seeds, NULL, of->jobs);
    free(path);
    return (many - one) / MORE / 1e6;
}

/* Version 1: the pool takes nothing from the cgroup, so that nobody is killed. */
#define KERNEL "\"kernel\": \"v6.18\", \"vm\": {\"page_cluster\": 0, \"cgroup_version\": \"v1\"}, "
#define TASK(footprint, accesses, content)                                                         \
    "\"tasks\": [{\"name\": \"task\", \"cgroup\": \"/job\", \"workload\": {\"type\": \"zipf\", "   \
    "\"footprint\": \"" footprint "\", \"accesses\": " accesses ", \"exponent\": 0.9}, "           \
    "\"content\": " content "}]"
#define UNIFORM "{\"type\": \"uniform\"}"
#define SWEEP                                                                                      \
    "{" KERNEL                                                                                     \
    "\"cgroups\": {\"/job\": {\"memory.max\": \"16M\"}}, " TASK("64M", "500000", UNIFORM) "}"
#define TINY                                                                                       \
    "{" KERNEL "\"cgroups\": {\"/job\": {\"memory.max\": \"1M\"}}, " TASK("2M", "100", UNIFORM) "}"
/* Nearly every page is stored once, so nearly every length is asked for. */
#define CONTENTS                                                                                   \
    "{" KERNEL "\"zswap\": {\"compressor\": \"zstd\"}, \"cgroups\": {\"/job\": "                   \
    "{\"memory.max\": \"32M\"}}, " TASK(                                                           \
        "160M", "0", "{\"type\": \"rule\", \"classes\": \"100:mixed:256:3072\"}") "}"

#define PROCESS(NAME, WHAT, ...)                                                                   \
    {                                                                                              \
        .name = NAME, .what = WHAT, .unit = "ms", .take = take_process,                            \
        .subject = &(const struct process_case)                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

struct measure process_measures[] = {
    PROCESS("sweep -j1", "32 runs of 0.5 M accesses, a whole process", .config = SWEEP,
            .seeds = "1..32", .jobs = "1"),
    PROCESS("sweep -j2", "the same on two threads", .config = SWEEP, .seeds = "1..32", .jobs = "2"),
    PROCESS("sweep apart", "the same in two processes of 16 runs each", .config = SWEEP,
            .seeds = "1..16", .beside = "17..32", .jobs = "1"),
    {.name = "tiny run",
     .what = "what a run of 600 accesses adds to a sweep",
     .unit = "ms",
     .take = take_overhead,
     .subject = &(const struct process_case){.config = TINY, .seeds = "1..401", .jobs = "1"}},
    PROCESS("content cold", "a process that stores 40,000 pages, nothing known of them",
            .config = CONTENTS, .seeds = "1", .jobs = "1", .cache = "cold"),
    PROCESS("content warm", "the same once more", .config = CONTENTS, .seeds = "1", .jobs = "1",
            .cache = "warm"),
    {.name = NULL},
};

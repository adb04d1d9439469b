/* The cases: configs that are run as `zsim run` runs them, sim_run() timed alone. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "bench/bench.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/experiment/experiment.h"
#include "sim/sim.h"

/* ---- configs -------------------------------------------------------------------- */

/* Page contents like those of a real program, at the price of a look-up. */
#define CONTENT                                                                                    \
    "\"content\": {\"type\": \"profile\", \"file\": "                                              \
    "\"workloads/traces/sqlite-index.content.json\"}"
/* A trace named by the case. */
#define TRACE "\"workload\": {\"type\": \"trace\", \"file\": \"@TRACE\"}"
#define KERNEL "\"kernel\": \"v6.18\", \"vm\": {\"page_cluster\": 0}, "
#define MACHINE(cpus, memory)                                                                      \
    "\"machine\": {\"cpus\": " #cpus ", \"nodes\": [{\"memory\": \"" memory "\"}]}, "
#define LARGE_POOL "\"zswap\": {\"max_pool_percent\": 100}, "
#define LARGE_DISK "\"swap\": {\"devices\": [{\"name\": \"disk\", \"size\": \"1T\"}]}, "
/* All tasks in one cgroup.  Version 1 does not charge it for compressed pages, so
 * that the pool takes nothing from the quarter of the pages that it may hold. */
#define LIMIT(memory) "\"cgroups\": {\"/job\": {\"memory.max\": \"" memory "\"}}, "
#define VERSION_1                                                                                  \
    "\"kernel\": \"v6.18\", \"vm\": {\"page_cluster\": 0, \"cgroup_version\": \"v1\"}, "
#define TASKS(count)                                                                               \
    "\"tasks\": [{\"name\": \"task\", \"count\": " #count ", \"cgroup\": \"/job\", " TRACE         \
    ", " CONTENT "}]"

/* A quarter of `pages` pages in RAM. */
#define QUARTER(cpus, memory, limit, tasks, more)                                                  \
    "{" VERSION_1 MACHINE(cpus, memory)                                                            \
    LARGE_POOL LARGE_DISK LIMIT(limit)                                                             \
    more TASKS(tasks) "}"

static const struct trace_file zipf_100m = {
    .name = "zipf09", .exponent = 0.9, .pages = 4 << 20, .fill = 4 << 20, .accesses = 100000000};
static const struct trace_file zipf_16m = {
    .name = "zipf09", .exponent = 0.9, .pages = 4 << 20, .fill = 4 << 20, .accesses = 12000000};
static const struct trace_file scans_16m = {
    .name = "zipf06-scans",
    .steps = "0:seq:0:4194304:4194304:100 "
             "0:zipf:0:4194304:9000000:30:0.6:64|0:seq:0:4194304:3000000:0:0:512",
    .pages = 4 << 20,
    .fill = 4 << 20,
    .accesses = 12000000};
static const struct trace_file zipf_8m = {
    .name = "zipf09", .exponent = 0.9, .pages = 1 << 20, .fill = 1 << 20, .accesses = 7000000};
static const struct trace_file zipf_3m = {
    .name = "zipf09", .exponent = 0.9, .pages = 1 << 18, .fill = 1 << 18, .accesses = 2750000};
static const struct trace_file zipf_30m = {
    .name = "zipf09", .exponent = 0.9, .pages = 1 << 18, .fill = 1 << 18, .accesses = 29750000};
static const struct trace_file task_of_64 = {
    .name = "zipf09", .exponent = 0.9, .pages = 1 << 16, .fill = 1 << 16, .accesses = 184464};
static const struct trace_file small_task_of_64 = {
    .name = "zipf09", .exponent = 0.9, .pages = 1 << 14, .fill = 1 << 14, .accesses = 108616};
static const struct trace_file task_of_8 = {
    .name = "zipf09", .exponent = 0.9, .pages = 1 << 17, .fill = 1 << 17, .accesses = 868928};
static const struct trace_file spaces_10k = {.name = "zipf09-spaces",
                                             .exponent = 0.9,
                                             .pages = 1000000,
                                             .fill = 1000000,
                                             .accesses = 7000000,
                                             .spaces = 10000};
static const struct trace_file pages_1e5 = {
    .name = "zipf09", .exponent = 0.9, .pages = 100000, .fill = 100000, .accesses = 20000000};
static const struct trace_file pages_1e6 = {
    .name = "zipf09", .exponent = 0.9, .pages = 1000000, .fill = 1000000, .accesses = 20000000};
static const struct trace_file pages_1e7 = {
    .name = "zipf09", .exponent = 0.9, .pages = 10000000, .fill = 10000000, .accesses = 20000000};

struct simulation_case {
    const char *config;
    enum invariant_checks checks;
    bool after_fill;  /* time what comes after the pages' first touches alone, before the end */
    uint32_t cgroups; /* @CGROUPS and @OWNERS: so many, dealt out to the trace's spaces */
    bool limits;      /* each of them may hold a quarter of its pages */
};

/* ---- running -------------------------------------------------------------------- */

/* A stream into memory. */
static FILE *open_text(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);
    if (!out)
        abort();
    return out;
}

/* "\"/c0\": {...}, ..." and "\"/c0\", \"/c1\", ...", one for each space. */
static void list_cgroups(const struct measure *self, char **all, char **owners)
{
    const struct simulation_case *of = self->subject;
    size_t size;
    FILE *out = open_text(all, &size);
    for (uint32_t i = 0; i < of->cgroups; i++) {
        fprintf(out, "%s\"/c%" PRIu32 "\": {", i ? ", " : "", i);
        if (of->limits)
            fprintf(out, "\"memory.max\": %" PRIu64,
                    (uint64_t)(self->trace->pages / 4 / of->cgroups) * PAGE_BYTES);
        putc('}', out);
    }
    fclose(out);
    out = open_text(owners, &size);
    for (uint32_t i = 0; of->cgroups && i < self->trace->spaces; i++)
        fprintf(out, "%s\"/c%" PRIu32 "\"", i ? ", " : "", i % of->cgroups);
    fclose(out);
}

/* The config with its @WORDS replaced.  Free with free(). */
static char *config_text(const struct bench *bench, const struct measure *self)
{
    const struct simulation_case *of = self->subject;
    char *text = NULL, *cgroups, *owners;
    size_t size;
    FILE *out = open_text(&text, &size);
    list_cgroups(self, &cgroups, &owners);
    for (const char *at = of->config; *at;) {
        if (strncmp(at, "@TRACE", 6) == 0) {
            fputs(trace_path(bench, self->trace), out);
            at += 6;
        } else if (strncmp(at, "@CGROUPS", 8) == 0) {
            fputs(cgroups, out);
            at += 8;
        } else if (strncmp(at, "@QUARTER", 8) == 0) {
            fprintf(out, "%" PRIu64, (uint64_t)(self->trace->pages / 4) * PAGE_BYTES);
            at += 8;
        } else if (strncmp(at, "@OWNERS", 7) == 0) {
            fputs(owners, out);
            at += 7;
        } else {
            putc(*at++, out);
        }
    }
    fclose(out);
    free(cgroups);
    free(owners);
    return text;
}

/* What lies between two calls of the progress function: the first one after the pages'
 * first touches, and the last one before the end. */
struct steady_part {
    uint64_t fill;                  /* accesses that touch a page first */
    uint64_t first_done, last_done; /* accesses; 0: no call so far */
    double first_at_ns, last_at_ns;
};

static void note_steady_part(void *context, uint64_t done, uint64_t total, uint64_t now_ns)
{
    struct steady_part *part = context;
    (void)total;
    (void)now_ns;
    if (done < part->fill)
        return;
    part->last_done = done;
    part->last_at_ns = clock_thread_ns();
    if (part->first_done == 0) {
        part->first_done = done;
        part->first_at_ns = part->last_at_ns;
    }
}

static uint64_t pages_of(const struct config *config)
{
    uint64_t pages = 0;
    for (uint32_t i = 0; i < config->task_count; i++)
        for (uint32_t s = 0; s < config->tasks[i].workload->spaces; s++)
            pages += config->tasks[i].workload->space_pages[s];
    return pages;
}

/* A case that takes longer is cut short: what it says then is how much it takes at
 * least, and one case does not take the others' time. */
enum { SECONDS_AT_MOST = 40 };
static volatile bool out_of_time;

static void note_out_of_time(int signal)
{
    (void)signal;
    out_of_time = true;
}

static void limit_time(bool unlimited)
{
    struct sigaction action = {.sa_handler = note_out_of_time, .sa_flags = SA_RESTART};
    struct itimerval timer = {.it_value.tv_sec = unlimited ? 0 : SECONDS_AT_MOST};
    out_of_time = false;
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &timer, NULL);
}

/* ns an access. */
static double take_simulation(const struct bench *bench, struct measure *self)
{
    const struct simulation_case *of = self->subject;
    struct diagnostics errors = {0};
    char *text = config_text(bench, self);
    struct experiment *experiment = experiment_parse(self->name, "", text, strlen(text), &errors);
    free(text);
    struct config config;
    if (!experiment || !experiment_config(experiment, 0, experiment->seeds[0], &config, &errors)) {
        diagnostics_print(&errors);
        exit(1);
    }
    struct steady_part steady = {.fill = self->trace ? self->trace->fill : 0};
    struct sim_options options = {.checks = of->checks,
                                  .progress = of->after_fill ? note_steady_part : NULL,
                                  .progress_context = &steady,
                                  .interrupted = &out_of_time};
    struct run_result result;
    memset(&result, 0, sizeof(result));
    limit_time(bench->full);
    double begin = clock_thread_ns();
    bool finished = sim_run(&config, &options, experiment->seeds[0], &result);
    double end = clock_thread_ns();
    limit_time(true);
    if (!finished && !out_of_time)
        bench_fail(self->name, result.failure ? result.failure : "it did not finish");
    self->cut_short |= !finished;
    uint64_t accesses = result.totals.counters[COUNTER_accesses];
    if (result.totals.counters[COUNTER_oom_kill])
        bench_fail(self->name, "a task was killed for lack of memory");
    if (getenv("BENCH_COUNTERS"))
        fprintf(stderr,
                "%s: %" PRIu64 " accesses, faults %" PRIu64 ", zswpin %" PRIu64 ", zswpout %" PRIu64
                ", zswpwb %" PRIu64 ", pswpin %" PRIu64 ", refused %" PRIu64 "\n",
                self->name, accesses, result.totals.counters[COUNTER_pgfault],
                result.totals.counters[COUNTER_zswpin], result.totals.counters[COUNTER_zswpout],
                result.totals.counters[COUNTER_zswpwb], result.totals.counters[COUNTER_pswpin],
                result.totals.counters[COUNTER_refused_stores]);
    self->bytes_a_page = (double)result.host_state_bytes / (double)pages_of(&config);
    run_result_release(&result);
    experiment_free(experiment);
    diagnostics_release(&errors);
    if (of->after_fill && steady.last_done > steady.first_done)
        return (steady.last_at_ns - steady.first_at_ns) /
               (double)(steady.last_done - steady.first_done);
    return (end - begin) / (double)accesses;
}

/* ---- measures ------------------------------------------------------------------- */

#define CASE(...)                                                                                  \
    &(const struct simulation_case)                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define SIMULATION(NAME, WHAT, TRACE_FILE, ...)                                                    \
    {                                                                                              \
        .name = (NAME), .what = WHAT, .unit = "ns/access", .take = take_simulation,                \
        .trace = TRACE_FILE, .subject = CASE(__VA_ARGS__)                                          \
    }
#define STREAM(NAME, TRACE_FILE)                                                                   \
    {                                                                                              \
        .name = (NAME), .what = "R1: one test-and-set of a byte a page, with prefetch",            \
        .unit = "ns/access", .take = take_stream, .trace = (TRACE_FILE)                            \
    }
#define EXACT_LRU(NAME, TRACE_FILE)                                                                \
    {                                                                                              \
        .name = (NAME), .what = "R2: bare exact LRU over a dense array, room for 25 %",            \
        .unit = "ns/access", .take = take_exact_lru, .trace = (TRACE_FILE)                         \
    }

#define FITS(memory) "{" KERNEL MACHINE(1, memory) "\"cgroups\": {\"/job\": {}}, " TASKS(1) "}"
#define OF_SPACES                                                                                  \
    "\"cgroups\": {@CGROUPS}, \"tasks\": [{\"name\": \"task\", \"cgroups\": [@OWNERS], " TRACE     \
    ", " CONTENT "}]}"
#define SPACES "{" KERNEL MACHINE(1, "1000M") LARGE_DISK OF_SPACES
/* The same memory as limits: no node is ever short. */
#define LIMITED_SPACES "{" VERSION_1 MACHINE(1, "8G") LARGE_POOL LARGE_DISK OF_SPACES
#define NODE(memory) "{\"memory\": \"" memory "\"}"
#define NODES(nodes)                                                                               \
    "{" KERNEL "\"machine\": {\"cpus\": 8, \"nodes\": [" nodes "]}, " LARGE_DISK                   \
    "\"cgroups\": {\"/job\": {}}, " TASKS(8) "}"

struct measure simulation_measures[] = {
    STREAM("stream", &zipf_100m),
    SIMULATION("hit", "all fits: zipf 0.9, 4 M pages, 100 M accesses after the first touches",
               &zipf_100m, .config = FITS("20G"), .after_fill = true),
    SIMULATION("hit whole", "the same with the 4 M first touches, setting up and counting up",
               &zipf_100m, .config = FITS("20G")),
    EXACT_LRU("lru zipf 0.9", &zipf_16m),
    SIMULATION("fault",
               "zipf 0.9, 4 M pages, 25 % in RAM, no limit to the pool, after the first touches",
               &zipf_16m, .config = QUARTER(1, "32G", "4G", 1, ""), .after_fill = true),
    SIMULATION("fault whole", "the same with the 4 M first touches, setting up and counting up",
               &zipf_16m, .config = QUARTER(1, "32G", "4G", 1, "")),
    EXACT_LRU("lru zipf 0.6", &scans_16m),
    SIMULATION("writeback", "zipf 0.6 and scans, 25 % in RAM, pool limit hit, writeback",
               &scans_16m,
               .config = "{" VERSION_1 MACHINE(1, "16G") LIMIT("4G") LARGE_DISK
               "\"zswap\": {\"max_pool_percent\": 10}, " TASKS(1) "}",
               .after_fill = true),
    SIMULATION("64 tasks", "64 tasks of 64 K pages on 64 processors, else as fault", &task_of_64,
               .config = QUARTER(64, "32G", "4G", 64, "")),
    SIMULATION("plain", "zipf 0.9, 1 M pages, 25 % in RAM; for the next rows", &zipf_8m,
               .config = QUARTER(1, "8G", "1G", 1, "")),
    SIMULATION("checked", "the same, --check-invariants", &zipf_8m,
               .config = QUARTER(1, "8G", "1G", 1, ""), .checks = CHECKS_SAMPLED),
    SIMULATION("series", "the same, a row of the series every 10 ms", &zipf_8m,
               .config =
                   QUARTER(1, "8G", "1G", 1, "\"engine\": {\"series_interval\": \"10ms\"}, ")),
    SIMULATION("3 M accesses", "zipf 0.9, 256 K pages, 25 % in RAM, 3 M accesses", &zipf_3m,
               .config = QUARTER(1, "2G", "256M", 1, "")),
    SIMULATION("30 M accesses", "the same, 30 M accesses", &zipf_30m,
               .config = QUARTER(1, "2G", "256M", 1, "")),
    SIMULATION("1 cgroup", "1 M pages in 10,000 spaces, 25 % in RAM, one cgroup", &spaces_10k,
               .config = SPACES, .cgroups = 1),
    SIMULATION("100 cgroups", "the same in 100 cgroups", &spaces_10k, .config = SPACES,
               .cgroups = 100),
    SIMULATION("10,000 cgroups", "the same in 10,000 cgroups", &spaces_10k, .config = SPACES,
               .cgroups = 10000),
    SIMULATION("1 cgroup, own limit", "the same pages, a limit of 25 % of them, one cgroup",
               &spaces_10k, .config = LIMITED_SPACES, .cgroups = 1, .limits = true),
    SIMULATION("10,000 cgroups, own limits", "the same, each with a limit of 25 % of its own pages",
               &spaces_10k, .config = LIMITED_SPACES, .cgroups = 10000, .limits = true),
    SIMULATION("1 node", "8 tasks of 128 K pages, 25 % in RAM, one node", &task_of_8,
               .config = NODES(NODE("1G"))),
    SIMULATION("2 nodes", "the same memory on 2 nodes", &task_of_8,
               .config = NODES(NODE("512M") ", " NODE("512M"))),
    SIMULATION(
        "8 nodes", "the same memory on 8 nodes", &task_of_8,
        .config = NODES(NODE("128M") ", " NODE("128M") ", " NODE("128M") ", " NODE(
            "128M") ", " NODE("128M") ", " NODE("128M") ", " NODE("128M") ", " NODE("128M"))),
    SIMULATION("1 CPU", "64 tasks of 16 K pages, 25 % in RAM, one processor", &small_task_of_64,
               .config = QUARTER(1, "8G", "1G", 64, "")),
    SIMULATION("64 CPUs", "the same on 64 processors", &small_task_of_64,
               .config = QUARTER(64, "8G", "1G", 64, "")),
    SIMULATION("1,024 CPUs", "the same on 1,024 processors", &small_task_of_64,
               .config = QUARTER(1024, "8G", "1G", 64, "")),
    STREAM("stream 1e5 pages", &pages_1e5),
    SIMULATION("hit 1e5 pages", "all fits, 100,000 pages", &pages_1e5, .config = FITS("50G"),
               .after_fill = true),
    STREAM("stream 1e6 pages", &pages_1e6),
    SIMULATION("hit 1e6 pages", "all fits, 1,000,000 pages", &pages_1e6, .config = FITS("50G"),
               .after_fill = true),
    STREAM("stream 1e7 pages", &pages_1e7),
    SIMULATION("hit 1e7 pages", "all fits, 10,000,000 pages", &pages_1e7, .config = FITS("50G"),
               .after_fill = true),
    {.name = NULL},
};

const struct ratio ratios[] = {
    {"hit-bound", "R1 / hit", "stream", "hit", AT_LEAST, 0.5},
    {"hit-bound, whole run", "R1 / hit whole", "stream", "hit whole", AT_LEAST, 0},
    {"fault-bound", "R2 / fault", "lru zipf 0.9", "fault", AT_LEAST, 0.6},
    {"fault-bound, whole run", "R2 / fault whole", "lru zipf 0.9", "fault whole", AT_LEAST, 0},
    {"writeback", "R2 / writeback", "lru zipf 0.6", "writeback", AT_LEAST, 0.4},
    {"64 tasks", "fault whole / 64 tasks", "fault whole", "64 tasks", AT_LEAST, 0.3},
    {"invariants sampled", "checked / plain", "checked", "plain", AT_MOST, 1.1},
    {"series every 10 ms", "series / plain", "series", "plain", AT_MOST, 1.03},
    {"10 times the accesses", "ns an access, 30 M / 3 M", "30 M accesses", "3 M accesses", AT_MOST,
     1.1},
    {"100 cgroups", "ns an access, 100 / 1", "100 cgroups", "1 cgroup", AT_MOST, 1.5},
    {"10,000 cgroups", "ns an access, 10,000 / 1", "10,000 cgroups", "1 cgroup", AT_MOST, 1.5},
    {"10,000 cgroups, own limits", "ns an access, 10,000 / 1", "10,000 cgroups, own limits",
     "1 cgroup, own limit", AT_MOST, 1.5},
    {"2 nodes", "ns an access, 2 / 1", "2 nodes", "1 node", AT_MOST, 1.2},
    {"8 nodes", "ns an access, 8 / 1", "8 nodes", "1 node", AT_MOST, 1.2},
    {"64 CPUs", "ns an access, 64 / 1", "64 CPUs", "1 CPU", AT_MOST, 2},
    {"1,024 CPUs", "ns an access, 1,024 / 1", "1,024 CPUs", "1 CPU", AT_MOST, 2},
    {"1e5 pages", "R1 / hit at 1e5 pages", "stream 1e5 pages", "hit 1e5 pages", AT_LEAST, 0},
    {"1e6 pages", "R1 / hit at 1e6 pages", "stream 1e6 pages", "hit 1e6 pages", AT_LEAST, 0},
    {"1e7 pages", "R1 / hit at 1e7 pages", "stream 1e7 pages", "hit 1e7 pages", AT_LEAST, 0},
    {"sweep on 2 cores", "wall time, -j1 / -j2", "sweep -j1", "sweep -j2", AT_LEAST, 1.9},
    {"two processes", "wall time, -j1 / apart", "sweep -j1", "sweep apart", AT_LEAST, 0},
    {NULL, NULL, NULL, NULL, AT_LEAST, 0},
};

/* ---- a trace of the user's ------------------------------------------------------- */

struct trace_file user_trace = {.name = "user"};

struct measure trace_measures[] = {
    STREAM("stream", &user_trace),
    SIMULATION("hit", "all fits", &user_trace, .config = FITS("15T")),
    EXACT_LRU("lru", &user_trace),
    SIMULATION("fault", "25 % in RAM, no limit to the pool", &user_trace,
               .config = QUARTER(1, "15T", "@QUARTER", 1, "")),
    {.name = NULL},
};

const struct ratio trace_ratios[] = {
    {"hit-bound", "R1 / hit", "stream", "hit", AT_LEAST, 0},
    {"fault-bound", "R2 / fault", "lru", "fault", AT_LEAST, 0},
    {NULL, NULL, NULL, NULL, AT_LEAST, 0},
};

/* ---- the large cases ------------------------------------------------------------ */

/* Generated as they are needed: 10^10 records are 80 GB. */
#define GENERATED(footprint, accesses)                                                             \
    "\"tasks\": [{\"name\": \"task\", \"cgroup\": \"/job\", \"workload\": {\"type\": \"zipf\", "   \
    "\"footprint\": \"" footprint "\", \"accesses\": " accesses ", \"exponent\": 0.9, "            \
    "\"write_percent\": 30}, " CONTENT "}]}"
#define LONG(accesses)                                                                             \
    "{" VERSION_1 MACHINE(1, "8G") LARGE_POOL LARGE_DISK LIMIT("1G") GENERATED("4G", accesses)

static const struct trace_file pages_2e8 = {.name = "zipf09",
                                            .exponent = 0.9,
                                            .pages = 268435456,
                                            .fill = 268435456,
                                            .accesses = 100000000};

struct measure full_measures[] = {
    SIMULATION("1e7 accesses", "zipf 0.9, 1 M pages, 25 % in RAM", NULL,
               .config = LONG("10000000")),
    SIMULATION("1e8 accesses", "the same", NULL, .config = LONG("100000000")),
    SIMULATION("1e9 accesses", "the same", NULL, .config = LONG("1000000000")),
    SIMULATION("1e10 accesses", "the same", NULL, .config = LONG("10000000000")),
    STREAM("stream 2.7e8 pages", &pages_2e8),
    SIMULATION("hit 2.7e8 pages", "all fits, 268,435,456 pages (1 TiB)", &pages_2e8,
               .config = FITS("1100G"), .after_fill = true),
    {.name = NULL},
};

const struct ratio full_ratios[] = {
    {"1e8 accesses", "ns an access, 1e8 / 1e7", "1e8 accesses", "1e7 accesses", AT_MOST, 1.1},
    {"1e9 accesses", "ns an access, 1e9 / 1e7", "1e9 accesses", "1e7 accesses", AT_MOST, 1.1},
    {"1e10 accesses", "ns an access, 1e10 / 1e7", "1e10 accesses", "1e7 accesses", AT_MOST, 1.1},
    {"2.7e8 pages", "R1 / hit at 2.7e8 pages", "stream 2.7e8 pages", "hit 2.7e8 pages", AT_LEAST,
     0},
    {NULL, NULL, NULL, NULL, AT_LEAST, 0},
};

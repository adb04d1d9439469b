#define _GNU_SOURCE
#include "sim/experiment/run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/experiment/config_resolved.h"
#include "sim/experiment/result_file.h"
#include "sim/experiment/summary.h"

enum { PROGRESS_EVERY_MS = 500 };

/* How far one run has come; written by its worker, read for the progress line. */
struct run_progress {
    uint64_t done, total; /* accesses; total is known from the start */
    uint64_t now_ns;
};

struct pool {
    struct experiment *experiment;
    const struct run_options *options;
    struct run_record *records;    /* [runs] */
    struct run_progress *progress; /* [runs] */
    uint32_t runs, next;           /* next run to start */
    uint32_t workers_left;
    uint64_t begin_ns;
    int finished; /* eventfd: the last worker has ended */
    volatile bool interrupted;
    uint64_t interrupted_ns;
    sigset_t usual_mask; /* of signals, before the runs */
    pthread_mutex_t message_lock;
};

static uint64_t host_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- one run ------------------------------------------------------------------ */

static void note_progress(void *context, uint64_t done, uint64_t total, uint64_t now_ns)
{
    struct run_progress *progress = context;
    __atomic_store_n(&progress->done, done, __ATOMIC_RELAXED);
    __atomic_store_n(&progress->total, total, __ATOMIC_RELAXED);
    __atomic_store_n(&progress->now_ns, now_ns, __ATOMIC_RELAXED);
}

static void record_inputs(struct run_record *record, const struct config *config)
{
    record->input_count = config->task_count;
    record->inputs = memory_zeroed(config->task_count, sizeof(*record->inputs), "inputs of a run");
    for (uint32_t i = 0; i < config->task_count; i++) {
        const struct workload *workload = config->tasks[i].workload;
        record->inputs[i] = (struct run_input){workload->type->name, workload->fingerprint,
                                               workload->accesses, workload->spaces};
    }
}

static void run_one(struct pool *pool, uint32_t index)
{
    struct experiment *experiment = pool->experiment;
    uint32_t variant = index / experiment->seed_count;
    uint64_t seed = experiment->seeds[index % experiment->seed_count];
    struct run_record *record = &pool->records[index];
    struct diagnostics errors = {0};
    struct config config;

    record->started = true;
    record->result.seed = seed;
    if (!experiment_config(experiment, variant, seed, &config, &errors)) {
        record->result.failure = memory_string("its inputs cannot be opened");
        pthread_mutex_lock(&pool->message_lock);
        diagnostics_print(&errors);
        pthread_mutex_unlock(&pool->message_lock);
        diagnostics_release(&errors);
        return;
    }
    record_inputs(record, &config);
    struct sim_options options = {
        .checks = pool->options->checks,
        .interrupted = &pool->interrupted,
        .progress = note_progress,
        .progress_context = &pool->progress[index],
    };
    uint64_t begin = host_now_ns();
    sim_run(&config, &options, seed, &record->result);
    record->result.seed = seed;
    record->result.host_wall_ns = host_now_ns() - begin;
    note_progress(&pool->progress[index], pool->progress[index].total, pool->progress[index].total,
                  record->result.end_ns);
    diagnostics_release(&errors);
}

static void *worker(void *context)
{
    struct pool *pool = context;
    while (!pool->interrupted) {
        uint32_t index = __atomic_fetch_add(&pool->next, 1, __ATOMIC_RELAXED);
        if (index >= pool->runs)
            break;
        run_one(pool, index);
    }
    if (__atomic_sub_fetch(&pool->workers_left, 1, __ATOMIC_ACQ_REL) == 0)
        while (eventfd_write(pool->finished, 1) != 0 && errno == EINTR)
            ;
    return NULL;
}

/* ---- progress line -------------------------------------------------------------- */

static void print_duration(char *out, size_t size, double seconds)
{
    uint64_t whole = (uint64_t)seconds;
    if (whole >= 3600)
        snprintf(out, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 3600, whole / 60 % 60,
                 whole % 60);
    else
        snprintf(out, size, "%" PRIu64 ":%02" PRIu64, whole / 60, whole % 60);
}

static void print_progress(const struct pool *pool)
{
    uint64_t done = 0, total = 0, simulated_ns = 0;
    uint32_t finished = 0;
    for (uint32_t i = 0; i < pool->runs; i++) {
        uint64_t of = __atomic_load_n(&pool->progress[i].total, __ATOMIC_RELAXED);
        uint64_t have = __atomic_load_n(&pool->progress[i].done, __ATOMIC_RELAXED);
        done += have;
        total += of;
        finished += of && have == of;
        simulated_ns += __atomic_load_n(&pool->progress[i].now_ns, __ATOMIC_RELAXED);
    }
    double wall = (double)(host_now_ns() - pool->begin_ns) / 1e9;
    double share = total ? (double)done / (double)total : 0;
    char left[32] = "-";
    if (share > 0)
        print_duration(left, sizeof(left), wall * (1 - share) / share);
    fprintf(stderr, "\r%3.0f%% | %u/%u runs | sim %.1f s | %.1f M accesses/s | ETA %s\033[K",
            100 * share, finished, pool->runs, (double)simulated_ns / 1e9,
            wall > 0 ? (double)done / wall / 1e6 : 0, left);
    fflush(stderr);
}

static bool shows_progress(enum progress_mode mode)
{
    return mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && isatty(STDERR_FILENO));
}

/* ---- the pool ------------------------------------------------------------------- */

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/* The first signal is passed on to the runs.  One that comes a second later or
 * more (launchers send the same one twice in a row) acts in the usual way. */
static void take_signal(struct pool *pool, int signals)
{
    struct signalfd_siginfo information;
    if (read(signals, &information, sizeof(information)) != sizeof(information))
        return;
    uint64_t now_ns = host_now_ns();
    if (!pool->interrupted) {
        pool->interrupted = true;
        pool->interrupted_ns = now_ns;
    } else if (now_ns - pool->interrupted_ns >= 1000000000) {
        pthread_sigmask(SIG_SETMASK, &pool->usual_mask, NULL);
        raise((int)information.ssi_signo);
    }
}

/* Until the last worker has ended: look after signals and the progress line. */
static void wait_for_workers(struct pool *pool, int signals)
{
    bool progress = shows_progress(pool->options->progress);
    struct pollfd files[2] = {{.fd = pool->finished, .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};
    while (!(files[0].revents & POLLIN)) {
        files[1].revents = 0;
        int ready = poll(files, 2, progress ? PROGRESS_EVERY_MS : -1);
        if (ready < 0 && errno != EINTR)
            abort();
        if (files[1].revents & POLLIN)
            take_signal(pool, signals);
        if (progress)
            print_progress(pool);
    }
    if (progress)
        fputs("\r\033[K", stderr);
}

static void start_workers(struct pool *pool, pthread_t *threads, uint32_t count)
{
    pool->workers_left = count;
    for (uint32_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, worker, pool) != 0) {
            fprintf(stderr, "zsim: error: cannot start thread %" PRIu32 " of %" PRIu32 "\n", i + 1,
                    count);
            exit(1);
        }
}

static unsigned job_count(const struct run_options *options, uint32_t runs)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned jobs = options->jobs ? options->jobs : processors > 0 ? (unsigned)processors : 1;
    return jobs < runs ? jobs : runs;
}

/* All runs on `jobs` threads.  Signals are blocked everywhere and read from a
 * descriptor by this thread, so no handler and no global flag is needed; they
 * stay blocked until the result is written (release_signals()). */
static void run_all(struct pool *pool, unsigned jobs)
{
    sigset_t stop = stop_signals();
    pthread_sigmask(SIG_BLOCK, &stop, &pool->usual_mask);
    int signals = signalfd(-1, &stop, SFD_CLOEXEC);
    pool->finished = eventfd(0, EFD_CLOEXEC);
    if (signals < 0 || pool->finished < 0) {
        fprintf(stderr, "zsim: error: cannot watch for signals: %s\n", strerror(errno));
        exit(1);
    }
    pthread_mutex_init(&pool->message_lock, NULL);
    pthread_t *threads = memory_zeroed(jobs, sizeof(*threads), "threads");
    start_workers(pool, threads, jobs);
    wait_for_workers(pool, signals);
    for (unsigned i = 0; i < jobs; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    pthread_mutex_destroy(&pool->message_lock);
    close(pool->finished);
    close(signals);
}

/* Signals act again as before.  Twins of one that was obeyed are dropped. */
static void release_signals(const struct pool *pool)
{
    sigset_t stop = stop_signals();
    struct timespec at_once = {0, 0};
    while (pool->interrupted && sigtimedwait(&stop, NULL, &at_once) > 0)
        ;
    pthread_sigmask(SIG_SETMASK, &pool->usual_mask, NULL);
}

static void pool_init(struct pool *pool, struct experiment *experiment,
                      const struct run_options *options)
{
    memset(pool, 0, sizeof(*pool));
    pool->experiment = experiment;
    pool->options = options;
    pool->runs = experiment->variant_count * experiment->seed_count;
    pool->records = memory_zeroed(pool->runs, sizeof(*pool->records), "results");
    pool->progress = memory_zeroed(pool->runs, sizeof(*pool->progress), "progress");
    for (uint32_t i = 0; i < pool->runs; i++) {
        const struct config *config = &experiment->variants[i / experiment->seed_count].config;
        for (uint32_t task = 0; task < config->task_count; task++)
            pool->progress[i].total += config->tasks[task].workload->accesses;
    }
    pool->begin_ns = host_now_ns();
}

static void pool_release(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->runs; i++) {
        run_result_release(&pool->records[i].result);
        free(pool->records[i].inputs);
    }
    free(pool->records);
    free(pool->progress);
}

/* ---- the output directory --------------------------------------------------------- */

/* Make it and its parents; 0, or the exit code after a message. */
static int prepare_directory(const char *directory)
{
    char *path = memory_string(directory);
    int code = 0;
    for (char *at = path; code == 0 && *at; at++) {
        if (at[1] != '/' && at[1] != '\0')
            continue;
        char next = at[1];
        at[1] = '\0';
        struct stat status;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            code = errno == ENOTDIR ? 2 : 1;
        else if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
            code = 2, errno = ENOTDIR;
        at[1] = next;
    }
    if (code == 0 && access(directory, W_OK | X_OK) != 0)
        code = 1;
    if (code)
        fprintf(stderr, "%s: error: cannot be used as the output directory: %s\n", directory,
                strerror(errno));
    free(path);
    return code;
}

const char *experiment_result_path(const struct experiment *experiment, const char *directory,
                                   struct arena *arena)
{
    size_t length = strlen(directory);
    const char *slash = length && directory[length - 1] == '/' ? "" : "/";
    return arena_printf(arena, "%s%s%s.json", directory, slash, experiment->name);
}

/* ---- the experiment ---------------------------------------------------------------- */

/* One line for each run that failed; their number. */
static uint32_t report_failures(const struct pool *pool)
{
    uint32_t failed = 0;
    for (uint32_t i = 0; i < pool->runs; i++) {
        const struct run_record *record = &pool->records[i];
        if (!record->started || record->result.complete)
            continue;
        if (pool->interrupted && !record->result.failure)
            continue;
        failed++;
        fprintf(stderr, "%s: error: variant \"%s\", seed %" PRIu64 " failed: %s\n",
                pool->experiment->path,
                pool->experiment->variants[i / pool->experiment->seed_count].name,
                record->result.seed,
                record->result.failure ? record->result.failure : "it did not reach its end");
    }
    return failed;
}

static uint32_t complete_runs(const struct pool *pool)
{
    uint32_t complete = 0;
    for (uint32_t i = 0; i < pool->runs; i++)
        complete += pool->records[i].result.complete;
    return complete;
}

static bool write_result(const struct pool *pool, unsigned jobs, const char *path)
{
    const struct experiment *experiment = pool->experiment;
    uint32_t count = experiment->variant_count;
    struct variant_record *variants =
        memory_zeroed(count, sizeof(*variants), "variants of a result");
    cJSON **configs = memory_zeroed(count, sizeof(*configs), "resolved configs");
    for (uint32_t v = 0; v < count; v++) {
        configs[v] = config_resolved(experiment, v);
        variants[v] = (struct variant_record){experiment->variants[v].name,
                                              experiment->variants[v].set, configs[v]};
    }
    struct result_source source = {
        .name = experiment->name,
        .question = experiment->question,
        .figures = experiment->figures,
        .plugins = plugins_files(experiment->plugins),
        .variants = variants,
        .variant_count = count,
        .seeds = experiment->seeds,
        .seed_count = experiment->seed_count,
        .runs = pool->records,
        .complete = complete_runs(pool) == pool->runs,
        .jobs = jobs,
        .wall_ns = host_now_ns() - pool->begin_ns,
    };
    struct diagnostics errors = {0};
    bool written = result_file_write(path, &source, &errors);
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    summary_print(stdout, &source);
    for (uint32_t v = 0; v < count; v++)
        cJSON_Delete(configs[v]);
    free(configs);
    free(variants);
    return written;
}

int experiment_run(struct experiment *experiment, const struct run_options *options)
{
    const char *directory = options->output_directory ? options->output_directory : "results";
    int code = prepare_directory(directory);
    if (code)
        return code;
    struct pool pool;
    struct arena arena = {0};
    pool_init(&pool, experiment, options);
    unsigned jobs = job_count(options, pool.runs);
    run_all(&pool, jobs);

    const char *path = experiment_result_path(experiment, directory, &arena);
    uint32_t failed = report_failures(&pool);
    bool written = write_result(&pool, jobs, path);
    double seconds = (double)(host_now_ns() - pool.begin_ns) / 1e9;
    if (written)
        fprintf(stderr, "zsim: %s: %" PRIu32 " of %" PRIu32 " runs complete in %.1f s%s\n", path,
                complete_runs(&pool), pool.runs, seconds, pool.interrupted ? ", interrupted" : "");
    release_signals(&pool);
    code = pool.interrupted ? 130 : failed || !written ? 1 : 0;
    pool_release(&pool);
    arena_release(&arena);
    return code;
}

#include "sim/experiment/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/experiment/bound.h"
#include "sim/experiment/config_resolved.h"
#include "sim/experiment/summary.h"

/* All runs of one experiment. */
struct pool {
    struct experiment *experiment;
    const struct run_options *options;
    struct run_record *records;      /* [runs] */
    struct piece_progress *progress; /* [runs]; total is known from the start */
    uint32_t runs;
    struct parallel parallel;
    pthread_mutex_t message_lock;
};

/* ---- one run ------------------------------------------------------------------ */

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

void run_record_make(struct run_record *record, struct experiment *experiment, uint32_t variant,
                     uint64_t seed, const struct sim_options *options, struct diagnostics *errors)
{
    struct config config;
    uint64_t begin = host_now_ns();

    record->started = true;
    if (experiment_config(experiment, variant, seed, &config, errors)) {
        record_inputs(record, &config);
        sim_run(&config, options, seed, &record->result);
    } else {
        record->result.failure = memory_string("its inputs cannot be opened");
    }
    record->result.seed = seed;
    record->result.host_wall_ns = host_now_ns() - begin;
    if (record->result.complete && config.engine.bound &&
        !bound_of_run(&config, &record->result, errors)) {
        record->result.complete = false;
        record->result.failure = memory_string("its bound cannot be computed");
    }
}

void run_record_release(struct run_record *record)
{
    run_result_release(&record->result);
    free(record->inputs);
}

static void run_piece(void *context, uint32_t index)
{
    struct pool *pool = context;
    struct piece_progress *progress = &pool->progress[index];
    struct run_record *record = &pool->records[index];
    struct diagnostics errors = {0};
    struct sim_options options = {
        .checks = pool->options->checks,
        .interrupted = &pool->parallel.interrupted,
        .progress = piece_progress_note,
        .progress_context = progress,
    };
    run_record_make(record, pool->experiment, index / pool->experiment->seed_count,
                    pool->experiment->seeds[index % pool->experiment->seed_count], &options,
                    &errors);
    piece_progress_note(progress, progress->total, progress->total, record->result.end_ns);
    pthread_mutex_lock(&pool->message_lock);
    diagnostics_print(&errors);
    pthread_mutex_unlock(&pool->message_lock);
    diagnostics_release(&errors);
}

/* ---- progress line -------------------------------------------------------------- */

static void show_progress(void *context)
{
    const struct pool *pool = context;
    struct progress_line line = {0};
    uint64_t total = 0;
    for (uint32_t i = 0; i < pool->runs; i++) {
        struct piece_progress piece = piece_progress_read(&pool->progress[i]);
        line.accesses += piece.done;
        total += piece.total;
        line.finished += piece.total && piece.done == piece.total;
        line.simulated_ns += piece.now_ns;
    }
    line.share = total ? (double)line.accesses / (double)total : 0;
    progress_line_print(&pool->parallel, &line);
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
    pool->parallel = (struct parallel){.count = pool->runs,
                                       .jobs = options->jobs,
                                       .progress = options->progress,
                                       .work = run_piece,
                                       .show_progress = show_progress,
                                       .context = pool};
    pthread_mutex_init(&pool->message_lock, NULL);
}

void run_records_free(struct run_record *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        run_record_release(&records[i]);
    free(records);
}

static void pool_release(struct pool *pool)
{
    run_records_free(pool->records, pool->runs);
    free(pool->progress);
    pthread_mutex_destroy(&pool->message_lock);
}

/* ---- the output directory --------------------------------------------------------- */

int directory_prepare(const char *directory)
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
        if (pool->parallel.interrupted && !record->result.failure)
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

bool experiment_write_result(const struct experiment *experiment, const char *path,
                             const struct result_totals *totals, FILE *table)
{
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
        .runs = totals->records,
        .complete = totals->complete,
        .jobs = totals->jobs,
        .wall_ns = totals->wall_ns,
    };
    struct diagnostics errors = {0};
    bool written = result_file_write(path, &source, &errors);
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    if (table)
        summary_print(table, &source);
    for (uint32_t v = 0; v < count; v++)
        cJSON_Delete(configs[v]);
    free(configs);
    free(variants);
    return written;
}

int experiment_run(struct experiment *experiment, const struct run_options *options)
{
    const char *directory = options->output_directory ? options->output_directory : "results";
    int code = directory_prepare(directory);
    if (code)
        return code;
    struct pool pool;
    struct arena arena = {0};
    pool_init(&pool, experiment, options);
    parallel_run(&pool.parallel);

    const char *path = experiment_result_path(experiment, directory, &arena);
    uint32_t failed = report_failures(&pool);
    uint64_t wall_ns = host_now_ns() - pool.parallel.begin_ns;
    struct result_totals totals = {pool.records, complete_runs(&pool) == pool.runs,
                                   parallel_jobs(&pool.parallel), wall_ns};
    bool written = experiment_write_result(experiment, path, &totals, stdout);
    bool interrupted = pool.parallel.interrupted;
    if (written)
        fprintf(stderr, "zsim: %s: %" PRIu32 " of %" PRIu32 " runs complete in %.1f s%s\n", path,
                complete_runs(&pool), pool.runs, (double)wall_ns / 1e9,
                interrupted ? ", interrupted" : "");
    parallel_release_signals(&pool.parallel);
    code = interrupted ? 130 : failed || !written ? 1 : 0;
    pool_release(&pool);
    arena_release(&arena);
    return code;
}

int experiment_run_records(struct experiment *experiment, const struct run_options *options,
                           struct run_record **records)
{
    struct pool pool;
    pool_init(&pool, experiment, options);
    parallel_run(&pool.parallel);
    uint32_t failed = report_failures(&pool);
    parallel_release_signals(&pool.parallel);
    *records = pool.records;
    pool.records = NULL;
    pool.runs = 0;
    bool interrupted = pool.parallel.interrupted;
    pool_release(&pool);
    return interrupted ? 130 : failed ? 1 : 0;
}

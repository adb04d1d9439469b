/* results/NAME.json: everything that an experiment measured.
 *
 * Writing: result_document() makes the document, result_file_write() stores it.
 * Everything outside "host" is the same for any number of threads and on every
 * machine.  Reading: result_file_read(), strict, for `zsim compare` and for
 * those who ask whether a result is there already.  docs/formats.md and
 * docs/metrics.md describe the file. */
#ifndef ZSIM_EXPERIMENT_RESULT_FILE_H
#define ZSIM_EXPERIMENT_RESULT_FILE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "sim/experiment/config_tree.h"
#include "sim/experiment/metrics.h"
#include "sim/experiment/plugins.h"
#include "sim/experiment/statistics.h"
#include "sim/experiment/version.h"
#include "sim/result.h"

#define RESULT_SCHEMA "zsim.result/1"

/* One input of a run: a task's workload. */
struct run_input {
    const char *type, *fingerprint;
    uint64_t accesses;
    uint32_t spaces;
};

struct run_record {
    bool started; /* false: no result, left out of the file */
    struct run_result result;
    /* A run that was read back from a file instead of made now; of `result` only
     * seed, complete, host_wall_ns and host_state_bytes are set then.  NULL else. */
    const struct result_file_run *from_file;
    struct run_input *inputs; /* one a task */
    uint32_t input_count;
};

struct variant_record {
    const char *name;
    const struct config_node *set; /* NULL: nothing */
    const cJSON *config;           /* resolved, with every default */
};

/* What goes into a file.  Nothing is owned. */
struct result_source {
    const char *name, *question;
    const struct config_node *figures; /* NULL: none */
    const struct plugin_file *plugins; /* ended by path NULL; NULL: none */
    const struct variant_record *variants;
    uint32_t variant_count;
    const uint64_t *seeds;
    uint32_t seed_count;
    const struct run_record *runs; /* [variant * seed_count + seed] */
    bool complete;
    unsigned jobs;    /* host: threads used */
    uint64_t wall_ns; /* host */
};

static inline const struct run_record *result_run(const struct result_source *source,
                                                  uint32_t variant, uint32_t seed)
{
    return &source->runs[(size_t)variant * source->seed_count + seed];
}

/* Values of a metric over the seeds with a complete run in which it is defined. */
uint32_t result_values(const struct result_source *source, uint32_t variant, unsigned metric,
                       double *values);
/* Whether any metric of the variant differs from seed to seed. */
bool result_seeds_differ(const struct result_source *source, uint32_t variant);
/* Pairs of values of the same seed; false in *same_inputs when a pair of runs
 * had different workloads. */
struct paired_difference result_paired(const struct result_source *source, uint32_t variant,
                                       uint32_t against, unsigned metric, bool *same_inputs);

/* The first variant with the workload of this one, the variant itself if none is before it: what
 * a change can be against. */
uint32_t result_base_of(const struct result_source *source, uint32_t variant);

/* Whether a task was killed, in some pair of complete runs, on one side alone: runs that did not
 * do the same work. */
bool result_killed_on_one_side(const struct result_source *source, uint32_t variant,
                               uint32_t against);

/* The members percent_ci95_low, percent_ci95_high and percent_bounded. */
void json_add_percent_interval(cJSON *object, const struct paired_difference *paired);

/* Libraries whose versions may change a number: compressed lengths, statistics. */
cJSON *result_libraries(void);

/* The document.  Free with cJSON_Delete(). */
cJSON *result_document(const struct result_source *source);

/* False after adding to `errors`. */
bool result_file_write(const char *path, const struct result_source *source,
                       struct diagnostics *errors);

/* Fingerprint of what would be run: the resolved configs, the seeds and the
 * contents of plug-ins, 16 hex digits.  The same as "config_xxh3" of the file. */
void result_config_hash(const struct result_source *source, char hash[17]);

/* ---- reading ---------------------------------------------------------------- */

struct result_file {
    struct arena arena;
    const char *path, *name, *config_hash;
    bool complete;
    const struct config_node *root;
    struct result_file_variant {
        const char *name;
        const struct config_node *node;
        /* One run, as it stands in the file. */
        struct result_file_run {
            uint64_t seed;
            bool complete;
            const struct config_node *node;
        } * runs;
        uint32_t run_count;
    } * variants;
    uint32_t variant_count;
};

/* NULL after adding one message to `errors`. */
struct result_file *result_file_read(const char *path, struct diagnostics *errors);
void result_file_free(struct result_file *file); /* accepts NULL */

/* 1: *value is set; 0: null, undefined in this run; -1 after adding to `errors`. */
int result_file_metric(const struct result_file_run *run, const struct metric *metric,
                       double *value, struct diagnostics *errors);
/* Was a task killed for lack of memory?  1: yes, 0: no, -1 after adding to `errors`. */
int result_file_run_killed(const struct result_file_run *run, struct diagnostics *errors);
/* False after a message: the metric is of a cgroup that no run of the file has. */
bool result_file_expect_cgroup(const struct result_file *file, const struct metric *metric,
                               struct diagnostics *errors);
/* Whether two runs had the same workloads; false for one without "inputs". */
bool result_file_same_inputs(const struct result_file_run *a, const struct result_file_run *b);

#endif

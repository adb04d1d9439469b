/* Running an experiment: every variant with every seed, on several threads. */
#ifndef ZSIM_EXPERIMENT_RUN_H
#define ZSIM_EXPERIMENT_RUN_H

#include <stdio.h>

#include "sim/experiment/experiment.h"
#include "sim/experiment/parallel.h"
#include "sim/experiment/result_file.h"
#include "sim/sim.h"

struct run_options {
    const char *output_directory; /* made when missing; NULL: "results" */
    unsigned jobs;                /* threads; 0: one a processor */
    enum invariant_checks checks;
    enum progress_mode progress;
};

/* Run, write DIRECTORY/NAME.json, print the summary table on stdout.
 *
 * Returns the exit code: 0 done; 1 a run failed or the result could not be
 * written; 2 the output directory is a file (nothing is run); 130 interrupted
 * by SIGINT or SIGTERM: what was finished is kept and the result file says
 * "complete": false.  Another signal a second later ends the process at once.
 *
 * To be called from the main thread, with no other threads about: it takes
 * signals over while it runs. */
int experiment_run(struct experiment *experiment, const struct run_options *options);

/* The runs alone, for a caller that goes on with their numbers: nothing is written
 * and no table printed, failed runs are told.  Exit codes as above.  The records
 * are [variant * seed_count + seed]; give them to run_records_free(). */
int experiment_run_records(struct experiment *experiment, const struct run_options *options,
                           struct run_record **records);
void run_records_free(struct run_record *records, uint32_t count);

/* Where the result goes: DIRECTORY/NAME.json, in `arena`. */
const char *experiment_result_path(const struct experiment *experiment, const char *directory,
                                   struct arena *arena);

/* One run of the experiment into a zeroed `record`.  What went wrong with its
 * inputs is added to `errors`; a failure of the run itself is in the record. */
void run_record_make(struct run_record *record, struct experiment *experiment, uint32_t variant,
                     uint64_t seed, const struct sim_options *options, struct diagnostics *errors);
void run_record_release(struct run_record *record);

/* What a result file says beside the experiment. */
struct result_totals {
    const struct run_record *records; /* [variants * seeds] */
    bool complete;
    unsigned jobs;
    uint64_t wall_ns;
};

/* Write the result to `path`, and its table to `table` (NULL: none).  False
 * after a message on stderr. */
bool experiment_write_result(const struct experiment *experiment, const char *path,
                             const struct result_totals *totals, FILE *table);

/* Make a directory and its parents where missing, and see that files can be made
 * in it.  0; or, after a message on stderr, 2 when a file is in the way, else 1. */
int directory_prepare(const char *directory);

#endif

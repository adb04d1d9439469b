/* Running an experiment: every variant with every seed, on several threads. */
#ifndef ZSIM_EXPERIMENT_RUN_H
#define ZSIM_EXPERIMENT_RUN_H

#include "sim/experiment/experiment.h"
#include "sim/sim.h"

enum progress_mode {
    PROGRESS_AUTO, /* only when stderr is a terminal */
    PROGRESS_ALWAYS,
    PROGRESS_NEVER,
};

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

/* Where the result goes: DIRECTORY/NAME.json, in `arena`. */
const char *experiment_result_path(const struct experiment *experiment, const char *directory,
                                   struct arena *arena);

#endif

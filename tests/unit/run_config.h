/* Run a config given as text; for unit tests. */
#ifndef ZSIM_TESTS_RUN_CONFIG_H
#define ZSIM_TESTS_RUN_CONFIG_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/experiment/experiment.h"
#include "sim/sim.h"
#include "tests/unit/counted.h"

/* Writes the text to a scratch file, reads it as a config, runs variant 0 with
 * `seed`.  Fails the test when the config has mistakes.  Release the result with
 * run_result_release(). */
static inline bool run_config(const char *text, enum invariant_checks checks, uint64_t seed,
                              struct run_result *result)
{
    char path[] = "/tmp/zsim-test-XXXXXX.json";
    int file = mkstemps(path, 5);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    struct diagnostics errors = {0};
    struct experiment *experiment = experiment_read(path, NULL, 0, NULL, &errors);
    unlink(path);
    if (!experiment) {
        diagnostics_print(&errors);
        fprintf(stderr, "%s\n", text);
    }
    assert_non_null(experiment);
    struct config config;
    assert_true(experiment_config(experiment, 0, seed, &config, &errors));
    struct sim_options options = {.checks = checks};
    bool finished = sim_run(&config, &options, seed, result);
    if (!finished)
        fprintf(stderr, "%s\n%s\n", result->failure, text);
    experiment_free(experiment);
    diagnostics_release(&errors);
    return finished;
}

#endif

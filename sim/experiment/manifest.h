/* A sweep on disk: one config for each run, and a table of them.
 *
 *   DIR/manifest.tsv        a line for each run: id, variant, every parameter of
 *                           the sweep, plug-ins, seed, config, result
 *   DIR/configs/0001.json   what run 1 is: one variant, one seed
 *   DIR/results/ADDRESS.json  its result, once it is finished
 *
 * Any scheduler can work through the lines in any order: `zsim run --manifest
 * DIR/manifest.tsv --id N` makes one of them.  A result is addressed by what it
 * follows from (result_address.h) and gets its name only when it is whole, so a
 * finished run is never made again, an unfinished one never taken for finished,
 * and several machines may share DIR without locks. */
#ifndef ZSIM_EXPERIMENT_MANIFEST_H
#define ZSIM_EXPERIMENT_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "sim/experiment/parallel.h"
#include "sim/experiment/plugins.h"
#include "sim/sim.h"

/* How the column of a plug-in is called, of a second one "plugin 2": PATH@XXH3. */
#define MANIFEST_PLUGIN "plugin"

struct manifest_row {
    const char **fields; /* [manifest->column_count], as written */
    const char *variant; /* name */
    uint64_t seed;
    const char *config, *result; /* paths that can be opened */
    const char *address;         /* from the name of the result */
};

struct manifest {
    struct arena arena;
    const char *path;
    const char **columns; /* names: "id", "variant", parameters..., plug-ins..., "seed", "config",
                             "result" */
    uint32_t column_count;
    struct manifest_row *rows; /* row i has id i + 1 */
    uint32_t row_count;
};

/* NULL after adding to `errors`. */
struct manifest *manifest_read(const char *path, struct diagnostics *errors);
void manifest_free(struct manifest *manifest); /* accepts NULL */

/* The result is there, to its last line.  A machine that lost power may leave an empty one, or the
 * beginning of one: those are made again. */
bool manifest_result_there(const struct manifest_row *row);

struct expand_options {
    const char *config;      /* the base */
    const char *const *axes; /* "PATH=VALUE,VALUE" */
    uint32_t axis_count;
    const char *seeds; /* "1..5"; NULL: those of the base */
    const char *directory;
    const struct plugins *plugins; /* NULL: none */
};

/* Write the configs, then the manifest.  Results that are there stay.  Returns
 * the exit code; 2 after messages on stderr when the base or a point of the sweep
 * has a mistake: nothing is written then. */
int manifest_expand(const struct expand_options *options);

struct manifest_run_options {
    const char *manifest, *ids; /* "3", "1..10,17"; NULL: all */
    unsigned jobs;
    enum invariant_checks checks;
    enum progress_mode progress;   /* never: no line at the end either when all went well */
    const struct plugins *plugins; /* NULL: none */
};

/* Make the results of some lines, but for those that are there.  Returns the exit
 * code: 0, 1 when a run failed, 2 for a mistake in the manifest or a config, 130
 * interrupted: what is finished stays, and nothing unfinished is left. */
int manifest_run(const struct manifest_run_options *options);

#endif

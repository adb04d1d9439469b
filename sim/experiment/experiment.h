/* An experiment: a question, a base config, and what is varied.
 *
 * experiment_read() turns a config file into an `struct experiment`.  Every key
 * is a row of a parameter table (sim/experiment/config_keys.c), so `zsim schema`,
 * `zsim defaults`, `zsim explain` and docs/config.md come from the same rows. */
#ifndef ZSIM_EXPERIMENT_H
#define ZSIM_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "policies/kernels.h"
#include "sim/base/diagnostics.h"
#include "sim/config.h"
#include "sim/experiment/config_tree.h"

struct plugins; /* sim/experiment/plugins.h */

/* One variant: base + named overrides. */
struct variant {
    const char *name;
    const struct config_node *set; /* what differs from the base; NULL for the base itself */
    struct config_node *tree;      /* the merged document */
    struct config config;          /* decoded with the first seed; see experiment_config() */
};

struct experiment {
    struct arena arena;
    const char *path, *name, *question; /* name: file name without .json */
    const char *directory;              /* that file names in the config are relative to */
    struct config_node *tree;
    struct variant *variants;
    uint32_t variant_count;
    uint64_t *seeds;
    uint32_t seed_count;
    const struct config_node *figures; /* passed through to the result */
    struct shared_inputs *inputs;      /* workloads and contents, opened once */
    bool owns_inputs;                  /* false: they are shared with other experiments */
    const struct plugins *plugins;     /* NULL: only built-in policies */
};

/* What an experiment is called after its config, or its result: "configs/two-pools.json"
 * -> "two-pools". */
const char *experiment_name(const char *path, struct arena *arena);

/* Read, check and decode.  All mistakes are added to `errors` in one pass; NULL then.
 * `overrides`: "PATH=VALUE" strings of --set; `seeds`: "1..10" or NULL. */
struct experiment *experiment_read(const char *path, const char *const *overrides,
                                   uint32_t override_count, const char *seeds,
                                   struct diagnostics *errors);
/* The same with the policies of plug-ins to choose from, as well as the built-in
 * ones.  `plugins` (NULL: none) must outlive the experiment. */
struct experiment *experiment_read_with_plugins(const char *path, const char *const *overrides,
                                                uint32_t override_count, const char *seeds,
                                                const struct plugins *plugins,
                                                struct diagnostics *errors);
/* The same with further axes of the sweep, "PATH=VALUE,VALUE" (see
 * config_variants.h). */
struct experiment *experiment_read_sweep(const char *path, const char *const *axes,
                                         uint32_t axis_count, const char *seeds,
                                         const struct plugins *plugins, struct diagnostics *errors);
/* The same with inputs that other experiments use too: each trace is mapped once
 * for all of them.  The experiment must live as long as `inputs`. */
struct experiment *experiment_read_sharing(const char *path, struct shared_inputs *inputs,
                                           const struct plugins *plugins,
                                           struct diagnostics *errors);
/* The same from memory: `name` stands for the file in messages, file names in the
 * document are relative to `directory` ("": where the process is). */
struct experiment *experiment_parse(const char *name, const char *directory, const char *text,
                                    size_t length, struct diagnostics *errors);
/* The same with overrides and plug-ins. */
struct experiment *
experiment_parse_with_plugins(const char *name, const char *directory, const char *text,
                              size_t length, const char *const *overrides, uint32_t override_count,
                              const struct plugins *plugins, struct diagnostics *errors);
void experiment_free(struct experiment *experiment); /* accepts NULL */

/* The config of one run: as variant->config, with the workloads of this seed. */
bool experiment_config(struct experiment *experiment, uint32_t variant, uint64_t seed,
                       struct config *config, struct diagnostics *errors);

#endif

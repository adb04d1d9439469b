/* Objects of a config file into structs, through tables of keys. */
#ifndef ZSIM_EXPERIMENT_CONFIG_FIELDS_H
#define ZSIM_EXPERIMENT_CONFIG_FIELDS_H

#include "sim/experiment/config_keys.h"
#include "sim/experiment/config_tree.h"
#include "sim/experiment/experiment.h"

/* What decoding needs beside the document; lives as long as one experiment is
 * read, over all of its variants. */
struct decoder {
    struct arena *arena; /* of the experiment: strings, policies' parameters */
    struct diagnostics *errors;
    const struct kernel_preset *preset; /* NULL after a mistake in "kernel" */
    const char *directory;              /* that file names are relative to; "" : the current one */
    const struct plugins *plugins;      /* policies beside the built-in ones; NULL: none */
    struct shared_inputs *inputs;
    uint64_t seed; /* of the run that inputs are opened for */
    /* Mistakes of the base would be found again in every variant: each is told once. */
    uint64_t *told;
    size_t told_count;
    size_t mistakes;                 /* found so far, those told before included */
    struct pending_message *pending; /* one for each of `told`, in the order they were found */
    /* Cost tables read so far, by path. */
    struct cost_file *cost_files;
    /* Cgroups of the config being decoded, by path. */
    struct cgroup_index *cgroups;
};

/* Hand the messages to decoder->errors in the order of the document, and
 * release what the decoder holds. */
void decoder_finish(struct decoder *decoder);

/* Note a message unless the same was noted at the same place before. */
void decode_error(struct decoder *decoder, const struct source_position *position,
                  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "tasks[1].cpu" for messages. */
const char *decode_path(struct decoder *decoder, const struct config_node *node);

/* What a node holds, for messages: `"text"`, `12`, "an object", ... */
const char *decode_found(struct decoder *decoder, const struct config_node *node);

/* Add "expected EXPECTED, found ..." about a node. */
void decode_expected(struct decoder *decoder, const struct config_node *node, const char *expected);

/* An error unless the machine has this processor. */
void decode_check_cpu(struct decoder *decoder, const struct config_node *node, uint64_t cpu,
                      const struct config *config);

/* Add `WHAT "WORD"; did you mean "..."?`, or the list of names where it is short. */
void decode_unknown(struct decoder *decoder, const struct source_position *position,
                    const char *path, const char *what, const char *word, const char *const *names,
                    size_t count);

/* Defaults, then the preset's values, then the members of `node` (NULL: none)
 * into the struct of a section, policies included.  Structured keys are left to
 * the caller.  Mistakes are added to decoder->errors. */
void decode_section(struct decoder *decoder, const struct config_section *section,
                    const struct config_node *node, void *fields);

/* The members of an object into the struct of a plain table; `naming_key`
 * ("type", "policy") is the member that chose the table. */
void decode_params(struct decoder *decoder, const struct param_table *table,
                   const struct config_node *node, const char *naming_key, void *fields);

/* One value into its field. */
bool decode_value(struct decoder *decoder, const struct param *row, const struct config_node *node,
                  void *fields);

/* The preset's value of "zswap.lru", or NULL. */
const char *kernel_preset_value(const struct kernel_preset *preset, const char *path);

/* The first policy that the preset names and this build does not have: its axis
 * and name; false when all are there. */
bool kernel_preset_missing(const struct kernel_preset *preset, const char **axis,
                           const char **policy);

/* A file name of the config, relative to the config's directory, as one to open. */
const char *decode_file_name(struct decoder *decoder, const char *name);

/* Rows whose value is the name of a file. */
bool param_is_file_name(const struct param *row);

#endif

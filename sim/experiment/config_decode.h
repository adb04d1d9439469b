/* A document, checked, into a struct config. */
#ifndef ZSIM_EXPERIMENT_CONFIG_DECODE_H
#define ZSIM_EXPERIMENT_CONFIG_DECODE_H

#include "sim/experiment/config_fields.h"

/* Decode one variant's document.  Every mistake is added to decoder->errors;
 * `config` is complete only when none was. */
void config_decode(struct decoder *decoder, const struct config_node *tree, struct config *config);

/* The defaults of all sections of one value each, with this preset. */
void config_decode_sections(struct decoder *decoder, const struct kernel_preset *preset,
                            struct config *config);

/* Parts of it, each in its own file. */
void decode_cgroups(struct decoder *decoder, const struct config_node *node, struct config *config);
void decode_tasks(struct decoder *decoder, const struct config_node *tree, struct config *config);
void decode_events(struct decoder *decoder, const struct config_node *node, struct config *config);

/* The index of the cgroup that `node` (a string) names; false after a message. */
bool decode_cgroup_name(struct decoder *decoder, const struct config_node *node, uint32_t *index);
/* The same where a range such as "/web[0..9]" may be named. */
bool decode_cgroup_names(struct decoder *decoder, const struct config_node *node,
                         uint32_t **indexes, size_t *count);
void cgroup_index_free(struct cgroup_index *index); /* accepts NULL */

/* The preset that the document names; NULL after a message. */
const struct kernel_preset *decode_kernel(struct decoder *decoder, const struct config_node *tree);

/* Seed of a task's stream in a run: the run's own for the first task, so that
 * `zsim trace generate --seed N` makes the trace of a single task; a hash of
 * seed and task number for the others. */
uint64_t task_stream_seed(uint64_t run_seed, uint32_t task);

/* Default of "kernel" and of "content". */
#define DEFAULT_KERNEL "v6.18"
#define DEFAULT_CONTENT_TYPE "rule"
#define DEFAULT_CONTENT_CLASSES "100:mixed:1304"
#define DEFAULT_CONTENT                                                                            \
    "{\"type\": \"" DEFAULT_CONTENT_TYPE "\", \"classes\": \"" DEFAULT_CONTENT_CLASSES "\"}"

#endif

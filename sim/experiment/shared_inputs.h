/* Workloads and page contents of one experiment, each opened once.
 *
 * Variants and seeds mostly use the same inputs: a trace is mapped once, a
 * table of compressed lengths is filled once.  All functions may be called
 * from any thread.  An input that could not be opened is remembered, so its
 * mistake is told once. */
#ifndef ZSIM_EXPERIMENT_SHARED_INPUTS_H
#define ZSIM_EXPERIMENT_SHARED_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "workloads/content/content.h"
#include "workloads/workload.h"

struct shared_inputs;

struct shared_inputs *shared_inputs_create(void);
/* Closes everything; accepts NULL. */
void shared_inputs_free(struct shared_inputs *inputs);

/* The workload of this type, parameters and seed (which only counts for seeded
 * types).  `params` and the strings in it and in `position` must live as long
 * as `inputs`.  NULL after adding to `errors`, or when it failed before. */
struct workload *shared_inputs_workload(struct shared_inputs *inputs,
                                        const struct workload_type *type, const void *params,
                                        uint64_t seed, const struct source_position *position,
                                        struct diagnostics *errors);

/* The contents of `pages` pages by this type and parameters; as above. */
struct content *shared_inputs_content(struct shared_inputs *inputs, const struct content_type *type,
                                      const void *params, uint32_t pages,
                                      const struct source_position *position,
                                      struct diagnostics *errors);

/* An input that came from here, with another seed or number of pages. */
struct workload *shared_inputs_reseeded(struct shared_inputs *inputs,
                                        const struct workload *workload, uint64_t seed,
                                        struct diagnostics *errors);
struct content *shared_inputs_resized(struct shared_inputs *inputs, const struct content *content,
                                      uint32_t pages, struct diagnostics *errors);

/* Zeroed memory that lives as long as `inputs`. */
void *shared_inputs_memory(struct shared_inputs *inputs, size_t bytes);

#endif

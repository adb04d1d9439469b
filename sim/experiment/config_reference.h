/* The reference of everything that a config may say, from the tables. */
#ifndef ZSIM_EXPERIMENT_CONFIG_REFERENCE_H
#define ZSIM_EXPERIMENT_CONFIG_REFERENCE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

#include "sim/experiment/config_keys.h"
#include "sim/experiment/plugins.h"

/* JSON Schema (draft 2020-12) of a config file, policies of `plugins` (NULL: none)
 * included.  Free with cJSON_Delete(). */
cJSON *config_schema(const struct plugins *plugins);

/* docs/config.md; with policies of `plugins` (NULL: none) */
void config_markdown(FILE *out, const struct plugins *plugins);

/* What is known about a key ("zswap.lru" or "lru"), axis, policy, parameter of
 * a policy ("batch.budget"), cost, counter, time, kernel, compressor, workload
 * or content; policies of `plugins` (NULL: none) included.  False when there is no
 * such name; *nearest is then one that is spelled alike, or NULL; free it. */
bool config_explain(FILE *out, const struct plugins *plugins, const char *name, char **nearest);

/* The names of a list ("kernels", "workloads", "contents", "compressors",
 * "counters", "costs", or an axis), each with a line about it.  NULL: what can
 * be listed.  False when there is no such list; *nearest as above. */
bool config_list(FILE *out, const struct plugins *plugins, const char *what, char **nearest);

/* Every name that config_explain() knows, or that config_list() lists, one a line. */
void config_explain_names(FILE *out);
void config_list_names(FILE *out);

/* The presets as tables of at most 160 columns: a line a kernel, first the policy on
 * every axis (with ":" and a number that the preset gives it), then the rules. */
void config_kernels_print(FILE *out);

/* "whole number, 0 to 200", "size", "one of: cached, exact" */
void describe_type(const struct param *row, char *out, size_t size);
/* "20", "by kernel", "required", "none" */
const char *describe_default(const struct param *row);

#endif

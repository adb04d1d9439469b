/* The config that a variant was run with, every default filled in. */
#ifndef ZSIM_EXPERIMENT_CONFIG_RESOLVED_H
#define ZSIM_EXPERIMENT_CONFIG_RESOLVED_H

#include <cjson/cJSON.h>

#include "sim/experiment/experiment.h"

/* A document in the form of a config file: reading it gives the same variant
 * again.  Keys are in the order of the reference; replicas of tasks are listed
 * one by one.  Free with cJSON_Delete(). */
cJSON *config_resolved(const struct experiment *experiment, uint32_t variant);

/* The part of a document that a preset and the tables give by themselves:
 * everything but cgroups, tasks and what is varied. */
cJSON *config_defaults(const struct kernel_preset *preset);

/* A node as JSON, numbers exactly as written. */
cJSON *config_node_to_json(const struct config_node *node);

/* The value of one field as JSON in the user's form; exact. */
cJSON *param_to_json(const struct param *row, const void *fields);

#endif

/* The manual pages zsim-config(5) and zsim-metrics(5), in mdoc(7), from the tables
 * that the program itself works with. */
#ifndef ZSIM_EXPERIMENT_MANUAL_H
#define ZSIM_EXPERIMENT_MANUAL_H

#include <stdio.h>

#include "sim/experiment/plugins.h"

/* Keys, policies (those of `plugins` too; NULL: none), workloads, contents, kernels. */
void manual_config_print(FILE *out, const struct plugins *plugins);

/* Everything of a result that can be compared. */
void manual_metrics_print(FILE *out);

#endif

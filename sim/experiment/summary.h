/* The table that is printed when an experiment has run. */
#ifndef ZSIM_EXPERIMENT_SUMMARY_H
#define ZSIM_EXPERIMENT_SUMMARY_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/experiment/result_file.h"

/* At most 100 columns.  Means over the seeds; each variant after the first also
 * with its change against the first, paired by seed. */
void summary_print(FILE *out, const struct result_source *source);

/* A row of that table: what it is called and the metric that it shows.  False beyond the last. */
bool summary_row_describe(unsigned row, const char **label, const char **metric);

/* A number of some unit for people: "1234567", "12.35 M", "96.00 MiB", "2.21 ms". */
void print_quantity(char *out, size_t size, double value, const char *unit);

#endif

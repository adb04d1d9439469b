/* The results of a sweep, together: as one result file or as a table. */
#ifndef ZSIM_EXPERIMENT_GATHER_H
#define ZSIM_EXPERIMENT_GATHER_H

#include <stdint.h>

struct gather_options {
    const char *manifest;
    const char *output;         /* the result file to write; NULL: a table on stdout */
    const char *const *metrics; /* columns of the table; none: the headline metrics */
    uint32_t metric_count;
};

/* With `output`: every result that is there in one file, as if one `zsim run` had
 * made them, with statistics over the seeds; all are in memory at once.  Else a
 * line for each run with the parameters and the metrics, one result in memory at a
 * time; what is not there or undefined is an empty cell.  Runs that are not there
 * are counted on stderr, and the result file is marked incomplete.
 *
 * Returns the exit code: 0; 1 when nothing is there or the file cannot be written;
 * 2 for a mistake in the manifest or a result. */
int gather_results(const struct gather_options *options);

#endif

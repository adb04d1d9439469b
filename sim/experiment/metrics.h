/* Everything of a run that can be compared, as one flat list of whole numbers.
 *
 * A metric's name is its place in a run of a result file: the counters and
 * gauges under "totals" have their own names, the others the name of their
 * object, a dot and the key ("cost_ns.compress", "fault_latency_ns.major.p99").
 *
 * Counters and gauges of a cgroup ("cgroups./modest.pswpin") are no part of that list, as cgroups
 * have the names that a config gives them.  metric_find() gives those it is asked for an index
 * behind the list, the same for the same name; for one thread. */
#ifndef ZSIM_EXPERIMENT_METRICS_H
#define ZSIM_EXPERIMENT_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/diagnostics.h"
#include "sim/experiment/config_tree.h"
#include "sim/result.h"

enum metric_direction { NEITHER_IS_BETTER, LOWER_IS_BETTER, HIGHER_IS_BETTER };

enum { METRIC_PATH_AT_MOST = 4, METRIC_NAME_BYTES = 128 };

struct metric {
    char name[METRIC_NAME_BYTES];
    const char *unit, *meaning;
    enum metric_direction direction;
    const char *path[METRIC_PATH_AT_MOST]; /* keys under a run of a result file, ended by NULL */
    bool percentile; /* of a distribution within the run: skewed from seed to seed */
    bool headline;   /* shown by `zsim compare` when nothing else is asked for */
};

/* Without those of cgroups. */
unsigned metric_count(void);
/* index < metric_count(), or one that metric_find() gave. */
void metric_describe(unsigned index, struct metric *metric);
/* The index of a name, or -1. */
int metric_find(const char *name);
/* The index of a counter's total, such as COUNTER_oom_kill. */
unsigned metric_of_counter(unsigned counter);
/* The name nearest to a misspelt one; false when none is near. */
bool metric_nearest(const char *word, char name[METRIC_NAME_BYTES]);
/* Whether metric_find() would find it. */
bool metric_is_known(const char *name);
/* As metric_find(); -1 after a message with the nearest name. */
int metric_find_or_tell(const char *name, struct diagnostics *errors);
/* The metrics that a config's "figures" (NULL: none) name, each once, in their order: what the
 * experiment asks about besides the headlines.  Their number, at most METRICS_ASKED_AT_MOST. */
enum { METRICS_ASKED_AT_MOST = 8 };
unsigned metrics_asked(const struct config_node *figures, unsigned indices[METRICS_ASKED_AT_MOST]);
/* Those of cgroups that a config's "figures" name, each once, in their order.  *indices is the
 * caller's to free. */
unsigned metrics_of_cgroups(const struct config_node *figures, unsigned **indices);
/* "neither", "lower" or "higher". */
const char *metric_direction_name(enum metric_direction direction);

/* The value in a run; false when it is undefined there (no samples, nothing to divide by). */
bool metric_of_run(const struct run_result *run, unsigned index, uint64_t *value);

/* Fault kinds of a result file: the kinds of a run and "major", the faults of
 * kinds zero, zswap, zram and disk together. */
enum { LATENCY_KINDS = FAULT_KINDS + 1, LATENCY_MAJOR = FAULT_KINDS };
const char *latency_kind_name(unsigned kind);
/* The histogram of a kind.  Release it with histogram_release(). */
struct histogram latency_of_run(const struct run_result *run, unsigned kind);

/* docs/metrics.md. */
void metrics_reference_print(FILE *out);

#endif

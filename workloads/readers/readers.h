/* The reader types, for workloads/registry.c and for callers in C. */
#ifndef ZSIM_WORKLOADS_READERS_READERS_H
#define ZSIM_WORKLOADS_READERS_READERS_H

#include "workloads/workload.h"

struct native_trace;

extern const struct workload_type workload_trace;
extern const struct workload_type workload_lackey;
extern const struct workload_type workload_perf_script;
extern const struct workload_type workload_damon;
extern const struct workload_type workload_oracle_general;
extern const struct workload_type workload_msr;
extern const struct workload_type workload_csv;
extern const struct workload_type workload_blkparse;

/* Type `trace` without a config. */
struct workload *trace_workload_open(const char *path, const struct source_position *position,
                                     struct diagnostics *errors);

/* The open file behind a workload of type `trace` (its version, regions, note),
 * or NULL for any other type. */
const struct native_trace *trace_workload_native(const struct workload *workload);

/* The tasks of the records of the block that was handed out last, in the order of
 * the records; NULL when the workload knows none. */
const uint16_t *trace_cursor_tasks(const struct workload_cursor *cursor);

#endif

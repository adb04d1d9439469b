/* What `zsim trace info` counts. */
#ifndef ZSIM_WORKLOADS_TRACE_INFO_H
#define ZSIM_WORKLOADS_TRACE_INFO_H

#include <stdio.h>

#include "workloads/workload.h"

enum { TRACE_INFO_INTERVALS = 16 };

/* One stretch of the trace; all stretches have the same number of accesses,
 * the last one perhaps fewer. */
struct trace_interval {
    uint64_t accesses;
    uint64_t writes, frees;
    uint64_t working_set;   /* distinct pages accessed in it */
    uint64_t first_touches; /* pages never accessed before */
};

struct trace_space_info {
    uint64_t accesses, writes, frees;
    uint64_t distinct; /* pages */
};

struct trace_info {
    uint64_t accesses, reads, writes, frees;
    uint64_t distinct; /* pages, over all spaces */
    uint32_t spaces;
    struct trace_space_info *space; /* [spaces] */
    uint32_t intervals;
    struct trace_interval interval[TRACE_INFO_INTERVALS];
};

/* Walk the whole workload.  False after adding to `errors` when it ends early. */
bool trace_info_count(const struct workload *workload, struct trace_info *info,
                      struct diagnostics *errors);
void trace_info_release(struct trace_info *info);

/* As a table for people, or as one JSON object. */
void trace_info_print(const struct trace_info *info, const struct workload *workload,
                      const char *name, FILE *out);
void trace_info_print_json(const struct trace_info *info, const struct workload *workload,
                           const char *name, FILE *out);

#endif

/* What `zsim trace info` counts. */
#ifndef ZSIM_WORKLOADS_TRACE_INFO_H
#define ZSIM_WORKLOADS_TRACE_INFO_H

#include <stdio.h>

#include "workloads/workload.h"

enum { TRACE_INFO_INTERVALS = 16, TRACE_INFO_BUCKETS = 65 };

/* Reuse distances are exact up to so many accesses; beyond, one page in 2^n is
 * followed, so that at most about so many accesses are. */
#define TRACE_INFO_EXACT_ACCESSES ((uint64_t)1 << 26)

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

/* Reuse distances: other pages accessed since the last access to the page, over
 * all spaces together; a free forgets the page.
 *
 * In a sampled count a page is followed when the hash of its number is 0 modulo
 * 2^n; distances between followed pages and the counts of accesses are multiplied
 * by 2^n (spatial sampling at a fixed rate: Waldspurger et al., "Efficient MRC
 * construction with SHARDS", FAST 2015). */
struct trace_reuse {
    uint64_t one_in; /* 1: exact */
    uint64_t first;  /* accesses without an earlier one */
    /* bucket[0]: distance 0; bucket[k]: 2^(k-1) to 2^k - 1. */
    uint64_t bucket[TRACE_INFO_BUCKETS];
};

struct trace_info {
    uint64_t accesses, reads, writes, frees;
    uint64_t distinct; /* pages, over all spaces */
    uint32_t spaces;
    struct trace_space_info *space; /* [spaces] */
    uint32_t intervals;
    struct trace_interval interval[TRACE_INFO_INTERVALS];
    struct trace_reuse reuse;
};

/* Walk the whole workload.  False after adding to `errors` when it ends early. */
bool trace_info_count(const struct workload *workload, struct trace_info *info,
                      struct diagnostics *errors);
/* The same with another limit of exactness. */
bool trace_info_count_within(const struct workload *workload, uint64_t exact_accesses,
                             struct trace_info *info, struct diagnostics *errors);
void trace_info_release(struct trace_info *info);

/* As a table for people, or as one JSON object. */
void trace_info_print(const struct trace_info *info, const struct workload *workload,
                      const char *name, FILE *out);
void trace_info_print_json(const struct trace_info *info, const struct workload *workload,
                           const char *name, FILE *out);

#endif

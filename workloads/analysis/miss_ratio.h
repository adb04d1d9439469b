/* Miss-ratio curves: how many accesses miss an LRU memory, for every size of it,
 * from one pass over a workload.
 *
 * Exact: stack distances (stack_distance.h).  Sampled: SHARDS with a fixed number
 * of pages (Waldspurger et al., "Efficient MRC Construction with SHARDS", FAST
 * 2015): a page is followed if its hash is below a threshold, which is lowered
 * whenever more than so many pages are followed; distances are scaled by the
 * rate, each access weighs the inverse of the rate at its time, and the weight
 * that is missing to the number of accesses goes to distance 0 (SHARDS-adj).
 * docs/curves.md says more. */
#ifndef ZSIM_WORKLOADS_ANALYSIS_MISS_RATIO_H
#define ZSIM_WORKLOADS_ANALYSIS_MISS_RATIO_H

#include "workloads/analysis/page_stream.h"

enum { MISS_RATIO_SAMPLES_DEFAULT = 8192, MISS_RATIO_SAMPLES_AT_LEAST = 64 };

struct miss_ratio_options {
    bool exact;
    uint64_t samples;   /* pages followed at most; 0: do not sample */
    int64_t only_space; /* or PAGE_STREAM_ALL_SPACES */
    /* Called about every 2^20 accesses; may be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *progress_context;
};

/* A miss is an access to a page that is not in memory: its first (since the
 * beginning, or since it was freed), or one after it was evicted: a refault. */
struct miss_ratio {
    uint64_t accesses; /* reads and writes */
    uint64_t frees;
    uint64_t first_touches;        /* exact only */
    uint64_t distinct_pages;       /* ever accessed; exact only */
    uint64_t peak_pages;           /* most that had contents at one time; exact only */
    struct exact_curve *exact;     /* NULL: not asked for */
    struct sampled_curve *sampled; /* NULL: not asked for */
};

/* NULL after adding to `errors`. */
struct miss_ratio *miss_ratio_measure(const struct workload *workload,
                                      const struct miss_ratio_options *options,
                                      struct diagnostics *errors);
void miss_ratio_free(struct miss_ratio *curve); /* accepts NULL */

/* Refaults with a memory of `pages` (at least 1) pages.  Exact. */
uint64_t miss_ratio_refaults(const struct miss_ratio *curve, uint64_t pages);
/* The smallest memory, in pages, without refaults.  Exact. */
uint64_t miss_ratio_enough_pages(const struct miss_ratio *curve);

/* The same from the sample, as estimates. */
struct sampled_estimate {
    double refaults;
    /* One standard error of `refaults`: from the spread between 16 groups of pages
     * by hash, and the curve's slope times the error of distances. */
    double standard_error;
};
struct sampled_estimate miss_ratio_sampled_refaults(const struct miss_ratio *curve, uint64_t pages);
double miss_ratio_sampled_first_touches(const struct miss_ratio *curve);
double miss_ratio_sampled_enough_pages(const struct miss_ratio *curve);
/* Share of pages followed at the end, in 0..1, and how many those are. */
double miss_ratio_sampled_rate(const struct miss_ratio *curve);
uint64_t miss_ratio_sampled_pages(const struct miss_ratio *curve);

#endif

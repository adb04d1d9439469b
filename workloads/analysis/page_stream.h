/* A workload as one stream of numbered pages: what every analysis walks.
 *
 * Pages of all address spaces are numbered one after the other, so that
 * analyses can keep flat arrays. */
#ifndef ZSIM_WORKLOADS_ANALYSIS_PAGE_STREAM_H
#define ZSIM_WORKLOADS_ANALYSIS_PAGE_STREAM_H

#include "workloads/workload.h"

enum { PAGE_STREAM_ALL_SPACES = -1 };

struct page_stream {
    const struct workload *workload;
    struct workload_cursor cursor;
    const struct access *block;
    uint32_t count, at;
    int64_t only_space; /* or PAGE_STREAM_ALL_SPACES */
    uint64_t *base;     /* [spaces]: number of a space's page 0 */
    uint64_t pages;     /* numbers in use are below this */
    bool started;
};

/* False after adding to `errors`: more than 2^32 - 2 pages, or the workload
 * cannot be started.  To be closed in any case. */
bool page_stream_open(struct page_stream *stream, const struct workload *workload,
                      int64_t only_space, struct diagnostics *errors);
/* The next access: its page's number and operation.  False at the end. */
bool page_stream_next(struct page_stream *stream, uint32_t *page, enum access_op *op);
/* Release.  False after adding to `errors` when the workload had ended early. */
bool page_stream_close(struct page_stream *stream, struct diagnostics *errors);

#endif

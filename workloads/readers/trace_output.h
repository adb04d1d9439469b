/* Writing a workload in other programs' formats.
 *
 * A file is written under a temporary name until it is finished, and inside a
 * zstd frame when its name ends in ".zst". */
#ifndef ZSIM_WORKLOADS_READERS_TRACE_OUTPUT_H
#define ZSIM_WORKLOADS_READERS_TRACE_OUTPUT_H

#include "workloads/workload.h"

struct trace_output;

struct trace_output *trace_output_open(const char *path, int level, struct diagnostics *errors);
/* Failures are reported when finishing. */
void trace_output_put(struct trace_output *output, const void *bytes, size_t count);
/* Gives the file its name; false after adding to `errors`.  The output is gone
 * in both cases. */
bool trace_output_finish(struct trace_output *output, struct diagnostics *errors);
void trace_output_abandon(struct trace_output *output); /* accepts NULL */

/* What a format has no place for. */
struct trace_losses {
    uint64_t writes; /* became reads */
    uint64_t frees;  /* left out */
};

struct trace_format_writer {
    const char *name;
    /* Put one block; `first` is the index of its first record. */
    void (*put)(struct trace_output *output, const struct access *block, uint32_t count,
                uint64_t first, void *state);
    const char *header; /* of a text; NULL: none */
    bool has_writes, has_frees;
    /* For put(), made from a pass over the workload; NULL: not needed.
     * prepare() returns NULL after adding to `errors`. */
    void *(*prepare)(const struct workload *workload, struct diagnostics *errors);
    void (*release)(void *state);
};

/* Ended by NULL. */
extern const struct trace_format_writer *const trace_format_writers[];

/* Which side a copy has failed at, if it has: then something was added to `errors`. */
enum trace_copy { TRACE_COPIED, TRACE_NOT_READ, TRACE_NOT_WRITTEN };

/* Write a whole workload. */
enum trace_copy trace_output_write(const struct trace_format_writer *format,
                                   const struct workload *workload, const char *path, int level,
                                   struct trace_losses *losses, struct diagnostics *errors);

/* Call `take` with every block of a workload; false after adding to `errors`. */
typedef void workload_block_taker(void *context, const struct workload_cursor *cursor,
                                  const struct access *block, uint32_t count);
bool workload_each_block(const struct workload *workload, workload_block_taker *take, void *context,
                         struct diagnostics *errors);

/* Where a page lies in a flat address space: spaces are 2^44 bytes apart. */
static inline uint64_t trace_flat_page(struct access record)
{
    return (uint64_t)record.space << 32 | record.page;
}

#endif

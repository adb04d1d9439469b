/* From addresses, blocks and objects to numbered pages.
 *
 * A page is numbered within its space when it is first touched, so traces of
 * far-apart addresses stay narrow.  Records go to a sink, a block at a time. */
#ifndef ZSIM_WORKLOADS_READERS_TRACE_PAGES_H
#define ZSIM_WORKLOADS_READERS_TRACE_PAGES_H

#include "sim/base/fuzzing.h"
#include "workloads/workload.h"

/* Pages that one access may cover (4 GiB); more is taken for a mistake. */
enum { TRACE_PAGES_AT_ONCE = USUAL_OR_FUZZING(1 << 20, 1 << 8) };

typedef void trace_sink(void *context, const struct access *records, uint32_t count);

struct trace_input;
struct trace_pages;

struct trace_pages *trace_pages_create(trace_sink *sink, void *context);
/* A mistake of `input`, and nothing more is touched, when there are more records or
 * distinct pages. */
void trace_pages_limit(struct trace_pages *stream, struct trace_input *input, uint64_t records,
                       uint64_t pages);
/* Hands the last records to the sink; accepts NULL. */
void trace_pages_free(struct trace_pages *stream);
void trace_pages_flush(struct trace_pages *stream);

/* The space of this name, a new one if need be; UINT32_MAX when there are more
 * than WORKLOAD_SPACES_AT_MOST. */
uint32_t trace_pages_space(struct trace_pages *stream, const char *name, size_t length);

/* Touch one page, known by two numbers.  Nothing is touched when its space has
 * 2^32 - 1 pages already (trace_pages_full()). */
void trace_pages_touch(struct trace_pages *stream, uint32_t space, uint64_t object, uint64_t page,
                       enum access_op op);
bool trace_pages_knows(const struct trace_pages *stream, uint32_t space, uint64_t object,
                       uint64_t page);

/* Touch every page of the bytes address..address + bytes - 1, at least one.
 * A free takes only the pages that lie wholly inside.  False, and nothing is
 * touched, when they wrap around or are more than TRACE_PAGES_AT_ONCE. */
bool trace_pages_range(struct trace_pages *stream, uint32_t space, uint64_t address, uint64_t bytes,
                       enum access_op op);

/* Touch every page of an object of so many bytes, at least one: an object has
 * ceil(bytes / 4096) pages of its own.  False as above. */
bool trace_pages_object(struct trace_pages *stream, uint32_t space, uint64_t object, uint64_t bytes,
                        enum access_op op);

/* Touches handed on so far. */
uint64_t trace_pages_records(const struct trace_pages *stream);
/* A page could not be numbered. */
bool trace_pages_full(const struct trace_pages *stream);

#endif

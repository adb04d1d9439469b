/* The bytes of a foreign trace: a file or a pipe, plain or compressed (zstd,
 * gzip, zlib; told by their first bytes), handed out as lines or as blocks.
 *
 * The first mistake is added to the diagnostics and ends the reading: later
 * calls return nothing.  Positions are those of the decompressed content. */
#ifndef ZSIM_WORKLOADS_READERS_TRACE_INPUT_H
#define ZSIM_WORKLOADS_READERS_TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "sim/base/fuzzing.h"

enum {
    TRACE_INPUT_BYTES =
        USUAL_OR_FUZZING(1 << 20, 1 << 10), /* held at once; also the longest line */
    TRACE_INPUT_HEAD_BYTES = USUAL_OR_FUZZING(1 << 14, 1 << 9) /* seen by who recognises a format */
};

struct trace_input;

/* `file` stays the caller's; `name` stands for it in messages. */
struct trace_input *trace_input_open(int file, const char *name, struct diagnostics *errors);
void trace_input_close(struct trace_input *input); /* accepts NULL */

/* The first bytes, at most TRACE_INPUT_HEAD_BYTES, without taking them; only
 * before anything was taken.  Ended by a zero byte that is not counted. */
const char *trace_input_head(struct trace_input *input, size_t *bytes);

/* The next line without its end ("\n" or "\r\n"), ended by a zero byte; valid
 * until the next call.  NULL at the end and after a mistake. */
char *trace_input_line(struct trace_input *input);

/* The line taken last had an end.  Without one, at the end of the content, it may be the first
 * half of a line. */
bool trace_input_line_ended(const struct trace_input *input);
/* The same; false after adding the mistake that it had none. */
bool trace_input_line_whole(struct trace_input *input);

/* Up to `bytes` bytes; fewer at the end and after a mistake. */
size_t trace_input_take(struct trace_input *input, void *out, size_t bytes);

/* Bytes taken so far. */
uint64_t trace_input_offset(const struct trace_input *input);

bool trace_input_failed(const struct trace_input *input);

/* A mistake in the line taken last, at `at` within it.  Returns false. */
bool trace_input_line_error(struct trace_input *input, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A mistake at a byte of the (decompressed) content.  Returns false. */
bool trace_input_byte_error(struct trace_input *input, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A mistake of the file as a whole.  Returns false. */
bool trace_input_error(struct trace_input *input, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* XXH3-128 of the file's bytes read so far, in hexadecimal. */
void trace_input_fingerprint(const struct trace_input *input, char out[33]);

/* Room for a piece of text as a message quotes it. */
enum { TRACE_QUOTED_BYTES = 41 };
/* The beginning of text[0..length), what cannot be printed as '?'.  Returns out. */
const char *trace_quote(const char *text, size_t length, char out[TRACE_QUOTED_BYTES]);

#endif

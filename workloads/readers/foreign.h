/* Readers of other programs' traces.
 *
 * A reader is one file: its parameters, how its format is recognised, how it is
 * read, and the workload type that it makes, which is one line in
 * workloads/registry.c.  A type that has a `reader` can stand in a config, be
 * read by `zsim trace` and be found by looking at a file's first bytes. */
#ifndef ZSIM_WORKLOADS_READERS_FOREIGN_H
#define ZSIM_WORKLOADS_READERS_FOREIGN_H

#include "workloads/readers/trace_input.h"
#include "workloads/readers/trace_pages.h"

enum {
    TRACE_NOTE_BYTES = 512,
    /* Of a trace in memory: 0.8 GB of records, and 0.6 GB to number the pages of 32 GiB. */
    TRACE_RECORDS_HELD = 100000000,
    TRACE_PAGES_HELD = 1 << 23,
};

struct trace_reading {
    struct trace_input *input;
    struct trace_pages *pages;
    const void *params; /* the type's own */
    /* Filled by the reader: what the records stand for, assumptions included. */
    char note[TRACE_NOTE_BYTES];
};

struct trace_reader {
    /* A file that begins with these (decompressed) bytes is of this format.
     * No two readers may want the same file. */
    bool (*recognise)(const char *head, size_t bytes);
    /* Read to the end; false after a mistake was reported to the input.  NULL
     * for a type that opens its file itself. */
    bool (*read)(struct trace_reading *reading);
};

/* Read `file` as a type's format and hand the records to `sink`.  Reports a
 * trace without accesses.  Not `streamed`: the sink holds the records in memory, and
 * more than it should is a mistake.  `note` and `fingerprint` may be NULL.  False after
 * adding to `errors`. */
bool foreign_read(const struct workload_type *type, const void *params, int file, const char *name,
                  bool streamed, trace_sink *sink, void *context, char note[TRACE_NOTE_BYTES],
                  char fingerprint[33], struct diagnostics *errors);

/* A workload that holds the records in memory: open, close, start, next and
 * stop of every type that has a reader.  The file is the parameter "file". */
struct workload *foreign_open(const struct workload_type *type, const void *params,
                              const struct source_position *position, struct diagnostics *errors);
void foreign_close(struct workload *workload);
bool foreign_start(struct workload_cursor *cursor);
uint32_t foreign_next(struct workload_cursor *cursor, const struct access **block);
void foreign_stop(struct workload_cursor *cursor);

/* The workload type of a reader, at the end of its file: `recognise`, `read_trace` and the
 * parameters' `rows` are those of the file. */
#define TRACE_READER_TYPE(id, params_type, about)                                                  \
    static struct workload *open_type(const void *params, uint64_t seed,                           \
                                      const struct source_position *position,                      \
                                      struct diagnostics *errors)                                  \
    {                                                                                              \
        (void)seed;                                                                                \
        return foreign_open(&workload_##id, params, position, errors);                             \
    }                                                                                              \
    static const struct trace_reader reader = {.recognise = recognise, .read = read_trace};        \
    const struct workload_type workload_##id = {                                                   \
        .name = #id,                                                                               \
        .summary = about,                                                                          \
        .params = PARAM_TABLE(rows, params_type),                                                  \
        .reader = &reader,                                                                         \
        .open = open_type,                                                                         \
        .close = foreign_close,                                                                    \
        .start = foreign_start,                                                                    \
        .next = foreign_next,                                                                      \
        .stop = foreign_stop,                                                                      \
    };

/* The note of a workload opened so, or NULL for any other workload. */
const char *foreign_note(const struct workload *workload);

/* ---- any trace file ----------------------------------------------------------- */

/* A type with a reader, or the native one, by name: case, '-' and '_' do not
 * count, "native" means "trace".  NULL when there is none. */
const struct workload_type *trace_format_find(const char *name);

/* Equal but for case, '-' and '_'. */
bool trace_format_same_name(const char *left, const char *right);

/* "native, lackey, ..." */
const char *trace_format_names(struct arena *arena);
/* The type of a file by its first bytes; NULL after adding to `errors`. */
const struct workload_type *trace_format_detect(const char *path, struct diagnostics *errors);

/* Parameters of a type from "KEY=VALUE,KEY=VALUE"; '-' and '_' in a key are the
 * same, and a comma belongs to the value unless KEY= follows it, so that
 * "delimiter=,,has-header=true" means what it seems to.  `path` becomes the
 * parameter "file".  NULL after adding to `errors`. */
void *trace_format_params(const struct workload_type *type, const char *path, const char *options,
                          struct arena *arena, struct diagnostics *errors);

/* Open any trace file.  `format` NULL: recognise it; `options` may be NULL. */
struct workload *trace_file_open(const char *path, const char *format, const char *options,
                                 struct diagnostics *errors);

/* ---- reading numbers ---------------------------------------------------------- */

/* A whole decimal (or hexadecimal) number at *at, which is moved behind it;
 * false, with *at unmoved, when there is none or it is over 64 bits. */
bool trace_take_decimal(const char **at, uint64_t *value);
bool trace_take_hexadecimal(const char **at, uint64_t *value);
const char *trace_skip_blanks(const char *at);

#endif

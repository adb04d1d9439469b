/* Writes native traces, version 1 or 2, under a temporary name until finished. */
#ifndef ZSIM_WORKLOADS_READERS_NATIVE_WRITER_H
#define ZSIM_WORKLOADS_READERS_NATIVE_WRITER_H

#include "workloads/readers/native.h"

enum { NATIVE_WRITER_LEVEL = 9, NATIVE_WRITER_LEVEL_AT_MOST = 19 };

struct native_writer;

/* Begin a trace that will be called `path`.  `version` is 1 or 2; `level` is
 * zstd's, for version 2.  NULL after adding to `errors`. */
struct native_writer *native_writer_open(const char *path, unsigned version, int level,
                                         struct diagnostics *errors);

/* A space has at least so many pages, even if none of its records says so. */
void native_writer_space(struct native_writer *writer, uint32_t space, uint32_t pages);

/* Where the trace comes from, for people (version 2; version 1 has no place). */
void native_writer_note(struct native_writer *writer, const char *note);

/* Say what a range of pages is for (version 2; version 1 has no place). */
void native_writer_region(struct native_writer *writer, const struct native_region *region);

/* Append records.  Mistakes (a 9th space in version 1, a full disk) are
 * reported by native_writer_finish(). */
void native_writer_put(struct native_writer *writer, const struct access *records, uint32_t count);

uint64_t native_writer_records(const struct native_writer *writer);

/* Complete the file and give it its name.  False after adding to `errors`;
 * nothing is left behind then.  The writer is gone in both cases. */
bool native_writer_finish(struct native_writer *writer, struct diagnostics *errors);

/* Remove what was written; accepts NULL. */
void native_writer_abandon(struct native_writer *writer);

#endif

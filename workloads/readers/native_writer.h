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

/* What a space is called, for people (version 2). */
void native_writer_space_name(struct native_writer *writer, uint32_t space, const char *name);

/* One page in `pages` of the program is in the trace (version 2). */
void native_writer_sample(struct native_writer *writer, uint32_t pages);

/* Add a task; its number (version 2; at most NATIVE_TASKS_AT_MOST).  `records`
 * of the row is counted here. */
uint32_t native_writer_task(struct native_writer *writer, const struct native_task *task);

/* Say later which space a task's own memory is. */
void native_writer_task_space(struct native_writer *writer, uint32_t task, uint32_t space);

/* The records that follow are this task's. */
void native_writer_switch(struct native_writer *writer, uint32_t task);

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

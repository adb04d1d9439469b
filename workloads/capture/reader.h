/* The thread that reads what valgrind writes, one FIFO a process, and records it. */
#ifndef ZSIM_WORKLOADS_CAPTURE_READER_H
#define ZSIM_WORKLOADS_CAPTURE_READER_H

#include "workloads/capture/valgrind_text.h"

struct capture_reader;

/* Begin.  `objects` and its recorder belong to the reader until it is joined;
 * recorder.progress may be read meanwhile. */
struct capture_reader *capture_reader_start(struct mapped_objects *objects, bool instructions);

/* A process that was stopped before its first instruction.  `file` is its FIFO,
 * open without blocking, and is closed here.  `parent`: 0 for the first. */
void capture_reader_add(struct capture_reader *reader, uint32_t pid, uint32_t parent, int file);

/* It has exited; what it wrote is still read. */
void capture_reader_end(struct capture_reader *reader, uint32_t pid);

/* Wait until all is read; every process must have been ended. */
void capture_reader_join(struct capture_reader *reader);

#endif

/* Native traces: the mapped file and its layouts (docs/formats.md). */
#ifndef ZSIM_WORKLOADS_READERS_NATIVE_H
#define ZSIM_WORKLOADS_READERS_NATIVE_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "sim/base/fuzzing.h"
#include "workloads/workload.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "records are handed out as they lie in the file, which is little endian");
_Static_assert(sizeof(struct access) == 8, "a record is 8 bytes");

#define NATIVE_MAGIC "KZTRACE1"

enum {
    NATIVE1_HEADER_BYTES = 56,
    NATIVE1_SPACES_AT_MOST = 8,
    NATIVE2_HEADER_BYTES = 72,
    NATIVE2_SPACE_ROW_BYTES = 8,
    NATIVE2_REGION_ROW_BYTES = 16,
    NATIVE2_BLOCK_ROW_BYTES = 16,
    NATIVE2_TASK_ROW_BYTES = 32,
    NATIVE2_RECORDS_A_BLOCK = 1 << 18,         /* as written */
    NATIVE2_RECORDS_A_BLOCK_AT_MOST = 1 << 20, /* as accepted: bounds a reader's memory */
    NATIVE2_RECORD_BYTES_AT_MOST = 8,          /* encoded: a change of space and a page */
    NATIVE2_TASK_BYTES_AT_MOST = 3,            /* encoded: a change of task before it */
    NATIVE2_TASK_BASE = 1 << 16,               /* numbers from here on are tasks, not spaces */
    NATIVE_TASKS_AT_MOST = 65535,
    NATIVE_BLOCK_RECORDS = USUAL_OR_FUZZING(4096, 16), /* handed out at once */
    NATIVE_FAILURE_BYTES = 512,
};

enum native_layout {
    NATIVE_PLAIN,      /* version 1: records as they are */
    NATIVE_COMPRESSED, /* version 1 inside a zstd stream */
    NATIVE_BLOCKS,     /* version 2 */
};

/* What a range of pages is for, where the recorder knew (version 2). */
enum native_region_kind {
    NATIVE_REGION_UNKNOWN = 0,
    NATIVE_REGION_HEAP = 1,
    NATIVE_REGION_STACK = 2,
    NATIVE_REGION_ANONYMOUS = 3, /* mmap without a file */
    NATIVE_REGION_FILE = 4,
    NATIVE_REGION_CODE = 5,
    NATIVE_REGION_SHARED = 6, /* memory that several processes may map: shmem, memfd */
    NATIVE_REGION_KINDS
};
extern const char *const native_region_kinds[NATIVE_REGION_KINDS];

struct native_region {
    uint32_t space, first, pages;
    enum native_region_kind kind;
    const char *name; /* may be "" */
};

/* A thread of a process that was recorded (version 2). */
struct native_task {
    uint32_t space;   /* of its process's own memory, or NATIVE_NONE */
    uint32_t process; /* number that the kernel gave it while it was recorded */
    uint32_t thread;  /* number within the process, from 1 */
    uint32_t parent;  /* task that forked the process, or NATIVE_NONE */
    uint64_t records; /* of the trace that are its own */
    const char *name; /* the command */
};
#define NATIVE_NONE UINT32_MAX

struct native_block {
    uint64_t offset; /* in the file */
    uint32_t compressed_bytes, encoded_bytes;
    uint64_t checksum; /* XXH3-64 of the encoded bytes */
};

/* An open trace; read-only once open. */
struct native_trace {
    enum native_layout layout;
    char *path;
    const unsigned char *bytes; /* the mapped file */
    size_t size;
    dev_t device; /* which file it was, and when it was last written */
    ino_t inode;
    struct timespec written;
    uint64_t records;
    uint32_t spaces;
    uint32_t *limits; /* [65536]: pages of a space, 0 for a space that there is not */
    char fingerprint[33];
    /* Version 2 alone: */
    uint32_t records_a_block, blocks, regions, tasks;
    uint32_t sample; /* pages of the program for each page of the trace; 1: all were recorded */
    struct native_block *block;
    struct native_region *region;
    struct native_task *task;
    const char **space_names; /* [spaces] */
    char *note;               /* where the trace comes from; "" otherwise */
    struct arena arena;
};

/* Map and check everything but the records.  NULL after adding to `errors`:
 * at `position` when the file cannot be opened, else with the byte offset. */
struct native_trace *native_open(const char *path, const struct source_position *position,
                                 struct diagnostics *errors);
void native_close(struct native_trace *trace); /* accepts NULL */

/* A walk over the records of a trace; several may walk one trace. */
struct native_walk {
    const struct native_trace *trace;
    uint64_t position;                  /* records handed out */
    char failure[NATIVE_FAILURE_BYTES]; /* "": none */
    struct access *records;             /* [NATIVE_BLOCK_RECORDS], not for NATIVE_PLAIN */
    uint16_t *record_tasks; /* whose each record of the block is; NULL when there are no tasks */
    struct native_decoder *decoder; /* the layout's own */
};

/* From the first record on; false: its blocks cannot be read. */
bool native_walk_start(struct native_walk *walk, const struct native_trace *trace);
/* As workload_type.next: checked records; 0 at the end and on failure. */
uint32_t native_walk_next(struct native_walk *walk, const struct access **block);
void native_walk_stop(struct native_walk *walk);

/* ---- between native*.c -------------------------------------------------- */

/* Reads of little-endian numbers at any alignment. */
uint16_t native_get16(const unsigned char *bytes);
uint32_t native_get32(const unsigned char *bytes);
uint64_t native_get64(const unsigned char *bytes);

/* "byte OFFSET: TEXT" for the file. */
void native_error(const struct native_trace *trace, struct diagnostics *errors, uint64_t offset,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "PATH: byte OFFSET: TEXT" into the walk; returns 0. */
uint32_t native_fail(struct native_walk *walk, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Check a version 1 header of NATIVE1_HEADER_BYTES and take it over. */
bool native1_header(struct native_trace *trace, const unsigned char *header,
                    struct diagnostics *errors);
/* Check records; on failure names the first bad one.  `offset`: of records[0]. */
bool native_check_records(struct native_walk *walk, const struct access *records, uint32_t count,
                          uint64_t offset);

bool native2_open(struct native_trace *trace, struct diagnostics *errors);
bool native2_start(struct native_walk *walk);
uint32_t native2_next(struct native_walk *walk);
void native2_stop(struct native_walk *walk);

bool native_compressed_open(struct native_trace *trace, struct diagnostics *errors);
bool native_compressed_start(struct native_walk *walk);
uint32_t native_compressed_next(struct native_walk *walk);
void native_compressed_stop(struct native_walk *walk);

#endif

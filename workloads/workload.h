/* Where page accesses come from: traces and generators behind one table.
 *
 * A `struct workload` is opened once per process and shared, read-only, by all
 * runs that use it (a trace is mapped once, a zipf table built once).  Each run
 * walks it with its own `struct workload_cursor`.
 *
 * Accesses are handed out in blocks of 8-byte records, laid out as in the
 * native trace format, so a mapped trace is passed on without a copy.  A
 * workload covers one or more address spaces (in a native trace: its
 * "cgroups"), numbered from 0; page numbers are private to a space. */
#ifndef ZSIM_WORKLOADS_WORKLOAD_H
#define ZSIM_WORKLOADS_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "sim/base/fuzzing.h"
#include "sim/base/params.h"

enum access_op {
    ACCESS_READ = 0,
    ACCESS_WRITE = 1,
    ACCESS_FREE = 2, /* contents dropped; swap and zswap copies invalidated */
};

struct access {
    uint32_t page;
    uint16_t space;
    uint8_t op; /* enum access_op */
    uint8_t reserved;
};

enum { WORKLOAD_SPACES_AT_MOST = 65535 };
/* Pages of one address space that a generator may be asked for. */
#define WORKLOAD_PAGES_AT_MOST USUAL_OR_FUZZING(UINT32_MAX, (uint32_t)1 << 18)

struct trace_reader;

struct workload {
    const struct workload_type *type;
    uint32_t spaces;
    const uint32_t *space_pages; /* [spaces]: largest page number + 1 */
    uint32_t file_spaces;        /* the last of them are files in a tmpfs, not a process's memory */
    uint32_t shared_spaces;      /* the last of those are the same for all tasks of one "count" */
    uint64_t accesses;           /* records in all; a trace's end is explicit */
    uint64_t process_ns;         /* system time of a process beside its memory, spent when page 0 of
                                    space 0 is freed; 0: processes are not told apart */
    const char *fingerprint; /* hex hash of the content (file bytes, or type + parameters + seed) */
    void *state;
};

struct workload_cursor {
    const struct workload *workload;
    uint64_t position; /* records handed out so far */
    void *state;       /* the type's own */
};

struct workload_type {
    const char *name; /* as in a config: "workload": {"type": NAME, ...} */
    const char *summary;
    struct param_table params;
    /* How the type's files are recognised and read (workloads/readers/foreign.h);
     * NULL for types that are not another program's file. */
    const struct trace_reader *reader;
    /* `params` is the filled parameter struct, `position` where messages point.
     * NULL after adding to `errors`.  `seed` is the run's seed for types that
     * are random and have no seed of their own. */
    struct workload *(*open)(const void *params, uint64_t seed,
                             const struct source_position *position, struct diagnostics *errors);
    void (*close)(struct workload *workload); /* accepts NULL */
    bool seeded;                              /* a different run seed gives a different stream */
    /* As open() with another seed than that of `twin`, which has the same parameters; what does
     * not depend on the seed is shared with it, and is there until both are closed.  Not to be
     * called, nor close(), by several threads at once.  NULL: there is nothing to share. */
    struct workload *(*open_twin)(const struct workload *twin, const void *params, uint64_t seed,
                                  const struct source_position *position,
                                  struct diagnostics *errors);

    bool (*start)(struct workload_cursor *cursor);
    /* The next block: *block stays valid until the next call.  Returns the
     * number of records (0: the end).  Every record of a block has been checked:
     * space < spaces, page < space_pages[space], op known. */
    uint32_t (*next)(struct workload_cursor *cursor, const struct access **block);
    void (*stop)(struct workload_cursor *cursor);
    /* The message of a failure that ended the stream early (a corrupt block in
     * the middle of a trace), or NULL.  May be NULL itself. */
    const char *(*failure)(const struct workload_cursor *cursor);
};

/* workloads/registry.c; ended by NULL. */
extern const struct workload_type *const workload_types[];
const struct workload_type *workload_type_find(const char *name);

#endif

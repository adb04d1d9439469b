/* Type `trace`: a native trace file. */
#include "workloads/readers/readers.h"

#include <stdlib.h>

#include "sim/base/memory.h"
#include "workloads/readers/native.h"

struct trace_params {
    const char *file;
};

static const struct param trace_rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct trace_params, file),
     .flags = PARAM_REQUIRED,
     .help = "native trace, version 1 (also inside a zstd stream) or 2; the layout is detected"},
};

static struct workload *trace_open(const void *params, uint64_t seed,
                                   const struct source_position *position,
                                   struct diagnostics *errors)
{
    (void)seed;
    const struct trace_params *own = params;
    struct native_trace *trace = native_open(own->file, position, errors);
    if (!trace)
        return NULL;
    struct workload *workload = memory_zeroed(1, sizeof(*workload), "a workload");
    *workload = (struct workload){.type = &workload_trace,
                                  .spaces = trace->spaces,
                                  .space_pages = trace->limits,
                                  .accesses = trace->records,
                                  .fingerprint = trace->fingerprint,
                                  .state = trace};
    return workload;
}

struct workload *trace_workload_open(const char *path, const struct source_position *position,
                                     struct diagnostics *errors)
{
    return trace_open(&(struct trace_params){.file = path}, 0, position, errors);
}

const struct native_trace *trace_workload_native(const struct workload *workload)
{
    return workload->type == &workload_trace ? workload->state : NULL;
}

const uint16_t *trace_cursor_tasks(const struct workload_cursor *cursor)
{
    if (cursor->workload->type != &workload_trace)
        return NULL;
    const struct native_walk *walk = cursor->state;
    return walk->record_tasks;
}

static void trace_close(struct workload *workload)
{
    if (!workload)
        return;
    native_close(workload->state);
    free(workload);
}

static bool trace_start(struct workload_cursor *cursor)
{
    struct native_walk *walk = memory_zeroed(1, sizeof(*walk), "a trace cursor");
    cursor->position = 0;
    cursor->state = walk;
    return native_walk_start(walk, cursor->workload->state);
}

static uint32_t trace_next(struct workload_cursor *cursor, const struct access **block)
{
    uint32_t count = native_walk_next(cursor->state, block);
    cursor->position += count;
    return count;
}

static void trace_stop(struct workload_cursor *cursor)
{
    if (!cursor->state)
        return;
    native_walk_stop(cursor->state);
    free(cursor->state);
    cursor->state = NULL;
}

static const char *trace_failure(const struct workload_cursor *cursor)
{
    const struct native_walk *walk = cursor->state;
    return walk && walk->failure[0] ? walk->failure : NULL;
}

const struct workload_type workload_trace = {
    .name = "trace",
    .summary = "a recorded trace in the native format",
    .params = PARAM_TABLE(trace_rows, struct trace_params),
    .open = trace_open,
    .close = trace_close,
    .start = trace_start,
    .next = trace_next,
    .stop = trace_stop,
    .failure = trace_failure,
};

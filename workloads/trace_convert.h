/* `zsim trace convert`: from any format that is read to any that is written. */
#ifndef ZSIM_WORKLOADS_TRACE_CONVERT_H
#define ZSIM_WORKLOADS_TRACE_CONVERT_H

#include "workloads/readers/trace_output.h"
#include "workloads/workload.h"

struct trace_conversion {
    const char *in, *out;             /* in "-": standard input, if it is not native */
    const struct workload_type *from; /* the format of `in`... */
    const void *params;               /* ... and its parameters */
    unsigned version;                 /* native version to write, 1 or 2; 0: use `to` */
    const struct trace_format_writer *to;
    int level;        /* zstd's */
    const char *note; /* NULL: none */
};

/* What was written, in one line on stderr where something was dropped or
 * counted. */
enum trace_copy trace_convert(const struct trace_conversion *conversion,
                              struct diagnostics *errors);

/* Write a workload as a native trace.  Regions and the note of a native or foreign
 * trace are kept; `note` (NULL: none) comes first. */
enum trace_copy trace_write_native(const struct workload *workload, const char *path,
                                   unsigned version, int level, const char *note,
                                   struct diagnostics *errors);

#endif

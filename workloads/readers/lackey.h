/* Text of `valgrind --tool=lackey --trace-mem=yes` (docs/formats.md, "Lackey"). */
#ifndef ZSIM_WORKLOADS_READERS_LACKEY_H
#define ZSIM_WORKLOADS_READERS_LACKEY_H

#include "workloads/workload.h"

enum { LACKEY_WINDOW = 8, LACKEY_WINDOW_AT_MOST = 4096 };

struct lackey_options {
    bool instructions; /* instruction fetches are reads too; else they are dropped */
    /* An access is dropped when its page is among the last `window` pages that
     * entered the trace, unless it is the first write since the page entered. */
    uint32_t window;
    uint64_t records_at_most; /* more are a mistake; 0: any number */
};

struct lackey_counts {
    uint64_t loads, stores, modifies, instructions; /* lines */
    uint64_t accesses; /* pages touched by the lines that are not dropped */
    uint64_t records;  /* that are left after collapsing */
    uint32_t pages;    /* distinct pages, numbered in the order of first touch */
};

/* Takes the records; a whole block at a time. */
typedef void lackey_sink(void *context, const struct access *records, uint32_t count);

/* Read text from `file` to its end.  `name` stands for it in messages.  False
 * after adding to `errors` (with the number of the line).  `fingerprint` may be
 * NULL. */
bool lackey_read(int file, const char *name, const struct lackey_options *options,
                 lackey_sink *sink, void *context, struct lackey_counts *counts,
                 char fingerprint[33], struct diagnostics *errors);

/* The options that the parameters of type `lackey` stand for. */
struct lackey_options lackey_params_options(const void *params);

#endif

/* What the commands that analyse a trace have in common. */
#ifndef ZSIM_CLI_ANALYSIS_H
#define ZSIM_CLI_ANALYSIS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "workloads/content/content.h"
#include "workloads/workload.h"

/* zsim trace, zsim trace mrc, zsim trace bound, zsim advise: argv[0] is the last word. */
int command_trace(int argc, char **argv);
int command_mrc(int argc, char **argv);
int command_bound(int argc, char **argv);
int command_advise(int argc, char **argv);

/* What the pages of a trace hold, as far as the user has told. */
struct trace_contents {
    struct content **of_space; /* [spaces] */
    uint32_t spaces;
    bool assumed; /* no profile was given */
    const char *description;
    struct arena arena;
};

/* From a content profile (NULL: the contents that a config has by default).
 * False after adding to `errors`, also when the profile does not know the
 * compressor. */
bool trace_contents_open(struct trace_contents *contents, const struct workload *workload,
                         const char *profile, unsigned compressor, struct diagnostics *errors);
void trace_contents_close(struct trace_contents *contents);

/* "dir/name.kzt" -> "name". */
char *trace_name(const char *path);

/* One page in how many the trace holds; 1: all, or it does not say. */
uint32_t trace_sample(const struct workload *workload);

/* "12.50 MiB" in `out`; `pages` of 4 KiB. */
const char *pages_as_size(char out[24], double pages);

/* A size of whole pages, at least one, from a flag.  0: done; else an exit code
 * after a message. */
int take_size(const char *flag, const char *text, uint64_t *bytes);
/* A compressor by name; as above. */
int take_compressor(const char *text, unsigned *compressor);

/* "zsim: reading: 42 %" on a terminal. */
void show_reading(void *context, uint64_t done, uint64_t total);
void clear_progress(void);

/* Write a document and have scripts/plot draw its figures.  A missing gnuplot is
 * told, not a failure.  Returns an exit code. */
int write_document(cJSON *document, const char *directory, const char *file_name);

#endif

/* Page-content profiles: what the pages of a running process, or of files,
 * compress to.  Only kinds and lengths are kept, never contents. */
#ifndef ZSIM_WORKLOADS_SAMPLER_H
#define ZSIM_WORKLOADS_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "workloads/content/content.h"

#define CONTENT_PROFILE_SCHEMA "zsim.content-profile/1"

/* One page: its kind and its length under compressors[i], in the order of compressors[]. */
struct content_sample {
    enum content_kind kind;
    uint16_t length[COMPRESSORS_AT_MOST];
};

struct content_profile {
    char *source;        /* where the pages came from, for people */
    uint64_t pages_seen; /* pages that the sample was drawn from */
    uint64_t seed;       /* of the draw */
    size_t count;
    struct content_sample *samples;
};

/* Measure one page. */
void content_sample_buffer(struct compressor_workspace *workspace,
                           const unsigned char page[PAGE_BYTES], struct content_sample *out);

/* Sample at most max_pages (> 0) of the resident anonymous pages of a process, each
 * with the same chance.  Pages that go away in between are left out.  Needs the
 * right to trace the process (ptrace(2)).  False after adding to `errors`. */
bool content_sample_process(pid_t pid, size_t max_pages, uint64_t seed,
                            struct content_profile *profile, struct diagnostics *errors);

/* The same for regular files, all together; the last page of a file is filled
 * up with zeros, as the page cache does. */
bool content_sample_files(const char *const *paths, size_t count, size_t max_pages, uint64_t seed,
                          struct content_profile *profile, struct diagnostics *errors);
bool content_sample_file(const char *path, size_t max_pages, uint64_t seed,
                         struct content_profile *profile, struct diagnostics *errors);

/* Write a profile as JSON (docs/formats.md, "Content profiles"), under a
 * temporary name first.  False after adding to `errors`. */
bool content_profile_write(const char *path, const struct content_profile *profile,
                           struct diagnostics *errors);

void content_profile_release(struct content_profile *profile);

/* "ordinary", "same", "zero" by enum content_kind; ended by NULL. */
extern const char *const content_kind_names[];

/* `zsim content sample ...`; argv[0] is "sample".  Returns the exit code. */
int content_sample_main(int argc, char **argv);

#endif

/* Page-content profiles: what the pages of a running process, or of files,
 * compress to.  Only kinds and lengths are kept, never contents. */
#ifndef ZSIM_WORKLOADS_SAMPLER_H
#define ZSIM_WORKLOADS_SAMPLER_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "workloads/content/content.h"

#define CONTENT_PROFILE_SCHEMA "zsim.content-profile/1"

/* One page: its kind and its length under compressors[i], in the order of compressors[]. */
struct content_sample {
    enum content_kind kind;
    uint16_t length[COMPRESSORS_AT_MOST];
};

enum { ZSTD_LEVELS_AT_MOST = 8, ZSTD_LEVEL_AT_MOST = 22 };

/* How to sample. */
struct content_sampling {
    size_t max_pages; /* > 0 */
    uint64_t seed;    /* of the draw */
    /* Levels of zstd beside those of compressors[], as zram sets them up:
     * drivers/block/zram/backend_zstd.c, zstd_get_params(level, PAGE_SIZE). */
    unsigned level_count;
    int levels[ZSTD_LEVELS_AT_MOST];
    bool keep_contents; /* the bytes too */
};

struct content_profile {
    char *source;        /* where the pages came from, for people */
    uint64_t pages_seen; /* pages that the sample was drawn from */
    uint64_t seed;       /* of the draw */
    size_t count;
    struct content_sample *samples;
    unsigned level_count;
    int levels[ZSTD_LEVELS_AT_MOST];
    uint16_t *level_lengths; /* [count][level_count] */
    unsigned char *contents; /* [count][PAGE_BYTES], or NULL */
};

/* True when zswap would refuse a page with this length under its compressor:
 * mm/zswap.c, zswap_compress(): not shorter than the page, or an error. */
static inline bool content_incompressible(uint16_t length)
{
    return length == COMPRESSOR_FAILED || length >= PAGE_BYTES;
}

/* Measure one page. */
void content_sample_buffer(struct compressor_workspace *workspace,
                           const unsigned char page[PAGE_BYTES], struct content_sample *out);

/* Sample at most how->max_pages of the resident anonymous pages of a process, each
 * with the same chance.  Pages that go away in between are left out.  Needs the
 * right to trace the process (ptrace(2)).  False after adding to `errors`. */
bool content_sample_process(pid_t pid, const struct content_sampling *how,
                            struct content_profile *profile, struct diagnostics *errors);

/* The same for regular files, all together; the last page of a file is filled
 * up with zeros, as the page cache does. */
bool content_sample_files(const char *const *paths, size_t count,
                          const struct content_sampling *how, struct content_profile *profile,
                          struct diagnostics *errors);

/* Write a profile as JSON (docs/formats.md, "Content profiles"), under a
 * temporary name first.  False after adding to `errors`. */
bool content_profile_write(const char *path, const struct content_profile *profile,
                           struct diagnostics *errors);

/* The bytes of the sampled pages, in the order of the rows, readable by their
 * owner alone; how->keep_contents must have been set. */
bool content_profile_write_contents(const char *path, const struct content_profile *profile,
                                    struct diagnostics *errors);

/* What the pages compress to, as a table for people. */
void content_profile_print(const struct content_profile *profile, FILE *out);

void content_profile_release(struct content_profile *profile);

/* "ordinary", "same", "zero" by enum content_kind; ended by NULL. */
extern const char *const content_kind_names[];

/* `zsim content sample ...`; argv[0] is "sample".  Returns the exit code. */
int content_sample_main(int argc, char **argv);

/* Of the command `zsim content sample`. */
extern const struct option sample_flags[];

#endif

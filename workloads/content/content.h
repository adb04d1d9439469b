/* What pages contain, as far as a compressor can tell.
 *
 * Contents are deterministic: a rule says for every page of a space what bytes
 * it holds, and the real compression algorithms are run on those bytes.  A
 * page's length under a compressor is computed once per process and kept in a
 * table that all runs share (2 bytes a page and compressor, filled on first
 * use, any thread), and so is its kind (2 bits);
 * workloads/content/length_cache.h keeps the lengths for the next process. */
#ifndef ZSIM_WORKLOADS_CONTENT_H
#define ZSIM_WORKLOADS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"
#include "sim/base/params.h"
#include "sim/base/prefetch.h"
#include "sim/base/units.h"

/* ---- compressors ------------------------------------------------------- */

enum {
    COMPRESSOR_FAILED = 0, /* length: the kernel's compressor returns an error */
    COMPRESSORS_AT_MOST = 16,
    COMPRESSED_AT_MOST = 16383, /* bytes; the largest length that the tables hold */
};

/* Memory that the compression libraries work in.  One per thread at a time;
 * parts are made when first needed (zstd's are large). */
struct compressor_workspace;
struct compressor_workspace *compressor_workspace_create(void);
void compressor_workspace_release(struct compressor_workspace *workspace); /* accepts NULL */

/* One kernel compressor.  Settings match the kernel's crypto API use of it. */
struct compressor {
    const char *name;    /* as written to /sys/module/zswap/parameters/compressor */
    const char *library; /* what computes the lengths, for the result file */
    const char *source;  /* kernel settings mirrored */
    /* Compressed length of a 4096-byte page in bytes.
     *
     * zswap asks every kernel's compressor for at most 4096 bytes of output.  The
     * length is not cut there: above 4096 it says how long the output would have
     * been, and what that means (a compressor error, an allocator error, a page
     * stored as it is) is the caller's, by kernel version.  COMPRESSOR_FAILED:
     * the output would have fitted, but the compressor's own bound check, which
     * is on the safe side, gives up a few bytes early. */
    uint32_t (*length)(struct compressor_workspace *workspace,
                       const unsigned char page[PAGE_BYTES]);
};

/* lzo, lzo-rle, lz4, lz4hc, zstd, zstd-1.4, deflate; ended by a row with name
 * NULL.  zstd-1.4 is what "zstd" means on kernels 5.16 to 6.1. */
extern const struct compressor compressors[];
/* Index into compressors[], or -1. */
int compressor_find(const char *name);
/* Rows of compressors[]. */
unsigned compressor_count(void);
/* The compressor name nearest to a misspelt one, or NULL. */
const char *compressor_nearest(const char *name);

/* ---- page contents ----------------------------------------------------- */

enum content_kind {
    CONTENT_ORDINARY,
    CONTENT_SAME_FILLED, /* one 8-byte word repeated, not zero */
    CONTENT_ZERO,
};

/* The kind of 4096 bytes, by comparing 8-byte words as zswap and the zero map do. */
enum content_kind content_kind_of(const unsigned char page[PAGE_BYTES]);

struct content_source;

/* The contents of one address space.  Shared by runs; safe from any thread.
 * The fields are for content_length() below and for the content types. */
struct content {
    uint32_t pages;
    uint16_t *lengths; /* [compressor][page]: 0 not known yet, else length + 1 */
    uint8_t *kinds;    /* 2 bits a page: 0 not known yet, else enum content_kind + 1 */
    const struct content_source *source;
    void *state; /* the source's own, read-only after open */
    struct compressor_pool *pool;
    struct length_family *family; /* length_cache.h; NULL: on its own */
    struct content *next_member;  /* of the family */
};

struct content_type {
    const char *name; /* "content": {"type": NAME, ...}: rule, emulator, profile, uniform */
    const char *summary;
    struct param_table params;
    /* NULL after adding to `errors`.  `pages` is the size of the space. */
    struct content *(*open)(const void *params, uint32_t pages,
                            const struct source_position *position, struct diagnostics *errors);
};

extern const struct content_type *const content_types[]; /* registry.c; NULL at the end */
const struct content_type *content_type_find(const char *name);

/* One range of pages and the rule that says what they hold; see docs/formats.md,
 * "Page-content rules", for `classes`: "PCT:CLASS[:LO[:HI]],...". */
struct content_rule {
    uint64_t seed;
    uint32_t first, last; /* pages, both included */
    const char *classes;
};

/* Content made of rules that cover pages 0..pages-1, each page by exactly one
 * rule.  NULL after adding to `errors`. */
struct content *content_open_rules(const struct content_rule *rules, size_t count, uint32_t pages,
                                   const struct source_position *position,
                                   struct diagnostics *errors);

void content_close(struct content *content); /* accepts NULL */

/* False when the content can never say the length under compressors[compressor]
 * (a profile that was sampled without it); to be asked before a run. */
bool content_knows(const struct content *content, unsigned compressor);

/* The slow half of content_kind(): ask the source, and fill the table. */
enum content_kind content_kind_compute(const struct content *content, uint32_t page);

/* The kind of a page; page < content->pages. */
static inline enum content_kind content_kind(const struct content *content, uint32_t page)
{
    uint32_t four = __atomic_load_n(&content->kinds[page / 4], __ATOMIC_RELAXED);
    uint32_t known = four >> page % 4 * 2 & 3;
    return known ? (enum content_kind)(known - 1) : content_kind_compute(content, page);
}

/* The slow half of content_length(): compute, and fill the table. */
uint32_t content_length_compute(const struct content *content, uint32_t page, unsigned compressor);

/* Compressed length of a page (any kind) under compressors[compressor]:
 * 1..COMPRESSED_AT_MOST bytes, or COMPRESSOR_FAILED (also where
 * content_knows() is false).  page < content->pages. */
static inline uint32_t content_length(const struct content *content, uint32_t page,
                                      unsigned compressor)
{
    const uint16_t *entry = &content->lengths[(size_t)compressor * content->pages + page];
    uint32_t stored = __atomic_load_n(entry, __ATOMIC_RELAXED);
    return stored ? stored - 1 : content_length_compute(content, page, compressor);
}

/* Ask the host's caches for what content_length() will read, or content_kind(). */
PREFETCHING void content_prefetch_length(const struct content *content, uint32_t page,
                                         unsigned compressor)
{
    __builtin_prefetch(&content->lengths[(size_t)compressor * content->pages + page]);
}
PREFETCHING void content_prefetch_kind(const struct content *content, uint32_t page)
{
    __builtin_prefetch(&content->kinds[page / 4]);
}

/* The page's 4096 bytes, where the type knows them (false: sizes only). */
bool content_bytes(const struct content *content, uint32_t page, unsigned char out[PAGE_BYTES]);

#endif

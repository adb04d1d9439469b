/* The parts of a compressor workspace; for the compressors' own files. */
#ifndef ZSIM_WORKLOADS_COMPRESSOR_WORKSPACE_H
#define ZSIM_WORKLOADS_COMPRESSOR_WORKSPACE_H

#include "workloads/content/content.h"

enum { COMPRESSED_BUFFER_BYTES = 3 * PAGE_BYTES }; /* above every library's worst case */

struct compressor_workspace {
    void *lz4;   /* LZ4_sizeofState() bytes */
    void *lz4hc; /* LZ4_sizeofStateHC() bytes */
    struct ZSTD_CCtx_s *zstd;
    struct zstd_1_4 *zstd_1_4; /* zstd_1_4.c */
    struct z_stream_s *deflate;
    unsigned char out[COMPRESSED_BUFFER_BYTES];
};

/* compressors.c: the length under a level of zstd for a source of known size, as
 * zram's; COMPRESSOR_FAILED on an error of the library. */
uint32_t zstd_level_length(struct compressor_workspace *workspace,
                           const unsigned char page[PAGE_BYTES], int level);

/* compressors.c: whether what zstd returned is an error.  Lack of memory, which says
 * nothing about the page, ends the process. */
bool zstd_is_refused(size_t length);

/* zstd_1_4.c: the length under zstd 1.4.10, level 3, unknown source size. */
uint32_t zstd_1_4_length(struct compressor_workspace *workspace,
                         const unsigned char page[PAGE_BYTES]);
void zstd_1_4_release(struct zstd_1_4 *state); /* accepts NULL */

#endif

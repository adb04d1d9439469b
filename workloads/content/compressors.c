/* The kernel's compressors, with the libraries and settings that give their lengths.
 *
 * "Equal" below means byte for byte against lengths recorded at zpool_malloc on
 * Debian's kernels 6.1.192 and 6.12.117, for 1,216 pages of 19 classes and 256
 * pages of a mixture (tests/truth/content/). */
#define ZSTD_STATIC_LINKING_ONLY
#define ZSTD_DISABLE_DEPRECATE_WARNINGS
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "sim/base/memory.h"
#include "workloads/content/compressor_workspace.h"
#include "workloads/content/lzo_length.h"

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)
#define LZ4_TEXT "liblz4 " VERSION_TEXT(LZ4_VERSION_MAJOR, LZ4_VERSION_MINOR, LZ4_VERSION_RELEASE)
#define ZSTD_TEXT                                                                                  \
    "libzstd " VERSION_TEXT(ZSTD_VERSION_MAJOR, ZSTD_VERSION_MINOR, ZSTD_VERSION_RELEASE)

enum {
    LZ4_ACCELERATION = 1, /* Linux include/linux/lz4.h, LZ4_ACCELERATION_DEFAULT */
    LZ4HC_LEVEL = 9,      /* LZ4HC_DEFAULT_CLEVEL */
    ZSTD_LEVEL = 3,       /* crypto/zstd.c, ZSTD_DEF_LEVEL */
    DEFLATE_LEVEL = 6,    /* crypto/deflate.c: Z_DEFAULT_COMPRESSION */
    DEFLATE_WINDOW = -11, /* DEFLATE_DEF_WINBITS; raw */
    DEFLATE_MEMORY = 9,   /* DEFLATE_DEF_MEMLEVEL = MAX_MEM_LEVEL */
};

struct compressor_workspace *compressor_workspace_create(void)
{
    return memory_zeroed(1, sizeof(struct compressor_workspace), "a compressor workspace");
}

void compressor_workspace_release(struct compressor_workspace *workspace)
{
    if (!workspace)
        return;
    free(workspace->lz4);
    free(workspace->lz4hc);
    ZSTD_freeCCtx(workspace->zstd);
    zstd_1_4_release(workspace->zstd_1_4);
    if (workspace->deflate)
        deflateEnd(workspace->deflate);
    free(workspace->deflate);
    free(workspace);
}

bool zstd_is_refused(size_t length)
{
    if (ZSTD_isError(length) && ZSTD_getErrorCode(length) == ZSTD_error_memory_allocation)
        memory_exhausted("zstd");
    return ZSTD_isError(length);
}

/* After a refusal under the kernel's limit of one page: how long it would have been. */
static uint32_t refused_length(size_t unbounded)
{
    return unbounded > PAGE_BYTES ? (uint32_t)unbounded : COMPRESSOR_FAILED;
}

/* liblzo2 hashes into 2^14 entries, not 2^13: on program files that makes three
 * pages of four differ, by 7 bytes on average.  Kernels from 6.15 on use the
 * variant with bound checks, which may refuse a result of 4081..4096 bytes. */
static uint32_t lzo(struct compressor_workspace *workspace, const unsigned char page[PAGE_BYTES])
{
    (void)workspace;
    return lzo_length(page, LZO_DICTIONARY_BITS_KERNEL, false);
}

static uint32_t lzo_rle(struct compressor_workspace *workspace,
                        const unsigned char page[PAGE_BYTES])
{
    (void)workspace;
    return lzo_length(page, LZO_DICTIONARY_BITS_KERNEL, true);
}

static uint32_t lz4(struct compressor_workspace *workspace, const unsigned char page[PAGE_BYTES])
{
    if (!workspace->lz4)
        workspace->lz4 = memory_zeroed(1, (size_t)LZ4_sizeofState(), "lz4");
    const char *from = (const char *)page;
    char *to = (char *)workspace->out;
    int bounded = LZ4_compress_fast_extState(workspace->lz4, from, to, PAGE_BYTES, PAGE_BYTES,
                                             LZ4_ACCELERATION);
    if (bounded > 0)
        return (uint32_t)bounded;
    int unbounded = LZ4_compress_fast_extState(workspace->lz4, from, to, PAGE_BYTES,
                                               COMPRESSED_BUFFER_BYTES, LZ4_ACCELERATION);
    return refused_length((size_t)unbounded);
}

static uint32_t lz4hc(struct compressor_workspace *workspace, const unsigned char page[PAGE_BYTES])
{
    if (!workspace->lz4hc)
        workspace->lz4hc = memory_zeroed(1, (size_t)LZ4_sizeofStateHC(), "lz4hc");
    const char *from = (const char *)page;
    char *to = (char *)workspace->out;
    int bounded =
        LZ4_compress_HC_extStateHC(workspace->lz4hc, from, to, PAGE_BYTES, PAGE_BYTES, LZ4HC_LEVEL);
    if (bounded > 0)
        return (uint32_t)bounded;
    int unbounded = LZ4_compress_HC_extStateHC(workspace->lz4hc, from, to, PAGE_BYTES,
                                               COMPRESSED_BUFFER_BYTES, LZ4HC_LEVEL);
    return refused_length((size_t)unbounded);
}

static size_t zstd_bounded_by(struct compressor_workspace *workspace,
                              const unsigned char page[PAGE_BYTES], size_t bound)
{
    ZSTD_parameters parameters = ZSTD_getParams(ZSTD_LEVEL, 0, 0);
    size_t length = ZSTD_compress_advanced(workspace->zstd, workspace->out, bound, page, PAGE_BYTES,
                                           NULL, 0, parameters);
    return zstd_is_refused(length) ? 0 : length;
}

static uint32_t zstd(struct compressor_workspace *workspace, const unsigned char page[PAGE_BYTES])
{
    if (!workspace->zstd)
        workspace->zstd = memory_checked(ZSTD_createCCtx(), "zstd");
    size_t bounded = zstd_bounded_by(workspace, page, PAGE_BYTES);
    if (bounded)
        return (uint32_t)bounded;
    return refused_length(zstd_bounded_by(workspace, page, COMPRESSED_BUFFER_BYTES));
}

uint32_t zstd_level_length(struct compressor_workspace *workspace,
                           const unsigned char page[PAGE_BYTES], int level)
{
    if (!workspace->zstd)
        workspace->zstd = memory_checked(ZSTD_createCCtx(), "zstd");
    ZSTD_parameters parameters = ZSTD_getParams(level, PAGE_BYTES, 0);
    size_t length = ZSTD_compress_advanced(workspace->zstd, workspace->out, COMPRESSED_BUFFER_BYTES,
                                           page, PAGE_BYTES, NULL, 0, parameters);
    return zstd_is_refused(length) ? COMPRESSOR_FAILED : (uint32_t)length;
}

static uint32_t deflate_length(struct compressor_workspace *workspace,
                               const unsigned char page[PAGE_BYTES])
{
    if (!workspace->deflate) {
        z_stream *made = memory_zeroed(1, sizeof(*made), "deflate");
        if (deflateInit2(made, DEFLATE_LEVEL, Z_DEFLATED, DEFLATE_WINDOW, DEFLATE_MEMORY,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            memory_exhausted("deflate");
        workspace->deflate = made;
    }
    z_stream *stream = workspace->deflate;
    stream->next_in = (z_const Bytef *)(uintptr_t)page;
    stream->avail_in = PAGE_BYTES;
    stream->next_out = workspace->out;
    stream->avail_out = COMPRESSED_BUFFER_BYTES;
    bool ended = deflate(stream, Z_FINISH) == Z_STREAM_END;
    uint32_t length = (uint32_t)stream->total_out;
    deflateReset(stream);
    return ended ? length : COMPRESSOR_FAILED;
}

const struct compressor compressors[] = {
    {"lzo", "zsim, counted as LZO1X-1 with 13 hash bits",
     "Linux lib/lzo, lzo1x_1_compress: D_BITS 13. Equal to 6.1 and 6.12.", lzo},
    {"lzo-rle", "zsim, counted as LZO1X-1 with 13 hash bits and zero runs",
     "Linux lib/lzo, lzorle1x_1_compress: bitstream version 1. Equal to 6.1 and 6.12 (whose "
     "recorded pages hold no zero runs).",
     lzo_rle},
    {"lz4", LZ4_TEXT,
     "Linux crypto/lz4.c: LZ4_compress_default, acceleration 1, output limit 4096. Equal to 6.1 "
     "and 6.12.",
     lz4},
    {"lz4hc", LZ4_TEXT,
     "Linux crypto/lz4hc.c: LZ4_compress_HC, level 9, output limit 4096. Equal to 6.1 and 6.12; "
     "the library's match search is newer than the kernel's and may win bytes on other pages.",
     lz4hc},
    {"zstd", ZSTD_TEXT,
     "Linux crypto/zstd.c: ZSTD_compress_advanced, level 3 for an unknown source size, content "
     "size in the frame, no checksum, output limit 4096. Equal to 6.12 (zstd 1.5 in the kernel).",
     zstd},
    {"zstd-1.4", "zsim's match finder as in zstd 1.4.10, entropy stage of " ZSTD_TEXT,
     "What \"zstd\" is on Linux 5.16 to 6.1; settings as zstd. Equal to 6.1.", zstd_1_4_length},
    {"deflate", "zlib " ZLIB_VERSION,
     "Linux crypto/deflate.c: raw, level 6, window 2^11, memory level 9. Equal to 6.1 and 6.12.",
     deflate_length},
    {NULL, NULL, NULL, NULL},
};

enum { COMPRESSOR_ROWS = sizeof(compressors) / sizeof(compressors[0]) - 1 };
_Static_assert(COMPRESSOR_ROWS <= (int)COMPRESSORS_AT_MOST, "COMPRESSORS_AT_MOST is too small");

unsigned compressor_count(void)
{
    return COMPRESSOR_ROWS;
}

int compressor_find(const char *name)
{
    for (int i = 0; i < COMPRESSOR_ROWS; i++)
        if (strcmp(compressors[i].name, name) == 0)
            return i;
    return -1;
}

const char *compressor_nearest(const char *name)
{
    const char *names[COMPRESSOR_ROWS];
    for (size_t i = 0; i < COMPRESSOR_ROWS; i++)
        names[i] = compressors[i].name;
    return nearest_name(name, names, COMPRESSOR_ROWS);
}

/* Compressors: time by compressed length, a straight line each.
 *
 * A page begins with live data and ends with a repeated word; from page to page more of
 * it is live.  Live data are text in letters of which some are frequent, pointers and
 * numbers with common upper bytes, and random bytes, in turn: contents of one kind alone
 * take other times for one length (zstd copies random bytes, but decodes letters).  A
 * page is in the cache when it is timed.
 */
#include <lz4.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#ifdef HAVE_LZO
#include <lzo/lzo1x.h>
#endif

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/calibrate/calibrate.h"
#include "workloads/content/compressor_workspace.h"

enum {
    PAGES = 48,
    BLOCK_BYTES = 256, /* of one kind of live data */
    WORDS = 200,
    DEFLATE_RAW_WINDOW = -11, /* as workloads/content/compressors.c */
};

struct bench {
    unsigned char page[PAGE_BYTES];
    unsigned char packed[COMPRESSED_BUFFER_BYTES];
    unsigned char unpacked[PAGE_BYTES];
    uint32_t packed_length;
    struct compressor_workspace *workspace;
    const struct compressor *compressor;
    void *lzo_memory;
    ZSTD_DCtx *zstd;
    z_stream *inflate;
};

/* ---- pages ------------------------------------------------------------------------ */

/* Words that come back; the smaller of two draws makes the first letters frequent. */
static void fill_text(unsigned char block[BLOCK_BYTES], uint64_t *random)
{
    unsigned char words[WORDS][12];
    uint64_t dictionary = 1; /* the same in every block */
    for (unsigned i = 0; i < WORDS; i++)
        for (unsigned j = 0; j < sizeof(words[i]); j++) {
            uint64_t one = random_below(&dictionary, 26), two = random_below(&dictionary, 26);
            words[i][j] = (unsigned char)('a' + (one < two ? one : two));
        }
    for (size_t at = 0; at < BLOCK_BYTES;) {
        size_t length = 2 + random_below(random, sizeof(words[0]) - 2);
        length = length < BLOCK_BYTES - at ? length : BLOCK_BYTES - at;
        memcpy(block + at, words[random_below(random, WORDS)], length);
        at += length;
        if (at < BLOCK_BYTES)
            block[at++] = ' ';
    }
}

static void fill_pointers(unsigned char block[BLOCK_BYTES], uint64_t *random)
{
    for (size_t i = 0; i < BLOCK_BYTES / 8; i++) {
        uint64_t word = i % 4 == 3 ? random_below(random, 100)
                                   : 0x00007f3a00000000 + (random_below(random, 1 << 20) << 4);
        memcpy(block + 8 * i, &word, 8);
    }
}

static void fill_random(unsigned char block[BLOCK_BYTES], uint64_t *random)
{
    for (size_t i = 0; i < BLOCK_BYTES / 8; i++) {
        uint64_t word = random_next(random);
        memcpy(block + 8 * i, &word, 8);
    }
}

static void fill_page(unsigned char page[PAGE_BYTES], unsigned number)
{
    static void (*const kinds[])(unsigned char *, uint64_t *) = {fill_text, fill_pointers,
                                                                 fill_random};
    uint64_t random = random_splitmix(number) | 1, filler = 0x5A53494D4B524550;
    size_t live = (size_t)number * (PAGE_BYTES / 8) / (PAGES - 1) * 8;
    for (size_t at = 0; at < PAGE_BYTES; at += BLOCK_BYTES)
        kinds[(at / BLOCK_BYTES + number) % 3](page + at, &random);
    for (size_t at = live; at < PAGE_BYTES; at += 8)
        memcpy(page + at, &filler, 8);
}

/* ---- compressing and decompressing ---------------------------------------------------- */

static void compress_by_library(void *context, unsigned repetitions)
{
    struct bench *bench = context;
    for (unsigned i = 0; i < repetitions; i++)
        bench->packed_length = bench->compressor->length(bench->workspace, bench->page);
}

#ifdef HAVE_LZO

static void compress_lzo(void *context, unsigned repetitions)
{
    struct bench *bench = context;
    lzo_uint length = 0;
    for (unsigned i = 0; i < repetitions; i++)
        lzo1x_1_compress(bench->page, PAGE_BYTES, bench->packed, &length, bench->lzo_memory);
    bench->packed_length = (uint32_t)length;
}

static void decompress_lzo(void *context, unsigned repetitions)
{
    struct bench *bench = context;
    for (unsigned i = 0; i < repetitions; i++) {
        lzo_uint length = PAGE_BYTES;
        lzo1x_decompress_safe(bench->packed, bench->packed_length, bench->unpacked, &length, NULL);
    }
}

static void open_lzo(struct bench *bench)
{
    lzo_init();
    bench->lzo_memory = memory_zeroed(1, LZO1X_1_MEM_COMPRESS, "lzo");
}

const char *calibrate_lzo_version(void)
{
    return lzo_version_string();
}

#else

/* Not measured: its costs are taken over. */
#define compress_lzo NULL
#define decompress_lzo NULL

static void open_lzo(struct bench *bench)
{
    (void)bench;
}

const char *calibrate_lzo_version(void)
{
    return NULL;
}

#endif

static void decompress_lz4(void *context, unsigned repetitions)
{
    struct bench *bench = context;
    for (unsigned i = 0; i < repetitions; i++)
        LZ4_decompress_safe((const char *)bench->packed, (char *)bench->unpacked,
                            (int)bench->packed_length, PAGE_BYTES);
}

static void decompress_zstd(void *context, unsigned repetitions)
{
    struct bench *bench = context;
    for (unsigned i = 0; i < repetitions; i++)
        ZSTD_decompressDCtx(bench->zstd, bench->unpacked, PAGE_BYTES, bench->packed,
                            bench->packed_length);
}

static void decompress_deflate(void *context, unsigned repetitions)
{
    struct bench *bench = context;
    for (unsigned i = 0; i < repetitions; i++) {
        z_stream *stream = bench->inflate;
        inflateReset(stream);
        stream->next_in = bench->packed;
        stream->avail_in = bench->packed_length;
        stream->next_out = bench->unpacked;
        stream->avail_out = PAGE_BYTES;
        inflate(stream, Z_FINISH);
    }
}

/* Which library stands for which of the kernel's compressors.  liblzo2 has no lzo-rle,
 * and libzstd is not 1.4: those are measured as their relatives. */
static const struct library {
    const char *compressor, *measured_as;
    measured_work *compress, *decompress;
} libraries[] = {
    {"lzo", "lzo", compress_lzo, decompress_lzo},
    {"lzo-rle", "lzo", NULL, NULL},
    {"lz4", "lz4", compress_by_library, decompress_lz4},
    {"lz4hc", "lz4hc", compress_by_library, decompress_lz4},
    {"zstd", "zstd", compress_by_library, decompress_zstd},
    {"zstd-1.4", "zstd", NULL, NULL},
    {"deflate", "deflate", compress_by_library, decompress_deflate},
};

/* ---- the fit ------------------------------------------------------------------------ */

/* One way of a codec: a point for each page. */
struct points {
    double y[PAGES], error[PAGES], weights[PAGES];
};

/* The median of a page's rounds, and the standard error of a median. */
static void put_point(struct points *points, size_t at, double *samples, unsigned rounds)
{
    struct measured measured = measured_of(samples, rounds);
    points->y[at] = measured.median;
    points->error[at] = 1.2533 * measured.spread / sqrt(rounds);
}

/* Contents of one length differ by more than the clock's noise: no page is trusted to
 * less than 5 % of a usual one, so that a few quick ones do not decide. */
static struct fitted_line fit_points(struct points *points, const double *x, size_t count)
{
    double sorted[PAGES];
    memcpy(sorted, points->y, count * sizeof(*sorted));
    double floor_ns = 0.05 * measured_of(sorted, count).median;
    for (size_t i = 0; i < count; i++) {
        double error = points->error[i] > floor_ns ? points->error[i] : floor_ns;
        points->weights[i] = 1 / (error * error);
    }
    return fit_line(x, points->y, points->weights, count);
}

/* Compress `bench->page` and keep the result; false: it does not come back the same. */
static bool prepare(struct bench *bench, const struct library *library)
{
    library->compress(bench, 1);
    if (library->compress == compress_by_library)
        memcpy(bench->packed, bench->workspace->out, sizeof(bench->packed));
    if (bench->packed_length == COMPRESSOR_FAILED || bench->packed_length > PAGE_BYTES)
        return false;
    memset(bench->unpacked, 0, PAGE_BYTES);
    library->decompress(bench, 1);
    return memcmp(bench->page, bench->unpacked, PAGE_BYTES) == 0;
}

static struct calibrated_codec measure_codec(struct bench *bench, const struct library *library,
                                             unsigned rounds)
{
    double x[PAGES];
    struct points ways[2];
    double *samples = memory_zeroed(rounds, sizeof(*samples), "samples");
    struct calibrated_codec codec = {.least_length = UINT32_MAX};
    size_t count = 0;
    for (unsigned number = 0; number < PAGES; number++) {
        fill_page(bench->page, number);
        if (!prepare(bench, library))
            continue;
        uint32_t length = bench->packed_length;
        for (unsigned way = 0; way < 2; way++) {
            measured_work *work = way ? library->decompress : library->compress;
            unsigned repetitions = repetitions_for(work, bench);
            for (unsigned i = 0; i < rounds; i++)
                samples[i] = time_once(work, bench, repetitions);
            put_point(&ways[way], count, samples, rounds);
        }
        x[count++] = length;
        codec.least_length = length < codec.least_length ? length : codec.least_length;
        codec.most_length = length > codec.most_length ? length : codec.most_length;
    }
    free(samples);
    codec.known = count >= 3;
    if (codec.known) {
        codec.compress = fit_points(&ways[0], x, count);
        codec.decompress = fit_points(&ways[1], x, count);
    }
    return codec;
}

static void open_bench(struct bench *bench)
{
    open_lzo(bench);
    bench->workspace = compressor_workspace_create();
    bench->zstd = memory_checked(ZSTD_createDCtx(), "zstd");
    bench->inflate = memory_zeroed(1, sizeof(*bench->inflate), "inflate");
    if (inflateInit2(bench->inflate, DEFLATE_RAW_WINDOW) != Z_OK)
        memory_exhausted("inflate");
}

static void close_bench(struct bench *bench)
{
    compressor_workspace_release(bench->workspace);
    free(bench->lzo_memory);
    ZSTD_freeDCtx(bench->zstd);
    inflateEnd(bench->inflate);
    free(bench->inflate);
    free(bench);
}

void calibrate_codecs(struct calibration *calibration)
{
    struct bench *bench = memory_zeroed(1, sizeof(*bench), "a compressor's bench");
    open_bench(bench);
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        const struct library *library = &libraries[i];
        int index = compressor_find(library->compressor);
        if (index < 0)
            continue;
        bench->compressor = &compressors[index];
        calibration->codecs[index] =
            library->compress ? measure_codec(bench, library, calibration->rounds)
                              : calibration->codecs[compressor_find(library->measured_as)];
    }
    close_bench(bench);
}

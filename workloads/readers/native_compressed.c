/* Version 1 inside a zstd stream (FILE.zst), decompressed as it is read. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "workloads/generators/stream.h"
#include "workloads/readers/native.h"
#include "workloads/readers/zstd_result.h"

struct native_decoder {
    ZSTD_DStream *zstd;
    ZSTD_inBuffer in;
    size_t unfinished; /* bytes that the current frame still wants; 0 between frames */
};

/* Fill `out` as far as the stream goes.  Returns the bytes written; *why is the
 * library's word when the stream is damaged. */
static size_t inflate(struct native_decoder *decoder, void *out, size_t bytes, const char **why)
{
    ZSTD_outBuffer buffer = {.dst = out, .size = bytes};
    *why = NULL;
    while (buffer.pos < bytes) {
        size_t before = decoder->in.pos, written = buffer.pos;
        if (before == decoder->in.size && decoder->unfinished == 0)
            break;
        decoder->unfinished =
            zstd_result(ZSTD_decompressStream(decoder->zstd, &buffer, &decoder->in));
        if (ZSTD_isError(decoder->unfinished)) {
            *why = ZSTD_getErrorName(decoder->unfinished);
            break;
        }
        if (decoder->in.pos == before && buffer.pos == written) {
            *why = "the file ends inside a zstd frame";
            break;
        }
    }
    return buffer.pos;
}

static struct native_decoder *decoder_new(const struct native_trace *trace)
{
    struct native_decoder *decoder = memory_zeroed(1, sizeof(*decoder), "a trace decoder");
    decoder->zstd = memory_checked(ZSTD_createDStream(), "zstd");
    decoder->in = (ZSTD_inBuffer){.src = trace->bytes, .size = trace->size};
    return decoder;
}

static void decoder_free(struct native_decoder *decoder)
{
    if (!decoder)
        return;
    ZSTD_freeDStream(decoder->zstd);
    free(decoder);
}

bool native_compressed_open(struct native_trace *trace, struct diagnostics *errors)
{
    unsigned char header[NATIVE1_HEADER_BYTES] = {0};
    struct native_decoder *decoder = decoder_new(trace);
    const char *why;
    size_t got = inflate(decoder, header, sizeof(header), &why);
    uint64_t at = decoder->in.pos;
    decoder_free(decoder);
    if (why)
        native_error(trace, errors, at, "cannot be decompressed: %s", why);
    else if (got < sizeof(header))
        native_error(trace, errors, at,
                     "the decompressed trace ends inside the header; expected 56 bytes");
    else if (memcmp(header, NATIVE_MAGIC, 8) != 0)
        native_error(trace, errors, 0,
                     "decompressed, it is not a native trace; expected \"" NATIVE_MAGIC "\"");
    else if (native_get32(header + 8) != 1)
        native_error(trace, errors, 0,
                     "decompressed, it has version %" PRIu32
                     "; expected 1 (version 2 is compressed inside, unpack the file)",
                     native_get32(header + 8));
    else {
        workload_fingerprint(trace->bytes, trace->size, trace->fingerprint);
        return native1_header(trace, header, errors);
    }
    return false;
}

bool native_compressed_start(struct native_walk *walk)
{
    unsigned char header[NATIVE1_HEADER_BYTES];
    const char *why;
    walk->decoder = decoder_new(walk->trace);
    return inflate(walk->decoder, header, sizeof(header), &why) == sizeof(header);
}

uint32_t native_compressed_next(struct native_walk *walk)
{
    const char *why;
    size_t room = NATIVE_BLOCK_RECORDS * sizeof(struct access);
    size_t got = inflate(walk->decoder, walk->records, room, &why);
    uint64_t offset = NATIVE1_HEADER_BYTES + walk->position * sizeof(struct access);
    uint64_t left = walk->trace->records - walk->position;
    if (why)
        return native_fail(walk, walk->decoder->in.pos, "cannot be decompressed: %s", why);
    if (got % sizeof(struct access) != 0)
        return native_fail(walk, offset + got / 8 * 8,
                           "the decompressed trace ends inside a record");
    uint32_t count = (uint32_t)(got / sizeof(struct access));
    if (count > left || (got < room && count < left))
        return native_fail(walk, 16,
                           "the header says %" PRIu64 " records, the decompressed trace holds %s",
                           walk->trace->records, count > left ? "more" : "fewer");
    return native_check_records(walk, walk->records, count, offset) ? count : 0;
}

void native_compressed_stop(struct native_walk *walk)
{
    decoder_free(walk->decoder);
    walk->decoder = NULL;
}

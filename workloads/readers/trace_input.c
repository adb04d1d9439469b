#include "workloads/readers/trace_input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>

#include "sim/base/memory.h"
#include "workloads/readers/zstd_result.h"

enum {
    FILE_BYTES = USUAL_OR_FUZZING(1 << 17, 1 << 8),
    MESSAGE_BYTES = 512,
    /* The largest that a frame may ask for: 128 MiB, as zstd(1) has it without --long. */
    WINDOW_BITS_AT_MOST = USUAL_OR_FUZZING(27, 12)
};

enum coding { CODING_UNKNOWN, CODING_PLAIN, CODING_ZSTD, CODING_DEFLATE };

struct trace_input {
    int file;
    char *name;
    struct diagnostics *errors;
    bool failed;
    XXH3_state_t *hash;
    /* As in the file: */
    unsigned char *raw; /* [FILE_BYTES] */
    size_t raw_begin, raw_end;
    uint64_t raw_offset; /* of raw[0] */
    bool raw_over;       /* read() has said so */
    enum coding coding;
    ZSTD_DStream *zstd;
    z_stream deflate;
    bool inside; /* of a compressed frame or stream */
    /* Decompressed: */
    char *text; /* [TRACE_INPUT_BYTES + 1] */
    size_t begin, end;
    uint64_t offset; /* of text[begin] */
    bool over;       /* nothing follows text[end] */
    const char *line;
    bool line_ended;
    uint64_t line_number;
};

const char *trace_quote(const char *text, size_t length, char out[TRACE_QUOTED_BYTES])
{
    size_t shown = length < TRACE_QUOTED_BYTES - 1 ? length : TRACE_QUOTED_BYTES - 1;
    for (size_t i = 0; i < shown; i++)
        out[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    out[shown] = '\0';
    return out;
}

/* ---- mistakes --------------------------------------------------------------- */

static bool fail(struct trace_input *in, uint64_t line, uint64_t column, const char *format,
                 va_list arguments)
{
    char text[MESSAGE_BYTES];
    vsnprintf(text, sizeof(text), format, arguments);
    struct source_position position = {.file = in->name,
                                       .line = line < UINT32_MAX ? (unsigned)line : UINT32_MAX,
                                       .column =
                                           column < UINT32_MAX ? (unsigned)column : UINT32_MAX};
    if (!in->failed)
        diagnostics_add(in->errors, &position, "%s", text);
    in->failed = true;
    return false;
}

bool trace_input_line_error(struct trace_input *in, const char *at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail(in, in->line_number, (uint64_t)(at - in->line) + 1, format, arguments);
    va_end(arguments);
    return false;
}

bool trace_input_error(struct trace_input *in, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail(in, 0, 0, format, arguments);
    va_end(arguments);
    return false;
}

bool trace_input_byte_error(struct trace_input *in, uint64_t offset, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return trace_input_error(in, "byte %" PRIu64 ": %s", offset, text);
}

bool trace_input_failed(const struct trace_input *in)
{
    return in->failed;
}

/* ---- the file ---------------------------------------------------------------- */

static uint64_t raw_position(const struct trace_input *in)
{
    return in->raw_offset + in->raw_begin;
}

/* Read more of the file behind what is held; false at its end. */
static bool read_raw(struct trace_input *in)
{
    if (in->raw_over || in->failed)
        return false;
    memmove(in->raw, in->raw + in->raw_begin, in->raw_end - in->raw_begin);
    in->raw_offset += in->raw_begin;
    in->raw_end -= in->raw_begin;
    in->raw_begin = 0;
    ssize_t got;
    do
        got = read(in->file, in->raw + in->raw_end, FILE_BYTES - in->raw_end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        trace_input_error(in, "cannot read: %s", strerror(errno));
    if (got <= 0) {
        in->raw_over = true;
        return false;
    }
    XXH3_128bits_update(in->hash, in->raw + in->raw_end, (size_t)got);
    in->raw_end += (size_t)got;
    return true;
}

static enum coding find_coding(const unsigned char *head, size_t bytes)
{
    static const unsigned char zstd[4] = {0x28, 0xB5, 0x2F, 0xFD}, gzip[3] = {0x1F, 0x8B, 8};
    if (bytes >= 4 && memcmp(head, zstd, 4) == 0)
        return CODING_ZSTD;
    if (bytes >= 3 && memcmp(head, gzip, 3) == 0)
        return CODING_DEFLATE;
    /* zlib's two bytes: deflate with a 32 KiB window, and a check (RFC 1950). */
    bool zlib = bytes >= 2 && head[0] == 0x78 && (head[0] * 256 + head[1]) % 31 == 0;
    /* ... which may also be "x^", where text would go on with a letter. */
    return zlib && !(bytes > 2 && head[1] == '^' && head[2] < 0x80) ? CODING_DEFLATE : CODING_PLAIN;
}

static void begin_coding(struct trace_input *in)
{
    while (in->raw_end - in->raw_begin < 4 && read_raw(in))
        ;
    in->coding = find_coding(in->raw + in->raw_begin, in->raw_end - in->raw_begin);
    if (in->coding == CODING_ZSTD) {
        in->zstd = memory_checked(ZSTD_createDStream(), "zstd");
        ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, WINDOW_BITS_AT_MOST);
    }
    /* 32 KiB window, gzip or zlib by its header */
    if (in->coding == CODING_DEFLATE && inflateInit2(&in->deflate, 15 + 32) != Z_OK)
        memory_exhausted("zlib");
}

static size_t decode_plain(struct trace_input *in, char *out, size_t room)
{
    size_t count = in->raw_end - in->raw_begin < room ? in->raw_end - in->raw_begin : room;
    memcpy(out, in->raw + in->raw_begin, count);
    in->raw_begin += count;
    return count;
}

static size_t decode_zstd(struct trace_input *in, char *out, size_t room)
{
    ZSTD_inBuffer from = {.src = in->raw + in->raw_begin, .size = in->raw_end - in->raw_begin};
    ZSTD_outBuffer to = {.dst = out, .size = room};
    size_t result = zstd_result(ZSTD_decompressStream(in->zstd, &to, &from));
    if (ZSTD_isError(result))
        trace_input_error(in, "byte %" PRIu64 " of the compressed file: %s", raw_position(in),
                          ZSTD_getErrorName(result));
    in->raw_begin += from.pos;
    in->inside = result != 0;
    return to.pos;
}

static size_t decode_deflate(struct trace_input *in, char *out, size_t room)
{
    in->deflate.next_in = in->raw + in->raw_begin;
    in->deflate.avail_in = (uInt)(in->raw_end - in->raw_begin);
    in->deflate.next_out = (unsigned char *)out;
    in->deflate.avail_out = (uInt)room;
    int result = inflate(&in->deflate, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR)
        memory_exhausted("zlib");
    in->raw_begin = in->raw_end - in->deflate.avail_in;
    size_t written = room - in->deflate.avail_out;
    in->inside = result != Z_STREAM_END;
    if (result == Z_STREAM_END)
        inflateReset(&in->deflate); /* another member may follow */
    else if (result != Z_OK && result != Z_BUF_ERROR)
        trace_input_error(in, "byte %" PRIu64 " of the compressed file: %s", raw_position(in),
                          in->deflate.msg ? in->deflate.msg : "damaged");
    return written;
}

/* Decode more; false when there is no more. */
static bool decode_some(struct trace_input *in)
{
    size_t room = TRACE_INPUT_BYTES - in->end, got = 0;
    char *out = in->text + in->end;
    if (in->coding == CODING_UNKNOWN)
        begin_coding(in);
    bool starved = in->raw_begin == in->raw_end && !read_raw(in);
    size_t before = in->raw_begin;
    if (in->failed || (starved && !in->inside))
        return false;
    if (in->coding == CODING_PLAIN)
        got = decode_plain(in, out, room);
    else if (in->coding == CODING_ZSTD)
        got = decode_zstd(in, out, room);
    else
        got = decode_deflate(in, out, room);
    in->end += got;
    if (starved && got == 0 && in->raw_begin == before && !in->failed)
        trace_input_error(
            in, "byte %" PRIu64 " of the compressed file: it ends inside a compressed stream",
            raw_position(in));
    return !in->failed;
}

/* Hold at least `wanted` bytes, or all that are left. */
static void hold(struct trace_input *in, size_t wanted)
{
    if (in->end - in->begin >= wanted || in->over)
        return;
    memmove(in->text, in->text + in->begin, in->end - in->begin);
    in->end -= in->begin;
    in->begin = 0;
    while (in->end < wanted && !in->over)
        in->over = !decode_some(in);
}

/* ---- the interface --------------------------------------------------------------- */

struct trace_input *trace_input_open(int file, const char *name, struct diagnostics *errors)
{
    struct trace_input *in = memory_zeroed(1, sizeof(*in), "a trace reader");
    in->file = file;
    in->name = memory_string(name);
    in->errors = errors;
    in->hash = memory_checked(XXH3_createState(), "a hash");
    XXH3_128bits_reset(in->hash);
    in->raw = memory_zeroed(FILE_BYTES, 1, "trace bytes");
    in->text = memory_zeroed(TRACE_INPUT_BYTES + 1, 1, "trace text");
    return in;
}

void trace_input_close(struct trace_input *in)
{
    if (!in)
        return;
    if (in->coding == CODING_DEFLATE)
        inflateEnd(&in->deflate);
    ZSTD_freeDStream(in->zstd);
    XXH3_freeState(in->hash);
    free(in->raw);
    free(in->text);
    free(in->name);
    free(in);
}

const char *trace_input_head(struct trace_input *in, size_t *bytes)
{
    hold(in, TRACE_INPUT_HEAD_BYTES);
    size_t held = in->end - in->begin;
    *bytes = held < TRACE_INPUT_HEAD_BYTES ? held : TRACE_INPUT_HEAD_BYTES;
    if (held <= TRACE_INPUT_HEAD_BYTES)
        in->text[in->end] = '\0';
    return in->text + in->begin;
}

char *trace_input_line(struct trace_input *in)
{
    char *stop = memchr(in->text + in->begin, '\n', in->end - in->begin);
    if (!stop) {
        hold(in, TRACE_INPUT_BYTES);
        stop = memchr(in->text + in->begin, '\n', in->end - in->begin);
    }
    if (in->failed || (!stop && in->begin == in->end))
        return NULL;
    in->line = in->text + in->begin;
    in->line_number++;
    if (!stop && !in->over) {
        trace_input_line_error(in, in->line, "a line is longer than 1 MiB");
        return NULL;
    }
    char *line = in->text + in->begin;
    in->line_ended = stop != NULL;
    size_t taken = stop ? (size_t)(stop + 1 - line) : in->end - in->begin;
    if (!stop)
        stop = in->text + in->end;
    in->begin += taken;
    in->offset += taken;
    *stop = '\0';
    if (stop > line && stop[-1] == '\r')
        stop[-1] = '\0';
    return line;
}

bool trace_input_line_ended(const struct trace_input *in)
{
    return in->line_ended;
}

bool trace_input_line_whole(struct trace_input *in)
{
    return in->line_ended ||
           trace_input_line_error(in, in->line, "the text ends inside a line; expected a newline");
}

size_t trace_input_take(struct trace_input *in, void *out, size_t bytes)
{
    size_t taken = 0;
    while (taken < bytes) {
        hold(in, 1);
        size_t held = in->end - in->begin, left = bytes - taken;
        size_t count = held < left ? held : left;
        if (count == 0 || in->failed)
            break;
        memcpy((char *)out + taken, in->text + in->begin, count);
        in->begin += count;
        in->offset += count;
        taken += count;
    }
    return taken;
}

uint64_t trace_input_offset(const struct trace_input *in)
{
    return in->offset;
}

void trace_input_fingerprint(const struct trace_input *in, char out[33])
{
    XXH128_hash_t digest = XXH3_128bits_digest(in->hash);
    snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, digest.high64, digest.low64);
}

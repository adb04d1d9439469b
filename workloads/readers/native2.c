/* Version 2: blocks of delta-coded records inside zstd frames. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/base/fuzzing.h"
#include "sim/base/memory.h"
#include "workloads/generators/stream.h"
#include "workloads/readers/native.h"
#include "workloads/readers/zstd_result.h"

/* ---- the header and the tables ------------------------------------------ */

/* The tables being read, in the order in which they lie in the file. */
struct tables {
    const unsigned char *at;   /* next row */
    const unsigned char *text; /* next name */
    const unsigned char *end;  /* of the file */
};

static bool header_is_bad(struct native_trace *trace, struct diagnostics *errors)
{
    const unsigned char *header = trace->bytes;
    uint64_t offset = native_get64(header + 32), bytes = native_get64(header + 40);
    if (trace->spaces < 1 || trace->spaces > WORKLOAD_SPACES_AT_MOST)
        native_error(trace, errors, 12, "%" PRIu32 " spaces; expected 1..%d", trace->spaces,
                     WORKLOAD_SPACES_AT_MOST);
    else if (trace->records_a_block < 1 || trace->records_a_block > NATIVE2_RECORDS_A_BLOCK_AT_MOST)
        native_error(trace, errors, 24, "%" PRIu32 " records a block; expected 1..%d",
                     trace->records_a_block, NATIVE2_RECORDS_A_BLOCK_AT_MOST);
    else if (trace->blocks != trace->records / trace->records_a_block +
                                  (trace->records % trace->records_a_block != 0))
        native_error(trace, errors, 28,
                     "%" PRIu32 " blocks do not fit %" PRIu64 " records in blocks of %" PRIu32,
                     trace->blocks, trace->records, trace->records_a_block);
    else if (offset < NATIVE2_HEADER_BYTES || offset > trace->size || bytes != trace->size - offset)
        native_error(trace, errors, 32,
                     "tables of %" PRIu64 " bytes at byte %" PRIu64
                     "; expected them to end with the file, which has %zu bytes",
                     bytes, offset, trace->size);
    else if (trace->tasks > NATIVE_TASKS_AT_MOST)
        native_error(trace, errors, 56, "%" PRIu32 " tasks; expected 0..%d", trace->tasks,
                     NATIVE_TASKS_AT_MOST);
    else
        return false;
    return true;
}

static bool checksum_is_good(const struct native_trace *trace, const unsigned char *tables)
{
    XXH3_state_t *state = memory_checked(XXH3_createState(), "a hash");
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, trace->bytes, 64);
    XXH3_64bits_update(state, tables, (size_t)(trace->bytes + trace->size - tables));
    uint64_t sum = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return CHECKSUM_IS_GOOD(sum == native_get64(trace->bytes + 64));
}

static char *take_text(struct native_trace *trace, struct tables *in, size_t bytes)
{
    if ((size_t)(in->end - in->text) < bytes)
        return NULL;
    char *text = arena_string(&trace->arena, (const char *)in->text, bytes);
    in->text += bytes;
    return text;
}

static bool row_error(const struct native_trace *trace, const struct tables *in,
                      struct diagnostics *errors, const char *what)
{
    native_error(trace, errors, (uint64_t)(in->at - trace->bytes), "%s", what);
    return false;
}

static bool read_spaces(struct native_trace *trace, struct tables *in, struct diagnostics *errors)
{
    trace->space_names = arena_zeroed(&trace->arena, trace->spaces * sizeof(*trace->space_names));
    for (uint32_t i = 0; i < trace->spaces; i++, in->at += NATIVE2_SPACE_ROW_BYTES) {
        trace->limits[i] = native_get32(in->at);
        trace->space_names[i] = take_text(trace, in, native_get16(in->at + 4));
        if (!trace->space_names[i])
            return row_error(trace, in, errors, "the name of a space reaches past the end");
        if (native_get16(in->at + 6) != 0)
            return row_error(trace, in, errors, "a space's last two bytes must be 0");
    }
    return true;
}

static bool read_regions(struct native_trace *trace, struct tables *in, struct diagnostics *errors)
{
    trace->region = arena_zeroed(&trace->arena, trace->regions * sizeof(*trace->region));
    for (uint32_t i = 0; i < trace->regions; i++, in->at += NATIVE2_REGION_ROW_BYTES) {
        struct native_region *region = &trace->region[i];
        region->space = native_get32(in->at);
        region->first = native_get32(in->at + 4);
        region->pages = native_get32(in->at + 8);
        region->kind = in->at[12];
        region->name = take_text(trace, in, native_get16(in->at + 14));
        if (!region->name)
            return row_error(trace, in, errors, "the name of a region reaches past the end");
        if (region->space >= trace->spaces ||
            (uint64_t)region->first + region->pages > trace->limits[region->space])
            return row_error(trace, in, errors, "a region outside of the spaces");
        if (in->at[12] >= NATIVE_REGION_KINDS || in->at[13] != 0)
            return row_error(trace, in, errors, "a region of unknown kind; expected 0..6");
    }
    return true;
}

static bool read_tasks(struct native_trace *trace, struct tables *in, struct diagnostics *errors)
{
    uint64_t records = 0;
    trace->task = arena_zeroed(&trace->arena, trace->tasks * sizeof(*trace->task));
    for (uint32_t i = 0; i < trace->tasks; i++, in->at += NATIVE2_TASK_ROW_BYTES) {
        struct native_task *task = &trace->task[i];
        *task = (struct native_task){.space = native_get32(in->at),
                                     .process = native_get32(in->at + 4),
                                     .thread = native_get32(in->at + 8),
                                     .parent = native_get32(in->at + 12),
                                     .records = native_get64(in->at + 16),
                                     .name = take_text(trace, in, native_get16(in->at + 24))};
        if (!task->name)
            return row_error(trace, in, errors, "the name of a task reaches past the end");
        if ((task->space >= trace->spaces && task->space != NATIVE_NONE) ||
            (task->parent >= trace->tasks && task->parent != NATIVE_NONE) ||
            task->records > trace->records - records)
            return row_error(trace, in, errors,
                             "a task of a space, a parent or records that there are not");
        if (native_get32(in->at + 26) != 0 || native_get16(in->at + 30) != 0)
            return row_error(trace, in, errors, "a task's last six bytes must be 0");
        records += task->records;
    }
    return true;
}

static uint32_t record_bytes_at_most(const struct native_trace *trace)
{
    return NATIVE2_RECORD_BYTES_AT_MOST + (trace->tasks ? NATIVE2_TASK_BYTES_AT_MOST : 0);
}

static uint32_t records_of_block(const struct native_trace *trace, uint32_t block)
{
    uint64_t left = trace->records - (uint64_t)block * trace->records_a_block;
    return left < trace->records_a_block ? (uint32_t)left : trace->records_a_block;
}

static bool read_blocks(struct native_trace *trace, struct tables *in, uint64_t tables_offset,
                        struct diagnostics *errors)
{
    trace->block = arena_zeroed(&trace->arena, trace->blocks * sizeof(*trace->block));
    uint64_t offset = NATIVE2_HEADER_BYTES;
    for (uint32_t i = 0; i < trace->blocks; i++, in->at += NATIVE2_BLOCK_ROW_BYTES) {
        struct native_block *block = &trace->block[i];
        uint64_t records = records_of_block(trace, i);
        *block = (struct native_block){.offset = offset,
                                       .compressed_bytes = native_get32(in->at),
                                       .encoded_bytes = native_get32(in->at + 4),
                                       .checksum = native_get64(in->at + 8)};
        if (block->encoded_bytes < records ||
            block->encoded_bytes > records * record_bytes_at_most(trace))
            return row_error(trace, in, errors,
                             "a block's encoded size must be 1..8 bytes a record");
        if (block->compressed_bytes > tables_offset - offset)
            return row_error(trace, in, errors, "a block reaches into the tables");
        offset += block->compressed_bytes;
    }
    if (offset == tables_offset)
        return true;
    native_error(trace, errors, 32,
                 "the tables begin at byte %" PRIu64 ", the blocks end at byte %" PRIu64,
                 tables_offset, offset);
    return false;
}

static bool read_tables(struct native_trace *trace, struct diagnostics *errors)
{
    uint64_t offset = native_get64(trace->bytes + 32);
    uint64_t rows = (uint64_t)trace->spaces * NATIVE2_SPACE_ROW_BYTES +
                    (uint64_t)trace->regions * NATIVE2_REGION_ROW_BYTES +
                    (uint64_t)trace->blocks * NATIVE2_BLOCK_ROW_BYTES +
                    (uint64_t)trace->tasks * NATIVE2_TASK_ROW_BYTES;
    if (rows > trace->size - offset) {
        native_error(trace, errors, offset,
                     "the file ends inside the tables; expected %" PRIu64 " bytes of rows", rows);
        return false;
    }
    struct tables in = {.at = trace->bytes + offset,
                        .text = trace->bytes + offset + rows,
                        .end = trace->bytes + trace->size};
    if (!checksum_is_good(trace, in.at)) {
        native_error(trace, errors, 64,
                     "the checksum of header and tables does not match: the file is damaged");
        return false;
    }
    if (!read_spaces(trace, &in, errors) || !read_regions(trace, &in, errors) ||
        !read_blocks(trace, &in, offset, errors) || !read_tasks(trace, &in, errors))
        return false;
    uint32_t note = native_get32(trace->bytes + 52);
    if ((size_t)(in.end - in.text) != note) {
        native_error(trace, errors, 52, "a note of %" PRIu32 " bytes; %zu bytes are left for it",
                     note, (size_t)(in.end - in.text));
        return false;
    }
    trace->note = take_text(trace, &in, note);
    workload_fingerprint(trace->bytes + offset, trace->size - offset, trace->fingerprint);
    return true;
}

bool native2_open(struct native_trace *trace, struct diagnostics *errors)
{
    if (trace->size < NATIVE2_HEADER_BYTES) {
        native_error(trace, errors, trace->size,
                     "the file ends inside the header; expected 72 bytes");
        return false;
    }
    trace->spaces = native_get32(trace->bytes + 12);
    trace->records = native_get64(trace->bytes + 16);
    trace->records_a_block = native_get32(trace->bytes + 24);
    trace->blocks = native_get32(trace->bytes + 28);
    trace->regions = native_get32(trace->bytes + 48);
    trace->tasks = native_get32(trace->bytes + 56);
    trace->sample = native_get32(trace->bytes + 60);
    if (trace->sample == 0)
        trace->sample = 1;
    return !header_is_bad(trace, errors) && read_tables(trace, errors);
}

/* ---- the records ---------------------------------------------------------- */

struct native_decoder {
    ZSTD_DCtx *zstd;
    unsigned char *encoded; /* one block */
    size_t encoded_room;
    uint32_t block; /* number of the block that follows the current one */
    uint32_t left;  /* records not yet decoded of the current block */
    const unsigned char *at, *end;
    uint32_t space, task;
    uint32_t *previous; /* [spaces]: page of the last record of the block */
};

bool native2_start(struct native_walk *walk)
{
    struct native_decoder *decoder = memory_zeroed(1, sizeof(*decoder), "a trace decoder");
    decoder->zstd = memory_checked(ZSTD_createDCtx(), "zstd");
    decoder->previous =
        memory_zeroed(walk->trace->spaces, sizeof(*decoder->previous), "pages of spaces");
    walk->decoder = decoder;
    if (walk->trace->tasks)
        walk->record_tasks =
            memory_zeroed(NATIVE_BLOCK_RECORDS, sizeof(*walk->record_tasks), "tasks of records");
    return true;
}

void native2_stop(struct native_walk *walk)
{
    if (!walk->decoder)
        return;
    ZSTD_freeDCtx(walk->decoder->zstd);
    free(walk->decoder->encoded);
    free(walk->decoder->previous);
    free(walk->decoder);
    walk->decoder = NULL;
}

static bool open_block(struct native_walk *walk)
{
    const struct native_trace *trace = walk->trace;
    struct native_decoder *decoder = walk->decoder;
    const struct native_block *block = &trace->block[decoder->block];
    if (decoder->encoded_room < block->encoded_bytes) {
        decoder->encoded_room = block->encoded_bytes;
        decoder->encoded =
            memory_resized(decoder->encoded, decoder->encoded_room, 1, "a trace block");
    }
    size_t got =
        zstd_result(ZSTD_decompressDCtx(decoder->zstd, decoder->encoded, block->encoded_bytes,
                                        trace->bytes + block->offset, block->compressed_bytes));
    if (ZSTD_isError(got)) {
        native_fail(walk, block->offset, "block %" PRIu32 " cannot be decompressed: %s",
                    decoder->block, ZSTD_getErrorName(got));
        return false;
    }
    if (got != block->encoded_bytes ||
        !CHECKSUM_IS_GOOD(XXH3_64bits(decoder->encoded, got) == block->checksum)) {
        native_fail(walk, block->offset, "the checksum of block %" PRIu32 " does not match",
                    decoder->block);
        return false;
    }
    decoder->left = records_of_block(trace, decoder->block++);
    decoder->at = decoder->encoded;
    decoder->end = decoder->encoded + got;
    decoder->space = decoder->task = 0;
    memset(decoder->previous, 0, trace->spaces * sizeof(*decoder->previous));
    return true;
}

/* A variable-length number, seven bits a byte, at most five bytes; UINT64_MAX
 * when it does not end within them or before `end`. */
static inline uint64_t take_number(const unsigned char **at, const unsigned char *end)
{
    const unsigned char *byte = *at;
    if (__builtin_expect(byte < end && *byte < 0x80, 1)) {
        *at = byte + 1;
        return *byte;
    }
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 35 && byte < end; shift += 7) {
        number |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte++ < 0x80) {
            *at = byte;
            return number;
        }
    }
    return UINT64_MAX;
}

/* Decode up to `count` records; fewer when a number is not good.  `tasks` may be
 * NULL. */
static uint32_t decode(struct native_decoder *decoder, const struct native_trace *trace,
                       struct access *records, uint16_t *tasks, uint32_t count)
{
    const unsigned char *at = decoder->at, *const end = decoder->end;
    uint32_t space = decoder->space;
    uint32_t page = decoder->previous[space], limit = trace->limits[space];
    uint32_t done = 0;
    while (done < count) {
        uint64_t number = take_number(&at, end);
        uint8_t op = number & 3;
        number >>= 2;
        if (__builtin_expect(op == 3, 0)) {
            if (number >= NATIVE2_TASK_BASE && number - NATIVE2_TASK_BASE < trace->tasks) {
                decoder->task = (uint32_t)number - NATIVE2_TASK_BASE;
                continue;
            }
            if (number >= trace->spaces)
                break;
            decoder->previous[space] = page;
            space = (uint32_t)number;
            page = decoder->previous[space];
            limit = trace->limits[space];
            continue;
        }
        /* The lowest bit is the sign. */
        page += (uint32_t)(number >> 1) ^ (0 - (uint32_t)(number & 1));
        if (__builtin_expect(page >= limit, 0))
            break;
        if (tasks)
            tasks[done] = (uint16_t)decoder->task;
        records[done++] = (struct access){.page = page, .space = (uint16_t)space, .op = op};
    }
    decoder->previous[space] = page;
    decoder->space = space;
    decoder->at = at;
    return done;
}

uint32_t native2_next(struct native_walk *walk)
{
    const struct native_trace *trace = walk->trace;
    struct native_decoder *decoder = walk->decoder;
    if (decoder->left == 0) {
        if (decoder->block == trace->blocks)
            return 0;
        if (!open_block(walk))
            return 0;
    }
    uint32_t wanted = decoder->left < NATIVE_BLOCK_RECORDS ? decoder->left : NATIVE_BLOCK_RECORDS;
    uint32_t done = decode(decoder, trace, walk->records, walk->record_tasks, wanted);
    decoder->left -= done;
    if (done == wanted && (decoder->left > 0 || decoder->at == decoder->end))
        return done;
    uint64_t offset = trace->block[decoder->block - 1].offset;
    return native_fail(walk, offset,
                       "block %" PRIu32 ", encoded byte %zu: not a record of a page and space "
                       "that the trace has",
                       decoder->block - 1, (size_t)(decoder->at - decoder->encoded));
}

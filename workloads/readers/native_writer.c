#define _GNU_SOURCE
#include "workloads/readers/native_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"

enum { SPACES = 1 << 16, HEADER_ROOM = NATIVE2_HEADER_BYTES };

struct native_writer {
    char *path;
    struct output_file file;
    unsigned version;
    uint64_t records;
    uint32_t spaces;
    uint32_t *pages; /* [SPACES] */
    int error;       /* errno of the first failed write */
    /* Version 2: */
    ZSTD_CCtx *zstd;
    unsigned char *encoded, *compressed; /* one block */
    size_t encoded_bytes, compressed_room;
    uint32_t in_block; /* records in `encoded` */
    uint32_t space;
    uint32_t *previous; /* [SPACES]: page of the block's last record of a space */
    struct native_block *blocks;
    uint32_t block_count;
    struct native_region *regions;
    uint32_t region_count;
    struct native_task *tasks;
    uint32_t task_count, tasks_room;
    uint32_t task, encoded_task; /* of the next record; of the last one encoded */
    uint32_t sample;             /* 0: not said */
    const char **names;          /* [SPACES], NULL until one is given */
    uint64_t offset;             /* bytes written */
    struct arena arena;
    const char *note;
};

static void write_bytes(struct native_writer *writer, const void *bytes, size_t count)
{
    if (!writer->error && fwrite(bytes, 1, count, writer->file.stream) != count)
        writer->error = errno;
    writer->offset += count;
}

/* ---- beginning and end --------------------------------------------------- */

static void writer_free(struct native_writer *writer)
{
    ZSTD_freeCCtx(writer->zstd);
    arena_release(&writer->arena);
    free(writer->path);
    free(writer->pages);
    free(writer->previous);
    free(writer->encoded);
    free(writer->compressed);
    free(writer->blocks);
    free(writer->regions);
    free(writer->tasks);
    free(writer->names);
    free(writer);
}

static void begin_blocks(struct native_writer *writer, int level)
{
    size_t room = (size_t)NATIVE2_RECORDS_A_BLOCK *
                  (NATIVE2_RECORD_BYTES_AT_MOST + NATIVE2_TASK_BYTES_AT_MOST);
    writer->zstd = memory_checked(ZSTD_createCCtx(), "zstd");
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, level);
    writer->encoded = memory_zeroed(room, 1, "a trace block");
    writer->compressed_room = ZSTD_compressBound(room);
    writer->compressed = memory_zeroed(writer->compressed_room, 1, "a compressed trace block");
    writer->previous = memory_zeroed(SPACES, sizeof(*writer->previous), "pages of spaces");
}

struct native_writer *native_writer_open(const char *path, unsigned version, int level,
                                         struct diagnostics *errors)
{
    static const unsigned char nothing[HEADER_ROOM];
    struct native_writer *writer = memory_zeroed(1, sizeof(*writer), "a trace writer");
    writer->path = memory_string(path);
    if (!output_file_open(&writer->file, path)) {
        diagnostics_add(errors, &(struct source_position){.file = path}, "cannot create: %s",
                        output_file_error());
        writer_free(writer);
        return NULL;
    }
    writer->version = version;
    writer->note = "";
    writer->pages = memory_zeroed(SPACES, sizeof(*writer->pages), "sizes of spaces");
    if (version == 2)
        begin_blocks(writer, level);
    write_bytes(writer, nothing, version == 2 ? NATIVE2_HEADER_BYTES : NATIVE1_HEADER_BYTES);
    return writer;
}

void native_writer_abandon(struct native_writer *writer)
{
    if (!writer)
        return;
    output_file_abandon(&writer->file);
    writer_free(writer);
}

/* ---- records -------------------------------------------------------------- */

void native_writer_space(struct native_writer *writer, uint32_t space, uint32_t pages)
{
    if (space >= writer->spaces)
        writer->spaces = space + 1;
    if (pages > writer->pages[space])
        writer->pages[space] = pages;
}

void native_writer_note(struct native_writer *writer, const char *note)
{
    writer->note = arena_string(&writer->arena, note, strlen(note));
}

void native_writer_region(struct native_writer *writer, const struct native_region *region)
{
    writer->regions = memory_resized(writer->regions, writer->region_count + 1,
                                     sizeof(*writer->regions), "regions");
    struct native_region *copy = &writer->regions[writer->region_count++];
    *copy = *region;
    copy->name = arena_string(&writer->arena, region->name, strlen(region->name));
    native_writer_space(writer, region->space, region->first + region->pages);
}

void native_writer_space_name(struct native_writer *writer, uint32_t space, const char *name)
{
    if (!writer->names)
        writer->names = memory_zeroed(SPACES, sizeof(*writer->names), "names of spaces");
    size_t length = strnlen(name, UINT16_MAX);
    writer->names[space] = arena_string(&writer->arena, name, length);
    native_writer_space(writer, space, 0);
}

void native_writer_sample(struct native_writer *writer, uint32_t pages)
{
    writer->sample = pages;
}

uint32_t native_writer_task(struct native_writer *writer, const struct native_task *task)
{
    if (writer->task_count == writer->tasks_room) {
        writer->tasks_room = writer->tasks_room ? 2 * writer->tasks_room : 16;
        writer->tasks =
            memory_resized(writer->tasks, writer->tasks_room, sizeof(*writer->tasks), "tasks");
    }
    struct native_task *copy = &writer->tasks[writer->task_count];
    *copy = *task;
    copy->records = 0;
    copy->name = arena_string(&writer->arena, task->name, strnlen(task->name, UINT16_MAX));
    return writer->task_count++;
}

void native_writer_task_space(struct native_writer *writer, uint32_t task, uint32_t space)
{
    writer->tasks[task].space = space;
}

void native_writer_switch(struct native_writer *writer, uint32_t task)
{
    writer->task = task;
}

uint64_t native_writer_records(const struct native_writer *writer)
{
    return writer->records;
}

static void put_number(struct native_writer *writer, uint64_t number)
{
    unsigned char *at = writer->encoded + writer->encoded_bytes;
    while (number >= 0x80) {
        *at++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    *at++ = (unsigned char)number;
    writer->encoded_bytes = (size_t)(at - writer->encoded);
}

static void close_block(struct native_writer *writer)
{
    if (writer->in_block == 0)
        return;
    size_t bytes = ZSTD_compress2(writer->zstd, writer->compressed, writer->compressed_room,
                                  writer->encoded, writer->encoded_bytes);
    if (ZSTD_isError(bytes)) {
        writer->error = ENOMEM;
        bytes = 0;
    }
    writer->blocks = memory_resized(writer->blocks, writer->block_count + 1,
                                    sizeof(*writer->blocks), "an index of blocks");
    writer->blocks[writer->block_count++] =
        (struct native_block){.offset = writer->offset,
                              .compressed_bytes = (uint32_t)bytes,
                              .encoded_bytes = (uint32_t)writer->encoded_bytes,
                              .checksum = XXH3_64bits(writer->encoded, writer->encoded_bytes)};
    write_bytes(writer, writer->compressed, bytes);
    writer->encoded_bytes = 0;
    writer->in_block = 0;
    writer->space = writer->encoded_task = 0;
    memset(writer->previous, 0, SPACES * sizeof(*writer->previous));
}

static void encode(struct native_writer *writer, const struct access *record)
{
    if (writer->task < writer->task_count) {
        writer->tasks[writer->task].records++;
        if (writer->task != writer->encoded_task)
            put_number(writer, ((uint64_t)writer->task + NATIVE2_TASK_BASE) << 2 | 3);
        writer->encoded_task = writer->task;
    }
    if (record->space != writer->space) {
        writer->space = record->space;
        put_number(writer, (uint64_t)record->space << 2 | 3);
    }
    /* The shorter way round modulo 2^32; the sign goes into the lowest bit. */
    uint32_t delta = record->page - writer->previous[record->space];
    uint32_t zigzag = delta << 1 ^ (0 - (delta >> 31));
    writer->previous[record->space] = record->page;
    put_number(writer, (uint64_t)zigzag << 2 | record->op);
    if (++writer->in_block == NATIVE2_RECORDS_A_BLOCK)
        close_block(writer);
}

void native_writer_put(struct native_writer *writer, const struct access *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        native_writer_space(writer, records[i].space, records[i].page + 1);
    writer->records += count;
    if (writer->version == 1)
        write_bytes(writer, records, count * sizeof(*records));
    else
        for (uint32_t i = 0; i < count; i++)
            encode(writer, &records[i]);
}

/* ---- header and tables ------------------------------------------------------ */

static void put16(unsigned char *at, uint32_t value)
{
    uint16_t narrow = (uint16_t)value;
    memcpy(at, &narrow, sizeof(narrow));
}

static void put32(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void put64(unsigned char *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void write_header(struct native_writer *writer, const unsigned char *header, size_t bytes)
{
    if (!writer->error && fseeko(writer->file.stream, 0, SEEK_SET) != 0)
        writer->error = errno;
    write_bytes(writer, header, bytes);
}

static void finish_plain(struct native_writer *writer)
{
    unsigned char header[NATIVE1_HEADER_BYTES] = NATIVE_MAGIC;
    put32(header + 8, 1);
    put32(header + 12, writer->spaces);
    put64(header + 16, writer->records);
    for (uint32_t i = 0; i < writer->spaces; i++)
        put32(header + 24 + (size_t)4 * i, writer->pages[i]);
    write_header(writer, header, sizeof(header));
}

static size_t names_bytes(const struct native_writer *writer)
{
    size_t bytes = strlen(writer->note);
    for (uint32_t i = 0; i < writer->region_count; i++)
        bytes += strlen(writer->regions[i].name);
    for (uint32_t i = 0; i < writer->task_count; i++)
        bytes += strlen(writer->tasks[i].name);
    for (uint32_t i = 0; writer->names && i < writer->spaces; i++)
        bytes += writer->names[i] ? strlen(writer->names[i]) : 0;
    return bytes;
}

/* Copies a name behind the rows; its length for the row. */
static uint32_t put_text(unsigned char **text, const char *name)
{
    size_t length = name ? strlen(name) : 0;
    if (length)
        memcpy(*text, name, length);
    *text += length;
    return (uint32_t)length;
}

static void put_task(unsigned char *at, const struct native_task *task, unsigned char **text)
{
    put32(at, task->space);
    put32(at + 4, task->process);
    put32(at + 8, task->thread);
    put32(at + 12, task->parent);
    put64(at + 16, task->records);
    put16(at + 24, put_text(text, task->name));
}

/* Rows of spaces, regions, blocks and tasks, then the text. */
static unsigned char *make_tables(const struct native_writer *writer, size_t *bytes)
{
    size_t rows = (size_t)writer->spaces * NATIVE2_SPACE_ROW_BYTES +
                  (size_t)writer->region_count * NATIVE2_REGION_ROW_BYTES +
                  (size_t)writer->block_count * NATIVE2_BLOCK_ROW_BYTES +
                  (size_t)writer->task_count * NATIVE2_TASK_ROW_BYTES;
    *bytes = rows + names_bytes(writer);
    unsigned char *tables = memory_zeroed(*bytes, 1, "the tables of a trace"), *at = tables;
    unsigned char *text = tables + rows;
    for (uint32_t i = 0; i < writer->spaces; i++, at += NATIVE2_SPACE_ROW_BYTES) {
        put32(at, writer->pages[i]);
        put16(at + 4, put_text(&text, writer->names ? writer->names[i] : NULL));
    }
    for (uint32_t i = 0; i < writer->region_count; i++, at += NATIVE2_REGION_ROW_BYTES) {
        const struct native_region *region = &writer->regions[i];
        put32(at, region->space);
        put32(at + 4, region->first);
        put32(at + 8, region->pages);
        at[12] = (unsigned char)region->kind;
        put16(at + 14, put_text(&text, region->name));
    }
    for (uint32_t i = 0; i < writer->block_count; i++, at += NATIVE2_BLOCK_ROW_BYTES) {
        put32(at, writer->blocks[i].compressed_bytes);
        put32(at + 4, writer->blocks[i].encoded_bytes);
        put64(at + 8, writer->blocks[i].checksum);
    }
    for (uint32_t i = 0; i < writer->task_count; i++, at += NATIVE2_TASK_ROW_BYTES)
        put_task(at, &writer->tasks[i], &text);
    memcpy(text, writer->note, strlen(writer->note));
    return tables;
}

static void finish_blocks(struct native_writer *writer)
{
    close_block(writer);
    size_t bytes;
    unsigned char header[NATIVE2_HEADER_BYTES] = NATIVE_MAGIC;
    unsigned char *tables = make_tables(writer, &bytes);
    put32(header + 8, 2);
    put32(header + 12, writer->spaces);
    put64(header + 16, writer->records);
    put32(header + 24, NATIVE2_RECORDS_A_BLOCK);
    put32(header + 28, writer->block_count);
    put64(header + 32, writer->offset);
    put64(header + 40, bytes);
    put32(header + 48, writer->region_count);
    put32(header + 52, (uint32_t)strlen(writer->note));
    put32(header + 56, writer->task_count);
    put32(header + 60, writer->sample > 1 ? writer->sample : 0);
    XXH3_state_t *state = memory_checked(XXH3_createState(), "a hash");
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, header, 64);
    XXH3_64bits_update(state, tables, bytes);
    put64(header + 64, XXH3_64bits_digest(state));
    XXH3_freeState(state);
    write_bytes(writer, tables, bytes);
    write_header(writer, header, sizeof(header));
    free(tables);
}

bool native_writer_finish(struct native_writer *writer, struct diagnostics *errors)
{
    struct source_position position = {.file = writer->path};
    bool narrow = writer->version == 1 && writer->spaces > NATIVE1_SPACES_AT_MOST;
    size_t before = errors->count;
    if (writer->spaces == 0)
        diagnostics_add(errors, &position, "not written: there is no access");
    else if (narrow)
        diagnostics_add(errors, &position,
                        "not written: %" PRIu32
                        " spaces, but version 1 has room for 8 (use native2)",
                        writer->spaces);
    else if (writer->version == 1)
        finish_plain(writer);
    else
        finish_blocks(writer);
    if (errors->count != before || writer->error)
        output_file_abandon(&writer->file);
    else if (!output_file_finish(&writer->file, true))
        writer->error = errno;
    if (writer->error)
        diagnostics_add(errors, &position, "cannot write: %s", strerror(writer->error));
    bool good = errors->count == before;
    writer_free(writer);
    return good;
}

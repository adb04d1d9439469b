#include "workloads/readers/native.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"
#include "workloads/generators/stream.h"

enum { LIMITS = 1 << 16 };

const char *const native_region_kinds[NATIVE_REGION_KINDS] = {
    "unknown", "heap", "stack", "anonymous", "file", "code", "shared"};

uint16_t native_get16(const unsigned char *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

uint32_t native_get32(const unsigned char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

uint64_t native_get64(const unsigned char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

void native_error(const struct native_trace *trace, struct diagnostics *errors, uint64_t offset,
                  const char *format, ...)
{
    char text[NATIVE_FAILURE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct source_position position = {.file = trace->path};
    diagnostics_add(errors, &position, "byte %" PRIu64 ": %s", offset, text);
}

uint32_t native_fail(struct native_walk *walk, uint64_t offset, const char *format, ...)
{
    int used = snprintf(walk->failure, sizeof(walk->failure), "%s: byte %" PRIu64 ": ",
                        walk->trace->path, offset);
    if (used < 0 || (size_t)used >= sizeof(walk->failure))
        return 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(walk->failure + used, sizeof(walk->failure) - (size_t)used, format, arguments);
    va_end(arguments);
    return 0;
}

/* ---- opening ----------------------------------------------------------- */

static bool map_file(struct native_trace *trace, const struct source_position *position,
                     struct diagnostics *errors)
{
    struct stat about = {0};
    const char *why = NULL;
    int file = file_open_input(trace->path, &why);
    if (file >= 0 && fstat(file, &about) != 0)
        why = strerror(errno);
    if (!why && about.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED)
            why = strerror(errno);
        else {
            trace->bytes = bytes;
            trace->size = (size_t)about.st_size;
            trace->device = about.st_dev;
            trace->inode = about.st_ino;
            trace->written = about.st_mtim;
            (void)madvise(bytes, trace->size, MADV_SEQUENTIAL);
        }
    }
    if (file >= 0)
        close(file);
    if (why)
        diagnostics_add(errors, position, "cannot open the trace \"%s\": %s", trace->path, why);
    return !why;
}

bool native1_header(struct native_trace *trace, const unsigned char *header,
                    struct diagnostics *errors)
{
    trace->spaces = native_get32(header + 12);
    trace->records = native_get64(header + 16);
    if (trace->spaces < 1 || trace->spaces > NATIVE1_SPACES_AT_MOST) {
        native_error(trace, errors, 12, "%" PRIu32 " cgroups; expected 1..8", trace->spaces);
        return false;
    }
    for (uint32_t space = 0; space < NATIVE1_SPACES_AT_MOST; space++) {
        uint32_t pages = native_get32(header + 24 + (size_t)4 * space);
        if (space < trace->spaces)
            trace->limits[space] = pages;
        else if (pages != 0) {
            native_error(trace, errors, 24 + 4 * space,
                         "%" PRIu32 " pages for cgroup %" PRIu32 ", but there are %" PRIu32
                         " cgroups; expected 0",
                         pages, space, trace->spaces);
            return false;
        }
    }
    return true;
}

static bool open_plain(struct native_trace *trace, struct diagnostics *errors)
{
    if (trace->size < NATIVE1_HEADER_BYTES) {
        native_error(trace, errors, trace->size,
                     "the file ends inside the header; expected 56 bytes");
        return false;
    }
    if (!native1_header(trace, trace->bytes, errors))
        return false;
    uint64_t bytes = trace->size - NATIVE1_HEADER_BYTES;
    if (bytes % sizeof(struct access) != 0) {
        native_error(trace, errors, trace->size - bytes % sizeof(struct access),
                     "%" PRIu64 " bytes are left of a record; expected 8 bytes a record",
                     bytes % sizeof(struct access));
        return false;
    }
    if (bytes / sizeof(struct access) != trace->records) {
        native_error(trace, errors, 16,
                     "the header says %" PRIu64 " records, the file holds %" PRIu64, trace->records,
                     bytes / (uint64_t)sizeof(struct access));
        return false;
    }
    workload_fingerprint(trace->bytes, trace->size, trace->fingerprint);
    return true;
}

static bool open_layout(struct native_trace *trace, struct diagnostics *errors)
{
    static const unsigned char zstd_magic[4] = {0x28, 0xB5, 0x2F, 0xFD};
    if (trace->size >= 4 && memcmp(trace->bytes, zstd_magic, 4) == 0) {
        trace->layout = NATIVE_COMPRESSED;
        return native_compressed_open(trace, errors);
    }
    if (trace->size < 12) {
        native_error(trace, errors, trace->size,
                     "the file ends inside the header; expected \"" NATIVE_MAGIC
                     "\" and a version");
        return false;
    }
    if (memcmp(trace->bytes, NATIVE_MAGIC, 8) != 0) {
        native_error(trace, errors, 0,
                     "not a native trace; expected it to begin with \"" NATIVE_MAGIC
                     "\" (`zsim trace convert` reads other formats)");
        return false;
    }
    uint32_t version = native_get32(trace->bytes + 8);
    if (version == 1)
        return open_plain(trace, errors);
    if (version == 2) {
        trace->layout = NATIVE_BLOCKS;
        return native2_open(trace, errors);
    }
    native_error(trace, errors, 8, "version %" PRIu32 "; expected 1 or 2", version);
    return false;
}

struct native_trace *native_open(const char *path, const struct source_position *position,
                                 struct diagnostics *errors)
{
    struct native_trace *trace = memory_zeroed(1, sizeof(*trace), "a trace");
    trace->path = memory_string(path);
    trace->limits = memory_mapped(LIMITS * sizeof(*trace->limits), "sizes of spaces");
    trace->note = arena_string(&trace->arena, "", 0);
    trace->sample = 1;
    if (map_file(trace, position, errors) && open_layout(trace, errors))
        return trace;
    native_close(trace);
    return NULL;
}

void native_close(struct native_trace *trace)
{
    if (!trace)
        return;
    if (trace->bytes)
        munmap((void *)(uintptr_t)trace->bytes, trace->size);
    arena_release(&trace->arena);
    memory_unmap(trace->limits, LIMITS * sizeof(*trace->limits));
    free(trace->path);
    free(trace);
}

/* ---- walking ----------------------------------------------------------- */

static bool record_is_good(const uint32_t *limits, struct access record)
{
    return record.page < limits[record.space] && record.op <= ACCESS_FREE && record.reserved == 0;
}

/* Says what is wrong with a record that is not good. */
static void explain_record(struct native_walk *walk, struct access record, uint64_t offset)
{
    const struct native_trace *trace = walk->trace;
    if (record.space >= trace->spaces)
        native_fail(walk, offset, "record of cgroup %u; expected 0..%" PRIu32, record.space,
                    trace->spaces - 1);
    else if (record.page >= trace->limits[record.space])
        native_fail(walk, offset,
                    "record of page %" PRIu32 " in cgroup %u; expected a page below %" PRIu32,
                    record.page, record.space, trace->limits[record.space]);
    else if (record.op > ACCESS_FREE)
        native_fail(walk, offset, "record with op %u; expected 0 read, 1 write or 2 free",
                    record.op);
    else
        native_fail(walk, offset, "record whose last byte is %u; expected 0", record.reserved);
}

/* Two records side by side: page, and space, op and last byte above each other. */
typedef uint32_t record_pair __attribute__((vector_size(16)));

static uint32_t least_limit(const struct native_trace *trace)
{
    uint32_t least = trace->limits[0];
    for (uint32_t space = 1; space < trace->spaces; space++)
        least = trace->limits[space] < least ? trace->limits[space] : least;
    return least;
}

/* True: all are good.  False: one may not be, as no limit but the least is looked at.
 * Four instructions a record, where all_good() takes twelve and a look-up that waits for
 * the record: 1.07 ns a record become 0.28, a third of what a hit took. */
static bool surely_good(const struct native_trace *trace, const struct access *records,
                        uint32_t count)
{
    const uint32_t least = least_limit(trace), rest = ACCESS_FREE << 16 | 0xffff;
    const record_pair most = {least - 1, rest, least - 1, rest};
    record_pair above = {0}, bits = {0};
    for (uint32_t i = 0; i + 1 < count; i += 2) {
        record_pair pair;
        memcpy(&pair, &records[i], sizeof(pair));
        above |= (record_pair)(pair > most);
        bits |= pair;
    }
    uint16_t spaces = (uint16_t)(bits[1] | bits[3]);
    return least && !(above[0] | above[1] | above[2] | above[3]) && spaces < trace->spaces;
}

/* Without a branch a record: almost always all of them are good. */
static bool all_good(const uint32_t *limits, const struct access *records, uint32_t count)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, &records[i], sizeof(word));
        uint32_t page = (uint32_t)word, rest = (uint32_t)(word >> 48);
        bad |= (uint32_t)(page >= limits[(word >> 32) & 0xffff]) | (uint32_t)(rest > ACCESS_FREE);
    }
    return !bad;
}

bool native_check_records(struct native_walk *walk, const struct access *records, uint32_t count,
                          uint64_t offset)
{
    const uint32_t *limits = walk->trace->limits;
    uint32_t pairs = count & ~1u;
    if (surely_good(walk->trace, records, pairs)) {
        records += pairs;
        count -= pairs;
        offset += pairs * sizeof(struct access);
    }
    if (all_good(limits, records, count))
        return true;
    uint32_t i = 0;
    while (record_is_good(limits, records[i]))
        i++;
    explain_record(walk, records[i], offset + (uint64_t)i * sizeof(struct access));
    return false;
}

static uint32_t plain_next(struct native_walk *walk, const struct access **block)
{
    const struct native_trace *trace = walk->trace;
    uint64_t left = trace->records - walk->position;
    uint32_t count = left < NATIVE_BLOCK_RECORDS ? (uint32_t)left : NATIVE_BLOCK_RECORDS;
    uint64_t offset = NATIVE1_HEADER_BYTES + walk->position * sizeof(struct access);
    const struct access *records = (const struct access *)(const void *)(trace->bytes + offset);
    if (!native_check_records(walk, records, count, offset))
        return 0;
    *block = records;
    return count;
}

bool native_walk_start(struct native_walk *walk, const struct native_trace *trace)
{
    *walk = (struct native_walk){.trace = trace};
    if (trace->layout == NATIVE_PLAIN)
        return true;
    walk->records = memory_zeroed(NATIVE_BLOCK_RECORDS, sizeof(struct access), "trace records");
    return trace->layout == NATIVE_BLOCKS ? native2_start(walk) : native_compressed_start(walk);
}

/* At the end of a walk: a file that was written in place is not the one whose hash is in
 * the result.  One that was replaced, or removed, still is. */
static void fail_if_changed(struct native_walk *walk)
{
    const struct native_trace *trace = walk->trace;
    struct stat about;
    if (walk->failure[0] || stat(trace->path, &about) != 0 || about.st_dev != trace->device ||
        about.st_ino != trace->inode)
        return;
    if (about.st_size != (off_t)trace->size || about.st_mtim.tv_sec != trace->written.tv_sec ||
        about.st_mtim.tv_nsec != trace->written.tv_nsec)
        snprintf(walk->failure, sizeof(walk->failure), "%s: it was written to while it was read",
                 trace->path);
}

uint32_t native_walk_next(struct native_walk *walk, const struct access **block)
{
    uint32_t count = 0;
    if (walk->failure[0])
        return 0;
    switch (walk->trace->layout) {
    case NATIVE_PLAIN:
        count = plain_next(walk, block);
        break;
    case NATIVE_BLOCKS:
        count = native2_next(walk);
        *block = walk->records;
        break;
    case NATIVE_COMPRESSED:
        count = native_compressed_next(walk);
        *block = walk->records;
        break;
    }
    walk->position += count;
    if (!count)
        fail_if_changed(walk);
    return count;
}

void native_walk_stop(struct native_walk *walk)
{
    if (walk->trace->layout == NATIVE_BLOCKS)
        native2_stop(walk);
    else if (walk->trace->layout == NATIVE_COMPRESSED)
        native_compressed_stop(walk);
    free(walk->records);
    free(walk->record_tasks);
    walk->records = NULL;
    walk->record_tasks = NULL;
}

#include "workloads/readers/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"
#include "workloads/generators/stream.h"
#include "workloads/readers/native.h"
#include "workloads/readers/readers.h"

enum {
    RECORDS_AT_LEAST = USUAL_OR_FUZZING(1 << 16, 1 << 4),
    BLOCK_RECORDS = 4096,
    NAMES_AT_MOST = 64,
    EXPECTED_BYTES = 160,
};

/* ---- reading ------------------------------------------------------------------- */

bool foreign_read(const struct workload_type *type, const void *params, int file, const char *name,
                  bool streamed, trace_sink *sink, void *context, char note[TRACE_NOTE_BYTES],
                  char fingerprint[33], struct diagnostics *errors)
{
    struct trace_reading reading = {.input = trace_input_open(file, name, errors),
                                    .pages = trace_pages_create(sink, context),
                                    .params = params};
    if (!streamed)
        trace_pages_limit(reading.pages, reading.input, TRACE_RECORDS_HELD, TRACE_PAGES_HELD);
    bool good = type->reader->read(&reading);
    if (good && trace_pages_full(reading.pages))
        good = trace_input_error(reading.input, "more than 2^32 - 1 pages in one space");
    if (good && trace_pages_records(reading.pages) == 0)
        good = trace_input_error(reading.input, "no access in it (%s)",
                                 reading.note[0] ? reading.note : "an empty file");
    if (note)
        memcpy(note, reading.note, TRACE_NOTE_BYTES);
    if (fingerprint)
        trace_input_fingerprint(reading.input, fingerprint);
    trace_pages_free(reading.pages);
    trace_input_close(reading.input);
    return good;
}

/* ---- records in memory ----------------------------------------------------------- */

struct kept {
    struct access *records;
    uint64_t count, room;
    uint32_t *pages; /* [spaces] */
    uint32_t spaces;
    char fingerprint[33];
    char note[TRACE_NOTE_BYTES];
};

static void keep_space(struct kept *kept, struct access record)
{
    if (record.space >= kept->spaces) {
        kept->pages =
            memory_resized(kept->pages, record.space + 1u, sizeof(*kept->pages), "sizes of spaces");
        while (kept->spaces <= record.space)
            kept->pages[kept->spaces++] = 0;
    }
    if (record.page >= kept->pages[record.space])
        kept->pages[record.space] = record.page + 1;
}

static void keep_records(void *context, const struct access *records, uint32_t count)
{
    struct kept *kept = context;
    if (kept->count + count > kept->room) {
        kept->room = kept->room ? kept->room * 2 : RECORDS_AT_LEAST;
        kept->records =
            memory_resized(kept->records, kept->room, sizeof(*kept->records), "trace records");
    }
    memcpy(kept->records + kept->count, records, count * sizeof(*records));
    kept->count += count;
    for (uint32_t i = 0; i < count; i++)
        keep_space(kept, records[i]);
}

static void kept_free(struct kept *kept)
{
    free(kept->records);
    free(kept->pages);
    free(kept);
}

/* The file to read: every format has this key. */
static const struct param *file_row(const struct param_table *table)
{
    const struct param *row = table->rows;
    while (strcmp(row->name, "file") != 0)
        row++;
    return row;
}

static const char *file_of(const struct workload_type *type, const void *params)
{
    const struct param *row = file_row(&type->params);
    return *(const char *const *)(const void *)((const char *)params + row->offset);
}

/* Records depend on the file's bytes and on every other parameter. */
static void mix_params(struct kept *kept, const struct workload_type *type, const void *params)
{
    struct arena arena = {0};
    char *text = arena_printf(&arena, "%s %s", type->name, kept->fingerprint);
    for (size_t i = 0; i < type->params.count; i++) {
        const struct param *row = &type->params.rows[i];
        char value[256];
        if (strcmp(row->name, "file") == 0)
            continue;
        params_print(row, params, value, sizeof(value));
        text = arena_printf(&arena, "%s %s=%s", text, row->name, value);
    }
    workload_fingerprint(text, strlen(text), kept->fingerprint);
    arena_release(&arena);
}

struct workload *foreign_open(const struct workload_type *type, const void *params,
                              const struct source_position *position, struct diagnostics *errors)
{
    const char *path = file_of(type, params);
    const char *why;
    int file = file_open_input(path, &why);
    if (file < 0) {
        diagnostics_add(errors, position, "cannot open the trace \"%s\": %s", path, why);
        return NULL;
    }
    struct kept *kept = memory_zeroed(1, sizeof(*kept), "a trace");
    bool good = foreign_read(type, params, file, path, false, keep_records, kept, kept->note,
                             kept->fingerprint, errors);
    close(file);
    if (!good) {
        kept_free(kept);
        return NULL;
    }
    mix_params(kept, type, params);
    struct workload *workload = memory_zeroed(1, sizeof(*workload), "a workload");
    *workload = (struct workload){.type = type,
                                  .spaces = kept->spaces,
                                  .space_pages = kept->pages,
                                  .accesses = kept->count,
                                  .fingerprint = kept->fingerprint,
                                  .state = kept};
    return workload;
}

void foreign_close(struct workload *workload)
{
    if (!workload)
        return;
    kept_free(workload->state);
    free(workload);
}

bool foreign_start(struct workload_cursor *cursor)
{
    cursor->position = 0;
    cursor->state = NULL;
    return true;
}

uint32_t foreign_next(struct workload_cursor *cursor, const struct access **block)
{
    const struct kept *kept = cursor->workload->state;
    uint64_t left = kept->count - cursor->position;
    uint32_t count = left < BLOCK_RECORDS ? (uint32_t)left : BLOCK_RECORDS;
    *block = kept->records + cursor->position;
    cursor->position += count;
    return count;
}

void foreign_stop(struct workload_cursor *cursor)
{
    cursor->state = NULL;
}

const char *foreign_note(const struct workload *workload)
{
    if (workload->type->open == NULL || workload->type->next != foreign_next)
        return NULL;
    return ((const struct kept *)workload->state)->note;
}

/* ---- formats ------------------------------------------------------------------------ */

bool trace_format_same_name(const char *left, const char *right)
{
    for (;; left++, right++) {
        while (*left == '-' || *left == '_')
            left++;
        while (*right == '-' || *right == '_')
            right++;
        int a = *left >= 'A' && *left <= 'Z' ? *left + 32 : *left;
        int b = *right >= 'A' && *right <= 'Z' ? *right + 32 : *right;
        if (a != b || !a)
            return a == b;
    }
}

static bool is_format(const struct workload_type *type)
{
    return type->reader || type == &workload_trace;
}

const struct workload_type *trace_format_find(const char *name)
{
    if (trace_format_same_name(name, "native"))
        return &workload_trace;
    for (size_t i = 0; workload_types[i]; i++)
        if (is_format(workload_types[i]) && trace_format_same_name(name, workload_types[i]->name))
            return workload_types[i];
    return NULL;
}

const char *trace_format_names(struct arena *arena)
{
    const char *text = "native";
    for (size_t i = 0; workload_types[i]; i++)
        if (workload_types[i]->reader)
            text = arena_printf(arena, "%s, %s", text, workload_types[i]->name);
    return text;
}

static const struct workload_type *recognise(const char *head, size_t bytes)
{
    if (bytes >= 8 && memcmp(head, NATIVE_MAGIC, 8) == 0)
        return &workload_trace;
    for (size_t i = 0; workload_types[i]; i++)
        if (workload_types[i]->reader && workload_types[i]->reader->recognise(head, bytes))
            return workload_types[i];
    return NULL;
}

const struct workload_type *trace_format_detect(const char *path, struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    const char *why;
    int file = file_open_input(path, &why);
    if (file < 0) {
        diagnostics_add(errors, &position, "cannot open: %s", why);
        return NULL;
    }
    struct trace_input *input = trace_input_open(file, path, errors);
    size_t bytes;
    const char *head = trace_input_head(input, &bytes);
    const struct workload_type *type = trace_input_failed(input) ? NULL : recognise(head, bytes);
    struct arena arena = {0};
    if (!type && !trace_input_failed(input))
        trace_input_error(input,
                          "%s; --from FORMAT of zsim trace info and convert says which it is: %s",
                          bytes ? "byte 0: the format is not recognised" : "the file is empty",
                          trace_format_names(&arena));
    arena_release(&arena);
    trace_input_close(input);
    close(file);
    return type;
}

/* ---- parameters from the command line -------------------------------------------------- */

/* The length of a KEY before '=', or 0. */
static size_t key_length(const char *text)
{
    size_t length = 0;
    while ((text[length] >= 'a' && text[length] <= 'z') || text[length] == '-' ||
           text[length] == '_')
        length++;
    return text[length] == '=' ? length : 0;
}

/* Ends where a comma is followed by another KEY=. */
static size_t value_length(const char *text)
{
    size_t length = 0;
    while (text[length] && !(text[length] == ',' && key_length(text + length + 1)))
        length++;
    return length;
}

static bool unknown_key(const struct workload_type *type, const char *key,
                        struct diagnostics *errors)
{
    const char *names[NAMES_AT_MOST];
    size_t count = 0;
    for (; count < type->params.count && count < NAMES_AT_MOST; count++)
        names[count] = type->params.rows[count].name;
    const char *near = nearest_name(key, names, count);
    diagnostics_add(errors, NULL, "format %s has no option \"%s\"%s%s%s", type->name, key,
                    near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return false;
}

static bool set_option(const struct workload_type *type, void *params, const char *key,
                       const char *value, struct diagnostics *errors)
{
    for (size_t i = 0; i < type->params.count; i++) {
        const struct param *row = &type->params.rows[i];
        char expected[EXPECTED_BYTES];
        if (!trace_format_same_name(row->name, key) || strcmp(row->name, "file") == 0)
            continue;
        if (params_set(row, params, value, expected, sizeof(expected)))
            return true;
        diagnostics_add(errors, NULL, "option %s of format %s is \"%s\"; expected %s", row->name,
                        type->name, value, expected);
        return false;
    }
    return unknown_key(type, key, errors);
}

void *trace_format_params(const struct workload_type *type, const char *path, const char *options,
                          struct arena *arena, struct diagnostics *errors)
{
    void *params = arena_zeroed(arena, type->params.struct_bytes);
    const struct param *file = file_row(&type->params);
    params_set_defaults(&type->params, params);
    *(const char **)(void *)((char *)params + file->offset) =
        arena_string(arena, path, strlen(path));
    for (const char *at = options ? options : ""; *at;) {
        size_t length = key_length(at);
        if (!length) {
            diagnostics_add(errors, NULL, "format options are \"%s\"; expected KEY=VALUE at \"%s\"",
                            options, at);
            return NULL;
        }
        const char *key = arena_string(arena, at, length);
        at += length + 1;
        length = value_length(at);
        if (!set_option(type, params, key, arena_string(arena, at, length), errors))
            return NULL;
        at += length + (at[length] == ',');
    }
    return params;
}

struct workload *trace_file_open(const char *path, const char *format, const char *options,
                                 struct diagnostics *errors)
{
    struct arena arena = {0};
    const struct workload_type *type =
        format ? trace_format_find(format) : trace_format_detect(path, errors);
    if (!type && format)
        diagnostics_add(errors, NULL, "unknown format \"%s\"; expected one of: %s", format,
                        trace_format_names(&arena));
    void *params = type ? trace_format_params(type, path, options, &arena, errors) : NULL;
    struct workload *workload = NULL;
    if (params)
        workload = type->open(params, 0, &(struct source_position){.file = "zsim trace"}, errors);
    arena_release(&arena);
    return workload;
}

/* ---- numbers -------------------------------------------------------------------------- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

static bool take_number(const char **at, unsigned base, uint64_t *value)
{
    const char *place = *at;
    *value = 0;
    for (unsigned digit; (digit = (unsigned)digit_of(*place)) < base; place++)
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    bool any = place > *at;
    *at = place;
    return any;
}

bool trace_take_decimal(const char **at, uint64_t *value)
{
    return take_number(at, 10, value);
}

bool trace_take_hexadecimal(const char **at, uint64_t *value)
{
    return take_number(at, 16, value);
}

const char *trace_skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* CSV of requests with columns to choose, as libCacheSim reads it: time, object,
 * size, operation (docs/formats.md, "CSV"). */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

#include "sim/base/units.h"
#include "workloads/readers/foreign.h"
#include "workloads/readers/readers.h"

enum { FIELDS_AT_MOST = 64, UNUSED_BYTES = 128 };

enum column { COLUMN_TIME, COLUMN_ID, COLUMN_SIZE, COLUMN_OP, COLUMNS };
enum header { HEADER_AUTO, HEADER_TRUE, HEADER_FALSE };
enum id_kind { ID_OBJECT, ID_PAGE, ID_ADDRESS };

static const char *const header_choices[] = {"auto", "true", "false", NULL};
static const char *const id_choices[] = {"object", "page", "address", NULL};
static const char *const column_keys[COLUMNS] = {"time_col", "obj_id_col", "obj_size_col",
                                                 "op_col"};

/* Names of columns in a header; case, '-', '_' and ' ' do not count. */
static const char *const column_names[COLUMNS][8] = {
    [COLUMN_TIME] = {"time", "timestamp", "clocktime"},
    [COLUMN_ID] = {"id", "objid", "objectid", "key", "obj", "object", "page", "address"},
    [COLUMN_SIZE] = {"size", "objsize", "objectsize", "bytes"},
    [COLUMN_OP] = {"op", "operation", "optype", "type"},
};

static const struct {
    const char *name;
    enum access_op op;
} operations[] = {
    {"read", ACCESS_READ},    {"r", ACCESS_READ},       {"get", ACCESS_READ},
    {"gets", ACCESS_READ},    {"load", ACCESS_READ},    {"0", ACCESS_READ},
    {"write", ACCESS_WRITE},  {"w", ACCESS_WRITE},      {"set", ACCESS_WRITE},
    {"put", ACCESS_WRITE},    {"add", ACCESS_WRITE},    {"replace", ACCESS_WRITE},
    {"cas", ACCESS_WRITE},    {"append", ACCESS_WRITE}, {"prepend", ACCESS_WRITE},
    {"update", ACCESS_WRITE}, {"incr", ACCESS_WRITE},   {"decr", ACCESS_WRITE},
    {"store", ACCESS_WRITE},  {"1", ACCESS_WRITE},      {"delete", ACCESS_FREE},
    {"del", ACCESS_FREE},     {"remove", ACCESS_FREE},  {"free", ACCESS_FREE},
    {"2", ACCESS_FREE},
};

struct csv_params {
    const char *file, *delimiter;
    uint64_t columns[COLUMNS]; /* from 1; 0: by the header, or none */
    unsigned header, id;
};

#define COLUMN_ROW(key, which, text)                                                               \
    {                                                                                              \
        .name = (key), .type = PARAM_COUNT,                                                        \
        .offset = offsetof(struct csv_params, columns) + (which) * sizeof(uint64_t),               \
        .initial = "0", .least = 0, .most = FIELDS_AT_MOST, .help = (text)                         \
    }

static const struct param rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct csv_params, file),
     .flags = PARAM_REQUIRED,
     .help = "CSV of requests, plain or compressed (zstd, gzip); read whole at the start"},
    COLUMN_ROW("time_col", COLUMN_TIME,
               "column of the time, from 1; 0: by the header, or none. Only its place matters, "
               "lines are taken in their order"),
    COLUMN_ROW("obj_id_col", COLUMN_ID, "column of the object, from 1; 0: by the header"),
    COLUMN_ROW("obj_size_col", COLUMN_SIZE,
               "column of the size in bytes, from 1; 0: by the header; without one every request "
               "is one page"),
    COLUMN_ROW("op_col", COLUMN_OP,
               "column of the operation, from 1; 0: by the header; without one all are reads"),
    {.name = "delimiter",
     .type = PARAM_STRING,
     .offset = offsetof(struct csv_params, delimiter),
     .initial = "auto",
     .help = "one character, tab, or auto: the first that the first line has of comma, semicolon, "
             "tab and bar, else a space"},
    {.name = "has_header",
     .type = PARAM_ENUM,
     .offset = offsetof(struct csv_params, header),
     .initial = "auto",
     .choices = header_choices,
     .help = "the first line names the columns; auto: if it has the name of an object column"},
    {.name = "id",
     .type = PARAM_ENUM,
     .offset = offsetof(struct csv_params, id),
     .initial = "object",
     .choices = id_choices,
     .help = "what the object column is: an object with pages of its own, the number of a page, "
             "or the address of a byte"},
};

struct field {
    const char *at;
    size_t length;
};

struct csv {
    struct trace_reading *reading;
    const struct csv_params *params;
    char delimiter;
    uint64_t columns[COLUMNS];
    uint32_t space;
    uint64_t requests, hashed;
    char unused[UNUSED_BYTES]; /* names of columns in the header, for the note */
};

/* ---- fields --------------------------------------------------------------------- */

static const char *end_of_field(const char *at, char delimiter)
{
    if (*at == '"') {
        const char *stop = strchr(at + 1, '"');
        if (stop)
            at = stop;
    }
    while (*at && *at != delimiter && *at != '\n' && *at != '\r')
        at++;
    return at;
}

/* Without blanks and quotes around it. */
static struct field trim(const char *at, const char *stop)
{
    while (at < stop && (*at == ' ' || *at == '\t'))
        at++;
    while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    if (stop - at >= 2 && *at == '"' && stop[-1] == '"') {
        at++;
        stop--;
    }
    return (struct field){.at = at, .length = (size_t)(stop - at)};
}

static size_t split(const char *line, char delimiter, struct field *fields)
{
    size_t count = 0;
    for (const char *at = line; count < FIELDS_AT_MOST; at++) {
        while (delimiter == ' ' && *at == ' ')
            at++;
        const char *stop = end_of_field(at, delimiter);
        fields[count++] = trim(at, stop);
        at = stop;
        if (*at != delimiter)
            break;
    }
    return count;
}

static char find_delimiter(const char *line)
{
    size_t length = strcspn(line, "\r\n");
    for (const char *candidate = ",;\t|"; *candidate; candidate++)
        if (memchr(line, *candidate, length))
            return *candidate;
    return memchr(line, ' ', length) ? ' ' : ',';
}

static bool field_is(struct field field, const char *name)
{
    size_t at = 0;
    for (; *name; name++, at++) {
        while (at < field.length && strchr("-_ ", field.at[at]))
            at++;
        if (at >= field.length || tolower((unsigned char)field.at[at]) != *name)
            return false;
    }
    return at == field.length;
}

/* The column that a header's field names, or COLUMNS. */
static enum column find_column(struct field field)
{
    for (enum column column = 0; column < COLUMNS; column++)
        for (size_t i = 0; i < 8 && column_names[column][i]; i++)
            if (field_is(field, column_names[column][i]))
                return column;
    return COLUMNS;
}

static bool names_an_object(const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (find_column(fields[i]) == COLUMN_ID)
            return true;
    return false;
}

static bool is_number(struct field field)
{
    const char *at = field.at;
    uint64_t value;
    if (!trace_take_decimal(&at, &value))
        return false;
    if (*at == '.' && at++)
        while (isdigit((unsigned char)*at))
            at++;
    return at == field.at + field.length;
}

/* A header with an object column, or numbers alone in several columns. */
static bool recognise(const char *head, size_t bytes)
{
    struct field fields[FIELDS_AT_MOST];
    if (bytes == 0 || memchr(head, '\0', bytes))
        return false;
    size_t count = split(head, find_delimiter(head), fields);
    if (count < 2)
        return false;
    if (names_an_object(fields, count))
        return true;
    for (size_t i = 0; i < count; i++)
        if (!is_number(fields[i]))
            return false;
    return true;
}

/* ---- the first line ----------------------------------------------------------------- */

static bool choose_delimiter(struct csv *csv, const char *line)
{
    const char *text = csv->params->delimiter;
    char quoted[TRACE_QUOTED_BYTES];
    if (strcmp(text, "auto") == 0)
        csv->delimiter = find_delimiter(line);
    else if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        csv->delimiter = '\t';
    else if (strlen(text) == 1)
        csv->delimiter = text[0];
    else
        return trace_input_error(csv->reading->input,
                                 "delimiter is \"%s\"; expected one character, tab or auto",
                                 trace_quote(text, strlen(text), quoted));
    return true;
}

static bool is_used(const struct csv *csv, size_t number)
{
    for (enum column column = 0; column < COLUMNS; column++)
        if (csv->columns[column] == number)
            return true;
    return false;
}

static void list_unused(struct csv *csv, const struct field *fields, size_t count)
{
    char quoted[TRACE_QUOTED_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof(csv->unused); i++)
        if (!is_used(csv, i + 1))
            used += (size_t)snprintf(csv->unused + used, sizeof(csv->unused) - used, "%s\"%s\"",
                                     used ? ", " : "",
                                     trace_quote(fields[i].at, fields[i].length, quoted));
    /* Names that are not all there end as such. */
    if (used >= sizeof(csv->unused))
        memcpy(csv->unused + sizeof(csv->unused) - 4, "...", 4);
}

static void take_header(struct csv *csv, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum column column = find_column(fields[i]);
        if (column < COLUMNS && !csv->columns[column])
            csv->columns[column] = i + 1;
    }
    list_unused(csv, fields, count);
}

/* *is_header: the line is not a request. */
static bool take_first_line(struct csv *csv, const char *line, bool *is_header)
{
    struct field fields[FIELDS_AT_MOST];
    if (!choose_delimiter(csv, line))
        return false;
    size_t count = split(line, csv->delimiter, fields);
    *is_header = csv->params->header == HEADER_TRUE ||
                 (csv->params->header == HEADER_AUTO && names_an_object(fields, count));
    memcpy(csv->columns, csv->params->columns, sizeof(csv->columns));
    if (*is_header)
        take_header(csv, fields, count);
    if (!csv->columns[COLUMN_ID])
        return trace_input_line_error(csv->reading->input, line,
                                      "no column is known to be the object: no header names one; "
                                      "say obj_id_col=N (from 1; also obj_size_col, op_col)");
    return true;
}

/* ---- requests -------------------------------------------------------------------------- */

static bool take_size(struct csv *csv, const struct field *fields, uint64_t *size)
{
    char quoted[TRACE_QUOTED_BYTES];
    *size = PAGE_BYTES;
    if (!csv->columns[COLUMN_SIZE])
        return true;
    struct field field = fields[csv->columns[COLUMN_SIZE] - 1];
    const char *at = field.at;
    if (trace_take_decimal(&at, size) && at == field.at + field.length)
        return true;
    return trace_input_line_error(csv->reading->input, field.at,
                                  "size is \"%s\"; expected a whole number of bytes",
                                  trace_quote(field.at, field.length, quoted));
}

static bool take_op(struct csv *csv, const struct field *fields, enum access_op *op)
{
    char quoted[TRACE_QUOTED_BYTES];
    *op = ACCESS_READ;
    if (!csv->columns[COLUMN_OP])
        return true;
    struct field field = fields[csv->columns[COLUMN_OP] - 1];
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (strlen(operations[i].name) == field.length &&
            strncasecmp(operations[i].name, field.at, field.length) == 0) {
            *op = operations[i].op;
            return true;
        }
    return trace_input_line_error(
        csv->reading->input, field.at,
        "operation is \"%s\"; expected read, get, write, set, put, delete or the like",
        trace_quote(field.at, field.length, quoted));
}

/* A decimal number (or one after 0x) is itself; other text stands for its XXH3-64. */
static bool take_id(struct csv *csv, struct field field, uint64_t *id)
{
    const char *at = field.at;
    char quoted[TRACE_QUOTED_BYTES];
    if (field.length > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        at += 2;
        if (trace_take_hexadecimal(&at, id) && at == field.at + field.length)
            return true;
    } else if (trace_take_decimal(&at, id) && at == field.at + field.length)
        return true;
    if (csv->params->id != ID_OBJECT || field.length == 0)
        return trace_input_line_error(csv->reading->input, field.at,
                                      "object is \"%s\"; expected %s",
                                      trace_quote(field.at, field.length, quoted),
                                      field.length ? "a whole number of 64 bits" : "some text");
    *id = XXH3_64bits(field.at, field.length);
    csv->hashed++;
    return true;
}

static bool touch(struct csv *csv, uint64_t id, uint64_t size, enum access_op op)
{
    struct trace_pages *pages = csv->reading->pages;
    if (csv->params->id == ID_OBJECT)
        return trace_pages_object(pages, csv->space, id, size, op);
    if (csv->params->id == ID_ADDRESS)
        return trace_pages_range(pages, csv->space, id, size, op);
    return id <= UINT64_MAX / PAGE_BYTES &&
           trace_pages_range(pages, csv->space, id * PAGE_BYTES, size, op);
}

/* A line without an end is often the last of a whole file (RFC 4180 allows it), and as often all
 * that is left of a longer one: the columns before its last are known to be whole. */
static bool check_end(struct csv *csv, const struct field *fields, size_t count)
{
    char quoted[TRACE_QUOTED_BYTES];
    struct field last = fields[count - 1];
    if (trace_input_line_ended(csv->reading->input))
        return true;
    for (enum column column = COLUMN_ID; column < COLUMNS; column++)
        if (csv->columns[column] == count)
            return trace_input_line_error(csv->reading->input, last.at,
                                          "the text ends inside a line, \"%s\" may be cut short; "
                                          "expected a newline behind it",
                                          trace_quote(last.at, last.length, quoted));
    return true;
}

static bool read_request(struct csv *csv, const char *line)
{
    struct field fields[FIELDS_AT_MOST];
    uint64_t id, size;
    enum access_op op;
    size_t count = split(line, csv->delimiter, fields);
    if (!check_end(csv, fields, count))
        return false;
    for (enum column column = 0; column < COLUMNS; column++)
        if (csv->columns[column] > count)
            return trace_input_line_error(
                csv->reading->input, line, "%zu column%s; expected %s %" PRIu64 " to be there",
                count, count == 1 ? "" : "s", column_keys[column], csv->columns[column]);
    struct field object = fields[csv->columns[COLUMN_ID] - 1];
    if (!take_id(csv, object, &id) || !take_size(csv, fields, &size) || !take_op(csv, fields, &op))
        return false;
    csv->requests++;
    return touch(csv, id, size, op) ||
           trace_input_line_error(csv->reading->input, object.at,
                                  "%" PRIu64 " bytes at once; expected at most 4 GiB, within 2^64 "
                                  "bytes",
                                  size);
}

static bool read_trace(struct trace_reading *reading)
{
    struct csv csv = {.reading = reading,
                      .params = reading->params,
                      .space = trace_pages_space(reading->pages, "", 0)};
    bool first = true;
    for (const char *line; (line = trace_input_line(reading->input));) {
        bool is_header = false;
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (first && !take_first_line(&csv, line, &is_header))
            return false;
        first = false;
        if (!is_header && !read_request(&csv, line))
            return false;
    }
    snprintf(reading->note, sizeof(reading->note),
             "CSV: %" PRIu64 " requests%s, %" PRIu64 " of objects named by text; %s%s%s%s",
             csv.requests, csv.columns[COLUMN_OP] ? "" : " taken for reads", csv.hashed,
             csv.params->id == ID_OBJECT ? "an object has its own pages"
                                         : "every page that a request covers is touched",
             csv.columns[COLUMN_SIZE] ? "" : "; no size column: each request is one page",
             *csv.unused ? "; columns not used: " : "", csv.unused);
    return !trace_input_failed(reading->input);
}

TRACE_READER_TYPE(csv, struct csv_params, "requests in CSV, columns as in libCacheSim")

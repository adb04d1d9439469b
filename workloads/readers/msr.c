/* Block traces of MSR Cambridge: Timestamp,Hostname,DiskNumber,Type,Offset,Size,
 * ResponseTime (docs/formats.md, "MSR Cambridge"). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "workloads/readers/foreign.h"
#include "workloads/readers/readers.h"

enum { FIELDS = 7, HOSTNAME = 1, DISK = 2, TYPE = 3, OFFSET = 4, SIZE = 5 };

static const char *const field_names[FIELDS] = {"Timestamp", "Hostname", "DiskNumber",  "Type",
                                                "Offset",    "Size",     "ResponseTime"};

struct msr_params {
    const char *file;
};

static const struct param rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct msr_params, file),
     .flags = PARAM_REQUIRED,
     .help = "CSV with Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime, plain or "
             "compressed (gzip, zstd); read whole at the start"},
};

/* Where the fields begin; how many there are, FIELDS + 1 for more than FIELDS. */
static int split(const char *line, const char *fields[FIELDS])
{
    int count = 0;
    const char *at = line;
    while (count < FIELDS) {
        fields[count++] = at;
        const char *comma = strchr(at, ',');
        if (!comma)
            return count;
        at = comma + 1;
    }
    return FIELDS + 1;
}

static size_t field_length(const char *field)
{
    return strcspn(field, ",");
}

static bool field_is(const char *field, const char *word)
{
    return field_length(field) == strlen(word) && strncasecmp(field, word, strlen(word)) == 0;
}

static bool is_header(const char *line)
{
    const char *fields[FIELDS];
    return split(line, fields) == FIELDS && field_is(fields[0], field_names[0]) &&
           field_is(fields[TYPE], field_names[TYPE]);
}

static bool recognise(const char *head, size_t bytes)
{
    const char *fields[FIELDS];
    if (bytes == 0)
        return false;
    if (strncasecmp(head, "Timestamp,Hostname,DiskNumber,Type,", 35) == 0)
        return true;
    const char *stop = strpbrk(head, "\r\n");
    if (split(head, fields) < FIELDS || (stop && fields[TYPE] > stop))
        return false;
    return field_is(fields[TYPE], "Read") || field_is(fields[TYPE], "Write");
}

static bool take_field(struct trace_reading *reading, const char *fields[FIELDS], int index,
                       uint64_t *value)
{
    const char *at = fields[index];
    char quoted[TRACE_QUOTED_BYTES];
    if (trace_take_decimal(&at, value) && (*at == ',' || *at == '\0'))
        return true;
    return trace_input_line_error(
        reading->input, fields[index], "%s is \"%s\"; expected a whole number of 64 bits",
        field_names[index], trace_quote(fields[index], field_length(fields[index]), quoted));
}

static bool take_type(struct trace_reading *reading, const char *field, enum access_op *op)
{
    char quoted[TRACE_QUOTED_BYTES];
    *op = field_is(field, "Write") ? ACCESS_WRITE : ACCESS_READ;
    if (*op == ACCESS_WRITE || field_is(field, "Read"))
        return true;
    return trace_input_line_error(reading->input, field, "Type is \"%s\"; expected Read or Write",
                                  trace_quote(field, field_length(field), quoted));
}

static bool read_request(struct trace_reading *reading, const char *line)
{
    const char *fields[FIELDS];
    uint64_t numbers[FIELDS] = {0};
    enum access_op op;
    int count = split(line, fields);
    if (count != FIELDS)
        return trace_input_line_error(reading->input, line,
                                      "%s fields; expected 7: Timestamp,Hostname,DiskNumber,Type,"
                                      "Offset,Size,ResponseTime",
                                      count > FIELDS ? "more than 7" : "fewer than 7");
    if (!take_type(reading, fields[TYPE], &op))
        return false;
    for (int i = 0; i < FIELDS; i++)
        if (i != HOSTNAME && i != TYPE && !take_field(reading, fields, i, &numbers[i]))
            return false;
    uint32_t space = trace_pages_space(reading->pages, fields[HOSTNAME],
                                       (size_t)(fields[TYPE] - 1 - fields[HOSTNAME]));
    if (space == UINT32_MAX)
        return trace_input_line_error(reading->input, fields[DISK], "more than 65535 disks");
    if (!trace_pages_range(reading->pages, space, numbers[OFFSET], numbers[SIZE], op))
        return trace_input_line_error(reading->input, fields[SIZE],
                                      "Size is %" PRIu64 " at Offset %" PRIu64
                                      "; expected at most 4 GiB, within 2^64 bytes",
                                      numbers[SIZE], numbers[OFFSET]);
    return true;
}

static bool read_trace(struct trace_reading *reading)
{
    uint64_t requests = 0, lines = 0;
    for (const char *line; (line = trace_input_line(reading->input)); lines++) {
        if (line[0] == '\0' || (lines == 0 && is_header(line)))
            continue;
        if (!read_request(reading, line))
            return false;
        requests++;
    }
    snprintf(reading->note, sizeof(reading->note),
             "MSR Cambridge block trace: %" PRIu64
             " requests; every 4 KiB block that a request covers is a page, a disk is a space",
             requests);
    return !trace_input_failed(reading->input);
}

TRACE_READER_TYPE(msr, struct msr_params, "block trace in the CSV of MSR Cambridge")

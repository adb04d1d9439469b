/* Text of blkparse in its default form: MAJOR,MINOR CPU SEQUENCE SECONDS.NS PID
 * ACTION RWBS SECTOR + SECTORS [COMMAND] (docs/formats.md, "blkparse"). */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/readers/foreign.h"
#include "workloads/readers/readers.h"

enum { SECTOR_BYTES = 512, WORDS = 7, DEVICE = 0, TIME = 3, ACTION = 5, RWBS = 6 };

struct blkparse_params {
    const char *file;
    const char *action;
};

static const struct param rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct blkparse_params, file),
     .flags = PARAM_REQUIRED,
     .help = "text of blkparse in its default form, plain or compressed; read whole at the start"},
    {.name = "action",
     .type = PARAM_STRING,
     .offset = offsetof(struct blkparse_params, action),
     .initial = "Q",
     .help = "the one action that counts: Q queued, G request made, I inserted, D issued or C "
             "completed; a request passes through several"},
};

struct counts {
    uint64_t requests, other_actions, without_data;
};

/* The first words of a line; fewer than WORDS when it is shorter. */
static int find_words(const char *line, const char *words[WORDS])
{
    int count = 0;
    for (const char *at = line; count < WORDS; count++) {
        at = trace_skip_blanks(at);
        if (*at == '\0' || *at == '\n')
            break;
        words[count] = at;
        at += strcspn(at, " \t\n");
    }
    return count;
}

static size_t word_length(const char *word)
{
    return strcspn(word, " \t\r\n");
}

/* "8,0 3 1 0.000000000 697" */
static bool begins_as_event(const char *words[WORDS])
{
    uint64_t number;
    const char *at = words[DEVICE];
    if (!trace_take_decimal(&at, &number) || *at++ != ',' || !trace_take_decimal(&at, &number))
        return false;
    for (int i = 1; i < ACTION; i++) {
        at = words[i];
        if (!trace_take_decimal(&at, &number))
            return false;
        if (i == TIME && (*at++ != '.' || !trace_take_decimal(&at, &number)))
            return false;
        if (*at != ' ' && *at != '\t')
            return false;
    }
    return true;
}

static bool recognise(const char *head, size_t bytes)
{
    const char *words[WORDS];
    return bytes > 0 && find_words(head, words) > ACTION && begins_as_event(words);
}

/* "SECTOR + SECTORS"; *data is false where a flush or a message has none. */
static bool take_sectors(const char *at, uint64_t *sector, uint64_t *sectors, bool *data)
{
    at = trace_skip_blanks(at);
    *data = *at != '\0' && *at != '[';
    if (!*data)
        return true;
    if (!trace_take_decimal(&at, sector))
        return false;
    at = trace_skip_blanks(at);
    if (*at++ != '+')
        return false;
    at = trace_skip_blanks(at);
    if (!trace_take_decimal(&at, sectors) || (*at != '\0' && *at != ' '))
        return false;
    *data = *sectors > 0;
    return true;
}

static enum access_op op_of(const char *rwbs)
{
    size_t length = word_length(rwbs);
    if (memchr(rwbs, 'D', length))
        return ACCESS_FREE;
    return memchr(rwbs, 'W', length) ? ACCESS_WRITE : ACCESS_READ;
}

static bool read_request(struct trace_reading *reading, const char *words[WORDS],
                         struct counts *counts)
{
    uint64_t sector, sectors;
    bool data;
    char quoted[TRACE_QUOTED_BYTES];
    const char *place = words[RWBS] + word_length(words[RWBS]);
    if (!take_sectors(place, &sector, &sectors, &data))
        return trace_input_line_error(
            reading->input, trace_skip_blanks(place),
            "\"%s\" after the request's kind; expected SECTOR + SECTORS",
            trace_quote(trace_skip_blanks(place), strlen(trace_skip_blanks(place)), quoted));
    counts->without_data += !data;
    if (!data)
        return true;
    uint32_t space = trace_pages_space(reading->pages, words[DEVICE], word_length(words[DEVICE]));
    if (space == UINT32_MAX)
        return trace_input_line_error(reading->input, words[DEVICE], "more than 65535 devices");
    uint64_t bytes;
    if (sector > UINT64_MAX / SECTOR_BYTES ||
        __builtin_mul_overflow(sectors, (uint64_t)SECTOR_BYTES, &bytes) ||
        !trace_pages_range(reading->pages, space, sector * SECTOR_BYTES, bytes, op_of(words[RWBS])))
        return trace_input_line_error(reading->input, trace_skip_blanks(place),
                                      "%" PRIu64 " + %" PRIu64
                                      " sectors; expected at most 4 GiB, within 2^64 bytes",
                                      sector, sectors);
    counts->requests++;
    return true;
}

static bool read_line(struct trace_reading *reading, const char *line, struct counts *counts)
{
    const struct blkparse_params *params = reading->params;
    const char *words[WORDS] = {0};
    int found = find_words(line, words);
    char quoted[TRACE_QUOTED_BYTES];
    if (found == 0)
        return true;
    if (found <= ACTION || !begins_as_event(words))
        return trace_input_line_error(
            reading->input, words[0],
            "\"%s\" is not a line of blkparse; expected MAJOR,MINOR CPU SEQUENCE SECONDS.NS PID "
            "ACTION RWBS SECTOR + SECTORS",
            trace_quote(words[0], strlen(words[0]), quoted));
    size_t length = word_length(words[ACTION]);
    bool counts_here =
        length == strlen(params->action) && memcmp(words[ACTION], params->action, length) == 0;
    counts->other_actions += !counts_here;
    if (!counts_here)
        return true;
    if (found < WORDS)
        return trace_input_line_error(reading->input, words[ACTION],
                                      "the line ends after its action; expected RWBS");
    return read_request(reading, words, counts);
}

/* The summary that blkparse ends with: "CPU0 (8,0):", "Total (8,0):", and so on. */
static bool begins_summary(const char *line)
{
    return (strncmp(line, "CPU", 3) == 0 && isdigit((unsigned char)line[3])) ||
           strncmp(line, "Total (", 7) == 0;
}

static bool read_trace(struct trace_reading *reading)
{
    const struct blkparse_params *params = reading->params;
    struct counts counts = {0};
    bool summary = false;
    for (const char *line; (line = trace_input_line(reading->input));) {
        summary |= begins_summary(line);
        if (!summary && (!read_line(reading, line, &counts) ||
                         (*line && !trace_input_line_whole(reading->input))))
            return false;
    }
    snprintf(reading->note, sizeof(reading->note),
             "blkparse: %" PRIu64 " requests with action %s, %" PRIu64 " without data, %" PRIu64
             " lines with other actions; every 4 KiB block that a request covers is a page, a "
             "discard frees, a device is a space",
             counts.requests, params->action, counts.without_data, counts.other_actions);
    return !trace_input_failed(reading->input);
}

TRACE_READER_TYPE(blkparse, struct blkparse_params, "block requests as blkparse prints them")

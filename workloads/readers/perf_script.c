/* Memory samples as `perf script` prints them: [COMM] PID[/TID] [[CPU]] [TIME:]
 * [PERIOD] EVENT: ADDR ... (docs/formats.md, "perf script"). */
#define _GNU_SOURCE
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/readers/foreign.h"
#include "workloads/readers/readers.h"

enum { WORDS_AT_MOST = 128 };

/* x86-64 and arm64: addresses of the kernel's half. */
#define KERNEL_BEGIN 0xffff000000000000ull

enum space_by { BY_PID, BY_TID, BY_NOTHING };
enum address_kind { VIRTUAL, PHYSICAL };

static const char *const space_choices[] = {"pid", "tid", "one", NULL};
static const char *const address_choices[] = {"virtual", "physical", NULL};

struct perf_params {
    const char *file, *event;
    unsigned space, address;
    bool kernel;
};

static const struct param rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct perf_params, file),
     .flags = PARAM_REQUIRED,
     .help = "text of perf script with at least the fields event and addr, plain or compressed; "
             "read whole at the start"},
    {.name = "space",
     .type = PARAM_ENUM,
     .offset = offsetof(struct perf_params, space),
     .initial = "pid",
     .choices = space_choices,
     .help = "what has its own page numbers: a process, a thread, or all together"},
    {.name = "address",
     .type = PARAM_ENUM,
     .offset = offsetof(struct perf_params, address),
     .initial = "virtual",
     .choices = address_choices,
     .help = "virtual: the field addr; physical: the field phys_addr, which perf prints last"},
    {.name = "event",
     .type = PARAM_STRING,
     .offset = offsetof(struct perf_params, event),
     .initial = "",
     .help = "only events whose name contains this text; empty: all"},
    {.name = "kernel",
     .type = PARAM_BOOL,
     .offset = offsetof(struct perf_params, kernel),
     .initial = "false",
     .help = "addresses of the kernel's half count too; otherwise they are dropped"},
};

struct word {
    const char *at;
    size_t length;
};

/* A line, taken apart.  `tail` is the first word after the event. */
struct sample {
    struct word words[WORDS_AT_MOST];
    size_t count, event, tail;
    uint64_t pid, tid, period;
    uint64_t address;
};

struct counts {
    uint64_t samples, periods, other_events, without_address, kernel;
};

/* ---- words ---------------------------------------------------------------------- */

static size_t find_words(const char *line, struct word *words)
{
    size_t count = 0;
    for (const char *at = trace_skip_blanks(line); *at && *at != '\n' && count < WORDS_AT_MOST;
         count++) {
        words[count] = (struct word){.at = at, .length = strcspn(at, " \t\r\n")};
        at = trace_skip_blanks(at + words[count].length);
    }
    return count;
}

/* Digits alone, or hexadecimal digits alone. */
static bool is_decimal(struct word word, uint64_t *value)
{
    const char *at = word.at;
    return trace_take_decimal(&at, value) && at == word.at + word.length;
}

static bool is_hexadecimal(struct word word, uint64_t *value)
{
    const char *at = word.at;
    return trace_take_hexadecimal(&at, value) && at == word.at + word.length;
}

/* "11928.774202:" */
static bool is_time(struct word word)
{
    uint64_t number;
    const char *at = word.at;
    return trace_take_decimal(&at, &number) && *at == '.' && isdigit((unsigned char)*++at) &&
           trace_take_decimal(&at, &number) && *at == ':' && at + 1 == word.at + word.length;
}

/* "1234/1235" or "1234", which stands for both. */
static bool is_pid(struct word word, uint64_t *pid, uint64_t *tid)
{
    const char *at = word.at;
    if (!trace_take_decimal(&at, pid))
        return false;
    *tid = *pid;
    if (*at == '/' && (at++, !trace_take_decimal(&at, tid)))
        return false;
    return at == word.at + word.length;
}

/* ---- a line ------------------------------------------------------------------------- */

/* The event is the first word that ends with ':' after the time, or after the
 * process where there is no time; a period may stand before it. */
static bool find_event(struct sample *sample, size_t from)
{
    size_t at = from;
    if (at + 1 < sample->count && is_decimal(sample->words[at], &sample->period))
        at++;
    else
        sample->period = 1;
    if (at >= sample->count || sample->words[at].length < 2 ||
        sample->words[at].at[sample->words[at].length - 1] != ':' || is_time(sample->words[at]))
        return false;
    sample->event = at;
    sample->tail = at + 1;
    return true;
}

/* The process stands before the processor and the flags: "[003]", "..." */
static void find_pid(struct sample *sample, size_t before)
{
    sample->pid = sample->tid = 0;
    for (size_t i = before; i-- > 0;)
        if (is_pid(sample->words[i], &sample->pid, &sample->tid))
            return;
}

static bool parse(const char *line, struct sample *sample)
{
    sample->count = find_words(line, sample->words);
    for (size_t i = 0; i < sample->count; i++)
        if (is_time(sample->words[i])) {
            find_pid(sample, i);
            return find_event(sample, i + 1);
        }
    for (size_t i = 0; i < sample->count; i++) {
        size_t next = i + 1;
        if (!is_pid(sample->words[i], &sample->pid, &sample->tid))
            continue;
        if (next < sample->count && sample->words[next].at[0] == '[')
            next++;
        if (find_event(sample, next))
            return true;
    }
    sample->pid = sample->tid = 0;
    return find_event(sample, 0);
}

/* perf prints a page's size behind its addresses. */
static bool is_page_size(struct word word)
{
    return (word.length == 2 && (memcmp(word.at, "4K", 2) == 0 || memcmp(word.at, "2M", 2) == 0 ||
                                 memcmp(word.at, "1G", 2) == 0)) ||
           (word.length == 3 && memcmp(word.at, "N/A", 3) == 0);
}

/* "ffffffff817554ea elf_load+0x28a ([kernel.kallsyms])" is what perf script prints
 * unless it is asked for addr; an address of data stands alone, or other numbers
 * (the instruction, the source of the data) follow it. */
static bool has_one_address(const struct sample *sample, size_t last)
{
    uint64_t number;
    for (size_t i = sample->tail + 1; i <= last; i++)
        if (sample->words[i].at[0] == '|' ||
            (i == sample->tail + 1 && is_hexadecimal(sample->words[i], &number)) ||
            (sample->words[i].length >= 8 && is_hexadecimal(sample->words[i], &number)))
            return false;
    return last > sample->tail;
}

/* The address that is asked for; NULL, or what is missing. */
static const char *find_address(struct sample *sample, enum address_kind kind)
{
    uint64_t number;
    if (sample->tail == sample->count || !is_hexadecimal(sample->words[sample->tail], &number))
        return "expected the data's address after the event; run perf script -F "
               "comm,pid,tid,time,period,event,addr";
    sample->address = number;
    size_t last = sample->count - 1;
    while (last > sample->tail && is_page_size(sample->words[last]))
        last--;
    if (kind == PHYSICAL) {
        if (last == sample->tail || !is_hexadecimal(sample->words[last], &sample->address))
            return "expected a physical address at the end; run perf script -F "
                   "comm,pid,tid,time,period,event,addr,phys_addr";
        return NULL;
    }
    return has_one_address(sample, last)
               ? "one address with a symbol behind it may be the instruction's; run perf script "
                 "-F comm,pid,tid,time,period,event,addr"
               : NULL;
}

static bool contains(struct word word, const char *text)
{
    return memmem(word.at, word.length, text, strlen(text)) != NULL;
}

static enum access_op op_of(const struct sample *sample)
{
    for (size_t i = sample->tail; i + 1 < sample->count; i++)
        if (contains(sample->words[i], "|OP"))
            return contains(sample->words[i + 1], "STORE") ? ACCESS_WRITE : ACCESS_READ;
    return contains(sample->words[sample->event], "store") ? ACCESS_WRITE : ACCESS_READ;
}

/* A line of its own is no sample: comments, blank lines, a call chain's addresses. */
static bool is_skipped(const char *line)
{
    return line[0] == '#' || line[0] == '\t' || *trace_skip_blanks(line) == '\0';
}

static bool recognise(const char *head, size_t bytes)
{
    struct sample sample;
    uint64_t number;
    const char *at = head;
    while (at && at < head + bytes && (*at == '#' || *at == '\t' || *at == '\n')) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    /* A process or a time stands before the event. */
    if (!at || !parse(at, &sample) || sample.event == 0 || sample.tail == sample.count)
        return false;
    return is_hexadecimal(sample.words[sample.tail], &number);
}

/* ---- the trace ------------------------------------------------------------------------ */

static uint32_t find_space(struct trace_reading *reading, const struct sample *sample)
{
    const struct perf_params *params = reading->params;
    char name[32] = "";
    if (params->space != BY_NOTHING)
        snprintf(name, sizeof(name), "%" PRIu64,
                 params->space == BY_PID ? sample->pid : sample->tid);
    return trace_pages_space(reading->pages, name, strlen(name));
}

static bool read_sample(struct trace_reading *reading, const char *line, struct counts *counts)
{
    const struct perf_params *params = reading->params;
    struct sample sample;
    char quoted[TRACE_QUOTED_BYTES];
    if (!parse(line, &sample))
        return trace_input_line_error(
            reading->input, trace_skip_blanks(line),
            "\"%s\" is not a sample of perf script; expected COMM PID TIME: PERIOD EVENT: ADDR",
            trace_quote(trace_skip_blanks(line), strlen(trace_skip_blanks(line)), quoted));
    if (!contains(sample.words[sample.event], params->event)) {
        counts->other_events++;
        return true;
    }
    const char *missing = find_address(&sample, params->address);
    if (missing)
        return trace_input_line_error(reading->input, sample.words[sample.event].at, "%s", missing);
    bool kernel = params->address == VIRTUAL && sample.address >= KERNEL_BEGIN && !params->kernel;
    counts->without_address += sample.address == 0;
    counts->kernel += kernel;
    if (sample.address == 0 || kernel)
        return true;
    uint32_t space = find_space(reading, &sample);
    if (space == UINT32_MAX)
        return trace_input_line_error(reading->input, line, "more than 65535 processes or threads");
    counts->samples++;
    counts->periods += sample.period;
    trace_pages_range(reading->pages, space, sample.address, 1, op_of(&sample));
    return true;
}

static bool read_trace(struct trace_reading *reading)
{
    struct counts counts = {0};
    for (const char *line; (line = trace_input_line(reading->input));)
        if (!is_skipped(line) &&
            (!read_sample(reading, line, &counts) || !trace_input_line_whole(reading->input)))
            return false;
    snprintf(reading->note, sizeof(reading->note),
             "perf script: %" PRIu64 " samples that stand for %" PRIu64
             " events (a sample is one access); dropped: %" PRIu64 " of other events, %" PRIu64
             " without an address, %" PRIu64 " of the kernel",
             counts.samples, counts.periods, counts.other_events, counts.without_address,
             counts.kernel);
    return !trace_input_failed(reading->input);
}

TRACE_READER_TYPE(perf_script, struct perf_params, "memory samples as perf script prints them")

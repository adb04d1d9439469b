/* DAMON records: damo's raw text, the damon_aggregated events of perf script, and
 * damo's JSON (damon_json.c), turned into a stream of accesses with the rates
 * that DAMON measured (docs/formats.md, "DAMON"). */
#include "workloads/readers/damon.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/readers/readers.h"

/* A region that was accessed has at most so many pages: 1 TiB. */
#define REGION_PAGES_AT_MOST ((uint64_t)1 << USUAL_OR_FUZZING(28, 8))

enum { SAMPLES_AT_MOST = USUAL_OR_FUZZING(1000000, 100), TARGET_BYTES = 64 };

struct damon_params {
    const char *file;
    uint64_t sampling, aggregation, rounds;
    bool cold;
};

static const struct param rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct damon_params, file),
     .flags = PARAM_REQUIRED,
     .help = "damo's raw text or JSON, or perf script's text of damon:damon_aggregated, plain or "
             "compressed (zlib, gzip, zstd); read whole at the start"},
    {.name = "sampling",
     .type = PARAM_TIME,
     .offset = offsetof(struct damon_params, sampling),
     .initial = "5ms",
     .least = 1,
     .most = 1e18,
     .help = "DAMON's sampling interval, where the file does not say",
     .source = "Documentation/admin-guide/mm/damon, default 5 ms"},
    {.name = "aggregation",
     .type = PARAM_TIME,
     .offset = offsetof(struct damon_params, aggregation),
     .initial = "100ms",
     .least = 1,
     .most = 1e18,
     .help = "DAMON's aggregation interval, where the file does not say; nr_accesses is out of "
             "aggregation / sampling",
     .source = "Documentation/admin-guide/mm/damon, default 100 ms"},
    {.name = "rounds",
     .type = PARAM_COUNT,
     .offset = offsetof(struct damon_params, rounds),
     .initial = "0",
     .least = 0,
     .most = SAMPLES_AT_MOST,
     .help = "sampling intervals of a snapshot that are played, evenly the same rates; 0: all"},
    {.name = "cold",
     .type = PARAM_BOOL,
     .offset = offsetof(struct damon_params, cold),
     .initial = "false",
     .help = "pages of regions without accesses are touched once, when they are first seen: they "
             "are taken for resident memory, where DAMON cannot tell it from a hole"},
};

uint64_t damon_samples(uint64_t sampling, uint64_t aggregation)
{
    uint64_t samples = sampling ? aggregation / sampling : 0;
    return samples <= SAMPLES_AT_MOST ? samples : 0;
}

/* ---- records ------------------------------------------------------------------- */

void damon_add_snapshot(struct damon_records *records, uint64_t time, uint32_t space,
                        uint64_t samples)
{
    if (records->snapshot_count == records->snapshot_room) {
        records->snapshot_room = records->snapshot_room ? records->snapshot_room * 2 : 64;
        records->snapshots = memory_resized(records->snapshots, records->snapshot_room,
                                            sizeof(*records->snapshots), "DAMON snapshots");
    }
    records->snapshots[records->snapshot_count] =
        (struct damon_snapshot){.time = time,
                                .order = records->snapshot_count,
                                .space = space,
                                .samples = samples,
                                .first_region = records->region_count};
    records->snapshot_count++;
}

const char *damon_add_region(struct damon_records *records, struct damon_region region)
{
    struct damon_snapshot *snapshot = &records->snapshots[records->snapshot_count - 1];
    if (region.begin >= region.end)
        return "the region ends where it begins or before; expected START < END";
    if (region.nr_accesses > snapshot->samples)
        return "nr_accesses is more than the samples of an aggregation; give the sampling and "
               "aggregation intervals that DAMON ran with";
    if (region.nr_accesses && (region.end - region.begin) / PAGE_BYTES > REGION_PAGES_AT_MOST)
        return "an accessed region of more than 1 TiB";
    if (records->region_count == records->region_room) {
        records->region_room = records->region_room ? records->region_room * 2 : 1024;
        records->regions = memory_resized(records->regions, records->region_room,
                                          sizeof(*records->regions), "DAMON regions");
    }
    records->regions[records->region_count++] = region;
    snapshot->regions++;
    return NULL;
}

/* ---- numbers ------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {{"ns", 1},          {"us", 1000},         {"ms", 1000000},      {"s", 1000000000},
             {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000}};

static uint64_t take_unit(const char **at)
{
    size_t length = 0;
    while (isalpha((unsigned char)(*at)[length]))
        length++;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, *at, length) == 0) {
            *at += length;
            return units[i].ns;
        }
    return 0;
}

/* "1,690,134" or "104.599"; *thousandths: of the fraction, further digits are dropped. */
static bool take_grouped(const char **at, uint64_t *whole, uint64_t *thousandths)
{
    const char *place = *at;
    uint64_t group, scale = 100;
    *thousandths = 0;
    if (!trace_take_decimal(&place, whole))
        return false;
    while (*place == ',' && isdigit((unsigned char)place[1])) {
        const char *digits = ++place;
        if (!trace_take_decimal(&place, &group) || place - digits != 3 ||
            __builtin_mul_overflow(*whole, 1000u, whole) ||
            __builtin_add_overflow(*whole, group, whole))
            return false;
    }
    if (*place == '.' && isdigit((unsigned char)place[1]))
        for (place++; isdigit((unsigned char)*place); place++, scale /= 10)
            *thousandths += scale * (uint64_t)(*place - '0');
    *at = place;
    return true;
}

bool damon_take_count(const char **at, uint64_t *value)
{
    uint64_t thousandths;
    return take_grouped(at, value, &thousandths) && thousandths == 0;
}

bool damon_take_time(const char **at, uint64_t unit, uint64_t *ns)
{
    *ns = 0;
    for (bool any = false;; any = true) {
        uint64_t whole, thousandths, scale, part;
        const char *place = trace_skip_blanks(*at);
        if (!take_grouped(&place, &whole, &thousandths))
            return any;
        place = trace_skip_blanks(place);
        bool bare = !isalpha((unsigned char)*place);
        scale = bare ? unit : take_unit(&place);
        if (!scale || (bare && any) || __builtin_mul_overflow(whole, scale, &part) ||
            __builtin_add_overflow(part, thousandths * scale / 1000, &part) ||
            __builtin_add_overflow(*ns, part, ns))
            return false;
        *at = place;
        if (bare)
            return true;
    }
}

/* ---- damo's raw text ------------------------------------------------------------ */

struct raw_text {
    struct damon_records *records;
    uint64_t base, time; /* ns */
    uint32_t space;
    bool snapshot;              /* one has begun */
    bool promised;              /* "nr_regions:" of it was read */
    uint64_t regions, expected; /* of it, with the one that marks an end */
};

static bool starts_with(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static bool raw_time(struct raw_text *raw, const char *line, const char *key, uint64_t *time)
{
    const char *at = line + strlen(key);
    if (damon_take_time(&at, 1, time) && *trace_skip_blanks(at) == '\0')
        return true;
    return trace_input_line_error(raw->records->reading->input, line + strlen(key),
                                  "expected a time such as \"104.599 ms\" or a number of ns");
}

/* It has the regions that it said it has; `line` comes next, NULL: nothing does. */
static bool raw_snapshot_ends(struct raw_text *raw, const char *line)
{
    static const char message[] =
        "regions of the last snapshot: %" PRIu64 "; expected %" PRIu64 ", its nr_regions";
    struct trace_input *input = raw->records->reading->input;
    if (raw->promised && raw->regions != raw->expected)
        return line ? trace_input_line_error(input, line, message, raw->regions, raw->expected)
                    : trace_input_error(input, message, raw->regions, raw->expected);
    raw->promised = false;
    raw->regions = 0;
    return true;
}

static bool raw_region_count(struct raw_text *raw, const char *line)
{
    const char *at = trace_skip_blanks(strchr(line, ':') + 1);
    if (!raw->snapshot)
        return true;
    raw->promised = true;
    if (damon_take_count(&at, &raw->expected) && *trace_skip_blanks(at) == '\0')
        return true;
    return trace_input_line_error(raw->records->reading->input, line,
                                  "expected the number of the snapshot's regions");
}

static bool raw_target(struct raw_text *raw, const char *line)
{
    struct trace_reading *reading = raw->records->reading;
    const char *name = trace_skip_blanks(strchr(line, ':') + 1);
    raw->space = trace_pages_space(reading->pages, name, strlen(name));
    if (raw->space == UINT32_MAX)
        return trace_input_line_error(reading->input, name, "more than 65535 targets");
    if (__builtin_add_overflow(raw->base, raw->time, &raw->time))
        return trace_input_line_error(reading->input, name, "the snapshot's time is too large");
    damon_add_snapshot(raw->records, raw->time, raw->space, raw->records->samples);
    raw->snapshot = true;
    return true;
}

/* "563ebaa00000-563ebc99e000 (31.617 MiB) 1 5"; in older text ":" before the
 * count and no age.  An age of -1 is unknown. */
static bool take_raw_region(const char *line, struct damon_region *region)
{
    uint64_t age;
    const char *at = line;
    if (!trace_take_hexadecimal(&at, &region->begin) || *at++ != '-' ||
        !trace_take_hexadecimal(&at, &region->end))
        return false;
    at = trace_skip_blanks(at);
    if (*at == '(') {
        at = strchr(at, ')');
        if (!at)
            return false;
        at++;
    }
    at = trace_skip_blanks(at + (*at == ':'));
    if (!trace_take_decimal(&at, &region->nr_accesses))
        return false;
    at = trace_skip_blanks(at);
    if (*at == '-')
        at++;
    (void)trace_take_decimal(&at, &age);
    return *trace_skip_blanks(at) == '\0';
}

/* damo marks the end of a single snapshot with a region that is none. */
static bool is_fake(const char *line)
{
    const char *digits = line + strspn(line, "0");
    return *digits == '-' && digits[1 + strspn(digits + 1, "0")] == ' ' && strstr(line, " -1");
}

static bool raw_region(struct raw_text *raw, const char *line)
{
    struct damon_region region;
    struct trace_input *input = raw->records->reading->input;
    char quoted[TRACE_QUOTED_BYTES];
    raw->regions++;
    if (is_fake(line))
        return true;
    if (!take_raw_region(line, &region))
        return trace_input_line_error(input, line,
                                      "\"%s\" is not a line of damo's raw text; expected "
                                      "START-END (LENGTH) NR_ACCESSES AGE",
                                      trace_quote(line, strlen(line), quoted));
    if (!raw->snapshot)
        return trace_input_line_error(input, line, "a region before the first target_id");
    const char *wrong = damon_add_region(raw->records, region);
    return wrong ? trace_input_line_error(input, line, "%s", wrong) : true;
}

static bool raw_line(struct raw_text *raw, const char *line)
{
    static const char *const ignored[] = {
        "monitoring_end:", "monitoring_duration:", "rel time:", "intervals:", "#", "start_addr"};
    if (starts_with(line, "base_time_absolute:"))
        return raw_time(raw, line, "base_time_absolute:", &raw->base);
    if (starts_with(line, "monitoring_start:"))
        return raw_time(raw, line, "monitoring_start:", &raw->time);
    if (starts_with(line, "start_time:"))
        return raw_time(raw, line, "start_time:", &raw->base);
    if (starts_with(line, "target_id:"))
        return raw_snapshot_ends(raw, line) && raw_target(raw, line);
    if (starts_with(line, "nr_regions:"))
        return raw_region_count(raw, line);
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        if (starts_with(line, ignored[i]))
            return true;
    return *line == '\0' || raw_region(raw, line);
}

static bool read_raw_text(struct damon_records *records)
{
    struct raw_text raw = {.records = records};
    for (const char *line; (line = trace_input_line(records->reading->input));)
        if (!raw_line(&raw, trace_skip_blanks(line)) ||
            (*line && !trace_input_line_whole(records->reading->input)))
            return false;
    return !trace_input_failed(records->reading->input) && raw_snapshot_ends(&raw, NULL);
}

/* ---- damon_aggregated events ------------------------------------------------------- */

static const char event_name[] = "damon:damon_aggregated:";

struct event {
    uint64_t time; /* ns; 0 where perf script printed none */
    const char *target;
    size_t target_length;
    uint64_t regions; /* of the snapshot */
    struct damon_region region;
};

/* The time is the word before the event: "82877.315633:". */
static uint64_t event_time(const char *line, const char *event)
{
    const char *at = event;
    uint64_t ns = 0;
    while (at > line && at[-1] == ' ')
        at--;
    while (at > line && at[-1] != ' ')
        at--;
    uint64_t seconds, fraction;
    if (!trace_take_decimal(&at, &seconds) || *at++ != '.')
        return 0;
    const char *digits = at;
    if (!trace_take_decimal(&at, &fraction) || at - digits > 9)
        return 0;
    for (long i = at - digits; i < 9; i++)
        fraction *= 10;
    return __builtin_mul_overflow(seconds, (uint64_t)1000000000, &ns) ? 0 : ns + fraction;
}

/* "target_id=0 nr_regions=17 START-END: NR_ACCESSES AGE", addresses in decimal. */
static bool take_event(const char *line, struct event *event)
{
    const char *at = strstr(line, event_name);
    if (!at)
        return false;
    event->time = event_time(line, at);
    at = trace_skip_blanks(at + sizeof(event_name) - 1);
    if (!starts_with(at, "target_id="))
        return false;
    event->target = at + 10;
    event->target_length = strcspn(event->target, " ");
    at = trace_skip_blanks(event->target + event->target_length);
    if (!starts_with(at, "nr_regions="))
        return false;
    at += 11;
    if (!trace_take_decimal(&at, &event->regions))
        return false;
    at = trace_skip_blanks(at);
    if (!trace_take_decimal(&at, &event->region.begin) || *at++ != '-' ||
        !trace_take_decimal(&at, &event->region.end) || *at++ != ':')
        return false;
    at = trace_skip_blanks(at);
    return trace_take_decimal(&at, &event->region.nr_accesses);
}

/* A snapshot of a target begins with its first event and has nr_regions of them. */
static bool read_event(struct damon_records *records, const char *line, uint64_t *left)
{
    struct event event;
    struct trace_reading *reading = records->reading;
    char quoted[TRACE_QUOTED_BYTES];
    if (!take_event(line, &event))
        return trace_input_line_error(reading->input, line,
                                      "\"%s\" is not a damon_aggregated event; expected target_id= "
                                      "nr_regions= START-END: NR_ACCESSES AGE",
                                      trace_quote(line, strlen(line), quoted));
    uint32_t space = trace_pages_space(reading->pages, event.target, event.target_length);
    if (space == UINT32_MAX)
        return trace_input_line_error(reading->input, event.target, "more than 65535 targets");
    bool goes_on = *left > 0 && records->snapshots[records->snapshot_count - 1].space == space;
    if (!goes_on) {
        damon_add_snapshot(records, event.time, space, records->samples);
        *left = event.regions;
    }
    *left -= *left > 0;
    const char *wrong = damon_add_region(records, event.region);
    return wrong ? trace_input_line_error(reading->input, line, "%s", wrong) : true;
}

static bool read_events(struct damon_records *records)
{
    uint64_t left = 0;
    for (const char *line; (line = trace_input_line(records->reading->input));) {
        line = trace_skip_blanks(line);
        if (*line != '\0' && *line != '#' &&
            (!read_event(records, line, &left) || !trace_input_line_whole(records->reading->input)))
            return false;
    }
    if (left && !trace_input_failed(records->reading->input))
        return trace_input_error(records->reading->input,
                                 "the text ends inside a snapshot; expected %" PRIu64
                                 " more of its regions (nr_regions)",
                                 left);
    return !trace_input_failed(records->reading->input);
}

/* ---- the stream ------------------------------------------------------------------------ */

static int compare_snapshots(const void *left, const void *right)
{
    const struct damon_snapshot *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* One sampling interval: of the pages of a region with nr_accesses out of N, the
 * share nr_accesses / N.  Page p has its turn in round r when (r + p) mod N,
 * times nr_accesses, mod N, is below nr_accesses: in nr_accesses of any N rounds
 * in a row, and in every round by as many pages of any N in a row. */
static void play_round(struct damon_records *records, const struct damon_snapshot *snapshot,
                       uint64_t round)
{
    for (uint64_t i = 0; i < snapshot->regions; i++) {
        const struct damon_region *region = &records->regions[snapshot->first_region + i];
        uint64_t last = (region->end - 1) / PAGE_BYTES, n = snapshot->samples;
        if (!region->nr_accesses)
            continue;
        for (uint64_t page = region->begin / PAGE_BYTES; page <= last; page++)
            if ((round + page) % n * region->nr_accesses % n < region->nr_accesses)
                trace_pages_touch(records->reading->pages, snapshot->space, 0, page, ACCESS_READ);
    }
}

static bool touch_cold(struct damon_records *records, const struct damon_snapshot *snapshot)
{
    struct trace_pages *pages = records->reading->pages;
    for (uint64_t i = 0; i < snapshot->regions; i++) {
        const struct damon_region *region = &records->regions[snapshot->first_region + i];
        uint64_t last = (region->end - 1) / PAGE_BYTES;
        if (region->nr_accesses)
            continue;
        if (last - region->begin / PAGE_BYTES >= REGION_PAGES_AT_MOST)
            return trace_input_error(records->reading->input,
                                     "cold: a region without accesses of more than 1 TiB");
        for (uint64_t page = region->begin / PAGE_BYTES; page <= last; page++)
            if (!trace_pages_knows(pages, snapshot->space, 0, page))
                trace_pages_touch(pages, snapshot->space, 0, page, ACCESS_READ);
    }
    return true;
}

static bool play(struct damon_records *records)
{
    const struct damon_params *params = records->reading->params;
    uint64_t round = 0;
    if (records->snapshot_count)
        qsort(records->snapshots, records->snapshot_count, sizeof(*records->snapshots),
              compare_snapshots);
    for (uint64_t i = 0; i < records->snapshot_count; i++) {
        const struct damon_snapshot *snapshot = &records->snapshots[i];
        uint64_t rounds = params->rounds && params->rounds < snapshot->samples ? params->rounds
                                                                               : snapshot->samples;
        if (params->cold && !touch_cold(records, snapshot))
            return false;
        for (uint64_t j = 0; j < rounds; j++)
            play_round(records, snapshot, round++);
    }
    return true;
}

/* ---- the type ----------------------------------------------------------------------------- */

static bool recognise(const char *head, size_t bytes)
{
    const char *at = head + strspn(head, " \t\r\n");
    if (bytes == 0)
        return false;
    const char *line_end = strchr(at, '\n');
    const char *event = strstr(at, event_name);
    return *at == '[' || *at == '{' || starts_with(at, "base_time_absolute:") ||
           starts_with(at, "monitoring_start:") || starts_with(at, "start_time:") ||
           (event && (!line_end || event < line_end));
}

static bool read_records(struct damon_records *records)
{
    size_t bytes;
    const char *head = trace_input_head(records->reading->input, &bytes);
    const char *at = head + strspn(head, " \t\r\n");
    if (bytes && (*at == '[' || *at == '{'))
        return damon_read_json(records);
    return bytes && strstr(head, event_name) ? read_events(records) : read_raw_text(records);
}

static bool read_trace(struct trace_reading *reading)
{
    const struct damon_params *params = reading->params;
    struct damon_records records = {
        .reading = reading, .samples = damon_samples(params->sampling, params->aggregation)};
    if (!records.samples)
        return trace_input_error(
            reading->input, "the aggregation interval must be 1 to 1000000 sampling intervals");
    bool good = read_records(&records);
    /* Any JSON is taken for DAMON's, since nothing else that is read is JSON. */
    if (good && !records.snapshot_count)
        good = trace_input_error(reading->input,
                                 "no snapshot of DAMON in it; expected what damo or perf script "
                                 "prints, in JSON with \"snapshots\"");
    good = good && play(&records);
    snprintf(reading->note, sizeof(reading->note),
             "DAMON: %" PRIu64 " snapshots, %" PRIu64
             " regions; assumed: accesses spread evenly over a region's pages and over the "
             "aggregation, in nr_accesses of its sampling intervals; all are reads; %s",
             records.snapshot_count, records.region_count,
             params->cold ? "pages never seen accessed are touched once"
                          : "pages never seen accessed are left out");
    free(records.snapshots);
    free(records.regions);
    return good;
}

TRACE_READER_TYPE(damon, struct damon_params, "DAMON's region records, as text or JSON of damo")

/* Type `steps`: the generator grammar of docs/formats.md, bit for bit. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/generators/generators.h"
#include "workloads/generators/stream.h"

struct steps_params {
    uint64_t seed;
    const char *steps;
};

static const struct param steps_rows[] = {
    {.name = "seed",
     .type = PARAM_COUNT,
     .offset = offsetof(struct steps_params, seed),
     .flags = PARAM_REQUIRED,
     .help = "seed of the random numbers of this workload; the seed of the run has no part"},
    {.name = "steps",
     .type = PARAM_STRING,
     .offset = offsetof(struct steps_params, steps),
     .flags = PARAM_REQUIRED,
     .help = "steps separated by spaces, each STREAM|STREAM..., "
             "STREAM = SPACE:PATTERN:FIRST:PAGES:COUNT:WRITE%[:PARAM[:BATCH]]"},
};

enum needs { NEEDS_NOTHING, NEEDS_EXPONENT, NEEDS_HOT };

static const struct pattern {
    const char *name;
    stream_fill *fill;
    enum needs needs;
    bool ordered; /* goes through a permutation */
} patterns[] = {
    {"seq", stream_fill_sequential, NEEDS_NOTHING, false},
    {"free", stream_fill_free, NEEDS_NOTHING, false},
    {"rand", stream_fill_uniform, NEEDS_NOTHING, false},
    {"perm", stream_fill_permutation, NEEDS_NOTHING, true},
    {"zipf", stream_fill_zipf, NEEDS_EXPONENT, false},
    {"szipf", stream_fill_scattered_zipf, NEEDS_EXPONENT, true},
    {"hot", stream_fill_hot, NEEDS_HOT, false},
};
enum { PATTERNS = sizeof(patterns) / sizeof(patterns[0]) };

/* One stream's text being parsed. */
struct reading {
    const char *text; /* of the whole stream, for messages */
    char *rest;       /* fields not read yet; NULL after the last */
    const struct source_position *position;
    struct diagnostics *errors;
};

static const struct pattern *find_pattern(const struct reading *in, const char *name)
{
    const char *names[PATTERNS];
    for (size_t i = 0; i < PATTERNS; i++) {
        if (strcmp(patterns[i].name, name) == 0)
            return &patterns[i];
        names[i] = patterns[i].name;
    }
    const char *near = nearest_name(name, names, PATTERNS);
    diagnostics_add(in->errors, in->position,
                    "stream \"%s\": unknown pattern \"%s\"; %s%s%sexpected seq, free, rand, "
                    "perm, zipf, szipf or hot",
                    in->text, name, near ? "did you mean \"" : "", near ? near : "",
                    near ? "\"? " : "");
    return NULL;
}

/* The next field as a whole number in least..most. */
static bool read_number(struct reading *in, const char *name, uint64_t least, uint64_t most,
                        uint64_t *out)
{
    const char *field = strsep(&in->rest, ":");
    if (!field) {
        diagnostics_add(in->errors, in->position,
                        "stream \"%s\": %s is missing; expected "
                        "SPACE:PATTERN:FIRST:PAGES:COUNT:WRITE%%[:PARAM[:BATCH]]",
                        in->text, name);
        return false;
    }
    if (parse_count(field, out) && *out >= least && *out <= most)
        return true;
    diagnostics_add(in->errors, in->position,
                    "stream \"%s\": %s is \"%s\"; expected a whole number in %" PRIu64 "..%" PRIu64,
                    in->text, name, field, least, most);
    return false;
}

static bool read_exponent(const struct reading *in, const char *field, double *exponent)
{
    char *end = NULL;
    if (field)
        *exponent = strtod(field, &end);
    if (field && end != field && !*end && isfinite(*exponent) && *exponent >= 0 && *exponent <= 16)
        return true;
    diagnostics_add(in->errors, in->position,
                    "stream \"%s\": PARAM is \"%s\"; expected the exponent, a number in 0..16",
                    in->text, field ? field : "");
    return false;
}

static bool read_hot(const struct reading *in, char *field, struct stream *stream)
{
    char *percent = field;
    const char *pages = field ? strsep(&percent, "/") : NULL;
    uint64_t hot_pages, hot_percent;
    if (pages && percent && parse_count(pages, &hot_pages) && parse_count(percent, &hot_percent) &&
        hot_pages >= 1 && hot_pages < stream->pages && hot_percent <= 100) {
        stream->hot_pages = (uint32_t)hot_pages;
        stream->hot_percent = (uint32_t)hot_percent;
        return true;
    }
    diagnostics_add(in->errors, in->position,
                    "stream \"%s\": PARAM must be HOTPAGES/HOT%%, with HOTPAGES in 1..%" PRIu32
                    " and HOT%% in 0..100",
                    in->text, stream->pages - 1);
    return false;
}

static bool read_param(struct reading *in, const struct pattern *pattern, struct stream *stream,
                       double *exponent)
{
    char *field = strsep(&in->rest, ":");
    switch (pattern->needs) {
    case NEEDS_EXPONENT:
        return read_exponent(in, field, exponent);
    case NEEDS_HOT:
        return read_hot(in, field, stream);
    case NEEDS_NOTHING:
        break;
    }
    if (!field || !*field || strcmp(field, "0") == 0)
        return true;
    diagnostics_add(in->errors, in->position,
                    "stream \"%s\": PARAM is \"%s\", but pattern \"%s\" has none; expected "
                    "nothing or 0",
                    in->text, field, pattern->name);
    return false;
}

/* The fields of a stream; *exponent is set for patterns that have one. */
static const struct pattern *read_stream(struct reading *in, struct stream *stream,
                                         double *exponent)
{
    uint64_t space, first, pages, count, percent, batch = STREAM_BATCH_DEFAULT;
    if (!read_number(in, "SPACE", 0, WORKLOAD_SPACES_AT_MOST - 1, &space))
        return NULL;
    const char *name = strsep(&in->rest, ":");
    const struct pattern *pattern = find_pattern(in, name ? name : "");
    if (!pattern || !read_number(in, "FIRST", 0, WORKLOAD_PAGES_AT_MOST - 1, &first) ||
        !read_number(in, "PAGES", 1, WORKLOAD_PAGES_AT_MOST - first, &pages) ||
        !read_number(in, "COUNT", 0, UINT64_MAX, &count) ||
        !read_number(in, "WRITE%", 0, 100, &percent))
        return NULL;
    *stream = (struct stream){.fill = pattern->fill,
                              .space = (uint16_t)space,
                              .first = (uint32_t)first,
                              .pages = (uint32_t)pages,
                              .count = count,
                              .write_percent = (uint32_t)percent};
    if (!read_param(in, pattern, stream, exponent))
        return NULL;
    if (in->rest && !read_number(in, "BATCH", 1, UINT32_MAX, &batch))
        return NULL;
    if (in->rest) {
        diagnostics_add(in->errors, in->position,
                        "stream \"%s\": \"%s\" follows BATCH; expected the end of the stream",
                        in->text, in->rest);
        return NULL;
    }
    stream->batch = (uint32_t)batch;
    return pattern;
}

static bool add_stream(struct stream_program *program, uint64_t seed, struct reading *in)
{
    struct stream stream;
    double exponent = 0;
    const struct pattern *pattern = read_stream(in, &stream, &exponent);
    if (!pattern)
        return false;
    stream.random = stream_seed(seed, stream_program_streams(program) + 1ull);
    if (pattern->needs == NEEDS_EXPONENT && !stream_make_zipf(program, &stream, exponent)) {
        diagnostics_add(in->errors, in->position,
                        "stream \"%s\": the weights of %" PRIu32
                        " pages do not fit in 64 bits; expected fewer pages or a larger exponent",
                        in->text, stream.pages);
        return false;
    }
    if (pattern->ordered)
        stream_make_order(&stream);
    stream_program_add(program, &stream);
    return true;
}

static bool add_steps(struct stream_program *program, const struct steps_params *params,
                      const struct source_position *position, struct diagnostics *errors)
{
    struct arena arena = {0};
    bool good = true;
    char *rest = arena_string(&arena, params->steps, strlen(params->steps));
    for (char *step; (step = strsep(&rest, " \t\n"));) {
        if (!*step)
            continue;
        stream_program_begin_step(program);
        for (char *text; (text = strsep(&step, "|"));) {
            struct reading in = {.text = arena_string(&arena, text, strlen(text)),
                                 .rest = text,
                                 .position = position,
                                 .errors = errors};
            good = add_stream(program, params->seed, &in) && good;
        }
    }
    arena_release(&arena);
    return good;
}

static struct workload *steps_open(const void *params, uint64_t seed,
                                   const struct source_position *position,
                                   struct diagnostics *errors)
{
    (void)seed;
    const struct steps_params *own = params;
    struct stream_program *program = stream_program_new();
    if (!add_steps(program, own, position, errors)) {
        stream_program_free(program);
        return NULL;
    }
    struct arena arena = {0};
    const char *description = arena_printf(&arena, "steps %" PRIu64 " %s", own->seed, own->steps);
    struct workload *workload =
        stream_workload_open(&workload_steps, program, description, position, errors);
    arena_release(&arena);
    return workload;
}

struct workload *steps_workload_open(uint64_t seed, const char *steps,
                                     const struct source_position *position,
                                     struct diagnostics *errors)
{
    return steps_open(&(struct steps_params){.seed = seed, .steps = steps}, 0, position, errors);
}

const struct workload_type workload_steps = {
    .name = "steps",
    .summary = "streams in the generator grammar: several patterns, spaces and phases",
    .params = PARAM_TABLE(steps_rows, struct steps_params),
    .open = steps_open,
    .close = stream_workload_close,
    .start = stream_workload_start,
    .next = stream_workload_next,
    .stop = stream_workload_stop,
};

/* Type `emulator_phases`: the access patterns of the cases that were measured
 * in an emulator (docs/formats.md, "Emulator phases"). */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "workloads/generators/generators.h"
#include "workloads/generators/stream.h"

struct phases_params {
    const char *phases;
};

static const struct param phases_rows[] = {
    {.name = "phases",
     .type = PARAM_STRING,
     .offset = offsetof(struct phases_params, phases),
     .flags = PARAM_REQUIRED,
     .help = "phases separated by ';': fill A B, read A B, write A B, loop A B PASSES W% SEED, "
             "rand A B N W% SEED, zipf A B EXPONENT N W% SEED, over pages A..B-1"},
};

/* ---- patterns ---------------------------------------------------------- */

/* These cases draw with a remainder where the generator grammar multiplies. */
static bool coin(const struct stream *stream, struct stream_position *at)
{
    return stream->write_percent && random_next(&at->random) % 100 < stream->write_percent;
}

static struct access access_to(const struct stream *stream, uint32_t offset, bool write)
{
    return (struct access){.page = stream->first + offset, .op = write};
}

/* read and fill/write: write_percent is 0 or 100, nothing is drawn. */
static void fill_in_order(const struct stream *stream, struct stream_position *at,
                          struct access *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        records[i] = access_to(stream, (uint32_t)at->index++, stream->write_percent != 0);
}

static void fill_loop(const struct stream *stream, struct stream_position *at,
                      struct access *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset = at->offset;
        at->offset = offset + 1 < stream->pages ? offset + 1 : 0;
        records[i] = access_to(stream, offset, coin(stream, at));
    }
    at->index += count;
}

static void fill_rand(const struct stream *stream, struct stream_position *at,
                      struct access *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset = (uint32_t)(random_next(&at->random) % stream->pages);
        records[i] = access_to(stream, offset, coin(stream, at));
    }
    at->index += count;
}

static void fill_zipf(const struct stream *stream, struct stream_position *at,
                      struct access *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t rank = rank_table_find(stream->ranks, random_next(&at->random) >> 11);
        uint32_t offset = (uint32_t)((rank * 2654435761u + 12345) % stream->pages);
        records[i] = access_to(stream, offset, coin(stream, at));
    }
    at->index += count;
}

/* ---- reading ----------------------------------------------------------- */

enum { WORDS_AT_MOST = 8 };

static const struct phase_kind {
    const char *name;
    const char *form;
    unsigned words;
    stream_fill *fill;
    uint32_t write_percent; /* of the kinds that say none */
} kinds[] = {
    {"fill", "fill A B", 3, fill_in_order, 100},
    {"read", "read A B", 3, fill_in_order, 0},
    {"write", "write A B", 3, fill_in_order, 100},
    {"loop", "loop A B PASSES W% SEED", 6, fill_loop, 0},
    {"rand", "rand A B N W% SEED", 6, fill_rand, 0},
    {"zipf", "zipf A B EXPONENT N W% SEED", 7, fill_zipf, 0},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const struct phase_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* count, W% and SEED from the last three words of loop, rand and zipf. */
static bool read_draws(struct stream *stream, char *const *words, bool passes)
{
    uint64_t count, percent, seed;
    if (!parse_count(words[0], &count) || !parse_count(words[1], &percent) || percent > 100 ||
        !parse_count(words[2], &seed) || seed == UINT64_MAX)
        return false;
    if (__builtin_mul_overflow(count, passes ? stream->pages : 1, &stream->count))
        return false;
    stream->write_percent = (uint32_t)percent;
    stream->random = (seed + 1) * 0x9E3779B97F4A7C15ull;
    return true;
}

static bool read_phase(struct stream_program *program, const struct phase_kind *kind,
                       char *const *words)
{
    uint64_t from, to;
    if (!parse_count(words[1], &from) || !parse_count(words[2], &to) || from >= to ||
        to > WORKLOAD_PAGES_AT_MOST)
        return false;
    struct stream stream = {.fill = kind->fill,
                            .first = (uint32_t)from,
                            .pages = (uint32_t)(to - from),
                            .count = to - from,
                            .write_percent = kind->write_percent,
                            .batch = STREAM_BATCH_DEFAULT};
    if (kind->words > 3 && !read_draws(&stream, words + kind->words - 3, kind->fill == fill_loop))
        return false;
    if (kind->fill == fill_zipf) {
        char *end;
        double exponent = strtod(words[3], &end);
        if (end == words[3] || *end || !(exponent >= 0 && exponent <= 16))
            return false;
        stream_make_zipf_unit(program, &stream, exponent);
    }
    stream_program_add(program, &stream);
    return true;
}

/* Cuts `text` into words; returns how many, at most WORDS_AT_MOST. */
static unsigned cut_words(char *text, char **words)
{
    unsigned count = 0;
    for (char *word; (word = strsep(&text, " \t\n")) && count < WORDS_AT_MOST;)
        if (*word)
            words[count++] = word;
    return count;
}

static bool add_phase(struct stream_program *program, char *text,
                      const struct source_position *position, struct diagnostics *errors)
{
    char *words[WORDS_AT_MOST] = {0};
    char *whole = memory_string(text);
    unsigned count = cut_words(text, words);
    const struct phase_kind *kind = count ? find_kind(words[0]) : NULL;
    stream_program_begin_step(program);
    bool good = kind && count == kind->words && read_phase(program, kind, words);
    if (!good && kind)
        diagnostics_add(errors, position,
                        "phase \"%s\": expected %s, with A < B, W%% in 0..100, an exponent in "
                        "0..16 and whole numbers otherwise",
                        whole, kind->form);
    else if (!good)
        diagnostics_add(errors, position,
                        "phase \"%s\": expected fill, read, write, loop, rand or zipf", whole);
    free(whole);
    return good;
}

struct workload *emulator_phases_open(const char *phases, const struct source_position *position,
                                      struct diagnostics *errors)
{
    struct stream_program *program = stream_program_new();
    struct arena arena = {0};
    char *rest = arena_string(&arena, phases, strlen(phases));
    bool good = true;
    for (char *text; (text = strsep(&rest, ";"));)
        good = add_phase(program, text, position, errors) && good;
    struct workload *workload = NULL;
    if (good)
        workload = stream_workload_open(&workload_emulator_phases, program,
                                        arena_printf(&arena, "emulator_phases %s", phases),
                                        position, errors);
    else
        stream_program_free(program);
    arena_release(&arena);
    return workload;
}

static struct workload *phases_open(const void *params, uint64_t seed,
                                    const struct source_position *position,
                                    struct diagnostics *errors)
{
    (void)seed;
    const struct phases_params *own = params;
    return emulator_phases_open(own->phases, position, errors);
}

uint64_t emulator_phase_hash(const struct workload *workload, uint32_t phase)
{
    uint64_t from = stream_workload_step_start(workload, phase);
    uint64_t to = stream_workload_step_start(workload, phase + 1);
    uint64_t hash = 0xCBF29CE484222325ull, record = 0;
    struct workload_cursor cursor = {.workload = workload};
    stream_workload_start(&cursor);
    const struct access *block;
    for (uint32_t count; record < to && (count = stream_workload_next(&cursor, &block));)
        for (uint32_t i = 0; i < count; i++, record++) {
            if (record < from || record >= to)
                continue;
            uint32_t word = block[i].page << 1 | (block[i].op == ACCESS_WRITE);
            for (unsigned shift = 0; shift < 32; shift += 8)
                hash = (hash ^ ((word >> shift) & 0xff)) * 0x100000001B3ull;
        }
    stream_workload_stop(&cursor);
    return hash;
}

const struct workload_type workload_emulator_phases = {
    .name = "emulator_phases",
    .summary = "fill, read, write, loop, rand and zipf phases, as in the emulator cases",
    .params = PARAM_TABLE(phases_rows, struct phases_params),
    .open = phases_open,
    .close = stream_workload_close,
    .start = stream_workload_start,
    .next = stream_workload_next,
    .stop = stream_workload_stop,
};

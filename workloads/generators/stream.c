#include "workloads/generators/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

struct zipf_table {
    bool unit; /* rank_table_zipf_unit() */
    uint32_t pages;
    double exponent;
    struct rank_table *ranks;
};

struct step {
    uint32_t first, streams; /* of program->streams */
    uint64_t start;          /* record with which it begins */
};

struct stream_program {
    struct stream *streams;
    uint32_t stream_count;
    struct step *steps;
    uint32_t step_count;
    struct zipf_table *tables; /* one for each distinct (pages, exponent) */
    uint32_t table_count;
    uint32_t *space_pages;
    char fingerprint[33];
};

struct walk {
    uint32_t step, turn, turn_left;
    struct stream_position *positions; /* [stream_count] */
    struct access records[STREAM_BLOCK_RECORDS];
};

/* ---- patterns ---------------------------------------------------------- */

typedef uint32_t page_of(const struct stream *stream, struct stream_position *at);

/* Inlined into each pattern, so that the choice of page costs no call. */
static inline __attribute__((always_inline)) void fill_with(const struct stream *stream,
                                                            struct stream_position *at,
                                                            struct access *records, uint32_t count,
                                                            page_of *page)
{
    struct stream_position here = *at;
    const uint32_t first = stream->first, write_percent = stream->write_percent;
    const uint16_t space = stream->space;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = first + page(stream, &here);
        uint8_t op = ACCESS_READ;
        if (write_percent)
            op = random_below(&here.random, 100) < write_percent ? ACCESS_WRITE : ACCESS_READ;
        records[i] = (struct access){.page = number, .space = space, .op = op};
        here.index++;
    }
    *at = here;
}

static inline uint32_t page_in_order(const struct stream *stream, struct stream_position *at)
{
    uint32_t page = at->offset;
    at->offset = page + 1 < stream->pages ? page + 1 : 0;
    return page;
}

static inline uint32_t page_uniform(const struct stream *stream, struct stream_position *at)
{
    return (uint32_t)random_below(&at->random, stream->pages);
}

static inline uint32_t page_permuted(const struct stream *stream, struct stream_position *at)
{
    return stream->order[page_in_order(stream, at)];
}

static inline uint32_t page_zipf(const struct stream *stream, struct stream_position *at)
{
    return rank_table_find(stream->ranks, random_below(&at->random, stream->ranks->total));
}

static inline uint32_t page_scattered(const struct stream *stream, struct stream_position *at)
{
    return stream->order[page_zipf(stream, at)];
}

static inline uint32_t page_hot(const struct stream *stream, struct stream_position *at)
{
    bool hot = random_below(&at->random, 100) < stream->hot_percent;
    uint64_t low = hot ? 0 : stream->hot_pages;
    uint64_t range = hot ? stream->hot_pages : stream->pages - stream->hot_pages;
    return (uint32_t)(low + random_below(&at->random, range));
}

void stream_fill_sequential(const struct stream *stream, struct stream_position *at,
                            struct access *records, uint32_t count)
{
    fill_with(stream, at, records, count, page_in_order);
}

void stream_fill_uniform(const struct stream *stream, struct stream_position *at,
                         struct access *records, uint32_t count)
{
    fill_with(stream, at, records, count, page_uniform);
}

void stream_fill_permutation(const struct stream *stream, struct stream_position *at,
                             struct access *records, uint32_t count)
{
    fill_with(stream, at, records, count, page_permuted);
}

void stream_fill_zipf(const struct stream *stream, struct stream_position *at,
                      struct access *records, uint32_t count)
{
    fill_with(stream, at, records, count, page_zipf);
}

void stream_fill_scattered_zipf(const struct stream *stream, struct stream_position *at,
                                struct access *records, uint32_t count)
{
    fill_with(stream, at, records, count, page_scattered);
}

void stream_fill_hot(const struct stream *stream, struct stream_position *at,
                     struct access *records, uint32_t count)
{
    fill_with(stream, at, records, count, page_hot);
}

static struct zipf_draws draws_of(const struct stream *stream, uint32_t first)
{
    struct zipf_draws draws = {.sampler = stream->sampler,
                               .like = {.page = first, .space = stream->space}};
    if (stream->write_percent == 100)
        draws.like.op = ACCESS_WRITE; /* without a coin, whose share is less than all */
    else
        draws.coin_share = ((uint64_t)stream->write_percent << 32) / 100;
    return draws;
}

void stream_fill_sampled(const struct stream *stream, struct stream_position *at,
                         struct access *records, uint32_t count)
{
    const struct zipf_draws draws = draws_of(stream, stream->first);
    for (uint32_t done = 0; done < count;)
        done += zipf_sampler_fill(&draws, &at->random, records + done, count - done);
    at->index += count;
}

/* A rank's place is looked up when it was asked for a while ago: the misses overlap with
 * draws. */
void stream_fill_scattered_sampled(const struct stream *stream, struct stream_position *at,
                                   struct access *records, uint32_t count)
{
    const uint32_t first = stream->first, *order = stream->order;
    struct zipf_draws draws = draws_of(stream, 0);
    uint32_t looked_up = 0;
    for (uint32_t done = 0; done < count;) {
        draws.order = done >= ZIPF_TOGETHER ? order : NULL;
        done += zipf_sampler_fill(&draws, &at->random, records + done, count - done);
        for (; looked_up + 2 * ZIPF_TOGETHER < done; looked_up++)
            records[looked_up].page = first + order[records[looked_up].page];
    }
    for (; looked_up < count; looked_up++)
        records[looked_up].page = first + order[records[looked_up].page];
    at->index += count;
}

void stream_fill_free(const struct stream *stream, struct stream_position *at,
                      struct access *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        records[i] = (struct access){.page = stream->first + page_in_order(stream, at),
                                     .space = stream->space,
                                     .op = ACCESS_FREE};
    at->index += count;
}

/* ---- building ---------------------------------------------------------- */

uint64_t stream_seed(uint64_t seed, uint64_t number)
{
    return random_splitmix(seed + 1000003 * number) | 1;
}

struct stream_program *stream_program_new(void)
{
    return memory_zeroed(1, sizeof(struct stream_program), "a generator");
}

static void free_order(struct stream *stream)
{
    if (stream->order)
        memory_unmap(stream->order, stream->pages * sizeof(*stream->order));
}

void stream_program_free(struct stream_program *program)
{
    if (!program)
        return;
    for (uint32_t i = 0; i < program->stream_count; i++) {
        free_order(&program->streams[i]);
        zipf_sampler_free(program->streams[i].sampler);
    }
    for (uint32_t i = 0; i < program->table_count; i++)
        rank_table_free(program->tables[i].ranks);
    free(program->streams);
    free(program->steps);
    free(program->tables);
    free(program->space_pages);
    free(program);
}

uint32_t stream_program_streams(const struct stream_program *program)
{
    return program->stream_count;
}

/* An array of `count` with room for one more, which doubles. */
static void *with_room(void *array, uint32_t count, size_t size, const char *what)
{
    bool is_full = (count & (count - 1)) == 0;
    return is_full ? memory_resized(array, count ? 2 * (size_t)count : 1, size, what) : array;
}

void stream_program_begin_step(struct stream_program *program)
{
    program->steps =
        with_room(program->steps, program->step_count, sizeof(*program->steps), "steps");
    program->steps[program->step_count++] = (struct step){.first = program->stream_count};
}

void stream_program_add(struct stream_program *program, const struct stream *stream)
{
    program->streams =
        with_room(program->streams, program->stream_count, sizeof(*program->streams), "streams");
    program->streams[program->stream_count++] = *stream;
    program->steps[program->step_count - 1].streams++;
}

void stream_make_order(struct stream *stream)
{
    uint32_t *order = memory_mapped(stream->pages * sizeof(*order), "a permutation");
    for (uint32_t i = 0; i < stream->pages; i++)
        order[i] = i;
    for (uint32_t i = stream->pages - 1; i > 0; i--) {
        uint32_t j = (uint32_t)random_below(&stream->random, (uint64_t)i + 1);
        uint32_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    stream->order = order;
}

static bool make_zipf(struct stream_program *program, struct stream *stream, double exponent,
                      bool unit)
{
    for (uint32_t i = 0; i < program->table_count; i++) {
        const struct zipf_table *table = &program->tables[i];
        if (table->unit == unit && table->pages == stream->pages &&
            /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): to the last bit */
            memcmp(&table->exponent, &exponent, sizeof(exponent)) == 0) {
            stream->ranks = table->ranks;
            return true;
        }
    }
    struct rank_table *ranks = unit ? rank_table_zipf_unit(stream->pages, exponent)
                                    : rank_table_zipf(stream->pages, exponent);
    if (!ranks)
        return false;
    program->tables =
        with_room(program->tables, program->table_count, sizeof(*program->tables), "zipf tables");
    program->tables[program->table_count++] = (struct zipf_table){
        .unit = unit, .pages = stream->pages, .exponent = exponent, .ranks = ranks};
    stream->ranks = ranks;
    return true;
}

bool stream_make_zipf(struct stream_program *program, struct stream *stream, double exponent)
{
    return make_zipf(program, stream, exponent, false);
}

void stream_make_zipf_unit(struct stream_program *program, struct stream *stream, double exponent)
{
    make_zipf(program, stream, exponent, true);
}

/* ---- the workload ------------------------------------------------------ */

void workload_fingerprint(const void *bytes, size_t length, char out[33])
{
    XXH128_hash_t hash = XXH3_128bits(bytes, length);
    snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
}

/* Sums the steps' records; false when they do not fit in 64 bits. */
static bool count_records(struct stream_program *program, uint64_t *records)
{
    *records = 0;
    for (uint32_t s = 0; s < program->step_count; s++) {
        struct step *step = &program->steps[s];
        step->start = *records;
        for (uint32_t i = 0; i < step->streams; i++)
            if (__builtin_add_overflow(*records, program->streams[step->first + i].count, records))
                return false;
    }
    return true;
}

/* The size of each space; returns their number, or 0 after adding to `errors`. */
static uint32_t measure_spaces(struct stream_program *program,
                               const struct source_position *position, struct diagnostics *errors)
{
    uint32_t spaces = 0;
    for (uint32_t i = 0; i < program->stream_count; i++)
        if (program->streams[i].space >= spaces)
            spaces = program->streams[i].space + 1u;
    program->space_pages = memory_zeroed(spaces, sizeof(uint32_t), "sizes of spaces");
    for (uint32_t i = 0; i < program->stream_count; i++) {
        const struct stream *stream = &program->streams[i];
        uint32_t end = stream->first + stream->pages;
        if (end > program->space_pages[stream->space])
            program->space_pages[stream->space] = end;
    }
    for (uint32_t s = 0; s < spaces; s++)
        if (program->space_pages[s] == 0) {
            diagnostics_add(errors, position,
                            "no stream uses space %" PRIu32
                            ": spaces are numbered from 0 without gaps, up to %" PRIu32 " here",
                            s, spaces - 1);
            return 0;
        }
    if (spaces == 0)
        diagnostics_add(errors, position, "no accesses: expected at least one stream");
    return spaces;
}

struct workload *stream_workload_open(const struct workload_type *type,
                                      struct stream_program *program, const char *description,
                                      const struct source_position *position,
                                      struct diagnostics *errors)
{
    uint64_t records;
    uint32_t spaces = measure_spaces(program, position, errors);
    bool counted = count_records(program, &records);
    if (spaces && !counted)
        diagnostics_add(errors, position, "more than 2^64 - 1 accesses in all");
    if (!spaces || !counted) {
        stream_program_free(program);
        return NULL;
    }
    workload_fingerprint(description, strlen(description), program->fingerprint);
    struct workload *workload = memory_zeroed(1, sizeof(*workload), "a workload");
    *workload = (struct workload){.type = type,
                                  .spaces = spaces,
                                  .space_pages = program->space_pages,
                                  .accesses = records,
                                  .fingerprint = program->fingerprint,
                                  .state = program};
    return workload;
}

struct zipf_sampler *stream_workload_sampler(const struct workload *workload)
{
    const struct stream_program *program = workload->state;
    return program->streams[program->stream_count - 1].sampler;
}

uint32_t stream_workload_steps(const struct workload *workload)
{
    const struct stream_program *program = workload->state;
    return program->step_count;
}

uint64_t stream_workload_step_start(const struct workload *workload, uint32_t step)
{
    const struct stream_program *program = workload->state;
    return step < program->step_count ? program->steps[step].start : workload->accesses;
}

void stream_workload_close(struct workload *workload)
{
    if (!workload)
        return;
    stream_program_free(workload->state);
    free(workload);
}

bool stream_workload_start(struct workload_cursor *cursor)
{
    const struct stream_program *program = cursor->workload->state;
    struct walk *walk = memory_zeroed(1, sizeof(*walk), "a generator's cursor");
    walk->positions =
        memory_zeroed(program->stream_count, sizeof(*walk->positions), "stream positions");
    for (uint32_t i = 0; i < program->stream_count; i++)
        walk->positions[i].random = program->streams[i].random;
    if (program->stream_count)
        walk->turn_left = program->streams[0].batch;
    cursor->position = 0;
    cursor->state = walk;
    return true;
}

/* Give the turn to the next stream of the step that has records left, or go to
 * the next step.  False at the end of the last step. */
static bool pass_turn(const struct stream_program *program, struct walk *walk)
{
    while (walk->step < program->step_count) {
        const struct step *step = &program->steps[walk->step];
        for (uint32_t tried = 0; tried < step->streams; tried++) {
            walk->turn = walk->turn + 1 < step->streams ? walk->turn + 1 : 0;
            uint32_t number = step->first + walk->turn;
            if (walk->positions[number].index < program->streams[number].count) {
                walk->turn_left = program->streams[number].batch;
                return true;
            }
        }
        walk->step++;
        /* So that the next step's first stream comes first. */
        if (walk->step < program->step_count)
            walk->turn = program->steps[walk->step].streams - 1;
    }
    return false;
}

uint32_t stream_workload_next(struct workload_cursor *cursor, const struct access **block)
{
    const struct stream_program *program = cursor->workload->state;
    struct walk *walk = cursor->state;
    uint32_t filled = 0;
    while (filled < STREAM_BLOCK_RECORDS && walk->step < program->step_count) {
        uint32_t number = program->steps[walk->step].first + walk->turn;
        const struct stream *stream = &program->streams[number];
        struct stream_position *at = &walk->positions[number];
        bool alone = program->steps[walk->step].streams == 1;
        uint64_t take = stream->count - at->index;
        if (!alone && take > walk->turn_left)
            take = walk->turn_left;
        if (take > STREAM_BLOCK_RECORDS - filled)
            take = STREAM_BLOCK_RECORDS - filled;
        stream->fill(stream, at, walk->records + filled, (uint32_t)take);
        filled += (uint32_t)take;
        if (!alone)
            walk->turn_left -= (uint32_t)take;
        if ((walk->turn_left == 0 || at->index == stream->count) && !pass_turn(program, walk))
            break;
    }
    cursor->position += filled;
    *block = walk->records;
    return filled;
}

void stream_workload_stop(struct workload_cursor *cursor)
{
    struct walk *walk = cursor->state;
    if (!walk)
        return;
    free(walk->positions);
    free(walk);
    cursor->state = NULL;
}

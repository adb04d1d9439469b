/* Access streams: what all generators are made of.
 *
 * A program is a list of steps that run one after the other; the streams of a
 * step take turns, each giving up to its batch of records a turn until its
 * count is used (docs/formats.md, "Generators").  A program is built once and
 * is read-only afterwards; every cursor has its own positions. */
#ifndef ZSIM_WORKLOADS_GENERATORS_STREAM_H
#define ZSIM_WORKLOADS_GENERATORS_STREAM_H

#include "workloads/generators/rank_table.h"
#include "workloads/generators/zipf_sampler.h"
#include "workloads/workload.h"

enum {
    STREAM_BLOCK_RECORDS = 4096, /* handed out at once: 32 KiB stay in the cache */
    STREAM_BATCH_DEFAULT = 64,
};

struct stream;

/* Where a cursor stands in a stream. */
struct stream_position {
    uint64_t random; /* xorshift64* state, or the counter of the patterns named so below */
    uint64_t index;  /* records given so far */
    uint32_t offset; /* index modulo the stream's pages, for patterns that go in order */
};

/* Write the next `count` records of the stream. */
typedef void stream_fill(const struct stream *stream, struct stream_position *at,
                         struct access *records, uint32_t count);

struct stream {
    stream_fill *fill;
    uint16_t space;
    uint32_t first, pages;                /* the range that the pattern covers */
    uint64_t count;                       /* records in all */
    uint32_t write_percent;               /* 0: no coin is drawn */
    uint32_t batch;                       /* records a turn */
    uint64_t random;                      /* first state of the random numbers */
    uint32_t hot_pages;                   /* stream_fill_hot, _hot_cold */
    uint32_t hot_percent;                 /* of accesses that go to the hot pages */
    uint32_t hot_offset;                  /* stream_fill_hot_cold: pages to rotate the pattern by */
    uint32_t file_pages, discard_percent; /* fs_on_zram; service: pages of an object */
    uint32_t stride;                      /* service: objects between two ranks */
    const struct rank_table *ranks; /* stream_fill_zipf, _scattered_zipf; owned by the program */
    uint32_t *order;                /* stream_fill_permutation, _scattered..., owned */
    struct zipf_sampler *sampler;   /* stream_fill_sampled, _scattered_sampled; owned */
};

stream_fill stream_fill_sequential;
stream_fill stream_fill_free;
stream_fill stream_fill_uniform;
stream_fill stream_fill_permutation;
stream_fill stream_fill_zipf;
stream_fill stream_fill_scattered_zipf;
stream_fill stream_fill_hot;

/* As zipf, scattered_zipf and hot, drawn with random_counted(): other numbers,
 * and several times as many a second. */
stream_fill stream_fill_sampled;
stream_fill stream_fill_scattered_sampled;
stream_fill stream_fill_hot_cold; /* hot_cold_fill.c */

struct stream_program;

/* The random state of the `number`-th stream (1, 2, ...) of a command line. */
uint64_t stream_seed(uint64_t seed, uint64_t number);

struct stream_program *stream_program_new(void);
void stream_program_free(struct stream_program *program); /* accepts NULL */

/* The streams added from now on run after all earlier ones. */
void stream_program_begin_step(struct stream_program *program);

/* Add a copy of `stream` to the current step. */
void stream_program_add(struct stream_program *program, const struct stream *stream);

/* Build and attach what the pattern needs, before stream_program_add(): the
 * shuffled order (drawn from stream->random, which advances), the weights
 * (false: their sum does not fit in 64 bits). */
void stream_make_order(struct stream *stream);
bool stream_make_zipf(struct stream_program *program, struct stream *stream, double exponent);
void stream_make_zipf_unit(struct stream_program *program, struct stream *stream, double exponent);

/* Streams added so far, over all steps. */
uint32_t stream_program_streams(const struct stream_program *program);

/* The workload that walks the program, which it owns from now on; `description`
 * (type, parameters and seed) is hashed into the fingerprint.  NULL after adding
 * to `errors` (a space number left out, too many records); the program is
 * freed then. */
struct workload *stream_workload_open(const struct workload_type *type,
                                      struct stream_program *program, const char *description,
                                      const struct source_position *position,
                                      struct diagnostics *errors);

/* The zipf distribution of its last stream. */
struct zipf_sampler *stream_workload_sampler(const struct workload *workload);

/* Steps of a workload opened by stream_workload_open(), and the record with
 * which a step begins; step == steps gives the number of records. */
uint32_t stream_workload_steps(const struct workload *workload);
uint64_t stream_workload_step_start(const struct workload *workload, uint32_t step);

/* The table entries of every generator. */
void stream_workload_close(struct workload *workload);
bool stream_workload_start(struct workload_cursor *cursor);
uint32_t stream_workload_next(struct workload_cursor *cursor, const struct access **block);
void stream_workload_stop(struct workload_cursor *cursor);

/* Hex digits of a 128-bit hash (32 and a final 0) of what identifies a workload. */
void workload_fingerprint(const void *bytes, size_t length, char out[33]);

#endif

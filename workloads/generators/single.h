/* What the generators of one address space have in common: footprint, number
 * of accesses, share of writes, and a first pass that fills the memory. */
#ifndef ZSIM_WORKLOADS_GENERATORS_SINGLE_H
#define ZSIM_WORKLOADS_GENERATORS_SINGLE_H

#include <stddef.h>

#include "workloads/generators/generators.h"
#include "workloads/generators/stream.h"

struct single_params {
    uint64_t footprint;     /* bytes */
    uint64_t accesses;      /* besides the filling ones */
    uint64_t write_percent; /* of the accesses */
    bool fill;
    double exponent;                /* zipf, scattered_zipf */
    uint64_t hot;                   /* bytes; hot_cold */
    uint64_t hot_percent;           /* of accesses; hot_cold */
    uint64_t phases;                /* moves of the hot pages; hot_cold */
    uint64_t file, discard_percent; /* bytes; of the files met; fs_on_zram */
    uint64_t rounds;                /* usemem, stress_vm */
    bool random, read_again, exits; /* usemem */
    bool keep;                      /* stress_vm */
    uint64_t object, idle_percent;  /* bytes; of the objects; service */
};

#define SINGLE_ROW(field) .offset = offsetof(struct single_params, field)

/* The rows that every type of this family has. */
#define SINGLE_COMMON_ROWS                                                                         \
    {.name = "footprint",                                                                          \
     .type = PARAM_BYTES,                                                                          \
     SINGLE_ROW(footprint),                                                                        \
     .flags = PARAM_REQUIRED | PARAM_WHOLE_PAGES,                                                  \
     .least = 4096,                                                                                \
     .most = 4096.0 * WORKLOAD_PAGES_AT_MOST,                                                      \
     .help = "memory that is accessed, in bytes"},                                                 \
        {.name = "accesses",                                                                       \
         .type = PARAM_COUNT,                                                                      \
         SINGLE_ROW(accesses),                                                                     \
         .flags = PARAM_REQUIRED,                                                                  \
         .help = "number of accesses after the filling ones"},                                     \
        {.name = "write_percent",                                                                  \
         .type = PARAM_COUNT,                                                                      \
         SINGLE_ROW(write_percent),                                                                \
         .initial = "0",                                                                           \
         .least = 0,                                                                               \
         .most = 100,                                                                              \
         .help = "share of the accesses that write, in percent"},                                  \
    {                                                                                              \
        .name = "fill", .type = PARAM_BOOL, SINGLE_ROW(fill), .initial = "true",                   \
        .help = "first write every page once, in order"                                            \
    }

/* Begin a program: the filling pass if asked for, then a step with one stream
 * of the given pattern whose random numbers follow from `seed`.  The stream is
 * not added yet: *stream is for the caller to complete and add. */
struct stream_program *single_begin(const struct single_params *params, uint64_t seed,
                                    stream_fill *fill, struct stream *stream);

/* The finished workload, or NULL after adding to `errors`. */
struct workload *single_finish(const struct workload_type *type, const struct single_params *params,
                               uint64_t seed, struct stream_program *program,
                               const struct source_position *position, struct diagnostics *errors);

/* All of it for a pattern that needs nothing else. */
struct workload *single_open(const struct workload_type *type, const struct single_params *params,
                             uint64_t seed, stream_fill *fill,
                             const struct source_position *position, struct diagnostics *errors);

/* The zipf family; `scatter` puts the ranks through a permutation.  The distribution is that of
 * `twin`; NULL: a new one. */
struct workload *single_open_zipf(const struct workload_type *type,
                                  const struct single_params *params, uint64_t seed, bool scatter,
                                  const struct workload *twin,
                                  const struct source_position *position,
                                  struct diagnostics *errors);

/* The functions that all types of this family share in their tables. */
#define SINGLE_FUNCTIONS                                                                           \
    .close = stream_workload_close, .start = stream_workload_start, .next = stream_workload_next,  \
    .stop = stream_workload_stop, .seeded = true

#endif

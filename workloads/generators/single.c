#include "workloads/generators/single.h"

#include <inttypes.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"

struct stream_program *single_begin(const struct single_params *params, uint64_t seed,
                                    stream_fill *fill, struct stream *stream)
{
    struct stream_program *program = stream_program_new();
    *stream = (struct stream){.fill = stream_fill_sequential,
                              .pages = (uint32_t)(params->footprint / PAGE_BYTES),
                              .count = params->footprint / PAGE_BYTES,
                              .write_percent = 100,
                              .batch = STREAM_BATCH_DEFAULT,
                              .random = stream_seed(seed, 1)};
    if (params->fill) {
        stream_program_begin_step(program);
        stream_program_add(program, stream);
    }
    /* The same number with and without filling: the accesses stay the same. */
    stream->random = stream_seed(seed, 2);
    stream->fill = fill;
    stream->count = params->accesses;
    stream->write_percent = (uint32_t)params->write_percent;
    stream_program_begin_step(program);
    return program;
}

struct workload *single_finish(const struct workload_type *type, const struct single_params *params,
                               uint64_t seed, struct stream_program *program,
                               const struct source_position *position, struct diagnostics *errors)
{
    struct arena arena = {0};
    char *description = arena_printf(&arena, "%s seed=%" PRIu64, type->name, seed);
    for (size_t i = 0; i < type->params.count; i++) {
        const struct param *row = &type->params.rows[i];
        char value[64];
        params_print(row, params, value, sizeof(value));
        description = arena_printf(&arena, "%s %s=%s", description, row->name, value);
    }
    struct workload *workload = stream_workload_open(type, program, description, position, errors);
    arena_release(&arena);
    return workload;
}

struct workload *single_open(const struct workload_type *type, const struct single_params *params,
                             uint64_t seed, stream_fill *fill,
                             const struct source_position *position, struct diagnostics *errors)
{
    struct stream stream;
    struct stream_program *program = single_begin(params, seed, fill, &stream);
    if (fill == stream_fill_permutation)
        stream_make_order(&stream);
    stream_program_add(program, &stream);
    return single_finish(type, params, seed, program, position, errors);
}

struct workload *single_open_zipf(const struct workload_type *type,
                                  const struct single_params *params, uint64_t seed, bool scatter,
                                  const struct workload *twin,
                                  const struct source_position *position,
                                  struct diagnostics *errors)
{
    struct stream stream;
    struct stream_program *program = single_begin(
        params, seed, scatter ? stream_fill_scattered_sampled : stream_fill_sampled, &stream);
    stream.sampler = twin ? zipf_sampler_share(stream_workload_sampler(twin))
                          : zipf_sampler_create(stream.pages, params->exponent);
    if (scatter)
        stream_make_order(&stream);
    stream_program_add(program, &stream);
    return single_finish(type, params, seed, program, position, errors);
}

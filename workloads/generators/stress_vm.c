/* Type `stress_vm`: a worker of `stress-ng --vm N --vm-method rand-set`: it maps a
 * region, sets all of it in order, reads all of it in order to see whether it is still
 * set, unmaps it, and begins again.
 *
 * N workers are N tasks ("count").  rand-set gives the eight bytes of a word one random
 * value, so its pages are neither zero nor of one word; what they compress to is for
 * "content" to say. */
#include "sim/base/units.h"
#include "workloads/generators/single.h"

static const struct param stress_vm_rows[] = {
    {.name = "footprint",
     .type = PARAM_BYTES,
     SINGLE_ROW(footprint),
     .flags = PARAM_REQUIRED | PARAM_WHOLE_PAGES,
     .least = 4096,
     .most = 4096.0 * WORKLOAD_PAGES_AT_MOST,
     .help = "size of the region in bytes",
     .source = "stress-ng --vm-bytes"},
    {.name = "rounds",
     .type = PARAM_COUNT,
     SINGLE_ROW(rounds),
     .initial = "1",
     .least = 1,
     .most = 10000,
     .help = "times that the region is set and read",
     .source = "stress-ng --vm-ops, which counts otherwise"},
    {.name = "keep",
     .type = PARAM_BOOL,
     SINGLE_ROW(keep),
     .initial = "false",
     .help = "map the region once and write to it again, instead of giving it back after each "
             "round",
     .source = "stress-ng --vm-keep"},
};

static void add_step(struct stream_program *program, struct stream *stream, stream_fill *fill,
                     uint32_t write_percent)
{
    stream->fill = fill;
    stream->write_percent = write_percent;
    stream_program_begin_step(program);
    stream_program_add(program, stream);
}

static struct workload *stress_vm_open(const void *params, uint64_t seed,
                                       const struct source_position *position,
                                       struct diagnostics *errors)
{
    const struct single_params *own = params;
    struct stream_program *program = stream_program_new();
    uint32_t pages = (uint32_t)(own->footprint / PAGE_BYTES);
    struct stream stream = {.pages = pages,
                            .count = pages,
                            .batch = STREAM_BATCH_DEFAULT,
                            .random = stream_seed(seed, 1)};
    for (uint64_t round = 0; round < own->rounds; round++) {
        add_step(program, &stream, stream_fill_sequential, 100);
        add_step(program, &stream, stream_fill_sequential, 0);
        if (!own->keep || round + 1 == own->rounds)
            add_step(program, &stream, stream_fill_free, 0);
    }
    return single_finish(&workload_stress_vm, own, seed, program, position, errors);
}

const struct workload_type workload_stress_vm = {
    .name = "stress_vm",
    .summary = "set a region, read it, give it back, again and again (stress-ng, rand-set)",
    .params = PARAM_TABLE(stress_vm_rows, struct single_params),
    .open = stress_vm_open,
    SINGLE_FUNCTIONS,
};

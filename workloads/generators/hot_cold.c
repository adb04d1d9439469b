/* Type `hot_cold`: a hot set that takes most accesses, and may move. */
#include "sim/base/units.h"
#include "workloads/generators/single.h"

static const struct param hot_cold_rows[] = {
    SINGLE_COMMON_ROWS,
    {.name = "hot",
     .type = PARAM_BYTES,
     SINGLE_ROW(hot),
     .flags = PARAM_REQUIRED | PARAM_WHOLE_PAGES,
     .least = 4096,
     .most = 4096.0 * WORKLOAD_PAGES_AT_MOST,
     .help = "size of the hot part in bytes; less than the footprint"},
    {.name = "hot_percent",
     .type = PARAM_COUNT,
     SINGLE_ROW(hot_percent),
     .initial = "90",
     .least = 0,
     .most = 100,
     .help = "share of the accesses that go to the hot part, in percent"},
    {.name = "phases",
     .type = PARAM_COUNT,
     SINGLE_ROW(phases),
     .initial = "0",
     .least = 0,
     .most = 1000000,
     .help = "times that the hot part moves on by its own size, at equal distances in the run"},
};

/* Phase k's hot part begins k times its size further on, around the end. */
static void add_phases(const struct single_params *params, struct stream_program *program,
                       struct stream *stream, uint64_t seed)
{
    uint64_t phases = params->phases + 1;
    for (uint64_t k = 0; k < phases; k++) {
        if (k > 0)
            stream_program_begin_step(program);
        stream->count = params->accesses / phases + (k < params->accesses % phases);
        stream->hot_offset = (uint32_t)(k * stream->hot_pages % stream->pages);
        stream->random = stream_seed(seed, 2 + k);
        stream_program_add(program, stream);
    }
}

static struct workload *hot_cold_open(const void *params, uint64_t seed,
                                      const struct source_position *position,
                                      struct diagnostics *errors)
{
    const struct single_params *own = params;
    if (own->hot >= own->footprint) {
        char hot[32], footprint[32];
        print_bytes(hot, sizeof(hot), own->hot);
        print_bytes(footprint, sizeof(footprint), own->footprint);
        diagnostics_add(errors, position,
                        "\"hot\" is %s; expected less than the footprint, which is %s", hot,
                        footprint);
        return NULL;
    }
    struct stream stream;
    struct stream_program *program = single_begin(own, seed, stream_fill_hot_cold, &stream);
    stream.hot_pages = (uint32_t)(own->hot / PAGE_BYTES);
    stream.hot_percent = (uint32_t)own->hot_percent;
    add_phases(own, program, &stream, seed);
    return single_finish(&workload_hot_cold, own, seed, program, position, errors);
}

const struct workload_type workload_hot_cold = {
    .name = "hot_cold",
    .summary = "a hot part takes most accesses; it may move several times",
    .params = PARAM_TABLE(hot_cold_rows, struct single_params),
    .open = hot_cold_open,
    SINGLE_FUNCTIONS,
};

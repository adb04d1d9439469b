/* Type `uniform`: every page equally likely. */
#include "workloads/generators/single.h"

static const struct param uniform_rows[] = {SINGLE_COMMON_ROWS};

static struct workload *uniform_open(const void *params, uint64_t seed,
                                     const struct source_position *position,
                                     struct diagnostics *errors)
{
    return single_open(&workload_uniform, params, seed, stream_fill_uniform, position, errors);
}

const struct workload_type workload_uniform = {
    .name = "uniform",
    .summary = "every page equally likely",
    .params = PARAM_TABLE(uniform_rows, struct single_params),
    .open = uniform_open,
    SINGLE_FUNCTIONS,
};

/* Type `sequential`: every page in order, again and again. */
#include "workloads/generators/single.h"

static const struct param sequential_rows[] = {SINGLE_COMMON_ROWS};

static struct workload *sequential_open(const void *params, uint64_t seed,
                                        const struct source_position *position,
                                        struct diagnostics *errors)
{
    return single_open(&workload_sequential, params, seed, stream_fill_sequential, position,
                       errors);
}

const struct workload_type workload_sequential = {
    .name = "sequential",
    .summary = "every page in order, again and again",
    .params = PARAM_TABLE(sequential_rows, struct single_params),
    .open = sequential_open,
    SINGLE_FUNCTIONS,
};

/* Type `permutation`: every page once in a random order, again and again in that order. */
#include "workloads/generators/single.h"

static const struct param permutation_rows[] = {SINGLE_COMMON_ROWS};

static struct workload *permutation_open(const void *params, uint64_t seed,
                                         const struct source_position *position,
                                         struct diagnostics *errors)
{
    return single_open(&workload_permutation, params, seed, stream_fill_permutation, position,
                       errors);
}

const struct workload_type workload_permutation = {
    .name = "permutation",
    .summary = "every page once in a random order, again and again in that order",
    .params = PARAM_TABLE(permutation_rows, struct single_params),
    .open = permutation_open,
    SINGLE_FUNCTIONS,
};

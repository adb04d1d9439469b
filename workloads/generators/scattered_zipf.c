/* Type `scattered_zipf`: few pages are popular, the popular ones spread over the memory. */
#include "workloads/generators/single.h"

static const struct param scattered_zipf_rows[] = {
    SINGLE_COMMON_ROWS,
    {.name = "exponent",
     .type = PARAM_REAL,
     SINGLE_ROW(exponent),
     .initial = "0.99",
     .least = 0,
     .most = 16,
     .help = "the page of rank i, from 0, is accessed in proportion to 1/(i+1)^exponent",
     .source = "0.99 is the default of YCSB (Cooper et al., SoCC 2010)"},
};

static struct workload *scattered_zipf_open(const void *params, uint64_t seed,
                                            const struct source_position *position,
                                            struct diagnostics *errors)
{
    return single_open_zipf(&workload_scattered_zipf, params, seed, true, NULL, position, errors);
}

static struct workload *scattered_zipf_open_twin(const struct workload *twin, const void *params,
                                                 uint64_t seed,
                                                 const struct source_position *position,
                                                 struct diagnostics *errors)
{
    return single_open_zipf(&workload_scattered_zipf, params, seed, true, twin, position, errors);
}

const struct workload_type workload_scattered_zipf = {
    .name = "scattered_zipf",
    .summary = "few pages are popular, the popular ones spread over the memory",
    .params = PARAM_TABLE(scattered_zipf_rows, struct single_params),
    .open = scattered_zipf_open,
    .open_twin = scattered_zipf_open_twin,
    SINGLE_FUNCTIONS,
};

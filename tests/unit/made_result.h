/* Result files made by hand, for tests of what is written and compared. */
#ifndef TESTS_UNIT_MADE_RESULT_H
#define TESTS_UNIT_MADE_RESULT_H

#include <stdlib.h>
#include <string.h>

#include "sim/experiment/json_output.h"
#include "sim/experiment/result_file.h"

enum { MADE_VARIANTS = 2, MADE_SEEDS_AT_MOST = 8 };

struct made_result {
    struct result_source source;
    struct variant_record variants[MADE_VARIANTS];
    cJSON *configs[MADE_VARIANTS];
    uint64_t seeds[MADE_SEEDS_AT_MOST];
    struct run_record runs[MADE_VARIANTS * MADE_SEEDS_AT_MOST];
    struct run_input inputs[MADE_VARIANTS * MADE_SEEDS_AT_MOST];
};

/* Variants "small" and "large", seeds 1..seed_count, all runs complete, all
 * counters zero. */
static inline void made_result_init(struct made_result *made, uint32_t seed_count)
{
    memset(made, 0, sizeof(*made));
    for (uint32_t v = 0; v < MADE_VARIANTS; v++) {
        made->configs[v] =
            cJSON_Parse("{\"zswap\": {\"max_pool_percent\": 20, \"lru\": \"global\"}}");
        made->variants[v].name = v ? "large" : "small";
        made->variants[v].config = made->configs[v];
    }
    for (uint32_t r = 0; r < MADE_VARIANTS * seed_count; r++) {
        made->seeds[r % seed_count] = r % seed_count + 1;
        made->inputs[r] = (struct run_input){"zipf", "00112233aabbccdd", 1000, 1};
        made->runs[r].started = true;
        made->runs[r].result.complete = true;
        made->runs[r].result.seed = r % seed_count + 1;
        made->runs[r].inputs = &made->inputs[r];
        made->runs[r].input_count = 1;
    }
    made->source = (struct result_source){
        .name = "made",
        .question = "Is it right?",
        .variants = made->variants,
        .variant_count = MADE_VARIANTS,
        .seeds = made->seeds,
        .seed_count = seed_count,
        .runs = made->runs,
        .complete = true,
        .jobs = 1,
    };
}

static inline struct run_result *made_run(struct made_result *made, uint32_t variant, uint32_t seed)
{
    return &made->runs[variant * made->source.seed_count + seed].result;
}

/* Histograms and configs; arrays of a run belong to the test. */
static inline void made_result_release(struct made_result *made)
{
    for (uint32_t v = 0; v < MADE_VARIANTS; v++)
        cJSON_Delete(made->configs[v]);
    for (uint32_t r = 0; r < MADE_VARIANTS * made->source.seed_count; r++)
        for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
            histogram_release(&made->runs[r].result.fault_latency[kind]);
}

#endif

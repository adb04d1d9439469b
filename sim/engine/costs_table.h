/* The cost table that is built in. */
#ifndef ZSIM_ENGINE_COSTS_TABLE_H
#define ZSIM_ENGINE_COSTS_TABLE_H

#include "sim/engine/costs.h"

/* Fill `costs` with the built-in table "vm": the same numbers as
 * configs/costs/vm.json, which gives their sources. */
void costs_set_builtin(struct costs *costs);

/* One number of a cost table with where it comes from. */
struct cost_source {
    uint64_t ns, least, most; /* least..most: plausible range */
    const char *source;
};
extern const struct cost_source costs_builtin[COSTS];

struct codec_source {
    const char *compressor;
    struct codec_cost cost;
    const char *source;
};
extern const struct codec_source codecs_builtin[]; /* ended by compressor NULL */

#endif

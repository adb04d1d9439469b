#include "sim/base/counters.h"

const struct counter_description counter_descriptions[COUNTERS] = {
#define X(name, unit, origin, meaning) {#name, unit, origin, meaning},
    COUNTER_LIST(X)
#undef X
};

const struct counter_description gauge_descriptions[GAUGES] = {
#define X(name, unit, origin, meaning) {#name, unit, origin, meaning},
    GAUGE_LIST(X)
#undef X
};

/* The axis "admission": is this page worth keeping compressed?
 *
 * The pool limit and its hysteresis are not here: every kernel has them
 * (zswap_check_limits). */
#ifndef ZSIM_POLICIES_ADMISSION_H
#define ZSIM_POLICIES_ADMISSION_H

#include "sim/zswap/zswap.h"

struct admission_hooks {
    /* required: `length`: compressed bytes of the page */
    bool (*admit)(const struct zswap *zswap, uint32_t memcg, uint32_t length, const void *params);
    bool admits_all; /* whatever it is asked: then it need not be */
};

#endif

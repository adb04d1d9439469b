/* The axis "admission": is this page worth keeping compressed?
 *
 * The pool limit and its hysteresis are not here: every kernel has them
 * (zswap_check_limits). */
#ifndef ZSIM_POLICIES_ADMISSION_H
#define ZSIM_POLICIES_ADMISSION_H

#include "sim/zswap/zswap.h"

/* What an answer depends on.  While reclaim stores one page after the other, counts of zswap and
 * of cgroups are added up at the end of the row (sim/swap/eviction_run.h), unless somebody may
 * look at them. */
enum admission_basis {
    ADMISSION_BY_ANYTHING, /* all counts are up to date when it is asked */
    ADMISSION_BY_LENGTH,   /* `length` and `params`: counts may lag behind */
    ADMISSION_ALWAYS,      /* nothing, it is yes: need not be asked */
};

struct admission_hooks {
    /* required: `length`: compressed bytes of the page */
    bool (*admit)(const struct zswap *zswap, uint32_t memcg, uint32_t length, const void *params);
    enum admission_basis basis;
};

#endif

/* One simulation, from a decoded config to its measurements. */
#ifndef ZSIM_SIM_H
#define ZSIM_SIM_H

#include <stdbool.h>

#include "sim/config.h"
#include "sim/result.h"

enum invariant_checks { CHECKS_OFF, CHECKS_SAMPLED, CHECKS_FULL };

/* Where the contents of a page are. */
enum page_place {
    PLACE_NOWHERE, /* never touched, or freed */
    PLACE_MAPPED,
    PLACE_SWAP_CACHE, /* in RAM, not mapped */
    PLACE_ZSWAP,
    PLACE_ZERO_MAP,
    PLACE_DISK,
    PAGE_PLACES
};

/* Somebody who looks at single pages.  Any function may be NULL. */
struct sim_observer {
    void *context;
    /* An access of this space was not a hit; pages_read: from devices, by readahead too. */
    void (*fault)(void *context, uint32_t space, uint32_t page, enum fault_kind kind,
                  uint64_t pages_read);
    /* After the run, once for every page of every space. */
    void (*page_at_end)(void *context, uint32_t space, uint32_t page, enum page_place place);
};

struct sim_options {
    enum invariant_checks checks;
    /* Looked at now and then; when it becomes true the run ends with what it has
     * and result->complete false.  May be NULL. */
    const volatile bool *interrupted;
    /* Called about every 2^20 accesses with accesses done and in all, and simulated ns; may be
     * NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total, uint64_t now_ns);
    void *progress_context;
    const struct sim_observer *observer; /* may be NULL */
};

/* Run to the end.  Many may run at the same time on different threads; inputs
 * in `config` are only read.  Returns false, with result->failure set, when the
 * run could not be finished. */
bool sim_run(const struct config *config, const struct sim_options *options, uint64_t seed,
             struct run_result *result);

#endif

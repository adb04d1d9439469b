/* lru_add_drain_all() as whoever calls it sees it: a work item on each processor that holds
 * pages in its batch (cpu_needs_drain(), mm/swap.c), and the caller sleeps until a kernel
 * thread of each of them has had its turn.  Where such a processor is busy, that takes as
 * long as whatever runs there may keep it. */
#ifndef ZSIM_MM_DRAIN_H
#define ZSIM_MM_DRAIN_H

#include "sim/mm/mm.h"

/* Who waits; zero-initialised, and in place until it is woken. */
struct drain_waiter {
    struct runner *runner;
    uint32_t left; /* processors that have not drained yet */
};

/* Queue the work.  False: no processor holds anything, nobody waits.  True: the caller,
 * `waiter->runner`, ends its turn as TURN_BLOCKED and is woken after the last of them. */
bool drain_all_begin(struct mm *mm, const struct exec *exec, struct drain_waiter *waiter);

void drain_release(struct mm *mm);

#endif

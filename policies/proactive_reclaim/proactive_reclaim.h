/* The axis "proactive_reclaim": who asks for memory by the clock, before it is short.
 *
 * A choice stands for a program in user space that writes to a cgroup's files.  It does
 * its work in the clock's own time: what it reclaims takes locks, memory and devices,
 * but no processor away from the tasks, and is nobody's memory stall. */
#ifndef ZSIM_POLICIES_PROACTIVE_RECLAIM_H
#define ZSIM_POLICIES_PROACTIVE_RECLAIM_H

#include "sim/mm/mm.h"

struct proactive_reclaim_hooks {
    /* all or none of them: tick() is called each interval_ns() of simulated time, with
     * what create() returned */
    uint64_t (*interval_ns)(const void *params);
    void *(*create)(const struct mm *mm, const void *params);
    void (*destroy)(void *state);
    void (*tick)(struct mm *mm, struct exec *exec, void *state, const void *params);
};

#endif

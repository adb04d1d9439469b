/* What every policy says about itself.
 *
 * A policy is one choice on one axis: one file that defines one `struct policy`
 * whose `hooks` is the axis's table of functions (policies/AXIS/AXIS.h says
 * which) and whose parameters are rows of a table.  policies/registry.c lists
 * the choices of each axis; nothing else names a policy. */
#ifndef ZSIM_POLICIES_POLICY_H
#define ZSIM_POLICIES_POLICY_H

#include "sim/base/params.h"

enum { POLICY_INTERFACE_VERSION = 1 };

struct policy {
    const char *name;    /* as in a config */
    const char *summary; /* one line: the choice it stands for */
    const char *source;  /* kernel version and function, patch series or paper it mirrors */
    struct param_table params;
    const void *hooks;   /* the axis's table, e.g. const struct allocator_hooks * */
    unsigned interface_version; /* POLICY_INTERFACE_VERSION it was built with */
};

/* An axis of choice: "allocator", "zswap_lru", ... */
struct policy_axis {
    const char *name;
    const char *question; /* what a choice on this axis decides */
    const struct policy *const *choices; /* NULL-terminated */
};

/* All axes, ended by a row with name NULL. */
extern const struct policy_axis policy_axes[];

/* NULL when there is no such axis or choice. */
const struct policy_axis *policy_axis_find(const char *axis);
const struct policy *policy_find(const char *axis, const char *name);

#endif

/* What every policy says about itself.
 *
 * A policy is one choice on one axis: one file that defines one `struct policy`
 * whose `hooks` is the axis's table of functions (policies/AXIS/AXIS.h says
 * which) and whose parameters are rows of a table.  policies/registry.c lists
 * the choices of each axis; nothing else names a policy. */
#ifndef ZSIM_POLICIES_POLICY_H
#define ZSIM_POLICIES_POLICY_H

#include <stddef.h>

#include "sim/base/params.h"

/* Goes up with every change of a struct or function that a policy sees (the
 * headers of sim/ and policies/): a plug-in that was built before is refused. */
enum { POLICY_INTERFACE_VERSION = 25 };

struct policy {
    const char *name;    /* as in a config */
    const char *summary; /* one line: the choice it stands for */
    const char *source;  /* kernel version and function, patch series or paper it mirrors */
    struct param_table params;
    const void *hooks;          /* the axis's table, e.g. const struct allocator_hooks * */
    unsigned interface_version; /* POLICY_INTERFACE_VERSION it was built with */
};

struct policy_hook;

/* An axis of choice: "allocator", "zswap_lru", ... */
struct policy_axis {
    const char *name;
    const char *question;                /* what a choice on this axis decides */
    const struct policy *const *choices; /* NULL-terminated */
    const struct policy_hook *required;  /* ended by name NULL */
};

/* A hook that a choice on an axis must have. */
struct policy_hook {
    const char *name;
    size_t offset;      /* of the function pointer in the axis's table */
    const char *with;   /* required only where this hook is there; NULL: always */
    size_t with_offset; /* of that hook */
};

/* All axes, ended by a row with name NULL. */
extern const struct policy_axis policy_axes[];

/* NULL when there is no such axis or choice. */
const struct policy_axis *policy_axis_find(const char *axis);
const struct policy *policy_find(const char *axis, const char *name);

/* The first required hook that is NULL in policy->hooks; NULL when all are there. */
const struct policy_hook *policy_missing_hook(const struct policy_axis *axis,
                                              const struct policy *policy);

/* ---- policies from a shared object (zsim --plugin FILE.so) ---------------- */

struct plugin_policy {
    const char *axis;
    const struct policy *policy;
};

/* What a plug-in exports, as the constant `zsim_plugin`.  Everything else in it
 * should be static: zsim's own functions and tables are visible to it, and a
 * global name of the plug-in that zsim has too would mean zsim's. */
struct policy_plugin {
    unsigned interface_version; /* POLICY_INTERFACE_VERSION; in every version the first member */
    const struct plugin_policy *policies; /* ended by axis NULL */
};
extern const struct policy_plugin zsim_plugin; /* defined by plug-ins alone */

#endif

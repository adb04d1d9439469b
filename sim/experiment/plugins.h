/* Policies from shared objects, beside the built-in ones.
 *
 * A `struct plugins` is a copy of the table of axes (policy_axes) to whose
 * choices those of each plug-in are added.  Whoever walks the choices of an axis
 * - the decoder, its messages, `zsim list`, `zsim explain` - takes the axis from
 * here and needs to know no more.  It is an object that is handed around, not a
 * global registry: two experiments of one process may see different plug-ins,
 * and after loading it is only read, by any number of threads.
 *
 * A plug-in is trusted code: what is checked is what an honest author gets
 * wrong, and a crash in its code is a crash of zsim. */
#ifndef ZSIM_EXPERIMENT_PLUGINS_H
#define ZSIM_EXPERIMENT_PLUGINS_H

#include <stdbool.h>
#include <stddef.h>

#include "policies/policy.h"
#include "sim/base/diagnostics.h"

/* A loaded file, as a result file names it. */
struct plugin_file {
    const char *path; /* as the user gave it */
    char xxh3[17];    /* XXH3-64 of the file's bytes, 16 hex digits */
};

struct plugins;

struct plugins *plugins_create(void);
/* Unloads the files: nothing that names one of their policies may be used after
 * it.  Accepts NULL. */
void plugins_free(struct plugins *plugins);

/* Load a shared object and add its policies.  False after adding to `errors`;
 * `plugins` is then only good for plugins_free(). */
bool plugins_load(struct plugins *plugins, const char *path, struct diagnostics *errors);

/* The following accept NULL, which stands for no plug-in. */

/* All axes with all their choices, ended by a row with name NULL. */
const struct policy_axis *plugins_axes(const struct plugins *plugins);
/* NULL when there is no such axis. */
const struct policy_axis *plugins_axis_find(const struct plugins *plugins, const char *axis);
/* The loaded files in the order of loading, ended by a row with path NULL. */
const struct plugin_file *plugins_files(const struct plugins *plugins);
/* The path of the plug-in that a policy comes from; NULL: it is built in. */
const char *plugins_path_of(const struct plugins *plugins, const struct policy *policy);

#endif

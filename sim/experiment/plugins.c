#include "sim/experiment/plugins.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "sim/base/crash.h"

#define PLUGIN_SYMBOL "zsim_plugin"

enum { AXES_AT_MOST = 64, READ_BYTES = 1 << 16 };

struct plugin {
    void *handle; /* of dlopen() */
    const struct plugin_policy *policies;
};

struct plugins {
    struct arena arena;
    struct policy_axis *axes;  /* those of policy_axes, with more choices */
    struct plugin *loaded;     /* [count] */
    struct plugin_file *files; /* [count + 1] */
    size_t count;
};

static size_t count_axes(void)
{
    size_t count = 0;
    while (policy_axes[count].name)
        count++;
    return count;
}

struct plugins *plugins_create(void)
{
    struct plugins *plugins = memory_zeroed(1, sizeof(*plugins), "plug-ins");
    size_t axes = count_axes() + 1;
    plugins->axes = arena_zeroed(&plugins->arena, axes * sizeof(*plugins->axes));
    memcpy(plugins->axes, policy_axes, axes * sizeof(*plugins->axes));
    plugins->files = memory_zeroed(1, sizeof(*plugins->files), "plug-ins");
    return plugins;
}

void plugins_free(struct plugins *plugins)
{
    if (!plugins)
        return;
    for (size_t i = plugins->count; i > 0; i--)
        dlclose(plugins->loaded[i - 1].handle);
    free(plugins->loaded);
    free(plugins->files);
    arena_release(&plugins->arena);
    free(plugins);
}

/* ---- looking up ---------------------------------------------------------- */

const struct policy_axis *plugins_axes(const struct plugins *plugins)
{
    return plugins ? plugins->axes : policy_axes;
}

const struct policy_axis *plugins_axis_find(const struct plugins *plugins, const char *axis)
{
    for (const struct policy_axis *at = plugins_axes(plugins); at->name; at++)
        if (strcmp(at->name, axis) == 0)
            return at;
    return NULL;
}

const struct plugin_file *plugins_files(const struct plugins *plugins)
{
    static const struct plugin_file none = {NULL, ""};
    return plugins ? plugins->files : &none;
}

const char *plugins_path_of(const struct plugins *plugins, const struct policy *policy)
{
    for (size_t i = 0; plugins && i < plugins->count; i++)
        for (const struct plugin_policy *at = plugins->loaded[i].policies; at->axis; at++)
            if (at->policy == policy)
                return plugins->files[i].path;
    return NULL;
}

/* ---- what an author gets wrong --------------------------------------------- */

/* One file on its way in. */
struct loading {
    struct plugins *plugins;
    const char *path;
    struct diagnostics *errors;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct loading *loading,
                                                         const char *format, ...)
{
    struct source_position position = {.file = loading->path};
    va_list arguments;
    char text[512];
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    diagnostics_add(loading->errors, &position, "%s", text);
    return false;
}

/* NULL, with a message, where there is no such axis. */
static const struct policy_axis *find_axis(const struct loading *loading, const char *axis)
{
    const struct policy_axis *found = plugins_axis_find(loading->plugins, axis);
    const char *names[AXES_AT_MOST];
    size_t count = 0;
    if (found)
        return found;
    for (; count < AXES_AT_MOST && policy_axes[count].name; count++)
        names[count] = policy_axes[count].name;
    const char *nearest = nearest_name(axis, names, count);
    if (nearest)
        refuse(loading, "unknown axis \"%s\"; did you mean \"%s\"?", axis, nearest);
    else
        refuse(loading, "unknown axis \"%s\" (zsim list)", axis);
    return NULL;
}

/* Names are keys of configs and words of the command line. */
static bool is_plain_name(const char *name)
{
    return name && *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool check_name(const struct loading *loading, const struct policy_axis *axis,
                       const struct policy *policy)
{
    if (!policy || !policy->name || !*policy->name)
        return refuse(loading, "a policy of the axis \"%s\" has no name", axis->name);
    if (!is_plain_name(policy->name))
        return refuse(loading,
                      "policy \"%s\": expected a name of small letters, digits and underscores",
                      policy->name);
    for (size_t i = 0; axis->choices[i]; i++) {
        if (strcmp(axis->choices[i]->name, policy->name) != 0)
            continue;
        const char *other = plugins_path_of(loading->plugins, axis->choices[i]);
        if (!other)
            return refuse(loading,
                          "policy \"%s\": the axis \"%s\" has a built-in policy of this "
                          "name",
                          policy->name, axis->name);
        return refuse(loading, "policy \"%s\": the axis \"%s\" has one of this name from %s",
                      policy->name, axis->name, other);
    }
    return true;
}

static size_t field_bytes(enum param_type type)
{
    switch (type) {
    case PARAM_BOOL:
        return sizeof(bool);
    case PARAM_COUNT:
    case PARAM_BYTES:
    case PARAM_TIME:
        return sizeof(uint64_t);
    case PARAM_REAL:
        return sizeof(double);
    case PARAM_STRING:
        return sizeof(const char *);
    case PARAM_ENUM:
        return sizeof(unsigned);
    }
    return 0;
}

/* NULL, or what is wrong with a row; `fields` takes its default. */
static const char *row_fault(const struct param_table *table, const struct param *row, void *fields)
{
    char expected[256];
    size_t bytes = field_bytes(row->type);
    if (!bytes)
        return "its type is none of enum param_type";
    if (row->offset > table->struct_bytes || table->struct_bytes - row->offset < bytes)
        return "its field lies outside of the parameter struct";
    if (row->type == PARAM_ENUM && (!row->choices || !row->choices[0]))
        return "its choices are missing";
    if (row->flags & PARAM_FROM_KERNEL)
        return "its default is to come from the kernel preset, which knows built-in policies only";
    if (row->initial && !params_set(row, fields, row->initial, expected, sizeof(expected)))
        return "its default is not a value that it accepts";
    return NULL;
}

static bool check_params(const struct loading *loading, const struct policy *policy)
{
    const struct param_table *table = &policy->params;
    if (table->count && (!table->rows || !table->struct_bytes))
        return refuse(loading, "policy \"%s\": its table of parameters is empty", policy->name);
    void *fields = memory_zeroed(1, table->struct_bytes + 1, "parameters");
    bool good = true;
    for (size_t i = 0; good && i < table->count; i++) {
        const struct param *row = &table->rows[i];
        /* "policy" is the key that names the policy itself. */
        bool named = is_plain_name(row->name) && strcmp(row->name, "policy") != 0;
        const char *fault = named ? row_fault(table, row, fields) : NULL;
        if (!named)
            good = refuse(loading,
                          "policy \"%s\": parameter %zu: expected a name of small letters, "
                          "digits and underscores that is not \"policy\"",
                          policy->name, i + 1);
        else if (fault)
            good = refuse(loading, "policy \"%s\": parameter \"%s\": %s", policy->name, row->name,
                          fault);
    }
    free(fields);
    return good;
}

static bool check_hooks(const struct loading *loading, const struct policy_axis *axis,
                        const struct policy *policy)
{
    if (!policy->hooks)
        return refuse(loading, "policy \"%s\": its hooks are missing", policy->name);
    const struct policy_hook *missing = policy_missing_hook(axis, policy);
    if (missing && missing->with)
        return refuse(loading, "policy \"%s\": the hook \"%s\" is missing, which \"%s\" requires",
                      policy->name, missing->name, missing->with);
    if (missing)
        return refuse(loading,
                      "policy \"%s\": the hook \"%s\" is missing, which the axis \"%s\" "
                      "requires",
                      policy->name, missing->name, axis->name);
    return true;
}

static bool check_policy(const struct loading *loading, const struct plugin_policy *entry)
{
    const struct policy_axis *axis = find_axis(loading, entry->axis);
    const struct policy *policy = entry->policy;
    if (!axis || !check_name(loading, axis, policy))
        return false;
    if (policy->interface_version != POLICY_INTERFACE_VERSION)
        return refuse(loading, "policy \"%s\": interface version %u found, %u expected",
                      policy->name, policy->interface_version, (unsigned)POLICY_INTERFACE_VERSION);
    if (!policy->summary)
        return refuse(loading, "policy \"%s\": its summary is missing", policy->name);
    return check_hooks(loading, axis, policy) && check_params(loading, policy);
}

/* ---- loading --------------------------------------------------------------- */

static void add_policy(struct plugins *plugins, const struct plugin_policy *entry)
{
    struct policy_axis *axis = plugins->axes;
    while (strcmp(axis->name, entry->axis) != 0)
        axis++;
    size_t count = 0;
    while (axis->choices[count])
        count++;
    const struct policy **choices =
        arena_zeroed(&plugins->arena, (count + 2) * sizeof(const struct policy *));
    memcpy(choices, axis->choices, count * sizeof(const struct policy *));
    choices[count] = entry->policy;
    axis->choices = choices;
}

/* dlerror()'s text without the path, which every message begins with. */
static const char *loader_error(const char *path)
{
    const char *text = dlerror();
    size_t length = strlen(path);
    if (!text)
        return "it cannot be loaded";
    if (strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0)
        return text + length + 2;
    return text;
}

static void *open_object(const struct loading *loading)
{
    struct stat status;
    /* Opening a FIFO would wait for ever. */
    if (stat(loading->path, &status) == 0 && !S_ISREG(status.st_mode)) {
        refuse(loading, "expected a shared object, found %s",
               S_ISDIR(status.st_mode) ? "a directory" : "something that is not a file");
        return NULL;
    }
    /* A name without a slash would be searched for in the system's library folders. */
    const char *path = strchr(loading->path, '/')
                           ? loading->path
                           : arena_printf(&loading->plugins->arena, "./%s", loading->path);
    /* Its constructors run in here. */
    crash_watch_plugins(2);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    crash_watch_plugins(1);
    if (!handle)
        refuse(loading, "cannot be loaded: %s", loader_error(path));
    return handle;
}

static bool hash_file(const struct loading *loading, char hash[17])
{
    FILE *file = fopen(loading->path, "rb");
    if (!file)
        return refuse(loading, "%s", strerror(errno));
    XXH3_state_t *state = memory_checked(XXH3_createState(), "a hash");
    char *buffer = memory_zeroed(1, READ_BYTES, "a plug-in");
    XXH3_64bits_reset(state);
    size_t bytes;
    while ((bytes = fread(buffer, 1, READ_BYTES, file)) > 0)
        XXH3_64bits_update(state, buffer, bytes);
    bool read = !ferror(file);
    snprintf(hash, 17, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(state));
    XXH3_freeState(state);
    free(buffer);
    fclose(file);
    return read || refuse(loading, "it cannot be read");
}

/* From here on plugins_free() unloads it. */
static void keep_file(const struct loading *loading, void *handle,
                      const struct plugin_policy *policies, const struct plugin_file *file)
{
    struct plugins *plugins = loading->plugins;
    size_t count = ++plugins->count;
    plugins->loaded = memory_resized(plugins->loaded, count, sizeof(*plugins->loaded), "plug-ins");
    plugins->files = memory_resized(plugins->files, count + 1, sizeof(*plugins->files), "plug-ins");
    plugins->loaded[count - 1] = (struct plugin){handle, policies};
    plugins->files[count - 1] = *file;
    plugins->files[count] = (struct plugin_file){NULL, ""};
}

static bool take_policies(const struct loading *loading, const struct plugin_policy *policies)
{
    bool good = true;
    for (const struct plugin_policy *entry = policies; entry->axis; entry++) {
        if (check_policy(loading, entry))
            add_policy(loading->plugins, entry);
        else
            good = false;
    }
    return good;
}

static bool take_plugin(const struct loading *loading, void *handle,
                        const struct policy_plugin **plugin)
{
    *plugin = dlsym(handle, PLUGIN_SYMBOL);
    if (!*plugin)
        return refuse(loading, "it exports no symbol \"" PLUGIN_SYMBOL "\"");
    /* Nothing else of it means anything when this differs. */
    if ((*plugin)->interface_version != POLICY_INTERFACE_VERSION)
        return refuse(loading, "interface version %u found, %u expected: build it again",
                      (*plugin)->interface_version, (unsigned)POLICY_INTERFACE_VERSION);
    if (!(*plugin)->policies || !(*plugin)->policies->axis)
        return refuse(loading, "it holds no policy");
    return true;
}

bool plugins_load(struct plugins *plugins, const char *path, struct diagnostics *errors)
{
    struct plugin_file file = {.path = arena_string(&plugins->arena, path, strlen(path))};
    struct loading loading = {plugins, file.path, errors};
    const struct policy_plugin *plugin;
    void *handle = open_object(&loading);
    if (!handle)
        return false;
    if (!take_plugin(&loading, handle, &plugin) || !hash_file(&loading, file.xxh3)) {
        dlclose(handle);
        return false;
    }
    keep_file(&loading, handle, plugin->policies, &file);
    return take_policies(&loading, plugin->policies);
}

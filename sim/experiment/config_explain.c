/* `zsim explain` and `zsim list`. */
#include <inttypes.h>
#include <string.h>

#include "sim/base/counters.h"
#include "sim/base/units.h"
#include "sim/base/wrap.h"
#include "sim/engine/costs_table.h"
#include "sim/experiment/config_fields.h"
#include "sim/experiment/config_reference.h"
#include "sim/experiment/metrics.h"

enum { NAMES_AT_MOST = 1024, LINE_WIDTH = 78 };

/* ---- words about a row --------------------------------------------------- */

static void add_range(const struct param *row, char *out, size_t size)
{
    char least[40], most[40];
    size_t used = strlen(out);
    if ((row->least == 0 && row->most == 0) || used >= size)
        return;
    if (row->type == PARAM_REAL || row->most >= 0x1p62) {
        snprintf(out + used, size - used,
                 row->most >= 0x1p62 ? ", at least %.15g" : ", %.15g to %.15g", row->least,
                 row->most);
        return;
    }
    if (row->type == PARAM_BYTES) {
        print_bytes(least, sizeof(least), (uint64_t)row->least);
        print_bytes(most, sizeof(most), (uint64_t)row->most);
    } else if (row->type == PARAM_TIME) {
        print_time(least, sizeof(least), (uint64_t)row->least);
        print_time(most, sizeof(most), (uint64_t)row->most);
    } else {
        snprintf(least, sizeof(least), "%.15g", row->least);
        snprintf(most, sizeof(most), "%.15g", row->most);
    }
    snprintf(out + used, size - used, ", %s to %s", least, most);
}

void describe_type(const struct param *row, char *out, size_t size)
{
    static const char *const types[] = {
        [PARAM_BOOL] = "true or false", [PARAM_COUNT] = "whole number", [PARAM_BYTES] = "size",
        [PARAM_TIME] = "time",          [PARAM_REAL] = "number",        [PARAM_STRING] = "text",
        [PARAM_ENUM] = "one of: "};
    const char *words[KEY_WORDS_AT_MOST];
    size_t count = config_key_words(row, words);
    size_t used = (size_t)snprintf(out, size, "%s", types[count ? PARAM_ENUM : row->type]);
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", words[i]);
    add_range(row, out, size);
    used = strlen(out);
    if ((row->flags & PARAM_WHOLE_PAGES) && used < size)
        used += (size_t)snprintf(out + used, size - used, ", a multiple of 4K");
    if ((row->flags & PARAM_OR_MAX) && used < size)
        snprintf(out + used, size - used, ", or \"max\"");
}

const char *describe_default(const struct param *row)
{
    if (row->flags & PARAM_REQUIRED)
        return "required";
    if (row->flags & PARAM_FROM_KERNEL)
        return "by kernel";
    if (!row->initial)
        return "none";
    return *row->initial ? row->initial : "\"\"";
}

/* ---- printing ------------------------------------------------------------ */

/* Words in lines of at most LINE_WIDTH, each indented. */
static void wrap(FILE *out, const char *text)
{
    enum { INDENT = 4 };
    int column = *text ? fprintf(out, "%*s", INDENT, "") : 0;
    wrap_words(out, text, column, false, INDENT, LINE_WIDTH);
    fputc('\n', out);
}

static void wrap_source(FILE *out, const char *source)
{
    char text[512];
    if (!source)
        return;
    size_t length = strlen(source);
    bool stopped = length && source[length - 1] == '.';
    snprintf(text, sizeof(text), "Source: %s%s", source, stopped ? "" : ".");
    wrap(out, text);
}

static void print_param(FILE *out, const char *prefix, const struct param *row, bool runtime)
{
    char type[256];
    describe_type(row, type, sizeof(type));
    fprintf(out, "%s%s%s  %s; default: %s%s\n", prefix, *prefix ? "." : "", row->name, type,
            describe_default(row), runtime ? "; an event may change it" : "");
    if (row->help)
        wrap(out, row->help);
    wrap_source(out, row->source);
}

/* `path`: of the plug-in that it comes from, or NULL */
static void print_policy(FILE *out, const struct policy_axis *axis, const struct policy *policy,
                         const char *path)
{
    fprintf(out, "%s  policy of the axis %s%s%s\n", policy->name, axis->name,
            path ? ", from the plug-in " : "", path ? path : "");
    wrap(out, policy->summary);
    wrap_source(out, policy->source);
    for (size_t i = 0; i < policy->params.count; i++)
        print_param(out, policy->name, &policy->params.rows[i], false);
}

static void print_axis(FILE *out, const char *key, const struct policy_axis *axis)
{
    fprintf(out, "%s  a policy of the axis %s; default: by kernel\n", key, axis->name);
    wrap(out, axis->question);
    for (size_t i = 0; axis->choices[i]; i++)
        fprintf(out, "    %-16s %s\n", axis->choices[i]->name, axis->choices[i]->summary);
}

static void print_preset_uses(FILE *out, const char *path)
{
    const char *last = NULL, *axis, *policy;
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++) {
        const char *value = kernel_preset_value(preset, path);
        if (!value || kernel_preset_missing(preset, &axis, &policy))
            continue;
        if (!last)
            fputs("    By kernel: ", out);
        if (!last || strcmp(last, value) != 0)
            fprintf(out, "%s%s from %s", last ? ", " : "", value, preset->name);
        last = value;
    }
    if (last)
        fputs("\n", out);
}

static void print_type(FILE *out, const char *kind, const char *name, const char *summary,
                       const struct param_table *table)
{
    fprintf(out, "%s  type of %s\n", name, kind);
    wrap(out, summary);
    for (size_t i = 0; i < table->count; i++)
        print_param(out, name, &table->rows[i], false);
}

/* ---- looking a name up --------------------------------------------------- */

/* One pass over everything that has a name: prints what matches `wanted`, and
 * keeps the names for suggestions. */
struct search {
    FILE *out;
    const char *wanted;
    const struct plugins *plugins;
    unsigned found;
    const char *names[NAMES_AT_MOST];
    size_t name_count;
    struct arena arena;
};

static bool matches(struct search *search, const char *name)
{
    if (search->name_count < NAMES_AT_MOST)
        search->names[search->name_count++] = name;
    if (strcmp(name, search->wanted) != 0)
        return false;
    if (search->found++)
        fputc('\n', search->out);
    return true;
}

/* "zswap" + "lru": asked for as either "zswap.lru" or "lru". */
static bool matches_in(struct search *search, const char *prefix, const char *name,
                       const char **path)
{
    *path = *prefix ? arena_printf(&search->arena, "%s.%s", prefix, name) : name;
    return matches(search, *path) || (*prefix && matches(search, name));
}

static void search_section(struct search *search, const struct config_section *section)
{
    const char *path;
    for (size_t i = 0; i < section->keys.count; i++) {
        const struct param *row = &section->keys.rows[i];
        if (matches_in(search, section->path, row->name, &path)) {
            print_param(search->out, section->path, row, config_key_is_runtime(section, row->name));
            print_preset_uses(search->out, path);
        }
    }
    for (const struct axis_key *key = section->axes; key && key->name; key++) {
        const struct policy_axis *axis = plugins_axis_find(search->plugins, key->axis);
        bool asked = matches_in(search, section->path, key->name, &path);
        if (!asked && strcmp(key->name, key->axis) != 0)
            asked = matches(search, key->axis);
        if (asked && axis) {
            print_axis(search->out, path, axis);
            print_preset_uses(search->out, path);
        }
    }
    for (const struct structured_key *key = section->structured; key && key->name; key++)
        if (matches_in(search, section->path, key->name, &path)) {
            fprintf(search->out, "%s  %s\n", path, key->form);
            wrap(search->out, key->help);
            if (key->example)
                fprintf(search->out, "    Example: %s\n", key->example);
        }
}

static void search_policies(struct search *search)
{
    const char *path;
    for (const struct policy_axis *axis = plugins_axes(search->plugins); axis->name; axis++)
        for (size_t i = 0; axis->choices[i]; i++) {
            const struct policy *policy = axis->choices[i];
            if (matches_in(search, axis->name, policy->name, &path))
                print_policy(search->out, axis, policy, plugins_path_of(search->plugins, policy));
            for (size_t row = 0; row < policy->params.count; row++)
                if (matches_in(search, policy->name, policy->params.rows[row].name, &path))
                    print_param(search->out, policy->name, &policy->params.rows[row], false);
        }
}

static void search_described(struct search *search, const struct counter_description *table,
                             size_t count, const char *kind)
{
    for (size_t i = 0; i < count; i++)
        if (matches(search, table[i].name)) {
            fprintf(search->out, "%s  %s in %s, from %s\n", table[i].name, kind, table[i].unit,
                    table[i].origin);
            wrap(search->out, table[i].meaning);
        }
}

/* What compare and figures know by name, but for the totals: those are counters and gauges. */
static void search_metrics(struct search *search)
{
    struct metric metric;
    for (unsigned i = 0; i < metric_count(); i++) {
        metric_describe(i, &metric);
        if (strcmp(metric.path[0], "totals") == 0)
            continue;
        if (!matches(search, arena_string(&search->arena, metric.name, strlen(metric.name))))
            continue;
        fprintf(search->out, "%s  metric in %s%s; %s is better\n", metric.name, metric.unit,
                metric.percentile ? ", a percentile within the run" : "",
                metric_direction_name(metric.direction));
        wrap(search->out, metric.meaning);
    }
}

static void search_costs(struct search *search)
{
    for (size_t i = 0; i < COSTS; i++)
        if (matches(search, cost_descriptions[i].name)) {
            const struct cost_source *cost = &costs_builtin[i];
            fprintf(search->out,
                    "%s  cost in ns; in the built-in table: %" PRIu64 " (%" PRIu64 " to %" PRIu64
                    ")\n",
                    cost_descriptions[i].name, cost->ns, cost->least, cost->most);
            wrap(search->out, cost_descriptions[i].meaning);
            wrap_source(search->out, cost->source);
        }
    for (size_t i = 0; i < TIME_KINDS; i++)
        if (matches(search, time_descriptions[i].name)) {
            fprintf(search->out, "%s  part of \"cost_ns\" in a result\n",
                    time_descriptions[i].name);
            wrap(search->out, time_descriptions[i].meaning);
        }
}

static void search_compressors(struct search *search)
{
    for (size_t i = 0; compressors[i].name; i++)
        if (matches(search, compressors[i].name)) {
            fprintf(search->out, "%s  compressor, by %s\n", compressors[i].name,
                    compressors[i].library);
            wrap_source(search->out, compressors[i].source);
            for (const struct codec_source *codec = codecs_builtin; codec->compressor; codec++)
                if (strcmp(codec->compressor, compressors[i].name) == 0)
                    fprintf(search->out,
                            "    Built-in cost: compress %" PRIu64 " ns + %" PRIu64
                            " ps a byte, decompress %" PRIu64 " ns + %" PRIu64 " ps a byte\n",
                            codec->cost.compress_ns, codec->cost.compress_ps_per_byte,
                            codec->cost.decompress_ns, codec->cost.decompress_ps_per_byte);
        }
}

static void search_kernels(struct search *search)
{
    const char *axis, *policy;
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++) {
        if (kernel_preset_missing(preset, &axis, &policy) || !matches(search, preset->name))
            continue;
        fprintf(search->out, "%s  kernel preset\n", preset->name);
        wrap(search->out, preset->summary);
        for (const struct kernel_setting *setting = preset->settings; setting->path; setting++)
            fprintf(search->out, "    %s = %s\n", setting->path, setting->value);
    }
}

static void search_types(struct search *search)
{
    for (size_t i = 0; workload_types[i]; i++)
        if (matches(search, workload_types[i]->name))
            print_type(search->out, "workload", workload_types[i]->name, workload_types[i]->summary,
                       &workload_types[i]->params);
    for (size_t i = 0; content_types[i]; i++)
        if (matches(search, content_types[i]->name))
            print_type(search->out, "content", content_types[i]->name, content_types[i]->summary,
                       &content_types[i]->params);
}

static void search_all(struct search *search)
{
    for (size_t i = 0; config_sections[i]; i++) {
        search_section(search, config_sections[i]);
        if (*config_sections[i]->path && matches(search, config_sections[i]->path)) {
            fprintf(search->out, "%s  section of a config\n", config_sections[i]->path);
            wrap(search->out, config_sections[i]->help);
        }
    }
    search_policies(search);
    search_costs(search);
    search_described(search, counter_descriptions, COUNTERS, "counter");
    search_described(search, gauge_descriptions, GAUGES, "gauge");
    search_metrics(search);
    search_kernels(search);
    search_compressors(search);
    search_types(search);
}

bool config_explain(FILE *out, const struct plugins *plugins, const char *name, char **nearest)
{
    struct search search = {.out = out, .wanted = name, .plugins = plugins};
    search_all(&search);
    const char *near = search.found ? NULL : nearest_name(name, search.names, search.name_count);
    *nearest = near ? memory_string(near) : NULL;
    arena_release(&search.arena);
    return search.found > 0;
}

void config_explain_names(FILE *out)
{
    struct search search = {.out = out, .wanted = ""}; /* nothing has this name */
    search_all(&search);
    for (size_t i = 0; i < search.name_count; i++)
        fprintf(out, "%s\n", search.names[i]);
    arena_release(&search.arena);
}

/* ---- lists --------------------------------------------------------------- */

static void list_workloads(FILE *out)
{
    for (size_t i = 0; workload_types[i]; i++)
        fprintf(out, "%-16s %s\n", workload_types[i]->name, workload_types[i]->summary);
}

static void list_contents(FILE *out)
{
    for (size_t i = 0; content_types[i]; i++)
        fprintf(out, "%-16s %s\n", content_types[i]->name, content_types[i]->summary);
}

static void list_compressors(FILE *out)
{
    for (size_t i = 0; compressors[i].name; i++)
        fprintf(out, "%-10s %s\n", compressors[i].name, compressors[i].library);
}

static void list_counters(FILE *out)
{
    for (size_t i = 0; i < COUNTERS; i++)
        fprintf(out, "%-28s %-10s %-20s %s\n", counter_descriptions[i].name,
                counter_descriptions[i].unit, counter_descriptions[i].origin,
                counter_descriptions[i].meaning);
    for (size_t i = 0; i < GAUGES; i++)
        fprintf(out, "%-28s %-10s %-20s %s\n", gauge_descriptions[i].name,
                gauge_descriptions[i].unit, gauge_descriptions[i].origin,
                gauge_descriptions[i].meaning);
}

static void list_metrics(FILE *out)
{
    struct metric metric;
    for (unsigned i = 0; i < metric_count(); i++) {
        metric_describe(i, &metric);
        fprintf(out, "%-31s %-15s %-7s %s\n", metric.name, metric.unit,
                metric_direction_name(metric.direction), metric.meaning);
    }
    fprintf(out, "%-31s %-15s %-7s %s\n", "cgroups./PATH.NAME", "", "",
            "a counter or gauge of one cgroup, such as cgroups./modest.pswpin");
}

static void list_costs(FILE *out)
{
    for (size_t i = 0; i < COSTS; i++)
        fprintf(out, "%-20s %8" PRIu64 " ns  %s\n", cost_descriptions[i].name, costs_builtin[i].ns,
                cost_descriptions[i].meaning);
}

static const struct {
    const char *name, *meaning;
    void (*print)(FILE *out);
} lists[] = {
    {"kernels", "presets for \"kernel\": their choice on every axis, and the rules of their era",
     config_kernels_print},
    {"workloads", "types of \"workload\"", list_workloads},
    {"contents", "types of \"content\"", list_contents},
    {"compressors", "values of zswap.compressor", list_compressors},
    {"counters", "what is counted, and levels at a moment", list_counters},
    {"metrics", "what compare and figures know by name: counters and levels, times, locks, ...",
     list_metrics},
    {"costs", "steps that take time, with the built-in table", list_costs},
};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static void list_axis(FILE *out, const struct policy_axis *axis)
{
    for (size_t i = 0; axis->choices[i]; i++)
        fprintf(out, "%-16s %s\n", axis->choices[i]->name, axis->choices[i]->summary);
}

static void list_all(FILE *out, const struct plugins *plugins)
{
    fputs("Lists, for `zsim list NAME`:\n", out);
    for (size_t i = 0; i < LISTS; i++)
        fprintf(out, "  %-17s %s\n", lists[i].name, lists[i].meaning);
    fputs("Axes of policy, for `zsim list NAME`:\n", out);
    for (const struct policy_axis *axis = plugins_axes(plugins); axis->name; axis++) {
        fprintf(out, "  %-17s %s:", axis->name, axis->question);
        for (size_t i = 0; axis->choices[i]; i++)
            fprintf(out, "%s %s", i ? "," : "", axis->choices[i]->name);
        fputc('\n', out);
    }
}

bool config_list(FILE *out, const struct plugins *plugins, const char *what, char **nearest)
{
    const char *names[64];
    size_t count = 0;
    *nearest = NULL;
    if (!what) {
        list_all(out, plugins);
        return true;
    }
    for (size_t i = 0; i < LISTS; i++) {
        if (strcmp(lists[i].name, what) == 0) {
            lists[i].print(out);
            return true;
        }
        names[count++] = lists[i].name;
    }
    for (const struct policy_axis *axis = plugins_axes(plugins); axis->name && count < 64; axis++) {
        if (strcmp(axis->name, what) == 0) {
            list_axis(out, axis);
            return true;
        }
        names[count++] = axis->name;
    }
    const char *near = nearest_name(what, names, count);
    *nearest = near ? memory_string(near) : NULL;
    return false;
}

void config_list_names(FILE *out)
{
    for (size_t i = 0; i < LISTS; i++)
        fprintf(out, "%s\n", lists[i].name);
    for (const struct policy_axis *axis = policy_axes; axis->name; axis++)
        fprintf(out, "%s\n", axis->name);
}

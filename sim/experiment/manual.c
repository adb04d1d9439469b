#include "sim/experiment/manual.h"

#include <string.h>

#include "sim/base/counters.h"
#include "sim/experiment/config_fields.h"
#include "sim/experiment/config_reference.h"
#include "sim/experiment/metrics.h"
#include "sim/experiment/summary.h"
#include "sim/experiment/version.h"

/* ---- mdoc ---------------------------------------------------------------- */

/* Text that is not markup: a backslash begins an escape, a period or an apostrophe
 * at the start of a line a macro.  A new sentence begins a new line. */
static void put_text(FILE *out, const char *text)
{
    bool starts_line = true;
    for (const char *at = text; *at; at++) {
        if (starts_line && *at == ' ')
            continue;
        if (starts_line && (*at == '.' || *at == '\''))
            fputs("\\&", out);
        starts_line = *at == ' ' && at > text && strchr(".?!", at[-1]);
        if (starts_line)
            fputc('\n', out);
        else if (*at == '\\')
            fputs("\\e", out);
        else
            fputc(*at, out);
    }
}

/* A line of text, with a period at its end. */
static void put_sentence(FILE *out, const char *text)
{
    size_t length = strlen(text);
    if (!length)
        return;
    put_text(out, text);
    fputs(text[length - 1] == '.' ? "\n" : ".\n", out);
}

/* A tag of a list; \& keeps a word that is also the name of a macro from being one. */
static void put_item(FILE *out, const char *macro, const char *prefix, const char *name)
{
    fprintf(out, ".It %s \\&%s%s%s\n", macro, prefix, *prefix ? "." : "", name);
}

static void begin_list(FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
}

static void end_list(FILE *out)
{
    fputs(".El\n", out);
}

static void begin_page(FILE *out, const char *title, const char *name, const char *about)
{
    fprintf(out,
            ".\\\" Printed by zsim from its tables.\n.Dd %s\n.Dt %s 5\n.Os zsim %s\n"
            ".Sh NAME\n.Nm %s\n.Nd %s\n.Sh DESCRIPTION\n",
            ZSIM_RELEASED, title, ZSIM_VERSION, name, about);
}

/* ---- zsim-config(5) ------------------------------------------------------- */

static void put_row(FILE *out, const char *prefix, const struct param *row, bool runtime)
{
    char type[256];
    describe_type(row, type, sizeof(type));
    put_item(out, "Va", prefix, row->name);
    fputs("\\&", out);
    put_text(out, type);
    fputs("; default: ", out);
    put_sentence(out, describe_default(row));
    put_sentence(out, row->help ? row->help : "");
    if (runtime)
        fputs("An event may change it.\n", out);
    if (row->source) {
        fputs("Source: ", out);
        put_sentence(out, row->source);
    }
}

static void put_axis_key(FILE *out, const struct plugins *plugins, const char *prefix,
                         const struct axis_key *key)
{
    const struct policy_axis *axis = plugins_axis_find(plugins, key->axis);
    put_item(out, "Va", prefix, key->name);
    fprintf(out, "a policy; default: by kernel.\nAxis %s: ", key->axis);
    put_text(out, axis->question);
    fputs("?\n", out);
    for (size_t i = 0; axis->choices[i]; i++)
        fprintf(out, "%s\\&%s%s", i ? ", " : "One of: ", axis->choices[i]->name,
                axis->choices[i + 1] ? "" : ".\n");
}

static void put_structured(FILE *out, const char *prefix, const struct structured_key *key)
{
    put_item(out, "Va", prefix, key->name);
    put_sentence(out, key->form);
    put_sentence(out, key->help);
    if (key->example) {
        fputs("Example:\n.Bd -literal -compact -offset indent\n", out);
        put_text(out, key->example);
        fputs("\n.Ed\n", out);
    }
}

static void put_section(FILE *out, const struct plugins *plugins,
                        const struct config_section *section)
{
    bool named = *section->path != '\0';
    fprintf(out, ".Ss %s%s\n", named ? "\\&" : "The document", section->path);
    if (named)
        put_sentence(out, section->help);
    begin_list(out);
    for (size_t i = 0; i < section->keys.count; i++)
        put_row(out, section->path, &section->keys.rows[i],
                config_key_is_runtime(section, section->keys.rows[i].name));
    for (const struct axis_key *key = section->axes; key && key->name; key++)
        put_axis_key(out, plugins, section->path, key);
    for (const struct structured_key *key = section->structured; key && key->name; key++)
        put_structured(out, section->path, key);
    end_list(out);
}

static void put_named(FILE *out, const char *name, const char *summary, const char *source,
                      const struct param_table *table)
{
    put_item(out, "Cm", "", name);
    put_sentence(out, summary);
    if (source) {
        fputs("Source: ", out);
        put_sentence(out, source);
    }
    if (!table->count)
        return;
    begin_list(out);
    for (size_t i = 0; i < table->count; i++)
        put_row(out, "", &table->rows[i], false);
    end_list(out);
}

static void put_policies(FILE *out, const struct plugins *plugins)
{
    fputs(".Sh POLICIES\nA choice on an axis is the name of a policy, or an object with its name "
          "and parameters:\n.Ql {\\(dqpolicy\\(dq: \\(dqNAME\\(dq, ...} .\n",
          out);
    for (const struct policy_axis *axis = plugins_axes(plugins); axis->name; axis++) {
        fprintf(out, ".Ss %s\n", axis->name);
        fputs("Decides ", out);
        put_sentence(out, axis->question);
        begin_list(out);
        for (size_t i = 0; axis->choices[i]; i++)
            put_named(out, axis->choices[i]->name, axis->choices[i]->summary,
                      axis->choices[i]->source, &axis->choices[i]->params);
        end_list(out);
    }
}

static void put_types(FILE *out)
{
    fputs(".Sh WORKLOADS\n", out);
    begin_list(out);
    for (size_t i = 0; workload_types[i]; i++)
        put_named(out, workload_types[i]->name, workload_types[i]->summary, NULL,
                  &workload_types[i]->params);
    end_list(out);
    fputs(".Sh CONTENTS\n", out);
    begin_list(out);
    for (size_t i = 0; content_types[i]; i++)
        put_named(out, content_types[i]->name, content_types[i]->summary, NULL,
                  &content_types[i]->params);
    end_list(out);
}

static void put_kernels(FILE *out)
{
    const char *axis, *policy;
    fputs(".Sh KERNELS\n", out);
    begin_list(out);
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++) {
        if (kernel_preset_missing(preset, &axis, &policy))
            continue;
        put_item(out, "Cm", "", preset->name);
        put_sentence(out, preset->summary);
    }
    end_list(out);
    fputs(".Ql zsim explain KERNEL\nprints what one sets.\n", out);
}

void manual_config_print(FILE *out, const struct plugins *plugins)
{
    begin_page(out, "ZSIM-CONFIG", "zsim-config", "config file of zsim");
    fputs("A config is JSON with\n.Ql //\nand\n.Ql /* */\ncomments.\n"
          "Sizes are written\n.Ql \\(dq64M\\(dq\n(powers of 1024), times\n.Ql \\(dq100us\\(dq .\n"
          "Everything that has a default may be left out; an unknown key is an error.\n"
          "\\(dqBy kernel\\(dq means that the preset named by\n.Va kernel\ndecides.\n"
          "File names are relative to the config file.\n.Sh KEYS\n",
          out);
    for (size_t i = 0; config_sections[i]; i++)
        put_section(out, plugins, config_sections[i]);
    put_policies(out, plugins);
    put_types(out);
    put_kernels(out);
    fputs(".Sh SEE ALSO\n.Xr zsim 1 ,\n.Xr zsim-metrics 5\n", out);
}

/* ---- zsim-metrics(5) ------------------------------------------------------ */

/* Where the kernel shows a total; NULL for what is not one. */
static const char *origin_of(const struct metric *metric)
{
    for (size_t i = 0; i < COUNTERS; i++)
        if (strcmp(counter_descriptions[i].name, metric->name) == 0)
            return counter_descriptions[i].origin;
    for (size_t i = 0; i < GAUGES; i++)
        if (strcmp(gauge_descriptions[i].name, metric->name) == 0)
            return gauge_descriptions[i].origin;
    return NULL;
}

static const struct {
    const char *object; /* of a run in a result file; NULL: all that have none of the others */
    const char *title, *about;
} groups[] = {
    {"totals", "COUNTERS AND GAUGES",
     "Counters are since the start of the run, gauges at its end; both under \"totals\""},
    {"cost_ns", "TIME", "Where time went, over all processors and tasks"},
    {"locks", "LOCKS",
     "Over all locks of a kind and all processors. Contention is simulated: a lock is a server, "
     "and its cache line moves to who takes it"},
    {"histograms", "LATENCY",
     "Of histograms with at most 1/32 relative error: the time from a fault to the task's next "
     "instruction, and that of making room for a store"},
    {NULL, "MACHINE", "Null in a result where a value is undefined"},
};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

static unsigned group_of(const struct metric *metric)
{
    unsigned group = 0;
    while (group + 1 < GROUPS && strcmp(groups[group].object, metric->path[0]) != 0)
        group++;
    return group;
}

static void put_metric(FILE *out, const struct metric *metric)
{
    const char *origin = origin_of(metric);
    put_item(out, "Va", "", metric->name);
    fprintf(out, "%s%s%s", metric->unit, origin ? "; " : "", origin ? origin : "");
    if (metric->direction != NEITHER_IS_BETTER)
        fprintf(out, "; %s is better", metric_direction_name(metric->direction));
    fputs(".\n", out);
    put_sentence(out, metric->meaning);
}

static void put_group(FILE *out, unsigned group)
{
    struct metric metric;
    fprintf(out, ".Sh %s\n", groups[group].title);
    put_sentence(out, groups[group].about);
    begin_list(out);
    for (unsigned i = 0; i < metric_count(); i++) {
        metric_describe(i, &metric);
        if (group_of(&metric) == group)
            put_metric(out, &metric);
    }
    end_list(out);
}

static void put_summary_rows(FILE *out)
{
    const char *label, *metric;
    fputs(".Sh TABLE OF A RUN\nIts rows, but for those that are named like their metric:\n", out);
    begin_list(out);
    for (unsigned row = 0; summary_row_describe(row, &label, &metric); row++) {
        put_item(out, "Sy", "", label);
        fprintf(out, ".Va %s\n", metric);
    }
    end_list(out);
}

void manual_metrics_print(FILE *out)
{
    begin_page(out, "ZSIM-METRICS", "zsim-metrics", "what zsim counts and measures");
    fputs("What the kernel counts has the kernel's name and unit.\n"
          "After the unit stands where the kernel shows it (vmstat:\n.Pa /proc/vmstat ;\nzswap:\n"
          ".Pa /sys/kernel/debug/zswap ;\nzram:\n.Pa /sys/block/zram0 ,\nall devices together; the "
          "others: files of a cgroup), or \\(dqzsim\\(dq for what no kernel shows.\n"
          "The names are those that\n.Ql zsim compare --metric\ntakes;\nthose of one cgroup are\n"
          ".Ql cgroups./PATH.NAME ,\nsuch as\n.Ql cgroups./modest.pswpin .\n",
          out);
    for (unsigned group = 0; group < GROUPS; group++)
        put_group(out, group);
    put_summary_rows(out);
    fputs(".Sh SEE ALSO\n.Xr zsim 1 ,\n.Xr zsim-config 5\n", out);
}

/* docs/config.md, from the tables of keys, policies and types. */
#include <string.h>

#include "sim/experiment/config_fields.h"
#include "sim/experiment/config_reference.h"

/* A table cell: a bar would end it. */
static void cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void sentence(FILE *out, const char *text)
{
    size_t length = strlen(text);
    cell(out, text);
    if (length && text[length - 1] != '.')
        fputc('.', out);
}

static void print_source(FILE *out, const char *source)
{
    if (!source)
        return;
    fputs(" *Source: ", out);
    sentence(out, source);
    fputc('*', out);
}

static void print_row(FILE *out, const struct param *row, bool runtime)
{
    char type[256];
    const char *value = describe_default(row);
    bool word = row->initial && !(row->flags & (PARAM_REQUIRED | PARAM_FROM_KERNEL));
    describe_type(row, type, sizeof(type));
    fprintf(out, "| `%s` | ", row->name);
    cell(out, type);
    fprintf(out, word ? " | `%s` | " : " | %s | ", value);
    sentence(out, row->help ? row->help : "");
    print_source(out, row->source);
    fprintf(out, "%s |\n", runtime ? " An event may change it." : "");
}

static void print_table(FILE *out, const struct param_table *table,
                        const struct config_section *section)
{
    if (!table->count)
        return;
    fputs("| key | value | default | meaning |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < table->count; i++)
        print_row(out, &table->rows[i],
                  section && config_key_is_runtime(section, table->rows[i].name));
    fputc('\n', out);
}

static void print_section(FILE *out, const struct plugins *plugins,
                          const struct config_section *section)
{
    fprintf(out, "## %s%s%s\n\n%s\n\n", *section->path ? "`" : "",
            *section->path ? section->path : "The document", *section->path ? "`" : "",
            section->help);
    print_table(out, &section->keys, section);
    if (section->axes) {
        fputs("| key | axis | question |\n|---|---|---|\n", out);
        for (const struct axis_key *key = section->axes; key->name; key++) {
            const struct policy_axis *axis = plugins_axis_find(plugins, key->axis);
            fprintf(out, "| `%s` | %s | %s |\n", key->name, key->axis, axis ? axis->question : "");
        }
        fputs("\nA choice on an axis is the name of a policy, or an object with its name and "
              "parameters: `{\"policy\": \"NAME\", ...}`. Default: by kernel.\n\n",
              out);
    }
    if (section->structured) {
        fputs("| key | form | meaning |\n|---|---|---|\n", out);
        for (const struct structured_key *key = section->structured; key->name; key++) {
            fprintf(out, "| `%s` | ", key->name);
            if (key->example)
                fprintf(out, "`%s`", key->example);
            else
                fputs(key->form, out);
            fputs(" | ", out);
            cell(out, key->help);
            fputs(" |\n", out);
        }
        fputc('\n', out);
    }
}

static void print_policies(FILE *out, const struct plugins *plugins)
{
    fputs("## Policies\n\n", out);
    for (const struct policy_axis *axis = plugins_axes(plugins); axis->name; axis++) {
        fprintf(out, "### Axis `%s`: %s?\n\n", axis->name, axis->question);
        for (size_t i = 0; axis->choices[i]; i++) {
            const struct policy *policy = axis->choices[i];
            fprintf(out, "**`%s`** - %s.", policy->name, policy->summary);
            print_source(out, policy->source);
            fputs("\n\n", out);
            print_table(out, &policy->params, NULL);
        }
    }
}

static void print_types(FILE *out)
{
    fputs("## Workloads\n\n", out);
    for (size_t i = 0; workload_types[i]; i++) {
        fprintf(out, "**`%s`** - %s.\n\n", workload_types[i]->name, workload_types[i]->summary);
        print_table(out, &workload_types[i]->params, NULL);
    }
    fputs("## Contents\n\n", out);
    for (size_t i = 0; content_types[i]; i++) {
        fprintf(out, "**`%s`** - %s.\n\n", content_types[i]->name, content_types[i]->summary);
        print_table(out, &content_types[i]->params, NULL);
    }
}

static bool differs(const struct kernel_preset *a, const struct kernel_preset *b, const char *path)
{
    const char *before = kernel_preset_value(a, path), *after = kernel_preset_value(b, path);
    return !before || !after || strcmp(before, after) != 0;
}

/* Each kernel by what it changes against the one before it. */
static void print_kernels(FILE *out)
{
    const struct kernel_preset *before = NULL;
    const char *axis, *policy;
    fputs("## Kernels\n\nWhat each preset sets that the one above it does not.\n\n", out);
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++) {
        if (kernel_preset_missing(preset, &axis, &policy))
            continue;
        fprintf(out, "**`%s`** - %s.\n\n", preset->name, preset->summary);
        bool any = false;
        for (const struct kernel_setting *setting = preset->settings; setting->path; setting++)
            if (!before || differs(before, preset, setting->path)) {
                fprintf(out, "- `%s`: `%s`\n", setting->path, setting->value);
                any = true;
            }
        fputs(any ? "\n" : "- nothing\n\n", out);
        before = preset;
    }
}

void config_markdown(FILE *out, const struct plugins *plugins)
{
    fputs("# The config file\n\n"
          "Written by `zsim schema --markdown`; do not edit.\n\n"
          "A config is JSON with `//` and `/* */` comments. Sizes are written `\"64M\"` (powers of "
          "1024), times `\"100us\"`. Everything that has a default may be left out; an unknown "
          "key is an error. *By kernel* means that the preset named by `kernel` decides. File "
          "names are relative to the config file. `zsim explain NAME` shows the same from the "
          "command line.\n\n",
          out);
    for (size_t i = 0; config_sections[i]; i++)
        print_section(out, plugins, config_sections[i]);
    print_policies(out, plugins);
    print_types(out);
    print_kernels(out);
}

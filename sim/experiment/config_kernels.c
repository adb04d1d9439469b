/* `zsim list kernels`: the presets as tables, a line a kernel. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/experiment/config_fields.h"
#include "sim/experiment/config_reference.h"

enum { WIDTH_AT_MOST = 160, COLUMNS_AT_MOST = 64, CELL_BYTES = 64 };

/* A key that presets set: an axis, or a rule of the era. */
struct column {
    char path[128];
    const char *title;
    bool axis;
    int width;
};

/* The first number that the preset gives a policy's parameter, such as a budget. */
static const char *first_number(const struct kernel_preset *preset, const char *path,
                                const char *policy)
{
    char prefix[192];
    size_t length = (size_t)snprintf(prefix, sizeof(prefix), "%s.%s.", path, policy);
    for (const struct kernel_setting *setting = preset->settings; setting->path; setting++)
        if (strncmp(setting->path, prefix, length) == 0 &&
            strspn(setting->value, "0123456789") == strlen(setting->value))
            return setting->value;
    return NULL;
}

static void print_cell(const struct kernel_preset *preset, const struct column *column,
                       char cell[CELL_BYTES])
{
    const char *value = kernel_preset_value(preset, column->path);
    const char *number = value && column->axis ? first_number(preset, column->path, value) : NULL;
    snprintf(cell, CELL_BYTES, "%s%s%s", value ? value : "-", number ? ":" : "",
             number ? number : "");
}

static void add_column(struct column *columns, size_t *count, const char *section, const char *key,
                       bool axis)
{
    char cell[CELL_BYTES];
    struct column *column = &columns[*count];
    if (*count == COLUMNS_AT_MOST)
        return;
    snprintf(column->path, sizeof(column->path), "%s.%s", section, key);
    column->title = key;
    column->axis = axis;
    column->width = (int)strlen(key);
    bool is_set = false;
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++) {
        is_set |= kernel_preset_value(preset, column->path) != NULL;
        print_cell(preset, column, cell);
        if ((int)strlen(cell) > column->width)
            column->width = (int)strlen(cell);
    }
    *count += is_set;
}

static size_t collect(struct column *columns)
{
    size_t count = 0;
    for (size_t i = 0; config_sections[i]; i++)
        for (const struct axis_key *key = config_sections[i]->axes; key && key->name; key++)
            add_column(columns, &count, config_sections[i]->path, key->name, true);
    for (size_t i = 0; config_sections[i]; i++) {
        const struct param_table *keys = &config_sections[i]->keys;
        for (size_t row = 0; row < keys->count; row++)
            if (keys->rows[row].flags & PARAM_FROM_KERNEL)
                add_column(columns, &count, config_sections[i]->path, keys->rows[row].name, false);
    }
    return count;
}

/* One line: a cell for each column, without blanks at the end. */
static void print_line(FILE *out, int name_width, const struct kernel_preset *preset,
                       const struct column *columns, size_t count)
{
    char cell[CELL_BYTES];
    fprintf(out, "%-*s", name_width, preset ? preset->name : "kernel");
    for (size_t i = 0; i < count; i++) {
        if (preset)
            print_cell(preset, &columns[i], cell);
        bool last = i + 1 == count;
        fprintf(out, "  %-*s", last ? 0 : columns[i].width, preset ? cell : columns[i].title);
    }
    fputc('\n', out);
}

/* As many columns as fit: first the axes, then the rules of the era. */
static size_t columns_that_fit(const struct column *columns, size_t count, int name_width)
{
    int width = name_width;
    size_t fit = 0;
    while (fit < count && columns[fit].axis == columns[0].axis) {
        width += 2 + columns[fit].width;
        if (fit > 0 && width > WIDTH_AT_MOST)
            break;
        fit++;
    }
    return fit;
}

void config_kernels_print(FILE *out)
{
    struct column *columns = memory_zeroed(COLUMNS_AT_MOST, sizeof(*columns), "a table");
    size_t count = collect(columns);
    int name_width = 6;
    const char *axis, *policy;
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++)
        if ((int)strlen(preset->name) > name_width)
            name_width = (int)strlen(preset->name);
    for (size_t at = 0, fit; at < count; at += fit) {
        fit = columns_that_fit(&columns[at], count - at, name_width);
        if (at > 0)
            fputc('\n', out);
        print_line(out, name_width, NULL, &columns[at], fit);
        for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++)
            if (!kernel_preset_missing(preset, &axis, &policy))
                print_line(out, name_width, preset, &columns[at], fit);
    }
    free(columns);
}

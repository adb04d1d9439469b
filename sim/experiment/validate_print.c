/* What `zsim validate` prints: tables, JSON, data for the figures. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/validate.h"

/* ---- sums over rows --------------------------------------------------------------- */

struct summary {
    uint32_t rows, agree;
    double worst;
    const char *worst_counter, *worst_case;
};

static void summarize(const struct kernel_case *at, struct summary *summary)
{
    for (uint32_t i = 0; i < at->row_count; i++) {
        const struct validate_row *row = &at->rows[i];
        if (row->agreement == AGREE_NOT)
            continue;
        summary->rows++;
        summary->agree += row->agrees;
        if (row->error > summary->worst) {
            summary->worst = row->error;
            summary->worst_counter = row->counter;
            summary->worst_case = at->name;
        }
    }
}

/* ---- tables ------------------------------------------------------------------------- */

/* Whole numbers as such, others with the digits that tell them apart. */
static const char *number(double value, char out[32])
{
    if (value == (double)(int64_t)value)
        snprintf(out, 32, "%" PRId64, (int64_t)value);
    else
        snprintf(out, 32, "%.4g", value);
    return out;
}

static const char *verdict(const struct validate_row *row)
{
    if (row->agreement == AGREE_NOT)
        return "-";
    return row->agrees ? "ok" : "OFF";
}

static void print_case(const struct kernel_case *at, bool all_rows)
{
    char min[32], med[32], max[32], zsim[32];
    printf("%s%s%s\n", at->name,
           at->run            ? " (with its own rate of worker runs)"
           : at->pool_limited ? " (pool limit hit: judged by range)"
                              : "",
           at->runs > 1 ? " (medians of 5 runs of zsim)" : "");
    if (at->stand_in)
        printf("  there is no preset of its kernel: replayed under %s, the newest before it\n",
               at->stand_in);
    printf("  %-36s %12s %12s %12s %12s %9s\n", "counter", "kernel min", "median", "max", "zsim",
           "error");
    for (uint32_t i = 0; i < at->row_count; i++) {
        const struct validate_row *row = &at->rows[i];
        if (!all_rows && row->agrees && strchr(row->counter, '.'))
            continue;
        printf("  %-36s %12s %12s %12s %12s %8.2f%% %s\n", row->counter,
               number(row->kernel.min, min), number(row->kernel.med, med),
               number(row->kernel.max, max), number(row->zsim, zsim), 100 * row->error,
               verdict(row));
    }
}

static void print_summary(const char *name, const struct summary *summary, bool with_case)
{
    printf("%-32s %4u of %4u agree", name, summary->agree, summary->rows);
    if (summary->worst_counter)
        printf(", largest error %.2f %% (%s%s%s)", 100 * summary->worst,
               with_case ? summary->worst_case : "", with_case ? ": " : "", summary->worst_counter);
    putchar('\n');
}

void validate_print_tables(struct kernel_case *const *cases, int count, bool all_rows)
{
    struct summary overall = {0};
    for (int i = 0; i < count; i++) {
        print_case(cases[i], all_rows);
        putchar('\n');
    }
    for (int i = 0; i < count; i++) {
        struct summary summary = {0};
        summarize(cases[i], &summary);
        summarize(cases[i], &overall);
        print_summary(cases[i]->name, &summary, false);
    }
    print_summary("all", &overall, true);
}

void validate_warn_of_killed(struct kernel_case *const *cases, int count)
{
    for (int i = 0; i < count; i++)
        if (cases[i]->killed_runs)
            fprintf(
                stderr,
                "zsim: warning: %s: a process was OOM-killed in %u of %u runs of zsim, where its "
                "counters end\n",
                cases[i]->name, cases[i]->killed_runs, cases[i]->runs);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void add_number(cJSON *object, const char *key, double value)
{
    if (value >= 0 && value == (double)(uint64_t)value)
        json_add_integer(object, key, (uint64_t)value);
    else
        json_add_real(object, key, value);
}

static cJSON *row_json(const struct validate_row *row)
{
    cJSON *object = json_object(), *kernel = json_object();
    json_add_string(object, "counter", row->counter);
    json_add(object, "kernel", kernel);
    add_number(kernel, "min", row->kernel.min);
    add_number(kernel, "med", row->kernel.med);
    add_number(kernel, "max", row->kernel.max);
    add_number(object, "zsim", row->zsim);
    json_add_real(object, "error", row->error);
    if (row->agreement != AGREE_NOT)
        json_add_bool(object, "agrees", row->agrees);
    return object;
}

char *validate_print_json(struct kernel_case *const *cases, int count)
{
    cJSON *document = json_object();
    for (int i = 0; i < count; i++) {
        cJSON *rows = json_array();
        cJSON_AddItemToObject(document, cases[i]->name, rows);
        for (uint32_t r = 0; r < cases[i]->row_count; r++)
            json_add_to_array(rows, row_json(&cases[i]->rows[r]));
    }
    char *text = json_print(document);
    cJSON_Delete(document);
    return text;
}

/* ---- data for the figures ------------------------------------------------------------------- */

static bool write_stream(const char *directory, const char *name, char *text, size_t length,
                         struct diagnostics *errors)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    bool good = file_write_whole(path, text, length, errors);
    free(text);
    return good;
}

static bool write_points(struct kernel_case *const *cases, int count, const char *directory,
                         struct diagnostics *errors)
{
    char *text;
    size_t length;
    FILE *out = memory_stream_open(&text, &length);
    fputs("# case\tcounter\tmin\tmedian\tmax\tzsim\terror\tagrees\tkind\n", out);
    for (int i = 0; i < count; i++)
        for (uint32_t r = 0; r < cases[i]->row_count; r++) {
            const struct validate_row *row = &cases[i]->rows[r];
            fprintf(out, "%s\t%s\t%.10g\t%.10g\t%.10g\t%.10g\t%.6f\t%s\t%s\n", cases[i]->name,
                    row->counter, row->kernel.min, row->kernel.med, row->kernel.max, row->zsim,
                    row->error, verdict(row), cases[i]->pool_limited ? "limited" : "exact");
        }
    memory_stream_close(out);
    return write_stream(directory, "points.tsv", text, length, errors);
}

/* Column of a named key in the case's sampled rows, or -1. */
static int column(const struct config_node *keys, const char *name)
{
    int i = 0;
    for (const struct config_node *key = keys->first; key; key = key->next, i++)
        if (key->kind == CONFIG_STRING && strcmp(key->text, name) == 0)
            return i;
    return -1;
}

static double cell(const struct config_node *row, int at)
{
    const struct config_node *value = row->first;
    while (value && at-- > 0)
        value = value->next;
    return value && value->text ? strtod(value->text, NULL) : 0;
}

static bool write_series(const struct kernel_case *at, const char *directory,
                         struct diagnostics *errors)
{
    const struct config_node *samples = config_tree_member(at->tree, "samples_of_median_run");
    const struct config_node *keys = samples ? config_tree_member(samples, "keys") : NULL;
    const struct config_node *rows = samples ? config_tree_member(samples, "rows") : NULL;
    if (!keys || !rows)
        return true;
    char name[512], *text;
    size_t length;
    FILE *out = memory_stream_open(&text, &length);
    int records = column(keys, "at"), stored = column(keys, "stored_pages"),
        pool = column(keys, "pool_pages"), usage = column(keys, "usage_pages");
    fputs("# accesses\tkernel: resident\tzswap\tdisk\tpool\tzsim: resident\tzswap\tdisk\tpool\n",
          out);
    uint32_t i = 0;
    for (const struct config_node *row = rows->first; row; row = row->next) {
        uint64_t record = (uint64_t)cell(row, records);
        while (i < at->result.series_count && at->result.series[i].accesses < record)
            i++;
        if (i == at->result.series_count)
            break;
        const struct counters_at *zsim = &at->result.series[i].at;
        /* Every page touched so far is in one place; frees aside. */
        double touched = (double)zsim->counters[COUNTER_first_touch] -
                         (double)zsim->counters[COUNTER_pages_freed];
        double disk = touched - cell(row, usage) - cell(row, stored);
        fprintf(out,
                "%" PRIu64 "\t%.0f\t%.0f\t%.0f\t%.0f\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                "\t%" PRIu64 "\n",
                record, cell(row, usage), cell(row, stored), disk > 0 ? disk : 0, cell(row, pool),
                zsim->gauges[GAUGE_resident_pages], zsim->gauges[GAUGE_stored_pages],
                zsim->gauges[GAUGE_disk_pages] + zsim->gauges[GAUGE_zero_pages],
                zsim->gauges[GAUGE_pool_total_size] / PAGE_BYTES);
    }
    memory_stream_close(out);
    snprintf(name, sizeof(name), "%s-series.tsv", at->name);
    return write_stream(directory, name, text, length, errors);
}

bool validate_write_data(struct kernel_case *const *cases, int count, const char *directory,
                         struct diagnostics *errors)
{
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        struct source_position position = {.file = directory};
        diagnostics_add(errors, &position, "cannot make this directory: %s", strerror(errno));
        return false;
    }
    bool good = write_points(cases, count, directory, errors);
    for (int i = 0; i < count; i++)
        good = write_series(cases[i], directory, errors) && good;
    return good;
}

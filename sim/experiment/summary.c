#include "sim/experiment/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"
#include "sim/base/wrap.h"

/* The rows, and what they are called. */
static const struct summary_row {
    const char *metric, *label;
} rows[] = {
    {"end_ns", "simulated time"},
    {"pgmajfault", "major faults"},
    {"zswpin", "zswap loads"},
    {"pswpin", "disk reads (pages)"},
    {"bound.disk_reads", "disk reads, least possible"},
    {"bound.disk_reads_ppm", "  disk reads done, of that"},
    {"bound.fault_ns", "fault time, least possible"},
    {"bound.fault_ns_ppm", "  fault time spent, of that"},
    {"pswpout", "disk writes (pages)"},
    {"zswpwb", "of these: zswap writeback"},
    {"zswpout", "zswap stores"},
    {"refused_stores", "refused stores"},
    {"workingset_refault_anon", "refaults"},
    {"pool_total_size", "zswap pool size, end"},
    {"stored_pages", "pages in zswap, end"},
    {"fault_latency_ns.major.p99", "p99 of a major fault"},
    {"time.real_ns", "real"},
    {"time.user_ns", "user"},
    {"time.sys_ns", "sys"},
    {"psi.some_us", "PSI memory some"},
    {"inversion.time_average_ppm", "LRU inversion, mean (ppm)"},
    {"oom_kill", "OOM kills"},
};
enum {
    ROWS = sizeof(rows) / sizeof(rows[0]),
    LABEL_WIDTH = 27,
    VALUE_WIDTH = 11,
    CHANGE_WIDTH = 12
};
/* Up to this many variants side by side, 27 + 11 + 2 * (2 + 11 + 12) = 88
 * columns a block; more of them as one line each. */
enum { OTHERS_IN_A_BLOCK = 2, COLUMN_GAP = 2, VARIANTS_IN_BLOCKS = 7 };

/* Columns of the table with one line a variant: 24 + 4 * (10 + 9) = 100. */
static const struct summary_row narrow_columns[] = {
    {"end_ns", "simulated time"},
    {"pgmajfault", "major faults"},
    {"pswpin", "disk reads"},
    {"zswpwb", "zswap writeback"},
};
enum { NARROW_COLUMNS = 4, NARROW_NAME = 24, NARROW_VALUE = 10, NARROW_CHANGE = 9 };

bool summary_row_describe(unsigned row, const char **label, const char **metric)
{
    if (row >= ROWS)
        return false;
    *label = rows[row].label + strspn(rows[row].label, " ");
    *metric = rows[row].metric;
    return true;
}

struct scale {
    double step;
    const char *suffixes[5];
};

static void print_scaled(char *out, size_t size, double value, const struct scale *scale)
{
    unsigned at = 0;
    while (at + 1 < 5 && scale->suffixes[at + 1] && fabs(value) >= scale->step) {
        value /= scale->step;
        at++;
    }
    bool whole = at == 0 && value == floor(value);
    snprintf(out, size, whole ? "%.0f %s" : "%.2f %s", value, scale->suffixes[at]);
}

void print_quantity(char *out, size_t size, double value, const char *unit)
{
    static const struct scale bytes = {1024, {"B", "KiB", "MiB", "GiB", "TiB"}};
    static const struct scale ns = {1000, {"ns", "us", "ms", "s", NULL}};
    static const struct scale us = {1000, {"us", "ms", "s", NULL, NULL}};
    if (!isfinite(value))
        snprintf(out, size, "-");
    else if (strcmp(unit, "bytes") == 0)
        print_scaled(out, size, value, &bytes);
    else if (strcmp(unit, "ns") == 0)
        print_scaled(out, size, value, &ns);
    else if (strcmp(unit, "us") == 0)
        print_scaled(out, size, value, &us);
    else if (fabs(value) >= 1e12)
        snprintf(out, size, "%.2f T", value / 1e12);
    else if (fabs(value) >= 1e9)
        snprintf(out, size, "%.2f G", value / 1e9);
    else if (fabs(value) >= 1e7)
        snprintf(out, size, "%.2f M", value / 1e6);
    else
        snprintf(out, size, value == floor(value) ? "%.0f" : "%.1f", value);
}

/* "+12.3 %", "=", "from 0"; "?" behind it when the interval includes no change, "!" when a task
 * was killed on one side alone. */
static void print_change(char *out, size_t size, const struct paired_difference *paired,
                         bool killed)
{
    double percent = statistics_percent(paired, paired->mean_difference);
    bool open = paired->ci95_low <= 0 && paired->ci95_high >= 0;
    const char *mark = killed ? "!" : open ? "?" : "";
    if (paired->n == 0)
        snprintf(out, size, "-");
    else if (paired->mean_difference == 0 && paired->ci95_low == paired->ci95_high)
        snprintf(out, size, "=");
    else if (!isfinite(percent))
        snprintf(out, size, "from 0%s", mark);
    else if (fabs(percent) >= 10000)
        snprintf(out, size, "x %.3g%s", paired->new_mean / paired->base_mean, mark);
    else
        snprintf(out, size, "%+.1f %%%s", percent, mark);
}

/* How many were killed is a change like any other. */
static bool is_of_unlike_work(const struct result_source *source, uint32_t variant, uint32_t base,
                              unsigned index)
{
    return index != metric_of_counter(COUNTER_oom_kill) &&
           result_killed_on_one_side(source, variant, base);
}

/* Against the first variant of the same workload; one that is that itself has "base". */
static void print_change_of(char *out, size_t size, const struct result_source *source,
                            uint32_t variant, unsigned index)
{
    uint32_t base = result_base_of(source, variant);
    bool same_inputs;
    if (base == variant) {
        snprintf(out, size, "base");
        return;
    }
    struct paired_difference paired = result_paired(source, variant, base, index, &same_inputs);
    print_change(out, size, &paired, is_of_unlike_work(source, variant, base, index));
}

static void print_padded(FILE *out, const char *text, int width)
{
    fprintf(out, "%*s", width, text);
}

static void print_mean(FILE *out, const struct result_source *source, uint32_t variant,
                       unsigned index, const char *unit, double *values)
{
    char text[32];
    uint32_t n = result_values(source, variant, index, values);
    double mean = statistics_summary(values, n).mean;
    if (strcmp(unit, "%") == 0 && isfinite(mean))
        snprintf(text, sizeof(text), "%.1f %%", mean / 10000);
    else
        print_quantity(text, sizeof(text), mean, unit);
    print_padded(out, text, VALUE_WIDTH);
}

static bool row_is_empty(const struct result_source *source, unsigned index, double *values)
{
    for (uint32_t v = 0; v < source->variant_count; v++) {
        uint32_t n = result_values(source, v, index, values);
        for (uint32_t i = 0; i < n; i++)
            if (values[i] != 0)
                return false;
    }
    return true;
}

/* Returns whether a change was marked as open. */
static bool print_row(FILE *out, const struct result_source *source, const struct summary_row *row,
                      uint32_t first, uint32_t end, double *values)
{
    int index = metric_find(row->metric);
    struct metric metric;
    if (index < 0 || row_is_empty(source, (unsigned)index, values))
        return false;
    bool any_open = false;
    metric_describe((unsigned)index, &metric);
    if (strncmp(metric.name, "bound.", 6) == 0 && strcmp(metric.unit, "ppm") == 0)
        metric.unit = "%"; /* of the least possible */
    fprintf(out, "%-*s", LABEL_WIDTH, row->label);
    if (strlen(row->label) >= LABEL_WIDTH)
        fprintf(out, "\n%*s", LABEL_WIDTH, "");
    print_mean(out, source, 0, (unsigned)index, metric.unit, values);
    for (uint32_t v = first; v < end; v++) {
        char change[32];
        fprintf(out, "%*s", COLUMN_GAP, "");
        print_mean(out, source, v, (unsigned)index, metric.unit, values);
        print_change_of(change, sizeof(change), source, v, (unsigned)index);
        print_padded(out, change, CHANGE_WIDTH);
        any_open |= strchr(change, '?') != NULL;
    }
    fputc('\n', out);
    return any_open;
}

/* ---- blocks of up to three variants -------------------------------------------------- */

/* A variant's name over its column: lines broken at blanks, set right; what does not fit into
 * the last one is cut. */
enum { HEADING_LINES = 4 };
struct heading {
    struct {
        const char *text;
        int length;
    } lines[HEADING_LINES];
    int count, width;
    bool cut;
};

static struct heading break_name(const char *name, int width)
{
    struct heading heading = {.width = width};
    while (*name && heading.count < HEADING_LINES) {
        int length = (int)strlen(name);
        heading.cut = length > width && heading.count + 1 == HEADING_LINES;
        if (length > width) {
            length = heading.cut ? width - 1 : width;
            for (int at = length; at > 0 && !heading.cut; at--)
                if (name[at] == ' ') {
                    length = at;
                    break;
                }
        }
        heading.lines[heading.count].text = name;
        heading.lines[heading.count++].length = length;
        name += length;
        name += strspn(name, " ");
    }
    return heading;
}

/* Line `line` of so many; names of fewer lines stand at the bottom. */
static void print_heading_line(FILE *out, const struct heading *heading, int line, int lines)
{
    int own = line - (lines - heading->count);
    bool cut = heading->cut && own + 1 == heading->count;
    int length = own < 0 ? 0 : heading->lines[own].length;
    fprintf(out, "%*s%.*s%s", heading->width - length - cut, "", length,
            own < 0 ? "" : heading->lines[own].text, cut ? "~" : "");
}

static void print_headings(FILE *out, const struct result_source *source, uint32_t first,
                           uint32_t end)
{
    struct heading headings[1 + OTHERS_IN_A_BLOCK];
    unsigned count = 0;
    /* The label's column has room to spare beside the first heading. */
    headings[count++] = break_name(source->variants[0].name, VALUE_WIDTH + COLUMN_GAP + 8);
    for (uint32_t v = first; v < end; v++)
        headings[count++] = break_name(source->variants[v].name, VALUE_WIDTH + CHANGE_WIDTH);
    int lines = 0;
    for (unsigned i = 0; i < count; i++)
        lines = headings[i].count > lines ? headings[i].count : lines;
    for (int line = 0; line < lines; line++) {
        fprintf(out, "%-*s", LABEL_WIDTH - COLUMN_GAP - 8, "");
        for (unsigned i = 0; i < count; i++) {
            fprintf(out, "%*s", i ? COLUMN_GAP : 0, "");
            print_heading_line(out, &headings[i], line, lines);
        }
        fputc('\n', out);
    }
}

/* The rows of a table: those of every experiment, then the metrics that this one asks about
 * besides. */
struct table {
    const struct result_source *source;
    struct summary_row rows[ROWS + METRICS_ASKED_AT_MOST];
    char names[METRICS_ASKED_AT_MOST][METRIC_NAME_BYTES];
    unsigned count;
    double *values; /* [seeds] */
};

static bool has_row(const char *name)
{
    for (unsigned i = 0; i < ROWS; i++)
        if (strcmp(rows[i].metric, name) == 0)
            return true;
    return false;
}

static void make_table(struct table *table, const struct result_source *source, double *values)
{
    unsigned asked[METRICS_ASKED_AT_MOST], count = metrics_asked(source->figures, asked);
    table->source = source;
    table->values = values;
    table->count = ROWS;
    memcpy(table->rows, rows, sizeof(rows));
    for (unsigned i = 0; i < count; i++) {
        struct metric metric;
        metric_describe(asked[i], &metric);
        if (has_row(metric.name))
            continue;
        memcpy(table->names[i], metric.name, METRIC_NAME_BYTES);
        table->rows[table->count++] = (struct summary_row){table->names[i], table->names[i]};
    }
}

static bool print_block(FILE *out, const struct table *table, uint32_t first, uint32_t end)
{
    bool any_open = false;
    print_headings(out, table->source, first, end);
    for (unsigned i = 0; i < table->count; i++)
        any_open |= print_row(out, table->source, &table->rows[i], first, end, table->values);
    return any_open;
}

/* ---- a line a variant ------------------------------------------------------------------ */

static bool print_narrow_row(FILE *out, const struct result_source *source, uint32_t variant,
                             double *values)
{
    bool any_open = false;
    for (unsigned i = 0; i < NARROW_COLUMNS; i++) {
        unsigned index = (unsigned)metric_find(narrow_columns[i].metric);
        struct metric metric;
        char text[32] = "";
        metric_describe(index, &metric);
        uint32_t n = result_values(source, variant, index, values);
        print_quantity(text, sizeof(text), statistics_summary(values, n).mean, metric.unit);
        print_padded(out, text, NARROW_VALUE);
        print_change_of(text, sizeof(text), source, variant, index);
        print_padded(out, variant ? text : "", NARROW_CHANGE);
        any_open |= variant && strchr(text, '?');
    }
    fputc('\n', out);
    return any_open;
}

/* One line a variant. */
static bool print_narrow(FILE *out, const struct result_source *source, double *values)
{
    bool any_open = false;
    fprintf(out, "%-*s", NARROW_NAME, "");
    for (unsigned i = 0; i < NARROW_COLUMNS; i++)
        print_padded(out, narrow_columns[i].label, NARROW_VALUE + NARROW_CHANGE);
    fputc('\n', out);
    for (uint32_t v = 0; v < source->variant_count; v++) {
        const char *name = source->variants[v].name;
        fprintf(out, "%-*s", NARROW_NAME, name);
        if (strlen(name) > NARROW_NAME)
            fprintf(out, "\n%*s", NARROW_NAME, "");
        any_open |= print_narrow_row(out, source, v, values);
    }
    return any_open;
}

static bool print_blocks(FILE *out, const struct result_source *source, double *values)
{
    struct table table;
    make_table(&table, source, values);
    bool any_open = false;
    uint32_t first = 1;
    do {
        uint32_t end = first + OTHERS_IN_A_BLOCK;
        if (end > source->variant_count)
            end = source->variant_count;
        if (first > 1)
            fputc('\n', out);
        any_open |= print_block(out, &table, first, end);
        first = end;
    } while (first < source->variant_count);
    return any_open;
}

static uint32_t runs_counted(const struct result_source *source)
{
    uint32_t counted = 0;
    size_t runs = (size_t)source->variant_count * source->seed_count;
    for (size_t r = 0; r < runs; r++)
        counted += source->runs[r].started && source->runs[r].result.complete;
    return counted;
}

static bool seeds_differ(const struct result_source *source)
{
    for (uint32_t variant = 0; variant < source->variant_count; variant++)
        if (result_seeds_differ(source, variant))
            return true;
    return false;
}

/* Runs that went on without a task: their counts are of the survivors. */
static uint32_t runs_with_a_kill(const struct result_source *source, uint32_t variant,
                                 double *values)
{
    uint32_t killed = 0;
    uint32_t count = result_values(source, variant, metric_of_counter(COUNTER_oom_kill), values);
    for (uint32_t i = 0; i < count; i++)
        killed += values[i] > 0;
    return killed;
}

static void print_kills(FILE *out, const struct result_source *source, double *values)
{
    uint32_t killed = 0;
    bool on_one_side = false;
    char *names = NULL;
    for (uint32_t v = 0; v < source->variant_count; v++) {
        uint32_t of_variant = runs_with_a_kill(source, v, values);
        killed += of_variant;
        on_one_side |= result_killed_on_one_side(source, v, result_base_of(source, v));
        if (of_variant)
            names =
                memory_listed(names, memory_printed("\"%s\" (%u of %u)", source->variants[v].name,
                                                    of_variant, source->seed_count));
    }
    if (!killed)
        return;
    if (on_one_side)
        fputs("!: a task was killed in one of the two runs, so they did not do the same work\n",
              out);
    char *text = memory_printed(
        "OUT OF MEMORY: in %u of %u runs a task was killed; its accesses after that are missing: "
        "%s (docs/model.md, \"Stale statistics\" and \"Pages read ahead for nothing\", if swap was "
        "free)",
        killed, source->variant_count * source->seed_count, names);
    wrap_words(out, text, 0, false, 4, 98);
    fputc('\n', out);
    free(text);
    free(names);
}

/* The names of the variants that are compared with this one; NULL: none. */
static char *names_against(const struct result_source *source, uint32_t base)
{
    char *names = NULL;
    for (uint32_t v = base + 1; v < source->variant_count; v++)
        if (result_base_of(source, v) == base)
            names = memory_listed(names, memory_printed("\"%s\"", source->variants[v].name));
    return names;
}

/* What the changes are against. */
static void print_bases(FILE *out, const struct result_source *source)
{
    bool several = false;
    for (uint32_t v = 1; v < source->variant_count; v++)
        several |= result_base_of(source, v) == v;
    if (source->variant_count > 1 && !several)
        fprintf(out, "; changes are against %s", source->variants[0].name);
    fputc('\n', out);
    if (!several)
        return;
    fputs("the workloads differ; changes are against the first variant of the same workload:\n",
          out);
    for (uint32_t v = 0; v < source->variant_count; v++) {
        if (result_base_of(source, v) != v)
            continue;
        char *names = names_against(source, v);
        char *text = memory_printed("\"%s\" is the base of %s", source->variants[v].name,
                                    names ? names : "no other");
        fputs("  ", out);
        wrap_words(out, text, 2, false, 4, 98);
        fputc('\n', out);
        free(text);
        free(names);
    }
}

static void print_question(FILE *out, const struct result_source *source)
{
    int column = fprintf(out, "%s:", source->name);
    wrap_words(out, source->question ? source->question : "", column, true, 4, 98);
    fputc('\n', out);
}

void summary_print(FILE *out, const struct result_source *source)
{
    double *values = memory_zeroed(source->seed_count, sizeof(*values), "values of a summary");
    uint32_t counted = runs_counted(source);
    print_question(out, source);
    fputc('\n', out);
    bool any_open = source->variant_count > VARIANTS_IN_BLOCKS ? print_narrow(out, source, values)
                                                               : print_blocks(out, source, values);
    fputc('\n', out);
    if (source->seed_count == 1)
        fprintf(out, "1 run each");
    else if (seeds_differ(source))
        fprintf(out, "means over %u seeds", source->seed_count);
    else
        fprintf(out, "%u seeds, which all gave the same run", source->seed_count);
    print_bases(out, source);
    if (any_open)
        fprintf(out, "?: the 95 %% interval of the change includes no change\n");
    print_kills(out, source, values);
    if (!source->complete)
        fprintf(out, "NOT COMPLETE: %u of %u runs counted\n", counted,
                source->variant_count * source->seed_count);
    free(values);
    if (out == stdout)
        standard_output_flush();
}

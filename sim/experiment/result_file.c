#define _GNU_SOURCE
#include "sim/experiment/result_file.h"

#include <gsl/gsl_version.h>
#include <inttypes.h>
#include <lz4.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include "sim/experiment/config_resolved.h"
#include "sim/experiment/json_output.h"

/* ---- text made piece by piece ----------------------------------------------- */

struct text {
    char *bytes;
    size_t length, room;
};

/* Where `more` bytes may be appended, with a NUL behind them. */
static char *text_room(struct text *text, size_t more)
{
    if (more >= text->room - text->length) {
        text->room = 2 * (text->length + more + 1);
        text->bytes = memory_resized(text->bytes, text->room, 1, "a result");
    }
    return text->bytes + text->length;
}

static void text_put(struct text *text, const char *string)
{
    size_t length = strlen(string);
    memcpy(text_room(text, length), string, length + 1);
    text->length += length;
}

/* What stands before the number, and the number. */
static void text_put_number(struct text *text, const char *before, uint64_t number)
{
    char *from = text_room(text, strlen(before) + INTEGER_DIGITS);
    text->length += (size_t)(print_integer(stpcpy(from, before), number) - from);
}

/* As JSON. */
static void text_put_string(struct text *text, const char *string)
{
    cJSON *item = json_string(string);
    char *printed = memory_checked(cJSON_PrintUnformatted(item), "a result");
    text_put(text, printed);
    free(printed);
    cJSON_Delete(item);
}

/* Hand the text over to a member of an object. */
static void add_text(cJSON *object, const char *key, struct text *text)
{
    json_add_raw(object, key, text->bytes);
    free(text->bytes);
}

/* ---- counters and gauges ----------------------------------------------------- */

static void add_totals(cJSON *object, const char *key, const struct counters_at *at)
{
    cJSON *totals = json_object();
    for (unsigned i = 0; i < COUNTERS; i++)
        json_add_integer(totals, counter_descriptions[i].name, at->counters[i]);
    for (unsigned i = 0; i < GAUGES; i++)
        json_add_integer(totals, gauge_descriptions[i].name, at->gauges[i]);
    json_add(object, key, totals);
}

/* The same on one line, for lists of many. */
static void put_members(struct text *text, const struct counters_at *at)
{
    for (unsigned i = 0; i < COUNTERS + GAUGES; i++) {
        bool gauge = i >= COUNTERS;
        text_put(text, i ? ", \"" : "\"");
        text_put(text,
                 gauge ? gauge_descriptions[i - COUNTERS].name : counter_descriptions[i].name);
        text_put_number(text, "\": ", gauge ? at->gauges[i - COUNTERS] : at->counters[i]);
    }
}

static void add_cgroups(cJSON *object, const struct run_result *run)
{
    struct text text = {0};
    text_put(&text, "{");
    for (uint32_t i = 0; i < run->cgroup_count; i++) {
        text_put(&text, i ? ",\n" : "\n");
        text_put_string(&text, run->cgroups[i].path);
        text_put(&text, ": {");
        put_members(&text, &run->cgroups[i].at_end);
        text_put(&text, "}");
    }
    text_put(&text, "}");
    add_text(object, "cgroups", &text);
}

static void add_nodes(cJSON *object, const struct run_result *run)
{
    struct text text = {0};
    text_put(&text, "[");
    for (uint32_t i = 0; i < run->node_count; i++) {
        text_put_number(&text, i ? ",\n{\"node\": " : "\n{\"node\": ", i);
        text_put(&text, ", ");
        put_members(&text, &run->nodes[i]);
        text_put(&text, "}");
    }
    text_put(&text, "]");
    add_text(object, "nodes", &text);
}

static void add_snapshots(cJSON *object, const struct run_result *run)
{
    struct text text = {0};
    text_put(&text, "[");
    for (uint32_t i = 0; i < run->snapshot_count; i++) {
        const struct snapshot *snapshot = &run->snapshots[i];
        text_put(&text, i ? ",\n{\"label\": " : "\n{\"label\": ");
        text_put_string(&text, snapshot->label);
        text_put_number(&text, ", \"at_ns\": ", snapshot->at_ns);
        text_put_number(&text, ", \"at_accesses\": ", snapshot->accesses);
        text_put(&text, ", \"totals\": {");
        put_members(&text, &snapshot->at);
        text_put(&text, "}}");
    }
    text_put(&text, "]");
    add_text(object, "snapshots", &text);
}

/* ---- series ------------------------------------------------------------------ */

/* Columns of the series: what is not zero somewhere in some run, the same for
 * all runs of a file. */
struct columns {
    bool counters[COUNTERS], gauges[GAUGES];
};

static void find_columns(const struct result_source *source, struct columns *columns)
{
    memset(columns, 0, sizeof(*columns));
    size_t runs = (size_t)source->variant_count * source->seed_count;
    for (size_t r = 0; r < runs; r++) {
        const struct run_result *run = &source->runs[r].result;
        for (uint32_t row = 0; row < run->series_count; row++) {
            for (unsigned i = 0; i < COUNTERS; i++)
                columns->counters[i] |= run->series[row].at.counters[i] != 0;
            for (unsigned i = 0; i < GAUGES; i++)
                columns->gauges[i] |= run->series[row].at.gauges[i] != 0;
        }
    }
    /* The row's own second column. */
    columns->counters[COUNTER_accesses] = false;
}

static void put_series_row(struct text *text, const struct columns *columns,
                           const struct series_row *row)
{
    text_put_number(text, "[", row->at_ns);
    text_put_number(text, ",", row->accesses);
    for (unsigned i = 0; i < COUNTERS; i++)
        if (columns->counters[i])
            text_put_number(text, ",", row->at.counters[i]);
    for (unsigned i = 0; i < GAUGES; i++)
        if (columns->gauges[i])
            text_put_number(text, ",", row->at.gauges[i]);
    text_put(text, "]");
}

static void add_series(cJSON *object, const struct run_result *run, const struct columns *columns)
{
    cJSON *series = json_object(), *names = json_array();
    json_add_to_array(names, json_string("at_ns"));
    json_add_to_array(names, json_string("accesses"));
    for (unsigned i = 0; i < COUNTERS; i++)
        if (columns->counters[i])
            json_add_to_array(names, json_string(counter_descriptions[i].name));
    for (unsigned i = 0; i < GAUGES; i++)
        if (columns->gauges[i])
            json_add_to_array(names, json_string(gauge_descriptions[i].name));
    json_add(series, "columns", names);

    struct text text = {0};
    text_put(&text, "[");
    for (uint32_t row = 0; row < run->series_count; row++) {
        text_put(&text, row ? ",\n" : "\n");
        put_series_row(&text, columns, &run->series[row]);
    }
    text_put(&text, "]");
    add_text(series, "rows", &text);
    json_add(object, "series", series);
}

/* ---- histograms --------------------------------------------------------------- */

static void add_buckets(cJSON *object, const struct histogram *histogram)
{
    struct text text = {0};
    text_put(&text, "[");
    uint64_t upper;
    uint32_t count;
    for (unsigned bucket = 0; histogram_next(histogram, &bucket, &upper, &count);) {
        text_put_number(&text, text.length > 1 ? ",[" : "[", upper);
        text_put_number(&text, ",", count);
        text_put(&text, "]");
    }
    text_put(&text, "]");
    add_text(object, "buckets", &text);
}

/* null for what needs a sample. */
static void add_sampled(cJSON *object, const char *key, const struct histogram *histogram,
                        uint64_t value)
{
    if (histogram->count)
        json_add_integer(object, key, value);
    else
        json_add(object, key, cJSON_CreateNull());
}

static cJSON *histogram_object(const struct histogram *histogram)
{
    static const struct {
        const char *key;
        unsigned of_10000;
    } percentiles[] = {{"p50", 5000}, {"p90", 9000}, {"p99", 9900}, {"p99_9", 9990}};
    cJSON *object = json_object();
    json_add_integer(object, "n", histogram->count);
    add_sampled(object, "min", histogram, histogram->least);
    add_sampled(object, "max", histogram, histogram->most);
    json_add_real(object, "mean",
                  histogram->count ? (double)histogram->sum / (double)histogram->count : NAN);
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        add_sampled(object, percentiles[i].key, histogram,
                    histogram_percentile(histogram, percentiles[i].of_10000));
    add_buckets(object, histogram);
    return object;
}

static void add_histograms(cJSON *object, const struct run_result *run)
{
    cJSON *histograms = json_object(), *latency = json_object();
    for (unsigned kind = 0; kind < LATENCY_KINDS; kind++) {
        struct histogram histogram = latency_of_run(run, kind);
        json_add(latency, latency_kind_name(kind), histogram_object(&histogram));
        histogram_release(&histogram);
    }
    json_add(histograms, "fault_latency_ns", latency);
    json_add(histograms, "store_wait_ns", histogram_object(&run->store_wait));
    json_add(object, "histograms", histograms);
}

static void add_devices(cJSON *object, const struct run_result *run)
{
    cJSON *devices = json_array();
    for (uint32_t i = 0; i < run->device_count; i++) {
        const struct device_result *device = &run->devices[i];
        cJSON *part = json_object();
        json_add_string(part, "name", device->name);
        json_add_integer(part, "reads", device->reads);
        json_add_integer(part, "writes", device->writes);
        json_add_integer(part, "merged", device->merged);
        json_add_integer(part, "util_ppm", device->util_ppm);
        json_add_integer(part, "queue_milli", device->queue_milli);
        json_add(part, "read_latency_ns", histogram_object(&device->read_latency));
        json_add(part, "write_latency_ns", histogram_object(&device->write_latency));
        json_add_to_array(devices, part);
    }
    json_add(object, "devices", devices);
}

/* ---- a run -------------------------------------------------------------------- */

/* Value or null; a null is explained under "undefined". */
static void add_defined(cJSON *object, cJSON *undefined, const char *prefix, const char *key,
                        uint64_t value, const char *reason)
{
    if (value != UINT64_MAX) {
        json_add_integer(object, key, value);
        return;
    }
    char name[64];
    snprintf(name, sizeof(name), "%s.%s", prefix, key);
    json_add(object, key, cJSON_CreateNull());
    json_add_string(undefined, name, reason);
}

static void add_derived(cJSON *object, const struct run_result *run)
{
    cJSON *undefined = json_object(), *part = json_object();
    const char *no_order = "no page in zswap, or none on a device";
    add_defined(part, undefined, "inversion", "at_end_ppm", run->inversion.at_end_ppm, no_order);
    add_defined(part, undefined, "inversion", "time_average_ppm", run->inversion.time_average_ppm,
                no_order);
    add_defined(part, undefined, "inversion", "pair_ppm", run->inversion.pair_ppm, no_order);
    json_add(object, "inversion", part);

    part = json_object();
    const char *no_members = "nothing written back, or a single member";
    add_defined(part, undefined, "fairness", "cgroups_ppm", run->fairness.cgroups_ppm, no_members);
    add_defined(part, undefined, "fairness", "nodes_ppm", run->fairness.nodes_ppm, no_members);
    add_defined(part, undefined, "fairness", "cgroups_per_store_ppm",
                run->fairness.cgroups_per_store_ppm, no_members);
    add_defined(part, undefined, "fairness", "nodes_per_store_ppm",
                run->fairness.nodes_per_store_ppm, no_members);
    json_add(object, "fairness", part);
    json_add(object, "undefined", undefined);
}

/* Only where it was asked for. */
static void add_bound(cJSON *object, const struct run_result *run)
{
    if (!run->bound.known)
        return;
    static const char none[] = "the least possible is none";
    cJSON *part = json_object(), *undefined = cJSON_GetObjectItem(object, "undefined");
    json_add_integer(part, "refaults", run->bound.refaults);
    json_add_integer(part, "disk_reads", run->bound.disk_reads);
    json_add_integer(part, "fault_ns", run->bound.fault_ns);
    add_defined(part, undefined, "bound", "refaults_ppm", run->bound.refaults_ppm, none);
    add_defined(part, undefined, "bound", "disk_reads_ppm", run->bound.disk_reads_ppm, none);
    add_defined(part, undefined, "bound", "fault_ns_ppm", run->bound.fault_ns_ppm, none);
    json_add(object, "bound", part);
}

/* Of every processor a column, where that was asked for (engine.per_cpu). */
static void add_cpus(cJSON *object, const struct run_result *run)
{
    static const struct {
        const char *key;
        size_t offset;
    } rows[] = {{"user_ns", offsetof(struct cpu_result, user_ns)},
                {"sys_ns", offsetof(struct cpu_result, sys_ns)},
                {"iowait_ns", offsetof(struct cpu_result, iowait_ns)},
                {"idle_ns", offsetof(struct cpu_result, idle_ns)}};
    if (!run->cpus)
        return;
    cJSON *part = json_object();
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct text text = {0};
        for (uint32_t i = 0; i < run->cpu_count; i++)
            text_put_number(&text, i ? "," : "[",
                            *(const uint64_t *)((const char *)&run->cpus[i] + rows[row].offset));
        text_put(&text, "]");
        add_text(part, rows[row].key, &text);
    }
    json_add(object, "cpus", part);
}

static void add_times(cJSON *object, const struct run_result *run)
{
    cJSON *part = json_object();
    for (unsigned i = 0; i < TIME_KINDS; i++)
        json_add_integer(part, time_descriptions[i].name, run->time_ns[i]);
    json_add(object, "cost_ns", part);

    part = json_object();
    for (unsigned i = 0; i < LOCK_KINDS; i++) {
        cJSON *lock = json_object();
        json_add_integer(lock, "acquisitions", run->locks[i].acquisitions);
        json_add_integer(lock, "contended", run->locks[i].contended);
        json_add_integer(lock, "wait_ns", run->locks[i].wait_ns);
        json_add_integer(lock, "hold_ns", run->locks[i].hold_ns);
        json_add(part, lock_descriptions[i].name, lock);
    }
    json_add(object, "locks", part);

    part = json_object();
    json_add_integer(part, "user_ns", run->cpu.user_ns);
    json_add_integer(part, "sys_ns", run->cpu.sys_ns);
    json_add_integer(part, "iowait_ns", run->cpu.iowait_ns);
    json_add_integer(part, "idle_ns", run->cpu.idle_ns);
    json_add(object, "cpu", part);
    add_cpus(object, run);

    part = json_object();
    json_add_integer(part, "real_ns", run->time.real_ns);
    json_add_integer(part, "user_ns", run->time.user_ns);
    json_add_integer(part, "sys_ns", run->time.sys_ns);
    json_add(object, "time", part);

    part = json_object();
    json_add_integer(part, "util_ppm", run->disk.util_ppm);
    json_add_integer(part, "queue_milli", run->disk.queue_milli);
    json_add_integer(part, "merged", run->disk.merged);
    json_add_integer(part, "read_mean_ns", run->disk.read_mean_ns);
    json_add_integer(part, "read_p50_ns", run->disk.read_p50_ns);
    json_add_integer(part, "read_p99_ns", run->disk.read_p99_ns);
    json_add_integer(part, "write_mean_ns", run->disk.write_mean_ns);
    json_add_integer(part, "write_p50_ns", run->disk.write_p50_ns);
    json_add_integer(part, "write_p99_ns", run->disk.write_p99_ns);
    json_add(object, "disk", part);

    part = json_object();
    json_add_integer(part, "some_us", run->psi.some_us);
    json_add_integer(part, "full_us", run->psi.full_us);
    json_add(object, "psi", part);
}

static void add_run_inputs(cJSON *object, const struct run_record *record)
{
    cJSON *inputs = json_array();
    for (uint32_t i = 0; i < record->input_count; i++)
        json_add_to_array(inputs, json_string(record->inputs[i].fingerprint));
    json_add(object, "inputs", inputs);
}

static cJSON *run_object(const struct run_record *record, const struct columns *columns)
{
    const struct run_result *run = &record->result;
    if (record->from_file)
        return config_node_to_json(record->from_file->node);
    cJSON *object = json_object();
    json_add_integer(object, "seed", run->seed);
    json_add_bool(object, "complete", run->complete);
    json_add_string(object, "failure", run->failure);
    add_run_inputs(object, record);
    json_add_integer(object, "end_ns", run->end_ns);
    add_totals(object, "totals", &run->totals);
    add_times(object, run);
    add_derived(object, run);
    add_bound(object, run);
    add_histograms(object, run);
    add_cgroups(object, run);
    add_nodes(object, run);
    add_devices(object, run);
    add_snapshots(object, run);
    add_series(object, run, columns);
    return object;
}

/* ---- over the runs ------------------------------------------------------------- */

/* False when the metric is undefined in this run. */
static bool metric_of_record(const struct run_record *record, unsigned index, double *value)
{
    uint64_t whole;
    if (record->from_file) {
        struct metric metric;
        struct diagnostics errors = {0};
        metric_describe(index, &metric);
        bool defined = result_file_metric(record->from_file, &metric, value, &errors) == 1;
        diagnostics_release(&errors);
        return defined;
    }
    if (!metric_of_run(&record->result, index, &whole))
        return false;
    *value = (double)whole;
    return true;
}

uint32_t result_values(const struct result_source *source, uint32_t variant, unsigned metric,
                       double *values)
{
    uint32_t n = 0;
    for (uint32_t s = 0; s < source->seed_count; s++) {
        const struct run_record *record = result_run(source, variant, s);
        if (record->started && record->result.complete &&
            metric_of_record(record, metric, &values[n]))
            n++;
    }
    return n;
}

static bool same_inputs(const struct run_record *a, const struct run_record *b)
{
    if (a->input_count != b->input_count)
        return false;
    for (uint32_t i = 0; i < a->input_count; i++)
        if (strcmp(a->inputs[i].fingerprint, b->inputs[i].fingerprint) != 0)
            return false;
    return true;
}

bool result_seeds_differ(const struct result_source *source, uint32_t variant)
{
    double *values = memory_zeroed(source->seed_count, sizeof(*values), "values of a variant");
    bool differ = false;
    for (unsigned index = 0; index < metric_count() && !differ; index++) {
        uint32_t n = result_values(source, variant, index, values);
        differ = statistics_vary(values, n);
    }
    free(values);
    return differ;
}

struct paired_difference result_paired(const struct result_source *source, uint32_t variant,
                                       uint32_t against, unsigned metric, bool *same)
{
    double *base = memory_zeroed(source->seed_count, sizeof(*base), "values to pair");
    double *new = memory_zeroed(source->seed_count, sizeof(*new), "values to pair");
    uint32_t n = 0;
    *same = true;
    for (uint32_t s = 0; s < source->seed_count; s++) {
        const struct run_record *b = result_run(source, against, s);
        const struct run_record *v = result_run(source, variant, s);
        if (!b->started || !v->started || !b->result.complete || !v->result.complete)
            continue;
        *same = *same && same_inputs(b, v);
        if (metric_of_record(b, metric, &base[n]) && metric_of_record(v, metric, &new[n]))
            n++;
    }
    struct metric description;
    metric_describe(metric, &description);
    struct paired_difference paired = description.percentile
                                          ? statistics_paired_bootstrap(base, new, n)
                                          : statistics_paired(base, new, n);
    free(base);
    free(new);
    return paired;
}

/* Of runs that are not there nothing is known against it. */
static bool have_same_inputs(const struct result_source *source, uint32_t one, uint32_t other)
{
    for (uint32_t s = 0; s < source->seed_count; s++) {
        const struct run_record *a = result_run(source, one, s);
        const struct run_record *b = result_run(source, other, s);
        if (a->started && b->started && a->result.complete && b->result.complete &&
            !same_inputs(a, b))
            return false;
    }
    return true;
}

uint32_t result_base_of(const struct result_source *source, uint32_t variant)
{
    uint32_t base = 0;
    while (base < variant && !have_same_inputs(source, base, variant))
        base++;
    return base;
}

static bool record_was_killed(const struct run_record *record)
{
    double kills = 0;
    return metric_of_record(record, metric_of_counter(COUNTER_oom_kill), &kills) && kills > 0;
}

bool result_killed_on_one_side(const struct result_source *source, uint32_t variant,
                               uint32_t against)
{
    for (uint32_t s = 0; s < source->seed_count; s++) {
        const struct run_record *b = result_run(source, against, s);
        const struct run_record *v = result_run(source, variant, s);
        if (b->started && v->started && b->result.complete && v->result.complete &&
            record_was_killed(b) != record_was_killed(v))
            return true;
    }
    return false;
}

void json_add_percent_interval(cJSON *object, const struct paired_difference *paired)
{
    bool exact = paired->method == INTERVAL_EXACT;
    json_add_real(object, "percent_ci95_low", exact ? NAN : paired->percent_low);
    json_add_real(object, "percent_ci95_high", exact ? NAN : paired->percent_high);
    json_add_bool(object, "percent_bounded", paired->percent_bounded);
}

/* All of the list, and those of cgroups that the figures ask for. */
struct metrics_shown {
    unsigned *of_cgroups;
    unsigned count;
};

static struct metrics_shown shown_of(const struct result_source *source)
{
    struct metrics_shown shown;
    shown.count = metric_count() + metrics_of_cgroups(source->figures, &shown.of_cgroups);
    return shown;
}

static unsigned shown_metric(const struct metrics_shown *shown, unsigned at)
{
    return at < metric_count() ? at : shown->of_cgroups[at - metric_count()];
}

static void add_summary(cJSON *object, const struct result_source *source, uint32_t variant)
{
    cJSON *summary = json_object();
    double *values = memory_zeroed(source->seed_count, sizeof(*values), "values to summarize");
    struct metrics_shown shown = shown_of(source);
    for (unsigned m = 0; m < shown.count; m++) {
        struct metric metric;
        metric_describe(shown_metric(&shown, m), &metric);
        uint32_t n = result_values(source, variant, shown_metric(&shown, m), values);
        struct sample_summary of = statistics_summary(values, n);
        cJSON *entry = json_object();
        json_add_integer(entry, "n", n);
        json_add_real(entry, "mean", of.mean);
        json_add_real(entry, "median", of.median);
        json_add_real(entry, "stddev", of.stddev);
        json_add_real(entry, "ci95_low", of.ci95_low);
        json_add_real(entry, "ci95_high", of.ci95_high);
        json_add(summary, metric.name, entry);
    }
    free(shown.of_cgroups);
    free(values);
    json_add(object, "summary", summary);
}

static bool metric_is_used(const struct result_source *source, unsigned metric)
{
    size_t runs = (size_t)source->variant_count * source->seed_count;
    for (size_t r = 0; r < runs; r++) {
        double value;
        const struct run_record *record = &source->runs[r];
        if (record->started && metric_of_record(record, metric, &value) && value > 0)
            return true;
    }
    return false;
}

static void add_difference(cJSON *list, const struct result_source *source, uint32_t variant,
                           unsigned index, bool killed, bool copies)
{
    struct metric metric;
    bool same;
    metric_describe(index, &metric);
    struct paired_difference paired = result_paired(source, variant, 0, index, &same);
    if (copies)
        statistics_make_exact(&paired);
    cJSON *entry = json_object();
    json_add_string(entry, "variant", source->variants[variant].name);
    json_add_string(entry, "against", source->variants[0].name);
    json_add_string(entry, "metric", metric.name);
    json_add_integer(entry, "n", paired.n);
    json_add_bool(entry, "same_inputs", same);
    json_add_real(entry, "mean_difference", paired.mean_difference);
    json_add_real(entry, "percent", statistics_percent(&paired, paired.mean_difference));
    /* One pair, and copies of one, have an exact difference but no interval. */
    bool exact = paired.method == INTERVAL_EXACT;
    json_add_string(entry, "interval", interval_method_name(paired.method));
    json_add_real(entry, "ci95_low", exact ? NAN : paired.ci95_low);
    json_add_real(entry, "ci95_high", exact ? NAN : paired.ci95_high);
    json_add_percent_interval(entry, &paired);
    json_add_real(entry, "p", paired.p);
    uint32_t seeds = killed ? 0 : statistics_seeds_for(&paired, 1);
    json_add_real(entry, "seeds_for_1_percent", seeds ? (double)seeds : (double)NAN);
    enum verdict verdict =
        killed ? VERDICT_KILLED : statistics_verdict(&paired, paired.p, metric.direction);
    json_add_string(entry, "verdict", verdict_name(verdict));
    json_add_to_array(list, entry);
}

static void add_differences(cJSON *document, const struct result_source *source)
{
    cJSON *list = json_array();
    const unsigned kills = metric_of_counter(COUNTER_oom_kill);
    struct metrics_shown shown = shown_of(source);
    for (uint32_t v = 1; v < source->variant_count; v++) {
        bool killed = result_killed_on_one_side(source, v, 0);
        bool copies = !result_seeds_differ(source, 0) && !result_seeds_differ(source, v);
        for (unsigned at = 0; at < shown.count; at++) {
            unsigned m = shown_metric(&shown, at);
            if (metric_is_used(source, m))
                add_difference(list, source, v, m, killed && m != kills, copies);
        }
    }
    free(shown.of_cgroups);
    json_add(document, "differences", list);
}

/* ---- configs -------------------------------------------------------------------- */

struct path_step {
    const struct path_step *up;
    const char *key; /* NULL: `index` of an array */
    int index;
};

static void add_step(cJSON *path, const struct path_step *step)
{
    if (!step)
        return;
    add_step(path, step->up);
    json_add_to_array(path,
                      step->key ? json_string(step->key) : json_integer((uint64_t)step->index));
}

static void add_change(cJSON *changes, const struct path_step *at, const cJSON *value)
{
    cJSON *change = json_object(), *path = json_array();
    add_step(path, at);
    json_add(change, "path", path);
    json_add(change, "value", value ? cJSON_Duplicate(value, true) : cJSON_CreateNull());
    json_add_to_array(changes, change);
}

static bool same_keys(const cJSON *a, const cJSON *b)
{
    if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b))
        return false;
    if (cJSON_IsObject(a))
        for (const cJSON *child = a->child; child; child = child->next)
            if (!cJSON_GetObjectItemCaseSensitive(b, child->string))
                return false;
    return true;
}

/* What to set in `base` to get `other`: the smallest subtrees that differ. */
static void find_changes(cJSON *changes, const struct path_step *at, const cJSON *base,
                         const cJSON *other)
{
    if (cJSON_Compare(base, other, true))
        return;
    bool containers = (cJSON_IsObject(base) && cJSON_IsObject(other)) ||
                      (cJSON_IsArray(base) && cJSON_IsArray(other));
    if (!containers || !same_keys(base, other)) {
        add_change(changes, at, other);
        return;
    }
    struct path_step step = {.up = at};
    const cJSON *twin = other->child;
    for (const cJSON *child = base->child; child; child = child->next, step.index++) {
        step.key = child->string;
        find_changes(changes, &step, child,
                     step.key ? cJSON_GetObjectItemCaseSensitive(other, step.key) : twin);
        twin = twin ? twin->next : NULL;
    }
}

/* What is drawn and asked does not change what is run. */
static void hash_config(XXH3_state_t *state, const cJSON *config)
{
    cJSON *copy = cJSON_Duplicate(config, true);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "figures");
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "question");
    char *text = memory_checked(cJSON_PrintUnformatted(copy), "a config");
    cJSON_Delete(copy);
    XXH3_64bits_update(state, text, strlen(text) + 1);
    free(text);
}

void result_config_hash(const struct result_source *source, char hash[17])
{
    XXH3_state_t *state = memory_checked(XXH3_createState(), "a hash");
    XXH3_64bits_reset(state);
    for (uint32_t v = 0; v < source->variant_count; v++)
        hash_config(state, source->variants[v].config);
    for (uint32_t s = 0; s < source->seed_count; s++) {
        char seed[24];
        int length = snprintf(seed, sizeof(seed), "%" PRIu64 ",", source->seeds[s]);
        XXH3_64bits_update(state, seed, (size_t)length);
    }
    for (const struct plugin_file *at = source->plugins; at && at->path; at++)
        XXH3_64bits_update(state, at->xxh3, sizeof(at->xxh3));
    snprintf(hash, 17, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(state));
    XXH3_freeState(state);
}

/* "config" is that of the first variant, with the figures that go with the file. */
static void add_config(cJSON *document, const struct result_source *source)
{
    cJSON *config = cJSON_Duplicate(source->variants[0].config, true);
    cJSON_DeleteItemFromObjectCaseSensitive(config, "figures");
    json_add(config, "figures",
             source->figures ? config_node_to_json(source->figures) : json_array());
    json_add(document, "config", config);
    char hash[17];
    result_config_hash(source, hash);
    json_add_string(document, "config_xxh3", hash);
}

/* ---- the document ---------------------------------------------------------------- */

static cJSON *variant_object(const struct result_source *source, uint32_t variant,
                             const struct columns *columns)
{
    const struct variant_record *record = &source->variants[variant];
    cJSON *object = json_object(), *changes = json_array(), *runs = json_array();
    json_add_string(object, "name", record->name);
    json_add(object, "set", record->set ? config_node_to_json(record->set) : json_object());
    find_changes(changes, NULL, source->variants[0].config, record->config);
    json_add(object, "changes", changes);
    for (uint32_t s = 0; s < source->seed_count; s++)
        if (result_run(source, variant, s)->started)
            json_add_to_array(runs, run_object(result_run(source, variant, s), columns));
    json_add(object, "runs", runs);
    add_summary(object, source, variant);
    return object;
}

/* Each distinct workload once, in the order of the runs. */
static void add_inputs(cJSON *document, const struct result_source *source)
{
    cJSON *list = json_array(), *seen = json_object();
    size_t runs = (size_t)source->variant_count * source->seed_count;
    for (size_t r = 0; r < runs; r++)
        for (uint32_t i = 0; i < source->runs[r].input_count; i++) {
            const struct run_input *input = &source->runs[r].inputs[i];
            if (cJSON_GetObjectItemCaseSensitive(seen, input->fingerprint))
                continue;
            json_add_bool(seen, input->fingerprint, true);
            cJSON *entry = json_object();
            json_add_string(entry, "fingerprint", input->fingerprint);
            json_add_string(entry, "type", input->type);
            json_add_integer(entry, "accesses", input->accesses);
            json_add_integer(entry, "spaces", input->spaces);
            json_add_to_array(list, entry);
        }
    cJSON_Delete(seen);
    json_add(document, "inputs", list);
}

cJSON *result_libraries(void)
{
    cJSON *libraries = json_object();
    json_add_string(libraries, "lz4", LZ4_versionString());
    json_add_string(libraries, "zstd", ZSTD_versionString());
    json_add_string(libraries, "zlib", zlibVersion());
    json_add_string(libraries, "gsl", gsl_version);
    return libraries;
}

/* Code of others: the path says where it lay, the hash what it was. */
static void add_plugins(cJSON *document, const struct result_source *source)
{
    cJSON *plugins = json_array();
    for (const struct plugin_file *at = source->plugins; at && at->path; at++) {
        cJSON *plugin = json_object();
        json_add_string(plugin, "path", at->path);
        json_add_string(plugin, "file_xxh3", at->xxh3);
        json_add_to_array(plugins, plugin);
    }
    json_add(document, "plugins", plugins);
}

static void add_metrics(cJSON *document, const struct result_source *source)
{
    cJSON *metrics = json_object();
    struct metrics_shown shown = shown_of(source);
    for (unsigned i = 0; i < shown.count; i++) {
        struct metric metric;
        metric_describe(shown_metric(&shown, i), &metric);
        cJSON *entry = json_object();
        json_add_string(entry, "unit", metric.unit);
        json_add_string(entry, "better", metric_direction_name(metric.direction));
        json_add_bool(entry, "headline", metric.headline);
        json_add(metrics, metric.name, entry);
    }
    free(shown.of_cgroups);
    json_add(document, "metrics", metrics);
}

static void add_host(cJSON *document, const struct result_source *source)
{
    cJSON *host = json_object(), *runs = json_array();
    json_add_integer(host, "jobs", source->jobs);
    json_add_integer(host, "wall_ns", source->wall_ns);
    for (uint32_t v = 0; v < source->variant_count; v++)
        for (uint32_t s = 0; s < source->seed_count; s++) {
            const struct run_record *record = result_run(source, v, s);
            if (!record->started)
                continue;
            cJSON *run = json_object();
            json_add_string(run, "variant", source->variants[v].name);
            json_add_integer(run, "seed", source->seeds[s]);
            json_add_integer(run, "wall_ns", record->result.host_wall_ns);
            json_add_integer(run, "state_bytes", record->result.host_state_bytes);
            json_add_to_array(runs, run);
        }
    json_add(host, "runs", runs);
    json_add(document, "host", host);
}

cJSON *result_document(const struct result_source *source)
{
    struct columns columns;
    find_columns(source, &columns);
    cJSON *document = json_object(), *seeds = json_array(), *variants = json_array();
    json_add_string(document, "schema", RESULT_SCHEMA);
    json_add_string(document, "zsim_version", ZSIM_VERSION);
    json_add_string(document, "name", source->name);
    json_add_string(document, "question", source->question);
    json_add_bool(document, "complete", source->complete);
    add_config(document, source);
    for (uint32_t s = 0; s < source->seed_count; s++)
        json_add_to_array(seeds, json_integer(source->seeds[s]));
    json_add(document, "seeds", seeds);
    add_inputs(document, source);
    json_add(document, "libraries", result_libraries());
    add_plugins(document, source);
    for (uint32_t v = 0; v < source->variant_count; v++)
        json_add_to_array(variants, variant_object(source, v, &columns));
    json_add(document, "variants", variants);
    add_differences(document, source);
    add_metrics(document, source);
    add_host(document, source);
    return document;
}

bool result_file_write(const char *path, const struct result_source *source,
                       struct diagnostics *errors)
{
    cJSON *document = result_document(source);
    char *text = json_print(document);
    cJSON_Delete(document);
    bool written = file_write_whole(path, text, strlen(text), errors);
    free(text);
    return written;
}

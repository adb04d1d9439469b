#include "sim/experiment/gather.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"
#include "sim/base/units.h"
#include "sim/experiment/config_resolved.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/manifest.h"
#include "sim/experiment/result_file.h"
#include "sim/experiment/summary.h"

/* A result that a manifest names: one variant, one run; NULL after a message. */
static struct result_file *read_result(const char *path, struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    struct result_file *file = result_file_read(path, errors);
    if (file && (!file->complete || file->variant_count != 1 || file->variants[0].run_count != 1)) {
        diagnostics_add(errors, &position, "not the result of one complete run");
        result_file_free(file);
        return NULL;
    }
    return file;
}

static void report_missing(const struct manifest *manifest, uint32_t found)
{
    if (found < manifest->row_count)
        fprintf(stderr, "zsim: %s: %" PRIu32 " of %" PRIu32 " results are not there yet\n",
                manifest->path, manifest->row_count - found, manifest->row_count);
}

/* ---- a table ------------------------------------------------------------------- */

static bool choose_metrics(const struct gather_options *options, unsigned **out, uint32_t *count,
                           struct diagnostics *errors)
{
    unsigned *chosen = memory_zeroed(metric_count() + options->metric_count, sizeof(*chosen),
                                     "metrics of a table");
    size_t before = errors->count;
    *count = 0;
    for (uint32_t i = 0; i < options->metric_count; i++) {
        int index = metric_find_or_tell(options->metrics[i], errors);
        if (index >= 0)
            chosen[(*count)++] = (unsigned)index;
    }
    for (unsigned m = 0; !options->metric_count && m < metric_count(); m++) {
        struct metric metric;
        metric_describe(m, &metric);
        if (metric.headline)
            chosen[(*count)++] = m;
    }
    *out = chosen;
    return errors->count == before;
}

static bool expect_cgroups(const struct result_file *file, const unsigned *metrics, uint32_t count,
                           struct diagnostics *errors)
{
    bool good = true;
    for (uint32_t i = 0; i < count; i++) {
        struct metric metric;
        metric_describe(metrics[i], &metric);
        good = result_file_expect_cgroup(file, &metric, errors) && good;
    }
    return good;
}

/* The metrics of one run, or as many empty cells.  The first one there tells misspelt cgroups. */
static bool print_metrics(FILE *out, const struct manifest_row *row, bool there, bool first,
                          const unsigned *metrics, uint32_t count, bool *killed,
                          struct diagnostics *errors)
{
    struct result_file *file = there ? read_result(row->result, errors) : NULL;
    if (there && !file)
        return false;
    bool good = !file || !first || expect_cgroups(file, metrics, count, errors);
    *killed = file && result_file_run_killed(&file->variants[0].runs[0], errors) > 0;
    for (uint32_t i = 0; i < count; i++) {
        struct metric metric;
        double value;
        char text[40] = "";
        metric_describe(metrics[i], &metric);
        int defined =
            file ? result_file_metric(&file->variants[0].runs[0], &metric, &value, errors) : 0;
        good = good && defined >= 0;
        if (defined == 1)
            print_real(text, sizeof(text), value);
        fprintf(out, "\t%s", text);
    }
    fputc('\n', out);
    result_file_free(file);
    return good;
}

/* The first run of this one's variant that was killed, too. */
static uint32_t first_killed(const struct manifest *manifest, const bool *killed, uint32_t row)
{
    uint32_t first = 0;
    while (!killed[first] ||
           strcmp(manifest->rows[first].variant, manifest->rows[row].variant) != 0)
        first++;
    return first;
}

/* One line: what such runs counted is not comparable, whatever the columns of the table. */
static void report_killed(const struct manifest *manifest, const bool *killed)
{
    uint32_t *of_variant =
        memory_zeroed((size_t)manifest->row_count + 1, sizeof(*of_variant), "runs killed");
    uint32_t runs = 0;
    char *names = NULL;
    for (uint32_t r = 0; r < manifest->row_count; r++) {
        if (!killed[r])
            continue;
        runs++;
        of_variant[first_killed(manifest, killed, r)]++;
    }
    for (uint32_t r = 0; r < manifest->row_count; r++)
        if (of_variant[r])
            names = memory_listed(names, memory_printed("\"%s\" (%" PRIu32 ")",
                                                        manifest->rows[r].variant, of_variant[r]));
    if (runs)
        fprintf(stderr,
                "zsim: warning: %s: in %" PRIu32 " of %" PRIu32
                " runs a task was killed; its accesses after that are missing: %s\n",
                manifest->path, runs, manifest->row_count, names);
    free(names);
    free(of_variant);
}

static int print_table(const struct manifest *manifest, const struct gather_options *options,
                       struct diagnostics *errors)
{
    unsigned *metrics;
    uint32_t metric_columns, found = 0;
    char *text;
    size_t length;
    /* A broken result leaves no half of a table. */
    FILE *out = memory_stream_open(&text, &length);
    bool *killed = memory_zeroed((size_t)manifest->row_count + 1, sizeof(*killed), "runs killed");
    bool good = choose_metrics(options, &metrics, &metric_columns, errors);
    for (uint32_t i = 0; good && i + 2 < manifest->column_count; i++)
        fprintf(out, "%s%s", i ? "\t" : "", manifest->columns[i]);
    for (uint32_t i = 0; good && i < metric_columns; i++) {
        struct metric metric;
        metric_describe(metrics[i], &metric);
        fprintf(out, "\t%s%s", metric.name, i + 1 == metric_columns ? "\n" : "");
    }
    for (uint32_t r = 0; good && r < manifest->row_count; r++) {
        const struct manifest_row *row = &manifest->rows[r];
        bool there = manifest_result_there(row);
        for (uint32_t i = 0; i + 2 < manifest->column_count; i++)
            fprintf(out, "%s%s", i ? "\t" : "", row->fields[i]);
        good = print_metrics(out, row, there, !found, metrics, metric_columns, &killed[r], errors);
        found += there;
    }
    free(metrics);
    memory_stream_close(out);
    if (good) {
        standard_output_put(text);
        standard_output_flush();
        report_missing(manifest, found);
        report_killed(manifest, killed);
    }
    free(text);
    free(killed);
    if (!good)
        return 2;
    return found ? 0 : 1;
}

/* ---- one result file ------------------------------------------------------------- */

struct gathering {
    const struct manifest *manifest;
    struct result_file **files; /* by row; NULL: not there */
    struct variant_record *variants;
    cJSON **configs; /* of the variants */
    uint32_t variant_count;
    uint64_t *seeds;
    uint32_t seed_count;
    struct run_record *runs; /* [variant * seed_count + seed] */
    struct plugin_file *plugins;
    uint32_t found;
    const struct result_file *first; /* question, figures and plug-ins are taken from it */
};

static uint32_t variant_index(struct gathering *gathering, const char *name)
{
    uint32_t at = 0;
    while (at < gathering->variant_count && strcmp(gathering->variants[at].name, name) != 0)
        at++;
    if (at == gathering->variant_count) {
        gathering->variants =
            memory_resized(gathering->variants, at + 1, sizeof(*gathering->variants), "variants");
        gathering->variants[at] = (struct variant_record){.name = name};
        gathering->variant_count++;
    }
    return at;
}

static uint32_t seed_index(struct gathering *gathering, uint64_t seed)
{
    uint32_t at = 0;
    while (at < gathering->seed_count && gathering->seeds[at] != seed)
        at++;
    if (at == gathering->seed_count) {
        gathering->seeds =
            memory_resized(gathering->seeds, at + 1, sizeof(*gathering->seeds), "seeds");
        gathering->seeds[at] = seed;
        gathering->seed_count++;
    }
    return at;
}

/* Every result that is there; false after a message about one that is broken. */
static bool read_results(struct gathering *gathering, struct diagnostics *errors)
{
    const struct manifest *manifest = gathering->manifest;
    gathering->files = memory_zeroed(manifest->row_count, sizeof(struct result_file *), "results");
    for (uint32_t r = 0; r < manifest->row_count; r++) {
        if (!manifest_result_there(&manifest->rows[r]))
            continue;
        gathering->files[r] = read_result(manifest->rows[r].result, errors);
        if (!gathering->files[r])
            return false;
        if (!gathering->first)
            gathering->first = gathering->files[r];
        gathering->found++;
    }
    return true;
}

static uint64_t number_of(const struct config_node *object, const char *key)
{
    const struct config_node *node = object ? config_tree_member(object, key) : NULL;
    uint64_t value = 0;
    if (node && node->kind == CONFIG_NUMBER)
        parse_count(node->text, &value);
    return value;
}

static const char *text_of(const struct config_node *object, const char *key)
{
    const struct config_node *node = config_tree_member(object, key);
    return node && node->kind == CONFIG_STRING ? node->text : "";
}

/* "inputs" of a single run are those of its tasks, each distinct one once. */
static void take_inputs(struct run_record *record, const struct result_file *file)
{
    const struct config_node *list = config_tree_member(file->root, "inputs");
    if (!list)
        return;
    record->inputs = memory_zeroed(list->children + 1, sizeof(*record->inputs), "inputs of a run");
    for (const struct config_node *input = list->first; input; input = input->next)
        record->inputs[record->input_count++] =
            (struct run_input){text_of(input, "type"), text_of(input, "fingerprint"),
                               number_of(input, "accesses"), (uint32_t)number_of(input, "spaces")};
}

static void take_run(struct run_record *record, const struct result_file *file)
{
    const struct config_node *host = config_tree_member(file->root, "host");
    const struct config_node *runs = host ? config_tree_member(host, "runs") : NULL;
    record->started = true;
    record->from_file = &file->variants[0].runs[0];
    record->result.seed = record->from_file->seed;
    record->result.complete = true;
    record->result.host_wall_ns = number_of(runs ? runs->first : NULL, "wall_ns");
    record->result.host_state_bytes = number_of(runs ? runs->first : NULL, "state_bytes");
    take_inputs(record, file);
}

/* The config of a single run, with all seeds in the place of its own. */
static cJSON *variant_config(const struct gathering *gathering, const struct result_file *file)
{
    const struct config_node *node = config_tree_member(file->root, "config");
    cJSON *config = node ? config_node_to_json(node) : json_object();
    cJSON *seeds = json_array();
    for (uint32_t s = 0; s < gathering->seed_count; s++)
        json_add_to_array(seeds, json_integer(gathering->seeds[s]));
    cJSON_DeleteItemFromObjectCaseSensitive(config, "seeds");
    json_add(config, "seeds", seeds);
    return config;
}

/* Variants and seeds in the order of the manifest, and where each run belongs.  False after a
 * message: two lines of the manifest would be one run. */
static bool arrange(struct gathering *gathering, struct diagnostics *errors)
{
    const struct manifest *manifest = gathering->manifest;
    for (uint32_t r = 0; r < manifest->row_count; r++)
        if (gathering->files[r]) {
            variant_index(gathering, manifest->rows[r].variant);
            seed_index(gathering, manifest->rows[r].seed);
        }
    gathering->configs = memory_zeroed(gathering->variant_count, sizeof(cJSON *), "configs");
    gathering->runs = memory_zeroed((size_t)gathering->variant_count * gathering->seed_count,
                                    sizeof(*gathering->runs), "results");
    for (uint32_t r = 0; r < manifest->row_count; r++) {
        const struct result_file *file = gathering->files[r];
        if (!file)
            continue;
        uint32_t v = variant_index(gathering, manifest->rows[r].variant);
        uint32_t s = seed_index(gathering, manifest->rows[r].seed);
        if (!gathering->configs[v]) {
            gathering->configs[v] = variant_config(gathering, file);
            gathering->variants[v].config = gathering->configs[v];
            gathering->variants[v].set = config_tree_member(file->variants[0].node, "set");
        }
        struct run_record *run = &gathering->runs[(size_t)v * gathering->seed_count + s];
        if (run->started) {
            struct source_position position = {.file = manifest->path, .line = r + 2, .column = 1};
            diagnostics_add(errors, &position,
                            "variant \"%s\" with seed %" PRIu64 " is there twice; expected a run "
                            "in one line only",
                            manifest->rows[r].variant, manifest->rows[r].seed);
            return false;
        }
        take_run(run, file);
    }
    return true;
}

static void take_plugins(struct gathering *gathering)
{
    const struct config_node *list = config_tree_member(gathering->first->root, "plugins");
    uint32_t count = 0;
    gathering->plugins = memory_zeroed((list ? list->children : 0) + 1, sizeof(*gathering->plugins),
                                       "names of plug-ins");
    for (const struct config_node *at = list ? list->first : NULL; at; at = at->next) {
        struct plugin_file *plugin = &gathering->plugins[count++];
        plugin->path = text_of(at, "path");
        snprintf(plugin->xxh3, sizeof(plugin->xxh3), "%s", text_of(at, "file_xxh3"));
    }
}

static bool write_gathered(struct gathering *gathering, const char *path,
                           struct diagnostics *errors)
{
    const struct config_node *root = gathering->first->root;
    const struct config_node *config = config_tree_member(root, "config");
    struct arena arena = {0};
    take_plugins(gathering);
    struct result_source source = {
        .name = experiment_name(path, &arena),
        .question = text_of(root, "question"),
        .figures = config ? config_tree_member(config, "figures") : NULL,
        .plugins = gathering->plugins,
        .variants = gathering->variants,
        .variant_count = gathering->variant_count,
        .seeds = gathering->seeds,
        .seed_count = gathering->seed_count,
        .runs = gathering->runs,
        .complete = gathering->found == gathering->manifest->row_count,
        .jobs = 1,
    };
    size_t runs = (size_t)source.variant_count * source.seed_count;
    for (size_t r = 0; r < runs; r++)
        source.wall_ns += source.runs[r].result.host_wall_ns;
    bool written = result_file_write(path, &source, errors);
    if (written)
        summary_print(stdout, &source);
    arena_release(&arena);
    return written;
}

static void gathering_release(struct gathering *gathering)
{
    size_t runs = (size_t)gathering->variant_count * gathering->seed_count;
    for (size_t r = 0; gathering->runs && r < runs; r++)
        free(gathering->runs[r].inputs);
    for (uint32_t v = 0; gathering->configs && v < gathering->variant_count; v++)
        cJSON_Delete(gathering->configs[v]);
    for (uint32_t r = 0; gathering->files && r < gathering->manifest->row_count; r++)
        result_file_free(gathering->files[r]);
    free(gathering->runs);
    free(gathering->configs);
    free(gathering->files);
    free(gathering->variants);
    free(gathering->seeds);
    free(gathering->plugins);
}

static int write_file(const struct manifest *manifest, const char *path, struct diagnostics *errors)
{
    struct gathering gathering = {.manifest = manifest};
    int code = 2;
    if (read_results(&gathering, errors)) {
        report_missing(manifest, gathering.found);
        code = 1;
    }
    if (code == 1 && gathering.found)
        code = !arrange(&gathering, errors) ? 2 : write_gathered(&gathering, path, errors) ? 0 : 1;
    gathering_release(&gathering);
    return code;
}

int gather_results(const struct gather_options *options)
{
    struct diagnostics errors = {0};
    struct manifest *manifest = manifest_read(options->manifest, &errors);
    int code = 2;
    if (manifest)
        code = options->output ? write_file(manifest, options->output, &errors)
                               : print_table(manifest, options, &errors);
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    manifest_free(manifest);
    return code;
}

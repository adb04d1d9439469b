/* zsim expand: the points of a sweep as configs, and the table of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/config_resolved.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/manifest.h"
#include "sim/experiment/result_address.h"
#include "sim/experiment/run.h"

struct expansion {
    const struct expand_options *options;
    struct experiment *experiment;
    struct arena arena;
    struct diagnostics errors;
    const char *configs_directory;
    const char *files_directory; /* of the base, as seen from configs_directory */
    int id_digits;               /* of the names of configs */
};

/* ---- names ------------------------------------------------------------------- */

/* How to get from directory `from` to directory `to`; both absolute, without
 * links.  A sweep can then be moved together with its inputs. */
static const char *relative_path(const char *from, const char *to, struct arena *arena)
{
    size_t same = 0; /* bytes up to the last common '/' */
    size_t at = 0;
    while (from[at] && from[at] == to[at]) {
        at++;
        if (from[at - 1] == '/')
            same = at;
    }
    if ((from[at] == '\0' || from[at] == '/') && (to[at] == '\0' || to[at] == '/'))
        same = at;
    const char *down = to + same + (to[same] == '/');
    const char *path = *down ? down : NULL;
    for (const char *rest = from + same; *rest; rest++)
        if (*rest != '/' && (rest == from + same || rest[-1] == '/'))
            path = path ? arena_printf(arena, "../%s", path) : "..";
    return path ? path : ".";
}

static bool find_directories(struct expansion *expansion)
{
    const char *base = *expansion->experiment->directory ? expansion->experiment->directory : ".";
    char *from = realpath(expansion->configs_directory, NULL), *to = realpath(base, NULL);
    if (from && to)
        expansion->files_directory = relative_path(from, to, &expansion->arena);
    else
        fprintf(stderr, "%s: error: %s\n", from ? base : expansion->configs_directory,
                strerror(errno));
    free(from);
    free(to);
    return expansion->files_directory != NULL;
}

/* ---- one run ------------------------------------------------------------------ */

/* The base with one variant and one seed. */
static cJSON *run_config(const struct expansion *expansion, uint32_t variant, uint64_t seed)
{
    static const char *const replaced[] = {"directory", "variants", "sweep", "seeds"};
    const struct experiment *experiment = expansion->experiment;
    const struct variant *of = &experiment->variants[variant];
    cJSON *config = config_node_to_json(experiment->tree);
    for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(config, replaced[i]);
    json_add_string(config, "directory", expansion->files_directory);
    if (of->set) {
        cJSON *variants = json_array(), *named = json_object();
        json_add_string(named, "name", of->name);
        json_add(named, "set", config_node_to_json(of->set));
        json_add_to_array(variants, named);
        json_add(config, "variants", variants);
    }
    cJSON *seeds = json_array();
    json_add_to_array(seeds, json_integer(seed));
    json_add(config, "seeds", seeds);
    return config;
}

static void print_text(FILE *out, const char *text)
{
    for (const char *at = text; *at; at++)
        fputc(*at == '\t' || *at == '\n' ? ' ' : *at, out);
}

/* A value in a cell: a text as it is, anything else as JSON on one line. */
static void print_cell(FILE *out, const struct config_node *value)
{
    char *text = NULL;
    if (!value)
        return;
    if (value->kind == CONFIG_STRING) {
        text = memory_string(value->text);
    } else {
        cJSON *json = config_node_to_json(value);
        text = memory_checked(cJSON_PrintUnformatted(json), "a value");
        cJSON_Delete(json);
    }
    print_text(out, text);
    free(text);
}

/* ---- the table ------------------------------------------------------------------ */

struct columns {
    const char **names;
    uint32_t count;
};

static bool has_column(const struct columns *columns, const char *name)
{
    for (uint32_t i = 0; i < columns->count; i++)
        if (strcmp(columns->names[i], name) == 0)
            return true;
    return false;
}

/* Columns for the parameters: every path that some variant sets. */
static struct columns list_parameters(const struct experiment *experiment)
{
    struct columns columns = {0};
    for (uint32_t v = 0; v < experiment->variant_count; v++) {
        const struct config_node *set = experiment->variants[v].set;
        for (const struct config_node *key = set ? set->first : NULL; key; key = key->next)
            if (!has_column(&columns, key->key)) {
                columns.names = memory_resized(columns.names, columns.count + 1,
                                               sizeof(*columns.names), "columns");
                columns.names[columns.count++] = key->key;
            }
    }
    return columns;
}

static void print_header(FILE *out, const struct columns *columns,
                         const struct plugin_file *plugins)
{
    fputs("id\tvariant", out);
    for (uint32_t i = 0; i < columns->count; i++)
        fprintf(out, "\t%s", columns->names[i]);
    for (uint32_t i = 0; plugins[i].path; i++) {
        fputs("\t" MANIFEST_PLUGIN, out);
        if (i)
            fprintf(out, " %" PRIu32, i + 1);
    }
    fputs("\tseed\tconfig\tresult\n", out);
}

static void print_line(FILE *out, const struct columns *columns, const struct plugin_file *plugins,
                       const struct variant *variant, uint64_t seed, uint32_t id, int digits,
                       const char *address)
{
    fprintf(out, "%" PRIu32 "\t%s", id, variant->name);
    for (uint32_t i = 0; i < columns->count; i++) {
        fputc('\t', out);
        print_cell(out, variant->set ? config_tree_member(variant->set, columns->names[i]) : NULL);
    }
    for (; plugins->path; plugins++) {
        fputc('\t', out);
        print_text(out, plugins->path);
        fprintf(out, "@%s", plugins->xxh3);
    }
    fprintf(out, "\t%" PRIu64 "\tconfigs/%0*" PRIu32 ".json\tresults/%s.json\n", seed, digits, id,
            address);
}

/* ---- writing -------------------------------------------------------------------- */

/* Expanding again must not touch what runs may be reading. */
static bool holds_already(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char *there = memory_resized(NULL, length + 1, 1, "a config");
    bool same = fread(there, 1, length + 1, file) == length && memcmp(there, text, length) == 0;
    free(there);
    fclose(file);
    return same;
}

static bool write_config(struct expansion *expansion, uint32_t id, uint32_t variant, uint64_t seed)
{
    cJSON *config = run_config(expansion, variant, seed);
    char *text = json_print(config);
    size_t length = strlen(text);
    char *path = memory_printed("%s/%0*" PRIu32 ".json", expansion->configs_directory,
                                expansion->id_digits, id);
    bool good = holds_already(path, text, length) ||
                file_write_unsynced(path, text, length, &expansion->errors);
    free(path);
    free(text);
    cJSON_Delete(config);
    return good;
}

/* All configs, then the manifest that makes them count. */
static bool write_sweep(struct expansion *expansion, FILE *table)
{
    struct experiment *experiment = expansion->experiment;
    struct columns columns = list_parameters(experiment);
    const struct plugin_file *plugins = plugins_files(experiment->plugins);
    char address[RESULT_ADDRESS_DIGITS + 1];
    uint32_t id = 0;
    bool good = true;
    print_header(table, &columns, plugins);
    for (uint32_t v = 0; good && v < experiment->variant_count; v++)
        for (uint32_t s = 0; good && s < experiment->seed_count; s++) {
            uint64_t seed = experiment->seeds[s];
            good = result_address(experiment, v, seed, address, &expansion->errors) &&
                   write_config(expansion, ++id, v, seed);
            if (good)
                print_line(table, &columns, plugins, &experiment->variants[v], seed, id,
                           expansion->id_digits, address);
        }
    free(columns.names);
    return good;
}

static int write_all(struct expansion *expansion)
{
    const char *directory = expansion->options->directory;
    uint64_t runs =
        (uint64_t)expansion->experiment->variant_count * expansion->experiment->seed_count;
    expansion->configs_directory = arena_printf(&expansion->arena, "%s/configs", directory);
    expansion->id_digits = snprintf(NULL, 0, "%" PRIu64, runs);
    if (expansion->id_digits < 4)
        expansion->id_digits = 4;
    int code = directory_prepare(expansion->configs_directory);
    if (!code)
        code = directory_prepare(arena_printf(&expansion->arena, "%s/results", directory));
    if (code || !find_directories(expansion))
        return code ? code : 1;
    char *text;
    size_t length;
    FILE *table = memory_stream_open(&text, &length);
    bool good = write_sweep(expansion, table);
    memory_stream_close(table);
    const char *path = arena_printf(&expansion->arena, "%s/manifest.tsv", directory);
    good = good && file_write_whole(path, text, length, &expansion->errors);
    free(text);
    diagnostics_print(&expansion->errors);
    if (good)
        fprintf(stderr, "zsim: %s: %" PRIu64 " runs\n", path, runs);
    return good ? 0 : 1;
}

int manifest_expand(const struct expand_options *options)
{
    struct expansion expansion = {.options = options};
    expansion.experiment =
        experiment_read_sweep(options->config, options->axes, options->axis_count, options->seeds,
                              options->plugins, &expansion.errors);
    int code = 2;
    if (expansion.experiment) {
        code = write_all(&expansion);
    } else {
        diagnostics_print(&expansion.errors);
        fprintf(stderr, "zsim: %zu error%s in %s; nothing was written\n", expansion.errors.count,
                expansion.errors.count == 1 ? "" : "s", shown_name(options->config));
    }
    experiment_free(expansion.experiment);
    arena_release(&expansion.arena);
    diagnostics_release(&expansion.errors);
    return code;
}

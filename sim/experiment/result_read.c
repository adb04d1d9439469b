/* A result file, read for comparisons; one of another schema is refused with its place. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/files.h"
#include "sim/base/units.h"
#include "sim/experiment/result_file.h"

/* A larger file is not one of ours that could be compared in memory. */
static const uint64_t RESULT_BYTES_AT_MOST = (uint64_t)1 << 30;

static char *read_text(FILE *stream, size_t *length)
{
    size_t size = 1 << 16;
    char *text = memory_resized(NULL, size, 1, "a result file");
    *length = 0;
    for (;;) {
        *length += fread(text + *length, 1, size - *length, stream);
        if (*length < size || *length > RESULT_BYTES_AT_MOST)
            return text;
        size *= 2;
        text = memory_resized(text, size, 1, "a result file");
    }
}

/* The bytes of a file; NULL after a message. */
static char *load(const char *path, size_t *length, struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    const char *why;
    FILE *stream = file_open_stream(path, &why);
    if (!stream) {
        diagnostics_add(errors, &position, "cannot be read: %s", why);
        return NULL;
    }
    char *text = read_text(stream, length);
    if (ferror(stream) || *length > RESULT_BYTES_AT_MOST) {
        diagnostics_add(errors, &position, "%s",
                        ferror(stream) ? "cannot be read to its end"
                                       : "larger than 1 GiB, which no result to compare is");
        free(text);
        text = NULL;
    }
    fclose(stream);
    return text;
}

static const char *kind_name(const struct config_node *node)
{
    static const char *const names[] = {"an object", "a list",        "a string",
                                        "a number",  "true or false", "null"};
    return node ? names[node->kind] : "nothing";
}

/* A member of the kind that a result file has there; NULL after a message. */
static const struct config_node *expect(const struct config_node *object, const char *key,
                                        enum config_kind kind, struct diagnostics *errors)
{
    const struct config_node *member = config_tree_member(object, key);
    if (member && member->kind == kind)
        return member;
    struct config_node wanted = {.kind = kind};
    diagnostics_add(errors, member ? &member->at : &object->at,
                    "not a result file: expected \"%s\" to be %s, found %s", key,
                    kind_name(&wanted), kind_name(member));
    return NULL;
}

static bool expect_bool(const struct config_node *object, const char *key, bool *value,
                        struct diagnostics *errors)
{
    const struct config_node *node = expect(object, key, CONFIG_BOOL, errors);
    if (node)
        *value = strcmp(node->text, "true") == 0;
    return node != NULL;
}

static bool read_run(const struct config_node *node, struct result_file_run *run,
                     struct diagnostics *errors)
{
    if (node->kind != CONFIG_OBJECT) {
        diagnostics_add(errors, &node->at, "not a result file: expected a run, found %s",
                        kind_name(node));
        return false;
    }
    const struct config_node *seed = expect(node, "seed", CONFIG_NUMBER, errors);
    if (!seed || !expect_bool(node, "complete", &run->complete, errors))
        return false;
    run->node = node;
    if (!parse_count(seed->text, &run->seed)) {
        diagnostics_add(errors, &seed->at, "expected a seed, a whole number, found %s", seed->text);
        return false;
    }
    return true;
}

static bool read_variant(struct result_file *file, const struct config_node *node,
                         struct result_file_variant *variant, struct diagnostics *errors)
{
    if (node->kind != CONFIG_OBJECT) {
        diagnostics_add(errors, &node->at, "not a result file: expected a variant, found %s",
                        kind_name(node));
        return false;
    }
    const struct config_node *name = expect(node, "name", CONFIG_STRING, errors);
    const struct config_node *runs = name ? expect(node, "runs", CONFIG_ARRAY, errors) : NULL;
    if (!runs)
        return false;
    variant->name = name->text;
    variant->node = node;
    variant->runs = arena_zeroed(&file->arena, (runs->children + 1) * sizeof(*variant->runs));
    for (const struct config_node *run = runs->first; run; run = run->next)
        if (!read_run(run, &variant->runs[variant->run_count++], errors))
            return false;
    return true;
}

static bool read_document(struct result_file *file, const struct config_node *root,
                          struct diagnostics *errors)
{
    if (root->kind != CONFIG_OBJECT) {
        diagnostics_add(errors, &root->at, "not a result file: expected an object, found %s",
                        kind_name(root));
        return false;
    }
    const struct config_node *schema = expect(root, "schema", CONFIG_STRING, errors);
    if (!schema)
        return false;
    if (strcmp(schema->text, RESULT_SCHEMA) != 0) {
        diagnostics_add(errors, &schema->at, "expected the schema \"%s\", found \"%s\"",
                        RESULT_SCHEMA, schema->text);
        return false;
    }
    const struct config_node *name = expect(root, "name", CONFIG_STRING, errors);
    const struct config_node *hash =
        name ? expect(root, "config_xxh3", CONFIG_STRING, errors) : NULL;
    if (!hash || !expect_bool(root, "complete", &file->complete, errors))
        return false;
    const struct config_node *variants = expect(root, "variants", CONFIG_ARRAY, errors);
    if (!variants)
        return false;
    file->root = root;
    file->name = name->text;
    file->config_hash = hash->text;
    file->variants = arena_zeroed(&file->arena, (variants->children + 1) * sizeof(*file->variants));
    for (const struct config_node *node = variants->first; node; node = node->next)
        if (!read_variant(file, node, &file->variants[file->variant_count++], errors))
            return false;
    return true;
}

struct result_file *result_file_read(const char *path, struct diagnostics *errors)
{
    size_t length;
    char *text = load(path, &length, errors);
    if (!text)
        return NULL;
    struct result_file *file = memory_zeroed(1, sizeof(*file), "a result file");
    file->path = arena_string(&file->arena, path, strlen(path));
    const struct config_node *root =
        config_tree_parse(file->path, text, length, &file->arena, errors);
    free(text);
    if (root && read_document(file, root, errors))
        return file;
    result_file_free(file);
    return NULL;
}

void result_file_free(struct result_file *file)
{
    if (!file)
        return;
    arena_release(&file->arena);
    free(file);
}

int result_file_metric(const struct result_file_run *run, const struct metric *metric,
                       double *value, struct diagnostics *errors)
{
    const struct config_node *node = run->node;
    for (unsigned i = 0; i < METRIC_PATH_AT_MOST && metric->path[i]; i++) {
        const struct config_node *member =
            node->kind == CONFIG_OBJECT ? config_tree_member(node, metric->path[i]) : NULL;
        if (!member && strcmp(metric->path[0], "bound") == 0)
            return 0; /* not asked for */
        if (!member && i == 1 && strcmp(metric->path[0], "cgroups") == 0)
            return 0; /* another variant's; see result_file_expect_cgroup() */
        if (!member) {
            diagnostics_add(errors, &node->at, "the run of seed %llu has no \"%s\"",
                            (unsigned long long)run->seed, metric->name);
            return -1;
        }
        node = member;
    }
    if (node->kind == CONFIG_NULL)
        return 0;
    if (node->kind != CONFIG_NUMBER) {
        diagnostics_add(errors, &node->at, "expected \"%s\" to be a number, found %s", metric->name,
                        kind_name(node));
        return -1;
    }
    *value = strtod(node->text, NULL);
    return 1;
}

int result_file_run_killed(const struct result_file_run *run, struct diagnostics *errors)
{
    struct metric metric;
    double kills = 0;
    metric_describe(metric_of_counter(COUNTER_oom_kill), &metric);
    return result_file_metric(run, &metric, &kills, errors) < 0 ? -1 : kills > 0;
}

bool result_file_expect_cgroup(const struct result_file *file, const struct metric *metric,
                               struct diagnostics *errors)
{
    const struct config_node *cgroups = NULL;
    if (strcmp(metric->path[0], "cgroups") != 0)
        return true;
    for (uint32_t v = 0; v < file->variant_count; v++)
        for (uint32_t r = 0; r < file->variants[v].run_count; r++) {
            const struct config_node *of =
                config_tree_member(file->variants[v].runs[r].node, "cgroups");
            if (!of || of->kind != CONFIG_OBJECT)
                continue;
            if (config_tree_member(of, metric->path[1]))
                return true;
            cgroups = cgroups ? cgroups : of;
        }
    const char **names =
        memory_zeroed((cgroups ? cgroups->children : 0) + 1, sizeof(*names), "names of cgroups");
    size_t count = 0;
    for (const struct config_node *of = cgroups ? cgroups->first : NULL; of; of = of->next)
        names[count++] = of->key;
    const char *nearest = nearest_name(metric->path[1], names, count);
    diagnostics_add(errors, &(struct source_position){.file = file->path},
                    "%s: no run has a cgroup \"%s\"%s%s%s", metric->name, metric->path[1],
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "");
    free(names);
    return false;
}

bool result_file_same_inputs(const struct result_file_run *a, const struct result_file_run *b)
{
    const struct config_node *in_a = config_tree_member(a->node, "inputs");
    const struct config_node *in_b = config_tree_member(b->node, "inputs");
    if (!in_a || !in_b || in_a->children != in_b->children)
        return false;
    const struct config_node *other = in_b->first;
    for (const struct config_node *one = in_a->first; one; one = one->next, other = other->next)
        if (one->kind != CONFIG_STRING || other->kind != CONFIG_STRING ||
            strcmp(one->text, other->text) != 0)
            return false;
    return true;
}

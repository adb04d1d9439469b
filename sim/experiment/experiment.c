#include "sim/experiment/experiment.h"

#include <stdlib.h>
#include <string.h>

#include "sim/experiment/config_decode.h"
#include "sim/experiment/config_variants.h"
#include "sim/experiment/shared_inputs.h"

const char *experiment_name(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".json") == 0)
        length -= 5;
    return arena_string(arena, name, length);
}

static const char *directory_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return "";
    return slash == path ? "/." : arena_string(arena, path, (size_t)(slash - path));
}

/* Where file names start from: where the config lies, or what it says. */
static void read_directory(struct experiment *experiment, struct decoder *decoder)
{
    const struct config_node *node = config_tree_member(experiment->tree, "directory");
    if (node && node->kind == CONFIG_STRING)
        decoder->directory = decode_file_name(decoder, node->text);
    experiment->directory = decoder->directory;
}

/* A document in memory, or (text NULL) the file at `path`. */
struct source_document {
    const char *path, *directory, *text;
    size_t length;
    const struct plugins *plugins; /* NULL: none */
    struct shared_inputs *inputs;  /* NULL: its own */
    const char *const *overrides;  /* "PATH=VALUE" */
    uint32_t override_count;
    const char *const *axes; /* "PATH=VALUE,VALUE" */
    uint32_t axis_count;
    const char *seeds; /* "1..10"; NULL: as the document says */
};

/* Overrides, variants, then every variant's config. */
static void read_document(struct experiment *experiment, struct decoder *decoder,
                          const struct source_document *source)
{
    if (!experiment->tree)
        return;
    if (experiment->tree->kind != CONFIG_OBJECT) {
        decode_expected(decoder, experiment->tree, "an object");
        return;
    }
    variants_override(decoder, experiment->tree, source->overrides, source->override_count);
    variants_add_axes(decoder, experiment->tree, source->axes, source->axis_count);
    read_directory(experiment, decoder);
    variants_seeds(decoder, experiment->tree, source->seeds, experiment);
    variants_expand(decoder, experiment->tree, source->overrides, source->override_count,
                    experiment);
    decoder->seed = experiment->seeds[0];
    for (uint32_t i = 0; i < experiment->variant_count; i++)
        config_decode(decoder, experiment->variants[i].tree, &experiment->variants[i].config);
    const struct config_node *question = config_tree_member(experiment->tree, "question");
    experiment->question = question && question->kind == CONFIG_STRING ? question->text : "";
    experiment->figures = config_tree_member(experiment->tree, "figures");
}

static struct experiment *read_experiment(const struct source_document *source,
                                          struct diagnostics *errors)
{
    struct experiment *experiment = memory_zeroed(1, sizeof(*experiment), "an experiment");
    struct arena *arena = &experiment->arena;
    const char *path = source->path;
    size_t errors_before = errors->count;
    experiment->path = arena_string(arena, path, strlen(path));
    experiment->name = experiment_name(path, arena);
    experiment->owns_inputs = !source->inputs;
    experiment->inputs = source->inputs ? source->inputs : shared_inputs_create();
    experiment->plugins = source->plugins;
    struct decoder decoder = {.arena = arena,
                              .errors = errors,
                              .directory = source->text ? arena_string(arena, source->directory,
                                                                       strlen(source->directory))
                                                        : directory_of(path, arena),
                              .plugins = source->plugins,
                              .inputs = experiment->inputs};
    experiment->tree = source->text
                           ? config_tree_parse(path, source->text, source->length, arena, errors)
                           : config_tree_read(experiment->path, arena, errors);
    read_document(experiment, &decoder, source);
    decoder_finish(&decoder);
    if (errors->count > errors_before) {
        experiment_free(experiment);
        return NULL;
    }
    return experiment;
}

struct experiment *experiment_read(const char *path, const char *const *overrides,
                                   uint32_t override_count, const char *seeds,
                                   struct diagnostics *errors)
{
    return experiment_read_with_plugins(path, overrides, override_count, seeds, NULL, errors);
}

struct experiment *experiment_read_with_plugins(const char *path, const char *const *overrides,
                                                uint32_t override_count, const char *seeds,
                                                const struct plugins *plugins,
                                                struct diagnostics *errors)
{
    struct source_document source = {.path = path,
                                     .plugins = plugins,
                                     .overrides = overrides,
                                     .override_count = override_count,
                                     .seeds = seeds};
    return read_experiment(&source, errors);
}

struct experiment *experiment_read_sweep(const char *path, const char *const *axes,
                                         uint32_t axis_count, const char *seeds,
                                         const struct plugins *plugins, struct diagnostics *errors)
{
    struct source_document source = {
        .path = path, .plugins = plugins, .axes = axes, .axis_count = axis_count, .seeds = seeds};
    return read_experiment(&source, errors);
}

struct experiment *experiment_read_sharing(const char *path, struct shared_inputs *inputs,
                                           const struct plugins *plugins,
                                           struct diagnostics *errors)
{
    struct source_document source = {.path = path, .plugins = plugins, .inputs = inputs};
    return read_experiment(&source, errors);
}

struct experiment *experiment_parse(const char *name, const char *directory, const char *text,
                                    size_t length, struct diagnostics *errors)
{
    return experiment_parse_with_plugins(name, directory, text, length, NULL, 0, NULL, errors);
}

struct experiment *
experiment_parse_with_plugins(const char *name, const char *directory, const char *text,
                              size_t length, const char *const *overrides, uint32_t override_count,
                              const struct plugins *plugins, struct diagnostics *errors)
{
    struct source_document source = {.path = name,
                                     .directory = directory,
                                     .text = text,
                                     .length = length,
                                     .plugins = plugins,
                                     .overrides = overrides,
                                     .override_count = override_count};
    return read_experiment(&source, errors);
}

void experiment_free(struct experiment *experiment)
{
    if (!experiment)
        return;
    if (experiment->owns_inputs)
        shared_inputs_free(experiment->inputs);
    arena_release(&experiment->arena);
    free(experiment);
}

/* Contents follow the workload where its spaces have another size with this seed. */
static void resize_contents(struct experiment *experiment, const struct task_config *before,
                            struct task_config *task, struct diagnostics *errors)
{
    uint32_t spaces = task->workload->spaces;
    struct content **contents =
        shared_inputs_memory(experiment->inputs, spaces * sizeof(*contents));
    for (uint32_t i = 0; i < spaces; i++)
        contents[i] = shared_inputs_resized(experiment->inputs, before->contents[i],
                                            task->workload->space_pages[i], errors);
    task->contents = contents;
}

static bool reseed_task(struct experiment *experiment, const struct task_config *before,
                        uint64_t seed, struct task_config *task, struct diagnostics *errors)
{
    task->workload = shared_inputs_reseeded(experiment->inputs, before->workload, seed, errors);
    if (!task->workload)
        return false;
    if (task->workload->spaces != before->workload->spaces) {
        struct source_position position = {.file = experiment->path};
        diagnostics_add(errors, &position,
                        "task \"%s\" has %u address spaces with one seed and %u with another",
                        task->name, before->workload->spaces, task->workload->spaces);
        return false;
    }
    for (uint32_t i = 0; i < task->workload->spaces; i++)
        if (task->workload->space_pages[i] != before->workload->space_pages[i]) {
            resize_contents(experiment, before, task, errors);
            break;
        }
    return true;
}

bool experiment_config(struct experiment *experiment, uint32_t variant, uint64_t seed,
                       struct config *config, struct diagnostics *errors)
{
    const struct config *base = &experiment->variants[variant].config;
    *config = *base;
    if (seed == experiment->seeds[0])
        return true;
    config->tasks =
        shared_inputs_memory(experiment->inputs, base->task_count * sizeof(*config->tasks));
    size_t errors_before = errors->count;
    for (uint32_t i = 0; i < base->task_count; i++) {
        config->tasks[i] = base->tasks[i];
        if (base->tasks[i].workload->type->seeded)
            reseed_task(experiment, &base->tasks[i], task_stream_seed(seed, i), &config->tasks[i],
                        errors);
    }
    return errors->count == errors_before;
}

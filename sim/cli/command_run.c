/* zsim run CONFIG.json..., zsim run --manifest M --id N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"
#include "sim/cli/commands.h"
#include "sim/experiment/manifest.h"
#include "sim/experiment/run.h"

struct arguments {
    struct run_options options;
    const char **overrides;
    uint32_t override_count;
    const char *seeds;
    const char *manifest, *ids;
    struct plugins *plugins;
    bool check_only, help;
    char **configs;
    int config_count;
};

enum {
    FLAG_SEEDS = 256,
    FLAG_SET,
    FLAG_CHECK_ONLY,
    FLAG_CHECK_INVARIANTS,
    FLAG_PROGRESS,
    FLAG_PLUGIN,
    FLAG_MANIFEST,
    FLAG_ID,
    FLAG_BOUND
};

const struct option run_flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"jobs", required_argument, NULL, 'j'},
    {"seeds", required_argument, NULL, FLAG_SEEDS},
    {"set", required_argument, NULL, FLAG_SET},
    {"check-only", no_argument, NULL, FLAG_CHECK_ONLY},
    {"check-invariants", optional_argument, NULL, FLAG_CHECK_INVARIANTS},
    {"progress", required_argument, NULL, FLAG_PROGRESS},
    {"plugin", required_argument, NULL, FLAG_PLUGIN},
    {"manifest", required_argument, NULL, FLAG_MANIFEST},
    {"id", required_argument, NULL, FLAG_ID},
    {"bound", no_argument, NULL, FLAG_BOUND},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int set_progress(struct arguments *arguments, const char *text)
{
    static const char *const modes[] = {"auto", "always", "never"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, modes[i]) == 0) {
            arguments->options.progress = (enum progress_mode)i;
            return EXIT_DONE;
        }
    return usage_error("flag --progress: expected auto, always or never, found \"%s\"", text);
}

static int set_checks(struct arguments *arguments, const char *text)
{
    arguments->options.checks = text ? CHECKS_FULL : CHECKS_SAMPLED;
    if (text && strcmp(text, "full") != 0)
        return usage_error("flag --check-invariants: expected nothing or =full, found \"%s\"",
                           text);
    return EXIT_DONE;
}

static int take_flag(void *into, int flag, const char *text)
{
    struct arguments *arguments = into;
    switch (flag) {
    case 'o':
        return take_directory(text, &arguments->options.output_directory);
    case 'j':
        return take_jobs(text, &arguments->options.jobs);
    case FLAG_SEEDS:
        arguments->seeds = text;
        return EXIT_DONE;
    case FLAG_SET:
        arguments->overrides[arguments->override_count++] = text;
        return EXIT_DONE;
    case FLAG_BOUND:
        arguments->overrides[arguments->override_count++] = "engine.bound=true";
        return EXIT_DONE;
    case FLAG_CHECK_ONLY:
        arguments->check_only = true;
        return EXIT_DONE;
    case FLAG_CHECK_INVARIANTS:
        return set_checks(arguments, text);
    case FLAG_MANIFEST:
        arguments->manifest = text;
        return EXIT_DONE;
    case FLAG_ID:
        arguments->ids = text;
        return EXIT_DONE;
    case FLAG_PLUGIN:
        return add_plugin(arguments->plugins, text);
    case FLAG_PROGRESS:
        return set_progress(arguments, text);
    default:
        arguments->help = true;
        return EXIT_DONE;
    }
}

/* A line of a manifest says everything about its run. */
static int check_manifest_flags(const struct arguments *arguments)
{
    if (arguments->ids && !arguments->manifest)
        return usage_error("flag --id: needs --manifest");
    if (!arguments->manifest)
        return EXIT_DONE;
    if (arguments->config_count)
        return usage_error("flag --manifest: takes the place of a config, found \"%s\" too",
                           arguments->configs[0]);
    const char *flag = arguments->override_count             ? "--set"
                       : arguments->seeds                    ? "--seeds"
                       : arguments->options.output_directory ? "-o"
                       : arguments->check_only               ? "--check-only"
                                                             : NULL;
    if (flag)
        return usage_error("flag %s: a manifest says this for each of its runs (zsim expand)",
                           flag);
    return EXIT_DONE;
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    int code = take_flags(argc, argv, ":o:j:h", run_flags, take_flag, arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments->help) {
        print_help();
        return finish_output(EXIT_DONE);
    }
    arguments->configs = argv + optind;
    arguments->config_count = argc - optind;
    code = check_manifest_flags(arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments->config_count == 0 && !arguments->manifest)
        return usage_error("expected a config file (zsim --help)");
    return -1;
}

/* NULL after messages on stderr. */
static struct experiment *read_config(const struct arguments *arguments, const char *path)
{
    struct diagnostics errors = {0};
    struct experiment *experiment =
        experiment_read_with_plugins(path, arguments->overrides, arguments->override_count,
                                     arguments->seeds, arguments->plugins, &errors);
    if (!experiment) {
        diagnostics_print(&errors);
        fprintf(stderr, "zsim: %zu error%s in %s; nothing was run\n", errors.count,
                errors.count == 1 ? "" : "s", shown_name(path));
    }
    diagnostics_release(&errors);
    return experiment;
}

/* Two experiments of one name would write the same result file. */
static bool names_differ(struct experiment *const *experiments, int count)
{
    for (int b = 1; b < count; b++)
        for (int a = 0; a < b; a++)
            if (experiments[a] && experiments[b] &&
                strcmp(experiments[a]->name, experiments[b]->name) == 0) {
                usage_error("%s and %s would both write the result %s.json; nothing was run",
                            experiments[a]->path, experiments[b]->path, experiments[a]->name);
                return false;
            }
    return true;
}

/* A config in the directory that results go to has the name of its own result. */
static bool configs_stay(const struct arguments *arguments, struct experiment *const *experiments)
{
    const char *directory =
        arguments->options.output_directory ? arguments->options.output_directory : "results";
    struct arena arena = {0};
    bool good = true;
    for (int i = 0; good && i < arguments->config_count; i++) {
        good = !file_same(experiments[i]->path,
                          experiment_result_path(experiments[i], directory, &arena));
        if (!good)
            usage_error("%s would be overwritten by its own result; expected another directory "
                        "with -o than \"%s\"; nothing was run",
                        experiments[i]->path, directory);
    }
    arena_release(&arena);
    return good;
}

static int run_all(const struct arguments *arguments, struct experiment *const *experiments)
{
    int code = EXIT_DONE;
    for (int i = 0; i < arguments->config_count; i++) {
        if (arguments->check_only) {
            printf("%s: %u variant%s, %u seed%s\n", experiments[i]->path,
                   experiments[i]->variant_count, experiments[i]->variant_count == 1 ? "" : "s",
                   experiments[i]->seed_count, experiments[i]->seed_count == 1 ? "" : "s");
            continue;
        }
        int run_code = experiment_run(experiments[i], &arguments->options);
        if (run_code != EXIT_DONE)
            code = run_code;
        if (run_code == EXIT_INTERRUPTED)
            break;
    }
    return finish_output(code);
}

static int run_manifest(const struct arguments *arguments)
{
    struct manifest_run_options options = {
        .manifest = arguments->manifest,
        .ids = arguments->ids,
        .jobs = arguments->options.jobs,
        .checks = arguments->options.checks,
        .progress = arguments->options.progress,
        .plugins = arguments->plugins,
    };
    return finish_output(manifest_run(&options));
}

static int run_configs(const struct arguments *arguments)
{
    int count = arguments->config_count;
    bool good = true;
    struct experiment **experiments =
        memory_zeroed((size_t)count, sizeof(struct experiment *), "experiments");
    /* All are checked before any is run. */
    for (int i = 0; i < count; i++) {
        experiments[i] = read_config(arguments, arguments->configs[i]);
        good &= experiments[i] != NULL;
    }
    good = good && names_differ(experiments, count) &&
           (arguments->check_only || configs_stay(arguments, experiments));
    int code = good ? run_all(arguments, experiments) : EXIT_USER_MISTAKE;
    for (int i = 0; i < count; i++)
        experiment_free(experiments[i]);
    free(experiments);
    return code;
}

int command_run(int argc, char **argv)
{
    struct arguments arguments = {0};
    /* At most one --set or --bound for each word of the command line. */
    arguments.overrides =
        memory_zeroed((size_t)argc, sizeof(*arguments.overrides), "the command line");
    arguments.plugins = plugins_create();
    int code = parse_arguments(argc, argv, &arguments);
    if (code < 0)
        code = arguments.manifest ? run_manifest(&arguments) : run_configs(&arguments);
    plugins_free(arguments.plugins);
    free(arguments.overrides);
    return code;
}

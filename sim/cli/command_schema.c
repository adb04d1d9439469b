/* zsim schema [--markdown|--mdoc] [--metrics], zsim defaults [KERNEL] */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/diagnostics.h"
#include "sim/base/files.h"
#include "sim/cli/commands.h"
#include "sim/experiment/config_decode.h"
#include "sim/experiment/config_reference.h"
#include "sim/experiment/config_resolved.h"
#include "sim/experiment/manual.h"
#include "sim/experiment/metrics.h"

static const char usage_text[] =
    "usage: zsim schema [--markdown|--mdoc] [--metrics] [--plugin FILE.so]...\n"
    "\n"
    "The JSON Schema of a config, or the reference pages, from the program's tables.\n"
    "\n"
    "  --markdown        the reference page of configs instead (docs/config.md)\n"
    "  --mdoc            the same as a manual page (zsim-config(5))\n"
    "  --metrics         the page of what is counted (docs/metrics.md, zsim-metrics(5))\n"
    "  --plugin FILE.so  with the policies of a shared object; may be repeated\n";

enum { FLAG_MARKDOWN = 256, FLAG_MDOC, FLAG_METRICS, FLAG_PLUGIN };

const struct option schema_flags[] = {
    {"markdown", no_argument, NULL, FLAG_MARKDOWN},
    {"mdoc", no_argument, NULL, FLAG_MDOC},
    {"metrics", no_argument, NULL, FLAG_METRICS},
    {"plugin", required_argument, NULL, FLAG_PLUGIN},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct arguments {
    bool markdown, mdoc, metrics;
    struct plugins *plugins;
};

static int print_json(cJSON *json)
{
    char *text = memory_checked(cJSON_Print(json), "the schema");
    cJSON_Delete(json);
    standard_output_put(text);
    standard_output_put("\n");
    free(text);
    return finish_output(EXIT_DONE);
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    int flag, code;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":h", schema_flags, NULL)) != -1)
        switch (flag) {
        case FLAG_MARKDOWN:
            arguments->markdown = true;
            break;
        case FLAG_MDOC:
            arguments->mdoc = true;
            break;
        case FLAG_METRICS:
            arguments->metrics = true;
            break;
        case FLAG_PLUGIN:
            code = add_plugin(arguments->plugins, optarg);
            if (code != EXIT_DONE)
                return code;
            break;
        case 'h':
            fputs(usage_text, stdout);
            return finish_output(EXIT_DONE);
        default:
            return flag_error(argc, argv, flag, schema_flags);
        }
    if (optind < argc)
        return usage_error("schema: expected flags alone, found \"%s\"", argv[optind]);
    if (arguments->markdown && arguments->mdoc)
        return usage_error("schema: expected --markdown or --mdoc, found both");
    return -1;
}

static int print_schema(const struct arguments *arguments)
{
    if (arguments->metrics && arguments->mdoc)
        manual_metrics_print(stdout);
    else if (arguments->metrics)
        metrics_reference_print(stdout);
    else if (arguments->mdoc)
        manual_config_print(stdout, arguments->plugins);
    else if (arguments->markdown)
        config_markdown(stdout, arguments->plugins);
    else
        return print_json(config_schema(arguments->plugins));
    return finish_output(EXIT_DONE);
}

int command_schema(int argc, char **argv)
{
    struct arguments arguments = {.plugins = plugins_create()};
    int code = parse_arguments(argc, argv, &arguments);
    if (code < 0)
        code = print_schema(&arguments);
    plugins_free(arguments.plugins);
    return code;
}

static int print_defaults(int count, char **words)
{
    static const char document[] = "{\"kernel\": \"\"}";
    if (count > 1)
        return usage_error("defaults: expected at most one kernel, found %d", count);
    /* The same check and message as for "kernel" in a config. */
    struct arena arena = {0};
    struct diagnostics errors = {0};
    struct config_node *tree =
        config_tree_parse("zsim defaults", document, sizeof(document) - 1, &arena, &errors);
    tree->first->text = count ? words[0] : DEFAULT_KERNEL;
    tree->first->at = (struct source_position){.file = "zsim defaults"};
    struct decoder decoder = {.arena = &arena, .errors = &errors, .directory = ""};
    const struct kernel_preset *preset = decode_kernel(&decoder, tree);
    decoder_finish(&decoder);
    int code = preset ? print_json(config_defaults(preset)) : EXIT_USER_MISTAKE;
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    arena_release(&arena);
    return code;
}

/* A plug-in adds choices and changes no default: it is only checked. */
int command_defaults(int argc, char **argv)
{
    struct plugins *plugins = plugins_create();
    int code = parse_plugin_flags(argc, argv, plugins);
    if (code < 0)
        code = print_defaults(argc - optind, argv + optind);
    plugins_free(plugins);
    return code;
}

/* zsim expand BASE.json --set a=1,2 -o DIR */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/commands.h"
#include "sim/experiment/manifest.h"

static const char usage_text[] =
    "usage: zsim expand BASE.json -o DIR [OPTION]...\n"
    "\n"
    "Write a sweep: a config for each run (one variant of BASE, one point of the\n"
    "sweep, one seed) and DIR/manifest.tsv, the table of them.  `zsim run --manifest\n"
    "DIR/manifest.tsv --id N` makes run N; scripts/sweep makes all of them.\n"
    "\n"
    "  --set PATH=VALUE,VALUE,...  an axis of the sweep (repeatable); commas inside\n"
    "                              brackets, braces and quotes belong to a value\n"
    "  --seeds 1..5                instead of the seeds of BASE\n"
    "  -o DIR                      where to; results that are there stay\n"
    "  --plugin FILE.so            policies from a shared object; may be repeated\n";

struct arguments {
    struct expand_options options;
    const char **axes;
    struct plugins *plugins;
};

enum { FLAG_SET = 256, FLAG_SEEDS, FLAG_PLUGIN };

const struct option expand_flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"set", required_argument, NULL, FLAG_SET},
    {"seeds", required_argument, NULL, FLAG_SEEDS},
    {"plugin", required_argument, NULL, FLAG_PLUGIN},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    int flag, code;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":o:h", expand_flags, NULL)) != -1)
        switch (flag) {
        case 'o':
            arguments->options.directory = optarg;
            break;
        case FLAG_SET:
            arguments->axes[arguments->options.axis_count++] = optarg;
            break;
        case FLAG_SEEDS:
            arguments->options.seeds = optarg;
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
            return flag_error(argc, argv, flag, expand_flags);
        }
    if (argc - optind != 1)
        return usage_error("expand: expected one config, found %d", argc - optind);
    if (!arguments->options.directory || !*arguments->options.directory)
        return usage_error("expand: expected -o DIR");
    arguments->options.config = argv[optind];
    return -1;
}

int command_expand(int argc, char **argv)
{
    struct arguments arguments = {0};
    /* At most one --set for each word of the command line. */
    arguments.axes = memory_zeroed((size_t)argc, sizeof(*arguments.axes), "the command line");
    arguments.plugins = plugins_create();
    arguments.options.axes = arguments.axes;
    arguments.options.plugins = arguments.plugins;
    int code = parse_arguments(argc, argv, &arguments);
    if (code < 0)
        code = manifest_expand(&arguments.options);
    plugins_free(arguments.plugins);
    free(arguments.axes);
    return code;
}

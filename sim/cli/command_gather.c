/* zsim gather MANIFEST */
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/files.h"
#include "sim/cli/commands.h"
#include "sim/experiment/gather.h"

static const char usage_text[] =
    "usage: zsim gather DIR/manifest.tsv [OPTION]...\n"
    "\n"
    "The results of a sweep (zsim expand), together: a table on standard output, tab\n"
    "separated, a line for each run; or one result file for zsim compare and\n"
    "scripts/plot.  Runs whose result is not there yet are left out.\n"
    "\n"
    "  -o FILE.json   write a result file instead of the table\n"
    "  --metric NAME  a column of the table (repeatable); see docs/metrics.md\n";

const struct option gather_flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"metric", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, const char **metrics,
                           struct gather_options *options)
{
    int flag;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":o:h", gather_flags, NULL)) != -1)
        switch (flag) {
        case 'o':
            options->output = optarg;
            break;
        case 'm':
            metrics[options->metric_count++] = optarg;
            break;
        case 'h':
            fputs(usage_text, stdout);
            return finish_output(EXIT_DONE);
        default:
            return flag_error(argc, argv, flag, gather_flags);
        }
    if (argc - optind != 1)
        return usage_error("gather: expected one manifest, found %d", argc - optind);
    if (options->output && (!*options->output || options->metric_count))
        return usage_error("gather: expected -o FILE.json without --metric");
    if (options->output && file_same(options->output, argv[optind]))
        return usage_error("gather: %s would be overwritten by the result; expected another "
                           "-o FILE.json",
                           argv[optind]);
    options->manifest = argv[optind];
    return -1;
}

int command_gather(int argc, char **argv)
{
    const char **metrics = memory_zeroed((size_t)argc, sizeof(*metrics), "the command line");
    struct gather_options options = {.metrics = metrics};
    int code = parse_arguments(argc, argv, metrics, &options);
    if (code < 0)
        code = finish_output(gather_results(&options));
    free(metrics);
    return code;
}

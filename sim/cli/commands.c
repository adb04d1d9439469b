#include "sim/cli/commands.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <gsl/gsl_version.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/diagnostics.h"
#include "sim/base/files.h"
#include "sim/base/flags.h"
#include "sim/base/units.h"
#include "sim/calibrate/calibrate.h"
#include "sim/cli/analysis.h"
#include "sim/experiment/compare.h"
#include "sim/experiment/result_file.h"
#include "sim/experiment/validate.h"
#include "sim/experiment/version.h"
#include "workloads/capture/capture_command.h"
#include "workloads/content/content.h"
#include "workloads/content/sampler.h"
#include "workloads/trace_command.h"

int validate_command_main(int argc, char **argv);

enum { JOBS_AT_MOST = 1024 };

static const struct command trace_actions[] = {
    {"generate", NULL, NULL, trace_flags, NULL},
    {"capture", NULL, NULL, capture_flags, NULL},
    {"convert", NULL, NULL, trace_flags, NULL},
    {"info", NULL, NULL, trace_flags, NULL},
    {"mrc", NULL, NULL, mrc_flags, NULL},
    {"bound", NULL, NULL, bound_flags, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static const struct command content_actions[] = {{"sample", NULL, NULL, sample_flags, NULL},
                                                 {NULL, NULL, NULL, NULL, NULL}};

const struct command commands[] = {
    {"run", "run experiments: the default command", command_run, run_flags, NULL},
    {"validate", "replay cases of real kernels and compare counters", validate_command_main,
     validate_flags, NULL},
    {"compare", "compare two results, paired by seed", compare_command_main, compare_flags, NULL},
    {"expand", "write a sweep: a config for each run, and the table of them", command_expand,
     expand_flags, NULL},
    {"gather", "the results of a sweep, as one result file or as a table", command_gather,
     gather_flags, NULL},
    {"trace", "generate, capture, convert or describe traces; miss-ratio curves, bounds",
     command_trace, NULL, trace_actions},
    {"advise", "find zswap settings that suit a trace", command_advise, advise_flags, NULL},
    {"content", "sample the contents of pages", command_content, NULL, content_actions},
    {"calibrate", "measure this machine's costs, write a cost table", command_calibrate,
     calibrate_flags, NULL},
    {"list", "list policies, kernels, workloads, counters, ...", command_list, plugin_flags, NULL},
    {"explain", "explain a key, policy, counter, metric, cost or kernel", command_explain,
     plugin_flags, NULL},
    {"schema", "print the JSON Schema of a config, or the reference pages (schema --help)",
     command_schema, schema_flags, NULL},
    {"defaults", "print the defaults of a kernel as a config", command_defaults, plugin_flags,
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

int usage_error(const char *format, ...)
{
    va_list arguments;
    fputs("zsim: error: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_USER_MISTAKE;
}

int flag_error(int argc, char **argv, int found, const struct option *flags)
{
    char message[FLAG_MESSAGE_BYTES];
    flag_describe_mistake(message, argc, argv, found, flags);
    return usage_error("%s", message);
}

int take_flags(int argc, char **argv, const char *letters, const struct option *flags,
               int (*take)(void *arguments, int flag, const char *text), void *arguments)
{
    int flag, code = EXIT_DONE;
    opterr = 0;
    optind = 0; /* glibc: begin anew, whatever was parsed before */
    while (code == EXIT_DONE && (flag = getopt_long(argc, argv, letters, flags, NULL)) != -1)
        code = flag == '?' || flag == ':' ? flag_error(argc, argv, flag, flags)
                                          : take(arguments, flag, optarg);
    return code;
}

int take_jobs(const char *text, unsigned *jobs)
{
    uint64_t number;
    if (!parse_count(text, &number) || number < 1 || number > JOBS_AT_MOST)
        return usage_error("flag -j: expected a number of threads in 1..%d, found \"%s\"",
                           JOBS_AT_MOST, text);
    *jobs = (unsigned)number;
    return EXIT_DONE;
}

int take_directory(const char *text, const char **directory)
{
    *directory = text;
    return *text ? EXIT_DONE : usage_error("flag -o: expected a directory, found nothing");
}

int add_plugin(struct plugins *plugins, const char *path)
{
    if (!*path)
        return usage_error("flag --plugin: expected a shared object, found nothing");
    struct diagnostics errors = {0};
    bool good = plugins_load(plugins, path, &errors);
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    return good ? EXIT_DONE : EXIT_USER_MISTAKE;
}

const struct option plugin_flags[] = {
    {"plugin", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

int parse_plugin_flags(int argc, char **argv, struct plugins *plugins)
{
    int flag;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":h", plugin_flags, NULL)) != -1) {
        if (flag == 'h') {
            print_help();
            return finish_output(EXIT_DONE);
        }
        if (flag != 'p')
            return flag_error(argc, argv, flag, plugin_flags);
        int code = add_plugin(plugins, optarg);
        if (code != EXIT_DONE)
            return code;
    }
    return -1;
}

int finish_output(int code)
{
    static bool told;
    const char *why = standard_output_error();
    if (!why)
        return code;
    if (!told)
        fprintf(stderr, "zsim: error: standard output: %s\n", why);
    told = true;
    return EXIT_RUN_FAILED;
}

void print_help(void)
{
    printf("zsim simulates memory pressure and compressed swap (zswap) of Linux.\n\n"
           "zsim CONFIG.json...   run each experiment, write results/NAME.json, print a table\n"
           "  -o DIR                     where results go (results)\n"
           "  -j N                       threads (one a processor)\n"
           "  --seeds 1..10              instead of the config's seeds\n"
           "  --set PATH=VALUE           change the config; may be repeated\n"
           "  --manifest M --id 3,5..9   make lines of a sweep (zsim expand) instead\n"
           "  --check-only               read and check the configs, run nothing\n"
           "  --check-invariants[=full]  check the simulator's books while it runs\n"
           "  --bound                    show how far each run is from the least possible\n"
           "  --progress auto|always|never\n"
           "  --plugin FILE.so           policies from a shared object (also: list, explain,\n"
           "                             schema, validate, expand); may be repeated\n\n"
           "Commands, as zsim COMMAND:\n");
    for (const struct command *command = commands; command->name; command++)
        if (command->main)
            printf("  %-10s %s\n", command->name, command->summary);
    printf("  %-10s %s\n", "--version", "versions of zsim and of the libraries it uses");
    printf("\nExit codes: 0 done, 1 a run failed, 2 a mistake in the input (nothing was run),\n"
           "3 a --fail-on threshold is exceeded, 130 interrupted.\n");
}

void print_version(void)
{
    printf("zsim %s\n  %-10s %s\n", ZSIM_VERSION, "sources", zsim_sources);
    for (size_t i = 0; compressors[i].name; i++)
        printf("  %-10s %s\n", compressors[i].name, compressors[i].library);
    const char *lzo = calibrate_lzo_version();
    printf("  %-10s liblzo2 %s\n", "calibrate", lzo ? lzo : "is missing: lzo is not measured");
    printf("  %-10s cJSON %s\n  %-10s GSL %s\n", "config", cJSON_Version(), "statistics",
           GSL_VERSION);
}

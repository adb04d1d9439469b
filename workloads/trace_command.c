#define _GNU_SOURCE
#include "workloads/trace_command.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "sim/base/flags.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/capture/capture_command.h"
#include "workloads/generators/generators.h"
#include "workloads/readers/foreign.h"
#include "workloads/readers/lackey.h"
#include "workloads/readers/native_writer.h"
#include "workloads/readers/readers.h"
#include "workloads/readers/trace_output.h"
#include "workloads/trace_convert.h"
#include "workloads/trace_info.h"

enum { DONE = 0, FAILED = 1, MISTAKE = 2 };

static const char usage[] =
    "Usage: zsim trace generate -o FILE [--to native1|native2] SEED STEP...\n"
    "       zsim trace capture [-o FILE] [OPTION...] [--] COMMAND [ARGUMENT...]\n"
    "       zsim trace convert [--from FORMAT] [-t OPTIONS] [--to FORMAT] IN OUT\n"
    "       zsim trace info [--from FORMAT] [-t OPTIONS] [--json] FILE\n"
    "       zsim trace mrc --help\n"
    "       zsim trace bound --help\n"
    "\n"
    "generate  write the trace of a generator; a STEP is STREAM|STREAM..., a STREAM is\n"
    "          SPACE:PATTERN:FIRST:PAGES:COUNT:WRITE%[:PARAM[:BATCH]] with the patterns\n"
    "          seq, free, rand, perm, zipf, szipf and hot\n"
    "capture   record the page accesses of a program (zsim trace capture --help)\n"
    "convert   read any format, write another; IN may be - for standard input\n"
    "info      count accesses, pages, the working set over time and reuse distances\n"
    "\n"
    "  -o, --output FILE      the trace to write\n"
    "      --to FORMAT        native1 (plain records), native2 (compressed blocks),\n"
    "                         oracleGeneral, csv or lackey (text); the last three inside zstd\n"
    "                         when OUT ends in .zst. generate writes native1, convert native2\n"
    "                         unless told\n"
    "      --from FORMAT      what the file is, or --format: native, lackey, perf_script, damon,\n"
    "                         oracleGeneral, msr, csv, blkparse; found out by looking when left\n"
    "                         out. All but native may be compressed (zstd; gzip, zlib)\n"
    "  -t, --options LIST     KEY=VALUE,KEY=VALUE for the format read: a key of its workload\n"
    "                         type (zsim explain FORMAT), as in\n"
    "                         time-col=1,obj-id-col=2,obj-size-col=3,delimiter=;\n"
    "      --window N         lackey: drop an access to one of the last N pages recorded\n"
    "                         unless it is the first write (1..4096, default 8)\n"
    "      --instructions     lackey: instruction fetches are reads too\n"
    "      --level N          zstd level 1..19, default 9\n"
    "      --note TEXT        native2: where the trace comes from; native1 has no place for\n"
    "                         it, nor for regions: they are left out\n"
    "      --json             info: one JSON object instead of tables\n"
    "  -h, --help\n";

struct command {
    const char *output, *from, *options, *note;
    unsigned version;                     /* native; 0: not said */
    const struct trace_format_writer *to; /* another format; NULL: not said */
    uint64_t window, level;
    bool instructions, json, help;
    unsigned given; /* GIVEN() of every option on the command line */
    char **words;   /* what is not an option */
    int word_count;
};

static int mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int mistake(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("zsim trace: error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs(" (see zsim trace --help)\n", stderr);
    va_end(arguments);
    return MISTAKE;
}

/* ---- the command line --------------------------------------------------------- */

enum option_code {
    OPTION_FROM = 256,
    OPTION_TO,
    OPTION_WINDOW,
    OPTION_LEVEL,
    OPTION_NOTE,
    OPTION_INSTRUCTIONS,
    OPTION_JSON,
    OPTION_OPTIONS,
    OPTION_OUTPUT,
};

#define GIVEN(option) (1u << ((option)-OPTION_FROM))

static bool take_count(const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
    if (parse_count(optarg, out) && *out >= least && *out <= most)
        return true;
    mistake("%s is \"%s\"; expected a whole number in %" PRIu64 "..%" PRIu64, name, optarg, least,
            most);
    return false;
}

static bool take_target(struct command *command)
{
    command->to = NULL;
    command->version = 0;
    if (strcmp(optarg, "native1") == 0 || strcmp(optarg, "native2") == 0) {
        command->version = optarg[6] == '1' ? 1 : 2;
        return true;
    }
    for (size_t i = 0; trace_format_writers[i]; i++)
        if (trace_format_same_name(optarg, trace_format_writers[i]->name)) {
            command->to = trace_format_writers[i];
            return true;
        }
    mistake("--to is \"%s\"; expected native1, native2, oracleGeneral, csv or lackey", optarg);
    return false;
}

static bool take_option(int option, struct command *command)
{
    if (option == 'o')
        command->given |= GIVEN(OPTION_OUTPUT);
    else if (option == 't')
        command->given |= GIVEN(OPTION_OPTIONS);
    else if (option >= OPTION_FROM)
        command->given |= GIVEN(option);
    switch (option) {
    case 'o':
        command->output = optarg;
        return true;
    case 'h':
        command->help = true;
        return true;
    case OPTION_FROM:
        command->from = optarg;
        return true;
    case 't':
    case OPTION_OPTIONS:
        command->options = optarg;
        return true;
    case OPTION_TO:
        return take_target(command);
    case OPTION_WINDOW:
        return take_count("--window", 1, LACKEY_WINDOW_AT_MOST, &command->window);
    case OPTION_LEVEL:
        return take_count("--level", 1, NATIVE_WRITER_LEVEL_AT_MOST, &command->level);
    case OPTION_NOTE:
        command->note = optarg;
        return true;
    case OPTION_INSTRUCTIONS:
        command->instructions = true;
        return true;
    case OPTION_JSON:
        command->json = true;
        return true;
    }
    return false;
}

const struct option trace_flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {"from", required_argument, NULL, OPTION_FROM},
    {"format", required_argument, NULL, OPTION_FROM},
    {"options", required_argument, NULL, OPTION_OPTIONS},
    {"to", required_argument, NULL, OPTION_TO},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"level", required_argument, NULL, OPTION_LEVEL},
    {"note", required_argument, NULL, OPTION_NOTE},
    {"instructions", no_argument, NULL, OPTION_INSTRUCTIONS},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

static bool parse(int argc, char **argv, struct command *command)
{
    *command = (struct command){.window = LACKEY_WINDOW, .level = NATIVE_WRITER_LEVEL};
    optind = 0; /* glibc: begin anew, whatever was parsed before */
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":o:t:h", trace_flags, NULL)) != -1;) {
        if (option == '?' || option == ':') {
            char message[FLAG_MESSAGE_BYTES];
            flag_describe_mistake(message, argc, argv, option, trace_flags);
            mistake("%s", message);
            return false;
        }
        if (!take_option(option, command))
            return false;
    }
    command->words = argv + optind;
    command->word_count = argc - optind;
    return true;
}

/* ---- generate and convert -------------------------------------------------------- */

static int copy_code(enum trace_copy copied)
{
    if (copied == TRACE_COPIED)
        return DONE;
    return copied == TRACE_NOT_READ ? MISTAKE : FAILED;
}

static int generate(const struct command *command)
{
    uint64_t seed;
    if (!command->output)
        return mistake("generate needs -o FILE");
    if (command->word_count < 2)
        return mistake("generate needs SEED and at least one STEP");
    if (!parse_count(command->words[0], &seed))
        return mistake("SEED is \"%s\"; expected a whole number", command->words[0]);
    struct arena arena = {0};
    char *steps = arena_string(&arena, "", 0);
    for (int i = 1; i < command->word_count; i++)
        steps = arena_printf(&arena, "%s%s%s", steps, i > 1 ? " " : "", command->words[i]);
    struct diagnostics errors = {0};
    struct workload *workload = steps_workload_open(
        seed, steps, &(struct source_position){.file = "zsim trace generate"}, &errors);
    arena_release(&arena);
    if (!workload)
        return diagnostics_report(&errors, MISTAKE);
    unsigned version = command->version ? command->version : 1;
    int code = copy_code(trace_write_native(workload, command->output, version, (int)command->level,
                                            command->note, &errors));
    workload->type->close(workload);
    return diagnostics_report(&errors, code);
}

/* The options of the format read: --options, and lackey's own. */
static const char *format_options(const struct command *command, struct arena *arena)
{
    const char *text = command->options ? command->options : "";
    if (command->given & GIVEN(OPTION_WINDOW))
        text = arena_printf(arena, "%s%swindow=%" PRIu64, text, *text ? "," : "", command->window);
    if (command->given & GIVEN(OPTION_INSTRUCTIONS))
        text = arena_printf(arena, "%s%sinstructions=true", text, *text ? "," : "");
    return text;
}

/* The type and the parameters that a file is to be read with.  Not DONE after
 * adding to `errors` or printing the mistake. */
static int choose_format(const struct command *command, const char *path, struct arena *arena,
                         const struct workload_type **type, void **params,
                         struct diagnostics *errors)
{
    *type = command->from ? trace_format_find(command->from) : NULL;
    if (command->from && !*type)
        return mistake("--from is \"%s\"; expected one of: %s", command->from,
                       trace_format_names(arena));
    if (!*type)
        *type = trace_format_detect(path, errors);
    if (!*type)
        return MISTAKE;
    *params = trace_format_params(*type, path, format_options(command, arena), arena, errors);
    return *params ? DONE : MISTAKE;
}

static int convert_file(const struct command *command, struct arena *arena,
                        struct diagnostics *errors)
{
    const char *in = command->words[0];
    const char *path = strcmp(in, "-") == 0 ? "/dev/stdin" : in;
    void *params;
    struct trace_conversion conversion = {
        .in = in,
        .out = command->words[1],
        .version = command->version || command->to ? command->version : 2,
        .to = command->to,
        .level = (int)command->level,
        .note = command->note};
    int code = choose_format(command, path, arena, &conversion.from, &params, errors);
    if (code != DONE)
        return code;
    conversion.params = params;
    return copy_code(trace_convert(&conversion, errors));
}

static int convert(const struct command *command)
{
    if (command->word_count != 2)
        return mistake("convert needs IN and OUT");
    const char *in = command->words[0];
    bool standard_input = strcmp(in, "-") == 0;
    if (standard_input && (!command->from || trace_format_find(command->from) == &workload_trace))
        return mistake("standard input needs --from and a format that is not native: native "
                       "traces are mapped files");
    if (!standard_input && access(in, R_OK) != 0)
        return mistake("cannot open \"%s\": %s", in, strerror(errno));
    /* What is lost in a conversion would be lost for good. */
    if (!standard_input && file_same(in, command->words[1]))
        return mistake("IN and OUT are the same file, \"%s\"", command->words[1]);
    struct diagnostics errors = {0};
    struct arena arena = {0};
    int code = convert_file(command, &arena, &errors);
    arena_release(&arena);
    return diagnostics_report(&errors, code);
}

/* ---- info -------------------------------------------------------------------------- */

static int info(const struct command *command)
{
    if (command->word_count != 1)
        return mistake("info needs one FILE");
    const char *file = command->words[0];
    struct diagnostics errors = {0};
    struct arena arena = {0};
    const struct workload_type *type;
    void *params;
    int code = choose_format(command, file, &arena, &type, &params, &errors);
    struct workload *workload = NULL;
    if (code == DONE)
        workload = type->open(params, 0, &(struct source_position){.file = "zsim trace"}, &errors);
    arena_release(&arena);
    if (!workload)
        return diagnostics_report(&errors, MISTAKE);
    struct trace_info counted;
    bool good = trace_info_count(workload, &counted, &errors);
    if (good && command->json)
        trace_info_print_json(&counted, workload, file, stdout);
    else if (good)
        trace_info_print(&counted, workload, file, stdout);
    trace_info_release(&counted);
    workload->type->close(workload);
    return diagnostics_report(&errors, good ? DONE : MISTAKE);
}

static const struct action {
    const char *name;
    int (*run)(const struct command *command);
    unsigned options; /* GIVEN() of those that mean something to it */
} actions[] = {
    {"generate", generate,
     GIVEN(OPTION_OUTPUT) | GIVEN(OPTION_TO) | GIVEN(OPTION_LEVEL) | GIVEN(OPTION_NOTE)},
    {"convert", convert,
     GIVEN(OPTION_FROM) | GIVEN(OPTION_OPTIONS) | GIVEN(OPTION_TO) | GIVEN(OPTION_WINDOW) |
         GIVEN(OPTION_INSTRUCTIONS) | GIVEN(OPTION_LEVEL) | GIVEN(OPTION_NOTE)},
    {"info", info,
     GIVEN(OPTION_JSON) | GIVEN(OPTION_FROM) | GIVEN(OPTION_OPTIONS) | GIVEN(OPTION_WINDOW) |
         GIVEN(OPTION_INSTRUCTIONS)},
};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

bool trace_action_takes(const char *action, const struct option *flag)
{
    for (size_t i = 0; i < ACTIONS; i++) {
        if (strcmp(actions[i].name, action) != 0)
            continue;
        if (flag->val == 'h')
            return true;
        int code = flag->val == 'o' ? OPTION_OUTPUT : flag->val;
        return (actions[i].options & GIVEN(code)) != 0;
    }
    return false;
}

static int run_action(const struct action *action, int argc, char **argv)
{
    struct command command;
    if (!parse(argc, argv, &command))
        return MISTAKE;
    if (command.help) {
        fputs(usage, stdout);
        return DONE;
    }
    if (command.given & ~action->options)
        return mistake("%s does not take one of the options given", action->name);
    if (command.note && (command.version == 1 || (!command.version && action->run == generate)))
        return mistake("--note needs --to native2: version 1 has no place for it");
    if (command.to && (command.note || action->run == generate))
        return mistake("%s", command.note ? "--note needs --to native2"
                                          : "generate writes native1 or native2");
    return action->run(&command);
}

int trace_command_main(int argc, char **argv)
{
    const char *names[ACTIONS];
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name)
        return mistake("expected generate, capture, convert, info, mrc or bound");
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        fputs(usage, stdout);
        return DONE;
    }
    if (strcmp(name, "capture") == 0)
        return capture_command_main(argc - 1, argv + 1);
    for (size_t i = 0; i < ACTIONS; i++) {
        names[i] = actions[i].name;
        if (strcmp(name, actions[i].name) == 0)
            return run_action(&actions[i], argc - 1, argv + 1);
    }
    const char *near = nearest_name(name, names, ACTIONS);
    return mistake(
        "unknown action \"%s\"; expected generate, capture, convert, info, mrc or bound%s%s%s",
        name, near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

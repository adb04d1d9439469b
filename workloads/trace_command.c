#define _GNU_SOURCE
#include "workloads/trace_command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/capture/capture_command.h"
#include "workloads/generators/generators.h"
#include "workloads/readers/lackey.h"
#include "workloads/readers/native_writer.h"
#include "workloads/readers/readers.h"
#include "workloads/trace_info.h"

enum { DONE = 0, FAILED = 1, MISTAKE = 2 };

static const char usage[] =
    "Usage: zsim trace generate -o FILE [--to native1|native2] SEED STEP...\n"
    "       zsim trace capture [-o FILE] [OPTION...] [--] COMMAND [ARGUMENT...]\n"
    "       zsim trace convert [--from FORMAT] [--to native1|native2] IN OUT\n"
    "       zsim trace info [--json] FILE\n"
    "       zsim trace mrc --help\n"
    "\n"
    "generate  write the trace of a generator; a STEP is STREAM|STREAM..., a STREAM is\n"
    "          SPACE:PATTERN:FIRST:PAGES:COUNT:WRITE%[:PARAM[:BATCH]] with the patterns\n"
    "          seq, free, rand, perm, zipf, szipf and hot\n"
    "capture   record the page accesses of a program (zsim trace capture --help)\n"
    "convert   read another format, or change the version; IN may be - for standard input\n"
    "info      count accesses, pages and the working set over time\n"
    "\n"
    "  -o, --output FILE      the trace to write\n"
    "      --to VERSION       native1 (plain records) or native2 (compressed blocks);\n"
    "                         generate writes native1, convert native2 unless told\n"
    "      --from FORMAT      native or lackey; found out by looking when left out\n"
    "      --window N         lackey: drop an access to one of the last N pages recorded\n"
    "                         unless it is the first write (1..4096, default 8)\n"
    "      --instructions     lackey: instruction fetches are reads too\n"
    "      --level N          native2: zstd level 1..19, default 9\n"
    "      --note TEXT        native2: where the trace comes from; native1 has no place for\n"
    "                         it, nor for regions: they are left out\n"
    "      --json             info: one JSON object instead of tables\n"
    "  -h, --help\n";

struct command {
    const char *output, *from, *note;
    unsigned version; /* 0: not said */
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

static bool take_version(struct command *command)
{
    if (strcmp(optarg, "native1") == 0 || strcmp(optarg, "native2") == 0) {
        command->version = optarg[6] == '1' ? 1 : 2;
        return true;
    }
    mistake("--to is \"%s\"; expected native1 or native2", optarg);
    return false;
}

static bool take_option(int option, struct command *command, char **argv)
{
    if (option == 'o')
        command->given |= GIVEN(OPTION_OUTPUT);
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
    case OPTION_TO:
        return take_version(command);
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
    case ':':
        mistake("option %s lacks its value", argv[optind - 1]);
        return false;
    default:
        mistake("unknown option %s", argv[optind - 1]);
        return false;
    }
}

static bool parse(int argc, char **argv, struct command *command)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {"from", required_argument, NULL, OPTION_FROM},
        {"to", required_argument, NULL, OPTION_TO},
        {"window", required_argument, NULL, OPTION_WINDOW},
        {"level", required_argument, NULL, OPTION_LEVEL},
        {"note", required_argument, NULL, OPTION_NOTE},
        {"instructions", no_argument, NULL, OPTION_INSTRUCTIONS},
        {"json", no_argument, NULL, OPTION_JSON},
        {NULL, 0, NULL, 0},
    };
    *command = (struct command){.window = LACKEY_WINDOW, .level = NATIVE_WRITER_LEVEL};
    optind = 0; /* glibc: begin anew, whatever was parsed before */
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;)
        if (!take_option(option, command, argv))
            return false;
    command->words = argv + optind;
    command->word_count = argc - optind;
    return true;
}

/* ---- generate and convert -------------------------------------------------------- */

/* `tasks` of the records, or NULL. */
static void put_block(struct native_writer *writer, const struct access *block,
                      const uint16_t *tasks, uint32_t count)
{
    while (tasks && count > 0) {
        uint32_t same = 1;
        while (same < count && tasks[same] == tasks[0])
            same++;
        native_writer_switch(writer, tasks[0]);
        native_writer_put(writer, block, same);
        block += same;
        tasks += same;
        count -= same;
    }
    if (count > 0)
        native_writer_put(writer, block, count);
}

/* Copy all records of a workload; false after adding to `errors`. */
static bool copy_records(const struct workload *workload, struct native_writer *writer,
                         struct diagnostics *errors)
{
    const struct workload_type *type = workload->type;
    for (uint32_t i = 0; i < workload->spaces; i++)
        native_writer_space(writer, i, workload->space_pages[i]);
    struct workload_cursor cursor = {.workload = workload};
    const char *failure = "the workload cannot be started";
    if (type->start(&cursor)) {
        const struct access *block;
        for (uint32_t count; (count = type->next(&cursor, &block));)
            put_block(writer, block, trace_cursor_tasks(&cursor), count);
        failure = type->failure ? type->failure(&cursor) : NULL;
    }
    if (failure)
        diagnostics_add(errors, NULL, "%s", failure);
    type->stop(&cursor);
    return !failure;
}

static void copy_description(const struct native_trace *native, struct native_writer *writer)
{
    for (uint32_t i = 0; i < native->regions; i++)
        native_writer_region(writer, &native->region[i]);
    for (uint32_t i = 0; i < native->tasks; i++)
        native_writer_task(writer, &native->task[i]);
    for (uint32_t i = 0; native->space_names && i < native->spaces; i++)
        native_writer_space_name(writer, i, native->space_names[i]);
    native_writer_sample(writer, native->sample);
    native_writer_note(writer, native->note);
}

/* Write a workload to a file and close it. */
static bool write_workload(struct workload *workload, const struct command *command,
                           const char *path, unsigned version, struct diagnostics *errors)
{
    struct native_writer *writer = native_writer_open(path, version, (int)command->level, errors);
    bool good = writer != NULL;
    if (good) {
        const struct native_trace *native = trace_workload_native(workload);
        if (native)
            copy_description(native, writer);
        if (command->note)
            native_writer_note(writer, command->note);
        good = copy_records(workload, writer, errors);
        if (good)
            good = native_writer_finish(writer, errors);
        else
            native_writer_abandon(writer);
    }
    workload->type->close(workload);
    return good;
}

static int report(struct diagnostics *errors, int code)
{
    diagnostics_print(errors);
    diagnostics_release(errors);
    return code;
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
        return report(&errors, MISTAKE);
    unsigned version = command->version ? command->version : 1;
    bool good = write_workload(workload, command, command->output, version, &errors);
    return report(&errors, good ? DONE : FAILED);
}

static void put_records(void *writer, const struct access *records, uint32_t count)
{
    native_writer_put(writer, records, count);
}

/* Where lackey's text came from and what was dropped, for the note. */
static void note_lackey(struct native_writer *writer, const struct command *command,
                        const struct lackey_counts *counts)
{
    char text[512];
    snprintf(text, sizeof(text),
             "%s%svalgrind lackey: %" PRIu64 " loads, %" PRIu64 " stores, %" PRIu64
             " modifies; window %" PRIu64 "%s",
             command->note ? command->note : "", command->note ? "; " : "", counts->loads,
             counts->stores, counts->modifies, command->window,
             command->instructions ? ", with instruction fetches" : "");
    native_writer_note(writer, text);
}

static bool convert_lackey(const struct command *command, int file, const char *in, const char *out,
                           struct diagnostics *errors)
{
    struct lackey_options options = {.instructions = command->instructions,
                                     .window = (uint32_t)command->window};
    struct lackey_counts counts;
    struct native_writer *writer = native_writer_open(out, command->version ? command->version : 2,
                                                      (int)command->level, errors);
    if (!writer)
        return false;
    if (!lackey_read(file, in, &options, put_records, writer, &counts, NULL, errors)) {
        native_writer_abandon(writer);
        return false;
    }
    note_lackey(writer, command, &counts);
    if (!native_writer_finish(writer, errors))
        return false;
    fprintf(stderr,
            "zsim trace: %" PRIu64 " page accesses (%" PRIu64 " loads, %" PRIu64 " stores, %" PRIu64
            " modifies), %" PRIu64 " records, %" PRIu32 " pages\n",
            counts.accesses, counts.loads, counts.stores, counts.modifies, counts.records,
            counts.pages);
    return true;
}

static bool convert_native(const struct command *command, const char *in, const char *out,
                           struct diagnostics *errors)
{
    struct workload *workload = trace_workload_open(in, NULL, errors);
    return workload &&
           write_workload(workload, command, out, command->version ? command->version : 2, errors);
}

/* The format of a file by its first bytes: a native trace begins with its magic
 * or with zstd's; what else is text is lackey's. */
static const char *detect_format(int file)
{
    unsigned char head[8] = {0};
    ssize_t got = pread(file, head, sizeof(head), 0);
    if (got >= 8 && memcmp(head, NATIVE_MAGIC, 8) == 0)
        return "native";
    if (got >= 4 && memcmp(head, "\x28\xB5\x2F\xFD", 4) == 0)
        return "native";
    if (got >= 3 && (head[0] == '=' || head[0] == '-' || head[0] == ' ' || head[0] == 'I'))
        return "lackey";
    return NULL;
}

static int convert(const struct command *command)
{
    static const char *const formats[] = {"native", "lackey"};
    if (command->word_count != 2)
        return mistake("convert needs IN and OUT");
    const char *in = command->words[0], *out = command->words[1], *from = command->from;
    bool standard_input = strcmp(in, "-") == 0;
    if (from && strcmp(from, "native") != 0 && strcmp(from, "lackey") != 0) {
        const char *near = nearest_name(from, formats, 2);
        return mistake("--from is \"%s\"; expected native or lackey%s%s%s", from,
                       near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    if (standard_input && (!from || strcmp(from, "native") == 0))
        return mistake("standard input needs --from lackey: native traces are mapped files");
    int file = standard_input ? STDIN_FILENO : open(in, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return mistake("cannot open \"%s\": %s", in, strerror(errno));
    if (!from)
        from = detect_format(file);
    bool good = false;
    struct diagnostics errors = {0};
    if (from && strcmp(from, "native") == 0 &&
        (command->given & (GIVEN(OPTION_WINDOW) | GIVEN(OPTION_INSTRUCTIONS)))) {
        close(file);
        return mistake("--window and --instructions are for lackey, \"%s\" is native", in);
    }
    if (!from)
        diagnostics_add(&errors, &(struct source_position){.file = in},
                        "byte 0: neither a native trace nor lackey text; say --from if it is");
    else if (strcmp(from, "native") == 0)
        good = convert_native(command, in, out, &errors);
    else
        good = convert_lackey(command, file, standard_input ? "standard input" : in, out, &errors);
    if (!standard_input)
        close(file);
    return report(&errors, good ? DONE : FAILED);
}

/* ---- info -------------------------------------------------------------------------- */

static int info(const struct command *command)
{
    if (command->word_count != 1)
        return mistake("info needs one FILE");
    const char *file = command->words[0];
    struct diagnostics errors = {0};
    struct workload *workload = trace_workload_open(file, NULL, &errors);
    if (!workload)
        return report(&errors, FAILED);
    struct trace_info counted;
    bool good = trace_info_count(workload, &counted, &errors);
    if (good && command->json)
        trace_info_print_json(&counted, workload, file, stdout);
    else if (good)
        trace_info_print(&counted, workload, file, stdout);
    if (good && fflush(stdout) != 0) {
        diagnostics_add(&errors, NULL, "cannot write: %s", strerror(errno));
        good = false;
    }
    trace_info_release(&counted);
    workload->type->close(workload);
    return report(&errors, good ? DONE : FAILED);
}

static const struct action {
    const char *name;
    int (*run)(const struct command *command);
    unsigned options; /* GIVEN() of those that mean something to it */
} actions[] = {
    {"generate", generate,
     GIVEN(OPTION_OUTPUT) | GIVEN(OPTION_TO) | GIVEN(OPTION_LEVEL) | GIVEN(OPTION_NOTE)},
    {"convert", convert,
     GIVEN(OPTION_FROM) | GIVEN(OPTION_TO) | GIVEN(OPTION_WINDOW) | GIVEN(OPTION_INSTRUCTIONS) |
         GIVEN(OPTION_LEVEL) | GIVEN(OPTION_NOTE)},
    {"info", info, GIVEN(OPTION_JSON)},
};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

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
    return action->run(&command);
}

int trace_command_main(int argc, char **argv)
{
    const char *names[ACTIONS];
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name)
        return mistake("expected generate, capture, convert, info or mrc");
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
    return mistake("unknown action \"%s\"; expected generate, capture, convert, info or mrc%s%s%s",
                   name, near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

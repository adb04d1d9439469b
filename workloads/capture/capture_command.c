#define _GNU_SOURCE
#include "workloads/capture/capture_command.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/flags.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/capture/tracer.h"
#include "workloads/readers/lackey.h"

enum {
    DONE = 0,
    FAILED = 1,
    MISTAKE = 2,
    INTERRUPTED = 130,
    WINDOW = 64, /* docs/formats.md, "What is collapsed" */
    SAMPLE_AT_MOST = 1000000,
    PATH_BYTES = 4096,
};

static const char usage[] =
    "Usage: zsim trace capture [-o FILE] [OPTION...] [--] COMMAND [ARGUMENT...]\n"
    "\n"
    "Run a command under valgrind's lackey tool and record which pages it, its threads\n"
    "and its children access. Ctrl-C ends the command and keeps what was recorded.\n"
    "\n"
    "  -o, --output FILE    the trace to write (default: COMMAND.trace)\n"
    "      --sample N       record one page in N, always the same ones; scale memory and\n"
    "                       limits down by N when it is replayed (default 1: all pages)\n"
    "      --file-pages     record pages of mapped files too; replayed as anonymous ones.\n"
    "                       Left out, and counted, unless told\n"
    "      --instructions   instruction fetches are reads too\n"
    "      --window N       drop an access to one of the last N pages recorded unless it is\n"
    "                       the first write (1..4096, default 64)\n"
    "      --level N        zstd level of the trace (1..19, default 9)\n"
    "      --note TEXT      put before the note on where the trace comes from\n"
    "      --progress WHEN  auto (on a terminal), always or never\n"
    "  -h, --help\n"
    "\n"
    "Exit codes: 0 recorded (the command's own status is printed), 1 not recorded,\n"
    "2 a mistake and nothing was run, 130 interrupted with the trace kept.\n";

struct command {
    const char *output, *note;
    uint64_t sample, window, level;
    bool files, instructions, progress, help;
    char **words; /* the command to record */
};

static int mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int mistake(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("zsim trace capture: error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return MISTAKE;
}

/* ---- the command line ------------------------------------------------------------- */

enum option_code {
    OPTION_SAMPLE = 256,
    OPTION_FILES,
    OPTION_INSTRUCTIONS,
    OPTION_WINDOW,
    OPTION_LEVEL,
    OPTION_NOTE,
    OPTION_PROGRESS,
};

static bool take_count(const char *name, uint64_t most, uint64_t *out)
{
    if (parse_count(optarg, out) && *out >= 1 && *out <= most)
        return true;
    mistake("%s is \"%s\"; expected a whole number in 1..%" PRIu64, name, optarg, most);
    return false;
}

static bool take_progress(struct command *command)
{
    if (strcmp(optarg, "always") == 0)
        command->progress = true;
    else if (strcmp(optarg, "never") == 0)
        command->progress = false;
    else if (strcmp(optarg, "auto") != 0) {
        mistake("--progress is \"%s\"; expected auto, always or never", optarg);
        return false;
    }
    return true;
}

static bool take_option(int option, struct command *command)
{
    switch (option) {
    case 'o':
        command->output = optarg;
        return true;
    case 'h':
        command->help = true;
        return true;
    case OPTION_SAMPLE:
        return take_count("--sample", SAMPLE_AT_MOST, &command->sample);
    case OPTION_FILES:
        command->files = true;
        return true;
    case OPTION_INSTRUCTIONS:
        command->instructions = true;
        return true;
    case OPTION_WINDOW:
        return take_count("--window", LACKEY_WINDOW_AT_MOST, &command->window);
    case OPTION_LEVEL:
        return take_count("--level", NATIVE_WRITER_LEVEL_AT_MOST, &command->level);
    case OPTION_NOTE:
        command->note = optarg;
        return true;
    case OPTION_PROGRESS:
        return take_progress(command);
    }
    return false;
}

const struct option capture_flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {"sample", required_argument, NULL, OPTION_SAMPLE},
    {"file-pages", no_argument, NULL, OPTION_FILES},
    {"instructions", no_argument, NULL, OPTION_INSTRUCTIONS},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"level", required_argument, NULL, OPTION_LEVEL},
    {"note", required_argument, NULL, OPTION_NOTE},
    {"progress", required_argument, NULL, OPTION_PROGRESS},
    {NULL, 0, NULL, 0},
};

static bool parse(int argc, char **argv, struct command *command)
{
    *command = (struct command){.sample = 1,
                                .window = WINDOW,
                                .level = NATIVE_WRITER_LEVEL,
                                .progress = isatty(STDERR_FILENO)};
    optind = 0; /* glibc: begin anew, whatever was parsed before */
    opterr = 0;
    /* +: the first word that is no option is the command. */
    for (int option; (option = getopt_long(argc, argv, "+:o:h", capture_flags, NULL)) != -1;) {
        if (option == '?' || option == ':') {
            char message[FLAG_MESSAGE_BYTES];
            flag_describe_mistake(message, argc, argv, option, capture_flags);
            mistake("%s (the command to record follows --)", message);
            return false;
        }
        if (!take_option(option, command))
            return false;
    }
    command->words = argv + optind;
    return true;
}

/* ---- programs ------------------------------------------------------------------------ */

static bool is_program(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

/* The path of a program as execvp(3) finds it; false when there is none. */
static bool find_program(const char *name, char path[PATH_BYTES])
{
    const char *at = getenv("PATH");
    if (strchr(name, '/')) {
        snprintf(path, PATH_BYTES, "%s", name);
        return is_program(path);
    }
    for (at = at ? at : "/bin:/usr/bin"; *name && *at;) {
        size_t length = strcspn(at, ":");
        snprintf(path, PATH_BYTES, "%.*s/%s", (int)length, length ? at : ".", name);
        if (is_program(path))
            return true;
        at += length + (at[length] == ':');
    }
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* valgrind's arguments, then the command's. */
static char **make_arguments(struct arena *arena, const char *valgrind, const char *directory,
                             char **words)
{
    static const char *const fixed[] = {
        "--tool=lackey",     "--trace-mem=yes",      "--basic-counts=no", "--trace-syscalls=yes",
        "--trace-sched=yes", "--trace-children=yes", "--fair-sched=try",  "--vgdb=no",
    };
    enum { FIXED = sizeof(fixed) / sizeof(fixed[0]) };
    size_t count = 0;
    while (words[count])
        count++;
    char **arguments = arena_zeroed(arena, (FIXED + count + 4) * sizeof(char *));
    size_t at = 0;
    arguments[at++] = arena_printf(arena, "%s", valgrind);
    for (size_t i = 0; i < FIXED; i++)
        arguments[at++] = arena_printf(arena, "%s", fixed[i]);
    arguments[at++] = arena_printf(arena, "--log-file=%s/%%p", directory);
    arguments[at++] = arena_printf(arena, "--");
    memcpy(arguments + at, words, count * sizeof(char *));
    return arguments;
}

/* ---- progress --------------------------------------------------------------------------- */

struct shown {
    const struct recorder_progress *from;
    struct timespec begun;
    uint64_t accesses; /* at the last line */
    double seconds;
};

static double seconds_since(const struct timespec *begun)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begun->tv_sec) + 1e-9 * (double)(now.tv_nsec - begun->tv_nsec);
}

static void show_progress(void *context)
{
    struct shown *shown = context;
    double seconds = seconds_since(&shown->begun);
    uint64_t accesses = atomic_load_explicit(&shown->from->accesses, memory_order_relaxed);
    uint64_t pages = atomic_load_explicit(&shown->from->pages, memory_order_relaxed);
    uint64_t processes = atomic_load_explicit(&shown->from->processes, memory_order_relaxed);
    double rate = (double)(accesses - shown->accesses) / (seconds - shown->seconds);
    shown->accesses = accesses;
    shown->seconds = seconds;
    fprintf(stderr,
            "\r\033[Kzsim trace: %.0f s, %.1f million accesses, %.2f million/s, %.1f MiB mapped, "
            "%" PRIu64 " process%s",
            seconds, 1e-6 * (double)accesses, 1e-6 * rate, (double)pages * PAGE_BYTES / (1 << 20),
            processes, processes == 1 ? "" : "es");
    fflush(stderr);
}

/* ---- the recording ----------------------------------------------------------------------- */

static void describe_status(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "ended with exit status %d", WEXITSTATUS(status));
}

static void write_note(const struct command *command, const struct recorder *recorder,
                       const struct tracer_result *result, const char *status)
{
    char text[1024];
    const struct recorder_counts *counts = &recorder->counts;
    snprintf(text, sizeof(text),
             "%s%s%s under valgrind lackey: %" PRIu64 " page accesses, %" PRIu64
             " to pages of files%s; window %" PRIu64 "%s; %s%s",
             command->note ? command->note : "", command->note ? "; " : "",
             base_name(command->words[0]), counts->accesses, counts->file_accesses,
             command->files ? "" : " left out", command->window,
             command->instructions ? ", with instruction fetches" : "",
             result->interrupted ? "interrupted; " : "", status);
    native_writer_note(recorder->writer, text);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void summarise(const struct command *command, const struct recorder *recorder,
                      uint64_t records, double seconds, const char *status)
{
    const struct recorder_counts *counts = &recorder->counts;
    fprintf(stderr, "zsim trace: %s %s\n", base_name(command->words[0]), status);
    fprintf(stderr,
            "zsim trace: %s: %" PRIu64 " page accesses in %.1f s (%.2f million/s), %" PRIu64
            " records, %" PRIu64 " pages, %" PRIu64 " freed, %" PRIu32 " thread%s\n",
            command->output, counts->accesses, seconds, 1e-6 * (double)counts->accesses / seconds,
            records, counts->pages, counts->frees, recorder->task_count,
            recorder->task_count == 1 ? "" : "s");
    if (counts->file_accesses && !command->files)
        fprintf(stderr,
                "zsim trace: %.1f %% of the accesses were to pages of files and are left out\n",
                percent(counts->file_accesses, counts->accesses));
    if (command->sample > 1)
        fprintf(stderr, "zsim trace: one page in %" PRIu64 " is recorded\n", command->sample);
    if (counts->lines_unknown)
        fprintf(stderr,
                "zsim trace: %" PRIu64 " line%s of valgrind not understood, the first: \"%s\"\n",
                counts->lines_unknown, counts->lines_unknown == 1 ? "" : "s",
                counts->first_unknown);
}

/* Run the command with the writer open; the exit code. */
static int record(const struct command *command, char **arguments, const char *directory,
                  struct native_writer *writer, struct diagnostics *errors)
{
    sigset_t before;
    struct recorder recorder;
    struct mapped_objects objects;
    struct tracer_result result = {0};
    tracer_hold_signals(&before);
    recorder_start(&recorder, writer, (uint32_t)command->window, (uint32_t)command->sample);
    mapped_objects_start(&objects, &recorder, command->files);
    struct shown shown = {.from = &recorder.progress};
    clock_gettime(CLOCK_MONOTONIC, &shown.begun);
    struct capture_reader *reader = capture_reader_start(&objects, command->instructions);
    bool good =
        reader && tracer_run(arguments, directory, &before, reader,
                             command->progress ? show_progress : NULL, &shown, &result, errors);
    if (reader)
        capture_reader_join(reader);
    else
        diagnostics_add(errors, NULL, "cannot make a thread");
    if (command->progress)
        fputs("\r\033[K", stderr);
    mapped_objects_stop(&objects);
    recorder_stop(&recorder);
    char status[128];
    describe_status(result.status, status, sizeof(status));
    uint64_t records = native_writer_records(writer);
    if (good && records == 0) {
        diagnostics_add(errors, NULL, "no access was recorded: %s %s", base_name(command->words[0]),
                        status);
        good = false;
    }
    write_note(command, &recorder, &result, status);
    if (!good)
        native_writer_abandon(writer);
    else if ((good = native_writer_finish(writer, errors)))
        summarise(command, &recorder, records, seconds_since(&shown.begun), status);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !good ? FAILED : result.interrupted ? INTERRUPTED : DONE;
}

/* A directory for the FIFOs, without a % that valgrind would expand. */
static bool make_directory(char directory[PATH_BYTES], struct diagnostics *errors)
{
    const char *where = getenv("TMPDIR");
    if (!where || !*where || strchr(where, '%') || strlen(where) > PATH_BYTES - 64)
        where = "/tmp";
    snprintf(directory, PATH_BYTES, "%s/zsim-capture.XXXXXX", where);
    if (mkdtemp(directory))
        return true;
    diagnostics_add(errors, &(struct source_position){.file = directory},
                    "cannot make a directory: %s", strerror(errno));
    return false;
}

static int capture(struct command *command, const char *valgrind)
{
    struct diagnostics errors = {0};
    struct arena arena = {0};
    char directory[PATH_BYTES];
    int code = FAILED;
    if (!command->output)
        command->output = arena_printf(&arena, "%s.trace", base_name(command->words[0]));
    struct native_writer *writer =
        native_writer_open(command->output, 2, (int)command->level, &errors);
    if (writer && make_directory(directory, &errors)) {
        char **arguments = make_arguments(&arena, valgrind, directory, command->words);
        code = record(command, arguments, directory, writer, &errors);
        rmdir(directory);
    } else
        native_writer_abandon(writer);
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    arena_release(&arena);
    return code;
}

int capture_command_main(int argc, char **argv)
{
    struct command command;
    char valgrind[PATH_BYTES], program[PATH_BYTES];
    if (!parse(argc, argv, &command))
        return MISTAKE;
    if (command.help) {
        fputs(usage, stdout);
        return DONE;
    }
    if (!command.words[0])
        return mistake("expected a command to record: zsim trace capture [-o FILE] -- COMMAND...");
    if (!find_program(command.words[0], program))
        return mistake("\"%s\" is no program that can be run", command.words[0]);
    if (!find_program("valgrind", valgrind))
        return mistake("valgrind is missing: apt-get install valgrind");
    return capture(&command, valgrind);
}

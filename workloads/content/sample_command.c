/* `zsim content sample`: write a content profile of a process or of files. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/flags.h"
#include "workloads/content/sampler.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISTAKE = 2, PAGES_BY_DEFAULT = 4096 };

static const uint64_t pages_at_most = 10000000;

static const char usage[] =
    "usage: zsim content sample [--pid N | FILE...] [OPTION...] -o FILE\n"
    "\n"
    "Compress a random sample of the resident anonymous pages of process N, or of the\n"
    "pages of files, and write what came out as a content profile (JSON) for\n"
    "\"content\": {\"type\": \"profile\"}. Contents are not kept, only lengths, unless\n"
    "--contents asks for them. What came out is printed too.\n"
    "\n"
    "  -p, --pid N         the process; needs the right to trace it\n"
    "  -n, --pages PAGES   sample at most this many pages (default 4096)\n"
    "  -s, --seed S        of the draw (default 1)\n"
    "      --zstd-levels L,...  also measure these levels of zstd, as zram sets them\n"
    "                      (1..22, at most 8; default 1,9,19; \"none\")\n"
    "      --contents FILE  write the bytes of the sampled pages too: they may hold secrets\n"
    "  -o, --output FILE   the profile to write\n"
    "  -h, --help          this text\n";

struct command {
    uint64_t pid, pages;
    struct content_sampling how;
    const char *output, *contents;
    char **files;
    size_t file_count;
};

static int mistake(const char *text, const char *found)
{
    fprintf(stderr, "zsim: error: content sample: %s%s%s%s\n", text, found ? ", found \"" : "",
            found ? found : "", found ? "\"" : "");
    return EXIT_MISTAKE;
}

static int check(const struct command *command)
{
    if (!command->output)
        return mistake("-o FILE is missing", NULL);
    if (command->pid && command->file_count)
        return mistake("expected either --pid or files, not both", NULL);
    if (!command->pid && !command->file_count)
        return mistake("expected --pid N or files to sample", NULL);
    return EXIT_DONE;
}

/* "1,9,19" or "none". */
static int parse_levels(const char *text, struct content_sampling *how)
{
    how->level_count = 0;
    if (strcmp(text, "none") == 0)
        return EXIT_DONE;
    for (const char *at = text;; at++) {
        char *end;
        long level = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || level < 1 || level > ZSTD_LEVEL_AT_MOST ||
            how->level_count == ZSTD_LEVELS_AT_MOST)
            return mistake("--zstd-levels: expected at most 8 numbers in 1..22, as \"1,9,19\"",
                           text);
        how->levels[how->level_count++] = (int)level;
        at = end;
        if (!*at)
            return EXIT_DONE;
    }
}

const struct option sample_flags[] = {{"pid", required_argument, NULL, 'p'},
                                      {"pages", required_argument, NULL, 'n'},
                                      {"seed", required_argument, NULL, 's'},
                                      {"output", required_argument, NULL, 'o'},
                                      {"zstd-levels", required_argument, NULL, 'z'},
                                      {"contents", required_argument, NULL, 'c'},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

/* EXIT_DONE: go on; *help: the text was asked for and printed. */
static int parse(int argc, char **argv, struct command *command, bool *help)
{
    char message[FLAG_MESSAGE_BYTES];
    int option;
    optind = 0; /* glibc: start afresh, also after another getopt in this process */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":p:n:s:o:h", sample_flags, NULL)) != -1) {
        switch (option) {
        case 'p':
            if (!parse_count(optarg, &command->pid) || command->pid < 1 || command->pid > INT32_MAX)
                return mistake("--pid: expected a process number", optarg);
            break;
        case 'n':
            if (!parse_count(optarg, &command->pages) || command->pages < 1 ||
                command->pages > pages_at_most)
                return mistake("-n: expected 1..10000000 pages", optarg);
            break;
        case 's':
            if (!parse_count(optarg, &command->how.seed))
                return mistake("--seed: expected a whole number", optarg);
            break;
        case 'z':
            if (parse_levels(optarg, &command->how) != EXIT_DONE)
                return EXIT_MISTAKE;
            break;
        case 'c':
            command->contents = optarg;
            break;
        case 'o':
            command->output = optarg;
            break;
        case 'h':
            *help = true;
            fputs(usage, stdout);
            return EXIT_DONE;
        default:
            flag_describe_mistake(message, argc, argv, option, sample_flags);
            return mistake(message, NULL);
        }
    }
    command->files = argv + optind;
    command->file_count = (size_t)(argc - optind);
    return check(command);
}

static bool sample(const struct command *command, struct content_profile *profile,
                   struct diagnostics *errors)
{
    struct content_sampling how = command->how;
    how.max_pages = (size_t)command->pages;
    how.keep_contents = command->contents != NULL;
    if (command->pid)
        return content_sample_process((pid_t)command->pid, &how, profile, errors);
    return content_sample_files((const char *const *)command->files, command->file_count, &how,
                                profile, errors);
}

int content_sample_main(int argc, char **argv)
{
    struct command command = {
        .pages = PAGES_BY_DEFAULT,
        .how = {.seed = 1, .level_count = 3, .levels = {1, 9, 19}},
    };
    struct content_profile profile = {0};
    struct diagnostics errors = {0};
    bool help = false;
    int code = parse(argc, argv, &command, &help);
    if (code != EXIT_DONE || help)
        return code;
    bool sampled = sample(&command, &profile, &errors);
    if (sampled && content_profile_write(command.output, &profile, &errors) &&
        (!command.contents || content_profile_write_contents(command.contents, &profile, &errors)))
        content_profile_print(&profile, stdout);
    code = !sampled ? EXIT_MISTAKE : errors.count ? EXIT_FAILED : EXIT_DONE;
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    content_profile_release(&profile);
    return code;
}

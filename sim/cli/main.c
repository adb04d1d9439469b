/* zsim: a thin face on sim/experiment/. */
#include "sim/cli/commands.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/crash.h"
#include "sim/base/diagnostics.h"

enum { COMMANDS_AT_MOST = 32 };

static const struct command *find_command(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

/* `zsim x.json` is `zsim run x.json`; a bare word that is no file is a mistyped command. */
static bool looks_like_config(const char *word)
{
    size_t length = strlen(word);
    return word[0] == '-' || strchr(word, '/') != NULL ||
           (length > 5 && strcmp(word + length - 5, ".json") == 0) || access(word, F_OK) == 0;
}

/* `zsim --plugin x.so list` is `zsim list --plugin x.so`. */
static void put_command_first(int argc, char **argv)
{
    int at = 1;
    while (at < argc && strncmp(argv[at], "--plugin", 8) == 0) {
        if (argv[at][8] != '\0' && argv[at][8] != '=')
            return;
        at += argv[at][8] ? 1 : 2;
    }
    if (at >= argc || !find_command(argv[at]))
        return;
    char *word = argv[at];
    memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
    argv[1] = word;
}

static int unknown_command(const char *word)
{
    const char *names[COMMANDS_AT_MOST];
    size_t count = 0;
    for (; count < COMMANDS_AT_MOST && commands[count].name; count++)
        names[count] = commands[count].name;
    const char *nearest = nearest_name(word, names, count);
    if (nearest)
        return usage_error("unknown command \"%s\"; did you mean \"%s\"?", word, nearest);
    return usage_error("unknown command \"%s\"; expected a config file or a command (zsim --help)",
                       word);
}

/* cJSON leaves out a member that it has no memory for: a result would lack it. */
static void *memory_for_json(size_t bytes)
{
    return memory_resized(NULL, bytes, 1, "JSON");
}

/* A file that is opened must not become standard output where that is closed: what is
 * printed would go into it. */
static void hold_standard_files(void)
{
    int file;
    do
        file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0)
        close(file);
}

int main(int argc, char **argv)
{
    hold_standard_files();
    crash_watch_files();
    memory_keep_freed();
    cJSON_InitHooks(&(cJSON_Hooks){memory_for_json, free});
    if (argc < 2)
        return usage_error("expected a config file or a command (zsim --help)");
    put_command_first(argc, argv);
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help();
        return finish_output(EXIT_DONE);
    }
    if (strcmp(word, "--version") == 0) {
        print_version();
        return finish_output(EXIT_DONE);
    }
    if (strcmp(word, "--complete") == 0)
        return command_complete(argc - 1, argv + 1);
    const struct command *command = find_command(word);
    if (command && !command->main)
        return usage_error("the command \"%s\" is not available in this build", word);
    if (command)
        return finish_output(command->main(argc - 1, argv + 1));
    if (looks_like_config(word))
        return finish_output(command_run(argc, argv));
    return unknown_command(word);
}

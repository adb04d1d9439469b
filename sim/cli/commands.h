/* The commands of zsim: argv[0] is the command's name; each returns the exit code. */
#ifndef ZSIM_CLI_COMMANDS_H
#define ZSIM_CLI_COMMANDS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "sim/experiment/plugins.h"

enum {
    EXIT_DONE = 0,
    EXIT_RUN_FAILED = 1,
    EXIT_USER_MISTAKE = 2, /* nothing was run */
    EXIT_INTERRUPTED = 130,
};

struct command {
    const char *name, *summary;
    int (*main)(int argc, char **argv); /* NULL: not in this build */
    const struct option *flags;         /* long ones; NULL: it has actions instead */
    const struct command *actions;      /* ended by name NULL; NULL: none */
};

/* Ended by name NULL. */
extern const struct command commands[];

int command_run(int argc, char **argv);
int command_expand(int argc, char **argv);
int command_gather(int argc, char **argv);
int command_list(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_schema(int argc, char **argv);
int command_defaults(int argc, char **argv);
int command_content(int argc, char **argv);
int command_calibrate(int argc, char **argv);

/* The long flags of each, for getopt_long() and for the completion of the shell. */
extern const struct option run_flags[], expand_flags[], gather_flags[], advise_flags[], mrc_flags[],
    bound_flags[], calibrate_flags[], schema_flags[], plugin_flags[];

/* zsim --complete WORD...: what the last word, which may be empty, could become, one
 * a line; nothing where any file could stand.  For scripts/completion.bash. */
int command_complete(int argc, char **argv);

/* One message about the command line on stderr; returns EXIT_USER_MISTAKE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* After getopt_long() returned '?' or ':': says what is wrong with which flag,
 * and the nearest flag there is.  Returns EXIT_USER_MISTAKE. */
int flag_error(int argc, char **argv, int found, const struct option *flags);

/* Hand every flag of the command line to `take`, which returns EXIT_DONE to go on,
 * else the exit code.  Returns EXIT_DONE with the first word at argv[optind]. */
int take_flags(int argc, char **argv, const char *letters, const struct option *flags,
               int (*take)(void *arguments, int flag, const char *text), void *arguments);

/* The values of -j and -o.  Return EXIT_DONE, or EXIT_USER_MISTAKE after a message. */
int take_jobs(const char *text, unsigned *jobs);
int take_directory(const char *text, const char **directory);

/* --plugin FILE: add the policies of a shared object.  Returns EXIT_DONE, or
 * EXIT_USER_MISTAKE after a message. */
int add_plugin(struct plugins *plugins, const char *path);

/* The flags of a command that has only --plugin and --help: -1: go on with the
 * words at argv + optind; else the exit code. */
int parse_plugin_flags(int argc, char **argv, struct plugins *plugins);

/* Flush stdout: a full disk or a closed pipe must not look like success.
 * Returns `code`, or EXIT_RUN_FAILED after a message, the first time.  main() ends with it,
 * whatever the command. */
int finish_output(int code);

/* Text of `zsim --help`, and of --version. */
void print_help(void);
void print_version(void);

#endif

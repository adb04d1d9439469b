/* `zsim trace generate|convert|info`. */
#ifndef ZSIM_WORKLOADS_TRACE_COMMAND_H
#define ZSIM_WORKLOADS_TRACE_COMMAND_H

#include <getopt.h>
#include <stdbool.h>

/* argv[0] is "trace", argv[1] the action.  Returns the exit code: 0 done, 1
 * failed, 2 the user's mistake and nothing done. */
int trace_command_main(int argc, char **argv);

/* Long options of all actions, and whether one of them means something to an action. */
extern const struct option trace_flags[];
bool trace_action_takes(const char *action, const struct option *flag);

#endif

/* `zsim trace generate|convert|info`. */
#ifndef ZSIM_WORKLOADS_TRACE_COMMAND_H
#define ZSIM_WORKLOADS_TRACE_COMMAND_H

/* argv[0] is "trace", argv[1] the action.  Returns the exit code: 0 done, 1
 * failed, 2 the user's mistake and nothing done. */
int trace_command_main(int argc, char **argv);

#endif

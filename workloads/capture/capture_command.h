/* `zsim trace capture`. */
#ifndef ZSIM_WORKLOADS_CAPTURE_CAPTURE_COMMAND_H
#define ZSIM_WORKLOADS_CAPTURE_CAPTURE_COMMAND_H

#include <getopt.h>

extern const struct option capture_flags[];

/* argv[0] is "capture".  Returns the exit code: 0 recorded, 1 failed, 2 the
 * user's mistake and nothing run, 130 interrupted (the trace is kept). */
int capture_command_main(int argc, char **argv);

#endif

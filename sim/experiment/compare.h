/* `zsim compare`: two result files, or the variants of one, paired by seed. */
#ifndef ZSIM_EXPERIMENT_COMPARE_H
#define ZSIM_EXPERIMENT_COMPARE_H

#include <getopt.h>

/* argv[0] is "compare".  Returns the exit code: 0 done; 2 the user's mistake,
 * an unreadable file or different workloads; 3 a --fail-on threshold is
 * exceeded.  The table goes to stdout. */
int compare_command_main(int argc, char **argv);

extern const struct option compare_flags[];

#endif

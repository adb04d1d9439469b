/* zsim trace ACTION: those that only read and write traces are in workloads/. */
#include <string.h>

#include "sim/cli/analysis.h"
#include "sim/cli/commands.h"
#include "workloads/trace_command.h"

int command_trace(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "mrc") == 0)
        return command_mrc(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "bound") == 0)
        return command_bound(argc - 1, argv + 1);
    return trace_command_main(argc, argv);
}

/* zsim list [NAME] */
#include <stdio.h>
#include <stdlib.h>

#include "sim/cli/commands.h"
#include "sim/experiment/config_reference.h"

int command_list(int argc, char **argv)
{
    char *nearest;
    if (argc > 2)
        return usage_error("list: expected at most one name, found %d", argc - 1);
    if (config_list(stdout, argc > 1 ? argv[1] : NULL, &nearest))
        return finish_output(EXIT_DONE);
    int code = nearest ? usage_error("list: nothing is called \"%s\"; did you mean \"%s\"?",
                                     argv[1], nearest)
                       : usage_error("list: nothing is called \"%s\" (zsim list)", argv[1]);
    free(nearest);
    return code;
}

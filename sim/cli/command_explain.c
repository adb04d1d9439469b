/* zsim explain NAME */
#include <stdio.h>
#include <stdlib.h>

#include "sim/cli/commands.h"
#include "sim/experiment/config_reference.h"

int command_explain(int argc, char **argv)
{
    char *nearest;
    if (argc != 2)
        return usage_error("explain: expected one name, such as zswap.lru or pool_limit_hit");
    if (config_explain(stdout, argv[1], &nearest))
        return finish_output(EXIT_DONE);
    int code = nearest ? usage_error("explain: nothing is called \"%s\"; did you mean \"%s\"?",
                                     argv[1], nearest)
                       : usage_error("explain: nothing is called \"%s\" (zsim list)", argv[1]);
    free(nearest);
    return code;
}

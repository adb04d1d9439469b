/* zsim explain [--plugin FILE.so] NAME */
#include <stdio.h>
#include <stdlib.h>

#include "sim/cli/commands.h"
#include "sim/experiment/config_reference.h"

static int explain(const struct plugins *plugins, int count, char **words)
{
    char *nearest;
    if (count != 1)
        return usage_error("explain: expected one name, such as zswap.lru or pool_limit_hit");
    if (config_explain(stdout, plugins, words[0], &nearest))
        return finish_output(EXIT_DONE);
    int code = nearest ? usage_error("explain: nothing is called \"%s\"; did you mean \"%s\"?",
                                     words[0], nearest)
                       : usage_error("explain: nothing is called \"%s\" (zsim list)", words[0]);
    free(nearest);
    return code;
}

int command_explain(int argc, char **argv)
{
    struct plugins *plugins = plugins_create();
    int code = parse_plugin_flags(argc, argv, plugins);
    if (code < 0)
        code = explain(plugins, argc - optind, argv + optind);
    plugins_free(plugins);
    return code;
}

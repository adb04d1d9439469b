/* zsim list [--plugin FILE.so] [NAME] */
#include <stdio.h>
#include <stdlib.h>

#include "sim/cli/commands.h"
#include "sim/experiment/config_reference.h"

static int list(const struct plugins *plugins, int count, char **words)
{
    char *nearest;
    if (count > 1)
        return usage_error("list: expected at most one name, found %d", count);
    const char *name = count ? words[0] : NULL;
    if (config_list(stdout, plugins, name, &nearest))
        return finish_output(EXIT_DONE);
    int code =
        nearest ? usage_error("list: nothing is called \"%s\"; did you mean \"%s\"?", name, nearest)
                : usage_error("list: nothing is called \"%s\" (zsim list)", name);
    free(nearest);
    return code;
}

int command_list(int argc, char **argv)
{
    struct plugins *plugins = plugins_create();
    int code = parse_plugin_flags(argc, argv, plugins);
    if (code < 0)
        code = list(plugins, argc - optind, argv + optind);
    plugins_free(plugins);
    return code;
}

/* zsim content sample ... */
#include <string.h>

#include "sim/cli/commands.h"

int content_sample_main(int argc, char **argv) __attribute__((weak));

int command_content(int argc, char **argv)
{
    if (!content_sample_main)
        return usage_error("the command \"content\" is not available in this build");
    if (argc < 2)
        return usage_error("content: expected the action \"sample\"");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return content_sample_main(argc, argv);
    if (strcmp(argv[1], "sample") != 0)
        return usage_error("content: unknown action \"%s\"; expected \"sample\"", argv[1]);
    return content_sample_main(argc - 1, argv + 1);
}

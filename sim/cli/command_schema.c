/* zsim schema [--markdown], zsim defaults [KERNEL] */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/diagnostics.h"
#include "sim/cli/commands.h"
#include "sim/experiment/config_decode.h"
#include "sim/experiment/config_reference.h"
#include "sim/experiment/config_resolved.h"

static int print_json(cJSON *json)
{
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    if (!text)
        return usage_error("out of memory");
    puts(text);
    free(text);
    return finish_output(EXIT_DONE);
}

int command_schema(int argc, char **argv)
{
    if (argc == 1)
        return print_json(config_schema());
    if (argc > 2 || strcmp(argv[1], "--markdown") != 0)
        return usage_error("schema: expected nothing or --markdown, found \"%s\"", argv[argc - 1]);
    config_markdown(stdout);
    return finish_output(EXIT_DONE);
}

int command_defaults(int argc, char **argv)
{
    static const char document[] = "{\"kernel\": \"\"}";
    if (argc > 2)
        return usage_error("defaults: expected at most one kernel, found %d", argc - 1);
    /* The same check and message as for "kernel" in a config. */
    struct arena arena = {0};
    struct diagnostics errors = {0};
    struct config_node *tree =
        config_tree_parse("zsim defaults", document, sizeof(document) - 1, &arena, &errors);
    tree->first->text = argc > 1 ? argv[1] : DEFAULT_KERNEL;
    tree->first->at = (struct source_position){.file = "zsim defaults"};
    struct decoder decoder = {.arena = &arena, .errors = &errors, .directory = ""};
    const struct kernel_preset *preset = decode_kernel(&decoder, tree);
    decoder_finish(&decoder);
    int code = preset ? print_json(config_defaults(preset)) : EXIT_USER_MISTAKE;
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    arena_release(&arena);
    return code;
}

/* zsim --complete WORD...: completion of a command line for the shell, from the
 * tables that the commands themselves are read with. */
#include <stdio.h>
#include <string.h>

#include "policies/kernels.h"
#include "sim/cli/commands.h"
#include "sim/experiment/config_keys.h"
#include "sim/experiment/config_reference.h"
#include "sim/experiment/metrics.h"
#include "workloads/content/content.h"
#include "workloads/trace_command.h"

/* ---- names --------------------------------------------------------------- */

static void print_kernels(const char *prefix)
{
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++)
        printf("%s%s\n", prefix, preset->name);
}

static void print_metrics(void)
{
    struct metric metric;
    for (unsigned i = 0; i < metric_count(); i++) {
        metric_describe(i, &metric);
        puts(metric.name);
    }
}

static void print_compressors(void)
{
    for (size_t i = 0; compressors[i].name; i++)
        puts(compressors[i].name);
}

static void print_trace_formats(void)
{
    puts("native");
    for (size_t i = 0; workload_types[i]; i++)
        if (workload_types[i]->reader)
            puts(workload_types[i]->name);
}

/* ---- --set PATH=VALUE ------------------------------------------------------ */

/* "machine.nodes.0." of "machine.nodes[]"; false for sections whose members have
 * names of the user's, which cannot be known here. */
static bool path_prefix(const struct config_section *section, char prefix[64])
{
    const char *list = strstr(section->path, "[]");
    if (strstr(section->path, "PATH"))
        return false;
    int stem = list ? (int)(list - section->path) : (int)strlen(section->path);
    snprintf(prefix, 64, "%.*s%s%s", stem, section->path, list ? ".0" : "", stem ? "." : "");
    return true;
}

/* Does `word` begin with "PREFIXname="? */
static bool names_key(const char *word, const char *prefix, const char *name)
{
    size_t length = strlen(prefix), rest = strlen(name);
    return strncmp(word, prefix, length) == 0 && strncmp(word + length, name, rest) == 0 &&
           word[length + rest] == '=';
}

static void complete_row(const char *word, const char *prefix, const struct param *row)
{
    const char *words[KEY_WORDS_AT_MOST];
    if (!names_key(word, prefix, row->name)) {
        printf("%s%s=\n", prefix, row->name);
        return;
    }
    size_t count = config_key_words(row, words);
    for (size_t i = 0; i < count; i++)
        printf("%s%s=%s\n", prefix, row->name, words[i]);
    if (row->type == PARAM_BOOL)
        printf("%s%s=true\n%s%s=false\n", prefix, row->name, prefix, row->name);
}

static void complete_axis(const char *word, const char *prefix, const struct axis_key *key)
{
    const struct policy_axis *axis = policy_axis_find(key->axis);
    if (!names_key(word, prefix, key->name)) {
        printf("%s%s=\n", prefix, key->name);
        return;
    }
    for (size_t i = 0; axis->choices[i]; i++)
        printf("%s%s=%s\n", prefix, key->name, axis->choices[i]->name);
}

static void complete_setting(const char *word)
{
    char prefix[64];
    if (strncmp(word, "kernel=", 7) == 0)
        print_kernels("kernel=");
    else
        puts("kernel=");
    for (size_t i = 0; config_sections[i]; i++) {
        const struct config_section *section = config_sections[i];
        if (!path_prefix(section, prefix))
            continue;
        for (size_t row = 0; row < section->keys.count; row++)
            complete_row(word, prefix, &section->keys.rows[row]);
        for (const struct axis_key *key = section->axes; key && key->name; key++)
            complete_axis(word, prefix, key);
    }
}

/* ---- a command line ---------------------------------------------------------- */

static const struct command *find(const struct command *table, const char *name)
{
    for (const struct command *at = table; at->name; at++)
        if (strcmp(at->name, name) == 0)
            return at;
    return NULL;
}

static void print_commands(const struct command *table)
{
    for (const struct command *at = table; at->name; at++)
        puts(at->name);
}

static bool takes(const struct command *command, const struct option *flag)
{
    return command->flags != trace_flags || trace_action_takes(command->name, flag);
}

static void print_flags(const struct command *command)
{
    for (const struct option *flag = command->flags; flag->name; flag++)
        if (takes(command, flag))
            printf("--%s\n", flag->name);
}

/* The flag that `word` is, when its value is the next word. */
static const struct option *flag_before_value(const struct command *command, const char *word)
{
    for (const struct option *flag = command->flags; flag->name; flag++) {
        if (flag->has_arg != required_argument || !takes(command, flag))
            continue;
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, flag->name) == 0)
            return flag;
        if (word[0] == '-' && word[1] == flag->val && !word[2])
            return flag;
    }
    return NULL;
}

/* Nothing for a flag whose value is a file, or a number. */
static void complete_value(const struct option *flag, const char *word)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } values[] = {{"metric", print_metrics},
                  {"compressor", print_compressors},
                  {"from", print_trace_formats}};
    if (strcmp(flag->name, "set") == 0)
        complete_setting(word);
    if (strcmp(flag->name, "kernel") == 0)
        print_kernels("");
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (strcmp(flag->name, values[i].name) == 0)
            values[i].print();
}

/* What stands alone, where it is no file. */
static void complete_name(const struct command *command)
{
    if (command->main == command_list)
        config_list_names(stdout);
    else if (command->main == command_explain)
        config_explain_names(stdout);
    else if (command->main == command_defaults)
        print_kernels("");
}

static void complete_in(const struct command *command, const char *before, const char *word)
{
    const struct option *flag = flag_before_value(command, before);
    if (flag)
        complete_value(flag, word);
    else if (word[0] == '-')
        print_flags(command);
    else
        complete_name(command);
}

int command_complete(int argc, char **argv)
{
    const struct command *command = argc > 2 ? find(commands, argv[1]) : NULL;
    const char *word = argc > 1 ? argv[argc - 1] : "";
    if (command && command->actions && argc == 3)
        print_commands(command->actions);
    else if (command && command->actions)
        command = find(command->actions, argv[2]);
    else if (!command && argc <= 2)
        print_commands(commands);
    if (argc <= 2 && word[0] == '-')
        puts("--version");
    if (!command)
        command = &commands[0]; /* zsim CONFIG.json... is zsim run CONFIG.json... */
    if (command->flags)
        complete_in(command, argc > 2 ? argv[argc - 2] : "", word);
    return finish_output(EXIT_DONE);
}

#include "sim/base/flags.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/diagnostics.h"

/* The flag as the user wrote it; NULL for one of a letter. */
static const char *long_flag(int argc, char **argv)
{
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    return strncmp(word, "--", 2) == 0 ? word : NULL;
}

void flag_describe_mistake(char message[FLAG_MESSAGE_BYTES], int argc, char **argv, int found,
                           const struct option *flags)
{
    const char *names[64], *flag = long_flag(argc, argv);
    char word[128];
    size_t count = 0;
    for (const struct option *at = flags; at->name && count < 64; at++)
        names[count++] = at->name;
    if (!flag) {
        snprintf(message, FLAG_MESSAGE_BYTES,
                 found == ':' ? "flag -%c: missing value" : "unknown flag -%c", optopt);
        return;
    }
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(flag + 2, "="), flag + 2);
    if (found == ':') {
        snprintf(message, FLAG_MESSAGE_BYTES, "flag --%s: missing value", word);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0 && flags[i].has_arg == no_argument) {
            snprintf(message, FLAG_MESSAGE_BYTES, "flag --%s: takes no value", word);
            return;
        }
    const char *nearest = nearest_name(word, names, count);
    snprintf(message, FLAG_MESSAGE_BYTES, "unknown flag --%s%s%s%s", word,
             nearest ? "; did you mean --" : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* Give files, and every file of directories, to the target it is linked with; without
 * arguments those that are kept for it.  The compiler need not know libFuzzer. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fuzz_fail("%s: cannot be opened", path);
    if (fseek(file, 0, SEEK_END) != 0)
        fuzz_fail("%s: not a file", path);
    /* As long as the input: what is read behind it is the target's mistake. */
    size_t size = (size_t)ftell(file);
    uint8_t *input = malloc(size ? size : 1);
    rewind(file);
    if (!input || fread(input, 1, size, file) != size)
        fuzz_fail("%s: cannot be read", path);
    fclose(file);
    LLVMFuzzerTestOneInput(input, size);
    free(input);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static unsigned replay(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0 && errno == ENOENT)
        return 0; /* no regressions yet */
    if (count < 0) {
        replay_file(path);
        return 1;
    }
    unsigned replayed = 0;
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        replayed += replay(name);
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    static char *shipped[] = {TARGET, "tests/fuzz/corpus/" TARGET,
                              "tests/fuzz/regressions/" TARGET};
    char **paths = argc > 1 ? argv : shipped;
    int count = argc > 1 ? argc : 3;
    unsigned replayed = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    /* What the targets print is not looked at; what follows is for scripts/run-tests. */
    int out = dup(1);
    if (out < 0 || !freopen("/dev/null", "w", stdout))
        return 1;
    for (int i = 1; i < count; i++)
        replayed += replay(paths[i]);
    fflush(stdout);
    dprintf(out, "1..1\n%s 1 - %s: %u inputs\n", replayed ? "ok" : "not ok", TARGET, replayed);
    return replayed == 0;
}

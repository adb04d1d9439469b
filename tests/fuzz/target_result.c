/* Result files: every variant of a file compared with the others, and with itself as
 * another file; gathered as the only result of a sweep, as a table and as a file. */
#include "tests/fuzz/fuzz.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/experiment/compare.h"
#include "sim/experiment/gather.h"
#include "sim/experiment/result_file.h"

#define RESULT "results/00112233445566778899aabbccddeeff.json"

static char directory[] = "/dev/shm/zsim-fuzz-XXXXXX";
static const char manifest[] = "id\tvariant\tseed\tconfig\tresult\n1\tv\t1\tc.json\t" RESULT "\n";

static const char *inside(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static void clean_up(void)
{
    unlink(inside("out.json"));
    unlink(inside("manifest.tsv"));
    unlink(inside(RESULT));
    rmdir(inside("results"));
    rmdir(directory);
}

/* A sweep of one run, whose result is the input. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (!mkdtemp(directory))
        fuzz_fail("no directory %s", directory);
    atexit(clean_up);
    FILE *file = fopen(inside("manifest.tsv"), "w");
    if (!file || fputs(manifest, file) < 0 || fclose(file) != 0 ||
        mkdir(inside("results"), 0700) != 0 || symlink(fuzz_file(0, NULL, 0), inside(RESULT)) != 0)
        fuzz_fail("no room in %s", directory);
    return 0;
}

static void compare(const char *const *words, int count)
{
    char *argv[12];
    for (int i = 0; i < count; i++)
        argv[i] = (char *)(uintptr_t)words[i];
    argv[count] = NULL;
    optind = 0; /* getopt() begins anew */
    compare_command_main(count, argv);
}

/* What is gathered into a file must be a result again. */
static void gather(void)
{
    struct gather_options options = {.manifest = inside("manifest.tsv")};
    gather_results(&options);
    options.output = inside("out.json");
    if (gather_results(&options) != 0)
        return;
    struct diagnostics errors = {0};
    struct result_file *again = result_file_read(options.output, &errors);
    if (!again)
        fuzz_fail("what was gathered is refused: %s", diagnostics_text(&errors, 0));
    result_file_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"text", "markdown", "csv", "json"};
    const char *path = fuzz_file(0, data, size);
    struct diagnostics errors = {0};
    struct result_file *file = result_file_read(path, &errors);
    if (!file != (errors.count != 0))
        fuzz_fail("%s with %zu messages", file ? "read" : "refused", errors.count);
    if (file) {
        /* Without --all fewer metrics must be there. */
        compare((const char *[]){"compare", "--format", formats[size % 4], path, "--all"},
                size & 4 ? 5 : 4);
        compare((const char *[]){"compare", "--fail-on", "end_ns>1%", "--fail-on", "pgmajfault<-1",
                                 "--metric", "zswpin", "--force", path, path},
                10);
    }
    if (file && file->variant_count == 1 && file->variants[0].run_count == 1)
        gather();
    result_file_free(file);
    diagnostics_release(&errors);
    return 0;
}

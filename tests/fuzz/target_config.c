/* The config loader: all that `zsim run` does with a config before it simulates.
 *
 * A config that is taken must come back from what is written into a result: its
 * resolved form is read again and must resolve to the same.  Files that it may name:
 * /proc/self/fd/101, a native trace, and /proc/self/fd/102, a content profile. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "sim/experiment/config_resolved.h"
#include "sim/experiment/experiment.h"
#include "sim/experiment/json_output.h"

static const struct {
    char magic[8];
    uint32_t version, spaces;
    uint64_t records;
    uint32_t pages[8];
    uint64_t record[3];
} trace = {"KZTRACE1", 1, 1, 3, {4}, {0, 3, (uint64_t)1 << 48 | 2}};

static const char profile[] =
    "{\"schema\": \"zsim.content-profile/1\", \"pages_sampled\": 2, \"compressors\": [\"lz4\"], "
    "\"samples\": [[\"ordinary\", 1000], [\"zero\", 30]]}";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_without_cache();
    fuzz_file(1, (const uint8_t *)&trace, 56 + sizeof(trace.record));
    fuzz_file(2, (const uint8_t *)profile, sizeof(profile) - 1);
    return 0;
}

/* The resolved form of a variant, as text. */
static char *resolve(const struct experiment *experiment, uint32_t variant)
{
    cJSON *document = config_resolved(experiment, variant);
    char *text = json_print(document);
    cJSON_Delete(document);
    return text;
}

static void read_again(const char *text)
{
    struct diagnostics errors = {0};
    struct experiment *again = experiment_parse("resolved", "", text, strlen(text), &errors);
    if (!again)
        fuzz_fail("a resolved config is refused: %s\n%s", diagnostics_text(&errors, 0), text);
    char *same = resolve(again, 0);
    if (strcmp(text, same) != 0)
        fuzz_fail("a resolved config resolves to another one:\n%s\n%s", text, same);
    free(same);
    experiment_free(again);
    diagnostics_release(&errors);
}

static void check_variants(struct experiment *experiment)
{
    for (uint32_t v = 0; v < experiment->variant_count; v++) {
        char *text = resolve(experiment, v);
        if (v == 0)
            read_again(text);
        free(text);
        for (uint32_t s = 0; s < experiment->seed_count && s < 3; s++) {
            struct config config;
            struct diagnostics errors = {0};
            if (!experiment_config(experiment, v, experiment->seeds[s], &config, &errors) &&
                !errors.count)
                fuzz_fail("refused without a message");
            diagnostics_release(&errors);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostics errors = {0};
    struct experiment *experiment =
        experiment_parse("config", "", (const char *)data, size, &errors);
    if (!experiment != (errors.count != 0))
        fuzz_fail("%s with %zu messages", experiment ? "taken" : "refused", errors.count);
    if (experiment)
        check_variants(experiment);
    experiment_free(experiment);
    diagnostics_release(&errors);
    return 0;
}

/* Manifests of sweeps, and the table of `zsim gather`; the results
 * that it names are not there. */
#include "tests/fuzz/fuzz.h"

#include "sim/experiment/gather.h"
#include "sim/experiment/manifest.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(0, data, size);
    struct diagnostics errors = {0};
    struct manifest *manifest = manifest_read(path, &errors);
    if (!manifest != (errors.count != 0))
        fuzz_fail("%s with %zu messages", manifest ? "read" : "refused", errors.count);
    for (uint32_t i = 0; manifest && i < manifest->row_count; i++)
        if (!manifest->rows[i].config || !manifest->rows[i].result || !manifest->rows[i].address)
            fuzz_fail("line %u is incomplete", i);
    if (manifest)
        gather_results(&(struct gather_options){.manifest = path});
    manifest_free(manifest);
    diagnostics_release(&errors);
    return 0;
}

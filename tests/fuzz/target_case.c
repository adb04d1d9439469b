/* Cases of `zsim validate`: read, and become a config. */
#include "tests/fuzz/fuzz.h"

#include "sim/experiment/validate.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_without_cache();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(0, data, size);
    struct kernel_case *whole = kernel_case_read(path);
    if (!whole->experiment != (whole->errors.count != 0))
        fuzz_fail("%s with %zu messages", whole->experiment ? "read" : "refused",
                  whole->errors.count);
    kernel_case_free(whole);
    kernel_case_free(kernel_case_read_run(path, 0));
    return 0;
}

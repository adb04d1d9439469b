/* Trace readers: open a file as one format and walk over its records.
 *
 * Built once for each format, with READER its name and TARGET that of the target.  A file that
 * opens must hold what it promises: every record in its space, as many as were announced. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "workloads/readers/foreign.h"
#include "workloads/trace_info.h"

/* Options that change how a file is read; an input's length chooses. */
static const struct {
    const char *format;
    const char *options[4]; /* ended by NULL */
} choices[] = {
    {"csv",
     {"", "delimiter=;,has-header=false,obj-id-col=2,obj-size-col=3,op-col=1", "id=address"}},
    {"lackey", {"", "instructions=true,window=2"}},
    {"perf_script", {"", "space=tid,kernel=true"}},
    {"damon", {"", "rounds=3,cold=true"}},
};

static const char *options_for(const char *format, size_t size)
{
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        size_t count = 0;
        while (choices[i].options[count])
            count++;
        if (strcmp(choices[i].format, format) == 0)
            return choices[i].options[size % count];
    }
    return "";
}

static void walk(const struct workload *workload)
{
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    uint64_t records = 0;
    workload->type->start(&cursor);
    for (uint32_t count; (count = workload->type->next(&cursor, &block)) != 0; records += count)
        for (uint32_t i = 0; i < count; i++)
            if (block[i].space >= workload->spaces ||
                block[i].page >= workload->space_pages[block[i].space] || block[i].op > ACCESS_FREE)
                fuzz_fail("record %llu is outside of its space", (unsigned long long)(records + i));
    const char *failure = workload->type->failure ? workload->type->failure(&cursor) : NULL;
    if (!failure && records != workload->accesses)
        fuzz_fail("%llu records, promised were %llu", (unsigned long long)records,
                  (unsigned long long)workload->accesses);
    workload->type->stop(&cursor);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* Random bytes are rarely a zstd stream: for reader_native_compressed they are put
 * into one, unless they begin as one. */
static const char *compressed_file(const uint8_t *data, size_t size)
{
    static const uint8_t magic[] = {0x28, 0xB5, 0x2F, 0xFD};
    if (size >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0)
        return fuzz_file(0, data, size);
    size_t room = ZSTD_compressBound(size);
    uint8_t *out = malloc(room);
    size_t bytes = out ? ZSTD_compress(out, room, data, size, -5) : 0;
    const char *path = fuzz_file(0, out, bytes);
    free(out);
    return path;
}

/* Which format it is must be known, or said not to be. */
static void detect(const char *path)
{
    struct diagnostics errors = {0};
    if (!trace_format_detect(path, &errors) != (errors.count != 0))
        fuzz_fail("a format with %zu messages", errors.count);
    diagnostics_release(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = strcmp(TARGET, "reader_native_compressed") == 0 ? compressed_file(data, size)
                                                                       : fuzz_file(0, data, size);
    if (size % 4 == 0)
        detect(path);
    struct diagnostics errors = {0};
    struct workload *workload = trace_file_open(path, READER, options_for(READER, size), &errors);
    if (!workload != (errors.count != 0))
        fuzz_fail("%s with %zu messages", workload ? "opened" : "refused", errors.count);
    if (workload) {
        walk(workload);
        workload->type->close(workload);
    }
    diagnostics_release(&errors);
    return 0;
}

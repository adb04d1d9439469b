#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

/* Small quarantine and no stacks of allocations: several times the executions.
 * ASAN_OPTIONS goes before: malloc_context_size=30 shows where a leak comes from. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8:malloc_context_size=0:max_allocation_size_mb=1024:"
           "allocator_may_return_null=1";
}

const char *fuzz_file(unsigned number, const uint8_t *data, size_t size)
{
    static char names[FUZZ_FILES][32];
    static size_t sizes[FUZZ_FILES];
    int file = FUZZ_FIRST_FILE + (int)number;
    if (!names[number][0]) {
        int made = memfd_create("fuzz", MFD_CLOEXEC);
        if (made < 0 || dup2(made, file) < 0)
            fuzz_fail("no file in memory");
        close(made);
        snprintf(names[number], sizeof(names[number]), "/proc/self/fd/%d", file);
    }
    if ((size < sizes[number] && ftruncate(file, (off_t)size) != 0) ||
        pwrite(file, data, size, 0) != (ssize_t)size)
        fuzz_fail("no room for a file in memory");
    sizes[number] = size;
    return names[number];
}

void fuzz_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

/* Under ASan memory as large as zstd's is mapped and unmapped for each input, which takes
 * most of the time: one stream is kept.  A second one, or one that leaks, is a new one. */
static ZSTD_DStream *kept_stream;

ZSTD_DStream *ZSTD_createDStream(void)
{
    ZSTD_DStream *stream = kept_stream ? kept_stream : ZSTD_createDCtx();
    kept_stream = NULL;
    return stream;
}

size_t ZSTD_freeDStream(ZSTD_DStream *stream)
{
    if (kept_stream || !stream)
        return ZSTD_freeDCtx(stream);
    kept_stream = stream;
    return ZSTD_DCtx_reset(stream, ZSTD_reset_session_and_parameters);
}

void fuzz_without_cache(void)
{
    setenv("ZSIM_CACHE", "", 1);
}

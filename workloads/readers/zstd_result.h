/* What a call that decompresses has returned. */
#ifndef ZSIM_READERS_ZSTD_RESULT_H
#define ZSIM_READERS_ZSTD_RESULT_H

#include <zstd.h>
#include <zstd_errors.h>

#include "sim/base/memory.h"

/* The same; but where zstd was refused memory, which it asks for when it sees the first bytes,
 * that ends the process as any other refusal: the file is not to blame. */
static inline size_t zstd_result(size_t result)
{
    if (ZSTD_isError(result) && ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        memory_exhausted("zstd");
    return result;
}

#endif

#include "workloads/analysis/page_stream.h"

#include <stdlib.h>

#include "sim/base/memory.h"

bool page_stream_open(struct page_stream *stream, const struct workload *workload,
                      int64_t only_space, struct diagnostics *errors)
{
    *stream = (struct page_stream){.workload = workload, .only_space = only_space};
    stream->base = memory_zeroed(workload->spaces, sizeof(*stream->base), "spaces of a trace");
    for (uint32_t i = 0; i < workload->spaces; i++) {
        stream->base[i] = stream->pages;
        stream->pages += workload->space_pages[i];
    }
    if (stream->pages >= UINT32_MAX) {
        diagnostics_add(errors, NULL, "the trace covers more than 2^32 - 2 pages");
        return false;
    }
    stream->cursor.workload = workload;
    stream->started = workload->type->start(&stream->cursor);
    if (!stream->started)
        diagnostics_add(errors, NULL, "the workload cannot be started");
    return stream->started;
}

bool page_stream_next(struct page_stream *stream, uint32_t *page, enum access_op *op)
{
    for (;;) {
        if (stream->at == stream->count) {
            stream->at = 0;
            stream->count = stream->workload->type->next(&stream->cursor, &stream->block);
            if (!stream->count)
                return false;
        }
        const struct access *access = &stream->block[stream->at++];
        if (stream->only_space != PAGE_STREAM_ALL_SPACES && stream->only_space != access->space)
            continue;
        *page = (uint32_t)(stream->base[access->space] + access->page);
        *op = (enum access_op)access->op;
        return true;
    }
}

bool page_stream_close(struct page_stream *stream, struct diagnostics *errors)
{
    const struct workload_type *type = stream->workload->type;
    const char *failure = NULL;
    if (stream->started && type->failure)
        failure = type->failure(&stream->cursor);
    if (failure)
        diagnostics_add(errors, NULL, "%s", failure);
    if (stream->started)
        type->stop(&stream->cursor);
    free(stream->base);
    return !failure;
}

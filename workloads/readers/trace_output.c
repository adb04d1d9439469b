#include "workloads/readers/trace_output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"

struct trace_output {
    char *path;
    struct output_file file;
    int error; /* errno of the first failure */
    ZSTD_CCtx *zstd;
    char *compressed;
    size_t room;
};

/* ---- the file ------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static void output_free(struct trace_output *output)
{
    ZSTD_freeCCtx(output->zstd);
    free(output->compressed);
    free(output->path);
    free(output);
}

struct trace_output *trace_output_open(const char *path, int level, struct diagnostics *errors)
{
    struct trace_output *output = memory_zeroed(1, sizeof(*output), "a trace writer");
    output->path = memory_string(path);
    if (!output_file_open(&output->file, path)) {
        diagnostics_add(errors, &(struct source_position){.file = path}, "cannot create: %s",
                        output_file_error());
        output_free(output);
        return NULL;
    }
    if (ends_with(path, ".zst")) {
        output->zstd = memory_checked(ZSTD_createCCtx(), "zstd");
        ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_compressionLevel, level);
        output->room = ZSTD_CStreamOutSize();
        output->compressed = memory_zeroed(output->room, 1, "compressed bytes");
    }
    return output;
}

static void write_bytes(struct trace_output *output, const void *bytes, size_t count)
{
    if (!output->error && fwrite(bytes, 1, count, output->file.stream) != count)
        output->error = errno;
}

static void compress(struct trace_output *output, const void *bytes, size_t count,
                     ZSTD_EndDirective how)
{
    ZSTD_inBuffer in = {.src = bytes, .size = count};
    for (size_t left = 1; !output->error && (how == ZSTD_e_end ? left : in.pos < in.size);) {
        ZSTD_outBuffer out = {.dst = output->compressed, .size = output->room};
        left = ZSTD_compressStream2(output->zstd, &out, &in, how);
        if (ZSTD_isError(left))
            output->error = ENOMEM;
        write_bytes(output, output->compressed, out.pos);
    }
}

void trace_output_put(struct trace_output *output, const void *bytes, size_t count)
{
    if (output->zstd)
        compress(output, bytes, count, ZSTD_e_continue);
    else
        write_bytes(output, bytes, count);
}

void trace_output_abandon(struct trace_output *output)
{
    if (!output)
        return;
    output_file_abandon(&output->file);
    output_free(output);
}

bool trace_output_finish(struct trace_output *output, struct diagnostics *errors)
{
    if (output->zstd)
        compress(output, NULL, 0, ZSTD_e_end);
    if (output->error)
        output_file_abandon(&output->file);
    else if (!output_file_finish(&output->file, true))
        output->error = errno;
    bool good = !output->error;
    if (!good)
        diagnostics_add(errors, &(struct source_position){.file = output->path}, "cannot write: %s",
                        strerror(output->error));
    output_free(output);
    return good;
}

/* ---- a workload -------------------------------------------------------------------- */

bool workload_each_block(const struct workload *workload, workload_block_taker *take, void *context,
                         struct diagnostics *errors)
{
    const struct workload_type *type = workload->type;
    struct workload_cursor cursor = {.workload = workload};
    const char *failure = "the workload cannot be started";
    if (type->start(&cursor)) {
        const struct access *block;
        for (uint32_t count; (count = type->next(&cursor, &block));)
            take(context, &cursor, block, count);
        failure = type->failure ? type->failure(&cursor) : NULL;
    }
    if (failure)
        diagnostics_add(errors, NULL, "%s", failure);
    type->stop(&cursor);
    return !failure;
}

struct writing {
    const struct trace_format_writer *format;
    struct trace_output *output;
    struct trace_losses *losses;
    void *state;
    uint64_t position;
};

static void write_block(void *context, const struct workload_cursor *cursor,
                        const struct access *block, uint32_t count)
{
    (void)cursor;
    struct writing *writing = context;
    for (uint32_t i = 0; i < count; i++) {
        writing->losses->writes += !writing->format->has_writes && block[i].op == ACCESS_WRITE;
        writing->losses->frees += !writing->format->has_frees && block[i].op == ACCESS_FREE;
    }
    writing->format->put(writing->output, block, count, writing->position, writing->state);
    writing->position += count;
}

enum trace_copy trace_output_write(const struct trace_format_writer *format,
                                   const struct workload *workload, const char *path, int level,
                                   struct trace_losses *losses, struct diagnostics *errors)
{
    struct writing writing = {.format = format, .losses = losses};
    *losses = (struct trace_losses){0};
    if (format->prepare && !(writing.state = format->prepare(workload, errors)))
        return TRACE_NOT_READ;
    writing.output = trace_output_open(path, level, errors);
    enum trace_copy copied = TRACE_NOT_WRITTEN;
    if (writing.output) {
        if (format->header)
            trace_output_put(writing.output, format->header, strlen(format->header));
        if (!workload_each_block(workload, write_block, &writing, errors)) {
            trace_output_abandon(writing.output);
            copied = TRACE_NOT_READ;
        } else if (trace_output_finish(writing.output, errors))
            copied = TRACE_COPIED;
    }
    if (format->release)
        format->release(writing.state);
    return copied;
}

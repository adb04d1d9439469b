#include "workloads/trace_convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "workloads/readers/foreign.h"
#include "workloads/readers/lackey.h"
#include "workloads/readers/native_writer.h"
#include "workloads/readers/readers.h"
#include "workloads/readers/trace_output.h"

static void put_records(void *writer, const struct access *records, uint32_t count)
{
    native_writer_put(writer, records, count);
}

/* Two notes, either of which may be missing. */
static void put_note(struct native_writer *writer, const char *first, const char *second)
{
    struct arena arena = {0};
    bool both = first && second && *second;
    const char *only = first ? first : second;
    native_writer_note(writer,
                       both ? arena_printf(&arena, "%s; %s", first, second) : (only ? only : ""));
    arena_release(&arena);
}

/* ---- a workload --------------------------------------------------------------- */

static void copy_native(const struct native_trace *native, struct native_writer *writer)
{
    for (uint32_t i = 0; i < native->regions; i++)
        native_writer_region(writer, &native->region[i]);
    for (uint32_t i = 0; i < native->tasks; i++)
        native_writer_task(writer, &native->task[i]);
    for (uint32_t i = 0; native->space_names && i < native->spaces; i++)
        native_writer_space_name(writer, i, native->space_names[i]);
    native_writer_sample(writer, native->sample);
}

/* A native trace's own note is replaced, one that a reader made is added to. */
static void copy_description(const struct workload *workload, struct native_writer *writer,
                             const char *note)
{
    const struct native_trace *native = trace_workload_native(workload);
    if (native) {
        copy_native(native, writer);
        put_note(writer, note, note ? NULL : native->note);
    } else
        put_note(writer, note, foreign_note(workload));
    for (uint32_t i = 0; i < workload->spaces; i++)
        native_writer_space(writer, i, workload->space_pages[i]);
}

/* With the tasks of the records, where the trace has them. */
static void put_block(void *context, const struct workload_cursor *cursor,
                      const struct access *block, uint32_t count)
{
    struct native_writer *writer = context;
    const uint16_t *tasks = trace_cursor_tasks(cursor);
    while (tasks && count > 0) {
        uint32_t same = 1;
        while (same < count && tasks[same] == tasks[0])
            same++;
        native_writer_switch(writer, tasks[0]);
        native_writer_put(writer, block, same);
        block += same;
        tasks += same;
        count -= same;
    }
    if (count > 0)
        native_writer_put(writer, block, count);
}

enum trace_copy trace_write_native(const struct workload *workload, const char *path,
                                   unsigned version, int level, const char *note,
                                   struct diagnostics *errors)
{
    struct native_writer *writer = native_writer_open(path, version, level, errors);
    if (!writer)
        return TRACE_NOT_WRITTEN;
    copy_description(workload, writer, note);
    if (workload_each_block(workload, put_block, writer, errors))
        return native_writer_finish(writer, errors) ? TRACE_COPIED : TRACE_NOT_WRITTEN;
    native_writer_abandon(writer);
    return TRACE_NOT_READ;
}

/* ---- streams: read and written at once, so that a trace need not fit in memory ---- */

/* Where lackey's text came from and what was dropped. */
static void describe_lackey(const struct lackey_options *options,
                            const struct lackey_counts *counts, char note[TRACE_NOTE_BYTES])
{
    snprintf(note, TRACE_NOTE_BYTES,
             "valgrind lackey: %" PRIu64 " loads, %" PRIu64 " stores, %" PRIu64
             " modifies; window %" PRIu32 "%s",
             counts->loads, counts->stores, counts->modifies, options->window,
             options->instructions ? ", with instruction fetches" : "");
}

static bool stream_lackey(const void *params, int file, const char *name,
                          struct native_writer *writer, char note[TRACE_NOTE_BYTES],
                          struct diagnostics *errors)
{
    struct lackey_options options = lackey_params_options(params);
    struct lackey_counts counts;
    if (!lackey_read(file, name, &options, put_records, writer, &counts, NULL, errors))
        return false;
    describe_lackey(&options, &counts, note);
    return true;
}

static enum trace_copy stream(const struct trace_conversion *conversion, int file,
                              struct diagnostics *errors)
{
    const struct workload_type *type = conversion->from;
    const void *params = conversion->params;
    char note[TRACE_NOTE_BYTES] = "";
    const char *name = file == STDIN_FILENO ? "standard input" : conversion->in;
    struct native_writer *writer =
        native_writer_open(conversion->out, conversion->version, conversion->level, errors);
    if (!writer)
        return TRACE_NOT_WRITTEN;
    bool good = type->reader->read ? foreign_read(type, params, file, name, true, put_records,
                                                  writer, note, NULL, errors)
                                   : stream_lackey(params, file, name, writer, note, errors);
    if (!good) {
        native_writer_abandon(writer);
        return TRACE_NOT_READ;
    }
    put_note(writer, conversion->note, note);
    uint64_t records = native_writer_records(writer);
    if (!native_writer_finish(writer, errors))
        return TRACE_NOT_WRITTEN;
    fprintf(stderr, "zsim trace: %" PRIu64 " records; %s\n", records, note);
    return TRACE_COPIED;
}

static enum trace_copy stream_file(const struct trace_conversion *conversion,
                                   struct diagnostics *errors)
{
    const char *why;
    int file = STDIN_FILENO;
    if (strcmp(conversion->in, "-") != 0)
        file = file_open_input(conversion->in, &why);
    if (file < 0) {
        diagnostics_add(errors, &(struct source_position){.file = conversion->in},
                        "cannot open: %s", why);
        return TRACE_NOT_READ;
    }
    enum trace_copy copied = stream(conversion, file, errors);
    if (file != STDIN_FILENO)
        close(file);
    return copied;
}

/* ---- the action -------------------------------------------------------------------- */

static enum trace_copy write_other(const struct trace_conversion *conversion,
                                   const struct workload *workload, struct diagnostics *errors)
{
    struct trace_losses losses;
    enum trace_copy copied = trace_output_write(conversion->to, workload, conversion->out,
                                                conversion->level, &losses, errors);
    if (copied != TRACE_COPIED)
        return copied;
    if (losses.writes || losses.frees)
        fprintf(stderr,
                "zsim trace: %s has no place for %" PRIu64 " writes (now reads) and %" PRIu64
                " frees (left out)\n",
                conversion->to->name, losses.writes, losses.frees);
    return TRACE_COPIED;
}

enum trace_copy trace_convert(const struct trace_conversion *conversion, struct diagnostics *errors)
{
    const struct workload_type *from = conversion->from;
    if (conversion->version && from->reader)
        return stream_file(conversion, errors);
    struct workload *workload =
        from->open(conversion->params, 0, &(struct source_position){.file = "zsim trace"}, errors);
    if (!workload)
        return TRACE_NOT_READ;
    enum trace_copy copied =
        conversion->version ? trace_write_native(workload, conversion->out, conversion->version,
                                                 conversion->level, conversion->note, errors)
                            : write_other(conversion, workload, errors);
    from->close(workload);
    return copied;
}

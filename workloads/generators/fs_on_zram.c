/* Type `fs_on_zram`: what a job does to the blocks of a file system, under which there
 * is nothing but the device: no page cache, no swap.
 *
 * A job goes from one file to another: it reads all of it, or overwrites it, or deletes
 * it, which discards its blocks.  Files are of one size.  Everything follows from the
 * number of the record, so that a position needs no state. */
#include <inttypes.h>

#include "sim/base/random.h"
#include "sim/base/units.h"
#include "workloads/generators/single.h"

static const struct param fs_on_zram_rows[] = {
    SINGLE_COMMON_ROWS,
    {.name = "file",
     .type = PARAM_BYTES,
     SINGLE_ROW(file),
     .flags = PARAM_WHOLE_PAGES,
     .initial = "64K",
     .least = 4096,
     .most = 4096.0 * WORKLOAD_PAGES_AT_MOST,
     .help = "size of a file in bytes; at most the footprint"},
    {.name = "discard_percent",
     .type = PARAM_COUNT,
     SINGLE_ROW(discard_percent),
     .initial = "10",
     .least = 0,
     .most = 100,
     .help = "share of the files met that are deleted, in percent; with write_percent at most 100"},
};

/* What is done to a whole file, by the number of the visit. */
static uint8_t operation(const struct stream *stream, uint64_t draw)
{
    uint64_t percent = (draw >> 32) % 100;
    if (percent < stream->discard_percent)
        return ACCESS_FREE;
    return percent < stream->discard_percent + stream->write_percent ? ACCESS_WRITE : ACCESS_READ;
}

static void fill_files(const struct stream *stream, struct stream_position *at,
                       struct access *records, uint32_t count)
{
    uint32_t file_pages = stream->file_pages, files = stream->pages / file_pages;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t visit = at->index / file_pages;
        uint64_t draw = random_splitmix(stream->random + visit);
        uint32_t file = (uint32_t)((draw & UINT32_MAX) * files >> 32);
        records[i] = (struct access){.page = file * file_pages + (uint32_t)(at->index % file_pages),
                                     .space = stream->space,
                                     .op = operation(stream, draw)};
        at->index++;
    }
}

static struct workload *fs_on_zram_open(const void *params, uint64_t seed,
                                        const struct source_position *position,
                                        struct diagnostics *errors)
{
    const struct single_params *own = params;
    if (own->file > own->footprint || own->write_percent + own->discard_percent > 100) {
        diagnostics_add(errors, position,
                        "expected a \"file\" within the footprint, and write_percent and "
                        "discard_percent of at most 100 together, found %" PRIu64 " and %" PRIu64
                        " bytes, %" PRIu64 " and %" PRIu64,
                        own->file, own->footprint, own->write_percent, own->discard_percent);
        return NULL;
    }
    struct stream stream;
    struct stream_program *program = single_begin(own, seed, fill_files, &stream);
    stream.file_pages = (uint32_t)(own->file / PAGE_BYTES);
    stream.discard_percent = (uint32_t)own->discard_percent;
    stream_program_add(program, &stream);
    return single_finish(&workload_fs_on_zram, own, seed, program, position, errors);
}

const struct workload_type workload_fs_on_zram = {
    .name = "fs_on_zram",
    .summary = "blocks of a file system: files read, overwritten, deleted (for tasks on a device)",
    .params = PARAM_TABLE(fs_on_zram_rows, struct single_params),
    .open = fs_on_zram_open,
    SINGLE_FUNCTIONS,
};

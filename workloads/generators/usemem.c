/* Type `usemem`: a process that takes memory and fills it, as usemem of vm-scalability
 * does: so many passes over all of it, in order or at random, then perhaps a pass that
 * reads it again, then the end of the process, which gives everything back.
 *
 * N processes are N tasks ("count"), each with memory of its own. */
#include "sim/base/units.h"
#include "workloads/generators/single.h"

static const struct param usemem_rows[] = {
    {.name = "footprint",
     .type = PARAM_BYTES,
     SINGLE_ROW(footprint),
     .flags = PARAM_REQUIRED | PARAM_WHOLE_PAGES,
     .least = 4096,
     .most = 4096.0 * WORKLOAD_PAGES_AT_MOST,
     .help = "memory that the process takes, in bytes",
     .source = "vm-scalability usemem: its size argument"},
    {.name = "repeat",
     .type = PARAM_COUNT,
     SINGLE_ROW(rounds),
     .initial = "1",
     .least = 1,
     .most = 1000000,
     .help = "passes that write; each has an access for every page of the footprint",
     .source = "vm-scalability usemem --repeat"},
    {.name = "random",
     .type = PARAM_BOOL,
     SINGLE_ROW(random),
     .initial = "false",
     .help = "a pass takes pages at random, some of them several times, instead of in order",
     .source = "vm-scalability usemem --random"},
    {.name = "read_again",
     .type = PARAM_BOOL,
     SINGLE_ROW(read_again),
     .initial = "false",
     .help = "after the passes read every page once, in order",
     .source = "vm-scalability usemem --read-again"},
    {.name = "exit",
     .type = PARAM_BOOL,
     SINGLE_ROW(exits),
     .initial = "true",
     .help = "at the end give every page back, in order, as the end of a process does"},
};

static struct workload *usemem_open(const void *params, uint64_t seed,
                                    const struct source_position *position,
                                    struct diagnostics *errors)
{
    const struct single_params *own = params;
    struct stream_program *program = stream_program_new();
    uint32_t pages = (uint32_t)(own->footprint / PAGE_BYTES);
    struct stream stream = {.fill = own->random ? stream_fill_uniform : stream_fill_sequential,
                            .pages = pages,
                            .count = own->rounds * pages,
                            .write_percent = 100,
                            .batch = STREAM_BATCH_DEFAULT,
                            .random = stream_seed(seed, 1)};
    stream_program_begin_step(program);
    stream_program_add(program, &stream);
    stream.count = pages;
    if (own->read_again) {
        stream.fill = stream_fill_sequential;
        stream.write_percent = 0;
        stream_program_begin_step(program);
        stream_program_add(program, &stream);
    }
    if (own->exits) {
        stream.fill = stream_fill_free;
        stream_program_begin_step(program);
        stream_program_add(program, &stream);
    }
    return single_finish(&workload_usemem, own, seed, program, position, errors);
}

const struct workload_type workload_usemem = {
    .name = "usemem",
    .summary = "a process that fills memory, perhaps reads it again, and ends (vm-scalability)",
    .params = PARAM_TABLE(usemem_rows, struct single_params),
    .open = usemem_open,
    SINGLE_FUNCTIONS,
};

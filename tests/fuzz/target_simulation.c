/* The whole simulator, with every invariant checked all the time.
 *
 * The bytes of the input choose: a config (machine, kernel, policies and their
 * parameters, cgroups, limits, devices, tasks, events), and behind them, in eights,
 * the records of a trace that one of its tasks replays.  A config that is made to be
 * valid must be taken and run to its end; one of any keys may be refused. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "sim/experiment/experiment.h"
#include "sim/sim.h"
#include "tests/unit/random_config.h"

enum { TRACE_PAGES = 64, RECORDS_AT_MOST = 256 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_without_cache();
    return 0;
}

/* A native trace of one space: a word a record, 14 bits of page, 2 of what is done. */
static const char *make_trace(const uint8_t *data, size_t size)
{
    static struct {
        char magic[8];
        uint32_t version, spaces;
        uint64_t records;
        uint32_t pages[8];
        uint64_t record[RECORDS_AT_MOST];
    } trace = {.magic = "KZTRACE1", .version = 1, .spaces = 1, .pages = {TRACE_PAGES}};
    trace.records = size / 2 < RECORDS_AT_MOST ? size / 2 : RECORDS_AT_MOST;
    for (size_t i = 0; i < trace.records; i++) {
        unsigned word = (unsigned)data[2 * i] << 8 | data[2 * i + 1];
        uint64_t op = word >> 14 == 3 ? 1 : word >> 14;
        trace.record[i] = word % TRACE_PAGES | op << 48;
    }
    return fuzz_file(0, (const uint8_t *)&trace, 56 + 8 * trace.records);
}

static void simulate(struct experiment *experiment, const char *text, bool relations)
{
    struct diagnostics errors = {0};
    struct config config;
    struct run_result result;
    if (!experiment_config(experiment, 0, 1, &config, &errors))
        fuzz_fail("%s\n%s", diagnostics_text(&errors, 0), text);
    if (!sim_run(&config, &(struct sim_options){.checks = CHECKS_FULL}, 1, &result))
        fuzz_fail("%s\n%s", result.failure, text);
    const char *broken = relations ? broken_relation(text, &result) : NULL;
    if (broken)
        fuzz_fail("not so: %s\n%s", broken, text);
    run_result_release(&result);
    diagnostics_release(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[RANDOM_CONFIG_BYTES];
    if (size < 4)
        return 0;
    size_t choices = data[1] < size ? data[1] : size;
    struct draw draw = {.bytes = data + 2, .left = choices > 2 ? choices - 2 : 0, .shrunk = 32};
    bool any = data[0] & 1;
    draw.text = text;
    if (size - choices >= 2)
        draw.trace = make_trace(data + choices, size - choices);
    if (any)
        draw_any_config(&draw);
    else
        draw_valid_config(&draw);
    struct diagnostics errors = {0};
    struct experiment *experiment = experiment_parse("drawn", "", text, draw.used, &errors);
    if (!experiment && !any)
        fuzz_fail("%s\n%s", diagnostics_text(&errors, 0), text);
    if (experiment)
        simulate(experiment, text, !any);
    experiment_free(experiment);
    diagnostics_release(&errors);
    return 0;
}

/* Replaying a case, and what is counted beside the counters. */
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/experiment/validate.h"
#include "workloads/readers/native.h"

void workload_native_sha256(const struct workload *workload, char out[65])
{
    uint32_t header[NATIVE1_HEADER_BYTES / 4] = {0};
    memcpy(header, NATIVE_MAGIC, 8);
    header[2] = 1; /* version */
    header[3] = workload->spaces;
    memcpy(&header[4], &workload->accesses, 8);
    for (uint32_t i = 0; i < workload->spaces && i < NATIVE1_SPACES_AT_MOST; i++)
        header[6 + i] = workload->space_pages[i];
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)header, sizeof(header));
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    if (workload->type->start(&cursor)) {
        for (uint32_t n; (n = workload->type->next(&cursor, &block));)
            SHA256Update(&context, (const uint8_t *)block, n * sizeof(*block));
        workload->type->stop(&cursor);
    }
    SHA256End(&context, out);
}

/* ---- accesses ------------------------------------------------------------------- */

static bool group_has(const struct validate_group *group, uint32_t space, uint32_t page)
{
    return group->space == space && page >= group->first && page <= group->last;
}

/* Accesses by group, and the last use of each page, come from the trace itself:
 * a hit costs the simulation nothing more. */
static void walk_accesses(struct kernel_case *at, const struct workload *workload)
{
    struct workload_cursor cursor = {.workload = workload};
    const struct access *block;
    uint64_t record = 0;
    if (!workload->type->start(&cursor))
        return;
    for (uint32_t n; (n = workload->type->next(&cursor, &block));)
        for (uint32_t i = 0; i < n; i++, record++) {
            if (block[i].op == ACCESS_FREE)
                continue;
            for (uint32_t g = 0; g < at->group_count; g++)
                at->groups[g].accesses += group_has(&at->groups[g], block[i].space, block[i].page);
            if (at->last_use)
                at->last_use[block[i].page] = record + 1;
        }
    workload->type->stop(&cursor);
}

/* The kernel's cases count a major fault as one of the disk when any page of its
 * readahead window came from there. */
static void observe_fault(void *context, uint32_t space, uint32_t page, enum fault_kind kind,
                          uint64_t pages_read)
{
    struct kernel_case *at = context;
    if (pages_read && (kind == FAULT_zswap || kind == FAULT_zero))
        kind = FAULT_disk;
    for (uint32_t g = 0; g < at->group_count; g++)
        at->groups[g].faults[kind] += group_has(&at->groups[g], space, page);
}

static void observe_page(void *context, uint32_t space, uint32_t page, enum page_place place)
{
    struct kernel_case *at = context;
    for (uint32_t g = 0; g < at->group_count; g++)
        at->groups[g].places[place] += group_has(&at->groups[g], space, page);
    if (at->place)
        at->place[page] = (uint8_t)place;
}

/* ---- one run, or several ------------------------------------------------------------ */

/* How fast the processor is in each of the runs, in thousandths: as far apart as runs
 * of the same phase were on one machine. */
static const uint64_t speeds[VALIDATE_RUNS] = {1000, 1005, 995, 1010, 990};

/* Replay once, into at->result and at->rows. */
static bool run_once(struct kernel_case *at, const struct config *decoded, uint32_t run,
                     enum invariant_checks checks)
{
    struct config config = *decoded;
    struct task_config task = config.tasks[0];
    for (int i = 0; i < COSTS; i++)
        config.costs.ns[i] = config.costs.ns[i] * speeds[run] / 1000;
    task.think_ns = task.think_ns * speeds[run] / 1000;
    task.fill_ns = task.fill_ns * speeds[run] / 1000;
    config.tasks = &task; /* a case has one task */
    for (uint32_t g = 0; g < at->group_count; g++) {
        memset(at->groups[g].faults, 0, sizeof(at->groups[g].faults));
        memset(at->groups[g].places, 0, sizeof(at->groups[g].places));
    }
    struct sim_observer observer = {
        .context = at, .fault = observe_fault, .page_at_end = observe_page};
    struct sim_options options = {.observer = &observer, .checks = checks};
    if (!sim_run(&config, &options, at->experiment->seeds[0], &at->result)) {
        kernel_case_refuse(at, NULL, "the run failed: %s", at->result.failure);
        run_result_release(&at->result);
        return false;
    }
    at->killed_runs += at->result.totals.counters[COUNTER_oom_kill] > 0;
    if (at->emulator)
        emulator_case_compare(at);
    else
        kernel_case_compare(at);
    return true;
}

/* What zsim gave for one counter over the runs. */
struct values {
    uint32_t count;
    double of[VALIDATE_RUNS];
};

static void note_values(const struct kernel_case *at, struct values *values,
                        const struct validate_row *rows, uint32_t row_count)
{
    for (uint32_t i = 0; i < row_count; i++)
        for (uint32_t k = 0; k < at->row_count; k++) {
            /* Mostly the same list again: begin where the row was. */
            const struct validate_row *row = &at->rows[(i + k) % at->row_count];
            if (strcmp(row->counter, rows[i].counter) == 0) {
                values[i].of[values[i].count++] = row->zsim;
                break;
            }
        }
}

static double median(struct values *values)
{
    for (uint32_t i = 1; i < values->count; i++)
        for (uint32_t k = i; k > 0 && values->of[k] < values->of[k - 1]; k--) {
            double larger = values->of[k - 1];
            values->of[k - 1] = values->of[k];
            values->of[k] = larger;
        }
    return values->of[values->count / 2];
}

/* The case again at other speeds; at->rows gets the medians. */
static bool run_again(struct kernel_case *at, const struct config *config,
                      enum invariant_checks checks)
{
    struct run_result first = at->result;
    struct validate_row *rows = at->rows;
    uint32_t row_count = at->row_count;
    struct values *values = memory_zeroed(row_count, sizeof(*values), "values of runs");
    bool good = true;
    note_values(at, values, rows, row_count);
    for (uint32_t run = 1; good && run < VALIDATE_RUNS; run++) {
        at->rows = NULL;
        at->row_count = 0;
        memset(&at->result, 0, sizeof(at->result));
        good = run_once(at, config, run, checks);
        if (!good)
            break;
        note_values(at, values, rows, row_count);
        run_result_release(&at->result);
        free(at->rows);
    }
    for (uint32_t i = 0; i < row_count; i++) {
        rows[i].zsim = median(&values[i]);
        validate_judge(&rows[i]);
    }
    free(values);
    at->runs = VALIDATE_RUNS;
    at->result = first;
    at->rows = rows;
    at->row_count = row_count;
    return good;
}

bool kernel_case_run(struct kernel_case *at, enum invariant_checks checks)
{
    struct config config;
    if (!experiment_config(at->experiment, 0, at->experiment->seeds[0], &config, &at->errors))
        return false;
    const struct workload *workload = config.tasks[0].workload;
    if (at->emulator) {
        at->last_use =
            memory_zeroed(workload->space_pages[0], sizeof(*at->last_use), "last uses of pages");
        at->place = memory_zeroed(workload->space_pages[0], 1, "places of pages");
    }
    if (at->group_count || at->last_use)
        walk_accesses(at, workload);
    at->runs = 1;
    if (!run_once(at, &config, 0, checks))
        return false;
    /* One run of the kernel is compared with one of zsim. */
    if (at->run || !at->result.totals.counters[COUNTER_pool_limit_hit])
        return true;
    return run_again(at, &config, checks);
}

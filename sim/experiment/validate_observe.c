/* Replaying a case, and what is counted beside the counters. */
#include <sha2.h>
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

bool kernel_case_run(struct kernel_case *at, enum invariant_checks checks)
{
    struct config config;
    uint64_t seed = at->experiment->seeds[0];
    if (!experiment_config(at->experiment, 0, seed, &config, &at->errors))
        return false;
    const struct workload *workload = config.tasks[0].workload;
    if (at->emulator) {
        at->last_use =
            memory_zeroed(workload->space_pages[0], sizeof(*at->last_use), "last uses of pages");
        at->place = memory_zeroed(workload->space_pages[0], 1, "places of pages");
    }
    if (at->group_count || at->last_use)
        walk_accesses(at, workload);
    struct sim_observer observer = {
        .context = at, .fault = observe_fault, .page_at_end = observe_page};
    struct sim_options options = {.observer = &observer, .checks = checks};
    bool done = sim_run(&config, &options, seed, &at->result);
    if (!done) {
        kernel_case_refuse(at, NULL, "the run failed: %s", at->result.failure);
        run_result_release(&at->result);
        return false;
    }
    if (at->emulator)
        emulator_case_compare(at);
    else
        kernel_case_compare(at);
    return true;
}

/* Every type of workload there is: one line each. */
#include <string.h>

#include "workloads/generators/generators.h"
#include "workloads/readers/readers.h"
#include "workloads/workload.h"

const struct workload_type *const workload_types[] = {
    &workload_sequential,
    &workload_uniform,
    &workload_permutation,
    &workload_zipf,
    &workload_scattered_zipf,
    &workload_hot_cold,
    &workload_fs_on_zram,
    &workload_usemem,
    &workload_stress_vm,
    &workload_service,
    &workload_kernel_build,
    &workload_steps,
    &workload_emulator_phases,
    &workload_trace,
    &workload_lackey,
    &workload_perf_script,
    &workload_damon,
    &workload_oracle_general,
    &workload_msr,
    &workload_csv,
    &workload_blkparse,
    NULL,
};

const struct workload_type *workload_type_find(const char *name)
{
    for (size_t i = 0; workload_types[i]; i++)
        if (strcmp(workload_types[i]->name, name) == 0)
            return workload_types[i];
    return NULL;
}

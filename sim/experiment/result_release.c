/* The end of a run's result. */
#include <stdlib.h>
#include <string.h>

#include "sim/result.h"

/* The failure is the result's own; paths, labels and names belong to the config. */
void run_result_release(struct run_result *result)
{
    free((char *)(uintptr_t)result->failure);
    free(result->cgroups);
    free(result->cpus);
    for (uint32_t i = 0; i < result->device_count; i++) {
        histogram_release(&result->devices[i].read_latency);
        histogram_release(&result->devices[i].write_latency);
    }
    free(result->devices);
    free(result->nodes);
    free(result->snapshots);
    free(result->series);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        histogram_release(&result->fault_latency[kind]);
    histogram_release(&result->store_wait);
    memset(result, 0, sizeof(*result));
}

#include <stdlib.h>
#include <string.h>

#include "sim/result.h"

/* Strings (paths, labels, the failure) belong to the config or are constants. */
void run_result_release(struct run_result *result)
{
    free(result->cgroups);
    free(result->nodes);
    free(result->snapshots);
    free(result->series);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        histogram_release(&result->fault_latency[kind]);
    memset(result, 0, sizeof(*result));
}

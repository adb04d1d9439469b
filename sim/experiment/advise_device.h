/* Swap devices for `zsim advise`: typical ones by name, or measured, from a file. */
#ifndef ZSIM_EXPERIMENT_ADVISE_DEVICE_H
#define ZSIM_EXPERIMENT_ADVISE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"

struct advise_device {
    const char *name;
    const char *source; /* where the numbers come from */
    bool assumed;       /* typical numbers, not this machine's */
    uint64_t read_latency_ns, write_latency_ns, bandwidth_bytes_per_s, queue_depth;
    bool rotational;
    uint64_t measured_at_depth; /* fio's iodepth of the latencies; 0: not known */
};

/* "nvme", "ssd", "hdd", or a file: schema zsim.device/1 or the JSON output of fio
 * (docs/advise.md).  Strings live in `arena`.  False after adding to `errors`. */
bool advise_device_read(const char *name, struct advise_device *device, struct arena *arena,
                        struct diagnostics *errors);

#endif

/* What no policy could have beaten: the clairvoyant bound of one run.
 *
 * The bound is of the accesses and the limits of a run's config, and holds for
 * whatever a policy does within them.  Where the run held more for a moment than
 * its limits say (pages under way to a disk, charges that reclaim itself makes),
 * that peak counts as the limit, so that the comparison is never unfair to the
 * bound.  docs/bound.md has the proof, step by step. */
#ifndef ZSIM_EXPERIMENT_BOUND_H
#define ZSIM_EXPERIMENT_BOUND_H

#include "sim/base/diagnostics.h"
#include "sim/config.h"
#include "sim/engine/costs.h"
#include "sim/result.h"

/* Fill result->bound of a complete run.  Reads the workloads of `config` once
 * more.  False after adding to `errors`; not known, but true, when a task was
 * killed, so that its last accesses were never made, or swap is on zram. */
bool bound_of_run(const struct config *config, struct run_result *result,
                  struct diagnostics *errors);

/* The least times that faults can take, in ns. */
struct bound_costs {
    uint64_t first_touch;
    uint64_t refault;   /* one that needs no disk read */
    uint64_t disk_read; /* one that does; with readahead: what a disk read adds to it */
    bool readahead;
};

/* Least time in faults, from the least numbers of them; refaults >= disk_reads. */
uint64_t bound_fault_ns(const struct bound_costs *costs, uint64_t first_touches, uint64_t refaults,
                        uint64_t disk_reads);

/* With these devices (none: disk_read without a device), compressors and smallest
 * compressed length in bytes. */
struct bound_costs bound_costs_of(const struct costs *costs,
                                  const struct swap_device_config *devices, uint64_t device_count,
                                  uint32_t compressor_set, uint32_t least_length, bool readahead);

#endif

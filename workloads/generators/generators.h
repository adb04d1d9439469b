/* The generator types, for workloads/registry.c and for callers in C. */
#ifndef ZSIM_WORKLOADS_GENERATORS_GENERATORS_H
#define ZSIM_WORKLOADS_GENERATORS_GENERATORS_H

#include "workloads/workload.h"

extern const struct workload_type workload_steps;
extern const struct workload_type workload_emulator_phases;
extern const struct workload_type workload_sequential;
extern const struct workload_type workload_uniform;
extern const struct workload_type workload_permutation;
extern const struct workload_type workload_zipf;
extern const struct workload_type workload_scattered_zipf;
extern const struct workload_type workload_hot_cold;
extern const struct workload_type workload_fs_on_zram;
extern const struct workload_type workload_usemem;
extern const struct workload_type workload_stress_vm;
extern const struct workload_type workload_service;
extern const struct workload_type workload_kernel_build;

/* Type `steps` without a config: `steps` is the steps separated by spaces. */
struct workload *steps_workload_open(uint64_t seed, const char *steps,
                                     const struct source_position *position,
                                     struct diagnostics *errors);

/* Type `emulator_phases` without a config: `phases` separated by ';'.  The
 * record with which each phase begins: stream_workload_step_start(). */
struct workload *emulator_phases_open(const char *phases, const struct source_position *position,
                                      struct diagnostics *errors);

/* FNV-1a 64 over the 32-bit little-endian words page << 1 | write of one phase
 * (0, 1, ...): what the truth cases list as `trace_fnv1a`. */
uint64_t emulator_phase_hash(const struct workload *workload, uint32_t phase);

#endif

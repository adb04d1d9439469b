/* What one run measured. */
#ifndef ZSIM_RESULT_H
#define ZSIM_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/counters.h"
#include "sim/base/histogram.h"
#include "sim/engine/costs.h"
#include "sim/engine/locks.h"

/* clang-format off */
/* Fault kinds of the latency histograms: X(name, meaning) */
#define FAULT_KIND_LIST(X) \
    X(first_touch, "first access to a page") \
    X(swap_cache, "page still in the swap cache") \
    X(zero, "zero map") \
    X(zswap, "loaded from zswap") \
    X(disk, "read from a device") \
    X(zram, "read from a zram device")

/* clang-format on */
enum fault_kind {
#define X(name, meaning) FAULT_##name,
    FAULT_KIND_LIST(X)
#undef X
        FAULT_KINDS
};

struct counters_at {
    uint64_t counters[COUNTERS];
    uint64_t gauges[GAUGES];
};

struct cgroup_result {
    const char *path;
    uint64_t usage_peak;       /* pages, as memory.peak */
    struct counters_at at_end; /* subtree sums, as memory.stat shows them */
};

struct snapshot {
    const char *label;
    uint64_t at_ns, accesses;
    struct counters_at at;
};

/* A row of the time series: counters since the start, gauges now. */
struct series_row {
    uint64_t at_ns, accesses;
    struct counters_at at;
};

/* How often the wrong page is on the device, by the clocks of docs/model.md, "Inversion". */
struct inversion_result {
    /* share of pages on a device that left RAM later than the median page of their cgroup
     * in zswap, in parts per million, at the end and as an average over time */
    uint64_t at_end_ppm, time_average_ppm;
    /* probability that a random page in zswap left RAM before a random page of its cgroup on
     * a device, in parts per million (500,000: no order; UINT64_MAX: undefined) */
    uint64_t pair_ppm;
};

/* Jain's index (1,000,000: even) over cgroups and nodes, of written-back pages, and of these for
 * each page stored, in parts per million; UINT64_MAX: nothing written back or a single member. */
struct fairness_result {
    uint64_t cgroups_ppm, nodes_ppm;
    uint64_t cgroups_per_store_ppm, nodes_per_store_ppm;
};

/* PSI "total" of the whole machine, in us, as /proc/pressure/memory shows it. */
struct psi_result {
    uint64_t some_us, full_us;
};

/* Where the time of a processor went, or of all together. */
struct cpu_result {
    uint64_t user_ns, sys_ns, iowait_ns, idle_ns;
};

/* As time(1) prints it of all tasks together: kernel threads are nobody's. */
struct time_result {
    uint64_t real_ns, user_ns, sys_ns;
};

/* What no policy could have beaten with the same accesses and limits
 * (docs/bound.md), and how far this run is from it.  Not `known`: nobody asked
 * (engine.bound), a task was killed, or swap is on zram. */
struct bound_result {
    bool known;
    uint64_t refaults, disk_reads, fault_ns;             /* the least possible */
    uint64_t refaults_ppm, disk_reads_ppm, fault_ns_ppm; /* this run's of that; 1,000,000: equal,
                                                             UINT64_MAX: the least is 0 */
};

/* One disk, as iostat(1) shows it. */
struct device_result {
    const char *name;
    uint64_t reads, writes, merged;               /* requests; pages that joined another one's */
    uint64_t util_ppm;                            /* of the run's time some request was under way */
    uint64_t queue_milli;                         /* requests under way on average, in 1/1000 */
    struct histogram read_latency, write_latency; /* ns */
};

/* The disks of a run together. */
struct devices_result {
    uint64_t util_ppm, queue_milli; /* of the busiest one */
    uint64_t merged;
    uint64_t read_mean_ns, read_p50_ns, read_p99_ns, write_mean_ns, write_p50_ns, write_p99_ns;
};

struct run_result {
    uint64_t seed;
    bool complete;       /* false: interrupted or failed */
    const char *failure; /* why, or NULL */
    uint64_t end_ns;     /* simulated time of the last event */
    struct counters_at totals;
    struct cgroup_result *cgroups;
    uint32_t cgroup_count;
    struct counters_at *nodes;
    uint32_t node_count;
    struct snapshot *snapshots;
    uint32_t snapshot_count;
    struct series_row *series;
    uint32_t series_count;
    struct histogram fault_latency[FAULT_KINDS];
    struct histogram store_wait; /* of stores at memory.zswap.max, ns */
    uint64_t time_ns[TIME_KINDS];
    struct lock_counts locks[LOCK_KINDS];
    struct cpu_result cpu;   /* sums over processors */
    struct cpu_result *cpus; /* [cpu_count]; NULL unless engine.per_cpu */
    uint32_t cpu_count;
    struct time_result time;
    struct device_result *devices; /* swap's, then those of file systems; no zram */
    uint32_t device_count;
    struct devices_result disk;
    struct inversion_result inversion;
    struct fairness_result fairness;
    struct psi_result psi;
    struct bound_result bound;
    /* the most pages that there were in RAM, in pools, and in both at one time */
    uint64_t resident_peak, pool_peak, memory_peak;
    /* host block: depends on the machine */
    uint64_t host_wall_ns, host_state_bytes;
};

void run_result_release(struct run_result *result);

#endif

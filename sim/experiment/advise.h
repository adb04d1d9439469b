/* `zsim advise`: which zswap settings suit a trace.
 *
 * A sweep over settings through the ordinary experiment, in two steps: every
 * point of a grid once, then the best few again with other draws of page contents.
 * docs/advise.md says what is swept and how one
 * setting is chosen. */
#ifndef ZSIM_EXPERIMENT_ADVISE_H
#define ZSIM_EXPERIMENT_ADVISE_H

#include <cjson/cJSON.h>

#include "sim/base/diagnostics.h"
#include "sim/experiment/advise_device.h"
#include "sim/experiment/run.h"

struct advise_request {
    const char *trace, *trace_type; /* file, and the workload type that reads it */
    const char *content;            /* profile; NULL: the default contents of a config */
    const char *kernel;             /* preset */
    struct advise_device device;
    uint64_t limit_bytes;     /* memory.max */
    uint64_t memory_bytes;    /* RAM that max_pool_percent refers to */
    uint64_t footprint_bytes; /* of the trace at its peak */
    uint64_t accesses;        /* of the trace */
    uint64_t think_ns;        /* between two accesses */
    uint32_t idle_cgroups;    /* beside the program's: at most ADVISE_IDLE_CGROUPS_AT_MOST */
    struct run_options options;
};

struct advise_setting {
    bool zswap;
    const char *compressor;
    unsigned pool_percent, accept_percent;
    bool shrinker, writeback;
    unsigned page_cluster;
};

/* Of one run, or means over several. */
struct advise_measure {
    double fault_ns;      /* all tasks' time in faults */
    double cpu_ns;        /* the kernel's processor time */
    double saved_bytes;   /* pages in zswap less the pool's size, on average over the run */
    double device_writes; /* pages */
    double disk_reads, zswap_loads;
    /* that any policy could have had (docs/bound.md); 0: not asked */
    double least_fault_ns, least_disk_reads;
};

struct advise_point {
    struct advise_setting setting;
    struct advise_measure mean;
    struct advise_measure first;          /* of the one draw that all settings have in common */
    double fault_ns_least, fault_ns_most; /* over the draws of contents */
    unsigned draws;                       /* of page contents */
    bool killed;                          /* a task, for lack of memory: no advice */
    uint64_t reclaimed;                   /* pages, over all draws */
    bool repeats;                         /* one before it, to the last bit */
    /* No other is as good in all of fault time, CPU time, memory saved and device writes (to 1 %)
     * and better in one, none before it the same.  Two points are compared by their means, or,
     * if one had more draws, by the draw that all have in common. */
    bool on_front;
};

enum { ADVISE_IDLE_CGROUPS_AT_MOST = 60000 };
enum { ADVISE_DRAWS = 3, ADVISE_NEAR_PERCENT = 5, ADVISE_LARGEST_POOL = 50 };

struct advice {
    struct arena arena;
    struct advise_point *points;
    uint32_t count;
    uint32_t recommended;
    unsigned compressors; /* a bit for each that the page contents are known under */
    bool coarse;          /* fewer settings were tried because the trace is long */
    bool has_shrinker;    /* of the kernel; memory.zswap.writeback came with it */
    bool pressure;        /* something was reclaimed; else no points, none is recommended */
    uint32_t runs;
    cJSON *experiment; /* the config of the first step */
};

/* Exit code as of experiment_run(); 2 after adding to `errors`: the user's
 * mistake; 1 also when every setting ends out of memory. */
int advise(const struct advise_request *request, struct advice *advice, struct diagnostics *errors);
void advice_release(struct advice *advice);

/* "lz4 pool 20% accept 90% shrinker on", or "no zswap". */
void advise_setting_print(const struct advise_setting *setting, char *out, size_t size);

/* What the pool may take: its percentage of the RAM, at most the limit; whole pages. */
uint64_t advise_pool_bytes(const struct advise_request *request,
                           const struct advise_setting *setting);

/* Marks on_front, of points that are not killed.  For tests. */
void advise_find_front(struct advise_point *points, uint32_t count);
/* The recommended one of the front's with at least `draws` draws; UINT32_MAX: none. */
uint32_t advise_choose(const struct advise_point *points, uint32_t count, unsigned draws);

#endif

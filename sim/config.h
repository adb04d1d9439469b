/* What one simulation is told: a config, decoded.
 *
 * sim/experiment/ fills it from a config file; every module of the simulator
 * reads its own part.  docs/config.md explains the keys as a user sees them. */
#ifndef ZSIM_CONFIG_H
#define ZSIM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "policies/policy.h"
#include "sim/base/fuzzing.h"
#include "sim/engine/costs.h"
#include "workloads/content/content.h"
#include "workloads/workload.h"

enum {
    NODES_AT_MOST = 8,
    CPUS_AT_MOST = 4096,
    CGROUPS_AT_MOST = USUAL_OR_FUZZING(65000, 500),
    POOLS_AT_MOST = 15,
    SWAP_DEVICES_AT_MOST = 32,
    SERIES_ROWS_AT_MOST = 1000000,
    LRU_ADD_BATCH_AT_MOST = 255,   /* struct folio_batch counts in a byte */
    MEMCG_STOCK_SLOTS_AT_MOST = 7, /* NR_MEMCG_STOCK */
};

/* Three years.  A single step takes far less than what is left to 2^64 ns, so that no
 * time wraps around. */
#define SIMULATED_NS_AT_MOST ((uint64_t)100000000000000000)

/* A choice on an axis: "lru": "global" or "writeback": {"policy": "batch", "budget": 64}. */
struct policy_choice {
    const struct policy *policy;
    void *params; /* policy->params.struct_bytes, filled; NULL when it has none */
};

/* LOCAL_DISTANCE, REMOTE_DISTANCE of the firmware's SLIT */
enum { DISTANCE_LOCAL = 10, DISTANCE_REMOTE = 20, DISTANCE_MOST = 254 };

/* Whether a TLB keeps accesses from setting accessed bits, and whose. */
enum tlb_kind { TLB_NONE, TLB_QEMU };

/* "machine" */
struct machine_config {
    uint64_t cpus;
    uint64_t sockets;                    /* processors are dealt out to sockets in equal runs */
    uint64_t threads_per_core;           /* 1 or 2 */
    uint64_t time_slice_ns;              /* how long a task keeps a processor that others want */
    unsigned tlb;                        /* enum tlb_kind */
    uint64_t nodes;                      /* count of node_memory[] in use */
    uint64_t node_memory[NODES_AT_MOST]; /* bytes managed by the page allocator, per node */
    uint64_t node_distances[NODES_AT_MOST][NODES_AT_MOST]; /* as the firmware's SLIT: 10 is near */
    uint64_t total_ram_pages; /* 0: the sum of the nodes; else what zswap's percentage refers to */
};

/* What reclaim does with a dirty page that nobody has mapped since it came from swap. */
enum unmapped_swap_cache { UNMAPPED_WRITE, UNMAPPED_ACTIVATE };
enum memcg_version { CGROUP_V1, CGROUP_V2 };
/* Which page-table pages a cgroup pays for: those above the last level may exist
 * before a task joins it. */
enum charge_page_tables { PAGE_TABLES_NONE, PAGE_TABLES_LAST_LEVEL, PAGE_TABLES_ALL };
enum shrinker_lock { SHRINKER_LOCK_NONE, SHRINKER_LOCK_RWSEM };
enum memcg_walk { MEMCG_WALK_FULL, MEMCG_WALK_PARTIAL };
/* What one attempt for memory.reclaim is asked to free, of what is left to free. */
enum memory_reclaim_batch { RECLAIM_BATCH_REST, RECLAIM_BATCH_CLUSTER, RECLAIM_BATCH_QUARTER };

/* "vm": sysctls and the era's reclaim rules */
struct vm_config {
    struct policy_choice reclaim; /* axis reclaim */
    struct policy_choice proactive_reclaim;
    uint64_t swappiness;             /* 0..200 */
    uint64_t page_cluster;           /* swap readahead window is 2^page_cluster pages */
    uint64_t swapin_readahead_hits;  /* of readahead by slots, before the first fault */
    uint64_t watermark_scale_factor; /* 1/10000 of a node's memory between watermarks */
    uint64_t min_free_kbytes;        /* 0: the kernel's formula */
    uint64_t memcg_stat_flush_ns;    /* memcg statistics are folded in this often (kernel: 2 s) */
    uint64_t
        memcg_stat_flushes_per_run; /* and this many times in a run, evenly by access; 0: none */
    bool
        memcg_stat_flush_in_reclaim; /* so does each pass of reclaim, if it is worth it (to 6.11) */
    bool memcg_stat_threshold;       /* readers fold in what is worth it (from 6.8) */
    uint64_t lru_add_batch;          /* folios a processor collects before they reach an LRU */
    uint64_t memcg_stock_slots;      /* cgroups of which a processor keeps charged pages */
    unsigned memcg_walk;             /* enum memcg_walk: how limit reclaim visits a subtree */
    unsigned memory_reclaim_batch;   /* enum memory_reclaim_batch */
    unsigned cgroup_version;         /* enum memcg_version */
    bool zero_map;                   /* zero pages are marked in the swap map, not stored (6.12+) */
    unsigned unmapped_swap_cache;    /* enum unmapped_swap_cache */
    bool swap_cache_bypass; /* synchronous devices are read around the swap cache (up to 6.17) */
    unsigned charge_page_tables; /* enum charge_page_tables */
    unsigned shrinker_lock;      /* enum shrinker_lock */
};

enum device_type { DEVICE_DISK, DEVICE_ZRAM };

/* How a disk's latency varies from one request to the next. */
enum latency_distribution {
    LATENCY_CONSTANT,
    LATENCY_EXPONENTIAL,
    LATENCY_LOGNORMAL,
    LATENCY_TABLE
};
enum { LATENCY_POINTS_AT_MOST = 32 };

/* A quantile: `share` (0 to 1) of all requests take at most `factor` of the latency. */
struct latency_point {
    double share, factor;
};

/* "swap.devices[]", "block_devices[]" */
struct swap_device_config {
    const char *name;
    unsigned type;               /* enum device_type */
    uint64_t size;               /* bytes; zram: disksize, uncompressed */
    const char *compressor_name; /* zram */
    unsigned compressor;         /* index into compressors[] */
    uint64_t mem_limit;          /* bytes that zram's pool may take; 0: no limit */
    /* the rest is for disks; zram is synchronous */
    uint64_t read_latency_ns, write_latency_ns; /* of one 4 KiB transfer in an idle device */
    unsigned latency_distribution; /* enum latency_distribution; with the latencies as means */
    double latency_p99_ratio;      /* lognormal: the 99th percentile over the median */
    struct latency_point latency_points[LATENCY_POINTS_AT_MOST]; /* table: of which */
    uint32_t latency_point_count;                                /* the latencies are the unit */
    uint64_t request_overhead_ns; /* for which it works on nothing else, before the latency */
    bool merge;                   /* neighbouring pages of a plug are one request */
    bool io_scheduler; /* a write outside a plug waits for kblockd's turn on the processor */
    uint64_t bandwidth_bytes_per_s;
    uint64_t queue_depth;   /* requests served at the same time */
    uint64_t priority;      /* higher is used first; equal ones in turn */
    bool duplex;            /* reads do not wait behind writes */
    bool rotational;        /* cluster readahead instead of per-VMA */
    bool synchronous;       /* a RAM-like device: transfers finish in the caller */
    bool has_interrupt_cpu; /* else the processor that submitted takes the interrupt */
    uint64_t interrupt_cpu;
};

/* What the lock of swap slots covers. */
enum slot_lock { SLOT_LOCK_DEVICE, SLOT_LOCK_CLUSTER };

/* Where slots come from when a cluster is full. */
enum cluster_order { CLUSTER_FREE, CLUSTER_FREE_NONFULL, CLUSTER_NONFULL_FREE };

/* What the lock of the map from slots to cgroups covers. */
enum swap_cgroup_lock { SWAP_CGROUP_LOCK_NONE, SWAP_CGROUP_LOCK_DEVICE };

/* "swap" */
struct swap_config {
    unsigned cgroup_lock;                /* enum swap_cgroup_lock */
    unsigned slot_lock;                  /* enum slot_lock */
    unsigned cluster_order;              /* enum cluster_order */
    struct policy_choice backing;        /* axis swap_backing */
    struct policy_choice zram_allocator; /* axis allocator: where zram devices keep objects */
    struct swap_device_config *devices;
    uint64_t device_count;
};

enum zswap_limit_rule { LIMIT_CACHED, LIMIT_EXACT };
/* The last two are one in the model: a page that is read around the swap cache gives its slot
 * back in the same fault, and the entry goes with the slot. */
enum zswap_load_rule { LOAD_KEEPS, LOAD_EXCLUSIVE, LOAD_EXCLUSIVE_IN_CACHE };
enum zswap_kick_rule { KICK_WHEN_FULL, KICK_ON_HYSTERESIS, KICK_ON_ANY_REFUSAL };
enum zswap_incompressible_rule { INCOMPRESSIBLE_REJECTED, INCOMPRESSIBLE_STORED };
enum zswap_duplicate_rule { DUPLICATE_REMOVED_FIRST, DUPLICATE_COUNTED, DUPLICATE_REPLACED };
enum zswap_worker_queue { WORKER_BOUND, WORKER_UNBOUND };
/* What a lock of entry lists, and one of the index of entries, covers. */
enum zswap_list_locks { LIST_LOCK_PER_NODE, LIST_LOCK_PER_CGROUP };
enum zswap_index_locks { INDEX_LOCK_PER_DEVICE, INDEX_LOCK_PER_64M };
enum zswap_zstd_library { ZSTD_LIBRARY_1_4, ZSTD_LIBRARY_1_5 };
enum zswap_poor_counter {
    POOR_COUNTS_NOTHING,
    POOR_COUNTS_COMPRESS_FAIL,
    POOR_COUNTS_COMPRESS_POOR
};

/* "zswap" */
struct zswap_config {
    bool enabled;
    const char *compressor_name;
    unsigned compressor; /* index into compressors[] */
    uint64_t max_pool_percent;
    uint64_t accept_threshold_percent;
    bool shrinker_enabled;
    struct policy_choice allocator, lru, writeback, store_reclaim, pool_ref, shrinker, admission;
    unsigned limit_rule;            /* enum zswap_limit_rule */
    unsigned load_rule;             /* enum zswap_load_rule */
    unsigned kick_rule;             /* enum zswap_kick_rule */
    double refusals_per_worker_run; /* a run of the worker for so many refused stores; 0: by time */
    unsigned incompressible_rule;   /* enum zswap_incompressible_rule */
    unsigned poor_counter;    /* enum zswap_poor_counter: a compressor that returns an error */
    unsigned duplicate_rule;  /* enum zswap_duplicate_rule: the entry a store finds in its slot */
    unsigned worker_queue;    /* enum zswap_worker_queue: where the shrink worker runs */
    unsigned list_locks;      /* enum zswap_list_locks */
    unsigned index_locks;     /* enum zswap_index_locks */
    unsigned zstd_library;    /* enum zswap_zstd_library: what the compressor "zstd" is */
    bool stop_at_swap_cache;  /* the shrinker's walk ends at a page in the swap cache (6.9+) */
    bool shrinker_flush;      /* it reads statistics before it counts (up to 7.2) */
    bool second_chance;       /* entries enter referenced and are rotated once (6.12+) */
    bool same_filled_entries; /* same-filled pages become entries without an object (up to 6.11) */
    uint64_t object_header_bytes; /* 8 where the allocator evicts (up to 6.4) */
    uint64_t zpools;              /* allocator instances per pool: 32 in 6.6-6.10, else 1 */
};

/* "cgroups": {"/path": {...}} */
struct cgroup_config {
    const char *path; /* "/", "/web", "/web/cache"; parents come first */
    uint32_t parent;  /* index; the root is entry 0 and its own parent */
    uint64_t memory_min, memory_low, memory_high, memory_max, memory_swap_max,
        memory_zswap_max; /* bytes; UINT64_MAX: max */
    bool memory_zswap_writeback;
    bool object_stock;       /* a page for small objects is charged from the start */
    uint64_t kernel_objects; /* bytes of them that stay */
    uint64_t locked_memory;  /* bytes */
};

enum { NO_BLOCK_DEVICE = UINT32_MAX };

/* "tasks[]" */
struct task_config {
    const char *name;
    uint32_t *cgroups;         /* [workload->spaces]: cgroup index of each space */
    struct workload *workload; /* shared; owned by the experiment */
    struct content **contents; /* [workload->spaces] */
    uint32_t block_device;     /* its accesses are to blocks of this one; NO_BLOCK_DEVICE: memory */
    uint64_t first_block;      /* its files lie behind those of the tasks before it */
    uint32_t first_replica;    /* number of the first task of the same "count" */
    uint64_t first_cpu;        /* processor it starts on */
    uint64_t start_ns;
    uint64_t stop_ns; /* it ends then, whatever is left of its workload; 0: with its workload */
    /* After so many accesses (0: never) it writes burst_reclaim bytes to memory.reclaim of the
     * cgroup of its first space, up to burst_tries times, and then sleeps for burst_sleep_ns. */
    uint64_t burst, burst_reclaim, burst_tries, burst_sleep_ns;
    uint64_t think_ns;      /* added to every access, on top of the cost "hit" */
    uint64_t fill_ns;       /* added to the first access of a page: the program fills it */
    bool load_before_store; /* a write reads the page first: two faults where one would do */
};

enum event_action {
    EVENT_SET,      /* set a run-time parameter: path, value */
    EVENT_OFFLINE,  /* remove a cgroup: its charge and entries move to the parent */
    EVENT_RECLAIM,  /* write to memory.reclaim: cgroup, bytes */
    EVENT_SNAPSHOT, /* record all counters under a label */
    EVENT_FLUSH,    /* fold in memcg statistics now */
};

/* "events[]" */
struct event_config {
    bool at_access; /* when: before access number `when` of task 0, else at time `when` ns */
    uint64_t when;
    enum event_action action;
    const char *target; /* parameter path, cgroup path or label */
    uint64_t number;    /* the value, decoded, for numeric targets */
    uint32_t cgroup;    /* index, where the target is one */
};

struct engine_config {
    uint64_t quantum_ns;         /* how far a task may run ahead of the others */
    uint64_t series_interval_ns; /* a row of the time series this often; 0: none */
    uint64_t series_rows; /* and/or this many rows evenly over the accesses of task 0; 0: none */
    bool per_cpu;         /* the result has the times of every processor */
    bool bound;           /* compute what no policy could beat (docs/bound.md) */
};

struct config {
    const char *kernel; /* preset name */
    struct machine_config machine;
    struct vm_config vm;
    struct swap_config swap;
    struct zswap_config zswap;
    struct costs costs;
    struct engine_config engine;
    struct cgroup_config *cgroups;
    uint32_t cgroup_count;
    struct swap_device_config *block_devices; /* priority and swap's rules do not matter */
    uint32_t block_device_count;
    struct task_config *tasks;
    uint32_t task_count;
    struct event_config *events;
    uint32_t event_count;
};

#endif

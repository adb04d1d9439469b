/* Things that only one processor can have at a time: locks and cache lines.
 *
 * A resource keeps the time until which it is taken; who comes earlier waits
 * until then.  Requests arrive in order of simulated time up to the length of
 * one fault (the engine's look-ahead), so service is first come, first served. */
#ifndef ZSIM_ENGINE_RESOURCE_H
#define ZSIM_ENGINE_RESOURCE_H

#include <stdint.h>

#include "sim/engine/costs.h"

/* Where processors sit: equal runs of processors form the sockets. */
struct topology {
    uint32_t cpus, sockets, nodes;
};

static inline uint32_t topology_socket(const struct topology *topology, uint32_t cpu)
{
    return (uint32_t)((uint64_t)cpu * topology->sockets / topology->cpus);
}

static inline uint32_t topology_node(const struct topology *topology, uint32_t cpu)
{
    return (uint32_t)((uint64_t)cpu * topology->nodes / topology->cpus);
}

enum { NO_CPU = UINT32_MAX };

/* A cache line that several processors write: it moves to the writer, one
 * transfer at a time.  Initialise owner to NO_CPU. */
struct cache_line {
    uint64_t free_at_ns;
    uint32_t owner;
};

/* One atomic update by `cpu` at `now_ns`; returns when it is done. */
uint64_t cache_line_update(struct cache_line *line, const struct topology *topology,
                           const struct costs *costs, uint32_t cpu, uint64_t now_ns);

/* A FIFO spinlock.  Initialise line.owner to NO_CPU. */
struct spinlock {
    struct cache_line line;
    uint64_t acquisitions, contended;
    uint64_t wait_ns; /* sum over acquisitions */
};

/* Take at now_ns, hold for hold_ns, release; returns when it is released. */
uint64_t spinlock_hold(struct spinlock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns,
                       uint64_t hold_ns);

#endif

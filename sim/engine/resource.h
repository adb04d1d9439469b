/* Things that only one processor can have at a time: locks and cache lines.
 *
 * A resource keeps the intervals in which it is taken; a request gets the first
 * gap that is long enough.  Requests arrive in order of simulated time up to the
 * length of one fault (the engine's look-ahead), so a fault that takes long must
 * not keep others, which come earlier in simulated time, from the time between
 * its own uses.  In order of time, service is first come, first served. */
#ifndef ZSIM_ENGINE_RESOURCE_H
#define ZSIM_ENGINE_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine/costs.h"

/* Where processors sit: equal runs of processors form the sockets.  With two threads a
 * core, the first half of a socket's run are the first threads of its cores and the
 * second half the second ones, as x86 firmware numbers them. */
struct topology {
    uint32_t cpus, sockets, nodes;
    uint32_t threads_per_core; /* 1 or 2; 0: 1 */
};

static inline uint32_t topology_socket(const struct topology *topology, uint32_t cpu)
{
    return cpu * topology->sockets / topology->cpus; /* at most CPUS_AT_MOST of each */
}

static inline uint32_t topology_node(const struct topology *topology, uint32_t cpu)
{
    if (topology->nodes == 1)
        return 0; /* without a division, once a turn */
    return cpu * topology->nodes / topology->cpus;
}

enum { NO_CPU = UINT32_MAX };

/* The other thread of a processor's core; NO_CPU: there is none. */
static inline uint32_t topology_sibling(const struct topology *topology, uint32_t cpu)
{
    if (topology->threads_per_core < 2)
        return NO_CPU;
    uint32_t run = topology->cpus / topology->sockets, first = cpu / run * run;
    return first + (cpu - first + run / 2) % run;
}

struct interval {
    uint64_t start_ns, end_ns;
    uint32_t owner; /* at its end */
};

/* As many are kept in a line's own record; more where they may still be asked about.  A
 * processor alone has two or three open in a lock that it takes again and again. */
enum { RESOURCE_INTERVALS = 3 };

/* A cache line that several processors write: it moves to the writer, one
 * transfer at a time.  Initialise with cache_line_init(), or owner to NO_CPU and
 * the rest to 0. */
struct cache_line {
    uint32_t owner; /* before the first interval */
    uint32_t count; /* of intervals for which it is taken; neighbours are merged, and so is what
                       is of no use between two */
    /* No request comes for an earlier time than this; NULL: nothing is known, and nothing
     * forgotten. */
    const uint64_t *settled_ns;
    struct interval taken[RESOURCE_INTERVALS]; /* in order of time */
    bool listed;                               /* not there: all are in `more`, */
    uint64_t none_over_ns;                     /* where none can be forgotten before this time */
    struct interval_list *more;
};

/* `settled_ns`: a clock that outlives the line (event_queue.settled_ns), or NULL. */
void cache_line_init(struct cache_line *line, const uint64_t *settled_ns);
/* Gives memory back. */
void cache_line_release(struct cache_line *line);

/* The line is this processor's already, and nobody can ask for a time at which it was
 * taken: take it for use_ns from now_ns on.  False: there is more to look at.
 * A fault makes a dozen uses, nearly all of them like this: a third of its time. */
static inline bool cache_line_take_own(struct cache_line *line, uint32_t cpu, uint64_t now_ns,
                                       uint64_t use_ns)
{
    if (line->count != 1 || !line->settled_ns)
        return false;
    struct interval *last = &line->taken[0];
    if (last->owner != cpu || last->end_ns > *line->settled_ns || now_ns < *line->settled_ns)
        return false;
    line->owner = cpu;
    last->start_ns = now_ns;
    last->end_ns = now_ns + use_ns;
    return true;
}

/* It is this processor's, and nothing is known of who else had it: for whoever is alone
 * (event_queue.alone_until_ns) until it is done, taking it changes nothing of the line. */
static inline bool cache_line_is_own(const struct cache_line *line, uint32_t cpu)
{
    return ((uint64_t)line->count << 32 | line->owner) == cpu; /* one comparison */
}

/* Nobody can ask any more for a time before until_ns: where all intervals are over then,
 * only the last owner matters. */
void cache_line_forget_over(struct cache_line *line, uint64_t until_ns);
static inline void cache_line_forget(struct cache_line *line, uint64_t until_ns)
{
    if (line->count && !(line->listed && line->none_over_ns > until_ns))
        cache_line_forget_over(line, until_ns);
}

/* What it costs `cpu` to get a line from `owner`. */
uint64_t cache_line_transfer_ns(uint32_t owner, const struct topology *topology,
                                const struct costs *costs, uint32_t cpu);

/* cache_line_update() for a line that others want, too. */
uint64_t cache_line_update_shared(struct cache_line *line, const struct topology *topology,
                                  const struct costs *costs, uint32_t cpu, uint64_t now_ns);

/* One atomic update by `cpu` at `now_ns`; returns when it is done. */
static inline uint64_t cache_line_update(struct cache_line *line, const struct topology *topology,
                                         const struct costs *costs, uint32_t cpu, uint64_t now_ns)
{
    uint64_t use_ns = costs->ns[COST_atomic_local];
    if (cache_line_take_own(line, cpu, now_ns, use_ns))
        return now_ns + use_ns;
    return cache_line_update_shared(line, topology, costs, cpu, now_ns);
}

/* A FIFO spinlock.  Initialise `line` as a line by itself. */
struct spinlock {
    uint64_t contended; /* acquisitions that had to wait */
    uint64_t wait_ns;   /* sum over acquisitions */
    struct cache_line line;
};

/* Take at now_ns, hold for hold_ns, release; returns when it is released.  *wait_ns: until
 * it was free. */
uint64_t spinlock_take(struct spinlock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns,
                       uint64_t *wait_ns);
static inline uint64_t spinlock_hold(struct spinlock *lock, const struct topology *topology,
                                     const struct costs *costs, uint32_t cpu, uint64_t now_ns,
                                     uint64_t hold_ns)
{
    uint64_t wait_ns;
    return spinlock_take(lock, topology, costs, cpu, now_ns, hold_ns, &wait_ns);
}

#endif

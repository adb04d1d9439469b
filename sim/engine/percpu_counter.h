/* A counter with a part for each processor: an addition stays with its processor until
 * `batch` have come together there; then they are added to the total under a lock.
 *
 * Linux lib/percpu_counter.c, percpu_counter_add_batch(); statistics of nodes and of
 * cgroups work the same way. */
#ifndef ZSIM_ENGINE_PERCPU_COUNTER_H
#define ZSIM_ENGINE_PERCPU_COUNTER_H

#include "sim/engine/resource.h"

struct percpu_counter {
    struct spinlock lock;
    int64_t total;  /* what a reader sees that does not ask every processor */
    int64_t *parts; /* [cpus] */
    uint32_t cpus, batch;
    uint64_t folds; /* times that a part was added to the total */
};

/* `batch` at least 1; `settled_ns` as cache_line_init(). */
void percpu_counter_init(struct percpu_counter *counter, uint32_t cpus, uint32_t batch,
                         const uint64_t *settled_ns);
void percpu_counter_release(struct percpu_counter *counter);

/* Add by `cpu` at now_ns; returns when it is done.  Within a processor's part nothing
 * is atomic and nothing is charged; a fold takes the lock and writes the total. */
uint64_t percpu_counter_add(struct percpu_counter *counter, const struct topology *topology,
                            const struct costs *costs, uint32_t cpu, uint64_t now_ns,
                            int64_t amount);

/* The exact sum over all processors; the total differs from it by less than cpus * batch. */
int64_t percpu_counter_sum(const struct percpu_counter *counter);

#endif

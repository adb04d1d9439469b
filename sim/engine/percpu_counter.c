#include "sim/engine/percpu_counter.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void percpu_counter_init(struct percpu_counter *counter, uint32_t cpus, uint32_t batch,
                         const uint64_t *settled_ns)
{
    memset(counter, 0, sizeof(*counter));
    cache_line_init(&counter->lock.line, settled_ns);
    counter->parts = memory_zeroed(cpus, sizeof(*counter->parts), "a counter's parts");
    counter->cpus = cpus;
    counter->batch = batch;
}

void percpu_counter_release(struct percpu_counter *counter)
{
    cache_line_release(&counter->lock.line);
    free(counter->parts);
    memset(counter, 0, sizeof(*counter));
}

uint64_t percpu_counter_add(struct percpu_counter *counter, const struct topology *topology,
                            const struct costs *costs, uint32_t cpu, uint64_t now_ns,
                            int64_t amount)
{
    int64_t part = counter->parts[cpu] + amount;
    if (llabs(part) < counter->batch) {
        counter->parts[cpu] = part;
        return now_ns;
    }
    counter->parts[cpu] = 0;
    counter->total += part;
    counter->folds++;
    return spinlock_hold(&counter->lock, topology, costs, cpu, now_ns,
                         costs->ns[COST_atomic_local]);
}

int64_t percpu_counter_sum(const struct percpu_counter *counter)
{
    int64_t sum = counter->total;
    for (uint32_t cpu = 0; cpu < counter->cpus; cpu++)
        sum += counter->parts[cpu];
    return sum;
}

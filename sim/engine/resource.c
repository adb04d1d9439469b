#include "sim/engine/resource.h"

/* What it costs `cpu` to get the line from where it is. */
static uint64_t transfer_ns(const struct cache_line *line, const struct topology *topology,
                            const struct costs *costs, uint32_t cpu)
{
    if (line->owner == cpu || line->owner == NO_CPU)
        return 0;
    bool same_socket = topology_socket(topology, line->owner) == topology_socket(topology, cpu);
    return costs->ns[same_socket ? COST_line_same_socket : COST_line_cross_socket];
}

uint64_t cache_line_update(struct cache_line *line, const struct topology *topology,
                           const struct costs *costs, uint32_t cpu, uint64_t now_ns)
{
    uint64_t start = line->free_at_ns > now_ns ? line->free_at_ns : now_ns;
    uint64_t end = start + transfer_ns(line, topology, costs, cpu) + costs->ns[COST_atomic_local];
    line->owner = cpu;
    line->free_at_ns = end;
    return end;
}

uint64_t spinlock_hold(struct spinlock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns)
{
    struct cache_line *line = &lock->line;
    uint64_t start = line->free_at_ns > now_ns ? line->free_at_ns : now_ns;
    lock->acquisitions++;
    lock->contended += start > now_ns;
    lock->wait_ns += start - now_ns;
    uint64_t end = start + transfer_ns(line, topology, costs, cpu) +
                   costs->ns[COST_lock_uncontended] + hold_ns;
    line->owner = cpu;
    line->free_at_ns = end;
    return end;
}

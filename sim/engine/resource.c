#include "sim/engine/resource.h"

#include <stdbool.h>
#include <string.h>

/* What it costs `cpu` to get the line from `owner`. */
static uint64_t transfer_ns(uint32_t owner, const struct topology *topology,
                            const struct costs *costs, uint32_t cpu)
{
    if (owner == cpu || owner == NO_CPU)
        return 0;
    bool same_socket = topology_socket(topology, owner) == topology_socket(topology, cpu);
    return costs->ns[same_socket ? COST_line_same_socket : COST_line_cross_socket];
}

static uint32_t owner_before(const struct cache_line *line, uint32_t at)
{
    return at ? line->taken[at - 1].owner : line->owner;
}

static void forget_oldest(struct cache_line *line)
{
    line->owner = line->taken[0].owner;
    line->count--;
    memmove(&line->taken[0], &line->taken[1], line->count * sizeof(line->taken[0]));
}

/* Remember an interval before number `at`, which begins where it ends or later. */
static void insert(struct cache_line *line, uint32_t at, struct interval interval)
{
    if (at > 0 && line->taken[at - 1].end_ns == interval.start_ns) {
        line->taken[at - 1].end_ns = interval.end_ns;
        line->taken[at - 1].owner = interval.owner;
        return;
    }
    if (line->count == RESOURCE_INTERVALS) {
        if (at == 0)
            return;
        forget_oldest(line);
        at--;
    }
    memmove(&line->taken[at + 1], &line->taken[at], (line->count - at) * sizeof(line->taken[0]));
    line->taken[at] = interval;
    line->count++;
}

/* Take the line in the first gap from now on that is long enough for the transfer
 * and `use_ns`.  Returns the end; *wait_ns: until the start. */
static uint64_t take(struct cache_line *line, const struct topology *topology,
                     const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t use_ns,
                     uint64_t *wait_ns)
{
    uint32_t at = line->count;
    while (at > 0 && line->taken[at - 1].end_ns > now_ns)
        at--;
    uint64_t start = now_ns;
    uint64_t length = transfer_ns(owner_before(line, at), topology, costs, cpu) + use_ns;
    while (at < line->count && line->taken[at].start_ns < start + length) {
        start = line->taken[at].end_ns;
        at++;
        length = transfer_ns(owner_before(line, at), topology, costs, cpu) + use_ns;
    }
    *wait_ns = start - now_ns;
    insert(line, at, (struct interval){.start_ns = start, .end_ns = start + length, .owner = cpu});
    return start + length;
}

uint64_t cache_line_update(struct cache_line *line, const struct topology *topology,
                           const struct costs *costs, uint32_t cpu, uint64_t now_ns)
{
    uint64_t wait_ns;
    return take(line, topology, costs, cpu, now_ns, costs->ns[COST_atomic_local], &wait_ns);
}

uint64_t spinlock_hold(struct spinlock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns)
{
    uint64_t wait_ns;
    uint64_t end = take(&lock->line, topology, costs, cpu, now_ns,
                        costs->ns[COST_lock_uncontended] + hold_ns, &wait_ns);
    lock->acquisitions++;
    lock->contended += wait_ns > 0;
    lock->wait_ns += wait_ns;
    return end;
}

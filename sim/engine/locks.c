#include "sim/engine/locks.h"

#include <stdlib.h>

#include "sim/base/memory.h"

const struct cost_description lock_descriptions[LOCK_KINDS] = {
#define X(name, meaning) {#name, meaning},
    LOCK_LIST(X)
#undef X
};

uint64_t lock_hold_shared(struct lock_counts *counts, struct spinlock *lock,
                          const struct topology *topology, const struct costs *costs, uint32_t cpu,
                          uint64_t now_ns, uint64_t hold_ns)
{
    uint64_t wait_ns;
    uint64_t end_ns = spinlock_take(lock, topology, costs, cpu, now_ns, hold_ns, &wait_ns);
    counts->acquisitions++;
    counts->contended += wait_ns > 0;
    counts->wait_ns += wait_ns;
    counts->hold_ns += end_ns - now_ns - wait_ns;
    return end_ns;
}

struct spinlock *lock_make(struct spinlock **lock, const uint64_t *settled_ns)
{
    *lock = memory_zeroed(1, sizeof(**lock), "a lock");
    cache_line_init(&(*lock)->line, settled_ns);
    return *lock;
}

void lock_release(struct spinlock *lock)
{
    if (lock)
        cache_line_release(&lock->line);
    free(lock);
}

void locks_release(struct spinlock **locks, size_t count)
{
    for (size_t i = 0; locks && i < count; i++)
        lock_release(locks[i]);
    free(locks);
}

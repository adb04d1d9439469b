#include "sim/engine/locks.h"

#include <stdlib.h>

#include "sim/base/memory.h"

const struct cost_description lock_descriptions[LOCK_KINDS] = {
#define X(name, meaning) {#name, meaning},
    LOCK_LIST(X)
#undef X
};

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

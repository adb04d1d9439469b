#include "sim/engine/rw_lock.h"

#include <string.h>

void rw_lock_init(struct rw_lock *lock, bool sleeps, const uint64_t *settled_ns)
{
    memset(lock, 0, sizeof(*lock));
    lock->sleeps = sleeps;
    cache_line_init(&lock->word, settled_ns);
}

void rw_lock_release(struct rw_lock *lock)
{
    cache_line_release(&lock->word);
}

/* From the time at which the word says so until it is this one's turn. */
static uint64_t wait_until(struct rw_lock *lock, const struct costs *costs, uint64_t now_ns,
                           uint64_t free_ns)
{
    if (free_ns <= now_ns)
        return now_ns;
    lock->contended++;
    lock->wait_ns += free_ns - now_ns;
    return free_ns + (lock->sleeps ? costs->ns[COST_context_switch] : 0);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool rw_lock_try_read(struct rw_lock *lock, const struct topology *topology,
                      const struct costs *costs, uint32_t cpu, uint64_t *now_ns)
{
    *now_ns = cache_line_update(&lock->word, topology, costs, cpu, *now_ns);
    if (lock->writer_until_ns <= *now_ns)
        return true;
    lock->contended++;
    return false;
}

uint64_t rw_lock_leave_read(struct rw_lock *lock, const struct topology *topology,
                            const struct costs *costs, uint32_t cpu, uint64_t now_ns)
{
    now_ns = cache_line_update(&lock->word, topology, costs, cpu, now_ns);
    lock->readers_until_ns = later(lock->readers_until_ns, now_ns);
    return now_ns;
}

uint64_t rw_lock_read(struct rw_lock *lock, const struct topology *topology,
                      const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns)
{
    now_ns = cache_line_update(&lock->word, topology, costs, cpu, now_ns);
    now_ns = wait_until(lock, costs, now_ns, lock->writer_until_ns);
    return rw_lock_leave_read(lock, topology, costs, cpu, now_ns + hold_ns);
}

uint64_t rw_lock_write(struct rw_lock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns)
{
    now_ns = cache_line_update(&lock->word, topology, costs, cpu, now_ns);
    now_ns = wait_until(lock, costs, now_ns, later(lock->readers_until_ns, lock->writer_until_ns));
    lock->writer_until_ns = cache_line_update(&lock->word, topology, costs, cpu, now_ns + hold_ns);
    return lock->writer_until_ns;
}

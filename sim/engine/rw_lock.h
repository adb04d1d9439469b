/* A reader-writer lock with first-in, first-out hand-over: readers share it, a writer has
 * it alone, and who comes behind a waiting writer waits for that writer.
 *
 * kernel/locking/qrwlock.c, whose waiters spin, and kernel/locking/rwsem.c, whose waiters
 * sleep and are switched to (context_switch) when it is their turn; a semaphore that is
 * only written is a mutex.  Without optimistic spinning.  Whoever enters or leaves writes
 * the lock's word.  Requests are served in the order in which they are made. */
#ifndef ZSIM_ENGINE_RW_LOCK_H
#define ZSIM_ENGINE_RW_LOCK_H

#include "sim/engine/resource.h"

struct rw_lock {
    struct cache_line word;
    bool sleeps;               /* a semaphore */
    uint64_t readers_until_ns; /* the last one that has left, or will */
    uint64_t writer_until_ns;
    uint64_t contended, wait_ns; /* as of a spinlock */
};

/* `settled_ns` as cache_line_init(). */
void rw_lock_init(struct rw_lock *lock, bool sleeps, const uint64_t *settled_ns);
void rw_lock_release(struct rw_lock *lock);

/* Take at now_ns, hold for hold_ns, leave; return when it is left. */
uint64_t rw_lock_read(struct rw_lock *lock, const struct topology *topology,
                      const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns);
uint64_t rw_lock_write(struct rw_lock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns);

/* down_read_trylock: sets *now_ns to when it is known.  False: a writer has it, or waits;
 * else whoever called it leaves with rw_lock_leave_read(), which returns when that is done. */
bool rw_lock_try_read(struct rw_lock *lock, const struct topology *topology,
                      const struct costs *costs, uint32_t cpu, uint64_t *now_ns);
uint64_t rw_lock_leave_read(struct rw_lock *lock, const struct topology *topology,
                            const struct costs *costs, uint32_t cpu, uint64_t now_ns);

#endif

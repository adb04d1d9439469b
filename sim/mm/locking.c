/* Locks and counters that other processors may want: what taking one costs its executor. */
#include "sim/mm/mm.h"

/* What is over now is over for everybody who can still ask. */
static void forget_if_alone(struct mm *mm, const struct exec *exec, struct cache_line *line)
{
    if (exec->now_ns <= mm->events->alone_until_ns)
        cache_line_forget(line, exec->now_ns);
}

void spend_in_shared_lock(struct mm *mm, struct exec *exec, enum time_kind time,
                          enum lock_kind kind, struct spinlock *lock, uint64_t hold_ns)
{
    events_settle(mm->events, exec->now_ns);
    uint64_t end_ns = lock_hold(&mm->locks[kind], lock, &mm->topology, mm->costs, exec->cpu,
                                exec->now_ns, hold_ns);
    spend(mm, exec, time, end_ns - exec->now_ns);
    forget_if_alone(mm, exec, &lock->line);
}

void spend_shared_lock_wait(struct mm *mm, struct exec *exec, enum time_kind time,
                            enum lock_kind kind, struct spinlock *lock, uint64_t start_ns,
                            uint64_t hold_ns)
{
    uint64_t end_ns =
        lock_hold(&mm->locks[kind], lock, &mm->topology, mm->costs, exec->cpu, start_ns, hold_ns);
    mm->lock_released_ns[exec->cpu] = end_ns;
    spend(mm, exec, time, end_ns - start_ns - hold_ns - mm->costs->ns[COST_lock_uncontended]);
}

void spend_on_shared_counter(struct mm *mm, struct exec *exec, struct cache_line *line)
{
    uint64_t start_ns = wait_begins(mm, exec);
    events_settle(mm->events, exec->now_ns);
    uint64_t end_ns = cache_line_update(line, &mm->topology, mm->costs, exec->cpu, start_ns);
    mm->lock_released_ns[exec->cpu] = end_ns;
    spend(mm, exec, TIME_counters, end_ns - start_ns - mm->costs->ns[COST_atomic_local]);
}

void spend_on_shared_line(struct mm *mm, struct exec *exec, enum time_kind time,
                          struct cache_line *line)
{
    events_settle(mm->events, exec->now_ns);
    uint64_t end_ns = cache_line_update(line, &mm->topology, mm->costs, exec->cpu, exec->now_ns);
    spend(mm, exec, time, end_ns - exec->now_ns);
    forget_if_alone(mm, exec, line);
}

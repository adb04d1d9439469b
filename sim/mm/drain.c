#include "sim/mm/drain.h"

#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/mm/lru.h"

/* The kernel thread of mm_percpu_wq on one processor. */
struct lru_drain {
    struct runner runner;
    struct mm *mm;
    struct drain_waiter **waiters; /* in the order in which they asked */
    uint32_t count, room;
};

static enum turn_end drain_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                                uint64_t *end_ns, uint64_t *wake_at_ns)
{
    (void)wake_at_ns;
    struct lru_drain *drain = (struct lru_drain *)runner;
    struct mm *mm = drain->mm;
    struct exec exec = {
        .now_ns = now_ns, .cpu = cpu, .node = topology_node(&mm->topology, cpu), .space = NO_SPACE};
    lru_add_drain(mm, &exec);
    for (uint32_t i = 0; i < drain->count; i++)
        if (--drain->waiters[i]->left == 0)
            processors_wake_at(mm->processors, drain->waiters[i]->runner, exec.now_ns);
    drain->count = 0;
    *end_ns = exec.now_ns;
    return TURN_BLOCKED;
}

static void make_threads(struct mm *mm)
{
    mm->drains = memory_zeroed(mm->topology.cpus, sizeof(*mm->drains), "the threads that drain");
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++) {
        struct lru_drain *drain = &mm->drains[cpu];
        drain->mm = mm;
        drain->runner.turn = drain_turn;
        drain->runner.cpu = cpu;
    }
}

static void add_waiter(struct lru_drain *drain, struct drain_waiter *waiter)
{
    if (drain->count == drain->room) {
        drain->room = drain->room ? drain->room * 2 : 1;
        drain->waiters = memory_resized(drain->waiters, drain->room, sizeof(*drain->waiters),
                                        "who waits for a drain");
    }
    drain->waiters[drain->count++] = waiter;
}

bool drain_all_begin(struct mm *mm, const struct exec *exec, struct drain_waiter *waiter)
{
    if (!mm->drains)
        make_threads(mm);
    waiter->left = 0;
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++) {
        struct lru_drain *drain = &mm->drains[cpu];
        if (!lru_has_batch(mm, cpu))
            continue;
        waiter->left++;
        add_waiter(drain, waiter);
        if (drain->count > 1)
            continue; /* queued already, for somebody else */
        uint64_t latency_ns = cpu == exec->cpu ? 0 : mm->costs->ns[COST_worker_wakeup];
        processors_wake_at(mm->processors, &drain->runner, exec->now_ns + latency_ns);
    }
    return waiter->left > 0;
}

void drain_release(struct mm *mm)
{
    for (uint32_t cpu = 0; mm->drains && cpu < mm->topology.cpus; cpu++)
        free(mm->drains[cpu].waiters);
    free(mm->drains);
    mm->drains = NULL;
}

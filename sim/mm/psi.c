#include "sim/mm/psi.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/mm/mm.h"

void psi_init(struct mm *mm)
{
    mm->psi_queues = memory_zeroed(mm->topology.cpus, sizeof(*mm->psi_queues), "PSI");
}

void psi_release(struct mm *mm)
{
    for (uint32_t cpu = 0; mm->psi_queues && cpu < mm->topology.cpus; cpu++)
        free(mm->psi_queues[cpu].changes);
    free(mm->psi_queues);
    for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++) {
        struct psi_group *group = mm->memcgs[memcg].psi;
        for (uint32_t i = 0; i < group->cpu_count; i++)
            free(group->cpus[i]);
        free(group->cpus);
    }
}

/* ---- tasks --------------------------------------------------------------------- */

static struct psi_cpu *group_cpu(struct psi_group *group, uint32_t cpu)
{
    for (uint32_t i = 0; i < group->cpu_count; i++)
        if (group->cpus[i]->cpu == cpu)
            return group->cpus[i];
    group->cpus =
        memory_resized(group->cpus, group->cpu_count + 1u, sizeof(struct psi_cpu *), "PSI");
    struct psi_cpu *added = memory_zeroed(1, sizeof(*added), "PSI");
    added->cpu = cpu;
    group->cpus[group->cpu_count++] = added;
    return added;
}

void psi_task_init(struct mm *mm, struct psi_task *task, uint32_t memcg, uint32_t cpu)
{
    *task = (struct psi_task){.cpu = cpu};
    for (uint32_t at = memcg; at != NO_MEMCG; at = mm->memcgs[at].parent)
        task->levels++;
    task->chain = memory_zeroed(task->levels, sizeof(struct psi_cpu *), "PSI");
    uint32_t level = 0;
    for (uint32_t at = memcg; at != NO_MEMCG; at = mm->memcgs[at].parent)
        task->chain[level++] = group_cpu(mm->memcgs[at].psi, cpu);
}

void psi_task_release(struct psi_task *task)
{
    free(task->chain);
}

/* ---- states of a processor -------------------------------------------------------- */

static void account(struct psi_cpu *cpu, uint64_t passed_ns)
{
    uint32_t on_cpu = cpu->tasks[PSI_STALLED_ON_CPU], productive = cpu->tasks[PSI_PRODUCTIVE];
    uint32_t stalled = cpu->tasks[PSI_STALLED] + on_cpu;
    cpu->since_ns += passed_ns;
    if (stalled > 0)
        cpu->time_ns[PSI_SOME] += passed_ns;
    if (stalled > 0 && (on_cpu > 0 || productive == 0))
        cpu->time_ns[PSI_FULL] += passed_ns;
    if (stalled + productive + cpu->tasks[PSI_BLOCKED] > 0)
        cpu->busy_ns += passed_ns;
}

static void account_until(struct psi_cpu *cpu, uint64_t now_ns)
{
    if (now_ns > cpu->since_ns)
        account(cpu, now_ns - cpu->since_ns);
}

/* Tell its groups what the task did whose changes were put together.  The other tasks did the same
 * all the time, so it does not matter when. */
static void settle(struct psi_queue *queue)
{
    struct psi_task *task = queue->task;
    for (unsigned activity = 0; activity < PSI_ACTIVITIES; activity++) {
        uint64_t passed_ns = queue->passed_ns[activity];
        queue->passed_ns[activity] = 0;
        for (uint32_t level = 0; passed_ns && level < task->levels; level++) {
            struct psi_cpu *cpu = task->chain[level];
            cpu->tasks[activity]++;
            account(cpu, passed_ns);
            cpu->tasks[activity]--;
        }
    }
    for (uint32_t level = 0; level < task->levels; level++)
        task->chain[level]->tasks[task->accounted]++;
    queue->task = NULL;
}

/* From at_ns on changes of this task are put together. */
static void begin(struct psi_queue *queue, struct psi_task *task, uint64_t at_ns)
{
    for (uint32_t level = 0; level < task->levels; level++) {
        struct psi_cpu *cpu = task->chain[level];
        account_until(cpu, at_ns);
        cpu->tasks[task->accounted]--;
    }
    queue->task = task;
    queue->until_ns = at_ns;
}

/* Tell its groups of one change.  Those that are absent are counted as well, which nobody reads. */
static void apply_alone(struct psi_task *task, uint64_t at_ns, enum psi_activity activity)
{
    for (uint32_t level = 0; level < task->levels; level++) {
        struct psi_cpu *cpu = task->chain[level];
        account_until(cpu, at_ns);
        cpu->tasks[task->accounted]--;
        cpu->tasks[activity]++;
    }
    task->accounted = activity;
}

/* One more change of the task whose changes are put together. */
static inline void put_together(struct psi_queue *queue, uint64_t at_ns, enum psi_activity activity)
{
    queue->passed_ns[queue->task->accounted] += at_ns - queue->until_ns;
    queue->until_ns = at_ns;
    queue->task->accounted = activity;
}

/* A fault that waits changes twice what its task does, and mostly no other task changes anything
 * between one fault and the next: its groups hear of all at once, from the second change in a row
 * on (150 instructions less a fault that waits). */
static inline void apply(struct psi_queue *queue, struct psi_task *task, uint64_t at_ns,
                         enum psi_activity activity)
{
    if (queue->task != task) {
        if (queue->task)
            settle(queue);
        if (queue->last != task) {
            queue->last = task;
            apply_alone(task, at_ns, activity);
            return;
        }
        begin(queue, task, at_ns);
    }
    put_together(queue, at_ns, activity);
}

/* Nothing that happens before `until_ns` can come any more. */
static void apply_until(struct psi_queue *queue, uint64_t until_ns)
{
    struct psi_change *change = queue->first;
    if (change == queue->end || change->at_ns > until_ns)
        return;
    do
        apply(queue, change->task, change->at_ns, change->activity);
    while (++change != queue->end && change->at_ns <= until_ns);
    if (change == queue->end)
        change = queue->end = queue->changes;
    queue->first = change;
}

/* For one more at the end. */
static void make_room(struct psi_queue *queue)
{
    size_t count = (size_t)(queue->end - queue->first);
    size_t room = (size_t)(queue->limit - queue->changes);
    if (queue->first != queue->changes) {
        memmove(queue->changes, queue->first, count * sizeof(*queue->changes));
    } else {
        room = room ? 2 * room : 16;
        queue->changes = memory_resized(queue->changes, room, sizeof(*queue->changes), "PSI");
        queue->limit = queue->changes + room;
    }
    queue->first = queue->changes;
    queue->end = queue->changes + count;
}

static inline void tell(struct psi_queue *queue, struct psi_task *task, uint64_t at_ns,
                        enum psi_activity activity)
{
    if (queue->end == queue->limit)
        make_room(queue);
    struct psi_change *at = queue->end++;
    for (; at != queue->first && at[-1].at_ns > at_ns; at--)
        *at = at[-1];
    *at = (struct psi_change){at_ns, task, activity};
    task->activity = activity;
}

void psi_set(struct mm *mm, struct psi_task *task, uint64_t at_ns, enum psi_activity activity)
{
    struct psi_queue *queue = &mm->psi_queues[task->cpu];
    if (task->activity == activity)
        return;
    apply_until(queue, mm->events->now_ns);
    tell(queue, task, at_ns, activity);
}

/* One that is not over, or that others changed something before: in order of time. */
__attribute__((noinline)) static void wait_in_queue(struct psi_queue *queue, struct psi_task *task,
                                                    uint64_t from_ns, uint64_t until_ns,
                                                    enum psi_activity activity, uint64_t now_ns)
{
    apply_until(queue, now_ns);
    if (task->activity != activity)
        tell(queue, task, from_ns, activity);
    tell(queue, task, until_ns, PSI_PRODUCTIVE);
    if (until_ns <= now_ns)
        apply_until(queue, now_ns);
}

void psi_wait(struct mm *mm, struct psi_task *task, uint64_t from_ns, uint64_t until_ns,
              enum psi_activity activity)
{
    struct psi_queue *queue = &mm->psi_queues[task->cpu];
    uint64_t now_ns = mm->events->now_ns;
    if (until_ns > now_ns || queue->task != task || queue->first != queue->end) {
        wait_in_queue(queue, task, from_ns, until_ns, activity, now_ns);
        return;
    }
    put_together(queue, from_ns, activity);
    put_together(queue, until_ns, PSI_PRODUCTIVE);
    task->activity = PSI_PRODUCTIVE;
}

void psi_memstall_enter(struct mm *mm, struct exec *exec)
{
    if (exec->psi && exec->psi->stalls++ == 0)
        psi_set(mm, exec->psi, exec->now_ns, PSI_STALLED_ON_CPU);
}

void psi_memstall_leave(struct mm *mm, struct exec *exec)
{
    if (exec->psi && --exec->psi->stalls == 0)
        psi_set(mm, exec->psi, exec->now_ns, PSI_PRODUCTIVE);
}

/* ---- values of a cgroup -------------------------------------------------------------- */

/* The stall time of the period that would end now, by state. */
static void weigh(struct mm *mm, const struct psi_group *group, uint64_t now_ns,
                  uint64_t stalled_ns[PSI_STATES])
{
    unsigned __int128 sum[PSI_STATES] = {0}, busy_ns = 0;
    for (uint32_t i = 0; i < group->cpu_count; i++) {
        struct psi_cpu *cpu = group->cpus[i];
        apply_until(&mm->psi_queues[cpu->cpu], now_ns);
        if (mm->psi_queues[cpu->cpu].task)
            settle(&mm->psi_queues[cpu->cpu]);
        account_until(cpu, now_ns);
        busy_ns += cpu->busy_ns;
        for (unsigned state = 0; state < PSI_STATES; state++)
            sum[state] += (unsigned __int128)cpu->time_ns[state] * cpu->busy_ns;
    }
    for (unsigned state = 0; state < PSI_STATES; state++)
        stalled_ns[state] = busy_ns ? (uint64_t)(sum[state] / busy_ns) : 0;
}

void psi_collect(struct mm *mm, uint32_t memcg, uint64_t now_ns)
{
    struct psi_group *group = mm->memcgs[memcg].psi;
    uint64_t stalled_ns[PSI_STATES];
    weigh(mm, group, now_ns, stalled_ns);
    for (unsigned state = 0; state < PSI_STATES; state++)
        group->total_ns[state] += stalled_ns[state];
    for (uint32_t i = 0; i < group->cpu_count; i++) {
        struct psi_cpu *cpu = group->cpus[i];
        cpu->time_ns[PSI_SOME] = cpu->time_ns[PSI_FULL] = cpu->busy_ns = 0;
    }
}

uint64_t psi_total_us(struct mm *mm, uint32_t memcg, enum psi_state state, uint64_t now_ns)
{
    const struct psi_group *group = mm->memcgs[memcg].psi;
    uint64_t stalled_ns[PSI_STATES];
    /* Others may not have told yet what they do until then. */
    if (now_ns > mm->events->now_ns)
        now_ns = mm->events->now_ns;
    weigh(mm, group, now_ns, stalled_ns);
    return (group->total_ns[state] + stalled_ns[state]) / 1000;
}

uint64_t psi_next_average(uint64_t average, unsigned which, uint64_t sample)
{
    /* exp(-2 s / 10 s), exp(-2 s / 60 s), exp(-2 s / 300 s) */
    static const uint64_t decay[PSI_AVERAGES] = {1677, 1981, 2034};
    uint64_t next = average * decay[which] + sample * (PSI_FIXED_1 - decay[which]);
    if (sample >= average)
        next += PSI_FIXED_1 - 1;
    return next / PSI_FIXED_1;
}

void psi_update_averages(struct mm *mm, uint64_t now_ns)
{
    for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++) {
        struct psi_group *group = mm->memcgs[memcg].psi;
        if (!group->cpu_count)
            continue;
        psi_collect(mm, memcg, now_ns);
        for (unsigned state = 0; state < PSI_STATES; state++) {
            uint64_t stalled_ns = group->total_ns[state] - group->averaged_ns[state];
            if (stalled_ns > PSI_PERIOD_NS)
                stalled_ns = PSI_PERIOD_NS; /* the rest counts in the next period */
            group->averaged_ns[state] += stalled_ns;
            uint64_t sample = stalled_ns * 100 / PSI_PERIOD_NS * PSI_FIXED_1;
            for (unsigned which = 0; which < PSI_AVERAGES; which++)
                group->average[state][which] =
                    psi_next_average(group->average[state][which], which, sample);
        }
    }
}

uint64_t psi_average_ppm(const struct mm *mm, uint32_t memcg, enum psi_state state,
                         unsigned average)
{
    return mm->memcgs[memcg].psi->average[state][average] * 10000 / PSI_FIXED_1;
}

#include "sim/engine/processor.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void processors_init(struct processors *processors, struct event_queue *events,
                     const struct costs *costs, struct topology topology, uint64_t *time_ns)
{
    processors->events = events;
    processors->costs = costs;
    processors->topology = topology;
    processors->time_ns = time_ns;
    processors->list = memory_zeroed(topology.cpus, sizeof(*processors->list), "the processors");
}

void processors_release(struct processors *processors)
{
    free(processors->list);
    memset(processors, 0, sizeof(*processors));
}

static void dispatch(void *owner, uint64_t now_ns, uint64_t cpu);

static void schedule_dispatch(struct processors *processors, uint32_t cpu, uint64_t at_ns)
{
    struct processor *processor = &processors->list[cpu];
    if (processor->dispatch_pending)
        return;
    processor->dispatch_pending = true;
    events_schedule(processors->events, at_ns, RANK_PROCESSOR, dispatch, processors, cpu);
}

static void enqueue(struct processor *processor, struct runner *runner, uint64_t now_ns)
{
    runner->next = NULL;
    runner->queued = true;
    runner->runnable_since_ns = now_ns;
    if (processor->last)
        processor->last->next = runner;
    else
        processor->first = runner;
    processor->last = runner;
}

/* It has not left the processor: in front of all others. */
static void requeue_first(struct processor *processor, struct runner *runner, uint64_t now_ns)
{
    runner->next = processor->first;
    runner->queued = true;
    runner->runnable_since_ns = now_ns;
    processor->first = runner;
    if (!processor->last)
        processor->last = runner;
}

void processors_wake(struct processors *processors, struct runner *runner, uint64_t now_ns)
{
    if (runner->queued) {
        runner->woken = true;
        return;
    }
    enqueue(&processors->list[runner->cpu], runner, now_ns);
    schedule_dispatch(processors, runner->cpu, now_ns);
}

static void wake_event(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct runner *runner = owner;
    processors_wake(runner->processors, runner, now_ns);
}

void processors_wake_at(struct processors *processors, struct runner *runner, uint64_t at_ns)
{
    runner->processors = processors;
    events_schedule(processors->events, at_ns, RANK_WAKEUP, wake_event, runner, 0);
}

/* False: it is not in the queue. */
static bool take_from_queue(struct processor *processor, struct runner *runner)
{
    struct runner **link = &processor->first, *before = NULL;
    while (*link && *link != runner) {
        before = *link;
        link = &before->next;
    }
    if (!*link)
        return false;
    *link = runner->next;
    if (processor->last == runner)
        processor->last = before;
    return true;
}

uint64_t processors_preempt(struct processors *processors, struct runner *runner, uint32_t cpu,
                            uint64_t now_ns, uint64_t slice_ns, bool *expired)
{
    struct processor *processor = &processors->list[cpu];
    *expired = false;
    if (!processor->in_turn || runner->cpu != cpu || !take_from_queue(processor, runner))
        return now_ns;
    enum turn_end end;
    uint64_t wake_at_ns = 0, start_ns = now_ns + processors->costs->ns[COST_context_switch];
    now_ns = start_ns;
    runner->processors = processors;
    do {
        runner->woken = false;
        end = runner->turn(runner, cpu, now_ns, &now_ns, &wake_at_ns);
    } while (end == TURN_RUNNABLE && now_ns - start_ns < slice_ns);
    if (runner->kernel_thread)
        processors->time_ns[runner->own_time] += now_ns - start_ns;
    runner->queued = false;
    *expired = end == TURN_RUNNABLE;
    if (end == TURN_RUNNABLE || end == TURN_PAUSED || (runner->woken && !wake_at_ns))
        enqueue(processor, runner, now_ns);
    else if (end == TURN_BLOCKED && wake_at_ns)
        events_schedule(processors->events, wake_at_ns, RANK_WAKEUP, wake_event, runner, 0);
    /* Whose turn goes on has a slice of its own again, or the other would come back
     * at the end of the turn and have twice its share. */
    processor->slice_began_ns = now_ns + processors->costs->ns[COST_context_switch];
    return processor->slice_began_ns;
}

uint32_t processors_find_idle(const struct processors *processors, uint32_t otherwise)
{
    for (uint32_t cpu = processors->topology.cpus; cpu-- > 0;) {
        const struct processor *processor = &processors->list[cpu];
        if (!processor->first && !processor->in_turn)
            return cpu;
    }
    return otherwise;
}

/* Give the first runner in the queue its turn; look again when the turn is over. */
static void dispatch(void *owner, uint64_t now_ns, uint64_t cpu)
{
    struct processors *processors = owner;
    struct processor *processor = &processors->list[cpu];
    processor->dispatch_pending = false;
    struct runner *runner = processor->first;
    /* In the middle of a turn (events_catch_up()): the end of the turn looks again. */
    if (!runner || processor->in_turn)
        return;
    processor->first = runner->next;
    if (!processor->first)
        processor->last = NULL;

    uint64_t start_ns = now_ns;
    if (processor->previous && processor->previous != runner)
        start_ns += processors->costs->ns[COST_context_switch];
    if (processor->previous != runner || start_ns - processor->slice_began_ns >= PROCESSOR_SLICE_NS)
        processor->slice_began_ns = start_ns;
    processor->previous = runner;
    processors->time_ns[TIME_cpu_wait] += now_ns - runner->runnable_since_ns;
    runner->woken = false;
    runner->processors = processors;

    uint64_t end_ns = start_ns, wake_at_ns = 0;
    processor->in_turn = true;
    bool outer = events_begin_turn(processors->events);
    enum turn_end end = runner->turn(runner, (uint32_t)cpu, start_ns, &end_ns, &wake_at_ns);
    events_end_turn(processors->events, outer);
    processor->in_turn = false;
    processor->busy_ns += end_ns - now_ns;
    if (runner->kernel_thread)
        processors->time_ns[runner->own_time] += end_ns - start_ns;
    runner->queued = false;
    bool slice_left =
        end == TURN_RUNNABLE && end_ns - processor->slice_began_ns < PROCESSOR_SLICE_NS;
    if (end == TURN_PAUSED || slice_left)
        requeue_first(processor, runner, end_ns);
    else if (end == TURN_RUNNABLE || (end == TURN_BLOCKED && runner->woken && !wake_at_ns))
        enqueue(processor, runner, end_ns);
    else if (end == TURN_BLOCKED && wake_at_ns)
        events_schedule(processors->events, wake_at_ns, RANK_WAKEUP, wake_event, runner, 0);
    /* Also when the queue is empty now: the processor is not free before end_ns. */
    schedule_dispatch(processors, (uint32_t)cpu, end_ns);
}

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
    processors->slice_ns = PROCESSOR_SLICE_NS;
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

/* Where nothing else happens first, the runner has its turn at once: of the three events of
 * a fault that waits for a device, one is left, and none where nothing happens while it
 * waits (processors_sleep()). */
static void wake_event(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    struct runner *runner = owner;
    struct processors *processors = runner->processors;
    struct processor *processor = &processors->list[runner->cpu];
    if (runner->queued || processor->dispatch_pending ||
        events_next_time(processors->events) <= now_ns) {
        processors_wake(processors, runner, now_ns);
        return;
    }
    enqueue(processor, runner, now_ns);
    dispatch(processors, now_ns, runner->cpu);
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

/* ---- where the time goes --------------------------------------------------------- */

/* Begin a turn: what it will say of itself is not yet said. */
static void expect_turn(struct processors *processors, struct runner *runner)
{
    runner->processors = processors;
    runner->woken = false;
    runner->turn_user_ns = runner->turn_waited_ns = runner->io_until_ns = 0;
}

/* A turn of ns is over, others had nested_ns of it. */
static inline void note_turn(struct processors *processors, struct processor *processor,
                             struct runner *runner, uint64_t ns, uint64_t nested_ns)
{
    uint64_t own_ns = ns - nested_ns - runner->turn_waited_ns;
    processor->user_ns += runner->turn_user_ns;
    processor->waited_ns += runner->turn_waited_ns;
    runner->user_ns += runner->turn_user_ns;
    runner->sys_ns += own_ns - runner->turn_user_ns;
    processors_note_io(processor, runner->io_until_ns);
    if (runner->kernel_thread)
        processors->time_ns[runner->own_time] += ns;
}

void processors_note_nested(struct processors *processors, struct runner *runner, uint32_t cpu,
                            uint64_t ns)
{
    struct processor *processor = &processors->list[cpu];
    processor->nested_ns += ns;
    if (processor->previous) /* none has had a turn: who calls has none of its own */
        processor->previous->interruptions++;
    runner->sys_ns += ns;
}

enum { PPM = 1000000 };

/* The last turn on a processor took lost_ns longer: of this the program's share. */
static void prolong_last_turn(struct processor *processor, uint64_t lost_ns)
{
    uint64_t user_ns = lost_ns * processor->user_ppm / PPM;
    processor->free_ns += lost_ns;
    processor->busy_ns += lost_ns;
    processor->user_ns += user_ns;
    processor->previous->user_ns += user_ns;
    processor->previous->sys_ns += lost_ns - user_ns;
}

/* The turn of a runner from start_ns to end_ns is over: how much longer it took because
 * the core's other thread was busy.  Both run slowly as long as both have work, so they
 * lose the same, and the other's turn, which is known, ends later. */
static __attribute__((noinline)) uint64_t slow_down(struct processors *processors, uint32_t cpu,
                                                    struct runner *runner, uint64_t start_ns,
                                                    uint64_t end_ns)
{
    uint32_t sibling = topology_sibling(&processors->topology, cpu);
    if (sibling == NO_CPU || end_ns == start_ns)
        return 0;
    struct processor *own = &processors->list[cpu], *other = &processors->list[sibling];
    own->user_ppm = (uint32_t)(runner->turn_user_ns * PPM / (end_ns - start_ns));
    uint64_t work_ns = end_ns - start_ns;
    if (!other->in_turn && other->free_ns <= start_ns)
        return 0;
    if (!other->in_turn && other->free_ns - start_ns < work_ns)
        work_ns = other->free_ns - start_ns;
    uint64_t lost_ns = work_ns * processors->costs->ns[COST_smt_sibling] / 1000;
    if (other->in_turn)
        other->owed_ns += lost_ns;
    else
        prolong_last_turn(other, lost_ns);
    runner->turn_user_ns += lost_ns * own->user_ppm / PPM;
    return lost_ns;
}

bool processors_is_running(const struct processors *processors, const struct runner *runner,
                           uint64_t now_ns)
{
    const struct processor *processor = &processors->list[runner->cpu];
    /* Its last turn may be over and its next one due: events of one time have an order. */
    return processor->previous == runner &&
           (processor->in_turn || processor->free_ns > now_ns || processor->first == runner);
}

struct processor_times processors_times(const struct processors *processors, uint32_t cpu,
                                        uint64_t end_ns)
{
    const struct processor *processor = &processors->list[cpu];
    struct processor_times times = {
        .user_ns = processor->user_ns,
        .sys_ns = processor->busy_ns - processor->user_ns - processor->waited_ns,
        .iowait_ns = processor->waited_ns + processor->iowait_ns +
                     processors_iowait(processor, processor->free_ns, end_ns),
    };
    times.idle_ns = end_ns - times.user_ns - times.sys_ns - times.iowait_ns;
    return times;
}

uint64_t processors_last_end(const struct processors *processors)
{
    uint64_t last_ns = 0;
    for (uint32_t cpu = 0; cpu < processors->topology.cpus; cpu++)
        if (processors->list[cpu].free_ns > last_ns)
            last_ns = processors->list[cpu].free_ns;
    return last_ns;
}

/* ---- turns -------------------------------------------------------------------------- */

uint64_t processors_preempt(struct processors *processors, struct runner *runner, uint32_t cpu,
                            uint64_t now_ns, uint64_t slice_ns)
{
    struct processor *processor = &processors->list[cpu];
    if (!processor->in_turn || runner->cpu != cpu || !take_from_queue(processor, runner))
        return now_ns;
    enum turn_end end;
    uint64_t wake_at_ns = 0, start_ns = now_ns + processors->costs->ns[COST_context_switch];
    now_ns = start_ns;
    do {
        uint64_t began_ns = now_ns;
        expect_turn(processors, runner);
        end = runner->turn(runner, cpu, now_ns, &now_ns, &wake_at_ns);
        note_turn(processors, processor, runner, now_ns - began_ns, 0);
        processor->nested_ns += now_ns - began_ns;
    } while (end == TURN_RUNNABLE && now_ns - start_ns < slice_ns);
    processor->previous->interruptions++;
    runner->queued = false;
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

/* From now_ns on the runner has the processor; returns when its turn begins. */
static inline uint64_t begin_turn(struct processors *processors, struct processor *processor,
                                  struct runner *runner, uint64_t now_ns)
{
    uint64_t start_ns = now_ns + processor->owed_ns;
    processor->owed_ns = 0;
    processor->iowait_ns += processors_iowait(processor, processor->free_ns, now_ns);
    bool other = processor->previous != runner;
    if (other && processor->previous)
        start_ns += processors->costs->ns[COST_context_switch];
    if (other)
        processor->slice_began_ns = start_ns;
    processor->previous = runner;
    processor->in_turn = true;
    processor->busy_ns += start_ns - now_ns;
    runner->sys_ns += start_ns - now_ns; /* the switch to it, and interrupts */
    return start_ns;
}

/* Its turn from start_ns on, or a part of it; returns when that ends. */
static inline uint64_t take_turn(struct processors *processors, struct processor *processor,
                                 uint32_t cpu, uint64_t start_ns, enum turn_end *end,
                                 uint64_t *wake_at_ns)
{
    struct runner *runner = processor->previous;
    uint64_t end_ns = start_ns;
    *wake_at_ns = 0;
    expect_turn(processors, runner);
    processor->nested_ns = processor->slept_ns = 0;
    processors_begin_slice(processors, processor, start_ns);
    *end = runner->turn(runner, cpu, start_ns, &end_ns, wake_at_ns);
    if (processors->topology.threads_per_core >= 2)
        end_ns += slow_down(processors, cpu, runner, start_ns, end_ns);
    uint64_t ns = end_ns - start_ns - processor->slept_ns;
    processor->busy_ns += ns;
    note_turn(processors, processor, runner, ns, processor->nested_ns);
    return end_ns;
}

/* Does a runner that wants the processor again have it at once, as nothing happens before, nor at
 * that time?  190 instructions less than by an event. */
static inline bool goes_on(struct processors *processors, const struct processor *processor,
                           uint64_t end_ns)
{
    return (!processor->first || processors_in_slice(processors, processor, end_ns)) &&
           !processor->owed_ns && processors->topology.threads_per_core < 2 &&
           events_skip_to(processors->events, end_ns);
}

/* Give a runner that is in no queue its turn, and the next ones as long as nothing happens
 * between them; look again when the last is over. */
static void give_turns(struct processors *processors, uint32_t cpu, struct runner *runner,
                       uint64_t now_ns)
{
    struct processor *processor = &processors->list[cpu];
    uint64_t end_ns = begin_turn(processors, processor, runner, now_ns), wake_at_ns = 0;
    bool outer = events_begin_turn(processors->events);
    enum turn_end end;
    do
        end_ns = take_turn(processors, processor, cpu, end_ns, &end, &wake_at_ns);
    while (end == TURN_RUNNABLE && goes_on(processors, processor, end_ns));
    events_end_turn(processors->events, outer);
    processor->in_turn = false;
    processor->free_ns = end_ns;
    bool sleeps = end == TURN_BLOCKED && wake_at_ns;
    runner->queued = false;
    if (sleeps)
        events_schedule(processors->events, wake_at_ns, RANK_WAKEUP, wake_event, runner, 0);
    else if (end == TURN_PAUSED ||
             (end == TURN_RUNNABLE && processors_in_slice(processors, processor, end_ns)))
        requeue_first(processor, runner, end_ns);
    else if (end == TURN_RUNNABLE || (end == TURN_BLOCKED && runner->woken))
        enqueue(processor, runner, end_ns);
    /* Also when the queue is empty now: the processor is not free before end_ns.  Only if
     * nothing at all happens until then is there nothing to look at. */
    if (!sleeps || processor->first || outer || processors->events->catching_up ||
        events_next_time(processors->events) <= end_ns)
        schedule_dispatch(processors, cpu, end_ns);
}

static void dispatch(void *owner, uint64_t now_ns, uint64_t cpu)
{
    struct processors *processors = owner;
    struct processor *processor = &processors->list[cpu];
    struct runner *runner = processor->first;
    processor->dispatch_pending = false;
    /* In the middle of a turn (events_catch_up()): the end of the turn looks again. */
    if (!runner || processor->in_turn)
        return;
    if (now_ns < processor->free_ns) { /* its sibling has made the last turn longer */
        schedule_dispatch(processors, (uint32_t)cpu, processor->free_ns);
        return;
    }
    processor->first = runner->next;
    if (!processor->first)
        processor->last = NULL;
    processors->time_ns[TIME_cpu_wait] += now_ns - runner->runnable_since_ns;
    give_turns(processors, (uint32_t)cpu, runner, now_ns);
}

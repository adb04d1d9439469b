/* Processors and what runs on them.
 *
 * A runner is a task of the workload or a kernel thread.  Each processor has a
 * first-in, first-out queue of runnable runners; it gives the first one a turn,
 * which the runner ends by running out of its quantum, by blocking, or by
 * finishing.  Turns may be short: a runner that wants more keeps the processor
 * until its slice is over.
 *
 * Every ns of a processor is one of four: user, sys, iowait (nothing runs and
 * somebody who last ran here waits for a device), idle.  What an interrupt takes is
 * paid at the start of the next turn, as sys; what a busy thread of the same core
 * takes makes turns longer. */
#ifndef ZSIM_ENGINE_PROCESSOR_H
#define ZSIM_ENGINE_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine/costs.h"
#include "sim/engine/events.h"
#include "sim/engine/resource.h"

/* base_slice_ns of EEVDF on one processor (6.6 and later) and
 * sched_min_granularity_ns of CFS before: how long the one that runs keeps the
 * processor while others wait, unless slice_ns says otherwise.  Later ticks and earlier
 * wake-ups are left out. */
enum { PROCESSOR_SLICE_NS = 750000 };

enum turn_end {
    TURN_RUNNABLE, /* wants the processor again, behind the others */
    TURN_PAUSED,   /* keeps the processor: others, elsewhere, have something to do first */
    TURN_BLOCKED,  /* until processors_wake(), or until `wake_at_ns` when that is not 0 */
    TURN_FINISHED,
};

struct runner {
    /* Run from now_ns on `cpu`.  Sets *end_ns (>= now_ns), the time the turn ended,
     * and, for TURN_BLOCKED with a known end, *wake_at_ns. */
    enum turn_end (*turn)(struct runner *runner, uint32_t cpu, uint64_t now_ns, uint64_t *end_ns,
                          uint64_t *wake_at_ns);
    struct processors *processors;
    struct runner *next; /* in its processor's queue */
    uint32_t cpu;        /* where it runs */
    bool queued;         /* in a queue, or having its turn */
    bool woken;          /* woken while it had its turn */
    bool kernel_thread;
    uint64_t runnable_since_ns;
    enum time_kind own_time; /* kernel threads: which time kind their turns count as */
    uint32_t interruptions;  /* others have had the processor in the midst of its turns */
    /* A turn says, besides: how much of it was the program's own work and how much
     * it slept without giving the processor away; and, when it blocks, until when
     * it waits for a device (0: for something else). */
    uint64_t turn_user_ns, turn_waited_ns, io_until_ns;
    uint64_t user_ns, sys_ns; /* of all its turns, as getrusage(2) has them */
};

struct processor {
    struct runner *first, *last;
    struct runner *previous;
    uint64_t busy_ns, user_ns; /* of its turns; user_ns and waited_ns are part of busy_ns */
    uint64_t iowait_ns;        /* between turns */
    /* Not beside user_ns: both would be added at once, and loaded as a pair what a turn has
     * just stored one by one, for which the host's processor waits: 3 % of the time where
     * faults wait for a device. */
    uint64_t waited_ns;
    uint64_t free_ns;        /* the end of the last turn */
    uint64_t io_until_ns;    /* somebody waits for a device until then */
    uint64_t owed_ns;        /* lost to interrupts, not yet spent */
    uint32_t user_ppm;       /* program's share of the last turn; with siblings */
    uint64_t nested_ns;      /* of the turn under way: what others had of it, */
    uint64_t slept_ns;       /* and what it slept (processors_sleep()) */
    uint64_t slice_began_ns; /* of `previous` */
    bool dispatch_pending;   /* an event will look at the queue */
    bool in_turn;
};

struct processors {
    struct event_queue *events;
    const struct costs *costs;
    struct topology topology;
    struct processor *list; /* [topology.cpus] */
    uint64_t *time_ns;      /* [TIME_KINDS] of the run */
    uint64_t slice_ns;
};

void processors_init(struct processors *processors, struct event_queue *events,
                     const struct costs *costs, struct topology topology, uint64_t *time_ns);
void processors_release(struct processors *processors);

/* Make a runner runnable now; nothing if it is already. */
void processors_wake(struct processors *processors, struct runner *runner, uint64_t now_ns);

/* The same at a later time. */
void processors_wake_at(struct processors *processors, struct runner *runner, uint64_t at_ns);

/* From within a turn on `cpu`, at now_ns: if `runner` waits for this processor it
 * has it for at most slice_ns (and a turn to the end), then the turn goes on.
 * Returns the time at which it does. */
uint64_t processors_preempt(struct processors *processors, struct runner *runner, uint32_t cpu,
                            uint64_t now_ns, uint64_t slice_ns);

/* The same for a kernel thread that is called from within a turn on `cpu` for ns. */
void processors_note_nested(struct processors *processors, struct runner *runner, uint32_t cpu,
                            uint64_t ns);

/* An interrupt takes ns from whatever runs on `cpu` next. */
static inline void processors_interrupt(struct processors *processors, uint32_t cpu, uint64_t ns)
{
    processors->list[cpu].owed_ns += ns;
}

/* Of a gap between turns, which began at free_ns, as long as somebody waits for a device. */
static inline uint64_t processors_iowait(const struct processor *processor, uint64_t free_ns,
                                         uint64_t now_ns)
{
    uint64_t until_ns = processor->io_until_ns < now_ns ? processor->io_until_ns : now_ns;
    return until_ns > free_ns ? until_ns - free_ns : 0;
}

/* Somebody waits for a device until then. */
static inline void processors_note_io(struct processor *processor, uint64_t until_ns)
{
    if (until_ns > processor->io_until_ns)
        processor->io_until_ns = until_ns;
}

static inline bool processors_in_slice(const struct processors *processors,
                                       const struct processor *processor, uint64_t now_ns)
{
    return now_ns - processor->slice_began_ns < processors->slice_ns;
}

/* A turn, or a part of one, begins: another slice does if that of before is over. */
static inline void processors_begin_slice(const struct processors *processors,
                                          struct processor *processor, uint64_t now_ns)
{
    if (!processors_in_slice(processors, processor, now_ns))
        processor->slice_began_ns = now_ns;
}

/* At the end of what a turn had to do, at now_ns: the runner sleeps until wake_at_ns, having set
 * io_until_ns.  True: nothing happens before, here or elsewhere, so the turn goes on then (115
 * instructions less a fault that waits than another turn without an event).  False: it is over. */
static inline bool processors_sleep(struct processors *processors, struct runner *runner,
                                    uint64_t now_ns, uint64_t wake_at_ns)
{
    struct processor *processor = &processors->list[runner->cpu];
    if (wake_at_ns <= now_ns || processor->first || processor->owed_ns ||
        processors->topology.threads_per_core >= 2 ||
        !events_skip_to(processors->events, wake_at_ns))
        return false;
    processors_note_io(processor, runner->io_until_ns);
    runner->io_until_ns = 0;
    runner->woken = false;
    processor->iowait_ns += processors_iowait(processor, now_ns, wake_at_ns);
    processor->slept_ns += wake_at_ns - now_ns;
    processors_begin_slice(processors, processor, wake_at_ns);
    return true;
}

/* Is the runner's address space in use by its processor at now_ns? */
bool processors_is_running(const struct processors *processors, const struct runner *runner,
                           uint64_t now_ns);

/* Where a processor's time from 0 to end_ns went; the four add up to end_ns. */
struct processor_times {
    uint64_t user_ns, sys_ns, iowait_ns, idle_ns;
};
struct processor_times processors_times(const struct processors *processors, uint32_t cpu,
                                        uint64_t end_ns);

/* The end of the last turn on any processor. */
uint64_t processors_last_end(const struct processors *processors);

/* A processor with nothing to do, from the last one down; `otherwise` if there is none. */
uint32_t processors_find_idle(const struct processors *processors, uint32_t otherwise);

#endif

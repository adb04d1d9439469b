/* The event queue: what happens next, and when.
 *
 * Order is by (time, rank, sequence): earlier first; at the same time the lower
 * rank first; then first in, first out.  Nothing else decides, so a run does
 * not depend on the machine.  Time is a 64-bit count of ns and never goes back. */
#ifndef ZSIM_ENGINE_EVENTS_H
#define ZSIM_ENGINE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At equal times: what has finished comes before what begins. */
enum event_rank {
    RANK_DEVICE,    /* a transfer has completed */
    RANK_CONTROL,   /* config events, statistics, time series */
    RANK_WAKEUP,    /* something becomes runnable */
    RANK_PROCESSOR, /* a processor takes its next task */
};

typedef void (*event_handler)(void *owner, uint64_t now_ns, uint64_t argument);

struct event {
    uint64_t time_ns;
    uint64_t order; /* rank in the top byte, sequence below */
    event_handler handler;
    void *owner;
    uint64_t argument;
};

/* Zero-initialise to begin. */
struct event_queue {
    size_t count;       /* events that are due */
    uint64_t next_ns;   /* when the first of them is, if there are any */
    struct event *heap; /* [end] */
    size_t end, capacity;
    bool vacant;        /* the heap's first place, and */
    size_t first_child; /* where the first event is then */
    uint64_t sequence, now_ns;
    /* nobody does anything before this time any more (events_settle()) */
    uint64_t settled_ns;
    /* Whoever has its turn does everything that is done before this time (the next event
     * begins then); 0: others may be about, too. */
    uint64_t alone_until_ns;
    bool catching_up, in_turn;
    bool turns_go_back; /* a turn may end before what it has done: nobody is ever alone */
    /* What only looks on, and so is no event: it ends no turn.  NULL: nobody does. */
    struct event_queue *looks;
};

/* time_ns must not lie before the queue's now. */
void events_schedule(struct event_queue *queue, uint64_t time_ns, enum event_rank rank,
                     event_handler handler, void *owner, uint64_t argument);

/* Call a handler that changes nothing at time_ns, or as soon after that as may be. */
void events_schedule_look(struct event_queue *queue, uint64_t time_ns, event_handler handler,
                          void *owner);

/* Whoever runs now has come to now_ns: let those look on who are due up to then. */
void events_look(struct event_queue *queue, uint64_t now_ns);

/* Take the next event and run it.  False when there is none. */
bool events_run_next(struct event_queue *queue);

/* Run everything that is due up to `now_ns`, from within a handler that has
 * advanced to that time: what others do in the middle of a long operation
 * happens in the middle of it.  Does nothing when called from within itself. */
void events_catch_up(struct event_queue *queue, uint64_t now_ns);

/* Time of the next event; UINT64_MAX when there is none. */
static inline uint64_t events_next_time(const struct event_queue *queue)
{
    return queue->count ? queue->next_ns : UINT64_MAX;
}

/* Would somebody look on before now_ns, in the middle of whose turn this is? */
static inline bool events_look_is_due(const struct event_queue *queue, uint64_t now_ns)
{
    return queue->looks && !queue->catching_up && events_next_time(queue->looks) < now_ns;
}

/* Nothing happens before time_ns, nor then: it is that time now, as if an event had come.
 * False: something does, or somebody looks on, or this is in the middle of another's turn. */
static inline bool events_skip_to(struct event_queue *queue, uint64_t time_ns)
{
    if (queue->catching_up || events_next_time(queue) <= time_ns ||
        events_look_is_due(queue, time_ns + 1))
        return false;
    queue->now_ns = time_ns;
    return true;
}

/* After a change of what is next, or of whose turn it is. */
static inline void events_note_next(struct event_queue *queue)
{
    bool alone = queue->in_turn && !queue->catching_up && !queue->turns_go_back;
    queue->alone_until_ns = alone ? events_next_time(queue) : 0;
}

/* Whoever runs now has come to now_ns and will not go back. */
static inline void events_settle(struct event_queue *queue, uint64_t now_ns)
{
    uint64_t next_ns = events_next_time(queue);
    /* In the middle of somebody else's turn, whose time is not known here. */
    if (queue->catching_up)
        now_ns = queue->now_ns;
    queue->settled_ns = next_ns < now_ns ? next_ns : now_ns;
}

/* A turn of somebody whose time only goes forward: until the next event it is alone.
 * Returns what events_end_turn() wants back. */
static inline bool events_begin_turn(struct event_queue *queue)
{
    bool outer = queue->in_turn;
    queue->in_turn = true;
    events_note_next(queue);
    return outer;
}

static inline void events_end_turn(struct event_queue *queue, bool outer)
{
    queue->in_turn = outer;
    events_note_next(queue);
}

void events_release(struct event_queue *queue);

#endif

#include "sim/engine/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

/* A 4-ary heap: half the depth of a binary one, and the four children share a
 * pair of cache lines. */
enum { CHILDREN = 4 };

static bool comes_before(const struct event *a, const struct event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

void events_schedule(struct event_queue *queue, uint64_t time_ns, enum event_rank rank,
                     event_handler handler, void *owner, uint64_t argument)
{
    if (time_ns < queue->now_ns) {
        fprintf(stderr, "zsim: bug: event scheduled at %llu ns, now is %llu ns\n",
                (unsigned long long)time_ns, (unsigned long long)queue->now_ns);
        abort();
    }
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? queue->capacity * 2 : 64;
        queue->heap =
            memory_resized(queue->heap, queue->capacity, sizeof(*queue->heap), "the event queue");
    }
    struct event event = {time_ns, ((uint64_t)rank << 56) | queue->sequence++, handler, owner,
                          argument};
    size_t at = queue->count++;
    while (at > 0) {
        size_t parent = (at - 1) / CHILDREN;
        if (!comes_before(&event, &queue->heap[parent]))
            break;
        queue->heap[at] = queue->heap[parent];
        at = parent;
    }
    queue->heap[at] = event;
    events_note_next(queue);
}

static void remove_first(struct event_queue *queue)
{
    struct event last = queue->heap[--queue->count];
    size_t at = 0;
    for (;;) {
        size_t child = at * CHILDREN + 1;
        if (child >= queue->count)
            break;
        size_t end = child + CHILDREN < queue->count ? child + CHILDREN : queue->count;
        size_t least = child;
        for (size_t i = child + 1; i < end; i++)
            if (comes_before(&queue->heap[i], &queue->heap[least]))
                least = i;
        if (!comes_before(&queue->heap[least], &last))
            break;
        queue->heap[at] = queue->heap[least];
        at = least;
    }
    queue->heap[at] = last;
    events_note_next(queue);
}

bool events_run_next(struct event_queue *queue)
{
    if (!queue->count)
        return false;
    struct event event = queue->heap[0];
    remove_first(queue);
    queue->now_ns = event.time_ns;
    event.handler(event.owner, event.time_ns, event.argument);
    return true;
}

void events_catch_up(struct event_queue *queue, uint64_t now_ns)
{
    if (queue->catching_up)
        return;
    queue->catching_up = true;
    events_note_next(queue);
    while (queue->count && queue->heap[0].time_ns <= now_ns)
        events_run_next(queue);
    queue->catching_up = false;
    events_note_next(queue);
}

void events_release(struct event_queue *queue)
{
    free(queue->heap);
    memset(queue, 0, sizeof(*queue));
}

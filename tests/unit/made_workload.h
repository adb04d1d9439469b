/* A workload from a list of accesses, for unit tests. */
#ifndef ZSIM_TESTS_MADE_WORKLOAD_H
#define ZSIM_TESTS_MADE_WORKLOAD_H

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "workloads/workload.h"

struct made_workload {
    struct workload workload;
    uint32_t space_pages[8];
    struct access *accesses;
    uint64_t room;
};

static inline bool made_start(struct workload_cursor *cursor)
{
    cursor->position = 0;
    return true;
}

/* In blocks of at most 7, so that borders are met. */
static inline uint32_t made_next(struct workload_cursor *cursor, const struct access **block)
{
    const struct made_workload *made = cursor->workload->state;
    uint64_t left = made->workload.accesses - cursor->position;
    uint32_t count = left < 7 ? (uint32_t)left : 7;
    *block = made->accesses + cursor->position;
    cursor->position += count;
    return count;
}

static inline void made_stop(struct workload_cursor *cursor)
{
    (void)cursor;
}

/* The struct must stay where it is until made_release(). */
static inline void made_init(struct made_workload *made, uint32_t pages)
{
    static const struct workload_type type = {
        .name = "made", .start = made_start, .next = made_next, .stop = made_stop};
    *made = (struct made_workload){.space_pages = {pages}};
    made->workload = (struct workload){.type = &type,
                                       .spaces = 1,
                                       .space_pages = made->space_pages,
                                       .fingerprint = "made",
                                       .state = made};
}

static inline void made_access_in(struct made_workload *made, uint16_t space, uint32_t page,
                                  enum access_op op)
{
    if (made->workload.accesses == made->room) {
        made->room = 2 * made->room + 64;
        made->accesses =
            memory_resized(made->accesses, made->room, sizeof(*made->accesses), "accesses");
    }
    made->accesses[made->workload.accesses++] =
        (struct access){.page = page, .space = space, .op = (uint8_t)op};
}

static inline void made_access(struct made_workload *made, uint32_t page, enum access_op op)
{
    made_access_in(made, 0, page, op);
}

static inline void made_release(struct made_workload *made)
{
    free(made->accesses);
}

#endif

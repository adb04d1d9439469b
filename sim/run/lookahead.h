/* Looking ahead in a task's block of accesses, for the host's sake.
 *
 * A fault reads a handful of records that are nowhere near each other, each found
 * through the one before: the page's, its neighbours' on the zswap list, its
 * object's, its zspage's.  Read when they are needed, every one is a miss in all of
 * the host's caches.  So the next pages that will fault are found in advance (the
 * access block is known, and so are the hot bytes), and their records are asked for
 * step by step, one step for each fault that is worked through meanwhile.
 *
 * What it buys (zipf 0.9 over 4 million pages, a quarter of them in RAM): with
 * lru_prefetch(), 1.9 us of host time for a fault become 0.6.
 *
 * Where many processors take turns at every fault, one further ahead is asked for too early: the
 * host's caches have lost it again by then.  There the page's record is asked for when the turn
 * before its fault ends, and what that leads to when the fault begins.  (64 tasks on 64
 * processors: 12 % less time than from 16 faults ahead on; 8 on 8 with a million pages: none.)
 *
 * A wrong guess costs a useless read and nothing else: no result depends on it. */
#ifndef ZSIM_RUN_LOOKAHEAD_H
#define ZSIM_RUN_LOOKAHEAD_H

#include "sim/swap/swap.h"
#include "workloads/workload.h"

enum {
    /* Hot bytes are asked for this many accesses ahead, and looked at so many ahead. */
    LOOKAHEAD_ACCESSES = 128,
    LOOKAHEAD_FRONTIER = 80,
    /* So many are looked at together, at one fault of five or so: the host's processor foresees
     * that better than a number of its own for each fault (0.6 wrong guesses less a fault). */
    LOOKAHEAD_STEP = 16,
    /* Faults ahead: all of these may be, so that there is always room. */
    LOOKAHEAD_FAULTS = 128,
};

_Static_assert(LOOKAHEAD_FAULTS >= LOOKAHEAD_FRONTIER + LOOKAHEAD_STEP, "room for all");

/* A page that is not mapped, and where in the block it is accessed. */
struct coming_fault {
    uint32_t page, at;
};

/* So many tasks on as many processors are many. */
enum { LOOKAHEAD_MANY_IN_TURN = 16 };

struct lookahead {
    bool in_turn;                /* many have a fault each between two of the task's own */
    const uint32_t *first_pages; /* of the task's spaces */
    const struct access *block;
    uint32_t count;              /* accesses of the block */
    uint32_t frontier;           /* accesses that have been looked at */
    uint32_t found, asked, over; /* faults found, asked for, and behind us */
    uint32_t limits;             /* of so many it is known whether they meet their cgroup's limit */
    struct coming_fault faults[LOOKAHEAD_FAULTS]; /* a ring */
};

/* For each block of accesses. */
static inline void lookahead_begin(struct lookahead *lookahead, const uint32_t *first_pages,
                                   const struct access *block, uint32_t count)
{
    lookahead->first_pages = first_pages;
    lookahead->block = block;
    lookahead->count = count;
    lookahead->frontier = lookahead->limits = 0;
    lookahead->found = lookahead->asked = lookahead->over = 0;
}

/* Before the access at `at`, to this page, is worked through, which faults. */
void lookahead_advance(struct lookahead *lookahead, const struct swap *swap, uint32_t at,
                       uint32_t page);

/* The task's turn ends before a fault of this page. */
void lookahead_expect(const struct lookahead *lookahead, const struct swap *swap, uint32_t page);

#endif

/* Device writes under way, in the order in which they end.
 *
 * They are kept apart from the event queue because they may have to end in the
 * middle of somebody's reclaim, as an interrupt would let them: what other
 * tasks do at that time waits until the reclaim is over, an ended write does not. */
#ifndef ZSIM_SWAP_PENDING_WRITES_H
#define ZSIM_SWAP_PENDING_WRITES_H

#include <stdbool.h>
#include <stdint.h>

struct pending_write {
    uint64_t done_ns;
    uint32_t page;
};

/* Zero-initialise to begin. */
struct pending_writes {
    struct pending_write *list; /* sorted by done_ns; equal ones in order of submission */
    uint32_t first, end, capacity;
};

/* This page's write ends then. */
void pending_writes_add(struct pending_writes *writes, uint64_t done_ns, uint32_t page);

static inline bool pending_writes_any(const struct pending_writes *writes)
{
    return writes->first != writes->end;
}

/* Take the first write that has ended by now_ns; false: none has. */
bool pending_writes_take(struct pending_writes *writes, uint64_t now_ns, uint32_t *page);

/* When the write of a page ends, or (NO_PAGE) the first of all; UINT64_MAX: no such write. */
uint64_t pending_writes_end(const struct pending_writes *writes, uint32_t page);

void pending_writes_release(struct pending_writes *writes);

#endif

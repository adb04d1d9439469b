#include "sim/swap/pending_writes.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/mm/page.h"

/* Room for one more at the end: move the list to the front, or grow it. */
static void make_room(struct pending_writes *writes)
{
    if (writes->end < writes->capacity)
        return;
    uint32_t count = writes->end - writes->first;
    if (writes->first < writes->capacity / 2 || !writes->capacity) {
        writes->capacity = writes->capacity ? writes->capacity * 2 : 256;
        writes->list = memory_resized(writes->list, writes->capacity, sizeof(*writes->list),
                                      "the writes under way");
    }
    memmove(writes->list, writes->list + writes->first, count * sizeof(*writes->list));
    writes->first = 0;
    writes->end = count;
}

void pending_writes_add(struct pending_writes *writes, uint64_t done_ns, uint32_t page)
{
    make_room(writes);
    /* Nearly always the last to end: submitters' clocks differ by one fault at most. */
    uint32_t at = writes->end++;
    for (; at > writes->first && writes->list[at - 1].done_ns > done_ns; at--)
        writes->list[at] = writes->list[at - 1];
    writes->list[at] = (struct pending_write){done_ns, page};
}

bool pending_writes_take(struct pending_writes *writes, uint64_t now_ns, uint32_t *page)
{
    if (writes->first == writes->end || writes->list[writes->first].done_ns > now_ns)
        return false;
    *page = writes->list[writes->first++].page;
    return true;
}

uint64_t pending_writes_end(const struct pending_writes *writes, uint32_t page)
{
    for (uint32_t i = writes->first; i < writes->end; i++)
        if (page == NO_PAGE || writes->list[i].page == page)
            return writes->list[i].done_ns;
    return UINT64_MAX;
}

void pending_writes_release(struct pending_writes *writes)
{
    free(writes->list);
    memset(writes, 0, sizeof(*writes));
}

#include "workloads/readers/trace_pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "workloads/readers/trace_input.h"

enum {
    SINK_RECORDS = USUAL_OR_FUZZING(4096, 16),
    SLOTS_AT_LEAST = USUAL_OR_FUZZING(1 << 12, 1 << 4),
};

struct slot {
    uint64_t object, page;
    uint32_t space;
    uint32_t number; /* plus one; 0: empty */
};

struct space {
    char *name;
    uint32_t pages;
};

struct trace_pages {
    trace_sink *sink;
    void *context;
    struct slot *slots; /* open addressing, a power of two */
    uint64_t slot_count, used;
    struct space *spaces;
    uint32_t space_count;
    bool full;
    uint64_t records;
    struct trace_input *limited; /* NULL: no limit */
    uint64_t records_at_most, pages_at_most;
    uint32_t held;
    struct access record[SINK_RECORDS];
};

struct trace_pages *trace_pages_create(trace_sink *sink, void *context)
{
    struct trace_pages *stream = memory_zeroed(1, sizeof(*stream), "a stream of pages");
    stream->sink = sink;
    stream->context = context;
    stream->slot_count = SLOTS_AT_LEAST;
    stream->slots = memory_zeroed(stream->slot_count, sizeof(*stream->slots), "a table of pages");
    return stream;
}

void trace_pages_limit(struct trace_pages *stream, struct trace_input *input, uint64_t records,
                       uint64_t pages)
{
    stream->limited = input;
    stream->records_at_most = records;
    stream->pages_at_most = pages;
}

void trace_pages_flush(struct trace_pages *stream)
{
    if (stream->held)
        stream->sink(stream->context, stream->record, stream->held);
    stream->held = 0;
}

void trace_pages_free(struct trace_pages *stream)
{
    if (!stream)
        return;
    trace_pages_flush(stream);
    for (uint32_t i = 0; i < stream->space_count; i++)
        free(stream->spaces[i].name);
    free(stream->spaces);
    free(stream->slots);
    free(stream);
}

uint32_t trace_pages_space(struct trace_pages *stream, const char *name, size_t length)
{
    for (uint32_t i = 0; i < stream->space_count; i++)
        if (strlen(stream->spaces[i].name) == length &&
            memcmp(stream->spaces[i].name, name, length) == 0)
            return i;
    if (stream->space_count == WORKLOAD_SPACES_AT_MOST)
        return UINT32_MAX;
    stream->spaces =
        memory_resized(stream->spaces, stream->space_count + 1, sizeof(*stream->spaces), "spaces");
    char *copy = memory_zeroed(length + 1, 1, "a name");
    memcpy(copy, name, length);
    stream->spaces[stream->space_count] = (struct space){.name = copy};
    return stream->space_count++;
}

/* ---- pages ---------------------------------------------------------------------- */

static struct slot *find_slot(struct slot *slots, uint64_t count, uint32_t space, uint64_t object,
                              uint64_t page)
{
    uint64_t at = random_splitmix(random_splitmix(object) ^ page ^ (uint64_t)space << 52);
    for (at &= count - 1; slots[at].number; at = (at + 1) & (count - 1))
        if (slots[at].page == page && slots[at].object == object && slots[at].space == space)
            break;
    return &slots[at];
}

static void grow(struct trace_pages *stream)
{
    uint64_t count = stream->slot_count * 2;
    struct slot *slots = memory_zeroed(count, sizeof(*slots), "a table of pages"), *old;
    for (old = stream->slots; old < stream->slots + stream->slot_count; old++)
        if (old->number)
            *find_slot(slots, count, old->space, old->object, old->page) = *old;
    free(stream->slots);
    stream->slots = slots;
    stream->slot_count = count;
}

/* The slot of a page that is numbered now; NULL when its space is full. */
static struct slot *number_page(struct trace_pages *stream, struct slot key)
{
    if ((stream->used + 1) * 2 > stream->slot_count)
        grow(stream);
    struct slot *slot =
        find_slot(stream->slots, stream->slot_count, key.space, key.object, key.page);
    struct space *space = &stream->spaces[key.space];
    if (slot->number)
        return slot;
    if (space->pages == UINT32_MAX) {
        stream->full = true;
        return NULL;
    }
    *slot = key;
    slot->number = ++space->pages;
    stream->used++;
    return slot;
}

static bool is_beyond_limit(struct trace_pages *stream)
{
    if (!stream->limited)
        return false;
    if (stream->records < stream->records_at_most && stream->used < stream->pages_at_most)
        return false;
    return !trace_input_error(stream->limited,
                              "more than %" PRIu64 " accesses or %" PRIu64
                              " pages, too much to be held in memory; zsim trace convert makes a "
                              "native trace of it, which is not",
                              stream->records_at_most, stream->pages_at_most);
}

void trace_pages_touch(struct trace_pages *stream, uint32_t space, uint64_t object, uint64_t page,
                       enum access_op op)
{
    if (is_beyond_limit(stream))
        return;
    const struct slot *slot =
        number_page(stream, (struct slot){.object = object, .page = page, .space = space});
    if (!slot)
        return;
    stream->record[stream->held++] =
        (struct access){.page = slot->number - 1, .space = (uint16_t)space, .op = (uint8_t)op};
    stream->records++;
    if (stream->held == SINK_RECORDS)
        trace_pages_flush(stream);
}

bool trace_pages_knows(const struct trace_pages *stream, uint32_t space, uint64_t object,
                       uint64_t page)
{
    return find_slot(stream->slots, stream->slot_count, space, object, page)->number != 0;
}

/* ---- ranges and objects ----------------------------------------------------------- */

static void free_inside(struct trace_pages *stream, uint32_t space, uint64_t address,
                        uint64_t bytes)
{
    uint64_t first = address / PAGE_BYTES + (address % PAGE_BYTES != 0);
    uint64_t last = address + (bytes - 1);
    uint64_t stop = last / PAGE_BYTES + (last % PAGE_BYTES == PAGE_BYTES - 1);
    for (uint64_t page = first; page < stop; page++)
        if (trace_pages_knows(stream, space, 0, page))
            trace_pages_touch(stream, space, 0, page, ACCESS_FREE);
}

bool trace_pages_range(struct trace_pages *stream, uint32_t space, uint64_t address, uint64_t bytes,
                       enum access_op op)
{
    uint64_t size = bytes ? bytes : 1;
    if (address + (size - 1) < address)
        return false;
    uint64_t first = address / PAGE_BYTES, last = (address + (size - 1)) / PAGE_BYTES;
    if (last - first >= TRACE_PAGES_AT_ONCE)
        return false;
    if (op == ACCESS_FREE) {
        free_inside(stream, space, address, size);
        return true;
    }
    for (uint64_t page = first; page <= last; page++)
        trace_pages_touch(stream, space, 0, page, op);
    return true;
}

bool trace_pages_object(struct trace_pages *stream, uint32_t space, uint64_t object, uint64_t bytes,
                        enum access_op op)
{
    uint64_t pages = bytes ? (bytes - 1) / PAGE_BYTES + 1 : 1;
    if (pages > TRACE_PAGES_AT_ONCE)
        return false;
    for (uint64_t page = 0; page < pages; page++)
        if (op != ACCESS_FREE || trace_pages_knows(stream, space, object, page))
            trace_pages_touch(stream, space, object, page, op);
    return true;
}

uint64_t trace_pages_records(const struct trace_pages *stream)
{
    return stream->records;
}

bool trace_pages_full(const struct trace_pages *stream)
{
    return stream->full;
}

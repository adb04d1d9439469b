/* The two loops that zsim is compared with. */
#include <string.h>

#include "bench/bench.h"
#include "sim/base/memory.h"

/* How far ahead a byte is asked for: enough to cover a miss, few enough to stay in flight. */
enum { PREFETCH_AHEAD = 32 };

/* One test-and-set of a byte for each record; returns how many were set before. */
static uint64_t touch_all(const struct access *records, uint64_t count, unsigned char *state)
{
    uint64_t hits = 0, i = 0;
    for (; i + PREFETCH_AHEAD < count; i++) {
        __builtin_prefetch(&state[records[i + PREFETCH_AHEAD].page], 1);
        hits += state[records[i].page];
        state[records[i].page] = 1;
    }
    for (; i < count; i++) {
        hits += state[records[i].page];
        state[records[i].page] = 1;
    }
    return hits;
}

/* R1, the roofline: nothing that looks at every record can be faster.  The pages'
 * first touches are left out. */
double take_stream(const struct bench *bench, struct measure *self)
{
    uint64_t count;
    const struct access *records = trace_map(bench, self->trace, &count);
    uint64_t first = self->trace->fill;
    unsigned char *state = memory_mapped(self->trace->pages, "a byte a page");
    memset(state, 1, self->trace->pages);
    double begin = clock_thread_ns();
    uint64_t hits = touch_all(records + first, count - first, state);
    double end = clock_thread_ns();
    if (hits != count - first)
        bench_fail(self->name, "a page beyond the trace's own number of pages");
    memory_unmap(state, self->trace->pages);
    trace_unmap(records, count);
    return (end - begin) / (double)(count - first);
}

/* An exact LRU list over all pages by index; entry `pages` is the head. */
struct lru_list {
    struct lru_link {
        uint32_t previous, next;
    } * links;
    uint32_t head;
};

static void unlink_page(struct lru_list *list, uint32_t page)
{
    struct lru_link link = list->links[page];
    list->links[link.previous].next = link.next;
    list->links[link.next].previous = link.previous;
}

static void push_page(struct lru_list *list, uint32_t page)
{
    uint32_t first = list->links[list->head].next;
    list->links[page] = (struct lru_link){list->head, first};
    list->links[first].previous = page;
    list->links[list->head].next = page;
}

/* R2: exact LRU with room for a quarter of the pages, and nothing else; timed after the
 * pages' first touches. */
double take_exact_lru(const struct bench *bench, struct measure *self)
{
    uint64_t count, misses = 0;
    const struct access *records = trace_map(bench, self->trace, &count);
    uint32_t pages = self->trace->pages, room = pages / 4, used = 0;
    struct lru_list list = {.head = pages};
    size_t bytes = ((size_t)pages + 1) * sizeof(*list.links);
    double begin = 0;
    list.links = memory_mapped(bytes, "an LRU list");
    list.links[list.head] = (struct lru_link){list.head, list.head};
    /* A page that is not in the list has two zeros; page 0's neighbours are never both 0. */
    for (uint64_t i = 0; i < count; i++) {
        if (i == self->trace->fill)
            begin = clock_thread_ns();
        uint32_t page = records[i].page;
        if (list.links[page].previous | list.links[page].next) {
            unlink_page(&list, page);
        } else {
            misses++;
            if (used == room) {
                uint32_t oldest = list.links[list.head].previous;
                unlink_page(&list, oldest);
                list.links[oldest] = (struct lru_link){0, 0};
            } else {
                used++;
            }
        }
        push_page(&list, page);
    }
    double end = clock_thread_ns();
    if (misses < self->trace->fill)
        bench_fail(self->name, "fewer misses than pages");
    memory_unmap(list.links, bytes);
    trace_unmap(records, count);
    return (end - begin) / (double)(count - self->trace->fill);
}

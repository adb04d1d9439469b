#include "workloads/capture/recorder.h"

#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

void recorder_start(struct recorder *recorder, struct native_writer *writer, uint32_t window,
                    uint32_t sample)
{
    *recorder = (struct recorder){.writer = writer, .window = window, .sample = sample};
    recorder->spaces =
        memory_zeroed(WORKLOAD_SPACES_AT_MOST, sizeof(*recorder->spaces), "recorded spaces");
    native_writer_sample(writer, sample);
}

void recorder_unknown(struct recorder *recorder, const char *line, size_t length)
{
    if (!recorder->counts.lines_unknown++)
        trace_quote(line, length, recorder->counts.first_unknown);
}

/* Runs of pages of one kind; numbers that no page ever had belong to the run
 * before them. */
static void write_regions(struct recorder *recorder, uint32_t space)
{
    const struct recorded_space *from = &recorder->spaces[space];
    struct native_region region = {.space = space, .name = ""};
    for (uint32_t page = 0; page < from->count; page++) {
        enum native_region_kind kind = from->pages[page].kind;
        if (kind == NATIVE_REGION_UNKNOWN || kind == region.kind)
            continue;
        region.pages = page - region.first;
        if (region.kind != NATIVE_REGION_UNKNOWN)
            native_writer_region(recorder->writer, &region);
        region.first = page;
        region.kind = kind;
    }
    region.pages = from->count - region.first;
    if (region.kind != NATIVE_REGION_UNKNOWN)
        native_writer_region(recorder->writer, &region);
}

void recorder_stop(struct recorder *recorder)
{
    for (uint32_t i = 0; i < recorder->space_count; i++) {
        write_regions(recorder, i);
        free(recorder->spaces[i].pages);
    }
    free(recorder->spaces);
    recorder->spaces = NULL;
}

uint32_t recorder_space(struct recorder *recorder, const char *name)
{
    if (recorder->space_count == WORKLOAD_SPACES_AT_MOST)
        return NATIVE_NONE;
    native_writer_space_name(recorder->writer, recorder->space_count, name);
    return recorder->space_count++;
}

uint32_t recorder_task(struct recorder *recorder, const struct native_task *task)
{
    if (recorder->task_count == NATIVE_TASKS_AT_MOST)
        return 0;
    recorder->task_count++;
    return native_writer_task(recorder->writer, task);
}

uint32_t recorder_numbers(struct recorder *recorder, uint32_t space)
{
    struct recorded_space *to = &recorder->spaces[space];
    uint32_t first = to->count;
    if (first + CAPTURE_GROUP_PAGES > to->room) {
        to->room = to->room ? 2 * to->room : 1024;
        to->pages = memory_resized(to->pages, to->room, sizeof(*to->pages), "recorded pages");
    }
    to->count += CAPTURE_GROUP_PAGES;
    for (uint32_t i = first; i < to->count; i++)
        to->pages[i] = (struct page_state){0};
    return first;
}

/* The same pages of the same program are chosen in every recording. */
static bool is_sampled(const struct recorder *recorder, struct page_place place)
{
    return recorder->sample == 1 ||
           random_splitmix((uint64_t)place.space << 32 | place.page) % recorder->sample == 0;
}

void recorder_birth(struct recorder *recorder, struct page_place place,
                    enum native_region_kind kind)
{
    *recorder_page(recorder, place) = (struct page_state){
        .references = 1, .kind = (uint8_t)kind, .sampled = is_sampled(recorder, place)};
    recorder->counts.pages++;
}

static void put(struct recorder *recorder, uint32_t task, struct page_place place,
                enum access_op op)
{
    if (task != recorder->task) {
        recorder->task = task;
        native_writer_switch(recorder->writer, task);
    }
    struct access record = {.page = place.page, .space = place.space, .op = (uint8_t)op};
    native_writer_put(recorder->writer, &record, 1);
}

void recorder_touch(struct recorder *recorder, uint32_t task, struct page_place place, bool write)
{
    struct page_state *page = recorder_page(recorder, place);
    bool inside = page->entered && recorder->entries - page->entered < recorder->window;
    if (inside && (!write || page->written))
        return;
    if (inside)
        page->written = true;
    else {
        page->entered = ++recorder->entries;
        page->written = write;
    }
    if (!page->sampled)
        return;
    page->recorded = true;
    put(recorder, task, place, write ? ACCESS_WRITE : ACCESS_READ);
}

void recorder_drop(struct recorder *recorder, uint32_t task, struct page_place place)
{
    struct page_state *page = recorder_page(recorder, place);
    if (--page->references > 0)
        return;
    recorder->counts.frees++;
    if (page->recorded)
        put(recorder, task, place, ACCESS_FREE);
    page->entered = 0;
    page->recorded = false;
}

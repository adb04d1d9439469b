/* The pages of all recorded processes, and the records that go into the trace.
 *
 * A page here is a page of memory (what the kernel would have a struct page
 * for), not an address: it has a number in a space of the trace, lives from its
 * first access to its last unmapping, and may be mapped by several processes. */
#ifndef ZSIM_WORKLOADS_CAPTURE_RECORDER_H
#define ZSIM_WORKLOADS_CAPTURE_RECORDER_H

#include <stdatomic.h>

#include "workloads/readers/native_writer.h"
#include "workloads/readers/trace_input.h"

/* Pages that lie side by side in memory are numbered side by side, in groups of
 * so many, because readahead over a VMA looks at neighbours. */
enum { CAPTURE_GROUP_SHIFT = 6, CAPTURE_GROUP_PAGES = 1 << CAPTURE_GROUP_SHIFT };

struct page_place {
    uint32_t page;
    uint16_t space;
};

struct page_state {
    uint64_t entered;    /* value of recorder.entries when it last entered the window; 0: never */
    uint32_t references; /* address spaces that map it; an object's page has one */
    uint8_t kind;        /* enum native_region_kind */
    bool written;        /* a write was recorded since it entered */
    bool recorded;       /* the trace has it, and has not freed it */
    bool sampled;
};

struct recorded_space {
    struct page_state *pages; /* [room], by page number */
    uint32_t count, room;
};

/* Read by the thread that shows progress while another one records. */
struct recorder_progress {
    atomic_uint_least64_t accesses, records, pages, processes;
};

/* What happened, for the summary; page accesses, not lines. */
struct recorder_counts {
    uint64_t accesses;
    uint64_t file_accesses; /* of these, to pages of files, left out of the trace */
    uint64_t by_kernel;     /* of these, by the kernel for read(), write() and the like */
    uint64_t frees;         /* pages freed */
    uint64_t pages;         /* that came alive, whether sampled or not */
    uint64_t lines_unknown; /* of text that were neither access nor message */
    char first_unknown[TRACE_QUOTED_BYTES]; /* of these, its beginning */
};

struct recorder {
    struct native_writer *writer;
    uint32_t window, sample;
    uint64_t entries; /* pages that have entered the window so far */
    struct recorded_space *spaces;
    uint32_t space_count;
    uint32_t task, task_count;
    struct recorder_counts counts;
    struct recorder_progress progress;
};

/* Count a line that is neither access nor message. */
void recorder_unknown(struct recorder *recorder, const char *line, size_t length);

/* `sample`: record one page in so many, 1: all.  `window`: as lackey_options.window. */
void recorder_start(struct recorder *recorder, struct native_writer *writer, uint32_t window,
                    uint32_t sample);
/* Writes the regions into the trace and gives the memory back. */
void recorder_stop(struct recorder *recorder);

/* A new space; NATIVE_NONE when there are no more. */
uint32_t recorder_space(struct recorder *recorder, const char *name);

/* A new task; the first task of all when there are no more. */
uint32_t recorder_task(struct recorder *recorder, const struct native_task *task);

/* The first of CAPTURE_GROUP_PAGES new page numbers. */
uint32_t recorder_numbers(struct recorder *recorder, uint32_t space);

static inline struct page_state *recorder_page(const struct recorder *recorder,
                                               struct page_place place)
{
    return &recorder->spaces[place.space].pages[place.page];
}

/* A page comes alive with one reference; its first access follows. */
void recorder_birth(struct recorder *recorder, struct page_place place,
                    enum native_region_kind kind);

/* An access by a task. */
void recorder_touch(struct recorder *recorder, uint32_t task, struct page_place place, bool write);

/* A reference goes away; the page dies with the last one. */
void recorder_drop(struct recorder *recorder, uint32_t task, struct page_place place);

#endif

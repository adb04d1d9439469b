/* Pages: copying, testing for zero, and the minor fault that makes one. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/calibrate/calibrate.h"

enum { PAGES_IN_CACHE = 4, FAULTED_PAGES = 512 };

struct pages {
    unsigned char *from, *to;
    uint64_t found;
};

/* The compiler must take the memory to be read and written. */
static inline void keep(const void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void copy_pages(void *context, unsigned repetitions)
{
    struct pages *pages = context;
    for (unsigned i = 0; i < repetitions; i++) {
        size_t at = (size_t)(i % PAGES_IN_CACHE) * PAGE_BYTES;
        memcpy(pages->to + at, pages->from + at, PAGE_BYTES);
        keep(pages->to);
    }
}

static void fill_pages(void *context, unsigned repetitions)
{
    struct pages *pages = context;
    for (unsigned i = 0; i < repetitions; i++) {
        memset(pages->to + (size_t)(i % PAGES_IN_CACHE) * PAGE_BYTES, 0, PAGE_BYTES);
        keep(pages->to);
    }
}

/* As the kernel does it: word by word against the first one. */
static void test_pages(void *context, unsigned repetitions)
{
    struct pages *pages = context;
    for (unsigned i = 0; i < repetitions; i++) {
        const uint64_t *words =
            (const uint64_t *)(const void *)(pages->from +
                                             (size_t)(i % PAGES_IN_CACHE) * PAGE_BYTES);
        unsigned at = 0;
        keep(words);
        while (at < PAGE_BYTES / 8 && words[at] == words[0])
            at++;
        pages->found += at;
    }
}

/* First touches of a new mapping without huge pages; its making and unmaking are not
 * in the time.  0: no memory. */
static double fault_ns(void)
{
    size_t bytes = (size_t)FAULTED_PAGES * PAGE_BYTES;
    volatile unsigned char *area =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return 0;
    madvise((void *)area, bytes, MADV_NOHUGEPAGE);
    double start = clock_ns();
    for (size_t i = 0; i < FAULTED_PAGES; i++)
        area[i * PAGE_BYTES] = 1;
    double end = clock_ns();
    munmap((void *)area, bytes);
    return (end - start) / FAULTED_PAGES;
}

static void put(struct calibration *calibration, enum cost cost, struct measured measured)
{
    calibration->known[cost] = measured.median > 0;
    calibration->costs[cost] = measured;
}

void calibrate_memory(struct calibration *calibration)
{
    struct pages pages = {.from = memory_mapped((size_t)PAGES_IN_CACHE * PAGE_BYTES, "pages"),
                          .to = memory_mapped((size_t)PAGES_IN_CACHE * PAGE_BYTES, "pages")};
    struct measured copy = measure(copy_pages, &pages, calibration->rounds);
    struct measured fill = measure(fill_pages, &pages, calibration->rounds);
    /* One cost for both: the copy's median; the range takes the fill in. */
    copy.least = fill.least < copy.least ? fill.least : copy.least;
    copy.most = fill.most > copy.most ? fill.most : copy.most;
    put(calibration, COST_page_copy, copy);
    put(calibration, COST_zero_page_check, measure(test_pages, &pages, calibration->rounds));
    memory_unmap(pages.from, (size_t)PAGES_IN_CACHE * PAGE_BYTES);
    memory_unmap(pages.to, (size_t)PAGES_IN_CACHE * PAGE_BYTES);

    double *samples = memory_zeroed(calibration->rounds, sizeof(*samples), "samples");
    fault_ns(); /* warm-up */
    for (unsigned i = 0; i < calibration->rounds; i++)
        samples[i] = fault_ns();
    put(calibration, COST_first_touch, measured_of(samples, calibration->rounds));
    free(samples);
}

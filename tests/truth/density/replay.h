/* Replays the measured populations of emulator.h on an allocator policy. */
#ifndef ZSIM_TESTS_DENSITY_REPLAY_H
#define ZSIM_TESTS_DENSITY_REPLAY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/allocator/allocator.h"
#include "policies/policy.h"
#include "sim/base/random.h"
#include "tests/truth/density/emulator.h"

/* Class of a page in the mix: random bytes, or one of these. */
enum { DENSITY_ZERO = -2, DENSITY_SAME = -3 };

static inline int density_class_of(const struct density_case *row, uint32_t page)
{
    if (row->random_bytes != DENSITY_MIX)
        return row->random_bytes;
    uint64_t draw = random_splitmix(page) % 100;
    return draw < 10   ? DENSITY_ZERO
           : draw < 15 ? DENSITY_SAME
           : draw < 40 ? 256
           : draw < 65 ? 1024
           : draw < 85 ? 2048
           : draw < 95 ? 3072
                       : 4096;
}

/* Whether the last random byte is the filler's ("zsim-page-filler"[15]). */
static inline bool density_page_is_lucky(uint32_t page, int random_bytes)
{
    uint64_t state = (page + 1) * UINT64_C(0x9E3779B97F4A7C15), word = 0;
    for (int byte = 0; byte < random_bytes; byte += 8)
        word = random_next(&state);
    return random_bytes && word >> 56 == 'r';
}

/* Bytes zswap asks for; 0: the page does not reach the allocator. */
static inline uint32_t density_length_of(const struct density_case *row, uint32_t page)
{
    int class = density_class_of(row, page);
    const struct density_length *table = density_lengths;
    size_t count = sizeof(density_lengths) / sizeof(*density_lengths);
    if (class == DENSITY_SAME) {
        table = density_same_filled;
        count = sizeof(density_same_filled) / sizeof(*density_same_filled);
    }
    for (size_t i = 0; i < count && class != DENSITY_ZERO; i++) {
        if (strcmp(table[i].kernel, row->kernel) || strcmp(table[i].compressor, row->compressor))
            continue;
        if (class == DENSITY_SAME)
            return table[i].ordinary;
        if (table[i].random_bytes == class)
            return density_page_is_lucky(page, class) ? table[i].lucky : table[i].ordinary;
    }
    return 0;
}

/* Pages that leave zswap in a step: on 6.12 a load frees the entry; on 6.1 it stays
 * until its swap slot is freed, which none of the steps does. */
static inline bool density_step_frees(const struct density_case *row, int step, uint32_t page)
{
    if (!strcmp(row->kernel, "6.1"))
        return false;
    return (step == 1 && page % 2 == 0) || (step == 3 && page % 4 == 1);
}

/* Print every difference between measurement and replay; returns how many there are. */
static inline unsigned density_replay(const struct density_case *row, const struct policy *policy,
                                      const void *params)
{
    const struct allocator_hooks *hooks = policy->hooks;
    bool first_era = !strcmp(row->kernel, "6.1");
    bool evicts = first_era && strcmp(row->allocator, "zsmalloc") != 0;
    void *pool = hooks->create(&(struct allocator_setup){params, evicts});
    static const uint32_t header_bytes = 8; /* the slot number before each object, up to 6.4 */
    uint32_t *handles = calloc(DENSITY_PAGES, sizeof(*handles));
    uint32_t objects = 0;
    unsigned differences = 0;
    for (uint32_t page = 0; page < DENSITY_PAGES; page++) {
        uint32_t length = density_length_of(row, page);
        if (length && hooks->alloc(pool, length + (evicts ? header_bytes : 0), page,
                                   &handles[page]) == ALLOCATOR_OK)
            objects++;
    }
    for (int step = 0; step < DENSITY_STEPS; step++) {
        for (uint32_t page = 0; page < DENSITY_PAGES; page++) {
            if (!handles[page] || !density_step_frees(row, step, page))
                continue;
            hooks->free(pool, handles[page]);
            handles[page] = 0;
            objects--;
        }
        uint32_t entries = objects + row->same_filled;
        uint64_t pages = hooks->total_pages(pool);
        const char *wrong = hooks->check(pool);
        if (entries == row->steps[step].entries && pages == row->steps[step].pool_pages && !wrong)
            continue;
        differences++;
        fprintf(stderr, "%s %s %s %d, step %d: %u entries in %u pages, replay %u in %llu %s\n",
                row->kernel, row->allocator, row->compressor, row->random_bytes, step,
                row->steps[step].entries, row->steps[step].pool_pages, entries,
                (unsigned long long)pages, wrong ? wrong : "");
    }
    free(handles);
    hooks->destroy(pool);
    return differences;
}

/* Replay every case of one allocator (and kernel, unless NULL); *cases: how many. */
static inline unsigned density_replay_all(const struct policy *policy, const char *kernel,
                                          const void *params, unsigned *cases)
{
    unsigned differences = 0;
    *cases = 0;
    for (size_t i = 0; i < sizeof(density_cases) / sizeof(*density_cases); i++) {
        const struct density_case *row = &density_cases[i];
        if (strcmp(row->allocator, policy->name) || (kernel && strcmp(row->kernel, kernel)))
            continue;
        differences += density_replay(row, policy, params);
        ++*cases;
    }
    return differences;
}

#endif

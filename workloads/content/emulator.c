/* "content": {"type": "emulator"}: the page contents of the cases that were
 * recorded on kernels 6.1 and 6.12 in an emulator (tests/truth/content/README.md). */
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/content/content_source.h"

#define GOLDEN 0x9E3779B97F4A7C15ull

enum { MIX = -3, SAME = -2, ZERO = -1 }; /* or 0..4096: K<n>, n random bytes */

struct emulator {
    int page_class;
};

static uint64_t page_seed(uint32_t page)
{
    return ((uint64_t)page + 1) * GOLDEN;
}

/* The class of a page of the mixture. */
static int mix_class(uint32_t page)
{
    static const struct {
        unsigned below;
        int page_class;
    } shares[] = {{10, ZERO}, {15, SAME}, {40, 256},  {65, 1024},
                  {85, 2048}, {95, 3072}, {100, 4096}};
    uint64_t draw = random_splitmix(page) % 100;
    size_t i = 0;
    while (shares[i].below <= draw)
        i++;
    return shares[i].page_class;
}

static int class_of(const struct emulator *emulator, uint32_t page)
{
    return emulator->page_class == MIX ? mix_class(page) : emulator->page_class;
}

static enum content_kind emulator_kind(const void *state, uint32_t page)
{
    int page_class = class_of(state, page);
    return page_class == ZERO   ? CONTENT_ZERO
           : page_class == SAME ? CONTENT_SAME_FILLED
                                : CONTENT_ORDINARY;
}

static void emulator_bytes(const void *state, uint32_t page, unsigned char out[PAGE_BYTES])
{
    static const char filler[16] = {'z', 's', 'i', 'm', '-', 'p', 'a', 'g',
                                    'e', '-', 'f', 'i', 'l', 'l', 'e', 'r'};
    int page_class = class_of(state, page);
    uint64_t stream = page_seed(page);
    for (int i = 0; i < PAGE_BYTES; i += 8) {
        uint64_t word = 0;
        if (page_class == SAME)
            word = page_seed(page);
        else if (page_class > i)
            word = random_next(&stream);
        else if (page_class != ZERO)
            memcpy(&word, filler + (i & 8), sizeof(word));
        memcpy(out + i, &word, sizeof(word));
    }
}

static const struct content_source emulator_source = {
    .kind = emulator_kind, .bytes = emulator_bytes, .release = free};

struct emulator_params {
    const char *page_class;
};

static const struct param emulator_rows[] = {
    {.name = "class",
     .type = PARAM_STRING,
     .offset = offsetof(struct emulator_params, page_class),
     .initial = "mix",
     .help = "zero, same, mix, or K<n>: n random bytes (a multiple of 8 up to 4096) and a repeated "
             "16-byte text"},
};

static bool parse_class(const char *text, int *page_class)
{
    static const struct {
        const char *name;
        int page_class;
    } names[] = {{"zero", ZERO}, {"same", SAME}, {"mix", MIX}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i].name) == 0) {
            *page_class = names[i].page_class;
            return true;
        }
    }
    uint64_t bytes;
    if (text[0] != 'K' || !parse_count(text + 1, &bytes) || bytes > PAGE_BYTES || bytes % 8)
        return false;
    *page_class = (int)bytes;
    return true;
}

static struct content *emulator_open(const void *fields, uint32_t pages,
                                     const struct source_position *position,
                                     struct diagnostics *errors)
{
    const struct emulator_params *params = fields;
    int page_class;
    if (!parse_class(params->page_class, &page_class)) {
        diagnostics_add(errors, position,
                        "page class \"%s\": expected zero, same, mix, or K<n> with n a multiple of "
                        "8 up to 4096 (such as \"K1024\")",
                        params->page_class);
        return NULL;
    }
    struct emulator *emulator = memory_zeroed(1, sizeof(*emulator), "page contents");
    emulator->page_class = page_class;
    return content_create(&emulator_source, emulator, pages);
}

const struct content_type content_type_emulator = {
    .name = "emulator",
    .summary = "the pages of the cases recorded on kernels 6.1 and 6.12",
    .params = PARAM_TABLE(emulator_rows, struct emulator_params),
    .open = emulator_open,
};

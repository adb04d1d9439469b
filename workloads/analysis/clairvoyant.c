#include "workloads/analysis/clairvoyant.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "workloads/analysis/page_stream.h"
#include "workloads/analysis/time_set.h"

/* `next` of an access after which the page's contents are not used again. */
enum { NEVER = UINT32_MAX };

struct moment {
    uint32_t page, next;
};

struct clairvoyant {
    struct moment *moments;
    uint64_t count, room;
    uint64_t *returns; /* bit set: the page has contents from an earlier access */
    uint64_t *base;    /* [spaces] */
    uint32_t spaces, pages;
};

/* ---- the future ----------------------------------------------------------------- */

static bool bit_is_set(const uint64_t *bits, uint64_t at)
{
    return bits[at / 64] >> (at % 64) & 1;
}

static void append(struct clairvoyant *future, uint32_t *last, uint32_t page)
{
    if (future->count == future->room) {
        uint64_t room = future->room + future->room / 2 + 4096, words = room / 64 + 1;
        uint64_t old = future->returns ? future->room / 64 + 1 : 0;
        future->moments =
            memory_resized(future->moments, room, sizeof(*future->moments), "a trace's future");
        future->returns =
            memory_resized(future->returns, words, sizeof(*future->returns), "a trace's future");
        memset(future->returns + old, 0, (words - old) * sizeof(*future->returns));
        future->room = room;
    }
    uint32_t now = (uint32_t)future->count++, before = last[page];
    future->moments[now] = (struct moment){page, NEVER};
    if (before) {
        future->moments[before - 1].next = now;
        future->returns[now / 64] |= (uint64_t)1 << (now % 64);
    }
    last[page] = now + 1;
}

/* An access to the page of the one before is a hit whatever the policy. */
static bool read_moments(struct clairvoyant *future, struct page_stream *stream,
                         struct diagnostics *errors)
{
    uint32_t *last = memory_mapped((stream->pages + 1) * sizeof(*last), "pages of a trace");
    uint32_t page, previous = NEVER;
    enum access_op op;
    bool fits = true;
    while (fits && page_stream_next(stream, &page, &op)) {
        if (op == ACCESS_FREE) {
            last[page] = 0;
            previous = NEVER;
        } else if (page != previous) {
            append(future, last, page);
            previous = page;
            fits = future->count < UINT32_MAX - 1;
        }
    }
    if (!fits)
        diagnostics_add(errors, NULL, "the trace has more than 2^32 - 2 accesses");
    memory_unmap(last, (stream->pages + 1) * sizeof(*last));
    return fits;
}

struct clairvoyant *clairvoyant_create(const struct workload *workload, struct diagnostics *errors)
{
    struct clairvoyant *future = memory_zeroed(1, sizeof(*future), "a trace's future");
    struct page_stream stream;
    bool good = page_stream_open(&stream, workload, PAGE_STREAM_ALL_SPACES, errors);
    if (good) {
        future->spaces = workload->spaces;
        future->pages = (uint32_t)stream.pages;
        future->base = memory_zeroed(workload->spaces, sizeof(*future->base), "spaces of a trace");
        memcpy(future->base, stream.base, workload->spaces * sizeof(*future->base));
        good = read_moments(future, &stream, errors);
    }
    good &= page_stream_close(&stream, errors);
    if (good)
        return future;
    clairvoyant_free(future);
    return NULL;
}

void clairvoyant_free(struct clairvoyant *future)
{
    if (!future)
        return;
    free(future->moments);
    free(future->returns);
    free(future->base);
    free(future);
}

uint32_t clairvoyant_pages(const struct clairvoyant *future)
{
    return future->pages;
}

uint32_t clairvoyant_page(const struct clairvoyant *future, uint32_t space, uint32_t page)
{
    return (uint32_t)(future->base[space] + page);
}

uint64_t clairvoyant_first_touches(const struct clairvoyant *future, const uint64_t *included)
{
    uint64_t count = 0;
    for (uint64_t now = 0; now < future->count; now++)
        if (!bit_is_set(future->returns, now) &&
            (!included || bit_is_set(included, future->moments[now].page)))
            count++;
    return count;
}

/* ---- one tier --------------------------------------------------------------------- */

/* `kept` holds, for every page in memory that is needed again, when that is. */
uint64_t clairvoyant_refaults(const struct clairvoyant *future, const uint64_t *included,
                              uint64_t frames)
{
    struct time_set kept;
    uint64_t refaults = 0;
    time_set_init(&kept, future->count);
    for (uint64_t now = 0; now < future->count; now++) {
        struct moment moment = future->moments[now];
        if (included && !bit_is_set(included, moment.page))
            continue;
        if (time_set_has(&kept, now)) {
            time_set_remove(&kept, now);
        } else {
            refaults += bit_is_set(future->returns, now);
            while (kept.count >= frames)
                time_set_remove(&kept, time_set_last(&kept));
        }
        if (moment.next != NEVER)
            time_set_add(&kept, moment.next);
    }
    time_set_release(&kept);
    return refaults;
}

/* ---- two tiers ---------------------------------------------------------------------- */

static uint16_t size_of(const struct content *content, uint32_t page, uint32_t compressor_set,
                        bool zero_is_free, bool same_filled_is_free)
{
    enum content_kind kind = content_kind(content, page);
    uint32_t least = PAGE_BYTES;
    if ((kind == CONTENT_ZERO && zero_is_free) || (kind != CONTENT_ORDINARY && same_filled_is_free))
        return 0;
    for (unsigned i = 0; i < compressor_count(); i++) {
        if (!(compressor_set >> i & 1))
            continue;
        uint32_t length = content_length(content, page, i);
        if (length != COMPRESSOR_FAILED && length < least)
            least = length;
    }
    return (uint16_t)least;
}

struct clairvoyant_sizes clairvoyant_sizes(const struct clairvoyant *future,
                                           struct content *const *contents, uint32_t compressor_set,
                                           bool zero_is_free, bool same_filled_is_free)
{
    struct clairvoyant_sizes sizes = {
        memory_zeroed((size_t)future->pages + 1, sizeof(*sizes.bytes), "sizes of pages")};
    for (uint64_t now = 0; now < future->count; now++) {
        uint32_t page = future->moments[now].page, space = 0;
        /* Known, or asked for again; pages of size 0 are rare. */
        if (sizes.bytes[page] || bit_is_set(future->returns, now))
            continue;
        uint32_t low = 0, high = future->spaces - 1;
        while (low < high) {
            space = low + (high - low + 1) / 2;
            if (future->base[space] <= page)
                low = space;
            else
                high = space - 1;
        }
        sizes.bytes[page] = size_of(contents[low], (uint32_t)(page - future->base[low]),
                                    compressor_set, zero_is_free, same_filled_is_free);
    }
    return sizes;
}

void clairvoyant_sizes_free(struct clairvoyant_sizes *sizes)
{
    free(sizes->bytes);
    sizes->bytes = NULL;
}

uint64_t clairvoyant_capacity(const uint64_t pages_of_size[PAGE_BYTES + 1],
                              const struct clairvoyant_limits *limits)
{
    uint64_t room = limits->pool_bytes, used = 0, in_pool = 0;
    uint64_t common = limits->common_pages;
    /* One page at least is in RAM: the one that is being accessed. */
    if (common != UINT64_MAX && (common - 1) * PAGE_BYTES < room)
        room = (common - 1) * PAGE_BYTES;
    for (uint64_t size = 1; size <= PAGE_BYTES; size++) {
        uint64_t fit = (room - used) / size;
        if (fit > pages_of_size[size])
            fit = pages_of_size[size];
        in_pool += fit;
        used += fit * size;
        if (fit < pages_of_size[size])
            break;
    }
    uint64_t in_ram = limits->ram_pages;
    if (common != UINT64_MAX && common - (used + PAGE_BYTES - 1) / PAGE_BYTES < in_ram)
        in_ram = common - (used + PAGE_BYTES - 1) / PAGE_BYTES;
    return in_pool + (in_ram ? in_ram : 1);
}

/* The pages of at least this size: their bits, and how many have each size. */
static void select_pages(const struct clairvoyant *future, const uint64_t *included,
                         const uint16_t *bytes, uint64_t least, uint64_t *selected,
                         uint64_t pages_of_size[PAGE_BYTES + 1])
{
    memset(pages_of_size, 0, (PAGE_BYTES + 1) * sizeof(*pages_of_size));
    for (uint32_t page = 0; page < future->pages; page++) {
        bool take = bytes[page] >= least && (!included || bit_is_set(included, page));
        if (take) {
            selected[page / 64] |= (uint64_t)1 << (page % 64);
            pages_of_size[bytes[page]]++;
        } else {
            selected[page / 64] &= ~((uint64_t)1 << (page % 64));
        }
    }
}

/* The size below which `percent` of the pages are. */
static uint64_t quantile(const uint64_t pages_of_size[PAGE_BYTES + 1], unsigned percent)
{
    uint64_t pages = 0, below = 0;
    for (uint64_t size = 1; size <= PAGE_BYTES; size++)
        pages += pages_of_size[size];
    for (uint64_t size = 1; size <= PAGE_BYTES; size++) {
        below += pages_of_size[size];
        if (below * 100 > pages * percent)
            return size;
    }
    return 1;
}

uint64_t clairvoyant_disk_reads(const struct clairvoyant *future, const uint64_t *included,
                                const struct clairvoyant_sizes *sizes,
                                const struct clairvoyant_limits *limits)
{
    static const unsigned percents[] = {0, 25, 50, 75, 90};
    enum { PERCENTS = sizeof(percents) / sizeof(percents[0]) };
    uint64_t *selected =
        memory_zeroed((size_t)future->pages / 64 + 1, sizeof(*selected), "pages of a trace");
    uint64_t *counts = memory_zeroed(PAGE_BYTES + 1, sizeof(*counts), "sizes of pages");
    uint64_t thresholds[PERCENTS], most = 0;
    select_pages(future, included, sizes->bytes, 1, selected, counts);
    for (unsigned i = 0; i < PERCENTS; i++)
        thresholds[i] = i ? quantile(counts, percents[i]) : 1;
    /* Each is a bound; so is the best of them. */
    for (unsigned i = 0; i < PERCENTS; i++) {
        if (i && thresholds[i] == thresholds[i - 1])
            continue;
        select_pages(future, included, sizes->bytes, thresholds[i], selected, counts);
        uint64_t reads =
            clairvoyant_refaults(future, selected, clairvoyant_capacity(counts, limits));
        if (reads > most)
            most = reads;
    }
    free(selected);
    free(counts);
    return most;
}

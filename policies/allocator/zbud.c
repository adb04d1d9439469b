/* zbud: at most two objects in a page, one from each end.
 *
 * A page is 64 chunks of 64 bytes, of which the header takes one.  A request takes
 * the page whose free chunks fit it most tightly, and the most recent of these.
 * Mirrors mm/zbud.c (up to 6.14; it evicts up to 6.4).
 *
 * Books: 12 bytes a page, 16 more where it evicts. */
#include <stdlib.h>

#include "policies/allocator/allocator.h"
#include "policies/allocator/index_list.h"
#include "policies/allocator/policies.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"

enum {
    CHUNK_BYTES = 64,
    HEADER_CHUNKS = 1,
    CHUNKS = PAGE_BYTES / CHUNK_BYTES - HEADER_CHUNKS, /* NCHUNKS: usable, 63 */
    LARGEST_BYTES = PAGE_BYTES - HEADER_CHUNKS * CHUNK_BYTES - CHUNK_BYTES,
    SHRINK_VICTIMS = 8, /* retries of zpool_shrink() in zswap, up to 6.4 */
};

enum buddy { FIRST, LAST, BUDDIES };

struct zbud_page {
    struct index_link link;  /* in unbuddied[]; `next` also chains unused records */
    uint8_t chunks[BUDDIES]; /* 0: free */
    bool under_reclaim;
};

/* What an instance that evicts knows of a page besides; same index. */
struct zbud_eviction {
    struct index_link lru; /* head: most recently allocated from */
    uint32_t owners[BUDDIES];
};

struct zbud {
    bool evicts;
    uint64_t pages;
    struct zbud_page *records;
    struct zbud_eviction *evictions;
    uint32_t record_count, record_room, unused_record;
    struct index_list lru;
    struct index_list unbuddied[CHUNKS]; /* pages with one object, by free chunks */
    uint64_t listed;                     /* bit c: unbuddied[c] is not empty */
};

/* ---- pages ---------------------------------------------------------------- */

static bool page_is_single(const struct zbud_page *page)
{
    return !page->chunks[FIRST] != !page->chunks[LAST];
}

static uint32_t page_free_chunks(const struct zbud_page *page)
{
    return CHUNKS - page->chunks[FIRST] - (uint32_t)page->chunks[LAST];
}

static void page_list(struct zbud *zbud, uint32_t index)
{
    if (!page_is_single(&zbud->records[index]))
        return;
    uint32_t chunks = page_free_chunks(&zbud->records[index]);
    index_list_add_head(&zbud->unbuddied[chunks], zbud->records, sizeof(*zbud->records), index);
    zbud->listed |= UINT64_C(1) << chunks;
}

static void page_unlist(struct zbud *zbud, uint32_t index)
{
    if (!page_is_single(&zbud->records[index]))
        return;
    uint32_t chunks = page_free_chunks(&zbud->records[index]);
    index_list_remove(&zbud->unbuddied[chunks], zbud->records, sizeof(*zbud->records), index);
    if (!zbud->unbuddied[chunks].head)
        zbud->listed &= ~(UINT64_C(1) << chunks);
}

static void record_room_grow(struct zbud *zbud)
{
    zbud->record_room = zbud->record_room ? zbud->record_room * 2 : 1024;
    zbud->records =
        memory_resized(zbud->records, zbud->record_room, sizeof(*zbud->records), "zbud pages");
    if (zbud->evicts)
        zbud->evictions = memory_resized(zbud->evictions, zbud->record_room,
                                         sizeof(*zbud->evictions), "the zbud LRU");
}

static uint32_t page_create(struct zbud *zbud)
{
    uint32_t index = zbud->unused_record;
    if (index) {
        zbud->unused_record = zbud->records[index].link.next;
    } else {
        if (zbud->record_count >= zbud->record_room)
            record_room_grow(zbud);
        index = zbud->record_count++;
    }
    zbud->records[index] = (struct zbud_page){.link = {0, 0}};
    zbud->pages++;
    if (zbud->evicts)
        index_list_add_head(&zbud->lru, zbud->evictions, sizeof(*zbud->evictions), index);
    return index;
}

/* Give an empty page back; it is on no unbuddied list any more, but on the LRU. */
static void page_destroy(struct zbud *zbud, uint32_t index)
{
    if (zbud->evicts)
        index_list_remove(&zbud->lru, zbud->evictions, sizeof(*zbud->evictions), index);
    zbud->records[index].link.next = zbud->unused_record;
    zbud->unused_record = index;
    zbud->pages--;
}

static void page_note_allocation(struct zbud *zbud, uint32_t index, enum buddy buddy,
                                 uint32_t owner)
{
    if (!zbud->evicts)
        return;
    zbud->evictions[index].owners[buddy] = owner;
    if (zbud->lru.head == index)
        return;
    index_list_remove(&zbud->lru, zbud->evictions, sizeof(*zbud->evictions), index);
    index_list_add_head(&zbud->lru, zbud->evictions, sizeof(*zbud->evictions), index);
}

/* ---- objects -------------------------------------------------------------- */

/* A handle is the page's index and which buddy; index 0 is never used. */
static uint32_t handle_make(uint32_t index, enum buddy buddy)
{
    return index * BUDDIES + (uint32_t)buddy;
}

static enum allocator_result zbud_alloc(void *state, uint32_t size, uint32_t owner,
                                        uint32_t *handle)
{
    struct zbud *zbud = state;
    if (size == 0 || size > LARGEST_BYTES)
        return ALLOCATOR_TOO_LARGE;
    uint32_t chunks = (size + CHUNK_BYTES - 1) / CHUNK_BYTES, index;
    uint64_t fitting = zbud->listed >> chunks << chunks;
    if (fitting) {
        index = zbud->unbuddied[__builtin_ctzll(fitting)].head;
        page_unlist(zbud, index);
    } else {
        index = page_create(zbud);
    }
    enum buddy buddy = zbud->records[index].chunks[FIRST] ? LAST : FIRST;
    zbud->records[index].chunks[buddy] = (uint8_t)chunks;
    page_list(zbud, index);
    page_note_allocation(zbud, index, buddy, owner);
    *handle = handle_make(index, buddy);
    return ALLOCATOR_OK;
}

static void zbud_free(void *state, uint32_t handle)
{
    struct zbud *zbud = state;
    uint32_t index = handle / BUDDIES;
    struct zbud_page *page = &zbud->records[index];
    if (page->under_reclaim) { /* zbud_shrink() decides what becomes of the page */
        page->chunks[handle % BUDDIES] = 0;
        return;
    }
    page_unlist(zbud, index);
    page->chunks[handle % BUDDIES] = 0;
    if (page_is_single(page))
        page_list(zbud, index);
    else
        page_destroy(zbud, index);
}

static uint64_t zbud_total_pages(const void *state)
{
    return ((const struct zbud *)state)->pages;
}

/* ---- writeback (up to 6.4) ------------------------------------------------ */

/* First, then last, up to the first that stays.  The callback may allocate and
 * free in other pages, so that only the index stays valid over it. */
static void page_evict_objects(struct zbud *zbud, uint32_t index, allocator_evict_object evict,
                               void *context)
{
    for (enum buddy buddy = FIRST; buddy < BUDDIES; buddy++) {
        if (!zbud->records[index].chunks[buddy])
            continue;
        if (!evict(context, zbud->evictions[index].owners[buddy], handle_make(index, buddy)))
            return;
    }
}

static bool page_reclaim(struct zbud *zbud, uint32_t index, allocator_evict_object evict,
                         void *context)
{
    size_t stride = sizeof(*zbud->evictions);
    index_list_remove(&zbud->lru, zbud->evictions, stride, index);
    page_unlist(zbud, index);
    zbud->records[index].under_reclaim = true;

    page_evict_objects(zbud, index, evict, context);

    zbud->records[index].under_reclaim = false;
    index_list_add_head(&zbud->lru, zbud->evictions, stride, index);
    if (!zbud->records[index].chunks[FIRST] && !zbud->records[index].chunks[LAST]) {
        page_destroy(zbud, index);
        return true;
    }
    page_list(zbud, index);
    return false;
}

static enum allocator_shrink_result zbud_shrink(void *state, allocator_evict_object evict,
                                                void *context)
{
    struct zbud *zbud = state;
    if (!zbud->evicts || !zbud->lru.tail)
        return ALLOCATOR_CANNOT_SHRINK;
    for (int victim = 0; victim < SHRINK_VICTIMS && zbud->lru.tail; victim++)
        if (page_reclaim(zbud, zbud->lru.tail, evict, context))
            return ALLOCATOR_SHRUNK;
    return ALLOCATOR_NOTHING_FREED;
}

/* ---- the books ------------------------------------------------------------ */

static bool *unused_records(const struct zbud *zbud)
{
    bool *unused = memory_zeroed(zbud->record_count, sizeof(*unused), "zbud page marks");
    for (uint32_t index = zbud->unused_record; index && !unused[index];
         index = zbud->records[index].link.next)
        unused[index] = true;
    return unused;
}

static const char *audit_pages(const struct zbud *zbud, size_t *single, size_t *on_lru)
{
    const char *wrong = NULL;
    uint64_t pages = 0;
    bool *unused = unused_records(zbud);
    *single = *on_lru = 0;
    for (uint32_t index = 1; index < zbud->record_count; index++) {
        const struct zbud_page *page = &zbud->records[index];
        if (unused[index])
            continue;
        pages++;
        *on_lru += !page->under_reclaim;
        *single += !page->under_reclaim && page_is_single(page);
        if (page->chunks[FIRST] + page->chunks[LAST] > CHUNKS)
            wrong = "zbud: a page holds more chunks than it has";
        if (!page->under_reclaim && !page->chunks[FIRST] && !page->chunks[LAST])
            wrong = "zbud: an empty page was kept";
    }
    free(unused);
    return pages == zbud->pages ? wrong : "zbud: the pool miscounts its pages";
}

static const char *audit_lists(const struct zbud *zbud, size_t single)
{
    size_t found = 0;
    for (uint32_t chunks = 0; chunks < CHUNKS; chunks++) {
        const struct index_list *list = &zbud->unbuddied[chunks];
        size_t length = index_list_verified_length(list, zbud->records, sizeof(*zbud->records),
                                                   zbud->record_count);
        if (length == SIZE_MAX)
            return "zbud: an unbuddied list is torn";
        if ((zbud->listed >> chunks & 1) != (length != 0))
            return "zbud: the mark of an unbuddied list is wrong";
        for (uint32_t index = list->head; index; index = zbud->records[index].link.next)
            if (!page_is_single(&zbud->records[index]) ||
                page_free_chunks(&zbud->records[index]) != chunks)
                return "zbud: a page is on the wrong unbuddied list";
        found += length;
    }
    return found == single ? NULL : "zbud: a page with one object is on no unbuddied list";
}

static const char *zbud_check(const void *state)
{
    const struct zbud *zbud = state;
    size_t single, on_lru;
    const char *wrong = audit_pages(zbud, &single, &on_lru);
    if (!wrong)
        wrong = audit_lists(zbud, single);
    if (!wrong && zbud->evicts &&
        index_list_verified_length(&zbud->lru, zbud->evictions, sizeof(*zbud->evictions),
                                   zbud->record_count) != on_lru)
        wrong = "zbud: the LRU does not hold every page once";
    return wrong;
}

/* ---- the instance --------------------------------------------------------- */

static void *zbud_create(const struct allocator_setup *setup)
{
    struct zbud *zbud = memory_zeroed(1, sizeof(*zbud), "a zbud pool");
    zbud->evicts = setup->evicts;
    zbud->record_count = 1;
    return zbud;
}

static void zbud_destroy(void *state)
{
    struct zbud *zbud = state;
    if (!zbud)
        return;
    free(zbud->records);
    free(zbud->evictions);
    free(zbud);
}

static const struct allocator_hooks zbud_hooks = {
    .create = zbud_create,
    .destroy = zbud_destroy,
    .alloc = zbud_alloc,
    .free = zbud_free,
    .total_pages = zbud_total_pages,
    .shrink = zbud_shrink,
    .check = zbud_check,
};

const struct policy zbud_policy = {
    .name = "zbud",
    .summary = "two objects a page: at best 2:1, and every eviction frees a page",
    .source = "mm/zbud.c, Linux 6.1 to 6.14",
    .params = NO_PARAMS,
    .hooks = &zbud_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* z3fold: at most three objects in a page: first, middle and last.
 *
 * A page is 64 chunks of 64 bytes, of which the header takes two.  An object too
 * large to leave room for the header has a page of its own ("headless").  After a
 * free the page is compacted: an object left alone moves into another page with
 * room, where it is "foreign" and keeps that page from eviction; a middle object
 * moves towards its neighbour or becomes the first.  Mirrors mm/z3fold.c (up to
 * 6.14; it evicts up to 6.4).
 *
 * Left out: the kernel keeps its lists of pages with room per CPU, one set stands
 * here for all; and it compacts a page that still had room from a work item, here
 * that happens within the free.
 *
 * Books: 28 bytes a page and 4 bytes an object, 8 and 4 more where it evicts. */
#include <stdlib.h>

#include "policies/allocator/allocator.h"
#include "policies/allocator/index_list.h"
#include "policies/allocator/policies.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"

enum {
    CHUNK_BYTES = 64,
    TOTAL_CHUNKS = PAGE_BYTES / CHUNK_BYTES,
    HEADER_CHUNKS = 2,                     /* 88 bytes on 64-bit machines */
    CHUNKS = TOTAL_CHUNKS - HEADER_CHUNKS, /* NCHUNKS: usable, 62 */
    LARGEST_WITH_HEADER_BYTES = PAGE_BYTES - HEADER_CHUNKS * CHUNK_BYTES - CHUNK_BYTES,
    WORTHWHILE_GAP_CHUNKS = 3, /* BIG_CHUNK_GAP: a middle object moves for no less */
    SHRINK_VICTIMS = 8,        /* retries of zpool_shrink() in zswap, up to 6.4 */
};

enum buddy { FIRST, MIDDLE, LAST, BUDDIES };

struct z3fold_page {
    struct index_link link;    /* in unbuddied[]; `next` also chains unused records */
    uint32_t handles[BUDDIES]; /* of the objects; a headless page has its one as FIRST */
    uint8_t chunks[BUDDIES];   /* 0: free */
    uint8_t start_middle;      /* chunk where the middle object begins, header included */
    uint8_t foreign;           /* objects that were moved in by compaction */
    bool headless;
    bool claimed; /* being reclaimed */
    bool listed;  /* on an unbuddied list */
};

/* Where an object lies: page << 3 | foreign << 2 | buddy. */
enum { PLACE_BUDDY = 3, PLACE_FOREIGN = 4, PLACE_PAGE_SHIFT = 3 };

struct z3fold {
    bool evicts;
    uint64_t pages;

    struct z3fold_page *records;
    struct index_link *lru_links; /* [page], only when it evicts; head: most recent */
    uint32_t record_count, record_room, unused_record;

    uint32_t *places; /* [handle]: see above, or the next unused handle */
    uint32_t *owners; /* [handle], only when it evicts */
    uint32_t handle_count, handle_room, unused_handle;

    struct index_list lru;
    struct index_list unbuddied[CHUNKS]; /* pages with a free buddy, by free chunks */
    uint64_t listed;                     /* bit c: unbuddied[c] is not empty */
};

/* ---- chunks --------------------------------------------------------------- */

static unsigned page_objects(const struct z3fold_page *page)
{
    unsigned objects = 0;
    for (enum buddy buddy = FIRST; buddy < BUDDIES; buddy++)
        objects += page->chunks[buddy] != 0;
    return objects;
}

static uint32_t gap_before_middle(const struct z3fold_page *page)
{
    return page->chunks[FIRST] ? 0 : page->start_middle - (uint32_t)HEADER_CHUNKS;
}

static uint32_t gap_after_middle(const struct z3fold_page *page)
{
    return page->chunks[LAST] ? 0
                              : TOTAL_CHUNKS - page->start_middle - (uint32_t)page->chunks[MIDDLE];
}

/* num_free_chunks(): the largest object that still fits. */
static uint32_t page_free_chunks(const struct z3fold_page *page)
{
    if (!page->chunks[MIDDLE])
        return CHUNKS - page->chunks[FIRST] - (uint32_t)page->chunks[LAST];
    uint32_t before = gap_before_middle(page), after = gap_after_middle(page);
    return before > after ? before : after;
}

/* get_free_buddy(), for a page known to have room for the object. */
static enum buddy page_free_buddy(const struct z3fold_page *page, uint32_t chunks)
{
    if (page->chunks[MIDDLE])
        return chunks <= gap_before_middle(page) ? FIRST : LAST;
    if (!page->chunks[FIRST])
        return FIRST;
    return page->chunks[LAST] ? MIDDLE : LAST;
}

/* ---- pages ---------------------------------------------------------------- */

static void page_list(struct z3fold *z3fold, uint32_t index)
{
    struct z3fold_page *page = &z3fold->records[index];
    if (page_objects(page) == BUDDIES)
        return;
    uint32_t chunks = page_free_chunks(page);
    index_list_add_head(&z3fold->unbuddied[chunks], z3fold->records, sizeof(*page), index);
    z3fold->listed |= UINT64_C(1) << chunks;
    page->listed = true;
}

/* Before the page's chunks change: they say on which list it is. */
static void page_unlist(struct z3fold *z3fold, uint32_t index)
{
    struct z3fold_page *page = &z3fold->records[index];
    if (!page->listed)
        return;
    uint32_t chunks = page_free_chunks(page);
    index_list_remove(&z3fold->unbuddied[chunks], z3fold->records, sizeof(*page), index);
    if (!z3fold->unbuddied[chunks].head)
        z3fold->listed &= ~(UINT64_C(1) << chunks);
    page->listed = false;
}

static void record_room_grow(struct z3fold *z3fold)
{
    uint32_t room = z3fold->record_room = z3fold->record_room ? z3fold->record_room * 2 : 1024;
    z3fold->records =
        memory_resized(z3fold->records, room, sizeof(*z3fold->records), "z3fold pages");
    if (z3fold->evicts)
        z3fold->lru_links =
            memory_resized(z3fold->lru_links, room, sizeof(*z3fold->lru_links), "the z3fold LRU");
}

static uint32_t page_create(struct z3fold *z3fold)
{
    uint32_t index = z3fold->unused_record;
    if (index) {
        z3fold->unused_record = z3fold->records[index].link.next;
    } else {
        if (z3fold->record_count >= z3fold->record_room)
            record_room_grow(z3fold);
        index = z3fold->record_count++;
    }
    z3fold->records[index] = (struct z3fold_page){.link = {0, 0}};
    z3fold->pages++;
    if (z3fold->evicts)
        index_list_add_head(&z3fold->lru, z3fold->lru_links, sizeof(*z3fold->lru_links), index);
    return index;
}

/* Give an empty page back; it is on no unbuddied list any more, but on the LRU. */
static void page_destroy(struct z3fold *z3fold, uint32_t index)
{
    if (z3fold->evicts)
        index_list_remove(&z3fold->lru, z3fold->lru_links, sizeof(*z3fold->lru_links), index);
    z3fold->records[index].link.next = z3fold->unused_record;
    z3fold->unused_record = index;
    z3fold->pages--;
}

static void page_move_to_lru_head(struct z3fold *z3fold, uint32_t index)
{
    if (!z3fold->evicts || z3fold->lru.head == index)
        return;
    index_list_remove(&z3fold->lru, z3fold->lru_links, sizeof(*z3fold->lru_links), index);
    index_list_add_head(&z3fold->lru, z3fold->lru_links, sizeof(*z3fold->lru_links), index);
}

/* The most recent page of the tightest fit, off its list; 0: none. */
static uint32_t page_with_room(struct z3fold *z3fold, uint32_t chunks)
{
    uint64_t fitting = z3fold->listed >> chunks << chunks;
    if (!fitting)
        return 0;
    uint32_t index = z3fold->unbuddied[__builtin_ctzll(fitting)].head;
    page_unlist(z3fold, index);
    return index;
}

/* ---- objects -------------------------------------------------------------- */

static void handle_room_grow(struct z3fold *z3fold)
{
    uint32_t room = z3fold->handle_room = z3fold->handle_room ? z3fold->handle_room * 2 : 1024;
    z3fold->places = memory_resized(z3fold->places, room, sizeof(*z3fold->places), "handles");
    if (z3fold->evicts)
        z3fold->owners =
            memory_resized(z3fold->owners, room, sizeof(*z3fold->owners), "object owners");
}

static uint32_t handle_take(struct z3fold *z3fold, uint32_t owner)
{
    uint32_t handle = z3fold->unused_handle;
    if (handle) {
        z3fold->unused_handle = z3fold->places[handle];
    } else {
        if (z3fold->handle_count >= z3fold->handle_room)
            handle_room_grow(z3fold);
        handle = z3fold->handle_count++;
    }
    if (z3fold->evicts)
        z3fold->owners[handle] = owner;
    return handle;
}

/* Put an object into a free buddy of a page that is on no unbuddied list. */
static void object_place(struct z3fold *z3fold, uint32_t index, enum buddy buddy, uint32_t chunks,
                         uint32_t handle, bool foreign)
{
    struct z3fold_page *page = &z3fold->records[index];
    if (buddy == MIDDLE)
        page->start_middle = (uint8_t)(page->chunks[FIRST] + HEADER_CHUNKS);
    page->chunks[buddy] = (uint8_t)chunks;
    page->handles[buddy] = handle;
    page->foreign = (uint8_t)(page->foreign + foreign);
    z3fold->places[handle] =
        index << PLACE_PAGE_SHIFT | (foreign ? PLACE_FOREIGN : 0u) | (uint32_t)buddy;
}

static enum allocator_result z3fold_alloc(void *state, uint32_t size, uint32_t owner,
                                          uint32_t *handle)
{
    struct z3fold *z3fold = state;
    if (size == 0 || size > PAGE_BYTES)
        return ALLOCATOR_TOO_LARGE;
    uint32_t chunks = (size + CHUNK_BYTES - 1) / CHUNK_BYTES;
    bool headless = size > LARGEST_WITH_HEADER_BYTES;
    uint32_t index = headless ? 0 : page_with_room(z3fold, chunks);
    if (!index)
        index = page_create(z3fold);
    *handle = handle_take(z3fold, owner);
    z3fold->records[index].headless = headless;
    object_place(z3fold, index, page_free_buddy(&z3fold->records[index], chunks), chunks, *handle,
                 false);
    if (!headless)
        page_list(z3fold, index);
    page_move_to_lru_head(z3fold, index);
    return ALLOCATOR_OK;
}

static void object_remove(struct z3fold *z3fold, uint32_t place)
{
    struct z3fold_page *page = &z3fold->records[place >> PLACE_PAGE_SHIFT];
    page->chunks[place & PLACE_BUDDY] = 0;
    if (place & PLACE_FOREIGN)
        page->foreign--;
}

/* ---- compaction after a free ---------------------------------------------- */

/* compact_single_buddy(): the one object of the page moves into another page with
 * room for it, and the emptied page is given back. */
static bool page_empty_into_another(struct z3fold *z3fold, uint32_t index)
{
    struct z3fold_page *page = &z3fold->records[index];
    enum buddy buddy = page->chunks[FIRST] ? FIRST : page->chunks[MIDDLE] ? MIDDLE : LAST;
    uint32_t chunks = page->chunks[buddy], handle = page->handles[buddy];
    uint32_t target = page_with_room(z3fold, chunks);
    if (!target)
        return false;
    object_place(z3fold, target, page_free_buddy(&z3fold->records[target], chunks), chunks, handle,
                 true);
    page_list(z3fold, target);
    page_destroy(z3fold, index);
    return true;
}

static void middle_becomes_first(struct z3fold *z3fold, struct z3fold_page *page)
{
    page->chunks[FIRST] = page->chunks[MIDDLE];
    page->handles[FIRST] = page->handles[MIDDLE];
    page->chunks[MIDDLE] = 0;
    uint32_t *place = &z3fold->places[page->handles[FIRST]];
    *place = (*place & ~(uint32_t)PLACE_BUDDY) | FIRST;
}

/* z3fold_compact_page(): make one gap of two where it gains enough. */
static void page_move_middle(struct z3fold *z3fold, struct z3fold_page *page)
{
    if (!page->chunks[MIDDLE])
        return;
    if (!page->chunks[FIRST] && !page->chunks[LAST]) {
        middle_becomes_first(z3fold, page);
        return;
    }
    uint32_t behind_first = page->chunks[FIRST] + (uint32_t)HEADER_CHUNKS;
    uint32_t ahead_of_last = TOTAL_CHUNKS - page->chunks[LAST] - (uint32_t)page->chunks[MIDDLE];
    if (!page->chunks[LAST] && page->start_middle >= behind_first + WORTHWHILE_GAP_CHUNKS)
        page->start_middle = (uint8_t)behind_first;
    else if (!page->chunks[FIRST] &&
             ahead_of_last >= page->start_middle + (uint32_t)WORTHWHILE_GAP_CHUNKS)
        page->start_middle = (uint8_t)ahead_of_last;
}

/* do_compact_page() */
static void page_compact(struct z3fold *z3fold, uint32_t index)
{
    struct z3fold_page *page = &z3fold->records[index];
    if (!page->foreign && page_objects(page) == 1 && page_empty_into_another(z3fold, index))
        return;
    page_move_middle(z3fold, page);
    page_list(z3fold, index);
}

static void z3fold_free(void *state, uint32_t handle)
{
    struct z3fold *z3fold = state;
    uint32_t place = z3fold->places[handle], index = place >> PLACE_PAGE_SHIFT;
    z3fold->places[handle] = z3fold->unused_handle;
    z3fold->unused_handle = handle;
    if (z3fold->records[index].claimed) { /* z3fold_shrink() decides what becomes of the page */
        object_remove(z3fold, place);
        return;
    }
    page_unlist(z3fold, index);
    object_remove(z3fold, place);
    if (page_objects(&z3fold->records[index]))
        page_compact(z3fold, index);
    else
        page_destroy(z3fold, index);
}

static uint64_t z3fold_total_pages(const void *state)
{
    return ((const struct z3fold *)state)->pages;
}

/* ---- writeback (up to 6.4) ------------------------------------------------ */

/* Middle, first, last, up to the first that stays.  The callback may allocate and
 * free in other pages, so that only the index stays valid over it. */
static void page_evict_objects(struct z3fold *z3fold, uint32_t index, allocator_evict_object evict,
                               void *context)
{
    static const enum buddy order[BUDDIES] = {MIDDLE, FIRST, LAST};
    for (unsigned turn = 0; turn < BUDDIES; turn++) {
        const struct z3fold_page *page = &z3fold->records[index];
        if (!page->chunks[order[turn]])
            continue;
        uint32_t handle = page->handles[order[turn]];
        if (!evict(context, z3fold->owners[handle], handle))
            return;
    }
}

static bool page_reclaim(struct z3fold *z3fold, uint32_t index, allocator_evict_object evict,
                         void *context)
{
    size_t stride = sizeof(*z3fold->lru_links);
    index_list_remove(&z3fold->lru, z3fold->lru_links, stride, index);
    page_unlist(z3fold, index);
    z3fold->records[index].claimed = true;

    page_evict_objects(z3fold, index, evict, context);

    z3fold->records[index].claimed = false;
    index_list_add_head(&z3fold->lru, z3fold->lru_links, stride, index);
    if (!page_objects(&z3fold->records[index])) {
        page_destroy(z3fold, index);
        return true;
    }
    if (!z3fold->records[index].headless)
        page_list(z3fold, index);
    return false;
}

/* The oldest page without foreign objects; 0: none. */
static uint32_t oldest_evictable(const struct z3fold *z3fold)
{
    uint32_t index = z3fold->lru.tail;
    while (index && z3fold->records[index].foreign)
        index = z3fold->lru_links[index].previous;
    return index;
}

static enum allocator_shrink_result z3fold_shrink(void *state, allocator_evict_object evict,
                                                  void *context)
{
    struct z3fold *z3fold = state;
    if (!z3fold->evicts)
        return ALLOCATOR_CANNOT_SHRINK;
    for (int victim = 0; victim < SHRINK_VICTIMS; victim++) {
        if (!z3fold->lru.tail)
            return ALLOCATOR_CANNOT_SHRINK;
        uint32_t index = oldest_evictable(z3fold);
        if (!index)
            break;
        if (page_reclaim(z3fold, index, evict, context))
            return ALLOCATOR_SHRUNK;
    }
    return ALLOCATOR_NOTHING_FREED;
}

/* ---- the books ------------------------------------------------------------ */

/* What check() counts on its own, to compare with what the instance keeps. */
struct audit {
    bool *unused_page;   /* [page] */
    bool *unused_handle; /* [handle] */
    size_t listed, on_lru, objects;
};

static const char *audit_object(const struct z3fold *z3fold, const struct audit *audit,
                                uint32_t index, enum buddy buddy)
{
    uint32_t handle = z3fold->records[index].handles[buddy];
    if (handle == 0 || handle >= z3fold->handle_count || audit->unused_handle[handle])
        return "z3fold: a page holds an object that does not exist";
    uint32_t place = z3fold->places[handle];
    if (place >> PLACE_PAGE_SHIFT != index || (place & PLACE_BUDDY) != (uint32_t)buddy)
        return "z3fold: a handle does not lead to its object";
    return NULL;
}

static const char *audit_chunks(const struct z3fold_page *page)
{
    if (page->headless)
        return page_objects(page) == 1 && page->chunks[FIRST]
                   ? NULL
                   : "z3fold: a headless page does not hold one object";
    if (page->chunks[FIRST] + page->chunks[MIDDLE] + page->chunks[LAST] > CHUNKS)
        return "z3fold: a page holds more chunks than it has";
    if (page->chunks[MIDDLE] &&
        (page->start_middle < page->chunks[FIRST] + HEADER_CHUNKS ||
         page->start_middle + page->chunks[MIDDLE] + page->chunks[LAST] > TOTAL_CHUNKS))
        return "z3fold: a middle object overlaps a neighbour";
    return NULL;
}

static const char *audit_page(const struct z3fold *z3fold, struct audit *audit, uint32_t index)
{
    const struct z3fold_page *page = &z3fold->records[index];
    if (page->claimed)
        return page->listed ? "z3fold: a page under reclaim is on an unbuddied list" : NULL;
    audit->on_lru++;
    audit->listed += page->listed;
    if (!page_objects(page))
        return "z3fold: an empty page was kept";
    if (page->listed != (!page->headless && page_objects(page) < BUDDIES))
        return "z3fold: a page is listed though full or headless, or is not though it has room";
    return audit_chunks(page);
}

static const char *audit_pages(const struct z3fold *z3fold, struct audit *audit)
{
    uint64_t pages = 0;
    for (uint32_t index = 1; index < z3fold->record_count; index++) {
        const struct z3fold_page *page = &z3fold->records[index];
        unsigned foreign = 0;
        if (audit->unused_page[index])
            continue;
        pages++;
        audit->objects += page_objects(page);
        const char *wrong = audit_page(z3fold, audit, index);
        for (enum buddy buddy = FIRST; buddy < BUDDIES && !wrong; buddy++) {
            if (!page->chunks[buddy])
                continue;
            wrong = audit_object(z3fold, audit, index, buddy);
            if (!wrong)
                foreign += !!(z3fold->places[page->handles[buddy]] & PLACE_FOREIGN);
        }
        if (!wrong && foreign != page->foreign)
            wrong = "z3fold: a page miscounts its foreign objects";
        if (wrong)
            return wrong;
    }
    return pages == z3fold->pages ? NULL : "z3fold: the pool miscounts its pages";
}

static const char *audit_lists(const struct z3fold *z3fold, const struct audit *audit)
{
    size_t found = 0, live_handles = 0;
    for (uint32_t chunks = 0; chunks < CHUNKS; chunks++) {
        const struct index_list *list = &z3fold->unbuddied[chunks];
        size_t length = index_list_verified_length(list, z3fold->records, sizeof(*z3fold->records),
                                                   z3fold->record_count);
        if (length == SIZE_MAX)
            return "z3fold: an unbuddied list is torn";
        if ((z3fold->listed >> chunks & 1) != (length != 0))
            return "z3fold: the mark of an unbuddied list is wrong";
        for (uint32_t index = list->head; index; index = z3fold->records[index].link.next)
            if (page_free_chunks(&z3fold->records[index]) != chunks)
                return "z3fold: a page is on the wrong unbuddied list";
        found += length;
    }
    if (found != audit->listed)
        return "z3fold: a page with room is on no unbuddied list";
    for (uint32_t handle = 1; handle < z3fold->handle_count; handle++)
        live_handles += !audit->unused_handle[handle];
    if (live_handles != audit->objects)
        return "z3fold: there are not as many handles as objects";
    if (z3fold->evicts &&
        index_list_verified_length(&z3fold->lru, z3fold->lru_links, sizeof(*z3fold->lru_links),
                                   z3fold->record_count) != audit->on_lru)
        return "z3fold: the LRU does not hold every page once";
    return NULL;
}

static const char *z3fold_check(const void *state)
{
    const struct z3fold *z3fold = state;
    struct audit audit = {
        .unused_page = memory_zeroed(z3fold->record_count, sizeof(bool), "z3fold page marks"),
        .unused_handle = memory_zeroed(z3fold->handle_count, sizeof(bool), "z3fold handle marks"),
    };
    for (uint32_t index = z3fold->unused_record; index && !audit.unused_page[index];
         index = z3fold->records[index].link.next)
        audit.unused_page[index] = true;
    for (uint32_t handle = z3fold->unused_handle; handle && !audit.unused_handle[handle];
         handle = z3fold->places[handle])
        audit.unused_handle[handle] = true;
    const char *wrong = audit_pages(z3fold, &audit);
    if (!wrong)
        wrong = audit_lists(z3fold, &audit);
    free(audit.unused_page);
    free(audit.unused_handle);
    return wrong;
}

/* ---- the instance --------------------------------------------------------- */

static void *z3fold_create(const struct allocator_setup *setup)
{
    struct z3fold *z3fold = memory_zeroed(1, sizeof(*z3fold), "a z3fold pool");
    z3fold->evicts = setup->evicts;
    z3fold->record_count = z3fold->handle_count = 1;
    return z3fold;
}

static void z3fold_destroy(void *state)
{
    struct z3fold *z3fold = state;
    if (!z3fold)
        return;
    free(z3fold->records);
    free(z3fold->lru_links);
    free(z3fold->places);
    free(z3fold->owners);
    free(z3fold);
}

static const struct allocator_hooks z3fold_hooks = {
    .create = z3fold_create,
    .destroy = z3fold_destroy,
    .alloc = z3fold_alloc,
    .free = z3fold_free,
    .total_pages = z3fold_total_pages,
    .shrink = z3fold_shrink,
    .check = z3fold_check,
};

const struct policy z3fold_policy = {
    .name = "z3fold",
    .summary = "three objects a page: at best 3:1, and lone objects move together",
    .source = "mm/z3fold.c, Linux 6.1 to 6.14",
    .params = NO_PARAMS,
    .hooks = &z3fold_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

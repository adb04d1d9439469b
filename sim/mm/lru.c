#include "sim/mm/lru.h"

#include <stdlib.h>
#include <string.h>

#include "policies/reclaim/reclaim.h"
#include "sim/base/memory.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim_walk.h"

/* How many pages of a cgroup are asked for before reclaim comes to it. */
enum { VICTIMS_OF_WALK = 2 };

void lru_init(struct mm *mm)
{
    mm->coming_page = NO_PAGE;
    mm->batches = memory_zeroed(mm->topology.cpus, sizeof(*mm->batches), "the LRU batches");
    mm->activations = memory_zeroed(mm->topology.cpus, sizeof(*mm->activations), "the LRU batches");
    mm->lock_released_ns =
        memory_zeroed(mm->topology.cpus, sizeof(*mm->lock_released_ns), "the ends of locks");
}

void lru_release(struct mm *mm)
{
    free(mm->batches);
    free(mm->activations);
    free(mm->rotations);
    free(mm->lock_released_ns);
}

void lru_lock_shared(struct mm *mm, struct exec *exec, struct lruvec *lruvec, uint32_t pages)
{
    spend_lock_wait(mm, exec, TIME_lruvec_lock_wait, LOCK_lruvec,
                    lock_of(&lruvec->lock, 0, &mm->events->settled_ns),
                    pages * mm->costs->ns[COST_lru_lock_hold]);
}

/* ---- rings ------------------------------------------------------------------- */

void lru_list_begin_ring(struct lru_list *list, uint32_t page)
{
    list->ring = memory_zeroed(1, sizeof(*list->ring), "an LRU list");
    list->ring->asked = LRU_STRIDE;
    list->ring->recent[list->ring->added++] = page;
}

/* Whatever is read and written of a list with a ring is so once, each link, too: 28 instructions a
 * page in place of 46. */
void lru_list_add_pages(struct page_cold *cold, struct lru_list *list, const uint32_t *pages,
                        uint32_t n)
{
    struct lru_ring *ring = list->ring;
    uint32_t i = 0;
    while (i < n && (!ring || list->count < LRU_STRIDE)) {
        lru_list_add_head(cold, list, pages[i++]);
        ring = list->ring;
    }
    if (i == n)
        return;
    uint32_t added = ring->added, next = list->head;
    list->count += n - i;
    for (; i < n; i++, added++) {
        uint32_t page = pages[i], *recent = &ring->recent[added % LRU_STRIDE];
        cold[page].lru.next = next;
        cold[next].lru.previous = page;
        if (added >= LRU_STRIDE && !(cold[*recent].bits & PAGE_IN_ZSWAP))
            cold[*recent].later = page;
        *recent = next = page;
    }
    cold[next].lru.previous = NO_PAGE;
    list->head = next;
    ring->added = added;
}

void lru_list_release(struct lru_list *list)
{
    free(list->ring);
    list->ring = NULL;
}

/* ---- the host's caches ------------------------------------------------------- */

/* Found without the cgroup's record, which is not there yet. */
static const struct lruvec *lruvec_of(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const char *first = (const char *)mm->memcgs[0].lruvecs;
    return (const struct lruvec *)(first + memcg * mm->lruvec_stride) + node;
}

PREFETCHING void prefetch_victim(const struct mm *mm, uint32_t page)
{
    page_prefetch(mm->cold, page);
    __builtin_prefetch(&mm->hot[page], 1);
    if (memcgs_are_many(mm)) /* whose spaces are many, too */
        __builtin_prefetch(&mm->spaces[mm->chunks[page >> mm->chunk_shift].space]);
}

void lru_prefetch_lists(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct lruvec *lruvec = lruvec_of(mm, memcg, node);
    __builtin_prefetch(lruvec, 1);
    if (!mm->one_at_a_time)
        __builtin_prefetch(&lruvec->lock, 1);
}

void lru_prefetch_clock(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    __builtin_prefetch(&lruvec_of(mm, memcg, node)->nonresident_age, 1);
}

/* What adding a page to a list reads and writes. */
PREFETCHING void prefetch_head(const struct mm *mm, const struct lru_list *list)
{
    const struct lru_ring *ring = lru_list_ring(list);
    if (list->head != NO_PAGE)
        page_prefetch(mm->cold, list->head);
    if (ring)
        __builtin_prefetch(&ring->recent[ring->added % LRU_STRIDE], 1);
}

void lru_prefetch_ends(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct lruvec *lruvec = lruvec_of(mm, memcg, node);
    if (!mm->one_at_a_time) {
        __builtin_prefetch(lruvec->lock, 1);
        __builtin_prefetch((const char *)lruvec->lock + HOST_LINE, 1);
    }
    const struct lru_list *inactive = &lruvec->lists[LRU_INACTIVE_ANON];
    const struct lru_ring *ring = lru_list_ring(inactive);
    prefetch_head(mm, inactive);
    if (ring)
        __builtin_prefetch(&ring->coming[ring->taken % LRU_STRIDE], 1);
    if (inactive->tail != NO_PAGE)
        prefetch_victim(mm, inactive->tail);
}

/* False: all that is known of the list has been asked for. */
static inline bool prefetch_next(const struct mm *mm, struct lru_ring *ring)
{
    if (ring->asked - ring->taken >= LRU_STRIDE)
        return false;
    prefetch_victim(mm, ring->coming[ring->asked++ % LRU_STRIDE]);
    return true;
}

/* What writing them out will read, of those that have not been accessed.  The others stay, more
 * than half of all; for each a page of the next batch is asked for, as for each that is evicted:
 * where long runs of pages stay, nothing else asks for them in time (5 to 9 % of the time). */
void lru_prefetch_writes(const struct mm *mm, const uint32_t *pages, uint32_t n)
{
    const uint8_t *hot = mm->hot;
    struct lru_ring *ring = mm->coming[0];
    for (uint32_t i = 0; i < n; i++) {
        bool stays = (~hot[pages[i]] & (HOT_MAPPED | HOT_ACCESSED)) == 0;
        if (!stays && mm->swap_hooks.prefetch)
            mm->swap_hooks.prefetch(mm->swap, pages[i]);
        if (stays && ring)
            prefetch_next(mm, ring);
    }
}

/* What adding a page to the list will read of the one LRU_STRIDE pages before. */
PREFETCHING void prefetch_recent(const struct mm *mm, const struct lru_list *list)
{
    const struct lru_ring *ring = lru_list_ring(list);
    if (ring)
        page_prefetch(mm->cold, ring->recent[ring->added % LRU_STRIDE]);
}

void lru_prefetch_victims(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct lru_list *inactive = &lruvec_of(mm, memcg, node)->lists[LRU_INACTIVE_ANON];
    const struct lru_ring *ring = lru_list_ring(inactive);
    prefetch_recent(mm, inactive);
    for (uint32_t i = 0; ring && i < VICTIMS_OF_WALK; i++)
        prefetch_victim(mm, ring->coming[(ring->taken + i) % LRU_STRIDE]);
    /* Of a short list the last page is known, and by now its neighbour. */
    if (!ring && inactive->tail != NO_PAGE && mm->cold[inactive->tail].lru.previous != NO_PAGE)
        prefetch_victim(mm, mm->cold[inactive->tail].lru.previous);
}

/* folio_batch_move_lru: the lock is kept while the next page is of the same lruvec.  Where the
 * pages end that are of the lruvec of the one at `first`. */
static uint32_t end_of_run(const struct mm *mm, const struct lru_batch *batch, uint32_t first)
{
    uint32_t memcg = page_memcg(mm, batch->pages[first]);
    uint32_t node = page_node(mm, batch->pages[first]), end = first + 1;
    while (end < batch->count && page_memcg(mm, batch->pages[end]) == memcg &&
           page_node(mm, batch->pages[end]) == node)
        end++;
    return end;
}

static void lock_for_batch(struct mm *mm, struct exec *exec, const struct lru_batch *batch)
{
    for (uint32_t i = 0, end; i < batch->count; i = end) {
        end = end_of_run(mm, batch, i);
        lru_lock(mm, exec, page_lruvec(mm, batch->pages[i]), end - i);
    }
}

/* Pages from `first` on, as far as they are of the lruvec of the first.  Returns where they end.
 * (One loop: it ends where nobody can foretell it, two cost 0.3 wrong guesses more a fault.) */
static inline uint32_t move_run(struct mm *mm, const struct lru_batch *batch, uint32_t first)
{
    uint32_t memcg = page_memcg(mm, batch->pages[first]), i = first;
    uint32_t node = page_node(mm, batch->pages[first]);
    struct lruvec *lruvec = &mm->memcgs[memcg].lruvecs[node];
    do {
        uint32_t page = batch->pages[i], *bits = &mm->cold[page].bits;
        *bits = (*bits & ~(uint32_t)PAGE_IN_BATCH) | PAGE_ON_LRU;
        mm->reclaim->add(mm, lruvec, page);
    } while (++i < batch->count && page_memcg(mm, batch->pages[i]) == memcg &&
             page_node(mm, batch->pages[i]) == node);
    reclaim_walk_note(mm, memcg, node);
    return i;
}

/* `exec` NULL: nobody's time. */
static inline void move_added(struct mm *mm, struct exec *exec, uint32_t cpu)
{
    struct lru_batch *batch = &mm->batches[cpu];
    for (uint32_t i = 0, end; i < batch->count; i = end) {
        uint32_t first = batch->pages[i];
        end = move_run(mm, batch, i);
        if (exec)
            lru_lock(mm, exec, page_lruvec(mm, first), end - i);
    }
    batch->count = 0;
}

bool lru_batch_has(const struct lru_batch *batch, uint32_t page)
{
    for (uint32_t i = 0; i < batch->count; i++)
        if (batch->pages[i] == page)
            return true;
    return false;
}

/* False: it does not have the page. */
static bool take_from_batch(struct lru_batch *batch, uint32_t page)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->pages[i] != page)
            continue;
        batch->count--;
        for (; i < batch->count; i++)
            batch->pages[i] = batch->pages[i + 1];
        return true;
    }
    return false;
}

/* lru_activate, for what is still on a list. */
static void move_activated(struct mm *mm, uint32_t cpu)
{
    struct lru_batch *batch = &mm->activations[cpu];
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t page = batch->pages[i];
        uint32_t *bits = &mm->cold[page].bits;
        if (!(*bits & PAGE_ON_LRU) || (*bits & PAGE_ACTIVE))
            continue;
        struct lruvec *lruvec = page_lruvec(mm, page);
        mm->reclaim->remove(mm, lruvec, page);
        *bits |= PAGE_ACTIVE;
        mm->reclaim->add(mm, lruvec, page);
        reclaim_walk_note(mm, page_memcg(mm, page), page_node(mm, page));
        count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_pgactivate, 1);
    }
    batch->count = 0;
}

static void drain_activated(struct mm *mm, struct exec *exec)
{
    if (!mm->activations[exec->cpu].count)
        return;
    lock_for_batch(mm, exec, &mm->activations[exec->cpu]);
    move_activated(mm, exec->cpu);
}

/* lru_move_tail */
static void rotate(struct mm *mm, uint32_t page)
{
    mm->reclaim->rotate(mm, page_lruvec(mm, page), page);
    reclaim_walk_note(mm, page_memcg(mm, page), page_node(mm, page));
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_pgrotated, 1);
}

/* What is still on a list. */
static void move_rotated(struct mm *mm, struct lru_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        if (mm->cold[batch->pages[i]].bits & PAGE_ON_LRU)
            rotate(mm, batch->pages[i]);
    mm->rotating -= batch->count;
    batch->count = 0;
}

/* NULL: it takes no interrupts, or there is no one processor that does (NO_CPU). */
static struct lru_batch *rotations_of(const struct mm *mm, uint32_t cpu)
{
    for (uint32_t i = 0; i < mm->rotation_count; i++)
        if (mm->rotations[i].cpu == cpu)
            return &mm->rotations[i].batch;
    return NULL;
}

static void drain_rotated(struct mm *mm, struct exec *exec)
{
    struct lru_batch *batch = rotations_of(mm, exec->cpu);
    if (!batch || !batch->count)
        return;
    lock_for_batch(mm, exec, batch);
    move_rotated(mm, batch);
}

void lru_drain_batches(struct mm *mm, struct exec *exec)
{
    move_added(mm, exec, exec->cpu);
    if (mm->rotating)
        drain_rotated(mm, exec);
    drain_activated(mm, exec);
}

bool lru_has_batch(const struct mm *mm, uint32_t cpu)
{
    const struct lru_batch *rotations = rotations_of(mm, cpu);
    return mm->batches[cpu].count || mm->activations[cpu].count || (rotations && rotations->count);
}

void lru_add_drain_all(struct mm *mm)
{
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++) {
        move_added(mm, NULL, cpu);
        move_activated(mm, cpu);
    }
    for (uint32_t i = 0; i < mm->rotation_count; i++)
        move_rotated(mm, &mm->rotations[i].batch);
}

void lru_activate(struct mm *mm, struct exec *exec, uint32_t page)
{
    struct lru_batch *batch = &mm->activations[exec->cpu];
    batch->pages[batch->count++] = page;
    if (batch->count >= mm->config->vm.lru_add_batch)
        drain_activated(mm, exec);
}

bool lru_is_in_rotations(const struct mm *mm, uint32_t page)
{
    for (uint32_t i = 0; i < mm->rotation_count; i++)
        if (lru_batch_has(&mm->rotations[i].batch, page))
            return true;
    return false;
}

static const struct lru_list *list_to_be(struct mm *mm, uint32_t page)
{
    enum lru list = mm->cold[page].bits & PAGE_ACTIVE ? LRU_ACTIVE_ANON : LRU_INACTIVE_ANON;
    return &page_lruvec(mm, page)->lists[list];
}

void lru_add(struct mm *mm, struct exec *exec, uint32_t page)
{
    struct lru_batch *batch = &mm->batches[exec->cpu];
    if (mm->reclaim->enter)
        mm->reclaim->enter(mm, exec, page);
    if (memcgs_are_many(mm)) {
        uint32_t before = batch->count ? batch->pages[batch->count - 1] : page;
        prefetch_head(mm, list_to_be(mm, page));
        prefetch_recent(mm, list_to_be(mm, before));
    }
    batch->pages[batch->count++] = page;
    mm->cold[page].bits |= PAGE_IN_BATCH;
    if (batch->count >= mm->config->vm.lru_add_batch)
        move_added(mm, exec, exec->cpu);
    lru_prefetch(mm); /* last: what calls nothing before saves no registers */
}

/* The batch is not recorded in the page: freeing a page this young is rare. */
static void remove_from_batch(struct mm *mm, uint32_t page)
{
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++)
        if (take_from_batch(&mm->batches[cpu], page)) {
            mm->cold[page].bits &= ~(uint32_t)PAGE_IN_BATCH;
            return;
        }
}

static void remove_from_rotations(struct mm *mm, uint32_t page)
{
    for (uint32_t i = 0; i < mm->rotation_count; i++)
        if (take_from_batch(&mm->rotations[i].batch, page)) {
            mm->rotating--;
            return;
        }
}

void lru_remove(struct mm *mm, uint32_t page)
{
    if (mm->cold[page].bits & PAGE_IN_BATCH)
        remove_from_batch(mm, page);
    if (mm->rotating)
        remove_from_rotations(mm, page);
    if (mm->cold[page].bits & PAGE_ON_LRU) {
        mm->reclaim->remove(mm, page_lruvec(mm, page), page);
        mm->cold[page].bits &= ~(uint32_t)PAGE_ON_LRU;
    }
}

void lru_take_interrupts(struct mm *mm, uint32_t cpu)
{
    if (rotations_of(mm, cpu))
        return;
    mm->rotations = memory_resized(mm->rotations, mm->rotation_count + 1, sizeof(*mm->rotations),
                                   "the LRU batches");
    mm->rotations[mm->rotation_count++] = (struct lru_rotations){.cpu = cpu};
}

void lru_rotate_reclaimable(struct mm *mm, uint32_t cpu, uint32_t page)
{
    if (!(mm->cold[page].bits & PAGE_ON_LRU))
        return;
    struct lru_batch *batch = rotations_of(mm, cpu);
    if (!batch) {
        rotate(mm, page);
        return;
    }
    batch->pages[batch->count++] = page;
    mm->rotating++;
    if (batch->count >= mm->config->vm.lru_add_batch)
        move_rotated(mm, batch);
}

void lru_prefetch_next_of_short_list(struct mm *mm)
{
    const struct page_cold *tail = &mm->cold[mm->coming_page],
                           *head = &mm->cold[mm->coming_from_head];
    uint32_t before = tail->bits & PAGE_ON_LRU ? tail->lru.previous : NO_PAGE;
    uint32_t after = head->bits & PAGE_ON_LRU ? head->lru.next : NO_PAGE;
    bool met = mm->coming_page == mm->coming_from_head || before == mm->coming_from_head ||
               after == NO_PAGE;
    mm->coming_page = met ? NO_PAGE : before;
    mm->coming_from_head = after;
    if (mm->coming_page == NO_PAGE)
        return;
    prefetch_victim(mm, before);
    prefetch_victim(mm, after);
}

/* The pages of a small space have their records side by side: all can be asked for at once, without
 * following links that are not there yet (with limits of 25 pages 2 % of the time).  False: the
 * list's pages are further apart. */
static bool prefetch_small_space(const struct mm *mm, const struct lru_list *list)
{
    uint32_t chunk = list->tail >> mm->chunk_shift;
    if (mm->chunk_shift > CHUNK_SHIFT || list->head >> mm->chunk_shift != chunk)
        return false;
    const char *record = (const char *)&mm->cold[chunk << mm->chunk_shift];
    const char *end = (const char *)&mm->cold[(chunk + 1) << mm->chunk_shift];
    for (; record < end; record += HOST_LINE)
        __builtin_prefetch(record, 1);
    return true;
}

void lru_begin_short_list(struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct lru_list *inactive = &lruvec_of(mm, memcg, node)->lists[LRU_INACTIVE_ANON];
    if (mm->coming_page != NO_PAGE || lru_list_ring(inactive))
        return;
    if (inactive->tail == NO_PAGE || prefetch_small_space(mm, inactive))
        return;
    mm->coming_page = inactive->tail;
    mm->coming_from_head = inactive->head;
}

void lru_prefetch(struct mm *mm)
{
    struct lru_ring *last = mm->coming[0], *before = mm->coming[1];
    if (!last) {
        lru_prefetch_short_list(mm);
        return;
    }
    /* Two: for each fault two or three are looked at. */
    if (!before || !prefetch_next(mm, before))
        prefetch_next(mm, last);
    prefetch_next(mm, last);
}

/* What is about to be taken: better all at once now than one by one.  After others' turns
 * only what a walk has just asked for is still there. */
static void prefetch_batch(const struct mm *mm, struct lru_ring *ring, uint32_t n)
{
    if (mm->coming[0] != ring && mm->coming[1] != ring) {
        ring->asked = ring->taken + (memcgs_are_many(mm) ? VICTIMS_OF_WALK : 0);
        /* Each that is put back reads the one added a batch before. */
        for (uint32_t i = 0; i < n; i++)
            page_prefetch(mm->cold, ring->recent[(ring->added + i) % LRU_STRIDE]);
    }
    for (; ring->asked - ring->taken < n; ring->asked++)
        prefetch_victim(mm, ring->coming[ring->asked % LRU_STRIDE]);
}

/* Reclaim takes from the inactive list and from the active one in turn: both are asked for.  (When
 * it was the last one alone, the other's next pages came too late: 1 to 5 % more time.) */
static void expect(struct mm *mm, struct lru_ring *ring)
{
    if (mm->coming[0] == ring)
        return;
    mm->coming[1] = mm->coming[0];
    mm->coming[0] = ring;
}

/* Are the last n pages of a list those that were foretold?  They nearly always are.  All links can
 * be read at once to see it; from the tail on, each waits for the one before it, 24 ns a page with
 * 4 million pages (7 % of the time). */
static bool is_foretold(const struct page_cold *cold, const struct lru_list *list, uint32_t n,
                        uint32_t *pages)
{
    const struct lru_ring *ring = list->ring;
    uint32_t from = ring->taken % LRU_STRIDE, whole = LRU_STRIDE - from;
    if (whole > n)
        whole = n;
    memcpy(pages, ring->coming + from, whole * sizeof(*pages));
    memcpy(pages + whole, ring->coming, (n - whole) * sizeof(*pages));
    uint32_t wrong = pages[0] ^ list->tail;
    for (uint32_t i = 0; i + 1 < n; i++)
        wrong |= cold[pages[i]].lru.previous ^ pages[i + 1];
    return !wrong;
}

/* The last pages of a list, at most n.  Returns how many. */
static uint32_t find_last(const struct page_cold *cold, const struct lru_list *list, uint32_t n,
                          uint32_t *pages)
{
    uint32_t count = 0;
    for (uint32_t page = list->tail; count < n && page != NO_PAGE; page = cold[page].lru.previous)
        pages[count++] = page;
    return count;
}

/* The last page of a short list. */
static uint32_t isolate_last(struct mm *mm, struct lru_list *list, uint32_t *pages)
{
    uint32_t page = list->tail;
    if (page == NO_PAGE)
        return 0;
    lru_list_remove(mm->cold, list, page);
    mm->cold[page].bits &= ~(uint32_t)PAGE_ON_LRU;
    *pages = page;
    expect(mm, NULL);
    return 1;
}

static uint32_t isolate(struct mm *mm, struct lru_list *list, uint32_t n, uint32_t *pages)
{
    struct lru_ring *ring = lru_list_ring(list);
    struct page_cold *const cold = mm->cold;
    uint32_t taken = n;
    if (ring)
        prefetch_batch(mm, ring, n);
    if (!ring || !is_foretold(cold, list, n, pages))
        taken = find_last(cold, list, n, pages);
    /* Cut off at once: neighbours that go as well need no new links. */
    for (uint32_t i = 0; i < taken; i++) {
        uint32_t page = pages[i], bits = cold[page].bits;
        if (ring)
            ring->coming[(ring->taken + i) % LRU_STRIDE] =
                bits & PAGE_IN_ZSWAP ? page : cold[page].later;
        cold[page].bits = bits & ~(uint32_t)PAGE_ON_LRU;
    }
    uint32_t page = cold[pages[taken - 1]].lru.previous;
    list->tail = page;
    if (page != NO_PAGE)
        mm->cold[page].lru.next = NO_PAGE;
    else
        list->head = NO_PAGE;
    list->count -= taken;
    if (ring)
        ring->taken += taken;
    expect(mm, lru_list_ring(list));
    if (taken > 1 && !ring && mm->coming_page == NO_PAGE) { /* one page at a time: a walk */
        mm->coming_page = page;
        mm->coming_from_head = list->head;
    }
    return taken;
}

/* (Of thousands of cgroups most are visited for a page: 30 instructions in place of 80.) */
uint32_t lru_isolate(struct mm *mm, struct lru_list *list, uint32_t n, uint32_t *pages)
{
    if ((n == 1 && list->count <= LRU_STRIDE) || list->tail == NO_PAGE)
        return isolate_last(mm, list, pages);
    return isolate(mm, list, n, pages);
}

void lru_sizes(const struct mm *mm, const struct lruvec *lruvec, uint64_t sizes[LRU_LISTS])
{
    if (mm->reclaim->sizes) {
        mm->reclaim->sizes(mm, lruvec, sizes);
        return;
    }
    for (unsigned list = 0; list < LRU_LISTS; list++)
        sizes[list] = lruvec->lists[list].count;
}

void lru_reparent(struct mm *mm, uint32_t memcg, uint32_t parent, uint32_t node)
{
    struct lruvec *from = &mm->memcgs[memcg].lruvecs[node];
    struct lruvec *to = &mm->memcgs[parent].lruvecs[node];
    mm->reclaim->reparent(mm, from, to);
    reclaim_walk_note(mm, parent, node);
    reclaim_walk_note_seen(mm, memcg, node);
}

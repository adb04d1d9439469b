#include "sim/mm/lru.h"

#include <stdlib.h>

#include "policies/reclaim/reclaim.h"
#include "sim/base/memory.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim_walk.h"

void lru_init(struct mm *mm)
{
    mm->batches = memory_zeroed(mm->topology.cpus, sizeof(*mm->batches), "the LRU batches");
    mm->lock_released_ns =
        memory_zeroed(mm->topology.cpus, sizeof(*mm->lock_released_ns), "the ends of locks");
}

void lru_release(struct mm *mm)
{
    free(mm->batches);
    free(mm->lock_released_ns);
}

void lru_lock(struct mm *mm, struct exec *exec, struct lruvec *lruvec, uint32_t pages)
{
    spend_lock_wait(mm, exec, TIME_lruvec_lock_wait, LOCK_lruvec,
                    lock_of(&lruvec->lock, 0, &mm->events->settled_ns),
                    pages * mm->costs->ns[COST_lru_lock_hold]);
}

/* Found without the cgroup's record, which is not there yet. */
static const struct lruvec *lruvec_of(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    return &mm->memcgs[0].lruvecs[(size_t)memcg * mm->node_count + node];
}

void lru_prefetch_lists(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct lruvec *lruvec = lruvec_of(mm, memcg, node);
    __builtin_prefetch(&lruvec->lists[LRU_INACTIVE_ANON], 1);
    __builtin_prefetch(&lruvec->lists[LRU_ACTIVE_ANON], 1);
    __builtin_prefetch(&lruvec->nonresident_age, 1);
    __builtin_prefetch(&lruvec->lock, 1);
}

void lru_prefetch_ends(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct lruvec *lruvec = lruvec_of(mm, memcg, node);
    __builtin_prefetch(lruvec->lock, 1);
    __builtin_prefetch((const char *)lruvec->lock + 64, 1);
    for (unsigned list = 0; list < LRU_LISTS; list++) {
        const struct lru_list *at = &lruvec->lists[list];
        if (at->head == NO_PAGE)
            continue;
        page_prefetch(mm->cold, at->head);
        __builtin_prefetch(&at->recent[at->added % LRU_STRIDE], 1);
    }
    if (lruvec->lists[LRU_INACTIVE_ANON].tail != NO_PAGE) {
        page_prefetch(mm->cold, lruvec->lists[LRU_INACTIVE_ANON].tail);
        __builtin_prefetch(&mm->hot[lruvec->lists[LRU_INACTIVE_ANON].tail], 1);
    }
}

void lru_prefetch_victims(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct lru_list *inactive = &lruvec_of(mm, memcg, node)->lists[LRU_INACTIVE_ANON];
    uint32_t page = inactive->tail;
    if (page == NO_PAGE)
        return;
    if (mm->swap_hooks.prefetch)
        mm->swap_hooks.prefetch(mm->swap, page);
    page_prefetch(mm->cold, inactive->recent[inactive->added % LRU_STRIDE]);
    page = mm->cold[page].lru.previous;
    if (page != NO_PAGE) {
        page_prefetch(mm->cold, page);
        __builtin_prefetch(&mm->hot[page], 1);
    }
}

/* folio_batch_move_lru: the lock is kept while the next page is of the same lruvec. */
static void lock_for_batch(struct mm *mm, struct exec *exec)
{
    const struct lru_batch *batch = &mm->batches[exec->cpu];
    for (uint32_t i = 0, next; i < batch->count; i = next) {
        struct lruvec *lruvec = page_lruvec(mm, batch->pages[i]);
        for (next = i + 1; next < batch->count; next++)
            if (page_lruvec(mm, batch->pages[next]) != lruvec)
                break;
        lru_lock(mm, exec, lruvec, next - i);
    }
}

static void drain(struct mm *mm, uint32_t cpu)
{
    struct lru_batch *batch = &mm->batches[cpu];
    struct lruvec *next = batch->count ? page_lruvec(mm, batch->pages[0]) : NULL;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t page = batch->pages[i];
        struct lruvec *lruvec = next;
        mm->cold[page].bits = (mm->cold[page].bits & ~(uint32_t)PAGE_IN_BATCH) | PAGE_ON_LRU;
        mm->reclaim->add(mm, lruvec, page);
        next = i + 1 < batch->count ? page_lruvec(mm, batch->pages[i + 1]) : NULL;
        if (lruvec != next)
            reclaim_walk_note(mm, page_memcg(mm, page), page_node(mm, page));
    }
    batch->count = 0;
}

void lru_add_drain(struct mm *mm, struct exec *exec)
{
    if (mm->batches[exec->cpu].count)
        lock_for_batch(mm, exec);
    drain(mm, exec->cpu);
}

void lru_add_drain_all(struct mm *mm)
{
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++)
        drain(mm, cpu);
}

void lru_add(struct mm *mm, struct exec *exec, uint32_t page)
{
    struct lru_batch *batch = &mm->batches[exec->cpu];
    if (mm->reclaim->enter)
        mm->reclaim->enter(mm, exec, page);
    lru_prefetch(mm);
    if (memcgs_are_many(mm)) {
        lru_prefetch_lists(mm, page_memcg(mm, page), page_node(mm, page));
        uint32_t before = batch->count ? batch->pages[batch->count - 1] : page;
        lru_prefetch_ends(mm, page_memcg(mm, before), page_node(mm, before));
    }
    batch->pages[batch->count++] = page;
    mm->cold[page].bits |= PAGE_IN_BATCH;
    if (batch->count >= mm->config->vm.lru_add_batch)
        lru_add_drain(mm, exec);
}

/* The batch is not recorded in the page: freeing a page this young is rare. */
static void remove_from_batch(struct mm *mm, uint32_t page)
{
    for (uint32_t cpu = 0; cpu < mm->topology.cpus; cpu++) {
        struct lru_batch *batch = &mm->batches[cpu];
        for (uint32_t i = 0; i < batch->count; i++) {
            if (batch->pages[i] != page)
                continue;
            for (uint32_t k = i + 1; k < batch->count; k++)
                batch->pages[k - 1] = batch->pages[k];
            batch->count--;
            mm->cold[page].bits &= ~(uint32_t)PAGE_IN_BATCH;
            return;
        }
    }
}

void lru_remove(struct mm *mm, uint32_t page)
{
    if (mm->cold[page].bits & PAGE_IN_BATCH)
        remove_from_batch(mm, page);
    if (mm->cold[page].bits & PAGE_ON_LRU) {
        mm->reclaim->remove(mm, page_lruvec(mm, page), page);
        mm->cold[page].bits &= ~(uint32_t)PAGE_ON_LRU;
    }
}

void lru_rotate_reclaimable(struct mm *mm, uint32_t page)
{
    if (!(mm->cold[page].bits & PAGE_ON_LRU))
        return;
    mm->reclaim->rotate(mm, page_lruvec(mm, page), page);
    reclaim_walk_note(mm, page_memcg(mm, page), page_node(mm, page));
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_pgrotated, 1);
}

void lru_prefetch(struct mm *mm)
{
    struct lru_coming *coming = &mm->coming;
    if (coming->asked == coming->found)
        return;
    uint32_t page = coming->pages[coming->asked++];
    page_prefetch(mm->cold, page);
    __builtin_prefetch(&mm->hot[page], 1);
    if (mm->swap_hooks.prefetch)
        mm->swap_hooks.prefetch(mm->swap, page);
}

uint32_t lru_isolate(struct mm *mm, struct lru_list *list, uint32_t n, uint32_t *pages)
{
    struct lru_coming *coming = &mm->coming;
    uint32_t taken = 0;
    /* What is left is about to be taken: better all at once now than one by one. */
    while (coming->asked != coming->found)
        lru_prefetch(mm);
    coming->asked = coming->found = 0;
    while (taken < n && list->tail != NO_PAGE) {
        uint32_t page = list->tail;
        struct page_cold *cold = &mm->cold[page];
        lru_list_remove(mm->cold, list, page);
        cold->bits &= ~(uint32_t)PAGE_ON_LRU;
        pages[taken++] = page;
        if (!(cold->bits & PAGE_IN_ZSWAP) && coming->found < LRU_STRIDE)
            coming->pages[coming->found++] = cold->later;
    }
    return taken;
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
}

/* LRU lists: how pages get on and off them. */
#ifndef ZSIM_MM_LRU_H
#define ZSIM_MM_LRU_H

#include "sim/mm/mm.h"

void lru_init(struct mm *mm);
void lru_release(struct mm *mm);

/* folio_add_lru: into the processor's batch; the batch goes onto the lists when full. */
void lru_add(struct mm *mm, struct exec *exec, uint32_t page);

/* folio_activate of a page on a list: into the processor's batch of such pages; they
 * become active when it is full or drained.  Until then the batch has a reference to each. */
void lru_activate(struct mm *mm, struct exec *exec, uint32_t page);

bool lru_batch_has(const struct lru_batch *batch, uint32_t page);

/* Has this processor's batch such a reference?  Others' batches are not looked at. */
static inline bool lru_is_activating(const struct mm *mm, const struct exec *exec, uint32_t page)
{
    const struct lru_batch *batch = &mm->activations[exec->cpu];
    return batch->count && lru_batch_has(batch, page);
}

/* lru_add_drain: this processor's batches onto the lists.  Most visits of reclaim find none. */
void lru_drain_batches(struct mm *mm, struct exec *exec);
static inline bool lru_is_to_drain(const struct mm *mm, const struct exec *exec)
{
    return mm->batches[exec->cpu].count || mm->activations[exec->cpu].count || mm->rotating;
}
static inline void lru_add_drain(struct mm *mm, struct exec *exec)
{
    if (lru_is_to_drain(mm, exec))
        lru_drain_batches(mm, exec);
}

/* Take lruvec->lru_lock for an operation on so many pages, and let it go.  The work
 * itself is part of other costs.  One processor's is not even looked for: with thousands of
 * cgroups it is in no cache of the host. */
void lru_lock_shared(struct mm *mm, struct exec *exec, struct lruvec *lruvec, uint32_t pages);
static inline void lru_lock(struct mm *mm, struct exec *exec, struct lruvec *lruvec, uint32_t pages)
{
    const uint64_t *ns = mm->costs->ns;
    if (mm->one_at_a_time)
        count_own_lock(mm, exec, LOCK_lruvec, 1, wait_begins(mm, exec),
                       ns[COST_lock_uncontended] + pages * ns[COST_lru_lock_hold]);
    else
        lru_lock_shared(mm, exec, lruvec, pages);
}

/* So many times that of some list without a page, where one processor has them all. */
static inline void lru_lock_idle(struct mm *mm, struct exec *exec, uint64_t times)
{
    count_own_lock(mm, exec, LOCK_lruvec, times, wait_begins(mm, exec),
                   times * mm->costs->ns[COST_lock_uncontended]);
}

/* Every processor's batches (lru_add_drain_all). */
void lru_add_drain_all(struct mm *mm);

/* Take a page off its list or out of its batch; it is about to be freed. */
void lru_remove(struct mm *mm, uint32_t page);

/* This processor takes the interrupts of a device: pages whose writes have ended wait there. */
void lru_take_interrupts(struct mm *mm, uint32_t cpu);

/* folio_rotate_reclaimable: a write has ended; the page goes to the tail, with a batch of the
 * processor that took the interrupt, or at once (NO_CPU: that of the submitter, whose reclaim
 * drains its batch before it looks at a list).  Nothing happens when the page is not on a list
 * (isolated, or about to be added). */
void lru_rotate_reclaimable(struct mm *mm, uint32_t cpu, uint32_t page);

/* Does such a batch have a reference to the page?  It cannot be freed then. */
bool lru_is_in_rotations(const struct mm *mm, uint32_t page);
static inline bool lru_is_rotating(const struct mm *mm, uint32_t page)
{
    return mm->rotating && lru_is_in_rotations(mm, page);
}

/* Has this processor batches to drain? */
bool lru_has_batch(const struct mm *mm, uint32_t cpu);

/* isolate_lru_folios: up to n pages, 1 to LRU_STRIDE, off the tail of a list, oldest first.
 * Returns how many. */
uint32_t lru_isolate(struct mm *mm, struct lru_list *list, uint32_t n, uint32_t *pages);

/* They are about to be looked at: ask the host's caches for what evicting them will read, those
 * that their accesses do not keep; and for as many pages of the next batch as there are others. */
void lru_prefetch_writes(const struct mm *mm, const uint32_t *pages, uint32_t n);

/* Ask the host's caches for the next pages that lru_isolate() will probably take: a few at each
 * fault, and at each eviction, as a run of reclaim takes two or three batches (at faults alone
 * 60 % of them were asked for too late). */
void lru_prefetch(struct mm *mm);

/* Ask the host's caches, one after the other and some time apart, for the lists of a
 * cgroup on a node; for their first and last pages and their lock; for the last few. */
void lru_prefetch_lists(const struct mm *mm, uint32_t memcg, uint32_t node);
void lru_prefetch_ends(const struct mm *mm, uint32_t memcg, uint32_t node);
void lru_prefetch_victims(const struct mm *mm, uint32_t memcg, uint32_t node);
/* Before a limit of a small cgroup is met, which takes most of its pages: ask for the pages of its
 * short list, one at each end for each call of lru_prefetch_short_list() as each names only its
 * neighbours (from the tail alone: 3 to 5 % more time with limits of 25 pages).  Nothing happens
 * while another list is asked for. */
void lru_begin_short_list(struct mm *mm, uint32_t memcg, uint32_t node);
void lru_prefetch_next_of_short_list(struct mm *mm);
static inline void lru_prefetch_short_list(struct mm *mm)
{
    if (mm->coming_page != NO_PAGE)
        lru_prefetch_next_of_short_list(mm);
}
/* For the clock of a lruvec's evictions, which refaults read. */
void lru_prefetch_clock(const struct mm *mm, uint32_t memcg, uint32_t node);

/* How many pages of a lruvec show as inactive and active. */
void lru_sizes(const struct mm *mm, const struct lruvec *lruvec, uint64_t sizes[LRU_LISTS]);

/* Move all pages of a cgroup's lruvec behind its parent's. */
void lru_reparent(struct mm *mm, uint32_t memcg, uint32_t parent, uint32_t node);

#endif

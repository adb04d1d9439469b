/* The TLB of a machine's one processor, for what it hides from reclaim: the accessed bit is set
 * when a page's translation is read from the page table.  x86 does not flush the TLB when reclaim
 * clears the bit (ptep_clear_flush_young()), so a page whose translation stays there looks as if
 * nobody used it; on one processor nothing but a switch between address spaces flushes all of it
 * (should_defer_flush() does not defer, and pages are unmapped one by one).
 *
 * How large it is and what it keeps: QEMU's own (accel/tcg/cputlb.c), which has no address space
 * identifiers.  It is one table, indexed by the low bits of a page's number, beside it the eight
 * translations that were put out last.  When it is flushed it becomes larger or smaller by how many
 * entries were in use at most since a time of 100 ms began. */
#ifndef ZSIM_MM_TLB_H
#define ZSIM_MM_TLB_H

#include "sim/mm/mm.h"

enum { TLB_VICTIMS = 8 };

struct tlb {
    uint32_t *pages; /* [entries], NO_PAGE: none */
    uint32_t entries, used;
    uint32_t victims[TLB_VICTIMS], next_victim;
    uint64_t window_began_ns;
    uint32_t window_used;   /* at most, at the flushes since then */
    const void *loaded_for; /* the task whose address space is loaded; NULL: another one's */
};

/* As machine.tlb says: NULL without one. */
void tlb_init(struct mm *mm);
void tlb_release(struct mm *mm);

/* Another address space is loaded. */
void tlb_flush(struct tlb *tlb, uint64_t now_ns);

/* `task` is about to run. */
static inline void tlb_load(struct tlb *tlb, const void *task, uint64_t now_ns)
{
    if (tlb->loaded_for == task)
        return;
    tlb_flush(tlb, now_ns);
    tlb->loaded_for = task;
}

/* Is a page's translation there?  One that was put out comes back. */
bool tlb_has(struct tlb *tlb, uint32_t page);

/* It is read from the page table, if it is not there.  True: it was. */
bool tlb_fill(struct tlb *tlb, uint32_t page);

/* A page was unmapped (flush_tlb_page()). */
void tlb_forget(struct tlb *tlb, uint32_t page);

#endif

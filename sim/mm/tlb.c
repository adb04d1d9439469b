#include "sim/mm/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

enum {
    ENTRIES_AT_FIRST = 1 << 8, /* CPU_TLB_DYN_DEFAULT_BITS */
    ENTRIES_AT_LEAST = 1 << 6, /* CPU_TLB_DYN_MIN_BITS */
    ENTRIES_AT_MOST = 1 << 22, /* CPU_TLB_DYN_MAX_BITS */
    FULL_PERCENT = 70,
    EMPTY_PERCENT = 30,
};

static const uint64_t WINDOW_NS = 100000000;

static void clear(struct tlb *tlb)
{
    memset(tlb->pages, 0xff, tlb->entries * sizeof(*tlb->pages));
    memset(tlb->victims, 0xff, sizeof(tlb->victims));
    tlb->used = 0;
}

_Static_assert(NO_PAGE == UINT32_MAX, "bytes of 0xff");

static void resize(struct tlb *tlb, uint32_t entries)
{
    free(tlb->pages);
    tlb->pages = memory_zeroed(entries, sizeof(*tlb->pages), "the TLB");
    tlb->entries = entries;
}

void tlb_init(struct mm *mm)
{
    if (mm->config->machine.tlb == TLB_NONE)
        return;
    mm->tlb = memory_zeroed(1, sizeof(*mm->tlb), "the TLB");
    resize(mm->tlb, ENTRIES_AT_FIRST);
    clear(mm->tlb);
}

void tlb_release(struct mm *mm)
{
    if (!mm->tlb)
        return;
    free(mm->tlb->pages);
    free(mm->tlb);
    mm->tlb = NULL;
}

static uint32_t power_of_two_from(uint32_t n)
{
    uint32_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

/* tlb_mmu_resize_locked() */
static uint32_t entries_from_now(const struct tlb *tlb, bool window_is_over)
{
    uint32_t percent = (uint32_t)((uint64_t)tlb->window_used * 100 / tlb->entries);
    if (percent > FULL_PERCENT)
        return tlb->entries < ENTRIES_AT_MOST ? 2 * tlb->entries : tlb->entries;
    if (percent >= EMPTY_PERCENT || !window_is_over)
        return tlb->entries;
    uint32_t entries = power_of_two_from(tlb->window_used);
    if (tlb->window_used * 100 / entries > FULL_PERCENT)
        entries *= 2;
    return entries > ENTRIES_AT_LEAST ? entries : ENTRIES_AT_LEAST;
}

void tlb_flush(struct tlb *tlb, uint64_t now_ns)
{
    bool window_is_over = now_ns > tlb->window_began_ns + WINDOW_NS;
    if (tlb->window_used < tlb->used)
        tlb->window_used = tlb->used;
    uint32_t entries = entries_from_now(tlb, window_is_over);
    if (entries != tlb->entries) {
        resize(tlb, entries);
        tlb->window_began_ns = now_ns;
        tlb->window_used = 0;
    } else if (window_is_over) {
        tlb->window_began_ns = now_ns;
        tlb->window_used = tlb->used;
    }
    clear(tlb);
}

static uint32_t *entry_of(struct tlb *tlb, uint32_t page)
{
    return &tlb->pages[page & (tlb->entries - 1)];
}

bool tlb_has(struct tlb *tlb, uint32_t page)
{
    uint32_t *entry = entry_of(tlb, page);
    if (*entry == page)
        return true;
    for (uint32_t i = 0; i < TLB_VICTIMS; i++)
        if (tlb->victims[i] == page) {
            tlb->victims[i] = *entry;
            *entry = page;
            return true;
        }
    return false;
}

bool tlb_fill(struct tlb *tlb, uint32_t page)
{
    if (tlb_has(tlb, page))
        return true;
    uint32_t *entry = entry_of(tlb, page);
    if (*entry == NO_PAGE)
        tlb->used++;
    else
        tlb->victims[tlb->next_victim++ % TLB_VICTIMS] = *entry;
    *entry = page;
    return false;
}

void tlb_forget(struct tlb *tlb, uint32_t page)
{
    uint32_t *entry = entry_of(tlb, page);
    if (*entry == page) {
        *entry = NO_PAGE;
        tlb->used--;
    }
    for (uint32_t i = 0; i < TLB_VICTIMS; i++)
        if (tlb->victims[i] == page)
            tlb->victims[i] = NO_PAGE;
}

/* The state of every simulated page, in flat arrays.
 *
 * A page is named by a 32-bit number over all address spaces.  State is split
 * by how often it is touched:
 *
 *   hot[]    1 byte    all that an access to a mapped page reads and writes
 *   cold[]   28 bytes  links, object handle, flags: only faults and reclaim
 *
 * so 29 bytes a page, and 4 a slot where slots have numbers (sim/swap/slots.h); compressed
 * lengths and kinds are 2.25 bytes more, shared by all runs of a process
 * (workloads/content/content.h).
 *
 * A page with contents is in exactly one place: RAM (mapped, or only in the
 * swap cache), zswap, the zero map, or a device.  Up to 6.8 zswap may keep a
 * copy of a page that is in RAM. */
#ifndef ZSIM_MM_PAGE_H
#define ZSIM_MM_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/prefetch.h"

enum { NO_PAGE = UINT32_MAX };

/* Flags in hot[]. */
enum hot_flag {
    HOT_MAPPED = 1,         /* the page table maps it: an access is a hit */
    HOT_ACCESSED = 2,       /* the page table's accessed bit */
    HOT_DIRTY = 4,          /* the page table's dirty bit */
    HOT_POPULATED = 8,      /* it has contents (was accessed since its start or last free) */
    HOT_IN_RAM = 16,        /* a folio exists: mapped or in the swap cache */
    HOT_YOUNG = 64,         /* the accessed bit was set before it was last looked at from the
                               table above (reclaim policy mglru) */
    HOT_LOCKED = 32,        /* the folio lock: reclaim is writing it; whoever wants it waits */
    HOT_WRITTEN_BACK = 128, /* not mapped since zswap wrote it back; entry_previous holds
                               the age of its shadow before that */
};

/* Flags in cold[].bits; the rest of the word is the four small numbers below. */
enum page_flag {
    PAGE_ON_LRU = 1u << 0,            /* linked in a list of its lruvec */
    PAGE_ACTIVE = 1u << 1,            /* PG_active */
    PAGE_REFERENCED = 1u << 2,        /* PG_referenced */
    PAGE_WORKINGSET = 1u << 3,        /* PG_workingset */
    PAGE_DIRTY = 1u << 4,             /* PG_dirty: must be written before it can be dropped */
    PAGE_WRITEBACK = 1u << 5,         /* PG_writeback: a device write is under way */
    PAGE_RECLAIM = 1u << 6,           /* PG_reclaim: rotate to the tail when the write ends */
    PAGE_READAHEAD = 1u << 7,         /* PG_readahead: came in with another page's fault */
    PAGE_HAS_SLOT = 1u << 8,          /* holds a swap slot; in RAM: it is in the swap cache */
    PAGE_ON_DISK = 1u << 9,           /* the slot's data on the device is current */
    PAGE_ZERO_MARK = 1u << 10,        /* the slot is marked in the zero map */
    PAGE_IN_ZSWAP = 1u << 11,         /* zswap has an entry for the slot */
    PAGE_ENTRY_REFERENCED = 1u << 12, /* the entry has its second chance */
    PAGE_ENTRY_ON_LRU = 1u << 13,     /* the entry is linked in a zswap list */
    PAGE_HAS_SHADOW = 1u << 14,       /* not in RAM: the links hold a shadow */
    PAGE_IN_BATCH = 1u << 15,         /* in a processor's lru_add batch */
};

enum {
    PAGE_FLAG_BITS = 16,
    PAGE_NODE_SHIFT = 16,  /* 4 bits: NUMA node of the folio */
    ENTRY_NODE_SHIFT = 20, /* 4 bits: NUMA node of the zswap entry */
    ENTRY_POOL_SHIFT = 24, /* 4 bits: zswap pool of the entry */
    PAGE_GEN_SHIFT = 28,   /* 4 bits: MGLRU generation and list */
};

struct page_cold {
    union {
        struct {
            uint32_t previous, next;
        } lru; /* in RAM: links in the lruvec's list */
        struct {
            uint32_t age;   /* nonresident_age of the eviction lruvec, low 32 bits */
            uint32_t place; /* memcg in bits 0-15, node in 16-19, workingset bit 20 */
        } shadow;           /* not in RAM, with PAGE_HAS_SHADOW */
    };
    uint32_t entry_previous, entry_next; /* zswap LRU links */
    union {
        uint32_t handle; /* with PAGE_IN_ZSWAP: allocator object of the entry; 0: none */
        uint32_t later;  /* without: the page that came onto its LRU list LRU_STRIDE pages
                            later, a hint for lru_isolate() */
    };
    uint32_t bits;
    union {
        /* Where slots have no numbers: bytes of the contents under zswap's present compressor,
         * more than a page where it fails, once they had to be compressed: then they are neither
         * zero nor same-filled, where that is looked for.  0: not known.  (In the tables of
         * lengths and of kinds, where a load looked once and a store twice, each was a miss in
         * the host's caches: a tenth of a fault.) */
        uint32_t length;
        uint32_t slot; /* where they have: its swap slot, or NO_SLOT */
    };
};

_Static_assert(sizeof(struct page_cold) == 28, "the budget is 32 bytes a page over all arrays");

/* A doubly linked list of pages by number; the head is the most recent. */
struct page_list {
    uint32_t head, tail, count;
};

#define PAGE_LIST_EMPTY ((struct page_list){NO_PAGE, NO_PAGE, 0})

/* As many pages as reclaim takes off a list at a time. */
enum { LRU_STRIDE = 32 };

/* Links lead from page to page, and each step is a miss in the host's caches that waits for
 * the one before; so every page of a list also names one a whole batch further on, and the
 * next batch can be fetched all at once. */
struct lru_ring {
    uint32_t added;              /* pages added at the head so far */
    uint32_t taken;              /* pages isolated at the tail so far, */
    uint32_t asked;              /* and those asked for: at most LRU_STRIDE more */
    uint32_t recent[LRU_STRIDE]; /* the last added: page n at n % LRU_STRIDE */
    uint32_t coming[LRU_STRIDE]; /* what those isolated last said of later ones: page n, if
                                    nothing came between, at n % LRU_STRIDE */
};

/* An LRU list.  One that is no longer than a batch has no use for its ring, and does not touch
 * it: of 10,000 cgroups' lists most are as short, and the rings were two more lines of memory
 * that a visit waited for. */
struct lru_list {
    uint32_t head, tail, count;
    struct lru_ring *ring; /* made when the list is first longer than LRU_STRIDE */
};

#define LRU_LIST_EMPTY ((struct lru_list){.head = NO_PAGE, .tail = NO_PAGE})

/* Make the ring of a list to whose head a page has just been added. */
void lru_list_begin_ring(struct lru_list *list, uint32_t page);
void lru_list_release(struct lru_list *list);

/* The ring of a list of which something further on than the tail is known; else NULL. */
static inline struct lru_ring *lru_list_ring(const struct lru_list *list)
{
    return list->count > LRU_STRIDE ? list->ring : NULL;
}

static inline uint32_t bits_field(uint32_t bits, unsigned shift)
{
    return (bits >> shift) & 15;
}

/* Of a page in RAM: does swap have it as it is?  Then reclaim has nothing to write. */
static inline bool page_is_clean(uint32_t bits, uint8_t hot)
{
    return (bits & (PAGE_HAS_SLOT | PAGE_DIRTY | PAGE_WRITEBACK)) == PAGE_HAS_SLOT &&
           (hot & (HOT_MAPPED | HOT_DIRTY)) != (HOT_MAPPED | HOT_DIRTY);
}

static inline uint32_t bits_with_field(uint32_t bits, unsigned shift, uint32_t value)
{
    return (bits & ~(15u << shift)) | (value << shift);
}

/* Ask the host's caches for a page's record; three of eight straddle two lines. */
PREFETCHING void page_prefetch(const struct page_cold *cold, uint32_t page)
{
    const char *record = (const char *)&cold[page];
    __builtin_prefetch(record, 1);
    __builtin_prefetch(record + sizeof(*cold) - 1, 1);
}

/* ---- LRU lists ----------------------------------------------------------- */

/* Tell the page added LRU_STRIDE pages before.  One that is being written goes from here to the
 * tail when that has ended, and is not foretold: else each is missing from some batch, which was
 * then wrong (with writeback to a disk a third of them, with 100 cgroups nearly three of four). */
static inline void lru_list_note_added(struct page_cold *cold, struct lru_list *list, uint32_t page)
{
    if (cold[page].bits & PAGE_WRITEBACK)
        return;
    struct lru_ring *ring = list->ring;
    uint32_t *recent = &ring->recent[ring->added % LRU_STRIDE];
    if (ring->added++ >= LRU_STRIDE && !(cold[*recent].bits & PAGE_IN_ZSWAP))
        cold[*recent].later = page;
    *recent = page;
}

static inline void lru_list_add_head(struct page_cold *cold, struct lru_list *list, uint32_t page)
{
    cold[page].lru.previous = NO_PAGE;
    cold[page].lru.next = list->head;
    if (list->head != NO_PAGE)
        cold[list->head].lru.previous = page;
    else
        list->tail = page;
    list->head = page;
    if (++list->count <= LRU_STRIDE)
        return;
    if (list->ring)
        lru_list_note_added(cold, list, page);
    else
        lru_list_begin_ring(list, page); /* last: what calls nothing before saves no registers */
}

/* The same for n pages, the first of which ends deepest. */
void lru_list_add_pages(struct page_cold *cold, struct lru_list *list, const uint32_t *pages,
                        uint32_t n);

/* A page comes before all that are foretold; it keeps in mind the last of these, in whose place it
 * is, until it is taken. */
static inline void lru_list_foretell_first(struct page_cold *cold, struct lru_ring *ring,
                                           uint32_t page)
{
    uint32_t *last = &ring->coming[--ring->taken % LRU_STRIDE];
    cold[page].later = *last;
    *last = page;
    if (ring->asked - ring->taken > LRU_STRIDE)
        ring->asked--;
}

static inline void lru_list_add_tail(struct page_cold *cold, struct lru_list *list, uint32_t page)
{
    cold[page].lru.next = NO_PAGE;
    cold[page].lru.previous = list->tail;
    if (list->tail != NO_PAGE)
        cold[list->tail].lru.next = page;
    else
        list->head = page;
    list->tail = page;
    list->count++;
    if (list->ring && !(cold[page].bits & PAGE_IN_ZSWAP))
        lru_list_foretell_first(cold, list->ring, page);
}

static inline void lru_list_remove(struct page_cold *cold, struct lru_list *list, uint32_t page)
{
    uint32_t previous = cold[page].lru.previous, next = cold[page].lru.next;
    if (previous != NO_PAGE)
        cold[previous].lru.next = next;
    else
        list->head = next;
    if (next != NO_PAGE)
        cold[next].lru.previous = previous;
    else
        list->tail = previous;
    list->count--;
}

/* ---- zswap entry lists: oldest at the head, as in the kernel's list_lru ---- */

static inline void entry_list_add_tail(struct page_cold *cold, struct page_list *list,
                                       uint32_t page)
{
    cold[page].entry_next = NO_PAGE;
    cold[page].entry_previous = list->tail;
    if (list->tail != NO_PAGE)
        cold[list->tail].entry_next = page;
    else
        list->head = page;
    list->tail = page;
    list->count++;
}

static inline void entry_list_remove(struct page_cold *cold, struct page_list *list, uint32_t page)
{
    uint32_t previous = cold[page].entry_previous, next = cold[page].entry_next;
    if (previous != NO_PAGE)
        cold[previous].entry_next = next;
    else
        list->head = next;
    if (next != NO_PAGE)
        cold[next].entry_previous = previous;
    else
        list->tail = previous;
    list->count--;
}

#endif

#include "sim/run/lookahead.h"

#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/zswap/entry.h"

/* How many faults before its own a page's record is asked for (8 in place of 16: 6 % more time with
 * 4 million pages, since a fault takes 200 ns besides); what that leads to; and what a
 * cgroup at its limit does (with limits of 25 pages 17 % less time than three faults before).  At
 * each fault one page more: all that have just been found are none or many, 0.6 wrong guesses of
 * the host's processor more. */
enum { PAGE_DISTANCE = 16, ENTRY_DISTANCE = 4, LIMIT_DISTANCE = 8 };
/* With many cgroups pages and their cgroups' records are asked for before find_limits() reads
 * these.  (A dozen lines each: all found at once were 6 % more time.) */
enum { MEMCG_DISTANCE = 12, CHUNK_DISTANCE = 20 };

static struct coming_fault *fault_at(struct lookahead *lookahead, uint32_t number)
{
    return &lookahead->faults[number % LOOKAHEAD_FAULTS];
}

/* Ask for what a fault reads of its page: its space, the record, the lock of its slot; and of
 * its cgroup, where these are many. */
PREFETCHING void prefetch_page(const struct swap *swap, uint32_t page, bool memcgs_are_many)
{
    if (memcgs_are_many) {
        uint32_t memcg = page_memcg(swap->mm, page);
        memcg_prefetch_fault(swap->mm, memcg);
        lru_prefetch_lists(swap->mm, memcg, 0);
        lru_prefetch_clock(swap->mm, memcg, 0);
        zswap_prefetch_memcg(swap->zswap, memcg, 0);
    }
    if (swap->mm->space_count > 1)
        __builtin_prefetch(page_space(swap->mm, page));
    page_prefetch(swap->mm->cold, page);
    swap_prefetch_lock(swap, page);
}

/* Find the faults among the accesses from the frontier to `end`.  Which pages are mapped nobody can
 * foretell, nor can the host's processor: without a branch, 1.2 wrong ones less a fault. */
static inline void find_faults_until(struct lookahead *lookahead, const uint8_t *hot, uint32_t end)
{
    const uint32_t *first_pages = lookahead->first_pages;
    const struct access *block = lookahead->block;
    uint32_t found = lookahead->found;
    for (uint32_t at = lookahead->frontier; at < end; at++) {
        uint32_t page = first_pages[block[at].space] + block[at].page;
        *fault_at(lookahead, found) = (struct coming_fault){page, at};
        found += (hot[page] & HOT_MAPPED) == 0;
    }
    lookahead->found = found;
    lookahead->frontier = end;
}

/* Up to some way behind the access at `at`. */
__attribute__((noinline)) static void find_faults(struct lookahead *lookahead, const uint8_t *hot,
                                                  uint32_t at)
{
    while (lookahead->frontier < lookahead->count &&
           lookahead->frontier <= at + LOOKAHEAD_FRONTIER) {
        uint32_t left = lookahead->count - lookahead->frontier;
        find_faults_until(lookahead, hot,
                          lookahead->frontier + (left < LOOKAHEAD_STEP ? left : LOOKAHEAD_STEP));
    }
}

/* Whose a page is, which decides what else is asked for.  (Of a fault not found yet: one of long
 * ago.) */
PREFETCHING void prefetch_chunk(const struct mm *mm, const struct coming_fault *fault)
{
    __builtin_prefetch(&mm->chunks[fault->page >> mm->chunk_shift]);
}

PREFETCHING void ask_for_pages(struct lookahead *lookahead, const struct swap *swap,
                               bool memcgs_are_many)
{
    uint32_t until = lookahead->over + (memcgs_are_many ? MEMCG_DISTANCE : PAGE_DISTANCE);
    uint32_t asked = lookahead->asked > lookahead->over ? lookahead->asked : lookahead->over;
    if (until > lookahead->found)
        until = lookahead->found;
    for (; asked < until; asked++) {
        if (memcgs_are_many)
            prefetch_chunk(swap->mm, fault_at(lookahead, asked + CHUNK_DISTANCE - MEMCG_DISTANCE));
        prefetch_page(swap, fault_at(lookahead, asked)->page, memcgs_are_many);
    }
    lookahead->asked = asked;
}

/* The next faults whose charges will meet their cgroup's limit: these take most of its pages,
 * where it is small, so its list is asked for, and its pages one by one while the faults before
 * are worked through.  Cgroups' records were asked for when the faults were found. */
static void find_limits(struct lookahead *lookahead, const struct swap *swap)
{
    struct mm *mm = swap->mm;
    uint32_t at = lookahead->limits > lookahead->over ? lookahead->limits : lookahead->over;
    lru_prefetch_short_list(mm);
    for (; at < lookahead->asked && at < lookahead->over + LIMIT_DISTANCE; at++) {
        uint32_t memcg = page_memcg(mm, fault_at(lookahead, at)->page);
        if (!memcg_is_full(mm, memcg))
            continue;
        memcg_prefetch(mm, memcg);
        lru_prefetch_ends(mm, memcg, 0);
        lru_begin_short_list(mm, memcg, 0);
    }
    lookahead->limits = at;
}

PREFETCHING void advance(struct lookahead *lookahead, const struct swap *swap, uint32_t at,
                         bool memcgs_are_many)
{
    uint32_t over = lookahead->over;
    while (over != lookahead->found && fault_at(lookahead, over)->at <= at)
        over++;
    lookahead->over = over;
    if (memcgs_are_many)
        find_limits(lookahead, swap);
    if (lookahead->frontier <= at)
        lookahead->frontier = at + 1;
    if (lookahead->frontier < lookahead->count && lookahead->frontier <= at + LOOKAHEAD_FRONTIER)
        find_faults(lookahead, swap->mm->hot, at);
    ask_for_pages(lookahead, swap, memcgs_are_many);
    uint32_t coming = lookahead->found - over;
    if (coming < ENTRY_DISTANCE)
        return;
    entry_prefetch(swap->zswap, fault_at(lookahead, over + ENTRY_DISTANCE - 1)->page);
}

__attribute__((noinline)) static void advance_among_many(struct lookahead *lookahead,
                                                         const struct swap *swap, uint32_t at)
{
    advance(lookahead, swap, at, true);
}

/* What few faults need is in functions of its own, so that this one saves fewer registers of the
 * host: 28 instructions a fault. */
void lookahead_advance(struct lookahead *lookahead, const struct swap *swap, uint32_t at,
                       uint32_t page)
{
    if (memcgs_are_many(swap->mm))
        advance_among_many(lookahead, swap, at);
    else if (lookahead->in_turn)
        entry_prefetch(swap->zswap, page);
    else
        advance(lookahead, swap, at, false);
}

void lookahead_expect(const struct lookahead *lookahead, const struct swap *swap, uint32_t page)
{
    if (lookahead->in_turn && !memcgs_are_many(swap->mm))
        prefetch_page(swap, page, false);
}

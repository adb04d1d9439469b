/* reclaim: mglru - generations of pages, aged by walks over page tables.
 *
 * Mirrors mm/vmscan.c, mm/workingset.c and include/linux/mm_inline.h with
 * CONFIG_LRU_GEN, for anonymous pages, by the rules of 6.1, 6.5, 6.12, 6.14 or 7.3:
 * lru_gen_add_folio, try_to_inc_max_seq, walk_pte_range, lru_gen_look_around,
 * evict_folios, get_nr_to_scan, lru_gen_refault.
 * A walk sees exactly what was accessed; it costs time by the entries it reads.
 * Leaves out: file pages, mlock, false positives of the Bloom filters, the batch of
 * folio_rotate_reclaimable(), the rule that fewer than 64 free slots are none, min_ttl_ms, and the
 * memcg LRU: cgroups are visited in tree order, and global reclaim that has met its goal leaves the
 * rest for the next time. */
#include <stddef.h>
#include <stdlib.h>

#include "policies/policy.h"
#include "policies/reclaim/reclaim.h"
#include "sim/base/memory.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/mm/workingset.h"

enum {
    GENERATIONS = 4,       /* MAX_NR_GENS: at most this many are kept */
    GENERATIONS_LEAST = 2, /* MIN_NR_GENS: so many are never evicted */
    BATCH = 64,            /* MIN_LRU_BATCH: pages isolated at a time; also the
                              window that is looked at around a young page */
    SCAN_AT_MOST = 4096,   /* MAX_LRU_BATCH: pages looked at for a batch */
    ENTRIES_PER_LINE = 8,  /* page-table entries in a cache line */
    ENTRIES_PER_SCAN = 32, /* entries walked in the time of one COST_scan_page: they are
                              read in sequence, four lines (own estimate) */
};

enum rules { RULES_6_1, RULES_6_5, RULES_6_12, RULES_6_14, RULES_7_3 };

struct mglru_params {
    unsigned rules; /* enum rules */
};

static const char *const rules_names[] = {"v6.1", "v6.5", "v6.12", "v6.14", "v7.3", NULL};

/* What changed between these kernels. */
struct traits {
    /* lru_gen_refault: every refault is counted, a recent one as an activation, too (6.5).
     * Before, only recent ones are, and activations are pages that sort_folio() protects. */
    bool counts_every_refault;
    /* get_nr_to_scan, should_abort_scan: reclaim goes on after aging, with a walk that collects
     * promotions, and ends with its goal; from 6.3 on aging ends the turn, a limit's goal does
     * not. */
    bool goes_on_after_aging;
    /* lru_gen_look_around: many neighbours are promoted in place, not by a batch (until 6.3). */
    bool promotes_many_in_place;
    /* ... and it leaves its mark on the page itself, too: isolated as it is, it is then
     * activated (until 6.12). */
    bool marks_itself;
    /* lru_gen_add_folio, lru_gen_look_around: the youngest generation forgets references
     * (6.12), so that a refaulted page is in the second tier, not in the last, which is
     * always protected. */
    bool youngest_forgets;
    /* sort_folio: pages under writeback are moved on; else isolated like others (6.12.y, 7.3). */
    bool moves_writeback_on;
    /* One access makes a page young; two do from 6.14 on. */
    bool one_access;
    /* try_to_shrink_lruvec: reclaim for a limit ends with its goal, and what it may scan is fixed
     * when it begins; pages that are sorted count, too (7.2). */
    bool goes_on_to_goal;
};

static const struct traits all_traits[] = {
    [RULES_6_1] = {.goes_on_after_aging = true,
                   .promotes_many_in_place = true,
                   .marks_itself = true,
                   .moves_writeback_on = true,
                   .one_access = true},
    [RULES_6_5] = {.counts_every_refault = true,
                   .marks_itself = true,
                   .moves_writeback_on = true,
                   .one_access = true},
    [RULES_6_12] = {.counts_every_refault = true, .youngest_forgets = true, .one_access = true},
    [RULES_6_14] = {.counts_every_refault = true, .moves_writeback_on = true},
    [RULES_7_3] = {.counts_every_refault = true, .goes_on_to_goal = true},
};

static const struct param mglru_rows[] = {
    {.name = "rules",
     .type = PARAM_ENUM,
     .offset = offsetof(struct mglru_params, rules),
     .initial = "v6.12",
     .choices = rules_names,
     .help = "up to v6.12: one access makes a page young; from v6.14 on two do, and reclaimed and "
             "refaulted pages are placed by distance from the youngest generation. v6.1: only "
             "recent refaults are counted, and reclaim goes on after aging; up to v6.5: pages that "
             "refaulted are protected once, later by their refault rate. v7.3: reclaim for a "
             "limit ends with its goal, not with a turn",
     .source = "mm/vmscan.c, mm/workingset.c and include/linux/mm_inline.h of 6.1.192, 6.12.117, "
               "7.0 and 7.3; aging changed in 6.3, what is counted in 6.5, accesses in 6.14, the "
               "loop in 7.2"},
};

/* Pages of a tier evicted or protected, and how many of them came back (struct
 * ctrl_pos).  Anonymous pages are in the first tier, or in another when they carry
 * PG_workingset: the second where youngest_forgets, else the last. */
struct tier {
    uint64_t refaulted, total;                 /* in this oldest generation */
    uint64_t average_refaulted, average_total; /* over the ones before, decaying */
};

enum { TIER_FIRST, TIER_WORKINGSET, TIERS };

/* The state of one lruvec (struct lru_gen_folio and lru_gen_mm_state). */
struct generations {
    uint64_t max_seq, min_seq; /* the youngest and the oldest generation */
    /* Pages by the list they are linked in, which may be older than their
     * generation: a walk over page tables changes the number, not the link. */
    struct lru_list lists[GENERATIONS];
    uint64_t pages[GENERATIONS]; /* by generation */
    /* Page tables worth a walk, one bit a chunk, for the walks of even and odd
     * generations; NULL: nothing is known, all are. */
    uint64_t *filters[2];
    uint64_t walked_at; /* accesses when page tables were last walked */
    bool walked;
    uint32_t interruptions; /* of those whose tables they are, then */
    struct tier tiers[TIERS];
};

static const struct traits *traits_of(const struct mm *mm)
{
    return &all_traits[((const struct mglru_params *)mm->reclaim_params)->rules];
}

/* ---- generation numbers ---------------------------------------------------------- */

/* In the page: two bits for the generation, two for the list. */
static uint32_t generation_of(const struct mm *mm, uint32_t page)
{
    return bits_field(mm->cold[page].bits, PAGE_GEN_SHIFT) % GENERATIONS;
}

static uint32_t list_of(const struct mm *mm, uint32_t page)
{
    return bits_field(mm->cold[page].bits, PAGE_GEN_SHIFT) / GENERATIONS;
}

static void set_numbers(struct mm *mm, uint32_t page, uint32_t generation, uint32_t list)
{
    mm->cold[page].bits =
        bits_with_field(mm->cold[page].bits, PAGE_GEN_SHIFT, list * GENERATIONS + generation);
}

static struct generations *generations_of(struct lruvec *lruvec)
{
    struct generations *state = lruvec->reclaim_state;
    if (state)
        return state;
    state = memory_zeroed(1, sizeof(*state), "the generations of a lruvec");
    state->max_seq = GENERATIONS_LEAST + 1;
    for (uint32_t i = 0; i < GENERATIONS; i++)
        state->lists[i] = LRU_LIST_EMPTY;
    lruvec->reclaim_state = state;
    return state;
}

static uint64_t count_generations(const struct generations *state)
{
    return state->max_seq - state->min_seq + 1;
}

static uint64_t total_pages(const struct generations *state)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < GENERATIONS; i++)
        total += state->pages[i];
    return total;
}

/* ---- on and off the lists ------------------------------------------------------------ */

/* lru_gen_add_folio, up to 6.13: where a page that is not on a list belongs. */
static uint64_t place_6_12(const struct generations *state, uint32_t bits, bool rotated)
{
    if (bits & PAGE_ACTIVE)
        return state->max_seq;
    if (!(bits & PAGE_HAS_SLOT) ||
        ((bits & PAGE_RECLAIM) && (bits & (PAGE_DIRTY | PAGE_WRITEBACK))))
        return state->max_seq - 1;
    if (rotated || state->min_seq + GENERATIONS_LEAST >= state->max_seq)
        return state->min_seq;
    return state->min_seq + 1;
}

/* lru_gen_folio_seq, 7.3 */
static uint64_t place_7_3(const struct generations *state, uint32_t bits, bool rotated)
{
    uint64_t distance;
    if (bits & PAGE_ACTIVE)
        distance = GENERATIONS_LEAST - ((bits & PAGE_WORKINGSET) != 0);
    else if (rotated)
        distance = GENERATIONS;
    else if (!(bits & PAGE_HAS_SLOT) ||
             ((bits & PAGE_RECLAIM) && (bits & (PAGE_DIRTY | PAGE_WRITEBACK))))
        distance = GENERATIONS_LEAST;
    else
        distance = GENERATIONS - ((bits & (PAGE_WORKINGSET | PAGE_REFERENCED)) != 0);
    return state->max_seq + 1 > state->min_seq + distance ? state->max_seq + 1 - distance
                                                          : state->min_seq;
}

static void add(struct mm *mm, struct lruvec *lruvec, uint32_t page, bool rotated)
{
    struct generations *state = generations_of(lruvec);
    uint32_t bits = mm->cold[page].bits;
    const struct traits *traits = traits_of(mm);
    uint64_t seq =
        traits->one_access ? place_6_12(state, bits, rotated) : place_7_3(state, bits, rotated);
    uint32_t generation = (uint32_t)(seq % GENERATIONS);
    uint32_t cleared = PAGE_ACTIVE;
    if (traits->youngest_forgets && (bits & PAGE_ACTIVE))
        cleared |= PAGE_REFERENCED;
    mm->cold[page].bits &= ~cleared;
    set_numbers(mm, page, generation, generation);
    state->pages[generation]++;
    if (rotated)
        lru_list_add_tail(mm->cold, &state->lists[generation], page);
    else
        lru_list_add_head(mm->cold, &state->lists[generation], page);
}

static void mglru_add(struct mm *mm, struct lruvec *lruvec, uint32_t page)
{
    add(mm, lruvec, page, false);
}

static void mglru_remove(struct mm *mm, struct lruvec *lruvec, uint32_t page)
{
    struct generations *state = generations_of(lruvec);
    lru_list_remove(mm->cold, &state->lists[list_of(mm, page)], page);
    state->pages[generation_of(mm, page)]--;
}

static void mglru_rotate(struct mm *mm, struct lruvec *lruvec, uint32_t page)
{
    mglru_remove(mm, lruvec, page);
    add(mm, lruvec, page, true);
}

/* folio_add_lru: a page that a task faults in is hot. */
static void mglru_enter(struct mm *mm, const struct exec *exec, uint32_t page)
{
    if (exec->space != NO_SPACE && !exec->memalloc)
        mm->cold[page].bits |= PAGE_ACTIVE;
}

/* Link a page that is on a list to another one, by its generation. */
static void relink(struct mm *mm, struct generations *state, uint32_t page)
{
    uint32_t generation = generation_of(mm, page);
    lru_list_remove(mm->cold, &state->lists[list_of(mm, page)], page);
    set_numbers(mm, page, generation, generation);
    lru_list_add_head(mm->cold, &state->lists[generation], page);
}

static void change_generation(struct mm *mm, struct generations *state, uint32_t page,
                              uint32_t generation)
{
    state->pages[generation_of(mm, page)]--;
    state->pages[generation]++;
    set_numbers(mm, page, generation, list_of(mm, page));
}

/* Behind the parent's pages, at the same distance from the youngest generation. */
static void mglru_reparent(struct mm *mm, struct lruvec *from, struct lruvec *to)
{
    struct generations *child = generations_of(from), *parent = generations_of(to);
    for (uint64_t age = 0; age < count_generations(child); age++) {
        struct lru_list *list = &child->lists[(child->max_seq - age) % GENERATIONS];
        uint64_t seq = age < count_generations(parent) ? parent->max_seq - age : parent->min_seq;
        uint32_t generation = (uint32_t)(seq % GENERATIONS);
        while (list->head != NO_PAGE) {
            uint32_t page = list->head;
            mglru_remove(mm, from, page);
            set_numbers(mm, page, generation, generation);
            parent->pages[generation]++;
            lru_list_add_tail(mm->cold, &parent->lists[generation], page);
        }
    }
}

/* lru_gen_is_active: the two youngest generations show as active. */
static void mglru_sizes(const struct mm *mm, const struct lruvec *lruvec, uint64_t sizes[LRU_LISTS])
{
    (void)mm;
    const struct generations *state = lruvec->reclaim_state;
    sizes[LRU_INACTIVE_ANON] = sizes[LRU_ACTIVE_ANON] = 0;
    if (!state)
        return;
    sizes[LRU_ACTIVE_ANON] = state->pages[state->max_seq % GENERATIONS] +
                             state->pages[(state->max_seq - 1) % GENERATIONS];
    sizes[LRU_INACTIVE_ANON] = total_pages(state) - sizes[LRU_ACTIVE_ANON];
}

static void mglru_release(struct lruvec *lruvec)
{
    struct generations *state = lruvec->reclaim_state;
    if (!state)
        return;
    free(state->filters[0]);
    free(state->filters[1]);
    for (uint32_t i = 0; i < GENERATIONS; i++)
        lru_list_release(&state->lists[i]);
    free(state);
    lruvec->reclaim_state = NULL;
}

/* ---- refault rates of tiers --------------------------------------------------------------- */

static struct tier *tier_of(struct generations *state, bool workingset)
{
    return &state->tiers[workingset ? TIER_WORKINGSET : TIER_FIRST];
}

/* reset_ctrl_pos: a generation has gone; its numbers count half from now on. */
static void carry_tiers_over(struct generations *state)
{
    for (unsigned i = 0; i < TIERS; i++) {
        struct tier *tier = &state->tiers[i];
        tier->average_refaulted = (tier->average_refaulted + tier->refaulted) / 2;
        tier->average_total = (tier->average_total + tier->total) / 2;
        tier->refaulted = tier->total = 0;
    }
}

/* get_tier_idx and positive_ctrl_err: do pages with PG_workingset come back so
 * much more often than others that they are kept?  The gains are a margin against
 * fluctuation. */
static bool workingset_is_protected(const struct traits *traits, const struct generations *state)
{
    unsigned gain_first = traits->one_access ? 1 : 2, gain = traits->one_access ? 2 : 3;
    const struct tier *first = &state->tiers[TIER_FIRST], *last = &state->tiers[TIER_WORKINGSET];
    uint64_t refaulted = last->average_refaulted + last->refaulted;
    uint64_t base_refaulted = first->average_refaulted + first->refaulted;
    if (refaulted < BATCH)
        return false;
    return refaulted * (first->average_total + first->total + BATCH) * gain_first >
           (base_refaulted + 1) * (last->average_total + last->total) * gain;
}

/* ---- aging ---------------------------------------------------------------------------------- */

static size_t filter_words(const struct mm *mm)
{
    return (mm->address_count >> TABLE_SHIFT) / 64 + 1;
}

static void filter_add(struct generations *state, uint64_t seq, uint32_t table)
{
    uint64_t *filter = state->filters[seq % 2];
    if (filter)
        filter[table / 64] |= 1ull << table % 64;
}

static bool filter_allows(const struct generations *state, uint64_t seq, uint32_t table)
{
    const uint64_t *filter = state->filters[seq % 2];
    return !filter || filter[table / 64] >> table % 64 & 1;
}

static void filter_clear(struct mm *mm, struct generations *state, uint64_t seq)
{
    uint64_t **filter = &state->filters[seq % 2];
    if (!*filter)
        *filter = memory_zeroed(filter_words(mm), sizeof(**filter), "a page-table filter");
    for (size_t i = 0; i < filter_words(mm); i++)
        (*filter)[i] = 0;
}

/* suitable_to_scan: one young entry a cache line on average */
static bool worth_a_walk(uint32_t entries, uint32_t young)
{
    return young * ENTRIES_PER_LINE >= entries;
}

/* lru_gen_set_refs, 7.3: one access is remembered, a second one counts. */
static bool second_access(struct mm *mm, uint32_t page)
{
    uint32_t *bits = &mm->cold[page].bits;
    if (!(*bits & (PAGE_REFERENCED | PAGE_WORKINGSET))) {
        *bits |= PAGE_REFERENCED;
        return false;
    }
    *bits = (*bits & ~(uint32_t)PAGE_REFERENCED) | PAGE_WORKINGSET;
    return true;
}

/* folio_update_gen: a walk has met a young entry; the page becomes part of the
 * youngest generation and is moved when it is met on its list. */
static void make_young(struct mm *mm, struct generations *state, uint32_t page)
{
    uint32_t *bits = &mm->cold[page].bits;
    bool listed = *bits & PAGE_ON_LRU;
    if (traits_of(mm)->one_access) {
        if (listed)
            *bits &= ~(uint32_t)(PAGE_REFERENCED | PAGE_WORKINGSET);
        else
            *bits |= PAGE_REFERENCED; /* in a batch, or isolated: whoever holds it sees this */
    } else if (!(*bits & (PAGE_REFERENCED | PAGE_WORKINGSET))) {
        *bits |= PAGE_REFERENCED;
        return;
    } else if (listed) {
        *bits = (*bits & ~(uint32_t)PAGE_REFERENCED) | PAGE_WORKINGSET;
    }
    if (listed)
        change_generation(mm, state, page, (uint32_t)(state->max_seq % GENERATIONS));
}

/* Is the entry young, and does its page belong to this lruvec? */
static bool entry_is_young(struct mm *mm, uint32_t page, uint32_t node)
{
    uint8_t hot = mm->hot[page];
    return (hot & HOT_MAPPED) && (hot & (HOT_ACCESSED | HOT_YOUNG)) && page_node(mm, page) == node;
}

static void make_entry_old(struct mm *mm, uint32_t page)
{
    mm->hot[page] &= (uint8_t) ~(HOT_ACCESSED | HOT_YOUNG);
}

/* The accessed bit of the entry that points to a page table, tested and cleared
 * (walk_pmd_range_locked): was anything below it accessed since the last walk?
 * What was moves to HOT_YOUNG. */
static bool test_and_clear_table(struct mm *mm, uint32_t first, uint32_t end)
{
    bool accessed = false;
    for (uint32_t page = first; page < end; page++) {
        if (!(mm->hot[page] & HOT_MAPPED) || !(mm->hot[page] & HOT_ACCESSED))
            continue;
        mm->hot[page] = (uint8_t)((mm->hot[page] & ~HOT_ACCESSED) | HOT_YOUNG);
        accessed = true;
    }
    return accessed;
}

/* get_pfn_folio, 7.3: pages in batches and isolated ones keep their accessed bit. */
static bool is_passed_over(const struct mm *mm, uint32_t page)
{
    return !traits_of(mm)->one_access && !(mm->cold[page].bits & PAGE_ON_LRU);
}

/* walk_pte_range: one page-table page. */
static void walk_table(struct mm *mm, struct generations *state, uint32_t node, uint32_t first,
                       uint32_t end)
{
    uint32_t young = 0;
    for (uint32_t page = first; page < end; page++) {
        if (!entry_is_young(mm, page, node) || is_passed_over(mm, page))
            continue;
        make_entry_old(mm, page);
        make_young(mm, state, page);
        young++;
    }
    if (worth_a_walk(end - first, young))
        filter_add(state, state->max_seq + 1, page_table(mm, first));
}

/* walk_mm: tables used since the last walk that were worth it then, or that
 * look-around has met. */
static void walk_space(struct mm *mm, struct exec *exec, struct generations *state, uint32_t node,
                       const struct address_space *space)
{
    uint32_t space_end = space->first_page + space->pages, walked = 0;
    for (uint32_t first = space->first_page; first < space_end; first += TABLE_PAGES) {
        uint32_t end = space_end - first > TABLE_PAGES ? first + TABLE_PAGES : space_end;
        if (!test_and_clear_table(mm, first, end) ||
            !filter_allows(state, state->max_seq, page_table(mm, first)))
            continue;
        walk_table(mm, state, node, first, end);
        walked += end - first;
    }
    spend(mm, exec, TIME_reclaim_scan, walked * mm->costs->ns[COST_scan_page] / ENTRIES_PER_SCAN);
}

/* Of all that run in the cgroup's address spaces. */
static uint32_t count_interruptions(const struct mm *mm, uint32_t memcg)
{
    uint32_t interruptions = 0;
    for (uint32_t i = 0; i < mm->space_count; i++) {
        const struct address_space *space = &mm->spaces[i];
        if (!space->dead && space->runner && page_memcg(mm, space->first_page) == memcg)
            interruptions += space->runner->interruptions;
    }
    return interruptions;
}

/* lru_gen_use_mm: a process that no processor has switched to since the last walk is left out.
 * That it has run since is taken for a switch (other threads of the kernel are left out). */
static bool was_switched_to(const struct mm *mm, struct generations *state, uint32_t memcg)
{
    uint64_t accesses = mm->counters[COUNTER_accesses];
    uint32_t interruptions = count_interruptions(mm, memcg);
    bool switched =
        !state->walked || state->walked_at != accesses || state->interruptions != interruptions;
    state->walked = true;
    state->walked_at = accesses;
    state->interruptions = interruptions;
    return switched;
}

/* try_to_inc_max_seq: make the pages of young entries part of what is the youngest
 * generation now, then begin a new one. */
static void age(struct mm *mm, struct exec *exec, struct generations *state, uint32_t memcg,
                uint32_t node)
{
    bool used = was_switched_to(mm, state, memcg), first = true;
    for (uint32_t i = 0; used && i < mm->space_count; i++) {
        const struct address_space *space = &mm->spaces[i];
        if (space->dead || page_memcg(mm, space->first_page) != memcg)
            continue;
        if (first)
            filter_clear(mm, state, state->max_seq + 1);
        first = false;
        walk_space(mm, exec, state, node, space);
    }
    state->max_seq++;
}

/* try_to_inc_min_seq: leave empty generations behind. */
static bool drop_empty_generations(struct generations *state)
{
    uint64_t before = state->min_seq;
    while (state->min_seq + GENERATIONS_LEAST <= state->max_seq &&
           !state->lists[state->min_seq % GENERATIONS].count)
        state->min_seq++;
    if (state->min_seq == before)
        return false;
    carry_tiers_over(state);
    return true;
}

/* ---- one page on its way out ---------------------------------------------------------------- */

/* What the eviction of a batch works on. */
struct eviction {
    struct lruvec *lruvec;
    struct generations *state;
    uint32_t memcg, node;
    bool walker; /* kswapd and memory.reclaim hold a walk that collects promotions */
    uint32_t pages[BATCH];
    uint32_t count;
};

static void promote_neighbour(struct mm *mm, struct exec *exec, struct eviction *eviction,
                              uint32_t page)
{
    struct generations *state = eviction->state;
    if (eviction->walker) {
        make_young(mm, state, page);
        return;
    }
    const struct traits *traits = traits_of(mm);
    uint32_t *bits = &mm->cold[page].bits;
    if (traits->one_access && !(*bits & PAGE_ON_LRU)) {
        *bits |= PAGE_REFERENCED;
        return;
    }
    if (!traits->one_access && !second_access(mm, page))
        return;
    if (generation_of(mm, page) == state->max_seq % GENERATIONS)
        return;
    if (traits->youngest_forgets)
        *bits &= ~(uint32_t)(PAGE_REFERENCED | PAGE_WORKINGSET);
    lru_activate(mm, exec, page);
}

/* Up to 6.2: more than fit a batch are promoted at once, by their number alone. */
static void promote_in_place(struct mm *mm, struct exec *exec, struct eviction *eviction,
                             const uint32_t *pages, uint32_t n)
{
    uint32_t listed = 0;
    for (uint32_t i = 0; i < n; i++)
        listed += (mm->cold[pages[i]].bits & PAGE_ON_LRU) &&
                  generation_of(mm, pages[i]) != eviction->state->max_seq % GENERATIONS;
    bool many = listed >= mm->config->vm.lru_add_batch;
    if (many && !eviction->walker)
        lru_lock(mm, exec, eviction->lruvec, listed);
    for (uint32_t i = 0; i < n; i++) {
        if (many)
            make_young(mm, eviction->state, pages[i]);
        else
            promote_neighbour(mm, exec, eviction, pages[i]);
    }
}

/* Which entries to look at around a young one, within its page table: *first up to
 * *end. */
static void find_window(struct mm *mm, uint32_t page, uint32_t *first, uint32_t *end)
{
    const struct address_space *space = page_space(mm, page);
    *first = page - (page - space->first_page) % TABLE_PAGES;
    *end = space->first_page + space->pages;
    if (*end - *first > TABLE_PAGES)
        *end = *first + TABLE_PAGES;
    if (*end - *first <= BATCH)
        return;
    if (page - *first < BATCH / 2) {
        *end = *first + BATCH;
    } else if (*end - page < BATCH / 2) {
        *first = *end - BATCH;
    } else {
        *first = page - BATCH / 2;
        *end = page + BATCH / 2;
    }
}

/* lru_gen_look_around: entries near a young one are likely young; all of them are
 * dealt with at once.  The page's own entry has been tested already, and counts. */
static void look_around(struct mm *mm, struct exec *exec, struct eviction *eviction, uint32_t page)
{
    const struct traits *traits = traits_of(mm);
    uint32_t first, end, young = 1, pages[BATCH], n = 0;
    /* Pages of another cgroup are passed over (get_pfn_folio), as all are once theirs has gone
     * offline while the batch was worked on. */
    if (page_lruvec(mm, page) != eviction->lruvec)
        return;
    find_window(mm, page, &first, &end);
    for (uint32_t at = first; at < end; at++) {
        if (!entry_is_young(mm, at, eviction->node) || is_passed_over(mm, at))
            continue;
        young++;
        make_entry_old(mm, at);
        if (traits->promotes_many_in_place)
            pages[n++] = at;
        else
            promote_neighbour(mm, exec, eviction, at);
    }
    promote_in_place(mm, exec, eviction, pages, n);
    if (traits->marks_itself)
        mm->cold[page].bits |= PAGE_REFERENCED;
    if (worth_a_walk(end - first, young))
        filter_add(eviction->state, eviction->state->max_seq, page_table(mm, page));
}

/* folio_check_references: a young page is kept; 7.3 activates it if that has
 * happened before. */
static enum page_fate check_references(struct mm *mm, struct exec *exec, struct eviction *eviction,
                                       uint32_t page)
{
    bool young = entry_is_young(mm, page, eviction->node);
    if (young) {
        make_entry_old(mm, page);
        look_around(mm, exec, eviction, page);
    }
    if (!traits_of(mm)->one_access) {
        if (!young)
            return FATE_FREED;
        return second_access(mm, page) ? FATE_ACTIVATE : FATE_KEEP;
    }
    bool referenced = mm->cold[page].bits & PAGE_REFERENCED;
    mm->cold[page].bits &= ~(uint32_t)PAGE_REFERENCED;
    if (!young)
        return FATE_FREED;
    mm->cold[page].bits |= PAGE_REFERENCED;
    return referenced ? FATE_ACTIVATE : FATE_KEEP;
}

/* 6.12: look-around or a walk has met this page's young entry while it was isolated,
 * and could do no more than leave a mark. */
static bool was_met_isolated(const struct mm *mm, uint32_t page)
{
    return traits_of(mm)->one_access && (mm->hot[page] & HOT_MAPPED) &&
           (mm->cold[page].bits & PAGE_REFERENCED);
}

/* shrink_folio_list for one page */
static enum page_fate shrink_page(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                  struct eviction *eviction, uint32_t page)
{
    if (was_met_isolated(mm, page))
        return FATE_KEEP;
    if (mm->cold[page].bits & PAGE_WRITEBACK) {
        mm->cold[page].bits |= PAGE_RECLAIM;
        return FATE_ACTIVATE;
    }
    enum page_fate fate = check_references(mm, exec, eviction, page);
    return fate == FATE_FREED ? reclaim_evict(mm, exec, scan, page) : fate;
}

/* ---- a batch --------------------------------------------------------------------------------- */

/* folio_inc_gen: from the oldest generation to the next. */
static void to_next_generation(struct mm *mm, struct generations *state, uint32_t page)
{
    uint32_t cleared = PAGE_REFERENCED;
    if (traits_of(mm)->one_access)
        cleared |= PAGE_WORKINGSET;
    mm->cold[page].bits &= ~cleared;
    change_generation(mm, state, page, (uint32_t)((state->min_seq + 1) % GENERATIONS));
    relink(mm, state, page);
}

/* sort_folio: true when the page, at the tail of the oldest list, is not evicted now. */
static bool sort(struct mm *mm, struct generations *state, uint32_t page)
{
    uint32_t bits = mm->cold[page].bits;
    if (generation_of(mm, page) != state->min_seq % GENERATIONS) {
        relink(mm, state, page);
        return true;
    }
    const struct traits *traits = traits_of(mm);
    bool always_protected = traits->one_access && !traits->youngest_forgets;
    if ((bits & PAGE_WORKINGSET) && (always_protected || workingset_is_protected(traits, state))) {
        tier_of(state, true)->total++;
        to_next_generation(mm, state, page);
        if (!traits->one_access)
            return true;
        struct lru_list *list = &state->lists[list_of(mm, page)];
        lru_list_remove(mm->cold, list, page);
        lru_list_add_tail(mm->cold, list, page);
        if (!traits->counts_every_refault)
            count_event(mm, page_memcg(mm, page), page_node(mm, page),
                        COUNTER_workingset_activate_anon, 1);
        return true;
    }
    if (traits->moves_writeback_on && (bits & PAGE_WRITEBACK)) {
        to_next_generation(mm, state, page);
        mm->cold[page].bits |= PAGE_RECLAIM;
        return true;
    }
    return false;
}

/* isolate_folio */
static void isolate(struct mm *mm, struct eviction *eviction, uint32_t page)
{
    uint32_t cleared = PAGE_ON_LRU;
    const struct traits *traits = traits_of(mm);
    if (traits->moves_writeback_on)
        cleared |= PAGE_RECLAIM;
    if (traits->one_access) {
        cleared |= PAGE_REFERENCED;
        if (!(mm->cold[page].bits & PAGE_REFERENCED))
            cleared |= PAGE_WORKINGSET;
    }
    mglru_remove(mm, eviction->lruvec, page);
    mm->cold[page].bits &= ~cleared;
    eviction->pages[eviction->count++] = page;
}

/* scan_folios: fill a batch from the oldest generation, `most` pages looked at.
 * Returns pages looked at; 0: none isolated although the list came to its end. */
static uint64_t fill_batch(struct mm *mm, struct exec *exec, struct scan_control *scan,
                           struct eviction *eviction, uint64_t most)
{
    struct generations *state = eviction->state;
    uint64_t scanned = 0, sorted = 0;
    eviction->count = 0;
    if (mm->writes_under_way)
        mm->swap_hooks.settle_writes(mm->swap, exec->now_ns);
    if (count_generations(state) <= GENERATIONS_LEAST)
        return 0;
    struct lru_list *list = &state->lists[state->min_seq % GENERATIONS];
    while (list->tail != NO_PAGE && scanned < most && eviction->count < BATCH) {
        uint32_t page = list->tail;
        scanned++;
        if (sort(mm, state, page))
            sorted++;
        else
            isolate(mm, eviction, page);
    }
    lru_lock(mm, exec, eviction->lruvec, (uint32_t)scanned);
    count_event(mm, eviction->memcg, eviction->node, COUNTER_pgscan_anon, eviction->count);
    count_event(mm, eviction->memcg, eviction->node, reclaim_scan_counter(scan), eviction->count);
    count_event(mm, eviction->memcg, eviction->node, COUNTER_pgrefill, sorted);
    spend(mm, exec, TIME_reclaim_scan, scanned * mm->costs->ns[COST_scan_page]);
    return eviction->count || scanned == most || traits_of(mm)->goes_on_to_goal ? scanned : 0;
}

/* shrink_folio_list over the batch: what is not freed stays in it, in order. */
static void shrink_batch(struct mm *mm, struct exec *exec, struct scan_control *scan,
                         struct eviction *eviction)
{
    uint32_t kept = 0;
    uint64_t freed = 0, activated = 0;
    for (uint32_t i = 0; i < eviction->count; i++) {
        uint32_t page = eviction->pages[i];
        if (!reclaim_has_isolated(mm, page))
            continue;
        enum page_fate fate = shrink_page(mm, exec, scan, eviction, page);
        if (fate == FATE_FREED) {
            freed++;
            continue;
        }
        if (fate == FATE_ACTIVATE) {
            mm->cold[page].bits |= PAGE_ACTIVE;
            reclaim_note_activated(mm, exec, page);
            activated++;
        }
        eviction->pages[kept++] = page;
    }
    reclaim_flush_freed(mm, exec, scan);
    eviction->count = kept;
    scan->reclaimed += freed;
    count_event(mm, eviction->memcg, eviction->node, COUNTER_pgactivate, activated);
    count_event(mm, eviction->memcg, eviction->node, COUNTER_pgsteal_anon, freed);
    count_event(mm, eviction->memcg, eviction->node, reclaim_steal_counter(scan), freed);
}

/* Its write has ended while it was isolated: folio_rotate_reclaimable() missed it. */
static bool missed_rotation(const struct mm *mm, uint32_t page)
{
    return !(mm->cold[page].bits & (PAGE_ACTIVE | PAGE_REFERENCED | PAGE_DIRTY | PAGE_WRITEBACK)) &&
           !(mm->hot[page] & HOT_MAPPED);
}

/* A page that eviction has refused must not come back to the oldest generation. */
static void mark_refused(struct mm *mm, const struct eviction *eviction, uint32_t page)
{
    uint32_t *bits = &mm->cold[page].bits;
    if (traits_of(mm)->one_access) {
        if ((*bits & PAGE_RECLAIM) && (*bits & (PAGE_DIRTY | PAGE_WRITEBACK))) {
            if (*bits & PAGE_WORKINGSET)
                *bits |= PAGE_REFERENCED; /* as before isolate_folio() */
            return;
        }
        *bits = (*bits & ~(uint32_t)(PAGE_REFERENCED | PAGE_WORKINGSET)) | PAGE_ACTIVE;
        return;
    }
    *bits &= ~(uint32_t)PAGE_REFERENCED;
    if (place_7_3(eviction->state, *bits, false) == eviction->state->min_seq)
        *bits |= PAGE_ACTIVE;
}

/* The rest of the batch back onto the lists, the oldest first; with `retry`, pages
 * that could be freed now stay in the batch. */
static void put_back(struct mm *mm, struct exec *exec, struct eviction *eviction, bool retry)
{
    uint32_t clean = 0;
    lru_lock(mm, exec, eviction->lruvec, eviction->count);
    for (uint32_t i = 0; i < eviction->count; i++) {
        uint32_t page = eviction->pages[i];
        if (!reclaim_has_isolated(mm, page))
            continue;
        if (retry && missed_rotation(mm, page)) {
            eviction->pages[clean++] = page;
            continue;
        }
        mark_refused(mm, eviction, page);
        mm->cold[page].bits |= PAGE_ON_LRU;
        /* Its cgroup may have gone offline meanwhile. */
        mglru_add(mm, page_lruvec(mm, page), page);
    }
    reclaim_walk_note_lists(mm, eviction->memcg, eviction->node);
    eviction->count = clean;
}

static void shrink_and_put_back(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                struct eviction *eviction)
{
    scan->scanned += eviction->count;
    shrink_batch(mm, exec, scan, eviction);
    put_back(mm, exec, eviction, true);
    if (!eviction->count)
        return;
    scan->scanned += eviction->count;
    shrink_batch(mm, exec, scan, eviction);
    put_back(mm, exec, eviction, false);
}

/* evict_folios, up to 6.19.  Returns 0 when there is no point in going on. */
static uint64_t evict_6_12(struct mm *mm, struct exec *exec, struct scan_control *scan,
                           struct eviction *eviction, bool *swapped)
{
    uint64_t scanned = fill_batch(mm, exec, scan, eviction, SCAN_AT_MOST);
    scanned += drop_empty_generations(eviction->state);
    if (count_generations(eviction->state) <= GENERATIONS_LEAST)
        scanned = 0;
    *swapped |= eviction->count != 0;
    shrink_and_put_back(mm, exec, scan, eviction);
    return scanned;
}

/* evict_folios, 7.3: a second try when all that was looked at had to be sorted. */
static uint64_t evict_7_3(struct mm *mm, struct exec *exec, struct scan_control *scan,
                          struct eviction *eviction, uint64_t most)
{
    drop_empty_generations(eviction->state);
    uint64_t scanned = fill_batch(mm, exec, scan, eviction, most);
    if (scanned && !eviction->count)
        scanned += fill_batch(mm, exec, scan, eviction, most);
    if (scanned)
        drop_empty_generations(eviction->state);
    shrink_and_put_back(mm, exec, scan, eviction);
    return scanned;
}

/* ---- one cgroup on one node ------------------------------------------------------- */

/* should_run_aging, up to 6.13: old generations run out, the youngest holds more than its
 * share, or the oldest less. */
static bool should_age_6_12(const struct generations *state)
{
    if (state->min_seq + GENERATIONS_LEAST > state->max_seq)
        return true;
    if (state->min_seq + GENERATIONS_LEAST < state->max_seq)
        return false;
    uint64_t total = total_pages(state), young = state->pages[state->max_seq % GENERATIONS];
    uint64_t old = state->pages[state->min_seq % GENERATIONS];
    return young * GENERATIONS_LEAST > total || old * (GENERATIONS_LEAST + 2) < total;
}

/* should_run_aging, 6.14 to 6.19 */
static bool should_age_6_14(const struct generations *state)
{
    return state->min_seq + GENERATIONS_LEAST >= state->max_seq;
}

/* should_run_aging, 7.3: not for gentle reclaim while eviction is possible. */
static bool should_age_7_3(const struct generations *state, const struct scan_control *scan)
{
    if (state->min_seq + GENERATIONS_LEAST > state->max_seq)
        return true;
    return scan->priority != PRIORITY_START && state->min_seq + GENERATIONS_LEAST == state->max_seq;
}

static bool is_root_reclaim(const struct scan_control *scan)
{
    return !scan->limit_reclaim || scan->target == ROOT_MEMCG;
}

/* should_abort_scan */
static bool should_stop(const struct mm *mm, const struct scan_control *scan, uint32_t node)
{
    if (!traits_of(mm)->goes_on_to_goal && !is_root_reclaim(scan))
        return false;
    if (scan->reclaimed >= scan->goal)
        return true;
    return scan->kswapd && mm->nodes[node].free_pages > mm->nodes[node].watermark_high + BATCH;
}

/* should_abort_scan, 6.1 and 6.2 */
static bool should_stop_6_1(const struct mm *mm, const struct scan_control *scan,
                            const struct eviction *eviction, bool swapped)
{
    if (!scan->kswapd) {
        if (scan->reclaimed >= scan->goal && swapped)
            return true;
        if (!is_root_reclaim(scan))
            return false;
    } else if (scan->reclaimed < scan->goal) {
        return false;
    }
    if (scan->priority > PRIORITY_START - 2)
        return false;
    const struct node *node = &mm->nodes[eviction->node];
    return node->free_pages >= (scan->kswapd ? node->watermark_high : node->watermark_low);
}

/* lru_gen_shrink_lruvec and get_nr_to_scan, 6.1 and 6.2: reclaim goes on after aging, once. */
static void shrink_6_1(struct mm *mm, struct exec *exec, struct scan_control *scan,
                       struct eviction *eviction)
{
    struct generations *state = eviction->state;
    uint64_t scanned = 0, max_seq = state->max_seq;
    for (bool swapped = false;;) {
        bool evictable = state->min_seq + GENERATIONS_LEAST <= state->max_seq;
        uint64_t n = total_pages(state) >> scan->priority;
        if (should_age_6_12(state)) {
            if (scan->priority == PRIORITY_START) {
                n = evictable ? n : 0;
            } else if (scan->kswapd) {
                return; /* mglru_age_node() has done what was to be done */
            } else {
                age(mm, exec, state, eviction->memcg, eviction->node);
                eviction->walker = true;
            }
        }
        if (!n)
            return;
        uint64_t delta = evict_6_12(mm, exec, scan, eviction, &swapped);
        scanned += delta;
        if (!delta || scanned >= n || state->max_seq - max_seq > 1 ||
            should_stop_6_1(mm, scan, eviction, swapped))
            return;
    }
}

/* apply_proportional_protection, from 6.17 on */
static uint64_t unprotected_part(const struct mm *mm, struct scan_control *scan, uint32_t memcg,
                                 uint64_t pages)
{
    const struct memcg *at = &mm->memcgs[memcg];
    if (memcg == scan->target || (!at->effective_min && !at->effective_low))
        return pages;
    uint64_t protection = reclaim_protection(mm, scan, memcg);
    uint64_t usage = at->usage > protection ? at->usage : protection;
    uint64_t left = pages - (uint64_t)((unsigned __int128)pages * protection / (usage + 1));
    return left > RECLAIM_CLUSTER ? left : RECLAIM_CLUSTER;
}

/* try_to_shrink_lruvec and get_nr_to_scan, 6.3 to 6.19.  Aging ends the turn. */
static void shrink_6_12(struct mm *mm, struct exec *exec, struct scan_control *scan,
                        struct eviction *eviction)
{
    struct generations *state = eviction->state;
    bool swapped = false, one_access = traits_of(mm)->one_access;
    for (uint64_t scanned = 0;;) {
        bool evictable = state->min_seq + GENERATIONS_LEAST <= state->max_seq;
        bool wants_aging = one_access ? should_age_6_12(state) : should_age_6_14(state);
        if (wants_aging && scan->priority != PRIORITY_START) {
            age(mm, exec, state, eviction->memcg, eviction->node);
            return;
        }
        uint64_t n = evictable ? total_pages(state) : 0;
        if (!one_access)
            n = unprotected_part(mm, scan, eviction->memcg, n);
        n >>= scan->priority;
        if (!n)
            return;
        uint64_t delta = evict_6_12(mm, exec, scan, eviction, &swapped);
        scanned += delta;
        if (!delta || scanned >= n || should_stop(mm, scan, eviction->node))
            return;
    }
}

/* try_to_shrink_lruvec, 7.3 */
static void shrink_7_3(struct mm *mm, struct exec *exec, struct scan_control *scan,
                       struct eviction *eviction)
{
    struct generations *state = eviction->state;
    uint64_t left = unprotected_part(mm, scan, eviction->memcg, total_pages(state));
    left >>= scan->priority;
    bool aged = false;
    while (left) {
        if (should_age_7_3(state, scan)) {
            age(mm, exec, state, eviction->memcg, eviction->node);
            aged = true;
        }
        uint64_t delta = evict_7_3(mm, exec, scan, eviction, left < BATCH ? left : BATCH);
        if (!delta || should_stop(mm, scan, eviction->node) || (is_root_reclaim(scan) && aged))
            return;
        left -= delta < left ? delta : left;
    }
}

static void mglru_shrink_lruvec(struct mm *mm, struct exec *exec, struct scan_control *scan,
                                uint32_t memcg, uint32_t node)
{
    struct lruvec *lruvec = &mm->memcgs[memcg].lruvecs[node];
    lru_add_drain(mm, exec);
    if (!memcg_swappiness(mm, memcg) || !mm->swap_hooks.room(mm->swap, memcg))
        return;
    const struct traits *traits = traits_of(mm);
    if (!traits->goes_on_after_aging && is_root_reclaim(scan) && should_stop(mm, scan, node))
        return; /* shrink_many has met its goal at an earlier cgroup */
    struct eviction eviction = {
        .lruvec = lruvec,
        .state = generations_of(lruvec),
        .memcg = memcg,
        .node = node,
        .walker =
            scan->kswapd || (scan->proactive && !traits->goes_on_after_aging), /* set_mm_walk */
    };
    if (traits->goes_on_after_aging)
        shrink_6_1(mm, exec, scan, &eviction);
    else if (traits->goes_on_to_goal)
        shrink_7_3(mm, exec, scan, &eviction);
    else
        shrink_6_12(mm, exec, scan, &eviction);
}

/* lru_gen_age_node, 6.1 and 6.2.  Leaves out that it is passed over where a cgroup has just had
 * enough to evict (memcgs_need_aging). */
static void mglru_age_node(struct mm *mm, struct exec *exec, struct scan_control *scan,
                           uint32_t node)
{
    (void)scan;
    const struct traits *traits = traits_of(mm);
    if (!traits->goes_on_after_aging)
        return;
    for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++) {
        if (mm->memcgs[memcg].offline || !memcg_swappiness(mm, memcg) ||
            !mm->swap_hooks.room(mm->swap, memcg))
            continue;
        struct generations *state = generations_of(&mm->memcgs[memcg].lruvecs[node]);
        if (should_age_6_12(state))
            age(mm, exec, state, memcg, node);
    }
}

/* set_initial_priority (6.3): kswapd begins where inactive pages >> priority is its goal. */
static void mglru_begin_pass(struct mm *mm, struct scan_control *scan, uint32_t node)
{
    const struct traits *traits = traits_of(mm);
    if (traits->goes_on_after_aging)
        return;
    if (!is_root_reclaim(scan) || scan->priority != PRIORITY_START || scan->goal < BATCH)
        return;
    uint64_t inactive = 0, goal = scan->goal - 1;
    for (uint32_t i = 0; i < mm->memcg_count; i++) {
        uint64_t sizes[LRU_LISTS];
        mglru_sizes(mm, &mm->memcgs[i].lruvecs[node], sizes);
        inactive += sizes[LRU_INACTIVE_ANON];
    }
    int priority = -1;
    for (; inactive; inactive >>= 1)
        priority++;
    for (; goal; goal >>= 1)
        priority--;
    if (priority < PRIORITY_START / 2)
        priority = PRIORITY_START / 2;
    if (priority < PRIORITY_START)
        scan->priority = priority;
}

/* ---- refaults
 * ------------------------------------------------------------------------------------ */

/* The shadow keeps the oldest generation's number in the bits that shadow_place()
 * leaves free. */
enum { SHADOW_SEQ_SHIFT = 21, SHADOW_SEQ_MASK = (1 << 11) - 1 };

/* lru_gen_eviction: in the name of the owner, whoever reclaims. */
static void mglru_evict(struct mm *mm, uint32_t target, uint32_t page)
{
    (void)target;
    uint32_t owner = page_memcg(mm, page);
    bool workingset = mm->cold[page].bits & PAGE_WORKINGSET;
    struct generations *state = generations_of(page_lruvec(mm, page));
    workingset_evict(mm, owner, page);
    mm->cold[page].shadow.place |= (uint32_t)(state->min_seq & SHADOW_SEQ_MASK) << SHADOW_SEQ_SHIFT;
    tier_of(state, workingset)->total++;
}

/* lru_gen_test_recent: 6.12: the generation it left is still the oldest; 7.3: it
 * would still be one of those that are kept. */
static bool is_recent(const struct mm *mm, const struct generations *state, uint32_t place)
{
    uint32_t seq = place >> SHADOW_SEQ_SHIFT;
    if (traits_of(mm)->one_access)
        return seq == (state->min_seq & SHADOW_SEQ_MASK);
    return (((uint32_t)state->max_seq - seq) & SHADOW_SEQ_MASK) < GENERATIONS;
}

/* lru_gen_refault */
static void mglru_refault(struct mm *mm, const struct exec *exec, uint32_t page, uint32_t age_then,
                          uint32_t place)
{
    (void)age_then;
    uint32_t owner = page_memcg(mm, page), node = page_node(mm, page);
    if (shadow_memcg(place) != owner || shadow_node(place) != node)
        return;
    const struct traits *traits = traits_of(mm);
    struct generations *state = generations_of(page_lruvec(mm, page));
    bool recent = is_recent(mm, state, place);
    if (recent || traits->counts_every_refault)
        count_event(mm, owner, node, COUNTER_workingset_refault_anon, 1);
    if (!recent)
        return;
    bool in_fault = exec->space != NO_SPACE, workingset = shadow_workingset(place);
    tier_of(state, workingset)->refaulted++;
    if (traits->counts_every_refault && (traits->one_access || in_fault))
        count_event(mm, owner, node, COUNTER_workingset_activate_anon, 1);
    if (traits->one_access ? in_fault : workingset) {
        mm->cold[page].bits |= PAGE_WORKINGSET;
        count_event(mm, owner, node, COUNTER_workingset_restore_anon, 1);
    }
}

/* ---- books
 * ------------------------------------------------------------------------------------------ */

static const char *mglru_check(const struct mm *mm, const struct lruvec *lruvec)
{
    const struct generations *state = lruvec->reclaim_state;
    uint64_t pages[GENERATIONS] = {0};
    if (!state)
        return NULL;
    if (count_generations(state) < GENERATIONS_LEAST || count_generations(state) > GENERATIONS)
        return "a lruvec has fewer than 2 or more than 4 generations";
    for (uint32_t list = 0; list < GENERATIONS; list++) {
        uint32_t count = 0, previous = NO_PAGE;
        for (uint32_t page = state->lists[list].head; page != NO_PAGE;
             page = mm->cold[page].lru.next) {
            if (mm->cold[page].lru.previous != previous)
                return "a link of a generation's list does not point back";
            if (!(mm->cold[page].bits & PAGE_ON_LRU) || list_of(mm, page) != list)
                return "a page is on the wrong generation's list";
            previous = page;
            pages[generation_of(mm, page)]++;
            if (++count > state->lists[list].count)
                return "a generation's list is longer than its count";
        }
        if (count != state->lists[list].count)
            return "a generation's list is shorter than its count";
    }
    for (uint32_t i = 0; i < GENERATIONS; i++)
        if (pages[i] != state->pages[i])
            return "a generation has more or fewer pages than it counts";
    return NULL;
}

static const struct reclaim_hooks mglru_hooks = {
    .add = mglru_add,
    .remove = mglru_remove,
    .rotate = mglru_rotate,
    .reparent = mglru_reparent,
    .enter = mglru_enter,
    .sizes = mglru_sizes,
    .release = mglru_release,
    .shrink_lruvec = mglru_shrink_lruvec,
    .begin_pass = mglru_begin_pass,
    .age_node = mglru_age_node,
    .evict = mglru_evict,
    .refault = mglru_refault,
    .check = mglru_check,
};

const struct policy mglru_policy = {
    .name = "mglru",
    .summary = "up to four generations, aged by page-table walks; the oldest is evicted",
    .source = "Linux 6.1, 6.12, 7.0 and 7.3 mm/vmscan.c, mm/workingset.c with CONFIG_LRU_GEN",
    .params = PARAM_TABLE(mglru_rows, struct mglru_params),
    .hooks = &mglru_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

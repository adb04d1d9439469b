#include "sim/mm/reclaim_walk.h"

#include <stdlib.h>

#include "policies/reclaim/reclaim.h"
#include "sim/base/memory.h"
#include "sim/mm/memcg.h"

enum { LEVELS = 32, WORD_BITS = 64 };

/* Cgroups are known by their place in a pre-order walk, where a subtree is a range.  (That and all
 * else that a search reads lies here, close together: a cgroup's record is in no cache of the
 * host.) */
struct reclaim_walk {
    /* Where cgroups are not numbered as they are walked, else NULL: [memcgs]; and the cgroup at a
     * place.  (Nearly always they are, and two look-ups a search are saved.) */
    uint32_t *places, *order;
    uint32_t *end;            /* [memcgs]: the place behind the subtree */
    struct walk_sizes *sizes; /* [nodes][place] */
    uint64_t *marks; /* [nodes][levels][stride]: the places whose size to scan reaches the level */
    uint64_t *aging; /* [nodes][stride]: the places that want aging, whatever their size */
    uint64_t *idle;  /* [nodes][stride]: those that have nothing to age; never the root, whose
                        swappiness may be another than the others' */
    /* Of places there are so many words; behind them which of these words are not empty: at high
     * priorities hardly any is. */
    uint32_t words, stride;
    uint64_t changes; /* of sizes to scan */
    /* Sizes noted since they were last looked at are not among the others yet: there may be many
     * for each walk, or no walks at all, as where each cgroup has its own limit. */
    struct walk_sizes *noted_sizes; /* [nodes][place]; where there are none, those that are kept */
    uint64_t *noted;                /* [nodes][stride]: the places where there are some */
    bool any_noted;                 /* so on some node */
    const struct lruvec *last;      /* noted; most come one after the other from the same cgroup */
    struct walk_sizes *last_sizes;  /* among noted_sizes */
};

static uint64_t *aging_on(const struct reclaim_walk *walk, uint32_t node)
{
    return walk->aging + (size_t)node * walk->stride;
}

static uint64_t *noted_on(const struct reclaim_walk *walk, uint32_t node)
{
    return walk->noted + (size_t)node * walk->stride;
}

static uint64_t *idle_on(const struct reclaim_walk *walk, uint32_t node)
{
    return walk->idle + (size_t)node * walk->stride;
}

static inline uint32_t place_of(const struct reclaim_walk *walk, uint32_t memcg)
{
    return walk->places ? walk->places[memcg] : memcg;
}

static inline uint32_t memcg_at(const struct reclaim_walk *walk, uint32_t place)
{
    return walk->order ? walk->order[place] : place;
}

static uint64_t *marks_of(const struct reclaim_walk *walk, uint32_t node, unsigned level)
{
    return walk->marks + ((size_t)node * LEVELS + level) * walk->stride;
}

/* How many levels a size reaches: two from one power of two to the next, as a priority asks
 * for a power of two, or for three times one where a third of all is scanned.  (Finding the
 * next of 10,000 cgroups took 7 % of the time with one level, 4 % with two.) */
static unsigned levels_of(uint32_t size)
{
    if (size < 2)
        return size;
    unsigned below = 30 - (unsigned)__builtin_clz(size); /* power of two */
    unsigned levels = 2 * below + (size >> below);       /* that is 2 or 3 */
    return levels < LEVELS ? levels : LEVELS;
}

static void set_mark(const struct reclaim_walk *walk, uint64_t *marks, uint32_t place)
{
    uint32_t word = place / WORD_BITS;
    marks[word] |= 1ull << place % WORD_BITS;
    marks[walk->words + word / WORD_BITS] |= 1ull << word % WORD_BITS;
}

static void clear_mark(const struct reclaim_walk *walk, uint64_t *marks, uint32_t place)
{
    uint32_t word = place / WORD_BITS;
    marks[word] &= ~(1ull << place % WORD_BITS);
    if (!marks[word])
        marks[walk->words + word / WORD_BITS] &= ~(1ull << word % WORD_BITS);
}

static bool is_marked(const uint64_t *marks, uint32_t place)
{
    return marks[place / WORD_BITS] >> place % WORD_BITS & 1;
}

/* The first bit from `at` on that is set, `end` or more if there is none. */
static uint32_t next_bit(const uint64_t *bits, uint32_t at, uint32_t end)
{
    while (at < end) {
        uint64_t word = bits[at / WORD_BITS] >> at % WORD_BITS;
        if (word)
            return at + (uint32_t)__builtin_ctzll(word);
        at = (at / WORD_BITS + 1) * WORD_BITS;
    }
    return end;
}

/* The first place from `place` on that is marked, `end` if there is none. */
static inline uint32_t next_marked(const struct reclaim_walk *walk, const uint64_t *marks,
                                   uint32_t place, uint32_t end)
{
    if (place >= end)
        return end;
    uint64_t word = marks[place / WORD_BITS] >> place % WORD_BITS;
    if (!word) {
        uint32_t at = next_bit(marks + walk->words, place / WORD_BITS + 1, walk->words);
        if (at >= walk->words)
            return end;
        place = at * WORD_BITS;
        word = marks[at];
    }
    place += (uint32_t)__builtin_ctzll(word);
    return place < end ? place : end;
}

static __attribute__((noinline)) void change_marks(const struct reclaim_walk *walk, uint32_t node,
                                                   uint32_t place, unsigned before, unsigned now)
{
    for (; before < now; before++)
        set_mark(walk, marks_of(walk, node, before), place);
    while (before > now)
        clear_mark(walk, marks_of(walk, node, --before), place);
}

static __attribute__((noinline)) void change_idle(const struct reclaim_walk *walk, uint32_t node,
                                                  uint32_t place, bool idle)
{
    if (!idle)
        clear_mark(walk, idle_on(walk, node), place);
    else if (place != place_of(walk, ROOT_MEMCG))
        set_mark(walk, idle_on(walk, node), place);
}

static inline struct walk_sizes *sizes_of(const struct mm *mm, uint32_t node)
{
    return mm->walk->sizes + (size_t)node * mm->memcg_count;
}

static inline struct walk_sizes *noted_sizes_of(const struct mm *mm, uint32_t node)
{
    return mm->walk->noted_sizes + (size_t)node * mm->memcg_count;
}

static inline void set_sizes(const struct mm *mm, uint32_t node, uint32_t place,
                             struct walk_sizes now)
{
    struct reclaim_walk *walk = mm->walk;
    struct walk_sizes *kept = &sizes_of(mm, node)[place], before = *kept;
    *kept = now;
    if (!before.to_age != !now.to_age)
        change_idle(walk, node, place, !now.to_age);
    if (before.to_scan == now.to_scan)
        return;
    walk->changes++;
    if (levels_of(before.to_scan) != levels_of(now.to_scan))
        change_marks(walk, node, place, levels_of(before.to_scan), levels_of(now.to_scan));
}

static __attribute__((noinline)) void settle_noted(const struct mm *mm)
{
    struct reclaim_walk *walk = mm->walk;
    walk->any_noted = false;
    walk->last = NULL;
    for (uint32_t node = 0; node < mm->node_count; node++) {
        uint64_t *noted = noted_on(walk, node);
        for (uint32_t place = 0;
             (place = next_marked(walk, noted, place, mm->memcg_count)) < mm->memcg_count;) {
            clear_mark(walk, noted, place);
            set_sizes(mm, node, place, noted_sizes_of(mm, node)[place]);
        }
    }
}

/* Before sizes are looked at. */
static inline void settle(const struct mm *mm)
{
    if (mm->walk->any_noted)
        settle_noted(mm);
}

static inline struct walk_sizes sizes_now(const struct mm *mm, const struct memcg *memcg,
                                          const struct lruvec *lruvec)
{
    struct walk_sizes sizes = mm->reclaim->walk_sizes(lruvec);
    if (memcg->is_protected) /* that is worked out, and counted, at the visit */
        sizes.to_scan = UINT32_MAX;
    return sizes;
}

static bool wants_aging(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct memcg *owner = &mm->memcgs[memcg];
    return !owner->offline && mm->reclaim->wants_aging(&owner->lruvecs[node]);
}

static void set_aging(struct mm *mm, uint32_t memcg, uint32_t node)
{
    uint64_t *aging = aging_on(mm->walk, node);
    if (wants_aging(mm, memcg, node))
        set_mark(mm->walk, aging, place_of(mm->walk, memcg));
    else
        clear_mark(mm->walk, aging, place_of(mm->walk, memcg));
}

void reclaim_walk_note(struct mm *mm, uint32_t memcg, uint32_t node)
{
    struct reclaim_walk *walk = mm->walk;
    if (!walk)
        return;
    const struct memcg *owner = &mm->memcgs[memcg];
    const struct lruvec *lruvec = &owner->lruvecs[node];
    if (walk->last != lruvec) {
        uint32_t place = place_of(walk, memcg);
        walk->any_noted = true;
        walk->last = lruvec;
        walk->last_sizes = &noted_sizes_of(mm, node)[place];
        set_mark(walk, noted_on(walk, node), place);
    }
    *walk->last_sizes = sizes_now(mm, owner, lruvec);
}

/* The same at once, as the walk goes on and looks at it. */
static void note_at_once(struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct memcg *owner = &mm->memcgs[memcg];
    if (!mm->walk)
        return;
    uint32_t place = place_of(mm->walk, memcg);
    struct walk_sizes sizes = sizes_now(mm, owner, &owner->lruvecs[node]);
    noted_sizes_of(mm, node)[place] = sizes; /* in place of what was noted before */
    set_sizes(mm, node, place, sizes);
}

void reclaim_walk_note_lists(struct mm *mm, uint32_t memcg, uint32_t node)
{
    note_at_once(mm, memcg, node);
    while (mm->memcgs[memcg].offline) {
        memcg = mm->memcgs[memcg].parent;
        reclaim_walk_note(mm, memcg, node);
    }
}

void reclaim_walk_note_seen(struct mm *mm, uint32_t memcg, uint32_t node)
{
    reclaim_walk_note(mm, memcg, node);
    if (mm->walk)
        set_aging(mm, memcg, node);
}

static void note_protection_of(struct mm *mm, uint32_t memcg)
{
    struct memcg *at = &mm->memcgs[memcg];
    bool above = at->above && at->above->is_protected;
    at->is_protected = above || at->memory_min || at->memory_low;
    if (!at->is_protected)
        at->effective_min = at->effective_low = 0; /* no visit looks at them */
    for (uint32_t node = 0; node < mm->node_count; node++)
        reclaim_walk_note(mm, memcg, node);
}

void reclaim_walk_note_protection(struct mm *mm, uint32_t root)
{
    for (uint32_t memcg = root; memcg != NO_MEMCG; memcg = memcg_next(mm, root, memcg))
        note_protection_of(mm, memcg);
}

static void forget_places(struct reclaim_walk *walk)
{
    free(walk->places);
    free(walk->order);
    walk->places = walk->order = NULL;
}

static void number_places(struct mm *mm)
{
    struct reclaim_walk *walk = mm->walk;
    uint32_t place = 0;
    bool in_order = true;
    walk->places = memory_zeroed(mm->memcg_count, sizeof(*walk->places), "the walks of reclaim");
    walk->order = memory_zeroed(mm->memcg_count, sizeof(*walk->order), "the walks of reclaim");
    for (uint32_t memcg = ROOT_MEMCG; memcg != NO_MEMCG;
         memcg = memcg_next(mm, ROOT_MEMCG, memcg)) {
        in_order &= memcg == place;
        walk->order[place] = memcg;
        walk->places[memcg] = place++;
        walk->end[memcg] = place;
    }
    if (in_order)
        forget_places(walk);
    /* Children have higher numbers than their parents. */
    for (uint32_t memcg = mm->memcg_count - 1; memcg > ROOT_MEMCG; memcg--) {
        uint32_t parent = mm->memcgs[memcg].parent;
        if (walk->end[parent] < walk->end[memcg])
            walk->end[parent] = walk->end[memcg];
    }
}

void reclaim_walk_init(struct mm *mm)
{
    if (!mm->reclaim->walk_sizes) {
        reclaim_walk_note_protection(mm, ROOT_MEMCG);
        return;
    }
    struct reclaim_walk *walk = mm->walk = memory_zeroed(1, sizeof(*walk), "the walks of reclaim");
    uint32_t count = mm->memcg_count;
    walk->words = (count + WORD_BITS - 1) / WORD_BITS;
    walk->stride = walk->words + (walk->words + WORD_BITS - 1) / WORD_BITS;
    walk->end = memory_zeroed(count, sizeof(*walk->end), "the walks of reclaim");
    walk->sizes =
        memory_zeroed((size_t)count * mm->node_count, sizeof(*walk->sizes), "the walks of reclaim");
    walk->noted_sizes = memory_zeroed((size_t)count * mm->node_count, sizeof(*walk->noted_sizes),
                                      "the walks of reclaim");
    walk->noted = memory_zeroed((size_t)mm->node_count * walk->stride, sizeof(*walk->noted),
                                "the walks of reclaim");
    walk->marks = memory_zeroed((size_t)mm->node_count * LEVELS * walk->stride,
                                sizeof(*walk->marks), "the walks of reclaim");
    walk->aging = memory_zeroed((size_t)mm->node_count * walk->stride, sizeof(*walk->aging),
                                "the walks of reclaim");
    walk->idle = memory_zeroed((size_t)mm->node_count * walk->stride, sizeof(*walk->idle),
                               "the walks of reclaim");
    number_places(mm);
    for (uint32_t node = 0; node < mm->node_count; node++)
        for (uint32_t place = 0; place < count; place++)
            change_idle(walk, node, place, true);
    reclaim_walk_note_protection(mm, ROOT_MEMCG);
}

void reclaim_walk_release(struct mm *mm)
{
    struct reclaim_walk *walk = mm->walk;
    if (!walk)
        return;
    forget_places(walk);
    free(walk->end);
    free(walk->sizes);
    free(walk->noted_sizes);
    free(walk->noted);
    free(walk->marks);
    free(walk->aging);
    free(walk->idle);
    free(walk);
    mm->walk = NULL;
}

/* The shrinker asks every cgroup, and folds in its statistics. */
static bool visits_all(const struct mm *mm)
{
    return !mm->walk || mm->swap_hooks.shrinks_slab;
}

uint32_t reclaim_walk_least(const struct mm *mm, const struct scan_control *scan, uint32_t node)
{
    return visits_all(mm) ? 0 : mm->reclaim->least_to_scan(mm, scan, node);
}

bool reclaim_walk_passes_over(struct mm *mm, struct scan_control *scan, uint32_t node)
{
    if (visits_all(mm))
        return false;
    if (mm->reclaim->begin_pass)
        mm->reclaim->begin_pass(mm, scan, node);
    uint32_t least = reclaim_walk_least(mm, scan, node);
    const struct memcg *target = &mm->memcgs[scan->target];
    return least && sizes_now(mm, target, &target->lruvecs[node]).to_scan < least &&
           !mm->reclaim->wants_aging(&target->lruvecs[node]);
}

/* Where a walk of the root's subtree goes on behind `current`; NO_MEMCG: it begins. */
static inline uint32_t place_after(const struct reclaim_walk *walk, uint32_t root, uint32_t current)
{
    return current == NO_MEMCG ? place_of(walk, root) : place_of(walk, current) + 1;
}

uint32_t reclaim_walk_next(const struct mm *mm, uint32_t root, uint32_t node, uint32_t least,
                           uint32_t current)
{
    if (!least)
        return memcg_next(mm, root, current);
    settle(mm);
    const struct reclaim_walk *walk = mm->walk;
    uint32_t place = place_after(walk, root, current), end = walk->end[root];
    const struct walk_sizes *sizes = sizes_of(mm, node);
    const uint64_t *marks = marks_of(walk, node, levels_of(least) - 1);
    while ((place = next_marked(walk, marks, place, end)) < end && sizes[place].to_scan < least)
        place++;
    return place < end ? memcg_at(walk, place) : NO_MEMCG;
}

uint32_t reclaim_walk_length(const struct mm *mm, uint32_t root, uint32_t current, uint32_t next)
{
    const struct reclaim_walk *walk = mm->walk;
    if (!walk)
        return next != NO_MEMCG;
    if (next != NO_MEMCG)
        return place_of(walk, next) + 1 - place_after(walk, root, current);
    return walk->end[root] - place_after(walk, root, current);
}

uint32_t reclaim_walk_next_aging(const struct mm *mm, uint32_t root, uint32_t node,
                                 uint32_t current, uint32_t next, uint32_t *passed_over)
{
    settle(mm);
    const struct reclaim_walk *walk = mm->walk;
    const uint64_t *aging = aging_on(walk, node), *idle = idle_on(walk, node);
    uint32_t place = place_after(walk, root, current);
    uint32_t end = next == NO_MEMCG ? walk->end[root] : place_of(walk, next);
    while ((place = next_marked(walk, aging, place, end)) < end && passed_over &&
           is_marked(idle, place)) {
        ++*passed_over;
        place++;
    }
    return place < end ? memcg_at(walk, place) : NO_MEMCG;
}

uint64_t reclaim_walk_changes(const struct mm *mm)
{
    settle(mm);
    return mm->walk->changes;
}

const char *reclaim_walk_check(const struct mm *mm, uint32_t memcg, uint32_t node)
{
    const struct reclaim_walk *walk = mm->walk;
    if (!walk)
        return NULL;
    settle(mm);
    uint32_t place = place_of(walk, memcg), size = sizes_of(mm, node)[place].to_scan;
    const struct memcg *owner = &mm->memcgs[memcg];
    struct walk_sizes now = sizes_now(mm, owner, &owner->lruvecs[node]);
    if (size < now.to_scan && !owner->offline)
        return "reclaim would pass over a cgroup that has pages for it";
    if (is_marked(idle_on(walk, node), place) && now.to_age)
        return "reclaim would pass over a cgroup that has pages to age";
    bool aging = is_marked(aging_on(walk, node), place);
    if (aging != wants_aging(mm, memcg, node))
        return "reclaim would not age a cgroup that wants it, or one that does not";
    for (unsigned level = 0; level < LEVELS; level++)
        if (is_marked(marks_of(walk, node, level), place) != (level < levels_of(size)))
            return "the marks for walks of reclaim are not those of the sizes";
    return NULL;
}

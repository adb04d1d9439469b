#include "workloads/analysis/stack_distance.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

enum { WORD_BITS = 64, TIMES_AT_LEAST = 1 << 12, SLOTS_AT_LEAST = 1 << 10 };

struct slot {
    uint64_t page;
    uint32_t number; /* of the page, in the order of first access, plus one; 0: empty */
};

struct stack_distances {
    struct slot *slots; /* open addressing, a power of two */
    uint64_t slot_count;
    uint32_t pages; /* numbers given */
    uint64_t live;  /* times that are owned or vacant */
    uint64_t *last; /* [last_room]: by number, time of the last access plus one; 0: forgotten */
    uint64_t last_room;
    uint64_t now, times; /* the next time, and how many there is room for */
    uint32_t *owner;     /* [times]: number plus one, 0: vacant; where the bit is set */
    uint64_t *bits;      /* [times / WORD_BITS]: the time is the last of its owner, or vacant */
    uint64_t *tree;      /* [times / WORD_BITS + 1]: Fenwick tree over the words' set bits */
    uint64_t *vacant;    /* [vacant_room]: times of dropped pages, a heap, latest first */
    uint64_t vacant_count, vacant_room;
};

/* ---- numbers of pages ----------------------------------------------------- */

static struct slot *find_slot(struct slot *slots, uint64_t count, uint64_t page)
{
    uint64_t at = random_splitmix(page) & (count - 1);
    while (slots[at].number && slots[at].page != page)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static void grow_slots(struct stack_distances *in)
{
    uint64_t count = in->slot_count * 2;
    struct slot *slots = memory_zeroed(count, sizeof(*slots), "a table of pages");
    for (uint64_t i = 0; i < in->slot_count; i++)
        if (in->slots[i].number)
            *find_slot(slots, count, in->slots[i].page) = in->slots[i];
    free(in->slots);
    in->slots = slots;
    in->slot_count = count;
}

static void number_page(struct stack_distances *in, struct slot *slot, uint64_t page)
{
    if (in->pages == in->last_room) {
        in->last_room *= 2;
        in->last = memory_resized(in->last, in->last_room, sizeof(*in->last), "times of pages");
    }
    in->last[in->pages] = 0;
    *slot = (struct slot){.page = page, .number = ++in->pages};
    if (2 * (uint64_t)in->pages > in->slot_count)
        grow_slots(in);
}

/* ---- bits in the order of time --------------------------------------------- */

static void tree_add(struct stack_distances *in, uint64_t word, uint64_t change)
{
    for (uint64_t i = word + 1; i <= in->times / WORD_BITS; i += i & (0 - i))
        in->tree[i] += change;
}

/* Bits set at times 0..time. */
static uint64_t count_until(const struct stack_distances *in, uint64_t time)
{
    uint64_t word = time / WORD_BITS, count = 0;
    uint64_t mask = ~(uint64_t)0 >> (WORD_BITS - 1 - time % WORD_BITS);
    for (uint64_t i = word; i > 0; i -= i & (0 - i))
        count += in->tree[i];
    return count + (uint64_t)__builtin_popcountll(in->bits[word] & mask);
}

static void set_bit(struct stack_distances *in, uint64_t time)
{
    in->bits[time / WORD_BITS] |= (uint64_t)1 << (time % WORD_BITS);
    tree_add(in, time / WORD_BITS, 1);
}

static void clear_bit(struct stack_distances *in, uint64_t time)
{
    in->bits[time / WORD_BITS] &= ~((uint64_t)1 << (time % WORD_BITS));
    tree_add(in, time / WORD_BITS, (uint64_t)-1);
}

static bool is_set(const struct stack_distances *in, uint64_t time)
{
    return in->bits[time / WORD_BITS] >> (time % WORD_BITS) & 1;
}

/* The first `live` bits are set and no others: fill words and tree in one pass. */
static void set_first_bits(struct stack_distances *in)
{
    uint64_t words = in->times / WORD_BITS, left = in->live;
    memset(in->tree, 0, (words + 1) * sizeof(*in->tree));
    for (uint64_t i = 0; i < words; i++) {
        uint64_t count = left < WORD_BITS ? left : WORD_BITS, up = i + 1 + ((i + 1) & ~i);
        in->bits[i] = count == WORD_BITS ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
        in->tree[i + 1] += count;
        if (up <= words)
            in->tree[up] += in->tree[i + 1];
        left -= count;
    }
}

/* ---- places of dropped pages -------------------------------------------------- */

static void add_vacant(struct stack_distances *in, uint64_t time)
{
    if (in->vacant_count == in->vacant_room) {
        in->vacant_room = in->vacant_room * 2 + SLOTS_AT_LEAST;
        in->vacant =
            memory_resized(in->vacant, in->vacant_room, sizeof(*in->vacant), "dropped pages");
    }
    uint64_t at = in->vacant_count++;
    for (; at > 0 && in->vacant[(at - 1) / 2] < time; at = (at - 1) / 2)
        in->vacant[at] = in->vacant[(at - 1) / 2];
    in->vacant[at] = time;
}

/* Take the latest one off. */
static uint64_t take_vacant(struct stack_distances *in)
{
    uint64_t *heap = in->vacant, top = heap[0], time = heap[--in->vacant_count], at = 0;
    for (uint64_t child; (child = 2 * at + 1) < in->vacant_count; at = child) {
        if (child + 1 < in->vacant_count && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= time)
            break;
        heap[at] = heap[child];
    }
    heap[at] = time;
    return top;
}

/* Give the live pages and vacant places the first times, in their order. */
static void squeeze(struct stack_distances *in)
{
    uint64_t to = 0, vacant_left = in->vacant_count;
    for (uint64_t time = 0; time < in->now; time++)
        if (is_set(in, time)) {
            uint32_t owner = in->owner[time];
            if (owner)
                in->last[owner - 1] = to + 1;
            else
                in->vacant[--vacant_left] = to; /* in falling order: a heap */
            in->owner[to++] = owner;
        }
    in->now = to;
    while (in->times < 2 * in->live)
        in->times *= 2;
    uint64_t words = in->times / WORD_BITS;
    in->owner = memory_resized(in->owner, in->times, sizeof(*in->owner), "owners of times");
    in->bits = memory_resized(in->bits, words, sizeof(*in->bits), "times of pages");
    in->tree = memory_resized(in->tree, words + 1, sizeof(*in->tree), "a tree of times");
    set_first_bits(in);
}

/* ---- the interface ----------------------------------------------------------- */

static uint64_t power_of_two(uint64_t least, uint64_t wanted)
{
    uint64_t size = least;
    while (size < wanted && size < (uint64_t)1 << 32)
        size *= 2;
    return size;
}

struct stack_distances *stack_distances_create(uint64_t page_count_hint)
{
    uint64_t hint = page_count_hint < UINT32_MAX ? page_count_hint : UINT32_MAX;
    struct stack_distances *in = memory_zeroed(1, sizeof(*in), "stack distances");
    in->slot_count = power_of_two(SLOTS_AT_LEAST, 2 * hint);
    in->slots = memory_zeroed(in->slot_count, sizeof(*in->slots), "a table of pages");
    in->last_room = power_of_two(SLOTS_AT_LEAST, hint);
    in->last = memory_zeroed(in->last_room, sizeof(*in->last), "times of pages");
    in->times = power_of_two(TIMES_AT_LEAST, 2 * hint);
    in->owner = memory_zeroed(in->times, sizeof(*in->owner), "owners of times");
    in->bits = memory_zeroed(in->times / WORD_BITS, sizeof(*in->bits), "times of pages");
    in->tree = memory_zeroed(in->times / WORD_BITS + 1, sizeof(*in->tree), "a tree of times");
    return in;
}

void stack_distances_free(struct stack_distances *in)
{
    if (!in)
        return;
    free(in->slots);
    free(in->last);
    free(in->owner);
    free(in->bits);
    free(in->tree);
    free(in->vacant);
    free(in);
}

uint64_t stack_distances_access(struct stack_distances *in, uint64_t page)
{
    if (in->now == in->times)
        squeeze(in);
    struct slot *slot = find_slot(in->slots, in->slot_count, page);
    uint32_t number = slot->number ? slot->number : in->pages + 1;
    if (!slot->number)
        number_page(in, slot, page);
    uint64_t distance = STACK_DISTANCE_FIRST, last = in->last[number - 1];
    if (last)
        distance = in->live - count_until(in, last - 1);
    /* Memories between the vacant place and the page fill the place; larger ones
     * have it again where the page was. */
    if (in->vacant_count && in->vacant[0] >= last) {
        clear_bit(in, take_vacant(in));
        if (last) {
            in->owner[last - 1] = 0;
            add_vacant(in, last - 1);
        }
    } else if (last) {
        clear_bit(in, last - 1);
    } else {
        in->live++;
    }
    in->owner[in->now] = number;
    set_bit(in, in->now);
    in->last[number - 1] = ++in->now;
    return distance;
}

void stack_distances_forget(struct stack_distances *in, uint64_t page)
{
    struct slot *slot = find_slot(in->slots, in->slot_count, page);
    if (!slot->number || !in->last[slot->number - 1])
        return;
    clear_bit(in, in->last[slot->number - 1] - 1);
    in->last[slot->number - 1] = 0;
    in->live--;
}

void stack_distances_drop(struct stack_distances *in, uint64_t page)
{
    struct slot *slot = find_slot(in->slots, in->slot_count, page);
    if (!slot->number || !in->last[slot->number - 1])
        return;
    uint64_t time = in->last[slot->number - 1] - 1;
    in->last[slot->number - 1] = 0;
    in->owner[time] = 0;
    add_vacant(in, time);
}

uint64_t stack_distances_live(const struct stack_distances *in)
{
    return in->live - in->vacant_count;
}

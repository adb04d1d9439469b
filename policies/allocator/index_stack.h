/* Lists of array elements by 32-bit index of which only the head is asked for, for the
 * allocators' books.  Element 0 of every array is never used: index 0 means "none".
 *
 * An element knows its place in the array of its list; taking it off leaves a gap there.  So
 * no neighbour is touched, where linked elements are in no cache of the host: fullness lists
 * of zsmalloc, 4 million pages: 4 % of a fault.
 *
 * The place is the first member of a record; `stride` is the size of one element and is a
 * constant at every call. */
#ifndef ZSIM_POLICIES_ALLOCATOR_INDEX_STACK_H
#define ZSIM_POLICIES_ALLOCATOR_INDEX_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sim/base/memory.h"

/* Zero-initialise; the head is the last item and never a gap. */
struct index_stack {
    uint32_t *items;       /* 0: a gap */
    uint32_t length, room; /* items with the gaps; there is room for */
};

static inline uint32_t *index_stack_place(void *elements, size_t stride, uint32_t index)
{
    return (uint32_t *)(void *)((char *)elements + stride * index);
}

static inline uint32_t index_stack_head(const struct index_stack *stack)
{
    return stack->length ? stack->items[stack->length - 1] : 0;
}

/* There is no room left: close the gaps, and make room if they were less than half of all. */
static inline void index_stack_tidy(struct index_stack *stack, void *elements, size_t stride)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < stack->length; i++) {
        uint32_t index = stack->items[i];
        if (!index)
            continue;
        *index_stack_place(elements, stride, index) = length;
        stack->items[length++] = index;
    }
    stack->length = length;
    if (length < stack->room / 2)
        return;
    stack->room = stack->room ? stack->room * 2 : 8;
    stack->items =
        memory_resized(stack->items, stack->room, sizeof(*stack->items), "allocator lists");
}

static inline void index_stack_add_head(struct index_stack *stack, void *elements, size_t stride,
                                        uint32_t index)
{
    if (stack->length == stack->room)
        index_stack_tidy(stack, elements, stride);
    *index_stack_place(elements, stride, index) = stack->length;
    stack->items[stack->length++] = index;
}

static inline void index_stack_remove(struct index_stack *stack, void *elements, size_t stride,
                                      uint32_t index)
{
    uint32_t place = *index_stack_place(elements, stride, index), length = stack->length;
    stack->items[place] = 0;
    if (place + 1 < length)
        return; /* the head stays */
    while (length && !stack->items[length - 1])
        length--;
    stack->length = length;
}

/* Put `index` directly behind the head, which there is. */
static inline void index_stack_add_behind_head(struct index_stack *stack, void *elements,
                                               size_t stride, uint32_t index)
{
    uint32_t head = index_stack_head(stack);
    index_stack_remove(stack, elements, stride, head);
    index_stack_add_head(stack, elements, stride, index);
    index_stack_add_head(stack, elements, stride, head);
}

/* How many elements the list holds, or SIZE_MAX when its books contradict each other. */
static inline size_t index_stack_verified_length(const struct index_stack *stack, void *elements,
                                                 size_t stride)
{
    size_t live = 0;
    if (stack->length > stack->room || (stack->length && !index_stack_head(stack)))
        return SIZE_MAX;
    for (uint32_t i = 0; i < stack->length; i++) {
        if (stack->items[i] && *index_stack_place(elements, stride, stack->items[i]) != i)
            return SIZE_MAX;
        live += stack->items[i] != 0;
    }
    return live;
}

#endif

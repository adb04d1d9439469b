/* Doubly linked lists of array elements by 32-bit index, for the allocators'
 * books.  Element 0 of every array is never used: index 0 means "none".
 *
 * The links are the first member of a record, or a plain array of struct
 * index_link; `stride` is the size of one element and is a constant at every
 * call, so that the address arithmetic costs nothing. */
#ifndef ZSIM_POLICIES_ALLOCATOR_INDEX_LIST_H
#define ZSIM_POLICIES_ALLOCATOR_INDEX_LIST_H

#include <stddef.h>
#include <stdint.h>

struct index_link {
    uint32_t previous, next; /* towards the head, towards the tail; 0 at the ends */
};

struct index_list {
    uint32_t head, tail; /* 0, 0 when empty */
};

static inline struct index_link *index_link_at(void *elements, size_t stride, uint32_t index)
{
    return (struct index_link *)(void *)((char *)elements + stride * index);
}

static inline void index_list_add_head(struct index_list *list, void *elements, size_t stride,
                                       uint32_t index)
{
    struct index_link *link = index_link_at(elements, stride, index);
    link->previous = 0;
    link->next = list->head;
    if (list->head)
        index_link_at(elements, stride, list->head)->previous = index;
    else
        list->tail = index;
    list->head = index;
}

static inline void index_list_remove(struct index_list *list, void *elements, size_t stride,
                                     uint32_t index)
{
    struct index_link *link = index_link_at(elements, stride, index);
    if (link->previous)
        index_link_at(elements, stride, link->previous)->next = link->next;
    else
        list->head = link->next;
    if (link->next)
        index_link_at(elements, stride, link->next)->previous = link->previous;
    else
        list->tail = link->previous;
}

/* How many elements the list holds, or SIZE_MAX when its links contradict each
 * other or it holds more than `at_most`. */
static inline size_t index_list_verified_length(const struct index_list *list, void *elements,
                                                size_t stride, size_t at_most)
{
    size_t length = 0;
    uint32_t previous = 0;
    for (uint32_t index = list->head; index;) {
        const struct index_link *link = index_link_at(elements, stride, index);
        if (link->previous != previous || ++length > at_most)
            return SIZE_MAX;
        previous = index;
        index = link->next;
    }
    return list->tail == previous ? length : SIZE_MAX;
}

#endif

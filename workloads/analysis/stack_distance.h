/* Exact LRU stack distances (Mattson et al., "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970).
 *
 * The distance of an access is the number of other pages that were accessed
 * since the last access to its page.  An LRU memory of more than so many pages
 * holds the page still; one of so many or fewer has evicted it.
 *
 * Every live page owns one bit, at the time of its last access; the distance is
 * the number of bits set after that time, kept by a Fenwick tree over the words
 * of the bit array.  An access costs O(log pages): times without an owner are
 * squeezed out whenever they are used up, and as many are left free as there
 * are pages, so the tree never outgrows the number of pages. */
#ifndef ZSIM_WORKLOADS_ANALYSIS_STACK_DISTANCE_H
#define ZSIM_WORKLOADS_ANALYSIS_STACK_DISTANCE_H

#include <stdint.h>

#define STACK_DISTANCE_FIRST UINT64_MAX

struct stack_distances;

/* `page_count_hint`: pages expected, or 0; the tables grow as needed, up to
 * 2^32 - 1 pages. */
struct stack_distances *stack_distances_create(uint64_t page_count_hint);
void stack_distances_free(struct stack_distances *distances); /* accepts NULL */

/* Access a page; any 64-bit number may name it.  Returns its distance, or
 * STACK_DISTANCE_FIRST for its first access, ever or since it was forgotten. */
uint64_t stack_distances_access(struct stack_distances *distances, uint64_t page);

/* The page was never there: it no longer counts as one of the pages between other
 * accesses.  A page that was never accessed is no mistake. */
void stack_distances_forget(struct stack_distances *distances, uint64_t page);

/* The page's contents are dropped: its next access is a first one.  A memory that
 * held it has room for one more page until the next page comes in, but what it
 * evicted before does not return: the distances of other pages stay as they are
 * until an access to a page below takes the place. */
void stack_distances_drop(struct stack_distances *distances, uint64_t page);

/* Pages that were accessed and not forgotten or dropped since. */
uint64_t stack_distances_live(const struct stack_distances *distances);

#endif

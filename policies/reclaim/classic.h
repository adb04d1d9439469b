/* The arithmetic of the classic LRU, for tests and reports. */
#ifndef ZSIM_POLICIES_RECLAIM_CLASSIC_H
#define ZSIM_POLICIES_RECLAIM_CLASSIC_H

#include <stdbool.h>
#include <stdint.h>

/* inactive_is_low: inactive * ratio < active, in pages, where ratio is the square
 * root of ten times the size in GiB, at least 1. */
bool classic_inactive_is_low(uint64_t inactive, uint64_t active);

/* get_scan_count, the steps before the split: the part of a list that is not protected
 * (0: all of it), at least 32 pages then, shifted; all in pages. */
uint64_t classic_scan_size(uint64_t size, uint64_t protection, uint64_t usage, int priority);

/* get_scan_count, SCAN_FRACT with no file pages: how many of `size` pages are
 * scanned on an anonymous list, by swappiness (0..200) and the decaying cost of
 * reclaiming anonymous pages. */
uint64_t classic_anonymous_share(uint64_t size, uint64_t swappiness, uint64_t anon_cost);

#endif

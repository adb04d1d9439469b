/* What no policy can beat: lower bounds on refaults and on disk reads for one
 * workload, by looking into its future.  docs/bound.md has the proofs.
 *
 * RAM alone: Belady's MIN ("A study of replacement algorithms for a
 * virtual-storage computer", IBM Systems Journal 5(2), 1966) - whenever room is
 * needed, the page goes that is needed last.  RAM and a compressed pool: MIN with
 * as many frames as pages can be held in both together if those in the pool were
 * the ones that compress best, and the same for the larger pages alone. */
#ifndef ZSIM_WORKLOADS_ANALYSIS_CLAIRVOYANT_H
#define ZSIM_WORKLOADS_ANALYSIS_CLAIRVOYANT_H

#include "sim/base/units.h"
#include "workloads/content/content.h"
#include "workloads/workload.h"

/* A workload's accesses with their futures: 8 bytes for each that is not to the
 * page of the one before. */
struct clairvoyant;

/* NULL after adding to `errors`: the workload ends early, or has 2^32 - 1 accesses
 * or more. */
struct clairvoyant *clairvoyant_create(const struct workload *workload, struct diagnostics *errors);
void clairvoyant_free(struct clairvoyant *future); /* accepts NULL */

/* Pages are numbered over all address spaces, one after the other: page p of
 * space s is clairvoyant_page(future, s, p), below clairvoyant_pages(). */
uint32_t clairvoyant_pages(const struct clairvoyant *future);
uint32_t clairvoyant_page(const struct clairvoyant *future, uint32_t space, uint32_t page);
/* First accesses to pages, also after they were freed.  `included` as below. */
uint64_t clairvoyant_first_touches(const struct clairvoyant *future, const uint64_t *included);

/* Least number of times that a page must be brought back into a memory of
 * `frames` (at least 1) pages.  `included`: a bit for each page; other pages and
 * their accesses are left out.  NULL: all. */
uint64_t clairvoyant_refaults(const struct clairvoyant *future, const uint64_t *included,
                              uint64_t frames);

/* How a page is kept off the disk: in RAM as a whole or in the pool compressed. */
struct clairvoyant_limits {
    uint64_t ram_pages;
    uint64_t pool_bytes;
    uint64_t common_pages; /* RAM and pool together; UINT64_MAX: no common limit */
};

/* Bytes that pages take in the pool, 1..PAGE_BYTES; 0: the page needs no room
 * there and is never read from a disk. */
struct clairvoyant_sizes {
    uint16_t *bytes; /* [pages] */
};

/* The sizes of all pages that the workload touches: the least over the compressors
 * whose bits are set (bit i: compressors[i]), pages that do not compress as
 * PAGE_BYTES.  `zero_is_free`, `same_filled_is_free`: such pages have size 0.
 * `contents`: one for each space. */
struct clairvoyant_sizes clairvoyant_sizes(const struct clairvoyant *future,
                                           struct content *const *contents, uint32_t compressor_set,
                                           bool zero_is_free, bool same_filled_is_free);
void clairvoyant_sizes_free(struct clairvoyant_sizes *sizes);

/* Most pages that can be off the disk at a time, out of a set of which
 * pages_of_size[n] pages take n bytes in the pool; at least 1. */
uint64_t clairvoyant_capacity(const uint64_t pages_of_size[PAGE_BYTES + 1],
                              const struct clairvoyant_limits *limits);

/* Least number of pages read from a disk. */
uint64_t clairvoyant_disk_reads(const struct clairvoyant *future, const uint64_t *included,
                                const struct clairvoyant_sizes *sizes,
                                const struct clairvoyant_limits *limits);

#endif

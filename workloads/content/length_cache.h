/* Compressed lengths that outlive a table: no content is compressed twice.
 *
 * Contents of one type and parameters (a "family") hold the same bytes in the
 * same pages, whatever their size, so what one of them has computed the others
 * take over; and what a process has computed the next one finds on disk, in
 * $ZSIM_CACHE, else $XDG_CACHE_HOME/zsim, else $HOME/.cache/zsim ($ZSIM_CACHE
 * empty: nowhere).
 *
 * A file holds the lengths of one family under one compressor.  It names what it
 * belongs to in full, versions of the compression libraries included, carries a
 * checksum, and a few of its lengths are computed again when it is opened; one
 * that does not fit in any way is as good as none.  So a run with the cache gives
 * the same as one without.  No failure to read or write it is an error. */
#ifndef ZSIM_WORKLOADS_LENGTH_CACHE_H
#define ZSIM_WORKLOADS_LENGTH_CACHE_H

#include "workloads/content/content.h"

struct length_cache;
struct length_family;

/* With the directory that the environment names. */
struct length_cache *length_cache_create(void);
/* Writes what was computed, if it is worth it.  Contents must still be open;
 * afterwards they are without a cache.  Accepts NULL. */
void length_cache_free(struct length_cache *cache);

/* Put an open content into the family of `identity`, which says type and
 * parameters; before it is used, and one call at a time. */
void length_cache_join(struct length_cache *cache, struct content *content, const char *identity);

/* The length of a page that content->lengths does not have yet; stores it there.
 * `compute` is called if nobody knows it, for one page at a time by one thread. */
typedef uint32_t length_compute(const struct content *content, uint32_t page, unsigned compressor);
uint32_t length_family_find(const struct content *content, uint32_t page, unsigned compressor,
                            length_compute *compute);

#endif

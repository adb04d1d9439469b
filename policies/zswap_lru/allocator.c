/* zswap_lru: allocator - the allocator keeps an LRU of its own pages (up to 6.4).
 *
 * A page is as young as the last object allocated in it; loads do not count.  What
 * is evicted is a whole allocator page with all its objects, whatever their age
 * (writeback: allocator_page).  An allocator without such an LRU (zsmalloc up to
 * 6.1) never gives anything back: its pool shrinks only as entries are freed. */
#include "policies/zswap_lru/zswap_lru.h"

static const struct zswap_lru_hooks allocator_lru_hooks = {.in_allocator = true};

const struct policy allocator_lru_policy = {
    .name = "allocator",
    .summary = "the allocator's own LRU of its pages; entries are on no list",
    .source = "Linux 6.1 mm/zbud.c, mm/z3fold.c; 6.2 mm/zsmalloc.c: struct zs_pool.lru",
    .params = NO_PARAMS,
    .hooks = &allocator_lru_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* zswap_lru: none - nobody knows which entry is the oldest, and nothing is written
 * back (zsmalloc up to 6.1). */
#include "policies/zswap_lru/zswap_lru.h"

static const struct zswap_lru_hooks no_lru_hooks = {.in_allocator = false};

const struct policy no_lru_policy = {
    .name = "none",
    .summary = "no LRU: a full pool stays full until entries are freed by their owners",
    .source = "Linux 6.1 mm/zsmalloc.c: zpool driver without a shrink function",
    .params = NO_PARAMS,
    .hooks = &no_lru_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

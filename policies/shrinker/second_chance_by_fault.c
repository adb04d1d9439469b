/* shrinker: second_chance_by_fault - as second_chance, but held back by faults that
 * swap in without readahead, wherever the page lies: the first of the two steps from
 * protected to second_chance, as it was posted. */
#include "policies/shrinker/shrinker.h"

static uint64_t by_fault_freeable(struct zswap *zswap, struct shrinker_state *state,
                                  uint64_t lru_entries)
{
    (void)zswap;
    uint64_t used = state->disk_swapins < lru_entries ? state->disk_swapins : lru_entries;
    state->disk_swapins -= used;
    return lru_entries - used;
}

static void by_fault_swapped_in(struct shrinker_state *state)
{
    state->disk_swapins++;
}

static const struct shrinker_hooks by_fault_hooks = {
    .freeable = by_fault_freeable,
    .swapped_in = by_fault_swapped_in,
};

const struct policy second_chance_by_fault_policy = {
    .name = "second_chance_by_fault",
    .summary = "every entry may go once it has spent its second chance; swap-ins without "
               "readahead hold it back, from zswap too",
    .source = "N. Pham, improving dynamic zswap shrinker protection scheme v3 1/2, 2024",
    .params = NO_PARAMS,
    .hooks = &by_fault_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

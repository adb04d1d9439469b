/* shrinker: protected - a number of entries that grows with stores and swap-ins
 * and is halved when it passes a quarter of the list is left alone (6.8 to 6.11). */
#include "policies/shrinker/shrinker.h"

static uint64_t protected_freeable(struct zswap *zswap, struct shrinker_state *state,
                                   uint64_t lru_entries)
{
    (void)zswap;
    return lru_entries > state->protected_entries ? lru_entries - state->protected_entries : 0;
}

/* Of more than there are the difference is without sign, and so very large. */
static bool protected_may_scan(const struct shrinker_state *state, uint64_t lru_entries, uint64_t n)
{
    return state->protected_entries < lru_entries - n;
}

static void protected_added(struct shrinker_state *state, uint64_t lru_entries)
{
    state->protected_entries++;
    if (state->protected_entries > lru_entries / 4)
        state->protected_entries /= 2;
}

static void protected_put_back(struct shrinker_state *state)
{
    state->protected_entries++;
}

static void protected_swapped_in(struct shrinker_state *state)
{
    state->protected_entries++;
}

static const struct shrinker_hooks protected_hooks = {
    .freeable = protected_freeable,
    .may_scan = protected_may_scan,
    .added = protected_added,
    .put_back = protected_put_back,
    .swapped_in = protected_swapped_in,
};

const struct policy protected_policy = {
    .name = "protected",
    .summary = "a protected number of entries, raised by stores and swap-ins, halved when large",
    .source = "Linux 6.8 mm/zswap.c: nr_zswap_protected, zswap_shrinker_count",
    .params = NO_PARAMS,
    .hooks = &protected_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

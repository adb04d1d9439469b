/* shrinker: second_chance - all entries may go, less one for each page that had
 * to be read from a device since the last look (6.12+).  The second chance
 * itself is a property of the entries (zswap.second_chance). */
#include "policies/shrinker/shrinker.h"

static uint64_t second_chance_freeable(struct zswap *zswap, struct shrinker_state *state,
                                       uint64_t lru_entries)
{
    (void)zswap;
    uint64_t used = state->disk_swapins < lru_entries ? state->disk_swapins : lru_entries;
    state->disk_swapins -= used;
    return lru_entries - used;
}

static void second_chance_disk_read(struct shrinker_state *state)
{
    state->disk_swapins++;
}

static const struct shrinker_hooks second_chance_hooks = {
    .freeable = second_chance_freeable,
    .disk_read = second_chance_disk_read,
};

const struct policy second_chance_policy = {
    .name = "second_chance",
    .summary = "every entry may go once it has spent its second chance; disk reads hold it back",
    .source = "Linux 6.12 mm/zswap.c: nr_disk_swapins, zswap_shrinker_count",
    .params = NO_PARAMS,
    .hooks = &second_chance_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

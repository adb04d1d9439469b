/* zswap_lru: unified - zswap and the device are one LRU.
 *
 * When the pool is full, a new page is not sent to the device past older ones in
 * the pool: the oldest entries are written back, in the storing task, until there
 * is room.  So a page that zswap is asked to store does not end on the device while
 * an older one stays in the pool, except where that one's page was in the swap cache,
 * no room came free after `attempts` entries, or the page is refused for what it holds.
 * A page that was read from the device and has not been written since is not stored at
 * all: it is dropped, however young, because its copy there is good.  Where tasks mostly
 * read, most pages on the device may be such ones (docs/findings.md, 9).
 *
 * What it costs: the storing task decompresses and writes (no worker, no second
 * chance); every entry written back takes a page of RAM until its write has ended,
 * while memory is short; an entry seldom frees a whole page of the pool, so that
 * one store may write several; and cgroups pay for each other, because age is all
 * that counts. */
#include "policies/zswap_lru/zswap_lru.h"

struct unified_params {
    uint64_t attempts;
};

static const struct param unified_rows[] = {
    {.name = "attempts",
     .type = PARAM_COUNT,
     .offset = offsetof(struct unified_params, attempts),
     .initial = "64",
     .least = 1,
     .most = 1048576,
     .help = "entries that one store writes back at most before its page is refused after all",
     .source = "own choice: a zspage of 8 pages holds up to about 60 objects of common sizes"},
};

static uint32_t unified_group(const struct zswap *zswap, uint32_t pool)
{
    (void)zswap, (void)pool;
    return 0;
}

static uint32_t unified_walked(const struct zswap *zswap)
{
    (void)zswap;
    return 0;
}

static bool unified_shrunk(const struct zswap *zswap, uint32_t n, uint32_t *group)
{
    (void)zswap;
    *group = 0;
    return n == 0;
}

static bool unified_make_room(struct zswap *zswap, struct exec *exec)
{
    const struct unified_params *unified = zswap->config->zswap.lru.params;
    for (uint64_t i = 0; i < unified->attempts; i++) {
        if (zswap_total_pages(zswap) < zswap_max_pages(zswap)) {
            zswap->reached_full = false;
            return true;
        }
        if (!swap_has_backing_room(zswap->swap, ROOT_MEMCG))
            return false;
        enum writeback_result result = zswap_write_back_oldest(zswap, exec, 0);
        if (result == WRITEBACK_EMPTY)
            return false;
        if (result != WRITEBACK_DONE)
            zswap->mm->counters[COUNTER_reject_reclaim_fail]++;
    }
    return zswap_total_pages(zswap) < zswap_max_pages(zswap);
}

static const struct zswap_lru_hooks unified_hooks = {
    .group_of_pool = unified_group,
    .group_walked = unified_walked,
    .group_shrunk = unified_shrunk,
    .one_list = true,
    .make_room = unified_make_room,
};

const struct policy unified_policy = {
    .name = "unified",
    .summary =
        "one LRU over zswap and device: a full pool writes back its oldest, not the new page",
    .source = "own proposal: the repair of LRU inversion",
    .params = PARAM_TABLE(unified_rows, struct unified_params),
    .hooks = &unified_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

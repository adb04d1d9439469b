/* zswap's set-up and end, and its pools: made when their compressor is first asked for, current or
 * retired, destroyed after their last entry. */
#include <stdlib.h>
#include <string.h>

#include "policies/admission/admission.h"
#include "policies/pool_ref/pool_ref.h"
#include "policies/shrinker/shrinker.h"
#include "policies/store_reclaim/store_reclaim.h"
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/base/memory.h"
#include "sim/mm/reclaim.h"
#include "sim/zswap/zswap.h"

/* ---- life of zswap -------------------------------------------------------------- */

void zswap_init(struct zswap *zswap, struct mm *mm, struct swap *swap)
{
    const struct config *config = mm->config;
    const struct zswap_config *own = &config->zswap;
    zswap->mm = mm;
    zswap->swap = swap;
    zswap->config = config;
    zswap->enabled = own->enabled;
    zswap->max_pool_percent = own->max_pool_percent;
    zswap->accept_threshold_percent = own->accept_threshold_percent;
    zswap->total_ram_pages = config->machine.total_ram_pages;
    for (uint32_t node = 0; !config->machine.total_ram_pages && node < mm->node_count; node++)
        zswap->total_ram_pages += mm->nodes[node].managed_pages;
    zswap->zpools = (uint32_t)own->zpools;
    zswap->allocator = own->allocator.policy->hooks;
    zswap->lru = own->lru.policy->hooks;
    zswap_enable_shrinker(zswap, own->shrinker_enabled);
    zswap->writeback = own->writeback.policy->hooks;
    zswap->store_reclaim = own->store_reclaim.policy->hooks;
    zswap->pool_ref = own->pool_ref.policy->hooks;
    zswap->shrinker = own->shrinker.policy->hooks;
    zswap->admission = own->admission.policy->hooks;
    zswap->tree_count = 1;
    if (own->index_locks == INDEX_LOCK_PER_64M)
        zswap->tree_count = mm->address_count / 16384 + 1; /* one xarray for each 64 MiB of swap */
    zswap->tree_locks = memory_zeroed(zswap->tree_count, sizeof(*zswap->tree_locks), "index locks");
    for (uint32_t i = 0; i < zswap->tree_count; i++)
        cache_line_init(&zswap->tree_locks[i].line, &mm->events->settled_ns);
    cache_line_init(&zswap->stored_line, &mm->events->settled_ns);
    zswap->shrinker_states = memory_zeroed((size_t)mm->memcg_count * mm->node_count,
                                           sizeof(*zswap->shrinker_states), "shrinker states");
    zswap->worker.cursor = NO_MEMCG;
    /* Runs at a given rate may end when they began (worker_turn()). */
    mm->events->turns_go_back |= own->refusals_per_worker_run > 0;
    if (zswap->writeback->tick)
        zswap->writeback_state = zswap->writeback->create(zswap, own->writeback.params);
    zswap_set_compressor(zswap, 0, own->compressor);
}

static void destroy_pool(struct zswap *zswap, struct zswap_pool *pool)
{
    for (uint32_t i = 0; i < zswap->zpools; i++)
        object_pool_release(&pool->zpools[i]);
    zswap->total_pages -= pool->total_pages;
    free(pool->zpools);
    cache_line_release(&pool->reference_line);
    memset(pool, 0, sizeof(*pool));
}

void zswap_release(struct zswap *zswap)
{
    for (uint32_t i = 0; i < POOLS_AT_MOST; i++)
        if (zswap->pools[i].alive)
            destroy_pool(zswap, &zswap->pools[i]);
    size_t lists = (size_t)zswap->mm->memcg_count * zswap->mm->node_count;
    for (uint32_t i = 0; i < LRU_GROUPS_AT_MOST; i++) {
        free(zswap->groups[i].lists);
        locks_release(zswap->groups[i].locks, lists);
    }
    if (zswap->writeback->tick)
        zswap->writeback->destroy(zswap->writeback_state);
    for (uint32_t i = 0; i < zswap->tree_count; i++)
        cache_line_release(&zswap->tree_locks[i].line);
    cache_line_release(&zswap->stored_line);
    free(zswap->tree_locks);
    histogram_release(&zswap->store_wait);
    free(zswap->shrinker_states);
}

/* ---- life of a pool ---------------------------------------------------------------- */

static void create_pool(struct zswap *zswap, uint32_t number, uint64_t now_ns, unsigned compressor)
{
    struct zswap_pool *pool = &zswap->pools[number];
    struct allocator_setup setup = {.params = zswap->config->zswap.allocator.params,
                                    .evicts = zswap->lru->in_allocator &&
                                              zswap->allocator->shrink != NULL};
    memset(pool, 0, sizeof(*pool));
    pool->alive = true;
    pool->compressor = compressor;
    pool->created_ns = now_ns;
    if (zswap->lru->group_of_pool)
        pool->group = zswap->lru->group_of_pool(zswap, number);
    cache_line_init(&pool->reference_line, &zswap->mm->events->settled_ns);
    uint32_t zpools = zswap->zpools;
    pool->zpools = memory_zeroed(zpools, sizeof(*pool->zpools), "zpools");
    for (uint64_t i = 0; i < zpools && zswap->allocator->registers_shrinker; i++)
        reclaim_change_shrinkers(zswap->mm, now_ns);
    for (uint64_t i = 0; i < zpools; i++)
        object_pool_init(&pool->zpools[i], zswap->mm, zswap->allocator, &setup);
    pool->evicts = setup.evicts &&
                   (!zswap->allocator->evicts || zswap->allocator->evicts(pool->zpools[0].state));
}

/* list_add of the pool list: the new head takes all stores. */
static void make_current(struct zswap *zswap, uint32_t number, uint64_t now_ns)
{
    uint32_t at = 0;
    while (at < zswap->pool_count && zswap->order[at] != number)
        at++;
    if (at == zswap->pool_count)
        zswap->pool_count++;
    if (at > 0 && zswap->pool_count > 1) {
        zswap_current_pool(zswap)->killed_at_ns = now_ns ? now_ns : 1;
        if (zswap->pool_ref->kill)
            zswap->pool_ref->kill(zswap, zswap->order[0], now_ns);
    }
    for (; at > 0; at--)
        zswap->order[at] = zswap->order[at - 1];
    zswap->order[0] = (uint8_t)number;
    zswap->pools[number].killed_at_ns = 0;
}

/* The row of compressors[] that a name stands for on this kernel. */
static unsigned compressor_of_kernel(const struct zswap *zswap, unsigned compressor)
{
    if (zswap->config->zswap.zstd_library == ZSTD_LIBRARY_1_4 &&
        (int)compressor == compressor_find("zstd"))
        return (unsigned)compressor_find("zstd-1.4");
    return compressor;
}

void zswap_set_compressor(struct zswap *zswap, uint64_t now_ns, unsigned compressor)
{
    compressor = compressor_of_kernel(zswap, compressor);
    if (zswap->pool_count && zswap_current_pool(zswap)->compressor == compressor)
        return;
    uint32_t previous = zswap->order[0], number = POOLS_AT_MOST;
    for (uint32_t i = 0; i < zswap->pool_count; i++)
        if (zswap->pools[zswap->order[i]].compressor == compressor)
            number = zswap->order[i];
    if (number == POOLS_AT_MOST) {
        number = 0;
        while (zswap->pools[number].alive)
            number++; /* there are fewer compressors than pools, and one pool for each */
        create_pool(zswap, number, now_ns, compressor);
    }
    bool replaced = zswap->pool_count > 0;
    make_current(zswap, number, now_ns);
    struct mm *mm = zswap->mm;
    for (uint32_t page = 0; replaced && mm->keeps_lengths && page < mm->page_count; page++)
        mm->cold[page].length = 0; /* they were of the other compressor */
    if (replaced)
        zswap_pool_reap(zswap, previous);
}

void zswap_pool_reap(struct zswap *zswap, uint32_t number)
{
    struct zswap_pool *pool = &zswap->pools[number];
    if (!pool->alive || pool->entries || !pool->killed_at_ns || pool->being_shrunk ||
        pool->switching)
        return;
    uint32_t at = 0;
    while (zswap->order[at] != number)
        at++;
    for (zswap->pool_count--; at < zswap->pool_count; at++)
        zswap->order[at] = zswap->order[at + 1];
    destroy_pool(zswap, pool);
}

/* ---- eviction by the allocator (up to 6.4) ------------------------------------------------- */

struct eviction {
    struct zswap *zswap;
    struct exec *exec;
    uint32_t node; /* of the last entry written back */
};

static bool evict_object(void *context, uint32_t owner, uint32_t handle)
{
    struct eviction *eviction = context;
    struct zswap *zswap = eviction->zswap;
    (void)handle;
    eviction->node = bits_field(zswap->mm->cold[owner].bits, ENTRY_NODE_SHIFT);
    return zswap_writeback_entry(zswap, eviction->exec, owner) == WRITEBACK_DONE;
}

enum allocator_shrink_result zswap_pool_shrink(struct zswap *zswap, struct exec *exec,
                                               uint32_t number)
{
    struct zswap_pool *pool = &zswap->pools[number];
    struct eviction eviction = {.zswap = zswap, .exec = exec, .node = exec->node};
    enum allocator_shrink_result result = ALLOCATOR_CANNOT_SHRINK;
    if (!pool->alive || !pool->evicts || pool->being_shrunk)
        return result;
    pool->being_shrunk = true;
    for (uint32_t z = 0; z < zswap->zpools && result != ALLOCATOR_SHRUNK; z++) {
        struct object_pool *zpool = &pool->zpools[z];
        enum allocator_shrink_result tried =
            zswap->allocator->shrink(zpool->state, evict_object, &eviction);
        if (tried != ALLOCATOR_CANNOT_SHRINK)
            result = tried;
        uint64_t pages = zpool->pages;
        object_pool_settle(zswap->mm, zpool, eviction.node);
        zswap_note_pool_pages(zswap, pool, zpool, pages);
    }
    pool->being_shrunk = false;
    zswap_pool_reap(zswap, number);
    return result;
}

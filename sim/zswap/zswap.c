#include "policies/admission/admission.h"
#include "policies/store_reclaim/store_reclaim.h"
#include "sim/base/units.h"
#include "sim/mm/memcg.h"
#include "sim/zswap/entry.h"

/* ---- limits ------------------------------------------------------------------ */

uint64_t zswap_limit_max(uint64_t total_ram_pages, uint64_t max_pool_percent)
{
    return total_ram_pages * max_pool_percent / 100;
}

uint64_t zswap_limit_threshold(unsigned limit_rule, uint64_t total_ram_pages,
                               uint64_t max_pool_percent, uint64_t accept_threshold_percent)
{
    /* The order of the two truncating divisions changed in 6.10. */
    if (limit_rule == LIMIT_CACHED)
        return total_ram_pages * accept_threshold_percent / 100 * max_pool_percent / 100;
    return zswap_limit_max(total_ram_pages, max_pool_percent) * accept_threshold_percent / 100;
}

uint64_t zswap_max_pages(const struct zswap *zswap)
{
    return zswap_limit_max(zswap->total_ram_pages, zswap->max_pool_percent);
}

uint64_t zswap_accept_threshold_pages(const struct zswap *zswap)
{
    return zswap_limit_threshold(zswap->config->zswap.limit_rule, zswap->total_ram_pages,
                                 zswap->max_pool_percent, zswap->accept_threshold_percent);
}

uint64_t zswap_shown_pages(const struct zswap *zswap)
{
    bool cached = zswap->config->zswap.limit_rule == LIMIT_CACHED;
    return cached ? zswap->cached_pages : zswap_total_pages(zswap);
}

bool zswap_can_accept(const struct zswap *zswap)
{
    if (zswap->config->zswap.limit_rule == LIMIT_CACHED)
        return zswap_accept_threshold_pages(zswap) > zswap->cached_pages;
    return zswap_total_pages(zswap) <= zswap_accept_threshold_pages(zswap);
}

bool zswap_check_limits(struct zswap *zswap, bool *full)
{
    bool cached = zswap->config->zswap.limit_rule == LIMIT_CACHED;
    uint64_t pages = cached ? zswap->cached_pages : zswap_total_pages(zswap);
    uint64_t max = zswap_max_pages(zswap);
    *full = cached ? pages > max : pages >= max;
    if (*full) {
        zswap->mm->counters[COUNTER_pool_limit_hit]++;
        zswap->reached_full = true;
    } else if (zswap->reached_full && zswap_can_accept(zswap)) {
        zswap->reached_full = false;
    }
    return !zswap->reached_full;
}

/* zswap_update_total_size: only some moments refresh what old eras look at. */
static void refresh_cached_total(struct zswap *zswap)
{
    if (zswap->config->zswap.limit_rule == LIMIT_CACHED)
        zswap->cached_pages = zswap_total_pages(zswap);
}

/* ---- cgroups ----------------------------------------------------------------------- */

/* obj_cgroup_may_zswap: false when the cgroup or some ancestor is at its memory.zswap.max. */
static bool below_zswap_max(struct mm *mm, uint32_t memcg)
{
    if (mm->config->vm.cgroup_version == CGROUP_V1)
        return true;
    for (uint32_t at = memcg; at != ROOT_MEMCG; at = mm->memcgs[at].parent) {
        uint64_t limit = mm->memcgs[at].zswap_max;
        if (limit == UINT64_MAX)
            continue;
        if (limit == 0)
            return false;
        memcg_flush_stats_of(mm, at);
        if (mm->memcgs[at].zswap_bytes_subtree / PAGE_BYTES >= limit)
            return false;
    }
    return true;
}

/* ---- entries ---------------------------------------------------------------------------- */

uint32_t zswap_look_up_length(const struct zswap *zswap, const struct zswap_pool *pool,
                              uint32_t page)
{
    const struct address_space *space = page_space(zswap->mm, page);
    uint32_t length = content_length(space->content, page - space->first_page, pool->compressor);
    return length == COMPRESSOR_FAILED || length > PAGE_BYTES ? PAGE_BYTES + 1 : length;
}

/* Of an entry with an object in this pool. */
static inline uint32_t object_length(const struct zswap *zswap, const struct zswap_pool *pool,
                                     uint32_t page)
{
    uint32_t length = known_length(zswap->mm, page);
    if (!length || pool != &zswap->pools[zswap->order[0]])
        length = zswap_look_up_length(zswap, pool, page);
    return length > PAGE_BYTES ? PAGE_BYTES : length;
}

uint32_t zswap_entry_length(const struct zswap *zswap, uint32_t page)
{
    if (!entry_has_object(zswap->mm, page))
        return 0;
    return object_length(zswap, &zswap->pools[entry_pool(zswap->mm, page)], page);
}

/* Its length, its cgroup and its pool are known. */
static void free_entry(struct zswap *zswap, struct exec *exec, uint32_t page, uint32_t memcg,
                       uint32_t length, uint32_t number)
{
    struct mm *mm = zswap->mm;
    struct page_cold *cold = &mm->cold[page];
    struct zswap_pool *pool = &zswap->pools[number];
    zswap_lock_tree(zswap, exec, page);
    if (cold->bits & PAGE_ENTRY_ON_LRU)
        entry_remove_from_list(zswap, exec, pool, memcg, page);
    if (number != NO_POOL) {
        entry_free_object(zswap, exec, pool, page);
        if (length == PAGE_BYTES)
            zswap->incompressible_pages--;
        if (pool->killed_at_ns)
            zswap_pool_reap(zswap, number);
    } else {
        zswap->same_filled_pages--;
    }
    memcg_uncharge_object(mm, exec, memcg, length);
    zswap->stored_pages--;
    spend_on_counter(mm, exec, &zswap->stored_line);
    cold->handle = 0;
    cold->bits &= ~(uint32_t)(PAGE_IN_ZSWAP | PAGE_ENTRY_REFERENCED);
    refresh_cached_total(zswap);
}

void zswap_entry_free(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    free_entry(zswap, exec, page, page_memcg(zswap->mm, page), zswap_entry_length(zswap, page),
               entry_pool(zswap->mm, page));
}

void zswap_invalidate_entry(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    zswap->mm->counters[COUNTER_zswap_invalidated]++;
    zswap_entry_free(zswap, exec, page);
}

/* ---- store ------------------------------------------------------------------------------- */

static bool refuse(struct zswap *zswap, uint32_t page, enum counter why)
{
    struct mm *mm = zswap->mm;
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_refused_stores, 1);
    if (why != COUNTERS)
        count_event(mm, page_memcg(mm, page), page_node(mm, page), why, 1);
    return false;
}

/* A store that meets memory.zswap.max shrinks its cgroup, and waits for that. */
static bool make_room(struct zswap *zswap, struct exec *exec, uint32_t memcg)
{
    uint64_t start_ns = exec->now_ns;
    bool made = zswap->store_reclaim->make_room(zswap, exec, memcg,
                                                zswap->config->zswap.store_reclaim.params);
    histogram_add(&zswap->store_wait, exec->now_ns - start_ns);
    return made;
}

/* The cgroup's limit and the pool's: may this page be stored at all?
 * *kick: this refusal queues the worker, by the rules up to 6.9. */
static bool limits_allow(struct zswap *zswap, struct exec *exec, uint32_t page, uint32_t memcg,
                         bool *kick)
{
    bool full;
    if (!below_zswap_max(zswap->mm, memcg) && !make_room(zswap, exec, memcg))
        return refuse(zswap, page, COUNTER_refused_by_memcg);
    if (!zswap_check_limits(zswap, &full) &&
        !(zswap->lru->make_room && zswap->lru->make_room(zswap, exec))) {
        *kick = full || zswap->config->zswap.kick_rule != KICK_WHEN_FULL;
        return refuse(zswap, page, COUNTER_refused_by_limit);
    }
    return true;
}

/* Which counter a page bumps for which the compressor returns an error. */
static enum counter poor_counter(const struct zswap *zswap)
{
    switch (zswap->config->zswap.poor_counter) {
    case POOR_COUNTS_COMPRESS_FAIL:
        return COUNTER_reject_compress_fail;
    case POOR_COUNTS_COMPRESS_POOR:
        return COUNTER_reject_compress_poor;
    default:
        return COUNTERS;
    }
}

/* Compress; 0: refused and counted.  The result is the length of the object. */
static uint32_t compress(struct zswap *zswap, struct exec *exec, uint32_t page,
                         const struct zswap_pool *pool)
{
    struct mm *mm = zswap->mm;
    struct page_cold *cold = &mm->cold[page];
    uint32_t length = known_length(mm, page);
    if (!length) {
        length = zswap_look_up_length(zswap, pool, page);
        if (mm->keeps_lengths)
            cold->length = length;
    }
    bool fits = length < PAGE_BYTES;
    spend(mm, exec, TIME_compress,
          costs_compress_ns(mm->costs, pool->compressor, fits ? length : PAGE_BYTES));
    if (fits)
        return length;
    if (zswap->config->zswap.incompressible_rule == INCOMPRESSIBLE_STORED) {
        if (zswap_writeback_allowed(zswap, page_memcg(mm, page)))
            return PAGE_BYTES;
        refuse(zswap, page, COUNTER_reject_compress_fail);
        return 0;
    }
    if (length == PAGE_BYTES)
        return length; /* not smaller, but it fits the buffer */
    refuse(zswap, page, poor_counter(zswap));
    return 0;
}

/* The entry is complete: make it visible and account for it. */
static inline void publish(struct zswap *zswap, struct exec *exec, uint32_t page, uint32_t memcg,
                           uint32_t pool, uint32_t handle, uint32_t length)
{
    struct mm *mm = zswap->mm;
    struct page_cold *cold = &mm->cold[page];
    uint32_t bits = cold->bits, node = bits_field(bits, PAGE_NODE_SHIFT);
    zswap_lock_tree(zswap, exec, page);
    bits = bits_with_field(bits, ENTRY_POOL_SHIFT, pool);
    bits = bits_with_field(bits, ENTRY_NODE_SHIFT, node);
    cold->bits = bits | PAGE_IN_ZSWAP;
    cold->handle = handle;
    zswap->stored_pages++;
    spend_on_counter(mm, exec, &zswap->stored_line);
    memcg_charge_object(mm, exec, memcg, length);
    if (pool == NO_POOL) {
        zswap->same_filled_pages++;
    } else {
        if (length == PAGE_BYTES)
            zswap->incompressible_pages++;
        if (zswap->config->zswap.second_chance)
            cold->bits |= PAGE_ENTRY_REFERENCED;
        entry_add_to_list(zswap, exec, &zswap->pools[pool], memcg, page);
    }
    spend_cost(mm, exec, TIME_zswap, COST_store_entry);
    count_event(mm, memcg, node, COUNTER_zswpout, 1);
    refresh_cached_total(zswap);
}

static bool is_same_filled(struct mm *mm, uint32_t page)
{
    const struct address_space *space = page_space(mm, page);
    return !known_length(mm, page) &&
           content_kind(space->content, page - space->first_page) != CONTENT_ORDINARY;
}

/* Before 6.9 the older entry of a slot goes before anything else is looked at. */
static void remove_duplicate(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    struct mm *mm = zswap->mm;
    if (zswap->config->zswap.duplicate_rule == DUPLICATE_REPLACED ||
        !(mm->cold[page].bits & PAGE_IN_ZSWAP))
        return;
    if (zswap->config->zswap.duplicate_rule == DUPLICATE_COUNTED)
        count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_duplicate_entry, 1);
    zswap_invalidate(zswap, exec, page);
}

/* Everything up to the point where the page is in zswap. */
static bool try_to_store(struct zswap *zswap, struct exec *exec, uint32_t page, bool *kick)
{
    struct mm *mm = zswap->mm;
    uint32_t memcg = page_memcg(mm, page);
    if (!zswap->enabled)
        return refuse(zswap, page, COUNTERS);
    remove_duplicate(zswap, exec, page);
    if (!limits_allow(zswap, exec, page, memcg, kick))
        return false;
    if (zswap->config->zswap.same_filled_entries) {
        spend_cost(mm, exec, TIME_zswap, COST_zero_page_check);
        if (is_same_filled(mm, page)) {
            zswap_invalidate(zswap, exec, page);
            publish(zswap, exec, page, memcg, NO_POOL, 0, 0);
            return true;
        }
    }
    struct zswap_pool *pool = zswap_current_pool(zswap);
    uint32_t pool_number = zswap->order[0], handle;
    uint32_t length = compress(zswap, exec, page, pool);
    if (!length)
        return false;
    if (!zswap->admission->admit(zswap, memcg, length, zswap->config->zswap.admission.params))
        return refuse(zswap, page, COUNTER_refused_by_admission);
    enum allocator_result result = entry_alloc(zswap, exec, pool, page, length, &handle);
    if (result != ALLOCATOR_OK)
        return refuse(zswap, page,
                      result == ALLOCATOR_INVALID ? COUNTER_reject_alloc_fail
                                                  : COUNTER_reject_compress_poor);
    entry_map(zswap, exec, pool, page, handle);
    zswap_invalidate(zswap, exec, page);
    publish(zswap, exec, page, memcg, pool_number, handle, length);
    return true;
}

/* Flattened, as zswap_load() is: what a fault calls here is small and called nowhere else, and
 * its entries and exits were 330 instructions a fault. */
__attribute__((flatten)) bool zswap_store(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    bool kick = false;
    if (try_to_store(zswap, exec, page, &kick))
        return true;
    if (zswap->config->zswap.kick_rule == KICK_ON_ANY_REFUSAL)
        kick = zswap->enabled && zswap->reached_full;
    if (kick)
        zswap_kick_worker(zswap, exec);
    /* What an earlier store left for this slot is out of date now. */
    zswap_invalidate(zswap, exec, page);
    /* A run of refused stores is long: the worker does its part in between. */
    zswap_yield_to_worker(zswap, exec);
    return false;
}

/* ---- load ---------------------------------------------------------------------------------- */

__attribute__((flatten)) void zswap_load(struct zswap *zswap, struct exec *exec, uint32_t page)
{
    struct mm *mm = zswap->mm;
    struct page_cold *cold = &mm->cold[page];
    uint32_t bits = cold->bits, length = 0;
    uint32_t number = bits_field(bits, ENTRY_POOL_SHIFT), memcg = page_memcg(mm, page);
    struct zswap_pool *pool = &zswap->pools[number];
    zswap_lock_tree(zswap, exec, page);
    if (number != NO_POOL) {
        length = object_length(zswap, pool, page);
        entry_decompress(zswap, exec, pool, page, length);
    } else {
        spend_cost(mm, exec, TIME_copy, COST_page_copy);
    }
    spend_cost(mm, exec, TIME_zswap, COST_load_entry);
    count_event(mm, memcg, bits_field(bits, PAGE_NODE_SHIFT), COUNTER_zswpin, 1);
    if (zswap->config->zswap.load_rule != LOAD_KEEPS) {
        cold->bits = bits | PAGE_DIRTY;
        free_entry(zswap, exec, page, memcg, length, number);
    } else if (bits & PAGE_ENTRY_ON_LRU) {
        /* zswap_frontswap_load (6.5), zswap_load (6.8): the copy that stays is the youngest. */
        entry_remove_from_list(zswap, exec, pool, memcg, page);
        entry_add_to_list(zswap, exec, pool, memcg, page);
    }
}

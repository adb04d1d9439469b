#include "sim/mm/node.h"

#include "sim/base/units.h"
#include "sim/mm/lru.h"
#include "sim/mm/reclaim.h"

enum {
    NO_PROGRESS_LOOPS = 16,
    MIN_FREE_KBYTES_LEAST = 128,
    MIN_FREE_KBYTES_MOST = 262144,
};

static uint64_t square_root(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = 1ull << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= n)
            root += bit;
    return root;
}

/* calculate_min_free_kbytes and __setup_per_zone_wmarks, one zone a node. */
static void set_watermarks(struct mm *mm)
{
    uint64_t managed = 0;
    for (uint32_t i = 0; i < mm->node_count; i++)
        managed += mm->nodes[i].managed_pages;
    uint64_t min_free_kb = mm->config->vm.min_free_kbytes;
    if (!min_free_kb) {
        min_free_kb = square_root(16 * managed * (PAGE_BYTES / 1024));
        if (min_free_kb < MIN_FREE_KBYTES_LEAST)
            min_free_kb = MIN_FREE_KBYTES_LEAST;
        if (min_free_kb > MIN_FREE_KBYTES_MOST)
            min_free_kb = MIN_FREE_KBYTES_MOST;
    }
    uint64_t min_pages = min_free_kb / (PAGE_BYTES / 1024);
    for (uint32_t i = 0; i < mm->node_count; i++) {
        struct node *node = &mm->nodes[i];
        node->watermark_min =
            (uint64_t)((unsigned __int128)min_pages * node->managed_pages / managed);
        uint64_t scaled = (uint64_t)((unsigned __int128)node->managed_pages *
                                     mm->config->vm.watermark_scale_factor / 10000);
        uint64_t gap = node->watermark_min / 4 > scaled ? node->watermark_min / 4 : scaled;
        node->watermark_low = node->watermark_min + gap;
        node->watermark_high = node->watermark_low + gap;
    }
}

/* build_zonelists: itself, then the others by distance; of equal ones each node begins
 * behind itself, so that fallbacks spread. */
static void build_zonelists(struct mm *mm)
{
    for (uint32_t i = 0; i < mm->node_count; i++) {
        const uint64_t *distances = mm->config->machine.node_distances[i];
        uint32_t *list = mm->nodes[i].zonelist;
        for (uint32_t k = 0; k < mm->node_count; k++) {
            uint32_t node = (i + k) % mm->node_count, at = k;
            for (; at > 1 && distances[list[at - 1]] > distances[node]; at--)
                list[at] = list[at - 1];
            list[at] = node;
        }
    }
}

void node_init(struct mm *mm)
{
    mm->node_count = (uint32_t)mm->config->machine.nodes;
    for (uint32_t i = 0; i < mm->node_count; i++) {
        mm->nodes[i].managed_pages = mm->config->machine.node_memory[i] / PAGE_BYTES;
        mm->nodes[i].free_pages = mm->nodes[i].managed_pages;
    }
    set_watermarks(mm);
    build_zonelists(mm);
}

bool node_balanced(const struct mm *mm, uint32_t node)
{
    return mm->nodes[node].free_pages > mm->nodes[node].watermark_high;
}

void node_wake_kswapd(struct mm *mm, struct exec *exec)
{
    for (uint32_t i = 0; i < mm->node_count; i++) {
        struct node *node = &mm->nodes[i];
        if (!node->kswapd || node->kswapd_wanted ||
            node->kswapd_failures >= KSWAPD_FAILURES_AT_MOST || node_balanced(mm, i))
            continue;
        node->kswapd_wanted = true;
        processors_wake_at(mm->processors, node->kswapd,
                           exec->now_ns + mm->costs->ns[COST_kswapd_wakeup]);
    }
}

enum watermark { WATERMARK_NONE, WATERMARK_MIN, WATERMARK_LOW, WATERMARK_HIGH };

static uint64_t watermark_pages(const struct node *node, enum watermark mark)
{
    switch (mark) {
    case WATERMARK_LOW:
        return node->watermark_low;
    case WATERMARK_MIN:
        return node->watermark_min;
    case WATERMARK_HIGH:
        return node->watermark_high;
    case WATERMARK_NONE:
        break;
    }
    return 0;
}

/* get_page_from_freelist */
static bool take_page(struct mm *mm, uint32_t preferred, enum watermark mark, uint32_t *from)
{
    const uint32_t *zonelist = mm->nodes[preferred].zonelist;
    for (uint32_t i = 0; i < mm->node_count; i++) {
        struct node *node = &mm->nodes[zonelist[i]];
        if (node->free_pages > watermark_pages(node, mark)) {
            node->free_pages--;
            *from = zonelist[i];
            return true;
        }
    }
    return false;
}

/* Any page that there is.  Reclaim itself, or a dying task, may find none: the kernel would panic
 * or deadlock; here the node owes it. */
static uint32_t take_last_page(struct mm *mm, uint32_t preferred)
{
    uint32_t from;
    if (take_page(mm, preferred, WATERMARK_NONE, &from))
        return from;
    mm->nodes[preferred].overdrawn_pages++;
    return preferred;
}

static void count_stall(struct mm *mm)
{
    mm->counters[COUNTER_allocstall]++;
}

uint32_t node_alloc_page_elsewhere(struct mm *mm, struct exec *exec, uint32_t preferred)
{
    uint32_t from;
    if (take_page(mm, preferred, WATERMARK_LOW, &from))
        return from;
    node_wake_kswapd(mm, exec);
    if (take_page(mm, preferred, exec->memalloc || exec->killed ? WATERMARK_NONE : WATERMARK_MIN,
                  &from))
        return from;
    struct reclaim_circle circle = {0};
    uint32_t no_progress = 0;
    bool drained = false;
    while (!exec->memalloc && !exec->killed) {
        count_stall(mm);
        psi_memstall_enter(mm, exec);
        uint64_t reclaimed = reclaim_direct(mm, exec);
        psi_memstall_leave(mm, exec);
        if (take_page(mm, preferred, WATERMARK_MIN, &from))
            return from;
        if (!drained) {
            lru_add_drain_all(mm);
            drained = true;
        }
        if (reclaim_is_in_vain(mm, exec, &circle, ROOT_MEMCG, reclaimed))
            break;
        if (!reclaimed && reclaim_wait_for_write(mm, exec))
            continue;
        no_progress = reclaimed ? 0 : no_progress + 1;
        if (no_progress <= NO_PROGRESS_LOOPS)
            continue;
        if (take_page(mm, preferred, WATERMARK_HIGH, &from))
            return from;
        if (!reclaim_out_of_memory(mm, exec, ROOT_MEMCG))
            break;
        no_progress = 0;
    }
    return take_last_page(mm, preferred);
}

void node_change_pool_pages(struct mm *mm, uint32_t preferred, int64_t pages)
{
    mm->pool_pages += (uint64_t)pages;
    note_peaks(mm);
    for (; pages > 0; pages--)
        mm->nodes[take_last_page(mm, preferred)].pool_pages++;
    for (; pages < 0; pages++) {
        /* Which node a freed zspage lay on is not recorded: the entry's node
         * first, else the one that holds most. */
        uint32_t to = preferred;
        if (!mm->nodes[to].pool_pages)
            for (uint32_t i = 0; i < mm->node_count; i++)
                if (mm->nodes[i].pool_pages > mm->nodes[to].pool_pages)
                    to = i;
        mm->nodes[to].pool_pages--;
        node_free_page(mm, to);
    }
}

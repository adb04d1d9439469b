#include "sim/swap/zram.h"

#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"

void zram_init(struct zram *zram, struct mm *mm, uint32_t blocks, unsigned compressor,
               uint64_t limit_pages)
{
    const struct policy_choice *allocator = &mm->config->swap.zram_allocator;
    struct allocator_setup setup = {.params = allocator->params};
    *zram = (struct zram){.mm = mm, .compressor = compressor, .blocks = blocks};
    object_pool_init(&zram->objects, mm, allocator->policy->hooks, &setup);
    zram->objects.may_fail = true;
    zram->objects.most_pages = limit_pages ? limit_pages : UINT64_MAX;
    zram->huge_from = PAGE_BYTES;
    if (zram->objects.allocator->huge_from)
        zram->huge_from = zram->objects.allocator->huge_from(zram->objects.state);
    zram->table = memory_mapped((size_t)blocks * sizeof(*zram->table), "a zram table");
}

void zram_release(struct zram *zram)
{
    object_pool_release(&zram->objects);
    memory_unmap(zram->table, (size_t)zram->blocks * sizeof(*zram->table));
}

/* zram_free_page */
static void free_block(struct zram *zram, struct exec *exec, struct zram_block *block)
{
    if (!(block->flags & ZRAM_WRITTEN))
        return;
    if (block->flags & ZRAM_SAME) {
        zram->stats.same_pages--;
    } else {
        object_pool_free(zram->mm, exec, &zram->objects, block->handle, exec->node);
        zram->stats.compr_data_size -= block->size;
        zram->stats.huge_pages -= (block->flags & ZRAM_HUGE) != 0;
    }
    zram->stats.pages_stored--;
    memset(block, 0, sizeof(*block));
}

/* zcomp_compress; what is near a page or above takes one. */
static uint32_t compress(struct zram *zram, struct exec *exec, struct zram_data data)
{
    struct mm *mm = zram->mm;
    uint32_t length = content_length(data.content, data.page, zram->compressor);
    bool huge = length == COMPRESSOR_FAILED || length >= zram->huge_from;
    spend(
        mm, exec, TIME_compress,
        costs_compress_ns(mm->costs, zram->compressor, length < PAGE_BYTES ? length : PAGE_BYTES));
    if (huge)
        spend_cost(mm, exec, TIME_copy, COST_page_copy);
    return huge ? PAGE_BYTES : length;
}

/* zram_write_page, with what was there freed first (from 6.14; before, last). */
bool zram_write(struct zram *zram, struct exec *exec, uint32_t number, struct zram_data data)
{
    struct mm *mm = zram->mm;
    struct zram_block *block = &zram->table[number];
    mm->counters[COUNTER_zram_writes]++;
    spend_cost(mm, exec, TIME_swap_io_cpu, COST_zram_request);
    free_block(zram, exec, block);
    spend_cost(mm, exec, TIME_swap_io_cpu, COST_zero_page_check);
    if (content_kind(data.content, data.page) != CONTENT_ORDINARY) {
        *block = (struct zram_block){.flags = ZRAM_WRITTEN | ZRAM_SAME};
        zram->stats.same_pages++;
        zram->stats.pages_stored++;
        return true;
    }
    uint32_t size = compress(zram, exec, data), handle;
    if (object_pool_alloc(mm, exec, &zram->objects, size, number, exec->node, &handle) !=
        ALLOCATOR_OK) {
        mm->counters[COUNTER_failed_writes]++;
        return false;
    }
    object_pool_map(mm, exec, &zram->objects, handle);
    bool huge = size == PAGE_BYTES;
    *block = (struct zram_block){
        .handle = handle, .size = (uint16_t)size, .flags = ZRAM_WRITTEN | (huge ? ZRAM_HUGE : 0)};
    zram->stats.huge_pages += huge;
    mm->counters[COUNTER_huge_pages_since] += huge;
    zram->stats.compr_data_size += size;
    zram->stats.pages_stored++;
    if (zram_used_pages(zram) > zram->stats.max_used_pages)
        zram->stats.max_used_pages = zram_used_pages(zram);
    return true;
}

/* zram_read_page */
void zram_read(struct zram *zram, struct exec *exec, uint32_t number)
{
    struct mm *mm = zram->mm;
    const struct zram_block *block = &zram->table[number];
    mm->counters[COUNTER_zram_reads]++;
    spend_cost(mm, exec, TIME_swap_io_cpu, COST_zram_request);
    if (!(block->flags & ZRAM_WRITTEN) || (block->flags & ZRAM_SAME)) {
        spend_cost(mm, exec, TIME_copy, COST_page_copy);
        return;
    }
    object_pool_map(mm, exec, &zram->objects, block->handle);
    if (block->flags & ZRAM_HUGE)
        spend_cost(mm, exec, TIME_copy, COST_page_copy);
    else
        spend(mm, exec, TIME_decompress,
              costs_decompress_ns(mm->costs, zram->compressor, block->size));
}

void zram_discard(struct zram *zram, struct exec *exec, uint32_t number)
{
    struct zram_block *block = &zram->table[number];
    if (!(block->flags & ZRAM_WRITTEN))
        return;
    zram->mm->counters[COUNTER_zram_discards]++;
    free_block(zram, exec, block);
}

const char *zram_check(const struct zram *zram)
{
    const struct object_pool *objects = &zram->objects;
    struct zram_stats sum = {0};
    for (uint32_t i = 0; i < zram->blocks; i++) {
        const struct zram_block *block = &zram->table[i];
        if ((block->handle != 0) != (block->flags & ZRAM_WRITTEN && !(block->flags & ZRAM_SAME)))
            return "zram: a block has an object and needs none, or needs one and has none";
        sum.pages_stored += (block->flags & ZRAM_WRITTEN) != 0;
        sum.same_pages += (block->flags & ZRAM_SAME) != 0;
        sum.huge_pages += (block->flags & ZRAM_HUGE) != 0;
        sum.compr_data_size += block->size;
    }
    if (sum.pages_stored != zram->stats.pages_stored || sum.same_pages != zram->stats.same_pages ||
        sum.huge_pages != zram->stats.huge_pages)
        return "zram: blocks of a kind are miscounted";
    if (sum.compr_data_size != zram->stats.compr_data_size)
        return "zram: compr_data_size is not the sum of the blocks";
    if (objects->pages != objects->allocator->total_pages(objects->state))
        return "zram: the pool's pages were not taken from the nodes";
    if (objects->pages * PAGE_BYTES < sum.compr_data_size)
        return "zram: the pool is smaller than what is in it";
    return objects->allocator->check ? objects->allocator->check(objects->state) : NULL;
}

/* A zram device: a block device whose blocks are compressed pages in the machine's
 * own memory (drivers/block/zram/zram_drv.c).
 *
 * A block is written by compressing it into an object of the device's zsmalloc pool;
 * a page of one repeated word takes no object, and one that compresses too little is
 * stored as it is.  Requests end in the caller.  The device has no order of its
 * blocks: when it is full, it takes nothing more until blocks are freed. */
#ifndef ZSIM_SWAP_ZRAM_H
#define ZSIM_SWAP_ZRAM_H

#include "sim/mm/object_pool.h"

enum zram_flag {
    ZRAM_WRITTEN = 1, /* the block has data */
    ZRAM_SAME = 2,    /* one repeated word: no object */
    ZRAM_HUGE = 4,    /* stored as it is */
};

/* One block, 4 KiB: struct zram_table_entry. */
struct zram_block {
    uint32_t handle;
    uint16_t size; /* bytes of the object */
    uint16_t flags;
};

/* /sys/block/zram0/mm_stat, io_stat and stat, under the kernel's names. */
struct zram_stats {
    uint64_t pages_stored;    /* orig_data_size, in pages */
    uint64_t compr_data_size; /* bytes */
    uint64_t same_pages, huge_pages;
    uint64_t max_used_pages; /* mem_used_max, in pages */
};

struct zram {
    struct mm *mm;
    unsigned compressor;
    uint32_t huge_from; /* bytes: what compresses to this or more is stored as it is */
    struct object_pool objects;
    struct zram_block *table; /* [blocks] */
    uint32_t blocks;
    struct zram_stats stats;
};

/* `blocks` numbered from 0; the pool may take at most limit_pages, 0: no limit. */
void zram_init(struct zram *zram, struct mm *mm, uint32_t blocks, unsigned compressor,
               uint64_t limit_pages);
void zram_release(struct zram *zram);

/* What a block is written with: a page of a content. */
struct zram_data {
    const struct content *content;
    uint32_t page;
};

/* False: mem_limit is reached or there is no memory; the block is empty then. */
bool zram_write(struct zram *zram, struct exec *exec, uint32_t block, struct zram_data data);
/* A block that was never written reads as zeros. */
void zram_read(struct zram *zram, struct exec *exec, uint32_t block);
/* zram_slot_free_notify, and a discard: the block's memory is free. */
void zram_discard(struct zram *zram, struct exec *exec, uint32_t block);

/* mem_used_total, in pages. */
static inline uint64_t zram_used_pages(const struct zram *zram)
{
    return zram->objects.pages;
}

/* What is wrong with the device's books, or NULL. */
const char *zram_check(const struct zram *zram);

#endif

/* NUMA nodes: free pages, watermarks, where an allocation goes. */
#ifndef ZSIM_MM_NODE_H
#define ZSIM_MM_NODE_H

#include "sim/mm/mm.h"

void node_init(struct mm *mm);

/* Allocate one page, preferably on `node`; reclaims when memory is short
 * (__alloc_pages_slowpath).  Returns the node it came from. */
uint32_t node_alloc_page_elsewhere(struct mm *mm, struct exec *exec, uint32_t node);
static inline uint32_t node_alloc_page(struct mm *mm, struct exec *exec, uint32_t node)
{
    struct node *from = &mm->nodes[node];
    if (from->free_pages <= from->watermark_low)
        return node_alloc_page_elsewhere(mm, exec, node);
    from->free_pages--;
    return node;
}

static inline void node_free_page(struct mm *mm, uint32_t node)
{
    struct node *to = &mm->nodes[node];
    if (to->overdrawn_pages)
        to->overdrawn_pages--;
    else
        to->free_pages++;
}

/* A zswap pool has grown or shrunk by whole pages; growth prefers `node`. */
void node_change_pool_pages(struct mm *mm, uint32_t node, int64_t pages);

/* pgdat_balanced: kswapd may stop. */
bool node_balanced(const struct mm *mm, uint32_t node);

/* Wake kswapd of every node. */
void node_wake_kswapd(struct mm *mm, struct exec *exec);

#endif

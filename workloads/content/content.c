#include "workloads/content/content.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "workloads/content/content_source.h"
#include "workloads/content/length_cache.h"

/* Workspaces not in use at the moment: at most as many as threads have ever
 * computed a length at the same time. */
struct compressor_pool {
    pthread_mutex_t lock;
    struct compressor_workspace **idle;
    size_t count, capacity;
};

static struct compressor_pool *pool_create(void)
{
    struct compressor_pool *pool = memory_zeroed(1, sizeof(*pool), "compressor workspaces");
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

static void pool_release(struct compressor_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        compressor_workspace_release(pool->idle[i]);
    free(pool->idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct compressor_workspace *pool_take(struct compressor_pool *pool)
{
    struct compressor_workspace *workspace = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->count)
        workspace = pool->idle[--pool->count];
    pthread_mutex_unlock(&pool->lock);
    return workspace ? workspace : compressor_workspace_create();
}

static void pool_give_back(struct compressor_pool *pool, struct compressor_workspace *workspace)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->count == pool->capacity) {
        pool->capacity = pool->capacity ? 2 * pool->capacity : 4;
        pool->idle = memory_resized(pool->idle, pool->capacity, sizeof(pool->idle[0]),
                                    "compressor workspaces");
    }
    pool->idle[pool->count++] = workspace;
    pthread_mutex_unlock(&pool->lock);
}

static size_t lengths_bytes(uint32_t pages)
{
    return (size_t)compressor_count() * pages * sizeof(uint16_t);
}

static size_t kinds_bytes(uint32_t pages)
{
    return pages / 4 + 1;
}

struct content *content_create(const struct content_source *source, void *state, uint32_t pages)
{
    struct content *content = memory_zeroed(1, sizeof(*content), "page contents");
    content->pages = pages;
    content->source = source;
    content->state = state;
    content->lengths = memory_mapped(lengths_bytes(pages), "compressed lengths");
    content->kinds = memory_mapped(kinds_bytes(pages), "kinds of pages");
    content->pool = pool_create();
    return content;
}

void content_close(struct content *content)
{
    if (!content)
        return;
    content->source->release(content->state);
    memory_unmap(content->lengths, lengths_bytes(content->pages));
    memory_unmap(content->kinds, kinds_bytes(content->pages));
    pool_release(content->pool);
    free(content);
}

bool content_knows(const struct content *content, unsigned compressor)
{
    return compressor < compressor_count() &&
           (!content->source->knows || content->source->knows(content->state, compressor));
}

enum content_kind content_kind_compute(const struct content *content, uint32_t page)
{
    assert(page < content->pages);
    enum content_kind kind = content->source->kind(content->state, page);
    /* Threads that race here set the same bits. */
    __atomic_fetch_or(&content->kinds[page / 4], (uint8_t)((kind + 1u) << page % 4 * 2),
                      __ATOMIC_RELAXED);
    return kind;
}

static uint32_t length_of_bytes(const struct content *content, uint32_t page, unsigned compressor)
{
    _Alignas(8) unsigned char bytes[PAGE_BYTES];
    content->source->bytes(content->state, page, bytes);
    struct compressor_workspace *workspace = pool_take(content->pool);
    uint32_t length = compressors[compressor].length(workspace, bytes);
    pool_give_back(content->pool, workspace);
    return length;
}

uint32_t content_length_compute(const struct content *content, uint32_t page, unsigned compressor)
{
    assert(page < content->pages && compressor < compressor_count());
    if (!content->source->length && content->family)
        return length_family_find(content, page, compressor, length_of_bytes);
    uint32_t length = content->source->length
                          ? content->source->length(content->state, page, compressor)
                          : length_of_bytes(content, page, compressor);
    assert(length <= COMPRESSED_AT_MOST);
    /* Threads that race here write the same value. */
    __atomic_store_n(&content->lengths[(size_t)compressor * content->pages + page],
                     (uint16_t)(length + 1), __ATOMIC_RELAXED);
    return length;
}

bool content_bytes(const struct content *content, uint32_t page, unsigned char out[PAGE_BYTES])
{
    assert(page < content->pages);
    if (!content->source->bytes)
        return false;
    content->source->bytes(content->state, page, out);
    return true;
}

enum content_kind content_kind_of(const unsigned char page[PAGE_BYTES])
{
    uint64_t first, word;
    memcpy(&first, page, sizeof(first));
    for (size_t at = sizeof(word); at < PAGE_BYTES; at += sizeof(word)) {
        memcpy(&word, page + at, sizeof(word));
        if (word != first)
            return CONTENT_ORDINARY;
    }
    return first ? CONTENT_SAME_FILLED : CONTENT_ZERO;
}

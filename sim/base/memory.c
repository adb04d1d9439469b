#define _GNU_SOURCE
#include "sim/base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA_BLOCK_BYTES = 64 * 1024, HUGE_PAGE_BYTES = 2 * 1024 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

static void out_of_memory(size_t count, size_t size, const char *what)
{
    fprintf(stderr, "zsim: error: out of memory: %zu x %zu bytes for %s\n", count, size, what);
    exit(1);
}

void *memory_zeroed(size_t count, size_t size, const char *what)
{
    void *block = calloc(count ? count : 1, size ? size : 1);
    if (!block)
        out_of_memory(count, size, what);
    return block;
}

void *memory_resized(void *old, size_t count, size_t size, const char *what)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(count, size, what);
    void *block = realloc(old, bytes ? bytes : 1);
    if (!block)
        out_of_memory(count, size, what);
    return block;
}

char *memory_string(const char *text)
{
    size_t length = strlen(text);
    char *copy = memory_zeroed(length + 1, 1, "a string");
    memcpy(copy, text, length);
    return copy;
}

/* How much is mapped for a request: whole huge pages where there is at least one. */
static size_t mapped_bytes(size_t bytes)
{
    if (bytes < HUGE_PAGE_BYTES)
        return bytes ? bytes : 1;
    return (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
}

void *memory_mapped(size_t bytes, const char *what)
{
    size_t wanted = mapped_bytes(bytes), spare = wanted < HUGE_PAGE_BYTES ? 0 : HUGE_PAGE_BYTES;
    char *block = mmap(NULL, wanted + spare, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED)
        out_of_memory(1, bytes, what);
    if (spare) {
        /* Only aligned parts can be huge pages: cut off what lies before and behind. */
        size_t before = -(uintptr_t)block % HUGE_PAGE_BYTES;
        if (before)
            munmap(block, before);
        block += before;
        if (before != spare)
            munmap(block + wanted, spare - before);
    }
    /* Fewer TLB misses on random pages; a refusal changes only speed. */
    (void)madvise(block, wanted, MADV_HUGEPAGE);
    return block;
}

void *memory_mapped_resized(void *old, size_t old_bytes, size_t bytes, const char *what)
{
    char *block = memory_mapped(bytes, what);
    size_t kept = mapped_bytes(old_bytes < bytes ? old_bytes : bytes);
    if (!old)
        return block;
    /* Moves whole huge pages; memory of malloc() would lose them at every growth. */
    if (kept < HUGE_PAGE_BYTES ||
        mremap(old, kept, kept, MREMAP_MAYMOVE | MREMAP_FIXED, block) == MAP_FAILED) {
        memcpy(block, old, old_bytes < bytes ? old_bytes : bytes);
        memory_unmap(old, old_bytes);
    } else if (mapped_bytes(old_bytes) > kept) {
        munmap((char *)old + kept, mapped_bytes(old_bytes) - kept);
    }
    return block;
}

void memory_unmap(void *address, size_t bytes)
{
    if (address)
        munmap(address, mapped_bytes(bytes));
}

void *arena_zeroed(struct arena *arena, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < bytes) {
        size_t size = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
        block = memory_zeroed(1, sizeof(*block) + size, "an arena block");
        block->size = size;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *object = block->bytes + block->used;
    block->used += bytes;
    return object;
}

char *arena_string(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_zeroed(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        out_of_memory(1, 0, "a message");
    char *copy = arena_string(arena, text, (size_t)length);
    free(text);
    return copy;
}

void arena_release(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

#define _GNU_SOURCE
#include "sim/base/memory.h"

#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/base/fuzzing.h"

enum {
    ARENA_BLOCK_BYTES = USUAL_OR_FUZZING(64 * 1024, 0), /* fuzzing: each object is guarded */
    HUGE_PAGE_BYTES = 2 * 1024 * 1024,
    SMALL_PAGE_BYTES = 4096,
    CACHE_LINE_BYTES = 64,
};

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

/* Several threads may run out of memory at the same time: the first one says so. */
static _Noreturn void end_process(const char *message)
{
    static atomic_flag ending = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&ending))
        pause();
    fputs(message, stderr);
    exit(1);
}

static _Noreturn void out_of_memory(size_t count, size_t size, const char *what)
{
    char message[256];
    snprintf(message, sizeof(message), "zsim: error: out of memory: %zu x %zu bytes for %s\n",
             count, size, what);
    end_process(message);
}

void memory_exhausted(const char *what)
{
    char message[256];
    snprintf(message, sizeof(message), "zsim: error: out of memory for %s\n", what);
    end_process(message);
}

void *memory_checked(void *block, const char *what)
{
    if (!block)
        memory_exhausted(what);
    return block;
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
    size_t bytes = strlen(text) + 1;
    char *copy = memory_zeroed(bytes, 1, "a string");
    memcpy(copy, text, bytes);
    return copy;
}

static char *printed(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        memory_exhausted("a message");
    return text;
}

char *memory_printed(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = printed(format, arguments);
    va_end(arguments);
    return text;
}

char *memory_listed(char *list, char *item)
{
    if (!list)
        return item;
    char *longer = memory_printed("%s, %s", list, item);
    free(list);
    free(item);
    return longer;
}

struct text_stream {
    char *bytes, **text; /* the same, for the caller */
    size_t *length;
    size_t room;
};

static ssize_t append_text(void *context, const char *bytes, size_t count)
{
    struct text_stream *stream = context;
    size_t length = *stream->length;
    if (count >= stream->room - length) {
        /* The process must not end here: exit() would come back to write what is left. */
        size_t room = 2 * (length + count + 1);
        char *text = realloc(stream->bytes, room);
        if (!text)
            return 0; /* memory_stream_close() will see it */
        stream->room = room;
        *stream->text = stream->bytes = text;
    }
    memcpy(stream->bytes + length, bytes, count);
    *stream->length = length + count;
    stream->bytes[length + count] = '\0';
    return (ssize_t)count;
}

static int free_text_stream(void *context)
{
    free(context);
    return 0;
}

FILE *memory_stream_open(char **text, size_t *length)
{
    static const cookie_io_functions_t calls = {.write = append_text, .close = free_text_stream};
    struct text_stream *stream = memory_zeroed(1, sizeof(*stream), "a text");
    *stream = (struct text_stream){.text = text, .length = length, .room = 4096};
    *text = stream->bytes = memory_zeroed(stream->room, 1, "a text");
    *length = 0;
    return memory_checked(fopencookie(stream, "w", calls), "a text");
}

void memory_stream_close(FILE *stream)
{
    bool whole = !ferror(stream);
    if (fclose(stream) != 0 || !whole)
        memory_exhausted("a text");
}

/* Whole huge pages. */
static size_t mapped_bytes(size_t bytes)
{
    return (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
}

/* Where there is not one huge page: memory that the thread's earlier runs have had.  Unmapping
 * makes all processors that run the process forget addresses (measured: 1.7 % of the time of
 * a sweep on two threads, and new pages another 1 %). */
static void *small_block(size_t bytes, const char *what)
{
    void *block;
    if (posix_memalign(&block, bytes < SMALL_PAGE_BYTES ? CACHE_LINE_BYTES : SMALL_PAGE_BYTES,
                       bytes ? bytes : 1) != 0)
        out_of_memory(1, bytes, what);
    return memset(block, 0, bytes);
}

void *memory_mapped(size_t bytes, const char *what)
{
    if (bytes < HUGE_PAGE_BYTES)
        return small_block(bytes, what);
    size_t wanted = mapped_bytes(bytes);
    char *block = mmap(NULL, wanted + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED)
        out_of_memory(1, bytes, what);
    /* Only aligned parts can be huge pages: cut off what lies before and behind. */
    size_t before = -(uintptr_t)block % HUGE_PAGE_BYTES;
    if (before)
        munmap(block, before);
    block += before;
    munmap(block + wanted, HUGE_PAGE_BYTES - before);
    /* Fewer TLB misses on random pages; a refusal changes only speed. */
    (void)madvise(block, wanted, MADV_HUGEPAGE);
    return block;
}

void *memory_mapped_resized(void *old, size_t old_bytes, size_t bytes, const char *what)
{
    char *block = memory_mapped(bytes, what);
    size_t common = old_bytes < bytes ? old_bytes : bytes, kept = mapped_bytes(common);
    if (!old)
        return block;
    /* Moves whole huge pages; memory of malloc() would lose them at every growth. */
    if (common < HUGE_PAGE_BYTES ||
        mremap(old, kept, kept, MREMAP_MAYMOVE | MREMAP_FIXED, block) == MAP_FAILED) {
        memcpy(block, old, common);
        memory_unmap(old, old_bytes);
    } else if (mapped_bytes(old_bytes) > kept) {
        munmap((char *)old + kept, mapped_bytes(old_bytes) - kept);
    }
    return block;
}

void memory_unmap(void *address, size_t bytes)
{
    if (bytes < HUGE_PAGE_BYTES)
        free(address);
    else if (address)
        munmap(address, mapped_bytes(bytes));
}

void memory_keep_freed(void)
{
    mallopt(M_MMAP_THRESHOLD, HUGE_PAGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
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
    char *text = printed(format, arguments);
    va_end(arguments);
    char *copy = arena_string(arena, text, strlen(text));
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

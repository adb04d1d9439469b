/* Memory for zsim's own use: every request is checked, none returns NULL.
 *
 * A simulation that cannot get memory cannot finish; it says so in one line
 * on stderr and ends the process with exit code 1.  Results are written under
 * temporary names, so nothing half-written is left behind. */
#ifndef ZSIM_BASE_MEMORY_H
#define ZSIM_BASE_MEMORY_H

#include <stddef.h>
#include <stdio.h>

/* count * size zeroed bytes (overflow checked); `what` names the object in the
 * message that ends the process on failure.  Free with free(). */
void *memory_zeroed(size_t count, size_t size, const char *what);

/* realloc() of an array of count elements of size bytes; new bytes are not zeroed. */
void *memory_resized(void *old, size_t count, size_t size, const char *what);

/* A copy of a string.  Free with free(). */
char *memory_string(const char *text);

/* asprintf() into a string of its own.  Free with free(). */
char *memory_printed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `list`, NULL at first, with one more item behind a comma; both are freed. */
char *memory_listed(char *list, char *item);

/* A stream into memory: after its end *text has *length bytes and a NUL.  Free it with
 * free().  (glibc's open_memstream() loses a piece without a word when it cannot grow.) */
FILE *memory_stream_open(char **text, size_t *length);
void memory_stream_close(FILE *stream);

/* `block`, which a library was asked for; NULL ends the process as above. */
void *memory_checked(void *block, const char *what);

/* Say that there is no memory for `what`, and end the process. */
_Noreturn void memory_exhausted(const char *what);

/* Zeroed memory for arrays over all simulated pages, in whole cache lines.  From 2 MiB on it
 * comes straight from the system: untouched parts cost no memory, and huge pages are asked
 * for.  Release with memory_unmap() and the same size. */
void *memory_mapped(size_t bytes, const char *what);
/* The same as a new size of `old` (NULL: nothing yet), whose contents move. */
void *memory_mapped_resized(void *old, size_t old_bytes, size_t bytes, const char *what);
void memory_unmap(void *address, size_t bytes);

/* Keep what is freed for later requests of less than 2 MiB, in place of giving it back to the
 * system: for a process of many runs, at its beginning. */
void memory_keep_freed(void);

/* A bump allocator for many small objects that die together (a parsed config).
 * Zero-initialise it to begin; memory is zeroed. */
struct arena {
    struct arena_block *blocks;
};

void *arena_zeroed(struct arena *arena, size_t bytes);
char *arena_string(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_release(struct arena *arena);

#endif

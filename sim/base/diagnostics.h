/* The user's mistakes, collected so that one pass reports all of them.
 *
 * A message is one line: `FILE:LINE:COLUMN: error: TEXT`, or `FILE: error: TEXT`
 * where there is no position.  Functions that meet a mistake add it here and
 * go on; the caller that owns the list prints it and ends with exit code 2. */
#ifndef ZSIM_BASE_DIAGNOSTICS_H
#define ZSIM_BASE_DIAGNOSTICS_H

#include <stddef.h>

#include "sim/base/memory.h"

enum { DIAGNOSTICS_SHOWN_AT_MOST = 20 };

/* Where a message points to.  line 0: no position.  source_line (may be NULL)
 * is the text of that line; it is shown under the message with a caret. */
struct source_position {
    const char *file;
    unsigned line, column;
    const char *source_line;
};

struct diagnostics {
    struct arena arena;
    struct diagnostic *first, *last;
    size_t count;
};

/* A file's name as messages have it: an empty one is "" in them. */
const char *shown_name(const char *file);

/* Add a message.  `position` may be NULL. */
void diagnostics_add(struct diagnostics *list, const struct source_position *position,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Print the messages (at most DIAGNOSTICS_SHOWN_AT_MOST, then how many more) on stderr. */
void diagnostics_print(const struct diagnostics *list);

/* The text of message `index` with its `FILE:LINE:COLUMN: error: ` prefix, or NULL. */
const char *diagnostics_text(const struct diagnostics *list, size_t index);

void diagnostics_release(struct diagnostics *list);

/* Print and release; returns `code`, for the end of a command. */
int diagnostics_report(struct diagnostics *list, int code);

/* The entry of names[0..count-1] nearest to `word` by edit distance, or NULL
 * when none is near enough to be a likely misspelling (distance over 3 or over
 * half of the word).  A name of which it is the first part is at distance 1. */
const char *nearest_name(const char *word, const char *const *names, size_t count);

#endif

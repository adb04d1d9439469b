#define _GNU_SOURCE
#include "sim/base/diagnostics.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diagnostic {
    struct diagnostic *next;
    const char *text;        /* with its position prefix */
    const char *source_line; /* NULL: nothing to show */
    unsigned line, column;
};

const char *shown_name(const char *file)
{
    return *file ? file : "\"\"";
}

void diagnostics_add(struct diagnostics *list, const struct source_position *position,
                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *message = NULL;
    if (vasprintf(&message, format, arguments) < 0)
        memory_exhausted("a message");
    va_end(arguments);

    struct diagnostic *entry = arena_zeroed(&list->arena, sizeof(*entry));
    if (position && position->file && position->line)
        entry->text = arena_printf(&list->arena, "%s:%u:%u: error: %s", shown_name(position->file),
                                   position->line, position->column, message);
    else if (position && position->file)
        entry->text =
            arena_printf(&list->arena, "%s: error: %s", shown_name(position->file), message);
    else
        entry->text = arena_printf(&list->arena, "zsim: error: %s", message);
    if (position && position->line && position->source_line) {
        entry->source_line =
            arena_string(&list->arena, position->source_line, strlen(position->source_line));
        entry->line = position->line;
        entry->column = position->column;
    }
    free(message);
    if (list->last)
        list->last->next = entry;
    else
        list->first = entry;
    list->last = entry;
    list->count++;
}

void diagnostics_print(const struct diagnostics *list)
{
    size_t shown = 0;
    for (const struct diagnostic *entry = list->first; entry; entry = entry->next) {
        if (shown++ == DIAGNOSTICS_SHOWN_AT_MOST) {
            fprintf(stderr, "zsim: error: ... and %zu more\n", list->count - shown + 1);
            return;
        }
        fprintf(stderr, "%s\n", entry->text);
        if (entry->source_line)
            fprintf(stderr, "%5u | %s\n      | %*s^\n", entry->line, entry->source_line,
                    (int)entry->column - 1, "");
    }
}

const char *diagnostics_text(const struct diagnostics *list, size_t index)
{
    const struct diagnostic *entry = list->first;
    while (entry && index--)
        entry = entry->next;
    return entry ? entry->text : NULL;
}

void diagnostics_release(struct diagnostics *list)
{
    arena_release(&list->arena);
    memset(list, 0, sizeof(*list));
}

/* Levenshtein distance with adjacent transpositions counted once; words are
 * short names, longer ones are cut. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > LONGEST)
        rows = LONGEST;
    if (columns > LONGEST)
        columns = LONGEST;
    size_t table[3][LONGEST + 1];
    for (size_t j = 0; j <= columns; j++)
        table[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *row = table[i % 3], *above = table[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                table[(i - 2) % 3][j - 2] + 1 < best)
                best = table[(i - 2) % 3][j - 2] + 1;
            row[j] = best;
        }
    }
    return table[rows % 3][columns];
}

/* "max_pool" of "max_pool_percent", "inversion" of "inversion.pair_ppm". */
static bool is_beginning(const char *word, const char *name)
{
    enum { SHORTEST = 3 };
    size_t length = strlen(word);
    return length >= SHORTEST && strncmp(word, name, length) == 0 &&
           (name[length] == '_' || name[length] == '.');
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = (strlen(word) + 1) / 2;
    if (best_distance > 3)
        best_distance = 3;
    for (size_t i = 0; i < count; i++) {
        size_t distance = is_beginning(word, names[i]) ? 1 : edit_distance(word, names[i]);
        if (distance <= best_distance && (!best || distance < best_distance)) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

int diagnostics_report(struct diagnostics *list, int code)
{
    diagnostics_print(list);
    diagnostics_release(list);
    return code;
}

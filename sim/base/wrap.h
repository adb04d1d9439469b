/* Text in lines, for people. */
#ifndef ZSIM_BASE_WRAP_H
#define ZSIM_BASE_WRAP_H

#include <stdbool.h>
#include <stdio.h>

/* Print words, those of `text` between blanks and line ends, in lines of at most `width` columns.
 * `column`: how many of the first line are printed; `part`: the first word is parted from these as
 * words are from each other.  `indent`: blanks before the other lines.  Prints no last line end. */
void wrap_words(FILE *out, const char *text, int column, bool part, int indent, int width);

#endif

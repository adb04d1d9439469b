#include "sim/base/wrap.h"

#include <string.h>

void wrap_words(FILE *out, const char *text, int column, bool part, int indent, int width)
{
    int gap = part;
    for (const char *word = text; *word;) {
        int length = (int)strcspn(word, " \n");
        if (gap && column + gap + length > width) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
            gap = 0;
        }
        column += fprintf(out, "%*s%.*s", gap, "", length, word);
        gap = 1;
        word += length;
        word += strspn(word, " \n");
    }
}

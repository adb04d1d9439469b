/* What to say of a command-line flag that getopt_long() refuses: the same words for
 * every command. */
#ifndef ZSIM_BASE_FLAGS_H
#define ZSIM_BASE_FLAGS_H

#include <getopt.h>

enum { FLAG_MESSAGE_BYTES = 256 };

/* `found` is what getopt_long() has just returned: '?', or ':' where a value is missing
 * (letters begin with ':', opterr is 0).  The message has the nearest of `flags`. */
void flag_describe_mistake(char message[FLAG_MESSAGE_BYTES], int argc, char **argv, int found,
                           const struct option *flags);

#endif

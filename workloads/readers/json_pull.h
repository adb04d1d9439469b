/* A JSON text, token by token, without building a tree: DAMON records may be
 * large.  The text comes line by line, so a token may not hold a line end. */
#ifndef ZSIM_WORKLOADS_READERS_JSON_PULL_H
#define ZSIM_WORKLOADS_READERS_JSON_PULL_H

#include "workloads/readers/trace_input.h"

enum { JSON_PULL_DEPTH = 64, JSON_PULL_TEXT_BYTES = 128 };

enum json_token {
    JSON_END,   /* of the text */
    JSON_WRONG, /* reported */
    JSON_OPEN_OBJECT,
    JSON_CLOSE_OBJECT,
    JSON_OPEN_ARRAY,
    JSON_CLOSE_ARRAY,
    JSON_KEY,    /* text; the value follows */
    JSON_STRING, /* text */
    JSON_OTHER,  /* text: a number, true, false or null */
};

struct json_pull {
    struct trace_input *input;
    const char *at;    /* in the line held */
    const char *begin; /* of the token, for messages */
    unsigned depth;
    char open[JSON_PULL_DEPTH]; /* '{' or '[' */
    bool value_done;            /* a comma or a close must follow */
    bool key_done;              /* a value must follow */
    bool comma_done;            /* a close must not follow */
    /* Of the token; a longer text is cut, escapes stay as they are written. */
    char text[JSON_PULL_TEXT_BYTES];
};

enum json_token json_pull_next(struct json_pull *pull);

/* Pass over the value whose first token is `token`; false after a mistake. */
bool json_pull_skip(struct json_pull *pull, enum json_token token);

/* A mistake at the token taken last.  Returns JSON_WRONG. */
enum json_token json_pull_wrong(struct json_pull *pull, const char *expected);

#endif

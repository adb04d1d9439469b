#include "workloads/readers/json_pull.h"

#include <string.h>

enum json_token json_pull_wrong(struct json_pull *pull, const char *expected)
{
    char quoted[TRACE_QUOTED_BYTES];
    if (!pull->at)
        trace_input_error(pull->input, "the JSON text ends too early; expected %s", expected);
    else
        trace_input_line_error(pull->input, pull->begin, "\"%s\"; expected %s",
                               trace_quote(pull->begin, strlen(pull->begin), quoted), expected);
    return JSON_WRONG;
}

/* To the next character that is not white; false at the end. */
static bool skip_white(struct json_pull *pull)
{
    for (;;) {
        while (pull->at && (*pull->at == ' ' || *pull->at == '\t' || *pull->at == '\r'))
            pull->at++;
        if (pull->at && *pull->at)
            break;
        pull->at = trace_input_line(pull->input);
        if (!pull->at)
            return false;
    }
    pull->begin = pull->at;
    return true;
}

static void keep_text(struct json_pull *pull, const char *from, const char *to)
{
    size_t length =
        (size_t)(to - from) < sizeof(pull->text) - 1 ? (size_t)(to - from) : sizeof(pull->text) - 1;
    memcpy(pull->text, from, length);
    pull->text[length] = '\0';
}

static enum json_token take_string(struct json_pull *pull)
{
    const char *from = ++pull->at;
    while (*pull->at && *pull->at != '"')
        pull->at += pull->at[0] == '\\' && pull->at[1] ? 2 : 1;
    if (!*pull->at)
        return json_pull_wrong(pull, "a string that ends on its line");
    keep_text(pull, from, pull->at++);
    bool is_key = pull->depth && pull->open[pull->depth - 1] == '{' && !pull->key_done;
    if (!is_key)
        return JSON_STRING;
    while (*pull->at == ' ' || *pull->at == '\t')
        pull->at++;
    if (*pull->at != ':') {
        pull->begin = pull->at;
        return json_pull_wrong(pull, "':' after a key");
    }
    pull->at++;
    return JSON_KEY;
}

static enum json_token take_other(struct json_pull *pull)
{
    const char *from = pull->at;
    pull->at += strcspn(pull->at, " \t\r,:{}[]\"");
    keep_text(pull, from, pull->at);
    bool number = *from == '-' || (*from >= '0' && *from <= '9');
    if (!number && strcmp(pull->text, "true") != 0 && strcmp(pull->text, "false") != 0 &&
        strcmp(pull->text, "null") != 0)
        return json_pull_wrong(pull, "a JSON value");
    return JSON_OTHER;
}

static enum json_token take_open(struct json_pull *pull)
{
    if (pull->depth == JSON_PULL_DEPTH)
        return json_pull_wrong(pull, "at most 64 levels");
    pull->open[pull->depth++] = *pull->at;
    pull->value_done = pull->key_done = false;
    return *pull->at++ == '{' ? JSON_OPEN_OBJECT : JSON_OPEN_ARRAY;
}

static enum json_token take_close(struct json_pull *pull)
{
    char wanted = *pull->at == '}' ? '{' : '[';
    if (!pull->depth || pull->open[pull->depth - 1] != wanted || pull->key_done || pull->comma_done)
        return json_pull_wrong(pull, "a value");
    pull->depth--;
    pull->value_done = true;
    return *pull->at++ == '}' ? JSON_CLOSE_OBJECT : JSON_CLOSE_ARRAY;
}

/* Over the comma between two values. */
static bool pass_comma(struct json_pull *pull)
{
    bool closes = *pull->at == '}' || *pull->at == ']';
    if (!pull->value_done || closes)
        return true;
    if (pull->depth == 0 || *pull->at != ',') {
        json_pull_wrong(pull, pull->depth ? "',' or the end of the list" : "the end of the text");
        return false;
    }
    pull->at++;
    pull->value_done = false;
    pull->comma_done = true;
    if (skip_white(pull))
        return true;
    json_pull_wrong(pull, "a value after ','");
    return false;
}

enum json_token json_pull_next(struct json_pull *pull)
{
    if (!skip_white(pull)) {
        if (trace_input_failed(pull->input))
            return JSON_WRONG;
        return pull->depth || !pull->value_done ? json_pull_wrong(pull, "the rest") : JSON_END;
    }
    if (!pass_comma(pull))
        return JSON_WRONG;
    if (*pull->at == '}' || *pull->at == ']')
        return take_close(pull);
    bool wants_key = pull->depth && pull->open[pull->depth - 1] == '{' && !pull->key_done;
    pull->comma_done = false;
    if (wants_key && *pull->at != '"')
        return json_pull_wrong(pull, "a key in quotes");
    if (*pull->at == '{' || *pull->at == '[')
        return take_open(pull);
    enum json_token token = *pull->at == '"' ? take_string(pull) : take_other(pull);
    pull->key_done = token == JSON_KEY;
    pull->value_done = token == JSON_STRING || token == JSON_OTHER;
    return token;
}

bool json_pull_skip(struct json_pull *pull, enum json_token token)
{
    if (token == JSON_STRING || token == JSON_OTHER)
        return true;
    if (token != JSON_OPEN_OBJECT && token != JSON_OPEN_ARRAY)
        return false;
    for (unsigned outside = pull->depth - 1; pull->depth > outside;) {
        token = json_pull_next(pull);
        if (token == JSON_WRONG || token == JSON_END)
            return false;
    }
    return true;
}

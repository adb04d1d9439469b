#define _GNU_SOURCE
#include "sim/experiment/config_tree.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "sim/base/files.h"
#include "sim/base/units.h"

enum {
    DEPTH_AT_MOST = 64,
    FILE_BYTES_AT_MOST = 16 << 20,
    FILE_VALUES_AT_MOST = 2000000,   /* some 200 bytes each */
    SOURCE_LINE_SHOWN_AT_MOST = 200, /* a longer line is not repeated under a message */
    LINEAR_SEARCH_AT_MOST = 32,      /* members of an object before a hash table pays */
};

/* ---- the text and places in it ------------------------------------------- */

struct parser {
    const char *name;
    const char *text;
    size_t length, at;
    unsigned depth;
    size_t values, values_at_most;
    struct arena *arena;
    struct diagnostics *errors;
    size_t errors_before;
    /* The place computed last; places are asked for in rising order, so the
     * whole file is walked only once. */
    size_t place_offset, line_offset;
    unsigned place_line, place_column;
    unsigned copied_line;
    const char *copied_text;
};

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 sequence at `at`, 0 when it is not valid. */
static size_t utf8_length(const char *text, size_t length, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)text + at;
    size_t left = length - at, need;
    unsigned least, code;
    if (bytes[0] < 0x80)
        return 1;
    if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf) {
        need = 2, least = 0x80, code = bytes[0] & 0x1fu;
    } else if ((bytes[0] & 0xf0) == 0xe0) {
        need = 3, least = 0x800, code = bytes[0] & 0x0fu;
    } else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4) {
        need = 4, least = 0x10000, code = bytes[0] & 0x07u;
    } else {
        return 0;
    }
    if (left < need)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if (!is_continuation((char)bytes[i]))
            return 0;
        code = code << 6 | (bytes[i] & 0x3fu);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least || code > 0x10ffff || surrogate ? 0 : need;
}

/* The line that starts at `start`, fit for a terminal. */
static const char *copy_line(struct parser *parser, size_t start)
{
    size_t end = start;
    while (end < parser->length && parser->text[end] != '\n' && parser->text[end] != '\r')
        if (++end - start > SOURCE_LINE_SHOWN_AT_MOST)
            return NULL;
    char *line = arena_string(parser->arena, parser->text + start, end - start);
    size_t length = end - start;
    for (size_t i = 0; i < length;) {
        size_t sequence = utf8_length(line, length, i);
        if (sequence == 0)
            line[i] = '?';
        else if (sequence == 1 && (unsigned char)line[i] < ' ')
            line[i] = ' '; /* a tab too, or the caret would stand wrong */
        i += sequence ? sequence : 1;
    }
    return line;
}

static struct source_position place(struct parser *parser, size_t offset)
{
    if (offset > parser->length)
        offset = parser->length;
    for (; parser->place_offset < offset; parser->place_offset++) {
        char byte = parser->text[parser->place_offset];
        if (byte == '\n') {
            parser->place_line++;
            parser->place_column = 1;
            parser->line_offset = parser->place_offset + 1;
        } else if (parser->place_offset + 1 >= parser->length ||
                   !is_continuation(parser->text[parser->place_offset + 1])) {
            parser->place_column++;
        }
    }
    if (parser->copied_line != parser->place_line) {
        parser->copied_line = parser->place_line;
        parser->copied_text = copy_line(parser, parser->line_offset);
    }
    return (struct source_position){parser->name, parser->place_line, parser->place_column,
                                    parser->copied_text};
}

static void *mistake(struct parser *parser, size_t offset, const char *text)
{
    struct source_position position = place(parser, offset);
    diagnostics_add(parser->errors, &position, "%s", text);
    return NULL;
}

/* ---- scanning ------------------------------------------------------------ */

static bool check_bytes(struct parser *parser)
{
    for (size_t i = 0; i < parser->length;) {
        unsigned char byte = (unsigned char)parser->text[i];
        size_t sequence = utf8_length(parser->text, parser->length, i);
        if (sequence == 0)
            return mistake(parser, i, "not valid UTF-8") != NULL;
        if ((byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
            char text[64];
            snprintf(text, sizeof(text), "control character 0x%02x", byte);
            return mistake(parser, i, text) != NULL;
        }
        i += sequence;
    }
    return true;
}

static int peek(const struct parser *parser)
{
    return parser->at < parser->length ? (unsigned char)parser->text[parser->at] : -1;
}

static bool starts_with(const struct parser *parser, const char *word)
{
    size_t length = strlen(word);
    return parser->length - parser->at >= length &&
           memcmp(parser->text + parser->at, word, length) == 0;
}

static bool skip_comment(struct parser *parser)
{
    size_t start = parser->at;
    if (starts_with(parser, "//")) {
        while (peek(parser) >= 0 && peek(parser) != '\n')
            parser->at++;
        return true;
    }
    const char *end = memmem(parser->text + start + 2, parser->length - start - 2, "*/", 2);
    if (!end)
        return mistake(parser, start, "comment without an end: expected \"*/\"") != NULL;
    parser->at = (size_t)(end - parser->text) + 2;
    return true;
}

/* Skip spaces and comments; false on a comment that never ends. */
static bool skip_space(struct parser *parser)
{
    for (;;) {
        int byte = peek(parser);
        if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r')
            parser->at++;
        else if (starts_with(parser, "//") || starts_with(parser, "/*")) {
            if (!skip_comment(parser))
                return false;
        } else
            return true;
    }
}

/* "found X" for messages: the character or the end of the file. */
static void *unexpected(struct parser *parser, const char *expected)
{
    char found[16];
    if (peek(parser) >= 0) {
        size_t sequence = utf8_length(parser->text, parser->length, parser->at);
        snprintf(found, sizeof(found), "'%.*s'", (int)sequence, parser->text + parser->at);
        return mistake(parser, parser->at,
                       arena_printf(parser->arena, "expected %s, found %s", expected, found));
    }
    return mistake(parser, parser->at,
                   arena_printf(parser->arena, "expected %s, found the end of the file", expected));
}

static int hex_digit(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The four digits of \uXXXX at `at`, or -1. */
static int read_hex(const struct parser *parser, size_t at)
{
    int code = 0;
    for (size_t i = at; i < at + 4; i++) {
        int digit = i < parser->length ? hex_digit((unsigned char)parser->text[i]) : -1;
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static size_t put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(first[length] | code);
    return length;
}

/* One escape at the backslash; appends to out.  False after a message. */
static bool read_escape(struct parser *parser, char *out, size_t *used)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    size_t start = parser->at;
    int letter = start + 1 < parser->length ? (unsigned char)parser->text[start + 1] : -1;
    const char *known = letter > 0 ? strchr(letters, letter) : NULL;
    if (known) {
        out[(*used)++] = meanings[known - letters];
        parser->at += 2;
        return true;
    }
    if (letter != 'u')
        return mistake(parser, start, "unknown escape after '\\' in a string") != NULL;
    int code = read_hex(parser, start + 2);
    if (code < 0)
        return mistake(parser, start, "expected four hexadecimal digits after \\u") != NULL;
    parser->at += 6;
    if (code == 0)
        return mistake(parser, start, "the character \\u0000 is not allowed") != NULL;
    unsigned full = (unsigned)code;
    if (code >= 0xd800 && code <= 0xdfff) {
        int low = starts_with(parser, "\\u") ? read_hex(parser, parser->at + 2) : -1;
        if (code > 0xdbff || low < 0xdc00 || low > 0xdfff)
            return mistake(parser, start, "half of a surrogate pair in a string") != NULL;
        full = 0x10000u + (((unsigned)code & 0x3ff) << 10 | ((unsigned)low & 0x3ff));
        parser->at += 6;
    }
    *used += put_utf8(out + *used, full);
    return true;
}

/* A string at its opening quote; NULL after a message. */
static const char *read_string(struct parser *parser)
{
    size_t start = parser->at++, scan = parser->at;
    while (scan < parser->length && parser->text[scan] != '"') {
        if (parser->text[scan] == '\n')
            break;
        scan += parser->text[scan] == '\\' ? 2 : 1;
    }
    if (scan >= parser->length || parser->text[scan] != '"')
        return mistake(parser, start, "string without a closing quote on its line");
    char *out = arena_zeroed(parser->arena, scan - start + 1);
    size_t used = 0;
    while (parser->text[parser->at] != '"') {
        char byte = parser->text[parser->at];
        if ((unsigned char)byte < ' ')
            return mistake(parser, parser->at, "control character in a string: write it as \\t");
        if (byte == '\\') {
            if (!read_escape(parser, out, &used))
                return NULL;
        } else {
            out[used++] = byte;
            parser->at++;
        }
    }
    parser->at++;
    return out;
}

static size_t digits_at(const struct parser *parser, size_t at)
{
    size_t start = at;
    while (at < parser->length && isdigit((unsigned char)parser->text[at]))
        at++;
    return at - start;
}

/* A number in JSON's own grammar, kept as written; NULL after a message. */
static const char *read_number(struct parser *parser)
{
    size_t start = parser->at, at = start;
    const char *text = parser->text;
    if (text[at] == '-')
        at++;
    size_t digits = digits_at(parser, at);
    if (digits == 0)
        return mistake(parser, start, "expected digits after '-'");
    if (digits > 1 && text[at] == '0')
        return mistake(parser, start, "a number must not start with 0");
    at += digits;
    if (at < parser->length && text[at] == '.') {
        digits = digits_at(parser, ++at);
        if (digits == 0)
            return mistake(parser, start, "expected digits after the decimal point");
        at += digits;
    }
    if (at < parser->length && (text[at] == 'e' || text[at] == 'E') && at + 1 < parser->length &&
        (isdigit((unsigned char)text[at + 1]) || text[at + 1] == '+' || text[at + 1] == '-')) {
        at++;
        if (text[at] == '+' || text[at] == '-')
            at++;
        digits = digits_at(parser, at);
        if (digits == 0)
            return mistake(parser, start, "expected digits in the exponent");
        at += digits;
    }
    if (at < parser->length && (isalpha((unsigned char)text[at]) || text[at] == '%')) {
        size_t end = at;
        while (end < parser->length && (isalnum((unsigned char)text[end]) || text[end] == '%'))
            end++;
        return mistake(parser, start,
                       arena_printf(parser->arena,
                                    "a value with a unit is written in quotes: \"%.*s\"",
                                    (int)(end - start < 40 ? end - start : 40), text + start));
    }
    char *copy = arena_string(parser->arena, text + start, at - start);
    if (!isfinite(strtod(copy, NULL)))
        return mistake(parser, start, "number too large");
    parser->at = at;
    return copy;
}

/* ---- parsing ------------------------------------------------------------- */

/* The key of the value to be read; text NULL in an array and at the root. */
struct member_key {
    const char *text;
    struct source_position at;
};

static struct config_node *read_value(struct parser *parser, struct config_node *parent,
                                      const struct member_key *key);

static void append(struct config_node *parent, struct config_node **last, struct config_node *child)
{
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->children++;
}

static void report_duplicate(struct parser *parser, const struct config_node *object,
                             const struct config_node *first, const struct config_node *second)
{
    const char *path = config_tree_path(object, parser->arena);
    diagnostics_add(parser->errors, &second->key_at,
                    "%s%sduplicate key \"%s\"; the first one is on line %u", path,
                    *path ? ": " : "", second->key, first->key_at.line);
}

/* Every duplicate of a key gets a message. */
static void check_duplicates(struct parser *parser, const struct config_node *object)
{
    if (object->children <= LINEAR_SEARCH_AT_MOST) {
        for (const struct config_node *b = object->first; b; b = b->next)
            for (const struct config_node *a = object->first; a != b; a = a->next)
                if (strcmp(a->key, b->key) == 0) {
                    report_duplicate(parser, object, a, b);
                    break;
                }
        return;
    }
    size_t slots = 64;
    while (slots < object->children * 2)
        slots *= 2;
    const struct config_node **table =
        memory_zeroed(slots, sizeof(*table), "the keys of an object");
    for (const struct config_node *node = object->first; node; node = node->next) {
        size_t slot = XXH3_64bits(node->key, strlen(node->key)) & (slots - 1);
        while (table[slot] && strcmp(table[slot]->key, node->key) != 0)
            slot = (slot + 1) & (slots - 1);
        if (table[slot])
            report_duplicate(parser, object, table[slot], node);
        else
            table[slot] = node;
    }
    free(table);
}

static struct config_node *read_member(struct parser *parser, struct config_node *object)
{
    if (peek(parser) != '"')
        return unexpected(parser, "a key in quotes");
    struct member_key key = {.at = place(parser, parser->at)};
    key.text = read_string(parser);
    if (!key.text || !skip_space(parser))
        return NULL;
    if (peek(parser) != ':')
        return unexpected(parser, "':' after a key");
    parser->at++;
    return read_value(parser, object, &key);
}

/* The inside of {} or []; `node` is returned, or NULL after a message. */
static struct config_node *read_children(struct parser *parser, struct config_node *node)
{
    bool object = node->kind == CONFIG_OBJECT;
    int close = object ? '}' : ']';
    struct config_node *last = NULL;
    size_t open_at = parser->at++;
    if (++parser->depth > DEPTH_AT_MOST)
        return mistake(parser, open_at, "nested deeper than 64 levels");
    if (!skip_space(parser))
        return NULL;
    if (peek(parser) == close) {
        parser->at++;
        parser->depth--;
        return node;
    }
    for (;;) {
        struct config_node *child =
            object ? read_member(parser, node) : read_value(parser, node, NULL);
        if (!child || !skip_space(parser))
            return NULL;
        append(node, &last, child);
        if (peek(parser) == ',') {
            parser->at++;
            if (!skip_space(parser))
                return NULL;
            if (peek(parser) == close)
                return unexpected(parser, object ? "a key after ','" : "a value after ','");
        } else if (peek(parser) == close) {
            parser->at++;
            break;
        } else {
            return unexpected(parser, object ? "',' or '}'" : "',' or ']'");
        }
    }
    parser->depth--;
    if (object)
        check_duplicates(parser, node);
    return node;
}

/* How programs print what is no number: Python's json does, unasked. */
static bool is_no_number(const char *word, size_t length)
{
    static const char *const words[] = {"NaN", "nan", "Infinity", "inf"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
            return true;
    return false;
}

static struct config_node *read_word(struct parser *parser, struct config_node *node)
{
    static const struct {
        const char *word;
        enum config_kind kind;
    } words[] = {{"true", CONFIG_BOOL}, {"false", CONFIG_BOOL}, {"null", CONFIG_NULL}};
    size_t end = parser->at;
    while (end < parser->length &&
           (isalnum((unsigned char)parser->text[end]) || parser->text[end] == '_'))
        end++;
    size_t length = end - parser->at;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i].word) == length &&
            memcmp(words[i].word, parser->text + parser->at, length) == 0) {
            node->kind = words[i].kind;
            node->text = words[i].word;
            parser->at = end;
            return node;
        }
    if (length == 0)
        return unexpected(parser, "a value");
    if (is_no_number(parser->text + parser->at, length))
        return mistake(parser, parser->at,
                       arena_printf(parser->arena,
                                    "expected a number, found %.*s, which JSON does not have",
                                    (int)length, parser->text + parser->at));
    return mistake(parser, parser->at,
                   arena_printf(parser->arena, "a string is written in quotes: \"%.*s\"",
                                (int)(length < 40 ? length : 40), parser->text + parser->at));
}

static struct config_node *read_value(struct parser *parser, struct config_node *parent,
                                      const struct member_key *key)
{
    if (!skip_space(parser))
        return NULL;
    if (parser->values++ == parser->values_at_most)
        return mistake(parser, parser->at, "a config of more than 2 million values");
    struct config_node *node = arena_zeroed(parser->arena, sizeof(*node));
    node->parent = parent;
    node->at = place(parser, parser->at);
    if (key) {
        node->key = key->text;
        node->key_at = key->at;
    }
    int byte = peek(parser);
    if (byte == '{' || byte == '[') {
        node->kind = byte == '{' ? CONFIG_OBJECT : CONFIG_ARRAY;
        return read_children(parser, node);
    }
    if (byte == '"') {
        node->kind = CONFIG_STRING;
        node->text = read_string(parser);
        return node->text ? node : NULL;
    }
    if (byte == '-' || (byte >= '0' && byte <= '9')) {
        node->kind = CONFIG_NUMBER;
        node->text = read_number(parser);
        return node->text ? node : NULL;
    }
    return read_word(parser, node);
}

static struct config_node *parse_document(const char *name, const char *text, size_t length,
                                          size_t values_at_most, struct arena *arena,
                                          struct diagnostics *errors)
{
    struct parser parser = {.name = arena_string(arena, name, strlen(name)),
                            .text = text,
                            .length = length,
                            .values_at_most = values_at_most,
                            .arena = arena,
                            .errors = errors,
                            .errors_before = errors->count,
                            .place_line = 1,
                            .place_column = 1};
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        parser.at = parser.place_offset = parser.line_offset = 3; /* a byte order mark */
    struct parser bytes = parser;
    if (!check_bytes(&bytes))
        return NULL;
    struct config_node *root = read_value(&parser, NULL, NULL);
    if (!root || !skip_space(&parser))
        return NULL;
    if (parser.at < length)
        return mistake(&parser, parser.at, "unexpected text after the end of the document");
    return errors->count == parser.errors_before ? root : NULL;
}

struct config_node *config_tree_parse(const char *name, const char *text, size_t length,
                                      struct arena *arena, struct diagnostics *errors)
{
    return parse_document(name, text, length, SIZE_MAX, arena, errors);
}

/* ---- files --------------------------------------------------------------- */

static char *read_all(int file, const char *path, size_t *length, struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    struct stat status;
    if (fstat(file, &status) != 0) {
        diagnostics_add(errors, &position, "cannot be read: %s", strerror(errno));
        return NULL;
    }
    const char *wrong = file_not_regular(status.st_mode);
    if (wrong) {
        diagnostics_add(errors, &position, "%s", wrong);
        return NULL;
    }
    if (status.st_size > FILE_BYTES_AT_MOST) {
        diagnostics_add(errors, &position, "is larger than 16 MiB");
        return NULL;
    }
    size_t size = (size_t)status.st_size, used = 0;
    char *text = memory_zeroed(size + 1, 1, "a file");
    while (used < size) {
        ssize_t got = read(file, text + used, size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            diagnostics_add(errors, &position, "cannot be read: %s", strerror(errno));
            free(text);
            return NULL;
        }
        if (got == 0)
            break;
        used += (size_t)got;
    }
    *length = used;
    return text;
}

struct config_node *config_tree_read(const char *path, struct arena *arena,
                                     struct diagnostics *errors)
{
    /* O_NONBLOCK: opening a pipe nobody writes to must not hang. */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        struct source_position position = {.file = path};
        diagnostics_add(errors, &position, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    size_t length = 0;
    char *text = read_all(file, path, &length, errors);
    close(file);
    if (!text)
        return NULL;
    struct config_node *root =
        parse_document(path, text, length, FILE_VALUES_AT_MOST, arena, errors);
    free(text);
    return root;
}

/* ---- the tree ------------------------------------------------------------ */

struct config_node *config_tree_member(const struct config_node *object, const char *key)
{
    if (!object || object->kind != CONFIG_OBJECT)
        return NULL;
    for (struct config_node *node = object->first; node; node = node->next)
        if (strcmp(node->key, key) == 0)
            return node;
    return NULL;
}

size_t config_tree_size(const struct config_node *node)
{
    size_t size = 1;
    for (const struct config_node *child = node->first; child; child = child->next)
        size += config_tree_size(child);
    return size;
}

struct config_node *config_tree_copy(const struct config_node *node, struct arena *arena)
{
    struct config_node *copy = arena_zeroed(arena, sizeof(*copy)), *last = NULL;
    *copy = *node;
    copy->parent = copy->first = copy->next = NULL;
    copy->children = 0;
    for (const struct config_node *child = node->first; child; child = child->next) {
        struct config_node *child_copy = config_tree_copy(child, arena);
        child_copy->parent = copy;
        append(copy, &last, child_copy);
    }
    return copy;
}

const char *config_tree_path(const struct config_node *node, struct arena *arena)
{
    if (!node || !node->parent)
        return "";
    const char *parent = config_tree_path(node->parent, arena);
    if (node->parent->kind == CONFIG_ARRAY) {
        size_t index = 0;
        for (const struct config_node *at = node->parent->first; at && at != node; at = at->next)
            index++;
        return arena_printf(arena, "%s[%zu]", parent, index);
    }
    return *parent ? arena_printf(arena, "%s.%s", parent, node->key)
                   : arena_string(arena, node->key, strlen(node->key));
}

/* ---- dotted paths -------------------------------------------------------- */

static bool at_boundary(char byte)
{
    return byte == '\0' || byte == '.' || byte == '[';
}

/* The member whose key is the longest start of `path`. */
static struct config_node *match_member(const struct config_node *object, const char *path,
                                        size_t *used)
{
    struct config_node *best = NULL;
    *used = 0;
    for (struct config_node *node = object->first; node; node = node->next) {
        size_t length = strlen(node->key);
        if (length >= *used && strncmp(path, node->key, length) == 0 && at_boundary(path[length])) {
            best = node;
            *used = length;
        }
    }
    return best;
}

/* How much of `path` names a member that is not there yet: up to the next dot,
 * but cgroup paths and the names of cgroup files contain dots themselves. */
static size_t new_key_length(const char *path)
{
    if (strncmp(path, "memory.", 7) == 0)
        return strlen(path);
    const char *file = path[0] == '/' ? strstr(path, ".memory.") : NULL;
    if (file)
        return (size_t)(file - path);
    return path[0] == '/' ? strlen(path) : strcspn(path, ".[");
}

static struct config_node *element_named(const struct config_node *array, const char *name,
                                         size_t length)
{
    for (struct config_node *node = array->first; node; node = node->next) {
        const struct config_node *named = config_tree_member(node, "name");
        if (named && named->kind == CONFIG_STRING && strlen(named->text) == length &&
            memcmp(named->text, name, length) == 0)
            return node;
    }
    return NULL;
}

static struct config_node *match_element(const struct config_node *array, const char *path,
                                         size_t *used)
{
    bool bracket = path[0] == '[';
    const char *text = path + bracket;
    size_t length = strcspn(text, bracket ? "]" : ".[");
    *used = length + bracket + (bracket && text[length] == ']');
    char digits[24] = "";
    uint64_t index = 0;
    if (length < sizeof(digits))
        memcpy(digits, text, length);
    if (length && length < sizeof(digits) && parse_count(digits, &index)) {
        struct config_node *node = array->first;
        while (node && index--)
            node = node->next;
        return node;
    }
    /* Names may contain dots: the longest that fits. */
    for (size_t longest = bracket ? length : strlen(text); longest > 0; longest--) {
        if (!bracket && !at_boundary(text[longest]))
            continue;
        struct config_node *node = element_named(array, text, longest);
        if (node) {
            *used = bracket ? *used : longest;
            return node;
        }
    }
    return NULL;
}

/* Replace what `node` holds; its place in the tree stays. */
static void assign(struct config_node *node, const struct config_node *value, struct arena *arena)
{
    struct config_node *copy = config_tree_copy(value, arena);
    node->kind = copy->kind;
    node->text = copy->text;
    node->first = copy->first;
    node->children = copy->children;
    node->at = copy->at;
    for (struct config_node *child = node->first; child; child = child->next)
        child->parent = node;
}

static struct config_node *add_member(struct config_node *object, const char *key, size_t length,
                                      const struct config_node *value, struct arena *arena)
{
    struct config_node *node = arena_zeroed(arena, sizeof(*node));
    struct config_node **link = &object->first;
    while (*link)
        link = &(*link)->next;
    *link = node;
    object->children++;
    node->kind = CONFIG_OBJECT;
    node->parent = object;
    node->key = arena_string(arena, key, length);
    node->at = node->key_at = value->at;
    return node;
}

/* "lru": "global" and then "lru.x": the name moves into {"policy": "global"}. */
static void open_policy(struct config_node *node, struct arena *arena)
{
    struct config_node name = *node;
    node->kind = CONFIG_OBJECT;
    node->text = NULL;
    node->first = NULL;
    node->children = 0;
    name.first = NULL;
    assign(add_member(node, "policy", 6, &name, arena), &name, arena);
}

/* A setting of a cgroup that is not there would make one that nobody is in, and a misspelt
 * path would change nothing.  False after adding to `errors`.  (To add a cgroup, set it whole:
 * cgroups./web={"memory.max": "4M"}.) */
static bool may_add(const struct config_node *object, const char *path, const char *rest,
                    size_t length, const struct config_node *value, struct diagnostics *errors)
{
    bool in_cgroups = object->key && strcmp(object->key, "cgroups") == 0 && object->parent &&
                      !object->parent->key;
    if (!in_cgroups || rest[0] != '/' || length == 1 || rest[length] == '\0')
        return true;
    const char **names = memory_zeroed(object->children + 1, sizeof(*names), "names of cgroups");
    char *wanted = memory_zeroed(length + 1, 1, "a cgroup");
    size_t count = 0;
    for (const struct config_node *node = object->first; node; node = node->next)
        names[count++] = node->key;
    memcpy(wanted, rest, length);
    const char *nearest = nearest_name(wanted, names, count);
    diagnostics_add(errors, &value->at, "%s: no cgroup \"%s\"%s%s%s", path, wanted,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "");
    free(names);
    free(wanted);
    return false;
}

bool config_tree_set(struct config_node *root, const char *path, const struct config_node *value,
                     struct arena *arena, struct diagnostics *errors)
{
    struct config_node *node = root;
    const char *rest = path;
    for (unsigned depth = 0; *rest; depth++) {
        struct config_node *next;
        size_t used;
        if (depth == DEPTH_AT_MOST) {
            diagnostics_add(errors, &value->at, "path of more than %d parts", DEPTH_AT_MOST);
            return false;
        }
        if (node->kind == CONFIG_STRING && node->parent)
            open_policy(node, arena);
        if (node->kind == CONFIG_ARRAY) {
            next = match_element(node, rest, &used);
            if (!next) {
                diagnostics_add(errors, &value->at, "%s: no entry \"%s\" in \"%s\", which has %zu",
                                path, rest, config_tree_path(node, arena), node->children);
                return false;
            }
        } else if (node->kind == CONFIG_OBJECT) {
            next = match_member(node, rest, &used);
            if (!next) {
                used = new_key_length(rest);
                if (!may_add(node, path, rest, used, value, errors))
                    return false;
                next = used ? add_member(node, rest, used, value, arena) : NULL;
            }
            if (!next) {
                diagnostics_add(errors, &value->at, "%s: expected a key at \"%s\"", path, rest);
                return false;
            }
        } else {
            diagnostics_add(errors, &value->at, "%s: \"%s\" is not an object", path,
                            config_tree_path(node, arena));
            return false;
        }
        rest += used;
        if (*rest == '.')
            rest++;
        node = next;
    }
    if (node == root) {
        diagnostics_add(errors, &value->at, "expected the path of a key, found nothing");
        return false;
    }
    assign(node, value, arena);
    return true;
}

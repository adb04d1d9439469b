/* Changes of a JSON document that leave it one, for the targets that are given documents.
 *
 * After a few random changes of bytes a document is none any more, and little is reached
 * behind the parser.  libFuzzer calls these instead; one change in eight is still one of
 * bytes anywhere, as is every change of what is not JSON. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t most, unsigned seed);

enum { VALUES_AT_MOST = 2048, DEPTH_AT_MOST = 64, PIECE_BYTES = 1 << 14 };

/* A value lies in [begin, end); `member` is where its key begins, or `begin`. */
struct value {
    size_t member, begin, end;
};

struct document {
    const uint8_t *text;
    size_t size, at;
    struct value values[VALUES_AT_MOST]; /* the first is the whole */
    unsigned count;
};

/* ---- what there is ------------------------------------------------------------- */

static int peek(const struct document *document)
{
    return document->at < document->size ? document->text[document->at] : -1;
}

static void skip_space(struct document *document)
{
    int byte;
    while ((byte = peek(document)) == ' ' || byte == '\t' || byte == '\n' || byte == '\r')
        document->at++;
}

static bool skip_string(struct document *document)
{
    for (document->at++; peek(document) != '"'; document->at++) {
        if (peek(document) == '\\')
            document->at++;
        if (peek(document) < 0)
            return false;
    }
    document->at++;
    return true;
}

static bool skip_word(struct document *document)
{
    size_t begin = document->at;
    while (peek(document) >= 0 && !memchr("{}[]:,\" \t\r\n", peek(document), 12))
        document->at++;
    return document->at > begin;
}

static bool skip_key(struct document *document)
{
    if (peek(document) != '"' || !skip_string(document))
        return false;
    skip_space(document);
    if (peek(document) != ':')
        return false;
    document->at++;
    skip_space(document);
    return true;
}

static bool find_values(struct document *document, size_t member, unsigned depth);

/* The values of an object or an array, behind its first byte. */
static bool find_inner_values(struct document *document, bool is_object, unsigned depth)
{
    const int last = is_object ? '}' : ']';
    skip_space(document);
    if (peek(document) == last) {
        document->at++;
        return true;
    }
    for (;;) {
        size_t member = document->at;
        if (depth == DEPTH_AT_MOST || (is_object && !skip_key(document)) ||
            !find_values(document, is_object ? member : SIZE_MAX, depth + 1))
            return false;
        skip_space(document);
        int byte = peek(document);
        document->at++;
        if (byte == last)
            return true;
        if (byte != ',')
            return false;
        skip_space(document);
    }
}

static bool find_values(struct document *document, size_t member, unsigned depth)
{
    struct value spare, *value = &spare;
    if (document->count < VALUES_AT_MOST)
        value = &document->values[document->count++];
    value->begin = document->at;
    value->member = member == SIZE_MAX ? value->begin : member;
    int first = peek(document);
    if (first == '{' || first == '[')
        document->at++;
    if (first == '{' || first == '[' ? !find_inner_values(document, first == '{', depth)
        : first == '"'               ? !skip_string(document)
                                     : !skip_word(document))
        return false;
    value->end = document->at;
    return true;
}

static bool is_document(struct document *document, const uint8_t *text, size_t size)
{
    document->text = text;
    document->size = size;
    document->at = 0;
    document->count = 0;
    skip_space(document);
    if (!find_values(document, SIZE_MAX, 0))
        return false;
    skip_space(document);
    return document->at == size;
}

/* ---- changes --------------------------------------------------------------------- */

/* xorshift32 of Marsaglia (2003). */
static unsigned draw(unsigned *state, unsigned below)
{
    unsigned x = *state ? *state : 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return (x >> 3) % below;
}

/* Any value but the whole, unless there is no other. */
static const struct value *draw_value(const struct document *document, unsigned *state)
{
    if (document->count == 1)
        return &document->values[0];
    return &document->values[1 + draw(state, document->count - 1)];
}

/* Put a piece in the place of [begin, end); 0 when there is no room. */
static size_t replace(uint8_t *data, size_t size, size_t most, size_t begin, size_t end,
                      const void *piece, size_t bytes)
{
    if (size - (end - begin) + bytes > most)
        return 0;
    memmove(data + begin + bytes, data + end, size - end);
    memcpy(data + begin, piece, bytes);
    return size - (end - begin) + bytes;
}

/* Change the bytes of [begin, end) alone. */
static size_t change_bytes(uint8_t *data, size_t size, size_t most, size_t begin, size_t end)
{
    uint8_t piece[PIECE_BYTES];
    size_t bytes = end - begin, room = bytes + (most - size);
    if (bytes > PIECE_BYTES)
        return 0;
    memcpy(piece, data + begin, bytes);
    bytes = LLVMFuzzerMutate(piece, bytes, room < PIECE_BYTES ? room : PIECE_BYTES);
    return replace(data, size, most, begin, end, piece, bytes);
}

static size_t put_literal(uint8_t *data, size_t size, size_t most, const struct value *value,
                          unsigned *state)
{
    static const char *const literals[] = {
        "0",
        "1",
        "2",
        "-1",
        "100",
        "1e3",
        "0.5",
        "1e-300",
        "1e308",
        "-0.0",
        "4294967295",
        "4294967296",
        "2147483648",
        "65536",
        "\"\"",
        "[]",
        "{}",
        "null",
        "true",
        "false",
        "\"0\"",
        "\"4K\"",
        "\"1M\"",
        "\"10ms\"",
        "\"5%\"",
        "\"a\"",
        "\"max\"",
        "\"0s\"",
        "\"/a\"",
        "[0]",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "\"18446744073709551615\"",
        "\"16E\"",
    };
    const char *literal = literals[draw(state, sizeof(literals) / sizeof(literals[0]))];
    return replace(data, size, most, value->begin, value->end, literal, strlen(literal));
}

/* Without the comma before it, or behind it where it is the first. */
static size_t remove_member(uint8_t *data, size_t size, const struct value *value)
{
    size_t begin = value->member, end = value->end;
    while (begin > 0 && strchr(" \t\r\n", data[begin - 1]))
        begin--;
    if (begin > 0 && data[begin - 1] == ',')
        return replace(data, size, size, begin - 1, end, "", 0);
    while (end < size && strchr(" \t\r\n", data[end]))
        end++;
    if (end < size && data[end] == ',')
        end++;
    return replace(data, size, size, value->member, end, "", 0);
}

/* The text of [begin, end) as another one before `at`. */
static size_t repeat(uint8_t *data, size_t size, size_t most, size_t begin, size_t end, size_t at)
{
    uint8_t piece[PIECE_BYTES];
    if (end - begin >= PIECE_BYTES)
        return 0;
    memcpy(piece, data + begin, end - begin);
    piece[end - begin] = ',';
    return replace(data, size, most, at, at, piece, end - begin + 1);
}

static size_t put_copy(uint8_t *data, size_t size, size_t most, const struct value *from,
                       const struct value *to)
{
    uint8_t piece[PIECE_BYTES];
    if (from->end - from->begin > PIECE_BYTES)
        return 0;
    memcpy(piece, data + from->begin, from->end - from->begin);
    return replace(data, size, most, to->begin, to->end, piece, from->end - from->begin);
}

static size_t change(const struct document *document, uint8_t *data, size_t size, size_t most,
                     unsigned *state)
{
    const struct value *value = draw_value(document, state), *other = draw_value(document, state);
    switch (draw(state, 8)) {
    case 0:
        return LLVMFuzzerMutate(data, size, most);
    case 1:
        return remove_member(data, size, value);
    case 2:
        return repeat(data, size, most, value->member, value->end, value->member);
    case 3:
        return put_copy(data, size, most, other, value);
    case 4:
    case 5:
        return put_literal(data, size, most, value, state);
    case 6:
        if (value->member != value->begin)
            return change_bytes(data, size, most, value->member, value->begin);
        /* fall through */
    default:
        return change_bytes(data, size, most, value->begin, value->end);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static struct document document; /* libFuzzer has one thread that makes inputs */
    unsigned state = seed;
    size_t changed = 0;
    if (is_document(&document, data, size))
        changed = change(&document, data, size, most, &state);
    return changed ? changed : LLVMFuzzerMutate(data, size, most);
}

static bool same_key(const struct document *a, const struct value *in_a, const struct document *b,
                     const struct value *in_b)
{
    size_t bytes = in_a->begin - in_a->member;
    return bytes == in_b->begin - in_b->member &&
           memcmp(a->text + in_a->member, b->text + in_b->member, bytes) == 0;
}

/* A value of one document in the place of one in the other: of the same key, when the
 * search for one that begins anywhere comes to it. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t most, unsigned seed)
{
    static struct document into, from;
    unsigned state = seed;
    if (one_size > most || !is_document(&into, one, one_size) ||
        !is_document(&from, other, other_size))
        return 0;
    const struct value *to = draw_value(&into, &state);
    unsigned start = draw(&state, from.count);
    const struct value *value = &from.values[start];
    for (unsigned i = 0; i < from.count; i++) {
        const struct value *next = &from.values[(start + i) % from.count];
        if (same_key(&into, to, &from, next)) {
            value = next;
            break;
        }
    }
    memcpy(out, one, one_size);
    return replace(out, one_size, most, to->begin, to->end, other + value->begin,
                   value->end - value->begin);
}

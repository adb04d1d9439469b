/* zstd as it was in Linux 5.16 to 6.1 (zstd 1.4.10), level 3.
 *
 * Version 1.5 changed how the match finder of this level ("double fast") moves
 * ahead and which candidates it takes; on the recorded pages that moves lengths
 * by 16 to 144 bytes.  The older search is done here, and libzstd codes the
 * sequences that it finds.
 *
 * One difference stays: an offset that the search finds and that happens to
 * equal one of the last three is coded here as a repeat, there in full, which
 * can cost the older version a few bits. */
#define ZSTD_STATIC_LINKING_ONLY
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "sim/base/memory.h"
#include "workloads/content/compressor_workspace.h"

enum {
    /* zstd 1.4.10, level 3, source size unknown: hashLog 17, chainLog 16, minMatch 5. */
    WINDOW_BITS = 21,
    LONG_BITS = 17,
    SHORT_BITS = 16,
    SHORT_BYTES = 5,
    STRIDE_SHIFT = 8, /* one byte more of stride after every 256 without a match */
    UNSEARCHED_BYTES = 8,
    LEAST_MATCH = 4,
    SEQUENCES_AT_MOST = PAGE_BYTES / LEAST_MATCH,
    POSITION_BITS = 12,
};

/* Position + generation of the page: entries of earlier pages count as empty,
 * so that the tables need not be cleared for each page. */
struct zstd_1_4 {
    ZSTD_CCtx *coder;
    uint32_t generation;
    size_t count;
    ZSTD_Sequence sequences[SEQUENCES_AT_MOST];
    uint32_t by_8_bytes[1 << LONG_BITS];
    uint32_t by_5_bytes[1 << SHORT_BITS];
};

struct search {
    struct zstd_1_4 *state;
    const unsigned char *page;
    uint32_t anchor;        /* first byte not yet covered by a sequence */
    uint32_t recent, older; /* the last two offsets; 0: none */
};

static uint64_t load_8(const unsigned char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return le64toh(value);
}

static uint32_t load_4(const unsigned char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return le32toh(value);
}

static uint32_t *long_slot(const struct search *search, uint32_t at)
{
    uint64_t hash = load_8(search->page + at) * 0xCF1BBCDCB7A56463ull;
    return &search->state->by_8_bytes[hash >> (64 - LONG_BITS)];
}

static uint32_t *short_slot(const struct search *search, uint32_t at)
{
    uint64_t hash = (load_8(search->page + at) << (64 - 8 * SHORT_BYTES)) * 889523592379ull;
    return &search->state->by_5_bytes[hash >> (64 - SHORT_BITS)];
}

static uint32_t entry_for(const struct search *search, uint32_t at)
{
    return search->state->generation << POSITION_BITS | at;
}

/* The position in a slot; 0 when empty.  Position 0 itself is never a candidate. */
static uint32_t candidate(const struct search *search, uint32_t entry)
{
    return entry >> POSITION_BITS == search->state->generation ? entry & (PAGE_BYTES - 1) : 0;
}

static uint32_t equal_bytes(const struct search *search, uint32_t at, uint32_t earlier)
{
    uint32_t count = 0;
    while (at + count < PAGE_BYTES && search->page[at + count] == search->page[earlier + count])
        count++;
    return count;
}

static void emit(struct search *search, uint32_t at, uint32_t offset, uint32_t length)
{
    search->state->sequences[search->state->count++] =
        (ZSTD_Sequence){.offset = offset, .litLength = at - search->anchor, .matchLength = length};
    search->anchor = at + length;
}

/* A match of the tables: grow it to the left, remember its offset. */
static void emit_found(struct search *search, uint32_t at, uint32_t earlier)
{
    uint32_t length = equal_bytes(search, at, earlier);
    while (at > search->anchor && earlier > 0 &&
           search->page[at - 1] == search->page[earlier - 1]) {
        at--;
        earlier--;
        length++;
    }
    search->older = search->recent;
    search->recent = at - earlier;
    emit(search, at, at - earlier, length);
}

/* Look for a match at or just behind `at`; true when one was taken. */
static bool take_match(struct search *search, uint32_t at)
{
    const unsigned char *page = search->page;
    uint32_t *by_long = long_slot(search, at), *by_short = short_slot(search, at);
    uint32_t far = candidate(search, *by_long), near = candidate(search, *by_short);
    *by_long = *by_short = entry_for(search, at);

    if (search->recent && load_4(page + at + 1 - search->recent) == load_4(page + at + 1)) {
        uint32_t next = at + 1;
        emit(search, next, search->recent, equal_bytes(search, next, next - search->recent));
        return true;
    }
    if (far && load_8(page + far) == load_8(page + at)) {
        emit_found(search, at, far);
        return true;
    }
    if (!near || load_4(page + near) != load_4(page + at))
        return false;
    /* Only a short match: a long one may begin at the next byte. */
    uint32_t *by_next = long_slot(search, at + 1);
    uint32_t far_next = candidate(search, *by_next);
    *by_next = entry_for(search, at + 1);
    if (far_next && load_8(page + far_next) == load_8(page + at + 1))
        emit_found(search, at + 1, far_next);
    else
        emit_found(search, at, near);
    return true;
}

/* After a match that was looked for at `from`: enter a few positions, then take
 * matches at the offset before the last one as long as they follow at once. */
static void after_match(struct search *search, uint32_t from)
{
    const uint32_t end = PAGE_BYTES - UNSEARCHED_BYTES;
    if (search->anchor > end)
        return;
    uint32_t inside = from + 2, at = search->anchor;
    *long_slot(search, inside) = entry_for(search, inside);
    *long_slot(search, at - 2) = entry_for(search, at - 2);
    *short_slot(search, inside) = entry_for(search, inside);
    *short_slot(search, at - 1) = entry_for(search, at - 1);
    while ((at = search->anchor) <= end && search->older &&
           load_4(search->page + at) == load_4(search->page + at - search->older)) {
        uint32_t offset = search->older;
        search->older = search->recent;
        search->recent = offset;
        *short_slot(search, at) = *long_slot(search, at) = entry_for(search, at);
        emit(search, at, offset, equal_bytes(search, at, at - offset));
    }
}

static void find_sequences(struct zstd_1_4 *state, const unsigned char page[PAGE_BYTES])
{
    if (++state->generation >> (32 - POSITION_BITS)) {
        memset(state->by_8_bytes, 0, sizeof(state->by_8_bytes));
        memset(state->by_5_bytes, 0, sizeof(state->by_5_bytes));
        state->generation = 1;
    }
    state->count = 0;
    /* zstd starts with the offsets 1 and 4; 4 does not exist at byte 1. */
    struct search search = {.state = state, .page = page, .recent = 1};
    uint32_t at = 1;
    while (at < PAGE_BYTES - UNSEARCHED_BYTES) {
        if (take_match(&search, at)) {
            after_match(&search, at);
            at = search.anchor;
        } else {
            at += ((at - search.anchor) >> STRIDE_SHIFT) + 1;
        }
    }
    /* libzstd takes what is left of the page as literals. */
}

static struct zstd_1_4 *state_create(void)
{
    static const struct {
        ZSTD_cParameter name;
        int value;
    } settings[] = {
        {ZSTD_c_compressionLevel, 3},
        {ZSTD_c_windowLog, WINDOW_BITS},
        {ZSTD_c_hashLog, LONG_BITS},
        {ZSTD_c_chainLog, SHORT_BITS},
        {ZSTD_c_minMatch, SHORT_BYTES},
        {ZSTD_c_strategy, ZSTD_dfast},
        /* The mode in which libzstd codes a repeated offset as one. */
        {ZSTD_c_blockDelimiters, ZSTD_sf_noBlockDelimiters},
    };
    struct zstd_1_4 *state = memory_zeroed(1, sizeof(*state), "zstd 1.4");
    state->coder = memory_checked(ZSTD_createCCtx(), "zstd 1.4");
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        ZSTD_CCtx_setParameter(state->coder, settings[i].name, settings[i].value);
    return state;
}

void zstd_1_4_release(struct zstd_1_4 *state)
{
    if (state)
        ZSTD_freeCCtx(state->coder);
    free(state);
}

uint32_t zstd_1_4_length(struct compressor_workspace *workspace,
                         const unsigned char page[PAGE_BYTES])
{
    if (!workspace->zstd_1_4)
        workspace->zstd_1_4 = state_create();
    struct zstd_1_4 *state = workspace->zstd_1_4;
    find_sequences(state, page);
    size_t bounded = ZSTD_compressSequences(state->coder, workspace->out, PAGE_BYTES,
                                            state->sequences, state->count, page, PAGE_BYTES);
    if (!zstd_is_refused(bounded))
        return (uint32_t)bounded;
    size_t length = ZSTD_compressSequences(state->coder, workspace->out, COMPRESSED_BUFFER_BYTES,
                                           state->sequences, state->count, page, PAGE_BYTES);
    return zstd_is_refused(length) || length <= PAGE_BYTES ? COMPRESSOR_FAILED : (uint32_t)length;
}

/* LZO1X-1, counted instead of written.
 *
 * liblzo2 hashes into 2^14 entries, the kernel into 2^13, and only the kernel
 * knows runs of zeros; so neither "lzo" nor "lzo-rle" of a kernel can be had
 * from the library on real page contents.  The parse below is the one of
 * LZO1X-1: with 14 bits and no zero runs its length equals the library's on
 * every page (tests/unit/test_compressors.c).  The sizes of the instructions
 * are those of Linux Documentation/staging/lzo.rst. */
#include "workloads/content/lzo_length.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum {
    TAIL_BYTES = 20,          /* never searched, so that wide loads stay inside */
    NEAR_MATCH_LENGTH = 8,    /* longest match of a 2-byte instruction, */
    NEAR_MATCH_OFFSET = 2048, /* and its largest distance */
    SHORT_MATCH_LENGTH = 33,  /* longest without extra length bytes */
    SHORT_LITERALS = 18,      /* most literals of a 1-byte instruction */
    ZERO_RUN_LEAST = 4,
    ZERO_RUN_MOST = 2047 + ZERO_RUN_LEAST,
    ZERO_RUN_BYTES = 4,
    VERSION_BYTES = 2, /* in front of a version 1 stream */
    END_MARK_BYTES = 3,
};

static uint32_t word_at(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return le32toh(word);
}

/* Extra bytes of a length that is `over` above the instruction's own field:
 * a zero byte for every full 255, then the rest, which is never 0. */
static uint32_t extension_bytes(uint32_t over)
{
    return 1 + (over - 1) / 255;
}

static uint32_t literal_bytes(uint32_t count)
{
    if (count <= 3) /* the count goes into spare bits of the instruction before */
        return count;
    if (count <= SHORT_LITERALS)
        return 1 + count;
    return 1 + extension_bytes(count - SHORT_LITERALS) + count;
}

/* Inside one page no distance exceeds 16 KiB. */
static uint32_t match_bytes(uint32_t length, uint32_t offset)
{
    if (length <= NEAR_MATCH_LENGTH && offset <= NEAR_MATCH_OFFSET)
        return 2;
    if (length <= SHORT_MATCH_LENGTH)
        return 3;
    return 3 + extension_bytes(length - SHORT_MATCH_LENGTH);
}

/* The compressor compares 8 bytes at a time and looks only then whether it is
 * past the searched part, so a match may end up to 8 bytes behind it. */
static uint32_t match_length(const unsigned char *page, uint32_t at, uint32_t earlier)
{
    const uint32_t end = PAGE_BYTES - TAIL_BYTES;
    uint32_t length = 4;
    for (;;) {
        uint64_t here, there;
        memcpy(&here, page + at + length, sizeof(here));
        memcpy(&there, page + earlier + length, sizeof(there));
        if (here != there)
            return length + (uint32_t)__builtin_ctzll(le64toh(here ^ there)) / 8;
        length += 8;
        if (at + length >= end)
            return length;
    }
}

static uint32_t zero_run(const unsigned char *page, uint32_t at)
{
    const uint32_t end = PAGE_BYTES - TAIL_BYTES;
    uint32_t length = ZERO_RUN_LEAST;
    while (length < ZERO_RUN_MOST && at + length < end && page[at + length] == 0)
        length++;
    return length;
}

uint32_t lzo_length(const unsigned char page[PAGE_BYTES], unsigned dictionary_bits, bool zero_runs)
{
    const uint32_t end = PAGE_BYTES - TAIL_BYTES;
    uint16_t dictionary[1 << LZO_DICTIONARY_BITS_LIBRARY];
    assert(dictionary_bits >= 11 && dictionary_bits <= LZO_DICTIONARY_BITS_LIBRARY);
    memset(dictionary, 0, sizeof(dictionary[0]) << dictionary_bits);

    uint32_t total = zero_runs ? VERSION_BYTES : 0;
    uint32_t written = 0; /* bytes of the page that the output covers so far */
    uint32_t at = 4 + 1;  /* the search starts a little inside */
    while (at < end) {
        uint32_t word = word_at(page + at);
        if (zero_runs && word == 0) {
            total += literal_bytes(at - written) + ZERO_RUN_BYTES;
            at += zero_run(page, at);
            written = at;
            continue;
        }
        uint16_t *slot = &dictionary[(word * 0x1824429du) >> (32 - dictionary_bits)];
        uint32_t earlier = *slot;
        *slot = (uint16_t)at;
        if (word_at(page + earlier) != word) {
            /* Stride further the longer nothing has matched. */
            at += 1 + ((at - written) >> 5);
            continue;
        }
        uint32_t length = match_length(page, at, earlier);
        total += literal_bytes(at - written) + match_bytes(length, at - earlier);
        at += length;
        written = at;
    }
    return total + literal_bytes(PAGE_BYTES - written) + END_MARK_BYTES;
}

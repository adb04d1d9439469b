/* Records of accesses as 64-bit numbers, for loops over many at a time. */
#ifndef ZSIM_WORKLOADS_GENERATORS_RECORD_BITS_H
#define ZSIM_WORKLOADS_GENERATORS_RECORD_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "workloads/workload.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(struct access) == 8 &&
                   offsetof(struct access, page) == 0 && offsetof(struct access, op) == 6 &&
                   ACCESS_READ == 0 && ACCESS_WRITE == 1,
               "a page and a coin are added to a record's bits");

static inline uint64_t record_bits(struct access record)
{
    uint64_t bits;
    memcpy(&bits, &record, sizeof(bits));
    return bits;
}

/* A record so many pages further on; the coin, 0 or 1, is added to its op. */
static inline uint64_t record_bits_moved(uint64_t bits, uint64_t pages, uint64_t coin)
{
    return bits + pages + (coin << 48);
}

#endif

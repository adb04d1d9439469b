/* How long a page is under LZO1X-1 as the kernel has it, counted without compressing. */
#ifndef ZSIM_WORKLOADS_LZO_LENGTH_H
#define ZSIM_WORKLOADS_LZO_LENGTH_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/units.h"

enum {
    LZO_DICTIONARY_BITS_KERNEL = 13,  /* Linux lib/lzo/lzodefs.h, D_BITS */
    LZO_DICTIONARY_BITS_LIBRARY = 14, /* liblzo2's lzo1x_1_compress */
};

/* Length of the LZO1X-1 output for a page, terminator included, without making
 * the output.  dictionary_bits 11..14; `zero_runs` selects bitstream version 1
 * (lzo-rle).  The length is not bounded by 4096. */
uint32_t lzo_length(const unsigned char page[PAGE_BYTES], unsigned dictionary_bits, bool zero_runs);

#endif

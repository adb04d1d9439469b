/* The axis "swap_backing": what a page in compressed swap costs on disk. */
#ifndef ZSIM_POLICIES_SWAP_BACKING_H
#define ZSIM_POLICIES_SWAP_BACKING_H

#include "sim/swap/swap.h"

struct swap_backing_hooks {
    /* required: a page enters the swap cache: does it need room on a device now?
     * false: only when it is written there; until then a slot is a name */
    bool takes_slot_on_entry;
    /* required: can a page be swapped out at all when every slot is taken? */
    bool needs_device;
    /* the configured devices are not used */
    bool ignores_devices;
    /* optional: RAM that is taken to know where swapped pages are, in bytes, beside
     * zswap's entries */
    uint64_t (*metadata_bytes)(const struct swap *swap, const void *params);
};

#endif

/* swap_backing: virtual - a page gets room on a device only when it is written
 * there: refused by zswap, or written back from it.  A page in zswap and a zero
 * page take none.
 *
 * While no device (or no memory.swap.max) has room, nothing is written back, and a
 * refused page stays in RAM, active.  memory.swap.max counts pages with room on a
 * device.  A page keeps that room while it is in RAM unchanged, and gives it up
 * when it is swapped out with other contents. */
#include "policies/swap_backing/swap_backing.h"

struct virtual_params {
    uint64_t bytes_per_page, bytes_per_slot;
};

static const struct param virtual_rows[] = {
    {.name = "bytes_per_page",
     .type = PARAM_COUNT,
     .offset = offsetof(struct virtual_params, bytes_per_page),
     .initial = "8",
     .most = 1024,
     .help = "RAM for each page in swap: what says where it is",
     .source = "virtual swap, swap table edition (2026): a word of 8 bytes; v1 to v6: 24 bytes"},
    {.name = "bytes_per_slot",
     .type = PARAM_COUNT,
     .offset = offsetof(struct virtual_params, bytes_per_slot),
     .initial = "3",
     .most = 1024,
     .help = "RAM for each slot of a device, in use or not",
     .source = "mm/swapfile.c: a byte of swap_map; mm/swap_cgroup.c: 2 bytes"},
};

static uint64_t virtual_metadata_bytes(const struct swap *swap, const void *params)
{
    const struct virtual_params *own = params;
    return swap_pages(swap) * own->bytes_per_page + swap->slots * own->bytes_per_slot;
}

static const struct swap_backing_hooks virtual_hooks = {
    .metadata_bytes = virtual_metadata_bytes,
    .takes_slot_on_entry = false,
    .needs_device = false,
};

const struct policy virtual_policy = {
    .name = "virtual",
    .summary = "room on a device only for a page that is written there, from that moment on",
    .source = "virtual swap series (Nhat Pham), swap table edition, 2026",
    .params = PARAM_TABLE(virtual_rows, struct virtual_params),
    .hooks = &virtual_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

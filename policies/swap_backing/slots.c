/* swap_backing: slots - every page in swap holds a slot on a device, also while
 * its data is in zswap (all released kernels up to 7.3). */
#include "policies/swap_backing/swap_backing.h"

struct slots_params {
    uint64_t bytes_per_slot;
};

static const struct param slots_rows[] = {
    {.name = "bytes_per_slot",
     .type = PARAM_COUNT,
     .offset = offsetof(struct slots_params, bytes_per_slot),
     .initial = "3",
     .most = 1024,
     .help = "RAM for each slot of a device, in use or not",
     .source = "mm/swapfile.c: a byte of swap_map; mm/swap_cgroup.c: 2 bytes"},
};

static uint64_t slots_metadata_bytes(const struct swap *swap, const void *params)
{
    return swap->slots * ((const struct slots_params *)params)->bytes_per_slot;
}

static const struct swap_backing_hooks slots_hooks = {
    .metadata_bytes = slots_metadata_bytes,
    .takes_slot_on_entry = true,
    .needs_device = true,
};

const struct policy slots_policy = {
    .name = "slots",
    .summary = "a device slot for every page in swap, from the moment it leaves RAM",
    .source = "Linux 6.1-7.3 mm/swapfile.c, mm/zswap.c",
    .params = PARAM_TABLE(slots_rows, struct slots_params),
    .hooks = &slots_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* swap_backing: slots - every page in swap holds a slot on a device, also while
 * its data is in zswap (all released kernels up to 7.3). */
#include "policies/swap_backing/swap_backing.h"

static const struct swap_backing_hooks slots_hooks = {
    .takes_slot_on_entry = true,
    .needs_device = true,
};

const struct policy slots_policy = {
    .name = "slots",
    .summary = "a device slot for every page in swap, from the moment it leaves RAM",
    .source = "Linux 6.1-7.3 mm/swapfile.c, mm/zswap.c",
    .params = NO_PARAMS,
    .hooks = &slots_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

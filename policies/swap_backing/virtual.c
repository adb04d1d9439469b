/* swap_backing: virtual - a page gets room on a device only when it is written
 * there: refused by zswap, or written back from it.  A page in zswap and a zero
 * page take none.
 *
 * While no device (or no memory.swap.max) has room, nothing is written back, and a
 * refused page stays in RAM, active.  memory.swap.max counts pages with room on a
 * device.  A page keeps that room while it is in RAM unchanged, and gives it up
 * when it is swapped out with other contents. */
#include "policies/swap_backing/swap_backing.h"

static const struct swap_backing_hooks virtual_hooks = {
    .takes_slot_on_entry = false,
    .needs_device = false,
};

const struct policy virtual_policy = {
    .name = "virtual",
    .summary = "room on a device only for a page that is written there, from that moment on",
    .source = "virtual swap series (Nhat Pham), swap table edition, 2026",
    .params = NO_PARAMS,
    .hooks = &virtual_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

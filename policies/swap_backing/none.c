/* swap_backing: none - zswap without a device: what zswap refuses stays in RAM,
 * active, and nothing is ever written back. */
#include "policies/swap_backing/swap_backing.h"

static const struct swap_backing_hooks none_hooks = {
    .takes_slot_on_entry = false,
    .needs_device = false,
    .ignores_devices = true,
};

const struct policy no_backing_policy = {
    .name = "none",
    .summary = "no device: compressed pages live in RAM only, refused ones stay active",
    .source = "virtual swap series (Nhat Pham), 2026: zswap without a swap file",
    .params = NO_PARAMS,
    .hooks = &none_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

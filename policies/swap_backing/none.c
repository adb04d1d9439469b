/* swap_backing: none - zswap without a device: what zswap refuses stays in RAM,
 * active, and nothing is ever written back. */
#include "policies/swap_backing/swap_backing.h"

struct none_params {
    uint64_t bytes_per_page;
};

static const struct param none_rows[] = {
    {.name = "bytes_per_page",
     .type = PARAM_COUNT,
     .offset = offsetof(struct none_params, bytes_per_page),
     .initial = "8",
     .most = 1024,
     .help = "RAM for each page in swap: what says where it is",
     .source = "virtual swap, swap table edition (2026): a word of 8 bytes"},
};

static uint64_t none_metadata_bytes(const struct swap *swap, const void *params)
{
    return swap_pages(swap) * ((const struct none_params *)params)->bytes_per_page;
}

static const struct swap_backing_hooks none_hooks = {
    .metadata_bytes = none_metadata_bytes,
    .takes_slot_on_entry = false,
    .needs_device = false,
    .ignores_devices = true,
};

const struct policy no_backing_policy = {
    .name = "none",
    .summary = "no device: compressed pages live in RAM only, refused ones stay active",
    .source = "virtual swap series (Nhat Pham), 2026: zswap without a swap file",
    .params = PARAM_TABLE(none_rows, struct none_params),
    .hooks = &none_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

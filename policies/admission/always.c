/* admission: always - whatever fits is stored, as every released kernel does. */
#include "policies/admission/admission.h"

static bool always_admit(const struct zswap *zswap, uint32_t memcg, uint32_t length,
                         const void *params)
{
    (void)zswap, (void)memcg, (void)length, (void)params;
    return true;
}

static const struct admission_hooks always_hooks = {.admit = always_admit,
                                                    .basis = ADMISSION_ALWAYS};

const struct policy always_policy = {
    .name = "always",
    .summary = "every page that the allocator takes is stored",
    .source = "Linux 6.1-7.3 mm/zswap.c: zswap_store",
    .params = NO_PARAMS,
    .hooks = &always_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

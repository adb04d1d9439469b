/* admission: compressibility - pages that compress too little go to the device. */
#include "policies/admission/admission.h"

struct compressibility_params {
    uint64_t max_length;
};

static const struct param compressibility_rows[] = {
    {.name = "max_length",
     .type = PARAM_COUNT,
     .offset = offsetof(struct compressibility_params, max_length),
     .initial = "2990",
     .least = 1,
     .most = 4096,
     .help = "longest compressed page that is stored, in bytes",
     .source = "2990: the cutoff in Google's far-memory deployment (ASPLOS 2019)"},
};

static bool compressibility_admit(const struct zswap *zswap, uint32_t memcg, uint32_t length,
                                  const void *params)
{
    (void)zswap, (void)memcg;
    const struct compressibility_params *own = params;
    return length <= own->max_length;
}

static const struct admission_hooks compressibility_hooks = {.admit = compressibility_admit,
                                                             .basis = ADMISSION_BY_LENGTH};

const struct policy compressibility_policy = {
    .name = "compressibility",
    .summary = "only pages whose compressed length is at most `max_length` are stored",
    .source = "Lagar-Cavilla et al., Software-Defined Far Memory, ASPLOS 2019",
    .params = PARAM_TABLE(compressibility_rows, struct compressibility_params),
    .hooks = &compressibility_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* proactive_reclaim: off - memory is reclaimed when it is short. */
#include "policies/proactive_reclaim/proactive_reclaim.h"

static const struct proactive_reclaim_hooks off_hooks = {0};

const struct policy no_proactive_reclaim_policy = {
    .name = "off",
    .summary = "nobody reclaims before memory is short",
    .source = "every kernel as it is",
    .params = NO_PARAMS,
    .hooks = &off_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

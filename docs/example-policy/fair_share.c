/* A policy outside of zsim's tree: refuse pages of cgroups that hold more than
 * their share of the pool.  docs/policies.md says how to build and use it.
 *
 * Everything is static but `zsim_plugin`: zsim finds a plug-in's policies through
 * that name alone. */
#include "policies/admission/admission.h" /* the axis: its hooks, what they are asked */
#include "policies/policy.h"

/* The policy's own parameters.  One instance for each config that names it. */
struct fair_share_params {
    uint64_t share_percent;
};

/* A row is the parser, the range check, the default and the help text. */
static const struct param fair_share_rows[] = {
    {.name = "share_percent",
     .type = PARAM_COUNT, /* always a uint64_t */
     .offset = offsetof(struct fair_share_params, share_percent),
     .initial = "50",
     .least = 1,
     .most = 100,
     .help = "most that a cgroup and its children may hold, in percent of the pool's limit"},
};

/* The hook: no state of its own, no clock, no random numbers; the same question
 * has the same answer in every run. */
static bool fair_share_admit(const struct zswap *zswap, uint32_t memcg, uint32_t length,
                             const void *params)
{
    const struct fair_share_params *own = params;
    uint64_t limit_bytes = zswap_max_pages(zswap) * PAGE_BYTES; /* zsim's functions can be called */
    uint64_t held_bytes = zswap->mm->memcgs[memcg].zswap_bytes_subtree;
    return (held_bytes + length) * 100 <= limit_bytes * own->share_percent;
}

/* The axis's header says which hooks are required; this axis has only one. */
static const struct admission_hooks fair_share_hooks = {.admit = fair_share_admit};

static const struct policy fair_share_policy = {
    .name = "fair_share",
    .summary = "pages of a cgroup that holds `share_percent` of the pool's limit are refused",
    .source = "example",
    .params = PARAM_TABLE(fair_share_rows, struct fair_share_params),
    .hooks = &fair_share_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

/* What zsim looks for: the interface it was written for, then its policies. */
static const struct plugin_policy policies[] = {{"admission", &fair_share_policy}, {NULL, NULL}};
const struct policy_plugin zsim_plugin = {POLICY_INTERFACE_VERSION, policies};

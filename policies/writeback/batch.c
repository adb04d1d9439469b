/* writeback: batch - up to `budget` entries of a cgroup before the next one.
 *
 * 7.3 gives 32 to each node; the 2026 series shares 64 between the nodes, looks
 * at no entry twice in a call and stops at one whose page is in the swap cache. */
#include "policies/writeback/writeback.h"

struct batch_params {
    uint64_t budget;
    bool per_node, cap_at_list_length, stop_on_swap_cache;
};

static const struct param batch_rows[] = {
    {.name = "budget",
     .type = PARAM_COUNT,
     .offset = offsetof(struct batch_params, budget),
     .initial = "32",
     .least = 1,
     .most = 1048576,
     .help = "entries that one call may look at",
     .source = "SWAP_CLUSTER_MAX in 7.3; NR_ZSWAP_WB_BATCH = 64 in the batching series"},
    {.name = "per_node",
     .type = PARAM_BOOL,
     .offset = offsetof(struct batch_params, per_node),
     .initial = "true",
     .help = "each node gets the whole budget (7.3); false: the nodes share it, in node order",
     .source = "shrink_memcg in 7.3; batching series v5 2/6"},
    {.name = "cap_at_list_length",
     .type = PARAM_BOOL,
     .offset = offsetof(struct batch_params, cap_at_list_length),
     .initial = "false",
     .help = "look at each entry at most once a call; false: a short list is gone through again, "
             "so that fresh entries lose their second chance and are written in one call",
     .source = "batching series v5 2/6; 7.3 has no cap"},
    {.name = "stop_on_swap_cache",
     .type = PARAM_BOOL,
     .offset = offsetof(struct batch_params, stop_on_swap_cache),
     .initial = "false",
     .help = "an entry whose page is in the swap cache ends the walk of its list",
     .source = "batching series v5 2/6"},
};

static bool batch_step(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec,
                       const void *params)
{
    const struct batch_params *batch = params;
    struct shrink_budget budget = {
        .entries = batch->budget,
        .shared = !batch->per_node,
        .cap_at_list_length = batch->cap_at_list_length,
        .stop_on_swap_cache = batch->stop_on_swap_cache,
    };
    return writeback_step_over_cgroups(zswap, worker, exec, &budget);
}

static const struct writeback_hooks batch_hooks = {
    .step = batch_step, .takes_from = writeback_takes_from_lists, .looks_in_vain = true};

const struct policy batch_policy = {
    .name = "batch",
    .summary = "the worker looks at up to `budget` entries of a cgroup, then goes on",
    .source = "Linux 7.3 mm/zswap.c: shrink_memcg; batch writeback series, 2026",
    .params = PARAM_TABLE(batch_rows, struct batch_params),
    .hooks = &batch_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

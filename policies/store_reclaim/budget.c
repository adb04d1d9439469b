/* store_reclaim: budget - look at a set number of entries (7.3, and the review
 * question of the batching series: exactly one, or one a node?). */
#include "policies/store_reclaim/store_reclaim.h"

struct budget_params {
    uint64_t entries; /* 0: as many as there are nodes */
    bool per_node, cap_at_list_length;
};

static const struct param budget_rows[] = {
    {.name = "entries",
     .type = PARAM_COUNT,
     .offset = offsetof(struct budget_params, entries),
     .initial = "32",
     .most = 1048576,
     .help = "entries that a store may look at; 0: as many as there are nodes",
     .source = "7.3: 32 a node; batching series v5: the number of memory nodes, shared"},
    {.name = "per_node",
     .type = PARAM_BOOL,
     .offset = offsetof(struct budget_params, per_node),
     .initial = "true",
     .help = "each node gets the whole budget; false: the nodes share it, in node order",
     .source = "shrink_memcg in 7.3; batching series v5"},
    {.name = "cap_at_list_length",
     .type = PARAM_BOOL,
     .offset = offsetof(struct budget_params, cap_at_list_length),
     .initial = "false",
     .help = "look at each entry at most once a call",
     .source = "batching series v5 2/6"},
};

static bool budget_make_room(struct zswap *zswap, struct exec *exec, uint32_t memcg,
                             const void *params)
{
    const struct budget_params *own = params;
    struct shrink_budget budget = {
        .entries = own->entries ? own->entries : zswap->mm->node_count,
        .shared = !own->per_node,
        .cap_at_list_length = own->cap_at_list_length,
    };
    return zswap_shrink_memcg(zswap, exec, memcg, &budget, DRIVER_STORE) == SHRINK_WROTE;
}

static const struct store_reclaim_hooks budget_hooks = {.make_room = budget_make_room};

const struct policy budget_policy = {
    .name = "budget",
    .summary = "a store over memory.zswap.max looks at `entries` entries",
    .source = "Linux 7.3 mm/zswap.c: zswap_store; batch writeback series, 2026",
    .params = PARAM_TABLE(budget_rows, struct budget_params),
    .hooks = &budget_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

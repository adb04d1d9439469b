/* Every policy there is: one line each. */
#include "policies/policy.h"

#include <string.h>

#define POLICIES(X) \
    X(zsmalloc) X(zbud) X(z3fold) \
    X(global) X(per_pool) X(pool_list) X(allocator_lru) X(no_lru) X(unified) \
    X(single) X(batch) X(pool_tail) X(allocator_page) X(proactive) \
    X(refuse) X(one_per_node) X(budget) \
    X(kref) X(percpu_ref) \
    X(protected) X(second_chance) \
    X(always) X(compressibility) \
    X(classic) X(mglru) \
    X(slots) X(virtual) X(no_backing)
#define X(name) extern const struct policy name##_policy;
POLICIES(X)
#undef X

static const struct policy *const allocators[] = {&zsmalloc_policy, &zbud_policy, &z3fold_policy,
                                                  NULL};
static const struct policy *const zswap_lrus[] = {&global_policy,        &per_pool_policy,
                                                  &pool_list_policy,     &allocator_lru_policy,
                                                  &no_lru_policy,        &unified_policy,
                                                  NULL};
static const struct policy *const writebacks[] = {&single_policy, &batch_policy, &pool_tail_policy,
                                                  &allocator_page_policy, &proactive_policy, NULL};
static const struct policy *const store_reclaims[] = {&refuse_policy, &one_per_node_policy,
                                                      &budget_policy, NULL};
static const struct policy *const pool_refs[] = {&kref_policy, &percpu_ref_policy, NULL};
static const struct policy *const shrinkers[] = {&protected_policy, &second_chance_policy, NULL};
static const struct policy *const admissions[] = {&always_policy, &compressibility_policy, NULL};
static const struct policy *const reclaims[] = {&classic_policy, &mglru_policy, NULL};
static const struct policy *const swap_backings[] = {&slots_policy, &virtual_policy,
                                                     &no_backing_policy, NULL};

const struct policy_axis policy_axes[] = {
    {"allocator", "where compressed pages lie, and how many whole pages that takes", allocators},
    {"zswap_lru", "who is the oldest entry", zswap_lrus},
    {"writeback", "how many entries, of which cgroup and node, go to the device in a turn",
     writebacks},
    {"store_reclaim", "what a store that meets memory.zswap.max scans", store_reclaims},
    {"pool_ref", "what it costs to hold a pool", pool_refs},
    {"shrinker", "when memory pressure shrinks the pool", shrinkers},
    {"admission", "which pages are worth keeping compressed", admissions},
    {"reclaim", "which page leaves RAM", reclaims},
    {"swap_backing", "what a page in compressed swap costs on disk", swap_backings},
    {NULL, NULL, NULL},
};

const struct policy_axis *policy_axis_find(const char *axis)
{
    for (const struct policy_axis *at = policy_axes; at->name; at++)
        if (strcmp(at->name, axis) == 0)
            return at;
    return NULL;
}

const struct policy *policy_find(const char *axis, const char *name)
{
    const struct policy_axis *found = policy_axis_find(axis);
    for (unsigned i = 0; found && found->choices[i]; i++)
        if (strcmp(found->choices[i]->name, name) == 0)
            return found->choices[i];
    return NULL;
}

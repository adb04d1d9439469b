/* Every policy there is: one line each. */
#include "policies/policy.h"

#include <string.h>

#include "policies/admission/admission.h"
#include "policies/allocator/allocator.h"
#include "policies/pool_ref/pool_ref.h"
#include "policies/proactive_reclaim/proactive_reclaim.h"
#include "policies/reclaim/reclaim.h"
#include "policies/shrinker/shrinker.h"
#include "policies/store_reclaim/store_reclaim.h"
#include "policies/swap_backing/swap_backing.h"
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"

/* clang-format off */
#define POLICIES(X) \
    X(zsmalloc) \
    X(zbud) \
    X(z3fold) \
    X(global) \
    X(per_pool) \
    X(pool_list) \
    X(allocator_lru) \
    X(no_lru) \
    X(unified) \
    X(single) \
    X(batch) \
    X(pool_tail) \
    X(allocator_page) \
    X(proactive) \
    X(refuse) \
    X(one_per_node) \
    X(budget) \
    X(kref) \
    X(percpu_ref) \
    X(protected) \
    X(second_chance) \
    X(second_chance_by_fault) \
    X(always) \
    X(compressibility) \
    X(classic) \
    X(mglru) \
    X(no_proactive_reclaim) \
    X(senpai) \
    X(slots) \
    X(virtual) \
    X(no_backing)
/* clang-format on */
#define X(name) extern const struct policy name##_policy;
POLICIES(X)
#undef X

static const struct policy *const allocators[] = {&zsmalloc_policy, &zbud_policy, &z3fold_policy,
                                                  NULL};
static const struct policy *const zswap_lrus[] = {&global_policy,
                                                  &per_pool_policy,
                                                  &pool_list_policy,
                                                  &allocator_lru_policy,
                                                  &no_lru_policy,
                                                  &unified_policy,
                                                  NULL};
static const struct policy *const writebacks[] = {&single_policy,    &batch_policy,
                                                  &pool_tail_policy, &allocator_page_policy,
                                                  &proactive_policy, NULL};
static const struct policy *const store_reclaims[] = {&refuse_policy, &one_per_node_policy,
                                                      &budget_policy, NULL};
static const struct policy *const pool_refs[] = {&kref_policy, &percpu_ref_policy, NULL};
static const struct policy *const shrinkers[] = {&protected_policy, &second_chance_policy,
                                                 &second_chance_by_fault_policy, NULL};
static const struct policy *const admissions[] = {&always_policy, &compressibility_policy, NULL};
static const struct policy *const reclaims[] = {&classic_policy, &mglru_policy, NULL};
static const struct policy *const proactive_reclaims[] = {&no_proactive_reclaim_policy,
                                                          &senpai_policy, NULL};
static const struct policy *const swap_backings[] = {&slots_policy, &virtual_policy,
                                                     &no_backing_policy, NULL};

/* What the headers of the axes call required, for whoever loads a policy that
 * was not compiled with them. */
#define HOOK_AT(axis, hook) #hook, offsetof(struct axis##_hooks, hook)
#define HOOK(axis, hook) HOOK_AT(axis, hook), NULL, 0
#define HOOK_WITH(axis, hook, other) HOOK_AT(axis, hook), HOOK_AT(axis, other)

static const struct policy_hook allocator_required[] = {
    {HOOK(allocator, create)},
    {HOOK(allocator, destroy)},
    {HOOK(allocator, alloc)},
    {HOOK(allocator, free)},
    {HOOK(allocator, total_pages)},
    {HOOK_WITH(allocator, locks, lock_of)},
    {.name = NULL},
};
static const struct policy_hook zswap_lru_required[] = {
    {HOOK_WITH(zswap_lru, group_walked, group_of_pool)},
    {HOOK_WITH(zswap_lru, group_shrunk, group_of_pool)},
    {.name = NULL},
};
static const struct policy_hook writeback_required[] = {
    {HOOK(writeback, step)},
    {HOOK_WITH(writeback, interval_ns, tick)},
    {HOOK_WITH(writeback, create, tick)},
    {HOOK_WITH(writeback, destroy, tick)},
    {HOOK_WITH(writeback, tick, interval_ns)},
    {.name = NULL},
};
static const struct policy_hook store_reclaim_required[] = {
    {HOOK(store_reclaim, make_room)},
    {.name = NULL},
};
static const struct policy_hook pool_ref_required[] = {{HOOK(pool_ref, update)}, {.name = NULL}};
static const struct policy_hook shrinker_required[] = {{HOOK(shrinker, freeable)}, {.name = NULL}};
static const struct policy_hook admission_required[] = {{HOOK(admission, admit)}, {.name = NULL}};
static const struct policy_hook reclaim_required[] = {
    {HOOK(reclaim, add)},           {HOOK(reclaim, remove)},
    {HOOK(reclaim, rotate)},        {HOOK(reclaim, reparent)},
    {HOOK(reclaim, shrink_lruvec)}, {HOOK(reclaim, evict)},
    {HOOK(reclaim, refault)},       {.name = NULL},
};
static const struct policy_hook proactive_reclaim_required[] = {
    {HOOK_WITH(proactive_reclaim, interval_ns, tick)},
    {HOOK_WITH(proactive_reclaim, create, tick)},
    {HOOK_WITH(proactive_reclaim, destroy, tick)},
    {HOOK_WITH(proactive_reclaim, tick, interval_ns)},
    {.name = NULL},
};
/* Flags alone. */
static const struct policy_hook swap_backing_required[] = {{.name = NULL}};

const struct policy_axis policy_axes[] = {
    {"allocator", "where compressed pages lie, and how many whole pages that takes", allocators,
     allocator_required},
    {"zswap_lru", "who is the oldest entry", zswap_lrus, zswap_lru_required},
    {"writeback", "how many entries, of which cgroup and node, go to the device in a turn",
     writebacks, writeback_required},
    {"store_reclaim", "what a store that meets memory.zswap.max scans", store_reclaims,
     store_reclaim_required},
    {"pool_ref", "what it costs to hold a pool", pool_refs, pool_ref_required},
    {"shrinker", "when memory pressure shrinks the pool", shrinkers, shrinker_required},
    {"admission", "which pages are worth keeping compressed", admissions, admission_required},
    {"reclaim", "which page leaves RAM", reclaims, reclaim_required},
    {"proactive_reclaim", "who reclaims by the clock, before memory is short", proactive_reclaims,
     proactive_reclaim_required},
    {"swap_backing", "what a page in compressed swap costs on disk", swap_backings,
     swap_backing_required},
    {NULL, NULL, NULL, NULL},
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

static bool hook_is_set(const struct policy *policy, size_t offset)
{
    void (*hook)(void);
    memcpy(&hook, (const char *)policy->hooks + offset, sizeof(hook));
    return hook != NULL;
}

const struct policy_hook *policy_missing_hook(const struct policy_axis *axis,
                                              const struct policy *policy)
{
    for (const struct policy_hook *hook = axis->required; hook->name; hook++)
        if (!hook_is_set(policy, hook->offset) &&
            (!hook->with || hook_is_set(policy, hook->with_offset)))
            return hook;
    return NULL;
}

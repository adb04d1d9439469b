/* The table of axes, what a policy must bring to be on one, and what plug-ins see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/admission/admission.h"
#include "policies/allocator/allocator.h"
#include "policies/policy.h"
#include "policies/pool_ref/pool_ref.h"
#include "policies/proactive_reclaim/proactive_reclaim.h"
#include "policies/reclaim/reclaim.h"
#include "policies/shrinker/shrinker.h"
#include "policies/store_reclaim/store_reclaim.h"
#include "policies/swap_backing/swap_backing.h"
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/swap/swap.h"
#include "sim/zswap/zswap.h"

static void test_every_built_in_policy_is_complete(void **state)
{
    (void)state;
    for (const struct policy_axis *axis = policy_axes; axis->name; axis++)
        for (size_t i = 0; axis->choices[i]; i++) {
            const struct policy *policy = axis->choices[i];
            assert_non_null(policy->summary);
            assert_non_null(policy->hooks);
            assert_int_equal(policy->interface_version, POLICY_INTERFACE_VERSION);
            assert_null(policy_missing_hook(axis, policy));
            assert_ptr_equal(policy_find(axis->name, policy->name), policy);
        }
}

/* Bytes of a table of hooks up to the last required one. */
static size_t required_bytes(const struct policy_axis *axis)
{
    size_t bytes = 0;
    for (const struct policy_hook *hook = axis->required; hook->name; hook++)
        if (hook->offset + sizeof(void *) > bytes)
            bytes = hook->offset + sizeof(void *);
    return bytes;
}

static void test_each_required_hook_is_missed(void **state)
{
    (void)state;
    unsigned checked = 0;
    for (const struct policy_axis *axis = policy_axes; axis->name; axis++)
        for (const struct policy_hook *hook = axis->required; hook->name; hook++) {
            char table[512];
            size_t bytes = required_bytes(axis);
            struct policy policy = {.hooks = table};
            assert_true(bytes <= sizeof(table) && hook->with_offset + sizeof(void *) <= bytes);
            memset(table, 1, sizeof(table)); /* every hook is somewhere */
            assert_null(policy_missing_hook(axis, &policy));
            memset(table + hook->offset, 0, sizeof(void *));
            assert_ptr_equal(policy_missing_hook(axis, &policy), hook);
            checked++;
        }
    assert_int_equal(checked, 6 + 2 + 5 + 1 + 1 + 1 + 1 + 7 + 4);
}

static void test_a_hook_may_depend_on_another(void **state)
{
    (void)state;
    const struct policy_axis *axis = policy_axis_find("zswap_lru");
    char table[512] = {0}; /* no lists at all */
    struct policy policy = {.hooks = table};
    assert_null(policy_missing_hook(axis, &policy));
    memset(table + axis->required[0].with_offset, 1, sizeof(void *));
    assert_string_equal(axis->required[0].with, "group_of_pool");
    assert_string_equal(policy_missing_hook(axis, &policy)->name, "group_walked");
}

/* What a plug-in that was built before would read wrongly.  (Members that change places within as
 * many bytes are not seen here.) */
static void test_structs_are_those_of_the_interface_version(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t bytes, recorded;
    } structs[] = {
#define ROW(name, recorded) {#name, sizeof(struct name), recorded}
        ROW(policy, 64),
        ROW(param, 80),
        ROW(param_table, 24),
        ROW(config, 2024),
        ROW(costs, 848),
        ROW(event_queue, 104),
        ROW(processors, 56),
        ROW(runner, 88),
        ROW(cache_line, 112),
        ROW(spinlock, 128),
        ROW(rw_lock, 152),
        ROW(mm, 7592),
        ROW(exec, 72),
        ROW(memcg, 640),
        ROW(lruvec, 128),
        ROW(node, 728),
        ROW(address_space, 64),
        ROW(page_cold, 28),
        ROW(lru_list, 24),
        ROW(scan_control, 344),
        ROW(swap, 5016),
        ROW(zswap, 3352),
        ROW(zswap_pool, 168),
        ROW(entry_walk, 48),
        ROW(object_pool, 248),
        ROW(admission_hooks, 16),
        ROW(allocator_hooks, 120),
        ROW(allocator_setup, 16),
        ROW(pool_ref_hooks, 24),
        ROW(proactive_reclaim_hooks, 32),
        ROW(reclaim_hooks, 160),
        ROW(walk_sizes, 8),
        ROW(shrinker_hooks, 48),
        ROW(store_reclaim_hooks, 8),
        ROW(swap_backing_hooks, 16),
        ROW(writeback_hooks, 56),
        ROW(zswap_lru_hooks, 40),
#undef ROW
    };
    if (sizeof(void *) != 8)
        skip();
    for (size_t i = 0; i < sizeof(structs) / sizeof(structs[0]); i++)
        if (structs[i].bytes != structs[i].recorded)
            fail_msg("struct %s has %zu bytes in place of %zu: raise POLICY_INTERFACE_VERSION "
                     "(now %u), then record the new size here",
                     structs[i].name, structs[i].bytes, structs[i].recorded,
                     (unsigned)POLICY_INTERFACE_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_built_in_policy_is_complete),
        cmocka_unit_test(test_each_required_hook_is_missed),
        cmocka_unit_test(test_a_hook_may_depend_on_another),
        cmocka_unit_test(test_structs_are_those_of_the_interface_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The table of axes, and what a policy must bring to be on one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/policy.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_built_in_policy_is_complete),
        cmocka_unit_test(test_each_required_hook_is_missed),
        cmocka_unit_test(test_a_hook_may_depend_on_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

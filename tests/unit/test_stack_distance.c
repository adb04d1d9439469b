/* Stack distances: by hand, and against a list that is searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/analysis/stack_distance.h"

static void test_by_hand(void **state)
{
    (void)state;
    static const struct {
        uint64_t page, distance;
    } accesses[] = {
        {7, STACK_DISTANCE_FIRST},
        {7, 0},
        {UINT64_MAX, STACK_DISTANCE_FIRST},
        {7, 1},
        {0, STACK_DISTANCE_FIRST},
        {UINT64_MAX, 2},
        {UINT64_MAX, 0},
        {7, 2},
        {7, 0},
        {0, 2},
    };
    struct stack_distances *distances = stack_distances_create(0);
    for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++)
        assert_int_equal(stack_distances_access(distances, accesses[i].page), accesses[i].distance);
    assert_int_equal(stack_distances_live(distances), 3);
    stack_distances_free(distances);
    stack_distances_free(NULL);
}

static void test_forgotten_pages_are_new_and_do_not_count(void **state)
{
    (void)state;
    struct stack_distances *distances = stack_distances_create(4);
    stack_distances_forget(distances, 1); /* never seen */
    assert_int_equal(stack_distances_access(distances, 1), STACK_DISTANCE_FIRST);
    assert_int_equal(stack_distances_access(distances, 2), STACK_DISTANCE_FIRST);
    assert_int_equal(stack_distances_access(distances, 3), STACK_DISTANCE_FIRST);
    stack_distances_forget(distances, 2);
    stack_distances_forget(distances, 2);
    assert_int_equal(stack_distances_live(distances), 2);
    assert_int_equal(stack_distances_access(distances, 1), 1);
    assert_int_equal(stack_distances_access(distances, 2), STACK_DISTANCE_FIRST);
    assert_int_equal(stack_distances_access(distances, 3), 2);
    stack_distances_free(distances);
}

/* 1 2 3 4, then 2 is dropped: a memory of two has evicted 1 and 2 before. */
static void test_a_dropped_page_leaves_its_place(void **state)
{
    (void)state;
    struct stack_distances *distances = stack_distances_create(0);
    for (uint64_t page = 1; page <= 4; page++)
        stack_distances_access(distances, page);
    stack_distances_drop(distances, 9); /* never seen */
    stack_distances_drop(distances, 2);
    stack_distances_drop(distances, 2);
    assert_int_equal(stack_distances_live(distances), 3);
    assert_int_equal(stack_distances_access(distances, 3), 1); /* above the place */
    assert_int_equal(stack_distances_access(distances, 1), 3); /* fills it, leaves its own */
    assert_int_equal(stack_distances_access(distances, 4), 2);
    assert_int_equal(stack_distances_access(distances, 2), STACK_DISTANCE_FIRST);
    assert_int_equal(stack_distances_live(distances), 4);
    assert_int_equal(stack_distances_access(distances, 3), 3);
    stack_distances_free(distances);
}

/* A loop over n pages has the distance n - 1, whatever the tables' sizes. */
static void test_loop(void **state)
{
    (void)state;
    enum { PAGES = 5000, PASSES = 20 };
    struct stack_distances *distances = stack_distances_create(PAGES);
    for (uint64_t i = 0; i < (uint64_t)PAGES * PASSES; i++)
        assert_int_equal(stack_distances_access(distances, (i % PAGES) << 40),
                         i < PAGES ? STACK_DISTANCE_FIRST : PAGES - 1);
    stack_distances_free(distances);
}

/* ---- against a list, most recent first -------------------------------------- */

enum { LIST_PAGES = 6000 };

struct list {
    uint64_t pages[LIST_PAGES];
    uint64_t length;
};

static uint64_t list_find(const struct list *list, uint64_t page)
{
    uint64_t at = 0;
    while (at < list->length && list->pages[at] != page)
        at++;
    return at;
}

static void list_remove(struct list *list, uint64_t at)
{
    if (at == list->length)
        return;
    list->length--;
    memmove(&list->pages[at], &list->pages[at + 1], (list->length - at) * sizeof(list->pages[0]));
}

static uint64_t list_access(struct list *list, uint64_t page)
{
    uint64_t at = list_find(list, page);
    uint64_t distance = at == list->length ? STACK_DISTANCE_FIRST : at;
    list_remove(list, at);
    memmove(&list->pages[1], &list->pages[0], list->length * sizeof(list->pages[0]));
    list->pages[0] = page;
    list->length++;
    return distance;
}

/* Half of the accesses go to the last few pages; one in `forget` forgets. */
static void compare(uint64_t seed, uint64_t pages, uint64_t accesses, uint64_t forget)
{
    struct stack_distances *distances = stack_distances_create(seed % 2 ? pages : 0);
    struct list *list = memory_zeroed(1, sizeof(*list), "a list");
    uint64_t random = random_splitmix(seed) | 1;
    for (uint64_t i = 0; i < accesses; i++) {
        uint64_t span = random_below(&random, 2) ? pages : pages / 16 + 1;
        uint64_t page = random_splitmix(random_below(&random, span));
        if (random_below(&random, forget) == 0) {
            stack_distances_forget(distances, page);
            list_remove(list, list_find(list, page));
        } else
            assert_int_equal(stack_distances_access(distances, page), list_access(list, page));
        assert_int_equal(stack_distances_live(distances), list->length);
    }
    free(list);
    stack_distances_free(distances);
}

static void test_against_a_list(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        compare(seed, 1 + seed * 7, 20000, 50);
    compare(20, 3000, 30000, 10);
    compare(21, LIST_PAGES, 30000, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_forgotten_pages_are_new_and_do_not_count),
        cmocka_unit_test(test_a_dropped_page_leaves_its_place),
        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* zbud: its chunk rule, its victims, and the pool pages of real kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/allocator/policies.h"
#include "tests/truth/density/replay.h"
#include "tests/truth/density/workout.h"

static const struct allocator_hooks *hooks(void)
{
    return zbud_policy.hooks;
}

static void *create(bool evicts)
{
    return hooks()->create(&(struct allocator_setup){NULL, evicts});
}

static uint32_t alloc(void *pool, uint32_t size, uint32_t owner)
{
    uint32_t handle = 0;
    assert_int_equal(hooks()->alloc(pool, size, owner, &handle), ALLOCATOR_OK);
    assert_int_not_equal(handle, 0);
    return handle;
}

static void test_largest_object(void **unused)
{
    (void)unused;
    void *pool = create(false);
    uint32_t handle;
    alloc(pool, 3968, 0);
    assert_int_equal(hooks()->alloc(pool, 3969, 0, &handle), ALLOCATOR_TOO_LARGE);
    assert_int_equal(hooks()->alloc(pool, 0, 0, &handle), ALLOCATOR_TOO_LARGE);
    assert_int_equal(hooks()->total_pages(pool), 1);
    hooks()->destroy(pool);
}

/* 31 + 31 chunks of 63 share a page, 32 + 32 do not. */
static void test_two_objects_share_a_page(void **unused)
{
    (void)unused;
    void *pool = create(false);
    alloc(pool, 1984, 0);
    alloc(pool, 1984, 0);
    assert_int_equal(hooks()->total_pages(pool), 1);
    alloc(pool, 2048, 0);
    alloc(pool, 1985, 0);
    assert_int_equal(hooks()->total_pages(pool), 3);
    hooks()->destroy(pool);
}

/* The page with the fewest free chunks that suffice; among equals the latest. */
static void test_tightest_fit(void **unused)
{
    (void)unused;
    void *pool = create(false);
    uint32_t loose = alloc(pool, 40 * 64, 0), tight = alloc(pool, 50 * 64, 0);
    uint32_t second = alloc(pool, 13 * 64, 0); /* goes behind 50, not behind 40 */
    assert_int_equal(hooks()->total_pages(pool), 2);
    hooks()->free(pool, tight);
    hooks()->free(pool, second);
    assert_int_equal(hooks()->total_pages(pool), 1);
    hooks()->free(pool, loose);
    assert_int_equal(hooks()->total_pages(pool), 0);
    hooks()->destroy(pool);
}

struct evictions {
    void *pool;
    uint32_t owners[32], count;
    uint32_t refuse; /* this owner stays */
};

static bool record_eviction(void *context, uint32_t owner, uint32_t handle)
{
    struct evictions *evictions = context;
    evictions->owners[evictions->count++] = owner;
    if (owner == evictions->refuse)
        return false;
    hooks()->free(evictions->pool, handle);
    return true;
}

static void test_victims(void **unused)
{
    (void)unused;
    void *pool = create(true);
    struct evictions evictions = {.pool = pool, .refuse = 3};
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_CANNOT_SHRINK);
    for (uint32_t owner = 1; owner <= 6; owner++) /* pages (1 2) (3 4) (5 6) */
        alloc(pool, 1900, owner);
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_SHRUNK);
    assert_int_equal(hooks()->total_pages(pool), 2);
    /* 3 stays, so that 4 is not tried and its page becomes the newest; then 5 and 6 */
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_SHRUNK);
    assert_int_equal(hooks()->total_pages(pool), 1);
    /* the same page eight times */
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_NOTHING_FREED);
    static const uint32_t expected[] = {1, 2, 3, 5, 6, 3, 3, 3, 3, 3, 3, 3, 3};
    assert_int_equal(evictions.count, 13);
    assert_memory_equal(evictions.owners, expected, sizeof(expected));
    assert_null(hooks()->check(pool));
    hooks()->destroy(pool);
}

static void test_pages_of_real_kernels(void **unused)
{
    (void)unused;
    unsigned cases;
    assert_int_equal(density_replay_all(&zbud_policy, NULL, NULL, &cases), 0);
    assert_int_equal(cases, 60);
}

static void test_workout(void **unused)
{
    (void)unused;
    static struct workout workout;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_null(workout_run(&workout, &zbud_policy, NULL, true, seed));
        assert_true(workout.evicted > 50);
        assert_null(workout_run(&workout, &zbud_policy, NULL, false, seed));
        assert_int_equal(workout.evicted, 0);
    }
}

/* The unbuddied lists as plain arrays, most recent first. */
struct plain {
    struct plain_page {
        uint32_t chunks[2], owners[2];
        uint64_t listed_at;
    } pages[WORKOUT_OBJECTS];
    uint32_t count;
    uint64_t clock;
};

static void plain_alloc(struct plain *plain, uint32_t owner, uint32_t chunks)
{
    struct plain_page *best = NULL;
    uint32_t best_free = 0;
    for (uint32_t i = 0; i < plain->count; i++) {
        struct plain_page *page = &plain->pages[i];
        uint32_t room = 63 - page->chunks[0] - page->chunks[1];
        if ((page->chunks[0] && page->chunks[1]) || room < chunks)
            continue;
        if (!best || room < best_free || (room == best_free && page->listed_at > best->listed_at)) {
            best = page;
            best_free = room;
        }
    }
    if (!best) {
        best = &plain->pages[plain->count++];
        *best = (struct plain_page){.listed_at = 0};
    }
    unsigned buddy = best->chunks[0] ? 1 : 0;
    best->chunks[buddy] = chunks;
    best->owners[buddy] = owner;
    best->listed_at = ++plain->clock;
}

static void plain_free(struct plain *plain, uint32_t owner)
{
    for (uint32_t i = 0; i < plain->count; i++)
        for (unsigned buddy = 0; buddy < 2; buddy++) {
            struct plain_page *page = &plain->pages[i];
            if (!page->chunks[buddy] || page->owners[buddy] != owner)
                continue;
            page->chunks[buddy] = 0;
            page->listed_at = ++plain->clock;
            if (!page->chunks[!buddy])
                *page = plain->pages[--plain->count];
            return;
        }
}

static void test_pages_equal_plain_model(void **unused)
{
    (void)unused;
    enum { OBJECTS = 600, STEPS = 20000 };
    static struct plain plain;
    static uint32_t handles[OBJECTS];
    void *pool = create(false);
    uint64_t random = 9;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t owner = (uint32_t)random_below(&random, OBJECTS);
        if (handles[owner]) {
            hooks()->free(pool, handles[owner]);
            plain_free(&plain, owner);
            handles[owner] = 0;
        } else {
            uint32_t size = (uint32_t)random_below(&random, 3968) + 1;
            handles[owner] = alloc(pool, size, owner);
            plain_alloc(&plain, owner, (size + 63) / 64);
        }
        assert_int_equal(hooks()->total_pages(pool), plain.count);
    }
    assert_null(hooks()->check(pool));
    hooks()->destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_largest_object),
        cmocka_unit_test(test_two_objects_share_a_page),
        cmocka_unit_test(test_tightest_fit),
        cmocka_unit_test(test_victims),
        cmocka_unit_test(test_pages_of_real_kernels),
        cmocka_unit_test(test_workout),
        cmocka_unit_test(test_pages_equal_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

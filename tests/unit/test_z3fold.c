/* z3fold: its chunk rule, compaction, victims, and the pool pages of a real kernel. */
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
    return z3fold_policy.hooks;
}

static void *create(bool evicts)
{
    return hooks()->create(&(struct allocator_setup){NULL, evicts});
}

/* An object of whole chunks. */
static uint32_t alloc(void *pool, uint32_t chunks, uint32_t owner)
{
    uint32_t handle = 0;
    assert_int_equal(hooks()->alloc(pool, chunks * 64, owner, &handle), ALLOCATOR_OK);
    assert_int_not_equal(handle, 0);
    return handle;
}

static void assert_pages(void *pool, uint64_t pages)
{
    assert_int_equal(hooks()->total_pages(pool), pages);
    assert_null(hooks()->check(pool));
}

static void test_sizes(void **unused)
{
    (void)unused;
    void *pool = create(false);
    uint32_t handle, headless;
    assert_int_equal(hooks()->alloc(pool, 4097, 0, &handle), ALLOCATOR_TOO_LARGE);
    assert_int_equal(hooks()->alloc(pool, 3905, 0, &headless), ALLOCATOR_OK);
    alloc(pool, 1, 0); /* finds no room beside a headless object ... */
    assert_pages(pool, 2);
    assert_int_equal(hooks()->alloc(pool, 3904, 0, &handle), ALLOCATOR_OK);
    assert_pages(pool, 2); /* ... but beside 61 of 62 chunks there is one chunk */
    hooks()->free(pool, headless);
    assert_pages(pool, 1);
    assert_int_equal(hooks()->alloc(pool, 4096, 0, &handle), ALLOCATOR_OK);
    assert_pages(pool, 2);
    hooks()->destroy(pool);
}

static void test_three_objects_share_a_page(void **unused)
{
    (void)unused;
    void *pool = create(false);
    alloc(pool, 20, 0);
    alloc(pool, 21, 0);
    alloc(pool, 21, 0);
    assert_pages(pool, 1);
    alloc(pool, 1, 0);
    assert_pages(pool, 2);
    hooks()->destroy(pool);
}

/* A lone object moves into another page with room; its handle stays good. */
static void test_lone_object_moves(void **unused)
{
    (void)unused;
    void *pool = create(false);
    uint32_t first = alloc(pool, 31, 0), moves = alloc(pool, 31, 0);
    uint32_t other = alloc(pool, 30, 0);
    assert_pages(pool, 2);
    hooks()->free(pool, first);
    assert_pages(pool, 1);
    hooks()->free(pool, other);
    assert_pages(pool, 1);
    hooks()->free(pool, moves);
    assert_pages(pool, 0);
    hooks()->destroy(pool);
}

/* Objects are A first, B last, C middle behind A.  Without A, C moves to B's side
 * when the two gaps differ by at least 3 chunks, and the gap before it is whole. */
static void test_middle_moves_for_three_chunks(void **unused)
{
    (void)unused;
    for (uint32_t gap = 2; gap <= 3; gap++) {
        void *pool = create(false);
        uint32_t first = alloc(pool, 20, 0);
        alloc(pool, 20, 0);
        alloc(pool, 22 - gap, 0);
        hooks()->free(pool, first);
        alloc(pool, 21, 0); /* fits only once the gap has joined A's room */
        assert_pages(pool, gap == 3 ? 1 : 2);
        hooks()->destroy(pool);
    }
}

static void test_room_behind_the_middle(void **unused)
{
    (void)unused;
    void *pool = create(false);
    alloc(pool, 20, 0);
    uint32_t last = alloc(pool, 20, 0);
    alloc(pool, 20, 0);
    hooks()->free(pool, last);
    alloc(pool, 22, 0);
    assert_pages(pool, 1);
    hooks()->destroy(pool);
}

/* An object that was moved once is not moved again, though another page has room. */
static void test_foreign_object_stays(void **unused)
{
    (void)unused;
    void *pool = create(false);
    uint32_t host = alloc(pool, 30, 0), leaves = alloc(pool, 33, 0);
    alloc(pool, 29, 0);
    hooks()->free(pool, leaves);
    assert_pages(pool, 1);
    alloc(pool, 20, 0);
    hooks()->free(pool, host);
    assert_pages(pool, 2);
    hooks()->destroy(pool);
}

static void test_middle_becomes_first(void **unused)
{
    (void)unused;
    void *pool = create(false);
    uint32_t first = alloc(pool, 20, 0), last = alloc(pool, 20, 0);
    uint32_t middle = alloc(pool, 20, 0);
    hooks()->free(pool, first);
    hooks()->free(pool, last);
    assert_pages(pool, 1);
    alloc(pool, 42, 0); /* 62 - 20: all that is left in one piece */
    assert_pages(pool, 1);
    hooks()->free(pool, middle);
    assert_pages(pool, 1);
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

/* Middle, first, last. */
static void test_eviction_order(void **unused)
{
    (void)unused;
    void *pool = create(true);
    struct evictions evictions = {.pool = pool, .refuse = 5};
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_CANNOT_SHRINK);
    for (uint32_t owner = 1; owner <= 6; owner++) /* first, last, middle of two pages */
        alloc(pool, 20, owner);
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_SHRUNK);
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_NOTHING_FREED);
    /* 6 and 4 are evicted, 5 refuses, and refuses seven times more */
    static const uint32_t expected[] = {3, 1, 2, 6, 4, 5, 5, 5, 5, 5, 5, 5, 5};
    assert_int_equal(evictions.count, 13);
    assert_memory_equal(evictions.owners, expected, sizeof(expected));
    assert_pages(pool, 1);
    hooks()->destroy(pool);
}

/* A page that took in a foreign object is no victim, however old. */
static void test_foreign_object_blocks_eviction(void **unused)
{
    (void)unused;
    void *pool = create(true);
    struct evictions evictions = {.pool = pool};
    alloc(pool, 30, 1);
    uint32_t second = alloc(pool, 33, 2);
    uint32_t third = alloc(pool, 29, 3); /* joins 2, which is the tighter fit */
    assert_pages(pool, 2);
    hooks()->free(pool, second); /* 3 moves to 1's page */
    assert_pages(pool, 1);
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_NOTHING_FREED);
    assert_int_equal(evictions.count, 0);
    hooks()->free(pool, third);
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_SHRUNK);
    assert_int_equal(evictions.owners[0], 1);
    assert_pages(pool, 0);
    hooks()->destroy(pool);
}

static void test_pages_of_a_real_kernel(void **unused)
{
    (void)unused;
    unsigned cases;
    assert_int_equal(density_replay_all(&z3fold_policy, NULL, NULL, &cases), 0);
    assert_int_equal(cases, 30);
}

static void test_workout(void **unused)
{
    (void)unused;
    static struct workout workout;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_null(workout_run(&workout, &z3fold_policy, NULL, true, seed));
        assert_true(workout.evicted > 50);
        assert_null(workout_run(&workout, &z3fold_policy, NULL, false, seed));
        assert_int_equal(workout.evicted, 0);
    }
}

/* Every page holds 1..3 objects or one headless one, and their chunks fit. */
static void test_pages_within_bounds(void **unused)
{
    (void)unused;
    enum { OBJECTS = 3000, STEPS = 60000 };
    static uint32_t handles[OBJECTS], chunks_of[OBJECTS];
    void *pool = create(false);
    uint64_t random = 11, live = 0, headless = 0, chunks = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t owner = (uint32_t)random_below(&random, OBJECTS);
        uint32_t size = (uint32_t)random_below(&random, 4096) + 1;
        bool stored = handles[owner] != 0;
        if (!stored) {
            assert_int_equal(hooks()->alloc(pool, size, owner, &handles[owner]), ALLOCATOR_OK);
            chunks_of[owner] = size > 3904 ? 0 : (size + 63) / 64;
        }
        live = stored ? live - 1 : live + 1;
        chunks = stored ? chunks - chunks_of[owner] : chunks + chunks_of[owner];
        if (!chunks_of[owner])
            headless = stored ? headless - 1 : headless + 1;
        if (stored) {
            hooks()->free(pool, handles[owner]);
            handles[owner] = 0;
        }
        uint64_t pages = hooks()->total_pages(pool), small = live - headless;
        assert_true(pages >= headless + (small + 2) / 3);
        assert_true(pages >= headless + (chunks + 61) / 62);
        assert_true(pages <= live);
    }
    assert_null(hooks()->check(pool));
    hooks()->destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_three_objects_share_a_page),
        cmocka_unit_test(test_lone_object_moves),
        cmocka_unit_test(test_middle_moves_for_three_chunks),
        cmocka_unit_test(test_room_behind_the_middle),
        cmocka_unit_test(test_foreign_object_stays),
        cmocka_unit_test(test_middle_becomes_first),
        cmocka_unit_test(test_eviction_order),
        cmocka_unit_test(test_foreign_object_blocks_eviction),
        cmocka_unit_test(test_pages_of_a_real_kernel),
        cmocka_unit_test(test_workout),
        cmocka_unit_test(test_pages_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

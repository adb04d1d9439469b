/* zsmalloc: the class table, the zspage that is filled next, victims, and the pool
 * pages of real kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/allocator/policies.h"
#include "policies/allocator/zsmalloc.h"
#include "tests/truth/density/kernel_6_18.h"
#include "tests/truth/density/replay.h"
#include "tests/truth/density/workout.h"

/* A parameter block, whatever the policy keeps in it. */
struct params {
    uint64_t words[8];
};

static struct params era(const char *chain_size, const char *class_selection, const char *fullness)
{
    const char *const settings[][2] = {
        {"chain_size", chain_size}, {"class_selection", class_selection}, {"fullness", fullness}};
    const struct param_table *table = &zsmalloc_policy.params;
    struct params params;
    char expected[128];
    assert_true(table->struct_bytes <= sizeof(params));
    params_set_defaults(table, &params);
    for (size_t i = 0; i < 3; i++)
        for (size_t row = 0; row < table->count; row++)
            if (!strcmp(table->rows[row].name, settings[i][0]))
                assert_true(params_set(&table->rows[row], &params, settings[i][1], expected,
                                       sizeof(expected)));
    return params;
}

static struct params era_6_1(void)
{
    return era("4", "most_used", "four_groups");
}

static struct params era_6_12(void)
{
    return era("8", "least_waste", "ten_percent_groups");
}

static const struct allocator_hooks *hooks(void)
{
    return zsmalloc_policy.hooks;
}

static void *create(struct params params, bool evicts)
{
    return hooks()->create(&(struct allocator_setup){&params, evicts});
}

static uint32_t alloc(void *pool, uint32_t size, uint32_t owner)
{
    uint32_t handle = 0;
    assert_int_equal(hooks()->alloc(pool, size, owner, &handle), ALLOCATOR_OK);
    assert_int_not_equal(handle, 0);
    return handle;
}

static void assert_pages(void *pool, uint64_t pages)
{
    assert_int_equal(hooks()->total_pages(pool), pages);
    assert_null(hooks()->check(pool));
}

/* ---- classes -------------------------------------------------------------- */

static void test_class_counts(void **unused)
{
    (void)unused;
    static const struct {
        const char *chain, *selection;
        uint32_t classes, least_huge;
    } rows[] = {{"4", "most_used", 69, 3257},
                {"4", "least_waste", 69, 3257},
                {"8", "least_waste", 119, 3625},
                {"16", "least_waste", 192, 3833}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        void *pool = create(era(rows[i].chain, rows[i].selection, "ten_percent_groups"), false);
        assert_int_equal(zsmalloc_class_count(pool), rows[i].classes);
        assert_int_not_equal(zsmalloc_class_of_size(pool, rows[i].least_huge - 1).size, 4096);
        assert_int_equal(zsmalloc_class_of_size(pool, rows[i].least_huge).size, 4096);
        hooks()->destroy(pool);
    }
}

struct expected_class {
    uint32_t request, size, pages, objects;
};

static void assert_classes(struct params params, const struct expected_class *rows, size_t count)
{
    void *pool = create(params, false);
    for (size_t i = 0; i < count; i++) {
        struct zsmalloc_class class = zsmalloc_class_of_size(pool, rows[i].request);
        assert_int_equal(class.size, rows[i].size);
        assert_int_equal(class.pages, rows[i].pages);
        assert_int_equal(class.objects, rows[i].objects);
    }
    hooks()->destroy(pool);
}

static void test_classes_of_chain_8(void **unused)
{
    (void)unused;
    static const struct expected_class rows[] = {
        {1, 32, 1, 128},     {24, 32, 1, 128},    {25, 48, 3, 256},    {100, 112, 7, 256},
        {512, 528, 4, 31},   {1000, 1024, 1, 4},  {1024, 1056, 8, 31}, {1360, 1424, 8, 23},
        {2040, 2048, 1, 2},  {2041, 2176, 8, 15}, {2048, 2176, 8, 15}, {2720, 2864, 7, 10},
        {3256, 3264, 4, 5},  {3257, 3408, 5, 6},  {3624, 3632, 8, 9},  {3625, 4096, 1, 1},
        {4096, 4096, 1, 1},  {3576, 3584, 7, 8},  {3496, 3504, 6, 7},  {3400, 3408, 5, 6},
        {3176, 3184, 7, 9},  {3064, 3072, 3, 4},  {2968, 2976, 8, 11}, {2904, 2912, 5, 7},
        {2856, 2864, 7, 10}, {2712, 2720, 2, 3},  {2584, 2592, 7, 11}, {2552, 2560, 5, 8},
        {2504, 2512, 8, 13}, {2440, 2448, 3, 5},  {2376, 2384, 7, 12}, {2328, 2336, 4, 7},
        {2264, 2272, 5, 9},  {2216, 2224, 6, 11}, {2184, 2192, 7, 13}, {2168, 2176, 8, 15},
        {1912, 1920, 8, 17}, {1896, 1904, 7, 15}, {1880, 1888, 6, 13}, {1848, 1856, 5, 11},
        {1800, 1808, 4, 9},  {1784, 1792, 7, 16}, {1736, 1744, 3, 7},  {1704, 1712, 8, 19},
        {1688, 1696, 5, 12}, {1672, 1680, 7, 17}, {1624, 1632, 2, 5},  {1576, 1584, 7, 18},
        {1560, 1568, 5, 13}, {1544, 1552, 8, 21}, {1528, 1536, 3, 8},  {1496, 1504, 7, 19},
        {1480, 1488, 4, 11}, {1448, 1456, 5, 14}, {1432, 1440, 6, 17}, {1416, 1424, 8, 23},
        {1352, 1360, 1, 3},  {1288, 1296, 7, 22}, {1272, 1280, 5, 16}, {1240, 1248, 4, 13},
        {1016, 1024, 1, 4},  {504, 512, 1, 8},    {248, 256, 1, 16},   {120, 128, 1, 32},
        {56, 64, 1, 64},
    };
    assert_classes(era_6_12(), rows, sizeof(rows) / sizeof(*rows));
}

static void test_classes_up_to_6_2(void **unused)
{
    (void)unused;
    static const struct expected_class rows[] = {
        {1, 32, 1, 128},    {24, 32, 1, 128},   {25, 48, 3, 256},    {100, 112, 2, 73},
        {512, 528, 4, 31},  {1000, 1024, 1, 4}, {1024, 1088, 4, 15}, {1360, 1488, 4, 11},
        {2040, 2048, 1, 2}, {2041, 2336, 4, 7}, {2048, 2336, 4, 7},  {2720, 3072, 3, 4},
        {3256, 3264, 4, 5}, {3257, 4096, 1, 1}, {3624, 4096, 1, 1},  {4096, 4096, 1, 1},
        {2712, 2720, 2, 3}, {2440, 2448, 3, 5},
    };
    assert_classes(era_6_1(), rows, sizeof(rows) / sizeof(*rows));
}

static void test_refused_sizes(void **unused)
{
    (void)unused;
    void *pool = create(era_6_12(), false);
    uint32_t handle;
    assert_int_equal(hooks()->alloc(pool, 4097, 0, &handle), ALLOCATOR_TOO_LARGE);
    assert_int_equal(hooks()->alloc(pool, 0, 0, &handle), ALLOCATOR_TOO_LARGE);
    assert_pages(pool, 0);
    hooks()->free(pool, alloc(pool, 4096, 0));
    assert_pages(pool, 0);
    hooks()->destroy(pool);
}

static void test_locks(void **unused)
{
    (void)unused;
    struct params params = era_6_12();
    void *pool = create(params, false);
    uint32_t small = alloc(pool, 100, 0), large = alloc(pool, 4096, 0);
    assert_int_equal(hooks()->locks(pool), 255);
    assert_int_equal(hooks()->lock_of(pool, small), (112 - 32) / 16);
    assert_int_equal(hooks()->lock_of(pool, large), 254);
    assert_int_equal(zsmalloc_class_of_size(pool, 100).index, (112 - 32) / 16);
    hooks()->destroy(pool);

    char expected[128];
    for (size_t row = 0; row < zsmalloc_policy.params.count; row++)
        if (!strcmp(zsmalloc_policy.params.rows[row].name, "locks"))
            assert_true(params_set(&zsmalloc_policy.params.rows[row], &params, "pool", expected,
                                   sizeof(expected)));
    pool = create(params, false);
    assert_int_equal(hooks()->locks(pool), 1);
    assert_int_equal(hooks()->lock_of(pool, alloc(pool, 4096, 0)), 0);
    hooks()->destroy(pool);
}

/* ---- real kernels --------------------------------------------------------- */

static void test_pages_of_6_1_and_6_12(void **unused)
{
    (void)unused;
    unsigned cases;
    struct params params = era_6_1();
    assert_int_equal(density_replay_all(&zsmalloc_policy, "6.1", &params, &cases), 0);
    assert_int_equal(cases, 30);
    params = era_6_12();
    assert_int_equal(density_replay_all(&zsmalloc_policy, "6.12", &params, &cases), 0);
    assert_int_equal(cases, 30);
}

static uint64_t population_pages(const struct population *population)
{
    void *pool = create(era_6_12(), false);
    char *text = (char *)(uintptr_t)population->lengths;
    uint64_t stored = 0;
    while (*text) {
        uint32_t length = (uint32_t)strtoul(text, &text, 10);
        uint32_t count = (uint32_t)strtoul(text + 1, &text, 10);
        text += strspn(text, " ");
        for (uint32_t i = 0; i < count; i++, stored++)
            alloc(pool, length, 0);
    }
    assert_int_equal(stored, population->stored);
    uint64_t pages = hooks()->total_pages(pool);
    hooks()->destroy(pool);
    return pages;
}

static void test_pages_of_6_18(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(populations) / sizeof(*populations); i++)
        assert_int_equal(population_pages(&populations[i]), populations[i].pool_pages);
}

/* ---- which zspage is filled next ------------------------------------------ */

/* The fullness lists as plain arrays, head first. */
enum { PLAIN_OBJECTS = 4000, PLAIN_GROUPS = 12 };

struct plain_zspage {
    uint32_t class, inuse, objects, pages, group;
};

struct plain {
    bool four_groups;
    struct plain_zspage zspages[PLAIN_OBJECTS * 4];
    uint32_t count;
    uint32_t lists[255][PLAIN_GROUPS][PLAIN_OBJECTS], lengths[255][PLAIN_GROUPS];
    uint32_t zspage_of[PLAIN_OBJECTS];
    uint64_t pages;
};

static uint32_t plain_group(const struct plain *plain, const struct plain_zspage *zspage)
{
    if (!zspage->inuse)
        return 0;
    if (zspage->inuse == zspage->objects)
        return 11;
    if (!plain->four_groups)
        return 100 * zspage->inuse / zspage->objects / 10 + 1;
    return zspage->inuse > 3 * zspage->objects / 4 ? 2 : 1;
}

static void plain_insert(struct plain *plain, uint32_t index)
{
    const struct plain_zspage *zspage = &plain->zspages[index];
    uint32_t *list = plain->lists[zspage->class][zspage->group];
    uint32_t *length = &plain->lengths[zspage->class][zspage->group], at = 0;
    if (plain->four_groups && *length && zspage->inuse < plain->zspages[list[0]].inuse)
        at = 1;
    memmove(list + at + 1, list + at, (*length - at) * sizeof(*list));
    list[at] = index;
    ++*length;
}

static void plain_remove(struct plain *plain, uint32_t index)
{
    const struct plain_zspage *zspage = &plain->zspages[index];
    uint32_t *list = plain->lists[zspage->class][zspage->group];
    uint32_t *length = &plain->lengths[zspage->class][zspage->group], at = 0;
    while (list[at] != index)
        at++;
    --*length;
    memmove(list + at, list + at + 1, (*length - at) * sizeof(*list));
}

static void plain_regroup(struct plain *plain, uint32_t index)
{
    struct plain_zspage *zspage = &plain->zspages[index];
    uint32_t group = plain_group(plain, zspage);
    if (group == zspage->group)
        return;
    if (zspage->group)
        plain_remove(plain, index);
    zspage->group = group;
    if (group)
        plain_insert(plain, index);
    else
        plain->pages -= zspage->pages;
}

static void plain_alloc(struct plain *plain, uint32_t owner, struct zsmalloc_class class)
{
    uint32_t index = UINT32_MAX;
    for (uint32_t group = 10; group > 0 && index == UINT32_MAX; group--)
        if (plain->lengths[class.index][group])
            index = plain->lists[class.index][group][0];
    if (index == UINT32_MAX) {
        index = plain->count++ % (PLAIN_OBJECTS * 4);
        assert_int_equal(plain->zspages[index].inuse, 0);
        plain->zspages[index] =
            (struct plain_zspage){class.index, 0, class.objects, class.pages, 0};
        plain->pages += class.pages;
    }
    plain->zspages[index].inuse++;
    plain->zspage_of[owner] = index;
    plain_regroup(plain, index);
}

static void plain_run(struct params params, bool four_groups, bool evicts, uint64_t random)
{
    static uint32_t handles[PLAIN_OBJECTS];
    struct plain *plain = calloc(1, sizeof(*plain));
    plain->four_groups = four_groups;
    memset(handles, 0, sizeof(handles));
    void *pool = create(params, evicts);
    for (uint32_t step = 0; step < 60000; step++) {
        /* the population swings, so that zspages come and go */
        uint32_t owner = (uint32_t)random_below(&random, PLAIN_OBJECTS);
        bool unwanted = (handles[owner] != 0) == (step / 6000 % 2 == 0);
        if (unwanted && random_below(&random, 3) != 0)
            continue;
        if (handles[owner]) {
            hooks()->free(pool, handles[owner]);
            handles[owner] = 0;
            plain->zspages[plain->zspage_of[owner]].inuse--;
            plain_regroup(plain, plain->zspage_of[owner]);
        } else {
            /* four classes with long lists, and now and then any other */
            static const uint32_t sizes[] = {200, 520, 1100, 2720};
            uint64_t kind = random_below(&random, 5);
            uint32_t size = kind < 4 ? sizes[kind] : (uint32_t)random_below(&random, 4096) + 1;
            handles[owner] = alloc(pool, size, owner);
            plain_alloc(plain, owner, zsmalloc_class_of_size(pool, size));
        }
        assert_int_equal(hooks()->total_pages(pool), plain->pages);
    }
    assert_null(hooks()->check(pool));
    hooks()->destroy(pool);
    free(plain);
}

static void test_pages_equal_plain_model(void **unused)
{
    (void)unused;
    plain_run(era_6_1(), true, false, 3);
    plain_run(era("8", "least_waste", "four_groups"), true, true, 4);
    plain_run(era_6_12(), false, false, 5);
    plain_run(era("16", "least_waste", "ten_percent_groups"), false, true, 6);
}

/* ---- writeback ------------------------------------------------------------ */

struct evictions {
    void *pool;
    uint32_t owners[64], count;
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

/* Class 1360 has three objects in one page. */
static void test_eviction_order(void **unused)
{
    (void)unused;
    void *pool = create(era("8", "least_waste", "four_groups"), true);
    struct evictions evictions = {.pool = pool};
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_CANNOT_SHRINK);
    uint32_t handles[7];
    for (uint32_t owner = 1; owner <= 6; owner++)
        handles[owner] = alloc(pool, 1352, owner);
    /* free positions 0 and 1 of the first zspage; the last freed is taken first */
    hooks()->free(pool, handles[1]);
    hooks()->free(pool, handles[2]);
    alloc(pool, 1352, 11);
    alloc(pool, 1352, 12);
    /* the first zspage was allocated from last, so 4 5 6 are the oldest */
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_SHRUNK);
    assert_pages(pool, 1);
    evictions.refuse = 3;
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_NOTHING_FREED);
    assert_pages(pool, 1);
    static const uint32_t expected[] = {4, 5, 6, 12, 11, 3, 3, 3, 3, 3, 3, 3, 3};
    assert_int_equal(evictions.count, 13);
    assert_memory_equal(evictions.owners, expected, sizeof(expected));
    /* after a failure free positions are handed out in ascending order */
    alloc(pool, 1352, 21);
    alloc(pool, 1352, 22);
    evictions.count = 0;
    assert_int_equal(hooks()->shrink(pool, record_eviction, &evictions), ALLOCATOR_NOTHING_FREED);
    assert_int_equal(evictions.owners[0], 21);
    assert_int_equal(evictions.owners[1], 22);
    hooks()->destroy(pool);
}

static bool evict_4_and_5(void *context, uint32_t owner, uint32_t handle)
{
    if (owner != 4 && owner != 5)
        return false;
    hooks()->free(context, handle);
    return true;
}

/* Up to 6.3 a zspage that comes back with fewer objects than the head of its list goes
 * behind it, so the next object does not go there. */
static void test_fuller_zspage_stays_head(void **unused)
{
    (void)unused;
    void *pool = create(era("8", "least_waste", "four_groups"), true);
    uint32_t handles[7];
    for (uint32_t owner = 1; owner <= 6; owner++) /* zspages (1 2 3) and (4 5 6) */
        handles[owner] = alloc(pool, 1352, owner);
    hooks()->free(pool, handles[1]);
    /* victims in turn: 2 refuses; 4 and 5 leave, 6 refuses; 2 refuses; 6 refuses ... */
    assert_int_equal(hooks()->shrink(pool, evict_4_and_5, pool), ALLOCATOR_NOTHING_FREED);
    alloc(pool, 1352, 9);
    hooks()->free(pool, handles[6]);
    assert_pages(pool, 1);
    hooks()->destroy(pool);
}

static void test_no_eviction_without_lru(void **unused)
{
    (void)unused;
    void *pool = create(era_6_12(), false);
    alloc(pool, 100, 0);
    assert_int_equal(hooks()->shrink(pool, record_eviction, NULL), ALLOCATOR_CANNOT_SHRINK);
    hooks()->destroy(pool);
}

/* ---- anything ------------------------------------------------------------- */

static void test_workout(void **unused)
{
    (void)unused;
    static struct workout workout;
    const struct params eras[] = {era_6_1(), era_6_12(), era("8", "least_waste", "four_groups"),
                                  era("1", "least_waste", "ten_percent_groups")};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        const struct params *params = &eras[seed - 1];
        assert_null(workout_run(&workout, &zsmalloc_policy, params, true, seed));
        assert_true(workout.evicted > 50);
        assert_null(workout_run(&workout, &zsmalloc_policy, params, false, seed));
        assert_int_equal(workout.evicted, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class_counts),
        cmocka_unit_test(test_classes_of_chain_8),
        cmocka_unit_test(test_classes_up_to_6_2),
        cmocka_unit_test(test_refused_sizes),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_pages_of_6_1_and_6_12),
        cmocka_unit_test(test_pages_of_6_18),
        cmocka_unit_test(test_pages_equal_plain_model),
        cmocka_unit_test(test_eviction_order),
        cmocka_unit_test(test_fuller_zspage_stays_head),
        cmocka_unit_test(test_no_eviction_without_lru),
        cmocka_unit_test(test_workout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

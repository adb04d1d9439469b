/* Which device a page's slot is on: priorities, turns, room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/swap/slots.h"

enum { PAGES = 4096 };

static uint32_t device_taken(struct slot_map *map, uint32_t cpu, uint32_t page)
{
    uint32_t slot = slot_map_take(map, cpu, page);
    return slot == NO_SLOT ? UINT32_MAX : slot_map_device(map, slot);
}

static void test_higher_priority_is_filled_first(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {{3, 0}, {4, 10}, {2, 5}};
    static const uint32_t expected[] = {1, 1, 1, 1, 2, 2, 0, 0, 0};
    struct slot_map map;
    slot_map_init(&map, PAGES, 1, devices, 3, 1);
    for (uint32_t page = 0; page < 9; page++)
        assert_int_equal(device_taken(&map, 0, page), expected[page]);
    assert_int_equal(slot_map_take(&map, 0, 9), NO_SLOT);
    /* A slot that comes free above is the next one taken. */
    slot_map_free(&map, 2);
    assert_int_equal(device_taken(&map, 0, 9), 1);
    assert_int_equal(slot_map_offset(&map, map.slot_of_page[9]), 3);
    slot_map_free(&map, 7);
    slot_map_free(&map, 4);
    assert_int_equal(device_taken(&map, 0, 10), 2);
    assert_int_equal(device_taken(&map, 0, 11), 0);
    slot_map_release(&map);
}

static void test_equal_priorities_take_turns(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {{1000, 1}, {1000, 1}, {1000, 0}};
    struct slot_map map;
    slot_map_init(&map, PAGES, 1, devices, 3, 64);
    for (uint32_t page = 0; page < 640; page++)
        assert_int_equal(device_taken(&map, 0, page), page / 64 % 2);
    /* When one is full the other goes on, and then the one below. */
    for (uint32_t page = 640; page < 2000; page++)
        assert_in_range(device_taken(&map, 0, page), 0, 1);
    assert_int_equal(map.areas[0].used, 1000);
    assert_int_equal(map.areas[1].used, 1000);
    assert_int_equal(device_taken(&map, 0, 2000), 2);
    slot_map_release(&map);
}

static void test_a_turn_is_a_processors_own(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {{10000, 0}, {10000, 0}};
    struct slot_map map;
    slot_map_init(&map, PAGES, 3, devices, 2, CLUSTER_SLOTS);
    for (uint32_t page = 0; page < 300; page++)
        assert_int_equal(device_taken(&map, page % 3, page), page % 3 == 1);
    /* Each fills a cluster of its own: slots of one processor follow one another. */
    for (uint32_t page = 3; page < 300; page++)
        assert_int_equal(map.slot_of_page[page], map.slot_of_page[page - 3] + 1);
    slot_map_release(&map);
}

static void test_a_turn_goes_on_below_while_slots_come_free_above(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {{2, 1}, {100, 0}};
    struct slot_map map;
    slot_map_init(&map, PAGES, 1, devices, 2, 4);
    static const uint32_t expected[] = {0, 0, 1};
    for (uint32_t page = 0; page < 3; page++)
        assert_int_equal(device_taken(&map, 0, page), expected[page]);
    slot_map_free(&map, 0);
    for (uint32_t page = 3; page < 6; page++)
        assert_int_equal(device_taken(&map, 0, page), 1);
    assert_int_equal(device_taken(&map, 0, 6), 0);
    slot_map_release(&map);
}

/* The first slot of a device is its header; the last one is in the last cluster. */
static void test_every_slot_is_given_once(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {{513, 0}, {511, 0}, {512, 0}};
    struct slot_map map;
    bool seen[3][CLUSTER_SLOTS * 2] = {{false}};
    slot_map_init(&map, PAGES, 2, devices, 3, 64);
    for (uint32_t page = 0; page < 513 + 511 + 512; page++) {
        uint32_t slot = slot_map_take(&map, page % 2, page);
        assert_int_not_equal(slot, NO_SLOT);
        uint32_t device = slot_map_device(&map, slot), offset = slot_map_offset(&map, slot);
        assert_in_range(offset, 1, devices[device].slots);
        assert_false(seen[device][offset]);
        seen[device][offset] = true;
    }
    assert_int_equal(slot_map_take(&map, 0, 2000), NO_SLOT);
    slot_map_release(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_higher_priority_is_filled_first),
        cmocka_unit_test(test_equal_priorities_take_turns),
        cmocka_unit_test(test_a_turn_is_a_processors_own),
        cmocka_unit_test(test_a_turn_goes_on_below_while_slots_come_free_above),
        cmocka_unit_test(test_every_slot_is_given_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

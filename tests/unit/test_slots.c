/* Which device a page's slot is on: priorities, turns, room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/swap/slots.h"

enum { PAGES = 4096 };

/* Of one map at a time. */
static struct page_cold *fresh_pages(void)
{
    static struct page_cold cold[PAGES];
    memset(cold, 0, sizeof(cold));
    return cold;
}

static uint32_t device_taken(struct slot_map *map, uint32_t cpu, uint32_t page)
{
    uint32_t slot = slot_map_take(map, cpu, page);
    return slot == NO_SLOT ? UINT32_MAX : slot_map_device(map, slot);
}

static void test_higher_priority_is_filled_first(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {
        {.slots = 3, .priority = 0}, {.slots = 4, .priority = 10}, {.slots = 2, .priority = 5}};
    static const uint32_t expected[] = {1, 1, 1, 1, 2, 2, 0, 0, 0};
    struct slot_map map;
    slot_map_init(&map, fresh_pages(), 1, devices, 3, 1, CLUSTER_FREE);
    for (uint32_t page = 0; page < 9; page++)
        assert_int_equal(device_taken(&map, 0, page), expected[page]);
    assert_int_equal(slot_map_take(&map, 0, 9), NO_SLOT);
    /* A slot that comes free above is the next one taken. */
    slot_map_free(&map, 2);
    assert_int_equal(device_taken(&map, 0, 9), 1);
    assert_int_equal(slot_map_offset(&map, map.cold[9].slot), 3);
    slot_map_free(&map, 7);
    slot_map_free(&map, 4);
    assert_int_equal(device_taken(&map, 0, 10), 2);
    assert_int_equal(device_taken(&map, 0, 11), 0);
    slot_map_release(&map);
}

static void test_equal_priorities_take_turns(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {{.slots = 1000, .priority = 1},
                                                 {.slots = 1000, .priority = 1},
                                                 {.slots = 1000, .priority = 0}};
    struct slot_map map;
    slot_map_init(&map, fresh_pages(), 1, devices, 3, 64, CLUSTER_FREE);
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
    static const struct slot_device devices[] = {{.slots = 10000, .priority = 0},
                                                 {.slots = 10000, .priority = 0}};
    struct slot_map map;
    slot_map_init(&map, fresh_pages(), 3, devices, 2, CLUSTER_SLOTS, CLUSTER_FREE);
    for (uint32_t page = 0; page < 300; page++)
        assert_int_equal(device_taken(&map, page % 3, page), page % 3 == 1);
    /* Each fills a cluster of its own: slots of one processor follow one another. */
    for (uint32_t page = 3; page < 300; page++)
        assert_int_equal(map.cold[page].slot, map.cold[page - 3].slot + 1);
    slot_map_release(&map);
}

static void test_a_turn_goes_on_below_while_slots_come_free_above(void **state)
{
    (void)state;
    static const struct slot_device devices[] = {{.slots = 2, .priority = 1},
                                                 {.slots = 100, .priority = 0}};
    struct slot_map map;
    slot_map_init(&map, fresh_pages(), 1, devices, 2, 4, CLUSTER_FREE);
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
static void every_slot_is_given_once(enum cluster_order order)
{
    static const struct slot_device devices[] = {{.slots = 513, .priority = 0},
                                                 {.slots = 511, .priority = 0},
                                                 {.slots = 512, .priority = 0}};
    struct slot_map map;
    bool seen[3][CLUSTER_SLOTS * 2] = {{false}};
    slot_map_init(&map, fresh_pages(), 2, devices, 3, 64, order);
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

static void test_every_slot_is_given_once(void **state)
{
    (void)state;
    every_slot_is_given_once(CLUSTER_FREE);
    every_slot_is_given_once(CLUSTER_FREE_NONFULL);
    every_slot_is_given_once(CLUSTER_NONFULL_FREE);
}

/* Eight clusters of one device, the header in the first, with slots for so many pages taken. */
static struct slot_map filled(enum cluster_order order, uint32_t pages)
{
    static const struct slot_device device = {.slots = 8 * CLUSTER_SLOTS - 1, .priority = 0};
    struct slot_map map;
    slot_map_init(&map, fresh_pages(), 1, &device, 1, CLUSTER_SLOTS, order);
    for (uint32_t page = 0; page < pages; page++)
        assert_int_not_equal(slot_map_take(&map, 0, page), NO_SLOT);
    return map;
}

/* From 6.18: holes before new clusters, the cluster first that had its hole first. */
static void test_clusters_with_holes_come_first(void **state)
{
    (void)state;
    /* 511 slots behind the header, two whole clusters, the first slot of a third. */
    struct slot_map map = filled(CLUSTER_NONFULL_FREE, 511 + 2 * CLUSTER_SLOTS + 1);
    assert_int_equal(map.cold[0].slot, 1);
    slot_map_free(&map, 511 + CLUSTER_SLOTS + 7); /* the third cluster */
    slot_map_free(&map, 4);
    slot_map_free(&map, 3);                         /* the first */
    for (uint32_t page = 2000; page < 2511; page++) /* the rest of the one that is being filled */
        assert_int_equal(slot_map_take(&map, 0, page), 3 * CLUSTER_SLOTS + 1 + page - 2000);
    assert_int_equal(slot_map_take(&map, 0, 3000), 2 * CLUSTER_SLOTS + 7);
    assert_int_equal(slot_map_take(&map, 0, 3001), 4);
    assert_int_equal(slot_map_take(&map, 0, 3002), 5);
    assert_int_equal(slot_map_take(&map, 0, 3003), 4 * CLUSTER_SLOTS);
    slot_map_release(&map);
}

/* 6.12 to 6.17: new clusters first; that of the header is not one of them. */
static void test_free_clusters_come_first(void **state)
{
    (void)state;
    struct slot_map map = filled(CLUSTER_FREE_NONFULL, 7 * CLUSTER_SLOTS);
    assert_int_equal(map.cold[0].slot, CLUSTER_SLOTS);
    slot_map_free(&map, 9);
    /* The first cluster has been on the list of those with room from the start. */
    for (uint32_t page = 3584; page < 3584 + 511; page++)
        assert_int_equal(slot_map_take(&map, 0, page), 1 + page - 3584);
    slot_map_free(&map, 3584 + 500);
    assert_int_equal(slot_map_take(&map, 0, 4095), CLUSTER_SLOTS + 9);
    assert_int_equal(slot_map_take(&map, 0, 9), 501);
    slot_map_release(&map);
}

/* Holes behind the place where slots are looked for are passed over until another slot of the
 * cluster is given back; then a list has the cluster again. */
static void test_a_cluster_that_was_searched_to_its_end_is_the_last(void **state)
{
    (void)state;
    struct slot_map map = filled(CLUSTER_NONFULL_FREE, 511 + CLUSTER_SLOTS);
    slot_map_free(&map, 9);
    slot_map_free(&map, 19);
    slot_map_free(&map, 99);
    assert_int_equal(slot_map_take(&map, 0, 3000), 10);
    assert_int_equal(slot_map_take(&map, 0, 3001), 20);
    slot_map_free(&map, 3000);
    assert_int_equal(slot_map_take(&map, 0, 3002), 100);
    slot_map_free(&map, 3001);
    /* Slots 10 and 20 are free, but the search goes on from 101. */
    assert_int_equal(slot_map_take(&map, 0, 3003), 2 * CLUSTER_SLOTS);
    slot_map_free(&map, 3002);
    for (uint32_t page = 2000; page < 2511; page++)
        assert_int_equal(slot_map_take(&map, 0, page), 2 * CLUSTER_SLOTS + 1 + page - 2000);
    assert_int_equal(slot_map_take(&map, 0, 3004), 10);
    slot_map_release(&map);
}

/* A slot that comes free ahead of the place in a cluster that is full meanwhile has to wait for
 * the turn of its cluster. */
static void test_a_full_cluster_is_left(void **state)
{
    (void)state;
    struct slot_map map = filled(CLUSTER_NONFULL_FREE, 511 + CLUSTER_SLOTS);
    slot_map_free(&map, 9);
    slot_map_free(&map, 511 + 7); /* the second cluster */
    assert_int_equal(slot_map_take(&map, 0, 3000), 10);
    slot_map_free(&map, 49);
    assert_int_equal(slot_map_take(&map, 0, 3001), CLUSTER_SLOTS + 7);
    assert_int_equal(slot_map_take(&map, 0, 3002), 50);
    slot_map_release(&map);
}

static void test_processors_share_a_rotating_disks_cluster(void **state)
{
    (void)state;
    static const struct slot_device device = {.slots = 8 * CLUSTER_SLOTS - 1, .rotational = true};
    static const enum cluster_order orders[] = {CLUSTER_FREE_NONFULL, CLUSTER_NONFULL_FREE};
    struct slot_map map;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        slot_map_init(&map, fresh_pages(), 2, &device, 1, CLUSTER_SLOTS, orders[i]);
        uint32_t first = slot_map_take(&map, 0, 0);
        assert_int_equal(slot_map_take(&map, 1, 1), first + 1);
        assert_int_equal(slot_map_take(&map, 0, 2), first + 2);
        slot_map_release(&map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_higher_priority_is_filled_first),
        cmocka_unit_test(test_equal_priorities_take_turns),
        cmocka_unit_test(test_a_turn_is_a_processors_own),
        cmocka_unit_test(test_a_turn_goes_on_below_while_slots_come_free_above),
        cmocka_unit_test(test_every_slot_is_given_once),
        cmocka_unit_test(test_clusters_with_holes_come_first),
        cmocka_unit_test(test_free_clusters_come_first),
        cmocka_unit_test(test_a_cluster_that_was_searched_to_its_end_is_the_last),
        cmocka_unit_test(test_a_full_cluster_is_left),
        cmocka_unit_test(test_processors_share_a_rotating_disks_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

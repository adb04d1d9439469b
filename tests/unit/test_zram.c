/* zram: what a device holds and takes, and what is behind it when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/simulate.h"

/* One CPU, 64 MiB, no zswap; devices and tasks are filled in. */
#define ZRAM_CONFIG(kernel, devices, tasks)                                                        \
    "{\"kernel\": \"" kernel "\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]}," \
    "\"vm\": {\"page_cluster\": 0}, \"zswap\": {\"enabled\": false},"                              \
    "\"cgroups\": {\"/a\": {}, \"/b\": {}}, \"swap\": {\"devices\": [" devices "]},"               \
    "\"tasks\": [" tasks "]}"
#define ZRAM(more) "{\"name\": \"zram0\", \"type\": \"zram\", \"priority\": 10, " more "}"
#define DISK "{\"name\": \"d\", \"size\": \"16M\", \"synchronous\": true}"

static const struct zram *zram_of(const struct bench *bench)
{
    return bench->swap->devices[0].zram;
}

/* Requests of 1360 bytes: class 1424, 23 objects in 8 pages; /b of 3624 and of 3625. */
static void test_used_memory_is_whole_zspages(void **state)
{
    (void)state;
    struct bench *bench = bench_open(
        ZRAM_CONFIG("v6.12", ZRAM("\"size\": \"8M\""), TASK("/a", 1360) "," TASK("/b", 3624)));
    const struct zram *zram = zram_of(bench);
    uint64_t free_before = bench->mm->nodes[0].free_pages;
    bench_store(bench, 0, 23);
    assert_int_equal(zram->stats.pages_stored, 23);
    assert_int_equal(zram->stats.compr_data_size, 23 * 1360);
    assert_int_equal(zram_used_pages(zram), 8);
    /* The pool's pages are pages that nobody else has. */
    assert_int_equal(bench->mm->nodes[0].pool_pages, 8);
    assert_int_equal(bench->mm->nodes[0].free_pages, free_before - 8);
    bench_store(bench, 23, 1);
    assert_int_equal(zram_used_pages(zram), 16);
    assert_int_equal(zram->stats.max_used_pages, 16);
    /* 3624 bytes: 9 objects in 8 pages, the largest class with several in a zspage. */
    bench_store(bench, 512, 9);
    assert_int_equal(zram_used_pages(zram), 24);
    assert_int_equal(zram->stats.huge_pages, 0);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), 33);
    assert_int_equal(bench_count(bench, COUNTER_zram_writes), 33);
    bench_close(bench);
}

static void test_what_compresses_little_is_stored_as_it_is(void **state)
{
    (void)state;
    struct bench *bench = bench_open(
        ZRAM_CONFIG("v6.12", ZRAM("\"size\": \"8M\""), TASK("/a", 3625) "," TASK("/b", 5000)));
    const struct zram *zram = zram_of(bench);
    bench_store(bench, 0, 3);
    bench_store(bench, 512, 2);
    assert_int_equal(zram->stats.huge_pages, 5);
    assert_int_equal(zram->stats.compr_data_size, 5 * PAGE_BYTES);
    assert_int_equal(zram_used_pages(zram), 5);
    assert_int_equal(bench_count(bench, COUNTER_huge_pages_since), 5);
    bench_touch(bench, 1, false);
    assert_int_equal(zram->stats.huge_pages, 4);
    assert_int_equal(bench_count(bench, COUNTER_huge_pages_since), 5);
    bench_close(bench);
}

/* With chains of 4 pages the first such size is 3257. */
static void test_old_size_classes(void **state)
{
    (void)state;
    struct bench *bench = bench_open(
        ZRAM_CONFIG("v6.1", ZRAM("\"size\": \"8M\""), TASK("/a", 3256) "," TASK("/b", 3257)));
    bench_store(bench, 0, 5);
    assert_int_equal(zram_used_pages(zram_of(bench)), 4);
    assert_int_equal(zram_of(bench)->stats.huge_pages, 0);
    bench_store(bench, 512, 1);
    assert_int_equal(zram_used_pages(zram_of(bench)), 5);
    assert_int_equal(zram_of(bench)->stats.huge_pages, 1);
    bench_close(bench);
}

static void test_same_filled_pages_take_no_memory(void **state)
{
    (void)state;
    struct bench *bench = bench_open(ZRAM_CONFIG(
        "v6.8", ZRAM("\"size\": \"8M\""),
        "{\"name\": \"/a\", \"cgroup\": \"/a\", \"start\": \"1000s\", \"workload\": {\"type\": "
        "\"emulator_phases\", \"phases\": \"fill 0 512\"}, \"content\": {\"type\": \"rule\", "
        "\"classes\": \"100:same\"}}"));
    bench_store(bench, 0, 7);
    assert_int_equal(zram_of(bench)->stats.same_pages, 7);
    assert_int_equal(zram_of(bench)->stats.pages_stored, 7);
    assert_int_equal(zram_of(bench)->stats.compr_data_size, 0);
    assert_int_equal(zram_used_pages(zram_of(bench)), 0);
    bench_touch(bench, 3, false);
    assert_int_equal(zram_of(bench)->stats.same_pages, 6);
    bench_close(bench);
}

/* A fault on a synchronous device gives the slot back, and with it the block's
 * memory (up to 6.17 the swap cache is not used at all; from 7.0 it is left at once). */
static void check_fault_frees(const char *text)
{
    struct bench *bench = bench_open(text);
    bench_store(bench, 0, 24);
    bench_touch(bench, 5, false);
    assert_int_equal(zram_of(bench)->stats.pages_stored, 23);
    assert_int_equal(zram_of(bench)->stats.compr_data_size, 23 * 1360);
    assert_int_equal(bench->swap->slots_used, 23);
    assert_false(bench->mm->cold[5].bits & PAGE_HAS_SLOT);
    assert_true(bench->mm->cold[5].bits & PAGE_DIRTY);
    assert_int_equal(bench_count(bench, COUNTER_fault_zram), 1);
    assert_int_equal(bench_count(bench, COUNTER_pswpin), 1);
    assert_int_equal(bench_count(bench, COUNTER_zram_reads), 1);
    assert_int_equal(bench_count(bench, COUNTER_zram_discards), 1);
    /* The owner's free, too: the 24th object's zspage goes with it. */
    swap_free_page(bench->swap, &bench->exec, 23);
    assert_int_equal(zram_used_pages(zram_of(bench)), 8);
    assert_int_equal(bench_count(bench, COUNTER_disk_reads), 0);
    bench_close(bench);
}

static void test_fault_frees_the_block(void **state)
{
    (void)state;
    check_fault_frees(ZRAM_CONFIG("v6.12", ZRAM("\"size\": \"8M\""), TASK("/a", 1360)));
    check_fault_frees(ZRAM_CONFIG("v7.3", ZRAM("\"size\": \"8M\""), TASK("/a", 1360)));
}

/* 8 slots of zram above a disk: pages 0..7 stay in memory, what is evicted later, and
 * so is younger, goes to the disk: inversion. */
static void test_full_device_sends_the_younger_pages_to_the_disk(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open(ZRAM_CONFIG("v6.12", ZRAM("\"size\": \"32K\"") "," DISK, TASK("/a", 1360)));
    bench_store(bench, 0, 20);
    assert_int_equal(zram_of(bench)->stats.pages_stored, 8);
    assert_int_equal(bench_count(bench, COUNTER_zram_writes), 8);
    assert_int_equal(bench_count(bench, COUNTER_disk_writes), 12);
    for (uint32_t page = 0; page < 20; page++)
        assert_int_equal(swap_device_of(bench->swap, page)->zram != NULL, page < 8);
    bench_touch(bench, 12, false);
    assert_int_equal(bench_count(bench, COUNTER_disk_reads), 1);
    assert_int_equal(bench_count(bench, COUNTER_fault_disk), 1);
    bench_touch(bench, 3, false);
    assert_int_equal(bench_count(bench, COUNTER_disk_reads), 1);
    assert_int_equal(bench_count(bench, COUNTER_fault_zram), 1);
    measure_finish(&bench->simulation);
    /* 11 pages on the disk, 7 on zram, all 77 pairs the wrong way round. */
    assert_int_equal(bench->result.inversion.at_end_ppm, 1000000);
    assert_int_equal(bench->result.inversion.pair_ppm, 1000000);
    bench_close(bench);
}

/* Its owner drops a page whose write waits in the plug: the write still goes to the disk that it
 * was for, and ends, although the page has no slot any more to say so. */
static void test_write_of_a_dropped_page_goes_to_its_device(void **state)
{
    (void)state;
    struct bench *bench = bench_open(
        ZRAM_CONFIG("v6.12", ZRAM("\"size\": \"32K\"") ",{\"name\": \"slow\", \"size\": \"8M\"}",
                    TASK("/a", 1360)));
    bench_store(bench, 0, 8);
    struct write_plug plug;
    write_plug_init(&plug);
    bench->exec.plug = &plug;
    bench_touch(bench, 8, true);
    bench_touch(bench, 9, true);
    bench_evict(bench, 8);
    bench_evict(bench, 9);
    assert_int_equal(plug.count, 2);
    swap_free_page(bench->swap, &bench->exec, 8);
    swap_flush_plug(bench->swap, &bench->exec);
    bench->exec.plug = NULL;
    assert_int_equal(bench->mm->writes_under_way, 2);
    assert_true(pending_writes_any(&bench->swap->writes));
    swap_settle_writes(bench->swap, UINT64_MAX);
    assert_int_equal(bench->mm->writes_under_way, 0);
    assert_int_equal(zram_of(bench)->stats.pages_stored, 8);
    bench_close(bench);
}

/* mem_limit is not a size: a page that has a slot on the device stays in RAM, dirty,
 * while the disk below has room. */
static void test_write_beyond_mem_limit_fails(void **state)
{
    (void)state;
    struct bench *bench = bench_open(ZRAM_CONFIG(
        "v6.12", ZRAM("\"size\": \"8M\", \"mem_limit\": \"32K\"") "," DISK, TASK("/a", 1360)));
    bench_store(bench, 0, 23);
    assert_int_equal(zram_used_pages(zram_of(bench)), 8);
    bench_touch(bench, 23, true);
    assert_int_equal(bench_evict(bench, 23), FATE_KEEP);
    assert_int_equal(bench_count(bench, COUNTER_failed_writes), 1);
    assert_int_equal(bench_count(bench, COUNTER_disk_writes), 0);
    assert_int_equal(zram_used_pages(zram_of(bench)), 8);
    assert_true(bench->mm->cold[23].bits & PAGE_DIRTY);
    assert_true(bench->mm->cold[23].bits & PAGE_HAS_SLOT);
    /* It fits when another has left. */
    bench_touch(bench, 0, false);
    assert_int_equal(bench_evict(bench, 23), FATE_FREED);
    assert_int_equal(zram_of(bench)->stats.pages_stored, 23);
    bench_close(bench);
}

/* Under virtual swap a page has a place on a device while it is there, no longer. */
static void test_virtual_swap_over_zram(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open(ZRAM_CONFIG("vswap", ZRAM("\"size\": \"32K\"") "," DISK, TASK("/a", 1360)));
    bench_store(bench, 0, 10);
    assert_int_equal(bench->swap->slots_used, 10);
    assert_int_equal(zram_of(bench)->stats.pages_stored, 8);
    assert_int_equal(bench_count(bench, COUNTER_disk_writes), 2);
    bench_touch(bench, 2, false);
    assert_int_equal(bench->swap->slots_used, 9);
    assert_int_equal(zram_of(bench)->stats.pages_stored, 7);
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_used_memory_is_whole_zspages),
        cmocka_unit_test(test_what_compresses_little_is_stored_as_it_is),
        cmocka_unit_test(test_old_size_classes),
        cmocka_unit_test(test_same_filled_pages_take_no_memory),
        cmocka_unit_test(test_fault_frees_the_block),
        cmocka_unit_test(test_full_device_sends_the_younger_pages_to_the_disk),
        cmocka_unit_test(test_write_of_a_dropped_page_goes_to_its_device),
        cmocka_unit_test(test_write_beyond_mem_limit_fails),
        cmocka_unit_test(test_virtual_swap_over_zram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

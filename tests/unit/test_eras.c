/* What a store, a load and a free do on each era, and what a slot is backed by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/zswap_lru/zswap_lru.h"
#include "sim/experiment/config_fields.h"
#include "sim/mm/memcg.h"
#include "tests/unit/simulate.h"

#define A TASK("/a", 1000)
#define RULE_TASK(classes)                                                                         \
    "{\"name\": \"t\", \"cgroup\": \"/a\", \"start\": \"1000s\","                                  \
    "\"workload\": {\"type\": \"emulator_phases\", \"phases\": \"fill 0 512\"},"                   \
    "\"content\": {\"type\": \"emulator\", \"class\": \"" classes "\"}}"

/* ---- presets --------------------------------------------------------------------- */

static void test_every_preset_can_be_chosen(void **state)
{
    (void)state;
    const char *axis, *policy;
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++)
        if (kernel_preset_missing(preset, &axis, &policy))
            fail_msg("%s: %s has no policy %s", preset->name, axis, policy);
}

static void test_zstd_is_older_in_6_1(void **state)
{
    (void)state;
#define ZSTD(kernel) BENCH_CONFIG(kernel, "\"compressor\": \"zstd\"", RULE_TASK("K1024"))
    struct bench *bench = bench_open(ZSTD("v6.1"));
    assert_int_equal(zswap_current_pool(bench->zswap)->compressor, compressor_find("zstd-1.4"));
    zswap_set_compressor(bench->zswap, 1, (unsigned)compressor_find("lzo"));
    zswap_set_compressor(bench->zswap, 2, (unsigned)compressor_find("zstd"));
    assert_int_equal(zswap_current_pool(bench->zswap)->compressor, compressor_find("zstd-1.4"));
    bench_close(bench);
    bench = bench_open(ZSTD("v6.2"));
    assert_int_equal(zswap_current_pool(bench->zswap)->compressor, compressor_find("zstd"));
    bench_close(bench);
}

/* ---- loads ----------------------------------------------------------------------- */

/* Up to 6.8 the entry stays, and the clean page goes again for nothing. */
static void check_load(const char *config, bool kept)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 1);
    bench_touch(bench, 0, false);
    assert_int_equal(bench_count(bench, COUNTER_zswpin), 1);
    assert_int_equal(bench_in_zswap(bench, 0), kept);
    assert_int_equal(bench->zswap->stored_pages, kept);
    assert_int_equal(bench_evict(bench, 0), FATE_FREED);
    assert_int_equal(bench_count(bench, COUNTER_zswpout), kept ? 1 : 2);
    assert_true(bench_in_zswap(bench, 0));
    bench_close(bench);
}

static void test_loads(void **state)
{
    (void)state;
    check_load(BENCH_CONFIG("v6.1", "", A), true);
    check_load(BENCH_CONFIG("v6.2", "", A), true);
    check_load(BENCH_CONFIG("v6.5", "", A), true);
    check_load(BENCH_CONFIG("v6.8", "", A), true);
    check_load(BENCH_CONFIG("v6.8", "\"load_rule\": \"exclusive\"", A), false);
    check_load(BENCH_CONFIG("v6.9", "", A), false);
    check_load(BENCH_CONFIG("v6.12", "", A), false);
    check_load(BENCH_CONFIG("v7.3", "", A), false);
    /* Around the swap cache the entry goes with the slot, whatever the rule. */
    check_load(BENCH_CONFIG_ON(", \"synchronous\": true", "v6.12", "", A), false);
    check_load(
        BENCH_CONFIG_ON(", \"synchronous\": true", "v6.12", "\"load_rule\": \"exclusive\"", A),
        false);
}

static uint32_t oldest(struct bench *bench)
{
    uint32_t group = bench->zswap->lru->group_of_pool(bench->zswap, 0);
    uint32_t memcg = bench->zswap->lru->one_list ? ROOT_MEMCG : page_memcg(bench->mm, 0);
    return zswap_list(bench->zswap, group, memcg, 0)->head;
}

static void check_kept_entry_becomes_youngest(const char *config)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 3);
    assert_int_equal(oldest(bench), 0);
    bench_touch(bench, 0, false);
    assert_int_equal(oldest(bench), 1);
    bench_close(bench);
}

static void test_kept_entry_becomes_youngest(void **state)
{
    (void)state;
    check_kept_entry_becomes_youngest(BENCH_CONFIG("v6.5", "", A));
    check_kept_entry_becomes_youngest(BENCH_CONFIG("v6.8", "", A));
}

/* ---- a store into a slot that has an entry --------------------------------------- */

static void check_duplicate(const char *config, uint64_t counted)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 1);
    bench_touch(bench, 0, false);
    bench_touch(bench, 0, true); /* mapped already: slot and entry stay */
    assert_true(bench_in_zswap(bench, 0));
    assert_int_equal(bench_evict(bench, 0), FATE_FREED);
    assert_int_equal(bench_count(bench, COUNTER_zswpout), 2);
    assert_int_equal(bench->zswap->stored_pages, 1);
    assert_int_equal(bench_count(bench, COUNTER_duplicate_entry), counted);

    /* The store fails: the older entry is gone all the same. */
    bench_touch(bench, 0, false);
    bench_touch(bench, 0, true);
    bench->zswap->reached_full = true;
    bench->zswap->accept_threshold_percent = 0;
    bench_evict(bench, 0);
    assert_false(bench_in_zswap(bench, 0));
    assert_int_equal(bench_count(bench, COUNTER_pswpout), 1);
    assert_int_equal(bench_count(bench, COUNTER_duplicate_entry), 2 * counted);
    bench_close(bench);
}

static void test_duplicates(void **state)
{
    (void)state;
    check_duplicate(BENCH_CONFIG("v6.1", "", A), 0);
    check_duplicate(BENCH_CONFIG("v6.5", "", A), 0);
    check_duplicate(BENCH_CONFIG("v6.8", "", A), 1);
    check_duplicate(BENCH_CONFIG("v6.12", "\"load_rule\": \"keeps\"", A), 0);
}

/* ---- what does not compress ------------------------------------------------------ */

struct refusal_counts {
    uint64_t compress_fail, compress_poor, alloc_fail, stored;
};

static void check_refusal(const char *config, struct refusal_counts expected)
{
    struct bench *bench = bench_open(config);
    bench_touch(bench, 0, true);
    bench_evict(bench, 0);
    assert_int_equal(bench_count(bench, COUNTER_reject_compress_fail), expected.compress_fail);
    assert_int_equal(bench_count(bench, COUNTER_reject_compress_poor), expected.compress_poor);
    assert_int_equal(bench_count(bench, COUNTER_reject_alloc_fail), expected.alloc_fail);
    assert_int_equal(bench->zswap->stored_pages, expected.stored);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), !expected.stored);
    bench_close(bench);
}

#define NOTHING ((struct refusal_counts){0})
#define FAIL ((struct refusal_counts){.compress_fail = 1})
#define POOR ((struct refusal_counts){.compress_poor = 1})
#define ALLOC ((struct refusal_counts){.alloc_fail = 1})
#define STORED ((struct refusal_counts){.stored = 1})

/* The compressor returns an error. */
static void test_compressor_error(void **state)
{
    (void)state;
    check_refusal(BENCH_CONFIG("v6.1", "", TASK("/a", 4200)), NOTHING);
    check_refusal(BENCH_CONFIG("v6.2", "", TASK("/a", 4200)), NOTHING);
    check_refusal(BENCH_CONFIG("v6.5", "", TASK("/a", 4200)), NOTHING);
    check_refusal(BENCH_CONFIG("v6.8", "", TASK("/a", 4200)), FAIL);
    check_refusal(BENCH_CONFIG("v6.9", "", TASK("/a", 4200)), FAIL);
    check_refusal(BENCH_CONFIG("v6.12", "", TASK("/a", 4200)), FAIL);
    check_refusal(BENCH_CONFIG("v6.18", "", TASK("/a", 4200)), STORED);
}

/* The compressed page does not fit the allocator. */
static void test_allocator_refuses(void **state)
{
    (void)state;
    /* zbud takes 3968 bytes, its header of 8 included up to 6.4 */
    check_refusal(BENCH_CONFIG("v6.1", "", TASK("/a", 3960)), STORED);
    check_refusal(BENCH_CONFIG("v6.1", "", TASK("/a", 3961)), POOR);
    check_refusal(BENCH_CONFIG("v6.5", "", TASK("/a", 3968)), STORED);
    check_refusal(BENCH_CONFIG("v6.5", "", TASK("/a", 3969)), POOR);
    /* z3fold takes 4096 */
#define Z3FOLD "\"allocator\": \"z3fold\""
    check_refusal(BENCH_CONFIG("v6.1", Z3FOLD, TASK("/a", 4088)), STORED);
    check_refusal(BENCH_CONFIG("v6.1", Z3FOLD, TASK("/a", 4089)), POOR);
    check_refusal(BENCH_CONFIG("v6.5", Z3FOLD, TASK("/a", 4096)), STORED);
    /* zsmalloc takes 4096; a header only where it evicts (6.2) */
#define ZSMALLOC "\"allocator\": \"zsmalloc\""
    check_refusal(BENCH_CONFIG("v6.1", ZSMALLOC, TASK("/a", 4096)), STORED);
    check_refusal(BENCH_CONFIG("v6.2", ZSMALLOC, TASK("/a", 4088)), STORED);
    check_refusal(BENCH_CONFIG("v6.2", ZSMALLOC, TASK("/a", 4089)), ALLOC);
    check_refusal(BENCH_CONFIG("v6.12", "", TASK("/a", 4096)), STORED);
}

/* The header is part of the object, not of the charge. */
static void test_header_makes_objects_larger(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.1", "", TASK("/a", 1984)));
    bench_store(bench, 0, 2);
    assert_int_equal(zswap_total_pages(bench->zswap), 2); /* 32 chunks each */
    assert_int_equal(bench->mm->memcgs[ROOT_MEMCG].zswap_bytes_subtree, 2 * 1984);
    bench_close(bench);
    bench = bench_open(BENCH_CONFIG("v6.5", "", TASK("/a", 1984)));
    bench_store(bench, 0, 2);
    assert_int_equal(zswap_total_pages(bench->zswap), 1); /* 31 chunks each */
    bench_close(bench);
}

/* ---- same-filled and zero pages -------------------------------------------------- */

static void check_fill(const char *config, bool entry, bool object, bool zero_mark)
{
    struct bench *bench = bench_open(config);
    bench_store(bench, 0, 1);
    assert_int_equal(bench->zswap->stored_pages, entry);
    assert_int_equal(bench->zswap->same_filled_pages, entry && !object);
    assert_int_equal(zswap_total_pages(bench->zswap), object);
    assert_int_equal(bench_count(bench, COUNTER_swpout_zero), zero_mark);
    assert_int_equal(bench_count(bench, COUNTER_zswpout), entry);
    bench_close(bench);
}

static void test_fills(void **state)
{
    (void)state;
    check_fill(BENCH_CONFIG("v6.1", "", RULE_TASK("same")), true, false, false);
    check_fill(BENCH_CONFIG("v6.1", "", RULE_TASK("zero")), true, false, false);
    check_fill(BENCH_CONFIG("v6.11", "", RULE_TASK("same")), true, false, false);
    check_fill(BENCH_CONFIG("v6.12", "", RULE_TASK("same")), true, true, false);
    check_fill(BENCH_CONFIG("v6.12", "", RULE_TASK("zero")), false, false, true);
}

/* ---- backing --------------------------------------------------------------------- */

static void test_slots_are_taken_on_entry(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "", A));
    bench_store(bench, 0, 4);
    assert_int_equal(bench->swap->slots_used, 4);
    bench_close(bench);
}

#define VIRTUAL_CONFIG(backing, size, content)                                                     \
    "{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]},"      \
    "\"swap\": {\"backing\": \"" backing "\", \"devices\": [{\"name\": \"d\", \"size\": \"" size   \
    "\", \"synchronous\": true}]}, \"zswap\": {\"second_chance\": false},"                         \
    "\"cgroups\": {\"/a\": {}}, \"tasks\": [" content "]}"

/* Room on the device when an entry is written back; kept while the copy is good. */
static void test_virtual_slots(void **state)
{
    (void)state;
    struct bench *bench = bench_open(VIRTUAL_CONFIG("virtual", "1M", A));
    bench_store(bench, 0, 400); /* more than the device could take */
    assert_int_equal(bench->swap->slots_used, 0);
    bench_demand_everything(bench);
    bench_run_worker(bench);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), 256);
    assert_int_equal(bench->swap->slots_used, 256);
    assert_int_equal(bench->zswap->stored_pages, 144);

    /* In RAM, the first unchanged: its copy stays; the second rewritten: refused by
     * zswap, and no better off on the device. */
    assert_int_equal(bench_evict(bench, 0), FATE_FREED);
    assert_int_equal(bench->swap->slots_used, 256);
    bench_touch(bench, 1, false);
    bench_touch(bench, 1, true);
    assert_int_equal(bench_evict(bench, 1), FATE_FREED);
    assert_int_equal(bench->swap->slots_used, 256);
    /* A page that comes back for good gives its room up. */
    bench_touch(bench, 0, true);
    assert_int_equal(bench->swap->slots_used, 255);
    bench_close(bench);
}

static void test_virtual_device_full(void **state)
{
    (void)state;
    struct bench *bench = bench_open(VIRTUAL_CONFIG("virtual", "1M", A));
    bench_store(bench, 0, 300);
    bench_demand_everything(bench);
    bench_run_worker(bench);
    assert_int_equal(bench->swap->slots_used, 256);
    /* Refused by zswap, no room: it stays, active. */
    bench_touch(bench, 400, true);
    assert_int_equal(bench_evict(bench, 400), FATE_ACTIVATE);
    assert_int_equal(bench_count(bench, COUNTER_unbacked_activate), 1);
    /* Nor is anything written back. */
    uint64_t written = bench_count(bench, COUNTER_written_back_pages);
    bench_run_worker(bench);
    assert_int_equal(bench_count(bench, COUNTER_written_back_pages), written);
    bench_close(bench);
}

static void test_virtual_limit_counts_backed_pages(void **state)
{
    (void)state;
    struct bench *bench = bench_open(VIRTUAL_CONFIG("virtual", "1M", A));
    uint32_t memcg = page_memcg(bench->mm, 0);
    memcg_set_swap_max(bench->mm, memcg, 10);
    bench_store(bench, 0, 40);
    assert_int_equal(bench->mm->memcgs[memcg].swap_usage, 0);
    bench_demand_everything(bench);
    bench_run_worker(bench);
    assert_int_equal(bench->mm->memcgs[memcg].swap_usage, 10);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), 10);
    bench_close(bench);
}

static void test_zero_page_needs_no_room(void **state)
{
    (void)state;
    struct bench *bench = bench_open(VIRTUAL_CONFIG("virtual", "1M", RULE_TASK("zero")));
    bench_store(bench, 0, 300);
    assert_int_equal(bench_count(bench, COUNTER_swpout_zero), 300);
    assert_int_equal(bench->swap->slots_used, 0);
    bench_close(bench);
}

static void test_no_backing(void **state)
{
    (void)state;
    struct bench *bench = bench_open(VIRTUAL_CONFIG("none", "1M", A));
    bench_store(bench, 0, 300);
    assert_int_equal(bench->swap->slots_used, 0);
    bench_demand_everything(bench);
    bench_run_worker(bench);
    assert_int_equal(bench_count(bench, COUNTER_written_back_pages), 0);
    bench_touch(bench, 400, true);
    assert_int_equal(bench_evict(bench, 400), FATE_ACTIVATE);
    assert_int_equal(bench_count(bench, COUNTER_pswpout), 0);
    bench_close(bench);
}

/* ---- one LRU over zswap and the device ------------------------------------------- */

/* Store 100 pages in order into a pool of 20 pages; how many pages on the device are
 * younger than some page in zswap? */
static uint32_t pages_out_of_order(const char *config)
{
    struct bench *bench = bench_open(config);
    uint32_t inverted = 0, oldest_in_zswap = 100;
    bench->zswap->max_pool_percent = 10;
    bench->zswap->total_ram_pages = 200;
    bench_store(bench, 0, 100);
    bench_settle(bench);
    for (uint32_t page = 0; page < 100; page++) {
        if (bench_in_zswap(bench, page) && oldest_in_zswap == 100)
            oldest_in_zswap = page;
        inverted += !bench_in_zswap(bench, page) && page > oldest_in_zswap;
    }
    assert_true(oldest_in_zswap < 100);
    bench_close(bench);
    return inverted;
}

static void test_unified_order(void **state)
{
    (void)state;
#define LRU(kernel, allocator, lru)                                                                \
    BENCH_CONFIG_ON(", \"synchronous\": true", kernel,                                             \
                    "\"allocator\": \"" allocator "\", \"lru\": \"" lru "\"", TASK("/a", 1900))
    assert_int_equal(pages_out_of_order(LRU("v6.18", "zbud", "unified")), 0);
    assert_int_equal(pages_out_of_order(LRU("v6.18", "zsmalloc", "unified")), 0);
    /* 40 fit; of the other 60 most go past them, or, where the worker is quick, half. */
    assert_true(pages_out_of_order(LRU("v6.18", "zbud", "global")) > 30);
    assert_true(pages_out_of_order(LRU("v6.1", "zbud", "allocator")) > 40);
}

/* Nothing can be written back: then a page is refused after all. */
static void test_unified_gives_up(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open(BENCH_CONFIG("v6.8", "\"lru\": {\"policy\": \"unified\", \"attempts\": 5}", A));
    bench_store(bench, 0, 8);
    for (uint32_t page = 0; page < 8; page++)
        bench_touch(bench, page, false); /* every entry's page is in the swap cache */
    bench_demand_everything(bench);
    bench_touch(bench, 20, true);
    assert_int_equal(bench_evict(bench, 20), FATE_KEEP); /* its write is under way */
    assert_int_equal(bench_count(bench, COUNTER_refused_by_limit), 1);
    assert_int_equal(bench_count(bench, COUNTER_reject_reclaim_fail) >= 5, true);
    assert_int_equal(bench_count(bench, COUNTER_written_back_pages), 0);
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_preset_can_be_chosen),
        cmocka_unit_test(test_zstd_is_older_in_6_1),
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_kept_entry_becomes_youngest),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_compressor_error),
        cmocka_unit_test(test_allocator_refuses),
        cmocka_unit_test(test_header_makes_objects_larger),
        cmocka_unit_test(test_fills),
        cmocka_unit_test(test_slots_are_taken_on_entry),
        cmocka_unit_test(test_virtual_slots),
        cmocka_unit_test(test_virtual_device_full),
        cmocka_unit_test(test_virtual_limit_counts_backed_pages),
        cmocka_unit_test(test_zero_page_needs_no_room),
        cmocka_unit_test(test_no_backing),
        cmocka_unit_test(test_unified_order),
        cmocka_unit_test(test_unified_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

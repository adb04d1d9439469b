/* Tasks on a block device, and what a job of a file system does to its blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "tests/unit/run_config.h"
#include "workloads/generators/single.h"

#define FILES(kernel, device, count, steps)                                                        \
    "{\"kernel\": \"" kernel "\", \"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"16M\"}]}," \
    "\"block_devices\": [{\"name\": \"b\", " device "}], \"tasks\": [{\"name\": \"t\","            \
    "\"count\": " count ", \"device\": \"b\", \"workload\": {\"type\": \"steps\", \"seed\": 1,"    \
    "\"steps\": \"" steps "\"}, \"content\": {\"type\": \"uniform\", \"length\": 1360}}]}"
#define ZRAM "\"type\": \"zram\", \"size\": \"8M\""

/* 46 pages written by each of two tasks, the first 23 of each discarded: 2 * 46 objects
 * of class 1424 are 4 zspages of 8 pages; two remain. */
static void test_blocks_of_two_tasks(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(FILES("v7.3", ZRAM, "2", "0:seq:0:46:46:100 0:seq:0:46:92:0"),
                           CHECKS_FULL, 1, &result));
    assert_int_equal(counted(&result, COUNTER_zram_writes), 92);
    assert_int_equal(counted(&result, COUNTER_zram_reads), 184);
    assert_int_equal(gauge(&result, GAUGE_orig_data_size), 92 * 4096);
    assert_int_equal(gauge(&result, GAUGE_compr_data_size), 92 * 1360);
    assert_int_equal(gauge(&result, GAUGE_mem_used_total), 4 * 8 * 4096);
    /* Nobody's memory is accessed. */
    assert_int_equal(counted(&result, COUNTER_pgfault), 0);
    assert_int_equal(gauge(&result, GAUGE_resident_pages), 0);
    run_result_release(&result);
    assert_true(run_config(FILES("v7.3", ZRAM, "2", "0:seq:0:46:46:100 0:free:0:46:46:0"),
                           CHECKS_FULL, 1, &result));
    assert_int_equal(counted(&result, COUNTER_zram_discards), 92);
    assert_int_equal(gauge(&result, GAUGE_orig_data_size), 0);
    assert_int_equal(gauge(&result, GAUGE_mem_used_total), 0);
    assert_int_equal(gauge(&result, GAUGE_mem_used_max), 4 * 8 * 4096);
    run_result_release(&result);
}

/* An overwritten block holds one object, not two. */
static void test_overwriting_takes_no_more(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(
        run_config(FILES("v7.3", ZRAM, "1", "0:seq:0:23:230:100"), CHECKS_FULL, 1, &result));
    assert_int_equal(counted(&result, COUNTER_zram_writes), 230);
    assert_int_equal(gauge(&result, GAUGE_mem_used_max), 8 * 4096);
    run_result_release(&result);
}

/* A disk takes its time: 10 reads, one after the other, of 65 us each. */
static void test_files_on_a_disk(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(FILES("v7.3", "\"size\": \"8M\"", "1", "0:seq:0:10:10:0"), CHECKS_FULL,
                           1, &result));
    assert_int_equal(counted(&result, COUNTER_disk_reads), 10);
    assert_true(result.end_ns >= 10 * 65000);
    assert_true(result.end_ns < 10 * 75000);
    run_result_release(&result);
}

/* All processors want one lock: 200 ns of each operation are spent in it, one at a
 * time.  With a lock a class the pool's read lock is what they share. */
static void test_pool_lock_is_the_bottleneck(void **state)
{
    (void)state;
#define LOCKS(rule)                                                                                \
    "{\"kernel\": \"v7.3\", \"machine\": {\"cpus\": 16, \"nodes\": [{\"memory\": \"64M\"}]},"      \
    "\"block_devices\": [{\"name\": \"b\", \"type\": \"zram\", \"size\": \"64M\"}],"               \
    "\"swap\": {\"zram_allocator\": {\"policy\": \"zsmalloc\", \"locks\": \"" rule "\"}},"         \
    "\"tasks\": [{\"name\": \"t\", \"count\": 16, \"device\": \"b\", \"workload\": {\"type\": "    \
    "\"fs_on_zram\", \"footprint\": \"1M\", \"accesses\": 2000, \"write_percent\": 50},"           \
    "\"content\": {\"type\": \"rule\", \"classes\": \"100:mixed:300:3000\"}}]}"
    static const char *const rules[] = {LOCKS("pool"), LOCKS("per_class"),
                                        LOCKS("per_class_direct_free")};
    uint64_t end_ns[3], wait_ns[3];
    for (size_t i = 0; i < 3; i++) {
        struct run_result result;
        assert_true(run_config(rules[i], CHECKS_SAMPLED, 1, &result));
        end_ns[i] = result.end_ns;
        wait_ns[i] = result.time_ns[TIME_pool_lock_wait];
        run_result_release(&result);
    }
    assert_true(end_ns[0] > end_ns[1] && end_ns[1] > end_ns[2]);
    assert_true(wait_ns[0] > 2 * wait_ns[1] && wait_ns[1] > wait_ns[2]);
}

/* ---- the generator ---------------------------------------------------------------- */

static void test_files_are_handled_whole(void **state)
{
    (void)state;
    struct single_params params = {.footprint = 100 * 4096,
                                   .accesses = 40000,
                                   .write_percent = 40,
                                   .file = 8 * 4096,
                                   .discard_percent = 10};
    struct diagnostics errors = {0};
    struct source_position here = {.file = "test"};
    struct workload *workload = workload_fs_on_zram.open(&params, 7, &here, &errors);
    assert_non_null(workload);
    struct workload_cursor cursor = {.workload = workload};
    assert_true(workload->type->start(&cursor));
    const struct access *block, *first = NULL;
    struct access of_file = {0};
    uint32_t n, ops[3] = {0}, seen = 0;
    while ((n = workload->type->next(&cursor, &block)) > 0)
        for (uint32_t i = 0; i < n; i++, seen++) {
            first = seen % 8 ? first : &block[i];
            if (first == &block[i])
                of_file = block[i];
            /* 12 files of 8 pages, each in order, by one operation */
            assert_true(block[i].page < 96);
            assert_int_equal(block[i].page, of_file.page + seen % 8);
            assert_int_equal(of_file.page % 8, 0);
            assert_int_equal(block[i].op, of_file.op);
            ops[block[i].op]++;
        }
    assert_int_equal(seen, 40000);
    assert_in_range(ops[ACCESS_READ], 18000, 22000);
    assert_in_range(ops[ACCESS_WRITE], 14500, 17500);
    assert_in_range(ops[ACCESS_FREE], 3000, 5000);
    workload->type->stop(&cursor);
    workload->type->close(workload);

    params.discard_percent = 61;
    assert_null(workload_fs_on_zram.open(&params, 7, &here, &errors));
    assert_int_equal(errors.count, 1);
    diagnostics_release(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_of_two_tasks),
        cmocka_unit_test(test_overwriting_takes_no_more),
        cmocka_unit_test(test_files_on_a_disk),
        cmocka_unit_test(test_pool_lock_is_the_bottleneck),
        cmocka_unit_test(test_files_are_handled_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

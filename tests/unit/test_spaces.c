/* Where address spaces lie: their records close together, their addresses apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/simulate.h"

#define FILL(pages)                                                                                \
    "{\"name\": \"t" #pages "\", \"cgroup\": \"/a\", \"start\": \"1000s\","                        \
    "\"workload\": {\"type\": \"emulator_phases\", \"phases\": \"fill 0 " #pages "\"},"            \
    "\"content\": {\"type\": \"uniform\", \"length\": 1000}}"

static void test_records_are_close_and_addresses_apart(void **state)
{
    (void)state;
    struct bench *bench =
        bench_build(BENCH_CONFIG("v6.18", "", FILL(128) "," FILL(130) "," FILL(513) "," FILL(1)));
    const struct mm *mm = bench->mm;
    static const uint32_t first_pages[] = {0, 128, 384, 1024}, addresses[] = {0, 512, 1024, 2048};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(mm->spaces[i].first_page, first_pages[i]);
        assert_int_equal(page_address(mm, first_pages[i]), addresses[i]);
        assert_int_equal(page_address(mm, first_pages[i] + mm->spaces[i].pages - 1),
                         addresses[i] + mm->spaces[i].pages - 1);
    }
    assert_int_equal(mm->page_count, 1152);
    assert_int_equal(mm->chunk_shift, 7);
    assert_int_equal(mm->address_count, 2560);
    bench_close(bench);
}

/* Which space a page is of is looked up in a table that is as short as can be. */
static void test_large_spaces_are_few_chunks(void **state)
{
    (void)state;
    struct bench *bench = bench_build(BENCH_CONFIG("v6.18", "", FILL(1024) "," FILL(1500)));
    struct mm *mm = bench->mm;
    assert_int_equal(mm->chunk_shift, 10);
    assert_ptr_equal(page_space(mm, 1023), &mm->spaces[0]);
    assert_ptr_equal(page_space(mm, 1024), &mm->spaces[1]);
    assert_ptr_equal(page_space(mm, 2523), &mm->spaces[1]);
    bench_close(bench);
}

/* Pages of two spaces share no page table, though their records are neighbours. */
static void test_each_space_has_its_own_page_tables(void **state)
{
    (void)state;
    struct bench *bench = bench_build(BENCH_CONFIG("v6.18", "", FILL(128) "," FILL(513)));
    struct mm *mm = bench->mm;
    bench_touch(bench, 127, true);
    assert_int_equal(mm->spaces[0].table_pages, 2); /* and one of the level above */
    bench_touch(bench, 128, true);
    assert_int_equal(mm->spaces[1].table_pages, 2);
    bench_touch(bench, 128 + 511, true);
    assert_int_equal(mm->spaces[1].table_pages, 2);
    bench_touch(bench, 128 + 512, true);
    assert_int_equal(mm->spaces[1].table_pages, 3);
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_close_and_addresses_apart),
        cmocka_unit_test(test_large_spaces_are_few_chunks),
        cmocka_unit_test(test_each_space_has_its_own_page_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* LRU lists: in which order pages come off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/simulate.h"

enum { PAGES = 4 * LRU_STRIDE };

/* Take a batch off the inactive list: page `first` and those that follow it, but for `gone`. */
static void take(struct bench *bench, uint32_t first, uint32_t gone, uint32_t *pages)
{
    struct lru_list *list = &page_lruvec(bench->mm, 0)->lists[LRU_INACTIVE_ANON];
    assert_int_equal(lru_isolate(bench->mm, list, LRU_STRIDE, pages), LRU_STRIDE);
    for (uint32_t i = 0, page = first; i < LRU_STRIDE; i++, page++) {
        page += page == gone;
        assert_int_equal(pages[i], page % PAGES);
        assert_false(bench->mm->cold[pages[i]].bits & PAGE_ON_LRU);
    }
}

static void put_back(struct bench *bench, const uint32_t *pages)
{
    struct lruvec *lruvec = page_lruvec(bench->mm, 0);
    for (uint32_t i = 0; i < LRU_STRIDE; i++)
        bench->mm->cold[pages[i]].bits |= PAGE_ON_LRU;
    lru_list_add_pages(bench->mm->cold, &lruvec->lists[LRU_INACTIVE_ANON], pages, LRU_STRIDE);
    assert_null(bench->mm->reclaim->check(bench->mm, lruvec));
}

static void test_pages_come_off_in_their_order(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open(BENCH_CONFIG("v6.18", "\"max_pool_percent\": 50", TASK("/a", 1000)));
    uint32_t pages[LRU_STRIDE];
    for (uint32_t page = 0; page < PAGES; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(bench->mm);
    take(bench, 0, NO_PAGE, pages); /* nothing was foretold of the first batch */
    put_back(bench, pages);
    take(bench, LRU_STRIDE, NO_PAGE, pages);
    put_back(bench, pages);
    /* Foretold, but gone: the links have the last word. */
    swap_free_page(bench->swap, &bench->exec, 2 * LRU_STRIDE + 5);
    take(bench, 2 * LRU_STRIDE, 2 * LRU_STRIDE + 5, pages);
    put_back(bench, pages);
    take(bench, 3 * LRU_STRIDE + 1, NO_PAGE, pages);
    put_back(bench, pages);
    take(bench, 4 * LRU_STRIDE + 1, NO_PAGE, pages);
    put_back(bench, pages);
    bench_close(bench);
}

/* Is what will come off the inactive list foretold, page by page? */
static void assert_foretold(const struct bench *bench)
{
    const struct lru_list *list = &page_lruvec(bench->mm, 0)->lists[LRU_INACTIVE_ANON];
    uint32_t page = list->tail;
    for (uint32_t i = 0; i < LRU_STRIDE; i++, page = bench->mm->cold[page].lru.previous)
        assert_int_equal(list->ring->coming[(list->ring->taken + i) % LRU_STRIDE], page);
    assert_true(list->ring->asked - list->ring->taken <= LRU_STRIDE);
}

static void test_written_pages_leave_what_is_foretold_as_it_is(void **state)
{
    (void)state;
    enum { WRITTEN = LRU_STRIDE + 3 };
    struct bench *bench =
        bench_open(BENCH_CONFIG("v6.18", "\"max_pool_percent\": 50", TASK("/a", 1000)));
    struct page_cold *cold = bench->mm->cold;
    uint32_t pages[LRU_STRIDE], again[LRU_STRIDE];
    for (uint32_t page = 0; page < PAGES; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(bench->mm);
    take(bench, 0, NO_PAGE, pages); /* nothing is foretold of the first two batches */
    put_back(bench, pages);
    take(bench, LRU_STRIDE, NO_PAGE, pages);
    assert_foretold(bench);
    struct lruvec *lruvec = page_lruvec(bench->mm, 0);
    for (uint32_t i = 0; i < LRU_STRIDE; i++) {
        cold[pages[i]].bits |= PAGE_ON_LRU | (pages[i] == WRITTEN ? PAGE_WRITEBACK : 0u);
        bench->mm->reclaim->add(bench->mm, lruvec, pages[i]);
    }
    cold[WRITTEN].bits &= ~(uint32_t)PAGE_WRITEBACK;
    lru_rotate_reclaimable(bench->mm, NO_CPU, WRITTEN);
    assert_foretold(bench);
    assert_int_equal(lruvec->lists[LRU_INACTIVE_ANON].tail, WRITTEN);
    for (uint32_t batch = 0; batch < PAGES / LRU_STRIDE; batch++) {
        struct lru_list *list = &lruvec->lists[LRU_INACTIVE_ANON];
        assert_int_equal(lru_isolate(bench->mm, list, LRU_STRIDE, again), LRU_STRIDE);
        assert_foretold(bench);
        put_back(bench, again);
    }
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_come_off_in_their_order),
        cmocka_unit_test(test_written_pages_leave_what_is_foretold_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What it takes to retire a pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/simulate.h"

static struct bench *open_on(const char *kernel)
{
    char text[1000];
    snprintf(text, sizeof(text),
             "{\"kernel\": \"%s\", \"machine\": {\"cpus\": 8, \"sockets\": 2, \"nodes\": "
             "[{\"memory\": \"64M\"}]}, \"cgroups\": {\"/a\": {}}, \"vm\": {\"page_cluster\": 0},"
             "\"zswap\": {\"compressor\": \"lzo\"}, \"tasks\": [" TASK("/a", 1000) "]}",
             kernel);
    return bench_open(text);
}

static void retire(struct bench *bench, const char *compressor)
{
    bench->exec.now_ns += 1000;
    zswap_set_compressor(bench->zswap, bench->exec.now_ns, (unsigned)compressor_find(compressor));
}

/* Up to 6.8 an empty pool goes at once. */
static void test_kref_has_nothing_to_switch(void **state)
{
    (void)state;
    struct bench *bench = open_on("v6.8");
    retire(bench, "lz4");
    assert_int_equal(bench->zswap->pool_count, 1);
    assert_int_equal(bench->mm->processors->list[0].owed_ns, 0);
    bench_close(bench);
}

/* From 6.9 it stays until a grace period is over; then the parts of 8 processors are
 * added up on the first one: 3 lines from its own socket, 4 from the other. */
static void test_percpu_ref_switches_after_a_grace_period(void **state)
{
    (void)state;
    struct bench *bench = open_on("v6.18");
    const uint64_t *ns = bench->mm->costs->ns;
    retire(bench, "lz4");
    assert_int_equal(bench->zswap->pool_count, 2);
    struct event_queue *events = bench->mm->events;
    uint64_t due_ns = bench->exec.now_ns + ns[COST_rcu_grace_period];
    while (events_next_time(events) < due_ns)
        events_run_next(events);
    assert_int_equal(bench->zswap->pool_count, 2);
    while (events_next_time(events) == due_ns)
        events_run_next(events);
    assert_int_equal(bench->zswap->pool_count, 1);
    assert_int_equal(bench->mm->processors->list[0].owed_ns, 3 * ns[COST_line_same_socket] +
                                                                 4 * ns[COST_line_cross_socket] +
                                                                 ns[COST_atomic_local]);
    bench_close(bench);
}

/* Back to the first compressor before the switch is over: its pool is current, and lives. */
static void test_a_pool_taken_back_lives(void **state)
{
    (void)state;
    struct bench *bench = open_on("v6.18");
    retire(bench, "lz4");
    retire(bench, "lzo");
    assert_int_equal(bench->zswap->pool_count, 2);
    bench_settle(bench);
    assert_int_equal(bench->zswap->pool_count, 1);
    assert_int_equal(zswap_current_pool(bench->zswap)->compressor, compressor_find("lzo"));
    bench_close(bench);
}

/* References take no line until the pool is retired. */
static void test_references_before_and_after(void **state)
{
    (void)state;
    struct bench *bench = open_on("v6.18");
    bench_store(bench, 0, 8);
    assert_int_equal(bench->mm->time_ns[TIME_reference], 0);
    retire(bench, "lz4");
    bench_settle(bench);
    uint64_t before_ns = bench->mm->time_ns[TIME_reference];
    for (uint32_t page = 0; page < 8; page++)
        bench_touch(bench, page, false);
    assert_true(bench->mm->time_ns[TIME_reference] >=
                before_ns + 8 * bench->mm->costs->ns[COST_atomic_local]);
    assert_int_equal(bench->zswap->pool_count, 1);
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kref_has_nothing_to_switch),
        cmocka_unit_test(test_percpu_ref_switches_after_a_grace_period),
        cmocka_unit_test(test_a_pool_taken_back_lives),
        cmocka_unit_test(test_references_before_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

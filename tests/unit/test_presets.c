/* Whole runs of every preset: the books balance, and a second run says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/run_config.h"

/* A cgroup of 1 MiB, a zipf over 4 MiB, a pool of 1 % of 40 MiB. */
#define RUN(kernel, more)                                                                          \
    "{\"kernel\": \"" kernel "\","                                                                 \
    "\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"20M\"}, {\"memory\": \"20M\"}]},"       \
    "\"cgroups\": {\"/a\": {\"memory.max\": \"1M\"}},"                                             \
    "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\","                                            \
    "\"workload\": {\"type\": \"zipf\", \"footprint\": \"4M\", \"accesses\": 12000,"               \
    "\"write_percent\": 30}, \"content\": {\"type\": \"emulator\", \"class\": \"mix\"}}]," more    \
    "}"
#define SMALL_POOL "\"max_pool_percent\": 1"
/* Four of them on four processors, a compressor change and a cgroup that goes. */
#define FOUR_TASKS(kernel, allocator)                                                              \
    "{\"kernel\": \"" kernel "\","                                                                 \
    "\"machine\": {\"cpus\": 4, \"nodes\": [{\"memory\": \"20M\"}, {\"memory\": \"20M\"}]},"       \
    "\"zswap\": {" SMALL_POOL ", \"allocator\": \"" allocator "\", \"shrinker_enabled\": true},"   \
    "\"cgroups\": {\"/a\": {\"memory.max\": \"1M\"}, \"/a/b\": {}},"                               \
    "\"events\": [{\"at\": \"3ms\", \"set\": \"zswap.compressor\", \"value\": \"lz4\"},"           \
    "{\"at\": \"6ms\", \"offline\": \"/a/b\"}],"                                                   \
    "\"tasks\": [{\"name\": \"t\", \"count\": 4, \"cgroup\": \"/a/b\","                            \
    "\"workload\": {\"type\": \"zipf\", \"footprint\": \"1M\", \"accesses\": 3000,"                \
    "\"write_percent\": 30}, \"content\": {\"type\": \"emulator\", \"class\": \"mix\"}}]}"

static void check_run(const char *text, struct run_result *result)
{
    assert_true(run_config(text, CHECKS_FULL, 1, result));
    uint64_t refused = counted(result, COUNTER_refused_stores);
    uint64_t written_back = counted(result, COUNTER_written_back_pages);
    /* What goes to the device was refused, or written back; now and then a refused
     * page is freed by its owner before it gets there (SWAP_PAGE_GONE). */
    assert_in_range(counted(result, COUNTER_pswpout) + counted(result, COUNTER_unbacked_activate),
                    refused + written_back - refused / 200, refused + written_back);
    assert_int_equal(counted(result, COUNTER_zswpwb), written_back);
    assert_true(counted(result, COUNTER_zswpout) > 0);
}

static void test_runs_of_every_preset(void **state)
{
    (void)state;
    static const char *const runs[] = {
        RUN("v6.1", "\"zswap\": {" SMALL_POOL "}"),
        RUN("v6.1", "\"zswap\": {" SMALL_POOL ", \"allocator\": \"z3fold\"}"),
        RUN("v6.1", "\"zswap\": {" SMALL_POOL ", \"allocator\": \"zsmalloc\"}"),
        RUN("v6.2", "\"zswap\": {" SMALL_POOL ", \"allocator\": \"zsmalloc\"}"),
        RUN("v6.5", "\"zswap\": {" SMALL_POOL "}"),
        RUN("v6.8", "\"zswap\": {" SMALL_POOL ", \"shrinker_enabled\": true}"),
        RUN("v6.9", "\"zswap\": {" SMALL_POOL "}"),
        RUN("v6.12", "\"zswap\": {" SMALL_POOL "}"),
        RUN("v6.18", "\"zswap\": {" SMALL_POOL "}"),
        RUN("v6.18", "\"zswap\": {" SMALL_POOL ", \"lru\": \"unified\"}"),
        RUN("v6.18", "\"zswap\": {" SMALL_POOL "}, \"swap\": {\"backing\": \"virtual\"}"),
        RUN("v6.18", "\"zswap\": {\"max_pool_percent\": 5}, \"swap\": {\"backing\": \"none\"}"),
        RUN("v7.3", "\"zswap\": {" SMALL_POOL "}"),
        RUN("vswap", "\"zswap\": {" SMALL_POOL "}"),
        RUN("vswap", "\"zswap\": {" SMALL_POOL "}, \"vm\": {\"page_cluster\": 3}, \"swap\": "
                     "{\"devices\": [{\"name\": \"d\", \"size\": \"1M\", \"rotational\": true}]}"),
        FOUR_TASKS("v6.1", "zbud"),
        FOUR_TASKS("v6.2", "zsmalloc"),
        FOUR_TASKS("v6.5", "z3fold"),
        FOUR_TASKS("v6.8", "zsmalloc"),
        FOUR_TASKS("vswap", "zsmalloc"),
        RUN("proactive-v5", "\"zswap\": {\"writeback\": {\"interval\": \"1ms\", \"pace\": 4096}}"),
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct run_result result;
        check_run(runs[i], &result);
        run_result_release(&result);
    }
}

/* Twice the same run, to the last counter. */
static void test_runs_repeat(void **state)
{
    (void)state;
    struct run_result first, second;
    const char *text = RUN("v6.1", "\"zswap\": {" SMALL_POOL "}");
    check_run(text, &first);
    check_run(text, &second);
    assert_memory_equal(&first.totals, &second.totals, sizeof(first.totals));
    run_result_release(&first);
    run_result_release(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_of_every_preset),
        cmocka_unit_test(test_runs_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

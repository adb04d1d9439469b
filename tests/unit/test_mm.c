/* The memory model: limits, reclaim, refaults, swap, nodes, in small simulations
 * whose outcome is known in closed form, and the arithmetic it stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/reclaim/classic.h"
#include "sim/mm/memcg.h"
#include "sim/mm/node.h"
#include "sim/swap/readahead.h"
#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

/* ---- arithmetic ---------------------------------------------------------------- */

static void test_readahead_window(void **state)
{
    (void)state;
    assert_int_equal(readahead_window(4, 0, 500, 8, 0), 8);
    assert_int_equal(readahead_window(0, 10, 500, 8, 8), 4);
    assert_int_equal(readahead_window(0, 499, 500, 8, 4), 2);
    assert_int_equal(readahead_window(0, 10, 500, 8, 1), 1);
    assert_int_equal(readahead_window(1, 10, 500, 8, 1), 4);
    assert_int_equal(readahead_window(3, 10, 500, 8, 4), 8);
    assert_int_equal(readahead_window(7, 10, 500, 8, 8), 8);
}

static void test_high_penalty(void **state)
{
    (void)state;
    assert_int_equal(memcg_high_penalty_ms(110000, 100000, 64), 639);
    assert_int_equal(memcg_high_penalty_ms(101000, 100000, 64), 6);
    assert_int_equal(memcg_high_penalty_ms(150000, 100000, 64), 2000);
    assert_int_equal(memcg_high_penalty_ms(100100, 100000, 512), 0);
    assert_int_equal(memcg_high_penalty_ms(100000, 100000, 64), 0);
    /* A limit of 0 counts as one of a page: calculate_overage(). */
    assert_int_equal(memcg_high_penalty_ms(1, 0, 1), 1000);
    assert_int_equal(memcg_high_penalty_ms(1, 0, 64), 2000);
}

static void test_inactive_is_low(void **state)
{
    (void)state;
    assert_false(classic_inactive_is_low(100000, 299999));
    assert_true(classic_inactive_is_low(100000, 300001));
    assert_true(classic_inactive_is_low(1000, 1001));
    assert_false(classic_inactive_is_low(1000, 1000));
    /* 4 GiB: int_sqrt(10 * 4) = 6. */
    assert_true(classic_inactive_is_low(149796, 898780));
    assert_false(classic_inactive_is_low(149797, 898779));
}

/* calculate_min_free_kbytes: int_sqrt(65536 KiB * 16) = 1024 KiB; the watermarks lie
 * the larger of a quarter of it and 0.1 % of the node apart. */
static void test_watermarks(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "", TASK("/a", 1000)));
    assert_int_equal(bench->mm->nodes[0].watermark_min, 256);
    assert_int_equal(bench->mm->nodes[0].watermark_low, 320);
    assert_int_equal(bench->mm->nodes[0].watermark_high, 384);
    bench_close(bench);
}

static void test_scan_size(void **state)
{
    (void)state;
    assert_int_equal(classic_scan_size(5000, 0, 10000, 12), 1);
    assert_int_equal(classic_scan_size(5000, 0, 10000, 11), 2);
    assert_int_equal(classic_scan_size(5000, 0, 10000, 10), 4);
    assert_int_equal(classic_scan_size(4095, 0, 10000, 12), 0);
    assert_int_equal(classic_scan_size(5000, 4000, 10000, 0), 3001);
    assert_int_equal(classic_scan_size(5000, 4000, 10000, 10), 2);
    assert_int_equal(classic_scan_size(5000, 10000, 9000, 0), 32); /* all of it protected */
}

static void test_anonymous_share(void **state)
{
    (void)state;
    assert_int_equal(classic_anonymous_share(10, 60, 0), 3);
    assert_int_equal(classic_anonymous_share(1000, 60, 0), 300);
    /* With a large anonymous cost: 89 against 419 parts. */
    assert_int_equal(classic_anonymous_share(1000, 60, 1000000), 175);
    assert_int_equal(classic_anonymous_share(1000, 0, 5), 0);
}

/* ---- small simulations ------------------------------------------------------------ */

#define MACHINE "\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"256M\"}]},"
#define DISK "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"256M\"}]},"
#define CONTENT "\"content\": {\"type\": \"uniform\", \"length\": 1000}"

static void test_all_fits_faults_once_a_page(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config("{" MACHINE DISK
                           "\"tasks\": [{\"name\": \"t\", \"workload\": {\"type\": \"steps\","
                           "\"seed\": 1, \"steps\": \"0:seq:0:1000:5000:0\"}," CONTENT "}]}",
                           CHECKS_FULL, 1, &result));
    assert_int_equal(counted(&result, COUNTER_accesses), 5000);
    assert_int_equal(counted(&result, COUNTER_pgfault), 1000);
    assert_int_equal(counted(&result, COUNTER_pgmajfault), 0);
    assert_int_equal(counted(&result, COUNTER_pgscan_anon), 0);
    assert_int_equal(gauge(&result, GAUGE_resident_pages), 1000);
    run_result_release(&result);
}

/* A cyclic scan over more pages than fit misses every time under any LRU. */
static void test_cyclic_scan_misses_every_access(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\"}},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:2048:20480:0\"}," CONTENT "}],"
        "\"vm\": {\"page_cluster\": 0}}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_pgmajfault), 20480 - 2048);
    assert_int_equal(counted(&result, COUNTER_zswpin), 20480 - 2048);
    assert_int_equal(counted(&result, COUNTER_zswpout) - counted(&result, COUNTER_zswpin),
                     gauge(&result, GAUGE_stored_pages));
    /* A page touched once is scanned twice before it leaves. */
    assert_in_range(counted(&result, COUNTER_pgscan_anon),
                    counted(&result, COUNTER_pgsteal_anon) * 2 - 1100,
                    counted(&result, COUNTER_pgsteal_anon) * 2 + 1100);
    assert_true(gauge(&result, GAUGE_memory_current) <= 4u << 20 ||
                gauge(&result, GAUGE_zswap_compressed_bytes) > 0);
    run_result_release(&result);
}

/* Without zswap: written, kept while the write is under way, freed when met again. */
static void test_disk_pages_are_scanned_again_after_their_write(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\"}},"
        "\"zswap\": {\"enabled\": false}, \"vm\": {\"page_cluster\": 0},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:4096:4096:0\"}," CONTENT "}]}",
        CHECKS_SAMPLED, 1, &result));
    uint64_t written = counted(&result, COUNTER_pswpout);
    assert_true(written > 3000);
    assert_int_equal(counted(&result, COUNTER_zswpout), 0);
    /* A write that ends while its page is still in reclaim's hands rotates nothing
     * (6.1 in an emulator: 6583 of 6606). */
    assert_in_range(counted(&result, COUNTER_pgrotated), written - written / 50, written);
    assert_int_equal(counted(&result, COUNTER_nr_vmscan_write), written);
    assert_int_equal(counted(&result, COUNTER_refused_stores), written);
    run_result_release(&result);
}

static void test_zero_pages_take_neither_pool_nor_disk(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\"}},"
        "\"vm\": {\"page_cluster\": 0}, \"kernel\": \"v6.12\","
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:2048:4096:0\"},"
        "\"content\": {\"type\": \"rule\", \"classes\": \"100:zero\"}}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_zswpout), 0);
    assert_int_equal(counted(&result, COUNTER_pswpout), 0);
    assert_int_equal(counted(&result, COUNTER_swpin_zero), 2048);
    assert_int_equal(gauge(&result, GAUGE_zero_pages) + gauge(&result, GAUGE_resident_pages), 2048);
    run_result_release(&result);
}

static void test_free_drops_every_copy(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\"}},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:3000:3000:0 0:free:0:3000:3000:0\"}," CONTENT "}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_pages_freed), 3000);
    assert_int_equal(gauge(&result, GAUGE_resident_pages), 0);
    assert_int_equal(gauge(&result, GAUGE_stored_pages), 0);
    assert_int_equal(gauge(&result, GAUGE_pool_total_size), 0);
    assert_int_equal(gauge(&result, GAUGE_swap_slots_used), 0);
    run_result_release(&result);
}

static void test_swap_max_leaves_nothing_to_reclaim(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK
        "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\", \"memory.swap.max\": \"1M\"}},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:4096:4096:0\"}," CONTENT "}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_oom_kill), 1);
    assert_int_equal(gauge(&result, GAUGE_resident_pages), 0);
    assert_int_equal(gauge(&result, GAUGE_swap_slots_used), 0);
    run_result_release(&result);
}

/* With writeback off, a full pool keeps pages in RAM: no device is touched. */
static void test_writeback_off_never_writes(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK
        "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\", \"memory.zswap.writeback\": false,"
        "\"memory.zswap.max\": \"512K\"}},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:1500:1500:0\"}," CONTENT "}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_pswpout), 0);
    assert_int_equal(counted(&result, COUNTER_zswpwb), 0);
    assert_true(counted(&result, COUNTER_unbacked_activate) > 0);
    run_result_release(&result);
}

/* Two nodes, processor on node 0: node 0 fills first, then node 1, then kswapd. */
static void test_nodes_fill_in_zonelist_order(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(
        run_config("{\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"32M\"}, {\"memory\": "
                   "\"32M\"}]}," DISK
                   "\"tasks\": [{\"name\": \"t\", \"cpu\": 0, \"workload\": {\"type\": \"steps\","
                   "\"seed\": 1, \"steps\": \"0:seq:0:12000:12000:0\"}," CONTENT "}]}",
                   CHECKS_SAMPLED, 1, &result));
    assert_int_equal(result.node_count, 2);
    assert_true(result.nodes[0].gauges[GAUGE_resident_pages] > 7000);
    assert_true(result.nodes[1].gauges[GAUGE_resident_pages] > 3000);
    assert_int_equal(counted(&result, COUNTER_oom_kill), 0);
    run_result_release(&result);

    assert_true(
        run_config("{\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"32M\"}, {\"memory\": "
                   "\"32M\"}]}," DISK
                   "\"tasks\": [{\"name\": \"t\", \"cpu\": 0, \"workload\": {\"type\": \"steps\","
                   "\"seed\": 1, \"steps\": \"0:seq:0:24000:24000:0\"}," CONTENT "}]}",
                   CHECKS_SAMPLED, 1, &result));
    assert_true(counted(&result, COUNTER_pageoutrun) > 0);
    assert_true(counted(&result, COUNTER_pgsteal_kswapd) > 0);
    assert_int_equal(counted(&result, COUNTER_oom_kill), 0);
    run_result_release(&result);
}

/* memory.reclaim takes what it is asked for; a lower limit takes the rest. */
static void test_reclaim_and_limit_events(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK "\"cgroups\": {\"/a\": {}},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:2000:2001:0\"}," CONTENT "}],"
        "\"events\": [{\"at_access\": 2000, \"reclaim\": \"/a\", \"bytes\": \"2M\"},"
        "{\"at_access\": 2000, \"snapshot\": \"reclaimed\"},"
        "{\"at_access\": 2000, \"set\": \"cgroups./a.memory.max\", \"value\": \"3M\"}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(result.snapshot_count, 1);
    assert_in_range(result.snapshots[0].at.counters[COUNTER_pgsteal_proactive], 512, 600);
    assert_true(gauge(&result, GAUGE_memory_current) <= 3u << 20);
    run_result_release(&result);
}

static void test_offline_moves_pages_to_the_parent(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK "\"cgroups\": {\"/p\": {}, \"/p/c\": {\"memory.max\": \"4M\"}},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/p/c\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:2000:2001:0\"}," CONTENT "}],"
        "\"events\": [{\"at_access\": 2000, \"offline\": \"/p/c\"}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(gauge(&result, GAUGE_resident_pages) + gauge(&result, GAUGE_stored_pages),
                     2000);
    run_result_release(&result);
}

/* A new compressor makes a new pool; the old one goes with its last entry. */
static void test_compressor_switch_makes_and_releases_pools(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{" MACHINE DISK "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\"}},"
        "\"vm\": {\"page_cluster\": 0},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:2000:8000:0\"}," CONTENT "}],"
        "\"events\": [{\"at_access\": 2500, \"set\": \"zswap.compressor\", \"value\": \"lz4\"},"
        "{\"at_access\": 2600, \"snapshot\": \"both\"}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(result.snapshots[0].at.gauges[GAUGE_pools], 2);
    assert_int_equal(gauge(&result, GAUGE_pools), 1);
    run_result_release(&result);
}

#define SCAN(kernel, vm, steps)                                                                    \
    "{\"kernel\": \"" kernel "\", \"vm\": {" vm "}, " MACHINE DISK                                 \
    "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\"}},"                                             \
    "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","        \
    "\"seed\": 1, \"steps\": \"" steps "\"}," CONTENT "}]}"

/* A fault that finds what was read ahead moves the place where the next window begins:
 * every eighth access of a scan is a major fault. */
static void test_windows_of_a_scan_follow_each_other(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(SCAN("v6.12", "", "0:seq:0:2048:20480:0"), CHECKS_SAMPLED, 1, &result));
    uint64_t read = counted(&result, COUNTER_zswpin);
    assert_true(read > 18000);
    assert_in_range(counted(&result, COUNTER_pgmajfault), read / 8, read / 8 + 40);
    run_result_release(&result);
}

/* The kernel's count of hits outlives programs: the first fault of a run goes by it. */
static void test_hits_before_the_run_open_a_window(void **state)
{
    (void)state;
#define FIRST_FAULT(hits)                                                                          \
    "{\"kernel\": \"v6.18\", \"vm\": {\"swapin_readahead_hits\": " hits "}, " MACHINE              \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\", \"rotational\": true}]},"       \
    "\"cgroups\": {\"/a\": {\"memory.max\": \"4M\"}},"                                             \
    "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","        \
    "\"seed\": 1, \"steps\": \"0:seq:0:2048:2048:100 0:seq:400:1:1:0\"}," CONTENT "}]}"
    static const struct {
        const char *config;
        uint64_t read_ahead;
    } cases[] = {{FIRST_FAULT("4"), 7}, {FIRST_FAULT("1"), 3}, {FIRST_FAULT("0"), 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run_result result;
        assert_true(run_config(cases[i].config, CHECKS_SAMPLED, 1, &result));
        assert_int_equal(counted(&result, COUNTER_pgmajfault), 1);
        assert_int_equal(counted(&result, COUNTER_swap_ra), cases[i].read_ahead);
        run_result_release(&result);
    }
}

/* Where a page that is read ahead from zswap and never used cannot be written before it is
 * mapped, random accesses fill a cgroup with such pages. */
static void test_what_is_read_ahead_for_nothing_stays(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(SCAN("v6.12", "", "0:seq:0:2048:2048:100 0:rand:0:2048:40000:100"),
                           CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_oom_kill), 0);
    run_result_release(&result);
    /* Sizes of lists are seen as they are, so that this alone decides. */
    assert_true(run_config(SCAN("v6.16", "\"memcg_stat_flush\": \"100us\"",
                                "0:seq:0:2048:2048:100 0:rand:0:2048:40000:100"),
                           CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_oom_kill), 1);
    /* More than half of the limit; the rest is what zswap keeps of the pages. */
    assert_true(counted(&result, COUNTER_swap_ra) - counted(&result, COUNTER_swap_ra_hit) > 512);
    run_result_release(&result);
}

/* 64 MiB under a limit, with swap to spare, on 6.18.44: each of five runs of the kernel was killed,
 * after as many refaults as this, or none was (own measurement, scripts/replay-kernel). */
static void test_kills_come_where_the_kernel_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *limit, *steps;
        uint64_t refaults_least, refaults_most; /* 0: no kill */
    } measured[] = {
        {"32M", "rand:0:16384:200000:100", 79541, 80916},
        {"48M", "rand:0:16384:200000:100", 0, 0},
        {"32M", "zipf:0:16384:300000:30:0.5", 84361, 86246},
        {"32M", "zipf:0:16384:400000:100:0.9", 76908, 82108},
        {"16M", "zipf:0:16384:300000:30:0.9", 29725, 30227},
        {"32M", "zipf:0:16384:800000:30:1.2", 0, 0},
    };
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        char text[1024];
        struct run_result result;
        snprintf(text, sizeof(text),
                 "{\"kernel\": \"v6.18\", \"vm\": {\"cgroup_version\": \"v1\", "
                 "\"memcg_stat_flushes_per_run\": 1000}, \"zswap\": {\"max_pool_percent\": 50}, "
                 "\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"8G\"}]}, \"swap\": "
                 "{\"devices\": [{\"name\": \"d\", \"size\": \"4G\"}]}, \"cgroups\": {\"/a\": "
                 "{\"memory.max\": \"%s\"}}, \"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", "
                 "\"workload\": {\"type\": \"steps\", \"seed\": 7, \"steps\": "
                 "\"0:seq:0:16384:16384:100 0:%s\"}, \"content\": {\"type\": \"uniform\", "
                 "\"length\": 2000}}]}",
                 measured[i].limit, measured[i].steps);
        assert_true(run_config(text, CHECKS_SAMPLED, 1, &result));
        assert_int_equal(counted(&result, COUNTER_oom_kill), measured[i].refaults_most != 0);
        if (measured[i].refaults_most)
            assert_in_range(counted(&result, COUNTER_workingset_refault_anon),
                            measured[i].refaults_least, measured[i].refaults_most);
        run_result_release(&result);
    }
}

#define TWO_TASKS(second, events)                                                                  \
    "{" MACHINE "\"swap\": {\"devices\": []},"                                                     \
    "\"cgroups\": {\"/p\": {\"memory.max\": \"8M\"}, \"/p/a\": {}, \"/p/b\": {}},"                 \
    "\"tasks\": [{\"name\": \"a\", \"cgroup\": \"/p/a\", \"workload\": {\"type\": \"steps\","      \
    "\"seed\": 1, \"steps\": \"0:seq:0:1536:5000000:0\"}," CONTENT "},"                            \
    "{\"name\": \"b\", \"cgroup\": \"/p/b\", \"start\": \"6ms\", \"workload\": {\"type\": "        \
    "\"steps\", \"seed\": 1, \"steps\": \"" second "\"}," CONTENT "}]" events "}"

/* Without swap the charge of one task has the other, which is larger, killed: from then on
 * that one accesses nothing. */
static void test_task_that_another_had_killed_is_gone(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(TWO_TASKS("0:seq:0:1024:1024:0", ""), CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_oom_kill), 1);
    assert_int_equal(counted(&result, COUNTER_memory_oom), 1);
    assert_in_range(counted(&result, COUNTER_accesses), 1536 + 1024, 4999999);
    assert_int_equal(gauge(&result, GAUGE_resident_pages), 1024);
    run_result_release(&result);
}

/* memory_max_write() counts what it has killed for. */
static void test_limit_below_what_can_be_freed_kills(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(TWO_TASKS("0:seq:0:128:128:0", ", \"events\": [{\"at_access\": 900000,"
                                                          "\"set\": \"cgroups./p.memory.max\","
                                                          "\"value\": \"1M\"}]"),
                           CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_oom_kill), 1);
    assert_int_equal(counted(&result, COUNTER_memory_oom), 1);
    assert_in_range(counted(&result, COUNTER_accesses), 900000, 900000 + 128 + 1);
    run_result_release(&result);
}

/* A write to vm.swappiness in mid-run. */
static void test_cgroups_of_v1_keep_their_swappiness(void **state)
{
    (void)state;
    struct config config = {.vm = {.swappiness = 60, .cgroup_version = CGROUP_V1}};
    struct mm mm = {.config = &config, .swappiness = 0};
    assert_int_equal(memcg_swappiness(&mm, ROOT_MEMCG), 0);
    assert_int_equal(memcg_swappiness(&mm, ROOT_MEMCG + 1), 60);
    config.vm.cgroup_version = CGROUP_V2;
    assert_int_equal(memcg_swappiness(&mm, ROOT_MEMCG + 1), 0);
}

/* ---- kswapd, turn by turn ------------------------------------------------------------- */

#define ONE_TASK BENCH_CONFIG("v6.18", "\"enabled\": true", TASK("/a", 1000))
enum { A = 1, TURNS_OF_A_RUN = PRIORITY_START };

static enum turn_end turn_of_kswapd(struct bench *bench)
{
    uint64_t end_ns, wake_at_ns = 0;
    struct runner *runner = bench->mm->nodes[0].kswapd;
    enum turn_end end = runner->turn(runner, 0, bench->exec.now_ns, &end_ns, &wake_at_ns);
    bench->exec.now_ns = end_ns;
    return end;
}

/* A node that has too few free pages, whatever is freed, until `watermark_high` is 0. */
static struct bench *open_starved(void)
{
    struct bench *bench = bench_open(ONE_TASK);
    bench->mm->nodes[0].watermark_high = UINT32_MAX;
    return bench;
}

/* Turns until kswapd sleeps. */
static unsigned turns_to_sleep(struct bench *bench)
{
    unsigned turns = 0;
    while (turn_of_kswapd(bench) == TURN_RUNNABLE)
        assert_true(++turns < 1000);
    return turns;
}

/* balance_pgdat: 16 runs down to priority 1 that free nothing. */
static void test_kswapd_gives_up(void **state)
{
    (void)state;
    struct bench *bench = open_starved();
    assert_int_equal(turns_to_sleep(bench), KSWAPD_FAILURES_AT_MOST * TURNS_OF_A_RUN);
    assert_int_equal(bench_count(bench, COUNTER_pageoutrun), KSWAPD_FAILURES_AT_MOST);
    assert_int_equal(turns_to_sleep(bench), 0);
    bench_close(bench);
}

static void test_kswapd_that_frees_has_not_failed(void **state)
{
    (void)state;
    struct bench *bench = open_starved();
    for (uint32_t page = 0; page < 200; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(bench->mm);
    for (uint32_t page = 0; page < 200; page++)
        bench->mm->hot[page] &= (uint8_t)~HOT_ACCESSED;
    for (unsigned turn = 0; turn < TURNS_OF_A_RUN; turn++)
        assert_int_equal(turn_of_kswapd(bench), TURN_RUNNABLE);
    assert_true(bench_count(bench, COUNTER_pgsteal_kswapd) > 0);
    assert_int_equal(bench->mm->nodes[0].kswapd_failures, 0);
    bench_close(bench);
}

/* balance_pgdat leaves for `out:` behind the count of failures. */
static void test_kswapd_that_others_relieve_has_not_failed(void **state)
{
    (void)state;
    struct bench *bench = open_starved();
    assert_int_equal(turn_of_kswapd(bench), TURN_RUNNABLE);
    bench->mm->nodes[0].watermark_high = 0;
    assert_int_equal(turn_of_kswapd(bench), TURN_BLOCKED);
    assert_int_equal(bench->mm->nodes[0].kswapd_failures, 0);
    bench_close(bench);
}

/* ---- limits and reserves, page by page ---------------------------------------------------- */

/* What fills a limit exactly does not go over it: the parent's is met. */
static void test_limit_that_is_reached_exactly(void **state)
{
    (void)state;
    struct bench *bench = bench_open(ONE_TASK);
    struct memcg *parent = &bench->mm->memcgs[A + 1], *child = &bench->mm->memcgs[A + 2];
    assert_string_equal(child->path, "/b/c");
    child->memory_max = child->usage + 1;
    parent->memory_max = parent->usage;
    bench->exec.memalloc = true;
    memcg_charge(bench->mm, &bench->exec, A + 2, 1);
    bench->exec.memalloc = false;
    assert_int_equal(*memcg_counter(parent, COUNTER_memory_max), 1);
    assert_int_equal(*memcg_counter(child, COUNTER_memory_max), 0);
    memcg_uncharge(bench->mm, A + 2, 1);
    bench_close(bench);
}

#define OF_V1(device, zswap)                                                                       \
    "{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]},"      \
    "\"swap\": {\"devices\": [" device "]}, \"zswap\": {" zswap "},"                               \
    "\"vm\": {\"page_cluster\": 0, \"cgroup_version\": \"v1\"}, \"cgroups\": {\"/a\": {}},"        \
    "\"tasks\": [" TASK("/a", 1000) "]}"

/* memory.limit_in_bytes with so many pages in use; returns the limit then. */
static uint64_t limit_after_write(const char *config, uint32_t used, uint64_t limit)
{
    struct bench *bench = bench_open(config);
    for (uint32_t page = 0; page < used; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(bench->mm);
    memcg_set_max(bench->mm, &bench->exec, A, limit);
    limit = bench->mm->memcgs[A].memory_max;
    bench_settle(bench);
    bench_close(bench);
    return limit;
}

/* mem_cgroup_resize_max: EBUSY where nothing can be freed; a write to a device is waited
 * for, as often as it takes. */
static void test_limit_of_v1_moves_once_usage_fits(void **state)
{
    (void)state;
    assert_int_equal(limit_after_write(OF_V1("", "\"enabled\": false"), 10, 5), UINT64_MAX);
    /* Two pages more are tables. */
    assert_int_equal(limit_after_write(OF_V1("", "\"enabled\": false"), 10, 12), 12);
    assert_int_equal(limit_after_write(OF_V1("{\"name\": \"d\", \"size\": \"64M\","
                                             "\"queue_depth\": 1, \"write_latency\": \"1ms\"}",
                                             "\"enabled\": false"),
                                       400, 5),
                     5);
}

static void test_page_freed_in_a_batch_leaves_it(void **state)
{
    (void)state;
    struct bench *bench = bench_open(ONE_TASK);
    struct mm *mm = bench->mm;
    bench_touch(bench, 7, true);
    bench_touch(bench, 8, true);
    assert_true(mm->cold[7].bits & PAGE_IN_BATCH);
    lru_remove(mm, 7);
    assert_false(mm->cold[7].bits & PAGE_IN_BATCH);
    assert_int_equal(mm->batches[0].count, 1);
    assert_int_equal(mm->batches[0].pages[0], 8);
    lru_add(mm, &bench->exec, 7);
    bench_close(bench);
}

/* Two nodes, of which the first stores four times as much: as many pages written back from each are
 * even, and as many of a hundred stored are not. */
static void test_fairness_by_pages_and_by_stores(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open("{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 2, \"nodes\":"
                   "[{\"memory\": \"32M\"}, {\"memory\": \"32M\"}]},"
                   "\"cgroups\": {\"/a\": {}}, \"tasks\": [" TASK("/a", 1000) "]}");
    bench->mm->nodes[0].counters[COUNTER_zswpout] = 400;
    bench->mm->nodes[1].counters[COUNTER_zswpout] = 100;
    bench->zswap->written_back_by_node[0] = bench->zswap->written_back_by_node[1] = 50;
    measure_finish(&bench->simulation);
    assert_int_equal(bench->result.fairness.nodes_ppm, 1000000);
    /* Shares 1/8 and 1/2: (5/8)^2 / (2 * 17/64) */
    assert_in_range(bench->result.fairness.nodes_per_store_ppm, 735293, 735295);
    bench_close(bench);
}

/* Tasks that reclaim or die take the near node's last pages; others go to the far one. */
static void test_reserves_of_the_near_node(void **state)
{
    (void)state;
    struct bench *bench =
        bench_open("{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 2, \"nodes\":"
                   "[{\"memory\": \"32M\"}, {\"memory\": \"32M\"}]},"
                   "\"cgroups\": {\"/a\": {}}, \"tasks\": [" TASK("/a", 1000) "]}");
    struct mm *mm = bench->mm;
    uint64_t near = mm->nodes[0].free_pages, far = mm->nodes[1].free_pages;
    mm->nodes[0].free_pages = mm->nodes[0].watermark_min;
    mm->nodes[1].free_pages = mm->nodes[1].watermark_low;
    assert_int_equal(node_alloc_page(mm, &bench->exec, 0), 1);
    bench->exec.killed = true;
    assert_int_equal(node_alloc_page(mm, &bench->exec, 0), 0);
    bench->exec.killed = false;
    bench->exec.memalloc = true;
    assert_int_equal(node_alloc_page(mm, &bench->exec, 0), 0);
    assert_int_equal(bench_count(bench, COUNTER_allocstall), 0);
    /* What there is not they get, too, and the node owes it. */
    mm->nodes[0].free_pages = mm->nodes[1].free_pages = 0;
    assert_int_equal(node_alloc_page(mm, &bench->exec, 0), 0);
    node_change_pool_pages(mm, 0, 1);
    assert_int_equal(mm->nodes[0].overdrawn_pages, 2);
    node_free_page(mm, 0);
    node_change_pool_pages(mm, 0, -1);
    assert_int_equal(mm->nodes[0].overdrawn_pages, 0);
    assert_int_equal(mm->nodes[0].free_pages, 0);
    mm->nodes[0].free_pages = near;
    mm->nodes[1].free_pages = far;
    bench_close(bench);
}

/* A cgroup of a kernel, with these keys. */
static struct bench *open_cgroup(const char *kernel, unsigned cpus, const char *version,
                                 const char *keys)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "{\"kernel\": \"%s\", \"machine\": {\"cpus\": %u, \"nodes\": [{\"memory\": "
             "\"64M\"}]}, \"vm\": {\"cgroup_version\": \"%s\"}, \"cgroups\": {\"/a\": {%s}}, "
             "\"tasks\": [" TASK("/a", 1000) "]}",
             kernel, cpus, version, keys);
    return bench_open(text);
}

/* What is seen of the list when pages first..end-1 have been touched. */
static uint32_t seen_after(struct bench *bench, uint32_t first, uint32_t end, bool by_reclaim)
{
    for (uint32_t page = first; page < end; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(bench->mm);
    if (by_reclaim)
        memcg_flush_stats_in_reclaim(bench->mm, A);
    else
        memcg_read_stats(bench->mm);
    return bench->mm->memcgs[A].lruvecs[0].seen_pages[LRU_INACTIVE_ANON];
}

static uint32_t seen_by_reader_after(struct bench *bench, uint32_t first, uint32_t end)
{
    return seen_after(bench, first, end, false);
}

static uint32_t seen_by_reclaim_after(struct bench *bench, uint32_t first, uint32_t end)
{
    return seen_after(bench, first, end, true);
}

/* memcg_vmstats_needs_flush: more than 64 updates for each processor, in whole batches.  A first
 * touch is four of them, three in cgroup v2 from 6.12.  Up to 6.7 every reader sees what is. */
static void test_a_reader_may_be_in_vain(void **state)
{
    (void)state;
    static const struct {
        const char *kernel, *cgroups;
        unsigned cpus;
        uint32_t touches;
    } table[] = {{"v6.18", "v1", 1, 32},
                 {"v6.18", "v1", 2, 48},
                 {"v6.8", "v2", 1, 32},
                 {"v6.12", "v2", 1, 43},
                 {"v6.5", "v1", 1, 1}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench *bench = open_cgroup(table[i].kernel, table[i].cpus, table[i].cgroups, "");
        uint32_t touches = table[i].touches;
        assert_int_equal(seen_by_reader_after(bench, 0, touches - 1), 0);
        assert_int_equal(seen_by_reader_after(bench, touches - 1, touches), touches);
        assert_int_equal(seen_by_reader_after(bench, touches, touches + 1),
                         touches == 1 ? 2 : touches); /* as much is to come again */
        assert_int_equal(seen_by_reader_after(bench, touches + 1, 2 * touches), 2 * touches);
        bench_close(bench);
    }
}

/* prepare_scan_count(): before each pass, where enough is pending: up to 6.7 two batches of more
 * than 64 for one processor, whichever cgroup's they are; then as for readers; never from 6.12. */
static void test_reclaim_folds_in_what_is_worth_it(void **state)
{
    (void)state;
    static const struct {
        const char *kernel;
        uint32_t touches;
    } table[] = {{"v6.1", 33}, {"v6.8", 32}, {"v6.12", 0}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench *bench = open_cgroup(table[i].kernel, 1, "v2", "");
        uint32_t touches = table[i].touches;
        if (!touches) {
            assert_int_equal(seen_by_reclaim_after(bench, 0, 200), 0);
            bench_close(bench);
            continue;
        }
        assert_int_equal(seen_by_reclaim_after(bench, 0, touches - 1), 0);
        assert_int_equal(seen_by_reclaim_after(bench, touches - 1, touches), touches);
        assert_int_equal(seen_by_reclaim_after(bench, touches, touches + 1), touches);
        bench_close(bench);
    }
}

/* Up to 6.6 memcg_rstat_updated() takes zswap's charges by the byte; in cgroup v1 there are none.
 */
static void test_an_entry_is_worth_folding_in(void **state)
{
    (void)state;
    static const struct {
        const char *kernel, *cgroups;
        uint32_t bytes, seen;
    } table[] = {{"v6.1", "v2", 600, 1},
                 {"v6.1", "v2", 0, 0},
                 {"v6.1", "v1", 600, 0},
                 {"v6.8", "v2", 600, 0}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench *bench = open_cgroup(table[i].kernel, 1, table[i].cgroups, "");
        memcg_charge_object(bench->mm, &bench->exec, A, table[i].bytes);
        assert_int_equal(seen_by_reclaim_after(bench, 0, 1), table[i].seen);
        memcg_uncharge_object(bench->mm, &bench->exec, A, table[i].bytes);
        assert_int_equal(seen_by_reclaim_after(bench, 1, 2), 2 * table[i].seen);
        bench_close(bench);
    }
}

/* struct obj_stock: what is left of the last page serves the next objects, zswap's as well. */
static void test_what_stays_is_charged_from_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *cgroup, *version;
        uint32_t pages, stock;
    } table[] = {{"", "v2", 0, 0},
                 {"\"object_stock\": true", "v2", 1, PAGE_BYTES},
                 {"\"kernel_objects\": 5000", "v2", 2, 2 * PAGE_BYTES - 5000},
                 {"\"kernel_objects\": 8192", "v2", 2, 0},
                 {"\"kernel_objects\": 8192, \"object_stock\": true", "v2", 3, PAGE_BYTES},
                 {"\"kernel_objects\": 8192, \"object_stock\": true", "v1", 0, 0},
                 {"\"locked_memory\": \"8K\"", "v1", 2, 0},
                 {"\"locked_memory\": \"8K\", \"object_stock\": true", "v2", 3, PAGE_BYTES}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench *bench = open_cgroup("v6.1", 1, table[i].version, table[i].cgroup);
        struct memcg *memcg = &bench->mm->memcgs[A];
        uint32_t stocked = bench->mm->stocks[0].pages[0];
        assert_int_equal(memcg->usage - stocked, table[i].pages);
        assert_int_equal(memcg->object_stock_bytes, table[i].stock);
        memcg_charge_object(bench->mm, &bench->exec, A, 600);
        if (table[i].stock >= 600)
            assert_int_equal(stocked - bench->mm->stocks[0].pages[0], 0);
        memcg_uncharge_object(bench->mm, &bench->exec, A, 600);
        bench_close(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reader_may_be_in_vain),
        cmocka_unit_test(test_reclaim_folds_in_what_is_worth_it),
        cmocka_unit_test(test_an_entry_is_worth_folding_in),
        cmocka_unit_test(test_what_stays_is_charged_from_the_start),
        cmocka_unit_test(test_cgroups_of_v1_keep_their_swappiness),
        cmocka_unit_test(test_readahead_window),
        cmocka_unit_test(test_hits_before_the_run_open_a_window),
        cmocka_unit_test(test_high_penalty),
        cmocka_unit_test(test_inactive_is_low),
        cmocka_unit_test(test_watermarks),
        cmocka_unit_test(test_scan_size),
        cmocka_unit_test(test_anonymous_share),
        cmocka_unit_test(test_all_fits_faults_once_a_page),
        cmocka_unit_test(test_cyclic_scan_misses_every_access),
        cmocka_unit_test(test_disk_pages_are_scanned_again_after_their_write),
        cmocka_unit_test(test_zero_pages_take_neither_pool_nor_disk),
        cmocka_unit_test(test_free_drops_every_copy),
        cmocka_unit_test(test_swap_max_leaves_nothing_to_reclaim),
        cmocka_unit_test(test_writeback_off_never_writes),
        cmocka_unit_test(test_nodes_fill_in_zonelist_order),
        cmocka_unit_test(test_reclaim_and_limit_events),
        cmocka_unit_test(test_offline_moves_pages_to_the_parent),
        cmocka_unit_test(test_compressor_switch_makes_and_releases_pools),
        cmocka_unit_test(test_kswapd_gives_up),
        cmocka_unit_test(test_kswapd_that_frees_has_not_failed),
        cmocka_unit_test(test_kswapd_that_others_relieve_has_not_failed),
        cmocka_unit_test(test_limit_that_is_reached_exactly),
        cmocka_unit_test(test_limit_of_v1_moves_once_usage_fits),
        cmocka_unit_test(test_page_freed_in_a_batch_leaves_it),
        cmocka_unit_test(test_fairness_by_pages_and_by_stores),
        cmocka_unit_test(test_reserves_of_the_near_node),
        cmocka_unit_test(test_task_that_another_had_killed_is_gone),
        cmocka_unit_test(test_limit_below_what_can_be_freed_kills),
        cmocka_unit_test(test_windows_of_a_scan_follow_each_other),
        cmocka_unit_test(test_what_is_read_ahead_for_nothing_stays),
        cmocka_unit_test(test_kills_come_where_the_kernel_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

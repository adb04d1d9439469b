/* Programs that pause: bursts of accesses, memory.reclaim asked for by the task itself, sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "sim/base/random.h"
#include "sim/mm/memcg.h"
#include "tests/unit/cases.h"
#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

/* What vm.json says, in ns. */
enum { HIT = 5, RECLAIM_CALL = 2000, RECLAIM_PASS = 2750, RECLAIM_VISIT = 110, SWITCH = 1500 };
enum { WAKEUP = 27000 };
/* engine.quantum, and what the busy task of a test thinks before each access. */
enum { QUANTUM = 100000, THINK = 10000 };
/* Of each attempt: once from the shared cursor, and once over all cgroups. */
enum { ATTEMPTS = 17, PASSES = 2 * 13, MS = 1000000 };

#define HEAD(cpus, device, zswap)                                                                  \
    "{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": " #cpus                                       \
    ", \"nodes\": [{\"memory\": \"64M\"}]}, \"vm\": {\"page_cluster\": 0}, "                       \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\"" device "}]}, "                  \
    "\"zswap\": {" zswap "}, \"cgroups\": {\"/a\": {}, \"/b\": {}}, \"engine\": {"                 \
    "\"series_rows\": 0}, \"tasks\": ["
#define PAGES(n)                                                                                   \
    "\"workload\": {\"type\": \"steps\", \"seed\": 1, \"steps\": \"0:seq:0:" #n ":" #n ":100\"}, " \
    "\"content\": {\"type\": \"uniform\", \"length\": 1000}"

static uint64_t end_of(const char *text)
{
    struct run_result result;
    assert_true(run_config(text, CHECKS_SAMPLED, 1, &result));
    uint64_t end_ns = result.end_ns;
    run_result_release(&result);
    return end_ns;
}

/* Each sleep takes as long as it says, and nothing else: the processor is idle meanwhile. */
static void test_sleep_is_exact(void **state)
{
    (void)state;
    struct run_result result;
    uint64_t awake_ns =
        end_of(HEAD(1, "", "") "{\"name\": \"t\", \"cgroup\": \"/a\"," PAGES(100) "}]}");
    assert_true(run_config(HEAD(1, "", "") "{\"name\": \"t\", \"cgroup\": \"/a\", \"burst\": 10,"
                                           "\"burst_sleep\": \"3ms\"," PAGES(100) "}]}",
                           CHECKS_SAMPLED, 1, &result));
    assert_int_equal(result.end_ns, awake_ns + 10 * 3 * MS);
    assert_int_equal(result.cpu.idle_ns, 10 * 3 * MS);
    assert_int_equal(result.cpu.iowait_ns, 0);
    run_result_release(&result);
}

/* Two programs that sleep half of the time and work the other half share a processor: while
 * one sleeps, the other works.  If it kept the processor, they would take 40 ms. */
static void test_a_sleeper_leaves_its_processor(void **state)
{
    (void)state;
#define SLEEPER(name)                                                                              \
    "{\"name\": \"" name "\", \"cpu\": 0, \"think\": \"10us\", \"burst\": 100, "                   \
    "\"burst_sleep\": \"1ms\"," PAGES(1000) "}"
    uint64_t alone_ns = end_of(HEAD(1, "", "") SLEEPER("a") "]}");
    uint64_t both_ns = end_of(HEAD(1, "", "") SLEEPER("a") "," SLEEPER("b") "]}");
    uint64_t work_ns = alone_ns - 10 * MS; /* ten sleeps */
    assert_in_range(work_ns, 10 * MS, 15 * MS);
    /* No less than the work of both, and less than one after the other. */
    assert_in_range(both_ns, 2 * work_ns, 2 * work_ns + 8 * MS);
}

static void test_stop(void **state)
{
    (void)state;
    assert_int_equal(
        end_of(HEAD(1, "", "") "{\"name\": \"t\", \"start\": \"1ms\", \"stop\": \"7ms\", "
                               "\"burst\": 1, \"burst_sleep\": \"2500us\"," PAGES(100) "}]}"),
        7 * MS);
    /* In the middle of a burst: with the access that is under way. */
    assert_in_range(end_of(HEAD(1, "", "") "{\"name\": \"t\", \"stop\": \"7ms\", "
                                           "\"think\": \"30us\"," PAGES(1000) "}]}"),
                    7 * MS, 7 * MS + MS / 5);
    /* In the middle of hits, at the one that is under way. */
    assert_in_range(
        end_of(HEAD(1, "", "") "{\"name\": \"t\", \"stop\": \"7ms\", "
                               "\"think\": \"300ns\", \"workload\": {\"type\": "
                               "\"steps\", \"seed\": 1, \"steps\": \"0:seq:0:100:1000000:100\"}, "
                               "\"content\": {\"type\": \"uniform\", "
                               "\"length\": 1000}}]}"),
        7 * MS, 7 * MS + 400);
}

/* Nothing can be freed: 16 attempts, and another one after a drain. */
static void test_a_request_gives_up(void **state)
{
    (void)state;
    struct bench *bench = bench_open(BENCH_CONFIG("v6.18", "", TASK("/a", 1000)));
    struct reclaim_request request;
    uint32_t memcg = memcg_find(bench->mm, "/b"), attempts = 0, drains = 0;
    uint64_t start_ns = bench->exec.now_ns;
    reclaim_request_begin(&request, memcg, 1);
    for (;;) {
        enum reclaim_progress progress = reclaim_request_attempt(bench->mm, &bench->exec, &request);
        if (progress == RECLAIM_WANTS_DRAIN) {
            assert_int_equal(attempts, ATTEMPTS - 1);
            drains++;
            continue;
        }
        assert_int_equal(bench_count(bench, COUNTER_reclaim_in_vain), ++attempts);
        if (progress == RECLAIM_ENDED)
            break;
    }
    assert_int_equal(attempts, ATTEMPTS);
    assert_int_equal(drains, 1);
    assert_int_equal(request.reclaimed, 0);
    /* Each pass comes to /b and to /b/c. */
    assert_int_equal(bench->exec.now_ns - start_ns,
                     ATTEMPTS * (RECLAIM_CALL + PASSES * (RECLAIM_PASS + 2 * RECLAIM_VISIT)));
    bench_close(bench);
}

/* What is asked for is freed, not more than a cluster beyond it, and stored once. */
static void test_a_task_reclaims_its_own(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(HEAD(1, "", "") "{\"name\": \"t\", \"cgroup\": \"/a\", \"burst\": 500, "
                                           "\"burst_reclaim\": \"1M\"," PAGES(1000) "}]}",
                           CHECKS_FULL, 1, &result));
    assert_in_range(counted(&result, COUNTER_pgsteal_proactive), 2 * 256, 2 * (256 + 32));
    assert_int_equal(counted(&result, COUNTER_zswpout),
                     counted(&result, COUNTER_pgsteal_proactive));
    assert_int_equal(counted(&result, COUNTER_pgsteal_direct), 0);
    /* It is the task's own system time. */
    assert_int_equal(result.psi.some_us, 0);
    run_result_release(&result);
}

/* lru_add_drain_all() needs the processor of each batch: one that somebody else has keeps the
 * caller waiting for the rest of that one's slice. */
static void test_a_drain_waits_for_a_busy_processor(void **state)
{
    (void)state;
#define ASKER(cpu)                                                                                 \
    "{\"name\": \"t\", \"cgroup\": \"/a\", \"cpu\": " #cpu ", \"start\": \"10ms\", \"burst\": 1, " \
    "\"burst_reclaim\": \"4K\", \"burst_sleep\": \"100ms\"," PAGES(1) "}"
/* One page, in its processor's batch, and 60 ms of work. */
#define BUSY(cpu)                                                                                  \
    "{\"name\": \"busy\", \"cgroup\": \"/b\", \"cpu\": " #cpu ", \"think\": \"10us\", "            \
    "\"workload\": {\"type\": \"steps\", \"seed\": 1, \"steps\": \"0:seq:0:1:6000:100\"}}"
    struct run_result result;
    uint64_t took_ns[2];
    static const char *const texts[] = {
        HEAD(2, "", "") ASKER(0) "]}",
        HEAD(2, "", "") ASKER(0) "," BUSY(1) "]}",
    };
    for (unsigned i = 0; i < 2; i++) {
        assert_true(run_config(texts[i], CHECKS_FULL, 1, &result));
        took_ns[i] = result.end_ns - 110 * MS;
        run_result_release(&result);
    }
    uint64_t least_ns = ATTEMPTS * (RECLAIM_CALL + PASSES * RECLAIM_PASS);
    assert_in_range(took_ns[0], least_ns, least_ns + MS / 3);
    uint64_t waited_ns = took_ns[1] - took_ns[0];
    /* Both wake up; a turn of the other task may be under way when its slice ends. */
    assert_in_range(waited_ns, 2 * WAKEUP,
                    PROCESSOR_SLICE_NS + QUANTUM + 2 * WAKEUP + 3 * SWITCH + 2 * THINK);
    /* Another slice: 11.18 ms are in the first of 40 ms, and the end of that is waited for. */
    assert_true(run_config("{\"kernel\": \"v6.18\", \"machine\": {\"cpus\": 2, \"time_slice\": "
                           "\"40ms\", \"nodes\": [{\"memory\": \"64M\"}]}, \"vm\": "
                           "{\"page_cluster\": 0}, \"cgroups\": {\"/a\": {}, \"/b\": {}}, "
                           "\"tasks\": [" ASKER(0) "," BUSY(1) "]}",
                           CHECKS_FULL, 1, &result));
    waited_ns = result.end_ns - 110 * MS - took_ns[0];
    run_result_release(&result);
    assert_in_range(waited_ns, 28 * MS, 29 * MS);
}

/* A page that zswap takes is free at once; one that goes to the disk is free when its write
 * has ended, and until then the program asks again: its loop is as much slower. */
static uint64_t pages_in_700_ms(const char *text)
{
    struct run_result result;
    assert_true(run_config(text, CHECKS_SAMPLED, 1, &result));
    uint64_t pages = counted(&result, COUNTER_accesses);
    assert_in_range(counted(&result, COUNTER_zswpout) + counted(&result, COUNTER_refused_stores),
                    pages - 2, pages);
    run_result_release(&result);
    return pages;
}

#define LOOP(tries)                                                                                \
    "{\"name\": \"t\", \"cgroup\": \"/a\", \"stop\": \"700ms\", \"burst\": 1, "                    \
    "\"burst_reclaim\": \"4K\", \"burst_tries\": " tries                                           \
    ", \"burst_sleep\": \"2ms\"," PAGES(2000) "}]}"

static void test_a_loop_closes_over_the_disk(void **state)
{
    (void)state;
#define SLOW ", \"write_latency\": \"5ms\""
    uint64_t stored = pages_in_700_ms(HEAD(1, SLOW, "") LOOP("1000"));
    uint64_t refused = pages_in_700_ms(HEAD(1, SLOW, "\"enabled\": false") LOOP("1000"));
    uint64_t quick = pages_in_700_ms(HEAD(1, "", "\"enabled\": false") LOOP("1000"));
    uint64_t impatient = pages_in_700_ms(HEAD(1, SLOW, "\"enabled\": false") LOOP("1"));
    /* The page is in its processor's batch: 16 attempts, 73.5 us each, do not see it.  After the
     * drain the 17th finds it young in its first 13 passes, and takes it in its second.  The fault,
     * the store and two switches are less than 20 us; a write that has ended is seen at the next
     * attempt. */
    enum { CYCLE = 2000 + 17 * 735 / 10, WRITE = 5000, ATTEMPT = 74, REST = 30 };
    assert_in_range(stored, 700000 / (CYCLE + 20), 700000 / CYCLE);
    assert_in_range(refused, 700000 / (CYCLE + WRITE + ATTEMPT + REST),
                    700000 / (CYCLE + WRITE) + 1);
    assert_in_range(quick, 700000 / (CYCLE + ATTEMPT + REST), 700000 / (CYCLE + 20));
    /* One request gives up after 17 attempts. */
    assert_true(impatient > 2 * refused);
}

/* Whatever kernel: tasks that share processors and a limit, some of which reclaim by
 * themselves, and pages are where they are kept. */
static void test_invariants_hold(void **state)
{
    (void)state;
    static const char *const kernels[] = {"v6.1", "v6.5", "v6.8", "v6.12", "v6.18", "v7.3"};
    uint64_t random = 77, proactive = 0, in_vain = 0;
    for (unsigned i = 0; i < CASES(36, 6); i++) {
        char text[2048];
        int used = snprintf(text, sizeof(text),
                            "{\"kernel\": \"%s\", \"machine\": {\"cpus\": 2, \"nodes\": "
                            "[{\"memory\": \"64M\"}]}, \"vm\": {\"page_cluster\": 0%s}, \"swap\": "
                            "{\"devices\": [{\"name\": \"d\", \"size\": \"64M\", "
                            "\"write_latency\": \"%" PRIu64 "us\"}]}, \"zswap\": "
                            "{\"max_pool_percent\": 1}, \"cgroups\": {\"/a\": "
                            "{\"memory.max\": \"2M\"}, \"/a/b\": {}}, \"tasks\": [",
                            kernels[i % 6], i % 4 == 3 ? ", \"reclaim\": \"mglru\"" : "",
                            1 + random_below(&random, 3000));
        for (unsigned t = 0; t < 3; t++)
            used += snprintf(
                text + used, sizeof(text) - (size_t)used,
                "%s{\"name\": \"t%u\", \"cgroup\": \"%s\", \"cpu\": %u, \"stop\": \"60ms\", "
                "\"burst\": %" PRIu64 ", \"burst_reclaim\": \"%" PRIu64 "K\", \"burst_tries\": "
                "%" PRIu64 ", \"burst_sleep\": \"%" PRIu64
                "us\", \"workload\": {\"type\": \"steps\","
                "\"seed\": %u, \"steps\": \"0:rand:0:600:6000:60\"}, \"content\": {\"type\": "
                "\"uniform\", \"length\": %" PRIu64 "}}",
                t ? ", " : "", t, t ? "/a/b" : "/a", t % 2, random_below(&random, 300),
                random_below(&random, 200) * 4, 1 + random_below(&random, 4),
                random_below(&random, 3000), i, 100 + random_below(&random, 3900));
        snprintf(text + used, sizeof(text) - (size_t)used, "]}");
        struct run_result result;
        assert_true(run_config(text, CHECKS_FULL, i, &result));
        proactive += counted(&result, COUNTER_pgsteal_proactive);
        in_vain += counted(&result, COUNTER_reclaim_in_vain);
        run_result_release(&result);
    }
    assert_true(proactive > CASES(36, 6) * 100);
    assert_true(in_vain > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleep_is_exact),
        cmocka_unit_test(test_a_sleeper_leaves_its_processor),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_a_request_gives_up),
        cmocka_unit_test(test_a_task_reclaims_its_own),
        cmocka_unit_test(test_a_drain_waits_for_a_busy_processor),
        cmocka_unit_test(test_a_loop_closes_over_the_disk),
        cmocka_unit_test(test_invariants_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

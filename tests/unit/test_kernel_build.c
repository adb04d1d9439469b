/* The build workload: what its processes do, and files that tasks share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "tests/unit/run_config.h"
#include "workloads/generators/generators.h"

enum { PROCESS, OBJECTS, SOURCES };

/* 8 compilers and a linker: a mean of 256 pages, 8 pages of sources, objects of 2. */
static struct workload *try_to_open(uint64_t seed, uint64_t file_pages, bool long_lives,
                                    struct diagnostics *errors)
{
    struct {
        uint64_t processes, process, touches;
        bool long_lives;
        uint64_t newest_percent, recency, sources, file;
        uint64_t source_percent;
        double exponent;
        uint64_t object, exec_ns;
    } params = {8,        256 * 4096,        4,  long_lives, 96,       1,
                8 * 4096, file_pages * 4096, 25, 0.9,        2 * 4096, 1000000};
    struct source_position position = {0};
    assert_int_equal(workload_kernel_build.params.struct_bytes, sizeof(params));
    return workload_kernel_build.open(&params, seed, &position, errors);
}

static struct workload *open_build(uint64_t seed)
{
    struct diagnostics errors = {0};
    struct workload *workload = try_to_open(seed, 2, true, &errors);
    assert_non_null(workload);
    return workload;
}

static int by_size(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

/* Every process writes its pages in order, frees all of them in order at its end and
 * uses nothing that it does not have; objects are written once and read once; files are
 * read from their beginning to their end, unless the process ends first. */
static void test_lives_of_processes(void **state)
{
    (void)state;
    struct workload *workload = open_build(7);
    assert_int_equal(workload->spaces, 3);
    assert_int_equal(workload->file_spaces, 2);
    assert_int_equal(workload->shared_spaces, 1);
    assert_int_equal(workload->space_pages[PROCESS], 256 * 2111 / 1024);
    assert_int_equal(workload->space_pages[OBJECTS], 16);
    assert_int_equal(workload->space_pages[SOURCES], 8);
    struct workload_cursor cursor = {.workload = workload};
    assert_true(workload_kernel_build.start(&cursor));
    const struct access *block;
    uint64_t records = 0, own = 0, sources = 0, lives = 0, writes = 0;
    uint32_t have = 0, freed = 0, written = 0, read = 0, sizes[9] = {0}, touches[9] = {0};
    uint32_t last_source = 1;
    for (uint32_t n; (n = workload_kernel_build.next(&cursor, &block)) > 0; records += n)
        for (uint32_t i = 0; i < n; i++) {
            if (block[i].space == SOURCES) {
                assert_int_equal(block[i].op, ACCESS_READ);
                assert_true(block[i].page < 8);
                if (block[i].page % 2)
                    assert_int_equal(block[i].page, last_source + 1);
                last_source = block[i].page;
                sources++;
                touches[lives]++;
            } else if (block[i].space == OBJECTS) {
                if (block[i].op == ACCESS_WRITE)
                    assert_int_equal(block[i].page, written++);
                else
                    assert_int_equal(block[i].page, read++);
            } else if (block[i].op == ACCESS_FREE) {
                assert_int_equal(block[i].page, freed++);
                if (freed == have) {
                    sizes[lives++] = have;
                    have = freed = 0;
                }
            } else {
                assert_int_equal(freed, 0);
                if (block[i].page == have)
                    assert_int_equal(block[i].op, ACCESS_WRITE);
                assert_true(block[i].page <= have);
                writes += block[i].page < have && block[i].op == ACCESS_WRITE;
                have += block[i].page == have;
                own++;
                touches[lives]++;
            }
        }
    workload_kernel_build.stop(&cursor);
    assert_int_equal(records, workload->accesses);
    assert_int_equal(workload->process_ns, 1000000);
    assert_int_equal(lives, 9);
    assert_int_equal(written, 16);
    assert_int_equal(read, 16);
    /* All eight sizes once, then the linker. */
    uint64_t pages = 0;
    for (uint32_t i = 0; i < 8; i++)
        pages += sizes[i];
    assert_int_equal(pages, 101 + 144 + 177 + 209 + 244 + 289 + 354 + 527);
    pages += sizes[8];
    /* A quarter of the accesses after each first one, and of the rest half are writes. */
    uint64_t later = own + sources - pages;
    assert_true(sources > later * 23 / 100 && sources < later * 27 / 100);
    assert_true(writes > (later - sources) * 48 / 100 && writes < (later - sources) * 52 / 100);
    /* How often a process uses each of its pages: eight values with a mean of 4. */
    static const uint32_t expected[8] = {1, 1, 1, 2, 3, 4, 6, 14};
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(touches[i] % sizes[i], 0);
        touches[i] /= sizes[i];
    }
    qsort(touches, 8, sizeof(*touches), by_size);
    assert_memory_equal(touches, expected, sizeof(expected));
    workload_kernel_build.close(workload);
}

static void test_files_divide_the_sources(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    assert_null(try_to_open(1, 3, true, &errors));
    assert_int_equal(errors.count, 1);
    diagnostics_release(&errors);
}

/* Other accesses have another fingerprint: by it runs are known to have had the same input. */
static void test_fingerprints_differ_by_lives(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    struct workload *short_lives = try_to_open(1, 2, false, &errors), *long_lives = open_build(1);
    assert_string_not_equal(short_lives->fingerprint, long_lives->fingerprint);
    workload_kernel_build.close(short_lives);
    workload_kernel_build.close(long_lives);
}

static void test_fingerprints_differ_by_seed(void **state)
{
    (void)state;
    struct workload *one = open_build(1), *two = open_build(2), *again = open_build(1);
    assert_string_equal(one->fingerprint, again->fingerprint);
    assert_string_not_equal(one->fingerprint, two->fingerprint);
    workload_kernel_build.close(one);
    workload_kernel_build.close(two);
    workload_kernel_build.close(again);
}

#define BUILD_WITH(count, memory, swap, more)                                                      \
    "{\"kernel\": \"v6.9\", \"machine\": {\"cpus\": 4, \"nodes\": [{\"memory\": \"64M\"}]},"       \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"" swap "\"}]},"                        \
    "\"cgroups\": {\"/build\": {\"memory.max\": \"" memory "\"}},"                                 \
    "\"tasks\": [{\"name\": \"job\", \"cgroup\": \"/build\", \"count\": " count ","                \
    "\"workload\": {\"type\": \"kernel_build\", \"processes\": 4, \"process\": \"2M\","            \
    "\"sources\": \"1M\", \"source_percent\": 20, \"exponent\": 0, \"object\": \"64K\"" more       \
    "},\"content\": {\"type\": \"uniform\", \"length\": 1360}}]}"

#define BUILD(count, memory, swap) BUILD_WITH(count, memory, swap, "")

/* The second mark makes a page of a file active: all sources, which are read again and
 * again, and all objects, which are written and then read.  Memory of processes, which
 * nobody scans here, never is. */
static void test_files_become_active(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(BUILD("1", "max", "64M"), CHECKS_FULL, 1, &result));
    assert_int_equal(counted(&result, COUNTER_pgactivate), 256 + 64);
    run_result_release(&result);
}

static void test_processes_cost_time(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(
        run_config(BUILD_WITH("2", "max", "64M", ",\"exec\": \"3ms\""), CHECKS_OFF, 1, &result));
    assert_int_equal(result.time_ns[TIME_process], 2 * 5 * 3000000);
    run_result_release(&result);
}

#define COPIES_KEPT(stops)                                                                         \
    "{\"kernel\": \"v6.8\", \"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"64M\"}]},"       \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\"}]},"                             \
    "\"zswap\": {\"shrinker_enabled\": true, \"stop_at_swap_cache\": " stops "},"                  \
    "\"cgroups\": {\"/build\": {\"memory.max\": \"4M\"}},"                                         \
    "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/build\","                                        \
    "\"workload\": {\"type\": \"zipf\", \"footprint\": \"8M\", \"accesses\": 200000,"              \
    "\"exponent\": 0.8, \"write_percent\": 0, \"fill\": true},"                                    \
    "\"content\": {\"type\": \"uniform\", \"length\": 1360}}]}"

/* A walk that meets a page in the swap cache ends there from 6.9, so that it meets one; in
 * 6.8 with its batch.  In both do_shrink_slab() does not count that batch as scanned. */
static void test_walks_that_meet_the_swap_cache(void **state)
{
    (void)state;
    struct run_result goes_on, ends;
    assert_true(run_config(COPIES_KEPT("false"), CHECKS_SAMPLED, 1, &goes_on));
    assert_true(run_config(COPIES_KEPT("true"), CHECKS_SAMPLED, 1, &ends));
    assert_true(counted(&ends, COUNTER_reject_reclaim_fail) > 0);
    assert_true(counted(&goes_on, COUNTER_reject_reclaim_fail) >
                2 * counted(&ends, COUNTER_reject_reclaim_fail));
    assert_true(counted(&goes_on, COUNTER_slabs_scanned) <
                counted(&goes_on, COUNTER_zswap_entries_scanned));
    assert_true(counted(&ends, COUNTER_slabs_scanned) <
                counted(&ends, COUNTER_zswap_entries_scanned));
    run_result_release(&goes_on);
    run_result_release(&ends);
}

/* What is left in the end is files: the objects of each job, and the sources once. */
static void test_jobs_share_sources(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(BUILD("1", "max", "64M"), CHECKS_FULL, 1, &result));
    assert_int_equal(gauge(&result, GAUGE_resident_pages), 256 + 64);
    run_result_release(&result);
    assert_true(run_config(BUILD("4", "max", "64M"), CHECKS_FULL, 1, &result));
    assert_int_equal(gauge(&result, GAUGE_resident_pages), 256 + 4 * 64);
    run_result_release(&result);
}

/* A process that ends takes its entries with it: under pressure most of what is
 * stored is never loaded, and nothing is left but files. */
static void test_exit_frees_entries(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(BUILD("4", "6M", "64M"), CHECKS_SAMPLED, 1, &result));
    uint64_t stored = counted(&result, COUNTER_zswpout), loaded = counted(&result, COUNTER_zswpin);
    assert_true(stored > 1000);
    assert_true(counted(&result, COUNTER_zswap_invalidated) + loaded <= stored);
    assert_int_equal(counted(&result, COUNTER_oom_kill), 0);
    assert_true(gauge(&result, GAUGE_resident_pages) + gauge(&result, GAUGE_stored_pages) <=
                256 + 4 * 64);
    run_result_release(&result);
}

/* Sixteen tasks at a limit that want the same pages of a file at the same time: while one's
 * charge reclaims, others populate its page, or take it in from swap.  Each page is charged
 * and listed once, and gives its slot back once. */
static void test_tasks_meet_at_a_page(void **state)
{
    (void)state;
    static const char config[] =
        "{\"kernel\": \"v6.9\", \"machine\": {\"cpus\": 8, \"nodes\": [{\"memory\": \"64M\"}]},"
        "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"256M\","
        "\"write_latency\": \"200us\"}]}, \"zswap\": {\"shrinker_enabled\": true},"
        "\"cgroups\": {\"/build\": {\"memory.max\": \"6M\"}},"
        "\"tasks\": [{\"name\": \"job\", \"cgroup\": \"/build\", \"count\": 16,"
        "\"workload\": {\"type\": \"kernel_build\", \"processes\": 1, \"process\": \"1M\","
        "\"sources\": \"8M\", \"source_percent\": 60, \"exponent\": 0.3, \"object\": \"64K\"},"
        "\"content\": {\"type\": \"uniform\", \"length\": 3000}}]}";
    struct run_result result;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        assert_true(run_config(config, CHECKS_SAMPLED, seed, &result));
        assert_true(counted(&result, COUNTER_first_touch) <= 16 * 2 * 528 + 2048 + 16 * 16);
        run_result_release(&result);
    }
}

/* The killer takes a process; its files stay, and what others share with it. */
static void test_killer_spares_files(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(BUILD("4", "4M", "1M"), CHECKS_SAMPLED, 1, &result));
    assert_true(counted(&result, COUNTER_oom_kill) > 0);
    assert_true(counted(&result, COUNTER_oom_kill) <= 4);
    run_result_release(&result);
}

#define FILES_SWAPPED(cluster, rotational)                                                         \
    "{\"kernel\": \"v6.9\", \"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"64M\"}]},"       \
    "\"vm\": {\"page_cluster\": " cluster "},"                                                     \
    "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\", \"rotational\": " rotational    \
    "}]}, \"cgroups\": {\"/build\": {\"memory.max\": \"4M\"}},"                                    \
    "\"tasks\": [{\"name\": \"job\", \"cgroup\": \"/build\","                                      \
    "\"workload\": {\"type\": \"kernel_build\", \"processes\": 1600, \"process\": \"64K\", "       \
    "\"touches\": 4,"                                                                              \
    "\"sources\": \"6M\", \"file\": \"64K\", \"source_percent\": 96, \"exponent\": 0.3,"           \
    "\"object\": \"4K\"}, \"content\": {\"type\": \"uniform\", \"length\": 1360}}]}"

/* Pages of files are read ahead by slot on any device: where little else is swapped in, one
 * that is not rotational sees what one sees that is.  Whole files are evicted together, in
 * order, so that most of what comes in is wanted. */
static void test_files_are_read_ahead(void **state)
{
    (void)state;
    struct run_result solid, rotational, alone;
    assert_true(run_config(FILES_SWAPPED("3", "false"), CHECKS_FULL, 1, &solid));
    assert_true(run_config(FILES_SWAPPED("3", "true"), CHECKS_FULL, 1, &rotational));
    assert_true(run_config(FILES_SWAPPED("0", "false"), CHECKS_FULL, 1, &alone));
    assert_true(counted(&solid, COUNTER_swap_ra) > 1000);
    assert_true(counted(&solid, COUNTER_swap_ra_hit) > counted(&solid, COUNTER_swap_ra) / 2);
    assert_true(counted(&solid, COUNTER_swap_ra) >
                counted(&rotational, COUNTER_swap_ra) * 98 / 100);
    assert_true(counted(&solid, COUNTER_swap_ra) <
                counted(&rotational, COUNTER_swap_ra) * 102 / 100);
    assert_int_equal(counted(&alone, COUNTER_swap_ra), 0);
    assert_true(counted(&alone, COUNTER_pgmajfault) > 2 * counted(&solid, COUNTER_pgmajfault));
    run_result_release(&solid);
    run_result_release(&rotational);
    run_result_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives_of_processes),
        cmocka_unit_test(test_files_divide_the_sources),
        cmocka_unit_test(test_fingerprints_differ_by_seed),
        cmocka_unit_test(test_fingerprints_differ_by_lives),
        cmocka_unit_test(test_files_become_active),
        cmocka_unit_test(test_processes_cost_time),
        cmocka_unit_test(test_walks_that_meet_the_swap_cache),
        cmocka_unit_test(test_jobs_share_sources),
        cmocka_unit_test(test_exit_frees_entries),
        cmocka_unit_test(test_tasks_meet_at_a_page),
        cmocka_unit_test(test_killer_spares_files),
        cmocka_unit_test(test_files_are_read_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

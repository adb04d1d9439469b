/* Disks in a run: what their books say beside the counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/swap/device.h"
#include "tests/unit/run_config.h"

/* zswap off: everything goes to the disk, a page at a time or merged. */
static void run(const char *device, uint64_t seed, struct run_result *result)
{
    char text[2000];
    snprintf(text, sizeof(text),
             "{\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"64M\"}]},"
             "\"cgroups\": {\"/a\": {\"memory.max\": \"6M\"}}, \"zswap\": {\"enabled\": false},"
             "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\"%s}]},"
             "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": "
             "{\"type\": \"uniform\", \"footprint\": \"12M\", \"accesses\": 20000}}]}",
             device);
    assert_true(run_config(text, CHECKS_SAMPLED, seed, result));
}

static void check_books(const struct run_result *result)
{
    assert_int_equal(result->device_count, 1);
    const struct device_result *device = &result->devices[0];
    assert_int_equal(device->reads, counted(result, COUNTER_disk_reads));
    assert_int_equal(device->writes + device->merged, counted(result, COUNTER_disk_writes));
    assert_int_equal(device->read_latency.count, device->reads);
    assert_int_equal(device->write_latency.count, device->writes);
    assert_in_range(device->util_ppm, 1, 1000000);
    assert_int_equal(result->disk.util_ppm, device->util_ppm);
    assert_int_equal(result->disk.merged, device->merged);
    /* Little's law: requests under way are requests times their time, over time. */
    uint64_t sum = device->read_latency.sum + device->write_latency.sum;
    assert_int_equal(device->queue_milli, sum * 1000 / result->end_ns);
    assert_int_equal(result->disk.read_mean_ns, device->read_latency.sum / device->reads);
}

static void test_books(void **state)
{
    (void)state;
    struct run_result single, merged;
    run("", 1, &single);
    check_books(&single);
    assert_int_equal(single.devices[0].merged, 0);
    run(", \"merge\": true", 1, &merged);
    check_books(&merged);
    /* A reclaim of 32 pages writes slots next to each other. */
    assert_true(merged.devices[0].merged > merged.devices[0].writes);
    run_result_release(&single);
    run_result_release(&merged);
}

/* The same seed draws the same latencies, another one others. */
static void test_random_latencies(void **state)
{
    (void)state;
    static const char *const devices[] = {
        ", \"latency_distribution\": \"exponential\"",
        ", \"latency_distribution\": \"lognormal\", \"latency_p99_ratio\": 8",
        ", \"latency_distribution\": \"table\", \"latency_table\": [[0, 0.5], [99, 1.2], [100, 9]]",
    };
    struct run_result a, b, c;
    for (unsigned i = 0; i < 3; i++) {
        run(devices[i], 1, &a);
        run(devices[i], 1, &b);
        run(devices[i], 2, &c);
        check_books(&a);
        assert_int_equal(a.end_ns, b.end_ns);
        assert_int_equal(a.devices[0].read_latency.sum, b.devices[0].read_latency.sum);
        assert_int_not_equal(a.devices[0].read_latency.most, c.devices[0].read_latency.most);
        assert_true(a.devices[0].read_latency.most > 3 * 65000);
        run_result_release(&a);
        run_result_release(&b);
        run_result_release(&c);
    }
}

/* Requests of one moment follow each other by their overhead, each with its whole latency. */
static void test_overhead_comes_before_latency(void **state)
{
    (void)state;
    enum { LATENCY = 45000, OVERHEAD = 8500, REQUESTS = 5 };
    const struct swap_device_config config = {.write_latency_ns = LATENCY,
                                              .request_overhead_ns = OVERHEAD,
                                              .bandwidth_bytes_per_s = 1ull << 40,
                                              .queue_depth = 32,
                                              .size = 1 << 20};
    struct device device = {0};
    uint64_t submitted_ns;
    device_init(&device, NULL, &config, 1);
    for (uint64_t i = 1; i <= REQUESTS; i++)
        assert_int_equal(device_submit(&device, true, 1, 1000, &submitted_ns),
                         1000 + i * OVERHEAD + LATENCY);
    /* Later, when it has nothing to do. */
    assert_int_equal(device_submit(&device, true, 1, 900000, &submitted_ns),
                     900000 + OVERHEAD + LATENCY);
    device_release(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_books),
        cmocka_unit_test(test_random_latencies),
        cmocka_unit_test(test_overhead_comes_before_latency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

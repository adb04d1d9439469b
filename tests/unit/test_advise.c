/* Advice: the front, the choice, and devices from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/experiment/advise.h"

static struct advise_point point(double fault, double cpu, double saved, double writes)
{
    struct advise_measure of = {
        .fault_ns = fault, .cpu_ns = cpu, .saved_bytes = saved, .device_writes = writes};
    return (struct advise_point){.mean = of, .first = of, .draws = 1};
}

static void test_front(void **state)
{
    (void)state;
    struct advise_point points[] = {
        point(100, 50, 10, 10),    /* beaten by the next in time, equal otherwise */
        point(90, 50, 10, 10),     /* front */
        point(200, 20, 10, 10),    /* front: CPU */
        point(200, 60, 30, 10),    /* front: memory */
        point(200, 60, 10, 1),     /* front: writes */
        point(90.5, 50, 10, 10),   /* as good as the second to 1 %: front */
        point(91.5, 50.1, 10, 10), /* not quite */
        point(1, 1, 100, 0),       /* its task was killed */
    };
    static const bool expected[] = {false, true, true, true, true, true, false, false};
    points[7].killed = true;
    advise_find_front(points, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(points[i].on_front, expected[i]);
}

static void test_front_without_repetitions(void **state)
{
    (void)state;
    struct advise_point points[] = {point(90, 50, 10, 10), point(90, 50, 10, 10)};
    /* The first has been run again, with other draws. */
    points[0].mean.fault_ns = 90.3;
    points[0].draws = 3;
    advise_find_front(points, 2);
    assert_true(points[0].on_front);
    assert_false(points[1].on_front);
}

/* Run again, the best has become slower than its twin and than its neighbour were in one run. */
static void test_front_of_unequal_draws(void **state)
{
    (void)state;
    struct advise_point points[] = {
        point(1763, 1763, 21, 0),
        point(1763, 1763, 21, 0),
        point(1760, 1760, 21, 0),
        point(2560, 1050, 0, 68654),
    };
    points[0].mean.fault_ns = points[0].mean.cpu_ns = 1798;
    points[0].draws = points[3].draws = 3;
    advise_find_front(points, 4);
    assert_true(points[0].on_front);
    assert_true(points[1].repeats && !points[1].on_front);
    assert_true(points[2].on_front);
    assert_int_equal(advise_choose(points, 4, 3), 0);
    /* A twin of what is beaten when both are run again is no better. */
    points[3] = point(1700, 1700, 30, 0);
    points[3].first = points[0].first;
    points[3].first.saved_bytes = 22;
    points[3].draws = 3;
    advise_find_front(points, 4);
    assert_false(points[0].on_front || points[1].on_front);
    assert_int_equal(advise_choose(points, 4, 3), 3);
}

static void test_pool(void **state)
{
    (void)state;
    struct advise_request request = {.limit_bytes = 392 << 10, .memory_bytes = 392 << 10};
    struct advise_setting setting = {.zswap = true, .pool_percent = 50};
    assert_int_equal(advise_pool_bytes(&request, &setting), 196 << 10);
    request.memory_bytes = UINT64_MAX / PAGE_BYTES * PAGE_BYTES;
    assert_int_equal(advise_pool_bytes(&request, &setting), 392 << 10);
    request.memory_bytes = 101 << 12;
    setting.pool_percent = 10;
    assert_int_equal(advise_pool_bytes(&request, &setting), 10 << 12);
}

static void test_choice(void **state)
{
    (void)state;
    struct advise_point points[] = {
        point(100, 50, 0, 1000), point(104, 60, 0, 500), point(104, 55, 0, 510),
        point(120, 1, 0, 0),     point(99, 90, 0, 2000),
    };
    assert_int_equal(advise_choose(points, 5, 1), UINT32_MAX); /* nothing on the front yet */
    for (unsigned i = 0; i < 5; i++)
        points[i].on_front = true;
    /* 99 to 103.95: the first has fewer writes than the last. */
    assert_int_equal(advise_choose(points, 5, 1), 0);
    /* Up to 105 without the last; writes of the next two are near, CPU time decides. */
    points[4].draws = 0;
    assert_int_equal(advise_choose(points, 5, 1), 2);
    assert_int_equal(advise_choose(points, 5, 3), UINT32_MAX);
    points[3].draws = 3;
    assert_int_equal(advise_choose(points, 5, 3), 3);
}

static void test_names(void **state)
{
    (void)state;
    char text[96];
    struct advise_setting setting = {true, "zstd", 20, 90, true, false, 3};
    advise_setting_print(&setting, text, sizeof(text));
    assert_string_equal(text, "zstd pool 20% accept 90% shrinker no writeback readahead");
    setting.zswap = false;
    advise_setting_print(&setting, text, sizeof(text));
    assert_string_equal(text, "no zswap readahead");
}

/* ---- devices ------------------------------------------------------------------------ */

static bool read_text(const char *text, struct advise_device *device, char message[256])
{
    char path[] = "/tmp/zsim-test-XXXXXX.json";
    struct arena arena = {0};
    struct diagnostics errors = {0};
    int file = mkstemps(path, 5);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    bool good = advise_device_read(path, device, &arena, &errors);
    unlink(path);
    assert_int_equal(good, errors.count == 0);
    snprintf(message, 256, "%s", good ? "" : diagnostics_text(&errors, 0));
    diagnostics_release(&errors);
    device->name = device->source = NULL; /* lived in the arena */
    arena_release(&arena);
    return good;
}

static void test_typical_devices(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct diagnostics errors = {0};
    struct advise_device device;
    assert_true(advise_device_read("nvme", &device, &arena, &errors));
    assert_true(device.assumed && !device.rotational);
    assert_int_equal(device.read_latency_ns, 65000);
    assert_true(advise_device_read("hdd", &device, &arena, &errors));
    assert_true(device.rotational);
    assert_false(advise_device_read("nvm", &device, &arena, &errors));
    assert_non_null(strstr(diagnostics_text(&errors, 0), "did you mean \"nvme\""));
    diagnostics_release(&errors);
    arena_release(&arena);
}

static void test_own_format(void **state)
{
    (void)state;
    struct advise_device device;
    char message[256];
    assert_true(read_text("{\"schema\": \"zsim.device/1\", \"name\": \"x\", \"read_latency\": "
                          "\"80us\", \"write_latency\": \"1.5ms\", \"bandwidth\": \"1G\", "
                          "\"queue_depth\": 4, \"rotational\": true}",
                          &device, message));
    assert_int_equal(device.read_latency_ns, 80000);
    assert_int_equal(device.write_latency_ns, 1500000);
    assert_int_equal(device.bandwidth_bytes_per_s, 1 << 30);
    assert_int_equal(device.queue_depth, 4);
    assert_true(device.rotational && !device.assumed);
    static const char *const broken[][2] = {
        {"{\"schema\": \"zsim.device/1\", \"read_latency\": 80}", "a time such as"},
        {"{\"schema\": \"zsim.device/1\", \"read_latecny\": \"8us\"}",
         "did you mean \"read_latency\""},
        {"{\"schema\": \"zsim.device/1\", \"read_latency\": \"8us\"}", "needs \"read_latency\""},
        {"{\"schema\": \"zsim.device/2\"}", "neither"},
        {"{\"schema\": \"zsim.device/1\", \"queue_depth\": 0}", "1..65536"},
        {"[1]", "neither"},
        {"{", "error"},
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_false(read_text(broken[i][0], &device, message));
        assert_non_null(strstr(message, broken[i][1]));
    }
}

/* What fio 3 prints for two jobs, cut to what is read. */
static const char fio[] =
    "{\"fio version\": \"fio-3.33\", \"global options\": {\"bs\": \"4k\"}, \"jobs\": ["
    "{\"jobname\": \"lat\", \"job options\": {\"rw\": \"randread\", \"iodepth\": \"1\"},"
    " \"read\": {\"total_ios\": 1000, \"bw_bytes\": 50000000, \"clat_ns\": {\"mean\": 90000.5,"
    "  \"percentile\": {\"50.000000\": 78336, \"99.000000\": 200000}}},"
    " \"write\": {\"total_ios\": 0, \"bw_bytes\": 0, \"clat_ns\": {\"mean\": 0}}},"
    "{\"jobname\": \"w\", \"job options\": {\"rw\": \"randwrite\", \"iodepth\": \"2\"},"
    " \"read\": {\"total_ios\": 0, \"clat_ns\": {\"mean\": 0}},"
    " \"write\": {\"total_ios\": 500, \"bw_bytes\": 40000000, \"clat_ns\": {\"mean\": 25000.0}}},"
    "{\"jobname\": \"bw\", \"job options\": {\"rw\": \"randread\", \"iodepth\": \"64\"},"
    " \"read\": {\"total_ios\": 9000, \"bw_bytes\": 1900000000, \"clat_ns\": {\"mean\": 130000.0,"
    "  \"percentile\": {\"50.000000\": 120000}}}}]}";

static void test_fio(void **state)
{
    (void)state;
    struct advise_device device;
    char message[256];
    assert_true(read_text(fio, &device, message));
    assert_int_equal(device.read_latency_ns, 78336); /* of iodepth 1, not of 64 */
    assert_int_equal(device.write_latency_ns, 25000);
    assert_int_equal(device.bandwidth_bytes_per_s, 1900000000);
    assert_int_equal(device.queue_depth, 64);
    assert_int_equal(device.measured_at_depth, 2);
    assert_false(read_text("{\"jobs\": []}", &device, message));
    assert_non_null(strstr(message, "no reads"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_front),
        cmocka_unit_test(test_front_without_repetitions),
        cmocka_unit_test(test_front_of_unequal_draws),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_typical_devices),
        cmocka_unit_test(test_own_format),
        cmocka_unit_test(test_fio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

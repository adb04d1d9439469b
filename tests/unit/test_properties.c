/* Random configs: whatever is asked, the books balance.
 *
 * Each case is drawn from a seed: machine, kernel, cgroup tree, limits, tasks,
 * contents, devices and events.  The run must finish with every invariant
 * intact, and what the kernel's counters promise of each other must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "tests/unit/run_config.h"

enum { CASES = 200, TEXT_BYTES = 16384 };

struct draw {
    uint64_t random;
    char *text;
    size_t used;
    bool files; /* tasks on a block device, too */
};

static uint64_t below(struct draw *draw, uint64_t n)
{
    return random_below(&draw->random, n);
}

static const char *one_of(struct draw *draw, const char *const *names, size_t count)
{
    return names[below(draw, count)];
}
#define ONE_OF(draw, ...)                                                                          \
    one_of(draw, (const char *const[]){__VA_ARGS__},                                               \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void put(struct draw *draw, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct draw *draw, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(draw->text + draw->used, TEXT_BYTES - draw->used, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < TEXT_BYTES - draw->used);
    draw->used += (size_t)length;
}

/* One disk, or a zram device, alone or beside one or two disks of other priorities. */
static void put_devices(struct draw *draw)
{
    bool zram = below(draw, 3) == 0;
    put(draw, "\"swap\": {\"devices\": [");
    if (zram) {
        put(draw,
            "{\"name\": \"z\", \"type\": \"zram\", \"size\": \"%uK\", \"compressor\": \"%s\", "
            "\"mem_limit\": \"%uK\", \"priority\": %u}",
            256 + 256 * (unsigned)below(draw, 12), ONE_OF(draw, "lzo-rle", "lz4"),
            below(draw, 3) ? 0 : 128 * (unsigned)below(draw, 10), (unsigned)below(draw, 3));
        if (!below(draw, 4)) {
            put(draw, "]},\n");
            return;
        }
        put(draw, ", ");
    }
    put(draw,
        "{\"name\": \"d\", \"size\": \"%uM\", \"rotational\": %s, \"synchronous\": %s, "
        "\"queue_depth\": %u}",
        1 + (unsigned)below(draw, 40), ONE_OF(draw, "true", "false"),
        below(draw, 4) ? "false" : "true", 1 + (unsigned)below(draw, 8));
    if (!below(draw, 3))
        put(draw, ", {\"name\": \"e\", \"size\": \"%uM\", \"priority\": %u}",
            1 + (unsigned)below(draw, 20), (unsigned)below(draw, 2));
    put(draw, "]},\n");
}

/* A zram device under a file system, in the same memory. */
static void put_block_device(struct draw *draw)
{
    draw->files = !below(draw, 4);
    if (draw->files)
        put(draw,
            "\"block_devices\": [{\"name\": \"f\", \"type\": \"zram\", \"size\": \"4M\", "
            "\"mem_limit\": \"%uK\"}],\n",
            below(draw, 2) ? 0 : 512);
}

static void put_machine(struct draw *draw, unsigned cpus, unsigned nodes)
{
    put(draw, "\"machine\": {\"cpus\": %u, \"nodes\": [", cpus);
    for (unsigned i = 0; i < nodes; i++)
        put(draw, "%s{\"memory\": \"%uM\"}", i ? ", " : "", 8 + (unsigned)below(draw, 3) * 8);
    put(draw, "]},\n");
}

/* The kernel's own choices, as its preset has them. */
static void put_zswap_of_kernel(struct draw *draw)
{
    put(draw,
        "\"zswap\": {\"max_pool_percent\": %u, \"accept_threshold_percent\": %u, "
        "\"shrinker_enabled\": %s, \"allocator\": \"%s\"},\n",
        1 + (unsigned)below(draw, 40), 50 + (unsigned)below(draw, 51),
        ONE_OF(draw, "true", "false"), ONE_OF(draw, "zsmalloc", "zbud", "z3fold"));
}

/* Choices mixed freely, for kernels that keep entries on lists of their own. */
static void put_zswap_mixed(struct draw *draw)
{
    put(draw,
        "\"zswap\": {\"compressor\": \"%s\", \"max_pool_percent\": %u, "
        "\"accept_threshold_percent\": %u, \"shrinker_enabled\": %s, \"lru\": \"%s\", "
        "\"pool_ref\": \"%s\", \"allocator\": \"%s\", \"store_reclaim\": \"%s\"",
        ONE_OF(draw, "lzo", "lz4"), 1 + (unsigned)below(draw, 40), 50 + (unsigned)below(draw, 51),
        ONE_OF(draw, "true", "false"), ONE_OF(draw, "global", "per_pool"),
        ONE_OF(draw, "kref", "percpu_ref"), ONE_OF(draw, "zsmalloc", "zbud", "z3fold"),
        ONE_OF(draw, "refuse", "one_per_node", "budget"));
    if (below(draw, 2))
        put(draw,
            ", \"writeback\": {\"policy\": \"batch\", \"budget\": %u, \"per_node\": %s, "
            "\"cap_at_list_length\": %s}",
            1 + (unsigned)below(draw, 64), ONE_OF(draw, "true", "false"),
            ONE_OF(draw, "true", "false"));
    put(draw, "},\n");
}

/* /c0, /c0/c1, ...: each below the one before or beside it. */
static void put_cgroups(struct draw *draw, unsigned count, char paths[][64])
{
    put(draw, "\"cgroups\": {");
    for (unsigned i = 0; i < count; i++) {
        if (i && below(draw, 2))
            snprintf(paths[i], 64, "%.40s/c%u", paths[i - 1], i);
        else
            snprintf(paths[i], 64, "/c%u", i);
        put(draw, "%s\"%s\": {\"memory.zswap.writeback\": %s", i ? ", " : "", paths[i],
            below(draw, 5) ? "true" : "false");
        if (below(draw, 3))
            put(draw, ", \"memory.max\": \"%uK\"", 512 + 128 * (unsigned)below(draw, 40));
        if (!below(draw, 10))
            put(draw, ", \"memory.high\": \"%uK\"", 512 + 128 * (unsigned)below(draw, 40));
        if (!below(draw, 4))
            put(draw, ", \"memory.zswap.max\": \"%uK\"", 128 * (unsigned)below(draw, 10));
        if (!below(draw, 4))
            put(draw, ", \"memory.low\": \"%uK\"", 128 * (unsigned)below(draw, 20));
        if (!below(draw, 6))
            put(draw, ", \"memory.swap.max\": \"%uK\"", 128 * (unsigned)below(draw, 20));
        put(draw, "}");
    }
    put(draw, "},\n");
}

static void put_tasks(struct draw *draw, unsigned count, unsigned cgroups, char paths[][64])
{
    put(draw, "\"tasks\": [");
    for (unsigned i = 0; i < count; i++) {
        unsigned pages = 50 + (unsigned)below(draw, 1500);
        const char *pattern = ONE_OF(draw, "rand", "seq", "perm", "zipf");
        put(draw,
            "%s{\"name\": \"t%u\", \"cgroup\": \"%s\", \"think\": \"%uns\", \"workload\": "
            "{\"type\": "
            "\"steps\", \"seed\": %u, \"steps\": \"0:%s:0:%u:%u:%u%s 0:free:%u:%u:%u:0 "
            "0:rand:0:%u:1000:50\"}, \"content\": {\"type\": \"rule\", \"seed\": %u, \"classes\": "
            "\"10:zero,10:same,60:mixed:200:3900,20:random\"}}",
            i ? ", " : "", i, paths[below(draw, cgroups)], (unsigned)below(draw, 2000),
            (unsigned)below(draw, 1000), pattern, pages, 1000 + (unsigned)below(draw, 4000),
            (unsigned)below(draw, 101), pattern[0] == 'z' ? ":0.8" : "", pages / 3, pages / 3,
            pages / 3, pages, i);
    }
    if (draw->files)
        put(draw,
            ", {\"name\": \"files\", \"count\": 2, \"device\": \"f\", \"workload\": {\"type\": "
            "\"fs_on_zram\", \"footprint\": \"%uK\", \"accesses\": 2000, \"file\": \"16K\", "
            "\"write_percent\": %u}, \"content\": {\"type\": \"rule\", \"classes\": "
            "\"20:same,60:mixed:200:3900,20:random\"}}",
            64 * (1 + (unsigned)below(draw, 16)), (unsigned)below(draw, 91));
    if (!below(draw, 3))
        put(draw,
            ", {\"name\": \"build\", \"count\": 3, \"workload\": {\"type\": \"kernel_build\", "
            "\"processes\": 3, \"process\": \"%uK\", \"touches\": 4, \"sources\": \"512K\", "
            "\"object\": \"32K\"}}",
            64 * (1 + (unsigned)below(draw, 16)));
    put(draw, "],\n");
}

static void put_events(struct draw *draw, unsigned cgroups, char paths[][64])
{
    put(draw, "\"events\": [{\"at\": \"1ms\", \"flush\": true}");
    if (below(draw, 2))
        put(draw, ", {\"at\": \"3ms\", \"set\": \"zswap.compressor\", \"value\": \"%s\"}",
            ONE_OF(draw, "lz4", "zstd", "lzo"));
    if (below(draw, 2))
        put(draw, ", {\"at_access\": %u, \"set\": \"cgroups.%s.memory.max\", \"value\": \"%uK\"}",
            (unsigned)below(draw, 900), paths[below(draw, cgroups)],
            512 + 128 * (unsigned)below(draw, 20));
    if (below(draw, 2))
        put(draw, ", {\"at\": \"4ms\", \"reclaim\": \"%s\", \"bytes\": \"%uK\"}",
            paths[below(draw, cgroups)], 64 * (unsigned)below(draw, 30) + 64);
    if (!below(draw, 3))
        put(draw, ", {\"at\": \"5ms\", \"offline\": \"%s\"}", paths[cgroups - 1]);
    if (!below(draw, 3))
        put(draw, ", {\"at\": \"2ms\", \"set\": \"zswap.enabled\", \"value\": false}");
    put(draw, "],\n");
}

/* A whole config from one number. */
static void draw_config(uint64_t seed, char *text)
{
    struct draw draw = {.random = random_splitmix(seed) | 1, .text = text};
    char paths[6][64];
    unsigned cgroups = 1 + (unsigned)below(&draw, 5), cpus = 1 + (unsigned)below(&draw, 4);
    bool mixed = below(&draw, 2);
    put(&draw, "{\"kernel\": \"%s\",\n",
        mixed ? ONE_OF(&draw, "v6.8", "v6.9", "v6.10", "v6.12", "v6.18", "v7.3", "batch-v5")
              : ONE_OF(&draw, "v6.1", "v6.2", "v6.5", "v6.8", "v6.11", "v6.12", "v6.16", "v6.18",
                       "v7.3", "batch-store1", "proactive-v5", "vswap"));
    put_machine(&draw, cpus, 1 + (unsigned)below(&draw, 3));
    put(&draw,
        "\"vm\": {\"reclaim\": \"%s\", \"page_cluster\": %u, \"memcg_stat_flush\": \"%ums\", "
        "\"cgroup_version\": "
        "\"%s\", \"swappiness\": %u},\n",
        ONE_OF(&draw, "classic", "mglru"), (unsigned)below(&draw, 4), 5 + (unsigned)below(&draw, 5),
        ONE_OF(&draw, "v1", "v2"), (unsigned)below(&draw, 201));
    put_devices(&draw);
    put_block_device(&draw);
    if (mixed)
        put_zswap_mixed(&draw);
    else
        put_zswap_of_kernel(&draw);
    put_cgroups(&draw, cgroups, paths);
    put_tasks(&draw, 1 + (unsigned)below(&draw, 4), cgroups, paths);
    put_events(&draw, cgroups, paths);
    put(&draw, "\"engine\": {\"quantum\": \"%uus\", \"series_rows\": 5}}\n",
        20 + (unsigned)below(&draw, 100));
}

static void check_relations(const char *text, const struct run_result *result)
{
    /* Written pages were refused by zswap, or written back from it; refused ones are
     * written, but where that is forbidden, or their owner was killed meanwhile. */
    uint64_t written = counted(result, COUNTER_refused_stores) -
                       counted(result, COUNTER_unbacked_activate) + counted(result, COUNTER_zswpwb);
    assert_true(counted(result, COUNTER_pswpout) <= written);
    if (!counted(result, COUNTER_oom_kill))
        assert_int_equal(counted(result, COUNTER_pswpout), written);
    assert_int_equal(counted(result, COUNTER_zswpwb), counted(result, COUNTER_written_back_pages));
    /* Entries conserve: each is still there, or was written back, dropped, or (from
     * 6.9) removed by its load. */
    bool keeps = strstr(text, "\"v6.1\"") || strstr(text, "\"v6.2\"") || strstr(text, "\"v6.5\"") ||
                 strstr(text, "\"v6.8\"");
    assert_int_equal(counted(result, COUNTER_zswpout),
                     gauge(result, GAUGE_stored_pages) + counted(result, COUNTER_zswpwb) +
                         counted(result, COUNTER_zswap_invalidated) +
                         (keeps ? 0 : counted(result, COUNTER_zswpin)));
    /* A lock is not held before it is taken, nor waited for by nobody. */
    for (unsigned kind = 0; kind < LOCK_KINDS; kind++)
        assert_true(result->locks[kind].contended <= result->locks[kind].acquisitions);
    assert_true(result->psi.full_us <= result->psi.some_us);
    assert_true(result->psi.some_us <= result->end_ns / 1000);
    /* Every fault is of one kind. */
    assert_true(counted(result, COUNTER_first_touch) + counted(result, COUNTER_minor_swap_cache) +
                    counted(result, COUNTER_fault_zswap) + counted(result, COUNTER_fault_disk) +
                    counted(result, COUNTER_fault_zram) <=
                counted(result, COUNTER_pgfault));
    assert_true(counted(result, COUNTER_pgmajfault) == counted(result, COUNTER_fault_zswap) +
                                                           counted(result, COUNTER_fault_disk) +
                                                           counted(result, COUNTER_fault_zram));
    /* A device is a disk or zram, and there may be files on it. */
    assert_true(counted(result, COUNTER_pswpin) <=
                counted(result, COUNTER_disk_reads) + counted(result, COUNTER_zram_reads));
    assert_true(counted(result, COUNTER_pswpout) <=
                counted(result, COUNTER_disk_writes) + counted(result, COUNTER_zram_writes));
    assert_true(gauge(result, GAUGE_same_pages) + gauge(result, GAUGE_huge_pages) <=
                gauge(result, GAUGE_orig_data_size) / PAGE_BYTES);
    assert_true(gauge(result, GAUGE_compr_data_size) <= gauge(result, GAUGE_mem_used_total));
    assert_true(gauge(result, GAUGE_mem_used_total) <= gauge(result, GAUGE_mem_used_max));
    assert_true(counted(result, COUNTER_pgsteal_anon) <= counted(result, COUNTER_pgscan_anon));
    assert_true(counted(result, COUNTER_workingset_activate_anon) <=
                counted(result, COUNTER_workingset_refault_anon));
    assert_true(counted(result, COUNTER_workingset_restore_anon) <=
                counted(result, COUNTER_workingset_activate_anon));
}

static void test_random_configs_keep_every_invariant(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct run_result result;
        draw_config(seed, text);
        if (!run_config(text, CHECKS_FULL, 1, &result))
            fail_msg("case %llu: %s", (unsigned long long)seed, result.failure);
        check_relations(text, &result);
        run_result_release(&result);
    }
    free(text);
}

static void test_the_same_config_gives_the_same_counts(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    for (uint64_t seed = 1000; seed < 1020; seed++) {
        struct run_result first, second;
        draw_config(seed, text);
        assert_true(run_config(text, CHECKS_OFF, 1, &first));
        assert_true(run_config(text, CHECKS_SAMPLED, 1, &second));
        assert_memory_equal(&first.totals, &second.totals, sizeof(first.totals));
        assert_memory_equal(first.time_ns, second.time_ns, sizeof(first.time_ns));
        assert_int_equal(first.end_ns, second.end_ns);
        run_result_release(&first);
        run_result_release(&second);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_configs_keep_every_invariant),
        cmocka_unit_test(test_the_same_config_gives_the_same_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

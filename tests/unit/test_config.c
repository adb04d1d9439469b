/* Config files into experiments: messages, presets, variants, events, round trip. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/counters.h"
#include "sim/experiment/config_fields.h"
#include "sim/experiment/config_reference.h"
#include "sim/experiment/config_resolved.h"
#include "sim/experiment/metrics.h"

#define BROKEN "tests/data/configs-broken"
#define EXPECT "// expect: "
#define ZIPF "{\"type\": \"zipf\", \"footprint\": \"1M\", \"accesses\": 100}"

static char work_path[64];
static struct diagnostics errors;

static int begin(void **state)
{
    (void)state;
    memset(&errors, 0, sizeof(errors));
    strcpy(work_path, "/tmp/zsim-config-XXXXXX");
    int file = mkstemp(work_path);
    return file < 0 ? 1 : close(file);
}

static int end(void **state)
{
    (void)state;
    diagnostics_release(&errors);
    unlink(work_path);
    return 0;
}

static struct experiment *read_text(const char *text, const char *const *overrides, uint32_t count,
                                    const char *seeds)
{
    FILE *file = fopen(work_path, "w");
    fputs(text, file);
    fclose(file);
    return experiment_read(work_path, overrides, count, seeds, &errors);
}

static struct experiment *read_good(const char *text)
{
    struct experiment *experiment = read_text(text, NULL, 0, NULL);
    if (!experiment)
        fail_msg("%s", diagnostics_text(&errors, 0));
    return experiment;
}

/* ---- broken configs ------------------------------------------------------ */

/* Expectations say nothing about where the tests run. */
static const char *without_directory(const char *text, char *out, size_t size)
{
    size_t used = 0, length = strlen(BROKEN "/");
    for (; *text && used + 1 < size; text++) {
        if (strncmp(text, BROKEN "/", length) == 0)
            text += length;
        out[used++] = *text;
    }
    out[used] = '\0';
    return out;
}

/* `expected` may end in "...": the rest depends on the policies of the build. */
static void check_message(const char *path, const char *expected, const char *found)
{
    size_t length = strlen(expected);
    bool open_end = length > 3 && strcmp(expected + length - 3, "...") == 0;
    char shown[4096];
    if (found)
        found = without_directory(found, shown, sizeof(shown));
    if (!found || (open_end ? strncmp(expected, found, length - 3) : strcmp(expected, found)) != 0)
        fail_msg("%s:\nexpected: %s\nfound:    %s", path, expected, found ? found : "(nothing)");
}

static void check_broken(const char *path)
{
    char line[4096];
    size_t count = 0;
    assert_null(experiment_read(path, NULL, 0, NULL, &errors));
    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof(line), file) && strncmp(line, EXPECT, strlen(EXPECT)) == 0) {
        line[strcspn(line, "\n")] = '\0';
        check_message(path, line + strlen(EXPECT), diagnostics_text(&errors, count++));
    }
    fclose(file);
    assert_int_not_equal(count, 0);
    if (errors.count != count)
        fail_msg("%s: %zu messages more: %s", path, errors.count - count,
                 diagnostics_text(&errors, count));
    diagnostics_release(&errors);
}

static void test_broken_configs(void **state)
{
    (void)state;
    DIR *directory = opendir(BROKEN);
    unsigned count = 0;
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        char path[512];
        if (!strstr(entry->d_name, ".json"))
            continue;
        snprintf(path, sizeof(path), BROKEN "/%s", entry->d_name);
        check_broken(path);
        count++;
    }
    closedir(directory);
    assert_in_range(count, 91, 1000);
}

/* ---- presets ------------------------------------------------------------- */

/* Every key by kernel has a value in every preset, that its row accepts. */
static void check_preset_rows(const struct kernel_preset *preset,
                              const struct config_section *section)
{
    char path[128], expected[256];
    _Alignas(16) unsigned char fields[1024];
    assert_in_range(section->keys.struct_bytes, 0, sizeof(fields));
    for (size_t i = 0; i < section->keys.count; i++) {
        const struct param *row = &section->keys.rows[i];
        snprintf(path, sizeof(path), "%s.%s", section->path, row->name);
        const char *value = kernel_preset_value(preset, path);
        if (!value != !(row->flags & PARAM_FROM_KERNEL))
            fail_msg("%s: %s", preset->name, path);
        if (value && !params_set(row, fields, value, expected, sizeof(expected)))
            fail_msg("%s: %s = %s: expected %s", preset->name, path, value, expected);
    }
}

/* A path of a preset names a key, or a parameter of a policy of this build. */
static bool path_is_known(const char *path)
{
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", path);
    char *rest = copy, *parts[4] = {NULL};
    size_t count = 0;
    while (rest && count < 4)
        parts[count++] = strsep(&rest, ".");
    const struct config_section *section = config_section_find(parts[0]);
    if (!section || rest || count < 2)
        return false;
    const struct axis_key *axis = config_section_axis(section, parts[1]);
    if (count == 2)
        return axis || config_section_row(section, parts[1]);
    const struct policy *policy = axis ? policy_find(axis->axis, parts[2]) : NULL;
    for (size_t i = 0; policy && count == 4 && i < policy->params.count; i++)
        if (strcmp(policy->params.rows[i].name, parts[3]) == 0)
            return true;
    return false;
}

static void test_presets_are_complete(void **state)
{
    (void)state;
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++) {
        check_preset_rows(preset, &section_vm);
        check_preset_rows(preset, &section_zswap);
        for (const struct kernel_setting *a = preset->settings; a->path; a++) {
            if (!path_is_known(a->path))
                fail_msg("%s: %s", preset->name, a->path);
            for (const struct kernel_setting *b = a + 1; b->path; b++)
                if (strcmp(a->path, b->path) == 0)
                    fail_msg("%s: %s is there twice", preset->name, a->path);
        }
    }
}

static void test_preset_values(void **state)
{
    (void)state;
    struct experiment *experiment =
        read_good("{\"kernel\": \"v6.8\", \"tasks\": [{\"name\": \"a\", \"workload\": " ZIPF "}]}");
    const struct config *config = &experiment->variants[0].config;
    assert_string_equal(config->zswap.lru.policy->name, "per_pool");
    assert_string_equal(config->zswap.pool_ref.policy->name, "kref");
    assert_int_equal(config->zswap.zpools, 32);
    assert_int_equal(config->zswap.limit_rule, LIMIT_CACHED);
    assert_int_equal(config->zswap.kick_rule, KICK_ON_HYSTERESIS);
    assert_int_equal(config->vm.lru_add_batch, 15);
    assert_int_equal(config->vm.memcg_walk, MEMCG_WALK_FULL);
    assert_false(config->vm.zero_map);
    assert_true(config->zswap.same_filled_entries);
    experiment_free(experiment);

    experiment = read_good("{\"tasks\": [{\"name\": \"a\", \"workload\": " ZIPF "}]}");
    config = &experiment->variants[0].config;
    assert_string_equal(config->kernel, "v6.18");
    assert_string_equal(config->zswap.lru.policy->name, "global");
    assert_string_equal(config->zswap.compressor_name, "lzo");
    assert_int_equal(config->zswap.compressor, compressor_find("lzo"));
    assert_int_equal(config->zswap.incompressible_rule, INCOMPRESSIBLE_STORED);
    assert_int_equal(config->zswap.limit_rule, LIMIT_EXACT);
    assert_true(config->zswap.second_chance);
    assert_int_equal(config->vm.lru_add_batch, 31);
    assert_int_equal(config->machine.node_memory[0], 4ull << 30);
    assert_int_equal(config->swap.devices[0].size, 8ull << 30);
    assert_int_equal(config->vm.memcg_stat_flush_ns, 2000000000);
    experiment_free(experiment);
}

/* A policy's parameters: its own default, the preset's, the user's. */
static void test_policy_parameters(void **state)
{
    (void)state;
    struct experiment *experiment =
        read_good("{\"kernel\": \"batch-v5\", \"zswap\": {\"writeback\": {\"per_node\": true},"
                  " \"allocator\": {\"policy\": \"zsmalloc\", \"chain_size\": 4}},"
                  " \"tasks\": [{\"name\": \"a\", \"workload\": " ZIPF "}]}");
    cJSON *json = config_resolved(experiment, 0);
    const cJSON *zswap = cJSON_GetObjectItemCaseSensitive(json, "zswap");
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(zswap, "writeback");
    char *text = cJSON_PrintUnformatted(batch);
    assert_string_equal(text, "{\"policy\":\"batch\",\"budget\":64,\"per_node\":true,"
                              "\"cap_at_list_length\":true,\"stop_on_swap_cache\":true}");
    free(text);
    text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(zswap, "allocator"));
    assert_string_equal(text, "{\"policy\":\"zsmalloc\",\"chain_size\":4,"
                              "\"class_selection\":\"least_waste\","
                              "\"fullness\":\"ten_percent_groups\",\"locks\":\"per_class\","
                              "\"oversize\":\"no_space\",\"evicts\":true}");
    free(text);
    cJSON_Delete(json);
    experiment_free(experiment);
}

/* ---- a whole document ---------------------------------------------------- */

static const char full[] =
    "{\"question\": \"?\", \"machine\": {\"cpus\": 4, \"nodes\": [{\"memory\": \"2G\"},"
    " {\"memory\": \"1G\"}]},"
    " \"cgroups\": {\"/web/cache\": {\"memory.max\": \"64M\"}, \"/web\": {\"memory.low\": \"4K\"},"
    " \"/db\": {\"memory.zswap.writeback\": false}},"
    " \"tasks\": [{\"name\": \"web\", \"cgroup\": \"/web/cache\", \"count\": 3, \"cpu\": 2,"
    " \"think\": \"1.5us\", \"workload\": " ZIPF "},"
    " {\"name\": \"db\", \"cgroup\": \"/db\", \"content\": {\"type\": \"uniform\"}, "
    "\"workload\": " ZIPF "}],"
    " \"events\": [{\"at\": \"1s\", \"set\": \"zswap.compressor\", \"value\": \"zstd\"},"
    " {\"at_access\": 7, \"set\": \"cgroups./web/cache.memory.max\", \"value\": \"max\"},"
    " {\"at\": \"2s\", \"set\": \"zswap.enabled\", \"value\": false},"
    " {\"at\": \"3s\", \"reclaim\": \"/web\", \"bytes\": \"10M\"},"
    " {\"at\": \"4s\", \"offline\": \"/db\"}, {\"at_access\": 9, \"snapshot\": \"x\"},"
    " {\"at_access\": 9, \"flush\": true}],"
    " \"seeds\": [5, 6], \"figures\": [{\"template\": \"bars\", \"title\": \"T\", \"seed\": "
    "1.25}]}";

static void test_cgroups(void **state)
{
    (void)state;
    struct experiment *experiment = read_good(full);
    const struct config *config = &experiment->variants[0].config;
    assert_int_equal(config->cgroup_count, 4);
    assert_string_equal(config->cgroups[0].path, "/");
    assert_string_equal(config->cgroups[1].path, "/web"); /* the parent comes first */
    assert_string_equal(config->cgroups[2].path, "/web/cache");
    assert_string_equal(config->cgroups[3].path, "/db");
    assert_int_equal(config->cgroups[2].parent, 1);
    assert_int_equal(config->cgroups[3].parent, 0);
    assert_int_equal(config->cgroups[1].memory_low, 4096);
    assert_int_equal(config->cgroups[2].memory_max, 64 << 20);
    assert_true(config->cgroups[1].memory_max == UINT64_MAX);
    assert_true(config->cgroups[2].memory_zswap_writeback);
    assert_false(config->cgroups[3].memory_zswap_writeback);
    experiment_free(experiment);
}

/* Replicas begin cpu_step processors apart, and from the first one again after the last. */
static void test_steps_of_processors(void **state)
{
    (void)state;
    struct experiment *experiment =
        read_good("{\"machine\": {\"cpus\": 8}, \"tasks\": [{\"name\": \"t\", \"count\": 4,"
                  "\"cpu\": 1, \"cpu_step\": 3, \"workload\": " ZIPF "}]}");
    const struct config *config = &experiment->variants[0].config;
    static const uint64_t expected[] = {1, 4, 7, 2};
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(config->tasks[i].first_cpu, expected[i]);
    experiment_free(experiment);
}

/* "/c[0..2]" is three cgroups, and deals six replicas out to them. */
static void test_cgroup_ranges(void **state)
{
    (void)state;
    struct experiment *experiment =
        read_good("{\"cgroups\": {\"/a\": {}, \"/a/c[8..10]\": {\"memory.max\": \"64M\"}},"
                  "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a/c[8..10]\", \"count\": 6,"
                  "\"workload\": {\"type\": \"zipf\", \"footprint\": \"1M\", \"accesses\": 1}}]}");
    const struct config *config = &experiment->variants[0].config;
    assert_int_equal(config->cgroup_count, 5);
    assert_string_equal(config->cgroups[2].path, "/a/c8");
    assert_string_equal(config->cgroups[4].path, "/a/c10");
    for (uint32_t i = 2; i < 5; i++) {
        assert_int_equal(config->cgroups[i].parent, 1);
        assert_int_equal(config->cgroups[i].memory_max, 64 << 20);
    }
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(config->tasks[i].cgroups[0], 2 + i % 3);
    experiment_free(experiment);
}

static void test_tasks(void **state)
{
    (void)state;
    struct experiment *experiment = read_good(full);
    const struct config *config = &experiment->variants[0].config;
    assert_int_equal(config->task_count, 4);
    assert_string_equal(config->tasks[0].name, "web.0");
    assert_string_equal(config->tasks[2].name, "web.2");
    assert_string_equal(config->tasks[3].name, "db");
    assert_int_equal(config->tasks[0].first_cpu, 2);
    assert_int_equal(config->tasks[2].first_cpu, 0); /* 4 processors */
    assert_int_equal(config->tasks[3].first_cpu, 3); /* dealt out */
    assert_int_equal(config->tasks[0].think_ns, 1500);
    assert_int_equal(config->tasks[1].cgroups[0], 2);
    /* replicas have streams of their own and share contents */
    assert_string_not_equal(config->tasks[0].workload->fingerprint,
                            config->tasks[1].workload->fingerprint);
    assert_ptr_equal(config->tasks[0].contents[0], config->tasks[1].contents[0]);
    assert_ptr_not_equal(config->tasks[0].contents[0], config->tasks[3].contents[0]);

    struct config again, other;
    assert_true(experiment_config(experiment, 0, 5, &again, &errors));
    assert_true(experiment_config(experiment, 0, 6, &other, &errors));
    assert_ptr_equal(again.tasks[0].workload, config->tasks[0].workload);
    assert_string_not_equal(other.tasks[0].workload->fingerprint,
                            config->tasks[0].workload->fingerprint);
    assert_ptr_equal(other.tasks[0].contents[0], config->tasks[0].contents[0]);
    experiment_free(experiment);
}

static void test_events(void **state)
{
    (void)state;
    struct experiment *experiment = read_good(full);
    const struct event_config *events = experiment->variants[0].config.events;
    assert_int_equal(experiment->variants[0].config.event_count, 7);
    assert_int_equal(events[0].action, EVENT_SET);
    assert_string_equal(events[0].target, "zswap.compressor");
    assert_int_equal(events[0].number, compressor_find("zstd"));
    assert_int_equal(events[0].when, 1000000000);
    assert_false(events[0].at_access);
    assert_true(events[1].at_access);
    assert_int_equal(events[1].when, 7);
    assert_string_equal(events[1].target, "memory.max");
    assert_int_equal(events[1].cgroup, 2);
    assert_true(events[1].number == UINT64_MAX);
    assert_int_equal(events[2].number, 0);
    assert_int_equal(events[3].action, EVENT_RECLAIM);
    assert_int_equal(events[3].number, 10 << 20);
    assert_int_equal(events[3].cgroup, 1);
    assert_int_equal(events[4].action, EVENT_OFFLINE);
    assert_int_equal(events[4].cgroup, 3);
    assert_int_equal(events[5].action, EVENT_SNAPSHOT);
    assert_string_equal(events[5].target, "x");
    assert_int_equal(events[6].action, EVENT_FLUSH);
    experiment_free(experiment);
}

/* The resolved config is a config, and resolves to itself. */
static void test_round_trip(void **state)
{
    (void)state;
    struct experiment *experiment = read_good(full);
    cJSON *json = config_resolved(experiment, 0);
    char *first = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    char fingerprint[128];
    snprintf(fingerprint, sizeof(fingerprint), "%s",
             experiment->variants[0].config.tasks[1].workload->fingerprint);
    experiment_free(experiment);

    experiment = read_good(first);
    assert_string_equal(experiment->variants[0].config.tasks[1].workload->fingerprint, fingerprint);
    json = config_resolved(experiment, 0);
    char *second = cJSON_PrintUnformatted(json);
    assert_string_equal(first, second);
    cJSON_Delete(json);
    free(first);
    free(second);
    experiment_free(experiment);
}

/* ---- variants ------------------------------------------------------------ */

static const char varied[] =
    "{\"variants\": [{\"name\": \"A\"}, {\"name\": \"B\", \"set\": {\"zswap.lru\": \"per_pool\"}}],"
    " \"sweep\": {\"zswap.max_pool_percent\": [10, 20], \"zswap.writeback\": [\"single\","
    " {\"policy\": \"batch\", \"budget\": 64}]},"
    " \"tasks\": [{\"name\": \"a\", \"workload\": " ZIPF "}], \"seeds\": \"3..5\"}";

static void test_variants_and_sweep(void **state)
{
    (void)state;
    struct experiment *experiment = read_good(varied);
    assert_int_equal(experiment->variant_count, 8);
    assert_string_equal(experiment->variants[0].name, "A, max_pool_percent=10, writeback=single");
    assert_string_equal(experiment->variants[7].name,
                        "B, max_pool_percent=20, writeback=batch budget=64");
    assert_string_equal(experiment->variants[3].config.zswap.lru.policy->name, "global");
    assert_string_equal(experiment->variants[7].config.zswap.lru.policy->name, "per_pool");
    assert_int_equal(experiment->variants[5].config.zswap.max_pool_percent, 10);
    assert_int_equal(experiment->variants[6].config.zswap.max_pool_percent, 20);
    assert_int_equal(experiment->variants[7].set->children, 3);
    /* inputs are opened once */
    assert_ptr_equal(experiment->variants[0].config.tasks[0].workload,
                     experiment->variants[7].config.tasks[0].workload);
    assert_int_equal(experiment->seed_count, 3);
    assert_int_equal(experiment->seeds[0], 3);
    assert_int_equal(experiment->seeds[2], 5);
    experiment_free(experiment);
}

static void test_one_variant_is_the_base(void **state)
{
    (void)state;
    struct experiment *experiment =
        read_good("{\"tasks\": [{\"name\": \"a\", \"workload\": " ZIPF "}]}");
    assert_int_equal(experiment->variant_count, 1);
    assert_string_equal(experiment->variants[0].name, "base");
    assert_null(experiment->variants[0].set);
    assert_int_equal(experiment->seed_count, 1);
    assert_int_equal(experiment->seeds[0], 1);
    experiment_free(experiment);
}

/* A mistake of the base is told once, not once a variant. */
static void test_mistakes_are_told_once(void **state)
{
    (void)state;
    assert_null(read_text("{\"vm\": {\"swapiness\": 1}, \"sweep\": {\"zswap.max_pool_percent\":"
                          " [1, 2, 3]}, \"tasks\": [{\"name\": \"a\", \"workload\": {\"type\":"
                          " \"trace\", \"file\": \"no\"}}]}",
                          NULL, 0, NULL));
    assert_int_equal(errors.count, 2);
    diagnostics_release(&errors);
    /* an input with a mistake is opened in no variant */
    assert_null(
        read_text("{\"variants\": [{\"name\": \"a\"}, {\"name\": \"b\"}], \"tasks\": [{\"name\":"
                  " \"a\", \"workload\": {\"type\": \"zipf\", \"accesses\": 9}}]}",
                  NULL, 0, NULL));
    assert_int_equal(errors.count, 1);
    assert_non_null(strstr(diagnostics_text(&errors, 0), "missing key \"footprint\""));
}

/* ---- --set and --seeds --------------------------------------------------- */

static void test_overrides(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "zswap.compressor=zstd", "vm.swappiness=100", "machine.nodes=[{\"memory\": \"8G\"}]",
        "zswap.writeback.single.failure_accounting=attempts", "tasks.a.cpu=0"};
    static const char text[] = "{\"tasks\": [{\"name\": \"a\", \"workload\": " ZIPF "}]}";
    struct experiment *experiment = read_text(text, overrides, 3, "7,9..10");
    assert_non_null(experiment);
    const struct config *config = &experiment->variants[0].config;
    assert_string_equal(config->zswap.compressor_name, "zstd");
    assert_int_equal(config->vm.swappiness, 100);
    assert_int_equal(config->machine.node_memory[0], 8ull << 30);
    assert_int_equal(experiment->seed_count, 3);
    assert_int_equal(experiment->seeds[1], 9);
    experiment_free(experiment);
    assert_null(read_text(text, &overrides[3], 1, NULL));
    experiment = read_text(text, &overrides[4], 1, NULL);
    assert_non_null(experiment);
    experiment_free(experiment);
}

static void test_override_mistakes(void **state)
{
    (void)state;
    static const char *const overrides[] = {"zswap.lru=globl", "zswap.max_pool_percent=3", "x"};
    assert_null(read_text(varied, overrides, 3, "1..x"));
    assert_int_equal(errors.count, 5);
    assert_string_equal(diagnostics_text(&errors, 0), "--set x: error: expected PATH=VALUE");
    assert_string_equal(diagnostics_text(&errors, 1),
                        "--seeds 1..x: error: seeds: expected numbers such as \"1..10\" or "
                        "\"1,2,5\", found \"1..x\"");
    assert_string_equal(diagnostics_text(&errors, 2),
                        "--set zswap.lru=globl: error: variant \"B\" gives \"zswap.lru\" values "
                        "of its own");
    assert_string_equal(diagnostics_text(&errors, 3),
                        "--set zswap.max_pool_percent=3: error: \"sweep\" gives "
                        "\"zswap.max_pool_percent\" values of its own");
    assert_string_equal(diagnostics_text(&errors, 4),
                        "--set zswap.lru=globl: error: zswap.lru: unknown value \"globl\"; did "
                        "you mean \"global\"?");
}

/* ---- the reference ------------------------------------------------------- */

/* Defaults are accepted by their own rows, and all keys have a meaning. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; config_sections[i]; i++) {
        const struct config_section *section = config_sections[i];
        void *fields = calloc(1, section->keys.struct_bytes + 1);
        params_set_defaults(&section->keys, fields); /* aborts on a bad default */
        free(fields);
        for (size_t row = 0; row < section->keys.count; row++)
            assert_true(section->keys.rows[row].help && *section->keys.rows[row].help);
    }
}

static void test_seeds_and_lists_of_the_command_line(void **state)
{
    (void)state;
    static const char text[] = "{\"tasks\": [{\"name\": \"a\", \"workload\": " ZIPF "}]}";
    static const char *const seeds[] = {"10..1", "1..100001", "1-10"};
    static const char *const told[] = {"expected the smaller number first, as in \"1..10\"",
                                       "expected at most 100000 seeds",
                                       "expected numbers such as \"1..10\" or \"1,2,5\""};
    char wanted[256];
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        diagnostics_release(&errors);
        assert_null(read_text(text, NULL, 0, seeds[i]));
        assert_int_equal(errors.count, 1);
        snprintf(wanted, sizeof(wanted), "--seeds %s: error: seeds: %s, found \"%s\"", seeds[i],
                 told[i], seeds[i]);
        assert_string_equal(diagnostics_text(&errors, 0), wanted);
    }
    static const char *const lists[] = {"zswap.max_pool_percent=10,20",
                                        "zswap.max_pool_percent=[10,20]",
                                        "zswap.compressor=lz4,zstd", "zswap.lru=global,none"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        diagnostics_release(&errors);
        assert_null(read_text(text, &lists[i], 1, NULL));
        assert_int_equal(errors.count, 1);
        assert_non_null(strstr(diagnostics_text(&errors, 0),
                               "; several values are for \"sweep\" or zsim expand"));
    }
}

/* A task as the examples of the reference have it; lists are for as many address spaces. */
static void test_examples_of_tasks(void **state)
{
    (void)state;
    const char *workload = section_task.structured[0].example;
    for (const struct structured_key *key = section_task.structured + 1; key->name; key++) {
        char text[1024];
        bool list = strcmp(key->form, "array") == 0;
        snprintf(text, sizeof(text),
                 "{\"cgroups\": {\"/hot\": {}, \"/scan\": {}}, \"tasks\": [{\"name\": \"t\", "
                 "\"workload\": %s, \"%s\": %s}]}",
                 list ? "{\"type\": \"steps\", \"seed\": 1, "
                        "\"steps\": \"0:seq:0:8:9:50|1:rand:0:8:9:50\"}"
                      : workload,
                 key->name, key->example);
        experiment_free(read_good(text));
    }
}

static void test_explain_finds_every_key(void **state)
{
    (void)state;
    FILE *out = fopen("/dev/null", "w");
    char *nearest;
    for (size_t i = 0; config_sections[i]; i++)
        for (size_t row = 0; row < config_sections[i]->keys.count; row++)
            assert_true(
                config_explain(out, NULL, config_sections[i]->keys.rows[row].name, &nearest));
    for (size_t i = 0; i < COUNTERS; i++)
        assert_true(config_explain(out, NULL, counter_descriptions[i].name, &nearest));
    for (size_t i = 0; i < COSTS; i++)
        assert_true(config_explain(out, NULL, cost_descriptions[i].name, &nearest));
    struct metric metric;
    for (unsigned i = 0; i < metric_count(); i++) {
        metric_describe(i, &metric);
        assert_true(config_explain(out, NULL, metric.name, &nearest));
    }
    for (const struct policy_axis *axis = policy_axes; axis->name; axis++) {
        assert_true(config_explain(out, NULL, axis->name, &nearest));
        assert_true(config_list(out, NULL, axis->name, &nearest));
        assert_true(config_explain(out, NULL, axis->choices[0]->name, &nearest));
    }
    assert_false(config_explain(out, NULL, "zswap.lr", &nearest));
    assert_string_equal(nearest, "zswap.lru");
    free(nearest);
    assert_false(config_list(out, NULL, "kernls", &nearest));
    assert_string_equal(nearest, "kernels");
    free(nearest);
    fclose(out);
}

/* docs/config.md is what the program prints: names, bounds, defaults. */
static void test_reference_page_is_current(void **state)
{
    (void)state;
    FILE *page = fopen("docs/config.md", "r");
    if (!page)
        skip(); /* not run from the top of the tree */
    char *text = NULL, *line = NULL, *at;
    size_t length = 0, room = 0;
    FILE *out = open_memstream(&text, &length);
    config_markdown(out, NULL);
    fclose(out);
    at = text;
    for (ssize_t got; (got = getline(&line, &room, page)) > 0; at += got)
        if (strncmp(at, line, (size_t)got) != 0)
            fail_msg("docs/config.md says\n%sthe program\n%.*s", line, (int)strcspn(at, "\n"), at);
    assert_string_equal(at, "");
    fclose(page);
    free(line);
    free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_broken_configs),
        TEST(test_presets_are_complete),
        TEST(test_preset_values),
        TEST(test_policy_parameters),
        TEST(test_cgroups),
        TEST(test_cgroup_ranges),
        TEST(test_steps_of_processors),
        TEST(test_tasks),
        TEST(test_events),
        TEST(test_round_trip),
        TEST(test_variants_and_sweep),
        TEST(test_one_variant_is_the_base),
        TEST(test_mistakes_are_told_once),
        TEST(test_overrides),
        TEST(test_override_mistakes),
        TEST(test_seeds_and_lists_of_the_command_line),
        TEST(test_rows),
        TEST(test_examples_of_tasks),
        TEST(test_explain_finds_every_key),
        TEST(test_reference_page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

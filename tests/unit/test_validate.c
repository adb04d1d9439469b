/* Reading cases of real kernels, and when a counter agrees with one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/experiment/validate.h"
#include "sim/mm/page.h"
#include "sim/swap/pending_writes.h"

#define CASES "tests/truth/kernel/"

/* ---- errors ------------------------------------------------------------------- */

static void error_is_zero_inside_the_spread(void **state)
{
    (void)state;
    struct spread kernel = {100, 110, 130};
    assert_true(validate_error(&kernel, 100, 1) == 0);
    assert_true(validate_error(&kernel, 130, 1) == 0);
    assert_true(fabs(validate_error(&kernel, 132, 1) - 22.0 / 110) < 1e-12);
    assert_true(fabs(validate_error(&kernel, 99, 1) - 11.0 / 110) < 1e-12);
}

static void error_of_small_counters_is_relative_to_the_floor(void **state)
{
    (void)state;
    struct spread kernel = {2, 2, 2};
    assert_true(fabs(validate_error(&kernel, 12, 1000) - 0.01) < 1e-12);
    struct spread zero = {0, 0, 0};
    assert_true(validate_error(&zero, 0, 0) == 0);
    assert_true(validate_error(&zero, 1, 0) == 1);
}

static void range_is_widened_by_half_at_both_ends(void **state)
{
    (void)state;
    struct validate_row row = {.kernel = {100, 110, 120}, .agreement = AGREE_RANGE};
    const struct {
        double zsim;
        bool agrees;
    } table[] = {{90, true}, {130, true}, {89, false}, {131, false}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        row.zsim = table[i].zsim;
        assert_int_equal(validate_agrees(&row), table[i].agrees);
    }
}

static void relative_agreement_needs_the_bar(void **state)
{
    (void)state;
    struct validate_row row = {.agreement = AGREE_RELATIVE, .error = 0.0101, .bar = 0.01};
    assert_false(validate_agrees(&row));
    row.error = 0.01;
    assert_true(validate_agrees(&row));
    row.agreement = AGREE_NOT;
    row.error = 5;
    assert_true(validate_agrees(&row));
}

/* ---- cases --------------------------------------------------------------------------- */

static void case_becomes_a_config(void **state)
{
    (void)state;
    struct kernel_case *at = kernel_case_read(CASES "v6.18-o13-two-cg-hot-cold.json");
    diagnostics_print(&at->errors);
    assert_non_null(at->experiment);
    const struct config *config = &at->experiment->variants[0].config;
    assert_string_equal(config->kernel, "v6.18");
    assert_int_equal(config->machine.cpus, 2);
    assert_int_equal(config->machine.node_memory[0], 6171021ull * 4096);
    assert_int_equal(config->vm.cgroup_version, CGROUP_V1);
    assert_int_equal(config->vm.memcg_stat_flushes_per_run, 1000);
    assert_int_equal(config->vm.page_cluster, 0);
    assert_int_equal(config->zswap.max_pool_percent, 20);
    assert_int_equal(config->cgroup_count, 3 + 20); /* the machine's others are not counted */
    assert_int_equal(config->cgroups[2].memory_max, 16384ull * 4096);
    assert_int_equal(config->tasks[0].workload->accesses, 865536);
    assert_int_equal(config->tasks[0].workload->spaces, 2);
    assert_int_equal(at->group_count, 2);
    assert_string_equal(at->groups[1].name, "scan");
    assert_int_equal(at->groups[1].space, 1);
    assert_int_equal(at->groups[1].last, 32767);
    assert_false(at->pool_limited);
    kernel_case_free(at);
}

static void trace_hash_is_the_one_of_the_case(void **state)
{
    (void)state;
    struct kernel_case *at = kernel_case_read(CASES "v6.18-o12-pool-zipf-8x-w30.json");
    assert_non_null(at->experiment);
    assert_true(at->pool_limited);
    char hash[65];
    workload_native_sha256(at->experiment->variants[0].config.tasks[0].workload, hash);
    assert_string_equal(hash, "9ff1c14f958c7f275b87ab4182a4a1173378b9cb64d95738d3882e21b4e1d62c");
    kernel_case_free(at);
}

static void emulator_case_becomes_a_config(void **state)
{
    (void)state;
    struct kernel_case *at = kernel_case_read(CASES "pat-6.12-loop2x-zsmalloc-lzo.json");
    diagnostics_print(&at->errors);
    assert_non_null(at->experiment);
    const struct config *config = &at->experiment->variants[0].config;
    assert_string_equal(config->kernel, "v6.12");
    assert_string_equal(config->vm.reclaim.policy->name, "mglru");
    assert_string_equal(config->zswap.allocator.policy->name, "zsmalloc");
    assert_int_equal(config->machine.nodes, 2);
    assert_int_equal(config->machine.total_ram_pages, 119005);
    assert_int_equal(config->vm.charge_page_tables, PAGE_TABLES_LAST_LEVEL);
    assert_true(config->tasks[0].load_before_store);
    assert_int_equal(at->phase_count, 2);
    assert_string_equal(at->phases[1], "loop");
    assert_int_equal(config->event_count, 2); /* the end of a phase, and that it is read */
    assert_int_equal(config->events[0].when, 8192);
    assert_int_equal(config->events[0].action, EVENT_SNAPSHOT);
    assert_int_equal(config->events[1].when, 8192);
    assert_int_equal(config->events[1].action, EVENT_FLUSH);
    assert_int_equal(config->machine.tlb, TLB_QEMU);
    assert_true(config->cgroups[1].object_stock);
    assert_int_equal(config->cgroups[1].kernel_objects, 0);
    kernel_case_free(at);
}

/* The case in the emulator with something else in one place. */
static struct kernel_case *emulator_case_with(const char *old, const char *new)
{
    char path[] = "/tmp/zsim-case-XXXXXX", line[4096];
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    FILE *from = fopen(CASES "pat-6.12-loop2x-zsmalloc-lzo.json", "r");
    assert_non_null(file);
    assert_non_null(from);
    while (fgets(line, sizeof(line), from)) {
        char *at = strstr(line, old);
        if (at)
            fprintf(file, "%.*s%s%s", (int)(at - line), line, new, at + strlen(old));
        else
            fputs(line, file);
    }
    fclose(from);
    fclose(file);
    struct kernel_case *at = kernel_case_read(path);
    unlink(path);
    return at;
}

/* What memory.stat shows that reclaim cannot take. */
static void what_stays_is_that_of_the_first_phase(void **state)
{
    (void)state;
    struct kernel_case *at = emulator_case_with(
        "\"fill\": {", "\"fill\": {\"cg.slab\": {\"median\": 7160, \"min\": 7160, \"max\": 8000}, "
                       "\"cg.unevictable\": {\"median\": 4096, \"min\": 4096, \"max\": 4096}, ");
    assert_non_null(at->experiment);
    const struct cgroup_config *cgroup = &at->experiment->variants[0].config.cgroups[1];
    assert_int_equal(cgroup->kernel_objects, 7160);
    assert_int_equal(cgroup->locked_memory, 4096);
    kernel_case_free(at);
}

/* The file's own form, or what was written to it. */
static void generations_are_on_or_off(void **state)
{
    (void)state;
    static const struct {
        const char *value, *policy;
    } table[] = {{"0x0007", "mglru"},
                 {"Y", "mglru"},
                 {"0x0000", "classic"},
                 {"n", "classic"},
                 {"false", "classic"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kernel_case *at = emulator_case_with("0x0007", table[i].value);
        assert_non_null(at->experiment);
        assert_string_equal(at->experiment->variants[0].config.vm.reclaim.policy->name,
                            table[i].policy);
        kernel_case_free(at);
    }
}

/* The hash of the case decides whether words were understood. */
static void phases_in_free_words_must_have_the_hash(void **state)
{
    (void)state;
    static const struct {
        const char *words, *message;
    } table[] = {
        {"then 4 passes over 0..8191, 0 % writes", NULL},
        {"then in 4 passes 0..8191", NULL},
        {"then 5 passes over 0..8191", "no phase of the pattern has this hash"},
        {"then 4 passes over 0..8191, 50 % writes, seed 3",
         "no phase of the pattern has this hash"},
        {"then 40000 random reads of 0..8191, seed 3", "no phase of the pattern has this hash"},
        {"then 40000 zipf(0.9) reads of 0..8191", "is not one that zsim knows"},
        {"then a dance over 0..8191", "is not one that zsim knows"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kernel_case *at =
            emulator_case_with("then 4 sequential read passes over 0..8191", table[i].words);
        if (table[i].message)
            assert_non_null(strstr(diagnostics_text(&at->errors, 0), table[i].message));
        else
            assert_non_null(at->experiment);
        kernel_case_free(at);
    }
}

/* ---- events of a case ------------------------------------------------------------------ */

/* The shortest case there is, with these pages, groups and events. */
static struct kernel_case *case_of(const char *pages, const char *groups, const char *events,
                                   const char *more)
{
    char path[] = "/tmp/zsim-case-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    fprintf(
        file,
        "{\"name\": \"t\", \"config\": {\"trace_cmd\": \"gen_trace OUT 1 '0:seq:0:64:64:100'\", "
        "\"trace_sha256\": \"\", \"nrec\": 64, \"npages\": %s, \"limit_pages\": [32], "
        "\"content\": [[{\"cg\": 0, \"seed\": 7, \"first\": 0, \"last\": 63, "
        "\"classes\": \"100:zero\"}]], \"groups\": [%s], \"events\": [%s], %s"
        "\"env\": {\"zswap\": true, \"compressor\": \"lzo\", \"max_pool\": 20, \"accept\": 90, "
        "\"shrinker\": false, \"page_cluster\": 0, \"swap_mb\": 64}, "
        "\"memstat_flushes\": 10}, \"machine\": {\"kernel\": \"6.18.44\", "
        "\"totalram_pages\": 65536, \"cpus\": 2, \"swappiness\": 60, \"swap_rotational\": 1}}\n",
        pages, groups, events, more);
    fclose(file);
    struct kernel_case *at = kernel_case_read(path);
    unlink(path);
    return at;
}

static struct kernel_case *case_with(const char *events, const char *more)
{
    return case_of("[64]", "", events, more);
}

/* With good events the one mistake left is the empty hash. */
static void events_become_events(void **state)
{
    (void)state;
    struct kernel_case *at =
        case_with("[8, \"snap\", \"a\"], [9, \"limit\", 0, 16], "
                  "[10, \"write\", \"/sys/module/zswap/parameters/compressor\", \"deflate\"], "
                  "[11, \"write\", \"/sys/module/zswap/parameters/enabled\", \"N\"], "
                  "[12, \"write\", \"/proc/sys/vm/page-cluster\", \"3\"], "
                  "[13, \"write\", \"/sys/module/zswap/parameters/max_pool_percent\", 1]",
                  "");
    assert_int_equal(at->errors.count, 1);
    assert_non_null(strstr(diagnostics_text(&at->errors, 0), "trace_sha256"));
    kernel_case_free(at);
}

/* Reading memory.stat for a snapshot folds the statistics in. */
static void snapshots_read_memory_stat(void **state)
{
    (void)state;
    struct kernel_case *at = kernel_case_read(CASES "v6.18-o06-hotcold-phase-2x.json");
    assert_non_null(at->experiment);
    const struct config *config = &at->experiment->variants[0].config;
    assert_int_equal(config->event_count, 4);
    assert_int_equal(config->events[2].action, EVENT_SNAPSHOT);
    assert_int_equal(config->events[3].action, EVENT_FLUSH);
    assert_int_equal(config->events[3].when, 332768);
    kernel_case_free(at);
}

/* Of the windows that reclaim meets before they are mapped, no page is stored again. */
static void pages_read_ahead_are_activated_unmapped(void **state)
{
    (void)state;
    struct kernel_case *at = kernel_case_read(CASES "v6.18-o08-seqloop-1.5x-pc3.json");
    assert_non_null(at->experiment);
    assert_true(kernel_case_run(at, CHECKS_OFF));
    assert_int_equal(at->result.totals.counters[COUNTER_zswpout], 253754);
    assert_int_equal(at->result.totals.counters[COUNTER_pgscan_anon], 514579);
    assert_int_equal(at->result.totals.counters[COUNTER_pgactivate], 53);
    kernel_case_free(at);
}

/* A kernel between two presets is replayed under the one before it. */
static void kernels_between_presets_have_a_stand_in(void **state)
{
    (void)state;
    const struct {
        const char *release, *preset, *stand_in;
    } table[] = {
        {"6.18.44-fc-v669", "v6.18", NULL}, {"6.17.3", "v6.16", "v6.16"},
        {"7.0", "v6.18", "v6.18"},          {"6.12.117", "v6.12", NULL},
        {"6.7.12-amd64", "v6.5", "v6.5"},   {"7.9.1", "v7.3", "v7.3"},
        {"5.15.0", "v5.15", NULL},          {"next", "next", NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kernel_case at = {0};
        assert_string_equal(kernel_case_preset(&at, table[i].release), table[i].preset);
        assert_int_equal(at.stand_in != NULL, table[i].stand_in != NULL);
        if (at.stand_in)
            assert_string_equal(at.stand_in, table[i].stand_in);
        arena_release(&at.arena);
    }
}

static void what_is_not_known_is_refused(void **state)
{
    (void)state;
    const struct {
        const char *events, *more, *message;
    } table[] = {
        {"[8, \"quake\", \"a\"]", "", "unknown event \"quake a\""},
        {"[8, \"write\", \"/proc/sys/vm/overcommit\", \"1\"]", "",
         "event writes \"/proc/sys/vm/overcommit\", a parameter that zsim does not know"},
        {"[8, \"write\", \"/sys/module/zswap/parameters/enabled\", \"maybe\"]", "",
         "event writes \"maybe\""},
        {"[8, \"limit\", 0, \"much\"]", "", "event \"limit\": expected a cgroup and pages"},
        {"[8]", "", "event: expected [record, kind, ...]"},
        {"", "\"numa\": 2, ", "config: unknown key \"numa\""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kernel_case *at = case_with(table[i].events, table[i].more);
        assert_null(at->experiment);
        assert_non_null(strstr(diagnostics_text(&at->errors, 0), table[i].message));
        kernel_case_free(at);
    }
}

/* The first mistake is the empty hash. */
static void pages_that_there_are_not_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *pages, *groups, *message;
    } table[] = {
        {"[80]", "[\"all\", 0, 0, 79]", NULL}, /* the trace need not touch all */
        {"[63]", "", "npages: cgroup 0 of the trace has 64 pages"},
        {"[64, 64]", "", "npages: the trace has 1 cgroups"},
        {"[64]", "[\"a\", 0, 0, 63], [\"b\", 0, 0, 64]",
         "groups: b ends at page 64 of cgroup 0, which has 64"},
        {"[64]", "[\"a\", 1, 0, 63]", "groups: a ends at page 63 of cgroup 1, which has 0"},
        {"[64]", "[\"a\", 0, 9, 8]", "groups: expected [name, cgroup, first, last]"},
        {"[64]", "[\"a\", 0, 8, 4294967296]", "groups: expected [name, cgroup, first, last]"},
        {"[64]", "[\"a\", 0, 8, 9, 10]", "groups: expected [name, cgroup, first, last]"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kernel_case *at = case_of(table[i].pages, table[i].groups, "", "");
        bool found = false;
        for (uint32_t error = 0; table[i].message && error < at->errors.count; error++)
            found |= strstr(diagnostics_text(&at->errors, error), table[i].message) != NULL;
        assert_true(found == (table[i].message != NULL));
        assert_true(table[i].message || at->errors.count == 1);
        kernel_case_free(at);
    }
}

/* ---- writes under way ---------------------------------------------------------------------- */

static void writes_end_in_order_of_time(void **state)
{
    (void)state;
    struct pending_writes writes = {0};
    uint32_t page = 0;
    for (uint32_t i = 0; i < 1000; i++)
        pending_writes_add(&writes, 10000 + i * 10, i);
    pending_writes_add(&writes, 10005, 5000); /* submitted late, done early */
    assert_int_equal(pending_writes_end(&writes, NO_PAGE), 10000);
    assert_int_equal(pending_writes_end(&writes, 5000), 10005);
    assert_true(pending_writes_end(&writes, 7777) == UINT64_MAX);
    assert_false(pending_writes_take(&writes, 9999, &page));
    const uint32_t order[] = {0, 5000, 1, 2};
    for (size_t i = 0; i < 4; i++) {
        assert_true(pending_writes_take(&writes, 10020, &page));
        assert_int_equal(page, order[i]);
    }
    assert_false(pending_writes_take(&writes, 10020, &page));
    for (uint32_t i = 3; i < 1000; i++) {
        assert_true(pending_writes_take(&writes, UINT64_MAX, &page));
        pending_writes_add(&writes, 1000000 + i, page);
    }
    assert_int_equal(pending_writes_end(&writes, NO_PAGE), 1000003);
    pending_writes_release(&writes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_is_zero_inside_the_spread),
        cmocka_unit_test(error_of_small_counters_is_relative_to_the_floor),
        cmocka_unit_test(range_is_widened_by_half_at_both_ends),
        cmocka_unit_test(relative_agreement_needs_the_bar),
        cmocka_unit_test(case_becomes_a_config),
        cmocka_unit_test(trace_hash_is_the_one_of_the_case),
        cmocka_unit_test(emulator_case_becomes_a_config),
        cmocka_unit_test(generations_are_on_or_off),
        cmocka_unit_test(what_stays_is_that_of_the_first_phase),
        cmocka_unit_test(phases_in_free_words_must_have_the_hash),
        cmocka_unit_test(events_become_events),
        cmocka_unit_test(snapshots_read_memory_stat),
        cmocka_unit_test(pages_read_ahead_are_activated_unmapped),
        cmocka_unit_test(kernels_between_presets_have_a_stand_in),
        cmocka_unit_test(what_is_not_known_is_refused),
        cmocka_unit_test(pages_that_there_are_not_are_refused),
        cmocka_unit_test(writes_end_in_order_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/experiment/compare.h"
#include "tests/unit/made_result.h"

static char directory[] = "/tmp/zsim-test-XXXXXX";
static char base_path[64], new_path[64], output_path[64];
static char output[16384];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(base_path, sizeof(base_path), "%s/base.json", directory);
    snprintf(new_path, sizeof(new_path), "%s/new.json", directory);
    snprintf(output_path, sizeof(output_path), "%s/output", directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(base_path);
    unlink(new_path);
    unlink(output_path);
    return rmdir(directory);
}

/* Run the command with stdout and stderr caught in `output`. */
static int run(const char *const *arguments)
{
    char *argv[16] = {(char *)(uintptr_t) "compare"};
    int argc = 1;
    for (; *arguments; arguments++)
        argv[argc++] = (char *)(uintptr_t)*arguments;
    fflush(stdout);
    fflush(stderr);
    int old_out = dup(1), old_err = dup(2);
    int file = open(output_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, 1);
    dup2(file, 2);
    int code = compare_command_main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(old_out, 1);
    dup2(old_err, 2);
    close(old_out);
    close(old_err);
    ssize_t length = pread(file, output, sizeof(output) - 1, 0);
    output[length > 0 ? length : 0] = '\0';
    close(file);
    return code;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void assert_says(const char *text)
{
    if (!strstr(output, text))
        fail_msg("\"%s\" is not in:\n%s", text, output);
}

/* zswpwb of the runs: variant "small" 1000, 1010, 1020...; "large" by `percent`
 * more, and `wobble` more or less for every other seed. */
static void make_file(const char *path, uint32_t seeds, int percent, int wobble)
{
    struct made_result made;
    struct diagnostics errors = {0};
    made_result_init(&made, seeds);
    for (uint32_t s = 0; s < seeds; s++) {
        int small = 1000 + 10 * (int)s;
        /* nearly 0, and only now and then different */
        made_run(&made, 0, s)->totals.counters[COUNTER_reject_reclaim_fail] = 1;
        made_run(&made, 1, s)->totals.counters[COUNTER_reject_reclaim_fail] = s % 2 ? 3 : 1;
        made_run(&made, 0, s)->totals.counters[COUNTER_zswpwb] = (uint64_t)small;
        made_run(&made, 1, s)->totals.counters[COUNTER_zswpwb] =
            (uint64_t)(small + small * percent / 100 + (s % 2 ? wobble : -wobble));
    }
    assert_true(result_file_write(path, &made.source, &errors));
    made_result_release(&made);
}

static void within_one_file(void **state)
{
    (void)state;
    make_file(base_path, 4, 10, 0);
    assert_int_equal(RUN(base_path), 0);
    assert_says("base: small");
    assert_says("new:  large");
    assert_says("+10.0 %");
    assert_says("worse");
    assert_says("4 pairs of runs");
    assert_int_equal(RUN("--against", "large", base_path), 0);
    assert_says("better");
}

static void lines_fit_a_commit_message(void **state)
{
    (void)state;
    make_file(base_path, 4, -50, 100);
    assert_int_equal(RUN("--all", base_path), 0);
    for (const char *line = output; *line;) {
        size_t length = strcspn(line, "\n");
        if (length > 75)
            fail_msg("%zu columns: %.*s", length, (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void long_names_fit_a_commit_message(void **state)
{
    (void)state;
    struct made_result made;
    struct diagnostics errors = {0};
    made_result_init(&made, 2);
    made.variants[1].name = "zswap.max_pool_percent=20, zswap.compressor=zstd, vm.swappiness=100, "
                            "zswap.accept_threshold_percent=90, machine.cpus=16";
    made_run(&made, 1, 0)->totals.counters[COUNTER_zswpwb] = 1000000000;
    assert_true(result_file_write(base_path, &made.source, &errors));
    made_result_release(&made);
    assert_int_equal(RUN(base_path), 0);
    assert_says("vm.swappiness=100, ");
    for (const char *line = output; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 75);
}

static void many_metrics_are_corrected_for(void **state)
{
    (void)state;
    struct made_result made;
    struct diagnostics errors = {0};
    made_result_init(&made, 3);
    /* Differences 75, 126, 77: mean 92.7, error 16.7, t 5.56, and p =
     * 1 - t / sqrt(2 + t^2) = 0.0308 for one metric, 0.0617 for two. */
    static const uint64_t new[] = {1075, 1136, 1097};
    for (uint32_t s = 0; s < 3; s++) {
        for (uint32_t v = 0; v < 2; v++) {
            struct counters_at *totals = &made_run(&made, v, s)->totals;
            totals->counters[COUNTER_zswpwb] = v ? new[s] : 1000 + 10 * s;
            totals->counters[COUNTER_pswpin] = totals->counters[COUNTER_zswpwb];
        }
    }
    assert_true(result_file_write(base_path, &made.source, &errors));
    made_result_release(&made);
    assert_int_equal(RUN("--metric", "zswpwb", base_path), 0);
    assert_says("worse");
    assert_null(strstr(output, "Holm"));
    assert_int_equal(RUN("--metric", "zswpwb", "--metric", "pswpin", base_path), 0);
    assert_null(strstr(output, "worse"));
    assert_says("unclear");
    assert_says("verdicts: at 5 % for all 2 metrics together (Holm)");
    assert_int_equal(RUN("--format", "json", "--metric", "zswpwb", "--metric", "pswpin", base_path),
                     0);
    assert_says("\"p\":\t0.030");
    assert_says("\"p_holm\":\t0.061");
    /* A condition asked for beforehand stands alone. */
    assert_int_equal(RUN("--fail-on", "zswpwb>+1%", base_path), 3);
}

/* Differences of deviation 1.15 around 1 % of 1015: half-width t(0.975, n - 1) x
 * 1.15 / sqrt(n) is 14.6 with two pairs and 2.9 with three. */
static void noise_floor(void **state)
{
    (void)state;
    make_file(base_path, 4, 0, 1);
    assert_int_equal(RUN("--metric", "zswpwb", base_path), 0);
    assert_says("1 % takes 3 seeds");
    assert_says("noise floor: 3 seeds would resolve 1 % of every metric above\n");
    assert_int_equal(RUN("--metric", "zswpwb", "--metric", "reject_reclaim_fail", base_path), 0);
    assert_says("noise floor: 3 seeds would resolve 1 % of every metric above,\n"
                "but for reject_reclaim_fail, which takes ");
    make_file(base_path, 1, 10, 0);
    assert_int_equal(RUN(base_path), 0);
    assert_null(strstr(output, "noise floor"));
}

/* A latency of 1,000 ns for seed s of "small", and twice that or more of "large". */
static void percentiles_are_bootstrapped(void **state)
{
    (void)state;
    struct made_result made;
    struct diagnostics errors = {0};
    made_result_init(&made, 8);
    for (uint32_t s = 0; s < 8; s++)
        for (uint32_t v = 0; v < 2; v++)
            histogram_add(&made_run(&made, v, s)->fault_latency[FAULT_disk],
                          v ? 2000 + 300 * s * s : 1000);
    assert_true(result_file_write(base_path, &made.source, &errors));
    made_result_release(&made);
    assert_int_equal(RUN("--metric", "fault_latency_ns.disk.p99", base_path), 0);
    assert_says("of percentiles: bootstrap t, 4999 resamples of pairs");
    assert_says("worse");
    assert_int_equal(RUN("--metric", "fault_latency_ns.disk.p99", "--format", "csv", base_path), 0);
    assert_says(",bootstrap t,");
    assert_int_equal(RUN("--metric", "end_ns", "--format", "csv", base_path), 0);
    assert_says(",paired t,");
}

static void percentiles_are_known_as_such(void **state)
{
    (void)state;
    static const char *const names[] = {"fault_latency_ns.disk.p50", "fault_latency_ns.major.p99_9",
                                        "store_wait_ns.p99", "disk.read_p50_ns",
                                        "disk.write_p99_ns"};
    struct metric metric;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        metric_describe((unsigned)metric_find(names[i]), &metric);
        assert_true(metric.percentile);
    }
    metric_describe((unsigned)metric_find("disk.read_mean_ns"), &metric);
    assert_false(metric.percentile);
}

static void one_run_each_is_exact(void **state)
{
    (void)state;
    make_file(base_path, 1, 10, 0);
    assert_int_equal(RUN(base_path), 0);
    assert_says("exact difference, no statistics (1 run each)");
    assert_int_equal(RUN("--fail-on", "zswpwb>+9%", base_path), 3);
    assert_int_equal(RUN("--fail-on", "zswpwb>+10%", base_path), 0);
}

/* Three seeds of two variants, all alike but for the end of the very last run. */
static void make_copies(uint64_t last_end_ns)
{
    struct made_result made;
    struct diagnostics errors = {0};
    made_result_init(&made, 3);
    for (uint32_t s = 0; s < 3; s++)
        for (uint32_t v = 0; v < 2; v++)
            made_run(&made, v, s)->totals.counters[COUNTER_zswpwb] = v ? 1100 : 1000;
    made_run(&made, 1, 2)->end_ns = last_end_ns;
    assert_true(result_file_write(base_path, &made.source, &errors));
    made_result_release(&made);
}

/* Copies of one run would have intervals without a width. */
static void seeds_that_change_nothing_are_told(void **state)
{
    (void)state;
    make_copies(0);
    assert_int_equal(RUN(base_path), 0);
    assert_says("exact difference, no statistics (all seeds gave the same run)");
    assert_says("latency_distribution");
    assert_null(strstr(output, "noise floor"));
    assert_null(strstr(output, "interval"));
    assert_null(strstr(output, "takes"));
    assert_null(strstr(output, ".."));
    assert_int_equal(RUN("--format", "csv", "--metric", "zswpwb", base_path), 0);
    assert_says(",100,10,exact,,,,,,worse,,,false\n");
    assert_int_equal(RUN("--format", "json", "--metric", "zswpwb", base_path), 0);
    assert_says("\"interval\":\t\"exact\"");
    assert_says("\"p\":\tnull");
    assert_says("\"p_holm\":\tnull");
    assert_says("\"percent_ci95_low\":\tnull");
    assert_says("\"seeds_for_1_percent\":\tnull");
    assert_says("\"verdict\":\t\"worse\"");
    assert_int_equal(RUN("--format", "markdown", "--metric", "zswpwb", base_path), 0);
    assert_says("| +10.0 % |  |  | worse |");
    assert_int_equal(RUN("--fail-on", "zswpwb>+9%", base_path), 3);
    assert_says("zswpwb>+9% exceeded by variant \"large\": +10.0 %\n");
    assert_int_equal(RUN("--fail-on", "zswpwb>+10%", base_path), 0);
    make_file(base_path, 3, 10, 0);
    assert_int_equal(RUN(base_path), 0);
    assert_null(strstr(output, "no statistics"));
}

/* Not a copy: the runs differ, and this metric is the same in all of them. */
static void a_metric_that_no_seed_changes_keeps_its_statistics(void **state)
{
    (void)state;
    make_copies(1);
    assert_int_equal(RUN("--metric", "zswpwb", base_path), 0);
    assert_says("+10.0..+10.0");
    assert_says("1 % takes 2 seeds");
    assert_int_equal(RUN("--metric", "zswpwb", "--fail-on", "zswpwb>+9%", base_path), 3);
    assert_says("+10.0 %, interval +10.0..+10.0 %");
}

static void two_files_by_name(void **state)
{
    (void)state;
    make_file(base_path, 3, 10, 0);
    make_file(new_path, 5, 20, 0);
    assert_int_equal(RUN("--variant", "large", base_path, new_path), 0);
    assert_says("3 pairs of runs");
    assert_says("left out: 2 runs without a partner");
    assert_int_equal(RUN("--variant", "small=large", base_path, new_path), 0);
    assert_says("+20.0 %");
}

static void threshold_needs_the_whole_interval(void **state)
{
    (void)state;
    /* Mean change 10 %, but the pairs spread widely around it. */
    make_file(base_path, 4, 10, 90);
    assert_int_equal(RUN("--fail-on", "zswpwb>+2%", base_path), 0);
    assert_says("unclear");
    make_file(base_path, 4, 10, 1);
    assert_int_equal(RUN("--fail-on", "zswpwb>+2%", base_path), 3);
    assert_says("zswpwb>+2% exceeded by variant \"large\"");
    assert_int_equal(RUN("--fail-on", "zswpwb<-2%", base_path), 0);
    assert_int_equal(RUN("--fail-on", "zswpwb<-2%", "--against", "large", base_path), 3);
    assert_int_equal(RUN("--fail-on", "zswpwb>50", base_path), 3);
    assert_int_equal(RUN("--fail-on", "zswpwb>150", base_path), 0);
}

/* A pair that lost its task at once is fast, and no better for it. */
static void a_task_killed_on_one_side_has_no_verdict(void **state)
{
    (void)state;
    struct made_result made;
    struct diagnostics errors = {0};
    made_result_init(&made, 3);
    for (uint32_t s = 0; s < 3; s++)
        for (uint32_t v = 0; v < 2; v++) {
            made_run(&made, v, s)->end_ns = v ? 10 : 1000 + s;
            made_run(&made, v, s)->totals.counters[COUNTER_oom_kill] = v;
        }
    assert_true(result_file_write(base_path, &made.source, &errors));
    assert_int_equal(RUN("--metric", "end_ns", base_path), 0);
    assert_says("killed");
    assert_says("OUT OF MEMORY: a task was killed in 3 of 3 runs of the new \"large\", in 0 of");
    assert_null(strstr(output, "better"));
    assert_null(strstr(output, "noise floor"));
    assert_int_equal(RUN("--fail-on", "end_ns>+1%", base_path), 3);
    assert_says(
        "zsim: end_ns>+1% cannot be told of variant \"large\": a task was killed in 3 of its "
        "3 runs, in 0 of 3 of \"small\"\n");
    /* The kills themselves can be told. */
    assert_int_equal(RUN("--fail-on", "oom_kill>5", base_path), 0);
    assert_int_equal(RUN("--metric", "end_ns", "--format", "json", base_path), 0);
    assert_says("\"verdict\":\t\"killed\"");
    assert_says("\"new_runs_killed\":\t3");
    assert_says(
        "zsim: warning: a task was killed in 3 of 3 runs of \"large\", in 0 of 3 of \"small\"");
    /* A killed task on both sides is told, and compared. */
    for (uint32_t s = 0; s < 3; s++)
        made_run(&made, 0, s)->totals.counters[COUNTER_oom_kill] = 1;
    assert_true(result_file_write(base_path, &made.source, &errors));
    assert_int_equal(RUN("--metric", "end_ns", base_path), 0);
    assert_says("better");
    assert_says("in 3 of\n      3 of the base");
    made_result_release(&made);
}

static void metrics_of_one_cgroup(void **state)
{
    (void)state;
    struct made_result made;
    struct diagnostics errors = {0};
    struct cgroup_result cgroups[6][2];
    memset(cgroups, 0, sizeof(cgroups));
    made_result_init(&made, 3);
    for (uint32_t s = 0; s < 3; s++)
        for (uint32_t v = 0; v < 2; v++) {
            struct cgroup_result *of = cgroups[2 * s + v];
            of[0].path = "/greedy.slice/a";
            of[1].path = "/modest";
            of[0].at_end.counters[COUNTER_pswpin] = 500 + s;
            of[1].at_end.counters[COUNTER_pswpin] = (v ? 50 : 100) + s;
            made_run(&made, v, s)->cgroups = of;
            made_run(&made, v, s)->cgroup_count = 2;
        }
    assert_true(result_file_write(base_path, &made.source, &errors));
    made_result_release(&made);
    assert_int_equal(RUN("--metric", "cgroups./modest.pswpin", "--metric",
                         "cgroups./greedy.slice/a.pswpin", base_path),
                     0);
    assert_says("cgroups./modest.pswpin\n                             101         51  -49.5 %");
    assert_says("better");
    assert_says("cgroups./greedy.slice/a.pswpin\n                             501        501");
    assert_int_equal(RUN("--fail-on", "cgroups./modest.pswpin<-40%", base_path), 3);
    assert_int_equal(RUN("--metric", "cgroups./modst.pswpin", base_path), 2);
    assert_says("no run has a cgroup \"/modst\"; did you mean \"/modest\"?");
    assert_int_equal(RUN("--metric", "cgroups./modest.pswpn", base_path), 2);
    assert_says("did you mean \"cgroups./modest.pswpin\"?");
    assert_int_equal(RUN("--metric", "cgroups.modest", base_path), 2);
    assert_says("expected cgroups./PATH.NAME");
}

/* What the interval is not where the statistics have it, or missing, for. */
static void intervals_in_per_cent_are_possible(void **state)
{
    (void)state;
    static const uint64_t base[] = {80, 100, 90, 130}, few[] = {0, 0, 0, 8};
    struct made_result made;
    struct diagnostics errors = {0};
    made_result_init(&made, 4);
    for (uint32_t s = 0; s < 4; s++) {
        made_run(&made, 0, s)->totals.counters[COUNTER_zswpwb] = base[s];
        made_run(&made, 0, s)->totals.counters[COUNTER_pswpin] = base[s];
        made_run(&made, 1, s)->totals.counters[COUNTER_pswpin] = few[s];
    }
    assert_true(result_file_write(base_path, &made.source, &errors));
    assert_int_equal(RUN("--metric", "zswpwb", base_path), 0);
    assert_says("-100.0 % -100.0..-100.0 better");
    assert_null(strstr(output, "interval ended"));
    assert_int_equal(RUN("--metric", "pswpin", base_path), 0);
    assert_says(" -100.0..-");
    assert_says("interval ended at -100 %, as nothing counts less than 0, of: pswpin\n");
    assert_int_equal(RUN("--metric", "pswpin", "--format", "csv", base_path), 0);
    assert_says(",-100,");
    assert_says(",true\n");
    assert_int_equal(RUN("--metric", "pswpin", "--against", "large", base_path), 0);
    assert_says("no interval in per cent, as the base may be 0 for all that these runs");
    /* A condition can be told all the same. */
    assert_int_equal(RUN("--against", "large", "--fail-on", "pswpin>+50%", base_path), 3);
    made_result_release(&made);
}

static void other_workloads_are_refused(void **state)
{
    (void)state;
    struct made_result made;
    struct diagnostics errors = {0};
    make_file(base_path, 2, 10, 0);
    made_result_init(&made, 2);
    made.inputs[1].fingerprint = "ffffffffffffffff";
    assert_true(result_file_write(new_path, &made.source, &errors));
    made_result_release(&made);
    assert_int_equal(RUN(base_path, new_path), 2);
    assert_says("--force");
    assert_int_equal(RUN("--force", base_path, new_path), 0);
    assert_says("THE WORKLOADS DIFFER");
}

static void mistakes(void **state)
{
    (void)state;
    make_file(base_path, 2, 10, 0);
    assert_int_equal(RUN("--fail-on", "zswpwb", base_path), 2);
    assert_says("expected METRIC>CHANGE");
    assert_int_equal(RUN("--fail-on", "zswpwb>2x", base_path), 2);
    assert_int_equal(RUN("--fail-on", "zswpwb>nan", base_path), 2);
    assert_int_equal(RUN("--metric", "zwspwb", base_path), 2);
    assert_says("did you mean \"zswpwb\"?");
    assert_int_equal(RUN("--variant", "smal", base_path), 2);
    assert_says("did you mean \"small\"?");
    assert_int_equal(RUN("--format", "xml", base_path), 2);
    assert_int_equal(RUN("--format", "text"), 2);
    assert_int_equal(RUN("/nonexistent.json"), 2);
    assert_says("/nonexistent.json: error: cannot be read: No such file or directory");
    assert_int_equal(RUN(directory), 2);
}

static void formats(void **state)
{
    (void)state;
    make_file(base_path, 2, 10, 0);
    assert_int_equal(RUN("--format", "csv", base_path), 0);
    assert_says("\"large\",\"small\",zswpwb,pages,2,1005,1105.5,1005,1105.5,100.5,10,");
    assert_int_equal(RUN("--format", "markdown", base_path), 0);
    assert_says("| `zswpwb` | 1005 | 1105.5 |");
    assert_int_equal(RUN("--format", "json", base_path), 0);
    cJSON *document = cJSON_Parse(output);
    assert_non_null(document);
    cJSON_Delete(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_one_file),
        cmocka_unit_test(lines_fit_a_commit_message),
        cmocka_unit_test(long_names_fit_a_commit_message),
        cmocka_unit_test(many_metrics_are_corrected_for),
        cmocka_unit_test(noise_floor),
        cmocka_unit_test(percentiles_are_bootstrapped),
        cmocka_unit_test(percentiles_are_known_as_such),
        cmocka_unit_test(one_run_each_is_exact),
        cmocka_unit_test(seeds_that_change_nothing_are_told),
        cmocka_unit_test(a_metric_that_no_seed_changes_keeps_its_statistics),
        cmocka_unit_test(two_files_by_name),
        cmocka_unit_test(threshold_needs_the_whole_interval),
        cmocka_unit_test(a_task_killed_on_one_side_has_no_verdict),
        cmocka_unit_test(metrics_of_one_cgroup),
        cmocka_unit_test(intervals_in_per_cent_are_possible),
        cmocka_unit_test(other_workloads_are_refused),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests_name("compare", tests, setup, teardown);
}

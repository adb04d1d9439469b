#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/made_result.h"

static char directory[] = "/tmp/zsim-test-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

/* The document as text and as it is read back. */
static cJSON *written_and_read(const struct made_result *made, char **text)
{
    cJSON *document = result_document(&made->source);
    *text = json_print(document);
    cJSON_Delete(document);
    cJSON *read = cJSON_Parse(*text);
    assert_non_null(read);
    return read;
}

static cJSON *at(cJSON *item, const char *key)
{
    cJSON *member = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(key))
                                        : cJSON_GetObjectItemCaseSensitive(item, key);
    assert_non_null(member);
    return member;
}

static void integers_are_exact(void **state)
{
    (void)state;
    struct made_result made;
    char *text;
    made_result_init(&made, 1);
    made_run(&made, 0, 0)->totals.counters[COUNTER_zswpwb] = 9007199254740993;
    made_run(&made, 0, 0)->end_ns = UINT64_MAX;
    cJSON *document = written_and_read(&made, &text);
    assert_non_null(strstr(text, "\"zswpwb\":\t9007199254740993"));
    assert_non_null(strstr(text, "\"end_ns\":\t18446744073709551615"));
    cJSON_Delete(document);
    free(text);
    made_result_release(&made);
}

static void every_counter_is_there(void **state)
{
    (void)state;
    struct made_result made;
    char *text;
    made_result_init(&made, 1);
    cJSON *document = written_and_read(&made, &text);
    cJSON *run = at(at(at(at(document, "variants"), "1"), "runs"), "0");
    assert_int_equal(cJSON_GetArraySize(at(run, "totals")), COUNTERS + GAUGES);
    assert_int_equal(cJSON_GetArraySize(at(run, "cost_ns")), TIME_KINDS);
    assert_int_equal(cJSON_GetArraySize(at(at(run, "histograms"), "fault_latency_ns")),
                     LATENCY_KINDS);
    for (unsigned i = 0; i < COUNTERS; i++)
        assert_int_equal(at(at(run, "totals"), counter_descriptions[i].name)->valueint, 0);
    assert_string_equal(at(document, "schema")->valuestring, "zsim.result/1");
    cJSON_Delete(document);
    free(text);
    made_result_release(&made);
}

static void undefined_is_null_with_a_reason(void **state)
{
    (void)state;
    struct made_result made;
    char *text;
    made_result_init(&made, 1);
    made_run(&made, 0, 0)->fairness.cgroups_ppm = UINT64_MAX;
    cJSON *document = written_and_read(&made, &text);
    cJSON *run = at(at(at(at(document, "variants"), "0"), "runs"), "0");
    assert_true(cJSON_IsNull(at(at(run, "fairness"), "cgroups_ppm")));
    assert_true(cJSON_IsString(at(at(run, "undefined"), "fairness.cgroups_ppm")));
    assert_int_equal(cJSON_GetArraySize(at(run, "undefined")), 1);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf,"));
    cJSON_Delete(document);
    free(text);
    made_result_release(&made);
}

static void series_columns_are_the_same_in_all_runs(void **state)
{
    (void)state;
    struct made_result made;
    char *text;
    struct series_row rows[2] = {{.at_ns = 5, .accesses = 10}, {.at_ns = 7, .accesses = 20}};
    made_result_init(&made, 2);
    rows[1].at.counters[COUNTER_pswpin] = 3;
    rows[0].at.gauges[GAUGE_disk_pages] = 4;
    made_run(&made, 0, 0)->series = rows;
    made_run(&made, 0, 0)->series_count = 1;
    made_run(&made, 1, 1)->series = rows;
    made_run(&made, 1, 1)->series_count = 2;
    cJSON *document = written_and_read(&made, &text);
    for (uint32_t v = 0; v < 2; v++)
        for (uint32_t s = 0; s < 2; s++) {
            cJSON *runs = at(cJSON_GetArrayItem(at(document, "variants"), (int)v), "runs");
            cJSON *columns = at(at(cJSON_GetArrayItem(runs, (int)s), "series"), "columns");
            assert_int_equal(cJSON_GetArraySize(columns), 4);
            assert_string_equal(at(columns, "2")->valuestring, "pswpin");
            assert_string_equal(at(columns, "3")->valuestring, "disk_pages");
        }
    assert_non_null(strstr(text, "[\n[5,10,0,4],\n[7,20,3,0]]"));
    cJSON_Delete(document);
    free(text);
    made_result_release(&made);
}

static void summary_and_differences(void **state)
{
    (void)state;
    struct made_result made;
    char *text;
    made_result_init(&made, 3);
    for (uint32_t s = 0; s < 3; s++) {
        made_run(&made, 0, s)->totals.counters[COUNTER_pswpin] = 1000 + s;
        made_run(&made, 1, s)->totals.counters[COUNTER_pswpin] = 900 + s;
    }
    cJSON *document = written_and_read(&made, &text);
    cJSON *of = at(at(at(at(document, "variants"), "0"), "summary"), "pswpin");
    assert_int_equal(at(of, "n")->valueint, 3);
    assert_true(at(of, "mean")->valuedouble == 1001);
    assert_true(at(of, "stddev")->valuedouble == 1);
    assert_int_equal(cJSON_GetArraySize(at(document, "differences")), 1);
    cJSON *difference = at(at(document, "differences"), "0");
    assert_string_equal(at(difference, "metric")->valuestring, "pswpin");
    assert_string_equal(at(difference, "against")->valuestring, "small");
    assert_string_equal(at(difference, "verdict")->valuestring, "better");
    assert_true(at(difference, "ci95_low")->valuedouble == -100);
    cJSON_Delete(document);
    free(text);
    made_result_release(&made);
}

static void incomplete_runs_do_not_count(void **state)
{
    (void)state;
    struct made_result made;
    char *text;
    made_result_init(&made, 3);
    made_run(&made, 0, 0)->totals.counters[COUNTER_pswpin] = 10;
    made_run(&made, 0, 1)->totals.counters[COUNTER_pswpin] = 30;
    made_run(&made, 0, 1)->complete = false;
    made.runs[2].started = false;
    cJSON *document = written_and_read(&made, &text);
    cJSON *variant = at(at(document, "variants"), "0");
    cJSON *of = at(at(variant, "summary"), "pswpin");
    assert_int_equal(cJSON_GetArraySize(at(variant, "runs")), 2);
    assert_int_equal(at(of, "n")->valueint, 1);
    assert_true(at(of, "mean")->valuedouble == 10);
    assert_true(cJSON_IsNull(at(of, "stddev")));
    cJSON_Delete(document);
    free(text);
    made_result_release(&made);
}

static void changes_lead_to_the_config_of_a_variant(void **state)
{
    (void)state;
    struct made_result made;
    char *text;
    made_result_init(&made, 1);
    cJSON_SetNumberValue(at(at(made.configs[1], "zswap"), "max_pool_percent"), 40);
    cJSON *document = written_and_read(&made, &text);
    cJSON *changes = at(at(at(document, "variants"), "1"), "changes");
    assert_int_equal(cJSON_GetArraySize(changes), 1);
    assert_string_equal(at(at(at(changes, "0"), "path"), "1")->valuestring, "max_pool_percent");
    assert_int_equal(at(at(changes, "0"), "value")->valueint, 40);
    assert_int_equal(cJSON_GetArraySize(at(at(at(document, "variants"), "0"), "changes")), 0);
    cJSON_Delete(document);
    free(text);
    made_result_release(&made);
}

static void hash_follows_config_and_seeds(void **state)
{
    (void)state;
    struct made_result made;
    char first[17], second[17], third[17];
    made_result_init(&made, 2);
    result_config_hash(&made.source, first);
    made.seeds[1] = 9;
    result_config_hash(&made.source, second);
    cJSON_AddStringToObject(made.configs[0], "question", "Another?");
    result_config_hash(&made.source, third);
    assert_int_equal(strlen(first), 16);
    assert_string_not_equal(first, second);
    assert_string_equal(second, third);
    made_result_release(&made);
}

static void host_alone_depends_on_the_machine(void **state)
{
    (void)state;
    struct made_result made;
    char *texts[2];
    made_result_init(&made, 2);
    for (unsigned i = 0; i < 2; i++) {
        made.source.jobs = i + 1;
        made.source.wall_ns = 1000 * (i + 1);
        made_run(&made, 0, 0)->host_wall_ns = 5 + i;
        made_run(&made, 0, 0)->host_state_bytes = 50 + i;
        cJSON *document = result_document(&made.source);
        cJSON_DeleteItemFromObjectCaseSensitive(document, "host");
        texts[i] = json_print(document);
        cJSON_Delete(document);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    made_result_release(&made);
}

static void major_faults_together(void **state)
{
    (void)state;
    struct run_result run = {0};
    uint64_t value;
    int p50 = metric_find("fault_latency_ns.major.p50");
    assert_true(p50 >= 0);
    assert_false(metric_of_run(&run, (unsigned)p50, &value));
    histogram_add(&run.fault_latency[FAULT_zswap], 10);
    histogram_add(&run.fault_latency[FAULT_disk], 30);
    histogram_add(&run.fault_latency[FAULT_zero], 20);
    histogram_add(&run.fault_latency[FAULT_first_touch], 1);
    assert_true(metric_of_run(&run, (unsigned)p50, &value));
    assert_int_equal(value, 20);
    run_result_release(&run);
}

static void reals_read_back(void **state)
{
    (void)state;
    const double values[] = {0.1, 0.1 + 0.2, 1e300, 5e-324, 3,    1.0 / 3,
                             0,   -0.0,      -7,    1e15,   1e14, 999999999999999};
    const char *texts[] = {
        "0.1",   "0.30000000000000004", "1e+300",         NULL, "3", NULL, "0", "-0", "-7",
        "1e+15", "100000000000000",     "999999999999999"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[40];
        print_real(text, sizeof(text), values[i]);
        assert_true(strtod(text, NULL) == values[i]);
        if (texts[i])
            assert_string_equal(text, texts[i]);
    }
}

static void integers_are_whole(void **state)
{
    (void)state;
    const uint64_t values[] = {0, 9, 10, 4294967296, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[INTEGER_DIGITS + 1], wanted[INTEGER_DIGITS + 1];
        snprintf(wanted, sizeof(wanted), "%" PRIu64, values[i]);
        assert_ptr_equal(print_integer(text, values[i]), text + strlen(wanted));
        assert_string_equal(text, wanted);
    }
}

static void write_then_read(void **state)
{
    (void)state;
    struct made_result made;
    struct diagnostics errors = {0};
    char path[64];
    struct stat status;
    struct metric metric;
    double value = 0;
    made_result_init(&made, 2);
    made_run(&made, 1, 1)->totals.counters[COUNTER_zswpin] = 77;
    made_run(&made, 1, 1)->inversion.pair_ppm = UINT64_MAX;
    made_run(&made, 0, 0)->complete = false;
    snprintf(path, sizeof(path), "%s/made.json", directory);
    assert_true(result_file_write(path, &made.source, &errors));
    assert_int_equal(stat(path, &status), 0);
    struct result_file *file = result_file_read(path, &errors);
    assert_int_equal(errors.count, 0);
    assert_non_null(file);
    assert_string_equal(file->name, "made");
    assert_int_equal(file->variant_count, 2);
    assert_int_equal(file->variants[1].run_count, 2);
    assert_int_equal(file->variants[1].runs[1].seed, 2);
    assert_false(file->variants[0].runs[0].complete);
    metric_describe((unsigned)metric_find("zswpin"), &metric);
    assert_int_equal(result_file_metric(&file->variants[1].runs[1], &metric, &value, &errors), 1);
    assert_true(value == 77);
    metric_describe((unsigned)metric_find("inversion.pair_ppm"), &metric);
    assert_int_equal(result_file_metric(&file->variants[1].runs[1], &metric, &value, &errors), 0);
    assert_true(result_file_same_inputs(&file->variants[0].runs[0], &file->variants[1].runs[1]));
    result_file_free(file);
    unlink(path);
    made_result_release(&made);
    diagnostics_release(&errors);
}

/* One message with a place, and nothing else, for each broken file. */
static void broken_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "made.json"},
        {"[]", "expected an object, found a list"},
        {"{}", "expected \"schema\" to be a string, found nothing"},
        {"{\"schema\": \"other/1\"}", "expected the schema \"zsim.result/1\", found \"other/1\""},
        {"{\"schema\": \"zsim.result/1\", \"name\": 3}", ":1:37: error: "},
        {"{\"schema\": \"zsim.result/1\", \"name\": \"a\", \"config_xxh3\": \"b\", "
         "\"complete\": true, \"variants\": [{\"name\": \"v\", \"runs\": [{\"seed\": -1, "
         "\"complete\": true}]}]}",
         "expected a seed, a whole number, found -1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diagnostics errors = {0};
        char path[64];
        snprintf(path, sizeof(path), "%s/made.json", directory);
        assert_true(file_write_whole(path, cases[i].text, strlen(cases[i].text), &errors));
        assert_null(result_file_read(path, &errors));
        assert_int_equal(errors.count, 1);
        if (!strstr(diagnostics_text(&errors, 0), cases[i].message))
            fail_msg("\"%s\" does not hold \"%s\"", diagnostics_text(&errors, 0), cases[i].message);
        diagnostics_release(&errors);
        unlink(path);
    }
}

static void unwritable_place(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    assert_false(file_write_whole("/proc/nonexistent/directory/x.json", "{}", 2, &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(diagnostics_text(&errors, 0),
                        "/proc/nonexistent/directory/x.json: error: cannot be written: "
                        "No such file or directory");
    diagnostics_release(&errors);
}

static void names_are_found(void **state)
{
    (void)state;
    struct diagnostics errors = {0};
    for (unsigned i = 0; i < metric_count(); i++) {
        struct metric metric;
        metric_describe(i, &metric);
        assert_int_equal(metric_find(metric.name), i);
        assert_non_null(metric.unit);
        assert_non_null(metric.meaning);
    }
    assert_int_equal(metric_find("no such"), -1);
    assert_int_equal(metric_find_or_tell("zswpwb", &errors), metric_find("zswpwb"));
    assert_int_equal(metric_find_or_tell("zwspwb", &errors), -1);
    assert_string_equal(diagnostics_text(&errors, 0),
                        "zsim: error: unknown metric \"zwspwb\"; did you mean \"zswpwb\"?");
    assert_null(diagnostics_text(&errors, 1));
    diagnostics_release(&errors);
}

/* docs/metrics.md is what the program prints. */
static void reference_page_is_current(void **state)
{
    (void)state;
    FILE *page = fopen("docs/metrics.md", "r");
    if (!page)
        skip(); /* not run from the top of the tree */
    char *text = NULL, *file = memory_zeroed(1, 1 << 20, "a page");
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    metrics_reference_print(out);
    fclose(out);
    size_t size = fread(file, 1, (1 << 20) - 1, page);
    fclose(page);
    assert_int_equal(size, length);
    assert_string_equal(file, text);
    free(text);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(every_counter_is_there),
        cmocka_unit_test(undefined_is_null_with_a_reason),
        cmocka_unit_test(series_columns_are_the_same_in_all_runs),
        cmocka_unit_test(summary_and_differences),
        cmocka_unit_test(incomplete_runs_do_not_count),
        cmocka_unit_test(changes_lead_to_the_config_of_a_variant),
        cmocka_unit_test(hash_follows_config_and_seeds),
        cmocka_unit_test(host_alone_depends_on_the_machine),
        cmocka_unit_test(major_faults_together),
        cmocka_unit_test(reals_read_back),
        cmocka_unit_test(integers_are_whole),
        cmocka_unit_test(write_then_read),
        cmocka_unit_test(broken_files),
        cmocka_unit_test(unwritable_place),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(reference_page_is_current),
    };
    return cmocka_run_group_tests_name("result_file", tests, make_directory, remove_directory);
}

/* Calibration: medians, fits, and the table that is written.  What a machine takes is
 * not asserted, only that every number is positive and finite. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/calibrate/calibrate.h"
#include "sim/engine/costs_table.h"
#include "sim/experiment/config_tree.h"

static void assert_near(double value, double expected)
{
    if (fabs(value - expected) > 1e-9 * fabs(expected) + 1e-12)
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void test_medians(void **state)
{
    (void)state;
    double samples[] = {50, 10, 20, 30, 1000, 40, 60, 70, 80, 90, 100};
    struct measured measured = measured_of(samples, 11);
    assert_near(measured.median, 60);
    assert_near(measured.least, 20);
    assert_near(measured.most, 100);
    assert_near(measured.spread, 1.4826 * 30);
    double one[] = {7};
    measured = measured_of(one, 1);
    assert_near(measured.median + measured.least + measured.most + measured.spread, 21);
}

/* Points on a line give the line, whatever the weights. */
static void test_line_through_its_points(void **state)
{
    (void)state;
    const double x[] = {0, 1000, 2000, 4000}, weights[] = {1, 0.25, 4, 100};
    double y[4];
    for (int i = 0; i < 4; i++)
        y[i] = 300 + 0.25 * x[i];
    struct fitted_line line = fit_line(x, y, weights, 4);
    assert_near(line.fixed, 300);
    assert_near(line.slope, 0.25);
    assert_true(line.chi_squared < 1e-15);
    assert_false(line.bounded);
}

/* With S = sum w, Sx = sum w x, Sxx = sum w x^2 and D = S Sxx - Sx^2 the variances are
 * Sxx / D and S / D, the covariance -Sx / D; here x is 0, 1, 2 with weights 1, 2, 1. */
static void test_covariance(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2}, weights[] = {1, 2, 1};
    double y[] = {1, 2, 3};
    struct fitted_line line = fit_line(x, y, weights, 3);
    assert_near(line.fixed_variance, 6.0 / 8);
    assert_near(line.slope_variance, 4.0 / 8);
    assert_near(line.covariance, -4.0 / 8);
    /* The middle point is 4 too high: the line is 2 higher, each residual 2, chi^2 16. */
    y[1] = 6;
    line = fit_line(x, y, weights, 3);
    assert_near(line.fixed, 3);
    assert_near(line.slope, 1);
    assert_near(line.chi_squared, 16);
    assert_near(line.fixed_variance, 16 * 6.0 / 8);
    assert_near(line.slope_variance, 16 * 4.0 / 8);
    assert_near(line.covariance, 16 * -4.0 / 8);
}

static void test_no_negative_parameters(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3}, weights[] = {1, 1, 1}, falling[] = {30, 20, 10},
                 steep[] = {10, 40, 70};
    struct fitted_line line = fit_line(x, falling, weights, 3);
    assert_true(line.bounded);
    assert_near(line.fixed, 20);
    assert_true(line.slope == 0);
    line = fit_line(x, steep, weights, 3);
    assert_true(line.bounded);
    assert_true(line.fixed == 0);
    assert_near(line.slope, (10 + 2 * 40 + 3 * 70) / 14.0);
}

/* ---- tables ----------------------------------------------------------------------- */

struct table {
    char path[64];
    struct arena arena;
    struct diagnostics errors;
    struct costs costs;
};

static void write_and_read(struct table *table, const struct calibration *calibration)
{
    memset(table, 0, sizeof(*table));
    strcpy(table->path, "/tmp/zsim-calibrate-XXXXXX");
    int file = mkstemp(table->path);
    assert_true(file >= 0);
    close(file);
    assert_true(calibration_write(calibration, "mine", table->path, &table->errors));
    bool good = costs_read(table->path, &table->costs, &table->arena, &table->errors);
    diagnostics_print(&table->errors);
    assert_true(good);
}

static void release_table(struct table *table)
{
    unlink(table->path);
    arena_release(&table->arena);
    diagnostics_release(&table->errors);
}

static const char *source_of(struct table *table, const char *list, const char *name)
{
    struct config_node *tree = config_tree_read(table->path, &table->arena, &table->errors);
    const struct config_node *row = config_tree_member(config_tree_member(tree, list), name);
    return config_tree_member(row, "source")->text;
}

static void test_nothing_measured_is_the_builtin_table(void **state)
{
    (void)state;
    struct calibration calibration = {.machine = "none"};
    struct costs builtin;
    struct table table;
    costs_set_builtin(&builtin);
    write_and_read(&table, &calibration);
    assert_string_equal(table.costs.name, "mine");
    assert_memory_equal(table.costs.ns, builtin.ns, sizeof(builtin.ns));
    assert_memory_equal(table.costs.codec, builtin.codec, sizeof(builtin.codec));
    assert_string_equal(source_of(&table, "costs", "allocator_free"),
                        "taken over from the table \"vm\": estimate: as allocator_alloc");
    release_table(&table);
}

/* Numbers are rounded to whole ns and ps, at least 1; the range holds the number; a
 * processor's name may hold anything. */
static void test_what_is_measured_is_written(void **state)
{
    (void)state;
    struct calibration calibration = {.machine = "A \"fast\" \\ one", .rounds = 31};
    struct table table;
    calibration.known[COST_page_copy] = calibration.known[COST_atomic_local] = true;
    calibration.costs[COST_page_copy] = (struct measured){44.6, 40.2, 61.1, 2.23};
    calibration.costs[COST_atomic_local] = (struct measured){0.2, 0.1, 0.3, 0};
    unsigned lz4 = (unsigned)compressor_find("lz4");
    calibration.codecs[lz4] =
        (struct calibrated_codec){.known = true,
                                  .compress = {.fixed = 1234.4, .slope = 0.3216},
                                  .decompress = {.fixed = 0, .slope = 0.0001},
                                  .least_length = 33,
                                  .most_length = 3900};
    write_and_read(&table, &calibration);
    assert_int_equal(table.costs.ns[COST_page_copy], 45);
    assert_int_equal(table.costs.ns[COST_atomic_local], 1);
    assert_int_equal(table.costs.codec[lz4].compress_ns, 1234);
    assert_int_equal(table.costs.codec[lz4].compress_ps_per_byte, 322);
    assert_int_equal(table.costs.codec[lz4].decompress_ns, 1);
    assert_int_equal(table.costs.codec[lz4].decompress_ps_per_byte, 1);
    assert_string_equal(source_of(&table, "costs", "page_copy"),
                        "measured by zsim calibrate on A \"fast\" \\ one: median of 31 rounds, "
                        "noise 5.0 %, range = 10th to 90th percentile");
    release_table(&table);
}

static void assert_positive(double value)
{
    assert_true(isfinite(value) && value > 0);
}

static void check_line(const struct fitted_line *line)
{
    assert_true(isfinite(line->fixed) && line->fixed >= 0);
    assert_true(isfinite(line->slope) && line->slope >= 0);
    assert_positive(line->fixed + line->slope);
    assert_true(line->fixed_variance >= 0 && line->slope_variance >= 0);
    assert_true(isfinite(line->covariance) && isfinite(line->chi_squared));
}

static void test_this_machine(void **state)
{
    (void)state;
    int before[1024], after[1024];
    size_t allowed = allowed_processors(before, 1024);
    struct calibration calibration;
    calibrate(&calibration, CALIBRATE_ROUNDS_LEAST);
    assert_int_equal(allowed_processors(after, 1024), allowed); /* let go again */
    static const enum cost always[] = {COST_atomic_local, COST_lock_uncontended, COST_page_copy,
                                       COST_zero_page_check, COST_first_touch};
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        assert_true(calibration.known[always[i]]);
    for (unsigned i = 0; i < COSTS; i++)
        if (calibration.known[i])
            assert_positive(calibration.costs[i].median);
    for (unsigned i = 0; compressors[i].name; i++) {
        assert_true(calibration.codecs[i].known);
        assert_in_range(calibration.codecs[i].least_length, 1, 100);
        assert_in_range(calibration.codecs[i].most_length, 2000, 4096);
        check_line(&calibration.codecs[i].compress);
        check_line(&calibration.codecs[i].decompress);
    }
    struct table table;
    write_and_read(&table, &calibration);
    for (unsigned i = 0; i < COSTS; i++)
        assert_true(table.costs.ns[i] > 0);
    for (unsigned i = 0; compressors[i].name; i++)
        assert_true(table.costs.codec[i].compress_ns && table.costs.codec[i].compress_ps_per_byte &&
                    table.costs.codec[i].decompress_ns &&
                    table.costs.codec[i].decompress_ps_per_byte);
    release_table(&table);
}

/* ---- the tables that come along ------------------------------------------------------- */

/* Every number of a shipped table says where it comes from: measured, cited or an
 * estimate, and has its range. */
static void check_shipped(const char *path)
{
    struct table table = {0};
    snprintf(table.path, sizeof(table.path), "%s", path);
    bool good = costs_read(path, &table.costs, &table.arena, &table.errors);
    diagnostics_print(&table.errors);
    assert_true(good);
    struct config_node *tree = config_tree_read(path, &table.arena, &table.errors);
    for (unsigned list = 0; list < 2; list++) {
        const struct config_node *rows = config_tree_member(tree, list ? "codecs" : "costs");
        for (const struct config_node *row = rows->first; row; row = row->next) {
            const char *source = config_tree_member(row, "source")->text;
            if (strncmp(source, "measured", 8) != 0 && strncmp(source, "cited: ", 7) != 0 &&
                strncmp(source, "estimate: ", 10) != 0)
                fail_msg("%s: %s: \"%s\"", path, row->key, source);
            assert_true(list || config_tree_member(row, "range"));
        }
    }
    arena_release(&table.arena);
    diagnostics_release(&table.errors);
}

static void test_shipped_tables(void **state)
{
    (void)state;
    check_shipped("configs/costs/vm.json");
    check_shipped("configs/costs/server.json");
    check_shipped("configs/costs/phone.json");
}

/* The phone's steps add up to what was measured end to end on one: swap-in and swap-out
 * of 4 KiB through zram, at about 3:1. */
static void test_phone_adds_up(void **state)
{
    (void)state;
    struct table table = {0};
    static const struct {
        const char *compressor;
        double in_ns, out_ns;
    } rows[] = {{"lz4", 17700, 35400}, {"zstd", 33200, 72900}};
    assert_true(costs_read("configs/costs/phone.json", &table.costs, &table.arena, &table.errors));
    const uint64_t *ns = table.costs.ns;
    for (unsigned i = 0; i < 2; i++) {
        unsigned compressor = (unsigned)compressor_find(rows[i].compressor);
        double in = (double)(ns[COST_fault] + ns[COST_zram_request] +
                             costs_decompress_ns(&table.costs, compressor, 1360));
        double out = (double)(ns[COST_scan_page] + ns[COST_evict_page] + ns[COST_zero_page_check] +
                              ns[COST_zram_request] + ns[COST_allocator_alloc] +
                              costs_compress_ns(&table.costs, compressor, 1360));
        assert_true(fabs(in / rows[i].in_ns - 1) < 0.01);
        assert_true(fabs(out / rows[i].out_ns - 1) < 0.01);
    }
    arena_release(&table.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_medians),
        cmocka_unit_test(test_line_through_its_points),
        cmocka_unit_test(test_covariance),
        cmocka_unit_test(test_no_negative_parameters),
        cmocka_unit_test(test_nothing_measured_is_the_builtin_table),
        cmocka_unit_test(test_what_is_measured_is_written),
        cmocka_unit_test(test_this_machine),
        cmocka_unit_test(test_shipped_tables),
        cmocka_unit_test(test_phone_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

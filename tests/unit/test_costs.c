/* The built-in cost table, its file, and mistakes in such files. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/engine/costs_table.h"
#include "sim/experiment/config_tree.h"

#define VM "configs/costs/vm.json"

static struct arena arena;
static struct diagnostics errors;

static int begin(void **state)
{
    (void)state;
    memset(&arena, 0, sizeof(arena));
    memset(&errors, 0, sizeof(errors));
    return 0;
}

static int end(void **state)
{
    (void)state;
    diagnostics_release(&errors);
    arena_release(&arena);
    return 0;
}

static void test_file_equals_builtin(void **state)
{
    (void)state;
    struct costs from_file, builtin;
    assert_true(costs_read(VM, &from_file, &arena, &errors));
    costs_set_builtin(&builtin);
    assert_string_equal(from_file.name, builtin.name);
    assert_memory_equal(from_file.ns, builtin.ns, sizeof(builtin.ns));
    assert_memory_equal(from_file.codec, builtin.codec, sizeof(builtin.codec));
    struct config_node *tree = config_tree_read(VM, &arena, &errors);
    for (unsigned i = 0; i < COSTS; i++) {
        const struct config_node *cost =
            config_tree_member(config_tree_member(tree, "costs"), cost_descriptions[i].name);
        const struct config_node *range = config_tree_member(cost, "range");
        assert_string_equal(config_tree_member(cost, "source")->text, costs_builtin[i].source);
        assert_int_equal(atoi(range->first->text), costs_builtin[i].least);
        assert_int_equal(atoi(range->first->next->text), costs_builtin[i].most);
        assert_in_range(costs_builtin[i].ns, costs_builtin[i].least, costs_builtin[i].most);
    }
    for (const struct codec_source *codec = codecs_builtin; codec->compressor; codec++)
        assert_string_equal(
            config_tree_member(
                config_tree_member(config_tree_member(tree, "codecs"), codec->compressor), "source")
                ->text,
            codec->source);
}

static void test_every_compressor_has_a_cost(void **state)
{
    (void)state;
    struct costs builtin;
    costs_set_builtin(&builtin);
    for (unsigned i = 0; compressors[i].name; i++) {
        assert_in_range(builtin.codec[i].compress_ns, 1, 1000000);
        assert_in_range(builtin.codec[i].decompress_ns, 1, 1000000);
    }
}

/* ---- the parts add up to what was measured ------------------------------- */

struct measured {
    const char *compressor;
    uint32_t length;            /* about, of the compressed page */
    uint64_t store_ns, load_ns; /* medians */
    uint64_t tolerance_percent;
};

/* Debian 12 VM, kernel 6.18: MADV_PAGEOUT and major fault, pages of 1304, 1984
 * and 3000 random bytes. */
static const struct measured measured[] = {
    {"lzo", 1340, 4159, 4937, 3},       {"lzo", 2020, 4308, 4967, 3},
    {"lzo", 3030, 4618, 5348, 3},       {"lzo-rle", 1340, 4237, 4917, 3},
    {"lzo-rle", 2020, 4325, 5068, 3},   {"lzo-rle", 3030, 4536, 5408, 3},
    {"deflate", 1350, 79013, 12308, 6}, {"deflate", 2030, 86126, 14211, 6},
    {"deflate", 3050, 96169, 16995, 6},
};

static void assert_near(uint64_t value, uint64_t expected, uint64_t percent)
{
    assert_in_range(value, expected - expected * percent / 100,
                    expected + expected * percent / 100);
}

static void test_parts_add_up(void **state)
{
    (void)state;
    struct costs costs;
    costs_set_builtin(&costs);
    const uint64_t *ns = costs.ns;
    /* a zero page: 2129 ns out, 3115 ns in */
    assert_int_equal(ns[COST_evict_page] + ns[COST_zero_page_check], 2129);
    assert_int_equal(ns[COST_fault] + ns[COST_page_copy], 3115);
    /* a page stored uncompressed: 4597 ns in; its object is looked up, then freed, each
     * under zsmalloc's read lock */
    assert_int_equal(ns[COST_fault] + ns[COST_load_entry] + ns[COST_allocator_free] +
                         ns[COST_page_copy] + 4 * ns[COST_atomic_local],
                     4597);
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        const struct measured *row = &measured[i];
        unsigned compressor = (unsigned)compressor_find(row->compressor);
        assert_near(ns[COST_evict_page] + ns[COST_zero_page_check] + ns[COST_store_entry] +
                        ns[COST_allocator_alloc] +
                        costs_compress_ns(&costs, compressor, row->length),
                    row->store_ns, row->tolerance_percent);
        assert_near(ns[COST_fault] + ns[COST_load_entry] + ns[COST_allocator_free] +
                        costs_decompress_ns(&costs, compressor, row->length),
                    row->load_ns, row->tolerance_percent);
    }
    /* the shrink worker: 22 to 32 us a page, the reclaim of another one (scanned
     * twice, written to the disk as the pool is full) included */
    unsigned lzo = (unsigned)compressor_find("lzo");
    assert_in_range(ns[COST_writeback_entry] + costs_decompress_ns(&costs, lzo, 1340) +
                        ns[COST_shrink_memcg] * 2 + ns[COST_allocator_free] +
                        ns[COST_disk_submit_write] * 2 + ns[COST_scan_page] * 3 +
                        ns[COST_evict_page],
                    22000, 32000);
}

/* ---- mistakes ------------------------------------------------------------ */

static char *read_vm(void)
{
    FILE *file = fopen(VM, "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_int_not_equal(fread(text, 1, 65535, file), 0);
    fclose(file);
    return text;
}

/* The table with `old` replaced, read; returns the first message after its place. */
static const char *message_with(const char *old, const char *new)
{
    char path[] = "/tmp/zsim-costs-XXXXXX";
    struct costs costs;
    char *text = read_vm(), *at = strstr(text, old);
    assert_non_null(at);
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    fprintf(file, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    fclose(file);
    free(text);
    diagnostics_release(&errors);
    assert_false(costs_read(path, &costs, &arena, &errors));
    unlink(path);
    return strstr(diagnostics_text(&errors, 0), "error: ") + strlen("error: ");
}

#define HIT_NS "\"hit\": {\"ns\": "

static void test_mistakes(void **state)
{
    (void)state;
    assert_string_equal(message_with("\"hit\"", "\"hti\""),
                        "costs: missing cost \"hit\" (an access to a mapped page, the program's "
                        "own work around it included); with \"base\": \"vm\" the table has what it "
                        "does not name from the built-in one");
    assert_string_equal(diagnostics_text(&errors, 1) + strcspn(diagnostics_text(&errors, 1), " "),
                        " error: costs: unknown cost \"hti\"; did you mean \"hit\"?");
    assert_string_equal(message_with("zsim.costs/1", "zsim.costs/9"),
                        "schema: expected \"zsim.costs/1\", found \"zsim.costs/9\"");
    /* "hit": {"ns": 5, ...: the digits stay behind what is put in */
    assert_string_equal(message_with(HIT_NS, "\"hit\": {\"ms\": "),
                        "costs.hit: missing key \"ns\"");
    assert_non_null(strstr(message_with(HIT_NS, HIT_NS "9999"), "outside of \"range\""));
    assert_non_null(
        strstr(message_with(HIT_NS, HIT_NS "-"), "costs.hit.ns: expected a whole number, found -"));
    assert_string_equal(message_with("\"zstd-1.4\"", "\"zstd-1.5\""),
                        "codecs: missing compressor \"zstd-1.4\"");
    assert_string_equal(message_with("\"ps_per_byte\": 270", "\"ps_per_bite\": 270"),
                        "codecs.lzo.compress: missing key \"ps_per_byte\"");
}

static bool read_text(const char *text, struct costs *costs)
{
    char path[] = "/tmp/zsim-costs-XXXXXX";
    int descriptor = mkstemp(path);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    bool read = costs_read(path, costs, &arena, &errors);
    unlink(path);
    return read;
}

/* A table that says only where it differs from the built-in one. */
static void test_base(void **state)
{
    (void)state;
    struct costs costs, builtin;
#define BASED(base, costs)                                                                         \
    "{\"schema\": \"zsim.costs/1\", \"name\": \"mine\", \"base\": " base ", \"costs\": {" costs "}}"
    costs_set_builtin(&builtin);
    assert_true(
        read_text(BASED("\"vm\"", "\"hit\": {\"ns\": 77, \"source\": \"a test\"}"), &costs));
    assert_string_equal(costs.name, "mine");
    assert_int_equal(costs.ns[COST_hit], 77);
    costs.ns[COST_hit] = builtin.ns[COST_hit];
    assert_memory_equal(costs.ns, builtin.ns, sizeof(builtin.ns));
    assert_memory_equal(costs.codec, builtin.codec, sizeof(builtin.codec));
    assert_false(read_text(BASED("\"phone\"", ""), &costs));
    assert_non_null(strstr(diagnostics_text(&errors, 0),
                           "base: expected \"vm\", the built-in table, found \"phone\""));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_file_equals_builtin),
        TEST(test_every_compressor_has_a_cost),
        TEST(test_parts_add_up),
        TEST(test_mistakes),
        TEST(test_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Compressed lengths against those of real kernels (tests/truth/content/). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lz4.h>
#ifdef HAVE_LZO
#include <lzo/lzo1x.h>
#endif

#include "sim/base/random.h"
#include "workloads/content/content.h"
#include "workloads/content/lzo_length.h"

enum { CLASS_PAGES = 64, MIX_PAGES = 256, LINE_BYTES = 8192 };

static FILE *truth(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "tests/truth/content/%s", name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s: run the tests from the top of the tree", path);
    return file;
}

/* The row of compressors[] that a kernel's compressor name stands for. */
static unsigned row_for(const char *kernel, const char *name)
{
    bool old = strcmp(kernel, "6.1") == 0 && strcmp(name, "zstd") == 0;
    int row = compressor_find(old ? "zstd-1.4" : name);
    assert_true(row >= 0);
    return (unsigned)row;
}

static struct content *open_emulator(const char *page_class, uint32_t pages)
{
    const struct content_type *type = content_type_find("emulator");
    struct diagnostics errors = {0};
    const char *params = page_class; /* the type's only field */
    struct content *content = type->open(&params, pages, NULL, &errors);
    assert_non_null(content);
    return content;
}

static int by_value(const void *a, const void *b)
{
    return (int)*(const uint32_t *)a - (int)*(const uint32_t *)b;
}

static void check_class(const char *kernel, const char *name, const char *page_class,
                        const char *const expected[3])
{
    uint32_t lengths[CLASS_PAGES];
    struct content *content = open_emulator(page_class, CLASS_PAGES);
    for (uint32_t page = 0; page < CLASS_PAGES; page++)
        lengths[page] = content_length(content, page, row_for(kernel, name));
    content_close(content);
    qsort(lengths, CLASS_PAGES, sizeof(lengths[0]), by_value);
    if (strcmp(expected[0], "null") == 0) {
        assert_true(lengths[0] > PAGE_BYTES);
        return;
    }
    double median = (lengths[CLASS_PAGES / 2 - 1] + lengths[CLASS_PAGES / 2]) / 2.0;
    if (lengths[0] != (uint32_t)atoi(expected[0]) || median != atof(expected[1]) ||
        lengths[CLASS_PAGES - 1] != (uint32_t)atoi(expected[2]))
        fail_msg("kernel %s %s %s: %u, %.1f, %u, expected %s, %s, %s", kernel, name, page_class,
                 lengths[0], median, lengths[CLASS_PAGES - 1], expected[0], expected[1],
                 expected[2]);
}

static void lengths_by_class_equal_the_kernels(void **unused)
{
    (void)unused;
    char line[LINE_BYTES], kernel[16], name[16], page_class[16], low[16], median[16], high[16];
    FILE *file = truth("emulator-classes.tsv");
    unsigned rows = 0;
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%15s %15s %15s %15s %15s %15s", kernel, name, page_class,
                                low, median, high),
                         6);
        check_class(kernel, name, page_class, (const char *const[3]){low, median, high});
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 2 * 6 * 19);
}

static void check_mix_page(const struct content *content, const char *kernel, const char *name,
                           uint32_t page, const char *expected)
{
    uint32_t length = content_length(content, page, row_for(kernel, name));
    enum content_kind kind = content_kind(content, page);
    if (strcmp(expected, "null") == 0) {
        bool same_is_stored = strcmp(kernel, "6.1") != 0;
        if (kind == CONTENT_ORDINARY || (kind == CONTENT_SAME_FILLED && same_is_stored))
            assert_true(length > PAGE_BYTES);
        return;
    }
    if (length != (uint32_t)atoi(expected))
        fail_msg("kernel %s %s page %u: %u, expected %s", kernel, name, page, length, expected);
}

static void lengths_by_page_equal_the_kernels(void **unused)
{
    (void)unused;
    char line[LINE_BYTES];
    FILE *file = truth("emulator-mix.tsv");
    struct content *content = open_emulator("mix", MIX_PAGES);
    unsigned pages = 0;
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        char *kernel = strtok(line, "\t\n"), *name = strtok(NULL, "\t\n"), *field;
        for (uint32_t page = 0; (field = strtok(NULL, "\t\n")); page++, pages++)
            check_mix_page(content, kernel, name, page, field);
    }
    fclose(file);
    content_close(content);
    assert_int_equal(pages, 2 * 6 * MIX_PAGES);
}

static double mean_length(const struct content *content, const char *name)
{
    uint64_t sum = 0;
    for (uint32_t page = 0; page < content->pages; page++)
        sum += content_length(content, page, (unsigned)compressor_find(name));
    return (double)sum / content->pages;
}

/* Means are given to one decimal. */
static void check_mean(const struct content *content, const char *name, const char *classes,
                       const char *expected)
{
    char found[32];
    snprintf(found, sizeof(found), "%.1f", mean_length(content, name));
    if (strcmp(found, expected) != 0)
        fail_msg("%s of %s: mean %s, expected %s", name, classes, found, expected);
}

/* The recording's seed is 7; deflate is slow, so it is checked on every eighth row. */
static void mean_lengths_equal_those_of_6_18(void **unused)
{
    (void)unused;
    char line[LINE_BYTES], classes[128], lzo[16], deflate[16];
    FILE *file = truth("v6.18-means.tsv");
    unsigned rows = 0;
    while (fgets(line, sizeof(line), file)) {
        struct diagnostics errors = {0};
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%127s %15s %15s", classes, lzo, deflate), 3);
        struct content_rule rule = {7, 0, 4095, classes};
        struct content *content = content_open_rules(&rule, 1, 4096, NULL, &errors);
        assert_non_null(content);
        check_mean(content, "lzo", classes, lzo);
        if (rows++ % 8 == 1)
            check_mean(content, "deflate", classes, deflate);
        content_close(content);
    }
    fclose(file);
    assert_int_equal(rows, 41);
}

/* A page with structure at many scales: copies, runs, zeros, noise, text. */
static void make_varied_page(uint64_t seed, unsigned char page[PAGE_BYTES])
{
    uint64_t state = random_splitmix(seed) | 1;
    size_t at = 0;
    memset(page, 0, PAGE_BYTES);
    while (at < PAGE_BYTES) {
        size_t length = 1 + random_below(&state, random_below(&state, 4) ? 24 : 700);
        uint64_t what = random_below(&state, 5);
        size_t back = at ? 1 + random_below(&state, at) : 0;
        unsigned char byte = (unsigned char)random_next(&state);
        for (; length && at < PAGE_BYTES; length--, at++) {
            if (what == 0 && back)
                page[at] = page[at - back];
            else if (what == 1)
                page[at] = byte;
            else if (what == 2)
                page[at] = (unsigned char)random_next(&state);
            else if (what == 3)
                page[at] = (unsigned char)("etaoin shrdlu"[random_below(&state, 13)]);
        }
    }
}

static void lzo_parse_equals_liblzo2(void **unused)
{
    (void)unused;
#ifdef HAVE_LZO
    unsigned char page[PAGE_BYTES], out[2 * PAGE_BYTES];
    void *work = malloc(LZO1X_1_MEM_COMPRESS);
    assert_int_equal(lzo_init(), LZO_E_OK);
    for (uint64_t seed = 0; seed < 4000; seed++) {
        lzo_uint length = sizeof(out);
        make_varied_page(seed, page);
        assert_int_equal(lzo1x_1_compress(page, PAGE_BYTES, out, &length, work), LZO_E_OK);
        assert_int_equal(lzo_length(page, LZO_DICTIONARY_BITS_LIBRARY, false), length);
    }
    free(work);
#else
    (void)make_varied_page;
    skip();
#endif
}

static void lzo_rle_counts_zero_runs(void **unused)
{
    (void)unused;
    unsigned char page[PAGE_BYTES] = {0};
    unsigned rle = (unsigned)compressor_find("lzo-rle"), lzo = (unsigned)compressor_find("lzo");
    /* version 2; 5 literals 6; runs of 2051 and 2020 zeros 4 each; 20 literals 22; end 3 */
    assert_int_equal(compressors[rle].length(NULL, page), 41);
    assert_int_equal(compressors[lzo].length(NULL, page), 44);
    /* A 1 in the middle of the second run: run 2051 (5..2055), run 943 (2056..2998), then the
     * search finds no zero word before 3000, where the run goes on to 4075. */
    page[2999] = 1;
    assert_int_equal(compressors[rle].length(NULL, page), 2 + 6 + 4 + 4 + 1 + 4 + 22 + 3);
}

static void reused_workspaces_change_nothing(void **unused)
{
    (void)unused;
    unsigned char page[PAGE_BYTES];
    struct compressor_workspace *used = compressor_workspace_create();
    for (uint64_t seed = 0; seed < 60; seed++) {
        make_varied_page(seed, page);
        struct compressor_workspace *fresh = compressor_workspace_create();
        for (unsigned i = 0; i < compressor_count(); i++)
            assert_int_equal(compressors[i].length(used, page), compressors[i].length(fresh, page));
        compressor_workspace_release(fresh);
    }
    compressor_workspace_release(used);
}

/* A page whose first `noise` bytes are random and whose rest is one letter. */
static void make_noisy_page(size_t noise, unsigned char page[PAGE_BYTES])
{
    uint64_t state = 99;
    memset(page, 'a', PAGE_BYTES);
    for (size_t i = 0; i < noise; i++)
        page[i] = (unsigned char)random_next(&state);
}

static uint32_t length_by_name(struct compressor_workspace *workspace, const char *name,
                               const unsigned char page[PAGE_BYTES])
{
    return compressors[compressor_find(name)].length(workspace, page);
}

/* The limit of 4096 decides about refusal alone: it changes no length. */
static void lengths_near_the_limit(void **unused)
{
    (void)unused;
    unsigned char page[PAGE_BYTES];
    char out[2 * PAGE_BYTES];
    struct compressor_workspace *workspace = compressor_workspace_create();
    for (size_t noise = 3800; noise <= PAGE_BYTES; noise++) {
        make_noisy_page(noise, page);
        int unlimited = LZ4_compress_default((const char *)page, out, PAGE_BYTES, sizeof(out));
        assert_int_equal(length_by_name(workspace, "lz4", page), unlimited);
    }
    assert_int_equal(length_by_name(workspace, "lz4", page), 4114);
    assert_int_equal(length_by_name(workspace, "lz4hc", page), 4114);
    assert_int_equal(length_by_name(workspace, "lzo", page), 4116);
    assert_int_equal(length_by_name(workspace, "lzo-rle", page), 4118);
    assert_int_equal(length_by_name(workspace, "zstd", page), 4106);
    assert_int_equal(length_by_name(workspace, "zstd-1.4", page), 4106);
    compressor_workspace_release(workspace);
}

/* A wrong hand-over of sequences (repeated offsets lost) costs 3 % and more. */
static void zstd_versions_stay_close(void **unused)
{
    (void)unused;
    unsigned char page[PAGE_BYTES];
    uint64_t new_sum = 0, old_sum = 0;
    struct compressor_workspace *workspace = compressor_workspace_create();
    for (uint64_t seed = 0; seed < 300; seed++) {
        make_varied_page(seed, page);
        new_sum += length_by_name(workspace, "zstd", page);
        old_sum += length_by_name(workspace, "zstd-1.4", page);
    }
    compressor_workspace_release(workspace);
    assert_in_range(old_sum * 1000 / new_sum, 980, 1020);
}

static void names(void **unused)
{
    (void)unused;
    assert_int_equal(compressor_find("842"), -1);
    assert_int_equal(compressor_find("lzo"), 0);
    assert_string_equal(compressor_nearest("lz0"), "lzo");
    assert_null(compressor_nearest("something else"));
    assert_null(compressors[compressor_count()].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_by_class_equal_the_kernels),
        cmocka_unit_test(lengths_by_page_equal_the_kernels),
        cmocka_unit_test(mean_lengths_equal_those_of_6_18),
        cmocka_unit_test(lzo_parse_equals_liblzo2),
        cmocka_unit_test(lzo_rle_counts_zero_runs),
        cmocka_unit_test(reused_workspaces_change_nothing),
        cmocka_unit_test(lengths_near_the_limit),
        cmocka_unit_test(zstd_versions_stay_close),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Compressed lengths that are kept: computed once, found again, never believed blindly. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "workloads/content/length_cache.h"

enum { PAGES = 4000, LZ4 = 3 };

static const struct source_position here = {.file = "test"};
static uint32_t computed, added;
static char directory[64];

/* Stands for a compressor; `added` makes it another version. */
static uint32_t fake_length(const struct content *content, uint32_t page, unsigned compressor)
{
    (void)content;
    __atomic_fetch_add(&computed, 1, __ATOMIC_RELAXED);
    return page % 4000 + compressor + added;
}

static struct content *open_content(uint32_t pages)
{
    struct diagnostics errors = {0};
    struct content_rule rule = {.seed = 5, .last = pages - 1, .classes = "100:mixed:800:1600"};
    struct content *content = content_open_rules(&rule, 1, pages, &here, &errors);
    assert_non_null(content);
    return content;
}

/* Ask for every page of a content that one cache knows; returns how many were computed. */
static uint32_t ask_all(uint32_t pages)
{
    struct length_cache *cache = length_cache_create();
    struct content *content = open_content(pages);
    length_cache_join(cache, content, "rule one");
    computed = 0;
    for (uint32_t page = 0; page < pages; page++)
        assert_int_equal(length_family_find(content, page, LZ4, fake_length),
                         page % 4000 + LZ4 + added);
    uint32_t count = computed;
    length_cache_free(cache);
    content_close(content);
    return count;
}

/* The only file in the directory. */
static char *only_file(void)
{
    char *path = NULL;
    DIR *files = opendir(directory);
    for (const struct dirent *entry; files && (entry = readdir(files)) != NULL;)
        if (entry->d_name[0] != '.') {
            assert_null(path);
            struct arena arena = {0};
            path = memory_string(arena_printf(&arena, "%s/%s", directory, entry->d_name));
            arena_release(&arena);
        }
    if (files)
        closedir(files);
    return path;
}

static void remove_file(void)
{
    char *path = only_file();
    if (path)
        assert_int_equal(unlink(path), 0);
    free(path);
}

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/zsim-test-XXXXXX");
    added = 0;
    return mkdtemp(directory) && setenv("ZSIM_CACHE", directory, 1) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    remove_file();
    return rmdir(directory);
}

static void test_next_process_finds_them(void **state)
{
    (void)state;
    assert_int_equal(ask_all(PAGES), PAGES);
    assert_true(ask_all(PAGES) <= 4); /* the samples that are computed again */
    assert_true(ask_all(PAGES / 2) <= 4);
    /* A larger content has more pages; the file grows. */
    assert_in_range(ask_all(2 * PAGES), PAGES, PAGES + 4);
    assert_true(ask_all(2 * PAGES) <= 4);
}

static void test_no_directory(void **state)
{
    (void)state;
    setenv("ZSIM_CACHE", "", 1);
    assert_int_equal(ask_all(PAGES), PAGES);
    assert_int_equal(ask_all(PAGES), PAGES);
    setenv("ZSIM_CACHE", "/proc/nowhere", 1);
    assert_int_equal(ask_all(PAGES), PAGES);
    unsetenv("ZSIM_CACHE");
    setenv("XDG_CACHE_HOME", "relative", 1);
    unsetenv("HOME");
    assert_int_equal(ask_all(PAGES), PAGES);
    assert_null(only_file());
}

/* Every byte counts: whichever is changed, the file is as good as none. */
static void test_damaged_file(void **state)
{
    (void)state;
    static const long at[] = {0, 9, 16, 20, 30, 60, 300, 4000, -1};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        remove_file();
        ask_all(PAGES);
        char *path = only_file();
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        assert_int_equal(fseek(file, at[i], at[i] < 0 ? SEEK_END : SEEK_SET), 0);
        int byte = fgetc(file);
        assert_int_equal(fseek(file, at[i], at[i] < 0 ? SEEK_END : SEEK_SET), 0);
        fputc(byte ^ 4, file);
        fclose(file);
        free(path);
        assert_int_equal(ask_all(PAGES), PAGES);
    }
}

static void test_cut_file(void **state)
{
    (void)state;
    static const long sizes[] = {0, 1, 23, 24, 100, 4000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        remove_file();
        ask_all(PAGES);
        char *path = only_file();
        assert_int_equal(truncate(path, sizes[i]), 0);
        free(path);
        assert_int_equal(ask_all(PAGES), PAGES);
    }
}

/* The library gives other lengths now, though it says the same of itself. */
static void test_stale_file(void **state)
{
    (void)state;
    assert_int_equal(ask_all(PAGES), PAGES);
    added = 1;
    assert_in_range(ask_all(PAGES), PAGES, PAGES + 4);
}

static void test_few_are_not_written(void **state)
{
    (void)state;
    assert_int_equal(ask_all(10), 10);
    assert_null(only_file());
}

/* ---- in one process ---- */

static void test_members_share(void **state)
{
    (void)state;
    struct length_cache *cache = length_cache_create();
    struct content *small = open_content(100), *large = open_content(300),
                   *other = open_content(100);
    length_cache_join(cache, small, "rule one");
    length_cache_join(cache, large, "rule one");
    length_cache_join(cache, other, "rule two");
    computed = 0;
    for (uint32_t page = 0; page < 100; page++)
        length_family_find(small, page, LZ4, fake_length);
    assert_int_equal(computed, 100);
    for (uint32_t page = 0; page < 300; page++)
        assert_int_equal(length_family_find(large, page, LZ4, fake_length), page + LZ4);
    assert_int_equal(computed, 300);
    assert_int_equal(content_length(large, 299, LZ4), 299 + LZ4); /* it stands in the table */
    length_family_find(other, 7, LZ4, fake_length);
    assert_int_equal(computed, 301);
    length_cache_free(cache);
    content_close(small);
    content_close(large);
    content_close(other);
}

static void *ask_in_thread(void *content)
{
    for (uint32_t page = 0; page < PAGES; page++)
        length_family_find(content, page, LZ4, fake_length);
    return NULL;
}

static void test_threads_do_not_compute_twice(void **state)
{
    (void)state;
    struct length_cache *cache = length_cache_create();
    struct content *content = open_content(PAGES);
    pthread_t threads[4];
    length_cache_join(cache, content, "rule one");
    computed = 0;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, content), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(computed, PAGES);
    length_cache_free(cache);
    content_close(content);
}

/* Real compressors: the same with and without, and the second time. */
static void test_real_lengths(void **state)
{
    (void)state;
    struct content *alone = open_content(1500);
    for (unsigned round = 0; round < 2; round++) {
        struct length_cache *cache = length_cache_create();
        struct content *kept = open_content(1500);
        length_cache_join(cache, kept, "rule real");
        for (uint32_t page = 0; page < 1500; page++)
            assert_int_equal(content_length(kept, page, LZ4), content_length(alone, page, LZ4));
        length_cache_free(cache);
        content_close(kept);
    }
    content_close(alone);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        TEST(test_next_process_finds_them),
        TEST(test_damaged_file),
        TEST(test_cut_file),
        TEST(test_stale_file),
        TEST(test_few_are_not_written),
        TEST(test_members_share),
        TEST(test_threads_do_not_compute_twice),
        TEST(test_real_lengths),
        TEST(test_no_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

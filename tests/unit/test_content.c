/* Page contents: rules, kinds, profiles, and the table of lengths. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/base/random.h"
#include "workloads/content/content.h"
#include "workloads/content/sampler.h"

/* Open a type with "key=value" settings; NULL ends them. */
static struct content *open_with(struct diagnostics *errors, const char *name, uint32_t pages,
                                 const char *const *settings)
{
    const struct content_type *type = content_type_find(name);
    assert_non_null(type);
    char fields[256] = {0}, expected[128];
    assert_true(type->params.struct_bytes <= sizeof(fields));
    params_set_defaults(&type->params, fields);
    for (; *settings; settings += 2)
        for (size_t i = 0; i < type->params.count; i++)
            if (strcmp(type->params.rows[i].name, settings[0]) == 0)
                assert_true(params_set(&type->params.rows[i], fields, settings[1], expected,
                                       sizeof(expected)));
    struct source_position position = {.file = "x.json", .line = 3, .column = 7};
    return type->open(fields, pages, &position, errors);
}

#define OPEN(errors, name, pages, ...)                                                             \
    open_with((errors), (name), (pages), (const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(const char *name, const char *key, const char *value,
                           const char *message)
{
    struct diagnostics errors = {0};
    assert_null(OPEN(&errors, name, 100, key, value));
    assert_int_equal(errors.count, 1);
    if (strcmp(diagnostics_text(&errors, 0), message) != 0)
        fail_msg("found   %s\nexpected %s", diagnostics_text(&errors, 0), message);
    diagnostics_release(&errors);
}

static void rule_classes_have_their_shares(void **unused)
{
    (void)unused;
    enum { PAGES = 100000 };
    struct diagnostics errors = {0};
    struct content *content =
        OPEN(&errors, "rule", PAGES, "classes", "10:zero,20.5:same,69.5:random", "seed", "7");
    unsigned kinds[3] = {0};
    for (uint32_t page = 0; page < PAGES; page++)
        kinds[content_kind(content, page)]++;
    /* Five standard deviations of a binomial draw. */
    assert_in_range(kinds[CONTENT_ZERO], 10000 - 475, 10000 + 475);
    assert_in_range(kinds[CONTENT_SAME_FILLED], 20500 - 640, 20500 + 640);
    assert_in_range(kinds[CONTENT_ORDINARY], 69500 - 730, 69500 + 730);
    content_close(content);
}

/* hash() and next() written out again, apart from random.h's composition. */
static uint64_t hash(uint64_t seed, uint64_t page, uint64_t salt)
{
    return random_splitmix(random_splitmix(random_splitmix(seed) ^ page) + salt);
}

static void mixed_pages_follow_the_formula(void **unused)
{
    (void)unused;
    struct diagnostics errors = {0};
    uint64_t words[512];
    struct content *content = OPEN(&errors, "rule", 500, "classes", "100:mixed:1601:2407");
    for (uint32_t page = 0; page < 500; page++) {
        size_t random_words = (1600 + 8 * (hash(1, page, 2) % ((2400 - 1600) / 8 + 1))) / 8;
        uint64_t state = hash(1, page, 0);
        assert_true(content_bytes(content, page, (unsigned char *)words));
        for (size_t i = 0; i < 512; i++)
            assert_true(words[i] == (i < random_words ? random_next(&state) : 0x5A53494D4B524550));
    }
    content_close(content);
}

static void assert_kinds_match_bytes(struct content *content)
{
    _Alignas(8) unsigned char page[PAGE_BYTES];
    for (uint32_t i = 0; i < content->pages; i++) {
        assert_true(content_bytes(content, i, page));
        assert_int_equal(content_kind(content, i), content_kind_of(page));
    }
    content_close(content);
}

static void kinds_match_bytes(void **unused)
{
    (void)unused;
    struct diagnostics errors = {0};
    assert_kinds_match_bytes(
        OPEN(&errors, "rule", 3000, "classes", "10:zero,10:same,70:mixed:0:16,10:random"));
    assert_kinds_match_bytes(OPEN(&errors, "emulator", 3000, "class", "mix"));
    assert_kinds_match_bytes(OPEN(&errors, "emulator", 30, "class", "K0"));
    assert_int_equal(errors.count, 0);
}

static void ranges_have_their_own_rules(void **unused)
{
    (void)unused;
    struct diagnostics errors = {0};
    _Alignas(8) unsigned char page[PAGE_BYTES], other[PAGE_BYTES];
    struct content *content = OPEN(&errors, "rule", 100, "rules",
                                   "50-99@9=100:random;0-9=100:zero;10-49@8=100:same", "seed", "5");
    struct content *alone = OPEN(&errors, "rule", 100, "classes", "100:random", "seed", "9");
    assert_non_null(content);
    assert_int_equal(content_kind(content, 9), CONTENT_ZERO);
    assert_int_equal(content_kind(content, 10), CONTENT_SAME_FILLED);
    assert_int_equal(content_kind(content, 49), CONTENT_SAME_FILLED);
    content_bytes(content, 50, page);
    content_bytes(alone, 50, other);
    assert_memory_equal(page, other, PAGE_BYTES);
    content_close(content);
    content_close(alone);
}

static void rule_mistakes_are_named(void **unused)
{
    (void)unused;
#define AT "x.json:3:7: error: "
    assert_refused("rule", "classes", "50:zero,40:same",
                   AT
                   "page class list \"50:zero,40:same\": percentages sum to 90.00, expected 100");
    assert_refused("rule", "classes", "100:mixd:8",
                   AT "unknown page class \"mixd\": expected zero, same, mixed or random (did you "
                      "mean \"mixed\"?)");
    assert_refused("rule", "classes", "100:mixed",
                   AT "page class mixed needs its random bytes: PCT:mixed:LO[:HI]");
    assert_refused("rule", "classes", "100:mixed:5000",
                   AT "page class mixed:5000: expected whole numbers LO <= HI <= 4096 (random "
                      "bytes)");
    assert_refused("rule", "classes", "1.234:zero",
                   AT "page class list: \"1.234\" is not a percentage (0..100, at most two "
                      "decimals) in PCT:CLASS[:LO[:HI]]");
    assert_refused("rule", "classes", "100:zero:8",
                   AT "page class zero takes no random bytes, found \":8\"");
    assert_refused("rule", "classes", "100:mixed:8:16:24",
                   AT "page class list: \"100:...\" has too many fields, expected "
                      "PCT:CLASS[:LO[:HI]] and a comma before the next");
    assert_refused("rule", "classes", "10:zero 40:mixed:8:16",
                   AT "page class list: \"10:...\" has too many fields, expected "
                      "PCT:CLASS[:LO[:HI]] and a comma before the next");
    assert_refused("rule", "rules", "0-49=100:zero", AT "content rules: no rule for pages 50-99");
    assert_refused("rule", "rules", "0-49=100:zero;60-99=100:zero",
                   AT "content rules: no rule for pages 50-59");
    assert_refused("rule", "rules", "0-49=100:zero;40-99=100:zero",
                   AT "content rules: two rules for page 40");
    assert_refused("rule", "rules", "0-99",
                   AT "content rules: \"0-99\" is not FIRST-LAST[@SEED]=CLASSES");
    assert_refused("rule", "seed", "3",
                   AT "content of type rule needs either \"classes\" or \"rules\", found neither");
    assert_refused("emulator", "class", "K12",
                   AT "page class \"K12\": expected zero, same, mix, or K<n> with n a multiple of "
                      "8 up to 4096 (such as \"K1024\")");
#undef AT
}

static void uniform_pages_are_equal(void **unused)
{
    (void)unused;
    struct diagnostics errors = {0};
    unsigned char page[PAGE_BYTES];
    struct content *content = OPEN(&errors, "uniform", 10, "length", "2048");
    for (unsigned i = 0; i < compressor_count(); i++)
        assert_int_equal(content_length(content, 9, i), 2048);
    assert_int_equal(content_kind(content, 9), CONTENT_ORDINARY);
    assert_false(content_bytes(content, 9, page));
    content_close(content);
}

/* ---- the table ---- */

enum { SHARED_PAGES = 400 };

static void *ask_all(void *argument)
{
    const struct content *content = argument;
    uint64_t sum = 0;
    for (uint32_t page = 0; page < SHARED_PAGES; page++)
        for (unsigned i = 0; i < compressor_count(); i++)
            sum = sum * 31 + content_length(content, page, i);
    return (void *)(uintptr_t)sum;
}

static void threads_share_the_table(void **unused)
{
    (void)unused;
    struct diagnostics errors = {0};
    struct content *shared = OPEN(&errors, "emulator", SHARED_PAGES, "class", "mix");
    struct content *alone = OPEN(&errors, "emulator", SHARED_PAGES, "class", "mix");
    pthread_t threads[2];
    void *sums[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, shared), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], &sums[i]);
    assert_ptr_equal(sums[0], sums[1]);
    assert_ptr_equal(sums[0], ask_all(alone));
    unsigned lzo = (unsigned)compressor_find("lzo");
    for (uint32_t page = 0; page < SHARED_PAGES; page++)
        assert_int_equal(shared->lengths[lzo * SHARED_PAGES + page],
                         content_length(alone, page, lzo) + 1);
    content_close(shared);
    content_close(alone);
    content_close(NULL);
}

/* ---- profiles ---- */

static void write_text(char path[], const char *text)
{
    strcpy(path, "/tmp/zsim-test-content-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
}

#define PROFILE(rest) "{\"schema\": \"zsim.content-profile/1\", " rest "}"

static void profile_pages_come_from_samples(void **unused)
{
    (void)unused;
    char path[64];
    struct diagnostics errors = {0};
    write_text(path, PROFILE("\"source\": \"x\", \"pages_sampled\": 3, \"compressors\": "
                             "[\"zstd\", \"lzo\"], \"samples\": [[\"zero\", 20, 44], "
                             "[\"ordinary\", 1000, 1500], [\"same\", 25, 53]]"));
    struct content *content = OPEN(&errors, "profile", 3000, "file", path, "seed", "4");
    assert_non_null(content);
    unsigned zstd = (unsigned)compressor_find("zstd"), lzo = (unsigned)compressor_find("lzo");
    static const uint32_t lengths[3][2] = {{1000, 1500}, {25, 53}, {20, 44}}; /* by kind */
    unsigned kinds[3] = {0};
    for (uint32_t page = 0; page < 3000; page++) {
        enum content_kind kind = content_kind(content, page);
        kinds[kind]++;
        assert_int_equal(content_length(content, page, zstd), lengths[kind][0]);
        assert_int_equal(content_length(content, page, lzo), lengths[kind][1]);
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(kinds[i], 870, 1130);
    assert_true(content_knows(content, lzo));
    assert_false(content_knows(content, (unsigned)compressor_find("lz4")));
    content_close(content);
    unlink(path);
}

static void assert_profile_refused(const char *text, const char *message)
{
    char path[64], expected[512];
    write_text(path, text);
    snprintf(expected, sizeof(expected), "%s%s", path, message);
    assert_refused("profile", "file", path, expected);
    unlink(path);
}

static void profile_mistakes_are_named(void **unused)
{
    (void)unused;
    assert_profile_refused("{\n \"schema\": oops}", ":2:12: error: this is not valid JSON");
    assert_profile_refused("", ":1:1: error: this is not valid JSON");
    assert_profile_refused("{} x", ":1:4: error: this is not valid JSON");
    assert_profile_refused("[1]", ": error: \"schema\": expected \"zsim.content-profile/1\", "
                                  "found nothing");
    assert_profile_refused("{\"schema\": \"v2\"}", ": error: \"schema\": expected "
                                                   "\"zsim.content-profile/1\", found \"v2\"");
    assert_profile_refused(PROFILE("\"sample\": []"),
                           ": error: unknown key \"sample\" (did you mean \"samples\"?)");
    assert_profile_refused(PROFILE("\"seed\": 1, \"seed\": 2"),
                           ": error: key \"seed\" stands twice");
    assert_profile_refused(PROFILE("\"compressors\": [\"zstdd\"]"),
                           ": error: \"compressors\": unknown compressor \"zstdd\" (did you mean "
                           "\"zstd\"?)");
    assert_profile_refused(PROFILE("\"compressors\": [\"lzo\"], \"samples\": []"),
                           ": error: \"samples\": expected an array of at least one sample");
    assert_profile_refused(PROFILE("\"compressors\": [\"lzo\"], \"pages_sampled\": 2, "
                                   "\"samples\": [[\"zero\", 1]]"),
                           ": error: \"pages_sampled\": expected 1, the number of samples");
    assert_profile_refused(PROFILE("\"compressors\": [\"lzo\"], \"pages_sampled\": 1, "
                                   "\"samples\": [[\"ordinary\", 1.5]]"),
                           ": error: \"samples\"[0]: length under \"lzo\" must be a whole number "
                           "0..16383");
    assert_profile_refused(PROFILE("\"compressors\": [\"lzo\"], \"pages_sampled\": 1, "
                                   "\"samples\": [[\"odd\", 1]]"),
                           ": error: \"samples\"[0]: expected \"ordinary\", \"same\" or \"zero\" "
                           "first");
    assert_refused(
        "profile", "file", "/proc/nonexistent/p.json",
        "/proc/nonexistent/p.json: error: cannot read the content profile: No such file or "
        "directory");
}

/* Files: 3 pages (zero, letters, and 8 bytes of a fourth), all sampled, written, read back. */
static void files_are_sampled_and_read_back(void **unused)
{
    (void)unused;
    char path[64], profile_path[80];
    static char text[2 * PAGE_BYTES + 9];
    struct diagnostics errors = {0};
    struct content_profile profile;
    memset(text, 'a', sizeof(text) - 1);
    write_text(path, text);
    snprintf(profile_path, sizeof(profile_path), "%s.json", path);
    struct content_sampling how = {
        .max_pages = 100, .seed = 1, .level_count = 2, .levels = {1, 19}, .keep_contents = true};
    const char *paths[] = {path};
    assert_true(content_sample_files(paths, 1, &how, &profile, &errors));
    assert_int_equal(profile.count, 3);
    assert_int_equal(profile.pages_seen, 3);
    assert_int_equal(profile.samples[0].kind, CONTENT_SAME_FILLED);
    assert_int_equal(profile.samples[2].kind, CONTENT_ORDINARY); /* filled up with zeros */
    /* One 8-byte pattern at every level: a short frame with its size in it. */
    assert_in_range(profile.level_lengths[0], 10, 40);
    assert_in_range(profile.level_lengths[3], 10, 40);
    assert_memory_equal(profile.contents, text, 2 * PAGE_BYTES);
    assert_true(content_profile_write(profile_path, &profile, &errors));
    struct content *content = OPEN(&errors, "profile", 50, "file", profile_path);
    assert_non_null(content);
    for (uint32_t page = 0; page < 50; page++)
        for (unsigned i = 0; i < compressor_count(); i++)
            assert_int_equal(
                content_length(content, page, i),
                profile.samples[content_kind(content, page) == CONTENT_ORDINARY ? 2 : 0].length[i]);
    content_close(content);
    content_profile_release(&profile);
    unlink(path);
    unlink(profile_path);
}

static void own_memory_is_sampled(void **unused)
{
    (void)unused;
    enum { PAGES = 20000 };
    struct diagnostics errors = {0};
    struct content_profile profile;
    unsigned char *block = mmap(NULL, (size_t)PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(block, MAP_FAILED);
    memset(block, 'q', (size_t)PAGES * PAGE_BYTES);
    struct content_sampling how = {.max_pages = 300, .seed = 1};
    assert_true(content_sample_process(getpid(), &how, &profile, &errors));
    assert_null(profile.contents);
    assert_int_equal(profile.count, 300);
    assert_true(profile.pages_seen >= PAGES);
    size_t same = 0;
    for (size_t i = 0; i < profile.count; i++)
        same += profile.samples[i].kind == CONTENT_SAME_FILLED;
    /* At least 0.8 of their share, whatever else is resident (a sanitizer's shadow, say). */
    assert_true((double)same / 300 > 0.8 * PAGES / (double)profile.pages_seen);
    content_profile_release(&profile);
    assert_false(content_sample_process(0x7ffffff0, &how, &profile, &errors));
    assert_string_equal(diagnostics_text(&errors, 0),
                        "/proc/2147483632/maps: error: cannot open: No such file or directory");
    diagnostics_release(&errors);
    munmap(block, (size_t)PAGES * PAGE_BYTES);
}

static int run_sample(const char *const *words)
{
    char *arguments[12] = {(char *)(uintptr_t) "sample"};
    int count = 1;
    for (; words[count - 1]; count++)
        arguments[count] = (char *)(uintptr_t)words[count - 1];
    return content_sample_main(count, arguments);
}

#define SAMPLE(...) run_sample((const char *const[]){__VA_ARGS__, NULL})

static void command_exit_codes(void **unused)
{
    (void)unused;
    assert_int_equal(SAMPLE("/bin/sh"), 2);
    assert_int_equal(SAMPLE("-o", "x.json"), 2);
    assert_int_equal(SAMPLE("-o", "x.json", "--pid", "1", "/bin/sh"), 2);
    assert_int_equal(SAMPLE("-o", "x.json", "-n", "0", "/bin/sh"), 2);
    assert_int_equal(SAMPLE("--nonsense"), 2);
    assert_int_equal(SAMPLE("-o", "x.json", "/nonexistent"), 2);
    assert_int_equal(SAMPLE("-o", "/proc/nonexistent/x.json", "-n", "3", "/bin/sh"), 1);
    assert_int_equal(access("x.json", F_OK), -1);
    char path[64];
    write_text(path, "");
    assert_int_equal(SAMPLE("/bin/sh", "-n", "10", "-o", path), 0);
    unlink(path);
}

static void types_are_found(void **unused)
{
    (void)unused;
    assert_string_equal(content_type_find("rule")->name, "rule");
    assert_null(content_type_find("rules"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_classes_have_their_shares),
        cmocka_unit_test(mixed_pages_follow_the_formula),
        cmocka_unit_test(kinds_match_bytes),
        cmocka_unit_test(ranges_have_their_own_rules),
        cmocka_unit_test(rule_mistakes_are_named),
        cmocka_unit_test(uniform_pages_are_equal),
        cmocka_unit_test(threads_share_the_table),
        cmocka_unit_test(profile_pages_come_from_samples),
        cmocka_unit_test(profile_mistakes_are_named),
        cmocka_unit_test(files_are_sampled_and_read_back),
        cmocka_unit_test(own_memory_is_sampled),
        cmocka_unit_test(command_exit_codes),
        cmocka_unit_test(types_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

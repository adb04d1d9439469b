/* Files that are read or not, and that appear when they are whole (sim/base/files.h);
 * streams into memory (sim/base/memory.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"

static char directory[] = "/tmp/zsim-test-XXXXXX";

static int enter(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void check_text(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    assert_string_equal(text, expected);
}

static void write_text(const char *path, const char *text)
{
    struct output_file output;
    assert_true(output_file_open(&output, path));
    fputs(text, output.stream);
    assert_true(output_file_finish(&output, false));
}

static void test_replaces_when_whole(void **state)
{
    (void)state;
    struct output_file output;
    write_text("file", "old");
    assert_true(output_file_open(&output, "file"));
    fputs("new, and longer", output.stream);
    check_text("file", "old");
    assert_int_equal(fseeko(output.stream, 0, SEEK_SET), 0);
    fputs("NEW", output.stream);
    check_text("file", "old");
    assert_true(output_file_finish(&output, true));
    check_text("file", "NEW, and longer");
    unlink("file");
}

static void test_abandoned_leaves_nothing(void **state)
{
    (void)state;
    struct output_file output;
    assert_true(output_file_open(&output, "file"));
    fputs("text", output.stream);
    output_file_abandon(&output);
    assert_int_equal(access("file", F_OK), -1);
}

/* Those of open(): the mask is that of the process. */
static void test_usual_permissions(void **state)
{
    (void)state;
    struct stat about;
    mode_t before = umask(027);
    write_text("file", "text");
    assert_int_equal(umask(before), 027);
    assert_int_equal(stat("file", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    unlink("file");
}

static void test_only_regular_files(void **state)
{
    (void)state;
    struct output_file output;
    const char *why;
    assert_false(output_file_open(&output, "/dev/null"));
    assert_int_equal(errno, EEXIST);
    assert_false(output_file_open(&output, directory));
    assert_int_equal(errno, EEXIST);
    assert_false(output_file_open(&output, "/proc/nonexistent/file"));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(file_open_input("/dev/zero", &why), -1);
    assert_string_equal(why, "expected a file, found a device or socket");
    assert_int_equal(file_open_input(directory, &why), -1);
    assert_string_equal(why, "expected a file, found a directory");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_null(file_open_stream("pipe", &why)); /* and does not wait for a writer */
    assert_string_equal(why, "expected a file, found a pipe");
    unlink("pipe");
    assert_null(file_open_stream("none", &why));
    assert_string_equal(why, "No such file or directory");
}

static void test_stream_into_memory(void **state)
{
    (void)state;
    char *text;
    size_t length;
    FILE *stream = memory_stream_open(&text, &length);
    memory_stream_close(stream);
    assert_string_equal(text, "");
    free(text);
    stream = memory_stream_open(&text, &length);
    for (unsigned i = 0; i < 20000; i++)
        fprintf(stream, "%06u", i);
    memory_stream_close(stream);
    assert_int_equal(length, 120000);
    assert_int_equal(text[length], '\0');
    assert_memory_equal(text + 6 * 12345, "012345012346", 12);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaces_when_whole), cmocka_unit_test(test_abandoned_leaves_nothing),
        cmocka_unit_test(test_usual_permissions),   cmocka_unit_test(test_only_regular_files),
        cmocka_unit_test(test_stream_into_memory),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}

/* What valgrind says becomes records: addresses, regions, forks, frees.  The text
 * is as valgrind 3.19 writes it; tests/cli/capture.bats runs valgrind itself. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "workloads/capture/reader.h"
#include "workloads/capture/valgrind_text.h"
#include "workloads/readers/readers.h"

static char directory[] = "/tmp/zsim-test-XXXXXX";
static char path[64];

static struct recorder recorder;
static struct mapped_objects objects;
static struct recorded_process parent, child;

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/t.trace", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void forked(void *context, struct recorded_process *from, uint32_t pid)
{
    (void)context;
    assert_int_equal(pid, 71);
    recorded_process_fork(from, &child);
}

static void begin(uint32_t window, uint32_t sample, bool files)
{
    struct diagnostics errors = {0};
    struct native_writer *writer = native_writer_open(path, 2, 3, &errors);
    assert_non_null(writer);
    recorder_start(&recorder, writer, window, sample);
    mapped_objects_start(&objects, &recorder, files);
    recorded_process_start(&parent, &objects, 70);
    recorded_process_start(&child, &objects, 71);
    parent.forked = forked;
}

static void say(struct recorded_process *process, const char *text)
{
    assert_int_equal(recorded_process_read(process, text, strlen(text)), strlen(text));
}

/* End the recording; the trace as "W0.3 R0.4 F0.3", SPACE.PAGE, with "tN" before
 * the first record of another task. */
static const char *end(struct native_trace **opened)
{
    static char text[4096];
    struct diagnostics errors = {0};
    struct native_writer *writer = recorder.writer;
    recorded_process_forget(&parent);
    recorded_process_forget(&child);
    mapped_objects_stop(&objects);
    recorder_stop(&recorder);
    assert_true(native_writer_finish(writer, &errors));
    struct native_trace *trace = native_open(path, NULL, &errors);
    diagnostics_print(&errors);
    assert_non_null(trace);
    struct native_walk walk;
    const struct access *block;
    size_t used = 0;
    uint32_t task = 0;
    text[0] = '\0';
    assert_true(native_walk_start(&walk, trace));
    for (uint32_t count; (count = native_walk_next(&walk, &block));)
        for (uint32_t i = 0; i < count && used + 32 < sizeof(text); i++) {
            if (walk.record_tasks[i] != task)
                used += (size_t)sprintf(text + used, "t%u ", walk.record_tasks[i]);
            task = walk.record_tasks[i];
            used += (size_t)sprintf(text + used, "%c%u.%u ", "RWF"[block[i].op], block[i].space,
                                    block[i].page);
        }
    native_walk_stop(&walk);
    if (opened)
        *opened = trace;
    else
        native_close(trace);
    return text;
}

#define MMAP(address, bytes, flags, file)                                                          \
    "SYSCALL[70,1](9) sys_mmap ( 0x0, " bytes ", 3, " flags ", " file                              \
    ", 0 ) --> [pre-success] Success(0x" address ") \n"
#define PRIVATE MMAP("10000000", "8192", "34", "4294967295")

static void accesses_become_records(void **state)
{
    (void)state;
    struct native_trace *trace;
    begin(1, 1, false);
    say(&parent, "==70== Lackey, an example Valgrind tool\n==70== Command: /usr/bin/sort x\n");
    say(&parent, PRIVATE "I  108ab0,3\n S 10000ff8,8\n S 10000ff8,8\n L 10001000,4\n");
    say(&parent, " M 10000ffe,4\n"); /* reaches into the next page */
    assert_string_equal(end(&trace), "W0.0 R0.1 W0.0 W0.1 ");
    assert_string_equal(trace->space_names[0], "sort 70");
    assert_int_equal(trace->tasks, 1);
    assert_string_equal(trace->task[0].name, "sort");
    assert_int_equal(trace->task[0].process, 70);
    native_close(trace);
}

static void the_window_drops_repetitions(void **state)
{
    (void)state;
    begin(2, 1, false);
    say(&parent, MMAP("10000000", "16384", "34", "4294967295"));
    say(&parent, " L 10000000,4\n L 10001000,4\n L 10000000,4\n S 10000000,4\n S 10000000,4\n");
    say(&parent, " L 10002000,4\n L 10001000,4\n L 10000000,4\n");
    assert_string_equal(end(NULL), "R0.0 R0.1 W0.0 R0.2 R0.0 ");
}

static void pages_die_with_their_mapping(void **state)
{
    (void)state;
    begin(1, 1, false);
    say(&parent, PRIVATE " S 10000000,4\n S 10001000,4\n");
    say(&parent, "SYSCALL[70,1](28) sys_madvise ( 0x10001000, 4096, 4 ) --> [async] ... \n"
                 "SYSCALL[70,1](28) ... [async] --> Success(0x0) \n");
    say(&parent, " S 10001000,4\n");
    say(&parent, "SYSCALL[70,1](11) sys_munmap ( 0x10000000, 8192 )[sync] --> Success(0x0) \n");
    say(&parent, "SYSCALL[70,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4000000) \n"
                 "SYSCALL[70,1](12) sys_brk ( 0x4002000 ) --> [pre-success] Success(0x4002000) \n"
                 " S 4001000,8\n"
                 "SYSCALL[70,1](12) sys_brk ( 0x4001000 ) --> [pre-success] Success(0x4001000) \n");
    /* Nothing to free: it failed, or nobody was there. */
    say(&parent, "SYSCALL[70,1](11) sys_munmap ( 0x10000000, 8192 )[sync] --> Failure(0x16) \n"
                 "SYSCALL[70,1](11) sys_munmap ( 0x20000000, 8192 )[sync] --> Success(0x0) \n");
    assert_string_equal(end(NULL), "W0.0 W0.1 F0.1 W0.1 F0.0 F0.1 W0.65 F0.65 ");
}

static void regions_have_kinds(void **state)
{
    (void)state;
    struct native_trace *trace;
    begin(1, 1, false);
    say(&parent, PRIVATE "SYSCALL[70,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4000000) \n"
                         "SYSCALL[70,1](12) sys_brk ( 0x4002000 ) --> [pre-success] "
                         "Success(0x4002000) \n");
    say(&parent, MMAP("20000000", "8192", "131106", "4294967295")); /* MAP_STACK */
    say(&parent, MMAP("30000000", "8192", "33", "4294967295"));     /* shared */
    parent.space.has_stack = true;
    say(&parent, " S 10000000,4\n S 4000000,4\n S 20001000,4\n S 30000000,4\n");
    assert_string_equal(end(&trace), "W0.0 W0.64 W0.129 W1.0 ");
    static const enum native_region_kind kinds[] = {NATIVE_REGION_ANONYMOUS, NATIVE_REGION_HEAP,
                                                    NATIVE_REGION_STACK, NATIVE_REGION_SHARED};
    static const uint32_t firsts[] = {0, 64, 129, 0};
    assert_int_equal(trace->regions, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(trace->region[i].kind, kinds[i]);
        assert_int_equal(trace->region[i].first, firsts[i]);
    }
    native_close(trace);
}

#define OPEN_FILE                                                                                  \
    "SYSCALL[70,1](257) sys_openat ( 4294967196, 0x1000(/proc/self/exe), 0 ) --> [async] ... \n"   \
    "SYSCALL[70,1](257) ... [async] --> Success(0x5) \n"

static void files_are_left_out_until_they_are_copied(void **state)
{
    (void)state;
    begin(1, 1, false);
    say(&parent, OPEN_FILE MMAP("10000000", "8192", "2", "5"));
    say(&parent, " L 10000000,4\n L 10000000,4\n S 10001000,4\n L 10000000,4\n S 10000000,4\n");
    assert_int_equal(recorder.counts.file_accesses, 3);
    assert_int_equal(recorder.counts.accesses, 5);
    assert_string_equal(end(NULL), "W0.1 W0.0 ");
    /* With them: the private copies are pages of their own. */
    struct native_trace *trace;
    begin(1, 1, true);
    say(&parent, OPEN_FILE MMAP("10000000", "8192", "2", "5"));
    say(&parent, " L 10000000,4\n S 10001000,4\n L 10000000,4\n");
    assert_string_equal(end(&trace), "R0.0 R0.1 W1.1 R0.0 ");
    assert_string_equal(trace->space_names[0], "files");
    native_close(trace);
}

static void the_kernel_reads_and_writes_too(void **state)
{
    (void)state;
    begin(1, 1, false);
    say(&parent, PRIVATE "SYSCALL[70,1](0) sys_read ( 4, 0x10000800, 8192 ) --> [async] ... \n"
                         "SYSCALL[70,1](0) ... [async] --> Success(0x1000) \n"
                         "SYSCALL[70,1](1) sys_write ( 1, 0x10001000, 4 )[sync] --> Success(0x4) \n"
                         "SYSCALL[70,1](0) sys_read ( 4, 0x10000000, 8 ) --> [async] ... \n"
                         "SYSCALL[70,1](0) ... [async] --> Failure(0xb) \n");
    assert_int_equal(recorder.counts.by_kernel, 3);
    assert_string_equal(end(NULL), "W0.0 W0.1 ");
}

static void threads_are_told_apart(void **state)
{
    (void)state;
    struct native_trace *trace;
    begin(1, 1, false);
    say(&parent, PRIVATE " S 10000000,4\n"
                         "--70--   SCHED[2]:  acquired lock (thread_wrapper(starting new thread))\n"
                         " S 10001000,4\n"
                         "--70--   SCHED[1]:  acquired lock (VG_(scheduler):timeslice)\n"
                         " S 10000000,4\n"
                         "SYSCALL[70,2](273) sys_set_robust_list ( 0x1, 24 )[sync] --> "
                         "Success(0x0) \n S 10001000,4\n"
                         "--70--   SCHED[2]:  acquired lock (thread_wrapper(starting new thread))\n"
                         " L 10000000,4\n");
    assert_string_equal(end(&trace), "W0.0 t1 W0.1 t0 W0.0 t1 W0.1 t2 R0.0 ");
    assert_int_equal(trace->task[1].thread, 2);
    assert_int_equal(trace->task[2].thread, 2); /* another one with the same number */
    assert_int_equal(trace->task[1].records, 2);
    native_close(trace);
}

#define FORK                                                                                       \
    "SYSCALL[70,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a29a10, 0x0 )   clone(fork): process 70 " \
    "created child 71\n --> [pre-success] Success(0x47) --70--   SCHED[1]: releasing lock (VG_(\n"

static void a_child_shows_its_parents_pages_until_one_writes(void **state)
{
    (void)state;
    struct native_trace *trace;
    begin(1, 1, false);
    say(&parent, PRIVATE " S 10000000,4\n S 10001000,4\n" FORK);
    say(&child, " L 10000000,4\n S 10000000,4\n"); /* copies the first */
    say(&parent, " S 10001000,4\n");               /* the second: the child keeps the old one */
    say(&child, " L 10001000,4\n");
    recorded_process_stop(&child);   /* the last to show the old second page */
    say(&parent, " S 10000000,4\n"); /* alone again: no copy */
    assert_string_equal(end(&trace),
                        "W0.0 W0.1 t1 R0.0 W1.0 t0 R0.1 W0.65 t1 R0.1 F1.0 F0.1 t0 W0.0 ");
    assert_int_equal(trace->task[1].parent, 0);
    assert_int_equal(trace->task[1].space, 1);
    native_close(trace);
}

/* The texts of two processes come by pipes, the fork when the child is long gone. */
static void a_child_may_end_before_its_parent_tells_of_it(void **state)
{
    (void)state;
    int from_parent[2], from_child[2];
    struct native_trace *trace;
    begin(1, 1, false);
    assert_int_equal(pipe2(from_parent, O_NONBLOCK), 0);
    assert_int_equal(pipe2(from_child, O_NONBLOCK), 0);
    struct capture_reader *reader = capture_reader_start(&objects, false);
    assert_non_null(reader);
    capture_reader_add(reader, 70, 0, from_parent[0]);
    capture_reader_add(reader, 71, 70, from_child[0]);
    capture_reader_end(reader, 71);
    while (fcntl(from_child[0], F_GETFD) != -1) /* closed when it has been read */
        usleep(1000);
    const char *text = PRIVATE FORK " S 10000000,4\n S 10001000,4\n";
    assert_int_equal(write(from_parent[1], text, strlen(text)), strlen(text));
    capture_reader_end(reader, 70);
    capture_reader_join(reader); /* waits for nobody else */
    close(from_parent[1]);
    close(from_child[1]);
    assert_string_equal(end(&trace), "W0.0 W0.1 ");
    native_close(trace);
}

static void shared_memory_is_one_page_for_all(void **state)
{
    (void)state;
    begin(1, 1, false);
    say(&parent, MMAP("30000000", "8192", "33", "4294967295") " S 30001000,4\n" FORK);
    say(&child, " S 30001000,4\n S 30000000,4\n");
    say(&parent, "SYSCALL[70,1](11) sys_munmap ( 0x30000000, 8192 )[sync] --> Success(0x0) \n");
    recorded_process_stop(&child); /* its last mapping */
    assert_string_equal(end(NULL), "W0.1 t1 W0.0 F0.0 F0.1 ");
}

static void mremap_keeps_pages(void **state)
{
    (void)state;
    begin(1, 1, false);
    say(&parent, PRIVATE " S 10000000,4\n S 10001000,4\n"
                         "SYSCALL[70,1](25) sys_mremap ( 0x10000000, 8192, 16384, 0x1 ) --> "
                         "[pre-success] Success(0x20000000) \n L 20000000,4\n S 20003000,4\n");
    /* A new mapping at the old address must not get the numbers of the old pages. */
    say(&parent, PRIVATE " S 10000000,4\n"
                         "SYSCALL[70,1](25) sys_mremap ( 0x20000000, 16384, 4096, 0x1 ) --> "
                         "[pre-success] Success(0x20000000) \n");
    assert_string_equal(end(NULL), "W0.0 W0.1 R0.0 W0.67 W0.128 F0.1 F0.67 ");
}

static void exec_begins_anew(void **state)
{
    (void)state;
    struct native_trace *trace;
    begin(1, 1, false);
    say(&parent,
        "==70== Lackey, an example Valgrind tool\n==70== Command: ./a\n" PRIVATE " S 10000000,4\n"
        "SYSCALL[70,1](59) sys_execve ( 0x1(/bin/b), 0x2, 0x3 )==70== Lackey, an example "
        "Valgrind tool\n==70== Command: /bin/b -x\n" PRIVATE " S 10001000,4\n");
    assert_string_equal(end(&trace), "W0.0 F0.0 t1 W1.1 ");
    assert_string_equal(trace->task[1].name, "b");
    assert_string_equal(trace->space_names[1], "b 70");
    native_close(trace);
}

static void sampling_keeps_whole_pages(void **state)
{
    (void)state;
    enum { PAGES = 4096 };
    char line[64];
    struct native_trace *trace;
    begin(1, 4, false);
    say(&parent, MMAP("10000000", "16777216", "34", "4294967295"));
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < PAGES; i++) {
            sprintf(line, " S %x,8\n", 0x10000000 + i * 4096);
            say(&parent, line);
        }
    say(&parent, "SYSCALL[70,1](11) sys_munmap ( 0x10000000, 16777216 )[sync] --> Success(0x0) \n");
    end(&trace);
    assert_int_equal(trace->sample, 4);
    /* Two writes and a free of every page that was chosen; one in four, within 4 sigma. */
    assert_int_equal(trace->records % 3, 0);
    assert_in_range(trace->records / 3, PAGES / 4 - 111, PAGES / 4 + 111);
    native_close(trace);
}

static void half_a_line_waits_and_nonsense_is_counted(void **state)
{
    (void)state;
    begin(1, 1, false);
    static const char half[] = " S 10000000,8\n S 1000";
    assert_int_equal(recorded_process_read(&parent, half, strlen(half)), 14);
    say(&parent, "hello\n S ,8\n S 10,\n L 10x,4\n X 10,4\n S 1,99999\n");
    assert_int_equal(recorder.counts.lines_unknown, 6);
    assert_string_equal(recorder.counts.first_unknown, "hello");
    /* None of these may be read past its end. */
    say(&parent, "SYSCALL[\nSYSCALL[70,1]\nSYSCALL[70,99999999](9) sys_mmap ( \n"
                 "SYSCALL[70,1](9) sys_mmap ( 0x1, 2\nSYSCALL[70,1](9) ... [async] --> Success(0x\n"
                 "--70--   SCHED[99999999]:  acquired lock (\n==\n--\n**\n\n");
    assert_string_equal(end(NULL), "W0.0 ");
}

static void maps_fill_what_is_not_known(void **state)
{
    (void)state;
    begin(1, 1, false);
    char text[] = "10000000-10004000 rw-p 00000000 00:00 0 \n"
                  "20000000-20002000 r-xp 00001000 fe:00 7      /proc/nonexistent/lib.so\n"
                  "30000000-30002000 rw-s 00000000 00:01 9      /SYSV00000000 (deleted)\n";
    say(&parent, MMAP("10001000", "4096", "131106", "4294967295")); /* a stack */
    FILE *maps = fmemopen(text, sizeof(text) - 1, "r");
    address_space_read_maps(&parent.space, maps);
    fclose(maps);
    assert_int_equal(parent.space.region_count, 5);
    assert_int_equal(parent.space.regions[0].kind, NATIVE_REGION_STACK); /* it has grown */
    assert_int_equal(parent.space.regions[2].kind, NATIVE_REGION_ANONYMOUS);
    assert_int_equal(parent.space.regions[3].kind, NATIVE_REGION_CODE);
    assert_int_equal(parent.space.regions[3].offset, 1);
    assert_true(parent.space.regions[4].shared);
    say(&parent, " L 20001000,4\n S 30000000,4\n S 10000000,4\n");
    assert_string_equal(end(NULL), "W0.0 W1.0 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accesses_become_records),
        cmocka_unit_test(the_window_drops_repetitions),
        cmocka_unit_test(pages_die_with_their_mapping),
        cmocka_unit_test(regions_have_kinds),
        cmocka_unit_test(files_are_left_out_until_they_are_copied),
        cmocka_unit_test(the_kernel_reads_and_writes_too),
        cmocka_unit_test(threads_are_told_apart),
        cmocka_unit_test(a_child_shows_its_parents_pages_until_one_writes),
        cmocka_unit_test(a_child_may_end_before_its_parent_tells_of_it),
        cmocka_unit_test(shared_memory_is_one_page_for_all),
        cmocka_unit_test(mremap_keeps_pages),
        cmocka_unit_test(exec_begins_anew),
        cmocka_unit_test(sampling_keeps_whole_pages),
        cmocka_unit_test(half_a_line_waits_and_nonsense_is_counted),
        cmocka_unit_test(maps_fill_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

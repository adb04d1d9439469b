/* The command line, for AFL++: a word of standard input a line.
 *
 * Each run has a file system of its own, in memory, in which a few files lie that
 * words may name; all others can only be read.  No program can be started, and words
 * that would measure this machine or look at other processes are left out. */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int zsim_main(int argc, char **argv);
#define main zsim_main
#include "sim/cli/main.c"
#undef main

enum { WORDS_AT_MOST = 24, INPUT_BYTES = 1024, FILES_AT_MOST = 64 };

#define WHERE "/tmp"

static const char config[] =
    "{\"machine\": {\"nodes\": [{\"memory\": \"8M\"}]},\n"
    " \"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"4M\"}]},\n"
    " \"cgroups\": {\"/a\": {\"memory.max\": \"1M\"}},\n"
    " \"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"uniform\", "
    "\"footprint\": \"2M\", \"accesses\": 300}}],\n"
    " \"variants\": [{\"name\": \"a\"}, {\"name\": \"b\", \"set\": {\"vm.swappiness\": 10}}], "
    "\"seeds\": [1, 2]}\n";

static struct {
    char *path, *bytes; /* bytes NULL: a directory */
    size_t size;
} files[FILES_AT_MOST];
static unsigned file_count;

static void must(bool done, const char *what)
{
    if (!done)
        fuzz_fail("%s: %s", what, strerror(errno));
}

/* A file system of the process's own at WHERE, and nothing else to write to. */
static void enter_own_directory(void)
{
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    must(unshare(CLONE_NEWNS) == 0, "unshare, which needs root");
    must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
    must(mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &readonly, sizeof(readonly)) == 0,
         "read-only mounts");
    must(mount("none", WHERE, "tmpfs", 0, "size=16m") == 0 && chdir(WHERE) == 0, WHERE);
}

static int remember(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)where;
    if (strcmp(path, ".") == 0)
        return 0;
    must(file_count < FILES_AT_MOST, "too many files");
    files[file_count].path = strdup(path);
    files[file_count].size = (size_t)status->st_size;
    if (type != FTW_D) {
        int file = open(path, O_RDONLY);
        files[file_count].bytes = malloc(files[file_count].size + 1);
        must(read(file, files[file_count].bytes, files[file_count].size) == status->st_size, path);
        close(file);
    }
    file_count++;
    return 0;
}

/* The same files anew, whatever the runs before have done. */
static void renew_files(void)
{
    must(unshare(CLONE_NEWNS) == 0, "unshare");
    must(mount("none", WHERE, "tmpfs", 0, "size=16m") == 0 && chdir(WHERE) == 0, WHERE);
    for (unsigned i = 0; i < file_count; i++) {
        if (!files[i].bytes) {
            must(mkdir(files[i].path, 0700) == 0, files[i].path);
            continue;
        }
        int file = open(files[i].path, O_WRONLY | O_CREAT, 0600);
        must(write(file, files[i].bytes, files[i].size) == (ssize_t)files[i].size, files[i].path);
        close(file);
    }
}

static void run_once(const char *const *words, int count)
{
    char *argv[WORDS_AT_MOST + 1] = {NULL};
    for (int i = 0; i < count; i++)
        argv[i] = (char *)(uintptr_t)words[i];
    int status;
    pid_t child = fork();
    if (child == 0)
        exit(zsim_main(count, argv));
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fuzz_fail("%s %s does not work", words[0], words[1]);
}
#define RUN(...)                                                                                   \
    run_once((const char *const[]){"zsim", __VA_ARGS__},                                           \
             1 + (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

/* What words may name: a config, a result, a sweep, traces. */
static void make_files(void)
{
    FILE *file = fopen("a.json", "w");
    must(file && fputs(config, file) >= 0 && fclose(file) == 0, "a.json");
    RUN("a.json", "-o", "results");
    must(rename("results/a.json", "r.json") == 0, "r.json");
    RUN("trace", "generate", "-o", "t.kzt", "1", "0:rand:0:16:50:30");
    RUN("trace", "convert", "--to", "csv", "t.kzt", "t.csv");
    RUN("expand", "a.json", "-o", "sweep");
    RUN("run", "--manifest", "sweep/manifest.tsv", "--id", "1");
    must(nftw(".", remember, 8, FTW_PHYS) == 0, "files");
}

static bool word_is_left_out(const char *word)
{
    static const char *const left_out[] = {"capture", "calibrate", "sample"};
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (strcmp(word, left_out[i]) == 0)
            return true;
    return false;
}

/* Cut the text into words; their number. */
static int cut(char *text, char **words)
{
    static char program[] = "zsim";
    int count = 0;
    words[count++] = program;
    for (char *word; count < WORDS_AT_MOST && (word = strsep(&text, "\n"));)
        if (!word_is_left_out(word))
            words[count++] = word;
    words[count] = NULL;
    return count;
}

int main(void)
{
    static char text[INPUT_BYTES + 1];
    char *words[WORDS_AT_MOST + 1];
    setenv("PATH", "/nowhere", 1);
    setenv("HOME", "/nowhere", 1);
    fuzz_without_cache();
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20});
    enter_own_directory();
    make_files();
#ifdef __AFL_HAVE_MANUAL_CONTROL
    __AFL_INIT();
#endif
    renew_files();
    ssize_t length = read(0, text, INPUT_BYTES);
    if (length <= 0)
        return 0;
    text[length - (text[length - 1] == '\n')] = '\0';
    return zsim_main(cut(text, words), words);
}

/* Faults of the system, for LD_PRELOAD: cc -shared -fPIC -o faults.so faults.c
 *
 * FAULT says which:
 *   memory    each request for memory is refused once, in a child of its own
 *             that goes on from there, while the parent sees nothing of it
 *   request:N the N-th request for memory is refused; nothing else
 *   full:N    regular files have room for N bytes together, then ENOSPC
 *   short     read() and write() move three bytes at most, and every second call
 *             is interrupted (EINTR)
 *   fsync, rename, close, linkat   the call fails with EIO
 *   named     no file is without a name (O_TMPFILE)
 *   truncate  a file becomes one page long as soon as it is mapped
 *   clock     time jumps by hours, forwards and back
 *
 * With "memory": FAULT_LOG is the file that takes a line for each refusal that
 * did not end as it must (and the number of refusals at the end), FAULT_EVERY=K
 * refuses every K-th request, FAULT_STAYS=1 also all that follow it, and a file
 * FAULT_RESULT, where a child left one, must be what it was at the beginning. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static const char *fault_begin; /* FAULT; NULL: none */
static bool fault_memory;

static bool fault_is(const char *what)
{
    return fault_begin && strcmp(fault_begin, what) == 0;
}

/* ---- memory ------------------------------------------------------------------ */

enum { FILES = 32 };
static long requests, refused, every = 1, refuse_number;
static bool stays, refusing, busy;
static const char *result_path, *log_path;
static char *whole; /* FAULT_RESULT as it was before, up to "host" */

static void note(const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    int file = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || write(file, text, (size_t)length) != length)
        _exit(99);
    close(file);
}

/* The text of a file up to "host", which comes last and differs; NULL: none. */
static char *load_result(void)
{
    struct stat about;
    int file = result_path ? open(result_path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0 || fstat(file, &about) != 0)
        return NULL;
    char *text = __libc_calloc(1, (size_t)about.st_size + 1);
    bool read_whole = syscall(SYS_read, file, text, (size_t)about.st_size) == about.st_size;
    syscall(SYS_close, file);
    char *host = strstr(text, "\"host\":");
    if (read_whole && host && strcmp(text + about.st_size - 3, "\n}\n") == 0)
        *host = '\0';
    return text;
}

/* A result that a child has left must be that of a run without a fault. */
static void check_result(long number)
{
    char *text = load_result();
    if (text && whole && strcmp(text, whole) != 0)
        note("request %ld: it left a result that is not whole\n", number);
    if (text && getenv("FAULT_TELL")) {
        char name[64];
        snprintf(name, sizeof(name), "left.%ld", number);
        rename(result_path, name);
    } else if (text)
        unlink(result_path);
    free(text);
}

/* An error is a line or two (the fault, and what failed by it), each with its place in
 * a config; what else is told begins with "zsim: ". */
static bool is_message(const char *text)
{
    unsigned errors = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        bool error = memmem(line, length, "error: ", 7) != NULL;
        bool place = line[0] == ' ' && memchr(line, '|', length);
        if (!line[length] || (!error && !place && strncmp(line, "zsim: ", 6) != 0))
            return false;
        errors += error;
    }
    return errors == 1 || errors == 2;
}

/* A message and exit code 1 or 2; or it did without the memory. */
static void check_child(long number, int status, int errors)
{
    char text[1024];
    lseek(errors, 0, SEEK_SET);
    ssize_t length = syscall(SYS_read, errors, text, sizeof(text) - 1);
    text[length < 0 ? 0 : length] = '\0';
    int code = WEXITSTATUS(status);
    if (WIFSIGNALED(status))
        note("request %ld: killed by signal %d: %s\n", number, WTERMSIG(status), text);
    else if (code > 2 || (code != 0 && !is_message(text)) || getenv("FAULT_TELL"))
        note("request %ld: exit code %d: %s\n", number, code, text);
    check_result(number);
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *text = getenv("FAULT_EVERY");
    fault_begin = getenv("FAULT");
    every = text ? atol(text) : 1;
    stays = getenv("FAULT_STAYS") != NULL;
    result_path = getenv("FAULT_RESULT");
    log_path = getenv("FAULT_LOG");
    /* Programs that this one starts are not meant. */
    unsetenv("LD_PRELOAD");
    whole = load_result();
    fault_memory = fault_is("memory");
    if (fault_begin && strncmp(fault_begin, "request:", 8) == 0) {
        refuse_number = atol(fault_begin + 8);
        fault_memory = true;
    }
}

__attribute__((destructor)) static void note_end(void)
{
    if (fault_memory && !refusing && !refuse_number)
        note("%ld refused\n", refused);
}

/* Whether this request is to be refused: in the child it is. */
static bool refuse(void)
{
    if (!fault_memory || busy)
        return false;
    requests++;
    if (refuse_number)
        return requests == refuse_number || (stays && requests > refuse_number);
    if (refusing)
        return stays;
    if (requests % every != 0)
        return false;
    busy = true;
    refused++;
    off_t places[FILES];
    for (int file = 0; file < FILES; file++)
        places[file] = lseek(file, 0, SEEK_CUR);
    int errors = memfd_create("errors", MFD_CLOEXEC), nowhere = open("/dev/null", O_WRONLY);
    pid_t child = fork();
    if (child == 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        close(nowhere);
        close(errors);
        alarm(20);
        refusing = true;
        busy = false;
        return true;
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    /* The child has read on in the files that both have open. */
    for (int file = 3; file < FILES; file++)
        if (places[file] >= 0)
            lseek(file, places[file], SEEK_SET);
    check_child(requests, status, errors);
    close(errors);
    close(nowhere);
    busy = false;
    return false;
}

static void *refused_request(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t bytes)
{
    return refuse() ? refused_request() : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return refuse() ? refused_request() : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return refuse() ? refused_request() : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return refuse() ? refused_request() : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    if (refuse())
        return ENOMEM;
    *out = __libc_memalign(alignment, bytes);
    return *out ? 0 : ENOMEM;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    if (refuse())
        return errno = ENOMEM, MAP_FAILED;
    void *mapped = (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
    if (file >= 0 && fault_is("truncate")) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
        if (truncate(path, 4096) != 0)
            abort();
    }
    return mapped;
}

/* Children that go on need no other thread when a thread runs in the call that
 * starts it. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!create)
        *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    if (!fault_memory)
        return create(thread, attributes, start, argument);
    if (refuse())
        return EAGAIN;
    *thread = 0;
    start(argument);
    return 0;
}

int pthread_join(pthread_t thread, void **value)
{
    static int (*join)(pthread_t, void **);
    if (!join)
        *(void **)&join = dlsym(RTLD_NEXT, "pthread_join");
    if (thread)
        return join(thread, value);
    return 0;
}

/* ---- files ------------------------------------------------------------------- */

static bool is_regular(int file)
{
    struct stat about;
    return fstat(file, &about) == 0 && S_ISREG(about.st_mode);
}

static int fails_with_eio(void)
{
    errno = EIO;
    return -1;
}

static bool is_interrupted(void)
{
    static unsigned calls;
    errno = EINTR;
    return calls++ % 2 == 0;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    static size_t written;
    if (fault_is("short")) {
        if (is_interrupted())
            return -1;
        count = count < 3 ? count : 3;
    }
    if (fault_begin && strncmp(fault_begin, "full:", 5) == 0 && is_regular(file)) {
        size_t room = (size_t)atol(fault_begin + 5) - written;
        if (room == 0)
            return errno = ENOSPC, -1;
        count = count < room ? count : room;
        written += count;
    }
    return syscall(SYS_write, file, bytes, count);
}

ssize_t read(int file, void *bytes, size_t count)
{
    if (fault_is("short")) {
        if (is_interrupted())
            return -1;
        count = count < 3 ? count : 3;
    }
    return syscall(SYS_read, file, bytes, count);
}

int fsync(int file)
{
    return fault_is("fsync") ? fails_with_eio() : (int)syscall(SYS_fsync, file);
}

int rename(const char *from, const char *to)
{
    return fault_is("rename") ? fails_with_eio() : (int)syscall(SYS_rename, from, to);
}

/* As the kernel has it: the file is closed, and what was written may be lost. */
int close(int file)
{
    bool fails = fault_is("close") && is_regular(file);
    int result = (int)syscall(SYS_close, file);
    return fails ? fails_with_eio() : result;
}

int fclose(FILE *stream)
{
    static int (*real)(FILE *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fclose");
    int file = fileno(stream);
    bool fails = fault_is("close") && file >= 0 && is_regular(file);
    int result = real(stream);
    return fails ? fails_with_eio() : result;
}

/* As a file system without files without a name. */
int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if ((flags & O_TMPFILE) == O_TMPFILE && fault_is("named"))
        return errno = EOPNOTSUPP, -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int linkat(int from, const char *old, int to, const char *name, int flags)
{
    if (fault_is("linkat"))
        return fails_with_eio();
    return (int)syscall(SYS_linkat, from, old, to, name, flags);
}

/* ---- time -------------------------------------------------------------------- */

static time_t jump(void)
{
    static const time_t hours[] = {0, 5, -3, 700, -700, 1, 0};
    static unsigned calls;
    return fault_is("clock") ? hours[calls++ % (sizeof(hours) / sizeof(hours[0]))] * 3600 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec += jump();
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

#define _GNU_SOURCE
#include "sim/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/memory.h"

/* ---- reading ---------------------------------------------------------------- */

const char *file_not_regular(mode_t mode)
{
    return S_ISREG(mode)    ? NULL
           : S_ISDIR(mode)  ? "expected a file, found a directory"
           : S_ISFIFO(mode) ? "expected a file, found a pipe"
                            : "expected a file, found a device or socket";
}

int file_open_input(const char *path, const char **why)
{
    struct stat about;
    /* Devices may act on being opened, and pipes wait for a writer. */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) != 0)
        *why = strerror(errno);
    else if (!(*why = file_not_regular(about.st_mode)))
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

FILE *file_open_stream(const char *path, const char **why)
{
    int file = file_open_input(path, why);
    if (file < 0)
        return NULL;
    FILE *stream = fdopen(file, "r");
    if (!stream) {
        *why = strerror(errno);
        close(file);
    }
    return stream;
}

/* ---- writing ---------------------------------------------------------------- */

enum { BUFFER_BYTES = 1 << 16, NAME_BYTES = 10 /* ".", 8 digits and a NUL */ };

static ssize_t write_stream(void *context, const char *bytes, size_t count)
{
    const struct output_file *output = context;
    for (size_t done = 0; done < count;) {
        ssize_t written = write(output->file, bytes + done, count - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return 0;
        done += (size_t)written;
    }
    return (ssize_t)count;
}

static int seek_stream(void *context, off64_t *place, int from)
{
    const struct output_file *output = context;
    *place = lseek(output->file, *place, from);
    return *place < 0 ? -1 : 0;
}

/* PATH.RANDOM, beside the file: another one at each call. */
static void change_name(struct output_file *output)
{
    size_t length = strlen(output->path);
    uint32_t number;
    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        number = (uint32_t)getpid();
    snprintf(output->temporary + length, NAME_BYTES, ".%08" PRIx32, number);
}

static int open_nameless(const char *directory)
{
    /* It gets its name by way of /proc. */
    if (access("/proc/self/fd", X_OK) != 0)
        return -1;
    return open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

/* Where the file system has no files without a name. */
static int open_named(struct output_file *output)
{
    int file;
    do {
        change_name(output);
        file = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (file < 0 && errno == EEXIST);
    output->named = file >= 0;
    return file;
}

static bool give_name(struct output_file *output)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", output->file);
    while (!output->named) {
        change_name(output);
        output->named = linkat(AT_FDCWD, link, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW) == 0;
        if (!output->named && errno != EEXIST)
            return false;
    }
    return true;
}

/* errno stays. */
static void release(struct output_file *output)
{
    int reason = errno;
    if (output->stream)
        fclose(output->stream);
    if (output->file >= 0)
        close(output->file);
    if (output->named)
        unlink(output->temporary);
    free(output->path);
    free(output->temporary);
    free(output->buffer);
    *output = (struct output_file){.file = -1};
    errno = reason;
}

/* All memory is there before the file is: lack of it leaves nothing behind. */
static void get_memory(struct output_file *output, const char *path)
{
    static const cookie_io_functions_t calls = {.write = write_stream, .seek = seek_stream};
    output->path = memory_string(path);
    output->temporary = memory_printed("%s%*s", path, NAME_BYTES, "");
    output->buffer = memory_zeroed(1, BUFFER_BYTES, "a file");
    output->stream = memory_checked(fopencookie(output, "w", calls), "a file");
    (void)setvbuf(output->stream, output->buffer, _IOFBF, BUFFER_BYTES);
}

bool output_file_open(struct output_file *output, const char *path)
{
    struct stat about;
    const char *slash = strrchr(path, '/');
    *output = (struct output_file){.file = -1};
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        errno = EEXIST;
        return false;
    }
    get_memory(output, path);
    char *directory =
        slash ? memory_printed("%.*s/", (int)(slash - path), path) : memory_string(".");
    output->file = open_nameless(directory);
    free(directory);
    if (output->file < 0)
        output->file = open_named(output);
    if (output->file < 0)
        release(output);
    return output->file >= 0;
}

bool output_file_finish(struct output_file *output, bool synced)
{
    bool good = fflush(output->stream) == 0 && !ferror(output->stream) &&
                (!synced || fsync(output->file) == 0) && give_name(output);
    if (good) {
        /* Some file systems tell only now that there was no room. */
        good = close(output->file) == 0;
        output->file = -1;
        good = good && rename(output->temporary, output->path) == 0;
        output->named = !good;
    }
    release(output);
    return good;
}

void output_file_abandon(struct output_file *output)
{
    release(output);
}

const char *output_file_error(void)
{
    return errno == EEXIST ? "it exists and is not a regular file" : strerror(errno);
}

bool file_same(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* ---- standard output -------------------------------------------------------- */

static int standard_output_errno; /* of the first flush that failed */

void standard_output_put(const char *text)
{
    errno = 0;
    if (fputs(text, stdout) < 0 && !standard_output_errno)
        standard_output_errno = errno;
}

void standard_output_flush(void)
{
    errno = 0;
    if (fflush(stdout) != 0 && !standard_output_errno)
        standard_output_errno = errno;
}

const char *standard_output_error(void)
{
    standard_output_flush();
    if (standard_output_errno)
        return strerror(standard_output_errno);
    return ferror(stdout) ? "not all of it could be written" : NULL;
}

/* Files that are read, and files that appear when they are whole. */
#ifndef ZSIM_BASE_FILES_H
#define ZSIM_BASE_FILES_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* What is wrong with a file of this kind as an input; NULL: it is a regular file. */
const char *file_not_regular(mode_t mode);

/* A regular file, opened to be read; -1 with *why, a text that lasts, when it cannot
 * be opened or is something else.  Never waits, as opening a pipe would. */
int file_open_input(const char *path, const char **why);

/* The same as a stream; NULL with *why. */
FILE *file_open_stream(const char *path, const char **why);

/* A file being written; it must not be moved in memory.  Nothing has its name before
 * output_file_finish(), which replaces what had it in one step; where the file system can, it has
 * no name at all until then, so that a killed process leaves nothing. */
struct output_file {
    FILE *stream; /* may be moved with fseeko(); do not close */
    int file;
    char *path, *temporary, *buffer;
    bool named; /* `temporary` is there */
};

/* False with errno; EEXIST: `path` is there and not a regular file. */
bool output_file_open(struct output_file *output, const char *path);

/* False with errno when anything could not be written; `path` is then as before.
 * `synced`: on the disk, not only in its cache, before it gets its name. */
bool output_file_finish(struct output_file *output, bool synced);

/* Leaves nothing behind. */
void output_file_abandon(struct output_file *output);

/* strerror() of errno, or what EEXIST of output_file_open() means. */
const char *output_file_error(void);

/* Two names of one file that is there. */
bool file_same(const char *a, const char *b);

/* fputs(text, stdout) and fflush(stdout) that keep why they failed, for the end of the program.
 * What printf() leaves in the buffer is in time for the last flush; a long text is not. */
void standard_output_put(const char *text);
void standard_output_flush(void);
/* Flush; why not all of standard output could be written, NULL: all was. */
const char *standard_output_error(void);

#endif

/* What the fuzz targets share.
 *
 * A target is one file that defines LLVMFuzzerTestOneInput() and
 * LLVMFuzzerInitialize(); libFuzzer calls them with inputs of its own making,
 * replay.c with those in tests/fuzz.  An input that a target refuses politely is
 * fine; what counts is a crash, a hang, a leak, undefined behaviour, or more
 * memory than the input is worth. */
#ifndef ZSIM_TESTS_FUZZ_H
#define ZSIM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_FILES = 4, FUZZ_FIRST_FILE = 100 };

/* A name under which these bytes can be opened, in memory alone: for `number` 0
 * "/proc/self/fd/100", and so on. */
const char *fuzz_file(unsigned number, const uint8_t *data, size_t size);

/* End the process as a sanitizer would, with one line. */
void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Nothing is read from or left in the cache of page lengths. */
void fuzz_without_cache(void);

#endif

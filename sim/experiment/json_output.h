/* Building JSON with cJSON, exactly.
 *
 * cJSON keeps numbers as doubles and prints 15 digits of them; these functions
 * print integers whole and reals so that they read back the same.  Running out
 * of memory ends the process, as everywhere. */
#ifndef ZSIM_EXPERIMENT_JSON_OUTPUT_H
#define ZSIM_EXPERIMENT_JSON_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diagnostics.h"

cJSON *json_object(void);
cJSON *json_array(void);
/* Give `item` to `object`.  Keys that are constants are not copied. */
void json_add(cJSON *object, const char *key, cJSON *item);
void json_add_to_array(cJSON *array, cJSON *item);

void json_add_string(cJSON *object, const char *key, const char *text); /* NULL: null */
void json_add_bool(cJSON *object, const char *key, bool value);
void json_add_integer(cJSON *object, const char *key, uint64_t value);
/* The shortest form that reads back to the same value; null for NAN and infinity. */
void json_add_real(cJSON *object, const char *key, double value);
/* Text that is JSON already. */
void json_add_raw(cJSON *object, const char *key, const char *text);

cJSON *json_integer(uint64_t value);
cJSON *json_string(const char *text);

/* The digits of a number and a NUL; where the NUL is.  A tenth of what printf() takes,
 * which was half of the time of writing a result. */
enum { INTEGER_DIGITS = 20 };
char *print_integer(char out[INTEGER_DIGITS + 1], uint64_t value);

/* The shortest text of a finite number that reads back the same; size >= 25. */
void print_real(char *out, size_t size, double value);

/* Printed, with a newline at the end.  Free with free(). */
char *json_print(const cJSON *item);

/* Write a file so that it is never seen half-written, not even after the machine
 * has lost power (sim/base/files.h, synced).  False after adding to `errors`. */
bool file_write_whole(const char *path, const char *text, size_t length,
                      struct diagnostics *errors);

/* The same without fsync, which takes milliseconds: for one of many files that can
 * be made again and that are checked when they are read. */
bool file_write_unsynced(const char *path, const char *text, size_t length,
                         struct diagnostics *errors);

#endif

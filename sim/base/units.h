/* Sizes and times as a person writes them: "2G", "100us", "20%". */
#ifndef ZSIM_BASE_UNITS_H
#define ZSIM_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BYTES = 4096 };

/* Bytes from "4096", "4K", "64M", "2G", "1T" (powers of 1024; "KiB", "MiB",
 * "GiB", "TiB" and a trailing "B" are accepted, case as shown).  False when
 * the text is anything else or does not fit in 64 bits. */
bool parse_bytes(const char *text, uint64_t *bytes);

/* Nanoseconds from "0", "250ns", "100us", "1.5ms", "2s"; a bare number other
 * than 0 is refused because its unit cannot be known. */
bool parse_time(const char *text, uint64_t *ns);

/* The shortest exact text that parse_bytes()/parse_time() read back. */
void print_bytes(char *out, size_t size, uint64_t bytes);
void print_time(char *out, size_t size, uint64_t ns);

/* A whole unsigned number in decimal digits, nothing else; false on overflow. */
bool parse_count(const char *text, uint64_t *count);

#endif

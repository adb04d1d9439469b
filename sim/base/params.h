/* Typed, documented parameters: one row a key.
 *
 * The row is the parser, the range check, the default, the help text of
 * `zsim explain`, the line of `zsim schema` and of the reference page, so they
 * cannot drift apart.  A policy, a workload, a device: each declares its rows
 * beside its code. */
#ifndef ZSIM_BASE_PARAMS_H
#define ZSIM_BASE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum param_type {
    PARAM_BOOL,   /* bool           true, false */
    PARAM_COUNT,  /* uint64_t       a whole number */
    PARAM_BYTES,  /* uint64_t       bytes: "64M" or a whole number */
    PARAM_TIME,   /* uint64_t       nanoseconds: "100us" */
    PARAM_REAL,   /* double         a finite number */
    PARAM_STRING, /* const char *   kept alive by the config's arena */
    PARAM_ENUM,   /* unsigned       index into `choices` */
};

enum param_flags {
    PARAM_REQUIRED = 1,    /* no default: leaving the key out is an error */
    PARAM_OR_MAX = 2,      /* PARAM_BYTES/COUNT: "max" is accepted and means UINT64_MAX */
    PARAM_WHOLE_PAGES = 4, /* PARAM_BYTES: must be a multiple of 4096 */
    PARAM_FROM_KERNEL = 8, /* default: whatever the "kernel" preset has put into the field */
};

struct param {
    const char *name; /* the key, as in the config */
    enum param_type type;
    size_t offset;       /* of the field in the owner's parameter struct */
    const char *initial; /* default as a user would write it; NULL with REQUIRED/FROM_KERNEL */
    double least, most;  /* accepted range of numbers; 0,0: no bound */
    const char *const *choices; /* PARAM_ENUM: NULL-terminated names */
    unsigned flags;
    const char *help;   /* one sentence: meaning and unit */
    const char *source; /* where the fact or default comes from; NULL: own choice */
};

struct param_table {
    const struct param *rows;
    size_t count;
    size_t struct_bytes; /* size of the struct that the offsets point into */
};

#define PARAM_TABLE(rows, type)                                                                    \
    {                                                                                              \
        (rows), sizeof(rows) / sizeof((rows)[0]), sizeof(type)                                     \
    }
#define NO_PARAMS                                                                                  \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Put the defaults into `fields`; rows with PARAM_REQUIRED or PARAM_FROM_KERNEL are left alone. */
void params_set_defaults(const struct param_table *table, void *fields);

/* Parse one value from its text form into its field.  On failure returns false
 * and writes what was expected into `expected` (e.g. `a size such as "64M"`). */
bool params_set(const struct param *row, void *fields, const char *text, char *expected,
                size_t expected_size);

/* The value of a field in the text form that params_set() reads back. */
void params_print(const struct param *row, const void *fields, char *out, size_t size);

#endif

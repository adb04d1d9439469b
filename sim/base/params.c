#include "sim/base/params.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"

static void *field(const struct param *row, void *fields)
{
    return (char *)fields + row->offset;
}

static bool in_range(const struct param *row, double value, char *expected, size_t size)
{
    if (row->least == 0 && row->most == 0)
        return true;
    if (value >= row->least && value <= row->most)
        return true;
    snprintf(expected, size, "a value in %.15g..%.15g", row->least, row->most);
    return false;
}

static bool set_number(const struct param *row, uint64_t *out, const char *text, bool parsed,
                       const char *form, uint64_t value, char *expected, size_t size)
{
    if ((row->flags & PARAM_OR_MAX) && strcmp(text, "max") == 0) {
        *out = UINT64_MAX;
        return true;
    }
    if (!parsed) {
        snprintf(expected, size, "%s%s", form, row->flags & PARAM_OR_MAX ? ", or \"max\"" : "");
        return false;
    }
    if ((row->flags & PARAM_WHOLE_PAGES) && value % PAGE_BYTES != 0) {
        snprintf(expected, size, "a multiple of 4096 bytes");
        return false;
    }
    if (!in_range(row, (double)value, expected, size))
        return false;
    *out = value;
    return true;
}

bool params_set(const struct param *row, void *fields, const char *text, char *expected,
                size_t size)
{
    uint64_t number = 0;
    bool parsed;
    switch (row->type) {
    case PARAM_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
            snprintf(expected, size, "true or false");
            return false;
        }
        *(bool *)field(row, fields) = text[0] == 't';
        return true;
    case PARAM_COUNT:
        parsed = parse_count(text, &number);
        return set_number(row, field(row, fields), text, parsed, "a whole number", number, expected,
                          size);
    case PARAM_BYTES:
        parsed = parse_bytes(text, &number);
        return set_number(row, field(row, fields), text, parsed,
                          "a size such as \"64M\" (K, M, G, T)", number, expected, size);
    case PARAM_TIME:
        parsed = parse_time(text, &number);
        return set_number(row, field(row, fields), text, parsed,
                          "a time such as \"100us\" (ns, us, ms, s, min)", number, expected, size);
    case PARAM_REAL: {
        char *end;
        double value = strtod(text, &end);
        if (end == text || *end || !isfinite(value)) {
            snprintf(expected, size, "a number");
            return false;
        }
        if (!in_range(row, value, expected, size))
            return false;
        *(double *)field(row, fields) = value;
        return true;
    }
    case PARAM_STRING:
        *(const char **)field(row, fields) = text;
        return true;
    case PARAM_ENUM:
        for (unsigned i = 0; row->choices[i]; i++)
            if (strcmp(text, row->choices[i]) == 0) {
                *(unsigned *)field(row, fields) = i;
                return true;
            }
        size_t used = (size_t)snprintf(expected, size, "one of: ");
        for (unsigned i = 0; row->choices[i] && used < size; i++)
            used += (size_t)snprintf(expected + used, size - used, "%s%s", i ? ", " : "",
                                     row->choices[i]);
        return false;
    }
    return false;
}

void params_set_defaults(const struct param_table *table, void *fields)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct param *row = &table->rows[i];
        if (row->flags & (PARAM_REQUIRED | PARAM_FROM_KERNEL))
            continue;
        char expected[256];
        if (row->initial && !params_set(row, fields, row->initial, expected, sizeof(expected))) {
            fprintf(stderr, "zsim: bug: default \"%s\" of \"%s\": expected %s\n", row->initial,
                    row->name, expected);
            abort();
        }
    }
}

void params_print(const struct param *row, const void *fields, char *out, size_t size)
{
    const void *at = (const char *)fields + row->offset;
    uint64_t number = 0;
    if (row->type == PARAM_COUNT || row->type == PARAM_BYTES || row->type == PARAM_TIME) {
        number = *(const uint64_t *)at;
        if ((row->flags & PARAM_OR_MAX) && number == UINT64_MAX) {
            snprintf(out, size, "max");
            return;
        }
    }
    switch (row->type) {
    case PARAM_BOOL:
        snprintf(out, size, "%s", *(const bool *)at ? "true" : "false");
        break;
    case PARAM_COUNT:
        snprintf(out, size, "%" PRIu64, number);
        break;
    case PARAM_BYTES:
        print_bytes(out, size, number);
        break;
    case PARAM_TIME:
        print_time(out, size, number);
        break;
    case PARAM_REAL:
        snprintf(out, size, "%.15g", *(const double *)at);
        break;
    case PARAM_STRING: {
        const char *text = *(const char *const *)at;
        snprintf(out, size, "%s", text ? text : "");
        break;
    }
    case PARAM_ENUM:
        snprintf(out, size, "%s", row->choices[*(const unsigned *)at]);
        break;
    }
}

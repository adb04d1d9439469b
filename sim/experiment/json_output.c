#include "sim/experiment/json_output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"

static cJSON *made(cJSON *item)
{
    return memory_checked(item, "a result");
}

cJSON *json_object(void)
{
    return made(cJSON_CreateObject());
}

cJSON *json_array(void)
{
    return made(cJSON_CreateArray());
}

void json_add(cJSON *object, const char *key, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, key, made(item)))
        memory_exhausted("a result");
}

void json_add_to_array(cJSON *array, cJSON *item)
{
    if (!cJSON_AddItemToArray(array, made(item)))
        memory_exhausted("a result");
}

cJSON *json_string(const char *text)
{
    return text ? cJSON_CreateString(text) : cJSON_CreateNull();
}

void json_add_string(cJSON *object, const char *key, const char *text)
{
    json_add(object, key, json_string(text));
}

void json_add_bool(cJSON *object, const char *key, bool value)
{
    json_add(object, key, cJSON_CreateBool(value));
}

char *print_integer(char out[INTEGER_DIGITS + 1], uint64_t value)
{
    char digits[INTEGER_DIGITS], *first = digits + sizeof(digits);
    do
        *--first = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    size_t count = (size_t)(digits + sizeof(digits) - first);
    memcpy(out, first, count);
    out[count] = '\0';
    return out + count;
}

cJSON *json_integer(uint64_t value)
{
    char text[INTEGER_DIGITS + 1];
    print_integer(text, value);
    return cJSON_CreateRaw(text);
}

void json_add_integer(cJSON *object, const char *key, uint64_t value)
{
    json_add(object, key, json_integer(value));
}

void print_real(char *out, size_t size, double value)
{
    /* What "%.15g" prints of most values, at a tenth of the time. */
    if (!signbit(value) && value < 1e15 && value == (double)(uint64_t)value) {
        print_integer(out, (uint64_t)value);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

void json_add_real(cJSON *object, const char *key, double value)
{
    char text[40];
    if (!isfinite(value)) {
        json_add(object, key, cJSON_CreateNull());
        return;
    }
    print_real(text, sizeof(text), value == 0 ? 0.0 : value); /* no "-0" */
    json_add(object, key, cJSON_CreateRaw(text));
}

void json_add_raw(cJSON *object, const char *key, const char *text)
{
    json_add(object, key, cJSON_CreateRaw(text));
}

char *json_print(const cJSON *item)
{
    char *text = memory_checked(cJSON_Print(item), "a result");
    size_t length = strlen(text);
    text = memory_resized(text, length + 2, 1, "a result file");
    memcpy(text + length, "\n", 2);
    return text;
}

/* ---- files ------------------------------------------------------------------ */

static bool write_file(const char *path, const char *text, size_t length, bool synced,
                       struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    struct output_file output;
    bool done = output_file_open(&output, path);
    if (done) {
        (void)fwrite(text, 1, length, output.stream); /* an error stays in the stream */
        done = output_file_finish(&output, synced);
    }
    if (!done)
        diagnostics_add(errors, &position, "cannot be written: %s", output_file_error());
    return done;
}

bool file_write_whole(const char *path, const char *text, size_t length, struct diagnostics *errors)
{
    return write_file(path, text, length, true, errors);
}

bool file_write_unsynced(const char *path, const char *text, size_t length,
                         struct diagnostics *errors)
{
    return write_file(path, text, length, false, errors);
}

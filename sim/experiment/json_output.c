#define _GNU_SOURCE
#include "sim/experiment/json_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    fprintf(stderr, "zsim: error: out of memory for a result\n");
    exit(1);
}

static cJSON *made(cJSON *item)
{
    if (!item)
        out_of_memory();
    return item;
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
        out_of_memory();
}

void json_add_to_array(cJSON *array, cJSON *item)
{
    if (!cJSON_AddItemToArray(array, made(item)))
        out_of_memory();
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

cJSON *json_integer(uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return cJSON_CreateRaw(text);
}

void json_add_integer(cJSON *object, const char *key, uint64_t value)
{
    json_add(object, key, json_integer(value));
}

void print_real(char *out, size_t size, double value)
{
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
    char *text = cJSON_Print(item);
    if (!text)
        out_of_memory();
    size_t length = strlen(text);
    text = memory_resized(text, length + 2, 1, "a result file");
    memcpy(text + length, "\n", 2);
    return text;
}

/* ---- files ------------------------------------------------------------------ */

static bool write_all(int file, const char *text, size_t length)
{
    while (length) {
        ssize_t written = write(file, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

/* The permissions open() would have given; mkstemp() gives fewer. */
static bool set_usual_mode(int file)
{
    mode_t mask = umask(0);
    umask(mask);
    return fchmod(file, 0666 & ~mask) == 0;
}

static bool write_and_rename(const char *path, const char *text, size_t length, bool synced,
                             struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        out_of_memory();
    int file = mkostemp(temporary, O_CLOEXEC);
    bool done = file >= 0;
    if (done) {
        done =
            write_all(file, text, length) && set_usual_mode(file) && (!synced || fsync(file) == 0);
        done = close(file) == 0 && done;
        done = done && rename(temporary, path) == 0;
        int reason = errno;
        if (!done)
            unlink(temporary);
        errno = reason;
    }
    if (!done)
        diagnostics_add(errors, &position, "cannot be written: %s", strerror(errno));
    free(temporary);
    return done;
}

bool file_write_whole(const char *path, const char *text, size_t length, struct diagnostics *errors)
{
    return write_and_rename(path, text, length, true, errors);
}

bool file_write_unsynced(const char *path, const char *text, size_t length,
                         struct diagnostics *errors)
{
    return write_and_rename(path, text, length, false, errors);
}

/* "content": {"type": "profile"}: pages that compress like sampled ones.
 *
 * A file of schema zsim.content-profile/1 holds, for each sampled page, its kind
 * and its length under several compressors at once, so that pages keep the joint
 * distribution.  A simulated page takes the sample hash(seed, page) mod samples. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/content/content_source.h"
#include "workloads/content/sampler.h"

enum { FILE_BYTES_AT_MOST = 1 << 28 };

struct profile {
    uint64_t seed;
    uint32_t known; /* bit i: the file has lengths under compressors[i] */
    size_t count;
    struct content_sample *samples;
};

_Static_assert(COMPRESSORS_AT_MOST <= 32, "struct profile keeps a bit per compressor");

static const struct content_sample *sample_of(const struct profile *profile, uint32_t page)
{
    uint64_t hash = random_splitmix(random_splitmix(profile->seed) ^ page);
    return &profile->samples[hash % profile->count];
}

static enum content_kind profile_kind(const void *state, uint32_t page)
{
    return sample_of(state, page)->kind;
}

static uint32_t profile_length(const void *state, uint32_t page, unsigned compressor)
{
    return sample_of(state, page)->length[compressor];
}

static bool profile_knows(const void *state, unsigned compressor)
{
    const struct profile *profile = state;
    return profile->known >> compressor & 1;
}

static void profile_release(void *state)
{
    struct profile *profile = state;
    free(profile->samples);
    free(profile);
}

static const struct content_source profile_source = {.kind = profile_kind,
                                                     .length = profile_length,
                                                     .knows = profile_knows,
                                                     .release = profile_release};

/* ---- reading ---- */

struct reader {
    const char *path;
    struct diagnostics *errors;
    int columns[COMPRESSORS_AT_MOST]; /* file column -> index of compressors[], -1: not known here
                                       */
    int column_count;
};

static const struct source_position *at_file(const struct reader *reader,
                                             struct source_position *position)
{
    *position = (struct source_position){.file = reader->path};
    return position;
}

#define READER_ERROR(reader, ...)                                                                  \
    diagnostics_add((reader)->errors, at_file((reader), &(struct source_position){0}), __VA_ARGS__)

/* The file as a string, or NULL after a message. */
static char *read_text(const struct reader *reader, size_t *length)
{
    struct stat status = {0};
    const char *why = NULL;
    FILE *file = file_open_stream(reader->path, &why);
    if (file && fstat(fileno(file), &status) != 0)
        why = strerror(errno);
    if (why) {
        READER_ERROR(reader, "cannot read the content profile: %s", why);
        if (file)
            fclose(file);
        return NULL;
    }
    char *text = NULL;
    if (status.st_size > FILE_BYTES_AT_MOST) {
        READER_ERROR(reader, "a content profile is a file of at most %d bytes", FILE_BYTES_AT_MOST);
    } else {
        text = memory_zeroed((size_t)status.st_size + 1, 1, "a content profile");
        *length = fread(text, 1, (size_t)status.st_size, file);
        if (*length != (size_t)status.st_size) {
            READER_ERROR(reader, "the content profile changed while it was read");
            free(text);
            text = NULL;
        }
    }
    fclose(file);
    return text;
}

static void syntax_error(const struct reader *reader, const char *text, const char *where)
{
    struct source_position position = {.file = reader->path, .line = 1, .column = 1};
    for (const char *c = text; c < where; c++) {
        position.column++;
        if (*c == '\n') {
            position.line++;
            position.column = 1;
        }
    }
    diagnostics_add(reader->errors, &position, "this is not valid JSON");
}

static cJSON *parse_text(const struct reader *reader, const char *text, size_t length)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, length + 1, &end, 0);
    if (root)
        end += strspn(end, " \t\r\n");
    if (root && end == text + length)
        return root;
    syntax_error(reader, text, end ? end : text);
    cJSON_Delete(root);
    return NULL;
}

static bool check_keys(const struct reader *reader, const cJSON *root)
{
    static const char *const keys[] = {
        "schema", "source",  "pages_seen",  "pages_sampled",     "seed", "libraries", "compressors",
        "shares", "samples", "zstd_levels", "zstd_level_lengths"};
    enum { KEYS = sizeof(keys) / sizeof(keys[0]) };
    unsigned seen = 0;
    for (const cJSON *item = root->child; item; item = item->next) {
        size_t key = 0;
        while (key < KEYS && strcmp(keys[key], item->string) != 0)
            key++;
        if (key == KEYS) {
            const char *nearest = nearest_name(item->string, keys, KEYS);
            READER_ERROR(reader, "unknown key \"%s\"%s%s%s", item->string,
                         nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?)" : "");
            return false;
        }
        if (seen >> key & 1) {
            READER_ERROR(reader, "key \"%s\" stands twice", item->string);
            return false;
        }
        seen |= 1u << key;
    }
    return true;
}

static bool read_columns(struct reader *reader, const cJSON *root, struct profile *profile)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(root, "compressors"), *name;
    int count = cJSON_IsArray(names) ? cJSON_GetArraySize(names) : 0;
    if (count < 1 || count > COMPRESSORS_AT_MOST) {
        READER_ERROR(reader, "\"compressors\": expected an array of 1..%d names",
                     COMPRESSORS_AT_MOST);
        return false;
    }
    cJSON_ArrayForEach(name, names)
    {
        int index = cJSON_IsString(name) ? compressor_find(name->valuestring) : -1;
        if (!cJSON_IsString(name) || index < 0) {
            const char *text = cJSON_IsString(name) ? name->valuestring : "(not a string)";
            const char *nearest = compressor_nearest(text);
            READER_ERROR(reader, "\"compressors\": unknown compressor \"%s\"%s%s%s", text,
                         nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?)" : "");
            return false;
        }
        if (profile->known >> index & 1) {
            READER_ERROR(reader, "\"compressors\": \"%s\" stands twice", name->valuestring);
            return false;
        }
        profile->known |= 1u << index;
        reader->columns[reader->column_count++] = index;
    }
    return true;
}

static bool read_kind(const cJSON *item, enum content_kind *kind)
{
    for (int i = 0; cJSON_IsString(item) && content_kind_names[i]; i++) {
        if (strcmp(item->valuestring, content_kind_names[i]) == 0) {
            *kind = (enum content_kind)i;
            return true;
        }
    }
    return false;
}

static bool read_length(const cJSON *item, uint16_t *length)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) ||
        item->valuedouble > COMPRESSED_AT_MOST || floor(item->valuedouble) != item->valuedouble)
        return false;
    *length = (uint16_t)item->valuedouble;
    return true;
}

static bool read_sample(const struct reader *reader, const cJSON *row, size_t index,
                        struct content_sample *sample)
{
    if (!cJSON_IsArray(row) || cJSON_GetArraySize(row) != reader->column_count + 1) {
        READER_ERROR(reader, "\"samples\"[%zu]: expected an array of a kind and %d lengths", index,
                     reader->column_count);
        return false;
    }
    const cJSON *item = row->child;
    if (!read_kind(item, &sample->kind)) {
        READER_ERROR(reader, "\"samples\"[%zu]: expected \"ordinary\", \"same\" or \"zero\" first",
                     index);
        return false;
    }
    for (int i = 0; i < reader->column_count; i++) {
        item = item->next;
        if (!read_length(item, &sample->length[reader->columns[i]])) {
            READER_ERROR(reader,
                         "\"samples\"[%zu]: length under \"%s\" must be a whole number 0..%d",
                         index, compressors[reader->columns[i]].name, COMPRESSED_AT_MOST);
            return false;
        }
    }
    return true;
}

static bool read_samples(const struct reader *reader, const cJSON *root, struct profile *profile)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(root, "samples"), *row;
    const cJSON *sampled = cJSON_GetObjectItemCaseSensitive(root, "pages_sampled");
    size_t count = cJSON_IsArray(rows) ? (size_t)cJSON_GetArraySize(rows) : 0;
    if (!count) {
        READER_ERROR(reader, "\"samples\": expected an array of at least one sample");
        return false;
    }
    if (!cJSON_IsNumber(sampled) || sampled->valuedouble != (double)count) {
        READER_ERROR(reader, "\"pages_sampled\": expected %zu, the number of samples", count);
        return false;
    }
    profile->samples = memory_zeroed(count, sizeof(profile->samples[0]), "content samples");
    cJSON_ArrayForEach(row, rows)
    {
        if (!read_sample(reader, row, profile->count, &profile->samples[profile->count]))
            return false;
        profile->count++;
    }
    return true;
}

static bool read_root(struct reader *reader, const cJSON *root, struct profile *profile)
{
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(root, "schema");
    if (!cJSON_IsObject(root) || !cJSON_IsString(schema) ||
        strcmp(schema->valuestring, CONTENT_PROFILE_SCHEMA) != 0) {
        READER_ERROR(reader, "\"schema\": expected \"%s\", found %s%s%s", CONTENT_PROFILE_SCHEMA,
                     cJSON_IsString(schema) ? "\"" : "",
                     cJSON_IsString(schema) ? schema->valuestring : "nothing",
                     cJSON_IsString(schema) ? "\"" : "");
        return false;
    }
    return check_keys(reader, root) && read_columns(reader, root, profile) &&
           read_samples(reader, root, profile);
}

static bool read_profile(struct reader *reader, struct profile *profile)
{
    size_t length = 0;
    char *text = read_text(reader, &length);
    if (!text)
        return false;
    cJSON *root = parse_text(reader, text, length);
    bool good = root && read_root(reader, root, profile);
    cJSON_Delete(root);
    free(text);
    return good;
}

/* ---- as a content type ---- */

struct profile_params {
    const char *file;
    uint64_t seed;
};

static const struct param profile_rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct profile_params, file),
     .flags = PARAM_REQUIRED,
     .help = "a profile written by `zsim content sample`"},
    {.name = "seed",
     .type = PARAM_COUNT,
     .offset = offsetof(struct profile_params, seed),
     .initial = "1",
     .help = "seed of the draw of a sample for each page; the seed of the run has no part; a sweep "
             "over tasks.0.content.seed draws others"},
};

static struct content *profile_open(const void *fields, uint32_t pages,
                                    const struct source_position *position,
                                    struct diagnostics *errors)
{
    const struct profile_params *params = fields;
    struct reader reader = {.path = params->file, .errors = errors};
    struct profile *profile = memory_zeroed(1, sizeof(*profile), "a content profile");
    (void)position; /* the profile's own position says more */
    profile->seed = params->seed;
    if (!read_profile(&reader, profile)) {
        profile_release(profile);
        return NULL;
    }
    return content_create(&profile_source, profile, pages);
}

const struct content_type content_type_profile = {
    .name = "profile",
    .summary = "pages that compress like those sampled from a process or from files",
    .params = PARAM_TABLE(profile_rows, struct profile_params),
    .open = profile_open,
};

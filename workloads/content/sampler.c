#define _GNU_SOURCE
#include "workloads/content/sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/content/compressor_workspace.h"

const char *const content_kind_names[] = {"ordinary", "same", "zero", NULL};

void content_sample_buffer(struct compressor_workspace *workspace,
                           const unsigned char page[PAGE_BYTES], struct content_sample *out)
{
    memset(out, 0, sizeof(*out));
    out->kind = content_kind_of(page);
    for (unsigned i = 0; i < compressor_count(); i++)
        out->length[i] = (uint16_t)compressors[i].length(workspace, page);
}

/* ---- a random sample of bounded size from a stream of unknown length ---- */

/* Where a page is: `file` and the byte offset in it (a process's memory is file 0). */
struct place {
    uint64_t offset;
    size_t file;
};

struct reservoir {
    size_t most, count, capacity;
    uint64_t seen;
    uint64_t random;
    struct place *places;
};

static void reservoir_start(struct reservoir *reservoir, size_t most, uint64_t seed)
{
    uint64_t state = random_splitmix(seed);
    *reservoir = (struct reservoir){.most = most, .random = state ? state : 1};
}

static void reservoir_offer(struct reservoir *reservoir, struct place place)
{
    uint64_t slot = reservoir->seen++;
    if (reservoir->count < reservoir->most) {
        if (reservoir->count == reservoir->capacity) {
            reservoir->capacity = reservoir->capacity ? 2 * reservoir->capacity : 1024;
            reservoir->places = memory_resized(reservoir->places, reservoir->capacity,
                                               sizeof(place), "places of pages");
        }
        reservoir->places[reservoir->count++] = place;
        return;
    }
    slot = random_below(&reservoir->random, slot + 1);
    if (slot < reservoir->most)
        reservoir->places[slot] = place;
}

static int by_place(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

/* ---- pages ---- */

static void measure_page(struct compressor_workspace *workspace,
                         const unsigned char page[PAGE_BYTES], struct content_profile *profile)
{
    size_t row = profile->count++;
    content_sample_buffer(workspace, page, &profile->samples[row]);
    for (unsigned i = 0; i < profile->level_count; i++)
        profile->level_lengths[row * profile->level_count + i] =
            (uint16_t)zstd_level_length(workspace, page, profile->levels[i]);
    if (profile->contents)
        memcpy(profile->contents + row * PAGE_BYTES, page, PAGE_BYTES);
}

static void make_room(struct content_profile *profile, size_t pages,
                      const struct content_sampling *how)
{
    profile->samples = memory_zeroed(pages, sizeof(profile->samples[0]), "content samples");
    profile->level_count = how->level_count;
    memcpy(profile->levels, how->levels, sizeof(profile->levels));
    profile->level_lengths = memory_zeroed(pages * how->level_count,
                                           sizeof(profile->level_lengths[0]), "content samples");
    if (how->keep_contents)
        profile->contents = memory_zeroed(pages, PAGE_BYTES, "contents of pages");
}

/* Read and measure the chosen pages in the order of their places.  A page that
 * cannot be read is left out; a short one is filled up with zeros. */
static void measure_places(struct reservoir *reservoir, const int *files,
                           const struct content_sampling *how, struct content_profile *profile)
{
    struct compressor_workspace *workspace = compressor_workspace_create();
    if (reservoir->count)
        qsort(reservoir->places, reservoir->count, sizeof(reservoir->places[0]), by_place);
    profile->pages_seen = reservoir->seen;
    make_room(profile, reservoir->count, how);
    for (size_t i = 0; i < reservoir->count; i++) {
        _Alignas(8) unsigned char page[PAGE_BYTES] = {0};
        const struct place *place = &reservoir->places[i];
        if (pread(files[place->file], page, PAGE_BYTES, (off_t)place->offset) > 0)
            measure_page(workspace, page, profile);
    }
    compressor_workspace_release(workspace);
    free(reservoir->places);
}

/* ---- a process ---- */

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FILE_OR_SHARED (1ull << 61)

static int open_proc(pid_t pid, const char *file, struct diagnostics *errors)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        diagnostics_add(errors, &(struct source_position){.file = path}, "cannot open: %s",
                        strerror(errno));
    return descriptor;
}

static void read_name(pid_t pid, char *name, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(name, (int)size, file))
        snprintf(name, size, "unknown");
    name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* Offer the resident anonymous pages of one mapping. */
static void offer_mapping(int pagemap, uint64_t start, uint64_t end, struct reservoir *reservoir)
{
    enum { AT_ONCE = 4096 };
    uint64_t entries[AT_ONCE];
    for (uint64_t page = start / PAGE_BYTES; page < end / PAGE_BYTES;) {
        uint64_t left = end / PAGE_BYTES - page;
        size_t wanted = left < AT_ONCE ? (size_t)left : AT_ONCE;
        ssize_t got = pread(pagemap, entries, wanted * sizeof(entries[0]),
                            (off_t)(page * sizeof(entries[0])));
        if (got < (ssize_t)sizeof(entries[0]))
            return;
        size_t count = (size_t)got / sizeof(entries[0]);
        for (size_t i = 0; i < count; i++)
            if ((entries[i] & PAGEMAP_PRESENT) && !(entries[i] & PAGEMAP_FILE_OR_SHARED))
                reservoir_offer(reservoir, (struct place){.offset = (page + i) * PAGE_BYTES});
        page += count;
    }
}

static void offer_process(FILE *maps, int pagemap, struct reservoir *reservoir)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, maps) > 0) {
        uint64_t start, end;
        char rights[5];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, rights) == 3 &&
            rights[0] == 'r' && rights[3] == 'p' && !strstr(line, "[v"))
            offer_mapping(pagemap, start, end, reservoir);
    }
    free(line);
}

static void close_all(int maps, int pagemap, int memory)
{
    int descriptors[] = {maps, pagemap, memory};
    for (size_t i = 0; i < 3; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

static bool check_sampled(const struct content_profile *profile, const char *what,
                          struct diagnostics *errors)
{
    if (profile->count)
        return true;
    diagnostics_add(errors, &(struct source_position){.file = profile->source},
                    "no page could be sampled: %s", what);
    return false;
}

bool content_sample_process(pid_t pid, const struct content_sampling *how,
                            struct content_profile *profile, struct diagnostics *errors)
{
    struct reservoir reservoir;
    char name[64], source[128];
    memset(profile, 0, sizeof(*profile));
    int maps = open_proc(pid, "maps", errors);
    int pagemap = maps < 0 ? -1 : open_proc(pid, "pagemap", errors);
    int memory = pagemap < 0 ? -1 : open_proc(pid, "mem", errors);
    if (memory < 0) {
        close_all(maps, pagemap, memory);
        return false;
    }
    read_name(pid, name, sizeof(name));
    snprintf(source, sizeof(source), "process %s", name);
    profile->source = memory_string(source);
    profile->seed = how->seed;

    FILE *stream = fdopen(maps, "r");
    reservoir_start(&reservoir, how->max_pages, how->seed);
    if (stream)
        offer_process(stream, pagemap, &reservoir);
    measure_places(&reservoir, &memory, how, profile);
    if (stream) {
        fclose(stream);
        maps = -1;
    }
    close_all(maps, pagemap, memory);
    return check_sampled(profile, "it has no resident anonymous memory that may be read", errors);
}

/* ---- files ---- */

/* Open a file and offer its pages; its descriptor, or -1 after a message. */
static int offer_file(const char *path, size_t index, struct reservoir *reservoir,
                      struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    struct stat status;
    /* O_NONBLOCK: a pipe must not hang the open; regular files do not care. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &status) != 0) {
        diagnostics_add(errors, &position, "cannot open: %s", strerror(errno));
        if (file >= 0)
            close(file);
        return -1;
    }
    if (!S_ISREG(status.st_mode)) {
        diagnostics_add(errors, &position, "not a regular file");
        close(file);
        return -1;
    }
    for (uint64_t offset = 0; offset < (uint64_t)status.st_size; offset += PAGE_BYTES)
        reservoir_offer(reservoir, (struct place){offset, index});
    return file;
}

static char *files_source(const char *const *paths, size_t count)
{
    char text[512];
    if (count == 1)
        snprintf(text, sizeof(text), "file %s", paths[0]);
    else
        snprintf(text, sizeof(text), "%zu files: %s, ...", count, paths[0]);
    return memory_string(text);
}

bool content_sample_files(const char *const *paths, size_t count,
                          const struct content_sampling *how, struct content_profile *profile,
                          struct diagnostics *errors)
{
    struct reservoir reservoir;
    bool good = true;
    int *files = memory_zeroed(count, sizeof(*files), "open files");
    memset(profile, 0, sizeof(*profile));
    profile->source = files_source(paths, count);
    profile->seed = how->seed;
    reservoir_start(&reservoir, how->max_pages, how->seed);
    for (size_t i = 0; i < count; i++) {
        files[i] = offer_file(paths[i], i, &reservoir, errors);
        good &= files[i] >= 0;
    }
    if (good)
        measure_places(&reservoir, files, how, profile);
    else
        free(reservoir.places);
    for (size_t i = 0; i < count; i++)
        if (files[i] >= 0)
            close(files[i]);
    free(files);
    return good && check_sampled(profile, "nothing to read", errors);
}

/* ---- writing ---- */

/* A JSON string with its quotes.  Bytes that are not printable ASCII become
 * \u00XX: a file name need not be UTF-8. */
static void write_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if (*c < 0x20 || *c > 0x7e)
            fprintf(file, "\\u%04x", *c);
        else
            fputc(*c, file);
    }
    fputc('"', file);
}

static void write_shares(FILE *file, const struct content_profile *profile)
{
    size_t kinds[CONTENT_ZERO + 1] = {0};
    for (size_t i = 0; i < profile->count; i++)
        kinds[profile->samples[i].kind]++;
    fprintf(file, " \"shares\": {");
    for (size_t i = 0; i <= CONTENT_ZERO; i++)
        fprintf(file, "%s\"%s\": %.6f", i ? ", " : "", content_kind_names[i],
                (double)kinds[i] / (double)profile->count);
    fprintf(file, "},\n");
}

/* Lengths under other levels of zstd, a row a page as in "samples". */
static void write_levels(FILE *file, const struct content_profile *profile)
{
    fprintf(file, ",\n \"zstd_levels\": [");
    for (unsigned i = 0; i < profile->level_count; i++)
        fprintf(file, "%s%d", i ? ", " : "", profile->levels[i]);
    fprintf(file, "],\n \"zstd_level_lengths\": [\n");
    for (size_t i = 0; i < profile->count; i++) {
        for (unsigned j = 0; j < profile->level_count; j++)
            fprintf(file, "%s%u", j ? ", " : "  [",
                    profile->level_lengths[i * profile->level_count + j]);
        fprintf(file, "]%s\n", i + 1 < profile->count ? "," : "");
    }
    fprintf(file, " ]");
}

static void write_samples(FILE *file, const struct content_profile *profile)
{
    fprintf(file, " \"samples\": [\n");
    for (size_t i = 0; i < profile->count; i++) {
        const struct content_sample *sample = &profile->samples[i];
        fprintf(file, "  [\"%s\"", content_kind_names[sample->kind]);
        for (unsigned j = 0; j < compressor_count(); j++)
            fprintf(file, ", %u", sample->length[j]);
        fprintf(file, "]%s\n", i + 1 < profile->count ? "," : "");
    }
    fprintf(file, " ]");
    if (profile->level_count)
        write_levels(file, profile);
    fprintf(file, "\n");
}

static void write_profile(const struct output_file *output, const struct content_profile *profile)
{
    FILE *file = output->stream;
    fprintf(file, "{\n \"schema\": \"%s\",\n \"source\": ", CONTENT_PROFILE_SCHEMA);
    write_string(file, profile->source);
    fprintf(file, ",\n \"pages_seen\": %" PRIu64 ",\n \"pages_sampled\": %zu,\n \"seed\": %" PRIu64,
            profile->pages_seen, profile->count, profile->seed);
    fprintf(file, ",\n \"libraries\": [");
    for (unsigned i = 0; i < compressor_count(); i++) {
        fprintf(file, "%s", i ? ", " : "");
        write_string(file, compressors[i].library);
    }
    fprintf(file, "],\n \"compressors\": [");
    for (unsigned i = 0; i < compressor_count(); i++)
        fprintf(file, "%s\"%s\"", i ? ", " : "", compressors[i].name);
    fprintf(file, "],\n");
    write_shares(file, profile);
    write_samples(file, profile);
    fprintf(file, "}\n");
}

/* They may hold secrets. */
static void write_contents(const struct output_file *output, const struct content_profile *profile)
{
    (void)fchmod(output->file, 0600);
    fwrite(profile->contents, PAGE_BYTES, profile->count, output->stream);
}

static bool write_file(const char *path, const struct content_profile *profile,
                       void (*write)(const struct output_file *output,
                                     const struct content_profile *profile),
                       struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    struct output_file output;
    bool good = output_file_open(&output, path);
    if (good) {
        write(&output, profile);
        good = output_file_finish(&output, true);
    }
    if (!good)
        diagnostics_add(errors, &position, "cannot write: %s", output_file_error());
    return good;
}

bool content_profile_write(const char *path, const struct content_profile *profile,
                           struct diagnostics *errors)
{
    return write_file(path, profile, write_profile, errors);
}

bool content_profile_write_contents(const char *path, const struct content_profile *profile,
                                    struct diagnostics *errors)
{
    return write_file(path, profile, write_contents, errors);
}

void content_profile_release(struct content_profile *profile)
{
    free(profile->level_lengths);
    free(profile->contents);
    free(profile->source);
    free(profile->samples);
    memset(profile, 0, sizeof(*profile));
}

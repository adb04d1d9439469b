#define _GNU_SOURCE
#include "workloads/content/length_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lz4.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include "sim/base/files.h"
#include "sim/base/memory.h"

enum {
    LOCKS = 16,            /* of a family; by page */
    SAVED_AT_LEAST = 1000, /* lengths: about 10 ms of compression; fewer are not worth a file */
    FILE_PAGES_AT_MOST = 1 << 24, /* pages beyond the first 64 GiB are not kept */
};

#define FILE_MAGIC 0x314E454C4D49535Aull /* reads otherwise with another byte order */
#define DIRECTORY_BYTES_AT_MOST ((uint64_t)1 << 30)

/* Then `key_bytes` of key, padded to a multiple of 8, then the lengths as in
 * struct content. */
struct file_header {
    uint64_t magic;
    uint64_t checksum; /* XXH3-64 of all that follows the header */
    uint32_t key_bytes, pages;
};

/* What one file of a family says. */
struct known_lengths {
    bool looked; /* for the file */
    void *map;
    size_t map_bytes;
    const uint16_t *lengths; /* NULL: no file */
    uint32_t pages;
    uint32_t computed; /* here, since */
};

struct length_family {
    struct length_family *next;
    const char *directory; /* NULL: no files */
    char *identity;
    struct content *members;            /* linked by next_member; only ever prepended */
    pthread_mutex_t file_lock;          /* to look for files */
    pthread_mutex_t locks[LOCKS];       /* to compute */
    uint32_t zero[COMPRESSORS_AT_MOST]; /* of the page of zeros: 0 not known, else length + 1 */
    struct known_lengths known[COMPRESSORS_AT_MOST];
};

struct length_cache {
    char *directory;
    struct length_family *families;
};

/* ---- names ---------------------------------------------------------------------- */

/* $A, or $B/suffix, or NULL. */
static char *directory_from_environment(void)
{
    static const struct {
        const char *variable, *suffix;
    } places[] = {{"ZSIM_CACHE", ""}, {"XDG_CACHE_HOME", "/zsim"}, {"HOME", "/.cache/zsim"}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *value = getenv(places[i].variable);
        if (value && i == 0 && !value[0])
            return NULL;
        if (!value || !value[0] || (i > 0 && value[0] != '/')) /* XDG: relative ones do not count */
            continue;
        return memory_printed("%s%s", value, places[i].suffix);
    }
    return NULL;
}

static char *make_key(const struct length_family *family, unsigned compressor)
{
    return memory_printed("zsim lengths 1\n%s\ncompressor=%s\nlz4=%s zstd=%s zlib=%s\n",
                          family->identity, compressors[compressor].name, LZ4_versionString(),
                          ZSTD_versionString(), zlibVersion());
}

static char *make_path(const struct length_family *family, const char *key)
{
    XXH128_hash_t hash = XXH3_128bits(key, strlen(key));
    return memory_printed("%s/%016" PRIx64 "%016" PRIx64 ".lengths", family->directory, hash.high64,
                          hash.low64);
}

/* ---- reading -------------------------------------------------------------------- */

static size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

static bool is_good(const unsigned char *bytes, size_t size, const char *key)
{
    struct file_header header;
    size_t key_bytes = strlen(key);
    if (size < sizeof(header))
        return false;
    memcpy(&header, bytes, sizeof(header));
    if (header.magic != FILE_MAGIC || header.key_bytes != key_bytes ||
        header.pages > FILE_PAGES_AT_MOST ||
        size != sizeof(header) + padded(key_bytes) + header.pages * sizeof(uint16_t) ||
        memcmp(bytes + sizeof(header), key, key_bytes) != 0 ||
        header.checksum != XXH3_64bits(bytes + sizeof(header), size - sizeof(header)))
        return false;
    const uint16_t *lengths =
        (const uint16_t *)(const void *)(bytes + sizeof(header) + padded(key_bytes));
    for (uint32_t page = 0; page < header.pages; page++)
        if (lengths[page] > COMPRESSED_AT_MOST + 1)
            return false;
    return true;
}

/* The file of one compressor, or nothing. */
static struct known_lengths read_file(const char *path, const char *key)
{
    struct known_lengths known = {.looked = true};
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return known;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        known.map_bytes = (size_t)status.st_size;
        known.map = mmap(NULL, known.map_bytes, PROT_READ, MAP_PRIVATE, file, 0);
    }
    close(file);
    if (!known.map || known.map == MAP_FAILED)
        return (struct known_lengths){.looked = true};
    if (!is_good(known.map, known.map_bytes, key)) {
        munmap(known.map, known.map_bytes);
        return (struct known_lengths){.looked = true};
    }
    struct file_header header;
    memcpy(&header, known.map, sizeof(header));
    const unsigned char *bytes = known.map;
    known.lengths = (const uint16_t *)(const void *)(bytes + sizeof(header) + padded(strlen(key)));
    known.pages = header.pages;
    return known;
}

/* A library may have changed without another version: compute some again. */
static bool still_true(const struct known_lengths *known, const struct content *content,
                       unsigned compressor, length_compute *compute)
{
    enum { SAMPLES = 4 };
    uint32_t pages = known->pages < content->pages ? known->pages : content->pages, tried = 0;
    for (uint32_t page = 0; page < pages && tried < SAMPLES; page++) {
        if (!known->lengths[page])
            continue;
        tried++;
        if (known->lengths[page] != compute(content, page, compressor) + 1)
            return false;
        page += pages / SAMPLES;
    }
    return true;
}

static void look_for_file(struct length_family *family, const struct content *content,
                          unsigned compressor, length_compute *compute)
{
    struct known_lengths *known = &family->known[compressor];
    pthread_mutex_lock(&family->file_lock);
    if (!known->looked) {
        struct known_lengths found = {.looked = true};
        if (family->directory) {
            char *key = make_key(family, compressor), *path = make_path(family, key);
            found = read_file(path, key);
            if (found.lengths && !still_true(&found, content, compressor, compute)) {
                munmap(found.map, found.map_bytes);
                found = (struct known_lengths){.looked = true};
            }
            if (found.lengths)
                utimensat(AT_FDCWD, path, NULL, 0); /* the least recently used go first */
            free(path);
            free(key);
        }
        known->map = found.map;
        known->map_bytes = found.map_bytes;
        known->lengths = found.lengths;
        known->pages = found.pages;
        __atomic_store_n(&known->looked, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&family->file_lock);
}

/* ---- finding -------------------------------------------------------------------- */

static uint16_t *entry_of(const struct content *content, uint32_t page, unsigned compressor)
{
    return &content->lengths[(size_t)compressor * content->pages + page];
}

/* What some member of the family has: length + 1, or 0. */
static uint32_t ask_members(const struct length_family *family, uint32_t page, unsigned compressor)
{
    const struct content *member = __atomic_load_n(&family->members, __ATOMIC_ACQUIRE);
    for (; member; member = member->next_member) {
        uint32_t stored = 0;
        if (page < member->pages)
            stored = __atomic_load_n(entry_of(member, page, compressor), __ATOMIC_RELAXED);
        if (stored)
            return stored;
    }
    return 0;
}

/* Under the page's lock: so nobody computes it at the same time. */
static uint32_t find_or_compute(struct length_family *family, const struct content *content,
                                uint32_t page, unsigned compressor, length_compute *compute)
{
    bool zero = content_kind(content, page) == CONTENT_ZERO;
    pthread_mutex_t *lock = &family->locks[zero ? 0 : page % LOCKS];
    pthread_mutex_lock(lock);
    uint32_t stored = zero ? family->zero[compressor] : ask_members(family, page, compressor);
    if (!stored) {
        stored = compute(content, page, compressor) + 1;
        __atomic_fetch_add(&family->known[compressor].computed, 1, __ATOMIC_RELAXED);
    }
    if (zero)
        family->zero[compressor] = stored;
    __atomic_store_n(entry_of(content, page, compressor), (uint16_t)stored, __ATOMIC_RELAXED);
    pthread_mutex_unlock(lock);
    return stored;
}

uint32_t length_family_find(const struct content *content, uint32_t page, unsigned compressor,
                            length_compute *compute)
{
    struct length_family *family = content->family;
    const struct known_lengths *known = &family->known[compressor];
    if (!__atomic_load_n(&known->looked, __ATOMIC_ACQUIRE))
        look_for_file(family, content, compressor, compute);
    uint32_t stored = page < known->pages ? known->lengths[page] : 0;
    if (stored)
        __atomic_store_n(entry_of(content, page, compressor), (uint16_t)stored, __ATOMIC_RELAXED);
    else
        stored = find_or_compute(family, content, page, compressor, compute);
    return stored - 1;
}

/* ---- writing -------------------------------------------------------------------- */

/* The directory and the one that it lies in (~/.cache), but no home. */
static void make_directory(const char *directory)
{
    char *parent = memory_string(directory), *slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = '\0';
        mkdir(parent, 0700);
    }
    mkdir(directory, 0700);
    free(parent);
}

/* Without a word when it cannot be written. */
static void write_file(const char *path, const void *bytes, size_t size)
{
    struct output_file output;
    if (!output_file_open(&output, path))
        return;
    (void)fwrite(bytes, 1, size, output.stream); /* an error stays in the stream */
    (void)output_file_finish(&output, false);
}

/* Pages up to the last one that is known. */
static uint32_t pages_to_save(const struct length_family *family, unsigned compressor)
{
    uint32_t pages = 0;
    for (const struct content *member = family->members; member; member = member->next_member) {
        uint32_t end = member->pages < FILE_PAGES_AT_MOST ? member->pages : FILE_PAGES_AT_MOST;
        while (end > pages && !*entry_of(member, end - 1, compressor))
            end--;
        pages = end > pages ? end : pages;
    }
    return pages;
}

static void add_lengths(uint16_t *lengths, uint32_t pages, const uint16_t *more, uint32_t count)
{
    for (uint32_t page = 0; page < pages && page < count; page++)
        if (more[page])
            lengths[page] = more[page];
}

static void save(const struct length_family *family, unsigned compressor)
{
    char *key = make_key(family, compressor), *path = make_path(family, key);
    struct file_header header = {.magic = FILE_MAGIC, .key_bytes = (uint32_t)strlen(key)};
    /* Another process may have written since. */
    struct known_lengths before = read_file(path, key);
    header.pages = pages_to_save(family, compressor);
    if (before.pages > header.pages)
        header.pages = before.pages;
    size_t start = sizeof(header) + padded(header.key_bytes);
    size_t size = start + header.pages * sizeof(uint16_t);
    unsigned char *bytes = memory_zeroed(size, 1, "compressed lengths");
    uint16_t *lengths = (uint16_t *)(void *)(bytes + start);
    memcpy(bytes + sizeof(header), key, header.key_bytes);
    if (before.lengths) {
        add_lengths(lengths, header.pages, before.lengths, before.pages);
        munmap(before.map, before.map_bytes);
    }
    for (const struct content *member = family->members; member; member = member->next_member)
        add_lengths(lengths, header.pages, entry_of(member, 0, compressor), member->pages);
    header.checksum = XXH3_64bits(bytes + sizeof(header), size - sizeof(header));
    memcpy(bytes, &header, sizeof(header));
    make_directory(family->directory);
    write_file(path, bytes, size);
    free(bytes);
    free(path);
    free(key);
}

/* Remove the file that was used longest ago; false when there is none.  *total:
 * bytes of all files before. */
static bool remove_oldest(const char *directory, uint64_t *total)
{
    DIR *files = opendir(directory);
    char oldest[NAME_MAX + 1] = "";
    struct timespec when = {0, 0};
    *total = 0;
    if (!files)
        return false;
    for (const struct dirent *entry; (entry = readdir(files)) != NULL;) {
        struct stat status;
        const char *end = strstr(entry->d_name, ".lengths");
        if (!end || fstatat(dirfd(files), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        *total += (uint64_t)status.st_size;
        if (!oldest[0] || status.st_mtim.tv_sec < when.tv_sec ||
            (status.st_mtim.tv_sec == when.tv_sec && status.st_mtim.tv_nsec < when.tv_nsec)) {
            snprintf(oldest, sizeof(oldest), "%s", entry->d_name);
            when = status.st_mtim;
        }
    }
    bool removed = *total > DIRECTORY_BYTES_AT_MOST && unlinkat(dirfd(files), oldest, 0) == 0;
    closedir(files);
    return removed;
}

/* ---- families ------------------------------------------------------------------- */

struct length_cache *length_cache_create(void)
{
    struct length_cache *cache = memory_zeroed(1, sizeof(*cache), "known compressed lengths");
    cache->directory = directory_from_environment();
    return cache;
}

static struct length_family *new_family(struct length_cache *cache, const char *identity)
{
    struct length_family *family = memory_zeroed(1, sizeof(*family), "known compressed lengths");
    family->directory = cache->directory;
    family->identity = memory_string(identity);
    pthread_mutex_init(&family->file_lock, NULL);
    for (unsigned i = 0; i < LOCKS; i++)
        pthread_mutex_init(&family->locks[i], NULL);
    family->next = cache->families;
    cache->families = family;
    return family;
}

void length_cache_join(struct length_cache *cache, struct content *content, const char *identity)
{
    struct length_family *family = cache->families;
    while (family && strcmp(family->identity, identity) != 0)
        family = family->next;
    if (!family)
        family = new_family(cache, identity);
    content->family = family;
    content->next_member = family->members;
    __atomic_store_n(&family->members, content, __ATOMIC_RELEASE);
}

static void family_free(struct length_family *family)
{
    for (struct content *member = family->members; member; member = member->next_member)
        member->family = NULL;
    for (unsigned i = 0; i < COMPRESSORS_AT_MOST; i++)
        if (family->known[i].map)
            munmap(family->known[i].map, family->known[i].map_bytes);
    pthread_mutex_destroy(&family->file_lock);
    for (unsigned i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&family->locks[i]);
    free(family->identity);
    free(family);
}

void length_cache_free(struct length_cache *cache)
{
    if (!cache)
        return;
    bool saved = false;
    while (cache->families) {
        struct length_family *family = cache->families;
        cache->families = family->next;
        for (unsigned i = 0; i < compressor_count(); i++)
            if (family->directory && family->known[i].computed >= SAVED_AT_LEAST) {
                save(family, i);
                saved = true;
            }
        family_free(family);
    }
    for (uint64_t total; saved && remove_oldest(cache->directory, &total);)
        ;
    free(cache->directory);
    free(cache);
}

/* "cgroups": {"/path": {...}} into an array whose parents come first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/base/units.h"
#include "sim/experiment/config_decode.h"

struct cgroup_slot {
    const struct config_node *node; /* NULL: free, or the root */
    const char *path;
    uint32_t index; /* INDEX_UNSET until it has its place */
};

/* Cgroups by path; open addressing, slots are a power of two. */
struct cgroup_index {
    struct cgroup_slot *slots;
    size_t slot_count;
    const char **paths; /* in file order, for suggestions */
    size_t path_count;
};

enum { INDEX_UNSET = UINT32_MAX, SUGGESTED_FROM_AT_MOST = 1024 };

static struct cgroup_slot *find(struct cgroup_index *index, const char *path, size_t length)
{
    size_t slot = XXH3_64bits(path, length) & (index->slot_count - 1);
    while (index->slots[slot].path && (strlen(index->slots[slot].path) != length ||
                                       memcmp(index->slots[slot].path, path, length) != 0))
        slot = (slot + 1) & (index->slot_count - 1);
    return &index->slots[slot];
}

/* "/web/c[0..99]": the numbers that stand at its end. */
struct path_range {
    size_t prefix; /* bytes before '[' */
    uint64_t first, last;
};

/* False: the path names one cgroup.  A range that is none, such as "[9..0]", is
 * `*mistaken`. */
static bool find_range(const char *path, struct path_range *range, bool *mistaken)
{
    const char *open = strrchr(path, '['), *dots = open ? strstr(open, "..") : NULL;
    size_t length = strlen(path);
    char first[24], last[24];
    *mistaken = false;
    if (!dots || path[length - 1] != ']')
        return false;
    snprintf(first, sizeof(first), "%.*s", (int)(dots - open - 1), open + 1);
    snprintf(last, sizeof(last), "%.*s", (int)(path + length - 1 - dots - 2), dots + 2);
    range->prefix = (size_t)(open - path);
    *mistaken = !parse_count(first, &range->first) || !parse_count(last, &range->last) ||
                range->last < range->first || range->last - range->first >= CGROUPS_AT_MOST;
    return !*mistaken;
}

/* The path of a range's number; `range` NULL: the path itself. */
static const char *path_in_range(struct decoder *decoder, const char *path,
                                 const struct path_range *range, uint64_t number)
{
    if (!range)
        return path;
    return arena_printf(decoder->arena, "%.*s%llu", (int)range->prefix, path,
                        (unsigned long long)number);
}

static uint64_t cgroups_named(const char *path)
{
    struct path_range range;
    bool mistaken;
    return find_range(path, &range, &mistaken) ? range.last - range.first + 1 : 1;
}

/* How many cgroups the keys of an object name. */
static uint64_t count_cgroups(const struct config_node *node)
{
    uint64_t count = 0;
    for (const struct config_node *member = node->first; member; member = member->next)
        count += cgroups_named(member->key);
    return count;
}

static struct cgroup_index *index_create(size_t count)
{
    struct cgroup_index *index = memory_zeroed(1, sizeof(*index), "cgroups");
    for (index->slot_count = 16; index->slot_count < count * 2;)
        index->slot_count *= 2;
    index->slots = memory_zeroed(index->slot_count, sizeof(*index->slots), "cgroups");
    index->paths = memory_zeroed(count, sizeof(*index->paths), "cgroups");
    struct cgroup_slot *root = find(index, "/", 1);
    root->path = "/";
    root->index = 0;
    index->paths[index->path_count++] = "/";
    return index;
}

void cgroup_index_free(struct cgroup_index *index)
{
    if (!index)
        return;
    free(index->slots);
    free(index->paths);
    free(index);
}

/* What is wrong with a path, or NULL. */
static const char *path_mistake(const char *path)
{
    if (path[0] != '/')
        return "a cgroup path starts with '/'";
    if (path[1] == '\0')
        return "the root always exists and has no limits to set";
    if (path[strlen(path) - 1] == '/')
        return "a cgroup path does not end in '/'";
    return strstr(path, "//") ? "a cgroup path has no empty part" : NULL;
}

/* One key, which may name many. */
static void add_path(struct decoder *decoder, struct cgroup_index *index,
                     const struct config_node *member)
{
    struct path_range range = {0};
    bool mistaken, many = find_range(member->key, &range, &mistaken);
    if (mistaken)
        decode_error(decoder, &member->key_at,
                     "cgroups: \"%s\": expected a range such as [0..99], at most %d long",
                     member->key, CGROUPS_AT_MOST);
    for (uint64_t number = range.first; number <= range.last && !mistaken; number++) {
        const char *path = path_in_range(decoder, member->key, many ? &range : NULL, number);
        struct cgroup_slot *slot = find(index, path, strlen(path));
        if (slot->path) {
            decode_error(decoder, &member->key_at, "cgroups: \"%s\" is listed twice", path);
            continue;
        }
        *slot = (struct cgroup_slot){member, path, INDEX_UNSET};
        index->paths[index->path_count++] = path;
    }
}

static void add_paths(struct decoder *decoder, const struct config_node *node)
{
    struct cgroup_index *index = decoder->cgroups;
    for (const struct config_node *member = node->first; member; member = member->next) {
        const char *mistake = path_mistake(member->key);
        if (mistake) {
            decode_error(decoder, &member->key_at, "cgroups: \"%s\": %s", member->key, mistake);
            continue;
        }
        add_path(decoder, index, member);
    }
}

static size_t parent_length(const char *path)
{
    size_t length = (size_t)(strrchr(path, '/') - path);
    return length ? length : 1;
}

/* Give a cgroup, and before it its ancestors, their places in the array. */
static void place_cgroup(struct decoder *decoder, struct cgroup_slot *slot, struct config *config)
{
    if (slot->index != INDEX_UNSET)
        return;
    struct cgroup_slot *parent = find(decoder->cgroups, slot->path, parent_length(slot->path));
    struct cgroup_config fields = {.path = slot->path};
    slot->index = 0; /* of the root: in use after a mistake only */
    if (!parent->path) {
        decode_error(decoder, &slot->node->key_at,
                     "cgroups: the parent \"%.*s\" of \"%s\" is not listed",
                     (int)parent_length(slot->path), slot->path, slot->path);
    } else {
        place_cgroup(decoder, parent, config);
        fields.parent = parent->index;
    }
    decode_section(decoder, &section_cgroup, slot->node, &fields);
    slot->index = config->cgroup_count++;
    config->cgroups[slot->index] = fields;
}

void decode_cgroups(struct decoder *decoder, const struct config_node *node, struct config *config)
{
    if (node && node->kind != CONFIG_OBJECT) {
        decode_expected(decoder, node, "an object of paths");
        node = NULL;
    }
    uint64_t listed = node ? count_cgroups(node) : 0;
    if (listed >= CGROUPS_AT_MOST) {
        decode_error(decoder, &node->at, "cgroups: expected at most %d, found %llu",
                     CGROUPS_AT_MOST - 1, (unsigned long long)listed);
        node = NULL;
    }
    size_t count = node ? (size_t)listed + 1 : 1;
    decoder->cgroups = index_create(count);
    config->cgroups = arena_zeroed(decoder->arena, count * sizeof(*config->cgroups));
    decode_section(decoder, &section_cgroup, NULL, &config->cgroups[0]);
    config->cgroups[0].path = "/";
    config->cgroup_count = 1;
    if (!node)
        return;
    add_paths(decoder, node);
    for (size_t i = 1; i < decoder->cgroups->path_count; i++) {
        const char *path = decoder->cgroups->paths[i];
        place_cgroup(decoder, find(decoder->cgroups, path, strlen(path)), config);
    }
}

bool decode_cgroup_names(struct decoder *decoder, const struct config_node *node,
                         uint32_t **indexes, size_t *count)
{
    struct path_range range = {0};
    bool mistaken, many = node->kind == CONFIG_STRING && find_range(node->text, &range, &mistaken);
    *count = many ? (size_t)(range.last - range.first + 1) : 1;
    *indexes = arena_zeroed(decoder->arena, *count * sizeof(**indexes));
    if (!many)
        return decode_cgroup_name(decoder, node, *indexes);
    for (size_t i = 0; i < *count; i++) {
        struct config_node one = *node;
        one.text = path_in_range(decoder, node->text, &range, range.first + i);
        if (!decode_cgroup_name(decoder, &one, &(*indexes)[i]))
            return false;
    }
    return true;
}

bool decode_cgroup_name(struct decoder *decoder, const struct config_node *node, uint32_t *index)
{
    if (node->kind != CONFIG_STRING) {
        decode_expected(decoder, node, "the path of a cgroup");
        return false;
    }
    struct cgroup_slot *slot = find(decoder->cgroups, node->text, strlen(node->text));
    if (slot->path) {
        *index = slot->index;
        return true;
    }
    size_t count = decoder->cgroups->path_count;
    decode_unknown(decoder, &node->at, decode_path(decoder, node), "no cgroup", node->text,
                   decoder->cgroups->paths,
                   count < SUGGESTED_FROM_AT_MOST ? count : SUGGESTED_FROM_AT_MOST);
    return false;
}

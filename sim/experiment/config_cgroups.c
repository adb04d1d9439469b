/* "cgroups": {"/path": {...}} into an array whose parents come first. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

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

static struct cgroup_index *index_create(const struct config_node *node)
{
    struct cgroup_index *index = memory_zeroed(1, sizeof(*index), "cgroups");
    size_t count = node ? node->children + 1 : 1;
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

static bool add_paths(struct decoder *decoder, const struct config_node *node)
{
    struct cgroup_index *index = decoder->cgroups;
    for (const struct config_node *member = node->first; member; member = member->next) {
        const char *mistake = path_mistake(member->key);
        if (mistake) {
            decode_error(decoder, &member->key_at, "cgroups: \"%s\": %s", member->key, mistake);
            continue;
        }
        struct cgroup_slot *slot = find(index, member->key, strlen(member->key));
        *slot = (struct cgroup_slot){member, member->key, INDEX_UNSET};
        index->paths[index->path_count++] = member->key;
    }
    return true;
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
    if (node && node->children >= CGROUPS_AT_MOST) {
        decode_error(decoder, &node->at, "cgroups: expected at most %d, found %zu",
                     CGROUPS_AT_MOST - 1, node->children);
        node = NULL;
    }
    decoder->cgroups = index_create(node);
    size_t count = node ? node->children + 1 : 1;
    config->cgroups = arena_zeroed(decoder->arena, count * sizeof(*config->cgroups));
    decode_section(decoder, &section_cgroup, NULL, &config->cgroups[0]);
    config->cgroups[0].path = "/";
    config->cgroup_count = 1;
    if (!node)
        return;
    add_paths(decoder, node);
    for (const struct config_node *member = node->first; member; member = member->next) {
        struct cgroup_slot *slot = find(decoder->cgroups, member->key, strlen(member->key));
        if (slot->path)
            place_cgroup(decoder, slot, config);
    }
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

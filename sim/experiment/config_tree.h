/* A JSON document in memory, every value with its place in the file.
 *
 * Stricter than JSON libraries are by default: duplicate keys, numbers such as
 * 007 or 1e400, and text after the document are mistakes.  `//` and block
 * comments are allowed, for people. */
#ifndef ZSIM_EXPERIMENT_CONFIG_TREE_H
#define ZSIM_EXPERIMENT_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/diagnostics.h"

enum config_kind {
    CONFIG_OBJECT,
    CONFIG_ARRAY,
    CONFIG_STRING,
    CONFIG_NUMBER,
    CONFIG_BOOL,
    CONFIG_NULL,
};

struct config_node {
    enum config_kind kind;
    const char *key;  /* in an object; else NULL */
    const char *text; /* string unescaped, number and bool as written; else NULL */
    struct config_node *parent, *first, *next;
    size_t children;
    struct source_position at;     /* of the value */
    struct source_position key_at; /* of the key */
};

/* Parse a file.  NULL after adding to `errors` (syntax: one message; duplicate
 * keys: one each).  The tree lives in `arena`. */
struct config_node *config_tree_read(const char *path, struct arena *arena,
                                     struct diagnostics *errors);

/* The same from memory; `name` stands for the file in messages. */
struct config_node *config_tree_parse(const char *name, const char *text, size_t length,
                                      struct arena *arena, struct diagnostics *errors);

/* The member of an object, or NULL. */
struct config_node *config_tree_member(const struct config_node *object, const char *key);

/* Values in a tree, the root included. */
size_t config_tree_size(const struct config_node *node);

/* A deep copy whose nodes keep their places. */
struct config_node *config_tree_copy(const struct config_node *node, struct arena *arena);

/* Put `value` at a dotted path ("zswap.max_pool_percent", "cgroups./web.memory.max",
 * "tasks.0.workload.pages"), making objects on the way.  A member of an array is
 * chosen by number, or by the "name" of its objects.  Keys that contain dots are
 * matched greedily.  A cgroup must be there, or be set whole.  False after adding to `errors`. */
bool config_tree_set(struct config_node *root, const char *path, const struct config_node *value,
                     struct arena *arena, struct diagnostics *errors);

/* "zswap.lru" or "tasks[1].workload": where a node is, for messages. */
const char *config_tree_path(const struct config_node *node, struct arena *arena);

#endif

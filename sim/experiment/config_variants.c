#define _GNU_SOURCE
#include "sim/experiment/config_variants.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"

enum {
    VARIANTS_AT_MOST = USUAL_OR_FUZZING(10000, 100),
    SEEDS_AT_MOST = USUAL_OR_FUZZING(100000, 1000),
    PATHS_AT_MOST = 4096,     /* of one "set" */
    VALUES_AT_MOST = 8000000, /* of all variants together */
};

/* ---- --set --------------------------------------------------------------- */

/* A value of the command line: JSON where it is, else a string. */
static struct config_node *parse_value(struct decoder *decoder, const char *option,
                                       const char *text)
{
    struct diagnostics not_json = {0};
    struct config_node *node =
        config_tree_parse(option, text, strlen(text), decoder->arena, &not_json);
    diagnostics_release(&not_json);
    if (!node) {
        node = arena_zeroed(decoder->arena, sizeof(*node));
        node->kind = CONFIG_STRING;
        node->text = arena_string(decoder->arena, text, strlen(text));
    }
    node->at = (struct source_position){.file = option};
    return node;
}

void variants_override(struct decoder *decoder, struct config_node *tree,
                       const char *const *overrides, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *option = arena_printf(decoder->arena, "--set %s", overrides[i]);
        const char *equals = strchr(overrides[i], '=');
        struct source_position position = {.file = option};
        if (!equals || equals == overrides[i]) {
            decode_error(decoder, &position, "expected PATH=VALUE");
            continue;
        }
        const char *path =
            arena_string(decoder->arena, overrides[i], (size_t)(equals - overrides[i]));
        config_tree_set(tree, path, parse_value(decoder, option, equals + 1), decoder->arena,
                        decoder->errors);
    }
}

/* The end of the first value of a list: a comma that is in no bracket or quotes. */
static size_t value_length(const char *text)
{
    size_t depth = 0, at = 0;
    bool quoted = false;
    for (; text[at]; at++) {
        char byte = text[at];
        if (quoted && byte == '\\' && text[at + 1])
            at++;
        else if (byte == '"')
            quoted = !quoted;
        else if (!quoted && (byte == '[' || byte == '{'))
            depth++;
        else if (!quoted && (byte == ']' || byte == '}') && depth)
            depth--;
        else if (!quoted && !depth && byte == ',')
            break;
    }
    return at;
}

static void append_child(struct config_node *parent, struct config_node *child)
{
    struct config_node **link = &parent->first;
    while (*link)
        link = &(*link)->next;
    *link = child;
    child->parent = parent;
    child->next = NULL;
    parent->children++;
}

static void remove_child(struct config_node *parent, const char *key)
{
    for (struct config_node **link = &parent->first; *link; link = &(*link)->next)
        if (strcmp((*link)->key, key) == 0) {
            *link = (*link)->next;
            parent->children--;
            return;
        }
}

static struct config_node *new_node(struct decoder *decoder, enum config_kind kind, const char *key,
                                    const char *option)
{
    struct config_node *node = arena_zeroed(decoder->arena, sizeof(*node));
    node->kind = kind;
    node->key = key;
    node->at = node->key_at = (struct source_position){.file = option};
    return node;
}

static void add_axis(struct decoder *decoder, struct config_node *sweep, const char *text)
{
    const char *option = arena_printf(decoder->arena, "--set %s", text);
    struct source_position position = {.file = option};
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        decode_error(decoder, &position, "expected PATH=VALUE or PATH=VALUE,VALUE,...");
        return;
    }
    const char *path = arena_string(decoder->arena, text, (size_t)(equals - text));
    struct config_node *axis = new_node(decoder, CONFIG_ARRAY, path, option);
    for (const char *at = equals + 1;;) {
        size_t length = value_length(at);
        if (!length) {
            decode_error(decoder, &position, "a value is empty");
            return;
        }
        append_child(axis, parse_value(decoder, option, arena_string(decoder->arena, at, length)));
        if (!at[length])
            break;
        at += length + 1;
    }
    remove_child(sweep, path);
    append_child(sweep, axis);
}

void variants_add_axes(struct decoder *decoder, struct config_node *tree, const char *const *axes,
                       uint32_t count)
{
    struct config_node *sweep = config_tree_member(tree, "sweep");
    if (!count)
        return;
    if (!sweep) {
        sweep = new_node(decoder, CONFIG_OBJECT, "sweep", "--set");
        append_child(tree, sweep);
    }
    if (sweep->kind == CONFIG_OBJECT) /* else read_sweep() says what is wrong */
        for (uint32_t i = 0; i < count; i++)
            add_axis(decoder, sweep, axes[i]);
}

/* "zswap" and "zswap.lru" touch the same key, "zswap" and "zswapx" do not. */
static bool paths_meet(const char *a, const char *b)
{
    size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    if (strncmp(a, b, length) != 0)
        return false;
    int next = a[length] ? a[length] : b[length];
    return next == '\0' || next == '.' || next == '[';
}

/* --set goes into the base: where a variant or the sweep gives the same key, it
 * would have no effect. */
static void check_override(struct decoder *decoder, const struct config_node *key,
                           const char *where, const char *const *overrides, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *equals = strchr(overrides[i], '=');
        if (!equals)
            continue;
        const char *path =
            arena_string(decoder->arena, overrides[i], (size_t)(equals - overrides[i]));
        struct source_position position = {
            .file = arena_printf(decoder->arena, "--set %s", overrides[i])};
        if (paths_meet(path, key->key))
            decode_error(decoder, &position, "%s gives \"%s\" values of its own", where, key->key);
    }
}

/* ---- the sweep ----------------------------------------------------------- */

struct sweep_axis {
    const struct config_node *key;   /* the member of "sweep" */
    const struct config_node *value; /* the one chosen now */
    const char *name;                /* short, for names of variants */
};

struct sweep {
    struct sweep_axis *axes;
    size_t axis_count, points;
};

static const char *last_part(const char *path)
{
    const char *file = path[0] == 'c' ? strstr(path, ".memory.") : NULL;
    const char *dot = file ? file : strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The last part of a path, or all of it where two axes end alike. */
static void name_axes(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->axis_count; i++) {
        const char *key = sweep->axes[i].key->key;
        sweep->axes[i].name = last_part(key);
        for (size_t j = 0; j < sweep->axis_count; j++)
            if (j != i && strcmp(last_part(key), last_part(sweep->axes[j].key->key)) == 0)
                sweep->axes[i].name = key;
    }
}

/* A value in a name: `10`, `zstd`, `batch budget=64`. */
static void print_value(FILE *out, const struct config_node *value)
{
    const char *between = "";
    if (value->kind != CONFIG_OBJECT && value->kind != CONFIG_ARRAY) {
        fputs(value->text, out);
        return;
    }
    for (const struct config_node *member = value->first; member; member = member->next) {
        fputs(between, out);
        if (member->key && strcmp(member->key, "policy") != 0 && strcmp(member->key, "type") != 0)
            fprintf(out, "%s=", member->key);
        print_value(out, member);
        between = " ";
    }
}

struct named_value {
    char *name;
    const struct config_node *node;
    size_t place;
};

static int compare_values(const void *left, const void *right)
{
    const struct named_value *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : a->place < b->place ? -1 : a->place > b->place;
}

/* A variant is known by its values: of two that are named alike one would be lost. */
static void check_values_differ(struct decoder *decoder, const struct config_node *axis)
{
    struct named_value *values =
        memory_zeroed(axis->children, sizeof(*values), "values of a sweep");
    size_t count = 0, length;
    for (const struct config_node *node = axis->first; node; node = node->next) {
        FILE *out = memory_stream_open(&values[count].name, &length);
        print_value(out, node);
        memory_stream_close(out);
        values[count].node = node;
        values[count].place = count;
        count++;
    }
    qsort(values, count, sizeof(*values), compare_values);
    for (size_t i = 1; i < count; i++)
        if (strcmp(values[i - 1].name, values[i].name) == 0) {
            decode_error(decoder, &values[i].node->at, "%s: %s is there twice", axis->key,
                         values[i].name);
            break;
        }
    for (size_t i = 0; i < count; i++)
        free(values[i].name);
    free(values);
}

static void read_sweep(struct decoder *decoder, const struct config_node *node, struct sweep *sweep)
{
    sweep->points = 1;
    if (!node)
        return;
    if (node->kind != CONFIG_OBJECT) {
        decode_expected(decoder, node, "an object of paths, each with a list of values");
        return;
    }
    sweep->axes = arena_zeroed(decoder->arena, node->children * sizeof(*sweep->axes) + 1);
    for (const struct config_node *key = node->first; key; key = key->next) {
        if (key->kind != CONFIG_ARRAY || key->children == 0) {
            decode_expected(decoder, key, "a list of values");
            continue;
        }
        if (key->children <= VARIANTS_AT_MOST) /* else variants_expand() says so */
            check_values_differ(decoder, key);
        sweep->axes[sweep->axis_count++].key = key;
        if (sweep->points <= VARIANTS_AT_MOST)
            sweep->points *= key->children;
    }
    name_axes(sweep);
}

/* Choose the values of one point; the last axis turns fastest. */
static void choose_point(struct sweep *sweep, size_t point)
{
    for (size_t i = sweep->axis_count; i-- > 0;) {
        size_t children = sweep->axes[i].key->children, index = point % children;
        point /= children;
        const struct config_node *value = sweep->axes[i].key->first;
        while (index--)
            value = value->next;
        sweep->axes[i].value = value;
    }
}

static const char *point_name(struct decoder *decoder, const char *variant,
                              const struct sweep *sweep)
{
    char *text;
    size_t length;
    FILE *out = memory_stream_open(&text, &length);
    const char *between = "";
    if (variant) {
        fputs(variant, out);
        between = ", ";
    }
    for (size_t i = 0; i < sweep->axis_count; i++) {
        fprintf(out, "%s%s=", between, sweep->axes[i].name);
        print_value(out, sweep->axes[i].value);
        between = ", ";
    }
    memory_stream_close(out);
    const char *name = length ? arena_string(decoder->arena, text, length) : "base";
    free(text);
    return name;
}

/* ---- variants ------------------------------------------------------------ */

static void set_append(struct decoder *decoder, struct config_node *set, const char *path,
                       const struct config_node *value)
{
    struct config_node *copy = config_tree_copy(value, decoder->arena);
    copy->key = path;
    append_child(set, copy);
}

static struct config_node *merged_set(struct decoder *decoder, const struct config_node *set,
                                      const struct sweep *sweep)
{
    if (!set && sweep->axis_count == 0)
        return NULL;
    struct config_node *merged = arena_zeroed(decoder->arena, sizeof(*merged));
    merged->kind = CONFIG_OBJECT;
    for (const struct config_node *at = set ? set->first : NULL; at; at = at->next)
        set_append(decoder, merged, at->key, at);
    for (size_t i = 0; i < sweep->axis_count; i++)
        set_append(decoder, merged, sweep->axes[i].key->key, sweep->axes[i].value);
    return merged;
}

/* Keys that describe the experiment as a whole cannot differ between variants. */
static bool can_vary(struct decoder *decoder, const struct config_node *key)
{
    static const char *const fixed[] = {"question", "directory", "variants",
                                        "sweep",    "seeds",     "figures"};
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (paths_meet(fixed[i], key->key)) {
            decode_error(decoder, &key->key_at, "\"%s\" is the same for all variants", key->key);
            return false;
        }
    return true;
}

static void add_variant(struct decoder *decoder, const struct config_node *tree, const char *name,
                        const struct config_node *set, const struct sweep *sweep,
                        struct experiment *experiment)
{
    struct variant *variant = &experiment->variants[experiment->variant_count++];
    struct config_node *merged = merged_set(decoder, set, sweep);
    variant->name = point_name(decoder, name, sweep);
    variant->set = merged;
    variant->tree = config_tree_copy(tree, decoder->arena);
    for (const struct config_node *key = merged ? merged->first : NULL; key; key = key->next)
        if (can_vary(decoder, key))
            config_tree_set(variant->tree, key->key, key, decoder->arena, decoder->errors);
}

struct named_set {
    const char *name;
    const struct config_node *set;
};

/* The entries of "variants"; one without a name where there are none. */
static size_t read_variants(struct decoder *decoder, const struct config_node *list,
                            const char *const *overrides, uint32_t override_count,
                            struct named_set **out)
{
    *out = arena_zeroed(decoder->arena, sizeof(**out) * (list ? list->children + 1 : 1));
    if (!list)
        return 1;
    if (list->kind != CONFIG_ARRAY || list->children == 0) {
        decode_expected(decoder, list, "a list of at least one variant");
        return 1;
    }
    if (list->children > VARIANTS_AT_MOST) {
        decode_error(decoder, &list->at, "variants: expected at most %d, found %zu",
                     VARIANTS_AT_MOST, list->children);
        return 1;
    }
    size_t count = 0;
    for (const struct config_node *node = list->first; node; node = node->next) {
        struct named_set *variant = &(*out)[count++];
        decode_section(decoder, &section_variant, node, &variant->name);
        const struct config_node *set = config_tree_member(node, "set");
        if (set && set->kind != CONFIG_OBJECT)
            decode_expected(decoder, set, "an object of paths and values");
        else if (set && set->children > PATHS_AT_MOST)
            decode_error(decoder, &set->at, "a set of at most %d paths is expected, found %zu",
                         PATHS_AT_MOST, set->children);
        else
            variant->set = set;
        for (const struct config_node *key = variant->set ? set->first : NULL; key; key = key->next)
            check_override(
                decoder, key,
                arena_printf(decoder->arena, "variant \"%s\"", variant->name ? variant->name : ""),
                overrides, override_count);
        for (size_t i = 0; i + 1 < count; i++)
            if (variant->name && (*out)[i].name && strcmp((*out)[i].name, variant->name) == 0)
                decode_error(decoder, &config_tree_member(node, "name")->at,
                             "%s: \"%s\" is already the name of variants[%zu]",
                             decode_path(decoder, node), variant->name, i);
    }
    return count;
}

void variants_expand(struct decoder *decoder, const struct config_node *tree,
                     const char *const *overrides, uint32_t override_count,
                     struct experiment *experiment)
{
    struct named_set *sets;
    struct sweep sweep = {0};
    size_t count = read_variants(decoder, config_tree_member(tree, "variants"), overrides,
                                 override_count, &sets);
    read_sweep(decoder, config_tree_member(tree, "sweep"), &sweep);
    for (size_t i = 0; i < sweep.axis_count; i++)
        check_override(decoder, sweep.axes[i].key, "\"sweep\"", overrides, override_count);
    if (sweep.points > VARIANTS_AT_MOST || count * sweep.points > VARIANTS_AT_MOST) {
        const struct config_node *at = config_tree_member(tree, "sweep");
        at = at ? at : config_tree_member(tree, "variants");
        decode_error(decoder, &at->at,
                     "variants and sweep make more than %d combinations; split the experiment",
                     VARIANTS_AT_MOST);
        return;
    }
    if (count * sweep.points * config_tree_size(tree) > VALUES_AT_MOST) {
        decode_error(decoder, &tree->at,
                     "%zu variants of a config of %zu values take too much memory",
                     count * sweep.points, config_tree_size(tree));
        return;
    }
    experiment->variants =
        arena_zeroed(decoder->arena, count * sweep.points * sizeof(*experiment->variants));
    for (size_t i = 0; i < count; i++)
        for (size_t point = 0; point < sweep.points; point++) {
            choose_point(&sweep, point);
            add_variant(decoder, tree, sets[i].name, sets[i].set, &sweep, experiment);
        }
}

/* ---- seeds --------------------------------------------------------------- */

static void add_seed(struct decoder *decoder, const struct source_position *position, uint64_t seed,
                     uint64_t **seeds, uint32_t *count)
{
    for (uint32_t i = 0; i < *count; i++)
        if ((*seeds)[i] == seed) {
            decode_error(decoder, position, "seeds: %" PRIu64 " is there twice", seed);
            return;
        }
    *seeds = memory_resized(*seeds, *count + 1, sizeof(**seeds), "seeds");
    (*seeds)[(*count)++] = seed;
}

/* "1..10" or "7"; false when it is neither.  Which seeds there may be is not asked. */
static bool read_range(const char *text, uint64_t *first, uint64_t *last)
{
    const char *dots = strstr(text, "..");
    char from[32] = "";
    if (!dots)
        return parse_count(text, first) && parse_count(text, last);
    if ((size_t)(dots - text) >= sizeof(from))
        return false;
    memcpy(from, text, (size_t)(dots - text));
    return parse_count(from, first) && parse_count(dots + 2, last);
}

/* False after a message. */
static bool check_range(struct decoder *decoder, const struct source_position *position,
                        const char *text, uint64_t *first, uint64_t *last)
{
    if (!read_range(text, first, last))
        decode_error(decoder, position,
                     "seeds: expected numbers such as \"1..10\" or \"1,2,5\", found \"%s\"", text);
    else if (*first > *last)
        decode_error(decoder, position,
                     "seeds: expected the smaller number first, as in \"1..10\", found \"%s\"",
                     text);
    else if (*last - *first >= SEEDS_AT_MOST)
        decode_error(decoder, position, "seeds: expected at most %d seeds, found \"%s\"",
                     SEEDS_AT_MOST, text);
    else
        return true;
    return false;
}

/* "1..5,8": ranges and numbers. */
static void add_seed_text(struct decoder *decoder, const struct source_position *position,
                          const char *text, uint64_t **seeds, uint32_t *count)
{
    char *copy = memory_string(text), *rest = copy, *part;
    while ((part = strsep(&rest, ","))) {
        uint64_t first, last;
        if (!check_range(decoder, position, part, &first, &last))
            break;
        for (uint64_t seed = first;; seed++) {
            add_seed(decoder, position, seed, seeds, count);
            if (seed == last)
                break;
        }
    }
    free(copy);
}

static void read_seed_node(struct decoder *decoder, const struct config_node *node,
                           uint64_t **seeds, uint32_t *count)
{
    if (node->kind == CONFIG_STRING || node->kind == CONFIG_NUMBER) {
        add_seed_text(decoder, &node->at, node->text, seeds, count);
        return;
    }
    if (node->kind != CONFIG_ARRAY || node->children == 0 || node->children > SEEDS_AT_MOST) {
        char most[64] = "";
        if (node->kind == CONFIG_ARRAY && node->children)
            snprintf(most, sizeof(most), "at most %d seeds", SEEDS_AT_MOST);
        decode_expected(decoder, node, *most ? most : "\"1..10\", a list of numbers or a number");
        return;
    }
    for (const struct config_node *seed = node->first; seed; seed = seed->next) {
        if (seed->kind == CONFIG_NUMBER)
            add_seed_text(decoder, &seed->at, seed->text, seeds, count);
        else
            decode_expected(decoder, seed, "a whole number");
    }
}

void variants_seeds(struct decoder *decoder, const struct config_node *tree, const char *option,
                    struct experiment *experiment)
{
    const struct config_node *node = config_tree_member(tree, "seeds");
    uint64_t *seeds = NULL;
    uint32_t count = 0;
    if (node)
        read_seed_node(decoder, node, &seeds, &count);
    if (option) {
        struct source_position position = {.file =
                                               arena_printf(decoder->arena, "--seeds %s", option)};
        count = 0;
        add_seed_text(decoder, &position, option, &seeds, &count);
    }
    experiment->seed_count = count ? count : 1;
    experiment->seeds =
        arena_zeroed(decoder->arena, experiment->seed_count * sizeof(*experiment->seeds));
    experiment->seeds[0] = 1;
    if (count)
        memcpy(experiment->seeds, seeds, count * sizeof(*seeds));
    free(seeds);
}

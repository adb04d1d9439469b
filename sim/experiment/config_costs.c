/* Cost table files: configs/costs/NAME.json. */
#include <string.h>

#include "sim/base/units.h"
#include "sim/engine/costs_table.h"
#include "sim/experiment/config_fields.h"

#define COSTS_SCHEMA "zsim.costs/1"

struct cost_fields {
    uint64_t ns;
    const char *source;
};
struct codec_part_fields {
    uint64_t ns, ps_per_byte;
};

static const struct param cost_rows[] = {
    {"ns", PARAM_COUNT, offsetof(struct cost_fields, ns), NULL, 0, 1e12, NULL, PARAM_REQUIRED,
     "The cost in ns.", NULL},
    {"source", PARAM_STRING, offsetof(struct cost_fields, source), NULL, 0, 0, NULL, PARAM_REQUIRED,
     "Where the number comes from.", NULL},
};
static const struct param codec_part_rows[] = {
    {"ns", PARAM_COUNT, offsetof(struct codec_part_fields, ns), NULL, 0, 1e12, NULL, PARAM_REQUIRED,
     "Fixed part in ns.", NULL},
    {"ps_per_byte", PARAM_COUNT, offsetof(struct codec_part_fields, ps_per_byte), NULL, 0, 1e9,
     NULL, PARAM_REQUIRED, "For every byte of compressed length, in ps.", NULL},
};

static const struct structured_key range_key[] = {{"range", "array", NULL, NULL, NULL}, {0}};
static const struct structured_key codec_keys[] = {{"compress", "object", NULL, NULL, NULL},
                                                   {"decompress", "object", NULL, NULL, NULL},
                                                   {"source", "string", NULL, NULL, NULL},
                                                   {0}};
static const struct structured_key table_keys[] = {
    {"schema", "string", NULL, NULL, NULL}, {"name", "string", NULL, NULL, NULL},
    {"base", "string", NULL, NULL, NULL},   {"costs", "object", NULL, NULL, NULL},
    {"codecs", "object", NULL, NULL, NULL}, {0}};
static const struct config_section cost_section = {
    "", "", PARAM_TABLE(cost_rows, struct cost_fields), NULL, range_key};
static const struct config_section codec_part_section = {
    "", "", PARAM_TABLE(codec_part_rows, struct codec_part_fields), NULL, NULL};
static const struct config_section codec_section = {"", "", NO_PARAMS, NULL, codec_keys};
static const struct config_section table_section = {"", "", NO_PARAMS, NULL, table_keys};

/* A member that must be there and be of this kind. */
static const struct config_node *need(struct decoder *decoder, const struct config_node *node,
                                      const char *key, enum config_kind kind, const char *expected)
{
    const struct config_node *member = config_tree_member(node, key);
    if (!member) {
        const char *path = decode_path(decoder, node);
        decode_error(decoder, &node->at, "%s%smissing key \"%s\"", path, *path ? ": " : "", key);
    } else if (member->kind != kind) {
        decode_expected(decoder, member, expected);
        member = NULL;
    }
    return member;
}

static void check_range(struct decoder *decoder, const struct config_node *cost, uint64_t ns)
{
    const struct config_node *range = config_tree_member(cost, "range");
    uint64_t least, most;
    if (!range)
        return;
    const struct config_node *first = range->first;
    if (range->kind != CONFIG_ARRAY || range->children != 2 || first->kind != CONFIG_NUMBER ||
        first->next->kind != CONFIG_NUMBER || !parse_count(first->text, &least) ||
        !parse_count(first->next->text, &most)) {
        decode_expected(decoder, range, "two whole numbers");
        return;
    }
    if (ns < least || ns > most)
        decode_error(decoder, &range->at, "%s: \"ns\" is %llu, outside of \"range\"",
                     decode_path(decoder, cost), (unsigned long long)ns);
}

static int find_cost(const char *name)
{
    for (int i = 0; i < COSTS; i++)
        if (strcmp(cost_descriptions[i].name, name) == 0)
            return i;
    return -1;
}

static void decode_cost_list(struct decoder *decoder, const struct config_node *list, bool complete,
                             struct costs *costs)
{
    const char *names[COSTS];
    bool seen[COSTS] = {false};
    for (int i = 0; i < COSTS; i++)
        names[i] = cost_descriptions[i].name;
    for (const struct config_node *cost = list->first; cost; cost = cost->next) {
        int index = find_cost(cost->key);
        if (index < 0) {
            decode_unknown(decoder, &cost->key_at, decode_path(decoder, list), "unknown cost",
                           cost->key, names, COSTS);
            continue;
        }
        struct cost_fields fields = {0};
        seen[index] = true;
        decode_section(decoder, &cost_section, cost, &fields);
        check_range(decoder, cost, fields.ns);
        costs->ns[index] = fields.ns;
    }
    for (int i = 0; i < COSTS; i++)
        if (complete && !seen[i])
            decode_error(decoder, &list->at,
                         "costs: missing cost \"%s\" (%s); with \"base\": \"vm\" the table has "
                         "what it does not name from the built-in one",
                         names[i], cost_descriptions[i].meaning);
}

static void decode_codec(struct decoder *decoder, const struct config_node *node,
                         struct codec_cost *cost)
{
    struct codec_part_fields compress = {0}, decompress = {0};
    decode_section(decoder, &codec_section, node, cost);
    if (node->kind != CONFIG_OBJECT)
        return;
    const struct config_node *part = need(decoder, node, "compress", CONFIG_OBJECT, "an object");
    if (part)
        decode_section(decoder, &codec_part_section, part, &compress);
    part = need(decoder, node, "decompress", CONFIG_OBJECT, "an object");
    if (part)
        decode_section(decoder, &codec_part_section, part, &decompress);
    need(decoder, node, "source", CONFIG_STRING, "a text");
    *cost = (struct codec_cost){compress.ns, compress.ps_per_byte, decompress.ns,
                                decompress.ps_per_byte};
}

static void decode_codecs(struct decoder *decoder, const struct config_node *list, bool complete,
                          struct costs *costs)
{
    const char *names[COMPRESSORS_AT_MOST];
    size_t count = 0;
    for (; count < COMPRESSORS_AT_MOST && compressors[count].name; count++)
        names[count] = compressors[count].name;
    for (const struct config_node *codec = list->first; codec; codec = codec->next) {
        int index = compressor_find(codec->key);
        if (index < 0)
            decode_unknown(decoder, &codec->key_at, decode_path(decoder, list),
                           "unknown compressor", codec->key, names, count);
        else
            decode_codec(decoder, codec, &costs->codec[index]);
    }
    for (size_t i = 0; i < count; i++)
        if (complete && !config_tree_member(list, names[i]))
            decode_error(decoder, &list->at, "codecs: missing compressor \"%s\"", names[i]);
}

/* "base": the table begins with the built-in one and names only what differs.  True: it has
 * a base. */
static bool decode_base(struct decoder *decoder, const struct config_node *tree,
                        struct costs *costs)
{
    const struct config_node *base = config_tree_member(tree, "base");
    if (!base)
        return false;
    costs_set_builtin(costs);
    if (base->kind != CONFIG_STRING || strcmp(base->text, costs->name) != 0)
        decode_expected(decoder, base, "\"vm\", the built-in table");
    return true;
}

bool costs_read(const char *path, struct costs *costs, struct arena *arena,
                struct diagnostics *errors)
{
    size_t before = errors->count;
    struct config_node *tree = config_tree_read(path, arena, errors);
    if (!tree)
        return false;
    struct decoder decoder = {.arena = arena, .errors = errors, .directory = ""};
    memset(costs, 0, sizeof(*costs));
    decode_section(&decoder, &table_section, tree, costs);
    if (tree->kind == CONFIG_OBJECT) {
        const struct config_node *node =
            need(&decoder, tree, "schema", CONFIG_STRING, "\"" COSTS_SCHEMA "\"");
        if (node && strcmp(node->text, COSTS_SCHEMA) != 0)
            decode_expected(&decoder, node, "\"" COSTS_SCHEMA "\"");
        bool complete = !decode_base(&decoder, tree, costs);
        node = need(&decoder, tree, "name", CONFIG_STRING, "a text");
        costs->name = node ? node->text : "";
        node = need(&decoder, tree, "costs", CONFIG_OBJECT, "an object");
        if (node)
            decode_cost_list(&decoder, node, complete, costs);
        if (complete || config_tree_member(tree, "codecs"))
            node = need(&decoder, tree, "codecs", CONFIG_OBJECT, "an object");
        else
            node = NULL;
        if (node)
            decode_codecs(&decoder, node, complete, costs);
    }
    decoder_finish(&decoder);
    return errors->count == before;
}

#define _GNU_SOURCE
#include "sim/experiment/config_fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/base/units.h"
#include "sim/experiment/plugins.h"

enum { NAMES_LISTED_AT_MOST = 12, FOUND_BYTES_AT_MOST = 60, CANDIDATES_AT_MOST = 128 };

/* ---- messages ------------------------------------------------------------ */

/* Far more than are shown; a hostile config has a million mistakes. */
enum { MESSAGES_AT_MOST = 1000 };

struct pending_message {
    struct source_position position;
    const char *text;
    size_t number; /* keeps the order of messages about the same place */
};

static bool told_before(const struct decoder *decoder, uint64_t hash)
{
    for (size_t i = 0; i < decoder->told_count; i++)
        if (decoder->told[i] == hash)
            return true;
    return false;
}

void decode_error(struct decoder *decoder, const struct source_position *position,
                  const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    decoder->mistakes++;
    if (decoder->told_count == MESSAGES_AT_MOST)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        memory_exhausted("a message");
    va_end(arguments);
    uint64_t hash = XXH3_64bits(text, strlen(text));
    hash ^= (uint64_t)position->line << 32 ^ position->column;
    if (!told_before(decoder, hash)) {
        size_t count = decoder->told_count + 1;
        decoder->told = memory_resized(decoder->told, count, sizeof(hash), "messages");
        decoder->pending =
            memory_resized(decoder->pending, count, sizeof(*decoder->pending), "messages");
        decoder->told[count - 1] = hash;
        decoder->pending[count - 1] = (struct pending_message){
            *position, arena_string(decoder->arena, text, strlen(text)), count};
        decoder->told_count = count;
    }
    free(text);
}

static int by_place(const void *left, const void *right)
{
    const struct pending_message *a = left, *b = right;
    if (a->position.line != b->position.line)
        return a->position.line < b->position.line ? -1 : 1;
    if (a->position.column != b->position.column)
        return a->position.column < b->position.column ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

void decoder_finish(struct decoder *decoder)
{
    if (decoder->told_count)
        qsort(decoder->pending, decoder->told_count, sizeof(*decoder->pending), by_place);
    for (size_t i = 0; i < decoder->told_count; i++)
        diagnostics_add(decoder->errors, &decoder->pending[i].position, "%s",
                        decoder->pending[i].text);
    free(decoder->told);
    free(decoder->pending);
    decoder->told = NULL;
    decoder->pending = NULL;
    decoder->told_count = 0;
}

const char *decode_path(struct decoder *decoder, const struct config_node *node)
{
    /* Paths are for messages; that of an entry of a list takes time in its length. */
    if (decoder->told_count == MESSAGES_AT_MOST)
        return "";
    return config_tree_path(node, decoder->arena);
}

const char *decode_found(struct decoder *decoder, const struct config_node *node)
{
    switch (node->kind) {
    case CONFIG_OBJECT:
        return "an object";
    case CONFIG_ARRAY:
        if (node->children == 0)
            return "an empty list";
        return arena_printf(decoder->arena, "a list of %zu", node->children);
    case CONFIG_STRING:
        if (strlen(node->text) > FOUND_BYTES_AT_MOST)
            return "a long text";
        return arena_printf(decoder->arena, "\"%s\"", node->text);
    default:
        return node->text;
    }
}

/* Of a value that --set gives: what was meant by several. */
static const char *several_hint(const struct source_position *position, bool several)
{
    bool on_command_line = position->file && strncmp(position->file, "--set ", 6) == 0;
    return several && on_command_line ? "; several values are for \"sweep\" or zsim expand" : "";
}

void decode_expected(struct decoder *decoder, const struct config_node *node, const char *expected)
{
    const char *path = decode_path(decoder, node);
    bool several = node->kind == CONFIG_ARRAY ||
                   (node->kind == CONFIG_STRING && strchr(node->text, ',') != NULL);
    decode_error(decoder, &node->at, "%s%sexpected %s, found %s%s", path, *path ? ": " : "",
                 expected, decode_found(decoder, node), several_hint(&node->at, several));
}

void decode_check_cpu(struct decoder *decoder, const struct config_node *node, uint64_t cpu,
                      const struct config *config)
{
    if (cpu >= config->machine.cpus)
        decode_error(decoder, &node->at,
                     "%s: processor %llu, but machine.cpus is %llu (they count from 0)",
                     decode_path(decoder, node), (unsigned long long)cpu,
                     (unsigned long long)config->machine.cpus);
}

void decode_unknown(struct decoder *decoder, const struct source_position *position,
                    const char *path, const char *what, const char *word, const char *const *names,
                    size_t count)
{
    const char *several = several_hint(position, strchr(word, ',') != NULL);
    const char *nearest = *several ? NULL : nearest_name(word, names, count);
    const char *colon = *path ? ": " : "";
    if (nearest) {
        decode_error(decoder, position, "%s%s%s \"%s\"; did you mean \"%s\"?", path, colon, what,
                     word, nearest);
        return;
    }
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; count <= NAMES_LISTED_AT_MOST && i < count && used < sizeof(list); i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
    decode_error(decoder, position, "%s%s%s \"%s\"%s%s%s", path, colon, what, word,
                 *list ? "; expected one of: " : "", list, several);
}

/* ---- values -------------------------------------------------------------- */

static bool kind_fits(const struct param *row, const struct config_node *node)
{
    switch (row->type) {
    case PARAM_BOOL:
        return node->kind == CONFIG_BOOL;
    case PARAM_COUNT:
        return node->kind == CONFIG_NUMBER ||
               (node->kind == CONFIG_STRING && (row->flags & PARAM_OR_MAX));
    case PARAM_BYTES:
    case PARAM_TIME:
        return node->kind == CONFIG_NUMBER || node->kind == CONFIG_STRING;
    case PARAM_REAL:
        return node->kind == CONFIG_NUMBER;
    case PARAM_STRING:
    case PARAM_ENUM:
        return node->kind == CONFIG_STRING;
    }
    return false;
}

static bool word_fits(struct decoder *decoder, const struct param *row,
                      const struct config_node *node)
{
    const char *words[KEY_WORDS_AT_MOST];
    size_t count = config_key_words(row, words);
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], node->text) == 0)
            return true;
    decode_unknown(decoder, &node->at, decode_path(decoder, node), "unknown value", node->text,
                   words, count);
    return false;
}

/* The range of a size or time as a person writes it. */
static void expect_range(const struct param *row, char *expected, size_t size)
{
    char least[40], most[40];
    if (row->type == PARAM_BYTES) {
        print_bytes(least, sizeof(least), (uint64_t)row->least);
        print_bytes(most, sizeof(most), (uint64_t)row->most);
    } else {
        print_time(least, sizeof(least), (uint64_t)row->least);
        print_time(most, sizeof(most), (uint64_t)row->most);
    }
    snprintf(expected, size, "a value in %s..%s", least, most);
}

/* Whether the text is well formed, so that only its range can be wrong. */
static bool is_well_formed(const struct param *row, const char *text)
{
    uint64_t number;
    if (row->type == PARAM_BYTES)
        return parse_bytes(text, &number) &&
               !((row->flags & PARAM_WHOLE_PAGES) && number % PAGE_BYTES != 0);
    return row->type == PARAM_TIME && parse_time(text, &number);
}

bool decode_value(struct decoder *decoder, const struct param *row, const struct config_node *node,
                  void *fields)
{
    char expected[256] = "a text";
    if (!kind_fits(row, node)) {
        /* No type but a string accepts "?": this fills in what it does accept. */
        if (row->type != PARAM_STRING)
            params_set(row, fields, "?", expected, sizeof(expected));
        decode_expected(decoder, node, expected);
        return false;
    }
    bool empty_by_default = row->initial && !*row->initial;
    if (row->type == PARAM_STRING && !*node->text && !empty_by_default) {
        decode_expected(decoder, node, "a text that is not empty");
        return false;
    }
    if (!word_fits(decoder, row, node))
        return false;
    if (!params_set(row, fields, node->text, expected, sizeof(expected))) {
        if (is_well_formed(row, node->text))
            expect_range(row, expected, sizeof(expected));
        decode_expected(decoder, node, expected);
        return false;
    }
    return true;
}

/* ---- kernel presets ------------------------------------------------------ */

const char *kernel_preset_value(const struct kernel_preset *preset, const char *path)
{
    for (size_t i = 0; preset && preset->settings[i].path; i++)
        if (strcmp(preset->settings[i].path, path) == 0)
            return preset->settings[i].value;
    return NULL;
}

bool kernel_preset_missing(const struct kernel_preset *preset, const char **axis,
                           const char **policy)
{
    for (size_t i = 0; config_sections[i]; i++) {
        const struct config_section *section = config_sections[i];
        for (const struct axis_key *key = section->axes; key && key->name; key++) {
            char path[128];
            snprintf(path, sizeof(path), "%s.%s", section->path, key->name);
            const char *value = kernel_preset_value(preset, path);
            if (value && policy_find(key->axis, value))
                continue;
            *axis = key->axis;
            *policy = value ? value : "(none)";
            return true;
        }
    }
    return false;
}

static void bug(const char *path, const char *value, const char *expected)
{
    fprintf(stderr, "zsim: bug: kernel preset: %s = \"%s\": expected %s\n", path, value, expected);
    abort();
}

/* What follows "PREFIX." in a path; NULL when it begins otherwise. */
static const char *path_below(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(path, prefix, length) == 0 && path[length] == '.' ? path + length + 1 : NULL;
}

static const struct param *find_row(const struct param_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

/* The preset's "PREFIX.ROW" settings of a table; a preset has no path twice. */
static void apply_preset(struct decoder *decoder, const char *prefix,
                         const struct param_table *table, void *fields)
{
    if (!decoder->preset)
        return;
    for (const struct kernel_setting *set = decoder->preset->settings; set->path; set++) {
        char expected[256];
        const char *name = path_below(set->path, prefix);
        const struct param *row = name ? find_row(table, name) : NULL;
        if (row && !params_set(row, fields, set->value, expected, sizeof(expected)))
            bug(set->path, set->value, expected);
    }
}

/* ---- objects ------------------------------------------------------------- */

static bool is_structured(const struct config_section *section, const char *key)
{
    for (const struct structured_key *row = section->structured; row && row->name; row++)
        if (strcmp(row->name, key) == 0)
            return true;
    return false;
}

static void unknown_key(struct decoder *decoder, const struct config_node *node,
                        const struct config_section *section, const struct param_table *table,
                        const char *naming_key)
{
    const char *names[CANDIDATES_AT_MOST];
    size_t count = 0;
    for (size_t i = 0; i < table->count && count < CANDIDATES_AT_MOST; i++)
        names[count++] = table->rows[i].name;
    for (const struct axis_key *key = section ? section->axes : NULL;
         key && key->name && count < CANDIDATES_AT_MOST; key++)
        names[count++] = key->name;
    for (const struct structured_key *key = section ? section->structured : NULL;
         key && key->name && count < CANDIDATES_AT_MOST; key++)
        names[count++] = key->name;
    if (naming_key && count < CANDIDATES_AT_MOST)
        names[count++] = naming_key;
    decode_unknown(decoder, &node->key_at, decode_path(decoder, node->parent), "unknown key",
                   node->key, names, count);
}

static void check_required(struct decoder *decoder, const struct param_table *table,
                           const struct config_node *node)
{
    for (size_t i = 0; i < table->count; i++)
        if ((table->rows[i].flags & PARAM_REQUIRED) &&
            !config_tree_member(node, table->rows[i].name)) {
            const char *path = decode_path(decoder, node);
            decode_error(decoder, &node->at, "%s%smissing key \"%s\"", path, *path ? ": " : "",
                         table->rows[i].name);
        }
}

void decode_params(struct decoder *decoder, const struct param_table *table,
                   const struct config_node *node, const char *naming_key, void *fields)
{
    for (const struct config_node *member = node->first; member; member = member->next) {
        if (strcmp(member->key, naming_key) == 0)
            continue;
        const struct param *row = find_row(table, member->key);
        if (row)
            decode_value(decoder, row, member, fields);
        else
            unknown_key(decoder, member, NULL, table, naming_key);
    }
    check_required(decoder, table, node);
}

static const struct policy *find_policy(struct decoder *decoder, const struct policy_axis *axis,
                                        const struct config_node *node)
{
    const char *names[CANDIDATES_AT_MOST];
    size_t count = 0;
    for (; count < CANDIDATES_AT_MOST && axis->choices[count]; count++) {
        if (strcmp(axis->choices[count]->name, node->text) == 0)
            return axis->choices[count];
        names[count] = axis->choices[count]->name;
    }
    decode_unknown(decoder, &node->at, decode_path(decoder, node), "unknown value", node->text,
                   names, count);
    return NULL;
}

/* `node`: "NAME", {"policy": "NAME", ...}, an object that keeps the preset's
 * policy, or NULL. */
static void decode_axis(struct decoder *decoder, const struct config_section *section,
                        const struct axis_key *key, const struct config_node *node,
                        struct policy_choice *choice)
{
    char path[128];
    snprintf(path, sizeof(path), "%s.%s", section->path, key->name);
    const struct policy_axis *axis = plugins_axis_find(decoder->plugins, key->axis);
    const char *preset_policy = kernel_preset_value(decoder->preset, path);
    const struct config_node *named = node;
    if (node && node->kind == CONFIG_OBJECT)
        named = config_tree_member(node, "policy");
    if (named && named->kind != CONFIG_STRING) {
        decode_expected(decoder, named,
                        named == node ? "the name of a policy or an object"
                                      : "the name of a policy");
        return;
    }
    choice->policy = NULL;
    if (named && axis)
        choice->policy = find_policy(decoder, axis, named);
    else if (preset_policy)
        choice->policy = policy_find(key->axis, preset_policy);
    if (!choice->policy)
        return; /* told above, or at "kernel" */
    const struct param_table *table = &choice->policy->params;
    choice->params = table->struct_bytes ? arena_zeroed(decoder->arena, table->struct_bytes) : NULL;
    if (choice->params) {
        char prefix[192];
        snprintf(prefix, sizeof(prefix), "%s.%s", path, choice->policy->name);
        params_set_defaults(table, choice->params);
        apply_preset(decoder, prefix, table, choice->params);
    }
    if (node && node->kind == CONFIG_OBJECT)
        decode_params(decoder, table, node, "policy", choice->params);
}

static void decode_axes(struct decoder *decoder, const struct config_section *section,
                        const struct config_node *node, void *fields)
{
    for (const struct axis_key *key = section->axes; key && key->name; key++) {
        struct policy_choice *choice = (struct policy_choice *)((char *)fields + key->offset);
        decode_axis(decoder, section, key, config_tree_member(node, key->name), choice);
    }
}

void decode_section(struct decoder *decoder, const struct config_section *section,
                    const struct config_node *node, void *fields)
{
    params_set_defaults(&section->keys, fields);
    apply_preset(decoder, section->path, &section->keys, fields);
    if (node && node->kind != CONFIG_OBJECT) {
        decode_expected(decoder, node, "an object");
        node = NULL;
    }
    decode_axes(decoder, section, node, fields);
    if (!node)
        return;
    for (const struct config_node *member = node->first; member; member = member->next) {
        const struct param *row = config_section_row(section, member->key);
        if (row)
            decode_value(decoder, row, member, fields);
        else if (!config_section_axis(section, member->key) && !is_structured(section, member->key))
            unknown_key(decoder, member, section, &section->keys, NULL);
    }
    check_required(decoder, &section->keys, node);
}

/* ---- file names ---------------------------------------------------------- */

bool param_is_file_name(const struct param *row)
{
    return row->type == PARAM_STRING &&
           (strcmp(row->name, "file") == 0 || strcmp(row->name, "path") == 0);
}

const char *decode_file_name(struct decoder *decoder, const char *name)
{
    if (name[0] == '/' || !*decoder->directory)
        return name;
    return arena_printf(decoder->arena, "%s/%s", decoder->directory, name);
}

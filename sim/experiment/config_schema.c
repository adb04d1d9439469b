/* JSON Schema of a config file. */
#include <string.h>

#include "sim/base/units.h"
#include "sim/experiment/config_reference.h"
#include "sim/experiment/config_resolved.h"

#define SIZE_PATTERN "^[0-9]+(\\.[0-9]+)?(B|K|KiB|M|MiB|G|GiB|T|TiB)?$"
#define TIME_PATTERN "^(0|[0-9]+(\\.[0-9]+)?(ns|us|ms|s|min))$"

static cJSON *of_type(const char *type)
{
    cJSON *json = cJSON_CreateObject();
    if (strcmp(type, "any") != 0)
        cJSON_AddStringToObject(json, "type", type);
    return json;
}

/* The bounds as a user would write them: printed exactly by cJSON up to 2^53. */
static void add_bounds(cJSON *json, const struct param *row)
{
    if (row->least == 0 && row->most == 0) {
        if (row->type == PARAM_COUNT)
            cJSON_AddNumberToObject(json, "minimum", 0);
        return;
    }
    cJSON_AddNumberToObject(json, "minimum", row->least);
    cJSON_AddNumberToObject(json, "maximum", row->most);
}

static cJSON *text_or_whole(const char *pattern, bool whole)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *any = cJSON_AddArrayToObject(json, "anyOf");
    cJSON *text = of_type("string");
    cJSON_AddStringToObject(text, "pattern", pattern);
    cJSON_AddItemToArray(any, text);
    cJSON *number = of_type("integer");
    cJSON_AddNumberToObject(number, "minimum", 0);
    if (!whole)
        cJSON_AddNumberToObject(number, "maximum", 0); /* a time without a unit: 0 only */
    cJSON_AddItemToArray(any, number);
    return json;
}

static cJSON *or_max(cJSON *json)
{
    cJSON *both = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(both, "anyOf");
    cJSON *max = cJSON_CreateObject();
    cJSON_AddStringToObject(max, "const", "max");
    cJSON_AddItemToArray(any, json);
    cJSON_AddItemToArray(any, max);
    return both;
}

static cJSON *row_type(const struct param *row)
{
    const char *words[KEY_WORDS_AT_MOST];
    size_t count = config_key_words(row, words);
    if (count) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddItemToObject(json, "enum", cJSON_CreateStringArray(words, (int)count));
        return json;
    }
    cJSON *json;
    switch (row->type) {
    case PARAM_BOOL:
        return of_type("boolean");
    case PARAM_BYTES:
        json = text_or_whole(SIZE_PATTERN, true);
        break;
    case PARAM_TIME:
        json = text_or_whole(TIME_PATTERN, false);
        break;
    case PARAM_COUNT:
    case PARAM_REAL:
        json = of_type(row->type == PARAM_REAL ? "number" : "integer");
        add_bounds(json, row);
        break;
    default:
        return of_type("string");
    }
    return row->flags & PARAM_OR_MAX ? or_max(json) : json;
}

static void add_default(cJSON *json, const struct param *row)
{
    union {
        bool truth;
        uint64_t count;
        double real;
        const char *text;
        unsigned choice;
    } field = {0};
    struct param alone = *row;
    char expected[256];
    alone.offset = 0;
    if (row->initial && !(row->flags & (PARAM_REQUIRED | PARAM_FROM_KERNEL)) &&
        params_set(&alone, &field, row->initial, expected, sizeof(expected)))
        cJSON_AddItemToObject(json, "default", param_to_json(&alone, &field));
}

static void add_rows(cJSON *properties, cJSON *required, const struct param_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct param *row = &table->rows[i];
        cJSON *json = row_type(row);
        cJSON_AddStringToObject(json, "description", row->help ? row->help : "");
        add_default(json, row);
        cJSON_AddItemToObject(properties, row->name, json);
        if (row->flags & PARAM_REQUIRED)
            cJSON_AddItemToArray(required, cJSON_CreateString(row->name));
    }
}

/* An object with exactly these keys, one of which names its kind. */
static cJSON *named_object(const char *naming_key, const char *name, const char *summary,
                           const struct param_table *table)
{
    cJSON *json = of_type("object"), *kind = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "description", summary ? summary : "");
    cJSON *properties = cJSON_AddObjectToObject(json, "properties");
    cJSON *required = cJSON_AddArrayToObject(json, "required");
    cJSON_AddStringToObject(kind, "const", name);
    cJSON_AddItemToObject(properties, naming_key, kind);
    cJSON_AddItemToArray(required, cJSON_CreateString(naming_key));
    add_rows(properties, required, table);
    cJSON_AddBoolToObject(json, "additionalProperties", false);
    return json;
}

static cJSON *axis_type(const struct plugins *plugins, const struct axis_key *key)
{
    const struct policy_axis *axis = plugins_axis_find(plugins, key->axis);
    cJSON *json = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(json, "anyOf");
    cJSON *names = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(names, "enum");
    cJSON_AddStringToObject(json, "description", axis ? axis->question : "");
    cJSON_AddItemToArray(any, names);
    for (size_t i = 0; axis && axis->choices[i]; i++) {
        const struct policy *policy = axis->choices[i];
        cJSON_AddItemToArray(list, cJSON_CreateString(policy->name));
        cJSON_AddItemToArray(
            any, named_object("policy", policy->name, policy->summary, &policy->params));
    }
    return json;
}

static cJSON *workload_type_schema(void)
{
    cJSON *json = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(json, "anyOf");
    for (size_t i = 0; workload_types[i]; i++)
        cJSON_AddItemToArray(any,
                             named_object("type", workload_types[i]->name,
                                          workload_types[i]->summary, &workload_types[i]->params));
    return json;
}

static cJSON *content_type_schema(void)
{
    cJSON *json = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(json, "anyOf");
    for (size_t i = 0; content_types[i]; i++)
        cJSON_AddItemToArray(any,
                             named_object("type", content_types[i]->name, content_types[i]->summary,
                                          &content_types[i]->params));
    return json;
}

static cJSON *section_schema(const struct plugins *plugins, const struct config_section *section);

/* "machine.nodes[]" and "cgroups.PATH" describe the members of a list or map. */
static cJSON *structured_type(const struct plugins *plugins, const struct structured_key *key)
{
    cJSON *json = of_type(key->form);
    const struct config_section *section = key->section ? config_section_find(key->section) : NULL;
    if (section && strcmp(key->form, "array") == 0) {
        cJSON_AddItemToObject(json, "items", section_schema(plugins, section));
    } else if (section && strchr(key->section, '.')) {
        cJSON_AddItemToObject(json, "additionalProperties", section_schema(plugins, section));
    } else if (section) {
        cJSON_Delete(json);
        json = section_schema(plugins, section);
    } else if (strcmp(key->name, "workload") == 0) {
        cJSON_Delete(json);
        json = workload_type_schema();
    } else if (strcmp(key->name, "content") == 0) {
        cJSON_Delete(json);
        json = content_type_schema();
    } else if (strcmp(key->name, "contents") == 0) {
        cJSON_AddItemToObject(json, "items", content_type_schema());
    }
    if (!cJSON_GetObjectItemCaseSensitive(json, "description"))
        cJSON_AddStringToObject(json, "description", key->help);
    return json;
}

static cJSON *section_schema(const struct plugins *plugins, const struct config_section *section)
{
    cJSON *json = of_type("object");
    cJSON_AddStringToObject(json, "description", section->help);
    cJSON *properties = cJSON_AddObjectToObject(json, "properties");
    cJSON *required = cJSON_CreateArray();
    add_rows(properties, required, &section->keys);
    for (const struct axis_key *key = section->axes; key && key->name; key++)
        cJSON_AddItemToObject(properties, key->name, axis_type(plugins, key));
    for (const struct structured_key *key = section->structured; key && key->name; key++) {
        cJSON_AddItemToObject(properties, key->name, structured_type(plugins, key));
        if (strcmp(key->name, "workload") == 0 || strcmp(key->name, "tasks") == 0)
            cJSON_AddItemToArray(required, cJSON_CreateString(key->name));
    }
    if (cJSON_GetArraySize(required))
        cJSON_AddItemToObject(json, "required", required);
    else
        cJSON_Delete(required);
    cJSON_AddBoolToObject(json, "additionalProperties", false);
    return json;
}

cJSON *config_schema(const struct plugins *plugins)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    cJSON_AddStringToObject(json, "title", "zsim config");
    cJSON *document = section_schema(plugins, &section_document);
    for (cJSON *item = document->child; item;) {
        cJSON *next = item->next;
        cJSON_AddItemToObject(json, item->string, cJSON_DetachItemViaPointer(document, item));
        item = next;
    }
    cJSON_Delete(document);
    return json;
}

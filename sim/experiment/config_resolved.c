#include "sim/experiment/config_resolved.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/config_decode.h"

/* cJSON prints numbers through doubles, so every number goes in as text. */
static cJSON *count_to_json(uint64_t number)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    return cJSON_CreateRaw(text);
}

static cJSON *real_to_json(double value)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        double again = strtod(text, NULL);
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): to the last bit */
        if (memcmp(&again, &value, sizeof(value)) == 0)
            break;
    }
    return cJSON_CreateRaw(text);
}

cJSON *param_to_json(const struct param *row, const void *fields)
{
    const void *at = (const char *)fields + row->offset;
    char text[64];
    switch (row->type) {
    case PARAM_BOOL:
        return cJSON_CreateBool(*(const bool *)at);
    case PARAM_REAL:
        return real_to_json(*(const double *)at);
    case PARAM_STRING: {
        const char *string = *(const char *const *)at;
        return cJSON_CreateString(string ? string : "");
    }
    case PARAM_COUNT:
        if (!(row->flags & PARAM_OR_MAX) || *(const uint64_t *)at != UINT64_MAX)
            return count_to_json(*(const uint64_t *)at);
        break;
    default:
        break;
    }
    params_print(row, fields, text, sizeof(text));
    return cJSON_CreateString(text);
}

cJSON *config_node_to_json(const struct config_node *node)
{
    cJSON *json = NULL;
    switch (node->kind) {
    case CONFIG_OBJECT:
        json = cJSON_CreateObject();
        for (const struct config_node *member = node->first; member; member = member->next)
            cJSON_AddItemToObject(json, member->key, config_node_to_json(member));
        return json;
    case CONFIG_ARRAY:
        json = cJSON_CreateArray();
        for (const struct config_node *member = node->first; member; member = member->next)
            cJSON_AddItemToArray(json, config_node_to_json(member));
        return json;
    case CONFIG_STRING:
        return cJSON_CreateString(node->text);
    case CONFIG_NUMBER:
        return cJSON_CreateRaw(node->text);
    case CONFIG_BOOL:
        return cJSON_CreateBool(node->text[0] == 't');
    case CONFIG_NULL:
        return cJSON_CreateNull();
    }
    return NULL;
}

static void add_rows(cJSON *json, const struct param_table *table, const void *fields)
{
    for (size_t i = 0; i < table->count; i++)
        cJSON_AddItemToObject(json, table->rows[i].name, param_to_json(&table->rows[i], fields));
}

/* "global", or {"policy": "batch", "budget": 64} where it has parameters. */
static cJSON *choice_to_json(const struct policy_choice *choice)
{
    if (!choice->policy->params.count)
        return cJSON_CreateString(choice->policy->name);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "policy", choice->policy->name);
    add_rows(json, &choice->policy->params, choice->params);
    return json;
}

static cJSON *section_to_json(const struct config_section *section, const void *fields)
{
    cJSON *json = cJSON_CreateObject();
    add_rows(json, &section->keys, fields);
    for (const struct axis_key *key = section->axes; key && key->name; key++)
        cJSON_AddItemToObject(
            json, key->name,
            choice_to_json(
                (const struct policy_choice *)(const void *)((const char *)fields + key->offset)));
    return json;
}

static cJSON *machine_to_json(const struct machine_config *machine)
{
    cJSON *json = section_to_json(&section_machine, machine);
    cJSON *nodes = cJSON_AddArrayToObject(json, "nodes");
    for (uint64_t i = 0; i < machine->nodes; i++) {
        struct node_fields fields = {machine->node_memory[i]};
        cJSON *node = section_to_json(&section_node, &fields);
        cJSON *distances = cJSON_AddArrayToObject(node, "distances");
        for (uint64_t to = 0; to < machine->nodes; to++)
            cJSON_AddItemToArray(distances,
                                 cJSON_CreateNumber((double)machine->node_distances[i][to]));
        cJSON_AddItemToArray(nodes, node);
    }
    return json;
}

/* With the keys of its type. */
static cJSON *device_to_json(const struct swap_device_config *device)
{
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < section_device.keys.count; i++) {
        const struct param *row = &section_device.keys.rows[i];
        if (row->offset == offsetof(struct swap_device_config, interrupt_cpu) &&
            !device->has_interrupt_cpu)
            continue;
        if (config_device_has(device->type, row->name))
            cJSON_AddItemToObject(json, row->name, param_to_json(row, device));
    }
    if (device->latency_distribution == LATENCY_TABLE) {
        cJSON *table = cJSON_AddArrayToObject(json, "latency_table");
        for (uint32_t i = 0; i < device->latency_point_count; i++) {
            const double pair[] = {100 * device->latency_points[i].share,
                                   device->latency_points[i].factor};
            cJSON_AddItemToArray(table, cJSON_CreateDoubleArray(pair, 2));
        }
    }
    return json;
}

static cJSON *swap_to_json(const struct swap_config *swap)
{
    cJSON *json = section_to_json(&section_swap, swap);
    cJSON *devices = cJSON_AddArrayToObject(json, "devices");
    for (uint64_t i = 0; i < swap->device_count; i++)
        cJSON_AddItemToArray(devices, device_to_json(&swap->devices[i]));
    return json;
}

static cJSON *cgroups_to_json(const struct config *config)
{
    cJSON *json = cJSON_CreateObject();
    for (uint32_t i = 1; i < config->cgroup_count; i++)
        cJSON_AddItemToObject(json, config->cgroups[i].path,
                              section_to_json(&section_cgroup, &config->cgroups[i]));
    return json;
}

/* ---- tasks --------------------------------------------------------------- */

/* {"type": NAME, every parameter}; `node` was decoded without mistakes before. */
static cJSON *input_to_json(struct decoder *decoder, const char *type,
                            const struct param_table *table, const struct config_node *node)
{
    cJSON *json = cJSON_CreateObject();
    void *fields = arena_zeroed(decoder->arena, table->struct_bytes + 1);
    cJSON_AddStringToObject(json, "type", type);
    params_set_defaults(table, fields);
    decode_params(decoder, table, node, "type", fields);
    for (size_t i = 0; i < table->count; i++) {
        const struct param *row = &table->rows[i];
        if (row->initial || config_tree_member(node, row->name))
            cJSON_AddItemToObject(json, row->name, param_to_json(row, fields));
    }
    return json;
}

static cJSON *content_to_json(struct decoder *decoder, const struct config_node *node)
{
    const struct content_type *type = content_type_find(config_tree_member(node, "type")->text);
    return input_to_json(decoder, type->name, &type->params, node);
}

static cJSON *default_content_to_json(struct decoder *decoder)
{
    static const char text[] = DEFAULT_CONTENT;
    const struct config_node *node =
        config_tree_parse("default", text, sizeof(text) - 1, decoder->arena, decoder->errors);
    return content_to_json(decoder, node);
}

static cJSON *task_to_json(struct decoder *decoder, const struct config *config,
                           const struct task_config *task, const struct config_node *node)
{
    bool on_device = task->block_device != NO_BLOCK_DEVICE;
    struct task_fields fields = {
        .name = task->name,
        .device = on_device ? config->block_devices[task->block_device].name : "",
        .cpu = task->first_cpu,
        .cpu_step = 1,
        .start_ns = task->start_ns,
        .stop_ns = task->stop_ns,
        .burst = task->burst,
        .burst_reclaim = task->burst_reclaim,
        .burst_tries = task->burst_tries,
        .burst_sleep_ns = task->burst_sleep_ns,
        .think_ns = task->think_ns,
        .fill_ns = task->fill_ns,
        .count = 1,
        .load_before_store = task->load_before_store};
    const struct config_node *contents = config_tree_member(node, "contents");
    const struct config_node *content = config_tree_member(node, "content");
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < section_task.keys.count; i++) {
        const struct param *row = &section_task.keys.rows[i];
        if (strcmp(row->name, "cgroup") != 0)
            cJSON_AddItemToObject(json, row->name, param_to_json(row, &fields));
    }
    cJSON *cgroups = cJSON_AddArrayToObject(json, "cgroups");
    for (uint32_t i = 0; i < task->workload->spaces; i++)
        cJSON_AddItemToArray(cgroups, cJSON_CreateString(config->cgroups[task->cgroups[i]].path));
    cJSON_AddItemToObject(json, "workload",
                          input_to_json(decoder, task->workload->type->name,
                                        &task->workload->type->params,
                                        config_tree_member(node, "workload")));
    if (contents) {
        cJSON *list = cJSON_AddArrayToObject(json, "contents");
        for (const struct config_node *at = contents->first; at; at = at->next)
            cJSON_AddItemToArray(list, content_to_json(decoder, at));
    } else {
        cJSON_AddItemToObject(json, "content",
                              content ? content_to_json(decoder, content)
                                      : default_content_to_json(decoder));
    }
    return json;
}

static uint64_t replicas_of(const struct config_node *node)
{
    const struct config_node *count = config_tree_member(node, "count");
    return count ? strtoull(count->text, NULL, 10) : 1;
}

static cJSON *tasks_to_json(struct decoder *decoder, const struct config *config,
                            const struct config_node *list)
{
    cJSON *json = cJSON_CreateArray();
    uint32_t number = 0;
    for (const struct config_node *node = list->first; node; node = node->next)
        for (uint64_t i = replicas_of(node); i > 0; i--)
            cJSON_AddItemToArray(json,
                                 task_to_json(decoder, config, &config->tasks[number++], node));
    return json;
}

/* ---- the document -------------------------------------------------------- */

static void add_as_written(cJSON *json, const struct config_node *tree, const char *key)
{
    const struct config_node *node = config_tree_member(tree, key);
    if (node)
        cJSON_AddItemToObject(json, key, config_node_to_json(node));
}

cJSON *config_resolved(const struct experiment *experiment, uint32_t variant)
{
    const struct config *config = &experiment->variants[variant].config;
    const struct config_node *tree = experiment->variants[variant].tree;
    struct arena arena = {0};
    struct diagnostics errors = {0}; /* stays empty: everything was checked */
    struct decoder decoder = {.arena = &arena, .errors = &errors, .directory = ""};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "question", experiment->question);
    cJSON_AddStringToObject(json, "kernel", config->kernel);
    cJSON_AddItemToObject(json, "machine", machine_to_json(&config->machine));
    cJSON_AddItemToObject(json, "vm", section_to_json(&section_vm, &config->vm));
    cJSON_AddItemToObject(json, "swap", swap_to_json(&config->swap));
    cJSON *devices = cJSON_AddArrayToObject(json, "block_devices");
    for (uint32_t i = 0; i < config->block_device_count; i++)
        cJSON_AddItemToArray(devices, device_to_json(&config->block_devices[i]));
    cJSON_AddItemToObject(json, "zswap", section_to_json(&section_zswap, &config->zswap));
    cJSON_AddItemToObject(json, "cgroups", cgroups_to_json(config));
    cJSON_AddItemToObject(json, "tasks",
                          tasks_to_json(&decoder, config, config_tree_member(tree, "tasks")));
    add_as_written(json, tree, "events");
    cJSON_AddItemToObject(json, "engine", section_to_json(&section_engine, &config->engine));
    add_as_written(json, tree, "costs");
    cJSON *seeds = cJSON_AddArrayToObject(json, "seeds");
    for (uint32_t i = 0; i < experiment->seed_count; i++)
        cJSON_AddItemToArray(seeds, count_to_json(experiment->seeds[i]));
    add_as_written(json, tree, "figures");
    decoder_finish(&decoder);
    diagnostics_release(&errors);
    arena_release(&arena);
    return json;
}

cJSON *config_defaults(const struct kernel_preset *preset)
{
    struct arena arena = {0};
    struct diagnostics errors = {0}; /* stays empty: defaults are valid */
    struct decoder decoder = {.arena = &arena, .errors = &errors, .directory = ""};
    struct config config;
    config_decode_sections(&decoder, preset, &config);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kernel", preset->name);
    cJSON_AddItemToObject(json, "machine", machine_to_json(&config.machine));
    cJSON_AddItemToObject(json, "vm", section_to_json(&section_vm, &config.vm));
    cJSON_AddItemToObject(json, "swap", swap_to_json(&config.swap));
    cJSON_AddItemToObject(json, "zswap", section_to_json(&section_zswap, &config.zswap));
    cJSON_AddItemToObject(json, "engine", section_to_json(&section_engine, &config.engine));
    decoder_finish(&decoder);
    diagnostics_release(&errors);
    arena_release(&arena);
    return json;
}

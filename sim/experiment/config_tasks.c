/* "tasks": programs, their cgroups, workloads and contents. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/experiment/config_decode.h"
#include "sim/experiment/shared_inputs.h"

enum {
    TASKS_AT_MOST = USUAL_OR_FUZZING(65000, 500),
    TYPES_AT_MOST = 64,
    CANDIDATES_AT_MOST = 64,
};

uint64_t task_stream_seed(uint64_t run_seed, uint32_t task)
{
    return task == 0 ? run_seed : random_splitmix(run_seed ^ random_splitmix(task));
}

/* ---- inputs -------------------------------------------------------------- */

/* A chosen type and its parameters, ready to be opened. */
struct input_choice {
    const void *type; /* NULL: a mistake, told */
    void *params;
    struct source_position position;
};

static const void *find_workload_type(const char *name, const struct param_table **table)
{
    const struct workload_type *type = workload_type_find(name);
    *table = type ? &type->params : NULL;
    return type;
}

static const void *find_content_type(const char *name, const struct param_table **table)
{
    const struct content_type *type = content_type_find(name);
    *table = type ? &type->params : NULL;
    return type;
}

static size_t workload_names(const char **names)
{
    size_t count = 0;
    for (; count < TYPES_AT_MOST && workload_types[count]; count++)
        names[count] = workload_types[count]->name;
    return count;
}

static size_t content_names(const char **names)
{
    size_t count = 0;
    for (; count < TYPES_AT_MOST && content_types[count]; count++)
        names[count] = content_types[count]->name;
    return count;
}

static void resolve_file_names(struct decoder *decoder, const struct param_table *table,
                               void *params)
{
    for (size_t i = 0; i < table->count; i++) {
        const char **text = (const char **)((char *)params + table->rows[i].offset);
        if (param_is_file_name(&table->rows[i]) && *text)
            *text = decode_file_name(decoder, *text);
    }
}

/* {"type": NAME, ...} */
static struct input_choice decode_input(struct decoder *decoder, const struct config_node *node,
                                        const void *(*find_type)(const char *,
                                                                 const struct param_table **),
                                        size_t (*list_names)(const char **))
{
    struct input_choice choice = {.position = node->at};
    if (node->kind != CONFIG_OBJECT) {
        decode_expected(decoder, node, "an object such as {\"type\": ...}");
        return choice;
    }
    const struct config_node *type = config_tree_member(node, "type");
    if (!type) {
        decode_error(decoder, &node->at, "%s: missing key \"type\"", decode_path(decoder, node));
        return choice;
    }
    if (type->kind != CONFIG_STRING) {
        decode_expected(decoder, type, "the name of a type");
        return choice;
    }
    const struct param_table *table;
    const void *found = find_type(type->text, &table);
    if (!found) {
        const char *names[TYPES_AT_MOST];
        decode_unknown(decoder, &type->at, decode_path(decoder, type), "unknown type", type->text,
                       names, list_names(names));
        return choice;
    }
    size_t mistakes = decoder->mistakes;
    choice.params = arena_zeroed(decoder->arena, table->struct_bytes + 1);
    params_set_defaults(table, choice.params);
    decode_params(decoder, table, node, "type", choice.params);
    resolve_file_names(decoder, table, choice.params);
    const struct config_node *file = config_tree_member(node, "file");
    if (file)
        choice.position = file->at;
    if (decoder->mistakes == mistakes)
        choice.type = found;
    return choice;
}

/* Contents of a task that says nothing about them. */
static struct input_choice default_content(struct decoder *decoder, const struct config_node *task)
{
    struct input_choice choice = {.position = task->at};
    const struct content_type *type = content_type_find(DEFAULT_CONTENT_TYPE);
    if (!type)
        return choice;
    choice.params = arena_zeroed(decoder->arena, type->params.struct_bytes + 1);
    params_set_defaults(&type->params, choice.params);
    for (size_t i = 0; i < type->params.count; i++) {
        char expected[256];
        if (strcmp(type->params.rows[i].name, "classes") == 0)
            params_set(&type->params.rows[i], choice.params, DEFAULT_CONTENT_CLASSES, expected,
                       sizeof(expected));
    }
    choice.type = type;
    return choice;
}

/* ---- one entry of "tasks" ------------------------------------------------ */

struct task_plan {
    const struct config_node *node;
    struct task_fields fields;
    bool has_cpu;
    struct input_choice workload;
    struct input_choice *contents; /* 1, or one a space */
    uint32_t *cgroups;             /* 1, or one a space */
    uint32_t block_device;
    size_t content_count, cgroup_count;
    uint32_t *replica_cgroups; /* that replicas are dealt out to; NULL: all to the same */
    size_t replica_cgroup_count;
};

/* The value of "one" or the elements of "many", whichever is there. */
static const struct config_node *one_or_many(struct decoder *decoder,
                                             const struct config_node *task, const char *one,
                                             const char *many, size_t *count)
{
    const struct config_node *single = config_tree_member(task, one);
    const struct config_node *list = config_tree_member(task, many);
    *count = single ? 1 : 0;
    if (!list)
        return single;
    if (single)
        decode_error(decoder, &list->key_at, "%s: both \"%s\" and \"%s\"; expected one of them",
                     decode_path(decoder, task), one, many);
    if (list->kind != CONFIG_ARRAY || list->children == 0) {
        decode_expected(decoder, list, "a list, one entry for each space of the workload");
        return single;
    }
    *count = list->children;
    return list->first;
}

/* "cgroup": one for all replicas, or a range that they are dealt out to. */
static void plan_replica_cgroups(struct decoder *decoder, struct task_plan *plan,
                                 const struct config_node *node)
{
    uint32_t *indexes;
    size_t count;
    if (!decode_cgroup_names(decoder, node, &indexes, &count))
        return;
    plan->cgroups[0] = indexes[0];
    if (count == 1)
        return;
    if (plan->fields.count % count) {
        decode_error(decoder, &node->at,
                     "%s: %zu cgroups for %llu replicas; expected \"count\" to be a multiple",
                     decode_path(decoder, node), count, (unsigned long long)plan->fields.count);
        return;
    }
    plan->replica_cgroups = indexes;
    plan->replica_cgroup_count = count;
}

static void plan_cgroups(struct decoder *decoder, struct task_plan *plan)
{
    size_t count;
    const struct config_node *at = one_or_many(decoder, plan->node, "cgroup", "cgroups", &count);
    plan->cgroup_count = count ? count : 1;
    plan->cgroups = arena_zeroed(decoder->arena, plan->cgroup_count * sizeof(*plan->cgroups));
    for (size_t i = 0; i < count; i++, at = at->next) {
        bool told = at->key && at->kind != CONFIG_STRING; /* by its row */
        if (told)
            continue;
        if (at->key)
            plan_replica_cgroups(decoder, plan, at);
        else
            decode_cgroup_name(decoder, at, &plan->cgroups[i]);
    }
}

static void plan_contents(struct decoder *decoder, struct task_plan *plan)
{
    size_t count;
    const struct config_node *at = one_or_many(decoder, plan->node, "content", "contents", &count);
    plan->content_count = count ? count : 1;
    plan->contents = arena_zeroed(decoder->arena, plan->content_count * sizeof(*plan->contents));
    if (count == 0)
        plan->contents[0] = default_content(decoder, plan->node);
    for (size_t i = 0; at && i < count; i++, at = at->next)
        plan->contents[i] = decode_input(decoder, at, find_content_type, content_names);
}

/* The block device that the task names. */
static void plan_device(struct decoder *decoder, const struct config *config,
                        struct task_plan *plan)
{
    plan->block_device = NO_BLOCK_DEVICE;
    const char *names[CANDIDATES_AT_MOST];
    size_t count = 0;
    if (!plan->fields.device || !*plan->fields.device)
        return;
    for (uint32_t i = 0; i < config->block_device_count; i++) {
        const char *name = config->block_devices[i].name;
        if (name && strcmp(name, plan->fields.device) == 0)
            plan->block_device = i;
        if (name && count < CANDIDATES_AT_MOST)
            names[count++] = name;
    }
    const struct config_node *at = config_tree_member(plan->node, "device");
    if (plan->block_device == NO_BLOCK_DEVICE)
        decode_unknown(decoder, &at->at, decode_path(decoder, at), "unknown block device",
                       plan->fields.device, names, count);
}

static void plan_task(struct decoder *decoder, const struct config_node *node,
                      const struct config *config, struct task_plan *plan)
{
    plan->node = node;
    plan->fields.count = 1;
    decode_section(decoder, &section_task, node, &plan->fields);
    if (node->kind != CONFIG_OBJECT)
        return;
    const struct config_node *workload = config_tree_member(node, "workload");
    if (workload)
        plan->workload = decode_input(decoder, workload, find_workload_type, workload_names);
    else
        decode_error(decoder, &node->at, "%s: missing key \"workload\"",
                     decode_path(decoder, node));
    plan_cgroups(decoder, plan);
    plan_contents(decoder, plan);
    plan_device(decoder, config, plan);
    const struct config_node *cpu = config_tree_member(node, "cpu");
    plan->has_cpu = cpu;
    const struct config_node *stop = config_tree_member(node, "stop");
    if (stop && plan->fields.stop_ns && plan->fields.stop_ns <= plan->fields.start_ns)
        decode_error(decoder, &stop->at, "%s: expected a time after \"start\"",
                     decode_path(decoder, stop));
    if (cpu)
        decode_check_cpu(decoder, cpu, plan->fields.cpu, config);
}

/* ---- opening ------------------------------------------------------------- */

static bool check_spaces(struct decoder *decoder, const struct task_plan *plan, const char *key,
                         size_t count, const struct workload *workload)
{
    if (count == 1 && !config_tree_member(plan->node, key))
        return true; /* one for all spaces */
    if (count == workload->spaces)
        return true;
    const struct config_node *list = config_tree_member(plan->node, key);
    decode_error(decoder, &list->at, "%s: %zu given, but the workload has %u address space%s",
                 decode_path(decoder, list), count, workload->spaces,
                 workload->spaces == 1 ? "" : "s");
    return false;
}

static void open_contents(struct decoder *decoder, const struct task_plan *plan,
                          struct task_config *task)
{
    uint32_t spaces = task->workload->spaces;
    task->contents = arena_zeroed(decoder->arena, spaces * sizeof(*task->contents));
    for (uint32_t i = 0; i < spaces; i++) {
        const struct input_choice *choice = &plan->contents[plan->content_count > 1 ? i : 0];
        if (choice->type)
            task->contents[i] = shared_inputs_content(decoder->inputs, choice->type, choice->params,
                                                      task->workload->space_pages[i],
                                                      &choice->position, decoder->errors);
    }
}

static void open_task(struct decoder *decoder, const struct task_plan *plan, uint32_t number,
                      uint64_t replica, struct task_config *task)
{
    if (!plan->workload.type)
        return;
    task->workload = shared_inputs_workload(
        decoder->inputs, plan->workload.type, plan->workload.params,
        task_stream_seed(decoder->seed, number), &plan->workload.position, decoder->errors);
    if (!task->workload)
        return;
    bool fits = check_spaces(decoder, plan, "cgroups", plan->cgroup_count, task->workload);
    fits &= check_spaces(decoder, plan, "contents", plan->content_count, task->workload);
    if (!fits)
        return;
    uint32_t spaces = task->workload->spaces;
    task->cgroups = arena_zeroed(decoder->arena, spaces * sizeof(*task->cgroups));
    for (uint32_t i = 0; i < spaces; i++)
        task->cgroups[i] = plan->replica_cgroups
                               ? plan->replica_cgroups[replica % plan->replica_cgroup_count]
                               : plan->cgroups[plan->cgroup_count > 1 ? i : 0];
    open_contents(decoder, plan, task);
}

static void add_replicas(struct decoder *decoder, const struct task_plan *plan,
                         struct config *config)
{
    for (uint64_t i = 0; i < plan->fields.count; i++) {
        uint32_t number = config->task_count++;
        struct task_config *task = &config->tasks[number];
        const char *name = plan->fields.name ? plan->fields.name : "";
        bool replicated = plan->fields.count > 1;
        task->name = replicated
                         ? arena_printf(decoder->arena, "%s.%llu", name, (unsigned long long)i)
                         : name;
        uint64_t first = plan->has_cpu ? plan->fields.cpu : number - i;
        uint64_t cpu = first + i * plan->fields.cpu_step;
        task->first_replica = number - (uint32_t)i;
        task->first_cpu = cpu % config->machine.cpus;
        task->start_ns = plan->fields.start_ns;
        task->stop_ns = plan->fields.stop_ns;
        task->burst = plan->fields.burst;
        task->burst_reclaim = plan->fields.burst_reclaim;
        task->burst_tries = plan->fields.burst_tries;
        task->burst_sleep_ns = plan->fields.burst_sleep_ns;
        task->think_ns = plan->fields.think_ns;
        task->fill_ns = plan->fields.fill_ns;
        task->load_before_store = plan->fields.load_before_store;
        task->block_device = plan->block_device;
        open_task(decoder, plan, number, i, task);
    }
}

/* Lay the files of the tasks on each block device one after the other. */
static void place_files(struct decoder *decoder, const struct config_node *list,
                        struct config *config)
{
    for (uint32_t device = 0; device < config->block_device_count; device++) {
        uint64_t blocks = 0, room = config->block_devices[device].size / PAGE_BYTES;
        for (uint32_t i = 0; i < config->task_count; i++) {
            struct task_config *task = &config->tasks[i];
            if (task->block_device != device || !task->workload)
                continue;
            if (task->workload->spaces != 1)
                decode_error(decoder, &list->at,
                             "tasks: %s is on a device and has %u address spaces; expected one",
                             task->name, task->workload->spaces);
            task->first_block = blocks;
            blocks += task->workload->space_pages[0];
        }
        if (blocks > room)
            decode_error(decoder, &list->at,
                         "tasks: the files on %s take %llu pages, but it has %llu",
                         config->block_devices[device].name, (unsigned long long)blocks,
                         (unsigned long long)room);
    }
}

static void check_names(struct decoder *decoder, const struct task_plan *plans, size_t count)
{
    size_t slots = 64;
    while (slots < count * 2)
        slots *= 2;
    const struct task_plan **table = memory_zeroed(slots, sizeof(*table), "the names of tasks");
    for (size_t i = 0; i < count; i++) {
        const char *text = plans[i].fields.name;
        if (!text)
            continue;
        size_t slot = XXH3_64bits(text, strlen(text)) & (slots - 1);
        while (table[slot] && strcmp(table[slot]->fields.name, text) != 0)
            slot = (slot + 1) & (slots - 1);
        if (!table[slot]) {
            table[slot] = &plans[i];
            continue;
        }
        const struct config_node *name = config_tree_member(plans[i].node, "name");
        decode_error(decoder, &name->at, "%s: \"%s\" is already the name of %s",
                     decode_path(decoder, name), name->text,
                     decode_path(decoder, table[slot]->node));
    }
    free(table);
}

void decode_tasks(struct decoder *decoder, const struct config_node *tree, struct config *config)
{
    const struct config_node *list = config_tree_member(tree, "tasks");
    if (!list) {
        decode_error(decoder, &tree->at, "missing key \"tasks\"");
        return;
    }
    if (list->kind != CONFIG_ARRAY || list->children == 0) {
        decode_expected(decoder, list, "a list of at least one task");
        return;
    }
    if (list->children > TASKS_AT_MOST) {
        decode_error(decoder, &list->at, "tasks: expected at most %d, found %zu", TASKS_AT_MOST,
                     list->children);
        return;
    }
    struct task_plan *plans = arena_zeroed(decoder->arena, list->children * sizeof(*plans));
    uint64_t total = 0;
    size_t count = 0;
    for (const struct config_node *node = list->first; node; node = node->next) {
        plan_task(decoder, node, config, &plans[count]);
        total += plans[count++].fields.count;
    }
    check_names(decoder, plans, count);
    if (total > TASKS_AT_MOST) {
        decode_error(decoder, &list->at, "tasks: expected at most %d, found %llu", TASKS_AT_MOST,
                     (unsigned long long)total);
        return;
    }
    config->tasks = arena_zeroed(decoder->arena, total * sizeof(*config->tasks));
    for (size_t i = 0; i < count; i++)
        add_replicas(decoder, &plans[i], config);
    place_files(decoder, list, config);
}

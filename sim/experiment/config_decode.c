#include "sim/experiment/config_decode.h"

#include <stdlib.h>
#include <string.h>

#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/engine/costs_table.h"
#include "sim/experiment/metrics.h"

/* ---- "kernel" ------------------------------------------------------------ */

/* All names: a misspelt number is as near to any of them. */
static void unknown_kernel(struct decoder *decoder, const struct config_node *node)
{
    const struct kernel_preset *before = NULL;
    const char *list = "", *axis, *policy;
    unsigned major, minor;
    for (const struct kernel_preset *preset = kernel_presets; preset->name; preset++)
        if (!kernel_preset_missing(preset, &axis, &policy))
            list = arena_printf(decoder->arena, "%s%s%s", list, *list ? ", " : "", preset->name);
    if (sscanf(node->text, "v%u.%u", &major, &minor) == 2)
        before = kernel_preset_before(major, minor);
    decode_error(decoder, &node->at, "kernel: unknown kernel \"%s\"; expected one of: %s%s%s%s",
                 node->text, list, before ? " (the last before it: " : "",
                 before ? before->name : "", before ? ")" : "");
}

const struct kernel_preset *decode_kernel(struct decoder *decoder, const struct config_node *tree)
{
    const struct config_node *node = config_tree_member(tree, "kernel");
    const char *name = DEFAULT_KERNEL, *axis, *policy;
    if (node && node->kind != CONFIG_STRING) {
        decode_expected(decoder, node, "the name of a kernel preset");
        return NULL;
    }
    if (node)
        name = node->text;
    const struct kernel_preset *preset = kernel_preset_find(name);
    if (!preset) {
        unknown_kernel(decoder, node);
        return NULL;
    }
    if (kernel_preset_missing(preset, &axis, &policy)) {
        decode_error(decoder, node ? &node->at : &tree->at,
                     "kernel: \"%s\" needs the %s policy \"%s\", which this build does not have",
                     name, axis, policy);
        return NULL;
    }
    return preset;
}

/* ---- "machine" ----------------------------------------------------------- */

/* A node's row of distances, once all nodes are known. */
static void decode_distances(struct decoder *decoder, const struct config_node *list,
                             struct machine_config *machine, uint64_t from)
{
    uint64_t *row = machine->node_distances[from], to = 0;
    for (uint64_t i = 0; i < machine->nodes; i++)
        row[i] = i == from ? DISTANCE_LOCAL : DISTANCE_REMOTE;
    if (!list)
        return;
    if (list->kind != CONFIG_ARRAY || list->children != machine->nodes) {
        decode_expected(decoder, list, "a distance to each of machine.nodes");
        return;
    }
    for (const struct config_node *node = list->first; node; node = node->next, to++) {
        if (node->kind != CONFIG_NUMBER || !parse_count(node->text, &row[to]) ||
            row[to] < DISTANCE_LOCAL || row[to] > DISTANCE_MOST)
            decode_expected(decoder, node, "a distance of 10 to 254");
        else if ((row[to] == DISTANCE_LOCAL) != (to == from))
            decode_expected(decoder, node, "10 to the node itself and more to all others");
    }
}

static void decode_nodes(struct decoder *decoder, const struct config_node *list,
                         struct machine_config *machine)
{
    machine->nodes = 1;
    machine->node_memory[0] = 4ull << 30;
    machine->node_distances[0][0] = DISTANCE_LOCAL;
    if (!list)
        return;
    if (list->kind != CONFIG_ARRAY || list->children == 0 || list->children > NODES_AT_MOST) {
        decode_expected(decoder, list, "a list of 1 to 8 nodes");
        return;
    }
    machine->nodes = 0;
    for (const struct config_node *node = list->first; node; node = node->next) {
        struct node_fields fields = {0};
        decode_section(decoder, &section_node, node, &fields);
        machine->node_memory[machine->nodes++] = fields.memory;
    }
    uint64_t from = 0;
    for (const struct config_node *node = list->first; node; node = node->next)
        decode_distances(decoder, config_tree_member(node, "distances"), machine, from++);
}

static void decode_machine(struct decoder *decoder, const struct config_node *node,
                           struct machine_config *machine)
{
    decode_section(decoder, &section_machine, node, machine);
    decode_nodes(decoder, config_tree_member(node, "nodes"), machine);
    const struct config_node *sockets = config_tree_member(node, "sockets");
    if (sockets && machine->sockets > machine->cpus)
        decode_error(decoder, &sockets->at,
                     "machine.sockets: %llu sockets, but machine.cpus is %llu",
                     (unsigned long long)machine->sockets, (unsigned long long)machine->cpus);
    const struct config_node *tlb = config_tree_member(node, "tlb");
    if (tlb && machine->tlb != TLB_NONE && machine->cpus > 1)
        decode_error(decoder, &tlb->at,
                     "machine.tlb: of one processor alone, but machine.cpus is %llu",
                     (unsigned long long)machine->cpus);
    const struct config_node *threads = config_tree_member(node, "threads_per_core");
    uint64_t run = machine->sockets * machine->threads_per_core;
    if (threads && machine->threads_per_core > 1 && machine->cpus % run)
        decode_error(decoder, &threads->at,
                     "machine.threads_per_core: machine.cpus is %llu, not a multiple of %llu "
                     "(sockets times threads of a core)",
                     (unsigned long long)machine->cpus, (unsigned long long)run);
}

/* ---- "swap" -------------------------------------------------------------- */

/* The last device of a list must not have the name of another. */
static void check_device_name(struct decoder *decoder, const struct config_node *node,
                              const struct swap_device_config *devices, uint64_t count)
{
    const char *name = devices[count - 1].name;
    for (uint64_t i = 0; name && i + 1 < count; i++)
        if (devices[i].name && strcmp(devices[i].name, name) == 0) {
            const struct config_node *at = config_tree_member(node, "name");
            decode_error(decoder, &at->at, "%s: \"%s\" is already the name of %s[%llu]",
                         decode_path(decoder, at), name, decode_path(decoder, node->parent),
                         (unsigned long long)i);
        }
}

/* Keys that devices of this type do not have. */
static void check_device_keys(struct decoder *decoder, const struct config_node *node,
                              const struct swap_device_config *device)
{
    for (const struct config_node *member = node->first; member; member = member->next)
        if (config_section_row(&section_device, member->key) &&
            !config_device_has(device->type, member->key))
            decode_error(decoder, &member->key_at, "%s: only a device of type \"%s\" has \"%s\"",
                         decode_path(decoder, node), device->type == DEVICE_ZRAM ? "disk" : "zram",
                         member->key);
}

/* One pair of "latency_table"; false: not a quantile behind the one before. */
static bool decode_latency_point(const struct config_node *node, const struct latency_point *before,
                                 struct latency_point *point)
{
    const struct config_node *percent = node->first;
    if (node->kind != CONFIG_ARRAY || node->children != 2 || percent->kind != CONFIG_NUMBER ||
        percent->next->kind != CONFIG_NUMBER)
        return false;
    *point = (struct latency_point){strtod(percent->text, NULL) / 100,
                                    strtod(percent->next->text, NULL)};
    if (!before)
        return point->share == 0 && point->factor >= 0;
    return point->share > before->share && point->share <= 1 && point->factor >= before->factor;
}

static void decode_latency_table(struct decoder *decoder, const struct config_node *node,
                                 struct swap_device_config *device)
{
    const struct config_node *list = config_tree_member(node, "latency_table");
    bool wanted = device->latency_distribution == LATENCY_TABLE;
    if (!list && wanted)
        decode_error(decoder, &node->at,
                     "%s: latency_distribution \"table\" needs \"latency_table\"",
                     decode_path(decoder, node));
    if (!list)
        return;
    if (!wanted) {
        decode_error(decoder, &list->at,
                     "%s: has no meaning but with latency_distribution \"table\"",
                     decode_path(decoder, list));
        return;
    }
    if (list->kind != CONFIG_ARRAY || list->children < 2 ||
        list->children > LATENCY_POINTS_AT_MOST) {
        decode_expected(decoder, list, "a list of 2 to 32 pairs [percent, factor]");
        return;
    }
    for (const struct config_node *pair = list->first; pair; pair = pair->next) {
        uint32_t at = device->latency_point_count++;
        struct latency_point *points = device->latency_points;
        if (!decode_latency_point(pair, at ? &points[at - 1] : NULL, &points[at]) ||
            (!pair->next && points[at].share < 1)) {
            decode_expected(decoder, pair,
                            "a pair [percent, factor], rising from 0 percent to 100");
            return;
        }
    }
}

/* One device of a list, its type's own rules applied. */
static void decode_device(struct decoder *decoder, const struct config_node *node,
                          struct swap_device_config *device)
{
    decode_section(decoder, &section_device, node, device);
    int compressor = compressor_find(device->compressor_name);
    device->compressor = compressor < 0 ? 0 : (unsigned)compressor;
    if (!node || node->kind != CONFIG_OBJECT)
        return;
    check_device_keys(decoder, node, device);
    decode_latency_table(decoder, node, device);
    device->has_interrupt_cpu = config_tree_member(node, "interrupt_cpu");
    if (device->type == DEVICE_ZRAM)
        device->synchronous = true;
}

static void decode_swap(struct decoder *decoder, const struct config_node *node,
                        struct swap_config *swap)
{
    decode_section(decoder, &section_swap, node, swap);
    const struct config_node *list = config_tree_member(node, "devices");
    if (list && list->kind != CONFIG_ARRAY) {
        decode_expected(decoder, list, "a list of devices");
        return;
    }
    size_t count = list ? list->children : 1;
    if (count > SWAP_DEVICES_AT_MOST) {
        decode_expected(decoder, list, "a list of at most 32 devices");
        return;
    }
    swap->devices = arena_zeroed(decoder->arena, count * sizeof(*swap->devices) + 1);
    if (!list) {
        decode_device(decoder, NULL, &swap->devices[0]);
        swap->devices[0].name = "nvme0";
        swap->devices[0].size = 8ull << 30;
        swap->device_count = 1;
        return;
    }
    for (const struct config_node *device = list->first; device; device = device->next) {
        decode_device(decoder, device, &swap->devices[swap->device_count++]);
        check_device_name(decoder, device, swap->devices, swap->device_count);
    }
}

static void decode_block_devices(struct decoder *decoder, const struct config_node *list,
                                 struct config *config)
{
    if (!list)
        return;
    if (list->kind != CONFIG_ARRAY) {
        decode_expected(decoder, list, "a list of devices");
        return;
    }
    config->block_devices =
        arena_zeroed(decoder->arena, list->children * sizeof(*config->block_devices) + 1);
    for (const struct config_node *device = list->first; device; device = device->next) {
        decode_device(decoder, device, &config->block_devices[config->block_device_count++]);
        check_device_name(decoder, device, config->block_devices, config->block_device_count);
    }
}

/* ---- "costs" ------------------------------------------------------------- */

/* A cost table read for this experiment. */
struct cost_file {
    struct cost_file *next;
    const char *path;
    struct costs costs;
};

static void decode_costs(struct decoder *decoder, const struct config_node *node,
                         struct costs *costs)
{
    costs_set_builtin(costs);
    if (!node)
        return;
    if (node->kind != CONFIG_STRING || !*node->text) {
        decode_expected(decoder, node, "the name of a cost table file");
        return;
    }
    const char *path = decode_file_name(decoder, node->text);
    struct cost_file *file = decoder->cost_files;
    while (file && strcmp(file->path, path) != 0)
        file = file->next;
    if (!file) {
        file = arena_zeroed(decoder->arena, sizeof(*file));
        file->path = path;
        file->next = decoder->cost_files;
        decoder->cost_files = file;
        size_t before = decoder->errors->count;
        if (!costs_read(path, &file->costs, decoder->arena, decoder->errors) &&
            decoder->errors->count > before)
            decode_error(decoder, &node->at, "costs: the table \"%s\" has mistakes", node->text);
    }
    *costs = file->costs;
}

/* ---- the document -------------------------------------------------------- */

static void check_text(struct decoder *decoder, const struct config_node *tree, const char *key)
{
    const struct config_node *node = config_tree_member(tree, key);
    if (node && node->kind != CONFIG_STRING)
        decode_expected(decoder, node, "a text");
}

/* A metric that a figure names; which of them it has is up to its template (scripts/figures). */
static void check_metric(struct decoder *decoder, const struct config_node *node)
{
    char nearest[METRIC_NAME_BYTES];
    const char *path = decode_path(decoder, node);
    if (node->kind != CONFIG_STRING)
        decode_expected(decoder, node, "the name of a metric");
    else if (metric_is_known(node->text))
        return;
    else if (metric_nearest(node->text, nearest))
        decode_error(decoder, &node->at, "%s: unknown metric \"%s\"; did you mean \"%s\"?", path,
                     node->text, nearest);
    else
        decode_error(decoder, &node->at, "%s: unknown metric \"%s\" (zsim list metrics)", path,
                     node->text);
}

static void check_metrics(struct decoder *decoder, const struct config_node *figure)
{
    const struct config_node *metric = config_tree_member(figure, "metric");
    const struct config_node *metrics = config_tree_member(figure, "metrics");
    if (metric)
        check_metric(decoder, metric);
    if (metrics && metrics->kind != CONFIG_ARRAY)
        decode_expected(decoder, metrics, "a list of metrics");
    else if (metrics)
        for (const struct config_node *node = metrics->first; node; node = node->next)
            check_metric(decoder, node);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Those of scripts/figures/figures.jq: a mistake is told before a long run, not behind it. */
static void check_template(struct decoder *decoder, const struct config_node *node)
{
    static const char *const names[] = {"series",  "bars",    "nodes",     "cdf",
                                        "stacked", "scaling", "heatmap",   "dots",
                                        "tiers",   "front",   "multiples", "difference"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    if (!is_one_of(node->text, names, NAMES))
        decode_unknown(decoder, &node->at, decode_path(decoder, node), "unknown template",
                       node->text, names, NAMES);
}

/* Each template has some of these; what they may be it says itself. */
static void check_figure_keys(struct decoder *decoder, const struct config_node *figure)
{
    static const char *const names[] = {"template", "title",   "name", "variants", "x_label",
                                        "y_label",  "metrics", "x",    "y",        "metric",
                                        "relative", "seed",    "rate", "kind",     "tail",
                                        "without",  "by",      "per",  "log"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    for (const struct config_node *node = figure->first; node; node = node->next)
        if (!is_one_of(node->key, names, NAMES))
            decode_unknown(decoder, &node->key_at, decode_path(decoder, figure), "unknown key",
                           node->key, names, NAMES);
}

static void check_figures(struct decoder *decoder, const struct config_node *list)
{
    if (!list)
        return;
    if (list->kind != CONFIG_ARRAY) {
        decode_expected(decoder, list, "a list of figures");
        return;
    }
    for (const struct config_node *figure = list->first; figure; figure = figure->next) {
        if (figure->kind != CONFIG_OBJECT) {
            decode_expected(decoder, figure, "an object");
            continue;
        }
        static const char *const required[] = {"template", "title"};
        for (size_t i = 0; i < 2; i++) {
            const struct config_node *node = config_tree_member(figure, required[i]);
            if (!node)
                decode_error(decoder, &figure->at, "%s: missing key \"%s\"",
                             decode_path(decoder, figure), required[i]);
            else if (node->kind != CONFIG_STRING)
                decode_expected(decoder, node, "a text");
            else if (i == 0)
                check_template(decoder, node);
        }
        check_figure_keys(decoder, figure);
        check_metrics(decoder, figure);
    }
}

/* Each is a processor of the machine. */
static void check_interrupts(struct decoder *decoder, const struct config_node *swap,
                             const struct config *config)
{
    const struct config_node *list = config_tree_member(swap, "devices");
    for (const struct config_node *device = list ? list->first : NULL; device;
         device = device->next) {
        const struct config_node *cpu = config_tree_member(device, "interrupt_cpu");
        uint64_t number;
        if (cpu && cpu->kind == CONFIG_NUMBER && parse_count(cpu->text, &number))
            decode_check_cpu(decoder, cpu, number, config);
    }
}

/* The LRUs with which a writeback policy finds entries, in a list. */
static const char *lrus_of_writeback(struct decoder *decoder, const struct writeback_hooks *hooks)
{
    const char *names = "";
    for (const struct policy *const *lru = policy_axis_find("zswap_lru")->choices; *lru; lru++)
        if (hooks->takes_from((*lru)->hooks))
            names = arena_printf(decoder->arena, "%s%s%s", names, *names ? ", " : "", (*lru)->name);
    return names;
}

/* Writeback that looks for entries where none are would do nothing, without a word.  An LRU that
 * keeps none goes with all. */
static void check_writeback(struct decoder *decoder, const struct config_node *zswap,
                            const struct zswap_config *config)
{
    const struct config_node *writeback = config_tree_member(zswap, "writeback");
    const struct config_node *lru = config_tree_member(zswap, "lru");
    if ((!writeback && !lru) || !config->writeback.policy || !config->lru.policy)
        return;
    const struct writeback_hooks *hooks = config->writeback.policy->hooks;
    const struct zswap_lru_hooks *keeps = config->lru.policy->hooks;
    if (!hooks->takes_from || hooks->takes_from(keeps) ||
        (!keeps->group_of_pool && !keeps->in_allocator))
        return;
    const struct config_node *at = writeback ? writeback : lru;
    decode_error(decoder, &at->at,
                 "%s: writeback \"%s\" finds no entries with zswap.lru \"%s\"; it goes with: %s",
                 decode_path(decoder, at), config->writeback.policy->name, config->lru.policy->name,
                 lrus_of_writeback(decoder, hooks));
}

/* The sections that are one object each; `tree` NULL: defaults alone. */
static void decode_sections(struct decoder *decoder, const struct config_node *tree,
                            struct config *config)
{
    memset(config, 0, sizeof(*config));
    config->kernel = decoder->preset ? decoder->preset->name : NULL;
    decode_machine(decoder, config_tree_member(tree, "machine"), &config->machine);
    decode_section(decoder, &section_vm, config_tree_member(tree, "vm"), &config->vm);
    decode_swap(decoder, config_tree_member(tree, "swap"), &config->swap);
    check_interrupts(decoder, config_tree_member(tree, "swap"), config);
    decode_block_devices(decoder, config_tree_member(tree, "block_devices"), config);
    decode_section(decoder, &section_zswap, config_tree_member(tree, "zswap"), &config->zswap);
    int compressor = compressor_find(config->zswap.compressor_name);
    config->zswap.compressor = compressor < 0 ? 0 : (unsigned)compressor;
    check_writeback(decoder, config_tree_member(tree, "zswap"), &config->zswap);
    decode_section(decoder, &section_engine, config_tree_member(tree, "engine"), &config->engine);
}

void config_decode_sections(struct decoder *decoder, const struct kernel_preset *preset,
                            struct config *config)
{
    decoder->preset = preset;
    decode_sections(decoder, NULL, config);
}

/* "cgroup" of a policy: a path that is there. */
static void check_policy_cgroups(struct decoder *decoder, const struct config_node *object,
                                 const struct config_section *section)
{
    uint32_t index;
    for (const struct axis_key *key = section->axes; object && key && key->name; key++) {
        const struct config_node *policy = config_tree_member(object, key->name);
        const struct config_node *cgroup =
            policy && policy->kind == CONFIG_OBJECT ? config_tree_member(policy, "cgroup") : NULL;
        if (cgroup && cgroup->kind == CONFIG_STRING && *cgroup->text)
            decode_cgroup_name(decoder, cgroup, &index);
    }
}

void config_decode(struct decoder *decoder, const struct config_node *tree, struct config *config)
{
    decoder->preset = decode_kernel(decoder, tree);
    decode_sections(decoder, tree, config);
    decode_section(decoder, &section_document, tree, NULL);
    check_text(decoder, tree, "question");
    check_text(decoder, tree, "directory");
    check_figures(decoder, config_tree_member(tree, "figures"));
    decode_costs(decoder, config_tree_member(tree, "costs"), &config->costs);
    decode_cgroups(decoder, config_tree_member(tree, "cgroups"), config);
    check_policy_cgroups(decoder, config_tree_member(tree, "vm"), &section_vm);
    check_policy_cgroups(decoder, config_tree_member(tree, "zswap"), &section_zswap);
    decode_tasks(decoder, tree, config);
    decode_events(decoder, config_tree_member(tree, "events"), config);
    cgroup_index_free(decoder->cgroups);
    decoder->cgroups = NULL;
}

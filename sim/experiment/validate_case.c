/* A case of a real kernel, read, and made into a config that replays it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policies/kernels.h"
#include "policies/writeback/writeback.h"
#include "sim/base/fuzzing.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/validate.h"

enum { WORDS_AT_MOST = 512, KEYS_AT_MOST = 64 };

/* ---- reading ------------------------------------------------------------------ */

void kernel_case_refuse(struct kernel_case *at, const struct config_node *where, const char *format,
                        ...)
{
    struct source_position position = {.file = at->path};
    if (where) {
        position.line = where->at.line;
        position.column = where->at.column;
    }
    va_list arguments;
    char text[512];
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    diagnostics_add(&at->errors, &position, "%s", text);
}

static const char *const kind_names[] = {
    [CONFIG_OBJECT] = "an object", [CONFIG_ARRAY] = "a list",       [CONFIG_STRING] = "a string",
    [CONFIG_NUMBER] = "a number",  [CONFIG_BOOL] = "true or false", [CONFIG_NULL] = "null",
};

const struct config_node *kernel_case_member(struct kernel_case *at,
                                             const struct config_node *object, const char *key,
                                             enum config_kind kind)
{
    const struct config_node *member =
        object && object->kind == CONFIG_OBJECT ? config_tree_member(object, key) : NULL;
    if (!member) {
        kernel_case_refuse(at, object, "missing key \"%s\"", key);
        return NULL;
    }
    if (member->kind == kind)
        return member;
    kernel_case_refuse(at, member, "%s: expected %s, found %s", key, kind_names[kind],
                       kind_names[member->kind]);
    return NULL;
}

static bool node_number(const struct config_node *node, uint64_t *number)
{
    if (node->kind == CONFIG_BOOL) {
        *number = strcmp(node->text, "true") == 0;
        return true;
    }
    return (node->kind == CONFIG_NUMBER || node->kind == CONFIG_STRING) &&
           parse_count(node->text, number);
}

uint64_t kernel_case_number(struct kernel_case *at, const struct config_node *object,
                            const char *key)
{
    const struct config_node *member =
        object && object->kind == CONFIG_OBJECT ? config_tree_member(object, key) : NULL;
    uint64_t number = 0;
    if (!member)
        kernel_case_refuse(at, object, "missing key \"%s\"", key);
    else if (!node_number(member, &number))
        kernel_case_refuse(at, member, "%s: expected a whole number", key);
    return number;
}

void kernel_case_check_keys(struct kernel_case *at, const struct config_node *object,
                            const char *const *known)
{
    size_t count = 0;
    while (known[count])
        count++;
    for (const struct config_node *member = object->first; member; member = member->next) {
        size_t i = 0;
        while (i < count && strcmp(known[i], member->key) != 0)
            i++;
        if (i < count)
            continue;
        const char *nearest = nearest_name(member->key, known, count);
        kernel_case_refuse(at, member, "%s: unknown key \"%s\"%s%s%s",
                           object->key ? object->key : "case", member->key,
                           nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                           nearest ? "\"?" : "");
    }
}

bool kernel_case_spread(const struct config_node *node, struct spread *out)
{
    if (!node || node->kind != CONFIG_OBJECT)
        return false;
    const struct config_node *med = config_tree_member(node, "med");
    if (!med)
        med = config_tree_member(node, "median");
    const struct config_node *min = config_tree_member(node, "min");
    const struct config_node *max = config_tree_member(node, "max");
    if (!med || !min || !max || med->kind != CONFIG_NUMBER || min->kind != CONFIG_NUMBER ||
        max->kind != CONFIG_NUMBER)
        return false;
    *out =
        (struct spread){strtod(min->text, NULL), strtod(med->text, NULL), strtod(max->text, NULL)};
    return true;
}

const char *kernel_case_preset(struct kernel_case *at, const char *release)
{
    unsigned major = 0, minor = 0;
    bool numbered = sscanf(release, "%u.%u", &major, &minor) == 2;
    const struct kernel_preset *preset = numbered ? kernel_preset_before(major, minor) : NULL;
    const char *own = arena_printf(&at->arena, "v%u.%u", major, minor);
    if (!preset)
        return numbered ? own : release;
    if (strcmp(preset->name, own) != 0)
        at->stand_in = preset->name;
    return preset->name;
}

bool kernel_case_has_lru_gen(const struct config_node *machine)
{
    const struct config_node *enabled = config_tree_member(machine, "lru_gen_enabled");
    if (!enabled || !enabled->text)
        return false;
    return strchr("Yyt", enabled->text[0]) || strtoul(enabled->text, NULL, 0) != 0;
}

const char *kernel_case_compressor(struct kernel_case *at, const struct config_node *machine,
                                   const struct config_node *settings)
{
    const struct config_node *name = kernel_case_member(at, settings, "compressor", CONFIG_STRING);
    const struct config_node *kernel = kernel_case_member(at, machine, "kernel", CONFIG_STRING);
    if (!name)
        return "";
    const char *release = kernel ? kernel->text + strcspn(kernel->text, "0123456789") : "";
    unsigned major = 0, minor = 0;
    bool numbered = sscanf(release, "%u.%u", &major, &minor) == 2;
    /* lib/zstd was 1.4.10 until 6.1 */
    bool old = numbered && (major < 6 || (major == 6 && minor < 2));
    return old && strcmp(name->text, "zstd") == 0 ? "zstd-1.4" : name->text;
}

void kernel_case_decode(struct kernel_case *at, cJSON *document)
{
    if (!at->errors.count) {
        char *text = json_print(document);
        at->experiment = experiment_parse_with_plugins(
            arena_printf(&at->arena, "%s, as a config", at->path), "", text, strlen(text),
            at->changes.overrides, at->changes.override_count, at->changes.plugins, &at->errors);
        free(text);
    }
    cJSON_Delete(document);
}

/* ---- measured on kernel 6.18: words of trace_cmd ---------------------------------- */

/* Cut "gen_trace OUT 22 '0:perm:...' '...'" as a shell would; quotes hold blanks. */
static unsigned cut_words(char *text, char **words)
{
    unsigned count = 0;
    char *out = text;
    while (*text && count < WORDS_AT_MOST) {
        while (*text == ' ')
            text++;
        if (!*text)
            break;
        words[count++] = out;
        for (char quote = 0; *text && (quote || *text != ' '); text++) {
            if (*text == quote)
                quote = 0;
            else if (!quote && (*text == '\'' || *text == '"'))
                quote = *text;
            else
                *out++ = *text;
        }
        if (*text)
            text++;
        *out++ = 0;
    }
    return count;
}

static void compose_workload(struct kernel_case *at, const struct config_node *config,
                             cJSON *workload)
{
    const struct config_node *command = kernel_case_member(at, config, "trace_cmd", CONFIG_STRING);
    if (!command)
        return;
    char *words[WORDS_AT_MOST];
    unsigned count =
        cut_words(arena_string(&at->arena, command->text, strlen(command->text)), words);
    uint64_t seed;
    if (count == 2 && strcmp(words[0], "trace") == 0) {
        json_add_string(workload, "type", "trace");
        json_add_string(workload, "file", words[1]);
        return;
    }
    if (count < 4 || strcmp(words[0], "gen_trace") != 0 || !parse_count(words[2], &seed)) {
        kernel_case_refuse(at, command,
                           "trace_cmd: expected gen_trace OUT SEED STEP... or trace FILE");
        return;
    }
    const char *steps = words[3];
    for (unsigned i = 4; i < count; i++)
        steps = arena_printf(&at->arena, "%s %s", steps, words[i]);
    json_add_string(workload, "type", "steps");
    json_add_integer(workload, "seed", seed);
    json_add_string(workload, "steps", steps);
}

/* ---- limits and contents ----------------------------------------------------------- */

static const char *cgroup_path(struct kernel_case *at, uint64_t number)
{
    return arena_printf(&at->arena, "/cg%llu", (unsigned long long)number);
}

static const char *bytes_of_pages(struct kernel_case *at, uint64_t pages)
{
    return arena_printf(&at->arena, "%" PRIu64, pages * PAGE_BYTES);
}

static void compose_cgroups(struct kernel_case *at, const struct config_node *config,
                            cJSON *document, cJSON *task)
{
    const struct config_node *limits = kernel_case_member(at, config, "limit_pages", CONFIG_ARRAY);
    cJSON *cgroups = json_object(), *of_task = json_array();
    json_add(document, "cgroups", cgroups);
    json_add(task, "cgroups", of_task);
    uint64_t number = 0;
    for (const struct config_node *limit = limits ? limits->first : NULL; limit;
         limit = limit->next, number++) {
        uint64_t pages;
        const char *path = cgroup_path(at, number);
        cJSON *cgroup = json_object();
        cJSON_AddItemToObject(cgroups, path, cgroup);
        json_add_to_array(of_task, json_string(path));
        if (!node_number(limit, &pages))
            kernel_case_refuse(at, limit, "limit_pages: expected pages");
        else if (pages)
            json_add_string(cgroup, "memory.max", bytes_of_pages(at, pages));
    }
}

static const char *compose_rule(struct kernel_case *at, const struct config_node *rule)
{
    static const char *const known[] = {"cg", "seed", "first", "last", "classes", NULL};
    if (rule->kind != CONFIG_OBJECT) {
        kernel_case_refuse(at, rule, "content: expected an object");
        return "";
    }
    kernel_case_check_keys(at, rule, known);
    const struct config_node *classes = kernel_case_member(at, rule, "classes", CONFIG_STRING);
    return arena_printf(
        &at->arena, "%llu-%llu@%llu=%s", (unsigned long long)kernel_case_number(at, rule, "first"),
        (unsigned long long)kernel_case_number(at, rule, "last"),
        (unsigned long long)kernel_case_number(at, rule, "seed"), classes ? classes->text : "");
}

static void compose_contents(struct kernel_case *at, const struct config_node *config, cJSON *task)
{
    const struct config_node *contents = kernel_case_member(at, config, "content", CONFIG_ARRAY);
    cJSON *of_task = json_array();
    json_add(task, "contents", of_task);
    for (const struct config_node *space = contents ? contents->first : NULL; space;
         space = space->next) {
        const char *rules = "";
        for (const struct config_node *rule = space->first; rule; rule = rule->next)
            rules = arena_printf(&at->arena, "%s%s%s", rules, *rules ? ";" : "",
                                 compose_rule(at, rule));
        cJSON *content = json_object();
        json_add_string(content, "type", "rule");
        json_add_string(content, "rules", rules);
        json_add_to_array(of_task, content);
    }
}

/* ---- events -------------------------------------------------------------------------- */

/* Kernel parameters that an event of a case may write. */
static const struct kernel_parameter {
    const char *path, *key;
    enum { VALUE_TEXT, VALUE_NUMBER, VALUE_BOOL } kind;
} parameters[] = {
    {"/sys/module/zswap/parameters/compressor", "zswap.compressor", VALUE_TEXT},
    {"/sys/module/zswap/parameters/enabled", "zswap.enabled", VALUE_BOOL},
    {"/sys/module/zswap/parameters/max_pool_percent", "zswap.max_pool_percent", VALUE_NUMBER},
    {"/sys/module/zswap/parameters/accept_threshold_percent", "zswap.accept_threshold_percent",
     VALUE_NUMBER},
    {"/sys/module/zswap/parameters/shrinker_enabled", "zswap.shrinker_enabled", VALUE_BOOL},
    {"/proc/sys/vm/swappiness", "vm.swappiness", VALUE_NUMBER},
    {"/proc/sys/vm/page-cluster", "vm.page_cluster", VALUE_NUMBER},
};
enum { PARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };

static const struct kernel_parameter *find_parameter(const char *path)
{
    for (size_t i = 0; i < PARAMETERS; i++)
        if (strcmp(parameters[i].path, path) == 0)
            return &parameters[i];
    return NULL;
}

static bool kernel_bool(const char *text, bool *value)
{
    *value = strchr("Yy1", text[0]) != NULL;
    return text[0] && !text[1] && strchr("YyNn01", text[0]);
}

static void compose_write(struct kernel_case *at, const struct config_node *where, const char *path,
                          const char *value, cJSON *event)
{
    const struct kernel_parameter *parameter = find_parameter(path);
    uint64_t number;
    bool truth;
    if (!parameter) {
        kernel_case_refuse(at, where, "event writes \"%s\", a parameter that zsim does not know",
                           path);
        return;
    }
    json_add_string(event, "set", parameter->key);
    if (parameter->kind == VALUE_TEXT)
        json_add_string(event, "value", value);
    else if (parameter->kind == VALUE_NUMBER && parse_count(value, &number))
        json_add_integer(event, "value", number);
    else if (parameter->kind == VALUE_BOOL && kernel_bool(value, &truth))
        json_add_bool(event, "value", truth);
    else
        kernel_case_refuse(at, where, "event writes \"%s\" to %s", value, path);
}

/* No limit is 0, as in "limit_pages", or what is written to the kernel's file. */
static void compose_limit(struct kernel_case *at, const struct config_node *where,
                          const char *cgroup, const char *limit, cJSON *event)
{
    uint64_t number, pages = 0;
    bool none = strcmp(limit, "max") == 0 || strcmp(limit, "-1") == 0;
    if (!parse_count(cgroup, &number) || (!none && !parse_count(limit, &pages))) {
        kernel_case_refuse(at, where, "event \"limit\": expected a cgroup and pages");
        return;
    }
    json_add_string(event, "set",
                    arena_printf(&at->arena, "cgroups.%s.memory.max", cgroup_path(at, number)));
    json_add_string(event, "value", pages ? bytes_of_pages(at, pages) : "max");
}

void kernel_case_add_flush(uint64_t record, cJSON *events)
{
    cJSON *flush = json_object();
    json_add_integer(flush, "at_access", record);
    json_add_bool(flush, "flush", true);
    json_add_to_array(events, flush);
}

/* [record, kind, ...]: the rest as words, whether it is one string or several values. */
static void compose_event(struct kernel_case *at, const struct config_node *from, cJSON *events)
{
    uint64_t record;
    const char *text = "";
    const struct config_node *when = from->kind == CONFIG_ARRAY ? from->first : NULL;
    const struct config_node *kind = when ? when->next : NULL;
    if (!kind || !node_number(when, &record) || kind->kind != CONFIG_STRING) {
        kernel_case_refuse(at, from, "event: expected [record, kind, ...]");
        return;
    }
    for (const struct config_node *rest = kind->next; rest; rest = rest->next)
        text = arena_printf(&at->arena, "%s %s", text, rest->text ? rest->text : "?");
    char *words[WORDS_AT_MOST];
    unsigned count = cut_words(arena_string(&at->arena, text, strlen(text)), words);
    cJSON *event = json_object();
    json_add_integer(event, "at_access", record);
    bool snapshot = strcmp(kind->text, "snap") == 0 && count == 1;
    if (snapshot)
        json_add_string(event, "snapshot", words[0]);
    else if (strcmp(kind->text, "limit") == 0 && count == 2)
        compose_limit(at, from, words[0], words[1], event);
    else if (strcmp(kind->text, "write") == 0 && count == 2)
        compose_write(at, from, words[0], words[1], event);
    else
        kernel_case_refuse(at, kind,
                           "unknown event \"%s%s\"; expected snap LABEL, limit CGROUP "
                           "PAGES or write PATH VALUE",
                           kind->text, text);
    json_add_to_array(events, event);
    if (snapshot) /* it holds memory.stat, and reading that folds the statistics in */
        kernel_case_add_flush(record, events);
}

/* ---- the rest -------------------------------------------------------------------------- */

/* Which processor takes the interrupts of the swap device: as the case says, null: each its own.
 * Of cases that say nothing the second one did: their virtio disk has one queue
 * (/proc/interrupts of a machine like theirs). */
static void compose_interrupts(struct kernel_case *at, const struct config_node *machine,
                               cJSON *device)
{
    const struct config_node *cpu = config_tree_member(machine, "swap_interrupt_cpu");
    if (cpu && cpu->kind != CONFIG_NULL)
        json_add_integer(device, "interrupt_cpu",
                         kernel_case_number(at, machine, "swap_interrupt_cpu"));
    else if (!cpu && kernel_case_number(at, machine, "cpus") > 1)
        json_add_integer(device, "interrupt_cpu", 1);
}

/* The disk: as the case says, else 47 to 67 us for a fault that reads one page. */
static void compose_disk(struct kernel_case *at, const struct config_node *machine, cJSON *device)
{
    static const char *const keys[] = {"read_latency", "write_latency", "request_overhead",
                                       "bandwidth", NULL};
    static const char *const known[] = {"read_latency", "write_latency",     "request_overhead",
                                        "bandwidth",    "disk_submit_write", NULL};
    static const char *const usual[] = {"60us", "50us", "0", "1G"};
    const struct config_node *said = config_tree_member(machine, "swap_disk");
    if (said)
        said = kernel_case_member(at, machine, "swap_disk", CONFIG_OBJECT);
    if (said)
        kernel_case_check_keys(at, said, known);
    for (size_t i = 0; keys[i]; i++) {
        const struct config_node *value = said ? config_tree_member(said, keys[i]) : NULL;
        if (value)
            value = kernel_case_member(at, said, keys[i], CONFIG_STRING);
        json_add_string(device, keys[i], value ? value->text : usual[i]);
    }
}

enum { SUBMIT_WRITE_AT_MOST_NS = 1000000000 };

/* What a case says of its processor's own part in a write. */
static void take_submit_write(struct kernel_case *at, const struct config_node *machine,
                              struct costs *costs)
{
    const struct config_node *disk = config_tree_member(machine, "swap_disk");
    if (!disk || !config_tree_member(disk, "disk_submit_write"))
        return;
    const struct config_node *value =
        kernel_case_member(at, disk, "disk_submit_write", CONFIG_STRING);
    uint64_t ns;
    if (!value)
        return;
    if (parse_time(value->text, &ns) && ns <= SUBMIT_WRITE_AT_MOST_NS)
        costs->ns[COST_disk_submit_write] = ns;
    else
        kernel_case_refuse(at, value,
                           "disk_submit_write: expected a time such as \"2300ns\", at most 1 s");
}

static void compose_swap(struct kernel_case *at, const struct config_node *machine, cJSON *document,
                         uint64_t pages)
{
    cJSON *swap = json_object(), *devices = json_array(), *device = json_object();
    json_add(document, "swap", swap);
    json_add(swap, "devices", devices);
    json_add_to_array(devices, device);
    json_add_string(device, "name", "vdb");
    json_add_string(device, "size", arena_printf(&at->arena, "%" PRIu64, pages * PAGE_BYTES));
    json_add_bool(device, "rotational", kernel_case_number(at, machine, "swap_rotational"));
    compose_interrupts(at, machine, device);
    compose_disk(at, machine, device);
}

/* Of the swap area: said, or of a file of so many MiB, the first page of which is its header. */
static uint64_t swap_area_pages(struct kernel_case *at, const struct config_node *env)
{
    if (config_tree_member(env, "swap_pages"))
        return kernel_case_number(at, env, "swap_pages");
    uint64_t megabytes = kernel_case_number(at, env, "swap_mb");
    return megabytes ? (megabytes << 20) / PAGE_BYTES - 1 : 0;
}

static void compose_env(struct kernel_case *at, const struct config_node *config,
                        const struct config_node *machine, cJSON *document)
{
    static const char *const known[] = {"zswap",      "compressor",     "max_pool", "accept",
                                        "shrinker",   "page_cluster",   "swap_mb",  "swap_pages",
                                        "swappiness", "readahead_hits", "zpool",    NULL};
    const struct config_node *env = kernel_case_member(at, config, "env", CONFIG_OBJECT);
    if (!env)
        return;
    kernel_case_check_keys(at, env, known);
    cJSON *vm = json_object(), *zswap = json_object();
    json_add(document, "vm", vm);
    json_add(document, "zswap", zswap);
    json_add_string(vm, "reclaim", kernel_case_has_lru_gen(machine) ? "mglru" : "classic");
    json_add_integer(vm, "page_cluster", kernel_case_number(at, env, "page_cluster"));
    if (config_tree_member(env, "readahead_hits"))
        json_add_integer(vm, "swapin_readahead_hits",
                         kernel_case_number(at, env, "readahead_hits"));
    json_add_integer(vm, "swappiness",
                     kernel_case_number(at, config_tree_member(env, "swappiness") ? env : machine,
                                        "swappiness"));
    const struct config_node *version = config_tree_member(machine, "cgroup_version");
    json_add_string(vm, "cgroup_version",
                    version && version->kind == CONFIG_STRING && strcmp(version->text, "v2") == 0
                        ? "v2"
                        : "v1");
    json_add_integer(vm, "memcg_stat_flushes_per_run",
                     kernel_case_number(at, config, "memstat_flushes"));
    json_add_bool(zswap, "enabled", kernel_case_number(at, env, "zswap"));
    json_add_string(zswap, "compressor", kernel_case_compressor(at, machine, env));
    const struct config_node *zpool = config_tree_member(env, "zpool");
    if (zpool)
        zpool = kernel_case_member(at, env, "zpool", CONFIG_STRING);
    if (zpool)
        json_add_string(zswap, "allocator", zpool->text);
    json_add_integer(zswap, "max_pool_percent", kernel_case_number(at, env, "max_pool"));
    json_add_integer(zswap, "accept_threshold_percent", kernel_case_number(at, env, "accept"));
    json_add_bool(zswap, "shrinker_enabled", kernel_case_number(at, env, "shrinker"));
    compose_swap(at, machine, document, swap_area_pages(at, env));
}

static double member_real(const struct config_node *object, const char *key)
{
    const struct config_node *member = config_tree_member(object, key);
    return member && member->kind == CONFIG_NUMBER ? strtod(member->text, NULL) : 0;
}

/* Refused stores before the first writeback, by the fifteenth part of the entries
 * that had to lose their second chance first: the first failure of a run is the rest of the tree
 * (6.18.44: 7,416 runs for 111,241 entries, by its workqueue events).  pool_limit_hit counts them
 * one by one, but only while the pool stays full to the page: not when it stands a page below its
 * limit, nor when loads have made room.  The samples always count them, but are late by up to an
 * interval, in which the worker's own reclaim is refused too. */
static double worker_rate(const struct kernel_case *at, const struct config_node *config)
{
    double exact = member_real(at->run, "pool_limit_hit");
    double sampled = member_real(at->run, "rejects_at_first_writeback_sample");
    double interval = member_real(config, "nrec") / member_real(config, "samples");
    double runs = member_real(at->run, "stored_when_full") / (WRITEBACK_FAILURES_AT_MOST - 1);
    double refused =
        exact >= sampled - 1.25 * interval && exact <= sampled ? exact : sampled - interval / 2;
    return runs > 0 && refused > 0 ? refused / runs : 0;
}

static bool is_emulated(const struct config_node *machine)
{
    const struct config_node *cpu = config_tree_member(machine, "cpu");
    return cpu && cpu->kind == CONFIG_STRING && strstr(cpu->text, "QEMU TCG");
}

void kernel_case_add_node(struct kernel_case *at, cJSON *nodes, uint64_t pages)
{
    cJSON *node = json_object();
    json_add_string(node, "memory", bytes_of_pages(at, pages));
    json_add_to_array(nodes, node);
}

static void compose_machine(struct kernel_case *at, const struct config_node *machine,
                            cJSON *document)
{
    const struct config_node *kernel = kernel_case_member(at, machine, "kernel", CONFIG_STRING);
    cJSON *to = json_object(), *nodes = json_array();
    json_add_string(document, "kernel", kernel ? kernel_case_preset(at, kernel->text) : "");
    json_add(document, "machine", to);
    json_add_integer(to, "cpus", kernel_case_number(at, machine, "cpus"));
    if (is_emulated(machine) && kernel_case_number(at, machine, "cpus") == 1)
        json_add_string(to, "tlb", "qemu");
    json_add(to, "nodes", nodes);
    const struct config_node *of_case = config_tree_member(machine, "node_pages");
    if (!of_case || of_case->children < 2) {
        kernel_case_add_node(at, nodes, kernel_case_number(at, machine, "totalram_pages"));
        return;
    }
    if (!kernel_case_member(at, machine, "node_pages", CONFIG_ARRAY))
        return;
    json_add_integer(to, "total_ram_pages", kernel_case_number(at, machine, "totalram_pages"));
    for (const struct config_node *node = of_case->first; node; node = node->next) {
        uint64_t pages = 0;
        if (node_number(node, &pages))
            kernel_case_add_node(at, nodes, pages);
        else
            kernel_case_refuse(at, node, "node_pages: expected a whole number of pages");
    }
}

static void read_groups(struct kernel_case *at, const struct config_node *config)
{
    const struct config_node *groups = kernel_case_member(at, config, "groups", CONFIG_ARRAY);
    if (!groups)
        return;
    at->groups = arena_zeroed(&at->arena, (groups->children + 1) * sizeof(*at->groups));
    for (const struct config_node *from = groups->first; from; from = from->next) {
        uint64_t numbers[3] = {0};
        const struct config_node *name = from->kind == CONFIG_ARRAY ? from->first : NULL;
        const struct config_node *number = name ? name->next : NULL;
        bool good = name && name->kind == CONFIG_STRING;
        for (unsigned i = 0; i < 3; i++, number = number ? number->next : NULL)
            good = good && number && node_number(number, &numbers[i]) && numbers[i] < UINT32_MAX;
        if (!good || number || numbers[1] > numbers[2]) {
            kernel_case_refuse(at, from, "groups: expected [name, cgroup, first, last]");
            return;
        }
        at->groups[at->group_count++] = (struct validate_group){
            .name = name->text,
            .space = (uint32_t)numbers[0],
            .first = (uint32_t)numbers[1],
            .last = (uint32_t)numbers[2],
        };
    }
}

/* Cgroups of the machine beside those of the trace, which the worker's walk passes 16 times a run.
 * Where a case does not say how many there were, this is the one parameter that is chosen by
 * agreement, for all such cases together (0, 5, 10, ... 40, 50 and 60 were tried). */
enum { OTHER_CGROUPS = 20 };

/* Of "memory_cgroups".  For each removed one the document gets an event: too many are refused
 * before it is written. */
static uint64_t count_of_cgroups(struct kernel_case *at, const struct config_node *counts,
                                 const char *key)
{
    uint64_t count = kernel_case_number(at, counts, key);
    if (count <= CGROUPS_AT_MOST)
        return count;
    kernel_case_refuse(at, config_tree_member(counts, key),
                       "memory_cgroups: %s: expected at most %d cgroups", key, CGROUPS_AT_MOST);
    return 0;
}

static void compose_other_cgroups(struct kernel_case *at, const struct config_node *machine,
                                  cJSON *cgroups, cJSON *events)
{
    static const char *const known[] = {"online", "removed", NULL};
    uint64_t online = OTHER_CGROUPS, removed = 0;
    if (config_tree_member(machine, "memory_cgroups")) {
        const struct config_node *counts =
            kernel_case_member(at, machine, "memory_cgroups", CONFIG_OBJECT);
        if (!counts)
            return;
        kernel_case_check_keys(at, counts, known);
        online = count_of_cgroups(at, counts, "online");
        removed = count_of_cgroups(at, counts, "removed");
    }
    if (online)
        json_add(cgroups, arena_printf(&at->arena, "/other[1..%" PRIu64 "]", online),
                 json_object());
    if (removed)
        json_add(cgroups, arena_printf(&at->arena, "/removed[1..%" PRIu64 "]", removed),
                 json_object());
    for (uint64_t i = 1; i <= removed; i++) {
        cJSON *event = json_object();
        json_add_string(event, "at", "0ns");
        json_add_string(event, "offline", arena_printf(&at->arena, "/removed%" PRIu64, i));
        json_add_to_array(events, event);
    }
}

/* Between two records the replaying process reads its clock twice. */
#define REPLAY_THINK "95ns"

static void compose(struct kernel_case *at, const struct config_node *config)
{
    static const char *const known[] = {
        "trace_cmd",       "trace_sha256", "nrec",   "npages", "limit_pages",
        "content",         "groups",       "events", "env",    "samples",
        "memstat_flushes", "spec",         NULL};
    kernel_case_check_keys(at, config, known);
    const struct config_node *machine = kernel_case_member(at, at->tree, "machine", CONFIG_OBJECT);
    const struct config_node *events = kernel_case_member(at, config, "events", CONFIG_ARRAY);
    if (!machine || !events)
        return;
    cJSON *document = json_object(), *tasks = json_array(), *task = json_object();
    cJSON *workload = json_object(), *of_document = json_array(), *engine = json_object();
    json_add_string(document, "question", "Does the simulator count what the kernel counted?");
    compose_machine(at, machine, document);
    compose_env(at, config, machine, document);
    cJSON *zswap = cJSON_GetObjectItem(document, "zswap"); /* NULL without an env */
    if (at->run && zswap)
        json_add_real(zswap, "refusals_per_worker_run", worker_rate(at, config));
    json_add(document, "tasks", tasks);
    json_add_to_array(tasks, task);
    json_add_string(task, "name", "replay");
    json_add_string(task, "think", REPLAY_THINK);
    json_add_string(task, "fill", REPLAY_FILL);
    json_add(task, "workload", workload);
    compose_workload(at, config, workload);
    compose_cgroups(at, config, document, task);
    compose_contents(at, config, task);
    json_add(document, "events", of_document);
    if (!is_emulated(machine)) /* in whose costs they are */
        compose_other_cgroups(at, machine, cJSON_GetObjectItem(document, "cgroups"), of_document);
    for (const struct config_node *event = events->first; event; event = event->next)
        compose_event(at, event, of_document);
    json_add(document, "engine", engine);
    json_add_integer(
        engine, "series_rows",
        config_tree_member(config, "samples") ? kernel_case_number(at, config, "samples") : 50);
    read_groups(at, config);
    kernel_case_decode(at, document);
    if (!at->experiment)
        return;
    struct costs *costs = &at->experiment->variants[0].config.costs;
    if (is_emulated(machine))
        emulator_slow_down(costs);
    take_submit_write(at, machine, costs);
}

static bool trace_has_hash(const struct workload *workload, const char *wanted, char got[65])
{
    workload_native_sha256(workload, got);
    return strcmp(wanted, got) == 0;
}

/* The accesses must be those that the kernel saw. */
static void check_trace(struct kernel_case *at, const struct config_node *config)
{
    const struct workload *workload = at->experiment->variants[0].config.tasks[0].workload;
    const struct config_node *wanted =
        kernel_case_member(at, config, "trace_sha256", CONFIG_STRING);
    char got[65];
    if (!wanted)
        return;
    if (workload->accesses != kernel_case_number(at, config, "nrec")) {
        kernel_case_refuse(at, wanted,
                           "the trace of trace_cmd has %llu records, nrec says another "
                           "number",
                           (unsigned long long)workload->accesses);
        return;
    }
    if (!CHECKSUM_IS_GOOD(trace_has_hash(workload, wanted->text, got)))
        kernel_case_refuse(at, wanted, "trace_sha256: the trace of trace_cmd has another hash, %s",
                           got);
}

/* The pages of a cgroup: those of the trace, and any behind them that it does not touch. */
static uint64_t pages_of_cgroup(const struct config_node *npages, uint32_t cgroup)
{
    const struct config_node *of = npages->first;
    uint64_t number = 0;
    for (uint32_t i = 0; of && i < cgroup; i++)
        of = of->next;
    return of && node_number(of, &number) ? number : 0;
}

/* What is said of pages must be of pages that there are. */
static void check_pages(struct kernel_case *at, const struct config_node *config)
{
    const struct workload *workload = at->experiment->variants[0].config.tasks[0].workload;
    if (!config_tree_member(config, "npages"))
        return;
    const struct config_node *npages = kernel_case_member(at, config, "npages", CONFIG_ARRAY);
    if (!npages)
        return;
    if (npages->children != workload->spaces)
        kernel_case_refuse(at, npages, "npages: the trace has %u cgroups", workload->spaces);
    for (uint32_t space = 0; space < workload->spaces; space++)
        if (pages_of_cgroup(npages, space) < workload->space_pages[space])
            kernel_case_refuse(at, npages, "npages: cgroup %u of the trace has %u pages", space,
                               workload->space_pages[space]);
    const struct config_node *groups = config_tree_member(config, "groups");
    const struct config_node *from = groups ? groups->first : NULL;
    for (uint32_t i = 0; from && i < at->group_count; i++, from = from->next) {
        const struct validate_group *group = &at->groups[i];
        uint64_t pages = pages_of_cgroup(npages, group->space);
        if (group->last >= pages)
            kernel_case_refuse(at, from, "groups: %s ends at page %u of cgroup %u, which has %llu",
                               group->name, group->last, group->space, (unsigned long long)pages);
    }
}

/* Did any run meet the pool limit? */
static bool limit_was_hit(const struct config_node *tree)
{
    const struct config_node *settled = config_tree_member(tree, "settled");
    const struct config_node *zswap =
        settled && settled->kind == CONFIG_OBJECT ? config_tree_member(settled, "zswap") : NULL;
    struct spread hits;
    return config_tree_member(tree, "all_rounds") ||
           (zswap && zswap->kind == CONFIG_OBJECT &&
            kernel_case_spread(config_tree_member(zswap, "pool_limit_hit"), &hits) && hits.max > 0);
}

static void read_case(struct kernel_case *at)
{
    const struct config_node *config = kernel_case_member(at, at->tree, "config", CONFIG_OBJECT);
    const struct config_node *name = kernel_case_member(at, at->tree, "name", CONFIG_STRING);
    if (!config || !name)
        return;
    at->name = name->text;
    at->emulator = config_tree_member(config, "pattern") != NULL;
    if (at->emulator) {
        emulator_case_compose(at);
        return;
    }
    at->pool_limited = limit_was_hit(at->tree);
    compose(at, config);
    if (!at->experiment)
        return;
    check_trace(at, config);
    check_pages(at, config);
}

/* The first run of a list, from number `from` on, that says its rate.  *number counts runs of all
 * lists so far, and ends at that one's. */
static const struct config_node *run_of_list(const struct config_node *runs, uint32_t from,
                                             uint32_t *number)
{
    if (!runs || runs->kind != CONFIG_ARRAY)
        return NULL;
    for (const struct config_node *run = runs->first; run; run = run->next, ++*number)
        if (*number >= from && run->kind == CONFIG_OBJECT &&
            config_tree_member(run, "stored_when_full"))
            return run;
    return NULL;
}

/* "per_run" lists the runs of one day, "other_rounds" those of others. */
static const struct config_node *find_run(const struct config_node *tree, uint32_t from,
                                          uint32_t *number)
{
    const struct config_node *rounds = config_tree_member(tree, "other_rounds");
    *number = 0;
    const struct config_node *run = run_of_list(config_tree_member(tree, "per_run"), from, number);
    if (rounds && rounds->kind == CONFIG_ARRAY)
        for (const struct config_node *round = rounds->first; round && !run; round = round->next)
            if (round->kind == CONFIG_OBJECT)
                run = run_of_list(config_tree_member(round, "per_run"), from, number);
    return run;
}

struct kernel_case *kernel_case_read_changed(const char *path, int64_t run,
                                             const struct case_changes *changes)
{
    struct kernel_case *at = memory_zeroed(1, sizeof(*at), "a case");
    at->changes = *changes;
    at->path = at->name = arena_string(&at->arena, path, strlen(path));
    at->tree = config_tree_read(at->path, &at->arena, &at->errors);
    if (at->tree && run >= 0) {
        at->run = at->tree->kind == CONFIG_OBJECT
                      ? find_run(at->tree, (uint32_t)run, &at->run_number)
                      : NULL;
        if (!at->run) {
            kernel_case_free(at);
            return NULL;
        }
    }
    if (at->tree)
        read_case(at);
    if (at->run)
        at->name = arena_printf(&at->arena, "%s run %" PRIu32, at->name, at->run_number + 1);
    if (at->errors.count) {
        experiment_free(at->experiment);
        at->experiment = NULL;
    }
    return at;
}

struct kernel_case *kernel_case_read(const char *path)
{
    return kernel_case_read_changed(path, -1, &(struct case_changes){0});
}

struct kernel_case *kernel_case_read_run(const char *path, uint32_t run)
{
    return kernel_case_read_changed(path, run, &(struct case_changes){0});
}

void kernel_case_free(struct kernel_case *at)
{
    if (!at)
        return;
    if (at->rows)
        run_result_release(&at->result);
    free(at->rows);
    free(at->last_use);
    free(at->place);
    experiment_free(at->experiment);
    diagnostics_release(&at->errors);
    arena_release(&at->arena);
    free(at);
}

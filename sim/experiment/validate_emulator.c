/* Cases that were measured in an emulator: kernels 6.1 and 6.12, two nodes, one
 * processor, cgroup v2.  Time in an emulator says nothing, so only what the
 * algorithm decides is compared: counters by phase, where pages are at the end,
 * and how the ages of pages in zswap and on the device overlap. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/validate.h"
#include "workloads/generators/generators.h"
#include "workloads/generators/stream.h"

enum { PHASES_AT_MOST = 16 };

#define BAR_COUNTER 0.05
#define BAR_SHARE 0.02
#define BAR_INVERSION 0.05

/* ---- patterns in words -------------------------------------------------------------- */

/* "fill 0..8191", "then 4 sequential read passes over 0..8191", or the words of
 * the phase grammar itself; NULL: none of these. */
static const char *phase_of(struct kernel_case *at, const char *text)
{
    static const char *const ordered[] = {"fill", "read", "write"};
    uint32_t from, to, passes;
    int end = 0;
    while (*text == ' ')
        text++;
    if (strncmp(text, "then ", 5) == 0)
        text += 5;
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(ordered[i]);
        if (strncmp(text, ordered[i], length) == 0 &&
            sscanf(text + length, " %9" SCNu32 "..%9" SCNu32 "%n", &from, &to, &end) == 2 &&
            (!text[length + (size_t)end] || strcmp(text + length + end, " in order") == 0))
            return arena_printf(&at->arena, "%s %" PRIu32 " %" PRIu32, ordered[i], from, to + 1);
    }
    if (sscanf(text, "%9" SCNu32 " sequential read passes over %9" SCNu32 "..%9" SCNu32 "%n",
               &passes, &from, &to, &end) == 3 &&
        !text[end])
        return arena_printf(&at->arena, "loop %" PRIu32 " %" PRIu32 " %" PRIu32 " 0 1", from,
                            to + 1, passes);
    return NULL;
}

/* The number before or behind a word: "30 % writes", "seed 7", "seed=7". */
static bool number_near(const char *text, const char *word, bool before, double *number)
{
    const char *at = strstr(text, word);
    if (!at)
        return false;
    if (!before) {
        at += strlen(word);
        at += strspn(at, " =:(");
    } else {
        while (at > text && strchr(" \t", at[-1]))
            at--;
        while (at > text && strchr("0123456789.", at[-1]))
            at--;
    }
    char *end;
    *number = strtod(at, &end);
    return end > at;
}

/* The largest whole number that is no part of the range "A..B": how many accesses. */
static uint64_t count_in(const char *text, const char *range)
{
    uint64_t most = 0;
    for (const char *at = text; *at;) {
        char *end = NULL;
        if (at == range) {
            at += strspn(at, "0123456789.");
        } else if (*at >= '0' && *at <= '9') {
            uint64_t number = strtoull(at, &end, 10);
            bool whole = *end != '.' || end[1] < '0' || end[1] > '9';
            if (whole && number > most)
                most = number;
            at = end + (whole ? 0 : strspn(end, "0123456789."));
        } else {
            at++;
        }
    }
    return most;
}

/* Where the range "A..B" of a text begins; NULL: there is none. */
static const char *find_range(const char *text, uint32_t *from, uint32_t *to)
{
    const char *range = strstr(text, "..");
    while (range && range > text && range[-1] >= '0' && range[-1] <= '9')
        range--;
    return range && sscanf(range, "%" SCNu32 "..%" SCNu32, from, to) == 2 ? range : NULL;
}

/* Free words, such as "40000 zipf 0.9 accesses over 0..8191, 30 % writes, seed 7" or "3
 * passes over 0..8191, 50 % writes"; NULL: not all that is needed is there.
 * Only in a case whose hashes say whether that was meant. */
static const char *phase_in_words(struct kernel_case *at, const char *text)
{
    uint32_t from, to;
    double exponent = 0, writes = 0, seed = 1;
    const char *range = find_range(text, &from, &to);
    const struct config_node *hashes = config_tree_member(at->tree, "trace_fnv1a");
    if (!range || !hashes || !hashes->children)
        return NULL;
    uint64_t count = count_in(text, range);
    bool seeded = number_near(text, "seed", false, &seed);
    if (!number_near(text, "%", true, &writes) && !strstr(text, "read") && strstr(text, "write"))
        writes = 100;
    if (strstr(text, "pass"))
        return arena_printf(&at->arena, "loop %" PRIu32 " %" PRIu32 " %" PRIu64 " %.0f %.0f", from,
                            to + 1, count, writes, seed);
    if (strstr(text, "zipf") && seeded &&
        (number_near(text, "theta", false, &exponent) ||
         number_near(text, "zipf", false, &exponent)))
        return arena_printf(&at->arena, "zipf %" PRIu32 " %" PRIu32 " %.17g %" PRIu64 " %.0f %.0f",
                            from, to + 1, exponent, count, writes, seed);
    if (strstr(text, "rand") && seeded)
        return arena_printf(&at->arena, "rand %" PRIu32 " %" PRIu32 " %" PRIu64 " %.0f %.0f", from,
                            to + 1, count, writes, seed);
    return NULL;
}

/* The grammar has no percent signs. */
static const char *phase_in_grammar(struct kernel_case *at, const char *text)
{
    char *copy = arena_string(&at->arena, text, strlen(text)), *out = copy;
    for (const char *from = copy; *from; from++)
        if (*from != '%')
            *out++ = *from;
    *out = 0;
    return strstr(copy, "..") ? NULL : copy;
}

static const char *phases_of(struct kernel_case *at, const struct config_node *pattern)
{
    const char *phases = "", *text = pattern->text;
    for (;;) {
        size_t length = strcspn(text, ";");
        const char *part = arena_string(&at->arena, text, length);
        const char *phase = phase_of(at, part);
        if (!phase)
            phase = phase_in_words(at, part);
        if (!phase)
            phase = phase_in_grammar(at, part);
        if (!phase) {
            kernel_case_refuse(at, pattern, "pattern: \"%s\" is not one that zsim knows", part);
            return "";
        }
        phases = arena_printf(&at->arena, "%s%s%s", phases, *phases ? ";" : "", phase);
        if (!text[length])
            return phases;
        text += length + 1;
    }
}

/* ---- the emulated machine ------------------------------------------------------------------- */

/* What its processor takes, from the durations of the phases that the cases list
 * (least squares over all of 6.12: 24 us to fill a page, 12 us a page scanned, 109 us
 * a fault that reads the disk, 102 us a page written back, reclaim included): 8 times
 * the built-in table; of a page written back 50 us besides what else it takes.  A page more in a
 * write takes next to nothing beside that.  A run of the worker that only rotates 16 entries takes
 * 40 us (sched_switch events of 6.12.117 in such an emulator). */
enum {
    EMULATOR_SLOWDOWN = 8,
    EMULATOR_SUBMIT_WRITE_NS = 7000,
    EMULATOR_WRITEBACK_ENTRY_NS = 50000,
    EMULATOR_SHRINK_MEMCG_NS = 650,
    EMULATOR_ROTATE_ENTRY_NS = 900,
    EMULATOR_CONTEXT_SWITCH_NS = 1500,
};
#define EMULATOR_FILL "16800ns" /* EMULATOR_SLOWDOWN times REPLAY_FILL */

void emulator_slow_down(struct costs *costs)
{
    for (unsigned i = 0; i < COSTS; i++)
        costs->ns[i] *= EMULATOR_SLOWDOWN;
    for (unsigned i = 0; i < COMPRESSORS_AT_MOST; i++) {
        struct codec_cost *codec = &costs->codec[i];
        codec->compress_ns *= EMULATOR_SLOWDOWN;
        codec->compress_ps_per_byte *= EMULATOR_SLOWDOWN;
        codec->decompress_ns *= EMULATOR_SLOWDOWN;
        codec->decompress_ps_per_byte *= EMULATOR_SLOWDOWN;
    }
    costs->ns[COST_disk_submit_write] = EMULATOR_SUBMIT_WRITE_NS;
    costs->ns[COST_writeback_entry] = EMULATOR_WRITEBACK_ENTRY_NS;
    costs->ns[COST_shrink_memcg] = EMULATOR_SHRINK_MEMCG_NS;
    costs->ns[COST_rotate_entry] = EMULATOR_ROTATE_ENTRY_NS;
    costs->ns[COST_context_switch] = EMULATOR_CONTEXT_SWITCH_NS;
}

/* ---- the config ---------------------------------------------------------------------------- */

/* "Debian 6.1.192-2 (6.1.0-56-amd64)" -> 6.1 */
static const char *kernel_of(struct kernel_case *at, const struct config_node *config)
{
    const struct config_node *kernel = kernel_case_member(at, config, "kernel", CONFIG_STRING);
    const char *text = kernel ? kernel->text + strcspn(kernel->text, "0123456789") : "";
    size_t length = strspn(text, "0123456789");
    if (text[length] == '.')
        length += 1 + strspn(text + length + 1, "0123456789");
    return arena_string(&at->arena, text, length);
}

static void compose_machine(struct kernel_case *at, const struct config_node *config,
                            cJSON *document)
{
    cJSON *machine = json_object(), *nodes = json_array();
    json_add(document, "machine", machine);
    json_add_integer(machine, "cpus", kernel_case_number(at, config, "vcpus"));
    json_add_integer(machine, "total_ram_pages", kernel_case_number(at, config, "total_ram_pages"));
    json_add_string(machine, "tlb", "qemu");
    json_add(machine, "nodes", nodes);
    uint64_t count = kernel_case_number(at, config, "numa_nodes");
    for (uint64_t i = 0; i < count && i < NODES_AT_MOST; i++) {
        uint64_t pages =
            kernel_case_number(at, config, arena_printf(&at->arena, "node%" PRIu64 "_pages", i));
        kernel_case_add_node(at, nodes, pages);
    }
}

/* Kernels from 6.18 have one allocator, and no parameter to name it. */
static const char *allocator_of(const struct config_node *config)
{
    const struct config_node *zpool = config_tree_member(config, "zpool");
    return zpool && zpool->kind == CONFIG_STRING ? zpool->text : "zsmalloc";
}

/* "/dev/vda (virtio-blk, rotational=0)" */
static bool is_rotational(const struct config_node *config)
{
    const struct config_node *device = config_tree_member(config, "swap_device");
    return device && device->kind == CONFIG_STRING && strstr(device->text, "rotational=1");
}

static void refuse_huge_pages(struct kernel_case *at, const struct config_node *config)
{
    const struct config_node *thp = config_tree_member(config, "thp");
    if (thp && (thp->kind != CONFIG_STRING || strcmp(thp->text, "never") != 0))
        kernel_case_refuse(at, thp, "thp: expected \"never\"; zsim has no huge pages");
}

static void compose_memory(struct kernel_case *at, const struct config_node *config,
                           cJSON *document)
{
    cJSON *vm = json_object(), *zswap = json_object(), *swap = json_object();
    cJSON *devices = json_array(), *device = json_object();
    const struct config_node *shrinker = config_tree_member(config, "zswap_shrinker_enabled");
    json_add(document, "vm", vm);
    json_add_string(vm, "reclaim", kernel_case_has_lru_gen(config) ? "mglru" : "classic");
    json_add_integer(vm, "page_cluster", kernel_case_number(at, config, "page_cluster"));
    json_add_integer(vm, "swappiness", kernel_case_number(at, config, "swappiness"));
    json_add_string(vm, "cgroup_version", "v2");
    /* The task joins its cgroup when the upper levels of its page table exist. */
    json_add_string(vm, "charge_page_tables", "last_level");
    json_add(document, "zswap", zswap);
    json_add_string(zswap, "allocator", allocator_of(config));
    json_add_string(zswap, "compressor", kernel_case_compressor(at, config, config));
    json_add_integer(zswap, "max_pool_percent", kernel_case_number(at, config, "max_pool_percent"));
    json_add_integer(zswap, "accept_threshold_percent",
                     kernel_case_number(at, config, "accept_threshold_percent"));
    json_add_bool(zswap, "shrinker_enabled",
                  shrinker && shrinker->text && strchr("Yyt1", shrinker->text[0]));
    json_add(document, "swap", swap);
    json_add(swap, "devices", devices);
    json_add_string(device, "name", "vda");
    json_add_string(device, "size", "1G");
    json_add_bool(device, "rotational", is_rotational(config));
    /* Debian attaches mq-deadline to a disk of one queue. */
    json_add_bool(device, "io_scheduler", true);
    json_add_to_array(devices, device);
}

/* What memory.stat shows at the end of the first phase, in bytes; 0 where the case does not say. */
static uint64_t shown_at_first(const struct kernel_case *at, const char *name)
{
    const struct config_node *phases = config_tree_member(at->tree, "phases");
    struct spread bytes = {0, 0, 0};
    if (at->phase_count)
        kernel_case_spread(config_tree_member(config_tree_member(phases, at->phases[0]), name),
                           &bytes);
    return (uint64_t)bytes.med;
}

static void compose_task(struct kernel_case *at, const struct config_node *config,
                         const char *phases, cJSON *document)
{
    cJSON *cgroups = json_object(), *cgroup = json_object(), *tasks = json_array();
    cJSON *task = json_object(), *workload = json_object(), *content = json_object();
    const struct config_node *page_class =
        kernel_case_member(at, config, "page_class", CONFIG_STRING);
    uint64_t limit = kernel_case_number(at, config, "memory_max_pages");
    json_add(document, "cgroups", cgroups);
    json_add(cgroups, "/region", cgroup);
    json_add_string(cgroup, "memory.max", arena_printf(&at->arena, "%" PRIu64, limit * PAGE_BYTES));
    /* memory.stat shows a page of kernel memory before the first access, also where it shows no
     * slab: the signal by which the replay stops is an object that was freed. */
    json_add_bool(cgroup, "object_stock", true);
    json_add_integer(cgroup, "kernel_objects", shown_at_first(at, "cg.slab"));
    json_add_integer(cgroup, "locked_memory", shown_at_first(at, "cg.unevictable"));
    json_add(document, "tasks", tasks);
    json_add_to_array(tasks, task);
    json_add_string(task, "name", "replay");
    json_add_string(task, "cgroup", "/region");
    /* A write loads the word before it stores it. */
    json_add_bool(task, "load_before_store", true);
    json_add_string(task, "fill", EMULATOR_FILL);
    json_add(task, "workload", workload);
    json_add_string(workload, "type", "emulator_phases");
    json_add_string(workload, "phases", phases);
    json_add(task, "content", content);
    json_add_string(content, "type", "emulator");
    json_add_string(content, "class", page_class ? page_class->text : "");
}

/* Each row of "series_median" holds memory.zswap.current, and reading that folds the
 * statistics in, as reading memory.stat at the end of a phase does. */
static void compose_flushes(const struct kernel_case *at, uint64_t accesses, cJSON *events)
{
    const struct config_node *series = config_tree_member(at->tree, "series_median");
    for (uint32_t i = 0; series && i < at->phase_count; i++) {
        const struct config_node *rows = config_tree_member(series, at->phases[i]);
        for (const struct config_node *row = rows ? rows->first : NULL; row; row = row->next) {
            const struct config_node *number =
                row->kind == CONFIG_OBJECT ? config_tree_member(row, "seq") : NULL;
            uint64_t seq = number && number->text ? strtoull(number->text, NULL, 10) : accesses;
            if (seq >= accesses)
                continue;
            kernel_case_add_flush(seq, events);
        }
    }
}

/* A snapshot at the end of each phase of the case; the last is the end itself. */
static void compose_snapshots(struct kernel_case *at, const char *phases, cJSON *document)
{
    struct source_position position = {.file = at->path};
    struct workload *workload = emulator_phases_open(phases, &position, &at->errors);
    cJSON *events = json_array();
    json_add(document, "events", events);
    if (!workload)
        return;
    uint32_t steps = stream_workload_steps(workload);
    if (steps != at->phase_count)
        kernel_case_refuse(at, NULL, "the pattern has %u phases, \"phases\" lists %u", steps,
                           at->phase_count);
    for (uint32_t i = 0; i < steps && i < at->phase_count; i++) {
        cJSON *event = json_object();
        json_add_integer(event, "at_access", stream_workload_step_start(workload, i + 1));
        json_add_string(event, "snapshot", at->phases[i]);
        if (i + 1 < steps)
            json_add_to_array(events, event);
        else
            cJSON_Delete(event);
    }
    compose_flushes(at, stream_workload_step_start(workload, steps), events);
    for (uint32_t i = 1; i < steps; i++)
        kernel_case_add_flush(stream_workload_step_start(workload, i), events);
    workload->type->close(workload);
}

/* The hashes that the case lists must be those of phases, in order. */
static void check_hashes(struct kernel_case *at)
{
    const struct config_node *hashes = config_tree_member(at->tree, "trace_fnv1a");
    const struct workload *workload = at->experiment->variants[0].config.tasks[0].workload;
    uint32_t phase = 0;
    for (const struct config_node *hash = hashes && hashes->kind == CONFIG_ARRAY ? hashes->first
                                                                                 : NULL;
         hash; hash = hash->next) {
        uint64_t wanted = hash->text ? strtoull(hash->text, NULL, 16) : 0;
        while (phase < at->phase_count && emulator_phase_hash(workload, phase) != wanted)
            phase++;
        if (phase++ >= at->phase_count) {
            kernel_case_refuse(at, hash, "trace_fnv1a: no phase of the pattern has this hash");
            return;
        }
    }
}

void emulator_case_compose(struct kernel_case *at)
{
    static const char *const known[] = {"memory_max_pages",
                                        "max_pool_percent",
                                        "accept_threshold_percent",
                                        "guest_mem_mb",
                                        "numa_nodes",
                                        "vcpus",
                                        "page_cluster",
                                        "swap_device",
                                        "swappiness",
                                        "page_class",
                                        "thp",
                                        "kernel",
                                        "zpool",
                                        "compressor",
                                        "pattern",
                                        "total_ram_pages",
                                        "node0_pages",
                                        "node1_pages",
                                        "lru_gen_enabled",
                                        "zswap_shrinker_enabled",
                                        "pool_limit_pages",
                                        NULL};
    const struct config_node *config = config_tree_member(at->tree, "config");
    const struct config_node *pattern = kernel_case_member(at, config, "pattern", CONFIG_STRING);
    const struct config_node *of_case = kernel_case_member(at, at->tree, "phases", CONFIG_OBJECT);
    if (!pattern || !of_case)
        return;
    kernel_case_check_keys(at, config, known);
    refuse_huge_pages(at, config);
    at->phases = arena_zeroed(&at->arena, (of_case->children + 1) * sizeof(*at->phases));
    for (const struct config_node *phase = of_case->first; phase; phase = phase->next)
        if (strcmp(phase->key, "end") != 0)
            at->phases[at->phase_count++] = phase->key;
    const char *phases = phases_of(at, pattern), *kernel = kernel_of(at, config);
    cJSON *document = json_object(), *engine = json_object();
    json_add_string(document, "question", "Does the simulator count what the kernel counted?");
    json_add_string(document, "kernel", kernel_case_preset(at, kernel));
    compose_machine(at, config, document);
    compose_memory(at, config, document);
    compose_task(at, config, phases, document);
    if (*phases)
        compose_snapshots(at, phases, document);
    json_add(document, "engine", engine);
    json_add_integer(engine, "series_rows", 36);
    kernel_case_decode(at, document);
    if (!at->experiment)
        return;
    emulator_slow_down(&at->experiment->variants[0].config.costs);
    check_hashes(at);
}

/* ---- comparing -------------------------------------------------------------------- */

/* Names of the case's counters and of zsim's.  A case lists what is not 0. */
static const struct emulator_counter {
    const char *kernel, *zsim;
    bool gauge;
} counters[] = {
    {"zswpin", "zswpin", false},
    {"zswpout", "zswpout", false},
    {"z_written_back_pages", "written_back_pages", false},
    {"pswpin", "pswpin", false},
    {"pswpout", "pswpout", false},
    {"swpin_zero", "swpin_zero", false},
    {"swpout_zero", "swpout_zero", false},
    {"pgmajfault", "pgmajfault", false},
    {"cg.pgscan", "pgscan_anon", false},
    {"cg.pgsteal", "pgsteal_anon", false},
    {"cg.workingset_refault_anon", "workingset_refault_anon", false},
    {"cg.workingset_activate_anon", "workingset_activate_anon", false},
    {"cg.workingset_restore_anon", "workingset_restore_anon", false},
    {"z_reject_compress_fail", "reject_compress_fail", false},
    {"z_same_filled_pages", "same_filled_pages", true},
    {"z_stored_pages", "stored_pages", true},
    {"z_pool_total_size", "pool_total_size", true},
};
enum { COMPARED = sizeof(counters) / sizeof(counters[0]) };

static const struct counters_at *phase_end(const struct kernel_case *at, uint32_t phase)
{
    for (uint32_t i = 0; i < at->result.snapshot_count; i++)
        if (strcmp(at->result.snapshots[i].label, at->phases[phase]) == 0)
            return &at->result.snapshots[i].at;
    return &at->result.totals;
}

static void compare_phase(struct kernel_case *at, uint32_t phase, double accesses)
{
    static const struct counters_at nothing;
    const struct config_node *of_case =
        config_tree_member(config_tree_member(at->tree, "phases"), at->phases[phase]);
    const struct counters_at *before = phase ? phase_end(at, phase - 1) : &nothing;
    const struct counters_at *after = phase_end(at, phase);
    for (unsigned i = 0; i < COMPARED; i++) {
        struct spread kernel = {0, 0, 0};
        double from = 0, to = 0;
        kernel_case_spread(config_tree_member(of_case, counters[i].kernel), &kernel);
        counters_by_name(before, counters[i].zsim, &from);
        counters_by_name(after, counters[i].zsim, &to);
        double zsim = counters[i].gauge ? to : to - from;
        if (kernel.max > 0 || zsim > 0)
            kernel_case_add_row(
                at, arena_printf(&at->arena, "%s.%s", at->phases[phase], counters[i].kernel),
                &kernel, zsim, accesses, AGREE_EITHER, BAR_COUNTER);
    }
}

/* Where the pages are, as shares of all. */
static void compare_places(struct kernel_case *at, const struct config_node *residency,
                           uint32_t pages)
{
    static const struct {
        const char *name;
        enum page_place place;
    } places[] = {{"R", PLACE_MAPPED},
                  {"C", PLACE_SWAP_CACHE},
                  {"Z", PLACE_ZSWAP},
                  {"zero", PLACE_ZERO_MAP},
                  {"D", PLACE_DISK}};
    uint64_t count[PAGE_PLACES] = {0};
    for (uint32_t page = 0; page < pages; page++)
        count[at->place[page]]++;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct spread kernel = {0, 0, 0};
        kernel_case_spread(config_tree_member(residency, places[i].name), &kernel);
        double zsim = (double)count[places[i].place];
        struct validate_row *row =
            kernel_case_add_row(at, arena_printf(&at->arena, "end.%s", places[i].name), &kernel,
                                zsim, 0, AGREE_SHARE, BAR_SHARE);
        row->divisor = pages;
        validate_judge(row);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Probability that a random page in zswap was last used before a random one on
 * the device; NAN: there is no such pair. */
static double inversion_of(const struct kernel_case *at, uint32_t pages)
{
    uint64_t *zswap = memory_zeroed(pages, sizeof(*zswap), "last uses of pages");
    uint32_t stored = 0, on_disk = 0;
    double pairs = 0;
    for (uint32_t page = 0; page < pages; page++)
        if (at->place[page] == PLACE_ZSWAP)
            zswap[stored++] = at->last_use[page];
    qsort(zswap, stored, sizeof(*zswap), compare_numbers);
    for (uint32_t page = 0; page < pages; page++) {
        if (at->place[page] != PLACE_DISK)
            continue;
        uint32_t low = 0, high = stored;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (zswap[middle] < at->last_use[page])
                low = middle + 1;
            else
                high = middle;
        }
        pairs += low;
        on_disk++;
    }
    free(zswap);
    return stored && on_disk ? pairs / ((double)stored * on_disk) : NAN;
}

void emulator_case_compare(struct kernel_case *at)
{
    const struct workload *workload = at->experiment->variants[0].config.tasks[0].workload;
    const struct config_node *residency = config_tree_member(at->tree, "residency");
    const struct config_node *end = residency ? config_tree_member(residency, "end") : NULL;
    for (uint32_t phase = 0; phase < at->phase_count; phase++)
        compare_phase(at, phase, (double)workload->accesses);
    if (!end)
        return;
    compare_places(at, end, workload->space_pages[0]);
    struct spread kernel;
    double zsim = inversion_of(at, workload->space_pages[0]);
    if (!kernel_case_spread(config_tree_member(end, "inversion"), &kernel) || !isfinite(zsim))
        return;
    struct validate_row *row =
        kernel_case_add_row(at, "end.inversion", &kernel, zsim, 0, AGREE_SHARE, BAR_INVERSION);
    row->divisor = 1;
    validate_judge(row);
}

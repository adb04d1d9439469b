#include "sim/experiment/advise.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/experiment/config_decode.h"
#include "sim/experiment/json_output.h"

enum {
    /* More accesses than this over a whole grid take minutes: try fewer settings. */
    ACCESSES_OF_A_FULL_GRID = 240000000,
    REFINED_AT_MOST = 6,
    SERIES_ROWS = 50,
};

/* What is swept; the first values of each are those of a coarse grid. */
static const char *const compressor_names[] = {"lz4", "zstd", "lzo"}; /* coarse: two */
enum { COMPRESSORS_TRIED = sizeof(compressor_names) / sizeof(compressor_names[0]) };
static const unsigned pool_percents[] = {20, 35, ADVISE_LARGEST_POOL, 10}; /* coarse: three */
static const unsigned accept_percents[] = {90, 70};
static const unsigned page_clusters[] = {0, 3};

/* ---- the experiment ------------------------------------------------------------------ */

static void add_set(cJSON *set, const char *path, cJSON *value)
{
    cJSON_AddItemToObject(set, path, value);
}

uint64_t advise_pool_bytes(const struct advise_request *request,
                           const struct advise_setting *setting)
{
    /* As zswap_max_pages() has it, without running over. */
    uint64_t pages = request->memory_bytes / PAGE_BYTES, limit = request->limit_bytes / PAGE_BYTES;
    uint64_t share =
        pages / 100 * setting->pool_percent + pages % 100 * setting->pool_percent / 100;
    return (share < limit ? share : limit) * PAGE_BYTES;
}

static cJSON *setting_json(const struct advise_request *request,
                           const struct advise_setting *setting)
{
    cJSON *set = json_object();
    add_set(set, "zswap.enabled", cJSON_CreateBool(setting->zswap));
    add_set(set, "vm.page_cluster", json_integer(setting->page_cluster));
    if (!setting->zswap)
        return set;
    add_set(set, "zswap.compressor", json_string(setting->compressor));
    add_set(set, "zswap.max_pool_percent", json_integer(setting->pool_percent));
    add_set(set, "zswap.accept_threshold_percent", json_integer(setting->accept_percent));
    add_set(set, "zswap.shrinker_enabled", cJSON_CreateBool(setting->shrinker));
    add_set(set, "cgroups./job.memory.zswap.max",
            json_integer(advise_pool_bytes(request, setting)));
    add_set(set, "cgroups./job.memory.zswap.writeback", cJSON_CreateBool(setting->writeback));
    return set;
}

static cJSON *device_json(const struct advise_request *request)
{
    const struct advise_device *from = &request->device;
    cJSON *device = json_object();
    char text[32];
    json_add_string(device, "name", "swap");
    json_add_integer(device, "size",
                     (2 * request->footprint_bytes + (64 << 20)) / PAGE_BYTES * PAGE_BYTES);
    print_time(text, sizeof(text), from->read_latency_ns);
    json_add_string(device, "read_latency", text);
    print_time(text, sizeof(text), from->write_latency_ns);
    json_add_string(device, "write_latency", text);
    json_add_integer(device, "bandwidth", from->bandwidth_bytes_per_s);
    json_add_integer(device, "queue_depth", from->queue_depth);
    json_add_bool(device, "rotational", from->rotational);
    return device;
}

/* Absolute, so that the experiment can be kept as a config anywhere. */
static void add_file(cJSON *object, const char *path)
{
    char *absolute = realpath(path, NULL);
    json_add_string(object, "file", absolute ? absolute : path);
    free(absolute);
}

static cJSON *task_json(const struct advise_request *request)
{
    cJSON *task = json_object(), *workload = json_object(), *content = json_object();
    char text[32];
    json_add_string(task, "name", "job");
    json_add_string(task, "cgroup", "/job");
    print_time(text, sizeof(text), request->think_ns);
    json_add_string(task, "think", text);
    json_add_string(workload, "type", request->trace_type);
    add_file(workload, request->trace);
    json_add(task, "workload", workload);
    json_add_string(content, "type", request->content ? "profile" : DEFAULT_CONTENT_TYPE);
    if (request->content)
        add_file(content, request->content);
    else
        json_add_string(content, "classes", DEFAULT_CONTENT_CLASSES);
    json_add(task, "content", content);
    return task;
}

/* One machine whose only shortage is the cgroup's limit. */
static cJSON *machine_json(const struct advise_request *request)
{
    cJSON *machine = json_object(), *nodes = json_array(), *node = json_object();
    uint64_t memory = request->limit_bytes + request->footprint_bytes + (64 << 20);
    json_add_integer(machine, "cpus", 2);
    json_add_integer(machine, "total_ram_pages", request->memory_bytes / PAGE_BYTES);
    json_add_integer(node, "memory", memory / PAGE_BYTES * PAGE_BYTES);
    json_add_to_array(nodes, node);
    json_add(machine, "nodes", nodes);
    return machine;
}

static cJSON *base_json(const struct advise_request *request)
{
    cJSON *root = json_object(), *vm = json_object(), *swap = json_object(), *list = json_array();
    cJSON *cgroups = json_object(), *job = json_object(), *tasks = json_array();
    cJSON *engine = json_object();
    json_add_string(root, "question", "Which zswap settings suit this trace?");
    json_add_string(root, "kernel", request->kernel);
    json_add(root, "machine", machine_json(request));
    json_add_string(vm, "memcg_stat_flush", "10ms");
    json_add(root, "vm", vm);
    json_add_to_array(list, device_json(request));
    json_add(swap, "devices", list);
    json_add(root, "swap", swap);
    json_add_integer(job, "memory.max", request->limit_bytes);
    json_add(cgroups, "/job", job);
    if (request->idle_cgroups) {
        char idle[32];
        snprintf(idle, sizeof(idle), "/idle[1..%" PRIu32 "]", request->idle_cgroups);
        json_add(cgroups, idle, json_object());
    }
    json_add(root, "cgroups", cgroups);
    json_add_to_array(tasks, task_json(request));
    json_add(root, "tasks", tasks);
    json_add_integer(engine, "series_rows", SERIES_ROWS);
    json_add(root, "engine", engine);
    return root;
}

/* A variant for each point and draw of contents. */
static cJSON *experiment_json(const struct advise_request *request,
                              const struct advise_point *points, uint32_t count, unsigned draws)
{
    cJSON *root = base_json(request), *variants = json_array();
    for (uint32_t i = 0; i < count * draws; i++) {
        cJSON *variant = json_object(), *set = setting_json(request, &points[i / draws].setting);
        char setting[96], name[128];
        advise_setting_print(&points[i / draws].setting, setting, sizeof(setting));
        if (draws > 1)
            add_set(set, "tasks.0.content.seed", json_integer(i % draws + 1));
        if (draws > 1)
            add_set(set, "engine.bound", cJSON_CreateBool(true));
        snprintf(name, sizeof(name), draws > 1 ? "%s draw %u" : "%s", setting, i % draws + 1);
        json_add_string(variant, "name", name);
        json_add(variant, "set", set);
        json_add_to_array(variants, variant);
    }
    json_add(root, "variants", variants);
    return root;
}

static struct experiment *parse(const cJSON *document, struct diagnostics *errors)
{
    char *text = json_print(document);
    struct experiment *experiment = experiment_parse("zsim advise", "", text, strlen(text), errors);
    free(text);
    return experiment;
}

/* ---- measures -------------------------------------------------------------------------- */

static struct advise_measure measure(const struct run_result *run)
{
    struct advise_measure of = {
        .cpu_ns = (double)run->cpu.sys_ns,
        .device_writes = (double)run->totals.counters[COUNTER_pswpout],
        .disk_reads = (double)run->totals.counters[COUNTER_pswpin],
        .zswap_loads = (double)run->totals.counters[COUNTER_zswpin],
    };
    if (run->bound.known) {
        of.least_fault_ns = (double)run->bound.fault_ns;
        of.least_disk_reads = (double)run->bound.disk_reads;
    }
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        of.fault_ns += (double)run->fault_latency[kind].sum;
    for (uint32_t i = 0; i < run->series_count; i++) {
        const uint64_t *gauges = run->series[i].at.gauges;
        of.saved_bytes +=
            (double)gauges[GAUGE_stored_pages] * PAGE_BYTES - (double)gauges[GAUGE_pool_total_size];
    }
    if (run->series_count)
        of.saved_bytes /= run->series_count;
    return of;
}

static void add_measure(struct advise_point *point, const struct run_result *run, unsigned draws)
{
    struct advise_measure of = measure(run);
    if (!point->draws++ || of.fault_ns < point->fault_ns_least)
        point->fault_ns_least = of.fault_ns;
    if (of.fault_ns > point->fault_ns_most)
        point->fault_ns_most = of.fault_ns;
    point->mean.fault_ns += of.fault_ns / draws;
    point->mean.cpu_ns += of.cpu_ns / draws;
    point->mean.saved_bytes += of.saved_bytes / draws;
    point->mean.device_writes += of.device_writes / draws;
    point->mean.disk_reads += of.disk_reads / draws;
    point->mean.zswap_loads += of.zswap_loads / draws;
    point->mean.least_fault_ns += of.least_fault_ns / draws;
    point->mean.least_disk_reads += of.least_disk_reads / draws;
    if (draws == 1)
        point->first = of;
    point->killed |= run->totals.counters[COUNTER_oom_kill] > 0;
    point->reclaimed += run->totals.counters[COUNTER_pgsteal_anon];
}

/* Run `count` points with so many draws each and fill them in. */
static int run_points(const struct advise_request *request, struct advise_point *points,
                      uint32_t count, unsigned draws, cJSON **kept, struct advice *advice,
                      struct diagnostics *errors)
{
    cJSON *document = experiment_json(request, points, count, draws);
    struct experiment *experiment = parse(document, errors);
    if (kept)
        *kept = document;
    else
        cJSON_Delete(document);
    if (!experiment)
        return 2;
    struct run_record *records;
    int code = experiment_run_records(experiment, &request->options, &records);
    for (uint32_t i = 0; code == 0 && i < count * draws; i++)
        add_measure(&points[i / draws], &records[i].result, draws);
    advice->runs += count * draws;
    run_records_free(records, count * draws);
    experiment_free(experiment);
    return code;
}

/* ---- the front and the choice -------------------------------------------------------------- */

/* All four as costs. */
static void costs_of(const struct advise_measure *of, double costs[4])
{
    costs[0] = of->fault_ns;
    costs[1] = of->cpu_ns;
    costs[2] = of->device_writes;
    costs[3] = -of->saved_bytes;
}

/* As good in all to 1 %, and better by more in one.  A mean of several draws is compared with
 * another such mean only: draws differ by more than that. */
static bool dominates(const struct advise_point *a, const struct advise_point *b)
{
    double of_a[4], of_b[4];
    bool better = false, means = a->draws == b->draws;
    costs_of(means ? &a->mean : &a->first, of_a);
    costs_of(means ? &b->mean : &b->first, of_b);
    for (unsigned i = 0; i < 4; i++) {
        double near = 0.01 * fmax(fabs(of_a[i]), fabs(of_b[i]));
        if (of_a[i] > of_b[i] + near)
            return false;
        better |= of_a[i] < of_b[i] - near;
    }
    return better;
}

/* Settings that make no difference at all: the first of them stands for the others, also when it
 * has been run again, and they must not beat it with the one run that both had. */
static bool is_repeated(const struct advise_point *points, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): to the last bit */
            memcmp(&points[i].first, &points[index].first, sizeof(points[i].first)) == 0)
            return true;
    return false;
}

void advise_find_front(struct advise_point *points, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        points[i].repeats = is_repeated(points, i);
    for (uint32_t i = 0; i < count; i++) {
        points[i].on_front = !points[i].killed && !points[i].repeats;
        for (uint32_t k = 0; k < count && points[i].on_front; k++)
            points[i].on_front =
                points[k].killed || points[k].repeats || !dominates(&points[k], &points[i]);
    }
}

/* Fewer writes; where those are near each other, less CPU time. */
static bool is_kinder(const struct advise_measure *a, const struct advise_measure *b)
{
    double near = fmax(a->device_writes, b->device_writes) * ADVISE_NEAR_PERCENT / 100;
    if (fabs(a->device_writes - b->device_writes) > near)
        return a->device_writes < b->device_writes;
    return a->cpu_ns < b->cpu_ns;
}

uint32_t advise_choose(const struct advise_point *points, uint32_t count, unsigned draws)
{
    double least = DBL_MAX;
    uint32_t chosen = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (points[i].on_front && points[i].draws >= draws)
            least = fmin(least, points[i].mean.fault_ns);
    for (uint32_t i = 0; i < count; i++)
        if (points[i].on_front && points[i].draws >= draws &&
            points[i].mean.fault_ns <= least * (100 + ADVISE_NEAR_PERCENT) / 100 &&
            (chosen == UINT32_MAX || is_kinder(&points[i].mean, &points[chosen].mean)))
            chosen = i;
    return chosen;
}

/* ---- first step: the grid ---------------------------------------------------------------------
 */

void advise_setting_print(const struct advise_setting *setting, char *out, size_t size)
{
    const char *cluster = setting->page_cluster ? " readahead" : "";
    if (!setting->zswap)
        snprintf(out, size, "no zswap%s", cluster);
    else
        snprintf(out, size, "%s pool %u%% accept %u%%%s%s%s", setting->compressor,
                 setting->pool_percent, setting->accept_percent,
                 setting->shrinker ? " shrinker" : "", setting->writeback ? "" : " no writeback",
                 cluster);
}

static void add_point(struct advice *advice, const struct advise_setting *setting)
{
    advice->points = memory_resized(advice->points, advice->count + 1, sizeof(*advice->points),
                                    "settings to try");
    advice->points[advice->count++] = (struct advise_point){.setting = *setting};
}

/* Accept threshold and shrinker decide what is written back: without writeback one
 * value of each is enough. */
static void add_pool(struct advice *advice, struct advise_setting setting)
{
    unsigned accepts = advice->coarse ? 1 : 2, shrinkers = advice->has_shrinker ? 2 : 1;
    for (unsigned a = 0; a < accepts; a++)
        for (unsigned s = 0; s < shrinkers; s++) {
            setting.accept_percent = accept_percents[a];
            setting.shrinker = s;
            add_point(advice, &setting);
        }
    setting.accept_percent = accept_percents[0];
    setting.shrinker = setting.writeback = false;
    if (advice->has_shrinker)
        add_point(advice, &setting);
}

static void make_grid(struct advice *advice)
{
    unsigned names = advice->coarse ? 2 : 3, percents = advice->coarse ? 3 : 4;
    for (unsigned r = 0; r < 2; r++)
        add_point(advice, &(struct advise_setting){.page_cluster = page_clusters[r]});
    for (unsigned r = 0; r < 2; r++)
        for (unsigned c = 0; c < names; c++)
            for (unsigned p = 0; p < percents && (advice->compressors >> c & 1); p++)
                add_pool(advice, (struct advise_setting){.zswap = true,
                                                         .compressor = compressor_names[c],
                                                         .pool_percent = pool_percents[p],
                                                         .writeback = true,
                                                         .page_cluster = page_clusters[r]});
}

/* Is there a slab shrinker in this kernel (from 6.8 on; names that are no version are
 * of proposals for newer ones), and which compressors does the profile
 * know?  Reads the base config once. */
static bool look_at_base(const struct advise_request *request, struct advice *advice,
                         struct diagnostics *errors)
{
    cJSON *document = base_json(request);
    struct experiment *experiment = parse(document, errors);
    cJSON_Delete(document);
    if (!experiment)
        return false;
    unsigned major, minor;
    advice->has_shrinker = sscanf(request->kernel, "v%u.%u", &major, &minor) != 2 || major > 6 ||
                           (major == 6 && minor >= 8);
    const struct content *content = experiment->variants[0].config.tasks[0].contents[0];
    for (unsigned i = 0; i < COMPRESSORS_TRIED; i++)
        if (content_knows(content, (unsigned)compressor_find(compressor_names[i])))
            advice->compressors |= 1u << i;
    experiment_free(experiment);
    return true;
}

/* ---- second step: the best few again ------------------------------------------------------------
 */

/* The point with the least of one cost. */
static uint32_t least_by(const struct advice *advice, unsigned cost)
{
    uint32_t best = UINT32_MAX;
    double least = DBL_MAX, costs[4];
    for (uint32_t i = 0; i < advice->count; i++) {
        costs_of(&advice->points[i].mean, costs);
        if (advice->points[i].killed || !advice->points[i].on_front || costs[cost] >= least)
            continue;
        least = costs[cost];
        best = i;
    }
    return best;
}

static void pick(uint32_t *picked, uint32_t *count, uint32_t index)
{
    for (uint32_t i = 0; i < *count; i++)
        if (picked[i] == index)
            return;
    if (index != UINT32_MAX && *count < REFINED_AT_MOST)
        picked[(*count)++] = index;
}

static uint32_t next_fastest(const struct advice *advice, double above)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < advice->count; i++) {
        const struct advise_point *point = &advice->points[i];
        if (!point->killed && point->on_front && point->mean.fault_ns > above &&
            (best == UINT32_MAX || point->mean.fault_ns < advice->points[best].mean.fault_ns))
            best = i;
    }
    return best;
}

/* The choice so far, the best by each measure, then the next by fault time. */
static uint32_t pick_best(const struct advice *advice, uint32_t picked[REFINED_AT_MOST])
{
    uint32_t count = 0, index;
    pick(picked, &count, advise_choose(advice->points, advice->count, 1));
    for (unsigned cost = 0; cost < 4; cost++)
        pick(picked, &count, least_by(advice, cost));
    double above = -1;
    while (count < REFINED_AT_MOST && (index = next_fastest(advice, above)) != UINT32_MAX) {
        pick(picked, &count, index);
        above = advice->points[index].mean.fault_ns;
    }
    return count;
}

static int refine(const struct advise_request *request, struct advice *advice,
                  struct diagnostics *errors)
{
    uint32_t picked[REFINED_AT_MOST];
    uint32_t count = pick_best(advice, picked);
    struct advise_point again[REFINED_AT_MOST];
    for (uint32_t i = 0; i < count; i++)
        again[i] = (struct advise_point){.setting = advice->points[picked[i]].setting,
                                         .first = advice->points[picked[i]].first};
    int code = run_points(request, again, count, ADVISE_DRAWS, NULL, advice, errors);
    for (uint32_t i = 0; code == 0 && i < count; i++)
        advice->points[picked[i]] = again[i];
    return code;
}

/* ---- all of it
 * -------------------------------------------------------------------------------------- */

/* Where nothing is ever reclaimed no setting of zswap makes a difference. */
static int find_pressure(const struct advise_request *request, struct advice *advice,
                         struct diagnostics *errors)
{
    struct advise_point whole = {.setting = advice->points[0].setting};
    int code = run_points(request, &whole, 1, 1, NULL, advice, errors);
    advice->pressure = whole.killed || whole.reclaimed > 0;
    if (code || !advice->pressure)
        advice->count = 0;
    return code;
}

static int tell_out_of_memory(const struct advise_request *request, struct diagnostics *errors)
{
    char limit[32];
    print_bytes(limit, sizeof(limit), request->limit_bytes);
    diagnostics_add(errors, &(struct source_position){.file = request->trace},
                    "with a limit of %s every setting ends out of memory; give a larger --limit",
                    limit);
    return 1;
}

int advise(const struct advise_request *request, struct advice *advice, struct diagnostics *errors)
{
    enum { FULL_GRID = 122 };
    *advice = (struct advice){.coarse = request->accesses * FULL_GRID > ACCESSES_OF_A_FULL_GRID};
    if (!look_at_base(request, advice, errors))
        return 2;
    make_grid(advice);
    int code = find_pressure(request, advice, errors);
    if (code || !advice->pressure)
        return code;
    code =
        run_points(request, advice->points, advice->count, 1, &advice->experiment, advice, errors);
    if (code)
        return code;
    advise_find_front(advice->points, advice->count);
    if (advise_choose(advice->points, advice->count, 1) == UINT32_MAX)
        return tell_out_of_memory(request, errors);
    code = refine(request, advice, errors);
    if (code)
        return code;
    advise_find_front(advice->points, advice->count);
    advice->recommended = advise_choose(advice->points, advice->count, ADVISE_DRAWS);
    if (advice->recommended == UINT32_MAX)
        advice->recommended = advise_choose(advice->points, advice->count, 1);
    /* Another draw of contents may not fit. */
    if (advice->recommended == UINT32_MAX)
        return tell_out_of_memory(request, errors);
    return 0;
}

void advice_release(struct advice *advice)
{
    free(advice->points);
    cJSON_Delete(advice->experiment);
    arena_release(&advice->arena);
}

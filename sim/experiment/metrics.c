#include "sim/experiment/metrics.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/experiment/summary.h"

/* ---- which way is better --------------------------------------------------- */

/* Counters that cost something or say that something went wrong.  The others
 * say how much was done, which is neither good nor bad in itself. */
static const bool counter_lower_is_better[COUNTERS] = {
    [COUNTER_pgfault] = true,
    [COUNTER_pgmajfault] = true,
    [COUNTER_pswpin] = true,
    [COUNTER_pswpout] = true,
    [COUNTER_zswpwb] = true,
    [COUNTER_pgscan_anon] = true,
    [COUNTER_pgscan_kswapd] = true,
    [COUNTER_pgscan_direct] = true,
    [COUNTER_pgscan_proactive] = true,
    [COUNTER_pgrefill] = true,
    [COUNTER_workingset_refault_anon] = true,
    [COUNTER_allocstall] = true,
    [COUNTER_oom_kill] = true,
    [COUNTER_pool_limit_hit] = true,
    [COUNTER_written_back_pages] = true,
    [COUNTER_reject_reclaim_fail] = true,
    [COUNTER_reject_alloc_fail] = true,
    [COUNTER_reject_compress_fail] = true,
    [COUNTER_reject_compress_poor] = true,
    [COUNTER_reject_kmemcache_fail] = true,
    [COUNTER_decompress_fail] = true,
    [COUNTER_memory_max] = true,
    [COUNTER_memory_high] = true,
    [COUNTER_memory_oom] = true,
    [COUNTER_swap_max] = true,
    [COUNTER_swap_fail] = true,
    [COUNTER_fault_disk] = true,
    [COUNTER_disk_reads] = true,
    [COUNTER_disk_writes] = true,
    [COUNTER_failed_writes] = true,
    [COUNTER_refused_stores] = true,
    [COUNTER_refused_by_limit] = true,
    [COUNTER_refused_by_memcg] = true,
    [COUNTER_reclaim_in_vain] = true,
    [COUNTER_worker_gave_up] = true,
    [COUNTER_zswap_entries_scanned] = true,
    [COUNTER_unbacked_activate] = true,
};

/* What a zram device holds is neither good nor bad; what that costs in memory is. */
static bool gauge_lower_is_better(unsigned gauge)
{
    if (gauge == GAUGE_orig_data_size || gauge == GAUGE_compr_data_size ||
        gauge == GAUGE_same_pages)
        return false;
    return gauge == GAUGE_disk_pages || gauge >= GAUGE_pressure_some_us;
}

static const bool counter_is_headline[COUNTERS] = {
    [COUNTER_pgmajfault] = true,     [COUNTER_pswpin] = true,
    [COUNTER_pswpout] = true,        [COUNTER_zswpin] = true,
    [COUNTER_zswpout] = true,        [COUNTER_zswpwb] = true,
    [COUNTER_pgscan_anon] = true,    [COUNTER_workingset_refault_anon] = true,
    [COUNTER_pool_limit_hit] = true, [COUNTER_reject_reclaim_fail] = true,
    [COUNTER_refused_stores] = true, [COUNTER_fault_disk] = true,
    [COUNTER_oom_kill] = true,
};

/* ---- the other groups ------------------------------------------------------ */

struct plain_metric {
    const char *object, *key, *unit, *meaning;
    size_t offset; /* of a uint64_t in struct run_result */
    enum metric_direction direction;
    bool headline;
};

#define FIELD(member) offsetof(struct run_result, member)
static const struct plain_metric plain_metrics[] = {
    {NULL, "end_ns", "ns", "simulated time of the last event", FIELD(end_ns), LOWER_IS_BETTER,
     true},
    {"cpu", "user_ns", "ns", "processor time of the tasks' own work, over all processors",
     FIELD(cpu.user_ns), NEITHER_IS_BETTER, false},
    {"cpu", "sys_ns", "ns", "processor time of the kernel, over all processors", FIELD(cpu.sys_ns),
     LOWER_IS_BETTER, true},
    {"cpu", "iowait_ns", "ns", "idle while a task of the processor waited for a device",
     FIELD(cpu.iowait_ns), LOWER_IS_BETTER, false},
    {"cpu", "idle_ns", "ns", "idle otherwise", FIELD(cpu.idle_ns), NEITHER_IS_BETTER, false},
    {"time", "real_ns", "ns",
     "real, as time(1) prints it: from the first task's start to the last one's end",
     FIELD(time.real_ns), LOWER_IS_BETTER, false},
    {"time", "user_ns", "ns", "user, as time(1) prints it of all tasks", FIELD(time.user_ns),
     NEITHER_IS_BETTER, false},
    {"time", "sys_ns", "ns", "sys, as time(1) prints it of all tasks: without kernel threads",
     FIELD(time.sys_ns), LOWER_IS_BETTER, false},
    {"disk", "util_ppm", "ppm", "time in which some request was under way, of the busiest disk",
     FIELD(disk.util_ppm), LOWER_IS_BETTER, false},
    {"disk", "queue_milli", "1/1000 requests", "requests under way on average, of the busiest disk",
     FIELD(disk.queue_milli), LOWER_IS_BETTER, false},
    {"disk", "merged", "pages", "pages that joined the request before them (merge)",
     FIELD(disk.merged), NEITHER_IS_BETTER, false},
    {"disk", "read_mean_ns", "ns", "a read of a disk from submission to its end, mean",
     FIELD(disk.read_mean_ns), LOWER_IS_BETTER, false},
    {"disk", "read_p50_ns", "ns", "a read of a disk from submission to its end, median",
     FIELD(disk.read_p50_ns), LOWER_IS_BETTER, false},
    {"disk", "read_p99_ns", "ns", "a read of a disk from submission to its end, 99th percentile",
     FIELD(disk.read_p99_ns), LOWER_IS_BETTER, false},
    {"disk", "write_mean_ns", "ns", "a write to a disk from submission to its end, mean",
     FIELD(disk.write_mean_ns), LOWER_IS_BETTER, false},
    {"disk", "write_p50_ns", "ns", "a write to a disk from submission to its end, median",
     FIELD(disk.write_p50_ns), LOWER_IS_BETTER, false},
    {"disk", "write_p99_ns", "ns", "a write to a disk from submission to its end, 99th percentile",
     FIELD(disk.write_p99_ns), LOWER_IS_BETTER, false},
    {"psi", "some_us", "us", "time in which some task stalled on memory (/proc/pressure/memory)",
     FIELD(psi.some_us), LOWER_IS_BETTER, true},
    {"psi", "full_us", "us", "time in which all tasks stalled on memory (/proc/pressure/memory)",
     FIELD(psi.full_us), LOWER_IS_BETTER, false},
    {"inversion", "at_end_ppm", "ppm",
     "of the pages on a device, those that left RAM later than the median page of their cgroup in "
     "zswap or on zram, at the end (docs/model.md, \"Inversion\": not comparable with several "
     "nodes, "
     "or where more than one limit reclaims a cgroup)",
     FIELD(inversion.at_end_ppm), LOWER_IS_BETTER, false},
    {"inversion", "time_average_ppm", "ppm", "inversion.at_end_ppm on average over time",
     FIELD(inversion.time_average_ppm), LOWER_IS_BETTER, true},
    {"inversion", "pair_ppm", "ppm",
     "how likely a random page in zswap or on zram left RAM before a random page of its cgroup on "
     "a device, at the end (500,000: no order); comparable where inversion.at_end_ppm is",
     FIELD(inversion.pair_ppm), LOWER_IS_BETTER, false},
    {"fairness", "cgroups_ppm", "ppm",
     "Jain's index of written-back pages over cgroups (1,000,000: even)",
     FIELD(fairness.cgroups_ppm), HIGHER_IS_BETTER, false},
    {"fairness", "nodes_ppm", "ppm",
     "Jain's index of written-back pages over nodes (1,000,000: even)", FIELD(fairness.nodes_ppm),
     HIGHER_IS_BETTER, false},
    {"fairness", "cgroups_per_store_ppm", "ppm",
     "Jain's index over cgroups of written-back pages for each page stored (1,000,000: each lost "
     "the same share of what it stored)",
     FIELD(fairness.cgroups_per_store_ppm), HIGHER_IS_BETTER, false},
    {"fairness", "nodes_per_store_ppm", "ppm", "the same over the nodes on which the entries lay",
     FIELD(fairness.nodes_per_store_ppm), HIGHER_IS_BETTER, false},
    {"bound", "refaults", "faults",
     "least number of times that pages must be brought back into RAM (engine.bound)",
     FIELD(bound.refaults), NEITHER_IS_BETTER, false},
    {"bound", "disk_reads", "pages", "least number of pages read from devices",
     FIELD(bound.disk_reads), NEITHER_IS_BETTER, false},
    {"bound", "fault_ns", "ns", "least time spent in faults, over all tasks", FIELD(bound.fault_ns),
     NEITHER_IS_BETTER, false},
    {"bound", "refaults_ppm", "ppm", "faults but first touches, of the least possible",
     FIELD(bound.refaults_ppm), LOWER_IS_BETTER, false},
    {"bound", "disk_reads_ppm", "ppm", "pages read from devices, of the least possible",
     FIELD(bound.disk_reads_ppm), LOWER_IS_BETTER, false},
    {"bound", "fault_ns_ppm", "ppm", "time spent in faults, of the least possible",
     FIELD(bound.fault_ns_ppm), LOWER_IS_BETTER, false},
};
enum { PLAIN_METRICS = sizeof(plain_metrics) / sizeof(plain_metrics[0]) };

/* What is counted of each kind of lock. */
static const struct lock_part {
    const char *key, *unit, *meaning;
    size_t offset; /* in struct lock_counts */
} lock_parts[] = {
    {"acquisitions", "locks", "times a lock was taken", offsetof(struct lock_counts, acquisitions)},
    {"contended", "locks",
     "of these (shrinkers: besides these, in vain): it was held by another processor",
     offsetof(struct lock_counts, contended)},
    {"wait_ns", "ns", "time until it was free", offsetof(struct lock_counts, wait_ns)},
    {"hold_ns", "ns", "time from then on until it was released",
     offsetof(struct lock_counts, hold_ns)},
};
enum { LOCK_PARTS = sizeof(lock_parts) / sizeof(lock_parts[0]) };

static const struct latency_part {
    const char *key, *words;
    unsigned of_10000;
} latency_parts[] = {{"p50", "median", 5000},
                     {"p99", "99th percentile", 9900},
                     {"p99_9", "99.9th percentile", 9990}};
enum { LATENCY_PARTS = sizeof(latency_parts) / sizeof(latency_parts[0]) };

static const char *const latency_names[LATENCY_KINDS] = {
#define X(name, meaning) #name,
    FAULT_KIND_LIST(X)
#undef X
        "major",
};
static const char *const latency_meanings[LATENCY_KINDS] = {
#define X(name, meaning) meaning,
    FAULT_KIND_LIST(X)
#undef X
        "kinds zero, zswap, zram and disk together",
};

const char *latency_kind_name(unsigned kind)
{
    return latency_names[kind];
}

struct histogram latency_of_run(const struct run_result *run, unsigned kind)
{
    struct histogram merged = {0};
    if (kind != LATENCY_MAJOR) {
        histogram_merge(&merged, &run->fault_latency[kind]);
        return merged;
    }
    histogram_merge(&merged, &run->fault_latency[FAULT_zero]);
    histogram_merge(&merged, &run->fault_latency[FAULT_zswap]);
    histogram_merge(&merged, &run->fault_latency[FAULT_disk]);
    histogram_merge(&merged, &run->fault_latency[FAULT_zram]);
    return merged;
}

/* ---- the flat list --------------------------------------------------------- */

enum {
    FIRST_COUNTER = PLAIN_METRICS,
    FIRST_GAUGE = FIRST_COUNTER + COUNTERS,
    FIRST_TIME = FIRST_GAUGE + GAUGES,
    FIRST_LOCK = FIRST_TIME + TIME_KINDS,
    FIRST_LATENCY = FIRST_LOCK + LOCK_KINDS * LOCK_PARTS,
    FIRST_STORE_WAIT = FIRST_LATENCY + LATENCY_KINDS * LATENCY_PARTS,
    METRICS = FIRST_STORE_WAIT + LATENCY_PARTS,
};

unsigned metric_count(void)
{
    return METRICS;
}

static void describe_plain(const struct plain_metric *row, struct metric *metric)
{
    snprintf(metric->name, sizeof(metric->name), "%s%s%s", row->object ? row->object : "",
             row->object ? "." : "", row->key);
    metric->unit = row->unit;
    metric->meaning = row->meaning;
    metric->direction = row->direction;
    metric->headline = row->headline;
    metric->percentile = strstr(row->key, "_p50_") || strstr(row->key, "_p99_");
    unsigned at = 0;
    if (row->object)
        metric->path[at++] = row->object;
    metric->path[at] = row->key;
}

static void describe_total(const struct counter_description *row, struct metric *metric)
{
    snprintf(metric->name, sizeof(metric->name), "%s", row->name);
    metric->unit = row->unit;
    metric->meaning = row->meaning;
    metric->path[0] = "totals";
    metric->path[1] = row->name;
}

static void describe_time(enum time_kind kind, struct metric *metric)
{
    snprintf(metric->name, sizeof(metric->name), "cost_ns.%s", time_descriptions[kind].name);
    metric->unit = "ns";
    metric->meaning = time_descriptions[kind].meaning;
    metric->direction = kind == TIME_user ? NEITHER_IS_BETTER : LOWER_IS_BETTER;
    metric->path[0] = "cost_ns";
    metric->path[1] = time_descriptions[kind].name;
}

static void describe_lock(unsigned kind, unsigned part, struct metric *metric)
{
    snprintf(metric->name, sizeof(metric->name), "locks.%s.%s", lock_descriptions[kind].name,
             lock_parts[part].key);
    metric->unit = lock_parts[part].unit;
    metric->meaning = lock_parts[part].meaning;
    metric->direction = LOWER_IS_BETTER;
    metric->path[0] = "locks";
    metric->path[1] = lock_descriptions[kind].name;
    metric->path[2] = lock_parts[part].key;
}

static void describe_latency(unsigned kind, unsigned part, struct metric *metric)
{
    snprintf(metric->name, sizeof(metric->name), "fault_latency_ns.%s.%s", latency_names[kind],
             latency_parts[part].key);
    metric->unit = "ns";
    metric->meaning = latency_meanings[kind];
    metric->direction = LOWER_IS_BETTER;
    metric->percentile = true;
    metric->headline = kind == LATENCY_MAJOR && latency_parts[part].of_10000 == 9900;
    metric->path[0] = "histograms";
    metric->path[1] = "fault_latency_ns";
    metric->path[2] = latency_names[kind];
    metric->path[3] = latency_parts[part].key;
}

static void describe_store_wait(unsigned part, struct metric *metric)
{
    snprintf(metric->name, sizeof(metric->name), "store_wait_ns.%s", latency_parts[part].key);
    metric->unit = "ns";
    metric->meaning = "time that a store at memory.zswap.max spends on making room";
    metric->direction = LOWER_IS_BETTER;
    metric->percentile = true;
    metric->path[0] = "histograms";
    metric->path[1] = "store_wait_ns";
    metric->path[2] = latency_parts[part].key;
}

static void describe_counter(unsigned counter, struct metric *metric)
{
    describe_total(&counter_descriptions[counter], metric);
    if (counter == COUNTER_swap_ra_hit)
        metric->direction = HIGHER_IS_BETTER;
    else if (counter_lower_is_better[counter])
        metric->direction = LOWER_IS_BETTER;
    metric->headline = counter_is_headline[counter];
}

static void describe_gauge(unsigned gauge, struct metric *metric)
{
    describe_total(&gauge_descriptions[gauge], metric);
    metric->direction = gauge_lower_is_better(gauge) ? LOWER_IS_BETTER : NEITHER_IS_BETTER;
    metric->headline = gauge == GAUGE_pool_total_size || gauge == GAUGE_stored_pages;
}

/* ---- cgroups ----------------------------------------------------------------- */

/* What was asked for; kept until the end. */
static struct cgroup_metric {
    char *name, *cgroup;
    unsigned total; /* index of the same over all cgroups */
} * cgroup_metrics;
static unsigned cgroup_metric_count;

static const char cgroup_prefix[] = "cgroups.";

/* The index of the counter or gauge of "cgroups./PATH.NAME", -1: it is none such.  A path may
 * hold dots. */
static int cgroup_metric_total(const char *name, size_t *path_length)
{
    if (strncmp(name, cgroup_prefix, strlen(cgroup_prefix)) != 0 ||
        strlen(name) >= METRIC_NAME_BYTES)
        return -1;
    const char *path = name + strlen(cgroup_prefix), *dot = strrchr(path, '.');
    if (path[0] != '/' || !dot)
        return -1;
    *path_length = (size_t)(dot - path);
    for (unsigned i = 0; i < COUNTERS; i++)
        if (strcmp(counter_descriptions[i].name, dot + 1) == 0)
            return (int)(FIRST_COUNTER + i);
    for (unsigned i = 0; i < GAUGES; i++)
        if (strcmp(gauge_descriptions[i].name, dot + 1) == 0)
            return (int)(FIRST_GAUGE + i);
    return -1;
}

static int find_cgroup_metric(const char *name)
{
    size_t length;
    int total = cgroup_metric_total(name, &length);
    if (total < 0)
        return -1;
    for (unsigned i = 0; i < cgroup_metric_count; i++)
        if (strcmp(cgroup_metrics[i].name, name) == 0)
            return (int)(METRICS + i);
    cgroup_metrics = memory_resized(cgroup_metrics, cgroup_metric_count + 1,
                                    sizeof(*cgroup_metrics), "metrics of cgroups");
    char *cgroup = memory_string(name + strlen(cgroup_prefix));
    cgroup[length] = '\0';
    cgroup_metrics[cgroup_metric_count] =
        (struct cgroup_metric){memory_string(name), cgroup, (unsigned)total};
    return (int)(METRICS + cgroup_metric_count++);
}

static void describe_of_cgroup(const struct cgroup_metric *of, struct metric *metric)
{
    metric_describe(of->total, metric);
    snprintf(metric->name, sizeof(metric->name), "%s", of->name);
    metric->headline = false;
    metric->path[2] = metric->path[1];
    metric->path[0] = "cgroups";
    metric->path[1] = of->cgroup;
}

static bool value_of_cgroup(const struct run_result *run, const struct cgroup_metric *of,
                            uint64_t *value)
{
    for (uint32_t i = 0; i < run->cgroup_count; i++) {
        const struct cgroup_result *cgroup = &run->cgroups[i];
        if (strcmp(cgroup->path, of->cgroup) != 0)
            continue;
        *value = of->total < FIRST_GAUGE ? cgroup->at_end.counters[of->total - FIRST_COUNTER]
                                         : cgroup->at_end.gauges[of->total - FIRST_GAUGE];
        return true;
    }
    return false;
}

/* ---- by index and by name ------------------------------------------------------ */

void metric_describe(unsigned index, struct metric *metric)
{
    memset(metric, 0, sizeof(*metric));
    if (index >= METRICS) {
        describe_of_cgroup(&cgroup_metrics[index - METRICS], metric);
    } else if (index < FIRST_COUNTER) {
        describe_plain(&plain_metrics[index], metric);
    } else if (index < FIRST_GAUGE) {
        describe_counter(index - FIRST_COUNTER, metric);
    } else if (index < FIRST_TIME) {
        describe_gauge(index - FIRST_GAUGE, metric);
    } else if (index < FIRST_LOCK) {
        describe_time((enum time_kind)(index - FIRST_TIME), metric);
    } else if (index < FIRST_LATENCY) {
        unsigned lock = index - FIRST_LOCK;
        describe_lock(lock / LOCK_PARTS, lock % LOCK_PARTS, metric);
    } else if (index >= FIRST_STORE_WAIT) {
        describe_store_wait(index - FIRST_STORE_WAIT, metric);
    } else {
        unsigned latency = index - FIRST_LATENCY;
        describe_latency(latency / LATENCY_PARTS, latency % LATENCY_PARTS, metric);
    }
}

static int find_in_list(const char *name)
{
    struct metric metric;
    for (unsigned i = 0; i < METRICS; i++) {
        metric_describe(i, &metric);
        if (strcmp(metric.name, name) == 0)
            return (int)i;
    }
    return -1;
}

int metric_find(const char *name)
{
    int index = find_in_list(name);
    return index < 0 ? find_cgroup_metric(name) : index;
}

bool metric_is_known(const char *name)
{
    size_t length;
    return find_in_list(name) >= 0 || cgroup_metric_total(name, &length) >= 0;
}

unsigned metric_of_counter(unsigned counter)
{
    return FIRST_COUNTER + counter;
}

/* "cgroups./PATH." and the nearest counter or gauge. */
static bool nearest_of_cgroup(const char *word, char name[METRIC_NAME_BYTES])
{
    const char *names[COUNTERS + GAUGES], *dot = strrchr(word, '.');
    if (strncmp(word, cgroup_prefix, strlen(cgroup_prefix)) != 0)
        return false;
    for (unsigned i = 0; i < COUNTERS + GAUGES; i++)
        names[i] =
            i < COUNTERS ? counter_descriptions[i].name : gauge_descriptions[i - COUNTERS].name;
    const char *nearest = nearest_name(dot + 1, names, COUNTERS + GAUGES);
    if (!nearest || (size_t)(dot - word) + strlen(nearest) + 2 > METRIC_NAME_BYTES)
        return false;
    snprintf(name, METRIC_NAME_BYTES, "%.*s.%s", (int)(dot - word), word, nearest);
    return strcmp(name, word) != 0 && metric_is_known(name);
}

bool metric_nearest(const char *word, char name[METRIC_NAME_BYTES])
{
    struct metric *metrics = memory_zeroed(METRICS, sizeof(*metrics), "names of metrics");
    const char *names[METRICS];
    for (unsigned i = 0; i < METRICS; i++) {
        metric_describe(i, &metrics[i]);
        names[i] = metrics[i].name;
    }
    const char *nearest = nearest_name(word, names, METRICS);
    if (nearest)
        snprintf(name, METRIC_NAME_BYTES, "%s", nearest);
    free(metrics);
    return nearest || nearest_of_cgroup(word, name);
}

int metric_find_or_tell(const char *name, struct diagnostics *errors)
{
    char nearest[METRIC_NAME_BYTES];
    int index = metric_find(name);
    if (index < 0 && metric_nearest(name, nearest))
        diagnostics_add(errors, NULL, "unknown metric \"%s\"; did you mean \"%s\"?", name, nearest);
    else if (index < 0 && strncmp(name, cgroup_prefix, strlen(cgroup_prefix)) == 0)
        diagnostics_add(errors, NULL,
                        "unknown metric \"%s\"; expected cgroups./PATH.NAME with the name of a "
                        "counter or gauge, in at most %d characters, such as cgroups./a.pswpin",
                        name, METRIC_NAME_BYTES - 1);
    else if (index < 0)
        diagnostics_add(errors, NULL, "unknown metric \"%s\"; docs/metrics.md lists all of them",
                        name);
    return index;
}

static void add_asked(const struct config_node *name, unsigned *indices, unsigned *count)
{
    int index = name && name->kind == CONFIG_STRING ? metric_find(name->text) : -1;
    for (unsigned i = 0; i < *count; i++)
        if (indices[i] == (unsigned)index)
            return;
    if (index >= 0 && *count < METRICS_ASKED_AT_MOST)
        indices[(*count)++] = (unsigned)index;
}

unsigned metrics_asked(const struct config_node *figures, unsigned indices[METRICS_ASKED_AT_MOST])
{
    unsigned count = 0;
    for (const struct config_node *at = figures ? figures->first : NULL; at; at = at->next) {
        const struct config_node *names = config_tree_member(at, "metrics");
        add_asked(config_tree_member(at, "metric"), indices, &count);
        for (const struct config_node *name = names ? names->first : NULL; name; name = name->next)
            add_asked(name, indices, &count);
    }
    return count;
}

static void add_of_cgroup(const struct config_node *name, unsigned **indices, unsigned *count)
{
    size_t length;
    if (!name || name->kind != CONFIG_STRING || cgroup_metric_total(name->text, &length) < 0)
        return;
    unsigned index = (unsigned)metric_find(name->text);
    for (unsigned i = 0; i < *count; i++)
        if ((*indices)[i] == index)
            return;
    *indices = memory_resized(*indices, *count + 1, sizeof(**indices), "metrics of cgroups");
    (*indices)[(*count)++] = index;
}

unsigned metrics_of_cgroups(const struct config_node *figures, unsigned **indices)
{
    static const char *const keys[] = {"metric", "x", "y", "per"};
    unsigned count = 0;
    *indices = NULL;
    for (const struct config_node *at = figures ? figures->first : NULL; at; at = at->next) {
        const struct config_node *names = config_tree_member(at, "metrics");
        for (size_t key = 0; key < sizeof(keys) / sizeof(keys[0]); key++)
            add_of_cgroup(config_tree_member(at, keys[key]), indices, &count);
        for (const struct config_node *name = names ? names->first : NULL; name; name = name->next)
            add_of_cgroup(name, indices, &count);
    }
    return count;
}

const char *metric_direction_name(enum metric_direction direction)
{
    return direction == LOWER_IS_BETTER    ? "lower"
           : direction == HIGHER_IS_BETTER ? "higher"
                                           : "neither";
}

static bool latency_percentile(const struct run_result *run, unsigned index, uint64_t *value)
{
    struct histogram histogram = latency_of_run(run, index / LATENCY_PARTS);
    *value = histogram_percentile(&histogram, latency_parts[index % LATENCY_PARTS].of_10000);
    bool defined = histogram.count != 0;
    histogram_release(&histogram);
    return defined;
}

static bool store_wait_percentile(const struct run_result *run, unsigned part, uint64_t *value)
{
    *value = histogram_percentile(&run->store_wait, latency_parts[part].of_10000);
    return run->store_wait.count != 0;
}

static uint64_t lock_value(const struct run_result *run, unsigned index)
{
    uint64_t value;
    const struct lock_counts *counts = &run->locks[index / LOCK_PARTS];
    memcpy(&value, (const char *)counts + lock_parts[index % LOCK_PARTS].offset, sizeof(value));
    return value;
}

bool metric_of_run(const struct run_result *run, unsigned index, uint64_t *value)
{
    if (index >= METRICS)
        return value_of_cgroup(run, &cgroup_metrics[index - METRICS], value);
    if (index < FIRST_COUNTER) {
        const char *object = plain_metrics[index].object;
        if (object && strcmp(object, "bound") == 0 && !run->bound.known)
            return false;
        memcpy(value, (const char *)run + plain_metrics[index].offset, sizeof(*value));
    } else if (index < FIRST_GAUGE)
        *value = run->totals.counters[index - FIRST_COUNTER];
    else if (index < FIRST_TIME)
        *value = run->totals.gauges[index - FIRST_GAUGE];
    else if (index < FIRST_LOCK)
        *value = run->time_ns[index - FIRST_TIME];
    else if (index < FIRST_LATENCY)
        *value = lock_value(run, index - FIRST_LOCK);
    else if (index < FIRST_STORE_WAIT)
        return latency_percentile(run, index - FIRST_LATENCY, value);
    else
        return store_wait_percentile(run, index - FIRST_STORE_WAIT, value);
    return index >= FIRST_COUNTER || *value != UINT64_MAX;
}

/* ---- the reference page ---------------------------------------------------- */

static void print_rows(FILE *out, unsigned first, unsigned end, bool with_origin)
{
    fprintf(out, with_origin
                     ? "| name | unit | origin | better | meaning |\n|---|---|---|---|---|\n"
                     : "| name | unit | better | meaning |\n|---|---|---|---|\n");
    struct metric metric;
    for (unsigned i = first; i < end; i++) {
        metric_describe(i, &metric);
        const char *origin = "";
        if (with_origin)
            origin = i < FIRST_GAUGE ? counter_descriptions[i - FIRST_COUNTER].origin
                                     : gauge_descriptions[i - FIRST_GAUGE].origin;
        const char *better =
            metric.direction == NEITHER_IS_BETTER ? "" : metric_direction_name(metric.direction);
        fprintf(out, "| `%s` | %s |%s%s%s %s | %s |\n", metric.name, metric.unit,
                with_origin ? " " : "", origin, with_origin ? " |" : "", better, metric.meaning);
    }
    fputc('\n', out);
}

static void print_lock_rows(FILE *out)
{
    fprintf(out, "| kind | meaning |\n|---|---|\n");
    for (unsigned kind = 0; kind < LOCK_KINDS; kind++)
        fprintf(out, "| `%s` | %s |\n", lock_descriptions[kind].name,
                lock_descriptions[kind].meaning);
    fprintf(out, "\n| what | unit | better | meaning |\n|---|---|---|---|\n");
    for (unsigned part = 0; part < LOCK_PARTS; part++)
        fprintf(out, "| `%s` | %s | lower | %s |\n", lock_parts[part].key, lock_parts[part].unit,
                lock_parts[part].meaning);
    fputc('\n', out);
}

static void print_latency_rows(FILE *out)
{
    fprintf(out, "| kind | meaning |\n|---|---|\n");
    for (unsigned kind = 0; kind < LATENCY_KINDS; kind++)
        fprintf(out, "| `%s` | %s |\n", latency_names[kind], latency_meanings[kind]);
    fputc('\n', out);
}

static void print_summary_rows(FILE *out)
{
    const char *label, *metric;
    fprintf(out, "| row | metric |\n|---|---|\n");
    for (unsigned row = 0; summary_row_describe(row, &label, &metric); row++)
        fprintf(out, "| %s | `%s` |\n", label, metric);
}

void metrics_reference_print(FILE *out)
{
    fputs("# Metrics\n\n"
          "This page is printed by zsim from the tables that fill a result file.\n"
          "What the kernel counts has the kernel's name and unit; `origin` says where the\n"
          "kernel shows it (`vmstat`: /proc/vmstat; `zswap`: /sys/kernel/debug/zswap; `zram`:\n"
          "/sys/block/zram0, all devices together; the others: files of a cgroup), or `zsim` for "
          "what no kernel shows.  `better` is what\n"
          "`zsim compare` goes by; empty: more is neither good nor bad in itself.\n\n"
          "## Counters\n\nSince the start of the run, under `totals`; what has an owner also of "
          "each\n"
          "cgroup, under `cgroups`: `zsim compare`, `zsim gather` and figures know those as\n"
          "`cgroups./PATH.NAME`, such as `cgroups./modest.pswpin`, and gauges likewise.\n\n",
          out);
    print_rows(out, FIRST_COUNTER, FIRST_GAUGE, true);
    fputs("## Gauges\n\nAt the end of the run, under `totals`.\n\n", out);
    print_rows(out, FIRST_GAUGE, FIRST_TIME, true);
    fputs("## Where time went\n\n"
          "Over all processors and tasks, under `cost_ns`.\n\n",
          out);
    print_rows(out, FIRST_TIME, FIRST_LOCK, false);
    fputs("## Locks\n\n"
          "`locks.KIND.WHAT`, over all locks of a kind and all processors.  Contention is\n"
          "simulated: a lock is a server, and its cache line moves to who takes it.\n\n",
          out);
    print_lock_rows(out);
    fputs("## Machine\n\n`null` in a result where a value is undefined; `undefined` of the run\n"
          "says why.\n\n",
          out);
    print_rows(out, 0, FIRST_COUNTER, false);
    fputs("## Fault latency\n\n"
          "Histograms of the time from a fault to the task's next instruction, under\n"
          "`histograms.fault_latency_ns`, with at most 1/32 relative error.  Compared are\n"
          "`fault_latency_ns.KIND.p50`, `.p99` and `.p99_9`, in ns; lower is better.\n\n",
          out);
    print_latency_rows(out);
    fputs("`histograms.store_wait_ns` is the time that a store at `memory.zswap.max` spends on\n"
          "making room; compared are `store_wait_ns.p50`, `.p99` and `.p99_9`.\n\n"
          "## The table of a run\n\nIts rows, but for those that are named like their metric.\n\n",
          out);
    print_summary_rows(out);
}

/* Counters side by side: what is compared, and when it agrees. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/experiment/validate.h"

/* Errors are relative to at least this part of the accesses: a counter of a few
 * dozen pages is not a rate. */
#define ERROR_FLOOR 0.005

/* Bars, as fractions. */
#define BAR_COUNTER 0.01
#define BAR_SCANNED 0.015
#define BAR_ACTIVATED 0.05
#define BAR_SHARE 0.02
#define BAR_OWN_RATE 0.05

static double error_over(const struct spread *kernel, double zsim, double divisor)
{
    if (zsim >= kernel->min && zsim <= kernel->max)
        return 0;
    return divisor > 0 ? fabs(zsim - kernel->med) / divisor : 1;
}

double validate_error(const struct spread *kernel, double zsim, double floor)
{
    return error_over(kernel, zsim, kernel->med > floor ? kernel->med : floor);
}

bool validate_agrees(const struct validate_row *row)
{
    double half = (row->kernel.max - row->kernel.min) / 2;
    bool in_range = row->zsim >= row->kernel.min - half && row->zsim <= row->kernel.max + half;
    switch (row->agreement) {
    case AGREE_NOT:
        return true;
    case AGREE_RANGE:
        return in_range;
    case AGREE_EITHER:
        return in_range || row->error <= row->bar;
    default:
        return row->error <= row->bar;
    }
}

void validate_judge(struct validate_row *row)
{
    row->error = error_over(&row->kernel, row->zsim, row->divisor);
    row->agrees = validate_agrees(row);
}

struct validate_row *kernel_case_add_row(struct kernel_case *at, const char *counter,
                                         const struct spread *kernel, double zsim, double accesses,
                                         enum agreement agreement, double bar)
{
    double floor = accesses * ERROR_FLOOR;
    at->rows = memory_resized(at->rows, at->row_count + 1u, sizeof(*at->rows), "a comparison");
    struct validate_row *row = &at->rows[at->row_count++];
    *row = (struct validate_row){.counter = counter,
                                 .kernel = *kernel,
                                 .zsim = zsim,
                                 .divisor = kernel->med > floor ? kernel->med : floor,
                                 .bar = bar,
                                 .agreement = agreement};
    validate_judge(row);
    return row;
}

bool counters_by_name(const struct counters_at *at, const char *name, double *value)
{
    for (unsigned i = 0; i < COUNTERS; i++)
        if (strcmp(counter_descriptions[i].name, name) == 0) {
            *value = (double)at->counters[i];
            return true;
        }
    for (unsigned i = 0; i < GAUGES; i++)
        if (strcmp(gauge_descriptions[i].name, name) == 0) {
            *value = (double)at->gauges[i];
            return true;
        }
    return false;
}

/* ---- measured on kernel 6.18 ----------------------------------------------------- */

static const struct compared {
    const char *name, *part; /* part: "vmstat" or "zswap" of a set of counters */
    double bar;
    bool always; /* shown also when it is 0 on both sides */
} compared[] = {
    {"zswpin", "vmstat", BAR_COUNTER, true},
    {"zswpout", "vmstat", BAR_COUNTER, true},
    {"zswpwb", "vmstat", BAR_COUNTER, true},
    {"pswpin", "vmstat", BAR_COUNTER, true},
    {"pswpout", "vmstat", BAR_COUNTER, true},
    {"swpin_zero", "vmstat", BAR_COUNTER, true},
    {"swpout_zero", "vmstat", BAR_COUNTER, true},
    {"pgsteal_anon", "vmstat", BAR_COUNTER, true},
    {"pgscan_anon", "vmstat", BAR_SCANNED, true},
    {"pgdeactivate", "vmstat", BAR_ACTIVATED, true},
    {"workingset_refault_anon", "vmstat", BAR_COUNTER, true},
    {"workingset_restore_anon", "vmstat", BAR_COUNTER, true},
    {"workingset_activate_anon", "vmstat", BAR_ACTIVATED, true},
    {"swap_ra", "vmstat", BAR_COUNTER, false},
    {"swap_ra_hit", "vmstat", BAR_COUNTER, false},
    {"stored_pages", "zswap", BAR_COUNTER, true},
    {"pool_total_size", "zswap", BAR_COUNTER, true},
    {"stored_incompressible_pages", "zswap", BAR_COUNTER, true},
};
enum { COMPARED = sizeof(compared) / sizeof(compared[0]) };

static const struct config_node *member(const struct config_node *object, const char *key)
{
    return object && object->kind == CONFIG_OBJECT ? config_tree_member(object, key) : NULL;
}

static double record_count(const struct kernel_case *at)
{
    return (double)at->experiment->variants[0].config.tasks[0].workload->accesses;
}

static const char *labelled(struct kernel_case *at, const char *label, const char *name)
{
    return label ? arena_printf(&at->arena, "%s.%s", label, name) : name;
}

/* Judged by range where the pool limit was hit: the worker's luck is in it. */
static void add_counter(struct kernel_case *at, const char *name, const struct spread *kernel,
                        double zsim, double bar)
{
    kernel_case_add_row(at, name, kernel, zsim, record_count(at),
                        at->pool_limited ? AGREE_RANGE : AGREE_RELATIVE, bar);
}

/* A set of counters {vmstat: {}, zswap: {}} against zsim's at the same moment. */
static void compare_set(struct kernel_case *at, const struct config_node *set, const char *label,
                        const struct counters_at *counters)
{
    const struct config_node *rounds = label ? NULL : config_tree_member(at->tree, "all_rounds");
    for (unsigned i = 0; i < COMPARED; i++) {
        struct spread kernel;
        double zsim = 0;
        const char *name = compared[i].name;
        if (!kernel_case_spread(member(rounds, name), &kernel) &&
            !kernel_case_spread(member(member(set, compared[i].part), name), &kernel))
            continue;
        counters_by_name(counters, name, &zsim);
        if (zsim != 0 || kernel.max > 0 || (compared[i].always && !label))
            add_counter(at, labelled(at, label, name), &kernel, zsim, compared[i].bar);
    }
}

/* ---- major faults: the processes' own, vmstat has other processes' too --------------- */

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sums over the cgroups of each run; false: the case does not list them. */
static bool major_faults_of_runs(struct kernel_case *at, struct spread *out)
{
    const struct config_node *runs = config_tree_member(at->tree, "per_run");
    if (!runs || runs->kind != CONFIG_ARRAY || !runs->children)
        return false;
    double *sums = arena_zeroed(&at->arena, runs->children * sizeof(*sums));
    size_t count = 0;
    for (const struct config_node *run = runs->first; run; run = run->next) {
        const struct config_node *faults = member(run, "majflt");
        if (!faults || faults->kind != CONFIG_ARRAY)
            return false;
        for (const struct config_node *of = faults->first; of; of = of->next)
            sums[count] += of->kind == CONFIG_NUMBER ? strtod(of->text, NULL) : 0;
        count++;
    }
    qsort(sums, count, sizeof(*sums), compare_doubles);
    *out = (struct spread){sums[0], sums[count / 2], sums[count - 1]};
    return true;
}

static void compare_major_faults(struct kernel_case *at)
{
    struct spread kernel;
    if (kernel_case_spread(member(config_tree_member(at->tree, "all_rounds"), "majflt_total"),
                           &kernel) ||
        major_faults_of_runs(at, &kernel))
        add_counter(at, "pgmajfault", &kernel,
                    (double)at->result.totals.counters[COUNTER_pgmajfault], BAR_COUNTER);
}

/* The processes of several cgroups, each by itself. */
static void compare_cgroups(struct kernel_case *at)
{
    const struct config_node *cgroups = config_tree_member(at->tree, "cgroups");
    if (!cgroups || cgroups->kind != CONFIG_ARRAY || cgroups->children < 2)
        return;
    uint32_t number = 0;
    for (const struct config_node *from = cgroups->first; from; from = from->next, number++) {
        struct spread kernel;
        uint32_t cgroup = number + 1; /* the root is 0 */
        if (cgroup >= at->result.cgroup_count ||
            !kernel_case_spread(member(member(from, "proc"), "majflt"), &kernel))
            continue;
        add_counter(at, arena_printf(&at->arena, "cg%u.pgmajfault", number), &kernel,
                    (double)at->result.cgroups[cgroup].at_end.counters[COUNTER_pgmajfault],
                    BAR_COUNTER);
    }
}

static void compare_refusals(struct kernel_case *at)
{
    struct spread kernel;
    const uint64_t *counters = at->result.totals.counters;
    if (kernel_case_spread(member(config_tree_member(at->tree, "all_rounds"), "rejects"), &kernel))
        add_counter(at, "rejects", &kernel,
                    (double)counters[COUNTER_pswpout] - (double)counters[COUNTER_zswpwb],
                    BAR_COUNTER);
}

/* ---- groups ------------------------------------------------------------------------------ */

static double spread_or_zero(const struct config_node *node, struct spread *out)
{
    if (!kernel_case_spread(node, out))
        *out = (struct spread){0, 0, 0};
    return out->med;
}

/* A share of a group's pages or accesses: the error is in shares, not relative. */
static void add_share(struct kernel_case *at, const struct validate_group *group, const char *name,
                      const struct spread *kernel, double zsim, double whole)
{
    struct validate_row *row = kernel_case_add_row(at, labelled(at, group->name, name), kernel,
                                                   zsim, 0, AGREE_SHARE, BAR_SHARE);
    row->divisor = whole;
    validate_judge(row);
}

static void compare_outcomes(struct kernel_case *at, const struct validate_group *group,
                             const struct config_node *run)
{
    const uint64_t *faults = group->faults;
    uint64_t missed = 0;
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        missed += faults[kind];
    const struct {
        const char *name;
        double zsim;
    } outcomes[] = {
        {"hit", (double)(group->accesses - missed)},
        {"first", (double)faults[FAULT_first_touch]},
        {"minor", (double)faults[FAULT_swap_cache]},
        {"major_nodisk", (double)(faults[FAULT_zswap] + faults[FAULT_zero])},
        {"major_disk", (double)faults[FAULT_disk]},
    };
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        struct spread kernel;
        spread_or_zero(member(run, outcomes[i].name), &kernel);
        add_share(at, group, outcomes[i].name, &kernel, outcomes[i].zsim, (double)group->accesses);
    }
}

static void compare_places(struct kernel_case *at, const struct validate_group *group,
                           const struct config_node *final)
{
    struct spread mapped, cached, kernel;
    double pages = (double)(group->last - group->first + 1);
    spread_or_zero(member(final, "hit"), &mapped);
    spread_or_zero(member(final, "minor"), &cached);
    kernel =
        (struct spread){mapped.min + cached.min, mapped.med + cached.med, mapped.max + cached.max};
    add_share(at, group, "end_ram", &kernel,
              (double)(group->places[PLACE_MAPPED] + group->places[PLACE_SWAP_CACHE]), pages);
    spread_or_zero(member(final, "major_nodisk"), &kernel);
    add_share(at, group, "end_zswap", &kernel,
              (double)(group->places[PLACE_ZSWAP] + group->places[PLACE_ZERO_MAP]), pages);
    spread_or_zero(member(final, "major_disk"), &kernel);
    add_share(at, group, "end_disk", &kernel, (double)group->places[PLACE_DISK], pages);
}

static void compare_groups(struct kernel_case *at)
{
    const struct config_node *groups = config_tree_member(at->tree, "groups");
    if (!groups || groups->kind != CONFIG_ARRAY)
        return;
    for (const struct config_node *from = groups->first; from; from = from->next) {
        const struct config_node *name = member(from, "name");
        for (uint32_t g = 0; g < at->group_count && name; g++) {
            if (strcmp(at->groups[g].name, name->text) != 0)
                continue;
            if (member(from, "run"))
                compare_outcomes(at, &at->groups[g], member(from, "run"));
            if (member(from, "final_placement"))
                compare_places(at, &at->groups[g], member(from, "final_placement"));
        }
    }
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static void compare_snapshots(struct kernel_case *at)
{
    const struct config_node *snaps = config_tree_member(at->tree, "snaps");
    if (!snaps || snaps->kind != CONFIG_ARRAY)
        return;
    for (const struct config_node *from = snaps->first; from; from = from->next) {
        const struct config_node *label = member(from, "label");
        for (uint32_t i = 0; i < at->result.snapshot_count && label; i++)
            if (strcmp(at->result.snapshots[i].label, label->text) == 0)
                compare_set(at, from, label->text, &at->result.snapshots[i].at);
    }
}

/* One run of the kernel: its own numbers, no spread. */
static void compare_run(struct kernel_case *at)
{
    const uint64_t *totals = at->result.totals.counters;
    for (unsigned i = 0; i < COMPARED; i++) {
        const struct config_node *number = config_tree_member(at->run, compared[i].name);
        double zsim = 0, kernel = 0;
        if (!number || number->kind != CONFIG_NUMBER)
            continue;
        kernel = strtod(number->text, NULL);
        counters_by_name(&at->result.totals, compared[i].name, &zsim);
        if (kernel > 0 || zsim > 0)
            kernel_case_add_row(at, compared[i].name, &(struct spread){kernel, kernel, kernel},
                                zsim, record_count(at), AGREE_RELATIVE, BAR_OWN_RATE);
    }
    const struct config_node *rejects = config_tree_member(at->run, "rejects");
    if (rejects && rejects->kind == CONFIG_NUMBER) {
        double kernel = strtod(rejects->text, NULL);
        kernel_case_add_row(at, "rejects", &(struct spread){kernel, kernel, kernel},
                            (double)totals[COUNTER_pswpout] - (double)totals[COUNTER_zswpwb],
                            record_count(at), AGREE_RELATIVE, BAR_OWN_RATE);
    }
}

void kernel_case_compare(struct kernel_case *at)
{
    if (at->run) {
        compare_run(at);
        return;
    }
    compare_set(at, config_tree_member(at->tree, "settled"), NULL, &at->result.totals);
    compare_major_faults(at);
    compare_refusals(at);
    compare_cgroups(at);
    compare_groups(at);
    compare_snapshots(at);
}

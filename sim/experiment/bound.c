#include "sim/experiment/bound.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/zswap/zswap.h"
#include "workloads/analysis/clairvoyant.h"

enum {
    NO_GROUP = UINT32_MAX,
    GROUPS_AT_MOST = 64, /* of a task; limits of further cgroups are not made use of */
    PPM = 1000000,
};

/* ---- costs ------------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The shortest read of an idle device. */
static uint64_t device_read_ns(const struct swap_device_config *device)
{
    uint64_t transfer =
        (uint64_t)((unsigned __int128)PAGE_BYTES * 1000000000u / device->bandwidth_bytes_per_s);
    switch (device->latency_distribution) {
    case LATENCY_CONSTANT:
        return most(device->read_latency_ns, transfer);
    case LATENCY_TABLE:
        return most((uint64_t)((double)device->read_latency_ns * device->latency_points[0].factor),
                    transfer);
    default: /* no latency is too short */
        return transfer;
    }
}

struct bound_costs bound_costs_of(const struct costs *costs,
                                  const struct swap_device_config *devices, uint64_t device_count,
                                  uint32_t compressor_set, uint32_t least_length, bool readahead)
{
    const uint64_t *ns = costs->ns;
    uint64_t source = ns[COST_page_copy], device = device_count ? UINT64_MAX : 0;
    for (unsigned i = 0; i < compressor_count(); i++)
        if (compressor_set >> i & 1)
            source =
                least(source, ns[COST_load_entry] + costs_decompress_ns(costs, i, least_length));
    for (uint64_t i = 0; i < device_count; i++)
        device = least(device, device_read_ns(&devices[i]));
    struct bound_costs bound = {.first_touch = ns[COST_first_touch], .readahead = readahead};
    if (readahead) {
        bound.refault = least(ns[COST_fault], ns[COST_minor_swap_cache]);
        bound.disk_read = ns[COST_disk_submit_read];
    } else {
        bound.refault = least(ns[COST_fault] + source, ns[COST_minor_swap_cache]);
        bound.disk_read = ns[COST_fault] + ns[COST_disk_submit_read] + device;
    }
    return bound;
}

uint64_t bound_fault_ns(const struct bound_costs *costs, uint64_t first_touches, uint64_t refaults,
                        uint64_t disk_reads)
{
    uint64_t total = first_touches * costs->first_touch + disk_reads * costs->disk_read;
    return total + (costs->readahead ? refaults : refaults - disk_reads) * costs->refault;
}

/* ---- the machine's limits over the whole run ------------------------------------------ */

struct machine_bound {
    const struct config *config;
    const struct run_result *result;
    struct clairvoyant_limits limits;
    uint32_t compressor_set;
    bool readahead;
};

static uint32_t compressor_bit(const struct config *config, unsigned compressor)
{
    if (config->zswap.zstd_library == ZSTD_LIBRARY_1_4 &&
        (int)compressor == compressor_find("zstd"))
        compressor = (unsigned)compressor_find("zstd-1.4");
    return (uint32_t)1 << compressor;
}

static bool all_synchronous(const struct config *config)
{
    for (uint64_t i = 0; i < config->swap.device_count; i++)
        if (!config->swap.devices[i].synchronous)
            return false;
    return true;
}

/* Pages on zram are neither in zswap's pool nor on a disk. */
static bool swaps_to_zram(const struct config *config)
{
    for (uint64_t i = 0; i < config->swap.device_count; i++)
        if (config->swap.devices[i].type == DEVICE_ZRAM)
            return true;
    return false;
}

static void find_machine_limits(struct machine_bound *machine)
{
    const struct config *config = machine->config;
    const struct run_result *result = machine->result;
    uint64_t managed = 0, percent = config->zswap.max_pool_percent;
    bool enabled = config->zswap.enabled;
    uint64_t window = config->vm.page_cluster;
    machine->compressor_set = compressor_bit(config, config->zswap.compressor);
    for (uint32_t i = 0; i < config->event_count; i++) {
        const struct event_config *event = &config->events[i];
        if (event->action != EVENT_SET)
            continue;
        if (strcmp(event->target, "zswap.max_pool_percent") == 0)
            percent = most(percent, event->number);
        else if (strcmp(event->target, "zswap.compressor") == 0)
            machine->compressor_set |= compressor_bit(config, (unsigned)event->number);
        else if (strcmp(event->target, "zswap.enabled") == 0)
            enabled |= event->number != 0;
        else if (strcmp(event->target, "vm.page_cluster") == 0)
            window = most(window, event->number);
    }
    for (uint64_t i = 0; i < config->machine.nodes; i++)
        managed += config->machine.node_memory[i] / PAGE_BYTES;
    uint64_t ram = config->machine.total_ram_pages ? config->machine.total_ram_pages : managed;
    uint64_t pool = enabled ? zswap_limit_max(ram, percent) : 0;
    machine->readahead = window > 0 && !all_synchronous(config);
    machine->limits.ram_pages = most(managed, result->resident_peak);
    machine->limits.common_pages = most(managed, result->memory_peak);
    machine->limits.pool_bytes = most(pool, result->pool_peak) * PAGE_BYTES;
}

/* ---- the cgroups of one task -------------------------------------------------------------- */

/* A cgroup with a limit of its own, or the root. */
struct group {
    uint32_t cgroup, parent; /* `parent` is a group */
    uint32_t spaces;         /* of the task, in the subtree */
    struct clairvoyant_limits limits;
    uint64_t refaults, disk_reads; /* by its own limits, or its children's */
    uint64_t refaults_of_children, reads_of_children;
};

struct task_bound {
    const struct machine_bound *machine;
    const struct task_config *task;
    struct clairvoyant *future;
    struct clairvoyant_sizes sizes;
    uint64_t *included; /* scratch: a bit a page */
    struct group groups[GROUPS_AT_MOST];
    uint32_t group_count;
};

/* The largest that memory.max ever was, in pages, or more if the cgroup had more;
 * UINT64_MAX: no limit, or not all the time. */
static uint64_t cgroup_limit(const struct machine_bound *machine, uint32_t cgroup)
{
    const struct config *config = machine->config;
    uint64_t limit = config->cgroups[cgroup].memory_max;
    for (uint32_t i = 0; i < config->event_count; i++) {
        const struct event_config *event = &config->events[i];
        if (event->cgroup != cgroup)
            continue;
        if (event->action == EVENT_OFFLINE)
            return UINT64_MAX; /* from then on its pages are the parent's */
        if (event->action == EVENT_SET && strcmp(event->target, "memory.max") == 0)
            limit = most(limit, event->number);
    }
    if (limit == UINT64_MAX)
        return UINT64_MAX;
    return most(most(limit / PAGE_BYTES, machine->result->cgroups[cgroup].usage_peak), 1);
}

static uint32_t find_group(const struct task_bound *bound, uint32_t cgroup)
{
    for (uint32_t i = 0; i < bound->group_count; i++)
        if (bound->groups[i].cgroup == cgroup)
            return i;
    return NO_GROUP;
}

/* The group of a cgroup or of the nearest ancestor that has one, after making
 * those that are missing; parents come first. */
static uint32_t group_of(struct task_bound *bound, uint32_t cgroup)
{
    uint32_t found = find_group(bound, cgroup);
    if (found != NO_GROUP)
        return found;
    const struct machine_bound *machine = bound->machine;
    uint32_t parent = group_of(bound, machine->config->cgroups[cgroup].parent);
    uint64_t limit = cgroup_limit(machine, cgroup);
    if (limit == UINT64_MAX || bound->group_count == GROUPS_AT_MOST)
        return parent;
    struct group *group = &bound->groups[bound->group_count];
    *group = (struct group){.cgroup = cgroup, .parent = parent};
    group->limits = bound->groups[parent].limits;
    group->limits.ram_pages = least(group->limits.ram_pages, limit);
    /* With cgroup v2 compressed bytes are charged too. */
    if (machine->config->vm.cgroup_version == CGROUP_V2)
        group->limits.common_pages = least(group->limits.common_pages, limit);
    return bound->group_count++;
}

static bool is_within(const struct task_bound *bound, uint32_t group, uint32_t ancestor)
{
    while (group != ancestor && group != NO_GROUP)
        group = bound->groups[group].parent;
    return group == ancestor;
}

static void make_groups(struct task_bound *bound)
{
    bound->groups[0] = (struct group){.cgroup = 0, .parent = NO_GROUP};
    bound->groups[0].limits = bound->machine->limits;
    bound->group_count = 1;
    for (uint32_t i = 0; i < bound->task->workload->spaces; i++)
        for (uint32_t at = group_of(bound, bound->task->cgroups[i]); at != NO_GROUP;
             at = bound->groups[at].parent)
            bound->groups[at].spaces++;
}

/* Another group has all of its spaces and limits that are no larger. */
static bool is_idle(const struct task_bound *bound, uint32_t group)
{
    for (uint32_t i = group + 1; i < bound->group_count; i++)
        if (bound->groups[i].parent == group &&
            bound->groups[i].spaces == bound->groups[group].spaces)
            return true;
    return bound->groups[group].spaces == 0;
}

static void include_pages(struct task_bound *bound, uint32_t group)
{
    memset(bound->included, 0, ((size_t)clairvoyant_pages(bound->future) / 64 + 1) * 8);
    for (uint32_t i = 0; i < bound->task->workload->spaces; i++) {
        if (!is_within(bound, group_of(bound, bound->task->cgroups[i]), group))
            continue;
        for (uint32_t page = 0; page < bound->task->workload->space_pages[i]; page++) {
            uint32_t number = clairvoyant_page(bound->future, i, page);
            bound->included[number / 64] |= (uint64_t)1 << (number % 64);
        }
    }
}

/* From the leaves up: what a group's own limits demand, or its children's together. */
static void solve_groups(struct task_bound *bound)
{
    for (uint32_t i = bound->group_count; i-- > 0;) {
        struct group *group = &bound->groups[i];
        if (!is_idle(bound, i)) {
            include_pages(bound, i);
            group->refaults =
                clairvoyant_refaults(bound->future, bound->included,
                                     least(group->limits.ram_pages, group->limits.common_pages));
            group->disk_reads = clairvoyant_disk_reads(bound->future, bound->included,
                                                       &bound->sizes, &group->limits);
        }
        group->refaults = most(group->refaults, group->refaults_of_children);
        group->disk_reads = most(group->disk_reads, group->reads_of_children);
        if (group->parent == NO_GROUP)
            continue;
        bound->groups[group->parent].refaults_of_children += group->refaults;
        bound->groups[group->parent].reads_of_children += group->disk_reads;
    }
}

static uint32_t least_length(const struct task_bound *bound)
{
    uint32_t length = PAGE_BYTES;
    for (uint32_t page = 0; page < clairvoyant_pages(bound->future); page++)
        if (bound->sizes.bytes[page] && bound->sizes.bytes[page] < length)
            length = bound->sizes.bytes[page];
    return length;
}

/* Adds the task's least counts and time. */
static bool add_task(const struct machine_bound *machine, const struct task_config *task,
                     struct bound_result *total, struct diagnostics *errors)
{
    const struct config *config = machine->config;
    struct task_bound *bound = memory_zeroed(1, sizeof(*bound), "a bound");
    bound->machine = machine;
    bound->task = task;
    bound->future = clairvoyant_create(task->workload, errors);
    bool good = bound->future != NULL;
    if (good) {
        bound->sizes = clairvoyant_sizes(bound->future, task->contents, machine->compressor_set,
                                         config->vm.zero_map, config->zswap.same_filled_entries);
        bound->included = memory_zeroed((size_t)clairvoyant_pages(bound->future) / 64 + 1,
                                        sizeof(*bound->included), "pages of a trace");
        make_groups(bound);
        solve_groups(bound);
        struct bound_costs costs =
            bound_costs_of(&config->costs, config->swap.devices, config->swap.device_count,
                           machine->compressor_set, least_length(bound), machine->readahead);
        uint64_t refaults = bound->groups[0].refaults, reads = bound->groups[0].disk_reads;
        refaults = most(refaults, reads); /* what is read from a disk is brought back */
        total->refaults += refaults;
        total->disk_reads += reads;
        total->fault_ns +=
            bound_fault_ns(&costs, clairvoyant_first_touches(bound->future, NULL), refaults, reads);
    }
    clairvoyant_sizes_free(&bound->sizes);
    clairvoyant_free(bound->future);
    free(bound->included);
    free(bound);
    return good;
}

/* ---- the run ---------------------------------------------------------------------------- */

static uint64_t ppm(uint64_t measured, uint64_t bound)
{
    return bound ? (uint64_t)((unsigned __int128)measured * PPM / bound) : UINT64_MAX;
}

bool bound_of_run(const struct config *config, struct run_result *result,
                  struct diagnostics *errors)
{
    const uint64_t *counters = result->totals.counters;
    struct machine_bound machine = {.config = config, .result = result};
    struct bound_result total = {.known = true};
    if (counters[COUNTER_oom_kill] || !result->complete || swaps_to_zram(config))
        return true;
    find_machine_limits(&machine);
    for (uint32_t i = 0; i < config->task_count; i++)
        if (config->tasks[i].block_device == NO_BLOCK_DEVICE &&
            !add_task(&machine, &config->tasks[i], &total, errors))
            return false;
    uint64_t fault_ns = 0;
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        fault_ns += result->fault_latency[kind].sum;
    total.refaults_ppm =
        ppm(counters[COUNTER_pgfault] - counters[COUNTER_first_touch], total.refaults);
    total.disk_reads_ppm = ppm(counters[COUNTER_pswpin], total.disk_reads);
    total.fault_ns_ppm = ppm(fault_ns, total.fault_ns);
    result->bound = total;
    return true;
}

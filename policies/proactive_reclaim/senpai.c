/* proactive_reclaim: senpai - keep a cgroup under a light memory pressure.
 *
 * Each `interval` the growth of the cgroup's PSI total ("some") is compared with a
 * target, which is a share of the interval:
 *
 *   reclaim   memory.reclaim is asked for
 *             current * ratio * max(0, 1 - pressure / target), at most current * max_probe
 *             (Transparent Memory Offloading, ASPLOS 2022)
 *   high      memory.high is set: below the target it falls by
 *             max_probe * min(1, (target / pressure / coeff_probe)^2), above it rises by
 *             max_backoff * min(1, (pressure / target / coeff_backoff)^2)
 *             (senpai.py, which looks once a second and backs off at once; here both
 *             happen at the end of an interval)
 *
 * Without `cgroup`, every cgroup that has no child is looked after.  A cgroup is never
 * asked to go below `floor`. */
#include <stdlib.h>
#include <string.h>

#include "policies/proactive_reclaim/proactive_reclaim.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/mm/memcg.h"
#include "sim/mm/reclaim.h"

enum senpai_method { METHOD_RECLAIM, METHOD_HIGH };

struct senpai_params {
    const char *cgroup;
    unsigned method;
    uint64_t interval_ns, floor;
    double target, ratio, max_probe, max_backoff, coeff_probe, coeff_backoff;
};

static const char *const method_names[] = {"reclaim", "high", NULL};

#define FIELD(name) offsetof(struct senpai_params, name)
static const struct param senpai_rows[] = {
    {.name = "cgroup",
     .type = PARAM_STRING,
     .offset = FIELD(cgroup),
     .initial = "",
     .help = "the cgroup that is looked after, with all below it; empty: each one without children",
     .source = "senpai.py: its first argument"},
    {.name = "method",
     .type = PARAM_ENUM,
     .offset = FIELD(method),
     .initial = "reclaim",
     .choices = method_names,
     .help = "reclaim: memory.reclaim is written; high: memory.high is moved",
     .source = "TMO, section 3.3; senpai.py"},
    {.name = "interval",
     .type = PARAM_TIME,
     .offset = FIELD(interval_ns),
     .initial = "6s",
     .least = 1000000,
     .most = 1e15,
     .help = "time between two looks at the pressure",
     .source = "TMO and senpai.py: 6 s"},
    {.name = "target",
     .type = PARAM_REAL,
     .offset = FIELD(target),
     .initial = "0.001",
     .least = 1e-6,
     .most = 1,
     .help = "share of the interval that some task may stall on memory",
     .source = "TMO: 0.1 %; senpai.py: 10 ms in 6 s"},
    {.name = "ratio",
     .type = PARAM_REAL,
     .offset = FIELD(ratio),
     .initial = "0.0005",
     .least = 0,
     .most = 1,
     .help = "part of memory.current that is reclaimed in an interval without pressure (reclaim)",
     .source = "TMO: 0.0005"},
    {.name = "max_probe",
     .type = PARAM_REAL,
     .offset = FIELD(max_probe),
     .initial = "0.01",
     .least = 0,
     .most = 1,
     .help = "part of the memory that an interval may take at most",
     .source = "TMO: 1 % a step; senpai.py: 0.01"},
    {.name = "max_backoff",
     .type = PARAM_REAL,
     .offset = FIELD(max_backoff),
     .initial = "1",
     .least = 0,
     .most = 100,
     .help = "part of memory.high that an interval may give back at most (high)",
     .source = "senpai.py: 1.0"},
    {.name = "coeff_probe",
     .type = PARAM_REAL,
     .offset = FIELD(coeff_probe),
     .initial = "10",
     .least = 1e-3,
     .most = 1e6,
     .help = "max_probe is reached when the pressure is the target divided by this (high)",
     .source = "senpai.py: 10"},
    {.name = "coeff_backoff",
     .type = PARAM_REAL,
     .offset = FIELD(coeff_backoff),
     .initial = "20",
     .least = 1e-3,
     .most = 1e6,
     .help = "max_backoff is reached when the pressure is the target times this (high)",
     .source = "senpai.py: 20"},
    {.name = "floor",
     .type = PARAM_BYTES,
     .offset = FIELD(floor),
     .initial = "0",
     .help = "memory that a cgroup keeps",
     .source = "senpai.py: --min-size, 100 MiB there"},
};
#undef FIELD

struct senpai {
    uint32_t cgroup;   /* NO_MEMCG: each one without children */
    uint64_t *seen_us; /* [cgroups]: PSI total at the last look */
};

static uint64_t senpai_interval_ns(const void *params)
{
    return ((const struct senpai_params *)params)->interval_ns;
}

static void *senpai_create(const struct mm *mm, const void *params)
{
    const struct senpai_params *own = params;
    struct senpai *senpai = memory_zeroed(1, sizeof(*senpai), "senpai");
    senpai->cgroup = memcg_find(mm, own->cgroup);
    senpai->seen_us = memory_zeroed(mm->memcg_count, sizeof(*senpai->seen_us), "senpai");
    return senpai;
}

static void senpai_destroy(void *state)
{
    free(((struct senpai *)state)->seen_us);
    free(state);
}

/* The share of the last interval that some task stalled. */
static double pressure_of(struct mm *mm, struct senpai *senpai, uint32_t memcg, uint64_t now_ns,
                          uint64_t interval_ns)
{
    psi_collect(mm, memcg, now_ns);
    uint64_t total_us = psi_total_us(mm, memcg, PSI_SOME, now_ns);
    double grown_ns = (double)(total_us - senpai->seen_us[memcg]) * 1e3;
    senpai->seen_us[memcg] = total_us;
    return grown_ns / (double)interval_ns;
}

static void ask_for_pages(struct mm *mm, struct exec *exec, const struct senpai_params *own,
                          uint32_t memcg, double pressure)
{
    double current = (double)mm->memcgs[memcg].usage;
    double part = own->ratio * (1 - pressure / own->target);
    if (part > own->max_probe)
        part = own->max_probe;
    double floor = (double)own->floor / PAGE_BYTES, pages = current * part;
    if (pages > current - floor)
        pages = current - floor;
    if (pages >= 1)
        reclaim_proactive(mm, exec, memcg, (uint64_t)pages);
}

static double square_up_to_1(double value)
{
    return value >= 1 ? 1 : value * value;
}

static void move_limit(struct mm *mm, struct exec *exec, const struct senpai_params *own,
                       uint32_t memcg, double pressure)
{
    struct memcg *target = &mm->memcgs[memcg];
    /* The first time: where the cgroup is now. */
    double high = (double)(target->memory_high == UINT64_MAX ? target->usage : target->memory_high);
    if (pressure > own->target)
        high +=
            high * own->max_backoff * square_up_to_1(pressure / own->target / own->coeff_backoff);
    else if (pressure > 0)
        high -= high * own->max_probe * square_up_to_1(own->target / pressure / own->coeff_probe);
    else
        high -= high * own->max_probe;
    double floor = (double)own->floor / PAGE_BYTES;
    if (high < floor)
        high = floor;
    memcg_set_high(mm, exec, memcg, (uint64_t)high);
}

static void senpai_tick(struct mm *mm, struct exec *exec, void *state, const void *params)
{
    struct senpai *senpai = state;
    const struct senpai_params *own = params;
    for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++) {
        bool ours = senpai->cgroup == NO_MEMCG ? mm->memcgs[memcg].first_child == NO_MEMCG
                                               : memcg == senpai->cgroup;
        if (!ours || mm->memcgs[memcg].offline)
            continue;
        double pressure = pressure_of(mm, senpai, memcg, mm->events->now_ns, own->interval_ns);
        if (own->method == METHOD_HIGH)
            move_limit(mm, exec, own, memcg, pressure);
        else
            ask_for_pages(mm, exec, own, memcg, pressure);
    }
}

static const struct proactive_reclaim_hooks senpai_hooks = {
    .interval_ns = senpai_interval_ns,
    .create = senpai_create,
    .destroy = senpai_destroy,
    .tick = senpai_tick,
};

const struct policy senpai_policy = {
    .name = "senpai",
    .summary = "reclaims a little each interval while PSI says that nobody misses it",
    .source = "TMO: Transparent Memory Offloading in Datacenters (ASPLOS 2022); senpai.py",
    .params = PARAM_TABLE(senpai_rows, struct senpai_params),
    .hooks = &senpai_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

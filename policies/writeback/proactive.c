/* writeback: proactive - besides the worker's batches, write back by the clock: up to
 * `pace` compressed bytes each `interval`, cgroup after cgroup, oldest first.
 *
 * `min_age` leaves young entries alone: of a cgroup's entries, as many as it has
 * stored in that time are taken to be younger, whatever became of them; so with
 * loads in between too many are spared, never too few.  `floor` leaves each cgroup
 * so many compressed bytes.  With `pressure` the pace is a controller's: nothing in an
 * interval after one in which PSI (some) was above this share of the time, and half the
 * pace then; an eighth of `pace` more after each quiet one.  `cgroup` is whom all that
 * is about, with all below it: without it, the whole machine.
 *
 * The work is done in the clock's own time: it takes locks, memory and the device,
 * but no processor away from the tasks. */
#include <stdlib.h>

#include "policies/writeback/writeback.h"
#include "sim/base/memory.h"
#include "sim/mm/memcg.h"

enum { HISTORY = 64, PACE_STEPS = 8 };

struct proactive_params {
    const char *cgroup;
    uint64_t interval_ns, pace, floor, min_age_ns, budget;
    double pressure;
};

static const struct param proactive_rows[] = {
    {.name = "cgroup",
     .type = PARAM_STRING,
     .offset = offsetof(struct proactive_params, cgroup),
     .initial = "",
     .help = "the cgroup that is written back, with all below it; empty: every one",
     .source = "per-cgroup proactive writeback, v5: whose memory.reclaim is written to"},
    {.name = "interval",
     .type = PARAM_TIME,
     .offset = offsetof(struct proactive_params, interval_ns),
     .initial = "1s",
     .least = 1000,
     .most = 1e15,
     .help = "time from one round to the next",
     .source = "own choice; Senpai: 6 s"},
    {.name = "pace",
     .type = PARAM_BYTES,
     .offset = offsetof(struct proactive_params, pace),
     .initial = "1M",
     .least = 1,
     .most = 1ull << 50,
     .help = "compressed bytes written back in a round at most; the last step may go beyond",
     .source = "per-cgroup proactive writeback, v5: the request of memory.reclaim source=zswap"},
    {.name = "floor",
     .type = PARAM_BYTES,
     .offset = offsetof(struct proactive_params, floor),
     .initial = "0",
     .help = "compressed bytes that each cgroup keeps",
     .source = "own choice"},
    {.name = "min_age",
     .type = PARAM_TIME,
     .offset = offsetof(struct proactive_params, min_age_ns),
     .initial = "0",
     .help = "entries stored less than this ago stay; at most 64 intervals",
     .source = "per-cgroup proactive writeback, v1: a minimum age in seconds"},
    {.name = "budget",
     .type = PARAM_COUNT,
     .offset = offsetof(struct proactive_params, budget),
     .initial = "64",
     .least = 1,
     .most = 1048576,
     .help = "entries looked at in a cgroup before the next one, nodes together",
     .source = "NR_ZSWAP_WB_BATCH"},
    {.name = "pressure",
     .type = PARAM_REAL,
     .offset = offsetof(struct proactive_params, pressure),
     .initial = "1",
     .least = 0,
     .most = 1,
     .help = "share of time that some task may stall on memory, as PSI has it, before the pace is "
             "halved; 1: no controller",
     .source = "Senpai: 0.1 % of PSI"},
};

struct proactive {
    uint32_t target; /* root of the cgroups that are written back */
    uint32_t cursor;
    uint64_t pace;       /* now, of the controller */
    uint64_t stalled_us; /* the target's PSI total at the last round */
    uint64_t rounds;
    uint64_t *stored_then; /* [HISTORY * memcgs]: zswpout of each cgroup, a round each */
};

static const struct proactive_params *params_of(const void *params)
{
    return params;
}

static uint64_t proactive_interval_ns(const void *params)
{
    return params_of(params)->interval_ns;
}

static void *proactive_create(const struct zswap *zswap, const void *params)
{
    struct proactive *own = memory_zeroed(1, sizeof(*own), "proactive writeback");
    own->target = memcg_find(zswap->mm, params_of(params)->cgroup);
    if (own->target == NO_MEMCG)
        own->target = ROOT_MEMCG;
    own->cursor = NO_MEMCG;
    own->pace = params_of(params)->pace;
    own->stored_then = memory_zeroed((size_t)HISTORY * zswap->mm->memcg_count, sizeof(uint64_t),
                                     "the history of stores");
    return own;
}

static void proactive_destroy(void *state)
{
    struct proactive *own = state;
    free(own->stored_then);
    free(own);
}

/* The controller: how much may go in this round. */
static uint64_t pace_now(struct zswap *zswap, struct proactive *own,
                         const struct proactive_params *params)
{
    struct mm *mm = zswap->mm;
    if (params->pressure >= 1)
        return params->pace;
    psi_collect(mm, own->target, mm->events->now_ns);
    uint64_t total_us = psi_total_us(mm, own->target, PSI_SOME, mm->events->now_ns);
    double stalled_ns = (double)(total_us - own->stalled_us) * 1e3;
    own->stalled_us = total_us;
    if (stalled_ns > params->pressure * (double)params->interval_ns) {
        own->pace = own->pace > 1 ? own->pace / 2 : 1;
        return 0;
    }
    own->pace += params->pace / PACE_STEPS + 1;
    if (own->pace > params->pace)
        own->pace = params->pace;
    return own->pace;
}

/* Entries of a cgroup that are not older than min_age, at most. */
static uint64_t young_entries(const struct zswap *zswap, const struct proactive *own,
                              const struct proactive_params *params, uint32_t memcg)
{
    uint64_t rounds = (params->min_age_ns + params->interval_ns - 1) / params->interval_ns;
    uint64_t stored = *memcg_counter(&zswap->mm->memcgs[memcg], COUNTER_zswpout);
    if (!params->min_age_ns)
        return 0;
    if (rounds > HISTORY)
        rounds = HISTORY;
    if (rounds > own->rounds)
        return stored;
    uint64_t slot = (own->rounds - rounds) % HISTORY;
    return stored - own->stored_then[slot * zswap->mm->memcg_count + memcg];
}

static void note_stores(const struct zswap *zswap, struct proactive *own)
{
    const struct mm *mm = zswap->mm;
    uint64_t *row = &own->stored_then[own->rounds % HISTORY * mm->memcg_count];
    for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++)
        row[memcg] = *memcg_counter(&mm->memcgs[memcg], COUNTER_zswpout);
    own->rounds++;
}

/* Entries of this cgroup alone, its children's not included. */
static uint64_t entries_of(const struct mm *mm, uint32_t memcg)
{
    uint64_t entries = mm->memcgs[memcg].zswapped_subtree;
    for (uint32_t at = mm->memcgs[memcg].first_child; at != NO_MEMCG;
         at = mm->memcgs[at].next_sibling)
        entries -= mm->memcgs[at].zswapped_subtree;
    return entries;
}

static enum shrink_result write_back_of(struct zswap *zswap, struct exec *exec,
                                        const struct proactive *own,
                                        const struct proactive_params *params, uint32_t memcg,
                                        uint64_t *written)
{
    struct mm *mm = zswap->mm;
    uint64_t entries = entries_of(mm, memcg), young = young_entries(zswap, own, params, memcg);
    if (entries <= young || mm->memcgs[memcg].zswap_bytes_subtree <= params->floor)
        return SHRINK_EMPTY;
    struct shrink_budget budget = {
        .entries = params->budget < entries - young ? params->budget : entries - young,
        .shared = true,
        .cap_at_list_length = true,
        .written_bytes = written,
    };
    return zswap_shrink_memcg(zswap, exec, memcg, &budget, DRIVER_PROACTIVE);
}

static void proactive_tick(struct zswap *zswap, struct exec *exec, void *state, const void *params)
{
    struct proactive *own = state;
    uint64_t written = 0, pace = pace_now(zswap, own, params_of(params));
    uint32_t failures = 0, attempts = 0;
    while (written < pace && failures < WRITEBACK_FAILURES_AT_MOST) {
        own->cursor = writeback_next_memcg(zswap, exec, own->target, own->cursor);
        if (own->cursor == NO_MEMCG) {
            failures += attempts == 0;
            attempts = 0;
            continue;
        }
        enum shrink_result result =
            write_back_of(zswap, exec, own, params_of(params), own->cursor, &written);
        if (result == SHRINK_EMPTY)
            continue;
        attempts++;
        failures += result != SHRINK_WROTE;
    }
    note_stores(zswap, own);
}

static bool proactive_step(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec,
                           const void *params)
{
    struct shrink_budget budget = {
        .entries = params_of(params)->budget, .shared = true, .cap_at_list_length = true};
    return writeback_step_over_cgroups(zswap, worker, exec, &budget);
}

static const struct writeback_hooks proactive_hooks = {
    .step = proactive_step,
    .takes_from = writeback_takes_from_lists,
    .interval_ns = proactive_interval_ns,
    .create = proactive_create,
    .destroy = proactive_destroy,
    .tick = proactive_tick,
    .looks_in_vain = true,
};

const struct policy proactive_policy = {
    .name = "proactive",
    .summary = "besides the worker's batches, up to `pace` bytes are written back each `interval`",
    .source = "per-cgroup proactive writeback series (Hao Jia), v1 and v5, 2026",
    .params = PARAM_TABLE(proactive_rows, struct proactive_params),
    .hooks = &proactive_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

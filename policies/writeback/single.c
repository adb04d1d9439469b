/* writeback: single - one entry a node and call, cgroup after cgroup.
 *
 * 6.12 to 7.2: an entry that spends its second chance, and any other call that
 * writes nothing, is one of 16 failures that end the run; cgroups without
 * entries are free.  6.8 to 6.11 (failure_accounting every_cgroup): empty
 * cgroups and the end of the tree are failures too, and a cgroup with writeback
 * switched off ends the run. */
#include "policies/writeback/writeback.h"
#include "sim/mm/memcg.h"

enum failure_accounting { ATTEMPTS, EVERY_CGROUP };

struct single_params {
    unsigned failure_accounting;
};

static const char *const accounting_names[] = {"attempts", "every_cgroup", NULL};

static const struct param single_rows[] = {
    {.name = "failure_accounting",
     .type = PARAM_ENUM,
     .offset = offsetof(struct single_params, failure_accounting),
     .initial = "attempts",
     .choices = accounting_names,
     .help = "what counts towards the 16 failures that end a run: attempts on cgroups that have "
             "entries (6.12+), or every cgroup and every end of the tree (6.8-6.11)",
     .source = "shrink_worker in 6.8 and 6.12"},
};

static const struct shrink_budget one_per_node = {.entries = 1};

/* shrink_worker of 6.8 to 6.11 */
static bool step_every_cgroup(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec)
{
    struct mm *mm = zswap->mm;
    worker->cursor = memcg_next(mm, ROOT_MEMCG, worker->cursor);
    if (worker->cursor == NO_MEMCG)
        return writeback_note_failure(zswap, worker);
    if (mm->memcgs[worker->cursor].offline) {
        spend_cost(mm, exec, TIME_zswap, COST_skip_memcg);
        worker->cursor = NO_MEMCG;
        return writeback_note_failure(zswap, worker);
    }
    if (!zswap_writeback_allowed(zswap, worker->cursor))
        return false;
    enum shrink_result result =
        zswap_shrink_memcg(zswap, exec, worker->cursor, &one_per_node, DRIVER_WORKER);
    return result == SHRINK_WROTE ? true : writeback_note_failure(zswap, worker);
}

static bool single_step(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec,
                        const void *params)
{
    const struct single_params *single = params;
    if (single->failure_accounting == EVERY_CGROUP)
        return step_every_cgroup(zswap, worker, exec);
    return writeback_step_over_cgroups(zswap, worker, exec, &one_per_node);
}

static const struct writeback_hooks single_hooks = {
    .step = single_step, .takes_from = writeback_takes_from_lists, .looks_in_vain = true};

const struct policy single_policy = {
    .name = "single",
    .summary = "the worker looks at one entry a node, then goes on to the next cgroup",
    .source = "Linux 6.8-7.2 mm/zswap.c: shrink_worker, shrink_memcg",
    .params = PARAM_TABLE(single_rows, struct single_params),
    .hooks = &single_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};

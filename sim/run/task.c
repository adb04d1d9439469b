/* Tasks: a turn on a processor is the loop over hits, the faults that are like most, and for all
 * other accesses one step after the other. */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/mm/tlb.h"
#include "sim/run/simulation.h"

/* ---- hits ---------------------------------------------------------------------- */

/* One access.  False: it is not a hit.  The compiler is told that it is one, or lays the loop
 * out in two places (1.56 ns a hit in place of 1.42). */
static inline bool touch(uint8_t *state, uint8_t op)
{
    if (__builtin_expect(!(*state & HOT_MAPPED) || op > ACCESS_WRITE, false))
        return false;
    *state = (uint8_t)(*state | HOT_ACCESSED | op * HOT_DIRTY);
    return true;
}

_Static_assert(ACCESS_READ == 0 && ACCESS_WRITE == 1, "op times a flag: a write sets it");

/* The loop that nearly every access goes through: one byte of state, no calls, and
 * the bytes of later accesses asked for, which are in no cache of the host.  Returns
 * the first access from `at` on that is no hit, or `end`. */
static uint32_t run_hits_one_space(const struct task *task, uint32_t at, uint32_t end)
{
    uint8_t *hot = task->only_hot;
    const struct access *block = task->block, *access = block + at;
    const struct access *asked = block + (end < task->ask_end ? end : task->ask_end);
    for (; access < asked; access++) {
        __builtin_prefetch(&hot[access[LOOKAHEAD_ACCESSES].page], 1);
        if (!touch(&hot[access->page], access->op))
            return (uint32_t)(access - block);
    }
    for (; access < block + end; access++)
        if (!touch(&hot[access->page], access->op))
            return (uint32_t)(access - block);
    return end;
}

static uint32_t run_hits_many_spaces(const struct task *task, uint32_t at, uint32_t end)
{
    uint8_t *hot = task->simulation->mm.hot;
    const uint32_t *first_pages = task->first_pages;
    const struct access *block = task->block;
    for (; at < end; at++) {
        const struct access *access = &block[at],
                            *ahead = &block[at + (at < task->ask_end ? LOOKAHEAD_ACCESSES : 0)];
        __builtin_prefetch(&hot[first_pages[ahead->space] + ahead->page], 1);
        if (!touch(&hot[first_pages[access->space] + access->page], access->op))
            return at;
    }
    return end;
}

/* A translation that is there says whether the page may be written without setting its dirty bit,
 * too. */
static void touch_through_tlb(struct tlb *tlb, uint8_t *state, uint32_t page, uint8_t op)
{
    bool was_there = tlb_fill(tlb, page);
    if (!was_there || (op != ACCESS_READ && !(*state & HOT_DIRTY)))
        touch(state, op);
}

static uint32_t run_hits_through_tlb(const struct task *task, uint32_t at, uint32_t end)
{
    struct mm *mm = &task->simulation->mm;
    for (; at < end; at++) {
        const struct access *access = &task->block[at];
        uint32_t page = task->first_pages[access->space] + access->page;
        if (!(mm->hot[page] & HOT_MAPPED) || access->op > ACCESS_WRITE)
            return at;
        touch_through_tlb(mm->tlb, &mm->hot[page], page, access->op);
    }
    return end;
}

static inline uint32_t run_hits(const struct task *task, uint32_t at, uint32_t end)
{
    if (task->simulation->mm.tlb)
        return run_hits_through_tlb(task, at, end);
    return task->only_hot ? run_hits_one_space(task, at, end) : run_hits_many_spaces(task, at, end);
}

/* Is the access at hand, which was none when the last turn ended, still no hit? */
static bool misses_still(const struct task *task)
{
    const struct access *access = &task->block[task->block_at];
    const uint8_t *hot = task->simulation->mm.hot;
    return !(hot[task->first_pages[access->space] + access->page] & HOT_MAPPED);
}

/* ---- everything else ---------------------------------------------------------------- */

/* How the access under way ends for its task. */
enum miss_end { MISS_GO_ON, MISS_WAIT, MISS_TASK_DEAD, MISS_RETRY };

/* A locked page is looked at again after this long. */
enum { LOCKED_PAGE_WAIT_NS = 1000 };

/* Files stay when their process is killed. */
static bool all_spaces_dead(const struct task *task)
{
    const struct mm *mm = &task->simulation->mm;
    for (uint32_t i = 0; i < task->spaces; i++)
        if (!mm->spaces[task->space_numbers[i]].dead && !mm->spaces[task->space_numbers[i]].file)
            return false;
    return true;
}

struct wait {
    uint64_t until_ns;
    /* As far as memory pressure goes: for a page, until it has its data, and then in the sleep
     * above memory.high.  All the same: not at all. */
    uint64_t from_ns, data_ns, end_ns;
    enum psi_activity activity; /* up to data_ns; PSI_STALLED then */
};

static inline void note_wait(struct task *task, const struct wait *wait)
{
    struct mm *mm = &task->simulation->mm;
    if (wait->data_ns > wait->from_ns)
        psi_wait(mm, &task->psi, wait->from_ns, wait->data_ns, wait->activity);
    if (wait->end_ns > wait->data_ns)
        psi_wait(mm, &task->psi, wait->data_ns, wait->end_ns, PSI_STALLED);
}

/* The access at hand, to this page, that is not a hit, nor a fault like most.  MISS_WAIT: see
 * `wait`. */
static inline enum miss_end run_miss(struct task *task, struct exec *exec, uint32_t page,
                                     struct wait *wait)
{
    struct simulation *simulation = task->simulation;
    struct mm *mm = &simulation->mm;
    const struct access *access = &task->block[task->block_at];
    uint32_t number = task->space_numbers[access->space];
    const struct address_space *space = &mm->spaces[number];
    if (space->dead) /* its process is gone, whoever killed it; the others' records go on */
        return all_spaces_dead(task) ? MISS_TASK_DEAD : MISS_GO_ON;
    if (task->config->block_device != NO_BLOCK_DEVICE) {
        uint64_t ready_ns = files_access(simulation, task, exec, access);
        if (ready_ns <= exec->now_ns)
            return MISS_GO_ON;
        *wait = (struct wait){.until_ns = ready_ns};
        return MISS_WAIT;
    }
    if (mm->hot[page] & HOT_LOCKED)
        return MISS_RETRY;
    exec->space = number;
    if (access->op == ACCESS_FREE) {
        if (access->page == 0 && access->space == 0)
            spend(mm, exec, TIME_process, task->config->workload->process_ns);
        swap_free_page(&simulation->swap, exec, page);
        return MISS_GO_ON;
    }
    if (space->file && swap_touch_file(&simulation->swap, page, access->op == ACCESS_WRITE))
        return MISS_GO_ON;
    uint64_t start_ns = exec->now_ns, pages_read = mm->counters[COUNTER_pswpin];
    bool write = access->op == ACCESS_WRITE; /* which nobody can foretell: no branches */
    uint64_t ready_ns = 0;
    exec->sleep_ns = 0;
    enum fault_kind kind = swap_fault_by_steps(&simulation->swap, exec, page,
                                               write & !task->config->load_before_store, &ready_ns);
    mm->hot[page] |= (uint8_t)(write * HOT_DIRTY * (mm->hot[page] & HOT_MAPPED));
    if (mm->tlb && (mm->hot[page] & HOT_MAPPED))
        tlb_fill(mm->tlb, page);
    simulation->faults++;
    if (exec->killed) {
        exec->killed = false;
        return all_spaces_dead(task) ? MISS_TASK_DEAD : MISS_GO_ON;
    }
    const struct sim_observer *observer = simulation->options->observer;
    if (observer && observer->fault)
        observer->fault(observer->context, number, access->page, kind,
                        mm->counters[COUNTER_pswpin] - pages_read);
    uint64_t from_ns = exec->now_ns, data_ns = ready_ns > from_ns ? ready_ns : from_ns;
    uint64_t end_ns = data_ns + exec->sleep_ns;
    histogram_add(&simulation->result->fault_latency[kind], end_ns - start_ns);
    if (kind == FAULT_first_touch)
        spend_user(mm, exec, task->config->fill_ns);
    if (end_ns == from_ns)
        return MISS_GO_ON;
    /* Of a page that was in the working set it is a stall. */
    bool stalls = mm->cold[page].bits & PAGE_WORKINGSET;
    *wait = (struct wait){end_ns + (exec->now_ns - from_ns), from_ns, data_ns, end_ns,
                          stalls ? PSI_STALLED : PSI_BLOCKED};
    return MISS_WAIT;
}

static bool next_block(struct task *task)
{
    const struct workload_type *type = task->config->workload->type;
    task->block_at = 0;
    task->block_count = type->next(&task->cursor, &task->block);
    task->ask_end =
        task->block_count > LOOKAHEAD_ACCESSES ? task->block_count - LOOKAHEAD_ACCESSES : 0;
    task->takes_faults =
        task->simulation->mm.one_at_a_time && task->config->block_device == NO_BLOCK_DEVICE;
    lookahead_begin(&task->lookahead, task->first_pages, task->block, task->block_count);
    if (task->block_count)
        return true;
    const char *failure = type->failure ? type->failure(&task->cursor) : NULL;
    if (failure)
        simulation_fail(task->simulation, "%s", failure);
    return false;
}

static void finish(struct task *task, uint64_t now_ns)
{
    if (task->finished)
        return;
    task->finished = true;
    task->finished_ns = now_ns;
    task->simulation->tasks_running--;
}

/* A check walks all pages: sampled ones stay below a tenth of the work. */
static uint64_t faults_between_checks(const struct simulation *simulation)
{
    if (simulation->options->checks == CHECKS_FULL)
        return 1;
    return 4096 + 4 * (uint64_t)simulation->mm.page_count;
}

/* Checks and progress that need not happen at every fault. */
static void look_around(struct task *task, uint64_t now_ns)
{
    enum { ACCESSES_BETWEEN_LOOKS = 64 };
    struct simulation *simulation = task->simulation;
    const struct sim_options *options = simulation->options;
    if (options->checks != CHECKS_FULL)
        task->look_at = task->position + ACCESSES_BETWEEN_LOOKS;
    simulation_notice_interruption(simulation);
    /* In the middle of somebody's reclaim its pages are on no list. */
    if (options->checks != CHECKS_OFF && !simulation->events.catching_up &&
        simulation->faults - simulation->checked_faults >= faults_between_checks(simulation)) {
        invariants_check(simulation);
        simulation->checked_faults = simulation->faults;
    }
    if (options->progress && simulation->tasks[0].position >= simulation->progress_at) {
        options->progress(options->progress_context, simulation->tasks[0].position,
                          simulation->tasks[0].config->workload->accesses, now_ns);
        simulation->progress_at = simulation->tasks[0].position + (1u << 20);
    }
}

/* Accesses that are looked at together: dividing by the time of one is slow. */
enum { LONGEST_RUN = 1024 };

/* Of n accesses those until the quantum ends, at least 1. */
static inline uint32_t longest_run(uint64_t n, uint64_t hit_ns, uint64_t left_ns)
{
    if (n > LONGEST_RUN)
        n = LONGEST_RUN;
    if (n * hit_ns > left_ns)
        n = left_ns / hit_ns + 1 < n ? left_ns / hit_ns + 1 : n;
    return (uint32_t)n;
}

/* A fault like most, at the access at hand.  False: it is none, nothing has been done. */
static inline bool run_fault(struct task *task, struct exec *exec, const struct access *access,
                             uint32_t page)
{
    struct simulation *simulation = task->simulation;
    struct mm *mm = &simulation->mm;
    bool write = access->op == ACCESS_WRITE; /* which nobody can foretell: no branches */
    uint64_t start_ns = exec->now_ns, ready_ns;
    if (access->op > ACCESS_WRITE || !(mm->cold[page].bits & PAGE_IN_ZSWAP))
        return false;
    exec->space = task->space_numbers[access->space];
    if (!fault_run_take(&simulation->swap, exec, page, write & !task->config->load_before_store,
                        &ready_ns))
        return false;
    mm->hot[page] |= (uint8_t)(write * HOT_DIRTY);
    if (mm->tlb)
        tlb_fill(mm->tlb, page);
    const struct sim_observer *observer = simulation->options->observer;
    if (observer && observer->fault)
        observer->fault(observer->context, exec->space, access->page, FAULT_zswap, 0);
    histogram_add(&simulation->result->fault_latency[FAULT_zswap], exec->now_ns - start_ns);
    return true;
}

enum run_end {
    RUN_OVER,  /* time is up, or there is something to do before the next access */
    RUN_EVENT, /* something comes before the access at hand, which is no hit */
    RUN_MISS,  /* the access at hand takes more */
};

/* Hits, and the faults that are like most: until one is not, of *page.  Nobody looks at any count
 * before, so these are added then (80 instructions less a fault). */
static inline enum run_end run_accesses(struct task *task, struct exec *exec, uint64_t until_ns,
                                        uint32_t *page)
{
    struct simulation *simulation = task->simulation;
    struct mm *mm = &simulation->mm;
    uint64_t hit_ns = task->hit_ns, faults = 0;
    uint32_t first = task->block_at, at = first;
    uint32_t count = first + (uint32_t)(task->run_end - task->position);
    enum run_end end = RUN_OVER;
    /* Where many processors take turns at every fault, each turn begins with one. */
    bool missed = task->at_miss && misses_still(task);
    do {
        if (!missed) {
            uint32_t n = longest_run(count - at, hit_ns, until_ns - exec->now_ns);
            uint32_t end_of_hits = run_hits(task, at, at + n), hits = end_of_hits - at;
            at = end_of_hits;
            exec->now_ns += hits * hit_ns;
            if (hits == n)
                continue;
        }
        missed = false;
        const struct access *access = &task->block[at];
        *page = task->first_pages[access->space] + access->page;
        /* What others did before this moment must be done before this fault. */
        if (events_next_time(&simulation->events) < exec->now_ns ||
            events_look_is_due(&simulation->events, exec->now_ns)) {
            __builtin_prefetch(access + HOST_LINE / sizeof(*access)); /* of 64 traces, 0.4 % */
            lookahead_expect(&task->lookahead, &simulation->swap, *page);
            end = RUN_EVENT;
            break;
        }
        lookahead_advance(&task->lookahead, &simulation->swap, at, *page);
        if (!task->takes_faults || !run_fault(task, exec, access, *page)) {
            end = RUN_MISS;
            break;
        }
        faults++;
        at++;
        exec->now_ns += hit_ns;
    } while (at != count && exec->now_ns < until_ns);
    uint32_t done = at - first;
    task->at_miss = end == RUN_EVENT;
    task->block_at = at;
    task->position += done;
    simulation->faults += faults;
    mm->counters[COUNTER_accesses] += done;
    mm->time_ns[TIME_user] += done * hit_ns;
    exec->user_ns += done * hit_ns;
    return end;
}

/* ---- between bursts ------------------------------------------------------------------ */

/* A burst has ended: one attempt to reclaim, or the sleep behind the last one.  TURN_RUNNABLE:
 * go on; TURN_BLOCKED: until *wake_at_ns, or (0) until all processors have drained. */
static enum turn_end pause_task(struct task *task, struct exec *exec, uint64_t *wake_at_ns)
{
    const struct task_config *config = task->config;
    struct mm *mm = &task->simulation->mm;
    fault_run_end(&task->simulation->swap, &task->simulation->swap.faults);
    if (config->burst_reclaim) {
        uint64_t pages = config->burst_reclaim / PAGE_BYTES;
        if (!task->tries) {
            reclaim_request_begin(&task->request, config->cgroups[0], pages);
            task->tries = 1;
        }
        enum reclaim_progress progress = reclaim_request_attempt(mm, exec, &task->request);
        if (progress == RECLAIM_WANTS_DRAIN)
            return drain_all_begin(mm, exec, &task->drain) ? TURN_BLOCKED : TURN_RUNNABLE;
        if (progress == RECLAIM_GOES_ON)
            return TURN_RUNNABLE;
        if (task->request.reclaimed < pages && task->tries < config->burst_tries) {
            reclaim_request_begin(&task->request, config->cgroups[0], pages);
            task->tries++;
            return TURN_RUNNABLE;
        }
        task->tries = 0;
    }
    task->burst_end += config->burst;
    if (!config->burst_sleep_ns)
        return TURN_RUNNABLE;
    *wake_at_ns = exec->now_ns + config->burst_sleep_ns;
    if (config->stop_ns && config->stop_ns < *wake_at_ns && config->stop_ns > exec->now_ns)
        *wake_at_ns = config->stop_ns;
    psi_wait(mm, &task->psi, exec->now_ns, *wake_at_ns, PSI_BLOCKED);
    return TURN_BLOCKED;
}

/* There is something to do before the next access, which may take time.  Accesses follow if there
 * is some left and run_end is moved on; else, if it is not TURN_RUNNABLE, the turn is over. */
static enum turn_end begin_run(struct task *task, struct exec *exec, uint64_t *wake_at_ns)
{
    struct simulation *simulation = task->simulation;
    if (task->position == task->next_stop)
        task->next_stop = control_reach(simulation, exec, task->position);
    if (task->position == task->burst_end) {
        /* What others did before this moment must be done before, as before a fault. */
        if (events_next_time(&simulation->events) < exec->now_ns)
            return TURN_PAUSED;
        return pause_task(task, exec, wake_at_ns);
    }
    if (task->block_at == task->block_count && !next_block(task))
        return TURN_FINISHED;
    task->run_end = task->position + (task->block_count - task->block_at);
    if (task->run_end > task->next_stop)
        task->run_end = task->next_stop;
    if (task->run_end > task->burst_end)
        task->run_end = task->burst_end;
    return TURN_RUNNABLE;
}

/* The task has a processor from exec->now_ns on; returns until when, at most until it stops. */
static inline uint64_t begin_quantum(struct task *task, struct exec *exec)
{
    struct simulation *simulation = task->simulation;
    if (exec->now_ns > SIMULATED_NS_AT_MOST)
        simulation_fail(simulation, "task %s: simulated time passes %" PRIu64 " s, three years",
                        task->config->name, SIMULATED_NS_AT_MOST / 1000000000);
    if (simulation->swap.held_write_count)
        swap_dispatch_writes(&simulation->swap, exec);
    uint64_t until_ns = exec->now_ns + simulation->config->engine.quantum_ns;
    return until_ns < task->stop_ns ? until_ns : task->stop_ns;
}

/* It waits for a device, and perhaps sleeps behind that.  True: that is over, and nothing else
 * happened. */
static inline bool sleep_in_turn(struct task *task, struct exec *exec, const struct wait *wait)
{
    struct simulation *simulation = task->simulation;
    task->runner.io_until_ns = wait->until_ns - exec->sleep_ns;
    simulation->mm.time_ns[TIME_device_read_wait] += task->runner.io_until_ns - exec->now_ns;
    if (task->position >= task->look_at)
        look_around(task, exec->now_ns);
    if (!processors_sleep(&simulation->processors, &task->runner, exec->now_ns, wait->until_ns))
        return false;
    exec->now_ns = wait->until_ns;
    exec->space = task->space_numbers[0];
    exec->high_debt_pages = 0;
    exec->sleep_ns = 0;
    return true;
}

/* The access at hand is no hit.  TURN_RUNNABLE: go on until *until_ns. */
static inline enum turn_end take_miss(struct task *task, struct exec *exec, uint32_t page,
                                      uint64_t *until_ns, uint64_t *wake_at_ns)
{
    struct mm *mm = &task->simulation->mm;
    struct wait wait = {0};
    enum miss_end miss = run_miss(task, exec, page, &wait);
    if (miss == MISS_RETRY) {
        *wake_at_ns = task->runner.io_until_ns = exec->now_ns + LOCKED_PAGE_WAIT_NS;
        return TURN_BLOCKED;
    }
    task->block_at++;
    task->position++;
    mm->counters[COUNTER_accesses]++;
    spend_user(mm, exec, task->hit_ns);
    if (miss == MISS_TASK_DEAD)
        return TURN_FINISHED;
    if (miss == MISS_GO_ON)
        return TURN_RUNNABLE;
    enum turn_end end = TURN_RUNNABLE;
    if (wait.until_ns > exec->now_ns) {
        if (sleep_in_turn(task, exec, &wait)) {
            *until_ns = begin_quantum(task, exec);
        } else {
            *wake_at_ns = wait.until_ns;
            end = TURN_BLOCKED;
        }
    }
    note_wait(task, &wait); /* less work when it is over */
    return end;
}

static inline void end_turn(struct task *task, const struct exec *exec, enum turn_end end)
{
    struct simulation *simulation = task->simulation;
    fault_run_end(&simulation->swap, &simulation->swap.faults);
    if (task->position >= task->look_at)
        look_around(task, exec->now_ns);
    task->runner.turn_user_ns = exec->user_ns;
    task->runner.turn_waited_ns = exec->waited_ns;
    if (end == TURN_FINISHED) {
        psi_set(&simulation->mm, &task->psi, exec->now_ns, PSI_ABSENT);
        finish(task, exec->now_ns);
    }
}

static enum turn_end task_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                               uint64_t *end_ns, uint64_t *wake_at_ns)
{
    struct task *task = (struct task *)runner;
    struct simulation *simulation = task->simulation;
    struct exec exec = {.now_ns = now_ns,
                        .cpu = cpu,
                        .node = topology_node(&simulation->mm.topology, cpu),
                        .space = task->space_numbers[0],
                        .psi = &task->psi};
    enum turn_end end = TURN_RUNNABLE;
    if (simulation->mm.tlb)
        tlb_load(simulation->mm.tlb, task, now_ns);
    uint64_t until_ns = begin_quantum(task, &exec);
    while (end == TURN_RUNNABLE && exec.now_ns < until_ns) {
        if (simulation->interrupted || simulation->failure[0]) {
            end = TURN_FINISHED;
            break;
        }
        if (task->position == task->run_end) {
            end = begin_run(task, &exec, wake_at_ns);
            if (end != TURN_RUNNABLE || task->position == task->run_end || exec.now_ns >= until_ns)
                continue;
        }
        uint32_t page = NO_PAGE;
        enum run_end run = run_accesses(task, &exec, until_ns, &page);
        if (run == RUN_MISS)
            end = take_miss(task, &exec, page, &until_ns, wake_at_ns);
        else if (run == RUN_EVENT && events_next_time(&simulation->events) < exec.now_ns)
            end = TURN_PAUSED;
        else if (run == RUN_EVENT)
            events_look(&simulation->events, exec.now_ns - 1);
    }
    if (end == TURN_RUNNABLE && exec.now_ns >= task->stop_ns)
        end = TURN_FINISHED;
    end_turn(task, &exec, end);
    *end_ns = exec.now_ns;
    return end;
}

/* ---- set-up ----------------------------------------------------------------------------- */

void tasks_kill_space(void *owner, struct exec *exec, uint32_t number)
{
    struct simulation *simulation = owner;
    simulation->mm.spaces[number].dead = true;
    swap_free_space(&simulation->swap, exec, number);
}

uint32_t tasks_own_spaces(const struct config *config, uint32_t task)
{
    const struct workload *workload = config->tasks[task].workload;
    bool first = config->tasks[task].first_replica == task;
    return workload->spaces - (first ? 0 : workload->shared_spaces);
}

/* Spaces from `next_space` on are the task's own; the rest are those of the first replica. */
static void find_spaces(struct simulation *simulation, struct task *task, uint32_t next_space)
{
    uint32_t number = (uint32_t)(task - simulation->tasks);
    const struct task *first = &simulation->tasks[task->config->first_replica];
    uint32_t own = tasks_own_spaces(simulation->config, number);
    task->spaces = task->config->workload->spaces;
    task->space_numbers = memory_zeroed(task->spaces, sizeof(uint32_t), "a task's spaces");
    task->first_pages = memory_zeroed(task->spaces, sizeof(uint32_t), "a task's spaces");
    for (uint32_t s = 0; s < task->spaces; s++) {
        task->space_numbers[s] = s < own ? next_space + s : first->space_numbers[s];
        task->first_pages[s] = simulation->mm.spaces[task->space_numbers[s]].first_page;
    }
}

void tasks_init(struct simulation *simulation)
{
    const struct config *config = simulation->config;
    simulation->task_count = config->task_count;
    simulation->tasks_running = config->task_count;
    simulation->tasks = memory_zeroed(config->task_count, sizeof(*simulation->tasks), "the tasks");
    uint32_t first_space = 0;
    for (uint32_t i = 0; i < config->task_count; i++) {
        struct task *task = &simulation->tasks[i];
        const struct task_config *from = &config->tasks[i];
        task->simulation = simulation;
        task->config = from;
        task->lookahead.in_turn = config->machine.cpus >= LOOKAHEAD_MANY_IN_TURN &&
                                  config->task_count >= LOOKAHEAD_MANY_IN_TURN;
        task->runner.turn = task_turn;
        task->runner.cpu = (uint32_t)(from->first_cpu % config->machine.cpus);
        find_spaces(simulation, task, first_space);
        first_space += tasks_own_spaces(config, i);
        task->hit_ns = config->costs.ns[COST_hit] + from->think_ns;
        if (!task->hit_ns)
            task->hit_ns = 1;
        task->only_hot = task->spaces == 1 ? simulation->mm.hot + task->first_pages[0] : NULL;
        task->next_stop = UINT64_MAX;
        task->stop_ns = from->stop_ns ? from->stop_ns : UINT64_MAX;
        bool pauses = from->burst && (from->burst_reclaim || from->burst_sleep_ns);
        task->burst_end = pauses ? from->burst : UINT64_MAX;
        task->drain.runner = &task->runner;
        for (uint32_t s = 0; s < task->spaces; s++)
            if (!simulation->mm.spaces[task->space_numbers[s]].file)
                simulation->mm.spaces[task->space_numbers[s]].runner = &task->runner;
        task->cursor.workload = from->workload;
        psi_task_init(&simulation->mm, &task->psi, from->cgroups[0], task->runner.cpu);
        psi_set(&simulation->mm, &task->psi, from->start_ns, PSI_PRODUCTIVE);
        if (!from->workload->type->start(&task->cursor)) {
            simulation_fail(simulation, "task %s: its workload cannot be started", from->name);
            return;
        }
        processors_wake_at(&simulation->processors, &task->runner, from->start_ns);
    }
}

void tasks_release(struct simulation *simulation)
{
    for (uint32_t i = 0; i < simulation->task_count; i++) {
        struct task *task = &simulation->tasks[i];
        psi_task_release(&task->psi);
        if (task->cursor.workload)
            task->config->workload->type->stop(&task->cursor);
        free(task->space_numbers);
        free(task->first_pages);
    }
    free(simulation->tasks);
}

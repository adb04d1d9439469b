/* One simulation in full: everything that sim_run() builds, runs and takes apart.
 *
 * sim.c        set-up, the loop, tear-down
 * task.c       tasks: the hot loop over accesses, faults
 * lookahead.c  what coming faults will read is asked for in advance
 * files.c      tasks on block devices
 * control.c    what happens at set times or accesses: events, flushes, samples
 * measure.c    counters, gauges, series, inversion, fairness
 * invariants.c what must always be true
 */
#ifndef ZSIM_RUN_SIMULATION_H
#define ZSIM_RUN_SIMULATION_H

#include "sim/mm/drain.h"
#include "sim/mm/mm.h"
#include "sim/mm/reclaim.h"
#include "sim/run/lookahead.h"
#include "sim/sim.h"
#include "sim/swap/swap.h"
#include "sim/zswap/zswap.h"

struct simulation;

struct task {
    struct runner runner;
    struct simulation *simulation;
    const struct task_config *config;
    struct workload_cursor cursor;
    const struct access *block;
    uint32_t block_count, block_at;
    uint32_t ask_end; /* accesses before this one have another one LOOKAHEAD_ACCESSES behind them */
    struct lookahead lookahead;
    uint32_t spaces;
    uint32_t *space_numbers; /* [spaces]: its space s is mm.spaces[space_numbers[s]] */
    uint32_t *first_pages;   /* [spaces]: first_page of each of those */
    uint8_t *only_hot;       /* hot bytes of its only space; NULL: it has more of them */
    bool takes_faults;       /* in runs (fault_run_take()) */
    uint64_t position;       /* accesses done */
    uint64_t next_stop;      /* the access before which control has something to do */
    uint64_t hit_ns;
    uint64_t stop_ns;   /* UINT64_MAX: none */
    uint64_t look_at;   /* the access from which on there is a look at checks and progress */
    uint64_t burst_end; /* the access before which a pause comes; UINT64_MAX: none */
    uint64_t run_end;   /* the first access before which there is something to do: one of these
                           two, or the block is over; a comparison for each fault in place of three */
    struct reclaim_request request;
    uint64_t tries; /* requests of this pause so far, the one under way included; 0: none */
    struct drain_waiter drain;
    struct psi_task psi;
    bool at_miss; /* the last turn ended before an access that was no hit */
    bool finished;
    uint64_t finished_ns;
};

/* Something to do before access `at` of task 0. */
struct access_stop {
    uint64_t at;
    uint32_t order;
    void (*act)(struct simulation *simulation, struct exec *exec, uint32_t argument);
    uint32_t argument;
};

struct simulation {
    const struct config *config;
    const struct sim_options *options;
    struct run_result *result;
    struct event_queue events;
    struct processors processors;
    struct mm mm;
    struct swap swap;
    struct zswap zswap;
    struct device *block_devices;
    uint32_t block_device_count;
    struct task *tasks;
    uint32_t task_count, tasks_running;
    struct access_stop *stops;
    uint32_t stop_count, stop_at;
    uint64_t faults, checked_faults; /* so far; when the invariants were last checked */
    uint64_t progress_at;
    /* for the time average of the inversion */
    uint64_t inversion_samples, inversion_sum_ppm;
    uint32_t timers; /* periodic events in the queue: they alone do not keep a run going */
    uint64_t timed_work_end_ns; /* what was done at a time, not in a task's turn, is over */
    bool interrupted;
    char failure[256];
};

/* sim.c: everything up to the first event, from config, options and result; and the
 * way back, also after a build that failed (simulation->failure). */
bool simulation_build(struct simulation *simulation);
void simulation_tear_down(struct simulation *simulation);

/* task.c */
/* How many spaces a task has of its own: shared ones are with the first replica. */
uint32_t tasks_own_spaces(const struct config *config, uint32_t task);
void tasks_init(struct simulation *simulation);
void tasks_release(struct simulation *simulation);
void tasks_kill_space(void *simulation, struct exec *exec, uint32_t space);

/* files.c */
void files_init(struct simulation *simulation);
void files_release(struct simulation *simulation);
/* One access of a task on a block device.  Returns when its data is there: now, or
 * when a disk has it. */
uint64_t files_access(struct simulation *simulation, struct task *task, struct exec *exec,
                      const struct access *access);

/* control.c */
void control_init(struct simulation *simulation);
void control_release(struct simulation *simulation);
/* Do what is due before access `position` of task 0; returns the next such access. */
uint64_t control_reach(struct simulation *simulation, struct exec *exec, uint64_t position);

/* measure.c */
void measure_row(struct simulation *simulation, uint64_t now_ns);
void measure_snapshot(struct simulation *simulation, const char *label, uint64_t now_ns);
void measure_finish(struct simulation *simulation);

/* invariants.c: NULL, or what is wrong (in simulation->failure). */
const char *invariants_check(struct simulation *simulation);

/* Has the caller asked for an end (sim_options.interrupted)?  Turns end soon, then. */
void simulation_notice_interruption(struct simulation *simulation);

/* Stop the run with a message; printf-like. */
void simulation_fail(struct simulation *simulation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

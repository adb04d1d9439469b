/* Pressure stall information of memory (kernel/sched/psi.c).
 *
 * A processor and cgroup is in state "some" while a task of the cgroup's subtree is in
 * a memory stall, and in state "full" while none of its tasks could do something
 * useful, or one that stalls has the processor.  Over a period a cgroup's value is the
 * mean of its processors', each weighted by the time that it was not idle; averages
 * over 10, 60 and 300 s move every 2 s.
 *
 * Stalls: direct reclaim, reclaim at limits and the penalty of memory.high, kswapd,
 * swap-in of a page that was in the working set, and the wait for its data. */
#ifndef ZSIM_MM_PSI_H
#define ZSIM_MM_PSI_H

#include <stdbool.h>
#include <stdint.h>

struct mm;
struct exec;

enum psi_state { PSI_SOME, PSI_FULL, PSI_STATES };
enum { PSI_AVERAGES = 3, PSI_FIXED_1 = 2048 };
#define PSI_PERIOD_NS 2000000000ull

/* What a task does, as far as memory pressure goes. */
enum psi_activity {
    PSI_ABSENT,         /* it does not exist yet, or no more; an idle kernel thread */
    PSI_PRODUCTIVE,     /* runs, or waits for a processor */
    PSI_BLOCKED,        /* waits for a device */
    PSI_STALLED,        /* waits, in a memory stall */
    PSI_STALLED_ON_CPU, /* works in a memory stall */
    PSI_ACTIVITIES
};

/* The tasks of a cgroup's subtree on one processor. */
struct psi_cpu {
    uint32_t cpu;
    uint32_t tasks[PSI_ACTIVITIES];
    uint64_t since_ns; /* of the state that `tasks` is */
    /* since the group's last collection */
    uint64_t time_ns[PSI_STATES], busy_ns;
};

struct psi_group {
    struct psi_cpu **cpus;
    uint32_t cpu_count;
    uint64_t total_ns[PSI_STATES];
    /* 11-bit fixed-point per cent, and what they were made from */
    uint64_t average[PSI_STATES][PSI_AVERAGES];
    uint64_t averaged_ns[PSI_STATES];
};

/* A task or kernel thread, on one processor for good. */
struct psi_task {
    uint32_t cpu, levels;
    enum psi_activity activity;  /* as told last */
    enum psi_activity accounted; /* as the groups have it */
    uint32_t stalls;             /* nested psi_memstall_enter() */
    struct psi_cpu **chain;      /* [levels]: its cgroup, ..., the root */
};

/* What tasks of a processor have told and their groups have not been told yet. */
struct psi_queue {
    /* Changes that may have others before them, in order of time: from `first` to before `end`,
     * with room to before `limit`. */
    struct psi_change {
        uint64_t at_ns;
        struct psi_task *task;
        enum psi_activity activity;
    } * changes, *first, *end, *limit;
    /* Before these, all changes since some time were of one task (NULL: there were none): how long
     * it did what, to `until_ns`.  Meanwhile its groups do not count it. */
    struct psi_task *task;
    uint64_t until_ns;
    uint64_t passed_ns[PSI_ACTIVITIES];
    const struct psi_task *last; /* whose the last change was */
};

void psi_init(struct mm *mm);
void psi_release(struct mm *mm);

void psi_task_init(struct mm *mm, struct psi_task *task, uint32_t memcg, uint32_t cpu);
void psi_task_release(struct psi_task *task);

/* From at_ns on the task does this; at_ns is not before what others, elsewhere, may
 * still tell (the queue of events has not passed it). */
void psi_set(struct mm *mm, struct psi_task *task, uint64_t at_ns, enum psi_activity activity);

/* From from_ns to until_ns the task waits in this way, and then is productive.  (A call for both
 * changes, which then are settled together, too: 50 instructions a fault that waits.) */
void psi_wait(struct mm *mm, struct psi_task *task, uint64_t from_ns, uint64_t until_ns,
              enum psi_activity activity);

/* psi_memstall_enter and _leave of whoever executes; may be nested. */
void psi_memstall_enter(struct mm *mm, struct exec *exec);
void psi_memstall_leave(struct mm *mm, struct exec *exec);

/* collect_percpu_times: end a period now and add it to the totals. */
void psi_collect(struct mm *mm, uint32_t memcg, uint64_t now_ns);

/* psi_avgs_work of all groups: due every PSI_PERIOD_NS. */
void psi_update_averages(struct mm *mm, uint64_t now_ns);

/* "total" of memory.pressure, in us, if the period ended now; it does not. */
uint64_t psi_total_us(struct mm *mm, uint32_t memcg, enum psi_state state, uint64_t now_ns);

/* "avg10", "avg60", "avg300" (0, 1, 2), in parts per million. */
uint64_t psi_average_ppm(const struct mm *mm, uint32_t memcg, enum psi_state state,
                         unsigned average);

/* calc_load: the next value of an average, all in 11-bit fixed point; `sample`: per cent. */
uint64_t psi_next_average(uint64_t average, unsigned which, uint64_t sample);

#endif

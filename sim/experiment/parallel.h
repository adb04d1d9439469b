/* Independent pieces of work on several threads, with a progress line and a
 * clean stop on SIGINT and SIGTERM. */
#ifndef ZSIM_EXPERIMENT_PARALLEL_H
#define ZSIM_EXPERIMENT_PARALLEL_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum progress_mode {
    PROGRESS_AUTO, /* only when stderr is a terminal */
    PROGRESS_ALWAYS,
    PROGRESS_NEVER,
};

/* How far one piece has come; written by its worker while others read it. */
struct piece_progress {
    uint64_t done, total; /* accesses */
    uint64_t now_ns;      /* simulated */
};

/* What the progress line says of all pieces together. */
struct progress_line {
    double share;              /* of the work, 0..1 */
    uint32_t finished, failed; /* pieces */
    uint64_t accesses, simulated_ns;
};

struct parallel {
    /* ---- filled by the caller */
    uint32_t count; /* pieces, done in the order of their numbers */
    unsigned jobs;  /* threads; 0: one a processor */
    enum progress_mode progress;
    void (*work)(void *context, uint32_t piece); /* on any of the threads */
    void (*show_progress)(void *context);        /* on the calling thread, twice a second */
    void *context;
    /* ---- to be read by the caller */
    volatile bool interrupted; /* a signal came: pieces should end early, none is begun */
    uint64_t begin_ns;         /* host_now_ns() when the work began */
    /* ---- private */
    uint32_t next, workers_left;
    int finished; /* eventfd: the last worker has ended */
    uint64_t interrupted_ns;
    sigset_t usual_mask; /* of signals, before the work */
};

/* Threads that parallel_run() would use. */
unsigned parallel_jobs(const struct parallel *parallel);

/* All pieces, or those begun before a signal came.  To be called from the main
 * thread with no other threads about: signals are blocked everywhere and read
 * from a descriptor, so no handler and no global flag is needed.  They stay
 * blocked, so that results can be written, until parallel_release_signals().
 * A second signal a second later or more ends the process at once. */
void parallel_run(struct parallel *parallel);
void parallel_release_signals(const struct parallel *parallel);

/* The progress function of a run (sim/sim.h); context: its struct piece_progress. */
void piece_progress_note(void *context, uint64_t done, uint64_t total, uint64_t now_ns);
/* The numbers as they are now. */
struct piece_progress piece_progress_read(const struct piece_progress *progress);

/* Rewrite the progress line on stderr; for show_progress of struct parallel. */
void progress_line_print(const struct parallel *parallel, const struct progress_line *line);

/* Time of the host since some start, for progress and for "host" in results. */
uint64_t host_now_ns(void);

#endif

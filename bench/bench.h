/* What the parts of the bench program share.
 *
 * A measure is something that takes time and is taken once a round, with all the
 * others, so that whatever slows the machine down for a while hits all alike.  A
 * ratio compares two measures round by round; ratios are what bars are set on
 * and what is compared from one day to another, times are not. */
#ifndef ZSIM_BENCH_H
#define ZSIM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/workload.h"

enum { ROUNDS_AT_MOST = 99 };

struct bench {
    const char *scratch; /* directory for traces; they are kept from one run to the next */
    const char *zsim;    /* the program, for what is measured on whole processes */
    const char *trace;   /* a trace of the user's in place of the cases, or NULL */
    bool full;           /* the large cases in place of the usual ones */
};

struct measure {
    const char *name, *what, *unit;
    /* The value of one round; `self` gives the parameters below. */
    double (*take)(const struct bench *bench, struct measure *self);
    const struct trace_file *trace;
    const void *subject; /* what `take` needs besides */
    unsigned rounds;     /* at most so many; 0: all */
    double bytes_a_page; /* of simulation state, where known; else 0 */
    double values[ROUNDS_AT_MOST];
    unsigned taken;
    bool wanted;
    bool cut_short; /* it took too long; the value is what it takes at least */
};

enum bar_sense { AT_LEAST, AT_MOST };

/* top / bottom, of the values of the same round. */
struct ratio {
    const char *name, *what;
    const char *top, *bottom;
    enum bar_sense sense;
    double bar; /* 0: none */
};

/* A trace in the scratch directory. */
struct trace_file {
    const char *name;
    const char *steps; /* workload type `steps`; NULL: made by the fields below */
    double exponent;
    uint32_t pages;
    uint32_t fill;     /* records at the beginning that touch every page once */
    uint64_t accesses; /* after those */
    uint32_t spaces;   /* page p of the zipf is page p / spaces of space p % spaces; 0: one */
};

/* ---- clocks.c ---- */

/* Processor time of this thread in ns: what others do on the machine counts less. */
double clock_thread_ns(void);
double clock_wall_ns(void);

/* ---- traces.c ---- */

/* The path; the file is made when it is not there.  Lives as long as the process. */
const char *trace_path(const struct bench *bench, const struct trace_file *trace);
/* The records of a version 1 trace, mapped and in the page cache. */
const struct access *trace_map(const struct bench *bench, const struct trace_file *trace,
                               uint64_t *records);
void trace_unmap(const struct access *records, uint64_t count);
/* Copy bench->trace into the scratch directory as user_trace. */
void trace_take_over(const struct bench *bench);
/* All records of an open workload; returns their number.  `sum` keeps the work alive. */
uint64_t trace_walk(const struct workload *workload, uint64_t *sum);
void bench_fail(const char *what, const char *why) __attribute__((noreturn));

/* ---- baselines.c ---- */

double take_stream(const struct bench *bench, struct measure *self);    /* R1 */
double take_exact_lru(const struct bench *bench, struct measure *self); /* R2 */

/* ---- simulations.c, inputs.c, processes.c: their measures, ended by a NULL name ---- */

extern struct measure simulation_measures[], full_measures[], trace_measures[], input_measures[],
    process_measures[];
extern const struct ratio ratios[], full_ratios[], trace_ratios[];

/* What trace_measures are about: bench->trace with all its spaces as one. */
extern struct trace_file user_trace;

#endif

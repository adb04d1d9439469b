/* Cases of real kernels: read, replay, compare counter by counter.
 *
 * A case file says what was run on a kernel (trace, limits, page contents,
 * events) and what its counters were.  It becomes a config document that goes
 * through the ordinary config code, so a case is checked as any config is.
 *
 *   validate.c          the command: flags, threads, exit code
 *   validate_case.c     reading; cases that were measured on kernel 6.18
 *   validate_emulator.c cases that were measured in an emulator (6.1, 6.12)
 *   validate_observe.c  what is counted beside the counters: pages by group
 *   validate_compare.c  counters side by side
 *   validate_print.c    tables, JSON, data for the figures */
#ifndef ZSIM_EXPERIMENT_VALIDATE_H
#define ZSIM_EXPERIMENT_VALIDATE_H

#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>

#include "sim/experiment/experiment.h"
#include "sim/sim.h"

extern const struct option validate_flags[]; /* of the command */

/* What a replaying process takes to fill a page: a first touch took 3.5 us on 6.18
 * while nothing was reclaimed, of which 1.3 us are the fault. */
#define REPLAY_FILL "2100ns"

/* What repeated runs of a kernel gave. */
struct spread {
    double min, med, max;
};

/* When a counter agrees. */
enum agreement {
    AGREE_RELATIVE, /* error at most `bar` */
    AGREE_RANGE,    /* inside the kernel's range, widened at both ends by half its width */
    AGREE_EITHER,   /* one of the two */
    AGREE_SHARE,    /* error is a difference of shares of a group's pages or accesses */
    AGREE_NOT,      /* shown, not judged */
};

/* One line of the comparison. */
struct validate_row {
    const char *counter; /* the kernel's name; "LABEL.NAME" of snapshots, groups, cgroups, phases */
    struct spread kernel;
    double zsim;
    double divisor; /* of the error: max(median, 0.5 % of the accesses), or what a share is of */
    double error;   /* |zsim - median| / divisor; 0 inside min..max */
    double bar;     /* largest error that agrees */
    enum agreement agreement;
    bool agrees;
};

/* A range of pages whose accesses and places are counted. */
struct validate_group {
    const char *name;
    uint32_t space, first, last;
    uint64_t accesses;
    uint64_t faults[FAULT_KINDS];
    uint64_t places[PAGE_PLACES];
};

/* What the user changes of every case: other settings or policies than the kernel's. */
struct case_changes {
    const char *const *overrides; /* "PATH=VALUE" */
    uint32_t override_count;
    const struct plugins *plugins; /* NULL: only built-in policies */
};

struct kernel_case {
    struct arena arena;
    struct case_changes changes;
    struct diagnostics errors;
    const char *path, *name;
    struct config_node *tree;
    bool emulator;                 /* the format of the emulator's cases */
    bool pool_limited;             /* the pool limit was hit */
    const char *stand_in;          /* the preset, where the case's own kernel has none; or NULL */
    const struct config_node *run; /* one run of the kernel, with its own worker rate; NULL: all */
    uint32_t run_number;           /* 0, 1, ... */
    struct experiment *experiment;
    struct validate_group *groups;
    uint32_t group_count;
    uint64_t *last_use;  /* emulator: [pages], 1 + number of the last access; 0: none */
    uint8_t *place;      /* emulator: [pages], enum page_place at the end */
    const char **phases; /* emulator: names in order, without "end" */
    uint32_t phase_count;
    struct run_result result; /* of the first run */
    uint32_t runs;            /* of zsim, whose median is compared */
    uint32_t killed_runs;     /* of these, in which a process was killed for lack of memory */
    struct validate_row *rows;
    uint32_t row_count;
};

/* ---- reading (validate_case.c, validate_emulator.c) --------------------------- */

/* Read a case and make its experiment.  Mistakes, and whatever zsim does not
 * know, are in case->errors then and case->experiment is NULL. */
struct kernel_case *kernel_case_read(const char *path);
/* The same for one run of the kernel, with that run's own rate of worker runs as input: the first
 * from this one on (0, 1, ... of "per_run") that says it.  NULL: there is none. */
struct kernel_case *kernel_case_read_run(const char *path, uint32_t run);
/* The same with changes; run < 0: of all runs, as kernel_case_read(). */
struct kernel_case *kernel_case_read_changed(const char *path, int64_t run,
                                             const struct case_changes *changes);
void kernel_case_free(struct kernel_case *at); /* accepts NULL */

/* A message about the case, at a place of its file; NULL: the file as a whole. */
void kernel_case_refuse(struct kernel_case *at, const struct config_node *where, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

/* Member of an object; refused when it is missing or of another kind. */
const struct config_node *kernel_case_member(struct kernel_case *at,
                                             const struct config_node *object, const char *key,
                                             enum config_kind kind);
/* A whole number, true/false counting as 1/0; refused when it is not one. */
uint64_t kernel_case_number(struct kernel_case *at, const struct config_node *object,
                            const char *key);
/* Every key of an object must be in `known` (ended by NULL). */
void kernel_case_check_keys(struct kernel_case *at, const struct config_node *object,
                            const char *const *known);
/* The preset for a kernel release ("6.17.44-fc"): its own, or that of the newest kernel
 * before it. */
const char *kernel_case_preset(struct kernel_case *at, const char *release);
/* Does the "lru_gen_enabled" of a machine say that pages are on MGLRU's lists: as read from
 * /sys/kernel/mm/lru_gen/enabled, "0x0007", or as written to it, "Y"?  Absent: no. */
bool kernel_case_has_lru_gen(const struct config_node *machine);
/* zsim's name of the "compressor" among these settings as the "kernel" of this machine has it. */
const char *kernel_case_compressor(struct kernel_case *at, const struct config_node *machine,
                                   const struct config_node *settings);
/* Add a node of so many pages, a read of the statistics at an access. */
void kernel_case_add_node(struct kernel_case *at, cJSON *nodes, uint64_t pages);
void kernel_case_add_flush(uint64_t access, cJSON *events);
/* The costs of a processor that is emulated. */
void emulator_slow_down(struct costs *costs);
/* Hand the composed document to the config code. */
void kernel_case_decode(struct kernel_case *at, cJSON *document);

/* The config document of an emulator case, decoded; the hash of its accesses checked. */
void emulator_case_compose(struct kernel_case *at);

/* ---- running (validate_observe.c) ------------------------------------------------ */

/* SHA-256 of the workload as a native trace, version 1: 64 hex digits and a 0. */
void workload_native_sha256(const struct workload *workload, char out[65]);

/* Run the case and compare.  Where the pool limit is hit, a moment more or less
 * decides which of a page and its worker comes first, in the kernel and here: such a
 * case is run several times, at speeds of the processor up to 1 % apart, and medians
 * are compared, as they are the kernel's.  False, with a message in case->errors: the
 * run failed. */
enum { VALIDATE_RUNS = 5 };
bool kernel_case_run(struct kernel_case *at, enum invariant_checks checks);

/* ---- comparing (validate_compare.c) ------------------------------------------------ */

/* The error of one counter, as a fraction; floor: the least divisor. */
double validate_error(const struct spread *kernel, double zsim, double floor);
bool validate_agrees(const struct validate_row *row);
/* Set error and agrees from the other fields. */
void validate_judge(struct validate_row *row);

/* {"med": 1, "min": 1, "max": 2}, or "median" for "med". */
bool kernel_case_spread(const struct config_node *node, struct spread *out);

void kernel_case_compare(struct kernel_case *at);
void emulator_case_compare(struct kernel_case *at);

/* Append a row; `accesses` gives the floor of the error. */
struct validate_row *kernel_case_add_row(struct kernel_case *at, const char *counter,
                                         const struct spread *kernel, double zsim, double accesses,
                                         enum agreement agreement, double bar);

/* Sum of a case's counters under the kernel's name; false: no such name. */
bool counters_by_name(const struct counters_at *at, const char *name, double *value);

/* ---- output (validate_print.c) ------------------------------------------------------- */

void validate_print_tables(struct kernel_case *const *cases, int count, bool all_rows);
/* On standard error: of a case's processes that zsim killed and the kernel did not. */
void validate_warn_of_killed(struct kernel_case *const *cases, int count);
char *validate_print_json(struct kernel_case *const *cases, int count);
/* DIRECTORY/points.tsv, NAME-series.tsv, summary.md: what scripts/validate draws. */
bool validate_write_data(struct kernel_case *const *cases, int count, const char *directory,
                         struct diagnostics *errors);

#endif

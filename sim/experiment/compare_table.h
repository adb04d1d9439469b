/* What `zsim compare` has found out, for those who print it. */
#ifndef ZSIM_EXPERIMENT_COMPARE_TABLE_H
#define ZSIM_EXPERIMENT_COMPARE_TABLE_H

#include "sim/experiment/result_file.h"

/* --fail-on */
struct condition {
    const char *text;
    unsigned metric;
    bool above;   /* '>' rather than '<' */
    bool percent; /* of the base's mean */
    double threshold;
};

/* One metric of a pair. */
struct row {
    struct metric metric;
    unsigned index;
    struct paired_difference paired;
    double p_holm;      /* p, corrected for the number of rows of the pair */
    uint32_t seeds;     /* that would resolve 1 %; see statistics_seeds_for() */
    uint32_t undefined; /* pairs left out because a side is undefined */
    bool varies;        /* with the seed, on either side */
    enum verdict verdict;
};

/* Two variants and the runs that they have in common. */
struct pair {
    const struct result_file_variant *base, *new;
    const struct result_file_run **base_runs, **new_runs; /* [n], same seeds */
    uint32_t n, unpaired, incomplete;
    uint32_t base_killed, new_killed; /* runs of these in which a task was killed */
    uint32_t killed_on_one_side;      /* of the n pairs: runs that did not do the same work */
    bool same_inputs;                 /* false with --force alone */
    bool varies;                      /* with the seed: some metric, of either variant */
    struct row *rows;
    unsigned row_count;
};

/* A condition that holds, or that a task killed on one side keeps from being told. */
struct excess {
    const struct pair *pair;
    const struct condition *condition;
    const struct row *row; /* NULL: cannot be told */
};

enum compare_format { COMPARE_TEXT, COMPARE_MARKDOWN, COMPARE_CSV, COMPARE_JSON };
enum { COMPARE_FORMATS = 4 };

struct compare {
    struct arena arena;
    struct diagnostics errors;
    const char **variants; /* "NAME" or "OLD=NAME" */
    unsigned variant_count;
    const char *against;
    unsigned *metrics;
    unsigned metric_count;
    unsigned asked[METRICS_ASKED_AT_MOST], asked_count; /* by the figures of the base's config */
    bool all_metrics, force;
    enum compare_format format;
    struct condition *conditions;
    unsigned condition_count;
    struct result_file *base, *new; /* the same with one file */
    struct pair *pairs;
    unsigned pair_count;
    struct excess *excesses;
    unsigned excess_count;
};

/* The table to stdout, in compare->format; exceeded conditions to stderr. */
void compare_print(const struct compare *compare);

#endif

#define _GNU_SOURCE
#include "sim/experiment/compare.h"

#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/flags.h"
#include "sim/experiment/compare_table.h"

static const char usage_text[] =
    "usage: zsim compare [OPTION]... BASE.json [NEW.json]\n"
    "\n"
    "Compare results, paired by seed.  With two files: each variant of NEW with the\n"
    "variant of BASE that has its name.  With one file: its variants with the first.\n"
    "\n"
    "  --variant NAME        only this variant (repeatable); OLD=NAME pairs two names\n"
    "  --against NAME        with one file: the variant to compare with; a name stands\n"
    "                        for all that a sweep made of it, paired by swept values\n"
    "  --metric NAME         only this metric (repeatable); see docs/metrics.md; of one\n"
    "                        cgroup: cgroups./PATH.NAME, such as cgroups./a.pswpin\n"
    "  --all                 every metric that is not zero on both sides\n"
    "  --format FORMAT       text (default), markdown, csv or json\n"
    "  --fail-on CONDITION   exit with 3 when it holds for sure (repeatable):\n"
    "                        METRIC>+2% METRIC<-5% METRIC>100, a change of the mean;\n"
    "                        for sure: the whole 95 % interval is beyond the threshold;\n"
    "                        also when a task was killed in one run of a pair alone\n"
    "  --force               compare runs of different workloads too\n";

/* ---- options ------------------------------------------------------------------ */

static bool add_metric(struct compare *compare, const char *name)
{
    int index = metric_find_or_tell(name, &compare->errors);
    if (index < 0)
        return false;
    compare->metrics = memory_resized(compare->metrics, compare->metric_count + 1,
                                      sizeof(*compare->metrics), "metrics");
    compare->metrics[compare->metric_count++] = (unsigned)index;
    return true;
}

/* "zswpwb>+2%" */
static bool add_condition(struct compare *compare, const char *text)
{
    size_t length = strcspn(text, "<>");
    char *name = arena_string(&compare->arena, text, length);
    char *end = NULL;
    const char *number = text[length] ? text + length + 1 : "";
    const char *digits = number + (number[0] == '+' || number[0] == '-');
    /* strtod() alone would take hexadecimal, "inf" and "nan" too. */
    bool starts_number =
        isdigit((unsigned char)digits[0]) && !digits[strspn(digits, "0123456789.eE+-%")];
    double threshold = starts_number ? strtod(number, &end) : NAN;
    bool percent = end && *end == '%';
    if (!length || !end || !isfinite(threshold) || end[percent] != '\0') {
        diagnostics_add(&compare->errors, NULL,
                        "--fail-on \"%s\": expected METRIC>CHANGE or METRIC<CHANGE, such as "
                        "zswpwb>+2%%",
                        text);
        return false;
    }
    int metric = metric_find_or_tell(name, &compare->errors);
    if (metric < 0)
        return false;
    compare->conditions = memory_resized(compare->conditions, compare->condition_count + 1,
                                         sizeof(*compare->conditions), "conditions");
    compare->conditions[compare->condition_count++] =
        (struct condition){text, (unsigned)metric, text[length] == '>', percent, threshold};
    return true;
}

static const char *const format_names[COMPARE_FORMATS] = {"text", "markdown", "csv", "json"};

static bool set_format(struct compare *compare, const char *name)
{
    for (unsigned i = 0; i < COMPARE_FORMATS; i++)
        if (strcmp(format_names[i], name) == 0) {
            compare->format = (enum compare_format)i;
            return true;
        }
    diagnostics_add(&compare->errors, NULL, "--format \"%s\": expected text, markdown, csv or json",
                    name);
    return false;
}

static void add_variant(struct compare *compare, const char *name)
{
    compare->variants = memory_resized(compare->variants, compare->variant_count + 1,
                                       sizeof(*compare->variants), "variants");
    compare->variants[compare->variant_count++] = name;
}

enum { VARIANT = 256, AGAINST, METRIC, ALL, FORMAT, FAIL_ON, FORCE, HELP };

const struct option compare_flags[] = {{"variant", required_argument, NULL, VARIANT},
                                       {"against", required_argument, NULL, AGAINST},
                                       {"metric", required_argument, NULL, METRIC},
                                       {"all", no_argument, NULL, ALL},
                                       {"format", required_argument, NULL, FORMAT},
                                       {"fail-on", required_argument, NULL, FAIL_ON},
                                       {"force", no_argument, NULL, FORCE},
                                       {"help", no_argument, NULL, HELP},
                                       {NULL, 0, NULL, 0}};

/* 0, or the exit code + 1 (so that --help, code 0, is told from going on). */
static int read_options(struct compare *compare, int argc, char **argv)
{
    char message[FLAG_MESSAGE_BYTES];
    bool good = true;
    int option;
    optind = 0; /* argv may have been scanned before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", compare_flags, NULL)) != -1) {
        switch (option) {
        case VARIANT:
            add_variant(compare, optarg);
            break;
        case AGAINST:
            compare->against = optarg;
            break;
        case METRIC:
            good = add_metric(compare, optarg) && good;
            break;
        case ALL:
            compare->all_metrics = true;
            break;
        case FORMAT:
            good = set_format(compare, optarg) && good;
            break;
        case FAIL_ON:
            good = add_condition(compare, optarg) && good;
            break;
        case FORCE:
            compare->force = true;
            break;
        case HELP:
        case 'h':
            fputs(usage_text, stdout);
            return 1;
        default:
            flag_describe_mistake(message, argc, argv, option, compare_flags);
            diagnostics_add(&compare->errors, NULL, "%s", message);
            return 3;
        }
    }
    if (argc - optind < 1 || argc - optind > 2) {
        diagnostics_add(&compare->errors, NULL,
                        "compare takes one or two result files, found %d (zsim compare --help)",
                        argc - optind);
        good = false;
    }
    return good ? 0 : 3;
}

/* ---- pairing ------------------------------------------------------------------- */

static const struct result_file_variant *find_variant(const struct result_file *file,
                                                      const char *name)
{
    for (uint32_t i = 0; i < file->variant_count; i++)
        if (strcmp(file->variants[i].name, name) == 0)
            return &file->variants[i];
    return NULL;
}

static const struct result_file_variant *
expect_variant(struct compare *compare, const struct result_file *file, const char *name)
{
    const struct result_file_variant *variant = find_variant(file, name);
    if (variant)
        return variant;
    const char **names = memory_zeroed(file->variant_count, sizeof(*names), "names of variants");
    for (uint32_t i = 0; i < file->variant_count; i++)
        names[i] = file->variants[i].name;
    struct source_position position = {.file = file->path};
    const char *nearest = nearest_name(name, names, file->variant_count);
    if (!nearest && file->variant_count == 1)
        nearest = names[0];
    diagnostics_add(&compare->errors, &position, "has no variant \"%s\"%s%s%s", name,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "");
    free(names);
    return NULL;
}

static const struct result_file_run *find_run(const struct result_file_variant *variant,
                                              uint64_t seed)
{
    for (uint32_t i = 0; i < variant->run_count; i++)
        if (variant->runs[i].seed == seed)
            return &variant->runs[i];
    return NULL;
}

static bool count_killed(struct compare *compare, struct pair *pair)
{
    for (uint32_t i = 0; i < pair->n; i++) {
        int base = result_file_run_killed(pair->base_runs[i], &compare->errors);
        int new = result_file_run_killed(pair->new_runs[i], &compare->errors);
        if (base < 0 || new < 0)
            return false;
        pair->base_killed += base > 0;
        pair->new_killed += new > 0;
        pair->killed_on_one_side += base != new;
    }
    return true;
}

static void pair_runs(struct compare *compare, struct pair *pair)
{
    size_t size = (pair->new->run_count + 1) * sizeof(void *);
    pair->base_runs = arena_zeroed(&compare->arena, size);
    pair->new_runs = arena_zeroed(&compare->arena, size);
    uint32_t partners = 0;
    for (uint32_t i = 0; i < pair->new->run_count; i++) {
        const struct result_file_run *new = &pair->new->runs[i];
        const struct result_file_run *base = find_run(pair->base, new->seed);
        if (!base)
            continue;
        partners++;
        if (!base->complete || !new->complete) {
            pair->incomplete++;
            continue;
        }
        pair->base_runs[pair->n] = base;
        pair->new_runs[pair->n++] = new;
    }
    pair->unpaired = pair->new->run_count + pair->base->run_count - 2 * partners;
}

static bool check_pair(struct compare *compare, struct pair *pair)
{
    struct source_position position = {.file = compare->new->path};
    if (pair->n == 0) {
        diagnostics_add(&compare->errors, &position,
                        "variant \"%s\" has no complete run of a seed in common with variant "
                        "\"%s\" of %s",
                        pair->new->name, pair->base->name, compare->base->path);
        return false;
    }
    pair->same_inputs = true;
    for (uint32_t i = 0; i < pair->n && pair->same_inputs; i++) {
        pair->same_inputs = result_file_same_inputs(pair->base_runs[i], pair->new_runs[i]);
        if (!pair->same_inputs && !compare->force)
            diagnostics_add(&compare->errors, &position,
                            "variant \"%s\", seed %llu: its workload is not that of variant "
                            "\"%s\" of %s; --force compares them all the same",
                            pair->new->name, (unsigned long long)pair->new_runs[i]->seed,
                            pair->base->name, compare->base->path);
    }
    return pair->same_inputs || compare->force;
}

static bool add_pair(struct compare *compare, const struct result_file_variant *base,
                     const struct result_file_variant *new)
{
    if (!base || !new)
        return false;
    struct pair *pair = &compare->pairs[compare->pair_count++];
    *pair = (struct pair){.base = base, .new = new};
    pair_runs(compare, pair);
    return check_pair(compare, pair) && count_killed(compare, pair);
}

/* What a sweep has made of the variant `name` has more behind it: ", key=value", once or more.
 * That, "" where nothing is, and NULL where it is made of another. */
static const char *swept_values(const struct result_file_variant *variant, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(variant->name, name, length) != 0)
        return NULL;
    for (const char *at = variant->name + length; *at;) {
        if (strncmp(at, ", ", 2) != 0)
            return NULL;
        size_t part = 2 + strcspn(at + 2, ",");
        if (!memchr(at, '=', part))
            return NULL;
        at += part;
    }
    return variant->name + length;
}

/* A name stands for its variant; if there is none, for all that a sweep has made of it. */
static bool stands_for(const struct result_file *file, const char *name,
                       const struct result_file_variant *variant)
{
    if (find_variant(file, name))
        return strcmp(variant->name, name) == 0;
    return swept_values(variant, name) != NULL;
}

static bool stands_for_any(const struct result_file *file, const char *name)
{
    for (uint32_t i = 0; i < file->variant_count; i++)
        if (stands_for(file, name, &file->variants[i]))
            return true;
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* The variant that `against` stands for; of many, the one with the swept values of `new`. */
static const struct result_file_variant *find_partner(struct compare *compare, const char *against,
                                                      const struct result_file_variant *new)
{
    const struct result_file *file = compare->base;
    const struct result_file_variant *named = find_variant(file, against);
    if (named)
        return named;
    for (uint32_t i = 0; i < file->variant_count; i++) {
        const char *values = swept_values(&file->variants[i], against);
        if (values && ends_with(new->name, values))
            return &file->variants[i];
    }
    struct source_position position = {.file = file->path};
    diagnostics_add(&compare->errors, &position,
                    "no variant made of \"%s\" has the swept values of \"%s\"", against, new->name);
    return NULL;
}

/* All that `name` stands for, NULL: everything else, with what `against` stands for. */
static bool add_cells(struct compare *compare, const char *against, const char *name)
{
    bool good = true;
    if (!stands_for_any(compare->base, against))
        good = expect_variant(compare, compare->base, against) != NULL;
    if (name && !stands_for_any(compare->new, name))
        good = expect_variant(compare, compare->new, name) && good;
    if (!good)
        return false;
    unsigned before = compare->pair_count;
    for (uint32_t i = 0; i < compare->new->variant_count; i++) {
        const struct result_file_variant *new = &compare->new->variants[i];
        if (name ? stands_for(compare->new, name, new) : !stands_for(compare->base, against, new))
            good = add_pair(compare, find_partner(compare, against, new), new) && good;
    }
    if (good && compare->pair_count == before) {
        struct source_position position = {.file = compare->new->path};
        diagnostics_add(&compare->errors, &position,
                        "has no variant but those made of \"%s\", nothing to compare them with",
                        against);
        return false;
    }
    return good;
}

/* The "=" of "OLD=NEW", of which names of sweeps hold others; NULL: it is one name. */
static const char *find_separator(const struct compare *compare, const char *text)
{
    if (stands_for_any(compare->new, text))
        return NULL;
    for (const char *at = strchr(text, '='); at; at = strchr(at + 1, '=')) {
        char *old = memory_printed("%.*s", (int)(at - text), text);
        bool known = stands_for_any(compare->base, old) && stands_for_any(compare->new, at + 1);
        free(old);
        if (known)
            return at;
    }
    return strchr(text, '=');
}

/* "NAME" or "OLD=NAME". */
static bool add_named_pair(struct compare *compare, const char *name)
{
    const char *equals = find_separator(compare, name);
    if (equals) {
        char *old = arena_string(&compare->arena, name, (size_t)(equals - name));
        return add_cells(compare, old, equals + 1);
    }
    if (compare->base == compare->new)
        return add_cells(
            compare, compare->against ? compare->against : compare->base->variants[0].name, name);
    return add_cells(compare, name, name);
}

static bool pair_within_file(struct compare *compare)
{
    const struct result_file *file = compare->base;
    if (file->variant_count < 2) {
        struct source_position position = {.file = file->path};
        diagnostics_add(&compare->errors, &position,
                        "has a single variant; give a second result file to compare it with");
        return false;
    }
    return add_cells(compare, compare->against ? compare->against : file->variants[0].name, NULL);
}

static bool pair_across_files(struct compare *compare)
{
    bool good = true;
    /* One variant each: there is no doubt which two are meant. */
    if (compare->base->variant_count == 1 && compare->new->variant_count == 1)
        return add_pair(compare, &compare->base->variants[0], &compare->new->variants[0]);
    for (uint32_t i = 0; i < compare->new->variant_count; i++) {
        const struct result_file_variant *new = &compare->new->variants[i];
        const struct result_file_variant *base = find_variant(compare->base, new->name);
        if (base)
            good = add_pair(compare, base, new) && good;
        else
            fprintf(stderr, "zsim: note: variant \"%s\" is in %s alone\n", new->name,
                    compare->new->path);
    }
    if (compare->pair_count == 0) {
        struct source_position position = {.file = compare->new->path};
        diagnostics_add(&compare->errors, &position,
                        "no variant has the name of one in %s; pair them with --variant OLD=NEW",
                        compare->base->path);
        return false;
    }
    return good;
}

static bool make_pairs(struct compare *compare)
{
    compare->pairs =
        memory_zeroed((size_t)compare->new->variant_count *(compare->variant_count + 1),
                      sizeof(*compare->pairs), "pairs of variants");
    for (unsigned i = 0; i < 2; i++) {
        const struct result_file *file = i ? compare->new : compare->base;
        struct source_position position = {.file = file->path};
        if (file->variant_count == 0) {
            diagnostics_add(&compare->errors, &position, "has no variants");
            return false;
        }
    }
    bool good = true;
    for (unsigned i = 0; i < compare->variant_count; i++)
        good = add_named_pair(compare, compare->variants[i]) && good;
    if (compare->variant_count)
        return good;
    return compare->base == compare->new ? pair_within_file(compare) : pair_across_files(compare);
}

/* ---- rows ------------------------------------------------------------------------ */

/* Against the base, raised by so many per cent.
 * 1: there is a row; 0: no pair of runs defines the metric; -1: a broken file. */
static int make_row(struct compare *compare, struct pair *pair, unsigned index,
                    double raised_percent, struct row *row)
{
    double *base = memory_zeroed(pair->n, sizeof(*base), "values to compare");
    double *new = memory_zeroed(pair->n, sizeof(*new), "values to compare");
    uint32_t n = 0;
    int state = 0;
    memset(row, 0, sizeof(*row));
    row->index = index;
    metric_describe(index, &row->metric);
    for (uint32_t i = 0; i < pair->n && state >= 0; i++) {
        int base_state =
            result_file_metric(pair->base_runs[i], &row->metric, &base[n], &compare->errors);
        int new_state =
            result_file_metric(pair->new_runs[i], &row->metric, &new[n], &compare->errors);
        if (base_state < 0 || new_state < 0)
            state = -1;
        else if (base_state && new_state) {
            base[n] += base[n] * raised_percent / 100;
            n++;
        } else
            row->undefined++;
    }
    if (state == 0 && n) {
        row->paired = row->metric.percentile ? statistics_paired_bootstrap(base, new, n)
                                             : statistics_paired(base, new, n);
        row->varies = row->undefined || statistics_vary(base, n) || statistics_vary(new, n);
        state = 1;
    }
    free(base);
    free(new);
    return state;
}

static bool is_wanted(const struct compare *compare, const struct row *row)
{
    for (unsigned i = 0; i < compare->metric_count; i++)
        if (compare->metrics[i] == row->index)
            return true;
    if (compare->metric_count)
        return false;
    if (row->paired.base_mean == 0 && row->paired.new_mean == 0)
        return false;
    for (unsigned i = 0; i < compare->asked_count; i++)
        if (compare->asked[i] == row->index)
            return true;
    return compare->all_metrics || row->metric.headline;
}

/* `raised` compares with a base raised by as many per cent: t tests of that are what the interval
 * in per cent is made of, and they can be done where it has no end. */
static bool exceeds(const struct condition *condition, const struct paired_difference *paired,
                    const struct paired_difference *raised)
{
    double threshold = condition->threshold;
    if (condition->percent && paired->method != INTERVAL_BOOTSTRAP_T) {
        threshold = 0;
        paired = raised;
    } else if (condition->percent) {
        threshold *= fabs(paired->base_mean) / 100;
    }
    return condition->above ? paired->ci95_low > threshold : paired->ci95_high < threshold;
}

/* Runs that lost a task have less of nearly everything.  How many were lost can be told. */
static bool is_of_unlike_work(const struct pair *pair, unsigned metric)
{
    return pair->killed_on_one_side && metric != metric_of_counter(COUNTER_oom_kill);
}

/* Copies of one run are no sample. */
static void drop_copies(const struct pair *pair, struct row *row)
{
    if (!pair->varies && !row->varies)
        statistics_make_exact(&row->paired);
}

/* Verdicts, by p values that the number of rows is corrected for. */
static void judge_rows(struct pair *pair)
{
    double *p = memory_zeroed((size_t)pair->row_count + 1, sizeof(*p), "p values");
    for (unsigned i = 0; i < pair->row_count; i++)
        drop_copies(pair, &pair->rows[i]);
    for (unsigned i = 0; i < pair->row_count; i++)
        p[i] = is_of_unlike_work(pair, pair->rows[i].index) ? NAN : pair->rows[i].paired.p;
    statistics_holm(p, pair->row_count);
    for (unsigned i = 0; i < pair->row_count; i++) {
        struct row *row = &pair->rows[i];
        row->p_holm = p[i];
        if (is_of_unlike_work(pair, row->index)) {
            row->verdict = VERDICT_KILLED;
            continue;
        }
        row->verdict = statistics_verdict(&row->paired, p[i], row->metric.direction);
        row->seeds = statistics_seeds_for(&row->paired, 1);
    }
    free(p);
}

static bool add_row(struct compare *compare, struct pair *pair, unsigned index)
{
    struct row row;
    int state = make_row(compare, pair, index, 0, &row);
    pair->varies |= row.varies;
    if (state > 0 && is_wanted(compare, &row))
        pair->rows[pair->row_count++] = row;
    return state >= 0;
}

static bool has_row(const struct pair *pair, unsigned index)
{
    for (unsigned i = 0; i < pair->row_count; i++)
        if (pair->rows[i].index == index)
            return true;
    return false;
}

static bool make_rows(struct compare *compare, struct pair *pair)
{
    unsigned named = compare->metric_count + compare->asked_count;
    pair->rows = arena_zeroed(&compare->arena, (metric_count() + named) * sizeof(*pair->rows));
    for (unsigned i = 0; i < metric_count(); i++)
        if (!add_row(compare, pair, i))
            return false;
    /* Those of cgroups are behind the list. */
    for (unsigned i = 0; i < named; i++) {
        unsigned index = i < compare->metric_count ? compare->metrics[i]
                                                   : compare->asked[i - compare->metric_count];
        if (index >= metric_count() && !has_row(pair, index) && !add_row(compare, pair, index))
            return false;
    }
    judge_rows(pair);
    return true;
}

static bool check_cgroup(struct compare *compare, unsigned index)
{
    struct metric metric;
    metric_describe(index, &metric);
    return result_file_expect_cgroup(compare->base, &metric, &compare->errors) &&
           (compare->new == compare->base ||
            result_file_expect_cgroup(compare->new, &metric, &compare->errors));
}

/* What a figure asks for may be another variant's; what the command line names must be there. */
static bool check_cgroups(struct compare *compare)
{
    bool good = true;
    for (unsigned i = 0; i < compare->metric_count; i++)
        good = check_cgroup(compare, compare->metrics[i]) && good;
    for (unsigned i = 0; i < compare->condition_count; i++)
        good = check_cgroup(compare, compare->conditions[i].metric) && good;
    return good;
}

static bool check_conditions(struct compare *compare)
{
    size_t most = (size_t)compare->pair_count * compare->condition_count;
    compare->excesses = memory_zeroed(most, sizeof(*compare->excesses), "exceeded thresholds");
    for (unsigned p = 0; p < compare->pair_count; p++)
        for (unsigned c = 0; c < compare->condition_count; c++) {
            const struct condition *condition = &compare->conditions[c];
            struct row *row = arena_zeroed(&compare->arena, sizeof(*row));
            struct row raised;
            int state = make_row(compare, &compare->pairs[p], condition->metric, 0, row);
            if (state > 0)
                state = make_row(compare, &compare->pairs[p], condition->metric,
                                 condition->percent ? condition->threshold : 0, &raised);
            if (state < 0)
                return false;
            if (state == 0)
                fprintf(stderr, "zsim: note: --fail-on \"%s\": undefined in variant \"%s\"\n",
                        condition->text, compare->pairs[p].new->name);
            else if (is_of_unlike_work(&compare->pairs[p], condition->metric))
                compare->excesses[compare->excess_count++] =
                    (struct excess){&compare->pairs[p], condition, NULL};
            else if (exceeds(condition, &row->paired, &raised.paired))
                compare->excesses[compare->excess_count++] =
                    (struct excess){&compare->pairs[p], condition, row};
            drop_copies(&compare->pairs[p], row);
        }
    return true;
}

/* ---- the command ------------------------------------------------------------------------ */

static int run_compare(struct compare *compare, const char *base, const char *new)
{
    compare->base = result_file_read(base, &compare->errors);
    compare->new = new ? result_file_read(new, &compare->errors) : compare->base;
    if (!compare->base || !compare->new)
        return 2;
    const struct config_node *config = config_tree_member(compare->base->root, "config");
    compare->asked_count = metrics_asked(config_tree_member(config, "figures"), compare->asked);
    if (new && compare->against) {
        diagnostics_add(
            &compare->errors, NULL,
            "--against is for the variants of one file; with two use --variant OLD=NEW");
        return 2;
    }
    if (!check_cgroups(compare) || !make_pairs(compare))
        return 2;
    for (unsigned p = 0; p < compare->pair_count; p++)
        if (!make_rows(compare, &compare->pairs[p]))
            return 2;
    if (!check_conditions(compare))
        return 2;
    compare_print(compare);
    return compare->excess_count ? 3 : 0;
}

int compare_command_main(int argc, char **argv)
{
    struct compare compare = {0};
    int code = read_options(&compare, argc, argv);
    if (code == 0)
        code = run_compare(&compare, argv[optind], argc - optind > 1 ? argv[optind + 1] : NULL);
    else
        code--;
    diagnostics_print(&compare.errors);
    if (compare.new != compare.base)
        result_file_free(compare.new);
    result_file_free(compare.base);
    free(compare.variants);
    free(compare.metrics);
    free(compare.conditions);
    free(compare.pairs);
    free(compare.excesses);
    diagnostics_release(&compare.errors);
    arena_release(&compare.arena);
    return code;
}

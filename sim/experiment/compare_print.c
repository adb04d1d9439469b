/* The tables of `zsim compare`: text, Markdown, CSV, JSON. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"
#include "sim/base/wrap.h"
#include "sim/experiment/compare_table.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/summary.h"

/* ---- text -------------------------------------------------------------------------- */

/* Digits after the point so that the number fits its column. */
static int decimals(double percent)
{
    return fabs(percent) >= 999.95 ? 0 : fabs(percent) < 0.095 ? 3 : 1;
}

static void percent_text(char *out, size_t size, double percent)
{
    if (!isfinite(percent))
        snprintf(out, size, "from 0");
    else if (percent == 0)
        snprintf(out, size, "0 %%");
    else if (fabs(percent) >= 9999.5)
        snprintf(out, size, "%+.0e%%", percent);
    else
        snprintf(out, size, "%+.*f %%", decimals(percent), percent);
}

static void bound_text(char *out, size_t size, double percent)
{
    if (percent == 0)
        snprintf(out, size, "0");
    else if (fabs(percent) >= 9999.5)
        snprintf(out, size, "%+.0e", percent);
    else
        snprintf(out, size, "%+.*f", decimals(percent), percent);
}

/* "-9.5..-8.5 %" of the base; "" where there is none. */
static void interval_text(char *out, size_t size, const struct paired_difference *paired)
{
    double low = paired->percent_low, high = paired->percent_high;
    char low_text[24], high_text[24];
    out[0] = '\0';
    if (paired->method == INTERVAL_EXACT || !isfinite(low) || !isfinite(high))
        return;
    bound_text(low_text, sizeof(low_text), low);
    bound_text(high_text, sizeof(high_text), high);
    snprintf(out, size, "%s..%s", low_text, high_text);
}

/* "14 seeds"; "" where it cannot be told. */
static void seeds_text(char *out, size_t size, uint32_t seeds)
{
    out[0] = '\0';
    if (seeds >= SEEDS_AT_MOST)
        snprintf(out, size, "over a million seeds");
    else if (seeds)
        snprintf(out, size, "%u seeds", seeds);
}

static void print_text_row(const struct row *row)
{
    char base[32], new[32], change[24], interval[56], seeds[32];
    const struct paired_difference *paired = &row->paired;
    print_quantity(base, sizeof(base), paired->base_mean, row->metric.unit);
    print_quantity(new, sizeof(new), paired->new_mean, row->metric.unit);
    percent_text(change, sizeof(change), statistics_percent(paired, paired->mean_difference));
    interval_text(interval, sizeof(interval), paired);
    if (strlen(row->metric.name) > 21)
        printf("%s\n%-21s", row->metric.name, "");
    else
        printf("%-21s", row->metric.name);
    printf(" %10s %10s %8s %-14s %s\n", base, new, change, interval, verdict_name(row->verdict));
    if (paired->method == INTERVAL_EXACT)
        return;
    print_quantity(base, sizeof(base), paired->base_median, row->metric.unit);
    print_quantity(new, sizeof(new), paired->new_median, row->metric.unit);
    seeds_text(seeds, sizeof(seeds), row->seeds);
    printf("%-21s %10s %10s", "  median", base, new);
    if (seeds[0])
        printf("   1 %% takes %s", seeds);
    putchar('\n');
}

enum { COLUMNS = 75 };

/* How much of a text that does not fit to print on this line: up to a place where
 * a name can be broken, if there is one. */
static size_t fold_at(const char *text, size_t room)
{
    size_t at = room;
    while (at > 0 && !strchr(" ,/", text[at - 1]))
        at--;
    return at ? at : room;
}

/* A name of any length after a label of six columns. */
static void print_folded(const char *label, const char *text)
{
    const size_t room = COLUMNS - 6;
    printf("%-6s", label);
    while (strlen(text) > room) {
        size_t length = fold_at(text, room);
        printf("%.*s\n%-6s", (int)length, text, "");
        text += length;
    }
    puts(text);
}

static void print_heading(const struct compare *compare, const struct pair *pair)
{
    bool one_file = compare->base == compare->new;
    if (!one_file)
        print_folded("base:", compare->base->path);
    print_folded(one_file ? "base:" : "", pair->base->name);
    if (!one_file)
        print_folded("new:", compare->new->path);
    print_folded(one_file ? "new:" : "", pair->new->name);
}

static bool uses_bootstrap(const struct pair *pair)
{
    for (unsigned i = 0; i < pair->row_count; i++)
        if (pair->rows[i].paired.method == INTERVAL_BOOTSTRAP_T)
            return true;
    return false;
}

/* The row that needs the most seeds, of those that need less than `below`; NULL: none. */
static const struct row *noisiest(const struct pair *pair, uint32_t below)
{
    const struct row *found = NULL;
    for (unsigned i = 0; i < pair->row_count; i++)
        if (pair->rows[i].seeds < below && (!found || pair->rows[i].seeds > found->seeds))
            found = &pair->rows[i];
    return found && found->seeds ? found : NULL;
}

/* One metric that is nearly 0 asks for any number of seeds: what needs over ten times as many as
 * the next one is told apart. */
static void print_noise_floor(const struct pair *pair)
{
    const struct row *most = noisiest(pair, UINT32_MAX);
    const struct row *next = most ? noisiest(pair, most->seeds) : NULL;
    if (!most)
        return;
    if (next && most->seeds / 10 > next->seeds)
        printf("noise floor: %u seeds would resolve 1 %% of every metric above,\n"
               "but for %s, which takes %s%u\n",
               next->seeds, most->metric.name, most->seeds >= SEEDS_AT_MOST ? "over " : "",
               most->seeds);
    else if (most->seeds >= SEEDS_AT_MOST)
        puts("noise floor: over a million seeds would resolve 1 % of every metric");
    else
        printf("noise floor: %u seeds would resolve 1 %% of every metric above\n", most->seeds);
}

static void print_left_out(const struct pair *pair)
{
    if (pair->unpaired)
        printf("left out: %u runs without a partner of the same seed\n", pair->unpaired);
    if (pair->incomplete)
        printf("left out: %u pairs with a run that is not complete\n", pair->incomplete);
    for (unsigned i = 0; i < pair->row_count; i++)
        if (pair->rows[i].undefined)
            printf("left out: %u pairs where it is undefined, of\n      %s\n",
                   pair->rows[i].undefined, pair->rows[i].metric.name);
}

/* Why there is none; NULL: there are statistics. */
static const char *note_without_statistics(const struct pair *pair)
{
    if (pair->n == 1)
        return "exact difference, no statistics (1 run each)";
    if (!pair->varies)
        return "exact difference, no statistics (all seeds gave the same run)";
    return NULL;
}

static bool any_killed(const struct pair *pair)
{
    return pair->base_killed + pair->new_killed > 0;
}

/* In lines of the table's width. */
static void print_wrapped(const char *text)
{
    wrap_words(stdout, text, 0, false, 6, COLUMNS);
    putchar('\n');
}

static void print_killed(const struct pair *pair)
{
    if (!any_killed(pair))
        return;
    char *text = memory_printed(
        "OUT OF MEMORY: a task was killed in %u of %u runs of the new \"%s\", in %u of %u of the "
        "base \"%s\"; its "
        "accesses after that are missing%s",
        pair->new_killed, pair->n, pair->new->name, pair->base_killed, pair->n, pair->base->name,
        pair->killed_on_one_side ? ", so there is no verdict (killed)" : "");
    print_wrapped(text);
    free(text);
}

static bool is_bounded(const struct row *row)
{
    return row->paired.percent_bounded;
}

/* The base is there, but not for sure. */
static bool is_without_interval(const struct row *row)
{
    return row->paired.method != INTERVAL_EXACT && row->paired.base_mean > 0 &&
           isnan(row->paired.percent_low);
}

/* A note on rows, and which these are. */
static void print_rows_that(const struct pair *pair, bool (*are)(const struct row *),
                            const char *note)
{
    char *names = NULL;
    for (unsigned i = 0; i < pair->row_count; i++)
        if (are(&pair->rows[i]))
            names = memory_listed(names, memory_string(pair->rows[i].metric.name));
    if (!names)
        return;
    char *text = memory_printed("%s: %s", note, names);
    print_wrapped(text);
    free(text);
    free(names);
}

static void print_pair_notes(const struct pair *pair)
{
    const char *note = note_without_statistics(pair);
    if (!pair->same_inputs)
        puts("THE WORKLOADS DIFFER: a change may come from them alone");
    print_killed(pair);
    if (note) {
        puts(note);
        if (pair->n > 1)
            print_wrapped("for a spread something must be drawn: by the seed, latencies (a "
                          "device's latency_distribution); by a sweep over "
                          "tasks.0.content.seed, contents");
        print_left_out(pair);
        return;
    }
    printf("%u pairs of runs with the same seed; intervals: Fieller's, 95 %%%s\n", pair->n,
           uses_bootstrap(pair) ? "," : "");
    if (uses_bootstrap(pair))
        printf("of percentiles: bootstrap t, %d resamples of pairs\n", BOOTSTRAP_RESAMPLES);
    if (pair->row_count > 1)
        printf("verdicts: at 5 %% for all %u metrics together (Holm), so an interval\n"
               "may exclude 0 where the verdict is unclear\n",
               pair->row_count);
    print_rows_that(pair, is_bounded,
                    "interval ended at -100 %, as nothing counts less than 0, of");
    print_rows_that(
        pair, is_without_interval,
        "no interval in per cent, as the base may be 0 for all that these runs say, of");
    print_noise_floor(pair);
    print_left_out(pair);
}

static void print_text(const struct compare *compare)
{
    bool changed = false;
    for (unsigned p = 0; p < compare->pair_count; p++) {
        const struct pair *pair = &compare->pairs[p];
        if (p)
            putchar('\n');
        print_heading(compare, pair);
        printf("\n%-21s %10s %10s %8s %-14s %s\n", "mean", "base", "new", "change",
               note_without_statistics(pair) ? "" : "95 % interval", "verdict");
        for (unsigned i = 0; i < pair->row_count; i++) {
            print_text_row(&pair->rows[i]);
            changed |= pair->rows[i].verdict == VERDICT_CHANGED;
        }
        if (!pair->row_count)
            puts("(nothing: every metric asked for is zero or undefined on both sides)");
        putchar('\n');
        print_pair_notes(pair);
    }
    if (changed)
        puts("changed: a sure change of what is better neither way");
}

/* ---- markdown, csv, json -------------------------------------------------------------- */

static void print_markdown(const struct compare *compare)
{
    for (unsigned p = 0; p < compare->pair_count; p++) {
        const struct pair *pair = &compare->pairs[p];
        printf("%s**%s** against **%s**", p ? "\n" : "", pair->new->name, pair->base->name);
        if (compare->base != compare->new)
            printf(" (`%s` against `%s`)", compare->new->path, compare->base->path);
        puts("\n\n| metric | mean, base | mean, new | median, base | median, new | change | "
             "95 % interval | seeds for 1 % | verdict |\n|---|--:|--:|--:|--:|--:|:-:|--:|---|");
        for (unsigned i = 0; i < pair->row_count; i++) {
            const struct row *row = &pair->rows[i];
            const double values[4] = {row->paired.base_mean, row->paired.new_mean,
                                      row->paired.base_median, row->paired.new_median};
            char text[56];
            printf("| `%s` |", row->metric.name);
            for (unsigned v = 0; v < 4; v++) {
                print_quantity(text, sizeof(text), values[v], row->metric.unit);
                printf(" %s |", text);
            }
            percent_text(text, sizeof(text),
                         statistics_percent(&row->paired, row->paired.mean_difference));
            printf(" %s |", text);
            interval_text(text, sizeof(text), &row->paired);
            printf(" %s%s |", text, text[0] ? " %" : "");
            seeds_text(text, sizeof(text), row->seeds);
            printf(" %.*s | %s |\n", (int)strcspn(text, "s"), text, verdict_name(row->verdict));
        }
        putchar('\n');
        print_pair_notes(pair);
    }
}

/* A field; NAN is empty. */
static void print_csv_real(double value)
{
    char text[40] = "";
    if (isfinite(value))
        print_real(text, sizeof(text), value == 0 ? 0.0 : value);
    printf(",%s", text);
}

static void print_csv_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_csv(const struct compare *compare)
{
    puts("variant,against,metric,unit,n,base_mean,new_mean,base_median,new_median,"
         "mean_difference,percent,interval,ci95_low,ci95_high,p,p_holm,seeds_for_1_percent,verdict,"
         "percent_ci95_low,percent_ci95_high,percent_bounded");
    for (unsigned p = 0; p < compare->pair_count; p++) {
        const struct pair *pair = &compare->pairs[p];
        for (unsigned i = 0; i < pair->row_count; i++) {
            const struct row *row = &pair->rows[i];
            const struct paired_difference *of = &row->paired;
            print_csv_string(pair->new->name);
            putchar(',');
            print_csv_string(pair->base->name);
            printf(",%s,%s,%u", row->metric.name, row->metric.unit, of->n);
            print_csv_real(of->base_mean);
            print_csv_real(of->new_mean);
            print_csv_real(of->base_median);
            print_csv_real(of->new_median);
            print_csv_real(of->mean_difference);
            print_csv_real(statistics_percent(of, of->mean_difference));
            printf(",%s", interval_method_name(of->method));
            print_csv_real(of->method == INTERVAL_EXACT ? NAN : of->ci95_low);
            print_csv_real(of->method == INTERVAL_EXACT ? NAN : of->ci95_high);
            print_csv_real(of->p);
            print_csv_real(row->p_holm);
            print_csv_real(row->seeds ? (double)row->seeds : (double)NAN);
            printf(",%s", verdict_name(row->verdict));
            print_csv_real(of->method == INTERVAL_EXACT ? NAN : of->percent_low);
            print_csv_real(of->method == INTERVAL_EXACT ? NAN : of->percent_high);
            printf(",%s\n", of->percent_bounded ? "true" : "false");
        }
    }
}

static cJSON *row_object(const struct row *row)
{
    const struct paired_difference *of = &row->paired;
    cJSON *object = json_object();
    json_add_string(object, "metric", row->metric.name);
    json_add_string(object, "unit", row->metric.unit);
    json_add_string(object, "better", metric_direction_name(row->metric.direction));
    json_add_integer(object, "n", of->n);
    json_add_real(object, "base_mean", of->base_mean);
    json_add_real(object, "new_mean", of->new_mean);
    json_add_real(object, "base_median", of->base_median);
    json_add_real(object, "new_median", of->new_median);
    json_add_real(object, "mean_difference", of->mean_difference);
    json_add_real(object, "percent", statistics_percent(of, of->mean_difference));
    json_add_string(object, "interval", interval_method_name(of->method));
    json_add_real(object, "ci95_low", of->method == INTERVAL_EXACT ? NAN : of->ci95_low);
    json_add_real(object, "ci95_high", of->method == INTERVAL_EXACT ? NAN : of->ci95_high);
    json_add_percent_interval(object, of);
    json_add_real(object, "p", of->p);
    json_add_real(object, "p_holm", row->p_holm);
    json_add_real(object, "seeds_for_1_percent", row->seeds ? (double)row->seeds : (double)NAN);
    json_add_string(object, "verdict", verdict_name(row->verdict));
    return object;
}

static void print_json(const struct compare *compare)
{
    cJSON *document = json_object(), *pairs = json_array(), *excesses = json_array(),
          *untold = json_array();
    json_add_string(document, "schema", "zsim.compare/1");
    json_add_string(document, "base", compare->base->path);
    json_add_string(document, "new", compare->new->path);
    for (unsigned p = 0; p < compare->pair_count; p++) {
        const struct pair *pair = &compare->pairs[p];
        cJSON *object = json_object(), *rows = json_array();
        json_add_string(object, "variant", pair->new->name);
        json_add_string(object, "against", pair->base->name);
        json_add_integer(object, "pairs", pair->n);
        json_add_integer(object, "pairs_incomplete", pair->incomplete);
        json_add_integer(object, "runs_unpaired", pair->unpaired);
        json_add_bool(object, "same_inputs", pair->same_inputs);
        json_add_integer(object, "base_runs_killed", pair->base_killed);
        json_add_integer(object, "new_runs_killed", pair->new_killed);
        json_add_string(object, "note", note_without_statistics(pair));
        for (unsigned i = 0; i < pair->row_count; i++)
            json_add_to_array(rows, row_object(&pair->rows[i]));
        json_add(object, "metrics", rows);
        json_add_to_array(pairs, object);
    }
    json_add(document, "comparisons", pairs);
    for (unsigned i = 0; i < compare->excess_count; i++)
        json_add_to_array(compare->excesses[i].row ? excesses : untold,
                          json_string(compare->excesses[i].condition->text));
    json_add(document, "exceeded", excesses);
    json_add(document, "cannot_be_told", untold);
    char *text = json_print(document);
    standard_output_put(text);
    free(text);
    cJSON_Delete(document);
}

static void print_untold(const struct excess *excess)
{
    const struct pair *pair = excess->pair;
    fprintf(stderr,
            "zsim: %s cannot be told of variant \"%s\": a task was killed in %u of its %u runs, "
            "in %u of %u of \"%s\"\n",
            excess->condition->text, pair->new->name, pair->new_killed, pair->n, pair->base_killed,
            pair->n, pair->base->name);
}

/* The formats for programs have no room for notes. */
static void warn_of_killed(const struct compare *compare)
{
    for (unsigned p = 0; p < compare->pair_count; p++) {
        const struct pair *pair = &compare->pairs[p];
        if (any_killed(pair))
            fprintf(stderr,
                    "zsim: warning: a task was killed in %u of %u runs of \"%s\", in %u of %u of "
                    "\"%s\"\n",
                    pair->new_killed, pair->n, pair->new->name, pair->base_killed, pair->n,
                    pair->base->name);
    }
}

static void print_excesses(const struct compare *compare)
{
    for (unsigned i = 0; i < compare->excess_count; i++) {
        const struct excess *excess = &compare->excesses[i];
        char change[24], interval[56];
        if (!excess->row) {
            print_untold(excess);
            continue;
        }
        const struct paired_difference *paired = &excess->row->paired;
        percent_text(change, sizeof(change), statistics_percent(paired, paired->mean_difference));
        interval_text(interval, sizeof(interval), paired);
        fprintf(stderr, "zsim: %s exceeded by variant \"%s\": %s%s%s%s\n", excess->condition->text,
                excess->pair->new->name, change, interval[0] ? ", interval " : "", interval,
                interval[0] ? " %" : "");
    }
}

void compare_print(const struct compare *compare)
{
    static void (*const print[COMPARE_FORMATS])(const struct compare *) = {
        print_text, print_markdown, print_csv, print_json};
    print[compare->format](compare);
    standard_output_flush();
    if (compare->format == COMPARE_CSV || compare->format == COMPARE_JSON)
        warn_of_killed(compare);
    print_excesses(compare);
}

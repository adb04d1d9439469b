/* zsim's benchmark: what the simulator costs beside the least that it could cost.
 *
 *     build/bench [--rounds N] [--scratch DIR] [--zsim PATH] [--only NAME]... [--full]
 *                 [--trace FILE] [-o FILE]
 *
 * In C and in one process, so that zsim and what it is compared with run under
 * the same conditions, a few seconds apart; the simulations go through
 * experiment_parse() and sim_run(), as in `zsim run`. */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "sim/base/memory.h"
#include "sim/experiment/json_output.h"

enum { MEASURES_AT_MOST = 128, ROUNDS = 5 };

static struct measure *measures[MEASURES_AT_MOST];
static unsigned measure_count;

/* What has a bar by itself; rates are for reading, they are not compared from day to day. */
static const struct ratio rates[] = {
    {"native trace", "M records/s", "native trace", NULL, AT_LEAST, 500},
    {"sqlite-index speed", "M accesses/s", "sqlite-index speed", NULL, AT_LEAST, 100},
    {"sqlite-index size", "bytes an access", "sqlite-index size", NULL, AT_MOST, 2.5},
    {"sort-lines speed", "M accesses/s", "sort-lines speed", NULL, AT_LEAST, 100},
    {"sort-lines size", "bytes an access", "sort-lines size", NULL, AT_MOST, 2.5},
    {"lackey text", "MB/s", "lackey text", NULL, AT_LEAST, 150},
    {"sequential", "M accesses/s", "sequential", NULL, AT_LEAST, 200},
    {"uniform", "M accesses/s", "uniform", NULL, AT_LEAST, 200},
    {"permutation", "M accesses/s", "permutation", NULL, AT_LEAST, 200},
    {"zipf", "M accesses/s", "zipf", NULL, AT_LEAST, 200},
    {"scattered_zipf", "M accesses/s", "scattered_zipf", NULL, AT_LEAST, 200},
    {"hot_cold", "M accesses/s", "hot_cold", NULL, AT_LEAST, 200},
    {"tiny run", "ms more a run", "tiny run", NULL, AT_MOST, 5},
    {"content warm", "ms, the whole process", "content warm", NULL, AT_MOST, 100},
    {NULL, NULL, NULL, NULL, AT_LEAST, 0},
};

/* ---- statistics ----------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

struct spread {
    double least, median, most;
};

static struct spread spread_of(const double *values, unsigned count)
{
    double sorted[ROUNDS_AT_MOST];
    if (count == 0)
        return (struct spread){NAN, NAN, NAN};
    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), by_value);
    double median = count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
    return (struct spread){sorted[0], median, sorted[count - 1]};
}

static const struct measure *find_measure(const char *name)
{
    for (unsigned i = 0; i < measure_count; i++)
        if (strcmp(measures[i]->name, name) == 0)
            return measures[i];
    return NULL;
}

/* False when one of the measures was not taken. */
static bool ratio_of(const struct ratio *ratio, struct spread *spread)
{
    const struct measure *top = find_measure(ratio->top);
    const struct measure *bottom = ratio->bottom ? find_measure(ratio->bottom) : NULL;
    double values[ROUNDS_AT_MOST];
    unsigned count = 0;
    if (!top || (ratio->bottom && !bottom))
        return false;
    for (; count < top->taken && (!bottom || count < bottom->taken); count++)
        values[count] = bottom ? top->values[count] / bottom->values[count] : top->values[count];
    *spread = spread_of(values, count);
    return count > 0;
}

/* "yes", "no", or "" without a bar. */
static const char *is_met(const struct ratio *ratio, double value)
{
    if (ratio->bar == 0)
        return "";
    return (ratio->sense == AT_LEAST ? value >= ratio->bar : value <= ratio->bar) ? "yes" : "no";
}

/* ---- running -------------------------------------------------------------------- */

static void add_measures(struct measure *list)
{
    for (; list->name; list++) {
        if (measure_count == MEASURES_AT_MOST)
            bench_fail(list->name, "too many measures");
        measures[measure_count++] = list;
    }
}

/* Traces are made before the first round. */
static void make_traces(const struct bench *bench)
{
    for (unsigned i = 0; i < measure_count; i++)
        if (measures[i]->wanted && measures[i]->trace)
            trace_path(bench, measures[i]->trace);
}

/* ---- the results ---------------------------------------------------------------- */

static void print_tables(const struct ratio *const *tables)
{
    printf("%-24s %10s %10s %10s  %s\n", "measure", "least", "median", "most", "");
    for (unsigned i = 0; i < measure_count; i++) {
        const struct measure *measure = measures[i];
        if (!measure->taken)
            continue;
        struct spread spread = spread_of(measure->values, measure->taken);
        printf("%-24s %10.2f %10.2f %10.2f  %s%s", measure->name, spread.least, spread.median,
               spread.most, measure->unit, measure->cut_short ? ", cut short" : "");
        if (measure->bytes_a_page > 0)
            printf(", %.1f bytes a page", measure->bytes_a_page);
        putchar('\n');
    }
    printf("\n%-24s %-28s %8s %8s %8s %8s  %s\n", "ratio", "of", "least", "median", "most", "bar",
           "met");
    for (; *tables; tables++)
        for (const struct ratio *ratio = *tables; ratio->name; ratio++) {
            struct spread spread;
            if (!ratio_of(ratio, &spread))
                continue;
            printf("%-24s %-28s %8.3f %8.3f %8.3f ", ratio->name, ratio->what, spread.least,
                   spread.median, spread.most);
            if (ratio->bar > 0)
                printf("%s %6g  %s\n", ratio->sense == AT_LEAST ? ">=" : "<=", ratio->bar,
                       is_met(ratio, spread.median));
            else
                printf("%9s\n", "-");
        }
}

static void add_spread(cJSON *object, struct spread spread)
{
    json_add_real(object, "least", spread.least);
    json_add_real(object, "median", spread.median);
    json_add_real(object, "most", spread.most);
}

static cJSON *measures_json(void)
{
    cJSON *array = json_array();
    for (unsigned i = 0; i < measure_count; i++) {
        const struct measure *measure = measures[i];
        if (!measure->taken)
            continue;
        cJSON *object = json_object();
        json_add_string(object, "name", measure->name);
        json_add_string(object, "what", measure->what);
        json_add_string(object, "unit", measure->unit);
        add_spread(object, spread_of(measure->values, measure->taken));
        json_add_integer(object, "rounds", measure->taken);
        if (measure->cut_short)
            json_add_bool(object, "cut_short", true);
        if (measure->bytes_a_page > 0)
            json_add_real(object, "bytes_a_page", measure->bytes_a_page);
        json_add_to_array(array, object);
    }
    return array;
}

static cJSON *ratios_json(const struct ratio *table)
{
    cJSON *array = json_array();
    for (; table->name; table++) {
        struct spread spread;
        if (!ratio_of(table, &spread))
            continue;
        cJSON *object = json_object();
        json_add_string(object, "name", table->name);
        json_add_string(object, "what", table->what);
        add_spread(object, spread);
        json_add_string(object, "better", table->sense == AT_LEAST ? "higher" : "lower");
        if (table->bar > 0) {
            json_add_real(object, "bar", table->bar);
            json_add_bool(object, "met", strcmp(is_met(table, spread.median), "yes") == 0);
        }
        json_add_to_array(array, object);
    }
    return array;
}

/* The processor's name as /proc/cpuinfo has it. */
static void read_processor(char *out, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(out, size, "unknown");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            snprintf(out, size, "%s", strchr(line, ':') + 2);
            out[strcspn(out, "\n")] = '\0';
            break;
        }
    if (file)
        fclose(file);
}

static cJSON *machine_json(double load_before)
{
    cJSON *object = json_object();
    char processor[200], date[32];
    struct utsname names;
    double load = 0;
    time_t now = time(NULL);
    struct tm utc;
    read_processor(processor, sizeof(processor));
    uname(&names);
    if (getloadavg(&load, 1) != 1)
        load = NAN;
    strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&now, &utc));
    json_add_string(object, "processor", processor);
    json_add_integer(object, "processors", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    json_add_integer(object, "l2_bytes", (uint64_t)sysconf(_SC_LEVEL2_CACHE_SIZE));
    json_add_integer(object, "l3_bytes", (uint64_t)sysconf(_SC_LEVEL3_CACHE_SIZE));
    json_add_string(object, "kernel", names.release);
    json_add_string(object, "compiler", __VERSION__);
    json_add_string(object, "date", date);
    json_add_real(object, "load_before", load_before);
    json_add_real(object, "load_after", load);
    return object;
}

static void write_json(const char *path, const struct bench *bench, unsigned rounds,
                       double load_before)
{
    cJSON *root = json_object();
    struct diagnostics errors = {0};
    json_add_string(root, "schema", "zsim.bench/1");
    json_add(root, "machine", machine_json(load_before));
    json_add_integer(root, "rounds", rounds);
    json_add(root, "measures", measures_json());
    json_add(root, "ratios",
             ratios_json(bench->trace  ? trace_ratios
                         : bench->full ? full_ratios
                                       : ratios));
    json_add(root, "rates", ratios_json(rates));
    char *text = json_print(root);
    if (!file_write_whole(path, text, strlen(text), &errors)) {
        diagnostics_print(&errors);
        exit(1);
    }
    free(text);
    cJSON_Delete(root);
}

static void run_round(const struct bench *bench, unsigned round, unsigned rounds)
{
    for (unsigned i = 0; i < measure_count; i++) {
        struct measure *measure = measures[i];
        if (!measure->wanted || (measure->rounds && round >= measure->rounds))
            continue;
        double begin = clock_wall_ns();
        double value = measure->take(bench, measure);
        if (isnan(value))
            continue;
        measure->values[measure->taken++] = value;
        fprintf(stderr, "round %u of %u: %-20s %10.2f %-14s (%.1f s)\n", round + 1, rounds,
                measure->name, value, measure->unit, (clock_wall_ns() - begin) / 1e9);
    }
}

/* Every round writes what there is by then: a bench that is stopped has its results. */
static void run_rounds(const struct bench *bench, unsigned rounds, const char *output)
{
    double load_before = 0;
    if (getloadavg(&load_before, 1) != 1)
        load_before = NAN;
    for (unsigned round = 0; round < rounds; round++) {
        run_round(bench, round, rounds);
        if (output)
            write_json(output, bench, round + 1, load_before);
    }
}

/* ---- the command line ----------------------------------------------------------- */

static void usage(FILE *to)
{
    fputs("usage: bench [--rounds N] [--scratch DIR] [--zsim PATH] [--only NAME]... [--full]\n"
          "             [--trace FILE] [-o FILE]\n",
          to);
}

/* With --only, those measures alone (a name, or its beginning and '*'). */
static void want(const char *name)
{
    size_t length = strlen(name);
    bool found = false;
    for (unsigned i = 0; i < measure_count; i++)
        if (strcmp(measures[i]->name, name) == 0 ||
            (length && name[length - 1] == '*' &&
             strncmp(measures[i]->name, name, length - 1) == 0))
            found = measures[i]->wanted = true;
    if (!found) {
        fprintf(stderr, "bench: error: --only %s: there is no such measure; there are:\n", name);
        for (unsigned i = 0; i < measure_count; i++)
            fprintf(stderr, "  %s\n", measures[i]->name);
        exit(2);
    }
}

struct arguments {
    const char *output, *only[MEASURES_AT_MOST];
    unsigned only_count, rounds;
};

static const struct option options[] = {
    {"rounds", required_argument, NULL, 'r'},
    {"scratch", required_argument, NULL, 's'},
    {"zsim", required_argument, NULL, 'z'},
    {"only", required_argument, NULL, 'n'},
    {"full", no_argument, NULL, 'f'},
    {"trace", required_argument, NULL, 't'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static unsigned parse_rounds(const char *text)
{
    char *end;
    unsigned long rounds = strtoul(text, &end, 10);
    if (*end || rounds < 1 || rounds > ROUNDS_AT_MOST) {
        fprintf(stderr, "bench: error: --rounds %s: expected 1..%d\n", text, ROUNDS_AT_MOST);
        exit(2);
    }
    return (unsigned)rounds;
}

/* Ends the process after --help, and on a mistake. */
static void parse(int count, char **words, struct bench *bench, struct arguments *arguments)
{
    for (int option; (option = getopt_long(count, words, "o:h", options, NULL)) != -1;) {
        switch (option) {
        case 'r':
            arguments->rounds = parse_rounds(optarg);
            break;
        case 's':
            bench->scratch = optarg;
            break;
        case 'z':
            bench->zsim = optarg;
            break;
        case 'n':
            if (arguments->only_count < MEASURES_AT_MOST)
                arguments->only[arguments->only_count++] = optarg;
            break;
        case 'f':
            bench->full = true;
            break;
        case 't':
            bench->trace = optarg;
            break;
        case 'o':
            arguments->output = optarg;
            break;
        default:
            usage(option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (optind < count) {
        usage(stderr);
        exit(2);
    }
}

static void choose_measures(struct bench *bench, const struct arguments *arguments)
{
    if (bench->trace) {
        add_measures(trace_measures);
        trace_take_over(bench);
    } else if (bench->full) {
        add_measures(full_measures);
    } else {
        add_measures(simulation_measures);
        add_measures(input_measures);
        add_measures(process_measures);
    }
    for (unsigned i = 0; i < measure_count; i++)
        measures[i]->wanted = arguments->only_count == 0;
    for (unsigned i = 0; i < arguments->only_count; i++)
        want(arguments->only[i]);
}

int main(int count, char **words)
{
    struct bench bench = {.scratch = "build/bench-scratch", .zsim = "./zsim"};
    struct arguments arguments = {.rounds = ROUNDS};
    parse(count, words, &bench, &arguments);
    if (mkdir(bench.scratch, 0777) != 0 && access(bench.scratch, W_OK) != 0)
        bench_fail(bench.scratch, "cannot be used for scratch files");
    choose_measures(&bench, &arguments);
    make_traces(&bench);
    run_rounds(&bench, arguments.rounds, arguments.output);
    const struct ratio *const tables[] = {bench.trace  ? trace_ratios
                                          : bench.full ? full_ratios
                                                       : ratios,
                                          rates, NULL};
    print_tables(tables);
    return 0;
}

/* zsim validate CASE.json... */
#include "sim/experiment/validate.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/crash.h"
#include "sim/base/files.h"
#include "sim/base/flags.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/experiment/plugins.h"

int validate_command_main(int argc, char **argv);

enum {
    CODE_DONE = 0,
    CODE_FAILED = 1,
    CODE_MISTAKE = 2,
    CODE_THRESHOLD = 3,
    JOBS_AT_MOST = 64,
};

static const char usage_text[] =
    "zsim validate CASE.json...   replay cases of real kernels, compare counter by counter\n"
    "  --json                     a list of counters for each case, as JSON\n"
    "  --all                      show groups, snapshots and cgroups also where they agree\n"
    "  --fail-over PERCENT        exit 3 when an error is larger\n"
    "  --data DIR                 write what scripts/validate draws figures from\n"
    "  --own-rate                 replay each run of a case whose pool limit was hit with that\n"
    "                             run's own rate of worker runs, and compare with it alone\n"
    "  --set PATH=VALUE           change a setting of every case; may be repeated\n"
    "  --plugin FILE.so           policies from a shared object; may be repeated\n"
    "  --keep-going               run the others when a case is refused (exit 2 at the end)\n"
    "  --check-invariants         check the simulator's books while it runs\n"
    "  -j N                       cases at the same time (one a processor)\n\n"
    "error = |zsim - median| / max(median, 0.5 % of the accesses), 0 inside the kernel's own\n"
    "min..max; for groups the difference of shares.\n";

struct arguments {
    bool json, all_rows, keep_going, own_rate;
    double fail_over; /* percent; negative: none */
    const char *data;
    unsigned jobs;
    enum invariant_checks checks;
    struct plugins *plugins;
    const char **overrides;
    uint32_t override_count;
};

struct work {
    struct kernel_case **cases;
    int count, next;
    enum invariant_checks checks;
    pthread_mutex_t lock;
    bool failed;
};

/* ---- running ------------------------------------------------------------------- */

static void *run_cases(void *argument)
{
    struct work *work = argument;
    crash_watch_thread();
    for (;;) {
        pthread_mutex_lock(&work->lock);
        int i = work->next++;
        pthread_mutex_unlock(&work->lock);
        if (i >= work->count)
            return NULL;
        if (kernel_case_run(work->cases[i], work->checks))
            continue;
        pthread_mutex_lock(&work->lock);
        work->failed = true;
        pthread_mutex_unlock(&work->lock);
    }
}

static bool run_all(struct kernel_case **cases, int count, const struct arguments *arguments)
{
    struct work work = {.cases = cases,
                        .count = count,
                        .checks = arguments->checks,
                        .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[JOBS_AT_MOST];
    unsigned started = 0, jobs = arguments->jobs;
    if (jobs > (unsigned)count)
        jobs = (unsigned)count;
    while (started + 1 < jobs && pthread_create(&threads[started], NULL, run_cases, &work) == 0)
        started++;
    run_cases(&work);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return !work.failed;
}

/* ---- the command line ------------------------------------------------------------- */

static int mistake(const char *text, const char *found)
{
    fprintf(stderr, "zsim: error: validate: %s%s%s%s\n", text, found ? ", found \"" : "",
            found ? found : "", found ? "\"" : "");
    return CODE_MISTAKE;
}

enum { JSON = 256, ALL, FAIL_OVER, DATA, KEEP_GOING, OWN_RATE, CHECK, SET, PLUGIN, HELP };

const struct option validate_flags[] = {
    {"json", no_argument, NULL, JSON},
    {"all", no_argument, NULL, ALL},
    {"fail-over", required_argument, NULL, FAIL_OVER},
    {"data", required_argument, NULL, DATA},
    {"keep-going", no_argument, NULL, KEEP_GOING},
    {"own-rate", no_argument, NULL, OWN_RATE},
    {"check-invariants", no_argument, NULL, CHECK},
    {"set", required_argument, NULL, SET},
    {"plugin", required_argument, NULL, PLUGIN},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int take_jobs(struct arguments *arguments, const char *text)
{
    uint64_t jobs;
    if (!parse_count(text, &jobs) || jobs < 1 || jobs > JOBS_AT_MOST)
        return mistake("flag -j: expected a number of threads in 1..64", text);
    arguments->jobs = (unsigned)jobs;
    return -1;
}

static int take_threshold(struct arguments *arguments, const char *text)
{
    char *end;
    arguments->fail_over = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%") != 0) || !isfinite(arguments->fail_over) ||
        arguments->fail_over < 0)
        return mistake("flag --fail-over: expected percent, such as 1 or 0.5", text);
    return -1;
}

static int take_plugin(struct arguments *arguments, const char *path)
{
    struct diagnostics errors = {0};
    bool good = plugins_load(arguments->plugins, path, &errors);
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    return good ? -1 : CODE_MISTAKE;
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    arguments->jobs = processors < 1              ? 1
                      : processors > JOBS_AT_MOST ? JOBS_AT_MOST
                                                  : (unsigned)processors;
    arguments->fail_over = -1;
    char message[FLAG_MESSAGE_BYTES];
    int flag, code = -1;
    opterr = 0;
    while (code < 0 && (flag = getopt_long(argc, argv, ":j:h", validate_flags, NULL)) != -1)
        switch (flag) {
        case JSON:
            arguments->json = true;
            break;
        case ALL:
            arguments->all_rows = true;
            break;
        case KEEP_GOING:
            arguments->keep_going = true;
            break;
        case CHECK:
            arguments->checks = CHECKS_SAMPLED;
            break;
        case OWN_RATE:
            arguments->own_rate = true;
            break;
        case DATA:
            arguments->data = optarg;
            break;
        case SET:
            arguments->overrides[arguments->override_count++] = optarg;
            break;
        case PLUGIN:
            code = take_plugin(arguments, optarg);
            break;
        case FAIL_OVER:
            code = take_threshold(arguments, optarg);
            break;
        case 'j':
            code = take_jobs(arguments, optarg);
            break;
        case HELP:
        case 'h':
            fputs(usage_text, stdout);
            return CODE_DONE;
        default:
            flag_describe_mistake(message, argc, argv, flag, validate_flags);
            code = mistake(message, NULL);
        }
    if (code < 0 && optind == argc)
        code = mistake("expected case files (zsim validate --help)", NULL);
    return code;
}

/* ---- the command --------------------------------------------------------------------- */

/* One line a case, whatever its file looks like. */
static void print_errors(const struct diagnostics *errors)
{
    const char *text = diagnostics_text(errors, 0);
    fprintf(stderr, "%.*s\n", (int)strcspn(text, "\n"), text);
}

/* Cases that can be run, and how many could not be read. */
struct case_list {
    struct kernel_case **cases;
    int count, refused;
};

static void keep_or_refuse(struct case_list *list, struct kernel_case *at)
{
    if (!at->experiment) {
        print_errors(&at->errors);
        kernel_case_free(at);
        list->refused++;
        return;
    }
    list->cases = memory_resized(list->cases, (size_t)list->count + 1, sizeof(struct kernel_case *),
                                 "the cases");
    list->cases[list->count++] = at;
}

static void read_cases(struct case_list *list, const char *path, const struct arguments *arguments)
{
    struct case_changes changes = {arguments->overrides, arguments->override_count,
                                   arguments->plugins};
    struct kernel_case *at =
        arguments->own_rate ? kernel_case_read_changed(path, 0, &changes) : NULL;
    if (!at || !at->run) {
        keep_or_refuse(list, at ? at : kernel_case_read_changed(path, -1, &changes));
        return;
    }
    while (at) {
        uint32_t next = at->run_number + 1;
        keep_or_refuse(list, at);
        at = kernel_case_read_changed(path, next, &changes);
    }
}

static bool over_threshold(struct kernel_case *const *cases, int count, double percent)
{
    for (int i = 0; i < count; i++)
        for (uint32_t r = 0; r < cases[i]->row_count; r++)
            if (cases[i]->rows[r].agreement != AGREE_NOT && 100 * cases[i]->rows[r].error > percent)
                return true;
    return false;
}

static int report(struct kernel_case *const *cases, int count, const struct arguments *arguments)
{
    if (arguments->json) {
        char *text = validate_print_json(cases, count);
        standard_output_put(text);
        free(text);
    } else {
        validate_print_tables(cases, count, arguments->all_rows);
    }
    validate_warn_of_killed(cases, count);
    if (standard_output_error()) /* main() tells it */
        return CODE_FAILED;
    struct diagnostics errors = {0};
    int code = CODE_DONE;
    if (arguments->data && !validate_write_data(cases, count, arguments->data, &errors)) {
        diagnostics_print(&errors);
        code = CODE_FAILED;
    } else if (arguments->fail_over >= 0 && over_threshold(cases, count, arguments->fail_over)) {
        code = CODE_THRESHOLD;
    }
    diagnostics_release(&errors);
    return code;
}

static int run_and_report(struct kernel_case **cases, int count, const struct arguments *arguments)
{
    if (run_all(cases, count, arguments))
        return report(cases, count, arguments);
    for (int i = 0; i < count; i++)
        if (cases[i]->errors.count)
            print_errors(&cases[i]->errors);
    return CODE_FAILED;
}

static int validate(int argc, char **argv, struct arguments *arguments)
{
    int code = parse_arguments(argc, argv, arguments);
    if (code >= 0)
        return code;
    struct case_list list = {0};
    for (int i = optind; i < argc; i++)
        read_cases(&list, argv[i], arguments);
    if (list.refused && !arguments->keep_going) {
        if (list.refused + list.count > 1)
            fprintf(stderr, "zsim: %d of %d cases refused; nothing was run\n", list.refused,
                    list.refused + list.count);
        code = CODE_MISTAKE;
    } else {
        code = list.count ? run_and_report(list.cases, list.count, arguments) : CODE_DONE;
        if (list.refused && code == CODE_DONE)
            code = CODE_MISTAKE;
    }
    for (int i = 0; i < list.count; i++)
        kernel_case_free(list.cases[i]);
    free(list.cases);
    return code;
}

int validate_command_main(int argc, char **argv)
{
    struct arguments arguments = {.plugins = plugins_create()};
    /* At most one --set for each word of the command line. */
    arguments.overrides =
        memory_zeroed((size_t)argc, sizeof(*arguments.overrides), "the command line");
    int code = validate(argc, argv, &arguments);
    free(arguments.overrides);
    plugins_free(arguments.plugins);
    return code;
}

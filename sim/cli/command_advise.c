/* zsim advise TRACE: which zswap settings suit it. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"
#include "sim/base/units.h"
#include "sim/base/wrap.h"
#include "sim/cli/analysis.h"
#include "sim/cli/commands.h"
#include "sim/experiment/advise.h"
#include "sim/experiment/config_decode.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/result_file.h"
#include "sim/experiment/summary.h"
#include "workloads/analysis/miss_ratio.h"
#include "workloads/readers/foreign.h"

#define ADVICE_SCHEMA "zsim.advice/1"

enum {
    FLAG_CONTENT = 256,
    FLAG_DEVICE,
    FLAG_LIMIT,
    FLAG_MEMORY,
    FLAG_KERNEL,
    FLAG_THINK,
    FLAG_IDLE_CGROUPS,
    FLAG_JSON
};
enum { ROWS_AT_MOST = 12 };
/* Below this a cgroup's charges, which come in batches of 64 pages, decide. */
static const uint64_t limit_at_least = UINT64_C(64) * PAGE_BYTES;

const struct option advise_flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"jobs", required_argument, NULL, 'j'},
    {"content", required_argument, NULL, FLAG_CONTENT},
    {"device", required_argument, NULL, FLAG_DEVICE},
    {"limit", required_argument, NULL, FLAG_LIMIT},
    {"memory", required_argument, NULL, FLAG_MEMORY},
    {"kernel", required_argument, NULL, FLAG_KERNEL},
    {"think", required_argument, NULL, FLAG_THINK},
    {"idle-cgroups", required_argument, NULL, FLAG_IDLE_CGROUPS},
    {"json", no_argument, NULL, FLAG_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "Usage: zsim advise [--content PROFILE] [--device D] [--limit SIZE] [-o DIR] TRACE\n"
    "\n"
    "Simulates the trace under many zswap settings and prints those that no other beats\n"
    "in fault time, CPU time, memory saved and device writes, one of them as lines to\n"
    "paste, and what is unsure about it.  docs/advise.md says how it chooses.\n"
    "\n"
    "      --content FILE   content profile (zsim content sample); else sizes are assumed\n"
    "      --device D       nvme (default), ssd, hdd, or a file: zsim.device/1 or fio's JSON\n"
    "      --limit SIZE     memory.max of the program's cgroup (half of what it touches)\n"
    "      --memory SIZE    RAM that max_pool_percent is a share of (the limit)\n"
    "      --kernel K       kernel (v6.18; zsim list kernels)\n"
    "      --think TIME     time between two accesses of the trace (100ns)\n"
    "      --idle-cgroups N cgroups of the machine beside the program's (0), which slow the\n"
    "                       shrink worker down\n"
    "  -o DIR               where to (results): DIR/NAME.advice.json, its figure in\n"
    "                       DIR/NAME.advice/, and DIR/NAME.sweep.json, the sweep as a config\n"
    "                       (to be run with another -o)\n"
    "  -j N                 threads (one a processor)\n"
    "      --json           the document on standard output instead of the table\n"
    "  -h, --help\n";

struct arguments {
    const char *trace, *output, *device;
    struct advise_request request;
    bool limit_given, kernel_given, think_given, idle_given, json, help;
};

/* ---- the command line --------------------------------------------------------------- */

static int take_idle_cgroups(struct arguments *arguments, const char *text)
{
    uint32_t *count = &arguments->request.idle_cgroups;
    uint64_t number;
    if (!parse_count(text, &number) || number > ADVISE_IDLE_CGROUPS_AT_MOST)
        return usage_error("flag --idle-cgroups: expected a number in 0..%d, found \"%s\"",
                           ADVISE_IDLE_CGROUPS_AT_MOST, text);
    *count = (uint32_t)number;
    arguments->idle_given = true;
    return EXIT_DONE;
}

static int take_flag(void *into, int flag, const char *text)
{
    struct arguments *arguments = into;
    struct advise_request *request = &arguments->request;
    switch (flag) {
    case 'o':
        return take_directory(text, &arguments->output);
    case 'j':
        return take_jobs(text, &request->options.jobs);
    case FLAG_CONTENT:
        request->content = text;
        return EXIT_DONE;
    case FLAG_DEVICE:
        arguments->device = text;
        return EXIT_DONE;
    case FLAG_LIMIT:
        arguments->limit_given = true;
        return take_size("--limit", text, &request->limit_bytes);
    case FLAG_MEMORY:
        return take_size("--memory", text, &request->memory_bytes);
    case FLAG_KERNEL:
        arguments->kernel_given = true;
        request->kernel = text;
        return EXIT_DONE;
    case FLAG_THINK:
        arguments->think_given = true;
        return parse_time(text, &request->think_ns)
                   ? EXIT_DONE
                   : usage_error("flag --think: expected a time such as \"100ns\", found \"%s\"",
                                 text);
    case FLAG_IDLE_CGROUPS:
        return take_idle_cgroups(arguments, text);
    case FLAG_JSON:
        arguments->json = true;
        return EXIT_DONE;
    default:
        arguments->help = true;
        return EXIT_DONE;
    }
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.device = "nvme",
                                    .request = {.kernel = DEFAULT_KERNEL, .think_ns = 100}};
    int code = take_flags(argc, argv, ":o:j:h", advise_flags, take_flag, arguments);
    if (code != EXIT_DONE)
        return code;
    if (!arguments->help && argc - optind != 1)
        return usage_error("advise: expected one TRACE (zsim advise --help)");
    arguments->trace = arguments->request.trace = argv[optind];
    return EXIT_DONE;
}

/* ---- the trace ------------------------------------------------------------------------- */

struct trace_facts {
    uint64_t refaults; /* of an LRU memory of the limit */
    uint32_t sample;   /* one page in so many is in the trace */
};

/* How large it is, and, unless told, the limit: half of it. */
static bool look_at_trace(struct arguments *arguments, const struct workload *workload,
                          struct trace_facts *facts, struct diagnostics *errors)
{
    struct advise_request *request = &arguments->request;
    struct miss_ratio_options options = {
        .exact = true, .only_space = PAGE_STREAM_ALL_SPACES, .progress = show_reading};
    struct miss_ratio *curve = miss_ratio_measure(workload, &options, errors);
    clear_progress();
    if (!curve)
        return false;
    facts->sample = trace_sample(workload);
    request->trace_type = workload->type->name;
    request->accesses = curve->accesses;
    request->footprint_bytes = curve->peak_pages * PAGE_BYTES;
    uint64_t step = request->footprint_bytes >= 16 << 20 ? 1 << 20 : PAGE_BYTES;
    uint64_t half = request->footprint_bytes / 2 / step * step;
    if (!arguments->limit_given)
        request->limit_bytes = half > limit_at_least ? half : limit_at_least;
    if (!request->memory_bytes)
        request->memory_bytes = request->limit_bytes;
    facts->refaults = miss_ratio_refaults(curve, request->limit_bytes / PAGE_BYTES);
    if (curve->accesses == 0)
        diagnostics_add(errors, &(struct source_position){.file = arguments->trace},
                        "no accesses, no advice");
    bool good = curve->accesses != 0;
    miss_ratio_free(curve);
    return good;
}

/* ---- words -------------------------------------------------------------------------------- */

static const struct advise_point *recommended(const struct advice *advice)
{
    return &advice->points[advice->recommended];
}

/* The lines to paste, as one list for both outputs. */
static cJSON *setting_lines(const struct advise_request *request, const struct advice *advice)
{
    static const char sys[] = "/sys/module/zswap/parameters/";
    cJSON *lines = json_array();
    struct arena arena = {0};
    char pool[32];
    if (!advice->pressure)
        return lines;
    const struct advise_setting *setting = &recommended(advice)->setting;
#define LINE(...) json_add_to_array(lines, json_string(arena_printf(&arena, __VA_ARGS__)))
    if (setting->zswap) {
        LINE("echo %s > %scompressor", setting->compressor, sys);
        LINE("echo %u > %smax_pool_percent", setting->pool_percent, sys);
        LINE("echo %u > %saccept_threshold_percent", setting->accept_percent, sys);
        if (advice->has_shrinker)
            LINE("echo %c > %sshrinker_enabled", setting->shrinker ? 'Y' : 'N', sys);
        LINE("echo Y > %senabled", sys);
        /* On a machine with more RAM this alone keeps the pool from filling the limit. */
        print_bytes(pool, sizeof(pool), advise_pool_bytes(request, setting));
        LINE("echo %s > /sys/fs/cgroup/JOB/memory.zswap.max", pool);
        if (advice->has_shrinker)
            LINE("echo %d > /sys/fs/cgroup/JOB/memory.zswap.writeback", setting->writeback);
    } else {
        LINE("echo N > %senabled", sys);
    }
    LINE("sysctl vm.page-cluster=%u", setting->page_cluster);
#undef LINE
    arena_release(&arena);
    return lines;
}

/* Settings of the front that the draws of contents do not tell from the recommended. */
static uint32_t as_good(const struct advice *advice)
{
    const struct advise_point *best = recommended(advice);
    uint32_t count = 0;
    for (uint32_t i = 0; i < advice->count; i++)
        count += i != advice->recommended && !advice->points[i].killed &&
                 advice->points[i].mean.fault_ns <= best->fault_ns_most &&
                 advice->points[i].mean.fault_ns >= best->fault_ns_least;
    return count;
}

static cJSON *doubts(const struct arguments *arguments, const struct trace_facts *facts,
                     const struct advice *advice)
{
    const struct advise_request *request = &arguments->request;
    cJSON *list = json_array();
    struct arena arena = {0};
    char text[32];
    if (!advice->pressure)
        return list;
    const struct advise_point *best = recommended(advice);
#define DOUBT(...) json_add_to_array(list, json_string(arena_printf(&arena, __VA_ARGS__)))
    if (!request->content)
        DOUBT("page contents are assumed (%s \"%s\"), and they decide about the compressor: "
              "sample the program with zsim content sample --pid N and give --content",
              DEFAULT_CONTENT_TYPE, DEFAULT_CONTENT_CLASSES);
    if (request->device.assumed)
        DOUBT("the swap device is assumed (%s): measure yours and give --device FILE",
              request->device.source);
    if (request->device.measured_at_depth > 1)
        DOUBT("the device's latencies were measured with %" PRIu64
              " transfers at a time: an idle device is faster (fio --iodepth=1)",
              request->device.measured_at_depth);
    if (!arguments->limit_given) {
        print_quantity(text, sizeof(text), (double)request->limit_bytes, "bytes");
        DOUBT("the limit is assumed (%s, half of what the trace has at its peak): give --limit",
              text);
    }
    if (facts->refaults == 0)
        DOUBT("within this limit an LRU never misses: there is little to choose");
    if (facts->sample > 1)
        DOUBT("the trace holds one page in %" PRIu32 " and was simulated as it is: its limit "
              "stands for %" PRIu32 " times as much, times and counts are those of the sample",
              facts->sample, facts->sample);
    if (!arguments->think_given) {
        print_time(text, sizeof(text), request->think_ns);
        DOUBT("a trace has no clock: %s between two accesses are assumed (--think); more leaves "
              "the shrink worker and the device more time",
              text);
    }
    if (!arguments->kernel_given)
        DOUBT("the kernel is assumed (%s): give --kernel", request->kernel);
    if (!arguments->idle_given && best->setting.zswap && best->mean.device_writes > 0)
        DOUBT("no other cgroups are assumed: up to Linux 7.2 each step of the shrink worker passes "
              "all of the machine's, idle ones too, so the more there are the less it writes back; "
              "count yours and give --idle-cgroups");
    if (best->draws > 1 && best->fault_ns_most > best->fault_ns_least)
        DOUBT("other draws of page contents move its fault time from %.1f %% to %+.1f %%; %" PRIu32
              " other setting%s within that",
              100 * (best->fault_ns_least / best->mean.fault_ns - 1),
              100 * (best->fault_ns_most / best->mean.fault_ns - 1), as_good(advice),
              as_good(advice) == 1 ? " is" : "s are");
    if (best->setting.zswap) {
        print_bytes(text, sizeof(text), request->memory_bytes);
        DOUBT("max_pool_percent is a share of all RAM (here %s, --memory): with more only "
              "memory.zswap.max holds the pool down, which is near to what was simulated, not "
              "equal",
              text);
    }
    if (best->setting.zswap && best->setting.pool_percent == ADVISE_LARGEST_POOL)
        DOUBT("the largest pool tried (%u %%) was best: a larger one may be better still",
              best->setting.pool_percent);
    if (advice->coarse)
        DOUBT("the trace is long, so only %" PRIu32 " settings were tried, with one accept "
              "threshold and without lzo",
              advice->count);
    DOUBT("costs are those of one measured machine (zsim explain costs), and nothing else runs "
          "beside the program");
#undef DOUBT
    arena_release(&arena);
    return list;
}

/* ---- the table ------------------------------------------------------------------------------ */

static void print_point(const struct advice *advice, uint32_t index)
{
    const struct advise_point *point = &advice->points[index];
    char setting[96], fault[24], cpu[24], saved[24];
    advise_setting_print(&point->setting, setting, sizeof(setting));
    print_quantity(fault, sizeof(fault), point->mean.fault_ns, "ns");
    print_quantity(cpu, sizeof(cpu), point->mean.cpu_ns, "ns");
    print_quantity(saved, sizeof(saved), point->mean.saved_bytes, "bytes");
    printf("%c%c%-44s", index == advice->recommended ? '*' : ' ',
           point->on_front && point->draws == 1 ? '\'' : ' ', setting);
    if (point->killed)
        printf("  out of memory\n");
    else
        printf(" %10s %10s %11s %9.0f %9.0f\n", fault, cpu, saved, point->mean.device_writes,
               point->mean.disk_reads);
}

/* The next of the front by fault time after `last` (UINT32_MAX: the first). */
static uint32_t next_of_front(const struct advice *advice, uint32_t last)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < advice->count; i++) {
        const struct advise_point *point = &advice->points[i];
        double time = point->mean.fault_ns,
               after = last == UINT32_MAX ? -1 : advice->points[last].mean.fault_ns;
        bool later = last == UINT32_MAX || time > after || (time == after && i > last);
        if (point->on_front && later &&
            (best == UINT32_MAX || time < advice->points[best].mean.fault_ns))
            best = i;
    }
    return best;
}

static void print_front(const struct advice *advice)
{
    uint32_t front = 0, shown = 0;
    bool recommended_shown = false;
    for (uint32_t i = 0; i < advice->count; i++)
        front += advice->points[i].on_front;
    printf("  %-44s %10s %10s %11s %9s %9s\n", "", "fault", "CPU", "memory", "device", "disk");
    printf("  %-44s %10s %10s %11s %9s %9s\n", "", "time", "time", "saved", "writes", "reads");
    for (uint32_t i = UINT32_MAX;
         shown < ROWS_AT_MOST && (i = next_of_front(advice, i)) != UINT32_MAX; shown++) {
        print_point(advice, i);
        recommended_shown |= i == advice->recommended;
    }
    if (front > shown)
        printf("  ... and %" PRIu32 " more that no other beats in all four\n", front - shown);
    if (!recommended_shown)
        print_point(advice, advice->recommended);
}

/* What it is like without zswap, and what the means above are means of. */
static void print_compared(const struct advice *advice)
{
    uint32_t compared = 0;
    bool once = false;
    for (uint32_t i = 0; i < advice->count; i++)
        once |= advice->points[i].on_front && advice->points[i].draws == 1;
    for (uint32_t i = 0; i < advice->count; i++) {
        if (advice->points[i].setting.zswap || advice->points[i].on_front)
            continue;
        if (!compared++)
            printf("  for comparison:\n");
        print_point(advice, i);
    }
    if (once)
        printf("\nMeans of %d draws of page contents; ' marks one draw, and is compared in that.\n",
               ADVISE_DRAWS);
}

/* A list of texts, each behind `prefix`, broken into lines of at most 90 columns. */
static void print_list(const cJSON *list, const char *prefix)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        int indent = printf("%s", prefix);
        wrap_words(stdout, item->valuestring, indent, false, indent, 90);
        putchar('\n');
    }
}

static void print_lines(const cJSON *lines)
{
    const cJSON *line;
    cJSON_ArrayForEach(line, lines) printf("    %s\n", line->valuestring);
}

static void print_least(const struct advise_measure *of, bool readahead)
{
    char least[24];
    if (of->least_fault_ns <= 0)
        return;
    print_quantity(least, sizeof(least), of->least_fault_ns, "ns");
    printf("\nWith this RAM, pool and compressor no policy of any kind could read fewer than %.0f "
           "pages\nfrom the device (this one: %.0f) or spend less than %s in faults%s.\n",
           of->least_disk_reads, of->disk_reads, least,
           readahead ? ", if readahead\nhid every wait" : "");
}

static void print_report(const struct arguments *arguments, const struct advice *advice,
                         const cJSON *lines, const cJSON *unsure)
{
    const struct advise_request *request = &arguments->request;
    char limit[24], footprint[24];
    print_quantity(limit, sizeof(limit), (double)request->limit_bytes, "bytes");
    print_quantity(footprint, sizeof(footprint), (double)request->footprint_bytes, "bytes");
    printf("%s: up to %s in a limit of %s, kernel %s, swap on %s\n", arguments->trace, footprint,
           limit, request->kernel, request->device.name);
    if (!advice->pressure) {
        printf(
            "No pressure: within this limit nothing is reclaimed, so no setting of zswap makes a "
            "difference\nand none is recommended. A smaller --limit (zsim trace mrc %s) shows "
            "one.\n",
            arguments->trace);
        return;
    }
    printf("%" PRIu32 " settings tried in %" PRIu32
           " runs; none beats these in all of the first four columns:\n\n",
           advice->count, advice->runs);
    print_front(advice);
    print_compared(advice);
    printf("\nRecommended (*): of those within %d %% of the least fault time the fewest device "
           "writes,\nthen the least CPU time.\n\n",
           ADVISE_NEAR_PERCENT);
    print_lines(lines);
    print_least(&recommended(advice)->mean, recommended(advice)->setting.page_cluster > 0);
    printf("\nNot sure of:\n");
    print_list(unsure, "  - ");
}

/* ---- the document ------------------------------------------------------------------------------
 */

/* The four that settings are compared by, in the draw that all have in common. */
static cJSON *common_draw_json(const struct advise_measure *first)
{
    cJSON *object = json_object();
    json_add_real(object, "fault_ns", first->fault_ns);
    json_add_real(object, "cpu_ns", first->cpu_ns);
    json_add_real(object, "memory_saved_bytes", first->saved_bytes);
    json_add_real(object, "device_writes", first->device_writes);
    return object;
}

static cJSON *point_json(const struct advise_request *request, const struct advice *advice,
                         uint32_t index)
{
    const struct advise_point *point = &advice->points[index];
    const struct advise_setting *setting = &point->setting;
    cJSON *object = json_object();
    char name[96];
    advise_setting_print(setting, name, sizeof(name));
    json_add_string(object, "name", name);
    json_add_bool(object, "zswap", setting->zswap);
    json_add_string(object, "compressor", setting->compressor);
    if (setting->zswap) {
        json_add_integer(object, "max_pool_percent", setting->pool_percent);
        json_add_integer(object, "zswap_max_bytes", advise_pool_bytes(request, setting));
        json_add_integer(object, "accept_threshold_percent", setting->accept_percent);
        json_add_bool(object, "shrinker_enabled", setting->shrinker);
        json_add_bool(object, "writeback", setting->writeback);
    }
    json_add_integer(object, "page_cluster", setting->page_cluster);
    json_add_bool(object, "killed", point->killed);
    json_add_bool(object, "front", point->on_front);
    json_add_bool(object, "repeats", point->repeats);
    json_add_bool(object, "recommended", index == advice->recommended);
    json_add_integer(object, "draws", point->draws);
    json_add_real(object, "fault_ns", point->mean.fault_ns);
    json_add_real(object, "fault_ns_least", point->fault_ns_least);
    json_add_real(object, "fault_ns_most", point->fault_ns_most);
    json_add_real(object, "cpu_ns", point->mean.cpu_ns);
    json_add_real(object, "memory_saved_bytes", point->mean.saved_bytes);
    json_add_real(object, "device_writes", point->mean.device_writes);
    json_add_real(object, "disk_reads", point->mean.disk_reads);
    json_add_real(object, "zswap_loads", point->mean.zswap_loads);
    json_add(object, "common_draw", common_draw_json(&point->first));
    if (point->mean.least_fault_ns > 0) {
        json_add_real(object, "least_fault_ns", point->mean.least_fault_ns);
        json_add_real(object, "least_disk_reads", point->mean.least_disk_reads);
    }
    return object;
}

static cJSON *device_json(const struct advise_device *device)
{
    cJSON *object = json_object();
    json_add_string(object, "name", device->name);
    json_add_string(object, "source", device->source);
    json_add_bool(object, "assumed", device->assumed);
    json_add_integer(object, "read_latency_ns", device->read_latency_ns);
    json_add_integer(object, "write_latency_ns", device->write_latency_ns);
    json_add_integer(object, "bandwidth_bytes_per_s", device->bandwidth_bytes_per_s);
    json_add_integer(object, "queue_depth", device->queue_depth);
    json_add_bool(object, "rotational", device->rotational);
    return object;
}

static cJSON *document(const struct arguments *arguments, const struct workload *workload,
                       const struct advice *advice, cJSON *lines, cJSON *unsure)
{
    const struct advise_request *request = &arguments->request;
    cJSON *root = json_object(), *points = json_array();
    char *name = trace_name(arguments->trace);
    json_add_string(root, "schema", ADVICE_SCHEMA);
    json_add_string(root, "zsim_version", ZSIM_VERSION);
    json_add_string(root, "name", name);
    json_add_string(root, "trace", arguments->trace);
    json_add_string(root, "fingerprint", workload->fingerprint);
    json_add_string(root, "kernel", request->kernel);
    json_add_string(root, "content", request->content);
    json_add_integer(root, "limit_bytes", request->limit_bytes);
    json_add_bool(root, "limit_assumed", !arguments->limit_given);
    json_add_integer(root, "memory_bytes", request->memory_bytes);
    json_add_integer(root, "footprint_bytes", request->footprint_bytes);
    json_add_integer(root, "think_ns", request->think_ns);
    json_add_integer(root, "idle_cgroups", request->idle_cgroups);
    json_add(root, "device", device_json(&request->device));
    json_add_bool(root, "pressure", advice->pressure);
    json_add_integer(root, "runs", advice->runs);
    for (uint32_t i = 0; i < advice->count; i++)
        json_add_to_array(points, point_json(request, advice, i));
    json_add(root, "points", points);
    json_add(root, "lines", lines);
    json_add(root, "unsure", unsure);
    free(name);
    return root;
}

/* The sweep as a config; trace and profile are named as from here. */
static int write_sweep(const struct advice *advice, const char *directory, const char *name)
{
    struct arena arena = {0};
    struct diagnostics errors = {0};
    char *text = json_print(advice->experiment);
    file_write_whole(arena_printf(&arena, "%s/%s.sweep.json", directory, name), text, strlen(text),
                     &errors);
    free(text);
    arena_release(&arena);
    return diagnostics_report(&errors, errors.count ? EXIT_RUN_FAILED : EXIT_DONE);
}

/* ---- the command
 * ---------------------------------------------------------------------------------- */

static int output(const struct arguments *arguments, const struct workload *workload,
                  const struct trace_facts *facts, const struct advice *advice)
{
    cJSON *lines = setting_lines(&arguments->request, advice);
    cJSON *unsure = doubts(arguments, facts, advice);
    cJSON *root = document(arguments, workload, advice, lines, unsure);
    int code = EXIT_DONE;
    if (arguments->json) {
        char *text = json_print(root);
        standard_output_put(text);
        free(text);
    } else {
        print_report(arguments, advice, lines, unsure);
    }
    if (arguments->output && advice->pressure) {
        struct arena arena = {0};
        char *name = trace_name(arguments->trace);
        standard_output_flush();
        code =
            write_document(root, arguments->output, arena_printf(&arena, "%s.advice.json", name));
        if (code == EXIT_DONE)
            code = write_sweep(advice, arguments->output, name);
        free(name);
        arena_release(&arena);
    }
    cJSON_Delete(root);
    return finish_output(code);
}

int command_advise(int argc, char **argv)
{
    struct arguments arguments;
    struct diagnostics errors = {0};
    struct trace_facts facts = {0};
    struct arena arena = {0};
    int code = parse(argc, argv, &arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments.help) {
        fputs(usage, stdout);
        return finish_output(EXIT_DONE);
    }
    if (!arguments.output && !arguments.json)
        arguments.output = "results";
    code = EXIT_USER_MISTAKE;
    struct workload *workload = NULL;
    if (advise_device_read(arguments.device, &arguments.request.device, &arena, &errors))
        workload = trace_file_open(arguments.trace, NULL, NULL, &errors);
    if (workload && look_at_trace(&arguments, workload, &facts, &errors)) {
        struct advice advice = {0};
        code = arguments.output ? directory_prepare(arguments.output) : EXIT_DONE;
        if (code == EXIT_DONE)
            code = advise(&arguments.request, &advice, &errors);
        if (code == EXIT_DONE)
            code = output(&arguments, workload, &facts, &advice);
        advice_release(&advice);
    }
    if (workload)
        workload->type->close(workload);
    arena_release(&arena);
    return diagnostics_report(&errors, code);
}

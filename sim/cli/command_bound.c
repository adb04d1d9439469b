/* zsim trace bound TRACE: what no policy can beat. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"
#include "sim/base/units.h"
#include "sim/cli/analysis.h"
#include "sim/cli/commands.h"
#include "sim/engine/costs_table.h"
#include "sim/experiment/bound.h"
#include "sim/experiment/config_decode.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/result_file.h"
#include "sim/experiment/summary.h"
#include "workloads/analysis/clairvoyant.h"
#include "workloads/analysis/miss_ratio.h"
#include "workloads/readers/foreign.h"

#define BOUND_SCHEMA "zsim.bound/1"

enum { FLAG_RAM = 256, FLAG_POOL, FLAG_TOTAL, FLAG_CONTENT, FLAG_COMPRESSOR, FLAG_JSON };

const struct option bound_flags[] = {
    {"ram", required_argument, NULL, FLAG_RAM},
    {"pool", required_argument, NULL, FLAG_POOL},
    {"total", required_argument, NULL, FLAG_TOTAL},
    {"content", required_argument, NULL, FLAG_CONTENT},
    {"compressor", required_argument, NULL, FLAG_COMPRESSOR},
    {"json", no_argument, NULL, FLAG_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "Usage: zsim trace bound --ram SIZE [--pool SIZE] [--total SIZE] [--json] TRACE\n"
    "\n"
    "The least refaults, disk reads and fault time that any policy can have on this\n"
    "trace, beside those of LRU in both tiers.  docs/bound.md has the proof.\n"
    "\n"
    "      --ram SIZE       RAM for whole pages\n"
    "      --pool SIZE      pool for compressed pages (none)\n"
    "      --total SIZE     RAM and pool together, where one limit is over both\n"
    "      --content FILE   content profile (zsim content sample) for compressed sizes\n"
    "      --compressor C   whose sizes (lzo)\n"
    "      --json           one JSON object instead of a table\n"
    "  -h, --help\n";

struct arguments {
    const char *trace, *content;
    struct clairvoyant_limits limits;
    unsigned compressor;
    bool json, help;
};

struct report {
    const struct arguments *arguments;
    const struct workload *workload;
    const struct trace_contents *contents;
    uint64_t first_touches, refaults, disk_reads, fault_ns;
    uint64_t capacity; /* pages off the disk at most */
    uint64_t lru_refaults, lru_disk_reads;
};

static int take_flag(void *into, int flag, const char *text)
{
    struct arguments *arguments = into;
    uint64_t bytes = 0;
    int code = EXIT_DONE;
    switch (flag) {
    case FLAG_RAM:
        code = take_size("--ram", text, &bytes);
        arguments->limits.ram_pages = bytes / PAGE_BYTES;
        return code;
    case FLAG_POOL:
        return take_size("--pool", text, &arguments->limits.pool_bytes);
    case FLAG_TOTAL:
        code = take_size("--total", text, &bytes);
        arguments->limits.common_pages = bytes / PAGE_BYTES;
        return code;
    case FLAG_CONTENT:
        arguments->content = text;
        return EXIT_DONE;
    case FLAG_COMPRESSOR:
        return take_compressor(text, &arguments->compressor);
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
    *arguments = (struct arguments){.limits = {.common_pages = UINT64_MAX},
                                    .compressor = (unsigned)compressor_find("lzo")};
    int code = take_flags(argc, argv, ":h", bound_flags, take_flag, arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments->help)
        return EXIT_DONE;
    if (argc - optind != 1)
        return usage_error("trace bound: expected one TRACE (zsim trace bound --help)");
    if (!arguments->limits.ram_pages)
        return usage_error("trace bound: --ram is needed (zsim trace bound --help)");
    arguments->trace = argv[optind];
    return EXIT_DONE;
}

/* ---- numbers ------------------------------------------------------------------------ */

/* Capacity and least compressed length over all pages. */
static uint32_t look_at_sizes(struct report *report, const struct clairvoyant *future,
                              const struct clairvoyant_sizes *sizes)
{
    uint64_t *pages = memory_zeroed(PAGE_BYTES + 1, sizeof(*pages), "sizes of pages");
    uint32_t least = PAGE_BYTES;
    for (uint32_t page = 0; page < clairvoyant_pages(future); page++) {
        uint16_t size = sizes->bytes[page];
        pages[size] += size != 0;
        if (size && size < least)
            least = size;
    }
    report->capacity = clairvoyant_capacity(pages, &report->arguments->limits);
    free(pages);
    return least;
}

static bool find_bound(struct report *report, struct diagnostics *errors)
{
    const struct arguments *arguments = report->arguments;
    const struct clairvoyant_limits *limits = &arguments->limits;
    struct clairvoyant *future = clairvoyant_create(report->workload, errors);
    if (!future)
        return false;
    uint32_t set = (uint32_t)1 << arguments->compressor;
    /* As a kernel from 6.12 on: zero pages are marked, same-filled ones compressed. */
    struct clairvoyant_sizes sizes =
        clairvoyant_sizes(future, report->contents->of_space, set, true, false);
    uint64_t ram =
        limits->ram_pages < limits->common_pages ? limits->ram_pages : limits->common_pages;
    report->first_touches = clairvoyant_first_touches(future, NULL);
    report->refaults = clairvoyant_refaults(future, NULL, ram);
    report->disk_reads = clairvoyant_disk_reads(future, NULL, &sizes, limits);
    struct costs costs;
    struct swap_device_config device;
    params_set_defaults(&section_device.keys, &device);
    costs_set_builtin(&costs);
    struct bound_costs least =
        bound_costs_of(&costs, &device, 1, set, look_at_sizes(report, future, &sizes), false);
    report->fault_ns =
        bound_fault_ns(&least, report->first_touches, report->refaults, report->disk_reads);
    clairvoyant_sizes_free(&sizes);
    clairvoyant_free(future);
    return true;
}

static bool find_lru(struct report *report, struct diagnostics *errors)
{
    struct miss_ratio_options options = {.exact = true, .only_space = PAGE_STREAM_ALL_SPACES};
    struct miss_ratio *curve = miss_ratio_measure(report->workload, &options, errors);
    if (!curve)
        return false;
    report->lru_refaults = miss_ratio_refaults(curve, report->arguments->limits.ram_pages);
    report->lru_disk_reads = miss_ratio_refaults(curve, report->capacity);
    miss_ratio_free(curve);
    return true;
}

/* ---- output --------------------------------------------------------------------------- */

static void print_row(const char *name, uint64_t bound, uint64_t lru)
{
    printf("%-14s %12" PRIu64 " %12" PRIu64, name, bound, lru);
    if (bound)
        printf(" %10.2f x", (double)lru / (double)bound);
    putchar('\n');
}

static void print_report(const struct report *report)
{
    const struct clairvoyant_limits *limits = &report->arguments->limits;
    char ram[24], pool[24], total[24] = "", time[24];
    pages_as_size(ram, (double)limits->ram_pages);
    pages_as_size(pool, (double)limits->pool_bytes / PAGE_BYTES);
    if (limits->common_pages != UINT64_MAX)
        pages_as_size(total, (double)limits->common_pages);
    printf("%s: %s of RAM, a pool of %s%s%s\n", report->arguments->trace, ram, pool,
           *total ? ", together " : "", total);
    printf("at most %" PRIu64 " pages are off the disk at a time (%s%s, %s)\n\n", report->capacity,
           report->contents->description, report->contents->assumed ? ", assumed" : "",
           compressors[report->arguments->compressor].name);
    printf("%-14s %12s %12s\n", "", "least", "LRU");
    print_row("first touches", report->first_touches, report->first_touches);
    print_row("refaults", report->refaults, report->lru_refaults);
    print_row("disk reads", report->disk_reads, report->lru_disk_reads);
    print_quantity(time, sizeof(time), (double)report->fault_ns, "ns");
    printf("%-14s %12s   (built-in costs, default device, no readahead)\n", "fault time", time);
}

static void print_json(const struct report *report)
{
    const struct clairvoyant_limits *limits = &report->arguments->limits;
    cJSON *root = json_object(), *lru = json_object();
    json_add_string(root, "schema", BOUND_SCHEMA);
    json_add_string(root, "zsim_version", ZSIM_VERSION);
    json_add_string(root, "trace", report->arguments->trace);
    json_add_string(root, "fingerprint", report->workload->fingerprint);
    json_add_integer(root, "ram_bytes", limits->ram_pages * PAGE_BYTES);
    json_add_integer(root, "pool_bytes", limits->pool_bytes);
    if (limits->common_pages != UINT64_MAX)
        json_add_integer(root, "total_bytes", limits->common_pages * PAGE_BYTES);
    json_add_string(root, "compressor", compressors[report->arguments->compressor].name);
    json_add_string(root, "content", report->contents->description);
    json_add_bool(root, "content_assumed", report->contents->assumed);
    json_add_integer(root, "capacity_pages", report->capacity);
    json_add_integer(root, "first_touches", report->first_touches);
    json_add_integer(root, "refaults", report->refaults);
    json_add_integer(root, "disk_reads", report->disk_reads);
    json_add_integer(root, "fault_ns", report->fault_ns);
    json_add_integer(lru, "refaults", report->lru_refaults);
    json_add_integer(lru, "disk_reads", report->lru_disk_reads);
    json_add(root, "lru", lru);
    char *text = json_print(root);
    standard_output_put(text);
    free(text);
    cJSON_Delete(root);
}

int command_bound(int argc, char **argv)
{
    struct arguments arguments;
    struct diagnostics errors = {0};
    struct trace_contents contents = {0};
    int code = parse(argc, argv, &arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments.help) {
        fputs(usage, stdout);
        return finish_output(EXIT_DONE);
    }
    struct workload *workload = trace_file_open(arguments.trace, NULL, NULL, &errors);
    if (!workload)
        return diagnostics_report(&errors, EXIT_USER_MISTAKE);
    struct report report = {.arguments = &arguments, .workload = workload, .contents = &contents};
    code = EXIT_USER_MISTAKE;
    if (trace_contents_open(&contents, workload, arguments.content, arguments.compressor,
                            &errors)) {
        if (find_bound(&report, &errors) && find_lru(&report, &errors))
            code = EXIT_DONE;
        if (code == EXIT_DONE && arguments.json)
            print_json(&report);
        else if (code == EXIT_DONE)
            print_report(&report);
    }
    trace_contents_close(&contents);
    workload->type->close(workload);
    code = diagnostics_report(&errors, code);
    return finish_output(code);
}

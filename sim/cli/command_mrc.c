/* zsim trace mrc TRACE: the miss-ratio curve, and what a pool of compressed
 * pages below RAM would change. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files.h"
#include "sim/base/units.h"
#include "sim/cli/analysis.h"
#include "sim/cli/commands.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/result_file.h"
#include "workloads/analysis/miss_ratio.h"
#include "workloads/readers/foreign.h"

#define MRC_SCHEMA "zsim.mrc/1"

enum {
    CURVE_POINTS = 256, /* of the document */
    TABLE_POINTS = 16,
    GRID_RAM = 10,
    GRID_POOL = 8,
    SIZES_SAMPLED = 8192, /* pages whose contents the mean compressed size is taken from */
};

enum {
    FLAG_EXACT = 256,
    FLAG_SAMPLED,
    FLAG_SAMPLES,
    FLAG_SPACE,
    FLAG_CONTENT,
    FLAG_COMPRESSOR,
    FLAG_JSON
};

const struct option mrc_flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"exact", no_argument, NULL, FLAG_EXACT},
    {"sampled", no_argument, NULL, FLAG_SAMPLED},
    {"samples", required_argument, NULL, FLAG_SAMPLES},
    {"space", required_argument, NULL, FLAG_SPACE},
    {"content", required_argument, NULL, FLAG_CONTENT},
    {"compressor", required_argument, NULL, FLAG_COMPRESSOR},
    {"json", no_argument, NULL, FLAG_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "Usage: zsim trace mrc [-o DIR] [--json] TRACE\n"
    "\n"
    "The miss-ratio curve of a trace: which share of its accesses would miss an LRU\n"
    "memory of each size; and how many zswap loads and disk reads are left with a pool\n"
    "of compressed pages below it.  docs/curves.md says what is assumed.\n"
    "\n"
    "  -o DIR               write DIR/NAME.mrc.json and draw DIR/NAME.mrc/*.svg, *.png\n"
    "      --json           the document on standard output instead of tables\n"
    "      --exact          exact distances alone        (default: both, which shows\n"
    "      --sampled        a sample of the pages alone   the error of the sample)\n"
    "      --samples N      pages followed at most by the sample (8192)\n"
    "      --space N        only this address space\n"
    "      --content FILE   content profile (zsim content sample) for compressed sizes\n"
    "      --compressor C   whose sizes (lzo)\n"
    "  -h, --help\n";

struct arguments {
    const char *trace, *output, *content;
    struct miss_ratio_options options;
    unsigned compressor;
    bool json, exact_only, sampled_only, help;
};

/* What is known when the trace has been read. */
struct report {
    const struct arguments *arguments;
    const struct workload *workload;
    const struct miss_ratio *curve;
    const struct trace_contents *contents;
    double footprint; /* pages: an axis from 0 to there shows all of the curve */
    double first_touches;
    double mean_size; /* bytes a page takes in the pool */
    double error_mean, error_most, measured_mean, measured_most; /* of miss ratios; NAN: unknown */
    uint64_t ram[GRID_RAM], pool[GRID_POOL];                     /* pages */
};

/* ---- the command line --------------------------------------------------------------- */

static int take_number(const char *flag, const char *text, uint64_t least, uint64_t most,
                       uint64_t *number)
{
    if (parse_count(text, number) && *number >= least && *number <= most)
        return EXIT_DONE;
    return usage_error("flag %s: expected a whole number in %" PRIu64 "..%" PRIu64 ", found \"%s\"",
                       flag, least, most, text);
}

static int take_flag(void *into, int flag, const char *text)
{
    struct arguments *arguments = into;
    uint64_t number;
    int code = EXIT_DONE;
    switch (flag) {
    case 'o':
        return take_directory(text, &arguments->output);
    case FLAG_EXACT:
        arguments->exact_only = true;
        return EXIT_DONE;
    case FLAG_SAMPLED:
        arguments->sampled_only = true;
        return EXIT_DONE;
    case FLAG_SAMPLES:
        return take_number("--samples", text, MISS_RATIO_SAMPLES_AT_LEAST, 1u << 30,
                           &arguments->options.samples);
    case FLAG_SPACE:
        code = take_number("--space", text, 0, WORKLOAD_SPACES_AT_MOST - 1, &number);
        arguments->options.only_space = (int64_t)number;
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
    *arguments = (struct arguments){
        .options = {.samples = MISS_RATIO_SAMPLES_DEFAULT, .only_space = PAGE_STREAM_ALL_SPACES},
        .compressor = (unsigned)compressor_find("lzo"),
    };
    int code = take_flags(argc, argv, ":o:h", mrc_flags, take_flag, arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments->help)
        return EXIT_DONE;
    if (argc - optind != 1)
        return usage_error("trace mrc: expected one TRACE (zsim trace mrc --help)");
    if (arguments->exact_only && arguments->sampled_only)
        return usage_error("trace mrc: --exact and --sampled exclude each other");
    arguments->trace = argv[optind];
    arguments->options.exact = !arguments->sampled_only;
    if (arguments->exact_only)
        arguments->options.samples = 0;
    arguments->options.progress = show_reading;
    return EXIT_DONE;
}

/* ---- numbers -------------------------------------------------------------------------- */

static double refaults(const struct report *report, uint64_t pages)
{
    if (report->curve->exact)
        return (double)miss_ratio_refaults(report->curve, pages);
    return miss_ratio_sampled_refaults(report->curve, pages).refaults;
}

static double share(const struct report *report, double accesses)
{
    return report->curve->accesses ? accesses / (double)report->curve->accesses : 0;
}

/* Memory sizes of `points` even steps up to the footprint, in pages. */
static uint64_t size_at(const struct report *report, unsigned point, unsigned points)
{
    uint64_t pages = (uint64_t)ceil(report->footprint * point / points);
    return pages ? pages : 1;
}

/* Mean absolute and largest errors of the sampled miss ratio over the curve. */
static void measure_errors(struct report *report)
{
    report->error_mean = report->error_most = report->measured_mean = report->measured_most = NAN;
    if (!report->curve->sampled)
        return;
    double estimated = 0, most = 0, measured = 0, measured_most = 0;
    for (unsigned i = 1; i <= CURVE_POINTS; i++) {
        uint64_t pages = size_at(report, i, CURVE_POINTS);
        struct sampled_estimate estimate = miss_ratio_sampled_refaults(report->curve, pages);
        double error = share(report, estimate.standard_error);
        estimated += error;
        most = error > most ? error : most;
        if (!report->curve->exact)
            continue;
        double off = fabs(share(report, estimate.refaults - refaults(report, pages)));
        measured += off;
        measured_most = off > measured_most ? off : measured_most;
    }
    report->error_mean = estimated / CURVE_POINTS;
    report->error_most = most;
    if (report->curve->exact) {
        report->measured_mean = measured / CURVE_POINTS;
        report->measured_most = measured_most;
    }
}

/* Bytes that a page takes in the pool on average, from pages taken evenly. */
static double mean_compressed(const struct report *report)
{
    uint64_t pages = 0, bytes = 0, counted = 0;
    for (uint32_t i = 0; i < report->workload->spaces; i++)
        pages += report->workload->space_pages[i];
    uint64_t step = pages / SIZES_SAMPLED + 1;
    uint64_t at = 0;
    for (uint32_t space = 0; space < report->workload->spaces; space++) {
        const struct content *content = report->contents->of_space[space];
        for (; at < report->workload->space_pages[space]; at += step) {
            uint32_t page = (uint32_t)at, length = 0;
            if (content_kind(content, page) != CONTENT_ZERO)
                length = content_length(content, page, report->arguments->compressor);
            bool whole = content_kind(content, page) != CONTENT_ZERO &&
                         (length == COMPRESSOR_FAILED || length > PAGE_BYTES);
            bytes += whole ? PAGE_BYTES : length;
            counted++;
        }
        at -= report->workload->space_pages[space];
    }
    return counted && bytes ? (double)bytes / (double)counted : 1;
}

static void choose_grid(struct report *report)
{
    for (unsigned i = 0; i < GRID_RAM; i++)
        report->ram[i] = size_at(report, i + 1, GRID_RAM);
    /* In the pool the same footprint takes so many pages. */
    double compressed = report->footprint * report->mean_size / PAGE_BYTES;
    for (unsigned i = 0; i < GRID_POOL; i++)
        report->pool[i] = (uint64_t)ceil(compressed * i / GRID_POOL);
}

static double disk_reads(const struct report *report, uint64_t ram, uint64_t pool)
{
    uint64_t in_pool = (uint64_t)((double)pool * PAGE_BYTES / report->mean_size);
    return refaults(report, ram + in_pool);
}

static void prepare(struct report *report)
{
    const struct miss_ratio *curve = report->curve;
    if (curve->exact) {
        report->footprint = (double)curve->peak_pages;
        report->first_touches = (double)curve->first_touches;
        if ((double)miss_ratio_enough_pages(curve) > report->footprint)
            report->footprint = (double)miss_ratio_enough_pages(curve);
    } else {
        report->footprint = miss_ratio_sampled_enough_pages(curve);
        report->first_touches = miss_ratio_sampled_first_touches(curve);
        if (report->footprint < 1)
            report->footprint = fmax(1, report->first_touches);
    }
    report->mean_size = mean_compressed(report);
    measure_errors(report);
    choose_grid(report);
}

/* ---- tables ---------------------------------------------------------------------------- */

static void print_curve(const struct report *report)
{
    const struct miss_ratio *curve = report->curve;
    printf("%12s %9s %12s %11s%s\n", "memory", "footprint", "refaults", "miss ratio",
           curve->sampled && curve->exact ? "    sampled" : "");
    for (unsigned i = 1; i <= TABLE_POINTS; i++) {
        char size[24];
        uint64_t pages = size_at(report, i, TABLE_POINTS);
        double back = refaults(report, pages);
        printf("%12s %7.0f %% %12.0f %9.4f %%", pages_as_size(size, (double)pages),
               100 * (double)pages / report->footprint, back,
               100 * share(report, back + report->first_touches));
        if (curve->sampled && curve->exact) {
            struct sampled_estimate estimate = miss_ratio_sampled_refaults(curve, pages);
            printf(" %8.4f %%", 100 * share(report, estimate.refaults +
                                                        miss_ratio_sampled_first_touches(curve)));
        }
        putchar('\n');
    }
}

static void print_sampling(const struct report *report)
{
    if (!report->curve->sampled)
        return;
    printf("sampled: %" PRIu64 " pages followed at the end, 1 in %.1f; error of the miss ratio\n"
           "estimated %.4f %% on average, %.4f %% at most (one standard error)",
           miss_ratio_sampled_pages(report->curve), 1 / miss_ratio_sampled_rate(report->curve),
           100 * report->error_mean, 100 * report->error_most);
    if (isfinite(report->measured_mean))
        printf(";\nmeasured against the exact curve %.4f %% on average, %.4f %% at most",
               100 * report->measured_mean, 100 * report->measured_most);
    puts("\n");
}

/* "60464", "1.2 M": at most 8 characters. */
static void print_count(double count)
{
    if (count >= 1e7)
        printf(" %7.1fM", count / 1e6);
    else
        printf(" %8.0f", count);
}

static void print_tiers(const struct report *report)
{
    char size[24];
    printf("disk reads with a pool below RAM (%s, %.0f bytes a page from %s%s):\n",
           compressors[report->arguments->compressor].name, report->mean_size,
           report->contents->description, report->contents->assumed ? ", assumed" : "");
    printf("%12s", "RAM \\ pool");
    for (unsigned p = 0; p < GRID_POOL; p++) {
        double kib = (double)report->pool[p] * PAGE_BYTES / 1024;
        snprintf(size, sizeof(size), "%.3g%s", kib < 1000 ? kib : kib / 1024,
                 kib < 1000 ? "K" : "M");
        printf(" %8s", p ? size : "none");
    }
    putchar('\n');
    for (unsigned r = 0; r < GRID_RAM; r++) {
        printf("%12s", pages_as_size(size, (double)report->ram[r]));
        for (unsigned p = 0; p < GRID_POOL; p++)
            print_count(disk_reads(report, report->ram[r], report->pool[p]));
        putchar('\n');
    }
    puts(
        "zswap loads are the first column less the pool's; LRU in both tiers, the pool beside RAM");
}

static void print_report(const struct report *report)
{
    const struct miss_ratio *curve = report->curve;
    char size[24];
    printf("%s: %" PRIu64 " accesses to %.0f pages, %s at most at a time\n",
           report->arguments->trace, curve->accesses, report->first_touches,
           pages_as_size(size, report->footprint));
    printf("first touches are %.4f %% of the accesses: no memory avoids them\n\n",
           100 * share(report, report->first_touches));
    if (trace_sample(report->workload) > 1)
        printf("the trace holds one page in %" PRIu32 ": multiply sizes by that\n\n",
               trace_sample(report->workload));
    print_curve(report);
    putchar('\n');
    print_sampling(report);
    print_tiers(report);
}

/* ---- the document -------------------------------------------------------------------------- */

static cJSON *curve_json(const struct report *report)
{
    const struct miss_ratio *curve = report->curve;
    cJSON *list = json_array();
    for (unsigned i = 1; i <= CURVE_POINTS; i++) {
        cJSON *point = json_object();
        uint64_t pages = size_at(report, i, CURVE_POINTS);
        json_add_integer(point, "memory_bytes", pages * PAGE_BYTES);
        if (curve->exact) {
            uint64_t back = miss_ratio_refaults(curve, pages);
            json_add_integer(point, "refaults", back);
            json_add_real(point, "miss_ratio",
                          share(report, (double)(back + curve->first_touches)));
        }
        if (curve->sampled) {
            struct sampled_estimate estimate = miss_ratio_sampled_refaults(curve, pages);
            json_add_real(point, "sampled_refaults", estimate.refaults);
            json_add_real(
                point, "sampled_miss_ratio",
                share(report, estimate.refaults + miss_ratio_sampled_first_touches(curve)));
            json_add_real(point, "sampled_standard_error", share(report, estimate.standard_error));
        }
        json_add_to_array(list, point);
    }
    return list;
}

static cJSON *sampling_json(const struct report *report)
{
    cJSON *sampling = json_object();
    json_add_integer(sampling, "pages_at_most", report->arguments->options.samples);
    json_add_integer(sampling, "pages", miss_ratio_sampled_pages(report->curve));
    json_add_real(sampling, "rate", miss_ratio_sampled_rate(report->curve));
    json_add_real(sampling, "standard_error_mean", report->error_mean);
    json_add_real(sampling, "standard_error_most", report->error_most);
    json_add_real(sampling, "measured_error_mean", report->measured_mean);
    json_add_real(sampling, "measured_error_most", report->measured_most);
    return sampling;
}

static cJSON *sizes_json(const uint64_t *pages, unsigned count)
{
    cJSON *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_add_to_array(list, json_integer(pages[i] * PAGE_BYTES));
    return list;
}

/* [ram][pool]; `loads`: of zswap, else disk reads.  Rounded to whole pages. */
static cJSON *grid_json(const struct report *report, bool loads)
{
    cJSON *rows = json_array();
    for (unsigned r = 0; r < GRID_RAM; r++) {
        cJSON *row = json_array();
        for (unsigned p = 0; p < GRID_POOL; p++) {
            double reads = disk_reads(report, report->ram[r], report->pool[p]);
            double count = loads ? refaults(report, report->ram[r]) - reads : reads;
            json_add_to_array(row, json_integer((uint64_t)(count + 0.5)));
        }
        json_add_to_array(rows, row);
    }
    return rows;
}

static cJSON *tiers_json(const struct report *report)
{
    cJSON *tiers = json_object();
    json_add_string(tiers, "compressor", compressors[report->arguments->compressor].name);
    json_add_string(tiers, "content", report->contents->description);
    json_add_bool(tiers, "content_assumed", report->contents->assumed);
    json_add_real(tiers, "compressed_mean_bytes", report->mean_size);
    json_add_string(tiers, "assumptions",
                    "LRU in both tiers; the pool is beside RAM and holds pages of mean "
                    "compressed size without waste; a page is in one tier at a time");
    json_add(tiers, "ram_bytes", sizes_json(report->ram, GRID_RAM));
    json_add(tiers, "pool_bytes", sizes_json(report->pool, GRID_POOL));
    json_add(tiers, "zswap_loads", grid_json(report, true));
    json_add(tiers, "disk_reads", grid_json(report, false));
    return tiers;
}

static cJSON *document(const struct report *report)
{
    cJSON *root = json_object();
    json_add_string(root, "schema", MRC_SCHEMA);
    json_add_string(root, "zsim_version", ZSIM_VERSION);
    char *name = trace_name(report->arguments->trace);
    json_add_string(root, "name", name);
    free(name);
    json_add_string(root, "trace", report->arguments->trace);
    json_add_string(root, "fingerprint", report->workload->fingerprint);
    if (report->arguments->options.only_space != PAGE_STREAM_ALL_SPACES)
        json_add_integer(root, "space", (uint64_t)report->arguments->options.only_space);
    json_add_integer(root, "pages_a_sampled_page", trace_sample(report->workload));
    json_add_integer(root, "accesses", report->curve->accesses);
    json_add_real(root, "first_touches", report->first_touches);
    json_add_real(root, "footprint_bytes", report->footprint * PAGE_BYTES);
    json_add_bool(root, "exact", report->curve->exact != NULL);
    if (report->curve->sampled)
        json_add(root, "sampling", sampling_json(report));
    json_add(root, "curve", curve_json(report));
    json_add(root, "tiers", tiers_json(report));
    return root;
}

/* ---- the command ------------------------------------------------------------------------------
 */

static int output(const struct report *report)
{
    cJSON *root = document(report);
    int code = EXIT_DONE;
    if (report->arguments->json) {
        char *text = json_print(root);
        standard_output_put(text);
        free(text);
    } else {
        print_report(report);
    }
    if (report->arguments->output) {
        char *name = trace_name(report->arguments->trace);
        struct arena arena = {0};
        fflush(stdout);
        code = write_document(root, report->arguments->output,
                              arena_printf(&arena, "%s.mrc.json", name));
        arena_release(&arena);
        free(name);
    }
    cJSON_Delete(root);
    return finish_output(code);
}

static int analyse(const struct arguments *arguments, const struct workload *workload)
{
    struct diagnostics errors = {0};
    struct trace_contents contents;
    struct report report = {.arguments = arguments, .workload = workload, .contents = &contents};
    int code = EXIT_USER_MISTAKE;
    if (arguments->options.only_space >= (int64_t)workload->spaces)
        return usage_error("flag --space: %s has the spaces 0..%" PRIu32, arguments->trace,
                           workload->spaces - 1);
    if (trace_contents_open(&contents, workload, arguments->content, arguments->compressor,
                            &errors)) {
        struct miss_ratio *curve = miss_ratio_measure(workload, &arguments->options, &errors);
        clear_progress();
        if (curve && curve->accesses == 0)
            diagnostics_add(&errors, &(struct source_position){.file = arguments->trace},
                            "no accesses, no curve");
        if (curve && curve->accesses) {
            report.curve = curve;
            prepare(&report);
            code = output(&report);
        }
        miss_ratio_free(curve);
    }
    trace_contents_close(&contents);
    return diagnostics_report(&errors, code);
}

int command_mrc(int argc, char **argv)
{
    struct arguments arguments;
    struct diagnostics errors = {0};
    int code = parse(argc, argv, &arguments);
    if (code != EXIT_DONE)
        return code;
    if (arguments.help) {
        fputs(usage, stdout);
        return finish_output(EXIT_DONE);
    }
    struct workload *workload = trace_file_open(arguments.trace, NULL, NULL, &errors);
    code = workload ? analyse(&arguments, workload) : EXIT_USER_MISTAKE;
    if (workload)
        workload->type->close(workload);
    return diagnostics_report(&errors, code);
}

/* What was measured, for people and as a cost table. */
#define _GNU_SOURCE
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "sim/calibrate/calibrate.h"
#include "sim/engine/costs_table.h"
#include "sim/experiment/json_output.h"

/* The processor's name from /proc/cpuinfo; where there is none (Arm), the machine's. */
static void name_machine(char *name, size_t size)
{
    char line[256];
    struct utsname system;
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(name, size, "%s", uname(&system) == 0 ? system.machine : "an unknown processor");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "model name", 10) == 0 && strstr(line, ": ")) {
            snprintf(name, size, "%.*s", (int)strcspn(strstr(line, ": ") + 2, "\n"),
                     strstr(line, ": ") + 2);
            break;
        }
    if (file)
        fclose(file);
}

void calibrate(struct calibration *calibration, unsigned rounds)
{
    cpu_set_t before;
    bool saved = sched_getaffinity(0, sizeof(before), &before) == 0;
    int processor;
    *calibration = (struct calibration){.rounds = rounds};
    name_machine(calibration->machine, sizeof(calibration->machine));
    calibrate_processors(calibration);
    /* Where the switches left it, or on the first one. */
    if (saved && sched_setaffinity(0, sizeof(before), &before) == 0 &&
        allowed_processors(&processor, 1) == 1)
        pin_to(processor);
    calibrate_memory(calibration);
    calibrate_codecs(calibration);
    if (saved)
        sched_setaffinity(0, sizeof(before), &before);
}

/* A table holds whole numbers, none of them 0. */
static uint64_t whole(double value)
{
    return value < 1 ? 1 : (uint64_t)llround(value);
}

/* ---- for people ------------------------------------------------------------------- */

static void print_line(FILE *out, const char *what, const struct fitted_line *line)
{
    fprintf(out, "  %-10s %9.0f +- %-6.0f %9.0f +- %-6.0f %14.3g %9.1f%s\n", what, line->fixed,
            sqrt(line->fixed_variance), line->slope * 1000, sqrt(line->slope_variance) * 1000,
            line->covariance * 1000, line->chi_squared,
            line->bounded ? "  (one of the two would be negative)" : "");
}

void calibration_print(const struct calibration *calibration, FILE *out)
{
    fprintf(out, "%s, %u processors, %u rounds\n\n", calibration->machine, calibration->processors,
            calibration->rounds);
    fprintf(out, "%-20s %10s %10s %10s %9s\n", "cost, in ns", "median", "10 %", "90 %", "noise");
    for (unsigned i = 0; i < COSTS; i++) {
        const struct measured *cost = &calibration->costs[i];
        if (calibration->known[i])
            fprintf(out, "%-20s %10.1f %10.1f %10.1f %7.1f %%%s\n", cost_descriptions[i].name,
                    cost->median, cost->least, cost->most, 100 * cost->spread / cost->median,
                    cost->spread > 0.1 * cost->median ? "  noisy" : "");
    }
    fprintf(out,
            "\ncompressors; one page: fixed part + compressed length * slope\n  %-10s %19s %19s "
            "%14s %9s\n",
            "", "fixed, ns", "slope, ps a byte", "covariance", "chi2/dof");
    for (unsigned i = 0; compressors[i].name; i++)
        if (calibration->codecs[i].known) {
            fprintf(out, "%s, %u to %u bytes\n", compressors[i].name,
                    calibration->codecs[i].least_length, calibration->codecs[i].most_length);
            print_line(out, "compress", &calibration->codecs[i].compress);
            print_line(out, "decompress", &calibration->codecs[i].decompress);
        }
}

/* ---- as a cost table ------------------------------------------------------------------ */

static cJSON *range_of(uint64_t least, uint64_t most)
{
    cJSON *range = json_array();
    json_add_to_array(range, json_integer(least));
    json_add_to_array(range, json_integer(most));
    return range;
}

static cJSON *cost_json(const struct calibration *calibration, unsigned i, struct arena *arena)
{
    const struct measured *measured = &calibration->costs[i];
    const struct cost_source *builtin = &costs_builtin[i];
    cJSON *json = json_object();
    if (!calibration->known[i]) {
        json_add_integer(json, "ns", builtin->ns);
        json_add(json, "range", range_of(builtin->least, builtin->most));
        json_add_string(
            json, "source",
            arena_printf(arena, "taken over from the table \"vm\": %s", builtin->source));
        return json;
    }
    uint64_t ns = whole(measured->median), least = whole(floor(measured->least)),
             most = whole(ceil(measured->most));
    json_add_integer(json, "ns", ns);
    json_add(json, "range", range_of(least < ns ? least : ns, most > ns ? most : ns));
    json_add_string(
        json, "source",
        arena_printf(
            arena,
            "measured by zsim calibrate on %s: median of %u rounds, noise %.1f %%, range = "
            "10th to 90th percentile",
            calibration->machine, calibration->rounds, 100 * measured->spread / measured->median));
    return json;
}

static cJSON *codec_part(uint64_t ns, uint64_t ps_per_byte)
{
    cJSON *json = json_object();
    json_add_integer(json, "ns", ns);
    json_add_integer(json, "ps_per_byte", ps_per_byte);
    return json;
}

static const char *codec_text(const struct calibration *calibration,
                              const struct calibrated_codec *codec, struct arena *arena)
{
    const struct fitted_line *in = &codec->compress, *out = &codec->decompress;
    return arena_printf(
        arena,
        "measured by zsim calibrate on %s: lines through pages of %u to %u bytes, medians of %u "
        "rounds, pages in the cache; standard errors %.0f ns and %.0f ps (compress), %.0f ns and "
        "%.0f ps (decompress), covariances %.3g and %.3g ns ps",
        calibration->machine, codec->least_length, codec->most_length, calibration->rounds,
        sqrt(in->fixed_variance), 1000 * sqrt(in->slope_variance), sqrt(out->fixed_variance),
        1000 * sqrt(out->slope_variance), 1000 * in->covariance, 1000 * out->covariance);
}

static cJSON *codec_json(const struct calibration *calibration, const struct codec_source *builtin,
                         struct arena *arena)
{
    const struct calibrated_codec *codec =
        &calibration->codecs[compressor_find(builtin->compressor)];
    cJSON *json = json_object();
    if (codec->known) {
        json_add(json, "compress",
                 codec_part(whole(codec->compress.fixed), whole(1000 * codec->compress.slope)));
        json_add(json, "decompress",
                 codec_part(whole(codec->decompress.fixed), whole(1000 * codec->decompress.slope)));
        json_add_string(json, "source", codec_text(calibration, codec, arena));
        return json;
    }
    const struct codec_cost *cost = &builtin->cost;
    json_add(json, "compress", codec_part(cost->compress_ns, cost->compress_ps_per_byte));
    json_add(json, "decompress", codec_part(cost->decompress_ns, cost->decompress_ps_per_byte));
    json_add_string(json, "source",
                    arena_printf(arena, "taken over from the table \"vm\": %s", builtin->source));
    return json;
}

bool calibration_write(const struct calibration *calibration, const char *name, const char *path,
                       struct diagnostics *errors)
{
    struct arena arena = {0};
    cJSON *table = json_object(), *costs = json_object(), *codecs = json_object();
    json_add_string(table, "schema", "zsim.costs/1");
    json_add_string(table, "name", name);
    for (unsigned i = 0; i < COSTS; i++)
        json_add(costs, cost_descriptions[i].name, cost_json(calibration, i, &arena));
    for (const struct codec_source *codec = codecs_builtin; codec->compressor; codec++)
        json_add(codecs, codec->compressor, codec_json(calibration, codec, &arena));
    json_add(table, "costs", costs);
    json_add(table, "codecs", codecs);
    char *text = json_print(table);
    bool written = file_write_whole(path, text, strlen(text), errors);
    free(text);
    cJSON_Delete(table);
    arena_release(&arena);
    return written;
}

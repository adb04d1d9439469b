#include "workloads/trace_info.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "workloads/analysis/stack_distance.h"
#include "workloads/readers/foreign.h"
#include "workloads/readers/native.h"
#include "workloads/readers/readers.h"

enum {
    SPACES_SHOWN_AT_MOST = 16,
    TASKS_SHOWN_AT_MOST = 16,
    REGIONS_SHOWN_AT_MOST = 16,
    BAR_LENGTH = 30
};

/* ---- counting ------------------------------------------------------------- */

struct counting {
    struct trace_info *info;
    uint64_t *base;      /* [spaces]: index of a space's page 0 in `seen` */
    unsigned char *seen; /* number + 1 of the interval of a page's last access; 0: none */
    uint64_t per_interval;
    struct stack_distances *distances;
    unsigned shift; /* one page in 2^shift is followed */
};

static unsigned bucket_of(uint64_t distance)
{
    return distance ? 64 - (unsigned)__builtin_clzll(distance) : 0;
}

static void count_reuse(struct counting *in, uint64_t page, enum access_op op)
{
    struct trace_reuse *reuse = &in->info->reuse;
    if (in->shift && random_splitmix(page) >> (64 - in->shift))
        return;
    if (op == ACCESS_FREE) {
        stack_distances_forget(in->distances, page);
        return;
    }
    uint64_t distance = stack_distances_access(in->distances, page);
    if (distance == STACK_DISTANCE_FIRST)
        reuse->first += reuse->one_in;
    else
        reuse->bucket[bucket_of(distance << in->shift)] += reuse->one_in;
}

static void count_block(struct counting *in, const struct access *block, uint32_t count,
                        uint32_t number)
{
    struct trace_interval *interval = &in->info->interval[number];
    for (uint32_t i = 0; i < count; i++) {
        struct access record = block[i];
        struct trace_space_info *space = &in->info->space[record.space];
        unsigned char *seen = &in->seen[in->base[record.space] + record.page];
        bool new_page = *seen == 0;
        interval->first_touches += new_page;
        space->distinct += new_page;
        interval->working_set += *seen != number + 1;
        *seen = (unsigned char)(number + 1);
        interval->writes += record.op == ACCESS_WRITE;
        interval->frees += record.op == ACCESS_FREE;
        space->writes += record.op == ACCESS_WRITE;
        space->frees += record.op == ACCESS_FREE;
        space->accesses++;
        count_reuse(in, in->base[record.space] + record.page, record.op);
    }
    interval->accesses += count;
}

/* A block may reach over the border of two intervals. */
static void count_split(struct counting *in, const struct access *block, uint32_t count,
                        uint64_t position)
{
    while (count > 0) {
        uint64_t number = position / in->per_interval;
        uint64_t room = (number + 1) * in->per_interval - position;
        uint32_t part = count < room ? count : (uint32_t)room;
        count_block(in, block, part, (uint32_t)number);
        block += part;
        position += part;
        count -= part;
    }
}

static void add_totals(struct trace_info *info)
{
    for (uint32_t i = 0; i < info->spaces; i++) {
        info->accesses += info->space[i].accesses;
        info->writes += info->space[i].writes;
        info->frees += info->space[i].frees;
        info->distinct += info->space[i].distinct;
    }
    info->reads = info->accesses - info->writes - info->frees;
    while (info->intervals < TRACE_INFO_INTERVALS && info->interval[info->intervals].accesses)
        info->intervals++;
}

/* Bits of the pages' hash that must be 0. */
static unsigned sample_shift(uint64_t accesses, uint64_t exact_accesses)
{
    unsigned shift = 0;
    while (accesses >> shift > exact_accesses)
        shift++;
    return shift;
}

bool trace_info_count(const struct workload *workload, struct trace_info *info,
                      struct diagnostics *errors)
{
    return trace_info_count_within(workload, TRACE_INFO_EXACT_ACCESSES, info, errors);
}

bool trace_info_count_within(const struct workload *workload, uint64_t exact_accesses,
                             struct trace_info *info, struct diagnostics *errors)
{
    *info = (struct trace_info){.spaces = workload->spaces};
    info->space = memory_zeroed(workload->spaces, sizeof(*info->space), "counts of spaces");
    struct counting in = {.info = info};
    in.base = memory_zeroed(workload->spaces, sizeof(*in.base), "spaces");
    uint64_t pages = 0;
    for (uint32_t i = 0; i < workload->spaces; i++) {
        in.base[i] = pages;
        pages += workload->space_pages[i];
    }
    in.seen = memory_mapped(pages, "pages of a trace");
    in.shift = sample_shift(workload->accesses, exact_accesses);
    in.distances = stack_distances_create(0);
    info->reuse.one_in = (uint64_t)1 << in.shift;
    in.per_interval = workload->accesses / TRACE_INFO_INTERVALS +
                      (workload->accesses % TRACE_INFO_INTERVALS != 0);

    struct workload_cursor cursor = {.workload = workload};
    const struct workload_type *type = workload->type;
    const char *failure = NULL;
    if (type->start(&cursor)) {
        const struct access *block;
        uint64_t position = 0;
        for (uint32_t count; (count = type->next(&cursor, &block)); position += count)
            count_split(&in, block, count, position);
        failure = type->failure ? type->failure(&cursor) : NULL;
    } else
        failure = "the workload cannot be started";
    if (failure)
        diagnostics_add(errors, NULL, "%s", failure);
    type->stop(&cursor);
    add_totals(info);
    memory_unmap(in.seen, pages);
    stack_distances_free(in.distances);
    free(in.base);
    return !failure;
}

void trace_info_release(struct trace_info *info)
{
    free(info->space);
    info->space = NULL;
}

/* ---- printing -------------------------------------------------------------- */

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_bar(uint64_t part, uint64_t largest, FILE *out)
{
    uint64_t length = largest ? (uint64_t)((double)part / (double)largest * BAR_LENGTH + 0.5) : 0;
    for (uint64_t i = 0; i < length; i++)
        fputc('#', out);
    fputc('\n', out);
}

static uint64_t bucket_first(unsigned bucket)
{
    return bucket ? (uint64_t)1 << (bucket - 1) : 0;
}

static uint64_t bucket_last(unsigned bucket)
{
    return bucket ? bucket_first(bucket) + (bucket_first(bucket) - 1) : 0;
}

/* Buckets up to the last that holds something. */
static unsigned buckets_used(const struct trace_reuse *reuse)
{
    unsigned used = TRACE_INFO_BUCKETS;
    while (used > 0 && reuse->bucket[used - 1] == 0)
        used--;
    return used;
}

static void print_reuse_row(const char *first, const char *last, uint64_t count, uint64_t whole,
                            uint64_t largest, FILE *out)
{
    fprintf(out, "%12s %12s %12" PRIu64 " %12.1f %8s  ", first, last, count, percent(count, whole),
            "");
    print_bar(count, largest, out);
}

static void print_reuse(const struct trace_info *info, FILE *out)
{
    const struct trace_reuse *reuse = &info->reuse;
    uint64_t whole = reuse->first, largest = whole;
    unsigned used = buckets_used(reuse);
    for (unsigned i = 0; i < used; i++) {
        whole += reuse->bucket[i];
        if (reuse->bucket[i] > largest)
            largest = reuse->bucket[i];
    }
    if (reuse->one_in == 1)
        fputs("\nreuse distance  other pages since the last access to the page, exact\n", out);
    else
        fprintf(out,
                "\nreuse distance  other pages since the last access to the page, from one page in "
                "%" PRIu64 "\n",
                reuse->one_in);
    fprintf(out, "%12s %12s %12s %12s\n", "from", "to", "accesses", "%");
    for (unsigned i = 0; i < used; i++) {
        char first[24], last[24];
        snprintf(first, sizeof(first), "%" PRIu64, bucket_first(i));
        snprintf(last, sizeof(last), "%" PRIu64, bucket_last(i));
        print_reuse_row(first, last, reuse->bucket[i], whole, largest, out);
    }
    print_reuse_row("first", "access", reuse->first, whole, largest, out);
}

static void print_intervals(const struct trace_info *info, FILE *out)
{
    uint64_t from = 0, largest = 0;
    for (uint32_t i = 0; i < info->intervals; i++)
        if (info->interval[i].working_set > largest)
            largest = info->interval[i].working_set;
    fprintf(out, "\n%12s %12s %12s %12s %8s  %s\n", "from", "accesses", "working set", "new pages",
            "write %", "pages accessed in the interval");
    for (uint32_t i = 0; i < info->intervals; i++) {
        const struct trace_interval *interval = &info->interval[i];
        fprintf(out, "%12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %8.1f  ", from,
                interval->accesses, interval->working_set, interval->first_touches,
                percent(interval->writes, interval->accesses));
        print_bar(interval->working_set, largest, out);
        from += interval->accesses;
    }
}

/* The name of a space, or "". */
static const char *space_name(const struct native_trace *native, uint32_t space)
{
    return native && native->space_names && space < native->spaces ? native->space_names[space]
                                                                   : "";
}

static void print_spaces(const struct trace_info *info, const struct workload *workload, FILE *out)
{
    const struct native_trace *native = trace_workload_native(workload);
    fprintf(out, "\n%12s %12s %12s %12s %8s  %s\n", "space", "accesses", "pages", "distinct",
            "write %", "name");
    for (uint32_t i = 0; i < info->spaces && i < SPACES_SHOWN_AT_MOST; i++) {
        const struct trace_space_info *space = &info->space[i];
        fprintf(out, "%12" PRIu32 " %12" PRIu64 " %12" PRIu32 " %12" PRIu64 " %8.1f  %s\n", i,
                space->accesses, workload->space_pages[i], space->distinct,
                percent(space->writes, space->accesses), space_name(native, i));
    }
    if (info->spaces > SPACES_SHOWN_AT_MOST)
        fprintf(out, "%12s %" PRIu32 " more\n", "and", info->spaces - SPACES_SHOWN_AT_MOST);
}

static void print_tasks(const struct native_trace *native, FILE *out)
{
    if (!native || !native->tasks)
        return;
    fprintf(out, "\n%12s %12s %12s %12s  %s\n", "process", "thread", "forked by", "accesses",
            "command");
    for (uint32_t i = 0; i < native->tasks && i < TASKS_SHOWN_AT_MOST; i++) {
        const struct native_task *task = &native->task[i];
        char parent[16] = "-";
        if (task->parent != NATIVE_NONE)
            snprintf(parent, sizeof(parent), "%" PRIu32, native->task[task->parent].process);
        fprintf(out, "%12" PRIu32 " %12" PRIu32 " %12s %12" PRIu64 "  %s\n", task->process,
                task->thread, parent, task->records, task->name);
    }
    if (native->tasks > TASKS_SHOWN_AT_MOST)
        fprintf(out, "%12s %" PRIu32 " more\n", "and", native->tasks - TASKS_SHOWN_AT_MOST);
}

static const char *layout_name(const struct workload *workload)
{
    const struct native_trace *native = trace_workload_native(workload);
    if (!native)
        return workload->type->summary;
    static const char *const names[] = {[NATIVE_PLAIN] = "native version 1",
                                        [NATIVE_COMPRESSED] = "native version 1 in zstd",
                                        [NATIVE_BLOCKS] = "native version 2"};
    return names[native->layout];
}

static void print_regions(const struct native_trace *native, FILE *out)
{
    if (!native || !native->regions)
        return;
    fprintf(out, "\n%12s %12s %12s  %-10s %s\n", "space", "first page", "pages", "kind", "region");
    for (uint32_t i = 0; i < native->regions && i < REGIONS_SHOWN_AT_MOST; i++)
        fprintf(out, "%12" PRIu32 " %12" PRIu32 " %12" PRIu32 "  %-10s %s\n",
                native->region[i].space, native->region[i].first, native->region[i].pages,
                native_region_kinds[native->region[i].kind], native->region[i].name);
    if (native->regions > REGIONS_SHOWN_AT_MOST)
        fprintf(out, "%12s %" PRIu32 " more\n", "and", native->regions - REGIONS_SHOWN_AT_MOST);
}

void trace_info_print(const struct trace_info *info, const struct workload *workload,
                      const char *name, FILE *out)
{
    const struct native_trace *native = trace_workload_native(workload);
    char size[32];
    print_bytes(size, sizeof(size), info->distinct * PAGE_BYTES);
    fprintf(out, "%s: %s\n", name, layout_name(workload));
    const char *note = native ? native->note : foreign_note(workload);
    if (note && note[0])
        fprintf(out, "note            %s\n", note);
    fprintf(out, "accesses        %" PRIu64 "\n", info->accesses);
    fprintf(out, "reads           %" PRIu64 " (%.1f %%)\n", info->reads,
            percent(info->reads, info->accesses));
    fprintf(out, "writes          %" PRIu64 " (%.1f %%)\n", info->writes,
            percent(info->writes, info->accesses));
    fprintf(out, "frees           %" PRIu64 " (%.1f %%)\n", info->frees,
            percent(info->frees, info->accesses));
    fprintf(out, "distinct pages  %" PRIu64 " (%s)\n", info->distinct, size);
    fprintf(out, "spaces          %" PRIu32 "\n", info->spaces);
    if (native && native->sample > 1)
        fprintf(out, "sampled         one page in %" PRIu32 "\n", native->sample);
    if (native)
        fprintf(out, "file            %zu bytes, %.2f bytes an access\n", native->size,
                info->accesses ? (double)native->size / (double)info->accesses : 0);
    fprintf(out, "fingerprint     %s\n", workload->fingerprint);
    if (info->spaces > 1)
        print_spaces(info, workload, out);
    print_tasks(native, out);
    print_regions(native, out);
    print_intervals(info, out);
    print_reuse(info, out);
}

static void print_json_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_json_spaces(const struct trace_info *info, const struct workload *workload,
                              FILE *out)
{
    const struct native_trace *native = trace_workload_native(workload);
    fputs("  \"spaces\": [\n", out);
    for (uint32_t i = 0; i < info->spaces; i++) {
        fputs("    {\"name\": ", out);
        print_json_string(space_name(native, i), out);
        fprintf(out,
                ", \"accesses\": %" PRIu64 ", \"pages\": %" PRIu32 ", \"distinct_pages\": %" PRIu64
                ", \"writes\": %" PRIu64 ", \"frees\": %" PRIu64 "}%s\n",
                info->space[i].accesses, workload->space_pages[i], info->space[i].distinct,
                info->space[i].writes, info->space[i].frees, i + 1 < info->spaces ? "," : "");
    }
    fputs("  ],\n", out);
}

static void print_json_tasks(const struct native_trace *native, FILE *out)
{
    fputs("  \"tasks\": [", out);
    for (uint32_t i = 0; native && i < native->tasks; i++) {
        const struct native_task *task = &native->task[i];
        fprintf(out, "%s\n    {\"process\": %" PRIu32 ", \"thread\": %" PRIu32, i ? "," : "",
                task->process, task->thread);
        if (task->space != NATIVE_NONE)
            fprintf(out, ", \"space\": %" PRIu32, task->space);
        if (task->parent != NATIVE_NONE)
            fprintf(out, ", \"parent\": %" PRIu32, task->parent);
        fprintf(out, ", \"accesses\": %" PRIu64 ", \"command\": ", task->records);
        print_json_string(task->name, out);
        fputc('}', out);
    }
    fputs("],\n", out);
}

static void print_json_intervals(const struct trace_info *info, FILE *out)
{
    fputs("  \"intervals\": [\n", out);
    for (uint32_t i = 0; i < info->intervals; i++) {
        const struct trace_interval *interval = &info->interval[i];
        fprintf(out,
                "    {\"accesses\": %" PRIu64 ", \"working_set_pages\": %" PRIu64
                ", \"first_touches\": %" PRIu64 ", \"writes\": %" PRIu64 ", \"frees\": %" PRIu64
                "}%s\n",
                interval->accesses, interval->working_set, interval->first_touches,
                interval->writes, interval->frees, i + 1 < info->intervals ? "," : "");
    }
    fputs("  ],\n", out);
}

static void print_json_reuse(const struct trace_info *info, FILE *out)
{
    const struct trace_reuse *reuse = &info->reuse;
    unsigned used = buckets_used(reuse);
    fprintf(out,
            "  \"reuse\": {\n    \"pages_sampled_one_in\": %" PRIu64
            ",\n    \"first_accesses\": %" PRIu64 ",\n    \"buckets\": [",
            reuse->one_in, reuse->first);
    for (unsigned i = 0; i < used; i++)
        fprintf(out,
                "%s\n      {\"distance_from\": %" PRIu64 ", \"distance_to\": %" PRIu64
                ", \"accesses\": %" PRIu64 "}",
                i ? "," : "", bucket_first(i), bucket_last(i), reuse->bucket[i]);
    fputs("\n    ]\n  }\n", out);
}

static void print_json_regions(const struct native_trace *native, FILE *out)
{
    fputs("  \"regions\": [", out);
    for (uint32_t i = 0; native && i < native->regions; i++) {
        const struct native_region *region = &native->region[i];
        fprintf(out,
                "%s\n    {\"space\": %" PRIu32 ", \"first\": %" PRIu32 ", \"pages\": %" PRIu32
                ", \"kind\": \"%s\", \"name\": ",
                i ? "," : "", region->space, region->first, region->pages,
                native_region_kinds[region->kind]);
        print_json_string(region->name, out);
        fputc('}', out);
    }
    fputs("],\n", out);
}

void trace_info_print_json(const struct trace_info *info, const struct workload *workload,
                           const char *name, FILE *out)
{
    const struct native_trace *native = trace_workload_native(workload);
    fputs("{\n  \"file\": ", out);
    print_json_string(name, out);
    fprintf(out, ",\n  \"format\": \"%s\",\n  \"note\": ", layout_name(workload));
    const char *note = native ? native->note : foreign_note(workload);
    print_json_string(note ? note : "", out);
    fprintf(out,
            ",\n  \"fingerprint\": \"%s\",\n  \"accesses\": %" PRIu64 ",\n  \"reads\": %" PRIu64
            ",\n  \"writes\": %" PRIu64 ",\n  \"frees\": %" PRIu64
            ",\n  \"distinct_pages\": %" PRIu64 ",\n  \"file_bytes\": %zu,\n",
            workload->fingerprint, info->accesses, info->reads, info->writes, info->frees,
            info->distinct, native ? native->size : 0);
    fprintf(out, "  \"pages_a_sampled_page\": %" PRIu32 ",\n", native ? native->sample : 1);
    print_json_spaces(info, workload, out);
    print_json_tasks(native, out);
    print_json_regions(native, out);
    print_json_intervals(info, out);
    print_json_reuse(info, out);
    fputs("}\n", out);
}

/* Reading a manifest and making the results of its lines. */
#define _GNU_SOURCE
#include "sim/experiment/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "sim/base/units.h"
#include "sim/experiment/result_address.h"
#include "sim/experiment/run.h"
#include "sim/experiment/shared_inputs.h"

/* ---- reading ------------------------------------------------------------------ */

/* The cells of a line, which is cut up. */
static uint32_t split_line(struct arena *arena, char *line, const char ***out)
{
    uint32_t count = 1;
    for (const char *at = line; *at; at++)
        count += *at == '\t';
    const char **cells = arena_zeroed(arena, count * sizeof(*cells));
    count = 0;
    for (char *cell; (cell = strsep(&line, "\t"));)
        cells[count++] = arena_string(arena, cell, strlen(cell));
    *out = cells;
    return count;
}

static bool read_header(struct manifest *manifest, char *line,
                        const struct source_position *position, struct diagnostics *errors)
{
    manifest->column_count = split_line(&manifest->arena, line, &manifest->columns);
    uint32_t count = manifest->column_count;
    if (count >= 5 && strcmp(manifest->columns[0], "id") == 0 &&
        strcmp(manifest->columns[1], "variant") == 0 &&
        strcmp(manifest->columns[count - 3], "seed") == 0 &&
        strcmp(manifest->columns[count - 2], "config") == 0 &&
        strcmp(manifest->columns[count - 1], "result") == 0)
        return true;
    diagnostics_add(errors, position,
                    "not a manifest: expected the columns id, variant, ..., seed, config, result");
    return false;
}

/* "results/ADDRESS.json" -> "ADDRESS", or NULL. */
static const char *address_of(struct manifest *manifest, const char *result)
{
    static const char before[] = "results/", after[] = ".json";
    size_t length = sizeof(before) - 1 + RESULT_ADDRESS_DIGITS;
    if (strlen(result) != length + sizeof(after) - 1 ||
        strncmp(result, before, sizeof(before) - 1) != 0 || strcmp(result + length, after) != 0)
        return NULL;
    const char *address = result + sizeof(before) - 1;
    if (strspn(address, "0123456789abcdef") != RESULT_ADDRESS_DIGITS)
        return NULL;
    return arena_string(&manifest->arena, address, RESULT_ADDRESS_DIGITS);
}

/* A path of the manifest, which is relative to where it lies. */
static const char *path_of(struct manifest *manifest, const char *name)
{
    const char *slash = strrchr(manifest->path, '/');
    if (name[0] == '/' || !slash)
        return name;
    return arena_printf(&manifest->arena, "%.*s%s", (int)(slash - manifest->path) + 1,
                        manifest->path, name);
}

static bool read_row(struct manifest *manifest, char *line, const struct source_position *position,
                     struct diagnostics *errors)
{
    struct manifest_row row = {0};
    uint32_t columns = manifest->column_count;
    uint32_t count = split_line(&manifest->arena, line, &row.fields);
    uint64_t id;
    if (count != columns) {
        diagnostics_add(errors, position, "expected %" PRIu32 " cells, found %" PRIu32, columns,
                        count);
        return false;
    }
    if (!parse_count(row.fields[0], &id) || id != manifest->row_count + 1) {
        diagnostics_add(errors, position, "expected the id %" PRIu32 ", found \"%s\"",
                        manifest->row_count + 1, row.fields[0]);
        return false;
    }
    if (!parse_count(row.fields[columns - 3], &row.seed)) {
        diagnostics_add(errors, position, "expected a seed, a whole number, found \"%s\"",
                        row.fields[columns - 3]);
        return false;
    }
    row.variant = row.fields[1];
    row.config = path_of(manifest, row.fields[columns - 2]);
    row.result = path_of(manifest, row.fields[columns - 1]);
    row.address = address_of(manifest, row.fields[columns - 1]);
    if (!row.address) {
        diagnostics_add(errors, position,
                        "expected a result such as results/ADDRESS.json with %d hex digits, "
                        "found \"%s\"",
                        RESULT_ADDRESS_DIGITS, row.fields[columns - 1]);
        return false;
    }
    /* Room grows by doubling: at every power of two. */
    if ((manifest->row_count & (manifest->row_count - 1)) == 0)
        manifest->rows = memory_resized(manifest->rows,
                                        manifest->row_count ? (size_t)manifest->row_count * 2 : 1,
                                        sizeof(*manifest->rows), "lines of a manifest");
    manifest->rows[manifest->row_count++] = row;
    return true;
}

static bool read_lines(struct manifest *manifest, FILE *file, struct diagnostics *errors)
{
    struct source_position position = {.file = manifest->path};
    char *line = NULL;
    size_t size = 0;
    bool good = true;
    for (ssize_t length; good && (length = getline(&line, &size, file)) >= 0;) {
        position.line++;
        position.column = 1;
        if (strlen(line) != (size_t)length || line[length - 1] != '\n') {
            diagnostics_add(errors, &position, "not a line of text: it ends early or holds a NUL");
            good = false;
            break;
        }
        line[length - 1] = '\0';
        good = position.line == 1 ? read_header(manifest, line, &position, errors)
                                  : read_row(manifest, line, &position, errors);
    }
    if (good && (ferror(file) || manifest->row_count == 0)) {
        position = (struct source_position){.file = manifest->path};
        diagnostics_add(errors, &position, "%s",
                        ferror(file) ? strerror(errno) : "a manifest without runs");
        good = false;
    }
    free(line);
    return good;
}

struct manifest *manifest_read(const char *path, struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    const char *why;
    FILE *file = file_open_stream(path, &why);
    if (!file) {
        diagnostics_add(errors, &position, "cannot be read: %s", why);
        return NULL;
    }
    struct manifest *manifest = memory_zeroed(1, sizeof(*manifest), "a manifest");
    manifest->path = arena_string(&manifest->arena, path, strlen(path));
    bool good = read_lines(manifest, file, errors);
    fclose(file);
    if (good)
        return manifest;
    manifest_free(manifest);
    return NULL;
}

void manifest_free(struct manifest *manifest)
{
    if (!manifest)
        return;
    free(manifest->rows);
    arena_release(&manifest->arena);
    free(manifest);
}

/* ---- which lines ---------------------------------------------------------------- */

/* "3", "1..10,17": marks in chosen[]; false after adding to `errors`. */
static bool choose_ids(const struct manifest *manifest, const char *text, bool *chosen,
                       struct diagnostics *errors)
{
    char *copy = memory_string(text), *rest = copy, *part;
    bool good = true;
    while (good && (part = strsep(&rest, ","))) {
        char *dots = strstr(part, "..");
        uint64_t first, last;
        if (dots)
            *dots = '\0';
        good = parse_count(part, &first) && parse_count(dots ? dots + 2 : part, &last) &&
               first >= 1 && first <= last && last <= manifest->row_count;
        for (uint64_t id = first; good && id <= last; id++)
            chosen[id - 1] = true;
    }
    if (!good)
        diagnostics_add(errors, NULL,
                        "--id %s: expected ids in 1..%" PRIu32 " such as 3 or 1..10,17", text,
                        manifest->row_count);
    free(copy);
    return good;
}

/* Read so many bytes, in as many pieces as the system wants. */
static bool read_whole(int file, char *bytes, size_t count)
{
    while (count) {
        ssize_t got = read(file, bytes, count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        count -= (size_t)got;
    }
    return true;
}

/* (Without a stream, for which there may be no memory.) */
bool manifest_result_there(const struct manifest_row *row)
{
    char end[3] = "";
    int file = open(row->result, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool whole = lseek(file, -2, SEEK_END) >= 0 && read_whole(file, end, 2);
    close(file);
    return whole && strcmp(end, "}\n") == 0;
}

/* ---- making results ------------------------------------------------------------- */

enum work_state { WORK_WAITS, WORK_THERE, WORK_MADE, WORK_FAILED, WORK_MISTAKE };

/* One line that is to be made. */
struct manifest_work {
    const struct manifest_row *row;
    struct experiment *experiment;  /* kept: shared inputs point into it */
    struct piece_progress progress; /* total 0: not begun */
    enum work_state state;
};

struct manifest_runs {
    const struct manifest_run_options *options;
    struct manifest *manifest;
    struct manifest_work *works;
    struct shared_inputs *inputs;
    struct parallel parallel;
    pthread_mutex_t message_lock;
};

/* Runs that are finished, and the finished shares of those under way.  What was
 * there before takes no time, so it does not count for the time left. */
static void show_progress(void *context)
{
    const struct manifest_runs *runs = context;
    struct progress_line line = {0};
    uint32_t there = 0;
    for (uint32_t i = 0; i < runs->parallel.count; i++) {
        const struct manifest_work *work = &runs->works[i];
        struct piece_progress piece = piece_progress_read(&work->progress);
        enum work_state state = __atomic_load_n(&work->state, __ATOMIC_RELAXED);
        line.finished += state == WORK_MADE || state == WORK_THERE;
        line.failed += state == WORK_FAILED || state == WORK_MISTAKE;
        there += state == WORK_THERE;
        line.accesses += piece.done;
        line.simulated_ns += piece.now_ns;
        if (state != WORK_WAITS)
            line.share += state != WORK_THERE;
        else if (piece.total)
            line.share += (double)piece.done / (double)piece.total;
    }
    uint32_t to_make = runs->parallel.count - there;
    line.share = to_make ? line.share / to_make : 1;
    progress_line_print(&runs->parallel, &line);
}

/* The config must still say what the manifest was written for. */
static bool check_address(struct manifest_runs *runs, struct manifest_work *work,
                          struct diagnostics *errors)
{
    char address[RESULT_ADDRESS_DIGITS + 1];
    const struct manifest_row *row = work->row;
    struct source_position position = {.file = row->config};
    struct experiment *experiment = work->experiment;
    if (experiment->variant_count != 1 || experiment->seed_count != 1) {
        diagnostics_add(errors, &position, "expected one variant and one seed, found %u and %u",
                        experiment->variant_count, experiment->seed_count);
        return false;
    }
    if (!result_address(experiment, 0, experiment->seeds[0], address, errors))
        return false;
    if (strcmp(address, row->address) == 0)
        return true;
    diagnostics_add(errors, &position,
                    "this run is not the one that %s names: the config, an input or zsim itself "
                    "has changed since; expand the sweep again",
                    runs->manifest->path);
    return false;
}

static enum work_state make_result(struct manifest_runs *runs, struct manifest_work *work,
                                   struct diagnostics *errors)
{
    struct sim_options options = {
        .checks = runs->options->checks,
        .interrupted = &runs->parallel.interrupted,
        .progress = piece_progress_note,
        .progress_context = &work->progress,
    };
    struct source_position position = {.file = work->row->config};
    struct run_record record = {0};
    run_record_make(&record, work->experiment, 0, work->experiment->seeds[0], &options, errors);
    enum work_state state = WORK_FAILED;
    if (record.result.complete) {
        struct result_totals totals = {&record, true, 1, record.result.host_wall_ns};
        if (experiment_write_result(work->experiment, work->row->result, &totals,
                                    runs->parallel.count == 1 ? stdout : NULL))
            state = WORK_MADE;
    } else if (runs->parallel.interrupted && !record.result.failure) {
        state = WORK_WAITS;
    } else {
        diagnostics_add(errors, &position, "seed %" PRIu64 " failed: %s", work->row->seed,
                        record.result.failure ? record.result.failure : "it did not reach its end");
    }
    run_record_release(&record);
    return state;
}

static void work_line(void *context, uint32_t index)
{
    struct manifest_runs *runs = context;
    struct manifest_work *work = &runs->works[index];
    struct diagnostics errors = {0};
    enum work_state state = WORK_THERE;
    if (!manifest_result_there(work->row)) {
        work->experiment = experiment_read_sharing(work->row->config, runs->inputs,
                                                   runs->options->plugins, &errors);
        state = work->experiment && check_address(runs, work, &errors)
                    ? make_result(runs, work, &errors)
                    : WORK_MISTAKE;
    }
    __atomic_store_n(&work->state, state, __ATOMIC_RELAXED);
    pthread_mutex_lock(&runs->message_lock);
    diagnostics_print(&errors);
    pthread_mutex_unlock(&runs->message_lock);
    diagnostics_release(&errors);
}

/* ---- plug-ins ------------------------------------------------------------------- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The same file, wherever it lies, or another build of it: then it is the address that differs. */
static bool plugin_given(const struct plugins *plugins, const char *path, const char *xxh3)
{
    for (const struct plugin_file *at = plugins_files(plugins); at->path; at++)
        if (strcmp(at->xxh3, xxh3) == 0 || strcmp(file_name(at->path), file_name(path)) == 0)
            return true;
    return false;
}

/* Without its plug-ins no config of a sweep can be read, or each would be another run: said once,
 * where something is to be made. */
static bool check_plugins(const struct manifest_runs *runs, struct diagnostics *errors)
{
    struct manifest *manifest = runs->manifest;
    struct source_position position = {.file = manifest->path};
    bool all_there = true, good = true;
    for (uint32_t i = 0; all_there && i < runs->parallel.count; i++)
        all_there = manifest_result_there(runs->works[i].row);
    for (uint32_t i = 2; !all_there && i < manifest->column_count - 3; i++) {
        const char *cell = runs->works[0].row->fields[i], *xxh3 = strrchr(cell, '@');
        if (strncmp(manifest->columns[i], MANIFEST_PLUGIN, strlen(MANIFEST_PLUGIN)) != 0 || !xxh3)
            continue;
        const char *path = arena_string(&manifest->arena, cell, (size_t)(xxh3 - cell));
        if (plugin_given(runs->options->plugins, path, xxh3 + 1))
            continue;
        diagnostics_add(errors, &position, "expanded with --plugin %s, which is not given", path);
        good = false;
    }
    return good;
}

/* ---- the command ------------------------------------------------------------------ */

static bool choose_work(struct manifest_runs *runs, struct diagnostics *errors)
{
    struct manifest *manifest = runs->manifest;
    bool *chosen = memory_zeroed(manifest->row_count, sizeof(*chosen), "lines to be made");
    bool good = true;
    if (runs->options->ids)
        good = choose_ids(manifest, runs->options->ids, chosen, errors);
    else
        memset(chosen, 1, manifest->row_count);
    runs->works = memory_zeroed(manifest->row_count, sizeof(*runs->works), "lines to be made");
    for (uint32_t i = 0; i < manifest->row_count; i++)
        if (chosen[i])
            runs->works[runs->parallel.count++].row = &manifest->rows[i];
    free(chosen);
    return good;
}

static uint32_t count_state(const struct manifest_runs *runs, enum work_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < runs->parallel.count; i++)
        count += runs->works[i].state == state;
    return count;
}

static int finish(const struct manifest_runs *runs)
{
    uint32_t mistakes = count_state(runs, WORK_MISTAKE);
    uint32_t failed = count_state(runs, WORK_FAILED) + mistakes;
    bool all_there =
        count_state(runs, WORK_MADE) + count_state(runs, WORK_THERE) == runs->parallel.count;
    if (!all_there || runs->options->progress != PROGRESS_NEVER)
        fprintf(stderr,
                "zsim: %s: %" PRIu32 " of %" PRIu32 " results made, %" PRIu32
                " were there, %" PRIu32 " failed in %.1f s%s\n",
                runs->manifest->path, count_state(runs, WORK_MADE), runs->parallel.count,
                count_state(runs, WORK_THERE), failed,
                (double)(host_now_ns() - runs->parallel.begin_ns) / 1e9,
                runs->parallel.interrupted ? ", interrupted" : "");
    if (runs->parallel.interrupted)
        return 130;
    if (mistakes == runs->parallel.count)
        return 2;
    return failed ? 1 : 0;
}

int manifest_run(const struct manifest_run_options *options)
{
    struct manifest_runs runs = {.options = options};
    struct diagnostics errors = {0};
    int code = 2;
    runs.manifest = manifest_read(options->manifest, &errors);
    if (runs.manifest && choose_work(&runs, &errors) && check_plugins(&runs, &errors)) {
        runs.inputs = shared_inputs_create();
        runs.parallel.jobs = options->jobs;
        runs.parallel.progress = options->progress;
        runs.parallel.work = work_line;
        runs.parallel.show_progress = show_progress;
        runs.parallel.context = &runs;
        pthread_mutex_init(&runs.message_lock, NULL);
        parallel_run(&runs.parallel);
        code = finish(&runs);
        parallel_release_signals(&runs.parallel);
        pthread_mutex_destroy(&runs.message_lock);
        shared_inputs_free(runs.inputs);
        for (uint32_t i = 0; i < runs.parallel.count; i++)
            experiment_free(runs.works[i].experiment);
    }
    diagnostics_print(&errors);
    diagnostics_release(&errors);
    free(runs.works);
    manifest_free(runs.manifest);
    return code;
}

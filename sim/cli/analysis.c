#define _GNU_SOURCE
#include "sim/cli/analysis.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/units.h"
#include "sim/cli/commands.h"
#include "sim/experiment/config_decode.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/summary.h"
#include "workloads/readers/native.h"
#include "workloads/readers/readers.h"

/* ---- contents ------------------------------------------------------------------ */

static bool set_param(const struct content_type *type, void *params, const char *key,
                      const char *value)
{
    char expected[128];
    for (size_t i = 0; i < type->params.count; i++)
        if (strcmp(type->params.rows[i].name, key) == 0)
            return params_set(&type->params.rows[i], params, value, expected, sizeof(expected));
    return false;
}

bool trace_contents_open(struct trace_contents *contents, const struct workload *workload,
                         const char *profile, unsigned compressor, struct diagnostics *errors)
{
    const struct content_type *type = content_type_find(profile ? "profile" : DEFAULT_CONTENT_TYPE);
    *contents = (struct trace_contents){.spaces = workload->spaces, .assumed = profile == NULL};
    contents->of_space =
        memory_zeroed(workload->spaces, sizeof(*contents->of_space), "contents of a trace");
    void *params = arena_zeroed(&contents->arena, type->params.struct_bytes);
    params_set_defaults(&type->params, params);
    set_param(type, params, profile ? "file" : "classes",
              profile ? profile : DEFAULT_CONTENT_CLASSES);
    contents->description = profile ? profile
                                    : arena_printf(&contents->arena, "%s \"%s\"",
                                                   DEFAULT_CONTENT_TYPE, DEFAULT_CONTENT_CLASSES);
    struct source_position position = {.file = profile ? profile : "--content"};
    for (uint32_t i = 0; i < workload->spaces; i++) {
        contents->of_space[i] = type->open(params, workload->space_pages[i], &position, errors);
        if (!contents->of_space[i])
            return false;
        if (!content_knows(contents->of_space[i], compressor)) {
            diagnostics_add(errors, &position, "the profile has no lengths under \"%s\"",
                            compressors[compressor].name);
            return false;
        }
    }
    return true;
}

void trace_contents_close(struct trace_contents *contents)
{
    for (uint32_t i = 0; contents->of_space && i < contents->spaces; i++)
        content_close(contents->of_space[i]);
    free(contents->of_space);
    arena_release(&contents->arena);
}

/* ---- words ------------------------------------------------------------------------ */

char *trace_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = memory_string(slash ? slash + 1 : path);
    char *dot = strchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    return name;
}

uint32_t trace_sample(const struct workload *workload)
{
    const struct native_trace *native = trace_workload_native(workload);
    return native && native->sample > 1 ? native->sample : 1;
}

const char *pages_as_size(char out[24], double pages)
{
    print_quantity(out, 24, pages * PAGE_BYTES, "bytes");
    return out;
}

int take_size(const char *flag, const char *text, uint64_t *bytes)
{
    if (parse_bytes(text, bytes) && *bytes >= PAGE_BYTES && *bytes % PAGE_BYTES == 0)
        return EXIT_DONE;
    return usage_error("flag %s: expected a size of whole pages such as \"64M\", found \"%s\"",
                       flag, text);
}

int take_compressor(const char *text, unsigned *compressor)
{
    int index = compressor_find(text);
    const char *near = compressor_nearest(text);
    if (index < 0)
        return usage_error("flag --compressor: unknown compressor \"%s\"%s%s%s", text,
                           near ? "; did you mean \"" : " (zsim list compressors)",
                           near ? near : "", near ? "\"?" : "");
    *compressor = (unsigned)index;
    return EXIT_DONE;
}

void show_reading(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    if (isatty(STDERR_FILENO) && total)
        fprintf(stderr, "\rzsim: reading: %3.0f %%\033[K", 100 * (double)done / (double)total);
}

void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* ---- documents and figures ----------------------------------------------------------- */

/* The script that stands beside the program in a source tree, or where it is installed. */
static char *plot_script(void)
{
    static const char *const places[] = {"scripts/plot", "../share/zsim/scripts/plot"};
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0)
        return NULL;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *path = memory_printed("%s/%s", program, places[i]);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

/* It prints the names of the figures; they are no part of this command's output. */
static void draw(const char *document)
{
    char *script = plot_script();
    if (!script) {
        fprintf(stderr, "zsim: figures: scripts/plot %s draws them\n", document);
        return;
    }
    char *const arguments[] = {script, memory_string(document), NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    if (posix_spawn(&child, script, &actions, NULL, arguments, environ) == 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0)
        fprintf(stderr, "zsim: the figures of %s were not drawn\n", document);
    free(arguments[1]);
    free(script);
}

int write_document(cJSON *document, const char *directory, const char *file_name)
{
    struct diagnostics errors = {0};
    char *path = memory_printed("%s/%s", directory, file_name), *text = json_print(document);
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        diagnostics_add(&errors, &(struct source_position){.file = directory},
                        "cannot be used as the output directory: %s", strerror(errno));
    } else if (file_write_whole(path, text, strlen(text), &errors)) {
        fprintf(stderr, "%s\n", path);
        draw(path);
    }
    free(path);
    free(text);
    return diagnostics_report(&errors, errors.count ? EXIT_RUN_FAILED : EXIT_DONE);
}

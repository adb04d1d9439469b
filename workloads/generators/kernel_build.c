/* Type `kernel_build`: one job of a parallel build, compiler after compiler.
 *
 * A compiler grows its memory while it goes back mostly to what it allocated last, and
 * again and again to headers that all jobs read; then it writes an object and exits,
 * which frees its memory, swapped or not, without reading it.  When all are done, one
 * more process reads the job's objects: the linker.
 *
 * Spaces: 0 is the memory of the process of the moment, 1 the job's objects and 2 the
 * sources and headers, which all replicas of the task share.  1 and 2 are files in a
 * tmpfs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "workloads/generators/generators.h"
#include "workloads/generators/stream.h"

enum { PROCESS, OBJECTS, SOURCES, SPACES };
enum { BLOCK_RECORDS = 4096, KINDS = 8 };

/* Compilers, over the means, in 1/1024.  Both columns are the means of the eighths of a
 * log-normal distribution, of mean 1: sizes with a standard deviation of 0.5 in the logarithm,
 * accesses for each page, with "long_lives", with one of 1: what a file holds beside its headers
 * takes memory, but more of time.  An eighth of the compilers then takes 0.6 of the time. */
static const struct kind {
    uint32_t size, touches;
} kinds[KINDS] = {{405, 129}, {579, 256},   {708, 382},   {836, 533},
                  {979, 730}, {1157, 1021}, {1417, 1535}, {2111, 3606}};

/* What is new of a process's memory: a sixteenth. */
enum { NEWEST_PART = 16 };

struct kernel_build_params {
    uint64_t processes;
    uint64_t process; /* bytes */
    uint64_t touches; /* of each page */
    bool long_lives;
    uint64_t newest_percent; /* of the accesses to its own memory */
    uint64_t recency;
    uint64_t sources;        /* bytes */
    uint64_t file;           /* bytes */
    uint64_t source_percent; /* of the accesses */
    double exponent;
    uint64_t object;  /* bytes */
    uint64_t exec_ns; /* of a compiler */
};

#define ROW(field) .offset = offsetof(struct kernel_build_params, field)

static const struct param kernel_build_rows[] = {
    {.name = "processes",
     .type = PARAM_COUNT,
     ROW(processes),
     .flags = PARAM_REQUIRED,
     .least = 1,
     .most = 1e6,
     .help = "compilers that a job runs, one after the other; the linker comes on top"},
    {.name = "process",
     .type = PARAM_BYTES,
     ROW(process),
     .flags = PARAM_WHOLE_PAGES,
     .initial = "60M",
     .least = 65536,
     .most = 4096.0 * 1073741824.0,
     .help = "mean memory of a compiler in bytes; sizes lie between 0.4 and 2.1 of it",
     .source = "estimate: largest resident size of gcc on a file of the kernel, 40 to 80 MiB"},
    {.name = "touches",
     .type = PARAM_COUNT,
     ROW(touches),
     .initial = "16",
     .least = 1,
     .most = 1e6,
     .help = "accesses of a compiler for each page of its memory",
     .source = "estimate: with \"think\" it gives a compiler's processor time"},
    {.name = "long_lives",
     .type = PARAM_BOOL,
     ROW(long_lives),
     .initial = "false",
     .help = "large compilers use each page more often than small ones, an eighth to 3.5 times as "
             "often as the mean, so that an eighth of the compilers takes 0.6 of the time",
     .source = "estimate"},
    {.name = "newest_percent",
     .type = PARAM_COUNT,
     ROW(newest_percent),
     .initial = "96",
     .least = 0,
     .most = 100,
     .help = "share of a process's accesses to its own memory that go to the newest sixteenth of "
             "it, in percent; the rest go to any of its pages",
     .source = "estimate: a compiler works on one function at a time and rarely goes back to "
               "what headers declared"},
    {.name = "recency",
     .type = PARAM_COUNT,
     ROW(recency),
     .initial = "1",
     .least = 1,
     .most = 16,
     .help = "the rest of those accesses goes back by the n-th power of a uniform draw, from the "
             "newest page; 1: to any page alike, 4: half of them in the newest sixteenth",
     .source = "estimate: what was allocated last is used most, and an older page the less the "
               "older it is"},
    {.name = "sources",
     .type = PARAM_BYTES,
     ROW(sources),
     .flags = PARAM_WHOLE_PAGES,
     .initial = "128M",
     .least = 4096,
     .most = 4096.0 * WORKLOAD_PAGES_AT_MOST,
     .help = "files that compilers read, in bytes, the same for all jobs",
     .source = "estimate: of a kernel tree of 1.2 GiB, its headers (60 MiB) and what one "
               "configuration compiles"},
    {.name = "file",
     .type = PARAM_BYTES,
     ROW(file),
     .flags = PARAM_WHOLE_PAGES,
     .initial = "4K",
     .least = 4096,
     .most = 1073741824.0,
     .help = "size of each of those files in bytes: a process that begins one reads it to its end",
     .source = "a kernel tree of 1.2 GiB has 80,000 files: 16 KiB each"},
    {.name = "source_percent",
     .type = PARAM_COUNT,
     ROW(source_percent),
     .initial = "5",
     .least = 0,
     .most = 100,
     .help = "share of the accesses that read files, in percent",
     .source = "estimate: preprocessed text is a few MiB, each page read a few times"},
    {.name = "exponent",
     .type = PARAM_REAL,
     ROW(exponent),
     .initial = "0.9",
     .least = 0,
     .most = 16,
     .help = "of the zipf distribution over those files: most files include the same headers",
     .source = "estimate"},
    {.name = "object",
     .type = PARAM_BYTES,
     ROW(object),
     .flags = PARAM_WHOLE_PAGES,
     .initial = "128K",
     .least = 4096,
     .most = 4096.0 * 1048576.0,
     .help = "object file that a compiler leaves behind, in bytes",
     .source = "estimate: 2,500 to 3,000 objects of a build that fills 300 to 400 MiB"},
    {.name = "exec",
     .type = PARAM_TIME,
     ROW(exec_ns),
     .initial = "0",
     .most = 1e12,
     .help = "system time of a compiler beside its memory: fork, exec, opening of headers, exit",
     .source = "estimate: 30 ms of a compiler of the kernel: 6 programs (driver, compiler, "
               "assembler, shells) of 1.5 ms each, 1,500 headers found, opened and read in 10 us "
               "each, 6 ms of make"},
};

struct build {
    struct kernel_build_params params;
    uint64_t seed;
    uint32_t space_pages[SPACES];
    struct zipf_sampler *files;
    char fingerprint[33];
};

/* What a process does, in this order; a compiler does not read objects, the linker
 * writes none. */
enum stage { STAGE_WORK, STAGE_OBJECT, STAGE_EXIT };

struct job {
    uint64_t random; /* counter of random_counted() */
    uint64_t process;
    enum stage stage;
    uint32_t pages;                /* of the process */
    uint32_t touches;              /* of each of them */
    uint32_t at, touch;            /* in a stage: pages done, accesses after the last */
    uint32_t linked;               /* object pages that the linker has read */
    uint32_t file_next, file_left; /* of a file that has been begun */
    struct access records[BLOCK_RECORDS];
};

/* ---- sizes ----------------------------------------------------------------------- */

static uint32_t mean_pages(const struct build *build)
{
    return (uint32_t)(build->params.process / PAGE_BYTES);
}

static uint32_t object_pages(const struct build *build)
{
    return (uint32_t)(build->params.object / PAGE_BYTES);
}

static uint32_t process_pages_at_most(const struct build *build)
{
    return (uint32_t)((uint64_t)mean_pages(build) * kinds[KINDS - 1].size / 1024);
}

/* The eight kinds come in turn, from another one in each job, so that all jobs do the
 * same work but for one round. */
static const struct kind *process_kind(const struct build *build, uint64_t process)
{
    uint64_t order = random_splitmix(build->seed ^ process / KINDS);
    return &kinds[(process * 3 + order) % KINDS];
}

static uint32_t process_pages(const struct build *build, uint64_t process)
{
    return (uint32_t)((uint64_t)mean_pages(build) * process_kind(build, process)->size / 1024);
}

/* Accesses of a process for each of its pages, rounded, at least one. */
static uint32_t process_touches(const struct build *build, uint64_t process)
{
    uint64_t touches = build->params.touches;
    if (!build->params.long_lives)
        return (uint32_t)touches;
    touches *= process_kind(build, process)->touches;
    return touches < 1024 ? 1 : (uint32_t)((touches + 512) / 1024);
}

/* Records of a process's work. */
static uint64_t work_records(const struct build *build, uint64_t process)
{
    return (uint64_t)process_pages(build, process) * process_touches(build, process);
}

static bool is_linker(const struct build *build, const struct job *job)
{
    return job->process == build->params.processes;
}

/* ---- records --------------------------------------------------------------------- */

static uint32_t own_page(const struct build *build, struct job *job)
{
    uint32_t have = job->at, newest = have / NEWEST_PART + 1;
    uint64_t draw = random_counted(&job->random);
    if ((uint32_t)(draw >> 32) % 100 < build->params.newest_percent)
        return have - 1 - (uint32_t)((draw & UINT32_MAX) * newest >> 32);
    /* Back from the newest page by a power of a uniform draw. */
    uint64_t share = UINT32_MAX & draw;
    for (uint64_t i = 1; i < build->params.recency; i++)
        share = share * (draw & UINT32_MAX) >> 32;
    return have - 1 - (uint32_t)(share * have >> 32);
}

static uint32_t source_page(const struct build *build, struct job *job)
{
    if (job->file_left == 0) {
        bool coin;
        uint32_t file_pages = (uint32_t)(build->params.file / PAGE_BYTES);
        uint32_t file = zipf_sampler_draw(build->files, &job->random, 0, &coin);
        job->file_next = file * file_pages;
        job->file_left = file_pages;
    }
    job->file_left--;
    return job->file_next++;
}

/* The linker reads the job's objects once, in order, as far as it has grown. */
static bool link_record(const struct build *build, struct job *job, struct access *record)
{
    uint64_t due = (uint64_t)build->space_pages[OBJECTS] * job->at / job->pages;
    if (!is_linker(build, job) || job->linked >= due)
        return false;
    *record = (struct access){.page = job->linked++, .space = OBJECTS, .op = ACCESS_READ};
    return true;
}

static void work_record(const struct build *build, struct job *job, struct access *record)
{
    if (job->touch == 0) {
        *record = (struct access){.page = job->at++, .space = PROCESS, .op = ACCESS_WRITE};
    } else if (random_counted_below(&job->random, 100) < build->params.source_percent) {
        *record =
            (struct access){.page = source_page(build, job), .space = SOURCES, .op = ACCESS_READ};
    } else {
        uint8_t op = random_counted(&job->random) >> 63 ? ACCESS_WRITE : ACCESS_READ;
        *record = (struct access){.page = own_page(build, job), .space = PROCESS, .op = op};
    }
    if (++job->touch == job->touches)
        job->touch = 0;
}

static void begin_process(const struct build *build, struct job *job)
{
    job->stage = STAGE_WORK;
    job->at = job->touch = 0;
    job->file_left = 0;
    job->pages = process_pages(build, job->process);
    job->touches = process_touches(build, job->process);
}

static void next_stage(const struct build *build, struct job *job)
{
    job->at = job->touch = 0;
    if (job->stage == STAGE_WORK) {
        job->stage = is_linker(build, job) ? STAGE_EXIT : STAGE_OBJECT;
    } else if (job->stage == STAGE_OBJECT) {
        job->stage = STAGE_EXIT;
    } else if (++job->process <= build->params.processes) {
        begin_process(build, job);
    }
}

static bool stage_is_over(const struct build *build, const struct job *job)
{
    switch (job->stage) {
    case STAGE_WORK:
        return job->at == job->pages && job->touch == 0 &&
               (!is_linker(build, job) || job->linked == build->space_pages[OBJECTS]);
    case STAGE_OBJECT:
        return job->at == object_pages(build);
    default:
        return job->at == job->pages;
    }
}

static void stage_record(const struct build *build, struct job *job, struct access *record)
{
    switch (job->stage) {
    case STAGE_WORK:
        if (!link_record(build, job, record))
            work_record(build, job, record);
        return;
    case STAGE_OBJECT:
        *record = (struct access){.page = (uint32_t)job->process * object_pages(build) + job->at++,
                                  .space = OBJECTS,
                                  .op = ACCESS_WRITE};
        return;
    default:
        *record = (struct access){.page = job->at++, .space = PROCESS, .op = ACCESS_FREE};
    }
}

static uint32_t kernel_build_next(struct workload_cursor *cursor, const struct access **block)
{
    const struct build *build = cursor->workload->state;
    struct job *job = cursor->state;
    uint32_t filled = 0;
    while (filled < BLOCK_RECORDS && job->process <= build->params.processes) {
        stage_record(build, job, &job->records[filled++]);
        if (stage_is_over(build, job))
            next_stage(build, job);
    }
    cursor->position += filled;
    *block = job->records;
    return filled;
}

/* ---- the table's functions ------------------------------------------------------- */

static bool kernel_build_start(struct workload_cursor *cursor)
{
    const struct build *build = cursor->workload->state;
    struct job *job = memory_zeroed(1, sizeof(*job), "a build's cursor");
    job->random = random_splitmix(build->seed);
    begin_process(build, job);
    cursor->position = 0;
    cursor->state = job;
    return true;
}

static void kernel_build_stop(struct workload_cursor *cursor)
{
    free(cursor->state);
    cursor->state = NULL;
}

static void kernel_build_close(struct workload *workload)
{
    if (!workload)
        return;
    struct build *build = workload->state;
    zipf_sampler_free(build->files);
    free(build);
    free(workload);
}

static uint64_t count_records(const struct build *build)
{
    uint64_t records = build->space_pages[OBJECTS] * (uint64_t)2;
    for (uint64_t process = 0; process <= build->params.processes; process++)
        records += work_records(build, process) + process_pages(build, process);
    return records;
}

static struct workload *kernel_build_open(const void *params, uint64_t seed,
                                          const struct source_position *position,
                                          struct diagnostics *errors)
{
    const struct kernel_build_params *own = params;
    uint64_t object_bytes = own->processes * own->object;
    if (object_bytes / PAGE_BYTES >= UINT32_MAX) {
        diagnostics_add(errors, position,
                        "%" PRIu64 " objects of %" PRIu64
                        " bytes; expected less than 16 TiB for a job",
                        own->processes, own->object);
        return NULL;
    }
    if (own->sources % own->file) {
        diagnostics_add(errors, position,
                        "\"sources\" of %" PRIu64
                        " bytes; expected a multiple of \"file\", which is %" PRIu64,
                        own->sources, own->file);
        return NULL;
    }
    struct build *build = memory_zeroed(1, sizeof(*build), "a build");
    build->params = *own;
    build->seed = seed;
    build->space_pages[PROCESS] = process_pages_at_most(build);
    build->space_pages[OBJECTS] = (uint32_t)(object_bytes / PAGE_BYTES);
    build->space_pages[SOURCES] = (uint32_t)(own->sources / PAGE_BYTES);
    build->files = zipf_sampler_create((uint32_t)(own->sources / own->file), own->exponent);
    char description[320];
    snprintf(description, sizeof(description),
             "kernel_build processes=%" PRIu64 " process=%" PRIu64 " touches=%" PRIu64
             " newest_percent=%" PRIu64 " sources=%" PRIu64 " source_percent=%" PRIu64
             " exponent=%.17g object=%" PRIu64 " recency=%" PRIu64 " exec=%" PRIu64 " file=%" PRIu64
             " long_lives=%d seed=%" PRIu64,
             own->processes, own->process, own->touches, own->newest_percent, own->sources,
             own->source_percent, own->exponent, own->object, own->recency, own->exec_ns, own->file,
             own->long_lives, seed);
    workload_fingerprint(description, strlen(description), build->fingerprint);
    struct workload *workload = memory_zeroed(1, sizeof(*workload), "a workload");
    *workload = (struct workload){.type = &workload_kernel_build,
                                  .spaces = SPACES,
                                  .space_pages = build->space_pages,
                                  .file_spaces = 2,
                                  .shared_spaces = 1,
                                  .accesses = count_records(build),
                                  .process_ns = own->exec_ns,
                                  .fingerprint = build->fingerprint,
                                  .state = build};
    return workload;
}

const struct workload_type workload_kernel_build = {
    .name = "kernel_build",
    .summary = "a job of a parallel build: short-lived compilers, shared sources, objects in tmpfs",
    .params = PARAM_TABLE(kernel_build_rows, struct kernel_build_params),
    .open = kernel_build_open,
    .close = kernel_build_close,
    .seeded = true,
    .start = kernel_build_start,
    .next = kernel_build_next,
    .stop = kernel_build_stop,
};

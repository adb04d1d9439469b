#define _GNU_SOURCE
#include "workloads/capture/valgrind_text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/base/memory.h"

enum {
    PAGE_SHIFT = 12,
    LINE_BYTES = 2048, /* of a line that is not an access; the rest is cut off */
    THREADS_AT_MOST = 1 << 16,
};

/* ---- tasks ------------------------------------------------------------------------ */

static struct recorded_thread *thread_of(struct recorded_process *process, uint32_t number)
{
    if (number >= process->thread_count) {
        uint32_t count = number + 8;
        process->threads = memory_resized(process->threads, count, sizeof(*process->threads),
                                          "threads of a process");
        for (uint32_t i = process->thread_count; i < count; i++)
            process->threads[i] = (struct recorded_thread){.task = NATIVE_NONE};
        process->thread_count = count;
    }
    return &process->threads[number];
}

static void switch_thread(struct recorded_process *process, uint32_t number)
{
    if (number >= THREADS_AT_MOST)
        return;
    process->thread = number;
    process->task = thread_of(process, number)->task;
}

/* The task of the running thread. */
static uint32_t running_task(struct recorded_process *process)
{
    if (process->task == NATIVE_NONE) {
        struct native_task task = {.space = process->space.own_space,
                                   .process = process->pid,
                                   .thread = process->thread,
                                   .parent = process->parent_task,
                                   .name = process->command};
        process->task = recorder_task(process->objects->recorder, &task);
        thread_of(process, process->thread)->task = process->task;
    }
    return process->task;
}

/* The task that ends a process; one that never did anything gets none. */
static uint32_t last_task(const struct recorded_process *process)
{
    return process->task != NATIVE_NONE ? process->task : 0;
}

/* The process has got a space of its own only now. */
static void tell_space(struct recorded_process *process)
{
    for (uint32_t i = 0; i < process->thread_count; i++)
        if (process->threads[i].task != NATIVE_NONE)
            native_writer_task_space(process->objects->recorder->writer, process->threads[i].task,
                                     process->space.own_space);
}

static inline void touch(struct recorded_process *process, uint64_t address, bool write)
{
    uint32_t space = process->space.own_space;
    address_space_touch(&process->space, running_task(process), address, write);
    if (__builtin_expect(process->space.own_space != space, 0))
        tell_space(process);
}

static void touch_range(struct recorded_process *process, uint64_t address, uint64_t length,
                        bool write)
{
    if (length == 0 || address + length < address)
        return;
    uint64_t last = (address + length - 1) >> PAGE_SHIFT;
    for (uint64_t page = address >> PAGE_SHIFT; page <= last; page++)
        touch(process, page << PAGE_SHIFT, write);
}

/* ---- files -------------------------------------------------------------------------- */

static struct opened_file *file_of(struct recorded_process *process, uint64_t descriptor)
{
    return descriptor < FILES_AT_MOST ? &process->files[descriptor] : NULL;
}

static void forget_file(struct opened_file *file)
{
    free(file->path);
    *file = (struct opened_file){.object = NO_OBJECT};
}

static void call_open(struct recorded_process *process, const struct pending_call *call,
                      uint64_t result)
{
    struct opened_file *file = file_of(process, result);
    if (!file || !call->path[0])
        return;
    forget_file(file);
    char link[64], directory[CALL_PATH_BYTES], path[2 * CALL_PATH_BYTES + 2];
    snprintf(path, sizeof(path), "%s", call->path);
    if (call->path[0] != '/') {
        snprintf(link, sizeof(link), "/proc/%u/cwd", process->pid);
        ssize_t length = readlink(link, directory, sizeof(directory) - 1);
        directory[length > 0 ? length : 0] = '\0';
        snprintf(path, sizeof(path), "%s/%s", directory, call->path);
    }
    file->path = memory_string(path);
}

static void call_memfd(struct recorded_process *process, const struct pending_call *call,
                       uint64_t result)
{
    (void)call;
    struct opened_file *file = file_of(process, result);
    if (!file)
        return;
    forget_file(file);
    file->object = mapped_objects_new(process->objects, true);
}

static void call_close(struct recorded_process *process, const struct pending_call *call,
                       uint64_t result)
{
    (void)result;
    struct opened_file *file = file_of(process, call->arguments[0]);
    if (file)
        forget_file(file);
}

static void call_dup2(struct recorded_process *process, const struct pending_call *call,
                      uint64_t result)
{
    struct opened_file *from = file_of(process, call->arguments[0]), *to = file_of(process, result);
    if (!from || !to || from == to)
        return;
    forget_file(to);
    *to = (struct opened_file){.path = from->path ? memory_string(from->path) : NULL,
                               .object = from->object};
}

/* ---- memory --------------------------------------------------------------------------- */

static void call_mmap(struct recorded_process *process, const struct pending_call *call,
                      uint64_t result)
{
    const uint64_t *a = call->arguments;
    uint64_t protection = a[2], flags = a[3];
    const struct opened_file *file =
        flags & MAP_ANONYMOUS ? NULL : file_of(process, a[4] & INT32_MAX);
    struct mapped_region region = {.object = NO_OBJECT,
                                   .kind = NATIVE_REGION_ANONYMOUS,
                                   .offset = a[5] >> PAGE_SHIFT,
                                   .shared = flags & MAP_SHARED};
    if (flags & (MAP_STACK | MAP_GROWSDOWN))
        region.kind = NATIVE_REGION_STACK;
    if (file && file->object != NO_OBJECT)
        region.object = file->object;
    else if (file && file->path && strcmp(file->path, "/dev/zero") != 0)
        region.object = mapped_objects_find(process->objects, file->path);
    else if (region.shared)
        region.object = mapped_objects_new(process->objects, true);
    else if (!(flags & MAP_ANONYMOUS) && !file)
        return; /* a descriptor that we do not know: /proc/PID/maps will tell */
    if (region.object != NO_OBJECT)
        region.kind = protection & PROT_EXEC ? NATIVE_REGION_CODE : NATIVE_REGION_FILE;
    address_space_map(&process->space, running_task(process), result, a[1], region);
}

static void call_munmap(struct recorded_process *process, const struct pending_call *call,
                        uint64_t result)
{
    (void)result;
    address_space_unmap(&process->space, running_task(process), call->arguments[0],
                        call->arguments[1]);
}

static void call_mremap(struct recorded_process *process, const struct pending_call *call,
                        uint64_t result)
{
    address_space_move(&process->space, running_task(process), call->arguments[0],
                       call->arguments[1], result, call->arguments[2]);
}

static void call_brk(struct recorded_process *process, const struct pending_call *call,
                     uint64_t result)
{
    (void)call;
    address_space_brk(&process->space, running_task(process), result);
}

static void call_madvise(struct recorded_process *process, const struct pending_call *call,
                         uint64_t result)
{
    (void)result;
    if (call->arguments[2] == MADV_DONTNEED || call->arguments[2] == MADV_FREE)
        address_space_discard(&process->space, running_task(process), call->arguments[0],
                              call->arguments[1]);
}

static void call_shmdt(struct recorded_process *process, const struct pending_call *call,
                       uint64_t result)
{
    (void)result;
    uint64_t page = call->arguments[0] >> PAGE_SHIFT;
    for (size_t i = 0; i < process->space.region_count; i++)
        if (process->space.regions[i].start == page) {
            address_space_unmap(&process->space, running_task(process), call->arguments[0],
                                (process->space.regions[i].end - page) << PAGE_SHIFT);
            return;
        }
}

/* Calls whose second argument is a buffer of `result` bytes. */
static void fill_buffer(struct recorded_process *process, const struct pending_call *call,
                        uint64_t result, bool write)
{
    struct recorder_counts *counts = &process->objects->recorder->counts;
    uint64_t before = counts->accesses;
    touch_range(process, call->arguments[1], result, write);
    counts->by_kernel += counts->accesses - before;
}

static void call_read(struct recorded_process *process, const struct pending_call *call,
                      uint64_t result)
{
    fill_buffer(process, call, result, true);
}

static void call_write(struct recorded_process *process, const struct pending_call *call,
                       uint64_t result)
{
    fill_buffer(process, call, result, false);
}

struct call_kind {
    const char *name; /* as valgrind prints it */
    uint32_t arguments;
    void (*done)(struct recorded_process *process, const struct pending_call *call,
                 uint64_t result);
};

static const struct call_kind call_kinds[] = {
    {"sys_mmap", 6, call_mmap},       {"sys_munmap", 2, call_munmap},
    {"sys_brk", 1, call_brk},         {"sys_mremap", 3, call_mremap},
    {"sys_madvise", 3, call_madvise}, {"sys_open", 2, call_open},
    {"sys_openat", 3, call_open},     {"sys_creat", 2, call_open},
    {"sys_close", 1, call_close},     {"sys_memfd_create", 2, call_memfd},
    {"sys_dup2", 2, call_dup2},       {"sys_dup3", 2, call_dup2},
    {"sys_dup", 1, call_dup2},        {"sys_shmdt", 1, call_shmdt},
    {"sys_read", 3, call_read},       {"sys_pread64", 4, call_read},
    {"sys_recvfrom", 3, call_read},   {"sys_getdents64", 3, call_read},
    {"sys_write", 3, call_write},     {"sys_pwrite64", 4, call_write},
    {"sys_sendto", 3, call_write},
};

/* ---- lines that are not accesses ----------------------------------------------------------- */

/* "NAME ( ARGUMENT, ... )": a pointer to a string is followed by it in brackets. */
static void begin_call(struct pending_call *call, const char *at)
{
    size_t length = strcspn(at, " (");
    *call = (struct pending_call){0};
    for (size_t i = 0; i < sizeof(call_kinds) / sizeof(call_kinds[0]); i++)
        if (strlen(call_kinds[i].name) == length && memcmp(at, call_kinds[i].name, length) == 0)
            call->kind = &call_kinds[i];
    at = strchr(at, '(');
    if (!call->kind || !at)
        return;
    at++;
    while (call->argument_count < CALL_ARGUMENTS) {
        char *end;
        uint64_t value = strtoull(at, &end, 0);
        if (end == at)
            return;
        call->arguments[call->argument_count++] = value;
        if (*end == '(') {
            const char *close = strstr(end, "), ");
            close = close ? close : strstr(end, ") )");
            if (!close)
                return;
            snprintf(call->path, sizeof(call->path), "%.*s", (int)(close - end - 1), end + 1);
            end += close - end + 1;
        }
        if (*end != ',')
            return;
        at = end + 1;
    }
}

static void end_call(struct recorded_process *process, struct pending_call *call, const char *line)
{
    const char *success = NULL;
    for (const char *at = line; (at = strstr(at, " Success(0x")); at++)
        success = at;
    struct pending_call done = *call;
    call->kind = NULL;
    if (success && done.kind && done.argument_count >= done.kind->arguments)
        done.kind->done(process, &done, strtoull(success + strlen(" Success("), NULL, 16));
}

/* "SYSCALL[PID,THREAD](NUMBER) ..." */
static void read_call(struct recorded_process *process, const char *line)
{
    const char *comma = strchr(line, ',');
    if (!comma)
        return;
    char *at;
    unsigned long thread = strtoul(comma + 1, &at, 10);
    switch_thread(process, (uint32_t)thread);
    const char *name = strstr(at, ") ");
    if (!name || thread >= THREADS_AT_MOST)
        return;
    name += 2;
    struct pending_call *call = &thread_of(process, (uint32_t)thread)->call;
    if (strncmp(name, "... ", 4) == 0) {
        end_call(process, call, name);
        return;
    }
    begin_call(call, name);
    if (!strstr(name, "--> [async] ..."))
        end_call(process, call, name);
    const char *child = strstr(name, " created child ");
    if (child && process->forked) {
        (void)running_task(process); /* the child's parent */
        process->forked(process->context, process,
                        (uint32_t)strtoul(child + strlen(" created child "), NULL, 10));
    }
}

/* "--PID--   SCHED[THREAD]:  acquired lock (REASON)" */
static void read_schedule(struct recorded_process *process, const char *line)
{
    const char *thread = strstr(line, "SCHED[");
    if (!thread || !strstr(thread, " acquired lock ("))
        return;
    uint32_t number = (uint32_t)strtoul(thread + strlen("SCHED["), NULL, 10);
    if (number < THREADS_AT_MOST && strstr(thread, "starting new thread"))
        *thread_of(process, number) = (struct recorded_thread){.task = NATIVE_NONE};
    switch_thread(process, number);
}

static void forget_threads(struct recorded_process *process)
{
    free(process->threads);
    process->threads = NULL;
    process->thread_count = 0;
    switch_thread(process, 1);
}

/* Another program begins in the same process. */
static void execute(struct recorded_process *process)
{
    struct address_space old = process->space;
    address_space_stop(&process->space, last_task(process));
    address_space_start(&process->space, process->objects, process->command);
    process->space.refresh = old.refresh;
    process->space.refresh_context = old.refresh_context;
    forget_threads(process);
}

/* "==PID== TEXT" */
static void read_message(struct recorded_process *process, const char *line)
{
    static const char command[] = "== Command: ";
    const char *at = strstr(line, command);
    if (!at)
        return;
    at += strlen(command);
    size_t length = strcspn(at, " ");
    const char *slash = memrchr(at, '/', length);
    if (slash) {
        length -= (size_t)(slash + 1 - at);
        at = slash + 1;
    }
    snprintf(process->command, sizeof(process->command), "%.*s", (int)length, at);
    snprintf(process->space.name, sizeof(process->space.name), "%.40s %u", process->command,
             process->pid);
}

static void read_other(struct recorded_process *process, const char *text, size_t length)
{
    char line[LINE_BYTES];
    length = length < sizeof(line) - 1 ? length : sizeof(line) - 1;
    memcpy(line, text, length);
    line[length] = '\0';
    /* After exec this stands at the end of the line that began with the call. */
    if (strstr(line, "== Lackey, an example Valgrind tool") && ++process->headers > 1)
        execute(process);
    if (strncmp(line, "SYSCALL[", 8) == 0)
        read_call(process, line);
    else if (strncmp(line, "--", 2) == 0)
        read_schedule(process, line);
    else if (strncmp(line, "==", 2) == 0)
        read_message(process, line);
    else if (length && strncmp(line, " --> ", 5) != 0 && strncmp(line, "**", 2) != 0)
        recorder_unknown(process->objects->recorder, text, length);
}

/* ---- accesses ---------------------------------------------------------------------------------
 */

/* The value of a hexadecimal digit, or 16. */
static inline unsigned hex_digit(unsigned char c)
{
    unsigned digit = c - (unsigned)'0';
    if (digit <= 9)
        return digit;
    digit = (c | 0x20u) - (unsigned)'a';
    return digit <= 5 ? digit + 10 : 16;
}

/* " L ADDRESS,SIZE" and the like; false when it is anything else. */
static inline bool read_access(struct recorded_process *process, const char *line, const char *end)
{
    char kind = line[1];
    bool fetch = line[0] == 'I' && kind == ' ';
    if (end - line < 6 || line[2] != ' ' ||
        !(fetch || (line[0] == ' ' && (kind == 'L' || kind == 'S' || kind == 'M'))))
        return false;
    if (fetch && !process->instructions)
        return true;
    uint64_t address = 0, size = 0;
    const char *at = line + 3;
    for (unsigned digit; at < end && (digit = hex_digit((unsigned char)*at)) < 16; at++)
        address = address << 4 | digit;
    if (at == end || *at++ != ',')
        return false;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        size = size * 10 + (uint64_t)(*at - '0');
    if (at != end || size == 0 || size > 1 << PAGE_SHIFT)
        return false;
    bool write = kind == 'S' || kind == 'M';
    touch(process, address, write);
    if (__builtin_expect((address ^ (address + size - 1)) >> PAGE_SHIFT != 0, 0))
        touch(process, address + size - 1, write);
    return true;
}

size_t recorded_process_read(struct recorded_process *process, const char *text, size_t length)
{
    const char *at = text, *end = text + length, *stop;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        if (!read_access(process, at, stop))
            read_other(process, at, (size_t)(stop - at));
        at = stop + 1;
    }
    return (size_t)(at - text);
}

/* ---- a process
 * ----------------------------------------------------------------------------------- */

void recorded_process_start(struct recorded_process *process, struct mapped_objects *objects,
                            uint32_t pid)
{
    *process =
        (struct recorded_process){.objects = objects, .pid = pid, .parent_task = NATIVE_NONE};
    snprintf(process->command, sizeof(process->command), "process");
    process->files = memory_zeroed(FILES_AT_MOST, sizeof(*process->files), "files of a process");
    for (uint32_t i = 0; i < FILES_AT_MOST; i++)
        process->files[i].object = NO_OBJECT;
    address_space_start(&process->space, objects, process->command);
    switch_thread(process, 1);
}

void recorded_process_fork(struct recorded_process *parent, struct recorded_process *child)
{
    address_space_fork(&parent->space, &child->space);
    child->parent_task = running_task(parent);
    memcpy(child->command, parent->command, sizeof(child->command));
    snprintf(child->space.name, sizeof(child->space.name), "%.40s %u", child->command, child->pid);
    for (uint32_t i = 0; i < FILES_AT_MOST; i++) {
        child->files[i] = parent->files[i];
        if (parent->files[i].path)
            child->files[i].path = memory_string(parent->files[i].path);
    }
}

void recorded_process_forget(struct recorded_process *process)
{
    for (uint32_t i = 0; process->files && i < FILES_AT_MOST; i++)
        free(process->files[i].path);
    free(process->files);
    free(process->threads);
    address_space_forget(&process->space);
    *process = (struct recorded_process){0};
}

void recorded_process_stop(struct recorded_process *process)
{
    address_space_stop(&process->space, last_task(process));
    recorded_process_forget(process);
}

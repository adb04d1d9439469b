#define _GNU_SOURCE
#include "workloads/capture/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/memory.h"

enum {
    FIFO_BYTES = 1 << 20,
    TICK_NS = 200000000,
    GRACE_TICKS = 15, /* that an interrupted command has to end by itself */
};

struct tracer {
    const char *directory;
    struct capture_reader *reader;
    struct diagnostics *errors;
    struct tracer_result *result;
    pid_t root;
    pid_t *live; /* processes, not threads */
    size_t count, room;
    unsigned grace; /* ticks left; 0: not interrupted */
    bool failed;
};

/* ---- processes ------------------------------------------------------------------- */

static size_t find_process(const struct tracer *tracer, pid_t pid)
{
    size_t at = 0;
    while (at < tracer->count && tracer->live[at] != pid)
        at++;
    return at;
}

static void fifo_path(const struct tracer *tracer, pid_t pid, char *path, size_t size)
{
    snprintf(path, size, "%s/%d", tracer->directory, (int)pid);
}

static void kill_all(const struct tracer *tracer)
{
    for (size_t i = 0; i < tracer->count; i++)
        kill(tracer->live[i], SIGKILL);
}

static void fail(struct tracer *tracer, const char *what)
{
    if (!tracer->failed)
        diagnostics_add(tracer->errors, NULL, "%s: %s", what, strerror(errno));
    tracer->failed = true;
    kill_all(tracer);
}

static void add_process(struct tracer *tracer, pid_t pid, pid_t parent)
{
    char path[4096];
    if (tracer->count == tracer->room) {
        tracer->room = tracer->room ? 2 * tracer->room : 16;
        tracer->live =
            memory_resized(tracer->live, tracer->room, sizeof(*tracer->live), "processes");
    }
    tracer->live[tracer->count++] = pid;
    tracer->result->processes++;
    fifo_path(tracer, pid, path, sizeof(path));
    /* Open for writing too: valgrind closes its end at exec, which is not the end. */
    int file = mkfifo(path, 0600) == 0 ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
    if (file < 0) {
        fail(tracer, "cannot make a FIFO for a process");
        return;
    }
    (void)fcntl(file, F_SETPIPE_SZ, FIFO_BYTES);
    capture_reader_add(tracer->reader, (uint32_t)pid, (uint32_t)parent, file);
}

static void end_process(struct tracer *tracer, pid_t pid, int status)
{
    char path[4096];
    size_t at = find_process(tracer, pid);
    if (at == tracer->count)
        return; /* a thread */
    tracer->live[at] = tracer->live[--tracer->count];
    if (pid == tracer->root)
        tracer->result->status = status;
    fifo_path(tracer, pid, path, sizeof(path));
    unlink(path);
    capture_reader_end(tracer->reader, (uint32_t)pid);
}

/* Whether a thread is the first of its process, and who forked it. */
static bool is_process(pid_t pid, pid_t *parent)
{
    char path[64], line[128];
    int leader = 0, forked_by = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        (void)sscanf(line, "Tgid: %d", &leader);
        (void)sscanf(line, "PPid: %d", &forked_by);
    }
    if (file)
        fclose(file);
    *parent = forked_by;
    return leader == pid;
}

/* ---- stops ------------------------------------------------------------------------ */

static void stopped(struct tracer *tracer, pid_t pid, int status)
{
    int event = status >> 16, number = WSTOPSIG(status);
    if (event == PTRACE_EVENT_STOP && number != SIGTRAP) {
        ptrace(PTRACE_LISTEN, pid, 0, 0); /* stopped by job control: stay so */
        return;
    }
    pid_t parent;
    if (event == PTRACE_EVENT_STOP && find_process(tracer, pid) == tracer->count &&
        is_process(pid, &parent))
        add_process(tracer, pid, parent);
    ptrace(PTRACE_CONT, pid, 0, event ? 0 : number);
}

/* Handle all that has happened; false when no process is left. */
static bool collect(struct tracer *tracer)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
        if (pid == 0)
            return true;
        if (pid < 0)
            return errno == EINTR;
        if (WIFSTOPPED(status))
            stopped(tracer, pid, status);
        else
            end_process(tracer, pid, status);
    }
}

static void interrupt(struct tracer *tracer, const siginfo_t *signal)
{
    /* From a terminal the command has it already. */
    if (signal->si_code <= 0 && !tracer->grace)
        kill(tracer->root, signal->si_signo);
    if (tracer->grace)
        kill_all(tracer);
    tracer->grace = GRACE_TICKS;
    tracer->result->interrupted = true;
}

static void follow(struct tracer *tracer, const sigset_t *signals, tracer_tick *tick, void *context)
{
    static const struct timespec wait = {.tv_nsec = TICK_NS};
    struct timespec last = {0};
    while (collect(tracer)) {
        siginfo_t signal;
        int number = sigtimedwait(signals, &signal, &wait);
        if (number == SIGINT || number == SIGTERM || number == SIGHUP)
            interrupt(tracer, &signal);
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - last.tv_sec) * 1000000000 + (now.tv_nsec - last.tv_nsec) < TICK_NS)
            continue;
        last = now;
        if (tick)
            tick(context);
        if (tracer->grace && --tracer->grace == 0) {
            kill_all(tracer);
            tracer->grace = 1;
        }
    }
}

/* ---- the command ------------------------------------------------------------------- */

/* The child waits at the gate until it is traced. */
static pid_t launch(char *const argv[], const sigset_t *signals, const int gate[2])
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char word;
    close(gate[1]);
    sigprocmask(SIG_SETMASK, signals, NULL);
    if (read(gate[0], &word, 1) == 1)
        execv(argv[0], argv);
    _exit(127);
}

/* A FIFO stays open for each process. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool begin(struct tracer *tracer, char *const argv[], const sigset_t *signals)
{
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0) {
        fail(tracer, "cannot start the command");
        return false;
    }
    tracer->root = launch(argv, signals, gate);
    close(gate[0]);
    long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    bool good = tracer->root > 0 && ptrace(PTRACE_SEIZE, tracer->root, 0, options) == 0;
    if (!good)
        fail(tracer, "cannot trace the command (ptrace)");
    else
        add_process(tracer, tracer->root, 0);
    good &= !tracer->failed && write(gate[1], "", 1) == 1;
    close(gate[1]);
    if (good)
        allow_many_files();
    else if (tracer->root > 0)
        kill(tracer->root, SIGKILL);
    return good;
}

static void handled(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
}

void tracer_hold_signals(sigset_t *before)
{
    sigset_t signals;
    handled(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, before);
}

bool tracer_run(char *const argv[], const char *directory, const sigset_t *before,
                struct capture_reader *reader, tracer_tick *tick, void *context,
                struct tracer_result *result, struct diagnostics *errors)
{
    struct tracer tracer = {
        .directory = directory, .reader = reader, .errors = errors, .result = result};
    sigset_t signals;
    handled(&signals);
    *result = (struct tracer_result){0};
    (void)begin(&tracer, argv, before);
    follow(&tracer, &signals, tick, context);
    free(tracer.live);
    return !tracer.failed;
}

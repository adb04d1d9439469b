#define _GNU_SOURCE
#include "sim/experiment/parallel.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/crash.h"
#include "sim/base/memory.h"

enum { PROGRESS_EVERY_MS = 500 };

uint64_t host_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* "1:02:03" or "2:03". */
static void print_duration(char *out, uint32_t size, double seconds)
{
    uint64_t whole = (uint64_t)seconds;
    if (whole >= 3600)
        snprintf(out, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 3600, whole / 60 % 60,
                 whole % 60);
    else
        snprintf(out, size, "%" PRIu64 ":%02" PRIu64, whole / 60, whole % 60);
}

static bool shows_progress(enum progress_mode mode)
{
    return mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && isatty(STDERR_FILENO));
}

static void *worker(void *context)
{
    struct parallel *parallel = context;
    crash_watch_thread();
    while (!parallel->interrupted) {
        uint32_t piece = __atomic_fetch_add(&parallel->next, 1, __ATOMIC_RELAXED);
        if (piece >= parallel->count)
            break;
        parallel->work(parallel->context, piece);
    }
    if (__atomic_sub_fetch(&parallel->workers_left, 1, __ATOMIC_ACQ_REL) == 0)
        while (eventfd_write(parallel->finished, 1) != 0 && errno == EINTR)
            ;
    return NULL;
}

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/* The first signal is passed on to the work.  One that comes a second later or
 * more (launchers send the same one twice in a row) acts in the usual way. */
static void take_signal(struct parallel *parallel, int signals)
{
    struct signalfd_siginfo information;
    if (read(signals, &information, sizeof(information)) != sizeof(information))
        return;
    uint64_t now_ns = host_now_ns();
    if (!parallel->interrupted) {
        parallel->interrupted = true;
        parallel->interrupted_ns = now_ns;
        /* A run that does not come to one (a plug-in that loops) would wait without a word. */
        if (parallel->progress != PROGRESS_NEVER)
            fprintf(stderr,
                    "%szsim: interrupted: runs stop at their next fault; once more after a second "
                    "to end now\n",
                    shows_progress(parallel->progress) ? "\r\033[K" : "");
    } else if (now_ns - parallel->interrupted_ns >= 1000000000) {
        pthread_sigmask(SIG_SETMASK, &parallel->usual_mask, NULL);
        raise((int)information.ssi_signo);
    }
}

/* Until the last worker has ended: look after signals and the progress line. */
static void wait_for_workers(struct parallel *parallel, int signals)
{
    bool progress = shows_progress(parallel->progress);
    struct pollfd files[2] = {{.fd = parallel->finished, .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};
    while (!(files[0].revents & POLLIN)) {
        files[1].revents = 0;
        int ready = poll(files, 2, progress ? PROGRESS_EVERY_MS : -1);
        if (ready < 0 && errno != EINTR)
            abort();
        if (files[1].revents & POLLIN)
            take_signal(parallel, signals);
        if (progress)
            parallel->show_progress(parallel->context);
    }
    if (progress)
        fputs("\r\033[K", stderr);
}

static void start_workers(struct parallel *parallel, pthread_t *threads, uint32_t count)
{
    parallel->workers_left = count;
    for (uint32_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, worker, parallel) != 0) {
            fprintf(stderr, "zsim: error: cannot start thread %" PRIu32 " of %" PRIu32 "\n", i + 1,
                    count);
            exit(1);
        }
}

void piece_progress_note(void *context, uint64_t done, uint64_t total, uint64_t now_ns)
{
    struct piece_progress *progress = context;
    __atomic_store_n(&progress->done, done, __ATOMIC_RELAXED);
    __atomic_store_n(&progress->total, total, __ATOMIC_RELAXED);
    __atomic_store_n(&progress->now_ns, now_ns, __ATOMIC_RELAXED);
}

struct piece_progress piece_progress_read(const struct piece_progress *progress)
{
    return (struct piece_progress){
        .done = __atomic_load_n(&progress->done, __ATOMIC_RELAXED),
        .total = __atomic_load_n(&progress->total, __ATOMIC_RELAXED),
        .now_ns = __atomic_load_n(&progress->now_ns, __ATOMIC_RELAXED),
    };
}

void progress_line_print(const struct parallel *parallel, const struct progress_line *line)
{
    double seconds = (double)(host_now_ns() - parallel->begin_ns) / 1e9;
    char left[32] = "-", failures[32] = "";
    if (line->share > 0)
        print_duration(left, sizeof(left), seconds * (1 - line->share) / line->share);
    if (line->failed)
        snprintf(failures, sizeof(failures), "%" PRIu32 " FAILED | ", line->failed);
    fprintf(stderr,
            "\r%3.0f%% | %" PRIu32 "/%" PRIu32 " runs | %ssim %.1f s | %.1f M accesses/s | ETA "
            "%s\033[K",
            100 * line->share, line->finished, parallel->count, failures,
            (double)line->simulated_ns / 1e9,
            seconds > 0 ? (double)line->accesses / seconds / 1e6 : 0, left);
    fflush(stderr);
}

unsigned parallel_jobs(const struct parallel *parallel)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned jobs = parallel->jobs ? parallel->jobs : processors > 0 ? (unsigned)processors : 1;
    return jobs < parallel->count ? jobs : parallel->count;
}

void parallel_run(struct parallel *parallel)
{
    sigset_t stop = stop_signals();
    unsigned jobs = parallel_jobs(parallel);
    parallel->begin_ns = host_now_ns();
    pthread_sigmask(SIG_BLOCK, &stop, &parallel->usual_mask);
    if (!parallel->count)
        return;
    int signals = signalfd(-1, &stop, SFD_CLOEXEC);
    parallel->finished = eventfd(0, EFD_CLOEXEC);
    if (signals < 0 || parallel->finished < 0) {
        fprintf(stderr, "zsim: error: cannot watch for signals: %s\n", strerror(errno));
        exit(1);
    }
    pthread_t *threads = memory_zeroed(jobs, sizeof(*threads), "threads");
    start_workers(parallel, threads, jobs);
    wait_for_workers(parallel, signals);
    for (unsigned i = 0; i < jobs; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    close(parallel->finished);
    close(signals);
}

/* Twins of a signal that was obeyed are dropped. */
void parallel_release_signals(const struct parallel *parallel)
{
    sigset_t stop = stop_signals();
    struct timespec at_once = {0, 0};
    while (parallel->interrupted && sigtimedwait(&stop, NULL, &at_once) > 0)
        ;
    pthread_sigmask(SIG_SETMASK, &parallel->usual_mask, NULL);
}

/* Atomic operations, the way of a cache line from one processor to another, switches. */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/memory.h"
#include "sim/calibrate/calibrate.h"

enum { PROCESSORS_MOST = 1024, PAIRS_MOST = 8, TRIPS = 500, SWITCHES = 64 };

/* ---- a line that nobody else wants --------------------------------------------------- */

struct own_line {
    _Alignas(128) _Atomic uint64_t word;
};

static void add_to_line(void *context, unsigned repetitions)
{
    struct own_line *line = context;
    for (unsigned i = 0; i < repetitions; i++)
        atomic_fetch_add(&line->word, 1);
}

static void lock_and_unlock(void *context, unsigned repetitions)
{
    struct own_line *line = context;
    for (unsigned i = 0; i < repetitions; i++) {
        uint64_t open = 0;
        while (!atomic_compare_exchange_weak_explicit(&line->word, &open, 1, memory_order_acquire,
                                                      memory_order_relaxed))
            open = 0;
        atomic_store_explicit(&line->word, 0, memory_order_release);
    }
}

/* ---- a line between two processors ---------------------------------------------------- */

/* The word counts up: this thread makes even numbers odd, the other one odd even. */
struct table_tennis {
    _Alignas(128) _Atomic uint64_t ball;
    _Alignas(128) _Atomic bool over;
    _Atomic bool ready; /* the other thread is on its processor, or cannot be */
    bool pinned;
    int processor;
};

/* Change `wanted` to the next number when it is there; false: the match is over. */
static bool hit_ball(struct table_tennis *match, uint64_t wanted)
{
    for (uint64_t tried = 0;; tried++) {
        uint64_t found = wanted;
        if (atomic_compare_exchange_weak(&match->ball, &found, wanted + 1))
            return true;
        if (tried % 1024 == 1023) {
            if (atomic_load(&match->over))
                return false;
            /* Where the other one has no processor of its own at the moment. */
            if (tried > 1 << 16)
                sched_yield();
        }
    }
}

static void *other_side(void *argument)
{
    struct table_tennis *match = argument;
    match->pinned = pin_to(match->processor);
    atomic_store(&match->ready, true);
    if (match->pinned)
        for (uint64_t wanted = 1; hit_ball(match, wanted); wanted += 2)
            ;
    return NULL;
}

/* ns for one way, in each of `rounds` rounds; this thread is on its processor already.
 * A round begins with a trip that is not timed: then both are running. */
static bool play(int processor, unsigned rounds, double *samples)
{
    struct table_tennis match = {.processor = processor};
    pthread_t thread;
    uint64_t wanted = 0;
    if (pthread_create(&thread, NULL, other_side, &match) != 0)
        return false;
    while (!atomic_load(&match.ready))
        sched_yield();
    for (unsigned round = 0; match.pinned && round < rounds; round++) {
        for (unsigned i = 0; i < 2; i++, wanted += 2)
            hit_ball(&match, wanted);
        double start = clock_ns();
        for (unsigned i = 0; i < TRIPS; i++, wanted += 2)
            hit_ball(&match, wanted);
        samples[round] = (clock_ns() - start) / (2.0 * TRIPS);
    }
    atomic_store(&match.over, true);
    pthread_join(thread, NULL);
    return match.pinned;
}

/* The way between processors of one socket, or of two.  What the receiver's own update
 * takes (atomic_local) is not the way's. */
static void measure_way(struct calibration *calibration, enum cost cost, bool other_socket,
                        const int *processors, size_t count)
{
    double *samples =
        memory_zeroed((size_t)PAIRS_MOST * calibration->rounds, sizeof(*samples), "samples");
    double own_ns = calibration->costs[COST_atomic_local].median;
    size_t pairs = 0, step = count / PAIRS_MOST + 1;
    int first = processors[0];
    for (size_t i = count; i > 1 && pairs<PAIRS_MOST; i = i> step ? i - step : 1) {
        int second = processors[i - 1];
        bool differ = processor_socket(first) != processor_socket(second);
        bool same_core = !differ && processor_core(first) >= 0 &&
                         processor_core(first) == processor_core(second);
        if (differ != other_socket || same_core)
            continue;
        pairs += play(second, calibration->rounds, samples + pairs * calibration->rounds);
    }
    size_t total = pairs * calibration->rounds;
    for (size_t i = 0; i < total; i++)
        samples[i] -= own_ns;
    if (total) {
        calibration->costs[cost] = measured_of(samples, total);
        calibration->known[cost] = calibration->costs[cost].median > 0;
    }
    free(samples);
}

/* ---- switches -------------------------------------------------------------------------- */

static bool pass_byte(int from, int to)
{
    char byte = 0;
    return read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1;
}

/* ns to write a byte to a pipe and read it again, alone: what a trip has beside its two
 * switches is twice that. */
static double pipe_ns(int pipe_ends[2])
{
    double samples[SWITCHES];
    for (unsigned i = 0; i < SWITCHES; i++) {
        double start = clock_ns();
        char byte = 0;
        if (write(pipe_ends[1], &byte, 1) != 1 || read(pipe_ends[0], &byte, 1) != 1)
            return 0;
        samples[i] = clock_ns() - start;
    }
    return measured_of(samples, SWITCHES).median;
}

/* A process of its own on the same processor that gives back each byte. */
static void echo_process(int here[2], int back[2])
{
    close(here[1]);
    close(back[0]);
    while (pass_byte(here[0], back[1]))
        ;
    _exit(0);
}

/* The median trip there and back of a round; 0: it failed. */
static double trip_ns(int to, int from)
{
    double samples[SWITCHES];
    for (unsigned i = 0; i < SWITCHES; i++) {
        char byte = 0;
        double start = clock_ns();
        if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
            return 0;
        samples[i] = clock_ns() - start;
    }
    return measured_of(samples, SWITCHES).median;
}

static void measure_switch(struct calibration *calibration)
{
    int here[2], back[2];
    if (pipe(here) != 0)
        return;
    if (pipe(back) != 0) {
        close(here[0]), close(here[1]);
        return;
    }
    double alone = pipe_ns(here);
    pid_t child = fork();
    if (child == 0)
        echo_process(here, back);
    close(here[0]), close(back[1]);
    if (child > 0) {
        double *samples = memory_zeroed(calibration->rounds, sizeof(*samples), "samples");
        trip_ns(here[1], back[0]); /* warm-up */
        for (unsigned i = 0; i < calibration->rounds; i++)
            samples[i] = trip_ns(here[1], back[0]) / 2 - alone;
        calibration->costs[COST_context_switch] = measured_of(samples, calibration->rounds);
        calibration->known[COST_context_switch] =
            calibration->costs[COST_context_switch].median > 0;
        free(samples);
    }
    close(here[1]), close(back[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
}

/* ---- interrupts ------------------------------------------------------------------------- */

/* A thread that runs, so that a barrier of this process must interrupt its processor. */
struct victim {
    _Alignas(128) _Atomic uint64_t loops;
    _Alignas(128) _Atomic bool over;
    _Atomic bool ready;
    bool pinned;
    int processor;
    pthread_t thread;
};

static void *run_victim(void *argument)
{
    struct victim *victim = argument;
    victim->pinned = pin_to(victim->processor);
    atomic_store(&victim->ready, true);
    while (victim->pinned && !atomic_load_explicit(&victim->over, memory_order_relaxed)) {
        uint64_t loops = atomic_load_explicit(&victim->loops, memory_order_relaxed);
        atomic_store_explicit(&victim->loops, loops + 1, memory_order_relaxed);
    }
    return NULL;
}

static bool start_victim(struct victim *victim, int processor)
{
    *victim = (struct victim){.processor = processor};
    if (pthread_create(&victim->thread, NULL, run_victim, victim) != 0)
        return false;
    while (!atomic_load(&victim->ready))
        sched_yield();
    return true;
}

static void stop_victim(struct victim *victim)
{
    atomic_store(&victim->over, true);
    pthread_join(victim->thread, NULL);
}

/* Interrupts every processor that runs a thread of this process, and waits for all: what
 * a TLB flush does, but for the flush itself. */
static bool interrupt_others(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

static void interrupt_repeatedly(void *context, unsigned repetitions)
{
    (void)context;
    for (unsigned i = 0; i < repetitions; i++)
        interrupt_others(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

static uint64_t loops_of(const struct victim *victim)
{
    return atomic_load_explicit(&victim->loops, memory_order_relaxed);
}

/* Wait until all of them run; false: on a busy machine they do not. */
static bool await_victims(const struct victim *victims, size_t count)
{
    enum { PATIENCE_NS = 50000000 };
    double start = clock_ns();
    for (size_t i = 0; i < count; i++)
        for (uint64_t before = loops_of(&victims[i]); loops_of(&victims[i]) - before < 100;)
            if (clock_ns() - start > PATIENCE_NS)
                return false;
    return true;
}

enum { INTERRUPTS = 20 };

/* ns of a round with `count` others, which ran before and ran behind it: the samples of
 * a machine that does something else between are not. */
static struct measured measure_round(const struct victim *victims, size_t count, unsigned rounds)
{
    double *samples = memory_zeroed(rounds, sizeof(*samples), "samples");
    struct measured measured = {0};
    unsigned taken = 0;
    while (taken < rounds && await_victims(victims, count)) {
        double start = clock_ns();
        interrupt_repeatedly(NULL, INTERRUPTS);
        samples[taken++] = (clock_ns() - start) / INTERRUPTS;
    }
    if (taken == rounds)
        measured = measured_of(samples, rounds);
    free(samples);
    return measured;
}

/* What a processor loses to an interrupt: the loops that it does not do. */
static void measure_received(struct calibration *calibration, const struct victim *victim)
{
    enum { QUIET_NS = 50000 };
    double *samples = memory_zeroed(calibration->rounds, sizeof(*samples), "samples");
    unsigned taken = 0;
    while (taken < calibration->rounds && await_victims(victim, 1)) {
        uint64_t loops = loops_of(victim);
        double start = clock_ns(), busy = start + QUIET_NS, end;
        while (clock_ns() < busy)
            ;
        busy = clock_ns();
        uint64_t quiet_loops = loops_of(victim) - loops;
        interrupt_repeatedly(NULL, INTERRUPTS);
        end = clock_ns();
        uint64_t busy_loops = loops_of(victim) - loops - quiet_loops;
        if (quiet_loops)
            samples[taken++] =
                (end - busy - (double)busy_loops * (busy - start) / (double)quiet_loops) /
                INTERRUPTS;
    }
    if (taken == calibration->rounds)
        calibration->costs[COST_ipi_received] = measured_of(samples, taken);
    calibration->known[COST_ipi_received] = calibration->costs[COST_ipi_received].median > 0;
    free(samples);
}

/* A round with 1, 2, ... others; a straight line through the rounds of at least three
 * numbers of them says what each further one takes. */
static void fit_rounds(struct calibration *calibration, const struct measured *rounds, size_t count,
                       double alone_ns)
{
    enum { VICTIMS_MOST = 7, LINE_LEAST = 3 };
    double further[VICTIMS_MOST], ns[VICTIMS_MOST], weights[VICTIMS_MOST];
    for (size_t i = 0; i < count; i++) {
        double spread = rounds[i].spread > 1 ? rounds[i].spread : 1;
        further[i] = (double)i;
        ns[i] = rounds[i].median - alone_ns;
        weights[i] = 1 / (spread * spread);
    }
    if (count && ns[0] > 0) {
        calibration->costs[COST_ipi_round] = (struct measured){
            ns[0], rounds[0].least - alone_ns, rounds[0].most - alone_ns, rounds[0].spread};
        calibration->known[COST_ipi_round] = true;
    }
    if (count < LINE_LEAST)
        return;
    struct fitted_line line = fit_line(further, ns, weights, count);
    double error = sqrt(line.slope_variance);
    calibration->costs[COST_ipi_each] =
        (struct measured){line.slope, line.slope - error, line.slope + error, error};
    calibration->known[COST_ipi_each] = line.slope > 0;
}

/* A barrier for all processes waits for a grace period (synchronize_rcu). */
static void measure_grace_period(struct calibration *calibration)
{
    enum { PERIODS_MOST = 11 };
    double samples[PERIODS_MOST];
    unsigned periods = calibration->rounds < PERIODS_MOST ? calibration->rounds : PERIODS_MOST;
    for (unsigned i = 0; i < periods; i++) {
        double start = clock_ns();
        if (!interrupt_others(MEMBARRIER_CMD_GLOBAL))
            return;
        samples[i] = clock_ns() - start;
    }
    calibration->costs[COST_rcu_grace_period] = measured_of(samples, periods);
    calibration->known[COST_rcu_grace_period] = true;
}

static void measure_interrupts(struct calibration *calibration, const int *processors, size_t count)
{
    enum { VICTIMS_MOST = 7 };
    struct victim *victims = memory_zeroed(VICTIMS_MOST, sizeof(*victims), "threads");
    struct measured rounds[VICTIMS_MOST];
    size_t started = 0, measured = 0;
    if (!interrupt_others(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
        count = 0; /* a kernel without it */
    double alone_ns = measure(interrupt_repeatedly, NULL, calibration->rounds).median;
    while (started + 1 < count && started < VICTIMS_MOST &&
           start_victim(&victims[started], processors[started + 1])) {
        started++;
        if (started == 1)
            measure_received(calibration, &victims[0]);
        if (measured + 1 < started)
            continue;
        rounds[measured] = measure_round(victims, started, calibration->rounds);
        measured += rounds[measured].median > 0;
    }
    for (size_t i = 0; i < started; i++)
        stop_victim(&victims[i]);
    fit_rounds(calibration, rounds, measured, alone_ns);
    free(victims);
}

void calibrate_processors(struct calibration *calibration)
{
    int processors[PROCESSORS_MOST];
    struct own_line line = {0};
    size_t count = allowed_processors(processors, PROCESSORS_MOST);
    calibration->costs[COST_atomic_local] = measure(add_to_line, &line, calibration->rounds);
    calibration->known[COST_atomic_local] = true;
    line.word = 0;
    calibration->costs[COST_lock_uncontended] =
        measure(lock_and_unlock, &line, calibration->rounds);
    calibration->known[COST_lock_uncontended] = true;
    calibration->processors = (unsigned)count;
    if (!count || !pin_to(processors[0]))
        return;
    measure_switch(calibration);
    measure_grace_period(calibration);
    measure_interrupts(calibration, processors, count);
    measure_way(calibration, COST_line_same_socket, false, processors, count);
    measure_way(calibration, COST_line_cross_socket, true, processors, count);
}

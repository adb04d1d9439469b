/* Clocks of the bench: the thread's processor time, and the wall's. */
#include <time.h>

#include "bench/bench.h"

static double read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double clock_thread_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

double clock_wall_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Clocks, processors, medians over rounds. */
#define _GNU_SOURCE
#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "sim/base/memory.h"
#include "sim/calibrate/calibrate.h"

double clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

struct measured measured_of(double *samples, size_t count)
{
    gsl_sort(samples, 1, count);
    struct measured measured = {
        .median = gsl_stats_median_from_sorted_data(samples, 1, count),
        .least = gsl_stats_quantile_from_sorted_data(samples, 1, count, 0.1),
        .most = gsl_stats_quantile_from_sorted_data(samples, 1, count, 0.9),
    };
    double *deviations = memory_zeroed(count, sizeof(*deviations), "deviations");
    for (size_t i = 0; i < count; i++)
        deviations[i] = fabs(samples[i] - measured.median);
    gsl_sort(deviations, 1, count);
    measured.spread = 1.4826 * gsl_stats_median_from_sorted_data(deviations, 1, count);
    free(deviations);
    return measured;
}

double time_once(measured_work *work, void *context, unsigned repetitions)
{
    double start = clock_ns();
    work(context, repetitions);
    return (clock_ns() - start) / repetitions;
}

unsigned repetitions_for(measured_work *work, void *context)
{
    enum { SAMPLE_NS = 20000, REPETITIONS_MOST = 1 << 16 };
    unsigned repetitions = 1;
    while (repetitions < REPETITIONS_MOST &&
           time_once(work, context, repetitions) * repetitions < SAMPLE_NS)
        repetitions *= 2;
    return repetitions;
}

struct measured measure(measured_work *work, void *context, unsigned rounds)
{
    double *samples = memory_zeroed(rounds, sizeof(*samples), "samples");
    unsigned repetitions = repetitions_for(work, context);
    for (unsigned i = 0; i < rounds; i++)
        samples[i] = time_once(work, context, repetitions);
    struct measured measured = measured_of(samples, rounds);
    free(samples);
    return measured;
}

bool pin_to(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}

size_t allowed_processors(int *processors, size_t room)
{
    cpu_set_t set;
    size_t count = 0;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 0;
    for (int i = 0; i < CPU_SETSIZE && count < room; i++)
        if (CPU_ISSET((size_t)i, &set))
            processors[count++] = i;
    return count;
}

static int read_topology(int processor, const char *what)
{
    char path[128];
    int number = -1;
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", processor, what);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    if (fscanf(file, "%d", &number) != 1)
        number = -1;
    fclose(file);
    return number;
}

int processor_socket(int processor)
{
    return read_topology(processor, "physical_package_id");
}

int processor_core(int processor)
{
    return read_topology(processor, "core_id");
}

/* Measuring the costs of the machine at hand, for a cost table of its own.
 *
 * What a program can measure by itself is measured: compressors, copies, atomic
 * operations, the way of a cache line, minor faults, switches.  All else in a table
 * (what the kernel's own steps take) is taken over from the built-in one, and the
 * written table says so of every number. */
#ifndef ZSIM_CALIBRATE_CALIBRATE_H
#define ZSIM_CALIBRATE_CALIBRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sim/base/diagnostics.h"
#include "sim/engine/costs.h"

/* ---- how ---------------------------------------------------------------------- */

enum { CALIBRATE_ROUNDS_LEAST = 5, CALIBRATE_ROUNDS = 31, CALIBRATE_ROUNDS_MOST = 10001 };

/* One number from several rounds, in ns. */
struct measured {
    double median;
    double least, most; /* the 10th and the 90th percentile of the rounds */
    double spread;      /* 1.4826 * median absolute deviation: a standard deviation, robust */
};

/* Sorts samples[0..count-1], count >= 1. */
struct measured measured_of(double *samples, size_t count);

/* Does something `repetitions` times. */
typedef void measured_work(void *context, unsigned repetitions);

/* How often to repeat so that the clock's own time does not matter: about 20 us. */
unsigned repetitions_for(measured_work *work, void *context);

/* ns of one repetition, once. */
double time_once(measured_work *work, void *context, unsigned repetitions);

/* After a warm-up, over `rounds` rounds. */
struct measured measure(measured_work *work, void *context, unsigned rounds);

/* Of the monotonic clock. */
double clock_ns(void);

/* Keep this thread on a processor; false: not allowed.  Processors as in /proc. */
bool pin_to(int processor);
/* The processors that this thread may run on, at most `room`; returns their number. */
size_t allowed_processors(int *processors, size_t room);
/* The socket and core of a processor; -1 where the system does not say. */
int processor_socket(int processor);
int processor_core(int processor);

/* ---- a straight line ------------------------------------------------------------- */

/* y = fixed + slope x, by weighted least squares; the covariance is scaled by chi^2 per
 * degree of freedom where that is above 1, as then the weights promise too much. */
struct fitted_line {
    double fixed, slope;
    double fixed_variance, covariance, slope_variance;
    double chi_squared; /* per degree of freedom, before scaling */
    bool bounded;       /* a parameter would have been negative: it is 0, the other fitted alone */
};

/* weights are 1 / variance; count >= 3. */
struct fitted_line fit_line(const double *x, const double *y, const double *weights, size_t count);

/* ---- what is measured ---------------------------------------------------------------- */

struct calibrated_codec {
    bool known;
    struct fitted_line compress, decompress; /* ns, ns a byte of compressed length */
    uint32_t least_length, most_length;      /* of the pages that it was measured with */
};

struct calibration {
    char machine[128]; /* the processor's name */
    unsigned rounds, processors;
    bool known[COSTS];
    struct measured costs[COSTS];
    struct calibrated_codec codecs[COMPRESSORS_AT_MOST];
};

/* Measure everything that can be measured here; takes some seconds. */
void calibrate(struct calibration *calibration, unsigned rounds);

/* Its parts. */
void calibrate_codecs(struct calibration *calibration);
void calibrate_memory(struct calibration *calibration);
void calibrate_processors(struct calibration *calibration);

/* A readable table with spreads and covariances. */
void calibration_print(const struct calibration *calibration, FILE *out);

/* A whole cost table called `name`.  False after adding to `errors`. */
bool calibration_write(const struct calibration *calibration, const char *name, const char *path,
                       struct diagnostics *errors);

/* Of liblzo2, which only this measures with; NULL: built without it. */
const char *calibrate_lzo_version(void);

#endif

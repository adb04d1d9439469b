/* The name under which the result of one run is kept: a hash of everything that
 * it follows from.  Two runs of the same address have the same result, so a
 * result that is there never has to be made again. */
#ifndef ZSIM_EXPERIMENT_RESULT_ADDRESS_H
#define ZSIM_EXPERIMENT_RESULT_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/experiment/experiment.h"

enum { RESULT_ADDRESS_DIGITS = 32 };

/* XXH3-128, in hex, of: the resolved config with the values of its cost table;
 * the seed; the content of the traces, generators' parameters and page-content
 * files, but not where they lie; plug-ins; zsim's own sources and the versions of
 * the libraries that numbers depend on.  Question, figures and names of variants
 * are left out.  False after adding to `errors`. */
bool result_address(struct experiment *experiment, uint32_t variant, uint64_t seed,
                    char address[RESULT_ADDRESS_DIGITS + 1], struct diagnostics *errors);

#endif

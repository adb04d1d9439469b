/* Which zsim this is. */
#ifndef ZSIM_EXPERIMENT_VERSION_H
#define ZSIM_EXPERIMENT_VERSION_H

#ifndef ZSIM_VERSION
#define ZSIM_VERSION "0.1.0"
#endif
/* The date of that version, for the manual pages. */
#define ZSIM_RELEASED "November 21, 2026"

/* A hash of the sources that the program was built from, in hex: results made by
 * other sources are other results, whatever the version is called. */
extern const char zsim_sources[];

#endif

#include "sim/experiment/version.h"

/* The Makefile computes it; it builds this file anew when any source changes. */
#ifndef ZSIM_SOURCES
#define ZSIM_SOURCES "unknown"
#endif

const char zsim_sources[] = ZSIM_SOURCES;

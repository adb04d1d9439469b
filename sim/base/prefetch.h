/* Functions that only ask the host's caches for memory.
 *
 * To gcc such a function does nothing: where it is not inlined early, its calls are
 * dropped.  Declare it PREFETCHING, or keep it in another file than its callers.  (A fault's
 * record not asked for in advance: 190 ns an access in place of 120.) */
#ifndef ZSIM_BASE_PREFETCH_H
#define ZSIM_BASE_PREFETCH_H

#define PREFETCHING static inline __attribute__((always_inline))

#endif

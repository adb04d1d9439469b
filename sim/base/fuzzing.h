/* What a build for fuzzing does otherwise (make fuzz; docs/testing.md). */
#ifndef ZSIM_BASE_FUZZING_H
#define ZSIM_BASE_FUZZING_H

/* A size of a buffer or a table, and the one for fuzzing: small, so that inputs of
 * a few hundred bytes come to every edge, and many of them in a second.
 * CHECKSUM_IS_GOOD: random changes would hardly come past a checksum; none is computed. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define USUAL_OR_FUZZING(usual, fuzzing) (fuzzing)
#define CHECKSUM_IS_GOOD(comparison) (1 || (comparison))
#else
#define USUAL_OR_FUZZING(usual, fuzzing) (usual)
#define CHECKSUM_IS_GOOD(comparison) (comparison)
#endif

#endif

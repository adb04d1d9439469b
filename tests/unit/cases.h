/* How many cases a test runs.  Where one takes ten times as long, under sanitizers and
 * without optimisation, fewer. */
#ifndef ZSIM_TESTS_CASES_H
#define ZSIM_TESTS_CASES_H

#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
#define CASES(usual, slow) (slow)
#else
#define CASES(usual, slow) (usual)
#endif

#endif

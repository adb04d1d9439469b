/* Runs a command and follows all processes that descend from it, so that each
 * has a FIFO of its own before its first instruction.
 *
 * ptrace(2) is used for that alone: no system call is intercepted, only forks,
 * exits and signals stop a process for a moment. */
#ifndef ZSIM_WORKLOADS_CAPTURE_TRACER_H
#define ZSIM_WORKLOADS_CAPTURE_TRACER_H

#include <signal.h>

#include "workloads/capture/reader.h"

struct tracer_result {
    int status;       /* of the command, as from waitpid(2) */
    bool interrupted; /* by SIGINT, SIGTERM or SIGHUP */
    uint32_t processes;
};

/* Called a few times a second while the command runs; may be NULL. */
typedef void tracer_tick(void *context);

/* Block the signals that tracer_run() waits for, before any thread is made;
 * `before` is for it and for the caller to restore when the trace is written. */
void tracer_hold_signals(sigset_t *before);

/* Run argv[0] (a path) with argv; a process P writes into the FIFO `directory`/P.
 * Returns when all of them have ended, false after adding to `errors`. */
bool tracer_run(char *const argv[], const char *directory, const sigset_t *before,
                struct capture_reader *reader, tracer_tick *tick, void *context,
                struct tracer_result *result, struct diagnostics *errors);

#endif

/* What valgrind says about one process, line by line:
 * --tool=lackey --trace-mem=yes --trace-syscalls=yes --trace-sched=yes. */
#ifndef ZSIM_WORKLOADS_CAPTURE_VALGRIND_TEXT_H
#define ZSIM_WORKLOADS_CAPTURE_VALGRIND_TEXT_H

#include "workloads/capture/address_space.h"

enum { CALL_ARGUMENTS = 6, CALL_PATH_BYTES = 512, FILES_AT_MOST = 1024 };

/* A system call that has begun and not ended. */
struct pending_call {
    const struct call_kind *kind; /* NULL: none that matters */
    uint64_t arguments[CALL_ARGUMENTS];
    uint32_t argument_count;
    char path[CALL_PATH_BYTES];
};

struct recorded_thread {
    uint32_t task; /* NATIVE_NONE until its first access */
    struct pending_call call;
};

struct recorded_process {
    struct mapped_objects *objects;
    struct address_space space;
    uint32_t pid;
    uint32_t parent_task; /* NATIVE_NONE */
    char command[64];
    unsigned headers; /* times that valgrind introduced itself: a fork or a start, then exec */
    struct recorded_thread *threads; /* [thread_count], by valgrind's number */
    uint32_t thread_count, thread;   /* the one that runs */
    uint32_t task;                   /* its task, or NATIVE_NONE */
    bool instructions;               /* fetches are reads */
    struct opened_file {
        char *path;      /* NULL: not known */
        uint32_t object; /* of a memfd */
    } * files;           /* [FILES_AT_MOST], by descriptor */
    /* valgrind has announced a child; called between two lines. */
    void (*forked)(void *context, struct recorded_process *parent, uint32_t pid);
    void *context;
};

/* `process` is zeroed by this; `refresh` as in struct address_space. */
void recorded_process_start(struct recorded_process *process, struct mapped_objects *objects,
                            uint32_t pid);
/* A child as it is right after fork(). */
void recorded_process_fork(struct recorded_process *parent, struct recorded_process *child);
/* It has exited: its pages lose their references. */
void recorded_process_stop(struct recorded_process *process);
/* Without recording its end. */
void recorded_process_forget(struct recorded_process *process);

/* Take all whole lines of text[0..length); returns how many bytes they are. */
size_t recorded_process_read(struct recorded_process *process, const char *text, size_t length);

#endif

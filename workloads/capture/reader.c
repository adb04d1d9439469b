#define _GNU_SOURCE
#include "workloads/capture/reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/memory.h"

enum {
    TEXT_BYTES = 1 << 20,  /* read at once: what a FIFO holds */
    CARRY_BYTES = 1 << 14, /* of a line that is not whole yet; longer ones are cut */
    BUSY_BYTES = 1 << 18,  /* more than this at once: read again without a nap */
    NAP_NS = 1000000,
};

struct live_process {
    struct recorded_process recorded;
    uint32_t pid, parent;
    int file;       /* -1 until capture_reader_add() */
    bool announced; /* its parent's text has come to the fork */
    bool started;   /* it has what it inherits */
    bool ended;
    char carry[CARRY_BYTES];
    size_t carried;
};

/* What the tracing thread says. */
struct message {
    uint32_t pid, parent;
    int file; /* -1: the process has ended */
    struct message *next;
};

struct capture_reader {
    pthread_t thread;
    pthread_mutex_t lock; /* of the three below */
    struct message *first, **last;
    bool closing;
    struct mapped_objects *objects;
    bool instructions;
    struct live_process **live; /* in the order of their beginnings */
    size_t count, room;
    uint32_t *unannounced; /* who was gone before the parent's text came to the fork */
    size_t unannounced_count, unannounced_room;
    struct live_process *exited; /* recorded when somebody else goes on; the last exit is not */
    char *text;                  /* [CARRY_BYTES + TEXT_BYTES] */
};

/* ---- the processes ------------------------------------------------------------------ */

static struct live_process *find_live(struct capture_reader *reader, uint32_t pid)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->live[i]->pid == pid && !reader->live[i]->ended)
            return reader->live[i];
    return NULL;
}

static void refresh_regions(void *context, struct address_space *space)
{
    const struct live_process *live = context;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/maps", live->pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return;
    address_space_read_maps(space, maps);
    fclose(maps);
}

static void announced(void *context, struct recorded_process *parent, uint32_t pid);

static struct live_process *add_live(struct capture_reader *reader, uint32_t pid)
{
    if (reader->count == reader->room) {
        reader->room = reader->room ? 2 * reader->room : 16;
        reader->live =
            memory_resized(reader->live, reader->room, sizeof(*reader->live), "recorded processes");
    }
    struct live_process *live = memory_zeroed(1, sizeof(*live), "a recorded process");
    live->pid = pid;
    live->file = -1;
    recorded_process_start(&live->recorded, reader->objects, pid);
    live->recorded.space.refresh = refresh_regions;
    live->recorded.space.refresh_context = live;
    live->recorded.forked = announced;
    live->recorded.context = reader;
    live->recorded.instructions = reader->instructions;
    reader->live[reader->count++] = live;
    return live;
}

/* A child that may have ended already. */
static struct live_process *find_unannounced(struct capture_reader *reader, uint32_t pid)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->live[i]->pid == pid && !reader->live[i]->announced)
            return reader->live[i];
    return NULL;
}

/* Whether it was read to its end before its parent's text came to the fork. */
static bool forget_unannounced(struct capture_reader *reader, uint32_t pid)
{
    for (size_t i = 0; i < reader->unannounced_count; i++) {
        if (reader->unannounced[i] != pid)
            continue;
        reader->unannounced[i] = reader->unannounced[--reader->unannounced_count];
        return true;
    }
    return false;
}

static void note_unannounced(struct capture_reader *reader, uint32_t pid)
{
    if (reader->unannounced_count == reader->unannounced_room) {
        reader->unannounced_room = reader->unannounced_room ? 2 * reader->unannounced_room : 16;
        reader->unannounced = memory_resized(reader->unannounced, reader->unannounced_room,
                                             sizeof(*reader->unannounced), "ended processes");
    }
    reader->unannounced[reader->unannounced_count++] = pid;
}

/* The parent's text has come to the fork. */
static void announced(void *context, struct recorded_process *parent, uint32_t pid)
{
    struct capture_reader *reader = context;
    if (forget_unannounced(reader, pid))
        return;
    struct live_process *child = find_unannounced(reader, pid);
    if (!child)
        child = add_live(reader, pid);
    if (!child->started)
        recorded_process_fork(parent, &child->recorded);
    child->announced = child->started = true;
}

/* An exit frees pages; at the end of the trace that would say nothing. */
static void record_exit(struct capture_reader *reader)
{
    if (!reader->exited)
        return;
    recorded_process_stop(&reader->exited->recorded);
    free(reader->exited);
    reader->exited = NULL;
}

static void remove_live(struct capture_reader *reader, size_t at)
{
    struct live_process *live = reader->live[at];
    record_exit(reader);
    reader->exited = live;
    if (!live->announced && live->parent)
        note_unannounced(reader, live->pid);
    if (live->file >= 0)
        close(live->file);
    reader->count--;
    memmove(reader->live + at, reader->live + at + 1,
            (reader->count - at) * sizeof(struct live_process *));
}

/* ---- text ------------------------------------------------------------------------------ */

static void note_progress(struct capture_reader *reader)
{
    struct recorder *recorder = reader->objects->recorder;
    struct recorder_progress *progress = &recorder->progress;
    atomic_store_explicit(&progress->accesses, recorder->counts.accesses, memory_order_relaxed);
    atomic_store_explicit(&progress->records, native_writer_records(recorder->writer),
                          memory_order_relaxed);
    atomic_store_explicit(&progress->pages, recorder->counts.pages - recorder->counts.frees,
                          memory_order_relaxed);
    atomic_store_explicit(&progress->processes, reader->count, memory_order_relaxed);
}

/* Read what is there, at most what a FIFO holds; returns the bytes. */
static size_t read_text(struct capture_reader *reader, struct live_process *live)
{
    char *begin = reader->text + CARRY_BYTES - live->carried;
    memcpy(begin, live->carry, live->carried);
    ssize_t got;
    do
        got = read(live->file, reader->text + CARRY_BYTES, TEXT_BYTES);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    record_exit(reader);
    size_t length = live->carried + (size_t)got;
    size_t taken = recorded_process_read(&live->recorded, begin, length);
    live->carried = length - taken;
    if (live->carried > CARRY_BYTES) {
        /* No line of valgrind is that long. */
        recorder_unknown(reader->objects->recorder, begin + taken, live->carried);
        live->carried = 0;
    }
    memcpy(live->carry, begin + taken, live->carried);
    note_progress(reader);
    return (size_t)got;
}

/* A child's text must not be read before its parent's up to the fork: what the
 * parent had mapped by then has been written before the child existed. */
static void start_live(struct capture_reader *reader, struct live_process *live)
{
    struct live_process *parent = live->parent ? find_live(reader, live->parent) : NULL;
    if (parent && parent != live) {
        if (!parent->started)
            start_live(reader, parent);
        while (!live->started && parent->file >= 0 && read_text(reader, parent))
            ;
        if (!live->started)
            recorded_process_fork(&parent->recorded, &live->recorded);
    }
    live->started = true;
}

/* One round over all processes; returns the most bytes that one of them had. */
static size_t read_all(struct capture_reader *reader)
{
    size_t most = 0;
    for (size_t i = 0; i < reader->count;) {
        struct live_process *live = reader->live[i];
        bool ended = live->ended; /* before reading: then nothing comes after it */
        size_t got = 0;
        if (live->file >= 0) {
            if (!live->started)
                start_live(reader, live);
            got = read_text(reader, live);
        }
        most = got > most ? got : most;
        if (ended && got == 0)
            remove_live(reader, i);
        else
            i++;
    }
    return most;
}

static void take_message(struct capture_reader *reader, const struct message *message)
{
    struct live_process *live = find_live(reader, message->pid);
    if (message->file < 0) {
        if (live)
            live->ended = true;
        return;
    }
    if (!live)
        live = add_live(reader, message->pid);
    live->file = message->file;
    live->parent = message->parent;
}

/* True when all is done. */
static bool take_messages(struct capture_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    struct message *message = reader->first;
    bool closing = reader->closing;
    reader->first = NULL;
    reader->last = &reader->first;
    pthread_mutex_unlock(&reader->lock);
    while (message) {
        struct message *next = message->next;
        take_message(reader, message);
        free(message);
        message = next;
    }
    return closing && reader->count == 0;
}

static void *read_until_closed(void *context)
{
    static const struct timespec nap = {.tv_nsec = NAP_NS};
    struct capture_reader *reader = context;
    while (!take_messages(reader))
        /* valgrind writes every line by a call of its own.  A reader that waited
         * for it would be woken for each; one that naps finds many at once. */
        if (read_all(reader) < BUSY_BYTES)
            nanosleep(&nap, NULL);
    return NULL;
}

/* ---- between the threads ------------------------------------------------------------------ */

struct capture_reader *capture_reader_start(struct mapped_objects *objects, bool instructions)
{
    struct capture_reader *reader = memory_zeroed(1, sizeof(*reader), "a reader");
    reader->objects = objects;
    reader->instructions = instructions;
    reader->last = &reader->first;
    reader->text = memory_zeroed(CARRY_BYTES + TEXT_BYTES, 1, "trace text");
    pthread_mutex_init(&reader->lock, NULL);
    if (pthread_create(&reader->thread, NULL, read_until_closed, reader) == 0)
        return reader;
    pthread_mutex_destroy(&reader->lock);
    free(reader->text);
    free(reader);
    return NULL;
}

static void send(struct capture_reader *reader, struct message content)
{
    struct message *message = memory_zeroed(1, sizeof(*message), "a message");
    *message = content;
    pthread_mutex_lock(&reader->lock);
    *reader->last = message;
    reader->last = &message->next;
    pthread_mutex_unlock(&reader->lock);
}

void capture_reader_add(struct capture_reader *reader, uint32_t pid, uint32_t parent, int file)
{
    send(reader, (struct message){.pid = pid, .parent = parent, .file = file});
}

void capture_reader_end(struct capture_reader *reader, uint32_t pid)
{
    send(reader, (struct message){.pid = pid, .file = -1});
}

void capture_reader_join(struct capture_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    reader->closing = true;
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
    if (reader->exited)
        recorded_process_forget(&reader->exited->recorded);
    free(reader->exited);
    free(reader->live);
    free(reader->unannounced);
    free(reader->text);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
}

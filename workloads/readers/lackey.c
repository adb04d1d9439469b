#define _GNU_SOURCE
#include "workloads/readers/lackey.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "sim/base/files.h"
#include "sim/base/fuzzing.h"
#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/generators/stream.h"
#include "workloads/readers/foreign.h"
#include "workloads/readers/readers.h"

enum {
    TEXT_BYTES = USUAL_OR_FUZZING(1 << 20, 1 << 10), /* read at once; also the longest line */
    SINK_RECORDS = USUAL_OR_FUZZING(4096, 16),
    SLOTS_AT_LEAST = USUAL_OR_FUZZING(1 << 12, 1 << 4),
    STATES_AT_LEAST = SLOTS_AT_LEAST / 4,
    RECORDS_AT_LEAST = USUAL_OR_FUZZING(1 << 16, 1 << 4),
    PAGE_SHIFT = 12,
    SIZE_AT_MOST = 1 << 16, /* of one access in bytes; lackey itself gives at most 512 */
    QUOTED_BYTES = 40,
};

/* What is known of a page, by its number in the trace. */
struct page_state {
    uint64_t entered; /* value of reading.entries when it last entered the window */
    bool written;     /* a write was recorded since */
};

struct slot {
    uint64_t key; /* address >> PAGE_SHIFT, plus one; 0: empty */
    uint32_t page;
};

struct reading {
    struct lackey_options options;
    struct lackey_counts *counts;
    lackey_sink *sink;
    void *context;
    struct slot *slots; /* open addressing, a power of two */
    size_t slot_count;
    struct page_state *states;
    size_t states_room;
    uint64_t entries; /* pages that have entered the window so far */
    uint32_t held;
    struct access records[SINK_RECORDS];
};

/* ---- pages and records ------------------------------------------------------ */

static struct slot *find_slot(struct slot *slots, size_t count, uint64_t key)
{
    size_t at = (size_t)random_splitmix(key) & (count - 1);
    while (slots[at].key && slots[at].key != key)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static void grow_slots(struct reading *in)
{
    size_t count = in->slot_count ? in->slot_count * 2 : SLOTS_AT_LEAST;
    struct slot *slots = memory_zeroed(count, sizeof(*slots), "a table of pages");
    for (size_t i = 0; i < in->slot_count; i++)
        if (in->slots[i].key)
            *find_slot(slots, count, in->slots[i].key) = in->slots[i];
    free(in->slots);
    in->slots = slots;
    in->slot_count = count;
}

/* The number of the page that holds `address`. */
static uint32_t number_page(struct reading *in, uint64_t address)
{
    uint64_t key = (address >> PAGE_SHIFT) + 1;
    struct slot *slot = find_slot(in->slots, in->slot_count, key);
    if (slot->key)
        return slot->page;
    uint32_t page = in->counts->pages++;
    *slot = (struct slot){.key = key, .page = page};
    if (page == in->states_room) {
        in->states_room = in->states_room ? in->states_room * 2 : STATES_AT_LEAST;
        in->states =
            memory_resized(in->states, in->states_room, sizeof(*in->states), "states of pages");
    }
    in->states[page] = (struct page_state){0};
    if ((size_t)in->counts->pages * 2 > in->slot_count)
        grow_slots(in);
    return page;
}

static void flush(struct reading *in)
{
    if (in->held)
        in->sink(in->context, in->records, in->held);
    in->counts->records += in->held;
    in->held = 0;
}

static void touch(struct reading *in, uint64_t address, bool write)
{
    uint32_t page = number_page(in, address);
    struct page_state *state = &in->states[page];
    in->counts->accesses++;
    bool inside = state->entered && in->entries - state->entered < in->options.window;
    if (inside && (!write || state->written))
        return;
    if (inside)
        state->written = true;
    else
        *state = (struct page_state){.entered = ++in->entries, .written = write};
    in->records[in->held++] = (struct access){.page = page, .op = write};
    if (in->held == SINK_RECORDS)
        flush(in);
}

/* ---- lines -------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "ADDR,SIZE" up to `end`; false when it is anything else. */
static bool parse_place(const char *at, const char *end, uint64_t *address, uint64_t *size)
{
    const char *begin = at;
    *address = *size = 0;
    for (int digit; at < end && (digit = hex_digit(*at)) >= 0; at++)
        *address = *address << 4 | (uint64_t)digit;
    if (at == begin || at - begin > 16 || at == end || *at++ != ',')
        return false;
    begin = at;
    for (; at < end && *at >= '0' && *at <= '9' && *size <= SIZE_AT_MOST; at++)
        *size = *size * 10 + (uint64_t)(*at - '0');
    return at > begin && at == end && *size >= 1 && *size <= SIZE_AT_MOST &&
           *address + (*size - 1) >= *address;
}

/* Counts the line's kind; false when there is no such kind.  *uses: the access
 * is part of the trace. */
static bool count_kind(struct reading *in, const char *line, bool *uses)
{
    *uses = true;
    if (line[0] == 'I' && line[1] == ' ' && line[2] == ' ') {
        in->counts->instructions++;
        *uses = in->options.instructions;
        return true;
    }
    if (line[0] != ' ' || line[2] != ' ')
        return false;
    in->counts->loads += line[1] == 'L';
    in->counts->stores += line[1] == 'S';
    in->counts->modifies += line[1] == 'M';
    return line[1] == 'L' || line[1] == 'S' || line[1] == 'M';
}

/* Valgrind's own lines: ==PID== messages, --PID-- details, **PID** of the program. */
static bool is_message(const char *line, size_t length)
{
    return length >= 2 && line[0] == line[1] &&
           (line[0] == '=' || line[0] == '-' || line[0] == '*');
}

static bool read_line(struct reading *in, const char *line, const char *end)
{
    uint64_t address, size;
    bool uses;
    if (is_message(line, (size_t)(end - line)))
        return true;
    if (end - line < 6 || !count_kind(in, line, &uses) ||
        !parse_place(line + 3, end, &address, &size))
        return false;
    if (!uses)
        return true;
    bool write = line[1] == 'S' || line[1] == 'M';
    uint64_t last = (address + size - 1) >> PAGE_SHIFT;
    for (uint64_t page = address >> PAGE_SHIFT; page <= last; page++)
        touch(in, page << PAGE_SHIFT, write);
    return true;
}

static void line_error(struct diagnostics *errors, const char *name, uint64_t line,
                       const char *text, const char *end)
{
    char quoted[QUOTED_BYTES + 1];
    size_t length = (size_t)(end - text) < QUOTED_BYTES ? (size_t)(end - text) : QUOTED_BYTES;
    for (size_t i = 0; i < length; i++)
        quoted[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    quoted[length] = '\0';
    struct source_position position = {
        .file = name, .line = line < UINT32_MAX ? (unsigned)line : UINT32_MAX, .column = 1};
    diagnostics_add(errors, &position,
                    "\"%s\" is not a line of lackey; expected \" L ADDR,SIZE\", \" S ADDR,SIZE\", "
                    "\" M ADDR,SIZE\" or \"I  ADDR,SIZE\"",
                    quoted);
}

/* Reads all whole lines of text[0..length); returns how many bytes they take,
 * or SIZE_MAX after an error. */
static size_t read_lines(struct reading *in, const char *name, const char *text, size_t length,
                         uint64_t *line_number, struct diagnostics *errors)
{
    const char *at = text, *end = text + length, *stop;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        ++*line_number;
        if (!read_line(in, at, stop)) {
            line_error(errors, name, *line_number, at, stop);
            return SIZE_MAX;
        }
        at = stop + 1;
    }
    return (size_t)(at - text);
}

/* What is wrong when no whole line could be taken; NULL while all is well. */
static const char *end_error(ssize_t got, size_t held)
{
    if (got < 0)
        return strerror(errno);
    if (got == 0 && held > 0)
        return "the text ends inside a line";
    return held == TEXT_BYTES ? "a line is longer than 1 MiB" : NULL;
}

/* Where text comes from: a file, which may be compressed, or valgrind by a pipe. */
struct text_source {
    int file;
    struct trace_input *input; /* NULL: a pipe */
    XXH3_state_t *hash;        /* of what came through a pipe */
};

static void source_open(struct text_source *source, int file, const char *name,
                        struct diagnostics *errors)
{
    struct stat about;
    *source = (struct text_source){.file = file};
    if (fstat(file, &about) != 0 || !S_ISFIFO(about.st_mode)) {
        source->input = trace_input_open(file, name, errors);
        return;
    }
    source->hash = memory_checked(XXH3_createState(), "a hash");
    XXH3_128bits_reset(source->hash);
    (void)fcntl(file, F_SETPIPE_SZ, TEXT_BYTES);
}

static void source_close(struct text_source *source)
{
    trace_input_close(source->input);
    XXH3_freeState(source->hash);
}

/* valgrind writes every line by a call of its own.  A reader that waits in
 * read() would be woken for each of them; one that naps finds many at once. */
static ssize_t source_read(struct text_source *source, char *text, size_t room)
{
    static const struct timespec nap = {.tv_nsec = 1000000};
    ssize_t got;
    if (source->input)
        return (ssize_t)trace_input_take(source->input, text, room);
    nanosleep(&nap, NULL);
    do
        got = read(source->file, text, room);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        XXH3_128bits_update(source->hash, text, (size_t)got);
    return got;
}

static bool source_failed(const struct text_source *source)
{
    return source->input && trace_input_failed(source->input);
}

static void source_fingerprint(const struct text_source *source, char out[33])
{
    if (source->input) {
        trace_input_fingerprint(source->input, out);
        return;
    }
    XXH128_hash_t digest = XXH3_128bits_digest(source->hash);
    snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, digest.high64, digest.low64);
}

static bool read_text(struct reading *in, struct text_source *source, const char *name,
                      struct diagnostics *errors)
{
    char *text = memory_zeroed(TEXT_BYTES, 1, "trace text");
    uint64_t line_number = 0;
    size_t held = 0;
    bool good = true;
    for (ssize_t got = 1; good && got > 0;) {
        got = source_read(source, text + held, TEXT_BYTES - held);
        if (got > 0)
            held += (size_t)got;
        size_t taken = got > 0 ? read_lines(in, name, text, held, &line_number, errors) : 0;
        good = taken != SIZE_MAX && !source_failed(source);
        if (!good)
            break;
        if (in->options.records_at_most && in->counts->records > in->options.records_at_most) {
            diagnostics_add(errors, &(struct source_position){.file = name},
                            "more than %" PRIu64
                            " accesses, too much to be held in memory; zsim trace convert makes a "
                            "native trace of it, which is not",
                            in->options.records_at_most);
            good = false;
            break;
        }
        held -= taken;
        memmove(text, text + taken, held);
        const char *why = end_error(got, held);
        if (why) {
            diagnostics_add(errors,
                            &(struct source_position){
                                .file = name, .line = (unsigned)line_number + 1, .column = 1},
                            "%s", why);
            good = false;
        }
    }
    free(text);
    return good;
}

bool lackey_read(int file, const char *name, const struct lackey_options *options,
                 lackey_sink *sink, void *context, struct lackey_counts *counts,
                 char fingerprint[33], struct diagnostics *errors)
{
    struct reading *in = memory_zeroed(1, sizeof(*in), "a reader of lackey text");
    struct text_source source;
    *counts = (struct lackey_counts){0};
    in->options = *options;
    in->counts = counts;
    in->sink = sink;
    in->context = context;
    grow_slots(in);
    source_open(&source, file, name, errors);
    bool good = read_text(in, &source, name, errors);
    flush(in);
    if (fingerprint)
        source_fingerprint(&source, fingerprint);
    if (good && counts->records == 0) {
        diagnostics_add(errors, &(struct source_position){.file = name},
                        "no access in the text; was valgrind run with --trace-mem=yes?");
        good = false;
    }
    source_close(&source);
    free(in->slots);
    free(in->states);
    free(in);
    return good;
}

/* ---- type `lackey` --------------------------------------------------------------- */

struct lackey_params {
    const char *file;
    bool instructions;
    uint64_t window;
};

static const struct param lackey_rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct lackey_params, file),
     .flags = PARAM_REQUIRED,
     .help = "text written by valgrind --tool=lackey --trace-mem=yes, also inside zstd, gzip or "
             "zlib; read whole at the start"},
    {.name = "instructions",
     .type = PARAM_BOOL,
     .offset = offsetof(struct lackey_params, instructions),
     .initial = "false",
     .help = "instruction fetches count as reads; otherwise they are dropped"},
    {.name = "window",
     .type = PARAM_COUNT,
     .offset = offsetof(struct lackey_params, window),
     .initial = "8",
     .least = 1,
     .most = LACKEY_WINDOW_AT_MOST,
     .help = "an access to one of the last so many pages recorded is dropped unless it is the "
             "first write to it; 1 drops only repetitions"},
};

struct lackey_workload {
    struct access *records;
    uint64_t count, room;
    uint32_t pages;
    char fingerprint[33];
};

static void keep_records(void *context, const struct access *records, uint32_t count)
{
    struct lackey_workload *kept = context;
    if (kept->count + count > kept->room) {
        kept->room = kept->room ? kept->room * 2 : RECORDS_AT_LEAST;
        kept->records =
            memory_resized(kept->records, kept->room, sizeof(*kept->records), "trace records");
    }
    memcpy(kept->records + kept->count, records, count * sizeof(*records));
    kept->count += count;
}

static void kept_free(struct lackey_workload *kept)
{
    free(kept->records);
    free(kept);
}

/* Records depend on the text and on the options. */
static void mix_options(struct lackey_workload *kept, const struct lackey_params *params)
{
    char text[128];
    int length = snprintf(text, sizeof(text), "lackey %s %d %" PRIu64, kept->fingerprint,
                          params->instructions, params->window);
    workload_fingerprint(text, (size_t)length, kept->fingerprint);
}

struct lackey_options lackey_params_options(const void *params)
{
    const struct lackey_params *own = params;
    return (struct lackey_options){.instructions = own->instructions,
                                   .window = (uint32_t)own->window};
}

static struct workload *lackey_open(const void *params, uint64_t seed,
                                    const struct source_position *position,
                                    struct diagnostics *errors)
{
    (void)seed;
    const struct lackey_params *own = params;
    const char *why;
    int file = file_open_input(own->file, &why);
    if (file < 0) {
        diagnostics_add(errors, position, "cannot open the trace \"%s\": %s", own->file, why);
        return NULL;
    }
    struct lackey_options options = lackey_params_options(params);
    options.records_at_most = TRACE_RECORDS_HELD;
    struct lackey_counts counts;
    struct lackey_workload *kept = memory_zeroed(1, sizeof(*kept), "a trace");
    bool good = lackey_read(file, own->file, &options, keep_records, kept, &counts,
                            kept->fingerprint, errors);
    close(file);
    if (!good) {
        kept_free(kept);
        return NULL;
    }
    mix_options(kept, own);
    kept->pages = counts.pages;
    struct workload *workload = memory_zeroed(1, sizeof(*workload), "a workload");
    *workload = (struct workload){.type = &workload_lackey,
                                  .spaces = 1,
                                  .space_pages = &kept->pages,
                                  .accesses = kept->count,
                                  .fingerprint = kept->fingerprint,
                                  .state = kept};
    return workload;
}

static void lackey_close(struct workload *workload)
{
    if (!workload)
        return;
    kept_free(workload->state);
    free(workload);
}

static bool lackey_start(struct workload_cursor *cursor)
{
    cursor->position = 0;
    cursor->state = NULL;
    return true;
}

static uint32_t lackey_next(struct workload_cursor *cursor, const struct access **block)
{
    const struct lackey_workload *kept = cursor->workload->state;
    uint64_t left = kept->count - cursor->position;
    uint32_t count = left < SINK_RECORDS ? (uint32_t)left : SINK_RECORDS;
    *block = kept->records + cursor->position;
    cursor->position += count;
    return count;
}

static void lackey_stop(struct workload_cursor *cursor)
{
    cursor->state = NULL;
}

static bool recognise(const char *head, size_t bytes)
{
    static const char *const beginnings[] = {" L ", " S ", " M ", "I  "};
    if (is_message(head, bytes))
        return true;
    for (size_t i = 0; bytes >= 6 && i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (memcmp(head, beginnings[i], 3) == 0 && hex_digit(head[3]) >= 0)
            return true;
    return false;
}

static const struct trace_reader reader = {.recognise = recognise};

const struct workload_type workload_lackey = {
    .name = "lackey",
    .summary = "text of valgrind's lackey tool",
    .params = PARAM_TABLE(lackey_rows, struct lackey_params),
    .reader = &reader,
    .open = lackey_open,
    .close = lackey_close,
    .start = lackey_start,
    .next = lackey_next,
    .stop = lackey_stop,
};

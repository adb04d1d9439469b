/* Replay a native trace (version 1) on the running kernel; see docs/replay-kernel.md.
 *
 *   replay SPEC -o OUT.json [--cgroup DIR]... [--limit-file NAME --unlimited WORD]
 *          [--proc DIR] [--sys DIR] [--check] [--no-probe] [--dump FILE]
 *
 * One process for each cgroup of the trace maps one region.  A token goes from
 * process to process in the order of the trace, so that exactly one of them
 * runs: it is a record's number, written into the pipe of whoever goes on
 * there.  The coordinator takes its turn where counters are read, statistics
 * are flushed or an event is due; it lives outside the cgroups.
 *
 * SPEC is text, a line each: trace FILE; flush N; cpu N (-1: any);
 * limit CGROUP PAGES; content CGROUP SEED FIRST LAST CLASSES;
 * group NAME CGROUP FIRST LAST; event RECORD snap LABEL, event RECORD limit
 * CGROUP PAGES, event RECORD write PATH VALUE; name and samples are passed over.
 *
 * Exit code: 0 done, 1 failed, 2 a mistake in what was asked, 3 a process of the
 * trace was killed (its cgroup ran out of memory).  Needs nothing but libc. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/random.h"

#define FILLER_WORD 0x5A53494D4B524550ull
#define NANOSECONDS 1000000000ull

enum {
    PAGE = 4096,
    WORDS = PAGE / 8,
    CGROUPS_AT_MOST = 8,
    ITEMS_AT_MOST = 256, /* content rules, groups, events */
    SHARES_AT_MOST = 64, /* classes of a rule */
    LINE_AT_MOST = 4096,
    HEADER_BYTES = 56,
    CLUSTER_SLOTS = 512, /* SWAPFILE_CLUSTER on x86-64 */
    SETTLE_MS = 300,     /* counters must stand still for this long */
    SETTLE_TURNS = 200,  /* but one minute is enough */
    CODE_FAILED = 1,
    CODE_MISTAKE = 2,
    CODE_KILLED = 3,
};

/* What the coordinator asks of a process; anything else is a record's number. */
#define TOKEN_PROBE UINT64_MAX
#define TOKEN_DUMP (UINT64_MAX - 1)
#define TOKEN_REPORT (UINT64_MAX - 2)

enum operation { OP_READ, OP_WRITE, OP_FREE, OPERATIONS };

struct record {
    uint32_t page;
    uint16_t cgroup;
    uint8_t op, zero;
};

enum page_class { CLASS_ZERO, CLASS_SAME, CLASS_MIXED, CLASS_RANDOM, CLASSES };
static const char *const class_names[CLASSES] = {"zero", "same", "mixed", "random"};

struct share {
    enum page_class page_class;
    uint32_t below, least, most; /* hundredths of a percent, cumulated; random bytes */
};

struct rule {
    uint32_t cgroup, first, last;
    uint64_t seed;
    uint32_t count;
    struct share shares[SHARES_AT_MOST];
};

/* Where a page was when everything had settled. */
enum place { PLACE_RESIDENT, PLACE_SWAP_CACHE, PLACE_MEMORY, PLACE_DISK, PLACES };
static const char *const place_names[PLACES] = {"hit", "minor", "major_nodisk", "major_disk"};

struct group {
    char name[64];
    uint32_t cgroup, first, last;
};

enum event_kind { EVENT_SNAPSHOT, EVENT_LIMIT, EVENT_WRITE };

struct event {
    uint64_t at;
    enum event_kind kind;
    uint32_t cgroup;
    uint64_t pages;
    char text[256], value[64]; /* label or path; what is written there */
};

/* What a process tells the coordinator; in memory that all share. */
struct report {
    struct rusage start, end;
    uint64_t places[ITEMS_AT_MOST][PLACES];
};

struct replay {
    char trace_path[LINE_AT_MOST];
    const struct record *records;
    uint64_t count;
    uint32_t cgroups, pages[CGROUPS_AT_MOST];
    uint64_t limits[CGROUPS_AT_MOST]; /* pages; 0: none */
    uint64_t flushes;
    int processor;
    uint32_t rule_count, group_count, event_count;
    struct rule rules[ITEMS_AT_MOST];
    struct group groups[ITEMS_AT_MOST];
    struct event events[ITEMS_AT_MOST];
    uint64_t *stops; /* sorted: where the coordinator has its turn; the last is `count` */
    size_t stop_count;
    const char *directories[CGROUPS_AT_MOST]; /* of the cgroups; NULL without */
    const char *limit_file, *unlimited, *proc, *sys, *dump, *output;
    int pipes[CGROUPS_AT_MOST + 1][2]; /* the last is the coordinator's */
    pid_t processes[CGROUPS_AT_MOST];
    struct report *reports;
    FILE *out;
};

static void die(int code, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
static void die(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("replay: error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(code);
}

/* ---- page contents: docs/formats.md, "Page contents" ------------------------------ */

static uint64_t rule_hash(const struct rule *rule, uint32_t page, uint64_t salt)
{
    return random_splitmix(random_splitmix(random_splitmix(rule->seed) ^ page) + salt);
}

static const struct rule *rule_of(const struct replay *replay, uint32_t cgroup, uint32_t page)
{
    for (uint32_t i = 0; i < replay->rule_count; i++) {
        const struct rule *rule = &replay->rules[i];
        if (rule->cgroup == cgroup && page >= rule->first && page <= rule->last)
            return rule;
    }
    die(CODE_FAILED, "no content rule for page %u of cgroup %u", page, cgroup);
}

/* The first `wanted` words of a page. */
static void page_words(const struct rule *rule, uint32_t page, uint64_t *words, uint32_t wanted)
{
    uint64_t draw = rule_hash(rule, page, 1) % 10000;
    const struct share *share = rule->shares;
    while (share->below <= draw)
        share++;
    uint64_t state = rule_hash(rule, page, 0), rest = FILLER_WORD;
    uint32_t drawn = 0;
    if (!state)
        state = 1;
    if (share->page_class == CLASS_ZERO)
        rest = 0;
    else if (share->page_class == CLASS_SAME)
        rest = random_next(&state) | 1;
    else if (share->page_class == CLASS_RANDOM)
        drawn = WORDS;
    else
        drawn = share->least / 8 +
                (uint32_t)(rule_hash(rule, page, 2) % ((share->most - share->least) / 8 + 1));
    for (uint32_t i = 0; i < wanted; i++)
        words[i] = i < drawn ? random_next(&state) : rest;
}

/* ---- the spec -------------------------------------------------------------------------- */

static uint64_t number_of(const char *text, const char *what)
{
    char *end;
    errno = 0;
    unsigned long long number = text ? strtoull(text, &end, 10) : 0;
    if (!text || *text < '0' || *text > '9' || *end || errno)
        die(CODE_MISTAKE, "%s: expected a whole number, found \"%s\"", what, text ? text : "");
    return number;
}

static uint32_t number_below(const char *text, uint64_t limit, const char *what)
{
    uint64_t number = number_of(text, what);
    if (number >= limit)
        die(CODE_MISTAKE, "%s: expected at most %" PRIu64 ", found %s", what, limit - 1, text);
    return (uint32_t)number;
}

/* "70", "12.5", "0.25" in hundredths. */
static uint32_t percent_of(const char *text)
{
    unsigned whole = 0;
    char digits[4] = "";
    int length = 0;
    if (sscanf(text, "%3u%n.%3[0-9]%n", &whole, &length, digits, &length) < 1 || text[length] ||
        *text < '0' || *text > '9' || strlen(digits) > 2 || whole > 100)
        die(CODE_MISTAKE, "content: \"%s\" is not a percentage with at most two decimals", text);
    uint32_t fraction = (uint32_t)strtoul(digits, NULL, 10);
    return whole * 100 + (strlen(digits) == 1 ? fraction * 10 : fraction);
}

static void parse_share(char *text, struct share *share)
{
    char *percent = strsep(&text, ":"), *name = strsep(&text, ":");
    char *least = strsep(&text, ":"), *most = strsep(&text, ":");
    share->below = percent_of(percent);
    int page_class = 0;
    while (page_class < CLASSES && (!name || strcmp(name, class_names[page_class]) != 0))
        page_class++;
    if (page_class == CLASSES)
        die(CODE_MISTAKE, "content: expected class zero, same, mixed or random, found \"%s\"",
            name ? name : "");
    share->page_class = (enum page_class)page_class;
    if (page_class == CLASS_MIXED) {
        share->least = number_below(least, PAGE + 1, "content: random bytes") & ~7u;
        share->most =
            most ? number_below(most, PAGE + 1, "content: random bytes") & ~7u : share->least;
    }
    if (text || (least && page_class != CLASS_MIXED) || share->most < share->least)
        die(CODE_MISTAKE,
            "content: class %s: expected PERCENT:mixed:LO[:HI] with LO <= HI, or "
            "PERCENT:CLASS",
            name);
}

static void parse_content(struct replay *replay, char **words)
{
    struct rule *rule = &replay->rules[replay->rule_count++];
    rule->cgroup = number_below(words[1], CGROUPS_AT_MOST, "content: cgroup");
    rule->seed = number_of(words[2], "content: seed");
    rule->first = number_below(words[3], UINT32_MAX, "content: first page");
    rule->last = number_below(words[4], UINT32_MAX, "content: last page");
    uint32_t sum = 0;
    for (char *rest = words[5], *item; (item = strsep(&rest, ","));) {
        if (rule->count == SHARES_AT_MOST)
            die(CODE_MISTAKE, "content: more than %d classes", SHARES_AT_MOST);
        struct share *share = &rule->shares[rule->count++];
        parse_share(item, share);
        share->below = sum += share->below;
    }
    if (sum != 10000)
        die(CODE_MISTAKE, "content: percentages sum to %u.%02u, expected 100", sum / 100,
            sum % 100);
}

static void copy_text(char *to, size_t room, const char *from, const char *what)
{
    if (!from || strlen(from) >= room || strpbrk(from, "\"\\"))
        die(CODE_MISTAKE, "%s: missing, too long, or with a quote or a backslash in it", what);
    memcpy(to, from, strlen(from) + 1);
}

static void parse_event(struct replay *replay, char **words)
{
    struct event *event = &replay->events[replay->event_count++];
    event->at = number_of(words[1], "event: record");
    if (strcmp(words[2], "snap") == 0) {
        event->kind = EVENT_SNAPSHOT;
        copy_text(event->text, sizeof(event->text), words[3], "event snap: label");
    } else if (strcmp(words[2], "limit") == 0) {
        event->kind = EVENT_LIMIT;
        event->cgroup = number_below(words[3], CGROUPS_AT_MOST, "event limit: cgroup");
        event->pages = number_of(words[4], "event limit: pages");
    } else if (strcmp(words[2], "write") == 0) {
        event->kind = EVENT_WRITE;
        copy_text(event->text, sizeof(event->text), words[3], "event write: path");
        copy_text(event->value, sizeof(event->value), words[4], "event write: value");
    } else {
        die(CODE_MISTAKE, "unknown event \"%s\"; expected snap, limit or write", words[2]);
    }
}

static void parse_group(struct replay *replay, char **words)
{
    struct group *group = &replay->groups[replay->group_count++];
    copy_text(group->name, sizeof(group->name), words[1], "group: name");
    group->cgroup = number_below(words[2], CGROUPS_AT_MOST, "group: cgroup");
    group->first = number_below(words[3], UINT32_MAX, "group: first page");
    group->last = number_below(words[4], UINT32_MAX, "group: last page");
}

static void parse_line(struct replay *replay, char *line)
{
    enum { WORDS_OF_LINE = 7 };
    static const struct {
        const char *name;
        unsigned least, most; /* words, with the name */
    } known[] = {{"name", 2, 2},    {"trace", 2, 2}, {"samples", 2, 2},
                 {"flush", 2, 2},   {"cpu", 2, 2},   {"limit", 3, 3},
                 {"content", 6, 6}, {"group", 5, 5}, {"event", 4, 5}};
    char *words[WORDS_OF_LINE] = {NULL};
    unsigned count = 0, i = 0;
    for (char *word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n"))
        if (count < WORDS_OF_LINE)
            words[count++] = word;
    if (!count)
        return;
    while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i].name, words[0]) != 0)
        i++;
    if (i == sizeof(known) / sizeof(known[0]))
        die(CODE_MISTAKE, "unknown line \"%s\" in the spec", words[0]);
    if (count < known[i].least || count > known[i].most)
        die(CODE_MISTAKE, "%s: wrong number of words", words[0]);
    if (replay->rule_count == ITEMS_AT_MOST || replay->group_count == ITEMS_AT_MOST ||
        replay->event_count == ITEMS_AT_MOST)
        die(CODE_MISTAKE, "more than %d content rules, groups or events", ITEMS_AT_MOST - 1);
    if (strcmp(words[0], "trace") == 0)
        copy_text(replay->trace_path, sizeof(replay->trace_path), words[1], "trace");
    else if (strcmp(words[0], "flush") == 0)
        replay->flushes = number_of(words[1], "flush");
    else if (strcmp(words[0], "cpu") == 0)
        replay->processor =
            strcmp(words[1], "-1") == 0 ? -1 : (int)number_below(words[1], CPU_SETSIZE, "cpu");
    else if (strcmp(words[0], "limit") == 0)
        replay->limits[number_below(words[1], CGROUPS_AT_MOST, "limit: cgroup")] =
            number_of(words[2], "limit: pages");
    else if (strcmp(words[0], "content") == 0)
        parse_content(replay, words);
    else if (strcmp(words[0], "group") == 0)
        parse_group(replay, words);
    else if (strcmp(words[0], "event") == 0)
        parse_event(replay, words);
}

static void read_spec(struct replay *replay, const char *path)
{
    char line[LINE_AT_MOST];
    FILE *file = fopen(path, "re");
    if (!file)
        die(CODE_MISTAKE, "%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), file))
        parse_line(replay, line);
    fclose(file);
}

/* ---- the trace --------------------------------------------------------------------------- */

static void check_records(const struct replay *replay)
{
    for (uint64_t i = 0; i < replay->count; i++) {
        const struct record *record = &replay->records[i];
        if (record->cgroup >= replay->cgroups || record->page >= replay->pages[record->cgroup] ||
            record->op >= OPERATIONS || record->zero)
            die(CODE_MISTAKE, "%s: record %" PRIu64 " has a cgroup, page or op out of range",
                replay->trace_path, i);
    }
}

static void open_trace(struct replay *replay)
{
    const char *path = replay->trace_path;
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0)
        die(CODE_MISTAKE, "%s: %s", path, strerror(errno));
    uint8_t header[HEADER_BYTES];
    uint32_t version;
    if (read(file, header, sizeof(header)) != (ssize_t)sizeof(header) ||
        memcmp(header, "KZTRACE1", 8) != 0)
        die(CODE_MISTAKE, "%s: not a native trace", path);
    memcpy(&version, header + 8, 4);
    memcpy(&replay->cgroups, header + 12, 4);
    memcpy(&replay->count, header + 16, 8);
    memcpy(replay->pages, header + 24, sizeof(replay->pages));
    if (version != 1)
        die(CODE_MISTAKE, "%s: version %u; expected 1 (zsim trace convert --to native1 IN OUT)",
            path, version);
    if (replay->cgroups < 1 || replay->cgroups > CGROUPS_AT_MOST || !replay->count ||
        (uint64_t)(status.st_size - HEADER_BYTES) / sizeof(struct record) != replay->count ||
        (status.st_size - HEADER_BYTES) % (off_t)sizeof(struct record))
        die(CODE_MISTAKE, "%s: the header does not fit the file's %jd bytes", path,
            (intmax_t)status.st_size);
    const uint8_t *bytes =
        mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    if (bytes == MAP_FAILED)
        die(CODE_FAILED, "%s: %s", path, strerror(errno));
    close(file);
    replay->records = (const void *)(bytes + HEADER_BYTES);
    check_records(replay);
}

static void check_rules(const struct replay *replay)
{
    for (uint32_t cgroup = 0; cgroup < replay->cgroups; cgroup++)
        for (uint64_t page = 0; page < replay->pages[cgroup];) {
            uint64_t next = page;
            for (uint32_t i = 0; i < replay->rule_count; i++) {
                const struct rule *rule = &replay->rules[i];
                if (rule->cgroup == cgroup && page >= rule->first && page <= rule->last)
                    next = (uint64_t)rule->last + 1;
            }
            if (next == page)
                die(CODE_MISTAKE, "content: no rule for page %" PRIu64 " of cgroup %u", page,
                    cgroup);
            page = next;
        }
    for (uint32_t i = 0; i < replay->event_count; i++)
        if (replay->events[i].at > replay->count ||
            (replay->events[i].kind == EVENT_LIMIT && replay->events[i].cgroup >= replay->cgroups))
            die(CODE_MISTAKE, "event: its record or its cgroup is not in the trace");
    for (uint32_t i = 0; i < replay->group_count; i++)
        if (replay->groups[i].cgroup >= replay->cgroups)
            die(CODE_MISTAKE, "group %s: no such cgroup in the trace", replay->groups[i].name);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Flushes at floor(records * i / flushes), i from 1, and every event. */
static void plan_stops(struct replay *replay)
{
    if (replay->flushes > replay->count)
        die(CODE_MISTAKE, "flush: more flushes than records");
    size_t room = replay->flushes + replay->event_count + 1, count = 0;
    uint64_t *stops = calloc(room, sizeof(*stops));
    if (!stops)
        die(CODE_FAILED, "out of memory");
    for (uint64_t i = 1; i < replay->flushes; i++)
        stops[count++] = (uint64_t)((unsigned __int128)replay->count * i / replay->flushes);
    for (uint32_t i = 0; i < replay->event_count; i++)
        stops[count++] = replay->events[i].at;
    stops[count++] = replay->count;
    qsort(stops, count, sizeof(*stops), compare_numbers);
    for (size_t i = 0; i < count; i++)
        if (!i || stops[i] != stops[i - 1])
            stops[replay->stop_count++] = stops[i];
    replay->stops = stops;
}

/* The first stop at or behind a record. */
static uint64_t stop_after(const struct replay *replay, uint64_t record)
{
    size_t low = 0, high = replay->stop_count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (replay->stops[middle] < record)
            low = middle + 1;
        else
            high = middle;
    }
    return replay->stops[low];
}

/* ---- a process of the trace ----------------------------------------------------------------- */

struct process {
    const struct replay *replay;
    uint32_t cgroup;
    uint64_t *memory;
    bool *filled; /* by page; shared with the coordinator, so not charged to the cgroup */
};

static uint64_t *page_of(const struct process *process, uint32_t page)
{
    return process->memory + (size_t)page * WORDS;
}

static void access_page(const struct process *process, const struct record *record)
{
    uint64_t words[WORDS], *page = page_of(process, record->page);
    if (record->op == OP_FREE) {
        madvise(page, PAGE, MADV_DONTNEED);
        process->filled[record->page] = false;
    } else if (!process->filled[record->page]) {
        page_words(rule_of(process->replay, process->cgroup, record->page), record->page, words,
                   WORDS);
        memcpy(page, words, PAGE);
        process->filled[record->page] = true;
    } else if (record->op == OP_READ) {
        (void)*(volatile const uint8_t *)page;
    } else {
        /* The word is computed, not loaded: a load first would be a second fault. */
        page_words(rule_of(process->replay, process->cgroup, record->page), record->page, words, 1);
        *(volatile uint64_t *)page = words[0];
    }
}

static void pass_token(const struct replay *replay, uint32_t to, uint64_t token)
{
    if (write(replay->pipes[to][1], &token, sizeof(token)) != (ssize_t)sizeof(token))
        die(CODE_FAILED, "the token cannot be passed on: %s", strerror(errno));
}

static void run_turn(const struct process *process, uint64_t at)
{
    const struct replay *replay = process->replay;
    uint64_t stop = stop_after(replay, at + 1);
    for (; at < stop && replay->records[at].cgroup == process->cgroup; at++)
        access_page(process, &replay->records[at]);
    pass_token(replay, at == stop ? replay->cgroups : replay->records[at].cgroup, at);
}

/* A page's entry in /proc/self/pagemap, or 0. */
static uint64_t pagemap_entry(int pagemap, const void *address)
{
    uint64_t entry = 0;
    off_t offset = (off_t)((uintptr_t)address / PAGE * sizeof(entry));
    return pread(pagemap, &entry, sizeof(entry), offset) == (ssize_t)sizeof(entry) ? entry : 0;
}

static bool is_mapped(int pagemap, const void *address)
{
    return pagemap_entry(pagemap, address) >> 63;
}

/* Touch a page and tell from the process's own counts where it came from. */
static enum place touch(const uint64_t *page)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    (void)*(volatile const uint8_t *)page;
    getrusage(RUSAGE_SELF, &after);
    if (after.ru_majflt == before.ru_majflt)
        return PLACE_SWAP_CACHE;
    return after.ru_inblock > before.ru_inblock ? PLACE_DISK : PLACE_MEMORY;
}

static void probe(const struct process *process)
{
    const struct replay *replay = process->replay;
    struct report *report = &replay->reports[process->cgroup];
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (uint32_t page = 0; page < replay->pages[process->cgroup]; page++) {
        if (!process->filled[page])
            continue;
        const uint64_t *at = page_of(process, page);
        enum place place = is_mapped(pagemap, at) ? PLACE_RESIDENT : touch(at);
        for (uint32_t i = 0; i < replay->group_count; i++) {
            const struct group *group = &replay->groups[i];
            report->places[i][place] +=
                group->cgroup == process->cgroup && page >= group->first && page <= group->last;
        }
    }
    close(pagemap);
}

/* Append every page in order; one that was never touched, or was freed, is zero. */
static void dump(const struct process *process)
{
    static const uint8_t empty[PAGE];
    FILE *file = fopen(process->replay->dump, process->cgroup ? "ae" : "we");
    if (!file)
        die(CODE_FAILED, "%s: %s", process->replay->dump, strerror(errno));
    for (uint32_t page = 0; page < process->replay->pages[process->cgroup]; page++)
        fwrite(process->filled[page] ? (const void *)page_of(process, page) : empty, PAGE, 1, file);
    if (ferror(file) | fclose(file))
        die(CODE_FAILED, "%s: %s", process->replay->dump, strerror(errno));
}

/* False: errno says why. */
static bool try_write(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ssize_t length = (ssize_t)strlen(text);
    if (file < 0)
        return false;
    bool good = write(file, text, (size_t)length) == length;
    int reason = errno;
    close(file);
    errno = reason;
    return good;
}

static void write_text(const char *path, const char *text)
{
    if (!try_write(path, text))
        die(CODE_FAILED, "\"%s\" cannot be written to %s: %s", text, path, strerror(errno));
}

static void pin(int processor)
{
    if (processor < 0)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        die(CODE_MISTAKE, "cpu %d: %s", processor, strerror(errno));
}

static void die_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CODE_FAILED);
}

static void serve(struct process *process)
{
    const struct replay *replay = process->replay;
    struct report *report = &replay->reports[process->cgroup];
    uint64_t token;
    while (read(replay->pipes[process->cgroup][0], &token, sizeof(token)) ==
           (ssize_t)sizeof(token)) {
        if (token < replay->count) {
            run_turn(process, token);
            continue;
        }
        if (token == TOKEN_PROBE)
            probe(process);
        else if (token == TOKEN_DUMP)
            dump(process);
        else
            getrusage(RUSAGE_SELF, &report->end);
        pass_token(replay, replay->cgroups, token);
    }
}

/* Whatever the process needs besides the pages of the trace: its stack, its copies of pages that it
 * shares with its parent, and the page tables for the trace itself.  Refused for what has no
 * pages, and before 5.14, where the cgroup is charged for it all. */
static void populate_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long begin, end;
    char access[5];
    while (maps && fscanf(maps, "%lx-%lx %4s%*[^\n]", &begin, &end, access) == 3)
        if (access[0] == 'r')
            madvise((void *)begin, end - begin, /* NOLINT(performance-no-int-to-ptr) */
                    access[1] == 'w' && access[3] == 'p' ? MADV_POPULATE_WRITE
                                                         : MADV_POPULATE_READ);
    if (maps)
        fclose(maps);
}

/* Memory for the trace's pages.  Each 2 MiB of it need a page table, each 1 GiB one of the level
 * above, and cgroups are charged for them: it begins in the middle of 1 GiB, whose upper table is
 * there, so that every run needs as many at the same accesses. */
static uint64_t *map_trace(size_t bytes)
{
    const size_t gib = (size_t)1 << 30;
    uint8_t *space =
        mmap(NULL, bytes + 2 * gib, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
        return MAP_FAILED;
    uint8_t *first = space + (gib - (uintptr_t)space % gib) % gib;
    if (mmap(first, PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0) == MAP_FAILED)
        return MAP_FAILED;
    uint64_t *memory = mmap(first + gib / 2, bytes ? bytes : PAGE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    /* A trace says what happens to pages of 4 KiB.  Refused where there are no huge pages. */
    if (memory != MAP_FAILED)
        madvise(memory, bytes, MADV_NOHUGEPAGE);
    return memory;
}

/* What is there before the process enters its cgroup is not charged to it: a limit is met at the
 * access at which the trace's own pages and their tables meet it.  (Otherwise that was two to four
 * pages earlier, not the same in each run.) */
static void run_process(struct process *process, pid_t parent)
{
    const struct replay *replay = process->replay;
    char path[LINE_AT_MOST];
    die_with_parent(parent);
    pin(replay->processor);
    populate_memory();
    process->memory = map_trace((size_t)replay->pages[process->cgroup] * PAGE);
    if (process->memory == MAP_FAILED)
        die(CODE_FAILED, "no address space for cgroup %u: %s", process->cgroup, strerror(errno));
    if (replay->directories[process->cgroup]) {
        snprintf(path, sizeof(path), "%s/cgroup.procs", replay->directories[process->cgroup]);
        write_text(path, "0");
    }
    getrusage(RUSAGE_SELF, &replay->reports[process->cgroup].start);
    pass_token(replay, replay->cgroups, TOKEN_REPORT);
    serve(process);
    _exit(0);
}

/* ---- the coordinator ---------------------------------------------------------------------------
 */

static void kill_processes(const struct replay *replay)
{
    for (uint32_t i = 0; i < replay->cgroups; i++)
        if (replay->processes[i] > 0)
            kill(replay->processes[i], SIGKILL);
}

/* A process that is gone will never pass the token on. */
static void check_processes(struct replay *replay)
{
    int status;
    pid_t gone = waitpid(-1, &status, WNOHANG);
    for (uint32_t i = 0; gone > 0 && i < replay->cgroups; i++) {
        if (replay->processes[i] != gone)
            continue;
        replay->processes[i] = 0;
        kill_processes(replay);
        if (WIFSIGNALED(status))
            die(CODE_KILLED, "the process of cgroup %u was killed by signal %d: out of memory?", i,
                WTERMSIG(status));
        die(CODE_FAILED, "the process of cgroup %u ended early", i);
    }
}

static uint64_t wait_token(struct replay *replay)
{
    struct pollfd own = {.fd = replay->pipes[replay->cgroups][0], .events = POLLIN};
    uint64_t token;
    while (poll(&own, 1, 200) <= 0)
        check_processes(replay);
    if (read(own.fd, &token, sizeof(token)) != (ssize_t)sizeof(token))
        die(CODE_FAILED, "the token is lost: %s", strerror(errno));
    return token;
}

static void ask_all(struct replay *replay, uint64_t token)
{
    for (uint32_t i = 0; i < replay->cgroups; i++) {
        pass_token(replay, i, token);
        wait_token(replay);
    }
}

/* A pipe keeps the page that its first writer was charged for: that is done here, outside of the
 * cgroups. */
static void make_pipe(int ends[2])
{
    uint64_t token = 0;
    if (pipe2(ends, O_CLOEXEC) != 0 ||
        write(ends[1], &token, sizeof(token)) != (ssize_t)sizeof(token) ||
        read(ends[0], &token, sizeof(token)) != (ssize_t)sizeof(token))
        die(CODE_FAILED, "pipe: %s", strerror(errno));
}

static void start_processes(struct replay *replay)
{
    pid_t self = getpid();
    struct process process = {.replay = replay};
    for (uint32_t i = 0; i <= replay->cgroups; i++)
        make_pipe(replay->pipes[i]);
    for (uint32_t i = 0; i < replay->cgroups; i++) {
        process.cgroup = i;
        process.filled = mmap(NULL, replay->pages[i] + 1u, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (process.filled == MAP_FAILED)
            die(CODE_FAILED, "out of memory");
        pid_t child = fork();
        if (child < 0)
            die(CODE_FAILED, "fork: %s", strerror(errno));
        if (child == 0)
            run_process(&process, self);
        replay->processes[i] = child;
        wait_token(replay);
    }
}

/* ---- counters as JSON
 * ------------------------------------------------------------------------------ */

/* A file of lines "name number" as {"name": number, ...}; a missing one is {}. */
static void put_table(FILE *out, const char *path)
{
    char name[128];
    unsigned long long value;
    const char *separator = "";
    FILE *file = fopen(path, "re");
    fputc('{', out);
    while (file && fscanf(file, "%127s %llu%*[^\n]", name, &value) == 2) {
        fprintf(out, "%s\"%s\": %llu", separator, name, value);
        separator = ", ";
    }
    if (file)
        fclose(file);
    fputc('}', out);
}

static bool read_number(const char *path, unsigned long long *value)
{
    FILE *file = fopen(path, "re");
    bool good = file && fscanf(file, "%llu", value) == 1;
    if (file)
        fclose(file);
    return good;
}

static unsigned long long meminfo(const struct replay *replay, const char *name)
{
    char path[LINE_AT_MOST], line[256];
    unsigned long long value = 0;
    size_t length = strlen(name);
    snprintf(path, sizeof(path), "%s/meminfo", replay->proc);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            value = strtoull(line + length + 1, NULL, 10);
    if (file)
        fclose(file);
    return value;
}

/* zswap's own counts; without debugfs the two that meminfo has (since 5.19). */
static void put_zswap(const struct replay *replay)
{
    char path[LINE_AT_MOST];
    unsigned long long value;
    const char *separator = "";
    snprintf(path, sizeof(path), "%s/kernel/debug/zswap", replay->sys);
    DIR *directory = opendir(path);
    fputc('{', replay->out);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        snprintf(path, sizeof(path), "%s/kernel/debug/zswap/%s", replay->sys, entry->d_name);
        if (entry->d_name[0] == '.' || !read_number(path, &value))
            continue;
        fprintf(replay->out, "%s\"%s\": %llu", separator, entry->d_name, value);
        separator = ", ";
    }
    if (directory)
        closedir(directory);
    if (!*separator)
        fprintf(replay->out, "\"pool_total_size\": %llu, \"stored_pages\": %llu",
                meminfo(replay, "Zswap") * 1024, meminfo(replay, "Zswapped") / 4);
    fputc('}', replay->out);
}

static void put_memory_stat(const struct replay *replay, uint32_t cgroup)
{
    char path[LINE_AT_MOST];
    const char *directory = replay->directories[cgroup];
    snprintf(path, sizeof(path), "%s/memory.stat", directory ? directory : "");
    fputs("{\"memory_stat\": ", replay->out);
    put_table(replay->out, directory ? path : "");
    fputc('}', replay->out);
}

/* The kernel's own path, below the directories given for /proc and /sys. */
static void parameter_path(const struct replay *replay, const char *name, char path[LINE_AT_MOST])
{
    bool proc = strncmp(name, "/proc/", 6) == 0;
    snprintf(path, LINE_AT_MOST, "%s%s", proc ? replay->proc : replay->sys,
             name + strlen(proc ? "/proc" : "/sys"));
}

/* "LABEL": {"vmstat": {}, "zswap": {}, "cg": []} without the label's braces.  /proc/vmstat lacks
 * what each processor has not added yet, some dozens of the states such as workingset_refault_anon:
 * have it added.  Refused for who is not root, and where there are no such processors. */
static void put_counters(const struct replay *replay)
{
    char path[LINE_AT_MOST];
    parameter_path(replay, "/proc/sys/vm/stat_refresh", path);
    (void)try_write(path, "1");
    snprintf(path, sizeof(path), "%s/vmstat", replay->proc);
    fputs("\"vmstat\": ", replay->out);
    put_table(replay->out, path);
    fputs(", \"zswap\": ", replay->out);
    put_zswap(replay);
    fputs(", \"cg\": [", replay->out);
    for (uint32_t i = 0; i < replay->cgroups; i++) {
        fputs(i ? ", " : "", replay->out);
        put_memory_stat(replay, i);
    }
    fputc(']', replay->out);
}

static void put_moment(const struct replay *replay, const char *name)
{
    fprintf(replay->out, "\"%s\": {", name);
    put_counters(replay);
    fputs("},\n", replay->out);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void put_processes(const struct replay *replay)
{
    fputs("\"processes\": [", replay->out);
    for (uint32_t i = 0; i < replay->cgroups; i++) {
        const struct rusage *from = &replay->reports[i].start, *to = &replay->reports[i].end;
        fprintf(replay->out,
                "%s{\"user_s\": %.6f, \"sys_s\": %.6f, \"minflt\": %ld, \"majflt\": %ld, "
                "\"inblock_pages\": %ld, \"nvcsw\": %ld, \"nivcsw\": %ld}",
                i ? ", " : "", seconds_of(to->ru_utime) - seconds_of(from->ru_utime),
                seconds_of(to->ru_stime) - seconds_of(from->ru_stime),
                to->ru_minflt - from->ru_minflt, to->ru_majflt - from->ru_majflt,
                (to->ru_inblock - from->ru_inblock) / (PAGE / 512), to->ru_nvcsw - from->ru_nvcsw,
                to->ru_nivcsw - from->ru_nivcsw);
    }
    fputs("],\n", replay->out);
}

static void put_groups(const struct replay *replay, bool probed)
{
    fputs("\"groups\": [", replay->out);
    for (uint32_t i = 0; probed && i < replay->group_count; i++) {
        const struct group *group = &replay->groups[i];
        fprintf(replay->out, "%s{\"name\": \"%s\", \"cg\": %u, \"first\": %u, \"last\": %u",
                i ? ", " : "", group->name, group->cgroup, group->first, group->last);
        for (unsigned place = 0; place < PLACES; place++)
            fprintf(replay->out, ", \"%s\": %" PRIu64, place_names[place],
                    replay->reports[group->cgroup].places[i][place]);
        fputc('}', replay->out);
    }
    fputs("]", replay->out);
}

/* ---- the run
 * ------------------------------------------------------------------------------------------ */

static void sleep_ms(unsigned milliseconds)
{
    struct timespec time = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

static void write_parameter(const struct replay *replay, const char *name, const char *value)
{
    char path[LINE_AT_MOST];
    parameter_path(replay, name, path);
    write_text(path, value);
}

/* The same, and what it was before. */
static void change_parameter(const struct replay *replay, const char *name, const char *value,
                             char before[32])
{
    char path[LINE_AT_MOST];
    parameter_path(replay, name, path);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%31s", before) != 1)
        die(CODE_FAILED, "%s cannot be read", path);
    fclose(file);
    write_text(path, value);
}

static void flush_statistics(const struct replay *replay)
{
    char path[LINE_AT_MOST], buffer[16384];
    for (uint32_t i = 0; i < replay->cgroups; i++) {
        if (!replay->directories[i])
            continue;
        snprintf(path, sizeof(path), "%s/memory.stat", replay->directories[i]);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            die(CODE_FAILED, "%s: %s", path, strerror(errno));
        while (read(file, buffer, sizeof(buffer)) > 0)
            ;
        close(file);
    }
}

/* cgroup v1 refuses a limit below the usage when reclaim finds nothing by the
 * statistics of the last flush: flush, and try again for two seconds. */
static void set_limit(const struct replay *replay, uint32_t cgroup, uint64_t pages)
{
    char path[LINE_AT_MOST], text[32];
    if (!replay->directories[cgroup])
        return;
    snprintf(path, sizeof(path), "%s/%s", replay->directories[cgroup], replay->limit_file);
    snprintf(text, sizeof(text), "%" PRIu64, pages * PAGE);
    for (unsigned tries = 0; tries < 200; tries++) {
        if (try_write(path, pages ? text : replay->unlimited))
            return;
        if (errno != EBUSY)
            break;
        flush_statistics(replay);
        usleep(10000);
    }
    die(CODE_FAILED, "\"%s\" cannot be written to %s: %s", text, path, strerror(errno));
}

static void act_on(const struct replay *replay, const struct event *event, unsigned *snapshots)
{
    if (event->kind == EVENT_LIMIT)
        set_limit(replay, event->cgroup, event->pages);
    if (event->kind == EVENT_WRITE)
        write_parameter(replay, event->text, event->value);
    if (event->kind != EVENT_SNAPSHOT)
        return;
    fprintf(replay->out, "%s{\"label\": \"%s\", \"at\": %" PRIu64 ", ", (*snapshots)++ ? ",\n" : "",
            event->text, event->at);
    put_counters(replay);
    fputc('}', replay->out);
}

static bool is_flush(const struct replay *replay, uint64_t at)
{
    if (!replay->flushes || !at)
        return false;
    uint64_t i =
        (uint64_t)(((unsigned __int128)at * replay->flushes + replay->count - 1) / replay->count);
    return (uint64_t)((unsigned __int128)replay->count * i / replay->flushes) == at;
}

/* Counted from the start: `stored` at most before zswap wrote pages back, `rejects` when it had
 * first been seen to.  Each of these entries has lost its second chance in between, fifteen a run
 * of the worker: so they tell how many refused stores it takes until the worker runs.  A few that
 * have none, of whoever used zswap before, are written back at once. */
enum { STRAY_ENTRIES = 64 };
struct first_writeback {
    unsigned long long stored, rejects, before_written, before_swapped;
    bool seen;
};

static unsigned long long counter_of(const struct replay *replay, const char *wanted)
{
    char path[LINE_AT_MOST], name[128];
    unsigned long long value, found = 0;
    snprintf(path, sizeof(path), "%s/vmstat", replay->proc);
    FILE *file = fopen(path, "re");
    while (file && fscanf(file, "%127s %llu", name, &value) == 2)
        if (strcmp(name, wanted) == 0)
            found = value;
    if (file)
        fclose(file);
    return found;
}

static void watch_writeback(const struct replay *replay, struct first_writeback *first)
{
    char path[LINE_AT_MOST];
    unsigned long long stored;
    snprintf(path, sizeof(path), "%s/kernel/debug/zswap/stored_pages", replay->sys);
    if (first->seen || !read_number(path, &stored))
        return;
    unsigned long long written = counter_of(replay, "zswpwb") - first->before_written;
    if (written > STRAY_ENTRIES) {
        /* A page counts as written back a moment before it counts as swapped out. */
        unsigned long long swapped = counter_of(replay, "pswpout") - first->before_swapped;
        first->seen = true;
        first->rejects = swapped > written ? swapped - written : 0;
    } else if (stored > first->stored) {
        first->stored = stored;
    }
}

static void run_trace(struct replay *replay)
{
    unsigned snapshots = 0;
    struct first_writeback first = {.before_written = counter_of(replay, "zswpwb"),
                                    .before_swapped = counter_of(replay, "pswpout")};
    fputs("\"snaps\": [", replay->out);
    for (uint64_t at = 0;; at = wait_token(replay)) {
        if (is_flush(replay, at)) {
            flush_statistics(replay);
            watch_writeback(replay, &first);
        }
        for (uint32_t i = 0; i < replay->event_count; i++)
            if (replay->events[i].at == at)
                act_on(replay, &replay->events[i], &snapshots);
        if (at == replay->count)
            break;
        pass_token(replay, replay->records[at].cgroup, at);
    }
    fputs("],\n", replay->out);
    if (first.seen)
        fprintf(replay->out, "\"stored_when_full\": %llu, \"rejects_at_first_writeback\": %llu,\n",
                first.stored, first.rejects);
}

static unsigned long long writes_so_far(const struct replay *replay)
{
    return counter_of(replay, "zswpwb") + counter_of(replay, "pswpout");
}

static void settle(const struct replay *replay)
{
    unsigned long long before = writes_so_far(replay);
    for (unsigned turn = 0; turn < SETTLE_TURNS; turn++) {
        sleep_ms(SETTLE_MS);
        unsigned long long after = writes_so_far(replay);
        if (after == before)
            return;
        before = after;
    }
    fputs("replay: warning: after one minute pages are still being written\n", stderr);
}

static void find_places(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->cgroups; i++)
        set_limit(replay, i, 0);
    if (replay->directories[0])
        write_parameter(replay, "/proc/sys/vm/page-cluster", "0"); /* one page a fault */
    ask_all(replay, TOKEN_PROBE);
}

/* The swap slot that a page is in (bits 5 to 54, when bit 62 says so), or 0. */
static uint64_t slot_of(int pagemap, const void *address)
{
    uint64_t entry = pagemap_entry(pagemap, address);
    return entry >> 62 & 1 ? entry << 9 >> 14 : 0;
}

/* Fill the cluster of slots that is in use to its end, page by page: what comes next begins with
 * the first cluster that has room, as after swapon, once these pages are gone. */
static bool fill_cluster(int pagemap, uint64_t *memory, size_t pages)
{
    for (size_t page = 0; page < pages; page++) {
        madvise(memory + page * WORDS, PAGE, MADV_PAGEOUT);
        if (slot_of(pagemap, memory + page * WORDS) % CLUSTER_SLOTS == CLUSTER_SLOTS - 1)
            return true;
    }
    return false;
}

/* Have the kernel forget the runs before.  Its readahead by slots has one count of hits and one
 * window for all processes, and from a hit or two more at the beginning a trace may read ahead to
 * its end: a fault uses the hits up and may halve the window, down to one page, and these faults
 * are on pages too far apart to be read ahead for one another.  And which pages are neighbours
 * hangs on where in a cluster slots begin. */
static void forget_runs_before(const struct replay *replay)
{
    enum { FAULTS = 64, APART = 4 }; /* windows of 2 pages, once 31 faults have halved the widest */
    enum { FAULTED = FAULTS * APART, PAGES = FAULTED + 2 * CLUSTER_SLOTS };
    const size_t bytes = (size_t)PAGES * PAGE;
    char cluster[32], zswap[32];
    uint64_t *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (memory == MAP_FAILED || pagemap < 0)
        die(CODE_FAILED, "no memory to swap out before the run: %s", strerror(errno));
    /* A page that is still being written to a disk is found, and counts as a hit. */
    change_parameter(replay, "/sys/module/zswap/parameters/enabled", "Y", zswap);
    change_parameter(replay, "/proc/sys/vm/page-cluster", "1", cluster);
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    for (size_t page = 0; page < PAGES; page++)
        memory[page * WORDS] = page + 1;
    madvise(memory, (size_t)FAULTED * PAGE, MADV_PAGEOUT);
    bool filled = fill_cluster(pagemap, memory + (size_t)FAULTED * WORDS, PAGES - FAULTED);
    unsigned faults = 0;
    for (size_t page = 0; page < FAULTED; page += APART) {
        faults += !is_mapped(pagemap, memory + page * WORDS);
        (void)*(volatile const uint8_t *)(memory + page * WORDS);
    }
    if (!filled || faults < FAULTS)
        fputs("replay: warning: readahead goes by what was swapped before\n", stderr);
    write_parameter(replay, "/proc/sys/vm/page-cluster", cluster);
    write_parameter(replay, "/sys/module/zswap/parameters/enabled", zswap);
    close(pagemap);
    munmap(memory, bytes);
}

static void run(struct replay *replay, bool probing)
{
    char name[LINE_AT_MOST];
    snprintf(name, sizeof(name), "%s.partial", replay->output);
    replay->reports = mmap(NULL, CGROUPS_AT_MOST * sizeof(*replay->reports), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    replay->out = fopen(name, "we");
    if (replay->reports == MAP_FAILED || !replay->out)
        die(CODE_FAILED, "%s: %s", name, strerror(errno));
    for (uint32_t i = 0; i < replay->cgroups; i++)
        set_limit(replay, i, replay->limits[i]);
    pin(replay->processor);
    if (replay->directories[0])
        forget_runs_before(replay);
    start_processes(replay);
    fputs("{\n", replay->out);
    put_moment(replay, "start");
    uint64_t began = now();
    run_trace(replay);
    uint64_t ended = now();
    put_moment(replay, "end");
    ask_all(replay, TOKEN_REPORT);
    settle(replay);
    put_moment(replay, "settled");
    put_processes(replay);
    if (replay->dump)
        ask_all(replay, TOKEN_DUMP);
    if (probing)
        find_places(replay);
    put_groups(replay, probing);
    fprintf(replay->out, ",\n\"wall_s\": %.6f\n}\n", (double)(ended - began) / (double)NANOSECONDS);
    kill_processes(replay);
    while (wait(NULL) > 0)
        ;
    if (ferror(replay->out) | fclose(replay->out) || rename(name, replay->output) != 0)
        die(CODE_FAILED, "%s: %s", replay->output, strerror(errno));
}

int main(int argc, char **argv)
{
    enum { CGROUP = 256, LIMIT_FILE, UNLIMITED, PROC, SYS, CHECK, NO_PROBE, DUMP };
    static const struct option flags[] = {
        {"cgroup", required_argument, NULL, CGROUP},
        {"limit-file", required_argument, NULL, LIMIT_FILE},
        {"unlimited", required_argument, NULL, UNLIMITED},
        {"proc", required_argument, NULL, PROC},
        {"sys", required_argument, NULL, SYS},
        {"check", no_argument, NULL, CHECK},
        {"no-probe", no_argument, NULL, NO_PROBE},
        {"dump", required_argument, NULL, DUMP},
        {NULL, 0, NULL, 0},
    };
    static struct replay replay = {.limit_file = "memory.max",
                                   .unlimited = "max",
                                   .proc = "/proc",
                                   .sys = "/sys",
                                   .processor = -1};
    bool check = false, probing = true;
    uint32_t directories = 0;
    pid_t parent = getppid();
    for (int flag; (flag = getopt_long(argc, argv, "o:", flags, NULL)) != -1;) {
        if (flag == CGROUP && directories < CGROUPS_AT_MOST)
            replay.directories[directories++] = optarg;
        else if (flag == LIMIT_FILE)
            replay.limit_file = optarg;
        else if (flag == UNLIMITED)
            replay.unlimited = optarg;
        else if (flag == PROC)
            replay.proc = optarg;
        else if (flag == SYS)
            replay.sys = optarg;
        else if (flag == DUMP)
            replay.dump = optarg;
        else if (flag == CHECK)
            check = true;
        else if (flag == NO_PROBE)
            probing = false;
        else if (flag == 'o')
            replay.output = optarg;
        else
            die(CODE_MISTAKE, "unknown flag, a value is missing, or too many cgroups");
    }
    if (optind + 1 != argc || (!check && !replay.output))
        die(CODE_MISTAKE, "usage: replay SPEC -o OUT.json [--cgroup DIR]...");
    die_with_parent(parent);
    read_spec(&replay, argv[optind]);
    open_trace(&replay);
    check_rules(&replay);
    plan_stops(&replay);
    if (directories && directories != replay.cgroups)
        die(CODE_MISTAKE, "the trace has %u cgroups, --cgroup was given %u times", replay.cgroups,
            directories);
    if (check)
        printf("%u %" PRIu64, replay.cgroups, replay.count);
    for (uint32_t i = 0; check && i < replay.cgroups; i++)
        printf(" %u", replay.pages[i]);
    if (check)
        putchar('\n');
    else
        run(&replay, probing);
    return 0;
}

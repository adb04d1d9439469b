#include "sim/engine/resource.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

/* Intervals in order of time, in small chunks.  With hundreds of processors thousands are
 * open, and a new one comes some hundreds before the last: to put it there moves a part of
 * one chunk.  find_chunk() begins where the last request was put and find_gap() passes over
 * whole chunks: of 79 ns a request, with searches by halves in chunks of 64, 52 are left
 * (six million requests of 64 processors, by themselves). */
enum { CHUNK_INTERVALS = 16 };

struct interval_chunk {
    uint32_t count;                         /* never 0 */
    uint64_t widest_ns;                     /* no gap between two of its intervals is wider */
    uint64_t owner_bits;                    /* bit n % 64: n may be one of the owners */
    struct interval taken[CHUNK_INTERVALS]; /* from `count` on: end_ns is UINT64_MAX */
    struct interval_chunk *next;            /* of those that are not in use */
};

struct interval_list {
    uint32_t first, end, room;     /* chunks first..end-1 are in use */
    uint32_t last_used;            /* where the last request was put */
    struct interval_chunk **chunk; /* [room] */
    uint64_t *start_ns;            /* [room]: of a chunk's first interval */
    struct interval_chunk *spare;  /* for later */
};

/* An interval of a list, or the end of its last chunk. */
struct place {
    uint32_t chunk, at;
};

void cache_line_init(struct cache_line *line, const uint64_t *settled_ns)
{
    memset(line, 0, sizeof(*line));
    line->owner = NO_CPU;
    line->settled_ns = settled_ns;
}

static void free_list(struct interval_list *list)
{
    for (uint32_t i = list->first; i < list->end; i++)
        free(list->chunk[i]);
    while (list->spare) {
        struct interval_chunk *next = list->spare->next;
        free(list->spare);
        list->spare = next;
    }
    free(list->chunk);
    free(list->start_ns);
    free(list);
}

void cache_line_release(struct cache_line *line)
{
    if (line->more)
        free_list(line->more);
    line->more = NULL;
    line->count = 0;
    line->listed = false;
}

uint64_t cache_line_transfer_ns(uint32_t owner, const struct topology *topology,
                                const struct costs *costs, uint32_t cpu)
{
    if (owner == cpu || owner == NO_CPU || topology_sibling(topology, cpu) == owner)
        return 0; /* threads of a core share its first-level cache */
    bool same_socket = topology->sockets == 1 ||
                       topology_socket(topology, owner) == topology_socket(topology, cpu);
    return costs->ns[same_socket ? COST_line_same_socket : COST_line_cross_socket];
}

/* ---- lists of intervals -------------------------------------------------------- */

static uint64_t end_of(const struct interval_chunk *chunk)
{
    return chunk->taken[chunk->count - 1].end_ns;
}

/* The last chunk that begins at now_ns or earlier; the first if there is none. */
static uint32_t find_chunk(const struct interval_list *list, uint64_t now_ns)
{
    enum { NEAR = 8 };
    const uint64_t *start_ns = list->start_ns;
    uint32_t at = list->last_used;
    /* Whoever asked last asks again, most often for a little later. */
    if (at >= list->first && at < list->end && start_ns[at] <= now_ns) {
        uint32_t end = at + NEAR < list->end ? at + NEAR : list->end;
        while (at + 1 < end && start_ns[at + 1] <= now_ns)
            at++;
        if (at + 1 < end || end == list->end)
            return at;
    }
    /* By halves, without branches, which would be wrong every second time. */
    at = list->first;
    for (uint32_t left = list->end - at; left > 1;) {
        uint32_t half = left / 2;
        at = start_ns[at + half] <= now_ns ? at + half : at;
        left -= half;
    }
    return at;
}

static inline uint32_t is_over(const struct interval *interval, uint64_t now_ns)
{
    return interval->end_ns <= now_ns;
}

/* The first interval that ends after now_ns.  In two steps without branches. */
static struct place find_place(const struct interval_list *list, uint64_t now_ns)
{
    struct place place = {.chunk = find_chunk(list, now_ns)};
    const struct interval *taken = list->chunk[place.chunk]->taken;
    uint32_t fours =
        is_over(&taken[3], now_ns) + is_over(&taken[7], now_ns) + is_over(&taken[11], now_ns);
    taken += (size_t)4 * fours;
    uint32_t ones = is_over(&taken[0], now_ns) + is_over(&taken[1], now_ns) +
                    is_over(&taken[2], now_ns) + is_over(&taken[3], now_ns);
    place.at = 4 * fours + ones;
    return place;
}

_Static_assert(CHUNK_INTERVALS == 16, "find_place() looks at four times four");

/* NULL: it is the first one. */
static struct interval *interval_before(const struct interval_list *list, struct place place)
{
    struct interval_chunk *chunk = list->chunk[place.chunk];
    if (place.at)
        return &chunk->taken[place.at - 1];
    if (place.chunk == list->first)
        return NULL;
    chunk = list->chunk[place.chunk - 1];
    return &chunk->taken[chunk->count - 1];
}

/* The beginning of a chunk is the end of the one before. */
static struct place behind_one(const struct interval_list *list, struct place place)
{
    if (place.at == 0 && place.chunk > list->first)
        return (struct place){place.chunk - 1, list->chunk[place.chunk - 1]->count};
    return place;
}

/* Before a place is looked for, where list->end == list->room: room for more chunks. */
static void make_room(struct interval_list *list)
{
    uint32_t chunks = list->end - list->first;
    if (list->first < list->room / 2 || list->room == 0) {
        list->room = list->room ? 2 * list->room : 4;
        list->chunk = memory_resized(list->chunk, list->room, sizeof(struct interval_chunk *),
                                     "the times of a lock");
        list->start_ns = memory_resized(list->start_ns, list->room, sizeof(*list->start_ns),
                                        "the times of a lock");
        return;
    }
    memcpy(list->chunk, list->chunk + list->first, chunks * sizeof(struct interval_chunk *));
    memcpy(list->start_ns, list->start_ns + list->first, chunks * sizeof(*list->start_ns));
    list->last_used -= list->first < list->last_used ? list->first : list->last_used;
    list->first = 0;
    list->end = chunks;
}

/* A new chunk, empty, number `at`. */
static struct interval_chunk *add_chunk(struct interval_list *list, uint32_t at)
{
    struct interval_chunk *added = list->spare;
    if (added)
        list->spare = added->next;
    else
        added = memory_zeroed(1, sizeof(*added), "the times of a lock");
    added->count = 0;
    added->widest_ns = added->owner_bits = 0;
    memset(added->taken, 0xff, sizeof(added->taken));
    memmove(list->chunk + at + 1, list->chunk + at,
            (list->end - at) * sizeof(struct interval_chunk *));
    memmove(list->start_ns + at + 1, list->start_ns + at,
            (list->end - at) * sizeof(*list->start_ns));
    list->chunk[at] = added;
    list->end++;
    return added;
}

static void remove_first_chunk(struct interval_list *list)
{
    struct interval_chunk *chunk = list->chunk[list->first++];
    chunk->next = list->spare;
    list->spare = chunk;
}

/* The intervals from `from` on, into a chunk that is empty. */
static void move_intervals(struct interval_chunk *to, struct interval_chunk *chunk, uint32_t from)
{
    uint32_t count = chunk->count - from;
    memcpy(to->taken, chunk->taken + from, count * sizeof(*chunk->taken));
    memset(chunk->taken + from, 0xff, count * sizeof(*chunk->taken));
    to->count = count;
    to->widest_ns = chunk->widest_ns;
    to->owner_bits = chunk->owner_bits;
    chunk->count = from;
}

/* Make room in a full chunk: half of it goes into a new one; nothing does where the next
 * interval is the last of all. */
static __attribute__((noinline)) struct place split(struct cache_line *line, struct place place)
{
    struct interval_list *list = line->more;
    struct interval_chunk *full = list->chunk[place.chunk];
    struct interval_chunk *added = add_chunk(list, place.chunk + 1);
    bool at_end = place.at == CHUNK_INTERVALS && place.chunk + 2 == list->end;
    uint32_t stay = at_end ? CHUNK_INTERVALS : CHUNK_INTERVALS / 2;
    move_intervals(added, full, stay);
    list->start_ns[place.chunk + 1] = added->taken[0].start_ns;
    if (place.chunk == list->first)
        line->none_over_ns = end_of(full);
    if (place.at <= stay && !at_end)
        return place;
    return (struct place){.chunk = place.chunk + 1, .at = place.at - stay};
}

static uint64_t owner_bit(uint32_t owner)
{
    return UINT64_C(1) << owner % 64;
}

static void note_gap(struct interval_chunk *chunk, uint32_t before)
{
    uint64_t gap_ns = chunk->taken[before + 1].start_ns - chunk->taken[before].end_ns;
    if (gap_ns > chunk->widest_ns)
        chunk->widest_ns = gap_ns;
}

static inline void list_insert(struct cache_line *line, struct place place, uint64_t start_ns,
                               uint64_t end_ns, uint32_t owner)
{
    struct interval_list *list = line->more;
    if (list->chunk[place.chunk]->count == CHUNK_INTERVALS)
        place = split(line, place);
    struct interval_chunk *chunk = list->chunk[place.chunk];
    uint32_t at = place.at, behind = chunk->count++ - at;
    if (behind) /* with few processors most are the last */
        memmove(chunk->taken + at + 1, chunk->taken + at, behind * sizeof(*chunk->taken));
    chunk->taken[at].start_ns = start_ns;
    chunk->taken[at].end_ns = end_ns;
    chunk->taken[at].owner = owner;
    chunk->owner_bits |= owner_bit(owner);
    /* In between it only makes a gap narrower. */
    if (behind == 0 && at > 0)
        note_gap(chunk, at - 1);
    if (at == 0) {
        list->start_ns[place.chunk] = start_ns;
        if (behind > 0)
            note_gap(chunk, 0);
    }
    list->last_used = place.chunk;
}

/* ---- what is taken ----------------------------------------------------------------- */

/* A few intervals that are left go back into the line's own record. */
static void leave_list(struct cache_line *line)
{
    struct interval_list *list = line->more;
    if (line->count)
        memcpy(line->taken, list->chunk[list->first]->taken, line->count * sizeof(*line->taken));
    while (list->first != list->end)
        remove_first_chunk(list);
    list->first = list->end = 0;
    line->listed = false;
}

/* The intervals of a list that are over at until_ns, whole chunks of them. */
static void forget_listed(struct cache_line *line, uint64_t until_ns)
{
    struct interval_list *list = line->more;
    while (list->first != list->end && end_of(list->chunk[list->first]) <= until_ns) {
        const struct interval_chunk *chunk = list->chunk[list->first];
        line->owner = chunk->taken[chunk->count - 1].owner;
        line->count -= chunk->count;
        remove_first_chunk(list);
    }
    if (line->count <= RESOURCE_INTERVALS && list->first + 1 >= list->end)
        leave_list(line);
    else
        line->none_over_ns = end_of(list->chunk[list->first]);
}

void cache_line_forget_over(struct cache_line *line, uint64_t until_ns)
{
    if (line->listed) {
        forget_listed(line, until_ns);
        return;
    }
    uint32_t over = 0;
    while (over < line->count && is_over(&line->taken[over], until_ns))
        line->owner = line->taken[over++].owner;
    line->count -= over;
    for (uint32_t i = 0; over && i < line->count; i++)
        line->taken[i] = line->taken[i + over];
}

static void make_list(struct cache_line *line)
{
    if (!line->more)
        line->more = memory_zeroed(1, sizeof(*line->more), "the times of a lock");
    if (line->more->end == line->more->room)
        make_room(line->more);
    add_chunk(line->more, 0);
    for (uint32_t i = 0; i < line->count; i++)
        list_insert(line, (struct place){.chunk = 0, .at = i}, line->taken[i].start_ns,
                    line->taken[i].end_ns, line->taken[i].owner);
    line->none_over_ns = 0;
    line->listed = true;
}

/* A request, and the gap found for it. */
struct request {
    const struct topology *topology;
    const struct costs *costs;
    uint32_t cpu;
    bool any_is_near; /* from all other processors the way is the same */
    uint64_t use_ns;
    uint64_t near_way_ns; /* from another core of the same socket */
    uint64_t start_ns, length_ns;
};

/* How long the line is on its way from this owner. */
static inline uint64_t way_from(const struct request *request, uint32_t owner)
{
    if (owner == request->cpu)
        return 0;
    if (request->any_is_near && owner != NO_CPU)
        return request->near_way_ns;
    return cache_line_transfer_ns(owner, request->topology, request->costs, request->cpu);
}

/* How long the line is taken behind this owner. */
static inline void begin_behind(struct request *request, uint32_t owner)
{
    request->length_ns = way_from(request, owner) + request->use_ns;
}

/* The interval is in the way: what comes behind it? */
static inline bool must_wait(struct request *request, const struct interval *interval)
{
    if (interval->start_ns >= request->start_ns + request->length_ns)
        return false;
    request->start_ns = interval->end_ns;
    begin_behind(request, interval->owner);
    return true;
}

/* From the nearest of the processors that do not share a cache. */
static inline uint64_t shortest_way_ns(const struct request *request)
{
    uint64_t far_ns = request->costs->ns[COST_line_cross_socket];
    if (request->any_is_near || request->near_way_ns < far_ns)
        return request->near_way_ns;
    return far_ns;
}

/* Does the request begin where this interval ends, or so soon behind it that the time between
 * is of no use to anybody?  It is none where both are one processor's: all others have a longer
 * way, and that one has been there; a kernel thread on it that is behind gets in line.  It
 * saves a run of 64 processors 10 to 15 % of its time. */
static inline bool joins(const struct request *request, const struct interval *before)
{
    uint64_t gap_ns = request->start_ns - before->end_ns;
    if (gap_ns == 0)
        return true;
    return before->owner == request->cpu && request->topology->threads_per_core < 2 &&
           gap_ns < shortest_way_ns(request);
}

/* Are all gaps between the intervals of a chunk too short for one that waits? */
static bool all_too_short(const struct request *request, const struct interval_chunk *chunk)
{
    if (chunk->widest_ns < request->use_ns)
        return true;
    uint32_t sibling = topology_sibling(request->topology, request->cpu);
    uint64_t own = owner_bit(request->cpu) | (sibling == NO_CPU ? 0 : owner_bit(sibling));
    return !(chunk->owner_bits & own) &&
           chunk->widest_ns < shortest_way_ns(request) + request->use_ns;
}

/* Gaps have been filled since they were noted. */
static void note_gaps_again(struct interval_chunk *chunk)
{
    chunk->widest_ns = 0;
    chunk->owner_bits = owner_bit(chunk->taken[0].owner);
    for (uint32_t i = 1; i < chunk->count; i++) {
        note_gap(chunk, i - 1);
        chunk->owner_bits |= owner_bit(chunk->taken[i].owner);
    }
}

/* Behind the last interval of a chunk. */
static void pass_over(const struct interval_chunk *chunk, struct request *request)
{
    request->start_ns = end_of(chunk);
    begin_behind(request, chunk->taken[chunk->count - 1].owner);
}

/* The first interval of a chunk from `at` on before which there is a gap that is long
 * enough; its count: there is none. */
static uint32_t find_gap_in(const struct interval_chunk *chunk, uint32_t at,
                            struct request *request)
{
    const uint32_t count = chunk->count;
    while (at < count && must_wait(request, &chunk->taken[at]))
        at++;
    return at;
}

/* The first gap from `place` on that is long enough.  Where many wait for a line, a hundred
 * in a row are not: whole chunks are passed over. */
static struct place find_gap(const struct interval_list *list, struct place place,
                             struct request *request)
{
    for (;;) {
        struct interval_chunk *chunk = list->chunk[place.chunk];
        bool whole =
            place.at == 0 && chunk->taken[0].start_ns < request->start_ns + request->length_ns;
        if (whole && all_too_short(request, chunk)) {
            pass_over(chunk, request);
        } else {
            place.at = find_gap_in(chunk, place.at, request);
            if (place.at < chunk->count)
                return place;
            if (whole)
                note_gaps_again(chunk);
        }
        if (place.chunk + 1 == list->end)
            return (struct place){.chunk = place.chunk, .at = chunk->count};
        place = (struct place){.chunk = place.chunk + 1, .at = 0};
    }
}

static void take_in_list(struct cache_line *line, struct request *request)
{
    struct interval_list *list = line->more;
    if (list->end == list->room)
        make_room(list);
    struct place place = find_place(list, request->start_ns);
    const struct interval *before = interval_before(list, place);
    begin_behind(request, before ? before->owner : line->owner);
    place = behind_one(list, find_gap(list, place, request));
    uint64_t end_ns = request->start_ns + request->length_ns;
    struct interval_chunk *chunk = list->chunk[place.chunk];
    struct interval *joined = place.at ? &chunk->taken[place.at - 1] : NULL;
    if (joined && joins(request, joined)) {
        joined->end_ns = end_ns;
        joined->owner = request->cpu;
        chunk->owner_bits |= owner_bit(request->cpu);
        list->last_used = place.chunk;
        return;
    }
    list_insert(line, place, request->start_ns, end_ns, request->cpu);
    line->count++;
}

/* Beside a few intervals in the line's own record. */
static void take_in_record(struct cache_line *line, struct request *request)
{
    struct interval *taken = line->taken;
    uint32_t at = line->count;
    while (at > 0 && !is_over(&taken[at - 1], request->start_ns))
        at--;
    begin_behind(request, at ? taken[at - 1].owner : line->owner);
    while (at < line->count && must_wait(request, &taken[at]))
        at++;
    uint64_t end_ns = request->start_ns + request->length_ns;
    if (at && joins(request, &taken[at - 1])) {
        taken[at - 1].end_ns = end_ns;
        taken[at - 1].owner = request->cpu;
        return;
    }
    if (line->count == RESOURCE_INTERVALS) {
        make_list(line);
        list_insert(line, (struct place){.chunk = 0, .at = at}, request->start_ns, end_ns,
                    request->cpu);
    } else {
        for (uint32_t i = line->count; i > at; i--)
            taken[i] = taken[i - 1];
        taken[at] = (struct interval){request->start_ns, end_ns, request->cpu};
    }
    line->count++;
}

/* Take the line in the first gap from now on that is long enough for the transfer
 * and `use_ns`.  Returns the end; *wait_ns: until the start. */
static uint64_t take(struct cache_line *line, const struct topology *topology,
                     const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t use_ns,
                     uint64_t *wait_ns)
{
    struct request request = {.topology = topology,
                              .costs = costs,
                              .cpu = cpu,
                              .any_is_near =
                                  topology->sockets == 1 && topology->threads_per_core < 2,
                              .use_ns = use_ns,
                              .near_way_ns = costs->ns[COST_line_same_socket],
                              .start_ns = now_ns};
    if (line->settled_ns)
        cache_line_forget(line, *line->settled_ns);
    if (line->listed)
        take_in_list(line, &request);
    else
        take_in_record(line, &request);
    *wait_ns = request.start_ns - now_ns;
    return request.start_ns + request.length_ns;
}

uint64_t cache_line_update_shared(struct cache_line *line, const struct topology *topology,
                                  const struct costs *costs, uint32_t cpu, uint64_t now_ns)
{
    uint64_t wait_ns;
    return take(line, topology, costs, cpu, now_ns, costs->ns[COST_atomic_local], &wait_ns);
}

uint64_t spinlock_take(struct spinlock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns,
                       uint64_t *wait_ns)
{
    uint64_t end_ns = take(&lock->line, topology, costs, cpu, now_ns,
                           costs->ns[COST_lock_uncontended] + hold_ns, wait_ns);
    lock->contended += *wait_ns > 0;
    lock->wait_ns += *wait_ns;
    return end_ns;
}

#include "sim/engine/resource.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

/* Intervals in order of time, in chunks.  With hundreds of processors thousands are open,
 * and a new one comes some hundreds before the last: its place is found by halves, and to
 * put it there moves a part of one chunk. */
enum { CHUNK_INTERVALS = 64 };

struct interval_chunk {
    uint32_t count; /* never 0 */
    struct interval taken[CHUNK_INTERVALS];
};

struct interval_list {
    uint32_t chunks, room;
    struct interval_chunk **chunk; /* [room] */
    uint64_t *start_ns;            /* [room]: of a chunk's first interval */
    uint64_t full_until_ns;        /* the first chunk is not over before this time */
    struct interval_chunk *spare;  /* for the next time, or NULL */
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

void cache_line_release(struct cache_line *line)
{
    struct interval_list *list = line->more;
    for (uint32_t i = 0; list && i < list->chunks; i++)
        free(list->chunk[i]);
    if (list) {
        free(list->chunk);
        free(list->start_ns);
        free(list->spare);
    }
    free(list);
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

static struct interval *last_of(struct interval_chunk *chunk)
{
    return &chunk->taken[chunk->count - 1];
}

/* The last chunk that begins at now_ns or earlier; the first if there is none.  Both
 * searches choose without branches, which would be wrong every second time. */
static uint32_t find_chunk(const struct interval_list *list, uint64_t now_ns)
{
    uint32_t at = 0;
    for (uint32_t left = list->chunks; left > 1;) {
        uint32_t half = left / 2;
        at = list->start_ns[at + half] <= now_ns ? at + half : at;
        left -= half;
    }
    return at;
}

/* The first interval that ends after now_ns. */
static struct place find_place(const struct interval_list *list, uint64_t now_ns)
{
    struct place place = {.chunk = find_chunk(list, now_ns), .at = 0};
    const struct interval_chunk *chunk = list->chunk[place.chunk];
    uint32_t left = chunk->count;
    while (left > 1) {
        uint32_t half = left / 2;
        place.at = chunk->taken[place.at + half - 1].end_ns <= now_ns ? place.at + half : place.at;
        left -= half;
    }
    place.at += chunk->taken[place.at].end_ns <= now_ns;
    if (place.at == chunk->count && place.chunk + 1 < list->chunks)
        place = (struct place){.chunk = place.chunk + 1, .at = 0};
    return place;
}

/* The interval there, and then the next place; NULL at the end. */
static const struct interval *interval_at(const struct interval_list *list, struct place place)
{
    const struct interval_chunk *chunk = list->chunk[place.chunk];
    return place.at < chunk->count ? &chunk->taken[place.at] : NULL;
}

static struct place place_behind(const struct interval_list *list, struct place place)
{
    place.at++;
    if (place.at == list->chunk[place.chunk]->count && place.chunk + 1 < list->chunks)
        place = (struct place){.chunk = place.chunk + 1, .at = 0};
    return place;
}

/* NULL: it is the first one. */
static struct interval *interval_before(const struct interval_list *list, struct place place)
{
    if (place.at)
        return &list->chunk[place.chunk]->taken[place.at - 1];
    return place.chunk ? last_of(list->chunk[place.chunk - 1]) : NULL;
}

/* A new chunk, empty, number `at`. */
static struct interval_chunk *add_chunk(struct interval_list *list, uint32_t at)
{
    if (list->chunks == list->room) {
        list->room = list->room ? 2 * list->room : 2;
        list->chunk = memory_resized(list->chunk, list->room, sizeof(struct interval_chunk *),
                                     "the times of a lock");
        list->start_ns = memory_resized(list->start_ns, list->room, sizeof(*list->start_ns),
                                        "the times of a lock");
    }
    struct interval_chunk *added = list->spare;
    if (!added)
        added = memory_zeroed(1, sizeof(*added), "the times of a lock");
    list->spare = NULL;
    added->count = 0;
    memmove(list->chunk + at + 1, list->chunk + at,
            (list->chunks - at) * sizeof(struct interval_chunk *));
    memmove(list->start_ns + at + 1, list->start_ns + at,
            (list->chunks - at) * sizeof(*list->start_ns));
    list->chunk[at] = added;
    list->chunks++;
    return added;
}

static void remove_first_chunks(struct interval_list *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list->spare)
            free(list->chunk[i]);
        else
            list->spare = list->chunk[i];
    }
    list->chunks -= count;
    memmove(list->chunk, list->chunk + count, list->chunks * sizeof(struct interval_chunk *));
    memmove(list->start_ns, list->start_ns + count, list->chunks * sizeof(*list->start_ns));
}

/* Make room in a full chunk: half of it goes into a new one; nothing does where the next
 * interval is the last of all. */
static struct place split(struct interval_list *list, struct place place)
{
    struct interval_chunk *full = list->chunk[place.chunk];
    struct interval_chunk *added = add_chunk(list, place.chunk + 1);
    uint32_t stay = CHUNK_INTERVALS / 2;
    if (place.at == CHUNK_INTERVALS && place.chunk + 2 == list->chunks)
        stay = CHUNK_INTERVALS;
    added->count = CHUNK_INTERVALS - stay;
    memcpy(added->taken, full->taken + stay, added->count * sizeof(*added->taken));
    list->start_ns[place.chunk + 1] = added->taken[0].start_ns;
    full->count = stay;
    if (place.chunk == 0)
        list->full_until_ns = last_of(full)->end_ns;
    if (place.at < stay || (place.at == stay && stay < CHUNK_INTERVALS))
        return place;
    return (struct place){.chunk = place.chunk + 1, .at = place.at - stay};
}

static void list_insert(struct interval_list *list, struct place place, struct interval interval)
{
    if (list->chunk[place.chunk]->count == CHUNK_INTERVALS)
        place = split(list, place);
    struct interval_chunk *chunk = list->chunk[place.chunk];
    memmove(chunk->taken + place.at + 1, chunk->taken + place.at,
            (chunk->count - place.at) * sizeof(*chunk->taken));
    chunk->taken[place.at] = interval;
    chunk->count++;
    if (place.at == 0)
        list->start_ns[place.chunk] = interval.start_ns;
}

/* ---- what is taken ----------------------------------------------------------------- */

/* The intervals of a list that are over at until_ns, whole chunks of them; a few that are
 * left go back into the line's own record. */
static void forget_listed(struct cache_line *line, uint64_t until_ns)
{
    struct interval_list *list = line->more;
    uint32_t over = 0;
    while (over < list->chunks && last_of(list->chunk[over])->end_ns <= until_ns) {
        line->owner = last_of(list->chunk[over])->owner;
        line->count -= list->chunk[over]->count;
        over++;
    }
    if (line->count <= RESOURCE_INTERVALS && over + 1 >= list->chunks) {
        if (line->count)
            memcpy(line->taken, list->chunk[over]->taken, line->count * sizeof(line->taken[0]));
        over = list->chunks;
        line->listed = false;
    }
    if (over)
        remove_first_chunks(list, over);
    list->full_until_ns = list->chunks ? last_of(list->chunk[0])->end_ns : 0;
}

/* Nobody can ask any more for a time before until_ns: of intervals that are over then,
 * only the owner of the last matters. */
void cache_line_forget(struct cache_line *line, uint64_t until_ns)
{
    if (line->listed) {
        if (line->more->full_until_ns <= until_ns)
            forget_listed(line, until_ns);
        return;
    }
    uint32_t over = 0;
    while (over < line->count && line->taken[over].end_ns <= until_ns)
        line->owner = line->taken[over++].owner;
    line->count -= over;
    for (uint32_t i = 0; over && i < line->count; i++)
        line->taken[i] = line->taken[i + over];
}

static void make_list(struct cache_line *line)
{
    if (!line->more)
        line->more = memory_zeroed(1, sizeof(*line->more), "the times of a lock");
    struct interval_chunk *chunk = add_chunk(line->more, 0);
    memcpy(chunk->taken, line->taken, line->count * sizeof(line->taken[0]));
    chunk->count = line->count;
    line->more->start_ns[0] = line->taken[0].start_ns;
    line->more->full_until_ns = 0;
    line->listed = true;
}

/* A request, and the gap found for it. */
struct request {
    const struct topology *topology;
    const struct costs *costs;
    uint32_t cpu;
    uint64_t use_ns, wakeup_ns;
    uint64_t start_ns, length_ns;
};

/* How long the line is taken behind this owner. */
static inline void begin_behind(struct request *request, uint32_t owner, uint64_t more_ns)
{
    request->length_ns =
        cache_line_transfer_ns(owner, request->topology, request->costs, request->cpu) +
        request->use_ns;
    request->length_ns += more_ns;
}

/* The interval is in the way: what comes behind it? */
static inline bool must_wait(struct request *request, const struct interval *interval)
{
    if (interval->start_ns >= request->start_ns + request->length_ns)
        return false;
    request->start_ns = interval->end_ns;
    begin_behind(request, interval->owner, request->wakeup_ns);
    return true;
}

static void take_in_list(struct cache_line *line, struct request *request)
{
    struct interval_list *list = line->more;
    struct place place = find_place(list, request->start_ns);
    struct interval *before = interval_before(list, place);
    begin_behind(request, before ? before->owner : line->owner, 0);
    for (const struct interval *next;
         (next = interval_at(list, place)) && must_wait(request, next);)
        place = place_behind(list, place);
    before = interval_before(list, place);
    uint64_t end_ns = request->start_ns + request->length_ns;
    if (before && before->end_ns == request->start_ns) {
        before->end_ns = end_ns;
        before->owner = request->cpu;
        return;
    }
    list_insert(list, place, (struct interval){request->start_ns, end_ns, request->cpu});
    line->count++;
}

/* Beside a few intervals in the line's own record. */
static void take_in_record(struct cache_line *line, struct request *request)
{
    struct interval *taken = line->taken;
    uint32_t at = line->count;
    while (at > 0 && taken[at - 1].end_ns > request->start_ns)
        at--;
    begin_behind(request, at ? taken[at - 1].owner : line->owner, 0);
    while (at < line->count && must_wait(request, &taken[at]))
        at++;
    uint64_t end_ns = request->start_ns + request->length_ns;
    if (at && taken[at - 1].end_ns == request->start_ns) {
        taken[at - 1].end_ns = end_ns;
        taken[at - 1].owner = request->cpu;
        return;
    }
    struct interval added = {request->start_ns, end_ns, request->cpu};
    if (line->count == RESOURCE_INTERVALS) {
        make_list(line);
        list_insert(line->more, (struct place){.chunk = 0, .at = at}, added);
    } else {
        for (uint32_t i = line->count; i > at; i--)
            taken[i] = taken[i - 1];
        taken[at] = added;
    }
    line->count++;
}

/* Take the line in the first gap from now on that is long enough for the transfer
 * and `use_ns`, and for `wakeup_ns` too if it must be waited for.  Returns the end;
 * *wait_ns: until the start. */
static uint64_t take(struct cache_line *line, const struct topology *topology,
                     const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t use_ns,
                     uint64_t wakeup_ns, uint64_t *wait_ns)
{
    struct request request = {.topology = topology,
                              .costs = costs,
                              .cpu = cpu,
                              .use_ns = use_ns,
                              .wakeup_ns = wakeup_ns,
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
    return take(line, topology, costs, cpu, now_ns, costs->ns[COST_atomic_local], 0, &wait_ns);
}

uint64_t spinlock_hold(struct spinlock *lock, const struct topology *topology,
                       const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns)
{
    uint64_t wait_ns;
    uint64_t end = take(&lock->line, topology, costs, cpu, now_ns,
                        costs->ns[COST_lock_uncontended] + hold_ns, 0, &wait_ns);
    lock->contended += wait_ns > 0;
    lock->wait_ns += wait_ns;
    return end;
}

#include "sim/engine/resource.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void cache_line_init(struct cache_line *line, const uint64_t *settled_ns)
{
    memset(line, 0, sizeof(*line));
    line->owner = NO_CPU;
    line->settled_ns = settled_ns;
}

static void forget_all(struct cache_line *line)
{
    free(line->more);
    line->more = NULL;
    line->first = line->count = line->room = 0;
}

void cache_line_release(struct cache_line *line)
{
    forget_all(line);
}

/* What it costs `cpu` to get the line from `owner`. */
static uint64_t transfer_ns(uint32_t owner, const struct topology *topology,
                            const struct costs *costs, uint32_t cpu)
{
    if (owner == cpu || owner == NO_CPU || topology_sibling(topology, cpu) == owner)
        return 0; /* threads of a core share its first-level cache */
    bool same_socket = topology_socket(topology, owner) == topology_socket(topology, cpu);
    return costs->ns[same_socket ? COST_line_same_socket : COST_line_cross_socket];
}

/* Interval number `at`, from the oldest one. */
static struct interval *interval_at(struct cache_line *line, uint32_t at)
{
    /* Sizes are powers of 2. */
    if (line->more)
        return &line->more[(line->first + at) & (line->room - 1)];
    return &line->taken[(line->first + at) % RESOURCE_INTERVALS];
}

static uint32_t owner_before(struct cache_line *line, uint32_t at)
{
    return at ? interval_at(line, at - 1)->owner : line->owner;
}

static uint32_t room_of(const struct cache_line *line)
{
    return line->more ? line->room : RESOURCE_INTERVALS;
}

static void forget_oldest(struct cache_line *line)
{
    line->owner = interval_at(line, 0)->owner;
    line->first = (line->first + 1) & (room_of(line) - 1);
    line->count--;
}

static void grow(struct cache_line *line)
{
    uint32_t room = 2 * room_of(line);
    struct interval *more = memory_zeroed(room, sizeof(*more), "the times of a lock");
    for (uint32_t i = 0; i < line->count; i++)
        more[i] = *interval_at(line, i);
    free(line->more);
    line->more = more;
    line->room = room;
    line->first = 0;
}

/* When the last interval is over for everybody, only its owner matters.  Nearly
 * always so without contention: a use then touches the head of the line's record
 * and not 1.5 KiB of intervals. */
void cache_line_forget(struct cache_line *line, uint64_t until_ns)
{
    if (!line->count)
        return;
    const struct interval *last = interval_at(line, line->count - 1u);
    if (last->end_ns > until_ns)
        return;
    line->owner = last->owner;
    if (line->more)
        forget_all(line);
    line->first = line->count = 0;
}

/* Make room for an interval before number `at`.  One that may still be asked about must
 * not be forgotten, or the line would be with two processors at once.  Returns false
 * when nothing is known of what is asked, and the new one is older than all others. */
static bool make_room(struct cache_line *line, uint32_t *at)
{
    bool forgotten = !line->settled_ns || interval_at(line, 0)->end_ns <= *line->settled_ns;
    if (*at > 0 && forgotten) {
        forget_oldest(line);
        --*at;
    } else if (line->settled_ns) {
        grow(line);
    }
    return line->count < room_of(line);
}

/* Remember an interval before number `at`, which begins where it ends or later. */
static void insert(struct cache_line *line, uint32_t at, struct interval interval)
{
    if (at > 0 && interval_at(line, at - 1)->end_ns == interval.start_ns) {
        interval_at(line, at - 1)->end_ns = interval.end_ns;
        interval_at(line, at - 1)->owner = interval.owner;
        return;
    }
    if (line->count == room_of(line) && !make_room(line, &at))
        return;
    for (uint32_t i = line->count; i > at; i--)
        *interval_at(line, i) = *interval_at(line, i - 1);
    *interval_at(line, at) = interval;
    line->count++;
}

/* Take the line in the first gap from now on that is long enough for the transfer
 * and `use_ns`, and for `wakeup_ns` too if it must be waited for.  Returns the end;
 * *wait_ns: until the start. */
static inline __attribute__((always_inline)) uint64_t
take(struct cache_line *line, const struct topology *topology, const struct costs *costs,
     uint32_t cpu, uint64_t now_ns, uint64_t use_ns, uint64_t wakeup_ns, uint64_t *wait_ns)
{
    if (line->settled_ns)
        cache_line_forget(line, *line->settled_ns);
    uint32_t at = line->count;
    while (at > 0 && interval_at(line, at - 1)->end_ns > now_ns)
        at--;
    uint64_t start = now_ns;
    uint64_t length = transfer_ns(owner_before(line, at), topology, costs, cpu) + use_ns;
    while (at < line->count && interval_at(line, at)->start_ns < start + length) {
        start = interval_at(line, at)->end_ns;
        at++;
        length = transfer_ns(owner_before(line, at), topology, costs, cpu) + use_ns + wakeup_ns;
    }
    *wait_ns = start - now_ns;
    insert(line, at, (struct interval){.start_ns = start, .end_ns = start + length, .owner = cpu});
    return start + length;
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

uint64_t mutex_hold(struct spinlock *lock, const struct topology *topology,
                    const struct costs *costs, uint32_t cpu, uint64_t now_ns, uint64_t hold_ns)
{
    uint64_t wait_ns;
    uint64_t end =
        take(&lock->line, topology, costs, cpu, now_ns, costs->ns[COST_lock_uncontended] + hold_ns,
             costs->ns[COST_context_switch], &wait_ns);
    lock->contended += wait_ns > 0;
    lock->wait_ns += wait_ns;
    return end;
}

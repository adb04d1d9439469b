/* Random allocations, frees and shrinks on an allocator policy, with its books checked
 * on the way. */
#ifndef ZSIM_TESTS_DENSITY_WORKOUT_H
#define ZSIM_TESTS_DENSITY_WORKOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "policies/allocator/allocator.h"
#include "policies/policy.h"
#include "sim/base/random.h"

enum { WORKOUT_OBJECTS = 4096 };

struct workout {
    const struct allocator_hooks *hooks;
    void *pool;
    uint64_t random;
    uint32_t handles[WORKOUT_OBJECTS]; /* by owner; 0: not stored */
    uint32_t live;
    unsigned refusal_percent; /* evictions that fail */
    uint32_t evicted, in_callback;
    const char *wrong;
};

static inline void workout_free(struct workout *workout, uint32_t owner)
{
    workout->hooks->free(workout->pool, workout->handles[owner]);
    workout->handles[owner] = 0;
    workout->live--;
}

static inline void workout_alloc(struct workout *workout, uint32_t owner, uint32_t size)
{
    if (workout->hooks->alloc(workout->pool, size, owner, &workout->handles[owner]) != ALLOCATOR_OK)
        return;
    if (!workout->handles[owner])
        workout->wrong = "a handle is 0";
    workout->live++;
}

/* Sizes cluster, as compressed pages do, with a spread over everything. */
static inline uint32_t workout_size(struct workout *workout)
{
    static const uint32_t common[] = {357, 1098, 1365, 2090, 2429, 3178, 3726, 4096};
    uint64_t kind = random_below(&workout->random, 16);
    return kind < 8 ? common[kind] : (uint32_t)random_below(&workout->random, 4096) + 1;
}

/* Writeback may store and free other pages before it answers. */
static inline bool workout_evict(void *context, uint32_t owner, uint32_t handle)
{
    struct workout *workout = context;
    if (owner >= WORKOUT_OBJECTS || workout->handles[owner] != handle)
        workout->wrong = "evict named an object that is not stored";
    workout->in_callback++;
    uint32_t other = (uint32_t)random_below(&workout->random, WORKOUT_OBJECTS);
    if (other != owner && workout->handles[other])
        workout_free(workout, other);
    else if (other != owner)
        workout_alloc(workout, other, workout_size(workout));
    if (random_below(&workout->random, 100) < workout->refusal_percent)
        return false;
    workout_free(workout, owner);
    workout->evicted++;
    return true;
}

/* One random operation.  The population swings between nearly empty and full. */
static inline void workout_step(struct workout *workout, uint32_t step)
{
    uint32_t owner = (uint32_t)random_below(&workout->random, WORKOUT_OBJECTS);
    bool growing = step / 8192 % 2 == 0;
    uint64_t draw = random_below(&workout->random, 1000);
    if (draw < 4 && workout->hooks->shrink)
        workout->hooks->shrink(workout->pool, workout_evict, workout);
    else if (workout->handles[owner] && (!growing || draw % 4 == 0))
        workout_free(workout, owner);
    else if (!workout->handles[owner] && (growing || draw % 4 == 0))
        workout_alloc(workout, owner, workout_size(workout));
}

/* Returns what was wrong, or NULL; afterwards the pool is empty and checked so. */
static inline const char *workout_run(struct workout *workout, const struct policy *policy,
                                      const void *params, bool evicts, uint64_t seed)
{
    *workout = (struct workout){.hooks = policy->hooks, .random = seed, .refusal_percent = 30};
    workout->pool = workout->hooks->create(&(struct allocator_setup){params, evicts});
    for (uint32_t step = 0; step < 40000 && !workout->wrong; step++) {
        workout_step(workout, step);
        if (step % 61 == 0 && !workout->wrong)
            workout->wrong = workout->hooks->check(workout->pool);
    }
    for (uint32_t owner = 0; owner < WORKOUT_OBJECTS && !workout->wrong; owner++)
        if (workout->handles[owner])
            workout_free(workout, owner);
    if (!workout->wrong)
        workout->wrong = workout->hooks->check(workout->pool);
    if (!workout->wrong && (workout->live || workout->hooks->total_pages(workout->pool)))
        workout->wrong = "an emptied pool still has pages";
    workout->hooks->destroy(workout->pool);
    return workout->wrong;
}

#endif

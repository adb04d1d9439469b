/* A plug-in with one thing wrong, chosen by -D when it is built; as it stands it
 * is good. */
#include <stdlib.h>

#include "policies/admission/admission.h"
#include "policies/policy.h"
#include "policies/writeback/writeback.h"
#include "policies/zswap_lru/zswap_lru.h"

#ifndef VERSION /* of the plug-in */
#define VERSION POLICY_INTERFACE_VERSION
#endif
#ifndef POLICY_VERSION
#define POLICY_VERSION POLICY_INTERFACE_VERSION
#endif
#ifndef SYMBOL
#define SYMBOL zsim_plugin
#endif
#ifndef POLICIES
#define POLICIES policies
#endif
#ifndef AXIS
#define AXIS "admission"
#endif
#ifndef NAME
#define NAME "never"
#endif
#ifndef SUMMARY
#define SUMMARY "no page is stored"
#endif
#ifndef HOOKS
#define HOOKS &hooks
#endif
#ifndef ADMIT
#define ADMIT admit
#endif
#ifndef ROW
#define ROW .name = "limit", .initial = "1"
#endif

struct never_params {
    uint64_t limit;
};

static const struct param rows[] = {{.type = PARAM_COUNT, ROW}};

/* Until the stack is full. */
static int deeper(volatile int level)
{
    volatile char room[1000] = {0};
    return level < 0 ? 0 : deeper(level + 1) + room[level % 1000];
}

#ifdef INIT
__attribute__((constructor)) static void init(void)
{
    INIT;
}
#endif

static bool admit(const struct zswap *zswap, uint32_t memcg, uint32_t length, const void *params)
{
    (void)zswap, (void)memcg, (void)length, (void)params;
#ifdef CALL
    extern void CALL(void);
    CALL();
#endif
#ifdef IN_HOOK
    IN_HOOK;
#endif
    return false;
}

static bool step(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec,
                 const void *params)
{
    (void)zswap, (void)worker, (void)exec, (void)params;
    return false;
}

static void *create(const struct zswap *zswap, const void *params)
{
    (void)zswap, (void)params;
    return NULL;
}

static uint64_t interval_ns(const void *params)
{
    (void)params;
    return 1000000;
}

/* Walks the lists of which takes_from() says that they are there. */
static bool walk(struct zswap *zswap, struct shrink_worker *worker, struct exec *exec,
                 const void *params)
{
    (void)worker, (void)exec, (void)params;
    zswap->lru->group_walked(zswap);
    return false;
}

static void walk_by_the_clock(struct zswap *zswap, struct exec *exec, void *state,
                              const void *params)
{
    (void)state;
    walk(zswap, NULL, exec, params);
}

static const struct admission_hooks hooks = {.admit = ADMIT};
/* The clock's hooks belong together: with interval_ns() there must be a tick(). */
static const struct writeback_hooks half_hooks = {.step = step, .interval_ns = interval_ns};
static const struct writeback_hooks walking_hooks = {.step = walk,
                                                     .takes_from = writeback_takes_from_lists,
                                                     .interval_ns = interval_ns,
                                                     .create = create,
                                                     .destroy = free,
                                                     .tick = walk_by_the_clock};

static const struct policy policy = {
    .name = NAME,
    .summary = SUMMARY,
    .params = PARAM_TABLE(rows, struct never_params),
    .hooks = HOOKS,
    .interface_version = POLICY_VERSION,
};

static const struct policy unnamed = {.hooks = &half_hooks};
static const struct plugin_policy policies[] = {{AXIS, &policy}, {NULL, NULL}};
static const struct plugin_policy two[] = {{AXIS, &policy}, {"writeback", &unnamed}, {NULL, NULL}};
static const struct plugin_policy twice[] = {{AXIS, &policy}, {AXIS, &policy}, {NULL, NULL}};
static const struct plugin_policy none[] = {{NULL, NULL}};

const struct policy_plugin SYMBOL = {VERSION, POLICIES};

/* Whatever is not chosen is still used. */
const void *const broken_unused[] = {&hooks,   &half_hooks, &walking_hooks, admit, deeper,
                                     policies, two,         twice,          none};

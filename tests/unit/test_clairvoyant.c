/* The clairvoyant bound against exhaustive search: on tiny traces every decision
 * of every policy is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "tests/unit/made_workload.h"
#include "workloads/analysis/clairvoyant.h"

enum { PAGES_AT_MOST = 6, SETS = 1 << PAGES_AT_MOST, IMPOSSIBLE = 1 << 20 };

struct problem {
    struct made_workload made;
    uint32_t pages;
    uint16_t bytes[PAGES_AT_MOST];
    struct clairvoyant_limits limits;
};

static bool is_in(unsigned set, uint32_t page)
{
    return set >> page & 1;
}

/* Is there a way to hold these pages, page `needed` in RAM? */
static bool can_hold(const struct problem *problem, unsigned set, uint32_t needed)
{
    for (unsigned in_ram = 0; in_ram < SETS; in_ram++) {
        uint64_t ram = 0, pool = 0;
        if ((in_ram & ~set) || !is_in(in_ram, needed))
            continue;
        for (uint32_t page = 0; page < problem->pages; page++) {
            ram += is_in(in_ram, page);
            pool += is_in(set & ~in_ram, page) ? problem->bytes[page] : 0;
        }
        uint64_t together = ram * PAGE_BYTES + pool;
        if (ram <= problem->limits.ram_pages && pool <= problem->limits.pool_bytes &&
            (problem->limits.common_pages == UINT64_MAX ||
             together <= problem->limits.common_pages * PAGE_BYTES))
            return true;
    }
    return false;
}

/* Least reads over all sequences of sets held, by dynamic programming over the
 * set that is held after each access. */
static unsigned search(const struct problem *problem)
{
    unsigned reads[SETS], next[SETS], populated = 0;
    for (unsigned set = 0; set < SETS; set++)
        reads[set] = set ? IMPOSSIBLE : 0;
    for (uint64_t i = 0; i < problem->made.workload.accesses; i++) {
        struct access access = problem->made.accesses[i];
        unsigned bit = 1u << access.page;
        for (unsigned to = 0; to < SETS; to++)
            next[to] = IMPOSSIBLE;
        for (unsigned from = 0; from < SETS; from++) {
            if (reads[from] == IMPOSSIBLE)
                continue;
            if (access.op == ACCESS_FREE) {
                if (reads[from] < next[from & ~bit])
                    next[from & ~bit] = reads[from];
                continue;
            }
            unsigned cost = reads[from] + ((populated & bit) && !(from & bit));
            for (unsigned to = 0; to < SETS; to++)
                if ((to & bit) && !(to & ~(from | bit)) && cost < next[to] &&
                    can_hold(problem, to, access.page))
                    next[to] = cost;
        }
        memcpy(reads, next, sizeof(reads));
        populated = access.op == ACCESS_FREE ? populated & ~bit : populated | bit;
    }
    unsigned best = IMPOSSIBLE;
    for (unsigned set = 0; set < SETS; set++)
        if (reads[set] < best)
            best = reads[set];
    return best;
}

/* kind 0: RAM alone; 1: one size; 2: any sizes */
static void draw(struct problem *problem, uint64_t *random, unsigned kind)
{
    memset(problem, 0, sizeof(*problem));
    problem->pages = 2 + (uint32_t)random_below(random, PAGES_AT_MOST - 1);
    made_init(&problem->made, problem->pages);
    unsigned accesses = 6 + (unsigned)random_below(random, 14);
    bool frees = random_below(random, 3) == 0;
    for (unsigned i = 0; i < accesses; i++)
        made_access(&problem->made, (uint32_t)random_below(random, problem->pages),
                    frees && !random_below(random, 6) ? ACCESS_FREE : ACCESS_READ);
    uint16_t one_size = (uint16_t)(1 + random_below(random, PAGE_BYTES));
    for (uint32_t page = 0; page < problem->pages; page++)
        problem->bytes[page] =
            kind == 2 ? (uint16_t)(1 + random_below(random, PAGE_BYTES)) : one_size;
    problem->limits = (struct clairvoyant_limits){1 + random_below(random, 3), 0, UINT64_MAX};
    if (kind)
        problem->limits.pool_bytes = random_below(random, 2 * PAGE_BYTES);
    if (kind && random_below(random, 2))
        problem->limits.common_pages = 1 + random_below(random, 3);
}

static struct clairvoyant *foresee(const struct problem *problem)
{
    struct diagnostics errors = {0};
    struct clairvoyant *future = clairvoyant_create(&problem->made.workload, &errors);
    assert_non_null(future);
    assert_int_equal(clairvoyant_pages(future), problem->pages);
    return future;
}

static void test_ram_alone_is_the_optimum(void **state)
{
    (void)state;
    uint64_t random = 1, all = 0;
    for (unsigned i = 0; i < 400; i++) {
        struct problem problem;
        draw(&problem, &random, 0);
        struct clairvoyant *future = foresee(&problem);
        uint64_t bound = clairvoyant_refaults(future, NULL, problem.limits.ram_pages);
        assert_int_equal(bound, search(&problem));
        all += bound;
        clairvoyant_free(future);
        made_release(&problem.made);
    }
    assert_true(all > 400); /* they were not all trivial */
}

/* Of one size, the bound is the optimum; of several, it is never above it. */
static void test_two_tiers_against_search(void **state)
{
    (void)state;
    uint64_t random = 2, bounds = 0, optima = 0;
    for (unsigned i = 0; i < 800; i++) {
        struct problem problem;
        draw(&problem, &random, 1 + i % 2);
        struct clairvoyant *future = foresee(&problem);
        struct clairvoyant_sizes sizes = {problem.bytes};
        uint64_t bound = clairvoyant_disk_reads(future, NULL, &sizes, &problem.limits);
        uint64_t optimum = search(&problem);
        assert_true(bound <= optimum);
        if (i % 2 == 0)
            assert_int_equal(bound, optimum);
        else {
            bounds += bound;
            optima += optimum;
        }
        clairvoyant_free(future);
        made_release(&problem.made);
    }
    assert_true(bounds * 10 > optima * 8); /* and not far below */
}

static void test_capacity(void **state)
{
    (void)state;
    uint64_t pages[PAGE_BYTES + 1] = {[100] = 10, [2000] = 5, [PAGE_BYTES] = 100};
    struct clairvoyant_limits limits = {4, 5000, UINT64_MAX};
    assert_int_equal(clairvoyant_capacity(pages, &limits), 4 + 10 + 2);
    limits.pool_bytes = 0;
    assert_int_equal(clairvoyant_capacity(pages, &limits), 4);
    /* Two pages of the common four are the pool's. */
    limits = (struct clairvoyant_limits){4, 5000, 4};
    assert_int_equal(clairvoyant_capacity(pages, &limits), 2 + 10 + 2);
    /* One page is always in RAM. */
    limits = (struct clairvoyant_limits){1, 1 << 20, 1};
    assert_int_equal(clairvoyant_capacity(pages, &limits), 1);
    limits = (struct clairvoyant_limits){9, 1 << 20, 2};
    assert_int_equal(clairvoyant_capacity(pages, &limits), 1 + 10 + 1);
}

/* Pages of no size are never read; those of other spaces are left out. */
static void test_free_pages_and_spaces(void **state)
{
    (void)state;
    struct made_workload made;
    struct diagnostics errors = {0};
    made_init(&made, 3);
    made.workload.spaces = 2;
    made.space_pages[1] = 2;
    for (unsigned i = 0; i < 9; i++)
        made_access_in(&made, (uint16_t)(i % 3 == 2), i % 3 == 2 ? i / 3 % 2 : i % 2, ACCESS_WRITE);
    struct clairvoyant *future = clairvoyant_create(&made.workload, &errors);
    assert_int_equal(clairvoyant_pages(future), 5);
    assert_int_equal(clairvoyant_page(future, 1, 1), 4);
    assert_int_equal(clairvoyant_first_touches(future, NULL), 4);
    uint64_t second = 0x18;
    assert_int_equal(clairvoyant_first_touches(future, &second), 2);
    assert_int_equal(clairvoyant_refaults(future, &second, 1), 1);
    assert_int_equal(clairvoyant_refaults(future, NULL, 1), 5);
    uint16_t bytes[5] = {0};
    struct clairvoyant_sizes sizes = {bytes};
    struct clairvoyant_limits limits = {1, 0, UINT64_MAX};
    assert_int_equal(clairvoyant_disk_reads(future, NULL, &sizes, &limits), 0);
    clairvoyant_free(future);
    clairvoyant_free(NULL);
    made_release(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ram_alone_is_the_optimum),
        cmocka_unit_test(test_two_tiers_against_search),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_free_pages_and_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

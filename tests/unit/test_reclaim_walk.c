/* Walks of reclaim pass over cgroups that have nothing for them, and over no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/mm/memcg.h"
#include "sim/mm/reclaim_walk.h"
#include "tests/unit/simulate.h"

/* The root, /a, /b and /b/c; the pages are /b/c's, then /a's. */
enum { A = 1, B, C, PAGES_OF_A = SPACE_PAGES };
#define CONFIG BENCH_CONFIG("v6.18", "\"enabled\": true", TASK("/b/c", 1000) ", " TASK("/a", 1000))

/* The visits of a whole walk, as digits. */
static unsigned visits(const struct mm *mm, uint32_t target, int priority)
{
    const struct scan_control scan = {.target = target, .priority = priority};
    uint32_t least = reclaim_walk_least(mm, &scan, 0);
    unsigned seen = 0;
    for (uint32_t at = NO_MEMCG; (at = reclaim_walk_next(mm, target, 0, least, at)) != NO_MEMCG;)
        seen = 10 * seen + at;
    return seen;
}

static void touch(struct bench *bench, uint32_t first, uint32_t count)
{
    for (uint32_t page = first; page < first + count; page++)
        bench_touch(bench, page, true);
    lru_add_drain_all(bench->mm);
}

static void test_small_lists_wait_for_low_priorities(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    assert_int_equal(visits(mm, ROOT_MEMCG, 0), 0);
    touch(bench, 0, 100);
    touch(bench, PAGES_OF_A, 3);
    /* Of what a priority leaves, three tenths are anonymous pages' (swappiness 60): four
     * pages or more make one; at priority 0 all are scanned. */
    assert_int_equal(visits(mm, ROOT_MEMCG, 0), 13);
    assert_int_equal(visits(mm, ROOT_MEMCG, 1), 3);
    assert_int_equal(visits(mm, ROOT_MEMCG, 4), 3);
    assert_int_equal(visits(mm, ROOT_MEMCG, 5), 0);
    assert_int_equal(visits(mm, A, 0), 1);
    assert_int_equal(visits(mm, A, 1), 0);
    assert_int_equal(visits(mm, B, 1), 3);
    bench_close(bench);
}

/* Those that are passed over cost time, too: as many as one step after the other comes to. */
static void test_length_of_a_walk(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    assert_non_null(mm->walk);
    for (uint32_t root = 0; root < mm->memcg_count; root++)
        for (uint32_t from = NO_MEMCG; (from = memcg_next(mm, root, from)) != NO_MEMCG;) {
            uint32_t steps = 0;
            for (uint32_t to = from; (to = memcg_next(mm, root, to)) != NO_MEMCG;)
                assert_int_equal(reclaim_walk_length(mm, root, from, to), ++steps);
            assert_int_equal(reclaim_walk_length(mm, root, from, NO_MEMCG), steps);
        }
    assert_int_equal(reclaim_walk_length(mm, ROOT_MEMCG, NO_MEMCG, C), 4);
    assert_int_equal(reclaim_walk_length(mm, B, NO_MEMCG, NO_MEMCG), 2);
    struct reclaim_walk *walk = mm->walk;
    mm->walk = NULL;
    assert_int_equal(reclaim_walk_length(mm, ROOT_MEMCG, A, B), 1);
    assert_int_equal(reclaim_walk_length(mm, ROOT_MEMCG, C, NO_MEMCG), 0);
    mm->walk = walk;
    bench_close(bench);
}

/* A pass over the tree takes that much time, though nothing is scanned. */
static void test_a_pass_takes_time_for_idle_cgroups(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    uint64_t before_ns = mm->time_ns[TIME_reclaim_scan];
    reclaim_limit(mm, &bench->exec, B, 1);
    uint64_t took_ns = mm->time_ns[TIME_reclaim_scan] - before_ns;
    uint64_t visit_ns = mm->costs->ns[COST_reclaim_visit];
    /* /b and /b/c, at each of 13 priorities, twice: nothing was freed. */
    assert_int_equal((took_ns - mm->costs->ns[COST_reclaim_call]) / visit_ns, 2 * 13 * 2);
    bench_close(bench);
}

/* What a reclaim of /b takes whose shared walk was left behind this cgroup. */
static uint64_t time_of_walk_behind(uint32_t memcg)
{
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    touch(bench, 0, 100); /* of /b/c */
    mm->memcgs[B].iterator[0] = memcg;
    uint64_t before_ns = mm->time_ns[TIME_reclaim_scan];
    assert_true(reclaim_limit(mm, &bench->exec, B, 1) > 0);
    uint64_t took_ns = mm->time_ns[TIME_reclaim_scan] - before_ns;
    bench_close(bench);
    return took_ns;
}

/* Behind the last cgroup a partial walk begins anew: each visits at least one. */
static void test_a_partial_walk_visits_somebody(void **state)
{
    (void)state;
    assert_int_equal(time_of_walk_behind(C), time_of_walk_behind(NO_MEMCG));
    assert_int_not_equal(time_of_walk_behind(B), time_of_walk_behind(NO_MEMCG));
}

/* The classic policy, but that something happens while /a is visited, as where reclaim waits. */
static const struct reclaim_hooks *classic;
static void (*happens)(struct bench *bench);
static struct bench *happens_on;
static int first_visit[4]; /* priority + 1; 0: none so far */

static void visit(struct mm *mm, struct exec *exec, struct scan_control *scan, uint32_t memcg,
                  uint32_t node)
{
    if (!first_visit[memcg])
        first_visit[memcg] = scan->priority + 1;
    classic->shrink_lruvec(mm, exec, scan, memcg, node);
    if (memcg == A)
        happens(happens_on);
}

static void swappiness_rises(struct bench *bench)
{
    bench->mm->swappiness = 200;
}

static void shrinker_is_enabled(struct bench *bench)
{
    zswap_enable_shrinker(bench->zswap, true);
}

static void check_change_in_a_pass(void (*change)(struct bench *bench))
{
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    struct reclaim_hooks hooks = *mm->reclaim;
    memset(first_visit, 0, sizeof(first_visit));
    touch(bench, 0, 20);
    touch(bench, PAGES_OF_A, 100);
    classic = mm->reclaim;
    happens = change;
    happens_on = bench;
    hooks.shrink_lruvec = visit;
    mm->reclaim = &hooks;
    reclaim_direct(mm, &bench->exec);
    mm->reclaim = classic;
    /* Three tenths of a sixteenth of 100 pages are the first page that is scanned; of 20 none. */
    assert_int_equal(first_visit[A], 4 + 1);
    assert_int_equal(first_visit[C], 4 + 1);
    bench_close(bench);
}

/* Others go on while reclaim waits: what they change holds for the rest of the pass. */
static void test_a_change_in_the_middle_of_a_pass(void **state)
{
    (void)state;
    check_change_in_a_pass(swappiness_rises);
    check_change_in_a_pass(shrinker_is_enabled);
}

/* Whether a pass would be idle hangs on what is sampled at its beginning, not in the one before. */
static void test_an_idle_pass_is_one_that_begins_now(void **state)
{
    (void)state;
    enum { COST = 1000 };
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    touch(bench, PAGES_OF_A, 10); /* of half of these three tenths are a page, a sixth is none */
    struct scan_control scan = {.target = A, .priority = 1, .anon_cost = COST};
    assert_false(reclaim_walk_passes_over(mm, &scan, 0));
    mm->memcgs[A].lruvecs[0].anon_cost = COST;
    assert_true(reclaim_walk_passes_over(mm, &scan, 0));
    bench_close(bench);
}

static void test_protected_cgroups_are_visited(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    mm->memcgs[B].memory_low = 10;
    reclaim_walk_note_protection(mm, B);
    assert_int_equal(visits(mm, ROOT_MEMCG, PRIORITY_START), 23);
    /* Nobody visits them any more to work out that the protection is gone. */
    mm->memcgs[C].effective_low = mm->memcgs[C].effective_min = 10;
    mm->memcgs[B].memory_low = 0;
    reclaim_walk_note_protection(mm, B);
    assert_int_equal(mm->memcgs[C].effective_low, 0);
    assert_int_equal(mm->memcgs[C].effective_min, 0);
    assert_int_equal(visits(mm, ROOT_MEMCG, PRIORITY_START), 0);
    bench_close(bench);
}

static void activate(struct mm *mm, uint32_t count)
{
    for (uint32_t page = 0; page < count; page++) {
        lru_remove(mm, page);
        mm->cold[page].bits |= PAGE_ACTIVE | PAGE_ON_LRU;
        mm->reclaim->add(mm, page_lruvec(mm, page), page);
        reclaim_walk_note(mm, page_memcg(mm, page), page_node(mm, page));
    }
}

/* What the statistics show decides whether active lists are shrunk. */
static void test_low_inactive_lists_are_aged_once_it_shows(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    touch(bench, 0, 8);
    activate(mm, 8);
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, NO_MEMCG, NO_MEMCG, NULL), NO_MEMCG);
    memcg_flush_stats(mm);
    assert_int_equal(visits(mm, C, PRIORITY_START), 0);
    /* The parent shows its child's pages. */
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, NO_MEMCG, NO_MEMCG, NULL), B);
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, B, NO_MEMCG, NULL), C);
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, C, NO_MEMCG, NULL), NO_MEMCG);
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, B, C, NULL), NO_MEMCG); /* it is visited */
    bench_close(bench);
}

/* The statistics still show active pages that are not there any more. */
static void test_those_with_nothing_to_age_are_counted(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    const struct scan_control scan = {.target = B, .priority = PRIORITY_START};
    const struct lock_counts *locks = &mm->locks[LOCK_lruvec];
    struct exec exec = {.space = NO_SPACE};
    uint32_t passed_over = 0;
    touch(bench, 0, 8);
    activate(mm, 8);
    memcg_flush_stats(mm);
    assert_false(mm->reclaim->age(mm, &exec, &scan, B, 0)); /* it has no page of its own */
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, NO_MEMCG, NO_MEMCG, &passed_over), C);
    assert_true(mm->reclaim->age(mm, &exec, &scan, C, 0));
    reclaim_walk_note(mm, C, 0);
    struct lock_counts before = *locks;
    assert_false(mm->reclaim->age(mm, &exec, &scan, C, 0));
    struct lock_counts each = {.acquisitions = locks->acquisitions - before.acquisitions,
                               .hold_ns = locks->hold_ns - before.hold_ns};
    passed_over = 0;
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, NO_MEMCG, NO_MEMCG, &passed_over), NO_MEMCG);
    assert_int_equal(passed_over, 2);
    before = *locks;
    mm->reclaim->age_idle(mm, &exec, &scan, passed_over);
    assert_int_equal(locks->acquisitions - before.acquisitions, 2 * each.acquisitions);
    assert_int_equal(locks->hold_ns - before.hold_ns, 2 * each.hold_ns);
    activate(mm, 1);
    assert_int_equal(reclaim_walk_next_aging(mm, B, 0, B, NO_MEMCG, &passed_over), C);
    bench_close(bench);
}

static void test_the_shrinker_asks_every_cgroup(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    zswap_enable_shrinker(bench->zswap, true);
    assert_int_equal(visits(bench->mm, ROOT_MEMCG, PRIORITY_START), 123); /* and the root, 0 */
    bench_close(bench);
}

static void test_the_books_find_a_list_that_grew_unseen(void **state)
{
    (void)state;
    struct bench *bench = bench_open(CONFIG);
    struct mm *mm = bench->mm;
    touch(bench, 0, 8);
    assert_null(reclaim_walk_check(mm, C, 0));
    mm->memcgs[C].lruvecs[0].lists[LRU_INACTIVE_ANON].count++;
    assert_non_null(reclaim_walk_check(mm, C, 0));
    mm->memcgs[C].lruvecs[0].lists[LRU_INACTIVE_ANON].count--;
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_lists_wait_for_low_priorities),
        cmocka_unit_test(test_length_of_a_walk),
        cmocka_unit_test(test_a_pass_takes_time_for_idle_cgroups),
        cmocka_unit_test(test_a_partial_walk_visits_somebody),
        cmocka_unit_test(test_a_change_in_the_middle_of_a_pass),
        cmocka_unit_test(test_an_idle_pass_is_one_that_begins_now),
        cmocka_unit_test(test_protected_cgroups_are_visited),
        cmocka_unit_test(test_low_inactive_lists_are_aged_once_it_shows),
        cmocka_unit_test(test_those_with_nothing_to_age_are_counted),
        cmocka_unit_test(test_the_shrinker_asks_every_cgroup),
        cmocka_unit_test(test_the_books_find_a_list_that_grew_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Policy mglru: generations one by one on a hand-made memory, then small simulations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/policy.h"
#include "policies/reclaim/reclaim.h"
#include "sim/mm/lru.h"
#include "tests/unit/run_config.h"

/* ---- a memory of one cgroup on one node ---------------------------------------------- */

enum { PAGES = 4096, CGROUP = 1 };

struct world {
    struct mm mm;
    struct config config;
    struct costs costs;
    struct memcg memcgs[2];
    struct lruvec lruvecs[2];
    uint64_t counters[2][COUNTERS];
    struct address_space space;
    uint8_t hot[PAGES];
    struct page_cold cold[PAGES];
    struct page_chunk chunks[PAGES / CHUNK_PAGES + 1];
    struct event_queue events;
    unsigned params[16];
    struct exec exec;
    const struct reclaim_hooks *hooks;
};

static bool stub_take_slot(void *swap, struct exec *exec, uint32_t page)
{
    (void)exec;
    struct world *world = swap;
    world->cold[page].bits |= PAGE_HAS_SLOT;
    world->memcgs[CGROUP].swap_cache_pages++;
    return true;
}

static enum swap_write_result stub_write(void *swap, struct exec *exec, uint32_t page)
{
    (void)swap;
    (void)exec;
    (void)page;
    return SWAP_WRITTEN;
}

static bool stub_room(const void *swap, uint32_t memcg)
{
    (void)swap;
    (void)memcg;
    return true;
}

static bool stub_half_full(const void *swap, uint32_t memcg)
{
    (void)swap;
    (void)memcg;
    return false;
}

static struct world *make_world(const char *rules)
{
    struct world *world = aligned_alloc(_Alignof(struct world), sizeof(*world));
    assert_non_null(world);
    memset(world, 0, sizeof(*world));
    struct mm *mm = &world->mm;
    const struct policy *policy = policy_find("reclaim", "mglru");
    assert_non_null(policy);
    assert_true(policy->params.struct_bytes <= sizeof(world->params));
    params_set_defaults(&policy->params, world->params);
    char expected[128];
    assert_true(
        params_set(&policy->params.rows[0], world->params, rules, expected, sizeof(expected)));
    world->hooks = policy->hooks;
    world->config.vm.lru_add_batch = 31;
    world->config.vm.cgroup_version = CGROUP_V2;
    world->memcgs[CGROUP].parent = ROOT_MEMCG;
    world->memcgs[ROOT_MEMCG].parent = NO_MEMCG;
    for (uint32_t i = 0; i < 2; i++) {
        world->memcgs[i].lruvecs = &world->lruvecs[i];
        world->memcgs[i].seldom = world->counters[i];
        world->memcgs[i].memory_max = UINT64_MAX;
        for (unsigned list = 0; list < LRU_LISTS; list++)
            world->lruvecs[i].lists[list] = LRU_LIST_EMPTY;
    }
    for (uint32_t i = 0; i <= PAGES / CHUNK_PAGES; i++)
        world->chunks[i].memcg = CGROUP;
    world->space = (struct address_space){.pages = PAGES, .memcg = CGROUP};
    world->exec = (struct exec){.space = 0};
    mm->config = &world->config;
    mm->costs = &world->costs;
    mm->events = &world->events;
    mm->topology = (struct topology){1, 1, 1, 1};
    mm->page_count = PAGES;
    mm->hot = world->hot;
    mm->cold = world->cold;
    mm->chunks = world->chunks;
    mm->chunk_shift = CHUNK_SHIFT;
    mm->spaces = &world->space;
    mm->space_count = 1;
    mm->memcgs = world->memcgs;
    mm->memcg_count = 2;
    mm->node_count = 1;
    mm->reclaim = world->hooks;
    mm->reclaim_params = world->params;
    world->config.vm.cgroup_version = CGROUP_V2;
    mm->swappiness = 60;
    mm->swap = world;
    mm->swap_hooks.take_slot = stub_take_slot;
    mm->swap_hooks.write = stub_write;
    mm->swap_hooks.room = stub_room;
    mm->swap_hooks.half_full = stub_half_full;
    lru_init(mm);
    return world;
}

static void free_world(struct world *world)
{
    for (uint32_t i = 0; i < 2; i++) {
        assert_null(world->hooks->check(&world->mm, &world->lruvecs[i]));
        world->hooks->release(&world->lruvecs[i]);
        lock_release(world->lruvecs[i].lock);
    }
    lru_release(&world->mm);
    free(world);
}

/* Pages from..to-1 are touched for the first time, in order. */
static void touch_first(struct world *world, uint32_t from, uint32_t to)
{
    for (uint32_t page = from; page < to; page++) {
        world->hot[page] = HOT_POPULATED | HOT_IN_RAM | HOT_MAPPED | HOT_ACCESSED | HOT_DIRTY;
        world->mm.resident_pages++;
        for (uint32_t i = 0; i < 2; i++)
            world->memcgs[i].usage++;
        world->memcgs[CGROUP].resident_pages++;
        world->mm.counters[COUNTER_accesses]++;
        lru_add(&world->mm, &world->exec, page);
    }
    lru_add_drain_all(&world->mm);
}

static void touch_again(struct world *world, uint32_t page)
{
    assert_true(world->hot[page] & HOT_MAPPED);
    world->hot[page] |= HOT_ACCESSED;
    world->mm.counters[COUNTER_accesses]++;
}

/* One turn of limit reclaim at a priority; returns pages freed. */
static uint64_t shrink(struct world *world, int priority)
{
    struct scan_control scan = {
        .target = CGROUP, .goal = 32, .limit_reclaim = true, .priority = priority};
    world->hooks->shrink_lruvec(&world->mm, &world->exec, &scan, CGROUP, 0);
    assert_int_equal(scan.freed_pages, 0);
    return scan.reclaimed;
}

static uint64_t active(struct world *world)
{
    uint64_t sizes[LRU_LISTS];
    lru_sizes(&world->mm, &world->lruvecs[CGROUP], sizes);
    return sizes[LRU_ACTIVE_ANON];
}

static uint64_t inactive(struct world *world)
{
    uint64_t sizes[LRU_LISTS];
    lru_sizes(&world->mm, &world->lruvecs[CGROUP], sizes);
    return sizes[LRU_INACTIVE_ANON];
}

static bool in_ram(const struct world *world, uint32_t page)
{
    return world->hot[page] & HOT_IN_RAM;
}

static uint64_t count_of(const struct world *world, enum counter counter)
{
    return world->mm.counters[counter];
}

/* By the rules of 6.5 or 6.12, pages 0..n-1 touched and two generations begun since: all are
 * cold. */
static struct world *make_cold_world_by(const char *rules, uint32_t n)
{
    struct world *world = make_world(rules);
    touch_first(world, 0, n);
    assert_int_equal(shrink(world, 8), 0); /* leaves the empty generations 0 and 1 */
    assert_int_equal(shrink(world, 8), 0); /* too few generations: a new one */
    assert_int_equal(shrink(world, 8), 0); /* the oldest is empty: another */
    assert_int_equal(active(world), 0);
    assert_int_equal(inactive(world), n);
    return world;
}

static struct world *make_cold_world(uint32_t n)
{
    return make_cold_world_by("v6.12", n);
}

/* ---- mechanics, 6.12 ------------------------------------------------------------------- */

static void test_faulted_pages_are_youngest(void **state)
{
    (void)state;
    struct world *world = make_world("v6.12");
    touch_first(world, 0, 100);
    assert_int_equal(active(world), 100);
    assert_int_equal(inactive(world), 0);
    /* Pages that a kernel thread brings in are not: generation 1 of 0..3. */
    world->exec.space = NO_SPACE;
    for (uint32_t page = 100; page < 110; page++)
        world->cold[page].bits |= PAGE_HAS_SLOT;
    touch_first(world, 100, 110);
    assert_int_equal(active(world), 100);
    assert_int_equal(inactive(world), 10);
    free_world(world);
}

/* lru_gen_add_folio: a page that reclaim has chosen is young as long as its write lasts. */
static void test_page_to_be_reclaimed_is_young_until_written(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits, young;
    } rows[] = {
        {PAGE_HAS_SLOT | PAGE_RECLAIM, 0},
        {PAGE_HAS_SLOT | PAGE_DIRTY, 0},
        {PAGE_HAS_SLOT | PAGE_RECLAIM | PAGE_DIRTY, 1},
        {PAGE_HAS_SLOT | PAGE_RECLAIM | PAGE_WRITEBACK, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *world = make_world("v6.12");
        world->exec.space = NO_SPACE;
        world->cold[0].bits = rows[i].bits;
        touch_first(world, 0, 1);
        assert_int_equal(active(world), rows[i].young);
        free_world(world);
    }
}

static void test_aging_begins_generations_until_pages_are_cold(void **state)
{
    (void)state;
    struct world *world = make_world("v6.12");
    touch_first(world, 0, 1000);
    /* The default priority never ages; 1000 >> 12 is nothing to scan. */
    assert_int_equal(shrink(world, 12), 0);
    assert_int_equal(active(world), 1000);
    assert_int_equal(shrink(world, 8), 0);
    assert_int_equal(active(world), 1000);
    assert_int_equal(shrink(world, 8), 0);
    assert_int_equal(active(world), 1000); /* second youngest now, which still counts */
    assert_int_equal(shrink(world, 8), 0);
    assert_int_equal(inactive(world), 1000);
    /* The walk has made them old, so they go without a second look. */
    assert_int_equal(shrink(world, 8), 64);
    assert_int_equal(count_of(world, COUNTER_pgscan_anon), 64);
    free_world(world);
}

static void test_oldest_go_first_in_batches_of_64(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    assert_int_equal(shrink(world, 10), 0); /* 1000 >> 10 is nothing to scan */
    assert_int_equal(shrink(world, 9), 0);  /* 1: used up by leaving an empty generation */
    assert_int_equal(shrink(world, 9), 64);
    for (uint32_t page = 0; page < 1000; page++)
        assert_int_equal(in_ram(world, page), page >= 64);
    assert_int_equal(shrink(world, 2), 256); /* 936 >> 2 = 234: four batches */
    assert_false(in_ram(world, 319));
    assert_true(in_ram(world, 320));
    assert_int_equal(world->memcgs[CGROUP].usage, 680);
    assert_int_equal(count_of(world, COUNTER_pgscan_anon), 320);
    assert_int_equal(count_of(world, COUNTER_pgsteal_anon), 320);
    free_world(world);
}

static void test_two_generations_stay(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    touch_first(world, 1000, 1100);
    while (shrink(world, 12 - 8)) {
    }
    /* What was touched last is in the youngest two: only aging makes it evictable. */
    for (uint32_t page = 1000; page < 1100; page++)
        assert_true(in_ram(world, page));
    free_world(world);
}

static void test_walk_promotes_and_eviction_sorts(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    assert_int_equal(shrink(world, 9), 0);
    assert_int_equal(shrink(world, 9), 64);
    touch_again(world, 100);
    touch_first(world, 1000, 2000); /* more than half is young: time to age */
    assert_int_equal(shrink(world, 9), 0);
    assert_int_equal(active(world), 1001);
    assert_int_equal(inactive(world), 935);
    assert_int_equal(shrink(world, 9), 64);
    assert_int_equal(count_of(world, COUNTER_pgrefill), 1);
    assert_int_equal(count_of(world, COUNTER_pgscan_anon), 128);
    assert_true(in_ram(world, 100));
    assert_false(in_ram(world, 128));
    assert_true(in_ram(world, 129));
    free_world(world);
}

/* A table whose upper entry was not used since is not walked. */
static void test_walk_leaves_unused_tables_out(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    uint64_t before = world->mm.time_ns[TIME_reclaim_scan];
    world->costs.ns[COST_scan_page] = 32;
    touch_first(world, 1024, 2048);
    assert_int_equal(shrink(world, 9), 0);
    /* 1024 entries at 32 / 32 ns each, and nothing for pages 0..1023. */
    assert_int_equal(world->mm.time_ns[TIME_reclaim_scan] - before, 1024);
    free_world(world);
}

/* lru_gen_use_mm: nor are the tables of a process that no processor has switched to since. */
static void test_walk_leaves_out_who_was_not_switched_to(void **state)
{
    (void)state;
    for (uint32_t interruptions = 0; interruptions < 2; interruptions++) {
        struct world *world = make_world("v6.12");
        struct runner runner = {.interruptions = 7};
        world->space.runner = &runner;
        touch_first(world, 0, 1000);
        assert_int_equal(shrink(world, 8), 0); /* leaves the empty generations 0 and 1 */
        assert_int_equal(shrink(world, 8), 0); /* walks, begins a new one */
        world->hot[5] |= HOT_ACCESSED;         /* missed by that walk */
        runner.interruptions += interruptions;
        assert_int_equal(shrink(world, 8), 0); /* another */
        assert_int_equal((world->hot[5] & HOT_ACCESSED) != 0, !interruptions);
        assert_int_equal(active(world), interruptions);
        free_world(world);
    }
}

static void test_young_page_is_kept_once(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    assert_int_equal(shrink(world, 9), 0);
    touch_again(world, 40);
    touch_again(world, 41);
    world->cold[41].bits |= PAGE_REFERENCED;
    assert_int_equal(shrink(world, 9), 62);
    assert_true(in_ram(world, 40));
    assert_true(in_ram(world, 41));
    assert_false(world->cold[41].bits & PAGE_REFERENCED);
    assert_int_equal(active(world), 2);
    assert_int_equal(count_of(world, COUNTER_pgactivate), 0);
    assert_int_equal(count_of(world, COUNTER_pgscan_anon), 64);
    free_world(world);
}

static void test_look_around_a_young_page(void **state)
{
    (void)state;
    struct world *world = make_world("v6.12");
    /* Oldest first: 0..9, 64..199, 10..63: the batch is 0..9 and 64..117. */
    touch_first(world, 0, 10);
    touch_first(world, 64, 200);
    touch_first(world, 10, 64);
    for (int i = 0; i < 4; i++)
        assert_int_equal(shrink(world, 7), 0);
    touch_again(world, 0);
    touch_again(world, 5);
    touch_again(world, 20);
    touch_again(world, 117);
    touch_again(world, 140);
    touch_again(world, 149);
    assert_int_equal(shrink(world, 7), 61);
    assert_true(in_ram(world, 0));   /* young: kept */
    assert_true(in_ram(world, 5));   /* in the same batch: marked, and kept for that */
    assert_true(in_ram(world, 20));  /* listed, in the window 0..63 of page 0: to be activated */
    assert_true(in_ram(world, 117)); /* young: kept */
    assert_true(in_ram(world, 140)); /* listed, in the window 85..148 of page 117 */
    assert_true(lru_is_activating(&world->mm, &world->exec, 20));
    assert_true(lru_is_activating(&world->mm, &world->exec, 140));
    assert_false(lru_is_activating(&world->mm, &world->exec, 149)); /* just outside */
    assert_int_equal(count_of(world, COUNTER_pgactivate), 0);
    assert_int_equal(active(world), 3);
    lru_add_drain(&world->mm, &world->exec);
    assert_int_equal(count_of(world, COUNTER_pgactivate), 2);
    assert_int_equal(active(world), 5);
    assert_false(lru_is_activating(&world->mm, &world->exec, 20));
    free_world(world);
}

/* Pages that wait to be activated may be isolated, but not freed: their batch has a
 * reference.  They are unmapped by then, and go to the youngest generation. */
static void test_page_in_an_activation_batch_is_not_freed(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    assert_int_equal(shrink(world, 9), 0);
    touch_again(world, 40); /* window 8..71; the batch is 0..63 */
    touch_again(world, 70);
    assert_int_equal(shrink(world, 3), 63 + 63); /* 1000 >> 3 = 125: two batches */
    assert_true(in_ram(world, 70));
    assert_false(world->hot[70] & HOT_MAPPED);
    assert_true((world->cold[70].bits & (PAGE_HAS_SLOT | PAGE_DIRTY)) ==
                (PAGE_HAS_SLOT | PAGE_DIRTY));
    assert_int_equal(active(world), 2);
    assert_int_equal(count_of(world, COUNTER_pgactivate), 0);
    free_world(world);
}

/* The 31st page of a batch moves all of them. */
static void test_full_activation_batch_is_moved(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    assert_int_equal(shrink(world, 9), 0);
    for (uint32_t page = 50; page < 82; page++)
        touch_again(world, page); /* 50 is in the batch, with 51..63; 64..81 are listed */
    assert_int_equal(shrink(world, 9), 50);
    assert_int_equal(count_of(world, COUNTER_pgactivate), 0);
    assert_true(lru_is_activating(&world->mm, &world->exec, 81));
    for (uint32_t page = 100; page < 112; page++)
        lru_activate(&world->mm, &world->exec, page);
    assert_int_equal(count_of(world, COUNTER_pgactivate), 0);
    lru_activate(&world->mm, &world->exec, 112);
    assert_int_equal(count_of(world, COUNTER_pgactivate), 31);
    assert_false(lru_is_activating(&world->mm, &world->exec, 112));
    free_world(world);
}

/* One turn of reclaim; the time of a walk over page tables in it, without that of pages. */
static uint64_t walk_of_turn(struct world *world)
{
    uint64_t before_ns = world->mm.time_ns[TIME_reclaim_scan];
    uint64_t before = count_of(world, COUNTER_pgscan_anon) + count_of(world, COUNTER_pgrefill);
    shrink(world, 8);
    uint64_t after = count_of(world, COUNTER_pgscan_anon) + count_of(world, COUNTER_pgrefill);
    return world->mm.time_ns[TIME_reclaim_scan] - before_ns -
           (after - before) * world->costs.ns[COST_scan_page];
}

/* Eight young entries of 64 make a table worth a walk, the page's own one included. */
static void check_table_of_look_around(uint32_t others, uint64_t walked_ns)
{
    struct world *world = make_cold_world(500);
    assert_int_equal(shrink(world, 8), 0);
    world->costs.ns[COST_scan_page] = 32;
    touch_first(world, 1024, 1700);
    assert_int_equal(walk_of_turn(world), 2 * 512); /* more than half is young: a walk */
    for (uint32_t page = 40; page <= 40 + others; page++)
        touch_again(world, page);
    assert_int_equal(shrink(world, 8), 63 - others);
    touch_first(world, 2048, 4096);
    touch_again(world, 40); /* kept, and in the table of what was looked at */
    uint64_t walked = 0;
    for (int turn = 0; turn < 8; turn++)
        walked += walk_of_turn(world);
    assert_int_equal(walked, walked_ns);
    free_world(world);
}

static void test_look_around_marks_tables(void **state)
{
    (void)state;
    check_table_of_look_around(6, 0);
    check_table_of_look_around(7, 512);
}

static void test_refault_is_recent_while_its_generation_is_oldest(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    struct page_cold *cold = world->cold;
    assert_int_equal(shrink(world, 9), 0);
    assert_int_equal(shrink(world, 9), 64);
    world->hooks->refault(&world->mm, &world->exec, 0, cold[0].shadow.age, cold[0].shadow.place);
    assert_true(cold[0].bits & PAGE_WORKINGSET);
    struct exec worker = {.space = NO_SPACE};
    world->hooks->refault(&world->mm, &worker, 1, cold[1].shadow.age, cold[1].shadow.place);
    assert_false(cold[1].bits & PAGE_WORKINGSET);
    assert_int_equal(count_of(world, COUNTER_workingset_refault_anon), 2);
    assert_int_equal(count_of(world, COUNTER_workingset_activate_anon), 2);
    assert_int_equal(count_of(world, COUNTER_workingset_restore_anon), 1);
    touch_first(world, 1000, 1010);
    while (inactive(world)) /* empties the oldest generation, which is then left */
        shrink(world, 0);
    world->hooks->refault(&world->mm, &world->exec, 2, cold[2].shadow.age, cold[2].shadow.place);
    assert_int_equal(count_of(world, COUNTER_workingset_refault_anon), 3);
    assert_int_equal(count_of(world, COUNTER_workingset_activate_anon), 2);
    free_world(world);
}

/* Pages 0..63 have refaulted before they are evicted, and `refaults` of them do again: is a page
 * of their tier kept? */
static bool tier_is_protected(uint32_t refaults)
{
    struct world *world = make_cold_world(1000);
    struct page_cold *cold = world->cold;
    for (uint32_t page = 0; page < 64; page++)
        cold[page].bits |=
            PAGE_WORKINGSET | PAGE_REFERENCED; /* without it they would be forgotten */
    assert_int_equal(shrink(world, 9), 0);
    assert_int_equal(shrink(world, 9), 64);
    for (uint32_t page = 0; page < refaults; page++)
        world->hooks->refault(&world->mm, &world->exec, page, cold[page].shadow.age,
                              cold[page].shadow.place);
    cold[70].bits |= PAGE_WORKINGSET;
    assert_int_equal(shrink(world, 9), 64);
    bool kept = in_ram(world, 70);
    assert_int_equal(count_of(world, COUNTER_pgrefill), kept);
    assert_int_equal(in_ram(world, 128), !kept);
    free_world(world);
    return kept;
}

/* get_tier_idx: refaults of fewer pages than MIN_LRU_BATCH protect none. */
static void test_refaulted_pages_are_protected_by_their_rate(void **state)
{
    (void)state;
    assert_false(tier_is_protected(0));
    assert_false(tier_is_protected(63));
    assert_true(tier_is_protected(64));
}

/* lru_gen_add_folio, lru_gen_look_around: from 6.12 on the youngest generation forgets. */
static void test_youngest_generation_forgets_references(void **state)
{
    (void)state;
    static const char *const rules[] = {"v6.5", "v6.12"};
    for (int i = 0; i < 2; i++) {
        struct world *world = make_cold_world_by(rules[i], 1000);
        uint32_t kept = i == 0 ? PAGE_REFERENCED | PAGE_WORKINGSET : 0;
        assert_int_equal(shrink(world, 9), 0);
        touch_again(world, 40); /* window 8..71; the batch is 0..63 */
        touch_again(world, 70);
        world->cold[70].bits |= PAGE_REFERENCED | PAGE_WORKINGSET;
        world->cold[1000].bits |= PAGE_REFERENCED | PAGE_WORKINGSET;
        touch_first(world, 1000, 1001);
        assert_int_equal(shrink(world, 9), 63);
        assert_true(lru_is_activating(&world->mm, &world->exec, 70));
        assert_int_equal(world->cold[70].bits & (PAGE_REFERENCED | PAGE_WORKINGSET), kept);
        assert_int_equal(world->cold[1000].bits & (PAGE_REFERENCED | PAGE_WORKINGSET),
                         kept | PAGE_WORKINGSET);
        free_world(world);
    }
}

/* sort_folio: a page under writeback is moved on up to 6.11, isolated and activated later. */
static void test_page_under_writeback_is_not_evicted(void **state)
{
    (void)state;
    static const char *const rules[] = {"v6.5", "v6.12"};
    for (int i = 0; i < 2; i++) {
        struct world *world = make_cold_world_by(rules[i], 1000);
        assert_int_equal(shrink(world, 9), 0);
        stub_take_slot(world, &world->exec, 5);
        world->cold[5].bits |= PAGE_WRITEBACK;
        assert_int_equal(shrink(world, 9), 64 - i);
        assert_true(in_ram(world, 5));
        assert_true(world->cold[5].bits & PAGE_RECLAIM);
        assert_int_equal(count_of(world, COUNTER_pgscan_anon), 64);
        assert_int_equal(count_of(world, COUNTER_pgrefill), 1 - i);
        assert_int_equal(count_of(world, COUNTER_pgactivate), i);
        assert_int_equal(active(world), 1); /* generations 3, of which all others are, to 5 */
        free_world(world);
    }
}

static enum swap_write_result stub_write_slowly(void *swap, struct exec *exec, uint32_t page)
{
    (void)exec;
    ((struct world *)swap)->cold[page].bits |= PAGE_WRITEBACK;
    return SWAP_UNDER_WAY;
}

/* evict_folios: what isolate_folio() has forgotten of a page that is being written. */
static void test_page_being_written_keeps_its_references(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    world->mm.swap_hooks.write = stub_write_slowly;
    world->cold[3].bits |= PAGE_WORKINGSET | PAGE_REFERENCED;
    assert_int_equal(shrink(world, 9), 0);
    assert_int_equal(shrink(world, 9), 0);
    assert_true(world->cold[3].bits & PAGE_REFERENCED);
    assert_true(world->cold[3].bits & PAGE_WORKINGSET);
    assert_false(world->cold[4].bits & PAGE_REFERENCED);
    free_world(world);
}

static void test_page_whose_write_ended_is_next(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    assert_int_equal(shrink(world, 9), 0);
    stub_take_slot(world, &world->exec, 500);
    lru_rotate_reclaimable(&world->mm, NO_CPU, 500);
    assert_int_equal(count_of(world, COUNTER_pgrotated), 1);
    assert_int_equal(shrink(world, 9), 64);
    assert_false(in_ram(world, 500));
    assert_false(in_ram(world, 62));
    assert_true(in_ram(world, 63));
    free_world(world);
}

/* ---- 6.1 and 6.5 --------------------------------------------------------------------------- */

/* 6.1, pages 0..n-1 touched: the next turn makes them cold, and evicts. */
static struct world *make_6_1_world(uint32_t n)
{
    struct world *world = make_world("v6.1");
    world->config.vm.lru_add_batch = 15;
    touch_first(world, 0, n);
    assert_int_equal(shrink(world, 8), 0); /* leaves the empty generations 0 and 1 */
    assert_int_equal(shrink(world, 8), 0); /* a new one, and leaves 2, too */
    assert_int_equal(active(world), n);
    return world;
}

static void test_6_1_goes_on_after_aging(void **state)
{
    (void)state;
    struct world *world = make_6_1_world(1000);
    assert_int_equal(shrink(world, 12), 0); /* no aging at the default priority */
    assert_int_equal(shrink(world, 9), 64);
    /* 936 >> 3 = 117 would be two batches: its goal is met after one. */
    assert_int_equal(shrink(world, 3), 64);
    free_world(world);
    world = make_cold_world(1000);
    assert_int_equal(shrink(world, 9), 0);
    assert_int_equal(shrink(world, 3), 128);
    free_world(world);
}

/* With the memory of a walk, look-around promotes by number alone. */
static void test_6_1_walk_stays_after_aging(void **state)
{
    (void)state;
    struct world *world = make_6_1_world(1000);
    /* Young behind the walk's back: it passes over a process that has not run. */
    world->hot[40] |= HOT_ACCESSED;
    world->hot[70] |= HOT_ACCESSED;
    assert_int_equal(shrink(world, 9), 63);
    assert_false(lru_is_activating(&world->mm, &world->exec, 70));
    assert_int_equal(active(world), 2);
    free_world(world);
}

/* More young neighbours than fit a batch are promoted where they are. */
static void test_6_1_look_around_promotes_many_in_place(void **state)
{
    (void)state;
    for (uint32_t n = 14; n <= 15; n++) {
        struct world *world = make_6_1_world(1000);
        assert_int_equal(shrink(world, 9), 64);
        assert_int_equal(count_of(world, COUNTER_pgactivate), 0);
        for (uint32_t page = 127; page <= 127 + n; page++)
            touch_again(world, page); /* 127 is in the batch, the others are listed */
        world->cold[128].bits |= PAGE_WORKINGSET;
        assert_int_equal(shrink(world, 9), 63);
        assert_int_equal(count_of(world, COUNTER_pgactivate), 1); /* 127, which marked itself */
        assert_int_equal(lru_is_activating(&world->mm, &world->exec, 128), n < 15);
        assert_int_equal((world->cold[128].bits & PAGE_WORKINGSET) != 0, n < 15);
        assert_int_equal(active(world), n < 15 ? 1 : 16);
        free_world(world);
    }
}

static void test_6_1_counts_recent_refaults_only(void **state)
{
    (void)state;
    struct world *world = make_6_1_world(1000);
    struct page_cold *cold = world->cold;
    assert_int_equal(shrink(world, 9), 64);
    world->hooks->refault(&world->mm, &world->exec, 0, cold[0].shadow.age, cold[0].shadow.place);
    assert_int_equal(count_of(world, COUNTER_workingset_refault_anon), 1);
    assert_int_equal(count_of(world, COUNTER_workingset_activate_anon), 0);
    assert_int_equal(count_of(world, COUNTER_workingset_restore_anon), 1);
    touch_first(world, 1000, 1010);
    while (inactive(world))
        shrink(world, 0);
    world->hooks->refault(&world->mm, &world->exec, 2, cold[2].shadow.age, cold[2].shadow.place);
    assert_int_equal(count_of(world, COUNTER_workingset_refault_anon), 1);
    assert_int_equal(count_of(world, COUNTER_workingset_restore_anon), 1);
    free_world(world);
}

/* Up to 6.11 a refaulted page goes once through another generation; 6.1 calls that an
 * activation. */
static void test_restored_page_gets_another_generation(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world *world = i ? make_cold_world_by("v6.5", 1000) : make_6_1_world(1000);
        world->cold[3].bits |= PAGE_WORKINGSET;
        shrink(world, 9);
        if (i)
            assert_int_equal(shrink(world, 9), 64);
        assert_true(in_ram(world, 3));
        assert_false(in_ram(world, 64));
        assert_false(world->cold[3].bits & PAGE_WORKINGSET);
        assert_int_equal(count_of(world, COUNTER_pgrefill), 1);
        assert_int_equal(count_of(world, COUNTER_workingset_activate_anon), 1 - i);
        free_world(world);
    }
}

/* Up to 6.11 look-around finds the page itself, isolated, and marks it: accessed twice. */
static void test_6_5_look_around_marks_the_page_itself(void **state)
{
    (void)state;
    struct world *world = make_cold_world_by("v6.5", 1000);
    assert_int_equal(shrink(world, 9), 0);
    touch_again(world, 40);
    assert_int_equal(shrink(world, 9), 63);
    assert_true(in_ram(world, 40));
    assert_int_equal(count_of(world, COUNTER_pgactivate), 1);
    free_world(world);
}

/* lru_gen_age_node: kswapd ages before it reclaims, and not while it does. */
static void test_6_1_kswapd_ages_first(void **state)
{
    (void)state;
    struct world *world = make_6_1_world(1000);
    struct scan_control scan = {.target = ROOT_MEMCG, .goal = 32, .kswapd = true, .priority = 9};
    world->hooks->shrink_lruvec(&world->mm, &world->exec, &scan, CGROUP, 0);
    assert_int_equal(scan.reclaimed, 0);
    world->hooks->age_node(&world->mm, &world->exec, &scan, 0);
    assert_int_equal(inactive(world), 1000);
    world->hooks->shrink_lruvec(&world->mm, &world->exec, &scan, CGROUP, 0);
    assert_int_equal(scan.reclaimed, 64);
    free_world(world);
}

/* ---- 7.3 --------------------------------------------------------------------------------- */

static void test_7_3_needs_two_accesses(void **state)
{
    (void)state;
    struct world *world = make_world("v7.3");
    touch_first(world, 0, 1000);
    assert_int_equal(active(world), 1000);
    /* One turn: leaves the empty generations, begins new ones, evicts. */
    while (!shrink(world, 8)) {
    }
    /* Pages touched once: the walk has only remembered that. */
    assert_int_equal(count_of(world, COUNTER_pgrefill), 0);
    assert_false(in_ram(world, 0));
    assert_true(world->cold[999].bits & PAGE_REFERENCED);
    assert_false(world->cold[999].bits & PAGE_WORKINGSET);
    free_world(world);
}

static void test_7_3_refault_within_four_generations(void **state)
{
    (void)state;
    struct world *world = make_world("v7.3");
    struct page_cold *cold = world->cold;
    touch_first(world, 0, 1000);
    while (in_ram(world, 0))
        shrink(world, 8);
    world->hooks->refault(&world->mm, &world->exec, 0, cold[0].shadow.age, cold[0].shadow.place);
    assert_int_equal(count_of(world, COUNTER_workingset_activate_anon), 1);
    assert_int_equal(count_of(world, COUNTER_workingset_restore_anon), 0);
    for (int i = 0; i < 6; i++) { /* the rest leaves, generations go by */
        touch_first(world, 1000 + (uint32_t)i * 100, 1100 + (uint32_t)i * 100);
        for (int k = 0; k < 40; k++)
            shrink(world, 0);
    }
    world->hooks->refault(&world->mm, &world->exec, 1, cold[1].shadow.age, cold[1].shadow.place);
    assert_int_equal(count_of(world, COUNTER_workingset_refault_anon), 2);
    assert_int_equal(count_of(world, COUNTER_workingset_activate_anon), 1);
    free_world(world);
}

/* Pages of 6.14 to 6.19 are as young as those of 7.3; the loop is 6.12's. */
static void test_6_14_ends_with_its_turn(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        uint64_t reclaimed; /* of a goal of 1, where 1000 >> 2 pages may be scanned */
    } kernels[] = {{"v6.14", 256}, {"v7.3", 64}};
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        struct world *world = make_world(kernels[i].rules);
        uint64_t reclaimed = 0;
        touch_first(world, 0, 1000);
        for (int turn = 0; !reclaimed; turn++) { /* the first ones only age */
            struct scan_control scan = {
                .target = CGROUP, .goal = 1, .limit_reclaim = true, .priority = 2};
            world->hooks->shrink_lruvec(&world->mm, &world->exec, &scan, CGROUP, 0);
            reclaimed = scan.reclaimed;
            assert_in_range(turn, 0, 8);
        }
        assert_int_equal(reclaimed, kernels[i].reclaimed);
        free_world(world);
    }
}

static void test_reparented_pages_are_older_than_the_parents(void **state)
{
    (void)state;
    struct world *world = make_cold_world(1000);
    lru_reparent(&world->mm, CGROUP, ROOT_MEMCG, 0);
    world->memcgs[CGROUP].offline = true;
    memset(world->chunks, 0, sizeof(world->chunks)); /* ROOT_MEMCG's now */
    assert_int_equal(inactive(world) + active(world), 0);
    uint64_t sizes[LRU_LISTS];
    lru_sizes(&world->mm, &world->lruvecs[ROOT_MEMCG], sizes);
    assert_int_equal(sizes[LRU_INACTIVE_ANON], 1000);
    assert_null(world->hooks->check(&world->mm, &world->lruvecs[ROOT_MEMCG]));
    world->memcgs[CGROUP].offline = false;
    free_world(world);
}

/* ---- small simulations --------------------------------------------------------------------- */

#define DISK "\"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"64M\"}]},"
#define LIMITED                                                                                    \
    "\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"64M\"}, {\"memory\": \"64M\"}]}," DISK  \
    "\"cgroups\": {\"/a\": {\"memory.max\": \"1M\"}},"
#define CONTENT "\"content\": {\"type\": \"uniform\", \"length\": 1000}"

static void run_limited(const char *rules, const char *zswap, const char *steps,
                        enum invariant_checks checks, struct run_result *result)
{
    char text[2048];
    snprintf(
        text, sizeof(text),
        "{" LIMITED "\"kernel\": \"v6.12\","
        "\"vm\": {\"page_cluster\": 0, \"reclaim\": {\"policy\": \"mglru\", \"rules\": \"%s\"}},"
        "\"zswap\": {%s}, \"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\","
        "\"workload\": {\"type\": \"steps\", \"seed\": 1, \"steps\": \"%s\"}," CONTENT "}]}",
        rules, zswap, steps);
    assert_true(run_config(text, checks, 1, result));
}

static void test_cyclic_scan_misses(void **state)
{
    (void)state;
    static const char *const rules[] = {"v6.12", "v6.14", "v7.3"};
    for (int i = 0; i < 3; i++) {
        struct run_result result;
        run_limited(rules[i], "", "0:seq:0:600:3000:0", CHECKS_FULL, &result);
        assert_int_equal(counted(&result, COUNTER_accesses), 3000);
        assert_int_equal(counted(&result, COUNTER_zswpout) - counted(&result, COUNTER_zswpin),
                         gauge(&result, GAUGE_stored_pages));
        /* Cyclic, twice what fits: nearly every access misses whatever is kept young. */
        assert_in_range(counted(&result, COUNTER_pgmajfault), 1800, 2400);
        assert_true(counted(&result, COUNTER_pgscan_anon) >=
                    counted(&result, COUNTER_pgsteal_anon));
        run_result_release(&result);
    }
}

static void test_disk_writes_are_waited_for(void **state)
{
    (void)state;
    struct run_result result;
    run_limited("v6.12", "\"enabled\": false", "0:seq:0:600:2000:0", CHECKS_FULL, &result);
    assert_int_equal(counted(&result, COUNTER_zswpout), 0);
    assert_true(counted(&result, COUNTER_pswpout) > 400);
    assert_true(counted(&result, COUNTER_pgrotated) > 0);
    assert_true(counted(&result, COUNTER_pgscan_anon) > counted(&result, COUNTER_pgsteal_anon));
    run_result_release(&result);
}

static void test_hot_pages_stay(void **state)
{
    (void)state;
    struct run_result result;
    run_limited("v6.12", "\"enabled\": false", "0:hot:0:1000:20000:0:100/90", CHECKS_SAMPLED,
                &result);
    /* Nine accesses in ten to 100 pages, of 256 that fit: what is left is the tenth.
     * Pages taken at random would make it 70 % of all. */
    assert_int_equal(counted(&result, COUNTER_oom_kill), 0);
    assert_in_range(counted(&result, COUNTER_pgmajfault), 500, 4000);
    run_result_release(&result);
}

static void test_same_result_every_time(void **state)
{
    (void)state;
    struct run_result first, second;
    run_limited("v7.3", "", "0:rand:0:600:4000:30", CHECKS_OFF, &first);
    run_limited("v7.3", "", "0:rand:0:600:4000:30", CHECKS_OFF, &second);
    for (unsigned i = 0; i < COUNTERS; i++)
        assert_int_equal(first.totals.counters[i], second.totals.counters[i]);
    assert_int_equal(first.end_ns, second.end_ns);
    run_result_release(&first);
    run_result_release(&second);
}

/* No limit, but more pages than the machine has: kswapd and direct reclaim. */
static void test_global_reclaim_and_offline(void **state)
{
    (void)state;
    struct run_result result;
    assert_true(run_config(
        "{\"machine\": {\"cpus\": 2, \"nodes\": [{\"memory\": \"8M\"}]}," DISK
        "\"kernel\": \"v6.12\","
        "\"cgroups\": {\"/a\": {}, \"/b\": {}},"
        "\"vm\": {\"page_cluster\": 0, \"reclaim\": \"mglru\"},"
        "\"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 1, \"steps\": \"0:seq:0:1500:4500:0\"}," CONTENT "},"
        "{\"name\": \"u\", \"cgroup\": \"/b\", \"workload\": {\"type\": \"steps\","
        "\"seed\": 2, \"steps\": \"0:rand:0:1500:4500:30\"}," CONTENT "}],"
        "\"events\": [{\"at_access\": 3000, \"offline\": \"/a\"}]}",
        CHECKS_SAMPLED, 1, &result));
    assert_int_equal(counted(&result, COUNTER_oom_kill), 0);
    assert_true(counted(&result, COUNTER_pgsteal_kswapd) > 0);
    assert_true(counted(&result, COUNTER_pgsteal_anon) > 500);
    run_result_release(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faulted_pages_are_youngest),
        cmocka_unit_test(test_page_to_be_reclaimed_is_young_until_written),
        cmocka_unit_test(test_aging_begins_generations_until_pages_are_cold),
        cmocka_unit_test(test_oldest_go_first_in_batches_of_64),
        cmocka_unit_test(test_two_generations_stay),
        cmocka_unit_test(test_walk_promotes_and_eviction_sorts),
        cmocka_unit_test(test_walk_leaves_unused_tables_out),
        cmocka_unit_test(test_walk_leaves_out_who_was_not_switched_to),
        cmocka_unit_test(test_young_page_is_kept_once),
        cmocka_unit_test(test_look_around_a_young_page),
        cmocka_unit_test(test_page_in_an_activation_batch_is_not_freed),
        cmocka_unit_test(test_full_activation_batch_is_moved),
        cmocka_unit_test(test_look_around_marks_tables),
        cmocka_unit_test(test_refault_is_recent_while_its_generation_is_oldest),
        cmocka_unit_test(test_refaulted_pages_are_protected_by_their_rate),
        cmocka_unit_test(test_youngest_generation_forgets_references),
        cmocka_unit_test(test_page_under_writeback_is_not_evicted),
        cmocka_unit_test(test_page_being_written_keeps_its_references),
        cmocka_unit_test(test_6_1_goes_on_after_aging),
        cmocka_unit_test(test_6_1_walk_stays_after_aging),
        cmocka_unit_test(test_6_1_look_around_promotes_many_in_place),
        cmocka_unit_test(test_6_1_counts_recent_refaults_only),
        cmocka_unit_test(test_restored_page_gets_another_generation),
        cmocka_unit_test(test_6_5_look_around_marks_the_page_itself),
        cmocka_unit_test(test_6_1_kswapd_ages_first),
        cmocka_unit_test(test_page_whose_write_ended_is_next),
        cmocka_unit_test(test_7_3_needs_two_accesses),
        cmocka_unit_test(test_6_14_ends_with_its_turn),
        cmocka_unit_test(test_7_3_refault_within_four_generations),
        cmocka_unit_test(test_reparented_pages_are_older_than_the_parents),
        cmocka_unit_test(test_cyclic_scan_misses),
        cmocka_unit_test(test_disk_writes_are_waited_for),
        cmocka_unit_test(test_hot_pages_stay),
        cmocka_unit_test(test_same_result_every_time),
        cmocka_unit_test(test_global_reclaim_and_offline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

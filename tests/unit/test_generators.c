/* Generators against traces that real kernels replayed, and against the
 * grammar's own words. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <sha2.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "workloads/generators/generators.h"
#include "workloads/generators/power.h"
#include "workloads/generators/single.h"
#include "workloads/generators/stream.h"

static const struct source_position here = {.file = "test"};

/* All records of a workload in memory. */
static struct access *collect(const struct workload *workload)
{
    struct access *all = memory_zeroed(workload->accesses, sizeof(*all), "records");
    struct workload_cursor cursor = {.workload = workload};
    assert_true(workload->type->start(&cursor));
    const struct access *block;
    uint64_t done = 0;
    for (uint32_t count; (count = workload->type->next(&cursor, &block)); done += count) {
        assert_true(done + count <= workload->accesses);
        memcpy(all + done, block, count * sizeof(*all));
    }
    assert_int_equal(done, workload->accesses);
    assert_int_equal(cursor.position, done);
    workload->type->stop(&cursor);
    return all;
}

static struct workload *open_steps(uint64_t seed, const char *steps)
{
    struct diagnostics errors = {0};
    struct workload *workload = steps_workload_open(seed, steps, &here, &errors);
    diagnostics_print(&errors);
    assert_non_null(workload);
    return workload;
}

/* ---- the truth cases --------------------------------------------------------- */

static void hash_file(const struct workload *workload, char out[SHA256_DIGEST_STRING_LENGTH])
{
    uint32_t header[14] = {0};
    memcpy(header, "KZTRACE1", 8);
    header[2] = 1;
    header[3] = workload->spaces;
    memcpy(&header[4], &workload->accesses, 8);
    memcpy(&header[6], workload->space_pages, workload->spaces * sizeof(uint32_t));
    struct access *all = collect(workload);
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)header, sizeof(header));
    SHA256Update(&context, (const uint8_t *)all, workload->accesses * sizeof(*all));
    SHA256End(&context, out);
    free(all);
}

static void test_traces_are_identical_to_the_replayed_ones(void **state)
{
    (void)state;
    FILE *file = fopen("tests/data/traces/generated.tsv", "r");
    assert_non_null(file);
    char line[1024];
    unsigned cases = 0;
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        char *save, *seed = strtok_r(line, "\t", &save), *steps = strtok_r(NULL, "\t", &save),
                    *wanted = strtok_r(NULL, "\t\n", &save);
        assert_non_null(wanted);
        struct workload *workload = open_steps(strtoull(seed, NULL, 10), steps);
        char got[SHA256_DIGEST_STRING_LENGTH];
        hash_file(workload, got);
        assert_string_equal(got, wanted);
        workload->type->close(workload);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 14);
}

/* ---- the grammar -------------------------------------------------------------- */

static void test_streams_take_turns(void **state)
{
    (void)state;
    struct workload *workload =
        open_steps(1, "0:seq:0:10:5:0:0:2|1:free:3:2:3:0:0:2|0:seq:100:1:0:0 1:seq:7:1:1:100");
    static const struct access wanted[] = {
        {0, 0, 0, 0}, {1, 0, 0, 0}, {3, 1, 2, 0}, {4, 1, 2, 0}, {2, 0, 0, 0},
        {3, 0, 0, 0}, {3, 1, 2, 0}, {4, 0, 0, 0}, {7, 1, 1, 0},
    };
    assert_int_equal(workload->accesses, 9);
    struct access *all = collect(workload);
    assert_memory_equal(all, wanted, sizeof(wanted));
    assert_int_equal(workload->space_pages[0], 101);
    assert_int_equal(workload->space_pages[1], 8);
    assert_int_equal(stream_workload_steps(workload), 2);
    assert_int_equal(stream_workload_step_start(workload, 1), 8);
    assert_int_equal(stream_workload_step_start(workload, 2), 9);
    free(all);
    workload->type->close(workload);
}

/* The index over the weights finds what a search from the start finds. */
static void test_zipf_search_is_the_plain_one(void **state)
{
    (void)state;
    static const double exponents[] = {0, 0.5, 0.99, 1.3, 6};
    for (size_t e = 0; e < sizeof(exponents) / sizeof(exponents[0]); e++) {
        struct rank_table *table = rank_table_zipf(700, exponents[e]);
        uint64_t total = 0, random = 77;
        for (uint32_t i = 0; i < 700; i++)
            total += (uint64_t)floor(1e12 / pow(i + 1, exponents[e])) + 1;
        assert_int_equal(table->total, total);
        for (unsigned draw = 0; draw < 3000; draw++) {
            uint64_t x = draw == 0 ? 0 : draw == 1 ? total - 1 : random_below(&random, total);
            uint64_t sum = 0;
            uint32_t rank = 0;
            while ((sum += (uint64_t)floor(1e12 / pow(rank + 1, exponents[e])) + 1) <= x)
                rank++;
            assert_int_equal(rank_table_find(table, x), rank);
        }
        rank_table_free(table);
    }
    assert_null(rank_table_zipf(19000000, 0));
}

/* The doubles nearest to powers that were computed with 80 decimals. */
static void test_powers_are_the_nearest_doubles(void **state)
{
    (void)state;
    static const struct {
        uint32_t base;
        double exponent, power;
    } rows[] = {
        {1, 0.9, 1},
        {3, 0.9, 0x1.580c4ce962caap+1},
        {7, -0.9, 0x1.636b7d46b5303p-3},
        {1000003, 0.99, 0x1.a946c5a7ac4e4p+19},
        {4294967295, 0.6, 0x1.2611186afdf68p+19},
        {4294967295, -16, 0x1.0000001000000p-512},
        {65537, 1.2, 0x1.2612794d22321p+19},
        {2, 0.5, 0x1.6a09e667f3bcdp+0},
        {12345, 15.9, 0x1.13b87cd04f9e6p+216},
        {94906265, 2, 9007199136250225},
        {4294967295, 1, 4294967295},
        {4294967295, 0, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(power_of(rows[i].base, rows[i].exponent) == rows[i].power);
    /* libm is right to less than one unit in the last place. */
    for (uint32_t base = 1; base < 100000; base += 7) {
        double ratio = power_of(base, -0.99) / pow(base, -0.99);
        assert_true(fabs(ratio - 1) < 0x1p-51);
    }
}

/* The mean square deviation from the distribution is what chance makes it. */
static void check_sampled_ranks(uint32_t ranks, double exponent)
{
    enum { DRAWS = 4000000, DRAWS_A_CELL = 50 };
    struct zipf_sampler *sampler = zipf_sampler_create(ranks, exponent);
    uint32_t *drawn = memory_zeroed(ranks, sizeof(*drawn), "draws");
    uint64_t counter = 99, heads = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        bool coin;
        uint32_t rank = zipf_sampler_draw(sampler, &counter, ((uint64_t)30 << 32) / 100, &coin);
        assert_true(rank < ranks);
        drawn[rank]++;
        heads += coin;
    }
    double total = 0, squares = 0, expected = 0;
    uint64_t found = 0;
    unsigned cells = 0;
    for (uint32_t i = 0; i < ranks; i++)
        total += pow(i + 1, -exponent);
    for (uint32_t i = 0; i < ranks; i++) {
        expected += DRAWS * pow(i + 1, -exponent) / total;
        found += drawn[i];
        if (expected < DRAWS_A_CELL && i + 1 < ranks)
            continue;
        squares += ((double)found - expected) * ((double)found - expected) / expected;
        expected = 0;
        found = 0;
        cells++;
    }
    /* Within 3.5 standard deviations of a chi-squared variable. */
    assert_true(fabs(squares - (cells - 1)) <= 3.5 * sqrt(2.0 * cells));
    assert_true(fabs((double)heads - 0.3 * DRAWS) <= 3.5 * sqrt(0.21 * DRAWS));
    free(drawn);
    zipf_sampler_free(sampler);
}

static void test_sampled_ranks_follow_zipf(void **state)
{
    (void)state;
    check_sampled_ranks(1, 0.9);
    check_sampled_ranks(2, 0.99);
    check_sampled_ranks(700, 0);
    check_sampled_ranks(5000, 0.6);
    check_sampled_ranks(40000, 0.9);
    check_sampled_ranks(40000, 1.3);
    check_sampled_ranks(100000, 16);
}

/* Written down once: other bits on another machine or compiler are a mistake. */
static void test_sampled_ranks_are_the_same_everywhere(void **state)
{
    (void)state;
    struct zipf_sampler *sampler = zipf_sampler_create(4 << 20, 0.9);
    uint64_t counter = 1, sum = 0, coins = 0;
    for (unsigned i = 0; i < 1000000; i++) {
        bool coin;
        uint32_t rank = zipf_sampler_draw(sampler, &counter, (uint64_t)1 << 31, &coin);
        sum = sum * 31 + rank;
        coins += coin;
    }
    assert_int_equal(sum, 0x28260b8e4a883247);
    assert_int_equal(coins, 0x7a187);
    zipf_sampler_free(sampler);
}

/* The same records and the same counter behind them, a few at a time or many. */
static void check_fill(const struct zipf_sampler *sampler, uint64_t coin_share,
                       const uint32_t *order)
{
    enum { RECORDS = 20 * ZIPF_TOGETHER + 5 };
    struct access filled[RECORDS] = {0};
    struct zipf_draws draws = {
        .sampler = sampler, .coin_share = coin_share, .like = {.page = 7, .space = 3}};
    uint64_t counter = 5, plain = 5;
    for (uint32_t done = 0; done < RECORDS;) {
        draws.order = done >= ZIPF_TOGETHER ? order : NULL;
        uint32_t more = zipf_sampler_fill(&draws, &counter, filled + done, RECORDS - done);
        assert_in_range(more, 1, RECORDS - done);
        done += more;
    }
    for (uint32_t i = 0; i < RECORDS; i++) {
        bool coin;
        uint32_t page = 7 + zipf_sampler_draw(sampler, &plain, coin_share, &coin);
        struct access wanted = {.page = page, .space = 3, .op = coin};
        assert_memory_equal(&filled[i], &wanted, sizeof(wanted));
    }
    assert_int_equal(counter, plain);
}

static void test_ranks_drawn_together_are_those_drawn_one_by_one(void **state)
{
    (void)state;
    static const uint32_t ranks[] = {1, 2, 700, 40000, 4 << 20};
    static const double exponents[] = {0, 0.6, 0.99, 16};
    const enum lanes best = lanes_here();
    uint32_t *order = memory_zeroed((4 << 20) + 8, sizeof(*order), "places");
    for (size_t r = 0; r < sizeof(ranks) / sizeof(ranks[0]); r++)
        for (size_t e = 0; e < sizeof(exponents) / sizeof(exponents[0]); e++) {
            struct zipf_sampler *sampler = zipf_sampler_create(ranks[r], exponents[e]);
            for (enum lanes lanes = LANES_NONE; lanes <= best; lanes++) {
                sampler->lanes = lanes;
                check_fill(sampler, 0, NULL);
                check_fill(sampler, ((uint64_t)30 << 32) / 100, order);
                check_fill(sampler, UINT32_MAX, order);
            }
            zipf_sampler_free(sampler);
        }
    free(order);
}

/* Written down once, as above. */
static void test_accesses_are_the_same_everywhere(void **state)
{
    (void)state;
    static const struct {
        const struct workload_type *type;
        const char *hash;
    } rows[] = {
        {&workload_uniform, "cc0f7fca51d93c0c434d08cef7e39c4c"},
        {&workload_zipf, "88f262102575f665d27ee01f8db0f270"},
        {&workload_scattered_zipf, "6242f79d224ad7c573de7ae5c4e1f7e3"},
        {&workload_hot_cold, "5717562867f1c3dcc37cad69d132f1c2"},
    };
    const struct single_params params = {.footprint = 100000 * PAGE_BYTES,
                                         .accesses = 54321,
                                         .write_percent = 30,
                                         .exponent = 0.9,
                                         .hot = 1000 * PAGE_BYTES,
                                         .hot_percent = 90};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct diagnostics errors = {0};
        struct workload *workload = rows[i].type->open(&params, 7, &here, &errors);
        struct access *all = collect(workload);
        char hash[33];
        workload_fingerprint(all, params.accesses * sizeof(*all), hash);
        assert_string_equal(hash, rows[i].hash);
        free(all);
        workload->type->close(workload);
    }
}

/* The distribution is shared, whoever goes first; the accesses are those of its own seed. */
static void test_twins_share_the_distribution(void **state)
{
    (void)state;
    static const struct workload_type *types[] = {&workload_zipf, &workload_scattered_zipf};
    const struct single_params params = {
        .footprint = 1000 * PAGE_BYTES, .accesses = 5000, .exponent = 0.99};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct diagnostics errors = {0};
        struct workload *first = types[i]->open(&params, 1, &here, &errors);
        struct workload *twin = types[i]->open_twin(first, &params, 2, &here, &errors);
        struct workload *alone = types[i]->open(&params, 2, &here, &errors);
        assert_ptr_equal(stream_workload_sampler(first), stream_workload_sampler(twin));
        assert_string_equal(twin->fingerprint, alone->fingerprint);
        first->type->close(first);
        struct access *all = collect(twin), *wanted = collect(alone);
        assert_memory_equal(all, wanted, params.accesses * sizeof(*all));
        free(all);
        free(wanted);
        twin->type->close(twin);
        alone->type->close(alone);
    }
}

static void test_all_accesses_write_at_100_percent(void **state)
{
    (void)state;
    static const struct workload_type *types[] = {&workload_uniform, &workload_zipf,
                                                  &workload_scattered_zipf, &workload_hot_cold};
    const struct single_params params = {.footprint = 1000 * PAGE_BYTES,
                                         .accesses = 5000,
                                         .write_percent = 100,
                                         .exponent = 0.99,
                                         .hot = 100 * PAGE_BYTES,
                                         .hot_percent = 90};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct diagnostics errors = {0};
        struct workload *workload = types[i]->open(&params, 1, &here, &errors);
        struct access *all = collect(workload);
        for (uint32_t k = 0; k < params.accesses; k++)
            assert_int_equal(all[k].op, ACCESS_WRITE);
        free(all);
        workload->type->close(workload);
    }
}

static void expect_error(const char *steps, const char *part)
{
    struct diagnostics errors = {0};
    assert_null(steps_workload_open(1, steps, &here, &errors));
    assert_true(errors.count >= 1);
    if (!strstr(diagnostics_text(&errors, 0), part))
        fail_msg("\"%s\" gave \"%s\", not \"%s\"", steps, diagnostics_text(&errors, 0), part);
    assert_null(strchr(diagnostics_text(&errors, 0), '\n'));
    diagnostics_release(&errors);
}

static void test_mistakes_in_steps(void **state)
{
    (void)state;
    expect_error("", "at least one stream");
    expect_error("0:seq:0:10", "COUNT is missing");
    expect_error("0:zip:0:10:5:0:1", "did you mean \"zipf\"?");
    expect_error("x:seq:0:10:5:0", "SPACE is \"x\"; expected a whole number in 0..65534");
    expect_error("0:seq:0:0:5:0", "PAGES is \"0\"; expected a whole number in 1..4294967295");
    expect_error("0:seq:4294967290:6:5:0", "expected a whole number in 1..5");
    expect_error("0:seq:0:10:-5:0", "COUNT is \"-5\"");
    expect_error("0:seq:0:10:5:101", "WRITE% is \"101\"");
    expect_error("0:zipf:0:10:5:0", "expected the exponent");
    expect_error("0:zipf:0:10:5:0:nan", "expected the exponent");
    expect_error("0:hot:0:10:5:0:10/90", "HOTPAGES in 1..9");
    expect_error("0:hot:0:10:5:0:5", "HOTPAGES/HOT%");
    expect_error("0:seq:0:10:5:0:3", "pattern \"seq\" has none");
    expect_error("0:seq:0:10:5:0:0:0", "BATCH is \"0\"");
    expect_error("0:seq:0:10:5:0:0:1:9", "follows BATCH");
    expect_error("1:seq:0:10:5:0", "no stream uses space 0");
    expect_error("0:zipf:0:19000000:5:0:0", "do not fit in 64 bits");
    expect_error("0:seq:0:1:18446744073709551615:0 0:seq:0:1:1:0", "more than 2^64 - 1");
}

/* ---- one space ------------------------------------------------------------------- */

static struct workload *open_single(const struct workload_type *type, struct single_params params,
                                    uint64_t seed)
{
    struct diagnostics errors = {0};
    struct workload *workload = type->open(&params, seed, &here, &errors);
    diagnostics_print(&errors);
    assert_non_null(workload);
    return workload;
}

static void test_single_types_fill_and_stay_inside(void **state)
{
    (void)state;
    static const struct workload_type *const types[] = {
        &workload_sequential, &workload_uniform,        &workload_permutation,
        &workload_zipf,       &workload_scattered_zipf, &workload_hot_cold};
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        struct single_params params = {.footprint = 64 * 4096,
                                       .accesses = 20000,
                                       .write_percent = 25,
                                       .fill = true,
                                       .exponent = 0.9,
                                       .hot = 16 * 4096,
                                       .hot_percent = 90};
        struct workload *workload = open_single(types[t], params, 3);
        struct workload *again = open_single(types[t], params, 3);
        struct workload *other = open_single(types[t], params, 4);
        assert_int_equal(workload->accesses, 20064);
        assert_int_equal(workload->space_pages[0], 64);
        assert_string_equal(workload->fingerprint, again->fingerprint);
        assert_string_not_equal(workload->fingerprint, other->fingerprint);
        struct access *all = collect(workload), *same = collect(again), *differ = collect(other);
        assert_memory_equal(all, same, 20064 * sizeof(*all));
        assert_memory_not_equal(all, differ, 20064 * sizeof(*all));
        uint64_t writes = 0;
        for (uint32_t i = 0; i < 20064; i++) {
            assert_true(all[i].page < 64);
            if (i < 64)
                assert_true(all[i].page == i && all[i].op == ACCESS_WRITE);
            else
                writes += all[i].op == ACCESS_WRITE;
        }
        /* 5,000 expected, standard deviation 61. */
        assert_in_range(writes, 4700, 5300);
        free(all), free(same), free(differ);
        workload->type->close(workload);
        again->type->close(again);
        other->type->close(other);
    }
}

static void test_permutation_visits_every_page(void **state)
{
    (void)state;
    struct workload *workload = open_single(
        &workload_permutation, (struct single_params){.footprint = 100 * 4096, .accesses = 250}, 9);
    struct access *all = collect(workload);
    unsigned seen[100] = {0};
    for (unsigned i = 0; i < 100; i++)
        seen[all[i].page]++;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    assert_memory_equal(all, all + 100, 100 * sizeof(*all));
    free(all);
    workload->type->close(workload);
}

static void test_hot_set_moves(void **state)
{
    (void)state;
    struct workload *workload = open_single(&workload_hot_cold,
                                            (struct single_params){.footprint = 40 * 4096,
                                                                   .accesses = 3001,
                                                                   .hot = 15 * 4096,
                                                                   .hot_percent = 100,
                                                                   .phases = 2},
                                            5);
    struct access *all = collect(workload);
    assert_int_equal(stream_workload_step_start(workload, 1), 1001);
    for (unsigned i = 0; i < 1001; i++)
        assert_in_range(all[i].page, 0, 14);
    for (unsigned i = 1001; i < 2001; i++)
        assert_in_range(all[i].page, 15, 29);
    for (unsigned i = 2001; i < 3001; i++)
        assert_true(all[i].page >= 30 || all[i].page < 5);
    free(all);
    workload->type->close(workload);

    struct diagnostics errors = {0};
    struct single_params wrong = {.footprint = 4096, .accesses = 1, .hot = 4096};
    assert_null(workload_hot_cold.open(&wrong, 1, &here, &errors));
    assert_string_equal(
        diagnostics_text(&errors, 0),
        "test: error: \"hot\" is 4K; expected less than the footprint, which is 4K");
    diagnostics_release(&errors);
}

/* ---- programs that others measure with ----------------------------------------------- */

/* What a workload of one space does, as text: r, w or f and the page. */
static char *written_out(const struct workload *workload)
{
    struct access *all = collect(workload);
    char *text = memory_zeroed(workload->accesses + 1, 8, "text"), *at = text;
    for (uint64_t i = 0; i < workload->accesses; i++)
        at += sprintf(at, "%c%u ", "rwf"[all[i].op], all[i].page);
    free(all);
    return text;
}

static void check_written_out(const struct workload_type *type, struct single_params params,
                              const char *expected)
{
    struct workload *workload = open_single(type, params, 1);
    char *text = written_out(workload);
    assert_string_equal(text, expected);
    free(text);
    type->close(workload);
}

static void test_usemem(void **state)
{
    (void)state;
    struct single_params params = {.footprint = 3 * 4096, .rounds = 2};
    check_written_out(&workload_usemem, params, "w0 w1 w2 w0 w1 w2 ");
    params = (struct single_params){
        .footprint = 3 * 4096, .rounds = 1, .read_again = true, .exits = true};
    check_written_out(&workload_usemem, params, "w0 w1 w2 r0 r1 r2 f0 f1 f2 ");
    params = (struct single_params){.footprint = 100 * 4096, .rounds = 3, .random = true};
    struct workload *workload = open_single(&workload_usemem, params, 1);
    struct access *all = collect(workload);
    bool in_order = true;
    assert_int_equal(workload->accesses, 300);
    for (unsigned i = 0; i < 300; i++) {
        assert_true(all[i].page < 100 && all[i].op == ACCESS_WRITE);
        in_order &= all[i].page == i % 100;
    }
    assert_false(in_order);
    free(all);
    workload->type->close(workload);
}

static void test_stress_vm(void **state)
{
    (void)state;
    struct single_params params = {.footprint = 2 * 4096, .rounds = 2};
    check_written_out(&workload_stress_vm, params, "w0 w1 r0 r1 f0 f1 w0 w1 r0 r1 f0 f1 ");
    params.keep = true;
    check_written_out(&workload_stress_vm, params, "w0 w1 r0 r1 w0 w1 r0 r1 f0 f1 ");
}

/* 50 objects of 2 pages, 30 % of them idle; with an exponent of 0 the other 35 are as
 * likely as each other. */
static void test_service(void **state)
{
    (void)state;
    struct single_params params = {.footprint = 100 * 4096,
                                   .accesses = 2 * 35000,
                                   .write_percent = 20,
                                   .object = 2 * 4096,
                                   .idle_percent = 30};
    struct workload *workload = open_single(&workload_service, params, 1);
    struct access *all = collect(workload);
    unsigned requests[50] = {0}, writes = 0, used = 0;
    for (unsigned i = 0; i < 2 * 35000; i += 2) {
        assert_int_equal(all[i].page % 2, 0);
        assert_int_equal(all[i + 1].page, all[i].page + 1);
        assert_int_equal(all[i + 1].op, all[i].op);
        requests[all[i].page / 2]++;
        writes += all[i].op == ACCESS_WRITE;
    }
    for (unsigned i = 0; i < 50; i++) {
        /* 1,000 expected, standard deviation 31; rank r is object 31 r modulo 50. */
        unsigned rank = 0;
        while (rank * 31 % 50 != i)
            rank++;
        assert_in_range(requests[i], rank < 35 ? 860 : 0, rank < 35 ? 1140 : 0);
        used += requests[i] > 0;
    }
    assert_int_equal(used, 35);
    /* 7,000 expected, standard deviation 75. */
    assert_in_range(writes, 6700, 7300);
    free(all);
    workload->type->close(workload);

    struct diagnostics errors = {0};
    params.object = 101 * 4096;
    assert_null(workload_service.open(&params, 1, &here, &errors));
    assert_string_equal(diagnostics_text(&errors, 0),
                        "test: error: expected an \"object\" within the footprint, found 413696 "
                        "and 409600 bytes");
    diagnostics_release(&errors);
}

/* ---- emulator phases ---------------------------------------------------------------- */

static struct workload *open_phases(const char *phases)
{
    struct diagnostics errors = {0};
    struct workload *workload = emulator_phases_open(phases, &here, &errors);
    diagnostics_print(&errors);
    assert_non_null(workload);
    return workload;
}

/* trace_fnv1a of the loop2x cases covers their second phase, the loop. */
static void test_emulator_loop_hash(void **state)
{
    (void)state;
    struct workload *workload = open_phases("fill 0 8192; loop 0 8192 4 0 1");
    assert_int_equal(workload->accesses, 5 * 8192);
    assert_int_equal(stream_workload_steps(workload), 2);
    assert_int_equal(stream_workload_step_start(workload, 1), 8192);
    assert_true(emulator_phase_hash(workload, 1) == 0x043e107360f68325ull);
    assert_true(emulator_phase_hash(workload, 0) == 0xd55e54a464d95525ull);
    workload->type->close(workload);
}

static void test_emulator_patterns(void **state)
{
    (void)state;
    struct workload *workload =
        open_phases("read 5 7;write 5 7;loop 2 4 2 50 3;rand 10 20 3 0 6; zipf 8 24 0.8 50 30 7");
    struct access *all = collect(workload);
    static const struct access begin[] = {{5, 0, 0, 0}, {6, 0, 0, 0}, {5, 0, 1, 0}, {6, 0, 1, 0}};
    assert_memory_equal(all, begin, sizeof(begin));
    uint64_t random = 4 * 0x9E3779B97F4A7C15ull;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(all[4 + i].page, 2 + i % 2);
        assert_int_equal(all[4 + i].op, random_next(&random) % 100 < 50);
    }
    random = 7 * 0x9E3779B97F4A7C15ull;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(all[8 + i].page, 10 + random_next(&random) % 10);
    double cdf[16], sum = 0;
    for (int i = 0; i < 16; i++)
        cdf[i] = sum += pow(i + 1, -0.8);
    random = 8 * 0x9E3779B97F4A7C15ull;
    for (unsigned i = 0; i < 50; i++) {
        double u = (double)(random_next(&random) >> 11) * 0x1p-53;
        uint64_t rank = 0;
        while (cdf[rank] / sum <= u)
            rank++;
        assert_int_equal(all[11 + i].page, 8 + (rank * 2654435761u + 12345) % 16);
        assert_int_equal(all[11 + i].op, random_next(&random) % 100 < 30);
    }
    free(all);
    workload->type->close(workload);
}

static void test_mistakes_in_phases(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",           "fill",
                                        "fill 0",     "fill 5 5",
                                        "fil 0 5",    "loop 0 5 1 101 1",
                                        "read 0 5 6", "zipf 0 9 x 5 0 1",
                                        "fill 0 5;;"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct diagnostics errors = {0};
        assert_null(emulator_phases_open(wrong[i], &here, &errors));
        assert_true(errors.count >= 1);
        assert_non_null(strstr(diagnostics_text(&errors, 0), "expected"));
        diagnostics_release(&errors);
    }
}

static void test_registry_has_every_type(void **state)
{
    (void)state;
    static const char *const names[] = {
        "sequential", "uniform", "permutation",     "zipf",   "scattered_zipf",
        "hot_cold",   "steps",   "emulator_phases", "trace",  "lackey",
        "fs_on_zram", "usemem",  "stress_vm",       "service"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_string_equal(workload_type_find(names[i])->name, names[i]);
    assert_null(workload_type_find("nothing"));
    for (size_t i = 0; workload_types[i]; i++) {
        char *fields = memory_zeroed(1, workload_types[i]->params.struct_bytes, "parameters");
        params_set_defaults(&workload_types[i]->params, fields); /* aborts on a wrong default */
        free(fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces_are_identical_to_the_replayed_ones),
        cmocka_unit_test(test_streams_take_turns),
        cmocka_unit_test(test_zipf_search_is_the_plain_one),
        cmocka_unit_test(test_powers_are_the_nearest_doubles),
        cmocka_unit_test(test_sampled_ranks_follow_zipf),
        cmocka_unit_test(test_sampled_ranks_are_the_same_everywhere),
        cmocka_unit_test(test_ranks_drawn_together_are_those_drawn_one_by_one),
        cmocka_unit_test(test_accesses_are_the_same_everywhere),
        cmocka_unit_test(test_twins_share_the_distribution),
        cmocka_unit_test(test_all_accesses_write_at_100_percent),
        cmocka_unit_test(test_mistakes_in_steps),
        cmocka_unit_test(test_single_types_fill_and_stay_inside),
        cmocka_unit_test(test_permutation_visits_every_page),
        cmocka_unit_test(test_hot_set_moves),
        cmocka_unit_test(test_usemem),
        cmocka_unit_test(test_stress_vm),
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_emulator_loop_hash),
        cmocka_unit_test(test_emulator_patterns),
        cmocka_unit_test(test_mistakes_in_phases),
        cmocka_unit_test(test_registry_has_every_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Where the time of processors goes: user, sys, iowait, idle; threads of a core. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/engine/processor.h"
#include "tests/unit/run_config.h"
#include "tests/unit/simulate.h"

enum { CPUS_MOST = 4 };

/* A runner whose turns have random lengths, of which it sleeps now and then. */
struct random_runner {
    struct runner runner;
    uint64_t *random;
    uint64_t turns_left, mean_ns, finished_ns, work_ns;
    unsigned blocks_percent; /* of its turns end in a wait for a device */
};

static enum turn_end random_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                                 uint64_t *end_ns, uint64_t *wake_at_ns)
{
    (void)cpu;
    struct random_runner *own = (struct random_runner *)runner;
    uint64_t length = 1 + random_below(own->random, 2 * own->mean_ns);
    *end_ns = own->finished_ns = now_ns + length;
    own->work_ns += length;
    runner->turn_user_ns = length / 3;
    if (--own->turns_left == 0)
        return TURN_FINISHED;
    if (random_below(own->random, 100) >= own->blocks_percent)
        return TURN_RUNNABLE;
    *wake_at_ns = *end_ns + random_below(own->random, 4 * own->mean_ns) + 1;
    runner->io_until_ns = *wake_at_ns;
    runner->turn_waited_ns = length / 10;
    return TURN_BLOCKED;
}

struct machine {
    struct event_queue events;
    struct costs costs;
    struct processors processors;
    uint64_t times[TIME_KINDS];
};

static void machine_start(struct machine *machine, struct topology topology)
{
    *machine =
        (struct machine){.costs.ns = {[COST_context_switch] = 1500, [COST_smt_sibling] = 600}};
    processors_init(&machine->processors, &machine->events, &machine->costs, topology,
                    machine->times);
}

static void machine_run(struct machine *machine)
{
    while (events_run_next(&machine->events))
        ;
}

static void machine_stop(struct machine *machine)
{
    processors_release(&machine->processors);
    events_release(&machine->events);
}

struct preempted_runner {
    struct runner runner;
    struct runner *other;
    uint32_t seen[3]; /* its interruptions: at first, when the other was not awake, when it was */
};

static enum turn_end preempted_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                                    uint64_t *end_ns, uint64_t *wake_at_ns)
{
    (void)wake_at_ns;
    struct preempted_runner *own = (struct preempted_runner *)runner;
    own->seen[0] = runner->interruptions;
    now_ns = processors_preempt(runner->processors, own->other, cpu, now_ns, 1);
    own->seen[1] = runner->interruptions;
    processors_wake(runner->processors, own->other, now_ns);
    *end_ns = processors_preempt(runner->processors, own->other, cpu, now_ns, 1);
    own->seen[2] = runner->interruptions;
    return TURN_FINISHED;
}

/* Who has been switched to in the midst of a turn knows. */
static void test_interruptions_are_counted(void **state)
{
    (void)state;
    struct machine machine;
    machine_start(&machine, (struct topology){1, 1, 1, 1});
    uint64_t random = 1;
    struct random_runner other = {
        .runner = {.turn = random_turn, .processors = &machine.processors},
        .random = &random,
        .turns_left = 1,
        .mean_ns = 100};
    struct preempted_runner task = {.runner = {.turn = preempted_turn}, .other = &other.runner};
    processors_wake_at(&machine.processors, &task.runner, 0);
    machine_run(&machine);
    assert_int_equal(task.seen[0], 0);
    assert_int_equal(task.seen[1], 0);
    assert_int_equal(task.seen[2], 1);
    assert_int_equal(other.runner.interruptions, 0);
    assert_int_equal(other.turns_left, 0);
    machine_stop(&machine);
}

/* Every ns of every processor is one of the four; what tasks have had is what processors
 * have had; interrupts are theirs whom they hit. */
static void test_four_kinds_add_up(void **state)
{
    (void)state;
    struct machine machine;
    uint64_t random = 7;
    struct random_runner runners[7] = {{.runner = {0}}};
    machine_start(&machine, (struct topology){.cpus = CPUS_MOST, .sockets = 1, .nodes = 1});
    for (unsigned i = 0; i < 7; i++) {
        runners[i] = (struct random_runner){.runner = {.turn = random_turn, .cpu = i % 3},
                                            .random = &random,
                                            .turns_left = 2000 + 100 * i,
                                            .mean_ns = 50000,
                                            .blocks_percent = 30};
        processors_wake_at(&machine.processors, &runners[i].runner, 1000 * i);
    }
    for (unsigned i = 0; i < 5000 && events_run_next(&machine.events); i++)
        if (i % 10 == 0)
            processors_interrupt(&machine.processors, 1, 700);
    machine_run(&machine);
    uint64_t end_ns = machine.events.now_ns, user_ns = 0, sys_ns = 0, task_user = 0, task_sys = 0;
    assert_true(processors_last_end(&machine.processors) <= end_ns);
    for (uint32_t cpu = 0; cpu < CPUS_MOST; cpu++) {
        struct processor_times times = processors_times(&machine.processors, cpu, end_ns);
        assert_int_equal(times.user_ns + times.sys_ns + times.iowait_ns + times.idle_ns, end_ns);
        assert_true(times.idle_ns <= end_ns && times.iowait_ns <= end_ns);
        assert_int_equal(times.user_ns > 0, cpu < 3);
        user_ns += times.user_ns;
        sys_ns += times.sys_ns;
    }
    for (unsigned i = 0; i < 7; i++) {
        task_user += runners[i].runner.user_ns;
        task_sys += runners[i].runner.sys_ns;
    }
    assert_int_equal(task_user, user_ns);
    assert_int_equal(task_sys, sys_ns);
    machine_stop(&machine);
}

/* 40 ns, then 100 ns for a device, then idle: a gap is iowait as long as the device works. */
static enum turn_end wait_turn(struct runner *runner, uint32_t cpu, uint64_t now_ns,
                               uint64_t *end_ns, uint64_t *wake_at_ns)
{
    (void)cpu;
    *end_ns = now_ns + 40;
    runner->turn_user_ns = 30;
    if (now_ns > 500)
        return TURN_FINISHED;
    *wake_at_ns = *end_ns + 1000; /* 100 for the device, then it sleeps on */
    runner->io_until_ns = *end_ns + 100;
    return TURN_BLOCKED;
}

static void test_iowait_is_a_gap_with_a_waiter(void **state)
{
    (void)state;
    struct machine machine;
    struct runner runner = {.turn = wait_turn};
    machine_start(&machine, (struct topology){.cpus = 1, .sockets = 1, .nodes = 1});
    processors_wake_at(&machine.processors, &runner, 60);
    machine_run(&machine);
    struct processor_times times = processors_times(&machine.processors, 0, 2000);
    assert_int_equal(times.user_ns, 60);
    assert_int_equal(times.sys_ns, 20);
    assert_int_equal(times.iowait_ns, 100);
    assert_int_equal(times.idle_ns, 2000 - 180);
    machine_stop(&machine);
}

/* Numbered as x86 firmware does it: first threads, then second ones, in each socket. */
static void test_siblings(void **state)
{
    (void)state;
    struct topology topology = {.cpus = 16, .sockets = 2, .nodes = 2, .threads_per_core = 2};
    for (uint32_t cpu = 0; cpu < 16; cpu++) {
        uint32_t sibling = topology_sibling(&topology, cpu);
        assert_int_equal(sibling, cpu / 8 * 8 + (cpu + 4) % 8);
        assert_int_equal(topology_sibling(&topology, sibling), cpu);
        assert_int_equal(topology_socket(&topology, cpu), topology_socket(&topology, sibling));
    }
    topology.threads_per_core = 1;
    assert_int_equal(topology_sibling(&topology, 3), NO_CPU);
}

static void nothing(void *owner, uint64_t now_ns, uint64_t argument)
{
    (void)owner;
    (void)now_ns;
    (void)argument;
}

/* Two threads that are always busy: each takes 1.6 times as long as alone, however
 * their turns lie; alone, or on two cores, neither does. */
static double slowed(uint32_t threads_per_core, unsigned runner_count)
{
    struct machine machine;
    uint64_t random = 3;
    struct random_runner runners[2] = {{.runner = {0}}};
    machine_start(&machine,
                  (struct topology){
                      .cpus = 2, .sockets = 1, .nodes = 1, .threads_per_core = threads_per_core});
    for (unsigned i = 0; i < runner_count; i++) {
        runners[i] = (struct random_runner){.runner = {.turn = random_turn, .cpu = i},
                                            .random = &random,
                                            .turns_left = UINT64_MAX,
                                            .mean_ns = i ? 90000 : 30000};
        processors_wake_at(&machine.processors, &runners[i].runner, 100 * i);
    }
    enum {
        END_NS = 1000000000
    }; /* before which a thread alone would have its turns without events */
    events_schedule(&machine.events, END_NS, RANK_CONTROL, nothing, NULL, 0);
    while (machine.events.now_ns < END_NS)
        events_run_next(&machine.events);
    double ratio = (double)runners[0].finished_ns / (double)runners[0].work_ns;
    if (runner_count == 2) {
        double other = (double)runners[1].finished_ns / (double)runners[1].work_ns;
        assert_true(fabs(other / ratio - 1) < 0.02);
    }
    machine_stop(&machine);
    return ratio;
}

static void test_a_busy_sibling_slows_both(void **state)
{
    (void)state;
    assert_true(fabs(slowed(2, 2) / 1.6 - 1) < 0.02);
    assert_true(fabs(slowed(2, 1) - 1) < 0.001);
    assert_true(fabs(slowed(1, 2) - 1) < 0.001);
}

/* A whole run: the sums over processors are what they are of, and time(1) has what
 * tasks have had, kernel threads apart. */
static void check_run(const char *machine, unsigned cpus)
{
    char text[2000];
    snprintf(
        text, sizeof(text),
        "{\"machine\": {\"cpus\": %u, %s \"nodes\": [{\"memory\": \"64M\"}]},"
        "\"cgroups\": {\"/a\": {\"memory.max\": \"6M\"}}, \"engine\": {\"per_cpu\": true},"
        "\"zswap\": {\"max_pool_percent\": 2}, \"tasks\": [{\"name\": \"t\", \"cgroup\": \"/a\","
        " \"count\": 3, \"start\": \"1ms\", \"workload\": {\"type\": \"zipf\", \"footprint\": "
        "\"8M\","
        " \"accesses\": 60000}}]}",
        cpus, machine);
    struct run_result result;
    assert_true(run_config(text, CHECKS_SAMPLED, 1, &result));
    struct cpu_result sum = {0};
    assert_int_equal(result.cpu_count, cpus);
    for (uint32_t i = 0; i < cpus; i++) {
        const struct cpu_result *cpu = &result.cpus[i];
        assert_int_equal(cpu->user_ns + cpu->sys_ns + cpu->iowait_ns + cpu->idle_ns, result.end_ns);
        sum.user_ns += cpu->user_ns;
        sum.sys_ns += cpu->sys_ns;
    }
    assert_int_equal(sum.user_ns, result.cpu.user_ns);
    assert_int_equal(sum.sys_ns, result.cpu.sys_ns);
    assert_int_equal(result.time.user_ns, sum.user_ns);
    assert_true(result.time.sys_ns < sum.sys_ns && result.time.sys_ns > sum.sys_ns / 2);
    assert_true(result.time.real_ns <= result.end_ns - 1000000);
    assert_true(result.totals.counters[COUNTER_zswpwb] > 0);
    run_result_release(&result);
}

static void test_times_of_a_run(void **state)
{
    (void)state;
    check_run("", 1);
    check_run("", 4);
    check_run("\"threads_per_core\": 2,", 4);
}

/* Fallback goes by distance, and a page of a far node takes longer. */
static void test_nodes_have_distances(void **state)
{
    (void)state;
#define NODE(row) "{\"memory\": \"16M\", \"distances\": [" row "]}"
    struct bench *bench = bench_open("{\"machine\": {\"nodes\": [" NODE("10, 32, 21") "," NODE(
        "32, 10, 21") ","
                      "{\"memory\": \"16M\"}]}, \"cgroups\": {\"/a\": {}},"
                      "\"tasks\": [" TASK("/a", 1000) "]}");
#undef NODE
    const struct mm *mm = bench->mm;
    const uint32_t expected[3][3] = {{0, 2, 1}, {1, 2, 0}, {2, 0, 1}};
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t k = 0; k < 3; k++)
            assert_int_equal(mm->nodes[i].zonelist[k], expected[i][k]);
    uint64_t start_ns = bench->exec.now_ns;
    spend_distance(bench->mm, &bench->exec, 0, PAGE_BYTES);
    assert_int_equal(bench->exec.now_ns, start_ns);
    spend_distance(bench->mm, &bench->exec, 1, PAGE_BYTES / 2);
    assert_int_equal(bench->exec.now_ns - start_ns, mm->costs->ns[COST_remote_page] * 22 / 20);
    bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interruptions_are_counted),
        cmocka_unit_test(test_four_kinds_add_up),
        cmocka_unit_test(test_iowait_is_a_gap_with_a_waiter),
        cmocka_unit_test(test_siblings),
        cmocka_unit_test(test_a_busy_sibling_slows_both),
        cmocka_unit_test(test_times_of_a_run),
        cmocka_unit_test(test_nodes_have_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

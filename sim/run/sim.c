/* sim_run(): builds the simulation of a config, runs it, takes it apart. */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/base/memory.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/mm/node.h"
#include "sim/mm/reclaim.h"
#include "sim/mm/reclaim_walk.h"
#include "sim/mm/tlb.h"
#include "sim/run/simulation.h"

enum { READAHEAD_HITS_INITIAL = 4 };

void simulation_notice_interruption(struct simulation *simulation)
{
    const volatile bool *interrupted = simulation->options->interrupted;
    if (interrupted && *interrupted)
        simulation->interrupted = true;
}

void simulation_fail(struct simulation *simulation, const char *format, ...)
{
    if (simulation->failure[0])
        return; /* the first cause is the one to report */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(simulation->failure, sizeof(simulation->failure), format, arguments);
    va_end(arguments);
}

static void give_up(void *owner, const char *why)
{
    simulation_fail(owner, "%s", why);
}

static uint64_t round_up(uint64_t pages, uint64_t to)
{
    return (pages + to - 1) / to * to;
}

/* The largest power of two that divides the first pages of all spaces. */
static uint32_t common_shift(const struct mm *mm)
{
    uint32_t first_pages = 1u << 31;
    for (uint32_t i = 0; i < mm->space_count; i++)
        first_pages |= mm->spaces[i].first_page;
    return (uint32_t)__builtin_ctz(first_pages);
}

/* Lay the spaces of all tasks out one after the other, each beginning at a chunk; what
 * replicas share is with the first of them. */
static bool place_spaces(struct simulation *simulation)
{
    const struct config *config = simulation->config;
    struct mm *mm = &simulation->mm;
    uint64_t pages = 0, addresses = 0;
    for (uint32_t i = 0; i < config->task_count; i++)
        mm->space_count += tasks_own_spaces(config, i);
    mm->spaces = memory_zeroed(mm->space_count, sizeof(*mm->spaces), "the address spaces");
    struct address_space *space = mm->spaces;
    for (uint32_t i = 0; i < config->task_count; i++) {
        const struct task_config *task = &config->tasks[i];
        uint32_t first_file = task->workload->spaces - task->workload->file_spaces;
        for (uint32_t s = 0; s < tasks_own_spaces(config, i); s++, space++) {
            space->first_page = (uint32_t)pages;
            space->address_offset = (uint32_t)(addresses - pages);
            mm->addresses_differ |= space->address_offset != 0;
            space->file = s >= first_file;
            space->pages = task->workload->space_pages[s];
            space->memcg = task->cgroups[s];
            space->content = task->contents[s];
            space->readahead_hits = READAHEAD_HITS_INITIAL;
            pages += round_up(space->pages, CHUNK_PAGES);
            addresses += round_up(space->pages, TABLE_PAGES);
            if (addresses >= UINT32_MAX - 1 || mm->space_count > UINT16_MAX) {
                simulation_fail(simulation, "the workloads cover more than 2^32 pages or 65,535 "
                                            "address spaces");
                return false;
            }
        }
    }
    mm->page_count = (uint32_t)pages;
    mm->address_count = (uint32_t)addresses;
    mm->hot = memory_mapped(mm->page_count, "the hot page state");
    mm->cold = memory_mapped((size_t)mm->page_count * sizeof(*mm->cold), "the page state");
    mm->chunk_shift = common_shift(mm);
    mm->chunks = memory_zeroed((mm->page_count >> mm->chunk_shift) + 1, sizeof(*mm->chunks),
                               "the page owners");
    mm->has_table = memory_zeroed((mm->address_count >> TABLE_SHIFT) + 1, sizeof(*mm->has_table),
                                  "the page tables");
    for (uint32_t i = 0; i < mm->space_count; i++) {
        uint32_t first = mm->spaces[i].first_page >> mm->chunk_shift;
        uint32_t end = i + 1 < mm->space_count ? mm->spaces[i + 1].first_page >> mm->chunk_shift
                                               : (mm->page_count >> mm->chunk_shift) + 1;
        for (uint32_t chunk = first; chunk < end; chunk++)
            mm->chunks[chunk] = (struct page_chunk){(uint16_t)i, (uint16_t)mm->spaces[i].memcg};
    }
    return true;
}

bool simulation_build(struct simulation *simulation)
{
    const struct config *config = simulation->config;
    struct mm *mm = &simulation->mm;
    mm->config = config;
    mm->seed = simulation->result->seed;
    mm->costs = &config->costs;
    mm->events = &simulation->events;
    mm->processors = &simulation->processors;
    mm->topology = (struct topology){
        (uint32_t)config->machine.cpus, (uint32_t)config->machine.sockets,
        (uint32_t)config->machine.nodes, (uint32_t)config->machine.threads_per_core};
    mm->swappiness = config->vm.swappiness;
    mm->page_cluster = config->vm.page_cluster;
    mm->reclaim = config->vm.reclaim.policy->hooks;
    mm->reclaim_params = config->vm.reclaim.params;
    mm->proactive_reclaim = config->vm.proactive_reclaim.policy->hooks;
    mm->kill_space = tasks_kill_space;
    mm->give_up = give_up;
    mm->run_owner = simulation;
    processors_init(&simulation->processors, &simulation->events, mm->costs, mm->topology,
                    mm->time_ns);
    simulation->processors.slice_ns = config->machine.time_slice_ns;
    if (!place_spaces(simulation))
        return false;
    rw_lock_init(&mm->shrinkers, true, &simulation->events.settled_ns);
    node_init(mm);
    memcg_init(mm);
    lru_init(mm);
    tlb_init(mm);
    reclaim_walk_init(mm);
    psi_init(mm);
    swap_init(&simulation->swap, mm, &simulation->zswap);
    zswap_init(&simulation->zswap, mm, &simulation->swap);
    reclaim_start_kswapd(mm);
    files_init(simulation);
    tasks_init(simulation);
    control_init(simulation);
    memcg_charge_what_stays(mm);
    return !simulation->failure[0];
}

void simulation_tear_down(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    control_release(simulation);
    tasks_release(simulation);
    files_release(simulation);
    if (mm->memcgs) {
        zswap_release(&simulation->zswap);
        swap_release(&simulation->swap);
        reclaim_release_kswapd(mm);
        reclaim_walk_release(mm);
        lru_release(mm);
        tlb_release(mm);
        drain_release(mm);
        psi_release(mm);
        memcg_release(mm);
    }
    rw_lock_release(&mm->shrinkers);
    memory_unmap(mm->hot, mm->page_count);
    memory_unmap(mm->cold, (size_t)mm->page_count * sizeof(*mm->cold));
    free(mm->chunks);
    free(mm->has_table);
    free(mm->spaces);
    processors_release(&simulation->processors);
    events_release(&simulation->events);
}

static enum page_place place_of(const struct mm *mm, uint32_t page)
{
    uint8_t hot = mm->hot[page];
    uint32_t bits = mm->cold[page].bits;
    if (!(hot & HOT_POPULATED))
        return PLACE_NOWHERE;
    if (hot & HOT_IN_RAM)
        return hot & HOT_MAPPED || !(bits & PAGE_HAS_SLOT) ? PLACE_MAPPED : PLACE_SWAP_CACHE;
    if (bits & PAGE_IN_ZSWAP)
        return PLACE_ZSWAP;
    return bits & PAGE_ZERO_MARK ? PLACE_ZERO_MAP : PLACE_DISK;
}

static void show_pages(const struct mm *mm, const struct sim_observer *observer)
{
    if (!observer || !observer->page_at_end)
        return;
    for (uint32_t space = 0; space < mm->space_count; space++)
        for (uint32_t page = 0; page < mm->spaces[space].pages; page++)
            observer->page_at_end(observer->context, space, page,
                                  place_of(mm, mm->spaces[space].first_page + page));
}

static uint64_t host_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool sim_run(const struct config *config, const struct sim_options *options, uint64_t seed,
             struct run_result *result)
{
    uint64_t start_ns = host_clock_ns();
    memset(result, 0, sizeof(*result));
    result->seed = seed;
    struct simulation *simulation = memory_zeroed(1, sizeof(*simulation), "a simulation");
    simulation->config = config;
    simulation->options = options;
    simulation->result = result;
    if (simulation_build(simulation)) {
        /* To the end of every task, then until what they left behind has settled:
         * writes under way, the shrink worker, kswapd. */
        while (!simulation->failure[0] && !simulation->interrupted &&
               (simulation->tasks_running || simulation->events.count > simulation->timers))
            events_run_next(&simulation->events);
        if (options->checks != CHECKS_OFF && !simulation->failure[0])
            invariants_check(simulation);
        measure_finish(simulation);
        show_pages(&simulation->mm, options->observer);
    }
    result->complete = !simulation->failure[0] && !simulation->interrupted;
    if (simulation->failure[0])
        result->failure = memory_string(simulation->failure);
    simulation_tear_down(simulation);
    free(simulation);
    result->host_wall_ns = host_clock_ns() - start_ns;
    return result->failure == NULL;
}

/* What a run has come to: counters and gauges of cgroups and nodes, rows of the series, LRU
 * inversion, fairness. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policies/swap_backing/swap_backing.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/run/simulation.h"

enum { PARTS_PER_MILLION = 1000000 };

/* ---- gauges ---------------------------------------------------------------------- */

static void add_lru_gauges(const struct mm *mm, const struct lruvec *lruvec, uint64_t *gauges)
{
    uint64_t sizes[LRU_LISTS];
    lru_sizes(mm, lruvec, sizes);
    gauges[GAUGE_inactive_anon] += sizes[LRU_INACTIVE_ANON];
    gauges[GAUGE_active_anon] += sizes[LRU_ACTIVE_ANON];
}

/* Gauges of one cgroup alone; subtree sums are the caller's. */
static void add_memcg_gauges(struct simulation *simulation, uint32_t memcg, uint64_t *gauges)
{
    struct mm *mm = &simulation->mm;
    const struct memcg *from = &mm->memcgs[memcg];
    for (uint32_t node = 0; node < mm->node_count; node++) {
        add_lru_gauges(mm, &from->lruvecs[node], gauges);
    }
    gauges[GAUGE_resident_pages] += from->resident_pages;
    gauges[GAUGE_swap_cache_pages] += from->swap_cache_pages;
    gauges[GAUGE_disk_pages] += from->disk_pages;
    gauges[GAUGE_zero_pages] += from->zero_pages;
}

/* memory.pressure */
static void add_pressure(struct simulation *simulation, uint32_t memcg, uint64_t *gauges)
{
    struct mm *mm = &simulation->mm;
    uint64_t now_ns = simulation->events.now_ns;
    gauges[GAUGE_pressure_some_us] = psi_total_us(mm, memcg, PSI_SOME, now_ns);
    gauges[GAUGE_pressure_full_us] = psi_total_us(mm, memcg, PSI_FULL, now_ns);
    for (unsigned i = 0; i < PSI_AVERAGES; i++) {
        gauges[GAUGE_pressure_some_avg10_ppm + i] = psi_average_ppm(mm, memcg, PSI_SOME, i);
        gauges[GAUGE_pressure_full_avg10_ppm + i] = psi_average_ppm(mm, memcg, PSI_FULL, i);
    }
}

static void count_memcg(struct mm *mm, uint32_t root, uint64_t *counters)
{
    memset(counters, 0, COUNTERS * sizeof(*counters));
    for (uint32_t memcg = root; memcg != NO_MEMCG; memcg = memcg_next(mm, root, memcg))
        for (unsigned i = 0; i < COUNTERS; i++)
            counters[i] += *memcg_counter(&mm->memcgs[memcg], i);
}

static void measure_gauges(struct simulation *simulation, uint32_t root, struct counters_at *at)
{
    struct mm *mm = &simulation->mm;
    memset(at->gauges, 0, sizeof(at->gauges));
    for (uint32_t memcg = root; memcg != NO_MEMCG; memcg = memcg_next(mm, root, memcg))
        add_memcg_gauges(simulation, memcg, at->gauges);
    const struct memcg *own = &mm->memcgs[root];
    at->gauges[GAUGE_memory_current] = own->usage * PAGE_BYTES;
    at->gauges[GAUGE_stored_pages] = own->zswapped_subtree;
    at->gauges[GAUGE_zswap_compressed_bytes] = own->zswap_bytes_subtree;
    at->gauges[GAUGE_swap_slots_used] = own->swap_usage;
    add_pressure(simulation, root, at->gauges);
}

static void add_zram_gauges(const struct zram *zram, uint64_t *gauges)
{
    gauges[GAUGE_orig_data_size] += zram->stats.pages_stored * PAGE_BYTES;
    gauges[GAUGE_compr_data_size] += zram->stats.compr_data_size;
    gauges[GAUGE_mem_used_total] += zram_used_pages(zram) * PAGE_BYTES;
    gauges[GAUGE_mem_used_max] += zram->stats.max_used_pages * PAGE_BYTES;
    gauges[GAUGE_same_pages] += zram->stats.same_pages;
    gauges[GAUGE_huge_pages] += zram->stats.huge_pages;
}

static void measure_all(struct simulation *simulation, struct counters_at *at)
{
    const struct zswap *zswap = &simulation->zswap;
    measure_gauges(simulation, ROOT_MEMCG, at);
    memcpy(at->counters, simulation->mm.counters, sizeof(at->counters));
    at->gauges[GAUGE_stored_pages] = zswap->stored_pages;
    at->gauges[GAUGE_same_filled_pages] = zswap->same_filled_pages;
    at->gauges[GAUGE_stored_incompressible_pages] = zswap->incompressible_pages;
    at->gauges[GAUGE_pool_total_size] = zswap_shown_pages(zswap) * PAGE_BYTES;
    at->gauges[GAUGE_swap_slots_used] = simulation->swap.slots_used;
    const struct swap *swap = &simulation->swap;
    if (swap->backing->metadata_bytes)
        at->gauges[GAUGE_swap_metadata_bytes] =
            swap->backing->metadata_bytes(swap, swap->backing_params);
    at->gauges[GAUGE_pools] = zswap->pool_count;
    for (uint32_t i = 0; i < simulation->swap.device_count; i++)
        if (simulation->swap.devices[i].zram)
            add_zram_gauges(simulation->swap.devices[i].zram, at->gauges);
    for (uint32_t i = 0; i < simulation->block_device_count; i++)
        if (simulation->block_devices[i].zram)
            add_zram_gauges(simulation->block_devices[i].zram, at->gauges);
}

/* ---- inversion ----------------------------------------------------------------------- */

/* Pages that left RAM, by cgroup and by where they are (zram counts as zswap), with
 * the clock of their eviction: what reclaim thought of their age.  Of a page that zswap wrote back
 * and nobody has used since, that of the eviction that brought it into zswap.  Each target of
 * reclaim has a clock of its own on each node; ages are compared whichever they are of. */
struct eviction_ages {
    uint32_t *zswap, *disk; /* of one cgroup */
    uint32_t zswap_count, disk_count;
};

/* Below so many, what counting digits clears takes longer than comparing. */
enum { AGES_FEW = 128 };

static int compare_ages(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Ascending; `spare` has room for as many.  Many ages are sorted digit by digit: qsort()
 * took a third of a run that writes back and samples a hundred times. */
static void sort_ages(uint32_t *ages, uint32_t *spare, uint32_t count)
{
    enum { DIGIT_BITS = 11, DIGIT_VALUES = 1 << DIGIT_BITS, FEW = 4096 };
    if (count < FEW) {
        qsort(ages, count, sizeof(*ages), compare_ages);
        return;
    }
    uint32_t *from = ages, *to = spare;
    for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
        uint32_t next[DIGIT_VALUES + 1] = {0};
        for (uint32_t i = 0; i < count; i++)
            next[(from[i] >> shift) % DIGIT_VALUES + 1]++;
        for (uint32_t value = 0; value < DIGIT_VALUES; value++)
            next[value + 1] += next[value];
        for (uint32_t i = 0; i < count; i++)
            to[next[(from[i] >> shift) % DIGIT_VALUES]++] = from[i];
        uint32_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != ages)
        memcpy(ages, from, count * sizeof(*ages));
}

/* The age that sorting would bring to place `at`: both sides of one that is compared with all
 * others, then the side that it is in. */
static uint32_t age_at_among_few(uint32_t *ages, uint32_t count, uint32_t at)
{
    for (;;) {
        uint32_t middle = ages[count / 2], below = 0, above = 0, kept[AGES_FEW];
        for (uint32_t i = 0; i < count; i++) {
            kept[below] = ages[i];
            below += ages[i] < middle;
        }
        if (at >= below) {
            for (uint32_t i = 0; i < count; i++)
                if (ages[i] > middle)
                    ages[above++] = ages[i];
            if (at < count - above)
                return middle;
            at -= count - above;
            count = above;
        } else {
            memcpy(ages, kept, below * sizeof(*ages));
            count = below;
        }
    }
}

/* The same of however many.  Overwrites `ages`. */
static uint32_t age_at(uint32_t *ages, uint32_t count, uint32_t at)
{
    enum { DIGIT_BITS = 8, DIGIT_VALUES = 1 << DIGIT_BITS };
    if (count <= AGES_FEW)
        return age_at_among_few(ages, count, at);
    for (unsigned shift = 32; shift;) {
        uint32_t having[DIGIT_VALUES] = {0}, digit = 0, left = 0;
        shift -= DIGIT_BITS;
        for (uint32_t i = 0; i < count; i++)
            having[(ages[i] >> shift) % DIGIT_VALUES]++;
        for (; at >= having[digit]; digit++)
            at -= having[digit];
        for (uint32_t i = 0; i < count; i++)
            if ((ages[i] >> shift) % DIGIT_VALUES == digit)
                ages[left++] = ages[i];
        count = left;
    }
    return ages[0];
}

/* The ages of a chunk's pages.  Which page is where nobody can foretell: each age is written to
 * both places without a branch, and stays where it belongs. */
static inline void collect_chunk(const struct simulation *simulation, uint32_t chunk,
                                 struct eviction_ages *own, bool has_zram)
{
    enum { ZSWAP = PAGE_HAS_SHADOW | PAGE_IN_ZSWAP, DISK = PAGE_HAS_SHADOW | PAGE_ON_DISK };
    const struct mm *mm = &simulation->mm;
    uint32_t *zswap = own->zswap + own->zswap_count, *disk = own->disk;
    for (uint32_t page = chunk << CHUNK_SHIFT; page < (chunk + 1) << CHUNK_SHIFT; page++) {
        const struct page_cold *cold = &mm->cold[page];
        uint32_t bits = cold->bits, hot = mm->hot[page];
        bool evicted = !(hot & HOT_IN_RAM), in_memory = evicted & ((bits & ZSWAP) == ZSWAP);
        bool on_disk = evicted & ((bits & (ZSWAP | DISK)) == DISK);
        if (has_zram && on_disk && swap_is_on_zram(&simulation->swap, page)) {
            in_memory = true;
            on_disk = false;
        }
        bool written_back = on_disk & ((hot & HOT_WRITTEN_BACK) != 0);
        uint32_t change = (cold->entry_previous ^ cold->shadow.age) & -(uint32_t)written_back;
        *zswap = disk[-1] = cold->shadow.age ^ change;
        zswap += in_memory;
        disk -= on_disk;
    }
    own->zswap_count = (uint32_t)(zswap - own->zswap);
    own->disk_count += (uint32_t)(own->disk - disk);
    own->disk = disk;
}

/* The ages of every cgroup, in one walk over the pages however many cgroups there are: in the
 * room for all its pages those in zswap come from the front, the others from the back.
 * ages[memcgs] and *memory are for the caller to free. */
static struct eviction_ages *collect_ages(const struct simulation *simulation, uint32_t **memory)
{
    const struct mm *mm = &simulation->mm;
    struct eviction_ages *ages = memory_zeroed(mm->memcg_count, sizeof(*ages), "eviction ages");
    uint32_t chunks = mm->page_count >> CHUNK_SHIFT;
    uint32_t *next = *memory = memory_resized(NULL, (size_t)mm->page_count + mm->memcg_count,
                                              sizeof(*next), "eviction ages");
    for (uint32_t chunk = 0; chunk < chunks; chunk++)
        ages[page_memcg(mm, chunk << CHUNK_SHIFT)].zswap_count += CHUNK_PAGES;
    for (uint32_t i = 0; i < mm->memcg_count; i++) {
        ages[i].zswap = next;
        ages[i].disk = next += ages[i].zswap_count + 1; /* one is written that does not stay */
        ages[i].zswap_count = 0;
    }
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        struct eviction_ages *own = &ages[page_memcg(mm, chunk << CHUNK_SHIFT)];
        if (simulation->swap.has_zram)
            collect_chunk(simulation, chunk, own, true);
        else
            collect_chunk(simulation, chunk, own, false);
    }
    return ages;
}

/* Pages on a device that were evicted after the median page in zswap. */
static uint64_t younger_than_median(const struct eviction_ages *ages)
{
    if (!ages->zswap_count)
        return 0;
    uint32_t median = age_at(ages->zswap, ages->zswap_count, ages->zswap_count / 2), younger = 0;
    for (uint32_t i = 0; i < ages->disk_count; i++)
        younger += ages->disk[i] > median;
    return younger;
}

/* Pairs (page in zswap, page on a device) in which the one in zswap is the older; of
 * sorted ages. */
static uint64_t inverted_pairs(const struct eviction_ages *ages)
{
    uint64_t pairs = 0;
    uint32_t below = 0;
    for (uint32_t i = 0; i < ages->disk_count; i++) {
        while (below < ages->zswap_count && ages->zswap[below] < ages->disk[i])
            below++;
        pairs += below;
    }
    return pairs;
}

/* Pairs of which one is the older, of all; sorts for that. */
static uint64_t pair_ppm(struct eviction_ages *ages, uint32_t memcgs)
{
    uint64_t inverted = 0;
    unsigned __int128 pairs = 0;
    uint32_t most = 1;
    for (uint32_t memcg = 0; memcg < memcgs; memcg++) {
        if (ages[memcg].disk_count && ages[memcg].zswap_count > most)
            most = ages[memcg].zswap_count;
        if (ages[memcg].disk_count > most)
            most = ages[memcg].disk_count;
    }
    uint32_t *spare = memory_zeroed(most, sizeof(*spare), "eviction ages");
    for (uint32_t memcg = 0; memcg < memcgs; memcg++) {
        struct eviction_ages *own = &ages[memcg];
        if (!own->disk_count)
            continue;
        sort_ages(own->zswap, spare, own->zswap_count);
        sort_ages(own->disk, spare, own->disk_count);
        inverted += inverted_pairs(own);
        pairs += (unsigned __int128)own->zswap_count * own->disk_count;
    }
    free(spare);
    return pairs ? (uint64_t)((unsigned __int128)inverted * PARTS_PER_MILLION / pairs) : UINT64_MAX;
}

/* Overwrites the ages. */
static uint64_t younger_ppm(struct eviction_ages *ages, uint32_t memcgs)
{
    uint64_t younger = 0, disk = 0;
    for (uint32_t memcg = 0; memcg < memcgs; memcg++) {
        if (!ages[memcg].disk_count)
            continue;
        younger += younger_than_median(&ages[memcg]);
        disk += ages[memcg].disk_count;
    }
    return disk ? younger * PARTS_PER_MILLION / disk : 0;
}

/* Sampled with the series, but rarely: a sample looks at every page.  It only wants a
 * median, which is found without sorting: 10 % of a run that writes back became 5. */
static void sample_inversion(struct simulation *simulation)
{
    enum { ROWS_BETWEEN_SAMPLES = 10 };
    if (simulation->result->series_count % ROWS_BETWEEN_SAMPLES != 0 ||
        !simulation->mm.counters[COUNTER_pswpout])
        return;
    uint32_t *memory;
    struct eviction_ages *ages = collect_ages(simulation, &memory);
    simulation->inversion_samples++;
    simulation->inversion_sum_ppm += younger_ppm(ages, simulation->mm.memcg_count);
    free(ages);
    free(memory);
}

static void measure_inversion(struct simulation *simulation)
{
    struct inversion_result *inversion = &simulation->result->inversion;
    uint32_t *memory, memcgs = simulation->mm.memcg_count;
    struct eviction_ages *ages = collect_ages(simulation, &memory);
    inversion->pair_ppm = pair_ppm(ages, memcgs);
    inversion->at_end_ppm = younger_ppm(ages, memcgs);
    free(ages);
    free(memory);
}

/* ---- series and snapshots ---------------------------------------------------------------- */

void measure_row(struct simulation *simulation, uint64_t now_ns)
{
    struct run_result *result = simulation->result;
    if (result->series_count == SERIES_ROWS_AT_MOST) {
        simulation_fail(simulation,
                        "the time series has %d rows after %" PRIu64
                        " ns; expected a longer engine.series_interval",
                        SERIES_ROWS_AT_MOST, now_ns);
        return;
    }
    if ((result->series_count & (result->series_count - 1)) == 0)
        result->series = memory_resized(result->series,
                                        result->series_count ? (size_t)result->series_count * 2 : 1,
                                        sizeof(*result->series), "the time series");
    struct series_row *row = &result->series[result->series_count++];
    row->at_ns = now_ns;
    if (row > result->series && row[-1].at_ns > now_ns)
        row->at_ns = row[-1].at_ns; /* of a task that had run ahead, and so has this one */
    row->accesses = simulation->mm.counters[COUNTER_accesses];
    measure_all(simulation, &row->at);
    sample_inversion(simulation);
}

void measure_snapshot(struct simulation *simulation, const char *label, uint64_t now_ns)
{
    struct run_result *result = simulation->result;
    result->snapshots = memory_resized(result->snapshots, result->snapshot_count + 1u,
                                       sizeof(*result->snapshots), "the snapshots");
    struct snapshot *snapshot = &result->snapshots[result->snapshot_count++];
    snapshot->label = label;
    snapshot->at_ns = now_ns;
    snapshot->accesses = simulation->mm.counters[COUNTER_accesses];
    measure_all(simulation, &snapshot->at);
}

/* ---- the end -------------------------------------------------------------------------------- */

/* Jain's index: the square of the sum over n times the sum of squares. */
static uint64_t jain_ppm(const uint64_t *values, size_t count)
{
    unsigned __int128 sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        squares += (unsigned __int128)values[i] * values[i];
    }
    if (count < 2 || !squares)
        return UINT64_MAX;
    return (uint64_t)(sum * sum * PARTS_PER_MILLION / (squares * count));
}

/* Written-back pages for a page stored, as a number: 2^32 is one for one. */
static uint64_t written_per_store(uint64_t written, uint64_t stored)
{
    return (uint64_t)(((unsigned __int128)written << 32) / stored);
}

/* Over those that have stored anything. */
static void measure_fairness(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    struct fairness_result *fairness = &simulation->result->fairness;
    uint64_t *by_memcg = memory_zeroed(mm->memcg_count, sizeof(*by_memcg), "fairness");
    uint64_t *per_store = memory_zeroed(mm->memcg_count, sizeof(*per_store), "fairness");
    size_t members = 0, nodes = 0;
    for (uint32_t i = 0; i < mm->memcg_count; i++) {
        uint64_t stored = *memcg_counter(&mm->memcgs[i], COUNTER_zswpout);
        if (!stored)
            continue;
        by_memcg[members] = *memcg_counter(&mm->memcgs[i], COUNTER_zswpwb);
        per_store[members] = written_per_store(by_memcg[members], stored);
        members++;
    }
    fairness->cgroups_ppm = jain_ppm(by_memcg, members);
    fairness->cgroups_per_store_ppm = jain_ppm(per_store, members);
    free(by_memcg);
    free(per_store);

    const uint64_t *by_node = simulation->zswap.written_back_by_node;
    uint64_t node_per_store[NODES_AT_MOST];
    fairness->nodes_ppm = jain_ppm(by_node, mm->node_count);
    for (uint32_t i = 0; i < mm->node_count; i++) {
        uint64_t stored = mm->nodes[i].counters[COUNTER_zswpout];
        if (stored)
            node_per_store[nodes++] = written_per_store(by_node[i], stored);
    }
    fairness->nodes_per_store_ppm = jain_ppm(node_per_store, nodes);
}

static void measure_nodes(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    struct run_result *result = simulation->result;
    result->node_count = mm->node_count;
    result->nodes = memory_zeroed(mm->node_count, sizeof(*result->nodes), "node results");
    for (uint32_t i = 0; i < mm->node_count; i++) {
        uint64_t *gauges = result->nodes[i].gauges;
        memcpy(result->nodes[i].counters, mm->nodes[i].counters, sizeof(mm->nodes[i].counters));
        result->nodes[i].counters[COUNTER_written_back_pages] =
            simulation->zswap.written_back_by_node[i]; /* of the entry, not of the page */
        gauges[GAUGE_pool_total_size] = mm->nodes[i].pool_pages * PAGE_BYTES;
        for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++)
            add_lru_gauges(mm, &mm->memcgs[memcg].lruvecs[i], gauges);
    }
    for (uint32_t page = 0; page < mm->page_count; page++) {
        uint32_t bits = mm->cold[page].bits;
        if (mm->hot[page] & HOT_IN_RAM)
            result->nodes[page_node(mm, page)].gauges[GAUGE_resident_pages]++;
        if (bits & PAGE_IN_ZSWAP)
            result->nodes[bits_field(bits, ENTRY_NODE_SHIFT)].gauges[GAUGE_stored_pages]++;
    }
}

static void measure_cpus(struct simulation *simulation)
{
    struct run_result *result = simulation->result;
    struct cpu_result *sum = &result->cpu;
    uint32_t cpus = simulation->mm.topology.cpus;
    if (simulation->config->engine.per_cpu) {
        result->cpus = memory_zeroed(cpus, sizeof(*result->cpus), "times of processors");
        result->cpu_count = cpus;
    }
    for (uint32_t i = 0; i < cpus; i++) {
        struct processor_times times = processors_times(&simulation->processors, i, result->end_ns);
        sum->user_ns += times.user_ns;
        sum->sys_ns += times.sys_ns;
        sum->iowait_ns += times.iowait_ns;
        sum->idle_ns += times.idle_ns;
        if (result->cpus)
            result->cpus[i] =
                (struct cpu_result){times.user_ns, times.sys_ns, times.iowait_ns, times.idle_ns};
    }
}

/* time(1): from the first start of a task to the last end. */
static void measure_time(struct simulation *simulation)
{
    struct time_result *time = &simulation->result->time;
    uint64_t first_ns = UINT64_MAX, last_ns = 0;
    for (uint32_t i = 0; i < simulation->task_count; i++) {
        const struct task *task = &simulation->tasks[i];
        uint64_t end_ns = task->finished ? task->finished_ns : simulation->result->end_ns;
        if (task->config->start_ns < first_ns)
            first_ns = task->config->start_ns;
        if (end_ns > last_ns)
            last_ns = end_ns;
        time->user_ns += task->runner.user_ns;
        time->sys_ns += task->runner.sys_ns;
    }
    time->real_ns = last_ns > first_ns ? last_ns - first_ns : 0;
}

/* The device's histograms have a new owner. */
static void take_device(struct simulation *simulation, struct device *device)
{
    struct run_result *result = simulation->result;
    struct device_stats *stats = &device->stats;
    if (device->zram)
        return;
    uint64_t end_ns = result->end_ns ? result->end_ns : 1;
    struct device_result *own = &result->devices[result->device_count++];
    *own = (struct device_result){
        .name = device->config->name,
        .reads = stats->reads,
        .writes = stats->writes,
        .merged = stats->merged,
        .util_ppm = (uint64_t)((unsigned __int128)stats->busy_ns * PARTS_PER_MILLION / end_ns),
        .queue_milli = (uint64_t)((unsigned __int128)stats->in_flight_ns * 1000 / end_ns),
        .read_latency = stats->read_latency,
        .write_latency = stats->write_latency,
    };
    stats->read_latency = stats->write_latency = (struct histogram){0};
    struct devices_result *all = &result->disk;
    all->merged += own->merged;
    if (own->util_ppm > all->util_ppm)
        all->util_ppm = own->util_ppm;
    if (own->queue_milli > all->queue_milli)
        all->queue_milli = own->queue_milli;
}

static void merge_latencies(struct run_result *result)
{
    struct histogram read = {0}, write = {0};
    for (uint32_t i = 0; i < result->device_count; i++) {
        histogram_merge(&read, &result->devices[i].read_latency);
        histogram_merge(&write, &result->devices[i].write_latency);
    }
    struct devices_result *all = &result->disk;
    all->read_mean_ns = read.count ? read.sum / read.count : 0;
    all->read_p50_ns = histogram_percentile(&read, 5000);
    all->read_p99_ns = histogram_percentile(&read, 9900);
    all->write_mean_ns = write.count ? write.sum / write.count : 0;
    all->write_p50_ns = histogram_percentile(&write, 5000);
    all->write_p99_ns = histogram_percentile(&write, 9900);
    histogram_release(&read);
    histogram_release(&write);
}

static void measure_devices(struct simulation *simulation)
{
    struct run_result *result = simulation->result;
    uint32_t count = simulation->swap.device_count + simulation->block_device_count;
    result->devices = memory_zeroed(count, sizeof(*result->devices), "device results");
    for (uint32_t i = 0; i < simulation->swap.device_count; i++)
        take_device(simulation, &simulation->swap.devices[i]);
    for (uint32_t i = 0; i < simulation->block_device_count; i++)
        take_device(simulation, &simulation->block_devices[i]);
    merge_latencies(result);
}

void measure_finish(struct simulation *simulation)
{
    struct mm *mm = &simulation->mm;
    struct run_result *result = simulation->result;
    result->end_ns = simulation->events.now_ns;
    /* A run that was interrupted ends in the middle of turns. */
    uint64_t last_end_ns = processors_last_end(&simulation->processors);
    if (last_end_ns > result->end_ns)
        result->end_ns = last_end_ns;
    if (simulation->timed_work_end_ns > result->end_ns)
        result->end_ns = simulation->timed_work_end_ns;
    measure_all(simulation, &result->totals);
    result->cgroup_count = mm->memcg_count;
    result->cgroups = memory_zeroed(mm->memcg_count, sizeof(*result->cgroups), "cgroup results");
    for (uint32_t i = 0; i < mm->memcg_count; i++) {
        result->cgroups[i].path = mm->memcgs[i].path;
        result->cgroups[i].usage_peak = mm->memcgs[i].usage_peak;
        measure_gauges(simulation, i, &result->cgroups[i].at_end);
        count_memcg(mm, i, result->cgroups[i].at_end.counters);
    }
    result->resident_peak = mm->resident_peak;
    result->pool_peak = mm->pool_peak;
    result->memory_peak = mm->memory_peak;
    measure_nodes(simulation);
    memcpy(result->time_ns, mm->time_ns, sizeof(result->time_ns));
    memcpy(result->locks, mm->locks, sizeof(result->locks));
    result->store_wait = simulation->zswap.store_wait; /* its owner now */
    simulation->zswap.store_wait = (struct histogram){0};
    measure_cpus(simulation);
    measure_time(simulation);
    measure_devices(simulation);
    measure_fairness(simulation);
    measure_inversion(simulation);
    result->inversion.time_average_ppm =
        simulation->inversion_samples
            ? simulation->inversion_sum_ppm / simulation->inversion_samples
            : result->inversion.at_end_ppm;
    result->psi.some_us = psi_total_us(mm, ROOT_MEMCG, PSI_SOME, result->end_ns);
    result->psi.full_us = psi_total_us(mm, ROOT_MEMCG, PSI_FULL, result->end_ns);
    result->host_state_bytes = (uint64_t)mm->page_count * (1 + sizeof(struct page_cold));
    if (simulation->swap.numbered)
        result->host_state_bytes += (uint64_t)mm->page_count * sizeof(uint32_t); /* of slots */
}

#include "workloads/analysis/miss_ratio.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/analysis/stack_distance.h"

/* ---- exact ------------------------------------------------------------------- */

struct exact_curve {
    struct stack_distances *stack;
    uint64_t *refaults;     /* [room]: first by distance, then of memories of so many pages */
    uint64_t room, longest; /* `longest`: largest distance + 1 */
    unsigned char *seen;    /* [pages / 8 + 1]: accessed ever */
};

static struct exact_curve *exact_create(uint64_t pages)
{
    struct exact_curve *exact = memory_zeroed(1, sizeof(*exact), "a miss-ratio curve");
    exact->stack = stack_distances_create(0);
    exact->seen = memory_mapped(pages / 8 + 1, "pages of a trace");
    return exact;
}

static void exact_count(struct exact_curve *exact, uint64_t distance)
{
    if (distance >= exact->room) {
        uint64_t room = distance + distance / 2 + 1024;
        exact->refaults =
            memory_resized(exact->refaults, room, sizeof(*exact->refaults), "stack distances");
        for (uint64_t i = exact->room; i < room; i++)
            exact->refaults[i] = 0;
        exact->room = room;
    }
    exact->refaults[distance]++;
    if (distance >= exact->longest)
        exact->longest = distance + 1;
}

static void exact_access(struct miss_ratio *curve, uint32_t page)
{
    struct exact_curve *exact = curve->exact;
    uint64_t distance = stack_distances_access(exact->stack, page);
    if (distance != STACK_DISTANCE_FIRST) {
        exact_count(exact, distance);
        return;
    }
    curve->first_touches++;
    unsigned char bit = (unsigned char)(1 << page % 8);
    curve->distinct_pages += !(exact->seen[page / 8] & bit);
    exact->seen[page / 8] |= bit;
    uint64_t live = stack_distances_live(exact->stack);
    if (live > curve->peak_pages)
        curve->peak_pages = live;
}

/* Counts by distance become sums over this distance and all longer ones: a memory
 * of n pages misses at distances of n and more. */
static void exact_sum(struct exact_curve *exact)
{
    for (uint64_t i = exact->longest; i > 1; i--)
        exact->refaults[i - 2] += exact->refaults[i - 1];
}

uint64_t miss_ratio_refaults(const struct miss_ratio *curve, uint64_t pages)
{
    return pages < curve->exact->longest ? curve->exact->refaults[pages] : 0;
}

uint64_t miss_ratio_enough_pages(const struct miss_ratio *curve)
{
    return curve->exact->longest;
}

/* ---- sampled ------------------------------------------------------------------- */

/* Weights and thresholds are fixed-point integers, so that the estimate is the
 * same on every machine. */
enum {
    HASH_BITS = 32,
    WEIGHT_SHIFT = 16, /* a weight of 1 is 2^16 */
    GROUPS = 16,
    MANTISSA_BITS = 8, /* distances are kept to 1 in 256 */
    BUCKETS = (HASH_BITS - MANTISSA_BITS + 1) << MANTISSA_BITS,
};

struct sampled_curve {
    struct stack_distances *stack;
    uint64_t *heap; /* [most + 1]: hash << 32 | page of those followed, largest first */
    uint64_t count, most;
    uint64_t threshold;      /* of 2^32: pages with smaller hashes are followed */
    unsigned char *followed; /* [pages / 8 + 1] */
    uint64_t pages;          /* of the trace, for releasing `followed` */
    uint64_t first_touches;  /* weights */
    uint64_t *weights;       /* [GROUPS][BUCKETS] by distance */
    uint64_t longest;
};

static struct sampled_curve *sampled_create(uint64_t pages, uint64_t most)
{
    struct sampled_curve *sampled = memory_zeroed(1, sizeof(*sampled), "a sampled curve");
    sampled->stack = stack_distances_create(most);
    sampled->most = most;
    sampled->threshold = (uint64_t)1 << HASH_BITS;
    sampled->heap = memory_zeroed(most + 1, sizeof(*sampled->heap), "sampled pages");
    sampled->weights =
        memory_zeroed((size_t)GROUPS * BUCKETS, sizeof(*sampled->weights), "distances");
    sampled->pages = pages;
    sampled->followed = memory_mapped(pages / 8 + 1, "pages of a trace");
    return sampled;
}

static unsigned bucket_of(uint64_t distance)
{
    if (distance < 1 << MANTISSA_BITS)
        return (unsigned)distance;
    unsigned shift = 63 - MANTISSA_BITS - (unsigned)__builtin_clzll(distance);
    return ((shift + 1) << MANTISSA_BITS) + (unsigned)(distance >> shift) - (1 << MANTISSA_BITS);
}

/* The smallest distance of a bucket. */
static uint64_t bucket_first(unsigned bucket)
{
    unsigned octave = bucket >> MANTISSA_BITS;
    uint64_t mantissa = bucket & ((1 << MANTISSA_BITS) - 1);
    return octave == 0 ? mantissa : (mantissa + (1 << MANTISSA_BITS)) << (octave - 1);
}

static void heap_push(struct sampled_curve *sampled, uint64_t value)
{
    uint64_t *heap = sampled->heap, at = sampled->count++;
    while (at > 0 && heap[(at - 1) / 2] < value) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = value;
}

static uint64_t heap_pop(struct sampled_curve *sampled)
{
    uint64_t *heap = sampled->heap, top = heap[0], value = heap[--sampled->count], at = 0;
    for (uint64_t child; (child = 2 * at + 1) < sampled->count; at = child) {
        if (child + 1 < sampled->count && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= value)
            break;
        heap[at] = heap[child];
    }
    heap[at] = value;
    return top;
}

/* One page too many: the threshold becomes the largest hash, whose pages go. */
static void lower_threshold(struct sampled_curve *sampled)
{
    sampled->threshold = sampled->heap[0] >> HASH_BITS;
    while (sampled->count && sampled->heap[0] >> HASH_BITS >= sampled->threshold) {
        uint32_t page = (uint32_t)heap_pop(sampled);
        sampled->followed[page / 8] &= (unsigned char)~(1 << page % 8);
        stack_distances_forget(sampled->stack, page);
    }
}

/* Twice, because page numbers may come from one such hash. */
static uint64_t hash_of(uint32_t page)
{
    return random_splitmix(~random_splitmix(page)) >> (64 - HASH_BITS);
}

static void sampled_access(struct sampled_curve *sampled, uint32_t page)
{
    uint64_t hash = hash_of(page);
    if (hash >= sampled->threshold)
        return;
    uint64_t weight = ((uint64_t)1 << (HASH_BITS + WEIGHT_SHIFT)) / sampled->threshold;
    uint64_t distance = stack_distances_access(sampled->stack, page);
    if (distance == STACK_DISTANCE_FIRST) {
        sampled->first_touches += weight;
    } else {
        distance = (uint64_t)(((unsigned __int128)distance << HASH_BITS) / sampled->threshold);
        /* The low bits of a hash say nothing about whether it is below the threshold. */
        sampled->weights[(hash % GROUPS) * BUCKETS + bucket_of(distance)] += weight;
        if (distance >= sampled->longest)
            sampled->longest = distance + 1;
    }
    unsigned char bit = (unsigned char)(1 << page % 8);
    if (!(sampled->followed[page / 8] & bit)) {
        sampled->followed[page / 8] |= bit;
        heap_push(sampled, hash << HASH_BITS | page);
        if (sampled->count > sampled->most)
            lower_threshold(sampled);
    }
}

/* The part of a group's weight at distances of `pages` and more. */
static double weight_from(const uint64_t *weights, uint64_t pages)
{
    unsigned bucket = bucket_of(pages);
    uint64_t whole = 0, first = bucket_first(bucket), next = bucket_first(bucket + 1);
    for (unsigned i = bucket + 1; i < BUCKETS; i++)
        whole += weights[i];
    double part = (double)weights[bucket] * (double)(next - pages) / (double)(next - first);
    return ((double)whole + part) / (1 << WEIGHT_SHIFT);
}

/* Over all groups; *error: one standard error of their sum, by their spread. */
static double sum_groups(const struct sampled_curve *sampled, uint64_t pages, double *error)
{
    double sum = 0, squares = 0;
    for (unsigned group = 0; group < GROUPS; group++) {
        double weight = weight_from(&sampled->weights[(size_t)group * BUCKETS], pages);
        sum += weight;
        squares += weight * weight;
    }
    double mean = sum / GROUPS, variance = (squares - GROUPS * mean * mean) / (GROUPS - 1);
    *error = variance > 0 ? sqrt(GROUPS * variance) : 0;
    return sum;
}

/* Two errors: which pages were followed (the spread of the groups), and how many of
 * the pages in a memory of this size were, by which all distances are stretched:
 * binomial, so sqrt(pages (1 - rate) / rate) pages.  A sample of all has neither. */
struct sampled_estimate miss_ratio_sampled_refaults(const struct miss_ratio *curve, uint64_t pages)
{
    double spread, unused, rate = miss_ratio_sampled_rate(curve);
    double sum = sum_groups(curve->sampled, pages, &spread);
    uint64_t stretch = (uint64_t)sqrt((double)pages * (1 - rate) / rate);
    double below = sum_groups(curve->sampled, pages > stretch ? pages - stretch : 0, &unused);
    double above = sum_groups(curve->sampled, pages + stretch, &unused);
    double slope = (below - above) / 2;
    return (struct sampled_estimate){sum, sqrt(spread * spread * (1 - rate) + slope * slope)};
}

double miss_ratio_sampled_first_touches(const struct miss_ratio *curve)
{
    return (double)curve->sampled->first_touches / (1 << WEIGHT_SHIFT);
}

double miss_ratio_sampled_enough_pages(const struct miss_ratio *curve)
{
    return (double)curve->sampled->longest;
}

double miss_ratio_sampled_rate(const struct miss_ratio *curve)
{
    return (double)curve->sampled->threshold / (double)((uint64_t)1 << HASH_BITS);
}

uint64_t miss_ratio_sampled_pages(const struct miss_ratio *curve)
{
    return curve->sampled->count;
}

/* ---- both ------------------------------------------------------------------------ */

static void free_page(struct miss_ratio *curve, uint32_t page)
{
    curve->frees++;
    if (curve->exact)
        stack_distances_drop(curve->exact->stack, page);
    if (curve->sampled)
        stack_distances_drop(curve->sampled->stack, page);
}

static void walk(struct miss_ratio *curve, struct page_stream *stream,
                 const struct miss_ratio_options *options)
{
    uint32_t page;
    enum access_op op;
    while (page_stream_next(stream, &page, &op)) {
        if (op == ACCESS_FREE) {
            free_page(curve, page);
            continue;
        }
        curve->accesses++;
        if (curve->exact)
            exact_access(curve, page);
        if (curve->sampled)
            sampled_access(curve->sampled, page);
        if (options->progress && curve->accesses % (1 << 20) == 0)
            options->progress(options->progress_context, curve->accesses,
                              stream->workload->accesses);
    }
}

struct miss_ratio *miss_ratio_measure(const struct workload *workload,
                                      const struct miss_ratio_options *options,
                                      struct diagnostics *errors)
{
    struct page_stream stream;
    struct miss_ratio *curve = memory_zeroed(1, sizeof(*curve), "a miss-ratio curve");
    bool good = page_stream_open(&stream, workload, options->only_space, errors);
    if (good) {
        if (options->exact)
            curve->exact = exact_create(stream.pages);
        if (options->samples)
            curve->sampled = sampled_create(stream.pages, options->samples);
        walk(curve, &stream, options);
    }
    uint64_t pages = stream.pages;
    good &= page_stream_close(&stream, errors);
    if (curve->exact) {
        exact_sum(curve->exact);
        stack_distances_free(curve->exact->stack);
        curve->exact->stack = NULL;
        memory_unmap(curve->exact->seen, pages / 8 + 1);
    }
    if (good)
        return curve;
    miss_ratio_free(curve);
    return NULL;
}

void miss_ratio_free(struct miss_ratio *curve)
{
    if (!curve)
        return;
    if (curve->exact)
        free(curve->exact->refaults);
    if (curve->sampled) {
        stack_distances_free(curve->sampled->stack);
        memory_unmap(curve->sampled->followed, curve->sampled->pages / 8 + 1);
        free(curve->sampled->heap);
        free(curve->sampled->weights);
    }
    free(curve->exact);
    free(curve->sampled);
    free(curve);
}

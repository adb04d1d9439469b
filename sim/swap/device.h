/* A block device: latency, bandwidth, and so many requests at a time.
 *
 * Each request takes a place among `queue_depth` servers for its latency, which may be a
 * random one, when the device has given each request before it, and itself, its overhead; the
 * bytes of all pass one after the other through a pipe of the device's
 * bandwidth.  A `duplex` device has all that twice, for reads and for writes.  A submitter who
 * finds REQUESTS_AT_MOST requests unfinished sleeps until one ends, as it would for a request of
 * the block layer. */
#ifndef ZSIM_SWAP_DEVICE_H
#define ZSIM_SWAP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/histogram.h"
#include "sim/config.h"

struct mm;
struct zram;

/* What iostat(1) shows of a disk. */
struct device_stats {
    uint64_t reads, writes; /* requests */
    uint64_t merged;        /* pages that joined the request before them */
    uint64_t busy_ns;       /* some request was under way */
    uint64_t in_flight_ns;  /* sum over requests of the time from submission to the end */
    struct histogram read_latency, write_latency; /* that time */
};

struct device_queue {
    uint64_t *busy_until; /* ring of [servers] completion times in order, one for each server */
    uint32_t free_first;  /* the first of them */
    uint64_t pipe_free_ns;
    uint64_t next_begins_ns; /* not earlier: request_overhead of those before */
    uint64_t *unfinished;    /* ring of completion times in order, for the request limit */
    uint32_t unfinished_first, unfinished_count;
};

struct device {
    const struct swap_device_config *config;
    uint32_t interrupt_cpu; /* NO_CPU: the one that submitted */
    struct zram *zram;      /* a device in compressed memory, or NULL: the rest is for disks */
    uint32_t servers;
    struct device_queue queues[2]; /* of a duplex device the second one is for writes */
    uint64_t page_ns;              /* of 4 KiB in the pipe */
    uint64_t last_end_ns;          /* of all requests so far */
    uint64_t random;
    double sigma;   /* lognormal: standard deviation of the logarithm */
    uint64_t slots; /* pages */
    struct device_stats stats;
};

/* A zram device has a block for each page of its size, and one for a swap header.
 * `random` decides the latencies of a disk where these vary. */
void device_init(struct device *device, struct mm *mm, const struct swap_device_config *config,
                 uint64_t random);
void device_release(struct device *device);

/* Submit one request of so many neighbouring pages at now_ns.  Returns when it completes;
 * *submitted_ns is when the submitter may go on (later than now_ns when the queue was
 * full). */
uint64_t device_submit(struct device *device, bool write, uint32_t pages, uint64_t now_ns,
                       uint64_t *submitted_ns);

#endif

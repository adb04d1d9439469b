/* A block device: latency, bandwidth, and so many transfers at a time.
 *
 * Each transfer takes a place among `queue_depth` servers for its latency; the
 * bytes of all pass one after the other through a pipe of the device's
 * bandwidth.  A submitter who finds REQUESTS_AT_MOST transfers unfinished sleeps
 * until one ends, as it would for a request of the block layer.  A `duplex` device has
 * all that twice, once for reads and once for writes. */
#ifndef ZSIM_SWAP_DEVICE_H
#define ZSIM_SWAP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/config.h"

struct mm;
struct zram;

struct device_queue {
    uint64_t *busy_until; /* heap of [servers] completion times of the servers */
    uint64_t pipe_free_ns;
    uint64_t *unfinished; /* ring of completion times, for the request limit */
    uint32_t unfinished_first, unfinished_count;
};

struct device {
    const struct swap_device_config *config;
    struct zram *zram; /* a device in compressed memory, or NULL: the rest is for disks */
    uint32_t servers;
    struct device_queue queues[2]; /* of a duplex device the second one is for writes */
    uint64_t reads, writes;
    uint64_t slots, slots_used; /* pages */
};

/* A zram device has a block for each page of its size, and one for a swap header. */
void device_init(struct device *device, struct mm *mm, const struct swap_device_config *config);
void device_release(struct device *device);

/* Submit one 4 KiB transfer at now_ns.  Returns when it completes; *submitted_ns
 * is when the submitter may go on (later than now_ns when the queue was full). */
uint64_t device_submit(struct device *device, bool write, uint64_t now_ns, uint64_t *submitted_ns);

#endif

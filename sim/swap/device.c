#include "sim/swap/device.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/swap/zram.h"

/* nr_requests of a block device queue, the kernel's default. */
enum { REQUESTS_AT_MOST = 256 };

static struct zram *make_zram(struct mm *mm, const struct swap_device_config *config)
{
    struct zram *zram = memory_zeroed(1, sizeof(*zram), "a zram device");
    zram_init(zram, mm, (uint32_t)(config->size / PAGE_BYTES + 1), config->compressor,
              config->mem_limit / PAGE_BYTES);
    return zram;
}

void device_init(struct device *device, struct mm *mm, const struct swap_device_config *config)
{
    if (config->type == DEVICE_ZRAM)
        device->zram = make_zram(mm, config);
    device->config = config;
    device->servers = (uint32_t)config->queue_depth;
    for (unsigned i = 0; i < 2; i++) {
        struct device_queue *queue = &device->queues[i];
        queue->busy_until =
            memory_zeroed(device->servers, sizeof(*queue->busy_until), "a device queue");
        queue->unfinished =
            memory_zeroed(REQUESTS_AT_MOST, sizeof(*queue->unfinished), "a device queue");
    }
    device->slots = config->size / PAGE_BYTES;
}

void device_release(struct device *device)
{
    if (device->zram)
        zram_release(device->zram);
    free(device->zram);
    for (unsigned i = 0; i < 2; i++) {
        free(device->queues[i].busy_until);
        free(device->queues[i].unfinished);
    }
    memset(device, 0, sizeof(*device));
}

/* Replace the earliest-free server's time and restore the heap. */
static void occupy_first_server(const struct device *device, struct device_queue *queue,
                                uint64_t until_ns)
{
    uint64_t *heap = queue->busy_until;
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= device->servers)
            break;
        if (child + 1 < device->servers && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= until_ns)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = until_ns;
}

/* Forget completed requests; wait for the oldest when there are too many. */
static uint64_t wait_for_request(struct device_queue *queue, uint64_t now_ns)
{
    while (queue->unfinished_count) {
        uint64_t first = queue->unfinished[queue->unfinished_first];
        if (first > now_ns) {
            if (queue->unfinished_count < REQUESTS_AT_MOST)
                break;
            now_ns = first;
        }
        queue->unfinished_first = (queue->unfinished_first + 1) % REQUESTS_AT_MOST;
        queue->unfinished_count--;
    }
    return now_ns;
}

uint64_t device_submit(struct device *device, bool write, uint64_t now_ns, uint64_t *submitted_ns)
{
    const struct swap_device_config *config = device->config;
    struct device_queue *queue = &device->queues[config->duplex && write];
    now_ns = wait_for_request(queue, now_ns);
    *submitted_ns = now_ns;
    uint64_t start = queue->busy_until[0] > now_ns ? queue->busy_until[0] : now_ns;
    uint64_t end = start + (write ? config->write_latency_ns : config->read_latency_ns);
    uint64_t pipe = queue->pipe_free_ns > start ? queue->pipe_free_ns : start;
    pipe += (uint64_t)((unsigned __int128)PAGE_BYTES * 1000000000u / config->bandwidth_bytes_per_s);
    queue->pipe_free_ns = pipe;
    if (pipe > end)
        end = pipe;
    occupy_first_server(device, queue, end);
    uint32_t slot = (queue->unfinished_first + queue->unfinished_count) % REQUESTS_AT_MOST;
    queue->unfinished[slot] = end;
    queue->unfinished_count++;
    if (write)
        device->writes++;
    else
        device->reads++;
    return end;
}

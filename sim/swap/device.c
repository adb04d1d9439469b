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
    device->busy_until =
        memory_zeroed(device->servers, sizeof(*device->busy_until), "a device queue");
    device->unfinished =
        memory_zeroed(REQUESTS_AT_MOST, sizeof(*device->unfinished), "a device queue");
    device->slots = config->size / PAGE_BYTES;
}

void device_release(struct device *device)
{
    if (device->zram)
        zram_release(device->zram);
    free(device->zram);
    free(device->busy_until);
    free(device->unfinished);
    memset(device, 0, sizeof(*device));
}

/* Replace the earliest-free server's time and restore the heap. */
static void occupy_first_server(struct device *device, uint64_t until_ns)
{
    uint64_t *heap = device->busy_until;
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
static uint64_t wait_for_request(struct device *device, uint64_t now_ns)
{
    while (device->unfinished_count) {
        uint64_t first = device->unfinished[device->unfinished_first];
        if (first > now_ns) {
            if (device->unfinished_count < REQUESTS_AT_MOST)
                break;
            now_ns = first;
        }
        device->unfinished_first = (device->unfinished_first + 1) % REQUESTS_AT_MOST;
        device->unfinished_count--;
    }
    return now_ns;
}

uint64_t device_submit(struct device *device, bool write, uint64_t now_ns, uint64_t *submitted_ns)
{
    const struct swap_device_config *config = device->config;
    now_ns = wait_for_request(device, now_ns);
    *submitted_ns = now_ns;
    uint64_t start = device->busy_until[0] > now_ns ? device->busy_until[0] : now_ns;
    uint64_t end = start + (write ? config->write_latency_ns : config->read_latency_ns);
    uint64_t pipe = device->pipe_free_ns > start ? device->pipe_free_ns : start;
    pipe += (uint64_t)((unsigned __int128)PAGE_BYTES * 1000000000u / config->bandwidth_bytes_per_s);
    device->pipe_free_ns = pipe;
    if (pipe > end)
        end = pipe;
    occupy_first_server(device, end);
    uint32_t slot = (device->unfinished_first + device->unfinished_count) % REQUESTS_AT_MOST;
    device->unfinished[slot] = end;
    device->unfinished_count++;
    if (write)
        device->writes++;
    else
        device->reads++;
    return end;
}

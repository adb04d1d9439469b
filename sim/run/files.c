/* Tasks whose accesses are to blocks of a device: a file system without a page cache. */
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/run/simulation.h"

void files_init(struct simulation *simulation)
{
    const struct config *config = simulation->config;
    simulation->block_device_count = config->block_device_count;
    simulation->block_devices = memory_zeroed(config->block_device_count,
                                              sizeof(*simulation->block_devices), "block devices");
    for (uint32_t i = 0; i < config->block_device_count; i++)
        device_init(&simulation->block_devices[i], &simulation->mm, &config->block_devices[i],
                    simulation->mm.seed + SWAP_DEVICES_AT_MOST + i);
}

void files_release(struct simulation *simulation)
{
    for (uint32_t i = 0; i < simulation->block_device_count; i++)
        device_release(&simulation->block_devices[i]);
    free(simulation->block_devices);
}

static void access_zram(struct zram *zram, struct exec *exec, uint32_t block, enum access_op op,
                        struct zram_data data)
{
    if (op == ACCESS_READ)
        zram_read(zram, exec, block);
    else if (op == ACCESS_WRITE)
        zram_write(zram, exec, block, data);
    else
        zram_discard(zram, exec, block);
}

/* Returns when the transfer is over. */
static uint64_t access_disk(struct mm *mm, struct exec *exec, struct device *device, bool write)
{
    uint64_t submitted_ns;
    spend_cost(mm, exec, TIME_swap_io_cpu, write ? COST_disk_submit_write : COST_disk_submit_read);
    mm->counters[write ? COUNTER_disk_writes : COUNTER_disk_reads]++;
    uint64_t done_ns = device_submit(device, write, 1, exec->now_ns, &submitted_ns);
    spend_asleep(mm, exec, submitted_ns);
    return done_ns;
}

uint64_t files_access(struct simulation *simulation, struct task *task, struct exec *exec,
                      const struct access *access)
{
    const struct address_space *space = &simulation->mm.spaces[task->space_numbers[0]];
    struct device *device = &simulation->block_devices[task->config->block_device];
    uint32_t block = (uint32_t)task->config->first_block + access->page;
    if (device->zram) {
        access_zram(device->zram, exec, block, access->op,
                    (struct zram_data){space->content, access->page});
        return exec->now_ns;
    }
    if (access->op == ACCESS_FREE)
        return exec->now_ns; /* a disk forgets in its own time */
    return access_disk(&simulation->mm, exec, device, access->op == ACCESS_WRITE);
}

#include "sim/swap/swap.h"

#include <stdlib.h>
#include <string.h>

#include "policies/swap_backing/swap_backing.h"
#include "policies/zswap_lru/zswap_lru.h"
#include "sim/base/memory.h"
#include "sim/mm/lru.h"
#include "sim/mm/memcg.h"
#include "sim/zswap/zswap.h"

enum { SLOT_CACHE = 64 }; /* SWAP_SLOTS_CACHE_SIZE up to 6.14 */

/* ---- set-up ------------------------------------------------------------------ */

/* Slots need numbers when readahead may look at a slot's neighbours in this run. */
static bool readahead_possible(const struct config *config)
{
    if (config->vm.page_cluster > 0)
        return true;
    for (uint32_t i = 0; i < config->event_count; i++)
        if (config->events[i].action == EVENT_SET &&
            strcmp(config->events[i].target, "vm.page_cluster") == 0)
            return true;
    return false;
}

static void number_slots(struct swap *swap)
{
    struct mm *mm = swap->mm;
    struct slot_device devices[SWAP_DEVICES_AT_MOST] = {
        {.slots = swap->names, .rotational = swap->rotational},
    };
    uint32_t count = swap->numbered_when_written || swap->device_count > 1 ? swap->device_count : 1;
    /* Numbers have 32 bits, and so have pages: no run fills more. */
    uint64_t most = UINT32_MAX / count - 2 * CLUSTER_SLOTS;
    for (uint32_t i = 0; i < count; i++) {
        if (count > 1 || swap->numbered_when_written)
            devices[i] =
                (struct slot_device){swap->devices[i].slots, swap->devices[i].config->priority,
                                     swap->devices[i].config->rotational};
        if (devices[i].slots > most)
            devices[i].slots = most;
    }
    /* A processor takes a cluster from one device; up to 6.14 what its slot cache holds. */
    uint32_t turn = mm->config->swap.slot_lock == SLOT_LOCK_DEVICE ? SLOT_CACHE : CLUSTER_SLOTS;
    slot_map_init(&swap->numbers, mm->cold, mm->topology.cpus, devices, count, turn,
                  (enum cluster_order)mm->config->swap.cluster_order);
}

void swap_init(struct swap *swap, struct mm *mm, struct zswap *zswap)
{
    const struct config *config = mm->config;
    swap->mm = mm;
    swap->zswap = zswap;
    swap->backing = config->swap.backing.policy->hooks;
    swap->backing_params = config->swap.backing.params;
    swap->takes_slot_on_entry = swap->backing->takes_slot_on_entry;
    swap->device_count = swap->backing->ignores_devices ? 0 : (uint32_t)config->swap.device_count;
    swap->devices = memory_zeroed(swap->device_count, sizeof(*swap->devices), "swap devices");
    for (uint32_t i = 0; i < swap->device_count; i++) {
        const struct swap_device_config *device = &config->swap.devices[i];
        device_init(&swap->devices[i], mm, device, mm->seed + i);
        swap->slots += swap->devices[i].slots;
        swap->rotational |= device->rotational;
        swap->has_zram |= device->type == DEVICE_ZRAM;
        swap->has_synchronous |= device->synchronous;
        if (swap->devices[i].interrupt_cpu != NO_CPU)
            lru_take_interrupts(mm, swap->devices[i].interrupt_cpu);
    }
    /* A name for every page, and for what each processor's cluster leaves unused. */
    swap->names = swap->slots;
    if (!swap->takes_slot_on_entry)
        swap->names = mm->address_count + (uint64_t)CLUSTER_SLOTS * (mm->topology.cpus + 1);
    swap->slot_lock_count =
        config->swap.slot_lock == SLOT_LOCK_DEVICE ? 1 : mm->address_count / CLUSTER_SLOTS + 1;
    if (swap->slot_lock_count > SLOT_LOCKS_AT_MOST)
        swap->slot_lock_count = SLOT_LOCKS_AT_MOST;
    swap->slot_locks =
        memory_mapped(swap->slot_lock_count * sizeof(*swap->slot_locks), "locks of swap slots");
    for (uint32_t i = 0; i < swap->slot_lock_count; i++)
        cache_line_init(&swap->slot_locks[i].line, &mm->events->settled_ns);
    cache_line_init(&swap->cgroup_lock.line, &mm->events->settled_ns);
    cache_line_init(&swap->free_slots, &mm->events->settled_ns);
    swap->slot_caches =
        memory_zeroed(mm->topology.cpus, sizeof(*swap->slot_caches), "the slot caches");
    swap->evictions.key = NO_RUN;
    swap->readahead_hits = (uint32_t)config->vm.swapin_readahead_hits;
    bool places = swap->device_count > 1 || swap->has_zram;
    swap->numbered_when_written = places && !swap->takes_slot_on_entry;
    /* A name without a place on a device has no neighbours there. */
    swap->rotational &= !swap->numbered_when_written;
    /* shmem_swapin_cluster() looks at the neighbours of a slot on any device. */
    swap->numbered = places || ((swap->rotational || has_files(mm)) && readahead_possible(config));
    mm->keeps_lengths = !swap->numbered;
    if (swap->numbered)
        number_slots(swap);
    mm->swap = swap;
    mm->evicts_in_runs = !mm->tlb; /* which forgets pages one by one */
    mm->swap_hooks = (struct mm_swap_hooks){
        .take_slot = swap_take_slot,
        .write = swap_write,
        .evict = eviction_run_evict,
        .end_evictions = eviction_run_end,
        .flush_plug = swap_flush_plug,
        .settle_writes = swap_settle_writes,
        .wait_for_write = swap_wait_for_write,
        .free_slot = swap_free_slot,
        .room = swap_has_room,
        .half_full = swap_half_full,
        .shrink_slab = zswap_shrink_slab,
        .prefetch = swap_prefetch,
        .memcg_offline = zswap_memcg_offline,
    };
}

void swap_release(struct swap *swap)
{
    for (uint32_t i = 0; i < swap->device_count; i++)
        device_release(&swap->devices[i]);
    free(swap->devices);
    for (uint32_t i = 0; i < swap->slot_lock_count; i++)
        cache_line_release(&swap->slot_locks[i].line);
    cache_line_release(&swap->cgroup_lock.line);
    cache_line_release(&swap->free_slots);
    memory_unmap(swap->slot_locks, swap->slot_lock_count * sizeof(*swap->slot_locks));
    free(swap->slot_caches);
    pending_writes_release(&swap->writes);
    slot_map_release(&swap->numbers);
}

bool swap_may_run(const struct swap *swap)
{
    const struct mm *mm = swap->mm;
    const struct zswap *zswap = swap->zswap;
    return mm->keeps_lengths && zswap->lru->group_of_pool && !zswap->lru->one_list &&
           zswap->zpools == 1 && zswap->config->zswap.limit_rule == LIMIT_EXACT;
}

/* ---- slots --------------------------------------------------------------------- */

/* get_nr_swap_pages() and the cgroup's headroom */
bool swap_has_room(const void *state, uint32_t memcg)
{
    const struct swap *swap = state;
    return !swap->backing->needs_device || swap_device_has_room(swap, memcg);
}

uint64_t swap_pages(const struct swap *swap)
{
    const struct mm *mm = swap->mm;
    uint64_t pages = swap->zswap->stored_pages;
    for (uint32_t memcg = 0; memcg < mm->memcg_count; memcg++)
        pages += mm->memcgs[memcg].swap_cache_pages + mm->memcgs[memcg].disk_pages +
                 mm->memcgs[memcg].zero_pages;
    return pages;
}

bool swap_take_backing(struct swap *swap, uint32_t page)
{
    uint32_t memcg = page_memcg(swap->mm, page);
    if (swap->takes_slot_on_entry)
        return true;
    if (!swap_device_has_room(swap, memcg))
        return false;
    swap_charge_slot(swap, memcg);
    return true;
}

void swap_drop_backing(struct swap *swap, uint32_t page)
{
    if (!swap->takes_slot_on_entry)
        swap_uncharge_slot(swap, page_memcg(swap->mm, page));
}

bool swap_half_full(const void *state, uint32_t memcg)
{
    return swap_device_is_half_full(state, memcg);
}

/* The page's number is free again, and with it what a zram device has there. */
static void release_number(struct swap *swap, struct exec *exec, uint32_t page)
{
    struct slot_map *numbers = &swap->numbers;
    uint32_t slot = numbers->cold[page].slot;
    struct zram *zram = swap_device_of(swap, page)->zram;
    if (zram)
        zram_discard(zram, exec, slot_map_offset(numbers, slot));
    slot_map_free(numbers, page);
}

/* Take the lock of a page's slot, or only every 64th time that of the device. */
static inline __attribute__((always_inline)) void lock_slot(struct swap *swap, struct exec *exec,
                                                            uint32_t page, uint8_t *cached)
{
    struct mm *mm = swap->mm;
    uint64_t hold_ns = mm->costs->ns[COST_slot_lock_hold];
    bool of_device = mm->config->swap.slot_lock == SLOT_LOCK_DEVICE;
    if (of_device) {
        *cached = (uint8_t)(*cached + 1) % SLOT_CACHE;
        if (*cached)
            return;
        hold_ns *= SLOT_CACHE;
    }
    if (mm->one_at_a_time) { /* the lock is not even looked for */
        count_own_lock(mm, exec, LOCK_swap_slot, 1, wait_begins(mm, exec),
                       mm->costs->ns[COST_lock_uncontended] + hold_ns);
        return;
    }
    uint32_t number = swap_lock_number(swap, page);
    if (swap->numbered && !of_device)
        number = swap->numbers.cold[page].slot / CLUSTER_SLOTS % swap->slot_lock_count;
    spend_lock_wait(mm, exec, TIME_slot_lock_wait, LOCK_swap_slot, &swap->slot_locks[number],
                    hold_ns);
    spend_on_counter(mm, exec, &swap->free_slots);
}

/* mem_cgroup_try_charge_swap and mem_cgroup_uncharge_swap: the cgroup's swap counter, a
 * reference to its number, and the slot's record of it. */
static inline void write_slot_charge(struct swap *swap, struct exec *exec, uint32_t memcg)
{
    struct mm *mm = swap->mm;
    memcg_write_counters(mm, exec, memcg, LINE_SWAP);
    if (mm->topology.cpus > 1) /* else where it is is not even looked up */
        spend_on_counter(mm, exec, &mm->memcgs[memcg].lines[LINE_ID]);
    if (mm->config->swap.cgroup_lock == SWAP_CGROUP_LOCK_DEVICE)
        spend_lock_wait(mm, exec, TIME_swap_cgroup_lock_wait, LOCK_swap_cgroup, &swap->cgroup_lock,
                        mm->costs->ns[COST_slot_lock_hold]);
}

/* Room on the devices and under memory.swap.max, its own and those above; what is in the way is
 * told to the cgroup that asks (mem_cgroup_try_charge_swap). */
static bool slot_is_allowed(struct swap *swap, uint32_t memcg, uint32_t node)
{
    struct mm *mm = swap->mm;
    if (swap->slots_used >= swap->slots) {
        count_event(mm, memcg, node, COUNTER_swap_fail, 1);
        return false;
    }
    for (struct memcg *at = &mm->memcgs[memcg]; at; at = at->above)
        if (at->swap_usage >= at->swap_max) {
            count_event(mm, memcg, node, COUNTER_swap_max, 1);
            count_event(mm, memcg, node, COUNTER_swap_fail, 1);
            return false;
        }
    return true;
}

void swap_spend_on_slot(struct swap *swap, struct exec *exec, uint32_t page, uint32_t memcg)
{
    lock_slot(swap, exec, page, &swap->slot_caches[exec->cpu].ready);
    write_slot_charge(swap, exec, memcg);
}

bool swap_take_slot(void *state, struct exec *exec, uint32_t page)
{
    struct swap *swap = state;
    struct mm *mm = swap->mm;
    uint32_t memcg = page_memcg(mm, page);
    if (swap->takes_slot_on_entry && !slot_is_allowed(swap, memcg, page_node(mm, page)))
        return false;
    if (swap->numbered && !swap->numbered_when_written &&
        slot_map_take(&swap->numbers, exec->cpu, page) == NO_SLOT)
        return false;
    swap_spend_on_slot(swap, exec, page, memcg);
    swap->slots_taken++;
    swap->newest_slot_page = page;
    if (swap->takes_slot_on_entry)
        swap_charge_slot(swap, memcg);
    mm->memcgs[memcg].swap_cache_pages++;
    mm->cold[page].bits |= PAGE_HAS_SLOT;
    return true;
}

void swap_free_slot(void *state, struct exec *exec, uint32_t page)
{
    struct swap *swap = state;
    struct mm *mm = swap->mm;
    struct page_cold *cold = &mm->cold[page];
    uint32_t memcg = page_memcg(mm, page);
    bool in_ram = mm->hot[page] & HOT_IN_RAM;
    lock_slot(swap, exec, page, &swap->slot_caches[exec->cpu].returned);
    write_slot_charge(swap, exec, memcg);
    if (cold->bits & PAGE_IN_ZSWAP)
        zswap_invalidate(swap->zswap, exec, page);
    if (in_ram) {
        mm->memcgs[memcg].swap_cache_pages--;
        cold->bits |= PAGE_DIRTY; /* the only copy now */
    } else if (cold->bits & PAGE_ON_DISK) {
        mm->memcgs[memcg].disk_pages--;
    } else if (cold->bits & PAGE_ZERO_MARK) {
        mm->memcgs[memcg].zero_pages--;
    }
    if (swap->numbered && (!swap->numbered_when_written || (cold->bits & PAGE_ON_DISK)))
        release_number(swap, exec, page);
    if (swap->takes_slot_on_entry || (cold->bits & PAGE_ON_DISK))
        swap_uncharge_slot(swap, memcg);
    cold->bits &= ~(uint32_t)(PAGE_HAS_SLOT | PAGE_ON_DISK | PAGE_ZERO_MARK);
}

/* ---- out -------------------------------------------------------------------------- */

/* end_swap_bio_write and folio_end_writeback */
static void complete_write(struct swap *swap, uint32_t page)
{
    struct mm *mm = swap->mm;
    struct page_cold *cold = &mm->cold[page];
    mm->writes_under_way--;
    if (!(cold->bits & PAGE_WRITEBACK))
        return; /* its owner dropped it meanwhile */
    cold->bits &= ~(uint32_t)PAGE_WRITEBACK;
    if (cold->bits & PAGE_RECLAIM) {
        cold->bits &= ~(uint32_t)PAGE_RECLAIM;
        lru_rotate_reclaimable(mm, swap_device_of(swap, page)->interrupt_cpu, page);
    }
}

void swap_settle_writes(void *state, uint64_t now_ns)
{
    struct swap *swap = state;
    uint32_t page;
    while (pending_writes_take(&swap->writes, now_ns, &page))
        complete_write(swap, page);
}

static void write_ends(void *state, uint64_t now_ns, uint64_t argument)
{
    (void)argument;
    swap_settle_writes(state, now_ns);
}

void swap_wait_for_write(void *state, struct exec *exec, uint32_t page)
{
    struct swap *swap = state;
    struct mm *mm = swap->mm;
    eviction_run_end(swap); /* others have their turns meanwhile */
    swap_dispatch_writes(swap, exec);
    if (exec->plug)
        swap_flush_plug(swap, exec); /* as whoever goes to sleep does */
    uint64_t done_ns = pending_writes_end(&swap->writes, page);
    if (done_ns == UINT64_MAX)
        return;
    if (done_ns > exec->now_ns)
        spend_asleep(mm, exec, done_ns);
    events_catch_up(mm->events, exec->now_ns);
    swap_settle_writes(swap, exec->now_ns);
}

bool swap_slot_is_synchronous(const struct swap *swap, uint32_t page)
{
    bool on_device = swap->takes_slot_on_entry || (swap->mm->cold[page].bits & PAGE_ON_DISK);
    return on_device && swap->device_count && swap_device_of(swap, page)->config->synchronous;
}

/* Hand one prepared request, of the given pages, to its device. */
static void submit_write(struct swap *swap, struct exec *exec, struct device *device,
                         const uint32_t *pages, uint32_t count)
{
    struct mm *mm = swap->mm;
    uint64_t submitted_ns;
    uint64_t done_ns = device_submit(device, true, count, exec->now_ns, &submitted_ns);
    if (device->config->synchronous)
        submitted_ns = done_ns;
    spend_asleep(mm, exec, submitted_ns);
    if (device->config->synchronous)
        return;
    for (uint32_t i = 0; i < count; i++)
        pending_writes_add(&swap->writes, done_ns, pages[i]);
    events_schedule(mm->events, done_ns, RANK_DEVICE, write_ends, swap, 0);
}

void swap_dispatch_writes(struct swap *swap, struct exec *exec)
{
    uint32_t count = swap->held_write_count;
    swap->held_write_count = 0;
    for (uint32_t i = 0; i < count; i++)
        submit_write(swap, exec, swap->held_writes[i].device, &swap->held_writes[i].page, 1);
}

/* A scheduler has the request until kblockd has a processor: at once where one is idle.
 * When its requests are used up the submitter sleeps, and kblockd has this one. */
static void hold_write(struct swap *swap, struct exec *exec, struct device *device, uint32_t page)
{
    bool idle = processors_find_idle(swap->mm->processors, NO_CPU) != NO_CPU;
    if (swap->held_write_count == HELD_WRITES_AT_MOST)
        swap_dispatch_writes(swap, exec);
    swap->held_writes[swap->held_write_count].page = page;
    swap->held_writes[swap->held_write_count++].device = device;
    if (idle)
        swap_dispatch_writes(swap, exec);
}

void swap_flush_plug(void *state, struct exec *exec)
{
    struct swap *swap = state;
    struct write_plug *plug = exec->plug;
    for (uint32_t i = 0, count; i < plug->count; i += count) {
        struct device *device = &swap->devices[plug->devices[i]];
        bool merge = device->config->merge;
        for (count = 1; merge && i + count < plug->count && plug->continues[i + count];)
            count++;
        submit_write(swap, exec, device, plug->pages + i, count);
    }
    plug->count = plug->requests = 0;
}

/* Does this write go to the slot behind the last one's?  Slots are taken one after
 * the other; a page that has had its slot for longer is taken to have it next to
 * the page before it. */
static bool continues_request(const struct swap *swap, const struct write_plug *plug, uint32_t page,
                              uint8_t device, uint64_t slot_taken)
{
    uint32_t last = plug->pages[plug->count - 1];
    if (swap->numbered)
        return swap->numbers.cold[page].slot == plug->last_slot + 1 &&
               device == plug->devices[plug->count - 1];
    if (slot_taken || plug->last_slot_taken)
        return slot_taken == plug->last_slot_taken + 1;
    return page_address(swap->mm, page) == page_address(swap->mm, last) + 1;
}

/* blk_attempt_plug_merge, else blk_add_rq_to_plug */
static void add_to_plug(struct swap *swap, struct exec *exec, const struct device *to,
                        uint32_t page)
{
    struct write_plug *plug = exec->plug;
    uint8_t device = (uint8_t)(to - swap->devices);
    uint64_t slot_taken = swap->newest_slot_page == page ? swap->slots_taken : 0;
    bool continues = plug->count && plug->count < PLUG_PAGES &&
                     continues_request(swap, plug, page, device, slot_taken);
    if (continues) {
        plug->last_request_pages++;
    } else {
        if (plug->count == PLUG_PAGES || plug->requests == PLUG_REQUESTS ||
            (plug->requests && plug->last_request_pages >= PLUG_REQUEST_PAGES))
            swap_flush_plug(swap, exec);
        plug->requests++;
        plug->last_request_pages = 1;
    }
    plug->devices[plug->count] = device;
    plug->continues[plug->count] = continues;
    plug->pages[plug->count++] = page;
    if (swap->numbered)
        plug->last_slot = swap->numbers.cold[page].slot;
    plug->last_slot_taken = slot_taken;
}

/* zram_write_page.  When it fails the page stays in RAM, dirty, with its slot
 * (end_swap_bio_write). */
static enum swap_write_result write_to_zram(struct swap *swap, struct exec *exec, struct zram *zram,
                                            uint32_t page)
{
    struct mm *mm = swap->mm;
    const struct address_space *space = page_space(mm, page);
    uint32_t block = slot_map_offset(&swap->numbers, swap->numbers.cold[page].slot);
    if (zram_write(zram, exec, block, (struct zram_data){space->content, page - space->first_page}))
        return SWAP_WRITTEN;
    mm->cold[page].bits &= ~(uint32_t)PAGE_ON_DISK;
    mm->cold[page].bits |= PAGE_DIRTY;
    if (swap->numbered_when_written)
        release_number(swap, exec, page);
    swap_drop_backing(swap, page);
    return SWAP_FAILED;
}

enum swap_write_result swap_write_to_device(struct swap *swap, struct exec *exec, uint32_t page)
{
    struct mm *mm = swap->mm;
    count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_pswpout, 1);
    mm->cold[page].bits |= PAGE_ON_DISK;
    if (swap->numbered_when_written)
        slot_map_take(&swap->numbers, exec->cpu, page); /* there is room: swap_take_backing() */
    struct device *device = swap_device_of(swap, page);
    if (device->zram)
        return write_to_zram(swap, exec, device->zram, page);
    mm->counters[COUNTER_disk_writes]++;
    spend_cost(mm, exec, TIME_swap_io_cpu, COST_disk_submit_write);
    if (device->config->synchronous) {
        submit_write(swap, exec, device, &page, 1);
        return SWAP_WRITTEN;
    }
    mm->cold[page].bits |= PAGE_WRITEBACK;
    mm->writes_under_way++;
    if (exec->plug)
        add_to_plug(swap, exec, device, page);
    else if (device->config->io_scheduler)
        hold_write(swap, exec, device, page);
    else
        submit_write(swap, exec, device, &page, 1);
    return SWAP_UNDER_WAY;
}

static bool contents_are_zero(struct mm *mm, uint32_t page)
{
    const struct address_space *space = page_space(mm, page);
    return content_kind(space->content, page - space->first_page) == CONTENT_ZERO;
}

enum swap_write_result swap_write(void *state, struct exec *exec, uint32_t page)
{
    struct swap *swap = state;
    struct mm *mm = swap->mm;
    struct page_cold *cold = &mm->cold[page];
    swap_settle_due_writes(swap, exec);
    if ((cold->bits & PAGE_ON_DISK) && swap->numbered_when_written)
        release_number(swap, exec, page);
    if (cold->bits & PAGE_ON_DISK)
        swap_drop_backing(swap, page);
    cold->bits &= ~(uint32_t)(PAGE_ON_DISK | PAGE_ZERO_MARK); /* whatever was there is old */
    spend_distance(mm, exec, page_node(mm, page), PAGE_BYTES);
    if (mm->config->vm.zero_map) {
        spend_cost(mm, exec, TIME_swap_io_cpu, COST_zero_page_check);
        if (!known_length(mm, page) && contents_are_zero(mm, page)) {
            cold->bits |= PAGE_ZERO_MARK;
            count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_swpout_zero, 1);
            return SWAP_WRITTEN;
        }
    }
    if (zswap_store(swap->zswap, exec, page))
        return SWAP_WRITTEN;
    /* Others ran while stores were being refused. */
    if (!(mm->hot[page] & HOT_IN_RAM))
        return SWAP_PAGE_GONE;
    if (!zswap_writeback_allowed(swap->zswap, page_memcg(mm, page)) ||
        !swap_take_backing(swap, page)) {
        count_event(mm, page_memcg(mm, page), page_node(mm, page), COUNTER_unbacked_activate, 1);
        return SWAP_KEEP_ACTIVE;
    }
    return swap_write_to_device(swap, exec, page);
}

void swap_prefetch(const void *state, uint32_t page)
{
    const struct swap *swap = state;
    const struct zswap *zswap = swap->zswap;
    if (page_is_clean(swap->mm->cold[page].bits, swap->mm->hot[page]))
        return; /* with a pool that is full most are */
    swap_prefetch_lock(swap, page);
    uint32_t length = known_length(swap->mm, page);
    if (length) { /* its contents will not be looked at again */
        if (zswap->allocator->prefetch_alloc && length < PAGE_BYTES)
            zswap->allocator->prefetch_alloc(zswap->pools[zswap->order[0]].zpools->state, length);
        return;
    }
    const struct address_space *space = page_space(swap->mm, page);
    uint32_t number = page - space->first_page;
    content_prefetch_length(space->content, number, zswap->pools[zswap->order[0]].compressor);
    content_prefetch_kind(space->content, number);
}

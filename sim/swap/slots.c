#include "sim/swap/slots.h"

#include <stdlib.h>

#include "sim/base/memory.h"

enum { NO_CLUSTER = UINT32_MAX };

/* ---- lists of clusters -------------------------------------------------------- */

static void list_remove(struct slot_map *map, uint32_t cluster)
{
    struct cluster_link *at = &map->clusters[cluster];
    if (!at->list)
        return;
    *(at->previous == NO_CLUSTER ? &at->list->first : &map->clusters[at->previous].next) = at->next;
    *(at->next == NO_CLUSTER ? &at->list->last : &map->clusters[at->next].previous) = at->previous;
    at->list = NULL;
}

/* move_cluster: to the end. */
static void list_append(struct slot_map *map, struct cluster_list *list, uint32_t cluster)
{
    struct cluster_link *at = &map->clusters[cluster];
    list_remove(map, cluster);
    *at = (struct cluster_link){.previous = list->last, .next = NO_CLUSTER, .list = list};
    *(list->last == NO_CLUSTER ? &list->first : &map->clusters[list->last].next) = cluster;
    list->last = cluster;
}

/* ---- set-up ------------------------------------------------------------------ */

static uint32_t clusters_for(uint64_t slots)
{
    return (uint32_t)((slots + 1 + CLUSTER_SLOTS - 1) / CLUSTER_SLOTS);
}

static void area_init(struct slot_area *area, const struct slot_device *device, uint32_t first,
                      uint32_t cpus, enum cluster_order order)
{
    area->first_cluster = first;
    area->clusters = clusters_for(device->slots);
    area->slots = (uint32_t)device->slots;
    area->priority = device->priority;
    /* si->global_cluster from 6.14 on; before, cluster_next, one place for all as well, which is
     * not modelled up to 6.11. */
    area->one_cluster = device->rotational && order != CLUSTER_FREE;
    area->scan_from = first * CLUSTER_SLOTS;
    area->free = area->nonfull = area->frag = (struct cluster_list){NO_CLUSTER, NO_CLUSTER};
    area->of_cpu = memory_zeroed(cpus, sizeof(*area->of_cpu), "swap clusters");
    for (uint32_t cpu = 0; cpu < cpus; cpu++)
        area->of_cpu[cpu].cluster = NO_CLUSTER;
}

/* setup_clusters: slots that there are not, the header and those behind the end, count as
 * used; from 6.12 on, that leaves their clusters no free ones. */
static void clusters_init(struct slot_map *map, struct slot_area *area)
{
    uint32_t first = area->first_cluster, last = first + area->clusters - 1;
    if (map->order != CLUSTER_FREE) {
        map->cluster_used[first]++;
        map->cluster_used[last] += (uint16_t)(area->clusters * CLUSTER_SLOTS - 1 - area->slots);
    }
    for (uint32_t i = first; i <= last; i++)
        list_append(map, map->cluster_used[i] ? &area->nonfull : &area->free, i);
}

/* Put a device behind those of its priority or a higher one. */
static void queue_insert(struct slot_map *map, uint32_t count, uint32_t number)
{
    uint32_t at = count;
    for (; at > 0 && map->areas[map->queue[at - 1]].priority < map->areas[number].priority; at--)
        map->queue[at] = map->queue[at - 1];
    map->queue[at] = number;
}

void slot_map_init(struct slot_map *map, struct page_cold *cold, uint32_t cpus,
                   const struct slot_device *devices, uint32_t count, uint32_t slots_a_turn,
                   enum cluster_order order)
{
    *map = (struct slot_map){.cold = cold,
                             .cpus = cpus,
                             .area_count = count,
                             .slots_a_turn = slots_a_turn,
                             .order = order};
    map->areas = memory_zeroed(count, sizeof(*map->areas), "swap devices");
    for (uint32_t i = 0; i < count; i++) {
        area_init(&map->areas[i], &devices[i], map->cluster_count, cpus, order);
        map->cluster_count += map->areas[i].clusters;
        queue_insert(map, i, i);
    }
    map->page_of_slot = memory_mapped((size_t)map->cluster_count * CLUSTER_SLOTS * sizeof(uint32_t),
                                      "the swap map");
    map->cluster_used =
        memory_zeroed(map->cluster_count, sizeof(*map->cluster_used), "swap clusters");
    map->turn = memory_zeroed(cpus, sizeof(*map->turn), "swap clusters");
    map->clusters = memory_zeroed(map->cluster_count, sizeof(*map->clusters), "swap clusters");
    for (uint32_t i = 0; i < count; i++)
        clusters_init(map, &map->areas[i]);
}

void slot_map_release(struct slot_map *map)
{
    if (!map->areas)
        return;
    for (uint32_t i = 0; i < map->area_count; i++)
        free(map->areas[i].of_cpu);
    memory_unmap(map->page_of_slot, (size_t)map->cluster_count * CLUSTER_SLOTS * sizeof(uint32_t));
    free(map->areas);
    free(map->cluster_used);
    free(map->turn);
    free(map->clusters);
}

/* ---- one device ---------------------------------------------------------------- */

static bool slot_is_free(const struct slot_map *map, const struct slot_area *area, uint32_t slot)
{
    uint32_t offset = slot - area->first_cluster * CLUSTER_SLOTS;
    return map->page_of_slot[slot] == 0 && offset != 0 && offset <= area->slots;
}

/* The next cluster to take slots from; NO_CLUSTER: no list has one. */
static uint32_t next_cluster(const struct slot_map *map, const struct slot_area *area)
{
    uint32_t unused = area->free.first, nonfull = area->nonfull.first;
    if (map->order == CLUSTER_FREE)
        return unused;
    uint32_t first = map->order == CLUSTER_NONFULL_FREE ? nonfull : unused;
    uint32_t second = map->order == CLUSTER_NONFULL_FREE ? unused : nonfull;
    if (first != NO_CLUSTER)
        return first;
    return second != NO_CLUSTER ? second : area->frag.first;
}

/* relocate_cluster: slots have been looked for in it.  What it has left is for later, until one
 * more is given back. */
static void relocate(struct slot_map *map, struct slot_area *area, uint32_t cluster)
{
    uint32_t used = map->cluster_used[cluster];
    if (map->order == CLUSTER_FREE || used == CLUSTER_SLOTS)
        list_remove(map, cluster);
    else if (used && map->clusters[cluster].list != &area->frag)
        list_append(map, &area->frag, cluster);
}

/* alloc_swap_scan_cluster: the processor's cluster, next free slot upward. */
static uint32_t take_from_cluster(struct slot_map *map, struct slot_area *area, uint32_t cpu)
{
    uint32_t *cluster = &area->of_cpu[cpu].cluster, *next = &area->of_cpu[cpu].next;
    if (*cluster == NO_CLUSTER)
        return NO_SLOT;
    if (map->order != CLUSTER_FREE && map->cluster_used[*cluster] == 0)
        *next = 0; /* all of it has come free again */
    while (*next < CLUSTER_SLOTS) {
        uint32_t slot = *cluster * CLUSTER_SLOTS + (*next)++;
        if (slot_is_free(map, area, slot))
            return slot;
    }
    relocate(map, area, *cluster);
    *cluster = NO_CLUSTER;
    return NO_SLOT;
}

/* The slot is taken.  From 6.12 on the processor goes on in its cluster only while it is not
 * full and not at its end: who comes back to one that has been used up finds what was given back
 * there by way of the lists. */
static void note_taken(struct slot_map *map, struct slot_area *area, uint32_t cpu, uint32_t slot)
{
    uint32_t cluster = slot / CLUSTER_SLOTS;
    area->used++;
    map->cluster_used[cluster]++;
    relocate(map, area, cluster);
    if (map->order != CLUSTER_FREE && area->of_cpu[cpu].cluster == cluster &&
        (map->cluster_used[cluster] == CLUSTER_SLOTS || area->of_cpu[cpu].next == CLUSTER_SLOTS))
        area->of_cpu[cpu].cluster = NO_CLUSTER;
}

/* The processor's current cluster, else one of the lists; else the first free slot
 * from where the last search ended. */
static uint32_t find_slot(struct slot_map *map, struct slot_area *area, uint32_t cpu)
{
    if (area->used >= area->slots)
        return NO_SLOT;
    for (;;) {
        uint32_t slot = take_from_cluster(map, area, cpu);
        if (slot != NO_SLOT)
            return slot;
        uint32_t cluster = next_cluster(map, area);
        if (cluster == NO_CLUSTER)
            break;
        list_remove(map, cluster);
        area->of_cpu[cpu].cluster = cluster;
        area->of_cpu[cpu].next = 0;
    }
    uint32_t first = area->first_cluster * CLUSTER_SLOTS, slots = area->clusters * CLUSTER_SLOTS;
    for (uint32_t tried = 0; tried < slots; tried++) {
        uint32_t slot = first + (area->scan_from - first + tried) % slots;
        if (slot_is_free(map, area, slot)) {
            area->scan_from = slot + 1;
            return slot;
        }
    }
    return NO_SLOT;
}

static uint32_t take_from_area(struct slot_map *map, struct slot_area *area, uint32_t cpu)
{
    uint32_t filler = area->one_cluster ? 0 : cpu;
    uint32_t slot = find_slot(map, area, filler);
    if (slot != NO_SLOT)
        note_taken(map, area, filler, slot);
    return slot;
}

/* free_cluster and partial_free_cluster.  Up to 6.11 a cluster that is still being
 * filled is on no list. */
static void note_given_back(struct slot_map *map, struct slot_area *area, uint32_t cluster)
{
    bool unused = map->cluster_used[cluster] == 0;
    for (uint32_t cpu = 0; map->order == CLUSTER_FREE && cpu < map->cpus; cpu++)
        if (area->of_cpu[cpu].cluster == cluster)
            return;
    if (unused)
        list_append(map, &area->free, cluster);
    else if (map->order != CLUSTER_FREE && map->clusters[cluster].list != &area->nonfull)
        list_append(map, &area->nonfull, cluster);
}

/* ---- all devices ---------------------------------------------------------------- */

/* plist_requeue: behind the others of its priority. */
static void requeue(struct slot_map *map, uint32_t at)
{
    uint32_t number = map->queue[at];
    uint64_t priority = map->areas[number].priority;
    for (; at + 1 < map->area_count && map->areas[map->queue[at + 1]].priority == priority; at++)
        map->queue[at] = map->queue[at + 1];
    map->queue[at] = number;
}

/* The first device in the queue with a free slot; its turn begins. */
static uint32_t take_from_queue(struct slot_map *map, uint32_t cpu)
{
    for (uint32_t at = 0; at < map->area_count; at++) {
        uint32_t number = map->queue[at];
        uint32_t slot = take_from_area(map, &map->areas[number], cpu);
        if (slot == NO_SLOT)
            continue;
        requeue(map, at);
        map->turn[cpu].area = number;
        map->turn[cpu].left = map->slots_a_turn - 1;
        return slot;
    }
    return NO_SLOT;
}

uint32_t slot_map_take(struct slot_map *map, uint32_t cpu, uint32_t page)
{
    uint32_t slot = NO_SLOT;
    if (map->turn[cpu].left) {
        map->turn[cpu].left--;
        slot = take_from_area(map, &map->areas[map->turn[cpu].area], cpu);
    }
    if (slot == NO_SLOT)
        slot = take_from_queue(map, cpu);
    if (slot == NO_SLOT)
        return NO_SLOT;
    map->cold[page].slot = slot;
    map->page_of_slot[slot] = page + 1;
    return slot;
}

void slot_map_free(struct slot_map *map, uint32_t page)
{
    uint32_t slot = map->cold[page].slot, cluster = slot / CLUSTER_SLOTS;
    struct slot_area *area = &map->areas[slot_map_device(map, slot)];
    map->cold[page].slot = NO_SLOT;
    map->page_of_slot[slot] = 0;
    area->used--;
    map->cluster_used[cluster]--;
    note_given_back(map, area, cluster);
}

uint32_t slot_map_device(const struct slot_map *map, uint32_t slot)
{
    uint32_t device = map->area_count - 1;
    while (slot / CLUSTER_SLOTS < map->areas[device].first_cluster)
        device--;
    return device;
}

uint32_t slot_map_offset(const struct slot_map *map, uint32_t slot)
{
    return slot - map->areas[slot_map_device(map, slot)].first_cluster * CLUSTER_SLOTS;
}

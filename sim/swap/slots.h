/* Numbers of swap slots over several devices.
 *
 * A number says the device, as the type in a swp_entry_t does: every device has
 * the numbers of its own run of clusters.  The first number of a device is its
 * header and belongs to no page.  A processor fills a cluster of its own; devices
 * of equal priority take turns, and one of lower priority is used while those
 * above it are full. */
#ifndef ZSIM_SWAP_SLOTS_H
#define ZSIM_SWAP_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/config.h"
#include "sim/mm/page.h"

/* SWAPFILE_CLUSTER on x86-64 with THP swap */
enum { CLUSTER_SLOTS = 512, NO_SLOT = 0 };

struct slot_device {
    uint64_t slots, priority; /* pages; higher is filled first */
    bool rotational;          /* with orders of 6.12 and later all processors fill one cluster */
};

/* The numbers of one device: clusters first_cluster .. first_cluster + clusters - 1. */
struct slot_area {
    uint32_t first_cluster, clusters;
    uint32_t slots, used;
    uint64_t priority;
    bool one_cluster; /* all processors take from of_cpu[0] */
    struct cluster_list {
        uint32_t first, last;
    } free, nonfull, frag; /* clusters without a slot in use; with one that was given back; with
                              unused ones, since slots were last looked for in it */
    uint32_t scan_from;    /* where to look when no cluster is free */
    struct {
        uint32_t cluster, next;
    } * of_cpu; /* [cpus]: where the next slot comes from */
};

struct slot_map {
    uint32_t cpus;
    struct page_cold *cold; /* which have their pages' slots */
    uint32_t *page_of_slot; /* page + 1; 0: free */
    uint16_t *cluster_used; /* [clusters] */
    struct cluster_link {
        uint32_t previous, next;
        struct cluster_list *list; /* NULL: on none */
    } * clusters;                  /* [clusters] */
    uint32_t cluster_count;
    enum cluster_order order;
    struct slot_area *areas; /* [area_count], as configured */
    uint32_t area_count;
    uint32_t queue[SWAP_DEVICES_AT_MOST]; /* devices by priority, the next of equals first */
    uint32_t slots_a_turn;                /* slots that a processor takes from a device at once */
    struct {
        uint32_t area, left;
    } * turn; /* [cpus] */
};

/* `devices` lie one after the other, `slots_a_turn` > 0. */
void slot_map_init(struct slot_map *map, struct page_cold *cold, uint32_t cpus,
                   const struct slot_device *devices, uint32_t count, uint32_t slots_a_turn,
                   enum cluster_order order);
void slot_map_release(struct slot_map *map);

/* Give a page that has none a slot; NO_SLOT: all are taken. */
uint32_t slot_map_take(struct slot_map *map, uint32_t cpu, uint32_t page);
void slot_map_free(struct slot_map *map, uint32_t page);

/* The device of a slot, and the slot's place on it (its first page is 1). */
uint32_t slot_map_device(const struct slot_map *map, uint32_t slot);
uint32_t slot_map_offset(const struct slot_map *map, uint32_t slot);

#endif

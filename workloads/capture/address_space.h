/* What a recorded process has mapped, and which page each address leads to:
 * mmap, munmap, brk, mremap, madvise, fork with copy on write, exec, exit. */
#ifndef ZSIM_WORKLOADS_CAPTURE_ADDRESS_SPACE_H
#define ZSIM_WORKLOADS_CAPTURE_ADDRESS_SPACE_H

#include <stdio.h>

#include "workloads/capture/recorder.h"

/* Something that is mapped by its offset: a file, or memory that is shared. */
struct mapped_object {
    char *name;        /* path; "" for shared anonymous memory */
    bool memory;       /* tmpfs, memfd, SysV or shared anonymous: swapped, not written back */
    bool dies;         /* its pages die with its last mapping */
    uint32_t mappings; /* regions that show it */
    struct object_group *groups;
    size_t group_count, group_room;
};

/* Objects are shared by all processes, and so are their pages and their space. */
struct mapped_objects {
    struct recorder *recorder;
    bool files; /* pages of files are recorded too */
    uint32_t shared_space, file_space;
    struct mapped_object **list;
    uint32_t count, room;
};

void mapped_objects_start(struct mapped_objects *objects, struct recorder *recorder, bool files);
void mapped_objects_stop(struct mapped_objects *objects);

/* The object of a path, made when there is none. */
uint32_t mapped_objects_find(struct mapped_objects *objects, const char *path);
/* A new one without a path: shared anonymous memory, a memfd. */
uint32_t mapped_objects_new(struct mapped_objects *objects, bool dies);

#define NO_OBJECT UINT32_MAX

/* A range of mapped addresses, in pages. */
struct mapped_region {
    uint64_t start, end;
    uint64_t offset; /* of `start` in the object */
    uint32_t object; /* NO_OBJECT: anonymous */
    enum native_region_kind kind;
    bool shared;
};

struct address_space {
    struct recorder *recorder;
    struct mapped_objects *objects;
    char name[64];                 /* of its space */
    uint32_t own_space;            /* NATIVE_NONE until it has a page of its own */
    struct mapped_region *regions; /* by address, without overlap */
    size_t region_count, region_room;
    struct page_group **groups; /* open addressing by number of the group, a power of two */
    size_t group_slots, group_count;
    struct page_group *last;
    uint64_t heap_start, heap_end; /* bytes; of brk */
    /* Ask for regions at an address that none covers; may be NULL. */
    void (*refresh)(void *context, struct address_space *space);
    void *refresh_context;
    bool has_stack;
    /* The access before: another one to the same page changes nothing as long as
     * no page has entered the window since. */
    uint64_t last_page, last_entries;
    bool last_written;
};

void address_space_start(struct address_space *space, struct mapped_objects *objects,
                         const char *name);
/* As the process exits or executes another program: all its pages lose a reference. */
void address_space_stop(struct address_space *space, uint32_t task);
/* Give back the memory without recording anything. */
void address_space_forget(struct address_space *space);
/* `child` is started and empty; it shows the parent's pages until one of them writes. */
void address_space_fork(struct address_space *parent, struct address_space *child);

/* Addresses and lengths in bytes. */
void address_space_map(struct address_space *space, uint32_t task, uint64_t address,
                       uint64_t length, struct mapped_region what);
void address_space_unmap(struct address_space *space, uint32_t task, uint64_t address,
                         uint64_t length);
/* madvise(MADV_DONTNEED, MADV_FREE): pages die, the mapping stays. */
void address_space_discard(struct address_space *space, uint32_t task, uint64_t address,
                           uint64_t length);
void address_space_move(struct address_space *space, uint32_t task, uint64_t from,
                        uint64_t old_length, uint64_t to, uint64_t new_length);
void address_space_brk(struct address_space *space, uint32_t task, uint64_t result);
/* Take over what a /proc/PID/maps says of addresses that no region covers. */
void address_space_read_maps(struct address_space *space, FILE *maps);

/* One access to the page of an address. */
void address_space_touch(struct address_space *space, uint32_t task, uint64_t address, bool write);

#endif

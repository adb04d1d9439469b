/* What a zsmalloc instance knows about its size classes, for tests and reports. */
#ifndef ZSIM_POLICIES_ALLOCATOR_ZSMALLOC_H
#define ZSIM_POLICIES_ALLOCATOR_ZSMALLOC_H

#include <stdbool.h>
#include <stdint.h>

struct zsmalloc_class {
    uint32_t index;   /* the kernel's class->index: nominal number of the largest merged class */
    uint32_t size;    /* bytes each object takes, its 8-byte handle included */
    uint32_t pages;   /* 4 KiB pages in a zspage */
    uint32_t objects; /* objects in a zspage */
};

/* The class that serves requests of `size` bytes (1..4096). */
struct zsmalloc_class zsmalloc_class_of_size(const void *state, uint32_t size);

/* Distinct classes after merging. */
uint32_t zsmalloc_class_count(const void *state);

#endif

/* What a content type gives to content.c: where kinds, bytes or lengths come from. */
#ifndef ZSIM_WORKLOADS_CONTENT_SOURCE_H
#define ZSIM_WORKLOADS_CONTENT_SOURCE_H

#include "workloads/content/content.h"

/* All functions are called from any thread and only read `state`. */
struct content_source {
    enum content_kind (*kind)(const void *state, uint32_t page);
    /* The bytes of a page; NULL: only lengths are known. */
    void (*bytes)(const void *state, uint32_t page, unsigned char out[PAGE_BYTES]);
    /* The length of a page where there are no bytes; NULL: compress the bytes. */
    uint32_t (*length)(const void *state, uint32_t page, unsigned compressor);
    bool (*knows)(const void *state, unsigned compressor); /* NULL: all compressors */
    void (*release)(void *state);
};

/* Wrap a source; takes `state` over. */
struct content *content_create(const struct content_source *source, void *state, uint32_t pages);

extern const struct content_type content_type_rule, content_type_emulator, content_type_profile,
    content_type_uniform;

#endif

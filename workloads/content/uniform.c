/* "content": {"type": "uniform"}: every page has the same length under every
 * compressor.  For closed-form checks; real contents are never like that. */
#include <stdlib.h>

#include "sim/base/memory.h"
#include "workloads/content/content_source.h"

struct uniform_params {
    uint64_t length;
};

static const struct param uniform_rows[] = {
    {.name = "length",
     .type = PARAM_BYTES,
     .offset = offsetof(struct uniform_params, length),
     .initial = "1365",
     .least = 1,
     .most = COMPRESSED_AT_MOST,
     .help = "compressed length of every page in bytes; above 4096: does not compress"},
};

static enum content_kind uniform_kind(const void *state, uint32_t page)
{
    (void)state;
    (void)page;
    return CONTENT_ORDINARY;
}

static uint32_t uniform_length(const void *state, uint32_t page, unsigned compressor)
{
    (void)page;
    (void)compressor;
    return *(const uint32_t *)state;
}

static const struct content_source uniform_source = {
    .kind = uniform_kind, .length = uniform_length, .release = free};

static struct content *uniform_open(const void *fields, uint32_t pages,
                                    const struct source_position *position,
                                    struct diagnostics *errors)
{
    const struct uniform_params *params = fields;
    if (params->length < 1 || params->length > COMPRESSED_AT_MOST) {
        diagnostics_add(errors, position, "length %llu: expected 1..%d bytes",
                        (unsigned long long)params->length, COMPRESSED_AT_MOST);
        return NULL;
    }
    uint32_t *length = memory_zeroed(1, sizeof(*length), "page contents");
    *length = (uint32_t)params->length;
    return content_create(&uniform_source, length, pages);
}

const struct content_type content_type_uniform = {
    .name = "uniform",
    .summary = "every page compresses to the same length",
    .params = PARAM_TABLE(uniform_rows, struct uniform_params),
    .open = uniform_open,
};

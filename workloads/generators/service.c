/* Type `service`: a server with more memory than it uses: requests, each for one object
 * that is chosen by popularity, beside objects that nobody asks for.
 *
 * Popular, unpopular and idle objects lie among each other, as on a heap: the object of
 * rank r is number r * stride modulo the objects, with a stride that has no divisor in
 * common with their number.  Everything follows from the number of the request, so that
 * a position needs no state. */
#include <inttypes.h>

#include "sim/base/random.h"
#include "sim/base/units.h"
#include "workloads/generators/single.h"

static const struct param service_rows[] = {
    SINGLE_COMMON_ROWS,
    {.name = "object",
     .type = PARAM_BYTES,
     SINGLE_ROW(object),
     .flags = PARAM_WHOLE_PAGES,
     .initial = "16K",
     .least = 4096,
     .most = 4096.0 * WORKLOAD_PAGES_AT_MOST,
     .help = "what one request accesses, in order, in bytes; at most the footprint; "
             "write_percent of the requests write all of it, the others read"},
    {.name = "idle_percent",
     .type = PARAM_COUNT,
     SINGLE_ROW(idle_percent),
     .initial = "35",
     .least = 0,
     .most = 100,
     .help = "share of the objects that no request asks for, in percent, rounded down; one "
             "object is always in use",
     .source = "cold memory: 35 % on average, 19 to 62 % (J. Weiner et al., TMO, ASPLOS 2022)"},
    {.name = "exponent",
     .type = PARAM_REAL,
     SINGLE_ROW(exponent),
     .initial = "0.9",
     .least = 0,
     .most = 16,
     .help = "of the zipf distribution of the other objects' popularity"},
};

static void fill_requests(const struct stream *stream, struct stream_position *at,
                          struct access *records, uint32_t count)
{
    uint32_t object_pages = stream->file_pages, objects = stream->pages / object_pages;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t state = random_splitmix(stream->random + at->index / object_pages);
        bool write = random_counted_below(&state, 100) < stream->write_percent, coin;
        uint64_t rank = zipf_sampler_draw(stream->sampler, &state, 0, &coin);
        uint32_t object = (uint32_t)(rank * stream->stride % objects);
        records[i] =
            (struct access){.page = object * object_pages + (uint32_t)(at->index % object_pages),
                            .space = stream->space,
                            .op = write ? ACCESS_WRITE : ACCESS_READ};
        at->index++;
    }
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* About 0.618 of the objects, so that neighbours in rank lie far apart. */
static uint32_t stride_of(uint32_t objects)
{
    uint32_t stride = (uint32_t)((uint64_t)objects * 618 / 1000) + 1;
    while (common_divisor(stride, objects) != 1)
        stride++;
    return stride;
}

static struct workload *service_open(const void *params, uint64_t seed,
                                     const struct source_position *position,
                                     struct diagnostics *errors)
{
    const struct single_params *own = params;
    if (own->object > own->footprint) {
        diagnostics_add(errors, position,
                        "expected an \"object\" within the footprint, found %" PRIu64
                        " and %" PRIu64 " bytes",
                        own->object, own->footprint);
        return NULL;
    }
    struct stream stream;
    struct stream_program *program = single_begin(own, seed, fill_requests, &stream);
    stream.file_pages = (uint32_t)(own->object / PAGE_BYTES);
    uint32_t objects = stream.pages / stream.file_pages;
    uint32_t idle = (uint32_t)((uint64_t)objects * own->idle_percent / 100);
    stream.stride = stride_of(objects);
    stream.sampler = zipf_sampler_create(idle < objects ? objects - idle : 1, own->exponent);
    stream_program_add(program, &stream);
    return single_finish(&workload_service, own, seed, program, position, errors);
}

const struct workload_type workload_service = {
    .name = "service",
    .summary = "requests for objects by popularity, beside memory that nobody asks for",
    .params = PARAM_TABLE(service_rows, struct single_params),
    .open = service_open,
    SINGLE_FUNCTIONS,
};

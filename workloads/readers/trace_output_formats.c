/* oracleGeneral, CSV and lackey text (docs/formats.md). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "workloads/readers/trace_output.h"

/* ---- CSV --------------------------------------------------------------------------- */

static void put_csv(struct trace_output *output, const struct access *block, uint32_t count,
                    uint64_t first, void *state)
{
    static const char *const operations[] = {"read", "write", "delete"};
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        char line[96];
        int length = snprintf(line, sizeof(line), "%" PRIu64 ",%" PRIu64 ",%d,%s\n", first + i,
                              trace_flat_page(block[i]), PAGE_BYTES, operations[block[i].op]);
        trace_output_put(output, line, (size_t)length);
    }
}

/* The time is the number of the record: a trace has no other. */
static const struct trace_format_writer csv_writer = {
    .name = "csv",
    .put = put_csv,
    .header = "time,obj_id,obj_size,op\n",
    .has_writes = true,
    .has_frees = true,
};

/* ---- lackey text ---------------------------------------------------------------------- */

static void put_lackey(struct trace_output *output, const struct access *block, uint32_t count,
                       uint64_t first, void *state)
{
    (void)first;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        char line[64];
        if (block[i].op == ACCESS_FREE)
            continue;
        int length = snprintf(line, sizeof(line), " %c %08" PRIx64 ",1\n",
                              block[i].op == ACCESS_WRITE ? 'S' : 'L',
                              trace_flat_page(block[i]) * PAGE_BYTES);
        trace_output_put(output, line, (size_t)length);
    }
}

static const struct trace_format_writer lackey_writer = {
    .name = "lackey",
    .put = put_lackey,
    .has_writes = true,
};

/* ---- oracleGeneral ----------------------------------------------------------------------- */

enum { ORACLE_RECORD_BYTES = 24 };

/* Indexes are those of the requests written: frees are left out. */
struct oracle {
    int64_t *next; /* [requests]: of the same page, -1: none */
    uint64_t requests, written;
    size_t bytes;
    /* While preparing: */
    uint64_t *base; /* [spaces]: index of a space's page 0 in `last` */
    int64_t *last;  /* [pages]: the page's last request plus one; 0: none */
};

static void count_requests(void *context, const struct workload_cursor *cursor,
                           const struct access *block, uint32_t count)
{
    (void)cursor;
    struct oracle *oracle = context;
    for (uint32_t i = 0; i < count; i++) {
        if (block[i].op == ACCESS_FREE)
            continue;
        int64_t *last = &oracle->last[oracle->base[block[i].space] + block[i].page];
        if (*last)
            oracle->next[*last - 1] = (int64_t)oracle->requests;
        oracle->next[oracle->requests] = -1;
        *last = (int64_t)++oracle->requests;
    }
}

static void release_oracle(void *state)
{
    struct oracle *oracle = state;
    memory_unmap(oracle->next, oracle->bytes);
    free(oracle);
}

static void *prepare_oracle(const struct workload *workload, struct diagnostics *errors)
{
    struct oracle *oracle = memory_zeroed(1, sizeof(*oracle), "next requests");
    uint64_t pages = 0;
    oracle->base = memory_zeroed(workload->spaces, sizeof(*oracle->base), "spaces");
    for (uint32_t i = 0; i < workload->spaces; i++) {
        oracle->base[i] = pages;
        pages += workload->space_pages[i];
    }
    oracle->bytes = (workload->accesses + 1) * sizeof(*oracle->next);
    oracle->next = memory_mapped(oracle->bytes, "next requests");
    oracle->last = memory_mapped((pages + 1) * sizeof(*oracle->last), "last requests");
    bool good = workload_each_block(workload, count_requests, oracle, errors);
    memory_unmap(oracle->last, (pages + 1) * sizeof(*oracle->last));
    free(oracle->base);
    if (good)
        return oracle;
    release_oracle(oracle);
    return NULL;
}

static void put_oracle(struct trace_output *output, const struct access *block, uint32_t count,
                       uint64_t first, void *state)
{
    struct oracle *oracle = state;
    (void)first;
    for (uint32_t i = 0; i < count; i++) {
        unsigned char record[ORACLE_RECORD_BYTES];
        uint32_t time = 0, size = PAGE_BYTES;
        uint64_t id = trace_flat_page(block[i]);
        if (block[i].op == ACCESS_FREE)
            continue;
        memcpy(record, &time, 4);
        memcpy(record + 4, &id, 8);
        memcpy(record + 12, &size, 4);
        memcpy(record + 16, &oracle->next[oracle->written++], 8);
        trace_output_put(output, record, sizeof(record));
    }
}

static const struct trace_format_writer oracle_writer = {
    .name = "oracle_general",
    .put = put_oracle,
    .prepare = prepare_oracle,
    .release = release_oracle,
};

const struct trace_format_writer *const trace_format_writers[] = {
    &oracle_writer,
    &csv_writer,
    &lackey_writer,
    NULL,
};

/* libCacheSim's oracleGeneral: packed records of 24 bytes, little endian (u32
 * time in seconds, u64 object, u32 size in bytes, i64 index of the object's next
 * request), often inside zstd (docs/formats.md, "oracleGeneral"). */
#include <inttypes.h>
#include <stdio.h>

#include "workloads/readers/foreign.h"
#include "workloads/readers/native.h"
#include "workloads/readers/readers.h"

enum { RECORD_BYTES = 24, RECORDS_AT_ONCE = 1024 };

struct oracle_params {
    const char *file;
};

static const struct param rows[] = {
    {.name = "file",
     .type = PARAM_STRING,
     .offset = offsetof(struct oracle_params, file),
     .flags = PARAM_REQUIRED,
     .help = "oracleGeneral trace, plain or compressed (zstd, gzip); read whole at the start"},
};

/* The next request lies ahead; -1 and INT64_MAX (older files) say that there is none. */
static bool record_is_likely(const unsigned char *record, uint64_t index)
{
    int64_t next = (int64_t)native_get64(record + 16);
    return native_get32(record + 12) > 0 && (next == -1 || next > (int64_t)index);
}

static bool is_text(const char *head, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (head[i] == '\0')
            return false;
    return true;
}

static bool recognise(const char *head, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)head;
    uint32_t time = 0;
    if (bytes < RECORD_BYTES || is_text(head, bytes))
        return false;
    for (size_t i = 0; (i + 1) * RECORD_BYTES <= bytes; i++, at += RECORD_BYTES) {
        if (!record_is_likely(at, i) || native_get32(at) < time)
            return false;
        time = native_get32(at);
    }
    return true;
}

static bool read_record(struct trace_reading *reading, uint32_t space, const unsigned char *record,
                        uint64_t offset)
{
    uint32_t size = native_get32(record + 12);
    int64_t next = (int64_t)native_get64(record + 16);
    if (next < -1)
        return trace_input_byte_error(reading->input, offset + 16,
                                      "next request %" PRId64 "; expected -1 or an index", next);
    /* A 32-bit size is at most 2^20 pages, so every object can be taken. */
    trace_pages_object(reading->pages, space, native_get64(record + 4), size, ACCESS_READ);
    return true;
}

static bool read_trace(struct trace_reading *reading)
{
    unsigned char records[RECORDS_AT_ONCE * RECORD_BYTES];
    uint64_t requests = 0;
    uint32_t space = trace_pages_space(reading->pages, "", 0);
    for (size_t got = sizeof(records); got == sizeof(records);) {
        uint64_t offset = trace_input_offset(reading->input);
        got = trace_input_take(reading->input, records, sizeof(records));
        if (trace_input_failed(reading->input))
            return false;
        size_t count = got / RECORD_BYTES;
        for (size_t i = 0; i < count; i++)
            if (!read_record(reading, space, records + i * RECORD_BYTES, offset + i * RECORD_BYTES))
                return false;
        requests += count;
        if (got % RECORD_BYTES)
            return trace_input_byte_error(
                reading->input, offset + count * RECORD_BYTES,
                "the trace ends inside a record; %zu bytes of 24 are left", got % RECORD_BYTES);
    }
    snprintf(reading->note, sizeof(reading->note),
             "oracleGeneral: %" PRIu64
             " requests, all taken for reads; an object has its own pages",
             requests);
    return true;
}

TRACE_READER_TYPE(oracle_general, struct oracle_params, "libCacheSim's oracleGeneral requests")

/* DAMON records in memory, between their readers and the stream made of them. */
#ifndef ZSIM_WORKLOADS_READERS_DAMON_H
#define ZSIM_WORKLOADS_READERS_DAMON_H

#include "workloads/readers/foreign.h"

struct damon_region {
    uint64_t begin, end;  /* bytes; end is behind the last */
    uint64_t nr_accesses; /* samples in which an access was found */
};

struct damon_snapshot {
    uint64_t time;  /* ns; order of the snapshots */
    uint64_t order; /* as read, for equal times */
    uint32_t space;
    uint64_t samples; /* of an aggregation: nr_accesses is out of so many */
    uint64_t first_region, regions;
};

struct damon_records {
    struct trace_reading *reading;
    uint64_t samples; /* by the parameters, where the file does not say */
    struct damon_snapshot *snapshots;
    uint64_t snapshot_count, snapshot_room;
    struct damon_region *regions;
    uint64_t region_count, region_room;
};

/* Begin a snapshot; regions that are added next are its own. */
void damon_add_snapshot(struct damon_records *records, uint64_t time, uint32_t space,
                        uint64_t samples);

/* What is wrong with a region; NULL when it was added. */
const char *damon_add_region(struct damon_records *records, struct damon_region region);

/* Samples of an aggregation, or 0 when the intervals do not make sense. */
uint64_t damon_samples(uint64_t sampling, uint64_t aggregation);

/* "8 m 59.809 s", "5ms", "104.599 ms", or a bare number of `unit` ns.  False for
 * anything else. */
bool damon_take_time(const char **at, uint64_t unit, uint64_t *ns);

/* A whole number, also with commas between its thousands. */
bool damon_take_count(const char **at, uint64_t *value);

/* Read the JSON of damo; false after a mistake. */
bool damon_read_json(struct damon_records *records);

#endif

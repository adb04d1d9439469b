/* damo's JSON: a list of records (one a target), each with its intervals and a
 * list of snapshots; numbers may be strings, with commas or with units.  Keys
 * that say nothing about accesses are passed over. */
#include <string.h>

#include "workloads/readers/damon.h"
#include "workloads/readers/json_pull.h"

struct parsing {
    struct json_pull pull;
    struct damon_records *records;
    /* Of the record that is open: */
    uint64_t sampling, aggregation; /* ns; 0: not said */
    uint32_t space;
    uint64_t first_snapshot;
    /* Of the region: */
    struct damon_region region;
    bool accesses_said;
};

/* Takes the value of `key`, whose first token is `token`. */
typedef bool take_member(struct parsing *in, const char *key, enum json_token token);

static bool each_member(struct parsing *in, enum json_token token, take_member *take)
{
    if (token != JSON_OPEN_OBJECT)
        return json_pull_wrong(&in->pull, "an object") != JSON_WRONG;
    while ((token = json_pull_next(&in->pull)) == JSON_KEY) {
        char key[JSON_PULL_TEXT_BYTES];
        memcpy(key, in->pull.text, sizeof(key));
        token = json_pull_next(&in->pull);
        if (token == JSON_WRONG || !take(in, key, token))
            return false;
    }
    return token == JSON_CLOSE_OBJECT;
}

typedef bool take_element(struct parsing *in, enum json_token token);

static bool each_element(struct parsing *in, enum json_token token, take_element *take)
{
    if (token != JSON_OPEN_ARRAY)
        return json_pull_wrong(&in->pull, "a list") != JSON_WRONG;
    while ((token = json_pull_next(&in->pull)) != JSON_CLOSE_ARRAY)
        if (token == JSON_WRONG || !take(in, token))
            return false;
    return true;
}

static bool take_count(struct parsing *in, enum json_token token, uint64_t *value)
{
    const char *at = in->pull.text;
    if ((token == JSON_STRING || token == JSON_OTHER) && damon_take_count(&at, value) && !*at)
        return true;
    return json_pull_wrong(&in->pull, "a whole number of 64 bits") != JSON_WRONG;
}

static bool take_time(struct parsing *in, enum json_token token, uint64_t unit, uint64_t *ns)
{
    const char *at = in->pull.text;
    if ((token == JSON_STRING || token == JSON_OTHER) && damon_take_time(&at, unit, ns) &&
        *trace_skip_blanks(at) == '\0')
        return true;
    return json_pull_wrong(&in->pull, "a time such as \"5 ms\" or a number") != JSON_WRONG;
}

/* ---- regions ---------------------------------------------------------------------- */

static bool take_accesses_member(struct parsing *in, const char *key, enum json_token token)
{
    if (strcmp(key, "samples") != 0)
        return json_pull_skip(&in->pull, token);
    in->accesses_said = true;
    return take_count(in, token, &in->region.nr_accesses);
}

static bool take_region_member(struct parsing *in, const char *key, enum json_token token)
{
    if (strcmp(key, "start") == 0)
        return take_count(in, token, &in->region.begin);
    if (strcmp(key, "end") == 0)
        return take_count(in, token, &in->region.end);
    if (strcmp(key, "nr_accesses") != 0)
        return json_pull_skip(&in->pull, token);
    if (token == JSON_OPEN_OBJECT)
        return each_member(in, token, take_accesses_member);
    in->accesses_said = true;
    return take_count(in, token, &in->region.nr_accesses);
}

static bool take_region(struct parsing *in, enum json_token token)
{
    in->region = (struct damon_region){0};
    in->accesses_said = false;
    if (!each_member(in, token, take_region_member))
        return false;
    if (!in->accesses_said)
        return json_pull_wrong(&in->pull, "a region with nr_accesses") != JSON_WRONG;
    const char *wrong = damon_add_region(in->records, in->region);
    return wrong ? trace_input_line_error(in->pull.input, in->pull.begin, "%s", wrong) : true;
}

/* ---- snapshots and records ----------------------------------------------------------- */

static bool take_snapshot_member(struct parsing *in, const char *key, enum json_token token)
{
    struct damon_records *records = in->records;
    if (strcmp(key, "start_time") == 0)
        return take_time(in, token, 1, &records->snapshots[records->snapshot_count - 1].time);
    if (strcmp(key, "regions") == 0)
        return each_element(in, token, take_region);
    return json_pull_skip(&in->pull, token);
}

static bool take_snapshot(struct parsing *in, enum json_token token)
{
    uint64_t samples = in->records->samples;
    if (in->sampling || in->aggregation)
        samples = damon_samples(in->sampling, in->aggregation);
    if (!samples)
        return json_pull_wrong(&in->pull, "intervals with an aggregation of 1 to 1000000 samples "
                                          "before the snapshots") != JSON_WRONG;
    damon_add_snapshot(in->records, 0, in->space, samples);
    return each_member(in, token, take_snapshot_member);
}

/* Numbers without a unit are in us, as the keys say. */
static bool take_interval(struct parsing *in, const char *key, enum json_token token)
{
    if (strcmp(key, "sample_us") == 0)
        return take_time(in, token, 1000, &in->sampling);
    if (strcmp(key, "aggr_us") == 0)
        return take_time(in, token, 1000, &in->aggregation);
    return json_pull_skip(&in->pull, token);
}

static bool take_target(struct parsing *in, enum json_token token)
{
    if (token != JSON_STRING && token != JSON_OTHER)
        return json_pull_wrong(&in->pull, "a number or null") != JSON_WRONG;
    in->space =
        trace_pages_space(in->records->reading->pages, in->pull.text, strlen(in->pull.text));
    if (in->space == UINT32_MAX)
        return json_pull_wrong(&in->pull, "at most 65535 targets") != JSON_WRONG;
    for (uint64_t i = in->first_snapshot; i < in->records->snapshot_count; i++)
        in->records->snapshots[i].space = in->space;
    return true;
}

static bool take_record_member(struct parsing *in, const char *key, enum json_token token)
{
    bool is_null = token == JSON_OTHER && strcmp(in->pull.text, "null") == 0;
    if (strcmp(key, "target_id") == 0)
        return take_target(in, token);
    if (strcmp(key, "snapshots") == 0)
        return each_element(in, token, take_snapshot);
    if (strcmp(key, "intervals") != 0 || is_null)
        return json_pull_skip(&in->pull, token);
    if (in->records->snapshot_count > in->first_snapshot)
        return json_pull_wrong(&in->pull, "intervals before the snapshots") != JSON_WRONG;
    return each_member(in, token, take_interval);
}

static bool take_record(struct parsing *in, enum json_token token)
{
    in->sampling = in->aggregation = 0;
    in->space = UINT32_MAX;
    in->first_snapshot = in->records->snapshot_count;
    if (!each_member(in, token, take_record_member))
        return false;
    bool named = in->space != UINT32_MAX || in->first_snapshot == in->records->snapshot_count;
    return named || json_pull_wrong(&in->pull, "a record with a target_id") != JSON_WRONG;
}

bool damon_read_json(struct damon_records *records)
{
    struct parsing in = {.pull = {.input = records->reading->input}, .records = records};
    enum json_token token = json_pull_next(&in.pull);
    bool good = token == JSON_OPEN_OBJECT
                    ? take_record(&in, token)
                    : token != JSON_WRONG && each_element(&in, token, take_record);
    return good && json_pull_next(&in.pull) == JSON_END;
}

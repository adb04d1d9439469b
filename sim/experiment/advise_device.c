#include "sim/experiment/advise_device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/experiment/config_tree.h"

#define DEVICE_SCHEMA "zsim.device/1"

static const struct advise_device typical[] = {
    {.name = "nvme",
     .source = "typical NVMe: 65 us a read (one user's report), 20 us a write (estimate: write "
               "cache), 2 GiB/s",
     .assumed = true,
     .read_latency_ns = 65000,
     .write_latency_ns = 20000,
     .bandwidth_bytes_per_s = 2ull << 30,
     .queue_depth = 32},
    {.name = "ssd",
     .source = "estimate for a SATA SSD: 120 us a read, 50 us a write, 500 MiB/s (the link's "
               "6 Gbit/s)",
     .assumed = true,
     .read_latency_ns = 120000,
     .write_latency_ns = 50000,
     .bandwidth_bytes_per_s = 500ull << 20,
     .queue_depth = 32},
    {.name = "hdd",
     .source =
         "estimate for a 7200 rpm disk: 8.5 ms a transfer (half a turn of 4.2 ms and a seek), "
         "150 MiB/s",
     .assumed = true,
     .read_latency_ns = 8500000,
     .write_latency_ns = 8500000,
     .bandwidth_bytes_per_s = 150ull << 20,
     .queue_depth = 1,
     .rotational = true},
};
enum { TYPICAL = sizeof(typical) / sizeof(typical[0]) };

/* ---- zsim.device/1 ------------------------------------------------------------- */

static bool wrong(struct diagnostics *errors, const struct config_node *node, const char *key,
                  const char *expected)
{
    diagnostics_add(errors, &node->at, "\"%s\": expected %s", key, expected);
    return false;
}

static bool take_member(const struct config_node *node, struct advise_device *device,
                        struct arena *arena, struct diagnostics *errors)
{
    const char *key = node->key, *text = node->text;
    bool is_string = node->kind == CONFIG_STRING;
    if (strcmp(key, "schema") == 0)
        return true;
    if (strcmp(key, "name") == 0 || strcmp(key, "source") == 0) {
        if (!is_string)
            return wrong(errors, node, key, "a text");
        *(key[0] == 'n' ? &device->name : &device->source) =
            arena_string(arena, text, strlen(text));
        return true;
    }
    if (strcmp(key, "read_latency") == 0 || strcmp(key, "write_latency") == 0) {
        uint64_t *ns = key[0] == 'r' ? &device->read_latency_ns : &device->write_latency_ns;
        return (is_string && parse_time(text, ns) && *ns) ||
               wrong(errors, node, key, "a time such as \"80us\"");
    }
    if (strcmp(key, "bandwidth") == 0)
        return ((is_string || node->kind == CONFIG_NUMBER) &&
                parse_bytes(text, &device->bandwidth_bytes_per_s) &&
                device->bandwidth_bytes_per_s) ||
               wrong(errors, node, key, "bytes a second such as \"2G\"");
    if (strcmp(key, "queue_depth") == 0)
        return (node->kind == CONFIG_NUMBER && parse_count(text, &device->queue_depth) &&
                device->queue_depth >= 1 && device->queue_depth <= 65536) ||
               wrong(errors, node, key, "a whole number in 1..65536");
    if (strcmp(key, "rotational") == 0) {
        if (node->kind != CONFIG_BOOL)
            return wrong(errors, node, key, "true or false");
        device->rotational = text[0] == 't';
        return true;
    }
    static const char *const keys[] = {"schema",        "name",      "source",      "read_latency",
                                       "write_latency", "bandwidth", "queue_depth", "rotational"};
    const char *near = nearest_name(key, keys, sizeof(keys) / sizeof(keys[0]));
    diagnostics_add(errors, &node->key_at, "unknown key \"%s\"%s%s%s", key,
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return false;
}

static bool read_own(const struct config_node *root, struct advise_device *device,
                     struct arena *arena, struct diagnostics *errors)
{
    bool good = true;
    for (const struct config_node *node = root->first; node; node = node->next)
        good &= take_member(node, device, arena, errors);
    if (good &&
        !(device->read_latency_ns && device->write_latency_ns && device->bandwidth_bytes_per_s)) {
        diagnostics_add(errors, &root->at,
                        "needs \"read_latency\", \"write_latency\" and \"bandwidth\"");
        good = false;
    }
    return good;
}

/* ---- fio ------------------------------------------------------------------------- */

static const struct config_node *member(const struct config_node *node, const char *key)
{
    return node && node->kind == CONFIG_OBJECT ? config_tree_member(node, key) : NULL;
}

static double number(const struct config_node *node)
{
    return node && (node->kind == CONFIG_NUMBER || node->kind == CONFIG_STRING)
               ? strtod(node->text, NULL)
               : 0;
}

/* fio 3: clat_ns with percentiles, else its mean, in ns. */
static uint64_t fio_latency_ns(const struct config_node *direction)
{
    const struct config_node *latency = member(direction, "clat_ns");
    double median = number(member(member(latency, "percentile"), "50.000000"));
    return (uint64_t)(median > 0 ? median : number(member(latency, "mean")));
}

struct fio_direction {
    uint64_t latency_ns, depth; /* of the job with the least depth */
};

static void take_fio(const struct config_node *job, const char *key, uint64_t depth,
                     struct fio_direction *direction, struct advise_device *device)
{
    const struct config_node *part = member(job, key);
    uint64_t latency_ns = fio_latency_ns(part);
    if (number(member(part, "total_ios")) <= 0 || !latency_ns)
        return;
    if (!direction->depth || depth < direction->depth)
        *direction = (struct fio_direction){latency_ns, depth};
    uint64_t bandwidth = (uint64_t)number(member(part, "bw_bytes"));
    if (bandwidth > device->bandwidth_bytes_per_s)
        device->bandwidth_bytes_per_s = bandwidth;
    if (depth > device->queue_depth)
        device->queue_depth = depth;
}

/* Latency from the job with the least iodepth, bandwidth from the fastest. */
static bool read_fio(const struct config_node *root, const struct config_node *jobs,
                     struct advise_device *device, struct diagnostics *errors)
{
    struct fio_direction read = {0}, write = {0};
    const struct config_node *global = member(root, "global options");
    for (const struct config_node *job = jobs->first; job; job = job->next) {
        double depth = number(member(member(job, "job options"), "iodepth"));
        if (depth < 1)
            depth = number(member(global, "iodepth"));
        uint64_t whole = depth >= 1 && depth <= 65536 ? (uint64_t)depth : 1;
        take_fio(job, "read", whole, &read, device);
        take_fio(job, "write", whole, &write, device);
    }
    if (!read.depth || !write.depth) {
        diagnostics_add(errors, &jobs->at,
                        "fio's output has no %s with a latency in clat_ns; needed are a random "
                        "read and a random write job of 4 KiB",
                        read.depth ? "writes" : "reads");
        return false;
    }
    device->read_latency_ns = read.latency_ns;
    device->write_latency_ns = write.latency_ns;
    device->measured_at_depth = read.depth > write.depth ? read.depth : write.depth;
    device->source = "fio: median completion latencies, bandwidth of the fastest job";
    return true;
}

/* ---- either ------------------------------------------------------------------------ */

static bool looks_like_file(const char *name)
{
    return strchr(name, '/') || strchr(name, '.');
}

bool advise_device_read(const char *name, struct advise_device *device, struct arena *arena,
                        struct diagnostics *errors)
{
    const char *names[TYPICAL];
    for (unsigned i = 0; i < TYPICAL; i++) {
        names[i] = typical[i].name;
        *device = typical[i];
        if (strcmp(name, typical[i].name) == 0)
            return true;
    }
    if (!looks_like_file(name)) {
        const char *near = nearest_name(name, names, TYPICAL);
        diagnostics_add(errors, &(struct source_position){.file = "--device"},
                        "expected nvme, ssd, hdd or a file, found \"%s\"%s%s%s", name,
                        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return false;
    }
    struct config_node *root = config_tree_read(name, arena, errors);
    if (!root)
        return false;
    *device = (struct advise_device){.name = arena_string(arena, name, strlen(name)),
                                     .source = "a file of measurements",
                                     .queue_depth = 1};
    const struct config_node *schema = member(root, "schema"), *jobs = member(root, "jobs");
    if (schema && schema->kind == CONFIG_STRING && strcmp(schema->text, DEVICE_SCHEMA) == 0) {
        device->queue_depth = 32;
        return read_own(root, device, arena, errors);
    }
    if (jobs && jobs->kind == CONFIG_ARRAY)
        return read_fio(root, jobs, device, errors);
    diagnostics_add(errors, &root->at, "neither schema " DEVICE_SCHEMA " nor the output of fio");
    return false;
}

/* Every key of a config file, as rows of tables.
 *
 * The decoder, the printer of resolved configs, `zsim schema`, `zsim defaults`,
 * `zsim explain` and docs/config.md walk these tables; a key is added here and
 * nowhere else. */
#ifndef ZSIM_EXPERIMENT_CONFIG_KEYS_H
#define ZSIM_EXPERIMENT_CONFIG_KEYS_H

#include "policies/policy.h"
#include "sim/base/params.h"
#include "sim/config.h"

/* A key whose value is a choice on an axis of policy. */
struct axis_key {
    const char *name; /* "lru" */
    const char *axis; /* "zswap_lru" */
    size_t offset;    /* of the struct policy_choice */
};

/* A key whose value is neither a row of parameters nor a policy: an object or
 * list of its own section, or one with its own small grammar. */
struct structured_key {
    const char *name;
    const char *form;    /* JSON type, for the schema: "string", "object", "array", ... */
    const char *section; /* path of the section its members are described in, or NULL */
    const char *example; /* as a user writes it */
    const char *help;
};

struct config_section {
    const char *path; /* "zswap", "swap.devices[]", "cgroups.PATH"; "" for the document */
    const char *help;
    struct param_table keys;
    const struct axis_key *axes;             /* ended by name NULL; NULL: none */
    const struct structured_key *structured; /* ended by name NULL; NULL: none */
};

/* "machine.nodes[]" */
struct node_fields {
    uint64_t memory;
};

/* "tasks[]", before its cgroups and inputs are looked up */
struct task_fields {
    const char *name, *cgroup, *device;
    uint64_t cpu, cpu_step, start_ns, stop_ns, think_ns, fill_ns, count;
    uint64_t burst, burst_reclaim, burst_tries, burst_sleep_ns;
    bool load_before_store;
};

/* "events[]", before its target is looked up */
struct event_fields {
    uint64_t at_ns, at_access, bytes;
    const char *set, *offline, *reclaim, *snapshot;
    bool flush;
};

extern const struct config_section section_document, section_machine, section_node, section_vm,
    section_swap, section_device, section_block_device, section_zswap, section_cgroup, section_task,
    section_event, section_engine, section_variant;

/* All of them, in the order of the reference page; NULL at the end. */
extern const struct config_section *const config_sections[];

const struct config_section *config_section_find(const char *path);
const struct param *config_section_row(const struct config_section *section, const char *name);
const struct axis_key *config_section_axis(const struct config_section *section, const char *name);

/* A key that an event may change while a simulation runs. */
struct runtime_key {
    const struct config_section *section;
    const char *name;
};
extern const struct runtime_key runtime_keys[]; /* ended by section NULL */
bool config_key_is_runtime(const struct config_section *section, const char *name);

/* Does a device of this type (enum device_type) have this row of section_device? */
bool config_device_has(unsigned type, const char *name);

/* The words a row accepts: choices of an enum, compressors for zswap.compressor.
 * NULL-terminated into `words` (room for KEY_WORDS_AT_MOST); returns their number,
 * 0 for a row that is not chosen from a list. */
enum { KEY_WORDS_AT_MOST = 32 };
size_t config_key_words(const struct param *row, const char *words[KEY_WORDS_AT_MOST]);

#endif

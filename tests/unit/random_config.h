/* Configs drawn at random: machine, kernel, cgroup tree, limits, tasks, contents,
 * devices and events; and what must hold after any run. */
#ifndef ZSIM_TESTS_RANDOM_CONFIG_H
#define ZSIM_TESTS_RANDOM_CONFIG_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/kernels.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/experiment/config_keys.h"
#include "tests/unit/counted.h"

enum { RANDOM_CONFIG_BYTES = 1 << 15, RANDOM_CGROUPS = 5 };

/* Where choices come from: a random number, or bytes for as long as there are some
 * (then everything is the first choice). */
struct draw {
    uint64_t random;
    const uint8_t *bytes; /* NULL: random */
    size_t left;
    unsigned shrunk;   /* footprints and numbers of accesses are divided by it; 1: as usual */
    const char *trace; /* a file that a task replays; NULL: none */
    char *text;        /* [RANDOM_CONFIG_BYTES] */
    size_t used;
    bool files; /* tasks on a block device, too */
    unsigned cgroups;
    char paths[RANDOM_CGROUPS][64];
};

static inline uint64_t below(struct draw *draw, uint64_t n)
{
    if (!draw->bytes)
        return random_below(&draw->random, n);
    uint64_t value = 0;
    for (uint64_t most = n - 1; most && draw->left; most >>= 8, draw->left--)
        value = value << 8 | *draw->bytes++;
    return value % n;
}

static inline void put_bytes(struct draw *draw, const char *text, size_t length)
{
    if (length >= RANDOM_CONFIG_BYTES - draw->used)
        abort();
    memcpy(draw->text + draw->used, text, length);
    draw->used += length;
    draw->text[draw->used] = '\0';
}

/* "3..7" or "3..7*128": a number, a multiple; "lz4|lzo": a word. */
static inline void put_choice(struct draw *draw, const char *choice, size_t length)
{
    unsigned least, most, times = 1;
    char number[24] = "";
    if (sscanf(choice, "%u..%u*%u", &least, &most, &times) >= 2) {
        unsigned drawn = (least + (unsigned)below(draw, most - least + 1)) * times;
        snprintf(number, sizeof(number), "%u", drawn);
        put_bytes(draw, number, strlen(number));
        return;
    }
    uint64_t words = 1;
    for (size_t i = 0; i < length; i++)
        words += choice[i] == '|';
    const char *word = choice, *end = choice + length;
    for (uint64_t skip = below(draw, words); skip; skip--)
        word = (const char *)memchr(word, '|', (size_t)(end - word)) + 1;
    const char *bar = (const char *)memchr(word, '|', (size_t)(end - word));
    put_bytes(draw, word, (size_t)((bar ? bar : end) - word));
}

/* printf() of a text in which <...> is drawn, in order, and ' stands for a quote. */
static void put(struct draw *draw, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct draw *draw, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(text))
        abort();
    for (const char *at = text; *at;) {
        size_t plain = strcspn(at, "<'");
        put_bytes(draw, at, plain);
        at += plain;
        if (*at == '\'') {
            put_bytes(draw, "\"", 1);
            at++;
        } else if (*at == '<') {
            size_t inside = strcspn(++at, ">");
            put_choice(draw, at, inside);
            at += inside + 1;
        }
    }
}

/* One disk, or a zram device, alone or beside one or two disks of other priorities. */
static inline void put_devices(struct draw *draw)
{
    bool zram = below(draw, 3) == 0;
    put(draw, "'swap': {'devices': [");
    if (zram) {
        put(draw, "{'name': 'z', 'type': 'zram', 'size': '<1..12*256>K', 'compressor': "
                  "'<lzo-rle|lz4>', 'mem_limit': '");
        put(draw, below(draw, 3) ? "0K" : "<0..9*128>K");
        put(draw, "', 'priority': <0..2>}");
        if (!below(draw, 4)) {
            put(draw, "]},\n");
            return;
        }
        put(draw, ", ");
    }
    put(draw, "{'name': 'd', 'size': '<1..40>M', 'rotational': <true|false>, 'synchronous': "
              "<false|true|true|true>, 'queue_depth': <1..8>");
    put(draw, below(draw, 3) ? "}" : ", 'interrupt_cpu': 0}");
    if (!below(draw, 3))
        put(draw, ", {'name': 'e', 'size': '<1..20>M', 'priority': <0..1>}");
    put(draw, "]},\n");
}

/* A zram device under a file system, in the same memory. */
static inline void put_block_device(struct draw *draw)
{
    draw->files = !below(draw, 4);
    if (draw->files)
        put(draw, "'block_devices': [{'name': 'f', 'type': 'zram', 'size': '4M', "
                  "'mem_limit': '<512|0>K'}],\n");
}

static inline void put_machine(struct draw *draw)
{
    unsigned nodes = 1 + (unsigned)below(draw, 3);
    put(draw, "'machine': {'cpus': <1..4>, 'nodes': [");
    for (unsigned i = 0; i < nodes; i++)
        put(draw, "%s{'memory': '<1..3*8>M'}", i ? ", " : "");
    put(draw, "]},\n");
}

/* The kernel's own choices, as its preset has them. */
static inline void put_zswap_of_kernel(struct draw *draw)
{
    put(draw, "'zswap': {'max_pool_percent': <1..40>, 'accept_threshold_percent': <50..100>, "
              "'shrinker_enabled': <true|false>, 'allocator': '<zsmalloc|zbud|z3fold>'},\n");
}

/* Choices mixed freely, for kernels that keep entries on lists of their own. */
static inline void put_zswap_mixed(struct draw *draw)
{
    put(draw, "'zswap': {'compressor': '<lzo|lz4>', 'max_pool_percent': <1..40>, "
              "'accept_threshold_percent': <50..100>, 'shrinker_enabled': <true|false>, 'lru': "
              "'<global|per_pool>', 'pool_ref': '<kref|percpu_ref>', 'allocator': "
              "'<zsmalloc|zbud|z3fold>', 'store_reclaim': '<refuse|one_per_node|budget>'");
    if (below(draw, 2))
        put(draw, ", 'writeback': {'policy': 'batch', 'budget': <1..64>, 'per_node': "
                  "<true|false>, 'cap_at_list_length': <true|false>}");
    put(draw, "},\n");
}

/* /c0, /c0/c1, ...: each below the one before or beside it. */
static inline void put_cgroups(struct draw *draw)
{
    put(draw, "'cgroups': {");
    for (unsigned i = 0; i < draw->cgroups; i++) {
        char above[41] = "";
        if (i && below(draw, 2))
            memcpy(above, draw->paths[i - 1], sizeof(above) - 1);
        snprintf(draw->paths[i], sizeof(draw->paths[i]), "%s/c%u", above, i);
        put(draw, "%s'%s': {'memory.zswap.writeback': <false|true|true|true|true>", i ? ", " : "",
            draw->paths[i]);
        if (below(draw, 3))
            put(draw, ", 'memory.max': '<4..43*%u>K'", 128 / draw->shrunk);
        if (!below(draw, 10))
            put(draw, ", 'memory.high': '<4..43*%u>K'", 128 / draw->shrunk);
        if (!below(draw, 4))
            put(draw, ", 'memory.zswap.max': '<0..9*%u>K'", 128 / draw->shrunk);
        if (!below(draw, 4))
            put(draw, ", 'memory.low': '<0..19*%u>K'", 128 / draw->shrunk);
        if (!below(draw, 6))
            put(draw, ", 'memory.swap.max': '<0..19*%u>K'", 128 / draw->shrunk);
        put(draw, "}");
    }
    put(draw, "},\n");
}

static inline void put_steps_task(struct draw *draw, unsigned number)
{
    static const char *const patterns[] = {"rand", "seq", "perm", "zipf"};
    unsigned pages = (50 + (unsigned)below(draw, 1500)) / draw->shrunk + 3;
    const char *pattern = patterns[below(draw, 4)], *path = draw->paths[below(draw, draw->cgroups)];
    put(draw,
        "%s{'name': 't%u', 'cgroup': '%s', 'think': '<0..1999>ns', 'workload': {'type': 'steps', "
        "'seed': <0..999>, 'steps': '0:%s:0:%u:<%u..%u>:<0..100>%s 0:free:%u:%u:%u:0 "
        "0:rand:0:%u:%u:50'}, 'content': {'type': 'rule', 'seed': %u, 'classes': "
        "'10:zero,10:same,60:mixed:200:3900,20:random'}}",
        number ? ", " : "", number, path, pattern, pages, 1000 / draw->shrunk, 5000 / draw->shrunk,
        pattern[0] == 'z' ? ":0.8" : "", pages / 3, pages / 3, pages / 3, pages,
        1000 / draw->shrunk, number);
}

static inline void put_tasks(struct draw *draw)
{
    unsigned count = 1 + (unsigned)below(draw, 4);
    put(draw, "'tasks': [");
    for (unsigned i = 0; i < count; i++)
        put_steps_task(draw, i);
    if (draw->trace)
        put(draw,
            ", {'name': 'trace', 'cgroup': '%s', 'workload': {'type': 'trace', 'file': '%s'}}",
            draw->paths[below(draw, draw->cgroups)], draw->trace);
    if (draw->files)
        put(draw,
            ", {'name': 'files', 'count': 2, 'device': 'f', 'workload': {'type': 'fs_on_zram', "
            "'footprint': '<1..16*64>K', 'accesses': %u, 'file': '16K', 'write_percent': <0..90>}, "
            "'content': {'type': 'rule', 'classes': '20:same,60:mixed:200:3900,20:random'}}",
            2000 / draw->shrunk);
    if (!below(draw, draw->shrunk > 1 ? 16 : 3))
        put(draw,
            ", {'name': 'build', 'count': 3, 'workload': {'type': 'kernel_build', 'processes': 3, "
            "'process': '<1..%u*64>K', 'touches': 4, 'sources': '%uK', 'object': '%uK'}}",
            draw->shrunk > 1 ? 1 : 16, draw->shrunk > 1 ? 64 : 512, draw->shrunk > 1 ? 16 : 32);
    put(draw, "],\n");
}

static inline void put_events(struct draw *draw)
{
    put(draw, "'events': [{'at': '1ms', 'flush': true}");
    if (below(draw, 2))
        put(draw, ", {'at': '3ms', 'set': 'zswap.compressor', 'value': '<lz4|zstd|lzo>'}");
    if (below(draw, 2)) {
        const char *path = draw->paths[below(draw, draw->cgroups)];
        put(draw,
            ", {'at_access': <0..%u>, 'set': 'cgroups.%s.memory.max', 'value': '<4..23*%u>K'}",
            900 / draw->shrunk - 1, path, 128 / draw->shrunk);
    }
    if (below(draw, 2)) {
        const char *path = draw->paths[below(draw, draw->cgroups)];
        put(draw, ", {'at': '4ms', 'reclaim': '%s', 'bytes': '<1..30*64>K'}", path);
    }
    if (!below(draw, 3))
        put(draw, ", {'at': '5ms', 'offline': '%s'}", draw->paths[draw->cgroups - 1]);
    if (!below(draw, 3))
        put(draw, ", {'at': '2ms', 'set': 'zswap.enabled', 'value': false}");
    put(draw, "],\n");
}

/* A whole config that is valid. */
static inline void draw_valid_config(struct draw *draw)
{
    draw->cgroups = 1 + (unsigned)below(draw, RANDOM_CGROUPS);
    bool mixed = below(draw, 2);
    put(draw, "{'kernel': '");
    put(draw, mixed ? "<v6.8|v6.9|v6.10|v6.12|v6.18|v7.3|batch-v5>"
                    : "<v6.1|v6.2|v6.5|v6.8|v6.11|v6.12|v6.16|v6.18|v7.3|batch-store1|"
                      "proactive-v5|vswap>");
    put(draw, "',\n");
    put_machine(draw);
    put(draw, "'vm': {'reclaim': '<classic|mglru>', 'page_cluster': <0..3>, 'memcg_stat_flush': "
              "'<5..9>ms', 'cgroup_version': '<v1|v2>', 'swappiness': <0..200>},\n");
    put_devices(draw);
    put_block_device(draw);
    if (mixed)
        put_zswap_mixed(draw);
    else
        put_zswap_of_kernel(draw);
    put_cgroups(draw);
    put_tasks(draw);
    put_events(draw);
    put(draw, "'engine': {'quantum': '<20..119>us', 'series_rows': 5}}\n");
}

/* ---- any key ---------------------------------------------------------------------- */

/* A value that the row takes: one near an end of its range, or a small one. */
static inline void put_number_of(struct draw *draw, const struct param *row)
{
    bool bounded = row->least != 0 || row->most != 0;
    double least = bounded ? row->least : 0, most = bounded ? row->most : 1e6, value;
    uint64_t drawn = below(draw, 256);
    value = drawn < 16 ? most - (double)drawn : least + (double)(drawn - 16);
    if (value < least || value > most || value - least > 4096)
        value = least;
    if (row->type == PARAM_REAL)
        value = least + (most - least) * (double)drawn / 255;
    if (row->type == PARAM_TIME && !bounded)
        value = 10000 * (double)drawn;
    if (row->flags & PARAM_WHOLE_PAGES)
        value = least + 4096 * (double)drawn;
    put(draw, "%.*f", row->type == PARAM_REAL ? 4 : 0, value);
}

static inline void put_value_of(struct draw *draw, const struct param *row)
{
    const char *words[KEY_WORDS_AT_MOST];
    size_t count = config_key_words(row, words);
    if (count)
        put(draw, "'%s'", words[below(draw, count)]);
    else if (row->type == PARAM_BOOL)
        put(draw, "<true|false>");
    else
        put_number_of(draw, row);
}

/* Some rows of a table, each behind a comma. */
static inline void put_rows(struct draw *draw, const struct param_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].type != PARAM_STRING && below(draw, 4) == 1) {
            put(draw, ", '%s': ", table->rows[i].name);
            put_value_of(draw, &table->rows[i]);
        }
}

static inline void put_policy(struct draw *draw, const struct axis_key *key)
{
    const struct policy_axis *axis = policy_axis_find(key->axis);
    unsigned count = 0;
    while (axis->choices[count])
        count++;
    const struct policy *policy = axis->choices[below(draw, count)];
    put(draw, ", '%s': {'policy': '%s'", key->name, policy->name);
    put_rows(draw, &policy->params);
    put(draw, "}");
}

/* Any keys and policies of a section, as far as they are not written already. */
static inline void put_any(struct draw *draw, const struct config_section *section)
{
    put_rows(draw, &section->keys);
    for (const struct axis_key *key = section->axes; key && key->name; key++)
        if (below(draw, 4) == 1)
            put_policy(draw, key);
}

static inline const char *any_kernel(struct draw *draw)
{
    unsigned count = 0;
    while (kernel_presets[count].name)
        count++;
    return kernel_presets[below(draw, count)].name;
}

/* A config of any keys, policies and parameters that there are; it may be refused,
 * for not all go together. */
static inline void draw_any_config(struct draw *draw)
{
    draw->cgroups = 1 + (unsigned)below(draw, RANDOM_CGROUPS);
    put(draw, "{'kernel': '%s',\n", any_kernel(draw));
    put_machine(draw);
    put(draw, "'vm': {'memcg_stat_flush': '<5..9>ms'");
    put_any(draw, &section_vm);
    put(draw, "},\n");
    put_devices(draw);
    draw->used -= strlen("},\n"); /* goes on inside of "swap" */
    put_any(draw, &section_swap);
    put(draw, "},\n");
    put_block_device(draw);
    put(draw, "'zswap': {'enabled': <true|true|true|false>");
    put_any(draw, &section_zswap);
    put(draw, "},\n");
    put_cgroups(draw);
    put_tasks(draw);
    put_events(draw);
    put(draw, "'engine': {'quantum': '<20..119>us', 'series_rows': 5}}\n");
}

/* ---- afterwards --------------------------------------------------------------------- */

#define PROMISED(relation)                                                                         \
    do {                                                                                           \
        if (!(relation))                                                                           \
            return #relation;                                                                      \
    } while (0)

/* What the kernel's counters promise of each other; the promise that is broken, or
 * NULL. */
static inline const char *broken_relation(const char *text, const struct run_result *result)
{
    /* Written pages were refused by zswap, or written back from it; refused ones are
     * written, but where that is forbidden, or their owner was killed meanwhile. */
    uint64_t written = counted(result, COUNTER_refused_stores) -
                       counted(result, COUNTER_unbacked_activate) + counted(result, COUNTER_zswpwb);
    PROMISED(counted(result, COUNTER_pswpout) <= written);
    if (!counted(result, COUNTER_oom_kill))
        PROMISED(counted(result, COUNTER_pswpout) == written);
    PROMISED(counted(result, COUNTER_zswpwb) == counted(result, COUNTER_written_back_pages));
    /* Entries conserve: each is still there, or was written back, dropped, or (from
     * 6.9) removed by its load. */
    bool keeps = strstr(text, "\"v6.1\"") || strstr(text, "\"v6.2\"") || strstr(text, "\"v6.5\"") ||
                 strstr(text, "\"v6.8\"");
    PROMISED(counted(result, COUNTER_zswpout) == gauge(result, GAUGE_stored_pages) +
                                                     counted(result, COUNTER_zswpwb) +
                                                     counted(result, COUNTER_zswap_invalidated) +
                                                     (keeps ? 0 : counted(result, COUNTER_zswpin)));
    /* A lock is not held before it is taken, nor waited for by nobody; of shrinkers' the tries in
     * vain are counted. */
    for (unsigned kind = 0; kind < LOCK_KINDS; kind++)
        PROMISED(kind == LOCK_shrinkers ||
                 result->locks[kind].contended <= result->locks[kind].acquisitions);
    PROMISED(result->psi.full_us <= result->psi.some_us);
    PROMISED(result->psi.some_us <= result->end_ns / 1000);
    /* Every fault is of one kind. */
    PROMISED(counted(result, COUNTER_first_touch) + counted(result, COUNTER_minor_swap_cache) +
                 counted(result, COUNTER_fault_zswap) + counted(result, COUNTER_fault_disk) +
                 counted(result, COUNTER_fault_zram) <=
             counted(result, COUNTER_pgfault));
    PROMISED(counted(result, COUNTER_pgmajfault) == counted(result, COUNTER_fault_zswap) +
                                                        counted(result, COUNTER_fault_disk) +
                                                        counted(result, COUNTER_fault_zram));
    /* A device is a disk or zram, and there may be files on it. */
    PROMISED(counted(result, COUNTER_pswpin) <=
             counted(result, COUNTER_disk_reads) + counted(result, COUNTER_zram_reads));
    PROMISED(counted(result, COUNTER_pswpout) <=
             counted(result, COUNTER_disk_writes) + counted(result, COUNTER_zram_writes));
    PROMISED(gauge(result, GAUGE_same_pages) + gauge(result, GAUGE_huge_pages) <=
             gauge(result, GAUGE_orig_data_size) / PAGE_BYTES);
    PROMISED(gauge(result, GAUGE_compr_data_size) <= gauge(result, GAUGE_mem_used_total));
    PROMISED(gauge(result, GAUGE_mem_used_total) <= gauge(result, GAUGE_mem_used_max));
    PROMISED(counted(result, COUNTER_pgsteal_anon) <= counted(result, COUNTER_pgscan_anon));
    PROMISED(counted(result, COUNTER_workingset_activate_anon) <=
             counted(result, COUNTER_workingset_refault_anon));
    /* MGLRU: of 6.1 an activation is a restored page that was protected, from 6.14 on a page that
     * the worker has read is restored, and not activated. */
    uint64_t restored = counted(result, COUNTER_workingset_restore_anon);
    PROMISED(strstr(text, "mglru") ? restored <= counted(result, COUNTER_workingset_refault_anon)
                                   : restored <= counted(result, COUNTER_workingset_activate_anon));
    return NULL;
}

#undef PROMISED

#endif

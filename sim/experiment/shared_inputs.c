#define _GNU_SOURCE
#include "sim/experiment/shared_inputs.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "workloads/content/length_cache.h"

struct input {
    const void *type; /* struct workload_type or struct content_type */
    const char *key;  /* parameters and number as text */
    const void *params;
    struct source_position position;
    void *opened; /* struct workload or struct content; NULL: it failed */
    bool is_workload;
};

/* Open addressing; slots are a power of two. */
struct input_table {
    struct input **slots;     /* by type and key */
    struct input **by_opened; /* those that opened, by `opened` */
    size_t slot_count, used;
};

struct shared_inputs {
    pthread_mutex_t lock;
    struct arena arena;
    struct input_table table;
    struct length_cache *lengths; /* of all contents */
};

struct shared_inputs *shared_inputs_create(void)
{
    struct shared_inputs *inputs = memory_zeroed(1, sizeof(*inputs), "shared inputs");
    pthread_mutex_init(&inputs->lock, NULL);
    inputs->lengths = length_cache_create();
    return inputs;
}

void shared_inputs_free(struct shared_inputs *inputs)
{
    if (!inputs)
        return;
    length_cache_free(inputs->lengths);
    for (size_t i = 0; i < inputs->table.slot_count; i++) {
        struct input *input = inputs->table.slots[i];
        if (!input)
            continue;
        if (!input->is_workload)
            content_close(input->opened);
        else if (input->opened)
            ((const struct workload_type *)input->type)->close(input->opened);
    }
    free(inputs->table.slots);
    free(inputs->table.by_opened);
    arena_release(&inputs->arena);
    pthread_mutex_destroy(&inputs->lock);
    free(inputs);
}

/* "exponent=0.99;pages=4096;#1": parameters as printed, which reads back to the
 * same value, and the seed or number of pages. */
static char *make_key(const struct param_table *table, const void *params, uint64_t number)
{
    char *key;
    size_t length;
    FILE *out = memory_stream_open(&key, &length);
    for (size_t i = 0; i < table->count; i++) {
        const struct param *row = &table->rows[i];
        char value[64];
        if (row->type == PARAM_STRING) {
            const char *text = *(const char *const *)((const char *)params + row->offset);
            fprintf(out, "%s=%s\n", row->name, text ? text : "");
        } else {
            params_print(row, params, value, sizeof(value));
            fprintf(out, "%s=%s\n", row->name, value);
        }
    }
    fprintf(out, "#%" PRIu64, number);
    memory_stream_close(out);
    return key;
}

static size_t find_slot(const struct input_table *table, const void *type, const char *key)
{
    size_t slot = XXH3_64bits(key, strlen(key)) & (table->slot_count - 1);
    while (table->slots[slot] &&
           (table->slots[slot]->type != type || strcmp(table->slots[slot]->key, key) != 0))
        slot = (slot + 1) & (table->slot_count - 1);
    return slot;
}

static size_t find_opened_slot(const struct input_table *table, const void *opened)
{
    size_t slot = XXH3_64bits(&opened, sizeof(opened)) & (table->slot_count - 1);
    while (table->by_opened[slot] && table->by_opened[slot]->opened != opened)
        slot = (slot + 1) & (table->slot_count - 1);
    return slot;
}

static void add_opened(struct input_table *table, struct input *input)
{
    if (input->opened)
        table->by_opened[find_opened_slot(table, input->opened)] = input;
}

static void make_room(struct input_table *table)
{
    if (table->used * 2 < table->slot_count)
        return;
    struct input_table larger = {.slot_count = table->slot_count ? table->slot_count * 2 : 64,
                                 .used = table->used};
    larger.slots = memory_zeroed(larger.slot_count, sizeof(*larger.slots), "shared inputs");
    larger.by_opened = memory_zeroed(larger.slot_count, sizeof(*larger.by_opened), "shared inputs");
    for (size_t i = 0; i < table->slot_count; i++) {
        struct input *input = table->slots[i];
        if (!input)
            continue;
        larger.slots[find_slot(&larger, input->type, input->key)] = input;
        add_opened(&larger, input);
    }
    free(table->slots);
    free(table->by_opened);
    *table = larger;
}

/* The entry of this type and key; *new when it was made, not yet opened. */
static struct input *find_or_add(struct shared_inputs *inputs, const void *type, char *key,
                                 bool *new)
{
    make_room(&inputs->table);
    size_t slot = find_slot(&inputs->table, type, key);
    struct input *input = inputs->table.slots[slot];
    *new = !input;
    if (!input) {
        input = arena_zeroed(&inputs->arena, sizeof(*input));
        input->type = type;
        input->key = arena_string(&inputs->arena, key, strlen(key));
        inputs->table.slots[slot] = input;
        inputs->table.used++;
    }
    free(key);
    return input;
}

static void *copy_bytes(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_zeroed(arena, size ? size : 1);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

/* `twin` is open with the same parameters and another seed; NULL: not known. */
static struct workload *open_workload(struct shared_inputs *inputs,
                                      const struct workload_type *type, const void *params,
                                      uint64_t seed, const struct workload *twin,
                                      const struct source_position *position,
                                      struct diagnostics *errors)
{
    bool new;
    struct input *input =
        find_or_add(inputs, type, make_key(&type->params, params, type->seeded ? seed : 0), &new);
    if (new) {
        input->is_workload = true;
        input->params = copy_bytes(&inputs->arena, params, type->params.struct_bytes);
        input->position = *position;
        input->opened = twin && type->open_twin
                            ? type->open_twin(twin, input->params, seed, position, errors)
                            : type->open(input->params, seed, position, errors);
        add_opened(&inputs->table, input);
    }
    return input->opened;
}

/* Type and parameters say what is in a page; the number of pages does not. */
static void join_family(struct shared_inputs *inputs, const struct content_type *type,
                        const void *params, struct content *content)
{
    char *key = make_key(&type->params, params, 0);
    char *identity = memory_printed("%s\n%s", type->name, key);
    length_cache_join(inputs->lengths, content, identity);
    free(identity);
    free(key);
}

static struct content *open_content(struct shared_inputs *inputs, const struct content_type *type,
                                    const void *params, uint32_t pages,
                                    const struct source_position *position,
                                    struct diagnostics *errors)
{
    bool new;
    struct input *input = find_or_add(inputs, type, make_key(&type->params, params, pages), &new);
    if (new) {
        input->params = copy_bytes(&inputs->arena, params, type->params.struct_bytes);
        input->position = *position;
        input->opened = type->open(input->params, pages, position, errors);
        if (input->opened)
            join_family(inputs, type, params, input->opened);
        add_opened(&inputs->table, input);
    }
    return input->opened;
}

static const struct input *find_opened(const struct shared_inputs *inputs, const void *opened)
{
    if (!opened || !inputs->table.slot_count)
        return NULL;
    return inputs->table.by_opened[find_opened_slot(&inputs->table, opened)];
}

struct workload *shared_inputs_workload(struct shared_inputs *inputs,
                                        const struct workload_type *type, const void *params,
                                        uint64_t seed, const struct source_position *position,
                                        struct diagnostics *errors)
{
    pthread_mutex_lock(&inputs->lock);
    struct workload *workload = open_workload(inputs, type, params, seed, NULL, position, errors);
    pthread_mutex_unlock(&inputs->lock);
    return workload;
}

struct content *shared_inputs_content(struct shared_inputs *inputs, const struct content_type *type,
                                      const void *params, uint32_t pages,
                                      const struct source_position *position,
                                      struct diagnostics *errors)
{
    pthread_mutex_lock(&inputs->lock);
    struct content *content = open_content(inputs, type, params, pages, position, errors);
    pthread_mutex_unlock(&inputs->lock);
    return content;
}

struct workload *shared_inputs_reseeded(struct shared_inputs *inputs,
                                        const struct workload *workload, uint64_t seed,
                                        struct diagnostics *errors)
{
    struct workload *reseeded = NULL;
    pthread_mutex_lock(&inputs->lock);
    const struct input *input = find_opened(inputs, workload);
    if (input)
        reseeded = open_workload(inputs, input->type, input->params, seed, workload,
                                 &input->position, errors);
    pthread_mutex_unlock(&inputs->lock);
    return reseeded;
}

struct content *shared_inputs_resized(struct shared_inputs *inputs, const struct content *content,
                                      uint32_t pages, struct diagnostics *errors)
{
    struct content *resized = NULL;
    pthread_mutex_lock(&inputs->lock);
    const struct input *input = find_opened(inputs, content);
    if (input)
        resized = open_content(inputs, input->type, input->params, pages, &input->position, errors);
    pthread_mutex_unlock(&inputs->lock);
    return resized;
}

void *shared_inputs_memory(struct shared_inputs *inputs, size_t bytes)
{
    pthread_mutex_lock(&inputs->lock);
    void *memory = arena_zeroed(&inputs->arena, bytes);
    pthread_mutex_unlock(&inputs->lock);
    return memory;
}

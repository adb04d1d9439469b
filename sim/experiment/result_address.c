#include "sim/experiment/result_address.h"
#include "sim/base/files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/experiment/config_fields.h"
#include "sim/experiment/config_resolved.h"
#include "sim/experiment/json_output.h"
#include "sim/experiment/plugins.h"
#include "sim/experiment/result_file.h"
#include "sim/experiment/version.h"

/* "xxh3:..." of a file's bytes; NULL after adding to `errors`. */
static cJSON *file_hash(const char *path, XXH3_state_t *state, struct diagnostics *errors)
{
    struct source_position position = {.file = path};
    unsigned char block[1 << 14];
    size_t bytes;
    const char *why;
    FILE *file = file_open_stream(path, &why);
    if (!file) {
        diagnostics_add(errors, &position, "cannot be read: %s", why);
        return NULL;
    }
    XXH3_128bits_reset(state);
    while ((bytes = fread(block, 1, sizeof(block), file)) > 0)
        XXH3_128bits_update(state, block, bytes);
    bool failed = ferror(file);
    fclose(file);
    if (failed) {
        diagnostics_add(errors, &position, "cannot be read to its end");
        return NULL;
    }
    XXH128_hash_t digest = XXH3_128bits_digest(state);
    char text[48];
    snprintf(text, sizeof(text), "xxh3:%016" PRIx64 "%016" PRIx64, digest.high64, digest.low64);
    return json_string(text);
}

/* Put what a page-content file holds in the place of its name. */
static bool replace_files(cJSON *content, const struct experiment *experiment, XXH3_state_t *state,
                          struct diagnostics *errors)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(content, "type");
    const struct content_type *type = name ? content_type_find(name->valuestring) : NULL;
    for (size_t i = 0; type && i < type->params.count; i++) {
        const struct param *row = &type->params.rows[i];
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(content, row->name);
        if (!param_is_file_name(row) || !value || !value->valuestring || !*value->valuestring)
            continue;
        struct arena arena = {0};
        struct decoder decoder = {.arena = &arena, .directory = experiment->directory};
        cJSON *hash = file_hash(decode_file_name(&decoder, value->valuestring), state, errors);
        arena_release(&arena);
        if (!hash)
            return false;
        cJSON_ReplaceItemInObjectCaseSensitive(content, row->name, hash);
    }
    return true;
}

/* Inputs by what they hold. */
static bool replace_inputs(cJSON *config, const struct experiment *experiment,
                           const struct config *decoded, XXH3_state_t *state,
                           struct diagnostics *errors)
{
    cJSON *task;
    uint32_t number = 0;
    cJSON_ArrayForEach(task, cJSON_GetObjectItemCaseSensitive(config, "tasks"))
    {
        const char *fingerprint = decoded->tasks[number++].workload->fingerprint;
        cJSON *content = cJSON_GetObjectItemCaseSensitive(task, "content");
        cJSON_ReplaceItemInObjectCaseSensitive(task, "workload", json_string(fingerprint));
        if (content && !replace_files(content, experiment, state, errors))
            return false;
        cJSON_ArrayForEach(content, cJSON_GetObjectItemCaseSensitive(task, "contents"))
        {
            if (!replace_files(content, experiment, state, errors))
                return false;
        }
    }
    return true;
}

static void replace_costs(cJSON *config, const struct costs *costs)
{
    cJSON *list = json_array();
    for (int i = 0; i < COSTS; i++)
        json_add_to_array(list, json_integer(costs->ns[i]));
    for (unsigned i = 0; i < compressor_count(); i++) {
        json_add_to_array(list, json_integer(costs->codec[i].compress_ns));
        json_add_to_array(list, json_integer(costs->codec[i].compress_ps_per_byte));
        json_add_to_array(list, json_integer(costs->codec[i].decompress_ns));
        json_add_to_array(list, json_integer(costs->codec[i].decompress_ps_per_byte));
    }
    cJSON_DeleteItemFromObjectCaseSensitive(config, "costs");
    json_add(config, "costs", list);
}

static void add_program(cJSON *config, const struct experiment *experiment)
{
    cJSON *plugins = json_array();
    for (const struct plugin_file *at = plugins_files(experiment->plugins); at && at->path; at++)
        json_add_to_array(plugins, json_string(at->xxh3));
    json_add(config, "plugins", plugins);
    json_add_string(config, "zsim", ZSIM_VERSION);
    json_add_string(config, "sources", zsim_sources);
    json_add(config, "libraries", result_libraries());
}

bool result_address(struct experiment *experiment, uint32_t variant, uint64_t seed,
                    char address[RESULT_ADDRESS_DIGITS + 1], struct diagnostics *errors)
{
    struct config decoded;
    if (!experiment_config(experiment, variant, seed, &decoded, errors))
        return false;
    XXH3_state_t *state = memory_checked(XXH3_createState(), "a hash");
    cJSON *config = config_resolved(experiment, variant);
    cJSON_DeleteItemFromObjectCaseSensitive(config, "question");
    cJSON_DeleteItemFromObjectCaseSensitive(config, "figures");
    cJSON_DeleteItemFromObjectCaseSensitive(config, "seeds");
    json_add_integer(config, "seed", seed);
    replace_costs(config, &decoded.costs);
    add_program(config, experiment);
    bool good = replace_inputs(config, experiment, &decoded, state, errors);
    if (good) {
        char *text = json_print(config);
        XXH128_hash_t digest = XXH3_128bits(text, strlen(text));
        snprintf(address, RESULT_ADDRESS_DIGITS + 1, "%016" PRIx64 "%016" PRIx64, digest.high64,
                 digest.low64);
        free(text);
    }
    cJSON_Delete(config);
    XXH3_freeState(state);
    return good;
}

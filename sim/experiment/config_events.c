/* "events": what changes while a simulation runs. */
#include <string.h>

#include "sim/experiment/config_decode.h"

static const char *const actions[] = {"set", "offline", "reclaim", "snapshot", "flush"};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]), CANDIDATES_AT_MOST = 32 };

/* The one member of `node` that is an action, or NULL after a message. */
static const struct config_node *find_action(struct decoder *decoder,
                                             const struct config_node *node)
{
    const struct config_node *found = NULL;
    for (size_t i = 0; i < ACTIONS; i++) {
        const struct config_node *member = config_tree_member(node, actions[i]);
        if (member && found) {
            decode_error(decoder, &member->key_at, "%s: both \"%s\" and \"%s\"; expected one",
                         decode_path(decoder, node), found->key, member->key);
            return NULL;
        }
        found = member ? member : found;
    }
    if (!found)
        decode_error(decoder, &node->at,
                     "%s: expected one of the keys \"set\", \"offline\", \"reclaim\", "
                     "\"snapshot\", \"flush\"",
                     decode_path(decoder, node));
    return found;
}

static void decode_time(struct decoder *decoder, const struct config_node *node,
                        const struct event_fields *fields, const struct config *config,
                        struct event_config *event)
{
    const struct config_node *at = config_tree_member(node, "at");
    const struct config_node *at_access = config_tree_member(node, "at_access");
    if (!at == !at_access) {
        decode_error(decoder, &node->at, "%s: expected either \"at\" or \"at_access\", found %s",
                     decode_path(decoder, node), at ? "both" : "neither");
        return;
    }
    event->at_access = at_access;
    event->when = at ? fields->at_ns : fields->at_access;
    const struct task_config *task = config->task_count ? &config->tasks[0] : NULL;
    if (at_access && task && task->workload && fields->at_access > task->workload->accesses)
        decode_error(decoder, &at_access->at,
                     "%s: %llu is behind the last access of task \"%s\", which has %llu",
                     decode_path(decoder, at_access), (unsigned long long)fields->at_access,
                     task->name, (unsigned long long)task->workload->accesses);
}

/* ---- "set" --------------------------------------------------------------- */

/* "cgroups./web.memory.max" -> cgroup and key; plain keys: cgroup 0. */
static const struct runtime_key *find_target(struct decoder *decoder, const struct config_node *set,
                                             struct event_config *event)
{
    const char *names[CANDIDATES_AT_MOST];
    size_t count = 0;
    const char *rest = set->text;
    bool of_cgroup = strncmp(rest, "cgroups./", 9) == 0;
    const char *file = of_cgroup ? strstr(rest, ".memory.") : NULL;
    if (file) {
        struct config_node path = *set;
        path.text = arena_string(decoder->arena, rest + 8, (size_t)(file - rest) - 8);
        if (!decode_cgroup_name(decoder, &path, &event->cgroup))
            return NULL;
        rest = file + 1;
    }
    for (const struct runtime_key *key = runtime_keys; key->section; key++) {
        bool cgroup_key = key->section == &section_cgroup;
        const char *name = cgroup_key && file ? key->name
                                              : arena_printf(decoder->arena, "%s.%s",
                                                             key->section->path, key->name);
        if (strcmp(rest, name) == 0 && cgroup_key == (file != NULL))
            return key;
        if ((file != NULL) == cgroup_key && count < CANDIDATES_AT_MOST)
            names[count++] = name;
    }
    decode_unknown(decoder, &set->at, decode_path(decoder, set), "no key that an event can change",
                   set->text, names, count);
    return NULL;
}

/* The value of a key through the key's own row, as a number. */
static bool decode_number(struct decoder *decoder, const struct param *row,
                          const struct config_node *value, uint64_t *number)
{
    union {
        bool truth;
        uint64_t count;
        const char *text;
        unsigned choice;
        double real;
    } field = {0};
    struct param alone = *row;
    alone.offset = 0;
    const char *words[KEY_WORDS_AT_MOST];
    size_t word_count = config_key_words(row, words);
    if (word_count && value->kind == CONFIG_STRING) {
        for (size_t i = 0; i < word_count; i++)
            if (strcmp(words[i], value->text) == 0) {
                *number = i;
                return true;
            }
        decode_unknown(decoder, &value->at, decode_path(decoder, value), "unknown value",
                       value->text, words, word_count);
        return false;
    }
    if (!decode_value(decoder, &alone, value, &field))
        return false;
    *number = row->type == PARAM_BOOL ? field.truth : field.count;
    return true;
}

static void decode_set(struct decoder *decoder, const struct config_node *node,
                       const struct config_node *set, struct event_config *event)
{
    event->action = EVENT_SET;
    const struct config_node *value = config_tree_member(node, "value");
    if (!value)
        decode_error(decoder, &node->at, "%s: missing key \"value\"", decode_path(decoder, node));
    if (set->kind != CONFIG_STRING)
        return;
    const struct runtime_key *key = find_target(decoder, set, event);
    if (!key || !value)
        return;
    event->target = key->section == &section_cgroup ? key->name : set->text;
    decode_number(decoder, config_section_row(key->section, key->name), value, &event->number);
}

/* ---- the others ---------------------------------------------------------- */

static void decode_on_cgroup(struct decoder *decoder, const struct config_node *target,
                             enum event_action action, struct event_config *event)
{
    event->action = action;
    if (target->kind != CONFIG_STRING)
        return;
    event->target = target->text;
    if (decode_cgroup_name(decoder, target, &event->cgroup) && action == EVENT_OFFLINE &&
        event->cgroup == 0)
        decode_error(decoder, &target->at, "%s: the root cannot go offline",
                     decode_path(decoder, target));
}

static void need_only_with(struct decoder *decoder, const struct config_node *node, const char *key,
                           const char *action, const struct config_node *found)
{
    const struct config_node *member = config_tree_member(node, key);
    bool fits = strcmp(found->key, action) == 0;
    if (member && !fits)
        decode_error(decoder, &member->key_at, "%s: \"%s\" goes with \"%s\", not with \"%s\"",
                     decode_path(decoder, node), key, action, found->key);
}

static void decode_event(struct decoder *decoder, const struct config_node *node,
                         const struct config *config, struct event_config *event)
{
    struct event_fields fields = {0};
    decode_section(decoder, &section_event, node, &fields);
    if (node->kind != CONFIG_OBJECT)
        return;
    decode_time(decoder, node, &fields, config, event);
    const struct config_node *action = find_action(decoder, node);
    if (!action)
        return;
    need_only_with(decoder, node, "value", "set", action);
    need_only_with(decoder, node, "bytes", "reclaim", action);
    if (strcmp(action->key, "set") == 0) {
        decode_set(decoder, node, action, event);
    } else if (strcmp(action->key, "offline") == 0) {
        decode_on_cgroup(decoder, action, EVENT_OFFLINE, event);
    } else if (strcmp(action->key, "reclaim") == 0) {
        decode_on_cgroup(decoder, action, EVENT_RECLAIM, event);
        event->number = fields.bytes;
        if (!config_tree_member(node, "bytes"))
            decode_error(decoder, &node->at, "%s: missing key \"bytes\"",
                         decode_path(decoder, node));
    } else if (strcmp(action->key, "snapshot") == 0) {
        event->action = EVENT_SNAPSHOT;
        event->target = fields.snapshot;
    } else {
        event->action = EVENT_FLUSH;
        if (!fields.flush && action->kind == CONFIG_BOOL)
            decode_expected(decoder, action, "true");
    }
}

/* Does this event take a cgroup offline before that one happens?  Which of a time and an access
 * comes first only the run will tell. */
static bool may_be_offline_by(const struct event_config *event, uint32_t cgroup,
                              const struct event_config *then)
{
    if (event->action != EVENT_OFFLINE || event->cgroup != cgroup)
        return false;
    if (event->at_access != then->at_access)
        return true;
    return event->when < then->when || (event->when == then->when && event < then);
}

/* rmdir of a cgroup that has others below it fails with EBUSY. */
static void check_offline(struct decoder *decoder, const struct config_node *node,
                          const struct config *config, const struct event_config *event)
{
    if (event->action != EVENT_OFFLINE || event->cgroup == 0)
        return;
    for (uint32_t i = 1; i < config->cgroup_count; i++) {
        bool gone = config->cgroups[i].parent != event->cgroup;
        for (uint32_t e = 0; e < config->event_count && !gone; e++)
            gone = may_be_offline_by(&config->events[e], i, event);
        if (gone)
            continue;
        const struct config_node *target = config_tree_member(node, "offline");
        decode_error(decoder, &target->at, "%s: %s cannot go offline before %s, which is below it",
                     decode_path(decoder, target), event->target, config->cgroups[i].path);
        return;
    }
}

void decode_events(struct decoder *decoder, const struct config_node *node, struct config *config)
{
    if (!node)
        return;
    if (node->kind != CONFIG_ARRAY) {
        decode_expected(decoder, node, "a list of events");
        return;
    }
    config->events = arena_zeroed(decoder->arena, node->children * sizeof(*config->events) + 1);
    for (const struct config_node *event = node->first; event; event = event->next)
        decode_event(decoder, event, config, &config->events[config->event_count++]);
    const struct event_config *decoded = config->events;
    for (const struct config_node *event = node->first; event; event = event->next)
        check_offline(decoder, event, config, decoded++);
}

/* "content": {"type": "rule"}: classes of pages by percentage; see
 * docs/formats.md, "Page-content rules". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "workloads/content/content_source.h"

#define FILLER_WORD 0x5A53494D4B524550ull

enum {
    WORDS = PAGE_BYTES / 8,
    WHOLE = 10000, /* 100 % in hundredths of a percent */
    CLASSES_AT_MOST = 64,
    SALT_STREAM = 0,
    SALT_CLASS = 1,
    SALT_MIXED = 2,
};

enum page_class { CLASS_ZERO, CLASS_SAME, CLASS_MIXED, CLASS_RANDOM, CLASS_COUNT };

static const char *const class_names[CLASS_COUNT] = {"zero", "same", "mixed", "random"};

struct class_share {
    enum page_class page_class;
    uint32_t below;       /* hundredths of a percent, cumulated */
    uint32_t least, most; /* CLASS_MIXED: random bytes, multiples of 8 */
};

struct rule {
    uint64_t seed;
    uint32_t first, last;
    size_t count;
    struct class_share *shares;
};

struct rules {
    size_t count;
    struct rule *rules; /* sorted by first page; no gaps */
};

/* ---- contents ---- */

static uint64_t rule_hash(uint64_t seed, uint64_t page, uint64_t salt)
{
    return random_splitmix(random_splitmix(random_splitmix(seed) ^ page) + salt);
}

static const struct rule *rule_of(const struct rules *rules, uint32_t page)
{
    size_t low = 0, high = rules->count - 1;
    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        if (rules->rules[middle].first <= page)
            low = middle;
        else
            high = middle - 1;
    }
    return &rules->rules[low];
}

static const struct class_share *share_of(const struct rule *rule, uint32_t page)
{
    uint64_t draw = rule_hash(rule->seed, page, SALT_CLASS) % WHOLE;
    const struct class_share *share = rule->shares;
    while (share->below <= draw)
        share++;
    return share;
}

/* Bytes of a mixed page that are random. */
static uint32_t random_bytes(const struct rule *rule, const struct class_share *share,
                             uint32_t page)
{
    uint64_t steps = (share->most - share->least) / 8 + 1;
    return share->least + 8 * (uint32_t)(rule_hash(rule->seed, page, SALT_MIXED) % steps);
}

static uint64_t stream_start(const struct rule *rule, uint32_t page)
{
    uint64_t state = rule_hash(rule->seed, page, SALT_STREAM);
    return state ? state : 1;
}

/* Fill by class; mixed and random pages differ only in how many words are random. */
static void rule_bytes(const void *state, uint32_t page, unsigned char out[PAGE_BYTES])
{
    const struct rule *rule = rule_of(state, page);
    const struct class_share *share = share_of(rule, page);
    uint64_t words[WORDS];
    uint64_t stream = stream_start(rule, page);
    size_t drawn = 0;
    uint64_t rest = FILLER_WORD;
    switch (share->page_class) {
    case CLASS_ZERO:
        rest = 0;
        break;
    case CLASS_SAME:
        rest = random_next(&stream) | 1;
        break;
    case CLASS_MIXED:
        drawn = random_bytes(rule, share, page) / 8;
        break;
    case CLASS_RANDOM:
    case CLASS_COUNT:
        drawn = WORDS;
        break;
    }
    for (size_t i = 0; i < WORDS; i++)
        words[i] = i < drawn ? random_next(&stream) : rest;
    memcpy(out, words, PAGE_BYTES);
}

static enum content_kind rule_kind(const void *state, uint32_t page)
{
    const struct rule *rule = rule_of(state, page);
    const struct class_share *share = share_of(rule, page);
    if (share->page_class == CLASS_ZERO)
        return CONTENT_ZERO;
    if (share->page_class == CLASS_SAME)
        return CONTENT_SAME_FILLED;
    /* A mixed page without random bytes is one word repeated. */
    if (share->page_class == CLASS_MIXED && random_bytes(rule, share, page) == 0)
        return CONTENT_SAME_FILLED;
    return CONTENT_ORDINARY;
}

static void rules_release(void *state)
{
    struct rules *rules = state;
    for (size_t i = 0; i < rules->count; i++)
        free(rules->rules[i].shares);
    free(rules->rules);
    free(rules);
}

static const struct content_source rule_source = {
    .kind = rule_kind, .bytes = rule_bytes, .release = rules_release};

/* ---- parsing ---- */

struct parser {
    const struct source_position *position;
    struct diagnostics *errors;
};

/* Hundredths of a percent from "70", "12.5", "0.25"; false for anything else. */
static bool parse_percent(char *text, uint32_t *hundredths)
{
    char *point = strchr(text, '.');
    uint64_t whole, fraction = 0;
    char digits[4] = "";
    if (point) {
        size_t decimals = strlen(point + 1);
        if (decimals < 1 || decimals > 2)
            return false;
        memcpy(digits, point + 1, decimals);
        if (!parse_count(digits, &fraction))
            return false;
        if (decimals == 1)
            fraction *= 10;
        *point = '\0';
    }
    bool good = parse_count(text, &whole) && whole <= 100;
    if (point)
        *point = '.';
    if (good)
        *hundredths = (uint32_t)(whole * 100 + fraction);
    return good;
}

static bool parse_class_name(const struct parser *parser, const char *text, enum page_class *out)
{
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (strcmp(text, class_names[i]) == 0) {
            *out = (enum page_class)i;
            return true;
        }
    }
    const char *nearest = nearest_name(text, class_names, CLASS_COUNT);
    diagnostics_add(parser->errors, parser->position,
                    "unknown page class \"%s\": expected zero, same, mixed or random%s%s%s", text,
                    nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?)" : "");
    return false;
}

static bool parse_mixed_range(const struct parser *parser, const char *low, const char *high,
                              struct class_share *share)
{
    uint64_t least, most;
    if (!low) {
        diagnostics_add(parser->errors, parser->position,
                        "page class mixed needs its random bytes: PCT:mixed:LO[:HI]");
        return false;
    }
    if (!parse_count(low, &least) || !parse_count(high ? high : low, &most) || most > PAGE_BYTES ||
        least > most) {
        diagnostics_add(parser->errors, parser->position,
                        "page class mixed:%s%s%s: expected whole numbers LO <= HI <= %d (random "
                        "bytes)",
                        low, high ? ":" : "", high ? high : "", PAGE_BYTES);
        return false;
    }
    share->least = (uint32_t)least & ~7u;
    share->most = (uint32_t)most & ~7u;
    return true;
}

/* One "PCT:CLASS[:LO[:HI]]"; `text` is cut up.  share->below is the share's own
 * percentage afterwards. */
static bool parse_share(const struct parser *parser, char *text, struct class_share *share)
{
    char *fields[4] = {NULL};
    char *next = text;
    for (size_t i = 0; next; i++) {
        char *field = strsep(&next, ":");
        if (i == 4) {
            diagnostics_add(parser->errors, parser->position,
                            "page class list: \"%s:...\" has too many fields, expected "
                            "PCT:CLASS[:LO[:HI]] and a comma before the next",
                            fields[0]);
            return false;
        }
        fields[i] = field;
    }
    if (!parse_percent(fields[0], &share->below)) {
        diagnostics_add(parser->errors, parser->position,
                        "page class list: \"%s\" is not a percentage (0..100, at most two "
                        "decimals) in PCT:CLASS[:LO[:HI]]",
                        fields[0]);
        return false;
    }
    if (!fields[1]) {
        diagnostics_add(parser->errors, parser->position,
                        "page class list: \"%s\" has no class, expected PCT:CLASS[:LO[:HI]]",
                        fields[0]);
        return false;
    }
    if (!parse_class_name(parser, fields[1], &share->page_class))
        return false;
    if (share->page_class == CLASS_MIXED)
        return parse_mixed_range(parser, fields[2], fields[3], share);
    if (fields[2]) {
        diagnostics_add(parser->errors, parser->position,
                        "page class %s takes no random bytes, found \":%s\"", fields[1], fields[2]);
        return false;
    }
    return true;
}

/* "PCT:CLASS[:LO[:HI]],..." into rule->shares. */
static bool parse_classes(const struct parser *parser, const char *classes, struct rule *rule)
{
    char *copy = memory_string(classes), *next = copy;
    bool good = true;
    uint32_t sum = 0;
    rule->shares = memory_zeroed(CLASSES_AT_MOST, sizeof(rule->shares[0]), "page classes");
    while (good && next) {
        char *item = strsep(&next, ",");
        if (rule->count == CLASSES_AT_MOST) {
            diagnostics_add(parser->errors, parser->position,
                            "page class list: more than %d classes", CLASSES_AT_MOST);
            good = false;
            break;
        }
        struct class_share *share = &rule->shares[rule->count++];
        good = parse_share(parser, item, share);
        sum += share->below;
        share->below = sum;
    }
    if (good && sum != WHOLE) {
        diagnostics_add(parser->errors, parser->position,
                        "page class list \"%s\": percentages sum to %u.%02u, expected 100", classes,
                        sum / 100, sum % 100);
        good = false;
    }
    free(copy);
    return good;
}

static int by_first_page(const void *a, const void *b)
{
    const struct rule *left = a, *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

/* Every page of 0..pages-1 has exactly one rule. */
static bool check_cover(const struct parser *parser, const struct rules *rules, uint32_t pages)
{
    uint64_t expected = 0;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        if (rule->first > expected) {
            diagnostics_add(parser->errors, parser->position,
                            "content rules: no rule for pages %" PRIu64 "-%u", expected,
                            rule->first - 1);
            return false;
        }
        if (rule->first < expected) {
            diagnostics_add(parser->errors, parser->position,
                            "content rules: two rules for page %u", rule->first);
            return false;
        }
        expected = (uint64_t)rule->last + 1;
    }
    if (expected >= pages)
        return true;
    diagnostics_add(parser->errors, parser->position,
                    "content rules: no rule for pages %" PRIu64 "-%u", expected, pages - 1);
    return false;
}

static bool fill_rules(const struct parser *parser, const struct content_rule *source, size_t count,
                       uint32_t pages, struct rules *rules)
{
    bool good = true;
    if (!count) {
        diagnostics_add(parser->errors, parser->position, "content rules: the list is empty");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct rule *rule = &rules->rules[rules->count++];
        *rule =
            (struct rule){.seed = source[i].seed, .first = source[i].first, .last = source[i].last};
        if (rule->first > rule->last) {
            diagnostics_add(parser->errors, parser->position,
                            "content rules: first page %u is behind last page %u", rule->first,
                            rule->last);
            good = false;
        }
        good &= parse_classes(parser, source[i].classes, rule);
    }
    if (!good)
        return false;
    qsort(rules->rules, rules->count, sizeof(rules->rules[0]), by_first_page);
    return check_cover(parser, rules, pages);
}

struct content *content_open_rules(const struct content_rule *source, size_t count, uint32_t pages,
                                   const struct source_position *position,
                                   struct diagnostics *errors)
{
    struct parser parser = {position, errors};
    struct rules *rules = memory_zeroed(1, sizeof(*rules), "content rules");
    rules->rules = memory_zeroed(count, sizeof(rules->rules[0]), "content rules");
    if (!fill_rules(&parser, source, count, pages, rules)) {
        rules_release(rules);
        return NULL;
    }
    return content_create(&rule_source, rules, pages);
}

/* ---- as a content type ---- */

struct rule_params {
    uint64_t seed;
    const char *classes;
    const char *rules;
};

static const struct param rule_rows[] = {
    {.name = "seed",
     .type = PARAM_COUNT,
     .offset = offsetof(struct rule_params, seed),
     .initial = "1",
     .help = "seed of the contents; pages depend on it and on their number alone, never on the "
             "seed of the run; a sweep over tasks.0.content.seed draws others"},
    {.name = "classes",
     .type = PARAM_STRING,
     .offset = offsetof(struct rule_params, classes),
     .initial = "",
     .help = "\"PCT:CLASS[:LO[:HI]],...\" for all pages: zero, same, mixed (LO..HI random bytes, "
             "the rest constant), random; percentages sum to 100"},
    {.name = "rules",
     .type = PARAM_STRING,
     .offset = offsetof(struct rule_params, rules),
     .initial = "",
     .help = "in place of classes, by ranges of pages: \"FIRST-LAST[@SEED]=CLASSES;...\", each "
             "page in exactly one range"},
};

/* "FIRST-LAST[@SEED]=CLASSES"; `text` is cut up, rule->classes points into it. */
static bool parse_range(char *text, uint64_t seed, struct content_rule *rule)
{
    uint64_t first, last;
    char *classes = text, *pages = strsep(&classes, "=");
    char *own_seed = pages;
    pages = strsep(&own_seed, "@");
    char *to = pages;
    const char *from = strsep(&to, "-");
    rule->seed = seed;
    rule->classes = classes;
    if (!classes || !to || !parse_count(from, &first) || !parse_count(to, &last) ||
        first > UINT32_MAX || last > UINT32_MAX ||
        (own_seed && !parse_count(own_seed, &rule->seed)))
        return false;
    rule->first = (uint32_t)first;
    rule->last = (uint32_t)last;
    return true;
}

static struct content *open_list(const struct rule_params *params, uint32_t pages,
                                 const struct source_position *position, struct diagnostics *errors)
{
    struct content *content = NULL;
    struct content_rule *list = NULL;
    size_t count = 0;
    bool good = true;
    char *copy = memory_string(params->rules), *next = copy;
    while (next) {
        char *item = strsep(&next, ";");
        char *shown = memory_string(item);
        list = memory_resized(list, count + 1, sizeof(*list), "content rules");
        if (!parse_range(item, params->seed, &list[count++])) {
            diagnostics_add(errors, position,
                            "content rules: \"%s\" is not FIRST-LAST[@SEED]=CLASSES", shown);
            good = false;
        }
        free(shown);
    }
    if (good)
        content = content_open_rules(list, count, pages, position, errors);
    free(list);
    free(copy);
    return content;
}

static struct content *rule_open(const void *fields, uint32_t pages,
                                 const struct source_position *position, struct diagnostics *errors)
{
    const struct rule_params *params = fields;
    if (!params->classes[0] == !params->rules[0]) {
        diagnostics_add(errors, position,
                        "content of type rule needs either \"classes\" or \"rules\", found %s",
                        params->classes[0] ? "both" : "neither");
        return NULL;
    }
    if (params->rules[0])
        return open_list(params, pages, position, errors);
    struct content_rule all = {params->seed, 0, pages ? pages - 1 : 0, params->classes};
    return content_open_rules(&all, 1, pages, position, errors);
}

const struct content_type content_type_rule = {
    .name = "rule",
    .summary = "classes of generated pages by percentage: zero, same-filled, part random, random",
    .params = PARAM_TABLE(rule_rows, struct rule_params),
    .open = rule_open,
};

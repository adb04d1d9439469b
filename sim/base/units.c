#include "sim/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"", 1},           {"B", 1},
    {"K", 1ull << 10}, {"KiB", 1ull << 10},
    {"M", 1ull << 20}, {"MiB", 1ull << 20},
    {"G", 1ull << 30}, {"GiB", 1ull << 30},
    {"T", 1ull << 40}, {"TiB", 1ull << 40},
};

static const struct unit time_units[] = {
    {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"min", 60000000000},
};

/* Decimal digits with an optional fraction, as whole * factor + fraction * factor;
 * exact in integers: a fraction that does not come out whole is refused. */
static bool parse_scaled(const char *text, const struct unit *units, size_t count, uint64_t *value)
{
    uint64_t whole = 0, fraction = 0, fraction_scale = 1;
    const char *at = text;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole))
            return false;
    if (*at == '.') {
        at++;
        if (*at < '0' || *at > '9')
            return false;
        for (; *at >= '0' && *at <= '9'; at++) {
            if (fraction_scale >= 1000000000000ull)
                return false;
            fraction = fraction * 10 + (uint64_t)(*at - '0');
            fraction_scale *= 10;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(at, units[i].suffix) != 0)
            continue;
        unsigned __int128 part = (unsigned __int128)fraction * units[i].factor;
        if (part % fraction_scale != 0)
            return false;
        uint64_t scaled;
        return !__builtin_mul_overflow(whole, units[i].factor, &scaled) &&
               !__builtin_add_overflow(scaled, (uint64_t)(part / fraction_scale), value);
    }
    return false;
}

bool parse_bytes(const char *text, uint64_t *bytes)
{
    return parse_scaled(text, byte_units, sizeof(byte_units) / sizeof(byte_units[0]), bytes);
}

bool parse_time(const char *text, uint64_t *ns)
{
    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return true;
    }
    return parse_scaled(text, time_units, sizeof(time_units) / sizeof(time_units[0]), ns);
}

bool parse_count(const char *text, uint64_t *count)
{
    return strchr(text, '.') == NULL && parse_scaled(text, byte_units, 1, count);
}

void print_bytes(char *out, size_t size, uint64_t bytes)
{
    static const char letters[] = "TGMK";
    for (unsigned i = 0; i < 4; i++) {
        uint64_t factor = 1ull << (10 * (4 - i));
        if (bytes && bytes % factor == 0) {
            snprintf(out, size, "%" PRIu64 "%c", bytes / factor, letters[i]);
            return;
        }
    }
    snprintf(out, size, "%" PRIu64, bytes);
}

void print_time(char *out, size_t size, uint64_t ns)
{
    static const struct unit descending[] = {
        {"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    if (ns == 0) {
        snprintf(out, size, "0");
        return;
    }
    for (unsigned i = 0; i < 4; i++)
        if (ns % descending[i].factor == 0) {
            snprintf(out, size, "%" PRIu64 "%s", ns / descending[i].factor, descending[i].suffix);
            return;
        }
}

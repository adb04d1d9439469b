/* A content profile as a table: what the sampled pages compress to. */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "workloads/content/sampler.h"

static int by_value(const void *a, const void *b)
{
    return (*(const uint16_t *)a > *(const uint16_t *)b) -
           (*(const uint16_t *)a < *(const uint16_t *)b);
}

/* One line: `lengths` of the ordinary pages, which are sorted here.  A refused
 * page counts as a whole one. */
static void print_line(const char *name, uint16_t *lengths, size_t count, FILE *out)
{
    size_t refused = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (content_incompressible(lengths[i])) {
            refused++;
            lengths[i] = PAGE_BYTES;
        }
        sum += lengths[i];
    }
    if (!count)
        return;
    qsort(lengths, count, sizeof(*lengths), by_value);
    fprintf(out, "%-10s %8.0f %8u %8u %8u %7.2f %15.1f %%\n", name, (double)sum / (double)count,
            lengths[count / 10], lengths[count / 2], lengths[count - 1 - count / 10],
            (double)count * PAGE_BYTES / (double)sum, 100.0 * (double)refused / (double)count);
}

/* Of column `compressor` of the samples, or of a zstd level behind them. */
static uint16_t length_at(const struct content_profile *profile, size_t row, unsigned column)
{
    if (column < compressor_count())
        return profile->samples[row].length[column];
    return profile->level_lengths[row * profile->level_count + column - compressor_count()];
}

static size_t take_column(const struct content_profile *profile, unsigned column, uint16_t *lengths)
{
    size_t count = 0;
    for (size_t i = 0; i < profile->count; i++)
        if (profile->samples[i].kind == CONTENT_ORDINARY)
            lengths[count++] = length_at(profile, i, column);
    return count;
}

/* Ordinary pages that no compressor makes smaller. */
static size_t refused_by_all(const struct content_profile *profile)
{
    size_t refused = 0;
    for (size_t i = 0; i < profile->count; i++) {
        bool all = profile->samples[i].kind == CONTENT_ORDINARY;
        for (unsigned column = 0; all && column < compressor_count() + profile->level_count;
             column++)
            all = content_incompressible(length_at(profile, i, column));
        refused += all;
    }
    return refused;
}

static void print_share(const char *name, size_t count, const struct content_profile *profile,
                        FILE *out)
{
    fprintf(out, "%-31s %8zu %7.1f %%\n", name, count,
            100.0 * (double)count / (double)profile->count);
}

void content_profile_print(const struct content_profile *profile, FILE *out)
{
    size_t kinds[CONTENT_ZERO + 1] = {0};
    for (size_t i = 0; i < profile->count; i++)
        kinds[profile->samples[i].kind]++;
    fprintf(out, "%s: %zu of %" PRIu64 " pages sampled\n\n", profile->source, profile->count,
            profile->pages_seen);
    print_share("zero", kinds[CONTENT_ZERO], profile, out);
    print_share("one word repeated", kinds[CONTENT_SAME_FILLED], profile, out);
    print_share("ordinary", kinds[CONTENT_ORDINARY], profile, out);
    print_share("  incompressible by any of these", refused_by_all(profile), profile, out);
    fprintf(out, "\n%-10s %8s %8s %8s %8s %7s %17s\n", "ordinary", "bytes", "10 %", "median",
            "90 %", "ratio", "incompressible");
    uint16_t *lengths = memory_zeroed(profile->count, sizeof(*lengths), "lengths of pages");
    for (unsigned i = 0; i < compressor_count() + profile->level_count; i++) {
        char name[16];
        if (i < compressor_count())
            snprintf(name, sizeof(name), "%s", compressors[i].name);
        else
            snprintf(name, sizeof(name), "zstd %d", profile->levels[i - compressor_count()]);
        size_t count = take_column(profile, i, lengths);
        print_line(name, lengths, count, out);
    }
    free(lengths);
}

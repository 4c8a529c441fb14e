/*
 * RAMinate: options of the traffic plugin
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <string.h>

#include "hw/raminate/record/record.h"
#include "cache.h"
#include "memory.h"
#include "options.h"

#define MAX_LINE_SIZE (1 << MEMORY_PAGE_BITS)
#define MAX_CACHE_SIZE ((uint64_t)1 << 30)
#define MAX_INSTRUCTIONS ((uint64_t)1 << 50)
#define MAX_PERIOD_MS (24 * 60 * 60 * 1000)

static bool G_GNUC_PRINTF(2, 3) fail(GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s",
                message);
    return false;
}

static bool parse_number(const char *name, const char *text, uint64_t min,
                         uint64_t max, uint64_t *value, GError **error)
{
    static const char suffixes[] = "KMG";
    const char *suffix;
    char *end;

    *value = g_ascii_strtoull(text, &end, 0);
    suffix = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    if (suffix && *value <= max) {
        *value <<= 10 * (suffix - suffixes + 1);
        end++;
    }
    if (!g_ascii_isdigit(*text) || *end || *value < min || *value > max) {
        return fail(error, "%s=%s is no number from %" PRIu64 " to %" PRIu64,
                    name, text, min, max);
    }
    return true;
}

static bool parse_u32(const char *name, const char *text, uint32_t min,
                      uint32_t max, uint32_t *value, GError **error)
{
    uint64_t number;

    if (!parse_number(name, text, min, max, &number, error)) {
        return false;
    }
    *value = number;
    return true;
}

static bool parse_bool(const char *name, const char *text, bool *value,
                       GError **error)
{
    if (!g_str_equal(text, "on") && !g_str_equal(text, "off")) {
        return fail(error, "%s=%s is neither on nor off", name, text);
    }
    *value = g_str_equal(text, "on");
    return true;
}

/*
 * The parser is that of a file of pools, and tells lines of it.
 * Returns: what is wrong, without them.
 */
static char *plain_message(const GError *error)
{
    const char *start = strstr(error->message, ": ") + 2;
    const char *end = strstr(start, " in line ");

    return end ? g_strndup(start, end - start) : g_strdup(start);
}

static RaminatePools *pools_of(const char *text, char **message)
{
    g_autoptr(GError) error = NULL;
    RaminatePools *pools = raminate_pools_parse(text, "pools", &error);

    if (!pools) {
        *message = plain_message(error);
    }
    return pools;
}

/* Whatever isn't an option names a pool. */
static bool add_pool(GString *text, const char *name, const char *ranges,
                     GError **error)
{
    g_autofree char *line = g_strdup_printf("[pool %s]\nranges=%s\n", name,
                                            ranges);
    g_autoptr(RaminatePools) pools = NULL;
    g_autofree char *message = NULL;

    if (g_str_equal(name, MEMORY_NO_POOL)) {
        return fail(error, "a pool can't be called " MEMORY_NO_POOL "; that "
                    "is what is in no pool");
    }
    pools = pools_of(line, &message);
    if (!pools) {
        return fail(error, "%s=%s is neither one of the options cache, ways, "
                    "line, period, instructions, accesses, swaps, flush, "
                    "csv and record, nor a pool: %s", name, ranges, message);
    }
    g_string_append(text, line);
    return true;
}

static bool parse_option(Options *options, GString *pools, const char *name,
                         const char *value, GError **error)
{
    if (g_str_equal(name, "cache")) {
        return parse_number(name, value, RAMINATE_LINE_SIZE, MAX_CACHE_SIZE,
                            &options->cache_size, error);
    } else if (g_str_equal(name, "ways")) {
        return parse_u32(name, value, 1, CACHE_MAX_WAYS, &options->ways,
                         error);
    } else if (g_str_equal(name, "line")) {
        return parse_u32(name, value, RAMINATE_LINE_SIZE, MAX_LINE_SIZE,
                         &options->line_size, error);
    } else if (g_str_equal(name, "period")) {
        return parse_u32(name, value, 1, MAX_PERIOD_MS, &options->period_ms,
                         error);
    } else if (g_str_equal(name, "instructions")) {
        return parse_number(name, value, 1000, MAX_INSTRUCTIONS,
                            &options->instructions, error);
    } else if (g_str_equal(name, "accesses")) {
        return parse_bool(name, value, &options->accesses, error);
    } else if (g_str_equal(name, "swaps")) {
        return parse_bool(name, value, &options->swaps, error);
    } else if (g_str_equal(name, "flush")) {
        return parse_bool(name, value, &options->flush, error);
    } else if (g_str_equal(name, "csv")) {
        g_free(options->csv);
        options->csv = g_strdup(value);
        return true;
    } else if (g_str_equal(name, "record")) {
        g_free(options->record);
        options->record = g_strdup(value);
        return true;
    }
    return add_pool(pools, name, value, error);
}

static bool parse_pools(Options *options, const char *text, GError **error)
{
    g_autofree char *message = NULL;

    options->pools = pools_of(text, &message);
    if (!options->pools) {
        return fail(error, "%s", message);
    }
    if (!options->pools->pools->len) {
        return fail(error, "there is no pool; give at least one, as "
                    "NAME=START+SIZE");
    }
    return true;
}

static bool check_options(const Options *options, GError **error)
{
    uint64_t nr_sets = options_nr_sets(options);

    if (options->line_size & (options->line_size - 1)) {
        return fail(error, "line=%" PRIu32 " is no power of two",
                    options->line_size);
    }
    if (!nr_sets || nr_sets & (nr_sets - 1) ||
        nr_sets * options->ways * options->line_size != options->cache_size) {
        return fail(error, "a cache of %" PRIu64 " bytes with ways=%" PRIu32
                    " and line=%" PRIu32 " does not have a number of sets "
                    "that is a power of two; change cache or ways",
                    options->cache_size, options->ways, options->line_size);
    }
    if (options->record &&
        options->pools->pools->len > RAMINATE_MAX_TIERS) {
        return fail(error, "a recording has up to %d pools, not %u",
                    RAMINATE_MAX_TIERS, options->pools->pools->len);
    }
    if (options->accesses && !options->record) {
        return fail(error, "accesses=on is for recordings; give record=FILE");
    }
    if (!options->csv && !options->record) {
        return fail(error, "there is no file to write to; give csv=FILE or "
                    "record=FILE");
    }
    return true;
}

static bool parse_all(Options *options, int argc, char **argv, GError **error)
{
    g_autoptr(GString) pools = g_string_new(NULL);

    for (int i = 0; i < argc; i++) {
        g_auto(GStrv) words = g_strsplit(argv[i], "=", 2);

        if (!parse_option(options, pools, words[0], words[1] ? words[1] : "",
                          error)) {
            return false;
        }
    }
    return parse_pools(options, pools->str, error) &&
           check_options(options, error);
}

Options *options_parse(int argc, char **argv, GError **error)
{
    Options *options = g_new0(Options, 1);

    options->cache_size = 20 << 20;
    options->ways = 20;
    options->line_size = RAMINATE_LINE_SIZE;
    options->period_ms = 1000;
    if (!parse_all(options, argc, argv, error)) {
        options_free(options);
        return NULL;
    }
    return options;
}

void options_free(Options *options)
{
    if (options->pools) {
        raminate_pools_free(options->pools);
    }
    g_free(options->csv);
    g_free(options->record);
    g_free(options);
}

uint64_t options_nr_sets(const Options *options)
{
    return options->cache_size / options->ways / options->line_size;
}

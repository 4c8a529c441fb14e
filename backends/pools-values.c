/*
 * RAMinate: sizes, ranges and nodes in the file of pools
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "pools-internal.h"

/* Offsets of files are signed. */
#define MAX_ADDRESS ((uint64_t)INT64_MAX)

bool pools_fail(PoolsParser *parser, unsigned line, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(parser->error, RAMINATE_POOLS_ERROR, 0, "%s:%u: %s",
                parser->file, line, message);
    return false;
}

/*
 * Takes a number, like 4G or 0x1000, from the start of @text.
 * Returns: what follows it, or NULL if it is none.
 */
static const char *take_number(const char *text, uint64_t *value)
{
    static const char suffixes[] = "KMGTP";
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = is_hex ? text + 2 : text;
    const char *suffix;
    char *end;
    unsigned shift;

    if (!(is_hex ? g_ascii_isxdigit(*digits) : g_ascii_isdigit(*digits))) {
        return NULL;
    }
    *value = g_ascii_strtoull(digits, &end, is_hex ? 16 : 10);
    suffix = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    if (suffix) {
        shift = 10 * (suffix - suffixes + 1);
        if (*value > MAX_ADDRESS >> shift) {
            return NULL;
        }
        *value <<= shift;
        end++;
    }
    return *value <= MAX_ADDRESS ? end : NULL;
}

bool pools_take_size(PoolsParser *parser, const char *text, uint64_t *size)
{
    const char *end = take_number(text, size);

    if (!end || *end || !*size || *size % POOLS_PAGE_SIZE) {
        return pools_fail(parser, parser->line, "'%s' is no size; give a "
                          "multiple of %d bytes, like 512M or 4G", text,
                          POOLS_PAGE_SIZE);
    }
    return true;
}

static bool take_range(PoolsParser *parser, const char *text,
                       RaminateRange *range)
{
    const char *end = take_number(text, &range->start);

    if (!end || *end != '+') {
        return pools_fail(parser, parser->line, "'%s' is no range; give "
                          "START+SIZE, like 0x100000000+4G", text);
    }
    if (range->start % POOLS_PAGE_SIZE) {
        return pools_fail(parser, parser->line, "range '%s' does not start at "
                          "a multiple of %d", text, POOLS_PAGE_SIZE);
    }
    if (!pools_take_size(parser, end + 1, &range->size)) {
        return false;
    }
    if (range->size > MAX_ADDRESS - range->start) {
        return pools_fail(parser, parser->line, "range '%s' ends beyond the "
                          "largest address", text);
    }
    return true;
}

static gint compare_ranges(gconstpointer left, gconstpointer right)
{
    const RaminateRange *a = left;
    const RaminateRange *b = right;

    return a->start < b->start ? -1 : a->start > b->start;
}

bool pools_take_ranges(PoolsParser *parser, const char *text, GArray *ranges)
{
    g_auto(GStrv) words = g_strsplit(text, ";", -1);
    unsigned i;

    for (i = 0; words[i]; i++) {
        RaminateRange range;

        g_strstrip(words[i]);
        if (!*words[i] && i && !words[i + 1]) {
            break;      /* A ';' may end the list. */
        }
        if (!take_range(parser, words[i], &range)) {
            return false;
        }
        g_array_append_val(ranges, range);
    }
    g_array_sort(ranges, compare_ranges);
    return true;
}

/*
 * Takes the number of a node from the start of @text.
 * Returns: what follows it, or NULL if it is none.
 */
static const char *take_node(const char *text, unsigned *node)
{
    uint64_t value;
    char *end;

    if (!g_ascii_isdigit(*text)) {
        return NULL;
    }
    value = g_ascii_strtoull(text, &end, 10);
    if (value > RAMINATE_POOL_MAX_NODE) {
        return NULL;
    }
    *node = value;
    return end;
}

/* Returns: whether @text, like 2 or 2-5, is nodes; they are added. */
static bool add_nodes(const char *text, GArray *nodes)
{
    unsigned first, last;
    const char *end = take_node(text, &first);

    last = first;
    if (end && *end == '-') {
        end = take_node(end + 1, &last);
    }
    if (!end || *end || last < first) {
        return false;
    }
    for (; first <= last; first++) {
        g_array_append_val(nodes, first);
    }
    return true;
}

bool pools_take_nodes(PoolsParser *parser, const char *text, GArray *nodes)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    unsigned i;

    for (i = 0; words[i]; i++) {
        if (!add_nodes(g_strstrip(words[i]), nodes)) {
            break;
        }
    }
    if (i == 0 || words[i]) {
        return pools_fail(parser, parser->line, "'%s' is no list of nodes; "
                          "give numbers from 0 to %d, like 2,3 or 2-5", text,
                          RAMINATE_POOL_MAX_NODE);
    }
    return true;
}

/*
 * RAMinate: the tiers that a recording is replayed with
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tiers.h"

static void G_GNUC_PRINTF(2, 3) set_error(GError **error, const char *format,
                                          ...)
{
    va_list list;

    va_start(list, format);
    if (error) {
        *error = g_error_new_valist(G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                                    format, list);
    }
    va_end(list);
}

/* Sizes */

uint32_t tiers_parse_unit(const char *text, GError **error)
{
    if (g_ascii_strcasecmp(text, "4K") == 0) {
        return 1u << RAMINATE_PAGE_BITS;
    }
    if (g_ascii_strcasecmp(text, "2M") == 0) {
        return 1u << (RAMINATE_PAGE_BITS + RAMINATE_REGION_BITS);
    }
    set_error(error, "--unit must be 4K or 2M, not '%s'", text);
    return 0;
}

/* @count: returns the pages of a tier given as share or size, at least 1 */
static bool parse_size(const char *text, const RaminateLayout *layout,
                       uint32_t *count, GError **error)
{
    uint32_t nr_pages = layout->nr_pages;
    char *end;
    double value = g_ascii_strtod(text, &end);
    const char *units = "KMGT";
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;

    if (end != text && g_str_equal(end, "%")) {
        value = value / 100 * nr_pages;
    } else if (end != text && (!*end || (unit && !end[1]))) {
        for (const char *u = units; unit && u <= unit; u++) {
            value *= 1024;
        }
        value /= layout->unit;
    } else {
        set_error(error, "'%s' is not the size of a tier; give 10%% or 512M",
                  text);
        return false;
    }
    if (!(value >= 1 && value < nr_pages)) {
        set_error(error, "a tier of %s is not within the guest's %u pages",
                  text, nr_pages);
        return false;
    }
    *count = value;
    return true;
}

static bool set_sizes(RaminateLayout *layout, const char *sizes,
                      GError **error)
{
    uint32_t nr_pages = layout->nr_pages;
    g_auto(GStrv) parts = g_strsplit(sizes, ",", -1);
    uint32_t next = 0;

    if (!parts[0]) {
        set_error(error, "--fast and --tiers need a size");
        return false;
    }
    if (g_strv_length(parts) >= RAMINATE_MAX_TIERS) {
        set_error(error, "there can be %d tiers at most", RAMINATE_MAX_TIERS);
        return false;
    }
    layout->nr_tiers = 0;
    for (unsigned i = 0; parts[i]; i++) {
        uint32_t count;

        if (!parse_size(parts[i], layout, &count, error)) {
            return false;
        }
        if (count >= nr_pages - next) {
            set_error(error, "tiers %s leave no page for the last tier",
                      sizes);
            return false;
        }
        layout->ranges[layout->nr_tiers++] =
            (RaminateFrameRange) { next, count };
        next += count;
    }
    layout->ranges[layout->nr_tiers++] =
        (RaminateFrameRange) { next, nr_pages - next };
    return true;
}

/* Makes the recording's tiers ones of units. */
static bool fold_ranges(RaminateLayout *layout, uint32_t unit_pages,
                        GError **error)
{
    for (unsigned i = 0; i < layout->nr_tiers; i++) {
        RaminateFrameRange *range = &layout->ranges[i];

        if (range->first % unit_pages || range->count % unit_pages) {
            set_error(error, "the recording's tiers are not multiples of "
                      "--unit; give their sizes by --fast or --tiers");
            return false;
        }
        range->first /= unit_pages;
        range->count /= unit_pages;
    }
    return true;
}

/*
 * Leaves the fastest tier its size, but no page: the slowest one grows by those
 * that were in it.
 */
static bool make_room(RaminateLayout *layout, GError **error)
{
    RaminateFrameRange *slowest = &layout->ranges[layout->nr_tiers - 1];
    uint32_t room = layout->ranges[0].count;

    if (layout->nr_tiers < 2 ||
        room >= RAMINATE_NO_PAGE - layout->nr_pages) {
        set_error(error, "--fast-is-room needs two tiers or more, and %u pages "
                  "at most", RAMINATE_NO_PAGE - 1);
        return false;
    }
    slowest->count += room;
    for (unsigned i = 1, next = 0; i < layout->nr_tiers; i++) {
        layout->ranges[i].first = next;
        next += layout->ranges[i].count;
    }
    layout->ranges[0].first = layout->nr_pages;
    return true;
}

/* Costs */

static bool parse_cost(const char *text, uint32_t *cost)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    *cost = value;
    return g_ascii_isdigit(*text) && !*end && !errno && value <= UINT32_MAX;
}

static bool parse_costs(const char *text, RaminateCosts *costs,
                        const RaminateCosts *faster)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    unsigned nr = g_strv_length(parts);

    return nr >= 2 && nr <= 3 && parse_cost(parts[0], &costs->read) &&
           parse_cost(parts[1], &costs->write) &&
           (nr == 2 || parse_cost(parts[2], &costs->idle)) &&
           !raminate_layout_check_costs(costs, faster);
}

static bool set_costs(RaminateLayout *layout, const char *costs,
                      GError **error)
{
    g_auto(GStrv) parts = g_strsplit(costs, ",", -1);

    if (g_strv_length(parts) != layout->nr_tiers) {
        set_error(error, "--costs %s has those of %u tiers, but there are %u",
                  costs, g_strv_length(parts), layout->nr_tiers);
        return false;
    }
    for (unsigned i = 0; i < layout->nr_tiers; i++) {
        const RaminateCosts *faster = i ? &layout->costs[i - 1] : NULL;

        if (!parse_costs(parts[i], &layout->costs[i], faster)) {
            set_error(error, "--costs %s: '%s' is not READ:WRITE or "
                      "READ:WRITE:IDLE, each 1 to %d, with WRITE no less than "
                      "that of a faster tier", costs, parts[i],
                      RAMINATE_MAX_COST);
            return false;
        }
    }
    return true;
}

bool tiers_make(RaminateLayout *layout, const RaminateRecordHeader *header,
                const TierOptions *options, GError **error)
{
    uint32_t unit_pages = options->unit ? options->unit / header->page_size
                                        : 1;

    raminate_record_get_layout(header, layout);
    layout->unit = header->page_size * unit_pages;
    layout->nr_pages = header->nr_pages / unit_pages +
                       (header->nr_pages % unit_pages > 0);
    if (options->sizes ? !set_sizes(layout, options->sizes, error)
                       : !fold_ranges(layout, unit_pages, error)) {
        return false;
    }
    if (layout->nr_tiers != header->nr_tiers) {
        raminate_layout_set_default_costs(layout);
    }
    return (!options->fast_is_room || make_room(layout, error)) &&
           (!options->costs || set_costs(layout, options->costs, error));
}

/*
 * RAMinate: the hottest ranges of a map
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hottest.h"

/* A neighbour belongs to a range if it has this part of its heat at least. */
#define ALIKE 0.75

static gint compare(gconstpointer left, gconstpointer right, gpointer opaque)
{
    const MapBucket *buckets = opaque;
    unsigned a = *(const unsigned *)left;
    unsigned b = *(const unsigned *)right;

    if (buckets[a].heat != buckets[b].heat) {
        return buckets[a].heat < buckets[b].heat ? 1 : -1;
    }
    return (a > b) - (a < b);
}

/* Adds bucket @i to a sum of heat and of parts. */
static void add(HotRange *range, const MapBucket *bucket)
{
    range->nr++;
    range->heat += bucket->heat;
    range->hottest = MAX(range->hottest, bucket->hottest);
    range->fast += bucket->fast;
}

/* Returns: the range around bucket @i of those that are not @taken. */
static HotRange range_around(const MapInfo *map, unsigned i, gboolean *taken)
{
    double least = MAX(ALIKE * map->buckets[i].heat, 1);
    HotRange range = { .first = i };

    while (range.first > 0 && !taken[range.first - 1] &&
           map->buckets[range.first - 1].heat >= least) {
        range.first--;
    }
    for (i = range.first; i < map->nr_buckets && !taken[i] &&
         map->buckets[i].heat >= least; i++) {
        taken[i] = TRUE;
        add(&range, &map->buckets[i]);
    }
    range.heat /= range.nr;
    range.fast /= range.nr;
    return range;
}

unsigned hottest_ranges(const MapInfo *map, HotRange *ranges, unsigned max)
{
    g_autofree unsigned *order = g_new(unsigned, map->nr_buckets);
    g_autofree gboolean *taken = g_new0(gboolean, map->nr_buckets);
    unsigned nr = 0;
    unsigned i;

    for (i = 0; i < map->nr_buckets; i++) {
        order[i] = i;
    }
    g_qsort_with_data(order, map->nr_buckets, sizeof(*order), compare,
                      map->buckets);
    for (i = 0; i < map->nr_buckets && nr < max &&
         map->buckets[order[i]].heat; i++) {
        if (!taken[order[i]]) {
            ranges[nr++] = range_around(map, order[i], taken);
        }
    }
    return nr;
}

/*
 * RAMinate: the hottest ranges of a map
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_HOTTEST_H
#define RAMINATE_TOP_HOTTEST_H

#include "lib/info.h"

/* No more are shown. */
#define HOTTEST_MAX 200

/* Neighbouring buckets about as hot as one of them */
typedef struct HotRange {
    unsigned first;
    unsigned nr;
    double heat;                /* mean, 0 to 255 */
    unsigned hottest;           /* page of it */
    double fast;                /* part in the fastest tier */
} HotRange;

/*
 * @ranges: returns the hottest, by what their hottest bucket has on average
 * Returns: their number, at most @max.  What has no heat is in none.
 */
unsigned hottest_ranges(const MapInfo *map, HotRange *ranges, unsigned max);

#endif

/*
 * RAMinate: regions in which the same is found again and again
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/steady.h"

/* Two finds are about the same if so much of what is in either is in both. */
#define SAME_PER_CENT 75

typedef struct Region {
    uint64_t groups;            /* when it was watched anew the last time */
    uint32_t scan;              /* the last one that found something in it */
    uint8_t period;             /* from one to the next, in scans */
    uint8_t rests;              /* scans that it is left as it is yet */
} Region;

struct RaminateSteady {
    Region *regions;
};

RaminateSteady *raminate_steady_new(uint32_t nr_regions)
{
    RaminateSteady *steady = g_new(RaminateSteady, 1);

    steady->regions = g_new0(Region, nr_regions);
    return steady;
}

void raminate_steady_free(RaminateSteady *steady)
{
    if (steady) {
        g_free(steady->regions);
        g_free(steady);
    }
}

/* Takes note of a find.  Returns: whether the scan before had one, too. */
static bool goes_on(Region *region, uint32_t scan)
{
    bool went_on = scan - region->scan == 1;

    region->scan = scan;
    return went_on;
}

bool raminate_steady_rests(RaminateSteady *steady, uint32_t region,
                           uint32_t scan)
{
    Region *r = &steady->regions[region];

    if (!r->rests || scan - r->scan != 1) {
        return false;
    }
    r->rests--;
    r->scan = scan;
    return true;
}

void raminate_steady_left(RaminateSteady *steady, uint32_t region,
                          uint32_t scan)
{
    Region *r = &steady->regions[region];

    if (!goes_on(r, scan)) {
        r->period = 0;
    }
}

static bool are_alike(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a & b) * 100 >=
           __builtin_popcountll(a | b) * SAME_PER_CENT;
}

void raminate_steady_watched(RaminateSteady *steady, uint32_t region,
                             uint32_t scan, uint64_t groups)
{
    Region *r = &steady->regions[region];

    r->period = goes_on(r, scan) && r->period && are_alike(r->groups, groups)
                ? MIN(r->period * 2, RAMINATE_STEADY_SCANS) : 1;
    r->rests = r->period - 1;
    r->groups = groups;
}

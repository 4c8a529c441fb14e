/*
 * RAMinate: pages of which a policy knows nothing yet
 *
 * At the start a policy has all pages of a tier in a list, in ascending order.
 * Those that nothing has happened to need no place in it: they are its first
 * part, found by a walk over the placement.  The entries of the policy's table
 * begin with a byte that isn't 0 once something has, and those are held.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_UNTOUCHED_H
#define RAMINATE_UNTOUCHED_H

#include <stdbool.h>

#include "hw/raminate/engine/placement.h"
#include "hw/raminate/engine/regions.h"

static inline bool raminate_is_touched(const RaminateRegions *table,
                                       uint32_t page)
{
    const uint8_t *entry = raminate_regions_get(table, page);

    return entry && *entry;
}

/*
 * Cost: O(pages passed over that were touched or are in another tier), but for
 * regions in which nothing moved and nothing was touched, or all was.
 * Returns: the first untouched page of @tier from @page upwards, or
 * RAMINATE_NO_PAGE.
 */
static inline uint32_t
raminate_next_untouched(const RaminatePlacement *placement,
                        const RaminateRegions *table, unsigned tier,
                        uint32_t page)
{
    page = raminate_placement_next_in_tier(placement, tier, page);
    while (page != RAMINATE_NO_PAGE && raminate_is_touched(table, page)) {
        if (raminate_regions_is_full(table, raminate_region_of(page))) {
            page |= RAMINATE_REGION_PAGES - 1;
        }
        page = raminate_placement_next_in_tier(placement, tier, page + 1);
    }
    return page;
}

/* The same of all tiers that are as fast to write as the fastest */
static inline uint32_t
raminate_next_untouched_fast(const RaminatePlacement *placement,
                             const RaminateRegions *table, uint32_t page)
{
    unsigned nr_tiers =
        raminate_layout_fast_tiers(raminate_placement_layout(placement));
    uint32_t first = RAMINATE_NO_PAGE;

    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        uint32_t next = raminate_next_untouched(placement, table, tier, page);

        first = next < first ? next : first;
    }
    return first;
}

/* Of one tier downwards: the last one that is @page or before it. */
static inline uint32_t
raminate_prev_untouched(const RaminatePlacement *placement,
                        const RaminateRegions *table, unsigned tier,
                        uint32_t page)
{
    page = raminate_placement_prev_in_tier(placement, tier, page);
    while (page != RAMINATE_NO_PAGE && raminate_is_touched(table, page)) {
        if (raminate_regions_is_full(table, raminate_region_of(page))) {
            page &= ~(RAMINATE_REGION_PAGES - 1u);
        }
        if (page == 0) {
            return RAMINATE_NO_PAGE;
        }
        page = raminate_placement_prev_in_tier(placement, tier, page - 1);
    }
    return page;
}

#endif

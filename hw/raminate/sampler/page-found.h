/*
 * RAMinate: what the kernel's pagemap says of one region
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PAGE_FOUND_H
#define HW_RAMINATE_PAGE_FOUND_H

#include "hw/raminate/engine/layout.h"
#include "hw/raminate/sampler/pagemap-scan.h"

/* Of one region: every other page, and the end of a huge page next to one */
#define RAMINATE_FOUND_RANGES (RAMINATE_REGION_PAGES / 2 + 1)

/* Where pages of one region were found */
typedef struct RaminateFound {
    uint32_t region;
    uint32_t faults;            /* that they cost if they are watched */
    uint64_t groups;            /* see raminate_steady_watched() */
    size_t nr;
    RaminatePmRange ranges[RAMINATE_FOUND_RANGES];
} RaminateFound;

/*
 * Takes what @range, and those after it, have in one region.
 * @first: the region's address
 * @end: behind the last range
 * Returns: the first range that goes on behind the region.
 */
const RaminatePmRange *raminate_found_take(RaminateFound *found,
                                           uint32_t region, uint64_t first,
                                           const RaminatePmRange *range,
                                           const RaminatePmRange *end);

#endif

/*
 * RAMinate: a small number for each page, most of which are 0
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_COUNTS_H
#define RAMINATE_COUNTS_H

#include "hw/raminate/engine/regions.h"

/* @counts, in all of them: a table of uint8_t */
static inline uint8_t raminate_counts_get(const RaminateRegions *counts,
                                          uint32_t page)
{
    const uint8_t *count = raminate_regions_get(counts, page);

    return count ? *count : 0;
}

static inline void raminate_counts_set(RaminateRegions *counts, uint32_t page,
                                       uint8_t count)
{
    uint8_t old = raminate_counts_get(counts, page);

    if (count) {
        *(uint8_t *)raminate_regions_need(counts, page) = count;
    }
    if (count && !old) {
        raminate_regions_hold(counts, page);
    } else if (old && !count) {
        *(uint8_t *)raminate_regions_get(counts, page) = 0;
        raminate_regions_release(counts, page);
    }
}

/* Returns: the first page from @page upwards that has a count, or NO_PAGE. */
static inline uint32_t raminate_counts_next(const RaminateRegions *counts,
                                            uint32_t page)
{
    for (page = raminate_regions_next_page(counts, page);
         page != RAMINATE_NO_PAGE;
         page = raminate_regions_next_page(counts, page + UINT64_C(1))) {
        if (raminate_counts_get(counts, page)) {
            return page;
        }
    }
    return RAMINATE_NO_PAGE;
}

#endif

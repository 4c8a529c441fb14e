/*
 * RAMinate: what the kernel's pagemap says of one region
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/sampler/page-found.h"
#include "hw/raminate/sampler/page-watch.h"

/* What raminate_steady_watched() takes for one, in bytes */
#define GROUP_SIZE (RAMINATE_REGION_SIZE / 64)

/* @first: address of the region */
static uint64_t groups_of(const RaminatePmRange *part, uint64_t first)
{
    unsigned from = (part->start - first) / GROUP_SIZE;
    unsigned to = (part->end - 1 - first) / GROUP_SIZE;

    return MAKE_64BIT_MASK(from, to - from + 1);
}

const RaminatePmRange *raminate_found_take(RaminateFound *found,
                                           uint32_t region, uint64_t first,
                                           const RaminatePmRange *range,
                                           const RaminatePmRange *end)
{
    uint64_t behind = first + RAMINATE_REGION_SIZE;

    found->region = region;
    found->faults = 0;
    found->groups = 0;
    found->nr = 0;
    while (range < end && range->start < behind) {
        RaminatePmRange *part = &found->ranges[found->nr++];

        part->start = MAX(range->start, first);
        part->end = MIN(range->end, behind);
        part->categories = range->categories;
        found->faults += raminate_watch_faults(part);
        found->groups |= groups_of(part, first);
        if (range->end > behind) {
            break;
        }
        range++;
    }
    return range;
}

/*
 * RAMinate: placements for unit tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NEW_PLACEMENT_H
#define RAMINATE_NEW_PLACEMENT_H

#include "hw/raminate/engine/placement.h"

/* Of tiers with the default costs; see raminate_placement_new() */
static inline RaminatePlacement *
placement_new(const RaminateFrameRange *ranges, unsigned nr_tiers)
{
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, nr_tiers);
    return raminate_placement_new(&layout);
}

#endif

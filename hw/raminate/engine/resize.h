/*
 * RAMinate: which pages go when the fastest tier is to become larger or smaller
 *
 * The slowest tier takes them, or they come from it.  They go one by one, while
 * the policy goes on to exchange pages: the coldest go down first, the hottest
 * up, in classes of heat.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_RESIZE_H
#define HW_RAMINATE_RESIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/backoff.h"
#include "hw/raminate/engine/heat.h"
#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/placement.h"

typedef struct RaminateResize {
    uint32_t wanted;            /* pages of the fastest tier */
    unsigned class;             /* of heat that it looks for, 0 first */
    uint32_t next;              /* page that it looks at next */
    bool found;                 /* something since it was in class 0 */
    bool is_stuck;              /* the last time through, nothing was found */
} RaminateResize;

/* @pages: that the fastest tier is to have, at least 1 */
void raminate_resize_set(RaminateResize *resize, uint32_t pages);

/*
 * Returns: how many pages the fastest tier has too many; less than 0 if it has
 * too few.
 */
int64_t raminate_resize_excess(const RaminateResize *resize,
                               const RaminatePlacement *placement);

/*
 * Proposes pages to be given to another tier, none twice, and none that
 * raminate_backoff_holds().  Cost: O(1), whatever there is to look at; so there
 * may be none once.
 * @moves: returns them, see RaminateMove
 * @to: returns the tier that they are to be given to
 * Returns: their number, at most @max and what there is too much or too little.
 */
size_t raminate_resize_plan(RaminateResize *resize,
                            const RaminatePlacement *placement,
                            const RaminateHeat *heat,
                            const RaminateBackoff *backoff,
                            RaminateMove *moves, size_t max, unsigned *to);

#endif

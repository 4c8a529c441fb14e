/*
 * RAMinate: plans that mind huge pages
 *
 * A region that the host has in a huge page moves as one for a third of what
 * its pages cost alone, and stays as it is.  To take it apart for one page
 * costs as much as to move some 60 pages alone, and to put it together again
 * three times that (make bench-huge).  So a plan is gone through before it is
 * made:
 *
 * - A region of which many pages are to go up, and the others are about as hot,
 *   goes up as a whole, in exchange for one that is cold beside it.
 * - Others are taken apart once that would have paid: when what their pages
 *   have cost in the slower tier since they were first to go up is as much as
 *   it costs to take the region apart and to put it together again.  Until then
 *   the pages stay.  So never more than twice as much is lost as by whoever
 *   knows in advance for how long the pages stay hot.
 * - Pages that go down for it are taken from regions that are no huge pages any
 *   more, as far as there are such without heat, else all from the same one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_HUGE_PLAN_H
#define HW_RAMINATE_HUGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/backoff.h"
#include "hw/raminate/engine/heat.h"
#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/placement.h"

/* A region goes as a whole if so many of its pages are to go up, or more. */
#define RAMINATE_WHOLE_PAGES 64

/*
 * To take a huge page apart and to put it together again takes as long as
 * slow memory takes more than fast memory for one page that is written in so
 * many scans.  Linux 6.12 has 720,000 and 2,340,000 instructions for it, which
 * is a millisecond at 3 a nanosecond; a page of 64 lines that is written once
 * takes 13 microseconds more, at 200 ns a line.
 */
#define RAMINATE_SPLIT_SCANS 80

/* What a plan is judged by */
typedef struct RaminateHugeView {
    const RaminatePlacement *placement;
    const RaminateHeat *heat;
    const RaminateBackoff *backoff;
    /* Returns: whether a whole region of the guest is in a huge page. */
    bool (*is_huge)(const void *huge, uint32_t region);
    const void *huge;
} RaminateHugeView;

/* What is remembered from one plan to the next; memory for few regions */
typedef struct RaminateHugePlan RaminateHugePlan;

RaminateHugePlan *raminate_huge_plan_new(void);
void raminate_huge_plan_free(RaminateHugePlan *plan);   /* NULL is fine */

/* Returns: bytes that it takes at present. */
size_t raminate_huge_plan_memory(const RaminateHugePlan *plan);

/*
 * Goes through a policy's plan.  Regions that go as a whole come first.
 * @moves: room for @max; none is in two of them, before and after
 * @scans: since the plan before
 * Returns: number of moves.
 * Cost: O(moves and regions in them), and a bounded search.
 */
size_t raminate_huge_plan_mind(RaminateHugePlan *plan,
                               const RaminateHugeView *view,
                               RaminateMove *moves, size_t nr, size_t max,
                               unsigned scans);

/*
 * Returns: whether the first RAMINATE_REGION_PAGES of @moves exchange a region
 * with another one, page by page.
 */
bool raminate_is_whole_region(const RaminateMove *moves, size_t nr);

#endif

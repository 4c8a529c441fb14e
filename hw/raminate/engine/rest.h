/*
 * RAMinate: regions that are not watched for a while
 *
 * A region that is written everywhere all the time need not prove that in each
 * scan.  It may rest: it counts as written, and the guest takes no faults for
 * it.  Then it is watched anew, and has to be found written once before it may
 * rest again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_REST_H
#define HW_RAMINATE_REST_H

#include <stdbool.h>
#include <stdint.h>

/* Most scans of a rest */
#define RAMINATE_MAX_REST 250

typedef struct RaminateRest RaminateRest;

/* Returns: no region rests; takes a byte a region.  Owned by the caller. */
RaminateRest *raminate_rest_new(uint32_t nr_regions);
void raminate_rest_free(RaminateRest *rest);    /* NULL is fine */

/*
 * @scans: for so many, 1 to RAMINATE_MAX_REST
 * Returns: whether it rests; one that rests already goes on as before, and one
 * that has rested may have to be found written first.
 */
bool raminate_rest_begin(RaminateRest *rest, uint32_t region, unsigned scans);

/*
 * For each region that a scan finds written.
 * @drops: what the scan finds counts for nothing, so that the rest is over
 * Returns: whether the region rests in this scan.  If not, it is found written.
 */
bool raminate_rest_found(RaminateRest *rest, uint32_t region, bool drops);

/* Says that a region is watched from now on. */
void raminate_rest_watched(RaminateRest *rest, uint32_t region);

#endif

/*
 * RAMinate: regions in which the same is found again and again
 *
 * A region in which scan after scan finds about the same pages, in the fastest
 * tier, need not prove that in each of them.  It is watched anew after two scans, then after four,
 * then after eight each, as long as it goes on so.  Meanwhile what was found
 * counts, and what is used of the rest is found as before: so what becomes hot
 * is seen at once, and what becomes cold up to seven scans later.  The guest
 * takes an eighth of the faults.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_STEADY_H
#define HW_RAMINATE_STEADY_H

#include <stdbool.h>
#include <stdint.h>

/* A region is watched anew after so many scans at the latest. */
#define RAMINATE_STEADY_SCANS 8

typedef struct RaminateSteady RaminateSteady;

/* Returns: no region is steady.  Takes 16 bytes a region; owned by the caller. */
RaminateSteady *raminate_steady_new(uint32_t nr_regions);
void raminate_steady_free(RaminateSteady *steady);      /* NULL is fine */

/*
 * For a region of which scan number @scan finds something.
 * Returns: whether it is to be left as it is.
 */
bool raminate_steady_rests(RaminateSteady *steady, uint32_t region,
                           uint32_t scan);

/* It is left as it is for other reasons. */
void raminate_steady_left(RaminateSteady *steady, uint32_t region,
                          uint32_t scan);

/*
 * It is watched anew.
 * @groups: where pages were found, a bit for each eight pages, the first ones
 *     in the lowest
 */
void raminate_steady_watched(RaminateSteady *steady, uint32_t region,
                             uint32_t scan, uint64_t groups);

#endif

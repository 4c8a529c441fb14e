/*
 * RAMinate: pages sorted into a few levels of heat, for simple policies
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_LEVELS_H
#define RAMINATE_LEVELS_H

#include <stdbool.h>

#include "page-list.h"
#include "policy.h"

#define RAMINATE_LEVELS 9

typedef struct RaminateLevelPage {
    uint8_t level;
    uint8_t tried;              /* number of a plan that it is in, or 0 */
} RaminateLevelPage;

#define RAMINATE_LEVELS_BYTES_PER_PAGE \
    (sizeof(RaminatePageLink) + sizeof(RaminateLevelPage))

/* All pages, by level and by whether they are in the fastest tier */
typedef struct RaminateLevels {
    const RaminatePlacement *placement;
    RaminatePageLink *links;
    RaminateLevelPage *pages;
    RaminatePageList lists[2][RAMINATE_LEVELS];
    uint8_t plan;               /* number of the last one, 1 to 255 */
} RaminateLevels;

/* Puts all pages at level 0.  Returns: false if there is no memory. */
bool raminate_levels_init(RaminateLevels *levels,
                          const RaminatePlacement *placement);
void raminate_levels_destroy(RaminateLevels *levels);

/* Puts @page at the tail of @level. */
void raminate_levels_set(RaminateLevels *levels, uint32_t page,
                         unsigned level);

/*
 * Pairs slow pages of level @hot and above, highest first, with fast pages
 * below @cold, lowest first, each from the head of its level.  Pages of pairs
 * that failed are passed over once.
 */
size_t raminate_levels_plan(RaminateLevels *levels, unsigned hot,
                            unsigned cold, RaminatePair *pairs, size_t max);

/* To be called when a policy's swapped() is. */
void raminate_levels_swapped(RaminateLevels *levels, uint32_t a, uint32_t b);

#endif

/*
 * RAMinate: pages sorted into a few levels of heat, for simple policies
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_LEVELS_H
#define RAMINATE_LEVELS_H

#include <stdbool.h>

#include "policy.h"
#include "region-list.h"

#define RAMINATE_LEVELS 9

/* All zero where nothing has happened, or nothing is left of it. */
typedef struct RaminateLevelPage {
    uint8_t touched;            /* in a list */
    uint8_t level;
    RaminatePageLink link;
} RaminateLevelPage;

#define RAMINATE_LEVELS_BYTES_PER_PAGE sizeof(RaminateLevelPage)

/*
 * All pages, by level and by whether they are fast: in a tier that is as fast
 * to write as the fastest.  Slow pages of level 0 are in no list, and fast ones
 * that nothing has happened to come before those that are in one.
 */
typedef struct RaminateLevels {
    const RaminatePlacement *placement;
    const RaminateBackoff *backoff;
    RaminateRegions *pages;     /* of RaminateLevelPage */
    RaminateLinks links;
    RaminatePageList lists[2][RAMINATE_LEVELS];
    uint32_t first_untouched;   /* no fast page before it is untouched */
} RaminateLevels;

/* Puts all pages at level 0.  Returns: false if there is no memory. */
bool raminate_levels_init(RaminateLevels *levels,
                          const RaminatePolicyConfig *config);
void raminate_levels_destroy(RaminateLevels *levels);

/* Returns: bytes that the state of pages takes at present. */
size_t raminate_levels_memory(const RaminateLevels *levels);

unsigned raminate_levels_get(const RaminateLevels *levels, uint32_t page);

/* Puts @page at the tail of @level. */
void raminate_levels_set(RaminateLevels *levels, uint32_t page,
                         unsigned level);

/*
 * Pairs slow pages of level @hot and above, highest first, with fast pages
 * below @cold, lowest first, each from the head of its level.
 * @hot: at least 1
 */
size_t raminate_levels_plan(RaminateLevels *levels, unsigned hot,
                            unsigned cold, RaminateMove *moves, size_t max);

/* To be called when a policy's moved() is. */
void raminate_levels_moved(RaminateLevels *levels, const RaminateMove *move);

/* To be called when a policy's given() is. */
void raminate_levels_given(RaminateLevels *levels, uint32_t page,
                           unsigned from);

#endif

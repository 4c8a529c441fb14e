/*
 * RAMinate: how much of the guest's memory is used, and how evenly
 *
 * A few pages stand for all: one of each block of neighbours, whose size is
 * such that the number of blocks is bounded however large the guest is.  Which
 * page of a block it is, is as good as random.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_WORKING_SET_H
#define HW_RAMINATE_WORKING_SET_H

#include <stdint.h>

#include "hw/raminate/engine/sample.h"

/* Most pages that are looked at, each of which takes so much memory */
#define RAMINATE_WORKING_SET_PAGES 32768
#define RAMINATE_WORKING_SET_BYTES 8

/* In this time, a find counts for half as much for the share of a page. */
#define RAMINATE_WORKING_SET_HALF_LIFE_MS (10 * 60 * 1000)

typedef struct RaminateWorkingSet RaminateWorkingSet;

/*
 * @counted: kinds of which one is enough for a page to count as found
 * Returns: nothing was found yet; NULL if there is no memory.
 */
RaminateWorkingSet *raminate_working_set_new(uint32_t nr_pages,
                                             unsigned counted);
void raminate_working_set_free(RaminateWorkingSet *set);    /* NULL is fine */

/*
 * Takes note of what a scan at @now_ms found, or of a part of that.
 * Cost: O(runs).
 */
void raminate_working_set_add(RaminateWorkingSet *set, int64_t now_ms,
                              const RaminateSample *part);

/* Returns: milliseconds since the first scan, 0 if there was none. */
int64_t raminate_working_set_age(const RaminateWorkingSet *set,
                                 int64_t now_ms);

/* Returns: number of pages that each page looked at stands for. */
uint32_t raminate_working_set_each(const RaminateWorkingSet *set);

/*
 * Returns: estimate of the pages found within the last @window_ms, in seconds.
 * Cost: O(pages looked at).
 */
uint64_t raminate_working_set_pages(const RaminateWorkingSet *set,
                                    int64_t now_ms, int64_t window_ms);

/*
 * Estimates how many pages it takes for a share of all finds lately, if they
 * are those found most often.
 * @shares: in per cent, 0 to 100, ascending
 * @pages: returns as many for each of @nr shares; 0 if nothing was found
 * Cost: O(pages looked at).
 */
void raminate_working_set_enough(const RaminateWorkingSet *set, int64_t now_ms,
                                 const unsigned *shares, unsigned nr,
                                 uint64_t *pages);

#endif

/*
 * RAMinate: how often each page was written lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HEAT_H
#define RAMINATE_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/sample.h"

/*
 * A page's heat is the decayed share of recent scans that found it written:
 * 0 for a page not written lately, RAMINATE_HEAT_MAX for one that every scan
 * finds written.  It halves every RAMINATE_HEAT_HALF_LIFE scans.  Where reads
 * count, a page that was read is as one written, here and below.
 */
#define RAMINATE_HEAT_MAX 255
#define RAMINATE_HEAT_HALF_LIFE 8

/*
 * Memory that it takes for each page of a region written lately.  It is given
 * back when the region has been cold for at most RAMINATE_HEAT_LINGER scans.
 */
#define RAMINATE_HEAT_BYTES_PER_PAGE 4
#define RAMINATE_HEAT_LINGER 256

typedef struct RaminateHeat RaminateHeat;

/*
 * Returns: no heat anywhere, owned by the caller, or NULL without memory.
 * Cost: O(1).
 */
RaminateHeat *raminate_heat_new(uint32_t nr_pages);
void raminate_heat_free(RaminateHeat *heat);

/* Kinds of which one is enough, rather than RAMINATE_WRITTEN, from now on */
void raminate_heat_set_counted(RaminateHeat *heat, unsigned counted);

/*
 * Takes note of one scan: begin, add what it found, in parts if there is much,
 * and end.
 * Cost: O(pages found), and at the end one in a hundred of the regions written
 * lately is looked at.
 */
void raminate_heat_begin_scan(RaminateHeat *heat);
void raminate_heat_add(RaminateHeat *heat, const RaminateSample *part);
void raminate_heat_end_scan(RaminateHeat *heat);

/* All three in one */
void raminate_heat_sample(RaminateHeat *heat, const RaminateSample *found);

/* Returns: bytes that the state of pages takes at present. */
size_t raminate_heat_memory(const RaminateHeat *heat);

/*
 * Gives @page a heat, 0 to RAMINATE_HEAT_MAX, as if the last scan had found it
 * written.
 */
void raminate_heat_put(RaminateHeat *heat, uint32_t page, unsigned value);

/* Returns: the heat of @page as of the last scan, 0 to RAMINATE_HEAT_MAX. */
unsigned raminate_heat_get(const RaminateHeat *heat, uint32_t page);

/*
 * Cost: O(pages between that were written lately), and of the regions there.
 * @first, @end: pages, the second one is not among them
 * @hottest: becomes the greatest heat if that is more
 * Returns: the sum of all heat.
 */
uint64_t raminate_heat_sum(const RaminateHeat *heat, uint64_t first,
                           uint64_t end, unsigned *hottest);

/*
 * Returns: whether all pages of @region are known to have no heat, without a
 * look at them.  True at the latest when it was not written for
 * RAMINATE_HEAT_LINGER scans.
 */
bool raminate_heat_is_cold(const RaminateHeat *heat, uint32_t region);

#endif

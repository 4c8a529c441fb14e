/*
 * RAMinate: how often each page was written lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HEAT_H
#define RAMINATE_HEAT_H

#include <stddef.h>
#include <stdint.h>

/*
 * A page's heat is the decayed share of recent scans that found it written:
 * 0 for a page not written lately, RAMINATE_HEAT_MAX for one that every scan
 * finds written.  It halves every RAMINATE_HEAT_HALF_LIFE scans.
 */
#define RAMINATE_HEAT_MAX 255
#define RAMINATE_HEAT_HALF_LIFE 8

/* Memory that it takes for each page. */
#define RAMINATE_HEAT_BYTES_PER_PAGE 4

typedef struct RaminateHeat RaminateHeat;

/* Returns: no heat anywhere, owned by the caller, or NULL without memory. */
RaminateHeat *raminate_heat_new(uint32_t nr_pages);
void raminate_heat_free(RaminateHeat *heat);

/*
 * Takes note of one scan.
 * @pages: the pages found written, none twice
 * Cost: O(nr), and O(nr_pages) once in tens of thousands of scans.
 */
void raminate_heat_sample(RaminateHeat *heat, const uint32_t *pages,
                          size_t nr);

/* Returns: the heat of @page as of the last scan, 0 to RAMINATE_HEAT_MAX. */
unsigned raminate_heat_get(const RaminateHeat *heat, uint32_t page);

#endif

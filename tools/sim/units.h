/*
 * RAMinate: recordings of pages, as if larger units were moved
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_UNITS_H
#define RAMINATE_SIM_UNITS_H

#include <stdint.h>
#include <glib.h>

/*
 * Makes pages, in ascending order, the units that they are in, each once.
 * @pages: of uint32_t
 * @unit_pages: pages in a unit; 1 changes nothing
 */
void units_fold(GArray *pages, uint32_t unit_pages);

/*
 * The same, and adds up what belongs to the pages of a unit.  A sum that would
 * be greater than UINT32_MAX stays there.
 */
void units_fold_lines(GArray *pages, GArray *written, GArray *read,
                      uint32_t unit_pages);

#endif

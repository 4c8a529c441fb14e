/*
 * RAMinate: which pages are gauged
 *
 * Some pages are gauged: how many of their lines have changed from one scan
 * to the next.  QEMU compares copies of them; the simulator, where it has the
 * traffic of all pages, takes those that would have been picked.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_GAUGE_PICK_H
#define HW_RAMINATE_GAUGE_PICK_H

#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/heat.h"
#include "hw/raminate/engine/placement.h"

/* Pages are compared by lines of so many bytes. */
#define RAMINATE_GAUGE_LINE_SIZE 64
#define RAMINATE_GAUGE_LINES \
    ((1 << RAMINATE_PAGE_BITS) / RAMINATE_GAUGE_LINE_SIZE)

/* Most pages picked at a time */
#define RAMINATE_GAUGE_PAGES 256

/*
 * Picks pages at random, one half of those just found written, the other of
 * all that have been written lately.
 * @state: of the random numbers, anything at first; updated
 * @written, @nr: found written by the last scan
 * @picked: returns up to RAMINATE_GAUGE_PAGES, in ascending order, none twice
 * Returns: their number.
 */
size_t raminate_gauge_pick(uint64_t *state, const RaminateHeat *heat,
                           uint32_t nr_pages, const uint32_t *written,
                           size_t nr, uint32_t *picked);

#endif

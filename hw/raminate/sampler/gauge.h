/*
 * RAMinate: how many lines of some pages change from one scan to the next
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_GAUGE_H
#define HW_RAMINATE_GAUGE_H

#include "hw/raminate/engine/engine.h"
#include "hw/raminate/engine/gauge-pick.h"
#include "hw/raminate/memory.h"

/* Takes 2 MiB of memory once it is used. */
typedef struct RaminateGauge RaminateGauge;

/*
 * @memory: outlives the gauge
 * Returns: the gauge, or NULL with @errp set.
 */
RaminateGauge *raminate_gauge_new(const RaminateMemory *memory, Error **errp);
void raminate_gauge_free(RaminateGauge *gauge);         /* NULL is fine */

/*
 * Picks pages whose memory has not failed.  With the engine's lock.
 * @nr_pages: of the guest
 * @written, @nr: found written by the scan just made, which @engine has counted
 */
void raminate_gauge_pick_pages(RaminateGauge *gauge,
                               const RaminateEngine *engine, uint32_t nr_pages,
                               const uint32_t *written, size_t nr);

/*
 * Copies the pages picked.
 * @missed: returns those that are out of reach, RAMINATE_GAUGE_PAGES at most
 * Returns: the number of these.
 */
size_t raminate_gauge_take(RaminateGauge *gauge, uint32_t *missed);

/* Forgets what was taken, since the scan that follows is dropped. */
void raminate_gauge_drop(RaminateGauge *gauge);

/*
 * Compares the pages taken, where the scan found them written, with the
 * copies, which are forgotten.
 * @written, @nr: found written by the scan just made
 * @pages, @lines: return up to RAMINATE_GAUGE_PAGES pages, in ascending order,
 *                 and how many lines of each have changed
 * Returns: their number.
 */
size_t raminate_gauge_compare(RaminateGauge *gauge, const uint32_t *written,
                              size_t nr, uint32_t *pages, uint32_t *lines);

#endif

/*
 * RAMinate: what QEMU would have gauged, where the recording tells the traffic
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_GAUGE_H
#define RAMINATE_SIM_GAUGE_H

#include "trace.h"

typedef struct Gauge Gauge;

/*
 * @page_lines: in a page
 * Returns: what gauges, or NULL with @error set for lack of memory.
 */
Gauge *gauge_new(uint32_t nr_pages, uint32_t page_lines, GError **error);
void gauge_free(Gauge *gauge);

/*
 * Gauges pages picked in the step before, and picks others for the next.
 * @step: gauge_pages and gauge_lines are filled in
 */
void gauge_step(Gauge *gauge, TraceStep *step);

#endif
